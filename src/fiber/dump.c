/*
 * dump.c - weft_dump(): all fibers, and where each waits; and the workers' counters.
 *
 * A fiber's record may be read by its own worker only, so each worker lists its own, when
 * it next looks around. The caller asks them one after the other.
 *
 *	caller --- worker->dump = &dump, poke ---> worker, in its loop: takes it, lists, says done
 *	       (200 ms without an answer: takes the question back, and looks by a signal what
 *	        the worker is doing all the time)
 *
 * Must never: keep a worker from its work for longer than its own list takes.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "fiber/backtrace.h"
#include "fiber/coro.h"
#include "fiber/dump.h"
#include "fiber/runtime.h"
#include "weft/debug.h"

/** How long a worker may take to begin its answer. */
#define ANSWER_MS 200

struct weft__dump {
	FILE *out;
	atomic_bool is_done;
};

/* One list at a time. */
static atomic_bool is_listing;

/* ---- A worker's own fibers --------------------------------------------------------------- */

static void deadline_print(struct weft__fiber *fiber, int64_t now, FILE *out)
{
	int64_t deadline = weft__context_deadline(&fiber->context);

	if (deadline != INT64_MAX)
		fprintf(out, ", %.3f s to its deadline", (double)(deadline - now) / 1e9);
	if (fiber->context.is_cancelled)
		fputs(", cancelled", out);
	if (fiber->context.coro)
		fprintf(out, ", in coroutine \"%s\"", weft_coro_name(fiber->context.coro));
}

static void fiber_print(struct weft__worker *worker, struct weft__fiber *fiber, FILE *out)
{
	struct weft__backtrace trace = {.count = 0};
	int64_t now = weft_now();

	fputs("fiber ", out);
	weft__fiber_describe(fiber, out);
	fprintf(out, " on worker %u: ", worker->index);
	if (fiber == worker->current) {
		fputs("runs", out);
		weft__backtrace_here(&trace);
	} else if (!atomic_load(&fiber->started_on)) {
		fputs("has not started", out);
	} else {
		if (fiber->state == WEFT__PARKED)
			weft__wait_describe(fiber->wait, now - fiber->parked_ns, out);
		else
			fputs("can run", out);
		weft__backtrace_of(&trace, fiber);
	}
	deadline_print(fiber, now, out);
	fputc('\n', out);
	weft__backtrace_print(&trace, out);
}

static bool is_mine(struct weft__worker *worker, struct weft__fiber *fiber)
{
	uint64_t control = atomic_load(&fiber->control);

	return (control & WEFT__LIVE) && !(control & WEFT__ENDED) &&
	       atomic_load(&fiber->worker) == worker && fiber->state != WEFT__DONE;
}

static void worker_print(struct weft__worker *worker, FILE *out)
{
	int saved = errno;

	for (uint32_t slot = 0; slot < weft__slot_count(); slot++)
		if (is_mine(worker, weft__slot_at(slot)))
			fiber_print(worker, weft__slot_at(slot), out);
	errno = saved;
}

void weft__dump_answer(struct weft__worker *worker)
{
	struct weft__dump *dump = atomic_exchange(&worker->dump, NULL);

	if (!dump)
		return;
	worker_print(worker, dump->out);
	atomic_store(&dump->is_done, true);
}

/* ---- Asking --------------------------------------------------------------------------------- */

/* What is read here is the worker's own, and may change under us: it is only shown. */
__attribute__((no_sanitize("thread"))) bool weft__busy_has_fiber(struct weft__worker *worker)
{
	struct weft__fiber *fiber = __atomic_load_n(&worker->current, __ATOMIC_RELAXED);

	return fiber && fiber != &worker->base;
}

__attribute__((no_sanitize("thread"))) int64_t weft__busy_ns(struct weft__worker *worker)
{
	return weft_now() - __atomic_load_n(&worker->now_ns, __ATOMIC_RELAXED);
}

__attribute__((no_sanitize("thread"))) bool weft__busy_describe(
	struct weft__worker *worker, int64_t busy_ns, FILE *out)
{
	struct weft__fiber *fiber = __atomic_load_n(&worker->current, __ATOMIC_RELAXED);
	struct weft__backtrace trace;

	if (!atomic_load(&worker->has_begun)) {
		fprintf(out, "worker %u has not begun: the system has yet to run its thread\n",
			worker->index);
		return false;
	}
	fprintf(out, "worker %u has been busy with ", worker->index);
	if (!fiber || fiber == &worker->base) {
		fputs("no fiber", out);
	} else {
		fputs("fiber ", out);
		weft__fiber_describe(fiber, out);
	}
	fprintf(out, " for %.3f s, without giving way\n", (double)busy_ns / 1e9);
	if (weft__backtrace_running(&trace, worker))
		weft__backtrace_print(&trace, out);
	else
		fputs("\t(it took no signal: it waits in the kernel)\n", out);
	return fiber && fiber != &worker->base;
}

