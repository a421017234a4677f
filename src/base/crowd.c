/*
 * crowd.c - see crowd.h.
 *
 * How many a key has is kept without a table of keys: in ROWS rows of counters, in each of which a
 * keyed hash finds the key's. Others may have the same counter in one row, hardly ever in all; the
 * least of the counters is taken for the key's number.
 *
 *	client --> row 0  [ 0 0 3 0 1 ... ]	least of 3, 4, 3: it has 3
 *	      \--> row 1  [ 4 0 0 1 0 ... ]
 *	       \-> row 2  [ 0 3 0 0 0 ... ]
 *
 * So the memory is fixed, nobody waits, and processes can share it. One that is killed leaves
 * what it had counted.
 *
 * Never: a lock, or memory for each key.
 */
#include "base/crowd.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/siphash.h"

#define ROWS     3
#define ROW_SIZE 16384

struct weft__crowd {
	struct weft__siphash_key key;
	_Atomic uint32_t *rows;
};

/* The client's counter in a row. */
static _Atomic uint32_t *counter(struct weft__crowd *crowd, uint64_t hash, unsigned row)
{
	return &crowd->rows[row * ROW_SIZE + (hash >> (row * 20)) % ROW_SIZE];
}

bool weft__crowd_enter(struct weft__crowd *crowd, const void *bytes, size_t len, unsigned max)
{
	uint64_t hash = weft__siphash(&crowd->key, bytes, len);
	uint32_t least = UINT32_MAX;

	for (unsigned row = 0; row < ROWS; row++) {
		uint32_t count = atomic_fetch_add_explicit(
			counter(crowd, hash, row), 1, memory_order_relaxed);

		least = count < least ? count : least;
	}
	if (least < max)
		return true;
	for (unsigned row = 0; row < ROWS; row++)
		atomic_fetch_sub_explicit(counter(crowd, hash, row), 1, memory_order_relaxed);
	return false;
}

void weft__crowd_leave(struct weft__crowd *crowd, const void *bytes, size_t len)
{
	uint64_t hash = weft__siphash(&crowd->key, bytes, len);

	for (unsigned row = 0; row < ROWS; row++)
		atomic_fetch_sub_explicit(counter(crowd, hash, row), 1, memory_order_relaxed);
}

unsigned weft__crowd_count(const struct weft__crowd *crowd, const void *bytes, size_t len)
{
	uint64_t hash = weft__siphash(&crowd->key, bytes, len);
	uint32_t least = UINT32_MAX;

	for (unsigned row = 0; row < ROWS; row++) {
		uint32_t count = atomic_load_explicit(
			counter((struct weft__crowd *)crowd, hash, row), memory_order_relaxed);

		least = count < least ? count : least;
	}
	return least;
}

/* ---- Life -------------------------------------------------------------------------------- */

struct weft__crowd *weft__crowd_new(bool is_shared)
{
	struct weft__crowd *crowd = calloc(1, sizeof(*crowd));
	uint8_t secret[16];

	if (!crowd)
		return NULL;
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret)) {
		free(crowd);
		return NULL;
	}
	crowd->key = weft__siphash_key(secret);
	crowd->rows = mmap(NULL, sizeof(*crowd->rows) * ROWS * ROW_SIZE, PROT_READ | PROT_WRITE,
		(is_shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);
	if (crowd->rows == MAP_FAILED) {
		free(crowd);
		errno = ENOMEM;
		return NULL;
	}
	return crowd;
}

void weft__crowd_free(struct weft__crowd *crowd)
{
	if (!crowd)
		return;
	munmap(crowd->rows, sizeof(*crowd->rows) * ROWS * ROW_SIZE);
	free(crowd);
}
