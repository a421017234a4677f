/*
 * sim_net.c - the calls on the simulator's descriptors that never wait.
 */
#include "fiber/driver/sim.h"

#include <errno.h>

#include "fiber/worker.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Making and naming ------------------------------------------------------------------- */

static int net_socket(struct weft__driver *driver, int domain, int type, int protocol)
{
	int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct sim_socket *socket;
	int code;

	(void)driver, (void)protocol;
	if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX)
		return fail(EAFNOSUPPORT);
	if (kind != SOCK_STREAM && kind != SOCK_DGRAM)
		return fail(EPROTONOSUPPORT);
	code = weft__sim_fault(WEFT_SIM_SOCKET, NULL);
	if (code)
		return fail(code);
	socket = weft__sim_socket_new(domain, kind);
	return socket ? socket->fd : -1;
}

static int pair(int domain, int type, int ret_fds[2])
{
	struct sim_socket *one, *other;
	int code = weft__sim_fault(WEFT_SIM_SOCKET, NULL);

	if (code)
		return fail(code);
	one = weft__sim_socket_new(domain, type);
	if (!one)
		return -1;
	other = weft__sim_socket_new(domain, type);
	if (!other) {
		weft__sim_net.close(&weft__sim->driver, one->fd);
		return fail(EMFILE);
	}
	weft__sim_stream_join(one, other);
	ret_fds[0] = one->fd;
	ret_fds[1] = other->fd;
	return 0;
}

static int net_socketpair(
	struct weft__driver *driver, int domain, int type, int protocol, int ret_fds[2])
{
	int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)driver, (void)protocol;
	if (domain != AF_UNIX)
		return fail(EOPNOTSUPP);
	if (kind != SOCK_STREAM && kind != SOCK_DGRAM)
		return fail(EPROTONOSUPPORT);
	return pair(domain, kind, ret_fds);
}

static int net_pipe(struct weft__driver *driver, int ret_fds[2])
{
	(void)driver;
	if (pair(AF_UNIX, 0, ret_fds) < 0)
		return -1;
	weft__sim_socket_of(ret_fds[0])->is_out_shut = true;
	weft__sim_socket_of(ret_fds[1])->is_in_shut = true;
	return 0;
}

static int net_bind(
	struct weft__driver *driver, int fd, const struct sockaddr *address, socklen_t len)
{
	struct sim_socket *socket = weft__sim_socket_of(fd);
	struct sim_address wanted;
	int code;

	if (fd < SIM_FD_FIRST)
		return weft__net_kernel.bind(driver, fd, address, len);
	if (!socket)
		return fail(EBADF);
	code = weft__sim_fault(WEFT_SIM_BIND, socket);
	if (code)
		return fail(code);
	code = weft__sim_address_read(address, len, &wanted);
	if (!code && (socket->is_bound || wanted.domain != socket->domain))
		code = EINVAL;
	else if (!code && wanted.host != weft__sim_here())
		code = EADDRNOTAVAIL;
	if (code)
		return fail(code);
	if (wanted.port == 0 && wanted.domain != AF_UNIX) {
		socket->local.shown = wanted.shown;
		socket->local.is_any = wanted.is_any;
		code = weft__sim_bind_any(socket);
	} else {
		code = weft__sim_bind(socket, &wanted);
	}
	return code ? fail(code) : 0;
}

static int net_listen(struct weft__driver *driver, int fd, int backlog)
{
	struct sim_socket *socket = weft__sim_socket_of(fd);
	int code;

	if (fd < SIM_FD_FIRST)
		return weft__net_kernel.listen(driver, fd, backlog);
	if (!socket)
		return fail(EBADF);
	if (socket->type != SOCK_STREAM)
		return fail(EOPNOTSUPP);
	code = weft__sim_fault(WEFT_SIM_LISTEN, socket);
	if (code)
		return fail(code);
	code = weft__sim_bind_any(socket);
	if (code)
		return fail(code);
	socket->state = SIM_LISTENING;
	socket->backlog_max = backlog > 0 ? backlog : 1;
	return 0;
}

static int net_shutdown(struct weft__driver *driver, int fd, int how)
{
	struct sim_socket *socket = weft__sim_socket_of(fd);
	int code;

	if (fd < SIM_FD_FIRST)
		return weft__net_kernel.shutdown(driver, fd, how);
	if (!socket)
		return fail(EBADF);
	code = weft__sim_fault(WEFT_SIM_OPTION, socket);
	if (code)
		return fail(code);
	return weft__sim_stream_shutdown(socket, how);
}

static int net_getsockname(
	struct weft__driver *driver, int fd, struct sockaddr *ret_address, socklen_t *len)
{
	struct sim_socket *socket = weft__sim_socket_of(fd);
	int code;

	if (fd < SIM_FD_FIRST)
		return weft__net_kernel.getsockname(driver, fd, ret_address, len);
	if (!socket || socket->type == 0)
		return fail(socket ? ENOTSOCK : EBADF);
	code = weft__sim_fault(WEFT_SIM_OPTION, socket);
	if (code)
		return fail(code);
	weft__sim_address_write(&socket->local, ret_address, len);
	return 0;
}

static int net_getpeername(
	struct weft__driver *driver, int fd, struct sockaddr *ret_address, socklen_t *len)
{
	struct sim_socket *socket = weft__sim_socket_of(fd);
	int code;

	if (fd < SIM_FD_FIRST)
		return weft__net_kernel.getpeername(driver, fd, ret_address, len);
	if (!socket || socket->type == 0)
		return fail(socket ? ENOTSOCK : EBADF);
	if (socket->state != SIM_CONNECTED)
		return fail(ENOTCONN);
	code = weft__sim_fault(WEFT_SIM_OPTION, socket);
	if (code)
		return fail(code);
	weft__sim_address_write(&socket->remote, ret_address, len);
	return 0;
}

static void tell_closed(struct sim_socket *socket)
{
	struct weft_list_node *node;

	while ((node = weft_list_pop_front(&socket->watchers))) {
		struct weft__watch *watch = weft_container_of(node, struct weft__watch, node);

		watch->is_closed = true;
		weft__ready(weft__sim->driver.worker, watch->fiber);
	}
}

static int net_close(struct weft__driver *driver, int fd)
{
	struct sim_socket *socket = weft__sim_socket_of(fd);

	if (fd < SIM_FD_FIRST)
		return weft__net_kernel.close(driver, fd);
	if (!socket)
		return fail(EBADF);
	weft__sim_trace("close %u", socket->number);
	weft__sim->sockets[fd - SIM_FD_FIRST] = NULL;
	weft__sim->open_count--;
	socket->fd = -1;
	tell_closed(socket);
	weft__sim_unbind(socket);
	weft__sim_stream_close(socket);
	weft__sim_socket_drop(socket);
	return 0;
}

const struct weft__net_ops weft__sim_net = {
	.socket = net_socket,
	.socketpair = net_socketpair,
	.pipe = net_pipe,
	.bind = net_bind,
	.listen = net_listen,
	.shutdown = net_shutdown,
	.getsockname = net_getsockname,
	.getpeername = net_getpeername,
	.getsockopt = weft__sim_getsockopt,
	.setsockopt = weft__sim_setsockopt,
	.close = net_close,
	.resolve = weft__sim_resolve,
};
