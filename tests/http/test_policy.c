/*
 * test_policy.c - tests src/http/policy.c and disposition.c: what the options of shared files
 * mean, and which can't be meant.
 */
#include "http/policy.h"

#include <errno.h>

#include "check.h"
#include "http/disposition.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

CHECK_CASE(a_pattern_is_of_any_length_and_never_slow)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} globs[] = {{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "anything", true},
		{"a", "a", true}, {"a", "A", false}, {"?", "", false}, {"?", "a", true},
		{"*.css", "a.css", true}, {"*.css", ".css", true}, {"*.css", "a.cssx", false},
		{"a*b*c", "aXbYc", true}, {"a*b*c", "abc", true}, {"a*b*c", "acb", false},
		{"a*b", "aXbXb", true}, {"**a**", "xax", true}, {"a?c*", "abcd", true},
		{"*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
		{"assets/*", "assets/js/app.js", true}, {"[a]", "a", false}, {"\\*", "*", false}};

	for (size_t i = 0; i < sizeof(globs) / sizeof(*globs); i++)
		if (weft__http_glob(globs[i].pattern, globs[i].text) != globs[i].matches)
			check_fail(__FILE__, __LINE__, "\"%s\" and \"%s\"", globs[i].pattern,
				globs[i].text);
}

CHECK_CASE(a_hash_in_a_name_is_told_from_words_and_dates)
{
	static const char *const yes[] = {"app.3f9a1c07.js", "index-BgQk3h2M.js",
		"a.3f9a1c07.b.css", "main_0123456789abcdef.css", "x-1a2b3c4d5e6f.min.js"};
	static const char *const no[] = {"app.js", "3f9a1c07", "3f9a1c07.js", "photo-20240101.jpg",
		"a-description.txt", "app.3f9a1c0.js", "notes.3f9a1c07", "", ".", "...", "-_.",
		"a-12345678.txt"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		if (!weft__http_is_hashed_name(yes[i]))
			check_fail(__FILE__, __LINE__, "%s holds one", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (weft__http_is_hashed_name(no[i]))
			check_fail(__FILE__, __LINE__, "%s holds none", no[i]);
}

static bool is_good(struct weft_http_files_options options)
{
	char fault[WEFT_HTTP_FILES_FAULT_MAX] = "";
	bool result = weft_http_files_options_check(&options, fault);
	struct weft__http_policy *policy;

	CHECK((fault[0] == '\0') == result);
	errno = 0;
	policy = weft__http_policy_new(&options);
	CHECK((policy != NULL) == result);
	CHECK_INT(errno, ==, result ? 0 : EINVAL);
	weft__http_policy_free(policy);
	return result;
}

#define OPTIONS(...) ((struct weft_http_files_options){__VA_ARGS__})

CHECK_CASE(options_that_can_not_be_meant_are_refused_with_a_reason)
{
	static const char *const rules[] = {"", "x", "=x", "x=", "*=a\r\nSet-Cookie: x", "*=\x01",
		"*=1h", "*=-1", "*= 5", "*=, no-cache"};
	static const char *const types[] = {"", "md", "md=", "md=text", "md=/x", "md=x/", "=a/b",
		".md=text/html", "md=text/html\r\nX: y"};
	static const char *const origins[] = {"", "x", "https://", "://x", "https://x/",
		"https://x?y", "https://a@b", "https://a, https://b", "https://a\r\nX: y", "null"};
	static const char *const pages[] = {"", "/x", "..", "../x", "a/../../x", "x\n"};

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		CHECK(!is_good(OPTIONS(.cache_rules = LIST("*=1", rules[i]))));
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		CHECK(!is_good(OPTIONS(.types = LIST(types[i]))));
	for (size_t i = 0; i < sizeof(origins) / sizeof(*origins); i++)
		CHECK(!is_good(OPTIONS(.cors_origin = origins[i])));
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		CHECK(!is_good(OPTIONS(.not_found_page = pages[i])));
		CHECK(!is_good(OPTIONS(.fallback_page = pages[i])));
	}
	CHECK(!is_good(OPTIONS(.index_names = LIST("a/b"))));
	CHECK(!is_good(OPTIONS(.index_names = LIST(""))));
	CHECK(!is_good(OPTIONS(.download_names = LIST(""))));
	CHECK(!is_good(OPTIONS(.links = (enum weft_http_links)3)));
	CHECK(!is_good(OPTIONS(.cors_may_change = true)));
	CHECK(!is_good(OPTIONS(.cors_may_change = true, .cors_origin = "*")));
	CHECK(is_good(OPTIONS(.cors_may_change = true, .cors_origin = "https://a")));
	CHECK(is_good(OPTIONS(.no_listing = false)));
	CHECK(is_good(OPTIONS(.cache_rules = LIST("*.css=1", ":hashed=immutable", "a/*=no-store"),
		.types = LIST("md=text/html; charset=utf-8"),
		.cors_origin = "https://a.example:8443", .index_names = LIST("a", "b"),
		.fallback_page = "a/b.html")));
}

/* What is said with a file, "TYPE|FIELDS". */
static const char *describe(struct weft_http_files_options options, const char *path)
{
	static char text[8192];
	struct weft__http_policy *policy = weft__http_policy_new(&options);
	struct weft__http_facts facts;

	CHECK(policy != NULL);
	CHECK_INT(weft__http_policy_describe(policy, path, &facts), ==, 0);
	snprintf(text, sizeof(text), "%s|%s", facts.type, weft_str_text(&facts.more));
	weft__http_facts_fini(&facts);
	weft__http_policy_free(policy);
	return text;
}

CHECK_CASE(the_first_rule_that_fits_is_what_caches_are_told)
{
	const char *const *rules = LIST("*.css=60", "/assets/*=immutable", ":hashed=immutable",
		"*.html=no-cache, private", "assets/b*=1", "?.txt=5");
	static const char forever[] = "Cache-Control: public, max-age=31536000, immutable\r\n";
	static const struct {
		const char *path, *fields;
	} cases[] = {{"a.css", "Cache-Control: max-age=60\r\n"},
		{"assets/a.css", "Cache-Control: max-age=60\r\n"}, {"assets/a.png", forever},
		{"assets/deep/b", forever}, {"x/assets/a.png", ""}, {"app.3f9a1c07.js", forever},
		{"a.html", "Cache-Control: no-cache, private\r\n"},
		{"d/a.txt", "Cache-Control: max-age=5\r\n"}, {"ab.txt", ""}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CHECK_STR(strchr(describe(OPTIONS(.cache_rules = rules), cases[i].path), '|') + 1,
			cases[i].fields);
}

CHECK_CASE(a_type_of_the_options_goes_before_the_table)
{
	struct weft_http_files_options options =
		OPTIONS(.types = LIST("MD=text/markdown", "txt=text/x", "dat=a/b"));

	CHECK_STR(describe(options, "a/b.md"), "text/markdown|");
	CHECK_STR(describe(options, "A.TXT"), "text/x|");
	CHECK_STR(describe(options, "a.dat/b"), "application/octet-stream|");
	CHECK_STR(describe(options, "md"), "application/octet-stream|");
	CHECK_STR(describe(options, "a.css"), "text/css; charset=utf-8|");
}

CHECK_CASE(pages_are_in_a_sandbox_where_visitors_put_files)
{
	static const char *const types[] = {"page=Text/HTML ; x", NULL};
	static const char sandbox[] = "|Content-Security-Policy: sandbox allow-downloads ";
	static const struct {
		const char *path;
		bool is_run;
	} rows[] = {{"a.html", true}, {"a.svg", true}, {"a.xml", true}, {"a.page", true},
		{"a.xhtml", true}, {"a.txt", false}, {"a.png", false}, {"a.pdf", false}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CHECK_INT(strstr(describe(OPTIONS(.allow_upload = true, .types = types),
					 rows[i].path),
				  sandbox) != NULL,
			==, rows[i].is_run);
		CHECK_INT(strstr(describe(OPTIONS(.allow_change = true, .types = types),
					 rows[i].path),
				  sandbox) != NULL,
			==, rows[i].is_run);
		CHECK(!strstr(describe(OPTIONS(.types = types), rows[i].path), sandbox));
	}
}

CHECK_CASE(options_are_copied)
{
	char rule[] = "*=1", origin[] = "https://a.example";
	struct weft_http_files_options options =
		OPTIONS(.cache_rules = LIST(rule), .cors_origin = origin);
	struct weft__http_policy *policy = weft__http_policy_new(&options);
	struct weft__http_facts facts;

	CHECK(policy != NULL);
	memset(rule, 'x', sizeof(rule) - 1);
	memset(origin, 'x', sizeof(origin) - 1);
	CHECK_INT(weft__http_policy_describe(policy, "a", &facts), ==, 0);
	CHECK(strstr(weft_str_text(&facts.more), "Cache-Control: max-age=1\r\n") != NULL);
	CHECK(strstr(weft_str_text(&facts.more),
		      "Access-Control-Allow-Origin: https://a.example\r\n") != NULL);
	weft__http_facts_fini(&facts);
	weft__http_policy_free(policy);
}

CHECK_CASE(a_name_to_save_under_ends_neither_its_quotes_nor_its_line)
{
	static const struct {
		const char *name, *value;
	} names[] = {{"a.txt", "attachment; filename=\"a.txt\""},
		{"a b;c=d.txt", "attachment; filename=\"a b;c=d.txt\""},
		{"a\"b", "attachment; filename=\"a_b\"; filename*=UTF-8''a%22b"},
		{"a\\b", "attachment; filename=\"a_b\"; filename*=UTF-8''a%5Cb"},
		{"100%41", "attachment; filename=\"100_41\"; filename*=UTF-8''100%2541"},
		{"a\r\nX: y", "attachment; filename=\"a__X: y\"; filename*=UTF-8''a__X%3A%20y"},
		{"Gr\xc3\xbc\xc3\x9f"
		 "e.txt",
			"attachment; filename=\"Gr__e.txt\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt"},
		{"\xf0\x9f\x8e\xb8", "attachment; filename=\"_\"; filename*=UTF-8''%F0%9F%8E%B8"},
		{"\xff\xfe", "attachment; filename=\"__\"; filename*=UTF-8''__"},
		{"a\xe2\x80\xaetxt.exe",
			"attachment; filename=\"a_txt.exe\"; filename*=UTF-8''a_txt.exe"}};
	struct weft_str value;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		weft_str_init(&value, 4096);
		weft__http_append_disposition(&value, names[i].name);
		CHECK_STR(weft_str_text(&value), names[i].value);
		weft_str_fini(&value);
	}
}

CHECK_CASE(what_is_to_be_saved_says_so_and_the_longest_name_fits)
{
	struct weft_http_files_options options = OPTIONS(.download_names = LIST("*.svg", "in/*"),
		.cors_origin = "*", .cache_rules = LIST("*=1"));
	char name[256];

	CHECK(strstr(describe(options, "a/b.svg"),
		      "Content-Disposition: attachment; filename=\"b.svg\"\r\n") != NULL);
	CHECK(strstr(describe(options, "in/b.png"), "filename=\"b.png\"") != NULL);
	CHECK(strstr(describe(options, "b.png"), "Content-Disposition: ") == NULL);
	memset(name, '\x01', sizeof(name) - 5);
	memcpy(name + sizeof(name) - 5, ".svg", 5);
	CHECK(strstr(describe(options, name), "Access-Control-Allow-Origin: *\r\n") != NULL);
}

CHECK_MAIN()
