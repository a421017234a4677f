/*
 * guard.c - see guard.h. What a client is, and how its connections are counted, is crowd.c's.
 *
 * Entry points: weft__http_guard_enter() and _leave() of a connection, _check() of a request.
 *
 * Never: waits for a peer that is turned away.
 */
#include "http/guard.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/crowd.h"
#include "http/hosts.h"
#include "http/metrics.h"
#include "http/proxies.h"
#include "http/service.h"
#include "io/stream.h"
#include "weft/fiber.h"
#include "weft/ledger.h"
#include "weft/scope.h"
#include "weft/socket.h"
#include "weft/tls.h"

/** Seconds whose requests may come at once, where nobody says how many. */
#define BURST_S 10

/** For whoever is turned away to be told: it fits the socket's buffer. */
#define REFUSAL_TIMEOUT_NS WEFT_MILLISECONDS(100)

/* ---- Life --------------------------------------------------------------------------------------
 */

bool weft_http_server_options_check(
	const struct weft_http_server_options *options, char ret_fault[WEFT_HTTP_SERVER_FAULT_MAX])
{
	const char *host = options->hosts ? weft__http_hosts_find_bad(options->hosts) : NULL;
	const char *proxy = options->proxies ? weft__http_proxies_find_bad(options->proxies) : NULL;

	if (host)
		snprintf(ret_fault, WEFT_HTTP_SERVER_FAULT_MAX,
			"\"%s\" is no name of a host, such as files.example or *.example.", host);
	else if (proxy)
		snprintf(ret_fault, WEFT_HTTP_SERVER_FAULT_MAX,
			"\"%s\" is no address of a proxy, such as 192.0.2.7, 10.0.0.0/8 or unix.",
			proxy);
	return !host && !proxy;
}

static unsigned burst_of(unsigned rate, unsigned burst)
{
	if (burst == 0 && __builtin_mul_overflow(rate, BURST_S, &burst))
		burst = UINT_MAX;
	return burst;
}

static int set_rate(struct weft__http_guard *guard, const struct weft_http_limits *limits)
{
	const struct weft_rate_options rate = {
		.per_second = limits->rate, .burst = burst_of(limits->rate, limits->rate_burst)};

	if (limits->rate && guard->own_rate &&
		weft_rate_adjust(guard->own_rate, rate.per_second, rate.burst) < 0)
		return -1;
	if (limits->rate && !guard->own_rate && !(guard->own_rate = weft_rate_new(&rate)))
		return -1;
	atomic_store(&guard->rate, limits->rate ? guard->own_rate : NULL);
	atomic_store(&guard->asks_each, limits->rate || guard->proxies || guard->authorises);
	return 0;
}

int weft__http_guard_set(struct weft__http_guard *guard, const struct weft_http_limits *limits)
{
	if ((limits->rate && !guard->is_on) || (limits->connections_per_client && !guard->crowd)) {
		errno = ENOTSUP;
		return -1;
	}
	return set_rate(guard, limits);
}

int weft__http_guard_init(
	struct weft__http_guard *guard, const struct weft_http_server_options *options)
{
	char fault[WEFT_HTTP_SERVER_FAULT_MAX];
	struct weft_rate_options rate = {
		.per_second = options->rate, .burst = burst_of(options->rate, options->rate_burst)};

	*guard = (struct weft__http_guard){.options = options};
	if (!weft_http_server_options_check(options, fault)) {
		errno = EINVAL;
		return -1;
	}
	if (options->rate && !(guard->own_rate = weft_rate_new(&rate)))
		goto fail;
	atomic_init(&guard->rate, guard->own_rate);
	if (options->connections_per_client && !(guard->crowd = weft__crowd_new(true)))
		goto fail;
	if (options->proxies && !(guard->proxies = weft__http_proxies_new(options)))
		goto fail;
	guard->authorises = weft__http_service_authorises(options->service);
	atomic_init(&guard->asks_each, guard->own_rate || guard->proxies || guard->authorises);
	guard->counts = options->metrics;
	guard->is_on = guard->own_rate || guard->proxies || guard->authorises || guard->crowd ||
		       options->ledger || options->hosts || guard->counts;
	return 0;

fail:
	weft__http_guard_fini(guard);
	return -1;
}

void weft__http_guard_fini(struct weft__http_guard *guard)
{
	int saved = errno;

	weft_rate_free(guard->own_rate);
	weft__crowd_free(guard->crowd);
	free(guard->proxies);
	errno = saved;
}

/* ---- Connections -------------------------------------------------------------------------------
 */

static void tell_refused(struct weft_stream *peer)
{
	static const char answer[] = "HTTP/1.1 429 Too Many Requests\r\n"
				     "Content-Length: 0\r\n"
				     "Retry-After: 1\r\n"
				     "Connection: close\r\n"
				     "\r\n";

	if (peer->layer)
		return; /* a handshake is more than it gets */
	WEFT_WITH_TIMEOUT (REFUSAL_TIMEOUT_NS)
		if (weft_stream_write_all(peer, answer, sizeof(answer) - 1) == 0)
			weft_stream_flush(peer);
}

