/*
 * test_trash.c - what is removed and can be had back; and folders that go for good with all in
 * them.
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "files/house.h"
#include "files/owner.h"
#include "files/store.h"
#include "weft/files_trash.h"
#include "weft/scope.h"

#define MIA "#1.100"
#define BEN "#2.100"

static int64_t mia_used, ben_used;

static void settle(void *arg, int64_t reserved, int64_t used)
{
	(void)reserved;
	*(int64_t *)arg += used;
}

static void note_freed(void *arg, const char *owner, int64_t bytes)
{
	(void)arg;
	CHECK(bytes > 0);
	if (strcmp(owner, MIA) == 0)
		mia_used -= bytes;
	else if (strcmp(owner, BEN) == 0)
		ben_used -= bytes;
	else
		CHECK(false);
}

#define COMMON (WEFT_FILES_ALL & ~WEFT_FILES_MANAGE)

static const struct weft_files_visitor mia = {
	.name = "mia", .owner = MIA, .rights = COMMON, .settle = settle, .arg = &mia_used};
static const struct weft_files_visitor ben = {
	.name = "ben", .owner = BEN, .rights = COMMON, .settle = settle, .arg = &ben_used};
static const struct weft_files_visitor stranger = {.rights = COMMON};
static const struct weft_files_visitor host = {.name = "host", .rights = WEFT_FILES_ALL};

static void open_house(void)
{
	mia_used = ben_used = 0;
	house_open(&(struct weft_files_options){.freed = note_freed});
}

/* What is there for visitors: all names but those of the trash. */
static int shown(const char *path)
{
	DIR *folder = opendir(place(path));
	struct dirent *entry;
	int count = -2;

	CHECK(folder != NULL);
	while ((entry = readdir(folder)))
		count += !weft__store_is_own_name(entry->d_name);
	closedir(folder);
	return count;
}

/* All that is in the trash's folder, records and all. */
static int kept(void)
{
	return access(place(WEFT__TRASH_FOLDER), F_OK) < 0 ? 0 : house_names(WEFT__TRASH_FOLDER);
}

/* ---- Lists ---------------------------------------------------------------------------------- */

static struct {
	int count;
	char text[2000]; /* "path:by:bytes:files" of each, a slash behind folders, "*" of one's own
			  */
	char id[WEFT_FILES_TRASH_ID_SIZE]; /* the first */
} told;

static int tell(const struct weft_files_trashed *trashed, void *arg)
{
	size_t len = strlen(told.text);

	(void)arg;
	if (told.count++ == 0)
		memcpy(told.id, trashed->id, sizeof(told.id));
	CHECK(trashed->removed_s > 1700000000 && trashed->expires_s > trashed->removed_s);
	CHECK(strlen(trashed->path) >= strlen(trashed->name));
	snprintf(told.text + len, sizeof(told.text) - len, "%s%s:%s:%lld:%lld%s ", trashed->path,
		trashed->is_folder ? "/" : "", trashed->by, (long long)trashed->bytes,
		(long long)trashed->files, trashed->is_mine ? "*" : "");
	return 0;
}

static const char *list(const struct weft_files_visitor *visitor)
{
	memset(&told, 0, sizeof(told));
	CHECK_INT(weft_files_trash_list(house, visitor, tell, NULL), ==, 0);
	return told.text;
}

static int trash(const struct weft_files_visitor *visitor, const char *path)
{
	return weft_files_trash(house, visitor, path, NULL, NULL);
}

static int restore(const struct weft_files_visitor *visitor, const char *id, const char *to)
{
	const struct weft_files_restore wanted = {.id = id, .to = to};

	return weft_files_trash_restore(house, visitor, &wanted, NULL);
}

/* ---- Files ------------------------------------------------------------------------------------
 */

