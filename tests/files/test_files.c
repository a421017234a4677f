/*
 * test_files.c - what visitors see and may do: rights, homes, hidden names, hostile paths, lists.
 *
 * check: drivers waits
 */
#include "house.h"

static void furnish(void)
{
	house_open(NULL);
	CHECK_INT(mkdir(place("ann"), 0755), ==, 0);
	CHECK_INT(mkdir(place("ann/letters"), 0755), ==, 0);
	CHECK_INT(mkdir(place("bob"), 0755), ==, 0);
	place_write("ann/letters/june", "dear");
	place_write("bob/secret", "s");
	place_write("open", "o");
	place_write(".hidden", "h");
}

static int stat_of(const struct weft_files_visitor *visitor, const char *path)
{
	struct stat stat;

	return weft_files_stat(house, visitor, path, &stat);
}

static int open_close(const struct weft_files_visitor *visitor, const char *path)
{
	int fd = weft_files_open(house, visitor, path, NULL);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

/* ---- Paths ------------------------------------------------------------------------------- */

BOTH_CASE(a_path_means_the_same_in_all_its_forms)
{
	static const char *const forms[] = {"ann/letters/june", "/ann/letters/june",
		"ann//letters///june", "./ann/./letters/june/", "ann/letters/june/."};

	furnish();
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct stat stat;

		CHECK_INT(weft_files_stat(house, &all, forms[i], &stat), ==, 0);
		CHECK_INT(stat.st_size, ==, 4);
	}
	CHECK_INT(stat_of(&all, ""), ==, 0);
	CHECK_INT(stat_of(&all, "/"), ==, 0);
}

CHECK_CASE(no_hostile_path_leads_anywhere)
{
	static char long_name[400], long_path[2 * PATH_MAX];
	static const struct {
		const char *path;
		int code_read, code_put;
	} rows[] = {
		{"..", EINVAL, EINVAL},
		{"../etc/passwd", EINVAL, EINVAL},
		{"ann/../../x", EINVAL, EINVAL},
		{"ann/..", EINVAL, EINVAL},
		{"ann/letters/../june", EINVAL, EINVAL},
		{"/../x", EINVAL, EINVAL},
		{"out/passwd", ELOOP, ELOOP},
		{"up", ELOOP, ENODEV},
		{"fifo", ENODEV, ENODEV},
		{"open/x", ENOTDIR, ENOTDIR},
		{"nowhere/x", ENOENT, ENOENT},
		{".hidden", ENOENT, EPERM},
		{"ann/.x/y", ENOENT, EPERM},
		{".weft-upload", ENOENT, EPERM},
		{".weft-upload/x", ENOENT, EPERM},
		{"a\nb", ENOENT, EINVAL},
		{"a\x7f", ENOENT, EINVAL},
		{"a\x1b[2J", ENOENT, EINVAL},
		{"\xff\xfe", ENOENT, EINVAL},
		{"\xc0\xae\xc0\xae", ENOENT, EINVAL},
		{long_name, ENAMETOOLONG, ENAMETOOLONG},
		{long_path, ENAMETOOLONG, ENAMETOOLONG},
		{"ann", 0, EISDIR},
		{"", 0, EINVAL},
	};

	furnish();
	CHECK_INT(symlink("/etc", place("out")), ==, 0);
	CHECK_INT(symlink("..", place("up")), ==, 0);
	CHECK_INT(mkfifo(place("fifo"), 0666), ==, 0);
	memset(long_name, 'n', sizeof(long_name) - 1);
	for (size_t i = 0; i + 2 < sizeof(long_path); i += 2)
		memcpy(long_path + i, "d/", 2);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct weft_files_put *put;

		if (rows[i].code_read)
			CHECK_FAILS(open_close(&all, rows[i].path), rows[i].code_read);
		if (rows[i].code_read)
			CHECK_FAILS(stat_of(&all, rows[i].path), rows[i].code_read);
		put = weft_files_put_begin(house, &all, rows[i].path,
			&(struct weft_files_put_options){.may_replace = true});
		if (put || errno != rows[i].code_put)
			check_fail(__FILE__, __LINE__, "row %zu: errno %d", i, errno);
	}
	CHECK_INT(house_names("ann/letters"), ==, 1);
}

