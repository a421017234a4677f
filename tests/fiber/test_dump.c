/*
 * test_dump.c - every fiber listed with where it waits; counters; stuck fibers and
 * deadlocks told of (include/weft/debug.h, fiber.h).
 * check: tsan drivers
 */
#include "weft/debug.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "check.h"
#include "weft/fiber.h"
#include "weft/gen.h"
#include "weft/scope.h"
#include "weft/socket.h"

#define HOUR WEFT_SECONDS(3600)

static char text[256 * 1024];

/* What was written to fd, from its beginning. */
static const char *text_of(int fd)
{
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	CHECK(len >= 0);
	text[len] = '\0';
	return text;
}

static const char *dump(void)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_INT(weft_dump(fd), ==, 0);
	text_of(fd);
	close(fd);
	return text;
}

/* The lines of one fiber: from its name to the next fiber's line. */
static const char *lines_of(const char *name)
{
	static char lines[4096];
	char begin[64];
	const char *from, *to;

	snprintf(begin, sizeof(begin), "fiber \"%s\" #", name);
	from = strstr(text, begin);
	if (!from)
		check_fail(__FILE__, __LINE__, "no fiber %s in:\n%s", name, text);
	to = strstr(from + 1, "\nfiber \"");
	snprintf(lines, sizeof(lines), "%.*s", to ? (int)(to - from) + 1 : (int)strlen(from), from);
	return lines;
}

#define CHECK_HAS(haystack, needle)                                                      \
	do {                                                                             \
		const char *h_ = (haystack);                                             \
		if (!strstr(h_, needle))                                                 \
			check_fail(__FILE__, __LINE__, "no \"%s\" in:\n%s", needle, h_); \
	} while (0)

static void spawn(const char *name, unsigned worker, weft_fiber_fn *fn, void *arg)
{
	struct weft_spawn_options options = {.name = name, .worker = worker, .detached = true};

	CHECK(weft_spawn_with(&options, fn, arg));
}

/* ---- The list -------------------------------------------------------------------- */

static int sleep_long(void *arg)
{
	(void)arg;
	return weft_sleep(HOUR);
}

static int join_it(void *id)
{
	return weft_join((weft_fiber_id)(uintptr_t)id, NULL, WEFT_FOREVER);
}

static int read_pipe(void *fds)
{
	char byte;
	ssize_t len = -1;

	WEFT_WITH_TIMEOUT (HOUR)
		len = weft_read(((int *)fds)[0], &byte, 1);
	return (int)len;
}

__attribute__((noinline)) int wait_at_the_bottom(int depth);
int wait_at_the_bottom(int depth)
{
	volatile int here = depth;

	if (depth > 0)
		return wait_at_the_bottom(depth - 1) + here;
	return weft_sleep(HOUR) + here;
}

static int go_down(void *arg)
{
	(void)arg;
	return wait_at_the_bottom(3) + 1;
}

static int yield_and_sleep(struct weft_gen *gen, void *arg)
{
	(void)arg;
	weft_gen_yield(gen, gen);
	return wait_at_the_bottom(0) + 1;
}

static int run_generator(void *arg)
{
	struct weft_gen *gen = weft_gen_new(yield_and_sleep, NULL, NULL);
	void *value;

	(void)arg;
	while (weft_gen_next(gen, &value))
		;
	weft_gen_free(gen);
	return 0;
}

/* Whether all are where they are going to wait, and both workers have answered in time. */
static bool all_have_been_told(void)
{
	static const char *const waits[] = {"sleeper\" #", "sleeps, for ", "joiner\" #",
		" s for the end of fiber ", "piper\" #", " (pipe:[", "pairer\" #",
		"(unix unnamed with unnamed)", "deep\" #", "generating\" #",
		"in coroutine \"generator\""};

	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++)
		if (!strstr(text, waits[i]))
			return false;
	return true;
}

