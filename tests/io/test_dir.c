/*
 * test_dir.c - directories: listed, walked, made and removed, whatever is in them.
 *
 * check: valgrind drivers
 */
#include "weft/dir.h"

#include <sys/resource.h>

#include "both.h"
#include "place.h"
#include "weft/scope.h"

static void make_dir(const char *name)
{
	CHECK_INT(mkdir(place(name), 0755), ==, 0);
}

/* ---- Listing -------------------------------------------------------------------------- */

BOTH_CASE(a_listing_is_sorted_and_tells_the_kinds)
{
	static const char *const names[] = {".hidden", "B", "a", "dir", "fifo", "link"};
	static const enum weft_dir_type types[] = {WEFT_DIR_FILE, WEFT_DIR_FILE, WEFT_DIR_FILE,
		WEFT_DIR_DIR, WEFT_DIR_FIFO, WEFT_DIR_LINK};
	struct weft_dir_list list;

	place_write("a", "12345");
	place_write("B", "");
	place_write(".hidden", "");
	make_dir("dir");
	CHECK_INT(mkfifo(place("fifo"), 0600), ==, 0);
	CHECK_INT(symlink("/", place("link")), ==, 0);
	CHECK_INT(weft_dir_list(place("."), 0, &list), ==, 0);
	CHECK_INT(list.count, ==, 6);
	for (size_t i = 0; i < list.count; i++) {
		CHECK_STR(list.entries[i].name, names[i]);
		CHECK_INT(list.entries[i].type, ==, types[i]);
		CHECK_INT(list.entries[i].mode, ==, 0);
	}
	weft_dir_list_fini(&list);
	weft_dir_list_fini(&list);
	CHECK_INT(weft_dir_list(place("."), WEFT_DIR_STAT, &list), ==, 0);
	CHECK_INT(list.entries[2].size_bytes, ==, 5);
	CHECK_INT(list.entries[2].mode, ==, (S_IFREG | 0644));
	CHECK_INT(list.entries[2].modified_ns, >, 0);
	weft_dir_list_fini(&list);
	CHECK_INT(weft_dir_list(place("dir"), WEFT_DIR_UNSORTED, &list), ==, 0);
	CHECK_INT(list.count, ==, 0);
	weft_dir_list_fini(&list);
}

BOTH_CASE(a_date_past_what_nanoseconds_can_count_is_the_last_they_can)
{
	struct timespec times[2] = {{.tv_sec = INT64_C(15000000000)}, {INT64_C(15000000000), 0}};
	struct weft_dir_list list;
	struct stat status;

	place_write("far", "");
	CHECK_INT(utimensat(AT_FDCWD, place("far"), times, 0), ==, 0);
	CHECK_INT(stat(place("far"), &status), ==, 0);
	CHECK_INT(weft_dir_list(place("."), WEFT_DIR_STAT, &list), ==, 0);
	if (status.st_mtim.tv_sec == times[1].tv_sec) /* not every file system holds it */
		CHECK_INT(list.entries[0].modified_ns, ==, INT64_MAX);
	weft_dir_list_fini(&list);
}

BOTH_CASE(what_cannot_be_listed_is_refused)
{
	struct weft_dir_list list;

	place_write("a", "");
	CHECK_ERRNO(weft_dir_list(place("no"), 0, &list), ENOENT);
	CHECK_ERRNO(weft_dir_list(place("a"), 0, &list), ENOTDIR);
	CHECK_ERRNO(weft_dir_walk_new(place("no"), 0), ENOENT);
	CHECK_ERRNO(weft_dir_walk_new(place("a"), 0), ENOTDIR);
	WEFT_WITH_TIMEOUT (0) {
		CHECK_ERRNO(weft_dir_list(place("."), 0, &list), ETIMEDOUT);
		CHECK_ERRNO(weft_dir_walk_new(place("."), 0), ETIMEDOUT);
		CHECK_INT(weft_dir_exists(place("a")), ==, -1);
		CHECK_ERRNO(weft_dir_remove(place("a")), ETIMEDOUT);
	}
	CHECK_INT(weft_dir_exists(place("a")), ==, 1);
}

BOTH_CASE(a_large_directory_is_listed_whole)
{
	struct weft_dir_list list;
	char name[32];

	for (int i = 0; i < 1500; i++) {
		snprintf(name, sizeof name, "file-%04d", (i * 7) % 1500);
		place_write(name, "");
	}
	CHECK_INT(weft_dir_list(place("."), 0, &list), ==, 0);
	CHECK_INT(list.count, ==, 1500);
	for (int i = 0; i < 1500; i++) {
		snprintf(name, sizeof name, "file-%04d", i);
		CHECK_STR(list.entries[i].name, name);
	}
	weft_dir_list_fini(&list);
}

/* ---- Walking --------------------------------------------------------------------------- */

