/*
 * chat_json.c - see chat_json.h.
 *
 * Never: take a field of another kind for what it was meant to be.
 */
#include "chat_json.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define SECONDS_MAX ((int64_t)100 * 366 * 24 * 3600)

/* ---- Values ------------------------------------------------------------------------------------
 */

static const char *read_string(const json_t *value, char *ret_text, size_t size, size_t *ret_len)
{
	size_t len = json_string_length(value);

	if (!json_is_string(value))
		return "this is to be a string";
	if (len >= size)
		return "a text is too long";
	if (memchr(json_string_value(value), '\0', len))
		return "there is a NUL in it";
	memcpy(ret_text, json_string_value(value), len + 1);
	if (ret_len)
		*ret_len = len;
	return NULL;
}

static const char *read_number(const json_t *value, int64_t max, int64_t *ret_number)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < 0 || number > max)
		return "this is to be a number of a message, of seconds, or of how many";
	*ret_number = number;
	return NULL;
}

static const char *read_flag(const json_t *value, bool *ret_flag)
{
	if (!json_is_boolean(value))
		return "this is to be true or false";
	*ret_flag = json_is_true(value);
	return NULL;
}

static const char *read_epoch(const json_t *value, uint32_t *ret_epoch)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (len == 0 || len > 8 || strspn(text, "0123456789abcdefABCDEF") != len)
		return "this is no epoch of a room";
	*ret_epoch = (uint32_t)strtoul(text, NULL, 16);
	return NULL;
}

/* ---- Fields ------------------------------------------------------------------------------------
 */

enum field { DO, TAG, ROOM, NAME, TEXT, SEQ, AFTER, EPOCH, LIMIT, SECONDS, ON };

static const struct {
	const char *name;
	enum field field;
} fields[] = {{"do", DO}, {"tag", TAG}, {"room", ROOM}, {"name", NAME}, {"text", TEXT},
	{"password", TEXT}, {"token", TEXT}, {"secret", TEXT}, {"topic", TEXT}, {"why", TEXT},
	{"seq", SEQ}, {"before", SEQ}, {"next", SEQ}, {"after", AFTER}, {"epoch", EPOCH},
	{"limit", LIMIT}, {"path", TEXT}, {"last", LIMIT}, {"seconds", SECONDS}, {"on", ON},
	{"private", ON}};

static const char *read_verb(struct weft_chat_command *command, const json_t *value)
{
	if (!json_is_string(value))
		return "do is to be a string";
	command->verb = weft_chat_verb_of(json_string_value(value), json_string_length(value));
	return command->verb ? NULL : "there is no such command: help lists them";
}

/* It is sent back: nothing is kept of one that can't be. */
static const char *read_tag(struct weft_chat_command *command, const json_t *value)
{
	const char *why = read_string(value, command->tag, sizeof(command->tag), NULL);

	for (const char *at = command->tag; *at && !why; at++)
		if (*at <= ' ' || *at > '~')
			why = "a tag is of visible ASCII";
	if (why)
		command->tag[0] = '\0';
	return why;
}

static const char *read_name(struct weft_chat_command *command, const json_t *value)
{
	const char *why = read_string(value, command->name, sizeof(command->name), NULL);

	if (!why && command->name[0] == '~')
		memmove(command->name, command->name + 1, strlen(command->name));
	return why;
}

/* An integer field, into whichever it is. */
static const char *read_integer(
	struct weft_chat_command *command, enum field field, const json_t *value)
{
	int64_t max = field == SECONDS ? SECONDS_MAX : field == LIMIT ? UINT32_MAX : INT64_MAX;
	int64_t number;
	const char *why = read_number(value, max, &number);

	if (why)
		return why;
	if (field == SECONDS)
		command->for_s = number;
	else if (field == LIMIT)
		command->limit = (unsigned)number;
	else
		command->seq = (uint64_t)number;
	if (field == AFTER)
		command->is_on = true;
	return NULL;
}

static const char *read_field(
	struct weft_chat_command *command, enum field field, const json_t *value)
{
	switch (field) {
	case DO:
		return read_verb(command, value);
	case TAG:
		return read_tag(command, value);
	case ROOM:
		return read_string(value, command->room, sizeof(command->room), NULL);
	case NAME:
		return read_name(command, value);
	case TEXT:
		return read_string(value, command->text, sizeof(command->text), &command->text_len);
	case EPOCH:
		return read_epoch(value, &command->epoch);
	case ON:
		return read_flag(value, &command->is_on);
	default:
		return read_integer(command, field, value);
	}
}

static const char *read_object(struct weft_chat_command *command, const json_t *object)
{
	const char *why = NULL;

	if (!json_is_object(object))
		return "this is no JSON object";
	/* The tag first: a complaint about the others has it. */
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && !why; i++) {
		size_t at = i == 0 ? 1 : i == 1 ? 0 : i;
		const json_t *value = json_object_get(object, fields[at].name);

		if (value)
			why = read_field(command, fields[at].field, value);
	}
	if (why)
		return why;
	if (command->verb == WEFT_CHAT_JOIN && json_object_get(object, "epoch"))
		command->is_on = true;
	if (command->verb == WEFT_CHAT_SEARCH && !command->room[0])
		memcpy(command->room, "*", 2);
	return weft_chat_command_check(command);
}

const char *weft__hub_chat_json_read(
	struct weft_chat_command *command, const char *json, size_t len)
{
	char fault[128];
	const char *why;
	json_t *object;

	memset(command, 0, offsetof(struct weft_chat_command, text) + 1);
	if (len > WEFT_CHAT_LINE_MAX)
		return "this is too long";
	object = weft__hub_json_read(json, len, fault, sizeof(fault));
	if (!object)
		return "this is no JSON that can be read";
	why = read_object(command, object);
	json_decref(object);
	return why;
}
