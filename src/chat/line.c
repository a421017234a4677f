/*
 * line.c - commands that come as lines (weft/chat.h, docs/chat-protocol.md).
 *
 * Entry points: weft_chat_line_read(), weft_chat_line_unescape().
 *
 * Never: take a line that says more than was understood.
 */
#include <string.h>

#include "chat/command.h"
#include "chat/text.h"
#include "weft/utf8.h"

#define SEQ_MAX     ((uint64_t)INT64_MAX)
#define SECONDS_MAX ((uint64_t)100 * 366 * 24 * 3600)

/* ---- Text ------------------------------------------------------------------------------------ */

static size_t write_character(uint32_t c, char ret_bytes[4])
{
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char heads[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = len; i-- > 1; c >>= 6)
		ret_bytes[i] = (char)(0x80 | (c & 0x3f));
	ret_bytes[0] = (char)(heads[len] | c);
	return len;
}

/* "u{1b}": its length, and the character's bytes; 0: it is something else. */
static size_t read_number(const char *at, const char *end, char ret_bytes[4], size_t *ret_len)
{
	const char *close;
	uint32_t character;

	if (end - at < 4 || at[1] != '{')
		return 0;
	close = memchr(at, '}', (size_t)(end - at));
	if (!close || !weft__chat_hex(at + 2, (size_t)(close - at) - 2, &character) ||
		character == 0 || character > 0x10ffff)
		return 0;
	*ret_len = write_character(character, ret_bytes);
	if (weft_utf8_read(ret_bytes, *ret_len, NULL) == 0) /* a surrogate */
		return 0;
	return (size_t)(close - at) + 1;
}

/* What follows a backslash: the length of that, and the bytes it means. Where it is nothing that
 * is written so, the backslash is one: people type them. */
static size_t unescape(const char *at, const char *end, char ret_bytes[4], size_t *ret_len)
{
	static const char from[] = "nrt\\", to[] = "\n\r\t\\";
	const char *found = at < end && *at ? strchr(from, *at) : NULL;
	size_t len = 0;

	*ret_len = 1;
	if (found) {
		ret_bytes[0] = to[found - from];
		return 1;
	}
	if (at < end && *at == 'u')
		len = read_number(at, end, ret_bytes, ret_len);
	if (len == 0) {
		ret_bytes[0] = '\\';
		*ret_len = 1;
	}
	return len;
}

size_t weft_chat_line_unescape(const char *text, size_t len, char *ret_text, size_t size)
{
	const char *end = text + len;
	bool fits = true;

	len = 0;
	while (text < end) {
		char bytes[4] = {*text++};
		size_t count = 1;

		if (bytes[0] == '\\')
			text += unescape(text, end, bytes, &count);
		fits = fits && count <= size - len;
		if (fits)
			memcpy(ret_text + len, bytes, count);
		len += count;
	}
	return len;
}

static const char *read_text(struct weft_chat_command *command, struct weft__chat_cursor *cursor)
{
	const char *at;
	size_t len = weft__chat_rest(cursor, &at);

	len = weft_chat_line_unescape(at, len, command->text, WEFT_CHAT_TEXT_MAX);
	if (len > WEFT_CHAT_TEXT_MAX)
		return "the text is too long";
	command->text[len] = '\0';
	command->text_len = len;
	return NULL;
}

/* ---- Words ----------------------------------------------------------------------------------- */

static const char *read_room(struct weft_chat_command *command, const char *word, size_t len)
{
	if (!weft__chat_copy(command->room, sizeof(command->room), word, len))
		return "the name of the room is too long";
	return weft__chat_is_word(word, len) ? NULL : "this can't be the name of a room";
}

static const char *read_name(struct weft_chat_command *command, const char *word, size_t len)
{
	if (len > 1 && *word == '~') {
		word++;
		len--;
	}
	if (!weft__chat_copy(command->name, sizeof(command->name), word, len))
		return "the name is too long";
	return weft__chat_is_word(word, len) ? NULL : "this can't be a name";
}

static const char *read_seq(struct weft_chat_command *command, const char *word, size_t len)
{
	return weft__chat_number(word, len, SEQ_MAX, &command->seq) ? NULL
								    : "this is no message's number";
}

static const char *read_limit(struct weft_chat_command *command, const char *word, size_t len)
{
	uint64_t number;

	if (!weft__chat_number(word, len, UINT32_MAX, &number))
		return "this is no number of messages";
	command->limit = (unsigned)number;
	return NULL;
}

static const char *read_seconds(struct weft_chat_command *command, const char *word, size_t len)
{
	uint64_t number;

	if (!weft__chat_number(word, len, SECONDS_MAX, &number))
		return "this is no number of seconds";
	command->for_s = (int64_t)number;
	return NULL;
}

