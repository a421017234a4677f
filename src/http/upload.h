/*
 * upload.h - the service of static files takes files, and changes them, where it is allowed to.
 */
#ifndef WEFT_SRC_HTTP_UPLOAD_H
#define WEFT_SRC_HTTP_UPLOAD_H

#include <stdatomic.h>

#include "http/response.h"
#include "http/store.h"

/** What is allowed of a folder. Immutable once made, but for the count. */
struct weft__http_uploads {
	struct weft__http_root root; /* the files'; no link leads out of it, whatever GET follows */
	bool may_upload, may_overwrite, may_change;
	int64_t max;                      /* bytes of a body; negative: no bound */
	atomic_uint under_way;            /* files that are being put, by this process */
	unsigned under_way_max;           /* each holds up to two descriptors */
	struct weft_http_service service; /* what is not in it is weft_http_files_service */
};

/**
 * Make the files' uploads, if their options allow any; what killed servers have left is removed. 0
 * or -1: ENOMEM, those of the store's sweep.
 */
int weft__http_uploads_open(struct weft_http_files *files);

/** NULL is fine. */
void weft__http_uploads_free(struct weft__http_uploads *uploads);

/** Append the form that uploads to the folder whose page this is; nothing where that is not
 * allowed. uploads may be NULL. */
void weft__http_uploads_append_form(
	struct weft_str *page, const struct weft__http_uploads *uploads);

/* ---- Between the uploads' own files --------------------------------------------------- */

/** What the store's judge is asked for by one request. */
struct weft__http_upload_rule {
	const struct weft_http_request *request;
	bool has_conditions; /* its If-* fields are about the file */
	bool may_replace;    /* without being asked for by If-Match */
};

/** A weft__store_judge_fn of such a rule: EEXIST, ESTALE (a condition does not hold: 412). */
int weft__http_upload_judge(const struct stat *existing, void *rule);

/** The path in the root: without its first '/', and those at its end. To be freed; NULL: ENOMEM. */
char *weft__http_upload_path(const char *path);

/** Read what is left of the body, if it is not long, so that its sender will read the answer. */
void weft__http_upload_drain(struct weft_http_request *request);

/** Say no, in the way of what the store said. Returns as a handler does. */
int weft__http_upload_refuse(
	struct weft_http_request *request, struct weft_http_response *response, int code);

/** Whether the peer is told that it may not: from another site's page. *ret_result is for the
 * handler to return. */
bool weft__http_upload_is_refused(struct weft_http_request *request,
	struct weft_http_response *response, bool is_allowed, int *ret_result);

/** Append an address of a path (with its first '/') as a field. 0 or -1. */
int weft__http_upload_location(
	struct weft_http_response *response, const char *path, bool is_folder);

/**
 * weft__put_begin() and weft__put_end(), for so many at a time that there are descriptors left for
 * who only reads. NULL also with EMFILE.
 */
struct weft__put *weft__http_upload_begin(
	struct weft__http_uploads *uploads, const struct weft__put_options *options);
void weft__http_upload_end(struct weft__http_uploads *uploads, struct weft__put *put);

/** Move all of a body to a put: 0; -1: the body can't be read; -2: the store says errno. */
typedef ssize_t weft__http_upload_read_fn(void *from, void *buffer, size_t size_bytes);
int weft__http_upload_receive(struct weft__put *put, weft__http_upload_read_fn *read, void *from);

/** upload_form.c, upload_change.c */
weft_http_handler_fn weft__http_upload_post;
weft_http_handler_fn weft__http_upload_delete;
weft_http_handler_fn weft__http_upload_other;

#endif
