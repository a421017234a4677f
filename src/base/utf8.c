/*
 * utf8.c - characters in UTF-8, and text from outside shown safely (weft/utf8.h).
 *
 * Never: let a byte through that steers a terminal.
 */
#include "weft/utf8.h"

#include <errno.h>

size_t weft_utf8_read(const char *data, size_t len, uint32_t *ret_character)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)data[0];
	size_t size = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t character = size < 2 ? first : first & (0x7fU >> size);

	if (size == 0 || size > len || first > 0xf4)
		return 0;
	for (size_t i = 1; i < size; i++) {
		if (((unsigned char)data[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | ((unsigned char)data[i] & 0x3f);
	}
	if (character < smallest[size] || character > 0x10ffff ||
		(character >= 0xd800 && character <= 0xdfff))
		return 0;
	if (ret_character)
		*ret_character = character;
	return size;
}

bool weft_utf8_is_valid(const char *data, size_t len)
{
	for (size_t at = 0, size; at < len; at += size) {
		size = weft_utf8_read(data + at, len - at, NULL);
		if (size == 0)
			return false;
	}
	return true;
}

bool weft_utf8_is_dangerous(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0x61c ||
	       character == 0x200e || character == 0x200f ||
	       (character >= 0x2028 && character <= 0x202e) ||
	       (character >= 0x2066 && character <= 0x2069) || character == 0xfeff;
}

int weft_str_append_visible(struct weft_str *str, const char *data, size_t len)
{
	for (size_t at = 0, size; at < len; at += size) {
		uint32_t character = 0;
		bool is_shown;

		size = weft_utf8_read(data + at, len - at, &character);
		is_shown = size > 0 && !weft_utf8_is_dangerous(character);
		size = size ? size : 1;
		if (character == '\\')
			weft_str_append(str, "\\\\");
		else if (is_shown)
			weft_str_append_bytes(str, data + at, size);
		for (size_t i = 0; i < size && !is_shown; i++)
			weft_str_appendf(str, "\\x%02x", (unsigned char)data[at + i]);
	}
	if (!weft_str_error(str))
		return 0;
	errno = weft_str_error(str);
	return -1;
}
