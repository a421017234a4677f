/*
 * chat_write.c - see chat_write.h; and the forms of events for rooms.
 *
 * Entry points: weft__chat_say_begin() and its like, weft__chat_say_room(); the three wires.
 *
 * Never: let a word or a text begin another field, another line or another object.
 */
#include "chat_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "weft/websocket.h"

/** Where the body of a framed object begins, until its length is known: the usual head's length. */
#define FRAME_SPACE 4

/* ---- Bytes ------------------------------------------------------------------------------------
 */

static void put(struct chat_say *say, const char *bytes, size_t len)
{
	if (say->len <= say->size && len <= say->size - say->len)
		memcpy(say->bytes + say->len, bytes, len);
	say->len += len;
}

static void put_text(struct chat_say *say, const char *text)
{
	put(say, text, strlen(text));
}

static void put_escaped(struct chat_say *say, const char *text, size_t len)
{
	bool has_space = say->len < say->size;
	char *at = has_space ? say->bytes + say->len : NULL;
	size_t size = has_space ? say->size - say->len : 0;

	say->len += say->wire->is_json ? weft_chat_json_escape(text, len, at, size)
				       : weft_chat_line_escape(text, len, at, size);
}

/* Up to a field's value. */
static void put_key(struct chat_say *say, const char *key)
{
	if (!say->wire->is_json) {
		put(say, " ", 1);
		return;
	}
	put(say, ",\"", 2);
	put_text(say, key);
	put(say, "\":", 2);
}

static void put_quote(struct chat_say *say)
{
	if (say->wire->is_json)
		put(say, "\"", 1);
}

/* ---- Heads ------------------------------------------------------------------------------------
 */

void weft__chat_say_begin(
	struct chat_say *say, const struct hub_chat_wire *wire, char *bytes, size_t size)
{
	*say = (struct chat_say){.wire = wire, .bytes = bytes, .size = size};
	if (wire->is_framed)
		say->len = FRAME_SPACE;
}

/* {"tag":"a7", or {; #a7 and a space, or nothing. */
static void put_tag(struct chat_say *say, const char *tag)
{
	bool is_json = say->wire->is_json;

	if (is_json)
		put(say, "{", 1);
	if (!tag[0])
		return;
	put_text(say, is_json ? "\"tag\":\"" : "#");
	put_escaped(say, tag, strlen(tag));
	put_text(say, is_json ? "\"," : " ");
}

void weft__chat_say_ok(struct chat_say *say, const char *tag)
{
	put_tag(say, tag);
	put_text(say, say->wire->is_json ? "\"ok\":true" : "OK");
}

void weft__chat_say_event(struct chat_say *say, const char *tag, const char *word)
{
	put_tag(say, tag);
	if (say->wire->is_json)
		put_text(say, "\"event\":\"");
	put_text(say, word);
	put_quote(say);
}

void weft__chat_say_no(struct chat_say *say, const char *tag, const char *word, int64_t wait_ns)
{
	bool is_json = say->wire->is_json;

	put_tag(say, tag);
	put_text(say, is_json ? "\"ok\":false,\"fault\":\"" : "NO ");
	put_text(say, word);
	put_quote(say);
	if (wait_ns > 0)
		weft__chat_say_number(say, "wait_ms",
			(uint64_t)((wait_ns + WEFT_MILLISECONDS(1) - 1) / WEFT_MILLISECONDS(1)));
}

/* ---- Fields -----------------------------------------------------------------------------------
 */

void weft__chat_say_word(struct chat_say *say, const char *key, const char *word)
{
	put_key(say, key);
	put_quote(say);
	if (!word[0] && !say->wire->is_json)
		put(say, "-", 1);
	put_escaped(say, word, strlen(word));
	put_quote(say);
}

void weft__chat_say_number(struct chat_say *say, const char *key, uint64_t number)
{
	char text[24];

	put_key(say, key);
	put(say, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, number));
}

void weft__chat_say_epoch(struct chat_say *say, uint32_t epoch)
{
	char text[16];

	put_key(say, "epoch");
	put_quote(say);
	put(say, text, (size_t)snprintf(text, sizeof(text), "%08" PRIx32, epoch));
	put_quote(say);
}

void weft__chat_say_time(struct chat_say *say, const char *key, int64_t ns)
{
	time_t seconds = (time_t)(ns / WEFT_SECONDS(1));
	struct tm parts;
	char text[64];

	put_key(say, key);
	put_quote(say);
	if (!gmtime_r(&seconds, &parts) || strftime(text, sizeof(text), "%FT%T", &parts) == 0)
		text[0] = '\0';
	put_text(say, text);
	snprintf(text, sizeof(text), ".%03dZ", (int)(ns / WEFT_MILLISECONDS(1) % 1000));
	put_text(say, text);
	put_quote(say);
}

