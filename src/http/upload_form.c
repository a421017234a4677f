/*
 * upload_form.c - files put into a shared folder by a form, as the page of a folder has one.
 *
 * Entry point: weft__http_upload_post().
 *
 *	POST to a folder -> each part with a filename is put beside the others, without a name
 *	                 -> the whole form has come: all get their names, or none
 *	                 -> 303 back to the folder, or JSON for who would rather have that
 *
 * Never: a file of a form that did not come whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http/accept.h"
#include "http/escape.h"
#include "http/files.h"
#include "http/folder.h"
#include "http/limits.h"
#include "http/origin.h"
#include "http/page.h"
#include "http/trash.h"
#include "http/tus.h"
#include "http/upload.h"
#include "weft/http_form.h"

struct batch {
	struct weft_http_request *request;
	struct weft_http_response *response;
	struct weft__http_uploads *uploads;
	struct weft__http_upload_rule rule;
	struct weft_http_multipart *form;
	struct weft_files_visitor visitor;
	const char *folder; /* as the engine has it */
	size_t count, places;
	struct weft_files_put *puts[WEFT__HTTP_UPLOAD_FILES_MAX];
	char *names[WEFT__HTTP_UPLOAD_FILES_MAX];
	struct weft_files_result done[WEFT__HTTP_UPLOAD_FILES_MAX];
};

/* ---- Saying no ------------------------------------------------------------------------------ */

/* None of them is kept; before what is left of the body, which has no part in their places. */
static void end_puts(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		weft_files_put_abort(batch->puts[i]);
	for (; batch->places > 0; batch->places--)
		weft__http_upload_leave(batch->uploads, batch->request);
	batch->count = 0;
}

static int refuse_text(struct batch *batch, int status, const char *why)
{
	end_puts(batch);
	weft__http_upload_drain(batch->request);
	return weft_http_response_error(batch->response, status, why);
}

/* Of a file of the form; the others are not kept, either, and the answer says so. */
static int refuse_file(struct batch *batch, const char *name, int code)
{
	struct weft_str why;
	int result;

	if (code != EEXIST && code != EISDIR && code != EPERM && code != EINVAL &&
		code != ENAMETOOLONG && code != ENODEV) {
		end_puts(batch);
		return weft__http_upload_refuse(
			batch->uploads->files, batch->request, batch->response, code);
	}
	weft_str_init(&why, 4096);
	weft_str_appendf(&why,
		code == EEXIST || code == EISDIR || code == ENODEV
			? "There is already something named \"%s\" here. Nothing was uploaded."
			: "\"%s\" can not be the name of a file here. Nothing was uploaded.",
		name);
	result = refuse_text(batch,
		code == EEXIST || code == EISDIR || code == ENODEV ? 409
		: code == EPERM                                    ? 403
								   : 400,
		weft_str_text(&why));
	weft_str_fini(&why);
	return result;
}

/* The form, or the body that it is in, can't be read. */
static int refuse_form(struct batch *batch)
{
	const char *why = weft_http_multipart_error(batch->form);

	if (!why)
		return -1; /* the connection says what is wrong with the body */
	return refuse_text(batch, errno == EMSGSIZE ? 413 : 400, why);
}

/* ---- Taking -------------------------------------------------------------------------- */

/* A name that is no way to somewhere else. */
static struct weft_files_put *begin_file(struct batch *batch, const char *name)
{
	const struct weft_files_put_options options = {
		.may_replace = true, .judge = weft__http_upload_judge, .arg = &batch->rule};
	struct weft_files_put *put = NULL;
	struct weft_str path;

	if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		errno = name[0] == '.' ? EPERM : EINVAL;
		return NULL;
	}
	weft_str_init(&path, WEFT_STR_LEN_MAX);
	weft_str_appendf(&path, "%s/%s", batch->folder, name);
	if (!weft_str_error(&path))
		put = weft_files_put_begin(batch->uploads->files->engine, &batch->visitor,
			weft_str_text(&path), &options);
	weft_str_fini(&path);
	return put;
}

