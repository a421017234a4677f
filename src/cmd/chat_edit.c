/*
 * chat_edit.c - see chat_edit.h.
 *
 * Entry points: weft__edit_insert() and its like.
 */
#include "chat_edit.h"

#include <stdlib.h>
#include <string.h>

#include "chat_text.h"

void weft__edit_init(struct chat_edit *edit)
{
	memset(edit, 0, sizeof(*edit));
}

void weft__edit_fini(struct chat_edit *edit)
{
	for (size_t i = 0; i < edit->history_len; i++)
		free(edit->history[i]);
	free(edit->kept);
	free(edit->sought);
	explicit_bzero(edit, sizeof(*edit));
}

/* ---- Text ------------------------------------------------------------------------------- */

bool weft__edit_insert(struct chat_edit *edit, const char *text, size_t len)
{
	if (len > WEFT_CHAT_TEXT_MAX - edit->len || !weft_utf8_is_valid(text, len) ||
		memchr(text, '\0', len))
		return false;
	memmove(edit->text + edit->cursor + len, edit->text + edit->cursor,
		edit->len - edit->cursor + 1);
	memcpy(edit->text + edit->cursor, text, len);
	edit->len += len;
	edit->cursor += len;
	return true;
}

static void cut(struct chat_edit *edit, size_t start, size_t end)
{
	memmove(edit->text + start, edit->text + end, edit->len - end + 1);
	edit->len -= end - start;
	edit->cursor = start;
}

void weft__edit_set(struct chat_edit *edit, const char *text)
{
	cut(edit, 0, edit->len);
	weft__edit_insert(edit, text, strlen(text));
}

void weft__edit_replace(struct chat_edit *edit, size_t start, const char *text)
{
	if (edit->len - (edit->cursor - start) + strlen(text) > WEFT_CHAT_TEXT_MAX)
		return;
	cut(edit, start, edit->cursor);
	weft__edit_insert(edit, text, strlen(text));
}

/* ---- Places ----------------------------------------------------------------------------- */

static size_t after(const struct chat_edit *edit, size_t at)
{
	return at == edit->len ? at : at + weft__text_cluster(edit->text + at, edit->len - at);
}

/* From the front: only there it is known where characters with their marks begin. */
static size_t before(const struct chat_edit *edit, size_t at)
{
	size_t last = 0;

	for (size_t next = 0; next < at; next = after(edit, next))
		last = next;
	return last;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t';
}

static size_t place_left(const struct chat_edit *edit, enum chat_edit_step step)
{
	size_t at = edit->cursor;

	if (step == CHAT_EDIT_LINE || at == 0)
		return 0;
	if (step == CHAT_EDIT_CHARACTER)
		return before(edit, at);
	/* Blanks are characters of one byte: no other's bytes look like them. */
	while (at > 0 && is_blank(edit->text[at - 1]))
		at--;
	while (at > 0 && !is_blank(edit->text[at - 1]))
		at--;
	return at;
}

static size_t place_right(const struct chat_edit *edit, enum chat_edit_step step)
{
	size_t at = edit->cursor;

	if (step == CHAT_EDIT_LINE)
		return edit->len;
	if (step == CHAT_EDIT_CHARACTER)
		return after(edit, at);
	while (at < edit->len && is_blank(edit->text[at]))
		at++;
	while (at < edit->len && !is_blank(edit->text[at]))
		at++;
	return at;
}

void weft__edit_left(struct chat_edit *edit, enum chat_edit_step step)
{
	edit->cursor = place_left(edit, step);
}

void weft__edit_right(struct chat_edit *edit, enum chat_edit_step step)
{
	edit->cursor = place_right(edit, step);
}

/* ---- Cutting ---------------------------------------------------------------------------- */

/* A single character is gone for good; more can be had back. */
static void kill_range(struct chat_edit *edit, size_t start, size_t end, enum chat_edit_step step)
{
	if (start == end)
		return;
	if (step != CHAT_EDIT_CHARACTER) {
		memcpy(edit->killed, edit->text + start, end - start);
		edit->killed[end - start] = '\0';
	}
	cut(edit, start, end);
}

void weft__edit_cut_left(struct chat_edit *edit, enum chat_edit_step step)
{
	kill_range(edit, place_left(edit, step), edit->cursor, step);
}

void weft__edit_cut_right(struct chat_edit *edit, enum chat_edit_step step)
{
	kill_range(edit, edit->cursor, place_right(edit, step), step);
}

void weft__edit_yank(struct chat_edit *edit)
{
	weft__edit_insert(edit, edit->killed, strlen(edit->killed));
}

/* ---- What was typed before -------------------------------------------------------------- */

void weft__edit_older(struct chat_edit *edit)
{
	if (edit->history_at == 0)
		return;
	if (edit->history_at == edit->history_len) {
		free(edit->kept);
		edit->kept = strdup(edit->text);
	}
	weft__edit_set(edit, edit->history[--edit->history_at]);
}

void weft__edit_newer(struct chat_edit *edit)
{
	if (edit->history_at == edit->history_len)
		return;
	edit->history_at++;
	if (edit->history_at < edit->history_len)
		weft__edit_set(edit, edit->history[edit->history_at]);
	else
		weft__edit_set(edit, edit->kept ? edit->kept : "");
}

/* Whether the line is what the search has found: then it goes on. */
static bool is_found(const struct chat_edit *edit)
{
	return edit->sought && edit->history_at < edit->history_len &&
	       strcmp(edit->text, edit->history[edit->history_at]) == 0;
}

bool weft__edit_search(struct chat_edit *edit)
{
	size_t at = is_found(edit) ? edit->history_at : edit->history_len;

	if (!is_found(edit)) {
		free(edit->sought);
		edit->sought = strdup(edit->text);
	}
	while (edit->sought && at-- > 0) {
		if (!strstr(edit->history[at], edit->sought) ||
			strcmp(edit->history[at], edit->text) == 0)
			continue;
		if (edit->history_at == edit->history_len) {
			free(edit->kept);
			edit->kept = strdup(edit->text);
		}
		edit->history_at = at;
		weft__edit_set(edit, edit->history[at]);
		return true;
	}
	return false;
}

void weft__edit_done(struct chat_edit *edit)
{
	const char *last = edit->history_len ? edit->history[edit->history_len - 1] : "";
	char *copy = edit->len && strcmp(last, edit->text) != 0 ? strdup(edit->text) : NULL;

	if (copy && edit->history_len == CHAT_EDIT_HISTORY_MAX) {
		free(edit->history[0]);
		memmove(edit->history, edit->history + 1,
			(CHAT_EDIT_HISTORY_MAX - 1) * sizeof(edit->history[0]));
		edit->history_len--;
	}
	if (copy)
		edit->history[edit->history_len++] = copy;
	edit->history_at = edit->history_len;
	free(edit->kept);
	free(edit->sought);
	edit->kept = edit->sought = NULL;
	cut(edit, 0, edit->len);
}
