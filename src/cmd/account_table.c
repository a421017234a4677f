/*
 * account_table.c - what people read of `weft account`: tables, facts, sentences.
 *
 * Never: prints what came from elsewhere as it is: names and labels may move the cursor.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "account.h"
#include "weft/utf8.h"

/** Columns of a table, at most. */
#define COLUMNS_MAX 12

/* ---- Cells -------------------------------------------------------------------------------- */

/* Columns of a terminal: a CJK character takes two, an accent that is put on top none. */
static int width_of(const char *text)
{
	size_t len = strlen(text), at = 0;
	int width = 0;

	while (at < len) {
		uint32_t character;
		size_t count = weft_utf8_read(text + at, len - at, &character);
		int own = count ? wcwidth((wchar_t)character) : 1;

		width += own > 0 ? own : 0;
		at += count ? count : 1;
	}
	return width;
}

static void append_time(struct weft_str *cell, int64_t seconds)
{
	time_t at = (time_t)seconds;
	struct tm parts;
	char text[32];

	if (seconds == 0 || !localtime_r(&at, &parts) ||
		!strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &parts))
		weft_str_append(cell, "-");
	else
		weft_str_append(cell, text);
}

static void append_bytes(struct weft_str *cell, int64_t bytes)
{
	static const char units[] = "BKMGTPE";
	double amount = (double)bytes;
	int unit = 0;

	for (; amount >= 1024 && units[unit + 1]; unit++)
		amount /= 1024;
	if (bytes == 0)
		weft_str_append(cell, "-");
	else if (unit == 0)
		weft_str_appendf(cell, "%" PRId64, bytes);
	else
		weft_str_appendf(cell, amount < 10 ? "%.1f%c" : "%.0f%c", amount, units[unit]);
}

static void append_visible(struct weft_str *cell, const char *text)
{
	if (text)
		weft_str_append_visible(cell, text, strlen(text));
}

/* The caller's to free; NULL: no memory. */
static char *make_cell(const json_t *object, const struct account_column *column)
{
	const json_t *value = json_object_get(object, column->key);
	struct weft_str cell;

	weft_str_init(&cell, WEFT_STR_LEN_MAX);
	weft_str_append(&cell, "");
	switch (column->cell) {
	case ACCOUNT_TEXT:
		append_visible(&cell, json_string_value(value));
		break;
	case ACCOUNT_NUMBER:
		weft_str_appendf(&cell, "%lld", (long long)json_integer_value(value));
		break;
	case ACCOUNT_BYTES:
		append_bytes(&cell, json_integer_value(value));
		break;
	case ACCOUNT_TIME:
		append_time(&cell, json_integer_value(value));
		break;
	case ACCOUNT_YES:
		weft_str_append(&cell, json_is_true(value) ? "yes" : "no");
		break;
	case ACCOUNT_WORDS:
		for (size_t i = 0; i < json_array_size(value); i++) {
			weft_str_append(&cell, i ? "," : "");
			append_visible(&cell, json_string_value(json_array_get(value, i)));
		}
		if (json_array_size(value) == 0)
			weft_str_append(&cell, "none");
		break;
	}
	return weft_str_take(&cell);
}

static bool is_right(enum account_cell cell)
{
	return cell == ACCOUNT_NUMBER || cell == ACCOUNT_BYTES;
}

static void append_cell(
	struct weft_str *line, const char *text, int width, const struct account_column *column)
{
	int fill = width - width_of(text);

	if (fill < 0)
		fill = 0;
	if (line->len > 0)
		weft_str_append(line, "  ");
	if (is_right(column->cell))
		weft_str_appendf(line, "%*s%s", fill, "", text);
	else
		weft_str_appendf(line, "%s%*s", text, fill, "");
}

/* No spaces at its end: they would only be copied along. */
static void print_line(struct weft_str *line)
{
	size_t len = line->len;

	while (len > 0 && line->text[len - 1] == ' ')
		len--;
	printf("%.*s\n", (int)len, weft_str_text(line));
	weft_str_reset(line);
}

/* ---- Tables ------------------------------------------------------------------------------- */

static unsigned count_columns(const struct account_column *columns)
{
	unsigned count = 0;

	while (count < COLUMNS_MAX && columns[count].title)
		count++;
	return count;
}

static void measure(const json_t *list, const struct account_column *columns, unsigned count,
	int widths[COLUMNS_MAX])
{
	for (unsigned i = 0; i < count; i++)
		widths[i] = width_of(columns[i].title);
	for (size_t row = 0; row < json_array_size(list); row++)
		for (unsigned i = 0; i < count; i++) {
			char *cell = make_cell(json_array_get(list, row), &columns[i]);
			int width = cell ? width_of(cell) : 0;

			widths[i] = width > widths[i] ? width : widths[i];
			free(cell);
		}
}

void weft__cmd_account_print_table(const json_t *list, const struct account_column *columns)
{
	unsigned count = count_columns(columns);
	int widths[COLUMNS_MAX];
	struct weft_str line;

	if (json_array_size(list) == 0)
		return;
	measure(list, columns, count, widths);
	weft_str_init(&line, WEFT_STR_LEN_MAX);
	for (unsigned i = 0; i < count; i++)
		append_cell(&line, columns[i].title, widths[i], &columns[i]);
	print_line(&line);
	for (size_t row = 0; row < json_array_size(list); row++) {
		for (unsigned i = 0; i < count; i++) {
			char *cell = make_cell(json_array_get(list, row), &columns[i]);

			append_cell(&line, cell ? cell : "", widths[i], &columns[i]);
			free(cell);
		}
		print_line(&line);
	}
	weft_str_fini(&line);
}

void weft__cmd_account_print_object(const json_t *object, const struct account_column *columns)
{
	int width = 0;

	for (const struct account_column *column = columns; column->title; column++)
		width = width_of(column->title) > width ? width_of(column->title) : width;
	for (const struct account_column *column = columns; column->title; column++) {
		char *cell = make_cell(object, column);

		printf("%-*s  %s\n", width, column->title, cell && cell[0] ? cell : "-");
		free(cell);
	}
}

void weft__cmd_account_print_json(const json_t *json)
{
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
}

void weft__cmd_account_tell_faults(const struct account *account, const json_t *faults)
{
	for (size_t i = 0; i < json_array_size(faults); i++) {
		const json_t *fault = json_array_get(faults, i);
		const char *column = json_string_value(json_object_get(fault, "column"));
		const char *text = json_string_value(json_object_get(fault, "text"));

		weft__cmd_fail(account->name, "line %lld%s%s: %s.",
			(long long)json_integer_value(json_object_get(fault, "line")),
			column && column[0] ? ", " : "", column ? column : "",
			text ? text : "it was left out");
	}
}

void weft__cmd_account_say(const struct account *account, const char *format, ...)
{
	struct weft_str visible;
	char *text = NULL;
	va_list args;
	int len;

	if (account->is_json) {
		puts("{\"done\":true}");
		return;
	}
	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		return;
	weft_str_init(&visible, WEFT_STR_LEN_MAX);
	weft_str_append_visible(&visible, text, (size_t)len);
	puts(weft_str_text(&visible));
	weft_str_fini(&visible);
	free(text);
}
