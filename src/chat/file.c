/*
 * file.c - what a message says of a file that is shared (weft/chat.h).
 *
 *	NAME " (" SIZE " bytes, " TYPE ") " PATH
 *
 * It is read from its end: a path has no space, a type no bracket, and the name may have both.
 *
 * Never: writes what it would not read again, or takes an address of another server for a path.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "chat/text.h"
#include "weft/utf8.h"

#define SIZE_DIGITS_MAX 18

static bool is_name(const char *name, size_t len)
{
	size_t step;
	uint32_t character;

	for (size_t at = 0; at < len; at += step) {
		step = weft_utf8_read(name + at, len - at, &character);
		if (step == 0 || weft_utf8_is_dangerous(character))
			return false;
	}
	return len > 0 && !memchr(name, '\n', len) && !memchr(name, '\t', len);
}

/* Tokens of RFC 9110, 5.6.2, and the slash between them. */
static bool is_type(const char *type, size_t len)
{
	static const char others[] = "!#$%&'*+-.^_`|~/";

	for (size_t i = 0; i < len; i++) {
		bool is_letter = (type[i] | 0x20) >= 'a' && (type[i] | 0x20) <= 'z';
		bool is_digit = type[i] >= '0' && type[i] <= '9';

		if (!is_letter && !is_digit && (!type[i] || !strchr(others, type[i])))
			return false;
	}
	return len > 0;
}

/* "//host" would be another server. */
static bool is_path(const char *path, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (path[i] <= ' ' || path[i] > '~' || path[i] == '\\')
			return false;
	return len > 1 && path[0] == '/' && path[1] != '/';
}

static bool is_whole(const struct weft_chat_file *file)
{
	return file->size >= 0 && is_name(file->name, file->name_len) &&
	       is_type(file->type, file->type_len) && is_path(file->path, file->path_len);
}

struct output {
	char *text;
	size_t size, len;
};

static void put(struct output *out, const char *text, size_t len)
{
	size_t left = out->len < out->size ? out->size - out->len : 0;

	if (left > 0)
		memcpy(out->text + out->len, text, len < left ? len : left);
	out->len += len;
}

size_t weft_chat_file_write(const struct weft_chat_file *file, char *ret_text, size_t size)
{
	struct output out = {ret_text, size, 0};
	char middle[48];

	if (!is_whole(file))
		return 0;
	put(&out, file->name, file->name_len);
	put(&out, middle,
		(size_t)snprintf(middle, sizeof(middle), " (%" PRId64 " bytes, ", file->size));
	put(&out, file->type, file->type_len);
	put(&out, ") ", 2);
	put(&out, file->path, file->path_len);
	return out.len;
}

/* Take what is behind the last of a mark off the text; false: it is not in it. */
static bool take_last(
	const char *text, size_t *len, const char *mark, struct weft__chat_cursor *ret)
{
	size_t mark_len = strlen(mark);

	for (size_t at = *len; at-- > 0;)
		if (*len - at >= mark_len && memcmp(text + at, mark, mark_len) == 0) {
			*ret = (struct weft__chat_cursor){text + at + mark_len, text + *len};
			*len = at;
			return true;
		}
	return false;
}

bool weft_chat_file_read(struct weft_chat_file *file, const char *text, size_t len)
{
	struct weft__chat_cursor path, type, size;
	struct weft_chat_file read;
	uint64_t bytes;

	if (!take_last(text, &len, ") ", &path) || !take_last(text, &len, " bytes, ", &type) ||
		!take_last(text, &len, " (", &size) || size.end - size.at > SIZE_DIGITS_MAX ||
		!weft__chat_number(
			size.at, (size_t)(size.end - size.at), (uint64_t)INT64_MAX, &bytes))
		return false;
	read = (struct weft_chat_file){.name = text,
		.name_len = len,
		.size = (int64_t)bytes,
		.type = type.at,
		.type_len = (size_t)(type.end - type.at),
		.path = path.at,
		.path_len = (size_t)(path.end - path.at)};
	if (!is_whole(&read))
		return false;
	*file = read;
	return true;
}
