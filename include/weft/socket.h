/*
 * weft/socket.h - the POSIX calls on descriptors, that park the fiber instead of the thread.
 *
 * Names, arguments, results and errno are those of the POSIX call without the
 * prefix; each comment says only what differs. All of them:
 * - never fail with EINTR, nor with EAGAIN unless the caller passes MSG_DONTWAIT, and
 *   never raise SIGPIPE (EPIPE instead);
 * - can fail with ETIMEDOUT or ECANCELED (weft/scope.h), and with EBADF when the
 *   descriptor is closed by weft_close() while they wait;
 * - take any descriptor. weft makes its own non-blocking and close-on-exec; one made
 *   elsewhere is used as it is, and set non-blocking (for its whole open file
 *   description) when a call on it must first wait;
 * - are safe from any thread. When several fibers wait to read (or to write) one
 *   descriptor they are served in turn, first come first served.
 *
 * Close with weft_close() what weft has made, and what its calls have waited on: it wakes the
 * waiters, and weft forgets what it knows of the number. After a plain close(2) the next
 * descriptor of that number may be taken for the old one.
 */
#ifndef WEFT_SOCKET_H
#define WEFT_SOCKET_H

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "weft/api.h"

struct mmsghdr; /* sys/socket.h has it where _GNU_SOURCE is defined */

WEFT_BEGIN

/** socket(2), non-blocking and close-on-exec. */
WEFT_API int weft_socket(int domain, int type, int protocol);
/** socketpair(2), non-blocking and close-on-exec. */
WEFT_API int weft_socketpair(int domain, int type, int protocol, int ret_fds[2]);
/** pipe(2), non-blocking and close-on-exec. */
WEFT_API int weft_pipe(int ret_fds[2]);

/** bind(2) and listen(2), as they are. */
WEFT_API int weft_bind(int fd, const struct sockaddr *address, socklen_t len);
WEFT_API int weft_listen(int fd, int backlog);

/**
 * accept(2); the new descriptor is non-blocking and close-on-exec. EMFILE, ENFILE,
 * ENOBUFS and ENOMEM are returned; weft_wait_descriptor() waits them out.
 * ECONNABORTED and the network errors of accept(2) are retried inside.
 */
WEFT_API int weft_accept(int fd, struct sockaddr *ret_address, socklen_t *len);

/**
 * Wait until a descriptor may be free again: some weft_close() was called, or
 * 100 ms have gone by (somebody else may have closed one). Errors: ETIMEDOUT, ECANCELED.
 */
WEFT_API int weft_wait_descriptor(void);

/** connect(2); returns when the connection stands or can't be made. */
WEFT_API int weft_connect(int fd, const struct sockaddr *address, socklen_t len);

/** read(2), write(2), readv(2), writev(2): they wait until something can be moved. */
WEFT_API ssize_t weft_read(int fd, void *buffer, size_t size_bytes);
WEFT_API ssize_t weft_write(int fd, const void *data, size_t len);
WEFT_API ssize_t weft_readv(int fd, const struct iovec *parts, int count);
WEFT_API ssize_t weft_writev(int fd, const struct iovec *parts, int count);

/** recv(2), send(2) and their kind: they wait until something can be moved. */
WEFT_API ssize_t weft_recv(int fd, void *buffer, size_t size_bytes, int flags);
WEFT_API ssize_t weft_send(int fd, const void *data, size_t len, int flags);
WEFT_API ssize_t weft_recvfrom(int fd, void *buffer, size_t size_bytes, int flags,
	struct sockaddr *ret_address, socklen_t *address_len);
WEFT_API ssize_t weft_sendto(int fd, const void *data, size_t len, int flags,
	const struct sockaddr *address, socklen_t address_len);
WEFT_API ssize_t weft_recvmsg(int fd, struct msghdr *message, int flags);
WEFT_API ssize_t weft_sendmsg(int fd, const struct msghdr *message, int flags);

/**
 * recvmmsg(2) and sendmmsg(2): wait until one message can be moved, and move those that go
 * without waiting. Return how many. The deadline is the scope's.
 */
WEFT_API int weft_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
WEFT_API int weft_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);

/** sendfile(2) from the file at *offset (moved on by what was sent) to the socket fd. */
WEFT_API ssize_t weft_sendfile(int fd, int file_fd, off_t *offset, size_t len);

/** getsockopt(2) and setsockopt(2), as they are; weft/sockopt.h has them by name. */
WEFT_API int weft_getsockopt(int fd, int level, int option, void *ret_value, socklen_t *len);
WEFT_API int weft_setsockopt(int fd, int level, int option, const void *value, socklen_t len);

/** shutdown(2). Waiters see the end as the kernel tells it. */
WEFT_API int weft_shutdown(int fd, int how);

/**
 * close(2), and wake every fiber that waits on fd with EBADF. Never waits, never
 * fails with EINTR; inside a cancelled or late scope it closes all the same.
 */
WEFT_API int weft_close(int fd);

/**
 * Wait until fd has one of events (POLLIN, POLLOUT). Returns the events it has (with
 * POLLERR and POLLHUP as poll(2) reports them), or -1.
 */
WEFT_API int weft_wait_fd(int fd, int events);

WEFT_END

#endif
