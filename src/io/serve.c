/*
 * serve.c - serving: which model, and what happens to a connection under all of them.
 *
 * Entry points: weft_serve(), weft_serve_counts(), weft_serve_model_at(). The models are
 * in files of their own (serve.h).
 */
#include "io/serve.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fiber/driver/driver.h"
#include "fiber/doze.h"
#include "fiber/driver/fds.h"
#include "fiber/worker.h"
#include "io/listener.h"
#include "io/stream.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/socket.h"

#define GRACE_DEFAULT_NS WEFT_SECONDS(5)

/* What a handler left in the buffer must be gone by then: its peer may have stopped reading. */
#define FLUSH_TIMEOUT_NS WEFT_SECONDS(10)

static const struct {
	const char *name;
	int (*serve)(struct weft__serving *serving);
} models[] = {
	{"fiber", weft__serve_fibers},
	{"loop", weft__serve_loop},
	{"thread", weft__serve_threads},
	{"pool", weft__serve_pool},
	{"fork", weft__serve_processes},
	{"prefork", weft__serve_prefork},
};

#define MODEL_COUNT (sizeof(models) / sizeof(*models))

const char *weft_serve_model_at(size_t index)
{
	return index < MODEL_COUNT ? models[index].name : NULL;
}

/* ---- Counts ------------------------------------------------------------------------------ */

/* Made once for a listener; processes share it. */
static struct weft__serve_counts *counts_of(struct weft_listener *listener)
{
	struct weft__serve_counts *made, *known = NULL;

	if (atomic_load(&listener->counts))
		return atomic_load(&listener->counts);
	made = mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (made == MAP_FAILED)
		return NULL;
	if (atomic_compare_exchange_strong(&listener->counts, &known, made))
		return made;
	munmap(made, sizeof(*made));
	return known;
}

void weft_serve_counts(struct weft_listener *listener, struct weft_serve_counts *ret_counts)
{
	struct weft__serve_counts *counts = atomic_load(&listener->counts);

	memset(ret_counts, 0, sizeof(*ret_counts));
	if (!counts)
		return;
	ret_counts->ended = atomic_load(&counts->ended); /* first: never more than accepted */
	ret_counts->accepted = atomic_load(&counts->accepted);
	ret_counts->failed = atomic_load(&counts->failed);
	ret_counts->crashed = atomic_load(&counts->crashed);
	ret_counts->refused = atomic_load(&counts->refused);
	ret_counts->replaced = atomic_load(&counts->replaced);
}

/* ---- A connection -------------------------------------------------------------------------- */

void weft__serve_finish(struct weft_stream *peer)
{
	WEFT_WITH_TIMEOUT (FLUSH_TIMEOUT_NS)
		weft__stream_finish(peer);
}

void weft__serve_close(struct weft__serving *serving, struct weft_stream *peer, int result)
{
	weft_stream_free(peer);
	if (result < 0)
		weft__serve_count(&serving->counts->failed);
	weft__serve_count(&serving->counts->ended);
}

int weft__serve_connection(struct weft__serving *serving, struct weft_stream *peer)
{
	int result = serving->handler(peer, serving->arg);

	weft__serve_finish(peer);
	weft__serve_close(serving, peer, result);
	return result;
}

int weft__serve_accept(struct weft__serving *serving, struct weft_address *ret_peer)
{
	struct weft_listener *listener = serving->listener;
	bool is_tcp = weft_address_family(&listener->address) != AF_UNIX;
	struct weft__op op = {.kind = WEFT__OP_ACCEPT,
		.fd = listener->fd,
		.address = &ret_peer->any,
		.address_len_place = &ret_peer->len};
	int64_t fd;

	ret_peer->len = sizeof(ret_peer->un);
	fd = weft__attempt(&op);
	if (fd < 0) {
		errno = (int)-fd;
		return -1;
	}
	weft__fd_made((int)fd, is_tcp ? WEFT__FD_TCP : 0);
	return (int)fd;
}

