/*
 * cache.c - see cache.h.
 */
#include "account/cache.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "weft/map.h"

struct entry {
	struct weft__digest digest;
	struct weft_account_who *who;
	int64_t put_ns;
};

struct weft__cache {
	pthread_mutex_t mutex; /* held for some hundred instructions */
	struct weft_map *entries;
	unsigned char key[crypto_generichash_KEYBYTES];
};

struct weft__cache *weft__cache_new(void)
{
	struct weft__cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->entries = weft_map_new(NULL);
	if (!cache->entries) {
		free(cache);
		return NULL;
	}
	pthread_mutex_init(&cache->mutex, NULL);
	randombytes_buf(cache->key, sizeof(cache->key));
	return cache;
}

static void entry_free(struct entry *entry)
{
	if (!entry)
		return;
	weft_account_who_free(entry->who);
	free(entry);
}

void weft__cache_free(struct weft__cache *cache)
{
	const struct weft_map_entry *entry;
	size_t cursor = 0;

	if (!cache)
		return;
	while ((entry = weft_map_next(cache->entries, &cursor)))
		entry_free(entry->value);
	weft_map_free(cache->entries);
	pthread_mutex_destroy(&cache->mutex);
	sodium_memzero(cache->key, sizeof(cache->key));
	free(cache);
}

struct weft_account_who *weft__cache_get(
	struct weft__cache *cache, const struct weft__digest *digest, int64_t *ret_put_ns)
{
	struct weft_account_who *who = NULL;
	struct entry *entry;

	pthread_mutex_lock(&cache->mutex);
	entry = weft_map_get(cache->entries, digest, sizeof(*digest));
	if (entry) {
		who = weft_account_who_keep(entry->who);
		if (ret_put_ns)
			*ret_put_ns = entry->put_ns;
	}
	pthread_mutex_unlock(&cache->mutex);
	return who;
}

/* The mutex is held. */
static struct entry *take_oldest(struct weft__cache *cache)
{
	size_t cursor = 0;
	const struct weft_map_entry *oldest = weft_map_next(cache->entries, &cursor);

	return oldest ? weft_map_remove(cache->entries, oldest->key, oldest->len) : NULL;
}

void weft__cache_put(struct weft__cache *cache, const struct weft__digest *digest,
	struct weft_account_who *who, int64_t now_ns)
{
	struct entry *entry = malloc(sizeof(*entry)), *oldest = NULL;
	void *old = NULL;

	if (!entry)
		return;
	*entry = (struct entry){*digest, weft_account_who_keep(who), now_ns};
	pthread_mutex_lock(&cache->mutex);
	if (weft_map_count(cache->entries) >= WEFT__CACHE_MAX)
		oldest = take_oldest(cache);
	if (weft_map_put(cache->entries, &entry->digest, sizeof(entry->digest), entry, &old) < 0)
		old = entry;
	pthread_mutex_unlock(&cache->mutex);
	entry_free(oldest);
	entry_free(old);
}

void weft__cache_drop(struct weft__cache *cache, const struct weft__digest *digest)
{
	struct entry *entry;

	pthread_mutex_lock(&cache->mutex);
	entry = weft_map_remove(cache->entries, digest, sizeof(*digest));
	pthread_mutex_unlock(&cache->mutex);
	entry_free(entry);
}

void weft__cache_digest(const struct weft__cache *cache, const char *const *texts, size_t count,
	struct weft__digest *ret_digest)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, cache->key, sizeof(cache->key), sizeof(*ret_digest));
	for (size_t i = 0; i < count; i++)
		crypto_generichash_update(
			&state, (const unsigned char *)texts[i], strlen(texts[i]) + 1);
	crypto_generichash_final(&state, ret_digest->bytes, sizeof(*ret_digest));
	sodium_memzero(&state, sizeof(state));
}
