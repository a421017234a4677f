/*
 * test_chat_write.c - what chat says, as lines, as JSON and in frames; read again by what reads it.
 */
#include "check.h"

#include <jansson.h>

#include "hub/chat_write.h"
#include "weft/websocket.h"

static const struct weft_room_event message = {
	.kind = WEFT_ROOM_MESSAGE,
	.room = "lobby",
	.epoch = 0x1a2b,
	.seq = 42,
	.at_ns = 1795281601123456789,
	.is_guest = true,
	.id = "",
	.who = "mia",
	.text = "say \"hi\"\n\\\x1b",
	.text_len = 11,
};

static const char *write_as(const struct hub_chat_wire *wire, const struct weft_room_event *event)
{
	static char bytes[1024];
	size_t len = wire->form.write(event, bytes, sizeof bytes - 1);

	CHECK_INT(len, <, sizeof bytes);
	bytes[len] = '\0';
	return bytes;
}

CHECK_CASE(a_message_is_one_line)
{
	CHECK_STR(write_as(&weft__hub_chat_lines, &message),
		"message lobby 00001a2b 42 2026-11-21T17:20:01.123Z ~mia say "
		"\"hi\"\\n\\\\\\u{1b}\n");
}

CHECK_CASE(a_message_is_one_object_which_a_parser_reads_as_it_was)
{
	json_t *json = json_loads(write_as(&weft__hub_chat_json, &message), 0, NULL);

	CHECK(json);
	CHECK_STR(json_string_value(json_object_get(json, "event")), "message");
	CHECK_STR(json_string_value(json_object_get(json, "epoch")), "00001a2b");
	CHECK_INT(json_integer_value(json_object_get(json, "seq")), ==, 42);
	CHECK_STR(json_string_value(json_object_get(json, "who")), "mia");
	CHECK(json_is_true(json_object_get(json, "guest")));
	CHECK_STR(json_string_value(json_object_get(json, "text")), message.text);
	json_decref(json);
}

CHECK_CASE(a_file_is_an_event_of_its_own_in_lines_and_has_fields_in_json)
{
	struct weft_room_event event = message;
	json_t *json, *file;

	event.is_file = true;
	event.text = "a \"b\".png (12 bytes, image/png) /a%20%22b%22.png";
	event.text_len = strlen(event.text);
	CHECK_STR(write_as(&weft__hub_chat_lines, &event),
		"file lobby 00001a2b 42 2026-11-21T17:20:01.123Z ~mia a \"b\".png (12 bytes, "
		"image/png) /a%20%22b%22.png\n");
	json = json_loads(write_as(&weft__hub_chat_json, &event), 0, NULL);
	file = json_object_get(json, "file");
	CHECK_STR(json_string_value(json_object_get(json, "event")), "message");
	CHECK_STR(json_string_value(json_object_get(file, "name")), "a \"b\".png");
	CHECK_INT(json_integer_value(json_object_get(file, "size")), ==, 12);
	CHECK_STR(json_string_value(json_object_get(file, "type")), "image/png");
	CHECK_STR(json_string_value(json_object_get(file, "path")), "/a%20%22b%22.png");
	json_decref(json);
	/* What somebody has said, and what was deleted, is no file. */
	event.is_file = false;
	json = json_loads(write_as(&weft__hub_chat_json, &event), 0, NULL);
	CHECK(json && !json_object_get(json, "file"));
	json_decref(json);
	event.is_file = true;
	event.text = "";
	event.text_len = 0;
	json = json_loads(write_as(&weft__hub_chat_json, &event), 0, NULL);
	CHECK(json && !json_object_get(json, "file"));
	json_decref(json);
}

