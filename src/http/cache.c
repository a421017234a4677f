/*
 * cache.c - keeps open files, so that a request for one costs no open, read or close.
 *
 * Entry points: weft__http_cache_get(), weft__http_cache_put().
 *
 * A kept file is believed only after a look at it:
 *
 *	at each request		fstat(2) on the descriptor: edited in place, replaced by
 *				a rename (its link count or ctime changes) or deleted;
 *				one look serves all requests that had arrived before it
 *	once a second		the path is walked again: a folder above it was renamed,
 *				a link was turned; and its compressed siblings looked at
 *
 * An open file keeps its place on the disk when it is removed, until it goes from here. So large
 * ones are not kept, and all together hold no more than WEFT__HTTP_CACHE_HELD_MAX.
 *
 * The map leads from path to entry, and a table of those met last spares it its keyed hash; the
 * list runs from the entry used last to the one to go next. Both are bounded, in entries
 * (descriptors) and in bytes.
 *
 * Never: shared between workers; a lock here would be on every request's way.
 */
#include "http/cache.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "http/limits.h"
#include "http/variants.h"
#include "weft/fiber.h"
#include "weft/list.h"
#include "weft/map.h"

/** The cache takes this share of the descriptors that a worker may have. */
#define DESCRIPTOR_SHARE 8

#define RECENT_BITS 6

struct weft__http_cache {
	struct weft_map *map;                   /* path to struct entry */
	struct entry *recent[1 << RECENT_BITS]; /* where the path's recent_place() says; or NULL */
	struct weft_list used;                  /* entries, used last first */
	size_t bytes;                           /* in files' memory */
	off_t held;                             /* bytes on the disk */
	size_t entries_max;
	uint64_t version; /* another one once entries have gone, and in each cache there ever was */
	const struct weft__root *root;
};

struct entry {
	struct weft_list_node in_used;
	struct weft__http_file *file;
	int64_t seen_ns;   /* the file was unchanged then, on weft_now() */
	int64_t checked_s; /* the second when the path was walked last */
	size_t bytes;      /* its part of cache->bytes */
	size_t key_len;
	char *real_path; /* behind the key, in the same memory */
	char key[];
};

/* A hash that anybody can make collide: then the map is asked. */
static size_t recent_place(const char *path, size_t len)
{
	uint64_t bits = 0;

	memcpy(&bits, len > sizeof(bits) ? path + len - sizeof(bits) : path,
		len > sizeof(bits) ? sizeof(bits) : len);
	return (bits + len) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - RECENT_BITS);
}

static struct entry *find(struct weft__http_cache *cache, const char *path)
{
	size_t len = strlen(path);
	struct entry **recent = &cache->recent[recent_place(path, len)];

	if (!*recent || (*recent)->key_len != len || memcmp((*recent)->key, path, len) != 0) {
		struct entry *entry = weft_map_get(cache->map, path, len);

		if (!entry)
			return NULL;
		*recent = entry;
	}
	return *recent;
}

static size_t choose_entries_max(void)
{
	unsigned workers = weft_worker_count();
	struct rlimit limit;
	size_t share;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
		return WEFT__HTTP_CACHE_ENTRIES_MAX;
	share = (size_t)limit.rlim_cur / DESCRIPTOR_SHARE / (workers ? workers : 1);
	return share < WEFT__HTTP_CACHE_ENTRIES_MAX ? share : WEFT__HTTP_CACHE_ENTRIES_MAX;
}

struct weft__http_cache *weft__http_cache_new(const struct weft__root *root)
{
	static _Atomic uint64_t caches;
	struct weft__http_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->map = weft_map_new(NULL);
	if (!cache->map) {
		free(cache);
		return NULL;
	}
	weft_list_init(&cache->used);
	cache->bytes = 0;
	cache->entries_max = choose_entries_max();
	cache->version = atomic_fetch_add(&caches, 1) << 32;
	cache->root = root;
	return cache;
}

static size_t bytes_of(const struct weft__http_file *file)
{
	return file->text_len + file->forms_bytes;
}

static void drop(struct weft__http_cache *cache, struct entry *entry)
{
	struct entry **recent = &cache->recent[recent_place(entry->key, entry->key_len)];

	cache->version++;
	if (*recent == entry)
		*recent = NULL;
	weft_map_remove(cache->map, entry->key, entry->key_len);
	weft_list_remove(&entry->in_used);
	cache->bytes -= entry->bytes;
	cache->held -= entry->file->stat.st_size;
	weft__http_file_release(entry->file);
	free(entry);
}

static void drop_oldest(struct weft__http_cache *cache)
{
	drop(cache, weft_container_of(weft_list_last(&cache->used), struct entry, in_used));
}

void weft__http_cache_clear(struct weft__http_cache *cache)
{
	while (!weft_list_is_empty(&cache->used))
		drop_oldest(cache);
}

