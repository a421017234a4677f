/*
 * dump.h - what a fiber is doing, in words: src/fiber/dump.c, dump_wait.c.
 */
#ifndef FIBER_DUMP_H
#define FIBER_DUMP_H

#include <stdbool.h>
#include <stdio.h>

#include "fiber/fiber.h"

/**
 * What the floors above tell of what they let fibers wait for. kind and object are those
 * of a struct weft__wait; read while others may use the object, so only ever shown.
 */
struct weft__object_ops {
	/** "lock \"accounts\"", "channel of 16 (4 in it)". */
	void (*describe)(enum weft__wait_kind kind, const void *object, FILE *out);
	/** The fiber that must act for the wait to end, such as a lock's owner; 0: none, or any. */
	weft_fiber_id (*owner)(enum weft__wait_kind kind, const void *object);
};

/** Set once, by a constructor, when the floor above is linked in. */
extern const struct weft__object_ops *weft__object_ops;

/** "waits 2.013 s to read descriptor 9 (TCP ...)" of a parked fiber of the caller's worker. */
void weft__wait_describe(const struct weft__wait *wait, int64_t since_ns, FILE *out);

/** "to read descriptor 9 (TCP ...)", "sleeps": the same without since when. */
void weft__wait_name(const struct weft__wait *wait, FILE *out);

/** "10.0.0.2:4711", "unix"; nothing where nobody is connected. */
void weft__peer_describe(int fd, FILE *out);

/**
 * "worker 2 has been busy with fiber "x" #7.1 for 1.500 s", and where: of another worker,
 * by a signal; or that it has not begun. True: it had a fiber. One caller at a time.
 */
bool weft__busy_describe(struct weft__worker *worker, int64_t busy_ns, FILE *out);

/** How long ago it last looked at what there is to do. */
int64_t weft__busy_ns(struct weft__worker *worker);

/** Whether it has a fiber just now. */
bool weft__busy_has_fiber(struct weft__worker *worker);

/** "descriptor 9 (TCP 127.0.0.1:80 with 127.0.0.1:4711)" */
void weft__descriptor_describe(int fd, FILE *out);

/** "name" #slot.generation */
void weft__fiber_describe(struct weft__fiber *fiber, FILE *out);

#endif
