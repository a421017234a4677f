/*
 * text.h - words and names of chat's wires, for their readers.
 */
#ifndef WEFT_SRC_CHAT_TEXT_H
#define WEFT_SRC_CHAT_TEXT_H

#include "weft/chat.h"

/** A line or a datagram that is read from its front. */
struct weft__chat_cursor {
	const char *at, *end;
};

/** The next word, spaces before it passed over. Its length; 0: there is none. */
size_t weft__chat_word(struct weft__chat_cursor *cursor, const char **ret_word);

/** Whether no more words come. */
bool weft__chat_ends(const struct weft__chat_cursor *cursor);

/** What comes behind one space, to the end: its length, which may be 0. */
size_t weft__chat_rest(struct weft__chat_cursor *cursor, const char **ret_rest);

/** Copy a word into an array of size bytes, with a NUL. false: it is too long. */
bool weft__chat_copy(char *ret_text, size_t size, const char *word, size_t len);

/** Whether it can be a name of anything: UTF-8, without spaces and what steers a terminal. */
bool weft__chat_is_word(const char *word, size_t len);

/** Whether it is visible ASCII, and not too long for a tag. */
bool weft__chat_is_tag(const char *word, size_t len);

/** Whether the word, in any case, is this one, in capitals. */
bool weft__chat_is(const char *word, size_t len, const char *capitals);

/** Decimal digits up to max. false: it is something else. */
bool weft__chat_number(const char *word, size_t len, uint64_t max, uint64_t *ret_number);

/** Up to eight hexadecimal digits. */
bool weft__chat_hex(const char *word, size_t len, uint32_t *ret_number);

#endif
