/*
 * udp_mmsg.c - yardstick: datagrams in batches, by a plain loop of recvmmsg(2) and sendmmsg(2).
 *
 * Prints packets per second and CPU time per packet, of an echo and of a broadcast.
 */
#include "udp.h"

static void echo(void)
{
	struct sockaddr_in any = udp_address(INADDR_LOOPBACK, 0);
	static struct udp_batch batch;
	struct udp_watch watch = {0};
	int fd = udp_socket(), count;
	pid_t asker;

	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		exit(1);
	asker = udp_start_asker(udp_port(fd));
	udp_batch_init(&batch);
	do {
		udp_batch_name_peers(&batch);
		count = recvmmsg(fd, batch.messages, UDP_BATCH, MSG_WAITFORONE, NULL);
		if (count > 0)
			sendmmsg(fd, batch.messages, (unsigned)count, 0);
	} while (udp_watch(&watch, count > 0 ? count : 0));
	kill(asker, SIGKILL);
	close(fd);
}

static void broadcast(void)
{
	struct sockaddr_in any = udp_address(INADDR_ANY, 0), all;
	static struct udp_batch batch;
	struct udp_watch watch = {0};
	int listener_fd = udp_socket(), fd = udp_socket(), count;
	pid_t listener;

	if (bind(listener_fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		exit(1);
	listener = udp_start_listener(listener_fd);
	all = udp_address(0x7fffffff, udp_port(listener_fd));
	udp_batch_init(&batch);
	udp_batch_name_peers(&batch);
	for (int i = 0; i < UDP_BATCH; i++)
		batch.peers[i] = all;
	do {
		count = sendmmsg(fd, batch.messages, UDP_BATCH, 0);
		if (count < 0)
			exit(1);
	} while (udp_watch(&watch, count));
	kill(listener, SIGKILL);
}

int main(void)
{
	echo();
	broadcast();
	return 0;
}
