/*
 * weft/http_metrics.h - what an HTTP server has done: counters, summed when somebody asks.
 *
 *	struct weft_http_metrics *metrics = weft_http_metrics_new();
 *	options.metrics = metrics;	// of the server that is counted, or of several
 *
 * and, for Prometheus and people, on a listener that strangers don't reach:
 *
 *	struct weft_http_server_options scraped = {
 *		.service = &weft_http_metrics_service, .arg = metrics};
 *
 * Each worker counts for itself, without a lock, on memory that is no other worker's. Processes
 * that were forked by the server (models "fork" and "prefork") count in the same memory, and so
 * are in the sums; a process that is killed leaves its connection in those that are open.
 */
#ifndef WEFT_HTTP_METRICS_H
#define WEFT_HTTP_METRICS_H

#include "weft/http.h"

WEFT_BEGIN

struct weft_str; /* weft/str.h */

/** Durations are counted in so many buckets, by their upper ends; the last has none. */
#define WEFT_HTTP_DURATIONS 17

/**
 * The same durations in finer buckets, for percentiles: each is an eighth of a power of two wide,
 * from 8 us on; below they are a microsecond (1024 ns). The last one has no end, and begins at
 * two minutes.
 */
#define WEFT_HTTP_LATENCIES 200

/** Statuses that are counted: from 100 up. */
#define WEFT_HTTP_STATUS_COUNT 500

struct weft_http_counts {
	uint64_t requests;                         /* answered, whatever with */
	uint64_t statuses[WEFT_HTTP_STATUS_COUNT]; /* of these: with status 100 + index */
	uint64_t received_bytes;                   /* heads and bodies of requests, as they were */
	uint64_t sent_bytes;                       /* bodies of answers */
	uint64_t connections_accepted;
	uint64_t connections_ended;
	uint64_t refused_rate;        /* requests of those who ask too often */
	uint64_t refused_connections; /* of clients that have too many */
	uint64_t closed_for_room;     /* idle or slow ones, ended so that others can come */
	/* From a request's arrival until the answer is written, not cumulative. */
	uint64_t durations[WEFT_HTTP_DURATIONS];
	uint64_t duration_ns;                    /* of all together */
	uint64_t latencies[WEFT_HTTP_LATENCIES]; /* the same, not cumulative */
};

/** Counters, all 0. End them with weft_http_metrics_free(). Errors: ENOMEM. */
WEFT_API struct weft_http_metrics *weft_http_metrics_new(void);

/** No server may use them any more. NULL is fine. */
WEFT_API void weft_http_metrics_free(struct weft_http_metrics *metrics);

/** The sums, of about now. From any thread. */
WEFT_API void weft_http_metrics_read(
	const struct weft_http_metrics *metrics, struct weft_http_counts *ret_counts);

/**
 * Have on_text append lines of its own, of whatever else the program counts, to what the service
 * below sends; before that is served. NULL: nothing more. It may be called by any thread.
 */
typedef void weft_http_metrics_text_fn(struct weft_str *text, void *arg);
WEFT_API void weft_http_metrics_add_text(
	struct weft_http_metrics *metrics, weft_http_metrics_text_fn *on_text, void *arg);

/** The upper end of a bucket of durations; INT64_MAX: the last's. */
WEFT_API int64_t weft_http_metrics_duration_ns(unsigned bucket);

/** The upper end of a bucket of latencies; INT64_MAX: the last's. */
WEFT_API int64_t weft_http_metrics_latency_ns(unsigned bucket);

/**
 * Append the sums in Prometheus's text form, version 0.0.4, and what on_text has. 0, or -1: the
 * string has no room, or ENOMEM. Any thread.
 */
WEFT_API int weft_http_metrics_text(const struct weft_http_metrics *metrics, struct weft_str *text);

/** GET of any path: the sums in Prometheus's text form, version 0.0.4. arg: the metrics. */
WEFT_API extern const struct weft_http_service weft_http_metrics_service;

WEFT_END

#endif
