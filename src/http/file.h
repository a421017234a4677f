/*
 * file.h - one open file, ready to be served: its descriptor, its fields, a small one's content.
 */
#ifndef WEFT_SRC_HTTP_FILE_H
#define WEFT_SRC_HTTP_FILE_H

#include <sys/stat.h>

#include "http/condition.h"
#include "http/response.h"

/**
 * Immutable once made, so that one fiber may send it while another looks it up.
 *
 *	text:	Content-Length: 13 CRLF
 *		Content-Type: ... CRLF			<- type_at
 *		X-Content-Type-Options: nosniff CRLF
 *		Accept-Ranges: bytes CRLF
 *		Last-Modified: ... CRLF			<- validators_at
 *		ETag: "..." CRLF
 *		CRLF					<- fields_len
 *		content (when has_content)		<- fields_len + 2
 */
struct weft__http_file {
	int fd;
	unsigned references;
	struct stat stat;
	struct weft__http_validators validators;
	bool has_content;
	bool is_settled; /* it had not changed just before it was read: see file.c */
	size_t type_at, validators_at, fields_len, text_len;
	char etag[56];
	char text[];
};

/**
 * Make a file of a descriptor that is open on a regular one, with what fstat(2) said of
 * it; name tells the content type. Owns fd on success. One reference is the caller's.
 * Errors: ENOMEM, EIO, EAGAIN (it keeps changing while it is read).
 */
struct weft__http_file *weft__http_file_new(int fd, const struct stat *stat, const char *name);

/** Give a reference back; the last one closes it. NULL is fine. */
void weft__http_file_release(struct weft__http_file *file);

/** Whether the descriptor still shows what was read: the same file, unchanged, and not deleted. */
bool weft__http_file_is_current(const struct weft__http_file *file);

/** Answer a GET or HEAD: 200, 206, 304, 412 or 416. Returns as a handler does. */
int weft__http_file_send(const struct weft__http_file *file,
	const struct weft_http_request *request, struct weft_http_response *response);

#endif
