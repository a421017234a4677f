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
#include <stdint.h>

enum weft__fd_traits {
	WEFT__FD_OURS = 1 << 0, /* made by weft: non-blocking, closed by weft_close() only */
	WEFT__FD_TCP = 1 << 1,  /* a short count means that the kernel's buffer is used up */
};

struct weft__fd {
	_Atomic uint32_t generation;
	_Atomic uint32_t traits;
	_Atomic uint64_t workers; /* bit i: worker i has remembered it */
};

/** Highest descriptor that fibers can wait on. */
#define WEFT__FDS_MAX (4 * 1024 * 1024)

/** Of a descriptor's number; NULL: out of range, or no memory. */
struct weft__fd *weft__fd_of(int fd);

/** weft has made this descriptor: a new generation. */
void weft__fd_made(int fd, uint32_t traits);

/** It is about to be closed: a new generation; returns the bits of the workers to tell. */
uint64_t weft__fd_closing(int fd);

#endif
