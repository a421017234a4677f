/*
 * chat_heard.c - see chat_heard.h.
 *
 * A kind's fields are letters, in the line's order:
 *
 *	R room   E epoch   S seq   F from   O to   C count   T time   W who   D word
 *	X the text: the rest, unescaped   Y the rest, as it came   ? from here on it may end
 *
 * Entry points: weft__heard_read(), weft__heard_answer().
 *
 * Never: keep a part of a line that is not as it should be.
 */
#include "chat_heard.h"

#include <string.h>
#include <time.h>

#include "weft/utf8.h"

static const struct {
	const char *word, *fields;
} kinds[] = {
	[CHAT_HEARD_OTHER] = {"", ""},
	[CHAT_HEARD_OK] = {"OK", "?Y"},
	[CHAT_HEARD_NO] = {"NO", "D?MX"},
	[CHAT_HEARD_MESSAGE] = {"message", "RESTW?X"},
	[CHAT_HEARD_DELETED] = {"deleted", "RESTWF"},
	[CHAT_HEARD_TOPIC] = {"topic", "RESTW?X"},
	[CHAT_HEARD_NOTICE] = {"notice", "RESTW?X"},
	[CHAT_HEARD_JOINED] = {"joined", "RCW"},
	[CHAT_HEARD_LEFT] = {"left", "RCW?X"},
	[CHAT_HEARD_COUNT] = {"count", "RC"},
	[CHAT_HEARD_TYPING] = {"typing", "RW"},
	[CHAT_HEARD_CHANGED] = {"changed", "R?X"},
	[CHAT_HEARD_GAP] = {"gap", "RGFO"},
	[CHAT_HEARD_ENTERED] = {"entered", "RESC?X"},
	[CHAT_HEARD_EXITED] = {"exited", "R?X"},
	[CHAT_HEARD_INVITED] = {"invited", "RW"},
	[CHAT_HEARD_OVER] = {"over", "?X"},
	[CHAT_HEARD_ROOM] = {"room", "RESFCD?X"},
	[CHAT_HEARD_MEMBER] = {"member", "WD"},
	[CHAT_HEARD_CLIENT] = {"client", "Y"},
	[CHAT_HEARD_STAT] = {"stat", "Y"},
	[CHAT_HEARD_HELP] = {"help", "X"},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

const char *weft__heard_word(enum chat_heard_kind kind)
{
	return kinds[kind].word;
}

/* ---- Words ------------------------------------------------------------------------------ */

struct cursor {
	const char *at, *end;
};

/* The next word, which ends at one space; its length, 0: there is none. */
static size_t next_word(struct cursor *cursor, const char **ret_word)
{
	const char *space = memchr(cursor->at, ' ', (size_t)(cursor->end - cursor->at));
	const char *end = space ? space : cursor->end;

	*ret_word = cursor->at;
	cursor->at = space ? space + 1 : end;
	return (size_t)(end - *ret_word);
}

static bool copy_word(char *place, size_t size, const char *word, size_t len)
{
	if (len == 0 || len >= size)
		return false;
	memcpy(place, word, len);
	place[len] = '\0';
	return true;
}

/* A name, which is shown, printed and completed: nothing in it may steer a terminal. */
static bool copy_name(char *place, size_t size, const char *word, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t character;
		size_t used = weft_utf8_read(word + at, len - at, &character);

		if (used == 0 || weft_utf8_is_dangerous(character))
			return false;
		at += used;
	}
	return copy_word(place, size, word, len);
}

/* Nothing of a signed number may overflow where it is counted on. */
static bool read_number(const char *word, size_t len, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (len == 0 || len > 18)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (word[i] < '0' || word[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(word[i] - '0');
	}
	*ret_number = number;
	return true;
}

static bool read_epoch(const char *word, size_t len, uint32_t *ret_epoch)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t epoch = 0;

	if (len == 0 || len > 8)
		return false;
	for (size_t i = 0; i < len; i++) {
		const char *digit = word[i] ? strchr(digits, word[i]) : NULL;

		if (!digit)
			return false;
		epoch = epoch << 4 | (uint32_t)(digit - digits);
	}
	*ret_epoch = epoch;
	return true;
}

/* 2026-11-21T17:20:01.123Z */
static bool read_time(const char *word, size_t len, int64_t *ret_ns)
{
	struct tm parts = {0};
	char text[32];
	const char *rest;
	uint64_t milliseconds = 0;

	if (!copy_word(text, sizeof(text), word, len))
		return false;
	rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
	if (!rest || parts.tm_year < 0 || parts.tm_year > 300)
		return false;
	if (*rest == '.' && (strlen(rest) != 5 || !read_number(rest + 1, 3, &milliseconds)))
		return false;
	if (rest[strlen(rest) - (*rest != '\0')] != 'Z')
		return false;
	*ret_ns = (int64_t)timegm(&parts) * WEFT_SECONDS(1) +
		  (int64_t)milliseconds * WEFT_MILLISECONDS(1);
	return true;
}

