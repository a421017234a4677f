/*
 * resolve.c - host names and service names to addresses.
 *
 * Entry point: weft_address_resolve(). Numeric forms never reach the name service.
 *
 * Never: return an address of a family that streams don't speak, or more than max.
 */
#include "weft/address.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Longest name that DNS can carry, in text (RFC 1035, section 2.3.4), and room to spare. */
#define HOST_MAX 255

/* errno for what getaddrinfo(3) said. */
static int resolve_errno(int code, int system_errno)
{
	switch (code) {
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_SERVICE:
	case EAI_ADDRFAMILY:
		return ENOENT;
	case EAI_MEMORY:
		return ENOMEM;
	case EAI_SYSTEM:
		return system_errno;
	default:
		return EAGAIN;
	}
}

/* Part "HOST:SERVICE" or "[HOST]:SERVICE". ret_host has HOST_MAX + 1 bytes. */
static bool split(const char *host_port, char *ret_host, const char **ret_service)
{
	const char *colon = strrchr(host_port, ':');
	size_t len = colon ? (size_t)(colon - host_port) : 0;

	if (!colon || colon[1] == '\0' || strlen(colon + 1) > HOST_MAX)
		return false;
	if (len == 0 || (len == 1 && host_port[0] == '*')) {
		/* As weft_address_parse() has it: all addresses. */
		memcpy(ret_host, "::", sizeof("::"));
		*ret_service = colon + 1;
		return true;
	}
	if (len >= 2 && host_port[0] == '[' && host_port[len - 1] == ']') {
		host_port++;
		len -= 2;
	} else if (memchr(host_port, ':', len)) {
		return false; /* an IPv6 address without brackets: which colon is the port's? */
	}
	if (len == 0 || len > HOST_MAX)
		return false;
	memcpy(ret_host, host_port, len);
	ret_host[len] = '\0';
	*ret_service = colon + 1;
	return true;
}

/* getaddrinfo(3) takes a number that is no port for one, less a multiple of 65536. */
static bool is_beyond_ports(const char *service)
{
	return strspn(service, "0123456789") == strlen(service) &&
	       (strlen(service) > 5 || strtoul(service, NULL, 10) > UINT16_MAX);
}

/*
 * "localhost" and what is below it is this machine, whatever the name service knows of
 * it (RFC 6761, section 6.3): a minimal system has no /etc/hosts that would say so.
 */
static bool is_localhost(const char *host)
{
	size_t len = strlen(host);
	size_t skipped = len > strlen("localhost") ? len - strlen("localhost") : 0;

	return strcasecmp(host + skipped, "localhost") == 0 &&
	       (skipped == 0 || host[skipped - 1] == '.');
}

static int copy_found(const struct addrinfo *found, struct weft_address *ret_addresses, int max)
{
	int count = 0;

	for (; found && count < max; found = found->ai_next) {
		struct weft_address *address = &ret_addresses[count];

		if (found->ai_family != AF_INET && found->ai_family != AF_INET6)
			continue;
		memset(address, 0, sizeof(*address));
		memcpy(&address->any, found->ai_addr, found->ai_addrlen);
		address->len = found->ai_addrlen;
		count++;
	}
	return count;
}

int weft_address_resolve(struct weft_address *ret_addresses, int max, const char *host_port)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	char host[HOST_MAX + 1];
	struct addrinfo *found;
	const char *service;
	int code, count;

	if (max < 1) {
		errno = EINVAL;
		return -1;
	}
	if (weft_address_parse(ret_addresses, host_port) == 0)
		return 1;
	if (errno != EINVAL)
		return -1;
	if (!split(host_port, host, &service) || is_beyond_ports(service)) {
		errno = EINVAL;
		return -1;
	}
	/* Without a host, getaddrinfo(3) gives the loopback addresses. */
	code = getaddrinfo(is_localhost(host) ? NULL : host, service, &hints, &found);
	if (code != 0) {
		errno = resolve_errno(code, errno);
		return -1;
	}
	count = copy_found(found, ret_addresses, max);
	freeaddrinfo(found);
	if (count == 0) {
		errno = ENOENT;
		return -1;
	}
	return count;
}
