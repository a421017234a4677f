/*
 * chat_model.c - see chat_model.h.
 *
 * Entry points: weft__model_open(), weft__model_log(), weft__model_note(). Names: chat_people.c.
 *
 * Where memory is short, an entry is not kept: nothing else breaks.
 *
 * Never: keep a byte that a terminal may not be sent.
 */
#include "chat_model.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chat_text.h"

/** Longest of our own lines, and of a shown text: each byte of it may be written out. */
#define NOTE_MAX  16384
#define SHOWN_MAX (8 * CHAT_HEARD_LINE_MAX)

/** Entries that go at a time, when there are too many. */
#define TRIM 100

/* ---- Life ------------------------------------------------------------------------------- */

void weft__model_init(struct chat_model *model)
{
	memset(model, 0, sizeof(*model));
}

static void free_entry(struct chat_entry *entry)
{
	free(entry->who);
	free(entry->text);
}

static void clear(struct chat_room *room)
{
	for (size_t i = 0; i < room->entries_len; i++)
		free_entry(&room->entries[i]);
	room->entries_len = 0;
	room->bytes = 0;
}

static void free_room(struct chat_room *room)
{
	clear(room);
	for (size_t i = 0; i < room->people_len; i++)
		free(room->people[i]);
	free(room->entries);
	free(room->topic);
	free(room->label);
	free(room);
}

void weft__model_fini(struct chat_model *model)
{
	for (size_t i = 0; i < model->rooms_len; i++)
		free_room(model->rooms[i]);
	for (size_t i = 0; i < model->known_len; i++)
		free(model->known[i]);
	weft__model_init(model);
}

/* ---- Text ------------------------------------------------------------------------------- */

static char *shown(const char *text, size_t len, bool has_lines)
{
	struct weft_str str;
	char *copy;

	weft_str_init(&str, SHOWN_MAX);
	if (has_lines)
		weft__text_show(&str, text, len);
	else
		weft__text_show_line(&str, text, len);
	copy = strdup(weft_str_text(&str));
	weft_str_fini(&str);
	return copy;
}

bool weft__model_is_direct(const struct chat_room *room)
{
	return room->name[0] == '@';
}

/* "@ann+tom" is "@tom" to ann. */
static void set_label(const struct chat_model *model, struct chat_room *room)
{
	const char *self = model->self, *plus = strchr(room->name, '+');
	const char *name = room->name;
	char other[WEFT_CHAT_ROOM_MAX + 2];
	size_t len = strlen(self);

	if (weft__model_is_direct(room) && plus && len > 0) {
		if (strcasecmp(plus + 1, self) == 0) {
			snprintf(other, sizeof(other), "%.*s", (int)(plus - name), name);
			name = other;
		} else if (strncasecmp(name + 1, self, len) == 0 && name[1 + len] == '+') {
			snprintf(other, sizeof(other), "@%s", plus + 1);
			name = other;
		}
	}
	free(room->label);
	room->label = shown(name, strlen(name), false);
}

void weft__model_name_rooms(struct chat_model *model)
{
	for (size_t i = 0; i < model->rooms_len; i++)
		set_label(model, model->rooms[i]);
}

/* ---- Rooms ------------------------------------------------------------------------------ */

struct chat_room *weft__model_find(const struct chat_model *model, const char *name)
{
	for (size_t i = 0; i < model->rooms_len; i++)
		if (strcasecmp(model->rooms[i]->name, name) == 0)
			return model->rooms[i];
	return NULL;
}

struct chat_room *weft__model_open(struct chat_model *model, const char *name)
{
	struct chat_room *room = weft__model_find(model, name);
	size_t len = strlen(name);

	if (room || model->rooms_len == CHAT_ROOMS_MAX || len > WEFT_CHAT_ROOM_MAX)
		return room;
	room = calloc(1, sizeof(*room));
	if (!room)
		return NULL;
	memcpy(room->name, name, len + 1);
	set_label(model, room);
	model->rooms[model->rooms_len++] = room;
	if (!model->current)
		model->current = room;
	model->changed++;
	return room;
}

void weft__model_close(struct chat_model *model, struct chat_room *room)
{
	size_t at = 0;

	while (model->rooms[at] != room)
		at++;
	model->rooms_len--;
	memmove(model->rooms + at, model->rooms + at + 1,
		(model->rooms_len - at) * sizeof(model->rooms[0]));
	if (model->current == room) {
		model->current = NULL;
		if (model->rooms_len > 0)
			weft__model_show(model, model->rooms[at ? at - 1 : 0]);
	}
	free_room(room);
	model->changed++;
}

