/*
 * test_search.c - files by their names: patterns, bounds, rights.
 */
#include "house.h"

static char found[100000];
static int found_count, found_max;

static int note(const struct weft_files_found *file, void *arg)
{
	size_t len = strlen(found);

	(void)arg;
	if (found_count++ == found_max) {
		errno = EPIPE;
		return -1;
	}
	snprintf(found + len, sizeof(found) - len, "%s ", file->path);
	return 0;
}

static int search_with(
	const struct weft_files_visitor *visitor, const struct weft_files_search_options *options)
{
	struct weft_files_search_options noting = *options;

	noting.fn = note;
	found[0] = '\0';
	found_count = 0;
	found_max = 1000;
	return weft_files_search(house, visitor, "", &noting);
}

static int search(const char *pattern)
{
	const struct weft_files_search_options options = {.pattern = pattern};

	return search_with(&all, &options);
}

BOTH_CASE(a_pattern_is_a_part_of_a_name_or_with_wildcards_all_of_it)
{
	static const struct {
		const char *pattern, *name;
		bool fits;
	} rows[] = {
		{"une", "June.txt", true},
		{"UNE", "June.txt", true},
		{"june.txt", "June.txt", true},
		{"*.txt", "June.txt", true},
		{"*.TXT", "June.txt", true},
		{"*.tx", "June.txt", false},
		{"?une.txt", "June.txt", true},
		{"?une", "June.txt", false},
		{"*", "June.txt", true},
		{"**", "June.txt", true},
		{"j*t", "June.txt", true},
		{"*e*t*", "June.txt", true},
		{"*e*j*", "June.txt", false},
		{"stra\xc3\x9f",
			"STRA\xc3\x9f"
			"E",
			true},
		{"\xc3\xa4\xc3\xb6", "\xc3\x84\xc3\x96", true},
		{"\xd0\xb6\xd1\x83\xd0\xba", "\xd0\x96\xd0\xa3\xd0\x9a", true}, /* Cyrillic */
		{"\xce\xb1\xcf\x83", "\xce\x91\xce\xa3", true},                 /* Greek */
		{"?", "\xe6\x97\xa5", true},
		{"?", "ab", false},
		{"[a]", "a", false},
		{"\\", "a\\b", true},
		{"?b",
			"\xff"
			"b",
			true},
		{"a.b", "axb", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		house_open(NULL);
		place_write(rows[i].name, "");
		if (search(rows[i].pattern) != 0 || found_count != rows[i].fits)
			check_fail(__FILE__, __LINE__, "row %zu: %s", i, found);
		CHECK_INT(unlink(place(rows[i].name)), ==, 0);
	}
}

CHECK_CASE(no_pattern_takes_its_time)
{
	char name[NAME_MAX + 1], pattern[NAME_MAX + 1];

	house_open(NULL);
	memset(name, 'a', NAME_MAX - 10);
	for (int i = 0; i < 1000; i++) {
		snprintf(name + NAME_MAX - 10, 11, "%010u", (unsigned)i % 1000);
		place_write(name, "");
	}
	for (int i = 0; i < NAME_MAX - 1; i++)
		pattern[i] = "*a"[i % 2];
	memcpy(pattern + NAME_MAX - 2, "b", 2);
	CHECK_INT(search(pattern), ==, 0);
	CHECK_INT(found_count, ==, 0);
}

CHECK_CASE(what_is_no_pattern_is_refused)
{
	char pattern[NAME_MAX + 2];

	house_open(NULL);
	memset(pattern, 'a', NAME_MAX + 1);
	pattern[NAME_MAX + 1] = '\0';
	CHECK_ERRNO(search(pattern), EINVAL);
	CHECK_ERRNO(search(""), EINVAL);
	CHECK_ERRNO(search("\xff"), EINVAL);
	CHECK_INT(search(pattern + 1), ==, 0);
}

CHECK_CASE(a_search_ends_at_its_bounds_and_says_so)
{
	struct weft_files_search_options options = {.pattern = "*"};

	house_open(NULL);
	CHECK_INT(mkdir(place("a"), 0755), ==, 0);
	CHECK_INT(mkdir(place("a/b"), 0755), ==, 0);
	place_write("a/b/c", "");
	CHECK_INT(search_with(&all, &options), ==, 0);
	CHECK_STR(found, "a a/b a/b/c ");
	options.depth_max = 2;
	CHECK_INT(search_with(&all, &options), ==, 1);
	CHECK_STR(found, "a a/b ");
	options.depth_max = 3;
	CHECK_INT(search_with(&all, &options), ==, 0);
	options.names_max = 1;
	CHECK_INT(search_with(&all, &options), ==, 1);
	CHECK_STR(found, "a ");
	options.names_max = 0;
	options.time_ns = 1;
	CHECK_INT(search_with(&all, &options), ==, 1);
}

static unsigned rights_at(void *arg, const char *path)
{
	(void)arg;
	return strncmp(path, "secret", 6) == 0 ? 0 : WEFT_FILES_ALL;
}

CHECK_CASE(what_may_not_be_listed_is_not_found_nor_is_what_is_hidden_or_behind_a_link)
{
	static const struct weft_files_visitor some = {.rights_at = rights_at};
	const struct weft_files_search_options options = {.pattern = "x"};

	house_open(NULL);
	CHECK_INT(mkdir(place("secret"), 0755), ==, 0);
	CHECK_INT(mkdir(place(".dot"), 0755), ==, 0);
	place_write("secret/x", "");
	place_write(".dot/x", "");
	place_write(".x", "");
	place_write("x1", "");
	CHECK_INT(symlink("secret", place("link")), ==, 0);
	CHECK_INT(search_with(&some, &options), ==, 0);
	CHECK_STR(found, "x1 ");
	CHECK_INT(search_with(&all, &options), ==, 0);
	CHECK_INT(found_count, ==, 2);
}

CHECK_MAIN()
