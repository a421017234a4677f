/*
 * listing.h - what is in a folder: read, sorted, and shown as a page or as JSON.
 *
 * listings.h answers with it, and keeps what was made.
 */
#ifndef WEFT_SRC_HTTP_LISTING_H
#define WEFT_SRC_HTTP_LISTING_H

#include <time.h>

#include "base/siphash.h"
#include "files/open.h"
#include "http/response.h"
#include "weft/vec.h"

enum weft__http_sort {
	WEFT__HTTP_SORT_NAME,
	WEFT__HTTP_SORT_SIZE,
	WEFT__HTTP_SORT_TIME,
	WEFT__HTTP_SORTS, /* how many there are */
};

/** One name of a folder. */
struct weft__http_item {
	const char *name; /* in listing.names, once all are read; an offset before that */
	size_t name_at;
	int64_t size, modified_s;
	bool is_folder;
};

/** A folder, read; and sorted, once it is appended. */
struct weft__http_listing {
	const char *path;      /* relative to the root, "" or with a trailing slash */
	struct weft_vec items; /* struct weft__http_item */
	struct weft_str names; /* each with its NUL */
	size_t left_out;       /* names beyond the limit */
	bool has_more;         /* than were counted */
	enum weft__http_sort sort;
	bool is_descending, is_json;
	unsigned rights; /* as the source's; 0 of a page, which does not tell of them */
	bool has_trash;  /* the same */
	const struct weft__http_uploads *uploads; /* NULL: it is read-only */
	const char *whole_path;                   /* the source's; path is what is shown of it */
};

/** A folder to be listed. */
struct weft__http_listing_source {
	const struct weft__root *root;
	int fd;           /* open on it for reading; weft__http_listing_read() closes it */
	const char *path; /* relative to the root, "" or with a trailing slash */
	bool shows_hidden;
	const struct weft__http_uploads *uploads;
	const struct weft__http_policy *policy; /* for CORS; may be NULL */
	size_t home_len; /* so much of path is not shown: who asks is at home there */
	unsigned rights; /* enum weft_files_right: what who asks may do there, through this door */
	bool has_trash;  /* what is removed can be had back */
};

/**
 * An empty listing of what the request asks for: as a page or as JSON, in the order of
 * "?sort=name|size|time&order=asc|desc". path stays the caller's. End it with
 * weft__http_listing_fini().
 */
void weft__http_listing_init(struct weft__http_listing *listing, struct weft_http_request *request,
	const struct weft__http_listing_source *source);
void weft__http_listing_fini(struct weft__http_listing *listing);

/**
 * Read the folder; blocks as long as the disk does, on any thread. Returns 0, or -1:
 * ENOMEM, those of getdents(2).
 */
int weft__http_listing_read(
	struct weft__http_listing *listing, const struct weft__http_listing_source *source);

/**
 * A hash of all that is shown, today: two that differ are hardly ever the same, as long as nobody
 * knows the key.
 */
uint64_t weft__http_listing_print(
	const struct weft__http_listing *listing, const struct weft__siphash_key *key);

/** Sort it, and append it as the request wants it. */
void weft__http_listing_append(struct weft_str *text, struct weft__http_listing *listing);

/** Natural order: folders aside, letters in any case, runs of digits by value. <0, 0, >0. */
int weft__http_listing_compare(const char *a, const char *b);

/** The word of a sort in queries, "size", and whether it descends unless told otherwise. */
const char *weft__http_sort_name(enum weft__http_sort sort);
bool weft__http_sort_descends(enum weft__http_sort sort);

/* ---- listing_page.c ------------------------------------------------------------------------- */

/** Print a size for people: "13 B", "1.2 kB", "34 MB". ret_text holds at least 16 bytes. */
void weft__http_listing_size(char *ret_text, int64_t bytes);

/** Room for what weft__http_listing_time() prints. */
#define WEFT__HTTP_LISTING_TIME_MAX 32

/** A moment, by the clock of this machine. */
struct weft__http_listing_now {
	int64_t seconds;
	struct tm today, yesterday;
	bool is_known; /* that clock has such a year */
};

void weft__http_listing_now(struct weft__http_listing_now *now, int64_t seconds);

/**
 * Print a time for people, by that clock: "Today 09:41", "Yesterday 23:05", "12 Mar 18:30" of this
 * year, "12 Mar 2024" of another. then is of then_s.
 */
void weft__http_listing_time(char ret_text[WEFT__HTTP_LISTING_TIME_MAX], int64_t then_s,
	const struct tm *then, const struct weft__http_listing_now *now);

/** Append rights as an array of their names: ["read", "list"]. */
void weft__http_listing_append_rights(struct weft_str *text, unsigned rights);

/** Append the whole page. */
void weft__http_listing_append_page(
	struct weft_str *page, const struct weft__http_listing *listing);

#endif
