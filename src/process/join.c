/*
 * join.c - how processes end: reaping, joining, signals (include/weft/process.h).
 *
 * Must never: signal or wait for a number; a descriptor of a process is of that one for good.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fiber/driver/driver.h"
#include "process/process.h"
#include "weft/scope.h"
#include "weft/socket.h"

static int64_t ns_of(struct timeval time)
{
	return WEFT_SECONDS(time.tv_sec) + WEFT_MICROSECONDS(time.tv_usec);
}

/* While it is not reaped, its number is nobody else's, and neither is its group's. False: it runs.
 */
static bool end_group(const struct weft_process *process)
{
	siginfo_t info = {0};

	if (waitid(P_PIDFD, (id_t)process->pid_fd, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return true; /* reaped by others: there is no number any more */
	if (info.si_pid == 0)
		return false;
	kill(-process->pid, SIGKILL);
	return true;
}

/* False: it runs. */
static bool take_end(struct weft_process *process)
{
	struct rusage usage = {0};
	siginfo_t info = {0};
	struct weft_process_end *end = &process->end;

	*end = (struct weft_process_end){.how = WEFT_PROCESS_LOST};
	if (process->pid_fd < 0)
		return true;
	if (process->options.ends_group && !end_group(process))
		return false;
	if (syscall(SYS_waitid, P_PIDFD, process->pid_fd, &info, WEXITED | WNOHANG, &usage) < 0)
		return errno == ECHILD;
	if (info.si_pid == 0)
		return false;
	end->how = info.si_code == CLD_EXITED ? WEFT_PROCESS_EXITED : WEFT_PROCESS_KILLED;
	end->code = info.si_status;
	end->has_core = info.si_code == CLD_DUMPED;
	end->user_ns = ns_of(usage.ru_utime);
	end->system_ns = ns_of(usage.ru_stime);
	end->memory_peak_bytes = (size_t)usage.ru_maxrss * 1024;
	return true;
}

bool weft__process_reap(struct weft_process *process)
{
	if (process->state != WEFT__PROCESS_RUNNING)
		return true;
	if (!take_end(process))
		return false;
	if (process->joiners == 0 && process->pid_fd >= 0)
		weft__nursery_unwatch(process);
	process->state = WEFT__PROCESS_ENDED;
	weft_list_remove(&process->node);
	weft__process_release(process);
	return true;
}

/* With the lock: 0, or why there is no end to be told. */
static int look(struct weft_process *process, struct weft_process_end *ret_end)
{
	switch (process->state) {
	case WEFT__PROCESS_ENDED:
		if (ret_end)
			*ret_end = process->end;
		return 0;
	case WEFT__PROCESS_RUNNING:
		return EBUSY;
	case WEFT__PROCESS_FOREIGN:
		return ECHILD;
	default:
		return EINVAL;
	}
}

int weft_process_result(struct weft_process *process, struct weft_process_end *ret_end)
{
	int code;

	weft__nursery_lock();
	weft__process_reap(process);
	code = look(process, ret_end);
	weft__nursery_unlock();
	return code ? weft__process_fail(code) : 0;
}

char *weft_process_end_text(
	const struct weft_process_end *end, char text[WEFT_PROCESS_END_TEXT_SIZE])
{
	const char *name = sigabbrev_np(end->code);
	const char *core = end->has_core ? ", core dumped" : "";
	size_t size = WEFT_PROCESS_END_TEXT_SIZE;

	if (end->how == WEFT_PROCESS_EXITED)
		snprintf(text, size, "exited with %d", end->code);
	else if (end->how != WEFT_PROCESS_KILLED)
		snprintf(text, size, "ended, and nobody knows how");
	else if (name)
		snprintf(text, size, "killed by signal %d (%s)%s", end->code, name, core);
	else
		snprintf(text, size, "killed by signal %d%s", end->code, core);
	return text;
}

/* ---- Joining ------------------------------------------------------------------------------ */

/* With the lock: whoever waits reaps it, and the nursery need not be woken. */
static int join_begin(struct weft_process *process)
{
	int code;

	weft__process_reap(process);
	code = look(process, NULL);
	if (code != EBUSY)
		return code;
	if (process->joiners++ == 0)
		weft__nursery_unwatch(process);
	return EBUSY;
}

static void join_end(struct weft_process *process)
{
	if (process->state != WEFT__PROCESS_RUNNING)
		return;
	weft__process_reap(process);
	if (process->state != WEFT__PROCESS_RUNNING)
		return;
	if (--process->joiners == 0)
		weft__nursery_watch(process);
}

static int wait_readable(int fd)
{
	struct weft__op op = {.kind = WEFT__OP_POLL, .fd = fd, .flags = POLLIN};

	return weft__perform(&op) < 0 ? errno : 0;
}

int weft_process_join(
	struct weft_process *process, struct weft_process_end *ret_end, int64_t timeout_ns)
{
	struct weft_timeout timeout;
	int code, waited = weft_interrupted();

	if (waited)
		return weft__process_fail(waited);
	weft__nursery_lock();
	code = join_begin(process);
	weft__nursery_unlock();
	if (code == EBUSY) {
		weft_timeout_begin(&timeout, timeout_ns);
		do
			waited = wait_readable(process->pid_fd);
		while (!waited && weft_process_is_alive(process));
		weft_timeout_end(&timeout);
		weft__nursery_lock();
		join_end(process);
		weft__nursery_unlock();
	}
	weft__nursery_lock();
	code = look(process, ret_end);
	weft__nursery_unlock();
	if (code == EBUSY)
		code = waited; /* only then: its end counts, also when it was late */
	return code ? weft__process_fail(code) : 0;
}

/* The first that has ended, or an errno as a negative number; EBUSY: none has. */
static ssize_t find_ended(struct weft_process *const *processes, size_t count)
{
	ssize_t found = -EBUSY;

	weft__nursery_lock();
	for (size_t i = 0; i < count && found == -EBUSY; i++) {
		int code;

		weft__process_reap(processes[i]);
		code = look(processes[i], NULL);
		if (code != EBUSY)
			found = code ? -code : (ssize_t)i;
	}
	weft__nursery_unlock();
	return found;
}

static ssize_t wait_any(struct weft_process *const *processes, size_t count, int64_t timeout_ns)
{
	struct weft_timeout timeout;
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC), code = 0;

	if (epoll_fd < 0)
		return -errno;
	for (size_t i = 0; i < count && code == 0; i++) {
		struct epoll_event event = {.events = EPOLLIN};

		/* One may stand there twice. */
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, processes[i]->pid_fd, &event) < 0 &&
			errno != EEXIST)
			code = errno;
	}
	weft_timeout_begin(&timeout, timeout_ns);
	if (code == 0)
		code = wait_readable(epoll_fd);
	weft_timeout_end(&timeout);
	weft_close(epoll_fd);
	return -code;
}

