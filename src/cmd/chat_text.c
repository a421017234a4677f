/*
 * chat_text.c - see chat_text.h.
 *
 * Entry points: weft__text_width(), weft__text_row(), weft__text_show().
 *
 * Never: let through a character whose effect on the cursor isn't known.
 */
#include "chat_text.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "weft/chat.h"

/* ---- Widths ----------------------------------------------------------------------------- */

unsigned weft__text_columns(uint32_t character)
{
	int width = character < 0x7f ? character >= 0x20 : wcwidth((wchar_t)character);

	return width > 0 ? (unsigned)width : 0;
}

/* The character at text, or one byte of what is none. */
static size_t read_character(const char *text, size_t len, uint32_t *ret_character)
{
	size_t used = weft_utf8_read(text, len, ret_character);

	if (used > 0)
		return used;
	*ret_character = '?';
	return 1;
}

size_t weft__text_width(const char *text, size_t len)
{
	size_t width = 0;

	while (len > 0) {
		uint32_t character;
		size_t used = read_character(text, len, &character);

		width += weft__text_columns(character);
		text += used;
		len -= used;
	}
	return width;
}

size_t weft__text_cluster(const char *text, size_t len)
{
	uint32_t character;
	size_t end = read_character(text, len, &character);

	while (end < len) {
		size_t used = read_character(text + end, len - end, &character);

		if (character < 0x80 || weft__text_columns(character) > 0)
			break;
		end += used;
	}
	return end;
}

static size_t cluster_width(const char *text, size_t cluster)
{
	return weft__text_width(text, cluster);
}

size_t weft__text_fit(const char *text, size_t len, size_t columns)
{
	size_t at = 0, width = 0;

	while (at < len) {
		size_t cluster = weft__text_cluster(text + at, len - at);

		width += cluster_width(text + at, cluster);
		if (width > columns)
			break;
		at += cluster;
	}
	return at;
}

/* ---- Rows ------------------------------------------------------------------------------- */

size_t weft__text_row(const char *text, size_t len, size_t columns, size_t *ret_used)
{
	const char *newline = memchr(text, '\n', len);
	size_t line = newline ? (size_t)(newline - text) : len;
	size_t fit = weft__text_fit(text, line, columns), end = fit;

	if (fit == line) {
		*ret_used = fit + (newline != NULL);
		return fit;
	}
	if (text[fit] != ' ')
		while (end > 0 && text[end - 1] != ' ')
			end--;
	if (end == 0)
		end = fit; /* a word longer than the row, or one character wider */
	if (end == 0)
		end = weft__text_cluster(text, line);
	*ret_used = end;
	while (*ret_used < line && text[*ret_used] == ' ')
		++*ret_used;
	while (end > 1 && text[end - 1] == ' ')
		end--;
	return end;
}

/* ---- What may be shown ------------------------------------------------------------------ */

struct showing {
	struct weft_str *str;
	unsigned marks;    /* upon the last character */
	unsigned newlines; /* one after the other */
	bool is_after_wide;
};

/*
 * Terminals differ on what joins or tints characters: some draw one picture two columns wide,
 * others each by itself. Left out, all draw the same number of columns.
 */
static bool is_left_out(const struct showing *showing, uint32_t character)
{
	bool joins = character == 0x200d || character == 0xfe0e || character == 0xfe0f;
	bool tints = character >= 0x1f3fb && character <= 0x1f3ff;
	bool is_tag = character >= 0xe0000 && character <= 0xe0fff;

	return is_tag || character == 0xfe0f || (showing->is_after_wide && (joins || tints));
}

static void show_character(
	struct showing *showing, const char *text, size_t len, uint32_t character)
{
	unsigned columns = weft__text_columns(character);
	char plain[16];
	size_t plain_len;

	if (is_left_out(showing, character))
		return;
	if (weft_utf8_is_dangerous(character)) {
		plain_len = weft_chat_plain_escape(text, len, plain, sizeof(plain));
		weft_str_append_bytes(showing->str, plain, plain_len);
		showing->marks = 0;
		showing->is_after_wide = false;
	} else if (columns == 0) {
		bool is_mark = character >= 0x80 && wcwidth((wchar_t)character) == 0;

		/* Of no width known: unassigned. */
		if (!is_mark)
			weft_str_append(showing->str, "\xef\xbf\xbd");
		else if (showing->marks++ < CHAT_MARKS_MAX)
			weft_str_append_bytes(showing->str, text, len);
	} else {
		weft_str_append_bytes(showing->str, text, len);
		showing->marks = 0;
		showing->is_after_wide = columns == 2;
	}
}

static int show(struct weft_str *str, const char *text, size_t len, bool has_lines)
{
	struct showing showing = {.str = str};

	while (len > 0) {
		uint32_t character = 0;
		size_t used = weft_utf8_read(text, len, &character);

		if (used == 0) {
			weft_str_append(str, "\xef\xbf\xbd");
			used = 1;
		} else if (character == '\n' && has_lines) {
			if (showing.newlines++ < CHAT_NEWLINES_MAX)
				weft_str_append_char(str, '\n');
		} else if (character == '\t') {
			weft_str_append(str, "    ");
		} else {
			show_character(&showing, text, used, character);
		}
		if (character != '\n' && character != ' ' && character != '\t')
			showing.newlines = 0;
		text += used;
		len -= used;
	}
	return weft_str_error(str) ? -1 : 0;
}

int weft__text_show(struct weft_str *str, const char *text, size_t len)
{
	return show(str, text, len, true);
}

int weft__text_show_line(struct weft_str *str, const char *text, size_t len)
{
	return show(str, text, len, false);
}

unsigned weft__text_hash(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	if (*name == '~')
		name++;
	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash ^ hash >> 15;
}
