/*
 * echo_epoll.c - yardstick: the smallest edge-triggered epoll echo server, one thread.
 *
 * Prints the port that the kernel chose, nothing else, and runs until it is killed.
 * A read that does not fill the buffer has emptied the socket, so no second recv()
 * asks for the EAGAIN; EPOLLRDHUP tells when the end came along with the bytes.
 */
#include "listen.h"

/* Whether the connection lives on. */
static bool echo(int fd, uint32_t events)
{
	char buffer[4096];

	for (;;) {
		ssize_t len = recv(fd, buffer, sizeof(buffer), 0);

		if (len < 0)
			return errno == EAGAIN;
		if (len == 0 || !limit_send_all(fd, buffer, (size_t)len))
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
			else if (!echo(events[i].data.fd, events[i].events))
				close(events[i].data.fd);
		}
	}
}
