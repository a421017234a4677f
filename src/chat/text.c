/*
 * text.c - words of chat's wires, and text that goes out by them (weft/chat.h).
 *
 * Entry points: weft__chat_word() and its like for readers; weft_chat_line_escape(),
 * weft_chat_plain_escape(), weft_chat_json_escape().
 *
 * Never: let a character through that steers a terminal or ends a line.
 */
#include "chat/text.h"

#include <stdio.h>
#include <string.h>

#include "weft/utf8.h"

/* ---- Words ----------------------------------------------------------------------------------- */

size_t weft__chat_word(struct weft__chat_cursor *cursor, const char **ret_word)
{
	while (cursor->at < cursor->end && *cursor->at == ' ')
		cursor->at++;
	*ret_word = cursor->at;
	while (cursor->at < cursor->end && *cursor->at != ' ')
		cursor->at++;
	return (size_t)(cursor->at - *ret_word);
}

bool weft__chat_ends(const struct weft__chat_cursor *cursor)
{
	struct weft__chat_cursor copy = *cursor;
	const char *word;

	return weft__chat_word(&copy, &word) == 0;
}

size_t weft__chat_rest(struct weft__chat_cursor *cursor, const char **ret_rest)
{
	*ret_rest = cursor->at + (cursor->at < cursor->end);
	cursor->at = cursor->end;
	return (size_t)(cursor->end - *ret_rest);
}

bool weft__chat_copy(char *ret_text, size_t size, const char *word, size_t len)
{
	if (len >= size)
		return false;
	memcpy(ret_text, word, len);
	ret_text[len] = '\0';
	return true;
}

bool weft__chat_is_word(const char *word, size_t len)
{
	for (size_t at = 0, size; at < len; at += size) {
		uint32_t character;

		size = weft_utf8_read(word + at, len - at, &character);
		if (size == 0 || character == ' ' || weft_utf8_is_dangerous(character))
			return false;
	}
	return len > 0;
}

bool weft__chat_is_tag(const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (word[i] <= ' ' || word[i] > '~')
			return false;
	return len > 0 && len <= WEFT_CHAT_TAG_MAX;
}

bool weft__chat_is(const char *word, size_t len, const char *capitals)
{
	for (size_t i = 0; i < len; i++) {
		char c = word[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c == '\0' || c != capitals[i])
			return false;
	}
	return capitals[len] == '\0';
}

bool weft__chat_number(const char *word, size_t len, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned)(word[i] - '0');

		if (digit > 9 || number > (max - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	if (len == 0)
		return false;
	*ret_number = number;
	return true;
}

bool weft__chat_hex(const char *word, size_t len, uint32_t *ret_number)
{
	uint32_t number = 0;

	if (len == 0 || len > 8)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = word[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;

		if (digit < 0)
			return false;
		number = number << 4 | (uint32_t)digit;
	}
	*ret_number = number;
	return true;
}

/* ---- Text that goes out ---------------------------------------------------------------------- */

/* Where it goes. Once something did not fit, nothing more is written: no character is left out. */
struct output {
	char *text;
	size_t size, written, len;
};

static void put(struct output *out, const char *bytes, size_t len)
{
	if (out->written == out->len && len <= out->size - out->written) {
		memcpy(out->text + out->written, bytes, len);
		out->written += len;
	}
	out->len += len;
}

/* The escape of a character, in ret_escape; its length, 0: it needs none. */
typedef size_t escape_fn(uint32_t character, char ret_escape[12]);

/* How much that fits stands for itself in every form: most of what is said. */
static size_t plain_run(const struct output *out, const char *text, size_t len)
{
	size_t at = 0;

	if (out->written == out->len && len > out->size - out->written)
		len = out->size - out->written;
	while (at < len && text[at] >= ' ' && text[at] < 0x7f && text[at] != '\\' &&
		text[at] != '"')
		at++;
	return at;
}

static size_t escape_text(escape_fn *escape, const char *text, size_t len, struct output *out)
{
	for (size_t at = 0, size; at < len; at += size) {
		char escaped[12];
		uint32_t character = 0;
		size_t escaped_len;

		size = plain_run(out, text + at, len - at);
		if (size) {
			put(out, text + at, size);
			continue;
		}
		size = weft_utf8_read(text + at, len - at, &character);
		escaped_len = size ? escape(character, escaped) : 0;
		if (size == 0) {
			put(out, "\xef\xbf\xbd", 3);
			size = 1;
		} else if (escaped_len)
			put(out, escaped, escaped_len);
		else
			put(out, text + at, size);
	}
	return out->len;
}

/* A backslash and a letter, where there is one for the character. */
static size_t escape_short(
	uint32_t character, const char *from, const char *to, char ret_escape[12])
{
	const char *at = character && character < 0x80 ? strchr(from, (int)character) : NULL;

	if (!at)
		return 0;
	ret_escape[0] = '\\';
	ret_escape[1] = to[at - from];
	return 2;
}

static size_t plain_escape(uint32_t character, char ret_escape[12])
{
	size_t len = escape_short(character, "\n\r\t", "nrt", ret_escape);

	if (len || !weft_utf8_is_dangerous(character))
		return len;
	return (size_t)snprintf(ret_escape, 12, "\\u{%x}", character);
}

static size_t line_escape(uint32_t character, char ret_escape[12])
{
	size_t len = escape_short(character, "\\", "\\", ret_escape);

	return len ? len : plain_escape(character, ret_escape);
}

/* Besides what RFC 8259 asks for: C1, and what JavaScript once took for the end of a line. */
static size_t json_escape(uint32_t character, char ret_escape[12])
{
	size_t len = escape_short(character, "\"\\\n\r\t", "\"\\nrt", ret_escape);

	if (len || !(character < 0x20 || (character >= 0x7f && character < 0xa0) ||
			   character == 0x2028 || character == 0x2029))
		return len;
	return (size_t)snprintf(ret_escape, 12, "\\u%04x", character);
}

size_t weft_chat_line_escape(const char *text, size_t len, char *ret_text, size_t size)
{
	return escape_text(
		line_escape, text, len, &(struct output){.text = ret_text, .size = size});
}

size_t weft_chat_plain_escape(const char *text, size_t len, char *ret_text, size_t size)
{
	return escape_text(
		plain_escape, text, len, &(struct output){.text = ret_text, .size = size});
}

size_t weft_chat_json_escape(const char *text, size_t len, char *ret_text, size_t size)
{
	return escape_text(
		json_escape, text, len, &(struct output){.text = ret_text, .size = size});
}
