/*
 * weft/serve.h - listeners, and a server that runs one handler per connection.
 *
 *	struct weft_listener *listener = weft_listener_new("127.0.0.1:7000", NULL);
 *	weft_serve(listener, echo, NULL, NULL);
 */
#ifndef WEFT_SERVE_H
#define WEFT_SERVE_H

#include "weft/stream.h"

WEFT_BEGIN

/* ---- Listeners -------------------------------------------------------------- */

struct weft_listener; /* opaque: src/io/listener.c */

struct weft_listener_options {
	int backlog;        /* 0: SOMAXCONN */
	bool reuse_port;    /* SO_REUSEPORT: several listeners on one address */
	bool ipv6_only;     /* IPV6_V6ONLY; else an IPv6 listener takes IPv4 too */
	unsigned unix_mode; /* permissions of a Unix socket's path; 0: 0600 */
};

/**
 * Listen on a numeric address, as weft_address_parse() reads it; port 0 lets the
 * kernel choose. SO_REUSEADDR is set; a Unix path left behind is replaced as
 * weft_unix_new() does. options may be NULL. End it with weft_listener_free().
 * Errors: of parse, socket(2), bind(2), listen(2).
 */
WEFT_API struct weft_listener *weft_listener_new(
	const char *address, const struct weft_listener_options *options);

/**
 * A listener on a descriptor that listens already (inherited); owns it on success, and
 * makes it non-blocking. A Unix path stays when it ends: whoever made it removes it.
 * Errors: EINVAL (it doesn't listen), ENOTSOCK, EBADF, EMFILE, ENOMEM.
 */
WEFT_API struct weft_listener *weft_listener_from_fd(int fd);

/** Close it; a Unix path that it made is removed. NULL is fine. */
WEFT_API void weft_listener_free(struct weft_listener *listener);

/** The bound address, with the port that the kernel chose. */
WEFT_API const struct weft_address *weft_listener_address(const struct weft_listener *listener);
WEFT_API int weft_listener_fd(const struct weft_listener *listener);

/**
 * Wait for a connection. When descriptors run out it waits until one is free; the
 * peer waits in the backlog. TCP_NODELAY is set. Errors: EBADF (listener closed),
 * ETIMEDOUT, ECANCELED.
 */
WEFT_API struct weft_stream *weft_listener_accept(struct weft_listener *listener);

/* ---- Serving ------------------------------------------------------------------ */

/**
 * Talks to one peer, top to bottom. The stream is the server's: it is flushed (within
 * 10 s: the peer may have stopped reading) and freed after the handler has returned.
 * The result is ignored.
 */
typedef int weft_handler_fn(struct weft_stream *peer, void *arg);

struct weft_serve_options {
	const char *name;         /* of the handlers' fibers; NULL: the peer's address */
	size_t stack_size_bytes;  /* of each handler's fiber; 0: the run's default */
	unsigned connections_max; /* at once, others wait in the backlog; 0: no bound */
	int64_t grace_ns;         /* from a stop to the handlers' cancelling; 0: 5 s; < 0: none */
	bool one_worker;          /* accept and run on the caller's worker only */
};

/**
 * Serve until weft_serve_stop() or until the calling fiber is cancelled: a fiber per
 * connection, over all workers. On the way out: no new connections, running
 * handlers get grace_ns to finish, then are cancelled and awaited (shielded from the
 * caller's own cancellation). The listener stays the caller's; who was in its backlog
 * and not accepted stays there, or (with more than four workers) is reset.
 * options may be NULL. A listener of NULL is a weft_listener_new() that failed: -1 with its
 * errno. In a fiber only (else ENOTSUP). Returns 0 after a stop, -1 with ECANCELED,
 * ETIMEDOUT, EINVAL (bad option), ENOMEM, EMFILE, or what made accepting impossible.
 */
WEFT_API int weft_serve(struct weft_listener *listener, weft_handler_fn *handler, void *arg,
	const struct weft_serve_options *options);

/**
 * Stop the weft_serve() on this listener; from any thread or signal handler, also twice,
 * also before it began. It holds for good: a weft_serve() begun later returns 0 at once.
 * The listener must live until this call has returned.
 */
WEFT_API void weft_serve_stop(struct weft_listener *listener);

WEFT_END

#endif
