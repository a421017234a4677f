/*
 * chat_edit.h - the line that is typed: editing in characters, and what was typed before.
 *
 * Pure: keys are functions, what is on the screen is the caller's. Texts are UTF-8 and may hold
 * newlines (pasted ones). The cursor is always between two characters, never before a mark that
 * belongs to the one in front of it.
 */
#ifndef WEFT_SRC_CMD_CHAT_EDIT_H
#define WEFT_SRC_CMD_CHAT_EDIT_H

#include "weft/chat.h"

/** Lines that are remembered. */
#define CHAT_EDIT_HISTORY_MAX 200

struct chat_edit {
	char text[WEFT_CHAT_TEXT_MAX + 1];
	size_t len, cursor;                  /* in bytes */
	char killed[WEFT_CHAT_TEXT_MAX + 1]; /* by Ctrl-K, -U, -W; for Ctrl-Y */
	char *history[CHAT_EDIT_HISTORY_MAX];
	size_t history_len, history_at; /* history_at == history_len: the line itself */
	char *kept;                     /* the line, while an older one is shown */
	char *sought;                   /* by Ctrl-R; NULL: nothing is */
};

void weft__edit_init(struct chat_edit *edit);
void weft__edit_fini(struct chat_edit *edit);

/** Put text at the cursor; what does not fit, or is no UTF-8, is not put at all: false. */
bool weft__edit_insert(struct chat_edit *edit, const char *text, size_t len);

/** Make text the line, the cursor at its end. */
void weft__edit_set(struct chat_edit *edit, const char *text);

/** Replace the bytes from start to the cursor. */
void weft__edit_replace(struct chat_edit *edit, size_t start, const char *text);

enum chat_edit_step {
	CHAT_EDIT_CHARACTER,
	CHAT_EDIT_WORD,
	CHAT_EDIT_LINE,
};

/** Move the cursor, or cut what it would move over. */
void weft__edit_left(struct chat_edit *edit, enum chat_edit_step step);
void weft__edit_right(struct chat_edit *edit, enum chat_edit_step step);
void weft__edit_cut_left(struct chat_edit *edit, enum chat_edit_step step);
void weft__edit_cut_right(struct chat_edit *edit, enum chat_edit_step step);

/** Put what was cut last at the cursor. */
void weft__edit_yank(struct chat_edit *edit);

/** Show the line that was typed before this one, or after it. */
void weft__edit_older(struct chat_edit *edit);
void weft__edit_newer(struct chat_edit *edit);

/**
 * Show the line that was typed before and holds what was typed now; again: one older than that.
 * False: there is none.
 */
bool weft__edit_search(struct chat_edit *edit);

/** Remember the line (one that is there already, not again), and begin an empty one. */
void weft__edit_done(struct chat_edit *edit);

#endif
