/*
 * fuzz_pack.c - formats and bytes from an enemy: the input is a format, a NUL, and data.
 *
 * Whatever compiles must have the size that weft_pack_size() says, unpack the data
 * without reading past it, and pack what was unpacked to bytes that stay the same.
 *
 * Never: a format's count taken for memory; that is what is being looked for.
 */
#include "weft/pack.h"

#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

/* data is exactly one record. */
static void turn_round(const struct weft_pack_format *format, const uint8_t *data, size_t size)
{
	size_t count = weft_pack_format_values(format);
	union weft_pack_value *values = calloc(count + 1, sizeof(*values));
	uint8_t *first = malloc(size + 1), *second = malloc(size + 1);
	struct weft_pack_error error;

	require(values && first && second);
	require(weft_unpack_values(format, data, size, values, count) == (ssize_t)size);
	require(weft_pack_check(format, values, count, &error) == 0);
	require(weft_pack_values(format, first, size, values, count) == (ssize_t)size);
	require(weft_unpack_values(format, first, size, values, count) == (ssize_t)size);
	require(weft_pack_values(format, second, size, values, count) == (ssize_t)size);
	require(memcmp(first, second, size) == 0);
	free(values);
	free(first);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t text_len = strnlen((const char *)data, len);
	size_t rest = len > text_len ? len - text_len - 1 : 0;
	char *text = strndup((const char *)data, text_len);
	struct weft_pack_error error;
	struct weft_pack_format *format;
	size_t size;

	require(text);
	format = weft_pack_compile(text, &error);
	require((format != NULL) == (weft_pack_size(text) >= 0));
	require((format != NULL) == (error.fault == WEFT_PACK_OK));
	if (!format) {
		require(error.position <= text_len);
		free(text);
		return 0;
	}
	size = weft_pack_format_size(format);
	require((ssize_t)size == weft_pack_size(text));
	if (size <= rest && weft_pack_format_values(format) <= VALUES_MAX)
		turn_round(format, data + len - rest, size);
	weft_pack_format_free(format);
	free(text);
	return 0;
}
