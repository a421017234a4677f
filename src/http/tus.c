/*
 * tus.c - see tus.h; the text of the protocol is at https://tus.io/protocols/resumable-upload.
 *
 * Entry points: weft__http_tus(), weft__http_tus_is(), weft__http_tus_list().
 *
 *	POST	-> what may not be: 4xx -> begun; the body, if it is of bytes -> 201, Location
 *	HEAD	-> 200, Upload-Offset
 *	PATCH	-> at another offset? 409 -> the body -> its checksum? 460, and it is taken back
 *		-> on the disk -> all of it? published -> 204, Upload-Offset
 *	DELETE	-> 204
 *	GET /.tus/ -> those of the asker that are not finished, as JSON
 *
 * An offset that is told is on the disk.
 *
 * Never: an offset told that a crash could take back.
 */
#include "http/tus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/files.h"
#include "http/origin.h"
#include "http/tus_visit.h"
#include "weft/http_escape.h"

#define VERSION "1.0.0"

/* ---- Going on ------------------------------------------------------------------------------- */

typedef struct weft_files_upload *open_fn(
	struct weft_files *files, const struct weft_files_visitor *visitor, const char *id);

/* Open the upload that is asked for. */
static int open_by(struct weft__tus_visit *visit, open_fn *fn)
{
	const char *path = weft_http_request_path(visit->request);

	if (strncmp(path, WEFT__TUS_ENDPOINT "/", WEFT__TUS_ENDPOINT_LEN + 1) != 0)
		return weft__tus_refuse(visit, 404, "There is no such upload.");
	visit->upload = fn(
		visit->uploads->files->engine, &visit->visitor, path + WEFT__TUS_ENDPOINT_LEN + 1);
	if (visit->upload)
		return WEFT__TUS_GO_ON;
	if (errno == ENOENT)
		return weft__tus_refuse(visit, 404, "There is no such upload, or it has expired.");
	if (errno == EBUSY)
		return weft__tus_refuse(
			visit, 423, "Somebody goes on with this upload at this moment.");
	return weft__tus_refuse_code(visit, errno);
}

static int head(struct weft__tus_visit *visit)
{
	struct weft_files_upload_facts facts;
	int result = open_by(visit, weft_files_upload_peek);

	if (result != WEFT__TUS_GO_ON)
		return result;
	facts = weft_files_upload_facts(visit->upload);
	result = facts.len < 0
			 ? weft_http_response_field(visit->response, "Upload-Defer-Length", "1")
			 : weft__tus_add_number(visit, "Upload-Length", facts.len);
	if (result < 0 || weft__tus_add_state(visit) < 0 ||
		weft_http_response_field(visit->response, "Cache-Control", "no-store") < 0 ||
		(facts.remark[0] && weft_http_response_field(
					    visit->response, "Upload-Metadata", facts.remark) < 0))
		return 503;
	return weft_http_response_send(visit->response, 200, NULL);
}

/* What was not known at the beginning may be known now. */
static int learn_len(struct weft__tus_visit *visit)
{
	int64_t len = weft__tus_number(visit, "Upload-Length");

	if (len == -1 || len == weft_files_upload_facts(visit->upload).len)
		return WEFT__TUS_GO_ON;
	if (visit->uploads->max >= 0 && len > visit->uploads->max)
		return weft__tus_refuse(visit, 413, "The file is too large.");
	if (len >= 0 && weft_files_upload_set_len(visit->upload, len) == 0)
		return WEFT__TUS_GO_ON;
	return len < 0 || errno == EINVAL
		       ? weft__tus_refuse(visit, 400, "This can not be its length.")
		       : weft__tus_refuse_code(visit, errno);
}

/* A bound that is lower since then is for uploads to come: the bytes that were agreed on may
 * come. */
static void keep_bound(struct weft__tus_visit *visit)
{
	struct weft_files_upload_facts facts = weft_files_upload_facts(visit->upload);
	int64_t max = visit->uploads->max;

	if (max >= 0 && facts.len - facts.offset > max)
		weft_http_request_set_body_max(visit->request, facts.len - facts.offset);
}

static int patch(struct weft__tus_visit *visit)
{
	int64_t offset = weft__tus_number(visit, "Upload-Offset");
	int result;

	if (!weft__tus_is_text(weft__tus_field(visit, "Content-Type"), WEFT__TUS_BYTES))
		return weft__tus_refuse(
			visit, 415, "The bytes of an upload are " WEFT__TUS_BYTES ".");
	if (offset < 0)
		return weft__tus_refuse(visit, 400, "Upload-Offset is due.");
	result = open_by(visit, weft_files_upload_open);
	if (result != WEFT__TUS_GO_ON)
		return result;
	if (offset != weft_files_upload_facts(visit->upload).offset)
		return weft__tus_refuse(visit, 409, "The upload is at another offset.");
	result = learn_len(visit);
	if (result == WEFT__TUS_GO_ON) {
		keep_bound(visit);
		result = weft__tus_append(visit);
	}
	return result == WEFT__TUS_GO_ON ? weft_http_response_send(visit->response, 204, NULL)
					 : result;
}

