/*
 * pool_calls.h - what the tests of pools let workers do, and how they look at what comes of it.
 */
#ifndef TESTS_POOL_CALLS_H
#define TESTS_POOL_CALLS_H

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "check.h"
#include "descriptors.h"
#include "weft/fiber.h"
#include "weft/process_pool.h"
#include "weft/scope.h"

#define UNUSED __attribute__((unused))

/* Both outside fibers and in one; a sanitizer's allocator may be locked, in the child of a fork, by
 * another thread, of which there are fewer outside. */
static UNUSED void both(weft_fiber_fn *body)
{
	CHECK_INT(body(NULL), ==, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, body, NULL), ==, 0);
#endif
}

/* ---- What workers do ---------------------------------------------------------------- */

/* What all processes of a case see. */
static struct {
	_Atomic unsigned begun; /* by act() */
	_Atomic bool is_held;   /* who gives a long result waits */
	_Atomic int lives;
} * shared;

static void share(void)
{
	if (!shared)
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
}

static int square(const void *data, size_t len, struct weft_buf *result)
{
	double number;

	if (len != sizeof(number)) {
		errno = EDOM;
		return -1;
	}
	memcpy(&number, data, len);
	number *= number;
	return weft_buf_append(result, &number, sizeof(number));
}

/* To our pool, over whichever descriptor that is. */
static void say(const void *bytes, size_t len)
{
	for (int fd = 3; fd < 100; fd++)
		if (send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			continue;
}

/* Both come back. */
static void fork_and_wait(void)
{
	pid_t child = fork();

	if (child > 0)
		waitpid(child, NULL, 0);
}

/*
 * What is done is said by a byte: "k" is killed, "a" aborts, "e" exits, "s" stops, "h" hangs, "l"
 * gives a result of the length that follows, "c" closes all it has, "m" takes memory until there
 * is none, "f" fails, "-" with an errno that is none; "w" works for longer than a part of a reply
 * waits; "u" fails where its data isn't aligned; "2" forks, and both of them come back; "z" says
 * nonsense, "n" answers what it was not asked, "p" dies in the middle of an answer; all else is an
 * echo.
 */
static int act(const void *data, size_t len, struct weft_buf *result)
{
	static char filler[100000];
	const char *words = data;
	size_t wanted;

	atomic_fetch_add(&shared->begun, 1);
	switch (len > 0 ? words[0] : 0) {
	case 'k':
		kill(getpid(), SIGKILL);
		break;
	case 'a':
		prctl(PR_SET_DUMPABLE, 0);
		raise(SIGABRT);
		break;
	case 'e':
		_exit(3);
	case 's':
		raise(SIGSTOP);
		break;
	case 'h':
		for (;;)
			pause();
	case 'l':
		while (atomic_load(&shared->is_held))
			usleep(100);
		wanted = strtoul(words + 1, NULL, 10);
		for (size_t at = 0; at < wanted; at += sizeof(filler))
			if (weft_buf_append(result, filler,
				    wanted - at < sizeof(filler) ? wanted - at : sizeof(filler)) <
				0)
				return -1;
		return 0;
	case 'c':
		for (int fd = 3; fd < 100; fd++)
			close(fd);
		return 0;
	case 'm':
		while (malloc(1 << 20))
			;
		return -1;
	case 'z':
		say("neither a length nor a text", 27);
		break;
	case 'n':
		say((const uint64_t[]){(uint64_t)'w' << 56 | 16, 12345, 1}, 24);
		break;
	case 'p':
		say((const uint64_t[]){(uint64_t)'w' << 56 | 16, 0}, 12);
		raise(SIGKILL);
		break;
	case 'f':
		errno = EXDEV;
		return -1;
	case '-':
		errno = -3;
		return -1;
	case 'u':
		if ((uintptr_t)data % 8 == 0)
			break;
		errno = EXDEV;
		return -1;
	case 'w':
		usleep(15000);
		break;
	case '2':
		fork_and_wait();
		break;
	default:
		break;
	}
	return weft_buf_append(result, data, len);
}

/* Costs a life. */
static int survive(const void *data, size_t len, struct weft_buf *result)
{
	if (atomic_fetch_sub(&shared->lives, 1) > 0)
		raise(SIGKILL);
	return weft_buf_append(result, data, len);
}

static const struct weft_pool_call calls[] = {
	{"square", square, true},
	{"act", act, false},
	{"again", act, true},
	{"survive", survive, true},
};

static struct weft_pool *pool_with(struct weft_pool_options options)
{
	struct weft_pool *pool;

	share();
	options.calls = calls;
	options.call_count = sizeof(calls) / sizeof(calls[0]);
	if (!options.workers)
		options.workers = 2;
	pool = weft_pool_new(&options);
	CHECK(pool != NULL);
	return pool;
}

static UNUSED struct weft_pool *pool_of(unsigned workers)
{
	return pool_with((struct weft_pool_options){.workers = workers});
}

static UNUSED struct weft_pool_task *submit(
	struct weft_pool *pool, const char *call, const char *words)
{
	struct weft_pool_task *task = weft_pool_submit(pool, call, words, strlen(words));

	CHECK(task != NULL);
	return task;
}

static UNUSED void gives(struct weft_pool_task *task, const char *wanted)
{
	const void *data;
	ssize_t len;

	CHECK_INT(weft_pool_task_wait(task, WEFT_FOREVER), ==, 0);
	len = weft_pool_task_result(task, &data);
	CHECK_INT(len, ==, strlen(wanted));
	CHECK(memcmp(data, wanted, (size_t)len) == 0);
	weft_pool_task_free(task);
}

static UNUSED void fails(struct weft_pool_task *task, int code)
{
	CHECK_INT(weft_pool_task_wait(task, WEFT_FOREVER), ==, 0);
	CHECK_ERRNO(weft_pool_task_result(task, NULL), code);
	weft_pool_task_free(task);
}

static UNUSED void dies(struct weft_pool_task *task, enum weft_process_how how, int code)
{
	struct weft_process_end end;

	CHECK_INT(weft_pool_task_wait(task, WEFT_FOREVER), ==, 0);
	CHECK_INT(weft_pool_task_death(task, &end), ==, 0);
	CHECK_INT(end.how, ==, how);
	CHECK_INT(end.code, ==, code);
	fails(task, EOWNERDEAD);
}

/* A task that has begun; none of act() may be waiting or under way. */
static UNUSED struct weft_pool_task *begin(struct weft_pool *pool, const char *words)
{
	struct weft_pool_task *task;

	atomic_store(&shared->begun, 0);
	task = submit(pool, "act", words);
	while (!atomic_load(&shared->begun))
		usleep(100);
	CHECK_ERRNO(weft_pool_task_cancel(task), EBUSY);
	return task;
}

#endif
