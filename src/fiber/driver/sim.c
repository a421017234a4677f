/*
 * sim.c - driver "sim": a clock that jumps, events in order, fibers in an order out of the
 * seed.
 *
 * Must never: let anything in that differs from run to run. Real descriptors are the one
 * exception: they are tried whenever nothing else can go on.
 */
#include "fiber/driver/sim.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fiber/runtime.h"
#include "fiber/watch.h"

/** The clocks begin here: not at 0, which would hide a forgotten one. */
#define NOW_FIRST  WEFT_SECONDS(1000)
#define WALL_FIRST (WEFT_SECONDS(1767225600) - NOW_FIRST) /* 2026-01-01T00:00:00Z */

struct sim *weft__sim;
const struct weft__sim_begin *weft__sim_begin;

void *weft__sim_alloc(size_t size_bytes)
{
	void *memory = calloc(1, size_bytes);

	assert(memory && "memory for the simulation");
	return memory;
}

/* ---- Chance ------------------------------------------------------------------------------ */

static uint64_t rotate(uint64_t bits, int by)
{
	return bits << by | bits >> (64 - by);
}

/* splitmix64, which makes four good words of any seed. */
static void random_begin(struct sim *sim, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t bits = seed += UINT64_C(0x9e3779b97f4a7c15);

		bits = (bits ^ bits >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		bits = (bits ^ bits >> 27) * UINT64_C(0x94d049bb133111eb);
		sim->random[i] = bits ^ bits >> 31;
	}
}

/* xoshiro256**, by Blackman and Vigna. */
uint64_t weft__sim_random(void)
{
	uint64_t *state = weft__sim->random;
	uint64_t result = rotate(state[1] * 5, 7) * 9, moved = state[1] << 17;

	state[2] ^= state[0];
	state[3] ^= state[1];
	state[1] ^= state[2];
	state[0] ^= state[3];
	state[2] ^= moved;
	state[3] = rotate(state[3], 45);
	return result;
}

int64_t weft__sim_between(int64_t low, int64_t high)
{
	if (high <= low)
		return low;
	return low + (int64_t)(weft__sim_random() % (uint64_t)(high - low + 1));
}

bool weft__sim_chance(double chance)
{
	if (chance <= 0)
		return false;
	return (double)(weft__sim_random() >> 11) * 0x1p-53 < chance;
}

/* ---- The trace --------------------------------------------------------------------------- */

