/*
 * discover_lan.c - the local networks: which there are, sending to all of each, who is a neighbour.
 *
 * Entry points: weft__lan_look(), weft__lan_broadcast(), weft__lan_wait().
 *
 * Never: send anything that a router would pass on, or wait for an interface.
 */
#include <assert.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "io/discover.h"
#include "weft/chan.h"
#include "weft/fiber.h"
#include "weft/socket.h"

/* ---- Which there are ---------------------------------------------------------------------- */

static uint32_t ipv4_of(const struct sockaddr *address)
{
	return ((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr;
}

/* Whether one can send to all of it; then what it is. */
static bool describe(const struct ifaddrs *one, struct weft__lan_interface *ret_interface)
{
	bool is_loopback = one->ifa_flags & IFF_LOOPBACK;

	if (!one->ifa_addr || !one->ifa_netmask || one->ifa_addr->sa_family != AF_INET ||
		!(one->ifa_flags & IFF_UP))
		return false;
	ret_interface->index = if_nametoindex(one->ifa_name);
	ret_interface->address = ipv4_of(one->ifa_addr);
	ret_interface->mask = ipv4_of(one->ifa_netmask);
	/* The loopback says it has none, and yet delivers to its highest address. */
	ret_interface->broadcast = ret_interface->address | ~ret_interface->mask;
	if (!is_loopback && !(one->ifa_flags & IFF_BROADCAST))
		return false;
	/* An address alone, or one of two: its highest address is an ordinary one. */
	return ret_interface->index != 0 && ntohl(~ret_interface->mask) > 1;
}

static bool is_known(const struct weft__lan *lan, const struct weft__lan_interface *interface)
{
	for (unsigned i = 0; i < lan->count; i++)
		if (lan->interfaces[i].index == interface->index &&
			lan->interfaces[i].address == interface->address)
			return true;
	return false;
}

static void add_all(struct weft__lan *lan, const struct ifaddrs *all, bool is_loopback)
{
	for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
		struct weft__lan_interface interface;

		if (lan->count < WEFT__LAN_MAX &&
			is_loopback == !!(one->ifa_flags & IFF_LOOPBACK) &&
			describe(one, &interface) && !is_known(lan, &interface))
			lan->interfaces[lan->count++] = interface;
	}
}

void weft__lan_look(struct weft__lan *lan)
{
	struct ifaddrs *all;

	lan->count = 0;
	lan->looked_at_ns = weft_now();
	if (getifaddrs(&all) < 0)
		return;
	add_all(lan, all, false);
	/* Last, so that on this host, too, what is found first is what others find. */
	add_all(lan, all, true);
	freeifaddrs(all);
}

void weft__lan_refresh(struct weft__lan *lan)
{
	if (weft_now() - lan->looked_at_ns >= WEFT_SECONDS(1))
		weft__lan_look(lan);
}

bool weft__lan_is_local(const struct weft__lan *lan, const struct weft__lan_datagram *datagram)
{
	for (unsigned i = 0; i < lan->count; i++) {
		const struct weft__lan_interface *interface = &lan->interfaces[i];

		/* What this host sends to itself comes on whichever interface it likes. */
		if (datagram->from == interface->address)
			return true;
		if (datagram->interface == interface->index &&
			!((datagram->from ^ interface->address) & interface->mask))
			return true;
	}
	return false;
}

/* ---- Sending ----------------------------------------------------------------------------------
 */

static int set(int fd, int level, int option, int value)
{
	return weft_setsockopt(fd, level, option, &value, sizeof(value));
}

struct weft_udp *weft__lan_open(uint16_t port)
{
	const struct weft_udp_options options = {.broadcast = true, .reuse_address = port != 0};
	struct weft_address any = {.len = sizeof(any.in), .in.sin_family = AF_INET};
	char text[WEFT_ADDRESS_TEXT_MAX];
	struct weft_udp *udp;
	int fd;

	weft_address_set_port(&any, port);
	weft_address_print(&any, text, sizeof(text));
	udp = weft_udp_new(text, &options);
	if (!udp)
		return NULL;
	fd = weft_udp_fd(udp);
	/* One hop: no router passes on what is meant for neighbours. */
	if (set(fd, IPPROTO_IP, IP_PKTINFO, 1) < 0 || set(fd, IPPROTO_IP, IP_TTL, 1) < 0) {
		weft_udp_free(udp);
		return NULL;
	}
	return udp;
}

/* Through that interface, 0 for whichever leads there. Whether it went. */
static bool send_to(struct weft_udp *udp, unsigned interface, struct sockaddr_in *to,
	const void *data, size_t len)
{
	struct iovec part = {.iov_base = (void *)data, .iov_len = len};
	struct in_pktinfo info = {.ipi_ifindex = (int)interface};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control = {.head = {
			     .cmsg_len = CMSG_LEN(sizeof(info)),
			     .cmsg_level = IPPROTO_IP,
			     .cmsg_type = IP_PKTINFO,
		     }};
	struct msghdr message = {
		.msg_name = to,
		.msg_namelen = sizeof(*to),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.head), &info, sizeof(info));
	return weft_sendmsg(weft_udp_fd(udp), &message, MSG_DONTWAIT) >= 0;
}

