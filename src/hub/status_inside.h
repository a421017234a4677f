/*
 * status_inside.h - what the files of a server's status share.
 */
#ifndef WEFT_SRC_HUB_STATUS_INSIDE_H
#define WEFT_SRC_HUB_STATUS_INSIDE_H

#include <stdatomic.h>

#include "status.h"
#include "weft/fiber.h"
#include "weft/http_metrics.h"
#include "weft/lock.h"

/** Seconds whose latencies are kept: as many as the longest window has. */
#define HUB_STATUS_WINDOW 60

/** Sums over all doors since the start. */
struct hub_status_sums {
	uint64_t requests, errors;
	uint64_t received, sent; /* bytes, of what is under way, too */
	uint64_t connections, transfers;
	int64_t cpu_ns; /* of the workers */
};

/** What became of a second. */
struct hub_status_point {
	int64_t elapsed_ns; /* how long that really was */
	uint64_t requests, errors, received, sent;
	int64_t p99_ns;
	double busy; /* share of all workers */
	uint64_t memory;
	uint64_t connections, transfers;
};

/** A moment of the process. */
struct hub_status_now {
	uint64_t resident, peak;
	uint64_t descriptors, descriptors_max;
	int64_t cpu_ns; /* of all its threads */
};

/** How long requests took in some seconds. */
struct hub_status_latencies {
	uint64_t buckets[WEFT_HTTP_LATENCIES];
	uint64_t count;
};

struct hub_status {
	struct hub_status_sources sources;
	atomic_bool has_begun;
	weft_fiber_id sampler;
	int64_t began_ns, began_wall_ns;
	int statm_fd, status_fd,
		descriptors_fd; /* of /proc, which may be out of reach later; -1: it is */

	/* Written by the sampler; all below under the lock, which nobody holds for long. */
	struct weft_lock lock;
	struct hub_status_point points[HUB_STATUS_POINTS];        /* a ring; next: point_count */
	uint32_t buckets[HUB_STATUS_WINDOW][WEFT_HTTP_LATENCIES]; /* the same, of so many */
	uint64_t point_count;
	double worker_busy[WEFT_WORKERS_MAX];
	struct hub_status_sums last; /* at the last look */
	int64_t last_ns;
	int64_t worker_cpu_ns[WEFT_WORKERS_MAX];
	struct weft_http_counts counts, last_counts; /* room for a look, and the look before */
};

/** The point that was i seconds ago; i is below the number of points. Under the lock. */
const struct hub_status_point *weft__hub_status_point(const struct hub_status *status, unsigned i);

/** Points that are kept. Under the lock. */
unsigned weft__hub_status_points(const struct hub_status *status);

/** The latencies of the last points, HUB_STATUS_WINDOW at most. Under the lock. */
void weft__hub_status_latencies(const struct hub_status *status, unsigned points,
	struct hub_status_latencies *ret_latencies);

/** The latency that so many percent do not exceed; 0: there was none. */
int64_t weft__hub_status_percentile(const struct hub_status_latencies *latencies, double percent);

/** Sums of all doors, with those of HTTP as they were read. */
void weft__hub_status_sum(const struct hub_status *status, const struct weft_http_counts *counts,
	struct hub_status_sums *ret_sums);

/* ---- status_now.c -------------------------------------------------------------------------- */

void weft__hub_status_open_now(struct hub_status *status);
void weft__hub_status_close_now(struct hub_status *status);

/** Bytes that are resident; 0: not known. Cheap. */
uint64_t weft__hub_status_resident(const struct hub_status *status);

/** All of it; counting descriptors takes a while where there are many. */
void weft__hub_status_now(const struct hub_status *status, struct hub_status_now *ret_now);

/** Connections that are open at a door, and how many have come and been refused. */
struct hub_status_traffic {
	uint64_t open, accepted, refused;
};
void weft__hub_status_traffic(
	const struct hub_status_door *door, struct hub_status_traffic *ret_traffic);

#endif