/* A place for it, and the put. 0 or -1. */
static int add_file(struct batch *batch, const char *name)
{
	size_t i = batch->count;

	if (weft__http_upload_enter(batch->uploads, batch->request) < 0)
		return -1;
	batch->places++;
	batch->puts[i] = begin_file(batch, name);
	if (!batch->puts[i])
		return -1;
	batch->count++;
	batch->names[i] = strdup(name);
	return batch->names[i] ? 0 : -1;
}

/* One file. Returns 0 to go on; else as a handler does, *ret_is_answered. */
static int take_file(struct batch *batch, const char *name, bool *ret_is_answered)
{
	const struct weft__http_upload_source source = {
		batch->uploads, batch->request, batch->form};
	struct weft_files_put *put;
	int result;

	*ret_is_answered = true;
	if (batch->count == WEFT__HTTP_UPLOAD_FILES_MAX)
		return refuse_text(batch, 413, "Too many files at once. Nothing was uploaded.");
	if (add_file(batch, name) < 0)
		return refuse_file(batch, name, errno);
	put = batch->puts[batch->count - 1];
	result = weft__http_upload_receive(&source, put);
	if (result == -1)
		return refuse_form(batch);
	if (result < 0 || weft_files_put_flush(put) < 0)
		return refuse_file(batch, name, errno);
	*ret_is_answered = false;
	return 0;
}

static int take_all(struct batch *batch, bool *ret_is_answered)
{
	struct weft_http_part part;
	int more;

	*ret_is_answered = false;
	while ((more = weft_http_multipart_next(batch->form, &part)) > 0) {
		char name[WEFT_HTTP_FORM_FILENAME_MAX + 1];
		int result;

		if (!part.filename || !part.filename[0])
			continue; /* a field, or a choice of no file */
		memcpy(name, part.filename, strlen(part.filename) + 1);
		result = take_file(batch, name, ret_is_answered);
		if (*ret_is_answered)
			return result;
	}
	*ret_is_answered = true;
	if (more < 0)
		return refuse_form(batch);
	if (batch->count == 0)
		return refuse_text(batch, 400, "No file was chosen.");
	*ret_is_answered = false;
	return 0;
}

/* ---- Saying that it is done ---------------------------------------------------------- */

static void append_file(struct weft_str *text, const struct batch *batch, size_t i)
{
	const struct weft_files_result *done = &batch->done[i];
	const char *name = batch->names[i];
	char etag[WEFT__HTTP_TAG_SIZE];

	weft__http_file_tag(etag, &done->stat, "");
	weft_str_append(text, "{\"name\": ");
	weft_http_escape_json(text, name, strlen(name));
	weft_str_append(text, ", \"href\": \"./");
	weft_http_escape_path(text, name, strlen(name));
	weft_str_appendf(text, "\", \"size\": %lld, \"etag\": ", (long long)done->stat.st_size);
	weft_http_escape_json(text, etag, strlen(etag));
	weft_str_appendf(text, ", \"created\": %s}", done->is_new ? "true" : "false");
}

static int send_json(struct batch *batch, size_t count)
{
	struct weft_http_content content = {.type = "application/json"};
	struct weft_str text;
	int result = 201;

	weft_str_init(&text, WEFT_STR_LEN_MAX);
	weft_str_append(&text, "{\"files\": [");
	for (size_t i = 0; i < count; i++) {
		weft_str_append(&text, i ? ",\n" : "\n");
		append_file(&text, batch, i);
	}
	weft_str_append(&text, "\n]}\n");
	/* Without memory for the list, it is done all the same. */
	if (!weft_str_error(&text) && weft__http_add_nosniff(batch->response) == 0) {
		content.data = weft_str_text(&text);
		content.len = weft_str_len(&text);
	}
	result = weft_http_response_send(batch->response, 201, &content);
	if (result < 0 && !weft_http_response_status(batch->response))
		result = weft_http_response_send(batch->response, 201, NULL);
	weft_str_fini(&text);
	return result;
}

