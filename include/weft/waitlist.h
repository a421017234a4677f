/*
 * weft/waitlist.h - what locks, events, semaphores, groups and the like are made of.
 *
 * Nothing to call here: the fields are weft's own. They stand in public so that such an
 * object can lie in the caller's struct, on a stack or in static storage. All zero bytes
 * are an object that nobody has used yet; there is nothing to end, for no memory is held.
 * An object must not be moved, nor go away while somebody waits at it or is inside a
 * call on it. Who was let go by its last call may free it: that call is done with it.
 */
#ifndef WEFT_WAITLIST_H
#define WEFT_WAITLIST_H

#include "weft/api.h"

WEFT_BEGIN

/** Held for a few instructions around the other fields; never while waiting. */
struct weft_gate {
	uint32_t is_taken;
};

/** Those who wait, first come first; their nodes are on their own stacks. */
struct weft_waitlist {
	void *first, *last;
};

WEFT_END

#endif
