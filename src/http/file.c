/*
 * file.c - makes an open file ready to be sent.
 *
 * Entry points: weft__http_file_new(), weft__http_file_is_current(). send.c sends it.
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
#include "http/variants.h"

/** Bytes of all fields together, the policy's among them. */
#define FIELDS_LEN_MAX 8192

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

bool weft__http_file_is_settled(const struct stat *stat)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)(time_ns(&now) - time_ns(&stat->st_ctim)) > WEFT__HTTP_CACHE_SETTLE_NS;
}

void weft__http_file_tag(
	char ret_tag[WEFT__HTTP_TAG_SIZE], const struct stat *stat, const char *more)
{
	snprintf(ret_tag, WEFT__HTTP_TAG_SIZE, "\"%llx-%llx-%llx%.48s\"",
		(unsigned long long)time_ns(&stat->st_mtim), (unsigned long long)stat->st_size,
		(unsigned long long)stat->st_ino, more);
}

static void make_validators(struct weft__http_file *file, const char *tag)
{
	if (tag)
		snprintf(file->etag, sizeof(file->etag), "%s", tag);
	else
		weft__http_file_tag(file->etag, &file->stat, "");
	file->validators.etag = file->etag;
	file->validators.etag_is_weak = !file->is_settled;
	file->validators.modified_s = file->stat.st_mtim.tv_sec;
}

/* The fields of validators, and what else a 304 says: RFC 9110, section 15.4.5. */
static void append_validators(struct weft_str *str, const struct weft__http_file *file,
	const struct weft__http_facts *facts)
{
	char modified[WEFT__HTTP_DATE_LEN + 1] = {0};
	int64_t modified_s = file->validators.modified_s;

	/* RFC 9110, section 8.8.2.1: a date to come is none to send; the tag does without it. */
	if (modified_s <= weft__http_now_s()) {
		weft__http_date_print(modified, modified_s);
		weft_str_appendf(str, "Last-Modified: %s\r\n", modified);
	}
	weft_str_appendf(str, "ETag: %s%s\r\n", file->is_settled ? "" : "W/", file->etag);
	if (facts->varies || facts->asker)
		weft_str_appendf(str, "Vary: %s%s%s\r\n", facts->varies ? "Accept-Encoding" : "",
			facts->varies && facts->asker ? ", " : "",
			facts->asker ? facts->asker : "");
	weft_str_append_bytes(str, weft_str_text(&facts->more), weft_str_len(&facts->more));
}

/* Write down all fields, and where the parts begin. */
static void make_fields(struct weft__http_file *file, const struct weft__http_source *source,
	struct weft_str *fields)
{
	weft_str_appendf(fields, "Content-Length: %lld\r\n", (long long)file->stat.st_size);
	file->type_at = weft_str_len(fields);
	weft_str_appendf(fields, "Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\n",
		source->facts->type);
	if (source->coding)
		weft_str_appendf(fields, "Content-Encoding: %s\r\n", source->coding);
	else
		weft_str_append(fields, "Accept-Ranges: bytes\r\n");
	file->validators_at = weft_str_len(fields);
	append_validators(fields, file, source->facts);
	file->fields_len = weft_str_len(fields);
	weft_str_append(fields, "\r\n");
}

bool weft__http_file_read(int fd, char *ret_data, size_t len)
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

/* A file without its content, for which there is room. */
static struct weft__http_file *make_empty(
	const struct weft__http_source *source, size_t content_len)
{
	struct weft__http_file draft = {.fd = source->fd,
		.references = 1,
		.stat = source->stat,
		.is_settled = weft__http_file_is_settled(&source->stat),
		.is_download = source->facts->is_download,
		.varies = source->facts->varies};
	struct weft__http_file *file = NULL;
	struct weft_str fields;

	weft_str_init(&fields, FIELDS_LEN_MAX);
	make_validators(&draft, source->tag);
	make_fields(&draft, source, &fields);
	errno = weft_str_error(&fields);
	if (!errno)
		file = malloc(sizeof(*file) + weft_str_len(&fields) + content_len);
	if (file) {
		*file = draft;
		file->validators.etag = file->etag;
		file->text_len = weft_str_len(&fields);
		memcpy(file->text, weft_str_text(&fields), file->text_len);
	}
	weft_str_fini(&fields);
	return file;
}

/* Returns the file, or NULL with EAGAIN when it changed meanwhile. */
static struct weft__http_file *make(const struct weft__http_source *source)
{
	bool has_content = source->content || source->stat.st_size <= WEFT__HTTP_CACHED_FILE_MAX;
	size_t len = has_content ? (size_t)source->stat.st_size : 0;
	struct weft__http_file *file = make_empty(source, len);
	struct stat after;

	if (!file || !has_content)
		return file;
	if (source->content) {
		memcpy(file->text + file->text_len, source->content, len);
	} else if (!weft__http_file_read(source->fd, file->text + file->text_len, len) ||
		   fstat(source->fd, &after) < 0 || !is_same(&source->stat, &after)) {
		free(file);
		errno = EAGAIN;
		return NULL;
	}
	file->has_content = true;
	file->is_one_piece = len <= WEFT__HTTP_CACHED_FILE_MAX;
	file->text_len += len;
	return file;
}

struct weft__http_file *weft__http_file_new(const struct weft__http_source *source)
{
	struct weft__http_source current = *source;

	for (int i = 0; i < READ_TRIES; i++) {
		struct weft__http_file *file = make(&current);

		if (file || errno != EAGAIN)
			return file;
		if (fstat(current.fd, &current.stat) < 0)
			return NULL;
	}
	errno = EAGAIN;
	return NULL;
}

void weft__http_file_release(struct weft__http_file *file)
{
	if (!file || --file->references > 0)
		return;
	weft__http_variants_free(file->variants);
	if (file->fd >= 0)
		close(file->fd);
	free(file);
}
