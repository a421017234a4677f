/*
 * csv.c - see csv.h.
 *
 *	cell := '"' (any but '"' | '""')* '"'  |  (any but '"', ',', CR, LF)*
 */
#include "account/csv.h"

#include <string.h>

#include "weft/utf8.h"

void weft__csv_init(struct weft__csv *csv, const char *text, size_t len)
{
	*csv = (struct weft__csv){.text = text, .len = len, .line = 1};
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		csv->at = 3;
}

/* ---- Formulas ------------------------------------------------------------------------------- */

/* What a spreadsheet begins to compute at, some of them in its wide form as well. */
static bool begins_formula(const char *text)
{
	static const char *const starts[] = {"=", "+", "-", "@", "\t", "\r", "\n", "\xef\xbc\x9d",
		"\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (strncmp(text, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

/* An apostrophe of ours: also before one of somebody else's, so that each comes back. */
static bool is_guarded(const char *cell)
{
	return cell[0] == '\'' && (cell[1] == '\'' || begins_formula(cell + 1));
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* Where a record's cells go. */
struct sink {
	struct weft__csv_record *record;
	size_t used;
};

static void put(struct sink *sink, char c)
{
	if (sink->used < WEFT__CSV_RECORD_MAX)
		sink->record->bytes[sink->used++] = c;
	else
		sink->record->fault = "the line is too long";
}

static bool at_end_of_line(const struct weft__csv *csv)
{
	return csv->at == csv->len || csv->text[csv->at] == '\n' ||
	       (csv->text[csv->at] == '\r' &&
		       (csv->at + 1 == csv->len || csv->text[csv->at + 1] == '\n'));
}

static void pass_end_of_line(struct weft__csv *csv)
{
	if (csv->at < csv->len && csv->text[csv->at] == '\r')
		csv->at++;
	if (csv->at < csv->len && csv->text[csv->at] == '\n')
		csv->at++;
	csv->line++;
}

static const char *read_quoted(struct weft__csv *csv, struct sink *sink)
{
	for (csv->at++; csv->at < csv->len; csv->at++) {
		char c = csv->text[csv->at];

		if (c == '"') {
			csv->at++;
			if (csv->at == csv->len || csv->text[csv->at] != '"')
				return NULL;
		}
		if (c == '\0')
			return "there is a zero byte in it";
		if (c == '\n')
			csv->line++;
		put(sink, c);
	}
	return "a quote is not closed";
}

static const char *read_bare(struct weft__csv *csv, struct sink *sink)
{
	for (; !at_end_of_line(csv) && csv->text[csv->at] != ','; csv->at++) {
		char c = csv->text[csv->at];

		if (c == '"')
			return "a quote stands inside a cell without quotes";
		if (c == '\r')
			return "a carriage return stands alone";
		if (c == '\0')
			return "there is a zero byte in it";
		put(sink, c);
	}
	return NULL;
}

/* One cell; what follows it is a comma or the end of the line, or there is a fault. */
static const char *read_cell(struct weft__csv *csv, struct sink *sink)
{
	struct weft__csv_record *record = sink->record;
	size_t start = sink->used;
	const char *fault;
	bool is_quoted = !at_end_of_line(csv) && csv->text[csv->at] == '"';

	if (record->count == WEFT__CSV_CELLS_MAX)
		return "there are too many cells";
	fault = is_quoted ? read_quoted(csv, sink) : read_bare(csv, sink);
	if (!fault && !at_end_of_line(csv) && csv->text[csv->at] != ',')
		fault = "text follows a closing quote";
	put(sink, '\0');
	if (fault || record->fault)
		return fault ? fault : record->fault;
	if (!weft_utf8_is_valid(record->bytes + start, sink->used - start - 1))
		return "it is not UTF-8";
	if (is_guarded(record->bytes + start))
		start++;
	record->cells[record->count++] = record->bytes + start;
	return NULL;
}

bool weft__csv_next(struct weft__csv *csv, struct weft__csv_record *ret_record)
{
	struct sink sink = {ret_record, 0};

	while (csv->at < csv->len && at_end_of_line(csv))
		pass_end_of_line(csv);
	if (csv->at == csv->len)
		return false;
	ret_record->line = csv->line;
	ret_record->count = 0;
	ret_record->fault = NULL;
	for (;;) {
		const char *fault = read_cell(csv, &sink);

		if (fault) {
			ret_record->fault = fault;
			ret_record->count = 0;
			while (!at_end_of_line(csv))
				csv->at++;
		}
		if (at_end_of_line(csv))
			break;
		csv->at++; /* the comma */
	}
	pass_end_of_line(csv);
	return true;
}

/* ---- Writing -------------------------------------------------------------------------------- */

int weft__csv_append(struct weft_str *str, const char *text)
{
	size_t len = strlen(text);
	bool is_quoted = text[strcspn(text, "\",\r\n")] ||
			 (len > 0 && (text[0] == ' ' || text[len - 1] == ' '));

	if (is_quoted)
		weft_str_append_char(str, '"');
	if (begins_formula(text) || is_guarded(text))
		weft_str_append_char(str, '\'');
	for (; *text; text++) {
		if (*text == '"')
			weft_str_append_char(str, '"');
		weft_str_append_char(str, *text);
	}
	if (is_quoted)
		weft_str_append_char(str, '"');
	return weft_str_error(str) ? -1 : 0;
}