static int terminate(struct weft__tus_visit *visit)
{
	int result = open_by(visit, weft_files_upload_open);

	if (result != WEFT__TUS_GO_ON)
		return result;
	result = weft_files_upload_remove(visit->upload);
	visit->upload = NULL;
	return result < 0 ? weft__tus_refuse_code(visit, errno)
			  : weft_http_response_send(visit->response, 204, NULL);
}

/* ---- Those of the asker -----------------------------------------------------------------------
 */

struct telling {
	const char *prefix; /* of the service's own addresses */
	struct weft_str text;
	bool has_one;
};

static int append_upload(const struct weft_files_upload_facts *facts, bool is_busy, void *arg)
{
	struct telling *telling = arg;
	struct weft_str *text = &telling->text;
	const char *slash = strrchr(facts->path, '/');
	const char *name = slash ? slash + 1 : facts->path;

	weft_str_appendf(text, "%s{\"id\": \"%s\", \"href\": \"", telling->has_one ? ",\n" : "\n",
		facts->id);
	weft_http_escape_path(text, telling->prefix, strlen(telling->prefix));
	weft_str_appendf(text, WEFT__TUS_ENDPOINT "/%s\", \"path\": ", facts->id);
	weft_http_escape_json(text, facts->path, strlen(facts->path));
	weft_str_append(text, ", \"name\": ");
	weft_http_escape_json(text, name, strlen(name));
	if (facts->len >= 0)
		weft_str_appendf(text, ", \"size\": %lld", (long long)facts->len);
	else
		weft_str_append(text, ", \"size\": null");
	weft_str_appendf(text, ", \"offset\": %lld, \"expires\": %lld, \"is_busy\": %s}",
		(long long)facts->offset, (long long)facts->expires_s, is_busy ? "true" : "false");
	telling->has_one = true;
	return weft_str_error(text) ? -1 : 0;
}

static int send_uploads(struct weft_http_response *response, struct weft_str *text)
{
	const struct weft_http_content content = {
		.type = "application/json", .data = weft_str_text(text), .len = weft_str_len(text)};

	if (weft_str_error(text) ||
		weft_http_response_field(response, "Cache-Control", "no-store") < 0)
		return 503;
	return weft_http_response_send(response, 200, &content);
}

static int tell_uploads(const struct weft_http_files *files, struct weft_http_request *request,
	struct weft_http_response *response, const struct weft_files_visitor *visitor)
{
	char *prefix = weft__http_whole_path(request);
	struct telling telling = {.prefix = prefix};
	int result = 503;

	if (!prefix)
		return 503;
	prefix[strlen(prefix) - strlen(weft_http_request_path(request))] = '\0';
	weft_str_init(&telling.text, WEFT_STR_LEN_MAX);
	weft_str_append(&telling.text, "{\"items\": [");
	if (weft_files_uploads(files->engine, visitor, append_upload, &telling) == 0) {
		weft_str_append(&telling.text, "\n]}\n");
		result = send_uploads(response, &telling.text);
	}
	weft_str_fini(&telling.text);
	free(prefix);
	return result;
}

bool weft__http_tus_lists(
	const struct weft_http_files *files, const struct weft_http_request *request)
{
	return files->uploads && files->uploads->may_upload &&
	       strcmp(weft_http_request_path(request), WEFT__TUS_ENDPOINT "/") == 0;
}

int weft__http_tus_list(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_files_visitor visitor;
	int result = weft__http_guest(arg, request, &visitor);

	return result != 0 ? result : tell_uploads(arg, request, response, &visitor);
}

/* ---- Requests ------------------------------------------------------------------------------- */

bool weft__http_tus_is(const struct weft_http_request *request)
{
	const char *path = weft_http_request_path(request);

	if (strncmp(path, WEFT__TUS_ENDPOINT, WEFT__TUS_ENDPOINT_LEN) == 0 &&
		(!path[WEFT__TUS_ENDPOINT_LEN] || path[WEFT__TUS_ENDPOINT_LEN] == '/'))
		return true;
	return weft_http_request_method(request) == WEFT_HTTP_POST &&
	       weft_http_request_field(request, "Tus-Resumable").data;
}

