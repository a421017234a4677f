/*
 * chat_commands.c - what is typed into `weft chat`: commands behind a slash.
 *
 * Entry points: weft__cmd_chat_enter(). Their completion: chat_complete.c.
 *
 * A command of the hub's is its word and the letters of its fields, out of what was typed:
 *
 *	r the room that is looked at   n a name   R a room's name   b "on" or "off"
 *	d how long, "10m" (0: for good)   t the rest   ? from here on it may be left away
 *
 * Never: put what was typed into a line but as a word without blanks, or escaped as a text.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chat.h"
#include "chat_text.h"

#define NOTE(chat, ...) \
	weft__model_note(&(chat)->model, (chat)->model.current, (chat)->caller.wall_ns, __VA_ARGS__)

/* ---- Words ------------------------------------------------------------------------------ */

/* The next word of what was typed, cut out; "" at the end. */
static char *next_word(char **at)
{
	char *word = *at + strspn(*at, " \n\t");
	char *end = word + strcspn(word, " \n\t");

	*at = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

static char *rest_of(char *at)
{
	return at + strspn(at, " \n\t");
}

/* "90", "10m", "2h", "1d": seconds; false: it is none. */
static bool read_duration(const char *word, uint64_t *ret_seconds)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char *end;
	unsigned long number = strtoul(word, &end, 10);

	if (word[0] < '0' || word[0] > '9' || number > 1000000000 || (end[0] && end[1]))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (*end == units[i].unit) {
			*ret_seconds = number * units[i].seconds;
			return true;
		}
	return false;
}

/* ---- Commands of this program ----------------------------------------------------------- */

struct weft__command {
	const char *group, *name, *usage, *summary;
	bool (*run)(struct chat *chat, char *rest); /* false: leave; or: */
	const char *verb, *fields;
	enum chat_purpose purpose;
	const char *done; /* told then; NULL: the room is told by the hub */
};

static bool do_help(struct chat *chat, char *rest);

static bool do_quit(struct chat *chat, char *rest)
{
	(void)chat;
	(void)rest;
	return false;
}

static bool do_join(struct chat *chat, char *rest)
{
	char *name = next_word(&rest);
	struct chat_room *room = name[0] ? weft__caller_join(&chat->caller, name) : NULL;

	if (room)
		weft__model_show(&chat->model, room);
	else
		NOTE(chat, name[0] ? "You are in too many rooms." : "Which room? /join NAME");
	return true;
}

static bool do_leave(struct chat *chat, char *rest)
{
	char *name = next_word(&rest);
	struct chat_room *room =
		name[0] ? weft__model_find(&chat->model, name) : chat->model.current;

	if (!room)
		NOTE(chat, "You are not in %s.", name);
	else if (chat->model.rooms_len == 1)
		NOTE(chat, "This is the only room you are in. /quit leaves the hub.");
	else
		weft__caller_leave(&chat->caller, room);
	return true;
}

static bool do_room(struct chat *chat, char *rest)
{
	char *name = next_word(&rest), *end;
	unsigned long number = strtoul(name, &end, 10);
	struct chat_room *room = weft__model_find(&chat->model, name);

	if (!room && !*end && number >= 1 && number <= chat->model.rooms_len)
		room = chat->model.rooms[number - 1];
	if (room)
		weft__model_show(&chat->model, room);
	else
		NOTE(chat, "You are not in \"%s\": /join %s", name, name);
	return true;
}

static bool do_msg(struct chat *chat, char *rest)
{
	const struct chat_wish wish = {.purpose = CHAT_FOR_DIRECT, .text = NULL};
	struct chat_wish direct = wish;
	char *name = next_word(&rest);
	const char *why;

	direct.text = rest_of(rest);
	why = name[0] ? weft__caller_ask(&chat->caller, &direct, "DIRECT %s", name)
		      : "/msg NAME TEXT";
	if (why)
		NOTE(chat, "%s.", why);
	return true;
}

