/*
 * test_thread.c - threads: results, names, overriding run(), and every misuse.
 *
 * check: tsan valgrind drivers apart
 */
#include "weft/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "check.h"
#include "weft/fiber.h"
#include "weft/scope.h"

static int add_one(void *arg)
{
	return ++*(int *)arg;
}

/* Both outside fibers and in one. */
static void both(weft_fiber_fn *body)
{
	CHECK_INT(body(NULL), ==, 0);
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, body, NULL), ==, 0);
}

static int result_is_joined(void *arg)
{
	int number = 41, result = 0;
	struct weft_thread *thread = weft_thread_new(NULL, add_one, &number);

	(void)arg;
	CHECK(thread != NULL);
	CHECK(!weft_thread_is_alive(thread));
	CHECK_ERRNO(weft_thread_result(thread, &result), EINVAL);
	CHECK_INT(weft_thread_start(thread), ==, 0);
	CHECK_INT(weft_thread_join(thread, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 42);
	CHECK(!weft_thread_is_alive(thread));
	result = 0;
	CHECK_INT(weft_thread_join(thread, &result, 0), ==, 0); /* no wait is needed */
	CHECK_INT(weft_thread_join(thread, &result, WEFT_SECONDS(1)), ==, 0);
	CHECK_INT(result, ==, 42);
	CHECK_INT(weft_thread_result(thread, &result), ==, 0);
	weft_thread_free(thread);
	return 0;
}

CHECK_CASE(a_thread_runs_and_its_result_is_joined_again_and_again)
{
	both(result_is_joined);
}

/* ---- A thread that waits to be let go ---------------------------------------------- */

struct gate {
	atomic_int is_open, has_entered;
	struct weft_thread *self;
	int join_errno;
};

static int wait_at_gate(void *arg)
{
	struct gate *gate = arg;

	atomic_store(&gate->has_entered, 1);
	while (!atomic_load(&gate->is_open))
		weft_sleep(WEFT_MICROSECONDS(100));
	return 7;
}

static int late_join(void *arg)
{
	struct gate gate = {0};
	struct weft_thread *thread = weft_thread_new(NULL, wait_at_gate, &gate);
	int result = -2;

	(void)arg;
	CHECK_INT(weft_thread_start(thread), ==, 0);
	CHECK_ERRNO(weft_thread_join(thread, &result, WEFT_MILLISECONDS(2)), ETIMEDOUT);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(2))
		CHECK_ERRNO(weft_thread_join(thread, &result, WEFT_FOREVER), ETIMEDOUT);
	CHECK_INT(result, ==, -2);
	CHECK(weft_thread_is_alive(thread));
	CHECK_ERRNO(weft_thread_result(thread, &result), EBUSY);
	CHECK_ERRNO(weft_thread_start(thread), EINVAL);
	atomic_store(&gate.is_open, 1);
	CHECK_INT(weft_thread_join(thread, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 7);
	CHECK_ERRNO(weft_thread_start(thread), EINVAL);
	weft_thread_free(thread);
	return 0;
}

CHECK_CASE(a_join_that_is_late_leaves_the_thread_running)
{
	both(late_join);
}

static int join_self(void *arg)
{
	struct gate *gate = arg;

	gate->join_errno =
		weft_thread_join(weft_thread_current(), NULL, WEFT_FOREVER) < 0 ? errno : 0;
	CHECK(weft_thread_current() == gate->self);
	return 0;
}

CHECK_CASE(misuse_has_defined_errors)
{
	struct gate gate = {0};
	struct weft_thread *thread;
	const struct weft_thread_options small = {.stack_size_bytes = 1};

	CHECK_ERRNO(weft_thread_new(NULL, NULL, NULL), EINVAL);
	CHECK_ERRNO(weft_thread_new(&small, add_one, NULL), EINVAL);
	thread = gate.self = weft_thread_new(NULL, join_self, &gate);
	CHECK_ERRNO(weft_thread_join(thread, NULL, WEFT_FOREVER), EINVAL);
	CHECK_INT(weft_thread_start(thread), ==, 0);
	CHECK_INT(weft_thread_join(thread, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(gate.join_errno, ==, EDEADLK);
	weft_thread_free(thread);
	thread = weft_thread_new(NULL, add_one, NULL);
	weft_thread_free(thread); /* never started */
	weft_thread_free(NULL);
	CHECK(weft_thread_current() == NULL);
}

static int join_fiber(void *arg)
{
	int result;

	return weft_thread_join(arg, &result, WEFT_FOREVER) < 0 ? -errno : result;
}

static int many_joiners(void *arg)
{
	struct gate gate = {0};
	struct weft_thread *thread = weft_thread_new(NULL, wait_at_gate, &gate);
	weft_fiber_id joiners[4];
	int results[4];

	(void)arg;
	CHECK_INT(weft_thread_start(thread), ==, 0);
	for (int i = 0; i < 4; i++)
		CHECK((joiners[i] = weft_spawn(join_fiber, thread)) != 0);
	weft_sleep(WEFT_MILLISECONDS(2));
	CHECK_INT(weft_cancel(joiners[3]), ==, 0);
	CHECK_INT(weft_join(joiners[3], &results[3], WEFT_FOREVER), ==, 0);
	atomic_store(&gate.is_open, 1);
	CHECK_INT(weft_join_all(joiners, 3, results, WEFT_FOREVER), ==, 3);
	for (int i = 0; i < 3; i++)
		CHECK_INT(results[i], ==, 7);
	CHECK_INT(results[3], ==, -ECANCELED);
	weft_thread_free(thread);
	return 0;
}

CHECK_CASE(several_fibers_join_one_thread_and_a_cancelled_one_leaves)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, many_joiners, NULL), ==, 0);
}

