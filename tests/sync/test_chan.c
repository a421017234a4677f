/*
 * test_chan.c - channels: every item sent is received once, whatever happens meanwhile.
 * check: tsan aarch64 valgrind drivers
 */
#include "weft/chan.h"

#include <stdatomic.h>

#include "sync/mix.h"

/* ---- Alone ---------------------------------------------------------------------------- */

static int facts(void *arg)
{
	struct weft_chan *chan = weft_chan_new(sizeof(int), 3, "facts");
	int item = 0;

	(void)arg;
	CHECK_ERRNO(weft_chan_try_recv(chan, &item), EAGAIN);
	for (int i = 1; i <= 3; i++)
		CHECK_INT(weft_chan_send(chan, &i), ==, 0);
	CHECK_INT(weft_chan_len(chan), ==, 3);
	CHECK_ERRNO(weft_chan_try_send(chan, &item), EAGAIN);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_chan_send(chan, &item), ETIMEDOUT);
	CHECK_INT(weft_chan_recv(chan, &item), ==, 1);
	CHECK_INT(item, ==, 1);
	CHECK_INT(weft_chan_close(chan), ==, 0);
	CHECK_ERRNO(weft_chan_close(chan), EPIPE);
	CHECK_ERRNO(weft_chan_send(chan, &item), EPIPE);
	CHECK_ERRNO(weft_chan_try_send(chan, &item), EPIPE);
	CHECK_INT(weft_chan_recv(chan, &item), ==, 1);
	CHECK_INT(item, ==, 2);
	CHECK_INT(weft_chan_try_recv(chan, &item), ==, 1);
	CHECK_INT(item, ==, 3);
	CHECK_INT(weft_chan_recv(chan, &item), ==, 0);
	CHECK_INT(weft_chan_try_recv(chan, &item), ==, 0);
	CHECK_INT(item, ==, 3);
	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(weft_chan_recv(chan, &item), ETIMEDOUT);
	weft_chan_free(chan);
	return 0;
}

CHECK_CASE(a_closed_channel_is_drained_and_then_ends)
{
	facts(NULL);
	run(1, facts, NULL);
	run(2, facts, NULL);
}

CHECK_CASE(channels_have_limits)
{
	struct weft_chan *chan;

	CHECK_ERRNO(weft_chan_new(0, 1, NULL), EINVAL);
	CHECK_ERRNO(weft_chan_new(WEFT_CHAN_ITEM_MAX + 1, 1, NULL), EINVAL);
	CHECK_ERRNO(weft_chan_new(1, WEFT_CHAN_CAPACITY_MAX + 1, NULL), EINVAL);
	CHECK((chan = weft_chan_new(WEFT_CHAN_ITEM_MAX, 0, NULL)) != NULL);
	weft_chan_free(chan);
	weft_chan_free(NULL);
}

/* ---- Two fibers -------------------------------------------------------------------------- */

static int recv_one(void *arg)
{
	int item = -1, result = weft_chan_recv(arg, &item);

	return result == 1 ? item : result == 0 ? 1000 : -errno;
}

static int send_seven(void *arg)
{
	int item = 7;

	return weft_chan_send(arg, &item) < 0 ? -errno : 0;
}

static int close_wakes(void *arg)
{
	struct weft_chan *chan = weft_chan_new(sizeof(int), 0, NULL);
	weft_fiber_id fibers[4];
	int results[4];

	(void)arg;
	for (int i = 0; i < 2; i++)
		fibers[i] = weft_spawn(recv_one, chan);
	settle();
	CHECK_INT(weft_chan_close(chan), ==, 0);
	CHECK_INT(weft_join_all(fibers, 2, results, WEFT_FOREVER), ==, 2);
	CHECK_INT(results[0], ==, 1000);
	CHECK_INT(results[1], ==, 1000);
	weft_chan_free(chan);
	chan = weft_chan_new(sizeof(int), 1, NULL);
	for (int i = 0; i < 4; i++)
		fibers[i] = weft_spawn(send_seven, chan);
	settle();
	CHECK_INT(weft_chan_close(chan), ==, 0);
	CHECK_INT(weft_join_all(fibers, 4, results, WEFT_FOREVER), ==, 4);
	CHECK_INT(results[0], ==, 0);
	for (int i = 1; i < 4; i++)
		CHECK_INT(results[i], ==, -EPIPE);
	CHECK_INT(recv_one(chan), ==, 7);
	CHECK_INT(recv_one(chan), ==, 1000);
	weft_chan_free(chan);
	return 0;
}

