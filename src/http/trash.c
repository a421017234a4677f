/*
 * trash.c - see trash.h. The engine (weft/files.h) keeps it; here is what that means in HTTP.
 *
 * Entry points: weft__http_trash(), weft__http_trash_take().
 *
 * Never: something told of to who has not removed it, and may not manage its place.
 */
#include "http/trash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/files.h"
#include "http/page.h"
#include "http/service.h"
#include "weft/files_trash.h"
#include "weft/http_escape.h"

#define PLACE     "/.trash"
#define PLACE_LEN (sizeof(PLACE) - 1)

bool weft__http_trash_is(
	const struct weft_http_files *files, const struct weft_http_request *request)
{
	const char *path = weft_http_request_path(request);

	return path[1] == '.' && strncmp(path, PLACE, PLACE_LEN) == 0 &&
	       (!path[PLACE_LEN] || path[PLACE_LEN] == '/') && weft__http_has_trash(files);
}

struct visit {
	struct weft_http_files *files;
	struct weft_http_request *request;
	struct weft_http_response *response;
	struct weft_files_visitor visitor;
	const char *id; /* "": none is said */
};

static int refuse(const struct visit *visit, int code)
{
	const char *why = NULL;

	switch (code) {
	case ENOENT:
		return weft_http_response_error(
			visit->response, 404, "There is nothing of yours like that in the trash.");
	case EBUSY:
		why = "Somebody else is at it at this moment.";
		break;
	case EXDEV:
		why = "It can not be put onto another disk from the trash.";
		break;
	case ENOTDIR:
		why = "There is a file where its folder was.";
		break;
	default:
		return weft__http_upload_refuse(
			visit->files, visit->request, visit->response, code);
	}
	return weft_http_response_error(visit->response, 409, why);
}

static int send_text(const struct visit *visit, const struct weft_str *text)
{
	const struct weft_http_content content = {
		.type = "application/json", .data = weft_str_text(text), .len = weft_str_len(text)};

	if (weft_str_error(text) ||
		weft_http_response_field(visit->response, "Cache-Control", "no-store") < 0 ||
		weft__http_add_nosniff(visit->response) < 0)
		return -1;
	return weft_http_response_send(visit->response, 200, &content);
}

/* An answer of one object. Without memory for it, what was done is done all the same. */
static int send_json(const struct visit *visit, struct weft_str *text, bool is_done)
{
	int result = send_text(visit, text);

	weft_str_fini(text);
	if (result == 0 || weft_http_response_status(visit->response))
		return result;
	return is_done ? weft_http_response_send(visit->response, 204, NULL) : 503;
}

/* ---- GET --------------------------------------------------------------------------------------
 */

struct listing {
	struct weft_str text;
	bool has_one;
};

static int append_one(const struct weft_files_trashed *trashed, void *arg)
{
	struct listing *listing = arg;
	struct weft_str *text = &listing->text;

	weft_str_appendf(text, "%s{\"id\": \"%s\", \"path\": ", listing->has_one ? ",\n" : "\n",
		trashed->id);
	weft_http_escape_json(text, trashed->path, strlen(trashed->path));
	weft_str_append(text, ", \"name\": ");
	weft_http_escape_json(text, trashed->name, strlen(trashed->name));
	weft_str_appendf(text,
		", \"is_dir\": %s, \"size\": %lld, \"count\": %lld, \"deleted\": %lld, "
		"\"expires\": %lld, \"is_mine\": %s, \"by\": ",
		trashed->is_folder ? "true" : "false", (long long)trashed->bytes,
		(long long)trashed->files, (long long)trashed->removed_s,
		(long long)trashed->expires_s, trashed->is_mine ? "true" : "false");
	if (trashed->by[0])
		weft_http_escape_json(text, trashed->by, strlen(trashed->by));
	else
		weft_str_append(text, "null");
	weft_str_append_char(text, '}');
	listing->has_one = true;
	return weft_str_error(text) ? -1 : 0;
}

static int send_list(const struct visit *visit)
{
	const struct weft_files *engine = visit->files->engine;
	struct listing listing = {.has_one = false};
	int more;

	weft_str_init(&listing.text, WEFT_STR_LEN_MAX);
	weft_str_appendf(
		&listing.text, "{\"keep_days\": %u, \"items\": [", weft_files_trash_days(engine));
	more = weft_files_trash_list(visit->files->engine, &visit->visitor, append_one, &listing);
	if (more < 0) {
		weft_str_fini(&listing.text);
		return weft__http_upload_refuse(
			visit->files, visit->request, visit->response, errno);
	}
	weft_str_appendf(
		&listing.text, "\n], \"is_complete\": %s}\n", more == 0 ? "true" : "false");
	return send_json(visit, &listing.text, false);
}

