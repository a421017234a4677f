/*
 * test_switch.c - what must survive a switch from stack to stack.
 * check: aarch64
 */
#include "fiber/switch.h"

#include <execinfo.h>
#include <fenv.h>

#include "check.h"

#define STACK_SIZE ((size_t)64 * 1024)

static void *main_sp, *other_sp;

static void back(void)
{
	weft__switch(&other_sp, main_sp);
}

static void start(void (*entry)(void *arg), void *arg)
{
	static _Alignas(16) char stack[STACK_SIZE];

	other_sp = weft__switch_prepare(stack + sizeof(stack), entry, arg);
	weft__switch(&main_sp, other_sp);
}

/* ---- Registers ------------------------------------------------------------------- */

/*
 * Fill every callee-saved register but the frame pointer with values made from `base`,
 * switch, and return whether they are all as they were.
 */
__attribute__((noinline)) static bool registers_survive(void **ret_sp, void *sp, uint64_t base)
{
	uint64_t seen[5] = {0};
#if defined(__x86_64__)
	register uint64_t rbx __asm__("rbx") = base + 1;
	register uint64_t r12 __asm__("r12") = base + 2;
	register uint64_t r13 __asm__("r13") = base + 3;
	register uint64_t r14 __asm__("r14") = base + 4;
	register uint64_t r15 __asm__("r15") = base + 5;

	/* Aligned by hand: the compiler doesn't know that the asm calls. */
	__asm__ volatile(
		"push %%rbp\n\tmov %%rsp, %%rbp\n\tsub $128, %%rsp\n\tand $-16, %%rsp\n\t"
		"call weft__switch\n\tmov %%rbp, %%rsp\n\tpop %%rbp"
		: "+r"(rbx), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15), "+D"(ret_sp), "+S"(sp)
		:
		: "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
	seen[0] = rbx, seen[1] = r12, seen[2] = r13, seen[3] = r14, seen[4] = r15;
#elif defined(__aarch64__)
	register uint64_t x19 __asm__("x19") = base + 1;
	register uint64_t x21 __asm__("x21") = base + 2;
	register uint64_t x24 __asm__("x24") = base + 3;
	register uint64_t x28 __asm__("x28") = base + 4;
	register double d9 __asm__("d9") = (double)(base + 5);
	register void **x0 __asm__("x0") = ret_sp;
	register void *x1 __asm__("x1") = sp;

	__asm__ volatile("bl weft__switch"
			 : "+r"(x19), "+r"(x21), "+r"(x24), "+r"(x28), "+w"(d9), "+r"(x0), "+r"(x1)
			 :
			 : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
			 "x13", "x14", "x15", "x16", "x17", "x18", "x30", "v0", "v1", "v2", "v3",
			 "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21", "v22",
			 "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "memory",
			 "cc");
	seen[0] = x19, seen[1] = x21, seen[2] = x24, seen[3] = x28, seen[4] = (uint64_t)d9;
#endif
	for (uint64_t i = 0; i < 5; i++)
		if (seen[i] != base + 1 + i)
			return false;
	return true;
}

static void other_registers(void *arg)
{
	(void)arg;
	for (uint64_t i = 0;; i++)
		CHECK(registers_survive(&other_sp, main_sp, 0x1000 + i * 16));
}

CHECK_CASE(callee_saved_registers_survive)
{
	weft__switch_init();
	start(other_registers, NULL);
	for (uint64_t i = 0; i < 100; i++)
		CHECK(registers_survive(&main_sp, other_sp, 0x200000 + i * 16));
}

/* ---- The first frame ----------------------------------------------------------------- */

static void *seen_arg;
static uintptr_t seen_local;

static void look_around(void *arg)
{
	_Alignas(16) volatile char local[16];

	seen_arg = arg;
	local[0] = 0;
	seen_local = (uintptr_t)local;
	for (;;)
		back();
}

CHECK_CASE(the_entry_gets_its_argument_and_an_aligned_stack)
{
	int arg;

	weft__switch_init();
	start(look_around, &arg);
	CHECK(seen_arg == &arg);
	CHECK_INT(seen_local % 16, ==, 0);
}

static int frames;

static void count_frames(void *arg)
{
	void *addresses[64];

	(void)arg;
	frames = backtrace(addresses, 64);
	for (;;)
		back();
}

CHECK_CASE(a_walk_up_the_frames_ends_at_the_first)
{
	weft__switch_init();
	start(count_frames, NULL);
	CHECK_INT(frames, >=, 1);
	CHECK_INT(frames, <=, 4);
}

/* ---- Floating point --------------------------------------------------------------------- */

static void round_down(void *arg)
{
	(void)arg;
	CHECK_INT(fegetround(), ==, FE_TONEAREST); /* not its creator's */
	fesetround(FE_DOWNWARD);
	for (;;) {
		volatile double one = 1, ten = 10;

		CHECK(one / ten < 0.1); /* the nearest, as the compiler takes it, is above */
		CHECK_INT(fegetround(), ==, FE_DOWNWARD);
		back();
	}
}

CHECK_CASE(the_rounding_mode_goes_with_the_stack)
{
	volatile double one = 1, three = 3, up, nearest = one / three;

	weft__switch_init();
	fesetround(FE_UPWARD);
	up = one / three;
	CHECK(up > nearest);
	start(round_down, NULL);
	for (int i = 0; i < 10; i++) {
		CHECK_INT(fegetround(), ==, FE_UPWARD);
		CHECK(one / three == up);
		weft__switch(&main_sp, other_sp);
	}
	fesetround(FE_TONEAREST);
	weft__switch(&main_sp, other_sp);
	CHECK_INT(fegetround(), ==, FE_TONEAREST);
	CHECK(one / three == nearest);
}

CHECK_MAIN()
