/*
 * hex.h - bytes written down in tests.
 */
#ifndef TESTS_CHAT_HEX_H
#define TESTS_CHAT_HEX_H

#include "check.h"

/* The bytes of text, as many as there are, into ret_bytes; how many. */
static __attribute__((unused)) size_t hex_read(const char *text, uint8_t *ret_bytes)
{
	size_t len = strlen(text) / 2;

	for (size_t i = 0; i < len; i++) {
		unsigned byte;

		CHECK_INT(sscanf(text + 2 * i, "%2x", &byte), ==, 1);
		ret_bytes[i] = (uint8_t)byte;
	}
	return len;
}

static __attribute__((unused)) void hex_check(
	const uint8_t *bytes, size_t len, const char *expected)
{
	char text[4096];

	CHECK_INT(len * 2, <, sizeof(text));
	text[0] = 0;
	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	CHECK_STR(text, expected);
}

#endif
