/*
 * socket.c - the POSIX calls of include/weft/socket.h, as operations of the driver.
 *
 * Must never: hold anything of its own. What a call means is in src/fiber/driver/.
 */
#include "weft/socket.h"

#include <errno.h>

#include "fiber/driver/driver.h"
#include "fiber/driver/fds.h"

static uint32_t traits_of(int domain, int type)
{
	bool is_internet = domain == AF_INET || domain == AF_INET6;

	return is_internet && (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_STREAM ? WEFT__FD_TCP
										      : 0;
}

/* ---- Making descriptors ------------------------------------------------------------- */

int weft_socket(int domain, int type, int protocol)
{
	struct weft__driver *driver;
	const struct weft__net_ops *net = weft__net(&driver);
	int fd = net->socket(driver, domain, type, protocol);

	if (fd >= 0)
		weft__fd_made(fd, traits_of(domain, type));
	return fd;
}

int weft_socketpair(int domain, int type, int protocol, int ret_fds[2])
{
	struct weft__driver *driver;
	const struct weft__net_ops *net = weft__net(&driver);

	if (net->socketpair(driver, domain, type, protocol, ret_fds) < 0)
		return -1;
	weft__fd_made(ret_fds[0], 0);
	weft__fd_made(ret_fds[1], 0);
	return 0;
}

int weft_pipe(int ret_fds[2])
{
	struct weft__driver *driver;
	const struct weft__net_ops *net = weft__net(&driver);

	if (net->pipe(driver, ret_fds) < 0)
		return -1;
	weft__fd_made(ret_fds[0], 0);
	weft__fd_made(ret_fds[1], 0);
	return 0;
}

int weft_accept(int fd, struct sockaddr *ret_address, socklen_t *len)
{
	struct weft__op op = {.kind = WEFT__OP_ACCEPT,
		.fd = fd,
		.address = ret_address,
		.address_len_place = len};
	struct weft__fd *listener = weft__fd_of(fd);
	int accepted = (int)weft__perform(&op);

	if (accepted >= 0)
		weft__fd_made(
			accepted, listener ? atomic_load(&listener->traits) & WEFT__FD_TCP : 0);
	return accepted;
}

/* ---- Without waiting ------------------------------------------------------------------ */

int weft_bind(int fd, const struct sockaddr *address, socklen_t len)
{
	struct weft__driver *driver;
	const struct weft__net_ops *net = weft__net(&driver);

	return net->bind(driver, fd, address, len);
}

int weft_listen(int fd, int backlog)
{
	struct weft__driver *driver;
	const struct weft__net_ops *net = weft__net(&driver);

	return net->listen(driver, fd, backlog);
}

int weft_shutdown(int fd, int how)
{
	struct weft__driver *driver;
	const struct weft__net_ops *net = weft__net(&driver);

	return net->shutdown(driver, fd, how);
}

int weft_getsockopt(int fd, int level, int option, void *ret_value, socklen_t *len)
{
	const struct weft__sockopt call = {level, option, ret_value, len};
	struct weft__driver *driver;
	const struct weft__net_ops *net = weft__net(&driver);

	return net->getsockopt(driver, fd, &call);
}

int weft_setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	const struct weft__sockopt call = {level, option, (void *)value, &len};
	struct weft__driver *driver;
	const struct weft__net_ops *net = weft__net(&driver);

	return net->setsockopt(driver, fd, &call);
}

/* ---- That may wait ----------------------------------------------------------------------- */

int weft_connect(int fd, const struct sockaddr *address, socklen_t len)
{
	struct weft__op op = {.kind = WEFT__OP_CONNECT,
		.fd = fd,
		.address = (struct sockaddr *)address,
		.address_len = len};

	return (int)weft__perform(&op);
}

ssize_t weft_read(int fd, void *buffer, size_t size_bytes)
{
	struct weft__op op = {.kind = WEFT__OP_READ, .fd = fd, .data = buffer, .len = size_bytes};

	return weft__perform(&op);
}

ssize_t weft_write(int fd, const void *data, size_t len)
{
	struct weft__op op = {.kind = WEFT__OP_WRITE, .fd = fd, .data = (void *)data, .len = len};

	return weft__perform(&op);
}

/* Counts that readv(2) and writev(2) would refuse. */
static ssize_t perform_parts(enum weft__op_kind kind, int fd, const struct iovec *parts, int count)
{
	struct weft__op op = {.kind = kind, .fd = fd, .data = (void *)parts, .len = (size_t)count};

	if (count < 0) {
		errno = EINVAL;
		return -1;
	}
	return weft__perform(&op);
}

ssize_t weft_readv(int fd, const struct iovec *parts, int count)
{
	return perform_parts(WEFT__OP_READV, fd, parts, count);
}

ssize_t weft_writev(int fd, const struct iovec *parts, int count)
{
	return perform_parts(WEFT__OP_WRITEV, fd, parts, count);
}

ssize_t weft_recv(int fd, void *buffer, size_t size_bytes, int flags)
{
	struct weft__op op = {
		.kind = WEFT__OP_RECV, .fd = fd, .data = buffer, .len = size_bytes, .flags = flags};

	return weft__perform(&op);
}

ssize_t weft_send(int fd, const void *data, size_t len, int flags)
{
	struct weft__op op = {.kind = WEFT__OP_SEND,
		.fd = fd,
		.data = (void *)data,
		.len = len,
		.flags = flags & ~MSG_NOSIGNAL};

	return weft__perform(&op);
}

ssize_t weft_recvfrom(int fd, void *buffer, size_t size_bytes, int flags,
	struct sockaddr *ret_address, socklen_t *address_len)
{
	struct weft__op op = {.kind = WEFT__OP_RECVFROM,
		.fd = fd,
		.data = buffer,
		.len = size_bytes,
		.flags = flags,
		.address = ret_address,
		.address_len_place = address_len};

	return weft__perform(&op);
}

ssize_t weft_sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *address,
	socklen_t address_len)
{
	struct weft__op op = {.kind = WEFT__OP_SENDTO,
		.fd = fd,
		.data = (void *)data,
		.len = len,
		.flags = flags,
		.address = (struct sockaddr *)address,
		.address_len = address_len};

	return weft__perform(&op);
}

ssize_t weft_recvmsg(int fd, struct msghdr *message, int flags)
{
	struct weft__op op = {.kind = WEFT__OP_RECVMSG, .fd = fd, .data = message, .flags = flags};

	return weft__perform(&op);
}

ssize_t weft_sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct weft__op op = {
		.kind = WEFT__OP_SENDMSG, .fd = fd, .data = (void *)message, .flags = flags};

	return weft__perform(&op);
}

int weft_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	struct weft__op op = {.kind = WEFT__OP_RECVMMSG,
		.fd = fd,
		.data = messages,
		.len = count,
		.flags = flags};

	return (int)weft__perform(&op);
}

int weft_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	struct weft__op op = {.kind = WEFT__OP_SENDMMSG,
		.fd = fd,
		.data = messages,
		.len = count,
		.flags = flags};

	return (int)weft__perform(&op);
}

ssize_t weft_sendfile(int fd, int file_fd, off_t *offset, size_t len)
{
	struct weft__op op = {.kind = WEFT__OP_SENDFILE,
		.fd = fd,
		.other_fd = file_fd,
		.offset = offset,
		.len = len};

	return weft__perform(&op);
}

int weft_wait_fd(int fd, int events)
{
	struct weft__op op = {.kind = WEFT__OP_POLL, .fd = fd, .flags = events};

	return (int)weft__perform(&op);
}
