/*
 * check.h - the tests' own small harness: TAP on stdout, a process per case.
 *
 *	CHECK_CASE(a_sentence_that_states_the_fact)
 *	{
 *		CHECK(list_is_empty(&list));
 *		CHECK_INT(weft_pack_size("<I"), ==, 4);
 *		CHECK_STR(name, "weft");
 *	}
 *	CHECK_MAIN()
 *
 * Each case runs in a forked process of its own, in its own process group, with
 * an alarm (CHECK_TIMEOUT_S seconds; the environment's CHECK_SLOWER multiplies
 * it under valgrind or an emulator). A failed check prints where and why, and
 * ends the process at once, from whichever thread or fiber it is on: no longjmp,
 * which would jump off a fiber's stack. `PROGRAM PATTERN` runs only the cases
 * whose name contains PATTERN; `CHECK_FORK=0` runs them in this process (gdb).
 *
 * Never: state shared between cases, or a result that depends on the clock.
 */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CHECK_TIMEOUT_S
#define CHECK_TIMEOUT_S 60
#endif

/** How much work randomised cases do: CHECK_ROUNDS in the environment (make soak) multiplies it. */
static inline unsigned check_rounds(unsigned usual)
{
	const char *text = getenv("CHECK_ROUNDS");
	return text ? usual * (unsigned)strtoul(text, NULL, 10) : usual;
}

struct check_case {
	const char *name;
	void (*run)(void);
	struct check_case *next;
};

static struct check_case *check_cases;
static struct check_case **check_cases_tail = &check_cases;

#define CHECK_CASE(ident)                                                      \
	static void case_##ident(void);                                        \
	static struct check_case entry_##ident = {#ident, case_##ident, NULL}; \
	__attribute__((constructor)) static void register_##ident(void)        \
	{                                                                      \
		*check_cases_tail = &entry_##ident;                            \
		check_cases_tail = &entry_##ident.next;                        \
	}                                                                      \
	static void case_##ident(void)

/** Called by a failed check before its process ends; NULL: nothing. */
static __attribute__((unused)) void (*check_on_failure)(void);

__attribute__((format(printf, 3, 4), noreturn)) static inline void check_fail(
	const char *file, int line, const char *format, ...)
{
	__builtin_va_list args;

	printf("# %s:%d: ", file, line);
	__builtin_va_start(args, format);
	vprintf(format, args);
	__builtin_va_end(args);
	putchar('\n');
	if (check_on_failure)
		check_on_failure();
	fflush(stdout);
	_exit(1);
}

#define CHECK(cond)                                                                            \
	do {                                                                                   \
		if (!(cond))                                                                   \
			check_fail(__FILE__, __LINE__, "not so: %s (errno %d)", #cond, errno); \
	} while (0)

#define CHECK_SKIPPED_ 77 /* the exit status */

/** Here the case can't be tried, and that is nobody's fault. It ends. */
__attribute__((noreturn)) static inline void check_skip(const char *why)
{
	printf("# skipped: %s\n", why);
	fflush(stdout);
	_exit(CHECK_SKIPPED_);
}

/* Compare as signed 64-bit numbers: CHECK_INT(got, ==, 3). */
#define CHECK_INT(a, op, b)                                                                    \
	do {                                                                                   \
		int64_t check_a_ = (int64_t)(a), check_b_ = (int64_t)(b);                      \
		if (!(check_a_ op check_b_))                                                   \
			check_fail(__FILE__, __LINE__, "not so: %s %s %s (%lld and %lld)", #a, \
				#op, #b, (long long)check_a_, (long long)check_b_);            \
	} while (0)

#define CHECK_STR(a, b)                                                                          \
	do {                                                                                     \
		const char *check_a_ = (a), *check_b_ = (b);                                     \
		if (!check_a_ || !check_b_ || strcmp(check_a_, check_b_) != 0)                   \
			check_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #a,           \
				check_a_ ? check_a_ : "(null)", check_b_ ? check_b_ : "(null)"); \
	} while (0)

#define CHECK_MEM(a, b, len)                                                          \
	do {                                                                          \
		if (memcmp((a), (b), (len)) != 0)                                     \
			check_fail(__FILE__, __LINE__, "%s differs from %s", #a, #b); \
	} while (0)

/* The call fails with -1, NULL or 0 as its kind does, and errno says why. */
#define CHECK_ERRNO(call, code)                     \
	do {                                        \
		errno = 0;                          \
		CHECK_INT((intptr_t)(call), <=, 0); \
		CHECK_INT(errno, ==, (code));       \
	} while (0)

static inline unsigned check_slower(void)
{
	const char *text = getenv("CHECK_SLOWER");
	return text ? (unsigned)strtoul(text, NULL, 10) : 1;
}

/* Its exit status; -1: it was killed. */
static inline int check_run_forked(const struct check_case *entry)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		alarm(CHECK_TIMEOUT_S * check_slower());
		entry->run();
		fflush(stdout);
		exit(0);
	}
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	kill(-pid, SIGKILL); /* what the case left behind */
	if (WIFSIGNALED(status))
		printf("# %s: %s\n", entry->name,
			WTERMSIG(status) == SIGALRM ? "timed out" : strsignal(WTERMSIG(status)));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline int check_main(int argc, char **argv)
{
	const char *pattern = argc > 1 ? argv[1] : "";
	const char *fork_off = getenv("CHECK_FORK");
	int count = 0, failed = 0, number = 0;

	for (struct check_case *entry = check_cases; entry; entry = entry->next)
		count += strstr(entry->name, pattern) != NULL;
	printf("1..%d\n", count);
	for (struct check_case *entry = check_cases; entry; entry = entry->next) {
		int status = 0;

		if (!strstr(entry->name, pattern))
			continue;
		if (fork_off && strcmp(fork_off, "0") == 0)
			entry->run();
		else
			status = check_run_forked(entry);
		failed += status != 0 && status != CHECK_SKIPPED_;
		printf("%s %d - %s%s\n", status == 0 || status == CHECK_SKIPPED_ ? "ok" : "not ok",
			++number, entry->name, status == CHECK_SKIPPED_ ? " # SKIP" : "");
		fflush(stdout);
	}
	return failed ? 1 : 0;
}

#define CHECK_MAIN()                           \
	int main(int argc, char **argv)        \
	{                                      \
		return check_main(argc, argv); \
	}

#endif
