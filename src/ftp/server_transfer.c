/*
 * server_transfer.c - see server_transfer.h.
 *
 * The order of a transfer, which clients rely on: what can be refused is refused before the data
 * connection is touched; 150; TLS; the data; the data connection's end; then the one last reply.
 *
 * Never: 226 for what did not wholly go over.
 */
#include "ftp/server_transfer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/stream.h"
#include "weft/scope.h"
#include "weft/transfer.h"

/** Of a path in the list of transfers: so long that it is cut there, between characters. */
#define WHAT_SIZE 1024

/* ---- The log, the counts ----------------------------------------------------------------- */

static void tell(struct weft__ftpd_transfer *transfer, int error)
{
	struct weft__ftpd_session *session = transfer->session;
	const struct weft_ftp_server_options *options = session->options;
	char peer[WEFT_ADDRESS_TEXT_MAX];
	const struct weft_ftp_transfer told = {
		.peer = peer,
		.name = session->visitor.name ? session->visitor.name
			: session->name       ? session->name
					      : "",
		.path = transfer->path,
		.command = transfer->command,
		.bytes = transfer->bytes,
		.duration_ns = weft_now() - transfer->begun_ns,
		.is_upload = transfer->is_upload,
		.is_anonymous = session->is_anonymous,
		.is_ascii = session->is_ascii,
		.is_encrypted = session->is_private,
		.error = error,
	};

	weft_address_print_host(weft_stream_peer(session->control), peer, sizeof(peer));
	if (options->on_transfer)
		options->on_transfer(&told, options->arg);
	if (options->log)
		weft_ftp_log_add(options->log, &told);
}

/* For who looks while it is under way. */
static void list(struct weft__ftpd_transfer *transfer)
{
	struct weft__ftpd_session *session = transfer->session;
	struct weft_transfers *transfers = session->options->transfers;
	char peer[WEFT_ADDRESS_TEXT_MAX];
	char what[WHAT_SIZE];
	const struct weft_transfer_options options = {
		.door = weft_stream_tls(session->control) ? "ftps" : "ftp",
		.peer = peer,
		.person = session->is_anonymous   ? ""
			  : session->visitor.name ? session->visitor.name
						  : session->name,
		.what = what,
		.is_upload = transfer->is_upload,
		.total = transfer->total > 0 ? transfer->total : -1};

	if (!transfers || !transfer->is_file)
		return;
	weft_address_print(weft_stream_peer(session->control), peer, sizeof(peer));
	snprintf(what, sizeof(what), "/%s", transfer->path);
	transfer->listed = weft_transfer_begin(transfers, &options);
}

static void count(struct weft__ftpd_transfer *transfer, int error)
{
	struct weft__ftpd_counts *counts = transfer->session->server->counts;

	atomic_fetch_add(transfer->is_upload ? &counts->bytes_received : &counts->bytes_sent,
		(uint64_t)transfer->bytes);
	if (!transfer->is_file)
		return;
	atomic_fetch_add(error                 ? &counts->transfers_failed
			 : transfer->is_upload ? &counts->uploads
					       : &counts->downloads,
		1);
	tell(transfer, error);
}

/* ---- Rates ------------------------------------------------------------------------------- */

static int64_t least_of(int64_t rate, int64_t other)
{
	return rate == 0 || (other > 0 && other < rate) ? other : rate;
}

static void take_rates(struct weft__ftpd_transfer *transfer)
{
	const struct weft_ftp_server_options *options = transfer->session->options;

	if (!transfer->is_file)
		return;
	transfer->rate = weft__ftpd_rate(
		transfer->is_upload ? &options->upload_rate : &options->download_rate);
	transfer->rate_per_client = weft__ftpd_rate(&options->rate_per_client);
	transfer->least = least_of(transfer->rate, transfer->rate_per_client);
	if (transfer->session->user) {
		transfer->rate_per_user = weft__ftpd_rate(&options->rate_per_user);
		transfer->least = least_of(transfer->least, transfer->rate_per_user);
	}
}

