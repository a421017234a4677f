/*
 * chat_text.h - text on a terminal: how wide it is, where its rows end, what of it may be shown.
 *
 * Widths are columns, as wcwidth(3) has them: the locale must be one of UTF-8. Pure.
 */
#ifndef WEFT_SRC_CMD_CHAT_TEXT_H
#define WEFT_SRC_CMD_CHAT_TEXT_H

#include "weft/utf8.h"

/** Marks put upon one character, at most: more is a prank. */
#define CHAT_MARKS_MAX 4

/** Newlines one after the other, at most: more would push away what the others said. */
#define CHAT_NEWLINES_MAX 2

/** Columns of one character: 0, 1 or 2. */
unsigned weft__text_columns(uint32_t character);

/** Columns of a text; what is not UTF-8 counts as one for each byte. */
size_t weft__text_width(const char *text, size_t len);

/** Where the character that begins at text ends, with the marks upon it; len > 0. */
size_t weft__text_cluster(const char *text, size_t len);

/** How many of the text's bytes fit into so many columns, whole characters. */
size_t weft__text_fit(const char *text, size_t len, size_t columns);

/**
 * The first row of a text in so many columns, at least 2: returns the bytes in it, and in
 * *ret_used how many are over with it: the space or newline at which it was broken, too. Always
 * gets on, if len > 0.
 */
size_t weft__text_row(const char *text, size_t len, size_t columns, size_t *ret_used);

/**
 * Append text from outside as a terminal may show it: newlines stay, tabs are spaces, what steers
 * a terminal or turns the direction of reading is written out ("\u{1b}"), what has no width that
 * terminals agree on is left out. Errors: as weft_str_append().
 */
int weft__text_show(struct weft_str *str, const char *text, size_t len);

/** The same in one line: newlines are "\n". */
int weft__text_show_line(struct weft_str *str, const char *text, size_t len);

/** A number for a name, for its colour: of a guest and an account the same. */
unsigned weft__text_hash(const char *name);

#endif