BOTH_CASE(a_walk_tells_each_directory_before_what_is_in_it)
{
	static const char *const expected[] = {"/a", "/a/b", "/a/b/c", "/a/x", "/d", "/link"};
	struct weft_dir_walk *walk;
	struct weft_dir_step step;
	char path[PATH_MAX];
	size_t i = 0;

	make_dir("a");
	make_dir("a/b");
	place_write("a/b/c", "");
	place_write("a/x", "");
	make_dir("d");
	CHECK_INT(symlink("a", place("link")), ==, 0);
	walk = weft_dir_walk_new(place_dir, 0);
	CHECK(walk != NULL);
	for (; weft_dir_walk_next(walk, &step) == 1; i++) {
		CHECK_INT(i, <, 6);
		snprintf(path, sizeof path, "%s%s", place_dir, expected[i]);
		CHECK_STR(step.path, path);
		CHECK_STR(step.entry.name, strrchr(expected[i], '/') + 1);
		CHECK_INT(step.depth, ==, i == 1 || i == 3 ? 1 : i == 2 ? 2 : 0);
	}
	CHECK_INT(i, ==, 6);
	CHECK_INT(weft_dir_walk_next(walk, &step), ==, 0);
	weft_dir_walk_free(walk);
	weft_dir_walk_free(NULL);
}

BOTH_CASE(a_walk_can_skip_and_goes_on_after_what_it_cannot_enter)
{
	struct weft_dir_walk *walk;
	struct weft_dir_step step;
	int count = 0;

	make_dir("a");
	place_write("a/x", "");
	make_dir("b");
	place_write("b/y", "");
	make_dir("gone");
	place_write("z", "");
	walk = weft_dir_walk_new(place_dir, 0);
	CHECK_INT(weft_dir_walk_next(walk, &step), ==, 1);
	CHECK_STR(step.entry.name, "a");
	weft_dir_walk_skip(walk);
	CHECK_INT(weft_dir_walk_next(walk, &step), ==, 1);
	CHECK_STR(step.entry.name, "b");
	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(weft_dir_walk_next(walk, &step), ETIMEDOUT);
	CHECK_INT(weft_dir_walk_next(walk, &step), ==, 1);
	CHECK_STR(step.entry.name, "y");
	CHECK_INT(weft_dir_walk_next(walk, &step), ==, 1);
	CHECK_STR(step.entry.name, "gone");
	CHECK_INT(rmdir(place("gone")), ==, 0);
	CHECK_ERRNO(weft_dir_walk_next(walk, &step), ENOENT);
	CHECK_STR(strrchr(weft_dir_walk_path(walk), '/'), "/gone");
	while (weft_dir_walk_next(walk, &step) == 1)
		count++;
	CHECK_INT(count, ==, 1);
	weft_dir_walk_free(walk);
}

BOTH_CASE(a_tree_that_is_moved_about_does_not_lead_a_walk_elsewhere)
{
	struct weft_dir_walk *walk;
	struct weft_dir_step step;

	make_dir("a");
	make_dir("a/b");
	place_write("a/b/x", "");
	place_write("a/z", "");
	make_dir("other");
	walk = weft_dir_walk_new(place("a"), 0);
	CHECK_INT(weft_dir_walk_next(walk, &step), ==, 1);
	CHECK_INT(weft_dir_walk_next(walk, &step), ==, 1);
	CHECK_STR(step.entry.name, "x");
	CHECK_INT(rename(place("a/b"), place("other/b")), ==, 0);
	CHECK_ERRNO(weft_dir_walk_next(walk, &step), ESTALE);
	CHECK_INT(weft_dir_walk_next(walk, &step), ==, 0);
	weft_dir_walk_free(walk);
}

BOTH_CASE(a_directory_that_became_a_link_is_not_entered)
{
	struct weft_dir_walk *walk;
	struct weft_dir_step step;

	make_dir("tree");
	make_dir("tree/a");
	make_dir("outside");
	place_write("outside/secret", "");
	walk = weft_dir_walk_new(place("tree"), 0);
	CHECK_INT(weft_dir_walk_next(walk, &step), ==, 1);
	CHECK_INT(rmdir(place("tree/a")), ==, 0);
	CHECK_INT(symlink("../outside", place("tree/a")), ==, 0);
	CHECK_ERRNO(weft_dir_walk_next(walk, &step), ENOTDIR);
	CHECK_INT(weft_dir_walk_next(walk, &step), ==, 0);
	weft_dir_walk_free(walk);
}

/* ---- Deep trees ------------------------------------------------------------------------- */

#define DEPTH 1000 /* a path of 6000 bytes */

