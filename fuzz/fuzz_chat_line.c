/*
 * fuzz_chat_line.c - a line of chat from an enemy.
 *
 * What is taken is UTF-8 within its bounds and has what its verb takes; its text, written out
 * again, is one line that nothing steers a terminal from, and is read as the same text.
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

static void check_visible(const char *text, size_t len)
{
	for (size_t at = 0, size; at < len; at += size) {
		uint32_t character;

		size = weft_utf8_read(text + at, len - at, &character);
		require(size > 0 && !weft_utf8_is_dangerous(character));
	}
}

static void check_text(const struct weft_chat_command *command)
{
	static char line[16 * WEFT_CHAT_TEXT_MAX];
	static struct weft_chat_command again;
	size_t len;

	memcpy(line, "SAY x ", 6);
	len = weft_chat_line_escape(command->text, command->text_len, line + 6, sizeof(line) - 6);
	require(len < sizeof(line) - 6);
	check_visible(line, len + 6);
	if (len == 0 || len + 6 > WEFT_CHAT_LINE_MAX)
		return;
	require(!weft_chat_line_read(&again, line, len + 6));
	require(again.text_len == command->text_len &&
		memcmp(again.text, command->text, again.text_len) == 0);
}

/* What is taken for a file is written as it was read. */
static void check_file(const char *text, size_t len)
{
	static char again[WEFT_CHAT_LINE_MAX];
	struct weft_chat_file file;

	if (len > sizeof(again) || !weft_chat_file_read(&file, text, len))
		return;
	check_visible(file.name, file.name_len);
	require(file.path[0] == '/' && file.path[1] != '/' &&
		!memchr(file.path, ' ', file.path_len));
	require(weft_chat_file_write(&file, again, sizeof(again)) <= len);
	require(weft_chat_file_read(&file, again, weft_chat_file_write(&file, NULL, 0)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct weft_chat_command command;
	static char out[8 * WEFT_CHAT_LINE_MAX];
	const char *why = weft_chat_line_read(&command, (const char *)data, len);

	require(!why || why[0]);
	require(memchr(command.tag, '\0', sizeof(command.tag)) != NULL);
	check_file((const char *)data, len);
	/* Text that nobody has looked at, too. */
	if (len <= WEFT_CHAT_LINE_MAX) {
		size_t size = weft_chat_plain_escape((const char *)data, len, out, sizeof(out));

		check_visible(out, size);
		size = weft_chat_json_escape((const char *)data, len, out, sizeof(out));
		require(size <= sizeof(out) && weft_utf8_is_valid(out, size));
	}
	if (why)
		return 0;
	require(!weft_chat_command_check(&command));
	require(strlen(command.text) == command.text_len);
	check_visible(command.room, strlen(command.room));
	check_visible(command.name, strlen(command.name));
	check_text(&command);
	return 0;
}
