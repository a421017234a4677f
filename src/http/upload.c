/*
 * upload.c - files put into a shared folder by PUT (RFC 9110, section 9.3.4), and what all that
 * changes something has in common.
 *
 * Entry points: weft_http_files_service_for(), weft__http_uploads_open(), and the handlers.
 *
 *	PUT -> from another site's page? 403 -> what can't be answered: 4xx
 *	    -> what is there, by If-* and the options: 409, 412
 *	    -> "100 Continue", the body, the store's commit -> 201 or 204
 *
 * The store (store.h) makes it last, or makes it not have been; here is what that means in HTTP.
 *
 * Never: an answer that says it is done, before it is on the disk.
 */
#include "http/upload.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "http/condition.h"
#include "http/escape.h"
#include "http/files.h"
#include "http/limits.h"
#include "http/origin.h"

/* ---- What is allowed -------------------------------------------------------------------- */

static int put(struct weft_http_request *request, struct weft_http_response *response, void *arg);

static const char *other_methods(const struct weft_http_files_options *options)
{
	if (options->allow_change)
		return options->allow_upload ? "MKCOL, MOVE" : "MOVE";
	return "MKCOL";
}

static unsigned find_under_way_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
		limit.rlim_cur / WEFT__HTTP_UPLOAD_SHARE < WEFT__HTTP_UPLOAD_FILES_MAX)
		return WEFT__HTTP_UPLOAD_FILES_MAX;
	if (limit.rlim_cur / WEFT__HTTP_UPLOAD_SHARE > UINT_MAX / 2)
		return UINT_MAX / 2;
	return (unsigned)(limit.rlim_cur / WEFT__HTTP_UPLOAD_SHARE);
}

int weft__http_uploads_open(struct weft_http_files *files)
{
	const struct weft_http_files_options *options = &files->policy->options;
	struct weft__http_uploads *uploads;

	if (!options->allow_upload && !options->allow_change)
		return 0;
	if (weft__store_sweep(&files->root) < 0 && errno != EACCES && errno != EROFS)
		return -1;
	uploads = calloc(1, sizeof(*uploads));
	if (!uploads)
		return -1;
	uploads->root = files->root;
	if (uploads->root.links == WEFT_HTTP_LINKS_ALL)
		uploads->root.links = WEFT_HTTP_LINKS_INSIDE;
	uploads->may_upload = options->allow_upload;
	uploads->may_overwrite = options->allow_overwrite;
	uploads->may_change = options->allow_change;
	uploads->max = options->upload_max ? options->upload_max : WEFT__HTTP_UPLOAD_MAX;
	uploads->under_way_max = find_under_way_max();
	uploads->service = (struct weft_http_service){.on_other = weft__http_upload_other,
		.other_methods = other_methods(options),
		.parent = &weft_http_files_service,
		.parent_arg = files};
	if (options->allow_upload) {
		uploads->service.on_put = put;
		uploads->service.on_post = weft__http_upload_post;
	}
	if (options->allow_change)
		uploads->service.on_delete = weft__http_upload_delete;
	files->uploads = uploads;
	return 0;
}

const struct weft_http_service *weft_http_files_service_for(const struct weft_http_files *files)
{
	return files->uploads ? &files->uploads->service : &weft_http_files_service;
}

void weft__http_uploads_free(struct weft__http_uploads *uploads)
{
	if (!uploads)
		return;
	weft__store_sweep(&uploads->root);
	free(uploads);
}

void weft__http_uploads_append_form(struct weft_str *page, const struct weft__http_uploads *uploads)
{
	if (!uploads || !uploads->may_upload)
		return;
	weft_str_append(page,
		"<style>.up{display:flex;flex-wrap:wrap;gap:.75rem;align-items:center;"
		"margin-top:1.5rem;padding:1rem;border:1px dashed var(--line);border-radius:.5rem}"
		".up label{flex:1 1 14rem;min-width:0;color:var(--soft)}"
		".up input{display:block;max-width:100%;margin-top:.35rem;font:inherit}"
		".up button{font:inherit;padding:.5rem 1rem;min-height:2.75rem;cursor:pointer;"
		"color:var(--link);background:none;border:1px solid;border-radius:.35rem}</style>\n"
		"<form class=\"up\" method=\"post\" enctype=\"multipart/form-data\">\n"
		"<label>Add files <input type=\"file\" name=\"file\" multiple required></label>\n"
		"<button>Upload</button>\n</form>\n");
}

/* ---- What all handlers share ------------------------------------------------------------- */

