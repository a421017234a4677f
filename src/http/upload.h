/*
 * upload.h - the service of static files takes files, and changes them, where it is allowed to.
 */
#ifndef WEFT_SRC_HTTP_UPLOAD_H
#define WEFT_SRC_HTTP_UPLOAD_H

#include <stdatomic.h>

#include "http/response.h"
#include "weft/files.h"

/** What is allowed of a folder. Immutable once made, but for the count. */
struct weft__http_uploads {
	const struct weft_http_files *files;    /* whose they are */
	const struct weft__http_policy *policy; /* the files' */
	bool may_upload, may_overwrite, may_change;
	_Atomic int64_t max;              /* bytes of a body; negative: no bound */
	atomic_uint under_way;            /* files that are being put, by this process */
	unsigned under_way_max;           /* each holds up to two descriptors */
	struct weft__crowd *crowd;        /* whose they are */
	int64_t hurry_ns;                 /* for a block of each, once half of them are taken */
	struct weft_http_service service; /* what is not in it is weft_http_files_service */
};

/**
 * Make the files' uploads, if their options allow any. 0 or -1: ENOMEM.
 */
int weft__http_uploads_open(struct weft_http_files *files);

/** NULL is fine. */
void weft__http_uploads_free(struct weft__http_uploads *uploads);

/** Append the form that uploads to the folder whose page this is; nothing where that is not
 * allowed. uploads may be NULL. */
void weft__http_uploads_append_form(
	struct weft_str *page, const struct weft__http_uploads *uploads);

/* ---- Between the uploads' own files --------------------------------------------------- */

/** What the engine's judge is asked for by one request. */
struct weft__http_upload_rule {
	const struct weft_http_request *request;
	bool has_conditions; /* its If-* fields are about the file */
	bool may_replace;    /* without being asked for by If-Match */
};

/** A weft_files_judge_fn of such a rule: EEXIST, ESTALE (a condition does not hold: 412). */
int weft__http_upload_judge(const struct stat *existing, void *rule);

/** The path as the engine has it: without its first '/', and those at its end. To be freed; NULL:
 * ENOMEM. */
char *weft__http_upload_path(const char *path);

/** Read what is left of the body, if it is not long, so that its sender will read the answer. */
void weft__http_upload_drain(struct weft_http_request *request);

/** Say no, in the way of what the engine said. Returns as a handler does. */
int weft__http_upload_refuse(const struct weft_http_files *files, struct weft_http_request *request,
	struct weft_http_response *response, int code);

/** Whether the peer is told that it may not: from another site's page. *ret_result is for the
 * handler to return. */
bool weft__http_upload_is_refused(const struct weft__http_uploads *uploads,
	struct weft_http_request *request, struct weft_http_response *response, bool is_allowed,
	int *ret_result);

/** Append an address of a path (with its first '/') as a field. 0 or -1. */
int weft__http_upload_location(
	struct weft_http_response *response, const char *path, bool is_folder);

/** The same of path with another name at its end; of any field. */
int weft__http_upload_add_address(
	struct weft_http_response *response, const char *field, const char *path, const char *name);

/** Whether the query has that name, "?unique". */
bool weft__http_upload_says(struct weft_http_request *request, const char *name);

/**
 * A place for a file that is being put by a request: for so many at a time that there are
 * descriptors left for who only reads, and places for other clients. 0, or -1 with EMFILE.
 */
int weft__http_upload_enter(
	struct weft__http_uploads *uploads, const struct weft_http_request *request);

/** The place is free again. Keeps errno. */
void weft__http_upload_leave(
	struct weft__http_uploads *uploads, const struct weft_http_request *request);

/** A body on its way into a put. */
struct weft__http_upload_source {
	struct weft__http_uploads *uploads;
	struct weft_http_request *request;
	struct weft_http_multipart *form; /* of whose part it is; NULL: the body itself */
};

/** Move all of it: 0; -1: the body can't be read; -2: the engine says errno. */
int weft__http_upload_receive(
	const struct weft__http_upload_source *source, struct weft_files_put *put);

/** Some of it, as weft_http_request_read() does. */
ssize_t weft__http_upload_read(
	const struct weft__http_upload_source *source, void *room, size_t size);

/** upload_form.c, upload_change.c */
weft_http_handler_fn weft__http_upload_post;
weft_http_handler_fn weft__http_upload_delete;
weft_http_handler_fn weft__http_upload_other;

#endif
