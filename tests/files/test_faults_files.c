/*
 * test_faults_files.c - the engine without memory, descriptors or threads: each call says so, keeps
 * nothing, and leaves nothing behind.
 *
 * check: waits
 */
#include "check.h"
#include "faults.h"

#ifdef HAS_FAULTS

#include "house.h"
#include "weft/files_trash.h"

static int64_t reserved;

static int reserve(void *arg, int64_t bytes)
{
	(void)arg;
	reserved += bytes;
	return 0;
}

static void settle(void *arg, int64_t was_reserved, int64_t is_used)
{
	(void)arg, (void)is_used;
	reserved -= was_reserved;
}

static const struct weft_files_visitor visitor = {.name = "v",
	.home = "home",
	.rights = WEFT_FILES_ALL,
	.reserve = reserve,
	.settle = settle};

static void prepare(void)
{
	house_open(NULL);
	CHECK_INT(mkdir(place("home"), 0755), ==, 0);
	place_write("home/old", "old");
}

/* All of the staging folder is gone, and nothing is reserved, whatever failed. */
static void check_clean(void)
{
	struct stat stat;

	CHECK_INT(reserved, ==, 0);
	faults_hold();
	if (lstat(place(".weft-upload"), &stat) == 0)
		CHECK_INT(house_names(".weft-upload"), ==, 0);
	faults_go_on();
}

static int replace(void *arg)
{
	const struct weft_files_put_options options = {.appends = true, .len = 3, .is_exact = true};
	struct weft_files_put *put;

	(void)arg;
	put = weft_files_put_begin(house, &visitor, "old", &options);
	if (!FAULTS_TRY(put != NULL))
		return 0;
	if (FAULTS_TRY(weft_files_put_write(put, "new", 3) == 0))
		FAULTS_TRY(weft_files_put_commit(put, NULL) == 0);
	else
		weft_files_put_abort(put);
	check_clean();
	return 0;
}

static int put_and_remove(void *arg)
{
	struct weft_files_put *put;

	(void)arg;
	put = weft_files_put_begin(house, &visitor, "new", NULL);
	if (!FAULTS_TRY(put != NULL))
		return 0;
	if (!FAULTS_TRY(weft_files_put_write(put, "new", 3) == 0))
		weft_files_put_abort(put);
	else
		FAULTS_TRY(weft_files_put_commit(put, NULL) == 0);
	faults_hold();
	unlink(place("home/new"));
	check_clean();
	faults_go_on();
	return 0;
}

static int see(const struct weft_files_entry *entry, void *arg)
{
	(void)entry, (void)arg;
	return 0;
}

static int look(void *arg)
{
	struct weft_files_usage usage;
	uint8_t digest[32];
	struct stat stat;

	(void)arg;
	FAULTS_TRY(weft_files_stat(house, &visitor, "old", &stat) == 0);
	FAULTS_TRY(weft_files_list(house, &visitor, "", see, NULL) == 0);
	FAULTS_TRY(weft_files_usage(house, &visitor, "", &usage) == 0);
	FAULTS_TRY(weft_files_sha256(house, &visitor,
			   &(struct weft_files_part){.path = "old", .len = -1}, digest) == 0);
	return 0;
}

static int change(void *arg)
{
	const struct weft_files_move move = {.from = "old", .to = "old2"};
	const struct weft_files_move back = {.from = "old2", .to = "old"};

	(void)arg;
	if (FAULTS_TRY(weft_files_mkdir(house, &visitor, "f") == 0))
		FAULTS_TRY(weft_files_remove(house, &visitor, "f", NULL) == 0);
	if (FAULTS_TRY(weft_files_move(house, &visitor, &move, NULL) == 0))
		FAULTS_TRY(weft_files_move(house, &visitor, &back, NULL) == 0);
	faults_hold();
	rmdir(place("home/f"));
	rename(place("home/old2"), place("home/old"));
	faults_go_on();
	if (FAULTS_TRY(weft_files_copy(house, &visitor, &move, NULL) == 0)) {
		faults_hold();
		CHECK_INT(unlink(place("home/old2")), ==, 0);
		faults_go_on();
	}
	check_clean();
	return 0;
}

static void clear_staging(void)
{
	DIR *folder = opendir(place(".weft-upload"));

	for (struct dirent *entry; folder && (entry = readdir(folder));)
		unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
}

