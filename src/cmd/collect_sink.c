/*
 * collect_sink.c - where sources put their lines: blocks, that the writer takes (collect.h).
 *
 * All waiting here is for the writer, and shielded: what was read is never dropped because
 * its reader was told to stop. The writer always goes on, if only to give up in the end.
 */
#include <stdlib.h>
#include <string.h>

#include "collect.h"
#include "weft/scope.h"

/* ---- Blocks ----------------------------------------------------------------------------- */

static int add_block(struct collect *collect)
{
	struct collect_block *block = malloc(sizeof(*block) + collect->block_size);

	if (!block)
		return -1;
	if (weft_chan_try_send(collect->free, &block) == 0)
		return 0;
	free(block);
	return -1;
}

int weft__collect_blocks_new(struct collect *collect)
{
	size_t line = weft__collect_line_room((size_t)collect->line_max);
	size_t size = line > COLLECT_BLOCK_SIZE ? line : COLLECT_BLOCK_SIZE;
	size_t count = COLLECT_BLOCKS_BYTES / size;

	collect->block_size = size;
	collect->block_count = count > COLLECT_BLOCKS_MIN ? (unsigned)count : COLLECT_BLOCKS_MIN;
	collect->free =
		weft_chan_new(sizeof(struct collect_block *), collect->block_count, "free blocks");
	collect->full =
		weft_chan_new(sizeof(struct collect_block *), collect->block_count, "full blocks");
	collect->batch_size = size > COLLECT_BATCH_SIZE ? size : COLLECT_BATCH_SIZE;
	collect->batch = malloc(collect->batch_size);
	if (!collect->free || !collect->full || !collect->batch)
		return -1;
	for (unsigned i = 0; i < collect->block_count; i++)
		if (add_block(collect) < 0)
			return -1;
	return 0;
}

/* All of them are free: the sources and the writer have ended. */
void weft__collect_blocks_free(struct collect *collect)
{
	struct collect_block *block;

	if (collect->free)
		while (weft_chan_try_recv(collect->free, &block) > 0)
			free(block);
	free(collect->batch);
	weft_chan_free(collect->free);
	weft_chan_free(collect->full);
}

/* ---- Sinks ------------------------------------------------------------------------------ */

void weft__collect_sink_init(struct collect_sink *sink, struct collect *collect)
{
	*sink = (struct collect_sink){.collect = collect};
	sink->origin.is_local = collect->stamp != 0;
}

static void take_block(struct collect_sink *sink)
{
	WEFT_SHIELDED
		weft_chan_recv(sink->collect->free, &sink->block);
	sink->block->len = 0;
	sink->block->receipt = NULL;
}

void weft__collect_hand_over(struct collect_sink *sink)
{
	if (!sink->block)
		return;
	WEFT_SHIELDED
		weft_chan_send(sink->collect->full, &sink->block);
	sink->block = NULL;
}

bool weft__collect_settle(struct collect_sink *sink)
{
	struct collect_receipt receipt = {.next = NULL};

	weft_event_init(&receipt.is_written, "written");
	if (!sink->block)
		take_block(sink);
	sink->block->receipt = &receipt;
	weft__collect_hand_over(sink);
	WEFT_SHIELDED
		weft_event_wait(&receipt.is_written);
	return !receipt.is_lost;
}

static void count_marks(struct collect_counts *counts, unsigned marks)
{
	if (marks & COLLECT_CUT)
		atomic_fetch_add(&counts->cut, 1);
	if (marks & COLLECT_UNFINISHED)
		atomic_fetch_add(&counts->unfinished, 1);
	if (marks & COLLECT_NO_COUNT)
		atomic_fetch_add(&counts->no_count, 1);
}

void weft__collect_record(struct collect_sink *sink, const struct collect_message *message)
{
	size_t room = weft__collect_line_room(message->len);
	struct collect_block *block;

	if (sink->block && sink->block->len + room > sink->collect->block_size)
		weft__collect_hand_over(sink);
	if (!sink->block)
		take_block(sink);
	block = sink->block;
	block->len += weft__collect_line(
		block->bytes + block->len, &sink->origin, weft_wall_now(), message);
	if (message->marks)
		count_marks(&sink->collect->counts, message->marks);
}
