/*
 * test_overflow.c - a stack overflow names its fiber; other faults are left alone.
 * check: drivers
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "check.h"
#include "fiber/sanitize.h"
#include "weft/fiber.h"

/* What a program that runs fn as its first fiber says on stderr, and how it ends. */
static int run_and_listen(weft_fiber_fn *fn, void *arg, char *ret_said, size_t size)
{
	int fds[2], status;
	size_t len = 0;
	ssize_t count;
	pid_t pid;

	CHECK_INT(pipe(fds), ==, 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		const struct weft_run_options options = {.workers = 2};

		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		dup2(fds[1], STDERR_FILENO);
		_exit(weft_run(&options, fn, arg));
	}
	close(fds[1]);
	while (len < size - 1 && (count = read(fds[0], ret_said + len, size - 1 - len)) > 0)
		len += (size_t)count;
	ret_said[len] = '\0';
	close(fds[0]);
	CHECK_INT(waitpid(pid, &status, 0), ==, pid);
	return status;
}

static int sink;

__attribute__((noinline)) static int recurse(int depth);

static int recurse(int depth)
{
	volatile char frame[512];

	frame[0] = (char)depth;
	sink += frame[0];
	return depth < INT32_MAX ? recurse(depth + 1) + frame[0] : 0;
}

static int too_deep(void *arg)
{
	(void)arg;
	return recurse(0);
}

static int spawn_too_deep(void *arg)
{
	struct weft_spawn_options options = {
		.name = "deep diver", .worker = (unsigned)(uintptr_t)arg};

	return weft_join(weft_spawn_with(&options, too_deep, NULL), NULL, WEFT_FOREVER);
}

static void check_overflow_is_named(uintptr_t worker)
{
	char said[65536];
	int status = run_and_listen(spawn_too_deep, (void *)worker, said, sizeof(said));

#if !defined(WEFT_ASAN) && !defined(WEFT_TSAN)
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
#else
	CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
#endif
	CHECK(strstr(said, "fiber \"deep diver\" overflowed its stack of 65536 bytes"));
	CHECK(strstr(said, "recurse") || strstr(said, "test_overflow"));
}

CHECK_CASE(an_overflow_names_its_fiber_and_the_stacks_size_and_shows_the_frames)
{
	check_overflow_is_named(1);
}

CHECK_CASE(an_overflow_on_another_worker_does_too)
{
	check_overflow_is_named(2);
}

static int touch_null(void *arg)
{
	*(volatile int *)arg = 1;
	return 0;
}

CHECK_CASE(any_other_fault_is_not_called_an_overflow)
{
	/* A page that is no stack, and not NULL: the compiler has nothing to say. */
	char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char said[65536];
	int status = run_and_listen(touch_null, page, said, sizeof(said));

	CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
	CHECK(!strstr(said, "overflowed"));
	CHECK(!strstr(said, "outside its stack"));
}

#if defined(__x86_64__) || defined(__aarch64__)
/* As a function does whose array is larger than the guard: the first thing it stores is a page
 * that is nobody's. */
static int step_over_the_guard(void *arg)
{
#if defined(__x86_64__)
	__asm__ volatile("mov %0, %%rsp\n\tpush %%rax" : : "r"(arg) : "memory");
#else
	__asm__ volatile("mov sp, %0\n\tstr xzr, [sp, #-16]!" : : "r"(arg) : "memory");
#endif
	__builtin_unreachable();
}

static int spawn_a_strayer(void *arg)
{
	struct weft_spawn_options options = {.name = "strayer"};

	return weft_join(weft_spawn_with(&options, step_over_the_guard, arg), NULL, WEFT_FOREVER);
}

CHECK_CASE(who_is_on_no_stack_of_its_own_is_named)
{
	char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char said[65536];
	int status = run_and_listen(spawn_a_strayer, page + 2048, said, sizeof(said));

	CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
	CHECK(strstr(said, "weft: fiber \"strayer\" was outside its stack when it met a fault"));
	CHECK(!strstr(said, "overflowed"));
}
#endif

static void exit_7(int number)
{
	(void)number;
	_exit(7);
}

CHECK_CASE(the_programs_own_handler_is_called_still)
{
	char said[65536];
	int status;

	CHECK_INT(sigaction(SIGSEGV,
			  &(struct sigaction){.sa_handler = exit_7, .sa_flags = SA_ONSTACK}, NULL),
		==, 0);
	status = run_and_listen(spawn_too_deep, (void *)1, said, sizeof(said));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	CHECK(strstr(said, "overflowed"));
}

static int send_itself(void *arg)
{
	(void)arg;
	kill(getpid(), SIGSEGV);
	weft_sleep(WEFT_MILLISECONDS(100));
	return 0;
}

CHECK_CASE(a_signal_that_was_sent_ends_the_program_as_ever)
{
	char said[65536];
	int status = run_and_listen(send_itself, NULL, said, sizeof(said));

	CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
	CHECK(!strstr(said, "overflowed"));
}

CHECK_MAIN()
