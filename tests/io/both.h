/*
 * both.h - a test case that holds outside fibers and inside one.
 *
 *	BOTH_CASE(a_sentence_that_states_the_fact)
 *	{
 *		...
 *	}
 *
 * makes two cases: ..._in_a_thread and ..._in_a_fiber. Peers are plain threads that use
 * the system's own calls, so that a fault of ours cannot hide behind itself.
 *
 * Never: a peer that relies on how long something takes.
 */
#ifndef TESTS_IO_BOTH_H
#define TESTS_IO_BOTH_H

#include <pthread.h>
#include <sys/socket.h>

#include "check.h"
#include "weft/fiber.h"

#define BOTH_CASE(ident)         BOTH_CASE_(ident, CHECK_CASE)
#define BOTH_CASE_IN_TIME(ident) BOTH_CASE_(ident, CHECK_CASE_IN_TIME)
#define BOTH_CASE_(ident, CASE)                                        \
	static void both_##ident(void);                                \
	static int fiber_##ident(void *arg)                            \
	{                                                              \
		(void)arg;                                             \
		both_##ident();                                        \
		return 0;                                              \
	}                                                              \
	CASE(ident##_in_a_thread)                                      \
	{                                                              \
		both_##ident();                                        \
	}                                                              \
	CASE(ident##_in_a_fiber)                                       \
	{                                                              \
		const struct weft_run_options one = {.workers = 1};    \
		CHECK_INT(weft_run(&one, fiber_##ident, NULL), ==, 0); \
	}                                                              \
	static void both_##ident(void)

static inline pthread_t peer_start(void *(*fn)(void *arg), void *arg)
{
	pthread_t thread;

	CHECK_INT(pthread_create(&thread, NULL, fn, arg), ==, 0);
	return thread;
}

static inline void peer_end(pthread_t thread)
{
	CHECK_INT(pthread_join(thread, NULL), ==, 0);
}

static inline void make_pair(int type, int fds[2])
{
	CHECK_INT(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), ==, 0);
}

/* Bytes that tell their place: a loss, a swap or a repetition shows. */
static inline void fill_pattern(char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 7 + i / 251 + i / 65521);
}

#endif
