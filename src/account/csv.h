/*
 * csv.h - tables as comma-separated text (RFC 4180), read strictly and written harmlessly.
 *
 * Read: cells apart by commas, records by LF or CRLF; a cell in quotes may hold both, and quotes
 * twice. What is not that is a fault of its record, and reading goes on behind it.
 * Written: a cell that a spreadsheet would compute (it begins with = + - @, a tab...) gets an
 * apostrophe before it, and reading takes that off again: every text comes back as it was.
 *
 * Never: reads one text in two ways, or keeps more than one record in memory.
 */
#ifndef ACCOUNT_CSV_H
#define ACCOUNT_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "weft/str.h"

#define WEFT__CSV_CELLS_MAX  64
#define WEFT__CSV_RECORD_MAX 16384 /* bytes of its cells, with a NUL each */

struct weft__csv {
	const char *text;
	size_t len, at;
	size_t line; /* of what comes next, from 1 on */
};

struct weft__csv_record {
	size_t line; /* where it begins */
	size_t count;
	const char *cells[WEFT__CSV_CELLS_MAX];
	const char *fault; /* a sentence; NULL: it is fine */
	char bytes[WEFT__CSV_RECORD_MAX];
};

/** Begin; a byte order mark is passed over. */
void weft__csv_init(struct weft__csv *csv, const char *text, size_t len);

/** The next record, empty lines passed over: false at the end. Its cells lie in the record. */
bool weft__csv_next(struct weft__csv *csv, struct weft__csv_record *ret_record);

/** Append a cell; the comma or line end is the caller's. Errors: as weft_str_append(). */
int weft__csv_append(struct weft_str *str, const char *text);

#endif
