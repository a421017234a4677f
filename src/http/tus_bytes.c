/*
 * tus_bytes.c - bytes on their way into an upload of tus, and the fields that tell of it
 * (tus_visit.h).
 *
 * Entry points: weft__tus_append(), weft__tus_settle().
 *
 * When a body breaks off, what came of it is kept, unless it had a checksum, which then says
 * nothing.
 *
 * Never: an offset told that a crash could take back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "http/date.h"
#include "http/limits.h"
#include "http/origin.h"
#include "http/tus_visit.h"
#include "weft/scope.h"

/** Of a field with a checksum: the name of its algorithm, and base64. */
#define CHECKSUM_MAX 100

/** After so many bytes of one body they are brought to the disk: what a kill would take back. */
#define SYNC_EVERY ((int64_t)16 * 1024 * 1024)

/* ---- Fields ------------------------------------------------------------------------------- */

struct weft_http_text weft__tus_field(const struct weft__tus_visit *visit, const char *name)
{
	return weft_http_request_field(visit->request, name);
}

bool weft__tus_is_text(struct weft_http_text text, const char *expected)
{
	return text.data && text.len == strlen(expected) &&
	       memcmp(text.data, expected, text.len) == 0;
}

/* A number of bytes; -1: the field is not there, -2: it is none. */
int64_t weft__tus_number(const struct weft__tus_visit *visit, const char *name)
{
	struct weft_http_text text = weft__tus_field(visit, name);
	int64_t number = 0;

	if (!text.data)
		return -1;
	if (text.len == 0 || text.len > 18)
		return -2;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -2;
		number = number * 10 + (text.data[i] - '0');
	}
	return number;
}

int weft__tus_add_number(const struct weft__tus_visit *visit, const char *name, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)number);
	return weft_http_response_field(visit->response, name, text);
}

/* Where the upload stands, and until when it can be gone on with. */
int weft__tus_add_state(const struct weft__tus_visit *visit)
{
	struct weft_files_upload_facts facts = weft_files_upload_facts(visit->upload);
	char date[WEFT__HTTP_DATE_LEN + 1] = "";

	weft__http_date_print(date, facts.expires_s);
	if (weft__tus_add_number(visit, "Upload-Offset", facts.offset) < 0)
		return -1;
	return weft_http_response_field(visit->response, "Upload-Expires", date);
}

int weft__tus_refuse(struct weft__tus_visit *visit, int status, const char *why)
{
	weft__http_upload_drain(visit->request);
	return weft_http_response_error(visit->response, status, why);
}

/* Say no, in the way of what the engine said. */
int weft__tus_refuse_code(struct weft__tus_visit *visit, int code)
{
	/* 409 is about offsets, and would be tried again by who has not said what to do then. */
	if (code == EEXIST || code == EISDIR || code == EBUSY)
		return weft__tus_refuse(visit, visit->has_conflict ? 409 : 403,
			"There is something of this name already.");
	return weft__http_upload_refuse(
		visit->uploads->files, visit->request, visit->response, code);
}

/* ---- Checksums ------------------------------------------------------------------------------ */

/* "ALGORITHM BASE64". */
static int begin_checksum(struct weft__tus_visit *visit)
{
	struct weft_http_text text = weft__tus_field(visit, "Upload-Checksum");
	const char *space = text.data ? memchr(text.data, ' ', text.len) : NULL;
	uint8_t decoded[CHECKSUM_MAX];
	size_t name_len, rest_len;

	if (!text.data)
		return WEFT__TUS_GO_ON;
	if (!space || text.len > CHECKSUM_MAX)
		return weft__tus_refuse(visit, 400, "The checksum can't be read.");
	name_len = (size_t)(space - text.data);
	rest_len = text.len - name_len - 1;
	visit->digest = weft__digest_new_of(text.data, name_len, &visit->digest_size);
	if (!visit->digest)
		return errno == ENOMEM ? 503
				       : weft__tus_refuse(visit, 400,
						 "The checksum is of a kind that is not known.");
	if (weft__base64_decode(decoded, space + 1, rest_len) != (ssize_t)visit->digest_size)
		return weft__tus_refuse(visit, 400, "The checksum can't be read.");
	memcpy(visit->expected, decoded, visit->digest_size);
	return WEFT__TUS_GO_ON;
}

static bool is_checksum_right(struct weft__tus_visit *visit)
{
	uint8_t found[WEFT__DIGEST_SIZE];

	if (!visit->digest)
		return true;
	weft__digest_end(visit->digest, found);
	return memcmp(found, visit->expected, visit->digest_size) == 0;
}

