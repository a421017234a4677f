/*
 * test_put.c - files put by visitors: what they may be, who wins, what of the quota is used.
 *
 * check: tsan drivers waits
 */
#include "descriptors.h"
#include "house.h"
#include "weft/scope.h"

static struct weft_files_put *begin(
	const char *path, const char *text, const struct weft_files_put_options *options)
{
	struct weft_files_put *put = weft_files_put_begin(house, &all, path, options);

	CHECK(put != NULL);
	CHECK_INT(weft_files_put_write(put, text, strlen(text)), ==, 0);
	return put;
}

static const struct weft_files_put_options replaces = {.may_replace = true};

/* ---- What comes of it -------------------------------------------------------------------- */

BOTH_CASE(a_put_shows_at_its_commit_and_says_what_it_is)
{
	struct weft_files_result result;
	struct weft_files_put *put;

	house_open(NULL);
	put = begin("a", "hello", NULL);
	CHECK_INT(weft_files_put_len(put), ==, 5);
	CHECK_INT(house_names("."), ==, 0);
	CHECK_INT(weft_files_put_commit(put, &result), ==, 0);
	CHECK(result.is_new && result.stat.st_size == 5 && result.stat.st_nlink == 1);
	CHECK_STR(place_read("a"), "hello");
	put = begin("a", "other", &replaces);
	CHECK_INT(weft_files_put_commit(put, &result), ==, 0);
	CHECK(!result.is_new);
	CHECK_STR(place_read("a"), "other");
	weft_files_put_abort(begin("a", "third", &replaces));
	CHECK_STR(place_read("a"), "other");
	CHECK_FAILS(house_put(&all, "a", "x"), EEXIST);
	CHECK_INT(house_names("."), ==, 1);
}

BOTH_CASE(who_reads_meanwhile_reads_the_old_bytes_to_their_end)
{
	char text[20] = "";
	int fd;

	house_open(NULL);
	place_write("a", "old bytes");
	fd = weft_files_open(house, &all, "a", NULL);
	CHECK_INT(house_put_with(&all, "a", "new", &replaces), ==, 0);
	CHECK_INT(read(fd, text, sizeof(text)), ==, 9);
	CHECK_STR(text, "old bytes");
	close(fd);
}

BOTH_CASE(what_is_appended_to_stays_whole_until_the_commit)
{
	const struct weft_files_put_options appends = {.appends = true};
	struct weft_files_put *put;

	house_open(NULL);
	CHECK_INT(house_put_with(&all, "a", "one", &appends), ==, 0);
	put = begin("a", " two", &appends);
	CHECK_INT(weft_files_put_len(put), ==, 7);
	CHECK_INT(weft_files_put_flush(put), ==, 0);
	CHECK_STR(place_read("a"), "one");
	CHECK_INT(weft_files_put_commit(put, NULL), ==, 0);
	CHECK_STR(place_read("a"), "one two");
}

BOTH_CASE(what_is_before_the_offset_stays_and_no_more)
{
	struct weft_files_put_options keeps = {.keeps_before = true, .offset = 3};

	house_open(NULL);
	place_write("a", "0123456789");
	CHECK_INT(house_put_with(&all, "a", "xy", &keeps), ==, 0);
	CHECK_STR(place_read("a"), "012xy");
	keeps.offset = 0;
	CHECK_INT(house_put_with(&all, "a", "new", &keeps), ==, 0);
	CHECK_STR(place_read("a"), "new");
	keeps.offset = 4;
	CHECK_FAILS(house_put_with(&all, "a", "x", &keeps), EINVAL);
	keeps.offset = -1;
	CHECK_FAILS(house_put_with(&all, "a", "x", &keeps), EINVAL);
	CHECK_STR(place_read("a"), "new");
	keeps.offset = 1;
	CHECK_FAILS(house_put_with(&all, "none", "x", &keeps), EINVAL);
}

