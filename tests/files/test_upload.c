/*
 * test_upload.c - uploads that are gone on with: by whom, from where, what is there after a kill,
 * and when they go.
 *
 * check: drivers waits
 */
#include <sys/file.h>

#include "descriptors.h"
#include "files/upload.h"
#include "house.h"
#include "weft/scope.h"

static char id[WEFT_FILES_UPLOAD_ID_SIZE];

static const struct weft_files_upload_options ten = {.len = 10};

static struct weft_files_upload *create(
	const char *path, const struct weft_files_upload_options *options)
{
	struct weft_files_upload *upload = weft_files_upload_create(house, &all, path, options);

	CHECK(upload != NULL);
	memcpy(id, weft_files_upload_facts(upload).id, sizeof(id));
	return upload;
}

static struct weft_files_upload *go_on(int64_t offset)
{
	struct weft_files_upload *upload = weft_files_upload_open(house, &all, id);

	CHECK(upload != NULL);
	CHECK_INT(weft_files_upload_facts(upload).offset, ==, offset);
	return upload;
}

static void add(struct weft_files_upload *upload, const char *text)
{
	CHECK_INT(weft_files_upload_write(upload, text, strlen(text)), ==, 0);
}

/* How many files are in the staging folder. */
static int staged(void)
{
	DIR *folder = opendir(place(".weft-upload"));
	int count = -2;

	if (!folder)
		return 0;
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* ---- Going on ---------------------------------------------------------------------------- */

BOTH_CASE(an_upload_is_gone_on_with_and_published_whole)
{
	struct weft_files_upload *upload;
	struct weft_files_upload_facts facts;
	struct weft_files_result result;
	int before;

	house_open(NULL);
	before = descriptors();
	upload = create("/a", &(struct weft_files_upload_options){.len = 10, .remark = "r 1\n2"});
	add(upload, "01234");
	CHECK_INT(weft_files_upload_sync(upload), ==, 0);
	weft_files_upload_close(upload);
	CHECK_INT(house_names("."), ==, 1); /* the staging folder */
	upload = go_on(5);
	facts = weft_files_upload_facts(upload);
	CHECK_INT(facts.len, ==, 10);
	CHECK_STR(facts.path, "a");
	CHECK_STR(facts.owner, "ann");
	CHECK_STR(facts.remark, "r 1\n2");
	CHECK_INT(facts.expires_s, >, weft_wall_now() / WEFT_SECONDS(1));
	CHECK_FAILS(weft_files_upload_commit(upload, NULL, NULL), EPIPE);
	add(upload, "56789");
	CHECK_INT(weft_files_upload_commit(upload, NULL, &result), ==, 0);
	CHECK(result.is_new && result.stat.st_size == 10);
	CHECK_STR(place_read("a"), "0123456789");
	CHECK_INT(staged(), ==, 0);
	CHECK_INT(descriptors(), ==, before);
	CHECK_NULL(weft_files_upload_open(house, &all, id), ENOENT);
}

BOTH_CASE(what_was_not_synced_comes_again_after_a_kill)
{
	struct weft_files_upload *upload;
	int status;
	pid_t child;

	house_open(NULL);
	weft_files_upload_close(create("a", &ten));
	fflush(stdout);
	child = fork();
	if (child == 0) {
		upload = go_on(0);
		add(upload, "01234");
		CHECK_INT(weft_files_upload_sync(upload), ==, 0);
		add(upload, "56");
		_exit(7);
	}
	CHECK_INT(waitpid(child, &status, 0), ==, child);
	CHECK_INT(WEXITSTATUS(status), ==, 7);
	house_open(NULL); /* the start after it */
	upload = go_on(5);
	add(upload, "56789");
	CHECK_INT(weft_files_upload_commit(upload, NULL, NULL), ==, 0);
	CHECK_STR(place_read("a"), "0123456789");
}

BOTH_CASE(a_close_keeps_what_was_written)
{
	struct weft_files_upload *upload;

	house_open(NULL);
	upload = create("a", &ten);
	add(upload, "012");
	weft_files_upload_close(upload);
	weft_files_upload_close(go_on(3));
}

BOTH_CASE(a_piece_that_was_wrong_is_taken_back)
{
	struct weft_files_upload *upload;

	house_open(NULL);
	upload = create("a", &ten);
	add(upload, "01234wrong");
	CHECK_INT(weft_files_upload_rewind(upload, 5), ==, 0);
	CHECK_FAILS(weft_files_upload_rewind(upload, 6), EINVAL);
	CHECK_FAILS(weft_files_upload_rewind(upload, -1), EINVAL);
	CHECK_INT(weft_files_upload_sync(upload), ==, 0);
	weft_files_upload_close(upload);
	upload = go_on(5);
	add(upload, "5wron");
	CHECK_INT(weft_files_upload_sync(upload), ==, 0);
	CHECK_INT(weft_files_upload_rewind(upload, 2), ==, 0);
	add(upload, "23456789");
	CHECK_INT(weft_files_upload_commit(upload, NULL, NULL), ==, 0);
	CHECK_STR(place_read("a"), "0123456789");
}

BOTH_CASE(no_more_comes_than_was_said)
{
	struct weft_files_upload *upload;

	house_open(NULL);
	upload = create("a", &ten);
	CHECK_FAILS(weft_files_upload_write(upload, "0123456789x", 11), EFBIG);
	CHECK_INT(weft_files_upload_rewind(upload, 0), ==, 0);
	add(upload, "0123456789");
	CHECK_INT(weft_files_upload_commit(upload, NULL, NULL), ==, 0);
	upload = create("b", &(struct weft_files_upload_options){.len = -1});
	add(upload, "012");
	CHECK_FAILS(weft_files_upload_set_len(upload, 2), EINVAL);
	CHECK_INT(weft_files_upload_set_len(upload, 4), ==, 0);
	CHECK_FAILS(weft_files_upload_set_len(upload, 5), EINVAL);
	weft_files_upload_close(upload);
	upload = go_on(3);
	CHECK_INT(weft_files_upload_facts(upload).len, ==, 4);
	CHECK_FAILS(weft_files_upload_write(upload, "34", 2), EFBIG);
	weft_files_upload_close(upload);
}

/* ---- Whose it is ------------------------------------------------------------------------- */

BOTH_CASE(only_its_visitor_goes_on_with_it_and_only_one_at_a_time)
{
	const struct weft_files_visitor bob = {.name = "bob", .rights = WEFT_FILES_ALL};
	const struct weft_files_visitor stranger = {.rights = WEFT_FILES_ALL};
	struct weft_files_upload *upload, *other;

	house_open(NULL);
	upload = create("a", &ten);
	CHECK_NULL(weft_files_upload_open(house, &all, id), EBUSY);
	other = weft_files_upload_peek(house, &all, id);
	CHECK(other != NULL);
	CHECK_INT(weft_files_upload_facts(other).len, ==, 10);
	CHECK_FAILS(weft_files_upload_write(other, "x", 1), EBADF);
	CHECK_FAILS(weft_files_upload_sync(other), EBADF);
	CHECK_FAILS(weft_files_upload_rewind(other, 0), EBADF);
	CHECK_FAILS(weft_files_upload_set_len(other, 10), EBADF);
	CHECK_FAILS(weft_files_upload_commit(other, NULL, NULL), EBADF);
	CHECK_FAILS(weft_files_upload_remove(other), EBADF);
	CHECK_NULL(weft_files_upload_peek(house, &bob, id), ENOENT);
	weft_files_upload_close(upload);
	CHECK_NULL(weft_files_upload_open(house, &bob, id), ENOENT);
	CHECK_NULL(weft_files_upload_open(house, &stranger, id), ENOENT);
	CHECK_NULL(weft_files_upload_open(house, &all, "../a"), ENOENT);
	CHECK_NULL(weft_files_upload_open(house, &all, ""), ENOENT);
	CHECK_NULL(weft_files_upload_open(house, &all, "00000000000000000000000000000000"), ENOENT);
	upload = go_on(0);
	CHECK_INT(weft_files_upload_remove(upload), ==, 0);
	CHECK_NULL(weft_files_upload_open(house, &all, id), ENOENT);
	CHECK_INT(staged(), ==, 0);
}

BOTH_CASE(the_latest_to_a_path_is_found)
{
	const struct weft_files_visitor bob = {.name = "bob", .rights = WEFT_FILES_ALL};
	const struct weft_files_visitor stranger = {.rights = WEFT_FILES_ALL};
	struct weft_files_upload *upload;

	house_open(NULL);
	CHECK_NULL(weft_files_upload_find(house, &all, "a"), ENOENT);
	weft_files_upload_close(create("a", &ten));
	upload = weft_files_upload_find(house, &all, "/a");
	CHECK(upload != NULL);
	CHECK_STR(weft_files_upload_facts(upload).id, id);
	weft_files_upload_close(upload);
	CHECK_NULL(weft_files_upload_find(house, &all, "b"), ENOENT);
	CHECK_NULL(weft_files_upload_find(house, &bob, "a"), ENOENT);
	CHECK_NULL(weft_files_upload_find(house, &stranger, "a"), ENOENT);
}

CHECK_CASE(a_visitor_has_so_many_and_no_more)
{
	const struct weft_files_options options = {.uploads_max = 3};
	const struct weft_files_visitor bob = {.name = "bob", .rights = WEFT_FILES_ALL};

	house_open(&options);
	for (int i = 0; i < 3; i++)
		weft_files_upload_close(create("a", &ten));
	CHECK_NULL(weft_files_upload_create(house, &all, "a", &ten), EDQUOT);
	weft_files_upload_close(weft_files_upload_create(house, &bob, "a", &ten));
	CHECK_INT(staged(), ==, 8);
}

/* ---- What is there ----------------------------------------------------------------------- */

BOTH_CASE(what_has_the_name_by_then_decides)
{
	const struct weft_files_put_options replaces = {.may_replace = true};
	const struct weft_files_upload_options may = {.len = -1, .may_replace = true};
	struct weft_files_upload *upload, *other;

	house_open(NULL);
	upload = create("a", &ten);
	add(upload, "0123456789");
	place_write("a", "other");
	CHECK_FAILS(weft_files_upload_commit(upload, NULL, NULL), EEXIST);
	CHECK_FAILS(weft_files_upload_commit(upload, &replaces, NULL), EBUSY);
	CHECK_STR(place_read("a"), "other");
	weft_files_upload_close(upload);
	CHECK_INT(unlink(place("a")), ==, 0);
	upload = go_on(10);
	CHECK_INT(weft_files_upload_commit(upload, NULL, NULL), ==, 0);
	CHECK_NULL(weft_files_upload_create(house, &all, "a", &ten), EEXIST);
	upload = create("a", &may);
	add(upload, "new");
	weft_files_upload_close(upload);
	other = weft_files_upload_create(house, &all, "a", &may);
	upload = go_on(3);
	CHECK_INT(weft_files_upload_commit(upload, &replaces, NULL), ==, 0);
	CHECK_FAILS(weft_files_upload_commit(other, &replaces, NULL), EBUSY);
	CHECK_INT(weft_files_upload_remove(other), ==, 0);
	CHECK_STR(place_read("a"), "new");
}

BOTH_CASE(a_folder_that_is_gone_keeps_the_upload)
{
	struct weft_files_upload *upload;

	house_open(NULL);
	CHECK_INT(mkdir(place("f"), 0755), ==, 0);
	upload = create("f/a", &(struct weft_files_upload_options){.len = 1});
	add(upload, "x");
	CHECK_INT(rmdir(place("f")), ==, 0);
	CHECK_FAILS(weft_files_upload_commit(upload, NULL, NULL), ENOENT);
	weft_files_upload_close(upload);
	CHECK_INT(mkdir(place("f"), 0755), ==, 0);
	CHECK_INT(weft_files_upload_commit(go_on(1), NULL, NULL), ==, 0);
	CHECK_STR(place_read("f/a"), "x");
}

CHECK_CASE(that_it_was_published_is_known_for_a_while)
{
	struct weft_files_upload *upload;
	struct weft_files_usage usage;

	house_open(NULL);
	upload = create("a", &ten);
	add(upload, "0123456789");
	CHECK_INT(weft_files_upload_sync(upload), ==, 0);
	CHECK_INT(weft_files_upload_commit(upload, NULL, NULL), ==, 0);
	house_open(NULL);
	upload = weft_files_upload_peek(house, &all, id);
	CHECK(upload != NULL);
	CHECK_INT(weft_files_upload_facts(upload).offset, ==, 10);
	weft_files_upload_close(upload);
	CHECK_NULL(weft_files_upload_open(house, &all, id), ENOENT);
	CHECK_NULL(weft_files_upload_find(house, &all, "a"), ENOENT);
	CHECK_INT(weft_files_usage(house, &all, "", &usage), ==, 0);
	CHECK_INT(usage.bytes, ==, 10);
	CHECK_STR(place_read("a"), "0123456789");
}

/* Records of uploads that were published long ago. */
static void remember_many(int count)
{
	const struct timespec times[2] = {{1000000000, 0}, {1000000000, 0}};
	char to[128];

	for (int i = 0; i < count; i++) {
		snprintf(to, sizeof(to), ".weft-upload/u-%032x.info", i);
		place_write(to, "");
		CHECK_INT(utimensat(AT_FDCWD, place(to), times, 0), ==, 0);
	}
}

CHECK_CASE(of_those_that_were_published_the_last_are_known_and_no_more_than_a_bound)
{
	struct weft_files_upload *upload;
	char first[sizeof(id)];

	house_open(NULL);
	upload = create("a", &ten);
	add(upload, "0123456789");
	CHECK_INT(weft_files_upload_sync(upload), ==, 0);
	CHECK_INT(weft_files_upload_commit(upload, NULL, NULL), ==, 0);
	memcpy(first, id, sizeof(first));
	remember_many(WEFT__UPLOADS_REMEMBERED_MAX - 1);
	weft_files_upload_close(create("b", &ten));
	CHECK_INT(staged(), ==, WEFT__UPLOADS_REMEMBERED_MAX + 2);
	weft_files_upload_close(create("c", &ten));
	CHECK_INT(staged(), ==, WEFT__UPLOADS_REMEMBERED_MAX + 4);
	remember_many(WEFT__UPLOADS_REMEMBERED_MAX);
	weft_files_upload_close(create("d", &ten));
	CHECK_INT(staged(), ==, WEFT__UPLOADS_REMEMBERED_MAX / 2 + 6);
	memcpy(id, first, sizeof(id));
	upload = weft_files_upload_peek(house, &all, id);
	CHECK(upload != NULL);
	weft_files_upload_close(upload);
}

CHECK_CASE(a_digest_at_the_end_is_of_all_of_it)
{
	static const uint8_t abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41,
		0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
		0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	const struct weft_files_put_options options = {.sha256 = abc};
	struct weft_files_upload *upload;

	house_open(NULL);
	upload = create("a", NULL);
	add(upload, "ab");
	weft_files_upload_close(upload);
	upload = go_on(2);
	CHECK_FAILS(weft_files_upload_commit(upload, &options, NULL), EBADMSG);
	add(upload, "c");
	CHECK_INT(weft_files_upload_commit(upload, &options, NULL), ==, 0);
}

BOTH_CASE(a_put_that_broke_off_is_gone_on_with)
{
	const struct weft_files_put_options appends = {.appends = true};
	struct weft_files_upload *upload;
	struct weft_files_put *put;
	int before;

	house_open(NULL);
	place_write("a", "0123");
	before = descriptors();
	put = weft_files_put_begin(house, &all, "a", &appends);
	CHECK(put != NULL);
	CHECK_INT(weft_files_put_write(put, "45", 2), ==, 0);
	CHECK_INT(weft_files_put_keep(put, id), ==, 0);
	CHECK_STR(place_read("a"), "0123");
	CHECK_INT(descriptors(), ==, before);
	upload = weft_files_upload_find(house, &all, "a");
	CHECK(upload != NULL);
	CHECK_INT(weft_files_upload_facts(upload).offset, ==, 6);
	add(upload, "6789");
	CHECK_INT(weft_files_upload_commit(
			  upload, &(struct weft_files_put_options){.may_replace = true}, NULL),
		==, 0);
	CHECK_STR(place_read("a"), "0123456789");
	CHECK_INT(staged(), ==, 0);
}

/* ---- When it goes ------------------------------------------------------------------------ */

static int64_t expired_bytes;

static void note_expired(void *arg, const char *owner, int64_t bytes)
{
	(void)arg;
	CHECK_STR(owner, "ann");
	expired_bytes += bytes;
}

CHECK_CASE(what_nobody_goes_on_with_expires_and_its_owner_is_told_of)
{
	const struct weft_files_options options = {.upload_ttl_ns = 1, .freed = note_expired};
	struct weft_files_upload *upload, *busy;

	house_open(&options);
	upload = create("a", &ten);
	add(upload, "012");
	weft_files_upload_close(upload);
	busy = weft_files_upload_create(house, &all, "b", &ten);
	CHECK_NULL(weft_files_upload_open(house, &all, id), ENOENT);
	CHECK_INT(weft_files_expire(house), ==, 0);
	CHECK_INT(expired_bytes, ==, 3);
	CHECK_INT(staged(), ==, 2);
	CHECK_INT(weft_files_upload_remove(busy), ==, 0);
	CHECK_INT(staged(), ==, 0);
}

/* Files that a kill at some moment leaves: without their other, or cut short. */
CHECK_CASE(what_the_dead_have_left_in_pieces_is_swept_at_the_start)
{
	char name[100];
	struct weft_files_upload *upload;
	int fd;

	house_open(NULL);
	weft_files_upload_close(create("a", &ten));
	snprintf(name, sizeof(name), ".weft-upload/u-%s", id);
	CHECK_INT(unlink(place(name)), ==, 0); /* published, and then killed */
	place_write(".weft-upload/u-00000000000000000000000000000001", "no record");
	place_write(".weft-upload/u-00000000000000000000000000000002", "cut short");
	place_write(".weft-upload/u-00000000000000000000000000000002.info", "weftup1\n");
	place_write(".weft-upload/u-00000000000000000000000000000003.info", "");
	place_write(".weft-upload/somebody's", "own");
	weft_files_upload_close(create("b", &ten));
	CHECK_INT(staged(), ==, 8);
	house_open(NULL);
	CHECK_INT(staged(), ==, 3);
	upload = go_on(0);
	/* The record says more than there is: what is there counts. */
	add(upload, "01234567");
	weft_files_upload_close(upload);
	snprintf(name, sizeof(name), ".weft-upload/u-%s", id);
	CHECK_INT(truncate(place(name), 4), ==, 0);
	weft_files_upload_close(go_on(4));
	/* One slot is torn: the other counts. */
	snprintf(name, sizeof(name), ".weft-upload/u-%s.info", id);
	fd = open(place(name), O_WRONLY);
	CHECK_INT(pwrite(fd, "torn", 4, 16), ==, 4);
	close(fd);
	upload = weft_files_upload_open(house, &all, id);
	CHECK(upload != NULL);
	weft_files_upload_close(upload);
}

/* ---- Quotas ------------------------------------------------------------------------------ */

static int64_t reserved, used;

static int reserve(void *arg, int64_t bytes)
{
	(void)arg;
	if (reserved + used + bytes > 10) {
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

static unsigned beside_a(void *arg, const char *path)
{
	(void)arg;
	return path[0] == 'a' ? WEFT_FILES_READ | WEFT_FILES_LIST : WEFT_FILES_ALL;
}

static int count_upload(const struct weft_files_upload_facts *facts, bool is_busy, void *arg)
{
	(void)facts;
	(void)is_busy;
	++*(int *)arg;
	return 0;
}

/* A token of hers may be for another folder. */
CHECK_CASE(an_upload_is_known_to_nobody_who_may_not_write_where_it_goes)
{
	const struct weft_files_visitor ann = {.name = "ann", .rights = WEFT_FILES_ALL};
	const struct weft_files_visitor cut = {.name = "ann", .rights_at = beside_a};
	struct weft_files_upload *upload;
	int count = 0;

	house_open(NULL);
	upload = weft_files_upload_create(house, &ann, "a", &ten);
	CHECK(upload != NULL);
	memcpy(id, weft_files_upload_facts(upload).id, sizeof(id));
	weft_files_upload_close(upload);
	CHECK_NULL(weft_files_upload_peek(house, &cut, id), ENOENT);
	CHECK_NULL(weft_files_upload_open(house, &cut, id), ENOENT);
	CHECK_INT(weft_files_uploads(house, &cut, count_upload, &count), ==, 0);
	CHECK_INT(count, ==, 0);
	CHECK_INT(weft_files_uploads(house, &ann, count_upload, &count), ==, 0);
	CHECK_INT(count, ==, 1);
	upload = weft_files_upload_open(house, &ann, id);
	CHECK(upload != NULL);
	CHECK_INT(weft_files_upload_remove(upload), ==, 0);
}

CHECK_CASE(a_quota_is_used_by_what_has_come)
{
	const struct weft_files_visitor visitor = {
		.name = "ann", .rights = WEFT_FILES_ALL, .reserve = reserve, .settle = settle};
	struct weft_files_upload *upload;
	struct weft_files_usage usage;

	house_open(NULL);
	upload = weft_files_upload_create(house, &visitor, "a", &ten);
	CHECK_INT(reserved, ==, 10);
	CHECK_NULL(weft_files_upload_create(house, &visitor, "b", &ten), EDQUOT);
	memcpy(id, weft_files_upload_facts(upload).id, sizeof(id));
	add(upload, "0123");
	weft_files_upload_close(upload);
	CHECK(reserved == 0 && used == 4);
	CHECK_INT(weft_files_usage(house, &visitor, "", &usage), ==, 0);
	CHECK_INT(usage.bytes, ==, 4);
	upload = weft_files_upload_open(house, &visitor, id);
	CHECK(reserved == 6 && used == 4);
	CHECK_INT(weft_files_upload_rewind(upload, 1), ==, 0);
	CHECK_INT(used, ==, 1);
	add(upload, "123456789");
	CHECK_INT(weft_files_upload_commit(upload, NULL, NULL), ==, 0);
	CHECK(reserved == 0 && used == 10);
	CHECK_INT(weft_files_remove(house, &visitor, "a", NULL), ==, 0);
	upload = weft_files_upload_create(house, &visitor, "a", &ten);
	add(upload, "0123");
	weft_files_upload_close(upload);
	CHECK_INT(used, ==, 4);
	upload = weft_files_upload_find(house, &visitor, "a");
	CHECK_INT(weft_files_upload_remove(upload), ==, 0);
	CHECK(reserved == 0 && used == 0);
}

CHECK_MAIN()
