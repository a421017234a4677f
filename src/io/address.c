/*
 * address.c - socket addresses as text and as values.
 *
 * Entry points: weft_address_parse(), weft_address_print(), weft_address_equal();
 * name look-up is resolve.c's. Text is hostile: every length is checked before use.
 *
 * Never: wait, ask the name service, or read past address->len, which for a Unix
 * address from the kernel is the only end that its name has.
 */
#include "weft/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "fiber/driver/driver.h"

#define UNIX_PREFIX     "unix:"
#define UNIX_NAME_AT    offsetof(struct sockaddr_un, sun_path)
#define UNIX_NAME_MAX   (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)
#define PORT_DIGITS_MAX 5

/* ---- Parsing ----------------------------------------------------------------- */

static int fail(int code)
{
	errno = code;
	return -1;
}

/* Decimal digits alone, up to max: no sign, no space, which strtoul() would take. */
static bool parse_number(const char *text, size_t len, uint64_t max, uint32_t *ret_number)
{
	uint64_t number = 0;

	if (len == 0 || len > 10)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(text[i] - '0');
	}
	if (number > max)
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

static int parse_unix(struct weft_address *address, const char *name)
{
	size_t len = strlen(name);
	bool is_abstract = name[0] == '@';

	if (len == 0 || (is_abstract && len == 1))
		return fail(EINVAL);
	if (len > UNIX_NAME_MAX)
		return fail(ENAMETOOLONG);
	address->un.sun_family = AF_UNIX;
	memcpy(address->un.sun_path, name, len);
	if (is_abstract)
		address->un.sun_path[0] = '\0';
	/* A path's length counts its NUL; an abstract name has none (unix(7)). */
	address->len = (socklen_t)(UNIX_NAME_AT + len + !is_abstract);
	return 0;
}

static int parse_scope(const char *name, size_t len, uint32_t *ret_scope)
{
	char device[IF_NAMESIZE];
	uint32_t index;

	if (len == 0)
		return fail(EINVAL);
	if (len < sizeof(device)) {
		memcpy(device, name, len);
		device[len] = '\0';
		index = if_nametoindex(device);
		if (index != 0) {
			*ret_scope = index;
			return 0;
		}
	}
	if (!parse_number(name, len, UINT32_MAX, &index) || index == 0)
		return fail(ENODEV);
	*ret_scope = index;
	return 0;
}

/* What stands between the brackets. */
static int parse_in6(struct weft_address *address, const char *host, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	const char *percent = memchr(host, '%', len);
	size_t number_len = percent ? (size_t)(percent - host) : len;

	if (number_len >= sizeof(text))
		return fail(EINVAL);
	memcpy(text, host, number_len);
	text[number_len] = '\0';
	if (inet_pton(AF_INET6, text, &address->in6.sin6_addr) != 1)
		return fail(EINVAL);
	address->in6.sin6_family = AF_INET6;
	address->len = sizeof(address->in6);
	if (!percent)
		return 0;
	return parse_scope(percent + 1, len - number_len - 1, &address->in6.sin6_scope_id);
}

static int parse_in4(struct weft_address *address, const char *host, size_t len)
{
	char text[INET_ADDRSTRLEN];

	if (len >= sizeof(text))
		return fail(EINVAL);
	memcpy(text, host, len);
	text[len] = '\0';
	if (inet_pton(AF_INET, text, &address->in.sin_addr) != 1)
		return fail(EINVAL);
	address->in.sin_family = AF_INET;
	address->len = sizeof(address->in);
	return 0;
}

static int parse_host(struct weft_address *address, const char *host, size_t len)
{
	if (len == 0 || (len == 1 && host[0] == '*')) {
		address->in6.sin6_family = AF_INET6;
		address->in6.sin6_addr = in6addr_any;
		address->len = sizeof(address->in6);
		return 0;
	}
	if (host[0] != '[')
		return parse_in4(address, host, len);
	if (len < 2 || host[len - 1] != ']')
		return fail(EINVAL);
	return parse_in6(address, host + 1, len - 2);
}

