/*
 * test_close.c - a descriptor closed under those who wait on it, and its number used again.
 * check: tsan drivers
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>

#include "both.h"
#include "weft/scope.h"
#include "weft/socket.h"

static atomic_int waiting;

struct wait {
	int fd;
	bool is_write;
};

/* Wait on a descriptor until it is closed; the result is the errno. */
static int wait_on(void *arg)
{
	const struct wait *wait = arg;
	char byte = 0;
	ssize_t count;

	atomic_fetch_add(&waiting, 1);
	if (wait->is_write)
		while ((count = weft_write(wait->fd, &byte, 1)) > 0)
			;
	else
		count = weft_read(wait->fd, &byte, 1);
	return count < 0 ? errno : 0;
}

static void run(unsigned workers, weft_fiber_fn *fn, void *arg)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = workers}, fn, arg), ==, 0);
}

static weft_fiber_id start_on(unsigned worker, weft_fiber_fn *fn, void *arg)
{
	weft_fiber_id fiber =
		weft_spawn_with(&(struct weft_spawn_options){.worker = worker}, fn, arg);

	CHECK(fiber != 0);
	return fiber;
}

/* Everybody is about to wait, and (whoever is here already) has parked after the pause. */
static void await_waiters(int count)
{
	while (atomic_load(&waiting) < count)
		weft_sleep(WEFT_MICROSECONDS(100));
	weft_sleep(WEFT_MILLISECONDS(5));
}

static int close_under_waiters(void *arg)
{
	unsigned workers = (unsigned)(uintptr_t)arg;
	struct wait reader, writer;
	weft_fiber_id fibers[6];
	int fds[2], results[6];

	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	reader = (struct wait){fds[0], false};
	writer = (struct wait){fds[0], true};
	for (unsigned i = 0; i < 6; i++)
		fibers[i] = start_on(1 + i % workers, wait_on, i < 4 ? &reader : &writer);
	await_waiters(6);
	CHECK_INT(weft_close(fds[0]), ==, 0);
	CHECK_INT(weft_join_all(fibers, 6, results, WEFT_SECONDS(20)), ==, 6);
	for (int i = 0; i < 6; i++)
		CHECK_INT(results[i], ==, EBADF);
	CHECK_ERRNO(weft_close(fds[0]), EBADF);
	weft_close(fds[1]);
	return 0;
}

CHECK_CASE(closing_wakes_every_waiter_with_ebadf)
{
	run(1, close_under_waiters, (void *)1);
	atomic_store(&waiting, 0);
	run(3, close_under_waiters, (void *)3);
}

static void *thread_waits(void *arg)
{
	return (void *)(intptr_t)wait_on(arg);
}

CHECK_CASE(closing_wakes_a_thread_that_waits)
{
	struct wait wait = {0};
	int fds[2];
	pthread_t thread;
	void *result;

	CHECK_INT(weft_pipe(fds), ==, 0);
	wait.fd = fds[0];
	thread = peer_start(thread_waits, &wait);
	await_waiters(1);
	CHECK_INT(weft_close(fds[0]), ==, 0);
	CHECK_INT(pthread_join(thread, &result), ==, 0);
	CHECK_INT((intptr_t)result, ==, EBADF);
	weft_close(fds[1]);
}

static void *thread_closes(void *arg)
{
	const struct wait *wait = arg;

	await_waiters(2);
	weft_close(wait->fd);
	return NULL;
}

static int closed_by_a_thread(void *arg)
{
	struct wait wait = {0};
	weft_fiber_id fibers[2];
	int fds[2], results[2];
	pthread_t thread;

	(void)arg;
	CHECK_INT(weft_pipe(fds), ==, 0);
	wait.fd = fds[0];
	fibers[0] = start_on(1, wait_on, &wait);
	fibers[1] = start_on(2, wait_on, &wait);
	thread = peer_start(thread_closes, &wait);
	CHECK_INT(weft_join_all(fibers, 2, results, WEFT_SECONDS(20)), ==, 2);
	CHECK_INT(results[0], ==, EBADF);
	CHECK_INT(results[1], ==, EBADF);
	peer_end(thread);
	weft_close(fds[1]);
	return 0;
}

CHECK_CASE(a_plain_thread_can_close_under_fibers)
{
	run(2, closed_by_a_thread, NULL);
}

/* ---- Between the first try and the wait ------------------------------------------------ */

static atomic_int held_fd = -1; /* a read(2) of this one, and nothing in it, is held up */
static atomic_bool is_held;

/* Visible, or the linker would leave the C library its own. It orders nothing. */
__attribute__((visibility("default"))) ssize_t read(int fd, void *data, size_t len)
{
	ssize_t (*real_read)(int fd, void *data, size_t len);
	ssize_t result;
	int code;

	*(void **)&real_read = dlsym(RTLD_NEXT, "read");
	result = real_read(fd, data, len);
	code = errno;
	if (fd >= 0 && atomic_load_explicit(&held_fd, memory_order_relaxed) == fd) {
		atomic_store_explicit(&is_held, true, memory_order_relaxed);
		while (atomic_load_explicit(&held_fd, memory_order_relaxed) == fd)
			sched_yield();
	}
	errno = code;
	return result;
}

