/*
 * test_select.c - one of several: channels, descriptors, timers; nothing is lost by it.
 * check: tsan aarch64 valgrind drivers
 */
#include <poll.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "sync/mix.h"
#include "weft/chan.h"
#include "weft/socket.h"

/* ---- Alone ------------------------------------------------------------------------- */

static int ready_cases(void *arg)
{
	struct weft_chan *full = weft_chan_new(sizeof(int), 1, NULL);
	struct weft_chan *empty = weft_chan_new(sizeof(int), 1, NULL);
	int item = 4, got = 0;
	struct weft_select_case cases[] = {
		WEFT_SELECT_RECV(empty, &got), WEFT_SELECT_SEND(full, &item), WEFT_SELECT_DEFAULT};

	(void)arg;
	CHECK_INT(weft_select(cases, 3), ==, 1);
	CHECK_INT(cases[1].result, ==, 0);
	CHECK_INT(weft_select(cases, 3), ==, 2);
	WEFT_WITH_TIMEOUT (0)
		CHECK_INT(weft_select(cases, 3), ==, 2);
	CHECK_INT(weft_chan_len(full), ==, 1);
	cases[0].chan = full;
	cases[1].chan = NULL;
	CHECK_INT(weft_select(cases, 3), ==, 0);
	CHECK_INT(cases[0].result, ==, 1);
	CHECK_INT(got, ==, 4);
	CHECK_INT(weft_chan_close(full), ==, 0);
	CHECK_INT(weft_select(cases, 3), ==, 0);
	CHECK_INT(cases[0].result, ==, 0);
	cases[1].chan = full;
	cases[0].chan = empty;
	CHECK_INT(weft_select(cases, 3), ==, 1);
	CHECK_INT(cases[1].result, ==, -1);
	weft_chan_free(full);
	weft_chan_free(empty);
	return 0;
}

CHECK_CASE(a_case_that_can_go_on_does_and_else_the_default)
{
	ready_cases(NULL);
	run(1, ready_cases, NULL);
}

static int timers_and_errors(void *arg)
{
	struct weft_chan *chan = weft_chan_new(sizeof(int), 0, NULL);
	struct weft_select_case many[WEFT_SELECT_MAX + 1];
	int item = 0;
	struct weft_select_case cases[] = {WEFT_SELECT_RECV(chan, &item),
		WEFT_SELECT_TIMER(WEFT_SECONDS(3600)), WEFT_SELECT_TIMER(WEFT_MILLISECONDS(1)),
		WEFT_SELECT_TIMER(WEFT_FOREVER), WEFT_SELECT_FD(-1, POLLIN)};

	(void)arg;
	CHECK_INT(weft_select(cases, 5), ==, 2);
	cases[1].timeout_ns = 0;
	CHECK_INT(weft_select(cases, 2), ==, 1);
	cases[2].timeout_ns = WEFT_SECONDS(3600);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_select(&cases[2], 3), ETIMEDOUT);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_select(cases, 1), ETIMEDOUT);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_select(NULL, 0), ETIMEDOUT);
	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(weft_select(cases, 2), ETIMEDOUT);
	memset(many, 0, sizeof(many));
	CHECK_ERRNO(weft_select(many, 1), EINVAL);
	CHECK_ERRNO(weft_select(many, WEFT_SELECT_MAX + 1), EINVAL);
	for (int i = 0; i < WEFT_SELECT_MAX; i++)
		many[i] = WEFT_SELECT_RECV(chan, &item);
	many[WEFT_SELECT_MAX - 1] = WEFT_SELECT_TIMER(1);
	CHECK_INT(weft_select(many, WEFT_SELECT_MAX), ==, WEFT_SELECT_MAX - 1);
	weft_chan_free(chan);
	return 0;
}

CHECK_CASE(the_first_timer_counts_and_the_scope_is_obeyed)
{
	timers_and_errors(NULL);
	run(1, timers_and_errors, NULL);
}

/* Ten thousand selects of four full channels: each gets a fair share. */
static int fair_share(void *arg)
{
	struct weft_chan *chans[4];
	unsigned counts[4] = {0};
	int item = 1, got;
	struct weft_select_case cases[4];

	(void)arg;
	for (int i = 0; i < 4; i++) {
		chans[i] = weft_chan_new(sizeof(int), 1, NULL);
		CHECK_INT(weft_chan_send(chans[i], &item), ==, 0);
		cases[i] = WEFT_SELECT_RECV(chans[i], &got);
	}
	for (int i = 0; i < 10000; i++) {
		ssize_t chosen = weft_select(cases, 4);

		CHECK(chosen >= 0 && chosen < 4);
		counts[chosen]++;
		CHECK_INT(weft_chan_send(chans[chosen], &item), ==, 0);
	}
	for (int i = 0; i < 4; i++) {
		CHECK_INT(counts[i], >, 2000);
		weft_chan_free(chans[i]);
	}
	return 0;
}