CHECK_CASE(a_large_one_is_appended_to)
{
	const struct weft_files_put_options appends = {.appends = true};
	size_t len = 3 * 1024 * 1024 + 17;
	char *text = malloc(len + 1);
	struct stat stat;

	house_open(NULL);
	memset(text, 'x', len);
	text[len] = '\0';
	CHECK_INT(house_put(&all, "a", text), ==, 0);
	CHECK_INT(house_put_with(&all, "a", text, &appends), ==, 0);
	CHECK_INT(weft_files_stat(house, &all, "a", &stat), ==, 0);
	CHECK_INT(stat.st_size, ==, 2 * (off_t)len);
	free(text);
}

BOTH_CASE(a_date_and_a_mode_are_kept)
{
	const struct weft_files_put_options options = {.mtime = {86400, 5}, .mode = 0640};
	struct weft_files_result result;
	struct weft_files_put *put;

	house_open(NULL);
	put = begin("a", "x", &options);
	CHECK_INT(weft_files_put_commit(put, &result), ==, 0);
	CHECK_INT(result.stat.st_mtim.tv_sec, ==, 86400);
	CHECK_INT(result.stat.st_mtim.tv_nsec, ==, 5);
	CHECK_INT(result.stat.st_mode & 0777, ==, 0640);
	put = begin("a", "y", &(struct weft_files_put_options){.may_replace = true, .mode = 0666});
	CHECK_INT(weft_files_put_commit(put, &result), ==, 0);
	CHECK_INT(result.stat.st_mode & 0777, ==, 0640);
}

/* ---- What is refused --------------------------------------------------------------------- */

BOTH_CASE(a_length_that_was_meant_is_kept_to)
{
	const struct weft_files_put_options five = {.len = 5, .is_exact = true};
	const struct weft_files_put_options none = {.is_exact = true};
	struct weft_files_put *put;

	house_open(NULL);
	CHECK_INT(house_put_with(&all, "a", "12345", &five), ==, 0);
	CHECK_FAILS(house_put_with(&all, "b", "1234", &five), EPIPE);
	CHECK_FAILS(house_put_with(&all, "b", "123456", &five), EFBIG);
	CHECK_FAILS(house_put_with(&all, "b", "1", &none), EFBIG);
	CHECK_INT(house_put_with(&all, "empty", "", &none), ==, 0);
	put = weft_files_put_begin(house, &all, "b", &five);
	CHECK_FAILS(weft_files_put_write(put, "123456", 6), EFBIG);
	CHECK_FAILS(weft_files_put_write(put, "1", 1), EFBIG);
	CHECK_FAILS(weft_files_put_commit(put, NULL), EFBIG);
	CHECK_INT(house_names("."), ==, 2);
}

BOTH_CASE(a_digest_that_is_another_is_refused)
{
	static const uint8_t abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41,
		0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
		0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	struct weft_files_put_options options = {.sha256 = abc};

	house_open(NULL);
	CHECK_FAILS(house_put_with(&all, "a", "abd", &options), EBADMSG);
	CHECK_INT(house_names("."), ==, 0);
	CHECK_INT(house_put_with(&all, "a", "abc", &options), ==, 0);
	place_write("b", "ab");
	options.appends = true;
	CHECK_INT(house_put_with(&all, "b", "c", &options), ==, 0);
}

CHECK_CASE(no_file_is_larger_than_it_may_be)
{
	const struct weft_files_options options = {.file_max = 4};
	const struct weft_files_put_options appends = {.appends = true};

	house_open(&options);
	CHECK_FAILS(house_put(&all, "a", "12345"), EFBIG);
	CHECK_INT(house_put(&all, "a", "123"), ==, 0);
	CHECK_FAILS(house_put_with(&all, "a", "45", &appends), EFBIG);
	CHECK_INT(house_put_with(&all, "a", "4", &appends), ==, 0);
	CHECK_NULL(
		weft_files_put_begin(house, &all, "b", &(struct weft_files_put_options){.len = 5}),
		EFBIG);
}