bool weft__serve_is_short(int code)
{
	return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

/* ---- Serving --------------------------------------------------------------------------------- */

static size_t model_find(const char *name)
{
	size_t i = 0;

	while (name && i < MODEL_COUNT && strcmp(models[i].name, name) != 0)
		i++;
	return i;
}

/* "fiber" outside weft_run(): what bounds the caller, a thread, bounds the run's first fiber. */
struct caller {
	struct weft__serving *serving;
	const struct weft__context *context;
	int64_t time_left_ns;
	int relay_fd;
	weft_fiber_id server;
};

static int hear_cancel(void *arg)
{
	struct caller *caller = arg;
	uint64_t count;

	while (weft_wait_fd(caller->relay_fd, POLLIN) >= 0) {
		if (__atomic_load_n(&caller->context->is_cancelled, __ATOMIC_ACQUIRE))
			return weft_cancel(caller->server);
		if (read(caller->relay_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
			break;
	}
	return -1;
}

static int serve_in_run(void *arg)
{
	struct caller *caller = arg;
	const struct weft_spawn_options options = {.name = "caller"};
	weft_fiber_id hearer;
	int code = 0;

	caller->server = weft_self();
	hearer = weft_spawn_with(&options, hear_cancel, caller);
	if (!hearer)
		return errno;
	WEFT_WITH_TIMEOUT (caller->time_left_ns)
		code = weft__serve_fibers(caller->serving);
	WEFT_SHIELDED {
		weft_cancel(hearer);
		weft_join(hearer, NULL, WEFT_FOREVER);
	}
	return code;
}

static bool is_shielded(const struct weft__context *context)
{
	for (const struct weft_timeout *scope = context->scope; scope; scope = scope->outer)
		if (scope->is_shield)
			return true;
	return false;
}

/* 0, or an errno value. */
static int serve_outside(struct weft__serving *serving)
{
	const struct weft_run_options options = {
		.driver = serving->options->driver, .workers = serving->options->workers};
	struct caller caller = {.serving = serving,
		.context = weft__context_self(),
		.time_left_ns = weft_time_left(),
		.relay_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	int code;

	if (caller.relay_fd < 0)
		return errno;
	if (!is_shielded(caller.context))
		weft__doze_relay(caller.relay_fd);
	code = weft_run(&options, serve_in_run, &caller);
	if (code < 0)
		code = errno;
	weft__doze_relay(-1);
	close(caller.relay_fd);
	return code;
}

bool weft__serve_is_simulated(void)
{
	struct weft__driver *driver;

	return weft__net(&driver) != &weft__net_kernel;
}

/* 0, or an errno value. */
static int serve(struct weft__serving *serving, size_t model)
{
	if (models[model].serve == weft__serve_fibers && weft_self() == 0)
		return serve_outside(serving);
	if (models[model].serve != weft__serve_fibers && weft__serve_is_simulated())
		return ENOTSUP;
	return models[model].serve(serving);
}

int weft__serve(struct weft_listener *listener, weft_handler_fn *handler, void *arg,
	const struct weft_serve_options *options, const struct weft__serve_hooks *hooks)
{
	static const struct weft_serve_options defaults;
	struct weft__serving serving = {.listener = listener,
		.handler = handler,
		.arg = arg,
		.options = options ? options : &defaults,
		.hooks = hooks};
	size_t model = model_find(serving.options->model);
	int code;

	if (!listener)
		return -1; /* errno is what weft_listener_new() left */
	/* A stack that no handler could get would turn every peer away, one by one. */
	if (model == MODEL_COUNT || listener->is_refused ||
		serving.options->connections_max > INT_MAX || serving.options->size > INT_MAX ||
		serving.options->stack_size_bytes > WEFT_STACK_SIZE_MAX) {
		errno = EINVAL;
		return -1;
	}
	serving.grace_ns = serving.options->grace_ns;
	if (serving.grace_ns == 0)
		serving.grace_ns = GRACE_DEFAULT_NS;
	serving.counts = counts_of(listener);
	code = serving.counts ? serve(&serving, model) : errno;
	if (code == 0)
		return 0;
	errno = code;
	return -1;
}

int weft_serve(struct weft_listener *listener, weft_handler_fn *handler, void *arg,
	const struct weft_serve_options *options)
{
	struct weft__serve_hooks hooks = {.keeps_parked = true};

	if (listener && !handler) {
		errno = EINVAL;
		return -1;
	}
	if (options) {
		hooks.park_timeout_ns = options->park_timeout_ns;
		hooks.on_parked_end = options->on_parked_end;
	}
	return weft__serve(listener, handler, arg, options, &hooks);
}

bool weft_serve_may_park(const struct weft_stream *peer)
{
	return peer->can_park;
}

void weft_serve_keep(struct weft_stream *peer, void *kept)
{
	peer->session = kept;
}

void *weft_serve_kept(const struct weft_stream *peer)
{
	return peer->session;
}
