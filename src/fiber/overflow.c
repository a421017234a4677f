/*
 * overflow.c - a stack overflow names its fiber, instead of a bare SIGSEGV.
 *
 * The handler runs on a signal stack of its own (the fiber's is used up). When the
 * fault is in a stack's guard it says whose stack, how large, and prints a backtrace;
 * and when the stack pointer is on no stack of the fiber's (a large array stepped over the
 * guard), whose it is. Then, as for any other fault, it hands over to the handler that was there
 * before, or to the default action, so that core dumps and sanitizers work as ever.
 *
 * Must never: allocate, lock, or use stdio. The process may be in any state.
 */
#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fiber/coro.h"
#include "fiber/runtime.h"

/** glibc's backtrace() and symbolising want room. */
#define SIGNAL_STACK_SIZE ((size_t)128 * 1024)
#define FRAMES_MAX        32

static struct sigaction previous_segv, previous_bus;

static void say(const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t count = write(STDERR_FILENO, text, len);

		if (count <= 0)
			return;
		text += count;
		len -= (size_t)count;
	}
}

static void say_number(size_t number)
{
	char digits[24], *place = digits + sizeof digits - 1;

	*place = '\0';
	do
		*--place = (char)('0' + number % 10);
	while (number /= 10);
	say(place);
}

static void say_who(const struct weft__fiber *fiber, const struct weft_coro *coro)
{
	if (coro) {
		say("weft: coroutine \"");
		say(coro->name);
		say("\" of fiber \"");
	} else {
		say("weft: fiber \"");
	}
	say(fiber->name);
}

static void report(const struct weft__fiber *fiber, const struct weft_coro *coro, size_t size)
{
	void *frames[FRAMES_MAX];

	say_who(fiber, coro);
	say("\" overflowed its stack of ");
	say_number(size);
	say(" bytes; give it more with stack_size_bytes in its options\n");
	backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), STDERR_FILENO);
}

/* Where the stack pointer was; NULL where that is not known. */
static char *stack_pointer(const void *context)
{
#if defined(__x86_64__)
	return (char *)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
	return (char *)((const ucontext_t *)context)->uc_mcontext.sp;
#else
	(void)context;
	return NULL;
#endif
}

/* No backtrace: what unwinds would read what is not there. */
static void report_astray(const struct weft__fiber *fiber, const struct weft_coro *coro)
{
	say_who(fiber, coro);
	say("\" was outside its stack when it met a fault: an array on the stack may be larger "
	    "than "
	    "the stack. Compile with -fstack-clash-protection to be told where\n");
}

/* Sent by somebody, not met by an instruction: it has no address, and won't come again. */
static bool is_sent(const siginfo_t *info)
{
	return info->si_code <= 0;
}

static void take_default_action(int number, const siginfo_t *info)
{
	sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
	if (is_sent(info))
		raise(number);
	/* Else the instruction that met it is run again, and meets it again. */
}

static void hand_over(int number, siginfo_t *info, void *context)
{
	const struct sigaction *previous = number == SIGSEGV ? &previous_segv : &previous_bus;

	if (previous->sa_flags & SA_SIGINFO)
		previous->sa_sigaction(number, info, context);
	else if (previous->sa_handler == SIG_IGN && is_sent(info))
		return;
	else if (previous->sa_handler == SIG_DFL || previous->sa_handler == SIG_IGN)
		take_default_action(number, info);
	else
		previous->sa_handler(number);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	struct weft__fiber *fiber = weft__worker ? weft__worker->current : NULL;
	struct weft_coro *coro = fiber ? fiber->context.coro : NULL;
	bool is_in_guard = false;
	void *bottom, *own = NULL;
	char *sp = stack_pointer(context);
	size_t size;

	if (fiber && fiber != &weft__worker->base && !is_sent(info))
		own = coro ? coro->stack : fiber->stack;
	if (own && weft__stack_find(info->si_addr, &bottom, &size, &is_in_guard) && is_in_guard &&
		bottom == own)
		report(fiber, coro, size);
	else if (own && sp &&
		 !(weft__stack_find(sp, &bottom, &size, &is_in_guard) && bottom == own))
		report_astray(fiber, coro);
	hand_over(number, info, context);
}

int weft__overflow_install(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	void *frame;

	backtrace(&frame, 1); /* loads what it needs, now rather than in the handler */
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGSEGV, &action, &previous_segv) < 0)
		return -1;
	return sigaction(SIGBUS, &action, &previous_bus);
}

void weft__overflow_uninstall(void)
{
	sigaction(SIGSEGV, &previous_segv, NULL);
	sigaction(SIGBUS, &previous_bus, NULL);
}

/* A thread that has a signal stack already keeps it. */
int weft__overflow_thread_begin(void **ret_stack)
{
	stack_t present, stack = {.ss_size = SIGNAL_STACK_SIZE};

	*ret_stack = NULL;
	if (sigaltstack(NULL, &present) == 0 && !(present.ss_flags & SS_DISABLE))
		return 0;
	stack.ss_sp = mmap(NULL, SIGNAL_STACK_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack.ss_sp == MAP_FAILED)
		return -1;
	if (sigaltstack(&stack, NULL) < 0) {
		munmap(stack.ss_sp, SIGNAL_STACK_SIZE);
		return -1;
	}
	*ret_stack = stack.ss_sp;
	return 0;
}

void weft__overflow_thread_end(void *stack)
{
	if (!stack)
		return;
	sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
	munmap(stack, SIGNAL_STACK_SIZE);
}