void weft__http_guard_tell_plain(const struct weft_stream *peer)
{
	static const char answer[] = "HTTP/1.1 400 Bad Request\r\n"
				     "Content-Type: text/plain; charset=utf-8\r\n"
				     "Content-Length: 58\r\n"
				     "Connection: close\r\n"
				     "\r\n"
				     "This port speaks HTTPS only: the address begins https://.\n";

	if (!peer->layer || peer->layer->fault(peer)->kind != WEFT_TLS_NOT_TLS)
		return;
	/* Past the stream, which encrypts what it sends, or nothing. */
	WEFT_WITH_TIMEOUT (REFUSAL_TIMEOUT_NS)
		(void)weft_send(weft_stream_fd(peer), answer, sizeof(answer) - 1, MSG_NOSIGNAL);
}

/* As weft__http_client_of_peer(), where connections are counted. A proxy has those of many. */
static size_t counted_client_of(const struct weft__http_guard *guard,
	const struct weft_stream *peer, const void **ret_bytes)
{
	if ((!guard->crowd && !guard->options->ledger) ||
		(guard->proxies && weft__http_proxies_have(guard->proxies, peer)))
		return 0;
	return weft__http_client_of_peer(peer, ret_bytes);
}

/* By this server's own count, and by the one that it shares. */
static bool count_in(struct weft__http_guard *guard, const void *bytes, size_t len)
{
	unsigned max = __atomic_load_n(&guard->options->connections_per_client, __ATOMIC_RELAXED);

	if (guard->crowd && !weft__crowd_enter(guard->crowd, bytes, len, max ? max : UINT_MAX))
		return false;
	if (weft_ledger_enter(guard->options->ledger, bytes, len))
		return true;
	if (guard->crowd)
		weft__crowd_leave(guard->crowd, bytes, len);
	return false;
}

bool weft__http_guard_enter(struct weft__http_guard *guard, struct weft_stream *peer)
{
	struct weft_http_metrics *metrics = guard->options->metrics;
	const void *bytes;
	size_t len = counted_client_of(guard, peer, &bytes);

	if (len > 0 && !count_in(guard, bytes, len)) {
		weft__http_metrics_event(metrics, WEFT__HTTP_REFUSED_CONNECTION);
		tell_refused(peer);
		return false;
	}
	weft__http_metrics_event(metrics, WEFT__HTTP_CONNECTION_ACCEPTED);
	return true;
}

void weft__http_guard_leave(struct weft__http_guard *guard, const struct weft_stream *peer)
{
	const void *bytes;
	size_t len = counted_client_of(guard, peer, &bytes);

	weft__http_metrics_event(guard->options->metrics, WEFT__HTTP_CONNECTION_ENDED);
	if (len == 0)
		return;
	if (guard->crowd)
		weft__crowd_leave(guard->crowd, bytes, len);
	weft_ledger_leave(guard->options->ledger, bytes, len);
}

/* ---- Requests ----------------------------------------------------------------------------------
 */

/* 0, or 429. */
static int check_rate(struct weft__http_guard *guard, struct weft_rate *rate,
	struct weft_http_request *request, struct weft_http_response *response)
{
	const void *bytes;
	size_t len = weft__http_client_of(request, &bytes);
	char seconds[24];
	int64_t wait_ns;

	if (len == 0)
		return 0;
	wait_ns = weft_rate_take(rate, bytes, len, weft_now());
	if (wait_ns == 0)
		return 0;
	weft__http_metrics_event(guard->options->metrics, WEFT__HTTP_REFUSED_RATE);
	snprintf(seconds, sizeof(seconds), "%lld",
		(long long)((wait_ns + WEFT_SECONDS(1) - 1) / WEFT_SECONDS(1)));
	if (weft_http_response_field(response, "Retry-After", seconds) < 0)
		return 503;
	return 429;
}

int weft__http_guard_check(struct weft__http_guard *guard, struct weft_http_request *request,
	struct weft_http_response *response)
{
	const struct weft_http_server_options *options = guard->options;
	struct weft_rate *rate = atomic_load_explicit(&guard->rate, memory_order_acquire);
	int status = 0;

	if (guard->proxies && !request->has_client)
		weft__http_proxies_find_client(guard->proxies, request);
	if (rate)
		status = check_rate(guard, rate, request, response);
	if (!options->hosts)
		request->is_host_good = true;
	if (!status && !request->is_host_good && !weft__http_hosts_have(options->hosts, request))
		status = weft_http_response_error(response, 421,
			options->host_complaint
				? options->host_complaint
				: "This server does not go by the name in the address.");
	if (status || response->status || !guard->authorises)
		return status;
	return weft__http_service_authorise(options->service, options->arg, request, response);
}

void weft__http_guard_note(struct weft__http_guard *guard, const struct weft_http_request *request,
	const struct weft_http_response *response)
{
	struct weft__http_tally_answer answer;

	answer = (struct weft__http_tally_answer){
		.status = response->status,
		.duration_ns = weft_now() - request->arrived_ns,
		.received_bytes = request->head.len + (uint64_t)request->body.read_len,
		.sent_bytes = (uint64_t)response->body_len,
	};
	weft__http_metrics_answer(guard->options->metrics, &answer);
}
