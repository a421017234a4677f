/*
 * fds.c - see fds.h. A table of chunks, made as numbers come up and never freed.
 *
 * Must never: lock. weft_accept() and weft_close() on all workers come by here.
 */
#include "fiber/driver/fds.h"

#include <errno.h>
#include <sched.h>
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

/** Of the weft_run() under way or the last one; it wraps, in sixteen bits. */
static _Atomic uint32_t run_number;

void weft__fd_run_begins(void)
{
	atomic_fetch_add(&run_number, 1);
}

int weft__fd_next_of_run(int fd)
{
	uint32_t run = atomic_load(&run_number) << WEFT__FD_RUN_SHIFT;

	while (++fd < WEFT__FDS_MAX) {
		struct weft__fd *chunk = atomic_load(&weft__fd_chunks[fd >> WEFT__FDS_CHUNK_BITS]);
		uint32_t traits;

		if (!chunk) {
			fd |= (int)WEFT__FDS_CHUNK_COUNT - 1;
			continue;
		}
		traits = atomic_load(&chunk[fd & (WEFT__FDS_CHUNK_COUNT - 1)].traits);
		if ((traits & WEFT__FD_OURS) &&
			(traits >> WEFT__FD_RUN_SHIFT << WEFT__FD_RUN_SHIFT) == run)
			return fd;
	}
	return -1;
}

void weft__fd_made(int fd, uint32_t traits)
{
	struct weft__fd *known = weft__fd_of(fd);

	if (!known)
		return;
	traits |= WEFT__FD_OURS | atomic_load_explicit(&run_number, memory_order_relaxed)
					  << WEFT__FD_RUN_SHIFT;
	atomic_store_explicit(&known->traits, traits, memory_order_relaxed);
	atomic_store_explicit(&known->workers, 0, memory_order_relaxed);
	atomic_fetch_add_explicit(&known->generation, 1, memory_order_release);
}

uint64_t weft__fd_closing(int fd)
{
	struct weft__fd *known = weft__fd_of(fd);

	if (!known)
		return 0;
	/* In this order for all to see: weft__fd_remember(). */
	atomic_store(&known->traits, WEFT__FD_CLOSING);
	atomic_fetch_add(&known->generation, 1);
	return atomic_exchange(&known->workers, 0);
}

void weft__fd_closed(int fd)
{
	struct weft__fd *known = weft__fd_of(fd);

	if (known)
		atomic_fetch_and(&known->traits, ~(uint32_t)WEFT__FD_CLOSING);
}

uint32_t weft__fd_generation(struct weft__fd *known)
{
	while (atomic_load_explicit(&known->traits, memory_order_relaxed) & WEFT__FD_CLOSING)
		sched_yield(); /* another thread is between two steps of weft_close() */
	return atomic_load_explicit(&known->generation, memory_order_acquire);
}

int weft__fd_remember(struct weft__fd *known, uint32_t generation, unsigned worker)
{
	uint64_t bit = UINT64_C(1) << worker;

	if (!(atomic_load(&known->workers) & bit))
		atomic_fetch_or(&known->workers, bit);
	if (atomic_load(&known->traits) & WEFT__FD_CLOSING)
		return EBADF;
	return atomic_load(&known->generation) == generation ? 0 : EBADF;
}
