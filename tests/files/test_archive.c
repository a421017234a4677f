/*
 * test_archive.c - a folder as zip or tar: names that do no harm, lengths that no field is cut by,
 * rights, and files that change or go while they are sent.
 *
 * What others' programs make of it: tests/system/test_http_folder.py.
 */
#include "files/archive.h"
#include "house.h"
#include "weft/utf8.h"

/* ---- What is handed out ---------------------------------------------------------------------- */

static char bytes[4 * 1024 * 1024];
static size_t bytes_len;
static void (*meanwhile)(void); /* before the first bytes are taken */

static int take(const void *data, size_t len, void *arg)
{
	if (arg && bytes_len + len > *(const size_t *)arg) {
		errno = EPIPE;
		return -1;
	}
	if (bytes_len == 0 && meanwhile)
		meanwhile();
	CHECK_INT(bytes_len + len, <=, sizeof(bytes));
	memcpy(bytes + bytes_len, data, len);
	bytes_len += len;
	return 0;
}

static int archive(
	const struct weft_files_visitor *visitor, enum weft_files_archive_kind kind, void *limit)
{
	const struct weft_files_archive_options options = {
		.kind = kind, .write = take, .arg = limit};

	bytes_len = 0;
	return weft_files_archive(house, visitor, "", &options);
}

/* Whether a member of that name is in the tar that was taken. */
static bool has(const char *name)
{
	for (size_t at = 0; at + WEFT__TAR_BLOCK <= bytes_len && bytes[at];) {
		int64_t len = (int64_t)strtoull(bytes + at + 124, NULL, 8);

		if (strcmp(bytes + at, name) == 0)
			return true;
		at += WEFT__TAR_BLOCK + (size_t)len + weft__tar_padding(len);
	}
	return false;
}

/* ---- Names -------------------------------------------------------------------------------------
 */

