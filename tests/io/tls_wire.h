/*
 * tls_wire.h - both ends of a TLS connection in one run, with the wire between them at hand.
 *
 *	client (stream) ==== fds ==== server (stream)
 *
 * Whoever wants to see or spoil the bytes puts a relay in between. A case's body is a fiber.
 */
#ifndef TESTS_IO_TLS_WIRE_H
#define TESTS_IO_TLS_WIRE_H

#include "io/tls_pair.h"

/* Over a socket pair, and over TCP, where the kernel may be the one that encrypts. */
#define WIRE_CASE(ident, workers_count)                                             \
	static int body_##ident(void *arg);                                         \
	CHECK_CASE(ident)                                                           \
	{                                                                           \
		const struct weft_run_options options = {.workers = workers_count}; \
		CHECK_INT(weft_run(&options, body_##ident, NULL), ==, 0);           \
		wire_forget();                                                      \
	}                                                                           \
	CHECK_CASE(ident##_over_tcp)                                                \
	{                                                                           \
		wire.is_tcp = true;                                                 \
		case_##ident();                                                     \
	}                                                                           \
	static int body_##ident(void *arg __attribute__((unused)))

struct relay {
	int from, to;
	size_t piece;     /* most bytes at once; 0: any */
	size_t flip;      /* the n-th byte is spoilt; 0: none */
	int64_t pause_ns; /* before each piece */
	weft_fiber_id fiber;
};

static struct wire {
	bool is_tcp; /* else a socket pair */
	struct authority authority;
	struct weft_tls *server_tls, *client_tls;
	struct weft_stream *client, *server;
	struct relay up, down; /* to the server, to the client */
	int server_result, server_errno;
	weft_fiber_id server_fiber;
} wire;

/* What is shared: made at first use. */
static void wire_tls(void)
{
	if (wire.server_tls)
		return;
	authority_make(&wire.authority, "authority");
	certificate_make(&wire.authority, "server", NULL);
	wire.server_tls = server_tls(NULL);
	wire.client_tls = client_tls(NULL);
}

static __attribute__((unused)) void wire_forget(void)
{
	weft_tls_free(wire.server_tls);
	weft_tls_free(wire.client_tls);
	authority_end(&wire.authority);
	memset(&wire, 0, sizeof(wire));
}

static int set_small_buffers(int fd)
{
	int size = 65536;

	weft_setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	weft_setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return fd;
}

static void make_tcp(int fds[2])
{
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);
	const struct weft_address *address = weft_listener_address(listener);

	set_small_buffers(weft_listener_fd(listener));
	fds[0] = set_small_buffers(weft_socket(AF_INET, SOCK_STREAM, 0));
	CHECK_INT(weft_connect(fds[0], &address->any, address->len), ==, 0);
	fds[1] = weft_accept(weft_listener_fd(listener), NULL, NULL);
	CHECK_INT(fds[1], >=, 0);
	weft_listener_free(listener);
}

/* Two streams on the ends of a wire; nothing is encrypted yet. */
static void wire_open(void)
{
	int fds[2];

	wire_tls();
	if (wire.is_tcp)
		make_tcp(fds);
	else
		CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	wire.client = weft_stream_new(fds[0]);
	wire.server = weft_stream_new(fds[1]);
	CHECK(wire.client && wire.server);
}

static int relay_run(void *arg)
{
	struct relay *relay = arg;
	char data[4096];
	size_t passed = 0;
	ssize_t count;

	while ((count = weft_read(relay->from, data, relay->piece ? relay->piece : sizeof(data))) >
		0) {
		if (relay->flip > passed && relay->flip <= passed + (size_t)count)
			data[relay->flip - passed - 1] ^= 1;
		passed += (size_t)count;
		if (relay->pause_ns && weft_sleep(relay->pause_ns) < 0)
			break;
		for (ssize_t done = 0, sent; done < count; done += sent)
			if ((sent = weft_write(relay->to, data + done, (size_t)(count - done))) < 0)
				return 0;
	}
	weft_shutdown(relay->to, SHUT_WR);
	return 0;
}

/* The same with a relay for each direction between the ends. */
static __attribute__((unused)) void wire_open_relayed(struct relay up, struct relay down)
{
	int near[2], far[2];

	wire_tls();
	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, near), ==, 0);
	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, far), ==, 0);
	wire.client = weft_stream_new(near[0]);
	wire.server = weft_stream_new(far[1]);
	wire.up = up;
	wire.up.from = near[1];
	wire.up.to = far[0];
	wire.down = down;
	wire.down.from = far[0];
	wire.down.to = near[1];
	wire.up.fiber = weft_spawn(relay_run, &wire.up);
	wire.down.fiber = weft_spawn(relay_run, &wire.down);
}

static int start_server(void *arg)
{
	(void)arg;
	wire.server_result = weft_stream_start_tls(wire.server, wire.server_tls, NULL);
	wire.server_errno = errno;
	return wire.server_result;
}

/* Both handshakes, side by side. */
static __attribute__((unused)) void wire_start(void)
{
	weft_fiber_id server = weft_spawn(start_server, NULL);

	CHECK(server != 0);
	if (weft_stream_start_tls(wire.client, wire.client_tls, "localhost") < 0)
		check_fail(__FILE__, __LINE__, "errno %d: %s", errno,
			weft_stream_tls_fault(wire.client)->text);
	CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(wire.server_result, ==, 0);
}

static __attribute__((unused)) void wire_make(void)
{
	wire_open();
	wire_start();
}

static __attribute__((unused)) void wire_end(void)
{
	weft_stream_free(wire.client);
	weft_stream_free(wire.server);
	if (wire.up.fiber) {
		weft_join(wire.up.fiber, NULL, WEFT_FOREVER);
		weft_join(wire.down.fiber, NULL, WEFT_FOREVER);
		weft_close(wire.up.from);
		weft_close(wire.up.to);
	}
	memset(&wire.up, 0, sizeof(wire.up));
}

#endif
