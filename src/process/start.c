/*
 * start.c - the way from a record to a running process, on the thread that starts it.
 *
 * Must never: leave a child, a descriptor or a blocked signal behind when it fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fiber/worker.h"
#include "process/process.h"

/* ---- Streams ------------------------------------------------------------------------- */

static void plumbing_close_theirs(struct weft__process_plumbing *plumbing)
{
	for (int i = 0; i < 3; i++)
		if (plumbing->is_made[i])
			close(plumbing->theirs[i]);
}

static void plumbing_close(struct weft__process_plumbing *plumbing)
{
	plumbing_close_theirs(plumbing);
	for (int i = 0; i < 3; i++)
		if (plumbing->ours[i] >= 0)
			close(plumbing->ours[i]);
}

static int open_pipe(struct weft__process_plumbing *plumbing, int which)
{
	int ends[2]; /* 0 is read */
	int their = which == STDIN_FILENO ? 0 : 1;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	plumbing->theirs[which] = ends[their];
	plumbing->ours[which] = ends[!their];
	plumbing->is_made[which] = true;
	return 0;
}

static int open_null(struct weft__process_plumbing *plumbing, int which)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return errno;
	plumbing->theirs[which] = fd;
	plumbing->is_made[which] = true;
	return 0;
}

static int plumb(
	struct weft__process_plumbing *plumbing, const struct weft_process_redirect *how, int which)
{
	switch (how->kind) {
	case WEFT_PROCESS_PIPE:
		return open_pipe(plumbing, which);
	case WEFT_PROCESS_NULL:
		return open_null(plumbing, which);
	case WEFT_PROCESS_FD:
		plumbing->theirs[which] = how->fd;
		return fcntl(how->fd, F_GETFD) < 0 ? errno : 0;
	case WEFT_PROCESS_OUTPUT:
		plumbing->theirs[which] = plumbing->theirs[STDOUT_FILENO] >= 0
						  ? plumbing->theirs[STDOUT_FILENO]
						  : STDOUT_FILENO;
		return 0;
	default:
		return 0;
	}
}

static int plumbing_open(
	struct weft__process_plumbing *plumbing, const struct weft_process *process)
{
	int code = 0;

	*plumbing = (struct weft__process_plumbing){{-1, -1, -1}, {-1, -1, -1}, {false}};
	for (int i = 0; i < 3 && code == 0; i++)
		code = plumb(plumbing, &process->options.streams[i], i);
	if (code)
		plumbing_close(plumbing);
	return code;
}

/* ---- In the child ---------------------------------------------------------------------- */

#define IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

/* One whose number another stream is about to take goes out of the way first. */
static IN_CHILD int settle_streams(const struct weft__process_plumbing *plumbing)
{
	int from[3];

	for (int i = 0; i < 3; i++) {
		from[i] = plumbing->theirs[i];
		if (from[i] < 0 || from[i] > 2 || from[i] == i)
			continue;
		from[i] = (int)syscall(SYS_fcntl, from[i], F_DUPFD_CLOEXEC, 3);
		if (from[i] < 0)
			return errno;
	}
	for (int i = 0; i < 3; i++) {
		long result = 0;

		if (from[i] == i)
			result = syscall(SYS_fcntl, i, F_SETFD, 0);
		else if (from[i] >= 0)
			result = syscall(SYS_dup3, from[i], i, 0);
		if (result < 0)
			return errno;
	}
	return 0;
}