static bool do_topic(struct chat *chat, char *rest)
{
	const struct chat_wish change = {.purpose = CHAT_FOR_CHANGE};
	const struct chat_room *room = chat->model.current;
	char text[WEFT_CHAT_TEXT_MAX];
	size_t len;
	const char *why;

	rest = rest_of(rest);
	if (!rest[0]) {
		NOTE(chat, room->topic ? "The topic is: %s" : "There is no topic.%s",
			room->topic ? room->topic : "");
		return true;
	}
	len = weft_chat_line_escape(rest, strlen(rest), text, sizeof(text));
	why = len > sizeof(text) ? "this is too long"
				 : weft__caller_ask(&chat->caller, &change, "TOPIC %s %.*s",
					   room->name, (int)len, text);
	if (why)
		NOTE(chat, "%s.", why);
	return true;
}

static bool do_history(struct chat *chat, char *rest)
{
	(void)rest;
	weft__caller_older(&chat->caller, chat->model.current);
	return true;
}

/* The newest message of somebody, or one's own. */
static bool do_delete(struct chat *chat, char *rest)
{
	const struct chat_wish change = {.purpose = CHAT_FOR_CHANGE};
	const struct chat_room *room = chat->model.current;
	const char *name = next_word(&rest), *why = "There is no such message that could go";

	name += name[0] == '~';
	for (size_t i = room->entries_len; i-- > 0;) {
		const struct chat_entry *entry = &room->entries[i];
		const char *who = entry->who ? entry->who + (entry->who[0] == '~') : "";

		if (entry->kind != CHAT_SAID || entry->is_deleted ||
			(name[0] ? strcasecmp(who, name) != 0 : !entry->is_own))
			continue;
		why = weft__caller_ask(
			&chat->caller, &change, "DELETE %s %" PRIu64, room->name, entry->seq);
		break;
	}
	if (why)
		NOTE(chat, "%s.", why);
	return true;
}

static bool do_share(struct chat *chat, char *rest)
{
	const struct chat_room *room = chat->model.current;
	const char *why = "It is: /share PATH";

	rest = rest_of(rest);
	if (rest[0])
		why = room ? weft__caller_share(&chat->caller, room->name, rest) : "no room";
	if (why)
		NOTE(chat, rest[0] ? "Not shared: %s." : "%s", why);
	return true;
}

/* ---- The table -------------------------------------------------------------------------- */

