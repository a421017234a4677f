/*
 * test_store_crash.c - a process that dies at any of its steps, a step that fails, and file systems
 * that lack something: the old state or the new one is there, whole, and nothing else; and what was
 * called done is on the disk by then.
 *
 * check: waits
 *
 * The store's own system calls are counted here: the program's definitions stand before the C
 * library's.
 */
#include <dirent.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "files/store.h"
#include "io/place.h"

enum fate {
	LIVES,
	DIES_BEFORE, /* the step */
	DIES_AFTER,
	FAILS,
};

static struct {
	enum fate fate;
	int at;    /* the step of that fate, from 1 on */
	int count; /* steps so far */
	bool is_armed, was_sync;
	bool no_nameless, no_noreplace, other_mount; /* what the file system lacks */
} world;

/** How a process that does it ends. */
enum end {
	DEAD = 70,
	FAILED,
	FAILED_LAST, /* because of an fsync */
	DONE,
	DONE_EARLY, /* there were fewer steps */
};

/* Whether this step is to fail. */
static bool step(bool is_sync)
{
	if (!world.is_armed || ++world.count != world.at)
		return false;
	if (world.fate == DIES_BEFORE)
		_exit(DEAD);
	world.was_sync = is_sync;
	errno = EIO;
	return world.fate == FAILS;
}

static long stepped(long result)
{
	if (world.is_armed && world.count == world.at && world.fate == DIES_AFTER)
		_exit(DEAD);
	return result;
}

/* ---- What is on the disk ------------------------------------------------------------------ */

/* Since the last name that was given, taken or changed, and of the file that got one. */
static struct {
	bool is_folder_synced, is_file_whole, is_file_synced;
	off_t synced_len;
} disk;

static void note_sync(int fd)
{
	struct stat stat;

	CHECK_INT(fstat(fd, &stat), ==, 0);
	if (S_ISDIR(stat.st_mode)) {
		disk.is_folder_synced = true;
	} else {
		disk.is_file_synced = true;
		disk.synced_len = stat.st_size;
	}
}

/* A name that others see; of a file that must be on the disk, where that is new. */
static void note_name(int folder_fd, const char *name, bool is_new)
{
	struct stat stat;

	if (!world.is_armed || name[0] == '.')
		return;
	disk.is_folder_synced = false;
	if (is_new && fstatat(folder_fd, name, &stat, AT_SYMLINK_NOFOLLOW) == 0)
		disk.is_file_whole = disk.is_file_synced && disk.synced_len == stat.st_size;
	else
		disk.is_file_whole = true;
}

/* ---- The steps ------------------------------------------------------------------------------ */

#define IN_FRONT __attribute__((visibility("default")))

IN_FRONT int openat(int folder_fd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(args, mode_t);
	va_end(args);
	if (world.no_nameless && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (step(false))
		return -1;
	return (int)stepped(syscall(SYS_openat, folder_fd, path, flags, mode));
}

IN_FRONT int statx(int fd, const char *restrict path, int flags, unsigned mask,
	struct statx *restrict ret_status)
{
	long result = syscall(SYS_statx, fd, path, flags, mask, ret_status);

	if (world.other_mount)
		ret_status->stx_mnt_id += (uint64_t)fd;
	return (int)result;
}

IN_FRONT int mkdirat(int folder_fd, const char *path, mode_t mode)
{
	if (step(false))
		return -1;
	note_name(folder_fd, path, false);
	return (int)stepped(syscall(SYS_mkdirat, folder_fd, path, mode));
}

IN_FRONT int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	long result;

	if (step(false))
		return -1;
	result = syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
	if (result == 0)
		note_name(to_fd, to, true);
	return (int)stepped(result);
}

IN_FRONT int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	long result;

	if (flags && world.no_noreplace) {
		errno = EINVAL;
		return -1;
	}
	if (step(false))
		return -1;
	result = syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
	if (result == 0)
		note_name(to_fd, to, from[0] == '.');
	return (int)stepped(result);
}

IN_FRONT int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	return renameat2(from_fd, from, to_fd, to, 0);
}

