/*
 * test_copy.c - folders that are copied with all in them; names that are found for what is copied
 * or moved to where something is.
 */
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "files/house.h"
#include "files/files.h"
#include "files/owner.h"
#include "files/store.h"

#define MIA "#1.100"

static int64_t quota, used, reserved;

static int reserve(void *arg, int64_t bytes)
{
	(void)arg;
	if (used + reserved + bytes > quota) {
		errno = EDQUOT;
		return -1;
	}
	reserved += bytes;
	return 0;
}

static void settle(void *arg, int64_t was_reserved, int64_t is_used)
{
	(void)arg;
	reserved -= was_reserved;
	used += is_used;
}

static void note_freed(void *arg, const char *owner, int64_t bytes)
{
	(void)arg, (void)owner;
	used -= bytes;
}

static const struct weft_files_visitor mia = {.name = "mia",
	.owner = MIA,
	.rights = WEFT_FILES_ALL,
	.reserve = reserve,
	.settle = settle};

/* ---- Syncs -----------------------------------------------------------------------------------
 */

static atomic_int file_syncs, all_syncs;
static atomic_int fail_all;            /* syncfs */
static atomic_int synced_by_name = -1; /* how often all was, when "new" got its name */

#define IN_FRONT __attribute__((visibility("default")))

IN_FRONT int fsync(int fd)
{
	struct stat stat;

	CHECK_INT(fstat(fd, &stat), ==, 0);
	atomic_fetch_add(&file_syncs, S_ISREG(stat.st_mode));
	return (int)syscall(SYS_fsync, fd);
}

IN_FRONT int syncfs(int fd)
{
	if (atomic_load(&fail_all)) {
		errno = EIO;
		return -1;
	}
	atomic_fetch_add(&all_syncs, 1);
	return (int)syscall(SYS_syncfs, fd);
}

IN_FRONT int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	if (strcmp(to, "new") == 0)
		atomic_store(&synced_by_name, atomic_load(&all_syncs));
	return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

/* ---- Copies ----------------------------------------------------------------------------------
 */

static void open_house(void)
{
	quota = 1000;
	used = reserved = 0;
	house_open(&(struct weft_files_options){.freed = note_freed});
	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	CHECK_INT(mkdir(place("sub/deep"), 0755), ==, 0);
	CHECK_INT(mkdir(place("sub/deep/er"), 0755), ==, 0);
	place_write("sub/a", "12345");
	place_write("sub/deep/er/b", "123");
}

static int copy(const struct weft_files_visitor *visitor, const char *from, const char *to)
{
	const struct weft_files_move move = {.from = from, .to = to};

	return weft_files_copy_all(house, visitor, &move, NULL);
}

/* What is on its way, or was left. */
static int staged(void)
{
	return access(place(WEFT__TRASH_FOLDER), F_OK) < 0 ? 0 : house_names(WEFT__TRASH_FOLDER);
}

BOTH_CASE(a_folder_is_copied_with_all_in_it_that_is_shown)
{
	struct weft_files_move move = {.from = "sub/", .to = "/new"};
	struct weft_files_moved moved;
	char owner[64] = "";

	open_house();
	place_write("sub/.hidden", "h");
	CHECK_INT(symlink("a", place("sub/link")), ==, 0);
	CHECK_INT(chmod(place("sub/a"), 0640), ==, 0);
	CHECK_INT(weft_files_copy_all(house, &mia, &move, &moved), ==, 0);
	CHECK(moved.has_source && moved.is_new && moved.is_folder);
	CHECK_STR(moved.name, "new");
	CHECK_STR(place_read("new/a"), "12345");
	CHECK_STR(place_read("new/deep/er/b"), "123");
	CHECK_STR(place_read("sub/a"), "12345");
	CHECK_INT(house_names("new"), ==, 2);
	CHECK_INT(getxattr(place("new/a"), WEFT__OWNER_ATTRIBUTE, owner, sizeof(owner)), >, 0);
	CHECK_STR(owner, MIA);
	CHECK_INT(used, ==, 8);
	CHECK_INT(reserved, ==, 0);
	CHECK_INT(staged(), ==, 0);
	/* A file goes the same way. */
	CHECK_INT(copy(&mia, "sub/a", "c"), ==, 0);
	CHECK_STR(place_read("c"), "12345");
}