static void ask(struct weft__worker *worker, FILE *out)
{
	const struct timespec pause = {0, 1000000};
	struct weft__dump dump = {.out = out};

	if (worker == weft__worker) {
		worker_print(worker, out);
		return;
	}
	atomic_store(&worker->dump, &dump);
	weft__worker_poke(worker);
	for (int i = 0; i < ANSWER_MS && !atomic_load(&dump.is_done); i++)
		nanosleep(&pause, NULL);
	if (atomic_load(&dump.is_done))
		return;
	if (atomic_exchange(&worker->dump, NULL)) {
		if (!atomic_load(&worker->runtime->is_halted))
			weft__busy_describe(worker, weft__busy_ns(worker), out);
		return;
	}
	while (!atomic_load(&dump.is_done)) /* it has begun */
		nanosleep(&pause, NULL);
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t count = write(fd, data, len);

		if (count < 0 && errno != EINTR)
			return -1;
		if (count > 0) {
			data += count;
			len -= (size_t)count;
		}
	}
	return 0;
}

static int list(struct weft__runtime *runtime, int fd)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool is_whole;
	int result;

	if (!out)
		return -1;
	fprintf(out, "weft: %zu fibers, %u workers, driver %s\n", weft__runtime_fibers(runtime),
		runtime->worker_count, runtime->driver_ops->name);
	for (unsigned i = 0; i < runtime->worker_count; i++)
		ask(runtime->workers[i], out);
	is_whole = !ferror(out);
	is_whole &= fclose(out) == 0 && text;
	result = text ? write_all(fd, text, len) : -1;
	free(text);
	if (is_whole)
		return result;
	errno = ENOMEM; /* what there was is written */
	return -1;
}

int weft_dump(int fd)
{
	struct weft__runtime *runtime = weft__runtime_enter();
	int result = -1;

	if (!runtime) {
		errno = ENOTSUP;
	} else if (atomic_exchange(&is_listing, true)) {
		errno = EBUSY;
	} else {
		result = list(runtime, fd);
		atomic_store(&is_listing, false);
	}
	weft__runtime_leave();
	return result;
}

/* ---- Counters ----------------------------------------------------------------------------------
 */

static uint64_t calls(
	const struct weft__counts *counts, enum weft__op_kind first, enum weft__op_kind last)
{
	uint64_t sum = 0;

	for (unsigned kind = first; kind <= last; kind++)
		sum += atomic_load_explicit(&counts->calls[kind], memory_order_relaxed);
	return sum;
}

static uint64_t load(_Atomic uint64_t *place)
{
	return atomic_load_explicit(place, memory_order_relaxed);
}

/* Other threads may ask, too: the clock is the thread's, and the thread lives as the run does. */
static int64_t cpu_of(struct weft__worker *worker)
{
	struct timespec used = {0};
	clockid_t clock;

	if (atomic_load(&worker->has_begun) && pthread_getcpuclockid(worker->thread, &clock) == 0)
		clock_gettime(clock, &used);
	return used.tv_sec * WEFT_SECONDS(1) + used.tv_nsec;
}

static void add(struct weft_counters *sum, struct weft__worker *worker)
{
	struct weft__counts *counts = &worker->counts;

	sum->spawned += load(&worker->spawned);
	/* The end first: never more have ended than were started. */
	sum->ended += load(&worker->ended);
	sum->started += load(&counts->started);
	sum->switches += load(&worker->turn);
	sum->parks += load(&counts->parks);
	sum->wakes += load(&counts->wakes);
	sum->steals += load(&counts->steals);
	sum->looks += load(&counts->looks);
	sum->sleeps += load(&counts->sleeps);
	sum->reads += calls(counts, WEFT__OP_READ, WEFT__OP_RECVMMSG);
	sum->writes += calls(counts, WEFT__OP_WRITE, WEFT__OP_SENDFILE);
	sum->accepts += calls(counts, WEFT__OP_ACCEPT, WEFT__OP_ACCEPT);
	sum->connects += calls(counts, WEFT__OP_CONNECT, WEFT__OP_CONNECT);
	sum->cpu_ns += cpu_of(worker);
	sum->polls += calls(counts, WEFT__OP_POLL, WEFT__OP_POLL_NOW);
}

int weft_counters(int worker, struct weft_counters *ret_counters)
{
	struct weft__runtime *runtime = weft__runtime_enter();
	struct weft_counters sum = {0};
	int code = 0;

	if (!runtime)
		code = ENOTSUP;
	else if (worker < -1 || worker >= (int)runtime->worker_count)
		code = EINVAL;
	for (unsigned i = 0; !code && i < runtime->worker_count; i++)
		if (worker < 0 || worker == (int)i)
			add(&sum, runtime->workers[i]);
	if (!code && worker < 0)
		sum.spawned += atomic_load(&runtime->spawned_outside);
	weft__runtime_leave();
	if (!code)
		*ret_counters = sum;
	errno = code ? code : errno;
	return code ? -1 : 0;
}