CHECK_CASE(no_case_is_preferred_for_its_place)
{
	fair_share(NULL);
	run(1, fair_share, NULL);
}

/* ---- Descriptors ---------------------------------------------------------------------- */

struct feed {
	struct weft_chan *chan;
	int fd;
};

static int feed_later(void *arg)
{
	struct feed *feed = arg;
	int item = 9;

	weft_sleep(WEFT_MILLISECONDS(1));
	if (feed->fd >= 0)
		CHECK_INT(weft_write(feed->fd, "x", 1), ==, 1);
	else
		CHECK_INT(weft_chan_send(feed->chan, &item), ==, 0);
	return 0;
}

static void *feed_thread(void *arg)
{
	feed_later(arg);
	return NULL;
}

static void descriptors_beside_channels(void)
{
	struct weft_chan *chan = weft_chan_new(sizeof(int), 0, NULL);
	struct feed feed = {chan, -1};
	int fds[2], item = 0;
	char byte;
	pthread_t thread;

	CHECK_INT(weft_pipe(fds), ==, 0);
	struct weft_select_case cases[] = {WEFT_SELECT_FD(fds[0], POLLIN),
		WEFT_SELECT_RECV(chan, &item), WEFT_SELECT_TIMER(WEFT_SECONDS(3600)),
		WEFT_SELECT_DEFAULT};

	CHECK_INT(weft_select(cases, 4), ==, 3);
	for (int i = 0; i < 10; i++) {
		feed.fd = i % 2 ? fds[1] : -1;
		item = 0;
		CHECK_INT(pthread_create(&thread, NULL, feed_thread, &feed), ==, 0);
		CHECK_INT(weft_select(cases, 3), ==, i % 2 ? 0 : 1);
		CHECK_INT(pthread_join(thread, NULL), ==, 0);
		CHECK_INT(cases[i % 2 ? 0 : 1].result, ==, i % 2 ? POLLIN : 1);
		CHECK_INT(item, ==, i % 2 ? 0 : 9);
		if (i % 2) {
			CHECK_INT(weft_select(cases, 4), ==, 0); /* level: still so */
			CHECK_INT(weft_read(fds[0], &byte, 1), ==, 1);
		}
	}
	cases[2].timeout_ns = WEFT_MILLISECONDS(1);
	CHECK_INT(weft_select(cases, 3), ==, 2);
	WEFT_WITH_TIMEOUT (WEFT_MICROSECONDS(100))
		CHECK_ERRNO(weft_select(cases, 2), ETIMEDOUT);
	CHECK_INT(weft_close(fds[1]), ==, 0);
	CHECK_INT(weft_select(cases, 3), ==, 0);
	CHECK(cases[0].result & POLLHUP);
	CHECK_INT(weft_close(fds[0]), ==, 0);
	CHECK_INT(weft_select(cases, 3), ==, 0);
	CHECK_INT(cases[0].result, ==, POLLNVAL);
	weft_chan_free(chan);
}

static int descriptors_in_fiber(void *arg)
{
	(void)arg;
	descriptors_beside_channels();
	return 0;
}

CHECK_CASE(descriptors_channels_and_timers_can_be_waited_for_at_once)
{
	descriptors_beside_channels();
	run(1, descriptors_in_fiber, NULL);
	run(2, descriptors_in_fiber, NULL);
}

static int select_readable(void *arg)
{
	struct weft_select_case cases[] = {
		WEFT_SELECT_FD((int)(intptr_t)arg, POLLIN), WEFT_SELECT_TIMER(WEFT_SECONDS(3600))};

	CHECK_INT(weft_select(cases, 2), ==, 0);
	return cases[0].result;
}

static int closed_meanwhile(void *arg)
{
	int fds[2], result = 0;
	weft_fiber_id fiber;

	(void)arg;
	CHECK_INT(weft_pipe(fds), ==, 0);
	fiber = weft_spawn(select_readable, (void *)(intptr_t)fds[0]);
	settle();
	CHECK_INT(weft_close(fds[0]), ==, 0);
	CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, POLLNVAL);
	CHECK_INT(weft_close(fds[1]), ==, 0);
	return 0;
}

CHECK_CASE(a_descriptor_closed_meanwhile_is_told)
{
	run(1, closed_meanwhile, NULL);
}

CHECK_CASE(a_thread_without_a_free_descriptor_is_told_so_and_nothing_is_queued)
{
	struct weft_chan *chan = weft_chan_new(sizeof(int), 0, NULL);
	struct rlimit limit, none;
	int fds[2], item = 0;

	CHECK_INT(weft_pipe(fds), ==, 0);
	struct weft_select_case cases[] = {
		WEFT_SELECT_FD(fds[0], POLLIN), WEFT_SELECT_RECV(chan, &item)};

	CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	none = limit;
	none.rlim_cur = (rlim_t)fds[0];
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
	CHECK_ERRNO(weft_select(cases, 2), EMFILE);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	CHECK_ERRNO(weft_chan_try_send(chan, &item), EAGAIN);
	weft_chan_free(chan);
}

