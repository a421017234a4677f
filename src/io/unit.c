/*
 * unit.c - threads and processes under one supervisor (unit.h).
 *
 * Processes are those of src/process, kept by us (weft__process_new_kept()): the end of each is
 * told by its own descriptor, other children of the program are not touched, and none of ours
 * stays a zombie. Whether fn has returned is told by a byte of shared memory, and not by the exit
 * status: a handler may exit with any, and a program that ignores SIGCHLD, or waits for all its
 * children, leaves none for us.
 *
 * Must never: run the program's exit handlers in a child, or let a child outlive the
 * server unasked.
 */
#include "io/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fiber/doze.h"
#include "process/process.h"
#include "weft/scope.h"
#include "weft/thread.h"

/** What a process's place says. */
enum { PLACE_FREE, PLACE_RUNNING, PLACE_RETURNED };

/** The kernel has no more numbers for processes (PID_MAX_LIMIT). */
#define PLACES_MAX ((size_t)4 * 1024 * 1024)

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

static int pid_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int places_init(struct weft__units *units)
{
	void *places = NULL;
	int pid_fd = units->are_processes ? pid_open(getpid()) : -1;

	/* Better told here, once, than to each peer. */
	if (units->are_processes && pid_fd < 0)
		return -1;
	if (pid_fd >= 0)
		close(pid_fd);

	units->places = NULL;
	units->place_next = 0;
	units->place_count = units->processes_max < PLACES_MAX ? units->processes_max : PLACES_MAX;
	if (units->are_processes)
		places = mmap(NULL, units->place_count, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (places == MAP_FAILED)
		return -1;
	units->places = places;
	return 0;
}

int weft__units_init(struct weft__units *units)
{
	units->count = 0;
	weft_list_init(&units->running);
	units->places = NULL;
	units->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	units->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	units->ended = calloc(1, sizeof(*units->ended));
	if (units->ended) {
		pthread_mutex_init(&units->ended->mutex, NULL);
		weft_list_init(&units->ended->units);
	}
	if (units->epoll_fd >= 0 && units->ended_fd >= 0 && units->ended &&
		watch(units, units->ended_fd, NULL) == 0 && places_init(units) == 0)
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
	if (units->places)
		munmap(units->places, units->place_count);
	errno = saved_errno;
}

/* ---- Those that have ended ----------------------------------------------------------------- */

static void tell_end(struct weft__unit *unit)
{
	struct weft__units *units = unit->units;
	const uint64_t one = 1;
	ssize_t written;

	pthread_mutex_lock(&units->ended->mutex);
	weft_list_remove(&unit->node);
	weft_list_push_back(&units->ended->units, &unit->node);
	written = write(units->ended_fd, &one, sizeof(one));
	(void)written; /* the counter is full: it has been told often enough */
	pthread_mutex_unlock(&units->ended->mutex);
}

static struct weft__unit *pop_ended(struct weft__units *units)
{
	struct weft_list_node *node;
	uint64_t count;

	pthread_mutex_lock(&units->ended->mutex);
	node = weft_list_pop_front(&units->ended->units);
	if (!node && read(units->ended_fd, &count, sizeof(count)) < 0)
		errno = EAGAIN;
	pthread_mutex_unlock(&units->ended->mutex);
	return node ? weft_container_of(node, struct weft__unit, node) : NULL;
}

/* ---- Threads ------------------------------------------------------------------------------ */

static int thread_main(void *arg)
{
	struct weft__unit *unit = arg;
	int result = unit->fn(unit);

	tell_end(unit);
	return result;
}

static int start_thread(struct weft__units *units, struct weft__unit *unit)
{
	struct weft_thread_options options = {
		.name = units->name, .stack_size_bytes = units->stack_size_bytes};
	int code;

	unit->thread = weft_thread_new(&options, thread_main, unit);
	if (!unit->thread)
		return -1;
	/* It may end at once, and takes itself off the list. */
	pthread_mutex_lock(&units->ended->mutex);
	weft_list_push_back(&units->running, &unit->node);
	pthread_mutex_unlock(&units->ended->mutex);
	if (weft_thread_start(unit->thread) == 0)
		return 0;
	code = errno;
	pthread_mutex_lock(&units->ended->mutex); /* others take themselves off it */
	weft_list_remove(&unit->node);
	pthread_mutex_unlock(&units->ended->mutex);
	weft_thread_free(unit->thread);
	errno = code;
	return -1;
}

static struct weft__unit *reap_thread(struct weft__units *units)
{
	struct weft__unit *unit = pop_ended(units);

	if (!unit)
		return NULL;
	/* It has only to return. */
	weft_thread_join(unit->thread, NULL, WEFT_FOREVER);
	weft_thread_free(unit->thread);
	unit->has_returned = true;
	return unit;
}

/* ---- Processes ------------------------------------------------------------------------------ */

static _Atomic unsigned char *place_take(struct weft__units *units)
{
	for (size_t i = 0; i < units->place_count; i++) {
		_Atomic unsigned char *place =
			&units->places[(units->place_next + i) % units->place_count];

		if (atomic_load(place) != PLACE_FREE)
			continue;
		atomic_store(place, PLACE_RUNNING);
		units->place_next += i + 1;
		return place;
	}
	errno = EAGAIN;
	return NULL;
}

/* In the child, all signals being blocked: none may come before there is a handler for it. */
static void child_begin(void *arg)
{
	struct weft__unit *unit = arg;
	struct weft__units *units = unit->units;
	pid_t server = weft_process_parent_pid(unit->process);
	const struct weft__process process = {.server = server,
		.grace_ns = units->grace_ns,
		.kill_after_ns = WEFT__KILL_AFTER_NS,
		.stop = units->on_stop,
		.arg = units->on_stop_arg};
	sigset_t mask = units->mask;

	weft__process_begin(&process);
	sigdelset(&mask, SIGTERM);
	sigdelset(&mask, WEFT__DOZE_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != server)
		raise(SIGTERM); /* it was gone before that */
}

static int child_main(void *arg)
{
	struct weft__unit *unit = arg;
	struct weft__units *units = unit->units;
	int result;

	close(units->epoll_fd);
	close(units->ended_fd);
	if (units->in_child)
		units->in_child(units);
	result = unit->fn(unit);
	fflush(stdout);
	fflush(stderr);
	atomic_store(unit->place, PLACE_RETURNED);
	return result < 0;
}

/* Have its end told. -1 with errno: it can't be, and the process is gone. */
static int follow(struct weft__units *units, struct weft__unit *unit)
{
	int fd = weft_process_fd(unit->process), code;

	if (fd < 0) {
		/* It has ended, and the program leaves no zombies, or has waited for it. */
		weft_list_push_back(&units->running, &unit->node);
		tell_end(unit);
		return 0;
	}
	if (watch(units, fd, unit) == 0) {
		weft_list_push_back(&units->running, &unit->node);
		return 0;
	}
	code = errno;
	WEFT_SHIELDED {
		weft_process_kill(unit->process);
		weft_process_join(unit->process, NULL, WEFT_FOREVER);
	}
	errno = code;
	return -1;
}

/* It bears the name that the program has, in ps(1) and for killall(1). */
static int start_process(struct weft__units *units, struct weft__unit *unit)
{
	int spare = fcntl(units->ended_fd, F_DUPFD_CLOEXEC, 0), code;

	/* A child for which there is no descriptor is better not begun: it talks at once. */
	if (spare < 0)
		return -1;
	pthread_sigmask(SIG_SETMASK, NULL, &units->mask);
	unit->place = place_take(units);
	if (unit->place)
		unit->process = weft__process_new_kept(
			program_invocation_short_name, child_begin, child_main, unit);
	code = errno;
	close(spare);
	if (unit->process) {
		if (weft_process_start(unit->process) == 0 && follow(units, unit) == 0)
			return 0;
		code = errno;
	}
	if (unit->place)
		atomic_store(unit->place, PLACE_FREE);
	errno = code;
	return -1;
}

/* Which has ended. */
static void take_end(struct weft__unit *unit)
{
	unit->has_returned = atomic_load(unit->place) == PLACE_RETURNED;
	atomic_store(unit->place, PLACE_FREE);
	/* At once, but for one that a debugger has: its end is the debugger's first. */
	WEFT_SHIELDED
		if (weft_process_join(unit->process, &unit->end, WEFT_SECONDS(1)) < 0)
			unit->end = (struct weft_process_end){.how = WEFT_PROCESS_LOST};
}

static struct weft__unit *reap_process(struct weft__units *units)
{
	struct epoll_event event;
	struct weft__unit *unit;

	if (epoll_wait(units->epoll_fd, &event, 1, 0) <= 0)
		return NULL;
	unit = event.data.ptr;
	if (!unit) {
		unit = pop_ended(units);
	} else {
		epoll_ctl(units->epoll_fd, EPOLL_CTL_DEL, weft_process_fd(unit->process), &event);
		weft_list_remove(&unit->node);
	}
	if (unit)
		take_end(unit);
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
	weft__unit_free(unit);
	return NULL;
}

struct weft__unit *weft__units_reap(struct weft__units *units)
{
	struct weft__unit *unit = units->are_processes ? reap_process(units) : reap_thread(units);

	if (unit)
		units->count--;
	return unit;
}

void weft__unit_free(struct weft__unit *unit)
{
	weft_process_free(unit->process);
	free(unit);
}

/* So that they know that it comes from their server. */
static void signal_all(struct weft__units *units, int signal)
{
	weft_list_each (node, &units->running)
		weft__process_queue_signal(
			weft_container_of(node, struct weft__unit, node)->process, signal);
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
	return !unit->has_returned;
}
