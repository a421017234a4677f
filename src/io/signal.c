/*
 * signal.c - signals as something that straight-line code waits for.
 *
 * Entry points: weft_signal_wait(), weft_signals_new(), weft_signals_next(). The handler
 * does the one thing that is safe in it, a write(2) of the signal's number into each
 * catcher's pipe.
 *
 *	pipe_of[number][i]: 0, or 1 + a catcher's pipe	handlers_inside: how many handlers
 *							may still hold a descriptor
 *
 * The first catcher of a signal sets the handler, the last takes it away again. A fork()'s
 * child shares the pipes: so it takes all handlers away at once, and a signal that is
 * quicker than that is kept, and raised anew.
 *
 * Never: drop a signal because a deadline came with it; write to a descriptor that is
 * closed already (its number may be another file's by then), or to the parent's.
 */
#include "weft/signal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fiber/driver/fds.h"
#include "weft/socket.h"

#define SIGNAL_LAST 64 /* the last real-time signal of Linux, signal(7) */

struct weft_signals {
	int fds[2];
	size_t count;
	int numbers[WEFT_SIGNAL_WAIT_MAX];
	pid_t process;
};

/* What the handler looks at. */
static atomic_int pipe_of[SIGNAL_LAST + 1][WEFT_SIGNAL_CATCHERS_MAX];
static atomic_int handlers_inside;
static _Atomic pid_t process;
static atomic_bool is_missed[SIGNAL_LAST + 1]; /* by a child that was not ready */

/* What it doesn't, under the mutex. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int catchers[SIGNAL_LAST + 1];
static struct sigaction before[SIGNAL_LAST + 1];

/* ---- The handler ------------------------------------------------------------------------ */

static void tell_catchers(int number)
{
	unsigned char byte = (unsigned char)number;

	for (int i = 0; i < WEFT_SIGNAL_CATCHERS_MAX; i++) {
		int fd = atomic_load(&pipe_of[number][i]) - 1;

		if (fd >= 0) {
			/* A full pipe holds thousands already. */
			ssize_t written = write(fd, &byte, 1);

			(void)written;
		}
	}
}

static void on_signal(int number)
{
	int saved_errno = errno;

	/* Counted before a slot is read: release() first empties it, then waits for zero. */
	atomic_fetch_add(&handlers_inside, 1);
	if (getpid() == atomic_load(&process))
		tell_catchers(number);
	else
		atomic_store(&is_missed[number], true);
	atomic_fetch_sub(&handlers_inside, 1);
	errno = saved_errno;
}

/* ---- Forks -------------------------------------------------------------------------------- */

static void fork_before(void)
{
	pthread_mutex_lock(&mutex);
}

static void fork_release(void)
{
	pthread_mutex_unlock(&mutex);
}

static void fork_in_child(void)
{
	atomic_store(&handlers_inside, 0); /* other threads' handlers are not here */
	for (int number = 1; number <= SIGNAL_LAST; number++) {
		if (catchers[number] == 0)
			continue;
		for (int i = 0; i < WEFT_SIGNAL_CATCHERS_MAX; i++)
			atomic_store(&pipe_of[number][i], 0);
		catchers[number] = 0;
		sigaction(number, &before[number], NULL);
		if (atomic_exchange(&is_missed[number], false))
			raise(number);
	}
	atomic_store(&process, getpid());
	fork_release();
}

static void prepare(void)
{
	pthread_atfork(fork_before, fork_release, fork_in_child);
}

/* ---- Catching ------------------------------------------------------------------------------ */

/* The mutex is held. */
static int catch_one(int number, int fd)
{
	struct sigaction action;
	int i = 0, code;

	while (i < WEFT_SIGNAL_CATCHERS_MAX && atomic_load(&pipe_of[number][i]) != 0)
		i++;
	if (i == WEFT_SIGNAL_CATCHERS_MAX)
		return EBUSY;
	atomic_store(&pipe_of[number][i], fd + 1);
	if (catchers[number] == 0) {
		memset(&action, 0, sizeof(action));
		action.sa_handler = on_signal;
		action.sa_flags = SA_RESTART;
		sigfillset(&action.sa_mask);
		if (sigaction(number, &action, &before[number]) < 0) {
			code = errno;
			atomic_store(&pipe_of[number][i], 0);
			return code;
		}
	}
	catchers[number]++;
	return 0;
}

static void release_one(int number, int fd)
{
	if (--catchers[number] == 0)
		sigaction(number, &before[number], NULL);
	for (int i = 0; i < WEFT_SIGNAL_CATCHERS_MAX; i++)
		if (atomic_load(&pipe_of[number][i]) == fd + 1)
			atomic_store(&pipe_of[number][i], 0);
}

