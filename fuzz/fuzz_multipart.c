/*
 * fuzz_multipart.c - forms from an enemy: the first byte says how finely they are cut, and the
 * verdict, the parts and their content must be the same as of the whole. What is lent of a part's
 * header keeps its promises.
 *
 * The boundary is "XX". Never: a connection.
 */
#include <stdlib.h>
#include <string.h>

#include "http/multipart.h"
#include "http/part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct outcome {
	enum weft__multipart_result result;
	size_t parts, content_len;
	uint64_t hash;
};

static void require(bool fact)
{
	if (!fact)
		abort();
}

static void add(struct outcome *outcome, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		outcome->hash = outcome->hash * 31 + (uint8_t)text[i];
}

/* A name of a file leads nowhere. False: the header is refused. */
static bool take_header(struct outcome *outcome, const char *header, size_t len)
{
	static struct weft__http_part part;

	if (weft__http_part_parse(&part, header, len))
		return false;
	require(strlen(part.name) <= WEFT_HTTP_FORM_NAME_MAX);
	require(strlen(part.filename) <= WEFT_HTTP_FORM_FILENAME_MAX);
	require(!strpbrk(part.filename, "/\\\r\n\x7f"));
	require(strcmp(part.filename, "..") != 0);
	add(outcome, part.name, strlen(part.name));
	add(outcome, part.filename, strlen(part.filename));
	add(outcome, part.type, part.has_type ? strlen(part.type) : 0);
	outcome->parts++;
	return true;
}

static struct outcome take(const char *data, size_t len, size_t piece)
{
	struct outcome outcome = {.result = WEFT__MULTIPART_MORE};
	size_t at = 0, there = 0, used;
	struct weft__multipart form;

	require(weft__multipart_init(&form, "XX", 2));
	while (outcome.result != WEFT__MULTIPART_BAD && outcome.result != WEFT__MULTIPART_END) {
		outcome.result =
			weft__multipart_next(&form, data + at, there - at, there == len, &used);
		require(used <= there - at);
		require(there - at < WEFT__MULTIPART_WINDOW_MIN + piece);
		if (outcome.result == WEFT__MULTIPART_PART &&
			!take_header(&outcome, data + at, used))
			outcome.result = WEFT__MULTIPART_BAD;
		if (outcome.result == WEFT__MULTIPART_DATA) {
			require(used > 0);
			add(&outcome, data + at, used);
			outcome.content_len += used;
		}
		if (outcome.result == WEFT__MULTIPART_MORE && used == 0) {
			require(there < len);
			there = len - there < piece ? len : there + piece;
		}
		at += used;
	}
	require((outcome.result == WEFT__MULTIPART_END) <= (at == len));
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct weft_http_text boundary;
	struct outcome whole, parts;

	if (len < 2)
		return 0;
	whole = take((const char *)data + 1, len - 1, len);
	parts = take((const char *)data + 1, len - 1, data[0] % 32 + 1u);
	require(whole.result == parts.result);
	/* Of what is refused, more may have been told when it came whole. */
	if (whole.result == WEFT__MULTIPART_END)
		require(whole.parts == parts.parts && whole.content_len == parts.content_len &&
			whole.hash == parts.hash);
	weft__http_part_boundary((const char *)data, len, &boundary);
	return 0;
}
