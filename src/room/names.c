/*
 * names.c - names of rooms, and texts that may be said.
 *
 * Entry points: weft__room_name_key(), weft__text_judge().
 * Never: two spellings of one name that are two rooms.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/letter.h"
#include "room/inside.h"
#include "weft/utf8.h"

/* Of a room's name; in one of two people's, whatever their names are made of. */
static bool is_fine(uint32_t character, bool is_first, bool is_pair)
{
	enum weft__letter letter = weft__letter_of(character);

	if (letter == WEFT__LETTER)
		return true;
	if (is_first && !is_pair)
		return false;
	if (letter == WEFT__MARK)
		return true;
	return character && character < 0x80 && strchr(is_pair ? "._-+@" : "._-", (int)character);
}

static bool name_is_fine(const char *name, size_t len)
{
	bool is_pair = name[0] == '@';
	uint32_t character;
	size_t used;

	if (len == 0 || len > (is_pair ? WEFT_ROOM_NAME_SIZE - 1 : WEFT_ROOM_NAME_MAX))
		return false;
	for (size_t at = 0; at < len; at += used) {
		used = weft_utf8_read(name + at, len - at, &character);
		if (used == 0 || !is_fine(character, at == 0, is_pair))
			return false;
	}
	return true;
}

int weft__room_name_key(const char *name, char ret_key[WEFT_ROOM_NAME_SIZE])
{
	size_t len = strnlen(name, WEFT_ROOM_NAME_SIZE);
	utf8proc_uint8_t *mapped = NULL;
	utf8proc_ssize_t mapped_len;

	if (!name_is_fine(name, len)) {
		errno = EINVAL;
		return -1;
	}
	mapped_len = utf8proc_map((const utf8proc_uint8_t *)name, (utf8proc_ssize_t)len, &mapped,
		UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
	if (mapped_len < 0 || mapped_len >= WEFT_ROOM_NAME_SIZE) {
		free(mapped);
		errno = mapped_len == UTF8PROC_ERROR_NOMEM ? ENOMEM : EINVAL;
		return -1;
	}
	memcpy(ret_key, mapped, (size_t)mapped_len);
	ret_key[mapped_len] = '\0';
	free(mapped);
	return 0;
}

/* Most of what is said is ASCII: eight bytes at a time that need no look. */
static size_t plain_prefix(const char *text, size_t len)
{
	size_t at = 0;

	for (; at + 8 <= len; at += 8) {
		uint64_t word, low;

		memcpy(&word, text + at, 8);
		/* A byte below 0x20 borrows; one of 0x80 or more, or 0x7f, has its own test. */
		low = (word - 0x2020202020202020u) | (word + 0x0101010101010101u) | word;
		if (low & 0x8080808080808080u)
			break;
	}
	return at;
}

enum weft_room_fault weft__text_judge(const char *text, size_t len, size_t len_max)
{
	uint32_t character;
	size_t used;

	if (len == 0)
		return WEFT_ROOM_TEXT_EMPTY;
	if (len > len_max)
		return WEFT_ROOM_TEXT_TOO_LONG;
	for (size_t at = plain_prefix(text, len); at < len; at += used) {
		used = weft_utf8_read(text + at, len - at, &character);
		if (used == 0)
			return WEFT_ROOM_TEXT_NOT_UTF8;
		if (character < 0x20 ? character != '\n' && character != '\t'
				     : character >= 0x7f && character < 0xa0)
			return WEFT_ROOM_TEXT_NOT_UTF8;
	}
	return WEFT_ROOM_FAULT_NONE;
}
