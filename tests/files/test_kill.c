/*
 * test_kill.c - the process is killed at any of its system calls, before or after it, or any of
 * them fails: the old state or the new one is there, whole; nothing half shows; the next start
 * clears up; and what was acknowledged is there.
 *
 * check: waits
 *
 * Each deed runs in a traced child (traced.h). A byte on a pipe is an acknowledgement: what it
 * tells of must be there, whenever the child dies. Contents are runs of letters, told by their
 * lengths: "A1000 B50".
 */
#define CHECK_TIMEOUT_S 300 /* the soak */
#include "killed.h"

/* ---- Deeds: each returns 0, or -1 ------------------------------------------------------------ */

static int put_with(
	const char *path, char letter, size_t len, const struct weft_files_put_options *options)
{
	struct weft_files_put *put = weft_files_put_begin(files, &ann, path, options);

	if (!put)
		return -1;
	if (weft_files_put_write(put, killed_letters(letter), len) < 0) {
		weft_files_put_abort(put);
		return -1;
	}
	return weft_files_put_commit(put, NULL);
}

static int put_new(void)
{
	return put_with("sub/new", 'N', 100, NULL);
}

static int put_large(void)
{
	const struct weft_files_put_options options = {.len = KILLED_LARGE, .is_exact = true};

	return put_with("sub/new", 'N', KILLED_LARGE, &options);
}

static int replace(void)
{
	const struct weft_files_put_options options = {.may_replace = true};

	return put_with("sub/old", 'N', 500, &options);
}

static int replace_large(void)
{
	const struct weft_files_put_options options = {.may_replace = true};

	return put_with("sub/old", 'N', KILLED_LARGE, &options);
}

static int append(void)
{
	const struct weft_files_put_options options = {.appends = true};

	return put_with("sub/old", 'N', 70, &options);
}

static int go_on_in_the_middle(void)
{
	const struct weft_files_put_options options = {
		.may_replace = true, .keeps_before = true, .offset = 400};

	return put_with("sub/old", 'N', 100, &options);
}

static int put_two(void)
{
	struct weft_files_put *puts[2] = {NULL, NULL};
	size_t failed;

	for (int i = 0; i < 2; i++) {
		puts[i] = weft_files_put_begin(files, &ann, i ? "sub/two" : "sub/one", NULL);
		if (!puts[i] || weft_files_put_write(puts[i], killed_letters('N'), 10) < 0) {
			weft_files_put_abort(puts[0]);
			weft_files_put_abort(puts[1]);
			return -1;
		}
	}
	return weft_files_put_commit_all(puts, 2, NULL, &failed);
}

static int put_and_abort(void)
{
	const struct weft_files_put_options options = {.may_replace = true};
	struct weft_files_put *put = weft_files_put_begin(files, &ann, "sub/old", &options);

	if (put)
		weft_files_put_write(put, killed_letters('N'), KILLED_LARGE);
	weft_files_put_abort(put);
	return -1;
}

static int put_broken(void)
{
	static const uint8_t digest[32];
	const struct weft_files_put_options options = {.sha256 = digest};

	return put_with("sub/new", 'N', 100, &options);
}

static int make_folder(void)
{
	return weft_files_mkdir(files, &ann, "sub/made");
}

static int remove_file(void)
{
	return weft_files_remove(files, &ann, "sub/old", NULL);
}

static int remove_folder(void)
{
	return weft_files_remove(files, &ann, "void", NULL);
}

static int move_file(void)
{
	const struct weft_files_move move = {.from = "sub/old", .to = "moved"};

	return weft_files_move(files, &ann, &move, NULL);
}

static int move_over(void)
{
	const struct weft_files_move move = {.from = "top", .to = "sub/old", .may_replace = true};

	return weft_files_move(files, &ann, &move, NULL);
}

static int move_folder(void)
{
	const struct weft_files_move move = {.from = "sub", .to = "void/sub"};

	return weft_files_move(files, &ann, &move, NULL);
}

static int copy(void)
{
	const struct weft_files_move move = {.from = "sub/old", .to = "copied"};

	return weft_files_copy(files, &ann, &move, NULL);
}

static int copy_over(void)
{
	const struct weft_files_move move = {.from = "top", .to = "sub/old", .may_replace = true};

	return weft_files_copy(files, &ann, &move, NULL);
}

