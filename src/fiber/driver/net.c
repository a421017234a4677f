/*
 * net.c - the calls on sockets that never wait: the kernel's, or a driver's that stands
 * in for it.
 *
 * Must never: park.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fiber/sanitize.h"
#include "fiber/worker.h"

static int kernel_socket(struct weft__driver *driver, int domain, int type, int protocol)
{
	(void)driver;
	return socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int kernel_socketpair(
	struct weft__driver *driver, int domain, int type, int protocol, int ret_fds[2])
{
	(void)driver;
	return socketpair(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol, ret_fds);
}

static int kernel_pipe(struct weft__driver *driver, int ret_fds[2])
{
	(void)driver;
	return pipe2(ret_fds, O_NONBLOCK | O_CLOEXEC);
}

static int kernel_bind(
	struct weft__driver *driver, int fd, const struct sockaddr *address, socklen_t len)
{
	(void)driver;
	return bind(fd, address, len);
}

static int kernel_listen(struct weft__driver *driver, int fd, int backlog)
{
	(void)driver;
	return listen(fd, backlog);
}

static int kernel_shutdown(struct weft__driver *driver, int fd, int how)
{
	(void)driver;
	return shutdown(fd, how);
}

static int kernel_getsockname(
	struct weft__driver *driver, int fd, struct sockaddr *ret_address, socklen_t *len)
{
	(void)driver;
	return getsockname(fd, ret_address, len);
}

static int kernel_getpeername(
	struct weft__driver *driver, int fd, struct sockaddr *ret_address, socklen_t *len)
{
	(void)driver;
	return getpeername(fd, ret_address, len);
}

static int kernel_getsockopt(
	struct weft__driver *driver, int fd, const struct weft__sockopt *option)
{
	(void)driver;
	return getsockopt(fd, option->level, option->option, option->value, option->len);
}

static int kernel_setsockopt(
	struct weft__driver *driver, int fd, const struct weft__sockopt *option)
{
	(void)driver;
	return setsockopt(fd, option->level, option->option, option->value, *option->len);
}

static int kernel_close(struct weft__driver *driver, int fd)
{
	int result;

	(void)driver;
	weft__sanitize_close_begin();
	result = close(fd);
	weft__sanitize_close_end();
	return result;
}

const struct weft__net_ops weft__net_kernel = {
	.socket = kernel_socket,
	.socketpair = kernel_socketpair,
	.pipe = kernel_pipe,
	.bind = kernel_bind,
	.listen = kernel_listen,
	.shutdown = kernel_shutdown,
	.getsockname = kernel_getsockname,
	.getpeername = kernel_getpeername,
	.getsockopt = kernel_getsockopt,
	.setsockopt = kernel_setsockopt,
	.close = kernel_close,
};

const struct weft__net_ops *weft__net(struct weft__driver **ret_driver)
{
	*ret_driver = weft__worker ? weft__worker->driver : NULL;
	return *ret_driver && (*ret_driver)->ops->net ? (*ret_driver)->ops->net : &weft__net_kernel;
}
