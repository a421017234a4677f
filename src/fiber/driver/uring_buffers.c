/*
 * uring_buffers.c - "provided buffers" (Linux 5.19): memory the kernel picks when there is
 * something to receive, so that whoever waits for the first byte holds none.
 *
 *	ring  [ id 7 | id 0 | id 3 | ... ]	the kernel takes from one end, we add at the other
 *	slots [ buffer of id 0, of id 1, ... ]	NULL: had no memory for it; tried again later
 *
 * The buffers are the caller's own (struct weft__buffers): one that was filled goes to
 * the receiver as it is, without a copy, and its place in the ring gets another, most
 * often the one that the last receiver has just given back. When the ring runs out, a
 * receive ends with ENOBUFS, and uring_ops.c goes on with a receive of the usual kind.
 *
 * Must never: leave a buffer both in the ring and in a receiver's hands.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fiber/driver/uring.h"

/** Places in the ring, a power of two. */
#define SLOT_COUNT 256u

/** Buffers in the ring at first; doubled each time that they don't suffice. */
#define FILLED_MIN 16u

#define RING_BYTES (SLOT_COUNT * sizeof(struct io_uring_buf))

struct weft__uring_slots {
	void *buffers[SLOT_COUNT]; /* by id */
	uint16_t free_ids[SLOT_COUNT];
	unsigned free_count; /* ids without a buffer */
};

/*
 * Done when a receive begins: by then the last receiver has given his buffer back, so
 * that one, still warm, goes round. What can't be had is tried again next time.
 */
static void fill(struct weft__uring_buffers *buffers)
{
	struct weft__uring_slots *slots = buffers->slots;
	int mask = io_uring_buf_ring_mask(SLOT_COUNT), count = 0;

	while (SLOT_COUNT - slots->free_count < buffers->filled_goal) {
		void *buffer = buffers->source->take();
		uint16_t id;

		if (!buffer)
			break;
		id = slots->free_ids[--slots->free_count];
		slots->buffers[id] = buffer;
		io_uring_buf_ring_add(
			buffers->ring, buffer, (unsigned)buffers->size_bytes, id, mask, count++);
	}
	if (count > 0)
		io_uring_buf_ring_advance(buffers->ring, count);
}

void weft__uring_buffers_grow(struct uring *uring)
{
	if (uring->buffers.filled_goal < SLOT_COUNT)
		uring->buffers.filled_goal *= 2;
}

static bool offer_ring(struct uring *uring, void *ring)
{
	struct io_uring_buf_reg where = {.ring_addr = (uintptr_t)ring,
		.ring_entries = SLOT_COUNT,
		.bgid = WEFT__URING_BUFFER_GROUP};

	return madvise(ring, RING_BYTES, MADV_DONTFORK) == 0 &&
	       io_uring_register_buf_ring(&uring->ring, &where, 0) == 0;
}

/* At the first receive that can use them: a program without streams has none. */
static bool make(struct uring *uring, const struct weft__op *op)
{
	struct weft__uring_buffers *buffers = &uring->buffers;
	void *ring =
		mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (ring == MAP_FAILED)
		return false;
	buffers->slots = calloc(1, sizeof *buffers->slots);
	if (!buffers->slots || !offer_ring(uring, ring)) {
		free(buffers->slots);
		munmap(ring, RING_BYTES);
		buffers->slots = NULL;
		return false;
	}
	buffers->ring = ring;
	io_uring_buf_ring_init(buffers->ring);
	buffers->source = op->buffers;
	buffers->size_bytes = op->len;
	buffers->filled_goal = FILLED_MIN;
	while (buffers->slots->free_count < SLOT_COUNT) {
		uint16_t id = (uint16_t)buffers->slots->free_count++;

		buffers->slots->free_ids[id] = id;
	}
	return true;
}

bool weft__uring_buffers_suit(struct uring *uring, const struct weft__op *op)
{
	struct weft__uring_buffers *buffers = &uring->buffers;

	if (!buffers->ring) {
		if (buffers->is_impossible)
			return false;
		buffers->is_impossible = !make(uring, op);
		if (buffers->is_impossible)
			return false;
	}
	if (buffers->source->take != op->buffers->take || buffers->size_bytes != op->len)
		return false;
	fill(buffers);
	return buffers->slots->free_count < SLOT_COUNT;
}

void *weft__uring_buffers_take(struct uring *uring, uint32_t cqe_flags)
{
	struct weft__uring_slots *slots = uring->buffers.slots;
	uint16_t id = (uint16_t)(cqe_flags >> IORING_CQE_BUFFER_SHIFT);
	void *taken = slots->buffers[id];

	slots->buffers[id] = NULL;
	slots->free_ids[slots->free_count++] = id;
	return taken;
}

/* In the child of a fork the ring isn't there, but the buffers are. */
void weft__uring_buffers_fini(struct uring *uring)
{
	struct weft__uring_buffers *buffers = &uring->buffers;

	for (unsigned id = 0; buffers->slots && id < SLOT_COUNT; id++)
		if (buffers->slots->buffers[id])
			buffers->source->give(buffers->slots->buffers[id]);
	free(buffers->slots);
	if (buffers->ring && uring->pid == getpid())
		munmap(buffers->ring, RING_BYTES);
}
