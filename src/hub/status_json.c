/*
 * status_json.c - a server's status as JSON: GET /api/v1/status (docs/control.md).
 *
 * Entry point: weft__hub_status_json().
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "json.h"
#include "status_inside.h"
#include "weft/debug.h"
#include "weft/files.h"
#include "weft/room.h"
#include "weft/transfer.h"

#define SECONDS(ns) ((double)(ns) / 1e9)

/* Takes value over; a NULL one leaves the whole without it, which the caller sees. */
static int put(json_t *object, const char *name, json_t *value)
{
	return json_object_set_new(object, name, value);
}

static json_t *count_json(uint64_t count)
{
	return json_integer(count < INT64_MAX ? (json_int_t)count : INT64_MAX);
}

/* ---- The process ----------------------------------------------------------------------------- */

static json_t *workers_json(const struct hub_status *status)
{
	json_t *list = json_array();
	struct weft_counters counters;

	for (unsigned i = 0; list && i < weft_worker_count(); i++) {
		if (weft_counters((int)i, &counters) < 0)
			break;
		json_array_append_new(
			list, json_pack("{s:f, s:o}", "busy", status->worker_busy[i], "fibers",
				      count_json(counters.started > counters.ended
							 ? counters.started - counters.ended
							 : 0)));
	}
	return list;
}

static int put_process(const struct hub_status *status, json_t *json)
{
	const char *driver = weft_driver_name();
	struct hub_status_now now;

	weft__hub_status_now(status, &now);
	return put(json, "version", json_string(WEFT_VERSION)) |
	       put(json, "pid", json_integer(getpid())) |
	       put(json, "now", json_integer(weft_wall_now() / WEFT_SECONDS(1))) |
	       put(json, "started", json_integer(status->began_wall_ns / WEFT_SECONDS(1))) |
	       put(json, "uptime", json_real(SECONDS(weft_now() - status->began_ns))) |
	       put(json, "driver", json_string(driver ? driver : "")) |
	       put(json, "model", json_string(status->sources.model)) |
	       put(json, "forks", json_boolean(weft__hub_status_forks(status))) |
	       put(json, "workers", workers_json(status)) |
	       put(json, "fibers", count_json(weft_fiber_count())) |
	       put(json, "memory",
		       json_pack("{s:o, s:o}", "resident", count_json(now.resident), "peak",
			       count_json(now.peak))) |
	       put(json, "descriptors",
		       json_pack("{s:o, s:o}", "open", count_json(now.descriptors), "limit",
			       count_json(now.descriptors_max)));
}

/* ---- Doors, transfers, rooms ----------------------------------------------------------------- */

static json_t *doors_json(const struct hub_status *status)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < status->sources.door_count; i++) {
		const struct hub_status_door *door = &status->sources.doors[i];
		struct hub_status_traffic traffic;

		weft__hub_status_traffic(door, &traffic);
		json_array_append_new(list,
			json_pack("{s:s, s:o, s:o, s:o, s:o}", "door", door->name, "address",
				weft__hub_json_text(door->address), "open",
				count_json(traffic.open), "accepted", count_json(traffic.accepted),
				"refused", count_json(traffic.refused)));
	}
	return list;
}

static json_t *transfer_json(const struct weft_transfer_facts *facts)
{
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:s, s:I, s:I, s:f}", "id",
		count_json(facts->id), "door", facts->door, "peer",
		weft__hub_json_text(facts->peer), "person", weft__hub_json_text(facts->person),
		"what", weft__hub_json_text(facts->what), "direction",
		facts->is_upload ? "up" : "down", "bytes", (json_int_t)facts->bytes, "total",
		(json_int_t)facts->total, "seconds", SECONDS(facts->age_ns));
}

static int put_transfers(const struct hub_status *status, json_t *json)
{
	json_t *list = json_array();
	struct weft_transfer_facts *facts = NULL;
	size_t left_out = 0;
	ssize_t count = 0;

	if (status->sources.transfers)
		count = weft_transfers_list(
			status->sources.transfers, HUB_STATUS_LIST_MAX, &facts, &left_out);
	for (ssize_t i = 0; i < count; i++)
		json_array_append_new(list, transfer_json(&facts[i]));
	weft_transfers_list_free(facts);
	return (count < 0 ? -1 : 0) | put(json, "transfers", list) |
	       put(json, "transfers_left_out", count_json(left_out));
}

