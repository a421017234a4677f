/*
 * chat_udp_form.c - what happens in the lobby, as datagrams for people with `nc -u`.
 *
 *	mia: hello all
 *	SERVER: tom has joined
 *
 * An event that is longer than a datagram is several, with CHAT_UDP_BREAK between them, each with
 * its speaker. Each ends with a newline, which is taken off for those who send none themselves.
 * What is said elsewhere, as between two, is not sent: these datagrams are not sealed.
 *
 * Entry point: weft__chat_udp_form.
 * Never: let a character through that steers a terminal.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "chat_udp_inside.h"
#include "weft/utf8.h"

/** The bytes that one character of a text becomes, at most: "\u{10ffff}", and some. */
#define ESCAPED_MAX 12

#define SERVER "SERVER"

struct output {
	char *bytes;
	size_t size, len; /* len may be more */
};

static void put(struct output *out, const char *bytes, size_t len)
{
	if (out->len + len <= out->size)
		memcpy(out->bytes + out->len, bytes, len);
	out->len += len;
}

static void put_byte(struct output *out, char byte)
{
	put(out, &byte, 1);
}

static void put_text(struct output *out, const char *text)
{
	put(out, text, strlen(text));
}

/* "who: text", in as many datagrams as it takes. */
static void put_said(struct output *out, const char *who, const char *text, size_t len)
{
	size_t most = WEFT_CHAT_DATAGRAM_MAX - 1, used;

	put_text(out, who);
	put(out, ": ", 2);
	used = strlen(who) + 2;
	for (size_t at = 0, size; at < len; at += size) {
		char escaped[ESCAPED_MAX];
		size_t escaped_len;

		size = weft_utf8_read(text + at, len - at, NULL);
		if (size == 0)
			size = 1;
		escaped_len = weft_chat_plain_escape(text + at, size, escaped, sizeof(escaped));
		if (used + escaped_len > most) {
			put_byte(out, '\n');
			put_byte(out, CHAT_UDP_BREAK);
			put_text(out, who);
			put(out, ": ", 2);
			used = strlen(who) + 2;
		}
		put(out, escaped, escaped_len);
		used += escaped_len;
	}
}

__attribute__((format(printf, 2, 3))) static void put_server(
	struct output *out, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put_said(out, SERVER, text, strlen(text));
}

/* Reasons and names are bounded far below that. */
static void put_out(struct output *out, const struct weft_room_event *event)
{
	put_byte(out, CHAT_UDP_OUT);
	put_server(out, "you are out%s%s", event->text_len ? ": " : "", event->text);
}

static void put_for_all(struct output *out, const struct weft_room_event *event)
{
	switch (event->kind) {
	case WEFT_ROOM_MESSAGE:
		put_said(out, event->is_server ? SERVER : event->who, event->text, event->text_len);
		break;
	case WEFT_ROOM_NOTICE:
		put_said(out, SERVER, event->text, event->text_len);
		break;
	case WEFT_ROOM_TOPIC:
		put_server(out, "the topic is: %s", event->text);
		break;
	case WEFT_ROOM_JOINED:
		put_server(out, "%s has joined", event->who);
		break;
	case WEFT_ROOM_LEFT:
		put_server(out, "%s has left%s%s%s", event->who, event->text_len ? " (" : "",
			event->text, event->text_len ? ")" : "");
		break;
	case WEFT_ROOM_COUNT:
		put_server(out, "%u are here", event->count);
		break;
	case WEFT_ROOM_GAP:
		put_server(
			out, "you have missed %" PRIu64 " messages", event->to - event->from + 1);
		break;
	default:
		break;
	}
}

static void put_event(struct output *out, const struct weft_room_event *event)
{
	if (event->kind == WEFT_ROOM_OVER) {
		put_out(out, event);
		return;
	}
	if (strcmp(event->room, "lobby") != 0)
		return;
	switch (event->kind) {
	case WEFT_ROOM_ENTERED:
		put_text(out, "OK");
		break;
	case WEFT_ROOM_EXITED:
		put_out(out, event);
		break;
	case WEFT_ROOM_REFUSED:
		put_text(out, "not said: ");
		put_text(out, weft_room_fault_text(event->fault));
		break;
	default:
		put_for_all(out, event);
		break;
	}
}

static size_t write_event(const struct weft_room_event *event, char *ret_bytes, size_t size)
{
	struct output out = {.bytes = ret_bytes, .size = size};

	put_event(&out, event);
	if (out.len > 0)
		put_byte(&out, '\n');
	return out.len;
}

const struct weft_room_form weft__chat_udp_form = {
	.name = "datagrams", .write = write_event, .skips_own = true};