/* What is wanted; who can't send PATCH or DELETE says it in a field of a POST. */
static enum weft_http_method method_of(const struct weft__tus_visit *visit)
{
	enum weft_http_method method = weft_http_request_method(visit->request);
	struct weft_http_text instead = weft__tus_field(visit, "X-HTTP-Method-Override");

	if (method != WEFT_HTTP_POST || !instead.data)
		return method;
	if (weft__tus_is_text(instead, "PATCH"))
		return WEFT_HTTP_PATCH;
	if (weft__tus_is_text(instead, "DELETE"))
		return WEFT_HTTP_DELETE;
	return weft__tus_is_text(instead, "HEAD") ? WEFT_HTTP_HEAD : WEFT_HTTP_OTHER;
}

static int answer(struct weft__tus_visit *visit)
{
	switch (method_of(visit)) {
	case WEFT_HTTP_POST:
		return weft__tus_begin(visit);
	case WEFT_HTTP_HEAD:
		return head(visit);
	case WEFT_HTTP_PATCH:
		return patch(visit);
	case WEFT_HTTP_DELETE:
		return terminate(visit);
	default:
		return weft__tus_refuse(
			visit, 400, "An upload knows POST, HEAD, PATCH and DELETE.");
	}
}

/* The version, in both directions. */
static int agree(struct weft__tus_visit *visit)
{
	const struct weft_http_files_options *options = &visit->uploads->policy->options;

	if (weft_http_response_field(visit->response, "Tus-Resumable", VERSION) < 0)
		return 503;
	if (options->cors_may_change &&
		weft_http_response_field(visit->response, "Access-Control-Expose-Headers",
			"Content-Location, Tus-Resumable, Upload-Expires, Upload-Length, "
			"Upload-Metadata, "
			"Upload-Offset") < 0)
		return 503;
	if (weft__tus_is_text(weft__tus_field(visit, "Tus-Resumable"), VERSION))
		return WEFT__TUS_GO_ON;
	if (weft_http_response_field(visit->response, "Tus-Version", VERSION) < 0)
		return 503;
	return weft__tus_refuse(visit, 412, "Only version " VERSION " of tus is spoken here.");
}

int weft__http_tus(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const struct weft_http_files *files = arg;
	struct weft__tus_visit visit = {
		.uploads = files->uploads, .request = request, .response = response};
	int result;

	if (weft__http_upload_is_refused(
		    visit.uploads, request, response, visit.uploads->may_upload, &result))
		return result;
	visit.rule = (struct weft__http_upload_rule){
		.request = request, .may_replace = visit.uploads->may_overwrite};
	weft_http_request_set_body_max(request, visit.uploads->max);
	result = weft__http_guest(files, request, &visit.visitor);
	if (result != 0)
		return result;
	result = agree(&visit);
	if (result == WEFT__TUS_GO_ON)
		result = answer(&visit);
	weft_files_upload_close(visit.upload);
	weft__digest_free(visit.digest);
	return result;
}

struct weft__http_methods weft__http_tus_methods(const struct weft_http_request *request,
	const struct weft_http_response *response, bool may_change)
{
	struct weft__http_methods methods = weft__http_service_methods(response->service);

	if (weft__http_tus_is(request))
		return methods;
	methods.known &= ~(1u << WEFT_HTTP_PATCH);
	if (!may_change)
		methods.known &= ~(1u << WEFT_HTTP_DELETE);
	return methods;
}

static bool may_change(const struct weft_http_files *files)
{
	return files->uploads && files->uploads->may_change;
}

int weft__http_tus_head(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	if (weft__http_tus_is(request))
		return weft__http_tus(request, response, arg);
	return weft_http_files_service.on_get(request, response, arg);
}

int weft__http_tus_patch(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	if (weft__http_tus_is(request))
		return weft__http_tus(request, response, arg);
	return weft__http_refuse_method(
		request, response, weft__http_tus_methods(request, response, may_change(arg)));
}

int weft__http_tus_options(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const struct weft_http_files *files = arg;
	int64_t max = files->uploads->max;
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)max);
	if (weft_http_response_field(response, "Tus-Resumable", VERSION) < 0 ||
		weft_http_response_field(response, "Tus-Version", VERSION) < 0 ||
		weft_http_response_field(response, "Tus-Extension",
			"creation,creation-with-upload,creation-defer-length,expiration,"
			"termination"
#ifdef WEFT_HAS_CRYPTO
			",checksum"
#endif
			) < 0 ||
#ifdef WEFT_HAS_CRYPTO
		weft_http_response_field(response, "Tus-Checksum-Algorithm", "sha1,sha256") < 0 ||
#endif
		(max >= 0 && weft_http_response_field(response, "Tus-Max-Size", text) < 0))
		return 500;
	return weft_http_files_service.on_options(request, response, arg);
}
