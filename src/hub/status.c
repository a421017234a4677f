/*
 * status.c - a look at all doors each second, and what is kept of it: two minutes of points, and
 * a minute of latencies (status.h).
 *
 *	points	| . . . n-3 n-2 n-1 |	a ring of HUB_STATUS_POINTS
 *	buckets	    | . n-2 n-1 |	of HUB_STATUS_WINDOW: the latencies of those seconds
 *
 * Entry points: weft__hub_status_new(), weft__hub_status_begin(), weft__hub_status_end().
 *
 * Never: a lock that a server waits for.
 */
#include "status_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "weft/debug.h"
#include "weft/ftp.h"
#include "weft/scope.h"
#include "weft/transfer.h"

#define LOOK_NS WEFT_SECONDS(1)

/* ---- Life ------------------------------------------------------------------------------------ */

struct hub_status *weft__hub_status_new(void)
{
	struct hub_status *status = calloc(1, sizeof(*status));

	if (!status)
		return NULL;
	weft_lock_init(&status->lock, "status");
	weft__hub_status_open_now(status);
	return status;
}

void weft__hub_status_free(struct hub_status *status)
{
	if (!status)
		return;
	weft__hub_status_close_now(status);
	free(status);
}

bool weft__hub_status_forks(const struct hub_status *status)
{
	const char *model = status->sources.model;

	return model && (strcmp(model, "fork") == 0 || strcmp(model, "prefork") == 0);
}

/* ---- What is kept ---------------------------------------------------------------------------- */

unsigned weft__hub_status_points(const struct hub_status *status)
{
	return status->point_count < HUB_STATUS_POINTS ? (unsigned)status->point_count
						       : HUB_STATUS_POINTS;
}

const struct hub_status_point *weft__hub_status_point(const struct hub_status *status, unsigned i)
{
	return &status->points[(status->point_count - 1 - i) % HUB_STATUS_POINTS];
}

void weft__hub_status_latencies(const struct hub_status *status, unsigned points,
	struct hub_status_latencies *ret_latencies)
{
	memset(ret_latencies, 0, sizeof(*ret_latencies));
	for (unsigned i = 0; i < points && i < HUB_STATUS_WINDOW && i < status->point_count; i++) {
		const uint32_t *buckets =
			status->buckets[(status->point_count - 1 - i) % HUB_STATUS_WINDOW];

		for (unsigned j = 0; j < WEFT_HTTP_LATENCIES; j++) {
			ret_latencies->buckets[j] += buckets[j];
			ret_latencies->count += buckets[j];
		}
	}
}

/* The end of its bucket; of the last, which has none, its beginning. */
static int64_t bucket_ns(unsigned bucket)
{
	return bucket + 1 < WEFT_HTTP_LATENCIES ? weft_http_metrics_latency_ns(bucket)
						: weft_http_metrics_latency_ns(bucket - 1);
}

int64_t weft__hub_status_percentile(const struct hub_status_latencies *latencies, double percent)
{
	double least = (double)latencies->count * percent / 100;
	uint64_t sum = 0;
	unsigned last = 0;

	if (latencies->count == 0)
		return 0;
	for (unsigned i = 0; i < WEFT_HTTP_LATENCIES; i++) {
		sum += latencies->buckets[i];
		if (latencies->buckets[i] > 0)
			last = i;
		if (latencies->buckets[i] > 0 && (double)sum >= least)
			break;
	}
	return bucket_ns(last);
}

/* ---- A look ---------------------------------------------------------------------------------- */

static void sum_transfers(const struct hub_status *status, struct hub_status_sums *sums)
{
	struct weft_ftp_counts ftp = {.connections = 0};
	struct weft_transfers_sums under_way = {.count = 0};

	if (status->sources.ftp)
		weft_ftp_server_counts(status->sources.ftp, &ftp);
	if (status->sources.transfers)
		weft_transfers_sum(status->sources.transfers, &under_way);
	sums->received += ftp.bytes_received + under_way.received_bytes;
	sums->sent += ftp.bytes_sent + under_way.sent_bytes;
	sums->transfers = under_way.count;
}

void weft__hub_status_sum(const struct hub_status *status, const struct weft_http_counts *counts,
	struct hub_status_sums *ret_sums)
{
	struct weft_counters counters = {.cpu_ns = 0};

	weft_counters(-1, &counters);
	*ret_sums = (struct hub_status_sums){.requests = counts->requests,
		.received = counts->received_bytes,
		.sent = counts->sent_bytes,
		.cpu_ns = counters.cpu_ns};
	for (unsigned code = 500; code < 600; code++)
		ret_sums->errors += counts->statuses[code - 100];
	sum_transfers(status, ret_sums);
	for (unsigned i = 0; i < status->sources.door_count; i++) {
		struct hub_status_traffic traffic;

		weft__hub_status_traffic(&status->sources.doors[i], &traffic);
		ret_sums->connections += traffic.open;
	}
}

