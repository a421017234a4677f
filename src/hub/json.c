/*
 * json.c - see json.h.
 *
 * Never: a password, or the hash of one, in what it makes.
 */
#include "json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "weft/utf8.h"

/** Of a number with a fraction: more would show that 0.1 is none of them. */
#define REAL_DIGITS 12

/* ---- Reading ------------------------------------------------------------------------------ */

/* Whether it goes no deeper than is good for the stack; quotes hide brackets. */
static bool is_shallow(const char *text, size_t len)
{
	bool is_quoted = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (is_quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && (text[i] == '{' || text[i] == '['))
			depth++;
		else if (!is_quoted && (text[i] == '}' || text[i] == ']'))
			depth--;
		if (depth > HUB_JSON_DEPTH_MAX)
			return false;
	}
	return true;
}

json_t *weft__hub_json_read(const char *text, size_t len, char *ret_fault, size_t fault_size)
{
	json_error_t error;
	json_t *json;

	if (!is_shallow(text, len)) {
		snprintf(ret_fault, fault_size, "the JSON is nested more than %d deep",
			HUB_JSON_DEPTH_MAX);
		errno = EBADMSG;
		return NULL;
	}
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (json)
		return json;
	if (json_error_code(&error) == json_error_out_of_memory) {
		errno = ENOMEM;
		return NULL;
	}
	/* The library's own words may quote what was sent: where it is wrong says enough. */
	snprintf(ret_fault, fault_size, "this is no JSON that can be read: line %d, column %d",
		error.line < 1 ? 1 : error.line, error.column < 1 ? 1 : error.column);
	errno = EBADMSG;
	return NULL;
}

char *weft__hub_json_print(const json_t *json)
{
	return json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
}

/* ---- Words -------------------------------------------------------------------------------- */

struct hub_word {
	const char *word;
	unsigned bit;
};

struct hub_words {
	const char *all;
	struct hub_word words[8];
};

const struct hub_words weft__hub_rights = {"read, list, write, replace, delete, manage",
	{{"read", WEFT_ACCOUNT_READ}, {"list", WEFT_ACCOUNT_LIST}, {"write", WEFT_ACCOUNT_WRITE},
		{"replace", WEFT_ACCOUNT_REPLACE}, {"delete", WEFT_ACCOUNT_DELETE},
		{"manage", WEFT_ACCOUNT_MANAGE_FOLDER}}};

const struct hub_words weft__hub_powers = {"accounts, audit, backup, moderate, operate",
	{{"accounts", WEFT_ACCOUNT_MANAGES}, {"audit", WEFT_ACCOUNT_AUDITS},
		{"backup", WEFT_ACCOUNT_BACKS_UP}, {"moderate", WEFT_ACCOUNT_MODERATES},
		{"operate", WEFT_ACCOUNT_OPERATES}}};

const struct hub_words weft__hub_states = {"active, locked, removed",
	{{"active", WEFT_ACCOUNT_ACTIVE}, {"locked", WEFT_ACCOUNT_IS_LOCKED},
		{"removed", WEFT_ACCOUNT_IS_REMOVED}}};

