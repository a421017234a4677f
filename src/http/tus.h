/*
 * tus.h - uploads that are gone on with, by the tus protocol 1.0 (tus.io), over the engine's.
 *
 * Where files may be uploaded, POST with the field Tus-Resumable to a folder, or to /.tus/ for the
 * shared folder itself, begins one; its address is /.tus/ID from then on. No file is ever shown
 * under that name: it begins with a dot.
 */
#ifndef WEFT_SRC_HTTP_TUS_H
#define WEFT_SRC_HTTP_TUS_H

#include "http/service.h"
#include "weft/http_files.h"

/** Whether a request is one of these, by its address or, for POST, by its fields. */
bool weft__http_tus_is(const struct weft_http_request *request);

/** Whether a GET is for the asker's own that are not finished; and the answer. */
bool weft__http_tus_lists(
	const struct weft_http_files *files, const struct weft_http_request *request);
weft_http_handler_fn weft__http_tus_list;

/** What may be done with what was asked for: PATCH only with these, and DELETE as it is allowed. */
struct weft__http_methods weft__http_tus_methods(const struct weft_http_request *request,
	const struct weft_http_response *response, bool may_change);

/** Answer it, whatever its method. */
weft_http_handler_fn weft__http_tus;

/** HEAD, PATCH and OPTIONS where files may be uploaded, these or any. */
weft_http_handler_fn weft__http_tus_head, weft__http_tus_patch, weft__http_tus_options;

#endif
