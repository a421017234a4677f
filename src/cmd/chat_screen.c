/*
 * chat_screen.c - `weft chat` on a terminal: keys in, a painted screen out (chat_paint.c), by
 * ncurses.
 *
 * Entry point: weft__cmd_chat_screen(). Built without ncurses, it says so.
 *
 * The terminal is opened anew: what weft does to a descriptor that it waits for is not done to the
 * shell's.
 *
 * Never: leaves the terminal other than it was.
 */
#include "chat.h"

#ifndef WEFT_HAS_NCURSES

bool weft__cmd_chat_can_paint(void)
{
	return false;
}

int weft__cmd_chat_screen(struct chat *chat)
{
	(void)chat;
	return -1;
}

#else

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include "chat_screen.h"
#include "chat_text.h"
#include "weft/scope.h"
#include "weft/signal.h"

/** Between two paintings, when much comes; and between two looks at the clock. */
#define FRAME_NS WEFT_MILLISECONDS(30)
#define TICK_NS  WEFT_SECONDS(1)

/* ---- The terminal ----------------------------------------------------------------------- */

/* Pasted text comes in brackets: a newline in it ends no line. */
static void bracket_pastes(struct screen *screen, bool is_on)
{
	fputs(is_on ? "\033[?2004h" : "\033[?2004l", screen->out);
	fflush(screen->out);
}

/* Asked of a screen that nobody sees: nothing is done to the terminal. */
bool weft__cmd_chat_can_paint(void)
{
	FILE *nowhere = fopen("/dev/null", "r+e");
	SCREEN *screen = nowhere ? newterm(NULL, nowhere, nowhere) : NULL;
	bool can_paint = false;

	if (screen) {
		const char *move = tigetstr("cup");

		/* The cursor must get anywhere: on a "dumb" one it does not. */
		can_paint = move && move != (char *)-1;
		delscreen(screen);
	}
	if (nowhere)
		fclose(nowhere);
	return can_paint;
}

static bool open_terminal(struct screen *screen)
{
	/* Two of them: ncurses writes as to a file, and must not be told to come again. */
	screen->in = fopen("/dev/tty", "re");
	screen->out = fopen("/dev/tty", "we");
	if (!screen->in || !screen->out)
		return false;
	screen->terminal = newterm(NULL, screen->out, screen->in);
	if (!screen->terminal)
		return false;
	set_term(screen->terminal);
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	/* With Ctrl, and with Alt: ncurses has no name for them. */
	define_key("\033[1;5D", KEY_WORD_LEFT);
	define_key("\033[1;3D", KEY_WORD_LEFT);
	define_key("\033[1;5C", KEY_WORD_RIGHT);
	define_key("\033[1;3C", KEY_WORD_RIGHT);
	define_key("\033[200~", KEY_PASTE_BEGIN);
	define_key("\033[201~", KEY_PASTE_END);
	weft__paint_init();
	bracket_pastes(screen, true);
	return true;
}

static void close_terminal(struct screen *screen)
{
	if (screen->terminal) {
		bracket_pastes(screen, false);
		endwin();
		delscreen(screen->terminal);
	}
	if (screen->in)
		fclose(screen->in);
	if (screen->out)
		fclose(screen->out);
}

void weft__screen_resize(struct screen *screen)
{
	struct winsize window;

	if (ioctl(fileno(screen->out), TIOCGWINSZ, &window) == 0 && window.ws_row > 0 &&
		window.ws_col > 0)
		resizeterm(window.ws_row, window.ws_col); /* which is told by a KEY_RESIZE, too */
	clearok(curscr, TRUE);
	screen->is_dirty = true;
}

void weft__screen_suspend(struct screen *screen)
{
	bracket_pastes(screen, false);
	endwin();
	raise(SIGTSTP);
	bracket_pastes(screen, true);
	weft__screen_resize(screen);
}

/* ---- What else happens ------------------------------------------------------------------ */

static void take_signal(struct screen *screen)
{
	int number = weft_signals_next(screen->signals);

	if (number == SIGWINCH)
		weft__screen_resize(screen);
	else if (number > 0)
		screen->is_left = true;
}

static void ring(struct screen *screen)
{
	const struct chat_model *model = &screen->chat->model;
	unsigned bell = screen->chat->bell;
	bool is_called = screen->rang != model->rang, is_told = screen->heard != model->heard;

	screen->rang = model->rang;
	screen->heard = model->heard;
	if ((is_called && bell != CHAT_BELL_NEVER) || (is_told && bell == CHAT_BELL_ALL))
		beep();
}

