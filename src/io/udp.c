/*
 * udp.c - UDP sockets: life, and one datagram at a time (weft/udp.h).
 *
 *	udp_many.c      batches and segments
 *	udp_group.c     multicast
 *	udp_error.c     errors of earlier datagrams
 *	udp_here.c      addresses of this host
 */
#include "io/udp.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>

#include "weft/dns.h"
#include "weft/socket.h"

static int set(int fd, int level, int option, int value)
{
	return weft_setsockopt(fd, level, option, &value, sizeof(value));
}

/* 0, or -1: what can't be had of the performance's is not missed. */
static int options_apply(int fd, int family, const struct weft_udp_options *options)
{
	if (options->reuse_port && set(fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0)
		return -1;
	if (options->reuse_address && set(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0)
		return -1;
	if (options->broadcast && set(fd, SOL_SOCKET, SO_BROADCAST, 1) < 0)
		return -1;
	if (options->receive_buffer_size > 0 &&
		set(fd, SOL_SOCKET, SO_RCVBUF, options->receive_buffer_size) < 0)
		return -1;
	if (family == AF_INET6 && set(fd, IPPROTO_IPV6, IPV6_V6ONLY, options->ipv6_only) < 0)
		return -1;
	/* Else what another program on this host has joined comes here, too. */
	(void)set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
	if (family == AF_INET6)
		(void)set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
	if (options->coalesce)
		(void)set(fd, IPPROTO_UDP, UDP_GRO, 1);
	/* An IPv6 socket is told of mapped peers by the option of IPv4. */
	if (options->keeps_errors)
		(void)set(fd, IPPROTO_IP, IP_RECVERR, 1);
	if (options->keeps_errors && family == AF_INET6)
		(void)set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	return 0;
}

/* Bind or connect, as asked. NULL with errno. */
static struct weft_udp *udp_make(const struct weft_address *address,
	const struct weft_udp_options *options,
	int (*attach)(int, const struct sockaddr *, socklen_t))
{
	static const struct weft_udp_options none;
	int family = weft_address_family(address);
	struct weft_udp *udp = calloc(1, sizeof(*udp));

	if (!udp)
		return NULL;
	udp->family = family;
	udp->fd = weft_socket(family, SOCK_DGRAM, 0);
	if (udp->fd < 0 || options_apply(udp->fd, family, options ? options : &none) < 0 ||
		attach(udp->fd, &address->any, address->len) < 0 ||
		weft_getsockname(udp->fd, &udp->local) < 0) {
		weft_udp_free(udp);
		return NULL;
	}
	if (options && options->tells_here)
		weft__udp_here_ask(udp->fd, &udp->local);
	return udp;
}

struct weft_udp *weft_udp_new(const char *address, const struct weft_udp_options *options)
{
	struct weft_address parsed;

	if (weft_address_parse(&parsed, address) < 0)
		return NULL;
	if (weft_address_family(&parsed) == AF_UNIX) {
		errno = EINVAL;
		return NULL;
	}
	return udp_make(&parsed, options, weft_bind);
}

struct weft_udp *weft_udp_connect(const char *host_port, const struct weft_udp_options *options)
{
	struct weft_address addresses[WEFT_ADDRESS_RESOLVE_MAX];
	int count = weft_address_resolve(addresses, WEFT_ADDRESS_RESOLVE_MAX, host_port);
	struct weft_udp *udp = NULL;

	/* A family without a route here is passed over. */
	for (int i = 0; i < count && !udp; i++) {
		if (weft_address_family(&addresses[i]) == AF_UNIX)
			errno = EINVAL;
		else
			udp = udp_make(&addresses[i], options, weft_connect);
	}
	return udp;
}

void weft_udp_free(struct weft_udp *udp)
{
	int saved = errno;

	if (!udp)
		return;
	if (udp->fd >= 0)
		weft_close(udp->fd);
	free(udp);
	errno = saved;
}

int weft_udp_fd(const struct weft_udp *udp)
{
	return udp->fd;
}

const struct weft_address *weft_udp_local(const struct weft_udp *udp)
{
	return &udp->local;
}

ssize_t weft_udp_recv(
	struct weft_udp *udp, void *buffer, size_t size_bytes, struct weft_address *ret_peer)
{
	struct weft_address peer;
	ssize_t len;

	peer.len = sizeof(peer.un);
	len = weft_recvfrom(udp->fd, buffer, size_bytes, MSG_TRUNC, &peer.any, &peer.len);
	if (len >= 0 && ret_peer)
		*ret_peer = peer;
	return len;
}

int weft_udp_send(struct weft_udp *udp, const void *data, size_t len, const struct weft_address *to)
{
	const struct sockaddr *address = to && to->len ? &to->any : NULL;

	return weft_sendto(udp->fd, data, len, 0, address, address ? to->len : 0) < 0 ? -1 : 0;
}
