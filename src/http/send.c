/*
 * send.c - sends one open file: whole, in part, or not at all when the peer has it already.
 *
 * Entry point: weft__http_file_send() of file.h.
 *
 * Never: mixes the fields or the bytes of two forms of a file; each has a tag of its own.
 */
#include "http/file.h"

#include <stdio.h>
#include <string.h>

#include "http/range.h"
#include "weft/fiber.h"

/** Bytes of the fields before a part, but for its type. */
#define PART_FIELDS_MAX 160

/* ---- Whole, or one part --------------------------------------------------------------- */

/* Fields that depend on the answer, then those of the file from from_at on, then the end. */
static int send_head(const struct weft__http_file *file, struct weft_http_response *response,
	int status, const char *fields, size_t from_at)
{
	weft__http_response_drop_type(response);
	if (weft__http_response_begin(response, status) < 0 ||
		weft__http_response_write_fields(response, fields, strlen(fields)) < 0 ||
		weft__http_response_write_fields(
			response, file->text + from_at, file->fields_len - from_at) < 0)
		return -1;
	return weft__http_response_end_fields(response);
}

static int send_content(const struct weft__http_file *file, struct weft_http_response *response,
	int64_t offset, int64_t len)
{
	if (file->has_content)
		return weft__http_response_write_body(
			response, file->text + file->fields_len + 2 + offset, (size_t)len);
	return weft__http_response_write_file(response, file->fd, offset, len);
}

static int send_whole(const struct weft__http_file *file, struct weft_http_response *response)
{
	/* The common case: all but the date is one piece. */
	if (file->is_one_piece && response->request->head.method == WEFT_HTTP_GET &&
		weft__http_response_ends_plain(response))
		return weft__http_response_write_whole(
			response, file->text, file->text_len, file->stat.st_size);
	if (send_head(file, response, 200, "", 0) < 0)
		return -1;
	return send_content(file, response, 0, file->stat.st_size);
}

static int send_part(const struct weft__http_file *file, struct weft_http_response *response,
	int64_t offset, int64_t len)
{
	char fields[160];

	snprintf(fields, sizeof(fields),
		"Content-Length: %lld\r\nContent-Range: bytes %lld-%lld/%lld\r\n", (long long)len,
		(long long)offset, (long long)(offset + len - 1), (long long)file->stat.st_size);
	if (send_head(file, response, 206, fields, file->type_at) < 0)
		return -1;
	return send_content(file, response, offset, len);
}

/* ---- Several parts: multipart/byteranges, section 14.6 ---------------------------------- */

struct multipart {
	const struct weft__http_file *file;
	const struct weft__http_parts *parts;
	char boundary[40];
	size_t type_len; /* of the file's Content-Type line, its CRLF included */
};

/* Bytes of what stands before a part. */
#define PART_HEAD_MAX (WEFT__HTTP_TYPE_MAX + PART_FIELDS_MAX)

/* What stands before a part; its length. */
static int part_head(
	const struct multipart *multipart, unsigned index, char ret_text[PART_HEAD_MAX])
{
	const struct weft__http_file *file = multipart->file;
	const struct weft__http_part *part = &multipart->parts->parts[index];

	return snprintf(ret_text, PART_HEAD_MAX,
		"\r\n--%s\r\n%.*sContent-Range: bytes %lld-%lld/%lld\r\n\r\n", multipart->boundary,
		(int)multipart->type_len, file->text + file->type_at, (long long)part->offset,
		(long long)(part->offset + part->len - 1), (long long)file->stat.st_size);
}

static int64_t multipart_len(const struct multipart *multipart)
{
	char text[PART_HEAD_MAX];
	int64_t len =
		(int64_t)strlen(multipart->boundary) + 8; /* CR LF, -- before and behind, CR LF */

	for (unsigned i = 0; i < multipart->parts->count; i++)
		len += part_head(multipart, i, text) + multipart->parts->parts[i].len;
	return len;
}

