/*
 * traced.h - a process whose system calls are looked at one by one: killed at the n-th, or refused
 * it.
 *
 *	traced_start(&traced, fn, arg);		// a forked child; or, instead, traced_exec()
 *	while (traced_next(&traced, &stop)) {
 *		if (...)
 *			traced_kill(&traced);
 *		if (!stop.is_exit && ...)
 *			traced_refuse(&traced, EIO);
 *	}
 *	...traced.status, as of waitpid(2)...
 *
 * A stop is the entry of a system call, or its exit, of any of the process's threads; none of its
 * instructions between two are seen, so a kill at each of the stops is a kill at every state that
 * its files can have. Needs no privilege, but a kernel that lets a parent trace its child: where
 * not (also under qemu-user, valgrind), traced_can() says so.
 */
#ifndef TESTS_TRACED_H
#define TESTS_TRACED_H

#include <elf.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "check.h"

#define TRACED_THREADS_MAX 256

struct traced {
	pid_t pid;
	pid_t stopped;     /* the thread of the last stop; 0: none is to be told to go on */
	int status;        /* once it has ended */
	int others_failed; /* of the tracer's other children that ended meanwhile */
	/* A thread whose call was refused: at its exit, this is the errno. */
	pid_t refused;
	int code;
};

struct traced_stop {
	pid_t thread;
	bool is_exit;
	long number; /* SYS_... */
	uint64_t args[6];
	int64_t result; /* at the exit: below zero, -errno */
};

/* ---- Registers ---------------------------------------------------------------------------- */

#if defined(__x86_64__)
#define TRACED_KNOWS 1
static inline void traced_set_call(pid_t thread, long number)
{
	CHECK_INT(ptrace(PTRACE_POKEUSER, thread, offsetof(struct user, regs.orig_rax), number), ==,
		0);
}

static inline void traced_set_result(pid_t thread, long result)
{
	CHECK_INT(ptrace(PTRACE_POKEUSER, thread, offsetof(struct user, regs.rax), result), ==, 0);
}

static inline void traced_set_third(pid_t thread, long value)
{
	CHECK_INT(ptrace(PTRACE_POKEUSER, thread, offsetof(struct user, regs.rdx), value), ==, 0);
}
#elif defined(__aarch64__)
#define TRACED_KNOWS 1
static inline void traced_set_call(pid_t thread, long number)
{
	int value = (int)number;
	struct iovec part = {&value, sizeof(value)};

	CHECK_INT(ptrace(PTRACE_SETREGSET, thread, NT_ARM_SYSTEM_CALL, &part), ==, 0);
}

static inline void traced_set_register(pid_t thread, int index, long value)
{
	struct user_regs_struct regs;
	struct iovec part = {&regs, sizeof(regs)};

	CHECK_INT(ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &part), ==, 0);
	regs.regs[index] = (unsigned long long)value;
	CHECK_INT(ptrace(PTRACE_SETREGSET, thread, NT_PRSTATUS, &part), ==, 0);
}

static inline void traced_set_result(pid_t thread, long result)
{
	traced_set_register(thread, 0, result);
}

static inline void traced_set_third(pid_t thread, long value)
{
	traced_set_register(thread, 2, value);
}
#else
#define TRACED_KNOWS      0
static inline void traced_set_call(pid_t thread, long number)
{
	(void)thread;
	(void)number;
}
#define traced_set_result traced_set_call
#define traced_set_third  traced_set_call
#endif

/* ---- Life --------------------------------------------------------------------------------- */

static inline void traced_wait_begin(struct traced *traced)
{
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE |
		       PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;

	CHECK_INT(waitpid(traced->pid, &traced->status, __WALL), ==, traced->pid);
	CHECK(WIFSTOPPED(traced->status));
	CHECK_INT(ptrace(PTRACE_SETOPTIONS, traced->pid, NULL, options), ==, 0);
	traced->stopped = traced->pid;
}

/** fn runs in a forked child, which ends with what it returns. */
static inline void traced_start(struct traced *traced, int (*fn)(void *arg), void *arg)
{
	*traced = (struct traced){.pid = fork()};
	CHECK(traced->pid >= 0);
	if (traced->pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(126);
		raise(SIGSTOP);
		_exit(fn(arg));
	}
	traced_wait_begin(traced);
}

/** The same of a program, from its first instruction on; set_up runs in the child before. */
static inline __attribute__((unused)) void traced_exec(
	struct traced *traced, char *const *argv, void (*set_up)(void *arg), void *arg)
{
	*traced = (struct traced){.pid = fork()};
	CHECK(traced->pid >= 0);
	if (traced->pid == 0) {
		set_up(arg);
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
			execv(argv[0], argv);
		_exit(126);
	}
	traced_wait_begin(traced);
}

