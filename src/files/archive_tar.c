/*
 * archive_tar.c - the records of tar (archive.h; POSIX.1-2001, pax: "pax Interchange Format").
 *
 *	head	512 bytes: ustar's, if its fields hold it all
 *	else	a head of type 'x', its records "LEN key=value\n", padded; then the head
 *
 * Whose files they are is not told: nobody is asked for leave, and it is different elsewhere.
 *
 * Never: a field that is not what unpacked it says, silently cut.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "files/archive.h"

/* What ustar's fields hold. */
#define NAME_MAX_LEN 100
#define LEN_MAX      ((int64_t)077777777777)
#define TIME_MAX     ((int64_t)077777777777)

struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
	char link[100], magic[6], version[2], user[32], group[32], major[8], minor[8];
	char prefix[155], rest[12];
};

_Static_assert(sizeof(struct ustar) == WEFT__TAR_BLOCK, "a head is a block");

static void append_zeros(struct weft_str *text, size_t len)
{
	static const char zeros[WEFT__TAR_BLOCK];

	for (size_t some; len > 0; len -= some) {
		some = len < sizeof(zeros) ? len : sizeof(zeros);
		weft_str_append_bytes(text, zeros, some);
	}
}

size_t weft__tar_padding(int64_t len)
{
	return (size_t)(-len & (WEFT__TAR_BLOCK - 1));
}

static int64_t within(int64_t number, int64_t max)
{
	return number < 0 ? 0 : number > max ? max : number;
}

/* Digits to the end of the field but one. */
static void set_octal(char *field, size_t size, int64_t number)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%0*llo", (int)size - 1, (unsigned long long)number);
	memcpy(field, digits, size);
}

static void append_ustar(struct weft_str *text, const char *name, char type, int64_t len,
	const struct weft__member *member)
{
	struct ustar head;
	size_t name_len = strlen(name), sum = 0;

	memset(&head, 0, sizeof(head));
	memcpy(head.name, name, name_len < sizeof(head.name) ? name_len : sizeof(head.name));
	set_octal(head.mode, sizeof(head.mode), member->mode & 0777);
	set_octal(head.uid, sizeof(head.uid), 0);
	set_octal(head.gid, sizeof(head.gid), 0);
	set_octal(head.size, sizeof(head.size), within(len, LEN_MAX));
	set_octal(head.mtime, sizeof(head.mtime), within(member->mtime_s, TIME_MAX));
	head.type = type;
	memcpy(head.magic, "ustar", 6);
	memcpy(head.version, "00", 2);
	memset(head.checksum, ' ', sizeof(head.checksum));
	for (size_t i = 0; i < sizeof(head); i++)
		sum += ((const unsigned char *)&head)[i];
	snprintf(head.checksum, sizeof(head.checksum), "%06zo", sum);
	weft_str_append_bytes(text, &head, sizeof(head));
}

/* A record of pax tells its own length, the digits of that included. */
static void append_record(struct weft_str *records, const char *key, const char *value)
{
	size_t rest = strlen(key) + strlen(value) + 3, len = rest + 1;
	char digits[24];

	while (len != rest + (size_t)snprintf(digits, sizeof(digits), "%zu", len))
		len = rest + strlen(digits);
	weft_str_appendf(records, "%zu %s=%s\n", len, key, value);
}

static bool is_plain(const char *name)
{
	for (; *name; name++)
		if ((unsigned char)*name >= 0x80)
			return false;
	return true;
}

static int append_pax(struct weft_str *text, const char *name, const struct weft__member *member)
{
	struct weft_str records;
	char number[24];
	int result;

	weft_str_init(&records, WEFT_STR_LEN_MAX);
	if (strlen(name) > NAME_MAX_LEN || !is_plain(name))
		append_record(&records, "path", name);
	if (member->len > LEN_MAX) {
		snprintf(number, sizeof(number), "%lld", (long long)member->len);
		append_record(&records, "size", number);
	}
	if (weft_str_len(&records) > 0) {
		int64_t len = (int64_t)weft_str_len(&records);

		append_ustar(text, "PaxHeaders/x", 'x', len, member);
		weft_str_append_bytes(text, weft_str_text(&records), (size_t)len);
		append_zeros(text, weft__tar_padding(len));
	}
	/* A head without its records would be another's. */
	result = weft_str_error(&records) ? -1 : 0;
	weft_str_fini(&records);
	return result;
}

int weft__tar_append_head(struct weft_str *text, const struct weft__member *member)
{
	struct weft_str name;

	weft_str_init(&name, WEFT_STR_LEN_MAX);
	weft_str_appendf(&name, "%s%s", member->name, member->is_folder ? "/" : "");
	if (weft_str_error(&name) || append_pax(text, weft_str_text(&name), member) < 0) {
		weft_str_fini(&name);
		errno = ENOMEM;
		return -1;
	}
	append_ustar(
		text, weft_str_text(&name), member->is_folder ? '5' : '0', member->len, member);
	weft_str_fini(&name);
	return 0;
}

void weft__tar_append_end(struct weft_str *text)
{
	append_zeros(text, (size_t)2 * WEFT__TAR_BLOCK);
}
