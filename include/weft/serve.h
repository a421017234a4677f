/*
 * weft/serve.h - listeners, and a server that runs one handler per connection.
 *
 *	struct weft_listener *listener = weft_listener_new("127.0.0.1:7000", NULL);
 *	weft_serve(listener, echo, NULL, NULL);
 */
#ifndef WEFT_SERVE_H
#define WEFT_SERVE_H

#include <limits.h>

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

/**
 * What it is called where its connections are listed (weft_fibers()): "ftp", say. Borrowed for its
 * life. NULL: by the name of the handlers' fibers, if they have one. Before it is served.
 */
WEFT_API void weft_listener_set_name(struct weft_listener *listener, const char *name);

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
 * A handler that was cancelled, at a stop, is not: what it says then it must write and flush
 * itself, in a section of WEFT_SHIELDED with a timeout of its own (weft/scope.h):
 *
 *	if (weft_stream_readline(peer, &line) < 0)
 *		WEFT_SHIELDED
 *			WEFT_WITH_TIMEOUT (WEFT_SECONDS(1))
 *				if (weft_stream_printf(peer, "bye\r\n") >= 0)
 *					weft_stream_flush(peer);
 *
 * The result is ignored.
 */
typedef int weft_handler_fn(struct weft_stream *peer, void *arg);

/*
 * The models: what a handler runs on. It is the same handler under each of them, and every
 * weft_ call in it means the same; but only fibers may spawn fibers.
 *
 *	"fiber"    a fiber per connection, over all workers; by each driver of weft_run()
 *	"loop"     one thread, one connection after the other
 *	"thread"   a thread per connection
 *	"pool"     so many threads (size), each with one connection at a time
 *	"fork"     a process per connection
 *	"prefork"  so many processes (size), each with one connection at a time
 *
 * Processes share with the server what it had in memory when they began, as copies: what a
 * handler changes there is its process's own. They have copies of all its descriptors, too: a
 * connection of another part of the program, which closes it, ends for its peer when the last
 * such process has ended (unless it was shut down). They ignore SIGINT and SIGHUP; SIGTERM asks
 * them to end after the connection that they have. One that is killed, or exits, is
 * reported to the log, and takes nobody with it but its own connection; "prefork" starts
 * another in its place. What stdio has in its buffers is written when a handler returns.
 * Processes whose server is killed end with what they have, or as at a stop: after the grace
 * time (at once, if it was killed during a stop) they are cancelled, and 5 s later killed.
 */

/** The models' names, in this order; NULL past the end. */
WEFT_API const char *weft_serve_model_at(size_t index);

struct weft_serve_options {
	const char *name;         /* of the handlers' fibers; NULL: the peer's address */
	size_t stack_size_bytes;  /* of each handler's fiber or thread; 0: the default */
	unsigned connections_max; /* at once; 0: fiber: no bound, thread: 4096, fork: 512 */
	int64_t grace_ns;         /* from a stop to the handlers' cancelling; 0: 5 s; < 0: none */
	bool one_worker;          /* fiber: accept and run on the caller's worker only */
	const char *model;        /* NULL: "fiber" */
	unsigned size;            /* pool, prefork: how many; 0: 4 for each CPU, at least 8 */
	const char *driver;       /* fiber, outside weft_run(): as in weft_run_options */
	unsigned workers;         /* the same */
	/**
	 * thread, fork: who comes when there are connections_max is accepted all the same, and
	 * gets this handler, which has 100 ms to say so; NULL: waits in the backlog.
	 */
	weft_handler_fn *busy;
	/**
	 * fiber: for handlers that park (below). How long a parked peer may be silent; 0: nobody
	 * parks. Who is parked counts as a connection, and is not closed to make room.
	 */
	int64_t park_timeout_ns;
	/**
	 * A parked connection is about to be closed, and its handler is not called again: it was
	 * silent for that long, or the server stops. On any worker, in a fiber; or NULL.
	 */
	void (*on_parked_end)(struct weft_stream *peer, void *arg);
};

/* ---- Parking ------------------------------------------------------------------ */

/**
 * What a handler returns whose peer may be silent for long, if weft_serve_may_park() said so: its
 * fiber ends, so that a silent peer costs its stream only, and the handler is called again, on a
 * new fiber of the same worker, when there is something to read. Nothing may be left unread or
 * unsent in the stream's buffers; meanwhile another fiber of that worker may write to it.
 */
#define WEFT_SERVE_PARK INT_MAX

/** Of a stream that a handler was given. */
WEFT_API bool weft_serve_may_park(const struct weft_stream *peer);

/** What goes with the connection from one call of its handler to the next: NULL at first. */
WEFT_API void weft_serve_keep(struct weft_stream *peer, void *kept);
WEFT_API void *weft_serve_kept(const struct weft_stream *peer);

/* ---- Serving, and stopping ---------------------------------------------------- */

/**
 * Serve until weft_serve_stop() or until the caller is cancelled or late. On the way out: no
 * new connections, running handlers get grace_ns to finish, then are cancelled and awaited
 * (shielded from the caller's own cancellation); a process that still doesn't end is killed
 * 5 s later. The listener stays the caller's; who was in its backlog and not accepted stays
 * there, or (with more than four workers) is reset.
 * options may be NULL. A listener of NULL is a weft_listener_new() that failed: -1 with its
 * errno. On a fiber or a thread; "fiber" outside weft_run() runs one. Returns 0 after a stop,
 * -1 with ECANCELED, ETIMEDOUT, EINVAL (bad option, no handler), EBUSY ("fiber" outside
 * weft_run(), while a weft_run() is under way on another thread), ENOTSUP (threads and processes
 * under the simulator), ENOSYS (processes under a kernel, or a valgrind, without pidfd_open(2)),
 * ENOMEM, EMFILE, EAGAIN (no thread or process to be had at the start), or what made accepting
 * impossible.
 * Two addresses are served by one weft_run() with two fibers, each in a weft_serve().
 */
WEFT_API int weft_serve(struct weft_listener *listener, weft_handler_fn *handler, void *arg,
	const struct weft_serve_options *options);

/**
 * Stop the weft_serve() on this listener; from any thread or signal handler, also twice,
 * also before it began. It holds for good: a weft_serve() begun later returns 0 at once.
 * The listener must live until this call has returned.
 */
WEFT_API void weft_serve_stop(struct weft_listener *listener);

/** What became of the connections of a listener, whatever the model. */
struct weft_serve_counts {
	uint64_t accepted; /* and given to a handler */
	uint64_t ended;    /* of these: the handler has returned, or is gone */
	uint64_t failed;   /* of these: it returned below 0 */
	uint64_t crashed;  /* of these: its process was killed, or exited */
	uint64_t refused;  /* the busy handler's, or turned away for want of memory or threads */
	uint64_t replaced; /* processes of "prefork" started in the place of others */
};

/** Counted since the listener was made. From any thread. All 0 before the first weft_serve(). */
WEFT_API void weft_serve_counts(
	struct weft_listener *listener, struct weft_serve_counts *ret_counts);

WEFT_END

#endif
