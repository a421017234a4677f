/*
 * test_pack.c - base/pack against Python's vectors, hostile formats and its own promises.
 *
 * check: valgrind aarch64
 */
#include "weft/pack.h"
#include "base/pack.h"

#include <limits.h>
#include <math.h>

#include "base/prng.h"
#include "check.h"

/* ---- Vectors made by Python ------------------------------------------------------------ */

#define VALUES_MAX 16
#define BYTES_MAX  512

struct vector {
	const char *format, *values, *bytes, *back;
};

/* clang-format off */
static const struct vector vectors[] = {
#include "base/vectors/pack.inc"
};
/* clang-format on */
#define VECTOR_COUNT (sizeof(vectors) / sizeof(vectors[0]))

static size_t parse_hex(const char *hex, size_t len, unsigned char *ret_bytes)
{
	for (size_t i = 0; i < len / 2; i++) {
		char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
		ret_bytes[i] = (unsigned char)strtoul(pair, NULL, 16);
	}
	return len / 2;
}

/* Reads values as make_pack_vectors.py shows them; texts go to the store. */
static size_t parse_values(
	const char *text, union weft_pack_value *ret_values, unsigned char *store)
{
	size_t count = 0;

	while (*text) {
		union weft_pack_value *value = &ret_values[count++];
		size_t len = strcspn(text, " ") - 2;

		CHECK_INT(count, <=, VALUES_MAX);
		if (text[0] == 'i')
			value->i = strtoll(text + 2, NULL, 10);
		else if (text[0] == 'u')
			value->u = strtoull(text + 2, NULL, 10);
		else if (text[0] == 'd')
			value->d = strtod(text + 2, NULL);
		else {
			value->text.data = store;
			value->text.len = parse_hex(text + 2, len, store);
			store += value->text.len;
		}
		text += 2 + len;
		text += *text == ' ';
	}
	return count;
}

static const char *shown_back(const struct vector *vector)
{
	return strcmp(vector->back, "=") == 0 ? vector->values : vector->back;
}

static bool is_text(const char *shown, size_t index)
{
	while (index-- > 0)
		shown = strchr(shown, ' ') + 1;
	return *shown == 't';
}

static bool is_real(const char *shown, size_t index)
{
	while (index-- > 0)
		shown = strchr(shown, ' ') + 1;
	return *shown == 'd';
}

static void check_same(const struct vector *vector, size_t index, const union weft_pack_value *got,
	const union weft_pack_value *want)
{
	bool same;

	if (is_text(shown_back(vector), index))
		same = got->text.len == want->text.len &&
		       memcmp(got->text.data, want->text.data, got->text.len) == 0;
	else if (is_real(shown_back(vector), index) && isnan(want->d))
		same = isnan(got->d);
	else
		same = got->u == want->u;
	if (!same)
		check_fail(__FILE__, __LINE__, "\"%s\" of %s: value %zu is %llx, not %llx",
			vector->format, vector->bytes, index, (unsigned long long)got->u,
			(unsigned long long)want->u);
}

static void check_vector(const struct vector *vector)
{
	union weft_pack_value values[VALUES_MAX], back[VALUES_MAX], got[VALUES_MAX];
	unsigned char texts[BYTES_MAX], back_texts[BYTES_MAX], want[BYTES_MAX], buffer[BYTES_MAX];
	struct weft_pack_format *format = weft_pack_compile(vector->format, NULL);
	size_t count = parse_values(vector->values, values, texts);
	size_t size;

	CHECK(format);
	CHECK_INT(weft_pack_format_values(format), ==, count);
	memset(buffer, 0x5a, sizeof(buffer));
	if (strcmp(vector->bytes, "range") == 0) {
		CHECK_ERRNO(
			weft_pack_values(format, buffer, sizeof(buffer), values, count), ERANGE);
		CHECK_INT(buffer[0], ==, 0x5a);
		weft_pack_format_free(format);
		return;
	}
	size = parse_hex(vector->bytes, strlen(vector->bytes), want);
	CHECK_INT(weft_pack_size(vector->format), ==, size);
	CHECK_INT(weft_pack_values(format, buffer, size, values, count), ==, size);
	if (memcmp(buffer, want, size) != 0)
		check_fail(__FILE__, __LINE__, "\"%s\" of %s is not %s", vector->format,
			vector->values, vector->bytes);
	CHECK_INT(buffer[size], ==, 0x5a);
	CHECK_INT(parse_values(shown_back(vector), back, back_texts), ==, count);
	CHECK_INT(weft_unpack_values(format, want, size, got, count), ==, size);
	for (size_t i = 0; i < count; i++)
		check_same(vector, i, &got[i], &back[i]);
	weft_pack_format_free(format);
}

