/*
 * weft/dns.h - names of hosts and services, asked for without holding up a worker.
 *
 *	struct weft_address found[8];
 *	int count = weft_dns_lookup("example.org", AF_UNSPEC, found, 8);
 *
 * Answers are the system's: hosts file, DNS, whatever nsswitch.conf(5) says. The C
 * library blocks for as long as it likes; so it is asked on a thread for names
 * (weft/offload.h, WEFT_OFFLOAD_DNS), and the fiber is parked. A caller whose deadline
 * comes first leaves; the question is freed when its answer comes. Numbers in place of
 * names are never asked for. Nothing is remembered here: how long an answer holds is for
 * the system's own cache to know.
 *
 * "localhost", and what ends in ".localhost", is always this machine (RFC 6761, section
 * 6.3). Under the simulator (weft/sim.h) its hosts are known besides.
 *
 * Safe from any thread and fiber. Errors: -1 with ENOENT (no such name), EAGAIN (the name
 * service failed for now, or there was no thread), EINVAL, ENOMEM, ETIMEDOUT, ECANCELED.
 */
#ifndef WEFT_DNS_H
#define WEFT_DNS_H

#include "weft/address.h"

WEFT_BEGIN

/** Longest name of a host or service, without the NUL. RFC 1035, section 2.3.4. */
#define WEFT_DNS_NAME_MAX 255

/**
 * The addresses of a host, with port 0, best first as RFC 6724 orders them. family:
 * AF_INET, AF_INET6, or AF_UNSPEC for both. name may be a number ("127.0.0.1", "::1",
 * "fe80::1%eth0"). Returns how many were written, 1 to max. getaddrinfo(3).
 */
WEFT_API int weft_dns_lookup(
	const char *name, int family, struct weft_address *ret_addresses, int max);

struct weft_dns_query {
	const char *host;    /* name or number */
	const char *service; /* name or number; NULL: port 0 */
	int family;          /* AF_UNSPEC (0), AF_INET or AF_INET6 */
	int type;            /* SOCK_STREAM (also for 0) or SOCK_DGRAM: services can differ */
};

/** The same for a host and a service together. */
WEFT_API int weft_dns_resolve(
	const struct weft_dns_query *query, struct weft_address *ret_addresses, int max);

/**
 * The name of the host with this address. Returns its length. Errors: ENOENT (it has
 * none), EMSGSIZE (longer than size_bytes - 1; WEFT_DNS_NAME_MAX + 1 is enough), EINVAL
 * (not of the internet). getnameinfo(3).
 */
WEFT_API ssize_t weft_dns_reverse(
	const struct weft_address *address, char *ret_name, size_t size_bytes);

/**
 * The port of a service ("http"; "80" is 80), in host order. protocol: "tcp", "udp", or
 * NULL for any. getservbyname(3).
 */
WEFT_API int weft_dns_service_port(const char *service, const char *protocol);

/** The name of the service at a port. Returns its length. Errors: as weft_dns_reverse().
 * getservbyport(3). */
WEFT_API ssize_t weft_dns_service_name(
	uint16_t port, const char *protocol, char *ret_name, size_t size_bytes);

WEFT_END

#endif
