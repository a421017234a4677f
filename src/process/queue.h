/*
 * queue.h - a queue in shared memory: a ring of records between two positions.
 *
 *	0        128         256         384             512
 *	+--------+-----------+-----------+---------------+------------------ - -
 *	| shape  | producers | consumers | words, closed | ring: a power of 2
 *	+--------+-----------+-----------+---------------+------------------ - -
 *
 *	record: u64 length, then so many bytes, up to a multiple of 8; it may wrap around
 *
 * A position is one 64-bit word: in its low half the place in the ring, in units of 8 bytes, in
 * its high half how many messages went by; both modulo 2^32. What lies between the consumers' and
 * the producers' is in the queue. Its one store is what puts a message there, or takes it away: a
 * process that is killed before has done nothing, after it all. So there is nothing to mend.
 *
 * Each side has a lock for its own position, and looks at the other's without one.
 */
#ifndef PROCESS_QUEUE_H
#define PROCESS_QUEUE_H

#include "process/shared_sync.h"
#include "weft/queue.h"
#include "weft/shared.h"

#define WEFT__QUEUE_UNIT    8
#define WEFT__QUEUE_TYPE    "weft queue"
#define WEFT__QUEUE_VERSION 1

/* Two lines, which processors fetch together. */
#define WEFT__QUEUE_LINES 128

struct weft__queue_shape {
	uint64_t version;
	uint64_t capacity; /* of the ring, in bytes */
	uint64_t messages_max, message_bytes_max;
};

struct weft__queue_side {
	struct weft_shared_lock lock;
	_Atomic uint64_t position;
	uint64_t seen; /* with the lock: the other side's, as it was; it only moves on */
};

struct weft__queue_memory {
	_Alignas(WEFT__QUEUE_LINES) struct weft__queue_shape shape;
	_Alignas(WEFT__QUEUE_LINES) struct weft__queue_side producers;
	_Alignas(WEFT__QUEUE_LINES) struct weft__queue_side consumers;
	/* Changed only by who sleeps, and who wakes: W is bit 0, above it a count of wakes. */
	_Alignas(WEFT__QUEUE_LINES) _Atomic uint32_t items;
	_Atomic uint32_t room, is_closed;
	_Alignas(WEFT__QUEUE_LINES) unsigned char ring[];
};

struct weft_queue {
	struct weft_segment *segment;
	struct weft__queue_memory *memory;
	struct weft__queue_shape shape; /* as it was found and checked: never read again */
	uint32_t units, mask;           /* of the ring */
};

/* ---- Positions ------------------------------------------------------------------------ */

static inline uint32_t weft__queue_units(uint64_t tail, uint64_t head)
{
	return (uint32_t)tail - (uint32_t)head;
}

static inline uint32_t weft__queue_messages(uint64_t tail, uint64_t head)
{
	return (uint32_t)(tail >> 32) - (uint32_t)(head >> 32);
}

/** Behind a record of so many units. */
static inline uint64_t weft__queue_next(uint64_t position, uint32_t units)
{
	return (uint64_t)((uint32_t)(position >> 32) + 1) << 32 | ((uint32_t)position + units);
}

/** Units of a record; len is at most WEFT_QUEUE_CAPACITY_MAX. */
static inline uint32_t weft__queue_record(size_t len)
{
	return (uint32_t)(1 + (len + WEFT__QUEUE_UNIT - 1) / WEFT__QUEUE_UNIT);
}

/* ---- With the lock of the side: queue_ring.c ------------------------------------------- */

/**
 * Put the messages for which there is room; *count becomes how many. 0, or an errno: EPIPE,
 * EBADMSG; EAGAIN: no room for the first.
 */
int weft__queue_push(struct weft_queue *queue, const struct iovec *messages, size_t *count);

/** Take as many as there are into the vectors. 0 or an errno: EMSGSIZE, EBADMSG; EAGAIN. */
int weft__queue_pull(struct weft_queue *queue, struct iovec *messages, size_t *count);

/* ---- Without one ------------------------------------------------------------------------- */

bool weft__queue_has_items(const struct weft_queue *queue);
bool weft__queue_has_room(const struct weft_queue *queue, size_t len);

#endif
