/*
 * child_process.c - weft's side of process: /bin/true, and a function, started and joined; from a
 * small parent and from one that has touched 1 GiB. In us of CPU time, its own and the
 * children's.
 *
 * Entry points: child_process().
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "child.h"
#include "weft/process.h"

#define STARTS   100
#define BIG_SIZE ((size_t)1 << 30)
#define BIG_PART 12

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

static struct weft_process *make_program(void)
{
	static const char *const words[] = {"/bin/true", NULL};

	return weft_process_new_program(NULL, words);
}

static struct weft_process *make_function(void)
{
	return weft_process_new(NULL, nothing, NULL);
}

static void start(struct weft_process *process)
{
	if (!process || weft_process_start(process) < 0 ||
		weft_process_join(process, NULL, WEFT_FOREVER) < 0)
		exit(1);
	weft_process_free(process);
}

static int64_t cpu_of(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return WEFT_SECONDS(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       WEFT_MICROSECONDS(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* Of the children that were waited for, too. */
static int64_t cpu_of_all(void)
{
	return cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN);
}

static double measure(struct weft_process *(*make)(void), int count)
{
	int64_t began;

	start(make());
	began = cpu_of_all();
	for (int i = 0; i < count; i++)
		start(make());
	return (double)(cpu_of_all() - began) / count / 1000;
}

int child_process(const char *argument)
{
	double program = measure(make_program, STARTS), function = measure(make_function, STARTS);
	char *big =
		mmap(NULL, BIG_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)argument;
	if (big == MAP_FAILED)
		return 1;
	madvise(big, BIG_SIZE, MADV_NOHUGEPAGE);
	memset(big, 1, BIG_SIZE);
	printf("%.1f %.1f %.1f %.1f\n", program, measure(make_program, STARTS), function,
		measure(make_function, STARTS / BIG_PART));
	return 0;
}
