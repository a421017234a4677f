/*
 * signal.c - signals as something that straight-line code waits for.
 *
 * Entry point: weft_signal_wait(). The handler does the one thing that is safe in it,
 * a write(2) of the signal's number into the waiter's pipe.
 *
 *	pipe_of[number]: -1, or the waiter's pipe		handlers_inside: how many handlers
 *								may still hold a descriptor
 *
 * Never: drop a signal because a deadline came with it, or write to a descriptor that
 * is closed already (its number may be another file's by then).
 */
#include "weft/signal.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "weft/socket.h"

#define SIGNAL_LAST 64 /* the last real-time signal of Linux, signal(7) */

/* Zero is "no waiter", as statics begin: so a descriptor is kept as itself plus one. */
static atomic_int pipe_of[SIGNAL_LAST + 1];
static atomic_int handlers_inside;

static void on_signal(int number)
{
	int saved_errno = errno, fd;
	unsigned char byte = (unsigned char)number;

	/* Counted before the slot is read: release() first empties it, then waits for zero. */
	atomic_fetch_add(&handlers_inside, 1);
	fd = atomic_load(&pipe_of[number]) - 1;
	if (fd >= 0) {
		/* A full pipe holds thousands of numbers already, of which one is taken. */
		ssize_t written = write(fd, &byte, 1);

		(void)written;
	}
	atomic_fetch_sub(&handlers_inside, 1);
	errno = saved_errno;
}

/* Undo claim() for the first count signals, the last claimed first. */
static void release(const int *signals, size_t count, const struct sigaction *before)
{
	while (count-- > 0) {
		sigaction(signals[count], &before[count], NULL);
		atomic_store(&pipe_of[signals[count]], 0);
	}
	while (atomic_load(&handlers_inside) > 0)
		sched_yield();
}

/* Direct all signals into the pipe; ret_before gets their previous actions. */
static int claim(const int *signals, size_t count, int fd, struct sigaction *ret_before)
{
	struct sigaction action;
	size_t done;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	action.sa_flags = SA_RESTART;
	sigfillset(&action.sa_mask);
	for (done = 0; done < count; done++) {
		int number = signals[done], none = 0, code;

		if (!atomic_compare_exchange_strong(&pipe_of[number], &none, fd + 1)) {
			errno = EBUSY;
			break;
		}
		if (sigaction(number, &action, &ret_before[done]) < 0) {
			code = errno;
			atomic_store(&pipe_of[number], 0);
			errno = code;
			break;
		}
	}
	if (done < count) {
		int code = errno;

		release(signals, done, ret_before);
		errno = code;
		return -1;
	}
	return 0;
}

/* A number that is in the pipe already, or -1. Never waits, even outside a fiber. */
static int take_pending(int fd)
{
	struct pollfd pending = {.fd = fd, .events = POLLIN};
	unsigned char byte;

	return poll(&pending, 1, 0) == 1 && read(fd, &byte, 1) == 1 ? byte : -1;
}

static int wait_in_pipe(const int *signals, size_t count, const int fds[2])
{
	struct sigaction before[WEFT_SIGNAL_WAIT_MAX];
	unsigned char byte;
	int result = -1, code;

	if (claim(signals, count, fds[1], before) < 0)
		return -1;
	if (weft_read(fds[0], &byte, 1) == 1)
		result = byte;
	code = errno;
	release(signals, count, before);
	if (result < 0)
		result = take_pending(fds[0]);
	errno = code;
	return result;
}

int weft_signal_wait(const int *signals, size_t count)
{
	int fds[2], result, code;

	if (count == 0 || count > WEFT_SIGNAL_WAIT_MAX) {
		errno = EINVAL;
		return -1;
	}
	for (size_t i = 0; i < count; i++) {
		if (signals[i] < 1 || signals[i] > SIGNAL_LAST) {
			errno = EINVAL;
			return -1;
		}
	}
	if (weft_pipe(fds) < 0)
		return -1;
	result = wait_in_pipe(signals, count, fds);
	code = errno;
	weft_close(fds[0]);
	weft_close(fds[1]);
	errno = code;
	return result;
}
