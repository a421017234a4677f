/*
 * program.c - run a program without a copy of the parent (clone(2) as vfork(2) does it).
 *
 * Until it is the program, the child is a guest in the parent's memory, on a stack of its own,
 * while the thread that started it stands still: so an error is told by storing it, and all
 * that takes memory was done before. Handlers of the parent's must not run there, hence no
 * signal comes in before they are taken away.
 *
 * Must never: call the C library in the child, but for syscall(2): sanitizers and locks would
 * take it for the parent. (posix_spawn(3) knows neither limits, nor daemons, nor who says that
 * no descriptor shall be inherited.)
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fiber/sanitize.h"
#include "process/process.h"

#define STACK_SIZE_BYTES ((size_t)64 * 1024)

/* execve(2) failed: as a shell tells it, to those who can't see the parent's memory (an emulator's
 * vfork may be a fork). */
#define EXIT_NO_PROGRAM 127

/* What clone(2) of before 5.2 and emulators don't have. */
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

/* ThreadSanitizer takes clone(2) for a fork, and the guest for a process that has its memory for
 * itself; it does not know the C library's other name of it. */
#ifdef WEFT_TSAN
/* tidy: allow names, because it is the C library's */
extern int __clone(int (*fn)(void *arg), void *stack, int flags, void *arg, ...);
#define clone __clone
#endif

struct guest {
	struct weft_process *process;
	const struct weft__process_plumbing *plumbing;
	int error; /* 0: the program runs */
};

/* As rt_sigaction(2) has it. */
struct kernel_action {
	void (*handler)(int number);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

/* What runs in the child must leave no trace of its own in a sanitizer's books. */
#define IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

static IN_CHILD void drop_handlers(void)
{
	for (long number = 1; number <= SIGRTMAX; number++) {
		struct kernel_action action;

		if (syscall(SYS_rt_sigaction, number, NULL, &action, sizeof action.mask) < 0)
			continue;
		if (action.handler == SIG_DFL || (action.handler == SIG_IGN && number != SIGPIPE))
			continue;
		action = (struct kernel_action){.handler = SIG_DFL};
		syscall(SYS_rt_sigaction, number, &action, NULL, sizeof action.mask);
	}
}

static IN_CHILD int close_all_but(const int *fds, size_t count)
{
	if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return errno;
	for (size_t i = 0; i < count; i++)
		if (syscall(SYS_fcntl, fds[i], F_SETFD, 0) < 0)
			return errno;
	return 0;
}

static IN_CHILD int execute(const struct weft_process *process)
{
	const char *const *environment = process->options.environment;
	int code = ENOENT;

	for (char **path = process->paths; *path; path++) {
		syscall(SYS_execve, *path, process->argv,
			environment ? (char *const *)environment : environ);
		if (errno == EACCES)
			code = EACCES; /* the one that is told, when no other is there */
		else if ((errno != ENOENT && errno != ENOTDIR) || !process->paths[1])
			return errno;
	}
	return code;
}

static IN_CHILD int child_main(void *arg)
{
	struct guest *guest = arg;
	const struct weft_process_options *options = &guest->process->options;
	uint64_t none = 0;
	int code;

	drop_handlers();
	code = weft__process_settle(guest->process, guest->plumbing);
	if (code == 0)
		code = close_all_but(options->kept_fds, options->kept_fd_count);
	if (code == 0 && options->handed_count > 0)
		code = weft__process_hand_over(guest->process);
	if (code == 0) {
		syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
		code = execute(guest->process);
	}
	guest->error = code;
	syscall(SYS_exit_group, EXIT_NO_PROGRAM);
	return 0;
}

int weft__process_run_program(struct weft_process *process,
	const struct weft__process_plumbing *plumbing, pid_t *ret_pid, int *ret_pid_fd)
{
	struct guest guest = {.process = process, .plumbing = plumbing};
	const int flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
	int pid_fd = -1, code;
	pid_t pid;
	char *stack = mmap(NULL, STACK_SIZE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (stack == MAP_FAILED)
		return errno;
	pid = clone(child_main, stack + STACK_SIZE_BYTES, flags | CLONE_PIDFD, &guest, &pid_fd);
	if (pid < 0 && errno == EINVAL)
		pid = clone(child_main, stack + STACK_SIZE_BYTES, flags, &guest);
	code = pid < 0 ? errno : __atomic_load_n(&guest.error, __ATOMIC_ACQUIRE);
	munmap(stack, STACK_SIZE_BYTES);
	*ret_pid = pid;
	*ret_pid_fd = pid_fd;
	return code;
}