BOTH_CASE(a_file_is_put_into_the_trash_and_taken_out_as_it_was)
{
	char id[WEFT_FILES_TRASH_ID_SIZE], owner[64] = "", *path = NULL;
	struct weft_files_restore wanted = {.id = id};

	open_house();
	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	CHECK_INT(house_put(&mia, "sub/a", "12345"), ==, 0);
	CHECK_INT(weft_files_trash(house, &ben, "sub//a", NULL, id), ==, 0);
	CHECK_INT(strlen(id), ==, 32);
	CHECK_INT(shown("sub"), ==, 0);
	CHECK_FAILS(weft_files_trash(house, &ben, "sub/a", NULL, NULL), ENOENT);
	CHECK_INT(mia_used, ==, 5);
	CHECK_STR(list(&ben), "sub/a:ben:5:1* ");
	CHECK_STR(list(&mia), "");
	CHECK_INT(weft_files_trash_restore(house, &ben, &wanted, &path), ==, 0);
	CHECK_STR(path, "sub/a");
	free(path);
	CHECK_STR(place_read("sub/a"), "12345");
	CHECK_INT(getxattr(place("sub/a"), WEFT__OWNER_ATTRIBUTE, owner, sizeof(owner)), >, 0);
	CHECK_STR(owner, MIA);
	CHECK_INT(mia_used, ==, 5);
	CHECK_INT(kept(), ==, 0);
	CHECK_FAILS(weft_files_trash_restore(house, &ben, &wanted, NULL), ENOENT);
}

BOTH_CASE(a_folder_goes_with_all_below_it_and_comes_back_whole)
{
	open_house();
	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	CHECK_INT(mkdir(place("sub/deep"), 0700), ==, 0);
	CHECK_INT(mkdir(place("sub/.hidden"), 0700), ==, 0);
	place_write("sub/deep/a", "123");
	place_write("sub/.hidden/b", "4567");
	CHECK_INT(symlink("nowhere", place("sub/link")), ==, 0);
	CHECK_INT(trash(&mia, "sub"), ==, 0);
	CHECK_INT(shown("."), ==, 0);
	CHECK_STR(list(&mia), "sub/:mia:7:2* ");
	CHECK_INT(restore(&mia, told.id, NULL), ==, 0);
	CHECK_STR(place_read("sub/deep/a"), "123");
	CHECK_STR(place_read("sub/.hidden/b"), "4567");
	CHECK_INT(house_names("sub"), ==, 3);
	CHECK_INT(kept(), ==, 0);
}

CHECK_CASE(what_is_removed_is_what_was_asked_for)
{
	const struct weft_files_remove_options files = {.only_files = true};
	const struct weft_files_remove_options folders = {.only_folders = true};

	open_house();
	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	place_write("a", "1");
	CHECK_INT(mkfifo(place("fifo"), 0600), ==, 0);
	CHECK_FAILS(weft_files_trash(house, &mia, "sub", &files, NULL), EISDIR);
	CHECK_FAILS(weft_files_trash(house, &mia, "a", &folders, NULL), ENOTDIR);
	CHECK_FAILS(trash(&mia, "fifo"), ENODEV);
	CHECK_FAILS(trash(&mia, ""), EBUSY);
	CHECK_FAILS(trash(&mia, ".x"), EPERM);
	CHECK_FAILS(trash(&mia, "../a"), EINVAL);
	CHECK_FAILS(trash(&mia, "none/a"), ENOENT);
	CHECK_FAILS(trash(&mia, WEFT__TRASH_FOLDER), EPERM);
	CHECK_FAILS(weft_files_remove_all(house, &mia, WEFT__TRASH_FOLDER, NULL), EPERM);
	CHECK_INT(shown("."), ==, 3);
	CHECK_INT(kept(), ==, 0);
}

/* ---- Names that are taken or gone ---------------------------------------------------------------
 */

CHECK_CASE(a_name_that_is_taken_stays_and_another_can_be_had)
{
	static const char *const names[] = {"a.txt", "a (2).txt", "a (3).txt"};
	struct weft_files_restore wanted = {.is_unique = true};
	char *path;

	open_house();
	for (int i = 0; i < 3; i++) {
		CHECK_INT(house_put(&mia, "a.txt", "123"), ==, 0);
		CHECK_INT(trash(&mia, "a.txt"), ==, 0);
	}
	list(&mia);
	CHECK_INT(told.count, ==, 3);
	place_write("a.txt", "there");
	wanted.id = told.id;
	CHECK_FAILS(restore(&mia, told.id, NULL), EEXIST);
	CHECK_STR(place_read("a.txt"), "there");
	CHECK_INT(unlink(place("a.txt")), ==, 0);
	for (int i = 0; i < 3; i++) {
		list(&mia);
		CHECK_INT(weft_files_trash_restore(house, &mia, &wanted, &path), ==, 0);
		CHECK_STR(path, names[i]);
		free(path);
	}
	CHECK_INT(shown("."), ==, 3);
	/* The number that is there counts on. */
	CHECK_INT(trash(&mia, "a (2).txt"), ==, 0);
	place_write("a (2).txt", "there");
	list(&mia);
	CHECK_INT(weft_files_trash_restore(house, &mia, &wanted, &path), ==, 0);
	CHECK_STR(path, "a (4).txt");
	free(path);
}