CHECK_CASE(links_are_followed_where_the_options_say_so_and_never_out)
{
	const struct weft_files_options options = {.follows_links = true};

	furnish();
	CHECK_INT(symlink("ann/letters", place("short")), ==, 0);
	CHECK_INT(symlink("/etc", place("out")), ==, 0);
	CHECK_FAILS(stat_of(&all, "short/june"), ELOOP);
	house_open(&options);
	CHECK_INT(stat_of(&all, "short/june"), ==, 0);
	CHECK_FAILS(stat_of(&all, "out/passwd"), EXDEV);
	CHECK_FAILS(house_put(&all, "out/x", "x"), EXDEV);
}

CHECK_CASE(hidden_names_show_where_the_options_say_so_but_for_our_own)
{
	const struct weft_files_options options = {.shows_hidden = true};

	furnish();
	house_open(&options);
	CHECK_INT(stat_of(&all, ".hidden"), ==, 0);
	CHECK_INT(house_put(&all, ".new", "n"), ==, 0);
	CHECK_STR(place_read(".new"), "n");
	CHECK_FAILS(house_put(&all, ".weft-upload/x", "n"), EPERM);
	CHECK_FAILS(stat_of(&all, ".weft-upload"), ENOENT);
}

/* ---- Homes ------------------------------------------------------------------------------- */

BOTH_CASE(a_visitor_sees_its_home_and_nothing_beside_it)
{
	const struct weft_files_visitor ann = {.home = "/ann/", .rights = WEFT_FILES_ALL};
	const struct weft_files_options options = {.follows_links = true};
	struct stat stat;

	furnish();
	CHECK_INT(symlink("../bob", place("ann/bob")), ==, 0);
	CHECK_INT(symlink("letters/june", place("ann/j")), ==, 0);
	house_open(&options);
	CHECK_INT(weft_files_stat(house, &ann, "letters/june", &stat), ==, 0);
	CHECK_INT(weft_files_stat(house, &ann, "j", &stat), ==, 0);
	CHECK_FAILS(stat_of(&ann, "open"), ENOENT);
	CHECK_FAILS(stat_of(&ann, "bob/secret"), EXDEV);
	CHECK_FAILS(stat_of(&ann, "../bob"), EINVAL);
	CHECK_INT(house_put(&ann, "mine", "m"), ==, 0);
	CHECK_STR(place_read("ann/mine"), "m");
	CHECK_INT(weft_files_mkdir(house, &ann, "sub"), ==, 0);
	CHECK_INT(weft_files_move(house, &ann,
			  &(struct weft_files_move){.from = "mine", .to = "sub/mine"}, NULL),
		==, 0);
	CHECK_STR(place_read("ann/sub/mine"), "m");
	CHECK_INT(weft_files_remove(house, &ann, "sub/mine", NULL), ==, 0);
	CHECK_FAILS(weft_files_remove(house, &ann, "", NULL), EBUSY);
}

/* ---- Rights ------------------------------------------------------------------------------ */

static unsigned below_ann_only(void *arg, const char *path)
{
	snprintf(arg, PATH_MAX, "%s", path);
	return strncmp(path, "ann", 3) == 0 && (!path[3] || path[3] == '/') ? WEFT_FILES_ALL : 0;
}

CHECK_CASE(rights_are_asked_by_the_path_below_the_root)
{
	char asked[PATH_MAX] = "";
	const struct weft_files_visitor visitor = {
		.home = "", .rights_at = below_ann_only, .arg = asked};
	const struct weft_files_visitor at_home = {
		.home = "ann//letters", .rights_at = below_ann_only, .arg = asked};

	furnish();
	CHECK_INT(stat_of(&visitor, "/ann//letters/"), ==, 0);
	CHECK_STR(asked, "ann/letters");
	CHECK_FAILS(stat_of(&visitor, "bob/secret"), EACCES);
	CHECK_FAILS(open_close(&visitor, "open"), EACCES);
	CHECK_FAILS(house_put(&visitor, "bob/x", "x"), EACCES);
	CHECK_INT(stat_of(&at_home, "june"), ==, 0);
	CHECK_STR(asked, "ann/letters/june");
	CHECK_INT(weft_files_rights(&visitor, "ann/x"), ==, WEFT_FILES_ALL);
	CHECK_INT(weft_files_rights(&visitor, "x"), ==, 0);
	CHECK_INT(weft_files_rights(&visitor, "ann/../x"), ==, 0);
}