json_t *weft__hub_words_list(const struct hub_words *words, unsigned bits)
{
	json_t *list = json_array();

	for (const struct hub_word *word = words->words; list && word->word; word++)
		if ((bits & word->bit) &&
			json_array_append_new(list, json_string(word->word)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

unsigned weft__hub_words_bit(const struct hub_words *words, const char *text, size_t len)
{
	for (const struct hub_word *word = words->words; word->word; word++)
		if (strlen(word->word) == len && memcmp(word->word, text, len) == 0)
			return word->bit;
	return 0;
}

int weft__hub_words_bits(const struct hub_words *words, const json_t *list, unsigned *ret_bits)
{
	unsigned bits = 0, bit;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		bit = weft__hub_words_bit(words, json_string_value(item), json_string_length(item));
		if (!bit) {
			errno = EINVAL;
			return -1;
		}
		bits |= bit;
	}
	*ret_bits = bits;
	return 0;
}

const char *weft__hub_words_all(const struct hub_words *words)
{
	return words->all;
}

static const char *const subjects[] = {[WEFT_ACCOUNT_TO_USER] = "user",
	[WEFT_ACCOUNT_TO_GROUP] = "group",
	[WEFT_ACCOUNT_TO_ROLE] = "role"};

const char *weft__hub_subject_word(enum weft_account_subject subject)
{
	return subjects[subject];
}

enum weft_account_subject weft__hub_subject_of(const char *word)
{
	for (int i = WEFT_ACCOUNT_TO_USER; i <= WEFT_ACCOUNT_TO_ROLE; i++)
		if (strcmp(subjects[i], word) == 0)
			return (enum weft_account_subject)i;
	return (enum weft_account_subject)0;
}

/* ---- What accounts look like -------------------------------------------------------------- */

json_t *weft__hub_json_text(const char *text)
{
	return json_string(weft_utf8_is_valid(text, strlen(text)) ? text : "?");
}

static const char *state_word(enum weft_account_state state)
{
	for (const struct hub_word *word = weft__hub_states.words; word->word; word++)
		if (word->bit == (unsigned)state)
			return word->word;
	return "active";
}

json_t *weft__hub_json_user(const struct weft_account_user *user)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:s, s:b, s:b, s:I, s:I, s:I, s:I}", "id",
		(json_int_t)user->id, "name", weft__hub_json_text(user->name), "display_name",
		weft__hub_json_text(user->display_name), "role", weft__hub_json_text(user->role),
		"home", weft__hub_json_text(user->home), "state", state_word(user->state),
		"has_password", user->has_password, "must_change", user->must_change, "created",
		(json_int_t)user->created_s, "seen", (json_int_t)user->seen_s, "quota",
		(json_int_t)user->quota_bytes, "used", (json_int_t)user->used_bytes);
}

json_t *weft__hub_json_session(const struct weft_account_session *session, int64_t own_id)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:I, s:I, s:I, s:b}", "id", (json_int_t)session->id,
		"label", weft__hub_json_text(session->label), "address",
		weft__hub_json_text(session->address), "door", weft__hub_json_text(session->door),
		"created", (json_int_t)session->created_s, "seen", (json_int_t)session->seen_s,
		"expires", (json_int_t)session->expires_s, "is_this", session->id == own_id);
}

json_t *weft__hub_json_token(const struct weft_account_token *token)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "id", (json_int_t)token->id,
		"label", weft__hub_json_text(token->label), "rights",
		weft__hub_words_list(&weft__hub_rights, token->rights), "powers",
		weft__hub_words_list(&weft__hub_powers, token->powers), "folder",
		weft__hub_json_text(token->folder), "created", (json_int_t)token->created_s, "seen",
		(json_int_t)token->seen_s, "expires", (json_int_t)token->expires_s);
}

json_t *weft__hub_json_grant(const struct weft_account_grant *grant)
{
	return json_pack("{s:s, s:o, s:o, s:o}", "to", weft__hub_subject_word(grant->to), "subject",
		weft__hub_json_text(grant->subject), "folder", weft__hub_json_text(grant->folder),
		"rights", weft__hub_words_list(&weft__hub_rights, grant->rights));
}

json_t *weft__hub_json_event(const struct weft_account_event *event)
{
	return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
		(json_int_t)event->id, "at", (json_int_t)event->at_s, "who",
		weft__hub_json_text(event->who), "address", weft__hub_json_text(event->address),
		"door", weft__hub_json_text(event->door), "action",
		weft__hub_json_text(event->action), "target", weft__hub_json_text(event->target),
		"result", weft__hub_json_text(event->result), "detail",
		weft__hub_json_text(event->detail));
}
