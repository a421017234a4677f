/*
 * test_daemon.c - becoming a daemon: what it is cut off from, who is told, the pid file.
 *
 * check: apart
 */
#include "weft/daemon.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "check.h"

/* What a first process's status and standard error say; body runs before weft_daemonize(). */
struct told {
	int status;
	char errors[256];
};

static struct told tell(void (*body)(void *arg), void *arg)
{
	struct told told = {0};
	size_t len = 0;
	ssize_t got;
	int ends[2];
	pid_t first;

	CHECK(pipe(ends) == 0);
	first = fork();
	if (first == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		body(arg);
		_exit(99);
	}
	close(ends[1]);
	while ((got = read(ends[0], told.errors + len, sizeof told.errors - 1 - len)) > 0)
		len += (size_t)got;
	close(ends[0]);
	CHECK_INT(waitpid(first, &told.status, 0), ==, first);
	CHECK(WIFEXITED(told.status));
	told.status = WEXITSTATUS(told.status);
	return told;
}

/* ---- A daemon that reports what it is ------------------------------------------------------ */

struct report {
	pid_t pid, session, parent;
	char folder[64], null[64];
	mode_t mask;
};

static void report_and_end(void *arg)
{
	struct report report = {0};
	int fd = *(int *)arg;

	if (weft_daemonize(NULL) < 0)
		_exit(98);
	report.pid = getpid();
	report.session = getsid(0);
	report.parent = getppid();
	report.mask = umask(0);
	CHECK(getcwd(report.folder, sizeof report.folder) != NULL);
	CHECK(readlink("/proc/self/fd/1", report.null, sizeof report.null - 1) > 0);
	CHECK(write(fd, &report, sizeof report) == sizeof report);
	if (weft_daemon_ready() < 0 || weft_daemon_ready() == 0)
		_exit(97);
	_exit(0);
}

CHECK_CASE(a_daemon_has_neither_terminal_nor_folder_of_the_shells)
{
	struct report report;
	struct told told;
	int ends[2];

	CHECK(pipe(ends) == 0);
	told = tell(report_and_end, &ends[1]);
	CHECK_STR(told.errors, "");
	CHECK_INT(told.status, ==, 0);
	CHECK_INT(read(ends[0], &report, sizeof report), ==, sizeof report);
	CHECK(report.session != report.pid); /* it can't get a terminal any more */
	CHECK(report.session != getsid(0));
	CHECK(report.parent != getpid());
	CHECK_STR(report.folder, "/");
	CHECK_STR(report.null, "/dev/null");
	CHECK_INT(report.mask, ==, 022);
}

/* ---- Those that fail --------------------------------------------------------------------------
 */

static void end_at_once(void *arg)
{
	(void)arg;
	weft_daemonize(NULL);
	_exit(0);
}

static void fail_aloud(void *arg)
{
	(void)arg;
	weft_daemonize(NULL);
	weft_daemon_failed("port 80 is taken");
	_exit(1);
}

struct late {
	int over[2]; /* ends when the test is over */
	int gone[2]; /* ends when the daemon has */
};

static void never_ready(void *arg)
{
	struct late *late = arg;
	char byte;

	close(late->over[1]);
	weft_daemonize(&(struct weft_daemon_options){.ready_ns = WEFT_MILLISECONDS(1)});
	CHECK(read(late->over[0], &byte, 1) == 0);
	_exit(weft_daemon_ready() < 0); /* nobody waits any more: no matter */
}

CHECK_CASE(whoever_started_it_learns_why_it_does_not_work)
{
	struct told told = tell(end_at_once, NULL);
	struct late late;
	char byte;

	CHECK_INT(told.status, ==, 1);
	CHECK(strstr(told.errors, "has ended before it was ready") != NULL);
	told = tell(fail_aloud, NULL);
	CHECK_INT(told.status, ==, 1);
	CHECK(strstr(told.errors, ": port 80 is taken\n") != NULL);
	CHECK(pipe2(late.over, O_CLOEXEC) == 0 && pipe2(late.gone, O_CLOEXEC) == 0);
	told = tell(never_ready, &late);
	CHECK_INT(told.status, ==, 1);
	CHECK(strstr(told.errors, "not ready in time") != NULL);
	close(late.over[1]);
	close(late.gone[1]);
	CHECK(read(late.gone[0], &byte, 1) == 0); /* or it would be there for good */
}

