/*
 * upload_change.c - what is in a shared folder is removed (RFC 9110, section 9.3.5), moved, copied
 * and joined by folders (RFC 4918, sections 9.9, 9.8 and 9.3).
 *
 * Entry points: weft__http_upload_delete(), weft__http_upload_other().
 *
 * Two things are done with more care than WebDAV asks for: a folder is removed only when it is
 * empty, unless the query says that all of it is meant ("?all", "?trash"), and never replaced by
 * one that is moved when it is not. The rest of WebDAV (PROPFIND, LOCK) is not here.
 *
 * Never: a part of what is asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/files.h"
#include "http/origin.h"
#include "http/service.h"
#include "http/trash.h"
#include "http/tus.h"
#include "http/upload.h"

/* ---- DELETE ------------------------------------------------------------------------------- */

static int delete_at(const struct weft__http_uploads *uploads, struct weft_http_request *request,
	struct weft_http_response *response, const char *path)
{
	struct weft__http_upload_rule rule = {
		.request = request, .has_conditions = true, .may_replace = true};
	const struct weft_files_remove_options options = {
		.judge = weft__http_upload_judge, .arg = &rule};
	struct weft_files_visitor visitor;
	struct weft_files *engine = uploads->files->engine;
	int result = weft__http_guest(uploads->files, request, &visitor);

	if (result != 0)
		return result;
	if (!path[0])
		return weft_http_response_error(
			response, 403, "The shared folder itself stays where it is.");
	if (weft__http_upload_says(request, "trash"))
		return weft__http_trash_take(&(struct weft__http_trash_visit){
			uploads, request, response, &visitor, path});
	if ((weft__http_upload_says(request, "all") ? weft_files_remove_all : weft_files_remove)(
		    engine, &visitor, path, &options) == 0)
		return weft_http_response_send(response, 204, NULL);
	if (errno == ENOENT || errno == ENOTDIR)
		return 404;
	if (errno == EXDEV && weft__http_upload_says(request, "all"))
		return weft_http_response_error(response, 409,
			"This, or a part of it, is on another disk than the shared folder.");
	return weft__http_upload_refuse(uploads->files, request, response, errno);
}

int weft__http_upload_delete(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const struct weft__http_uploads *uploads = ((const struct weft_http_files *)arg)->uploads;
	char *path;
	int result;

	if (uploads->may_upload && weft__http_tus_is(request))
		return weft__http_tus(request, response, arg);
	if (weft__http_trash_is(arg, request))
		return weft__http_trash(request, response, arg);
	if (!uploads->may_change)
		return weft__http_refuse_method(
			request, response, weft__http_tus_methods(request, response, false));
	if (weft__http_upload_is_refused(uploads, request, response, uploads->may_change, &result))
		return result;
	path = weft__http_upload_path(weft_http_request_path(request));
	if (!path)
		return 503;
	result = delete_at(uploads, request, response, path);
	free(path);
	return result;
}

/* ---- MKCOL --------------------------------------------------------------------------------- */

/* It is done: with the address of what is new. */
static int send_made(struct weft_http_response *response, const char *path, bool is_folder)
{
	/* Without memory for the address, it is done all the same. */
	if (!path || weft__http_upload_location(response, path, is_folder) < 0)
		errno = 0;
	return weft_http_response_send(response, 201, NULL);
}

static int mkcol(const struct weft__http_uploads *uploads, struct weft_http_request *request,
	struct weft_http_response *response)
{
	int64_t body_len = weft_http_request_body_len(request);
	struct weft_files_visitor visitor;
	char *path;
	int result = weft__http_guest(uploads->files, request, &visitor), code;

	if (result != 0)
		return result;

