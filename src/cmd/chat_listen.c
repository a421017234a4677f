/*
 * chat_listen.c - what a hub's lines mean to a client (chat_caller.h).
 *
 * Entry point: weft__caller_line(). Of rooms' logs: chat_log.c.
 *
 * Never: believe a hub so far that memory or rounds would have no bound.
 */
#include "chat_listen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chat_list.h"
#include "chat_text.h"

/** Lines without a sense in one connection, before it is ended. */
#define MISHEARD_MAX 100

/* The sentence as it may be shown, in so many bytes. */
static void keep_sentence(char *place, size_t size, const char *text)
{
	struct weft_str str;
	size_t fit;

	weft_str_init(&str, WEFT_CHAT_LINE_MAX * 16);
	weft__text_show_line(&str, text, strnlen(text, 400));
	fit = weft_str_len(&str) < size ? weft_str_len(&str) : size - 1;
	while (fit > 0 && !weft_utf8_is_valid(weft_str_text(&str), fit))
		fit--;
	memcpy(place, weft_str_text(&str), fit);
	place[fit] = '\0';
	weft_str_fini(&str);
}

void weft__caller_end(struct chat_caller *caller, const char *why)
{
	caller->state = CHAT_OVER;
	keep_sentence(caller->why, sizeof(caller->why), why);
	caller->model->changed++;
}

/* ---- Rooms ------------------------------------------------------------------------------ */

static void hear_entered(struct chat_caller *caller, const struct chat_heard *heard)
{
	/* Direct rooms are entered by somebody else's word. */
	struct chat_room *room = weft__model_open(caller->model, heard->room);

	if (!room)
		return;
	if (room->epoch != heard->epoch) {
		bool is_anew = room->epoch != 0;

		weft__model_restart(caller->model, room, heard->epoch);
		if (is_anew)
			NOTE(caller, room, "The room has begun anew.");
	}
	/* Else the first message that comes says where. */
	if (!room->is_begun && (caller->options.history == 0 || heard->seq == 0)) {
		room->is_begun = true;
		room->upto = heard->seq;
	}
	room->is_wanted = room->is_in = true;
	room->count = heard->count;
	weft__model_topic(caller->model, room, heard->text);
	if (caller->options.hooks.entered)
		caller->options.hooks.entered(caller->options.hooks.arg, room->name, NULL);
	weft__list_ask_people(caller, room);
}

static void drop_posts(struct chat_caller *caller, const char *room, const struct chat_heard *heard)
{
	for (size_t i = caller->posts_len; i-- > 0;) {
		if (strcasecmp(caller->posts[i].room, room) != 0)
			continue;
		if (caller->options.hooks.settled)
			caller->options.hooks.settled(
				caller->options.hooks.arg, &caller->posts[i], heard);
		weft__caller_settle(caller, i);
	}
}

static void hear_exited(struct chat_caller *caller, const struct chat_heard *heard)
{
	struct chat_room *room = weft__model_find(caller->model, heard->room);

	if (!room)
		return;
	room->is_in = room->is_wanted = false;
	drop_posts(caller, room->name, heard);
	NOTE(caller, room, "You are not in this room any more%s%s.", heard->text[0] ? ": " : "",
		heard->text);
	if (caller->options.hooks.entered)
		caller->options.hooks.entered(caller->options.hooks.arg, room->name, heard->text);
}

static void hear_presence(struct chat_caller *caller, const struct chat_heard *heard)
{
	struct chat_room *room = weft__model_find(caller->model, heard->room);
	const char *verb = heard->kind == CHAT_HEARD_JOINED ? "is here" : "has left";
	struct weft_str text;

	if (!room)
		return;
	room->count = heard->count;
	caller->model->changed++;
	if (heard->kind == CHAT_HEARD_COUNT || strcasecmp(heard->who, caller->model->self) == 0)
		return;
	if (heard->kind == CHAT_HEARD_JOINED)
		weft__model_person(room, heard->who);
	else
		weft__model_gone(room, heard->who);
	weft_str_init(&text, WEFT_CHAT_LINE_MAX);
	weft__text_show_line(&text, heard->who, strlen(heard->who));
	weft_str_appendf(&text, " %s", verb);
	if (heard->text[0]) {
		weft_str_append(&text, ": ");
		weft__text_show_line(&text, heard->text, strnlen(heard->text, 200));
	}
	weft__model_coming(caller->model, room, caller->wall_ns, weft_str_text(&text));
	weft_str_fini(&text);
}

