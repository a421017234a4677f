/*
 * ws_text.c - checks UTF-8 that comes in pieces.
 *
 * Entry point: weft__ws_text_check().
 * Never: looks twice at a character that was whole.
 */
#include "http/ws.h"

#include <string.h>

#include "weft/utf8.h"

/* Bytes of the longest character. */
#define CHARACTER_MAX 4

/* Eight ASCII characters at a time: most text is. */
static size_t skip_ascii(const char *data, size_t len, size_t at)
{
	uint64_t eight;

	while (at + sizeof(eight) <= len) {
		memcpy(&eight, data + at, sizeof(eight));
		if (eight & UINT64_C(0x8080808080808080))
			break;
		at += sizeof(eight);
	}
	return at;
}

size_t weft__ws_text_check(const char *data, size_t len, size_t checked, bool is_whole)
{
	size_t at = skip_ascii(data, len, checked);

	while (at < len) {
		size_t size = weft_utf8_read(data + at, len - at, NULL);

		/* Near the end it may be cut short, and the rest tells. */
		if (size == 0)
			return is_whole || len - at >= CHARACTER_MAX ? WEFT__WS_NOT_TEXT : at;
		at += size;
		if (size > 1 || at % sizeof(uint64_t) == 0)
			at = skip_ascii(data, len, at);
	}
	return at;
}
