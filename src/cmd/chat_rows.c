/*
 * chat_rows.c - see chat_rows.h.
 *
 * Entry point: weft__rows_paint().
 *
 * Rows are counted from the newest upwards: where she is scrolled back to moves only when she does.
 * How many rows an entry has is kept with it, so that those below the screen cost nothing.
 *
 * Never: paint a text that did not go through chat_text.c.
 */
#ifdef WEFT_HAS_NCURSES

#include "chat_rows.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chat_text.h"

#define TIME_COLUMNS 6 /* "12:01 " */

/** Rows of one entry, at most; a text of newlines has so many. */
#define ROWS_MAX (WEFT_CHAT_TEXT_MAX + 16)

/** Within it no day ends, wherever on earth. */
#define SAME_DAY_NS WEFT_SECONDS(900)

/* A text in rows, with a name in front. */
struct block {
	char *text;
	size_t name_len; /* of the text, in the name's colour */
	attr_t name, rest;
	char time[16];
	size_t rows_len;
	struct {
		uint32_t start, len;
	} rows[ROWS_MAX];
};

/* ---- Entries ---------------------------------------------------------------------------- */

static size_t columns_for_text(void)
{
	return COLS > TIME_COLUMNS + 2 ? (size_t)COLS - TIME_COLUMNS : 2;
}

static void break_rows(struct block *block)
{
	size_t len = strlen(block->text), start = 0;

	block->rows_len = 0;
	do {
		size_t used, row = weft__text_row(
				     block->text + start, len - start, columns_for_text(), &used);

		block->rows[block->rows_len].start = (uint32_t)start;
		block->rows[block->rows_len++].len = (uint32_t)row;
		start += used;
	} while (start < len && block->rows_len < ROWS_MAX);
}

static bool local_time(int64_t at_ns, struct tm *ret_parts)
{
	time_t seconds = (time_t)(at_ns / WEFT_SECONDS(1));

	return localtime_r(&seconds, ret_parts) != NULL;
}

static bool is_same_day(int64_t one_ns, int64_t other_ns)
{
	struct tm one, other;

	return one_ns / SAME_DAY_NS == other_ns / SAME_DAY_NS ||
	       (local_time(one_ns, &one) && local_time(other_ns, &other) &&
		       one.tm_yday == other.tm_yday && one.tm_year == other.tm_year);
}

/* The oldest one's day is told, too, where it is not today. */
static bool begins_day(const struct chat *chat, const struct chat_room *room, size_t i)
{
	return !is_same_day(
		room->entries[i].at_ns, i > 0 ? room->entries[i - 1].at_ns : chat->caller.wall_ns);
}

static bool is_first_unread(const struct chat_room *room, size_t i)
{
	return room->marker > 0 && room->entries[i].seq > room->marker &&
	       (i == 0 || room->entries[i - 1].seq <= room->marker);
}

static bool set_entry(struct block *block, const struct chat_entry *entry)
{
	const char *who = entry->who ? entry->who : "";
	struct tm now;
	int len = -1;

	block->rest = A_NORMAL;
	block->name = weft__paint_name(entry->tint);
	block->name_len = 0;
	block->time[0] = '\0';
	if (local_time(entry->at_ns, &now))
		strftime(block->time, sizeof(block->time), "%H:%M ", &now);
	switch (entry->kind) {
	case CHAT_SAID:
		len = asprintf(&block->text, "%s: %s", who, entry->text);
		block->name_len = strlen(who);
		if (entry->is_mention)
			block->rest = weft__paint_call();
		if (entry->is_deleted)
			block->rest = weft__paint_dim();
		break;
	case CHAT_CHANGE:
		len = asprintf(&block->text, "* %s: %s", who, entry->text);
		break;
	case CHAT_COMING:
	case CHAT_NOTE:
		len = asprintf(&block->text, "%s", entry->text);
		block->rest =
			weft__paint_dim() | (entry->kind == CHAT_NOTE ? weft__paint_italic() : 0);
		break;
	}
	if (len >= 0)
		break_rows(block);
	return len >= 0;
}

static struct block *block_for(struct chat_entry *entry)
{
	static struct block block; /* it is large, and the program has one screen */

