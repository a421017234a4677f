/*
 * fuzz_chat_datagram.c - what somebody sends to chat's UDP port by hand.
 *
 * What is taken has a name that can be shown, a text of its own bytes, and nothing more.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weft/chat.h"
#include "weft/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct weft_chat_datagram datagram;
	const char *text = (const char *)data;
	const char *why = weft_chat_datagram_read(&datagram, text, len);
	size_t name_len;

	if (why) {
		require(why[0]);
		return 0;
	}
	name_len = strlen(datagram.name);
	require(name_len > 0 && name_len <= WEFT_CHAT_NAME_MAX);
	for (size_t at = 0, size; at < name_len; at += size) {
		uint32_t character;

		size = weft_utf8_read(datagram.name + at, name_len - at, &character);
		require(size > 0 && !weft_utf8_is_dangerous(character));
	}
	require(len > 2 && data[0] == (uint8_t)datagram.ask);
	if (datagram.ask == WEFT_CHAT_SPEAK)
		require(datagram.text_len > 0 && datagram.text > text &&
			datagram.text + datagram.text_len <= text + len &&
			weft_utf8_is_valid(datagram.text, datagram.text_len));
	return 0;
}
