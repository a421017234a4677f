/*
 * chat_paint.c - see chat_paint.h.
 *
 * Entry points: weft__paint_init(), weft__paint().
 *
 * Never: paint a text that did not go through chat_text.c.
 */
#ifdef WEFT_HAS_NCURSES

#include "chat_paint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "chat_rows.h"
#include "chat_text.h"

/** A terminal with fewer columns is told less. */
#define NARROW 60

/** Where a line ends in what is typed: an arrow. */
#define RETURN_MARK "\xe2\x86\xb5"

/* Pairs of colours: names first. */
enum {
	PAIR_NAMES = 1,
	NAMES_MAX = 12,
	PAIR_DIM = PAIR_NAMES + NAMES_MAX,
	PAIR_CALL,
};

static unsigned names_count;

void weft__paint_init(void)
{
	/* Of 256, those that are read on black as on white. */
	static const short many[] = {167, 172, 136, 71, 37, 74, 68, 98, 133, 168, 107, 173};
	static const short few[] = {
		COLOR_RED, COLOR_GREEN, COLOR_YELLOW, COLOR_BLUE, COLOR_MAGENTA, COLOR_CYAN};
	const char *none = getenv("NO_COLOR");
	const short *colours = few;

	names_count = 0;
	if ((none && none[0]) || !has_colors() || start_color() == ERR ||
		use_default_colors() == ERR)
		return;
	names_count = sizeof(few) / sizeof(few[0]);
	if (COLORS >= 256 && COLOR_PAIRS > PAIR_CALL) {
		colours = many;
		names_count = sizeof(many) / sizeof(many[0]);
	}
	for (unsigned i = 0; i < names_count; i++)
		init_pair((short)(PAIR_NAMES + i), colours[i], -1);
	init_pair(PAIR_DIM, COLORS >= 256 ? 244 : -1, -1);
	init_pair(PAIR_CALL, COLORS >= 256 ? 208 : COLOR_YELLOW, -1);
}

static attr_t attributes(attr_t attribute, short pair)
{
	return attribute | (names_count ? (attr_t)COLOR_PAIR(pair) : 0);
}

attr_t weft__paint_dim(void)
{
	return attributes(names_count && COLORS >= 256 ? A_NORMAL : A_DIM, PAIR_DIM);
}

attr_t weft__paint_italic(void)
{
	return names_count && COLORS >= 256 ? A_ITALIC : 0;
}

attr_t weft__paint_call(void)
{
	return attributes(A_BOLD, PAIR_CALL);
}

attr_t weft__paint_name(unsigned tint)
{
	return attributes(A_BOLD, names_count ? (short)(PAIR_NAMES + tint % names_count) : 0);
}

static size_t width_of(const char *text)
{
	return weft__text_width(text, strlen(text));
}

void weft__paint_put(int y, int x, attr_t attribute, const char *text, size_t len)
{
	attrset(attribute);
	mvaddnstr(y, x, text, (int)len);
	attrset(A_NORMAL);
}

void weft__paint_rule(int y, attr_t attribute, const char *text)
{
	char words[96];

	snprintf(words, sizeof(words), " %s ", text);
	attrset(attribute);
	mvhline_set(y, 0, WACS_HLINE, COLS);
	if (COLS > 12)
		mvaddnstr(y, 5, words, (int)weft__text_fit(words, strlen(words), (size_t)COLS - 6));
	attrset(A_NORMAL);
}

/* A text in so many columns, cut. Returns how many it took. */
static size_t put_cut(int y, size_t x, attr_t attribute, const char *text, size_t columns)
{
	size_t len = weft__text_fit(text, strlen(text), columns);

	weft__paint_put(y, (int)x, attribute, text, len);
	return weft__text_width(text, len);
}

/* ---- Bars ------------------------------------------------------------------------------- */

static const char *label_of(const struct chat_room *room)
{
	return room->label ? room->label : "?";
}

static void put_topic(const struct chat_room *room)
{
	size_t x, columns = (size_t)COLS;

	mvhline(0, 0, ' ' | A_REVERSE, COLS);
	if (!room)
		return;
	x = put_cut(0, 1, A_REVERSE | A_BOLD, label_of(room), columns - 1) + 3;
	if (room->topic && x < columns)
		put_cut(0, x, A_REVERSE, room->topic, columns - x);
}