/* How far she has read is told now and then only. */
static void tell_read(struct screen *screen)
{
	struct chat_room *room = screen->chat->model.current;
	int64_t now = weft_now();

	if (!room || room->rows_above || now - screen->read_ns < TICK_NS)
		return;
	screen->read_ns = now;
	weft__caller_read(&screen->chat->caller, room);
	weft__cmd_chat_kick(screen->chat);
}

/* Below what she has missed. */
static void greet(struct screen *screen)
{
	if (screen->is_greeted || screen->chat->caller.joins == 0)
		return;
	screen->is_greeted = true;
	NOTE(screen, "You are %s. /help tells the commands.", screen->chat->model.self);
}

static void paint(struct screen *screen)
{
	struct chat *chat = screen->chat;
	struct chat_room *room = chat->model.current;
	bool is_oldest;

	greet(screen);
	is_oldest = weft__paint(chat, &screen->edit);
	ring(screen);
	if (room && is_oldest && room->rows_above) {
		weft__caller_older(&chat->caller, room);
		weft__cmd_chat_kick(chat);
	}
	screen->painted_ns = weft_now();
	screen->is_dirty = false;
}

static void loop(struct screen *screen)
{
	struct chat *chat = screen->chat;

	while (!screen->is_left && chat->caller.state != CHAT_OVER) {
		int64_t wait = screen->painted_ns + FRAME_NS - weft_now();
		int one;

		if (screen->is_dirty && wait <= 0)
			paint(screen);
		struct weft_select_case cases[] = {
			WEFT_SELECT_FD(fileno(screen->in), POLLIN),
			WEFT_SELECT_FD(weft_signals_fd(screen->signals), POLLIN),
			WEFT_SELECT_RECV(chat->changed, &one),
			WEFT_SELECT_TIMER(screen->is_dirty ? wait : TICK_NS),
		};

		switch (weft_select(cases, sizeof(cases) / sizeof(cases[0]))) {
		case 0:
			if (cases[0].result & (POLLHUP | POLLERR | POLLNVAL))
				screen->is_left = true; /* the terminal is gone */
			weft__screen_take_keys(screen);
			screen->painted_ns = 0; /* who types waits for no frame */
			break;
		case 1:
			take_signal(screen);
			break;
		case -1:
			screen->is_left = true;
			break;
		default:
			screen->is_dirty = true;
			tell_read(screen);
			break;
		}
	}
}

/* ---- The whole -------------------------------------------------------------------------- */

/* The first connection is made before the screen is: what is wrong can be read afterwards. */
static bool is_let_in(struct screen *screen)
{
	struct chat *chat = screen->chat;
	const struct weft_spawn_options large = {.name = "chat", .stack_size_bytes = 256 * 1024};

	screen->link = weft_spawn_with(&large, weft__cmd_chat_link, chat);
	while (screen->link && chat->caller.state != CHAT_OVER && chat->caller.logins == 0)
		if (!weft__cmd_chat_wait(chat, WEFT_FOREVER))
			break;
	return chat->caller.logins > 0 && chat->caller.state != CHAT_OVER;
}

static int say_why(const struct chat *chat)
{
	return weft__cmd_fail(CHAT, "%s: %s.", chat->host_port,
		chat->caller.why[0] ? chat->caller.why : "the connection ended");
}

int weft__cmd_chat_screen(struct chat *chat)
{
	static const int signals[] = {SIGWINCH, SIGTERM, SIGHUP};
	static struct screen screen;
	int status = CMD_DONE;

	screen = (struct screen){.chat = chat, .is_dirty = true};
	weft__edit_init(&screen.edit);
	if (!is_let_in(&screen)) {
		status = say_why(chat);
	} else if (!(screen.signals = weft_signals_new(signals, 3)) || !open_terminal(&screen)) {
		close_terminal(&screen);
		status = weft__cmd_fail(CHAT,
			"this is no terminal to paint on (TERM is \"%s\"): "
			"use --plain.",
			getenv("TERM") ? getenv("TERM") : "");
	} else {
		loop(&screen);
		close_terminal(&screen);
		if (!screen.is_left)
			status = say_why(chat);
	}
	weft_signals_free(screen.signals);
	if (screen.link)
		weft__cmd_chat_leave(chat, screen.link);
	weft__edit_fini(&screen.edit);
	return status;
}

#endif
