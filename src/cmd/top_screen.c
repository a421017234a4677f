/*
 * top_screen.c - `weft top` on a terminal: drawn anew at each look, by ncurses.
 *
 * Entry points: weft__top_has_screen(), weft__top_screen().
 *
 *	weft 1.0.0 · process 4711 · up 2 h 3 min                        q ends it
 *	requests   1234/s  .::|||:..      p99 1.2 ms
 *	sent       12 MiB/s ...
 *	busy       31 %     ...           worker 0 30 %, worker 1 32 %
 *	memory     11 MiB   ...           47 of 20000 descriptors
 *
 *	transfers, or doors, or rooms: a line each, as many as fit
 *
 * Never: paints a text from outside with control characters in it.
 */
#include "top.h"

#ifndef WEFT_HAS_NCURSES

bool weft__top_has_screen(void)
{
	return false;
}

int weft__top_screen(struct top *top)
{
	return weft__cmd_fail(top->control.name, "this weft was built without a screen.");
}

#else

#define NCURSES_WIDECHAR 1

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weft/fiber.h"
#include "weft/utf8.h"

/** Columns of a label and of a number; the chart begins behind both. */
#define LABEL_WIDTH 11
#define VALUE_WIDTH 12
#define CHART_FROM  (LABEL_WIDTH + VALUE_WIDTH)

/** Of a chart, at most: as many seconds as the server keeps. */
#define CHART_MAX   120

enum shown { TRANSFERS, DOORS, ROOMS };

struct screen {
	struct top *top;
	enum shown shown;
	bool has_blocks; /* the terminal has characters for charts */
};

/* ---- The terminal ---------------------------------------------------------------------------- */

bool weft__top_has_screen(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && term[0] &&
	       strcmp(term, "dumb") != 0;
}

static SCREEN *open_terminal(struct screen *screen)
{
	SCREEN *terminal;

	setlocale(LC_CTYPE, "");
	screen->has_blocks = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal)
		return NULL;
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	return terminal;
}

static void close_terminal(SCREEN *terminal)
{
	endwin();
	delscreen(terminal);
}

/* ---- Lines ----------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void at(int row, int column, const char *format, ...)
{
	char text[512];
	va_list args;
	int room = COLS - column;

	if (row < 0 || row >= LINES || room <= 0)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	mvaddnstr(row, column, text, -1);
}

/* Text from outside: what could steer the terminal is escaped; cut to width, on its left end. */
static void put_text(int row, int column, const char *text, int width)
{
	struct weft_str visible;
	const char *from;
	int len;

	weft_str_init(&visible, 8192);
	weft_str_append(&visible, "");
	weft_str_append_visible(&visible, text, strlen(text));
	from = weft_str_text(&visible);
	len = (int)strlen(from);
	if (len > width) { /* the end of a path says more */
		from += len - width;
		while (((unsigned char)*from & 0xc0) == 0x80)
			from++;
	}
	at(row, column, "%s", from);
	weft_str_fini(&visible);
}

static double greatest(const json_t *list)
{
	const json_t *value;
	double most = 0;
	size_t i;

	json_array_foreach(list, i, value)
	{
		if (json_number_value(value) > most)
			most = json_number_value(value);
	}
	return most;
}

/* The newest at its right end. full: what fills a cell; 0: the greatest of them. */
static void put_chart(const struct screen *screen, int row, const json_t *list, double full)
{
	static const char *const blocks[] = {" ", "\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83",
		"\xe2\x96\x84", "\xe2\x96\x85", "\xe2\x96\x86", "\xe2\x96\x87", "\xe2\x96\x88"};
	static const char *const plain[] = {" ", ".", ".", ":", ":", "|", "|", "#", "#"};
	size_t count = json_array_size(list);
	int room = COLS - CHART_FROM - 34, width = room < CHART_MAX ? room : CHART_MAX;
	double most = full > 0 ? full : greatest(list);

	for (int i = 0; i < width; i++) {
		size_t behind = (size_t)(width - i);
		double value = behind <= count
				       ? json_number_value(json_array_get(list, count - behind))
				       : 0;
		int level = most > 0 ? (int)(value / most * 8 + 0.5) : 0;

		level = level > 8 ? 8 : value > 0 && level == 0 ? 1 : level;
		at(row, CHART_FROM + i, "%s", screen->has_blocks ? blocks[level] : plain[level]);
	}
}

