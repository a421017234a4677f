/*
 * child_switch.c - weft's side of switch: nanoseconds per hop from stack to stack.
 *
 * Entry points: child_switch().
 * The bare switch has no public header yet: the two functions below are the runtime's
 * own (src/fiber/switch.h), declared here so that src/ stays out of sight. No other
 * benchmark looks behind include/weft/.
 */
#include "child.h"

void weft__switch(void **ret_sp, void *sp);
void *weft__switch_prepare(void *top, void (*entry)(void *arg), void *arg);

#define SWITCHES   (20 * 1000 * 1000)
#define STACK_SIZE (64 * 1024)

static void *parked_sp[2];
static char other_stack[STACK_SIZE] __attribute__((aligned(64)));

/*
 * Both sides leave by the same call, as all fibers do (they leave in the scheduler), so
 * the processor guesses each return right.
 */
static __attribute__((noinline)) void bounce(unsigned mine, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		weft__switch(&parked_sp[mine], parked_sp[!mine]);
}

static void answer(void *arg)
{
	(void)arg;
	for (;;)
		bounce(1, SWITCHES);
}

int child_switch(const char *argument)
{
	int64_t start;

	(void)argument;
	parked_sp[1] = weft__switch_prepare(other_stack + STACK_SIZE, answer, NULL);
	bounce(0, SWITCHES / 20);
	start = bench_cpu();
	bounce(0, SWITCHES / 2);
	printf("%.4f\n", (double)(bench_cpu() - start) / SWITCHES);
	return 0;
}
