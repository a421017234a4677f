/*
 * tail.h - what was said lately in a room, in the bytes of one form: each event once, however many
 * take it.
 *
 *	bytes    ....[event][event    ][ev][event  ]....      a ring, positions counted for ever
 *	             ^start                         ^end
 *	places   .....{end, seq, client}{...}{...}{...}...    a ring: one for each event
 *	             ^first                            ^last
 *
 * Who takes has a number among the places: what is before `first` has gone by. Places lie apart
 * from the bytes, so that many events are one copy.
 *
 * Threads: any; a lock of its own, held for a copy at most.
 * Never: calls anybody, or waits.
 */
#ifndef ROOM_TAIL_H
#define ROOM_TAIL_H

#include <pthread.h>
#include <stdatomic.h>

#include "weft/room.h"

struct weft__place {
	uint64_t end;    /* where its bytes end */
	uint64_t seq;    /* of the newest event of the log, up to this one */
	uint64_t client; /* by whose connection it came; 0: told to everybody */
};

struct weft__tail {
	struct weft__tail *next; /* of the room's other forms */
	const struct weft_room_form *form;
	size_t bytes_max;
	unsigned users; /* under the room's lock */

	pthread_mutex_t lock;
	char *bytes;
	size_t capacity; /* a power of two, or 0 */
	uint64_t start, end;
	struct weft__place *places;
	size_t place_capacity; /* a power of two, or 0 */
	uint64_t first, last;
	uint64_t gone;      /* the newest seq that went by */
	uint64_t seq;       /* the newest there was */
	uint64_t swept;     /* `last`, when it was looked at */
	unsigned caught_up; /* users at `last` */
};

/** Somebody's place in a tail. */
struct weft__reader_place {
	uint64_t next;      /* number of the place */
	uint64_t seq;       /* told so far */
	uint64_t from, to;  /* a gap to be told first; 0: none */
	uint64_t client;    /* whose own events are skipped; 0: none are */
	atomic_bool is_due; /* it is on its client's list */
};

/** Where to copy to. */
struct weft__taken {
	char *bytes;
	size_t size, used;
	uint32_t *ends; /* NULL: not wanted */
	size_t ends_max, count;
	uint64_t events;
};

/** seq: the room's newest now. */
struct weft__tail *weft__tail_new(
	const struct weft_room_form *form, size_t bytes_max, uint64_t seq);
void weft__tail_free(struct weft__tail *tail);

/** Put an event at the end. Where there is no memory for it (len -1), it counts as gone by. */
void weft__tail_append(
	struct weft__tail *tail, const char *bytes, ssize_t len, const struct weft__place *place);

/** Begin to take at the end, or leave. */
void weft__tail_join(struct weft__tail *tail, struct weft__reader_place *reader);
void weft__tail_leave(struct weft__tail *tail, const struct weft__reader_place *reader);

/** Begin behind the event number seq instead; false: it is not there any more. */
bool weft__tail_rewind(struct weft__tail *tail, struct weft__reader_place *reader, uint64_t seq);

/**
 * Take whole events, as many as there is room for. False: no room for the next. True: all was
 * taken, and is_due is false; or reader->to says that there is a gap to be told.
 */
bool weft__tail_take(
	struct weft__tail *tail, struct weft__reader_place *reader, struct weft__taken *taken);

/** Bytes that it holds; and those that somebody has not taken. */
size_t weft__tail_size(struct weft__tail *tail);
size_t weft__tail_behind(struct weft__tail *tail, const struct weft__reader_place *reader);

/** Give the memory back, if everybody had everything since the last look. True: look again. */
bool weft__tail_sweep(struct weft__tail *tail);

/** Put an event behind what was taken; false: there is no room. */
static inline bool weft__taken_has_room(const struct weft__taken *taken, size_t len)
{
	return taken->size - taken->used >= len && (!taken->ends || taken->count < taken->ends_max);
}

#endif
