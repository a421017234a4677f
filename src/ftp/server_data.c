/*
 * server_data.c - data connections are made: accepted or called for, and encrypted.
 *
 * Entry points: weft__ftpd_data_is_meant(), weft__ftpd_data_open(), weft__ftpd_data_secure().
 *
 *	PASV: accept -> of the peer's host? -- no: close it, wait for the next
 *	PORT: connect, from the address that the peer has reached
 *	both -> 150 -> (TLS, by PROT P) -> the transfer
 *
 * A stranger who calls at a passive port first gets nothing, and keeps nobody from coming after
 * him. With needs_resumed_data even somebody behind the same address gets nothing: he has no
 * session to go on from.
 *
 * Never: data before the peer is known to be the one who asked.
 */
#include <errno.h>

#include "ftp/server_transfer.h"
#include "io/stream.h"
#include "weft/scope.h"
#include "weft/socket.h"

/* One connection at the passive port, of whomever. */
static struct weft_stream *accept_one(int listening_fd)
{
	struct weft_address peer = {.len = sizeof(struct sockaddr_storage)};
	struct weft_stream *stream;
	int fd;

	peer.len = sizeof(peer) - offsetof(struct weft_address, any);
	fd = weft_accept(listening_fd, &peer.any, &peer.len);
	if (fd < 0)
		return NULL;
	stream = weft__stream_new_accepted(fd, &peer);
	if (!stream)
		weft_close(fd);
	return stream;
}

static struct weft_stream *await_peer(
	struct weft__ftpd_session *session, struct weft__ftpd_watch *watch)
{
	const struct weft_address *peer = weft_stream_peer(session->control);

	weft__ftpd_watch_aim(watch, session->data.fd);
	for (unsigned strangers = 0; strangers <= WEFT__FTPD_STRANGERS_MAX; strangers++) {
		struct weft_stream *stream = accept_one(session->data.fd);

		if (!stream || weft__ftpd_is_same_host(weft_stream_peer(stream), peer))
			return stream;
		weft_stream_free(stream);
	}
	errno = EACCES;
	return NULL;
}

static struct weft_stream *call_peer(
	struct weft__ftpd_session *session, struct weft__ftpd_watch *watch)
{
	const struct weft_address *to = &session->data.address;
	struct weft_address from = *weft_stream_local(session->control);
	int fd = weft_socket(weft_address_family(to), SOCK_STREAM, 0);
	struct weft_stream *stream = NULL;
	int on = 1, saved;

	if (fd < 0)
		return NULL;
	/* Where the control connection has one family and PORT names the other, the kernel knows.
	 */
	weft_address_set_port(&from, 0);
	if (weft_address_family(&from) == weft_address_family(to))
		(void)weft_bind(fd, &from.any, from.len);
	(void)weft_setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof(on));
	weft__ftpd_watch_aim(watch, fd);
	if (weft_connect(fd, &to->any, to->len) == 0)
		stream = weft__stream_new_socket(fd);
	if (stream)
		return stream;
	saved = errno;
	weft__ftpd_watch_aim(watch, -1);
	weft_close(fd);
	errno = saved;
	return NULL;
}

bool weft__ftpd_data_is_meant(struct weft__ftpd_session *session)
{
	if (session->data.kind == WEFT__FTPD_NO_DATA)
		weft__ftpd_reply(session, 425, "Say PASV, EPSV or PORT first.");
	else if (session->options->needs_tls && !session->is_private && !session->is_anonymous)
		weft__ftpd_reply(session, 521, "Say PROT P first: data must be encrypted here.");
	else
		return true;
	return false;
}

struct weft_stream *weft__ftpd_data_open(
	struct weft__ftpd_session *session, struct weft__ftpd_watch *watch)
{
	struct weft_stream *stream = NULL;

	WEFT_WITH_TIMEOUT (session->options->connect_timeout_ns)
		stream = session->data.kind == WEFT__FTPD_PASSIVE ? await_peer(session, watch)
								  : call_peer(session, watch);
	if (stream)
		weft__ftpd_watch_aim(watch, weft_stream_fd(stream));
	return stream;
}

int weft__ftpd_data_secure(struct weft__ftpd_session *session, struct weft_stream *stream,
	int *ret_code, const char **ret_text)
{
	int result = -1;

	if (!session->is_private)
		return 0;
	WEFT_WITH_TIMEOUT (WEFT__FTPD_HANDSHAKE_TIMEOUT_NS)
		result = weft_stream_start_tls_beside(stream, session->control);
	*ret_code = 425;
	*ret_text = "The data connection's TLS failed.";
	if (result < 0 || !session->options->needs_resumed_data ||
		weft_stream_tls(stream)->is_resumed)
		return result;
	*ret_code = 522;
	*ret_text = "Data connections must resume the TLS session of this one.";
	return -1;
}
