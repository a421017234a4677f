/*
 * http_sendfile.c - yardstick: an epoll loop that answers every read with a head and a file.
 *
 *	http_sendfile FILE
 *
 * It parses nothing: one read is taken for one request. The file is open all the time and
 * goes out by sendfile(2), as much of it at a time as the socket takes. Prints the port that
 * the kernel chose, nothing else, and runs until it is killed.
 */
#include "listen.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define FDS_MAX 65536

static int file_fd;
static off_t file_len;
static off_t left[FDS_MAX]; /* bytes of the file that are still to go, by descriptor */
static char head[512];
static size_t head_len;

/* Send what the socket takes; the rest follows when there is room. Whether it lives on. */
static bool send_file(int fd)
{
	while (left[fd] > 0) {
		off_t at = file_len - left[fd];
		ssize_t sent = sendfile(fd, file_fd, &at, (size_t)left[fd]);

		if (sent <= 0)
			return sent < 0 && errno == EAGAIN;
		left[fd] -= sent;
	}
	return true;
}

/* Whether the connection lives on. */
static bool answer(int fd, uint32_t events)
{
	char buffer[4096];
	ssize_t len;

	if (!send_file(fd))
		return false;
	if (left[fd] > 0 || !(events & EPOLLIN))
		return true;
	len = recv(fd, buffer, sizeof(buffer), 0);
	if (len <= 0)
		return len < 0 && errno == EAGAIN;
	/* The head waits for the file's first bytes, and leaves with them. */
	if (send(fd, head, head_len, MSG_NOSIGNAL | MSG_MORE) != (ssize_t)head_len)
		return false;
	left[fd] = file_len;
	return send_file(fd);
}

static void accept_all(int epoll_fd, int listen_fd)
{
	int fd;

	while ((fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.fd = fd};

		if (fd >= FDS_MAX || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
			close(fd);
		else
			left[fd] = 0;
	}
}

int main(int argc, char **argv)
{
	struct epoll_event events[LIMIT_EVENTS_MAX], event = {.events = EPOLLIN};
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct stat facts;

	file_fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	if (file_fd < 0 || fstat(file_fd, &facts) < 0)
		return 2;
	file_len = facts.st_size;
	head_len = (size_t)snprintf(head, sizeof(head),
		"HTTP/1.1 200 OK\r\nServer: limit/1.0.0\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
		"Content-Type: application/octet-stream\r\nContent-Length: %lld\r\n"
		"Connection: keep-alive\r\n\r\n",
		(long long)file_len);
	event.data.fd = limit_listen();
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event);
	for (;;) {
		int count = epoll_wait(epoll_fd, events, LIMIT_EVENTS_MAX, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == event.data.fd)
				accept_all(epoll_fd, event.data.fd);
			else if (!answer(events[i].data.fd, events[i].events))
				close(events[i].data.fd);
		}
	}
}
