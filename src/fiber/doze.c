/*
 * doze.c - see doze.h.
 *
 * Must never: do in a handler what is not safe there; it touches its own thread's timeout
 * and one flag.
 */
#include "fiber/doze.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fiber/worker.h"

extern __thread struct weft__context *weft__thread_context;

__thread struct timespec *volatile weft__dozing;

static __thread bool is_open; /* weft__doze_is_open() */
static __thread volatile int relay_fd = -1;

/* In a process of weft_serve()'s. Its address is what our own signals bear. */
static struct {
	struct weft__context context;
	struct weft__process options;
	volatile bool is_told; /* to stop, by the server */
	bool is_orphan;
} process;

static struct sigaction before; /* of a program that has the signal for itself, too */

static void wake(void)
{
	struct timespec *timeout = weft__dozing;

	if (timeout)
		*timeout = (struct timespec){0};
}

static void relay(void)
{
	const uint64_t one = 1;
	int saved_errno = errno, fd = relay_fd;
	ssize_t written = fd >= 0 ? write(fd, &one, sizeof(one)) : 0;

	(void)written;
	errno = saved_errno;
}

void weft__doze_relay(int fd)
{
	relay_fd = fd;
	atomic_signal_fence(memory_order_seq_cst);
	relay();
}

static void on_signal(int number, siginfo_t *info, void *ucontext)
{
	wake();
	relay();
	if (before.sa_flags & SA_SIGINFO)
		before.sa_sigaction(number, info, ucontext);
	else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
		before.sa_handler(number);
}

static void install_once(void)
{
	struct sigaction action = {
		.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};

	sigaction(WEFT__DOZE_SIGNAL, NULL, &before);
	sigaction(WEFT__DOZE_SIGNAL, &action, NULL);
}

void weft__doze_install(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install_once);
}

void weft__doze_wake(pthread_t thread)
{
	weft__doze_install();
	pthread_sigqueue(thread, WEFT__DOZE_SIGNAL, (union sigval){.sival_ptr = &process});
}

void weft__doze_cancel(pthread_t thread, struct weft__context *context)
{
	__atomic_store_n(&context->is_cancelled, true, __ATOMIC_RELEASE);
	weft__doze_wake(thread);
}

int weft__doze_ppoll(
	struct pollfd *set, nfds_t count, struct timespec *timeout, const sigset_t *mask)
{
#ifdef WEFT_TSAN
	return ppoll(set, count, timeout, mask);
#else
	return (int)syscall(SYS_ppoll, set, count, timeout, mask, _NSIG / 8);
#endif
}

int weft__doze_select(int count, fd_set *in, fd_set *out, struct timespec *timeout)
{
#ifdef WEFT_TSAN
	return pselect(count, in, out, NULL, timeout, NULL);
#else
	return (int)syscall(SYS_pselect6, count, in, out, NULL, timeout, NULL);
#endif
}

void weft__doze_is_open(void)
{
	is_open = true;
}

const sigset_t *weft__doze_mask(sigset_t *room)
{
	if (is_open)
		return NULL;
	pthread_sigmask(SIG_BLOCK, NULL, room);
	sigdelset(room, WEFT__DOZE_SIGNAL);
	return room;
}

/* ---- Processes --------------------------------------------------------------------------- */

bool weft__process_is;
_Atomic bool weft__process_is_stopping;

/* A handler's work is the main thread's: threads that it has may get its signals. */
static bool is_passed_on(int number)
{
	pid_t self = getpid();

	return (pid_t)syscall(SYS_gettid) != self && syscall(SYS_tgkill, self, self, number) == 0;
}

/* By system calls: timer_create(3) is not safe in a handler. */
static void signal_later(int number, int64_t ns)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = number};
	struct itimerspec time = {.it_value = {ns / WEFT_SECONDS(1), ns % WEFT_SECONDS(1)}};
	int timer;

	if (ns <= 0)
		time.it_value = (struct timespec){0, 1};
	if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) == 0)
		syscall(SYS_timer_settime, timer, 0, &time, NULL);
}

/* What the server would have done. If it died while it was being stopped, somebody had no
 * patience with it, and has none with us. */
static void end_without_server(void)
{
	bool is_late = process.is_told || process.options.grace_ns < 0;
	int64_t grace_ns = is_late ? 0 : process.options.grace_ns;

	signal_later(WEFT__DOZE_SIGNAL, grace_ns);
	signal_later(SIGKILL, grace_ns + process.options.kill_after_ns);
}

/*
 * SIGTERM comes by kill(2) from anybody; by sigqueue(3) from the server; and from the kernel
 * each time that a thread dies under which we were: at the last the server is gone.
 */
static void on_stop(int number, siginfo_t *info, void *ucontext)
{
	int saved_errno = errno;

	(void)ucontext;
	if (info->si_code == SI_QUEUE && info->si_pid == process.options.server)
		process.is_told = true;
	if (is_passed_on(number))
		return;
	if (getppid() != process.options.server && !process.is_orphan) {
		process.is_orphan = true;
		end_without_server();
	}
	if (!atomic_exchange(&weft__process_is_stopping, true) && process.options.stop)
		process.options.stop(process.options.arg);
	wake();
	errno = saved_errno;
}

void weft__process_cancel(void)
{
	__atomic_store_n(&process.context.is_cancelled, true, __ATOMIC_RELEASE);
	wake();
	relay();
}

/* From weft__doze_wake(), for the one thread; not from the server, for the process. */
static bool is_wake(const siginfo_t *info)
{
	return info->si_code == SI_QUEUE && info->si_value.sival_ptr == &process;
}

static void on_cancel(int number, siginfo_t *info, void *ucontext)
{
	int saved_errno = errno;

	(void)ucontext;
	if (is_wake(info))
		wake();
	else if (!is_passed_on(number))
		weft__process_cancel();
	errno = saved_errno;
}

void weft__process_begin(const struct weft__process *options)
{
	struct sigaction stopping = {
		.sa_sigaction = on_stop, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
	struct sigaction cancelling = {
		.sa_sigaction = on_cancel, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
	struct sigaction ignoring = {.sa_handler = SIG_IGN};

	memset(&process, 0, sizeof(process));
	process.context.host = weft__context_self()->host;
	process.options = *options;
	weft__process_is = true;
	weft__thread_context = &process.context;
	weft__doze_is_open(); /* once the caller has unblocked it */
	atomic_store(&weft__process_is_stopping, false);
	sigaction(SIGTERM, &stopping, NULL);
	sigaction(WEFT__DOZE_SIGNAL, &cancelling, NULL);
	sigaction(SIGINT, &ignoring, NULL);
	sigaction(SIGHUP, &ignoring, NULL);
}
