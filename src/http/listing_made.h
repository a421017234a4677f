/*
 * listing_made.h - a listing that was made: its text in each coding, and answers with it.
 *
 * For the worker that made it only.
 */
#ifndef WEFT_SRC_HTTP_LISTING_MADE_H
#define WEFT_SRC_HTTP_LISTING_MADE_H

#include <stdatomic.h>

#include "http/coding.h"
#include "http/response.h"

struct weft__http_policy;

/** What those of one worker have in common. */
struct weft__http_made_pool {
	bool may_compress;
	atomic_uint *jobs; /* how much is being compressed now, by all workers */
	unsigned jobs_max;
	size_t kept_bytes;  /* of those that are kept */
	size_t alive_bytes; /* also of those that are being sent */
};

enum weft__http_form_state {
	WEFT__HTTP_FORM_EMPTY,
	WEFT__HTTP_FORM_READY,
	WEFT__HTTP_FORM_USELESS,
};

struct weft__http_form {
	enum weft__http_form_state state;
	char *data;
	size_t len;
};

/** Room for a tag with its quotes. */
#define WEFT__HTTP_MADE_TAG_SIZE 24

/** But for the forms, it never changes. */
struct weft__http_made {
	struct weft__http_made_pool *pool;
	unsigned references;
	bool is_kept, is_busy; /* it is being compressed */
	uint64_t print;        /* of what it shows: weft__http_listing_print() */
	size_t bytes;          /* all of its memory, nearly */
	char tag[WEFT__HTTP_MADE_TAG_SIZE];
	struct weft__http_form forms[WEFT__HTTP_CODING_COUNT + 1]; /* the last: as it is */
};

/** One of that text, which is taken over; with a reference. Errors: ENOMEM, the text's. */
struct weft__http_made *weft__http_made_new(
	struct weft__http_made_pool *pool, uint64_t print, struct weft_str *text);

/** NULL is fine. */
void weft__http_made_release(struct weft__http_made *page);

/** Whether it counts among those that are kept; each call changes that. */
void weft__http_made_keep(struct weft__http_made *page, bool is_kept);

/**
 * Answer with it, in the coding that is wanted most: 200, 304, or as a handler returns, 406, 412 or
 * 503. It waits; the caller has a reference. policy, for CORS, may be NULL.
 */
int weft__http_made_send(struct weft__http_made *page, struct weft_http_response *response,
	bool is_json, const struct weft__http_policy *policy);

#endif