int weft__http_upload_judge(const struct stat *existing, void *arg)
{
	const struct weft__http_upload_rule *rule = arg;
	const struct weft__http_head *head = &rule->request->head;
	struct weft__http_validators validators;
	char etag[WEFT__HTTP_TAG_SIZE];

	if (existing) {
		/* Strong, however young: who has seen it while it was has got a weak tag. */
		weft__http_file_tag(etag, existing, "");
		validators = (struct weft__http_validators){
			.etag = etag, .modified_s = existing->st_mtim.tv_sec};
	}
	if (rule->has_conditions && weft__http_condition_change(head, rule->request->data,
					    existing ? &validators : NULL) != 0)
		return ESTALE;
	if (!existing || rule->may_replace)
		return 0;
	return rule->has_conditions && head->known[WEFT__HTTP_IF_MATCH] ? 0 : EEXIST;
}

char *weft__http_upload_path(const char *path)
{
	char *relative = strdup(path + 1);
	size_t len = relative ? strlen(relative) : 0;

	while (len > 0 && relative[len - 1] == '/')
		relative[--len] = '\0';
	return relative;
}

void weft__http_upload_drain(struct weft_http_request *request)
{
	int64_t len = weft_http_request_body_len(request);
	char *piece;

	/* Who waits for "100 Continue" has not sent it. */
	if (len > WEFT__HTTP_UPLOAD_DRAIN_MAX ||
		(request->head.expects_continue && !request->body.is_continued))
		return;
	piece = malloc(WEFT__HTTP_BODY_BLOCK);
	for (len = 0; piece && len < WEFT__HTTP_UPLOAD_DRAIN_MAX;) {
		ssize_t some = weft_http_request_read(request, piece, WEFT__HTTP_BODY_BLOCK);

		if (some <= 0)
			break;
		len += some;
	}
	free(piece);
}

struct refusal {
	int code, status;
	const char *why;
};

static const struct refusal *find_refusal(int code)
{
	static const struct refusal refusals[] = {
		{EEXIST, 409, "There is something of this name already."},
		{ESTALE, 412, NULL},
		{EISDIR, 409, "A folder has this name."},
		{ENOTEMPTY, 409, "The folder is not empty."},
		{ENOENT, 409, "The folder that this is to be in is not there."},
		{ENOTDIR, 409, "The folder that this is to be in is not there."},
		{ELOOP, 409, "The folder that this is to be in is not there."},
		{EINVAL, 400, "This can not be the name of a file."},
		{ENAMETOOLONG, 414, "The name is too long."},
		{EPERM, 403, "This name is not for files that are shared."},
		{ENODEV, 403, "Only files and folders are shared."},
		{EACCES, 403, "The server may not write here."},
		{EROFS, 403, "The server can not write here."},
		{EXDEV, 403, "This link leads out of the shared folder."},
		{ENOSPC, 507, "There is no space left for this."},
		{EDQUOT, 507, "There is no space left for this."},
		{EFBIG, 413, "The file is too large to be kept here."},
		{EMFILE, 503, NULL},
		{ENFILE, 503, NULL},
		{ENOMEM, 503, NULL},
		{EAGAIN, 503, NULL},
		{EBUSY, 503, NULL},
		{ECANCELED, 503, NULL},
		{ETIMEDOUT, 503, NULL},
		{0, 500, NULL},
	};
	const struct refusal *refusal = refusals;

	while (refusal->code && refusal->code != code)
		refusal++;
	return refusal;
}

int weft__http_upload_refuse(
	struct weft_http_request *request, struct weft_http_response *response, int code)
{
	const struct refusal *refusal = find_refusal(code);

	weft__http_upload_drain(request);
	return weft_http_response_error(response, refusal->status, refusal->why);
}

bool weft__http_upload_is_refused(struct weft_http_request *request,
	struct weft_http_response *response, bool is_allowed, int *ret_result)
{
	if (!is_allowed) {
		*ret_result = 403;
		return true;
	}
	if (!weft__http_is_foreign(request))
		return false;
	*ret_result = weft_http_response_error(
		response, 403, "A page of another site may not change anything here.");
	return true;
}

int weft__http_upload_location(
	struct weft_http_response *response, const char *path, bool is_folder)
{
	struct weft_str address;
	size_t len = strlen(path);
	int result = -1;

	weft_str_init(&address, WEFT_STR_LEN_MAX);
	weft_http_escape_path(&address, path, len);
	if (is_folder && path[len - 1] != '/')
		weft_str_append_char(&address, '/');
	if (!weft_str_error(&address))
		result = weft_http_response_field(response, "Location", weft_str_text(&address));
	weft_str_fini(&address);
	return result;
}