static int close_while_one_tries(void *arg)
{
	struct wait wait = {0};
	weft_fiber_id reader;
	int fds[2], result = 0;

	(void)arg;
	CHECK_INT(weft_pipe(fds), ==, 0);
	wait.fd = fds[0];
	atomic_store(&held_fd, fds[0]);
	reader = start_on(2, wait_on, &wait);
	while (!atomic_load(&is_held))
		weft_sleep(WEFT_MICROSECONDS(100));
	CHECK_INT(weft_close(fds[0]), ==, 0);
	atomic_store(&held_fd, -1);
	CHECK_INT(weft_join(reader, &result, WEFT_SECONDS(20)), ==, 0);
	CHECK_INT(result, ==, EBADF);
	weft_close(fds[1]);
	return 0;
}

/* Over the drivers that try first, by read(2). */
CHECK_CASE(a_close_between_the_first_try_and_the_wait_is_seen)
{
	const struct weft_run_options two = {.workers = 2, .driver = "epoll"};

	CHECK_INT(weft_run(&two, close_while_one_tries, NULL), ==, 0);
}

/* Read one byte that was never sent to the pipe that had this number before. */
static int read_byte(void *arg)
{
	char byte = 0;

	return weft_read(*(int *)arg, &byte, 1) == 1 ? byte : -errno;
}

static int reuse_numbers(void *arg)
{
	unsigned workers = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < check_rounds(300); i++) {
		int old_fds[2], new_fds[2], result = 0;
		weft_fiber_id old_waiter, new_waiter;

		CHECK_INT(weft_pipe(old_fds), ==, 0);
		old_waiter = start_on(1 + i % workers, read_byte, &old_fds[0]);
		/* On one worker it parks at the first yield; elsewhere it has begun to read by now.
		 */
		weft_yield();
		if (workers > 1 || i % 4 == 3)
			weft_sleep(WEFT_MICROSECONDS(200));
		weft_close(old_fds[0]);
		/* On one worker the number is used again before the old waiter runs. */
		if (workers == 1)
			CHECK_INT(weft_pipe(new_fds), ==, 0);
		CHECK_INT(weft_join(old_waiter, &result, WEFT_SECONDS(20)), ==, 0);
		CHECK_INT(result, ==, -EBADF);
		if (workers > 1)
			CHECK_INT(weft_pipe(new_fds), ==, 0);
		CHECK_INT(new_fds[0], ==, old_fds[0]);
		new_waiter = start_on(1 + (i + 1) % workers, read_byte, &new_fds[0]);
		if (i & 8)
			weft_sleep(WEFT_MICROSECONDS(20));
		CHECK_INT(weft_write(new_fds[1], "n", 1), ==, 1);
		CHECK_INT(weft_join(new_waiter, &result, WEFT_SECONDS(20)), ==, 0);
		CHECK_INT(result, ==, 'n');
		weft_close(old_fds[1]);
		weft_close(new_fds[0]);
		weft_close(new_fds[1]);
	}
	return 0;
}

CHECK_CASE(a_number_used_again_confuses_neither_old_nor_new_waiters)
{
	run(1, reuse_numbers, (void *)1);
	run(3, reuse_numbers, (void *)3);
}

static int reopen_behind_our_back(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20; i++) {
		int fds[2], result = 0;
		weft_fiber_id reader;

		CHECK_INT(pipe(fds), ==, 0); /* blocking, and closed with close(2) */
		reader = start_on(1, read_byte, &fds[0]);
		weft_sleep(WEFT_MICROSECONDS(10));
		CHECK_INT(write(fds[1], "r", 1), ==, 1);
		CHECK_INT(weft_join(reader, &result, WEFT_SECONDS(20)), ==, 0);
		CHECK_INT(result, ==, 'r');
		close(fds[0]);
		close(fds[1]);
	}
	return 0;
}

CHECK_CASE(descriptors_made_and_closed_elsewhere_work_with_the_same_number)
{
	run(1, reopen_behind_our_back, NULL);
}

BOTH_CASE(calls_on_what_is_no_descriptor_are_refused)
{
	char byte;
	int fds[2];

	CHECK_ERRNO(weft_read(-1, &byte, 1), EBADF);
	CHECK_ERRNO(weft_recv(-1, &byte, 1, 0), EBADF);
	CHECK_ERRNO(weft_close(-1), EBADF);
	CHECK_ERRNO(weft_wait_fd(-1, POLLIN), EBADF);
	CHECK_INT(weft_pipe(fds), ==, 0);
	weft_close(fds[0]);
	weft_close(fds[1]);
	CHECK_ERRNO(weft_read(fds[0], &byte, 1), EBADF);
	CHECK_ERRNO(weft_wait_fd(fds[0], POLLIN), EBADF);
	CHECK_ERRNO(weft_accept(fds[0], NULL, NULL), EBADF);
}

CHECK_MAIN()