/* ---- POST, DELETE -----------------------------------------------------------------------------
 */

static int restore(const struct visit *visit)
{
	const struct weft_http_params *params =
		visit->request->head.query.at ? weft_http_request_params(visit->request) : NULL;
	struct weft_files_restore wanted = {.id = visit->id};
	char *path = NULL;
	struct weft_str text;

	if (visit->request->head.query.at && !params)
		return errno == ENOMEM ? 503 : 400;
	if (params) {
		wanted.to = weft_http_params_get(params, "to", 0);
		wanted.is_unique = weft_http_params_get(params, "unique", 0);
	}
	if (weft_files_trash_restore(visit->files->engine, &visit->visitor, &wanted, &path) < 0)
		return refuse(visit, errno);
	weft_str_init(&text, WEFT_STR_LEN_MAX);
	weft_str_append(&text, "{\"path\": ");
	weft_http_escape_json(&text, path ? path : "", path ? strlen(path) : 0);
	weft_str_append(&text, "}\n");
	free(path);
	return send_json(visit, &text, true);
}

static int remove_for_good(const struct visit *visit)
{
	int result = visit->id[0] ? weft_files_trash_remove(
					    visit->files->engine, &visit->visitor, visit->id)
				  : weft_files_trash_empty(visit->files->engine, &visit->visitor);

	return result < 0 ? refuse(visit, errno)
			  : weft_http_response_send(visit->response, 204, NULL);
}

static int change(const struct visit *visit)
{
	int result;

	if (weft__http_upload_is_refused(
		    visit->files->uploads, visit->request, visit->response, true, &result))
		return result;
	return weft_http_request_method(visit->request) == WEFT_HTTP_POST ? restore(visit)
									  : remove_for_good(visit);
}

/* The list is at one address, and each thing at its own. */
static int answer(const struct visit *visit)
{
	static const struct weft__http_methods of_list = {
		1u << WEFT_HTTP_GET | 1u << WEFT_HTTP_HEAD | 1u << WEFT_HTTP_DELETE, NULL};
	static const struct weft__http_methods of_one = {
		1u << WEFT_HTTP_POST | 1u << WEFT_HTTP_DELETE, NULL};
	bool is_list = !visit->id[0];

	switch (weft_http_request_method(visit->request)) {
	case WEFT_HTTP_GET:
	case WEFT_HTTP_HEAD:
		if (is_list)
			return send_list(visit);
		break;
	case WEFT_HTTP_POST:
		if (!is_list)
			return change(visit);
		break;
	case WEFT_HTTP_DELETE:
		return change(visit);
	default:
		break;
	}
	return weft__http_refuse_method(
		visit->request, visit->response, is_list ? of_list : of_one);
}

int weft__http_trash(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct visit visit = {.files = arg, .request = request, .response = response};
	const char *path = weft_http_request_path(request);
	int result = weft__http_guest(visit.files, request, &visit.visitor);

	if (result != 0)
		return result;
	visit.id = path[PLACE_LEN] ? path + PLACE_LEN + 1 : "";
	return answer(&visit);
}

/* ---- Into it ------------------------------------------------------------------------------------
 */

static int send_taken(const struct weft__http_trash_visit *visit, const char *id)
{
	const struct visit answered = {.request = visit->request, .response = visit->response};
	const char *slash = strrchr(visit->path, '/');
	const char *name = slash ? slash + 1 : visit->path;
	struct weft_str text;

	weft_str_init(&text, WEFT_STR_LEN_MAX);
	weft_str_appendf(&text, "{\"id\": \"%s\", \"path\": ", id);
	weft_http_escape_json(&text, visit->path, strlen(visit->path));
	weft_str_append(&text, ", \"name\": ");
	weft_http_escape_json(&text, name, strlen(name));
	weft_str_append(&text, "}\n");
	return send_json(&answered, &text, true);
}

int weft__http_trash_take(const struct weft__http_trash_visit *visit)
{
	struct weft__http_upload_rule rule = {
		.request = visit->request, .has_conditions = true, .may_replace = true};
	const struct weft_files_remove_options options = {
		.judge = weft__http_upload_judge, .arg = &rule};
	char id[WEFT_FILES_TRASH_ID_SIZE];

	if (weft_files_trash(
		    visit->uploads->files->engine, visit->visitor, visit->path, &options, id) == 0)
		return send_taken(visit, id);
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return 404;
	case ENOTSUP:
		return weft_http_response_error(
			visit->response, 409, "There is no trash here: only for good.");
	case EXDEV:
		return weft_http_response_error(visit->response, 409,
			"This is on another disk than the trash, or has a part that is.");
	default:
		return weft__http_upload_refuse(
			visit->uploads->files, visit->request, visit->response, errno);
	}
}
