/*
 * test_walks.c - src/http/walks.c: places for archives and searches, who gets them and who has to
 * go.
 */
#include "http/walks.h"

#include "check.h"
#include "http/limits.h"
#include "io/stream.h"
#include "weft/scope.h"

static struct weft__http_walks *walks;

/* A request of that peer. */
struct from {
	struct weft_stream stream;
	struct weft_http_request request;
};

static const struct weft_http_request *from(struct from *from, const char *peer)
{
	struct weft_address address;

	CHECK_INT(weft_address_parse(&address, peer), ==, 0);
	*from = (struct from){.stream = {.fd = -1}};
	from->stream.accepted.len = address.len;
	memcpy(&from->stream.accepted.in6, &address.in6, address.len);
	weft__http_request_init(&from->request, &from->stream);
	return &from->request;
}

static void begin(void)
{
	walks = weft__http_walks_new();
	CHECK(walks != NULL);
}

CHECK_CASE(one_client_has_two_places_and_so_has_one_visitor_wherever_she_asks_from)
{
	struct weft__http_walk held[6];
	struct from one, other;
	const struct weft_http_request *here = from(&one, "192.0.2.1:1");
	const struct weft_http_request *there = from(&other, "192.0.2.2:1");

	begin();
	CHECK(weft__http_walk_enter(walks, &held[0], here, NULL));
	CHECK(weft__http_walk_enter(walks, &held[1], here, NULL));
	CHECK(!weft__http_walk_enter(walks, &held[2], here, NULL));
	CHECK(weft__http_walk_enter(walks, &held[2], there, NULL));
	CHECK(weft__http_walk_enter(walks, &held[3], here, "mia"));
	CHECK(weft__http_walk_enter(walks, &held[4], there, "mia"));
	CHECK(!weft__http_walk_enter(walks, &held[5], there, "mia"));
	CHECK(weft__http_walk_enter(walks, &held[5], here, "ann"));
	weft__http_walk_leave(walks, &held[0]);
	CHECK(weft__http_walk_enter(walks, &held[0], here, NULL));
	for (int i = 0; i < 6; i++)
		weft__http_walk_leave(walks, &held[i]);
	CHECK_INT(walks->count, ==, 0);
	weft__http_walks_free(walks);
}

static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
static unsigned holding, cut_off;

/* It has a place, and a peer that takes nothing, as long as nobody else needs it. */
static int hold_slowly(void *name)
{
	struct weft__http_walk walk;
	struct from one;

	CHECK(weft__http_walk_enter(walks, &walk, from(&one, "192.0.2.1:1"), name));
	weft__http_walk_writes(&walk, true);
	holding++;
	CHECK_ERRNO(weft_sleep(INT64_MAX), ECANCELED);
	cut_off++;
	weft__http_walk_leave(walks, &walk);
	return 0;
}

static int ask_for_a_place(void *arg)
{
	struct weft__http_walk walk;
	weft_fiber_id fibers[WEFT__HTTP_WALKS_MAX];
	struct from one;
	const struct weft_http_request *request = from(&one, "192.0.2.9:1");

	(void)arg;
	begin();
	walks->hurry_ns = WEFT_SECONDS(3600);
	for (unsigned i = 0; i < WEFT__HTTP_WALKS_MAX; i++)
		fibers[i] = weft_spawn(hold_slowly, (void *)(uintptr_t)names[i]);
	while (holding < WEFT__HTTP_WALKS_MAX)
		weft_yield();
	/* Slow, but not for long enough. */
	CHECK(!weft__http_walk_enter(walks, &walk, request, NULL));
	for (int i = 0; i < 100; i++)
		weft_yield();
	CHECK_INT(cut_off, ==, 0);
	walks->hurry_ns = 0;
	CHECK(!weft__http_walk_enter(walks, &walk, request, NULL));
	while (cut_off == 0)
		weft_yield();
	CHECK(weft__http_walk_enter(walks, &walk, request, NULL));
	CHECK_INT(cut_off, ==, 1);
	CHECK_INT(weft_join(fibers[0], NULL, WEFT_FOREVER), ==, 0); /* the slowest */
	weft__http_walk_leave(walks, &walk);
	for (unsigned i = 1; i < WEFT__HTTP_WALKS_MAX; i++) {
		weft_cancel(fibers[i]);
		CHECK_INT(weft_join(fibers[i], NULL, WEFT_FOREVER), ==, 0);
	}
	weft__http_walks_free(walks);
	return 0;
}

CHECK_CASE(who_is_slow_loses_the_place_when_all_are_taken_and_somebody_asks)
{
	const struct weft_run_options options = {.workers = 1};

	CHECK_INT(weft_run(&options, ask_for_a_place, NULL), ==, 0);
}

/* As slow as he likes: but he does not wait for his peer. */
static int hold_at_work(void *name)
{
	struct weft__http_walk walk;
	struct from one;

	CHECK(weft__http_walk_enter(walks, &walk, from(&one, "192.0.2.1:1"), name));
	weft__http_walk_writes(&walk, true);
	weft__http_walk_writes(&walk, false);
	holding++;
	CHECK_ERRNO(weft_sleep(INT64_MAX), ECANCELED);
	CHECK_INT(cut_off, ==, 1); /* by the end of the test */
	weft__http_walk_leave(walks, &walk);
	return 0;
}

static int ask_those_at_work(void *arg)
{
	struct weft__http_walk walk;
	weft_fiber_id fibers[WEFT__HTTP_WALKS_MAX];
	struct from one;

	(void)arg;
	begin();
	walks->hurry_ns = 0;
	for (unsigned i = 0; i < WEFT__HTTP_WALKS_MAX; i++)
		fibers[i] = weft_spawn(hold_at_work, (void *)(uintptr_t)names[i]);
	while (holding < WEFT__HTTP_WALKS_MAX)
		weft_yield();
	CHECK(!weft__http_walk_enter(walks, &walk, from(&one, "192.0.2.9:1"), NULL));
	for (int i = 0; i < 100; i++)
		weft_yield();
	cut_off = 1;
	for (unsigned i = 0; i < WEFT__HTTP_WALKS_MAX; i++) {
		weft_cancel(fibers[i]);
		CHECK_INT(weft_join(fibers[i], NULL, WEFT_FOREVER), ==, 0);
	}
	weft__http_walks_free(walks);
	return 0;
}

CHECK_CASE(who_waits_for_the_disk_and_not_for_his_peer_keeps_it)
{
	const struct weft_run_options options = {.workers = 1};

	CHECK_INT(weft_run(&options, ask_those_at_work, NULL), ==, 0);
}

CHECK_MAIN()
