/*
 * page_files.h - the page, as files of the program: what lies in web/, packed by tools/embed.
 *
 * One hash is over all of them. A file's address has it, /.weft/HASH/core/app.js, so the file may
 * be kept for ever; index.html is the one document, which names the hash.
 */
#ifndef WEFT_SRC_HUB_PAGE_FILES_H
#define WEFT_SRC_HUB_PAGE_FILES_H

#include "weft/http.h"

/** The hash of all files, in hexadecimal digits. */
const char *weft__hub_page_hash(void);

/**
 * Send the file of that name below web/ (core/app.js), to be kept for ever. Returns as a handler
 * does: 404 where there is none.
 */
int weft__hub_page_send_file(
	struct weft_http_request *request, struct weft_http_response *response, const char *name);

/** Send index.html with that status, to be asked for anew each time. Returns as a handler does. */
int weft__hub_page_send_document(
	struct weft_http_request *request, struct weft_http_response *response, int status);

#endif
