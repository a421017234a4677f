/*
 * udp_here.c - which address of this host a datagram came to, and leaves from (weft/udp.h;
 * IP_PKTINFO in ip(7), IPV6_PKTINFO in ipv6(7), RFC 3542 section 6).
 *
 *	bound to one address	it is that one, and nothing is asked
 *	bound to all		each datagram tells, and each answer says
 *
 * Entry points: weft__udp_here_ask(), weft__udp_here_read(), weft_udp_here_write().
 */
#include <netinet/in.h>
#include <string.h>

#include "io/udp.h"
#include "weft/socket.h"

_Static_assert(CMSG_SPACE(sizeof(struct in6_pktinfo)) <= WEFT_UDP_HERE_SIZE, "of IPv6");
_Static_assert(CMSG_SPACE(sizeof(struct in_pktinfo)) <= WEFT_UDP_HERE_SIZE, "of IPv4");

void weft__udp_here_ask(int fd, const struct weft_address *bound)
{
	int on = 1;

	if (bound->any.sa_family == AF_INET && bound->in.sin_addr.s_addr == htonl(INADDR_ANY))
		(void)weft_setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	else if (bound->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&bound->in6.sin6_addr))
		(void)weft_setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
}

static void read_ipv4(const struct cmsghdr *part, struct weft_udp_here *ret_here)
{
	struct in_pktinfo info;

	/* Of what came to a group or to all, spec_dst is the address that answers. */
	memcpy(&info, CMSG_DATA(part), sizeof(info));
	ret_here->family = AF_INET;
	memcpy(ret_here->ip, &info.ipi_spec_dst, 4);
}

static void read_ipv6(const struct cmsghdr *part, struct weft_udp_here *ret_here)
{
	struct in6_pktinfo info;
	bool is_near;

	memcpy(&info, CMSG_DATA(part), sizeof(info));
	if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
		return;
	is_near = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr);
	ret_here->family = AF_INET6;
	ret_here->interface = is_near ? info.ipi6_ifindex : 0;
	memcpy(ret_here->ip, &info.ipi6_addr, 16);
}

void weft__udp_here_read(struct msghdr *message, struct weft_udp_here *ret_here)
{
	*ret_here = (struct weft_udp_here){0};
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part))
		if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO)
			read_ipv4(part, ret_here);
		else if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO)
			read_ipv6(part, ret_here);
}

/* One part of ancillary data, whose padding is nothing. */
static size_t put(void *ret_control, int level, int type, struct iovec info)
{
	struct cmsghdr part = {
		.cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(info.iov_len)};
	uint8_t *at = ret_control;

	memset(at, 0, CMSG_SPACE(info.iov_len));
	memcpy(at, &part, sizeof(part));
	memcpy(at + CMSG_LEN(0), info.iov_base, info.iov_len);
	return CMSG_SPACE(info.iov_len);
}

size_t weft_udp_here_write(
	const struct weft_udp_here *here, uint8_t ret_control[WEFT_UDP_HERE_SIZE])
{
	struct in6_pktinfo ipv6 = {.ipi6_ifindex = here->interface};
	struct in_pktinfo ipv4 = {0};

	if (here->family == AF_INET) {
		memcpy(&ipv4.ipi_spec_dst, here->ip, 4);
		return put(
			ret_control, IPPROTO_IP, IP_PKTINFO, (struct iovec){&ipv4, sizeof(ipv4)});
	}
	if (here->family == AF_INET6) {
		memcpy(&ipv6.ipi6_addr, here->ip, 16);
		return put(ret_control, IPPROTO_IPV6, IPV6_PKTINFO,
			(struct iovec){&ipv6, sizeof(ipv6)});
	}
	return 0;
}
