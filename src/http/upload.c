/*
 * upload.c - files put into a shared folder by PUT (RFC 9110, section 9.3.4), and what all that
 * changes something has in common.
 *
 * Entry points: weft_http_files_service_for(), weft__http_uploads_open(), and the handlers.
 *
 *	PUT -> from another site's page? 403 -> what can't be answered: 4xx
 *	    -> what is there, by If-* and the options: 409, 412
 *	    -> "100 Continue", the body, the engine's commit -> 201 or 204
 *
 * The engine (weft/files.h) makes it last, or makes it not have been; here is what that means in
 * HTTP.
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
#include "http/crowd.h"
#include "http/escape.h"
#include "http/files.h"
#include "http/limits.h"
#include "http/origin.h"
#include "http/tus.h"
#include "weft/http_form.h"
#include "weft/scope.h"

/** When who has found no place may ask again, in seconds. */
#define RETRY_AFTER "5"

/* ---- What is allowed -------------------------------------------------------------------- */

static int put(struct weft_http_request *request, struct weft_http_response *response, void *arg);

static const char *other_methods(const struct weft_http_files_options *options)
{
	if (options->allow_change)
		return options->allow_upload ? "COPY, MKCOL, MOVE" : "MOVE";
	return "COPY, MKCOL";
}

static unsigned find_under_way_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
		limit.rlim_cur / WEFT__HTTP_UPLOAD_SHARE < 2 * WEFT__HTTP_UPLOAD_FILES_MAX)
		return 2 * WEFT__HTTP_UPLOAD_FILES_MAX;
	if (limit.rlim_cur / WEFT__HTTP_UPLOAD_SHARE > UINT_MAX / 2)
		return UINT_MAX / 2;
	return (unsigned)(limit.rlim_cur / WEFT__HTTP_UPLOAD_SHARE);
}

void weft_http_files_set_upload_max(struct weft_http_files *files, int64_t upload_max)
{
	if (files->uploads)
		atomic_store(&files->uploads->max, upload_max ? upload_max : WEFT__HTTP_UPLOAD_MAX);
}

