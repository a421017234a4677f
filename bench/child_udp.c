/*
 * child_udp.c - weft's side of udp: the same work as limit/udp_mmsg.c, by weft/udp.h.
 *
 * Entry points: child_udp().
 */
#include "child.h"

#include "limit/udp.h"
#include "weft/fiber.h"
#include "weft/udp.h"

static struct weft_datagram datagrams[UDP_BATCH];
static char data[UDP_BATCH][UDP_SIZE];

static int echo(void)
{
	struct weft_udp *udp = weft_udp_new("127.0.0.1:0", NULL);
	struct udp_watch watch = {0};
	pid_t asker;
	int count;

	if (!udp)
		return 1;
	asker = udp_start_asker(weft_address_port(weft_udp_local(udp)));
	for (int i = 0; i < UDP_BATCH; i++)
		datagrams[i] =
			(struct weft_datagram){.data = data[i], .size_bytes = sizeof(data[i])};
	do {
		count = weft_udp_recv_many(udp, datagrams, UDP_BATCH);
		if (count > 0)
			weft_udp_send_many(udp, datagrams, (unsigned)count);
	} while (udp_watch(&watch, count > 0 ? count : 0));
	kill(asker, SIGKILL);
	weft_udp_free(udp);
	return 0;
}

static int broadcast(void)
{
	const struct weft_udp_options options = {.broadcast = true};
	struct weft_udp *listening = weft_udp_new("0.0.0.0:0", NULL);
	struct weft_udp *udp = weft_udp_new("0.0.0.0:0", &options);
	struct udp_watch watch = {0};
	char all[40];
	pid_t listener;
	int count;

	if (!listening || !udp)
		return 1;
	listener = udp_start_listener(weft_udp_fd(listening));
	snprintf(all, sizeof(all), "127.255.255.255:%u",
		weft_address_port(weft_udp_local(listening)));
	for (int i = 0; i < UDP_BATCH; i++) {
		datagrams[i] = (struct weft_datagram){.data = data[i], .len = sizeof(data[i])};
		weft_address_parse(&datagrams[i].peer, all);
	}
	do {
		count = weft_udp_send_many(udp, datagrams, UDP_BATCH);
		if (count < 0)
			return 1;
	} while (udp_watch(&watch, count));
	kill(listener, SIGKILL);
	weft_udp_free(listening);
	weft_udp_free(udp);
	return 0;
}

static int udp_main(void *arg)
{
	(void)arg;
	return echo() || broadcast();
}

int child_udp(const char *argument)
{
	const struct weft_run_options options = {.workers = 1};

	(void)argument;
	return weft_run(&options, udp_main, NULL);
}
