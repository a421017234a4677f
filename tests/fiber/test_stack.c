/*
 * test_stack.c - stacks: guarded, pooled, given back to the kernel, one page when shallow.
 * check: drivers
 */
#include "fiber/stack.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "check.h"
#include "fiber/sanitize.h"
#include "weft/fiber.h"

#define CLASS     2 /* 64 KiB */
#define PAGE_SIZE ((size_t)4096)

/* Whether writing there ends a process by SIGSEGV or SIGBUS. */
static bool faults(volatile char *place)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		sigaction(SIGSEGV, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
		sigaction(SIGBUS, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
		*place = 1;
		_exit(0);
	}
	CHECK_INT(waitpid(pid, &status, 0), ==, pid);
	return WIFSIGNALED(status);
}

static void check_guards(void)
{
	struct weft__stack_pool pool = {0};

	for (int i = 0; i < 3; i++) {
		char *bottom = weft__stack_take(&pool, CLASS);

		CHECK(bottom != NULL);
		CHECK(!faults(bottom));
		CHECK(!faults(bottom + weft__stack_class_size(CLASS) - 1));
		CHECK(faults(bottom - 1));
		CHECK(faults(bottom - WEFT__STACK_GUARD));
	}
	weft__stack_pool_fini(&pool);
}

CHECK_CASE(a_stack_lies_above_a_guard_that_faults)
{
	check_guards();
	CHECK_INT(weft__stack_unguarded(), ==, 0);
}

#if defined(__x86_64__)

/* From now on this process has the madvise(2) of a kernel before 6.13. */
static void forget_guard_install(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 102, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};

	CHECK_INT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
	CHECK_INT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), ==, 0);
}

CHECK_CASE(an_older_kernel_guards_stacks_by_mprotect)
{
	forget_guard_install();
	check_guards();
	CHECK_INT(weft__stack_unguarded(), ==, 0);
}

CHECK_CASE(guards_by_mprotect_stay_within_a_budget_of_mappings)
{
	struct weft__stack_pool pool = {0};
	char line[256];
	size_t maps = 0;
	FILE *file;

	forget_guard_install();
	for (int i = 0; i < 20000; i++)
		CHECK(weft__stack_take(&pool, 0) != NULL);
	file = fopen("/proc/self/maps", "re");
	CHECK(file != NULL);
	while (fgets(line, sizeof(line), file))
		maps++;
	fclose(file);
	/* Half of the usual vm.max_map_count, and what else there is. */
	CHECK_INT(maps, <, 40000);
	CHECK_INT(weft__stack_unguarded(), >, 0);
	weft__stack_pool_fini(&pool);
}

#endif

CHECK_CASE(a_stack_given_back_is_the_next_one_taken)
{
	struct weft__stack_pool pool = {0};
	void *first = weft__stack_take(&pool, CLASS), *second = weft__stack_take(&pool, CLASS);

	CHECK(first != second);
	weft__stack_give(&pool, CLASS, first);
	CHECK(weft__stack_take(&pool, CLASS) == first);
	weft__stack_give(&pool, CLASS, first);
	weft__stack_give(&pool, CLASS, second);
	weft__stack_pool_fini(&pool);
}

static size_t resident(char *bottom)
{
	unsigned char pages[16];
	size_t count = 0;

	CHECK_INT(mincore(bottom, 16 * PAGE_SIZE, pages), ==, 0);
	for (int i = 0; i < 16; i++)
		count += pages[i] & 1;
	return count;
}

CHECK_CASE(stacks_that_are_not_needed_soon_have_given_back_their_pages)
{
	enum { COUNT = WEFT__STACK_HOT_MAX + 100 };
	static char *bottoms[COUNT];
	struct weft__stack_pool pool = {0};
	size_t hot = 0;

	for (int i = 0; i < COUNT; i++) {
		bottoms[i] = weft__stack_take(&pool, CLASS);
		memset(bottoms[i], 1, 2 * PAGE_SIZE);
		CHECK_INT(resident(bottoms[i]), >=, 2);
	}
	for (int i = 0; i < COUNT; i++)
		weft__stack_give(&pool, CLASS, bottoms[i]);
	for (int i = 0; i < COUNT; i++)
		hot += resident(bottoms[i]) > 0;
	CHECK_INT(hot, <=, WEFT__STACK_HOT_MAX + 1);
	CHECK_INT(hot, >, WEFT__STACK_HOT_MAX / 2);
	weft__stack_pool_fini(&pool);
	for (int i = 0; i < COUNT; i++)
		CHECK_INT(resident(bottoms[i]), ==, 0);
}

CHECK_CASE(an_address_tells_its_stack)
{
	char *bottom = weft__stack_take(NULL, CLASS);
	void *found;
	size_t size;
	bool is_in_guard;

	CHECK(weft__stack_find(bottom + 100, &found, &size, &is_in_guard));
	CHECK(found == bottom && size == 65536 && !is_in_guard);
	CHECK(weft__stack_find(bottom - 1, &found, &size, &is_in_guard));
	CHECK(found == bottom && is_in_guard);
	CHECK(!weft__stack_find(&found, &found, &size, &is_in_guard));
	weft__stack_give(NULL, CLASS, bottom);
}

#if !defined(WEFT_ASAN) && !defined(WEFT_TSAN)

static long resident_bytes(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	CHECK(file != NULL);
	CHECK_INT(fscanf(file, "%*d %ld", &pages), ==, 1);
	fclose(file);
	return pages * (long)PAGE_SIZE;
}

static int park(void *arg)
{
	(void)arg;
	return weft_sleep(INT64_MAX) < 0;
}

static int park_many(void *arg)
{
	const int count = 20000;
	long before = resident_bytes();

	(void)arg;
	for (int i = 0; i < count; i++)
		CHECK(weft_spawn(park, NULL) != 0);
	weft_yield();
	CHECK_INT((resident_bytes() - before) / count, <=, 4608);
	return 0;
}

CHECK_CASE(a_parked_fiber_costs_one_page_and_a_record)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 1}, park_many, NULL), ==, 0);
}

#endif

CHECK_MAIN()
