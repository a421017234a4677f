/*
 * sim.c - driver "sim": a clock that jumps, events in order, fibers in an order out of the
 * seed, and the operations of fibers on simulated descriptors.
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

/* ---- The trace ----------------------------------------------------------------------------- */

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

/* ---- Events ---------------------------------------------------------------------------------- */

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

/* ---- Real descriptors --------------------------------------------------------------------------
 */

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

/* ---- The driver
 * ---------------------------------------------------------------------------------- */

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

/* ---- Operations
 * -------------------------------------------------------------------------------------- */

static int64_t recv_parts(
	struct sim_socket *socket, struct weft__op *op, struct iovec *parts, int count)
{
	struct msghdr message = {.msg_name = op->address,
		.msg_iov = parts,
		.msg_iovlen = (size_t)count,
		.msg_namelen = op->address_len_place ? *op->address_len_place : 0};
	int flags = weft__op_is_among(op, WEFT__OPS_WITH_FLAGS) ? op->flags : 0;
	int64_t result;

	if (socket->type != SOCK_DGRAM)
		return weft__sim_stream_recv(socket, parts, count, flags);
	result = weft__sim_dgram_recv(socket, &message, flags);
	if (result >= 0 && op->address_len_place)
		*op->address_len_place = message.msg_namelen;
	return result;
}

static int64_t send_parts(
	struct sim_socket *socket, struct weft__op *op, struct iovec *parts, int count)
{
	struct msghdr message = {.msg_name = op->address,
		.msg_iov = parts,
		.msg_iovlen = (size_t)count,
		.msg_namelen = op->address_len};

	if (socket->type != SOCK_DGRAM)
		return weft__sim_stream_send(socket, parts, count);
	return weft__sim_dgram_send(socket, &message);
}

static int64_t send_file(struct sim_socket *socket, struct weft__op *op)
{
	char bytes[8192];
	size_t len = op->len < sizeof(bytes) ? op->len : sizeof(bytes);
	ssize_t count = op->offset ? pread(op->other_fd, bytes, len, *op->offset)
				   : read(op->other_fd, bytes, len);
	int64_t sent;

	if (count <= 0)
		return count < 0 ? -errno : 0;
	sent = weft__sim_stream_send(socket, &(struct iovec){bytes, (size_t)count}, 1);
	if (sent > 0 && op->offset)
		*op->offset += sent;
	else if (!op->offset && sent < count)
		lseek(op->other_fd, (sent > 0 ? sent : 0) - count, SEEK_CUR);
	return sent;
}

static int64_t poll_socket(struct sim_socket *socket, int events)
{
	int there = socket->type == SOCK_DGRAM ? weft__sim_dgram_poll(socket)
					       : weft__sim_stream_poll(socket);

	there &= events | POLLERR | POLLHUP;
	return there ? there : -EAGAIN;
}

static int64_t recv_message(struct sim_socket *socket, struct weft__op *op)
{
	struct msghdr *message = op->data;

	message->msg_flags = 0;
	message->msg_controllen = 0;
	if (socket->type == SOCK_DGRAM)
		return weft__sim_dgram_recv(socket, message, op->flags);
	return weft__sim_stream_recv(socket, message->msg_iov, (int)message->msg_iovlen, op->flags);
}

static int64_t send_message(struct sim_socket *socket, struct weft__op *op)
{
	struct msghdr *message = op->data;

	if (socket->type == SOCK_DGRAM)
		return weft__sim_dgram_send(socket, message);
	return weft__sim_stream_send(socket, message->msg_iov, (int)message->msg_iovlen);
}

/* Once, as weft__attempt(). */
static int64_t try_once(struct sim_socket *socket, struct weft__op *op)
{
	struct iovec part = {op->data, op->len};

	switch (op->kind) {
	case WEFT__OP_ACCEPT:
		return weft__sim_stream_accept(socket, op);
	case WEFT__OP_READ:
	case WEFT__OP_RECV:
	case WEFT__OP_RECVFROM:
		return recv_parts(socket, op, &part, 1);
	case WEFT__OP_READV:
		return recv_parts(socket, op, op->data, (int)op->len);
	case WEFT__OP_RECVMSG:
		return recv_message(socket, op);
	case WEFT__OP_WRITE:
	case WEFT__OP_SEND:
	case WEFT__OP_SENDTO:
		return send_parts(socket, op, &part, 1);
	case WEFT__OP_WRITEV:
		return send_parts(socket, op, op->data, (int)op->len);
	case WEFT__OP_SENDMSG:
		return send_message(socket, op);
	case WEFT__OP_SENDFILE:
		return send_file(socket, op);
	case WEFT__OP_POLL:
	case WEFT__OP_POLL_NOW:
		return poll_socket(socket, op->flags);
	default:
		return -EINVAL;
	}
}