void weft__chat_say_who(struct chat_say *say, const char *name, bool is_guest, bool is_server)
{
	bool is_json = say->wire->is_json;

	put_key(say, "who");
	put_quote(say);
	if (is_guest && !is_json)
		put(say, "~", 1);
	put_escaped(say, name, strlen(name));
	put_quote(say);
	if (is_json && is_guest)
		put_text(say, ",\"guest\":true");
	if (is_json && is_server)
		put_text(say, ",\"server\":true");
}

void weft__chat_say_flag(struct chat_say *say, const char *word, bool is_set)
{
	if (!is_set)
		return;
	if (say->wire->is_json) {
		put_key(say, word);
		put_text(say, "true");
		return;
	}
	put_text(say, say->has_flags ? "," : " ");
	put_text(say, word);
	say->has_flags = true;
}

void weft__chat_say_no_more_flags(struct chat_say *say)
{
	if (!say->has_flags && !say->wire->is_json)
		put_text(say, " -");
}

void weft__chat_say_text(struct chat_say *say, const char *key, const char *text, size_t len)
{
	if (len == 0 && !say->wire->is_json)
		return;
	put_key(say, key);
	put_quote(say);
	put_escaped(say, text, len);
	put_quote(say);
}

/* ---- The end ----------------------------------------------------------------------------------
 */

/* The head before the body, which is moved where another one than the usual is needed. */
static size_t frame(struct chat_say *say)
{
	size_t body_len = say->len - FRAME_SPACE, head_len;
	unsigned char head[WEFT_WS_HEAD_MAX];

	head_len = weft_ws_head(WEFT_WS_TEXT, body_len, head);
	if (head_len + body_len > say->size || say->len > say->size)
		return body_len + (head_len > FRAME_SPACE ? head_len : FRAME_SPACE);
	if (head_len != FRAME_SPACE)
		memmove(say->bytes + head_len, say->bytes + FRAME_SPACE, body_len);
	memcpy(say->bytes, head, head_len);
	return head_len + body_len;
}

size_t weft__chat_say_end(struct chat_say *say)
{
	put(say, say->wire->is_json ? "}" : "\n", 1);
	return say->wire->is_framed ? frame(say) : say->len;
}

/* ---- Events of rooms --------------------------------------------------------------------------
 */

/* For programs. Lines have all of it in the text. */
static void say_file(struct chat_say *say, const struct weft_room_event *event)
{
	struct weft_chat_file file;

	if (!weft_chat_file_read(&file, event->text, event->text_len))
		return;
	put_text(say, ",\"file\":{\"name\":\"");
	put_escaped(say, file.name, file.name_len);
	put_quote(say);
	weft__chat_say_number(say, "size", (uint64_t)file.size);
	weft__chat_say_text(say, "type", file.type, file.type_len);
	weft__chat_say_text(say, "path", file.path, file.path_len);
	put(say, "}", 1);
}

/* What those of the log have in common. */
static void say_logged(struct chat_say *say, const struct weft_room_event *event)
{
	weft__chat_say_word(say, "room", event->room);
	weft__chat_say_epoch(say, event->epoch);
	weft__chat_say_number(say, "seq", event->seq);
	weft__chat_say_time(say, "at", event->at_ns);
	weft__chat_say_who(say, event->who, event->is_guest, event->is_server);
	if (event->kind == WEFT_ROOM_DELETED)
		weft__chat_say_number(say, "target", event->target);
	else
		weft__chat_say_text(say, "text", event->text, event->text_len);
	if (event->is_file && say->wire->is_json)
		say_file(say, event);
}

static void say_presence(struct chat_say *say, const struct weft_room_event *event)
{
	weft__chat_say_word(say, "room", event->room);
	weft__chat_say_number(say, "count", event->count);
	if (event->kind == WEFT_ROOM_COUNT)
		return;
	weft__chat_say_who(say, event->who, event->is_guest, event->is_server);
	if (event->kind == WEFT_ROOM_LEFT)
		weft__chat_say_text(say, "text", event->text, event->text_len);
}

