/*
 * json.h - JSON of the hub's API: read within bounds, and what accounts look like in it.
 *
 * Reading is strict (RFC 8259; I-JSON): UTF-8, no name twice in an object, no U+0000, integers of
 * 64 bits, HUB_JSON_DEPTH_MAX levels at most. What is made for an answer is the caller's to
 * json_decref(); NULL: no memory.
 */
#ifndef WEFT_SRC_HUB_JSON_H
#define WEFT_SRC_HUB_JSON_H

#include <jansson.h>

#include "weft/account_session.h"

/** Objects and arrays in one another. libjansson goes down by recursion, on a fiber's stack. */
#define HUB_JSON_DEPTH_MAX 16

/**
 * Read a text of len bytes. Errors: EBADMSG (ret_fault is a sentence for a person, without a final
 * dot), ENOMEM.
 */
json_t *weft__hub_json_read(const char *text, size_t len, char *ret_fault, size_t fault_size);

/** A text for the wire, the caller's to free(3); NULL: no memory. */
char *weft__hub_json_print(const json_t *json);

json_t *weft__hub_json_user(const struct weft_account_user *user);
json_t *weft__hub_json_session(const struct weft_account_session *session, int64_t own_id);
json_t *weft__hub_json_token(const struct weft_account_token *token);
json_t *weft__hub_json_grant(const struct weft_account_grant *grant);
json_t *weft__hub_json_event(const struct weft_account_event *event);

/** A text of the database as a JSON string, whatever is in it. */
json_t *weft__hub_json_text(const char *text);

/** Sets of words: rights ("read"...), powers ("accounts"...), states ("active"...). */
struct hub_words;
extern const struct hub_words weft__hub_rights, weft__hub_powers, weft__hub_states;

/** The bits as a list of words. */
json_t *weft__hub_words_list(const struct hub_words *words, unsigned bits);

/** The bit of a word of len bytes; 0: there is no such word. */
unsigned weft__hub_words_bit(const struct hub_words *words, const char *word, size_t len);

/** The bits of a list of words. Returns -1 with EINVAL for a word that there isn't. */
int weft__hub_words_bits(const struct hub_words *words, const json_t *list, unsigned *ret_bits);

/** All the words, "read, list, ...", for help and complaints. */
const char *weft__hub_words_all(const struct hub_words *words);

/** Who a grant is to: "user", "group", "role". */
const char *weft__hub_subject_word(enum weft_account_subject subject);
enum weft_account_subject weft__hub_subject_of(const char *word); /* 0: no such */

#endif
