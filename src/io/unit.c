/*
 * unit.c - threads and processes under one supervisor (unit.h).
 *
 * A process is reaped by its own number, through a descriptor of it (pidfd_open(2)): other
 * children of the program are not touched, and none of ours stays a zombie.
 *
 * Must never: run the program's exit handlers in a child, or let a child outlive the
 * server unasked.
 */
#include "io/unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fiber/doze.h"
#include "weft/thread.h"

/** A child's exit status after fn has returned; another one is a handler's own exit(3). */
enum { EXIT_DONE = 0, EXIT_FAILED = 1 };

struct weft__ended_list {
	pthread_mutex_t mutex;
	struct weft_list units;
};

/* ---- The supervisor ---------------------------------------------------------------------- */

static int watch(struct weft__units *units, int fd, struct weft__unit *unit)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = unit};

	return epoll_ctl(units->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

int weft__units_init(struct weft__units *units)
{
	units->count = 0;
	weft_list_init(&units->running);
	units->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	units->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	units->ended = calloc(1, sizeof(*units->ended));
	if (units->ended) {
		pthread_mutex_init(&units->ended->mutex, NULL);
		weft_list_init(&units->ended->units);
	}
	if (units->epoll_fd >= 0 && units->ended_fd >= 0 && units->ended &&
		watch(units, units->ended_fd, NULL) == 0)
		return 0;
	weft__units_fini(units);
	return -1;
}

void weft__units_fini(struct weft__units *units)
{
	int saved_errno = errno;

	if (units->epoll_fd >= 0)
		close(units->epoll_fd);
	if (units->ended_fd >= 0)
		close(units->ended_fd);
	if (units->ended)
		pthread_mutex_destroy(&units->ended->mutex);
	free(units->ended);
	errno = saved_errno;
}

/* ---- Threads ------------------------------------------------------------------------------ */

static int thread_main(void *arg)
{
	struct weft__unit *unit = arg;
	struct weft__units *units = unit->units;
	struct weft__ended_list *ended = units->ended;
	const uint64_t one = 1;
	int result = unit->fn(unit);

	pthread_mutex_lock(&ended->mutex);
	weft_list_remove(&unit->node);
	weft_list_push_back(&ended->units, &unit->node);
	if (write(units->ended_fd, &one, sizeof(one)) < 0)
		result = -1; /* the counter is full: it has been told often enough */
	pthread_mutex_unlock(&ended->mutex);
	return result;
}

static int start_thread(struct weft__units *units, struct weft__unit *unit)
{
	struct weft_thread_options options = {
		.name = units->name, .stack_size_bytes = units->stack_size_bytes};

	unit->thread = weft_thread_new(&options, thread_main, unit);
	if (!unit->thread)
		return -1;
	/* It may end at once, and takes itself off the list. */
	pthread_mutex_lock(&units->ended->mutex);
	weft_list_push_back(&units->running, &unit->node);
	pthread_mutex_unlock(&units->ended->mutex);
	if (weft_thread_start(unit->thread) == 0)
		return 0;
	weft_list_remove(&unit->node);
	weft_thread_free(unit->thread);
	return -1;
}

static struct weft__unit *reap_thread(struct weft__units *units)
{
	struct weft_list_node *node;
	struct weft__unit *unit;
	uint64_t count;

	pthread_mutex_lock(&units->ended->mutex);
	node = weft_list_pop_front(&units->ended->units);
	if (!node && read(units->ended_fd, &count, sizeof(count)) < 0)
		errno = EAGAIN;
	pthread_mutex_unlock(&units->ended->mutex);
	if (!node)
		return NULL;
	unit = weft_container_of(node, struct weft__unit, node);
	/* It has only to return. */
	weft_thread_join(unit->thread, &unit->status, WEFT_FOREVER);
	weft_thread_free(unit->thread);
	return unit;
}

/* ---- Processes ------------------------------------------------------------------------------ */

/* All signals are blocked, and *mask is what was before. */
__attribute__((noreturn)) static void child_main(
	struct weft__unit *unit, pid_t parent, sigset_t *mask)
{
	struct weft__units *units = unit->units;
	int result;

	weft__process_begin(units->on_stop, units->on_stop_arg);
	sigdelset(mask, SIGTERM);
	sigdelset(mask, WEFT__DOZE_SIGNAL);
	pthread_sigmask(SIG_SETMASK, mask, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		raise(SIGTERM); /* it was gone before that */
	close(units->epoll_fd);
	close(units->ended_fd);
	if (units->in_child)
		units->in_child(units);
	result = unit->fn(unit);
	fflush(stdout);
	fflush(stderr);
	_exit(result < 0 ? EXIT_FAILED : EXIT_DONE);
}

static int pid_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Blocked meanwhile: a signal that came before the child has its handlers would end it. */
static int start_process(struct weft__units *units, struct weft__unit *unit)
{
	pid_t self = getpid();
	sigset_t all, before;

	fflush(stdout);
	fflush(stderr);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	unit->pid = fork();
	if (unit->pid == 0)
		child_main(unit, self, &before);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (unit->pid < 0)
		return -1;
	unit->pid_fd = pid_open(unit->pid);
	if (unit->pid_fd >= 0 && watch(units, unit->pid_fd, unit) == 0) {
		weft_list_push_back(&units->running, &unit->node);
		return 0;
	}
	/* Without a descriptor nobody would see its end. */
	kill(unit->pid, SIGKILL);
	waitpid(unit->pid, NULL, 0);
	if (unit->pid_fd >= 0)
		close(unit->pid_fd);
	errno = EMFILE;
	return -1;
}

static struct weft__unit *reap_process(struct weft__units *units)
{
	struct epoll_event event;
	struct weft__unit *unit;

	if (epoll_wait(units->epoll_fd, &event, 1, 0) <= 0)
		return NULL;
	unit = event.data.ptr;
	if (waitpid(unit->pid, &unit->status, WNOHANG) < 0)
		unit->status = 0; /* somebody else has waited for it */
	epoll_ctl(units->epoll_fd, EPOLL_CTL_DEL, unit->pid_fd, &event);
	close(unit->pid_fd);
	weft_list_remove(&unit->node);
	return unit;
}

/* ---- Both ---------------------------------------------------------------------------------------
 */

struct weft__unit *weft__unit_start(
	struct weft__units *units, int (*fn)(struct weft__unit *unit), void *arg)
{
	struct weft__unit *unit = calloc(1, sizeof(*unit));

	if (!unit)
		return NULL;
	unit->units = units;
	unit->fn = fn;
	unit->arg = arg;
	unit->started_ns = weft_now();
	units->count++;
	if ((units->are_processes ? start_process(units, unit) : start_thread(units, unit)) == 0)
		return unit;
	units->count--;
	free(unit);
	return NULL;
}

struct weft__unit *weft__units_reap(struct weft__units *units)
{
	struct weft__unit *unit = units->are_processes ? reap_process(units) : reap_thread(units);

	if (unit)
		units->count--;
	return unit;
}

static void signal_all(struct weft__units *units, int signal)
{
	weft_list_each (node, &units->running)
		kill(weft_container_of(node, struct weft__unit, node)->pid, signal);
}

void weft__units_stop(struct weft__units *units)
{
	if (units->are_processes)
		signal_all(units, SIGTERM);
}

void weft__units_cancel(struct weft__units *units)
{
	if (units->are_processes) {
		signal_all(units, WEFT__DOZE_SIGNAL);
		return;
	}
	pthread_mutex_lock(&units->ended->mutex);
	weft_list_each (node, &units->running)
		weft_thread_cancel(weft_container_of(node, struct weft__unit, node)->thread);
	pthread_mutex_unlock(&units->ended->mutex);
}

void weft__units_kill(struct weft__units *units)
{
	if (units->are_processes)
		signal_all(units, SIGKILL);
}

bool weft__unit_has_crashed(const struct weft__unit *unit)
{
	if (unit->thread)
		return false;
	return !WIFEXITED(unit->status) || WEXITSTATUS(unit->status) > EXIT_FAILED;
}
