/*
 * base/crowd.h - how many of something each of many keys has, in memory that does not grow.
 */
#ifndef BASE_CROWD_H
#define BASE_CROWD_H

#include <stdbool.h>
#include <stddef.h>

struct weft__crowd; /* opaque: crowd.c; for any thread */

/** One that processes share, or each has for itself after a fork(2). Errors: ENOMEM, getrandom(2).
 */
struct weft__crowd *weft__crowd_new(bool is_shared);

/** NULL is fine. */
void weft__crowd_free(struct weft__crowd *crowd);

/** Count one more for these bytes; false, and nothing is counted: it has max already. */
bool weft__crowd_enter(struct weft__crowd *crowd, const void *bytes, size_t len, unsigned max);

/** Count one less. */
void weft__crowd_leave(struct weft__crowd *crowd, const void *bytes, size_t len);

/** How many are counted for these bytes. */
unsigned weft__crowd_count(const struct weft__crowd *crowd, const void *bytes, size_t len);

#endif
