/*
 * chat_rows.h - what was said, in rows: the part of the screen between its bars (chat_rows.c), and
 * what that takes of chat_paint.c. Where weft was built with ncurses.
 */
#ifndef WEFT_SRC_CMD_CHAT_ROWS_H
#define WEFT_SRC_CMD_CHAT_ROWS_H

#include "chat.h"

#define NCURSES_WIDECHAR 1
#include <curses.h>

/** From row top to row bottom; both are of it. */
struct chat_pane {
	int top, bottom;
};

/** Paint the room's entries, the newest at the bottom. Whether the oldest can be seen. */
bool weft__rows_paint(
	const struct chat *chat, struct chat_room *room, const struct chat_pane *pane);

/* ---- Of chat_paint.c -------------------------------------------------------------------- */

/** Bytes of a text that chat_text.c has let through. */
void weft__paint_put(int y, int x, attr_t attribute, const char *text, size_t len);

/** A line all over the row, with a few words in it. */
void weft__paint_rule(int y, attr_t attribute, const char *text);

attr_t weft__paint_name(unsigned tint);
attr_t weft__paint_call(void);
attr_t weft__paint_dim(void);
attr_t weft__paint_italic(void); /* or nothing: where it would be something else */

#endif