/* ---- Fields ----------------------------------------------------------------------------- */

static bool read_word(struct chat_heard *heard, char field, const char *word, size_t len)
{
	switch (field) {
	case 'R':
		return copy_name(heard->room, sizeof(heard->room), word, len);
	case 'W':
		return copy_name(heard->who, sizeof(heard->who), word, len);
	case 'D':
		return copy_name(heard->word, sizeof(heard->word), word, len);
	case 'E':
		return read_epoch(word, len, &heard->epoch);
	case 'S':
		return read_number(word, len, &heard->seq);
	case 'F':
		return read_number(word, len, &heard->from);
	case 'O':
		return read_number(word, len, &heard->to);
	case 'C':
		return read_number(word, len, &heard->count);
	default:
		return read_time(word, len, &heard->at_ns);
	}
}

static bool read_text(struct chat_heard *heard, struct cursor *cursor, bool is_escaped)
{
	size_t len = (size_t)(cursor->end - cursor->at);

	if (is_escaped)
		len = weft_chat_line_unescape(
			cursor->at, len, heard->text, sizeof(heard->text) - 1);
	else
		memcpy(heard->text, cursor->at, len);
	heard->text[len] = '\0';
	heard->text_len = len;
	cursor->at = cursor->end;
	return !memchr(heard->text, '\0', len);
}

/* A field that is there only sometimes, and told by its form: milliseconds; a gap's epoch. */
static void read_perhaps(struct chat_heard *heard, char field, struct cursor *cursor)
{
	struct cursor ahead = *cursor, last = *cursor;
	const char *word;
	size_t len = next_word(&ahead, &word);

	if (field == 'M' && read_number(word, len, &heard->wait_ms))
		*cursor = ahead;
	if (field != 'G')
		return;
	for (int i = 0; i < 2; i++)
		next_word(&last, &word);
	if (last.at < last.end && read_epoch(cursor->at, len, &heard->epoch))
		*cursor = ahead;
}

static bool read_fields(struct chat_heard *heard, const char *fields, struct cursor *cursor)
{
	bool may_end = false;

	for (; *fields; fields++) {
		const char *word;
		size_t len;
		bool is_read = true;

		if (*fields == '?') {
			may_end = true;
			continue;
		}
		if (cursor->at == cursor->end)
			return may_end;
		if (*fields == 'X' || *fields == 'Y') {
			is_read = read_text(heard, cursor, *fields == 'X');
		} else if (*fields == 'M' || *fields == 'G') {
			read_perhaps(heard, *fields, cursor);
		} else {
			len = next_word(cursor, &word);
			is_read = read_word(heard, *fields, word, len);
		}
		if (!is_read)
			return false;
	}
	return true; /* what more there is, a newer hub may say */
}

/* ---- Lines ------------------------------------------------------------------------------ */

static void forget(struct chat_heard *heard)
{
	heard->kind = CHAT_HEARD_OTHER;
	heard->tag[0] = heard->room[0] = heard->who[0] = heard->word[0] = heard->text[0] = '\0';
	heard->epoch = 0;
	heard->seq = heard->from = heard->to = heard->count = heard->wait_ms = 0;
	heard->at_ns = 0;
	heard->text_len = 0;
}

bool weft__heard_read(struct chat_heard *heard, const char *line, size_t len)
{
	struct cursor cursor;
	const char *word;
	size_t kind;

	forget(heard);
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	if (len == 0 || len >= CHAT_HEARD_LINE_MAX || memchr(line, '\0', len) ||
		!weft_utf8_is_valid(line, len))
		return false;
	cursor = (struct cursor){line, line + len};
	len = next_word(&cursor, &word);
	if (len > 0 && *word == '#') {
		if (!copy_word(heard->tag, sizeof(heard->tag), word + 1, len - 1))
			return false;
		len = next_word(&cursor, &word);
	}
	if (len == 0)
		return false;
	for (kind = KIND_COUNT - 1; kind > 0; kind--)
		if (strlen(kinds[kind].word) == len && memcmp(kinds[kind].word, word, len) == 0)
			break;
	/* Its text is for people, too. */
	if (kind == CHAT_HEARD_OTHER && len == 4 && memcmp(word, "file", 4) == 0)
		kind = CHAT_HEARD_MESSAGE;
	heard->kind = (enum chat_heard_kind)kind;
	return read_fields(heard, kinds[kind].fields, &cursor);
}

bool weft__heard_answer(struct chat_heard *heard, const char *fields)
{
	char answer[512];
	struct cursor cursor = {answer, answer + heard->text_len};

	if (heard->text_len >= sizeof(answer))
		return false;
	memcpy(answer, heard->text, heard->text_len);
	return read_fields(heard, fields, &cursor);
}
