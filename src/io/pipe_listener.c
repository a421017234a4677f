/*
 * pipe_listener.c - pipes by name: who listens, and who connects (include/weft/pipe.h).
 *
 * It lies here, and not with the pipes, for what it knows of addresses and paths.
 */
#include <errno.h>
#include <stdlib.h>

#include "io/unix_path.h"
#include "weft/address.h"
#include "weft/pipe.h"
#include "weft/socket.h"

struct weft_pipe_listener {
	int fd;
	struct weft_pipe_options options;
	struct weft_address local;
	struct weft__unix_path path;
};

static int address_read(struct weft_address *ret_address, const char *text)
{
	if (weft_address_parse(ret_address, text) < 0)
		return -1;
	if (weft_address_family(ret_address) == AF_UNIX)
		return 0;
	errno = EINVAL;
	return -1;
}

struct weft_pipe_listener *weft_pipe_listen(
	const char *address, const struct weft_pipe_options *options)
{
	struct weft_pipe_listener *listener = calloc(1, sizeof(*listener));

	if (!listener)
		return NULL;
	listener->fd = -1;
	if (options)
		listener->options = *options;
	if (address_read(&listener->local, address) < 0)
		goto fail;
	listener->fd = weft_socket(AF_UNIX, SOCK_STREAM, 0);
	if (listener->fd < 0 ||
		weft__unix_bind(listener->fd, SOCK_STREAM, &listener->local, listener->options.mode,
			&listener->path) < 0 ||
		weft_listen(listener->fd,
			listener->options.backlog > 0 ? listener->options.backlog : SOMAXCONN) < 0)
		goto fail;
	return listener;

fail:
	weft_pipe_listener_free(listener);
	return NULL;
}

/* The descriptor is closed when there is no memory. */
static struct weft_pipe *pipe_of(int fd, const struct weft_pipe_options *options)
{
	struct weft_pipe *pipe = weft_pipe_new(fd, options);
	int saved = errno;

	if (!pipe)
		weft_close(fd);
	errno = saved;
	return pipe;
}

struct weft_pipe *weft_pipe_accept(struct weft_pipe_listener *listener)
{
	int fd;

	while ((fd = weft_accept(listener->fd, NULL, NULL)) < 0) {
		bool is_short = errno == EMFILE || errno == ENFILE || errno == ENOMEM;

		if (!is_short || weft_wait_descriptor() < 0)
			return NULL;
	}
	return pipe_of(fd, &listener->options);
}

struct weft_pipe *weft_pipe_connect(const char *address, const struct weft_pipe_options *options)
{
	struct weft_address peer;
	int fd, saved;

	if (address_read(&peer, address) < 0)
		return NULL;
	fd = weft_socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return NULL;
	if (weft_connect(fd, &peer.any, peer.len) == 0)
		return pipe_of(fd, options);
	saved = errno;
	weft_close(fd);
	errno = saved;
	return NULL;
}

int weft_pipe_listener_fd(const struct weft_pipe_listener *listener)
{
	return listener->fd;
}

void weft_pipe_listener_free(struct weft_pipe_listener *listener)
{
	int saved = errno;

	if (!listener)
		return;
	/* The path goes first: a successor's bind must not find it with nobody behind. */
	weft__unix_path_remove(&listener->path, &listener->local);
	if (listener->fd >= 0)
		weft_close(listener->fd);
	free(listener);
	errno = saved;
}
