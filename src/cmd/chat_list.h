/*
 * chat_list.h - lists that a hub gives: who is in a room, which rooms there are, what was found.
 * Rows are put together, and told as one note when the last one has come.
 */
#ifndef WEFT_SRC_CMD_CHAT_LIST_H
#define WEFT_SRC_CMD_CHAT_LIST_H

#include "chat_caller.h"

/** Longest list that is told, in bytes. */
#define CHAT_LIST_MAX 12288

/** A row came. */
void weft__list_row(
	struct chat_caller *caller, const struct chat_heard *heard, const struct chat_asked *asked);

/** It was the last one; heard is the answer behind it. */
void weft__list_tell(
	struct chat_caller *caller, const struct chat_asked *asked, const struct chat_heard *heard);

/** For completion: the names of rooms, and, where there are not too many, of people. */
void weft__list_ask_rooms(struct chat_caller *caller);
void weft__list_ask_people(struct chat_caller *caller, const struct chat_room *room);

/** What "slow-mode 30000 ms" means, as a sentence; of a rule that is not known, itself. */
const char *weft__list_rule(const char *said, char *place, size_t size);

#endif