unsigned weft__lan_broadcast(const struct weft__lan *lan, struct weft_udp *udp, uint16_t port,
	const void *data, size_t len)
{
	unsigned count = 0;

	for (unsigned i = 0; i < lan->count; i++) {
		struct sockaddr_in to = {
			.sin_family = AF_INET,
			.sin_port = htons(port),
			.sin_addr.s_addr = lan->interfaces[i].broadcast,
		};

		count += send_to(udp, lan->interfaces[i].index, &to, data, len);
	}
	return count;
}

bool weft__lan_answer(struct weft_udp *udp, const struct weft__lan_datagram *question,
	const void *data, size_t len)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(question->from_port),
		.sin_addr.s_addr = question->from,
	};

	return send_to(udp, 0, &to, data, len);
}

/* ---- Receiving --------------------------------------------------------------------------------
 */

static unsigned interface_of(struct msghdr *message)
{
	struct in_pktinfo info;

	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at))
		if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) {
			memcpy(&info, CMSG_DATA(at), sizeof(info));
			return (unsigned)info.ipi_ifindex;
		}
	return 0;
}

/* What the network tells of something that was sent, or of an interface that went. */
static bool is_passing(int code)
{
	return code == ECONNREFUSED || code == EHOSTUNREACH || code == ENETUNREACH ||
	       code == ENETDOWN || code == EHOSTDOWN;
}

/* One that is there: 0, or -1 with errno. */
static int receive(struct weft_udp *udp, struct weft__lan_datagram *ret_datagram)
{
	struct sockaddr_in from = {0};
	struct iovec part = {.iov_base = ret_datagram->data, .iov_len = sizeof(ret_datagram->data)};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control;
	struct msghdr message = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t len = weft_recvmsg(weft_udp_fd(udp), &message, MSG_DONTWAIT);

	if (len < 0)
		return -1;
	ret_datagram->len = (size_t)len;
	ret_datagram->from = from.sin_addr.s_addr;
	ret_datagram->from_port = ntohs(from.sin_port);
	ret_datagram->interface = interface_of(&message);
	return 0;
}

int weft__lan_wait(struct weft_udp *const *udps, unsigned count, int64_t until_ns,
	struct weft__lan_datagram *ret_datagram)
{
	struct weft_select_case cases[3];
	ssize_t ready;

	assert(count < sizeof(cases) / sizeof(cases[0]));
	for (;;) {
		int64_t left_ns = until_ns - weft_now();

		for (unsigned i = 0; i < count; i++)
			cases[i] = WEFT_SELECT_FD(udps[i] ? weft_udp_fd(udps[i]) : -1, POLLIN);
		/* What is there already goes before a time that is over. */
		cases[count] = WEFT_SELECT_DEFAULT;
		if (left_ns > 0)
			cases[count] = WEFT_SELECT_TIMER(left_ns);
		ready = weft_select(cases, count + 1);
		if (ready < 0 || ready == (ssize_t)count)
			return ready < 0 ? -1 : 0;
		if (receive(udps[ready], ret_datagram) == 0) {
			ret_datagram->end = (unsigned)ready;
			return 1;
		}
		if (errno != EAGAIN && !is_passing(errno))
			return -1;
	}
}