/* "dark" may be changed but not looked at, "top/deep/dark" and the file "some/deep/dark" neither;
 * all else is free. */
static unsigned dark_rights(void *arg, const char *path)
{
	(void)arg;
	if (strncmp(path, "dark", 4) == 0)
		return WEFT_FILES_WRITE | WEFT_FILES_DELETE;
	return strncmp(path, "top/deep/dark", 13) == 0 || strcmp(path, "some/deep/dark") == 0
		       ? 0
		       : WEFT_FILES_ALL;
}

static int move_to(const struct weft_files_visitor *visitor, const char *from, const char *to)
{
	const struct weft_files_move move = {.from = from, .to = to};

	return weft_files_move(house, visitor, &move, NULL);
}

CHECK_CASE(nothing_comes_to_light_by_being_moved)
{
	const struct weft_files_visitor visitor = {.rights_at = dark_rights};

	house_open(NULL);
	CHECK_INT(mkdir(place("dark"), 0755), ==, 0);
	CHECK_INT(mkdir(place("top"), 0755), ==, 0);
	CHECK_INT(mkdir(place("top/deep"), 0755), ==, 0);
	CHECK_INT(mkdir(place("top/deep/dark"), 0755), ==, 0);
	CHECK_INT(mkdir(place("free"), 0755), ==, 0);
	CHECK_INT(mkdir(place("free/sub"), 0755), ==, 0);
	place_write("dark/a", "secret");
	CHECK_FAILS(move_to(&visitor, "dark/a", "a"), EACCES);
	CHECK_INT(move_to(&visitor, "dark/a", "dark/b"), ==, 0);
	CHECK_FAILS(move_to(&visitor, "top", "other"), EACCES);
	CHECK_FAILS(move_to(&visitor, "top/deep", "other"), EACCES);
	CHECK_INT(move_to(&visitor, "free", "other"), ==, 0);
	CHECK_INT(rmdir(place("top/deep/dark")), ==, 0);
	CHECK_INT(move_to(&visitor, "top", "third"), ==, 0);
	CHECK_FAILS(move_to(&visitor, "none", "x"), ENOENT);
}

CHECK_CASE(a_folder_that_may_not_be_looked_into_stays)
{
	const struct weft_files_visitor visitor = {.rights_at = dark_rights};

	house_open(NULL);
	CHECK_INT(mkdir(place("dark"), 0755), ==, 0);
	CHECK_INT(mkdir(place("dark/sub"), 0755), ==, 0);
	place_write("dark/sub/a", "secret");
	CHECK_FAILS(move_to(&visitor, "dark", "dark2"), EACCES);
	CHECK_FAILS(move_to(&visitor, "dark/sub", "dark/other"), EACCES);
	CHECK_STR(place_read("dark/sub/a"), "secret");
	CHECK_INT(move_to(&visitor, "dark/sub/a", "dark/a"), ==, 0);
	CHECK_FAILS(move_to(&visitor, "dark/none", "dark/b"), ENOENT);
}

CHECK_CASE(nothing_is_moved_to_where_its_mover_may_not_write)
{
	const struct weft_files_visitor visitor = {.rights_at = dark_rights};
	const struct weft_files_visitor at_home = {.home = "free", .rights_at = dark_rights};

	house_open(NULL);
	CHECK_INT(mkdir(place("free"), 0755), ==, 0);
	CHECK_INT(mkdir(place("free/deep"), 0755), ==, 0);
	CHECK_INT(mkdir(place("free/deep/dark"), 0755), ==, 0);
	CHECK_FAILS(move_to(&visitor, "free", "top"), EACCES);
	CHECK_FAILS(move_to(&visitor, "free", "some"), EACCES);
	CHECK_INT(mkdir(place("top"), 0755), ==, 0);
	CHECK_FAILS(move_to(&visitor, "free/deep", "top/deep"), EACCES);
	CHECK_INT(access(place("free/deep/dark"), F_OK), ==, 0);
	CHECK_INT(move_to(&at_home, "deep", "top"), ==, 0);
	CHECK_INT(move_to(&visitor, "free", "other"), ==, 0);
	CHECK_INT(access(place("other/top/dark"), F_OK), ==, 0);
}

