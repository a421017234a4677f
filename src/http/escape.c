/*
 * escape.c - percent-encoding, HTML and log escapes.
 *
 * Entry points: the functions of weft/http_escape.h, and weft__http_escape_log().
 * Never: lets through a byte that could end the place it stands in.
 */
#include "http/escape.h"

#include "http/chars.h"
#include "weft/utf8.h"

static const char hex[] = "0123456789ABCDEF";

void weft_http_escape_path(struct weft_str *str, const char *path, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t plain = weft__http_span(path + at, len - at, WEFT__HTTP_UNRESERVED);

		weft_str_append_bytes(str, path + at, plain);
		at += plain;
		if (at == len)
			break;
		if (path[at] == '/') {
			weft_str_append_char(str, '/');
		} else {
			uint8_t byte = (uint8_t)path[at];
			char escaped[3] = {'%', hex[byte >> 4], hex[byte & 15]};

			weft_str_append_bytes(str, escaped, sizeof(escaped));
		}
		at++;
	}
}

/* The entity of an ASCII character, NULL when it stands for itself. */
static const char *html_entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return (uint8_t)c < 0x20 || c == 0x7f ? "\xef\xbf\xbd" : NULL;
	}
}

void weft_http_escape_html(struct weft_str *str, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t bytes = weft_utf8_read(text + at, len - at, NULL);
		const char *entity = bytes == 1 ? html_entity(text[at]) : NULL;

		if (bytes == 0)
			entity = "\xef\xbf\xbd";
		if (entity)
			weft_str_append(str, entity);
		else
			weft_str_append_bytes(str, text + at, bytes);
		at += bytes ? bytes : 1;
	}
}

void weft_http_escape_json(struct weft_str *str, const char *text, size_t len)
{
	weft_str_append(str, "\"");
	for (size_t at = 0; at < len;) {
		size_t bytes = weft_utf8_read(text + at, len - at, NULL);

		if (bytes == 0)
			weft_str_append(str, "\xef\xbf\xbd");
		else if (text[at] == '"' || text[at] == '\\')
			weft_str_appendf(str, "\\%c", text[at]);
		else if ((unsigned char)text[at] < 0x20 || text[at] == 0x7f)
			weft_str_appendf(str, "\\u%04x", (unsigned)text[at]);
		else
			weft_str_append_bytes(str, text + at, bytes);
		at += bytes ? bytes : 1;
	}
	weft_str_append(str, "\"");
}

/* A byte that is 0 in one of the eight has its highest bit set here. */
static uint64_t zeros(uint64_t word)
{
	return (word - UINT64_C(0x0101010101010101)) & ~word;
}

/* Whether all eight bytes stand for themselves in a log: most of what comes does. */
static bool word_is_plain(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t under_space = word - ones * 0x20;

	return !((word | under_space | zeros(word ^ ones * '"') | zeros(word ^ ones * '\\') |
			 zeros(word ^ ones * 0x7f)) &
		 ones * 0x80);
}

/* How much of the text could be copied as it is, by eights. */
static size_t copy_plain(char *ret_text, size_t size_bytes, const char *text, size_t len)
{
	size_t at = 0;
	uint64_t word;

	for (; at + sizeof(word) <= len && at + sizeof(word) <= size_bytes; at += sizeof(word)) {
		memcpy(&word, text + at, sizeof(word));
		if (!word_is_plain(word))
			break;
		memcpy(ret_text + at, &word, sizeof(word));
	}
	return at;
}

size_t weft__http_escape_log(char *ret_text, size_t size_bytes, const char *text, size_t len)
{
	size_t to = copy_plain(ret_text, size_bytes, text, len);

	for (size_t i = to; i < len; i++) {
		uint8_t byte = (uint8_t)text[i];
		bool is_plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';

		if (size_bytes - to < (is_plain ? 1 : 4))
			break;
		if (is_plain) {
			ret_text[to++] = (char)byte;
			continue;
		}
		ret_text[to++] = '\\';
		ret_text[to++] = 'x';
		ret_text[to++] = hex[byte >> 4];
		ret_text[to++] = hex[byte & 15];
	}
	return to;
}
