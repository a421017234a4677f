/*
 * udp.h - the far ends of the datagram contenders: plain processes, the same for all.
 *
 * Never: anything of weft.
 */
#ifndef LIMIT_UDP_H
#define LIMIT_UDP_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "timed.h"

#define UDP_BATCH     32
#define UDP_SIZE      64
#define UDP_WINDOW_NS 500000000 /* how long a contender is watched */

struct udp_batch {
	struct mmsghdr messages[UDP_BATCH];
	struct iovec parts[UDP_BATCH];
	struct sockaddr_in peers[UDP_BATCH];
	char data[UDP_BATCH][UDP_SIZE];
};

static inline void udp_batch_init(struct udp_batch *batch)
{
	memset(batch, 0, sizeof(*batch));
	for (int i = 0; i < UDP_BATCH; i++) {
		batch->parts[i] = (struct iovec){batch->data[i], UDP_SIZE};
		batch->messages[i].msg_hdr.msg_iov = &batch->parts[i];
		batch->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

static inline void udp_batch_name_peers(struct udp_batch *batch)
{
	for (int i = 0; i < UDP_BATCH; i++) {
		batch->messages[i].msg_hdr.msg_name = &batch->peers[i];
		batch->messages[i].msg_hdr.msg_namelen = sizeof(batch->peers[i]);
	}
}

/* What a lost datagram makes wait, a little later goes on. */
static inline int udp_socket(void)
{
	struct timeval patience = {.tv_usec = 20000};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) < 0)
		exit(1);
	return fd;
}

static inline uint16_t udp_port(int fd)
{
	struct sockaddr_in own;
	socklen_t len = sizeof(own);

	if (getsockname(fd, (struct sockaddr *)&own, &len) < 0)
		exit(1);
	return ntohs(own.sin_port);
}

static inline struct sockaddr_in udp_address(uint32_t host, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(host), .sin_port = htons(port)};
}

static inline pid_t udp_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/** A process that keeps two batches on their way to the port and back, until it is killed. */
static inline pid_t udp_start_asker(uint16_t port)
{
	struct sockaddr_in to = udp_address(INADDR_LOOPBACK, port);
	static struct udp_batch batch;
	pid_t pid = udp_child();
	int fd;

	if (pid != 0)
		return pid;
	fd = udp_socket();
	udp_batch_init(&batch);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		_exit(1);
	sendmmsg(fd, batch.messages, UDP_BATCH, 0);
	for (;;) {
		int count;

		sendmmsg(fd, batch.messages, UDP_BATCH, 0);
		for (int came = 0; came < UDP_BATCH; came += count) {
			count = recvmmsg(fd, batch.messages, UDP_BATCH, MSG_WAITFORONE, NULL);
			if (count <= 0)
				break;
		}
	}
}

/** A process that takes what comes to the socket, until it is killed. */
static inline pid_t udp_start_listener(int fd)
{
	static struct udp_batch batch;
	pid_t pid = udp_child();

	if (pid != 0)
		return pid;
	udp_batch_init(&batch);
	for (;;)
		recvmmsg(fd, batch.messages, UDP_BATCH, MSG_WAITFORONE, NULL);
}

/* Counts packets within a window: the first call opens it. */
struct udp_watch {
	int64_t opened_at, cpu_at;
	uint64_t count;
};

static inline int udp_watch(struct udp_watch *watch, int count)
{
	int64_t now = limit_now();

	if (!watch->opened_at) {
		watch->opened_at = now;
		watch->cpu_at = limit_cpu();
		return 1;
	}
	watch->count += (uint64_t)count;
	if (now - watch->opened_at < UDP_WINDOW_NS)
		return 1;
	printf("%.0f %.1f ", (double)watch->count * 1e9 / (double)(now - watch->opened_at),
		(double)(limit_cpu() - watch->cpu_at) / (double)watch->count);
	return 0;
}

#endif
