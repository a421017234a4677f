/*
 * socket_facts.c - what a socket is: family, type, names, what waits in it (weft/sockopt.h).
 *
 * Entry points: weft_socket_facts(), weft_socket_take_error().
 *
 * Never: change the socket, but for the error that is taken off it when asked for.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "weft/socket.h"
#include "weft/sockopt.h"

static int get(int fd, int option, int *ret_number)
{
	socklen_t len = sizeof(*ret_number);

	return weft_getsockopt(fd, SOL_SOCKET, option, ret_number, &len);
}

/* -1: this kind of socket doesn't say, or it is the simulator's. */
static int64_t waiting_bytes(int fd, unsigned long request)
{
	int bytes;

	return ioctl(fd, request, &bytes) < 0 ? -1 : bytes;
}

static bool has_error(int fd)
{
	struct pollfd pollfd = {.fd = fd};

	return poll(&pollfd, 1, 0) == 1 && (pollfd.revents & POLLERR);
}

int weft_socket_facts(int fd, struct weft_socket_facts *ret_facts)
{
	struct weft_socket_facts facts = {0};
	int is_listening = 0, saved = errno;

	if (get(fd, SO_DOMAIN, &facts.family) < 0 || get(fd, SO_TYPE, &facts.type) < 0 ||
		get(fd, SO_PROTOCOL, &facts.protocol) < 0)
		return -1;
	facts.is_listening = get(fd, SO_ACCEPTCONN, &is_listening) == 0 && is_listening;
	facts.has_error = has_error(fd);
	facts.unread_bytes = waiting_bytes(fd, SIOCINQ);
	facts.unsent_bytes = waiting_bytes(fd, SIOCOUTQ);
	if (weft_getsockname(fd, &facts.name) < 0)
		facts.name.len = 0;
	if (weft_getpeername(fd, &facts.peer) < 0)
		facts.peer.len = 0;
	facts.is_connected = facts.peer.len > 0;
	*ret_facts = facts;
	errno = saved;
	return 0;
}

int weft_socket_take_error(int fd, int *ret_error)
{
	int code;

	if (get(fd, SO_ERROR, &code) < 0)
		return -1;
	*ret_error = code;
	return 0;
}

/* ---- Names ---------------------------------------------------------------------------- */

#define NAME(constant) \
	case constant: \
		return #constant

const char *weft_socket_family_name(int family)
{
	switch (family) {
		NAME(AF_UNIX);
		NAME(AF_INET);
		NAME(AF_INET6);
		NAME(AF_NETLINK);
		NAME(AF_PACKET);
		NAME(AF_VSOCK);
	default:
		return NULL;
	}
}

const char *weft_socket_type_name(int type)
{
	switch (type) {
		NAME(SOCK_STREAM);
		NAME(SOCK_DGRAM);
		NAME(SOCK_SEQPACKET);
		NAME(SOCK_RAW);
	default:
		return NULL;
	}
}

const char *weft_socket_protocol_name(int protocol)
{
	switch (protocol) {
		NAME(IPPROTO_IP);
		NAME(IPPROTO_ICMP);
		NAME(IPPROTO_TCP);
		NAME(IPPROTO_UDP);
		NAME(IPPROTO_ICMPV6);
		NAME(IPPROTO_SCTP);
		NAME(IPPROTO_UDPLITE);
		NAME(IPPROTO_RAW);
		NAME(IPPROTO_MPTCP);
	default:
		return NULL;
	}
}
