/*
 * connect.c - streams to a host by name, each of its addresses tried in turn.
 *
 * Entry point: weft_stream_connect().
 *
 * Never: leave a socket behind when an attempt fails, or try another address once
 * the scope's deadline has passed.
 */
#include "io/stream.h"

#include <errno.h>
#include <netinet/tcp.h>

#include "weft/scope.h"
#include "weft/socket.h"

/* A connected socket, or -1. */
static int connect_to(const struct weft_address *address)
{
	int fd = weft_socket(weft_address_family(address), SOCK_STREAM, 0), saved_errno;

	if (fd < 0)
		return -1;
	if (weft_connect(fd, &address->any, address->len) < 0)
		goto fail;
	if (weft_address_family(address) != AF_UNIX) {
		int on = 1;

		/* A stream has its own buffer: what it sends is meant to go now. */
		weft_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	return fd;
fail:
	saved_errno = errno;
	weft_close(fd);
	errno = saved_errno;
	return -1;
}

struct weft_stream *weft__stream_connect_any(const struct weft_address *addresses, int count)
{
	struct weft_stream *stream;
	int fd = -1;

	for (int i = 0; i < count && fd < 0; i++) {
		fd = connect_to(&addresses[i]);
		if (fd < 0 && weft_interrupted() != 0)
			return NULL;
	}
	if (fd < 0)
		return NULL;
	stream = weft__stream_new_socket(fd);
	if (!stream) {
		weft_close(fd);
		errno = ENOMEM;
	}
	return stream;
}

struct weft_stream *weft_stream_connect(const char *host_port)
{
	struct weft_address addresses[WEFT_ADDRESS_RESOLVE_MAX];
	int count = weft_address_resolve(addresses, WEFT_ADDRESS_RESOLVE_MAX, host_port);

	return count < 0 ? NULL : weft__stream_connect_any(addresses, count);
}