static void read_counts(const struct hub_status *status, struct weft_http_counts *ret_counts)
{
	if (status->sources.http)
		weft_http_metrics_read(status->sources.http, ret_counts);
	else
		memset(ret_counts, 0, sizeof(*ret_counts));
}

/* What has been added since: a transfer that ends is counted a moment before or after. */
static uint64_t more(uint64_t now, uint64_t *last)
{
	uint64_t added = now > *last ? now - *last : 0;

	*last += added;
	return added;
}

static double share(int64_t used_ns, int64_t of_ns)
{
	double share = of_ns > 0 ? (double)used_ns / (double)of_ns : 0;

	return share < 0 ? 0 : share > 1 ? 1 : share;
}

static void look_at_workers(struct hub_status *status, int64_t elapsed_ns)
{
	struct weft_counters counters;

	for (unsigned i = 0; i < weft_worker_count() && i < WEFT_WORKERS_MAX; i++) {
		if (weft_counters((int)i, &counters) < 0)
			continue;
		status->worker_busy[i] =
			share(counters.cpu_ns - status->worker_cpu_ns[i], elapsed_ns);
		status->worker_cpu_ns[i] = counters.cpu_ns;
	}
}

/* The latencies since the last look, into their place. */
static int64_t look_at_latencies(struct hub_status *status)
{
	uint32_t *buckets = status->buckets[status->point_count % HUB_STATUS_WINDOW];
	struct hub_status_latencies latencies = {.count = 0};

	for (unsigned i = 0; i < WEFT_HTTP_LATENCIES; i++) {
		uint64_t added = status->counts.latencies[i] - status->last_counts.latencies[i];

		buckets[i] = added < UINT32_MAX ? (uint32_t)added : UINT32_MAX;
		latencies.buckets[i] = added;
		latencies.count += added;
	}
	return weft__hub_status_percentile(&latencies, 99);
}

/* Under the lock, but for the first one. */
static void look(struct hub_status *status)
{
	int64_t now = weft_now(), elapsed_ns = now - status->last_ns;
	struct hub_status_point *point = &status->points[status->point_count % HUB_STATUS_POINTS];
	int64_t cpu_ns = status->last.cpu_ns;
	struct hub_status_sums sums;

	read_counts(status, &status->counts);
	weft__hub_status_sum(status, &status->counts, &sums);
	*point = (struct hub_status_point){.elapsed_ns = elapsed_ns,
		.requests = more(sums.requests, &status->last.requests),
		.errors = more(sums.errors, &status->last.errors),
		.received = more(sums.received, &status->last.received),
		.sent = more(sums.sent, &status->last.sent),
		.p99_ns = look_at_latencies(status),
		.busy = share(sums.cpu_ns - cpu_ns, elapsed_ns * (int64_t)weft_worker_count()),
		.memory = weft__hub_status_resident(status),
		.connections = sums.connections,
		.transfers = sums.transfers};
	look_at_workers(status, elapsed_ns);
	status->last.cpu_ns = sums.cpu_ns;
	status->last_counts = status->counts;
	status->last_ns = now;
	status->point_count++;
}

/* The fiber. */
static int sample(void *arg)
{
	struct hub_status *status = arg;
	int64_t due_ns = status->began_ns;

	for (;;) {
		int64_t now = weft_now();

		/* What a machine was too busy for, or asleep, is not made up for. */
		due_ns = due_ns + LOOK_NS > now ? due_ns + LOOK_NS : now + LOOK_NS;
		if (weft_sleep(due_ns - now) < 0)
			return 0;
		if (weft_lock_acquire(&status->lock) < 0)
			return 0;
		look(status);
		weft_lock_release(&status->lock);
	}
}

int weft__hub_status_begin(struct hub_status *status, const struct hub_status_sources *sources)
{
	const struct weft_spawn_options options = {.name = "status"};

	status->sources = *sources;
	status->began_ns = weft_now();
	status->began_wall_ns = weft_wall_now();
	look(status); /* from which the first second counts */
	status->point_count = 0;
	memset(status->worker_busy, 0, sizeof(status->worker_busy));
	status->sampler = weft_spawn_with(&options, sample, status);
	if (!status->sampler)
		return -1;
	status->has_begun = true;
	return 0;
}

void weft__hub_status_end(struct hub_status *status)
{
	if (!status || !status->has_begun)
		return;
	status->has_begun = false;
	weft_cancel(status->sampler);
	WEFT_SHIELDED
		weft_join(status->sampler, NULL, WEFT_FOREVER);
}