CHECK_CASE(nor_does_a_file_that_has_rights_of_its_own)
{
	const struct weft_files_visitor visitor = {.rights_at = dark_rights};

	house_open(NULL);
	CHECK_INT(mkdir(place("some"), 0755), ==, 0);
	CHECK_INT(mkdir(place("some/deep"), 0755), ==, 0);
	place_write("some/deep/dark", "secret");
	CHECK_FAILS(move_to(&visitor, "some", "other"), EACCES);
	CHECK_FAILS(move_to(&visitor, "some/deep", "other"), EACCES);
	CHECK_INT(unlink(place("some/deep/dark")), ==, 0);
	place_write("some/deep/light", "open");
	CHECK_INT(move_to(&visitor, "some", "other"), ==, 0);
}

/* What each needs: with all other rights it is refused, with its own it is not. */
static int try_right(int deed, const struct weft_files_visitor *visitor)
{
	const struct weft_files_put_options replaces = {.may_replace = true};
	const struct weft_files_put_options appends = {.appends = true};
	const struct weft_files_move over = {
		.from = "ann/letters/june", .to = "open", .may_replace = true};
	const struct weft_files_move away = {.from = "ann/letters/june", .to = "moved"};
	uint8_t digest[32];

	switch (deed) {
	case 0:
		return open_close(visitor, "open");
	case 1:
		return open_close(visitor, "ann");
	case 2:
		return house_put(visitor, "new", "n");
	case 3:
		return house_put_with(visitor, "open", "n", &replaces);
	case 4:
		return house_put_with(visitor, "open", "n", &appends);
	case 5:
		return weft_files_mkdir(house, visitor, "folder");
	case 6:
		return weft_files_remove(house, visitor, "open", NULL);
	case 7:
		return weft_files_move(house, visitor, &away, NULL);
	case 8:
		return weft_files_copy(house, visitor, &away, NULL);
	case 9:
		return weft_files_touch(house, visitor, "open", (struct timespec){.tv_sec = 7});
	case 10:
		return weft_files_sha256(house, visitor,
			&(struct weft_files_part){.path = "open", .len = -1}, digest);
	default:
		return weft_files_move(house, visitor, &over, NULL);
	}
}

CHECK_CASE(each_deed_needs_its_rights)
{
	static const unsigned needed[] = {WEFT_FILES_READ, WEFT_FILES_LIST, WEFT_FILES_WRITE,
		WEFT_FILES_REPLACE, WEFT_FILES_REPLACE, WEFT_FILES_WRITE, WEFT_FILES_DELETE,
		WEFT_FILES_DELETE | WEFT_FILES_WRITE, WEFT_FILES_READ | WEFT_FILES_WRITE,
		WEFT_FILES_REPLACE, WEFT_FILES_READ,
		WEFT_FILES_DELETE | WEFT_FILES_WRITE | WEFT_FILES_REPLACE};

	for (int deed = 0; deed < (int)(sizeof(needed) / sizeof(needed[0])); deed++) {
		struct weft_files_visitor visitor = {.name = "v"};

		for (unsigned right = 1; right < WEFT_FILES_ALL; right *= 2) {
			if (!(needed[deed] & right))
				continue;
			place_make();
			place_end();
			CHECK_INT(mkdir(place_dir, 0755), ==, 0);
			furnish();
			visitor.rights = WEFT_FILES_ALL & ~right;
			errno = 0;
			if (try_right(deed, &visitor) == 0 ||
				(errno != EACCES && !(deed == 11 && errno == EEXIST)))
				check_fail(__FILE__, __LINE__, "deed %d without %u: %d", deed,
					right, errno);
			CHECK_STR(place_read("open"), "o");
		}
		visitor.rights = needed[deed];
		if (try_right(deed, &visitor) < 0)
			check_fail(__FILE__, __LINE__, "deed %d: %d", deed, errno);
	}
}

/* ---- Lists ------------------------------------------------------------------------------- */

struct seen {
	int count, links;
	bool has_june;
	int stop_at;
};

static int see(const struct weft_files_entry *entry, void *arg)
{
	struct seen *seen = arg;

	seen->count++;
	seen->links += entry->is_link;
	if (strcmp(entry->name, "june") == 0) {
		seen->has_june = true;
		CHECK_INT(entry->stat.st_size, ==, 4);
	}
	if (seen->count == seen->stop_at) {
		errno = E2BIG;
		return -1;
	}
	weft_yield();
	return 0;
}

