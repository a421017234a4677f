/*
 * park_pages.c - yardstick: COUNT stacks of one touched page each, and nothing else.
 *
 *	park_pages [COUNT]
 *
 * Prints resident bytes per stack and nanoseconds per stack. Below one page per stack
 * no fiber with a stack of its own can go.
 */
#include "timed.h"

#include <sys/mman.h>
#include <unistd.h>

#define STACK_SIZE ((size_t)64 * 1024)

static long resident_pages(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long size, resident = 0;

	if (file == NULL || fscanf(file, "%ld %ld", &size, &resident) != 2)
		exit(1);
	fclose(file);
	return resident;
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	long page = sysconf(_SC_PAGESIZE), before = resident_pages();
	char *arena = mmap(NULL, count * STACK_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int64_t start, end;

	if (arena == MAP_FAILED || count == 0)
		return 1;
	/* A huge page would be charged to the first stack that touches it. */
	madvise(arena, count * STACK_SIZE, MADV_NOHUGEPAGE);
	start = limit_now();
	for (size_t i = 1; i <= count; i++)
		arena[i * STACK_SIZE - 64] = 1;
	end = limit_now();
	printf("%.1f %.1f\n", (double)(resident_pages() - before) * (double)page / (double)count,
		(double)(end - start) / (double)count);
	return 0;
}
