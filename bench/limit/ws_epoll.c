/*
 * ws_epoll.c - yardstick: an epoll loop that sends each WebSocket frame back, unmasked.
 *
 * A connection's first read is taken for a handshake and is answered by a fixed reply; every
 * other read for one frame of under 126 bytes. It checks nothing. Prints the port that the
 * kernel chose, nothing else, and runs until it is killed.
 */
#include "listen.h"

#define FDS_MAX    65536
#define HEADER_LEN 2
#define MASK_LEN   4
#define SHORT_MAX  125

static const char welcome[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			      "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";
static bool is_open[FDS_MAX]; /* the handshake is over */

static bool answer_frame(int fd, char *frame, size_t len)
{
	size_t payload_len = frame[1] & 0x7f;
	char *mask = frame + HEADER_LEN, *payload = mask + MASK_LEN, *reply = payload - HEADER_LEN;

	if (payload_len > SHORT_MAX || len != HEADER_LEN + MASK_LEN + payload_len)
		return false;
	for (size_t i = 0; i < payload_len; i++)
		payload[i] ^= mask[i % MASK_LEN];
	/* The reply's header takes the place of the mask's end. */
	reply[0] = frame[0];
	reply[1] = (char)payload_len;
	return limit_send_all(fd, reply, HEADER_LEN + payload_len);
}

/* Whether the connection lives on. */
static bool answer(int fd, uint32_t events)
{
	char buffer[4096];

	for (;;) {
		ssize_t len = recv(fd, buffer, sizeof(buffer), 0);

		if (len < 0)
			return errno == EAGAIN;
		if (len == 0 || fd >= FDS_MAX)
			return false;
		if (is_open[fd] && !answer_frame(fd, buffer, (size_t)len))
			return false;
		if (!is_open[fd] && !limit_send_all(fd, welcome, sizeof(welcome) - 1))
			return false;
		is_open[fd] = true;
		if (!(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
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
			int fd = events[i].data.fd;

			if (fd == event.data.fd) {
				limit_accept_all(epoll_fd, fd);
			} else if (!answer(fd, events[i].events)) {
				is_open[fd] = false;
				close(fd);
			}
		}
	}
}