static void hear_invited(struct chat_caller *caller, const struct chat_heard *heard)
{
	weft__model_know(caller->model, heard->room);
	NOTE(caller, NULL, "%s lets you into a room: /join %s", heard->who, heard->room);
}

static void hear_changed(struct chat_caller *caller, const struct chat_heard *heard)
{
	struct chat_room *room = weft__model_find(caller->model, heard->room);
	char rule[160];

	if (!room)
		return;
	NOTE(caller, room, "%s", weft__list_rule(heard->text, rule, sizeof(rule)));
	/* What waited for the old rule asks again. */
	for (size_t i = 0; i < caller->posts_len; i++)
		if (strcasecmp(caller->posts[i].room, room->name) == 0)
			caller->posts[i].not_before = 0;
	weft__caller_send_posts(caller);
}

/* ---- Answers ---------------------------------------------------------------------------- */

static void log_in(struct chat_caller *caller, struct chat_heard *heard)
{
	struct chat_model *model = caller->model;

	if (weft__heard_answer(heard, "W"))
		memcpy(model->self, heard->who, sizeof(model->self));
	caller->state = CHAT_ONLINE;
	caller->logins++;
	caller->is_retried = false;
	caller->misheard = 0;
	weft__model_name_rooms(model);
	model->changed++;
	for (size_t i = 0; i < model->rooms_len; i++)
		if (model->rooms[i]->is_wanted)
			weft__caller_send_join(caller, model->rooms[i]);
	weft__list_ask_rooms(caller);
}

/* Perhaps she has never chosen that name: in a pipe it is $USER's, who may have an account. */
static void end_unnamed(struct chat_caller *caller, const struct chat_heard *heard)
{
	char why[sizeof(caller->why)];

	snprintf(why, sizeof(why),
		"%.120s: take another with --guest NAME, or, if it is your account, --user NAME",
		heard->text[0] ? heard->text : heard->word);
	weft__caller_end(caller, why);
}

/* Ours may be the name that is taken: the hub has not missed us yet. */
static void refuse_login(struct chat_caller *caller, const struct chat_heard *heard)
{
	bool is_ours = caller->logins > 0 && strcmp(heard->word, "name-taken") == 0;

	if (heard->wait_ms == 0 && !is_ours) {
		if (!caller->options.secret && !caller->options.token &&
			strncmp(heard->word, "name-", 5) == 0) {
			end_unnamed(caller, heard);
			return;
		}
		caller->is_wrong = caller->logins == 0 && strcmp(heard->word, "wrong") == 0;
		weft__caller_end(caller, heard->text[0] ? heard->text : heard->word);
		return;
	}
	caller->is_retried = true;
	caller->retry_ns = (int64_t)(heard->wait_ms < 3600000 ? heard->wait_ms : 3600000) *
			   WEFT_MILLISECONDS(1);
	caller->state = CHAT_OFFLINE;
	keep_sentence(caller->why, sizeof(caller->why), heard->text);
}

static void refuse_join(
	struct chat_caller *caller, struct chat_room *room, const struct chat_heard *heard)
{
	room->is_wanted = room->is_in = false;
	drop_posts(caller, room->name, heard);
	NOTE(caller, room, "%s: %s.%s%s", room->name, heard->text,
		strcmp(heard->word, "no-room") == 0 ? " To make it: /make " : "",
		strcmp(heard->word, "no-room") == 0 ? room->name : "");
	if (caller->options.hooks.entered)
		caller->options.hooks.entered(caller->options.hooks.arg, room->name, heard->text);
}

static void end_join(
	struct chat_caller *caller, const struct chat_asked *asked, struct chat_heard *heard)
{
	struct chat_room *room = weft__model_find(caller->model, asked->room);