/* One of two words. */
static const char *read_choice(
	struct weft_chat_command *command, const char *word, size_t len, bool is_privacy)
{
	if (weft__chat_is(word, len, is_privacy ? "PRIVATE" : "ON"))
		command->is_on = true;
	else if (!weft__chat_is(word, len, is_privacy ? "PUBLIC" : "OFF"))
		return is_privacy ? "a room is public or private" : "say on or off";
	return NULL;
}

/* "", "epoch seq", "last limit". */
static const char *read_join(struct weft_chat_command *command, struct weft__chat_cursor *cursor)
{
	const char *word;
	size_t len = weft__chat_word(cursor, &word);

	if (len == 0)
		return NULL;
	if (weft__chat_is(word, len, "LAST")) {
		len = weft__chat_word(cursor, &word);
		return read_limit(command, word, len);
	}
	if (!weft__chat_hex(word, len, &command->epoch))
		return "this is no epoch of a room";
	command->is_on = true;
	len = weft__chat_word(cursor, &word);
	return read_seq(command, word, len);
}

/* "", "limit", "before seq", "after seq", "before seq limit"... */
static const char *read_part(struct weft_chat_command *command, struct weft__chat_cursor *cursor)
{
	const char *word, *why;
	size_t len = weft__chat_word(cursor, &word);
	bool is_after = weft__chat_is(word, len, "AFTER");

	if (is_after || weft__chat_is(word, len, "BEFORE")) {
		len = weft__chat_word(cursor, &word);
		why = read_seq(command, word, len);
		if (why)
			return why;
		command->is_on = is_after;
		len = weft__chat_word(cursor, &word);
	}
	return len ? read_limit(command, word, len) : NULL;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static const char *read_word(
	struct weft_chat_command *command, char field, const char *word, size_t len)
{
	bool is_any = len == 1 && *word == '*';

	switch (field) {
	case 'R':
	case 'r':
		if (is_any && field == 'r')
			return "this is for one room";
		return read_room(command, word, len);
	case 'N':
		return is_any ? NULL : read_name(command, word, len);
	case 'n':
		return read_name(command, word, len);
	case 's':
		return read_seq(command, word, len);
	case 'd':
		return read_seconds(command, word, len);
	default:
		return read_choice(command, word, len, field == 'p');
	}
}

/* One field from the line's front. */
static const char *read_field(
	struct weft_chat_command *command, char field, struct weft__chat_cursor *cursor)
{
	const char *word;
	size_t len;

	switch (field) {
	case 't':
		return read_text(command, cursor);
	case 'J':
		return read_join(command, cursor);
	case 'H':
		return read_part(command, cursor);
	default:
		len = weft__chat_word(cursor, &word);
		return read_word(command, field, word, len);
	}
}

static const char *read_fields(struct weft_chat_command *command,
	const struct weft__chat_form *form, struct weft__chat_cursor *cursor)
{
	bool is_optional = false;

	for (const char *field = form->fields; *field; field++) {
		const char *why;

		if (*field == '?') {
			is_optional = true;
			continue;
		}
		if (*field == 't' ? cursor->end - cursor->at <= 1 : weft__chat_ends(cursor)) {
			if (is_optional)
				return NULL;
			if (*field != 'J' && *field != 'H')
				return form->usage;
		}
		why = read_field(command, *field, cursor);
		if (why)
			return why;
	}
	return weft__chat_ends(cursor) ? NULL : form->usage;
}

static const char *read_tag(struct weft_chat_command *command, struct weft__chat_cursor *cursor)
{
	const char *word;
	size_t len;

	if (cursor->at == cursor->end || *cursor->at != '#')
		return NULL;
	len = weft__chat_word(cursor, &word);
	if (!weft__chat_is_tag(word + 1, len - 1))
		return "a tag is of visible ASCII, 40 bytes at most";
	weft__chat_copy(command->tag, sizeof(command->tag), word + 1, len - 1);
	return NULL;
}

const char *weft_chat_line_read(struct weft_chat_command *command, const char *line, size_t len)
{
	struct weft__chat_cursor cursor = {line, line + len};
	const struct weft__chat_form *form;
	const char *word, *why;

	/* All but the text, which is written to its end only. */
	memset(command, 0, offsetof(struct weft_chat_command, text) + 1);
	if (len > 0 && cursor.end[-1] == '\n')
		cursor.end--;
	if (cursor.end > cursor.at && cursor.end[-1] == '\r')
		cursor.end--;
	if (len > WEFT_CHAT_LINE_MAX)
		return "the line is too long";
	why = read_tag(command, &cursor);
	if (why)
		return why;
	if (!weft_utf8_is_valid(cursor.at, (size_t)(cursor.end - cursor.at)))
		return "this is no UTF-8";
	if (memchr(cursor.at, '\0', (size_t)(cursor.end - cursor.at)))
		return "there is a NUL in it";
	len = weft__chat_word(&cursor, &word);
	if (len == 0)
		return "there is no command";
	form = weft__chat_form_of(word, len);
	if (!form)
		return "there is no such command: HELP lists them";
	command->verb = form->verb;
	return read_fields(command, form, &cursor);
}
