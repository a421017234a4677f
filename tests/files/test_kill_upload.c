/*
 * test_kill_upload.c - an upload that is gone on with, and the process is killed at any of its
 * system calls, or any of them fails: an offset that was acknowledged is there, with the bytes
 * before it; the file shows when all of it is published, and not before; and nothing is left over.
 *
 * check: waits
 *
 * Every child's upload is gone on with here, to its end: so its bytes are looked at.
 */
#define CHECK_TIMEOUT_S 300 /* the soak */
#include "killed.h"

/** What is acknowledged beside offsets. */
#define PUBLISHED (-1)
#define GONE      (-2)

/** A few bytes come first, then many. */
#define FIRST 1000
#define TOTAL KILLED_LARGE

#define DONE "sub/ sub/new=N1000P299000 sub/old=A1000 top=T5 void/ "

static char whole[TOTAL];

static int write_up_to(struct weft_files_upload *upload, int64_t end)
{
	int64_t offset = weft_files_upload_facts(upload).offset;

	memset(whole, 'N', FIRST);
	memset(whole + FIRST, 'P', TOTAL - FIRST);
	CHECK_INT(offset, >=, 0);
	CHECK_INT(offset, <=, end);
	return weft_files_upload_write(upload, whole + offset, (size_t)(end - offset));
}

/* ---- Deeds: each returns 0, or -1 ------------------------------------------------------------ */

static struct weft_files_upload *begin(void)
{
	const struct weft_files_upload_options options = {.len = TOTAL, .remark = "a remark"};
	struct weft_files_upload *upload =
		weft_files_upload_create(files, &ann, "sub/new", &options);

	if (upload)
		killed_acknowledge(0);
	return upload;
}

static int sync_to(struct weft_files_upload *upload, int64_t end)
{
	if (write_up_to(upload, end) < 0 || weft_files_upload_sync(upload) < 0)
		return -1;
	killed_acknowledge(end);
	return 0;
}

static int publish(struct weft_files_upload *upload)
{
	if (weft_files_upload_commit(upload, NULL, NULL) < 0) {
		weft_files_upload_close(upload);
		return -1;
	}
	killed_acknowledge(PUBLISHED);
	return 0;
}

static int create_and_write(void)
{
	struct weft_files_upload *upload = begin();
	int result = -1;

	if (upload && sync_to(upload, FIRST) == 0)
		result = sync_to(upload, TOTAL);
	weft_files_upload_close(upload);
	return result;
}

static int create_and_publish(void)
{
	struct weft_files_upload *upload = begin();

	if (upload && sync_to(upload, TOTAL) == 0)
		return publish(upload);
	weft_files_upload_close(upload);
	return -1;
}

static int go_on(void)
{
	struct weft_files_upload *upload = weft_files_upload_find(files, &ann, "sub/new");
	int result;

	if (!upload)
		return -1;
	result = sync_to(upload, FIRST + 5000);
	weft_files_upload_close(upload);
	return result;
}

static int go_on_and_publish(void)
{
	struct weft_files_upload *upload = weft_files_upload_find(files, &ann, "sub/new");

	if (upload && sync_to(upload, TOTAL) == 0)
		return publish(upload);
	weft_files_upload_close(upload);
	return -1;
}

/* A chunk of wrong bytes comes, and is taken back. */
static int take_back(void)
{
	struct weft_files_upload *upload = weft_files_upload_find(files, &ann, "sub/new");
	int result = -1;

	if (upload && weft_files_upload_write(upload, "XXXXXXXXXX", 10) == 0 &&
		weft_files_upload_rewind(upload, FIRST) == 0)
		result = sync_to(upload, FIRST + 5);
	weft_files_upload_close(upload);
	return result;
}

static int give_up(void)
{
	struct weft_files_upload *upload = weft_files_upload_find(files, &ann, "sub/new");

	if (!upload || weft_files_upload_remove(upload) < 0)
		return -1;
	killed_acknowledge(GONE);
	return 0;
}

