/*
 * proxies.c - see proxies.h.
 *
 *	X-Forwarded-For: 203.0.113.9, 198.51.100.7, 10.0.0.2	and the peer is 10.0.0.1
 *	                 whatever     the client    trusted      trusted
 *
 * Each proxy adds, behind what it got, whom it got it from. So the list is true from its end up to
 * the first who is not trusted, who is the client: what stands before him, he may have made up.
 *
 * Never: believes a word of a peer that is not trusted.
 */
#include "http/proxies.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "http/chars.h"
#include "io/stream.h"

/** An address of IPv4 is one of IPv6, ::ffff:a.b.c.d. */
struct network {
	struct in6_addr address;
	unsigned bits;
};

struct weft__http_proxies {
	bool has_unix, says_forwarded;
	size_t count;
	struct network networks[];
};

/* ---- Addresses ---------------------------------------------------------------------------- */

static struct in6_addr mapped(struct in_addr address)
{
	struct in6_addr result = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	memcpy(&result.s6_addr[12], &address, sizeof(address));
	return result;
}

static bool parse_address(struct weft_http_text text, struct in6_addr *ret_address)
{
	char copy[INET6_ADDRSTRLEN];
	struct in_addr v4;

	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.data, '\0', text.len))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET, copy, &v4) == 1) {
		*ret_address = mapped(v4);
		return true;
	}
	return inet_pton(AF_INET6, copy, ret_address) == 1;
}

/* "192.0.2.7", "10.0.0.0/8" */
static bool parse_network(const char *text, struct network *ret_network)
{
	const char *slash = strchrnul(text, '/'), *end;
	struct weft_http_text host = {text, (size_t)(slash - text)};
	unsigned bits, bits_max;

	if (!parse_address(host, &ret_network->address))
		return false;
	bits_max = memchr(host.data, ':', host.len) ? 128 : 32;
	bits = bits_max;
	if (*slash) {
		bits = 0;
		for (end = slash + 1; *end >= '0' && *end <= '9' && bits <= bits_max; end++)
			bits = bits * 10 + (unsigned)(*end - '0');
		if (*end || end == slash + 1 || bits > bits_max)
			return false;
	}
	ret_network->bits = bits + 128 - bits_max;
	return true;
}

static bool is_in(const struct network *network, const struct in6_addr *address)
{
	unsigned bytes = network->bits / 8, more = network->bits % 8;

	if (memcmp(network->address.s6_addr, address->s6_addr, bytes) != 0)
		return false;
	return more == 0 ||
	       (network->address.s6_addr[bytes] ^ address->s6_addr[bytes]) >> (8 - more) == 0;
}

static bool is_trusted(const struct weft__http_proxies *proxies, const struct in6_addr *address)
{
	for (size_t i = 0; i < proxies->count; i++)
		if (is_in(&proxies->networks[i], address))
			return true;
	return false;
}

/* ---- Life --------------------------------------------------------------------------------- */

const char *weft__http_proxies_find_bad(const char *const *proxies)
{
	struct network network;

	while (*proxies && (strcmp(*proxies, "unix") == 0 || parse_network(*proxies, &network)))
		proxies++;
	return *proxies;
}

struct weft__http_proxies *weft__http_proxies_new(const struct weft_http_server_options *options)
{
	struct weft__http_proxies *proxies;
	size_t count = 0;

	while (options->proxies[count])
		count++;
	proxies = calloc(1, sizeof(*proxies) + count * sizeof(proxies->networks[0]));
	if (!proxies)
		return NULL;
	proxies->says_forwarded = options->proxies_say_forwarded;
	for (size_t i = 0; i < count; i++)
		if (strcmp(options->proxies[i], "unix") == 0)
			proxies->has_unix = true;
		else if (parse_network(options->proxies[i], &proxies->networks[proxies->count]))
			proxies->count++;
	return proxies;
}

bool weft__http_proxies_have(
	const struct weft__http_proxies *proxies, const struct weft_stream *peer)
{
	const struct weft__stream_accepted *address = &peer->accepted;

	if (address->len == 0)
		return proxies->has_unix;
	if (address->in.sin_family == AF_INET) {
		struct in6_addr v6 = mapped(address->in.sin_addr);

		return is_trusted(proxies, &v6);
	}
	return is_trusted(proxies, &address->in6.sin6_addr);
}

/* ---- What they say ------------------------------------------------------------------------ */

