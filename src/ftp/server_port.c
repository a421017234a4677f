/*
 * server_port.c - PORT, EPRT, PASV, EPSV: where the next data connection is to go (RFC 959, section
 * 4.1.2; RFC 2428).
 *
 * PORT leads to the peer's own address and a port from 1024 on, or is refused: else the server
 * would be made to talk to others (RFC 2577, the bounce attack). A port that PASV has named is
 * listened on until it is used, another is asked for, or the session ends.
 *
 * Never: an address that the peer chose, but its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ftp/server.h"
#include "ftp/server_verbs.h"
#include "weft/socket.h"

void weft__ftpd_data_forget(struct weft__ftpd_session *session)
{
	if (session->data.fd >= 0)
		weft_close(session->data.fd);
	session->data.fd = -1;
	session->data.kind = WEFT__FTPD_NO_DATA;
}

/* The IPv4 address in one of either family. False: there is none. */
static bool ipv4_of(const struct weft_address *address, struct in_addr *ret_ip)
{
	int family = weft_address_family(address);

	if (family == AF_INET) {
		*ret_ip = address->in.sin_addr;
		return true;
	}
	if (family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr))
		return false;
	memcpy(ret_ip, &address->in6.sin6_addr.s6_addr[12], sizeof(*ret_ip));
	return true;
}

bool weft__ftpd_is_same_host(const struct weft_address *a, const struct weft_address *b)
{
	struct in_addr ip_a, ip_b;
	bool is_ipv4 = ipv4_of(a, &ip_a);

	if (is_ipv4 != ipv4_of(b, &ip_b))
		return false;
	if (is_ipv4)
		return ip_a.s_addr == ip_b.s_addr;
	return weft_address_family(a) == AF_INET6 && weft_address_family(b) == AF_INET6 &&
	       memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0;
}

/* ---- Active ----------------------------------------------------------------------------- */

/* 0, or the reply is made: it can't be used. */
static bool may_be_active(struct weft__ftpd_session *session)
{
	if (session->data.is_extended_only)
		weft__ftpd_reply(session, 503, "You have said EPSV ALL.");
	else if (session->options->no_active)
		weft__ftpd_reply(session, 502, "Use PASV or EPSV.");
	else
		return true;
	return false;
}

static int use_address(struct weft__ftpd_session *session, const struct weft_address *address)
{
	if (!weft__ftpd_is_same_host(address, weft_stream_peer(session->control)))
		return weft__ftpd_reply(session, 504, "That address is not yours.");
	if (weft_address_port(address) < WEFT__FTPD_ACTIVE_PORT_MIN)
		return weft__ftpd_reply(session, 504, "That port is none of yours.");
	weft__ftpd_data_forget(session);
	session->data.kind = WEFT__FTPD_ACTIVE;
	session->data.address = *address;
	return weft__ftpd_reply(session, 200, "There it goes.");
}

/* "h1,h2,h3,h4,p1,p2", each from 0 to 255. */
static bool read_port(const char *text, unsigned ret_bytes[6])
{
	for (unsigned i = 0; i < 6; i++) {
		size_t len = strspn(text, "0123456789");

		if (len == 0 || len > 3)
			return false;
		ret_bytes[i] = 0;
		for (size_t j = 0; j < len; j++)
			ret_bytes[i] = ret_bytes[i] * 10 + (unsigned)(text[j] - '0');
		text += len;
		if (ret_bytes[i] > 255 || *text != (i < 5 ? ',' : '\0'))
			return false;
		text += i < 5;
	}
	return true;
}

int weft__ftpd_port(struct weft__ftpd_session *session, const char *argument)
{
	struct weft_address address = {.len = sizeof(address.in)};
	unsigned bytes[6];

	if (!may_be_active(session))
		return 0;
	if (!read_port(argument, bytes))
		return weft__ftpd_reply(session, 501, "PORT takes h1,h2,h3,h4,p1,p2.");
	address.in.sin_family = AF_INET;
	address.in.sin_addr.s_addr =
		htonl(bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]);
	address.in.sin_port = htons((uint16_t)(bytes[4] << 8 | bytes[5]));
	return use_address(session, &address);
}

/* The rest of "|1|192.0.2.7|5000|" behind the family; parted in place. */
static bool read_eprt(char *text, char mark, char **ret_host, char **ret_port)
{
	char *host_end = strchr(text, mark), *port_end;

	if (!host_end)
		return false;
	*host_end = '\0';
	port_end = strchr(host_end + 1, mark);
	if (!port_end || port_end[1] != '\0')
		return false;
	*port_end = '\0';
	*ret_host = text;
	*ret_port = host_end + 1;
	return true;
}

static bool make_address(const char *host, bool is_ipv6, long long port, struct weft_address *ret)
{
	*ret = (struct weft_address){.len = is_ipv6 ? sizeof(ret->in6) : sizeof(ret->in)};
	ret->any.sa_family = is_ipv6 ? AF_INET6 : AF_INET;
	if (inet_pton(ret->any.sa_family, host,
		    is_ipv6 ? (void *)&ret->in6.sin6_addr : (void *)&ret->in.sin_addr) != 1)
		return false;
	weft_address_set_port(ret, (uint16_t)port);
	return true;
}

