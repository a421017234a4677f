/*
 * deed.h - a moderator's change as the writer's job.
 */
#ifndef ROOM_DEED_H
#define ROOM_DEED_H

#include "room/standing.h"
#include "room/writer.h"

/** The house's own action: a notice in a room. */
#define WEFT__ANNOUNCE 0

struct weft__change {
	struct weft__job job;
	struct weft_room_change what; /* its texts are those below */
	struct weft__target target;
	struct weft_room_event event; /* to be told, and logged if it is of the log */
	char said[WEFT_ROOM_PERSON_MAX + WEFT_ROOM_REASON_MAX + 64];
	bool was_deleted; /* its text was gone before */
	char text[];
};

extern const struct weft__job_ops weft__change_ops, weft__announce_ops;

void weft__change_free(struct weft__job *job);

/** As it stands in the audit: "room.kick". */
const char *weft__change_name(enum weft_room_action action);

/** Whether it can be done without a room. */
bool weft__change_is_everywhere(enum weft_room_action action);

#endif