/* Another start, which looks for what has expired. */
static int start(void)
{
	struct weft_files *other = weft_files_new(place_dir, NULL);

	weft_files_free(other);
	return other ? 0 : -1;
}

/* A put whose bytes stop coming. */
static int keep(void)
{
	struct weft_files_put *put = weft_files_put_begin(files, &ann, "sub/new", NULL);
	char id[WEFT_FILES_UPLOAD_ID_SIZE];

	if (!put)
		return -1;
	memset(whole, 'N', FIRST);
	memset(whole + FIRST, 'P', TOTAL - FIRST);
	if (weft_files_put_write(put, whole, FIRST + 9) < 0) {
		weft_files_put_abort(put);
		return -1;
	}
	if (weft_files_put_keep(put, id) < 0)
		return -1;
	killed_acknowledge(FIRST + 9);
	return 0;
}

static const struct deed {
	const char *name;
	int (*fn)(void);
	bool goes_on; /* there is an upload of FIRST bytes */
	bool may_go;  /* killed or failed: it is not there any more */
} deeds[] = {
	{"create_and_write", create_and_write, false, false},
	{"create_and_publish", create_and_publish, false, false},
	{"go_on", go_on, true, false},
	{"go_on_and_publish", go_on_and_publish, true, false},
	{"take_back", take_back, true, false},
	{"give_up", give_up, true, true},
	{"start", start, true, false},
	{"keep", keep, false, false},
};

#define DEED_COUNT (sizeof(deeds) / sizeof(deeds[0]))

static int live(void *deed)
{
	return killed_live(((const struct deed *)deed)->fn);
}

/* ---- What is there --------------------------------------------------------------------------- */

static void set_up(const struct deed *deed)
{
	const struct weft_files_upload_options options = {.len = TOTAL};
	struct weft_files_upload *upload;

	killed_set_up();
	if (!deed->goes_on)
		return;
	files = weft_files_new(place_dir, NULL);
	upload = weft_files_upload_create(files, &ann, "sub/new", &options);
	CHECK(upload != NULL);
	CHECK_INT(write_up_to(upload, FIRST), ==, 0);
	CHECK_INT(weft_files_upload_sync(upload), ==, 0);
	weft_files_upload_close(upload);
	weft_files_free(files);
}

/*
 * Records of what was published stay for a while, without bytes; each goes here, with its folder.
 * Bytes without a record never stay.
 */
static void forget_published(void)
{
	DIR *folder = opendir(place(".weft-upload"));
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		char bytes[NAME_MAX + 1];
		size_t len = strlen(entry->d_name);

		if (len < 5 || strcmp(entry->d_name + len - 5, ".info") != 0)
			continue;
		snprintf(bytes, sizeof(bytes), "%.*s", (int)len - 5, entry->d_name);
		if (faccessat(dirfd(folder), bytes, F_OK, 0) < 0)
			CHECK_INT(unlinkat(dirfd(folder), entry->d_name, 0), ==, 0);
	}
	if (folder)
		closedir(folder);
	rmdir(place(".weft-upload"));
}

/* The upload is gone on with to its end. Returns from where on; -1: there is none. */
static int64_t finish(void)
{
	struct weft_files_upload *upload;
	struct weft_files_upload_facts facts;

	files = weft_files_new(place_dir, NULL);
	CHECK(files != NULL);
	upload = weft_files_upload_find(files, &ann, "sub/new");
	if (!upload) {
		CHECK_INT(errno, ==, ENOENT);
		weft_files_free(files);
		forget_published();
		return -1;
	}
	CHECK_STR(killed_tell_shown(), KILLED_BEFORE);
	facts = weft_files_upload_facts(upload);
	CHECK(facts.len == TOTAL || facts.len == -1);
	CHECK_INT(write_up_to(upload, TOTAL), ==, 0);
	CHECK_INT(weft_files_upload_commit(upload, NULL, NULL), ==, 0);
	weft_files_free(files);
	forget_published();
	CHECK_STR(killed_tell(), DONE);
	return facts.offset;
}