static const struct weft__command commands[] = {
	{"talk", "msg", "NAME TEXT", "say it to one person only", .run = do_msg},
	{"talk", "share", "PATH", "a file of the hub's folder, as a link", .run = do_share},
	{"talk", "delete", "[NAME]", "take back your last message, or hers", .run = do_delete},
	{"talk", "topic", "[TEXT]", "what the room is about", .run = do_topic},
	{"rooms", "join", "ROOM", "be in a room", .run = do_join},
	{"rooms", "leave", "[ROOM]", "be in it no more", .run = do_leave},
	{"rooms", "room", "NUMBER", "look at it, or at ROOM (also Alt-1 to Alt-9)", .run = do_room},
	{"rooms", "rooms", "", "all rooms", .verb = "ROOMS", "", CHAT_FOR_ROOMS},
	{"rooms", "make", "ROOM [public|private [TOPIC]]", "a new room", .verb = "MAKE", "R?t",
		CHAT_FOR_MAKE},
	{"find", "who", "", "who is in this room", .verb = "MEMBERS", "r", CHAT_FOR_MEMBERS},
	{"find", "search", "TEXT", "in all rooms", .verb = "SEARCH", "*t", CHAT_FOR_SEARCH},
	{"find", "history", "", "older messages (also PgUp)", .run = do_history},
	{"find", "code", "", "to come in by `nc -u`", .verb = "CODE", "", CHAT_FOR_CODE},
	{"find", "quit", "", "leave (also Ctrl-D)", .run = do_quit},
	{"moderate", "invite", "NAME", "let her into this room", .verb = "INVITE", "rn",
		CHAT_FOR_CHANGE, "Invited."},
	{"moderate", "kick", "NAME [WHY]", "put somebody out", .verb = "KICK", "rn?t",
		CHAT_FOR_CHANGE},
	{"moderate", "ban", "NAME [10m|2h|1d|0 [WHY]]", "and not let her in again", .verb = "BAN",
		"rnd?t", CHAT_FOR_CHANGE},
	{"moderate", "unban", "NAME", "let her in again", .verb = "UNBAN", "rn", CHAT_FOR_CHANGE},
	{"moderate", "mute", "NAME [10m|2h|1d|0 [WHY]]", "let her say nothing", .verb = "MUTE",
		"rnd?t", CHAT_FOR_CHANGE},
	{"moderate", "unmute", "NAME", "let her speak", .verb = "UNMUTE", "rn", CHAT_FOR_CHANGE},
	{"moderate", "announce", "TEXT", "say it in all rooms", .verb = "ANNOUNCE", "t",
		CHAT_FOR_CHANGE},
	{"rules", "slow", "DURATION", "between two messages of one person", .verb = "SLOW", "rd",
		CHAT_FOR_CHANGE},
	{"rules", "read-only", "on|off", "only moderators speak", .verb = "READ-ONLY", "rb",
		CHAT_FOR_CHANGE},
	{"rules", "guests", "on|off", "guests may come in", .verb = "GUESTS", "rb",
		CHAT_FOR_CHANGE},
	{"rules", "private", "on|off", "only who was invited knows of it", .verb = "PRIVATE", "rb",
		CHAT_FOR_CHANGE},
	{"rules", "moderator", "NAME on|off", "she may do all of this", .verb = "MODERATOR", "rnb",
		CHAT_FOR_CHANGE},
	{"rules", "remove", "ROOM", "a room, with all that was said", .verb = "REMOVE", "R",
		CHAT_FOR_CHANGE, "It is removed."},
	{"more", "help", "[COMMAND|moderate|rules|keys]", "what there is", .run = do_help},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static const char keys[] =
	"Enter            say it; Alt-Enter: a new line\n"
	"Tab              complete a command, a name, a room\n"
	"Alt-1 ... Alt-9  look at that room; Ctrl-N, Ctrl-P: the next, the last\n"
	"Alt-A            the next room with something unread\n"
	"PgUp, PgDn       back and forth; End on an empty line: the newest\n"
	"Up, Down         what you typed before; Ctrl-R: of that, what holds this\n"
	"Ctrl-A E K U W Y and Alt-B F D as in a shell\n"
	"Ctrl-L           paint anew; Ctrl-Z: to the shell; Ctrl-D: leave";

const char *weft__cmd_chat_command(size_t i)
{
	return i < COMMAND_COUNT ? commands[i].name : NULL;
}

/* ---- Help ------------------------------------------------------------------------------- */

static void append_usage(struct weft_str *text, const struct weft__command *command)
{
	int len = 1 + (int)strlen(command->name) + 1 + (int)strlen(command->usage);

	weft_str_appendf(text, "%s/%s %s%*s%s", weft_str_len(text) ? "\n" : "", command->name,
		command->usage, len < 34 ? 34 - len : 1, "", command->summary);
}

/* Those that are needed every day. */
static void append_groups(struct weft_str *text)
{
	const char *group = "";

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		bool is_short = commands[i].verb && commands[i].purpose == CHAT_FOR_CHANGE;
		bool begins = strcmp(group, commands[i].group) != 0;

		group = commands[i].group;
		if (begins)
			weft_str_appendf(text, "%s%-9s", weft_str_len(text) ? "\n" : "", group);
		/* What belongs together stays so: the space within is no place to break. */
		weft_str_appendf(text, " /%s", commands[i].name);
		if (!is_short && commands[i].usage[0])
			weft_str_appendf(text, "\u00a0%s",
				strcmp(commands[i].name, "make") == 0 ? "ROOM" : commands[i].usage);
		weft_str_append_char(text, ' ');
	}
	weft_str_append(text, "\nTab completes. // says a line that begins with a slash. "
			      "/help COMMAND tells more, and so does /help keys.");
}

static const struct weft__command *find_command(const char *name);

static bool do_help(struct chat *chat, char *rest)
{
	const char *word = next_word(&rest);
	const struct weft__command *command;
	struct weft_str text;

	word += word[0] == '/';
	command = find_command(word);
	weft_str_init(&text, 8192);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcasecmp(commands[i].group, word) == 0)
			append_usage(&text, &commands[i]);
	if (strcasecmp(word, "keys") == 0)
		weft_str_append(&text, keys);
	else if (!word[0] || (weft_str_len(&text) == 0 && !command))
		append_groups(&text);
	else if (weft_str_len(&text) == 0)
		append_usage(&text, command);
	NOTE(chat, "%s", weft_str_text(&text));
	weft_str_fini(&text);
	return true;
}