/* Its failure is not tried: what it was to remove is there then, until it is swept. */
IN_FRONT int unlinkat(int folder_fd, const char *path, int flags)
{
	if (world.fate != FAILS)
		step(false);
	note_name(folder_fd, path, false);
	return (int)stepped(syscall(SYS_unlinkat, folder_fd, path, flags));
}

IN_FRONT int fsync(int fd)
{
	if (step(true))
		return -1;
	note_sync(fd);
	return (int)stepped(syscall(SYS_fsync, fd));
}

IN_FRONT ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	if (step(false))
		return -1;
	disk.is_file_synced = false;
	return stepped(syscall(SYS_pwrite64, fd, data, len, offset));
}

/* ---- What is done -------------------------------------------------------------------- */

static struct weft__root root = {.fd = -1};

static int put(const char *path, const char *text)
{
	const struct weft__put_options options = {
		.root = &root, .folder_fd = -1, .path = path, .len = (int64_t)strlen(text)};
	struct weft__put *put = weft__put_begin(&options);
	size_t size, failed;
	char *room;
	int result;

	if (!put)
		return -1;
	room = weft__put_room(put, &size);
	CHECK_INT(size, >, strlen(text));
	memcpy(room, text, strlen(text));
	result = weft__put_took(put, strlen(text));
	if (result == 0)
		result = weft__put_commit(&put, 1, &failed);
	weft__put_end(put);
	return result;
}

static int put_new(void)
{
	return put("sub/new", "a new file");
}

static int replace(void)
{
	return put("sub/old", "another content");
}

static int put_two(void)
{
	struct weft__put *puts[2] = {NULL, NULL};
	int folder = weft__store_open_folder(&root, "sub");
	int result = folder < 0 ? -1 : 0;
	size_t failed;

	for (int i = 0; i < 2 && result == 0; i++) {
		const struct weft__put_options options = {
			.root = &root, .folder_fd = folder, .path = i ? "two" : "one", .len = -1};
		size_t size;

		puts[i] = weft__put_begin(&options);
		result = puts[i] ? 0 : -1;
		if (result == 0)
			memcpy(weft__put_room(puts[i], &size), "both", 4);
		if (result == 0)
			result = weft__put_took(puts[i], 4);
	}
	if (result == 0)
		result = weft__put_commit(puts, 2, &failed);
	weft__put_end(puts[0]);
	weft__put_end(puts[1]);
	if (folder >= 0)
		weft__store_close_folder(folder);
	return result;
}

static int make_folder(void)
{
	return weft__store_mkdir(&root, "sub/folder");
}

static int remove_file(void)
{
	return weft__store_remove(&root, "sub/old", NULL, NULL);
}

static int move_file(void)
{
	struct weft__store_moved moved;
	const struct weft__store_move move = {.root = &root, .from = "sub/old", .to = "moved"};

	return weft__store_move(&move, &moved);
}

static const struct deed {
	int (*fn)(void);
	const char *before, *after; /* the folder, as tell() tells it */
	bool may_be_half;           /* killed: some of the files */
	bool last_shows;            /* one whose fsync fails may have happened */
} deeds[] = {
	{put_new, "sub/ sub/old=content ", "sub/ sub/new=a new file sub/old=content ", false,
		false},
	{replace, "sub/ sub/old=content ", "sub/ sub/old=another content ", false, true},
	{put_two, "sub/ sub/old=content ", "sub/ sub/old=content sub/one=both sub/two=both ", true,
		false},
	{make_folder, "sub/ sub/old=content ", "sub/ sub/folder/ sub/old=content ", false, true},
	{remove_file, "sub/ sub/old=content ", "sub/ ", false, true},
	{move_file, "sub/ sub/old=content ", "moved=content sub/ ", false, true},
};

#define DEED_COUNT (sizeof(deeds) / sizeof(deeds[0]))

/* ---- What is there ------------------------------------------------------------------- */

static char told[1000];

