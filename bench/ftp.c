/*
 * ftp.c - the client of the subjects of FTP: one command after the other, data thrown away.
 *
 * Entry points: ftp_open(), ftp_get(), ftp_put(), ftp_close(); ftp_http_get().
 * Never: a reply taken on trust; what is not as it should be ends the measurement.
 */
#include "ftp.h"

#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)256 * 1024)

static char piece[PIECE];

/* ---- Commands ------------------------------------------------------------------------ */

/* The last line of a reply, which has to be of this kind ("2"); text: what follows the code. */
static int expect(struct ftp *ftp, char kind, char *ret_text, size_t size)
{
	const char *line;
	ssize_t len;

	do
		len = weft_stream_readline(ftp->control, &line);
	while (len >= 4 && !(strspn(line, "0123456789") == 3 && line[3] == ' '));
	if (len < 4 || line[0] != kind) {
		fprintf(stderr, "weft-bench: FTP: not as expected: %.*s\n",
			(int)(len > 0 ? len : 0), len > 0 ? line : "");
		return -1;
	}
	if (ret_text)
		snprintf(ret_text, size, "%.*s", (int)(len - 4), line + 4);
	return 0;
}

static int command(struct ftp *ftp, const char *text, char kind)
{
	if (weft_stream_printf(ftp->control, "%s\r\n", text) < 0 ||
		weft_stream_flush(ftp->control) < 0)
		return -1;
	return expect(ftp, kind, NULL, 0);
}

static int encrypt(struct ftp *ftp, struct weft_tls *tls)
{
	if (command(ftp, "AUTH TLS", '2') < 0 ||
		weft_stream_start_tls(ftp->control, tls, NULL) < 0 ||
		command(ftp, "PBSZ 0", '2') < 0 || command(ftp, "PROT P", '2') < 0)
		return -1;
	ftp->is_encrypted = true;
	return 0;
}

int ftp_open(struct ftp *ftp, const struct ftp_server *server, struct weft_tls *tls)
{
	char user[64];

	*ftp = (struct ftp){.control = weft_stream_connect(server->ftp)};
	snprintf(user, sizeof(user), "USER %s", server->name);
	if (ftp->control && expect(ftp, '2', NULL, 0) == 0 && (!tls || encrypt(ftp, tls) == 0) &&
		command(ftp, user, '3') == 0 && command(ftp, "PASS secret", '2') == 0 &&
		command(ftp, "TYPE I", '2') == 0 &&
		(!server->base[0] || command(ftp, server->base, '2') == 0))
		return 0;
	ftp_close(ftp);
	return -1;
}

void ftp_close(struct ftp *ftp)
{
	weft_stream_free(ftp->control);
	ftp->control = NULL;
}

/* ---- Data ----------------------------------------------------------------------------- */

/* Where EPSV says, and the command sent; the connection is encrypted if it has to be. */
static struct weft_stream *open_data(struct ftp *ftp, const char *text, int64_t *ret_sent_at)
{
	char reply[128], address[32];
	const char *port;
	struct weft_stream *data;

	if (weft_stream_write_all(ftp->control, "EPSV\r\n", 6) < 0 ||
		weft_stream_flush(ftp->control) < 0 || expect(ftp, '2', reply, sizeof(reply)) < 0 ||
		!(port = strstr(reply, "|||")))
		return NULL;
	snprintf(address, sizeof(address), "127.0.0.1:%lu", strtoul(port + 3, NULL, 10));
	data = weft_stream_connect(address);
	*ret_sent_at = bench_now();
	if (data && command(ftp, text, '1') == 0 &&
		(!ftp->is_encrypted || weft_stream_start_tls_beside(data, ftp->control) == 0))
		return data;
	weft_stream_free(data);
	return NULL;
}

int ftp_get(struct ftp *ftp, const char *text, struct ftp_got *ret_got)
{
	struct ftp_got got = {0};
	int64_t sent_at;
	struct weft_stream *data = open_data(ftp, text, &sent_at);
	ssize_t len = -1;

	while (data && (len = weft_stream_read(data, piece, sizeof(piece))) > 0) {
		if (got.bytes == 0)
			got.first_ns = bench_now() - sent_at;
		got.bytes += len;
	}
	weft_stream_free(data);
	if (len < 0 || expect(ftp, '2', NULL, 0) < 0)
		return -1;
	got.all_ns = bench_now() - sent_at;
	*ret_got = got;
	return 0;
}

int ftp_put(struct ftp *ftp, const char *text, int64_t len)
{
	int64_t sent_at;
	struct weft_stream *data = open_data(ftp, text, &sent_at);
	int result = data ? 0 : -1;

	while (result == 0 && len > 0) {
		size_t some = len < (int64_t)sizeof(piece) ? (size_t)len : sizeof(piece);

		result = weft_stream_write_all(data, piece, some);
		len -= (int64_t)some;
	}
	if (result == 0)
		result = weft_stream_shutdown_write(data);
	if (result == 0)
		result = expect(ftp, '2', NULL, 0);
	weft_stream_free(data);
	return result;
}

/* ---- The same file by HTTP ----------------------------------------------------------------- */

/* The head of a 200; its Content-Length, or -1. */
static int64_t read_head(struct weft_stream *stream)
{
	int64_t len = -1;
	bool is_good = false;
	const char *line;
	ssize_t got;

	for (unsigned i = 0; (got = weft_stream_readline(stream, &line)) > 2; i++) {
		if (i == 0)
			is_good = strncmp(line, "HTTP/1.1 200", 12) == 0;
		else if (strncasecmp(line, "content-length:", 15) == 0)
			len = strtoll(line + 15, NULL, 10);
	}
	return got > 0 && is_good ? len : -1;
}

int64_t ftp_http_get(struct weft_stream *stream, const char *path)
{
	int64_t len, left;

	/* anna, secret: as ftp_room.c has it. */
	if (weft_stream_printf(stream,
		    "GET %s HTTP/1.1\r\nHost: localhost\r\n"
		    "Authorization: Basic YW5uYTpzZWNyZXQ=\r\n\r\n",
		    path) < 0 ||
		weft_stream_flush(stream) < 0)
		return -1;
	len = left = read_head(stream);
	while (left > 0) {
		size_t want = left < (int64_t)sizeof(piece) ? (size_t)left : sizeof(piece);
		ssize_t got = weft_stream_read(stream, piece, want);

		if (got <= 0)
			return -1;
		left -= got;
	}
	return len;
}