int weft_address_parse(struct weft_address *ret_address, const char *text)
{
	struct weft_address address;
	const char *colon;
	uint32_t port;

	/* All of it, padding too, so that equal addresses are equal as memory. */
	memset(&address, 0, sizeof(address));
	if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0) {
		if (parse_unix(&address, text + strlen(UNIX_PREFIX)) < 0)
			return -1;
		*ret_address = address;
		return 0;
	}
	colon = strrchr(text, ':');
	if (!colon || strlen(colon + 1) > PORT_DIGITS_MAX ||
		!parse_number(colon + 1, strlen(colon + 1), UINT16_MAX, &port))
		return fail(EINVAL);
	if (parse_host(&address, text, (size_t)(colon - text)) < 0)
		return -1;
	weft_address_set_port(&address, (uint16_t)port);
	*ret_address = address;
	return 0;
}

/* ---- Printing ---------------------------------------------------------------- */

static size_t put(char *ret_text, size_t size_bytes, const char *text, size_t len)
{
	if (size_bytes > 0) {
		size_t kept = len < size_bytes ? len : size_bytes - 1;

		memcpy(ret_text, text, kept);
		ret_text[kept] = '\0';
	}
	return len;
}

/* Length of the name in sun_path, the leading NUL of an abstract one included. */
static size_t unix_name_len(const struct weft_address *address)
{
	size_t room = address->len > UNIX_NAME_AT ? address->len - UNIX_NAME_AT : 0;

	if (room > sizeof(address->un.sun_path))
		room = sizeof(address->un.sun_path);
	if (room > 0 && address->un.sun_path[0] == '\0')
		return room > 1 ? room : 0;
	return strnlen(address->un.sun_path, room);
}

static size_t print_unix(
	const struct weft_address *address, const char *prefix, char *ret_text, size_t size_bytes)
{
	char text[WEFT_ADDRESS_TEXT_MAX];
	size_t prefix_len = strlen(prefix), name_len = unix_name_len(address);

	memcpy(text, prefix, prefix_len);
	for (size_t i = 0; i < name_len; i++) {
		char c = address->un.sun_path[i];

		text[prefix_len + i] = c ? c : '@';
	}
	return put(ret_text, size_bytes, text, prefix_len + name_len);
}

/* "::1", with "%eth0" where the address has a scope. ret_text has WEFT_ADDRESS_TEXT_MAX bytes. */
static void print_in6_host(const struct sockaddr_in6 *in6, char *ret_text)
{
	char device[IF_NAMESIZE];
	size_t len;

	inet_ntop(AF_INET6, &in6->sin6_addr, ret_text, INET6_ADDRSTRLEN);
	if (in6->sin6_scope_id == 0)
		return;
	len = strlen(ret_text);
	if (if_indextoname(in6->sin6_scope_id, device))
		snprintf(ret_text + len, WEFT_ADDRESS_TEXT_MAX - len, "%%%s", device);
	else
		snprintf(ret_text + len, WEFT_ADDRESS_TEXT_MAX - len, "%%%u", in6->sin6_scope_id);
}

size_t weft_address_print(const struct weft_address *address, char *ret_text, size_t size_bytes)
{
	char host[WEFT_ADDRESS_TEXT_MAX], text[WEFT_ADDRESS_TEXT_MAX + 16];
	int len;

	switch (weft_address_family(address)) {
	case AF_UNIX:
		return print_unix(address, UNIX_PREFIX, ret_text, size_bytes);
	case AF_INET:
		inet_ntop(AF_INET, &address->in.sin_addr, host, sizeof(host));
		len = snprintf(text, sizeof(text), "%s:%u", host, weft_address_port(address));
		break;
	case AF_INET6:
		print_in6_host(&address->in6, host);
		len = snprintf(text, sizeof(text), "[%s]:%u", host, weft_address_port(address));
		break;
	default:
		return put(ret_text, size_bytes, "-", 1);
	}
	return put(ret_text, size_bytes, text, (size_t)len);
}

