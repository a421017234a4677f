/*
 * listings.c - see listings.h.
 *
 * Entry point: weft__http_listing_send(). What is sent, and how, is listing_made.c's.
 *
 *	kept, the folder's times are as they were, and looked at within a second?	send it
 *	else, on a thread: read the names --> all is as it was?		keep it, send it
 *	                                  \-> not			make the page, keep that
 *
 * A folder's own times tell of names that come and go, and not of files that grow: so what is kept
 * is believed for a second only; and what had just changed when it was read, not even that, for two
 * changes may fall into one tick of a file system's clock. A look that began after a request had
 * come is good for that request: of a crowd, one looks, and the others wait for it.
 *
 * Whether all is as it was, a keyed hash of all that is shown says, which is the tag as well.
 *
 * Never: holds up a worker; says a size that is older than a second.
 */
#include "http/listings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "http/limits.h"
#include "http/listing_made.h"
#include "weft/fiber.h"
#include "weft/list.h"
#include "weft/lock.h"
#include "weft/map.h"
#include "weft/offload.h"
#include "weft/scope.h"

/* A folder in one order and form. */
struct entry {
	struct weft_list_node in_used;
	struct weft_lock lock;        /* whoever reads the folder */
	unsigned users;               /* it must stay for them */
	struct weft__http_made *page; /* NULL: it was never read */
	struct stat folder;           /* as it was at read_ns, on weft_now() */
	int64_t read_ns;
	bool is_settled;
	size_t key_len;
	char key[];
};

struct weft__http_listings {
	struct weft__http_listings_options options;
	struct weft_map *map;  /* key to struct entry */
	struct weft_list used; /* entries, used last first */
	struct weft__http_made_pool pool;
	struct weft__http_listings_tally tally;
};

struct weft__http_listings_tally weft__http_listings_tally(
	const struct weft__http_listings *listings)
{
	return listings->tally;
}

/* ---- Life ------------------------------------------------------------------------------ */

struct weft__http_listings *weft__http_listings_new(
	const struct weft__http_listings_options *options)
{
	struct weft__http_listings *listings = calloc(1, sizeof(*listings));

	if (!listings)
		return NULL;
	listings->map = weft_map_new(NULL);
	if (!listings->map) {
		free(listings);
		return NULL;
	}
	weft_list_init(&listings->used);
	listings->options = *options;
	listings->pool = (struct weft__http_made_pool){.may_compress = options->may_compress,
		.jobs = options->jobs,
		.jobs_max = options->jobs_max};
	if (!listings->options.believe_ns)
		listings->options.believe_ns = WEFT__HTTP_LISTING_BELIEVE_NS;
	if (!listings->options.settle_ns)
		listings->options.settle_ns = WEFT__HTTP_LISTING_SETTLE_NS;
	if (!listings->options.alive_max)
		listings->options.alive_max = WEFT__HTTP_LISTINGS_ALIVE_MAX;
	return listings;
}

/* Keep another page, or none. */
static void keep_page(struct entry *entry, struct weft__http_made *page)
{
	if (entry->page) {
		weft__http_made_keep(entry->page, false);
		weft__http_made_release(entry->page);
	}
	entry->page = page;
	if (page)
		weft__http_made_keep(page, true);
}

static void drop(struct weft__http_listings *listings, struct entry *entry)
{
	keep_page(entry, NULL);
	weft_map_remove(listings->map, entry->key, entry->key_len);
	weft_list_remove(&entry->in_used);
	free(entry);
}

/* Drop what was used longest ago, until so much is left at most. */
static void shrink(struct weft__http_listings *listings, size_t count_max, size_t bytes_max)
{
	struct weft_list_node *node = listings->used.head.prev, *next;

	for (; node != &listings->used.head; node = next) {
		struct entry *entry = weft_container_of(node, struct entry, in_used);

		if (weft_map_count(listings->map) <= count_max &&
			listings->pool.kept_bytes <= bytes_max)
			return;
		next = node->prev;
		if (entry->users == 0)
			drop(listings, entry);
	}
}

static void make_room(struct weft__http_listings *listings)
{
	shrink(listings, WEFT__HTTP_LISTINGS_MAX, WEFT__HTTP_LISTINGS_BYTES_MAX);
}

