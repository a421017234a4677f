/*
 * park_pages.c - yardstick: COUNT stacks of one touched page each, and nothing else.
 *
 *	park_pages [COUNT]
 *
 * Prints resident bytes, bytes of page tables and nanoseconds, all per stack. Below one page per
 * stack no fiber with a stack of its own can go.
 */
#include "timed.h"

#include <string.h>
#include <sys/mman.h>

#define STACK_SIZE ((size_t)64 * 1024)

struct memory {
	double resident, tables; /* bytes */
};

static struct memory memory_now(void)
{
	struct memory memory = {0};
	char line[256];
	FILE *file = fopen("/proc/self/status", "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "VmRSS:", 6) == 0)
			memory.resident = strtod(line + 6, NULL) * 1024;
		if (strncmp(line, "VmPTE:", 6) == 0)
			memory.tables = strtod(line + 6, NULL) * 1024;
	}
	if (file != NULL)
		fclose(file);
	return memory;
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	struct memory before = memory_now(), after;
	char *arena = mmap(NULL, count * STACK_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int64_t start, end;

	if (arena == MAP_FAILED || count == 0)
		return 1;
	/* A huge page would be charged to the first stack that touches it. */
	madvise(arena, count * STACK_SIZE, MADV_NOHUGEPAGE);
	start = limit_cpu();
	for (size_t i = 1; i <= count; i++)
		arena[i * STACK_SIZE - 64] = 1;
	end = limit_cpu();
	after = memory_now();
	printf("%.1f %.1f %.1f\n", (after.resident - before.resident) / (double)count,
		(after.tables - before.tables) / (double)count,
		(double)(end - start) / (double)count);
	return 0;
}
