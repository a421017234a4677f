/*
 * chat_log.c - what is heard of a room's log, by a client: each number once, in order.
 *
 * Of a room's log only the number after the last one is taken. Any other that is newer shows a
 *hole, which is fetched from the log, with all behind it:
 *
 *	upto = 7:  message 8      taken, upto = 8
 *	           message 8      once more: dropped
 *	           message 12     not taken: HISTORY room after 8, until 12 has come
 *
 * Entry points: weft__caller_hear_logged(), weft__caller_hear_gap(), weft__caller_end_gap().
 *
 * Never: take a message behind a hole before the hole was asked for.
 */
#include "chat_listen.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

/** Messages fetched at a time, to fill a hole. */
#define GAP_PAGE 200

static void fill_gap(struct chat_caller *caller, struct chat_room *room)
{
	const struct chat_wish gap = {.purpose = CHAT_FOR_GAP, .room = room};

	for (size_t i = 0; i < CHAT_ASKED_MAX; i++)
		if (caller->asked[i].number && caller->asked[i].purpose == CHAT_FOR_GAP &&
			strcasecmp(caller->asked[i].room, room->name) == 0)
			return;
	weft__caller_ask(
		caller, &gap, "HISTORY %s after %" PRIu64 " %d", room->name, room->upto, GAP_PAGE);
}

/* What she said herself needs no second line on the screen. */
static void match_post(struct chat_caller *caller, const struct chat_heard *heard)
{
	for (size_t i = 0; i < caller->posts_len; i++) {
		struct chat_post *post = &caller->posts[i];

		if (strcasecmp(post->room, heard->room) != 0)
			continue;
		if (post->seq == heard->seq) {
			weft__caller_settle(caller, i);
			return;
		}
		if (!post->seq && !post->is_heard &&
			strcasecmp(heard->who, caller->model->self) == 0 &&
			strcmp(post->text, heard->text) == 0) {
			post->is_heard = true;
			return;
		}
	}
}

static void deliver(
	struct chat_caller *caller, struct chat_room *room, const struct chat_heard *heard)
{
	room->is_begun = true;
	room->upto = heard->seq;
	if (heard->kind == CHAT_HEARD_MESSAGE)
		match_post(caller, heard);
	weft__model_log(caller->model, room, heard, true);
	if (caller->options.hooks.logged)
		caller->options.hooks.logged(caller->options.hooks.arg, heard);
}

void weft__caller_hear_logged(
	struct chat_caller *caller, const struct chat_heard *heard, struct chat_asked *asked)
{
	struct chat_room *room = weft__model_find(caller->model, heard->room);

	if (!room || heard->seq == 0)
		return;
	if (asked && asked->purpose == CHAT_FOR_OLDER) {
		if (heard->epoch == room->epoch && !weft__model_has(room, heard->seq))
			weft__model_log(caller->model, room, heard, false);
		return;
	}
	if (heard->epoch != room->epoch)
		weft__model_restart(caller->model, room, heard->epoch);
	if (room->is_begun && heard->seq <= room->upto)
		return;
	/* Rows that were asked for are all that there is: where one is missing, it is gone. */
	if (!room->is_begun || heard->seq == room->upto + 1 || asked) {
		deliver(caller, room, heard);
		return;
	}
	if (heard->seq > room->gap_to)
		room->gap_to = heard->seq;
	fill_gap(caller, room);
}

void weft__caller_hear_gap(struct chat_caller *caller, const struct chat_heard *heard)
{
	struct chat_room *room = weft__model_find(caller->model, heard->room);

	if (!room || heard->from == 0 || heard->to < heard->from)
		return;
	if (!room->is_begun)
		room->upto = heard->from - 1;
	room->is_begun = true;
	if (heard->to > room->gap_to)
		room->gap_to = heard->to;
	fill_gap(caller, room);
}

void weft__caller_end_gap(struct chat_caller *caller, const struct chat_asked *asked, bool is_ok)
{
	struct chat_room *room = weft__model_find(caller->model, asked->room);

	if (!room || room->gap_to == 0)
		return;
	if (room->upto >= room->gap_to) {
		room->gap_to = 0;
	} else if (is_ok && asked->rows > 0) {
		fill_gap(caller, room);
	} else {
		NOTE(caller, room, "Some messages could not be had.");
		room->upto = room->gap_to;
		room->gap_to = 0;
	}
}