static void describe_state(const struct chat *chat, struct weft_str *text)
{
	const struct chat_caller *caller = &chat->caller;
	int64_t left = chat->retry_at - weft_now();

	if (caller->state == CHAT_ONLINE) {
		weft_str_append(text, chat->is_tls ? "online, TLS" : "online");
	} else if (chat->retry_at) {
		weft_str_append(text, "offline");
		if (caller->why[0])
			weft_str_appendf(text, " (%.60s)", caller->why);
		weft_str_appendf(
			text, ", again in %d s", left > 0 ? (int)(left / WEFT_SECONDS(1)) + 1 : 0);
	} else {
		weft_str_append(text, "connecting...");
	}
}

/* One room in the bar; "[2 dev(3!)]". Returns how many columns it takes; a place of none: only
 * that. */
static size_t put_room(const struct chat_model *model, size_t i, int y, size_t x)
{
	const struct chat_room *room = model->rooms[i];
	bool is_current = model->current == room;
	attr_t attribute = A_REVERSE | (room->unread || is_current ? A_BOLD : 0);
	struct weft_str text;
	size_t width;

	weft_str_init(&text, 2048);
	weft_str_appendf(&text, "%s%zu %s", is_current ? "[" : " ", i + 1, label_of(room));
	if (room->unread)
		weft_str_appendf(&text, "(%" PRIu64 "%s)", room->unread, room->mentions ? "!" : "");
	weft_str_append(&text, is_current ? "]" : " ");
	width = width_of(weft_str_text(&text));
	if (y >= 0)
		width = put_cut(y, x, attribute, weft_str_text(&text),
			(size_t)COLS > x ? (size_t)COLS - x : 0);
	weft_str_fini(&text);
	return width;
}

/* Where not all of them fit: that which is looked at, and those with something unread. */
static size_t put_rooms(const struct chat *chat, int y, size_t columns)
{
	const struct chat_model *model = &chat->model;
	size_t x = 0, all = 0;

	for (size_t i = 0; i < model->rooms_len; i++)
		all += put_room(model, i, -1, 0);
	for (size_t i = 0; i < model->rooms_len && x < columns; i++) {
		const struct chat_room *room = model->rooms[i];

		if (all <= columns || room == model->current || room->unread)
			x += put_room(model, i, y, x);
	}
	if (x > columns)
		mvhline(y, (int)columns, ' ' | A_REVERSE, COLS - (int)columns);
	return x < columns ? x : columns;
}

static void describe_place(const struct chat *chat, struct weft_str *text)
{
	const struct chat_room *room = chat->model.current;
	bool is_narrow = COLS < NARROW;

	if (room && room->rows_above)
		weft_str_append(text, is_narrow ? "[^]  " : "[scrolled back]  ");
	if (is_narrow)
		return;
	weft__text_show_line(text, chat->model.self, strlen(chat->model.self));
	if (room && room->is_in)
		weft_str_appendf(text, "  %" PRIu64 " here", room->count);
	weft_str_append(text, "  ");
}

static void put_status(const struct chat *chat, int y)
{
	size_t columns = (size_t)COLS, width, x;
	struct weft_str text;

	weft_str_init(&text, 1024);
	describe_place(chat, &text);
	describe_state(chat, &text);
	mvhline(y, 0, ' ' | A_REVERSE, COLS);
	width = width_of(weft_str_text(&text)) + 1;
	x = put_rooms(chat, y, width < columns / 3 * 2 ? columns - width : columns / 3);
	x = x + width > columns ? x : columns - width;
	put_cut(y, x, A_REVERSE | (chat->caller.state == CHAT_ONLINE ? 0 : A_BOLD),
		weft_str_text(&text), columns - x);
	weft_str_fini(&text);
}

/* ---- The line --------------------------------------------------------------------------- */