static void say_to_one(struct chat_say *say, const struct weft_room_event *event)
{
	if (event->kind != WEFT_ROOM_OVER)
		weft__chat_say_word(say, "room", event->room);
	switch (event->kind) {
	case WEFT_ROOM_GAP:
		weft__chat_say_epoch(say, event->epoch);
		weft__chat_say_number(say, "from", event->from);
		weft__chat_say_number(say, "to", event->to);
		return;
	case WEFT_ROOM_ENTERED:
		weft__chat_say_epoch(say, event->epoch);
		weft__chat_say_number(say, "last", event->seq);
		weft__chat_say_number(say, "count", event->count);
		break;
	case WEFT_ROOM_INVITED:
	case WEFT_ROOM_TYPING:
		weft__chat_say_who(say, event->who, event->is_guest, event->is_server);
		return;
	default:
		break;
	}
	weft__chat_say_text(say, "text", event->text, event->text_len);
}

static void say_answer(struct chat_say *say, const struct weft_room_event *event)
{
	const char *text = weft_room_fault_text(event->fault);

	if (event->kind == WEFT_ROOM_REFUSED) {
		weft__chat_say_no(
			say, event->id, weft_room_fault_word(event->fault), event->wait_ns);
		weft__chat_say_text(say, "text", text, strlen(text));
		return;
	}
	weft__chat_say_ok(say, event->id);
	weft__chat_say_word(say, "room", event->room);
	weft__chat_say_epoch(say, event->epoch);
	weft__chat_say_number(say, "seq", event->seq);
}

static const struct {
	const char *word;
	void (*say)(struct chat_say *say, const struct weft_room_event *event);
} kinds[] = {
	[WEFT_ROOM_MESSAGE] = {"message", say_logged},
	[WEFT_ROOM_DELETED] = {"deleted", say_logged},
	[WEFT_ROOM_TOPIC] = {"topic", say_logged},
	[WEFT_ROOM_NOTICE] = {"notice", say_logged},
	[WEFT_ROOM_JOINED] = {"joined", say_presence},
	[WEFT_ROOM_LEFT] = {"left", say_presence},
	[WEFT_ROOM_COUNT] = {"count", say_presence},
	[WEFT_ROOM_TYPING] = {"typing", say_to_one},
	[WEFT_ROOM_CHANGED] = {"changed", say_to_one},
	[WEFT_ROOM_ACCEPTED] = {NULL, say_answer},
	[WEFT_ROOM_REFUSED] = {NULL, say_answer},
	[WEFT_ROOM_GAP] = {"gap", say_to_one},
	[WEFT_ROOM_INVITED] = {"invited", say_to_one},
	[WEFT_ROOM_ENTERED] = {"entered", say_to_one},
	[WEFT_ROOM_EXITED] = {"exited", say_to_one},
	[WEFT_ROOM_OVER] = {"over", say_to_one},
};

static bool is_known(enum weft_room_kind kind)
{
	return (size_t)kind < sizeof(kinds) / sizeof(kinds[0]) && kinds[kind].say;
}

void weft__chat_say_room(struct chat_say *say, const struct weft_room_event *event, const char *tag)
{
	if (!is_known(event->kind))
		return;
	if (event->is_file && !say->wire->is_json)
		weft__chat_say_event(say, tag, "file");
	else if (kinds[event->kind].word)
		weft__chat_say_event(say, tag, kinds[event->kind].word);
	kinds[event->kind].say(say, event);
}

static size_t write_event(const struct hub_chat_wire *wire, const struct weft_room_event *event,
	char *ret_bytes, size_t size)
{
	struct chat_say say;

	if (!is_known(event->kind))
		return 0;
	weft__chat_say_begin(&say, wire, ret_bytes, size);
	weft__chat_say_room(&say, event, "");
	return weft__chat_say_end(&say);
}

/* ---- The wires --------------------------------------------------------------------------------
 */

static size_t write_line(const struct weft_room_event *event, char *ret_bytes, size_t size)
{
	return write_event(&weft__hub_chat_lines, event, ret_bytes, size);
}

static size_t write_json(const struct weft_room_event *event, char *ret_bytes, size_t size)
{
	return write_event(&weft__hub_chat_json, event, ret_bytes, size);
}

static size_t write_frame(const struct weft_room_event *event, char *ret_bytes, size_t size)
{
	return write_event(&weft__hub_chat_websocket, event, ret_bytes, size);
}

const struct hub_chat_wire weft__hub_chat_lines = {
	.form = {.name = "lines", .write = write_line},
};

const struct hub_chat_wire weft__hub_chat_json = {
	.form = {.name = "json", .write = write_json},
	.is_json = true,
};

const struct hub_chat_wire weft__hub_chat_websocket = {
	.form = {.name = "websocket", .write = write_frame},
	.is_json = true,
	.is_framed = true,
};