/* Nothing at "a (2).txt", all elsewhere. */
static unsigned but_at_second(void *arg, const char *path)
{
	(void)arg;
	return strcmp(path, "a (2).txt") == 0 ? 0 : COMMON;
}

CHECK_CASE(another_name_is_had_within_the_rights_at_that_name)
{
	const struct weft_files_visitor bounded = {
		.name = "mia", .owner = MIA, .rights_at = but_at_second};
	struct weft_files_restore wanted = {.is_unique = true};
	char *path;

	open_house();
	CHECK_INT(house_put(&mia, "a.txt", "123"), ==, 0);
	CHECK_INT(trash(&mia, "a.txt"), ==, 0);
	list(&mia);
	place_write("a.txt", "there");
	wanted.id = told.id;
	CHECK_FAILS(weft_files_trash_restore(house, &bounded, &wanted, &path), EACCES);
	CHECK_INT(shown("."), ==, 1);
	CHECK_INT(weft_files_trash_restore(house, &mia, &wanted, &path), ==, 0);
	CHECK_STR(path, "a (2).txt");
	free(path);
}

CHECK_CASE(folders_that_are_gone_are_made_again_or_nothing_is)
{
	const struct weft_files_visitor reader = {
		.name = "mia", .owner = MIA, .rights = WEFT_FILES_READ | WEFT_FILES_LIST};

	open_house();
	CHECK_INT(mkdir(place("one"), 0755), ==, 0);
	CHECK_INT(mkdir(place("one/two"), 0755), ==, 0);
	place_write("one/two/a", "1");
	CHECK_INT(trash(&mia, "one/two/a"), ==, 0);
	list(&mia);
	CHECK_INT(rmdir(place("one/two")), ==, 0);
	CHECK_INT(rmdir(place("one")), ==, 0);
	CHECK_FAILS(restore(&reader, told.id, NULL), EACCES);
	CHECK_INT(shown("."), ==, 0);
	/* Who gets in the way: those that were made go again. */
	CHECK_FAILS(restore(&mia, told.id, "new/\x01"), EINVAL);
	CHECK_FAILS(restore(&mia, told.id, "new/er/.x"), EPERM);
	CHECK_INT(shown("."), ==, 0);
	CHECK_INT(restore(&mia, told.id, NULL), ==, 0);
	CHECK_STR(place_read("one/two/a"), "1");
	/* A file is where a folder was. */
	CHECK_INT(trash(&mia, "one/two/a"), ==, 0);
	list(&mia);
	CHECK_INT(rmdir(place("one/two")), ==, 0);
	place_write("one/two", "file");
	CHECK_FAILS(restore(&mia, told.id, NULL), ENOTDIR);
	CHECK_INT(restore(&mia, told.id, "b"), ==, 0);
	CHECK_STR(place_read("b"), "1");
	CHECK_STR(list(&mia), "");
}

/* ---- Who ----------------------------------------------------------------------------------------
 */

CHECK_CASE(each_sees_her_own_and_who_manages_all)
{
	char of_mia[WEFT_FILES_TRASH_ID_SIZE], of_stranger[WEFT_FILES_TRASH_ID_SIZE];

	open_house();
	CHECK_INT(house_put(&mia, "a", "123"), ==, 0);
	place_write("b", "4567");
	CHECK_INT(weft_files_trash(house, &mia, "a", NULL, of_mia), ==, 0);
	CHECK_INT(weft_files_trash(house, &stranger, "b", NULL, of_stranger), ==, 0);
	CHECK_STR(list(&mia), "a:mia:3:1* ");
	CHECK_STR(list(&ben), "");
	CHECK_STR(list(&stranger), "");
	CHECK_STR(list(&host), "b::4:1 a:mia:3:1 ");
	CHECK_FAILS(restore(&ben, of_mia, NULL), ENOENT);
	CHECK_FAILS(restore(&stranger, of_mia, NULL), ENOENT);
	CHECK_FAILS(weft_files_trash_remove(house, &ben, of_mia), ENOENT);
	CHECK_FAILS(restore(&mia, of_stranger, NULL), ENOENT);
	/* Whoever knows its id is that stranger. */
	CHECK_INT(restore(&stranger, of_stranger, NULL), ==, 0);
	CHECK_INT(restore(&host, of_mia, NULL), ==, 0);
	CHECK_INT(kept(), ==, 0);
}