CHECK_CASE(small_files_of_a_folder_share_one_sync_before_it_has_its_name)
{
	char name[32];

	open_house();
	if (!weft__syncer_is_shared(&house->group.lanes[0].syncer))
		check_skip("this file system's syncs are not shared");
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "sub/%d", i);
		place_write(name, "1");
	}
	place_write("sub/large", "");
	CHECK_INT(truncate(place("sub/large"), 1 << 20), ==, 0);
	quota = 4 << 20;
	file_syncs = all_syncs = 0;
	CHECK_INT(copy(&mia, "sub", "new"), ==, 0);
	CHECK_INT(file_syncs, ==, 1);
	CHECK_INT(synced_by_name, ==, 1);
	CHECK_STR(place_read("new/19"), "1");
	/* Bytes that are lost: there is no copy. */
	fail_all = 1;
	CHECK_FAILS(copy(&mia, "sub", "other"), EIO);
	fail_all = 0;
	CHECK_INT(staged(), ==, 0);
	CHECK_INT(access(place("other"), F_OK), <, 0);
}

CHECK_CASE(a_copy_that_can_not_be_leaves_nothing)
{
	const struct weft_files_visitor reader = {.rights = WEFT_FILES_READ | WEFT_FILES_LIST};
	const struct weft_files_visitor blind = {.rights = WEFT_FILES_WRITE | WEFT_FILES_LIST};

	open_house();
	quota = 7;
	CHECK_FAILS(copy(&mia, "sub", "new"), EDQUOT);
	CHECK_INT(used, ==, 0);
	CHECK_INT(reserved, ==, 0);
	CHECK_FAILS(copy(&mia, "sub", "sub/deep/new"), EINVAL);
	CHECK_FAILS(copy(&mia, "sub", "sub"), EEXIST);
	CHECK_FAILS(copy(&mia, "", "new"), EINVAL);
	CHECK_FAILS(copy(&mia, "sub", ""), EEXIST);
	CHECK_FAILS(copy(&mia, "sub", "none/new"), ENOENT);
	CHECK_FAILS(copy(&mia, "none", "new"), ENOENT);
	CHECK_FAILS(copy(&mia, "sub", ".new"), EPERM);
	CHECK_FAILS(copy(&mia, "sub", "new\x01"), EINVAL);
	CHECK_FAILS(copy(&mia, WEFT__TRASH_FOLDER, "new"), ENOENT);
	CHECK_FAILS(copy(&reader, "sub", "new"), EACCES);
	CHECK_FAILS(copy(&blind, "sub", "new"), EACCES);
	CHECK_INT(staged(), ==, 0);
	CHECK_INT(house_names("."), ==, 2);
}

static unsigned rights_at(void *arg, const char *path)
{
	(void)arg;
	if (strncmp(path, "sub/deep/er", 11) == 0)
		return WEFT_FILES_LIST;
	if (strncmp(path, "new/deep", 8) == 0 || strncmp(path, "shut", 4) == 0)
		return WEFT_FILES_ALL & ~WEFT_FILES_WRITE;
	return WEFT_FILES_ALL;
}

CHECK_CASE(each_part_needs_its_rights_at_both_places)
{
	const struct weft_files_visitor some = {.name = "mia", .rights_at = rights_at};

	open_house();
	CHECK_FAILS(copy(&some, "sub", "other"), EACCES); /* what is not to be read */
	CHECK_INT(unlink(place("sub/deep/er/b")), ==, 0);
	CHECK_FAILS(copy(&some, "sub", "new"), EACCES); /* or not to be written there */
	CHECK_FAILS(copy(&some, "sub", "shut"), EACCES);
	CHECK_INT(copy(&some, "sub", "other"), ==, 0);
	CHECK_STR(place_read("other/a"), "12345");
}

CHECK_CASE(what_is_there_stays_unless_it_is_an_empty_folder_that_may_go)
{
	struct weft_files_move move = {.from = "sub", .to = "new"};
	struct weft_files_moved moved;

	open_house();
	CHECK_INT(mkdir(place("new"), 0755), ==, 0);
	CHECK_FAILS(weft_files_copy_all(house, &mia, &move, &moved), EEXIST);
	CHECK(moved.has_source);
	move.may_replace = true;
	place_write("new/x", "1");
	CHECK_FAILS(weft_files_copy_all(house, &mia, &move, &moved), ENOTEMPTY);
	CHECK_INT(used, ==, 0);
	CHECK_INT(unlink(place("new/x")), ==, 0);
	CHECK_INT(weft_files_copy_all(house, &mia, &move, &moved), ==, 0);
	CHECK(!moved.is_new);
	CHECK_STR(place_read("new/a"), "12345");
	move.to = "sub/a";
	CHECK_FAILS(weft_files_copy_all(house, &mia, &move, &moved), EINVAL);
	place_write("file", "1");
	move.to = "file";
	CHECK_FAILS(weft_files_copy_all(house, &mia, &move, &moved), ENOTDIR);
	CHECK_INT(staged(), ==, 0);
}