static int list_everybody(void *arg)
{
	const struct weft_spawn_options options = {.name = "sleeper", .worker = 1};
	const struct weft_spawn_options late = {.name = "unstarted", .worker = 1};
	weft_fiber_id sleeper = weft_spawn_with(&options, sleep_long, NULL), unstarted;
	int pipe[2], pair[2];

	(void)arg;
	CHECK_INT(weft_pipe(pipe), ==, 0);
	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
	spawn("joiner", 2, join_it, (void *)(uintptr_t)sleeper);
	spawn("piper", 1, read_pipe, pipe);
	spawn("pairer", 2, read_pipe, pair);
	spawn("deep", 1, go_down, NULL);
	spawn("generating", 2, run_generator, NULL);
	for (;;) { /* or the case's time ends */
		CHECK((unstarted = weft_spawn_with(&late, sleep_long, NULL)) != 0);
		dump();
		if (all_have_been_told())
			break;
		weft_cancel(unstarted);
		CHECK_INT(weft_join(unstarted, NULL, WEFT_FOREVER), ==, 0);
		weft_sleep(WEFT_MILLISECONDS(5));
	}
	CHECK_HAS(text, "weft: 8 fibers, 2 workers, driver ");
	CHECK_HAS(lines_of("main"), " on worker 0: runs\n");
	CHECK_HAS(lines_of("sleeper"), "sleeps, for ");
	CHECK_HAS(lines_of("joiner"), " on worker 1: waits ");
	CHECK_HAS(lines_of("joiner"), " s for the end of fiber \"sleeper\" #");
	CHECK_HAS(lines_of("piper"), " s to read descriptor ");
	CHECK_HAS(lines_of("piper"), " (pipe:[");
	CHECK_HAS(lines_of("piper"), " s to its deadline");
	CHECK_HAS(lines_of("pairer"), "(unix unnamed with unnamed)");
	CHECK_HAS(lines_of("unstarted"), " on worker 0: has not started\n");
	CHECK_HAS(lines_of("generating"), "in coroutine \"generator\"");
	weft_cancel(unstarted);
	return weft_join(unstarted, NULL, WEFT_FOREVER);
}

CHECK_CASE(a_list_says_of_each_fiber_what_it_waits_for)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, list_everybody, NULL), ==, 0);
}

static int count_of(const char *haystack, const char *needle)
{
	int count = 0;

	while ((haystack = strstr(haystack, needle))) {
		haystack++;
		count++;
	}
	return count;
}

static int list_frames(void *arg)
{
	(void)arg;
	spawn("deep", 1, go_down, NULL);
	spawn("generating", 1, run_generator, NULL);
	weft_sleep(WEFT_MILLISECONDS(5));
	for (int again = 0; again < 3; again++) {
		dump();
		CHECK_INT(count_of(lines_of("deep"), "wait_at_the_bottom"), ==, 4);
		CHECK_HAS(lines_of("deep"), "go_down");
		CHECK_HAS(lines_of("deep"), "test_dump.c:");
		CHECK_HAS(lines_of("generating"), "yield_and_sleep");
		CHECK_INT(count_of(text, "weft__fiber_main"), ==, 0);
	}
	return 0;
}

CHECK_CASE(a_list_has_the_backtrace_of_each_fiber)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 1}, list_frames, NULL), ==, 0);
}

static int keep_float(void *arg)
{
	double sum = 0;

	for (int i = 1; i <= 200; i++) {
		errno = i;
		weft_sleep(WEFT_MICROSECONDS(20));
		CHECK_INT(errno, ==, i);
		sum += 1.0 / i;
	}
	CHECK(sum > 5.878 && sum < 5.8781);
	atomic_fetch_add((atomic_int *)arg, 1);
	return 0;
}

static int list_busy_ones(void *arg)
{
	static atomic_int ended;

	(void)arg;
	for (unsigned i = 0; i < 20; i++)
		spawn("busy", 1 + i % 2, keep_float, &ended);
	while (atomic_load(&ended) < 20) {
		dump();
		weft_sleep(WEFT_MICROSECONDS(500));
	}
	return 0;
}

