/*
 * listen.h - what both network yardsticks share: a listener, and the accept loop.
 *
 * Entry points: limit_listen(), limit_accept_all(), limit_send_all().
 * Never: anything of weft, or more than the smallest server needs.
 */
#ifndef LIMIT_LISTEN_H
#define LIMIT_LISTEN_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_EVENTS_MAX 512

/** Listen on a port of 127.0.0.1 that the kernel chooses, and print it. Exits on failure. */
static inline int limit_listen(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, SOMAXCONN) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) < 0) {
		perror("limit: listen");
		exit(1);
	}
	printf("%u\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

/** Register every connection that waits, once, for edges. */
static inline void limit_accept_all(int epoll_fd, int listen_fd)
{
	int fd, one = 1;

	while ((fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event event = {
			.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = fd};

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
			close(fd);
	}
}

/**
 * Send all of it. A full socket buffer is waited out on the spot: with replies this
 * small it never happens, and an output queue would only make the yardstick longer.
 */
static inline bool limit_send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN) {
			struct pollfd writable = {.fd = fd, .events = POLLOUT};

			poll(&writable, 1, -1);
			continue;
		}
		if (sent < 0)
			return false;
		data += sent;
		len -= (size_t)sent;
	}
	return true;
}

#endif
