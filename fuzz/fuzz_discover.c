/*
 * fuzz_discover.c - datagrams of the local network from an enemy: the input is one.
 *
 * What parses must be what would be written for it, byte for byte: there is one form of
 * each message. What does not must say why, and leave the result alone.
 */
#include <stdlib.h>
#include <string.h>

#include "io/discover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct weft__discover_message message = {.port = 4711};
	unsigned char again[WEFT__DISCOVER_DATAGRAM_MAX];
	const char *why = weft__discover_parse(data, len, &message);

	if (why) {
		require(strlen(why) > 0 && message.port == 4711);
		return 0;
	}
	require(memchr(message.name, '\0', sizeof(message.name)) != NULL);
	require(memchr(message.service, '\0', sizeof(message.service)) != NULL);
	require(weft__discover_write(&message, again) == len);
	require(memcmp(again, data, len) == 0);
	return 0;
}
