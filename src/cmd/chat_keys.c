/*
 * chat_keys.c - the keys of `weft chat` on a terminal, and what each does.
 *
 * Entry point: weft__screen_take_keys().
 */
#ifdef WEFT_HAS_NCURSES

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "chat_screen.h"
#include "weft/fiber.h"

/** Two Ctrl-C within it leave. */
#define MEANT_NS WEFT_SECONDS(3)

/** Characters of a sequence that the terminal sends for a key. */
#define SEQUENCE_MAX 16

#define CTRL_KEY(letter) ((letter)&0x1f)

static void press_named(struct screen *screen, wint_t key);

static void insert(struct screen *screen, wint_t character)
{
	mbstate_t state = {0};
	char bytes[MB_LEN_MAX];
	size_t len = wcrtomb(bytes, (wchar_t)character, &state);

	if (len != (size_t)-1 && screen->pasted_over == 0 &&
		weft__edit_insert(&screen->edit, bytes, len))
		return;
	if (screen->is_pasting)
		screen->pasted_over++; /* nothing behind it either: a hole would not be seen */
	else
		beep();
}

static void insert_newline(struct screen *screen)
{
	insert(screen, '\n');
}

static void end_paste(struct screen *screen)
{
	screen->is_pasting = false;
	if (screen->pasted_over)
		NOTE(screen,
			"The last %zu characters of what you pasted are left out: a message has %d "
			"bytes at most. A file can be shared (/help share), or sent in a pipe.",
			screen->pasted_over, WEFT_CHAT_TEXT_MAX);
	screen->pasted_over = 0;
}

static void show_room(struct screen *screen, size_t i)
{
	struct chat_model *model = &screen->chat->model;

	if (i < model->rooms_len)
		weft__model_show(model, model->rooms[i]);
}

static void step_room(struct screen *screen, int step)
{
	struct chat_model *model = &screen->chat->model;
	size_t at = 0;

	while (at < model->rooms_len && model->rooms[at] != model->current)
		at++;
	if (model->rooms_len > 0)
		show_room(screen, (at + model->rooms_len + (size_t)step) % model->rooms_len);
}

static void scroll_rows(struct screen *screen, bool is_up, size_t rows)
{
	struct chat_room *room = screen->chat->model.current;

	if (!room)
		return;
	if (is_up)
		room->rows_above += rows;
	else
		room->rows_above -= room->rows_above < rows ? room->rows_above : rows;
	if (room->rows_above == 0)
		weft__model_seen(room);
}

/* What is asked can be seen. */
static void ask_whether(struct screen *screen)
{
	screen->asked_ns = weft_now();
	if (screen->chat->model.current)
		weft__model_seen(screen->chat->model.current);
}

/* Whether she may go at once; else she is asked. */
static bool may_leave(struct screen *screen)
{
	const struct chat_caller *caller = &screen->chat->caller;
	int64_t now = weft_now();

	if (screen->asked_ns && now - screen->asked_ns < MEANT_NS)
		return true;
	if (weft__caller_is_settled(caller))
		return true;
	ask_whether(screen);
	NOTE(screen,
		"%zu of your messages did not come through yet. Once more to leave all the "
		"same.",
		caller->posts_len);
	return false;
}

static void interrupt_line(struct screen *screen)
{
	int64_t now = weft_now();

	if (screen->edit.len > 0) {
		weft__edit_set(&screen->edit, "");
	} else if (screen->asked_ns && now - screen->asked_ns < MEANT_NS) {
		screen->is_left = true;
	} else {
		ask_whether(screen);
		NOTE(screen, "Ctrl-C once more leaves, as /quit does.");
	}
}

static void enter(struct screen *screen)
{
	struct chat *chat = screen->chat;
	char *line = strdup(screen->edit.text);

	weft__edit_done(&screen->edit);
	if (chat->model.current)
		weft__model_seen(chat->model.current);
	weft__caller_time(&chat->caller, weft_now(), weft_wall_now());
	if (line && !weft__cmd_chat_enter(chat, line))
		screen->is_left = may_leave(screen);
	free(line);
}

/* End and Home are of the line; on an empty one of the room. */
static void press_end(struct screen *screen)
{
	if (screen->edit.len == 0 && screen->chat->model.current)
		weft__model_seen(screen->chat->model.current);
	weft__edit_right(&screen->edit, CHAT_EDIT_LINE);
}