int weft__ftpd_eprt(struct weft__ftpd_session *session, const char *argument)
{
	struct weft_address address;
	char text[128], *host, *port_text;
	size_t digits;
	long long port;

	if (!may_be_active(session))
		return 0;
	snprintf(text, sizeof(text), "%s", argument);
	/* RFC 2428, section 2: any mark from 33 to 126. */
	digits = text[0] ? strspn(text + 1, "0123456789") : 0;
	if (strlen(argument) >= sizeof(text) || digits == 0 || text[0] < 33 || text[0] > 126 ||
		text[digits + 1] != text[0])
		return weft__ftpd_reply(session, 501, "EPRT takes |1|address|port|.");
	if (digits > 1 || (text[1] != '1' && text[1] != '2'))
		return weft__ftpd_reply(session, 522, "Use a protocol of (1,2).");
	if (!read_eprt(text + 3, text[0], &host, &port_text) ||
		!weft__ftpd_number_read(port_text, &port) || port > 65535 ||
		!make_address(host, text[1] == '2', port, &address))
		return weft__ftpd_reply(session, 501, "EPRT takes |1|address|port|.");
	return use_address(session, &address);
}

/* ---- Passive ---------------------------------------------------------------------------- */

/* Listen on that port of the address that the peer has reached. -1 with errno. */
static int listen_on(const struct weft_address *local, uint16_t port)
{
	struct weft_address address = *local;
	int on = 1, saved;
	int fd = weft_socket(weft_address_family(local), SOCK_STREAM, 0);

	if (fd < 0)
		return -1;
	weft_address_set_port(&address, port);
	/* A port of the range is used again while its last connection is still remembered. */
	(void)weft_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* Nobody is let in before the command: strangers that wait must not fill the queue. */
	if (weft_bind(fd, &address.any, address.len) == 0 &&
		weft_listen(fd, WEFT__FTPD_STRANGERS_MAX) == 0)
		return fd;
	saved = errno;
	weft_close(fd);
	errno = saved;
	return -1;
}

/* On a free port of the range, the first try at any: the next one is not to be guessed. */
static int listen_somewhere(struct weft__ftpd_session *session, const struct weft_address *local)
{
	unsigned low = session->options->passive_low;
	unsigned count = session->options->passive_high - low + 1U;
	unsigned tries =
		count < WEFT__FTPD_PASSIVE_TRIES_MAX ? count : WEFT__FTPD_PASSIVE_TRIES_MAX;
	unsigned first = (unsigned)(weft_random() % count);
	int fd = -1;

	if (low == 0)
		return listen_on(local, 0);
	for (unsigned i = 0; i < tries; i++) {
		fd = listen_on(local, (uint16_t)(low + (first + i) % count));
		if (fd >= 0 || errno != EADDRINUSE)
			break;
	}
	return fd;
}

/* A new port, and its number; 0: the reply is made. */
static unsigned open_passive(struct weft__ftpd_session *session)
{
	const struct weft_address *local = weft_stream_local(session->control);
	struct weft_address bound;

	weft__ftpd_data_forget(session);
	if (weft_address_family(local) != AF_INET && weft_address_family(local) != AF_INET6) {
		weft__ftpd_reply(session, 522, "There are no ports on this kind of connection.");
		return 0;
	}
	session->data.fd = listen_somewhere(session, local);
	if (session->data.fd < 0 || weft_getsockname(session->data.fd, &bound) < 0) {
		weft__ftpd_data_forget(session);
		weft__ftpd_reply(session, 425, "There is no free port; try again later.");
		return 0;
	}
	session->data.kind = WEFT__FTPD_PASSIVE;
	return weft_address_port(&bound);
}

/* Whether a router that stands before the server stands before this peer, too. */
static bool is_of_own_network(struct in_addr peer)
{
	uint32_t ip = ntohl(peer.s_addr);

	return ip >> 24 == 127 || ip >> 24 == 10 || ip >> 20 == 0xac1 || ip >> 16 == 0xc0a8 ||
	       ip >> 16 == 0xa9fe;
}

struct in_addr weft__ftpd_address_told(
	struct in_addr local, struct in_addr peer, struct in_addr public_address)
{
	return public_address.s_addr != 0 && !is_of_own_network(peer) ? public_address : local;
}

int weft__ftpd_pasv(struct weft__ftpd_session *session, const char *argument)
{
	struct in_addr local, peer;
	unsigned port;
	uint32_t ip;

	(void)argument;
	if (session->data.is_extended_only)
		return weft__ftpd_reply(session, 503, "You have said EPSV ALL.");
	if (!ipv4_of(weft_stream_local(session->control), &local) ||
		!ipv4_of(weft_stream_peer(session->control), &peer))
		return weft__ftpd_reply(session, 522, "Use EPSV: PASV is for IPv4.");
	port = open_passive(session);
	if (port == 0)
		return 0;
	ip = ntohl(weft__ftpd_address_told(local, peer, session->server->public_address).s_addr);
	return weft__ftpd_reply(session, 227, "Entering Passive Mode (%u,%u,%u,%u,%u,%u).",
		ip >> 24, (ip >> 16) & 255, (ip >> 8) & 255, ip & 255, port >> 8, port & 255);
}

int weft__ftpd_epsv(struct weft__ftpd_session *session, const char *argument)
{
	struct in_addr ip;
	bool is_ipv4 = ipv4_of(weft_stream_local(session->control), &ip);
	unsigned port;

	if (strcmp(argument, "ALL") == 0 || strcmp(argument, "all") == 0) {
		session->data.is_extended_only = true;
		return weft__ftpd_reply(session, 200, "EPSV it is.");
	}
	if (argument[0] && strcmp(argument, is_ipv4 ? "1" : "2") != 0)
		return weft__ftpd_reply(
			session, 522, "Use a protocol of (%s).", is_ipv4 ? "1" : "2");
	port = open_passive(session);
	if (port == 0)
		return 0;
	return weft__ftpd_reply(session, 229, "Entering Extended Passive Mode (|||%u|)", port);
}
