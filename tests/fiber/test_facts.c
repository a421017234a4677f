/*
 * test_facts.c - all fibers, one after the other, for a program (include/weft/debug.h).
 * check: tsan drivers
 */
#include "weft/debug.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "check.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/serve.h"
#include "weft/socket.h"

#define HOUR WEFT_SECONDS(3600)

struct search {
	const char *name;
	struct weft_fiber_facts found;
	int count, all, held;
};

static int look(const struct weft_fiber_facts *facts, void *arg)
{
	struct search *search = arg;

	search->all++;
	search->held += facts->state == WEFT_FIBER_HOLDS;
	if (strcmp(facts->name, search->name) == 0) {
		search->found = *facts;
		search->count++;
	}
	return 0;
}

/* A machine that is busy may keep a worker for so long that it is told of as held. */
static struct search find(const char *name)
{
	struct search search;

	do {
		search = (struct search){.name = name};
		CHECK_INT(weft_fibers(look, &search), ==, 0);
	} while (search.held > 0);
	return search;
}

static int sleep_long(void *arg)
{
	(void)arg;
	weft_sleep(HOUR);
	return 0;
}

static weft_fiber_id start(const char *name, weft_fiber_fn *fn, void *arg, unsigned worker)
{
	const struct weft_spawn_options options = {.name = name, .worker = worker};
	weft_fiber_id fiber = weft_spawn_with(&options, fn, arg);

	CHECK(fiber);
	return fiber;
}

static void end(weft_fiber_id fiber)
{
	weft_cancel(fiber);
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
}

/* Until it waits: it has been spawned on a worker that may have other things to do. */
static struct search find_waiting(const char *name)
{
	struct search search;

	do {
		search = find(name);
		if (search.count > 0 && search.found.state == WEFT_FIBER_WAITS)
			break;
	} while (weft_sleep(WEFT_MILLISECONDS(1)) == 0);
	return search;
}

static int facts_of_one(void *arg)
{
	weft_fiber_id fiber = start("sleeper", sleep_long, NULL, 2);
	struct search search = find_waiting("sleeper");
	const struct weft_fiber_facts *facts = &search.found;

	(void)arg;
	CHECK_INT(search.count, ==, 1);
	CHECK(facts->id == fiber);
	CHECK_INT(facts->worker, ==, 1);
	CHECK_STR(facts->wait, "sleeps");
	CHECK_STR(facts->door, "");
	CHECK_STR(facts->peer, "");
	CHECK_INT(facts->stack_size_bytes, ==, WEFT_STACK_SIZE_DEFAULT);
	CHECK(facts->stack_used_bytes > 0 && facts->stack_used_bytes < facts->stack_size_bytes);
	CHECK(facts->state_ns >= 0 && facts->age_ns >= facts->state_ns);
	weft_sleep(WEFT_MILLISECONDS(20));
	search = find("sleeper");
	CHECK(search.found.age_ns >= WEFT_MILLISECONDS(10));
	end(fiber);
	CHECK_INT(find("sleeper").count, ==, 0);
	return 0;
}

CHECK_CASE(a_fiber_is_told_of_with_its_state_its_wait_and_its_stack)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, facts_of_one, NULL), ==, 0);
}

static int facts_of_many(void *arg)
{
	enum { MANY = 3000 };
	static weft_fiber_id fibers[MANY];
	struct search search;

	(void)arg;
	for (int i = 0; i < MANY; i++)
		fibers[i] = start("many", sleep_long, NULL, 1 + (unsigned)i % 3);
	search = find("many");
	CHECK_INT(search.count, ==, MANY);
	CHECK(search.all > MANY);
	for (int i = 0; i < MANY; i++)
		end(fibers[i]);
	return 0;
}

CHECK_CASE(each_of_many_fibers_on_all_workers_is_told_of_once)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 3}, facts_of_many, NULL), ==, 0);
}

static atomic_bool is_enough, is_held;

static int hold(void *arg)
{
	(void)arg;
	atomic_store(&is_held, true);
	while (!atomic_load(&is_enough))
		continue;
	return 0;
}

