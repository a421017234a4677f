/*
 * test_estate.c - the files that one person has stored: into the trash, or another's.
 */
#include <sys/xattr.h>
#include <unistd.h>

#include "files/house.h"
#include "files/owner.h"
#include "files/store.h"
#include "weft/files_trash.h"

#define MIA "#1.100"
#define BEN "#2.100"

static const struct weft_files_visitor mia = {
	.name = "mia", .owner = MIA, .rights = WEFT_FILES_ALL};
static const struct weft_files_visitor ben = {
	.name = "ben", .owner = BEN, .rights = WEFT_FILES_ALL};
static const struct weft_files_visitor host = {.name = "host", .rights = WEFT_FILES_ALL};

static void open_house(void)
{
	house_open(&(struct weft_files_options){.trash_keep_ns = 0});
	CHECK_INT(mkdir(place("hers"), 0755), ==, 0);
	CHECK_INT(mkdir(place("all"), 0755), ==, 0);
	CHECK_INT(mkdir(place("all/deep"), 0755), ==, 0);
	CHECK_INT(house_put(&mia, "hers/a", "12345"), ==, 0);
	CHECK_INT(house_put(&mia, "all/deep/b", "123"), ==, 0);
	CHECK_INT(house_put(&ben, "all/c", "1"), ==, 0);
	place_write("all/nobodys", "n");
	CHECK_INT(symlink("deep/b", place("all/link")), ==, 0);
	if (getxattr(place("all/c"), WEFT__OWNER_ATTRIBUTE, NULL, 0) < 0)
		check_skip("this file system keeps no attributes");
}

static void is_owned(const char *path, const char *owner)
{
	char text[WEFT_FILES_OWNER_SIZE] = "";

	CHECK_INT(getxattr(place(path), WEFT__OWNER_ATTRIBUTE, text, sizeof(text) - 1), >, 0);
	CHECK_STR(text, owner);
}

static int told;

static int count_trashed(const struct weft_files_trashed *trashed, void *arg)
{
	(void)arg;
	CHECK(strcmp(trashed->path, "hers/a") == 0 || strcmp(trashed->path, "all/deep/b") == 0);
	told++;
	return 0;
}

BOTH_CASE(all_that_is_hers_goes_to_the_trash_and_nothing_else)
{
	const struct weft_files_estate estate = {.owner = MIA};
	struct weft_files_estate_done done;

	open_house();
	CHECK_INT(weft_files_settle_estate(house, &host, &estate, &done), ==, 0);
	CHECK_INT(done.files, ==, 2);
	CHECK_INT(done.bytes, ==, 8);
	CHECK_INT(done.left, ==, 0);
	CHECK(access(place("hers/a"), F_OK) < 0 && access(place("all/deep/b"), F_OK) < 0);
	CHECK_STR(place_read("all/c"), "1");
	CHECK_STR(place_read("all/nobodys"), "n");
	told = 0;
	CHECK_INT(weft_files_trash_list(house, &host, count_trashed, NULL), ==, 0);
	CHECK_INT(told, ==, 2);
	/* Once more there is nothing to do. */
	CHECK_INT(weft_files_settle_estate(house, &host, &estate, &done), ==, 0);
	CHECK_INT(done.files + done.left, ==, 0);
}

static int64_t passed, room;

static int pass(void *arg, int64_t bytes)
{
	(void)arg;
	if (passed + bytes > room) {
		errno = EDQUOT;
		return -1;
	}
	passed += bytes;
	return 0;
}

BOTH_CASE(all_that_is_hers_becomes_anothers_where_it_is_and_counts_there)
{
	const struct weft_files_estate estate = {.owner = MIA, .heir = BEN, .pass = pass};
	struct weft_files_estate_done done;

	open_house();
	CHECK_INT(link(place("hers/a"), place("hers/twice")), ==, 0); /* for no bytes */
	passed = 0;
	room = 3;
	CHECK_INT(weft_files_settle_estate(house, &host, &estate, &done), ==, 0);
	CHECK_INT(done.files, ==, 2);
	CHECK_INT(done.bytes, ==, 3);
	CHECK_INT(passed, ==, 3);
	CHECK_INT(done.left, ==, 0);
	is_owned("hers/a", BEN);
	is_owned("all/deep/b", BEN);
	CHECK_STR(place_read("all/deep/b"), "123");
	CHECK_INT(getxattr(place("all/nobodys"), WEFT__OWNER_ATTRIBUTE, NULL, 0), <, 0);
}

