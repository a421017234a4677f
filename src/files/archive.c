/*
 * archive.c - a folder as a stream of zip or tar (weft/files.h, archive.h).
 *
 * Entry point: weft_files_archive().
 *
 *	walk -> open each file, within the visitor's rights
 *	     -> a thread: read a block, sum it, deflate it	-> the caller's fiber: write it
 *	zip: a file of one block is known before its head goes out, and is stored where deflate
 *	     gains nothing; of a longer one the sums follow it
 *
 * Written here, not by libarchive: that one's writer deflates and reads where it is called, which
 * would hold up the worker, and needs a locale to write names in UTF-8.
 *
 * Never: a byte read of what the visitor may not; memory for more than a block of a file.
 */
#include "files/archive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef WEFT_HAS_ZLIB
#include <zlib.h>
#endif

#include "files/walk.h"
#include "weft/offload.h"

#define BLOCK ((size_t)128 * 1024)

/** What a block is at most when deflate gains nothing. */
#define PACKED_SIZE (BLOCK + BLOCK / 128 + 256)

/** Bytes of a zip's directory. */
#define DIRECTORY_MAX ((size_t)64 * 1024 * 1024)

/* Speed before size: it is packed again for each who asks. */
#define LEVEL 1

/* One of 32 saved makes it worth while. */
#define GAIN 32

struct archive {
	struct weft_files *files;
	const struct weft_files_visitor *visitor;
	const char *path;
	const struct weft_files_archive_options *options;
	int64_t offset; /* bytes that were written */
	struct weft_str text, name, directory;
	const char **names; /* in order; NULL: all */
	uint64_t count;
	/* The file on its way. */
	int fd;
	int64_t left; /* of its announced length */
	char *block;
	size_t block_len;
#ifdef WEFT_HAS_ZLIB
	char *packed;
	size_t packed_len;
	z_stream deflate;
	bool has_deflate, is_last;
	uint32_t crc;
#endif
};

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Writing ----------------------------------------------------------------------------- */

static int write_bytes(struct archive *archive, const void *data, size_t len)
{
	archive->offset += (int64_t)len;
	return len == 0 ? 0 : archive->options->write(data, len, archive->options->arg);
}

static int write_text(struct archive *archive)
{
	int result = weft_str_error(&archive->text)
			     ? fail(ENOMEM)
			     : write_bytes(archive, weft_str_text(&archive->text),
				       weft_str_len(&archive->text));

	weft_str_reset(&archive->text);
	return result;
}

/* ---- Reading ----------------------------------------------------------------------------- */

/* On a thread: the next block of the file, less at its end. */
static int read_block(void *arg)
{
	struct archive *archive = arg;
	size_t size = archive->left < (int64_t)BLOCK ? (size_t)archive->left : BLOCK;

	archive->block_len = 0;
	while (archive->block_len < size) {
		ssize_t len = read(archive->fd, archive->block + archive->block_len,
			size - archive->block_len);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -1;
		if (len == 0)
			break;
		archive->block_len += (size_t)len;
	}
	archive->left = archive->block_len < size ? 0 : archive->left - (int64_t)size;
	return 0;
}

/* What is left out of an archive, and not a failure of it. */
static bool may_leave_out(int code)
{
	return code == ENOENT || code == EACCES || code == EPERM || code == ENOTDIR ||
	       code == ELOOP || code == ENODEV || code == EXDEV || code == ENAMETOOLONG;
}

/* Open one. 1; 0: it is left out; -1. */
static int open_file(struct archive *archive, const char *below, struct weft__member *member)
{
	struct stat stat;
	struct weft_str path;

	weft_str_init(&path, WEFT_STR_LEN_MAX);
	weft_str_appendf(&path, "%s%s%s", archive->path, archive->path[0] ? "/" : "", below);
	archive->fd = -1;
	errno = ENOMEM;
	if (!weft_str_error(&path))
		archive->fd = weft_files_open(
			archive->files, archive->visitor, weft_str_text(&path), &stat);
	weft_str_fini(&path);
	if (archive->fd < 0)
		return may_leave_out(errno) ? 0 : -1;
	if (!S_ISREG(stat.st_mode))
		return 0;
	member->len = archive->left = stat.st_size;
	member->mtime_s = stat.st_mtime;
	member->mode = stat.st_mode;
	return 1;
}

/* ---- tar --------------------------------------------------------------------------------- */

static int write_zeros(struct archive *archive, int64_t len)
{
	int result = 0;

	memset(archive->block, 0, BLOCK);
	for (int64_t some; len > 0 && result == 0; len -= some) {
		some = len < (int64_t)BLOCK ? len : (int64_t)BLOCK;
		result = write_bytes(archive, archive->block, (size_t)some);
	}
	return result;
}