int weft__http_upload_receive(struct weft__put *put, weft__http_upload_read_fn *read, void *from)
{
	for (;;) {
		size_t size;
		char *room = weft__put_room(put, &size);
		ssize_t len = room ? read(from, room, size) : 0;

		if (!room)
			return -2;
		if (len <= 0)
			return (int)len;
		if (weft__put_took(put, (size_t)len) < 0)
			return -2;
	}
}

/* ---- PUT ------------------------------------------------------------------------------------ */

/* What a PUT may not be. Returns 0, or as a handler does, *ret_is_answered. */
static int judge_put(const struct weft__http_uploads *uploads, struct weft_http_request *request,
	struct weft_http_response *response, bool *ret_is_answered)
{
	const char *path = weft_http_request_path(request);
	struct weft_http_text coding = weft_http_request_field(request, "Content-Encoding");
	int result;

	*ret_is_answered = true;
	if (weft__http_upload_is_refused(request, response, uploads->may_upload, &result))
		return result;
	/* RFC 9110, section 14.4: a part would be taken for the whole. */
	if (weft_http_request_field(request, "Content-Range").data)
		return weft_http_response_error(response, 400, "A part of a file can not be put.");
	if (coding.data && !weft__http_equal_nocase(coding.data, coding.len, "identity"))
		return weft_http_response_error(
			response, 415, "Files are kept as they are sent; this one is encoded.");
	if (path[strlen(path) - 1] == '/')
		return weft_http_response_error(response, 409, "This is the address of a folder.");
	if (uploads->max >= 0 && weft_http_request_body_len(request) > uploads->max)
		return weft_http_response_error(response, 413, "The file is too large.");
	*ret_is_answered = false;
	return 0;
}

static int send_done(struct weft_http_request *request, struct weft_http_response *response,
	struct weft__put *put)
{
	char etag[WEFT__HTTP_TAG_SIZE];
	char *path = NULL;
	int result = 0;

	weft__http_file_tag(etag, weft__put_stat(put), "");
	if (weft__put_is_new(put)) {
		path = weft__http_whole_path(request);
		result = path ? weft__http_upload_location(response, path, false) : -1;
	}
	free(path);
	/* Without memory for the fields, it is done all the same. */
	if (result < 0 || weft_http_response_field(response, "ETag", etag) < 0)
		errno = 0;
	return weft_http_response_send(response, weft__put_is_new(put) ? 201 : 204, NULL);
}

static ssize_t read_body(void *from, void *buffer, size_t size_bytes)
{
	return weft_http_request_read(from, buffer, size_bytes);
}

/* Receive the body. Returns as a handler does. */
static int put_body(struct weft_http_request *request, struct weft_http_response *response,
	struct weft__put *put)
{
	int result = weft__http_upload_receive(put, read_body, request);
	size_t failed;

	if (result == -1)
		return -1; /* the connection says what is wrong with the body */
	if (result < 0 || weft__put_commit(&put, 1, &failed) < 0)
		return weft__http_upload_refuse(request, response, errno);
	return send_done(request, response, put);
}

struct weft__put *weft__http_upload_begin(
	struct weft__http_uploads *uploads, const struct weft__put_options *options)
{
	struct weft__put *put = NULL;

	errno = EMFILE;
	if (atomic_fetch_add(&uploads->under_way, 1) < uploads->under_way_max)
		put = weft__put_begin(options);
	if (!put)
		atomic_fetch_sub(&uploads->under_way, 1);
	return put;
}

void weft__http_upload_end(struct weft__http_uploads *uploads, struct weft__put *put)
{
	weft__put_end(put);
	atomic_fetch_sub(&uploads->under_way, 1);
}

static int put_at(struct weft__http_uploads *uploads, struct weft_http_request *request,
	struct weft_http_response *response, const char *path)
{
	struct weft__http_upload_rule rule = {
		.request = request, .has_conditions = true, .may_replace = uploads->may_overwrite};
	const struct weft__put_options options = {.root = &uploads->root,
		.folder_fd = -1,
		.path = path,
		.len = weft_http_request_body_len(request),
		.judge = {weft__http_upload_judge, &rule}};
	struct weft__put *put;
	int result;

	weft_http_request_set_body_max(request, uploads->max);
	put = weft__http_upload_begin(uploads, &options);
	if (!put)
		return weft__http_upload_refuse(request, response, errno);
	result = put_body(request, response, put);
	weft__http_upload_end(uploads, put);
	return result;
}

static int put(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft__http_uploads *uploads = ((const struct weft_http_files *)arg)->uploads;
	bool is_answered;
	int result = judge_put(uploads, request, response, &is_answered);
	char *path;

	if (is_answered)
		return result;
	path = weft__http_upload_path(weft_http_request_path(request));
	if (!path)
		return 503;
	result = put_at(uploads, request, response, path);
	free(path);
	return result;
}