/* Whether that is what must be, by what was acknowledged. */
static bool is_fine(const struct deed *deed, const struct killed_run *run, int64_t offset)
{
	bool is_done = offset < 0 && strcmp(killed_tell(), DONE) == 0;

	if (offset < 0 && !is_done && strcmp(killed_told, KILLED_BEFORE) != 0)
		return false;
	if (run->count && run->last == PUBLISHED)
		return is_done;
	if (run->count && run->last == GONE)
		return offset < 0 && !is_done;
	if (is_done)
		return run->count && run->last == TOTAL && (run->was_killed || run->failed_sync);
	/* Nobody knows what a sync that fails leaves out, nor does the next one say. */
	if (run->failed_data_sync && offset > (run->count ? run->last : deed->goes_on ? FIRST : 0))
		return false;
	if (offset < 0)
		return deed->may_go || (!run->count && !deed->goes_on);
	return offset >= (run->count ? run->last : deed->goes_on ? FIRST : 0);
}

static void check_deed(
	const struct deed *deed, const struct killed_run *run, const struct killed_fate *fate)
{
	int64_t offset = finish();

	if (!is_fine(deed, run, offset))
		check_fail(__FILE__, __LINE__,
			"%s, stop %d (call %ld), errno %d, result %d, acknowledged %lld in %d, "
			"there "
			"%lld: %s",
			deed->name, fate->at, run->number, fate->code, run->result,
			(long long)run->last, run->count, (long long)offset, killed_told);
}

/* ---- Cases ----------------------------------------------------------------------------------- */

/* Every stop of a deed. Returns how many were tried. */
static int try_deed(const struct deed *deed, int code)
{
	struct killed_fate fate = {1, code};
	struct killed_run run;

	for (;; fate.at += killed_step()) {
		set_up(deed);
		run = killed_run(live, (void *)(uintptr_t)deed, &fate);
		check_deed(deed, &run, &fate);
		if (!run.was_reached)
			return fate.at / killed_step();
	}
}

CHECK_CASE(a_kill_at_any_system_call_loses_nothing_that_was_acknowledged)
{
	int count = 0;

	killed_need();
	for (size_t i = 0; i < DEED_COUNT; i++)
		count += try_deed(&deeds[i], KILLED_DEAD);
	printf("# %d kills\n", count);
	CHECK_INT(count, >, 10 * (int)DEED_COUNT / killed_step());
}

/* The soak tries them all; else each deed one of them, at each of its calls. */
CHECK_CASE(any_system_call_that_fails_loses_nothing_that_was_acknowledged)
{
	static const int codes[] = {EIO, ENOSPC, EDQUOT, EINTR, KILLED_SHORT};
	int count = 0;

	killed_need();
	for (size_t i = 0; i < DEED_COUNT; i++)
		for (size_t c = 0; c < 5; c++)
			if (check_rounds(1) > 1 || i % 5 == c)
				count += try_deed(&deeds[i], codes[c]);
	printf("# %d failures\n", count);
	CHECK_INT(count, >, 5 * (int)DEED_COUNT / killed_step());
}

/* The soak's: the same where the file system lacks something. */
CHECK_CASE(so_it_is_on_a_file_system_without_nameless_files_or_renames_that_look)
{
	int count = 0;

	killed_need();
	if (check_rounds(1) == 1)
		check_skip("only by make soak");
	killed_no_nameless = true;
	for (int i = 0; i < 2; i++, killed_no_noreplace = true)
		for (size_t d = 0; d < DEED_COUNT; d++)
			count += try_deed(&deeds[d], KILLED_DEAD) + try_deed(&deeds[d], EIO);
	printf("# %d kills and failures\n", count);
	CHECK_INT(count, >, 10 * (int)DEED_COUNT);
}

CHECK_MAIN()
