/*
 * switch_min.c - yardstick: the fewest instructions that change the stack and come back.
 *
 * Prints nanoseconds per switch. The hop is inlined and tells the compiler that every
 * register is lost, so only the stack pointer, the frame pointer and the place to go on
 * are stored; no library can offer this behind a function call. The floating-point
 * control words are not kept. Where the processor is not known, swapcontext(3) stands in.
 */
#include "timed.h"

#define SWITCHES   (20 * 1000 * 1000)
#define STACK_SIZE (64 * 1024)

#if defined(__x86_64__) || defined(__aarch64__)

struct context {
	void *stack, *place, *frame;
};

static struct context main_context, other_context;
static char other_stack[STACK_SIZE] __attribute__((aligned(64)));

#if defined(__x86_64__)

static inline __attribute__((always_inline)) void hop(struct context *from, struct context *to)
{
	__asm__ volatile("movq %%rsp, 0(%%rdi)\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "movq %%rax, 8(%%rdi)\n\t"
			 "movq %%rbp, 16(%%rdi)\n\t"
			 "movq 0(%%rsi), %%rsp\n\t"
			 "movq 16(%%rsi), %%rbp\n\t"
			 "jmpq *8(%%rsi)\n"
			 "1:"
			 : "+D"(from), "+S"(to)
			 :
			 : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13",
			 "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
			 "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
			 "xmm15", "cc", "memory");
}

#else

static inline __attribute__((always_inline)) void hop(struct context *from, struct context *to)
{
	register struct context *x0 __asm__("x0") = from;
	register struct context *x1 __asm__("x1") = to;

	__asm__ volatile("mov x9, sp\n\t"
			 "adr x10, 1f\n\t"
			 "stp x9, x10, [x0]\n\t"
			 "str x29, [x0, #16]\n\t"
			 "ldp x9, x10, [x1]\n\t"
			 "ldr x29, [x1, #16]\n\t"
			 "mov sp, x9\n\t"
			 "br x10\n"
			 "1:"
			 : "+r"(x0), "+r"(x1)
			 :
			 : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
			 "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22",
			 "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3",
			 "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
			 "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24",
			 "v25", "v26", "v27", "v28", "v29", "v30", "v31", "cc", "memory");
}

#endif

static void other(void)
{
	for (;;)
		hop(&other_context, &main_context);
}

static void prepare(void)
{
	other_context.stack = other_stack + STACK_SIZE - 64;
#if defined(__x86_64__)
	/* As if called: a return address has been pushed on the aligned stack. */
	other_context.stack = other_stack + STACK_SIZE - 64 - 8;
#endif
	other_context.place = (void *)other;
}

static inline void there_and_back(void)
{
	hop(&main_context, &other_context);
}

#else

#include <ucontext.h>

static ucontext_t main_context, other_context;
static char other_stack[STACK_SIZE] __attribute__((aligned(64)));

static void other(void)
{
	for (;;)
		swapcontext(&other_context, &main_context);
}

static void prepare(void)
{
	getcontext(&other_context);
	other_context.uc_stack.ss_sp = other_stack;
	other_context.uc_stack.ss_size = STACK_SIZE;
	makecontext(&other_context, other, 0);
}

static inline void there_and_back(void)
{
	swapcontext(&main_context, &other_context);
}

#endif

int main(void)
{
	int64_t start;

	prepare();
	for (int i = 0; i < SWITCHES / 20; i++)
		there_and_back();
	start = limit_cpu();
	for (int i = 0; i < SWITCHES / 2; i++)
		there_and_back();
	printf("%.4f\n", (double)(limit_cpu() - start) / SWITCHES);
	return 0;
}
