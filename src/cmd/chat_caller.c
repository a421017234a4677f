/*
 * chat_caller.c - see chat_caller.h: what is sent, and the connection's life.
 *
 * Entry points: weft__caller_connected(), weft__caller_say(), weft__caller_ask(),
 * weft__caller_lost(). What is heard: chat_listen.c.
 *
 * Never: send a message under another id than the first time.
 */
#include "chat_caller.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_list.h"
#include "chat_listen.h"
#include "weft/utf8.h"

#define BACKOFF_FIRST WEFT_MILLISECONDS(500)
#define BACKOFF_MAX   WEFT_SECONDS(30)

static const char busy[] = "there is too much under way: wait for the hub";

void weft__caller_init(struct chat_caller *caller, struct chat_model *model,
	const struct chat_caller_options *options)
{
	memset(caller, 0, sizeof(*caller));
	caller->model = model;
	caller->options = *options;
	weft_str_init(&caller->out, CHAT_OUT_MAX);
	weft_str_init(&caller->list, CHAT_LIST_MAX);
}

static void free_post(struct chat_post *post)
{
	free(post->text);
}

void weft__caller_fini(struct chat_caller *caller)
{
	for (size_t i = 0; i < caller->posts_len; i++)
		free_post(&caller->posts[i]);
	for (size_t i = 0; i < CHAT_ASKED_MAX; i++)
		free(caller->asked[i].text);
	if (caller->out.text)
		explicit_bzero(caller->out.text, caller->out.capacity);
	weft_str_fini(&caller->out);
	weft_str_fini(&caller->list);
}

void weft__caller_time(struct chat_caller *caller, int64_t now_ns, int64_t wall_ns)
{
	caller->now_ns = now_ns;
	caller->wall_ns = wall_ns;
}

/* ---- Sending ---------------------------------------------------------------------------- */

/* A line, whole or not at all. */
static bool send_line(struct chat_caller *caller, const char *line, size_t len)
{
	if (len >= WEFT_CHAT_LINE_MAX || CHAT_OUT_MAX - weft_str_len(&caller->out) < len + 1)
		return false;
	weft_str_append_bytes(&caller->out, line, len);
	weft_str_append_char(&caller->out, '\n');
	return weft_str_error(&caller->out) == 0;
}

static struct chat_asked *free_place(struct chat_caller *caller)
{
	for (size_t i = 0; i < CHAT_ASKED_MAX; i++)
		if (caller->asked[i].number == 0)
			return &caller->asked[i];
	return NULL;
}

const char *weft__caller_ask(
	struct chat_caller *caller, const struct chat_wish *wish, const char *format, ...)
{
	const struct chat_room *room = wish->room ? wish->room : caller->model->current;
	struct chat_asked *asked = free_place(caller);
	char line[WEFT_CHAT_LINE_MAX + 1];
	va_list args;
	int head, len;

	if (caller->state != CHAT_ONLINE &&
		(caller->state != CHAT_LOGGING_IN || wish->purpose != CHAT_FOR_LOGIN))
		return "there is no connection to the hub";
	if (!asked)
		return busy;
	if (++caller->asked_count == 0)
		caller->asked_count = 1;
	head = snprintf(line, sizeof(line), "#%" PRIu32 " ", caller->asked_count);
	va_start(args, format);
	len = vsnprintf(line + head, sizeof(line) - (size_t)head, format, args);
	va_end(args);
	if (len < 0 || (size_t)head + (size_t)len >= sizeof(line))
		return "this is too long";
	if (!send_line(caller, line, (size_t)head + (size_t)len))
		return busy;
	explicit_bzero(line, sizeof(line)); /* a password was in it, perhaps */
	*asked = (struct chat_asked){.purpose = wish->purpose,
		.number = caller->asked_count,
		.text = wish->text ? strdup(wish->text) : NULL};
	if (room)
		memcpy(asked->room, room->name, strlen(room->name) + 1);
	return NULL;
}

/* ---- The connection --------------------------------------------------------------------- */

