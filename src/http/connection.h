/*
 * connection.h - one connection that speaks HTTP/1.1, and what its server keeps of it.
 */
#ifndef WEFT_SRC_HTTP_CONNECTION_H
#define WEFT_SRC_HTTP_CONNECTION_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/guard.h"
#include "http/response.h"
#include "weft/fiber.h"
#include "weft/thread.h"
#include "weft/list.h"

/**
 * Whether the connection may be ended from outside: by a stop, or to make room for another. Who
 * changes the state first wins: that, or what was waited for.
 *
 *	BUSY <---> IDLE -------> STOPPED	IDLE: by either
 *	     <---> HEAD -------->		HEAD: by either
 *	     <---> TALKING ----->		TALKING: by a stop
 */
enum weft__http_connection_state {
	WEFT__HTTP_BUSY,
	WEFT__HTTP_IDLE,    /* waits for the first byte of a request */
	WEFT__HTTP_HEAD,    /* waits for the rest of its head */
	WEFT__HTTP_TALKING, /* waits for what is no request */
	WEFT__HTTP_STOPPED,
};

struct weft__http_connection {
	const struct weft_http_server_options *options;
	const atomic_bool *is_stopping; /* the server's */
	struct weft__http_guard *guard; /* the server's; NULL: nothing of it is on */
	_Atomic enum weft__http_connection_state state;
	weft_fiber_id fiber;
	struct weft_thread *thread; /* when it is on no fiber; NULL: a process */
	struct weft_list_node in_server;
	const struct weft_http_service *logger; /* who has an on_log(); NULL: nobody */
	void *logger_arg;
	bool may_have_more; /* more than the last request was received with it */
	bool may_park;      /* between two requests */
	bool is_leaving;    /* a stop has ended its wait: one more request, if it comes soon */
	bool has_pipelined; /* requests were received behind another, and their time is known */
	unsigned turn;      /* of those, how many there were */
	struct weft_http_request request;
	struct weft_http_response response;
};

/** Prepare it for a stream, which stays the caller's. End it with weft__http_connection_fini(). */
void weft__http_connection_init(struct weft__http_connection *connection,
	struct weft_stream *stream, const struct weft_http_server_options *options,
	const atomic_bool *is_stopping);
void weft__http_connection_fini(struct weft__http_connection *connection);

/**
 * Answer requests until the peer, an error, a timeout or a stop ends it. True: it is idle and may
 * stay so, and can be run again when there is something to read.
 */
bool weft__http_connection_run(struct weft__http_connection *connection);

/** How long a connection that is parked may stay so; 0: none are. */
/** One of the options' limits, which may change meanwhile: weft_http_server_set_limits(). */
static inline int64_t weft__http_limit(const int64_t *limit)
{
	return __atomic_load_n(limit, __ATOMIC_RELAXED);
}

int64_t weft__http_park_timeout_ns(const struct weft_http_server_options *options);

/** End it if nothing is being answered on it; any thread, while it is sure to live. */
void weft__http_connection_stop(struct weft__http_connection *connection);

/** End it if it waits for a request, or the rest of one. Whether it did. As _stop(). */
bool weft__http_connection_evict(struct weft__http_connection *connection);

/**
 * For a handler that talks on after its answer (ws_receive.c): from here on a stop ends the wait
 * of the calling fiber, by cancelling it, as that for a request. False: a stop has come.
 */
bool weft__http_connection_idle_begin(struct weft_http_response *response);

/** Something has come: from here on no stop does. False: one has, and the fiber is cancelled. */
bool weft__http_connection_idle_end(struct weft_http_response *response);

/** Whether a stop has come. */
bool weft__http_connection_is_stopping(struct weft_http_response *response);

#endif