/* ---- Commands of the hub's -------------------------------------------------------------- */

static bool append_text(struct weft_str *line, const char *text)
{
	char escaped[WEFT_CHAT_TEXT_MAX * 2];
	size_t len = weft_chat_line_escape(text, strlen(text), escaped, sizeof(escaped));

	return len <= sizeof(escaped) && weft_str_append_char(line, ' ') == 0 &&
	       weft_str_append_bytes(line, escaped, len) == 0;
}

/* One field, from what was typed. False: it is not there, or is none. */
static bool append_field(struct chat *chat, char field, char **rest, struct weft_str *line)
{
	uint64_t seconds = 0;
	char *word;

	switch (field) {
	case 'r':
		return weft_str_appendf(line, " %s", chat->model.current->name) == 0;
	case '*':
		return weft_str_append(line, " *") == 0;
	case 't':
		*rest = rest_of(*rest);
		word = *rest;
		*rest += strlen(word);
		return word[0] && append_text(line, word);
	case 'd':
		word = next_word(rest);
		return (!word[0] || read_duration(word, &seconds)) &&
		       weft_str_appendf(line, " %" PRIu64, seconds) == 0;
	case 'b':
		word = next_word(rest);
		return (strcasecmp(word, "on") == 0 || strcasecmp(word, "off") == 0) &&
		       weft_str_appendf(line, " %s", word) == 0;
	default:
		word = next_word(rest);
		return word[0] && weft_str_appendf(line, " %s", word) == 0;
	}
}

static void ask_hub(struct chat *chat, const struct weft__command *command, char *rest)
{
	struct chat_wish wish = {.purpose = command->purpose, .text = command->done};
	const char *field = command->fields, *why;
	bool may_end = false, is_right = true;
	struct weft_str line;

	if (wish.purpose == CHAT_FOR_MAKE)
		wish.text = rest_of(rest); /* its first word: it is cut there below */

	weft_str_init(&line, WEFT_CHAT_LINE_MAX);
	weft_str_append(&line, command->verb);
	for (; *field && is_right; field++) {
		if (*field == '?')
			may_end = true;
		else if (!may_end || rest_of(rest)[0])
			is_right = append_field(chat, *field, &rest, &line);
	}
	if (!is_right || rest_of(rest)[0]) {
		NOTE(chat, "It is: /%s %s", command->name, command->usage);
	} else {
		why = weft__caller_ask(&chat->caller, &wish, "%s", weft_str_text(&line));
		if (why)
			NOTE(chat, "%s.", why);
	}
	weft_str_fini(&line);
}

static const struct weft__command *find_command(const char *name)
{
	const struct weft__command *found = NULL;
	size_t len = strlen(name);

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcasecmp(commands[i].name, name) == 0)
			return &commands[i];
		/* The first that begins so will do: /q, /h. */
		if (len > 0 && !found && strncasecmp(commands[i].name, name, len) == 0)
			found = &commands[i];
	}
	return found;
}

static bool run_command(struct chat *chat, char *line)
{
	char *name = next_word(&line);
	const struct weft__command *command = find_command(name);

	if (!command)
		NOTE(chat, "There is no command /%s. /help tells which there are.", name);
	else if (command->run)
		return command->run(chat, line);
	else
		ask_hub(chat, command, line);
	return true;
}

bool weft__cmd_chat_enter(struct chat *chat, const char *line)
{
	bool stays = true;

	if (line[0] == '/' && line[1] != '/') {
		char *copy = strdup(line + 1);

		stays = !copy || run_command(chat, copy);
		free(copy);
	} else if (line[0] && chat->model.current) {
		const struct chat_room *room = chat->model.current;
		const char *why = "you are not in this room; /join enters it";

		if (room->is_in || room->is_wanted)
			why = weft__caller_say(&chat->caller, room->name, line + (line[0] == '/'));
		if (why)
			NOTE(chat, "Not sent: %s.", why);
	}
	weft__cmd_chat_kick(chat);
	return stays;
}
