/*
 * archive_zip.c - the records of zip (archive.h; PKWARE's APPNOTE 6.3.10, sections 4.3 to 4.5).
 *
 *	local head, bytes, [descriptor]		of each file; a folder has a head only
 *	central record				of each; then the end, before it zip64's if need be
 *
 * A file whose sums are not known when its head goes out has zeros there, and a descriptor behind
 * its bytes. Whether that has 8 or 4 bytes for a length, the head says by an extra field of zip64:
 * so it is decided by the length that was announced.
 *
 * Never: a length that does not fit its field.
 */
#include <string.h>
#include <time.h>

#include "files/archive.h"

/* Versions needed to unpack: folders and deflate; zip64. */
#define NEEDS_PLAIN 20
#define NEEDS_ZIP64 45

#define MADE_BY_UNIX (3 << 8)

#define FLAG_DESCRIPTOR 8
#define FLAG_UTF8       0x800
#define DEFLATED        8

#define EXTRA_ZIP64 1
#define EXTRA_TIME  0x5455

/* Room for both, with its NUL. */
#define EXTRA_SIZE 48

#define MAX16 0xffff
#define MAX32 INT64_C(0xffffffff)

/* What deflate adds at the worst, and more. */
#define SLACK INT64_C(0x1000000)

bool weft__zip_is_large(int64_t len)
{
	return len >= MAX32 - SLACK;
}

static void append_number(struct weft_str *text, uint64_t number, int size)
{
	for (int i = 0; i < size; i++)
		weft_str_append_char(text, (char)(number >> (8 * i)));
}

static void append16(struct weft_str *text, uint64_t number)
{
	append_number(text, number, 2);
}

static void append32(struct weft_str *text, uint64_t number)
{
	append_number(text, number, 4);
}

static void append64(struct weft_str *text, uint64_t number)
{
	append_number(text, number, 8);
}

/* Time, then date, by the steps of two seconds from 1980 on that zip has; in UTC. */
static void append_dos_time(struct weft_str *text, int64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&time, &tm) || tm.tm_year < 80 || tm.tm_year > 80 + 127) {
		append16(text, 0);
		append16(text, 1 << 5 | 1);
		return;
	}
	append16(text, (unsigned)(tm.tm_hour << 11 | tm.tm_min << 5 | tm.tm_sec / 2));
	append16(text, (unsigned)((tm.tm_year - 80) << 9 | (tm.tm_mon + 1) << 5 | tm.tm_mday));
}

/* Info-ZIP's extended timestamp: seconds since 1970, which 32 bits hold. */
static void append_time(struct weft_str *extra, int64_t seconds)
{
	if (seconds < INT32_MIN || seconds > INT32_MAX)
		return;
	append16(extra, EXTRA_TIME);
	append16(extra, 5);
	append_number(extra, 1, 1);
	append32(extra, (uint64_t)seconds);
}

/* From "version needed" to the times, which both heads have in common. */
static void append_common(
	struct weft_str *text, const struct weft__zip_member *zipped, bool is_large)
{
	append16(text, is_large ? NEEDS_ZIP64 : NEEDS_PLAIN);
	append16(text, FLAG_UTF8 | (zipped->is_streamed ? FLAG_DESCRIPTOR : 0));
	append16(text, zipped->is_deflated ? DEFLATED : 0);
	append_dos_time(text, zipped->member.mtime_s);
}

static void append_name(struct weft_str *text, const struct weft__member *member)
{
	weft_str_append(text, member->name);
	if (member->is_folder)
		weft_str_append_char(text, '/');
}

static size_t name_len(const struct weft__member *member)
{
	return strlen(member->name) + member->is_folder;
}