CHECK_CASE(a_home_is_all_that_its_visitor_knows_of)
{
	struct weft_files_visitor home = mia, other = mia;

	open_house();
	home.home = "/mia/./";
	other.home = "mi";
	CHECK_INT(mkdir(place("mia"), 0755), ==, 0);
	CHECK_INT(mkdir(place("mi"), 0755), ==, 0);
	place_write("mia/a", "1");
	place_write("b", "2");
	CHECK_INT(trash(&home, "a"), ==, 0);
	CHECK_INT(trash(&mia, "b"), ==, 0);
	CHECK_STR(list(&mia), "b:mia:1:1* mia/a:mia:1:1* ");
	CHECK_FAILS(restore(&home, told.id, NULL), ENOENT);
	CHECK_STR(list(&other), "");
	CHECK_STR(list(&home), "a:mia:1:1* ");
	CHECK_INT(restore(&home, told.id, "c"), ==, 0);
	CHECK_STR(place_read("mia/c"), "1");
}

static unsigned rights_at(void *arg, const char *path)
{
	(void)arg;
	if (strncmp(path, "tree/kept", 9) == 0)
		return WEFT_FILES_READ | WEFT_FILES_LIST;
	if (strncmp(path, "dark", 4) == 0)
		return WEFT_FILES_WRITE | WEFT_FILES_DELETE | WEFT_FILES_LIST;
	if (strncmp(path, "half/dark", 9) == 0)
		return WEFT_FILES_ALL & ~WEFT_FILES_READ;
	if (strncmp(path, "shut/kept", 9) == 0)
		return 0;
	return WEFT_FILES_ALL;
}

CHECK_CASE(a_folder_needs_the_right_at_all_that_is_below)
{
	const struct weft_files_visitor some = {.name = "mia", .rights_at = rights_at};

	open_house();
	CHECK_INT(mkdir(place("tree"), 0755), ==, 0);
	CHECK_INT(mkdir(place("tree/sub"), 0755), ==, 0);
	CHECK_INT(mkdir(place("tree/kept"), 0755), ==, 0);
	place_write("tree/kept/a", "1");
	CHECK_FAILS(trash(&some, "tree"), EACCES);
	CHECK_FAILS(weft_files_remove_all(house, &some, "tree", NULL), EACCES);
	CHECK_FAILS(trash(&some, "tree/kept"), EACCES);
	CHECK_STR(place_read("tree/kept/a"), "1");
	CHECK_INT(trash(&some, "tree/sub"), ==, 0);
	CHECK_FAILS(trash(&(struct weft_files_visitor){.rights = WEFT_FILES_READ}, "tree"), EACCES);
}

CHECK_CASE(nothing_comes_to_light_by_being_restored)
{
	const struct weft_files_visitor some = {.name = "mia", .rights_at = rights_at};

	open_house();
	CHECK_INT(mkdir(place("dark"), 0755), ==, 0);
	place_write("dark/a", "secret");
	CHECK_INT(trash(&some, "dark/a"), ==, 0);
	list(&some);
	CHECK_FAILS(restore(&some, told.id, "a"), EACCES);
	CHECK_INT(restore(&some, told.id, "dark/b"), ==, 0);
	CHECK_INT(mkdir(place("half"), 0755), ==, 0);
	CHECK_INT(mkdir(place("half/dark"), 0755), ==, 0);
	place_write("half/dark/a", "secret");
	CHECK_INT(trash(&some, "half"), ==, 0);
	list(&some);
	CHECK_FAILS(restore(&some, told.id, "a"), EACCES);
	CHECK_INT(restore(&some, told.id, NULL), ==, 0);
	CHECK_STR(place_read("half/dark/a"), "secret");
}