/* As if it could be anything: nothing of it ends the line, the string or the object. */
CHECK_CASE(no_character_of_a_text_a_name_or_a_room_ends_what_it_stands_in)
{
	char text[5];

	for (unsigned c = 1; c < 256; c++) {
		struct weft_room_event event = message;
		const char *line;
		json_t *json;

		snprintf(text, sizeof text, "a%cb", (char)c);
		event.text = event.who = event.room = text;
		event.text_len = 3;
		line = write_as(&weft__hub_chat_lines, &event);
		CHECK(strchr(line, '\n') == line + strlen(line) - 1);
		CHECK(!strchr(line, '\x1b') && !strchr(line, '\r'));
		json = json_loads(
			write_as(&weft__hub_chat_json, &event), JSON_REJECT_DUPLICATES, NULL);
		CHECK(json);
		json_decref(json);
	}
}

CHECK_CASE(a_frame_has_the_head_of_its_length)
{
	static char bytes[200000], text[70000];
	static const size_t lens[] = {0, 1, 20, 60, 100, 126, 4000, 65000, 69999};
	struct weft_room_event event = message;

	memset(text, 'x', sizeof text);
	event.text = text;
	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		unsigned char head[WEFT_WS_HEAD_MAX];
		size_t whole, head_len, body;

		event.text_len = lens[i];
		body = weft__hub_chat_json.form.write(&event, bytes, sizeof bytes);
		head_len = weft_ws_head(WEFT_WS_TEXT, body, head);
		whole = weft__hub_chat_websocket.form.write(&event, bytes, sizeof bytes);
		CHECK_INT(whole, ==, head_len + body);
		CHECK_MEM(bytes, head, head_len);
		CHECK_INT(bytes[head_len], ==, '{');
		CHECK_INT(bytes[whole - 1], ==, '}');
		/* Where it does not fit, enough is asked for, and nothing is written behind. */
		for (size_t size = 0; size < whole && size < 400; size++) {
			memset(bytes, '#', 500);
			CHECK_INT(
				weft__hub_chat_websocket.form.write(&event, bytes, size), >, size);
			CHECK_INT(bytes[size], ==, '#');
		}
	}
}

CHECK_CASE(answers_have_their_tag_and_refusals_their_wait)
{
	const struct weft_room_event refused = {.kind = WEFT_ROOM_REFUSED,
		.fault = WEFT_ROOM_SLOW_MODE,
		.room = "lobby",
		.id = "a7",
		.who = "",
		.text = "",
		.wait_ns = WEFT_MILLISECONDS(3200) - 1};
	const struct weft_room_event accepted = {.kind = WEFT_ROOM_ACCEPTED,
		.room = "lobby",
		.epoch = 1,
		.seq = 7,
		.id = "",
		.who = "",
		.text = ""};

	CHECK(strncmp(write_as(&weft__hub_chat_lines, &refused), "#a7 NO slow-mode 3200 ", 22) ==
		0);
	CHECK_STR(write_as(&weft__hub_chat_lines, &accepted), "OK lobby 00000001 7\n");
	CHECK_STR(write_as(&weft__hub_chat_json, &accepted),
		"{\"ok\":true,\"room\":\"lobby\",\"epoch\":\"00000001\",\"seq\":7}");
	CHECK(strncmp(write_as(&weft__hub_chat_json, &refused),
		      "{\"tag\":\"a7\",\"ok\":false,\"fault\":\"slow-mode\",\"wait_ms\":3200,"
		      "\"text\":\"",
		      64) == 0);
}

CHECK_CASE(every_kind_of_event_is_a_line_and_an_object)
{
	for (int kind = WEFT_ROOM_MESSAGE; kind <= WEFT_ROOM_OVER; kind++) {
		struct weft_room_event event = message;
		const char *line;
		json_t *json;

		event.kind = (enum weft_room_kind)kind;
		line = write_as(&weft__hub_chat_lines, &event);
		CHECK(strlen(line) > 1 && line[strlen(line) - 1] == '\n');
		json = json_loads(
			write_as(&weft__hub_chat_json, &event), JSON_REJECT_DUPLICATES, NULL);
		CHECK(json_is_object(json));
		json_decref(json);
	}
}

CHECK_MAIN()
