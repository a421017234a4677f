/*
 * base64.c - see base64.h.
 */
#include "base/base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void weft__base64_encode(char *ret_text, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t at = 0; at < len; at += 3, ret_text += 4) {
		size_t there = len - at < 3 ? len - at : 3;
		uint32_t bits = (uint32_t)bytes[at] << 16;

		if (there > 1)
			bits |= (uint32_t)bytes[at + 1] << 8;
		if (there > 2)
			bits |= bytes[at + 2];
		ret_text[0] = alphabet[bits >> 18];
		ret_text[1] = alphabet[bits >> 12 & 63];
		ret_text[2] = '=';
		ret_text[3] = '=';
		if (there > 1)
			ret_text[2] = alphabet[bits >> 6 & 63];
		if (there > 2)
			ret_text[3] = alphabet[bits & 63];
	}
}

/* What a character stands for; -1: it is none of them. */
static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

ssize_t weft__base64_decode(void *ret_data, const char *text, size_t len)
{
	uint8_t *to = ret_data;
	size_t padding = 0, written = 0;
	uint32_t bits = 0;

	if (len % 4 != 0)
		return -1;
	while (padding < 2 && len > 0 && text[len - 1 - padding] == '=')
		padding++;
	for (size_t at = 0; at < len - padding; at++) {
		int value = value_of(text[at]);

		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t)value;
		/* Three of four characters end a byte. */
		if (at % 4 > 0)
			to[written++] = (uint8_t)(bits >> (6 - at % 4 * 2));
	}
	/* With padding the last character says more than its byte: that must be nothing. */
	if (padding > 0 && (bits & ((1U << (2 * padding)) - 1)) != 0)
		return -1;
	return (ssize_t)written;
}