CHECK_CASE(every_letter_and_mark_packs_and_unpacks_as_in_python)
{
	size_t checked = 0;

	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		if (strcmp(vectors[i].bytes, "format") == 0)
			continue;
		check_vector(&vectors[i]);
		checked++;
	}
	CHECK_INT(checked, >, 1000);
}

CHECK_CASE(formats_that_python_refuses_are_refused_with_a_reason)
{
	size_t checked = 0;

	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		struct weft_pack_error error;

		if (strcmp(vectors[i].bytes, "format") != 0)
			continue;
		CHECK_ERRNO(weft_pack_size(vectors[i].format), EINVAL);
		CHECK_ERRNO(weft_pack_compile(vectors[i].format, &error), EINVAL);
		CHECK(error.fault != WEFT_PACK_OK);
		CHECK_INT(error.position, <=, strlen(vectors[i].format));
		CHECK(error.message[0] && error.message[strlen(error.message) - 1] == '.');
		checked++;
	}
	CHECK_INT(checked, >, 30);
}

/* ---- Hostile formats --------------------------------------------------------------------- */

struct hostile {
	const char *format;
	enum weft_pack_fault fault;
	size_t position;
	const char *message;
};

static const struct hostile hostiles[] = {
	{"<hz", WEFT_PACK_BAD_LETTER, 2, "There is no format letter 'z', as at byte 2."},
	{"3 i", WEFT_PACK_BAD_LETTER, 1, "There is no format letter '\\x20', as at byte 1."},
	{"h\x1b[2J", WEFT_PACK_BAD_LETTER, 1, "There is no format letter '\\x1b', as at byte 1."},
	{"h\xff", WEFT_PACK_BAD_LETTER, 1, "There is no format letter '\\xff', as at byte 1."},
	{"%n", WEFT_PACK_BAD_LETTER, 0, "There is no format letter '%', as at byte 0."},
	{"<hn", WEFT_PACK_BAD_LETTER, 2,
		"The letter 'n' at byte 2 has no standard size: it needs '@'."},
	{"i 12", WEFT_PACK_LETTER_MISSING, 4,
		"The format ends at byte 4, after a count without a letter."},
	{"9223372036854775807bb", WEFT_PACK_TOO_LARGE, 20,
		"Up to the letter at byte 20 the format takes over 9223372036854775807 bytes."},
	{"9223372036854775807b0i", WEFT_PACK_TOO_LARGE, 21, NULL},
	{"2305843009213693952i", WEFT_PACK_TOO_LARGE, 19, NULL},
	{"9223372036854775808x", WEFT_PACK_TOO_LARGE, 18, NULL},
	{"18446744073709551617b", WEFT_PACK_TOO_LARGE, 19, NULL},
	{"340282366920938463463374607431768211457s", WEFT_PACK_TOO_LARGE, 19, NULL},
};