CHECK_CASE(being_listed_changes_nothing_for_a_fiber)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, list_busy_ones, NULL), ==, 0);
}

static atomic_bool is_computing, is_released;

__attribute__((noinline)) static int compute(void *arg)
{
	(void)arg;
	atomic_store(&is_computing, true);
	while (!atomic_load(&is_released))
		;
	return 0;
}

static int list_stuck(void *arg)
{
	(void)arg;
	spawn("stuck", 2, compute, NULL);
	while (!atomic_load(&is_computing))
		weft_sleep(WEFT_MILLISECONDS(1));
	dump();
	atomic_store(&is_released, true);
	CHECK_HAS(text, "worker 1 has been busy with fiber \"stuck\" #");
	CHECK_HAS(text, "without giving way\n\t");
	return 0;
}

CHECK_CASE(a_worker_that_does_not_answer_is_listed_by_what_it_does)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, list_stuck, NULL), ==, 0);
}

static void *list_from_outside(void *arg)
{
	do {
		dump();
		CHECK_HAS(text, "fiber \"main\" #");
	} while (!strstr(text, "sleeps, for")); /* it may be on its way there for long */
	weft_cancel(*(weft_fiber_id *)arg);
	return NULL;
}

static int be_listed(void *arg)
{
	weft_fiber_id self = weft_self();
	pthread_t thread;

	(void)arg;
	CHECK_INT(pthread_create(&thread, NULL, list_from_outside, &self), ==, 0);
	CHECK_ERRNO(weft_sleep(HOUR), ECANCELED);
	pthread_join(thread, NULL);
	return 0;
}

CHECK_CASE(a_thread_outside_may_list_and_needs_a_run_for_it)
{
	struct weft_counters counters;

	CHECK_ERRNO(weft_dump(STDERR_FILENO), ENOTSUP);
	CHECK_ERRNO(weft_counters(-1, &counters), ENOTSUP);
	CHECK_INT(weft_run(NULL, be_listed, NULL), ==, 0);
}

/* ---- Counters ------------------------------------------------------------------------ */

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

static int count(void *arg)
{
	struct weft_counters before, after, each;
	int pipe[2];
	char byte = 0;

	(void)arg;
	CHECK_INT(weft_pipe(pipe), ==, 0);
	CHECK_INT(weft_counters(-1, &before), ==, 0);
	for (int i = 0; i < 100; i++)
		weft_join(weft_spawn(nothing, NULL), NULL, WEFT_FOREVER);
	for (int i = 0; i < 10; i++) {
		CHECK_INT(weft_write(pipe[1], &byte, 1), ==, 1);
		CHECK_INT(weft_read(pipe[0], &byte, 1), ==, 1);
	}
	CHECK_INT(weft_counters(-1, &after), ==, 0);
	CHECK_INT(after.spawned - before.spawned, ==, 100);
	CHECK_INT(after.ended - before.ended, ==, 100);
	CHECK_INT(after.parks - before.parks, ==, 100);
	CHECK_INT(after.switches - before.switches, ==, 200);
	CHECK_INT(after.reads - before.reads, ==, 10);
	CHECK_INT(after.writes - before.writes, ==, 10);
	CHECK_INT(weft_counters(0, &each), ==, 0);
	CHECK_INT(each.spawned, ==, after.spawned);
	CHECK_ERRNO(weft_counters(1, &each), EINVAL);
	CHECK_ERRNO(weft_counters(-2, &each), EINVAL);
	weft_close(pipe[0]);
	weft_close(pipe[1]);
	return 0;
}

CHECK_CASE(counters_count)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 1}, count, NULL), ==, 0);
}

/* ---- Standard error, caught ------------------------------------------------------------- */

static int caught_fd;

static void catch_stderr(void)
{
	caught_fd = memfd_create("stderr", 0);
	CHECK(caught_fd >= 0 && dup2(caught_fd, STDERR_FILENO) == STDERR_FILENO);
}

