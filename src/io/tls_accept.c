/*
 * tls_accept.c - listeners whose connections begin with a handshake.
 *
 * Entry point: weft_listener_use_tls().
 *
 * Who accepts must not wait for a peer's handshake, and who handles need not know of it: so it
 * is made by the first call that needs the peer. Until then a connection costs no SSL. A
 * reader and a writer may come at the same time: one of them makes it, the other waits.
 *
 * Never: wait in the fiber that accepts; make a handshake for a stream that is only freed;
 * leave a listener that serves in the clear because there was no TLS to be had.
 */
#include <errno.h>

#include "io/listener.h"
#include "io/tls.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

/* With `starting` held: the handshake, from its beginning or from where it was interrupted. */
static int make_handshake(struct weft_stream *stream)
{
	struct weft__tls *tls = stream->tls;
	int code = atomic_load(&tls->code);

	if (code)
		return fail(code);
	if (atomic_load(&tls->is_ready))
		return 0;
	if (!tls->is_prepared && weft__tls_prepare(tls, stream, NULL) < 0)
		return -1;
	tls->is_prepared = true;
	if (weft__tls_handshake(tls) == 0)
		return 0;
	/* Libssl can be called again after a wait that ended early, and after nothing else. */
	if (errno != ETIMEDOUT && errno != ECANCELED)
		atomic_store(&tls->code, EPROTO);
	return -1;
}

static int accepted_start(struct weft_stream *stream)
{
	struct weft__tls *tls = stream->tls;
	int result, code;

	if (atomic_load(&tls->is_ready))
		return 0;
	if (weft_lock_acquire(&tls->starting) < 0)
		return -1;
	result = make_handshake(stream);
	code = errno;
	weft_lock_release(&tls->starting);
	errno = code;
	return result;
}

/* The layer behind the handshake; NULL when there is none. */
static const struct weft__stream_layer *started(struct weft_stream *stream)
{
	if (accepted_start(stream) < 0)
		return NULL;
	return stream->tls->facts.is_kernel_sending ? &weft__tls_kernel_layer : &weft__tls_layer;
}

static ssize_t accepted_receive(struct weft_stream *stream, void *buffer, size_t size_bytes)
{
	const struct weft__stream_layer *layer = started(stream);

	return layer ? layer->receive(stream, buffer, size_bytes) : -1;
}

static ssize_t accepted_fill(struct weft_stream *stream)
{
	const struct weft__stream_layer *layer = started(stream);

	return layer ? layer->fill(stream) : -1;
}

static ssize_t accepted_send(struct weft_stream *stream, const struct iovec *parts, int count)
{
	const struct weft__stream_layer *layer = started(stream);

	return layer ? layer->send(stream, parts, count) : -1;
}

static ssize_t accepted_sendfile(struct weft_stream *stream, int file_fd, off_t *offset, size_t len)
{
	const struct weft__stream_layer *layer = started(stream);

	return layer ? layer->sendfile(stream, file_fd, offset, len) : -1;
}

/* Nothing was taken before there was a handshake: so there is nothing to wait for. */
static int accepted_drain(struct weft_stream *stream)
{
	int code = atomic_load(&stream->tls->code);

	if (code)
		return fail(code);
	return atomic_load(&stream->tls->is_ready) ? weft__tls_layer.drain(stream) : 0;
}

static int accepted_shutdown_write(struct weft_stream *stream)
{
	const struct weft__stream_layer *layer = started(stream);

	return layer ? layer->shutdown_write(stream) : -1;
}

/* Who had nothing to say needs no handshake to say so. */
static int accepted_finish(struct weft_stream *stream)
{
	return atomic_load(&stream->tls->is_ready) ? weft__tls_layer.finish(stream) : 0;
}

static void accepted_free(struct weft_stream *stream)
{
	weft__tls_layer.free(stream);
}

static const struct weft__stream_layer accepted_layer = {
	.receive = accepted_receive,
	.fill = accepted_fill,
	.send = accepted_send,
	.sendfile = accepted_sendfile,
	.drain = accepted_drain,
	.shutdown_write = accepted_shutdown_write,
	.finish = accepted_finish,
	.start = accepted_start,
	.free = accepted_free,
	.facts = weft_stream_tls,
	.fault = weft_stream_tls_fault,
};

static int begin(struct weft_stream *stream, struct weft_tls *shared)
{
	struct weft__tls *tls = weft__tls_new(stream->fd, shared);

	if (!tls)
		return -1;
	weft__tls_take_over(stream, tls, &accepted_layer);
	return 0;
}

int weft_listener_use_tls(struct weft_listener *listener, struct weft_tls *tls)
{
	if (!listener)
		return -1; /* errno is what weft_listener_new() left */
	listener->is_refused = !tls || !tls->is_server;
	if (listener->is_refused)
		return fail(EINVAL);
	listener->tls = tls;
	listener->begin = begin;
	return 0;
}
