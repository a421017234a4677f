/*
 * daemon.c - a program that goes on without its terminal (include/weft/daemon.h).
 *
 * The first process waits at the end of a socket, on which the daemon says that it is ready (an
 * empty sentence) or why not. The end of that without a word says that it is no more.
 *
 * Must never: leave the first process waiting for a daemon that has ended, or report as
 * started what is not.
 */
#include "weft/daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/process.h"
#include "weft/fiber.h"

#define SENTENCE_MAX 512

/* Of the daemon: where it is waited for; -1: it is none, or has said all. */
static int ready_fd = -1;

/* Its pid file, which stays open: with it goes the lock. */
static int lock_fd = -1;
static bool is_daemon;

/* Its children hold neither: it has ended when it has, whoever of them lives on. */
static void fork_in_child(void)
{
	if (!is_daemon)
		return;
	if (ready_fd >= 0)
		close(ready_fd);
	if (lock_fd >= 0)
		close(lock_fd);
	ready_fd = lock_fd = -1;
	is_daemon = false;
}

static void install(void)
{
	pthread_atfork(NULL, NULL, fork_in_child);
}

/* ---- The first process ------------------------------------------------------------------- */

static void say(const char *sentence)
{
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, sentence);
}

/* Its exit status. */
static int await(int fd, int64_t ready_ns)
{
	const int64_t deadline = weft_now() + ready_ns;
	char sentence[SENTENCE_MAX];
	ssize_t len = -1;
	int64_t left;

	while (len < 0 && (left = deadline - weft_now()) > 0) {
		struct pollfd set = {.fd = fd, .events = POLLIN};
		int timeout_ms = left > WEFT_SECONDS(1000) ? 1000000 : (int)(left / 1000000) + 1;

		if (poll(&set, 1, timeout_ms) > 0)
			len = read(fd, sentence, sizeof sentence - 1);
	}
	if (len < 0) {
		say("the daemon is not ready in time; it goes on");
	} else if (len == 0) {
		say("the daemon has ended before it was ready");
	} else if (sentence[0]) {
		sentence[len] = '\0';
		say(sentence);
	}
	return len == 1 && !sentence[0] ? 0 : 1;
}

/* ---- Before the fork, so that an error is the caller's ----------------------------------------
 */

static bool has_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	int count = 0;

	if (!tasks)
		return false;
	for (struct dirent *entry; (entry = readdir(tasks));)
		count += entry->d_name[0] != '.';
	closedir(tasks);
	return count > 1;
}

struct opened {
	int directory_fd, pid_fd, out_fd;
};

static void close_opened(struct opened *opened)
{
	int saved = errno;

	if (opened->directory_fd >= 0)
		close(opened->directory_fd);
	if (opened->pid_fd >= 0)
		close(opened->pid_fd);
	if (opened->out_fd >= 0)
		close(opened->out_fd);
	errno = saved;
}

/* The lock is flock(2)'s: of the description, and so it survives the forks. */
static int open_pid(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	close(fd);
	if (errno == EWOULDBLOCK)
		errno = EEXIST;
	return -1;
}

static int open_all(const struct weft_daemon_options *options, struct opened *opened)
{
	const char *directory = options->directory ? options->directory : "/";

	*opened = (struct opened){-1, -1, -1};
	opened->directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (opened->directory_fd < 0)
		goto failed;
	if (options->log_path)
		opened->out_fd =
			open(options->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	else
		opened->out_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (opened->out_fd < 0)
		goto failed;
	if (options->pid_path && (opened->pid_fd = open_pid(options->pid_path)) < 0)
		goto failed;
	return 0;

failed:
	close_opened(opened);
	return -1;
}

/* ---- The daemon -------------------------------------------------------------------------------
 */

static int write_pid(int fd)
{
	int len;

	if (ftruncate(fd, 0) < 0)
		return -1;
	len = dprintf(fd, "%d\n", (int)getpid());
	return len < 0 ? -1 : 0;
}

static int settle(const struct weft_daemon_options *options, struct opened *opened)
{
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 ||
		dup2(opened->out_fd, STDOUT_FILENO) < 0 || dup2(opened->out_fd, STDERR_FILENO) < 0)
		return -1;
	if (null_fd > STDERR_FILENO)
		close(null_fd);
	if (fchdir(opened->directory_fd) < 0)
		return -1;
	umask(options->mask ? options->mask : 022);
	if (opened->pid_fd >= 0 && write_pid(opened->pid_fd) < 0)
		return -1;
	lock_fd = opened->pid_fd;
	opened->pid_fd = -1;
	if (opened->out_fd <= STDERR_FILENO)
		opened->out_fd = -1;
	close_opened(opened);
	return 0;
}

/* The one between leads the new session, and leaves it to one that can't get a terminal any more.
 */
static void leave_session(void)
{
	pid_t pid;

	setsid();
	pid = fork();
	if (pid < 0)
		weft_daemon_failed(strerror(errno));
	if (pid != 0)
		_exit(pid < 0);
}

/* Of the first fork: its parent never returns. -1: there is no child. */
static int leave_parent(const struct weft_daemon_options *options, struct opened *opened)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	if (pid > 0) {
		close(ends[1]);
		close_opened(opened);
		_exit(await(ends[0], options->ready_ns ? options->ready_ns : WEFT_SECONDS(60)));
	}
	close(ends[0]);
	ready_fd = ends[1];
	return 0;
}

int weft_daemonize(const struct weft_daemon_options *options)
{
	static const struct weft_daemon_options no_options;
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct opened opened;

	if (!options)
		options = &no_options;
	if (has_threads())
		return weft__process_fail(EBUSY);
	if (open_all(options, &opened) < 0)
		return -1;
	if (leave_parent(options, &opened) < 0) {
		close_opened(&opened);
		return -1;
	}
	leave_session();
	if (settle(options, &opened) < 0) {
		weft_daemon_failed(strerror(errno));
		_exit(1);
	}
	pthread_once(&once, install);
	is_daemon = true;
	return 0;
}

static int tell(const char *sentence, size_t len)
{
	ssize_t written;

	if (ready_fd < 0)
		return weft__process_fail(EINVAL);
	written = send(ready_fd, sentence, len, MSG_NOSIGNAL);
	(void)written; /* nobody waits any more: that is no matter of the daemon's */
	close(ready_fd);
	ready_fd = -1;
	return 0;
}

int weft_daemon_ready(void)
{
	return tell("", 1);
}

int weft_daemon_failed(const char *sentence)
{
	size_t len = strnlen(sentence, SENTENCE_MAX - 1);

	return len ? tell(sentence, len) : weft_daemon_failed("it gave no reason");
}
