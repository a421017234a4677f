/*
 * tus_begin.c - uploads of tus that begin: POST (tus_visit.h).
 *
 * Entry point: weft__tus_begin().
 *
 * Never: a name from outside that leads to another folder.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "http/files.h"
#include "http/origin.h"
#include "http/tus_visit.h"

/* Of the fields that are kept with it, to be told again. */
#define METADATA_MAX 4096

/* The endpoint itself, not what is below it. */
static bool is_endpoint(const char *path)
{
	return strcmp(path, WEFT__TUS_ENDPOINT) == 0 || strcmp(path, WEFT__TUS_ENDPOINT "/") == 0;
}

ssize_t weft__tus_metadata(struct weft_http_text all, const char *key, char *ret_text, size_t size)
{
	struct weft_http_text item;

	while (weft_http_list_next(&all, &item)) {
		const char *space = memchr(item.data, ' ', item.len);
		size_t key_len = space ? (size_t)(space - item.data) : item.len;
		ssize_t len;

		if (key_len != strlen(key) || memcmp(item.data, key, key_len) != 0)
			continue;
		if (!space || (item.len - key_len - 1) / 4 * 3 >= size)
			return -2;
		len = weft__base64_decode(ret_text, space + 1, item.len - key_len - 1);
		if (len <= 0 || memchr(ret_text, '\0', (size_t)len))
			return -2;
		ret_text[len] = '\0';
		return len;
	}
	return -1;
}

bool weft__tus_take_conflict(struct weft__tus_visit *visit, struct weft_http_text metadata)
{
	char text[16];
	ssize_t len =
		metadata.data ? weft__tus_metadata(metadata, "conflict", text, sizeof(text)) : -1;

	if (len == -1)
		return true;
	if (len < 0)
		return false;
	visit->has_conflict = true;
	visit->is_unique = strcmp(text, "unique") == 0;
	visit->rule.may_replace = strcmp(text, "replace") == 0;
	return visit->is_unique || visit->rule.may_replace || strcmp(text, "refuse") == 0;
}

/* The file's name, as clients tell it. */
static int name_of(struct weft__tus_visit *visit, char *ret_name, size_t size)
{
	struct weft_http_text all = weft__tus_field(visit, "Upload-Metadata");
	ssize_t len = -1;

	if (all.data) {
		len = weft__tus_metadata(all, "filename", ret_name, size);
		if (len == -1)
			len = weft__tus_metadata(all, "name", ret_name, size);
	}
	if (len == -1)
		return weft__tus_refuse(
			visit, 400, "Upload-Metadata has to tell the file's name (filename).");
	if (len < 0 || strchr(ret_name, '/') || strcmp(ret_name, ".") == 0 ||
		strcmp(ret_name, "..") == 0)
		return weft__tus_refuse(visit, 400, "This can not be the name of a file.");
	return WEFT__TUS_GO_ON;
}

/* How long it will be; -1: not known. */
static int len_of(struct weft__tus_visit *visit, int64_t *ret_len)
{
	struct weft_http_text later = weft__tus_field(visit, "Upload-Defer-Length");

	*ret_len = weft__tus_number(visit, "Upload-Length");
	if (*ret_len == -2 || (*ret_len == -1) != weft__tus_is_text(later, "1") ||
		(*ret_len >= 0 && later.data))
		return weft__tus_refuse(
			visit, 400, "Either Upload-Length or Upload-Defer-Length: 1 is due.");
	if (visit->uploads->max >= 0 && *ret_len > visit->uploads->max)
		return weft__tus_refuse(visit, 413, "The file is too large.");
	return WEFT__TUS_GO_ON;
}

/* The folder that was asked is where it goes; the endpoint stands for the shared folder. */
static struct weft_files_upload *create(
	struct weft__tus_visit *visit, const char *name, int64_t len)
{
	struct weft_http_text remark = weft__tus_field(visit, "Upload-Metadata");
	struct weft_files_upload_options options = {.len = len,
		.may_replace = true,
		.is_unique = visit->is_unique,
		.judge = weft__http_upload_judge,
		.arg = &visit->rule};
	struct weft_files_upload *upload = NULL;
	const char *folder = weft_http_request_path(visit->request);
	struct weft_str path, kept;

	if (is_endpoint(folder))
		folder = "";
	weft_str_init(&path, WEFT_STR_LEN_MAX);
	weft_str_init(&kept, WEFT_STR_LEN_MAX);
	weft_str_appendf(&path, "%s/%s", folder, name);
	weft_str_append_bytes(&kept, remark.data, remark.len);
	options.remark = weft_str_text(&kept);
	if (!weft_str_error(&path) && !weft_str_error(&kept))
		upload = weft_files_upload_create(visit->uploads->files->engine, &visit->visitor,
			weft_str_text(&path), &options);
	weft_str_fini(&kept);
	weft_str_fini(&path);
	return upload;
}

/* Its address: beside the service's own, wherever that is mounted. 0 or -1. */
static int add_location(struct weft__tus_visit *visit)
{
	char *whole = weft__http_whole_path(visit->request);
	size_t len = strlen(weft_http_request_path(visit->request));
	struct weft_str address;
	int result = -1;

	if (!whole)
		return -1;
	weft_str_init(&address, WEFT_STR_LEN_MAX);
	weft_str_append_bytes(&address, whole, strlen(whole) - len);
	weft_str_appendf(
		&address, WEFT__TUS_ENDPOINT "/%s", weft_files_upload_facts(visit->upload).id);
	if (!weft_str_error(&address))
		result =
			weft__http_upload_location(visit->response, weft_str_text(&address), false);
	weft_str_fini(&address);
	free(whole);
	return result;
}

int weft__tus_begin(struct weft__tus_visit *visit)
{
	const char *path = weft_http_request_path(visit->request);
	char name[NAME_MAX + 4];
	int64_t len;
	int result;

	if (!is_endpoint(path) &&
		strncmp(path, WEFT__TUS_ENDPOINT "/", WEFT__TUS_ENDPOINT_LEN + 1) == 0)
		return weft__tus_refuse(visit, 404, "This is no place to begin an upload.");
	if (weft__tus_field(visit, "Upload-Metadata").len > METADATA_MAX)
		return weft__tus_refuse(visit, 400, "Upload-Metadata is too long.");
	result = len_of(visit, &len);

	if (result == WEFT__TUS_GO_ON)
		result = name_of(visit, name, sizeof(name));
	if (result != WEFT__TUS_GO_ON)
		return result;
	if (!weft__tus_take_conflict(visit, weft__tus_field(visit, "Upload-Metadata")))
		return weft__tus_refuse(
			visit, 400, "A conflict is one of: refuse, replace, unique.");
	visit->upload = create(visit, name, len);
	if (!visit->upload)
		return weft__tus_refuse_code(visit, errno);
	if (add_location(visit) < 0)
		return 503;
	/* Creation with upload: the first bytes come at once. */
	if (weft__tus_is_text(weft__tus_field(visit, "Content-Type"), WEFT__TUS_BYTES))
		result = weft__tus_append(visit);
	else
		result = weft__tus_settle(visit);
	return result == WEFT__TUS_GO_ON ? weft_http_response_send(visit->response, 201, NULL)
					 : result;
}