CHECK_CASE(what_is_restored_needs_the_right_to_write_at_all_that_is_below)
{
	const struct weft_files_visitor some = {.name = "mia", .rights_at = rights_at};

	open_house();
	CHECK_INT(mkdir(place("tree"), 0755), ==, 0);
	CHECK_INT(mkdir(place("tree/sub"), 0755), ==, 0);
	place_write("tree/sub/a", "1");
	CHECK_INT(trash(&some, "tree"), ==, 0);
	list(&some);
	CHECK_INT(restore(&some, told.id, "shut"), ==, 0);
	CHECK_INT(rename(place("shut/sub"), place("shut/kept2")), ==, 0);
	CHECK_INT(rename(place("shut"), place("free")), ==, 0);
	CHECK_INT(rename(place("free/kept2"), place("free/kept")), ==, 0);
	CHECK_INT(trash(&some, "free"), ==, 0);
	list(&some);
	CHECK_FAILS(restore(&some, told.id, "shut"), EACCES);
	CHECK_FAILS(restore(&some, told.id, "tree"), EACCES);
	CHECK_INT(shown("."), ==, 0);
	CHECK_INT(restore(&some, told.id, NULL), ==, 0);
	CHECK_STR(place_read("free/kept/a"), "1");
	/* Where it was, too: what the host has removed. */
	CHECK_INT(rename(place("free"), place("shut")), ==, 0);
	CHECK_INT(trash(&host, "shut"), ==, 0);
	list(&some);
	CHECK_FAILS(restore(&some, told.id, NULL), EACCES);
	CHECK_INT(restore(&host, told.id, NULL), ==, 0);
}

CHECK_CASE(what_another_has_removed_goes_for_good_by_who_may_remove_all_that_is_below)
{
	const struct weft_files_visitor some = {.name = "mia", .rights_at = rights_at};

	open_house();
	CHECK_INT(mkdir(place("shut"), 0755), ==, 0);
	CHECK_INT(mkdir(place("shut/kept"), 0755), ==, 0);
	place_write("shut/kept/a", "1");
	CHECK_INT(trash(&host, "shut"), ==, 0);
	list(&some);
	CHECK_INT(told.count, ==, 1);
	CHECK_FAILS(weft_files_trash_remove(house, &some, told.id), EACCES);
	CHECK_INT(restore(&host, told.id, NULL), ==, 0);
	CHECK_STR(place_read("shut/kept/a"), "1");
	CHECK_INT(unlink(place("shut/kept/a")), ==, 0);
	CHECK_INT(rmdir(place("shut/kept")), ==, 0);
	CHECK_INT(trash(&host, "shut"), ==, 0);
	list(&some);
	CHECK_INT(weft_files_trash_remove(house, &some, told.id), ==, 0);
	CHECK_STR(list(&host), "");
}

CHECK_CASE(where_she_has_no_right_she_knows_of_nothing)
{
	const struct weft_files_visitor some = {
		.name = "mia", .owner = MIA, .rights_at = rights_at};

	open_house();
	CHECK_INT(mkdir(place("shut"), 0755), ==, 0);
	CHECK_INT(house_put(&mia, "shut/kept", "123"), ==, 0);
	CHECK_INT(trash(&mia, "shut/kept"), ==, 0);
	CHECK_STR(list(&some), "");
	CHECK_STR(list(&mia), "shut/kept:mia:3:1* ");
	CHECK_FAILS(weft_files_trash_remove(house, &some, told.id), ENOENT);
	CHECK_FAILS(restore(&some, told.id, "x"), ENOENT);
	CHECK_INT(restore(&mia, told.id, NULL), ==, 0);
}

CHECK_CASE(who_may_not_remove_any_more_may_not_empty)
{
	const struct weft_files_visitor reader = {
		.name = "mia", .owner = MIA, .rights = WEFT_FILES_READ | WEFT_FILES_LIST};

	open_house();
	CHECK_INT(house_put(&mia, "a", "123"), ==, 0);
	CHECK_INT(trash(&mia, "a"), ==, 0);
	list(&mia);
	CHECK_FAILS(weft_files_trash_remove(house, &reader, told.id), EACCES);
	CHECK_FAILS(weft_files_trash_empty(house, &reader), EACCES);
	CHECK_INT(mia_used, ==, 3);
	CHECK_STR(list(&reader), "a:mia:3:1* ");
}

CHECK_CASE(no_hostile_id_leads_anywhere)
{
	static const char *const ids[] = {"", "0", "..", "../a", "/",
		"0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdef0",
		"0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcde/",
		"../../../../../../../../../../etc", "0123456789abcdef0123456789abcdef.info",
		"0123456789abcdef0123456789abcdeg", "\n123456789abcdef0123456789abcdef",
		"00000000000000000000000000000000"};

	open_house();
	place_write("a", "1");
	CHECK_INT(trash(&host, "a"), ==, 0);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		CHECK_FAILS(restore(&host, ids[i], NULL), ENOENT);
		CHECK_FAILS(weft_files_trash_remove(house, &host, ids[i]), ENOENT);
	}
	CHECK_INT(kept(), ==, 2);
}