static void press_home(struct screen *screen)
{
	if (screen->edit.len == 0)
		scroll_rows(screen, true, CHAT_ENTRIES_MAX);
	weft__edit_left(&screen->edit, CHAT_EDIT_LINE);
}

/* What a sequence means that TERM does not know: ncurses has the key, if there is such a one. */
static wint_t key_of(char final, unsigned number, unsigned modifier)
{
	static const struct {
		char final;
		unsigned char number;
		wint_t key, modified;
	} keys[] = {
		{'A', 0, KEY_UP, KEY_UP},
		{'B', 0, KEY_DOWN, KEY_DOWN},
		{'C', 0, KEY_RIGHT, KEY_WORD_RIGHT},
		{'D', 0, KEY_LEFT, KEY_WORD_LEFT},
		{'F', 0, KEY_END, KEY_END},
		{'H', 0, KEY_HOME, KEY_HOME},
		{'~', 1, KEY_HOME, KEY_HOME},
		{'~', 3, KEY_DC, KEY_DC},
		{'~', 4, KEY_END, KEY_END},
		{'~', 5, KEY_PPAGE, KEY_PPAGE},
		{'~', 6, KEY_NPAGE, KEY_NPAGE},
		{'~', 7, KEY_HOME, KEY_HOME},
		{'~', 8, KEY_END, KEY_END},
		{'~', 200, KEY_PASTE_BEGIN, KEY_PASTE_BEGIN},
		{'~', 201, KEY_PASTE_END, KEY_PASTE_END},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].final == final && (final != '~' || keys[i].number == number))
			return modifier > 1 ? keys[i].modified : keys[i].key;
	return 0;
}

/*
 * Behind ESC [ or ESC O: numbers, and a letter that ends it. One that nobody knows is dropped as a
 * whole: else its end would be typed into the line.
 */
static wint_t read_sequence(bool is_control)
{
	unsigned numbers[2] = {0, 0};
	size_t at = 0;

	for (int i = 0; i < SEQUENCE_MAX; i++) {
		wint_t key;
		int kind = get_wch(&key);

		if (kind == KEY_CODE_YES)
			return key;
		if (kind == ERR || key < ' ')
			return 0;
		if (key >= '0' && key <= '9' && numbers[at] < 1000)
			numbers[at] = numbers[at] * 10 + (key - '0');
		else if (key == ';')
			at = 1;
		else if (key >= '@' || !is_control)
			return key_of((char)key, numbers[0], numbers[1]);
	}
	return 0;
}

/* Behind an escape: what Alt does. */
static void press_alt(struct screen *screen)
{
	struct chat_room *unread = weft__model_next_unread(&screen->chat->model);
	wint_t key;

	if (get_wch(&key) == ERR)
		return;
	if (key == '[' || key == 'O') {
		press_named(screen, read_sequence(key == '['));
		return;
	}
	if (key >= '1' && key <= '9')
		show_room(screen, key - '1');
	else if (key == '0')
		show_room(screen, 9);
	else if (key == 'a' && unread)
		weft__model_show(&screen->chat->model, unread);
	else if (key == 'b')
		weft__edit_left(&screen->edit, CHAT_EDIT_WORD);
	else if (key == 'f')
		weft__edit_right(&screen->edit, CHAT_EDIT_WORD);
	else if (key == 'd')
		weft__edit_cut_right(&screen->edit, CHAT_EDIT_WORD);
	else if (key == 0x7f || key == '\b' || key == KEY_BACKSPACE)
		weft__edit_cut_left(&screen->edit, CHAT_EDIT_WORD);
	else if (key == '\r' || key == '\n')
		insert_newline(screen);
}