void weft__caller_connected(struct chat_caller *caller)
{
	const struct chat_caller_options *options = &caller->options;
	const struct chat_wish login = {.purpose = CHAT_FOR_LOGIN};
	char escaped[WEFT_CHAT_TEXT_MAX];
	const char *secret = options->token ? options->token : options->secret, *why;
	size_t len = 0;

	caller->state = CHAT_LOGGING_IN;
	caller->why[0] = '\0';
	caller->is_retried = false;
	weft_str_reset(&caller->out);
	if (secret)
		len = weft_chat_line_escape(secret, strlen(secret), escaped, sizeof(escaped));
	len = len < sizeof(escaped) ? len : sizeof(escaped);
	if (options->token)
		why = weft__caller_ask(caller, &login, "TOKEN %.*s", (int)len, escaped);
	else if (options->secret)
		why = weft__caller_ask(
			caller, &login, "LOGIN %s %.*s", options->name, (int)len, escaped);
	else
		why = weft__caller_ask(caller, &login, "GUEST %s%s%s", options->name,
			options->own ? " " : "", options->own ? options->own : "");
	explicit_bzero(escaped, sizeof(escaped));
	if (why)
		weft__caller_end(caller, why);
}

void weft__caller_lost(struct chat_caller *caller, const char *why)
{
	if (caller->state == CHAT_OVER)
		return;
	caller->state = CHAT_OFFLINE;
	if (why[0] || !caller->why[0])
		snprintf(caller->why, sizeof(caller->why), "%s", why);
	weft_str_reset(&caller->out);
	weft_str_reset(&caller->list);
	for (size_t i = 0; i < CHAT_ASKED_MAX; i++) {
		free(caller->asked[i].text);
		caller->asked[i] = (struct chat_asked){.number = 0};
	}
	for (size_t i = 0; i < caller->posts_len; i++) {
		caller->posts[i].is_sent = false;
		caller->posts[i].not_before = 0;
	}
	for (size_t i = 0; i < caller->model->rooms_len; i++) {
		caller->model->rooms[i]->is_in = false;
		caller->model->rooms[i]->gap_to = 0; /* it goes on after upto */
	}
	caller->model->changed++;
}

/* Two rounds of a mixing function are enough: it is no secret, only different. */
static uint64_t mix(uint64_t number)
{
	number = (number ^ number >> 31) * 0x9e3779b97f4a7c15u;
	return (number ^ number >> 29) * 0xbf58476d1ce4e5b9u >> 32;
}

int64_t weft__caller_backoff_ns(const struct chat_caller *caller, unsigned tries)
{
	int64_t wait = BACKOFF_MAX;

	if (tries < 6)
		wait = BACKOFF_FIRST << tries;
	/* From three quarters of it to five. */
	wait = wait / 4 * 3 + wait / 2 / 1024 * (int64_t)(mix(caller->options.seed + tries) % 1024);
	return caller->is_retried && caller->retry_ns > wait ? caller->retry_ns : wait;
}

/* ---- Rooms ------------------------------------------------------------------------------ */

void weft__caller_send_join(struct chat_caller *caller, struct chat_room *room)
{
	const struct chat_wish join = {.purpose = CHAT_FOR_JOIN, .room = room};

	room->is_fresh = !room->is_begun && caller->options.history > 0;
	if (room->is_begun)
		weft__caller_ask(caller, &join, "JOIN %s %08" PRIx32 " %" PRIu64, room->name,
			room->epoch, room->upto);
	else if (caller->options.history > 0)
		weft__caller_ask(
			caller, &join, "JOIN %s last %u", room->name, caller->options.history);
	else
		weft__caller_ask(caller, &join, "JOIN %s", room->name);
}

struct chat_room *weft__caller_join(struct chat_caller *caller, const char *name)
{
	struct chat_room *room = weft__model_open(caller->model, name);

	if (!room)
		return NULL;
	if (!room->is_in && caller->state == CHAT_ONLINE)
		weft__caller_send_join(caller, room);
	room->is_wanted = true;
	return room;
}

static void drop_post(struct chat_caller *caller, size_t at)
{
	free_post(&caller->posts[at]);
	caller->posts_len--;
	memmove(caller->posts + at, caller->posts + at + 1,
		(caller->posts_len - at) * sizeof(caller->posts[0]));
	caller->model->changed++;
}

void weft__caller_leave(struct chat_caller *caller, struct chat_room *room)
{
	const struct chat_wish leave = {.purpose = CHAT_FOR_LEAVE, .room = room};

	for (size_t i = caller->posts_len; i-- > 0;)
		if (strcmp(caller->posts[i].room, room->name) == 0)
			drop_post(caller, i);
	if (room->is_in)
		weft__caller_ask(caller, &leave, "LEAVE %s", room->name);
	weft__model_close(caller->model, room);
}

