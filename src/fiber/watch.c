/*
 * watch.c - the thread that watches: weft_dump() on a signal, and fibers that keep their
 * worker too long.
 *
 * A worker that is awake looks around often (worker->counts.looks). One that is awake at
 * three ticks in a row or more, the limit apart, and has not looked around in between, is stuck:
 * it computes, or is in a system call that weft knows nothing of. It is told of once, until it
 * moves on; and once more, if its thread was held up between two fibers first, and then the
 * second of them keeps it. (Three ticks, because a program that was stopped and goes on has lost
 * time once; two of them are half the limit apart.)
 *
 * The thread sleeps in poll(2) between ticks, and without a watchdog until the signal. It is
 * started with the run, or when a signal is chosen while the run is under way.
 *
 * Must never: take a lock that a stuck worker may hold.
 */
#include "fiber/watch.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fiber/dump.h"
#include "weft/debug.h"

struct seen {
	uint64_t looks;
	int64_t since_ns; /* the first tick at which it had looked around that often, awake */
	unsigned ticks;   /* since then */
	bool was_awake, is_told, is_fiber_told;
};

/** Held by who begins or ends the watching, or chooses the signal; never by the thread. */
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;

static struct {
	bool is_running; /* the thread */
	pthread_t thread;
	struct weft__runtime *runtime; /* NULL: no run is under way */
	int64_t watchdog_ns;
	atomic_int event_fd; /* written to: by the signal's handler, and to end */
	atomic_bool is_dump_wanted, is_ending;
	atomic_int handlers_inside; /* they may still hold event_fd */
	int signal;
	struct sigaction signal_before;
	struct seen seen[WEFT_WORKERS_MAX];
} watch = {.event_fd = -1};

/** Chosen by weft_dump_on_signal(). */
static int dump_signal;

static void wake(void)
{
	const uint64_t one = 1;
	int saved = errno;

	if (write(atomic_load(&watch.event_fd), &one, sizeof(one)) < 0)
		errno = saved; /* it is full of wakes already */
}

static void on_signal(int number)
{
	(void)number;
	atomic_fetch_add(&watch.handlers_inside, 1);
	atomic_store(&watch.is_dump_wanted, true);
	wake();
	atomic_fetch_sub(&watch.handlers_inside, 1);
}

/* ---- The watchdog ------------------------------------------------------------------------- */

/* Whether it had a fiber, which has been told. */
static bool report_stuck(struct weft__worker *worker, int64_t busy_ns)
{
	bool has_fiber;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return false;
	fputs("weft: ", out);
	has_fiber = weft__busy_describe(worker, busy_ns, out);
	if (fclose(out) == 0 && write(STDERR_FILENO, text, len) < 0)
		errno = 0; /* nobody reads it */
	free(text);
	return has_fiber;
}

static void look_at(struct weft__worker *worker, struct seen *seen, int64_t now)
{
	uint64_t looks = atomic_load_explicit(&worker->counts.looks, memory_order_relaxed);
	/* A thread that the system has not let run yet is none that keeps others waiting; nor is
	 * one that has run all there was to run. */
	bool is_awake = atomic_load(&worker->has_begun) && !atomic_load(&worker->is_sleeping) &&
			!atomic_load(&worker->runtime->is_halted);
	int64_t seen_ns, busy_ns = weft__busy_ns(worker);
	bool is_stuck;

	if (!is_awake || !seen->was_awake || looks != seen->looks)
		*seen = (struct seen){.looks = looks, .since_ns = now};
	seen->was_awake = is_awake;
	/* It may have slept unseen, just after the first tick; a simulator's clock stands still. */
	seen_ns = now - seen->since_ns;
	if (worker->runtime->driver_ops->net || busy_ns > seen_ns)
		busy_ns = seen_ns;
	is_stuck = is_awake && seen->ticks++ >= 2 && busy_ns >= watch.watchdog_ns;
	if (is_stuck && (!seen->is_told || (!seen->is_fiber_told && weft__busy_has_fiber(worker))))
		seen->is_fiber_told = report_stuck(worker, busy_ns);
	seen->is_told |= is_stuck;
}

