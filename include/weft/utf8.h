/*
 * weft/utf8.h - characters in UTF-8 (RFC 3629), and text from outside shown safely.
 *
 *	weft_str_append_visible(&line, name, name_len);	// no escape sequence gets to the terminal
 *
 * Nothing here waits or allocates but for what is appended. Safe from any thread.
 */
#ifndef WEFT_UTF8_H
#define WEFT_UTF8_H

#include "weft/str.h"

WEFT_BEGIN

/**
 * The length of the character that data (len > 0) begins with, and the character; 0 when it
 * is not valid: cut short, too long a form, a surrogate, over U+10FFFF. ret_character may be NULL.
 */
WEFT_API size_t weft_utf8_read(const char *data, size_t len, uint32_t *ret_character);

/** Whether all of it is valid characters; none of them too. */
WEFT_API bool weft_utf8_is_valid(const char *data, size_t len);

/**
 * Whether the character can move a terminal's cursor, end a line or turn the direction
 * of reading: control characters (C0, DEL, C1), U+2028, U+2029, and the bidirectional marks.
 */
WEFT_API bool weft_utf8_is_dangerous(uint32_t character);

/**
 * Append the text as a terminal may show it: each byte of what is not valid, or dangerous, as
 * "\x1b", and a backslash as two. Errors: as weft_str_append().
 */
WEFT_API int weft_str_append_visible(struct weft_str *str, const char *data, size_t len);

WEFT_END

#endif
