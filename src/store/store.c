/*
 * store.c - shorthand for statements with their values; nothing of any one database.
 *
 * Entry points: weft__tx_run(), weft__tx_read(), weft__tx_number().
 * Never: knows what a store is made of.
 */
#include "store/store.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

static struct weft__value value_of(char kind, va_list *args)
{
	struct weft__value value = {.kind = WEFT__VALUE_NULL};

	switch (kind) {
	case 'i':
		value.kind = WEFT__VALUE_INT;
		value.number = va_arg(*args, int64_t);
		break;
	case 't':
		value.bytes = va_arg(*args, const char *);
		if (!value.bytes)
			break;
		value.kind = WEFT__VALUE_TEXT;
		value.len = strlen(value.bytes);
		break;
	case 'b':
		value.kind = WEFT__VALUE_BLOB;
		value.bytes = va_arg(*args, const char *);
		value.len = va_arg(*args, size_t);
		break;
	default:
		assert(!"a kind of value");
	}
	return value;
}

static int64_t run(
	struct weft__tx *tx, struct weft__statement *statement, const char *kinds, va_list *args)
{
	for (; *kinds; kinds++) {
		assert(statement->count < WEFT__STORE_VALUES_MAX);
		statement->values[statement->count++] = value_of(*kinds, args);
	}
	return tx->store->ops->run(tx, statement);
}

int64_t weft__tx_run(struct weft__tx *tx, const char *sql, const char *kinds, ...)
{
	struct weft__statement statement = {.sql = sql};
	int64_t result;
	va_list args;

	va_start(args, kinds);
	result = run(tx, &statement, kinds, &args);
	va_end(args);
	return result;
}

int64_t weft__tx_read(
	struct weft__tx *tx, struct weft__reader reader, const char *sql, const char *kinds, ...)
{
	struct weft__statement statement = {.sql = sql, .row = reader.row, .arg = reader.arg};
	int64_t result;
	va_list args;

	va_start(args, kinds);
	result = run(tx, &statement, kinds, &args);
	va_end(args);
	return result;
}

static int take_number(const struct weft__value *columns, void *arg)
{
	*(int64_t *)arg = columns[0].number;
	return 0;
}

int weft__tx_number(
	struct weft__tx *tx, int64_t *ret_number, const char *sql, const char *kinds, ...)
{
	struct weft__statement statement = {.sql = sql, .row = take_number, .arg = ret_number};
	int64_t result;
	va_list args;

	va_start(args, kinds);
	result = run(tx, &statement, kinds, &args);
	va_end(args);
	return result > 0 ? 1 : (int)result;
}

void weft__value_text(const struct weft__value *value, char *ret_text, size_t size)
{
	size_t len = value->len < size ? value->len : size - 1;

	if (len > 0)
		memcpy(ret_text, value->bytes, len);
	ret_text[len] = '\0';
}