static void tell_folder(const char *path)
{
	struct dirent **entries;
	int count = scandir(place(path[0] ? path : "."), &entries, NULL, alphasort);

	CHECK(count >= 0);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		char whole[300];
		size_t len = strlen(told);

		snprintf(whole, sizeof(whole), "%s%s%.200s", path, path[0] ? "/" : "", name);
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
			/* of every folder */
		} else if (entries[i]->d_type == DT_DIR) {
			snprintf(told + len, sizeof(told) - len, "%s/ ", whole);
			if (!path[0])
				tell_folder(whole);
		} else {
			snprintf(told + len, sizeof(told) - len, "%s=%.100s ", whole,
				place_read(whole));
		}
		free(entries[i]);
	}
	free(entries);
}

static const char *tell(void)
{
	told[0] = '\0';
	tell_folder("");
	return told;
}

static void set_up(void)
{
	if (root.fd >= 0)
		close(root.fd);
	place_make();
	place_end();
	CHECK_INT(mkdir(place_dir, 0755), ==, 0);
	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	place_write("sub/old", "content");
	root.fd = open(place("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(root.fd >= 0);
}

/* In a process of its own, whose fate is world's. */
static enum end run_deed(const struct deed *deed)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		int result;

		world.count = 0;
		world.is_armed = true;
		result = deed->fn();
		world.is_armed = false;
		if (result == 0) { /* it may be told: it is on the disk */
			CHECK(disk.is_folder_synced);
			CHECK(disk.is_file_whole);
		}
		_exit(result < 0                 ? (world.was_sync ? FAILED_LAST : FAILED)
			: world.count < world.at ? DONE_EARLY
						 : DONE);
	}
	CHECK_INT(waitpid(child, &status, 0), ==, child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) >= DEAD);
	return WEXITSTATUS(status);
}

/* What killed processes leave on another file system goes with the next upload to the folder. */
static void sweep(void)
{
	CHECK_INT(weft__store_sweep(&root), ==, 0);
	if (!world.other_mount)
		return;
	CHECK_INT(put("sub/next", "x"), ==, 0);
	CHECK_INT(put("sub/next", "x"), ==, 0);
	CHECK_INT(unlink(place("sub/next")), ==, 0);
}

/* A deed, dying or failing at each of its steps in turn. Returns how many there are. */
static int try_all_steps(const struct deed *deed, enum fate fate)
{
	enum end end = DONE;

	world.fate = fate;
	for (world.at = 1; end != DONE_EARLY; world.at++) {
		bool is_old, is_new, is_half;

		set_up();
		CHECK_STR(tell(), deed->before);
		end = run_deed(deed);
		sweep();
		is_old = strcmp(tell(), deed->before) == 0;
		is_new = strcmp(told, deed->after) == 0;
		is_half = deed->may_be_half && end == DEAD &&
			  strcmp(told, "sub/ sub/old=content sub/one=both ") == 0;
		if (!is_old && !is_new && !is_half)
			check_fail(__FILE__, __LINE__, "deed %d, fate %d, step %d: %s",
				(int)(deed - deeds), fate, world.at, told);
		if (end == DONE || end == DONE_EARLY)
			CHECK(is_new);
		if (end == FAILED || (end == FAILED_LAST && !deed->last_shows))
			CHECK(is_old);
	}
	return world.at;
}

static void try_all(void)
{
	for (size_t i = 0; i < DEED_COUNT; i++)
		for (enum fate fate = DIES_BEFORE; fate <= FAILS; fate++)
			CHECK_INT(try_all_steps(&deeds[i], fate), >=, 3);
}

CHECK_CASE(at_each_step_a_death_or_a_failure_leaves_the_old_state_or_the_new_one)
{
	try_all();
}

CHECK_CASE(so_it_is_on_a_file_system_without_nameless_files)
{
	world.no_nameless = true;
	try_all();
}

CHECK_CASE(and_on_one_that_renames_only_over_what_is_there)
{
	world.no_nameless = world.no_noreplace = true;
	try_all();
}

CHECK_CASE(and_on_one_that_is_mounted_below_the_root)
{
	world.other_mount = true;
	try_all();
	world.no_nameless = true;
	try_all();
}

CHECK_MAIN()
