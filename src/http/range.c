/*
 * range.c - reads "bytes=FIRST-LAST", "bytes=FIRST-" and "bytes=-LAST_BYTES", and lists of them.
 *
 * Entry point: weft__http_range_parse().
 * Never: a part that is not inside the file.
 */
#include "http/range.h"

#include "http/chars.h"

/* ---- Reading -------------------------------------------------------------------------------- */

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

enum spec {
	SPEC_BAD,
	SPEC_BEYOND, /* nothing of it is in the file */
	SPEC_PART,
};

/* One range, from *at on. */
static enum spec take_spec(
	const char *value, size_t len, int64_t size, size_t *at, struct weft__http_part *ret_part)
{
	int64_t first, last;
	bool has_first = take_number(value, len, at, &first), has_last;

	if (*at == len || value[(*at)++] != '-')
		return SPEC_BAD;
	has_last = take_number(value, len, at, &last);
	if ((!has_first && !has_last) || (has_first && has_last && first > last))
		return SPEC_BAD;
	if (!has_first) { /* the last so many bytes */
		if (last == 0 || size == 0)
			return SPEC_BEYOND;
		first = last < size ? size - last : 0;
		last = size - 1;
	} else if (first >= size) {
		return SPEC_BEYOND;
	} else if (!has_last || last >= size) {
		last = size - 1;
	}
	*ret_part = (struct weft__http_part){first, last - first + 1};
	return SPEC_PART;
}

/* A comma, with spaces or tabs around it. */
static bool take_comma(const char *value, size_t len, size_t *at)
{
	size_t to = *at;

	while (to < len && (value[to] == ' ' || value[to] == '\t'))
		to++;
	if (to == len || value[to] != ',')
		return false;
	for (to++; to < len && (value[to] == ' ' || value[to] == '\t');)
		to++;
	*at = to;
	return true;
}

/* ---- Joining -------------------------------------------------------------------------------- */

static bool are_near(const struct weft__http_part *one, const struct weft__http_part *next)
{
	return next->offset - (one->offset + one->len) < WEFT__HTTP_RANGES_GAP;
}

static void sort(struct weft__http_parts *parts)
{
	for (unsigned i = 1; i < parts->count; i++) {
		struct weft__http_part part = parts->parts[i];
		unsigned to = i;

		for (; to > 0 && parts->parts[to - 1].offset > part.offset; to--)
			parts->parts[to] = parts->parts[to - 1];
		parts->parts[to] = part;
	}
}

/* What overlaps would have the server send one byte many times over. */
static void join(struct weft__http_parts *parts)
{
	struct weft__http_parts sorted = *parts;
	unsigned count = 0;

	sort(&sorted);
	for (unsigned i = 0; i < sorted.count; i++) {
		struct weft__http_part *last = &sorted.parts[count ? count - 1 : 0];
		const struct weft__http_part *part = &sorted.parts[i];
		int64_t end = part->offset + part->len;

		if (count == 0 || !are_near(last, part))
			sorted.parts[count++] = *part;
		else if (end > last->offset + last->len)
			last->len = end - last->offset;
	}
	if (count == sorted.count)
		return; /* none was joined: the order is the peer's */
	sorted.count = count;
	*parts = sorted;
}

enum weft__http_range_result weft__http_range_parse(
	const char *value, size_t len, int64_t size, struct weft__http_parts *ret_parts)
{
	size_t at = 6;
	unsigned asked = 0;

	ret_parts->count = 0;
	if (len < 6 || !weft__http_equal_nocase(value, 6, "bytes="))
		return WEFT__HTTP_RANGE_NONE;
	do {
		struct weft__http_part part;
		enum spec spec = take_spec(value, len, size, &at, &part);

		if (spec == SPEC_BAD || ++asked > WEFT__HTTP_RANGES_MAX)
			return WEFT__HTTP_RANGE_NONE;
		if (spec == SPEC_PART)
			ret_parts->parts[ret_parts->count++] = part;
	} while (at < len && take_comma(value, len, &at));
	if (at != len)
		return WEFT__HTTP_RANGE_NONE;
	if (ret_parts->count == 0)
		return WEFT__HTTP_RANGE_UNSATISFIABLE;
	join(ret_parts);
	return WEFT__HTTP_RANGE_PARTS;
}
