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

/* ---- Deep stacks -------------------------------------------------------------------------- */

/** Left free below the deepest frame: for a switch, and what the C library's <fenv.h> needs. */
#define RESERVE 3072

/** Below a stack, to see whether anybody went beyond its end. */
#define DITCH 64

struct diver {
	void *sp;
	struct diver *other; /* NULL: dives alone, on the caller's stack */
	char *lowest;        /* end of its stack */
	unsigned depth_max;  /* of a lone diver; else how deep it came */
	int mode_shift;
	bool is_up;
	double result;
};

static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

static void pass_on(struct diver *self)
{
	if (self->other)
		weft__switch(&self->sp, self->other->sp);
}

static bool may_go_deeper(const struct diver *self, unsigned depth, const volatile char *frame)
{
	if (!self->other)
		return depth < self->depth_max;
	return (const char *)frame - self->lowest > RESERVE;
}

/*
 * Each level computes in a rounding mode of its own, with values that live across the
 * switches, and marks its frame.
 */
static __attribute__((noinline)) double dive(struct diver *self, unsigned depth, double from)
{
	int before = fegetround(), mode = modes[(depth + (unsigned)self->mode_shift) % 4];
	volatile char frame[48];
	double third, product, below = 0;

	fesetround(mode);
	for (unsigned i = 0; i < sizeof(frame); i++)
		frame[i] = (char)(depth + i);
	third = (from + depth) / 3;
	product = third * 0.7 + from / 7;
	pass_on(self);
	CHECK_INT(fegetround(), ==, mode);
	if (may_go_deeper(self, depth, frame))
		below = dive(self, depth + 1, product);
	else if (self->other)
		self->depth_max = depth;
	pass_on(self);
	CHECK_INT(fegetround(), ==, mode);
	for (unsigned i = 0; i < sizeof(frame); i++)
		CHECK_INT(frame[i], ==, (char)(depth + i));
	below += third / 3 - product;
	fesetround(before);
	return below;
}

static void dive_and_wait(void *arg)
{
	struct diver *self = arg;

	self->result = dive(self, 0, 1);
	self->is_up = true;
	for (;;) {
		if (self->other->is_up)
			weft__switch(&self->sp, main_sp);
		else
			pass_on(self);
	}
}

CHECK_CASE(two_deep_stacks_keep_their_frames_and_their_arithmetic)
{
	static _Alignas(16) char stacks[2][DITCH + STACK_SIZE];
	struct diver divers[2] = {{.other = &divers[1]}, {.other = &divers[0], .mode_shift = 1}};

	weft__switch_init();
	for (int i = 0; i < 2; i++) {
		memset(stacks[i], 0x5a, DITCH);
		divers[i].lowest = stacks[i] + DITCH;
		divers[i].sp = weft__switch_prepare(
			stacks[i] + sizeof(stacks[i]), dive_and_wait, &divers[i]);
	}
	weft__switch(&main_sp, divers[0].sp);
	CHECK_INT(fegetround(), ==, FE_TONEAREST);
	for (int i = 0; i < 2; i++) {
		struct diver alone = {
			.depth_max = divers[i].depth_max, .mode_shift = divers[i].mode_shift};

		CHECK(divers[i].is_up);
		CHECK_INT(divers[i].depth_max, >, 50);
		CHECK(dive(&alone, 0, 1) == divers[i].result);
		for (int k = 0; k < DITCH; k++)
			CHECK_INT(stacks[i][k], ==, 0x5a);
	}
}

CHECK_MAIN()
