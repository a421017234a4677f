/*
 * hostile.h - what tests of misuse need: a call that must end the program, and an allocator
 * that refuses absurd sizes under the sanitizers too, as it does without them.
 *
 *	CHECK_DIES(weft_buf_consume(&buf, 1));
 *	CHECK_ERRNO(weft_buf_reserve(&buf, HOSTILE_SIZE), ENOMEM);
 *
 * Include it in a test's one .c file, after check.h.
 */
#ifndef TESTS_HOSTILE_H
#define TESTS_HOSTILE_H

#include <fcntl.h>

#include "check.h"

/* More bytes than any machine has, and still a legal size of an object. */
#define HOSTILE_SIZE ((size_t)1 << 61)

/* Read by the sanitizers' run-time before main(). */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

__attribute__((visibility("default"), no_sanitize("address"))) const char *__asan_default_options(
	void)
{
	return "allocator_may_return_null=1";
}

__attribute__((visibility("default"), no_sanitize("thread"))) const char *__tsan_default_options(
	void)
{
	return "allocator_may_return_null=1";
}

/* A child runs the call; true when an assertion ended it. */
#define CHECK_DIES(call)                                                               \
	do {                                                                           \
		int check_status_ = 0;                                                 \
		pid_t check_pid_ = fork();                                             \
		CHECK(check_pid_ >= 0);                                                \
		if (check_pid_ == 0) {                                                 \
			dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);  \
			call;                                                          \
			_exit(0);                                                      \
		}                                                                      \
		CHECK(waitpid(check_pid_, &check_status_, 0) == check_pid_);           \
		if (!WIFSIGNALED(check_status_) || WTERMSIG(check_status_) != SIGABRT) \
			check_fail(__FILE__, __LINE__, "lived on: %s", #call);         \
	} while (0)

#endif
