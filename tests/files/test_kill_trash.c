/*
 * test_kill_trash.c - the process is killed at any of its system calls, or any of them fails, while
 * something goes into the trash, out of it, or for good, or a folder is copied: it is in one place,
 * whole, or in the other; and what was acknowledged is so (test_kill.c says how).
 *
 * check: waits
 */
#define CHECK_TIMEOUT_S 300 /* the soak */
#include "killed.h"
#include "weft/files_trash.h"

static char first_id[WEFT_FILES_TRASH_ID_SIZE]; /* what a case has put into the trash */

/* ---- Deeds: each returns 0, or -1 ------------------------------------------------------------ */

static int trash_file(void)
{
	return weft_files_trash(files, &ann, "sub/old", NULL, NULL);
}

static int trash_folder(void)
{
	return weft_files_trash(files, &ann, "sub", NULL, NULL);
}

static int restore(void)
{
	const struct weft_files_restore wanted = {.id = first_id};

	return weft_files_trash_restore(files, &ann, &wanted, NULL);
}

static int restore_elsewhere(void)
{
	const struct weft_files_restore wanted = {
		.id = first_id, .to = "void/top", .is_unique = true};

	return weft_files_trash_restore(files, &ann, &wanted, NULL);
}

static int remove_kept(void)
{
	return weft_files_trash_remove(files, &ann, first_id);
}

static int empty(void)
{
	return weft_files_trash_empty(files, &ann);
}

static int remove_all(void)
{
	return weft_files_remove_all(files, &ann, "sub", NULL);
}

static int copy_folder(void)
{
	const struct weft_files_move move = {.from = "sub", .to = "void/copied"};

	return weft_files_copy_all(files, &ann, &move, NULL);
}

static int copy_over_folder(void)
{
	const struct weft_files_move move = {.from = "sub", .to = "void", .may_replace = true};

	return weft_files_copy_all(files, &ann, &move, NULL);
}

/** What is told of a deed that is done, or the same as before. */
static const struct deed {
	const char *name;
	int (*fn)(void);
	const char *kept; /* is put into the trash first; NULL */
	const char *gone; /* a folder that then is not there any more; NULL */
	const char *before, *after;
	const char *half; /* killed: this, too; or NULL */
} deeds[] = {
	{.name = "trash_file",
		.fn = trash_file,
		.before = "sub/ sub/old=A1000 top=T5 void/ | ",
		.after = "sub/ top=T5 void/ | sub/old:1000:1 "},
	{.name = "trash_folder",
		.fn = trash_folder,
		.before = "sub/ sub/old=A1000 top=T5 void/ | ",
		.after = "top=T5 void/ | sub:1000:1 "},
	{.name = "restore_file",
		.fn = restore,
		.kept = "sub/old",
		.before = "sub/ top=T5 void/ | sub/old:1000:1 ",
		.after = "sub/ sub/old=A1000 top=T5 void/ | "},
	{.name = "restore_folder",
		.fn = restore,
		.kept = "sub",
		.before = "top=T5 void/ | sub:1000:1 ",
		.after = "sub/ sub/old=A1000 top=T5 void/ | "},
	{.name = "restore_elsewhere",
		.fn = restore_elsewhere,
		.kept = "sub",
		.before = "top=T5 void/ | sub:1000:1 ",
		.after = "top=T5 void/ void/top/ void/top/old=A1000 | "},
	{.name = "restore_with_its_folder",
		.fn = restore,
		.kept = "sub/old",
		.gone = "sub",
		.before = "top=T5 void/ | sub/old:1000:1 ",
		.after = "sub/ sub/old=A1000 top=T5 void/ | ",
		.half = "sub/ top=T5 void/ | sub/old:1000:1 "},
	{.name = "remove_kept",
		.fn = remove_kept,
		.kept = "sub",
		.before = "top=T5 void/ | sub:1000:1 ",
		.after = "top=T5 void/ | "},
	{.name = "empty",
		.fn = empty,
		.kept = "sub",
		.before = "top=T5 void/ | sub:1000:1 ",
		.after = "top=T5 void/ | "},
	{.name = "copy_folder",
		.fn = copy_folder,
		.before = "sub/ sub/old=A1000 top=T5 void/ | ",
		.after = "sub/ sub/old=A1000 top=T5 void/ void/copied/ void/copied/old=A1000 | "},
	{.name = "copy_over_folder",
		.fn = copy_over_folder,
		.before = "sub/ sub/old=A1000 top=T5 void/ | ",
		.after = "sub/ sub/old=A1000 top=T5 void/ void/old=A1000 | "},
	{.name = "remove_all",
		.fn = remove_all,
		.before = "sub/ sub/old=A1000 top=T5 void/ | ",
		.after = "top=T5 void/ | "},
};

