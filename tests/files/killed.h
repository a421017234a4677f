/*
 * killed.h - a deed in a process of its own, which is killed at any of its system calls, or refused
 * one; and what its folder has in it then.
 *
 *	run = killed_run(fn, arg, &fate);	// fn: marks, does it, acknowledges, marks
 *	killed_start_anew();
 *	CHECK_STR(killed_tell(), "sub/ sub/old=A1000 top=T5 void/ ");
 *
 * The child is traced (traced.h). What it writes to a pipe is an acknowledgement: what that tells
 * of must be there, whenever the child dies. Contents are runs of letters, told by their lengths:
 * "A1000N50".
 *
 * For one file of a program.
 */
#ifndef TESTS_FILES_KILLED_H
#define TESTS_FILES_KILLED_H

#include <dirent.h>

#include "fiber/sanitize.h"
#include "io/place.h"
#include "traced.h"
#include "weft/files.h"

/** Bytes of the large files: several writes each. */
#define KILLED_LARGE 300000

static const struct weft_files_visitor ann
	__attribute__((unused)) = {.name = "ann", .owner = "#1.100", .rights = WEFT_FILES_ALL};

static struct weft_files *files; /* the child's */
static int killed_pipe[2];

static inline void killed_acknowledge(int64_t value)
{
	CHECK_INT(write(killed_pipe[1], &value, sizeof(value)), ==, sizeof(value));
}

/* A call that nothing else makes: from here on, and up to here. */
static inline void killed_mark(void)
{
	syscall(SYS_getpgid, 0);
}

#define KILLED_BEFORE "sub/ sub/old=A1000 top=T5 void/ "

static char killed_buffer[KILLED_LARGE];

static inline const char *killed_letters(char letter)
{
	return memset(killed_buffer, letter, sizeof(killed_buffer));
}

/* ---- What is there --------------------------------------------------------------------------- */

static char killed_told[2000];

static inline void killed_tell_more(const char *text)
{
	size_t len = strlen(killed_told);

	CHECK_INT(len + strlen(text), <, sizeof(killed_told));
	memcpy(killed_told + len, text, strlen(text) + 1);
}

/* "A1000N70" */
static inline void killed_tell_content(const char *path)
{
	static char content[2 * KILLED_LARGE];
	int fd = open(place(path), O_RDONLY | O_CLOEXEC);
	ssize_t len, run;
	char text[32];

	CHECK(fd >= 0);
	len = read(fd, content, sizeof(content));
	close(fd);
	for (ssize_t at = 0; at < len; at += run) {
		for (run = 1; at + run < len && content[at + run] == content[at]; run++)
			;
		snprintf(text, sizeof(text), "%c%zd", content[at] ? content[at] : '0', run);
		killed_tell_more(text);
	}
}

static bool killed_tells_staging = true;

static inline void killed_tell_folder(const char *path, int depth)
{
	struct dirent **entries;
	int count = scandir(place(path[0] ? path : "."), &entries, NULL, alphasort);

	CHECK(count >= 0);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		char whole[300];

		snprintf(whole, sizeof(whole), "%s%s%.200s", path, path[0] ? "/" : "", name);
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
			/* of every folder */
		} else if (entries[i]->d_type == DT_DIR) {
			/* The staging folder shows by what is in it. */
			if ((strcmp(name, ".weft-upload") == 0 && !killed_tells_staging) ||
				strcmp(name, ".weft-trash") == 0) {
				free(entries[i]);
				continue;
			}
			if (strcmp(name, ".weft-upload") != 0) {
				killed_tell_more(whole);
				killed_tell_more("/ ");
			}
			if (depth < 3)
				killed_tell_folder(whole, depth + 1);
		} else {
			killed_tell_more(whole);
			killed_tell_more("=");
			killed_tell_content(whole);
			killed_tell_more(" ");
		}
		free(entries[i]);
	}
	free(entries);
}

static inline const char *killed_tell(void)
{
	killed_told[0] = '\0';
	killed_tell_folder("", 0);
	return killed_told;
}

/** The same without what is on its way. */
static inline __attribute__((unused)) const char *killed_tell_shown(void)
{
	const char *text;

	killed_tells_staging = false;
	text = killed_tell();
	killed_tells_staging = true;
	return text;
}