CHECK_CASE(close_ends_the_wait_of_receivers_and_senders)
{
	run(1, close_wakes, NULL);
}

static int rendezvous(void *arg)
{
	struct weft_chan *chan = weft_chan_new(sizeof(int), 0, NULL);
	weft_fiber_id sender = weft_spawn(send_seven, chan);
	int item;

	(void)arg;
	item = 1;
	CHECK_ERRNO(weft_chan_try_send(chan, &item), EAGAIN); /* nobody is there to take it */
	settle();
	CHECK_ERRNO(weft_join(sender, NULL, 0), ETIMEDOUT);
	CHECK_INT(weft_chan_len(chan), ==, 0);
	CHECK_INT(weft_chan_try_recv(chan, &item), ==, 1);
	CHECK_INT(item, ==, 7);
	CHECK_INT(weft_join(sender, NULL, WEFT_FOREVER), ==, 0);
	weft_chan_free(chan);
	return 0;
}

CHECK_CASE(without_capacity_a_sender_waits_for_its_receiver)
{
	run(1, rendezvous, NULL);
}

/* The item and the cancel at one moment: received, or still the sender's. */
static int item_and_cancel(void *arg)
{
	struct weft_chan *chan = weft_chan_new(sizeof(int), 0, NULL);
	int item = 5, result = 0, received = 0;

	(void)arg;
	for (int i = 0; i < 100; i++) {
		weft_fiber_id fiber = weft_spawn(recv_one, chan);
		int sent;

		settle();
		if (i % 2)
			CHECK_INT(weft_cancel(fiber), ==, 0);
		if (i % 4 == 1)
			weft_sleep(WEFT_MICROSECONDS(1));
		sent = weft_chan_try_send(chan, &item);
		weft_cancel(fiber); /* it may have ended already */
		CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
		CHECK_INT(result, ==, sent == 0 ? 5 : -ECANCELED);
		received += sent == 0;
	}
	CHECK_INT(received, >, 0);
	weft_chan_free(chan);
	return 0;
}

CHECK_CASE(an_item_handed_to_a_fiber_cancelled_meanwhile_is_received)
{
	run(1, item_and_cancel, NULL);
}

/* Order, and items of odd sizes. */
struct odd {
	uint32_t number;
	char padding[9];
};

static int send_odd(void *arg)
{
	struct odd odd = {.padding = "12345678"};

	for (odd.number = 0; odd.number < 1000; odd.number++)
		CHECK_INT(weft_chan_send(arg, &odd), ==, 0);
	return weft_chan_close(arg);
}

static int in_order(void *arg)
{
	for (size_t capacity = 0; capacity < 6; capacity++) {
		struct weft_chan *chan = weft_chan_new(sizeof(struct odd), capacity, "odd");
		const struct weft_spawn_options options = {.worker = weft_worker_count()};
		weft_fiber_id sender = weft_spawn_with(&options, send_odd, chan);
		struct odd odd;
		uint32_t expected = 0;

		while (weft_chan_recv(chan, &odd) > 0) {
			CHECK_INT(odd.number, ==, expected++);
			CHECK_STR(odd.padding, "12345678");
			CHECK(weft_chan_len(chan) <= capacity);
		}
		CHECK_INT(expected, ==, 1000);
		CHECK_INT(weft_join(sender, NULL, WEFT_FOREVER), ==, 0);
		weft_chan_free(chan);
	}
	(void)arg;
	return 0;
}

CHECK_CASE(items_come_out_in_the_order_in_which_they_went_in)
{
	run(1, in_order, NULL);
	run(2, in_order, NULL);
}

static int raise_flag(void *arg)
{
	*(bool *)arg = true;
	return 0;
}

/* Both ends in one fiber: there is always room, and always an item. */
static int to_and_fro(void *arg)
{
	struct weft_chan *chan = weft_chan_new(sizeof(int), 1, NULL);
	bool flag = false;
	weft_fiber_id fiber = weft_spawn(raise_flag, &flag);
	int item = 0;

	(void)arg;
	while (!flag) {
		CHECK_INT(weft_chan_send(chan, &item), ==, 0);
		CHECK_INT(weft_chan_recv(chan, &item), ==, 1);
		__asm__ volatile("" ::: "memory"); /* the flag is another fiber's */
	}
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	weft_chan_free(chan);
	return 0;
}

CHECK_CASE(a_fiber_that_never_has_to_wait_at_a_channel_lets_the_others_run)
{
	run(1, to_and_fro, NULL);
}

/* ---- Many ------------------------------------------------------------------------------- */