BOTH_CASE(a_list_has_what_may_be_opened_and_nothing_else)
{
	const struct weft_files_options options = {.follows_links = true};
	struct seen seen = {0};

	furnish();
	CHECK_INT(symlink("ann", place("link")), ==, 0);
	CHECK_INT(symlink("/etc", place("out")), ==, 0);
	CHECK_INT(mkfifo(place("fifo"), 0666), ==, 0);
	CHECK_INT(weft_files_list(house, &all, "", see, &seen), ==, 0);
	CHECK_INT(seen.count, ==, 3);
	house_open(&options);
	seen = (struct seen){0};
	CHECK_INT(weft_files_list(house, &all, "", see, &seen), ==, 0);
	CHECK_INT(seen.count, ==, 4);
	CHECK_INT(seen.links, ==, 1);
	seen = (struct seen){0};
	CHECK_INT(weft_files_list(house, &all, "ann/letters", see, &seen), ==, 0);
	CHECK(seen.has_june && seen.count == 1);
	CHECK_FAILS(weft_files_list(house, &all, "open", see, &seen), ENOTDIR);
	CHECK_FAILS(weft_files_list(house, &all, "none", see, &seen), ENOENT);
}

BOTH_CASE(a_long_list_comes_whole_and_ends_where_it_is_told_to)
{
	struct seen seen = {0};

	house_open(NULL);
	for (int i = 0; i < 1000; i++) {
		char name[40];
		int fd;

		snprintf(name, sizeof(name), "file-number-%d", i);
		fd = open(place(name), O_CREAT | O_WRONLY, 0644);
		CHECK(fd >= 0);
		close(fd);
	}
	CHECK_INT(weft_files_list(house, &all, "", see, &seen), ==, 0);
	CHECK_INT(seen.count, ==, 1000);
	seen = (struct seen){.stop_at = 7};
	CHECK_FAILS(weft_files_list(house, &all, "", see, &seen), E2BIG);
	CHECK_INT(seen.count, ==, 7);
}

CHECK_CASE(usage_is_of_all_below_a_folder)
{
	struct weft_files_usage usage;

	furnish();
	CHECK_INT(symlink("/", place("ann/root")), ==, 0);
	CHECK_INT(weft_files_usage(house, &all, "ann", &usage), ==, 0);
	CHECK_INT(usage.bytes, ==, 4);
	CHECK_INT(usage.files, ==, 1);
	CHECK_INT(usage.folders, ==, 1);
	CHECK_INT(weft_files_usage(house, &all, "", &usage), ==, 0);
	CHECK_INT(usage.bytes, ==, 7);
	CHECK_INT(usage.folders, ==, 3);
	CHECK_FAILS(weft_files_usage(house, &all, "open", &usage), ENOTDIR);
}

/* ---- Changes ----------------------------------------------------------------------------- */

static int refuse(const struct stat *existing, void *arg)
{
	CHECK(existing != NULL);
	return *(int *)arg;
}

BOTH_CASE(files_and_folders_are_removed_as_what_they_are)
{
	const struct weft_files_remove_options files = {.only_files = true};
	const struct weft_files_remove_options folders = {.only_folders = true};
	int code = ESTALE;
	const struct weft_files_remove_options refused = {.judge = refuse, .arg = &code};

	furnish();
	CHECK_FAILS(weft_files_remove(house, &all, "bob", &files), EISDIR);
	CHECK_FAILS(weft_files_remove(house, &all, "open", &folders), ENOTDIR);
	CHECK_FAILS(weft_files_remove(house, &all, "bob", &folders), ENOTEMPTY);
	CHECK_FAILS(weft_files_remove(house, &all, "open", &refused), ESTALE);
	CHECK_INT(weft_files_remove(house, &all, "bob/secret", &files), ==, 0);
	CHECK_INT(weft_files_remove(house, &all, "bob", &folders), ==, 0);
	CHECK_FAILS(weft_files_remove(house, &all, "bob", NULL), ENOENT);
}