static void make_room(struct weft__http_cache *cache)
{
	while (weft_map_count(cache->map) > cache->entries_max ||
		cache->bytes > WEFT__HTTP_CACHE_BYTES_MAX ||
		cache->held > WEFT__HTTP_CACHE_HELD_MAX)
		drop_oldest(cache);
}

void weft__http_cache_free(struct weft__http_cache *cache)
{
	if (!cache)
		return;
	weft__http_cache_clear(cache);
	weft_map_free(cache->map);
	free(cache);
}

/* Whether the path still leads to this file. */
static bool path_leads_here(struct weft__http_cache *cache, struct entry *entry, int64_t now_s)
{
	const struct stat *kept = &entry->file->stat;
	struct stat found;

	if (entry->checked_s == now_s)
		return true;
	entry->checked_s = now_s;
	return weft__root_stat(cache->root, entry->real_path, &found) == 0 &&
	       found.st_ino == kept->st_ino && found.st_dev == kept->st_dev &&
	       weft__http_variants_stand(entry->file->variants, cache->root, entry->real_path);
}

/* Whether the file is unchanged at arrived_ns or later; the look before may have been late enough.
 */
static bool is_current(struct entry *entry, int64_t arrived_ns)
{
	if (!entry->file->is_settled)
		return false;
	if (entry->seen_ns >= arrived_ns)
		return true;
	entry->seen_ns = weft_now(); /* before the look, so that it is never too late a time */
	return weft__http_file_is_current(entry->file);
}

/* A reference to the entry's file, if that is still what it was. */
static struct weft__http_file *take(
	struct weft__http_cache *cache, struct entry *entry, int64_t arrived_ns)
{
	if (!is_current(entry, arrived_ns) || !path_leads_here(cache, entry, weft__http_now_s())) {
		drop(cache, entry);
		return NULL;
	}
	if (weft_list_first(&cache->used) != &entry->in_used) {
		weft_list_remove(&entry->in_used);
		weft_list_push_front(&cache->used, &entry->in_used);
	}
	entry->file->references++;
	return entry->file;
}

struct weft__http_file *weft__http_cache_get(
	struct weft__http_cache *cache, const char *path, int64_t arrived_ns)
{
	struct entry *entry = find(cache, path);

	return entry ? take(cache, entry, arrived_ns) : NULL;
}

struct weft__http_file *weft__http_cache_find(
	struct weft__http_cache *cache, struct weft_http_request *request, const char *path)
{
	struct weft__http_finding *found = &request->finding;

	if (found->keeper != cache || found->version != cache->version ||
		found->prefix_len != request->prefix_len) {
		struct entry *entry = find(cache, path);

		if (!entry)
			return NULL;
		*found = (struct weft__http_finding){
			cache, entry, cache->version, request->prefix_len};
	}
	return take(cache, found->entry, request->arrived_ns);
}

void weft__http_cache_put(struct weft__http_cache *cache, const char *key, const char *real_path,
	struct weft__http_file *file)
{
	size_t key_len = strlen(key), real_len = strlen(real_path);
	struct entry *entry, *old;

	if (cache->entries_max == 0 || file->stat.st_size > WEFT__HTTP_CACHE_HELD_MAX)
		return;
	old = weft_map_get(cache->map, key, key_len);
	if (old)
		drop(cache, old);
	entry = malloc(sizeof(*entry) + key_len + 1 + real_len + 1);
	if (!entry)
		return;
	memcpy(entry->key, key, key_len + 1);
	entry->key_len = key_len;
	entry->real_path = entry->key + key_len + 1;
	memcpy(entry->real_path, real_path, real_len + 1);
	entry->file = file;
	entry->seen_ns = INT64_MIN; /* it was read a while ago */
	entry->checked_s = weft__http_now_s();
	if (weft_map_put(cache->map, entry->key, key_len, entry, NULL) < 0) {
		free(entry);
		return;
	}
	file->references++;
	entry->bytes = bytes_of(file);
	cache->bytes += entry->bytes;
	cache->held += file->stat.st_size;
	weft_list_push_front(&cache->used, &entry->in_used);
	make_room(cache);
}

void weft__http_cache_recount(
	struct weft__http_cache *cache, const char *key, const struct weft__http_file *file)
{
	struct entry *entry = weft_map_get(cache->map, key, strlen(key));
	size_t bytes = bytes_of(file);

	if (!entry || entry->file != file)
		return;
	cache->bytes += bytes - entry->bytes;
	entry->bytes = bytes;
	make_room(cache);
}

void weft__http_cache_forget(struct weft__http_cache *cache, const char *key)
{
	struct entry *entry = weft_map_get(cache->map, key, strlen(key));

	if (entry)
		drop(cache, entry);
}
