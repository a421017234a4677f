/*
 * nursery.c - the thread that looks after the processes: starts those that others can't, and
 * reaps those that nobody joins.
 *
 * It sleeps in poll(2) on an epoll set of the processes' descriptors, and looks which of them
 * it is under the mutex: so none is freed between the look and the reaping.
 *
 * Must never: fork, or call a user's function, with the mutex held.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fiber/runtime.h"
#include "process/process.h"
#include "thread/crew.h"
#include "weft/scope.h"

/** Without any child waitid(2) does not wait: look again this often. */
#define ORPHAN_LOOK_INTERVAL_US 20000

struct request {
	struct weft_list_node node;
	struct weft_process *process;
	bool is_begun, is_done;
	int code;
};

static struct {
	pthread_mutex_t mutex;
	bool is_open;
	int epoll_fd, event_fd;
	struct weft_list requests;
	struct weft__wait_list done;
	bool adopts, has_orphan_thread;
} nursery = {.mutex = PTHREAD_MUTEX_INITIALIZER, .epoll_fd = -1, .event_fd = -1};

struct weft_list weft__nursery_living = {{&weft__nursery_living.head, &weft__nursery_living.head}};

unsigned weft__nursery_starting;

void weft__nursery_lock(void)
{
	pthread_mutex_lock(&nursery.mutex);
}

void weft__nursery_unlock(void)
{
	pthread_mutex_unlock(&nursery.mutex);
}

/* ---- Forks --------------------------------------------------------------------------------- */

/* A pipe whose end stayed open in some other child would never end. */
static void disown(struct weft_process *process)
{
	process->state = WEFT__PROCESS_FOREIGN;
	process->joiners = 0;
	weft_list_remove(&process->node);
	close(process->pid_fd);
	process->pid_fd = -1;
	for (int i = 0; i < 3; i++) {
		if (process->streams[i])
			process->disown_stream(process->streams[i]);
		else if (process->ours[i] >= 0)
			close(process->ours[i]);
		process->ours[i] = -1;
	}
	weft__process_release(process);
}

static void fork_in_child(void)
{
	weft_list_each_safe (node, &weft__nursery_living) {
		struct weft_process *process = weft_container_of(node, struct weft_process, node);

		/* Those that are kept may be hundreds, with a fork for each connection: to write
		 * to them here would copy their pages. Only their keeper knows them. */
		if (!process->kept_begin)
			disown(process);
	}
	weft_list_init(&weft__nursery_living);
	if (nursery.is_open) {
		close(nursery.epoll_fd);
		close(nursery.event_fd);
	}
	weft__nursery_starting = 0;
	nursery.is_open = nursery.adopts = nursery.has_orphan_thread = false;
	weft_list_init(&nursery.requests);
	weft__wait_list_init(&nursery.done);
	weft__nursery_unlock();
}

/* Handlers that run before a fork do so in the opposite order: ours first, then the runtime's. */
static void prepare(void)
{
	weft_list_init(&nursery.requests);
	weft__wait_list_init(&nursery.done);
	weft__fork_prepare();
	pthread_atfork(weft__nursery_lock, weft__nursery_unlock, fork_in_child);
}

void weft__nursery_prepare(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, prepare);
}

/* ---- The thread ------------------------------------------------------------------------------ */

/* The first request, begun; NULL: there is none. */
static struct request *begin_next(void)
{
	struct request *request = NULL;
	struct weft_list_node *node;

	weft__nursery_lock();
	node = weft_list_pop_front(&nursery.requests);
	if (node) {
		request = weft_container_of(node, struct request, node);
		request->is_begun = true;
	}
	weft__nursery_unlock();
	return request;
}

static void launch_requested(void)
{
	struct request *request;

	while ((request = begin_next())) {
		int code = weft__process_launch(request->process);

		weft__nursery_lock();
		request->code = code;
		request->is_done = true;
		weft__wait_list_wake_all(&nursery.done);
		weft__nursery_unlock();
	}
}

/* Whether there are requests, too. */
static bool reap_ended(void)
{
	struct epoll_event events[64];
	bool is_asked = false;
	int count;

	weft__nursery_lock();
	count = epoll_wait(nursery.epoll_fd, events, 64, 0);
	for (int i = 0; i < count; i++) {
		struct weft_process *process = events[i].data.ptr;
		uint64_t ignored;

		if (process)
			weft__process_reap(process);
		else
			is_asked = read(nursery.event_fd, &ignored, sizeof ignored) > 0;
	}
	weft__nursery_unlock();
	return is_asked;
}

static void *nursery_main(void *arg)
{
	struct pollfd set = {.fd = nursery.epoll_fd, .events = POLLIN};

	(void)arg;
	pthread_setname_np(pthread_self(), "weft nursery");
	for (;;) {
		if (poll(&set, 1, -1) > 0 && reap_ended())
			launch_requested();
	}
	return NULL;
}