static int put_rooms(const struct hub_status *status, json_t *json)
{
	struct weft_room_summary *summary = NULL;
	struct weft_rooms_counts counts;
	json_t *list = json_array();
	size_t private_count = 0;
	ssize_t count;

	if (!status->sources.rooms)
		return put(json, "rooms", list);
	count = weft_rooms_summary(
		status->sources.rooms, HUB_STATUS_LIST_MAX, &summary, &private_count);
	for (ssize_t i = 0; i < count; i++)
		json_array_append_new(list,
			json_pack("{s:o, s:i, s:o}", "name", weft__hub_json_text(summary[i].name),
				"here", (int)summary[i].people, "messages",
				count_json(summary[i].messages)));
	free(summary);
	weft_rooms_counts(status->sources.rooms, &counts);
	return (count < 0 ? -1 : 0) | put(json, "rooms", list) |
	       put(json, "chat",
		       json_pack("{s:i, s:i, s:i, s:o, s:o}", "people", (int)counts.people,
			       "clients", (int)counts.clients, "rooms", (int)counts.rooms,
			       "private_rooms", count_json(private_count), "messages",
			       count_json(counts.accepted)));
}

static int put_files(const struct hub_status *status, json_t *json)
{
	struct weft_files_counts counts = {.stored = 0};

	if (status->sources.files)
		weft_files_counts(status->sources.files, &counts);
	return put(json, "files",
		json_pack("{s:o, s:o}", "stored", count_json(counts.stored), "stored_bytes",
			count_json(counts.stored_bytes)));
}

/* ---- Requests, and a little of the past -------------------------------------------------------
 */

static double latency(const struct hub_status_latencies *latencies, double percent)
{
	return SECONDS(weft__hub_status_percentile(latencies, percent));
}

static json_t *window_json(const struct hub_status *status, unsigned points)
{
	struct hub_status_latencies latencies;
	uint64_t count = 0, errors = 0;
	int64_t elapsed_ns = 0;

	if (points > weft__hub_status_points(status))
		points = weft__hub_status_points(status);
	for (unsigned i = 0; i < points; i++) {
		const struct hub_status_point *point = weft__hub_status_point(status, i);

		count += point->requests;
		errors += point->errors;
		elapsed_ns += point->elapsed_ns;
	}
	weft__hub_status_latencies(status, points, &latencies);
	return json_pack("{s:f, s:o, s:o, s:f, s:{s:f, s:f, s:f, s:f}}", "seconds",
		SECONDS(elapsed_ns), "count", count_json(count), "errors", count_json(errors),
		"per_second", elapsed_ns ? (double)count / SECONDS(elapsed_ns) : 0.0, "latency",
		"p50", latency(&latencies, 50), "p90", latency(&latencies, 90), "p99",
		latency(&latencies, 99), "max", latency(&latencies, 100));
}

static int put_requests(struct hub_status *status, json_t *json)
{
	struct hub_status_sums sums;

	if (status->sources.http)
		weft_http_metrics_read(status->sources.http, &status->counts);
	weft__hub_status_sum(status, &status->counts, &sums);
	return put(json, "requests",
		       json_pack("{s:o, s:o, s:o, s:o}", "total", count_json(sums.requests),
			       "errors", count_json(sums.errors), "last_10s",
			       window_json(status, 10), "last_60s",
			       window_json(status, HUB_STATUS_WINDOW))) |
	       put(json, "bytes",
		       json_pack("{s:o, s:o}", "received", count_json(sums.received), "sent",
			       count_json(sums.sent)));
}

/* The members of a point, in the order of these names. */
static const char *const series[] = {"requests", "errors", "received", "sent", "p99", "busy",
	"memory", "connections", "transfers"};
#define SERIES (sizeof(series) / sizeof(series[0]))

static json_t *member_json(const struct hub_status_point *point, size_t which)
{
	const uint64_t counts[SERIES] = {point->requests, point->errors, point->received,
		point->sent, 0, 0, point->memory, point->connections, point->transfers};

	if (which == 4)
		return json_real(SECONDS(point->p99_ns));
	if (which == 5)
		return json_real(point->busy);
	return count_json(counts[which]);
}

static json_t *history_json(const struct hub_status *status)
{
	json_t *json = json_pack("{s:f}", "interval", 1.0);

	for (size_t i = 0; json && i < SERIES; i++) {
		json_t *list = json_array();

		for (unsigned at = weft__hub_status_points(status); at > 0; at--)
			json_array_append_new(
				list, member_json(weft__hub_status_point(status, at - 1), i));
		put(json, series[i], list);
	}
	return json;
}

json_t *weft__hub_status_json(struct hub_status *status)
{
	json_t *json = json_object();
	int result;

	if (!json || !status->has_begun || weft_lock_acquire(&status->lock) < 0) {
		json_decref(json);
		errno = EAGAIN;
		return NULL;
	}
	result = (status->sources.page ? put(json, "page", json_string(status->sources.page)) : 0) |
		 put_process(status, json) | put(json, "doors", doors_json(status)) |
		 put_requests(status, json) | put(json, "history", history_json(status));
	weft_lock_release(&status->lock);
	if (put_transfers(status, json) | put_files(status, json) | put_rooms(status, json) |
		result) {
		json_decref(json);
		errno = ENOMEM;
		return NULL;
	}
	return json;
}
