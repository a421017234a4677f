/*
 * names.c - see names.h: names normalised and judged, texts and folders judged.
 *
 *	"Zoë"  --utf8proc: case-folded, NFC-->  "zoë"  --each character judged-->  a name
 *
 * Entry point: weft__name_read(), which every door's names come through.
 * Never: two spellings of one name that both pass.
 */
#include "account/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "account/skeleton.h"
#include "base/letter.h"
#include "weft/str.h"
#include "weft/utf8.h"

/** Characters of a name; and marks on one letter: more make a pile over the lines around. */
#define CHARACTERS_MAX 32
#define MARKS_MAX      3

/** Bytes of what is given, before anything is done with it. */
#define RAW_MAX 1024

/* ---- Scripts that look alike ---------------------------------------------------------------- */

/* Letters of two of these are not found in one honest name. */
static const struct {
	uint32_t first, last;
	uint8_t script;
} scripts[] = {
	{'a', 'z', 1},
	{0x00c0, 0x024f, 1}, /* Latin with marks */
	{0x0250, 0x02af, 1}, /* phonetic letters */
	{0x0370, 0x03ff, 2}, /* Greek */
	{0x0400, 0x052f, 3}, /* Cyrillic */
	{0x0530, 0x058f, 4}, /* Armenian */
	{0x13a0, 0x13ff, 5}, /* Cherokee */
	{0x1c80, 0x1c8f, 3},
	{0x1e00, 0x1eff, 1},
	{0x1f00, 0x1fff, 2},
	{0x2c60, 0x2c7f, 1},
	{0x2c80, 0x2cff, 6}, /* Coptic */
	{0x2de0, 0x2dff, 3},
	{0xa4d0, 0xa4ff, 7}, /* Lisu */
	{0xa640, 0xa69f, 3},
	{0xa720, 0xa7ff, 1},
	{0xab30, 0xab6f, 1},
	{0xab70, 0xabbf, 5},
};

static unsigned script_of(uint32_t character)
{
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		if (character >= scripts[i].first && character <= scripts[i].last)
			return scripts[i].script;
	return 0;
}

/* ---- One character -------------------------------------------------------------------------- */

static bool is_sign(uint32_t character)
{
	return character && character < 0x80 && strchr("._-+@", (int)character);
}

/* Of a normalised name. */
static enum weft_account_fault judge(const char *name)
{
	size_t len = strlen(name), characters = 0, marks = 0;
	unsigned script = 0, found;
	uint32_t character;
	enum weft__letter letter;

	if (len == 0)
		return WEFT_ACCOUNT_NAME_EMPTY;
	if (len > WEFT_ACCOUNT_NAME_MAX)
		return WEFT_ACCOUNT_NAME_TOO_LONG;
	for (size_t at = 0, used; at < len; at += used) {
		used = weft_utf8_read(name + at, len - at, &character);
		if (used == 0)
			return WEFT_ACCOUNT_NAME_NOT_UTF8;
		letter = weft__letter_of(character);
		if (letter == WEFT__NO_LETTER && !is_sign(character))
			return WEFT_ACCOUNT_NAME_BAD_CHARACTER;
		if (at == 0 && letter != WEFT__LETTER)
			return WEFT_ACCOUNT_NAME_BAD_START;
		marks = letter == WEFT__MARK ? marks + 1 : 0;
		if (marks > MARKS_MAX)
			return WEFT_ACCOUNT_NAME_BAD_CHARACTER;
		found = script_of(character);
		if (found && script && found != script)
			return WEFT_ACCOUNT_NAME_MIXED_SCRIPTS;
		if (found)
			script = found;
		if (++characters > CHARACTERS_MAX)
			return WEFT_ACCOUNT_NAME_TOO_LONG;
	}
	/* Some programs take it off. */
	return name[len - 1] == '.' ? WEFT_ACCOUNT_NAME_BAD_CHARACTER : WEFT_ACCOUNT_FAULT_NONE;
}

/* ---- The whole name ------------------------------------------------------------------------- */

/* In memory of its own; NULL with ENOMEM or EINVAL. */
static char *map_text(const char *text, utf8proc_option_t options)
{
	utf8proc_uint8_t *mapped = NULL;
	utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)text, 0, &mapped,
		options | UTF8PROC_STABLE | UTF8PROC_NULLTERM);

	if (len >= 0)
		return (char *)mapped;
	errno = len == UTF8PROC_ERROR_NOMEM ? ENOMEM : EINVAL;
	return NULL;
}

