/*
 * folder.c - what is asked by a query of a whole folder, or of a file's content (folder.h).
 *
 * Entry points: weft__http_folder_ask(), weft__http_folder_post(), weft__http_folder_add_digest().
 *
 *	GET path?about			what who asks may do there; her quota; as JSON
 *	GET folder/?archive=zip|tar	all that is below, as a stream
 *	POST the same, name=A&name=B	these of it
 *	GET folder/?search=PATTERN	names below, as JSON
 *	GET file?sha256			"HEX  NAME", as sha256sum(1) has it
 *	HEAD file, Want-Repr-Digest	Repr-Digest
 *
 * What is asked is answered within the visitor's rights by the engine (weft/files.h). Archives and
 * searches read a whole tree: only so many at a time, as walks.c says, and none where there are no
 * listings.
 *
 * Never: a length promised of what is still to be read.
 */
#include "http/folder.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "http/disposition.h"
#include "http/origin.h"
#include "http/page.h"
#include "http/request.h"
#include "http/response.h"
#include "http/walks.h"
#include "weft/files_trash.h"
#include "weft/http_escape.h"
#include "weft/utf8.h"

/** Names that one search finds, and the time that it takes. */
#define FOUND_MAX      1000
#define SEARCH_TIME_NS WEFT_SECONDS(5)

/** Bytes of a form that names what is to be in an archive. */
#define FORM_MAX ((size_t)1024 * 1024)

/** Bytes of JSON that are gathered before they are sent. */
#define PIECE 16384

struct asked {
	struct weft_http_files *files;
	struct weft_http_request *request;
	struct weft_http_response *response;
	struct weft_files_visitor visitor;
	struct weft__http_walk *walk; /* its place, where it needs one; NULL */
	const char *path;             /* in the visitor's home */
	const char *value;            /* of what is asked */
	const char **names;           /* of an archive; NULL: all */
	size_t name_count;
};

static int try_later(const struct asked *asked, const char *seconds)
{
	weft_http_response_field(asked->response, "Retry-After", seconds);
	return 503;
}

/* What the engine said before anything was sent. */
static int refuse(const struct asked *asked, int code)
{
	if (code == EAGAIN)
		return try_later(asked, "1");
	if (code == EISDIR)
		return 400;
	return code == ENAMETOOLONG || code == EINVAL ? 404 : weft_http_status_of_errno(code);
}

/* The file's or folder's own name; the visitor's home needs one, too. */
static const char *name_of(const struct asked *asked)
{
	const char *slash = strrchr(asked->path, '/');

	if (!asked->path[0])
		return "files";
	return slash ? slash + 1 : asked->path;
}

/* Whether a folder is there, and may be listed: 0, or a status. */
static int check_folder(const struct asked *asked)
{
	struct stat stat;

	if (asked->files->policy->options.no_listing)
		return 403;
	if (weft_files_stat(asked->files->viewer, &asked->visitor, asked->path, &stat) < 0)
		return refuse(asked, errno);
	if (!S_ISDIR(stat.st_mode))
		return 400;
	return weft_files_rights(&asked->visitor, asked->path) & WEFT_FILES_LIST ? 0 : 403;
}

static int add_fields(const struct asked *asked, const char *control)
{
	const struct weft__http_policy *policy = asked->files->policy;

	return weft__http_policy_add_caching(policy, asked->response, control, NULL) < 0 ||
			       weft__http_add_nosniff(asked->response) < 0
		       ? -1
		       : weft__http_policy_add_cors(policy, asked->response);
}

/* However slowly the peer takes it, as long as nobody else waits for the place. */
static int send_piece(const struct asked *asked, const void *data, size_t len)
{
	int result;

	weft__http_walk_writes(asked->walk, true);
	result = weft_http_response_write(asked->response, data, len);
	weft__http_walk_writes(asked->walk, false);
	return result;
}

/* What came to an end in the middle of an answer. */
static int cut_off(const struct asked *asked)
{
	return weft_http_response_status(asked->response) ? -1 : refuse(asked, errno);
}

/* ---- Archives ------------------------------------------------------------------------------ */