size_t weft_address_print_host(
	const struct weft_address *address, char *ret_text, size_t size_bytes)
{
	char host[WEFT_ADDRESS_TEXT_MAX];

	switch (weft_address_family(address)) {
	case AF_UNIX:
		if (unix_name_len(address) == 0)
			return put(ret_text, size_bytes, "unix", strlen("unix"));
		return print_unix(address, "", ret_text, size_bytes);
	case AF_INET:
		inet_ntop(AF_INET, &address->in.sin_addr, host, sizeof(host));
		break;
	case AF_INET6:
		if (IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr))
			inet_ntop(AF_INET, &address->in6.sin6_addr.s6_addr[12], host, sizeof(host));
		else
			print_in6_host(&address->in6, host);
		break;
	default:
		return put(ret_text, size_bytes, "-", 1);
	}
	return put(ret_text, size_bytes, host, strlen(host));
}

/* ---- Parts --------------------------------------------------------------------- */

int weft_address_family(const struct weft_address *address)
{
	return address->len >= sizeof(sa_family_t) ? address->any.sa_family : AF_UNSPEC;
}

uint16_t weft_address_port(const struct weft_address *address)
{
	switch (weft_address_family(address)) {
	case AF_INET:
		return ntohs(address->in.sin_port);
	case AF_INET6:
		return ntohs(address->in6.sin6_port);
	default:
		return 0;
	}
}

void weft_address_set_port(struct weft_address *address, uint16_t port)
{
	switch (weft_address_family(address)) {
	case AF_INET:
		address->in.sin_port = htons(port);
		break;
	case AF_INET6:
		address->in6.sin6_port = htons(port);
		break;
	default:
		break;
	}
}

bool weft_address_equal(const struct weft_address *a, const struct weft_address *b)
{
	int family = weft_address_family(a);

	if (family != weft_address_family(b))
		return false;
	switch (family) {
	case AF_INET:
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr &&
		       a->in.sin_port == b->in.sin_port;
	case AF_INET6:
		return IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr) &&
		       a->in6.sin6_port == b->in6.sin6_port &&
		       a->in6.sin6_scope_id == b->in6.sin6_scope_id;
	case AF_UNIX: {
		size_t len = unix_name_len(a);

		/* Two unnamed sockets are not one endpoint. */
		return len > 0 && len == unix_name_len(b) &&
		       memcmp(a->un.sun_path, b->un.sun_path, len) == 0;
	}
	default:
		return false;
	}
}

bool weft_address_is_loopback(const struct weft_address *address)
{
	const struct in6_addr *in6 = &address->in6.sin6_addr;

	switch (weft_address_family(address)) {
	case AF_UNIX:
		return true;
	case AF_INET:
		return ntohl(address->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(in6) ||
		       (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == IN_LOOPBACKNET);
	default:
		return false;
	}
}

/* ---- Of descriptors ------------------------------------------------------------- */

static int ask_name(int fd, struct weft_address *ret_address, bool is_peer)
{
	struct weft_address address;
	socklen_t len = sizeof(struct sockaddr_un);
	struct weft__driver *driver;
	const struct weft__net_ops *net = weft__net(&driver);

	memset(&address, 0, sizeof(address));
	if ((is_peer ? net->getpeername : net->getsockname)(driver, fd, &address.any, &len) < 0)
		return -1;
	/* The kernel tells the full length even of what it had to cut. */
	address.len = len < sizeof(struct sockaddr_un) ? len : sizeof(struct sockaddr_un);
	*ret_address = address;
	return 0;
}

int weft_getsockname(int fd, struct weft_address *ret_address)
{
	return ask_name(fd, ret_address, false);
}

int weft_getpeername(int fd, struct weft_address *ret_address)
{
	return ask_name(fd, ret_address, true);
}
