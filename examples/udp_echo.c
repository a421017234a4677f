/*
 * udp_echo.c - datagrams: each is sent back to whom it came from.
 *
 *	udp_echo ADDRESS                serve, at 127.0.0.1:7000 say
 *	udp_echo HOST:PORT MESSAGE      ask, three times at most: a datagram may be lost
 */
#include <stdio.h>
#include <string.h>
#include <weft/scope.h>
#include <weft/udp.h>

static int serve(const char *address)
{
	struct weft_udp *udp = weft_udp_new(address, NULL);
	char data[WEFT_UDP_LEN_MAX];
	struct weft_address peer;
	ssize_t len = -1;

	if (udp)
		printf("port %u\n", weft_address_port(weft_udp_local(udp)));
	fflush(stdout);
	while (udp && (len = weft_udp_recv(udp, data, sizeof(data), &peer)) >= 0)
		weft_udp_send(udp, data, (size_t)len, &peer);
	perror(address);
	weft_udp_free(udp);
	return 1;
}

static int ask(const char *host_port, const char *message)
{
	struct weft_udp *udp = weft_udp_connect(host_port, NULL);
	char answer[WEFT_UDP_LEN_MAX];
	ssize_t len = -1;

	for (int i = 0; udp && len < 0 && i < 3; i++) {
		if (weft_udp_send(udp, message, strlen(message), NULL) < 0)
			break;
		WEFT_WITH_TIMEOUT (WEFT_SECONDS(1))
			len = weft_udp_recv(udp, answer, sizeof(answer), NULL);
	}
	if (len < 0)
		perror(host_port);
	else
		printf("%.*s\n", (int)len, answer);
	weft_udp_free(udp);
	return len < 0;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return fprintf(stderr, "usage: udp_echo ADDRESS [MESSAGE]\n"), 2;
	return argc > 2 ? ask(argv[1], argv[2]) : serve(argv[1]);
}