#define DEED_COUNT (sizeof(deeds) / sizeof(deeds[0]))

/* ---- What is there --------------------------------------------------------------------------- */

static int tell(const struct weft_files_trashed *trashed, void *arg)
{
	char text[100];

	*(int *)arg += 1;
	snprintf(text, sizeof(text), "%s:%lld:%lld ", trashed->path, (long long)trashed->bytes,
		(long long)trashed->files);
	killed_tell_more(text);
	return 0;
}

/* All names in the trash's own folder. */
static int count_kept(void)
{
	DIR *folder = opendir(place(".weft-trash"));
	int count = -2;

	if (!folder)
		return 0;
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* Once the next start has cleared up. *ret_is_clear: nothing is left over. */
static const char *tell_all(bool *ret_is_clear)
{
	int count = 0;

	killed_start_anew();
	killed_tell();
	killed_tell_more("| ");
	files = weft_files_new(place_dir, NULL);
	CHECK(files != NULL);
	CHECK_INT(weft_files_trash_list(files, &ann, tell, &count), ==, 0);
	weft_files_free(files);
	*ret_is_clear = count_kept() == 2 * count;
	return killed_told;
}

static void set_up(const struct deed *deed)
{
	killed_set_up();
	if (!deed->kept)
		return;
	files = weft_files_new(place_dir, NULL);
	CHECK(files != NULL);
	CHECK_INT(weft_files_trash(files, &ann, deed->kept, NULL, first_id), ==, 0);
	if (deed->gone)
		CHECK_INT(weft_files_remove(files, &ann, deed->gone, NULL), ==, 0);
	weft_files_free(files);
}

/* ---- Running one ----------------------------------------------------------------------------- */

static const struct deed *deed_now;

static int do_now(void)
{
	int result = deed_now->fn();

	if (result == 0)
		killed_acknowledge(0);
	return result;
}

static int live(void *arg)
{
	deed_now = arg;
	return killed_live(do_now);
}

static void check_deed(
	const struct deed *deed, const struct killed_run *run, const struct killed_fate *fate)
{
	bool is_clear, is_old, is_new, is_half, is_fine;

	tell_all(&is_clear);
	is_old = strcmp(killed_told, deed->before) == 0;
	is_new = strcmp(killed_told, deed->after) == 0;
	is_half = deed->half && strcmp(killed_told, deed->half) == 0;
	if (run->count)
		is_fine = is_new;
	else if (run->was_killed)
		is_fine = is_old || is_new || is_half;
	else
		is_fine = run->result == 1 && (is_old || is_half || (is_new && run->failed_sync));
	if (!is_fine || !is_clear)
		check_fail(__FILE__, __LINE__,
			"%s, stop %d (call %ld), errno %d, result %d, acknowledged %d, %d left: %s",
			deed->name, fate->at, run->number, fate->code, run->result, run->count,
			count_kept(), killed_told);
}

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

/* ---- Cases ----------------------------------------------------------------------------------- */

CHECK_CASE(killed_at_any_system_call_it_is_whole_in_one_place_or_in_the_other)
{
	int count = 0;

	killed_need();
	for (size_t i = 0; i < DEED_COUNT; i++)
		count += try_deed(&deeds[i], KILLED_DEAD);
	printf("# %d kills\n", count);
	CHECK_INT(count, >, 10 * (int)DEED_COUNT / killed_step());
}

/* The soak tries them all; else each deed one of them, at each of its calls. */
CHECK_CASE(so_it_is_when_any_system_call_fails)
{
	static const int codes[] = {EIO, ENOSPC, EDQUOT, EINTR};
	int count = 0;

	killed_need();
	for (size_t i = 0; i < DEED_COUNT; i++)
		for (size_t c = 0; c < 4; c++)
			if (check_rounds(1) > 1 || i % 4 == c)
				count += try_deed(&deeds[i], codes[c]);
	printf("# %d failures\n", count);
	CHECK_INT(count, >, 5 * (int)DEED_COUNT / killed_step());
}

/* The soak's: the same where the file system lacks something. */
CHECK_CASE(so_it_is_on_a_file_system_without_renames_that_look)
{
	int count = 0;

	killed_need();
	if (check_rounds(1) == 1)
		check_skip("only by make soak");
	killed_no_noreplace = true;
	for (size_t d = 0; d < DEED_COUNT; d++)
		count += try_deed(&deeds[d], KILLED_DEAD) + try_deed(&deeds[d], EIO);
	printf("# %d kills and failures\n", count);
	CHECK_INT(count, >, 10 * (int)DEED_COUNT);
}

CHECK_MAIN()
