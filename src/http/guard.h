/*
 * guard.h - what stands before a server's service: whose connections and requests are let in,
 * and what is counted of them. All of it is off, and costs a branch, unless the options want it.
 */
#ifndef WEFT_SRC_HTTP_GUARD_H
#define WEFT_SRC_HTTP_GUARD_H

#include <stdatomic.h>

#include "http/response.h"
#include "weft/rate.h"

struct weft__crowd;        /* guard.c's */
struct weft__http_proxies; /* proxies.h */

struct weft__http_guard {
	const struct weft_http_server_options *options;
	struct weft_rate *own_rate;         /* NULL: there has been no bound yet */
	_Atomic(struct weft_rate *) rate;   /* the same, or NULL: no bound */
	struct weft__crowd *crowd;          /* the same */
	struct weft__http_proxies *proxies; /* NULL: nobody is trusted */
	bool authorises;                    /* the service has an authorise() */
	atomic_bool asks_each;              /* there is more to ask than the host */
	bool counts;                        /* there are metrics */
	bool is_on;                         /* any of it */
};

/** options, whose defaults are filled in, must live as long. Errors: EINVAL, ENOMEM, of
 * getrandom(2). */
int weft__http_guard_init(
	struct weft__http_guard *guard, const struct weft_http_server_options *options);
void weft__http_guard_fini(struct weft__http_guard *guard);

/**
 * Other bounds from now on, of one caller at a time: 0, or -1 with ENOTSUP (there was nothing to
 * guard at first, or nobody was counted), EINVAL, ENOMEM, and all is as before.
 */
int weft__http_guard_set(struct weft__http_guard *guard, const struct weft_http_limits *limits);

/** A connection has come. False: it is turned away, and has been told. */
bool weft__http_guard_enter(struct weft__http_guard *guard, struct weft_stream *peer);

/** Tell whoever speaks HTTP where HTTPS is spoken: his handshake has failed. */
void weft__http_guard_tell_plain(const struct weft_stream *peer);

/** One that was let in ends. */
void weft__http_guard_leave(struct weft__http_guard *guard, const struct weft_stream *peer);

/**
 * Before a request is answered: may it be? 0, or as a handler returns; then, and when the
 * response has a status, nobody else is to answer.
 */
int weft__http_guard_check(struct weft__http_guard *guard, struct weft_http_request *request,
	struct weft_http_response *response);

/** Whether it has to be asked: not of a head that was let in before, where only heads count. */
static inline bool weft__http_guard_is_asked(
	const struct weft__http_guard *guard, const struct weft_http_request *request)
{
	return guard && (atomic_load_explicit(&guard->asks_each, memory_order_relaxed) ||
				!request->is_host_good);
}

/** A request was answered; where the guard counts. */
void weft__http_guard_note(struct weft__http_guard *guard, const struct weft_http_request *request,
	const struct weft_http_response *response);

#endif