/* ---- A kind of thread of one's own --------------------------------------------------- */

struct counter {
	int begun, ended, end_result, begin_result;
};

static int counter_begin(struct weft_thread *thread)
{
	struct counter *counter = weft_thread_arg(thread);

	counter->begun++;
	return counter->begin_result;
}

static int counter_run(struct weft_thread *thread)
{
	return 10 + weft_thread_run(thread);
}

static void counter_end(struct weft_thread *thread, int result)
{
	struct counter *counter = weft_thread_arg(thread);

	counter->ended++;
	counter->end_result = result;
}

static int count_five(void *arg)
{
	(void)arg;
	return 5;
}

static int counted(const struct weft_thread_ops *ops, weft_thread_fn *fn, struct counter *counter)
{
	const struct weft_thread_options options = {.ops = ops, .name = "counter"};
	struct weft_thread *thread = weft_thread_new(&options, fn, counter);
	int result;

	CHECK(thread != NULL);
	CHECK_STR(weft_thread_name(thread), "counter");
	CHECK_INT(weft_thread_start(thread), ==, 0);
	CHECK_INT(weft_thread_join(thread, &result, WEFT_FOREVER), ==, 0);
	weft_thread_free(thread);
	return result;
}

CHECK_CASE(run_and_its_neighbours_are_overridden_one_by_one)
{
	static const struct weft_thread_ops all = {counter_run, counter_begin, counter_end},
					    only_end = {.end = counter_end},
					    only_run = {.run = counter_run};
	struct counter counter = {0};

	CHECK_INT(counted(&all, count_five, &counter), ==, 15);
	CHECK_INT(counter.begun, ==, 1);
	CHECK_INT(counter.ended, ==, 1);
	CHECK_INT(counter.end_result, ==, 15);
	CHECK_INT(counted(&only_end, count_five, &counter), ==, 5);
	CHECK_INT(counter.end_result, ==, 5);
	CHECK_INT(counted(&only_run, NULL, &counter), ==, 10); /* nothing to go on with */
	counter.begin_result = -3;
	CHECK_INT(counted(&all, count_five, &counter), ==, -3);
	CHECK_INT(counter.end_result, ==, -3);
}

static int note_name(void *arg)
{
	return pthread_getname_np(pthread_self(), arg, 16);
}