static int64_t time_for(int64_t bytes, int64_t rate)
{
	return (int64_t)((double)bytes / (double)rate * 1e9);
}

/* When so many bytes more would be over, at the rates that all of its client or user share. */
static int64_t shared_due_ns(const struct weft__ftpd_transfer *transfer, size_t len)
{
	const struct weft__ftpd_session *session = transfer->session;
	int64_t due_ns = 0, user_due_ns = 0;
	struct in6_addr client;
	size_t client_len;

	if (transfer->rate_per_client > 0 &&
		(client_len = weft__ftpd_client_of(session->control, &client)) > 0)
		due_ns = weft__ftpd_crowd_charge(session->server->clients, &client, client_len,
			time_for((int64_t)len, transfer->rate_per_client));
	if (transfer->rate_per_user > 0)
		user_due_ns = weft__ftpd_crowd_charge(session->server->users, session->user,
			strlen(session->user), time_for((int64_t)len, transfer->rate_per_user));
	return user_due_ns > due_ns ? user_due_ns : due_ns;
}

size_t weft__ftpd_transfer_piece(const struct weft__ftpd_transfer *transfer, size_t max)
{
	size_t piece = (size_t)(transfer->least / 8);

	if (transfer->least == 0 || piece > max)
		return max;
	return piece > 512 ? piece : 512;
}

/* When it may go on, by all the rates that hold. */
static int64_t due_ns(const struct weft__ftpd_transfer *transfer, size_t len)
{
	int64_t own_ns = 0, shared_ns = shared_due_ns(transfer, len);

	if (transfer->rate > 0)
		own_ns = transfer->begun_ns + time_for(transfer->bytes, transfer->rate);
	return own_ns > shared_ns ? own_ns : shared_ns;
}

static int keep_to_rates(const struct weft__ftpd_transfer *transfer, size_t len)
{
	int64_t due = due_ns(transfer, len), nap_ns;

	while (!weft__ftpd_watch_is_over(transfer->watch) &&
		(nap_ns = due - weft_now()) > WEFT__FTPD_RATE_SLACK_NS)
		if (weft_sleep(nap_ns < WEFT__FTPD_RATE_NAP_NS ? nap_ns : WEFT__FTPD_RATE_NAP_NS) <
			0)
			return -1;
	return 0;
}

/* ---- Begin ------------------------------------------------------------------------------- */

/* 0; or there is no data connection, and that is to be replied. */
static int make_connection(struct weft__ftpd_transfer *transfer, const char *what)
{
	struct weft__ftpd_session *session = transfer->session;

	/* Who waits for an answer to something before may be waiting for it to connect. */
	errno = ENOTCONN;
	if (weft__ftpd_flush(session) == 0) {
		transfer->watch = weft__ftpd_watch_start(session);
		transfer->stream = weft__ftpd_data_open(session, transfer->watch);
	}
	if (!transfer->stream) {
		transfer->code = 425;
		transfer->text = errno == EACCES ? "Only strangers called at the data port."
						 : "No data connection could be made.";
		return -1;
	}
	transfer->code = 425;
	transfer->text = "The connection is lost.";
	if (weft__ftpd_watch_announce(session, transfer->watch, what) < 0 ||
		weft__ftpd_data_secure(
			session, transfer->stream, &transfer->code, &transfer->text) < 0)
		return -1;
	transfer->code = 0;
	return 0;
}

int weft__ftpd_transfer_begin(struct weft__ftpd_transfer *transfer, const char *what)
{
	struct weft__ftpd_session *session = transfer->session;

	transfer->begun_ns = weft_now();
	take_rates(transfer);
	if (!weft__ftpd_data_is_meant(session)) {
		count(transfer, ENOTCONN);
		return -1;
	}
	if (make_connection(transfer, what) == 0) {
		transfer->begun_ns = weft_now();
		list(transfer);
		return 0;
	}
	weft__ftpd_transfer_end(transfer, transfer->stream ? EPROTO : ENOTCONN);
	transfer->watch = NULL;
	return -1;
}

/* ---- On the way -------------------------------------------------------------------------- */