	if (body_len != 0)
		return weft_http_response_error(
			response, 415, "A folder is made without a body in the request.");
	path = weft__http_upload_path(weft_http_request_path(request));
	if (!path)
		return 503;
	result = weft_files_mkdir(uploads->files->engine, &visitor, path);
	code = errno;
	free(path);
	if (result == 0) {
		path = weft__http_whole_path(request);
		result = send_made(response, path, true);
		free(path);
		return result;
	}
	if (code != EEXIST)
		return weft__http_upload_refuse(uploads->files, request, response, code);
	/* RFC 4918, section 9.3.1; RFC 9110, section 15.5.6: what could be done instead. */
	weft_http_response_field(response, "Allow",
		uploads->may_change ? "GET, HEAD, DELETE, OPTIONS, MOVE" : "GET, HEAD, OPTIONS");
	return weft_http_response_error(response, 405, "There is something of this name already.");
}

/* ---- MOVE and COPY --------------------------------------------------------------------------- */

/* The Overwrite field, "T" without one (RFC 4918, section 10.6). 1, 0; -1: it can't be read. */
static int wants_overwrite(const struct weft_http_request *request)
{
	struct weft_http_text field = {NULL, 0};
	unsigned count = weft__http_request_find(request, "overwrite", &field);

	if (count == 0)
		return 1;
	if (count > 1 || field.len != 1 || (field.data[0] != 'T' && field.data[0] != 'F'))
		return -1;
	return field.data[0] == 'T';
}

/* The Depth field of a COPY, "infinity" without one (RFC 4918, section 9.8.3). 0; -1. */
static int read_depth(const struct weft_http_request *request, bool *ret_is_bare)
{
	struct weft_http_text field = {NULL, 0};
	unsigned count = weft__http_request_find(request, "depth", &field);

	*ret_is_bare = count == 1 && field.len == 1 && field.data[0] == '0';
	if (count == 0 || *ret_is_bare)
		return 0;
	return count == 1 && weft__http_equal_nocase(field.data, field.len, "infinity") ? 0 : -1;
}

/* One MOVE or COPY, on its way. */
struct moving {
	const struct weft__http_uploads *uploads;
	struct weft_http_request *request;
	struct weft_http_response *response;
	struct weft__http_destination destination;
	struct weft_files_visitor visitor;
	char *from, *to; /* as the engine has them */
	bool copies;     /* else it moves */
	bool is_unique;  /* the query asks for another name, where that one is taken */
	bool is_bare;    /* Depth: 0: of a folder without what is in it */
};

static int refuse_move(struct moving *moving, int code)
{
	switch (code) {
	case EEXIST:
		if (wants_overwrite(moving->request) && !moving->uploads->may_overwrite)
			return weft_http_response_error(
				moving->response, 403, "What is there may not be replaced.");
		return weft_http_response_error(
			moving->response, 412, "There is something of this name already.");
	case EINVAL:
		return weft_http_response_error(
			moving->response, 409, "It can not be put into itself, or have this name.");
	case EXDEV:
		if (!moving->copies)
			break;
		return weft_http_response_error(
			moving->response, 409, "A folder can not be copied to another disk.");
	default:
		break;
	}
	return weft__http_upload_refuse(
		moving->uploads->files, moving->request, moving->response, code);
}

/* Where it is now: its name may be another than that of the Destination. */
static int send_moved(struct moving *moving, const struct weft_files_moved *moved)
{
	const char *whole = moving->destination.whole;
	size_t len = strlen(whole);
	char *path = NULL;
	int result;

	if (!moved->is_new)
		return weft_http_response_send(moving->response, 204, NULL);
	while (len > 0 && whole[len - 1] == '/')
		len--;
	while (len > 0 && whole[len - 1] != '/')
		len--;
	if (asprintf(&path, "%.*s%s", (int)len, whole, moved->name) < 0)
		path = NULL;
	result = send_made(moving->response, path, moved->is_folder);
	free(path);
	return result;
}