CHECK_CASE(names_are_numbered_given_or_cut)
{
	const struct weft_thread_options long_name = {
		.name = "a name that is longer than any thread may have", .is_daemon = true};
	struct weft_thread *first = weft_thread_new(NULL, note_name, NULL);
	char kernel_name[16];
	struct weft_thread *second = weft_thread_new(&long_name, note_name, kernel_name);

	CHECK_STR(weft_thread_name(first), "Thread-1");
	CHECK(!weft_thread_is_daemon(first));
	CHECK_STR(weft_thread_name(second), "a name that is longer than any ");
	CHECK(weft_thread_is_daemon(second));
	CHECK_INT(weft_thread_start(second), ==, 0);
	CHECK_INT(weft_thread_join(second, NULL, WEFT_FOREVER), ==, 0);
	CHECK_STR(kernel_name, "a name that is ");
	weft_thread_free(first);
	weft_thread_free(second);
}

static int blocked_signals(void *arg)
{
	sigset_t *set = arg;

	return pthread_sigmask(SIG_SETMASK, NULL, set);
}

CHECK_CASE(signals_are_blocked_but_those_of_faults)
{
	sigset_t set, before, after;
	struct weft_thread *thread = weft_thread_new(NULL, blocked_signals, &set);

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	CHECK_INT(weft_thread_start(thread), ==, 0);
	CHECK_INT(weft_thread_join(thread, NULL, WEFT_FOREVER), ==, 0);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	CHECK_INT(sigismember(&set, SIGTERM), ==, 1);
	CHECK_INT(sigismember(&set, SIGINT), ==, 1);
	CHECK_INT(sigismember(&set, SIGUSR1), ==, 1);
	CHECK_INT(sigismember(&set, SIGSEGV), ==, 0);
	CHECK_INT(sigismember(&before, SIGTERM), ==, sigismember(&after, SIGTERM));
	weft_thread_free(thread);
}

/* ---- Letting go ------------------------------------------------------------------------ */

CHECK_CASE(a_thread_that_is_let_go_runs_to_its_end)
{
	static struct gate gate;
	struct weft_thread *thread = weft_thread_new(NULL, wait_at_gate, &gate);

	CHECK_INT(weft_thread_start(thread), ==, 0);
	CHECK_INT(weft_thread_count(), ==, 1);
	weft_thread_free(thread);
	atomic_store(&gate.is_open, 1);
	while (weft_thread_count() > 0)
		weft_sleep(WEFT_MICROSECONDS(100));
}

struct late {
	int64_t pause;
	int ends[2];
};

static int write_late(void *arg)
{
	struct late *late = arg;

	weft_sleep(late->pause);
	return write(late->ends[1], "x", 1) == 1 ? 0 : -1;
}

/* A child leaves main while its thread sleeps yet: does the byte come? */
static ssize_t bytes_after_exit(bool is_daemon)
{
	const struct weft_thread_options options = {.is_daemon = is_daemon};
	static struct late late;
	ssize_t count;
	char byte;
	pid_t pid;

	late.pause = is_daemon ? WEFT_SECONDS(3600) : WEFT_MILLISECONDS(20);
	CHECK_INT(pipe(late.ends), ==, 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct weft_thread *thread = weft_thread_new(&options, write_late, &late);

		exit(weft_thread_start(thread) < 0);
	}
	close(late.ends[1]);
	CHECK_INT(waitpid(pid, NULL, 0), ==, pid);
	count = read(late.ends[0], &byte, 1);
	close(late.ends[0]);
	return count;
}

CHECK_CASE(the_end_of_the_process_waits_for_threads_but_not_for_daemons)
{
	CHECK_INT(bytes_after_exit(false), ==, 1);
	CHECK_INT(bytes_after_exit(true), ==, 0);
}

CHECK_CASE(a_thread_the_system_refuses_can_be_started_later)
{
	const struct weft_thread_options huge = {.stack_size_bytes = (size_t)1 << 46};
	struct weft_thread *thread = weft_thread_new(&huge, add_one, NULL);

	CHECK(thread != NULL);
	CHECK_INT(weft_thread_start(thread), ==, -1);
	CHECK(errno == EAGAIN || errno == ENOMEM || errno == EINVAL /* valgrind's */);
	CHECK_INT(weft_thread_count(), ==, 0);
	CHECK_INT(weft_thread_start(thread), ==, -1);
	CHECK_ERRNO(weft_thread_join(thread, NULL, WEFT_FOREVER), EINVAL);
	weft_thread_free(thread);
}

CHECK_MAIN()
