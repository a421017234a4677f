/*
 * hosts.c - see hosts.h.
 *
 * A page of evil.example may have its name lead to 127.0.0.1 once it is loaded: to the browser we
 * are then of its origin, and all that we answer is the page's to read. What the page can't change
 * is the Host field, which says evil.example. So:
 *
 *	192.0.2.7, [::1]            nobody's name leads to it: good
 *	localhost, *.localhost      always this machine (RFC 6761, section 6.3): good
 *	the names that were given   good
 *	nas, nas.local, nas.lan     nobody on the internet can have them; who can, in the same
 *	                            network, may ask us himself: good, except on the loopback
 *
 * Over TLS the browser has looked for the name in our certificate; and it can't reach Unix sockets.
 *
 * Never: asks the name service.
 */
#include "http/hosts.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "io/stream.h"

/** Longest name in DNS, as text. */
#define NAME_LEN_MAX 253

/* ---- Names -------------------------------------------------------------------------------- */

struct weft_http_text weft__http_host_name(struct weft_http_text host)
{
	size_t len = host.len;

	while (len > 0 && host.data[len - 1] >= '0' && host.data[len - 1] <= '9')
		len--;
	if (len > 0 && host.data[len - 1] == ':')
		host.len = len - 1;
	return host;
}

/* Whether it ends with a dot and that. */
static bool is_below(struct weft_http_text name, const char *parent)
{
	size_t len = strlen(parent), at = name.len - len;

	return name.len > len + 1 && name.data[at - 1] == '.' &&
	       strncasecmp(name.data + at, parent, len) == 0;
}

static bool is_name(struct weft_http_text name, const char *pattern)
{
	if (pattern[0] == '*')
		return is_below(name, pattern + 2);
	return name.len == strlen(pattern) && strncasecmp(name.data, pattern, name.len) == 0;
}

static bool is_address(struct weft_http_text name)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr address;

	if (name.len > 0 && name.data[0] == '[')
		return true; /* the parser has seen to it */
	if (name.len == 0 || name.len >= sizeof(text))
		return false;
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	return inet_pton(AF_INET, text, &address) == 1;
}

/* ICANN gives none of these away: RFC 6762, RFC 8375, and what it keeps for private use. */
static bool is_nearby(struct weft_http_text name)
{
	static const char *const domains[] = {"local", "lan", "home.arpa", "internal"};

	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
		if (is_below(name, domains[i]))
			return true;
	return !memchr(name.data, '.', name.len);
}

static bool has_come_by_loopback(const struct weft_http_request *request)
{
	struct weft_address address;

	return weft_getsockname(request->stream->fd, &address) < 0 ||
	       weft_address_is_loopback(&address);
}

/* ---- Judging ------------------------------------------------------------------------------ */

static bool is_good_pattern(const char *text)
{
	size_t len;

	if (strncmp(text, "*.", 2) == 0)
		text += 2;
	len = strlen(text);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '_' &&
			(text[i] != '.' || i == 0 || text[i - 1] == '.'))
			return false;
	return len > 0 && len <= NAME_LEN_MAX && text[len - 1] != '.';
}

const char *weft__http_hosts_find_bad(const char *const *names)
{
	while (*names && is_good_pattern(*names))
		names++;
	return *names;
}

static bool have(const char *const *names, const struct weft_http_request *request)
{
	struct weft_http_text name = weft__http_host_name(weft_http_request_host(request));

	/* Browsers say a host; and "example.org." is the same as without its dot. */
	if (name.len > 1 && name.data[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || is_address(name) || is_name(name, "localhost") ||
		is_below(name, "localhost"))
		return true;
	for (; *names; names++)
		if (is_name(name, *names))
			return true;
	return is_nearby(name) && !has_come_by_loopback(request);
}

bool weft__http_hosts_have(const char *const *names, struct weft_http_request *request)
{
	if (!request->is_host_good)
		request->is_host_good = request->stream->layer ||
					request->stream->accepted.len == 0 || have(names, request);
	return request->is_host_good;
}