static int write_piece(const void *data, size_t len, void *arg)
{
	const struct asked *asked = arg;

	return send_piece(asked, data, len);
}

static int name_archive(const struct asked *asked, const char *ending)
{
	const char *name = asked->name_count == 1 ? asked->names[0] : name_of(asked);
	struct weft_str file, value;
	int result;

	weft_str_init(&file, WEFT_STR_LEN_MAX);
	weft_str_init(&value, WEFT_STR_LEN_MAX);
	weft_str_appendf(&file, "%s%s", name, ending);
	weft__http_append_disposition(&value, weft_str_text(&file));
	result = weft_str_error(&file) || weft_str_error(&value)
			 ? -1
			 : weft_http_response_field(
				   asked->response, "Content-Disposition", weft_str_text(&value));
	weft_str_fini(&file);
	weft_str_fini(&value);
	return result;
}

static int send_archive(const struct asked *asked, bool is_zip)
{
	const struct weft_files_archive_options options = {
		.kind = is_zip ? WEFT_FILES_ZIP : WEFT_FILES_TAR,
		.prefix = asked->name_count == 1 ? NULL : name_of(asked),
		.names = asked->names,
		.name_count = asked->name_count,
		.write = write_piece,
		.arg = (void *)(uintptr_t)asked};

	if (name_archive(asked, is_zip ? ".zip" : ".tar") < 0 || add_fields(asked, "no-store") < 0)
		return 503;
	if (weft_http_response_begin(asked->response, 200,
		    is_zip ? "application/zip" : "application/x-tar", WEFT_HTTP_LEN_UNKNOWN) < 0)
		return cut_off(asked);
	if (weft_http_request_method(asked->request) == WEFT_HTTP_HEAD)
		return 0;
	return weft_files_archive(asked->files->viewer, &asked->visitor, asked->path, &options) < 0
		       ? cut_off(asked)
		       : 0;
}

/* A name of the folder itself, that leads to no other. */
static bool is_name(const char *name)
{
	return name[0] && strlen(name) <= NAME_MAX && !strchr(name, '/') &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int refuse_name(const struct asked *asked, const char *name, int code)
{
	struct weft_str why;
	int result;

	if (code == EACCES)
		return 403;
	if (code != ENOENT && code != ENOTDIR && code != EINVAL && code != ELOOP)
		return refuse(asked, code);
	weft_str_init(&why, 4096);
	weft_str_appendf(&why, "There is nothing named \"%s\" here.", name);
	result = weft_http_response_error(
		asked->response, 404, weft_str_error(&why) ? NULL : weft_str_text(&why));
	weft_str_fini(&why);
	return result;
}

/* Whether all that is asked for is there: once the archive has begun there is no telling. */
static int check_names(const struct asked *asked)
{
	for (size_t i = 0; i < asked->name_count; i++) {
		const char *name = asked->names[i];
		struct weft_str path;
		struct stat stat;
		int result, code;

		if (!is_name(name))
			return refuse_name(asked, name, EINVAL);
		weft_str_init(&path, WEFT_STR_LEN_MAX);
		weft_str_appendf(&path, "%s/%s", asked->path, name);
		result = weft_str_error(&path)
				 ? -1
				 : weft_files_stat(asked->files->viewer, &asked->visitor,
					   weft_str_text(&path), &stat);
		code = errno;
		weft_str_fini(&path);
		if (result < 0)
			return refuse_name(asked, name, code);
	}
	return 0;
}

static int answer_archive(const struct asked *asked)
{
	bool is_zip = strcmp(asked->value, "zip") == 0;
	int result = check_folder(asked);

	if (result != 0)
		return result;
	if (!is_zip && strcmp(asked->value, "tar") != 0)
		return weft_http_response_error(
			asked->response, 400, "An archive is one of: zip, tar.");
	result = check_names(asked);
	if (result != 0)
		return result;
#ifndef WEFT_HAS_ZLIB
	if (is_zip)
		return weft_http_response_error(
			asked->response, 501, "This server was built without zip.");
#endif
	return send_archive(asked, is_zip);
}

/* ---- Searches ------------------------------------------------------------------------------ */

struct found {
	const struct asked *asked;
	struct weft_str text;
	unsigned count;
	bool is_cut; /* there are more */
};

static int send_found(struct found *found)
{
	int result = weft_str_error(&found->text)
			     ? -1
			     : send_piece(found->asked, weft_str_text(&found->text),
				       weft_str_len(&found->text));

	weft_str_reset(&found->text);
	return result;
}

static int append_found(const struct weft_files_found *file, void *arg)
{
	struct found *found = arg;
	struct weft_str *text = &found->text;
	bool is_folder = S_ISDIR(file->stat.st_mode);
	char when[32] = "";
	struct tm time;

	if (found->count == FOUND_MAX) {
		found->is_cut = true;
		return -1;
	}
	if (gmtime_r(&file->stat.st_mtime, &time))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &time);
	weft_str_append(text, found->count++ ? ",\n{\"path\": " : "\n{\"path\": ");
	weft_http_escape_json(text, file->path, strlen(file->path));
	weft_str_append(text, ", \"href\": \"./");
	weft_http_escape_path(text, file->path, strlen(file->path));
	weft_str_append(text, is_folder ? "/\", \"type\": \"folder\"" : "\", \"type\": \"file\"");
	if (!is_folder)
		weft_str_appendf(text, ", \"size\": %lld", (long long)file->stat.st_size);
	weft_str_appendf(text, ", \"modified\": \"%s\"}", when);
	return weft_str_len(text) < PIECE ? 0 : send_found(found);
}

