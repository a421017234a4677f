/*
 * http_epoll.c - yardstick: an epoll loop that answers every read with one fixed HTTP reply.
 *
 * It parses nothing: one read is taken for one request. The reply has the headers that
 * a static file server sends, so that the bytes on the wire are comparable. Prints the
 * port that the kernel chose, nothing else, and runs until it is killed.
 */
#include "listen.h"

static const char reply[] = "HTTP/1.1 200 OK\r\n"
			    "Server: limit/1.0.0\r\n"
			    "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
			    "Content-Type: text/plain; charset=utf-8\r\n"
			    "Content-Length: 13\r\n"
			    "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
			    "ETag: \"695626c0-d\"\r\n"
			    "Accept-Ranges: bytes\r\n"
			    "Connection: keep-alive\r\n"
			    "\r\n"
			    "Hello, world\n";

/* Whether the connection lives on. */
static bool answer(int fd, uint32_t events)
{
	char buffer[4096];

	for (;;) {
		ssize_t len = recv(fd, buffer, sizeof(buffer), 0);

		if (len < 0)
			return errno == EAGAIN;
		if (len == 0 || !limit_send_all(fd, reply, sizeof(reply) - 1))
			return false;
		if ((size_t)len < sizeof(buffer) && !(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
			return true;
	}
}

int main(void)
{
	struct epoll_event events[LIMIT_EVENTS_MAX], event = {.events = EPOLLIN};
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	event.data.fd = limit_listen();
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event);
	for (;;) {
		int count = epoll_wait(epoll_fd, events, LIMIT_EVENTS_MAX, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == event.data.fd)
				limit_accept_all(epoll_fd, event.data.fd);
			else if (!answer(events[i].data.fd, events[i].events))
				close(events[i].data.fd);
		}
	}
}