static char upload_id[WEFT_FILES_UPLOAD_ID_SIZE];

CHECK_CASE(a_bound_that_is_lowered_is_not_for_what_is_under_way)
{
	const struct weft_files_options options = {.file_max = 6};
	const struct weft_files_upload_options six = {.len = 6}, three = {.len = 3};
	struct weft_files_put *put;
	struct weft_files_upload *upload;
	struct weft_files_result result;

	house_open(&options);
	put = begin("a", "123", NULL);
	upload = weft_files_upload_create(house, &all, "b", &six);
	CHECK(upload != NULL);
	snprintf(upload_id, sizeof(upload_id), "%s", weft_files_upload_facts(upload).id);
	CHECK_INT(weft_files_upload_write(upload, "123", 3), ==, 0);
	weft_files_upload_close(upload);
	weft_files_set_file_max(house, 2);
	CHECK_INT(weft_files_put_write(put, "456", 3), ==, 0);
	CHECK_FAILS(weft_files_put_write(put, "7", 1), EFBIG);
	weft_files_put_abort(put);
	CHECK_FAILS(house_put(&all, "c", "123"), EFBIG);
	upload = weft_files_upload_open(house, &all, upload_id);
	CHECK(upload != NULL);
	CHECK_INT(weft_files_upload_write(upload, "456", 3), ==, 0);
	CHECK_INT(weft_files_upload_commit(upload, NULL, &result), ==, 0);
	CHECK_NULL(weft_files_upload_create(house, &all, "d", &three), EFBIG);
	/* One that is raised is for all. */
	put = begin("e", "12", NULL);
	weft_files_set_file_max(house, 3);
	CHECK_INT(weft_files_put_write(put, "3", 1), ==, 0);
	CHECK_INT(weft_files_put_commit(put, NULL), ==, 0);
}

CHECK_CASE(no_more_are_under_way_than_may_be)
{
	const struct weft_files_options options = {.puts_max = 2};
	struct weft_files_put *a, *b;
	int before;

	house_open(&options);
	before = descriptors();
	a = begin("a", "1", NULL);
	b = begin("b", "2", NULL);
	CHECK_NULL(weft_files_put_begin(house, &all, "c", NULL), EMFILE);
	CHECK_INT(weft_files_put_commit(a, NULL), ==, 0);
	weft_files_put_abort(b);
	CHECK_INT(house_put(&all, "c", "3"), ==, 0);
	CHECK_INT(descriptors(), ==, before);
}

/* ---- Who wins ---------------------------------------------------------------------------- */

BOTH_CASE(of_those_who_put_one_name_the_first_to_commit_wins_and_the_others_are_told)
{
	struct weft_files_put *first, *second, *third;

	house_open(NULL);
	first = begin("new", "first", NULL);
	second = begin("new", "second", NULL);
	third = begin("new", "third", &replaces);
	CHECK_INT(weft_files_put_commit(second, NULL), ==, 0);
	CHECK_FAILS(weft_files_put_commit(first, NULL), EEXIST);
	CHECK_FAILS(weft_files_put_commit(third, NULL), EBUSY);
	CHECK_STR(place_read("new"), "second");
	first = begin("new", "first", &replaces);
	second = begin("new", "other", &(struct weft_files_put_options){.appends = true});
	CHECK_INT(weft_files_put_commit(first, NULL), ==, 0);
	CHECK_FAILS(weft_files_put_commit(second, NULL), EBUSY);
	CHECK_STR(place_read("new"), "first");
	CHECK_INT(house_names("."), ==, 1);
}

BOTH_CASE(what_goes_meanwhile_is_put_anew_but_not_appended_to)
{
	struct weft_files_put *put;

	house_open(NULL);
	place_write("a", "old");
	put = begin("a", "new", &replaces);
	CHECK_INT(unlink(place("a")), ==, 0);
	CHECK_INT(weft_files_put_commit(put, NULL), ==, 0);
	CHECK_STR(place_read("a"), "new");
	put = begin("a", "er", &(struct weft_files_put_options){.appends = true});
	CHECK_INT(unlink(place("a")), ==, 0);
	CHECK_FAILS(weft_files_put_commit(put, NULL), EBUSY);
	CHECK_INT(house_names("."), ==, 0);
}

