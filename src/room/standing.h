/*
 * standing.h - what a moderator makes of somebody: on the disk, and in memory if she is here.
 */
#ifndef ROOM_STANDING_H
#define ROOM_STANDING_H

#include "room/inside.h"

/** Whom a change is about. */
struct weft__target {
	char identity[WEFT__IDENTITY_SIZE + 256]; /* "": nobody who is known by that name */
	char name[WEFT_ROOM_PERSON_MAX + 1];
	char address[64]; /* of a guest who is here; "" */
	bool is_guest, is_server;
	bool moderates; /* everything */
};

void weft__target_find(struct weft_rooms *rooms, const struct weft_room_change *change,
	struct weft__target *ret_target);

/** Write it. room NULL: everywhere. 0: nobody is known by that name. */
int weft__standing_write(struct weft__tx *tx, const struct weft__target *target,
	const struct weft__room *room, const struct weft_room_change *change, int64_t until);

/** The same in memory. */
void weft__standing_apply(struct weft_rooms *rooms, const struct weft__target *target,
	struct weft__room *room, const struct weft_room_change *change, int64_t until);

/** Out of the room, or out of all of them for good (room NULL). */
void weft__target_put_out(struct weft_rooms *rooms, const struct weft__target *target,
	struct weft__room *room, const char *reason);

/** Her clients here, kept, at most max. */
size_t weft__target_clients(struct weft_rooms *rooms, const struct weft__target *target,
	struct weft_room_client **ret_clients, size_t max);

#endif