CHECK_CASE(hostile_formats_get_a_typed_error_its_place_and_a_sentence)
{
	for (size_t i = 0; i < sizeof(hostiles) / sizeof(hostiles[0]); i++) {
		const struct hostile *hostile = &hostiles[i];
		struct weft_pack_error error;

		CHECK_ERRNO(weft_pack_explain(hostile->format, &error), EINVAL);
		CHECK_INT(error.fault, ==, hostile->fault);
		CHECK_INT(error.position, ==, hostile->position);
		if (hostile->message)
			CHECK_STR(error.message, hostile->message);
	}
}

CHECK_CASE(huge_counts_cost_no_memory_and_no_time)
{
	static const char huge[] = "99999999999i 9999999999999999x 1000000000000d";
	struct weft_pack_format *format = weft_pack_compile(huge, NULL);
	union weft_pack_value value = {.u = 0};
	unsigned char byte = 1;

	CHECK(format);
	CHECK_INT(weft_pack_format_values(format), ==, 1099999999999);
	CHECK_ERRNO(weft_pack(&byte, 1, huge), EMSGSIZE);
	CHECK_ERRNO(weft_unpack(&byte, 1, huge), EMSGSIZE);
	CHECK_ERRNO(weft_pack_values(format, &byte, 1, &value, 1), EINVAL);
	CHECK_ERRNO(weft_unpack_values(format, &byte, 1, &value, 1099999999999), EMSGSIZE);
	weft_pack_format_free(format);
}

CHECK_CASE(a_format_is_at_most_so_long)
{
	static char format[WEFT_PACK_FORMAT_MAX + 2];
	static const char fillers[] = " bx0123?";
	struct weft_pack_error error;

	memset(format, 'b', WEFT_PACK_FORMAT_MAX);
	CHECK_INT(weft_pack_size(format), ==, WEFT_PACK_FORMAT_MAX);
	for (const char *filler = fillers; *filler; filler++) {
		memset(format, *filler, WEFT_PACK_FORMAT_MAX + 1);
		CHECK_ERRNO(weft_pack_explain(format, &error), EINVAL);
		if (*filler < '1' || *filler > '3')
			CHECK_INT(error.fault, ==, WEFT_PACK_FORMAT_TOO_LONG);
	}
}

/* ---- The variadic form ---------------------------------------------------------------------- */

CHECK_CASE(what_weft_pack_packs_weft_unpack_unpacks)
{
	static const char format[] = "<c?bBhHiIlLqQefd3s4p";
	unsigned char bytes[128];
	char letter, text[3], pascal[3];
	bool truth;
	signed char b;
	unsigned char ub;
	short h;
	unsigned short uh;
	int i;
	unsigned ui;
	long l;
	unsigned long ul;
	long long q;
	unsigned long long uq;
	float e, f;
	double d;
	size_t pascal_len = 99;
	ssize_t size = weft_pack(bytes, sizeof(bytes), format, 'w', 7, -128, 255, -32768, 65535,
		INT_MIN, UINT_MAX, (long)INT_MIN, (unsigned long)UINT_MAX, LLONG_MIN, ULLONG_MAX,
		-0.5, 1.5, 0.1, "weft", (size_t)4, "ab", (size_t)2);

	CHECK_INT(size, ==, weft_pack_size(format));
	CHECK_INT(weft_unpack(bytes, (size_t)size, format, &letter, &truth, &b, &ub, &h, &uh, &i,
			  &ui, &l, &ul, &q, &uq, &e, &f, &d, text, pascal, &pascal_len),
		==, size);
	CHECK(letter == 'w' && truth && b == -128 && ub == 255 && h == -32768 && uh == 65535);
	CHECK(i == INT_MIN && ui == UINT_MAX && l == INT_MIN && ul == UINT_MAX);
	CHECK(q == LLONG_MIN && uq == ULLONG_MAX && e == -0.5F && f == 1.5F && d == 0.1);
	CHECK_MEM(text, "wef", 3);
	CHECK_MEM(pascal, "ab", 2);
	CHECK_INT(pascal_len, ==, 2);
}