#define RIVALS 24

static int won, told;

static int rival(void *arg)
{
	char text[20];

	snprintf(text, sizeof(text), "rival %d", (int)(intptr_t)arg);
	if (house_put_with(&all, "prize", text, (intptr_t)arg % 2 ? &replaces : NULL) == 0) {
		__atomic_add_fetch(&won, 1, __ATOMIC_RELAXED);
	} else {
		CHECK(errno == EEXIST || errno == EBUSY);
		__atomic_add_fetch(&told, 1, __ATOMIC_RELAXED);
	}
	return 0;
}

static int race(void *arg)
{
	struct weft_scope scope;

	(void)arg;
	weft_scope_begin(&scope, WEFT_FOREVER);
	for (intptr_t i = 0; i < RIVALS; i++)
		weft_scope_spawn(&scope, rival, (void *)i);
	CHECK_INT(weft_scope_end(&scope), ==, 0);
	return 0;
}

CHECK_CASE(rivals_on_two_workers_are_all_told_and_one_whole_input_is_there)
{
	const struct weft_run_options two = {.workers = 2};

	house_open(NULL);
	CHECK_INT(weft_run(&two, race, NULL), ==, 0);
	CHECK_INT(won + told, ==, RIVALS);
	CHECK_INT(won, >=, 1);
	CHECK(strncmp(place_read("prize"), "rival ", 6) == 0);
	CHECK_INT(house_names("."), ==, 1);
}

BOTH_CASE(all_of_several_get_their_names_or_none)
{
	struct weft_files_put *puts[3];
	struct weft_files_result results[3];
	size_t failed;

	house_open(NULL);
	for (int i = 0; i < 3; i++)
		puts[i] = begin(i == 0 ? "a" : i == 1 ? "b" : "c", "x", NULL);
	place_write("b", "other");
	CHECK_FAILS(weft_files_put_commit_all(puts, 3, results, &failed), EEXIST);
	CHECK_INT(failed, ==, 1);
	CHECK_INT(house_names("."), ==, 1);
	for (int i = 0; i < 3; i++)
		puts[i] = begin(i == 0 ? "d" : i == 1 ? "e" : "f", "x", NULL);
	CHECK_INT(weft_files_put_commit_all(puts, 3, results, &failed), ==, 0);
	CHECK(results[0].is_new && results[2].stat.st_size == 1);
	CHECK_INT(house_names("."), ==, 4);
}

static int stale(const struct stat *existing, void *arg)
{
	(void)arg;
	return existing && existing->st_size != 3 ? ESTALE : 0;
}

BOTH_CASE(the_judge_has_a_say_at_the_beginning_and_at_the_end)
{
	const struct weft_files_put_options options = {.may_replace = true, .judge = stale};
	struct weft_files_put *put;

	house_open(NULL);
	place_write("a", "long");
	CHECK_NULL(weft_files_put_begin(house, &all, "a", &options), ESTALE);
	place_write("a", "123");
	put = begin("a", "new", &options);
	place_write("a", "12345");
	CHECK_FAILS(weft_files_put_commit(put, NULL), ESTALE);
	CHECK_STR(place_read("a"), "12345");
}

/* ---- Quotas ------------------------------------------------------------------------------ */

struct account {
	int64_t quota, used, reserved;
	int settled;
};

static int reserve(void *arg, int64_t bytes)
{
	struct account *account = arg;

	CHECK_INT(bytes, >, 0);
	if (account->used + account->reserved + bytes > account->quota) {
		errno = EDQUOT;
		return -1;
	}
	account->reserved += bytes;
	return 0;
}

static void settle(void *arg, int64_t reserved, int64_t used)
{
	struct account *account = arg;

	account->reserved -= reserved;
	account->used += used;
	account->settled++;
}