int weft__http_uploads_open(struct weft_http_files *files)
{
	const struct weft_http_files_options *options = &files->policy->options;
	struct weft__http_uploads *uploads;

	if (!options->allow_upload && !options->allow_change)
		return 0;
	uploads = calloc(1, sizeof(*uploads));
	if (!uploads)
		return -1;
	uploads->crowd = weft__crowd_new(false);
	if (!uploads->crowd) {
		free(uploads);
		return -1;
	}
	uploads->files = files;
	uploads->policy = files->policy;
	uploads->may_upload = options->allow_upload;
	uploads->may_overwrite = options->allow_overwrite;
	uploads->may_change = options->allow_change;
	atomic_init(
		&uploads->max, options->upload_max ? options->upload_max : WEFT__HTTP_UPLOAD_MAX);
	uploads->under_way_max = find_under_way_max();
	uploads->hurry_ns = WEFT__HTTP_UPLOAD_HURRY_NS;
	uploads->service = (struct weft_http_service){.on_other = weft__http_upload_other,
		.other_methods = other_methods(options),
		.parent = &weft_http_files_service,
		.parent_arg = files};
	if (options->allow_upload) {
		uploads->service.on_put = put;
		uploads->service.on_post = weft__http_upload_post;
		uploads->service.on_head = weft__http_tus_head;
		uploads->service.on_patch = weft__http_tus_patch;
		uploads->service.on_options = weft__http_tus_options;
		uploads->service.on_delete = weft__http_upload_delete;
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
	weft__crowd_free(uploads->crowd);
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

/* What comes within the scope, up to the bound. */
static void drain(struct weft_http_request *request, char *piece)
{
	int64_t len = 0;

	while (len < WEFT__HTTP_UPLOAD_DRAIN_MAX) {
		ssize_t some = weft_http_request_read(request, piece, WEFT__HTTP_BODY_BLOCK);

		if (some <= 0)
			return;
		len += some;
	}
}

void weft__http_upload_drain(struct weft_http_request *request)
{
	char *piece;

	/* Who waits for "100 Continue" has not sent it. */
	if (weft_http_request_body_len(request) > WEFT__HTTP_UPLOAD_DRAIN_MAX ||
		(request->head.expects_continue && !request->body.is_continued))
		return;
	piece = malloc(WEFT__HTTP_BODY_BLOCK);
	if (!piece)
		return;
	/* What is still to come then, the connection's linger() cuts off. */
	WEFT_WITH_TIMEOUT (request->body_timeout_ns)
		drain(request, piece);
	free(piece);
}

struct refusal {
	int code;
	const char *why;
	int status; /* 0: the errno's own */
};

/* What is said of an errno; what is not there is not, for a change is of the folder above. */
static const struct refusal *find_refusal(int code)
{
	static const char no_folder[] = "The folder that this is to be in is not there.";
	static const struct refusal refusals[] = {
		{EEXIST, "There is something of this name already.", 0},
		{EISDIR, "A folder has this name.", 0},
		{EBUSY, "Somebody else has changed it meanwhile.", 409},
		{ENOTEMPTY, "The folder is not empty.", 0},
		{ENOENT, no_folder, 409},
		{ENOTDIR, no_folder, 409},
		{ELOOP, no_folder, 409},
		{EINVAL, "This can not be the name of a file.", 0},
		{ENAMETOOLONG, "The name is too long.", 0},
		{EPERM, "This name is not for files that are shared.", 0},
		{ENODEV, "Only files and folders are shared.", 0},
		{EACCES, NULL, 0}, /* why_denied() */
		{EROFS, "The server can not write here.", 0},
		{EXDEV, "This is on another disk, or leads out of the shared folder by a link.", 0},
		{ENOSPC, "There is no space left for this.", 0},
		{EDQUOT, "That is more than you may store here.", 0},
		{E2BIG, "There is more in this folder than can be copied at once.", 413},
		{EFBIG, "The file is too large to be kept here.", 0},
		{ETIMEDOUT, NULL, 503},
		{0, NULL, 0},
	};
	const struct refusal *refusal = refusals;

	while (refusal->code && refusal->code != code)
		refusal++;
	return refusal;
}

/*
 * Whose rights it is for: the visitor's, or those of the server's own user. Of a move, where it
 * leads counts, too, so that who may all where it comes from is told of both.
 */
static const char *why_denied(
	const struct weft_http_files *files, struct weft_http_request *request)
{
	const unsigned changes = WEFT_FILES_WRITE | WEFT_FILES_REPLACE | WEFT_FILES_DELETE;
	struct weft_files_visitor visitor;

	if (!files->has_guests || weft__http_guest(files, request, &visitor) != 0)
		return "The server may not write here.";
	if ((weft_files_rights(&visitor, weft_http_request_path(request)) & changes) == changes)
		return "Either you may not do this there, or the server may not write there.";
	return visitor.name ? "You may not do this here. An administrator can allow it."
			    : "Guests may not do this here. Sign in, if you have an account.";
}

int weft__http_upload_refuse(const struct weft_http_files *files, struct weft_http_request *request,
	struct weft_http_response *response, int code)
{
	const struct refusal *refusal = find_refusal(code);
	int status = refusal->status ? refusal->status : weft_http_status_of_errno(code);

	weft__http_upload_drain(request);
	if (status == 503)
		weft_http_response_field(response, "Retry-After", RETRY_AFTER);
	return weft_http_response_error(
		response, status, code == EACCES ? why_denied(files, request) : refusal->why);
}

/* What scripts of the origin that may change things are to see of the answer. */
static int add_cors(const struct weft__http_policy *policy, struct weft_http_response *response)
{
	if (weft__http_policy_add_cors(policy, response) < 0)
		return -1;
	return weft_http_response_field(
		response, "Access-Control-Expose-Headers", "ETag, Location");
}

bool weft__http_upload_is_refused(const struct weft__http_uploads *uploads,
	struct weft_http_request *request, struct weft_http_response *response, bool is_allowed,
	int *ret_result)
{
	const struct weft_http_files_options *options = &uploads->policy->options;

	*ret_result = 403;
	if (!is_allowed)
		return true;
	if (options->cors_may_change) {
		*ret_result = 500;
		if (add_cors(uploads->policy, response) < 0)
			return true;
		if (weft__http_is_from(request, options->cors_origin))
			return false;
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

int weft__http_upload_add_address(
	struct weft_http_response *response, const char *field, const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	struct weft_str address;
	int result = -1;

	weft_str_init(&address, WEFT_STR_LEN_MAX);
	weft_http_escape_path(&address, path, slash ? (size_t)(slash - path) + 1 : 0);
	weft_http_escape_path(&address, name, strlen(name));
	if (!weft_str_error(&address))
		result = weft_http_response_field(response, field, weft_str_text(&address));
	weft_str_fini(&address);
	return result;
}

bool weft__http_upload_says(struct weft_http_request *request, const char *name)
{
	const struct weft_http_params *params =
		request->head.query.at ? weft_http_request_params(request) : NULL;

	return params && weft_http_params_get(params, name, 0);
}

/* ---- Places ------------------------------------------------------------------------------ */

/* Whether those who come need what others have. */
static bool are_scarce(const struct weft__http_uploads *uploads)
{
	return atomic_load(&uploads->under_way) > uploads->under_way_max / 2;
}

int weft__http_upload_enter(
	struct weft__http_uploads *uploads, const struct weft_http_request *request)
{
	const void *client;
	size_t len = weft__http_client_of(request, &client);
	bool is_free = atomic_fetch_add(&uploads->under_way, 1) < uploads->under_way_max;
	unsigned max = are_scarce(uploads) ? uploads->under_way_max / WEFT__HTTP_UPLOAD_CLIENT_SHARE
					   : UINT_MAX;

	if (is_free && (len == 0 || weft__crowd_enter(uploads->crowd, client, len, max)))
		return 0;
	atomic_fetch_sub(&uploads->under_way, 1);
	errno = EMFILE;
	return -1;
}

void weft__http_upload_leave(
	struct weft__http_uploads *uploads, const struct weft_http_request *request)
{
	const void *client;
	size_t len = weft__http_client_of(request, &client);
	int saved = errno;

	if (len > 0)
		weft__crowd_leave(uploads->crowd, client, len);
	atomic_fetch_sub(&uploads->under_way, 1);
	errno = saved;
}

ssize_t weft__http_upload_read(
	const struct weft__http_upload_source *source, void *room, size_t size)
{
	weft__http_body_hurry(
		source->request, are_scarce(source->uploads) ? source->uploads->hurry_ns : 0);
	return source->form ? weft_http_multipart_read(source->form, room, size)
			    : weft_http_request_read(source->request, room, size);
}

int weft__http_upload_receive(
	const struct weft__http_upload_source *source, struct weft_files_put *put)
{
	for (;;) {
		size_t size;
		char *room = weft_files_put_room(put, &size);
		ssize_t len = room ? weft__http_upload_read(source, room, size) : 0;

		if (!room)
			return -2;
		if (len <= 0)
			return (int)len;
		if (weft_files_put_took(put, (size_t)len) < 0)
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
	if (weft__http_upload_is_refused(uploads, request, response, uploads->may_upload, &result))
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
	const struct weft_files_result *done)
{
	char etag[WEFT__HTTP_TAG_SIZE];
	char *path = NULL;
	int result = 0;

	weft__http_file_tag(etag, &done->stat, "");
	if (done->is_new) {
		path = weft__http_whole_path(request);
		result =
			path ? weft__http_upload_add_address(response, "Location", path, done->name)
			     : -1;
	}
	free(path);
	/* Without memory for the fields, it is done all the same. */
	if (result < 0 || weft_http_response_field(response, "ETag", etag) < 0)
		errno = 0;
	return weft_http_response_send(response, done->is_new ? 201 : 204, NULL);
}

/* Put the body: 0; -1: it can't be read; -2: the engine says errno. */
static int put_body(struct weft__http_uploads *uploads, struct weft_http_request *request,
	const char *path, const struct weft_files_visitor *visitor,
	struct weft_files_result *ret_result)
{
	struct weft__http_upload_rule rule = {
		.request = request, .has_conditions = true, .may_replace = uploads->may_overwrite};
	int64_t len = weft_http_request_body_len(request);
	const struct weft_files_put_options options = {.len = len < 0 ? 0 : len,
		.is_exact = len >= 0,
		.may_replace = true,
		.is_unique = weft__http_upload_says(request, "unique"),
		.judge = weft__http_upload_judge,
		.arg = &rule};
	const struct weft__http_upload_source source = {uploads, request, NULL};
	struct weft_files_put *put =
		weft_files_put_begin(uploads->files->engine, visitor, path, &options);
	int received = put ? weft__http_upload_receive(&source, put) : -2;

	if (received == 0)
		return weft_files_put_commit(put, ret_result) < 0 ? -2 : 0;
	weft_files_put_abort(put);
	return received;
}

static int put_at(struct weft__http_uploads *uploads, struct weft_http_request *request,
	struct weft_http_response *response, const char *path)
{
	struct weft_files_visitor visitor;
	struct weft_files_result done = {.is_new = false};
	int result = weft__http_guest(uploads->files, request, &visitor);

	if (result != 0)
		return result;
	weft_http_request_set_body_max(request, uploads->max);
	result = -2;
	if (weft__http_upload_enter(uploads, request) == 0) {
		result = put_body(uploads, request, path, &visitor, &done);
		/* Before what is left of the body: it has no part in the place, or the disk. */
		weft__http_upload_leave(uploads, request);
	}
	if (result == -1)
		return -1; /* the connection says what is wrong with the body */
	return result < 0 ? weft__http_upload_refuse(uploads->files, request, response, errno)
			  : send_done(request, response, &done);
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