	if (!set_entry(&block, entry))
		return NULL;
	entry->rows = (uint32_t)block.rows_len;
	entry->columns = (uint32_t)COLS;
	return &block;
}

/* How many rows it has, without what stands above it. */
static size_t rows_of(struct chat_entry *entry)
{
	struct block *block;

	if (entry->columns == (uint32_t)COLS)
		return entry->rows;
	block = block_for(entry);
	if (block)
		free(block->text);
	return block ? block->rows_len : 0;
}

/* ---- Posts ------------------------------------------------------------------------------ */

/* A message of ours that is under way. */
static bool set_post(struct block *block, const struct chat *chat, const struct chat_post *post)
{
	int64_t wait = post->not_before - weft_now();
	struct weft_str text;

	weft_str_init(&text, 8 * WEFT_CHAT_TEXT_MAX);
	weft__text_show(&text, chat->model.self, strlen(chat->model.self));
	weft_str_append(&text, post->is_file ? ": file " : ": ");
	weft__text_show(&text, post->text, strlen(post->text));
	if (post->not_before && wait > 0)
		weft_str_appendf(&text, "  (waits %d s)", (int)(wait / WEFT_SECONDS(1)) + 1);
	block->text = strdup(weft_str_text(&text));
	weft_str_fini(&text);
	memcpy(block->time, "  ... ", 7);
	block->name_len = 0;
	block->rest = weft__paint_dim();
	if (block->text)
		break_rows(block);
	return block->text != NULL;
}

/* ---- Painting --------------------------------------------------------------------------- */

/* Rows are painted from the last one upwards. */
struct climb {
	int y, top;
	uint64_t skip; /* rows that are below the screen */
};

static bool is_at_top(const struct climb *climb)
{
	return climb->y < climb->top;
}

/* The next row up, to be painted; -1: it can't be seen. */
static int climb_row(struct climb *climb)
{
	if (is_at_top(climb))
		return -1;
	if (climb->skip == 0)
		return climb->y--;
	climb->skip--;
	return -1;
}

static void climb_rule(struct climb *climb, attr_t attribute, const char *text)
{
	int y = climb_row(climb);

	if (y >= 0)
		weft__paint_rule(y, attribute, text);
}

/* Where the next address of a page begins behind at; its end, too. */
static size_t find_link(const char *text, size_t at, size_t *ret_end)
{
	const char *found = strstr(text + at, "http");

	while (found && strncmp(found, "http://", 7) != 0 && strncmp(found, "https://", 8) != 0)
		found = strstr(found + 4, "http");
	at = found ? (size_t)(found - text) : strlen(text);
	*ret_end = at + strcspn(text + at, " \n\"<>");
	return at;
}

/* Addresses of pages are underlined. */
static void underline_links(const struct block *block, size_t i, int y)
{
	size_t start = block->rows[i].start, end = start + block->rows[i].len, link_end = 0, link;

	for (link = find_link(block->text, block->name_len, &link_end); link < end;
		link = find_link(block->text, link_end, &link_end)) {
		size_t from = link > start ? link : start;
		size_t to = link_end < end ? link_end : end;

		if (from < to)
			weft__paint_put(y,
				TIME_COLUMNS +
					(int)weft__text_width(block->text + start, from - start),
				block->rest | A_UNDERLINE, block->text + from, to - from);
		if (link_end <= link)
			break;
	}
}

static void put_row(const struct block *block, size_t i, int y)
{
	const char *text = block->text + block->rows[i].start;
	size_t len = block->rows[i].len, named = 0;

	if (i == 0)
		weft__paint_put(y, 0, weft__paint_dim(), block->time, strlen(block->time));
	if (block->rows[i].start < block->name_len)
		named = block->name_len - block->rows[i].start;
	named = named < len ? named : len;
	weft__paint_put(y, TIME_COLUMNS, block->name, text, named);
	if (named < len)
		weft__paint_put(y, TIME_COLUMNS + (int)weft__text_width(text, named), block->rest,
			text + named, len - named);
	underline_links(block, i, y);
}

