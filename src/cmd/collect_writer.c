/*
 * collect_writer.c - the one fiber that writes: takes blocks, gathers what is there into a
 * batch, appends that by one write, syncs, and tells those who wait for it.
 *
 *	gather -> append -> sync -> acknowledge -> gather ...
 *	            |  ^
 *	 disk full  v  | each second; the file moved away or rotated (SIGHUP); nobody accepts
 *	           stalled --(stopping, and out of time)--> gives up, and says what is lost
 *
 * Never: acknowledge what is not written, or lose, double or tear a line because of a write
 * that was cut short.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "collect.h"
#include "weft/scope.h"

/** Between two tries while the disk is full: first, and, after twice as long each time, at last. */
#define RETRY_FIRST_NS WEFT_MILLISECONDS(50)
#define RETRY_NS       WEFT_SECONDS(1)

struct writer {
	struct collect *collect;
	struct collect_file *file;
	char *batch; /* collect->batch_size */
	size_t len;
	size_t done; /* of len: in the file */
	struct collect_receipt *receipts;
	struct collect_block *left_over; /* did not fit; NULL: none */
	int64_t sync_at_ns;              /* when it is due; 0: it isn't */
	int64_t retry_ns;                /* while it is stalled */
	bool is_stalled, has_given_up, has_sync_failed;
};

/* ---- Gathering -------------------------------------------------------------------------- */

/* Into the batch, if it fits; then the block is free again. */
static bool absorb(struct writer *writer, struct collect_block *block)
{
	if (block->len > writer->collect->batch_size - writer->len)
		return false;
	memcpy(writer->batch + writer->len, block->bytes, block->len);
	writer->len += block->len;
	if (block->receipt) {
		block->receipt->next = writer->receipts;
		writer->receipts = block->receipt;
	}
	weft_chan_try_send(writer->collect->free, &block);
	return true;
}

static void absorb_all(struct writer *writer)
{
	struct collect_block *block;

	while (!writer->left_over && weft_chan_try_recv(writer->collect->full, &block) > 0)
		if (!absorb(writer, block))
			writer->left_over = block;
}

/* ---- Signals ---------------------------------------------------------------------------- */

static size_t begun_line(const struct writer *writer)
{
	size_t start = writer->done;

	while (start > 0 && writer->batch[start - 1] != '\n')
		start--;
	return writer->done - start;
}

/* What is in the file of a line that goes on is taken back, to be written whole. */
static bool unbegin_line(struct writer *writer)
{
	size_t begun = begun_line(writer);

	if (weft__collect_file_take_back(writer->file, begun) < 0)
		return false;
	writer->done -= begun;
	return true;
}

static int tell_unsynced(const struct writer *writer)
{
	return weft__cmd_fail(COLLECT_NAME,
		"can't bring %s to the disk: %s. A crash of the machine may lose lines.",
		writer->file->options.path, strerror(errno));
}

static int close_file(struct writer *writer)
{
	return weft__collect_file_close(writer->file) < 0 ? tell_unsynced(writer) : CMD_DONE;
}

static void obey(struct writer *writer, int signal_number)
{
	struct collect_file *file = writer->file;

	/* Any other is for the wait to end, and the time to be looked at. */
	if (signal_number != SIGHUP || !unbegin_line(writer))
		return;
	if (weft__collect_file_was_moved(file))
		close_file(writer);
	else if (file->file && weft__collect_file_rotate(file) < 0)
		weft__cmd_fail(COLLECT_NAME, "can't rotate %s: %s. It goes on as it is.",
			file->options.path, strerror(errno));
	/* At once, and not with the next line: whoever rotates wants to see it. Where that
	 * fails, the next append tries again, and says so. */
	if (!file->file)
		weft__collect_file_reopen(file);
}

/* ---- Waiting ---------------------------------------------------------------------------- */

/* For a signal, which is carried out, or the time. */
static void wait_stalled(struct writer *writer)
{
	int64_t deadline_ns = atomic_load(&writer->collect->deadline_ns);
	int64_t left = deadline_ns ? deadline_ns - weft_now() : INT64_MAX;
	int number;
	struct weft_select_case cases[] = {
		WEFT_SELECT_RECV(writer->collect->signals, &number),
		WEFT_SELECT_TIMER(left < 0                  ? 0
				  : left < writer->retry_ns ? left
							    : writer->retry_ns),
	};

	writer->retry_ns = 2 * writer->retry_ns < RETRY_NS ? 2 * writer->retry_ns : RETRY_NS;
	if (weft_select(cases, 2) == 0)
		obey(writer, number);
}

/* ---- Stalling --------------------------------------------------------------------------- */

static void begin_stall(struct writer *writer, int code)
{
	if (writer->is_stalled)
		return;
	writer->is_stalled = true;
	writer->retry_ns = RETRY_FIRST_NS;
	weft_event_clear(&writer->collect->can_write);
	atomic_fetch_add(&writer->collect->counts.stalls, 1);
	weft__cmd_fail(COLLECT_NAME,
		"can't write %s: %s. Nothing is accepted until it can be; tried each second.",
		writer->file->options.path, strerror(code));
}

static void end_stall(struct writer *writer)
{
	if (!writer->is_stalled)
		return;
	writer->is_stalled = false;
	weft_event_set(&writer->collect->can_write);
	weft__cmd_fail(COLLECT_NAME, "%s can be written again; it goes on where it stopped.",
		writer->file->options.path);
}

