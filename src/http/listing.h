/*
 * listing.h - what is in a folder: read, sorted, and shown as a page or as JSON.
 */
#ifndef WEFT_SRC_HTTP_LISTING_H
#define WEFT_SRC_HTTP_LISTING_H

#include "http/open.h"
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

/** A folder, read and sorted. */
struct weft__http_listing {
	const char *path;      /* relative to the root, "" or with a trailing slash */
	struct weft_vec items; /* struct weft__http_item */
	struct weft_str names; /* each with its NUL */
	size_t left_out;       /* names beyond the limit */
	bool has_more;         /* than were counted */
	enum weft__http_sort sort;
	bool is_descending;
	const struct weft__http_uploads *uploads; /* NULL: it is read-only */
};

/** A folder to be listed. */
struct weft__http_listing_source {
	const struct weft__http_root *root;
	int fd;           /* open on it for reading; it is closed */
	const char *path; /* relative to the root, "" or with a trailing slash */
	bool shows_hidden;
	const struct weft__http_uploads *uploads;
};

/**
 * Answer with the listing of a folder, in the order that the request's query asks for:
 * "?sort=name|size|time&order=asc|desc". Returns as a handler does.
 */
int weft__http_listing_send(
	struct weft_http_response *response, const struct weft__http_listing_source *source);

/** Natural order: folders aside, letters in any case, runs of digits by value. <0, 0, >0. */
int weft__http_listing_compare(const char *a, const char *b);

/** The word of a sort in queries, "size", and whether it descends unless told otherwise. */
const char *weft__http_sort_name(enum weft__http_sort sort);
bool weft__http_sort_descends(enum weft__http_sort sort);

/** A long folder's work gives way to other fibers after so many names. */
#define WEFT__HTTP_LISTING_TURN 256

/* ---- listing_page.c ------------------------------------------------------------------------- */

/** Print a size for people: "13 B", "1.2 kB", "34 MB". ret_text holds at least 16 bytes. */
void weft__http_listing_size(char *ret_text, int64_t bytes);

/** Room for what weft__http_listing_time() prints. */
#define WEFT__HTTP_LISTING_TIME_MAX 32

/**
 * Print a time for people, by the clock of this machine: "Today 09:41", "Yesterday 23:05",
 * "12 Mar 18:30" of this year, "12 Mar 2024" of another.
 */
void weft__http_listing_time(
	char ret_text[WEFT__HTTP_LISTING_TIME_MAX], int64_t then_s, int64_t now_s);

/** Append the whole page. */
void weft__http_listing_append_page(
	struct weft_str *page, const struct weft__http_listing *listing);

#endif