CHECK_CASE(native_letters_have_the_layout_of_a_c_struct)
{
	struct {
		char c;
		short h;
		void *p;
		bool b;
		long l;
		char tail;
		double d;
		ssize_t n;
		size_t big_n;
		char last;
	} got, want = {'x', -2, &want, true, -3, 'y', 2.5, -4, 5, 'z'};
	static const char format[] = "@chP?lcdnNc0P";

	memset(&got, 0x77, sizeof(got));
	CHECK_INT(weft_pack_size(format), ==, sizeof(want));
	CHECK_INT(weft_pack(&got, sizeof(got), format, 'x', -2, (void *)&want, true, -3L, 'y', 2.5,
			  (ssize_t)-4, (size_t)5, 'z'),
		==, sizeof(want));
	CHECK(got.c == 'x' && got.h == -2 && got.p == &want && got.b && got.l == -3);
	CHECK(got.tail == 'y' && got.d == 2.5 && got.n == -4 && got.big_n == 5 && got.last == 'z');
	CHECK_INT(((unsigned char *)&got)[1], ==, 0); /* alignment is cleared */
}

CHECK_CASE(a_number_out_of_range_is_erange_and_writes_nothing)
{
	unsigned char bytes[16];

	memset(bytes, 0xee, sizeof(bytes));
	CHECK_ERRNO(weft_pack(bytes, sizeof(bytes), "!HB", 1, 256), ERANGE);
	CHECK_ERRNO(weft_pack(bytes, sizeof(bytes), "!HB", 1, -1), ERANGE);
	CHECK_ERRNO(weft_pack(bytes, sizeof(bytes), "!Hb", 1, 128), ERANGE);
	CHECK_ERRNO(weft_pack(bytes, sizeof(bytes), "!Hh", 1, -32769), ERANGE);
	CHECK_ERRNO(weft_pack(bytes, sizeof(bytes), "!Hc", 1, 256), ERANGE);
	CHECK_ERRNO(weft_pack(bytes, sizeof(bytes), "<bl", 1, 1L << 31), ERANGE);
	CHECK_ERRNO(weft_pack(bytes, sizeof(bytes), "<bL", 1, 1UL << 32), ERANGE);
	CHECK_ERRNO(weft_pack(bytes, sizeof(bytes), "!He", 1, 65520.0), ERANGE);
	CHECK_ERRNO(weft_pack(bytes, sizeof(bytes), "!Hf", 1, 1e39), ERANGE);
	for (size_t i = 0; i < sizeof(bytes); i++)
		CHECK_INT(bytes[i], ==, 0xee);
}

CHECK_CASE(a_buffer_of_the_wrong_length_is_emsgsize_and_touches_nothing)
{
	unsigned char bytes[9];
	unsigned number = 42;
	unsigned short small = 43;

	memset(bytes, 0xee, sizeof(bytes));
	CHECK_ERRNO(weft_pack(bytes, 5, "!HI", 1, 2), EMSGSIZE);
	CHECK_ERRNO(weft_unpack(bytes, 5, "!HI", &small, &number), EMSGSIZE);
	CHECK_ERRNO(weft_unpack(bytes, 7, "!HI", &small, &number), EMSGSIZE);
	CHECK_INT(number, ==, 42);
	CHECK_INT(small, ==, 43);
	CHECK_INT(bytes[0], ==, 0xee);
	CHECK_INT(weft_pack(bytes, sizeof(bytes), "!HI", 1, 2), ==, 6);
	CHECK_INT(bytes[6], ==, 0xee);
}

