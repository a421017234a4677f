/*
 * fds.h - what is known of each descriptor, process-wide.
 *
 * A descriptor's number is used again by the kernel at once, so every number has a
 * generation: it moves on when weft makes or closes a descriptor of that number. What a
 * worker remembers under an older generation is void. Lock-free; from any thread.
 */
#ifndef FIBER_DRIVER_FDS_H
#define FIBER_DRIVER_FDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum weft__fd_traits {
	WEFT__FD_OURS = 1 << 0,    /* made by weft: non-blocking, closed by weft_close() only */
	WEFT__FD_TCP = 1 << 1,     /* a short count means that the kernel's buffer is used up */
	WEFT__FD_CLOSING = 1 << 2, /* has its new generation, and close(2) is still to come */
};

/** The upper half of the traits: the number of the weft_run() in which it was made. */
#define WEFT__FD_RUN_SHIFT 16

struct weft__fd {
	_Atomic uint32_t generation;
	_Atomic uint32_t traits;
	_Atomic uint64_t workers; /* bit i: worker i has remembered it */
};

/** Highest descriptor that fibers can wait on. */
#define WEFT__FDS_MAX (4 * 1024 * 1024)

#define WEFT__FDS_CHUNK_BITS  10
#define WEFT__FDS_CHUNK_COUNT (1u << WEFT__FDS_CHUNK_BITS)

/** Made as numbers come up, and never freed. */
extern _Atomic(struct weft__fd *) weft__fd_chunks[WEFT__FDS_MAX / WEFT__FDS_CHUNK_COUNT];
struct weft__fd *weft__fd_of_slow(int fd);

/** Of a descriptor's number; NULL: out of range, or no memory. */
static inline struct weft__fd *weft__fd_of(int fd)
{
	struct weft__fd *chunk = NULL;

	if (fd >= 0 && fd < WEFT__FDS_MAX)
		chunk = atomic_load_explicit(
			&weft__fd_chunks[fd >> WEFT__FDS_CHUNK_BITS], memory_order_acquire);
	return chunk ? &chunk[fd & (WEFT__FDS_CHUNK_COUNT - 1)] : weft__fd_of_slow(fd);
}

/** weft has made this descriptor: a new generation. */
void weft__fd_made(int fd, uint32_t traits);

/** Another weft_run() begins. */
void weft__fd_run_begins(void);

/** The next descriptor after fd that was made in this run and is not closed; -1: none. */
int weft__fd_next_of_run(int fd);

/** It is about to be closed: a new generation; returns the bits of the workers to tell. */
uint64_t weft__fd_closing(int fd);

/** close(2) is over: the number may be another's by now. */
void weft__fd_closed(int fd);

/** What fd means now: its generation, which is not on its way out. */
uint32_t weft__fd_generation(struct weft__fd *known);

/**
 * Before a worker waits for a descriptor that it knows under a generation: who closes it
 * either tells the worker from here on, or did so already, which is EBADF. 0 or EBADF.
 */
int weft__fd_remember(struct weft__fd *known, uint32_t generation, unsigned worker);

#endif