static bool has_been_said(const char *what)
{
	return strstr(text_of(caught_fd), what) != NULL;
}

static void forget_what_was_said(void)
{
	CHECK_INT(ftruncate(caught_fd, 0), ==, 0);
	CHECK_INT(lseek(caught_fd, 0, SEEK_SET), ==, 0);
}

static int raise_and_wait(void *arg)
{
	(void)arg;
	raise(SIGUSR2);
	while (!has_been_said("fiber \"main\" #"))
		weft_sleep(WEFT_MILLISECONDS(1));
	return 0;
}

CHECK_CASE(a_signal_lists_the_fibers)
{
	CHECK_ERRNO(weft_dump_on_signal(SIGKILL), EINVAL);
	CHECK_ERRNO(weft_dump_on_signal(-1), EINVAL);
	CHECK_INT(weft_dump_on_signal(SIGUSR2), ==, 0);
	catch_stderr();
	CHECK_INT(weft_run(NULL, raise_and_wait, NULL), ==, 0);
	CHECK_INT(weft_run(NULL, raise_and_wait, NULL), ==, 0);
	CHECK_INT(weft_dump_on_signal(0), ==, 0);
	CHECK_INT(weft_run(NULL, nothing, NULL), ==, 0);
}

static int choose_the_signal_inside(void *arg)
{
	CHECK_ERRNO(weft_dump_on_signal(32), EINVAL); /* glibc's own: it takes no handler */
	CHECK_INT(weft_dump_on_signal(SIGUSR1), ==, 0);
	CHECK_INT(weft_dump_on_signal(SIGUSR2), ==, 0);
	raise_and_wait(arg);
	CHECK_INT(weft_dump_on_signal(SIGUSR2), ==, 0);
	forget_what_was_said();
	raise_and_wait(arg);
	return 0;
}

static int take_the_signal_back_inside(void *arg)
{
	struct sigaction usual;

	(void)arg;
	CHECK_INT(weft_dump_on_signal(0), ==, 0);
	CHECK_INT(sigaction(SIGUSR2, NULL, &usual), ==, 0);
	CHECK(usual.sa_handler == SIG_IGN);
	return 0;
}

CHECK_CASE(a_signal_chosen_during_a_run_counts_from_then_on)
{
	struct sigaction usual;

	CHECK_INT(sigaction(SIGUSR2, &(struct sigaction){.sa_handler = SIG_IGN}, NULL), ==, 0);
	catch_stderr();
	CHECK_INT(weft_run(NULL, choose_the_signal_inside, NULL), ==, 0);
	CHECK_INT(sigaction(SIGUSR2, NULL, &usual), ==, 0);
	CHECK(usual.sa_handler == SIG_IGN);
	forget_what_was_said();
	CHECK_INT(weft_run(NULL, raise_and_wait, NULL), ==, 0);
	CHECK_INT(weft_run(NULL, take_the_signal_back_inside, NULL), ==, 0);
}

static int be_watched(void *arg)
{
	(void)arg;
	spawn("hog", 2, compute, NULL);
	weft_sleep(WEFT_MILLISECONDS(100)); /* a worker that sleeps is not stuck */
	while (!has_been_said("weft: worker 1 has been busy with fiber \"hog\" #"))
		weft_sleep(WEFT_MILLISECONDS(1));
	atomic_store(&is_released, true);
	return 0;
}

CHECK_CASE(the_watchdog_tells_of_a_fiber_that_keeps_its_worker)
{
	struct weft_run_options options = {.workers = 2, .watchdog_ns = WEFT_MILLISECONDS(10)};

	catch_stderr();
	CHECK_INT(weft_run(&options, be_watched, NULL), ==, 0);
	CHECK_INT(count_of(text_of(caught_fd), "has been busy with fiber \"hog\""), ==, 1);
}

