/*
 * udp_group.c - multicast: membership in groups, and how a socket sends to them
 * (weft/udp.h; ip(7), ipv6(7), RFC 3678).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "io/udp.h"
#include "weft/socket.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

/* 0 for none named; -1 when there is no such interface. */
static int64_t interface_of(const char *name)
{
	unsigned index;

	if (!name)
		return 0;
	index = if_nametoindex(name);
	return index ? (int64_t)index : fail(ENODEV);
}

static int group_read(const char *text, struct sockaddr_storage *ret_group)
{
	struct sockaddr_in *in = (void *)ret_group;
	struct sockaddr_in6 *in6 = (void *)ret_group;

	memset(ret_group, 0, sizeof(*ret_group));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		return IN_MULTICAST(ntohl(in->sin_addr.s_addr)) ? IPPROTO_IP : fail(EINVAL);
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		return IN6_IS_ADDR_MULTICAST(&in6->sin6_addr) ? IPPROTO_IPV6 : fail(EINVAL);
	}
	return fail(EINVAL);
}

static int change(struct weft_udp *udp, int option, const char *group, const char *interface)
{
	struct group_req request;
	int64_t index = interface_of(interface);
	int level = group_read(group, &request.gr_group);

	if (index < 0 || level < 0)
		return -1;
	request.gr_interface = (uint32_t)index;
	return weft_setsockopt(udp->fd, level, option, &request, sizeof(request));
}

int weft_udp_join(struct weft_udp *udp, const char *group, const char *interface)
{
	return change(udp, MCAST_JOIN_GROUP, group, interface);
}

int weft_udp_leave(struct weft_udp *udp, const char *group, const char *interface)
{
	return change(udp, MCAST_LEAVE_GROUP, group, interface);
}

static int set_ipv4(struct weft_udp *udp, int hops, int loop, int index)
{
	struct ip_mreqn interface = {.imr_ifindex = index};

	if (weft_setsockopt(udp->fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof(hops)) < 0 ||
		weft_setsockopt(udp->fd, IPPROTO_IP, IP_MULTICAST_LOOP, &loop, sizeof(loop)) < 0)
		return -1;
	return weft_setsockopt(udp->fd, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof(interface));
}

static int set_ipv6(struct weft_udp *udp, int hops, int loop, int index)
{
	if (weft_setsockopt(udp->fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) < 0 ||
		weft_setsockopt(udp->fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &loop, sizeof(loop)) <
			0)
		return -1;
	return weft_setsockopt(udp->fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index));
}

int weft_udp_set_multicast(struct weft_udp *udp, const struct weft_udp_multicast *multicast)
{
	int64_t index = interface_of(multicast->interface);
	int hops = multicast->hops ? multicast->hops : 1, loop = !multicast->no_loop;

	if (index < 0)
		return -1;
	if (hops < 0 || hops > 255)
		return fail(EINVAL);
	/* An IPv6 socket sends to mapped IPv4 groups, too: those options are of IPv4. */
	if (udp->family == AF_INET6 && set_ipv6(udp, hops, loop, (int)index) < 0)
		return -1;
	return set_ipv4(udp, hops, loop, (int)index);
}
