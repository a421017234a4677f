/*
 * link_address.c - addresses in 24 bytes, and how often a host may do something.
 *
 * Entry points: weft__link_address_from(), weft__link_address_to(), weft__link_may_now().
 */
#include "chat/link.h"

#include <string.h>

void weft__link_address_from(
	struct weft__link_address *ret_address, const struct weft_address *address)
{
	memset(ret_address, 0, sizeof(*ret_address));
	if (address->len == 0)
		return;
	ret_address->family = address->any.sa_family;
	if (address->any.sa_family == AF_INET) {
		ret_address->port = address->in.sin_port;
		memcpy(ret_address->host, &address->in.sin_addr, 4);
	} else if (address->any.sa_family == AF_INET6) {
		ret_address->port = address->in6.sin6_port;
		ret_address->scope = address->in6.sin6_scope_id;
		memcpy(ret_address->host, &address->in6.sin6_addr, 16);
	}
}

void weft__link_address_to(
	const struct weft__link_address *address, struct weft_address *ret_address)
{
	memset(ret_address, 0, sizeof(*ret_address));
	if (address->family == AF_INET) {
		ret_address->len = sizeof(ret_address->in);
		ret_address->in.sin_family = AF_INET;
		ret_address->in.sin_port = address->port;
		memcpy(&ret_address->in.sin_addr, address->host, 4);
	} else if (address->family == AF_INET6) {
		ret_address->len = sizeof(ret_address->in6);
		ret_address->in6.sin6_family = AF_INET6;
		ret_address->in6.sin6_port = address->port;
		ret_address->in6.sin6_scope_id = address->scope;
		memcpy(&ret_address->in6.sin6_addr, address->host, 16);
	}
}

/* IPv4 as a socket for both families shows it: ::ffff:192.0.2.1. */
static bool is_mapped(const struct weft__link_address *address)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return address->family == AF_INET6 && memcmp(address->host, prefix, sizeof(prefix)) == 0;
}

bool weft__link_may_now(
	struct weft_rate *rate, const struct weft__link_address *from, int64_t now_ns)
{
	/* Of IPv6 the network: whoever has one has all its addresses. */
	const uint8_t *key = from->host + (is_mapped(from) ? 12 : 0);
	size_t len = from->family == AF_INET6 && !is_mapped(from) ? 8 : 4;

	return weft_rate_take(rate, key, len, now_ns) == 0;
}