/* ---- For good ---------------------------------------------------------------------------------
 */

BOTH_CASE(gone_for_good_its_owners_are_credited)
{
	open_house();
	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	CHECK_INT(mkdir(place("sub/deep"), 0755), ==, 0);
	CHECK_INT(house_put(&mia, "sub/a", "123"), ==, 0);
	CHECK_INT(house_put(&ben, "sub/deep/b", "4567"), ==, 0);
	CHECK_INT(house_put(&mia, "c", "1"), ==, 0);
	CHECK_INT(trash(&ben, "sub"), ==, 0);
	CHECK_INT(trash(&mia, "c"), ==, 0);
	CHECK_INT(mia_used, ==, 4);
	CHECK_INT(ben_used, ==, 4);
	list(&ben);
	CHECK_INT(weft_files_trash_remove(house, &ben, told.id), ==, 0);
	CHECK_INT(mia_used, ==, 1);
	CHECK_INT(ben_used, ==, 0);
	CHECK_FAILS(weft_files_trash_remove(house, &ben, told.id), ENOENT);
	CHECK_INT(weft_files_trash_empty(house, &ben), ==, 0);
	CHECK_STR(list(&mia), "c:mia:1:1* ");
	CHECK_INT(weft_files_trash_empty(house, &mia), ==, 0);
	CHECK_INT(mia_used, ==, 0);
	CHECK_INT(kept(), ==, 0);
}

CHECK_CASE(a_stranger_empties_nothing_and_each_only_her_own)
{
	open_house();
	place_write("a", "1");
	place_write("b", "1");
	CHECK_INT(trash(&stranger, "a"), ==, 0);
	CHECK_INT(trash(&mia, "b"), ==, 0);
	CHECK_INT(weft_files_trash_empty(house, &stranger), ==, 0);
	CHECK_INT(weft_files_trash_empty(house, &host), ==, 0);
	CHECK_INT(kept(), ==, 4);
	/* Where there are no names, whoever manages is who has removed it. */
	CHECK_INT(weft_files_trash_empty(
			  house, &(struct weft_files_visitor){.rights = WEFT_FILES_ALL}),
		==, 0);
	CHECK_STR(list(&host), "b:mia:1:1 ");
}

static int note_owner(const struct weft_files_owned *owned, void *arg)
{
	*(int64_t *)arg += strcmp(owned->owner, MIA) == 0 ? owned->bytes : 1000;
	return 0;
}

CHECK_CASE(what_is_in_the_trash_is_its_owners_as_long_as_it_is_there)
{
	int64_t counted = 0;

	open_house();
	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	CHECK_INT(house_put(&mia, "sub/a", "123"), ==, 0);
	CHECK_INT(house_put(&mia, "b", "4567"), ==, 0);
	CHECK_INT(trash(&mia, "sub"), ==, 0);
	CHECK_INT(weft_files_owners(house, note_owner, &counted), ==, 0);
	CHECK_INT(counted, ==, 7);
}

CHECK_CASE(what_has_expired_goes_and_what_has_not_stays)
{
	struct weft_files_options options = {.freed = note_freed};

	open_house();
	CHECK_INT(weft_files_trash_days(house), ==, 30);
	CHECK_INT(house_put(&mia, "a", "123"), ==, 0);
	CHECK_INT(trash(&ben, "a"), ==, 0);
	CHECK_INT(weft_files_expire(house), ==, 0);
	CHECK_INT(kept(), ==, 2);
	/* Without a trash nothing goes into it, and what is in it waits. */
	options.trash_keep_ns = -1;
	house_open(&options);
	CHECK_INT(weft_files_trash_days(house), ==, 0);
	place_write("b", "1");
	CHECK_FAILS(trash(&ben, "b"), ENOTSUP);
	CHECK_STR(list(&ben), "");
	CHECK_INT(kept(), ==, 2);
	CHECK_INT(mia_used, ==, 3);
	/* A second has no parts here: it is over at once. */
	options.trash_keep_ns = 1;
	house_open(&options);
	CHECK_INT(weft_files_trash_days(house), ==, 1);
	CHECK_INT(kept(), ==, 0);
	CHECK_INT(mia_used, ==, 0);
}

