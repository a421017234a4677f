/*
 * test_process_pool.c - pools of processes: tasks, waiting, maps, forks.
 *
 * check: tsan drivers apart
 */
#include "weft/process_pool.h"

#include "pool_calls.h"

/* ---- As it is used
 * -------------------------------------------------------------------------------- */

static int computes(void *arg)
{
	struct weft_pool *pool = pool_of(3);
	struct weft_pool_task *tasks[100];
	struct weft_pool_facts facts;

	(void)arg;
	for (int i = 0; i < 100; i++) {
		double number = i;

		tasks[i] = weft_pool_submit(pool, "square", &number, sizeof(number));
		CHECK(tasks[i] != NULL);
	}
	for (int i = 0; i < 100; i++) {
		const void *data;

		CHECK_INT(weft_pool_task_wait(tasks[i], WEFT_FOREVER), ==, 0);
		CHECK_INT(weft_pool_task_result(tasks[i], &data), ==, sizeof(double));
		CHECK(*(const double *)data == i * i);
		CHECK_ERRNO(weft_pool_task_cancel(tasks[i]), EALREADY);
		CHECK_ERRNO(weft_pool_task_kill(tasks[i]), EALREADY);
		weft_pool_task_free(tasks[i]);
	}
	fails(submit(pool, "square", "no number"), EDOM);
	gives(submit(pool, "act", ""), "");
	gives(submit(pool, "act", "you"), "you");
	CHECK_INT(weft_pool_facts(pool, &facts), ==, 0);
	CHECK(facts.workers == 3 && facts.ended == 103 && facts.failed == 1);
	CHECK(facts.waiting == 0 && facts.given == 0 && facts.replaced == 0);
	CHECK_ERRNO(weft_pool_join(pool, 0), EINVAL);
	weft_pool_close(pool);
	CHECK_ERRNO(weft_pool_submit(pool, "act", "", 0), EPIPE);
	CHECK_INT(weft_pool_join(pool, WEFT_FOREVER), ==, 0);
	CHECK_INT(weft_process_count(), ==, 0);
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(tasks_are_computed_by_workers_and_give_results_or_errors)
{
	both(computes);
}

/* The nursery's descriptors stay; so it is counted after a first pool. */
static int leaves_nothing(void *arg)
{
	int before = 0;

	(void)arg;
	for (int round = 0; round < 4; round++) {
		struct weft_pool *pool = pool_of(3);

		gives(submit(pool, "act", "you"), "you");
		dies(submit(pool, "act", "k"), WEFT_PROCESS_KILLED, SIGKILL);
		weft_pool_task_free(submit(pool, "act", "h"));
		weft_pool_free(pool);
		CHECK_INT(weft_process_count(), ==, 0);
		if (round == 0)
			before = descriptors();
		CHECK_INT(descriptors(), ==, before);
	}
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	return 0;
}

CHECK_CASE(a_pool_leaves_no_process_and_no_descriptor)
{
	both(leaves_nothing);
}

static int misuse_is_told(void *arg)
{
	struct weft_pool_call nameless = {NULL, act, false};
	struct weft_pool *pool;

	(void)arg;
	CHECK_ERRNO(weft_pool_new(NULL), EINVAL);
	CHECK_ERRNO(weft_pool_new(&(struct weft_pool_options){0}), EINVAL);
	CHECK_ERRNO(weft_pool_new(&(struct weft_pool_options){&nameless, 1, .workers = 1}), EINVAL);
	CHECK_ERRNO(weft_pool_new(&(struct weft_pool_options){calls, 1, .workers = 513}), EINVAL);
	pool = pool_with((struct weft_pool_options){.workers = 1, .message_max = 1000});
	CHECK_ERRNO(weft_pool_submit(pool, "unknown", "", 0), ENOENT);
	CHECK_ERRNO(weft_pool_submit(pool, "act", calls, 1001), EMSGSIZE);
	fails(submit(pool, "act", "l1001"), ENOBUFS);
	CHECK_INT(weft_pool_apply(pool, "act", "l1000", 5, NULL), ==, 0);
	CHECK_ERRNO(weft_pool_apply(pool, "act", "f", 1, NULL), EXDEV);
	weft_pool_task_free(NULL);
	weft_pool_free(NULL);
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(what_a_pool_or_task_can_not_be_is_told)
{
	both(misuse_is_told);
}

static int megabytes_go(void *arg)
{
	struct weft_pool *pool = pool_of(2);
	const size_t len = (size_t)3 << 20;
	char *bytes = malloc(len);
	struct weft_buf echoes[2];

	(void)arg;
	memset(bytes, 'x', len);
	for (int i = 0; i < 2; i++) {
		weft_buf_init(&echoes[i], len);
		CHECK_INT(weft_pool_apply(pool, "act", bytes, len, &echoes[i]), ==, 0);
		CHECK_INT(weft_buf_len(&echoes[i]), ==, len);
		CHECK(memcmp(weft_buf_data(&echoes[i]), bytes, len) == 0);
		weft_buf_fini(&echoes[i]);
	}
	free(bytes);
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(tasks_and_results_of_megabytes_go_whole)
{
	both(megabytes_go);
}

/* ---- Waiting
 * -------------------------------------------------------------------------------------- */

static int waits_have_ends(void *arg)
{
	struct weft_pool *pool =
		pool_with((struct weft_pool_options){.workers = 1, .queue_max = 2});
	struct weft_pool_task *hung = submit(pool, "act", "h"), *behind[4];
	int count = 0;

	(void)arg;
	CHECK_ERRNO(weft_pool_task_wait(hung, WEFT_MILLISECONDS(1)), ETIMEDOUT);
	CHECK_ERRNO(weft_pool_task_result(hung, NULL), EBUSY);
	while (count < 4)
		behind[count++] = submit(pool, "act", "you");
	CHECK_ERRNO(weft_pool_try_submit(pool, "act", "you", 3), EAGAIN);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_pool_submit(pool, "act", "you", 3), ETIMEDOUT);
	/* Given ahead, and waiting. */
	CHECK_INT(weft_pool_task_cancel(behind[0]), ==, 0);
	CHECK_INT(weft_pool_task_cancel(behind[3]), ==, 0);
	fails(behind[0], ECANCELED);
	fails(behind[3], ECANCELED);
	weft_pool_close(pool);
	CHECK_ERRNO(weft_pool_join(pool, WEFT_MILLISECONDS(1)), ETIMEDOUT);
	CHECK_INT(weft_pool_task_kill(hung), ==, 0);
	fails(hung, ECANCELED);
	gives(behind[1], "you");
	gives(behind[2], "you");
	CHECK_INT(weft_pool_join(pool, WEFT_FOREVER), ==, 0);
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(deadlines_hold_tasks_are_cancelled_and_killed_and_others_not_touched)
{
	both(waits_have_ends);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static int apply_hung(void *pool)
{
	return weft_pool_apply(pool, "act", "h", 1, NULL) < 0 ? -errno : 0;
}

static int a_cancelled_fiber_takes_its_task_along(void *arg)
{
	struct weft_pool *pool = pool_of(1);
	weft_fiber_id fiber = weft_spawn(apply_hung, pool);
	int result;

	(void)arg;
	weft_yield();
	weft_cancel(fiber);
	CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, -ECANCELED);
	gives(submit(pool, "act", "you"), "you");
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(who_is_cancelled_in_apply_leaves_no_task_behind)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2},
			  a_cancelled_fiber_takes_its_task_along, NULL),
		==, 0);
}
#endif