static void show_typed(struct weft_str *shown, const char *text, size_t len)
{
	while (len > 0) {
		const char *newline = memchr(text, '\n', len);
		size_t part = newline ? (size_t)(newline - text) : len;

		weft__text_show_line(shown, text, part);
		if (newline)
			weft_str_append(shown, RETURN_MARK);
		part += newline != NULL;
		text += part;
		len -= part;
	}
}

/* Bytes of the next row of what is typed. */
static size_t typed_row(const char *text, size_t len, size_t columns)
{
	size_t fit = weft__text_fit(text, len, columns);
	const char *newline = memmem(text, fit, RETURN_MARK, strlen(RETURN_MARK));

	if (newline)
		return (size_t)(newline - text) + strlen(RETURN_MARK);
	return fit || len == 0 ? fit : weft__text_cluster(text, len);
}

/* What is typed, in rows. */
struct typed {
	struct weft_str text;
	size_t columns, rows;
	size_t cursor_row, cursor_column;
};

static void break_typed(struct typed *typed, const struct chat_edit *edit)
{
	const char *text;
	size_t before, len, at = 0;

	weft_str_init(&typed->text, 16 * WEFT_CHAT_TEXT_MAX);
	show_typed(&typed->text, edit->text, edit->cursor);
	before = weft_str_len(&typed->text);
	show_typed(&typed->text, edit->text + edit->cursor, edit->len - edit->cursor);
	text = weft_str_text(&typed->text);
	len = weft_str_len(&typed->text);
	typed->columns = COLS > 6 ? (size_t)COLS - 3 : 3;
	typed->rows = 0;
	for (;;) {
		size_t row = typed_row(text + at, len - at, typed->columns);
		bool ends_line = row >= strlen(RETURN_MARK) &&
				 memcmp(text + at + row - strlen(RETURN_MARK), RETURN_MARK,
					 strlen(RETURN_MARK)) == 0;

		if (before >= at && before <= at + row) {
			typed->cursor_row = typed->rows;
			typed->cursor_column = weft__text_width(text + at, before - at);
		}
		typed->rows++;
		at += row;
		if (at >= len && !(ends_line && row > 0))
			return;
		if (row == 0)
			return;
	}
}

/* So many rows as the screen has for it. */
static size_t rows_for(const struct typed *typed)
{
	size_t most = LINES >= 8 ? (size_t)(LINES - 4) / 3 : 1;

	return typed->rows < most ? typed->rows : most;
}

static void put_typed(const struct typed *typed, size_t rows)
{
	const char *text = weft_str_text(&typed->text);
	size_t len = weft_str_len(&typed->text), at = 0;
	size_t first = typed->cursor_row >= rows ? typed->cursor_row - rows + 1 : 0;

	for (size_t i = 0; i < first + rows; i++) {
		size_t row = typed_row(text + at, len - at, typed->columns);
		int y = LINES - (int)(first + rows - i);

		if (i >= first) {
			const char *lead = i == 0 ? "> " : i == first ? "< " : "  ";

			weft__paint_put(y, 0, A_BOLD, lead, 2);
			weft__paint_put(y, 2, A_NORMAL, text + at, row);
		}
		at += row;
	}
	move(LINES - (int)(first + rows - typed->cursor_row), 2 + (int)typed->cursor_column);
}

/* ---- All -------------------------------------------------------------------------------- */

static size_t page = 1;

size_t weft__paint_page(void)
{
	return page;
}

bool weft__paint(struct chat *chat, const struct chat_edit *edit)
{
	struct chat_room *room = chat->model.current;
	bool is_oldest = false;
	struct typed typed;
	size_t rows;

	erase();
	break_typed(&typed, edit);
	rows = rows_for(&typed);
	if (LINES >= 4 && COLS >= 10) {
		const struct chat_pane pane = {.top = 1, .bottom = LINES - 2 - (int)rows};

		page = pane.bottom > 3 ? (size_t)pane.bottom - 2 : 1;
		if (room)
			is_oldest = weft__rows_paint(chat, room, &pane);
		put_topic(room);
		put_status(chat, pane.bottom + 1);
	}
	put_typed(&typed, rows);
	weft_str_fini(&typed.text);
	refresh();
	return is_oldest;
}

#endif
