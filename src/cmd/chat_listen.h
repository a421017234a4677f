/*
 * chat_listen.h - what chat_caller.c, chat_listen.c and chat_log.c share.
 */
#ifndef WEFT_SRC_CMD_CHAT_LISTEN_H
#define WEFT_SRC_CMD_CHAT_LISTEN_H

#include "chat_caller.h"

/** A line of ours in a room; NULL: the current one. */
#define NOTE(caller, room, ...) \
	weft__model_note((caller)->model, (room), (caller)->wall_ns, __VA_ARGS__)

/** It is over for good; the sentence may come from outside. */
void weft__caller_end(struct chat_caller *caller, const char *why);

/** JOIN, after what came of the room before. */
void weft__caller_send_join(struct chat_caller *caller, struct chat_room *room);

/** SAY, whatever may be said now. */
void weft__caller_send_posts(struct chat_caller *caller);

/** The post at that place is done with. */
void weft__caller_settle(struct chat_caller *caller, size_t at);

/** A message, or what else stands in a log; asked: it is a row of that. */
void weft__caller_hear_logged(
	struct chat_caller *caller, const struct chat_heard *heard, struct chat_asked *asked);

/** The hub says that numbers went by. */
void weft__caller_hear_gap(struct chat_caller *caller, const struct chat_heard *heard);

/** What was asked for to fill a hole has come. */
void weft__caller_end_gap(struct chat_caller *caller, const struct chat_asked *asked, bool is_ok);

#endif