static int terminates(void *arg)
{
	struct weft_pool *pool = pool_of(2);
	struct weft_pool_task *tasks[10];

	(void)arg;
	for (int i = 0; i < 10; i++)
		tasks[i] = submit(pool, i % 2 ? "again" : "act", i < 2 ? "s" : "h");
	weft_pool_terminate(pool);
	CHECK_ERRNO(weft_pool_submit(pool, "act", "", 0), EPIPE);
	CHECK_INT(weft_pool_join(pool, WEFT_FOREVER), ==, 0);
	weft_pool_free(pool);
	for (int i = 0; i < 10; i++)
		fails(tasks[i], ECANCELED);
	return 0;
}

CHECK_CASE(terminate_ends_tasks_under_way_those_ahead_and_stopped_workers)
{
	both(terminates);
}

/* ---- Maps --------------------------------------------------------------------------- */

struct seen {
	size_t next, done;
	size_t stop_at;
};

static int in_order(const struct weft_pool_result *result, void *arg)
{
	struct seen *seen = arg;

	CHECK_INT(result->index, ==, seen->next);
	CHECK_INT(result->done, ==, seen->next + 1);
	seen->next++;
	errno = EPIPE;
	return seen->stop_at && seen->next == seen->stop_at ? -1 : 0;
}

