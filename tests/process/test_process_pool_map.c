/*
 * test_process_pool_map.c - maps of chunks: what comes of one before it is done, and of its rest;
 * odd calls, and workers that begin, end and are signalled.
 *
 * check: tsan apart
 */
#include "pool_calls.h"

/* ---- What the items do ------------------------------------------------------------------ */

static int note(const struct weft_pool_result *result, void *arg)
{
	((int *)arg)[result->index] = result->error;
	return 0;
}

static int refuse(const struct weft_pool_result *result, void *arg)
{
	(void)result;
	(void)arg;
	errno = EXFULL;
	return -1;
}

/* Lets go of who is held by the second item. */
static int let_go(const struct weft_pool_result *result, void *arg)
{
	if (result->index == 0)
		atomic_store(&shared->is_held, false);
	return note(result, arg);
}

/* The items that "act" has begun, when all workers have nothing to do. */
static unsigned begun_in_all(struct weft_pool *pool)
{
	struct weft_pool_facts facts;

	do {
		usleep(100);
		CHECK_INT(weft_pool_facts(pool, &facts), ==, 0);
	} while (facts.given > 0);
	return atomic_load(&shared->begun);
}

/* ---- Parts ------------------------------------------------------------------------------ */

static int middling_results_are_no_long_message(void *arg)
{
	struct weft_pool *pool =
		pool_with((struct weft_pool_options){.workers = 2, .message_max = 300000});
	struct weft_pool_item words[60];
	int errors[60];

	(void)arg;
	for (int i = 0; i < 60; i++)
		words[i] = (struct weft_pool_item){"l200000", 7};
	for (int ordered = 0; ordered < 2; ordered++) {
		memset(errors, 0x55, sizeof(errors));
		CHECK_INT(weft_pool_map(pool, &(struct weft_pool_map){.call = "act",
						      .items = words,
						      .count = 60,
						      .chunk = 30,
						      .is_ordered = ordered,
						      .each = note,
						      .arg = errors}),
			==, 0);
		for (int i = 0; i < 60; i++)
			CHECK_INT(errors[i], ==, 0);
	}
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(the_results_of_a_chunk_may_be_longer_together_than_a_message)
{
	both(middling_results_are_no_long_message);
}

/* The second item ends when the first's result is here. */
static int the_first_comes_alone(void *arg)
{
	struct weft_pool *pool = pool_of(1);
	const struct weft_pool_item words[] = {{"w", 1}, {"l1", 2}, {"you", 3}};
	int errors[3] = {-1, -1, -1};

	(void)arg;
	atomic_store(&shared->is_held, true);
	CHECK_INT(weft_pool_map(pool, &(struct weft_pool_map){.call = "act",
					      .items = words,
					      .count = 3,
					      .chunk = 3,
					      .each = let_go,
					      .arg = errors}),
		==, 0);
	CHECK(!errors[0] && !errors[1] && !errors[2]);
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(what_is_done_of_a_chunk_comes_before_its_rest)
{
	both(the_first_comes_alone);
}

/* ---- Lengths ------------------------------------------------------------------------------- */

/* An echo of as many bytes as belong to the index. */
static int is_aligned(const struct weft_pool_result *result, void *arg)
{
	(void)arg;
	CHECK_INT(result->error, ==, 0);
	CHECK_INT(result->len, ==, 1 + result->index % 23);
	CHECK((uintptr_t)result->data % 8 == 0);
	CHECK(memcmp(result->data, "uneven lengths of items", result->len) == 0);
	return 0;
}

static int all_lie_well(void *arg)
{
	struct weft_pool *pool = pool_of(1);
	struct weft_pool_item words[100];
	const void *data;

	(void)arg;
	for (size_t i = 0; i < 100; i++)
		words[i] = (struct weft_pool_item){"uneven lengths of items", 1 + i % 23};
	for (size_t chunk = 1; chunk < 100; chunk += 33)
		CHECK_INT(weft_pool_map(pool, &(struct weft_pool_map){.call = "act",
						      .items = words,
						      .count = 100,
						      .chunk = chunk,
						      .each = is_aligned}),
			==, 0);
	for (size_t i = 0; i < 23; i++) {
		struct weft_pool_task *task =
			weft_pool_submit(pool, "act", words[i].data, words[i].len);

		CHECK_INT(weft_pool_task_wait(task, WEFT_FOREVER), ==, 0);
		CHECK_INT(weft_pool_task_result(task, &data), ==, words[i].len);
		CHECK((uintptr_t)data % 8 == 0);
		CHECK(memcmp(data, words[i].data, words[i].len) == 0);
		weft_pool_task_free(task);
	}
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(items_and_results_of_any_length_lie_at_multiples_of_8)
{
	both(all_lie_well);
}

/* ---- Ends -------------------------------------------------------------------------------- */

static int the_rest_is_not_begun(void *arg)
{
	struct weft_pool *pool = pool_of(1);
	struct weft_pool_item words[100] = {{"w", 1}};

	(void)arg;
	for (int i = 1; i < 100; i++)
		words[i] = (struct weft_pool_item){"l1", 2};
	atomic_store(&shared->begun, 0);
	atomic_store(&shared->is_held, true);
	CHECK_ERRNO(weft_pool_map(pool, &(struct weft_pool_map){.call = "act",
						.items = words,
						.count = 100,
						.chunk = 100,
						.each = refuse}),
		EXFULL);
	atomic_store(&shared->is_held, false);
	CHECK_INT(begun_in_all(pool), <=, 2);
	gives(submit(pool, "act", "you"), "you");
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(when_a_map_is_stopped_no_more_items_of_a_chunk_are_begun)
{
	both(the_rest_is_not_begun);
}

static int a_death_takes_what_was_not_sent(void *arg)
{
	struct weft_pool *pool = pool_of(1);
	const struct weft_pool_item words[] = {
		{"w", 1}, {"w", 1}, {"you", 3}, {"k", 1}, {"you", 3}, {"w", 1}};
	int errors[6];

	(void)arg;
	memset(errors, 0x55, sizeof(errors));
	CHECK_ERRNO(weft_pool_map(pool, &(struct weft_pool_map){.call = "act",
						.items = words,
						.count = 6,
						.chunk = 6,
						.each = note,
						.arg = errors}),
		EOWNERDEAD);
	CHECK(!errors[0] && !errors[1]);
	CHECK(!errors[2] || errors[2] == EOWNERDEAD); /* sent, where the machine was that slow */
	CHECK_INT(errors[3], ==, EOWNERDEAD);
	CHECK(!errors[4] && !errors[5]);
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(a_worker_that_dies_takes_only_those_of_a_chunk_that_it_had_not_sent)
{
	both(a_death_takes_what_was_not_sent);
}

/* ---- What a call may be like -------------------------------------------------------------- */

static int calls_are_odd(void *arg)
{
	struct weft_pool *pool =
		pool_with((struct weft_pool_options){.workers = 1, .tasks_max = 4});
	struct weft_pool_item words[20];
	struct weft_pool_facts facts;
	int errors[20];

	(void)arg;
	/* An errno that is none. */
	fails(submit(pool, "act", "-"), EIO);
	/* It forks, and its child comes back, too. */
	gives(submit(pool, "act", "2"), "2");
	gives(submit(pool, "act", "you"), "you");
	for (int i = 0; i < 20; i++)
		words[i] = (struct weft_pool_item){"you", 3};
	CHECK_INT(weft_pool_map(pool, &(struct weft_pool_map){.call = "act",
					      .items = words,
					      .count = 20,
					      .chunk = 20,
					      .each = note,
					      .arg = errors}),
		==, 0);
	CHECK_INT(weft_pool_facts(pool, &facts), ==, 0);
	CHECK_INT(facts.replaced, >=, 4);
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(an_odd_errno_a_child_that_comes_back_and_long_chunks_do_no_harm)
{
	both(calls_are_odd);
}

static int looking_finds_an_end(void *arg)
{
	struct weft_pool *pool = pool_of(1);
	struct weft_pool_task *task = submit(pool, "act", "you");

	(void)arg;
	CHECK_INT(weft_pool_task_wait(task, WEFT_FOREVER), ==, 0);
	CHECK_INT(weft_pool_task_wait(task, 0), ==, 0);
	gives(task, "you");
	task = begin(pool, "h");
	CHECK_ERRNO(weft_pool_task_wait(task, 0), ETIMEDOUT);
	weft_pool_task_free(task);
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(a_look_at_a_task_that_has_ended_finds_that)
{
	both(looking_finds_an_end);
}

/* ---- Workers ------------------------------------------------------------------------------ */

static int killed_for_good(void *arg)
{
	struct weft_pool *pool = pool_of(1);
	struct weft_pool_task *task;

	(void)arg;
	atomic_store(&shared->begun, 0);
	task = submit(pool, "again", "h");
	while (!atomic_load(&shared->begun))
		usleep(100);
	CHECK_INT(weft_pool_task_kill(task), ==, 0);
	fails(task, ECANCELED);
	gives(submit(pool, "survive", "you"), "you");
	CHECK_INT(atomic_load(&shared->begun), ==, 1);
	weft_pool_free(pool);
	return 0;
}

CHECK_CASE(a_task_that_is_killed_is_not_repeated_though_it_may_be)
{
	both(killed_for_good);
}

/* The first worker has a life, and the others have none. */
static int begin_once(void *arg)
{
	(void)arg;
	return atomic_fetch_sub(&shared->lives, 1) > 0 ? 0 : -1;
}

CHECK_CASE(where_only_the_first_worker_can_begin_the_tasks_after_it_fail)
{
	struct weft_pool *pool;

	share();
	atomic_store(&shared->lives, 1);
	pool = pool_with((struct weft_pool_options){.workers = 1, .begin = begin_once});
	gives(submit(pool, "act", "you"), "you");
	dies(submit(pool, "act", "e"), WEFT_PROCESS_EXITED, 3);
	fails(submit(pool, "act", "you"), EOWNERDEAD);
	weft_pool_free(pool);
}

CHECK_CASE(a_terminals_signals_are_no_matter_of_the_workers)
{
	struct weft_pool *pool = pool_of(1);
	struct weft_pool_facts facts;
	pid_t pid;

	gives(submit(pool, "act", "you"), "you");
	CHECK_INT(weft_pool_pids(pool, &pid, 1), ==, 1);
	CHECK_INT(kill(pid, SIGINT), ==, 0);
	CHECK_INT(kill(pid, SIGHUP), ==, 0);
	gives(submit(pool, "act", "you"), "you");
	CHECK_INT(weft_pool_facts(pool, &facts), ==, 0);
	CHECK_INT(facts.replaced, ==, 0);
	weft_pool_free(pool);
}

static int count_descriptors(void *arg)
{
	(void)arg;
	return descriptors();
}

static int descriptors_of_a_child(void)
{
	struct weft_process *process = weft_process_new(NULL, count_descriptors, NULL);
	struct weft_process_end end;

	CHECK_INT(weft_process_start(process), ==, 0);
	CHECK_INT(weft_process_join(process, &end, WEFT_FOREVER), ==, 0);
	weft_process_free(process);
	return end.code;
}

CHECK_CASE(the_child_of_a_fork_has_no_descriptor_of_the_parents_pools)
{
	int before = descriptors_of_a_child();
	struct weft_pool *pool = pool_of(3);

	gives(submit(pool, "act", "you"), "you");
	CHECK_INT(descriptors_of_a_child(), ==, before);
	weft_pool_free(pool);
}

CHECK_MAIN()