static int add_to_tar(struct archive *archive, const struct weft__member *member)
{
	int64_t missing = member->len;

	if (weft__tar_append_head(&archive->text, member) < 0 || write_text(archive) < 0)
		return -1;
	while (archive->left > 0) {
		if (weft_offload_as(WEFT_OFFLOAD_FILE, read_block, archive) < 0 ||
			write_bytes(archive, archive->block, archive->block_len) < 0)
			return -1;
		missing -= (int64_t)archive->block_len;
	}
	return write_zeros(archive, missing + (int64_t)weft__tar_padding(member->len));
}

/* ---- zip --------------------------------------------------------------------------------- */

#ifdef WEFT_HAS_ZLIB

/* Deflate the block with what is set. 0 or -1. */
static int deflate_block(struct archive *archive)
{
	z_stream *stream = &archive->deflate;
	int result;

	stream->next_in = (Bytef *)archive->block;
	stream->avail_in = (uInt)archive->block_len;
	stream->next_out = (Bytef *)archive->packed;
	stream->avail_out = PACKED_SIZE;
	/* Each block to its end: so what comes out is never more than there is room for. */
	result = deflate(stream, archive->is_last ? Z_FINISH : Z_SYNC_FLUSH);
	archive->packed_len = PACKED_SIZE - stream->avail_out;
	if (stream->avail_in > 0 || stream->avail_out == 0)
		return fail(EIO);
	return result == Z_OK || result == Z_STREAM_END ? 0 : fail(EIO);
}

static int set_level(struct archive *archive, int level)
{
	if (!archive->has_deflate) {
		if (deflateInit2(&archive->deflate, level, Z_DEFLATED, -MAX_WBITS, 8,
			    Z_DEFAULT_STRATEGY) != Z_OK)
			return fail(ENOMEM);
		archive->has_deflate = true;
		return 0;
	}
	deflateReset(&archive->deflate);
	deflateParams(&archive->deflate, level, Z_DEFAULT_STRATEGY);
	return 0;
}

static bool has_gained(const struct archive *archive)
{
	return archive->packed_len + archive->block_len / GAIN < archive->block_len;
}

static int pack_block(void *arg)
{
	struct archive *archive = arg;

	if (read_block(archive) < 0)
		return -1;
	archive->is_last = archive->left == 0;
	archive->crc = (uint32_t)crc32(
		archive->crc, (const Bytef *)archive->block, (uInt)archive->block_len);
	return deflate_block(archive);
}

/* The first one says whether it is worth while: what is packed already is not packed again. */
static int pack_first(void *arg)
{
	struct archive *archive = arg;

	archive->crc = 0;
	if (set_level(archive, archive->options->no_compression ? 0 : LEVEL) < 0 ||
		pack_block(archive) < 0)
		return -1;
	if (archive->is_last || has_gained(archive) || archive->options->no_compression)
		return 0;
	return set_level(archive, 0) < 0 ? -1 : deflate_block(archive);
}

static int note_in_directory(struct archive *archive, const struct weft__zip_member *zipped)
{
	archive->count++;
	weft__zip_append_central(&archive->directory, zipped);
	if (!weft_str_error(&archive->directory))
		return 0;
	return fail(weft_str_error(&archive->directory) == ENOMEM ? ENOMEM : E2BIG);
}

/* All of it was in one block: stored, or deflated where that is less. */
static int add_whole(struct archive *archive, struct weft__zip_member *zipped)
{
	zipped->is_deflated = has_gained(archive);
	zipped->crc = archive->crc;
	zipped->member.len = (int64_t)archive->block_len;
	zipped->packed_len =
		zipped->is_deflated ? (int64_t)archive->packed_len : zipped->member.len;
	weft__zip_append_local(&archive->text, zipped);
	if (write_text(archive) < 0)
		return -1;
	return write_bytes(archive, zipped->is_deflated ? archive->packed : archive->block,
		(size_t)zipped->packed_len);
}

static int add_streamed(struct archive *archive, struct weft__zip_member *zipped)
{
	zipped->is_streamed = zipped->is_deflated = true;
	zipped->is_large = weft__zip_is_large(zipped->member.len);
	weft__zip_append_local(&archive->text, zipped);
	if (write_text(archive) < 0)
		return -1;
	zipped->member.len = 0;
	for (;;) {
		zipped->member.len += (int64_t)archive->block_len;
		zipped->packed_len += (int64_t)archive->packed_len;
		if (write_bytes(archive, archive->packed, archive->packed_len) < 0)
			return -1;
		if (archive->is_last)
			break;
		if (weft_offload_as(WEFT_OFFLOAD_FILE, pack_block, archive) < 0)
			return -1;
	}
	zipped->crc = archive->crc;
	weft__zip_append_descriptor(&archive->text, zipped);
	return write_text(archive);
}

