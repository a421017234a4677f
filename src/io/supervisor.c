/*
 * supervisor.c - see supervisor.h.
 */
#include "io/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "io/listener.h"
#include "weft/log.h"
#include "weft/scope.h"
#include "weft/socket.h"

int weft__supervisor_watch(struct weft__supervisor *supervisor, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(supervisor->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

int weft__supervisor_init(struct weft__supervisor *supervisor)
{
	supervisor->units.grace_ns = supervisor->serving->grace_ns;
	if (weft__units_init(&supervisor->units) < 0)
		return -1;
	supervisor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (supervisor->epoll_fd >= 0 &&
		weft__supervisor_watch(supervisor, supervisor->units.epoll_fd) == 0 &&
		weft__supervisor_watch(supervisor, supervisor->serving->listener->stop_fd) == 0)
		return 0;
	if (supervisor->epoll_fd >= 0)
		weft_close(supervisor->epoll_fd);
	weft__units_fini(&supervisor->units);
	return -1;
}

bool weft__supervisor_is_stopped(const struct weft__supervisor *supervisor)
{
	struct pollfd look = {.fd = supervisor->serving->listener->stop_fd, .events = POLLIN};

	return poll(&look, 1, 0) > 0;
}

void weft__supervisor_reap(struct weft__supervisor *supervisor)
{
	struct weft__unit *unit;

	while ((unit = weft__units_reap(&supervisor->units))) {
		supervisor->on_end(supervisor, unit);
		weft__unit_free(unit);
	}
}

static int wait_on(int epoll_fd, int64_t timeout_ns)
{
	struct weft_timeout timeout;
	int result, code;

	weft_timeout_begin(&timeout, timeout_ns);
	result = weft_wait_fd(epoll_fd, POLLIN);
	code = errno;
	/* Its own time being up is no error; the scope's is. */
	if (weft_timeout_end(&timeout) && code == ETIMEDOUT) {
		code = weft_interrupted();
		result = code ? -1 : 0;
	}
	errno = code;
	return result < 0 ? -1 : 0;
}

int weft__supervisor_wait(struct weft__supervisor *supervisor, int64_t timeout_ns)
{
	return wait_on(supervisor->epoll_fd, timeout_ns);
}

/* Until all have ended, or timeout_ns is over. Whether they have. */
static bool await_end(struct weft__supervisor *supervisor, int64_t timeout_ns)
{
	int64_t deadline_ns = timeout_ns < 0 ? INT64_MAX : weft_now() + timeout_ns;

	weft__supervisor_reap(supervisor);
	while (supervisor->units.count > 0) {
		int64_t left_ns =
			deadline_ns == INT64_MAX ? WEFT_FOREVER : deadline_ns - weft_now();

		if (deadline_ns != INT64_MAX && left_ns <= 0)
			return false;
		wait_on(supervisor->units.epoll_fd, left_ns);
		weft__supervisor_reap(supervisor);
	}
	return true;
}

void weft__supervisor_end(struct weft__supervisor *supervisor)
{
	struct weft__units *units = &supervisor->units;
	int64_t grace_ns = supervisor->serving->grace_ns;

	weft__units_stop(units);
	if (!await_end(supervisor, grace_ns > 0 ? grace_ns : 0)) {
		weft__units_cancel(units);
		if (!await_end(supervisor,
			    units->are_processes ? WEFT__KILL_AFTER_NS : WEFT_FOREVER)) {
			weft__units_kill(units);
			await_end(supervisor, WEFT_FOREVER);
		}
	}
	weft_close(supervisor->epoll_fd);
	weft__units_fini(units);
}

void weft__supervisor_report(
	const struct weft__supervisor *supervisor, const struct weft__unit *unit)
{
	char address[WEFT_ADDRESS_TEXT_MAX];
	int64_t pid = weft_process_pid(unit->process);

	weft_address_print(&supervisor->serving->listener->address, address, sizeof(address));
	if (unit->end.how == WEFT_PROCESS_LOST)
		weft_log(WEFT_LOG_ERROR,
			"a process that served is gone; how is not known: another part of the "
			"program has waited for it, or SIGCHLD is ignored",
			WEFT_KV("listener", address), WEFT_KV("pid", pid));
	else if (unit->end.how == WEFT_PROCESS_KILLED)
		weft_log(WEFT_LOG_ERROR, "a process that served was killed",
			WEFT_KV("listener", address), WEFT_KV("pid", pid),
			WEFT_KV("signal", strsignal(unit->end.code)));
	else
		weft_log(WEFT_LOG_ERROR, "a process that served has exited",
			WEFT_KV("listener", address), WEFT_KV("pid", pid),
			WEFT_KV("status", (int64_t)unit->end.code));
}