static double newest(const json_t *list)
{
	size_t count = json_array_size(list);

	return count ? json_number_value(json_array_get(list, count - 1)) : 0;
}

/* ---- What is shown --------------------------------------------------------------------------- */

static void draw_head(const json_t *json)
{
	char uptime[CONTROL_TEXT_SIZE];

	attron(A_BOLD);
	at(0, 0, "weft %s  process %.0f  up %s  %.0f fibers", weft__control_text(json, "version"),
		weft__control_number(json, "pid"),
		weft__control_time(weft__control_number(json, "uptime"), uptime),
		weft__control_number(json, "fibers"));
	attroff(A_BOLD);
	if (COLS > 78)
		at(0, COLS - 14, "q ends it");
}

static void draw_workers(const json_t *json, int row)
{
	const json_t *worker;
	int column = COLS - 33;
	size_t i;

	json_array_foreach(json_object_get(json, "workers"), i, worker)
	{
		if (i == 4)
			break;
		at(row, column + (int)i * 8, "%zu:%.0f%%", i,
			100 * weft__control_number(worker, "busy"));
	}
}

static void draw_charts(const struct screen *screen, const json_t *json)
{
	const json_t *history = json_object_get(json, "history");
	const json_t *latency = weft__control_member(json, "requests.last_10s.latency");
	char text[CONTROL_TEXT_SIZE], other[CONTROL_TEXT_SIZE];
	int side = COLS - 33;

	at(2, 0, "requests   %.0f/s", newest(json_object_get(history, "requests")));
	put_chart(screen, 2, json_object_get(history, "requests"), 0);
	at(2, side, "p50 %s, p99 %s",
		weft__control_time(weft__control_number(latency, "p50"), text),
		weft__control_time(weft__control_number(latency, "p99"), other));
	at(3, 0, "sent       %s/s",
		weft__control_bytes(newest(json_object_get(history, "sent")), text));
	put_chart(screen, 3, json_object_get(history, "sent"), 0);
	at(3, side, "%.0f requests, %.0f failed", weft__control_number(json, "requests.total"),
		weft__control_number(json, "requests.errors"));
	at(4, 0, "received   %s/s",
		weft__control_bytes(newest(json_object_get(history, "received")), text));
	put_chart(screen, 4, json_object_get(history, "received"), 0);
	at(4, side, "%.0f connections", newest(json_object_get(history, "connections")));
	at(5, 0, "busy       %.1f %%", 100 * newest(json_object_get(history, "busy")));
	put_chart(screen, 5, json_object_get(history, "busy"), 1);
	draw_workers(json, 5);
	at(6, 0, "memory     %s",
		weft__control_bytes(weft__control_number(json, "memory.resident"), text));
	put_chart(screen, 6, json_object_get(history, "memory"), 0);
	at(6, side, "%.0f of %.0f descriptors", weft__control_number(json, "descriptors.open"),
		weft__control_number(json, "descriptors.limit"));
}

static void draw_transfer(const json_t *transfer, int row)
{
	double bytes = weft__control_number(transfer, "bytes");
	double total = weft__control_number(transfer, "total");
	double seconds = weft__control_number(transfer, "seconds");
	const char *person = weft__control_text(transfer, "person");
	char text[CONTROL_TEXT_SIZE];

	at(row, 0, "%-6s %-4s", weft__control_text(transfer, "door"),
		weft__control_text(transfer, "direction"));
	put_text(row, 12, person[0] ? person : weft__control_text(transfer, "peer"), 21);
	at(row, 34, "%10s", weft__control_bytes(bytes, text));
	if (total > 0)
		at(row, 45, "%3.0f %%", 100 * bytes / total);
	at(row, 51, "%10s/s", weft__control_bytes(seconds > 0 ? bytes / seconds : 0, text));
	put_text(row, 65, weft__control_text(transfer, "what"), COLS - 65);
}