void weft__http_listings_free(struct weft__http_listings *listings)
{
	if (!listings)
		return;
	shrink(listings, 0, 0);
	weft_map_free(listings->map);
	free(listings);
}

/* ---- Entries --------------------------------------------------------------------------- */

static struct entry *add_entry(struct weft__http_listings *listings, const struct weft_str *key)
{
	size_t len = weft_str_len(key);
	struct entry *entry = calloc(1, sizeof(*entry) + len);

	if (!entry)
		return NULL;
	memcpy(entry->key, weft_str_text(key), len);
	entry->key_len = len;
	if (weft_map_put(listings->map, entry->key, len, entry, NULL) < 0) {
		free(entry);
		return NULL;
	}
	weft_lock_init(&entry->lock, "a listing");
	weft_list_push_front(&listings->used, &entry->in_used);
	return entry;
}

/* The entry of what is to be listed, with a user more; NULL: ENOMEM. */
static struct entry *enter(
	struct weft__http_listings *listings, const struct weft__http_listing *listing)
{
	struct entry *entry = NULL;
	struct weft_str key;

	weft_str_init(&key, WEFT_STR_LEN_MAX);
	weft_str_appendf(&key, "%d%d%d%d%d%x/%zu/%s", listing->sort, listing->is_descending,
		listing->is_json, listing->uploads != NULL, listing->has_trash, listing->rights,
		strlen(listing->path), listing->whole_path);
	if (!weft_str_error(&key))
		entry = weft_map_get(listings->map, weft_str_text(&key), weft_str_len(&key));
	if (entry) {
		weft_list_remove(&entry->in_used);
		weft_list_push_front(&listings->used, &entry->in_used);
	} else if (!weft_str_error(&key)) {
		entry = add_entry(listings, &key);
	}
	weft_str_fini(&key);
	if (entry)
		entry->users++;
	return entry;
}

static void leave(struct weft__http_listings *listings, struct entry *entry)
{
	if (--entry->users == 0 && !entry->page)
		drop(listings, entry);
	make_room(listings);
}

/* ---- Looking --------------------------------------------------------------------------- */

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same_state(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
	       is_same_time(&a->st_mtim, &b->st_mtim) && is_same_time(&a->st_ctim, &b->st_ctim);
}

/* Whether the folder, in that state now, may be answered with what is kept. */
static bool is_fresh(const struct weft__http_listings *listings, const struct entry *entry,
	const struct stat *folder, int64_t arrived_ns)
{
	if (!entry->page || !is_same_state(&entry->folder, folder))
		return false;
	return entry->read_ns >= arrived_ns ||
	       (entry->is_settled && weft_now() - entry->read_ns < listings->options.believe_ns);
}

/* Whoever owns the clock can set it back: then nothing is settled for a while. */
static bool is_settled(const struct stat *folder, int64_t settle_ns)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)(((uint64_t)now.tv_sec - (uint64_t)folder->st_ctim.tv_sec) *
				 UINT64_C(1000000000) +
			 (uint64_t)now.tv_nsec - (uint64_t)folder->st_ctim.tv_nsec) > settle_ns;
}

/* What a thread is to do, with what the fiber lends it until it is done. */
struct look {
	const struct weft__http_listing_source *source;
	const struct weft__siphash_key *key;
	struct weft__http_listing *listing;
	const struct weft__http_made *known; /* NULL: none */
	bool has_run;
	uint64_t print;
	struct weft_str text; /* empty, where all is as it was */
};

/* On a thread of its own. */
static int run_look(void *arg)
{
	struct look *look = arg;

	look->has_run = true;
	if (weft__http_listing_read(look->listing, look->source) < 0)
		return -1;
	look->print = weft__http_listing_print(look->listing, look->key);
	if (look->known && look->known->print == look->print)
		return 0;
	weft__http_listing_append(&look->text, look->listing);
	errno = weft_str_error(&look->text);
	return errno ? -1 : 0;
}

