/*
 * serve.c - serving: which model, and what happens to a connection under all of them.
 *
 * Entry points: weft_serve(), weft_serve_counts(), weft_serve_model_at(). The models are
 * in files of their own (serve.h).
 */
#include "io/serve.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "fiber/driver/driver.h"
#include "fiber/driver/fds.h"
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

int weft__serve_connection(struct weft__serving *serving, struct weft_stream *peer)
{
	int result = serving->handler(peer, serving->arg);

	WEFT_WITH_TIMEOUT (FLUSH_TIMEOUT_NS)
		weft__stream_finish(peer);
	weft_stream_free(peer);
	if (result < 0)
		weft__serve_count(&serving->counts->failed);
	weft__serve_count(&serving->counts->ended);
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

static int serve_in_run(void *arg)
{
	return weft__serve_fibers(arg);
}

static bool is_simulated(void)
{
	struct weft__driver *driver;

	return weft__net(&driver) != &weft__net_kernel;
}

/* 0, or an errno value. */
static int serve(struct weft__serving *serving, size_t model)
{
	struct weft_run_options options = {
		.driver = serving->options->driver, .workers = serving->options->workers};
	int code;

	if (models[model].serve == weft__serve_fibers && weft_self() == 0) {
		code = weft_run(&options, serve_in_run, serving);
		return code < 0 ? errno : code;
	}
	if (models[model].serve != weft__serve_fibers && is_simulated())
		return ENOTSUP;
	return models[model].serve(serving);
}

int weft__serve(struct weft_listener *listener, weft_handler_fn *handler, void *arg,
	const struct weft_serve_options *options, void (*on_process_stop)(void *arg))
{
	static const struct weft_serve_options defaults;
	struct weft__serving serving = {.listener = listener,
		.handler = handler,
		.arg = arg,
		.options = options ? options : &defaults,
		.on_process_stop = on_process_stop};
	size_t model = model_find(serving.options->model);
	int code;

	if (!listener)
		return -1; /* errno is what weft_listener_new() left */
	/* A stack that no handler could get would turn every peer away, one by one. */
	if (model == MODEL_COUNT || serving.options->connections_max > INT_MAX ||
		serving.options->size > INT_MAX ||
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
	return weft__serve(listener, handler, arg, options, NULL);
}