void weft__caller_older(struct chat_caller *caller, struct chat_room *room)
{
	const struct chat_wish older = {.purpose = CHAT_FOR_OLDER, .room = room};
	uint64_t first = weft__model_first(room);

	for (size_t i = 0; i < CHAT_ASKED_MAX; i++)
		if (caller->asked[i].number && caller->asked[i].purpose == CHAT_FOR_OLDER)
			return;
	if (room->has_no_more || weft__model_is_full(room) || !room->is_in)
		return;
	if (first > 1)
		weft__caller_ask(caller, &older, "HISTORY %s before %" PRIu64 " %d", room->name,
			first, CHAT_PAGE);
	else if (first == 0)
		weft__caller_ask(caller, &older, "HISTORY %s %d", room->name, CHAT_PAGE);
}

void weft__caller_read(struct chat_caller *caller, struct chat_room *room)
{
	const struct chat_wish quiet = {.purpose = CHAT_FOR_NOTHING, .room = room};

	if (room->upto <= room->read || !room->is_in || caller->model->self[0] == '~')
		return;
	if (!weft__caller_ask(caller, &quiet, "READ %s %" PRIu64, room->name, room->upto))
		room->read = room->upto;
}

/* ---- Messages --------------------------------------------------------------------------- */

/* The oldest go first; where one waits, those of its room wait behind it. */
void weft__caller_send_posts(struct chat_caller *caller)
{
	for (size_t i = 0; i < caller->posts_len; i++) {
		struct chat_post *post = &caller->posts[i];
		const struct chat_room *room = weft__model_find(caller->model, post->room);
		char line[WEFT_CHAT_LINE_MAX];
		bool waits = caller->state != CHAT_ONLINE || !room || !room->is_in;
		int head;
		size_t len;

		for (size_t k = 0; k < i && !waits; k++)
			waits = caller->posts[k].not_before &&
				strcmp(caller->posts[k].room, post->room) == 0;
		if (waits || post->is_sent || post->seq || post->not_before > caller->now_ns)
			continue;
		head = snprintf(line, sizeof(line), "#%s %s %s ", post->id,
			post->is_file ? "SHARE" : "SAY", post->room);
		len = weft_chat_line_escape(
			post->text, strlen(post->text), line + head, sizeof(line) - (size_t)head);
		/* It was looked at before it was kept. */
		if (send_line(caller, line, (size_t)head + len)) {
			post->is_sent = true;
			post->not_before = 0;
		}
	}
}

static const char *add_post(
	struct chat_caller *caller, const char *room, const char *text, bool is_file)
{
	struct chat_post *post = &caller->posts[caller->posts_len];
	size_t escaped = weft_chat_line_escape(text, strlen(text), NULL, 0);

	if (caller->posts_len == CHAT_POSTS_MAX)
		return busy;
	if (!text[0])
		return "there is no text";
	/* Else something else would be sent for it. */
	if (!weft_utf8_is_valid(text, strlen(text)))
		return "this text is not UTF-8";
	if (strlen(text) > WEFT_CHAT_TEXT_MAX ||
		escaped + strlen(room) + WEFT_CHAT_TAG_MAX + 16 > WEFT_CHAT_LINE_MAX)
		return "this text is too long";
	*post = (struct chat_post){.text = strdup(text), .is_file = is_file};
	if (!post->text || strlen(room) > WEFT_CHAT_ROOM_MAX)
		return "there is no memory";
	memcpy(post->room, room, strlen(room) + 1);
	snprintf(post->id, sizeof(post->id), "%.30s-%" PRIx64, caller->options.prefix,
		++caller->posted & UINT32_MAX);
	caller->posts_len++;
	caller->model->changed++;
	weft__caller_send_posts(caller);
	return NULL;
}

const char *weft__caller_say(struct chat_caller *caller, const char *room, const char *text)
{
	return add_post(caller, room, text, false);
}

const char *weft__caller_share(struct chat_caller *caller, const char *room, const char *path)
{
	return add_post(caller, room, path, true);
}

void weft__caller_settle(struct chat_caller *caller, size_t at)
{
	drop_post(caller, at);
}

bool weft__caller_is_settled(const struct chat_caller *caller)
{
	for (size_t i = 0; i < caller->posts_len; i++)
		if (caller->posts[i].seq == 0)
			return false;
	return true;
}

int64_t weft__caller_tick(struct chat_caller *caller)
{
	int64_t next = INT64_MAX;

	weft__caller_send_posts(caller);
	for (size_t i = 0; i < caller->posts_len; i++) {
		int64_t then = caller->posts[i].not_before;

		if (!caller->posts[i].is_sent && then > caller->now_ns && then < next)
			next = then;
	}
	return next;
}