/* Read the folder, and have its page in entry. Closes source->fd. 0 or -1. */
static int look_anew(struct weft__http_listings *listings, struct entry *entry,
	struct weft__http_listing *listing, const struct weft__http_listing_source *source)
{
	struct look look = {.source = source,
		.key = listings->options.key,
		.listing = listing,
		.known = entry->page};
	int64_t read_ns = weft_now(); /* before the look, so that it is never too late a time */
	struct weft__http_made *page = entry->page;
	struct stat folder;
	bool was_settled;
	int result, saved;

	if (fstat(source->fd, &folder) < 0) {
		close(source->fd);
		return -1;
	}
	was_settled = is_settled(&folder, listings->options.settle_ns);
	weft_str_init(&look.text, WEFT_STR_LEN_MAX);
	result = weft_offload_as(WEFT_OFFLOAD_FILE, run_look, &look);
	saved = errno;
	if (!look.has_run)
		close(source->fd);
	errno = saved;
	listings->tally.reads++;
	if (result == 0 && weft_str_len(&look.text) > 0) {
		page = weft__http_made_new(&listings->pool, look.print, &look.text);
		listings->tally.pages++;
		if (page)
			keep_page(entry, page);
	}
	saved = errno;
	weft_str_fini(&look.text);
	errno = saved;
	if (result < 0 || !page)
		return -1;
	entry->folder = folder;
	entry->read_ns = read_ns;
	entry->is_settled = was_settled;
	return 0;
}

/* Whether the folder that fd is open on may be answered with what is kept, as it is now. */
static bool is_fresh_now(const struct weft__http_listings *listings, const struct entry *entry,
	int fd, int64_t arrived_ns)
{
	struct stat folder;

	return fstat(fd, &folder) == 0 && is_fresh(listings, entry, &folder, arrived_ns);
}

/* Have a page in entry that is right for a request of that time. Closes source->fd. 0 or -1. */
static int refresh(struct weft__http_listings *listings, struct entry *entry,
	struct weft__http_listing *listing, const struct weft__http_listing_source *source,
	int64_t arrived_ns)
{
	bool is_done = is_fresh_now(listings, entry, source->fd, arrived_ns);
	int result = 0, saved;

	if (!is_done)
		result = weft_lock_acquire(&entry->lock);
	if (is_done || result < 0) {
		saved = errno;
		close(source->fd);
		errno = saved;
		return result;
	}
	/* What was waited for may do; or that look began too early. */
	if (is_fresh_now(listings, entry, source->fd, arrived_ns))
		close(source->fd);
	else
		result = look_anew(listings, entry, listing, source);
	saved = errno;
	weft_lock_release(&entry->lock);
	errno = saved;
	return result;
}

/* ---- Sending ---------------------------------------------------------------------------- */

static int send_from(struct weft__http_listings *listings, struct weft_http_response *response,
	struct weft__http_listing *listing, const struct weft__http_listing_source *source)
{
	struct entry *entry = enter(listings, listing);
	struct weft__http_made *page = NULL;
	int result;

	if (!entry) {
		close(source->fd);
		return 503;
	}
	result = refresh(listings, entry, listing, source, response->request->arrived_ns);
	if (result == 0) {
		page = entry->page;
		page->references++;
	} else if (weft_interrupted() == 0) {
		result = weft_http_status_of_errno(errno);
	}
	/* Sending may take long, and another page take its place meanwhile. */
	leave(listings, entry);
	if (page)
		result = weft__http_made_send(page, response, listing->is_json, source->policy);
	weft__http_made_release(page);
	return result;
}

int weft__http_listing_send(struct weft__http_listings *listings,
	struct weft_http_response *response, const struct weft__http_listing_source *source)
{
	struct weft__http_listing listing;
	int result;

	/* Readers that are slow hold what they are sent. */
	if (listings->pool.alive_bytes > listings->options.alive_max)
		shrink(listings, 0, 0);
	if (listings->pool.alive_bytes > listings->options.alive_max) {
		close(source->fd);
		weft_http_response_field(response, "Retry-After", "1");
		return 503;
	}
	weft__http_listing_init(&listing, response->request, source);
	result = send_from(listings, response, &listing, source);
	weft__http_listing_fini(&listing);
	return result;
}