static int send_multipart_body(
	const struct multipart *multipart, struct weft_http_response *response)
{
	char text[PART_HEAD_MAX];
	int len;

	for (unsigned i = 0; i < multipart->parts->count; i++) {
		const struct weft__http_part *part = &multipart->parts->parts[i];

		len = part_head(multipart, i, text);
		if (weft__http_response_write_body(response, text, (size_t)len) < 0 ||
			send_content(multipart->file, response, part->offset, part->len) < 0)
			return -1;
	}
	len = snprintf(text, sizeof(text), "\r\n--%s--\r\n", multipart->boundary);
	return weft__http_response_write_body(response, text, (size_t)len);
}

static int send_parts(const struct weft__http_file *file, struct weft_http_response *response,
	const struct weft__http_parts *parts)
{
	struct multipart multipart = {.file = file, .parts = parts};
	const char *type = file->text + file->type_at;
	char fields[160];

	if (parts->count == 1)
		return send_part(file, response, parts->parts[0].offset, parts->parts[0].len);
	multipart.type_len =
		(size_t)((const char *)memchr(type, '\n', file->fields_len - file->type_at) + 1 -
			 type);
	snprintf(multipart.boundary, sizeof(multipart.boundary), "%016llx%016llx",
		(unsigned long long)weft_random(), (unsigned long long)weft_random());
	snprintf(fields, sizeof(fields),
		"Content-Length: %lld\r\nContent-Type: multipart/byteranges; boundary=%s\r\n",
		(long long)multipart_len(&multipart), multipart.boundary);
	if (send_head(file, response, 206, fields, file->type_at + multipart.type_len) < 0)
		return -1;
	return send_multipart_body(&multipart, response);
}

/* ---- What is asked for --------------------------------------------------------------------- */

static int send_unsatisfiable(
	const struct weft__http_file *file, struct weft_http_response *response)
{
	char range[64];

	snprintf(range, sizeof(range), "bytes */%lld", (long long)file->stat.st_size);
	return weft_http_response_field(response, "Content-Range", range) < 0 ? 500 : 416;
}

/* Section 14.2: a Range is for GET only, and ignored where If-Range doesn't hold. */
static enum weft__http_range_result find_parts(const struct weft__http_file *file,
	const struct weft_http_request *request, struct weft__http_parts *ret_parts)
{
	struct weft_http_text range =
		weft__http_head_known(&request->head, request->data, WEFT__HTTP_RANGE);

	if (!range.data || request->head.method != WEFT_HTTP_GET ||
		!weft__http_condition_range_holds(&request->head, request->data, &file->validators))
		return WEFT__HTTP_RANGE_NONE;
	return weft__http_range_parse(range.data, range.len, file->stat.st_size, ret_parts);
}

int weft__http_file_send_as(
	const struct weft__http_file *file, int status, struct weft_http_response *response)
{
	weft__http_response_drop_type(response);
	/* Not its validators: they are those of a 200, and this is no answer to keep. */
	if (weft__http_response_begin(response, status) < 0 ||
		weft__http_response_write_fields(response, file->text, file->validators_at) < 0 ||
		weft__http_response_end_fields(response) < 0)
		return -1;
	return send_content(file, response, 0, file->stat.st_size);
}

int weft__http_file_send(const struct weft__http_file *file,
	const struct weft_http_request *request, struct weft_http_response *response)
{
	struct weft__http_parts parts;

	if (!weft__http_head_is_conditional(&request->head))
		return send_whole(file, response);
	switch (weft__http_condition_status(&request->head, request->data, &file->validators)) {
	case 304:
		return send_head(file, response, 304, "", file->validators_at);
	case 412:
		return 412;
	default:
		break;
	}
	switch (find_parts(file, request, &parts)) {
	case WEFT__HTTP_RANGE_PARTS:
		return send_parts(file, response, &parts);
	case WEFT__HTTP_RANGE_UNSATISFIABLE:
		return send_unsatisfiable(file, response);
	default:
		return send_whole(file, response);
	}
}