ssize_t weft_process_join_any(
	struct weft_process *const *processes, size_t count, int64_t timeout_ns)
{
	ssize_t found = -weft_interrupted(), waited = 0;

	if (count == 0 || count > WEFT_PROCESS_JOIN_MAX)
		found = -EINVAL;
	if (found < 0)
		return weft__process_fail((int)-found);
	while ((found = find_ended(processes, count)) == -EBUSY && waited == 0)
		waited = wait_any(processes, count, timeout_ns);
	if (found == -EBUSY)
		found = waited;
	return found < 0 ? weft__process_fail((int)-found) : found;
}

/* ---- Signals --------------------------------------------------------------------------------- */

static int send_to_one(const struct weft_process *process, int number)
{
	return syscall(SYS_pidfd_send_signal, process->pid_fd, number, NULL, 0) < 0 ? errno : 0;
}

static int queue_to_one(const struct weft_process *process, int number)
{
	siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE};

	info.si_pid = getpid();
	info.si_uid = getuid();
	return syscall(SYS_pidfd_send_signal, process->pid_fd, number, &info, 0) < 0 ? errno : 0;
}

/* It runs, or is not reaped: the number is its own. A function may not have made its group yet. */
static int send_to_group(const struct weft_process *process, int number)
{
	if (!process->options.new_group && !process->options.new_session)
		return EINVAL;
	if (kill(-process->pid, number) == 0)
		return 0;
	return errno == ESRCH ? send_to_one(process, number) : errno;
}