static int search(const struct asked *asked, struct found *found)
{
	const struct weft_files_search_options options = {.pattern = asked->value,
		.time_ns = SEARCH_TIME_NS,
		.fn = append_found,
		.arg = found};
	int result =
		weft_files_search(asked->files->viewer, &asked->visitor, asked->path, &options);

	if (result < 0 && !found->is_cut)
		return -1;
	weft_str_appendf(
		&found->text, "\n], \"is_complete\": %s}\n", result == 0 ? "true" : "false");
	return send_found(found);
}

static bool is_pattern(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= 255 && weft_utf8_is_valid(text, len);
}

static int answer_search(const struct asked *asked)
{
	struct found found = {.asked = asked};
	int result = check_folder(asked);

	if (result != 0)
		return result;
	if (!is_pattern(asked->value))
		return weft_http_response_error(asked->response, 400,
			"A pattern has up to 255 bytes of UTF-8: a part of a name, or with * and ? "
			"all of it.");
	if (add_fields(asked, "no-store") < 0 ||
		weft_http_response_begin(
			asked->response, 200, "application/json", WEFT_HTTP_LEN_UNKNOWN) < 0)
		return cut_off(asked);
	if (weft_http_request_method(asked->request) == WEFT_HTTP_HEAD)
		return 0;
	weft_str_init(&found.text, WEFT_STR_LEN_MAX);
	weft_str_append(&found.text, "{\"search\": ");
	weft_http_escape_json(&found.text, asked->value, strlen(asked->value));
	weft_str_append(&found.text, ", \"found\": [");
	result = search(asked, &found);
	weft_str_fini(&found.text);
	return result;
}

/* ---- About --------------------------------------------------------------------------------- */

static void append_quota(struct weft_str *text, const struct weft_files_visitor *visitor)
{
	int64_t used, max;

	if (visitor->quota && visitor->quota(visitor->arg, &used, &max) == 0)
		weft_str_appendf(
			text, "{\"used\": %lld, \"max\": %lld}", (long long)used, (long long)max);
	else
		weft_str_append(text, "null");
}

static void append_about(struct weft_str *text, const struct asked *asked, bool is_folder)
{
	const struct weft_http_files *files = asked->files;
	unsigned rights = weft_files_rights(&asked->visitor, asked->path);
	bool has_trash = weft__http_has_trash(files);

	weft_str_append(text, "{\"path\": ");
	weft_http_escape_json(text, asked->path, strlen(asked->path));
	weft_str_appendf(text, ", \"type\": \"%s\", \"rights\": ", is_folder ? "folder" : "file");
	weft__http_listing_append_rights(text, weft__http_door_rights(files, rights));
	weft_str_appendf(text,
		", \"trash\": %s, \"keep_days\": %u, \"quota\": ", has_trash ? "true" : "false",
		has_trash ? weft_files_trash_days(files->engine) : 0);
	append_quota(text, &asked->visitor);
	weft_str_append(text, "}\n");
}