void weft__model_seen(struct chat_room *room)
{
	room->unread = room->mentions = 0;
	room->rows_above = 0;
}

void weft__model_show(struct chat_model *model, struct chat_room *room)
{
	if (model->current && model->current != room)
		model->current->marker = 0;
	model->current = room;
	model->changed++;
	if (room)
		weft__model_seen(room);
}

void weft__model_came_in(struct chat_model *model, struct chat_room *room, uint64_t read)
{
	if (!room->is_fresh)
		return;
	room->is_fresh = false;
	for (size_t i = 0; i < room->entries_len && read > 0; i++) {
		const struct chat_entry *entry = &room->entries[i];

		if (entry->kind != CHAT_SAID || entry->is_own || entry->seq <= read)
			continue;
		room->marker = room->marker ? room->marker : entry->seq - 1;
		if (room == model->current)
			break;
		room->unread++;
		room->mentions += entry->is_mention || weft__model_is_direct(room);
	}
	model->changed++;
}

struct chat_room *weft__model_next_unread(const struct chat_model *model)
{
	for (size_t i = 0; i < model->rooms_len; i++)
		if (model->rooms[i]->mentions)
			return model->rooms[i];
	for (size_t i = 0; i < model->rooms_len; i++)
		if (model->rooms[i]->unread)
			return model->rooms[i];
	return NULL;
}

void weft__model_restart(struct chat_model *model, struct chat_room *room, uint32_t epoch)
{
	clear(room);
	room->epoch = epoch;
	room->is_begun = false;
	room->upto = room->gap_to = room->read = room->marker = 0;
	room->unread = room->mentions = room->rows_above = 0;
	room->has_no_more = false;
	model->changed++;
}

void weft__model_topic(struct chat_model *model, struct chat_room *room, const char *text)
{
	free(room->topic);
	room->topic = text[0] ? shown(text, strlen(text), false) : NULL;
	model->changed++;
}

/* ---- Entries ---------------------------------------------------------------------------- */

static bool is_logged(const struct chat_entry *entry)
{
	return entry->kind == CHAT_SAID || entry->kind == CHAT_CHANGE;
}

bool weft__model_has(const struct chat_room *room, uint64_t seq)
{
	for (size_t i = room->entries_len; i-- > 0;)
		if (room->entries[i].seq == seq && is_logged(&room->entries[i]))
			return true;
	return false;
}

uint64_t weft__model_first(const struct chat_room *room)
{
	for (size_t i = 0; i < room->entries_len; i++)
		if (is_logged(&room->entries[i]))
			return room->entries[i].seq;
	return 0;
}

/* Space for one more; false: no. */
static bool make_space(struct chat_room *room)
{
	size_t capacity = room->entries_capacity ? room->entries_capacity * 2 : 64;
	struct chat_entry *entries;

	if (room->entries_len < room->entries_capacity)
		return true;
	entries = realloc(room->entries, capacity * sizeof(*entries));
	if (!entries)
		return false;
	room->entries = entries;
	room->entries_capacity = capacity;
	return true;
}

static size_t size_of(const struct chat_entry *entry)
{
	return sizeof(*entry) + strlen(entry->text) + (entry->who ? strlen(entry->who) : 0);
}

bool weft__model_is_full(const struct chat_room *room)
{
	return room->entries_len > CHAT_ENTRIES_MAX * 3 / 4 || room->bytes > CHAT_BYTES_MAX / 4 * 3;
}

/* The oldest go, some at a time. */
static void trim(struct chat_room *room)
{
	size_t gone = 0;

	if (room->entries_len <= CHAT_ENTRIES_MAX && room->bytes <= CHAT_BYTES_MAX)
		return;
	while (gone < room->entries_len &&
		(gone < TRIM || room->bytes > CHAT_BYTES_MAX / 16 * 15)) {
		room->bytes -= size_of(&room->entries[gone]);
		free_entry(&room->entries[gone++]);
	}
	room->entries_len -= gone;
	memmove(room->entries, room->entries + gone, room->entries_len * sizeof(room->entries[0]));
	room->has_no_more = false;
}

