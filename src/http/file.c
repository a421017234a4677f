/*
 * file.c - serves one open file: whole, in part, or not at all when the peer has it already.
 *
 * Entry points: weft__http_file_new(), weft__http_file_is_current(), weft__http_file_send().
 *
 * All that an answer needs is put together when the file is opened, fields and (small)
 * content in one piece of memory: a hit is one write of it.
 *
 * "Unchanged" means that inode, size, mtime and ctime are. That fails when a file is
 * changed twice within one tick of the file system's clock, once before and once
 * after it was read. So a file that had changed just before it was read is not
 * settled: its tag is weak, and its content is read anew for the next request.
 *
 * Never: changes a file once it is made.
 */
#include "http/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "http/limits.h"
#include "http/mime.h"
#include "http/range.h"
#include "weft/fiber.h"

/** Bytes of all fields together: types and dates are short constants. */
#define FIELDS_LEN_MAX 512

/** How often a file that changes while it is read is read again. */
#define READ_TRIES 4

/* Modulo 2^64: whoever owns a file can date it to any year, and int64_t ends in 2262. */
static uint64_t time_ns(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * UINT64_C(1000000000) + (uint64_t)time->tv_nsec;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       time_ns(&a->st_mtim) == time_ns(&b->st_mtim) &&
	       time_ns(&a->st_ctim) == time_ns(&b->st_ctim);
}

bool weft__http_file_is_current(const struct weft__http_file *file)
{
	struct stat now;

	return fstat(file->fd, &now) == 0 && now.st_nlink > 0 && is_same(&now, &file->stat);
}

/* ---- Making -------------------------------------------------------------------------- */

static bool is_settled(const struct stat *stat)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)(time_ns(&now) - time_ns(&stat->st_ctim)) > WEFT__HTTP_CACHE_SETTLE_NS;
}

static void make_validators(struct weft__http_file *file)
{
	snprintf(file->etag, sizeof(file->etag), "\"%llx-%llx-%llx\"",
		(unsigned long long)time_ns(&file->stat.st_mtim),
		(unsigned long long)file->stat.st_size, (unsigned long long)file->stat.st_ino);
	file->validators.etag = file->etag;
	file->validators.etag_is_weak = !file->is_settled;
	file->validators.modified_s = file->stat.st_mtim.tv_sec;
}

static void make_fields(struct weft__http_file *file, const char *name)
{
	struct weft_str str;
	char modified[WEFT__HTTP_DATE_LEN + 1] = {0};
	int64_t modified_s = file->validators.modified_s;

	weft_str_init_in(&str, file->text, FIELDS_LEN_MAX);
	weft_str_appendf(&str, "Content-Length: %lld\r\n", (long long)file->stat.st_size);
	file->type_at = weft_str_len(&str);
	weft_str_appendf(&str,
		"Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\n"
		"Accept-Ranges: bytes\r\n",
		weft__http_mime_type(name));
	file->validators_at = weft_str_len(&str);
	/* RFC 9110, section 8.8.2.1: a date to come is none to send; the tag does without it. */
	if (modified_s <= weft__http_now_s()) {
		weft__http_date_print(modified, modified_s);
		weft_str_appendf(&str, "Last-Modified: %s\r\n", modified);
	}
	weft_str_appendf(&str, "ETag: %s%s\r\n", file->is_settled ? "" : "W/", file->etag);
	file->fields_len = weft_str_len(&str);
	weft_str_append(&str, "\r\n");
	file->text_len = weft_str_len(&str);
}

/* Read exactly len bytes. Returns false when there are fewer, or an error. */
static bool read_whole(int fd, char *ret_data, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t count = pread(fd, ret_data + have, len - have, (off_t)have);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return false;
		have += (size_t)count;
	}
	return true;
}

/* Returns the file, or NULL with EAGAIN when it changed meanwhile. */
static struct weft__http_file *make(int fd, const struct stat *stat, const char *name)
{
	bool has_content = stat->st_size <= WEFT__HTTP_CACHED_FILE_MAX;
	size_t size = has_content ? (size_t)stat->st_size : 0;
	struct weft__http_file *file = malloc(sizeof(*file) + FIELDS_LEN_MAX + size);
	struct stat after;

	if (!file)
		return NULL;
	*file = (struct weft__http_file){
		.fd = fd, .references = 1, .stat = *stat, .has_content = has_content};
	file->is_settled = is_settled(stat);
	make_validators(file);
	make_fields(file, name);
	if (!has_content)
		return file;
	errno = EAGAIN;
	if (!read_whole(fd, file->text + file->text_len, size) || fstat(fd, &after) < 0 ||
		!is_same(stat, &after)) {
		free(file);
		return NULL;
	}
	file->text_len += size;
	return file;
}

struct weft__http_file *weft__http_file_new(int fd, const struct stat *stat, const char *name)
{
	struct stat current = *stat;

	for (int i = 0; i < READ_TRIES; i++) {
		struct weft__http_file *file = make(fd, &current, name);

		if (file || errno != EAGAIN)
			return file;
		if (fstat(fd, &current) < 0)
			return NULL;
	}
	errno = EAGAIN;
	return NULL;
}

void weft__http_file_release(struct weft__http_file *file)
{
	if (!file || --file->references > 0)
		return;
	close(file->fd);
	free(file);
}

/* ---- Sending -------------------------------------------------------------------------- */

/* Fields that depend on the answer, then those of the file from from_at on, then the end. */
static int send_head(const struct weft__http_file *file, struct weft_http_response *response,
	int status, const char *fields, size_t from_at)
{
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
	if (file->has_content && response->request->head.method == WEFT_HTTP_GET &&
		weft__http_response_ends_plain(response)) {
		if (weft__http_response_begin(response, 200) < 0)
			return -1;
		response->body_len = file->stat.st_size;
		return weft__http_response_write_fields(response, file->text, file->text_len);
	}
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

/* What stands before a part; its length. */
static int part_head(const struct multipart *multipart, unsigned index, char *text, size_t size)
{
	const struct weft__http_file *file = multipart->file;
	const struct weft__http_part *part = &multipart->parts->parts[index];

	return snprintf(text, size, "\r\n--%s\r\n%.*sContent-Range: bytes %lld-%lld/%lld\r\n\r\n",
		multipart->boundary, (int)multipart->type_len, file->text + file->type_at,
		(long long)part->offset, (long long)(part->offset + part->len - 1),
		(long long)file->stat.st_size);
}

static int64_t multipart_len(const struct multipart *multipart)
{
	int64_t len =
		(int64_t)strlen(multipart->boundary) + 8; /* CR LF, -- before and behind, CR LF */

	for (unsigned i = 0; i < multipart->parts->count; i++)
		len += part_head(multipart, i, NULL, 0) + multipart->parts->parts[i].len;
	return len;
}

static int send_multipart_body(
	const struct multipart *multipart, struct weft_http_response *response)
{
	char text[FIELDS_LEN_MAX + 256];
	int len;

	for (unsigned i = 0; i < multipart->parts->count; i++) {
		const struct weft__http_part *part = &multipart->parts->parts[i];

		len = part_head(multipart, i, text, sizeof(text));
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
	multipart.type_len = (size_t)((const char *)memchr(type, '\n', FIELDS_LEN_MAX) + 1 - type);
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
	if (weft_http_response_field(response, "Content-Range", range) < 0)
		return -1;
	return weft_http_response_error(response, 416, NULL);
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

int weft__http_file_send(const struct weft__http_file *file,
	const struct weft_http_request *request, struct weft_http_response *response)
{
	struct weft__http_parts parts;

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