static int answer_about(const struct asked *asked)
{
	struct weft_http_content content = {.type = "application/json"};
	struct weft_str text;
	struct stat stat;
	int result = 503;

	if (weft_files_stat(asked->files->viewer, &asked->visitor, asked->path, &stat) < 0)
		return refuse(asked, errno);
	weft_str_init(&text, WEFT_STR_LEN_MAX);
	append_about(&text, asked, S_ISDIR(stat.st_mode));
	content.data = weft_str_text(&text);
	content.len = weft_str_len(&text);
	if (!weft_str_error(&text) && add_fields(asked, "no-store") == 0)
		result = weft_http_response_send(asked->response, 200, &content);
	weft_str_fini(&text);
	return result;
}

/* ---- Digests ------------------------------------------------------------------------------- */

static int answer_digest(const struct asked *asked)
{
	uint8_t digest[32];
	struct weft_str text;
	struct weft_http_content content = {.type = "text/plain; charset=utf-8"};
	int result = weft__http_digests_get(asked->files, &asked->visitor, asked->path, digest);

	if (result < 0)
		return refuse(asked, errno);
	weft_str_init(&text, WEFT_STR_LEN_MAX);
	for (size_t i = 0; i < sizeof(digest); i++)
		weft_str_appendf(&text, "%02x", digest[i]);
	weft_str_append(&text, "  ");
	weft_str_append_visible(&text, name_of(asked), strlen(name_of(asked)));
	weft_str_append_char(&text, '\n');
	content.data = weft_str_text(&text);
	content.len = weft_str_len(&text);
	result = 503;
	if (!weft_str_error(&text) && add_fields(asked, "no-cache") == 0)
		result = weft_http_response_send(asked->response, 200, &content);
	weft_str_fini(&text);
	return result;
}

/* "sha-256=5, unixsum=1": whether sha-256 is among them, and not with 0 (RFC 9530, section 4). */
static bool wants_sha256(const struct weft_http_request *request)
{
	struct weft_http_text wants = weft_http_request_field(request, "Want-Repr-Digest");
	static const char name[] = "sha-256=";
	const char *at = wants.data ? memmem(wants.data, wants.len, name, sizeof(name) - 1) : NULL;

	return at && at + sizeof(name) - 1 < wants.data + wants.len &&
	       at[sizeof(name) - 1] != '0' && (at == wants.data || at[-1] == ' ' || at[-1] == ',');
}

/* ---- Whose path it is ---------------------------------------------------------------------- */

/* The path of the request without the slashes around it. NULL: ENOMEM. */
static char *take_path(const struct weft_http_request *request)
{
	char *path = strdup(weft_http_request_path(request) + 1);
	size_t len = path ? strlen(path) : 0;

	while (len > 0 && path[len - 1] == '/')
		path[--len] = '\0';
	return path;
}

/* A walk needs a place. */
static int answer_in_place(struct asked *asked, int (*answer)(const struct asked *asked))
{
	struct weft__http_walk walk;
	int result;

	if (!weft__http_walk_enter(asked->files->walks, &walk, asked->request, asked->visitor.name))
		return try_later(asked, "5");
	asked->walk = &walk;
	result = answer(asked);
	asked->walk = NULL;
	weft__http_walk_leave(asked->files->walks, &walk);
	return result;
}

static int as_visitor(
	struct asked *asked, int (*answer)(const struct asked *asked), bool needs_place)
{
	char *path = take_path(asked->request);
	int result = path ? 0 : 503;

	asked->visitor = (struct weft_files_visitor){.rights = WEFT_FILES_ALL};
	asked->path = path;
	if (path && asked->files->has_guests)
		result = weft__http_guest(asked->files, asked->request, &asked->visitor);
	if (result == 0)
		result = needs_place ? answer_in_place(asked, answer) : answer(asked);
	free(path);
	return result;
}