/* The parent's end, not that of the thread which forked: that one lives as long (nursery.c). */
static IN_CHILD int settle_daemon(const struct weft_process *process)
{
	if (syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return errno;
	if (syscall(SYS_getppid) != process->parent)
		syscall(SYS_kill, syscall(SYS_getpid), SIGKILL); /* it was gone before that */
	return 0;
}

static IN_CHILD int settle_nice(int more)
{
	/* The system call's 1..40 are the library's 19..-20. */
	long now = 20 - syscall(SYS_getpriority, PRIO_PROCESS, 0);

	return syscall(SYS_setpriority, PRIO_PROCESS, 0, now + more) < 0 ? errno : 0;
}

IN_CHILD int weft__process_settle(
	const struct weft_process *process, const struct weft__process_plumbing *plumbing)
{
	const struct weft_process_options *options = &process->options;
	int code = 0;

	if (options->new_session)
		code = syscall(SYS_setsid) < 0 ? errno : 0;
	else if (options->new_group)
		code = syscall(SYS_setpgid, 0, 0) < 0 ? errno : 0;
	if (code == 0 && options->is_daemon)
		code = settle_daemon(process);
	if (code == 0 && options->directory)
		code = syscall(SYS_chdir, options->directory) < 0 ? errno : 0;
	if (code == 0 && options->nice)
		code = settle_nice(options->nice);
	for (size_t i = 0; i < options->limit_count && code == 0; i++) {
		const struct weft_process_limit *limit = &options->limits[i];
		struct rlimit wanted = {limit->soft, limit->hard};

		if (syscall(SYS_prlimit64, 0, limit->resource, &wanted, NULL) < 0)
			code = errno;
	}
	return code ? code : settle_streams(plumbing);
}

/* ---- Functions --------------------------------------------------------------------------- */

/* A step of settling that may fail is told by the child. */
static bool may_fail(const struct weft_process_options *options)
{
	return options->directory || options->nice || options->limit_count > 0;
}

static void tell(int fd, int code)
{
	ssize_t written = fd < 0 ? 0 : write(fd, &code, sizeof code);

	(void)written; /* nobody listens: the parent is gone */
}

/* Whether a pipe's end has been copied to its place, or has none here: where the parent had closed
 * a standard stream of its own, it may have that number. */
static bool is_spare(const struct weft__process_plumbing *plumbing, int fd)
{
	return fd > 2 || plumbing->theirs[fd] < 0;
}

static void function_main(
	struct weft_process *process, const struct weft__process_plumbing *plumbing, int tell_fd)
{
	sigset_t none;
	int code;

	weft__context_forked();
	code = weft__process_settle(process, plumbing);
	tell(tell_fd, code);
	if (code)
		_exit(1);
	if (tell_fd >= 0)
		close(tell_fd);
	for (int i = 0; i < 3; i++) {
		if (plumbing->is_made[i] && is_spare(plumbing, plumbing->theirs[i]))
			close(plumbing->theirs[i]);
		if (plumbing->ours[i] >= 0 && is_spare(plumbing, plumbing->ours[i]))
			close(plumbing->ours[i]);
	}
	if (process->options.environment)
		environ = (char **)process->options.environment;
	if (process->kept_begin) {
		process->kept_begin(process->arg);
	} else {
		sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
		sigemptyset(&none);
		pthread_sigmask(SIG_SETMASK, &none, NULL);
	}
	weft__process_run_function(process);
}

/* What the child has told of its settling, or that it has ended before. */
static int hear(int fd, int pid_fd)
{
	struct pollfd set[2] = {{.fd = fd, .events = POLLIN}, {.fd = pid_fd, .events = POLLIN}};
	int code = 0;

	while (poll(set, pid_fd < 0 ? 1 : 2, -1) < 0 && errno == EINTR)
		;
	if (!(set[0].revents & POLLIN) || read(fd, &code, sizeof code) != sizeof code)
		return 0; /* killed by somebody: that is an end like another */
	return code;
}

static int run_function(struct weft_process *process, const struct weft__process_plumbing *plumbing,
	pid_t *ret_pid, int *ret_pid_fd)
{
	int ends[2] = {-1, -1}, code = 0;
	pid_t pid;

	if (may_fail(&process->options) && pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	fflush(stdout);
	fflush(stderr);
	/*
	 * Its descriptor is had afterwards. clone3(2) would give both, but fork(3) sees to the
	 * library's locks and to others' handlers, without which the function could do nothing.
	 * Who ends before is a zombie, and had all the same; unless somebody else reaps it, which
	 * is told as ESRCH.
	 */
	pid = fork();
	if (pid == 0)
		function_main(process, plumbing, ends[1]);
	if (pid < 0)
		code = errno;
	*ret_pid = pid;
	*ret_pid_fd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	if (ends[0] >= 0) {
		close(ends[1]);
		if (code == 0)
			code = hear(ends[0], *ret_pid_fd);
		close(ends[0]);
	}
	return code;
}

/* ---- Both ---------------------------------------------------------------------------------- */

/* It was begun, and is not wanted. */
static void discard(pid_t pid, int pid_fd)
{
	siginfo_t info;

	/* By its descriptor, where there is one: if SIGCHLD is ignored, the number may be another's
	 * by now. */
	if (pid_fd >= 0) {
		syscall(SYS_pidfd_send_signal, pid_fd, SIGKILL, NULL, 0);
		while (waitid(P_PIDFD, (id_t)pid_fd, &info, WEXITED) < 0 && errno == EINTR)
			;
		close(pid_fd);
	} else if (pid > 0) {
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
}

int weft__process_launch(struct weft_process *process)
{
	struct weft__process_plumbing plumbing;
	int pid_fd = -1, code = plumbing_open(&plumbing, process);
	sigset_t all, before;
	pid_t pid = -1;

	if (code)
		return code;
	process->parent = getpid();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = process->argv ? weft__process_run_program(process, &plumbing, &pid, &pid_fd)
			     : run_function(process, &plumbing, &pid, &pid_fd);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code == 0 && pid_fd < 0) {
		/* ESRCH: it has ended, and was waited for by others. */
		pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
		code = pid_fd < 0 && errno != ESRCH ? errno : 0;
	}
	if (code) {
		discard(pid, pid_fd);
		plumbing_close(&plumbing);
		return code;
	}
	plumbing_close_theirs(&plumbing);
	process->pid = pid;
	process->pid_fd = pid_fd;
	for (int i = 0; i < 3; i++)
		process->ours[i] = plumbing.ours[i];
	return 0;
}