static int send_signal(struct weft_process *process, int number,
	int (*send)(const struct weft_process *process, int number))
{
	int code;

	weft__nursery_lock();
	weft__process_reap(process);
	code = look(process, NULL);
	if (code == 0)
		code = ESRCH;
	else if (code == EBUSY)
		code = send(process, number);
	weft__nursery_unlock();
	return code ? weft__process_fail(code) : 0;
}

int weft_process_signal(struct weft_process *process, int number)
{
	return send_signal(process, number, send_to_one);
}

int weft__process_queue_signal(struct weft_process *process, int number)
{
	return send_signal(process, number, queue_to_one);
}

int weft_process_signal_group(struct weft_process *process, int number)
{
	return send_signal(process, number, send_to_group);
}

int weft_process_terminate(struct weft_process *process)
{
	return weft_process_signal(process, SIGTERM);
}

int weft_process_kill(struct weft_process *process)
{
	return weft_process_signal(process, SIGKILL);
}

int weft_process_stop(
	struct weft_process *process, struct weft_process_end *ret_end, int64_t grace_ns)
{
	int result = -1;

	if (weft_process_terminate(process) < 0 && errno != ESRCH)
		return -1;
	if (weft_process_join(process, ret_end, grace_ns) == 0)
		return 0;
	WEFT_SHIELDED {
		weft_process_kill(process);
		result = weft_process_join(process, ret_end, WEFT_FOREVER);
	}
	return result;
}

/* ---- About processes ----------------------------------------------------------------------------
 */

bool weft_process_is_alive(struct weft_process *process)
{
	int saved = errno;
	bool is_alive = weft_process_result(process, NULL) < 0 && errno == EBUSY;

	errno = saved;
	return is_alive;
}

pid_t weft_process_pid(const struct weft_process *process)
{
	return process->pid;
}

pid_t weft_process_parent_pid(const struct weft_process *process)
{
	return process->parent;
}

const char *weft_process_name(const struct weft_process *process)
{
	return process->name;
}

bool weft_process_is_daemon(const struct weft_process *process)
{
	return process->options.is_daemon;
}

int weft_process_fd(const struct weft_process *process)
{
	return process->pid_fd;
}

void *weft_process_arg(const struct weft_process *process)
{
	return process->arg;
}

size_t weft_process_count(void)
{
	size_t count = 0;

	weft__nursery_lock();
	weft_list_each (node, &weft__nursery_living)
		count++;
	weft__nursery_unlock();
	return count;
}

/* ---- Our ends of its streams
 * ---------------------------------------------------------------------- */

int weft_process_take_fd(struct weft_process *process, int which)
{
	int fd;

	if (!process->pid)
		return weft__process_fail(EINVAL);
	if (which < 0 || which > 2 || process->streams[which] || process->ours[which] < 0)
		return weft__process_fail(EBADF);
	fd = process->ours[which];
	process->ours[which] = -1;
	return fd;
}

int weft_process_close_stream(struct weft_process *process, int which)
{
	if (which < 0 || which > 2 || (!process->streams[which] && process->ours[which] < 0))
		return weft__process_fail(EBADF);
	if (process->streams[which])
		process->free_stream(process->streams[which]);
	else
		weft_close(process->ours[which]);
	process->streams[which] = NULL;
	process->ours[which] = -1;
	return 0;
}
