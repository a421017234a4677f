/*
 * crowd.c - see crowd.h.
 *
 * A client is an IPv4 address, or the first 64 bits of one of IPv6, which is what a household
 * or a machine gets: whoever has a /64 has all its addresses.
 *
 * Entry point: weft__http_client_of().
 */
#include "http/crowd.h"

#include "io/stream.h"

/* ---- Clients ----------------------------------------------------------------------------- */

static size_t part_of(const struct in6_addr *address, const void **ret_bytes)
{
	bool is_mapped = IN6_IS_ADDR_V4MAPPED(address);

	*ret_bytes = is_mapped ? &address->s6_addr[12] : &address->s6_addr[0];
	return is_mapped ? sizeof(struct in_addr) : 8;
}

size_t weft__http_client_of_peer(const struct weft_stream *peer, const void **ret_bytes)
{
	const struct weft__stream_accepted *address = &peer->accepted;

	if (address->len == 0)
		return 0;
	if (address->in.sin_family == AF_INET) {
		*ret_bytes = &address->in.sin_addr;
		return sizeof(address->in.sin_addr);
	}
	return address->in.sin_family == AF_INET6 ? part_of(&address->in6.sin6_addr, ret_bytes) : 0;
}

size_t weft__http_client_of(const struct weft_http_request *request, const void **ret_bytes)
{
	return request->client[0] ? part_of(&request->client_address, ret_bytes)
				  : weft__http_client_of_peer(request->stream, ret_bytes);
}
