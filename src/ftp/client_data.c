/*
 * client_data.c - data connections: passive and active, plain and encrypted.
 *
 * Entry points: weft__ftp_data_prepare(), _begin(), _close().
 *
 *	passive	EPSV or PASV -> connected -> RETR -> 1xx -> TLS
 *	active	listening -> EPRT or PORT -> RETR -> 1xx -> accepted -> TLS
 *
 * Never: connects to a host that a reply names, or accepts a connection of another host than
 * the server's, unless the options trust it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ftp/client.h"
#include "io/stream.h"
#include "weft/scope.h"
#include "weft/socket.h"

/* Of strangers who connect while the server is awaited. */
#define STRANGERS_MAX 16

/* ---- Passive ------------------------------------------------------------------------ */

/* "(|||6446|)", any printable character in the place of '|': RFC 2428. 0: it is none. */
static unsigned epsv_port(const char *text)
{
	const char *at = strchr(text, '(');
	unsigned long port;
	char *end, mark;

	if (!at || !at[1] || at[2] != at[1] || at[3] != at[1])
		return 0;
	mark = at[1];
	at += 4;
	if (*at < '0' || *at > '9')
		return 0;
	port = strtoul(at, &end, 10);
	return *end == mark && port <= 65535 ? (unsigned)port : 0;
}

/* "h1,h2,h3,h4,p1,p2" somewhere in the text: RFC 1123, 4.1.2.6. */
static bool pasv_numbers(const char *text, unsigned numbers[6])
{
	for (; *text; text++) {
		const char *at = text;
		int count = 0;

		if (*text < '0' || *text > '9')
			continue;
		while (count < 6) {
			char *end;
			unsigned long number = strtoul(at, &end, 10);

			if (end == at || number > 255)
				break;
			numbers[count++] = (unsigned)number;
			if (count < 6 && (*end != ',' || end[1] < '0' || end[1] > '9'))
				break;
			at = end + 1;
		}
		if (count == 6)
			return true;
		text += strspn(text, "0123456789") - 1;
	}
	return false;
}

/* 1: the port is in *address; 0: the server has no EPSV; -1. */
static int ask_epsv(struct weft_ftp_client *client, struct weft_address *address)
{
	int code = weft__ftp_ask(client, "EPSV", NULL);
	unsigned port;

	if (code < 0)
		return -1;
	if (code / 100 == 5) {
		client->has_no_epsv = true;
		return 0;
	}
	if (code != 229)
		return weft__ftp_fail_reply(client, "EPSV");
	port = epsv_port(weft_str_text(&client->reply.text));
	if (port == 0)
		return weft__ftp_fail(client, WEFT_FTP_BAD_REPLY, EBADMSG,
			"The server's answer to EPSV names no port.");
	weft_address_set_port(address, (uint16_t)port);
	return 1;
}

static int ask_pasv(struct weft_ftp_client *client, struct weft_address *address)
{
	unsigned numbers[6];
	int code = weft__ftp_ask(client, "PASV", NULL);

	if (code < 0)
		return -1;
	if (code != 227)
		return weft__ftp_fail_reply(client, "PASV");
	if (!pasv_numbers(weft_str_text(&client->reply.text), numbers) ||
		numbers[4] * 256 + numbers[5] == 0)
		return weft__ftp_fail(client, WEFT_FTP_BAD_REPLY, EBADMSG,
			"The server's answer to PASV names no port.");
	if (client->options.trusts_address && weft_address_family(address) == AF_INET)
		address->in.sin_addr.s_addr =
			htonl(numbers[0] << 24 | numbers[1] << 16 | numbers[2] << 8 | numbers[3]);
	weft_address_set_port(address, (uint16_t)(numbers[4] * 256 + numbers[5]));
	return 0;
}

static int prepare_passive(struct weft_ftp_client *client, struct weft_ftp_file *transfer)
{
	struct weft_address address = client->peer;
	bool is_ip6 = weft_address_family(&address) == AF_INET6;
	char host[WEFT_ADDRESS_TEXT_MAX], what[WEFT_ADDRESS_TEXT_MAX + 64];
	int result = 0;

	if (!client->has_no_epsv && !client->options.trusts_address &&
		(is_ip6 || (client->features & WEFT_FTP_EPSV)))
		result = ask_epsv(client, &address);
	if (result == 0)
		result = ask_pasv(client, &address);
	if (result < 0)
		return -1;
	WEFT_WITH_TIMEOUT (weft__ftp_patience(client))
		transfer->stream = weft__stream_connect_any(&address, 1);
	if (transfer->stream)
		return 0;
	weft_address_print(&address, host, sizeof(host));
	snprintf(what, sizeof(what), "The data connection to %s can not be made", host);
	return weft__ftp_fail_errno(client, WEFT_FTP_NO_CONNECTION, what);
}