	if (!room)
		return;
	if (heard->kind == CHAT_HEARD_NO) {
		refuse_join(caller, room, heard);
		return;
	}
	caller->joins++;
	room->is_in = true;
	if (weft__heard_answer(heard, "RESF")) {
		memcpy(room->name, heard->room, sizeof(room->name));
		room->read = heard->from;
		weft__model_came_in(caller->model, room, heard->from);
	}
	weft__caller_send_posts(caller);
}

static void end_make(struct chat_caller *caller, const struct chat_asked *asked)
{
	struct chat_room *room = weft__caller_join(caller, asked->text ? asked->text : "");

	weft__model_know(caller->model, asked->text ? asked->text : "");
	if (room)
		weft__model_show(caller->model, room);
	else
		NOTE(caller, NULL, "It is made. You are in too many rooms to enter it.");
}

static void end_direct(
	struct chat_caller *caller, const struct chat_asked *asked, struct chat_heard *heard)
{
	struct chat_room *room;
	const char *why;

	if (!weft__heard_answer(heard, "R"))
		return;
	room = weft__caller_join(caller, heard->room);
	if (!room)
		return;
	weft__model_show(caller->model, room);
	why = asked->text && asked->text[0] ? weft__caller_say(caller, room->name, asked->text)
					    : NULL;
	if (why)
		NOTE(caller, room, "Not sent: %s.", why);
}

static void refuse(
	struct chat_caller *caller, const struct chat_asked *asked, const struct chat_heard *heard)
{
	if (asked->purpose == CHAT_FOR_NOTHING || asked->purpose == CHAT_FOR_LEAVE ||
		asked->purpose == CHAT_FOR_NAMES)
		return;
	if (asked->purpose == CHAT_FOR_DIRECT && strcmp(heard->word, "no-such-person") == 0)
		NOTE(caller, NULL,
			"No: there is no account of this name. Guests have no rooms of two.");
	else
		NOTE(caller, NULL, "No: %s (%s).", heard->text, heard->word);
}

static void end_asked(
	struct chat_caller *caller, const struct chat_asked *asked, struct chat_heard *heard)
{
	bool is_ok = heard->kind == CHAT_HEARD_OK;
	struct chat_room *room = weft__model_find(caller->model, asked->room);

	switch (asked->purpose) {
	case CHAT_FOR_LOGIN:
		if (is_ok)
			log_in(caller, heard);
		else
			refuse_login(caller, heard);
		return;
	case CHAT_FOR_JOIN:
		end_join(caller, asked, heard);
		return;
	case CHAT_FOR_GAP:
		weft__caller_end_gap(caller, asked, is_ok);
		return;
	default:
		break;
	}
	if (!is_ok)
		refuse(caller, asked, heard);
	else if (asked->purpose == CHAT_FOR_OLDER && room)
		room->has_no_more = asked->rows == 0;
	else if (asked->purpose == CHAT_FOR_DIRECT)
		end_direct(caller, asked, heard);
	else if (asked->purpose == CHAT_FOR_MAKE)
		end_make(caller, asked);
	else if (asked->purpose == CHAT_FOR_CODE)
		NOTE(caller, NULL,
			"Your code: %s (for `L name code` by UDP; once, within 5 minutes)",
			heard->text);
	else if (asked->purpose == CHAT_FOR_CHANGE && asked->text)
		NOTE(caller, NULL, "%s", asked->text);
	else if (asked->purpose >= CHAT_FOR_SEARCH && asked->purpose <= CHAT_FOR_MEMBERS)
		weft__list_tell(caller, asked, heard);
}

/* ---- Messages of ours ------------------------------------------------------------------- */

static void accept_post(struct chat_caller *caller, size_t at, struct chat_heard *heard)
{
	struct chat_post *post = &caller->posts[at];
	const struct chat_room *room = weft__model_find(caller->model, post->room);

	bool is_read = weft__heard_answer(heard, "RES");

	if (caller->options.hooks.settled)
		caller->options.hooks.settled(caller->options.hooks.arg, post, heard);
	if (is_read && room && heard->seq > room->upto && !post->is_heard) {
		post->seq = heard->seq; /* it is shown until it is heard */
		return;
	}
	weft__caller_settle(caller, at);
}

