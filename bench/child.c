/*
 * child.c - weft's own side: weft-bench run by itself as a contender.
 *
 * Entry points: child_run().
 */
#include "bench.h"

int child_run(const char *name, const char *argument)
{
	(void)argument;
	fprintf(stderr, "weft-bench: no contender \"%s\"\n", name);
	return 2;
}