CHECK_CASE(a_quota_that_is_full_ends_it_and_what_was_done_stays)
{
	const struct weft_files_estate estate = {.owner = MIA, .heir = BEN, .pass = pass};
	struct weft_files_estate_done done;

	open_house();
	passed = 0;
	room = 7;
	CHECK_FAILS(weft_files_settle_estate(house, &host, &estate, &done), EDQUOT);
	CHECK_INT(done.files, ==, 1);
	CHECK_INT(done.bytes, ==, passed);
	room = 8;
	CHECK_INT(weft_files_settle_estate(house, &host, &estate, &done), ==, 0);
	CHECK_INT(done.files, ==, 1);
	CHECK_INT(passed, ==, 8);
}

static int64_t freed;

static void note_freed(void *arg, const char *owner, int64_t bytes)
{
	(void)arg;
	CHECK_STR(owner, MIA);
	freed += bytes;
}

static struct weft_files_upload *begin_upload(const struct weft_files_visitor *visitor)
{
	struct weft_files_upload *upload = weft_files_upload_create(
		house, visitor, "big", &(struct weft_files_upload_options){.len = 100});

	CHECK(upload != NULL);
	CHECK_INT(weft_files_upload_write(upload, "1234567", 7), ==, 0);
	CHECK_INT(weft_files_upload_sync(upload), ==, 0);
	return upload;
}

static int count_upload(const struct weft_files_upload_facts *facts, bool is_busy, void *arg)
{
	(void)facts, (void)is_busy;
	++*(int *)arg;
	return 0;
}

static int uploads_of(const struct weft_files_visitor *visitor)
{
	int count = 0;

	CHECK_INT(weft_files_uploads(house, visitor, count_upload, &count), ==, 0);
	return count;
}

CHECK_CASE(unfinished_uploads_go_with_her_but_for_one_that_is_being_gone_on_with)
{
	struct weft_files_estate estate = {.owner = MIA};
	struct weft_files_estate_done done;
	struct weft_files_upload *busy;

	open_house();
	house_open(&(struct weft_files_options){.freed = note_freed});
	for (int i = 0; i < 2; i++) { /* the trash, and an heir */
		freed = 0;
		weft_files_upload_close(begin_upload(&mia));
		weft_files_upload_close(begin_upload(&ben));
		busy = begin_upload(&mia);
		CHECK_INT(weft_files_settle_estate(house, &host, &estate, &done), ==, 0);
		CHECK_INT(done.uploads, ==, 1);
		CHECK_INT(done.left, ==, 1);
		CHECK_INT(freed, ==, 7);
		CHECK_INT(uploads_of(&mia), ==, 1);
		CHECK_INT(uploads_of(&ben), ==, i + 1);
		weft_files_upload_close(busy);
		CHECK_INT(weft_files_settle_estate(house, &host, &estate, &done), ==, 0);
		CHECK_INT(done.uploads, ==, 1);
		CHECK_INT(done.left + uploads_of(&mia), ==, 0);
		CHECK_INT(freed, ==, 14);
		estate.heir = BEN;
	}
}

static unsigned rights_at(void *arg, const char *path)
{
	(void)arg;
	if (strncmp(path, "hers", 4) == 0)
		return 0;
	return strncmp(path, "all/deep", 8) == 0 ? WEFT_FILES_ALL & ~WEFT_FILES_DELETE
						 : WEFT_FILES_ALL;
}

CHECK_CASE(what_the_visitor_may_not_remove_or_see_stays_hers)
{
	const struct weft_files_visitor some = {.name = "some", .rights_at = rights_at};
	struct weft_files_estate estate = {.owner = MIA};
	struct weft_files_estate_done done;

	open_house();
	for (int i = 0; i < 2; i++) {
		CHECK_INT(weft_files_settle_estate(house, &some, &estate, &done), ==, 0);
		CHECK_INT(done.files, ==, 0);
		CHECK_INT(done.left, ==, 1);
		is_owned("hers/a", MIA);
		is_owned("all/deep/b", MIA);
		estate.heir = BEN;
	}
}

CHECK_CASE(what_can_not_be_is_refused)
{
	struct weft_files_estate estate = {.owner = ""};
	struct weft_files_estate_done done;

	open_house();
	CHECK_FAILS(weft_files_settle_estate(house, &host, &estate, &done), EINVAL);
	estate = (struct weft_files_estate){.owner = MIA, .heir = ""};
	CHECK_FAILS(weft_files_settle_estate(house, &host, &estate, &done), EINVAL);
	house_open(&(struct weft_files_options){.trash_keep_ns = -1});
	estate.heir = NULL;
	CHECK_FAILS(weft_files_settle_estate(house, &host, &estate, &done), ENOTSUP);
	is_owned("hers/a", MIA);
}

CHECK_MAIN()
