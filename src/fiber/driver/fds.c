/*
 * fds.c - see fds.h. A table of chunks, made as numbers come up and never freed.
 *
 * Must never: lock. weft_accept() and weft_close() on all workers come by here.
 */
#include "fiber/driver/fds.h"

#include <stdlib.h>

_Atomic(struct weft__fd *) weft__fd_chunks[WEFT__FDS_MAX / WEFT__FDS_CHUNK_COUNT];

static struct weft__fd *chunk_add(_Atomic(struct weft__fd *) *place)
{
	struct weft__fd *chunk = calloc(WEFT__FDS_CHUNK_COUNT, sizeof *chunk);
	struct weft__fd *theirs = NULL;

	if (!chunk)
		return NULL;
	if (atomic_compare_exchange_strong(place, &theirs, chunk))
		return chunk;
	free(chunk); /* somebody was quicker */
	return theirs;
}

struct weft__fd *weft__fd_of_slow(int fd)
{
	struct weft__fd *chunk;

	if (fd < 0 || fd >= WEFT__FDS_MAX)
		return NULL;
	chunk = chunk_add(&weft__fd_chunks[fd >> WEFT__FDS_CHUNK_BITS]);
	return chunk ? &chunk[fd & (WEFT__FDS_CHUNK_COUNT - 1)] : NULL;
}

void weft__fd_made(int fd, uint32_t traits)
{
	struct weft__fd *known = weft__fd_of(fd);

	if (!known)
		return;
	atomic_store_explicit(&known->traits, traits | WEFT__FD_OURS, memory_order_relaxed);
	atomic_store_explicit(&known->workers, 0, memory_order_relaxed);
	atomic_fetch_add_explicit(&known->generation, 1, memory_order_release);
}

uint64_t weft__fd_closing(int fd)
{
	struct weft__fd *known = weft__fd_of(fd);

	if (!known)
		return 0;
	atomic_store_explicit(&known->traits, 0, memory_order_relaxed);
	/* In this order for all to see: readiness.c, arm(). */
	atomic_fetch_add(&known->generation, 1);
	return atomic_exchange(&known->workers, 0);
}