/** What is told of a deed that is done, or the same as before. */
static const struct deed {
	const char *name;
	int (*fn)(void);
	const char *after;
	const char *half; /* killed: this, too; or NULL */
	bool last_shows;  /* when a folder's fsync fails, it may have happened */
	bool never;       /* happens */
} deeds[] = {
	{.name = "put_new",
		.fn = put_new,
		.after = "sub/ sub/new=N100 sub/old=A1000 top=T5 void/ "},
	{.name = "put_large",
		.fn = put_large,
		.after = "sub/ sub/new=N300000 sub/old=A1000 top=T5 void/ "},
	{.name = "replace",
		.fn = replace,
		.after = "sub/ sub/old=N500 top=T5 void/ ",
		.last_shows = true},
	{.name = "replace_large",
		.fn = replace_large,
		.after = "sub/ sub/old=N300000 top=T5 void/ ",
		.last_shows = true},
	{.name = "append",
		.fn = append,
		.after = "sub/ sub/old=A1000N70 top=T5 void/ ",
		.last_shows = true},
	{.name = "go_on_in_the_middle",
		.fn = go_on_in_the_middle,
		.after = "sub/ sub/old=A400N100 top=T5 void/ ",
		.last_shows = true},
	{.name = "put_two",
		.fn = put_two,
		.after = "sub/ sub/old=A1000 sub/one=N10 sub/two=N10 top=T5 void/ ",
		.half = "sub/ sub/old=A1000 sub/one=N10 top=T5 void/ "},
	{.name = "put_and_abort", .fn = put_and_abort, .after = KILLED_BEFORE, .never = true},
	{.name = "put_broken", .fn = put_broken, .after = KILLED_BEFORE, .never = true},
	{.name = "make_folder",
		.fn = make_folder,
		.after = "sub/ sub/made/ sub/old=A1000 top=T5 void/ ",
		.last_shows = true},
	{.name = "remove_file",
		.fn = remove_file,
		.after = "sub/ top=T5 void/ ",
		.last_shows = true},
	{.name = "remove_folder",
		.fn = remove_folder,
		.after = "sub/ sub/old=A1000 top=T5 ",
		.last_shows = true},
	{.name = "move_file",
		.fn = move_file,
		.after = "moved=A1000 sub/ top=T5 void/ ",
		.last_shows = true},
	{.name = "move_over",
		.fn = move_over,
		.after = "sub/ sub/old=T5 void/ ",
		.last_shows = true},
	{.name = "move_folder",
		.fn = move_folder,
		.after = "top=T5 void/ void/sub/ void/sub/old=A1000 ",
		.last_shows = true},
	{.name = "copy", .fn = copy, .after = "copied=A1000 sub/ sub/old=A1000 top=T5 void/ "},
	{.name = "copy_over",
		.fn = copy_over,
		.after = "sub/ sub/old=T5 top=T5 void/ ",
		.last_shows = true},
};

#define DEED_COUNT (sizeof(deeds) / sizeof(deeds[0]))

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
	bool is_old, is_new, is_half, is_fine;

	killed_start_anew();
	is_old = strcmp(killed_tell(), KILLED_BEFORE) == 0;
	is_new = strcmp(killed_told, deed->after) == 0 && !deed->never;
	is_half = run->was_killed && deed->half && strcmp(killed_told, deed->half) == 0;
	if (deed->never)
		is_fine = is_old && !run->count;
	else if (run->count)
		is_fine = is_new;
	else if (run->was_killed)
		is_fine = is_old || is_new || is_half;
	else
		is_fine = run->result == 1 && fate->code != KILLED_SHORT &&
			  (is_old || (is_new && deed->last_shows && run->failed_sync));
	if (!is_fine)
		check_fail(__FILE__, __LINE__,
			"%s, stop %d (call %ld), errno %d, result %d, acknowledged %d: %s",
			deed->name, fate->at, run->number, fate->code, run->result, run->count,
			killed_told);
}

/* ---- Cases ----------------------------------------------------------------------------------- */

/* Every stop of a deed. Returns how many were tried. */
static int try_deed(const struct deed *deed, int code)
{
	struct killed_fate fate = {1, code};
	struct killed_run run;

	for (;; fate.at += killed_step()) {
		killed_set_up();
		run = killed_run(live, (void *)(uintptr_t)deed, &fate);
		check_deed(deed, &run, &fate);
		if (!run.was_reached)
			return fate.at / killed_step();
	}
}

CHECK_CASE(a_kill_at_any_system_call_leaves_the_old_state_or_the_new_one)
{
	int count = 0;

	killed_need();
	for (size_t i = 0; i < DEED_COUNT; i++)
		count += try_deed(&deeds[i], KILLED_DEAD);
	printf("# %d kills\n", count);
	CHECK_INT(count, >, 10 * (int)DEED_COUNT / killed_step());
}

/* The soak tries them all; else each deed one of them, at each of its calls. */
CHECK_CASE(any_system_call_that_fails_leaves_the_old_state_or_the_new_one)
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

CHECK_CASE(what_is_written_by_halves_is_whole)
{
	int count = 0;

	killed_need();
	for (size_t i = 0; i < DEED_COUNT; i++)
		count += try_deed(&deeds[i], KILLED_SHORT);
	CHECK_INT(count, >, 10 / killed_step());
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