static int find_holder(void *arg)
{
	weft_fiber_id fiber = start("holder", hold, NULL, 2);
	struct search search = {.name = "holder"};

	(void)arg;
	while (!atomic_load(&is_held))
		weft_yield();
	CHECK_INT(weft_fibers(look, &search), ==, 0);
	atomic_store(&is_enough, true);
	CHECK_INT(search.count, ==, 1);
	CHECK_INT(search.found.state, ==, WEFT_FIBER_HOLDS);
	CHECK_STR(weft_fiber_state_name(search.found.state), "holds");
	CHECK_INT(search.found.worker, ==, 1);
	CHECK(search.found.id == fiber);
	CHECK(search.found.state_ns > 0);
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	return 0;
}

CHECK_CASE(a_worker_that_does_not_answer_is_told_of_by_the_fiber_that_holds_it)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, find_holder, NULL), ==, 0);
}

static int stop_at_first(const struct weft_fiber_facts *facts, void *arg)
{
	(void)facts;
	++*(int *)arg;
	errno = EPIPE;
	return -1;
}

static void *list_outside(void *arg)
{
	struct search *search = arg;

	*search = find("sleeper");
	return NULL;
}

static int list_from_thread(void *arg)
{
	weft_fiber_id fiber = start("sleeper", sleep_long, NULL, 0);
	struct search search = {.name = ""};
	int told = 0;
	pthread_t thread;

	(void)arg;
	CHECK_INT(weft_fibers(stop_at_first, &told), ==, -1);
	CHECK_INT(errno, ==, EPIPE);
	CHECK_INT(told, ==, 1);
	CHECK_INT(pthread_create(&thread, NULL, list_outside, &search), ==, 0);
	while (pthread_tryjoin_np(thread, NULL) != 0)
		weft_sleep(WEFT_MILLISECONDS(1));
	CHECK_INT(search.count, ==, 1);
	end(fiber);
	return 0;
}

CHECK_CASE(a_thread_may_list_too_and_who_is_told_may_say_enough)
{
	CHECK_INT(
		weft_run(&(struct weft_run_options){.workers = 2}, list_from_thread, NULL), ==, 0);
	CHECK_INT(weft_fibers(stop_at_first, NULL), ==, -1);
	CHECK_INT(errno, ==, ENOTSUP);
}

/* ---- Connections --------------------------------------------------------------------------- */

static int read_on(struct weft_stream *peer, void *arg)
{
	const char *line;

	(void)arg;
	while (weft_stream_readline(peer, &line) > 0)
		continue;
	return 0;
}

static int serve(void *listener)
{
	return weft_serve(listener, read_on, NULL, &(struct weft_serve_options){.name = "talker"});
}

static int facts_of_connection(void *arg)
{
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);
	char address[WEFT_ADDRESS_TEXT_MAX], own[WEFT_ADDRESS_TEXT_MAX];
	struct weft_stream *stream;
	struct search search;
	weft_fiber_id server;

	CHECK(listener);
	if (arg)
		weft_listener_set_name(listener, arg);
	weft_address_print(weft_listener_address(listener), address, sizeof(address));
	server = start("server", serve, listener, 0);
	stream = weft_stream_connect(address);
	CHECK(stream);
	weft_address_print(weft_stream_local(stream), own, sizeof(own));
	search = find_waiting("talker");
	CHECK_STR(search.found.door, arg ? arg : "talker");
	CHECK_STR(search.found.peer, own);
	CHECK(strncmp(search.found.wait, "to read descriptor ", 19) == 0);
	CHECK(strstr(search.found.wait, own));
	weft_stream_free(stream);
	weft_serve_stop(listener);
	CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
	weft_listener_free(listener);
	return 0;
}

CHECK_CASE(a_connection_is_told_of_by_its_door_and_peer)
{
	CHECK_INT(weft_run(NULL, facts_of_connection, "door"), ==, 0);
	CHECK_INT(weft_run(NULL, facts_of_connection, NULL), ==, 0);
}

static int burn(void *arg)
{
	struct weft_counters counters;

	(void)arg;
	do {
		CHECK_INT(weft_counters(0, &counters), ==, 0);
	} while (counters.cpu_ns < WEFT_MILLISECONDS(5));
	CHECK_INT(weft_counters(-1, &counters), ==, 0);
	CHECK(counters.cpu_ns >= WEFT_MILLISECONDS(5));
	CHECK_INT(counters.started - counters.ended, ==, 1);
	return 0;
}

CHECK_CASE(counters_say_how_much_of_a_processor_a_worker_has_used)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 1}, burn, NULL), ==, 0);
}

CHECK_MAIN()
