/*
 * command.c - the table of chat's commands (weft/chat.h): their names, fields and usage.
 *
 * Entry points: weft__chat_form_of(), weft_chat_command_check().
 */
#include "chat/command.h"

#include <assert.h>
#include <string.h>

#include "chat/text.h"
#include "weft/utf8.h"

#define USAGE "this is used so: "

#define FORM(verb, name, fields, words)              \
	{                                            \
		verb, name, fields, USAGE name words \
	}

/* In the order of their numbers; behind them the second forms of some. */
static const struct weft__chat_form forms[] = {
	FORM(WEFT_CHAT_LOGIN, "LOGIN", "nt", " name password"),
	FORM(WEFT_CHAT_TOKEN, "TOKEN", "t", " secret"),
	FORM(WEFT_CHAT_GUEST, "GUEST", "n?t", " name [secret]"),
	FORM(WEFT_CHAT_ADMIN, "ADMIN", "", " (on a Unix socket)"),
	FORM(WEFT_CHAT_JOIN, "JOIN", "rJ", " room [epoch seq | last limit]"),
	FORM(WEFT_CHAT_LEAVE, "LEAVE", "r?t", " room [why]"),
	FORM(WEFT_CHAT_SAY, "SAY", "rt", " room text"),
	FORM(WEFT_CHAT_SHARE, "SHARE", "rt", " room path"),
	FORM(WEFT_CHAT_DIRECT, "DIRECT", "n", " name"),
	FORM(WEFT_CHAT_TYPING, "TYPING", "r", " room"),
	FORM(WEFT_CHAT_READ, "READ", "rs", " room seq"),
	FORM(WEFT_CHAT_HISTORY, "HISTORY", "rH", " room [before seq | after seq] [limit]"),
	FORM(WEFT_CHAT_SEARCH, "SEARCH", "Rt", " room|* text"),
	FORM(WEFT_CHAT_ROOMS, "ROOMS", "?r", " [after room]"),
	FORM(WEFT_CHAT_MEMBERS, "MEMBERS", "r", " room"),
	FORM(WEFT_CHAT_KICK, "KICK", "Rn?t", " room|* name [why]"),
	FORM(WEFT_CHAT_BAN, "BAN", "Rnd?t", " room|* name seconds [why] (0: for good)"),
	FORM(WEFT_CHAT_UNBAN, "UNBAN", "Rn", " room|* name"),
	FORM(WEFT_CHAT_MUTE, "MUTE", "Rnd?t", " room|* name seconds [why] (0: for good)"),
	FORM(WEFT_CHAT_UNMUTE, "UNMUTE", "Rn", " room|* name"),
	FORM(WEFT_CHAT_DELETE, "DELETE", "rs", " room seq"),
	FORM(WEFT_CHAT_TOPIC, "TOPIC", "r?t", " room [text]"),
	FORM(WEFT_CHAT_SLOW, "SLOW", "rd", " room seconds"),
	FORM(WEFT_CHAT_READ_ONLY, "READ-ONLY", "ro", " room on|off"),
	FORM(WEFT_CHAT_GUESTS, "GUESTS", "ro", " room on|off"),
	FORM(WEFT_CHAT_PRIVATE, "PRIVATE", "ro", " room on|off"),
	FORM(WEFT_CHAT_INVITE, "INVITE", "rn", " room name"),
	FORM(WEFT_CHAT_MODERATOR, "MODERATOR", "rno", " room name on|off"),
	FORM(WEFT_CHAT_MAKE, "MAKE", "r?pt", " room [public|private [topic]]"),
	FORM(WEFT_CHAT_REMOVE, "REMOVE", "r", " room"),
	FORM(WEFT_CHAT_ANNOUNCE, "ANNOUNCE", "t", " text"),
	FORM(WEFT_CHAT_CODE, "CODE", "", ""),
	FORM(WEFT_CHAT_WHO, "WHO", "", ""),
	FORM(WEFT_CHAT_STATS, "STATS", "", ""),
	FORM(WEFT_CHAT_PING, "PING", "", ""),
	FORM(WEFT_CHAT_HELP, "HELP", "", ""),
	FORM(WEFT_CHAT_QUIT, "QUIT", "", ""),
	FORM(WEFT_CHAT_SEARCH, "SEARCH-ON", "sRNt", " next room|* name|* text"),
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))
_Static_assert(FORMS >= WEFT_CHAT_VERBS - 1, "every verb has a form");

const struct weft__chat_form *weft__chat_form_of(const char *word, size_t len)
{
	for (size_t i = 0; i < FORMS; i++)
		if (weft__chat_is(word, len, forms[i].name))
			return &forms[i];
	return NULL;
}

enum weft_chat_verb weft_chat_verb_of(const char *word, size_t len)
{
	const struct weft__chat_form *form = weft__chat_form_of(word, len);

	return form ? form->verb : 0;
}

static const struct weft__chat_form *form_of_verb(enum weft_chat_verb verb)
{
	assert(verb > 0 && verb < WEFT_CHAT_VERBS && forms[verb - 1].verb == verb);
	return &forms[verb - 1];
}

const char *weft_chat_verb_name(enum weft_chat_verb verb)
{
	return form_of_verb(verb)->name;
}

const char *weft_chat_verb_usage(enum weft_chat_verb verb)
{
	return form_of_verb(verb)->usage + sizeof(USAGE) - 1;
}

static const char *check_field(const struct weft_chat_command *command, char field)
{
	const char *room = command->room, *name = command->name;

	if (field == 't' && command->text_len == 0)
		return "there is no text";
	if (strchr("rRJH", field) && !room[0])
		return "the room is missing";
	if (field == 'r' && strcmp(room, "*") == 0)
		return "this is for one room";
	if (field == 'n' && !name[0])
		return "the name is missing";
	if (field == 's' && command->seq == 0)
		return "the message's number is missing";
	return NULL;
}

const char *weft_chat_command_check(const struct weft_chat_command *command)
{
	const struct weft__chat_form *form;

	if (command->verb <= 0 || command->verb >= WEFT_CHAT_VERBS)
		return "there is no such command";
	if (command->tag[0] && !weft__chat_is_tag(command->tag, strlen(command->tag)))
		return "a tag is of visible ASCII";
	if (command->room[0] && !weft__chat_is_word(command->room, strlen(command->room)))
		return "this can't be the name of a room";
	if (command->name[0] && !weft__chat_is_word(command->name, strlen(command->name)))
		return "this can't be a name";
	if (command->for_s < 0)
		return "this is no number of seconds";
	if (!weft_utf8_is_valid(command->text, command->text_len))
		return "this is no UTF-8";
	form = form_of_verb(command->verb);
	for (const char *field = form->fields; *field && *field != '?'; field++) {
		const char *why = check_field(command, *field);

		if (why)
			return why;
	}
	return NULL;
}