static void press_control(struct screen *screen, wint_t key)
{
	struct chat_edit *edit = &screen->edit;

	switch (key) {
	case '\r':
	case '\n':
		enter(screen);
		return;
	case '\t':
		weft__cmd_chat_complete(screen->chat, edit);
		return;
	case ESCAPE:
		press_alt(screen);
		return;
	case CTRL_KEY('A'):
		weft__edit_left(edit, CHAT_EDIT_LINE);
		return;
	case CTRL_KEY('B'):
		weft__edit_left(edit, CHAT_EDIT_CHARACTER);
		return;
	case CTRL_KEY('C'):
		interrupt_line(screen);
		return;
	case CTRL_KEY('D'):
		if (edit->len > 0)
			weft__edit_cut_right(edit, CHAT_EDIT_CHARACTER);
		else
			screen->is_left = may_leave(screen);
		return;
	case CTRL_KEY('E'):
		weft__edit_right(edit, CHAT_EDIT_LINE);
		return;
	case CTRL_KEY('F'):
		weft__edit_right(edit, CHAT_EDIT_CHARACTER);
		return;
	case CTRL_KEY('H'):
	case 0x7f:
		weft__edit_cut_left(edit, CHAT_EDIT_CHARACTER);
		return;
	case CTRL_KEY('K'):
		weft__edit_cut_right(edit, CHAT_EDIT_LINE);
		return;
	case CTRL_KEY('L'):
		weft__screen_resize(screen);
		return;
	case CTRL_KEY('N'):
		step_room(screen, 1);
		return;
	case CTRL_KEY('P'):
		step_room(screen, -1);
		return;
	case CTRL_KEY('R'):
		if (!weft__edit_search(edit))
			beep();
		return;
	case CTRL_KEY('U'):
		weft__edit_cut_left(edit, CHAT_EDIT_LINE);
		return;
	case CTRL_KEY('W'):
		weft__edit_cut_left(edit, CHAT_EDIT_WORD);
		return;
	case CTRL_KEY('Y'):
		weft__edit_yank(edit);
		return;
	case CTRL_KEY('Z'):
		weft__screen_suspend(screen);
		return;
	default:
		return;
	}
}

static void press_named(struct screen *screen, wint_t key)
{
	struct chat_edit *edit = &screen->edit;

	switch (key) {
	case KEY_PASTE_BEGIN:
		screen->is_pasting = true;
		return;
	case KEY_PASTE_END:
		end_paste(screen);
		return;
	case KEY_SLEFT:
	case KEY_WORD_LEFT:
		weft__edit_left(edit, CHAT_EDIT_WORD);
		return;
	case KEY_SRIGHT:
	case KEY_WORD_RIGHT:
		weft__edit_right(edit, CHAT_EDIT_WORD);
		return;
	case KEY_MOUSE:
		read_sequence(true); /* nobody asked for it */
		return;
	case KEY_ENTER:
		enter(screen);
		return;
	case KEY_BACKSPACE:
		weft__edit_cut_left(edit, CHAT_EDIT_CHARACTER);
		return;
	case KEY_DC:
		weft__edit_cut_right(edit, CHAT_EDIT_CHARACTER);
		return;
	case KEY_LEFT:
		weft__edit_left(edit, CHAT_EDIT_CHARACTER);
		return;
	case KEY_RIGHT:
		weft__edit_right(edit, CHAT_EDIT_CHARACTER);
		return;
	case KEY_HOME:
		press_home(screen);
		return;
	case KEY_END:
	case KEY_LL:
		press_end(screen);
		return;
	case KEY_UP:
		weft__edit_older(edit);
		return;
	case KEY_DOWN:
		weft__edit_newer(edit);
		return;
	case KEY_PPAGE:
		scroll_rows(screen, true, weft__paint_page());
		return;
	case KEY_NPAGE:
		scroll_rows(screen, false, weft__paint_page());
		return;
	default:
		return;
	}
}

/* In a paste only its end is a key; other sequences, such as colours, are left out. */
static void press_pasted(struct screen *screen, wint_t key)
{
	if (key == '\r' || key == '\n') {
		insert_newline(screen);
	} else if (key == ESCAPE) {
		if (get_wch(&key) != ERR && key == '[' && read_sequence(true) == KEY_PASTE_END)
			end_paste(screen);
	} else if (key == CTRL_KEY('C')) {
		end_paste(screen); /* its end got lost */
	} else if (key == '\t' || (key >= ' ' && key != 0x7f)) {
		insert(screen, key);
	}
}

static void press(struct screen *screen, wint_t key, bool is_named)
{
	if (is_named)
		press_named(screen, key);
	else if (screen->is_pasting)
		press_pasted(screen, key);
	else if (key < ' ' || key == 0x7f)
		press_control(screen, key);
	else
		insert(screen, key);
}

void weft__screen_take_keys(struct screen *screen)
{
	wint_t key;
	int kind;

	while (!screen->is_left && (kind = get_wch(&key)) != ERR)
		press(screen, key, kind == KEY_CODE_YES);
	screen->is_dirty = true;
}

#endif
