/*
 * weft/address.h - socket addresses of IPv4, IPv6 and Unix sockets: parse, print, compare.
 *
 * A value type: copy it freely, nothing to free. Nothing here waits or asks the name
 * service, except weft_address_resolve(). Safe from any thread.
 */
#ifndef WEFT_ADDRESS_H
#define WEFT_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "weft/api.h"

WEFT_BEGIN

/** Room for any address that weft_address_print() writes, NUL included. */
#define WEFT_ADDRESS_TEXT_MAX 136

/** Addresses weft_address_resolve() returns at most. */
#define WEFT_ADDRESS_RESOLVE_MAX 16

struct weft_address {
	socklen_t len;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
};

/**
 * Parse "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80", "*:80" and ":80" (all
 * addresses, IPv6 any), "unix:/path", "unix:@abstract". Only numeric hosts and
 * ports 0 to 65535. Errors: EINVAL; ENAMETOOLONG (Unix path); ENODEV (no such scope).
 * ret_address is untouched on failure.
 */
WEFT_API int weft_address_parse(struct weft_address *ret_address, const char *text);

/**
 * Print in the form that parse reads; an unnamed Unix socket is "unix:", no address
 * at all (len 0) is "-". A NUL inside an abstract name is shown as '@'. Returns the
 * length of the whole text; what is written is cut to size_bytes (at least 1), always
 * NUL-terminated.
 */
WEFT_API size_t weft_address_print(
	const struct weft_address *address, char *ret_text, size_t size_bytes);

/**
 * Only the host ("127.0.0.1", "::1", "/path"; an IPv4 peer of an IPv6 listener as
 * plain IPv4), as logs and counters per host want it; else as weft_address_print().
 */
WEFT_API size_t weft_address_print_host(
	const struct weft_address *address, char *ret_text, size_t size_bytes);

/**
 * Resolve "HOST:PORT" with names and service names allowed (getaddrinfo(3)), or
 * whatever weft_address_parse() reads, which does not wait. A name parks the fiber, or
 * blocks the thread, while the name service is asked (weft/dns.h). Returns how many
 * addresses were written (1 to max), or -1: ENOENT (no such host or service), EAGAIN
 * (name service failed for now), EINVAL, ENOMEM, EMFILE, ETIMEDOUT, ECANCELED.
 * "localhost" is always this machine (RFC 6761, section 6.3), with no question asked; a
 * host named "unix" cannot be asked for.
 */
WEFT_API int weft_address_resolve(
	struct weft_address *ret_addresses, int max, const char *host_port);

/** AF_INET, AF_INET6 or AF_UNIX. */
WEFT_API int weft_address_family(const struct weft_address *address);

/** The port, in host order; 0 for Unix addresses. */
WEFT_API uint16_t weft_address_port(const struct weft_address *address);
WEFT_API void weft_address_set_port(struct weft_address *address, uint16_t port);

/** Whether both name the same endpoint: family, address, scope and port, or path. */
WEFT_API bool weft_address_equal(const struct weft_address *a, const struct weft_address *b);

/** Whether it is a loopback address (127/8, ::1, mapped ones too) or a Unix one. */
WEFT_API bool weft_address_is_loopback(const struct weft_address *address);

/** getsockname(2) and getpeername(2) of fd. */
WEFT_API int weft_getsockname(int fd, struct weft_address *ret_address);
WEFT_API int weft_getpeername(int fd, struct weft_address *ret_address);

WEFT_END

#endif