/* "192.0.2.7", "192.0.2.7:80", "[2001:db8::7]:80", and, in X-Forwarded-For, "2001:db8::7". */
static bool parse_node(struct weft_http_text text, struct in6_addr *ret_address)
{
	const char *colon, *end;

	if (text.len > 0 && text.data[0] == '[') {
		end = memchr(text.data, ']', text.len);
		if (!end)
			return false;
		return parse_address(
			(struct weft_http_text){text.data + 1, (size_t)(end - text.data) - 1},
			ret_address);
	}
	colon = text.len ? memchr(text.data, ':', text.len) : NULL;
	if (colon && colon == memrchr(text.data, ':', text.len))
		text.len = (size_t)(colon - text.data);
	return parse_address(text, ret_address);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Whether backslashes before it take its meaning from the byte at that place (RFC 9110, 5.6.4). */
static bool is_escaped(struct weft_http_text text, size_t at)
{
	size_t from = at;

	while (from > 0 && text.data[from - 1] == '\\')
		from--;
	return (at - from) % 2 == 1;
}

/* Where the first of the pairs of an element ends: at a semicolon that no quotes hide. */
static size_t find_pair_end(struct weft_http_text element)
{
	bool is_quoted = false;
	size_t i;

	for (i = 0; i < element.len && (is_quoted || element.data[i] != ';'); i++)
		if (element.data[i] == '"' && !(is_quoted && is_escaped(element, i)))
			is_quoted = !is_quoted;
	return i;
}

/* Cut off the blanks before it. */
static void skip_blanks(struct weft_http_text *text)
{
	while (text->len > 0 && is_blank(text->data[0])) {
		text->data++;
		text->len--;
	}
}

/* Of "for=192.0.2.7;proto=http" what is behind a name, "for=", without its quotes. Empty: there is
 * none, or more than one. */
static struct weft_http_text value_of(struct weft_http_text element, const char *name)
{
	struct weft_http_text node = {element.data, 0};
	size_t name_len = strlen(name);

	while (element.len > 0) {
		size_t len = find_pair_end(element), step = len < element.len ? len + 1 : len;
		struct weft_http_text pair = {element.data, len};

		element.data += step;
		element.len -= step;
		skip_blanks(&pair);
		if (pair.len < name_len || !weft__http_equal_nocase(pair.data, name_len, name))
			continue;
		if (node.len > 0)
			return (struct weft_http_text){element.data, 0};
		node = (struct weft_http_text){pair.data + name_len, pair.len - name_len};
	}
	if (node.len >= 2 && node.data[0] == '"' && node.data[node.len - 1] == '"')
		node = (struct weft_http_text){node.data + 1, node.len - 2};
	return node;
}

/*
 * Where the last of a list begins: behind a comma that no quotes hide, where there are quotes. It
 * is looked for from the end, which is the proxy's and well formed: what the proxy says in quotes
 * of the client's own words is no element, and a quote that the client has left open does not
 * swallow what the proxy has put behind it.
 */
static size_t find_last(struct weft_http_text list, bool have_quotes)
{
	bool is_quoted = false;
	size_t i;

	for (i = list.len; i > 0 && (is_quoted || list.data[i - 1] != ','); i--)
		if (have_quotes && list.data[i - 1] == '"' &&
			!(is_quoted && is_escaped(list, i - 1)))
			is_quoted = !is_quoted;
	return i;
}

/* Take the last of a list that is not empty. */
static bool take_last(
	struct weft_http_text *list, bool have_quotes, struct weft_http_text *ret_item)
{
	while (list->len > 0) {
		size_t at = find_last(*list, have_quotes);
		const char *from = list->data + at, *to = list->data + list->len;

		list->len = at > 0 ? at - 1 : 0;
		while (from < to && is_blank(*from))
			from++;
		while (to > from && is_blank(to[-1]))
			to--;
		*ret_item = (struct weft_http_text){from, (size_t)(to - from)};
		if (from < to)
			return true;
	}
	return false;
}

/* The proxies that are trusted, one by one, and at last who is not. False: that was it. */
static bool follow(const struct weft__http_proxies *proxies, struct weft_http_request *request,
	struct weft_http_text list)
{
	struct weft_http_text hop;
	struct in6_addr address;

	while (take_last(&list, proxies->says_forwarded, &hop)) {
		/* Who can't be read is nobody: then it is the proxy that has named him. */
		if (!parse_node(proxies->says_forwarded ? value_of(hop, "for=") : hop, &address))
			return false;
		request->client_address = address;
		request->client[0] = '?';
		if (!is_trusted(proxies, &address))
			return false;
	}
	return true;
}

/*
 * Whether the proxy itself, which is trusted, was asked by HTTPS: by the last that is said, which
 * only it can have.
 */
static bool is_by_https(
	const struct weft__http_proxies *proxies, const struct weft_http_request *request)
{
	const char *name = proxies->says_forwarded ? "forwarded" : "x-forwarded-proto";
	struct weft_http_text found, list, last = {NULL, 0};

	for (size_t i = request->head.field_count; !last.data && i-- > 0;)
		if (weft_http_request_field_at(request, i, &found, &list) &&
			weft__http_equal_nocase(found.data, found.len, name))
			take_last(&list, proxies->says_forwarded, &last);
	if (proxies->says_forwarded && last.data)
		last = value_of(last, "proto=");
	return last.data && weft__http_equal_nocase(last.data, last.len, "https");
}

void weft__http_proxies_find_client(
	const struct weft__http_proxies *proxies, struct weft_http_request *request)
{
	const char *name = proxies->says_forwarded ? "forwarded" : "x-forwarded-for";
	bool goes_on = weft__http_proxies_have(proxies, request->stream);
	const struct in6_addr *address = &request->client_address;
	struct weft_http_text found, list;

	request->has_client = true;
	request->is_by_https = goes_on && is_by_https(proxies, request);
	for (size_t i = request->head.field_count; goes_on && i-- > 0;)
		if (weft_http_request_field_at(request, i, &found, &list) &&
			weft__http_equal_nocase(found.data, found.len, name))
			goes_on = follow(proxies, request, list);
	if (!request->client[0])
		return;
	if (IN6_IS_ADDR_V4MAPPED(address))
		inet_ntop(AF_INET, &address->s6_addr[12], request->client, sizeof(request->client));
	else
		inet_ntop(AF_INET6, address, request->client, sizeof(request->client));
}
