/*
 * metrics.c - counters of a server, and Prometheus's text of them.
 *
 * Entry points: weft__http_metrics_answer(), weft__http_metrics_event(), weft_http_metrics_read(),
 * weft_http_metrics_text(), weft_http_metrics_service.
 *
 *	worker 0	tally    plain additions: nobody else writes there
 *	worker 1	tally
 *	...
 *	all others	tally    atomic additions: threads and processes without a worker
 *
 * The tallies are in memory that forked processes share; a page of them exists once it is used.
 *
 * Never: a lock, or a read of another worker's memory, but for the sums.
 */
#include "http/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "weft/fiber.h"
#include "weft/str.h"

#define TALLY_COUNT (WEFT_WORKERS_MAX + 1)

/** Of the text, with a line for each status. */
#define TEXT_MAX 131072

struct shared {
	/* Something has become of a connection there; else it is not read, which would give it
	 * memory. A connection comes before its requests. */
	atomic_bool is_used[TALLY_COUNT];
	struct weft__http_tally tallies[TALLY_COUNT]; /* of the workers; the last: of all others */
};

struct weft_http_metrics {
	struct shared *shared;
	weft_http_metrics_text_fn *on_text;
	void *arg;
};

static const int64_t duration_ends_ns[WEFT_HTTP_DURATIONS] = {
	WEFT_MICROSECONDS(100),
	WEFT_MICROSECONDS(250),
	WEFT_MICROSECONDS(500),
	WEFT_MILLISECONDS(1),
	WEFT_MICROSECONDS(2500),
	WEFT_MILLISECONDS(5),
	WEFT_MILLISECONDS(10),
	WEFT_MILLISECONDS(25),
	WEFT_MILLISECONDS(50),
	WEFT_MILLISECONDS(100),
	WEFT_MILLISECONDS(250),
	WEFT_MILLISECONDS(500),
	WEFT_SECONDS(1),
	WEFT_MILLISECONDS(2500),
	WEFT_SECONDS(5),
	WEFT_SECONDS(10),
	INT64_MAX,
};

/* ---- Life ------------------------------------------------------------------------------------ */

struct weft_http_metrics *weft_http_metrics_new(void)
{
	struct weft_http_metrics *metrics = calloc(1, sizeof(*metrics));

