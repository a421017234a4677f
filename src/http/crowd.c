/*
 * crowd.c - see crowd.h.
 *
 * A client is an IPv4 address, or the first 64 bits of one of IPv6, which is what a household
 * or a machine gets: whoever has a /64 has all its addresses.
 *
 * How many a client has is kept without a table of clients: in ROWS rows of counters, in each of
 * which a keyed hash finds the client's. Others may have the same counter in
 * one row, hardly ever in all; the least of the counters is taken for the client's number.
 *
 *	client --> row 0  [ 0 0 3 0 1 ... ]	least of 3, 4, 3: it has 3
 *	      \--> row 1  [ 4 0 0 1 0 ... ]
 *	       \-> row 2  [ 0 3 0 0 0 ... ]
 *
 * So the memory is fixed, nobody waits, and processes can share it. One that is killed leaves
 * what it had counted.
 *
 * Entry points: weft__http_client_of(), weft__http_crowd_enter().
 *
 * Never: a lock, or memory for each client.
 */
#include "http/crowd.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/siphash.h"
#include "io/stream.h"

#define ROWS     3
#define ROW_SIZE 16384

struct weft__http_crowd {
	struct weft__siphash_key key;
	_Atomic uint32_t *rows;
};

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

/* ---- Counting ---------------------------------------------------------------------------- */

/* The client's counter in a row. */
static _Atomic uint32_t *counter(struct weft__http_crowd *crowd, uint64_t hash, unsigned row)
{
	return &crowd->rows[row * ROW_SIZE + (hash >> (row * 20)) % ROW_SIZE];
}

bool weft__http_crowd_enter(
	struct weft__http_crowd *crowd, const void *bytes, size_t len, unsigned max)
{
	uint64_t hash = weft__siphash(&crowd->key, bytes, len);
	uint32_t least = UINT32_MAX;

	for (unsigned row = 0; row < ROWS; row++) {
		uint32_t count = atomic_fetch_add_explicit(
			counter(crowd, hash, row), 1, memory_order_relaxed);

		least = count < least ? count : least;
	}
	if (least < max)
		return true;
	for (unsigned row = 0; row < ROWS; row++)
		atomic_fetch_sub_explicit(counter(crowd, hash, row), 1, memory_order_relaxed);
	return false;
}

void weft__http_crowd_leave(struct weft__http_crowd *crowd, const void *bytes, size_t len)
{
	uint64_t hash = weft__siphash(&crowd->key, bytes, len);

	for (unsigned row = 0; row < ROWS; row++)
		atomic_fetch_sub_explicit(counter(crowd, hash, row), 1, memory_order_relaxed);
}

/* ---- Life -------------------------------------------------------------------------------- */

struct weft__http_crowd *weft__http_crowd_new(bool is_shared)
{
	struct weft__http_crowd *crowd = calloc(1, sizeof(*crowd));
	uint8_t secret[16];

	if (!crowd)
		return NULL;
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret)) {
		free(crowd);
		return NULL;
	}
	crowd->key = weft__siphash_key(secret);
	crowd->rows = mmap(NULL, sizeof(*crowd->rows) * ROWS * ROW_SIZE, PROT_READ | PROT_WRITE,
		(is_shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);
	if (crowd->rows == MAP_FAILED) {
		free(crowd);
		errno = ENOMEM;
		return NULL;
	}
	return crowd;
}

void weft__http_crowd_free(struct weft__http_crowd *crowd)
{
	if (!crowd)
		return;
	munmap(crowd->rows, sizeof(*crowd->rows) * ROWS * ROW_SIZE);
	free(crowd);
}
