/*
 * listener.c - sockets that wait for connections.
 *
 * Entry points: weft_listener_new(), weft_listener_accept(), weft_serve_stop() (which
 * is here because it touches nothing but the listener).
 *
 * Never: remove a Unix path that another process has made since, or spin while
 * there is no descriptor for the next connection.
 */
#include "io/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fiber/driver/fds.h"
#include "io/stream.h"
#include "weft/socket.h"

/* ---- Making ------------------------------------------------------------------------ */

static int set_option(int fd, int level, int option, int value)
{
	return weft_setsockopt(fd, level, option, &value, sizeof(value));
}

static int set_options(int fd, int family, const struct weft_listener_options *options)
{
	if (family == AF_UNIX)
		return 0;
	if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0)
		return -1;
	if (options->reuse_port && set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0)
		return -1;
	/* Said either way: the system's default (bindv6only) is not ours. */
	if (family == AF_INET6 && set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, options->ipv6_only) < 0)
		return -1;
	/* What a listener has, Linux hands down to the connections: no call per accept. */
	return set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

static int bind_and_listen(struct weft_listener *listener, const struct weft_address *address)
{
	const struct weft_listener_options *options = &listener->options;

	if (set_options(listener->fd, weft_address_family(address), options) < 0)
		return -1;
	listener->address = *address; /* which the removal of a path looks at */
	if (weft_address_family(address) != AF_UNIX) {
		if (weft_bind(listener->fd, &address->any, address->len) < 0)
			return -1;
	} else if (weft__unix_bind(listener->fd, SOCK_STREAM, address, options->unix_mode,
			   &listener->path) < 0) {
		return -1;
	}
	if (weft_getsockname(listener->fd, &listener->address) < 0)
		return -1;
	return weft_listen(listener->fd, options->backlog);
}

static struct weft_listener *listener_alloc(void)
{
	struct weft_listener *listener = calloc(1, sizeof(*listener));

	if (!listener)
		return NULL;
	listener->fd = -1;
	listener->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (listener->stop_fd < 0) {
		free(listener);
		return NULL;
	}
	return listener;
}

struct weft_listener *weft_listener_new(
	const char *text, const struct weft_listener_options *options)
{
	struct weft_listener *listener;
	struct weft_address address;

	if (weft_address_parse(&address, text) < 0)
		return NULL;
	listener = listener_alloc();
	if (!listener)
		return NULL;
	if (options)
		listener->options = *options;
	if (listener->options.backlog <= 0)
		listener->options.backlog = SOMAXCONN;
	listener->fd = weft_socket(weft_address_family(&address), SOCK_STREAM, 0);
	if (listener->fd < 0 || bind_and_listen(listener, &address) < 0) {
		weft_listener_free(listener);
		return NULL;
	}
	return listener;
}

struct weft_listener *weft_listener_from_fd(int fd)
{
	struct weft_listener *listener;
	int listens = 0, flags;
	bool is_tcp;
	socklen_t len = sizeof(listens);

	if (weft_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0)
		return NULL;
	if (!listens) {
		errno = EINVAL;
		return NULL;
	}
	listener = listener_alloc();
	if (!listener)
		return NULL;
	flags = fcntl(fd, F_GETFL);
	if (weft_getsockname(fd, &listener->address) < 0 || flags < 0 ||
		fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		weft_listener_free(listener);
		return NULL;
	}
	is_tcp = weft_address_family(&listener->address) != AF_UNIX;
	if (is_tcp)
		set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	/* From here on it is as if weft_socket() had made it. */
	weft__fd_made(fd, is_tcp ? WEFT__FD_TCP : 0);
	listener->fd = fd;
	return listener;
}

/*
 * The first socket is bound without SO_REUSEPORT, so that a port in use is an error even
 * if its user would share it. Set afterwards it admits the siblings, and goes on
 * refusing all who, like weft itself, don't ask to share.
 */
int weft__listener_sibling(const struct weft_listener *listener)
{
	struct weft_listener sibling = {.options = listener->options};
	int family = weft_address_family(&listener->address);

	if (family == AF_UNIX || listener->options.backlog == 0) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (set_option(listener->fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0)
		return -1;
	sibling.options.reuse_port = true;
	sibling.fd = weft_socket(family, SOCK_STREAM, 0);
	if (sibling.fd < 0)
		return -1;
	if (bind_and_listen(&sibling, &listener->address) < 0) {
		int saved_errno = errno;

		weft_close(sibling.fd);
		errno = saved_errno;
		return -1;
	}
	return sibling.fd;
}

void weft_listener_free(struct weft_listener *listener)
{
	int saved_errno = errno;

	if (!listener)
		return;
	/* The path goes first: a successor's bind must not find it with nobody behind. */
	weft__unix_path_remove(&listener->path, &listener->address);
	if (listener->fd >= 0)
		weft_close(listener->fd);
	weft_close(listener->stop_fd);
	if (atomic_load(&listener->counts))
		munmap(atomic_load(&listener->counts), sizeof(*listener->counts));
	free(listener);
	errno = saved_errno;
}

void weft_listener_set_name(struct weft_listener *listener, const char *name)
{
	listener->name = name;
}

const struct weft_address *weft_listener_address(const struct weft_listener *listener)
{
	return &listener->address;
}

int weft_listener_fd(const struct weft_listener *listener)
{
	return listener->fd;
}

/* ---- Accepting --------------------------------------------------------------------- */

/* Whether the next accept may go better when a descriptor, or memory, is free again. */
static bool is_shortage(int code)
{
	return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

int weft__listener_accept(int fd, struct weft_address *ret_peer)
{
	for (;;) {
		socklen_t len = sizeof(struct sockaddr_un);
		int accepted = weft_accept(fd, &ret_peer->any, &len);

		if (accepted >= 0) {
			ret_peer->len = len;
			return accepted;
		}
		if (!is_shortage(errno) || weft_wait_descriptor() < 0)
			return -1;
	}
}

struct weft_stream *weft__listener_stream(
	const struct weft_listener *listener, int fd, const struct weft_address *peer)
{
	struct weft_stream *stream = weft__stream_new_accepted(fd, peer);

	if (stream && listener->begin && listener->begin(stream, listener->tls) < 0) {
		weft__stream_forget(stream);
		return NULL;
	}
	return stream;
}

struct weft_stream *weft_listener_accept(struct weft_listener *listener)
{
	if (listener->is_refused) {
		errno = EINVAL;
		return NULL;
	}
	for (;;) {
		struct weft_address peer;
		int fd = weft__listener_accept(listener->fd, &peer);
		struct weft_stream *stream;

		if (fd < 0)
			return NULL;
		stream = weft__listener_stream(listener, fd, &peer);
		if (stream)
			return stream;
		/* One peer is turned away; the listener goes on. */
		weft_close(fd);
		if (weft_wait_descriptor() < 0)
			return NULL;
	}
}

void weft_serve_stop(struct weft_listener *listener)
{
	uint64_t one = 1;
	ssize_t written;

	/* write(2) itself: safe in a signal handler, and never held up by a scope. It can
	 * only fail when the counter is full, and then the stop has long been told. */
	do
		written = write(listener->stop_fd, &one, sizeof(one));
	while (written < 0 && errno == EINTR);
}