int weft__http_folder_ask(struct weft_http_files *files, struct weft_http_request *request,
	struct weft_http_response *response)
{
	struct asked asked = {.files = files, .request = request, .response = response};
	const struct weft_http_params *params = weft_http_request_params(request);

	if (!params)
		return WEFT__HTTP_NOT_ASKED;
	asked.value = weft_http_params_get(params, "archive", 0);
	if (asked.value)
		return as_visitor(&asked, answer_archive, true);
	asked.value = weft_http_params_get(params, "search", 0);
	if (asked.value)
		return as_visitor(&asked, answer_search, true);
	if (weft_http_params_get(params, "about", 0))
		return as_visitor(&asked, answer_about, false);
	if (weft_http_params_get(params, "sha256", 0))
		return as_visitor(&asked, answer_digest, false);
	return WEFT__HTTP_NOT_ASKED;
}

/* The body: which names. To be freed; NULL, and *ret_status is for the handler to return. */
static struct weft_http_params *read_form(struct asked *asked, int *ret_status)
{
	struct weft_http_params *form = weft_http_request_form(asked->request, FORM_MAX);

	if (form)
		return form;
	switch (errno) {
	case EPROTOTYPE:
		*ret_status = weft_http_response_error(asked->response, 415,
			"Names come as a form (application/x-www-form-urlencoded).");
		break;
	case EMSGSIZE:
		*ret_status = weft_http_response_error(
			asked->response, 413, "These are too many names at once.");
		break;
	case EBADMSG:
		*ret_status =
			weft_http_response_error(asked->response, 400, "The form can't be read.");
		break;
	case ENOMEM:
		*ret_status = 503;
		break;
	default:
		*ret_status = -1; /* the connection says what is wrong with the body */
	}
	return NULL;
}

static int post_names(struct asked *asked, const struct weft_http_params *form)
{
	size_t count = 0;
	int result;

	while (weft_http_params_get(form, "name", count))
		count++;
	if (count == 0)
		return weft_http_response_error(
			asked->response, 400, "The form names nothing (name=...).");
	asked->names = calloc(count, sizeof(*asked->names));
	if (!asked->names)
		return 503;
	for (size_t i = 0; i < count; i++)
		asked->names[i] = weft_http_params_get(form, "name", i);
	asked->name_count = count;
	result = as_visitor(asked, answer_archive, true);
	free(asked->names);
	return result;
}

int weft__http_folder_post(struct weft_http_files *files, struct weft_http_request *request,
	struct weft_http_response *response)
{
	struct asked asked = {.files = files, .request = request, .response = response};
	const struct weft_http_params *params =
		request->head.query.at ? weft_http_request_params(request) : NULL;
	struct weft_http_params *form;
	int result;

	asked.value = params ? weft_http_params_get(params, "archive", 0) : NULL;
	if (!asked.value)
		return WEFT__HTTP_NOT_ASKED;
	if (weft__http_is_foreign(request))
		return weft_http_response_error(
			response, 403, "A page of another site may not ask for this.");
	form = read_form(&asked, &result);
	if (!form)
		return result;
	result = post_names(&asked, form);
	weft_http_params_free(form);
	return result;
}

static int add_digest(const struct asked *asked)
{
	uint8_t digest[32];
	char text[80] = "sha-256=:"; /* zeros behind it */
	const size_t len = sizeof("sha-256=:") - 1 + 44;

	if (weft__http_digests_get(asked->files, &asked->visitor, asked->path, digest) < 0)
		return 0;
	weft__base64_encode(text + strlen(text), digest, sizeof(digest));
	text[len] = ':';
	weft_http_response_field(asked->response, "Repr-Digest", text);
	return 0;
}

void weft__http_folder_add_digest(struct weft_http_files *files, struct weft_http_request *request,
	struct weft_http_response *response)
{
	struct asked asked = {.files = files, .request = request, .response = response};

	/* A digest is of one form of it: where others may be chosen, nobody asks for a file's. */
	if (weft_http_request_method(request) == WEFT_HTTP_HEAD && wants_sha256(request) &&
		!weft_http_request_field(request, "Accept-Encoding").data)
		as_visitor(&asked, add_digest, false);
}