/* What comes from here on is not for us; what came before is in the pipe. */
static void release(struct weft_signals *signals)
{
	pthread_mutex_lock(&mutex);
	if (signals->process == getpid())
		for (size_t i = signals->count; i-- > 0;)
			release_one(signals->numbers[i], signals->fds[1]);
	pthread_mutex_unlock(&mutex);
	signals->count = 0;
	while (atomic_load(&handlers_inside) > 0)
		sched_yield();
}

static void signals_fini(struct weft_signals *signals)
{
	int code = errno;

	release(signals);
	weft_close(signals->fds[0]);
	weft_close(signals->fds[1]);
	errno = code;
}

static int check_numbers(const int *numbers, size_t count)
{
	if (count == 0 || count > WEFT_SIGNAL_WAIT_MAX)
		return EINVAL;
	for (size_t i = 0; i < count; i++)
		if (numbers[i] < 1 || numbers[i] > SIGNAL_LAST)
			return EINVAL;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			if (numbers[i] == numbers[k])
				return EBUSY;
	return 0;
}

static int catch_all(struct weft_signals *signals, const int *numbers, size_t count)
{
	int code = 0;

	pthread_mutex_lock(&mutex);
	signals->process = getpid();
	atomic_store(&process, signals->process);
	while (!code && signals->count < count) {
		code = catch_one(numbers[signals->count], signals->fds[1]);
		if (!code) {
			signals->numbers[signals->count] = numbers[signals->count];
			signals->count++;
		}
	}
	pthread_mutex_unlock(&mutex);
	return code;
}

static int signals_init(struct weft_signals *signals, const int *numbers, size_t count)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int code = check_numbers(numbers, count);

	if (code) {
		errno = code;
		return -1;
	}
	pthread_once(&once, prepare);
	signals->count = 0;
	/* The kernel's own, whatever the driver: a handler writes to it. */
	if (pipe2(signals->fds, O_NONBLOCK | O_CLOEXEC) < 0)
		return -1;
	weft__fd_made(signals->fds[0], 0);
	weft__fd_made(signals->fds[1], 0);
	code = catch_all(signals, numbers, count);
	if (!code)
		return 0;
	signals_fini(signals);
	errno = code;
	return -1;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* A number that is in the pipe already, or -1. Never waits, even outside a fiber. */
static int take_pending(int fd)
{
	unsigned char byte;

	return read(fd, &byte, 1) == 1 ? byte : -1;
}

int weft_signals_next(struct weft_signals *signals)
{
	unsigned char byte;

	if (signals->process != getpid()) {
		errno = ENOTSUP; /* the pipe is the parent's */
		return -1;
	}
	return weft_read(signals->fds[0], &byte, 1) == 1 ? byte : -1;
}

int weft_signal_wait(const int *numbers, size_t count)
{
	struct weft_signals signals;
	int result, code;

	if (signals_init(&signals, numbers, count) < 0)
		return -1;
	result = weft_signals_next(&signals);
	code = errno;
	release(&signals);
	if (result < 0)
		result = take_pending(signals.fds[0]);
	signals_fini(&signals);
	errno = code;
	return result;
}

struct weft_signals *weft_signals_new(const int *numbers, size_t count)
{
	struct weft_signals *signals = calloc(1, sizeof *signals);
	int code;

	if (!signals)
		return NULL;
	if (signals_init(signals, numbers, count) == 0)
		return signals;
	code = errno;
	free(signals);
	errno = code;
	return NULL;
}

int weft_signals_fd(const struct weft_signals *signals)
{
	return signals->fds[0];
}

void weft_signals_free(struct weft_signals *signals)
{
	int code = errno;

	if (!signals)
		return;
	signals_fini(signals);
	free(signals);
	errno = code;
}

/* ---- Held back ---------------------------------------------------------------------------- */

static int change_mask(int how, const int *numbers, size_t count)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < count; i++) {
		if (numbers[i] == SIGKILL || numbers[i] == SIGSTOP || numbers[i] == SIGURG ||
			numbers[i] > SIGNAL_LAST || sigaddset(&set, numbers[i]) < 0) {
			errno = EINVAL;
			return -1;
		}
	}
	return pthread_sigmask(how, &set, NULL) == 0 ? 0 : -1;
}

int weft_signal_block(const int *numbers, size_t count)
{
	return change_mask(SIG_BLOCK, numbers, count);
}

int weft_signal_unblock(const int *numbers, size_t count)
{
	return change_mask(SIG_UNBLOCK, numbers, count);
}

bool weft_signal_is_pending(int number)
{
	sigset_t set;

	return sigpending(&set) == 0 && sigismember(&set, number) == 1;
}