int weft__ftpd_transfer_went(struct weft__ftpd_transfer *transfer, size_t len)
{
	transfer->bytes += (int64_t)len;
	if (transfer->watch)
		atomic_store_explicit(
			&transfer->watch->bytes, transfer->bytes, memory_order_relaxed);
	weft_transfer_at(transfer->listed, transfer->bytes);
	if (transfer->least > 0 && keep_to_rates(transfer, len) < 0)
		return -1;
	if (!weft__ftpd_watch_is_over(transfer->watch))
		return 0;
	errno = ECANCELED;
	return -1;
}

int weft__ftpd_transfer_close_write(struct weft__ftpd_transfer *transfer)
{
	int result = -1;

	WEFT_WITH_TIMEOUT (transfer->session->options->data_timeout_ns)
		result = weft_stream_shutdown_write(transfer->stream);
	return result;
}

/* ---- End --------------------------------------------------------------------------------- */

/* What has happened to the connection is said as such, and not as the disk's trouble. */
static bool is_of_network(int error)
{
	return error == ECONNRESET || error == EPIPE || error == ENOTCONN || error == ESHUTDOWN;
}

static int reply_failure(struct weft__ftpd_transfer *transfer, bool is_over, int error)
{
	struct weft__ftpd_session *session = transfer->session;
	const char *kept = transfer->is_kept ? " What has come is kept for REST." : "";
	const char *text;
	int code;

	if (is_over)
		return weft__ftpd_reply(session, 426, "The transfer was ended.%s", kept);
	if (transfer->code)
		return weft__ftpd_reply(session, transfer->code, "%s", transfer->text);
	if (is_of_network(error))
		return weft__ftpd_reply(session, 426, "The data connection is lost.%s", kept);
	if (error == EPROTO)
		return weft__ftpd_reply(
			session, 426, "The data connection ended without TLS's farewell.%s", kept);
	if (error == ETIMEDOUT)
		return weft__ftpd_reply(session, 426, "The data connection was too slow.%s", kept);
	code = weft__ftpd_code_of(error, &text);
	/* Once data has flowed, what is wrong is the disk or the quota, and the code of the end. */
	return weft__ftpd_reply(session, code == 550 || code == 504 ? 451 : code, "%s", text);
}

/* What the peer sends until it has read the reply, or all that it had. */
static void drain(struct weft_stream *stream)
{
	char *room = malloc(WEFT__FTPD_CHUNK);
	int64_t left = WEFT__FTPD_DRAIN_MAX;

	WEFT_WITH_TIMEOUT (WEFT__FTPD_DRAIN_NS)
		while (room && left > 0) {
			ssize_t len = weft_stream_read(stream, room, WEFT__FTPD_CHUNK);

			left = len > 0 ? left - len : 0;
		}
	free(room);
}

/* The reply is made: it goes out first, for those who read it while they send. */
static void drain_politely(struct weft__ftpd_transfer *transfer)
{
	atomic_uint *drains = &transfer->session->server->drains;

	if (atomic_fetch_add(drains, 1) < WEFT__FTPD_DRAINS_MAX &&
		weft__ftpd_flush(transfer->session) == 0)
		drain(transfer->stream);
	atomic_fetch_sub(drains, 1);
}

int weft__ftpd_transfer_end(struct weft__ftpd_transfer *transfer, int error)
{
	bool is_over = weft__ftpd_watch_is_over(transfer->watch);

	weft__ftpd_watch_stop(transfer->watch);
	weft_transfer_end(transfer->listed);
	if (!transfer->drains || is_over)
		weft_stream_free(transfer->stream);
	if (!error && transfer->code)
		weft__ftpd_reply(transfer->session, transfer->code, "%s", transfer->text);
	else if (!error)
		weft__ftpd_reply(transfer->session, 226, "Done.");
	else
		reply_failure(transfer, is_over, error);
	count(transfer, error);
	if (transfer->drains && !is_over) {
		drain_politely(transfer);
		weft_stream_free(transfer->stream);
	}
	return 0;
}
