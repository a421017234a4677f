/*
 * upload_record.c - what is kept of an upload beside its bytes (upload.h).
 *
 *	0	slot   | each 128 bytes: magic, serial, offset, len, touched, base, checksum
 *	128	slot   | the one with the greater serial counts, if its checksum is right
 *	256	lengths of the three texts, the texts, checksum: written once
 *
 * A change writes the other slot: when the machine stops in the middle of it, the one before is
 * whole. Numbers are in the machine's own order.
 *
 * Never: a record believed whose checksum is wrong.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/siphash.h"
#include "files/upload.h"

#define MAGIC     "weftup1\n"
#define SLOT_SIZE 128
#define TEXTS_AT  256
#define TEXTS_MAX (WEFT__UPLOAD_OWNER_MAX + PATH_MAX + WEFT__UPLOAD_REMARK_MAX)

struct slot {
	char magic[8];
	uint64_t serial;
	int64_t offset, len, touched_s;
	struct weft__upload_base base;
	uint64_t check;
};

_Static_assert(sizeof(struct slot) <= SLOT_SIZE, "a slot has its place");

struct texts {
	uint32_t owner_len, path_len, remark_len, zero;
};

static int fail(int code)
{
	errno = code;
	return -1;
}

/* Against what was not written to its end; who can write here needs no other way in. */
static uint64_t check_of(const void *data, size_t len)
{
	static const struct weft__siphash_key key = {{0x77656674, 0x75706c6f}};

	return weft__siphash(&key, data, len);
}

static int write_at(int fd, const void *data, size_t len, off_t at)
{
	ssize_t written = pwrite(fd, data, len, at);

	if (written < 0)
		return -1;
	return (size_t)written == len ? 0 : fail(ENOSPC);
}

/* ---- Slots ---------------------------------------------------------------------------------- */

static int write_slot(int fd, const struct weft__upload_record *record)
{
	struct slot slot = {.magic = MAGIC,
		.serial = record->serial,
		.offset = record->offset,
		.len = record->len,
		.touched_s = record->touched_s,
		.base = record->base};

	slot.check = check_of(&slot, offsetof(struct slot, check));
	return write_at(fd, &slot, sizeof(slot), record->serial % 2 ? SLOT_SIZE : 0);
}

/* 1; 0: it is none, or was not written to its end; -1: it can't be read. */
static int read_slot(int fd, off_t at, struct slot *ret_slot)
{
	ssize_t len = pread(fd, ret_slot, sizeof(*ret_slot), at);

	if (len < 0)
		return -1;
	return len == (ssize_t)sizeof(*ret_slot) &&
	       memcmp(ret_slot->magic, MAGIC, sizeof(ret_slot->magic)) == 0 &&
	       ret_slot->check == check_of(ret_slot, offsetof(struct slot, check)) &&
	       ret_slot->offset >= 0;
}

int weft__upload_record_update(int fd, struct weft__upload_record *record)
{
	record->serial++;
	if (write_slot(fd, record) == 0 && fdatasync(fd) == 0)
		return 0;
	record->serial--; /* the next try is in the same place: the other slot is what is sure */
	return -1;
}

static int read_slots(int fd, struct weft__upload_record *record)
{
	struct slot first, second, *slot = &first;
	int has_first = read_slot(fd, 0, &first), has_second = read_slot(fd, SLOT_SIZE, &second);

	/* What can't be read may be the one that counts: the other's bytes would be too few. */
	if (has_first < 0 || has_second < 0)
		return -1;
	if (!has_first && !has_second)
		return fail(EBADMSG);
	if (!has_first || (has_second && second.serial > first.serial))
		slot = &second;
	record->serial = slot->serial;
	record->offset = slot->offset;
	record->len = slot->len;
	record->touched_s = slot->touched_s;
	record->base = slot->base;
	return 0;
}

/* ---- Texts ---------------------------------------------------------------------------------- */

static int write_texts(int fd, const struct weft__upload_record *record)
{
	const struct texts lens = {.owner_len = (uint32_t)strlen(record->owner),
		.path_len = (uint32_t)strlen(record->path),
		.remark_len = (uint32_t)strlen(record->remark)};
	size_t len = sizeof(lens) + lens.owner_len + lens.path_len + lens.remark_len;
	char *block = malloc(len + sizeof(uint64_t)), *at = block;
	uint64_t check;
	int result;

	if (!block)
		return -1;
	at = mempcpy(at, &lens, sizeof(lens));
	at = mempcpy(at, record->owner, lens.owner_len);
	at = mempcpy(at, record->path, lens.path_len);
	at = mempcpy(at, record->remark, lens.remark_len);
	check = check_of(block, len);
	memcpy(at, &check, sizeof(check));
	result = write_at(fd, block, len + sizeof(check), TEXTS_AT);
	free(block);
	return result;
}

/* The texts behind their lengths, if all is as it was written. */
static int take_texts(const char *block, size_t size, struct weft__upload_record *record)
{
	struct texts lens;
	const char *at = block + sizeof(lens);
	size_t len;
	uint64_t check;

	if (size < sizeof(lens))
		return fail(EBADMSG);
	memcpy(&lens, block, sizeof(lens));
	if (lens.owner_len > WEFT__UPLOAD_OWNER_MAX || lens.path_len > PATH_MAX ||
		lens.remark_len > WEFT__UPLOAD_REMARK_MAX)
		return fail(EBADMSG);
	len = sizeof(lens) + lens.owner_len + lens.path_len + lens.remark_len;
	if (size < len + sizeof(check))
		return fail(EBADMSG);
	memcpy(&check, block + len, sizeof(check));
	if (check != check_of(block, len))
		return fail(EBADMSG);
	record->owner = strndup(at, lens.owner_len);
	record->path = strndup(at + lens.owner_len, lens.path_len);
	record->remark = strndup(at + lens.owner_len + lens.path_len, lens.remark_len);
	return record->owner && record->path && record->remark ? 0 : fail(ENOMEM);
}

static int read_texts(int fd, struct weft__upload_record *record)
{
	size_t size = sizeof(struct texts) + TEXTS_MAX + sizeof(uint64_t);
	char *block = malloc(size);
	ssize_t len = block ? pread(fd, block, size, TEXTS_AT) : -1;
	int result = len < 0 ? -1 : take_texts(block, (size_t)len, record);

	free(block);
	return result;
}

/* ---- Whole records -------------------------------------------------------------------- */

int weft__upload_record_make(int fd, struct weft__upload_record *record)
{
	if (write_texts(fd, record) < 0 || write_slot(fd, record) < 0)
		return -1;
	return fsync(fd);
}

int weft__upload_record_read(int fd, struct weft__upload_record *ret_record)
{
	struct weft__upload_record record = {.serial = 0};

	if (read_slots(fd, &record) == 0 && read_texts(fd, &record) == 0) {
		*ret_record = record;
		return 0;
	}
	weft__upload_record_fini(&record);
	return -1;
}

void weft__upload_record_fini(struct weft__upload_record *record)
{
	int code = errno;

	free(record->owner);
	free(record->path);
	free(record->remark);
	record->owner = record->path = record->remark = NULL;
	errno = code;
}