CHECK_CASE(a_compiled_format_takes_exactly_its_values_and_bytes)
{
	struct weft_pack_format *format = weft_pack_compile("!HI", NULL);
	union weft_pack_value values[3] = {{.u = 1}, {.u = 2}, {.u = 3}};
	unsigned char bytes[9];

	memset(bytes, 0xee, sizeof(bytes));
	CHECK_ERRNO(weft_pack_values(format, bytes, 5, values, 2), EMSGSIZE);
	CHECK_ERRNO(weft_pack_values(format, bytes, 9, values, 1), EINVAL);
	CHECK_ERRNO(weft_pack_values(format, bytes, 9, values, 3), EINVAL);
	CHECK_ERRNO(weft_unpack_values(format, bytes, 5, values, 2), EMSGSIZE);
	CHECK_ERRNO(weft_unpack_values(format, bytes, 7, values, 2), EMSGSIZE);
	CHECK_ERRNO(weft_unpack_values(format, bytes, 6, values, 3), EINVAL);
	CHECK(values[0].u == 1 && values[1].u == 2 && bytes[0] == 0xee);
	CHECK_INT(weft_pack_values(format, bytes, 9, values, 2), ==, 6);
	CHECK_INT(bytes[6], ==, 0xee);
	weft_pack_format_free(format);
}

CHECK_CASE(an_empty_format_takes_no_bytes_and_no_buffer)
{
	CHECK_INT(weft_pack(NULL, 0, ""), ==, 0);
	CHECK_INT(weft_unpack(NULL, 0, "<"), ==, 0);
	CHECK_INT(weft_pack_size(" \t"), ==, 0);
}

/* ---- Compiled formats ----------------------------------------------------------------------- */

CHECK_CASE(a_misfit_is_explained_with_its_index_and_range)
{
	struct weft_pack_format *format = weft_pack_compile("!2H2hb e", NULL);
	union weft_pack_value values[6] = {{.u = 1}, {.u = 2}, {.i = 3}, {.i = -40000}, {.i = 0}};
	struct weft_pack_error error;

	values[5].d = 1.0;
	CHECK_ERRNO(weft_pack_check(format, values, 6, &error), ERANGE);
	CHECK_INT(error.fault, ==, WEFT_PACK_OUT_OF_RANGE);
	CHECK_INT(error.value, ==, 3);
	CHECK_INT(error.position, ==, 4);
	CHECK_STR(error.message, "Value 3: -40000 is not from -32768 to 32767, as 'h' needs.");
	values[3].i = 4;
	CHECK_INT(weft_pack_check(format, values, 6, &error), ==, 0);
	values[1].u = 65536;
	CHECK_ERRNO(weft_pack_check(format, values, 6, &error), ERANGE);
	CHECK_STR(error.message, "Value 1: 65536 is not from 0 to 65535, as 'H' needs.");
	values[1].u = 0;
	values[5].d = 1e9;
	CHECK_ERRNO(weft_pack_check(format, values, 6, &error), ERANGE);
	CHECK_STR(error.message, "Value 5: 1e+09 is too large for 'e'.");
	CHECK_ERRNO(weft_pack_check(format, values, 5, &error), EINVAL);
	CHECK_STR(error.message, "The format takes 6 values, not 5.");
	weft_pack_format_free(format);
}

CHECK_CASE(iterating_gives_every_record_and_then_the_end)
{
	static const unsigned char bytes[] = {0, 1, 0xff, 0, 2, 0xfe, 0, 3, 0xfd};
	struct weft_pack_format *format = weft_pack_compile("!Hb", NULL);
	union weft_pack_value values[2];
	struct weft_unpack_iter iter;

	CHECK_INT(weft_unpack_iter_init(&iter, format, bytes, sizeof(bytes)), ==, 0);
	CHECK_ERRNO(weft_unpack_iter_next(&iter, values, 1), EINVAL);
	for (int i = 1; i <= 3; i++) {
		CHECK_INT(weft_unpack_iter_next(&iter, values, 2), ==, 1);
		CHECK_INT(values[0].u, ==, i);
		CHECK_INT(values[1].i, ==, -i);
	}
	CHECK_INT(weft_unpack_iter_next(&iter, values, 2), ==, 0);
	CHECK_INT(weft_unpack_iter_next(&iter, values, 2), ==, 0);
	CHECK_ERRNO(weft_unpack_iter_init(&iter, format, bytes, 8), EMSGSIZE);
	CHECK_INT(weft_unpack_iter_init(&iter, format, NULL, 0), ==, 0);
	CHECK_INT(weft_unpack_iter_next(&iter, values, 2), ==, 0);
	weft_pack_format_free(format);
	format = weft_pack_compile("0i", NULL);
	CHECK_ERRNO(weft_unpack_iter_init(&iter, format, bytes, 8), EINVAL);
	weft_pack_format_free(format);
}