void weft__zip_append_local(struct weft_str *text, const struct weft__zip_member *zipped)
{
	bool is_known = !zipped->is_streamed;
	char room[EXTRA_SIZE];
	struct weft_str extra;

	weft_str_init_in(&extra, room, sizeof(room));
	if (zipped->is_large) {
		append16(&extra, EXTRA_ZIP64);
		append16(&extra, 16);
		append64(&extra, is_known ? (uint64_t)zipped->member.len : 0);
		append64(&extra, is_known ? (uint64_t)zipped->packed_len : 0);
	}
	append_time(&extra, zipped->member.mtime_s);
	append32(text, 0x04034b50);
	append_common(text, zipped, zipped->is_large);
	append32(text, is_known ? zipped->crc : 0);
	append32(text, zipped->is_large ? MAX32 : is_known ? zipped->packed_len : 0);
	append32(text, zipped->is_large ? MAX32 : is_known ? zipped->member.len : 0);
	append16(text, name_len(&zipped->member));
	append16(text, weft_str_len(&extra));
	append_name(text, &zipped->member);
	weft_str_append_bytes(text, weft_str_text(&extra), weft_str_len(&extra));
}

void weft__zip_append_descriptor(struct weft_str *text, const struct weft__zip_member *zipped)
{
	int size = zipped->is_large ? 8 : 4;

	append32(text, 0x08074b50);
	append32(text, zipped->crc);
	append_number(text, (uint64_t)zipped->packed_len, size);
	append_number(text, (uint64_t)zipped->member.len, size);
}

void weft__zip_append_central(struct weft_str *text, const struct weft__zip_member *zipped)
{
	const struct weft__member *member = &zipped->member;
	bool has_lens = zipped->is_large || member->len >= MAX32 || zipped->packed_len >= MAX32;
	bool has_offset = zipped->offset >= MAX32;
	unsigned mode = (member->is_folder ? S_IFDIR : S_IFREG) | (member->mode & 0777);
	char room[EXTRA_SIZE];
	struct weft_str extra;

	weft_str_init_in(&extra, room, sizeof(room));
	if (has_lens || has_offset) {
		append16(&extra, EXTRA_ZIP64);
		append16(&extra, (has_lens ? 16 : 0) + (has_offset ? 8 : 0));
		if (has_lens) {
			append64(&extra, (uint64_t)member->len);
			append64(&extra, (uint64_t)zipped->packed_len);
		}
		if (has_offset)
			append64(&extra, (uint64_t)zipped->offset);
	}
	append_time(&extra, member->mtime_s);
	append32(text, 0x02014b50);
	append16(text, MADE_BY_UNIX | NEEDS_ZIP64);
	append_common(text, zipped, has_lens || has_offset);
	append32(text, zipped->crc);
	append32(text, has_lens ? MAX32 : zipped->packed_len);
	append32(text, has_lens ? MAX32 : member->len);
	append16(text, name_len(member));
	append16(text, weft_str_len(&extra));
	append16(text, 0); /* no comment, the first disk, no hints */
	append16(text, 0);
	append16(text, 0);
	append32(text, (uint64_t)mode << 16 | (member->is_folder ? 0x10 : 0));
	append32(text, has_offset ? MAX32 : zipped->offset);
	append_name(text, member);
	weft_str_append_bytes(text, weft_str_text(&extra), weft_str_len(&extra));
}

static void append_end64(struct weft_str *text, uint64_t count, int64_t offset, int64_t len)
{
	append32(text, 0x06064b50);
	append64(text, 44); /* bytes that follow */
	append16(text, MADE_BY_UNIX | NEEDS_ZIP64);
	append16(text, NEEDS_ZIP64);
	append32(text, 0);
	append32(text, 0);
	append64(text, count);
	append64(text, count);
	append64(text, (uint64_t)len);
	append64(text, (uint64_t)offset);
	append32(text, 0x07064b50); /* where that is */
	append32(text, 0);
	append64(text, (uint64_t)(offset + len));
	append32(text, 1);
}

void weft__zip_append_end(struct weft_str *text, uint64_t count, int64_t offset, int64_t len)
{
	uint64_t count16 = count < MAX16 ? count : MAX16;

	if (count >= MAX16 || offset >= MAX32 || len >= MAX32)
		append_end64(text, count, offset, len);
	append32(text, 0x06054b50);
	append16(text, 0);
	append16(text, 0);
	append16(text, count16);
	append16(text, count16);
	append32(text, len < MAX32 ? len : MAX32);
	append32(text, offset < MAX32 ? offset : MAX32);
	append16(text, 0);
}
