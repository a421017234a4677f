/*
 * fuzz_chunks.c - chunked bodies from an enemy: the first byte says how finely they are cut,
 * and the verdict, the data and the end must be the same as of the whole.
 */
#include <stdlib.h>
#include <string.h>

#include "http/chunks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct outcome {
	enum weft__http_chunks_result result;
	size_t used, body_len;
	uint64_t hash;
};

static struct outcome take(const char *data, size_t len, size_t piece)
{
	struct weft__http_chunks chunks = {0};
	struct outcome outcome = {.result = WEFT__HTTP_CHUNKS_MORE};

	while (outcome.used < len && outcome.result != WEFT__HTTP_CHUNKS_END &&
		outcome.result != WEFT__HTTP_CHUNKS_BAD) {
		size_t there = len - outcome.used < piece ? len - outcome.used : piece, used;

		outcome.result = weft__http_chunks_next(&chunks, data + outcome.used, there, &used);
		if (used > there)
			abort();
		outcome.used += used;
		there -= used;
		if (outcome.result != WEFT__HTTP_CHUNKS_DATA || there == 0)
			continue;
		if (chunks.left == 0)
			abort();
		if (there > chunks.left)
			there = (size_t)chunks.left;
		for (size_t i = 0; i < there; i++)
			outcome.hash = outcome.hash * 31 + (uint8_t)data[outcome.used + i];
		weft__http_chunks_took(&chunks, there);
		outcome.used += there;
		outcome.body_len += there;
	}
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *body = (const char *)data + 1;
	struct outcome whole, parts;

	if (len < 2)
		return 0;
	whole = take(body, len - 1, len);
	parts = take(body, len - 1, data[0] % 32 + 1u);
	if (whole.used != parts.used || whole.body_len != parts.body_len ||
		whole.hash != parts.hash)
		abort();
	if ((whole.result == WEFT__HTTP_CHUNKS_END) != (parts.result == WEFT__HTTP_CHUNKS_END) ||
		(whole.result == WEFT__HTTP_CHUNKS_BAD) != (parts.result == WEFT__HTTP_CHUNKS_BAD))
		abort();
	return 0;
}