static void *run(void *arg)
{
	struct pollfd set = {.fd = atomic_load(&watch.event_fd), .events = POLLIN};
	int tick_ms = watch.watchdog_ns > 0 ? (int)(watch.watchdog_ns / WEFT_MILLISECONDS(2)) : -1;
	uint64_t count;

	(void)arg;
	pthread_setname_np(pthread_self(), "weft-watch");
	weft__bystanders_add(1);
	while (!atomic_load(&watch.is_ending)) {
		if (poll(&set, 1, tick_ms ? tick_ms : 1) > 0 &&
			read(set.fd, &count, sizeof(count)) < 0)
			continue;
		if (atomic_exchange(&watch.is_dump_wanted, false))
			weft_dump(STDERR_FILENO);
		for (unsigned i = 0; tick_ms >= 0 && i < watch.runtime->worker_count; i++)
			look_at(watch.runtime->workers[i], &watch.seen[i], weft_now());
		if (tick_ms >= 0)
			weft__rings_watch(watch.watchdog_ns);
	}
	weft__bystanders_add(-1);
	return NULL;
}

/* ---- Life ----------------------------------------------------------------------------------- */

static int thread_start(void)
{
	sigset_t all, before;
	int code;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(&watch.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = code ? code : errno;
	return code ? -1 : 0;
}

static int signal_begin(int signal)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	if (signal && sigaction(signal, &action, &watch.signal_before) < 0)
		return -1;
	watch.signal = signal;
	return 0;
}

static void signal_end(void)
{
	if (watch.signal)
		sigaction(watch.signal, &watch.signal_before, NULL);
	watch.signal = 0;
	while (atomic_load(&watch.handlers_inside) > 0)
		sched_yield();
}

/* The thread, unless it runs. What its handler writes to comes first. */
static int begin(void)
{
	int saved;

	if (watch.is_running)
		return 0;
	for (unsigned i = 0; i < watch.runtime->worker_count; i++)
		watch.seen[i] = (struct seen){0};
	atomic_store(&watch.is_ending, false);
	atomic_store(&watch.event_fd, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (atomic_load(&watch.event_fd) < 0)
		return -1;
	if (thread_start() == 0) {
		watch.is_running = true;
		return 0;
	}
	saved = errno;
	close(atomic_exchange(&watch.event_fd, -1));
	errno = saved;
	return -1;
}

static void end(void)
{
	signal_end();
	if (!watch.is_running)
		return;
	atomic_store(&watch.is_ending, true);
	wake();
	pthread_join(watch.thread, NULL);
	close(atomic_exchange(&watch.event_fd, -1));
	watch.is_running = false;
}

int weft__watch_begin(struct weft__runtime *runtime, int64_t watchdog_ns)
{
	int result = 0, saved;

	pthread_mutex_lock(&changing);
	watch.runtime = runtime;
	watch.watchdog_ns = watchdog_ns;
	if (watchdog_ns > 0 || dump_signal)
		result = begin();
	if (result == 0)
		result = signal_begin(dump_signal);
	if (result < 0) {
		saved = errno;
		end();
		watch.runtime = NULL;
		errno = saved;
	}
	pthread_mutex_unlock(&changing);
	return result;
}

void weft__watch_end(void)
{
	int saved = errno;

	pthread_mutex_lock(&changing);
	end();
	watch.runtime = NULL;
	pthread_mutex_unlock(&changing);
	errno = saved;
}

/* While a run is under way. The old one is let go first: it may be the same. */
static int signal_change(int signal)
{
	int before = watch.signal, saved;

	if (signal && begin() < 0)
		return -1;
	signal_end();
	if (signal_begin(signal) == 0)
		return 0;
	saved = errno;
	signal_begin(before);
	errno = saved;
	return -1;
}

int weft_dump_on_signal(int signal)
{
	int result = 0;

	if (signal < 0 || signal >= NSIG || signal == SIGKILL || signal == SIGSTOP) {
		errno = EINVAL;
		return -1;
	}
	pthread_mutex_lock(&changing);
	if (watch.runtime)
		result = signal_change(signal);
	if (result == 0)
		dump_signal = signal;
	pthread_mutex_unlock(&changing);
	return result;
}

void weft__watch_forked(void)
{
	changing = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER; /* its holder may not be here */
	watch.runtime = NULL;
	if (!watch.is_running)
		return;
	atomic_store(&watch.handlers_inside, 0);
	signal_end();
	close(atomic_exchange(&watch.event_fd, -1));
	watch.is_running = false;
}