static int send_done(struct batch *batch, size_t count)
{
	char *path = weft__http_whole_path(batch->request);
	int result = path ? weft__http_upload_location(batch->response, path, true) : -1;

	free(path);
	if (result < 0)
		return weft_http_response_send(batch->response, 201, NULL);
	if (weft__http_accept_wants_json(batch->request, "json"))
		return send_json(batch, count);
	return weft_http_response_send(batch->response, 303, NULL);
}

/* ---- POST ---------------------------------------------------------------------------- */

/* All of them get their names, or none does: they are over. */
static int commit_form(struct batch *batch)
{
	size_t count = batch->count, failed;
	int result = weft_files_put_commit_all(batch->puts, count, batch->done, &failed);
	int code = errno;

	batch->count = 0;
	end_puts(batch);
	return result == 0 ? send_done(batch, count)
			   : refuse_file(batch, batch->names[failed], code);
}

static int post_form(struct batch *batch)
{
	bool is_answered;
	int result = take_all(batch, &is_answered);

	if (!is_answered)
		result = commit_form(batch);
	end_puts(batch);
	for (size_t i = 0; i < WEFT__HTTP_UPLOAD_FILES_MAX; i++)
		free(batch->names[i]);
	return result;
}

static int post_to_folder(struct batch *batch, const char *path)
{
	struct stat stat;
	int code = 0;

	batch->folder = path;
	if (weft_files_stat(batch->uploads->files->engine, &batch->visitor, path, &stat) < 0)
		code = errno;
	else if (!S_ISDIR(stat.st_mode))
		code = ENOTDIR;
	/* Who may only put files here is told by them. */
	if (code == 0 || code == EACCES)
		return post_form(batch);
	weft__http_upload_drain(batch->request);
	if (code == ENOENT && weft__http_policy_hides(batch->uploads->policy,
				      weft_http_request_path(batch->request)))
		code = EPERM;
	if (code == ENOENT)
		return 404;
	if (code == ENOTDIR)
		return weft_http_response_error(
			batch->response, 409, "A form is for a folder; this is a file.");
	return weft__http_upload_refuse(
		batch->uploads->files, batch->request, batch->response, code);
}

static int post_batch(struct batch *batch)
{
	char *path;
	int result = weft__http_guest(batch->uploads->files, batch->request, &batch->visitor);

	if (result != 0)
		return result;
	batch->form = weft_http_multipart_new(batch->request);
	if (!batch->form && errno == EPROTOTYPE)
		return refuse_text(batch, 415, "Files are sent as a form (multipart/form-data).");
	if (!batch->form)
		return errno == EBADMSG ? 400 : 503;
	path = weft__http_upload_path(weft_http_request_path(batch->request));
	result = path ? post_to_folder(batch, path) : 503;
	free(path);
	weft_http_multipart_free(batch->form);
	return result;
}

int weft__http_upload_post(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft__http_uploads *uploads = ((const struct weft_http_files *)arg)->uploads;
	struct batch *batch;
	int result;

	if (weft__http_tus_is(request))
		return weft__http_tus(request, response, arg);
	if (weft__http_trash_is(arg, request))
		return weft__http_trash(request, response, arg);
	result = weft__http_folder_post(arg, request, response);
	if (result != WEFT__HTTP_NOT_ASKED)
		return result;
	if (weft__http_upload_is_refused(uploads, request, response, uploads->may_upload, &result))
		return result;
	if (uploads->max >= 0 && weft_http_request_body_len(request) > uploads->max)
		return weft_http_response_error(response, 413, "The files are too large.");
	weft_http_request_set_body_max(request, uploads->max);
	batch = calloc(1, sizeof(*batch));
	if (!batch)
		return 503;
	batch->request = request;
	batch->response = response;
	batch->uploads = uploads;
	batch->rule = (struct weft__http_upload_rule){
		.request = request, .may_replace = uploads->may_overwrite};
	result = post_batch(batch);
	free(batch);
	return result;
}
