/*
 * poller_echo.c - an echo server as an event loop: what weft's fibers spare their users.
 *
 *	poller_echo [MECHANISM [PORT]]	epoll, poll, select or uring; 7000
 *
 * One poller, level-triggered, no fibers. What doesn't fit into a socket's buffer is
 * dropped; to keep it, and to stop reading meanwhile, would be the next fifty lines.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft/poller.h>
#include <weft/socket.h>

static int listen_at(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = weft_socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd < 0 || weft_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		weft_bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ||
		weft_listen(fd, SOMAXCONN) < 0)
		return -1;
	return fd;
}

static void let_in(struct weft_poller *poller, int listener)
{
	int fd = weft_accept(listener, NULL, NULL);

	if (fd >= 0 && weft_poller_register(poller, fd, WEFT_POLLER_IN, NULL) < 0)
		weft_close(fd);
}

static void echo(struct weft_poller *poller, int fd)
{
	char bytes[4096];
	ssize_t len = weft_recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (len > 0 && weft_send(fd, bytes, (size_t)len, MSG_DONTWAIT) >= 0)
		return;
	if (len < 0 && errno == EAGAIN)
		return;
	weft_poller_unregister(poller, fd);
	weft_close(fd);
}

int main(int argc, char **argv)
{
	struct weft_poller *poller = weft_poller_new(argc > 1 ? argv[1] : NULL);
	int listener = listen_at(argc > 2 ? (uint16_t)strtoul(argv[2], NULL, 10) : 7000);
	struct weft_poller_event events[64];
	ssize_t count;

	if (!poller || listener < 0 ||
		weft_poller_register(poller, listener, WEFT_POLLER_IN, NULL) < 0) {
		fprintf(stderr, "poller_echo: %s\n", strerror(errno));
		return 1;
	}
	while ((count = weft_poller_wait(poller, events, 64, WEFT_FOREVER)) >= 0)
		for (ssize_t i = 0; i < count; i++) {
			if (events[i].fd == listener)
				let_in(poller, listener);
			else
				echo(poller, events[i].fd);
		}
	perror("poller_echo");
	return 1;
}