BOTH_CASE(a_copy_is_whole_and_an_old_one_goes_only_where_it_may)
{
	struct weft_files_move move = {.from = "ann/letters/june", .to = "copy"};
	struct weft_files_moved moved;

	furnish();
	CHECK_INT(weft_files_copy(house, &all, &move, &moved), ==, 0);
	CHECK(moved.is_new && !moved.is_folder);
	CHECK_STR(place_read("copy"), "dear");
	move.to = "open";
	CHECK_FAILS(weft_files_copy(house, &all, &move, NULL), EEXIST);
	move.may_replace = true;
	CHECK_INT(weft_files_copy(house, &all, &move, &moved), ==, 0);
	CHECK(!moved.is_new);
	CHECK_STR(place_read("open"), "dear");
	CHECK_STR(place_read("ann/letters/june"), "dear");
	move.from = "ann";
	CHECK_FAILS(weft_files_copy(house, &all, &move, NULL), EISDIR);
}

BOTH_CASE(a_move_says_what_it_moved)
{
	struct weft_files_moved moved;

	furnish();
	CHECK_INT(weft_files_move(house, &all,
			  &(struct weft_files_move){.from = "ann", .to = "bob/ann"}, &moved),
		==, 0);
	CHECK(moved.is_new && moved.is_folder);
	CHECK_FAILS(weft_files_move(house, &all,
			    &(struct weft_files_move){.from = "bob", .to = "bob/ann/x"}, NULL),
		EINVAL);
	CHECK_FAILS(weft_files_move(house, &all,
			    &(struct weft_files_move){.from = "open", .to = "bob/secret"}, NULL),
		EEXIST);
	CHECK_INT(weft_files_move(house, &all,
			  &(struct weft_files_move){
				  .from = "open", .to = "bob/secret", .may_replace = true},
			  &moved),
		==, 0);
	CHECK(!moved.is_new && !moved.is_folder);
	CHECK_STR(place_read("bob/secret"), "o");
}

BOTH_CASE(a_name_that_is_free_is_found)
{
	char name[NAME_MAX + 1], other[NAME_MAX + 1];

	furnish();
	CHECK_INT(weft_files_unique_name(house, &all, "ann", "a.txt", name), ==, 0);
	CHECK_STR(name, "a.txt");
	place_write("ann/a.txt", "x");
	CHECK_INT(weft_files_unique_name(house, &all, "ann", "a.txt", name), ==, 0);
	CHECK(strncmp(name, "a-", 2) == 0 && strcmp(name + 8, ".txt") == 0);
	CHECK_INT(weft_files_unique_name(house, &all, "", NULL, name), ==, 0);
	CHECK_INT(weft_files_unique_name(house, &all, "", NULL, other), ==, 0);
	CHECK_INT(strlen(name), ==, 6);
	CHECK(strcmp(name, other) != 0);
	CHECK_FAILS(weft_files_unique_name(house, &all, "none", NULL, name), ENOENT);
	CHECK_FAILS(weft_files_unique_name(house, &all, "", "../x", name), EINVAL);
	CHECK_FAILS(weft_files_unique_name(house, &all, "", ".x", name), EPERM);
}

CHECK_CASE(a_digest_is_of_the_part_that_is_asked_for)
{
	/* sha256 of "abc", FIPS 180-4's own example. */
	static const uint8_t expected[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41,
		0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a,
		0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	uint8_t digest[32];

	furnish();
	place_write("abc", "xxabcyy");
	CHECK_INT(weft_files_sha256(house, &all,
			  &(struct weft_files_part){.path = "abc", .offset = 2, .len = 3}, digest),
		==, 0);
	CHECK_INT(memcmp(digest, expected, 32), ==, 0);
	CHECK_FAILS(weft_files_sha256(house, &all,
			    &(struct weft_files_part){.path = "ann", .len = -1}, digest),
		EISDIR);
}

CHECK_CASE(what_is_dated_has_that_date)
{
	struct stat stat;

	furnish();
	CHECK_INT(weft_files_touch(house, &all, "open", (struct timespec){.tv_sec = 86400}), ==, 0);
	CHECK_INT(weft_files_stat(house, &all, "open", &stat), ==, 0);
	CHECK_INT(stat.st_mtim.tv_sec, ==, 86400);
	CHECK_FAILS(
		weft_files_touch(house, &all, ".hidden", (struct timespec){.tv_sec = 1}), EPERM);
}

CHECK_MAIN()
