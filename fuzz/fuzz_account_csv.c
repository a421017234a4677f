/*
 * fuzz_account_csv.c - a table from an enemy: cells are text without zero bytes, no more than there
 * is room for, and what is written of a record is read as the same record.
 */
#include <stdlib.h>
#include <string.h>

#include "account/csv.h"
#include "weft/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

static void check_again(const struct weft__csv_record *record)
{
	static struct weft__csv_record again;
	struct weft__csv csv;
	struct weft_str str;

	weft_str_init(&str, WEFT__CSV_RECORD_MAX * 8);
	for (size_t i = 0; i < record->count; i++) {
		if (i > 0)
			weft_str_append_char(&str, ',');
		require(weft__csv_append(&str, record->cells[i]) == 0);
	}
	/* A line that is empty is no record. */
	if (record->count == 1 && !*record->cells[0])
		goto done;
	weft__csv_init(&csv, weft_str_text(&str), weft_str_len(&str));
	if (weft_str_len(&str) >= 3 && memcmp(weft_str_text(&str), "\xef\xbb\xbf", 3) == 0)
		goto done; /* it would be a byte order mark there */
	require(weft__csv_next(&csv, &again));
	/* The apostrophes take room. */
	if (!again.fault) {
		require(again.count == record->count);
		for (size_t i = 0; i < record->count; i++)
			require(strcmp(again.cells[i], record->cells[i]) == 0);
		require(!weft__csv_next(&csv, &again));
	}
done:
	weft_str_fini(&str);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct weft__csv_record record;
	struct weft__csv csv;
	size_t line = 0;

	weft__csv_init(&csv, (const char *)data, len);
	while (weft__csv_next(&csv, &record)) {
		require(csv.at <= csv.len && record.line > line);
		line = record.line;
		require(record.count <= WEFT__CSV_CELLS_MAX);
		require(!record.fault == (record.count > 0));
		for (size_t i = 0; i < record.count; i++)
			require(weft_utf8_is_valid(record.cells[i], strlen(record.cells[i])));
		if (!record.fault)
			check_again(&record);
	}
	return 0;
}