static void put_block(struct climb *climb, const struct block *block)
{
	for (size_t i = block->rows_len; i-- > 0 && !is_at_top(climb);) {
		int y = climb_row(climb);

		if (y >= 0)
			put_row(block, i, y);
	}
}

static void put_day(struct climb *climb, const struct chat *chat, int64_t at_ns)
{
	struct tm then, now;
	char day[64] = "";

	if (local_time(at_ns, &then) && local_time(chat->caller.wall_ns, &now))
		strftime(day, sizeof(day),
			then.tm_year == now.tm_year ? "%A, %-d %B" : "%A, %-d %B %Y", &then);
	climb_rule(climb, weft__paint_dim(), day);
}

static void put_entry(
	struct climb *climb, const struct chat *chat, struct chat_room *room, size_t i)
{
	struct chat_entry *entry = &room->entries[i];
	struct block *block;

	if (climb->skip > 0 && climb->skip >= rows_of(entry)) {
		climb->skip -= rows_of(entry);
	} else {
		block = block_for(entry);
		if (block) {
			put_block(climb, block);
			free(block->text);
		}
	}
	if (is_first_unread(room, i))
		climb_rule(climb, weft__paint_call(), "new");
	if (begins_day(chat, room, i))
		put_day(climb, chat, entry->at_ns);
}

/* Above the oldest entry. */
static void put_beginning(struct climb *climb, const struct chat_room *room)
{
	uint64_t first = weft__model_first(room);

	if (first == 0 && room->is_in && room->upto == 0)
		climb_rule(climb, weft__paint_dim(), "nothing was said here yet");
	else if (first == 1 || (first > 0 && room->has_no_more))
		climb_rule(climb, weft__paint_dim(), "the beginning");
	else if (first > 1 && weft__model_is_full(room))
		climb_rule(climb, weft__paint_dim(), "what is older is found by /search");
}

/* What came at the end since the room was scrolled back moves nothing. */
static void hold_place(const struct chat *chat, struct chat_room *room)
{
	uint64_t added = room->appended - room->rows_at;

	room->rows_at = room->appended;
	if (room->rows_above == 0)
		return;
	added = added < room->entries_len ? added : room->entries_len;
	for (size_t i = room->entries_len - added; i < room->entries_len; i++)
		room->rows_above += rows_of(&room->entries[i]) + begins_day(chat, room, i) +
				    is_first_unread(room, i);
}

static void put_posts(struct climb *climb, const struct chat *chat, const struct chat_room *room)
{
	static struct block block;

	for (size_t i = chat->caller.posts_len; i-- > 0 && !is_at_top(climb);) {
		const struct chat_post *post = &chat->caller.posts[i];

		if (post->is_heard || strcmp(post->room, room->name) != 0 ||
			!set_post(&block, chat, post))
			continue;
		put_block(climb, &block);
		free(block.text);
	}
}

/* Returns how many rows of the pane are left empty, and those that were to be skipped and are not.
 */
static uint64_t climb_all(const struct chat *chat, struct chat_room *room,
	const struct chat_pane *pane, size_t *ret_i)
{
	struct climb climb = {.y = pane->bottom, .top = pane->top, .skip = room->rows_above};
	size_t i = room->entries_len;

	put_posts(&climb, chat, room);
	while (i > 0 && !is_at_top(&climb))
		put_entry(&climb, chat, room, --i);
	if (i == 0)
		put_beginning(&climb, room);
	*ret_i = i;
	return is_at_top(&climb) ? 0 : climb.skip + (uint64_t)(climb.y - climb.top + 1);
}

bool weft__rows_paint(const struct chat *chat, struct chat_room *room, const struct chat_pane *pane)
{
	uint64_t spare;
	size_t i;

	hold_place(chat, room);
	spare = climb_all(chat, room, pane, &i);
	if (spare > 0 && room->rows_above > 0) {
		/* Not further back than to where the oldest stands at the top. */
		room->rows_above -= spare < room->rows_above ? spare : room->rows_above;
		if (room->rows_above == 0)
			weft__model_seen(room);
		erase();
		climb_all(chat, room, pane, &i);
	}
	return i == 0;
}

#endif
