/*
 * trash.h - what was removed from a shared folder, and can be had back for a while.
 *
 *	DELETE path?trash	into the trash, a folder with all below it: 200, its id
 *	GET /.trash/		what the asker has removed, as JSON, the last first
 *	POST /.trash/ID		back to where it was; "?to=/new/path", "?unique"
 *	DELETE /.trash/ID	for good; without an ID, all that the asker has removed
 *
 * No file is ever shown under these names: they begin with a dot.
 */
#ifndef WEFT_SRC_HTTP_TRASH_H
#define WEFT_SRC_HTTP_TRASH_H

#include "http/upload.h"

/** Whether a request is for the trash itself, by its address, and there is one. */
bool weft__http_trash_is(
	const struct weft_http_files *files, const struct weft_http_request *request);

/** Answer it, whatever its method. */
weft_http_handler_fn weft__http_trash;

/** A DELETE of path, as the engine has it. Returns as a handler does. */
struct weft__http_trash_visit {
	const struct weft__http_uploads *uploads;
	struct weft_http_request *request;
	struct weft_http_response *response;
	const struct weft_files_visitor *visitor;
	const char *path;
};
int weft__http_trash_take(const struct weft__http_trash_visit *visit);

#endif