static inline void killed_set_up(void)
{
	char text[1001];

	/* A kill is no power loss: what memory holds is what is there, and syncs cost nothing. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	place_make();
	place_end();
	CHECK_INT(mkdir(place_dir, 0755), ==, 0);
	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	CHECK_INT(mkdir(place("void"), 0755), ==, 0);
	memset(text, 'A', 1000);
	text[1000] = '\0';
	place_write("sub/old", text);
	place_write("top", "TTTTT");
}

/* ---- Running one ---------------------------------------------------------------------------- */

/** Not an errno: it is killed; half of what it writes is written. */
#define KILLED_DEAD  0
#define KILLED_SHORT (-1)

/** A child's fate, at its n-th stop between the marks. */
struct killed_fate {
	int at;   /* from 1 on */
	int code; /* what the call fails with, or one of the above */
};

/** How it went. */
struct killed_run {
	bool was_reached; /* the stop; else there were fewer */
	bool was_killed;
	int result; /* the deed's */
	bool failed_sync, failed_data_sync;
	long number; /* the system call of the stop */
	int64_t last;
	int count; /* acknowledgements */
};

/* Those about files, that a disk can make fail. */
static inline bool killed_can_fail(const struct traced_stop *stop)
{
	switch (stop->number) {
	case SYS_openat:
	case SYS_openat2:
	case SYS_read:
	case SYS_pread64:
	case SYS_pwrite64:
	case SYS_write:
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_syncfs:
	case SYS_sync_file_range:
	case SYS_fallocate:
	case SYS_ftruncate:
	case SYS_fchmod:
	case SYS_utimensat:
	case SYS_linkat:
	case SYS_unlinkat:
	case SYS_mkdirat:
	case SYS_renameat2:
#ifdef SYS_renameat
	case SYS_renameat:
#endif
	case SYS_copy_file_range:
	case SYS_ioctl:
	case SYS_flock:
	case SYS_statx:
	case SYS_fstat:
	case SYS_newfstatat:
	case SYS_fstatfs:
	case SYS_getdents64:
	case SYS_lseek:
	case SYS_close:
		return true;
	default:
		return false;
	}
}

/* Whether a fate could come at this stop. */
static inline bool killed_counts(const struct traced_stop *stop, int code)
{
	/* To die behind a call, or before the next one, is the same to the disk: the soak tries. */
	if (code == KILLED_DEAD)
		return !stop->is_exit || check_rounds(1) > 1;
	/* A pipe has no disk behind it. */
	if (stop->is_exit ||
		(stop->number == SYS_write && stop->args[0] == (uint64_t)killed_pipe[1]))
		return false;
	if (code == KILLED_SHORT)
		return (stop->number == SYS_write || stop->number == SYS_pwrite64) &&
		       stop->args[2] > 1;
	return killed_can_fail(stop);
}

/* Of an upload: it is written anew before it is synced again, other than its bytes. */
static inline bool killed_is_record(pid_t process, uint64_t fd)
{
	char link[64], path[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)process, (int)fd);
	len = readlink(link, path, sizeof(path));
	return len > 5 && memcmp(path + len - 5, ".info", 5) == 0;
}

static inline void killed_strike(
	struct traced *traced, const struct traced_stop *stop, struct killed_run *run, int code)
{
	run->was_reached = true;
	run->number = stop->number;
	run->failed_sync = code > 0 && (stop->number == SYS_fsync || stop->number == SYS_syncfs);
	run->failed_data_sync = code > 0 && stop->number == SYS_fdatasync &&
				!killed_is_record(stop->thread, stop->args[0]);
	if (code == KILLED_DEAD)
		traced_kill(traced);
	else if (code == KILLED_SHORT)
		traced_set_third(traced->stopped, (long)stop->args[2] / 2);
	else if (stop->number == SYS_close)
		traced_belie(traced, code);
	else
		traced_refuse(traced, code);
}

/** What the file system is to lack. */
static bool killed_no_nameless, killed_no_noreplace;

/* Whether the call is one that it lacks: it is refused. */
static inline bool killed_lacks(struct traced *traced, const struct traced_stop *stop)
{
	if (stop->is_exit)
		return false;
	if (killed_no_nameless && stop->number == SYS_openat &&
		(stop->args[2] & O_TMPFILE) == O_TMPFILE)
		traced_refuse(traced, EOPNOTSUPP);
	else if (killed_no_noreplace && stop->number == SYS_renameat2 && stop->args[4])
		traced_refuse(traced, EINVAL);
	else
		return false;
	return true;
}

static inline void killed_count_acknowledgements(struct killed_run *run)
{
	close(killed_pipe[1]);
	while (read(killed_pipe[0], &run->last, sizeof(run->last)) == sizeof(run->last))
		run->count++;
	close(killed_pipe[0]);
}

/** fn(arg) returns 0, or 1 when what it did has failed. */
static inline struct killed_run killed_run(
	int (*fn)(void *), void *arg, const struct killed_fate *fate)
{
	struct killed_run run = {0};
	struct traced traced;
	struct traced_stop stop = {0};
	int stops = 0, marks = 0;

	CHECK_INT(pipe2(killed_pipe, O_CLOEXEC), ==, 0);
	fflush(stdout);
	traced_start(&traced, fn, arg);
	while (traced_next(&traced, &stop)) {
		marks += stop.number == SYS_getpgid && stop.is_exit;
		if (marks == 1 && !killed_lacks(&traced, &stop) &&
			killed_counts(&stop, fate->code) && ++stops == fate->at)
			killed_strike(&traced, &stop, &run, fate->code);
	}
	run.was_killed = WIFSIGNALED(traced.status);
	run.result = WIFEXITED(traced.status) ? WEXITSTATUS(traced.status) : -1;
	killed_count_acknowledgements(&run);
	if (run.was_killed ? WTERMSIG(traced.status) != SIGKILL : run.result > 1)
		check_fail(__FILE__, __LINE__, "call %ld, errno %d: status %x", run.number,
			fate->code, traced.status);
	return run;
}

/* ---- Inside the child ------------------------------------------------------------------------ */

static inline int killed_count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 100; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/** A killed_run() function of one that returns 0 or -1, and leaves no descriptor open. */
static inline int killed_live(int (*fn)(void))
{
	int before = killed_count_descriptors(), result;

	files = weft_files_new(place_dir, NULL);
	CHECK(files != NULL);
	killed_mark();
	result = fn();
	killed_mark();
	weft_files_free(files);
	if (killed_count_descriptors() != before)
		return 3;
	return result == 0 ? 0 : 1;
}

/* What the next start does. */
static inline void killed_start_anew(void)
{
	files = weft_files_new(place_dir, NULL);
	CHECK(files != NULL);
	weft_files_free(files);
}

/** Every so many stops are tried: all but where a process takes its time to fork. */
static inline int killed_step(void)
{
#if defined(WEFT_ASAN) || defined(WEFT_TSAN)
	return check_rounds(1) > 1 ? 4 : 9;
#else
	return 1;
#endif
}

static inline void killed_need(void)
{
	const char *why = traced_can();

	if (why)
		check_skip(why);
}

#endif
