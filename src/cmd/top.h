/*
 * top.h - `weft top`, in parts.
 *
 *	top.c          asking, and lines for who is no terminal
 *	top_screen.c   a screen
 */
#ifndef WEFT_SRC_CMD_TOP_H
#define WEFT_SRC_CMD_TOP_H

#include "control.h"
#include "weft/api.h"

struct top {
	struct control control;
	unsigned count;      /* looks; 0: until it is ended */
	int64_t interval_ns; /* between two of them */
	bool is_json, is_plain;
};

/** Ask how it is. A status; json is the caller's to json_decref(). */
int weft__top_ask(struct top *top, json_t **ret_json);

/** Whether there is a screen to be had, on the terminal of the standard streams. */
bool weft__top_has_screen(void);

/** Show it there until `q`, or so many looks. A status. */
int weft__top_screen(struct top *top);

#endif
