/*
 * guard.c - see guard.h.
 *
 * A client is an IPv4 address, or the first 64 bits of one of IPv6, which is what a household
 * or a machine gets: whoever has a /64 has all its addresses.
 *
 * How many connections a client has is kept without a table of clients: in ROWS rows of counters,
 * in each of which a keyed hash finds the client's. Others may have the same counter in
 * one row, hardly ever in all; the least of the counters is taken for the client's number.
 *
 *	client --> row 0  [ 0 0 3 0 1 ... ]	least of 3, 4, 3: it has 3
 *	      \--> row 1  [ 4 0 0 1 0 ... ]
 *	       \-> row 2  [ 0 3 0 0 0 ... ]
 *
 * So the memory is fixed, nobody waits, and processes can share it. One that is killed leaves
 * its connection counted.
 *
 * Never: waits for a peer that is turned away.
 */
#include "http/guard.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/siphash.h"
#include "http/metrics.h"
#include "http/service.h"
#include "io/stream.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/socket.h"
#include "weft/tls.h"

#define ROWS     3
#define ROW_SIZE 16384

/** Seconds whose requests may come at once, where nobody says how many. */
#define BURST_S 10

/** For whoever is turned away to be told: it fits the socket's buffer. */
#define REFUSAL_TIMEOUT_NS WEFT_MILLISECONDS(100)

struct weft__http_crowd {
	struct weft__siphash_key key;
	_Atomic uint32_t *rows;
};

/* ---- Clients -----------------------------------------------------------------------------------
 */

/*
 * Where the address's bytes that name a client are. 0: it is none. The same for as long as the
 * stream is: who has come in by one count must not leave by another.
 */
static size_t client_of(const struct weft_stream *peer, const void **ret_bytes)
{
	const struct weft__stream_accepted *address = &peer->accepted;

	if (address->len == 0)
		return 0;
	if (address->in.sin_family == AF_INET) {
		*ret_bytes = &address->in.sin_addr;
		return sizeof(address->in.sin_addr);
	}
	if (address->in.sin_family != AF_INET6)
		return 0;
	if (IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr)) {
		*ret_bytes = &address->in6.sin6_addr.s6_addr[12];
		return sizeof(struct in_addr);
	}
	*ret_bytes = &address->in6.sin6_addr;
	return 8;
}

/* The client's counter in a row. */
static _Atomic uint32_t *counter(struct weft__http_crowd *crowd, uint64_t hash, unsigned row)
{
	return &crowd->rows[row * ROW_SIZE + (hash >> (row * 20)) % ROW_SIZE];
}

/* Count one more; false, and nothing is counted: it has max already. */
static bool crowd_enter(struct weft__http_crowd *crowd, uint64_t hash, unsigned max)
{
	uint32_t least = UINT32_MAX;

	for (unsigned row = 0; row < ROWS; row++) {
		uint32_t count = atomic_fetch_add_explicit(
			counter(crowd, hash, row), 1, memory_order_relaxed);

		least = count < least ? count : least;
	}
	if (least < max)
		return true;
	for (unsigned row = 0; row < ROWS; row++)
		atomic_fetch_sub_explicit(counter(crowd, hash, row), 1, memory_order_relaxed);
	return false;
}

static struct weft__http_crowd *crowd_new(void)
{
	struct weft__http_crowd *crowd = calloc(1, sizeof(*crowd));
	uint8_t secret[16];

	if (!crowd)
		return NULL;
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret)) {
		free(crowd);
		return NULL;
	}
	crowd->key = weft__siphash_key(secret);
	crowd->rows = mmap(NULL, sizeof(*crowd->rows) * ROWS * ROW_SIZE, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crowd->rows == MAP_FAILED) {
		free(crowd);
		errno = ENOMEM;
		return NULL;
	}
	return crowd;
}

static void crowd_free(struct weft__http_crowd *crowd)
{
	if (!crowd)
		return;
	munmap(crowd->rows, sizeof(*crowd->rows) * ROWS * ROW_SIZE);
	free(crowd);
}

/* ---- Life --------------------------------------------------------------------------------------
 */

int weft__http_guard_init(
	struct weft__http_guard *guard, const struct weft_http_server_options *options)
{
	struct weft_rate_options rate = {.per_second = options->rate, .burst = options->rate_burst};

	if (rate.burst == 0 && __builtin_mul_overflow(options->rate, BURST_S, &rate.burst))
		rate.burst = UINT_MAX;
	*guard = (struct weft__http_guard){.options = options};
	if (options->rate) {
		guard->rate = weft_rate_new(&rate);
		if (!guard->rate)
			return -1;
	}
	if (options->connections_per_client) {
		guard->crowd = crowd_new();
		if (!guard->crowd) {
			weft__http_guard_fini(guard);
			return -1;
		}
	}
	guard->is_on = guard->rate || guard->crowd || options->metrics ||
		       weft__http_service_authorises(options->service);
	return 0;
}

void weft__http_guard_fini(struct weft__http_guard *guard)
{
	int saved = errno;

	weft_rate_free(guard->rate);
	crowd_free(guard->crowd);
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

bool weft__http_guard_enter(struct weft__http_guard *guard, struct weft_stream *peer)
{
	struct weft_http_metrics *metrics = guard->options->metrics;
	const void *bytes;
	size_t len = guard->crowd ? client_of(peer, &bytes) : 0;

	if (len > 0 && !crowd_enter(guard->crowd, weft__siphash(&guard->crowd->key, bytes, len),
			       guard->options->connections_per_client)) {
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
	size_t len = guard->crowd ? client_of(peer, &bytes) : 0;

	weft__http_metrics_event(guard->options->metrics, WEFT__HTTP_CONNECTION_ENDED);
	for (unsigned row = 0; len > 0 && row < ROWS; row++)
		atomic_fetch_sub_explicit(
			counter(guard->crowd, weft__siphash(&guard->crowd->key, bytes, len), row),
			1, memory_order_relaxed);
}

/* ---- Requests ----------------------------------------------------------------------------------
 */

/* 0, or 429. */
static int check_rate(struct weft__http_guard *guard, struct weft_http_request *request,
	struct weft_http_response *response)
{
	const void *bytes;
	size_t len = client_of(request->stream, &bytes);
	char seconds[24];
	int64_t wait_ns;

	if (len == 0)
		return 0;
	wait_ns = weft_rate_take(guard->rate, bytes, len, weft_now());
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
	int status = guard->rate ? check_rate(guard, request, response) : 0;

	if (status)
		return status;
	return weft__http_service_authorise(
		guard->options->service, guard->options->arg, request, response);
}

void weft__http_guard_note(struct weft__http_guard *guard, const struct weft_http_request *request,
	const struct weft_http_response *response)
{
	struct weft__http_tally_answer answer;

	if (!guard->options->metrics)
		return;
	answer = (struct weft__http_tally_answer){
		.status = response->status,
		.duration_ns = weft_now() - request->arrived_ns,
		.received_bytes = request->head.len + (uint64_t)request->body.read_len,
		.sent_bytes = (uint64_t)response->body_len,
	};
	weft__http_metrics_answer(guard->options->metrics, &answer);
}