static int upload(void *arg)
{
	const struct weft_files_upload_options options = {.len = 3};
	struct weft_files_upload *upload;
	char id[WEFT_FILES_UPLOAD_ID_SIZE];

	(void)arg;
	upload = weft_files_upload_create(house, &visitor, "up", &options);
	if (FAULTS_TRY(upload != NULL)) {
		memcpy(id, weft_files_upload_facts(upload).id, sizeof(id));
		if (FAULTS_TRY(weft_files_upload_write(upload, "abc", 3) == 0))
			FAULTS_TRY(weft_files_upload_sync(upload) == 0);
		weft_files_upload_close(upload);
		upload = weft_files_upload_open(house, &visitor, id);
	}
	if (upload && !FAULTS_TRY(weft_files_upload_rewind(upload, 0) == 0 &&
				  weft_files_upload_write(upload, "abc", 3) == 0 &&
				  weft_files_upload_commit(upload, NULL, NULL) == 0))
		weft_files_upload_close(upload);
	CHECK_INT(reserved, ==, 0);
	faults_hold();
	unlink(place("home/up"));
	clear_staging();
	faults_go_on();
	return 0;
}

static int tell(const struct weft_files_trashed *trashed, void *arg)
{
	memcpy(arg, trashed->id, WEFT_FILES_TRASH_ID_SIZE);
	return 0;
}

/* All of the trash's own folder is gone. */
static void clear_trash(void)
{
	struct weft_files *other =
		weft_files_new(place_dir, &(struct weft_files_options){.trash_keep_ns = 1});

	CHECK(other != NULL);
	weft_files_free(other);
	if (access(place(".weft-trash"), F_OK) == 0)
		CHECK_INT(house_names(".weft-trash"), ==, 0);
}

static int trash(void *arg)
{
	char id[WEFT_FILES_TRASH_ID_SIZE] = "", listed[WEFT_FILES_TRASH_ID_SIZE] = "";
	const struct weft_files_restore wanted = {.id = id, .is_unique = true};
	const struct weft_files_move move = {.from = "sub", .to = "copied"};
	bool is_out = true;

	(void)arg;
	faults_hold();
	mkdir(place("home/sub"), 0755);
	mkdir(place("home/sub/deep"), 0755);
	place_write("home/sub/deep/a", "1");
	faults_go_on();
	if (FAULTS_TRY(weft_files_copy_all(house, &visitor, &move, NULL) == 0))
		FAULTS_TRY(weft_files_remove_all(house, &visitor, "copied", NULL) == 0);
	if (FAULTS_TRY(weft_files_trash(house, &visitor, "sub", NULL, id) == 0)) {
		if (FAULTS_TRY(weft_files_trash_list(house, &visitor, tell, listed) == 0))
			CHECK_STR(listed, id);
		is_out = FAULTS_TRY(weft_files_trash_restore(house, &visitor, &wanted, NULL) == 0);
	}
	faults_hold();
	CHECK_INT(reserved, ==, 0);
	CHECK((access(place("home/sub/deep/a"), F_OK) == 0) == is_out);
	weft_files_remove_all(house, &visitor, "copied", NULL);
	weft_files_remove_all(house, &visitor, "sub", NULL);
	clear_trash();
	faults_go_on();
	return 0;
}

CHECK_CASE(what_is_trashed_or_copied_is_whole_or_says_why_not)
{
	prepare();
	CHECK_INT(faults_sweep(trash, NULL), >, 10);
	CHECK_STR(place_read("home/old"), "old");
}

CHECK_CASE(a_put_is_done_or_says_why_not)
{
	prepare();
	CHECK_INT(faults_sweep(put_and_remove, NULL), >, 5);
}

CHECK_CASE(so_is_one_that_appends)
{
	prepare();
	CHECK_INT(faults_sweep(replace, NULL), >, 5);
	CHECK(strncmp(place_read("home/old"), "oldnew", 6) == 0);
}

CHECK_CASE(who_only_looks_keeps_nothing)
{
	prepare();
	look(NULL); /* OpenSSL has memory of its own, from its first call on */
	CHECK_INT(faults_sweep(look, NULL), >, 5);
}

CHECK_CASE(a_change_is_done_or_says_why_not)
{
	prepare();
	CHECK_INT(faults_sweep(change, NULL), >, 5);
	CHECK_STR(place_read("home/old"), "old");
}

CHECK_CASE(an_upload_is_there_or_says_why_not)
{
	prepare();
	CHECK_INT(faults_sweep(upload, NULL), >, 5);
}

#else

CHECK_CASE(not_beside_a_sanitizers_allocator)
{
	check_skip("the sanitizer's allocator stands there already");
}

#endif

CHECK_MAIN()
