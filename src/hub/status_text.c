/*
 * status_text.c - a server's status in Prometheus's text form, version 0.0.4: what HTTP's own
 * counters (weft/http_metrics.h) do not have.
 *
 * Entry points: weft__hub_status_text(), weft__hub_status_all_text().
 *
 * Never: a family twice, or one without its HELP and TYPE.
 */
#include <inttypes.h>
#include <string.h>

#include "status_inside.h"
#include "weft/debug.h"
#include "weft/files.h"
#include "weft/ftp.h"
#include "weft/room.h"
#include "weft/str.h"
#include "weft/transfer.h"

static void family(struct weft_str *text, const char *name, const char *type, const char *help)
{
	weft_str_appendf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(
	struct weft_str *text, const char *name, const char *type, const char *help, double value)
{
	family(text, name, type, help);
	weft_str_appendf(text, "%s %.15g\n", name, value);
}

/* A label's value: a backslash, a quote and a newline are escaped. */
static void append_label(struct weft_str *text, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n') {
			weft_str_append(text, "\\n");
			continue;
		}
		if (*value == '\\' || *value == '"')
			weft_str_append_char(text, '\\');
		weft_str_append_char(text, *value);
	}
}

/* ---- The process ----------------------------------------------------------------------------- */

static void append_process(struct weft_str *text, const struct hub_status *status)
{
	struct hub_status_now now;

	weft__hub_status_now(status, &now);
	single(text, "process_start_time_seconds", "gauge", "When it has begun, since 1970.",
		(double)status->began_wall_ns / 1e9);
	single(text, "process_cpu_seconds_total", "counter", "Time of processors it has used.",
		(double)now.cpu_ns / 1e9);
	single(text, "process_resident_memory_bytes", "gauge", "Memory that is resident.",
		(double)now.resident);
	single(text, "process_open_fds", "gauge", "Descriptors that are open.",
		(double)now.descriptors);
	single(text, "process_max_fds", "gauge", "Descriptors that may be open.",
		(double)now.descriptors_max);
}

static void append_workers(struct weft_str *text)
{
	struct weft_counters all = {0}, counters;

	weft_counters(-1, &all);
	single(text, "weft_fibers", "gauge", "Fibers that live.", (double)weft_fiber_count());
	single(text, "weft_fibers_started_total", "counter", "Fibers that have started.",
		(double)all.started);
	family(text, "weft_worker_cpu_seconds_total", "counter",
		"Time of a processor that the worker has used: its rate is the share that it is "
		"busy.");
	for (unsigned i = 0; i < weft_worker_count(); i++)
		if (weft_counters((int)i, &counters) == 0)
			weft_str_appendf(text,
				"weft_worker_cpu_seconds_total{worker=\"%u\"} %.9g\n", i,
				(double)counters.cpu_ns / 1e9);
	family(text, "weft_worker_switches_total", "counter",
		"Fibers that the worker went on with.");
	for (unsigned i = 0; i < weft_worker_count(); i++)
		if (weft_counters((int)i, &counters) == 0)
			weft_str_appendf(text,
				"weft_worker_switches_total{worker=\"%u\"} %" PRIu64 "\n", i,
				counters.switches);
}

/* ---- Doors ----------------------------------------------------------------------------------- */

enum traffic { OPEN, ACCEPTED, REFUSED };

static void append_traffic(struct weft_str *text, const struct hub_status *status, const char *name,
	enum traffic which)
{
	for (unsigned i = 0; i < status->sources.door_count; i++) {
		const struct hub_status_door *door = &status->sources.doors[i];
		struct hub_status_traffic traffic;

		weft__hub_status_traffic(door, &traffic);
		weft_str_appendf(text, "%s{door=\"%s\",address=\"", name, door->name);
		append_label(text, door->address);
		weft_str_appendf(text, "\"} %" PRIu64 "\n",
			which == OPEN       ? traffic.open
			: which == ACCEPTED ? traffic.accepted
					    : traffic.refused);
	}
}

static void append_doors(struct weft_str *text, const struct hub_status *status)
{
	family(text, "weft_connections", "gauge", "Connections that are open, by door.");
	append_traffic(text, status, "weft_connections", OPEN);
	family(text, "weft_connections_total", "counter", "Connections that have come, by door.");
	append_traffic(text, status, "weft_connections_total", ACCEPTED);
	family(text, "weft_connections_refused_total", "counter",
		"Connections for which there was no room, by door.");
	append_traffic(text, status, "weft_connections_refused_total", REFUSED);
}

static void append_transfers(struct weft_str *text, const struct hub_status *status)
{
	struct weft_transfers_sums sums = {.count = 0};

	if (!status->sources.transfers)
		return;
	weft_transfers_sum(status->sources.transfers, &sums);
	single(text, "weft_transfers", "gauge", "Transfers under way that take a while.",
		(double)sums.count);
	family(text, "weft_transfers_bytes", "gauge",
		"Bytes that have gone over in these, so far.");
	weft_str_appendf(text,
		"weft_transfers_bytes{direction=\"down\"} %" PRIu64
		"\nweft_transfers_bytes{direction=\"up\"} %" PRIu64 "\n",
		sums.sent_bytes, sums.received_bytes);
}

static void append_files(struct weft_str *text, const struct hub_status *status)
{
	struct weft_files_counts counts;

	if (!status->sources.files)
		return;
	weft_files_counts(status->sources.files, &counts);
	single(text, "weft_files_stored_total", "counter",
		"Files that were put, by whatever door, copies too.", (double)counts.stored);
	single(text, "weft_files_stored_bytes_total", "counter", "Bytes of these.",
		(double)counts.stored_bytes);
}

static void append_chat(struct weft_str *text, const struct hub_status *status)
{
	struct weft_rooms_counts counts;

	if (!status->sources.rooms)
		return;
	weft_rooms_counts(status->sources.rooms, &counts);
	single(text, "weft_chat_rooms", "gauge", "Rooms.", counts.rooms);
	single(text, "weft_chat_clients", "gauge", "Connections of people who chat.",
		counts.clients);
	single(text, "weft_chat_posts_total", "counter", "Messages that somebody has sent.",
		(double)counts.posted);
	single(text, "weft_chat_messages_total", "counter", "Messages that are kept.",
		(double)counts.accepted);
	single(text, "weft_chat_refused_total", "counter", "Messages that were refused.",
		(double)counts.refused);
	single(text, "weft_chat_delivered_total", "counter", "Events that clients have taken.",
		(double)counts.delivered);
	single(text, "weft_chat_gaps_total", "counter",
		"Times that a client was so slow that messages were dropped for it.",
		(double)counts.gaps);
	single(text, "weft_chat_tail_bytes", "gauge", "Memory for clients that are behind.",
		(double)counts.tail_bytes);
}

void weft__hub_status_text(struct weft_str *text, void *arg)
{
	const struct hub_status *status = arg;

	if (!status->has_begun)
		return;
	append_process(text, status);
	append_workers(text);
	append_doors(text, status);
	append_transfers(text, status);
	append_files(text, status);
	if (status->sources.ftp)
		weft_ftp_server_metrics(status->sources.ftp, text);
	append_chat(text, status);
}

int weft__hub_status_all_text(struct hub_status *status, struct weft_str *text)
{
	if (status->sources.http)
		return weft_http_metrics_text(status->sources.http, text);
	weft__hub_status_text(text, status);
	return weft_str_error(text) ? -1 : 0;
}