CHECK_CASE(where_something_is_another_name_is_found)
{
	static const struct {
		const char *like, *next;
	} rows[] = {{"a.txt", "a (2).txt"}, {"a", "a (2)"}, {"a.tar.gz", "a (2).tar.gz"},
		{"a (9).txt", "a (10).txt"}, {"a (0)", "a (1)"}, {"(3).txt", "(3) (2).txt"},
		{"a ().txt", "a () (2).txt"}, {"a (x).txt", "a (x) (2).txt"},
		{"a (99999).txt", "a (99999) (2).txt"}, {"a(2).txt", "a(2) (2).txt"}};
	struct weft_files_move move = {.from = "sub/a", .is_unique = true, .may_replace = true};
	struct weft_files_moved moved;
	char path[300], like[256], *cut;

	open_house();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		place_write(rows[i].like, "there");
		move.to = rows[i].like;
		CHECK_INT(weft_files_copy_all(house, &mia, &move, &moved), ==, 0);
		CHECK_STR(moved.name, rows[i].next);
		CHECK_STR(place_read(rows[i].next), "12345");
		CHECK_STR(place_read(rows[i].like), "there");
	}
	/* A name that is as long as one can be loses whole characters. */
	memset(like, 'n', sizeof(like));
	memcpy(like + 248, "\xc3\xa9.txt", 7);
	snprintf(path, sizeof(path), "sub/%s", like);
	place_write(path, "there");
	move.to = path;
	CHECK_INT(weft_files_copy(house, &mia, &move, &moved), ==, 0);
	cut = strstr(moved.name, "n (2).txt");
	CHECK(cut && strlen(moved.name) <= 255 && strspn(moved.name, "n") > 240);
	/* Folders, and what is moved, as well; also onto itself. */
	move = (struct weft_files_move){.from = "sub", .to = "sub", .is_unique = true};
	CHECK_INT(weft_files_copy_all(house, &mia, &move, &moved), ==, 0);
	CHECK_STR(moved.name, "sub (2)");
	move.to = "/a.txt/";
	CHECK_INT(weft_files_move(house, &mia, &move, &moved), ==, 0);
	CHECK_STR(moved.name, "a (3).txt");
	CHECK_STR(place_read("a (3).txt/a"), "12345");
	/* A folder is none of weft_files_copy()'s, by whatever name. */
	move = (struct weft_files_move){.from = "sub (2)", .to = "x", .is_unique = true};
	CHECK_FAILS(weft_files_copy(house, &mia, &move, &moved), EISDIR);
}

BOTH_CASE(of_those_that_are_put_at_once_each_has_a_name)
{
	static const char *const names[] = {"new.txt", "new (2).txt", "new (3).txt"};
	const struct weft_files_put_options options = {.is_unique = true, .may_replace = true};
	const struct weft_files_upload_options of_upload = {.len = 3, .is_unique = true};
	struct weft_files_put *puts[2];
	struct weft_files_upload *upload;
	struct weft_files_result result;

	open_house();
	upload = weft_files_upload_create(house, &mia, "new.txt", &of_upload);
	CHECK(upload != NULL);
	for (int i = 0; i < 2; i++) {
		puts[i] = weft_files_put_begin(house, &mia, "new.txt", &options);
		CHECK(puts[i] != NULL);
		CHECK_INT(weft_files_put_write(puts[i], i ? "two" : "one", 3), ==, 0);
	}
	for (int i = 0; i < 2; i++) {
		CHECK_INT(weft_files_put_commit(puts[i], &result), ==, 0);
		CHECK(result.is_new);
		CHECK_STR(result.name, names[i]);
	}
	CHECK_INT(weft_files_upload_write(upload, "up!", 3), ==, 0);
	CHECK_INT(weft_files_upload_commit(upload, &options, &result), ==, 0);
	CHECK_STR(result.name, names[2]);
	CHECK_STR(place_read("new.txt"), "one");
	CHECK_STR(place_read("new (2).txt"), "two");
	CHECK_STR(place_read("new (3).txt"), "up!");
	CHECK_INT(used, ==, 9);
}

CHECK_MAIN()
