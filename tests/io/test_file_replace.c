/*
 * test_file_replace.c - a file's content replaced at once, or not at all.
 *
 * check: valgrind drivers apart
 */
#include <dirent.h>
#include <sys/resource.h>

#include "both.h"
#include "place.h"
#include "weft/file.h"
#include "weft/scope.h"

static int names_in_place(void)
{
	DIR *folder = opendir(place("."));
	int count = -2;

	CHECK(folder != NULL);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

BOTH_CASE(the_new_content_stands_with_the_old_permissions)
{
	struct stat status;

	CHECK_INT(weft_file_replace(place("a"), "first", 5), ==, 0);
	CHECK_STR(place_read("a"), "first");
	CHECK_INT(chmod(place("a"), 0640), ==, 0);
	CHECK_INT(weft_file_replace(place("a"), "second", 6), ==, 0);
	CHECK_STR(place_read("a"), "second");
	CHECK_INT(stat(place("a"), &status), ==, 0);
	CHECK_INT(status.st_mode & 07777, ==, 0640);
	CHECK_INT(names_in_place(), ==, 1);
}

BOTH_CASE(in_parts_it_shows_only_when_committed)
{
	struct weft_file *file;

	place_write("a", "old");
	file = weft_file_open_replace(place("a"));
	CHECK(file != NULL);
	CHECK_INT(weft_file_printf(file, "new %d", 1), ==, 0);
	CHECK_INT(weft_file_flush(file), ==, 0);
	CHECK_STR(place_read("a"), "old");
	CHECK_INT(weft_file_commit(file), ==, 0);
	CHECK_STR(place_read("a"), "new 1");
	CHECK_ERRNO(weft_file_commit(file), EINVAL);
	CHECK_INT(weft_file_close(file), ==, 0);
	CHECK_INT(names_in_place(), ==, 1);
}

BOTH_CASE(what_is_not_committed_leaves_no_trace_even_in_a_late_scope)
{
	struct weft_file *file;

	place_write("a", "old");
	file = weft_file_open_replace(place("a"));
	CHECK_INT(weft_file_write(file, "new", 3), ==, 0);
	WEFT_WITH_TIMEOUT (0) {
		CHECK_ERRNO(weft_file_commit(file), ETIMEDOUT);
		CHECK_INT(weft_file_close(file), ==, 0);
		CHECK_ERRNO(weft_file_replace(place("a"), "x", 1), ETIMEDOUT);
	}
	CHECK_STR(place_read("a"), "old");
	CHECK_INT(names_in_place(), ==, 1);
}

BOTH_CASE(a_full_disk_leaves_the_old_content)
{
	const struct rlimit limit = {2, RLIM_INFINITY};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	place_write("a", "old");
	CHECK_INT(sigaction(SIGXFSZ, &ignore, NULL), ==, 0);
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	CHECK_ERRNO(weft_file_replace(place("a"), "longer", 6), EFBIG);
	CHECK_STR(place_read("a"), "old");
	CHECK_INT(names_in_place(), ==, 1);
}

BOTH_CASE(what_cannot_be_replaced_is_refused)
{
	CHECK_INT(mkdir(place("d"), 0755), ==, 0);
	CHECK_ERRNO(weft_file_replace(place("d"), "", 0), EISDIR);
	CHECK_ERRNO(weft_file_replace(place("d/."), "", 0), EINVAL);
	CHECK_ERRNO(weft_file_replace(place("d/"), "", 0), EINVAL);
	CHECK_ERRNO(weft_file_replace("", "", 0), EINVAL);
	CHECK_ERRNO(weft_file_replace("/", "", 0), EINVAL);
	CHECK_ERRNO(weft_file_replace(place("no/a"), "", 0), ENOENT);
	place_write("file", "");
	CHECK_ERRNO(weft_file_replace(place("file/a"), "", 0), ENOTDIR);
	CHECK_INT(names_in_place(), ==, 2);
}

BOTH_CASE(what_is_no_file_is_never_replaced_by_one)
{
	struct stat status;

	CHECK_INT(mkfifo(place("pipe"), 0600), ==, 0);
	CHECK_ERRNO(weft_file_replace(place("pipe"), "new", 3), EEXIST);
	CHECK(!weft_file_open_replace(place("pipe")));
	CHECK_INT(errno, ==, EEXIST);
	CHECK_INT(lstat(place("pipe"), &status), ==, 0);
	CHECK(S_ISFIFO(status.st_mode));
	CHECK_INT(names_in_place(), ==, 1);
}

BOTH_CASE(a_symbolic_link_is_replaced_itself)
{
	struct stat status;

	place_write("target", "old");
	CHECK_INT(symlink("target", place("link")), ==, 0);
	CHECK_INT(weft_file_replace(place("link"), "new", 3), ==, 0);
	CHECK_STR(place_read("target"), "old");
	CHECK_STR(place_read("link"), "new");
	CHECK_INT(lstat(place("link"), &status), ==, 0);
	CHECK(S_ISREG(status.st_mode));
}

CHECK_MAIN()