static int add_to_zip(struct archive *archive, const struct weft__member *member)
{
	struct weft__zip_member zipped = {.member = *member, .offset = archive->offset};
	int result;

	if (member->is_folder) {
		weft__zip_append_local(&archive->text, &zipped);
		result = write_text(archive);
	} else {
		result = weft_offload_as(WEFT_OFFLOAD_FILE, pack_first, archive);
		if (result == 0)
			result = archive->is_last ? add_whole(archive, &zipped)
						  : add_streamed(archive, &zipped);
	}
	return result < 0 ? -1 : note_in_directory(archive, &zipped);
}

static int end_zip(struct archive *archive)
{
	int64_t offset = archive->offset;

	if (write_bytes(archive, weft_str_text(&archive->directory),
		    weft_str_len(&archive->directory)) < 0)
		return -1;
	weft__zip_append_end(&archive->text, archive->count, offset, archive->offset - offset);
	return 0;
}

#else

static int add_to_zip(struct archive *archive, const struct weft__member *member)
{
	(void)archive, (void)member;
	return fail(ENOSYS);
}

static int end_zip(struct archive *archive)
{
	(void)archive;
	return fail(ENOSYS);
}

#endif

/* ---- All of it ----------------------------------------------------------------------------- */

static int add(struct archive *archive, const char *below, struct weft__member *member)
{
	bool is_zip = archive->options->kind == WEFT_FILES_ZIP;

	weft_str_reset(&archive->name);
	if (archive->options->prefix && archive->options->prefix[0]) {
		weft__archive_append_name(&archive->name, archive->options->prefix, is_zip);
		if (below[0])
			weft_str_append_char(&archive->name, '/');
	}
	weft__archive_append_name(&archive->name, below, is_zip);
	if (weft_str_error(&archive->name))
		return fail(ENOMEM);
	member->name = weft_str_text(&archive->name);
	return is_zip ? add_to_zip(archive, member) : add_to_tar(archive, member);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whether an entry of the folder itself is among those that are asked for. */
static bool is_chosen(const struct archive *archive, const struct weft__walk_entry *entry)
{
	if (!archive->names || entry->depth > 1)
		return true;
	return bsearch(&entry->name, archive->names, archive->options->name_count,
		sizeof(*archive->names), compare_names);
}

/* In order, to be found. 0 or -1. */
static int take_names(struct archive *archive)
{
	const struct weft_files_archive_options *options = archive->options;
	size_t size = options->name_count * sizeof(*archive->names);

	if (!options->names)
		return 0;
	archive->names = malloc(size ? size : 1);
	if (!archive->names)
		return -1;
	memcpy(archive->names, options->names, size);
	qsort(archive->names, options->name_count, sizeof(*archive->names), compare_names);
	return 0;
}

static int add_entry(const struct weft__walk_entry *entry, void *arg)
{
	struct archive *archive = arg;
	struct weft__member member = {.mtime_s = entry->stat.st_mtime,
		.mode = entry->stat.st_mode,
		.is_folder = S_ISDIR(entry->stat.st_mode)};
	int result = 1, code;

	if (!is_chosen(archive, entry))
		return 1;
	if (entry->is_link)
		return 0;
	if (!member.is_folder)
		result = open_file(archive, entry->path, &member);
	if (result > 0)
		result = add(archive, entry->path, &member);
	code = errno;
	if (archive->fd >= 0)
		close(archive->fd);
	archive->fd = -1;
	errno = code;
	return result;
}

static int run(struct archive *archive)
{
	const struct weft__walk walk = {
		archive->files, archive->visitor, archive->path, add_entry, archive};

	if (weft__walk(&walk) < 0)
		return -1;
	if (archive->options->kind == WEFT_FILES_TAR)
		weft__tar_append_end(&archive->text);
	else if (end_zip(archive) < 0)
		return -1;
	return write_text(archive);
}

static void fini(struct archive *archive)
{
	int code = errno;

#ifdef WEFT_HAS_ZLIB
	if (archive->has_deflate)
		deflateEnd(&archive->deflate);
	free(archive->packed);
#endif
	free(archive->block);
	free(archive->names);
	weft_str_fini(&archive->text);
	weft_str_fini(&archive->name);
	weft_str_fini(&archive->directory);
	free(archive);
	errno = code;
}

int weft_files_archive(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, const struct weft_files_archive_options *options)
{
	struct archive *archive = calloc(1, sizeof(*archive));
	int result = -1;

	if (!archive)
		return -1;
	*archive = (struct archive){
		.files = files, .visitor = visitor, .path = path, .options = options, .fd = -1};
	weft_str_init(&archive->text, WEFT_STR_LEN_MAX);
	weft_str_init(&archive->name, WEFT_STR_LEN_MAX);
	weft_str_init(&archive->directory, DIRECTORY_MAX);
	archive->block = malloc(BLOCK);
	if (archive->block && take_names(archive) == 0)
		result = 0;
#ifdef WEFT_HAS_ZLIB
	archive->packed = malloc(PACKED_SIZE);
	if (!archive->packed)
		result = -1;
#endif
	if (result == 0)
		result = run(archive);
	fini(archive);
	return result;
}
