/*
 * cache.h - who was let in lately, by a digest of what she showed.
 *
 * Bounded: what was put in first makes room. It holds references; whether a who is still good is
 * for who takes it out to ask.
 * Never: holds a secret or a password.
 */
#ifndef ACCOUNT_CACHE_H
#define ACCOUNT_CACHE_H

#include "account/secret.h"

#define WEFT__CACHE_MAX 8192

struct weft__cache; /* opaque: cache.c */

/** Errors: ENOMEM, those of getrandom(2). */
struct weft__cache *weft__cache_new(void);
void weft__cache_free(struct weft__cache *cache);

/** A reference of the caller's, or NULL; *ret_put_ns (which may be NULL) is when it was put in. */
struct weft_account_who *weft__cache_get(
	struct weft__cache *cache, const struct weft__digest *digest, int64_t *ret_put_ns);

/** Takes a reference of its own. What can't be kept is not: never fails. */
void weft__cache_put(struct weft__cache *cache, const struct weft__digest *digest,
	struct weft_account_who *who, int64_t now_ns);
void weft__cache_drop(struct weft__cache *cache, const struct weft__digest *digest);

/** A digest of some texts that only this process can make, and nobody can undo. */
void weft__cache_digest(const struct weft__cache *cache, const char *const *texts, size_t count,
	struct weft__digest *ret_digest);

#endif