CHECK_CASE(a_quota_is_taken_given_back_and_never_passed)
{
	struct account account = {.quota = 10};
	const struct weft_files_visitor poor = {
		.rights = WEFT_FILES_ALL, .reserve = reserve, .settle = settle, .arg = &account};
	const struct weft_files_put_options five = {.len = 5, .is_exact = true};
	struct weft_files_put *put;

	house_open(NULL);
	put = weft_files_put_begin(house, &poor, "a", &five);
	CHECK_INT(account.reserved, ==, 5);
	CHECK_INT(weft_files_put_write(put, "12345", 5), ==, 0);
	CHECK_INT(weft_files_put_commit(put, NULL), ==, 0);
	CHECK(account.used == 5 && account.reserved == 0 && account.settled == 1);
	CHECK_FAILS(house_put(&poor, "b", "123456"), EDQUOT);
	CHECK(account.used == 5 && account.reserved == 0);
	CHECK_NULL(
		weft_files_put_begin(house, &poor, "b", &(struct weft_files_put_options){.len = 6}),
		EDQUOT);
	CHECK_INT(house_put(&poor, "b", "1234"), ==, 0);
	CHECK_INT(account.used, ==, 9);
	CHECK_FAILS(house_put_with(&poor, "b", "12", &replaces), EDQUOT);
	CHECK_INT(house_put_with(&poor, "b", "1", &replaces), ==, 0);
	CHECK(account.used == 6 && account.reserved == 0);
	CHECK_INT(
		house_put_with(&poor, "b", "23", &(struct weft_files_put_options){.appends = true}),
		==, 0);
	CHECK_INT(account.used, ==, 8);
	CHECK_INT(
		weft_files_move(house, &poor,
			&(struct weft_files_move){"a", "b", .may_replace = true, NULL, NULL}, NULL),
		==, 0);
	CHECK_INT(account.used, ==, 5);
	CHECK_INT(weft_files_remove(house, &poor, "b", NULL), ==, 0);
	CHECK(account.used == 0 && account.reserved == 0);
}

/* ---- Deadlines --------------------------------------------------------------------------- */

BOTH_CASE(who_is_late_leaves_nothing)
{
	struct weft_files_put *put;
	int before;

	house_open(NULL);
	before = descriptors();
	put = begin("a", "x", NULL);
	WEFT_WITH_TIMEOUT (0) {
		CHECK_NULL(weft_files_put_begin(house, &all, "b", NULL), ETIMEDOUT);
		CHECK_FAILS(weft_files_put_commit(put, NULL), ETIMEDOUT);
		put = NULL;
	}
	CHECK_INT(house_names("."), ==, 0);
	CHECK_INT(descriptors(), ==, before);
}

/* Nothing at "sub/a (2)", all elsewhere. */
static unsigned but_at_second(void *arg, const char *path)
{
	(void)arg;
	return strcmp(path, "sub/a (2)") == 0 ? 0 : WEFT_FILES_ALL;
}

CHECK_CASE(a_free_name_is_taken_within_the_rights_at_that_name)
{
	const struct weft_files_visitor bounded = {.rights_at = but_at_second};
	const struct weft_files_visitor at_home = {.rights_at = but_at_second, .home = "sub"};
	const struct weft_files_put_options unique = {.is_unique = true};

	house_open(NULL);
	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	CHECK_INT(house_put_with(&bounded, "sub/a", "one", &unique), ==, 0);
	CHECK_FAILS(house_put_with(&bounded, "sub/a", "two", &unique), EACCES);
	CHECK_FAILS(house_put_with(&at_home, "a", "two", &unique), EACCES);
	CHECK_INT(house_names("sub"), ==, 1);
	place_write("sub/a (2)", "there");
	CHECK_INT(house_put_with(&at_home, "a", "two", &unique), ==, 0);
	CHECK_STR(place_read("sub/a (3)"), "two");
}

CHECK_MAIN()
