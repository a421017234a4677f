/*
 * queue_ring.c - messages into the ring of a queue, and out of it.
 *
 * Must never: copy by a length or a position that was not held against the ring; others can write
 * to it. Or store a position before the bytes that it speaks for.
 */
#include "process/queue.h"

#include <errno.h>
#include <string.h>

static unsigned char *place(const struct weft_queue *queue, uint64_t position)
{
	return queue->memory->ring + (size_t)((uint32_t)position & queue->mask) * WEFT__QUEUE_UNIT;
}

/* Bytes from a unit on to the end of the ring. */
static size_t straight(const struct weft_queue *queue, uint64_t position)
{
	return (size_t)(queue->units - ((uint32_t)position & queue->mask)) * WEFT__QUEUE_UNIT;
}

/* No process of weft's leaves them so. */
static bool is_damaged(const struct weft_queue *queue, uint64_t tail, uint64_t head)
{
	uint32_t units = weft__queue_units(tail, head);

	return units > queue->units || weft__queue_messages(tail, head) > units;
}

static bool fits(const struct weft_queue *queue, uint64_t tail, uint64_t head, size_t len)
{
	return weft__queue_record(len) <= queue->units - weft__queue_units(tail, head) &&
	       weft__queue_messages(tail, head) < queue->shape.messages_max;
}

/* ---- In ------------------------------------------------------------------------------------ */

static void write_record(const struct weft_queue *queue, uint64_t tail, const struct iovec *message)
{
	const unsigned char *data = message->iov_base;
	const uint64_t len = message->iov_len;
	uint64_t body = (uint32_t)tail + 1;
	size_t first = straight(queue, body);

	memcpy(place(queue, tail), &len, sizeof len);
	if (first > len)
		first = len;
	if (first)
		memcpy(place(queue, body), data, first);
	if (len > first)
		memcpy(queue->memory->ring, data + first, len - first);
}

int weft__queue_push(struct weft_queue *queue, const struct iovec *messages, size_t *count)
{
	struct weft__queue_memory *memory = queue->memory;
	struct weft__queue_side *side = &memory->producers;
	uint64_t tail = atomic_load_explicit(&side->position, memory_order_relaxed);
	uint64_t head = side->seen;
	size_t done = 0;

	if (atomic_load_explicit(&memory->is_closed, memory_order_relaxed))
		return EPIPE;
	for (; done < *count; done++) {
		size_t len = messages[done].iov_len;

		if (len > queue->shape.message_bytes_max)
			break;
		if (is_damaged(queue, tail, head) || !fits(queue, tail, head, len)) {
			head = atomic_load_explicit(
				&memory->consumers.position, memory_order_acquire);
			if (is_damaged(queue, tail, head))
				return EBADMSG;
			side->seen = head;
			if (!fits(queue, tail, head, len))
				break;
		}
		write_record(queue, tail, &messages[done]);
		tail = weft__queue_next(tail, weft__queue_record(len));
	}
	*count = done;
	if (!done)
		return EAGAIN;
	atomic_store_explicit(&side->position, tail, memory_order_release);
	return 0;
}

/* ---- Out ------------------------------------------------------------------------------------ */

/* The length of the first record; more than a message has: it is damaged. */
static size_t look(const struct weft_queue *queue, uint64_t tail, uint64_t head)
{
	/* Once: it may be changed by others while we look. */
	uint64_t len = __atomic_load_n((const uint64_t *)place(queue, head), __ATOMIC_RELAXED);

	if (len > queue->shape.message_bytes_max ||
		weft__queue_record(len) > weft__queue_units(tail, head))
		return SIZE_MAX;
	return len;
}

static void read_record(
	const struct weft_queue *queue, uint64_t head, unsigned char *buffer, size_t len)
{
	uint64_t body = (uint32_t)head + 1;
	size_t first = straight(queue, body);

	if (first > len)
		first = len;
	if (first)
		memcpy(buffer, place(queue, body), first);
	if (len > first)
		memcpy(buffer + first, queue->memory->ring, len - first);
}

int weft__queue_pull(struct weft_queue *queue, struct iovec *messages, size_t *count)
{
	struct weft__queue_memory *memory = queue->memory;
	struct weft__queue_side *side = &memory->consumers;
	uint64_t head = atomic_load_explicit(&side->position, memory_order_relaxed);
	uint64_t tail = side->seen;
	size_t done = 0;
	int code = EAGAIN;

	for (; done < *count; done++) {
		size_t len;

		/* What was seen has been had, or is nothing to go by. */
		if (tail >> 32 == head >> 32 || is_damaged(queue, tail, head)) {
			tail = atomic_load_explicit(
				&memory->producers.position, memory_order_acquire);
			side->seen = tail;
			if (tail == head)
				break;
		}
		len = is_damaged(queue, tail, head) ? SIZE_MAX : look(queue, tail, head);
		code = len == SIZE_MAX ? EBADMSG : len > messages[done].iov_len ? EMSGSIZE : 0;
		if (code == EMSGSIZE && done == 0)
			messages[0].iov_len = len;
		if (code)
			break;
		read_record(queue, head, messages[done].iov_base, len);
		messages[done].iov_len = len;
		head = weft__queue_next(head, weft__queue_record(len));
	}
	if (!done)
		return code;
	*count = done;
	atomic_store_explicit(&side->position, head, memory_order_release);
	return 0;
}

/* ---- Looks ----------------------------------------------------------------------------------- */

bool weft__queue_has_items(const struct weft_queue *queue)
{
	return atomic_load(&queue->memory->producers.position) !=
	       atomic_load(&queue->memory->consumers.position);
}

bool weft__queue_has_room(const struct weft_queue *queue, size_t len)
{
	uint64_t tail = atomic_load(&queue->memory->producers.position);
	uint64_t head = atomic_load(&queue->memory->consumers.position);

	return is_damaged(queue, tail, head) || fits(queue, tail, head, len);
}
