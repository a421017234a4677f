/*
 * chat_paint.h - what is where on the terminal of `weft chat`. Where weft was built with ncurses.
 *
 *	lobby  the room's topic
 *	12:01 mia: what was said, in rows
 *	      as wide as the terminal
 *	[1 lobby] 2 dev 3    ~mia  5 here  online
 *	> what is typed
 */
#ifndef WEFT_SRC_CMD_CHAT_PAINT_H
#define WEFT_SRC_CMD_CHAT_PAINT_H

#include "chat.h"

/** After the terminal was set up: colours, if it has any and nobody minds. */
void weft__paint_init(void);

/** All of it; ncurses sends what has changed. Returns whether the oldest entry is on the screen. */
bool weft__paint(struct chat *chat, const struct chat_edit *edit);

/** Rows that a page has. */
size_t weft__paint_page(void);

#endif
