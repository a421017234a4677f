/*
 * test_coding.c - tests src/http/coding.c and compress.c: what Accept-Encoding asks for, which
 * types are worth it, and that what is compressed comes out again.
 */
#include "http/coding.h"

#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "http/compress.h"
#include "weft/fiber.h"

static const struct {
	const char *value;
	int brotli, gzip, identity;
} rows[] = {
	/* An empty field wants nothing but what is there. */
	{"", 0, 0, 1},
	{"  \t ", 0, 0, 1},
	{",,, ,", 0, 0, 1},
	{"gzip", 0, 1000, 1},
	{"GZip", 0, 1000, 1},
	{"x-gzip", 0, 1000, 1},
	{"br", 1000, 0, 1},
	{"gzip, deflate, br", 1000, 1000, 1},
	{"gzip, deflate, br, zstd", 1000, 1000, 1},
	{"gzip,deflate,br", 1000, 1000, 1},
	{"\tgzip\t,\tbr\t", 1000, 1000, 1},
	{"gzip;q=1.0, identity; q=0.5, *;q=0", 0, 1000, 500},
	{"compress;q=0.5, gzip;q=1.0", 0, 1000, 1},
	{"*", 1000, 1000, 1000},
	{"*;q=0", 0, 0, 0},
	{"*;q=0, identity", 0, 0, 1000},
	{"identity;q=1, *;q=0", 0, 0, 1000},
	{"identity;q=0", 0, 0, 0},
	{"identity;q=0, br", 1000, 0, 0},
	{"*;q=0.3, gzip;q=0", 300, 0, 300},
	{"br;q=0.001", 1, 0, 1},
	{"br;q=0.9, gzip;q=0.95", 900, 950, 1},
	{"br;q=0.25;q=1", 0, 0, 1}, /* no such parameter */
	{"br ; q=0.25", 250, 0, 1},
	{"br;Q=0.25", 250, 0, 1},
	{"br;q=1.000", 1000, 0, 1},
	{"br;q=0.", 0, 0, 1},
	{"br;q=1.", 1000, 0, 1},
	{"br;q=0", 0, 0, 1},
	{"br;q=0.000", 0, 0, 1},
	/* What can't be read of a coding is no wish for it, and of the rest it is nothing. */
	{"br;q=1.001", 0, 0, 1},
	{"br;q=2", 0, 0, 1},
	{"br;q=-1", 0, 0, 1},
	{"br;q=0.1234", 0, 0, 1},
	{"br;q=.5", 0, 0, 1},
	{"br;q=", 0, 0, 1},
	{"br;q", 0, 0, 1},
	{"br;", 0, 0, 1},
	{"br;x=1", 0, 0, 1},
	{"br=1", 0, 0, 1},
	{"br gzip", 0, 0, 1},
	{"br/1.1", 0, 0, 1},
	{"\"br\"", 0, 0, 1},
	{"br;q=x, *", 0, 1000, 1000},
	{"identity;q=x", 0, 0, 1},
	{"*;q=x", 0, 0, 1},
	{"brr, b, gzip2, gzi", 0, 0, 1},
	{"; q=1", 0, 0, 1},
	/* Of two words the lower one holds. */
	{"br, br;q=0", 0, 0, 1},
	{"br;q=0, br", 0, 0, 1},
	{"gzip;q=0.5, x-gzip;q=0.7", 0, 500, 1},
	{"*;q=0.5, *;q=0.1", 100, 100, 100},
};

static struct weft__http_wanted take(const char *value, size_t len)
{
	struct weft__http_wanted wanted;

	weft__http_wanted_init(&wanted);
	weft__http_wanted_take(&wanted, value, len);
	return wanted;
}

CHECK_CASE(each_coding_is_wanted_as_the_field_says)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *value = rows[i].value;
		struct weft__http_wanted wanted = take(value, strlen(value));
		int brotli = weft__http_wanted_quality(&wanted, WEFT__HTTP_BROTLI);
		int gzip = weft__http_wanted_quality(&wanted, WEFT__HTTP_GZIP);
		int identity = weft__http_wanted_quality(&wanted, WEFT__HTTP_IDENTITY);

		if (brotli != rows[i].brotli || gzip != rows[i].gzip ||
			identity != rows[i].identity)
			check_fail(__FILE__, __LINE__, "\"%s\": %d, %d and %d", value, brotli, gzip,
				identity);
	}
}

