/*
 * weft/map.h - a hash map from byte strings to the caller's pointers.
 *
 *	struct weft_map *map = weft_map_new(NULL);
 *
 *	weft_map_put(map, entry->path, strlen(entry->path), entry, NULL);
 *	entry = weft_map_get(map, path, path_len);
 *
 * A key is any bytes, zero bytes and none included; a number is put as its bytes:
 * (map, &entry->id, sizeof(entry->id), ...). The map keeps a pointer to the key and
 * not a copy: the key lives in the caller's struct, unchanged, as long as it is in the map.
 *
 * It keeps the order of insertion, as Python's dict does, so what it holds is told in
 * the same order in every run, whatever the seed. Hashes are keyed with a secret
 * seed: whoever chooses the keys can't choose collisions. Put, get and remove are
 * O(1), a put that grows the map now and then O(count).
 *
 * Threads: any number may read while none writes. Errno is left alone but where
 * errors are named.
 */
#ifndef WEFT_MAP_H
#define WEFT_MAP_H

#include "weft/api.h"

WEFT_BEGIN

/** Most keys in one map. */
#define WEFT_MAP_COUNT_MAX ((size_t)1 << 29)

/** Longest key, in bytes. */
#define WEFT_MAP_KEY_MAX ((size_t)UINT32_MAX)

/** Bytes of a seed. */
#define WEFT_MAP_SEED_SIZE 16

struct weft_map; /* opaque: src/base/map.c */

struct weft_map_options {
	const uint8_t *seed; /* WEFT_MAP_SEED_SIZE secret bytes, copied; NULL: from getrandom(2) */
	size_t count_max;    /* keys at most; 0: WEFT_MAP_COUNT_MAX */
};

/** A key and its value, lent by weft_map_next(). */
struct weft_map_entry {
	const void *key; /* the caller's bytes */
	void *value;
	uint32_t len;  /* of the key */
	uint32_t hash; /* weft's own */
};

/* ---- Life ------------------------------------------------------------------------- */

/**
 * An empty map; options may be NULL. Free it with weft_map_free().
 * Errors: ENOMEM; EINVAL (count_max over WEFT_MAP_COUNT_MAX); those of getrandom(2).
 */
WEFT_API struct weft_map *weft_map_new(const struct weft_map_options *options);

/** Free the map; keys and values are the caller's. NULL is fine. */
WEFT_API void weft_map_free(struct weft_map *map);

/** Take out all keys, and give back the memory. */
WEFT_API void weft_map_reset(struct weft_map *map);

/* ---- Use -------------------------------------------------------------------------- */

/**
 * Set the value of key, which must not be NULL. A key that is there keeps its place
 * in the order, but the map holds the new key's bytes from now on; *ret_old (which
 * may be NULL) becomes the value it had, or NULL. Returns 0.
 * Errors, with the map as it was: ENOMEM; ENOSPC (count_max keys are there); EINVAL
 * (value is NULL); EMSGSIZE (len over WEFT_MAP_KEY_MAX).
 */
WEFT_API int weft_map_put(
	struct weft_map *map, const void *key, size_t len, void *value, void **ret_old);

/** The value of key, or NULL when it isn't there. */
WEFT_API void *weft_map_get(const struct weft_map *map, const void *key, size_t len);

/** Take key out. Returns the value it had, or NULL when it wasn't there. Never fails. */
WEFT_API void *weft_map_remove(struct weft_map *map, const void *key, size_t len);

/** How many keys are in the map. */
WEFT_API size_t weft_map_count(const struct weft_map *map);

/**
 * Step through the map in the order of insertion:
 *
 *	size_t cursor = 0;
 *	const struct weft_map_entry *entry;
 *
 *	while ((entry = weft_map_next(map, &cursor)))
 *
 * Returns the next entry, or NULL at the end. The entry is valid until the next put.
 * Meanwhile any key may be removed, and the value of a key that is there be put
 * anew; after a put of a new key the cursor means nothing. The first step after
 * many removals from the front is O(1): a queue by age can be kept in a map.
 */
WEFT_API const struct weft_map_entry *weft_map_next(const struct weft_map *map, size_t *cursor);

WEFT_END

#endif