/* ---- The pid file
 * --------------------------------------------------------------------------------- */

static void run_with_pid_file(void *arg)
{
	const char *path = arg;
	int second;

	if (weft_daemonize(&(struct weft_daemon_options){.pid_path = path}) < 0)
		_exit(98);
	/* Another daemon of the same file. */
	second = fork();
	if (second == 0)
		_exit(weft_daemonize(&(struct weft_daemon_options){.pid_path = path}) < 0 &&
					errno == EEXIST
				? 0
				: 1);
	CHECK(waitpid(second, &second, 0) > 0);
	if (second != 0) {
		weft_daemon_failed("two hold the file");
		_exit(1);
	}
	weft_daemon_ready();
	_exit(0);
}

CHECK_CASE(one_daemon_holds_the_pid_file)
{
	char path[] = "/tmp/weft-test-XXXXXX", text[32] = "";
	int fd = mkstemp(path);
	struct told told;

	CHECK(fd >= 0);
	told = tell(run_with_pid_file, path);
	CHECK_STR(told.errors, "");
	CHECK_INT(told.status, ==, 0);
	CHECK(pread(fd, text, sizeof text - 1, 0) > 1);
	CHECK(strtol(text, NULL, 10) > 1);
	unlink(path);
	close(fd);
}

/* ---- Its children -------------------------------------------------------------------------- */

struct family {
	const char *path;
	int over[2]; /* ends when the test does */
};

/* A daemon that ends at once, and leaves a child. */
static void leave_a_child(void *arg)
{
	struct family *family = arg;
	char byte;

	if (weft_daemonize(&(struct weft_daemon_options){
		    .pid_path = family->path, .ready_ns = WEFT_SECONDS(30)}) < 0)
		_exit(98);
	close(family->over[1]);
	if (fork() == 0)
		_exit(read(family->over[0], &byte, 1) != 0);
	_exit(0);
}

/* The one before may still be about to end. */
static void take_over(void *arg)
{
	const struct weft_daemon_options options = {.pid_path = ((struct family *)arg)->path};

	while (weft_daemonize(&options) < 0)
		if (errno == EEXIST)
			usleep(1000);
		else
			_exit(98);
	weft_daemon_ready();
	_exit(0);
}

CHECK_CASE(a_child_that_outlives_a_daemon_holds_neither_the_pid_file_nor_who_waits)
{
	char path[] = "/tmp/weft-test-XXXXXX";
	struct family family = {.path = path};
	int fd = mkstemp(path);
	struct told told;

	CHECK(fd >= 0 && pipe2(family.over, O_CLOEXEC) == 0);
	told = tell(leave_a_child, &family);
	CHECK_INT(told.status, ==, 1);
	CHECK(strstr(told.errors, "has ended before it was ready") != NULL);
	told = tell(take_over, &family);
	CHECK_STR(told.errors, "");
	CHECK_INT(told.status, ==, 0);
	unlink(path);
	close(fd);
	close(family.over[1]);
}

/* ---- Misuse
 * ---------------------------------------------------------------------------------------- */

static void *sit(void *arg)
{
	char byte;

	return read(*(int *)arg, &byte, 1) == 0 ? NULL : arg;
}

CHECK_CASE(with_threads_or_without_a_folder_nothing_happens)
{
	pthread_t thread;
	int ends[2];

	CHECK_ERRNO(weft_daemon_ready(), EINVAL);
	CHECK_ERRNO(weft_daemonize(&(struct weft_daemon_options){.directory = "/none"}), ENOENT);
	CHECK_ERRNO(weft_daemonize(&(struct weft_daemon_options){.log_path = "/none/log"}), ENOENT);
	CHECK_ERRNO(weft_daemonize(&(struct weft_daemon_options){.pid_path = "/none/pid"}), ENOENT);
	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	CHECK(pthread_create(&thread, NULL, sit, &ends[0]) == 0);
	CHECK_ERRNO(weft_daemonize(NULL), EBUSY);
	close(ends[1]);
	CHECK(pthread_join(thread, NULL) == 0);
}

CHECK_MAIN()
