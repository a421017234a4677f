/*
 * server_counts.c - what has become of a server's visitors, for programs and for Prometheus.
 *
 * Entry points: weft_ftp_server_counts(), weft_ftp_server_metrics().
 *
 * The counts are in memory that forked processes share. A command or a file is so much more than an
 * addition that all add to the same ones.
 *
 * Never: a lock.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>

#include "ftp/server.h"
#include "weft/str.h"

struct weft__ftpd_counts *weft__ftpd_counts_new(void)
{
	struct weft__ftpd_counts *counts = mmap(
		NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (counts != MAP_FAILED)
		return counts;
	errno = ENOMEM;
	return NULL;
}

void weft__ftpd_counts_free(struct weft__ftpd_counts *counts)
{
	if (counts)
		munmap(counts, sizeof(*counts));
}

void weft_ftp_server_counts(struct weft_ftp_server *server, struct weft_ftp_counts *ret_counts)
{
	struct weft__ftpd_counts *counts = server->counts;

	*ret_counts = (struct weft_ftp_counts){
		.connections = atomic_load(&counts->connections),
		.refused = atomic_load(&counts->refused),
		.logins = atomic_load(&counts->logins),
		.logins_failed = atomic_load(&counts->logins_failed),
		.sessions = atomic_load(&counts->sessions),
		.commands = atomic_load(&counts->commands),
		.downloads = atomic_load(&counts->downloads),
		.uploads = atomic_load(&counts->uploads),
		.transfers_failed = atomic_load(&counts->transfers_failed),
		.bytes_sent = atomic_load(&counts->bytes_sent),
		.bytes_received = atomic_load(&counts->bytes_received),
	};
}

/* ---- Prometheus's text -------------------------------------------------------------------- */

struct metric {
	const char *name, *type, *help;
	uint64_t value;
};

int weft_ftp_server_metrics(struct weft_ftp_server *server, struct weft_str *text)
{
	struct weft_ftp_counts counts;

	weft_ftp_server_counts(server, &counts);
	const struct metric metrics[] = {
		{"connections_total", "counter", "Connections that were greeted.",
			counts.connections},
		{"refused_total", "counter",
			"Connections and log-ins of clients and users that had too many.",
			counts.refused},
		{"sessions", "gauge", "Sessions that are logged in now.", counts.sessions},
		{"logins_total", "counter", "Log-ins that succeeded.", counts.logins},
		{"logins_failed_total", "counter", "Log-ins that failed, or were turned away.",
			counts.logins_failed},
		{"commands_total", "counter", "Commands.", counts.commands},
		{"downloads_total", "counter", "Files that were sent, and acknowledged.",
			counts.downloads},
		{"uploads_total", "counter", "Files that were received, and acknowledged.",
			counts.uploads},
		{"transfers_failed_total", "counter", "Files of which that is not so.",
			counts.transfers_failed},
		{"received_bytes_total", "counter", "Bytes of files that came.",
			counts.bytes_received},
		{"sent_bytes_total", "counter", "Bytes of files and lists that went.",
			counts.bytes_sent},
	};

	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		weft_str_appendf(text,
			"# HELP weft_ftp_%s %s\n# TYPE weft_ftp_%s %s\nweft_ftp_%s %" PRIu64 "\n",
			metrics[i].name, metrics[i].help, metrics[i].name, metrics[i].type,
			metrics[i].name, metrics[i].value);
	return weft_str_error(text) ? -1 : 0;
}
