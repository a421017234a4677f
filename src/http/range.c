/*
 * range.c - reads "bytes=FIRST-LAST", "bytes=FIRST-" and "bytes=-LAST_BYTES".
 *
 * Entry point: weft__http_range_parse().
 * Never: a part that is not inside the file.
 */
#include "http/range.h"

#include "http/chars.h"

/* Digits from *at on, saturated: a position beyond any file is one beyond this file. */
static bool take_number(const char *value, size_t len, size_t *at, int64_t *ret_number)
{
	int64_t number = 0;
	size_t from = *at;
	bool is_beyond = false;

	for (; *at < len && weft__http_is(value[*at], WEFT__HTTP_DIGIT); ++*at)
		is_beyond = is_beyond || __builtin_mul_overflow(number, 10, &number) ||
			    __builtin_add_overflow(number, value[*at] - '0', &number);
	*ret_number = is_beyond ? INT64_MAX : number;
	return *at > from;
}

enum weft__http_range_result weft__http_range_parse(
	const char *value, size_t len, int64_t size, int64_t *ret_offset, int64_t *ret_len)
{
	size_t at = 6;
	int64_t first, last;
	bool has_first, has_last;

	if (len < 6 || !weft__http_equal_nocase(value, 6, "bytes="))
		return WEFT__HTTP_RANGE_NONE;
	has_first = take_number(value, len, &at, &first);
	if (at == len || value[at++] != '-')
		return WEFT__HTTP_RANGE_NONE;
	has_last = take_number(value, len, &at, &last);
	if (at != len || (!has_first && !has_last) || (has_first && has_last && first > last))
		return WEFT__HTTP_RANGE_NONE;

	if (!has_first) { /* the last so many bytes */
		if (last == 0 || size == 0)
			return WEFT__HTTP_RANGE_UNSATISFIABLE;
		first = last < size ? size - last : 0;
		last = size - 1;
	} else if (first >= size) {
		return WEFT__HTTP_RANGE_UNSATISFIABLE;
	} else if (!has_last || last >= size) {
		last = size - 1;
	}
	*ret_offset = first;
	*ret_len = last - first + 1;
	return WEFT__HTTP_RANGE_PART;
}
