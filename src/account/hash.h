/*
 * hash.h - passwords hashed by argon2id, on a bounded pool behind a bounded queue.
 *
 * At most `threads` hashes at a time, each of `kib` memory, and at most `queue` that wait: a flood
 * of logins costs threads * kib, and is told to come again. Whoever is late or cancelled leaves its
 * hash behind, which frees itself.
 *
 * Never: a hash on a worker, or a password's copy that outlives its hash.
 */
#ifndef ACCOUNT_HASH_H
#define ACCOUNT_HASH_H

#include <stdatomic.h>

#include "weft/api.h"

/** A hash as text ("$argon2id$v=19$m=19456,t=2,p=1$..."), NUL included. */
#define WEFT__HASH_SIZE 128

struct weft_thread_pool;

struct weft__hash_cost {
	unsigned kib, passes;
};

struct weft__hasher {
	struct weft_thread_pool *pool;
	_Atomic uint64_t cost; /* today's: KiB above, passes in the lower 32 bits */
	unsigned threads, queue;
	_Atomic uint64_t done, refused;
	_Atomic uint64_t spent;      /* KiB times passes, of all that was checked */
	_Atomic uint64_t slowest_ns; /* one hash took at most about that, lately */
};

/** Errors: ENOMEM, EINVAL. */
int weft__hasher_init(
	struct weft__hasher *hasher, struct weft__hash_cost cost, unsigned threads, unsigned queue);

/** Nobody may be waiting. */
void weft__hasher_fini(struct weft__hasher *hasher);

/**
 * Hash a password. Errors: EAGAIN (the queue is full), ETIMEDOUT, ECANCELED, ENOMEM.
 */
int weft__hash_make(
	struct weft__hasher *hasher, const char *password, char ret_hash[WEFT__HASH_SIZE]);

/** What a new password costs today; raised by others' databases, never lowered. */
struct weft__hash_cost weft__hasher_cost(struct weft__hasher *hasher);
void weft__hasher_raise(struct weft__hasher *hasher, struct weft__hash_cost least);

/**
 * Whether it is the password of that hash: 1 or 0. NULL: nobody's, which is never right. What is
 * wrong costs as much as a new password in any case: of a hash from when they cost less, the rest
 * is spent as well. Errors as above.
 */
int weft__hash_check(struct weft__hasher *hasher, const char *hash, const char *password);

/** Whether it was made at a lower cost than today's. */
bool weft__hash_is_cheap(struct weft__hasher *hasher, const char *hash);

/**
 * What takes this machine about goal_ns, at least `least`; memory first, then passes. It takes a
 * few tenths of a second, on the calling thread, or until *is_over (NULL: never), and then it is
 * `least`.
 */
struct weft__hash_cost weft__hash_tune(
	struct weft__hash_cost least, int64_t goal_ns, const atomic_bool *is_over);

/** How many wait at this moment. */
unsigned weft__hasher_waiting(const struct weft__hasher *hasher);

/** When somebody who was told to come again should. */
int64_t weft__hasher_wait_ns(const struct weft__hasher *hasher);

#endif
