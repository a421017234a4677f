/*
 * fuzz_chat_json.c - a JSON object of chat from an enemy.
 *
 * What is taken has what its verb takes, in strings that end where they say; a tag is always one
 * that can be sent back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hub/chat_json.h"
#include "weft/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct weft_chat_command command;
	const char *why = weft__hub_chat_json_read(&command, (const char *)data, len);

	require(memchr(command.tag, '\0', sizeof(command.tag)) != NULL);
	for (const char *at = command.tag; *at; at++)
		require(*at > ' ' && *at <= '~');
	if (why) {
		require(why[0]);
		return 0;
	}
	require(!weft_chat_command_check(&command));
	require(command.text_len <= WEFT_CHAT_TEXT_MAX && command.seq <= INT64_MAX);
	require(strlen(command.text) == command.text_len && command.for_s >= 0);
	require(weft_utf8_is_valid(command.text, command.text_len));
	return 0;
}