/* ---- Bytes ---------------------------------------------------------------------------------- */

/* The body, to the upload. 0; -1: it broke off; -2: the engine says errno. */
static int receive_with(struct weft__tus_visit *visit, char *block)
{
	const struct weft__http_upload_source source = {visit->uploads, visit->request, NULL};
	int64_t unsynced = 0;
	ssize_t len;

	while ((len = weft__http_upload_read(&source, block, WEFT__HTTP_BODY_BLOCK)) > 0) {
		if (visit->digest)
			weft__digest_add(visit->digest, block, (size_t)len);
		if (weft_files_upload_write(visit->upload, block, (size_t)len) < 0)
			return -2;
		unsynced += len;
		if (unsynced < SYNC_EVERY || visit->digest)
			continue;
		if (weft_files_upload_sync(visit->upload) < 0)
			return -2;
		unsynced = 0;
	}
	return len < 0 ? -1 : 0;
}

static int receive(struct weft__tus_visit *visit)
{
	char *block = malloc(WEFT__HTTP_BODY_BLOCK);
	int result = -2, code;

	if (!block || weft__http_upload_enter(visit->uploads, visit->request) < 0) {
		free(block);
		return -2;
	}
	result = receive_with(visit, block);
	code = errno;
	weft__http_upload_leave(visit->uploads, visit->request);
	free(block);
	errno = code;
	return result;
}

/* Where the file is now, beside the service's own addresses. Without memory it is there all the
 * same. */
static void add_address(struct weft__tus_visit *visit, const char *path, const char *name)
{
	char *whole = weft__http_whole_path(visit->request), *address = NULL;
	size_t len = strlen(weft_http_request_path(visit->request));

	if (whole && asprintf(&address, "%.*s/%s", (int)(strlen(whole) - len), whole, path) >= 0)
		weft__http_upload_add_address(visit->response, "Content-Location", address, name);
	else
		address = NULL;
	free(address);
	free(whole);
	errno = 0;
}

/* All of it is there: it gets its name. 0, or -1; then it is there as before. */
static int publish(struct weft__tus_visit *visit)
{
	struct weft_files_upload_facts facts = weft_files_upload_facts(visit->upload);
	struct weft_files_put_options options = {
		.may_replace = true, .judge = weft__http_upload_judge, .arg = &visit->rule};
	struct weft_files_result done;
	char *path = strdup(facts.path);
	int result;

	/* What was said at its beginning is kept with it. */
	weft__tus_take_conflict(visit, (struct weft_http_text){facts.remark, strlen(facts.remark)});
	options.is_unique = visit->is_unique;
	result = path ? weft_files_upload_commit(visit->upload, &options, &done) : -1;
	if (result == 0) {
		visit->upload = NULL;
		add_address(visit, path, done.name);
	}
	free(path);
	return result;
}

/* What came is on the disk, and whole, published. */
int weft__tus_settle(struct weft__tus_visit *visit)
{
	struct weft_files_upload_facts facts;

	if (weft_files_upload_sync(visit->upload) < 0)
		return weft__tus_refuse_code(visit, errno);
	facts = weft_files_upload_facts(visit->upload);
	if (weft__tus_add_state(visit) < 0)
		return 503;
	if (facts.offset == facts.len && publish(visit) < 0)
		return weft__tus_refuse_code(visit, errno);
	return WEFT__TUS_GO_ON;
}

/* The bytes of the body. */
int weft__tus_append(struct weft__tus_visit *visit)
{
	int64_t begun = weft_files_upload_facts(visit->upload).offset;
	int result = begin_checksum(visit), code;

	if (result != WEFT__TUS_GO_ON)
		return result;
	result = receive(visit);
	code = errno;
	/* What came of a body that broke off is kept by the upload's close. */
	if (result == -1 && visit->digest)
		WEFT_SHIELDED
			weft_files_upload_rewind(visit->upload, begun);
	if (result == -1)
		return -1;
	if (result < 0) {
		weft_files_upload_rewind(visit->upload, begun);
		return weft__tus_refuse_code(visit, code);
	}
	if (is_checksum_right(visit))
		return weft__tus_settle(visit);
	if (weft_files_upload_rewind(visit->upload, begun) < 0)
		return weft__tus_refuse_code(visit, errno);
	return weft_http_response_error(
		visit->response, 460, "What came has another checksum, and was not kept.");
}
