/*
 * test_chunks.c - the chunked coding: bodies, however they are cut; and what is no such body.
 *
 * check: aarch64
 */
#include "http/chunks.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

/* Takes a body apart, at most piece bytes at a time. Its result; the data in ret_body. */
static enum weft__http_chunks_result take(
	const char *data, size_t len, size_t piece, char *ret_body, size_t *ret_used)
{
	struct weft__http_chunks chunks = {0};
	enum weft__http_chunks_result result = WEFT__HTTP_CHUNKS_MORE;
	size_t at = 0, body_len = 0;

	while (at < len && result != WEFT__HTTP_CHUNKS_END && result != WEFT__HTTP_CHUNKS_BAD) {
		size_t there = len - at < piece ? len - at : piece, used;

		result = weft__http_chunks_next(&chunks, data + at, there, &used);
		CHECK_INT(used, <=, there);
		at += used;
		if (result == WEFT__HTTP_CHUNKS_DATA && used < there) {
			size_t some = there - used;

			if (some > chunks.left)
				some = (size_t)chunks.left;
			memcpy(ret_body + body_len, data + at, some);
			weft__http_chunks_took(&chunks, some);
			body_len += some;
			at += some;
		}
	}
	ret_body[body_len] = '\0';
	*ret_used = at;
	return result;
}

static const struct {
	const char *coded, *body;
} good[] = {
	{"0\r\n\r\n", ""},
	{"5\r\nhello\r\n0\r\n\r\n", "hello"},
	{"00005\r\nhello\r\n000\r\n\r\n", "hello"},
	{"1\r\na\r\nA\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "a01234567890123456789"},
	{"5;name=value\r\nhello\r\n0;last\r\n\r\n", "hello"},
	{"5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n", "hello"},
	{"2\r\n\r\n\r\n0\r\n\r\n", "\r\n"},
	{"5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n"},
	{"1\r\nx\r\n0\r\nExpires: now\r\nX-Sum:\r\n\r\n", "x"},
};

CHECK_CASE(a_body_is_the_same_however_it_is_cut)
{
	char body[100];
	size_t used;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		for (size_t piece = 1; piece <= strlen(good[i].coded) + 5; piece++) {
			char data[200];

			/* What is behind it is the next request's. */
			snprintf(data, sizeof(data), "%sGET /", good[i].coded);
			CHECK_INT(take(data, strlen(data), piece, body, &used), ==,
				WEFT__HTTP_CHUNKS_END);
			CHECK_INT(used, ==, strlen(good[i].coded));
			CHECK_STR(body, good[i].body);
		}
}

CHECK_CASE(a_body_that_is_cut_off_has_no_end)
{
	char body[100];
	size_t used;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		for (size_t len = 0; len < strlen(good[i].coded); len++) {
			enum weft__http_chunks_result result =
				take(good[i].coded, len, len + 1, body, &used);

			CHECK(result == WEFT__HTTP_CHUNKS_MORE || result == WEFT__HTTP_CHUNKS_DATA);
		}
}

#define BAD_BODY(text)                 \
	{                              \
		text, sizeof(text) - 1 \
	}

static const struct {
	const char *data;
	size_t len;
} bad[] = {
	BAD_BODY("\r\n"),
	BAD_BODY("\n"),
	BAD_BODY(" 5\r\nhello\r\n0\r\n\r\n"),
	BAD_BODY("5 \r\nhello\r\n0\r\n\r\n"),
	BAD_BODY("5\t;a\r\nhello\r\n0\r\n\r\n"),
	BAD_BODY("+5\r\nhello\r\n0\r\n\r\n"),
	BAD_BODY("-5\r\nhello\r\n0\r\n\r\n"),
	BAD_BODY("0x5\r\nhello\r\n0\r\n\r\n"),
	BAD_BODY("5_0\r\nhello\r\n0\r\n\r\n"),
	BAD_BODY("g\r\n"),
	BAD_BODY("5\nhello\n0\n\n"),
	BAD_BODY("5\rhello"),
	BAD_BODY("5\r\rhello"),
	BAD_BODY("5\r\nhello\n0\r\n\r\n"),
	BAD_BODY("5\r\nhello0\r\n\r\n"),
	BAD_BODY("5\r\nhello!\r\n0\r\n\r\n"),
	BAD_BODY("5\r\nhello\r0\r\n\r\n"),
	BAD_BODY("5;a\nhello"),
	BAD_BODY("5;a\0b\r\nhello\r\n"),
	BAD_BODY("5;a\x7f\r\nhello\r\n"),
	BAD_BODY("0\r\n\n"),
	BAD_BODY("0\r\n\r\r"),
	BAD_BODY("0\r\nName : value\r\n\r\n"),
	BAD_BODY("0\r\n: value\r\n\r\n"),
	BAD_BODY("0\r\n folded\r\n\r\n"),
	BAD_BODY("0\r\nno colon\r\n\r\n"),
	BAD_BODY("0\r\nName\r\n\r\n"),
	BAD_BODY("0\r\nName: a\nOther: b\r\n\r\n"),
	BAD_BODY("0\r\nName: a\0b\r\n\r\n"),
	BAD_BODY("0\r\nGET / HTTP/1.1\r\n\r\n"),
	/* Sizes that wrap around: 60 bits are the most. */
	BAD_BODY("1000000000000000\r\n"),
	BAD_BODY("10000000000000005\r\nhello\r\n0\r\n\r\n"),
	BAD_BODY("ffffffffffffffffffff\r\n"),
	BAD_BODY("0000000000000005\r\nhello\r\n0\r\n\r\n"),
};

CHECK_CASE(what_could_be_read_in_two_ways_is_refused_however_it_is_cut)
{
	char body[100];
	size_t used;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		for (size_t piece = 1; piece <= bad[i].len; piece++)
			if (take(bad[i].data, bad[i].len, piece, body, &used) !=
				WEFT__HTTP_CHUNKS_BAD)
				check_fail(__FILE__, __LINE__, "taken, by %zu: %s", piece,
					bad[i].data);
}

/* A body of one chunk, then so many bytes of extension or trailer. */
static enum weft__http_chunks_result take_long(const char *before, size_t len, const char *behind)
{
	char *data = malloc(len + 100);
	char body[100];
	enum weft__http_chunks_result result;
	size_t used;

	memcpy(data, before, strlen(before));
	memset(data + strlen(before), 'x', len);
	memcpy(data + strlen(before) + len, behind, strlen(behind));
	result = take(data, strlen(before) + len + strlen(behind), 1000, body, &used);
	free(data);
	return result;
}

CHECK_CASE(extensions_and_trailers_are_bounded)
{
	CHECK_INT(take_long("0;", WEFT__HTTP_EXTENSIONS_MAX - 1, "\r\n\r\n"), ==,
		WEFT__HTTP_CHUNKS_END);
	CHECK_INT(
		take_long("0;", WEFT__HTTP_EXTENSIONS_MAX, "\r\n\r\n"), ==, WEFT__HTTP_CHUNKS_BAD);
	CHECK_INT(take_long("0\r\nA:", WEFT__HTTP_TRAILERS_MAX - 3, "\r\n\r\n"), ==,
		WEFT__HTTP_CHUNKS_END);
	CHECK_INT(take_long("0\r\nA:", WEFT__HTTP_TRAILERS_MAX - 2, "\r\n\r\n"), ==,
		WEFT__HTTP_CHUNKS_BAD);
}

CHECK_MAIN()