static int64_t try_with_buffer(struct sim_socket *socket, struct weft__op *op)
{
	int64_t result;

	if (!op->buffers)
		return try_once(socket, op);
	op->data = op->buffers->take();
	if (!op->data)
		return -ENOMEM;
	result = try_once(socket, op);
	if (result <= 0) {
		op->buffers->give(op->data);
		op->data = NULL;
	}
	return result;
}

/* Wait until something has happened to the descriptor. 0, or -errno. */
static int64_t wait_for(struct sim *sim, struct weft_list *list, int fd, int events)
{
	struct weft__worker *worker = sim->driver.worker;
	const struct weft__wait wait = {.kind = WEFT__WAIT_FD, .number = fd, .events = events};
	struct weft__watch self = {.fiber = worker->current, .fd = fd, .events = events};

	weft_list_push_back(list, &self.node);
	weft__park(worker, &wait);
	if (self.is_closed)
		return -EBADF;
	weft_list_remove(&self.node);
	return -worker->current->context.interrupt;
}

static int64_t connect_to(struct sim *sim, struct sim_socket *socket, struct weft__op *op)
{
	struct sim_address to;
	int64_t result = -weft__sim_address_read(op->address, op->address_len, &to);

	while (!result) {
		if (socket->type == SOCK_DGRAM) {
			socket->remote = to;
			socket->state = to.domain == AF_UNSPEC ? SIM_IDLE : SIM_CONNECTED;
			return -weft__sim_bind_any(socket);
		}
		result = weft__sim_stream_connect(socket, &to);
		if (result != -EAGAIN)
			break;
		result = weft_sleep(WEFT_MILLISECONDS(1)) < 0 ? -errno : 0;
	}
	if (result != -EINPROGRESS && result != -EALREADY)
		return result;
	do
		result = wait_for(sim, &socket->watchers, op->fd, POLLOUT);
	while (!result && socket->state == SIM_CONNECTING);
	if (!result) {
		result = -socket->code;
		socket->code = 0;
	}
	return result;
}

/* A real descriptor: only tried when it is ready, so that it never blocks. */
static int64_t perform_foreign(struct sim *sim, struct weft__op *op)
{
	int direction = weft__op_direction(op);
	struct weft__op look = {.kind = WEFT__OP_POLL_NOW, .fd = op->fd, .flags = direction};
	int64_t result = 0;

	while (!result) {
		if (weft__attempt(&look) != -EAGAIN || weft__op_is_impatient(op)) {
			result = weft__attempt(op);
			if (result != -EAGAIN || weft__op_is_impatient(op))
				return result;
		}
		result = wait_for(sim, &sim->foreign, op->fd, direction);
	}
	return result;
}

static int64_t sim_perform(struct weft__driver *driver, struct weft__op *op)
{
	struct sim *sim = (struct sim *)driver;
	struct sim_socket *socket;
	int64_t result;

	if (op->fd < SIM_FD_FIRST)
		return perform_foreign(sim, op);
	socket = weft__sim_socket_of(op->fd);
	if (!socket)
		return -EBADF;
	if (op->kind == WEFT__OP_CONNECT) {
		result = connect_to(sim, socket, op);
		weft__sim_trace("connect %u: %lld", socket->number, (long long)result);
		return result;
	}
	while ((result = try_with_buffer(socket, op)) == -EAGAIN && !weft__op_is_impatient(op)) {
		result = wait_for(sim, &socket->watchers, op->fd, weft__op_direction(op));
		if (result)
			return result;
	}
	weft__sim_trace("op %d on %u: %lld", op->kind, socket->number,
		(long long)(op->kind == WEFT__OP_ACCEPT && result > 0 ? 0 : result));
	return result;
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

/* ---- Life
 * ---------------------------------------------------------------------------------------------- */

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
	weft__sim_net_begin();
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
	.perform = sim_perform,
	.forget = sim_forget,
	.watch = sim_watch,
	.unwatch = sim_unwatch,
	.net = &weft__sim_net,
	.wall = sim_wall,
	.random = sim_random_of,
	.choose = sim_choose,
};