CHECK_CASE(several_fields_are_one_list)
{
	struct weft__http_wanted one = take("gzip;q=0.5, br;q=0, *;q=0.1", 27), more;

	more = take("gzip;q=0.5", 10);
	weft__http_wanted_take(&more, "br;q=0", 6);
	weft__http_wanted_take(&more, "*;q=0.1", 7);
	CHECK_INT(memcmp(&one, &more, sizeof(one)), ==, 0);
}

/* Each value alone in its memory, so that valgrind and ASan see a step too far. */
CHECK_CASE(nothing_past_the_value_is_read)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t len = 0; len <= strlen(rows[i].value); len++) {
			char *value = malloc(len ? len : 1);

			CHECK(value != NULL);
			memcpy(value, rows[i].value, len);
			take(value, len);
			free(value);
		}
}

CHECK_CASE(text_is_compressed_and_what_is_packed_already_is_not)
{
	static const char *const yes[] = {"text/html; charset=utf-8", "text/plain",
		"application/json", "application/geo+json", "image/svg+xml", "application/wasm",
		"application/rss+xml; charset=utf-8", "text/javascript", "font/ttf", "image/bmp"};
	static const char *const no[] = {"image/png", "image/jpeg", "application/gzip",
		"application/zip", "video/mp4", "application/octet-stream", "font/woff2", "",
		"application/jsonx", "application/x", "+json", "textual/plain"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		if (!weft__http_type_compresses(yes[i]))
			check_fail(__FILE__, __LINE__, "%s is", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (weft__http_type_compresses(no[i]))
			check_fail(__FILE__, __LINE__, "%s is not", no[i]);
}

/* Longest text of the tests below, in bytes. */
#define TEXT_LEN 100000

CHECK_CASE(what_is_compressed_is_smaller_and_the_same_each_time)
{
	static char data[TEXT_LEN], once[TEXT_LEN], twice[TEXT_LEN];
	struct weft_http_text text = {data, sizeof(data)};

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = "the quick brown fox\n"[(i + i / 1000) % 20];
	for (int i = 0; i < WEFT__HTTP_CODING_COUNT; i++) {
		enum weft__http_coding coding = (enum weft__http_coding)i;
		ssize_t len;

		if (!weft__http_can_compress(coding))
			continue;
		len = weft__http_compress(coding, &text, once, sizeof(once));
		CHECK_INT(len, >, 0);
		CHECK_INT(len, <, TEXT_LEN / 10);
		CHECK_INT(weft__http_compress(coding, &text, twice, sizeof(twice)), ==, len);
		CHECK_INT(memcmp(once, twice, (size_t)len), ==, 0);
		/* Not a byte more than there is room for. */
		CHECK_ERRNO(weft__http_compress(coding, &text, once, (size_t)len - 1), EMSGSIZE);
	}
}

CHECK_CASE(what_is_random_does_not_fit)
{
	static char data[TEXT_LEN], room[TEXT_LEN];
	uint64_t state = 1;
	struct weft_http_text text = {data, sizeof(data)};

	for (size_t i = 0; i < sizeof(data); i++) {
		state = state * 6364136223846793005 + 1442695040888963407;
		data[i] = (char)(state >> 56);
	}
	for (int i = 0; i < WEFT__HTTP_CODING_COUNT; i++)
		if (weft__http_can_compress((enum weft__http_coding)i))
			CHECK_ERRNO(weft__http_compress((enum weft__http_coding)i, &text, room,
					    TEXT_LEN - TEXT_LEN / 8),
				EMSGSIZE);
}

CHECK_CASE(what_this_build_lacks_is_said)
{
	char room[16];

	CHECK(!weft__http_can_compress(WEFT__HTTP_IDENTITY));
	CHECK_ERRNO(weft__http_compress(WEFT__HTTP_IDENTITY, &(struct weft_http_text){"x", 1}, room,
			    sizeof(room)),
		ENOTSUP);
}

CHECK_MAIN()