	if (!metrics)
		return NULL;
	metrics->shared = mmap(NULL, sizeof(*metrics->shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (metrics->shared == MAP_FAILED) {
		free(metrics);
		errno = ENOMEM;
		return NULL;
	}
	return metrics;
}

void weft_http_metrics_free(struct weft_http_metrics *metrics)
{
	if (!metrics)
		return;
	munmap(metrics->shared, sizeof(*metrics->shared));
	free(metrics);
}

void weft_http_metrics_add_text(
	struct weft_http_metrics *metrics, weft_http_metrics_text_fn *on_text, void *arg)
{
	metrics->on_text = on_text;
	metrics->arg = arg;
}

int64_t weft_http_metrics_duration_ns(unsigned bucket)
{
	return bucket < WEFT_HTTP_DURATIONS ? duration_ends_ns[bucket] : INT64_MAX;
}

/*
 * Buckets of latencies, in units of 1024 ns: 0 1 2 ... 7, then eight for each power of two: 8..15
 * by ones, 16..31 by twos, and so on. The unit's power and the three bits below its first one are
 * the bucket.
 */
#define LATENCY_SHIFT 10

static unsigned latency_bucket(uint64_t duration_ns)
{
	uint64_t units = duration_ns >> LATENCY_SHIFT;
	unsigned power, bucket;

	if (units < 8)
		return (unsigned)units;
	power = 63 - (unsigned)__builtin_clzll(units);
	bucket = (power - 2) * 8 + (unsigned)((units >> (power - 3)) & 7);
	return bucket < WEFT_HTTP_LATENCIES ? bucket : WEFT_HTTP_LATENCIES - 1;
}

int64_t weft_http_metrics_latency_ns(unsigned bucket)
{
	unsigned power = bucket / 8 + 2;

	if (bucket + 1 >= WEFT_HTTP_LATENCIES)
		return INT64_MAX;
	if (bucket < 8)
		return (int64_t)(bucket + 1) << LATENCY_SHIFT;
	return (int64_t)(bucket % 8 + 9) << (power - 3 + LATENCY_SHIFT);
}

/* ---- Counting ---------------------------------------------------------------------------------
 */

static unsigned own_index(bool *ret_is_own)
{
	int worker = weft_worker_index();

	*ret_is_own = worker >= 0 && worker < WEFT_WORKERS_MAX;
	return *ret_is_own ? (unsigned)worker : WEFT_WORKERS_MAX;
}

static void add(_Atomic uint64_t *count, uint64_t more, bool is_own)
{
	if (is_own)
		atomic_store_explicit(count,
			atomic_load_explicit(count, memory_order_relaxed) + more,
			memory_order_relaxed);
	else
		atomic_fetch_add_explicit(count, more, memory_order_relaxed);
}

void weft__http_metrics_answer(
	struct weft_http_metrics *metrics, const struct weft__http_tally_answer *answer)
{
	int64_t duration_ns = answer->duration_ns > 0 ? answer->duration_ns : 0;
	unsigned bucket = 0;
	bool is_own;
	struct weft__http_tally *tally = &metrics->shared->tallies[own_index(&is_own)];

	while (duration_ns > duration_ends_ns[bucket])
		bucket++;
	if (answer->status >= 100 && answer->status < 100 + WEFT_HTTP_STATUS_COUNT)
		add(&tally->statuses[answer->status - 100], 1, is_own);
	add(&tally->durations[bucket], 1, is_own);
	add(&tally->latencies[latency_bucket((uint64_t)duration_ns)], 1, is_own);
	add(&tally->duration_ns, (uint64_t)duration_ns, is_own);
	add(&tally->received_bytes, answer->received_bytes, is_own);
	add(&tally->sent_bytes, answer->sent_bytes, is_own);
}

void weft__http_metrics_event(struct weft_http_metrics *metrics, enum weft__http_event event)
{
	struct weft__http_tally *tally;
	unsigned index;
	bool is_own;

	if (!metrics)
		return;
	index = own_index(&is_own);
	tally = &metrics->shared->tallies[index];
	atomic_store_explicit(&metrics->shared->is_used[index], true, memory_order_relaxed);
	switch (event) {
	case WEFT__HTTP_CONNECTION_ACCEPTED:
		atomic_store_explicit(&metrics->shared->is_used[index], true, memory_order_relaxed);
		add(&tally->connections_accepted, 1, is_own);
		break;
	case WEFT__HTTP_CONNECTION_ENDED:
		add(&tally->connections_ended, 1, is_own);
		break;
	case WEFT__HTTP_REFUSED_RATE:
		add(&tally->refused_rate, 1, is_own);
		break;
	case WEFT__HTTP_REFUSED_CONNECTION:
		add(&tally->refused_connections, 1, is_own);
		break;
	case WEFT__HTTP_CLOSED_FOR_ROOM:
		add(&tally->closed_for_room, 1, is_own);
		break;
	}
}

/* ---- Reading -----------------------------------------------------------------------------------
 */

static uint64_t load(const _Atomic uint64_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

static void read_tally(const struct weft__http_tally *tally, struct weft_http_counts *counts)
{
	for (unsigned i = 0; i < WEFT_HTTP_STATUS_COUNT; i++) {
		uint64_t requests = load(&tally->statuses[i]);

		counts->statuses[i] += requests;
		counts->requests += requests;
	}
	for (unsigned i = 0; i < WEFT_HTTP_DURATIONS; i++)
		counts->durations[i] += load(&tally->durations[i]);
	for (unsigned i = 0; i < WEFT_HTTP_LATENCIES; i++)
		counts->latencies[i] += load(&tally->latencies[i]);
	counts->duration_ns += load(&tally->duration_ns);
	counts->received_bytes += load(&tally->received_bytes);
	counts->sent_bytes += load(&tally->sent_bytes);
	/* The end first: never more have ended than have come. */
	counts->connections_ended += load(&tally->connections_ended);
	counts->connections_accepted += load(&tally->connections_accepted);
	counts->refused_rate += load(&tally->refused_rate);
	counts->refused_connections += load(&tally->refused_connections);
	counts->closed_for_room += load(&tally->closed_for_room);
}

void weft_http_metrics_read(
	const struct weft_http_metrics *metrics, struct weft_http_counts *ret_counts)
{
	memset(ret_counts, 0, sizeof(*ret_counts));
	for (unsigned i = 0; i < TALLY_COUNT; i++)
		if (atomic_load_explicit(&metrics->shared->is_used[i], memory_order_relaxed))
			read_tally(&metrics->shared->tallies[i], ret_counts);
}

/* ---- Prometheus's text ---------------------------------------------------------------------- */

static void append_about(
	struct weft_str *text, const char *name, const char *type, const char *help)
{
	weft_str_appendf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void append_count(struct weft_str *text, const char *name, const char *help, uint64_t value)
{
	append_about(text, name, "counter", help);
	weft_str_appendf(text, "%s %" PRIu64 "\n", name, value);
}

static void append_statuses(struct weft_str *text, const struct weft_http_counts *counts)
{
	append_about(text, "weft_http_requests_total", "counter",
		"Requests that were answered, by status.");
	for (unsigned i = 0; i < WEFT_HTTP_STATUS_COUNT; i++)
		if (counts->statuses[i] > 0)
			weft_str_appendf(text,
				"weft_http_requests_total{code=\"%u\"} %" PRIu64 "\n", 100 + i,
				counts->statuses[i]);
}

static void append_durations(struct weft_str *text, const struct weft_http_counts *counts)
{
	static const char name[] = "weft_http_request_duration_seconds";
	uint64_t sum = 0;

	append_about(
		text, name, "histogram", "From a request's arrival until its answer is written.");
	for (unsigned i = 0; i + 1 < WEFT_HTTP_DURATIONS; i++) {
		sum += counts->durations[i];
		weft_str_appendf(text, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
			(double)duration_ends_ns[i] / 1e9, sum);
	}
	sum += counts->durations[WEFT_HTTP_DURATIONS - 1];
	weft_str_appendf(text, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, sum);
	weft_str_appendf(text, "%s_sum %.9g\n%s_count %" PRIu64 "\n", name,
		(double)counts->duration_ns / 1e9, name, sum);
}

static void append_connections(struct weft_str *text, const struct weft_http_counts *counts)
{
	uint64_t open = counts->connections_accepted - counts->connections_ended;

	append_about(text, "weft_http_connections_open", "gauge", "Connections that are open now.");
	/* Of two workers' counts, read one after the other, the ends may be the newer. */
	weft_str_appendf(
		text, "weft_http_connections_open %" PRIu64 "\n", (int64_t)open > 0 ? open : 0);
	append_count(text, "weft_http_connections_accepted_total", "Connections that have come.",
		counts->connections_accepted);
	append_count(text, "weft_http_connections_refused_total",
		"Connections of clients that had too many.", counts->refused_connections);
	append_count(text, "weft_http_connections_closed_for_room_total",
		"Idle or slow connections that were ended so that others could come.",
		counts->closed_for_room);
}

static void append_all(struct weft_str *text, const struct weft_http_counts *counts)
{
	append_about(text, "weft_build_info", "gauge", "The version.");
	weft_str_append(text, "weft_build_info{version=\"" WEFT_VERSION "\"} 1\n");
	append_statuses(text, counts);
	append_durations(text, counts);
	append_connections(text, counts);
	append_count(text, "weft_http_requests_refused_total",
		"Requests of clients that ask too often (status 429).", counts->refused_rate);
	append_count(text, "weft_http_received_bytes_total", "Bytes of requests, heads and bodies.",
		counts->received_bytes);
	append_count(text, "weft_http_sent_bytes_total", "Bytes of answers' bodies.",
		counts->sent_bytes);
}

int weft_http_metrics_text(const struct weft_http_metrics *metrics, struct weft_str *text)
{
	struct weft_http_counts *counts =
		malloc(sizeof(*counts)); /* too much for a fiber's stack */

	if (!counts)
		return -1;
	weft_http_metrics_read(metrics, counts);
	append_all(text, counts);
	free(counts);
	if (metrics->on_text)
		metrics->on_text(text, metrics->arg);
	return weft_str_error(text) ? -1 : 0;
}

static int on_get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_http_content content = {.type = "text/plain; version=0.0.4; charset=utf-8"};
	struct weft_str text;
	int result = 503;

	(void)request;
	weft_str_init(&text, TEXT_MAX);
	if (weft_http_metrics_text(arg, &text) == 0) {
		content.data = weft_str_text(&text);
		content.len = weft_str_len(&text);
		result = weft_http_response_send(response, 200, &content);
	}
	weft_str_fini(&text);
	return result;
}

const struct weft_http_service weft_http_metrics_service = {.on_get = on_get};
