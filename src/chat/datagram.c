/*
 * datagram.c - what people type into `nc -u` (weft/chat.h, docs/chat-protocol.md).
 *
 *	L name [word [word]]	C name text	Q name
 *
 * Entry point: weft_chat_datagram_read().
 *
 * Never: say anything of what was sent in a complaint: it may go to who did not send it.
 */
#include <string.h>

#include "chat/text.h"
#include "weft/utf8.h"

static const char how[] = "send: L name, C name text, or Q name";

static const char *read_name(struct weft_chat_datagram *datagram, const char *word, size_t len)
{
	if (len == 0)
		return how;
	if (!weft__chat_copy(datagram->name, sizeof(datagram->name), word, len))
		return "this name is too long";
	return weft__chat_is_word(word, len) ? NULL : "this can't be a name";
}

/* What is behind the name of who wants in. */
static const char *read_words(struct weft_chat_datagram *datagram, struct weft__chat_cursor *cursor)
{
	for (int i = 0; i < 2 && !weft__chat_ends(cursor); i++) {
		const char *word;
		size_t len = weft__chat_word(cursor, &word);

		if (!weft__chat_is_tag(word, len))
			return "a name has no spaces: send: L name";
		weft__chat_copy(datagram->words[i], sizeof(datagram->words[i]), word, len);
	}
	return weft__chat_ends(cursor) ? NULL : "a name has no spaces: send: L name";
}

static const char *read_rest(struct weft_chat_datagram *datagram, struct weft__chat_cursor *cursor)
{
	switch (datagram->ask) {
	case WEFT_CHAT_ENTER:
		return read_words(datagram, cursor);
	case WEFT_CHAT_SPEAK:
		datagram->text_len = weft__chat_rest(cursor, &datagram->text);
		return datagram->text_len ? NULL : "there is nothing to say: send: C name text";
	default:
		return weft__chat_ends(cursor) ? NULL : how;
	}
}

const char *weft_chat_datagram_read(
	struct weft_chat_datagram *datagram, const char *data, size_t len)
{
	struct weft__chat_cursor cursor = {data, data + len};
	const char *word, *why;

	memset(datagram, 0, sizeof(*datagram));
	if (len > WEFT_CHAT_DATAGRAM_MAX)
		return "this is too long";
	if (len > 0 && cursor.end[-1] == '\n')
		cursor.end--;
	if (cursor.end > cursor.at && cursor.end[-1] == '\r')
		cursor.end--;
	len = (size_t)(cursor.end - cursor.at);
	if (!weft_utf8_is_valid(data, len) || memchr(data, '\0', len))
		return "this is no UTF-8";
	if (len < 2 || data[1] != ' ' || !strchr("LCQ", data[0]))
		return how;
	datagram->ask = (enum weft_chat_ask)data[0];
	cursor.at++;
	len = weft__chat_word(&cursor, &word);
	why = read_name(datagram, word, len);
	return why ? why : read_rest(datagram, &cursor);
}
