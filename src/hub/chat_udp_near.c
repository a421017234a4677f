/*
 * chat_udp_near.c - whether a datagram is from where it says.
 *
 * Anybody can write any address on a datagram, and would have us send to others what they did not
 * ask for. From this machine, and from networks that it is on, none comes that is not from there:
 * routers see to that. Who is elsewhere has to repeat a cookie that was sent there. It is made of
 * the address and the minute with a secret, so that nothing is kept of who asks.
 *
 * Entry points: weft__chat_udp_is_near(), weft__chat_udp_cookie_is().
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_udp_inside.h"
#include "weft/siphash.h"

/* ---- Networks ---------------------------------------------------------------------------------
 */

#define NETWORKS_MAX   64
#define REFRESH_NS     WEFT_SECONDS(30)
#define COOKIE_GOOD_NS WEFT_SECONDS(60)

struct network {
	uint8_t ip[16], mask[16];
};

struct chat_udp_networks {
	struct network all[NETWORKS_MAX];
	unsigned count;
	int64_t read_ns; /* 0: never */
};

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct chat_udp_networks *weft__chat_udp_networks_new(void)
{
	return calloc(1, sizeof(struct chat_udp_networks));
}

void weft__chat_udp_networks_free(struct chat_udp_networks *networks)
{
	free(networks);
}

/* 16 bytes of an address, or of a mask; false: it is of no IP. */
static bool read_ip(const struct sockaddr *address, bool is_mask, uint8_t ret_ip[16])
{
	if (address && address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)address;

		memcpy(ret_ip, mapped, 12);
		if (is_mask)
			memset(ret_ip, 0xff, 12);
		memcpy(ret_ip + 12, &in->sin_addr, 4);
		return true;
	}
	if (address && address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)address;

		memcpy(ret_ip, &in6->sin6_addr, 16);
		return true;
	}
	return false;
}

/* The kernel is asked by netlink, which never waits for others. */
static void read_networks(struct chat_udp_networks *networks)
{
	static const uint8_t any_of_ipv4[16] = {
		[0] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t any[16];
	struct ifaddrs *all;

	networks->count = 0;
	if (getifaddrs(&all) < 0)
		return;
	for (struct ifaddrs *at = all; at && networks->count < NETWORKS_MAX; at = at->ifa_next) {
		struct network *network = &networks->all[networks->count];

		if (!read_ip(at->ifa_addr, false, network->ip) ||
			!read_ip(at->ifa_netmask, true, network->mask))
			continue;
		/* A tunnel may say that the whole world is on its link. */
		if (memcmp(network->mask, any, 16) != 0 &&
			memcmp(network->mask, any_of_ipv4, 16) != 0)
			networks->count++;
	}
	freeifaddrs(all);
}

static bool is_in(const struct network *network, const uint8_t ip[16])
{
	for (int i = 0; i < 16; i++)
		if ((network->ip[i] ^ ip[i]) & network->mask[i])
			return false;
	return true;
}

bool weft__chat_udp_is_near(
	struct chat_udp_networks *networks, const struct chat_udp_key *key, int64_t now)
{
	static const uint8_t loopback[16] = {[15] = 1};

	if (memcmp(key->ip, mapped, 12) == 0 && key->ip[12] == IN_LOOPBACKNET)
		return true;
	if (memcmp(key->ip, loopback, 16) == 0)
		return true;
	if (networks->read_ns == 0 || now - networks->read_ns >= REFRESH_NS) {
		networks->read_ns = now ? now : 1;
		read_networks(networks);
	}
	for (unsigned i = 0; i < networks->count; i++)
		if (is_in(&networks->all[i], key->ip))
			return true;
	return false;
}

/* ---- Cookies ----------------------------------------------------------------------------------
 */

static void make_cookie(const struct hub_chat_udp *door, const struct chat_udp_key *key,
	int64_t minute, char ret_cookie[CHAT_UDP_COOKIE_SIZE])
{
	const struct {
		struct chat_udp_key key;
		int64_t minute;
	} of = {*key, minute};
	uint64_t hash = weft_siphash(door->secret, &of, sizeof(of));

	snprintf(ret_cookie, CHAT_UDP_COOKIE_SIZE, "%06x", (unsigned)(hash & 0xffffff));
}

void weft__chat_udp_cookie(struct hub_chat_udp *door, const struct chat_udp_key *key, int64_t now,
	char ret_cookie[CHAT_UDP_COOKIE_SIZE])
{
	make_cookie(door, key, now / COOKIE_GOOD_NS, ret_cookie);
}

bool weft__chat_udp_cookie_is(
	struct hub_chat_udp *door, const struct chat_udp_key *key, int64_t now, const char *word)
{
	char cookie[CHAT_UDP_COOKIE_SIZE];

	for (int ago = 0; ago < 2; ago++) {
		make_cookie(door, key, now / COOKIE_GOOD_NS - ago, cookie);
		if (strcmp(cookie, word) == 0)
			return true;
	}
	return false;
}

uint64_t weft__chat_udp_hash(
	const struct hub_chat_udp *door, const struct chat_udp_key *key, const char *name)
{
	struct {
		struct chat_udp_key key;
		char name[WEFT_CHAT_NAME_MAX + 1];
	} of;

	/* All of its bytes count, those between its fields, too. */
	memset(&of, 0, sizeof(of));
	of.key = *key;
	snprintf(of.name, sizeof(of.name), "%s", name);
	return weft_siphash(door->secret, &of, sizeof(of));
}