/* ---- Folders that go for good -------------------------------------------------------------------
 */

BOTH_CASE(a_folder_goes_for_good_with_all_in_it)
{
	open_house();
	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	CHECK_INT(mkdir(place("sub/.hidden"), 0755), ==, 0);
	CHECK_INT(mkdir(place("sub/closed"), 0755), ==, 0);
	place_write("sub/.hidden/a", "1");
	place_write("sub/closed/b", "1");
	CHECK_INT(symlink("../outside", place("sub/link")), ==, 0);
	CHECK_INT(mkdir(place("outside"), 0755), ==, 0);
	place_write("outside/c", "1");
	for (int i = 0; i < 200; i++) {
		char name[40];

		snprintf(name, sizeof(name), "sub/%d", i);
		CHECK_INT(house_put(i % 2 ? &mia : &ben, name, "1"), ==, 0);
	}
	CHECK_INT(chmod(place("sub/closed"), 0500), ==, 0);
	CHECK_INT(weft_files_remove_all(house, &mia, "sub/", NULL), ==, 0);
	CHECK_INT(shown("."), ==, 1);
	CHECK_INT(kept(), ==, 0);
	CHECK_STR(place_read("outside/c"), "1");
	CHECK_INT(mia_used, ==, 0);
	CHECK_INT(ben_used, ==, 0);
}