CHECK_CASE(equal_letters_in_a_row_are_one_run_whatever_way_they_are_written)
{
	struct weft_pack_format *format = weft_pack_compile("<I2IxI II", NULL);
	union weft_pack_value values[6], back[6];
	unsigned char bytes[25];

	CHECK_INT(format->op_count, ==, 2);
	for (unsigned i = 0; i < 6; i++)
		values[i].u = 0x01020304 + i;
	CHECK_INT(weft_pack_values(format, bytes, sizeof(bytes), values, 6), ==, 25);
	CHECK_INT(bytes[12], ==, 0);
	CHECK_INT(bytes[13], ==, 0x07);
	CHECK_INT(weft_unpack_values(format, bytes, 25, back, 6), ==, 25);
	for (unsigned i = 0; i < 6; i++)
		CHECK_INT(back[i].u, ==, values[i].u);
	weft_pack_format_free(format);
}

/* ---- Random formats
 * ------------------------------------------------------------------------------ */

/* A random format of up to 12 letters over small counts. */
static void random_format(struct prng *prng, char *ret_format)
{
	static const char marks[] = "@=<>!", letters[] = "xcbB?hHiIlLqQefdspnNP";
	char *at = ret_format;

	if (prng_below(prng, 6) > 0)
		*at++ = marks[prng_below(prng, 5)];
	for (uint64_t left = prng_below(prng, 13); left > 0; left--) {
		bool is_native = ret_format[0] == '@' || !strchr(marks, ret_format[0]);

		if (prng_below(prng, 4) == 0)
			*at++ = " \t\n"[prng_below(prng, 3)];
		if (prng_below(prng, 2) == 0)
			at += snprintf(at, 8, "%u", (unsigned)prng_below(prng, 20));
		*at++ = letters[prng_below(prng, sizeof(letters) - 1 - (is_native ? 0 : 3))];
	}
	*at = '\0';
}

CHECK_CASE(unpacked_bytes_of_random_formats_pack_to_the_same_bytes)
{
	struct prng prng = {20};
	unsigned rounds = check_rounds(20000);
	char text[256];

	for (unsigned round = 0; round < rounds; round++) {
		struct weft_pack_format *format;
		union weft_pack_value values[256], again[256];
		unsigned char bytes[4096], packed[4096], packed_again[4096];
		size_t size, count;

		random_format(&prng, text);
		format = weft_pack_compile(text, NULL);
		CHECK(format);
		size = weft_pack_format_size(format);
		count = weft_pack_format_values(format);
		CHECK(size < sizeof(bytes) && count <= 256);
		for (size_t i = 0; i < size; i++)
			bytes[i] = (unsigned char)prng_next(&prng);
		CHECK_INT(weft_unpack_values(format, bytes, size, values, count), ==, size);
		CHECK_INT(weft_pack_values(format, packed, size, values, count), ==, size);
		CHECK_INT(weft_unpack_values(format, packed, size, again, count), ==, size);
		CHECK_INT(weft_pack_values(format, packed_again, size, again, count), ==, size);
		CHECK_MEM(packed, packed_again, size); /* pads, `?` and NaN settle in one turn */
		weft_pack_format_free(format);
	}
}

CHECK_MAIN()
