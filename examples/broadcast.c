/*
 * broadcast.c - one datagram to everybody on the network, and whoever hears it.
 *
 *	broadcast PORT                     hear
 *	broadcast ADDRESS:PORT MESSAGE     tell, at 192.168.1.255:9000 say
 *
 * Which address is everybody's, `ip -br addr` tells; 127.255.255.255 is this host alone.
 */
#include <stdio.h>
#include <string.h>
#include <weft/udp.h>

static int tell(const char *to, const char *message)
{
	const struct weft_udp_options may = {.broadcast = true};
	struct weft_udp *udp = weft_udp_new("0.0.0.0:0", &may);
	struct weft_address all;
	int result = -1;

	if (udp && weft_address_parse(&all, to) == 0)
		result = weft_udp_send(udp, message, strlen(message), &all);
	if (result < 0)
		perror(to);
	weft_udp_free(udp);
	return result < 0;
}

static int hear(const char *port)
{
	char address[32], text[WEFT_ADDRESS_TEXT_MAX], data[1500];
	struct weft_address peer;
	struct weft_udp *udp;
	ssize_t len = -1;

	snprintf(address, sizeof(address), "0.0.0.0:%s", port);
	udp = weft_udp_new(address, NULL);
	if (udp)
		printf("port %u\n", weft_address_port(weft_udp_local(udp)));
	fflush(stdout);
	while (udp && (len = weft_udp_recv(udp, data, sizeof(data), &peer)) >= 0) {
		weft_address_print(&peer, text, sizeof(text));
		/* Of a longer one the rest is lost, and len says so. */
		printf("%s: %.*s\n", text, (int)(len < 1500 ? len : 1500), data);
		fflush(stdout);
	}
	perror(address);
	weft_udp_free(udp);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return fprintf(stderr, "usage: broadcast PORT | ADDRESS:PORT MESSAGE\n"), 2;
	return argc > 2 ? tell(argv[1], argv[2]) : hear(argv[1]);
}