/* Every number is sent once; what each receiver got is added up. */
struct market {
	struct weft_chan *chan;
	unsigned rounds, senders;
	_Atomic unsigned senders_left;
	_Atomic uint64_t sent, received, sent_sum, received_sum;
};

static void sell(struct market *market, struct prng *prng, unsigned index)
{
	for (unsigned i = 0; i < market->rounds; i++) {
		uint64_t item = (uint64_t)index * market->rounds + i + 1;
		int result = -1;

		WEFT_WITH_TIMEOUT (patience(prng))
			result = weft_chan_send(market->chan, &item);
		if (result == 0) {
			market->sent++;
			market->sent_sum += item * item;
		} else {
			CHECK_INT(errno, ==, ETIMEDOUT);
		}
		jitter(prng);
	}
	if (--market->senders_left == 0)
		CHECK_INT(weft_chan_close(market->chan), ==, 0);
}

static void buy(struct market *market, struct prng *prng)
{
	for (;;) {
		uint64_t item = 0;
		int result = -1;

		WEFT_WITH_TIMEOUT (patience(prng))
			result = weft_chan_recv(market->chan, &item);
		if (result == 0)
			return;
		if (result == 1) {
			market->received++;
			market->received_sum += item * item;
		} else {
			CHECK_INT(errno, ==, ETIMEDOUT);
			CHECK_INT(item, ==, 0);
		}
		jitter(prng);
	}
}

static void market_work(void *arg, unsigned index)
{
	struct market *market = arg;
	struct prng prng = {index};

	if (index % 2 && index / 2 < market->senders)
		sell(market, &prng, index);
	else
		buy(market, &prng);
}

static void market_run(size_t capacity, unsigned workers, unsigned fibers, unsigned threads)
{
	unsigned senders = (fibers + threads) / 2;
	struct market market = {
		.rounds = check_rounds(100), .senders = senders, .senders_left = senders};

	market.chan = weft_chan_new(sizeof(uint64_t), capacity, "market");
	mix_run(&(struct mix){workers, fibers, threads, market_work, &market});
	CHECK_INT(market.sent, ==, market.received);
	CHECK_INT(market.sent_sum, ==, market.received_sum);
	CHECK_INT(market.sent, >, 0);
	weft_chan_free(market.chan);
}

CHECK_CASE(among_the_impatient_each_item_sent_is_received_once)
{
	for (size_t capacity = 0; capacity <= 8; capacity = capacity * 2 + (capacity < 2)) {
		market_run(capacity, 1, 10, 0);
		market_run(capacity, 3, 12, 0);
		market_run(capacity, 1, 0, 6);
		market_run(capacity, 2, 8, 4);
	}
}

/* Receivers are cancelled all the time; what they got before that counts. */
struct storm {
	struct weft_chan *chan;
	_Atomic uint64_t received;
};

static int recv_till_cancelled(void *arg)
{
	struct storm *storm = arg;
	uint64_t item;

	while (weft_chan_recv(storm->chan, &item) > 0)
		storm->received++;
	return 0;
}

static int storm_main(void *arg)
{
	struct storm storm = {.chan = weft_chan_new(sizeof(uint64_t), (size_t)(intptr_t)arg, NULL)};
	struct prng prng = {1};
	weft_fiber_id fibers[8];
	uint64_t sent = 0;

	for (int i = 0; i < 8; i++)
		fibers[i] = weft_spawn(recv_till_cancelled, &storm);
	for (unsigned i = 0; i < check_rounds(2000); i++) {
		unsigned which = (unsigned)prng_below(&prng, 8);

		CHECK_INT(weft_chan_send(storm.chan, &sent), ==, 0);
		sent++;
		if (prng_below(&prng, 4))
			continue;
		CHECK_INT(weft_cancel(fibers[which]), ==, 0);
		CHECK_INT(weft_join(fibers[which], NULL, WEFT_FOREVER), ==, 0);
		fibers[which] = weft_spawn(recv_till_cancelled, &storm);
	}
	CHECK_INT(weft_chan_close(storm.chan), ==, 0);
	CHECK_INT(weft_join_all(fibers, 8, NULL, WEFT_FOREVER), ==, 8);
	CHECK_INT(storm.received, ==, sent);
	weft_chan_free(storm.chan);
	return 0;
}

CHECK_CASE(cancelling_receivers_loses_nothing)
{
	run(1, storm_main, (void *)0);
	run(3, storm_main, (void *)0);
	run(3, storm_main, (void *)2);
}

CHECK_MAIN()