static void trace_add(const char *format, va_list args)
{
	uint64_t hash = weft__sim->report.trace_hash;
	char line[256];

	vsnprintf(line, sizeof(line), format, args);
	/* FNV-1a, of the time as of the text. */
	for (const char *text = line; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	for (uint64_t now = (uint64_t)weft__sim->now_ns; now; now >>= 8)
		hash = (hash ^ (now & 0xff)) * UINT64_C(0x100000001b3);
	weft__sim->report.trace_hash = hash;
	if (weft__sim->options.trace)
		fprintf(weft__sim->options.trace, "%.6f %s\n",
			(double)(weft__sim->now_ns - weft__sim->began_ns) / 1e9, line);
}

void weft__sim_trace(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	trace_add(format, args);
	va_end(args);
}

void weft_sim_trace(const char *format, ...)
{
	va_list args;

	if (!weft__sim)
		return;
	va_start(args, format);
	trace_add(format, args);
	va_end(args);
}

/* ---- Events ------------------------------------------------------------------------------ */

void *weft__sim_event_new(size_t size_bytes, void (*happen)(struct sim_event *event),
	struct sim_socket *from, struct sim_socket *to)
{
	struct sim_event *event = weft__sim_alloc(size_bytes);

	weft_heap_node_init(&event->node);
	event->happen = happen;
	event->from = from;
	event->to = to;
	if (from)
		weft__sim_socket_use(from);
	if (to)
		weft__sim_socket_use(to);
	return event;
}

void weft__sim_event_done(struct sim_event *event)
{
	if (event->from)
		weft__sim_socket_drop(event->from);
	if (event->to)
		weft__sim_socket_drop(event->to);
	free(event);
}

void weft__sim_event_at(struct sim_event *event, int64_t when_ns)
{
	int code = weft_heap_push(&weft__sim->events, &event->node,
		when_ns > weft__sim->now_ns ? when_ns : weft__sim->now_ns);

	assert(code == 0 && "memory for the simulation");
	(void)code;
}

static void events_happen(struct sim *sim)
{
	struct weft_heap_node *node;

	while ((node = weft_heap_min(&sim->events)) && node->key <= sim->now_ns) {
		struct sim_event *event = weft_container_of(node, struct sim_event, node);

		weft_heap_pop(&sim->events);
		sim->report.events++;
		event->happen(event);
	}
}

/* ---- Real descriptors -------------------------------------------------------------------- */

/* Make those ready whose descriptor is, after at most timeout_ms. */
static void foreign_look(struct sim *sim, int timeout_ms)
{
	struct pollfd sets[64];
	struct weft__watch *watches[64];
	nfds_t count = 0;

	weft_list_each (node, &sim->foreign) {
		struct weft__watch *watch = weft_container_of(node, struct weft__watch, node);

		if (count == sizeof(sets) / sizeof(*sets))
			break;
		watches[count] = watch;
		sets[count++] = (struct pollfd){.fd = watch->fd, .events = (short)watch->events};
	}
	if (count == 0 || poll(sets, count, timeout_ms) <= 0)
		return;
	for (nfds_t i = 0; i < count; i++)
		if (sets[i].revents)
			weft__ready(sim->driver.worker, watches[i]->fiber);
}

/* ---- The driver -------------------------------------------------------------------------- */

static int64_t sim_now(struct weft__driver *driver)
{
	return ((struct sim *)driver)->now_ns;
}

static int64_t sim_wall(struct weft__driver *driver)
{
	return ((struct sim *)driver)->now_ns + WALL_FIRST;
}

static uint64_t sim_random_of(struct weft__driver *driver)
{
	(void)driver;
	return weft__sim_random();
}

static uint32_t sim_choose(struct weft__driver *driver, uint32_t count)
{
	struct sim *sim = (struct sim *)driver;
	uint32_t index = sim->options.in_order ? 0 : (uint32_t)(weft__sim_random() % count);

	sim->report.choices++;
	weft__sim_trace("fiber %u of %u", index, count);
	return index;
}

/* No event is to come, no time is waited for, no real descriptor: nothing can happen any more. */
static void nothing_left(struct sim *sim)
{
	struct weft__runtime *runtime = sim->driver.worker->runtime;

	if (!weft__deadlock_found(runtime))
		atomic_store(&runtime->is_halted, true); /* cancelled, and they wait on */
}

static int64_t first_event(const struct sim *sim)
{
	struct weft_heap_node *node = weft_heap_min(&sim->events);

	return node ? node->key : INT64_MAX;
}

static void sim_wait(struct weft__driver *driver, int64_t deadline_ns)
{
	struct sim *sim = (struct sim *)driver;
	struct weft__worker *worker = driver->worker;

	sim->now_ns += sim->options.cpu_ns;
	events_happen(sim);
	while (!worker->run_head && !sim->is_woken && deadline_ns > sim->now_ns) {
		int64_t next = first_event(sim) < deadline_ns ? first_event(sim) : deadline_ns;

		foreign_look(sim, 0);
		if (worker->run_head)
			break;
		if (next != INT64_MAX) {
			sim->now_ns = next > sim->now_ns ? next : sim->now_ns;
			events_happen(sim);
		} else if (!weft_list_is_empty(&sim->foreign)) {
			foreign_look(sim, -1);
		} else {
			nothing_left(sim);
			break;
		}
	}
	sim->is_woken = false;
}

static void sim_wake(struct weft__driver *driver)
{
	((struct sim *)driver)->is_woken = true;
}

static void sim_forget(struct weft__driver *driver, int fd)
{
	struct sim *sim = (struct sim *)driver;

	/* Closing a simulated one tells its watchers by itself. */
	weft_list_each_safe (node, &sim->foreign) {
		struct weft__watch *watch = weft_container_of(node, struct weft__watch, node);

		if (watch->fd != fd)
			continue;
		weft_list_remove(node);
		watch->is_closed = true;
		weft__ready(driver->worker, watch->fiber);
	}
}

static int sim_watch(struct weft__driver *driver, struct weft__watch *watch)
{
	struct sim *sim = (struct sim *)driver;
	struct sim_socket *socket = weft__sim_socket_of(watch->fd);

	if (watch->fd >= SIM_FD_FIRST && !socket)
		return -EBADF;
	watch->is_closed = false;
	weft_list_push_back(socket ? &socket->watchers : &sim->foreign, &watch->node);
	return 0;
}

static void sim_unwatch(struct weft__driver *driver, struct weft__watch *watch)
{
	(void)driver;
	if (!watch->is_closed)
		weft_list_remove(&watch->node);
}

/* ---- Life -------------------------------------------------------------------------------- */

static void sim_destroy(struct weft__driver *driver)
{
	struct sim *sim = (struct sim *)driver;
	struct weft_heap_node *node;

	sim->report.duration_ns = sim->now_ns - sim->began_ns;
	sim->report.open_descriptors = sim->open_count;
	for (size_t i = 0; i < sim->sockets_len; i++)
		if (sim->sockets[i])
			weft__sim_net.close(driver, SIM_FD_FIRST + (int)i);
	while ((node = weft_heap_min(&sim->events))) {
		weft_heap_pop(&sim->events);
		weft__sim_event_done(weft_container_of(node, struct sim_event, node));
	}
	weft_heap_fini(&sim->events);
	if (sim->options.report)
		*sim->options.report = sim->report;
	free(sim->sockets);
	free(sim);
	weft__sim = NULL;
}

static struct weft__driver *sim_create(struct weft__worker *worker)
{
	struct sim *sim;
	uint32_t index;

	if (!weft__sim_begin || weft__sim) {
		errno = EINVAL; /* by weft_sim_run() only, and one worker only */
		return NULL;
	}
	sim = calloc(1, sizeof(*sim));
	if (!sim)
		return NULL;
	sim->driver = (struct weft__driver){&weft__driver_sim, worker};
	sim->options = *weft__sim_begin->options;
	sim->seed = weft__sim_begin->seed;
	sim->now_ns = sim->began_ns = NOW_FIRST;
	sim->report.trace_hash = UINT64_C(0xcbf29ce484222325);
	random_begin(sim, sim->seed);
	weft_heap_init(&sim->events);
	weft_list_init(&sim->foreign);
	weft__sim = sim;
	weft__sim_bound_begin();
	weft__sim_host_make("localhost", &index);
	return &sim->driver;
}

const struct weft__driver_ops weft__driver_sim = {
	.name = "sim",
	.create = sim_create,
	.destroy = sim_destroy,
	.now = sim_now,
	.now_coarse = sim_now,
	.wait = sim_wait,
	.wake = sim_wake,
	.perform = weft__sim_perform,
	.forget = sim_forget,
	.watch = sim_watch,
	.unwatch = sim_unwatch,
	.net = &weft__sim_net,
	.wall = sim_wall,
	.random = sim_random_of,
	.choose = sim_choose,
};
