/*
 * http_count.c - yardstick: an epoll loop that answers every so many bytes with one fixed reply.
 *
 *	http_count REQUEST_LEN BODY_LEN [close]
 *
 * It parses nothing: REQUEST_LEN bytes are a request, wherever the reads cut them. What one
 * read brought is answered by one write. With "close", a connection ends with its first
 * answer. Prints the port that the kernel chose, nothing else, and runs until it is killed.
 */
#include "listen.h"

#define READ_LEN   65536
#define FDS_MAX    (1 << 20)
#define BATCH_MAX  64
#define REPLY_ROOM (1 << 20)

static unsigned pending[FDS_MAX]; /* bytes of a request that has not come whole, by descriptor */
static char replies[REPLY_ROOM];  /* batch times the reply */
static size_t request_len, reply_len, batch;
static bool closes;

static void make_replies(size_t body_len)
{
	int len = snprintf(replies, sizeof(replies),
		"HTTP/1.1 200 OK\r\nServer: limit/1.0.0\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
		"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
		"Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nETag: \"695626c0-d\"\r\n"
		"Accept-Ranges: bytes\r\nConnection: %s\r\n\r\n",
		body_len, closes ? "close" : "keep-alive");

	reply_len = (size_t)len + body_len;
	memset(replies + len, 'x', body_len);
	for (batch = 1; batch < BATCH_MAX && (batch + 1) * reply_len <= sizeof(replies); batch++)
		memcpy(replies + batch * reply_len, replies, reply_len);
}

/* Answer what len more bytes made whole. Whether the connection lives on. */
static bool answer_all(int fd, size_t len)
{
	size_t have = pending[fd] + len, count = have / request_len;

	pending[fd] = (unsigned)(have % request_len);
	for (size_t some; count > 0; count -= some) {
		some = count < batch ? count : batch;
		if (!limit_send_all(fd, replies, some * reply_len) || closes)
			return false;
	}
	return true;
}

/* Whether the connection lives on. */
static bool answer(int fd, uint32_t events)
{
	static char buffer[READ_LEN];

	for (;;) {
		ssize_t len = recv(fd, buffer, sizeof(buffer), 0);

		if (len < 0)
			return errno == EAGAIN;
		if (len == 0 || !answer_all(fd, (size_t)len))
			return false;
		if ((size_t)len < sizeof(buffer) && !(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
			return true;
	}
}

int main(int argc, char **argv)
{
	struct epoll_event events[LIMIT_EVENTS_MAX], event = {.events = EPOLLIN};
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	size_t body_len = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	request_len = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	if (request_len == 0 || body_len > REPLY_ROOM / 2)
		return 2;
	closes = argc > 3;
	make_replies(body_len);
	event.data.fd = limit_listen();
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event);
	for (;;) {
		int count = epoll_wait(epoll_fd, events, LIMIT_EVENTS_MAX, -1);

		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;

			if (fd == event.data.fd) {
				limit_accept_all(epoll_fd, fd);
			} else if (!answer(fd, events[i].events)) {
				pending[fd] = 0;
				close(fd);
			}
		}
	}
}