CHECK_CASE(no_folder_is_too_deep)
{
	int fd, below;

	open_house();
	fd = open(place(""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 3000; i++) {
		CHECK_INT(mkdirat(fd, "deep", 0755), ==, 0);
		below = openat(fd, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		CHECK(below >= 0);
		close(fd);
		fd = below;
	}
	close(fd);
	/* What no path leads to can't be counted, and stays as it is. */
	CHECK_FAILS(weft_files_remove_all(house, &mia, "deep", NULL), ENAMETOOLONG);
	CHECK_INT(mkdir(place(WEFT__TRASH_FOLDER), 0700), ==, 0);
	CHECK_INT(rename(place("deep"),
			  place(WEFT__TRASH_FOLDER "/d-00000000000000000000000000000000")),
		==, 0);
	CHECK_INT(weft_files_expire(house), ==, 0);
	CHECK_INT(kept(), ==, 0);
}

struct late {
	int result;
};

static int remove_late(void *arg)
{
	struct late *late = arg;

	/* Nothing of it is waited for once it is over: the first step is not begun. */
	WEFT_WITH_TIMEOUT (0)
		late->result = weft_files_remove_all(house, &mia, "sub", NULL);
	return 0;
}

CHECK_CASE(who_is_late_has_removed_nothing_or_all_of_it)
{
	const struct weft_run_options one = {.workers = 1};
	struct late late = {0};

	open_house();
	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	place_write("sub/a", "1");
	CHECK_INT(weft_run(&one, remove_late, &late), ==, 0);
	CHECK_INT(late.result, ==, -1);
	CHECK_STR(place_read("sub/a"), "1");
	CHECK_INT(kept(), ==, 0);
}

/* ---- What was left
 * ------------------------------------------------------------------------------- */

CHECK_CASE(what_killed_processes_have_left_is_cleared_up_and_nothing_else)
{
	static const char record[] = WEFT__TRASH_FOLDER "/t-00000000000000000000000000000001.info";
	static const char lost[] = WEFT__TRASH_FOLDER "/t-00000000000000000000000000000002";
	static const char doomed[] = WEFT__TRASH_FOLDER "/d-00000000000000000000000000000003";
	static const char copied[] = WEFT__TRASH_FOLDER "/c-00000000000000000000000000000004";

	open_house();
	place_write("a", "1");
	CHECK_INT(trash(&mia, "a"), ==, 0);
	place_write(record, "half of it");
	place_write(lost, "lost");
	place_write(WEFT__TRASH_FOLDER "/notes", "a stranger's");
	CHECK_INT(mkdir(place(doomed), 0755), ==, 0);
	CHECK_INT(mkdir(place(copied), 0755), ==, 0);
	CHECK_INT(mkdir(place(WEFT__TRASH_FOLDER "/c-00000000000000000000000000000004/x"), 0755),
		==, 0);
	open_house(); /* the next start */
	CHECK_INT(access(place(record), F_OK), <, 0);
	CHECK_INT(access(place(doomed), F_OK), <, 0);
	CHECK_INT(access(place(copied), F_OK), <, 0);
	CHECK_STR(list(&mia), "a:mia:1:1* ");
	CHECK_INT(restore(&mia, told.id, NULL), ==, 0);
	/* What has lost its record is there for who manages, by its id. */
	CHECK_STR(list(&host), "00000000000000000000000000000002::0:0 ");
	CHECK_INT(restore(&host, told.id, "found"), ==, 0);
	CHECK_STR(place_read("found"), "lost");
	CHECK_INT(kept(), ==, 1);
}

CHECK_CASE(the_trash_itself_is_there_for_nobody)
{
	const struct weft_files_options options = {.shows_hidden = true, .follows_links = true};
	struct stat stat;

	house_open(&options);
	place_write("a", "1");
	CHECK_INT(trash(&host, "a"), ==, 0);
	CHECK_FAILS(weft_files_stat(house, &host, WEFT__TRASH_FOLDER, &stat), ENOENT);
	CHECK_FAILS(weft_files_open(house, &host, WEFT__TRASH_FOLDER "/", NULL), ENOENT);
	CHECK_FAILS(house_put(&host, WEFT__TRASH_FOLDER "/x", "1"), EPERM);
	CHECK_FAILS(weft_files_mkdir(house, &host, WEFT__TRASH_FOLDER), EPERM);
	CHECK_INT(kept(), ==, 2);
}

CHECK_CASE(what_is_on_another_file_system_stays_there)
{
	open_house();
	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	CHECK_INT(mkdir(place("sub/other"), 0755), ==, 0);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", place("sub/other"), "tmpfs", 0, NULL) < 0)
		check_skip("needs to mount");
	open_house(); /* as it is mounted now */
	place_write("sub/other/a", "1");
	CHECK_FAILS(trash(&mia, "sub"), EXDEV);
	CHECK_FAILS(trash(&mia, "sub/other/a"), EXDEV);
	CHECK_FAILS(weft_files_remove_all(house, &mia, "sub", NULL), EXDEV);
	CHECK_STR(place_read("sub/other/a"), "1");
	CHECK_INT(umount(place("sub/other")), ==, 0);
	CHECK_INT(kept(), ==, 0);
}

CHECK_CASE(a_file_that_another_is_mounted_on_stays_with_its_folder)
{
	const struct weft_files_put_options replaces = {.may_replace = true};
	const struct weft_files_move move = {.from = "sub", .to = "moved"};
	char elsewhere[PATH_MAX];

	open_house();
	place_write("elsewhere", "precious");
	snprintf(elsewhere, sizeof(elsewhere), "%s", place("elsewhere"));
	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	CHECK_INT(mkdir(place("sub/deep"), 0755), ==, 0);
	CHECK_INT(mkdir(place("folder"), 0755), ==, 0);
	place_write("sub/deep/a", "under it");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount(elsewhere, place("sub/deep/a"), NULL, MS_BIND, NULL) < 0 ||
		mount("none", place("folder"), "tmpfs", 0, NULL) < 0)
		check_skip("needs to mount");
	open_house(); /* as it is mounted now */
	CHECK_FAILS(trash(&mia, "sub"), EXDEV);
	CHECK_FAILS(weft_files_remove_all(house, &mia, "sub", NULL), EXDEV);
	/* What is a mount itself: not "somebody else is at it". */
	CHECK_FAILS(trash(&mia, "sub/deep/a"), EXDEV);
	CHECK_FAILS(weft_files_remove(house, &mia, "sub/deep/a", NULL), EXDEV);
	CHECK_FAILS(weft_files_remove(house, &mia, "folder", NULL), EXDEV);
	CHECK_FAILS(house_put_with(&mia, "sub/deep/a", "new", &replaces), EXDEV);
	CHECK_FAILS(weft_files_move(house, &mia,
			    &(struct weft_files_move){.from = "folder", .to = "new"}, NULL),
		EXDEV);
	/* A rename within the disk takes it along. */
	CHECK_INT(weft_files_move(house, &mia, &move, NULL), ==, 0);
	CHECK_STR(place_read("moved/deep/a"), "precious");
	CHECK_INT(umount(place("moved/deep/a")), ==, 0);
	CHECK_INT(umount(place("folder")), ==, 0);
	CHECK_STR(place_read("moved/deep/a"), "under it");
	CHECK_STR(place_read("elsewhere"), "precious");
	CHECK_INT(kept(), ==, 0);
}

CHECK_MAIN()
