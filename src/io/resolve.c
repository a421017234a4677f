/*
 * resolve.c - "HOST:PORT" with names in it.
 *
 * Entry point: weft_address_resolve(). The names are dns.c's.
 *
 * Never: take an IPv6 address without brackets: which colon would be the port's?
 */
#include <errno.h>
#include <string.h>

#include "weft/address.h"
#include "weft/dns.h"

/* Part "HOST:SERVICE" or "[HOST]:SERVICE"; ret_host has WEFT_DNS_NAME_MAX + 1 bytes. */
static bool split(const char *host_port, char *ret_host, const char **ret_service)
{
	const char *colon = strrchr(host_port, ':');
	size_t len = colon ? (size_t)(colon - host_port) : 0;

	if (!colon || colon[1] == '\0' || strlen(colon + 1) > WEFT_DNS_NAME_MAX)
		return false;
	*ret_service = colon + 1;
	if (len == 0 || (len == 1 && host_port[0] == '*')) {
		/* As weft_address_parse() has it: all addresses. */
		memcpy(ret_host, "::", sizeof("::"));
		return true;
	}
	if (len >= 2 && host_port[0] == '[' && host_port[len - 1] == ']') {
		host_port++;
		len -= 2;
	} else if (memchr(host_port, ':', len)) {
		return false;
	}
	if (len == 0 || len > WEFT_DNS_NAME_MAX)
		return false;
	memcpy(ret_host, host_port, len);
	ret_host[len] = '\0';
	return true;
}

int weft_address_resolve(struct weft_address *ret_addresses, int max, const char *host_port)
{
	char host[WEFT_DNS_NAME_MAX + 1];
	struct weft_dns_query query = {.host = host};

	if (max < 1) {
		errno = EINVAL;
		return -1;
	}
	if (weft_address_parse(ret_addresses, host_port) == 0)
		return 1;
	if (errno != EINVAL)
		return -1;
	if (!split(host_port, host, &query.service)) {
		errno = EINVAL;
		return -1;
	}
	return weft_dns_resolve(&query, ret_addresses, max);
}