/* Folding can leave what composes anew, and composing what folds anew: until nothing changes. */
static char *normalise(const char *text)
{
	char *now = strdup(text), *next;

	for (int round = 0; now && round < 4; round++) {
		next = map_text(now, UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
		if (next && strcmp(next, now) == 0) {
			free(now);
			return next;
		}
		free(now);
		now = next;
	}
	if (!now)
		return NULL;
	free(now);
	errno = EINVAL;
	return NULL;
}

/* The name in *ret_name, without its skeleton. Below 0 only for want of memory. */
static int read_text(const char *text, char ret_name[WEFT_ACCOUNT_NAME_MAX + 1],
	enum weft_account_fault *ret_fault)
{
	size_t len = strnlen(text, RAW_MAX + 1);
	char *name;

	*ret_fault = WEFT_ACCOUNT_NAME_TOO_LONG;
	if (len > RAW_MAX)
		return 0;
	*ret_fault = WEFT_ACCOUNT_NAME_NOT_UTF8;
	if (!weft_utf8_is_valid(text, len))
		return 0;
	name = normalise(text);
	if (!name) {
		*ret_fault =
			errno == ENOMEM ? WEFT_ACCOUNT_FAULT_NONE : WEFT_ACCOUNT_NAME_BAD_CHARACTER;
		return errno == ENOMEM ? -1 : 0;
	}
	*ret_fault = judge(name);
	if (*ret_fault == WEFT_ACCOUNT_FAULT_NONE)
		memcpy(ret_name, name, strlen(name) + 1);
	free(name);
	return 0;
}

int weft__name_read(
	const char *text, struct weft__name *ret_name, enum weft_account_fault *ret_fault)
{
	struct weft__name name;

	if (read_text(text, name.text, ret_fault) < 0)
		return -1;
	if (*ret_fault != WEFT_ACCOUNT_FAULT_NONE) {
		errno = EINVAL;
		return -1;
	}
	if (weft_account_name_skeleton(name.text, name.skeleton, sizeof(name.skeleton)) < 0)
		return -1;
	*ret_name = name;
	return 0;
}

int weft_account_name_normalise(const char *text, char ret_name[WEFT_ACCOUNT_NAME_MAX + 1],
	enum weft_account_fault *ret_fault)
{
	enum weft_account_fault fault;
	int result = read_text(text, ret_name, &fault);

	if (ret_fault)
		*ret_fault = fault;
	if (result == 0 && fault != WEFT_ACCOUNT_FAULT_NONE) {
		errno = EINVAL;
		result = -1;
	}
	return result;
}

/* ---- Texts and folders ---------------------------------------------------------------------- */

bool weft__text_is_fine(const char *text, size_t len_max)
{
	size_t len = strnlen(text, len_max + 1);
	uint32_t character;

	if (len > len_max)
		return false;
	for (size_t at = 0, used; at < len; at += used) {
		used = weft_utf8_read(text + at, len - at, &character);
		if (used == 0 || weft_utf8_is_dangerous(character))
			return false;
	}
	return true;
}

char *weft__text_fold(const char *text)
{
	return normalise(text);
}

bool weft__folder_is_wide(const char *folder)
{
	for (; *folder; folder++)
		if (*folder & 0x80)
			return true;
	return false;
}

/* One name, in memory of its own; NULL: ENOMEM. */
static char *normal_part(const char *part, size_t len)
{
	char *text = strndup(part, len), *normal;

	if (!text || !weft__folder_is_wide(text) || !weft_utf8_is_valid(text, len))
		return text;
	normal = map_text(text, UTF8PROC_COMPOSE);
	if (!normal && errno != ENOMEM)
		return text;
	free(text);
	return normal;
}

char *weft__folder_normal(const char *folder)
{
	struct weft_str normal;

	weft_str_init(&normal, WEFT_STR_LEN_MAX);
	weft_str_append(&normal, "");
	for (;;) {
		size_t len = strcspn(folder, "/");
		char *part = normal_part(folder, len);

		if (!part) {
			weft_str_fini(&normal);
			errno = ENOMEM;
			return NULL;
		}
		weft_str_append(&normal, part);
		free(part);
		if (!folder[len])
			return weft_str_take(&normal);
		weft_str_append(&normal, "/");
		folder += len + 1;
	}
}

bool weft__folder_is_fine(const char *folder)
{
	size_t part;

	if (!weft__text_is_fine(folder, WEFT_ACCOUNT_PATH_MAX))
		return false;
	if (!*folder)
		return true;
	for (;; folder += part + 1) {
		part = strcspn(folder, "/");
		if (part == 0 || part > 255 || (part == 1 && folder[0] == '.') ||
			(part == 2 && folder[0] == '.' && folder[1] == '.'))
			return false;
		if (!folder[part])
			return true;
	}
}