static void draw_door(const json_t *door, int row)
{
	at(row, 0, "%-10s", weft__control_text(door, "door"));
	at(row, 12, "%8.0f open %10.0f so far %8.0f refused", weft__control_number(door, "open"),
		weft__control_number(door, "accepted"), weft__control_number(door, "refused"));
	put_text(row, 65, weft__control_text(door, "address"), COLS - 65);
}

static void draw_room(const json_t *room, int row)
{
	put_text(row, 0, weft__control_text(room, "name"), 32);
	at(row, 34, "%6.0f here %10.0f messages", weft__control_number(room, "here"),
		weft__control_number(room, "messages"));
}

static void draw_list(const struct screen *screen, const json_t *json)
{
	static const char *const names[] = {"transfers", "doors", "rooms"};
	static const char *const heads[] = {"transfers under way", "doors", "rooms"};
	const json_t *list = json_object_get(json, names[screen->shown]), *item;
	size_t i;

	attron(A_REVERSE);
	at(8, 0, "%-*s", COLS < 500 ? COLS : 500, "");
	at(8, 0, " %s (%zu)   t transfers  d doors  r rooms", heads[screen->shown],
		json_array_size(list));
	attroff(A_REVERSE);
	json_array_foreach(list, i, item)
	{
		int row = 9 + (int)i;

		if (row >= LINES)
			break;
		if (screen->shown == TRANSFERS)
			draw_transfer(item, row);
		else if (screen->shown == DOORS)
			draw_door(item, row);
		else
			draw_room(item, row);
	}
}

static void draw(const struct screen *screen, const json_t *json)
{
	erase();
	draw_head(json);
	draw_charts(screen, json);
	draw_list(screen, json);
	refresh();
}

/* ---- Keys ------------------------------------------------------------------------------------ */

/* Until it is time for the next look. False: q. */
static bool take_keys(struct screen *screen, const json_t *json)
{
	int64_t until_ns = weft_now() + screen->top->interval_ns;
	int64_t left_ns;

	while ((left_ns = until_ns - weft_now()) > 0) {
		int key;

		timeout((int)(left_ns / WEFT_MILLISECONDS(1)) + 1);
		key = getch();
		if (key == 'q' || key == 'Q')
			return false;
		if (key == ERR && errno != EINTR && (feof(stdin) || ferror(stdin)))
			return false;
		if (key == 't' || key == 'd' || key == 'r')
			screen->shown = key == 't' ? TRANSFERS : key == 'd' ? DOORS : ROOMS;
		if (key != ERR)
			draw(screen, json);
	}
	return true;
}

int weft__top_screen(struct top *top)
{
	struct screen screen = {.top = top};
	SCREEN *terminal = NULL;
	int status = CMD_DONE;
	bool goes_on = true;

	for (unsigned i = 0; goes_on && (top->count == 0 || i < top->count); i++) {
		json_t *json = NULL;

		status = weft__top_ask(top, &json);
		if (status)
			break;
		if (!terminal && !(terminal = open_terminal(&screen))) {
			json_decref(json);
			return weft__cmd_fail(top->control.name, "this terminal has no screen.");
		}
		draw(&screen, json);
		goes_on = (top->count && i + 1 == top->count) || take_keys(&screen, json);
		json_decref(json);
	}
	if (terminal)
		close_terminal(terminal);
	if (terminal && status) /* what was said is gone with the screen */
		weft__cmd_fail(top->control.name, "the server has ended, or answers no more.");
	return status;
}

#endif