/** NULL, or why nothing can be traced here. */
static inline const char *traced_can(void)
{
	struct __ptrace_syscall_info info;
	struct traced traced = {.pid = -1};
	int status;
	long len;

	if (!TRACED_KNOWS)
		return "no processor whose registers are known";
	traced.pid = fork();
	if (traced.pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
			raise(SIGSTOP);
		_exit(0);
	}
	CHECK_INT(waitpid(traced.pid, &status, __WALL), ==, traced.pid);
	if (!WIFSTOPPED(status))
		return "a parent may not trace its child";
	len = ptrace(PTRACE_GET_SYSCALL_INFO, traced.pid, sizeof(info), &info);
	kill(traced.pid, SIGKILL);
	waitpid(traced.pid, &status, __WALL);
	return len < 0 ? "the kernel does not tell of system calls (before Linux 5.3)" : NULL;
}

/* ---- Stops -------------------------------------------------------------------------------- */

/** It is gone at once; traced_next() returns false from now on. */
static inline void traced_kill(struct traced *traced)
{
	int status;

	if (!traced->pid)
		return;
	kill(traced->pid, SIGKILL);
	for (;;) { /* its threads, too, each of which must be waited for */
		pid_t ended = waitpid(-1, &status, __WALL);

		CHECK(ended > 0 || errno == EINTR);
		if (ended == traced->pid && !WIFSTOPPED(status))
			break;
	}
	traced->status = status;
	traced->stopped = 0;
	traced->pid = 0;
}

/** At an entry: the call is not made, and fails with that errno. */
static inline void traced_refuse(struct traced *traced, int code)
{
	traced_set_call(traced->stopped, -1);
	traced->refused = traced->stopped;
	traced->code = code;
}

/** At an entry: the call is made, and said to have failed all the same: a close(2). */
static inline __attribute__((unused)) void traced_belie(struct traced *traced, int code)
{
	traced->refused = traced->stopped;
	traced->code = code;
}

/* Whether the wait's status is a stop to tell of. */
static inline bool traced_read(struct traced *traced, struct traced_stop *ret_stop)
{
	struct __ptrace_syscall_info info;

	if (WSTOPSIG(traced->status) != (SIGTRAP | 0x80))
		return false;
	CHECK_INT(ptrace(PTRACE_GET_SYSCALL_INFO, traced->stopped, sizeof(info), &info), >, 0);
	ret_stop->thread = traced->stopped;
	ret_stop->is_exit = info.op == PTRACE_SYSCALL_INFO_EXIT;
	if (!ret_stop->is_exit) {
		ret_stop->number = (long)info.entry.nr;
		for (int i = 0; i < 6; i++)
			ret_stop->args[i] = info.entry.args[i];
		return true;
	}
	if (traced->refused == traced->stopped) {
		traced_set_result(traced->stopped, -traced->code);
		traced->refused = 0;
		info.exit.rval = -traced->code;
	}
	ret_stop->result = info.exit.rval;
	return true;
}

/* A signal of its own goes on to it; those that only say that it stopped don't. */
static inline long traced_signal(int status)
{
	int number = WSTOPSIG(status);

	if (status >> 16 || number == (SIGTRAP | 0x80) || number == SIGSTOP || number == SIGTRAP)
		return 0;
	return number;
}

/**
 * Go on to the next stop. False: it has ended. What is not told of an exit (number, args) is as it
 * was in *ret_stop before, which for one thread is of its entry.
 */
static inline bool traced_next(struct traced *traced, struct traced_stop *ret_stop)
{
	long signal_number = 0;

	while (traced->pid) {
		if (traced->stopped)
			ptrace(PTRACE_SYSCALL, traced->stopped, NULL, signal_number);
		traced->stopped = waitpid(-1, &traced->status, __WALL);
		if (traced->stopped < 0 && errno == EINTR) {
			traced->stopped = 0;
			continue;
		}
		CHECK(traced->stopped > 0);
		if (!WIFSTOPPED(traced->status)) {
			int code = WIFEXITED(traced->status) ? WEXITSTATUS(traced->status) : 0;

			if (traced->stopped == traced->pid)
				traced->pid = 0;
			else
				traced->others_failed += code != 0;
			traced->stopped = 0;
			continue;
		}
		if (traced_read(traced, ret_stop))
			return true;
		signal_number = traced_signal(traced->status);
	}
	return false;
}

#endif
