/*
 * chat_complete.c - Tab in `weft chat`: commands, rooms, people, and what stands behind a command.
 *
 * Entry point: weft__cmd_chat_complete().
 */
#include <string.h>
#include <strings.h>

#include "chat.h"
#include "chat_list.h"

struct candidates {
	const char *prefix;
	size_t prefix_len;
	const char *items[CHAT_PEOPLE_MAX + CHAT_ROOMS_MAX + CHAT_KNOWN_MAX];
	size_t len;
};

static void add(struct candidates *candidates, const char *item)
{
	if (candidates->len < sizeof(candidates->items) / sizeof(candidates->items[0]) &&
		strncasecmp(item, candidates->prefix, candidates->prefix_len) == 0)
		candidates->items[candidates->len++] = item;
}

/* What the words behind a command are. */
enum kind {
	PEOPLE,
	ROOMS,
	COMMANDS,
	SWITCHES,
	VISIBILITIES,
	NOTHING,
};

static enum kind kind_of(const char *line, size_t start)
{
	static const struct {
		const char *command;
		enum kind first, second;
	} kinds[] = {
		{"join", ROOMS, NOTHING},
		{"leave", ROOMS, NOTHING},
		{"room", ROOMS, NOTHING},
		{"remove", ROOMS, NOTHING},
		{"make", NOTHING, VISIBILITIES},
		{"help", COMMANDS, NOTHING},
		{"read-only", SWITCHES, NOTHING},
		{"guests", SWITCHES, NOTHING},
		{"private", SWITCHES, NOTHING},
		{"moderator", PEOPLE, SWITCHES},
	};
	size_t len = strcspn(line, " "), gap = len + strspn(line + len, " ");

	if (start == 0)
		return line[0] == '/' ? COMMANDS : PEOPLE;
	for (size_t i = 0; line[0] == '/' && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].command) == len - 1 &&
			memcmp(kinds[i].command, line + 1, len - 1) == 0)
			return gap == start ? kinds[i].first : kinds[i].second;
	return PEOPLE;
}

static void add_rooms(const struct chat_model *model, struct candidates *candidates)
{
	for (size_t i = 0; i < model->rooms_len; i++)
		add(candidates, model->rooms[i]->name);
	for (size_t i = 0; i < model->known_len; i++)
		if (!weft__model_find(model, model->known[i]))
			add(candidates, model->known[i]);
}

static void gather(const struct chat *chat, enum kind kind, struct candidates *candidates)
{
	const struct chat_room *room = chat->model.current;
	const char *command;

	if (kind == COMMANDS)
		for (size_t i = 0; (command = weft__cmd_chat_command(i)); i++)
			add(candidates, command);
	if (kind == ROOMS)
		add_rooms(&chat->model, candidates);
	for (size_t i = 0; kind == PEOPLE && room && i < room->people_len; i++)
		add(candidates, room->people[i]);
	if (kind == SWITCHES || kind == VISIBILITIES) {
		add(candidates, kind == SWITCHES ? "on" : "public");
		add(candidates, kind == SWITCHES ? "off" : "private");
	}
}

/* How much all of them have in common, in whole characters. */
static size_t common_len(const struct candidates *candidates)
{
	size_t len = strlen(candidates->items[0]);

	for (size_t i = 1; i < candidates->len; i++) {
		size_t same = 0;

		while (same < len && candidates->items[0][same] == candidates->items[i][same])
			same++;
		len = same;
	}
	while (len > 0 && ((unsigned char)candidates->items[0][len] & 0xc0) == 0x80)
		len--;
	return len;
}

static void tell_candidates(struct chat *chat, const struct candidates *candidates)
{
	struct weft_str text;

	weft_str_init(&text, CHAT_LIST_MAX);
	for (size_t i = 0; i < candidates->len; i++)
		weft_str_appendf(&text, "%s%s", i ? "  " : "", candidates->items[i]);
	weft__model_note(&chat->model, NULL, chat->caller.wall_ns, "%s", weft_str_text(&text));
	weft_str_fini(&text);
}

void weft__cmd_chat_complete(struct chat *chat, struct chat_edit *edit)
{
	struct candidates candidates = {.len = 0};
	size_t start = edit->cursor, len;
	bool is_command;
	enum kind kind;
	char text[WEFT_CHAT_ROOM_MAX + 8];

	while (start > 0 && edit->text[start - 1] != ' ' && edit->text[start - 1] != '\n')
		start--;
	candidates.prefix = edit->text + start;
	candidates.prefix_len = edit->cursor - start;
	is_command = candidates.prefix_len > 0 && candidates.prefix[0] == '/';
	kind = kind_of(edit->text, start);
	if (candidates.prefix_len == 0 && start == 0)
		return;
	is_command = is_command && kind == COMMANDS;
	candidates.prefix += is_command;
	candidates.prefix_len -= is_command;
	gather(chat, kind, &candidates);
	if (candidates.len == 0)
		return;
	len = common_len(&candidates);
	if (candidates.len > 1 && len <= candidates.prefix_len) {
		tell_candidates(chat, &candidates);
		return;
	}
	snprintf(text, sizeof(text), "%s%.*s%s", is_command ? "/" : "", (int)len,
		candidates.items[0],
		candidates.len > 1          ? ""
		: start == 0 && !is_command ? ": "
					    : " ");
	weft__edit_replace(edit, start, text);
}