/* Busy again and again, each time for less than is too long. */
static int be_busy_within_the_limit(void *arg)
{
	int64_t limit_ns = *(int64_t *)arg;

	for (int i = 0; i < 8; i++) {
		int64_t until = weft_now() + limit_ns * 3 / 4;

		while (weft_now() < until)
			;
		weft_sleep(1);
	}
	return 0;
}

/*
 * A machine that lets us stand still may make it true after all: so it is not that nobody was
 * told of, but that nobody was for less.
 */
static void check_nobody_was_told_of_within(double limit_s)
{
	double busy_s;

	for (const char *at = text_of(caught_fd); (at = strstr(at, "has been busy with"));) {
		CHECK((at = strstr(at, " for ")) && sscanf(at, " for %lf s", &busy_s) == 1);
		CHECK(busy_s >= limit_s);
	}
}

CHECK_CASE(the_watchdog_tells_of_nobody_within_the_limit)
{
	int64_t limit_ns = WEFT_MILLISECONDS(200);
	struct weft_run_options options = {.workers = 1, .watchdog_ns = limit_ns};

	catch_stderr();
	CHECK_INT(weft_run(&options, be_busy_within_the_limit, &limit_ns), ==, 0);
	check_nobody_was_told_of_within(0.2);
}

static int keep_worker_until_the_end(void *arg)
{
	int64_t until = weft_now() + *(int64_t *)arg * 3 / 4;

	while (weft_now() < until)
		;
	return 0;
}

CHECK_CASE(the_watchdog_says_nothing_of_a_run_that_ends)
{
	int64_t limit_ns = WEFT_MILLISECONDS(400);
	struct weft_run_options options = {.workers = 1, .watchdog_ns = limit_ns};

	catch_stderr();
	for (int i = 0; i < 3; i++)
		CHECK_INT(weft_run(&options, keep_worker_until_the_end, &limit_ns), ==, 0);
	check_nobody_was_told_of_within(0.4);
}

/* ---- What is left behind ------------------------------------------------------------------ */

static int leave_things(void *arg)
{
	struct weft_spawn_options options = {.name = "forgotten"};
	int *fds = arg;

	CHECK(weft_spawn_with(&options, nothing, NULL));
	CHECK_INT(weft_join(weft_spawn(nothing, NULL), NULL, WEFT_FOREVER), ==, 0);
	return weft_pipe(fds) + weft_close(fds[1]);
}

CHECK_CASE(what_a_run_leaves_behind_is_told_when_asked_for)
{
	struct weft_run_options options = {.report_leaks = true};
	char line[64];
	int fds[2], fds_before[2];

	CHECK_INT(weft_pipe(fds_before), ==, 0);
	catch_stderr();
	CHECK_INT(weft_run(&options, nothing, NULL), ==, 0);
	CHECK_STR(text_of(caught_fd), "");
	CHECK_INT(weft_run(&options, leave_things, fds), ==, 0);
	CHECK(has_been_said("weft: left behind by weft_run():\n\tfiber \"forgotten\" #"));
	CHECK_INT(count_of(text, "\n"), ==, 3);
	snprintf(line, sizeof(line), "\tdescriptor %d (pipe:[", fds[0]);
	CHECK_HAS(text, line);
	CHECK_HAS(text, "]) was not closed by weft_close()\n");
	weft_close(fds[0]);
}

static int close_without_telling(void *arg)
{
	int *fds = arg;

	return weft_pipe(fds) + weft_close(fds[1]) + close(fds[0]);
}

CHECK_CASE(a_descriptor_that_was_closed_past_weft_is_not_called_open)
{
	struct weft_run_options options = {.report_leaks = true};
	char line[80];
	int fds[2];

	catch_stderr();
	CHECK_INT(weft_run(&options, close_without_telling, fds), ==, 0);
	text_of(caught_fd);
	snprintf(line, sizeof(line),
		"\tdescriptor %d (no longer open) was not closed by weft_close()\n", fds[0]);
	CHECK_HAS(text, line);
}

