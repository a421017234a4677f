/*
 * chat_list.c - see chat_list.h.
 *
 * Entry points: weft__list_row(), weft__list_tell().
 *
 * Never: grow with what a hub sends; show a byte of it unescaped (weft__model_note() sees to that).
 */
#include "chat_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "chat_listen.h"
#include "chat_text.h"

/** Columns of names of rooms, below each other. */
#define NAME_COLUMNS 16

/* ---- Rows ------------------------------------------------------------------------------- */

/* The flags that say something, but "here" and "guests". */
static void append_flags(struct weft_str *list, const char *flags)
{
	const char *lead = " (";

	while (*flags) {
		size_t len = strcspn(flags, ",");
		bool says_nothing = (len == 1 && *flags == '-') ||
				    (len == 4 && memcmp(flags, "here", 4) == 0) ||
				    (len == 6 && memcmp(flags, "guests", 6) == 0);

		if (!says_nothing) {
			weft_str_append(list, lead);
			weft_str_append_bytes(list, flags, len);
			lead = ", ";
		}
		flags += len + (flags[len] == ',');
	}
	if (lead[0] == ',')
		weft_str_append_char(list, ')');
}

static void append_room(struct chat_caller *caller, const struct chat_heard *heard)
{
	const struct chat_room *ours = weft__model_find(caller->model, heard->room);
	size_t columns = weft__text_width(heard->room, strlen(heard->room));

	weft_str_appendf(&caller->list, "%s%c %s%*s  %" PRIu64 " here",
		weft_str_len(&caller->list) ? "\n" : "", ours && ours->is_in ? '*' : ' ',
		heard->room, columns < NAME_COLUMNS ? (int)(NAME_COLUMNS - columns) : 0, "",
		heard->count);
	append_flags(&caller->list, heard->word);
	if (heard->text[0])
		weft_str_appendf(&caller->list, "  %.200s", heard->text);
}

static bool is_here(const char *flags)
{
	const char *here = strstr(flags, "here");

	return here && (here == flags || here[-1] == ',') && (!here[4] || here[4] == ',');
}

static void append_member(struct chat_caller *caller, const struct chat_heard *heard)
{
	weft_str_appendf(
		&caller->list, "%s%s", weft_str_len(&caller->list) ? ", " : "", heard->who);
	if (strcasecmp(heard->who, caller->model->self) == 0)
		weft_str_append(&caller->list, " (you)");
	append_flags(&caller->list, heard->word);
	if (!is_here(heard->word))
		weft_str_append(&caller->list, " (away)");
}

static void append_found(struct chat_caller *caller, const struct chat_heard *heard)
{
	time_t seconds = (time_t)(heard->at_ns / WEFT_SECONDS(1));
	struct tm parts;
	char when[32] = "";

	if (localtime_r(&seconds, &parts))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &parts);
	weft_str_appendf(&caller->list, "%s%s %s %s: %.1000s",
		weft_str_len(&caller->list) ? "\n" : "", heard->room, when, heard->who,
		heard->text);
}

static void keep_names(
	struct chat_caller *caller, const struct chat_heard *heard, const struct chat_asked *asked)
{
	struct chat_room *room = weft__model_find(caller->model, asked->room);

	if (heard->kind == CHAT_HEARD_ROOM)
		weft__model_know(caller->model, heard->room);
	else if (heard->kind == CHAT_HEARD_MEMBER && room && is_here(heard->word))
		weft__model_person(room, heard->who);
}

void weft__list_row(
	struct chat_caller *caller, const struct chat_heard *heard, const struct chat_asked *asked)
{
	keep_names(caller, heard, asked);
	if (asked->purpose == CHAT_FOR_NAMES)
		return;
	if (weft_str_len(&caller->list) > CHAT_LIST_MAX - 2048) {
		caller->unlisted++;
		return;
	}
	if (heard->kind == CHAT_HEARD_ROOM && asked->purpose == CHAT_FOR_ROOMS)
		append_room(caller, heard);
	else if (heard->kind == CHAT_HEARD_MEMBER && asked->purpose == CHAT_FOR_MEMBERS)
		append_member(caller, heard);
	else if (asked->purpose == CHAT_FOR_SEARCH)
		append_found(caller, heard);
}

/* ---- All of them ------------------------------------------------------------------------ */

void weft__list_tell(
	struct chat_caller *caller, const struct chat_asked *asked, const struct chat_heard *heard)
{
	struct weft_str *list = &caller->list;
	char more[64] = "";

	if (caller->unlisted)
		snprintf(more, sizeof(more), " ... and %" PRIu64 " more", caller->unlisted);
	else if (strncmp(heard->text, "more", 4) == 0)
		snprintf(more, sizeof(more), " ... and more");
	if (weft_str_len(list) == 0)
		NOTE(caller, NULL,
			asked->purpose == CHAT_FOR_SEARCH ? "Nothing is found."
							  : "There is nothing.");
	else if (asked->purpose == CHAT_FOR_MEMBERS)
		NOTE(caller, weft__model_find(caller->model, asked->room), "In this room: %s%s",
			weft_str_text(list), more);
	else
		NOTE(caller, NULL, "%s%s", weft_str_text(list), more);
	weft_str_reset(list);
	caller->unlisted = 0;
}

/* ---- Completion ------------------------------------------------------------------------- */

void weft__list_ask_rooms(struct chat_caller *caller)
{
	const struct chat_wish names = {.purpose = CHAT_FOR_NAMES};

	if (caller->options.has_completion)
		weft__caller_ask(caller, &names, "ROOMS");
}

void weft__list_ask_people(struct chat_caller *caller, const struct chat_room *room)
{
	const struct chat_wish names = {.purpose = CHAT_FOR_NAMES, .room = room};

	if (caller->options.has_completion && room->count <= CHAT_PEOPLE_MAX)
		weft__caller_ask(caller, &names, "MEMBERS %s", room->name);
}

/* ---- Rules ------------------------------------------------------------------------------ */

const char *weft__list_rule(const char *said, char *place, size_t size)
{
	static const struct {
		const char *said, *means;
	} rules[] = {
		{"slow-mode 0 ms", "Nobody has to wait between two messages any more."},
		{"read-only on", "Only moderators can speak here now."},
		{"read-only off", "Everybody can speak here again."},
		{"guests on", "Guests can come in now."},
		{"guests off", "Guests can't come in any more."},
		{"private on", "The room is private now: who was invited knows of it."},
		{"private off", "The room is public now."},
	};
	static const char slow[] = "slow-mode ";

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strcmp(rules[i].said, said) == 0)
			return rules[i].means;
	if (strncmp(said, slow, strlen(slow)) == 0)
		snprintf(place, size, "Everybody has to wait %lu s between two messages now.",
			(strtoul(said + strlen(slow), NULL, 10) + 999) / 1000);
	else
		snprintf(place, size, "The room is now: %.100s", said);
	return place;
}
