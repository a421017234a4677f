/*
 * client_transfer.c - a file on the server as a stream.
 *
 * Entry points: weft_ftp_client_retrieve(), _store(), _append(); weft_ftp_file_read(),
 * _write(), _end(), _abort().
 *
 * Both ends say that they are through: the data connection ends (with close_notify, under
 * TLS), and then the server says 226. Only both together are a whole file.
 *
 * Never: lets a broken-off upload look finished, or leaves a reply behind for the next command.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ftp/client.h"
#include "weft/fiber.h"
#include "weft/scope.h"

/* For the server's reason, when it takes no more of an upload. */
#define REASON_NS WEFT_SECONDS(10)

/* ---- Beginning ---------------------------------------------------------------------- */

/* RFC 3659, section 5: right before the command that it is for. */
static int restart_at(struct weft_ftp_client *client, int64_t offset)
{
	char text[24];
	int code;

	if (offset == 0)
		return 0;
	snprintf(text, sizeof(text), "%lld", (long long)offset);
	code = weft__ftp_ask(client, "REST", text);
	if (code < 0 || code / 100 == 3)
		return code < 0 ? -1 : 0;
	weft__ftp_fail_reply(client, "The server can not begin in the middle");
	client->fault.error = errno = ENOSYS;
	return -1;
}

static int make_binary(struct weft_ftp_client *client)
{
	if (client->is_binary)
		return 0;
	if (weft__ftp_order(client, "TYPE", "I") < 0)
		return -1;
	client->is_binary = true;
	return 0;
}

static int begin(
	struct weft_ftp_file *transfer, const char *verb, const char *argument, int64_t offset)
{
	struct weft_ftp_client *client = transfer->client;
	int code;

	if (make_binary(client) < 0 || weft__ftp_data_prepare(client, transfer) < 0 ||
		restart_at(client, offset) < 0)
		return -1;
	code = weft__ftp_send(client, verb, argument) < 0 ? -1 : weft__ftp_await(client);
	if (code < 0)
		return -1;
	if (code >= 400)
		return weft__ftp_fail_order(client, verb, argument);
	if (code >= 200) {
		weft__ftp_hang_up(client);
		return weft__ftp_fail(client, WEFT_FTP_BAD_REPLY, EBADMSG,
			"The server answers %d before any data has come.", code);
	}
	client->transfer = transfer;
	if (weft__ftp_data_begin(client, transfer) == 0)
		return 0;
	transfer->has_failed = true;
	return -1;
}

struct weft_ftp_file *weft__ftp_file_new(struct weft_ftp_client *client, const char *verb,
	const char *argument, int64_t offset, bool is_upload)
{
	struct weft_ftp_file *transfer;

	if (argument && weft__ftp_check_path(client, argument) < 0)
		return NULL;
	if (offset < 0) {
		weft__ftp_fail(client, WEFT_FTP_BAD_ARGUMENT, EINVAL, "No file begins there.");
		return NULL;
	}
	transfer = calloc(1, sizeof(*transfer));
	if (!transfer) {
		weft__ftp_fail_errno(client, WEFT_FTP_OTHER_FAULT, "There is no memory");
		return NULL;
	}
	*transfer =
		(struct weft_ftp_file){.client = client, .listen_fd = -1, .is_upload = is_upload};
	if (begin(transfer, verb, argument, offset) == 0)
		return transfer;
	if (client->transfer == transfer) {
		weft_ftp_file_abort(transfer);
		return NULL;
	}
	weft__ftp_data_close(transfer, true);
	free(transfer);
	errno = client->fault.error;
	return NULL;
}

struct weft_ftp_file *weft_ftp_client_retrieve(
	struct weft_ftp_client *client, const char *path, int64_t offset)
{
	return weft__ftp_file_new(client, "RETR", path, offset, false);
}

struct weft_ftp_file *weft_ftp_client_store(
	struct weft_ftp_client *client, const char *path, int64_t offset)
{
	return weft__ftp_file_new(client, "STOR", path, offset, true);
}

struct weft_ftp_file *weft_ftp_client_append(struct weft_ftp_client *client, const char *path)
{
	return weft__ftp_file_new(client, "APPE", path, 0, true);
}

/* ---- Data --------------------------------------------------------------------------- */

static int fail_data(struct weft_ftp_file *transfer, const char *what)
{
	const struct weft_tls_fault *fault = weft_stream_tls_fault(transfer->stream);

	transfer->has_failed = true;
	if (fault->kind == WEFT_TLS_CUT_OFF)
		return weft__ftp_fail(transfer->client, WEFT_FTP_CUT_OFF, EPROTO,
			"The data connection ended without TLS's close_notify: the file may have "
			"been cut short.");
	if (fault->kind != WEFT_TLS_NO_FAULT)
		return weft__ftp_fail(
			transfer->client, WEFT_FTP_CUT_OFF, EPROTO, "%s", fault->text);
	return weft__ftp_fail_errno(transfer->client, WEFT_FTP_CUT_OFF, what);
}

ssize_t weft_ftp_file_read(struct weft_ftp_file *transfer, void *buffer, size_t size_bytes)
{
	ssize_t len = -1;

	if (transfer->is_at_end)
		return 0;
	WEFT_WITH_TIMEOUT (weft__ftp_patience(transfer->client))
		len = weft_stream_read(transfer->stream, buffer, size_bytes);
	if (len < 0)
		return fail_data(transfer, "The data connection broke");
	transfer->is_at_end = len == 0;
	return len;
}