static bool is_out_of_time(const struct writer *writer)
{
	int64_t deadline_ns = atomic_load(&writer->collect->deadline_ns);

	return deadline_ns && weft_now() >= deadline_ns;
}

/* ---- Syncing ---------------------------------------------------------------------------- */

/* Now and then: what a crash of the machine may cost is bounded by the interval. */
static void sync_interval(struct writer *writer)
{
	writer->sync_at_ns = 0;
	if (weft__collect_file_sync(writer->file) == 0) {
		writer->has_sync_failed = false;
		return;
	}
	writer->sync_at_ns = weft_now() + writer->file->options.sync_interval_ns;
	if (!writer->has_sync_failed)
		tell_unsynced(writer);
	writer->has_sync_failed = true;
}

/* Before anybody is told that it is: as long as that takes. */
static void sync_always(struct writer *writer)
{
	while (!writer->has_given_up && weft__collect_file_sync(writer->file) < 0) {
		begin_stall(writer, errno);
		if (is_out_of_time(writer))
			writer->has_given_up = true;
		else
			wait_stalled(writer);
	}
}

static void sync_by_policy(struct writer *writer)
{
	const struct collect_file_options *options = &writer->file->options;

	if (options->sync == COLLECT_SYNC_ALWAYS) {
		sync_always(writer);
	} else if (options->sync == COLLECT_SYNC_INTERVAL) {
		if (!writer->sync_at_ns)
			writer->sync_at_ns = weft_now() + options->sync_interval_ns;
		else if (weft_now() >= writer->sync_at_ns)
			sync_interval(writer);
	}
}

/* ---- Writing ---------------------------------------------------------------------------- */

static uint64_t lines_in(const char *data, size_t len)
{
	const char *end = data + len;
	uint64_t lines = 0;

	while ((data = memchr(data, '\n', (size_t)(end - data))) != NULL) {
		lines++;
		data++;
	}
	return lines;
}

static void count(struct writer *writer)
{
	struct collect_counts *counts = &writer->collect->counts;
	size_t done = writer->done;

	atomic_fetch_add(&counts->lines, lines_in(writer->batch, done));
	atomic_fetch_add(&counts->bytes, done);
	atomic_fetch_add(&counts->lost, lines_in(writer->batch + done, writer->len - done));
	atomic_store(&counts->rotations, writer->file->rotations);
}

static void write_batch(struct writer *writer)
{
	writer->done = 0;
	while (writer->done < writer->len && !writer->has_given_up) {
		writer->done += weft__collect_file_append(
			writer->file, writer->batch + writer->done, writer->len - writer->done);
		if (writer->done == writer->len)
			break;
		begin_stall(writer, errno);
		if (is_out_of_time(writer)) {
			writer->has_given_up = true;
			unbegin_line(writer);
		} else {
			wait_stalled(writer);
		}
	}
	sync_by_policy(writer);
	if (!writer->has_given_up)
		end_stall(writer);
	count(writer);
}

/* The first block of the next batch. False at the end. */
static bool wait_for_block(struct writer *writer, struct collect_block **ret_block)
{
	for (;;) {
		int64_t left = writer->sync_at_ns ? writer->sync_at_ns - weft_now() : WEFT_FOREVER;
		int number;
		struct weft_select_case cases[] = {
			WEFT_SELECT_RECV(writer->collect->full, ret_block),
			WEFT_SELECT_RECV(writer->collect->signals, &number),
			WEFT_SELECT_TIMER(writer->sync_at_ns && left < 0 ? 0 : left),
		};
		ssize_t which = weft_select(cases, 3);

		if (which == 0)
			return cases[0].result > 0;
		if (which == 1)
			obey(writer, number);
		else if (which == 2)
			sync_interval(writer);
	}
}

static void acknowledge(struct writer *writer)
{
	while (writer->receipts) {
		struct collect_receipt *receipt = writer->receipts;

		/* It is gone as soon as it is set. */
		writer->receipts = receipt->next;
		receipt->is_lost = writer->has_given_up;
		weft_event_set(&receipt->is_written);
	}
}

static void write_all(struct writer *writer)
{
	struct collect_block *block;
	int number;

	for (;;) {
		writer->len = 0;
		/* Under load there is no wait in which it would be seen. */
		if (weft_chan_try_recv(writer->collect->signals, &number) > 0)
			obey(writer, number);
		if (writer->left_over)
			block = writer->left_over;
		else if (!wait_for_block(writer, &block))
			return;
		writer->left_over = NULL;
		absorb(writer, block);
		absorb_all(writer);
		write_batch(writer);
		acknowledge(writer);
	}
}

int weft__collect_write(void *arg)
{
	struct collect *collect = arg;
	struct writer writer = {
		.collect = collect, .file = &collect->file, .batch = collect->batch};
	int status = CMD_FAILED;
	uint64_t lost;

	WEFT_SHIELDED {
		write_all(&writer);
		status = close_file(&writer);
	}
	lost = atomic_load(&collect->counts.lost);
	if (lost)
		return weft__cmd_fail(COLLECT_NAME, "%" PRIu64 " lines are lost.", lost);
	return status;
}
