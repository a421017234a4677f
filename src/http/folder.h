/*
 * folder.h - what is asked by a query of a whole folder, or of a file's content: "?archive=zip",
 * "?search=name", "?sha256".
 */
#ifndef WEFT_SRC_HTTP_FOLDER_H
#define WEFT_SRC_HTTP_FOLDER_H

#include "http/files.h"

/** What weft__http_folder_ask() returns beside a handler's results: the query asks for none. */
#define WEFT__HTTP_NOT_ASKED (-2)

/** Answer a request that has a query. Returns as a handler does, or WEFT__HTTP_NOT_ASKED. */
int weft__http_folder_ask(struct weft_http_files *files, struct weft_http_request *request,
	struct weft_http_response *response);

/** The same of a POST: an archive of what its form names. */
int weft__http_folder_post(struct weft_http_files *files, struct weft_http_request *request,
	struct weft_http_response *response);

/** Add the Repr-Digest that a HEAD wants (RFC 9530), where there is one to be had. */
void weft__http_folder_add_digest(struct weft_http_files *files, struct weft_http_request *request,
	struct weft_http_response *response);

/* ---- digests.c: of files that have not changed -------------------------------------------- */

struct weft__http_digests;

struct weft__http_digests *weft__http_digests_new(void);
void weft__http_digests_free(struct weft__http_digests *digests);

/**
 * The SHA-256 of a file, as it is or as it was computed before. 0; -1: EAGAIN (enough are computed
 * at the moment), EISDIR, those of weft_files_sha256().
 */
int weft__http_digests_get(struct weft_http_files *files, const struct weft_files_visitor *visitor,
	const char *path, uint8_t ret_digest[32]);

#endif