/* Far beyond PATH_MAX, by descriptors. */
static void make_deep(void)
{
	int fd, deeper;

	make_dir("deep");
	fd = open(place("deep"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < DEPTH; i++) {
		CHECK_INT(mkdirat(fd, "level", 0755), ==, 0);
		deeper = openat(fd, "level", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = deeper;
		CHECK(fd >= 0);
	}
	close(fd);
}

BOTH_CASE(depth_costs_neither_stack_nor_descriptors)
{
	struct rlimit few;
	struct weft_dir_walk *walk;
	struct weft_dir_step step;
	size_t count = 0;

	make_deep();
	CHECK_INT(getrlimit(RLIMIT_NOFILE, &few), ==, 0);
	few.rlim_cur = 32;
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
	walk = weft_dir_walk_new(place("deep"), 0);
	while (weft_dir_walk_next(walk, &step) == 1)
		CHECK_INT(step.depth, ==, count++);
	CHECK_INT(count, ==, DEPTH);
	weft_dir_walk_free(walk);
	CHECK_INT(weft_dir_remove_tree(place("deep")), ==, 0);
	CHECK_INT(weft_dir_exists(place("deep")), ==, 0);
}

/* ---- What is there ------------------------------------------------------------------------ */

BOTH_CASE(what_is_at_a_path_is_told)
{
	place_write("a", "1234567");
	make_dir("d");
	CHECK_INT(symlink("d", place("link")), ==, 0);
	CHECK_INT(symlink("nowhere", place("broken")), ==, 0);
	CHECK_INT(symlink("loop", place("loop")), ==, 0);
	CHECK_INT(weft_dir_exists(place("a")), ==, 1);
	CHECK_INT(weft_dir_is_file(place("a")), ==, 1);
	CHECK_INT(weft_dir_is_dir(place("a")), ==, 0);
	CHECK_INT(weft_dir_is_dir(place("d")), ==, 1);
	CHECK_INT(weft_dir_is_file(place("d")), ==, 0);
	CHECK_INT(weft_dir_is_dir(place("link")), ==, 1);
	CHECK_INT(weft_dir_exists(place("broken")), ==, 0);
	CHECK_INT(weft_dir_exists(place("a/under")), ==, 0);
	CHECK_INT(weft_dir_exists(place("loop")), ==, -1);
	CHECK_INT(errno, ==, ELOOP);
	CHECK_INT(weft_dir_size(place("a")), ==, 7);
	CHECK_ERRNO(weft_dir_size(place("no")), ENOENT);
}

/* ---- Changing ------------------------------------------------------------------------------ */

BOTH_CASE(directories_are_made_and_renamed)
{
	CHECK_INT(weft_dir_mkdir(place("a")), ==, 0);
	CHECK_ERRNO(weft_dir_mkdir(place("a")), EEXIST);
	CHECK_ERRNO(weft_dir_mkdir(place("b/c")), ENOENT);
	CHECK_INT(weft_dir_mkdir_all(place("b//c/d/")), ==, 0);
	CHECK_INT(weft_dir_mkdir_all(place("b/c/d")), ==, 0);
	CHECK_INT(weft_dir_is_dir(place("b/c/d")), ==, 1);
	CHECK_INT(weft_dir_mkdir_all("/"), ==, 0);
	CHECK_ERRNO(weft_dir_mkdir_all(""), ENOENT);
	place_write("f", "x");
	CHECK_ERRNO(weft_dir_mkdir_all(place("f")), EEXIST);
	CHECK_ERRNO(weft_dir_mkdir_all(place("f/g")), ENOTDIR);
	CHECK_INT(weft_dir_rename(place("f"), place("g")), ==, 0);
	CHECK_STR(place_read("g"), "x");
	CHECK_ERRNO(weft_dir_rename(place("f"), place("g")), ENOENT);
	CHECK_ERRNO(weft_dir_remove(place("b")), ENOTEMPTY);
	CHECK_INT(weft_dir_remove(place("a")), ==, 0);
	CHECK_INT(weft_dir_remove(place("g")), ==, 0);
	CHECK_ERRNO(weft_dir_remove(place("g")), ENOENT);
}

BOTH_CASE(a_tree_is_removed_with_all_that_is_in_it_and_nothing_else)
{
	char name[64];

	make_dir("outside");
	place_write("outside/kept", "kept");
	make_dir("tree");
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "tree/%d", i);
		make_dir(name);
		for (int k = 0; k < 30; k++) {
			snprintf(name, sizeof name, "tree/%d/%d", i, k);
			place_write(name, "");
		}
	}
	CHECK_INT(symlink("../outside", place("tree/link")), ==, 0);
	CHECK_INT(symlink("outside", place("link")), ==, 0);
	CHECK_INT(mkfifo(place("tree/fifo"), 0600), ==, 0);
	CHECK_INT(weft_dir_remove_tree(place("tree")), ==, 0);
	CHECK_INT(weft_dir_exists(place("tree")), ==, 0);
	CHECK_INT(weft_dir_remove_tree(place("link")), ==, 0); /* itself, not what it names */
	CHECK_STR(place_read("outside/kept"), "kept");
	CHECK_INT(weft_dir_remove_tree(place("outside/kept")), ==, 0);
	CHECK_ERRNO(weft_dir_remove_tree(place("outside/kept")), ENOENT);
	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(weft_dir_remove_tree(place("outside")), ETIMEDOUT);
	CHECK_INT(weft_dir_is_dir(place("outside")), ==, 1);
}

CHECK_MAIN()
