/*
 * metrics.h - counting, on a worker's own memory.
 */
#ifndef WEFT_SRC_HTTP_METRICS_H
#define WEFT_SRC_HTTP_METRICS_H

#include <stdatomic.h>

#include "weft/http_metrics.h"

/** Of one worker, or of all that are none: on cache lines of its own. */
struct weft__http_tally {
	_Alignas(64) _Atomic uint64_t statuses[WEFT_HTTP_STATUS_COUNT];
	_Atomic uint64_t durations[WEFT_HTTP_DURATIONS];
	_Atomic uint64_t latencies[WEFT_HTTP_LATENCIES];
	_Atomic uint64_t duration_ns;
	_Atomic uint64_t received_bytes, sent_bytes;
	_Atomic uint64_t connections_accepted, connections_ended;
	_Atomic uint64_t refused_rate, refused_connections, closed_for_room;
};

/** What one answered request adds. */
struct weft__http_tally_answer {
	int status;
	int64_t duration_ns;
	uint64_t received_bytes, sent_bytes;
};

void weft__http_metrics_answer(
	struct weft_http_metrics *metrics, const struct weft__http_tally_answer *answer);

/** The events that are counted one by one. */
enum weft__http_event {
	WEFT__HTTP_CONNECTION_ACCEPTED,
	WEFT__HTTP_CONNECTION_ENDED,
	WEFT__HTTP_REFUSED_RATE,
	WEFT__HTTP_REFUSED_CONNECTION,
	WEFT__HTTP_CLOSED_FOR_ROOM,
};

/** metrics may be NULL. */
void weft__http_metrics_event(struct weft_http_metrics *metrics, enum weft__http_event event);

#endif
