/*
 * test_process_pool_death.c - pools of processes: workers that die in every way, and systems that
 * refuse what a pool needs.
 *
 * check: tsan apart
 */
#include <pthread.h>
#include <pwd.h>
#include <sys/resource.h>

#include "pool_calls.h"

/* ---- Workers that die
 * ------------------------------------------------------------------------------- */

static int deaths_are_told(void *arg)
{
	struct weft_pool *pool = pool_of(2);

	(void)arg;
	dies(submit(pool, "act", "k"), WEFT_PROCESS_KILLED, SIGKILL);
	dies(submit(pool, "act", "e"), WEFT_PROCESS_EXITED, 3);
	dies(submit(pool, "act", "a"), WEFT_PROCESS_KILLED, SIGABRT);
	fails(submit(pool, "act", "c"), EOWNERDEAD); /* it can say nothing more */
	/* Repeated in vain. */
	dies(submit(pool, "again", "k"), WEFT_PROCESS_KILLED, SIGKILL);
	gives(submit(pool, "act", "you"), "you");
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(how_a_worker_died_is_told_and_the_pool_goes_on)
{
	both(deaths_are_told);
}

static int nonsense_is_not_believed(void *arg)
{
	struct weft_pool *pool = pool_of(2);

	(void)arg;
	fails(submit(pool, "act", "z"), EOWNERDEAD);
	fails(submit(pool, "act", "n"), EOWNERDEAD);
	dies(submit(pool, "act", "p"), WEFT_PROCESS_KILLED, SIGKILL);
	gives(submit(pool, "act", "yz"), "yz");
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(a_worker_that_says_nonsense_or_half_an_answer_is_done_with)
{
	both(nonsense_is_not_believed);
}

CHECK_CASE(a_repeatable_task_survives_its_workers_a_few_times)
{
	struct weft_pool *pool = pool_of(2);

	atomic_store(&shared->lives, WEFT_POOL_TRIES_MAX - 1);
	gives(submit(pool, "survive", "alive"), "alive");
	atomic_store(&shared->lives, WEFT_POOL_TRIES_MAX);
	dies(submit(pool, "survive", "alive"), WEFT_PROCESS_KILLED, SIGKILL);
	CHECK_INT(atomic_load(&shared->lives), ==, 0);
	weft_pool_free(pool);
}

static int only_the_begun_one_is_lost(void *arg)
{
	struct weft_pool *pool = pool_of(1);
	struct weft_pool_task *hung = begin(pool, "h"), *behind[6];
	pid_t pid;

	(void)arg;
	for (int i = 0; i < 6; i++)
		behind[i] = submit(pool, "act", "you");
	CHECK_INT(weft_pool_task_cancel(behind[5]), ==, 0);
	CHECK_INT(weft_pool_pids(pool, &pid, 1), ==, 1);
	kill(pid, SIGKILL);
	dies(hung, WEFT_PROCESS_KILLED, SIGKILL);
	for (int i = 0; i < 5; i++)
		gives(behind[i], "you");
	fails(behind[5], ECANCELED);
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(a_worker_that_is_killed_takes_only_what_it_had_begun)
{
	both(only_the_begun_one_is_lost);
}

static int idle_ones_take_over(void *arg)
{
	struct weft_pool *pool = pool_of(2);
	struct weft_pool_task *stopped = begin(pool, "s"), *behind[20];

	(void)arg;
	for (int i = 0; i < 20; i++)
		behind[i] = submit(pool, "act", "you");
	for (int i = 0; i < 20; i++)
		gives(behind[i], "you");
	CHECK_INT(weft_pool_task_kill(stopped), ==, 0);
	fails(stopped, ECANCELED);
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(what_waits_behind_a_stopped_worker_is_done_by_another)
{
	both(idle_ones_take_over);
}

static int a_stopped_one_goes_on(void *arg)
{
	struct weft_pool *pool = pool_of(2);
	struct weft_pool_task *first, *others[5];
	pid_t pid;

	(void)arg;
	CHECK_INT(weft_pool_pids(pool, &pid, 1), ==, 2);
	CHECK_INT(kill(pid, SIGSTOP), ==, 0);
	first = submit(pool, "act", "f");
	/* Some are given to it, and taken back, again and again. */
	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < 5; i++)
			others[i] = submit(pool, "act", "you");
		for (int i = 0; i < 5; i++)
			gives(others[i], "you");
	}
	CHECK_ERRNO(weft_pool_task_result(first, NULL), EBUSY);
	CHECK_INT(kill(pid, SIGCONT), ==, 0);
	CHECK_INT(weft_pool_task_wait(first, WEFT_FOREVER), ==, 0);
	CHECK_ERRNO(weft_pool_task_result(first, NULL), EXDEV);
	weft_pool_task_free(first);
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(a_worker_that_was_stopped_does_what_is_still_its_own_when_it_goes_on)
{
	both(a_stopped_one_goes_on);
}

static int workers_are_replaced(void *arg)
{
	struct weft_pool *pool =
		pool_with((struct weft_pool_options){.workers = 2, .tasks_max = 5});
	struct weft_pool_facts facts;

	(void)arg;
	for (int i = 0; i < 50; i++)
		gives(submit(pool, "act", "you"), "you");
	CHECK_INT(weft_pool_facts(pool, &facts), ==, 0);
	CHECK(facts.failed == 0 && facts.replaced >= 8);
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(workers_are_replaced_after_so_many_tasks_and_none_is_lost)
{
	both(workers_are_replaced);
}

/* ---- Killed at random points
 * ---------------------------------------------------------------------------- */

struct storm {
	struct weft_pool *pool;
	_Atomic bool is_over;
};

/** Kills in a row, nothing having been answered since: a few hit those that have only begun. */
#define KILLS_AHEAD_MAX 6

static _Atomic unsigned answered;

/* Where a start takes longer than all of them live, nothing would ever be done. */
static void *kill_at_random(void *arg)
{
	struct storm *storm = arg;
	unsigned seed = 1, seen = 0, ahead = 0;
	pid_t pids[3];

	while (!atomic_load(&storm->is_over)) {
		size_t living = weft_pool_pids(storm->pool, pids, 3);
		unsigned now = atomic_load(&answered);

		if (now != seen)
			ahead = 0;
		seen = now;
		if (living > 0 && ahead < KILLS_AHEAD_MAX) {
			ahead++;
			kill(pids[(size_t)rand_r(&seed) % living], SIGKILL);
		}
		usleep((useconds_t)(rand_r(&seed) % 3000));
	}
	return NULL;
}

static int count_it(const struct weft_pool_result *result, void *arg)
{
	unsigned char *seen = arg;

	CHECK(result->error == 0 || result->error == EOWNERDEAD);
	CHECK_INT(seen[result->index]++, ==, 0);
	atomic_fetch_add(&answered, 1);
	if (!result->error) {
		double wanted = (double)result->index;

		wanted *= wanted;
		CHECK_INT(result->len, ==, sizeof(double));
		CHECK_MEM(result->data, &wanted, sizeof(double));
	}
	return 0;
}

CHECK_CASE(workers_killed_at_random_points_lose_what_they_had_begun_and_nothing_hangs)
{
	struct storm storm = {.pool = pool_of(3)};
	const size_t count = 500;
	double *numbers = calloc(count, sizeof(*numbers));
	struct weft_pool_map map = {.call = "square",
		.items = numbers,
		.count = count,
		.item_size = sizeof(double),
		.each = count_it};
	pthread_t killer;

	for (size_t i = 0; i < count; i++)
		numbers[i] = (double)i;
	CHECK_INT(pthread_create(&killer, NULL, kill_at_random, &storm), ==, 0);
	for (unsigned round = check_rounds(12); round > 0; round--) {
		map.arg = calloc(count, 1);
		map.chunk = round % 7;
		weft_pool_map(storm.pool, &map);
		for (size_t i = 0; i < count; i++)
			CHECK_INT(((unsigned char *)map.arg)[i], ==, 1);
		free(map.arg);
	}
	atomic_store(&storm.is_over, true);
	pthread_join(killer, NULL);
	weft_pool_free(storm.pool);
	free(numbers);
}

static int note_error(const struct weft_pool_result *result, void *arg)
{
	((int *)arg)[result->index] = result->error;
	return 0;
}

CHECK_CASE(an_item_that_kills_its_worker_fails_alone_where_the_call_is_repeatable)
{
	struct weft_pool *pool = pool_of(2);
	struct weft_pool_item words[20];
	int errors[20];
	struct weft_pool_map map = {.call = "again",
		.items = words,
		.count = 20,
		.chunk = 10,
		.each = note_error,
		.arg = errors};

	for (int i = 0; i < 20; i++)
		words[i] = (struct weft_pool_item){i == 5 ? "k" : "you", i == 5 ? 1 : 3};
	memset(errors, -1, sizeof(errors));
	CHECK_ERRNO(weft_pool_map(pool, &map), EOWNERDEAD);
	for (int i = 0; i < 20; i++)
		CHECK_INT(errors[i], ==, i == 5 ? EOWNERDEAD : 0);
	/* Two deaths are survived by all. */
	map.call = "survive";
	atomic_store(&shared->lives, 2);
	CHECK_INT(weft_pool_map(pool, &map), ==, 0);
	/* Else the results before it, which were not sent yet, are lost with it. */
	map.call = "act";
	memset(errors, -1, sizeof(errors));
	CHECK_ERRNO(weft_pool_map(pool, &map), EOWNERDEAD);
	for (int i = 0; i < 5 && errors[i] == 0; i++)
		errors[i] = EOWNERDEAD; /* sent in time, where the machine was that slow */
	for (int i = 0; i < 20; i++)
		CHECK_INT(errors[i], ==, i <= 5 ? EOWNERDEAD : 0);
	weft_pool_free(pool);
}

/* ---- Systems that refuse
 * --------------------------------------------------------------------------------- */

CHECK_CASE(without_descriptors_no_pool_is_made_or_a_smaller_one)
{
	int some = 0;

	share();
	for (rlim_t more = 1; some < 4; more++) {
		struct rlimit limit = {(rlim_t)descriptors() + more, 1024};
		struct weft_pool *pool;

		CHECK(more < 100);
		CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
		pool = weft_pool_new(
			&(struct weft_pool_options){calls, 4, .workers = 4, .tasks_max = 2});
		if (pool) {
			some++;
			for (int i = 0; i < 6; i++)
				gives(submit(pool, "act", "you"), "you");
			weft_pool_free(pool);
		} else {
			CHECK(errno == EMFILE && some == 0);
		}
	}
}

static int begin_badly(void *arg)
{
	(void)arg;
	return 1;
}

CHECK_CASE(workers_that_can_not_begin_let_the_tasks_fail)
{
	struct weft_pool *pool =
		pool_with((struct weft_pool_options){.workers = 2, .begin = begin_badly});

	fails(submit(pool, "act", "you"), EOWNERDEAD);
	weft_pool_task_free(submit(pool, "act", "you"));
	weft_pool_close(pool);
	CHECK_INT(weft_pool_join(pool, WEFT_FOREVER), ==, 0);
	weft_pool_free(pool);
}

/* As a user who may have no more processes; in a process of its own, since there is no way back. */
CHECK_CASE(where_the_system_refuses_new_processes_tasks_fail_until_it_does_not)
{
	struct passwd *nobody = getpwnam("nobody");
	struct rlimit none = {0, 1000};
	struct weft_pool *pool;
	pid_t pid;

	if (getuid() != 0 || !nobody)
		check_skip("only root may become somebody else");
	CHECK_INT(setresuid(nobody->pw_uid, nobody->pw_uid, nobody->pw_uid), ==, 0);
	pool = pool_of(1);
	gives(submit(pool, "act", "you"), "you");
	CHECK_INT(setrlimit(RLIMIT_NPROC, &none), ==, 0);
	CHECK_ERRNO(weft_pool_new(&(struct weft_pool_options){calls, 1, .workers = 1}), EAGAIN);
	dies(submit(pool, "act", "e"), WEFT_PROCESS_EXITED, 3);
	fails(submit(pool, "act", "you"), EAGAIN);
	CHECK_INT(weft_pool_pids(pool, &pid, 1), ==, 0);
	none.rlim_cur = 1000;
	CHECK_INT(setrlimit(RLIMIT_NPROC, &none), ==, 0);
	while (weft_pool_apply(pool, "act", "you", 3, NULL) < 0)
		CHECK_INT(errno, ==, EAGAIN);
	weft_pool_free(pool);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they need all addresses */
CHECK_CASE(a_task_that_finds_no_memory_fails_or_dies_alone)
{
	const struct weft_process_limit limit = {RLIMIT_AS, 300 << 20, 300 << 20};
	const struct weft_process_options process = {.limits = &limit, .limit_count = 1};
	struct weft_pool *pool =
		pool_with((struct weft_pool_options){.workers = 1, .process = &process});

	fails(submit(pool, "act", "m"), ENOMEM);
	gives(submit(pool, "act", "you"), "you");
	weft_pool_free(pool);
}

CHECK_CASE(a_result_for_which_we_have_no_memory_fails_alone)
{
	struct weft_pool *pool = pool_of(1);
	struct rlimit limit = {0, RLIM_INFINITY};
	struct weft_pool_task *task;
	char line[100];
	FILE *file;

	gives(submit(pool, "act", "you"), "you");
	atomic_store(&shared->is_held, true);
	task = begin(pool, "l50000000");
	file = fopen("/proc/self/statm", "re");
	CHECK(file && fgets(line, sizeof(line), file));
	fclose(file);
	limit.rlim_cur = (rlim_t)(strtoul(line, NULL, 10) * 4096 + (20 << 20));
	CHECK_INT(setrlimit(RLIMIT_AS, &limit), ==, 0);
	atomic_store(&shared->is_held, false);
	fails(task, ENOMEM);
	gives(submit(pool, "act", "you"), "you");
	weft_pool_free(pool);
}
#endif

CHECK_MAIN()
