/*
 * chat_screen.h - what chat_screen.c and chat_keys.c share. Where weft was built with ncurses.
 */
#ifndef WEFT_SRC_CMD_CHAT_SCREEN_H
#define WEFT_SRC_CMD_CHAT_SCREEN_H

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include "chat_paint.h"

/** Keys of our own, behind those of ncurses and those that it finds in a terminal's description. */
enum {
	KEY_PASTE_BEGIN = KEY_MAX + 1000,
	KEY_PASTE_END,
	KEY_WORD_LEFT,
	KEY_WORD_RIGHT,
	ESCAPE = 27,
};

struct screen {
	struct chat *chat;
	struct chat_edit edit;
	FILE *in, *out;
	SCREEN *terminal;
	struct weft_signals *signals;
	weft_fiber_id link;
	uint64_t rang, heard; /* what it has rung for */
	int64_t asked_ns;     /* weft_now(): whether she really wants to go; 0 */
	int64_t painted_ns, read_ns;
	size_t pasted_over; /* characters of a paste that did not fit */
	bool is_pasting, is_dirty, is_left, is_greeted;
};

#define NOTE(screen, ...) \
	weft__model_note(&(screen)->chat->model, NULL, weft_wall_now(), __VA_ARGS__)

/** Carry out all keys that were pressed. */
void weft__screen_take_keys(struct screen *screen);

/** The terminal has another size, or is to be painted anew. */
void weft__screen_resize(struct screen *screen);

/** Ctrl-Z: until the shell goes on with it. */
void weft__screen_suspend(struct screen *screen);

#endif