static int maps(void *arg)
{
	struct weft_pool *pool = pool_of(2);
	double numbers[1000];
	struct seen seen = {0};
	struct weft_pool_map map = {.call = "square",
		.items = numbers,
		.count = 1000,
		.item_size = sizeof(double),
		.is_ordered = true,
		.each = in_order,
		.arg = &seen};
	struct weft_pool_item words[] = {{"you", 3}, {"f", 1}, {"", 0}, {"h", 1}};
	struct weft_pool_facts facts;

	(void)arg;
	for (int i = 0; i < 1000; i++)
		numbers[i] = i;
	for (map.chunk = 0; map.chunk < 3000; map.chunk = 3 * map.chunk + 1) {
		seen = (struct seen){0};
		CHECK_INT(weft_pool_map(pool, &map), ==, 0);
		CHECK_INT(seen.next, ==, 1000);
	}
	seen = (struct seen){.stop_at = 300};
	CHECK_ERRNO(weft_pool_map(pool, &map), EPIPE);
	CHECK_INT(seen.next, ==, 300);
	map = (struct weft_pool_map){.call = "again", .items = words, .count = 3};
	CHECK_ERRNO(weft_pool_map(pool, &map), EXDEV);
	map.count = 4;
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_pool_map(pool, &map), ETIMEDOUT);
	map.count = 0;
	CHECK_INT(weft_pool_map(pool, &map), ==, 0);
	map.call = "unknown";
	CHECK_ERRNO(weft_pool_map(pool, &map), ENOENT);
	CHECK(weft_pool_submit(pool, NULL, "", 0) == NULL && errno == ENOENT);
	CHECK_INT(weft_pool_facts(pool, &facts), ==, 0);
	CHECK_INT(facts.waiting, ==, 0);
	weft_pool_close(pool);
	map = (struct weft_pool_map){.call = "act", .items = words, .count = 2};
	CHECK_ERRNO(weft_pool_map(pool, &map), EPIPE);
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(a_map_gives_results_in_order_stops_when_told_and_tells_the_first_error)
{
	both(maps);
}

/* ---- Parents ------------------------------------------------------------------------ */

CHECK_CASE(workers_end_when_their_parent_is_killed)
{
	pid_t pids[2] = {0}, pid;
	int ends[2];
	char byte;

	CHECK_INT(pipe(ends), ==, 0);
	pid = fork();
	if (pid == 0) {
		struct weft_pool *pool = pool_of(2);

		weft_pool_task_free(submit(pool, "act", "h"));
		CHECK_INT(weft_pool_pids(pool, pids, 2), ==, 2);
		CHECK(write(ends[1], pids, sizeof(pids)) == sizeof(pids));
		for (;;)
			pause();
	}
	close(ends[1]);
	CHECK_INT(read(ends[0], pids, sizeof(pids)), ==, sizeof(pids));
	kill(pid, SIGKILL);
	/* The workers have the other end, too. */
	CHECK_INT(read(ends[0], &byte, 1), ==, 0);
	CHECK(waitpid(pid, NULL, 0) == pid);
}

CHECK_CASE(in_the_child_of_a_fork_the_parents_pool_is_not_there)
{
	struct weft_pool *pool = pool_of(2);
	struct weft_pool_task *task = submit(pool, "act", "h");
	int status, before;
	pid_t pid = fork();

	if (pid == 0) {
		struct weft_pool_facts facts;

		before = descriptors();
		CHECK_ERRNO(weft_pool_submit(pool, "act", "", 0), ECHILD);
		CHECK_ERRNO(weft_pool_task_wait(task, WEFT_FOREVER), ECHILD);
		CHECK_ERRNO(weft_pool_task_result(task, NULL), ECHILD);
		CHECK_ERRNO(weft_pool_task_kill(task), ECHILD);
		CHECK_ERRNO(weft_pool_join(pool, 0), ECHILD);
		CHECK_ERRNO(weft_pool_facts(pool, &facts), ECHILD);
		weft_pool_task_free(task);
		weft_pool_free(pool);
		CHECK_INT(descriptors(), ==, before);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	gives(submit(pool, "act", "you"), "you");
	weft_pool_task_free(task);
	weft_pool_free(pool);
}

CHECK_MAIN()