/* Behind all that is not newer. Takes the entry's texts. */
static void add(struct chat_model *model, struct chat_room *room, const struct chat_entry *entry)
{
	size_t at;

	if (!entry->text || !make_space(room)) {
		free(entry->who);
		free(entry->text);
		return;
	}
	at = room->entries_len;
	while (at > 0 && room->entries[at - 1].seq > entry->seq)
		at--;
	/* The day above it, and the line above what is new, are told of the row behind, too. */
	if (at < room->entries_len)
		room->entries[at].columns = 0;
	room->appended += at == room->entries_len;
	memmove(room->entries + at + 1, room->entries + at,
		(room->entries_len - at) * sizeof(*entry));
	room->entries[at] = *entry;
	room->entries_len++;
	room->bytes += size_of(entry);
	trim(room);
	model->changed++;
}

static void strike_out(struct chat_room *room, const struct chat_heard *heard)
{
	for (size_t i = room->entries_len; i-- > 0;) {
		struct chat_entry *entry = &room->entries[i];
		char *text;

		if (entry->seq != heard->from || entry->kind != CHAT_SAID || entry->is_deleted)
			continue;
		if (asprintf(&text, "(deleted)") < 0)
			return;
		room->bytes -= size_of(entry);
		free(entry->text);
		entry->text = text;
		entry->is_deleted = true;
		entry->columns = 0;
		room->bytes += size_of(entry);
		return;
	}
}

static void count_unread(
	struct chat_model *model, struct chat_room *room, const struct chat_entry *entry)
{
	bool is_call = entry->is_mention || weft__model_is_direct(room);

	if (entry->is_own)
		room->marker = 0;
	if (entry->is_own || room->is_fresh)
		return;
	model->heard++;
	model->rang += is_call;
	if (room == model->current && room->rows_above == 0)
		return;
	if (room->unread++ == 0)
		room->marker = entry->seq - 1;
	room->mentions += is_call;
}

/* The text with words before it; that is freed. */
static char *with_lead(const char *lead, char *text)
{
	char *all = NULL;

	if (text && asprintf(&all, "%s%s", lead, text) < 0)
		all = NULL;
	free(text);
	return all;
}

void weft__model_log(struct chat_model *model, struct chat_room *room,
	const struct chat_heard *heard, bool is_news)
{
	bool is_topic = heard->kind == CHAT_HEARD_TOPIC;
	struct chat_entry entry = {.at_ns = heard->at_ns,
		.seq = heard->seq,
		.kind = heard->kind == CHAT_HEARD_MESSAGE ? CHAT_SAID : CHAT_CHANGE};

	if (heard->kind == CHAT_HEARD_DELETED) {
		strike_out(room, heard);
		model->changed++;
		return;
	}
	entry.who = shown(heard->who, strlen(heard->who), false);
	entry.text = shown(heard->text, heard->text_len, true);
	if (is_topic)
		entry.text = with_lead("the topic is now: ", entry.text);
	entry.tint = weft__text_hash(heard->who);
	entry.is_own = model->self[0] && strcasecmp(heard->who, model->self) == 0;
	entry.is_mention = entry.kind == CHAT_SAID && !entry.is_own &&
			   weft__model_is_called(model, heard->text);
	if (is_topic && is_news)
		weft__model_topic(model, room, heard->text);
	if (entry.kind == CHAT_SAID && !entry.is_own)
		weft__model_person(room, heard->who);
	if (is_news && entry.kind == CHAT_SAID)
		count_unread(model, room, &entry);
	add(model, room, &entry);
}

static uint64_t newest(const struct chat_room *room)
{
	return room->entries_len ? room->entries[room->entries_len - 1].seq : room->upto;
}

void weft__model_coming(
	struct chat_model *model, struct chat_room *room, int64_t at_ns, const char *text)
{
	const struct chat_entry entry = {
		.kind = CHAT_COMING, .at_ns = at_ns, .seq = newest(room), .text = strdup(text)};

	add(model, room, &entry);
}

void weft__model_note(
	struct chat_model *model, struct chat_room *room, int64_t at_ns, const char *format, ...)
{
	struct chat_entry entry = {.kind = CHAT_NOTE, .at_ns = at_ns};
	struct weft_str str;
	va_list args;

	room = room ? room : model->current;
	if (!room)
		return;
	weft_str_init(&str, NOTE_MAX);
	va_start(args, format);
	weft_str_vappendf(&str, format, args);
	va_end(args);
	entry.seq = newest(room);
	entry.text = shown(weft_str_text(&str), weft_str_len(&str), true);
	add(model, room, &entry);
	weft_str_fini(&str);
}
