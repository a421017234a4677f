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
 * Each case runs in a forked process of its own, in its own process group, for
 * CHECK_TIMEOUT_S seconds at most (the environment's CHECK_SLOWER multiplies it
 * under valgrind or an emulator, and CHECK_LIMIT_S bounds it); one that hangs tells
 * where. A failed check prints where and why, and ends the process at once, from
 * whichever thread or fiber it is on: no longjmp, which would jump off a fiber's
 * stack. `PROGRAM PATTERN` runs only the cases
 * whose name contains PATTERN; `CHECK_FORK=0` runs them in this process: for gdb,
 * and for valgrind, which translates the code anew in every process.
 *
 * Never: state shared between cases, or a result that depends on the clock.
 */
#ifndef CHECK_H
#define CHECK_H

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef CHECK_TIMEOUT_S
#define CHECK_TIMEOUT_S 120
#endif

/* A number of the environment; 1 where there is none. */
static inline unsigned check_number(const char *name)
{
	const char *text = getenv(name);
	return text ? (unsigned)strtoul(text, NULL, 10) : 1;
}

/**
 * How much work randomised cases do: CHECK_ROUNDS in the environment (make soak) multiplies it,
 * and CHECK_SHARE divides it, where each round costs as many times more.
 */
static inline unsigned check_rounds(unsigned usual)
{
	unsigned share = check_number("CHECK_SHARE"), rounds = usual * check_number("CHECK_ROUNDS");

	return rounds > share ? rounds / share : 1;
}

struct check_case {
	const char *name;
	void (*run)(void);
	struct check_case *next;
	bool is_in_time;
};

/**
 * What a case's own short times are to be multiplied by: 1, and more where it is tried again.
 * CHECK_CASE_IN_TIME() is for a case in which the test has to be quicker than a deadline that is
 * its subject: where it fails it is tried once more, with more time, before it counts.
 */
static __attribute__((unused)) int64_t check_stretch = 1;

static struct check_case *check_cases;
static struct check_case **check_cases_tail = &check_cases;

#define CHECK_CASE(ident)         CHECK_CASE_(ident, false)
#define CHECK_CASE_IN_TIME(ident) CHECK_CASE_(ident, true)
#define CHECK_CASE_(ident, is_in_time)                                                     \
	static void case_##ident(void);                                                    \
	static struct check_case entry_##ident = {#ident, case_##ident, NULL, is_in_time}; \
	__attribute__((constructor)) static void register_##ident(void)                    \
	{                                                                                  \
		*check_cases_tail = &entry_##ident;                                        \
		check_cases_tail = &entry_##ident.next;                                    \
	}                                                                                  \
	static void case_##ident(void)

/** Called by a failed check before its process ends; NULL: nothing. */
static __attribute__((unused)) void (*check_on_failure)(void);

/** Called after a case that shares its process with the next one; NULL: nothing. */
static __attribute__((unused)) void (*check_between)(void);

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

/* The first line of a file below /proc, behind a '#'. */
static inline void check_show(const char *path)
{
	char line[200] = "";
	FILE *file = fopen(path, "re");

	if (!file)
		return;
	if (fgets(line, sizeof(line), file))
		printf("#   %s: %.*s\n", path, (int)strcspn(line, "\n"), line);
	fclose(file);
}

/* What the threads of a case that hangs wait for. */
static inline void check_show_threads(pid_t pid)
{
	static const char *const facts[] = {"comm", "wchan", "syscall"};
	char path[300];
	struct dirent *entry;
	int shown = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (tasks && shown < 10 && (entry = readdir(tasks))) {
		if (entry->d_name[0] == '.')
			continue;
		shown++;
		for (int i = 0; i < 3; i++) {
			snprintf(path, sizeof(path), "/proc/%d/task/%.10s/%s", (int)pid,
				entry->d_name, facts[i]);
			check_show(path);
		}
	}
	if (tasks)
		closedir(tasks);
}

/* Wait for a case; one that hangs tells where, and is killed. */
static inline int check_wait(const struct check_case *entry, pid_t pid)
{
	unsigned limit_s = CHECK_TIMEOUT_S * check_number("CHECK_SLOWER");
	const struct timespec tick = {.tv_nsec = 200 * 1000 * 1000};
	struct timespec begun, now;
	sigset_t child;
	int status = 0;

	if (getenv("CHECK_LIMIT_S") && limit_s > check_number("CHECK_LIMIT_S"))
		limit_s = check_number("CHECK_LIMIT_S");
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		sigtimedwait(&child, NULL, &tick);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - begun.tv_sec <= (time_t)limit_s)
			continue;
		printf("# %s: timed out after %u s\n", entry->name, limit_s);
		check_show_threads(pid);
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		break;
	}
	return status;
}

/* Its exit status; -1: it was killed. */
static inline int check_run_forked(const struct check_case *entry)
{
	sigset_t child, before;
	int status;
	pid_t pid;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		setpgid(0, 0);
		entry->run();
		fflush(stdout);
		exit(0);
	}
	if (pid < 0)
		return -1;
	status = check_wait(entry, pid);
	kill(-pid, SIGKILL); /* what the case left behind */
	if (WIFSIGNALED(status))
		printf("# %s: %s\n", entry->name, strsignal(WTERMSIG(status)));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* One that has to be in time gets more of it where it was not. */
static inline int check_run_patiently(const struct check_case *entry)
{
	int status = check_run_forked(entry);

	for (int again = 0; again < 2 && entry->is_in_time && status > 0; again++) {
		if (status == CHECK_SKIPPED_)
			break;
		check_stretch *= 6;
		printf("# once more, with %d times the time\n", (int)check_stretch);
		status = check_run_forked(entry);
	}
	check_stretch = 1;
	return status;
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
		printf("# running: %s\n", entry->name);
		if (fork_off && strcmp(fork_off, "0") == 0) {
			check_stretch = entry->is_in_time ? 10 : 1; /* there is one try */
			entry->run();
			if (check_between)
				check_between();
		} else
			status = check_run_patiently(entry);
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
