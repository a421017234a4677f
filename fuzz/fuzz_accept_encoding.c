/*
 * fuzz_accept_encoding.c - Accept-Encoding from an enemy: qualities stay in their bounds, what
 * is refused is not wanted, and two fields say what one list of them does.
 */
#include <stdlib.h>
#include <string.h>

#include "http/coding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct weft__http_wanted whole, parts;
	const char *value = (const char *)data;
	const char *comma = len ? memchr(value, ',', len) : NULL;
	size_t first = comma ? (size_t)(comma - value) : len;

	weft__http_wanted_init(&whole);
	weft__http_wanted_take(&whole, value, len);
	weft__http_wanted_init(&parts);
	weft__http_wanted_take(&parts, value, first);
	if (comma)
		weft__http_wanted_take(&parts, comma + 1, len - first - 1);
	if (memcmp(&whole, &parts, sizeof(whole)) != 0)
		abort();
	for (int coding = 0; coding <= WEFT__HTTP_CODING_COUNT; coding++) {
		int quality = weft__http_wanted_quality(&whole, (enum weft__http_coding)coding);

		if (quality < 0 || quality > 1000)
			abort();
		if (whole.quality[coding] == 0 && quality != 0)
			abort();
	}
	return 0;
}