/* ---- Deadlocks ----------------------------------------------------------------------------- */

static _Atomic weft_fiber_id left, right;

static int join_right(void *arg)
{
	(void)arg;
	while (!right)
		weft_yield();
	weft_join(right, NULL, WEFT_FOREVER);
	return 0;
}

static int join_left(void *arg)
{
	weft_join(left, NULL, WEFT_FOREVER);
	(void)arg;
	return 0;
}

static void spawn_ring(void)
{
	struct weft_spawn_options options = {.name = "left"};

	right = 0;
	left = weft_spawn_with(&options, join_right, NULL);
	options.name = "right";
	right = weft_spawn_with(&options, join_left, NULL);
	CHECK(left && right);
}

static int deadlock(void *arg)
{
	(void)arg;
	spawn_ring();
	return weft_join(left, NULL, WEFT_FOREVER);
}

CHECK_CASE(a_deadlock_is_named_and_ends_the_run)
{
	catch_stderr();
	for (unsigned workers = 1; workers <= 3; workers++) {
		struct weft_run_options options = {.workers = workers};

		CHECK_ERRNO(weft_run(&options, deadlock, NULL), EDEADLK);
		CHECK(has_been_said(
			"weft: deadlock: all fibers wait, and nothing can wake them\n"));
		CHECK(has_been_said("weft: these fibers wait for one another in a ring:\n"));
		CHECK_HAS(text, "\tfiber \"left\" #");
		CHECK_HAS(text, "for the end of fiber \"left\" #");
		CHECK_HAS(text, "fiber \"main\" #");
		CHECK_INT(count_of(text, "weft: deadlock"), ==, (int)workers);
	}
	CHECK_INT(weft_run(NULL, nothing, NULL), ==, 0);
}

static int ring_beside(void *arg)
{
	(void)arg;
	spawn_ring();
	while (!has_been_said("weft: these fibers wait for one another in a ring:\n"))
		weft_sleep(WEFT_MILLISECONDS(1));
	return 0; /* the end cancels them */
}

CHECK_CASE(a_ring_in_a_run_that_goes_on_is_told_by_the_watchdog)
{
	struct weft_run_options options = {.workers = 2, .watchdog_ns = WEFT_MILLISECONDS(10)};

	catch_stderr();
	CHECK_INT(weft_run(&options, ring_beside, NULL), ==, 0);
	CHECK_INT(count_of(text_of(caught_fd), "in a ring"), ==, 1);
	CHECK_INT(count_of(text, "weft: deadlock"), ==, 0);
}

static void *cancel_later(void *arg)
{
	usleep(20000);
	weft_cancel(*(weft_fiber_id *)arg);
	return NULL;
}

static int wait_for_thread(void *arg)
{
	pthread_t thread;

	(void)arg;
	spawn_ring();
	CHECK_INT(pthread_create(&thread, NULL, cancel_later, (void *)&left), ==, 0);
	CHECK_INT(weft_join(right, NULL, WEFT_FOREVER), ==, 0);
	pthread_join(thread, NULL);
	return 0;
}

CHECK_CASE(where_a_thread_of_the_program_may_wake_somebody_there_is_no_deadlock)
{
	catch_stderr();
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, wait_for_thread, NULL), ==, 0);
	CHECK_STR(text_of(caught_fd), "");
}

static int wait_for_world(void *arg)
{
	int pipe[2];

	CHECK_INT(weft_pipe(pipe), ==, 0);
	spawn("reader", 0, read_pipe, pipe);
	CHECK_INT(weft_sleep(WEFT_MILLISECONDS(5)), ==, 0);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_sleep(HOUR), ETIMEDOUT);
	(void)arg;
	return 0;
}

CHECK_CASE(waiting_for_time_or_a_descriptor_is_no_deadlock)
{
	catch_stderr();
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, wait_for_world, NULL), ==, 0);
	CHECK_STR(text_of(caught_fd), "");
}

CHECK_MAIN()
