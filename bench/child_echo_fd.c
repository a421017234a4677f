/*
 * child_echo_fd.c - an echo server on plain descriptors: a fiber per connection, no streams.
 *
 * Entry points: child_echo_fd().
 * What weft's streams cost is the difference between this and child_echo.c.
 * Never: a trick that a user of the public headers could not play.
 */
#include "child.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "weft/fiber.h"
#include "weft/socket.h"

#define BUFFER_SIZE 4096

static int send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t sent = weft_send(fd, data, len, 0);

		if (sent < 0)
			return -1;
		data += sent;
		len -= (size_t)sent;
	}
	return 0;
}

static int echo(void *arg)
{
	char buffer[BUFFER_SIZE];
	int fd = (int)(intptr_t)arg, one = 1;
	ssize_t len;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	while ((len = weft_recv(fd, buffer, sizeof(buffer), 0)) > 0)
		if (send_all(fd, buffer, (size_t)len) < 0)
			break;
	weft_close(fd);
	return 0;
}

static int listen_somewhere(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = weft_socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || weft_bind(fd, (struct sockaddr *)&address, len) < 0 ||
		weft_listen(fd, SOMAXCONN) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) < 0) {
		perror("weft-bench: listen");
		return -1;
	}
	printf("%u\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

static int serve_main(void *arg)
{
	const struct weft_spawn_options options = {.detached = true};
	int listen_fd = listen_somewhere(), fd;

	(void)arg;
	if (listen_fd < 0)
		return 1;
	while ((fd = weft_accept(listen_fd, NULL, NULL)) >= 0)
		if (weft_spawn_with(&options, echo, (void *)(intptr_t)fd) == 0)
			weft_close(fd);
	weft_close(listen_fd);
	return 1;
}

int child_echo_fd(const char *argument)
{
	struct weft_run_options options = {.workers = 1};

	(void)argument;
	return weft_run(&options, serve_main, NULL);
}