/* ---- Many ------------------------------------------------------------------------------ */

enum { CHANS = 4 };

/* Everybody sends to one and receives from all by select, in random pairs of cases. */
struct bazaar {
	struct weft_chan *chans[CHANS];
	unsigned rounds, actors;
	_Atomic unsigned left;
	_Atomic uint64_t sent, received, sent_sum, received_sum;
};

static void note(_Atomic uint64_t *count, _Atomic uint64_t *sum, uint64_t item)
{
	(*count)++;
	*sum += item * item;
}

/* A select of two receives, two sends and a timer. True: something was received or sent. */
static void trade(struct bazaar *bazaar, struct prng *prng, uint64_t item)
{
	uint64_t got[2] = {0};
	struct weft_select_case cases[5];
	ssize_t chosen = -1;

	for (int i = 0; i < 4; i++) {
		struct weft_chan *chan = bazaar->chans[prng_below(prng, CHANS)];

		cases[i] = i < 2 ? WEFT_SELECT_RECV(chan, &got[i]) : WEFT_SELECT_SEND(chan, &item);
	}
	cases[4] = WEFT_SELECT_TIMER(WEFT_MICROSECONDS(prng_below(prng, 200)));
	WEFT_WITH_TIMEOUT (patience(prng))
		chosen = weft_select(cases, 5);
	if (chosen < 0)
		CHECK_INT(errno, ==, ETIMEDOUT);
	else if (chosen >= 2 && chosen < 4 && cases[chosen].result == 0)
		note(&bazaar->sent, &bazaar->sent_sum, item);
	else if (chosen < 2 && cases[chosen].result == 1)
		note(&bazaar->received, &bazaar->received_sum, got[chosen]);
	for (int i = 0; i < 2; i++)
		CHECK(chosen == i || got[i] == 0);
}

static void plain(struct bazaar *bazaar, struct prng *prng, uint64_t item)
{
	struct weft_chan *chan = bazaar->chans[prng_below(prng, CHANS)];
	uint64_t got = 0;
	int result = -1;

	if (prng_below(prng, 2)) {
		WEFT_WITH_TIMEOUT (WEFT_MICROSECONDS(prng_below(prng, 100)))
			result = weft_chan_send(chan, &item);
		if (result == 0)
			note(&bazaar->sent, &bazaar->sent_sum, item);
	} else {
		WEFT_WITH_TIMEOUT (WEFT_MICROSECONDS(prng_below(prng, 100)))
			result = weft_chan_recv(chan, &got);
		if (result == 1)
			note(&bazaar->received, &bazaar->received_sum, got);
	}
}

static void bazaar_work(void *arg, unsigned index)
{
	struct bazaar *bazaar = arg;
	struct prng prng = {index};

	for (unsigned i = 0; i < bazaar->rounds; i++) {
		uint64_t item = (uint64_t)index * bazaar->rounds + i + 1;

		(prng_below(&prng, 3) ? trade : plain)(bazaar, &prng, item);
		jitter(&prng);
	}
}

/* What still lies in the channels counts as received. */
static void drain(struct bazaar *bazaar)
{
	uint64_t item;

	for (int i = 0; i < CHANS; i++) {
		while (weft_chan_try_recv(bazaar->chans[i], &item) > 0)
			note(&bazaar->received, &bazaar->received_sum, item);
		weft_chan_free(bazaar->chans[i]);
	}
}

static void bazaar_run(size_t capacity, unsigned workers, unsigned fibers, unsigned threads)
{
	struct bazaar bazaar = {.rounds = check_rounds(200), .actors = fibers + threads};

	for (int i = 0; i < CHANS; i++)
		bazaar.chans[i] = weft_chan_new(sizeof(uint64_t), capacity * (size_t)i, NULL);
	mix_run(&(struct mix){workers, fibers, threads, bazaar_work, &bazaar});
	drain(&bazaar);
	CHECK_INT(bazaar.sent, >, 0);
	CHECK_INT(bazaar.sent, ==, bazaar.received);
	CHECK_INT(bazaar.sent_sum, ==, bazaar.received_sum);
}

CHECK_CASE(selects_among_each_other_and_plain_calls_lose_nothing)
{
	bazaar_run(0, 1, 10, 0);
	bazaar_run(0, 3, 12, 0);
	bazaar_run(0, 1, 0, 6);
	bazaar_run(0, 2, 8, 3);
	bazaar_run(1, 1, 10, 0);
	bazaar_run(1, 3, 9, 3);
}

CHECK_MAIN()
