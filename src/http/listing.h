/*
 * listing.h - the page that shows what is in a folder.
 */
#ifndef WEFT_SRC_HTTP_LISTING_H
#define WEFT_SRC_HTTP_LISTING_H

#include "http/open.h"
#include "http/response.h"

/** A folder to be listed. */
struct weft__http_listing_source {
	const struct weft__http_root *root;
	int fd;           /* open on it for reading; it is closed */
	const char *path; /* relative to the root, "" or with a trailing slash */
	bool shows_hidden;
};

/**
 * Answer with the listing of a folder, in the order that the request's query asks for:
 * "?sort=name|size|time&order=asc|desc". Returns as a handler does.
 */
int weft__http_listing_send(
	struct weft_http_response *response, const struct weft__http_listing_source *source);

/** Natural order: folders aside, letters in any case, runs of digits by value. <0, 0, >0. */
int weft__http_listing_compare(const char *a, const char *b);

/** Print a size for people: "13 B", "1.2 kB", "34 MB". ret_text holds at least 16 bytes. */
void weft__http_listing_size(char *ret_text, int64_t bytes);

#endif
