/*
 * udp_fan.c - the least program that relays datagrams as a chat room does: who has sent "L" is in,
 * and the text of a "C" goes to all others, up to 64 of them by one sendmmsg(2).
 *
 *	udp_fan		prints the port that it has
 *
 * It leaves out: names, who may, order, the log on the disk, all other doors.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PEERS_MAX 20000
#define BATCH     64

static struct sockaddr_in peers[PEERS_MAX];
static unsigned peer_count;

static bool is_same(const struct sockaddr_in *one, const struct sockaddr_in *other)
{
	return one->sin_port == other->sin_port && one->sin_addr.s_addr == other->sin_addr.s_addr;
}

static void send_all(int fd, struct mmsghdr *messages, unsigned count)
{
	for (unsigned done = 0; done < count;) {
		int sent = sendmmsg(fd, messages + done, count - done, 0);

		done += sent > 0 ? (unsigned)sent : 1;
	}
}

static void fan_out(int fd, const struct sockaddr_in *from, char *text, size_t len)
{
	struct iovec part = {text, len};
	struct mmsghdr messages[BATCH];
	unsigned count = 0;

	for (unsigned i = 0; i < peer_count; i++) {
		if (is_same(&peers[i], from))
			continue;
		messages[count++].msg_hdr = (struct msghdr){.msg_name = &peers[i],
			.msg_namelen = sizeof(peers[i]),
			.msg_iov = &part,
			.msg_iovlen = 1};
		if (count == BATCH) {
			send_all(fd, messages, count);
			count = 0;
		}
	}
	send_all(fd, messages, count);
}

int main(void)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t own_len = sizeof(own);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 1 << 20;

	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0 ||
		getsockname(fd, (struct sockaddr *)&own, &own_len) < 0)
		return 1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	printf("%u\n", ntohs(own.sin_port));
	fflush(stdout);
	for (;;) {
		char data[2048];
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		ssize_t len =
			recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &from_len);

		if (len > 0 && data[0] == 'L' && peer_count < PEERS_MAX) {
			peers[peer_count++] = from;
			sendto(fd, "OK", 2, 0, (struct sockaddr *)&from, from_len);
		} else if (len > 2 && data[0] == 'C') {
			fan_out(fd, &from, data + 2, (size_t)len - 2);
		}
	}
}