/* A folder alone: 0, or -1. */
static int copy_bare(struct weft_files *engine, const struct weft_files_visitor *visitor,
	const struct weft_files_move *move, struct weft_files_moved *moved)
{
	struct stat stat;
	const char *slash = strrchr(move->to, '/');

	moved->has_source = false;
	if (weft_files_stat(engine, visitor, move->from, &stat) < 0)
		return -1;
	if (!S_ISDIR(stat.st_mode))
		return weft_files_copy(engine, visitor, move, moved);
	*moved = (struct weft_files_moved){.has_source = true, .is_new = true, .is_folder = true};
	strncpy(moved->name, slash ? slash + 1 : move->to, sizeof(moved->name) - 1);
	return weft_files_mkdir(engine, visitor, move->to);
}

static int move_it(struct moving *moving)
{
	struct weft__http_upload_rule rule = {
		.request = moving->request, .has_conditions = true, .may_replace = true};
	const struct weft_files_move move = {.from = moving->from,
		.to = moving->to,
		.judge = weft__http_upload_judge,
		.arg = &rule,
		.may_replace =
			moving->uploads->may_overwrite && wants_overwrite(moving->request) > 0,
		.is_unique = moving->is_unique};
	struct weft_files_moved moved = {.has_source = true};
	bool is_same = strcmp(move.from, move.to) == 0;

	if (!move.from[0] || !move.to[0] || (is_same && !(moving->copies && moving->is_unique)))
		return weft_http_response_error(moving->response, 403,
			"It can not be put to where it is; and the shared folder stays.");
	if ((!moving->copies          ? weft_files_move
		    : moving->is_bare ? copy_bare
				      : weft_files_copy_all)(
		    moving->uploads->files->engine, &moving->visitor, &move, &moved) == 0)
		return send_moved(moving, &moved);
	if (!moved.has_source && (errno == ENOENT || errno == ENOTDIR))
		return 404;
	return refuse_move(moving, errno);
}

static int move_to(struct moving *moving)
{
	int result = 503;

	moving->from = weft__http_upload_path(weft_http_request_path(moving->request));
	moving->to = weft__http_upload_path(moving->destination.own);
	if (moving->from && moving->to)
		result = move_it(moving);
	free(moving->from);
	free(moving->to);
	return result;
}

static int move(const struct weft__http_uploads *uploads, struct weft_http_request *request,
	struct weft_http_response *response, bool copies)
{
	struct moving moving = {.uploads = uploads,
		.request = request,
		.response = response,
		.copies = copies,
		.is_unique = weft__http_upload_says(request, "unique")};
	int result = weft__http_guest(uploads->files, request, &moving.visitor);

	if (result != 0)
		return result;
	if (copies && read_depth(request, &moving.is_bare) < 0)
		return weft_http_response_error(response, 400, "Depth is 0 or infinity.");
	if (wants_overwrite(request) < 0)
		return weft_http_response_error(response, 400, "Overwrite is T or F.");
	if (weft__http_find_destination(request, &moving.destination) < 0)
		switch (errno) {
		case EBADMSG:
			return weft_http_response_error(response, 400,
				"The request does not say well where it is to be put.");
		case EXDEV:
			return weft_http_response_error(
				response, 502, "It can be put within this folder only.");
		default:
			return 503;
		}
	result = move_to(&moving);
	free(moving.destination.whole);
	return result;
}

/* ---- Methods that weft has no name for ----------------------------------------------- */

int weft__http_upload_other(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const struct weft__http_uploads *uploads = ((const struct weft_http_files *)arg)->uploads;
	struct weft_http_text name =
		weft__http_place_text(request->data, request->head.method_name);
	bool is_mkcol = name.len == 5 && memcmp(name.data, "MKCOL", 5) == 0;
	bool is_move = name.len == 4 && memcmp(name.data, "MOVE", 4) == 0;
	bool is_copy = name.len == 4 && memcmp(name.data, "COPY", 4) == 0;
	int result;

	if (((!is_mkcol && !is_copy) || !uploads->may_upload) && (!is_move || !uploads->may_change))
		return 501;
	if (weft__http_upload_is_refused(uploads, request, response, true, &result))
		return result;
	return is_mkcol ? mkcol(uploads, request, response)
			: move(uploads, request, response, is_copy);
}