static void refuse_post(struct chat_caller *caller, size_t at, const struct chat_heard *heard)
{
	struct chat_post *post = &caller->posts[at];
	struct chat_room *room = weft__model_find(caller->model, post->room);

	if (heard->wait_ms > 0) {
		uint64_t wait_ms = heard->wait_ms < 86400000 ? heard->wait_ms : 86400000;

		post->is_sent = false;
		post->not_before = caller->now_ns + (int64_t)wait_ms * WEFT_MILLISECONDS(1);
		return;
	}
	NOTE(caller, room, "Not sent, %s: %s", heard->text[0] ? heard->text : heard->word,
		post->text);
	if (caller->options.hooks.settled)
		caller->options.hooks.settled(caller->options.hooks.arg, post, heard);
	weft__caller_settle(caller, at);
}

/* The post that the answer is for; false: it is for none. */
static bool answer_post(struct chat_caller *caller, struct chat_heard *heard)
{
	for (size_t i = 0; i < caller->posts_len; i++) {
		if (strcmp(caller->posts[i].id, heard->tag) != 0 || caller->posts[i].seq)
			continue;
		if (heard->kind == CHAT_HEARD_OK)
			accept_post(caller, i, heard);
		else
			refuse_post(caller, i, heard);
		weft__caller_send_posts(caller);
		caller->model->changed++;
		return true;
	}
	return false;
}

/* ---- Lines ------------------------------------------------------------------------------ */

static struct chat_asked *find_asked(struct chat_caller *caller, const char *tag)
{
	char text[16];

	for (size_t i = 0; i < CHAT_ASKED_MAX && tag[0]; i++) {
		snprintf(text, sizeof(text), "%" PRIu32, caller->asked[i].number);
		if (caller->asked[i].number && strcmp(text, tag) == 0)
			return &caller->asked[i];
	}
	return NULL;
}

static void hear_answer(
	struct chat_caller *caller, struct chat_heard *heard, struct chat_asked *asked)
{
	struct chat_asked answered;

	if (!asked) {
		answer_post(caller, heard);
		return;
	}
	answered = *asked;
	/* Its place is free first: what it leads to may ask again. */
	*asked = (struct chat_asked){.number = 0};
	end_asked(caller, &answered, heard);
	free(answered.text);
	caller->model->changed++;
}

static void hear_event(struct chat_caller *caller, const struct chat_heard *heard)
{
	switch (heard->kind) {
	case CHAT_HEARD_JOINED:
	case CHAT_HEARD_LEFT:
	case CHAT_HEARD_COUNT:
		hear_presence(caller, heard);
		return;
	case CHAT_HEARD_CHANGED:
		hear_changed(caller, heard);
		return;
	case CHAT_HEARD_GAP:
		weft__caller_hear_gap(caller, heard);
		return;
	case CHAT_HEARD_ENTERED:
		hear_entered(caller, heard);
		return;
	case CHAT_HEARD_EXITED:
		hear_exited(caller, heard);
		return;
	case CHAT_HEARD_INVITED:
		hear_invited(caller, heard);
		return;
	default:
		return;
	}
}

static bool is_of_log(enum chat_heard_kind kind)
{
	return kind >= CHAT_HEARD_MESSAGE && kind <= CHAT_HEARD_NOTICE;
}

bool weft__caller_line(struct chat_caller *caller, const char *line, size_t len)
{
	struct chat_heard *heard = &caller->heard;
	struct chat_asked *asked;

	if (!weft__heard_read(heard, line, len))
		return ++caller->misheard < MISHEARD_MAX;
	asked = find_asked(caller, heard->tag);
	if (heard->kind == CHAT_HEARD_OK || heard->kind == CHAT_HEARD_NO) {
		hear_answer(caller, heard, asked);
	} else if (heard->kind == CHAT_HEARD_OVER) {
		keep_sentence(caller->why, sizeof(caller->why), heard->text);
		return false;
	} else if (asked && asked->purpose >= CHAT_FOR_SEARCH) {
		asked->rows++;
		weft__list_row(caller, heard, asked);
	} else if (is_of_log(heard->kind)) {
		if (asked)
			asked->rows++;
		weft__caller_hear_logged(caller, heard, asked);
	} else {
		hear_event(caller, heard);
	}
	return caller->state != CHAT_OVER && (caller->state != CHAT_OFFLINE || !caller->is_retried);
}
