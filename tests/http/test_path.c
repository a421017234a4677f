/*
 * test_path.c - tests src/http/path.c: paths are decoded once, and never lead upwards.
 */
#include "check.h"

#include "base/prng.h"
#include "http/path.h"

static const char *decode(const char *encoded, char *ret_path)
{
	size_t len = 0;
	const char *why = weft__http_path_decode(encoded, strlen(encoded), ret_path, &len);

	if (!why)
		CHECK_INT(len, ==, strlen(ret_path));
	return why;
}

CHECK_CASE(good_paths_are_decoded_once)
{
	static const struct {
		const char *encoded, *path;
	} good[] = {
		{"/", "/"},
		{"//", "/"},
		{"/a", "/a"},
		{"/a/", "/a/"},
		{"/a//b///", "/a/b/"},
		{"//evil.example/", "/evil.example/"},
		{"/a%20b", "/a b"},
		{"/%41%5a%5A", "/AZZ"},
		{"/%2541", "/%41"},
		{"/%252e%252e/", "/%2e%2e/"},
		{"/%C3%A9", "/\xc3\xa9"},
		{"/a+b", "/a+b"},
		{"/...", "/..."},
		{"/a..", "/a.."},
		{"/..a", "/..a"},
		{"/%5c..%5c", "/\\..\\"},
		{"/%0a", "/\n"},
	};
	char path[64];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK(!decode(good[i].encoded, path));
		CHECK_STR(path, good[i].path);
	}
}

CHECK_CASE(bad_paths_are_refused)
{
	static const char *const bad[] = {"/..", "/../", "/../etc/passwd", "/a/../b", "/a/..",
		"/%2e%2e", "/%2E./x", "/.%2e", "//..", "/a%2f..", "/a%2Fb", "/%2f", "/%00", "/a%00",
		"/%", "/%4", "/%zz", "/%4g", "/a%", "/%%41"};
	char path[64];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!decode(bad[i], path))
			check_fail(__FILE__, __LINE__, "\"%s\" passed as \"%s\"", bad[i], path);
}

CHECK_CASE(hidden_names_are_seen_wherever_they_stand)
{
	CHECK(weft__http_path_is_hidden("/.git"));
	CHECK(weft__http_path_is_hidden("/a/.b/c"));
	CHECK(weft__http_path_is_hidden("/."));
	CHECK(weft__http_path_is_hidden("/..."));
	CHECK(!weft__http_path_is_hidden("/"));
	CHECK(!weft__http_path_is_hidden("/a.b/c.d"));
}

/* Whatever comes in: what passes has no "..", no empty segment and no NUL, and is no longer. */
CHECK_CASE(random_paths_keep_the_promises)
{
	static const char alphabet[] = "/.%2eEfF05c\\a";
	struct prng prng = {2};

	for (unsigned i = 0; i < check_rounds(200000); i++) {
		char encoded[25] = "/", path[sizeof(encoded)];
		size_t len = 1 + prng_below(&prng, sizeof(encoded) - 2), path_len;

		for (size_t at = 1; at < len; at++)
			encoded[at] = alphabet[prng_below(&prng, sizeof(alphabet) - 1)];
		if (weft__http_path_decode(encoded, len, path, &path_len))
			continue;
		CHECK_INT(path_len, <=, len);
		CHECK_INT(strlen(path), ==, path_len);
		CHECK(path[0] == '/');
		CHECK(!strstr(path, "//"));
		CHECK(!strstr(path, "/../"));
		CHECK(path_len < 3 || strcmp(path + path_len - 3, "/..") != 0);
	}
}

CHECK_CASE(a_refusal_says_which_escape_is_meant)
{
	char path[64];

	CHECK(strstr(decode("/a%2fb", path), "slash"));
	CHECK(strstr(decode("/a%2Fb", path), "slash"));
	CHECK(strstr(decode("/a%00", path), "zero byte"));
	CHECK(strstr(decode("/a%2", path), "no byte"));
	CHECK(strstr(decode("/a%g0", path), "no byte"));
}

CHECK_MAIN()