static int start_thread(void *(*main)(void *arg))
{
	pthread_t thread;
	int code = weft__thread_start(&thread, 0, main, NULL);

	if (code == 0)
		pthread_detach(thread);
	return code;
}

static int open_locked(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int code;

	nursery.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (nursery.epoll_fd < 0)
		return errno;
	nursery.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (nursery.event_fd < 0) {
		code = errno;
		goto close_epoll;
	}
	code = epoll_ctl(nursery.epoll_fd, EPOLL_CTL_ADD, nursery.event_fd, &event) ? errno : 0;
	if (code == 0)
		code = start_thread(nursery_main);
	if (code)
		goto close_event;
	nursery.is_open = true;
	return 0;

close_event:
	close(nursery.event_fd);
close_epoll:
	close(nursery.epoll_fd);
	return code;
}

int weft__nursery_open(void)
{
	int code;

	weft__nursery_prepare();
	weft__nursery_lock();
	code = nursery.is_open ? 0 : open_locked();
	weft__nursery_unlock();
	return code;
}

/* ---- Starting there ---------------------------------------------------------------------------
 */

static int wait_for(struct request *request)
{
	int code = 0;

	while (!request->is_done && code == 0)
		code = weft__wait_list_wait(
			&nursery.done, &nursery.mutex, WEFT__WAIT_THREAD, request->process);
	if (request->is_done)
		return request->code;
	if (!request->is_begun) {
		weft_list_remove(&request->node);
		return code;
	}
	/* It can't be stopped, and takes a moment: what comes of it counts. */
	WEFT_SHIELDED
		while (!request->is_done)
			weft__wait_list_wait(
				&nursery.done, &nursery.mutex, WEFT__WAIT_THREAD, request->process);
	return request->code;
}

int weft__nursery_launch(struct weft_process *process)
{
	struct request request = {.process = process};
	const uint64_t one = 1;
	int code = weft_interrupted();

	if (code)
		return code;
	weft__nursery_lock();
	weft_list_push_back(&nursery.requests, &request.node);
	if (write(nursery.event_fd, &one, sizeof one) < 0 && errno != EAGAIN) {
		code = errno;
		weft_list_remove(&request.node);
	} else {
		code = wait_for(&request);
	}
	weft__nursery_unlock();
	return code;
}

/* ---- Ends
 * ----------------------------------------------------------------------------------------- */

int weft__nursery_watch(struct weft_process *process)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = process};

	return epoll_ctl(nursery.epoll_fd, EPOLL_CTL_ADD, process->pid_fd, &event) ? errno : 0;
}

void weft__nursery_unwatch(struct weft_process *process)
{
	epoll_ctl(nursery.epoll_fd, EPOLL_CTL_DEL, process->pid_fd, NULL);
}

/* ---- Orphans
 * ------------------------------------------------------------------------------------------ */

static struct weft_process *find_living(pid_t pid)
{
	weft_list_each (node, &weft__nursery_living) {
		struct weft_process *process = weft_container_of(node, struct weft_process, node);

		if (process->pid == pid)
			return process;
	}
	return NULL;
}

/* Reap a child that has ended, whoever's it is. False: there are none that may be, or no more
 * adopting. */
static bool reap_any(void)
{
	siginfo_t info = {0};
	struct weft_process *process;
	bool goes_on;

	if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		return true;
	weft__nursery_lock();
	goes_on = nursery.adopts && info.si_pid > 0;
	if (goes_on) {
		process = find_living(info.si_pid);
		if (process)
			weft__process_reap(process);
		else if (weft__nursery_starting > 0)
			goes_on = false; /* it may be one of those: look again later */
		else
			waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
	}
	weft__nursery_unlock();
	return goes_on;
}

static void *orphan_main(void *arg)
{
	bool goes_on = true;

	(void)arg;
	pthread_setname_np(pthread_self(), "weft orphans");
	while (goes_on) {
		while (reap_any())
			;
		weft__nursery_lock();
		goes_on = nursery.has_orphan_thread = nursery.adopts;
		weft__nursery_unlock();
		if (goes_on)
			usleep(ORPHAN_LOOK_INTERVAL_US);
	}
	return NULL;
}

int weft_process_adopt_orphans(bool on)
{
	int code = weft__nursery_open();

	if (code)
		return weft__process_fail(code);
	if (prctl(PR_SET_CHILD_SUBREAPER, on ? 1 : 0) < 0)
		return -1;
	weft__nursery_lock();
	nursery.adopts = on;
	if (on && !nursery.has_orphan_thread) {
		code = start_thread(orphan_main);
		nursery.adopts = nursery.has_orphan_thread = code == 0;
	}
	weft__nursery_unlock();
	if (!code)
		return 0;
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	return weft__process_fail(code);
}
