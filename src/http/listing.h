/*
 * listing.h - the page that shows what is in a folder.
 */
#ifndef WEFT_SRC_HTTP_LISTING_H
#define WEFT_SRC_HTTP_LISTING_H

#include "http/response.h"

/**
 * Answer with the listing of the folder at path, relative to root_fd and "" or with a
 * trailing slash; folder_fd is open on it for reading, and is closed. Returns as a
 * handler does.
 */
int weft__http_listing_send(
	struct weft_http_response *response, int root_fd, int folder_fd, const char *path);

/** Natural order: folders aside, letters in any case, runs of digits by value. <0, 0, >0. */
int weft__http_listing_compare(const char *a, const char *b);

/** Print a size for people: "13 B", "1.2 kB", "34 MB". ret_text holds at least 16 bytes. */
void weft__http_listing_size(char *ret_text, int64_t bytes);

#endif