int weft__ftp_file_line(struct weft_ftp_file *transfer, char line[WEFT_FTP_LINE_MAX + 2])
{
	const char *lent;
	ssize_t len = -1;

	WEFT_WITH_TIMEOUT (weft__ftp_patience(transfer->client))
		len = weft_stream_readline(transfer->stream, &lent);
	if (len < 0 && errno == EMSGSIZE) {
		transfer->has_failed = true;
		return weft__ftp_fail(transfer->client, WEFT_FTP_BAD_REPLY, EBADMSG,
			"The server's listing has a line that is too long.");
	}
	if (len < 0)
		return fail_data(transfer, "The listing broke off");
	if (len == 0) {
		transfer->is_at_end = true;
		return 0;
	}
	if (lent[len - 1] == '\n')
		len--;
	if (len > 0 && lent[len - 1] == '\r')
		len--;
	if (len > WEFT_FTP_LINE_MAX)
		len = WEFT_FTP_LINE_MAX;
	memcpy(line, lent, (size_t)len);
	line[len] = '\0';
	/* No name has a NUL in it: what is behind one would be another line to another reader. */
	if (strlen(line) != (size_t)len)
		line[0] = '\0';
	return 1;
}

int weft_ftp_file_write(struct weft_ftp_file *transfer, const void *data, size_t len)
{
	int result = -1;

	WEFT_WITH_TIMEOUT (weft__ftp_patience(transfer->client))
		result = weft_stream_write_all(transfer->stream, data, len);
	return result < 0 ? fail_data(transfer, "The server takes no more data") : 0;
}

/* ---- The end ------------------------------------------------------------------------ */

static void transfer_free(struct weft_ftp_file *transfer, bool is_abort)
{
	weft__ftp_data_close(transfer, is_abort);
	transfer->client->transfer = NULL;
	free(transfer);
}

/*
 * The replies still to come: the transfer's, that to ABOR, and that to PWD, which alone is 257
 * and so tells that there are no more. Servers answer in any order but that, and some leave the
 * first one out.
 */
static void await_silence(struct weft_ftp_client *client)
{
	int code =
		weft__ftp_send(client, "ABOR", NULL) < 0 || weft__ftp_send(client, "PWD", NULL) < 0
			? -1
			: 0;

	for (int i = 0; i < 3 && code >= 0 && code != 257; i++)
		code = weft__ftp_await(client);
}

void weft_ftp_file_abort(struct weft_ftp_file *transfer)
{
	int saved_errno = errno;
	struct weft_ftp_client *client;
	struct weft_ftp_fault fault;

	if (!transfer)
		return;
	client = transfer->client;
	fault = client->fault;
	transfer_free(transfer, true);
	if (client->control)
		WEFT_SHIELDED
			WEFT_WITH_TIMEOUT (WEFT__FTP_ABORT_NS)
				await_silence(client);
	client->fault = fault;
	errno = saved_errno;
}

/* Whoever refuses an upload half-way says why on the control connection. */
static int end_broken_upload(struct weft_ftp_file *transfer)
{
	struct weft_ftp_client *client = transfer->client;
	struct weft_ftp_fault fault = client->fault;
	int code = -1;

	transfer_free(transfer, true);
	WEFT_WITH_TIMEOUT (REASON_NS)
		code = weft__ftp_await(client);
	if (code >= 400)
		return weft__ftp_fail_reply(client, "The server takes no more data");
	if (code < 0)
		weft__ftp_hang_up(client);
	client->fault = fault;
	errno = fault.error;
	return -1;
}

static int finish_upload(struct weft_ftp_file *transfer)
{
	char rest[256];
	int result = -1;

	WEFT_WITH_TIMEOUT (weft__ftp_patience(transfer->client))
		result = weft_stream_shutdown_write(transfer->stream);
	if (result < 0)
		return fail_data(transfer, "The server takes no more data");
	/* Its end, and its close_notify; what is missing of that, 226 makes up for. */
	WEFT_WITH_TIMEOUT (weft__ftp_patience(transfer->client))
		while (weft_stream_read(transfer->stream, rest, sizeof(rest)) > 0)
			;
	return 0;
}

static void finish_download(struct weft_ftp_file *transfer)
{
	WEFT_WITH_TIMEOUT (weft__ftp_patience(transfer->client))
		weft_stream_shutdown_write(transfer->stream);
}

int weft_ftp_file_end(struct weft_ftp_file *transfer)
{
	struct weft_ftp_client *client = transfer->client;
	int code;

	if (transfer->is_upload && !transfer->has_failed)
		finish_upload(transfer);
	if (transfer->is_upload && transfer->has_failed && !weft_interrupted() &&
		client->fault.kind == WEFT_FTP_CUT_OFF)
		return end_broken_upload(transfer);
	if (transfer->has_failed || (!transfer->is_upload && !transfer->is_at_end)) {
		int result = transfer->has_failed ? -1 : 0;

		weft_ftp_file_abort(transfer);
		errno = result < 0 ? client->fault.error : errno;
		return result;
	}
	if (!transfer->is_upload)
		finish_download(transfer);
	transfer_free(transfer, false);
	code = weft__ftp_await(client);
	if (code < 0)
		return -1;
	if (code / 100 == 2)
		return 0;
	/* Whatever it begins or asks for now, what follows would be taken for another's answer. */
	if (code < 400)
		weft__ftp_hang_up(client);
	return weft__ftp_fail_reply(client, "The transfer failed");
}
