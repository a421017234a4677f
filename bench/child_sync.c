/*
 * child_sync.c - weft's side of lock, chan and chan-across.
 *
 * Entry points: child_lock(), child_chan(), child_chan_across().
 */
#include "child.h"

#include "weft/chan.h"
#include "weft/fiber.h"
#include "weft/lock.h"

#define LOCKS         (10 * 1000 * 1000)
#define ITEMS         (2 * 1000 * 1000)
#define ITEMS_ACROSS  (20 * 1000)
#define ITEMS_WARM_UP 1000
#define CAPACITY      64

static int run_on(unsigned workers, weft_fiber_fn *fn, void *arg)
{
	struct weft_run_options options = {.workers = workers};
	int status = weft_run(&options, fn, arg);

	if (status != 0)
		perror("weft-bench: child");
	return status ? 1 : 0;
}

/* ---- Lock ------------------------------------------------------------------------- */

static struct weft_lock lock = WEFT_LOCK_INIT;

static int lock_often(void *ret_ns)
{
	int64_t start = bench_cpu();

	for (int i = 0; i < LOCKS; i++) {
		weft_lock_acquire(&lock);
		weft_lock_release(&lock);
	}
	*(double *)ret_ns = (double)(bench_cpu() - start) / LOCKS;
	return 0;
}

/* With one worker first: the process has no second thread yet, which spares the atomics. */
int child_lock(const char *argument)
{
	double alone, beside_others;
	int status = run_on(1, lock_often, &alone) || run_on(2, lock_often, &beside_others);

	(void)argument;
	if (status == 0)
		printf("%.4f %.4f\n", beside_others, alone);
	return status;
}

/* ---- Channels ------------------------------------------------------------------------ */

struct stream {
	struct weft_chan *chan;
	uint64_t items;
	bool selects;     /* the receiver waits for two channels */
	unsigned sent_on; /* 1 + index of the sender's worker */
};

static int send_items(void *arg)
{
	const struct stream *stream = arg;

	for (uint64_t i = 0; i < stream->items; i++)
		if (weft_chan_send(stream->chan, &i) < 0)
			return 1;
	return 0;
}

static uint64_t select_item(struct weft_chan *chan, struct weft_chan *other)
{
	uint64_t item = 0;
	struct weft_select_case cases[] = {
		WEFT_SELECT_RECV(chan, &item), WEFT_SELECT_RECV(other, &item)};

	weft_select(cases, 2);
	return item;
}

/* Nanoseconds per item, from fiber to fiber; below 0 on failure. */
static double time_stream(struct stream stream, size_t capacity)
{
	const struct weft_spawn_options options = {.worker = stream.sent_on};
	struct weft_chan *other = weft_chan_new(sizeof(uint64_t), 0, "other");
	int64_t (*now)(void) = stream.sent_on == 1 ? bench_cpu : bench_now;
	int64_t start = now();
	uint64_t item = 0;
	weft_fiber_id sender;
	int result = 1;

	stream.chan = weft_chan_new(sizeof(uint64_t), capacity, "stream");
	if (!stream.chan || !other)
		return -1;
	sender = weft_spawn_with(&options, send_items, &stream);
	for (uint64_t i = 0; i < stream.items; i++)
		if (stream.selects)
			item = select_item(stream.chan, other);
		else
			weft_chan_recv(stream.chan, &item);
	weft_join(sender, &result, WEFT_FOREVER);
	weft_chan_free(stream.chan);
	weft_chan_free(other);
	return result || item + 1 != stream.items ? -1
						  : (double)(now() - start) / (double)stream.items;
}

static int time_chan(void *arg)
{
	double figures[3];

	(void)arg;
	time_stream((struct stream){.items = ITEMS_WARM_UP, .sent_on = 1}, 0);
	figures[0] = time_stream((struct stream){.items = ITEMS, .sent_on = 1}, 0);
	figures[1] = time_stream((struct stream){.items = ITEMS, .sent_on = 1}, CAPACITY);
	figures[2] = time_stream(
		(struct stream){.items = ITEMS, .sent_on = 1, .selects = true}, CAPACITY);
	printf("%.4f %.4f %.4f\n", figures[0], figures[1], figures[2]);
	return figures[0] < 0 || figures[1] < 0 || figures[2] < 0;
}

int child_chan(const char *argument)
{
	(void)argument;
	return run_on(1, time_chan, NULL);
}

static int time_chan_across(void *arg)
{
	double figures[2];

	(void)arg;
	time_stream((struct stream){.items = ITEMS_WARM_UP, .sent_on = 2}, CAPACITY);
	figures[0] = time_stream((struct stream){.items = ITEMS_ACROSS, .sent_on = 2}, 0);
	figures[1] =
		time_stream((struct stream){.items = 10 * ITEMS_ACROSS, .sent_on = 2}, CAPACITY);
	printf("%.4f %.4f\n", figures[0], figures[1]);
	return figures[0] < 0 || figures[1] < 0;
}

int child_chan_across(const char *argument)
{
	(void)argument;
	return run_on(2, time_chan_across, NULL);
}