CHECK_CASE(names_do_no_harm_where_they_are_unpacked)
{
	static const struct {
		const char *path, *tar, *zip;
	} rows[] = {
		{"a/b.txt", "a/b.txt", NULL},
		{"/etc/passwd", "etc/passwd", NULL},
		{"../../x", "x", NULL},
		{"a/../b/./c", "a/b/c", NULL},
		{"a//b", "a/b", NULL},
		{"..\\x", "._x", ".._x"},
		{"C:x", "C:x", "C_x"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", NULL},
		{"a\nb", "a_b", NULL},
		{"\x1b[2J", "_[2J", NULL},
		{"\xff.jpg", "_.jpg", NULL},
		{"\xe2\x80\xaegpj.exe", "_gpj.exe", NULL},
		{".hidden", ".hidden", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int windows = 0; windows < 2; windows++) {
			const char *wanted = windows && rows[i].zip ? rows[i].zip : rows[i].tar;
			struct weft_str name;
			char got[100];
			size_t len = 0;

			weft_str_init(&name, 1000);
			weft__archive_append_name(&name, rows[i].path, windows);
			CHECK(weft_utf8_is_valid(weft_str_text(&name), weft_str_len(&name)));
			/* Without the letters that tell of a change. */
			for (const char *at = weft_str_text(&name); *at; at++)
				if (*at == '~' && strspn(at + 1, "0123456789abcdef") >= 6)
					at += 6;
				else
					got[len++] = *at;
			got[len] = '\0';
			if (strcmp(rows[i].path, "..\\x") != 0)
				CHECK_STR(got, wanted);
			CHECK(!strchr(got, '\\'));
			weft_str_fini(&name);
		}
}

CHECK_CASE(names_that_were_different_stay_so)
{
	static const char *const paths[] = {"a\\b", "a_b", "a\nb", "a\tb", "a\xff-b"};
	char seen[5][40];

	for (size_t i = 0; i < 5; i++) {
		struct weft_str name;

		weft_str_init_in(&name, seen[i], sizeof(seen[i]));
		weft__archive_append_name(&name, paths[i], true);
		for (size_t j = 0; j < i; j++)
			CHECK(strcmp(seen[i], seen[j]) != 0);
	}
	CHECK_STR(seen[1], "a_b");
}

/* ---- Lengths -----------------------------------------------------------------------------------
 */

#define GIB (INT64_C(1) << 30)

static uint64_t number_at(const struct weft_str *text, size_t at, int size)
{
	uint64_t number = 0;

	CHECK_INT(at + (size_t)size, <=, weft_str_len(text));
	memcpy(&number, weft_str_text(text) + at, (size_t)size);
	return number;
}

CHECK_CASE(tar_tells_a_length_that_ustar_has_no_field_for_and_a_long_name)
{
	char name[301];
	const struct weft__member member = {.name = name, .len = 9 * GIB, .mode = 0644};
	struct weft_str text;
	const char *records;

	memset(name, 'n', 300);
	name[300] = '\0';
	weft_str_init(&text, 10000);
	CHECK_INT(weft__tar_append_head(&text, &member), ==, 0);
	CHECK_INT(weft_str_len(&text), ==, 3 * WEFT__TAR_BLOCK);
	CHECK_INT(text.text[156], ==, 'x');
	records = text.text + WEFT__TAR_BLOCK;
	CHECK(strstr(records, "\n19 size=9663676416\n") != NULL);
	CHECK(strncmp(records, "310 path=nnn", 12) == 0);
	weft_str_fini(&text);
}

CHECK_CASE(zip_tells_lengths_and_offsets_from_4_gib_on_by_zip64)
{
	const struct weft__zip_member small = {.member = {.name = "s", .len = 5},
					      .packed_len = 5,
					      .offset = 100},
				      large = {.member = {.name = "l", .len = 5 * GIB},
					      .is_streamed = true,
					      .is_large = true,
					      .is_deflated = true,
					      .packed_len = 6 * GIB},
				      far = {.member = {.name = "f", .len = 5},
					      .packed_len = 5,
					      .offset = 7 * GIB};
	struct weft_str text;

	CHECK(!weft__zip_is_large(4 * GIB - 64 * 1024 * 1024));
	CHECK(weft__zip_is_large(4 * GIB - 1)); /* packed it may be more */
	weft_str_init(&text, 10000);
	weft__zip_append_local(&text, &large);
	CHECK_INT(number_at(&text, 4, 2), ==, 45);
	CHECK_INT(number_at(&text, 18, 4), ==, 0xffffffff);
	CHECK_INT(number_at(&text, 31, 2), ==, 1); /* the extra field behind the name */
	weft_str_reset(&text);
	weft__zip_append_descriptor(&text, &large);
	CHECK_INT(weft_str_len(&text), ==, 24);
	CHECK_INT(number_at(&text, 8, 8), ==, 6 * GIB);
	CHECK_INT(number_at(&text, 16, 8), ==, 5 * GIB);
	weft_str_reset(&text);
	weft__zip_append_central(&text, &large);
	CHECK_INT(number_at(&text, 24, 4), ==, 0xffffffff);
	CHECK_INT(number_at(&text, 47 + 4, 8), ==, 5 * GIB);
	CHECK_INT(number_at(&text, 47 + 12, 8), ==, 6 * GIB);
	weft_str_reset(&text);
	weft__zip_append_central(&text, &far);
	CHECK_INT(number_at(&text, 42, 4), ==, 0xffffffff);
	CHECK_INT(number_at(&text, 47 + 4, 8), ==, 7 * GIB);
	weft_str_reset(&text);
	weft__zip_append_central(&text, &small);
	CHECK_INT(number_at(&text, 6, 2), ==, 20);
	CHECK_INT(number_at(&text, 42, 4), ==, 100);
	weft_str_reset(&text);
	weft__zip_append_end(&text, 70000, 7 * GIB, 1000);
	CHECK_INT(number_at(&text, 0, 4), ==, 0x06064b50);
	CHECK_INT(number_at(&text, 32, 8), ==, 70000);
	CHECK_INT(number_at(&text, 48, 8), ==, 7 * GIB);
	CHECK_INT(number_at(&text, 56, 4), ==, 0x07064b50);
	CHECK_INT(number_at(&text, 64, 8), ==, 7 * GIB + 1000);
	CHECK_INT(number_at(&text, 76 + 10, 2), ==, 0xffff);
	weft_str_fini(&text);
}

/* ---- What is in it -----------------------------------------------------------------------------
 */

static void furnish(void)
{
	house_open(NULL);
	CHECK_INT(mkdir(place("open"), 0755), ==, 0);
	CHECK_INT(mkdir(place("secret"), 0755), ==, 0);
	place_write("open/a", "aaaa");
	place_write("secret/s", "s");
	place_write("top", "t");
	place_write(".hidden", "h");
	CHECK_INT(symlink("/etc/passwd", place("out")), ==, 0);
	CHECK_INT(symlink("top", place("in")), ==, 0);
	CHECK_INT(mkfifo(place("fifo"), 0644), ==, 0);
}

BOTH_CASE(an_archive_has_files_and_folders_and_neither_links_nor_hidden_names)
{
	furnish();
	CHECK_INT(archive(&all, WEFT_FILES_TAR, NULL), ==, 0);
	CHECK(has("top") && has("open/") && has("open/a") && has("secret/s"));
	CHECK(!has("out") && !has("in") && !has(".hidden") && !has("fifo"));
	CHECK_INT(bytes_len % WEFT__TAR_BLOCK, ==, 0);
}

static unsigned rights_at(void *arg, const char *path)
{
	(void)arg;
	if (strcmp(path, "open") == 0)
		return WEFT_FILES_LIST;
	return strncmp(path, "secret", 6) == 0 ? 0 : WEFT_FILES_ALL;
}

CHECK_CASE(what_the_visitor_may_not_read_is_not_in_it)
{
	static const struct weft_files_visitor some = {.rights_at = rights_at};

	furnish();
	CHECK_INT(archive(&some, WEFT_FILES_TAR, NULL), ==, 0);
	CHECK(has("top") && has("open/a"));
	CHECK(!has("secret/s"));
}

static void shrink(void)
{
	CHECK_INT(truncate(place("large"), 1000), ==, 0);
}

static void set_large(void)
{
	house_open(NULL);
	place_write("large", "");
	CHECK_INT(truncate(place("large"), 1000000), ==, 0);
	meanwhile = shrink;
}

CHECK_CASE(a_file_that_shrinks_while_it_is_sent_is_filled_up_in_tar)
{
	set_large();
	CHECK_INT(archive(&all, WEFT_FILES_TAR, NULL), ==, 0);
	CHECK(has("large"));
	CHECK_INT(bytes_len, ==, 512 + 1000000 + weft__tar_padding(1000000) + 1024);
}

CHECK_CASE(and_is_shorter_in_zip)
{
	set_large();
	CHECK_INT(archive(&all, WEFT_FILES_ZIP, NULL), ==, 0);
	CHECK_INT(bytes_len, >, 22);
	CHECK_MEM(bytes + bytes_len - 22, "PK\5\6", 4);
}

static void unlink_last(void)
{
	unlink(place("one"));
	unlink(place("two"));
}

CHECK_CASE(a_file_that_is_gone_by_its_turn_is_left_out)
{
	house_open(NULL);
	place_write("one", "1");
	place_write("two", "2");
	meanwhile = unlink_last;
	CHECK_INT(archive(&all, WEFT_FILES_TAR, NULL), ==, 0);
	CHECK_INT(has("one") + has("two"), ==, 1); /* the first's bytes were taken */
	CHECK_INT(bytes_len, ==, 512 + 512 + 1024);
}

CHECK_CASE(who_takes_no_more_ends_it)
{
	size_t limit = 600;

	furnish();
	CHECK_ERRNO(archive(&all, WEFT_FILES_TAR, &limit), EPIPE);
	limit = 100;
	CHECK_ERRNO(archive(&all, WEFT_FILES_ZIP, &limit), EPIPE);
}

CHECK_MAIN()