/* ---- Active ------------------------------------------------------------------------- */

/* At the address that the control connection has here. */
static int listen_here(struct weft_ftp_file *transfer, struct weft_address *ret_address)
{
	struct weft_address address = transfer->client->local;
	int fd = weft_socket(weft_address_family(&address), SOCK_STREAM, 0), error;

	if (fd < 0)
		return -1;
	weft_address_set_port(&address, 0);
	if (weft_bind(fd, &address.any, address.len) == 0 && weft_listen(fd, 1) == 0 &&
		weft_getsockname(fd, ret_address) == 0) {
		transfer->listen_fd = fd;
		return 0;
	}
	error = errno;
	weft_close(fd);
	errno = error;
	return -1;
}

/* RFC 2428, or RFC 959 for a server that has only that. */
static int tell_port(struct weft_ftp_client *client, const struct weft_address *address)
{
	char host[WEFT_ADDRESS_TEXT_MAX], text[WEFT_ADDRESS_TEXT_MAX + 16];
	bool is_ip6 = weft_address_family(address) == AF_INET6;
	unsigned port = weft_address_port(address);
	int code = 500;

	weft_address_print_host(address, host, sizeof(host));
	snprintf(text, sizeof(text), "|%d|%s|%u|", is_ip6 ? 2 : 1, host, port);
	if (is_ip6 || (client->features & WEFT_FTP_EPRT))
		code = weft__ftp_ask(client, "EPRT", text);
	if (code / 100 == 5 && !is_ip6) {
		for (char *dot = host; (dot = strchr(dot, '.'));)
			*dot = ',';
		snprintf(text, sizeof(text), "%s,%u,%u", host, port >> 8, port & 255);
		code = weft__ftp_ask(client, "PORT", text);
	}
	if (code < 0)
		return -1;
	return code / 100 == 2 ? 0 : weft__ftp_fail_reply(client, "The server will not connect");
}

static int prepare_active(struct weft_ftp_client *client, struct weft_ftp_file *transfer)
{
	struct weft_address address;

	if (listen_here(transfer, &address) < 0)
		return weft__ftp_fail_errno(client, WEFT_FTP_NO_CONNECTION,
			"The server's connection can not be awaited");
	return tell_port(client, &address);
}

static bool is_server(const struct weft_ftp_client *client, const struct weft_address *peer)
{
	struct weft_address one = *peer, other = client->peer;

	weft_address_set_port(&one, 0);
	weft_address_set_port(&other, 0);
	return client->options.trusts_address || weft_address_equal(&one, &other);
}

static int accept_server(struct weft_ftp_client *client, struct weft_ftp_file *transfer)
{
	for (int i = 0; i < STRANGERS_MAX; i++) {
		struct weft_address peer = {.len = sizeof(peer.in6)};
		int fd = weft_accept(transfer->listen_fd, &peer.any, &peer.len);

		if (fd < 0)
			return -1;
		if (!is_server(client, &peer)) {
			weft_close(fd);
			continue;
		}
		transfer->stream = weft_stream_new(fd);
		if (transfer->stream)
			return 0;
		weft_close(fd);
		errno = ENOMEM;
		return -1;
	}
	errno = ECONNREFUSED;
	return -1;
}

/* ---- Both --------------------------------------------------------------------------- */

int weft__ftp_data_prepare(struct weft_ftp_client *client, struct weft_ftp_file *transfer)
{
	return client->options.is_active ? prepare_active(client, transfer)
					 : prepare_passive(client, transfer);
}

int weft__ftp_data_begin(struct weft_ftp_client *client, struct weft_ftp_file *transfer)
{
	int result = 0;

	if (transfer->listen_fd >= 0) {
		WEFT_WITH_TIMEOUT (weft__ftp_patience(client))
			result = accept_server(client, transfer);
		if (result < 0)
			return weft__ftp_fail_errno(client, WEFT_FTP_NO_CONNECTION,
				"The server did not make the data connection");
		weft_close(transfer->listen_fd);
		transfer->listen_fd = -1;
	}
	if (!client->has_private_data)
		return 0;
	return weft__ftp_start_tls(client, transfer->stream, client->control);
}

void weft__ftp_data_close(struct weft_ftp_file *transfer, bool is_abort)
{
	const struct linger reset = {.l_onoff = 1};

	if (transfer->stream && is_abort) {
		/* Not a word of goodbye: that would make a whole file of what was sent. */
		transfer->stream->is_torn = true;
		weft_setsockopt(weft_stream_fd(transfer->stream), SOL_SOCKET, SO_LINGER, &reset,
			sizeof(reset));
	}
	weft_stream_free(transfer->stream);
	transfer->stream = NULL;
	if (transfer->listen_fd >= 0)
		weft_close(transfer->listen_fd);
	transfer->listen_fd = -1;
}
