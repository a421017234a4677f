/*
 * scripted.h - an FTP server that says what it was told to, on a thread of its own.
 *
 *	static const struct turn turns[] = {
 *		LOGIN,
 *		EPSV,
 *		T("RETR a.txt", "150 soon\r\n", .data = "hello", .then = "226 done\r\n"),
 *	};
 *	struct scripted server;
 *
 *	scripted_start(&server, turns, COUNT(turns));
 *	...weft_ftp_client_connect(server.host, ...)...
 *	scripted_end(&server);
 *
 * Each turn hears one line, which must begin with what is expected, and says its reply, in
 * which PORT and PASV stand for the place of its data. Then data goes over a data connection: data
 * is sent (or, `takes`, what comes is kept in taken), it ends as `ends` says, and `then` is
 * said. A turn that hears NULL speaks first. After the last one the server closes.
 *
 * Never: a wait for time to pass.
 */
#ifndef TESTS_FTP_SCRIPTED_H
#define TESTS_FTP_SCRIPTED_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>

#include "io/certificates.h"
#include "io/tls_pair.h"
#include "weft/ftp_client.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum scripted_ends {
	WELL,     /* as it should be */
	CUT,      /* without close_notify */
	RESET,    /* by a reset */
	HANGS_UP, /* the control connection, once this is said */
};

struct turn {
	const char *hears, *says;
	const char *data; /* to send; NULL: there is none */
	size_t times;     /* so often; 0: once; what it takes until the client has enough */
	bool takes;       /* data comes */
	enum scripted_ends ends;
	const char *then;
	bool has_stranger; /* active: somebody else connects first */
};

/** A turn; the last arguments are ".field = value". */
#define T(heard, said, ...)                                   \
	{                                                     \
		.hears = (heard), .says = (said), __VA_ARGS__ \
	}

/** What every client does first, with a server that can nothing; and with one that can much. */
#define LOGIN_TO(features)                                                                \
	T(NULL, "220 ready\r\n"), T("AUTH TLS", "502 no\r\n"), T("USER", "331 and?\r\n"), \
		T("PASS", "230 in\r\n"), T("FEAT", "211-can\r\n" features "211 end\r\n")
#define LOGIN  LOGIN_TO("")
#define TYPE_I T("TYPE I", "200 \r\n")
#define EPSV   T("EPSV", "229 here (|||PORT|)\r\n")
#define PASV   T("PASV", "227 at (PASV)\r\n")
#define BYE    T("QUIT", "221 \r\n")

struct scripted {
	char host[WEFT_ADDRESS_TEXT_MAX];
	const struct turn *turns;
	size_t count;
	const char *address; /* to listen on; NULL: loopback */
	struct weft_listener *control, *data;
	struct weft_tls *tls; /* NULL: it has none; after "234" and for data then */
	bool has_private_data;
	bool is_implicit;
	bool was_resumed; /* the last data connection */
	char heard[64][512];
	char taken[65536];
	size_t taken_len;
	ssize_t taken_end; /* what the last read of it was */
	pthread_t thread;
	struct authority authority;
};

static void scripted_say(struct scripted *server, struct weft_stream *control, const char *text)
{
	unsigned port = weft_address_port(weft_listener_address(server->data));

	while (*text) {
		if (strncmp(text, "PORT", 4) == 0) {
			weft_stream_printf(control, "%u", port);
			text += 4;
		} else if (strncmp(text, "PASV", 4) == 0) {
			/* Another host's, which nobody is to believe. */
			weft_stream_printf(control, "192,0,2,1,%u,%u", port >> 8, port & 255);
			text += 4;
		} else {
			size_t len = strcspn(text + 1, "P") + 1;

			weft_stream_write_all(control, text, len);
			text += len;
		}
	}
	weft_stream_flush(control);
}

static void scripted_reset(struct weft_stream *stream)
{
	const struct linger none = {.l_onoff = 1};

	setsockopt(weft_stream_fd(stream), SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	/* Nothing is said any more, and the number stays the stream's. */
	dup2(open("/dev/null", O_RDWR | O_CLOEXEC), weft_stream_fd(stream));
}

/* From another address of this machine; what it says is not to be taken for the file. */
static void scripted_intrude(unsigned port)
{
	struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)port);
	CHECK_INT(bind(fd, (struct sockaddr *)&from, sizeof(from)), ==, 0);
	CHECK_INT(connect(fd, (struct sockaddr *)&to, sizeof(to)), ==, 0);
	CHECK_INT(send(fd, "evil", 4, MSG_NOSIGNAL), ==, 4);
	close(fd);
}

/* The peer of "|1|127.0.0.1|5000|" or "127,0,0,1,19,136". */
static struct weft_stream *scripted_connect(const char *heard, bool has_stranger)
{
	unsigned numbers[6], port = 0;
	char address[64];

	if (sscanf(heard, "PORT %u,%u,%u,%u,%u,%u", &numbers[0], &numbers[1], &numbers[2],
		    &numbers[3], &numbers[4], &numbers[5]) == 6)
		port = numbers[4] * 256 + numbers[5];
	else
		CHECK_INT(sscanf(heard, "EPRT |1|127.0.0.1|%u|", &port), ==, 1);
	if (has_stranger)
		scripted_intrude(port);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	return weft_stream_connect(address);
}

static void scripted_take(struct scripted *server, struct weft_stream *data)
{
	do {
		server->taken_end = weft_stream_read(data, server->taken + server->taken_len,
			sizeof(server->taken) - server->taken_len);
		server->taken_len += server->taken_end > 0 ? (size_t)server->taken_end : 0;
	} while (server->taken_end > 0 && server->taken_len < sizeof(server->taken));
}

static void scripted_move(struct scripted *server, const struct turn *turn, const char *where)
{
	bool is_active = strncmp(where, "PORT", 4) == 0 || strncmp(where, "EPRT", 4) == 0;
	struct weft_stream *data = is_active ? scripted_connect(where, turn->has_stranger)
					     : weft_listener_accept(server->data);
	int result = 0;

	CHECK(data != NULL);
	if (server->has_private_data) {
		if (weft_stream_start_tls(data, server->tls, NULL) == 0)
			server->was_resumed = weft_stream_tls(data)->is_resumed;
		else
			result = -1;
	}
	if (turn->takes)
		scripted_take(server, data);
	for (size_t i = 0; turn->data && i < (turn->times ? turn->times : 1) && result == 0; i++)
		result = weft_stream_write_all(data, turn->data, strlen(turn->data));
	if (result == 0)
		result = weft_stream_flush(data);
	if (turn->ends == CUT)
		weft_shutdown(weft_stream_fd(data), SHUT_RDWR);
	else if (turn->ends == RESET)
		scripted_reset(data);
	else if (result == 0)
		weft_stream_shutdown_write(data);
	weft_stream_free(data);
}

static bool scripted_hear(
	struct scripted *server, struct weft_stream *control, const char *expected, size_t i)
{
	const char *line;
	ssize_t len = weft_stream_readline(control, &line);

	if (len <= 0)
		return false;
	snprintf(server->heard[i], sizeof(server->heard[0]), "%.*s", (int)len, line);
	server->heard[i][strcspn(server->heard[i], "\r\n")] = '\0';
	if (strncmp(server->heard[i], expected, strlen(expected)) != 0)
		check_fail(__FILE__, __LINE__, "turn %zu heard \"%s\", not \"%s\"", i,
			server->heard[i], expected);
	return true;
}

static void *scripted_thread(void *arg)
{
	struct scripted *server = arg;
	struct weft_stream *control = weft_listener_accept(server->control);
	char where[512] = "";

	CHECK(control != NULL && server->count <= COUNT(server->heard));
	if (server->is_implicit)
		weft_stream_start_tls(control, server->tls, NULL);
	for (size_t i = 0; i < server->count; i++) {
		const struct turn *turn = &server->turns[i];

		if (turn->hears && !scripted_hear(server, control, turn->hears, i))
			break;
		if (strncmp(server->heard[i], "EPRT", 4) == 0 ||
			strncmp(server->heard[i], "PORT", 4) == 0)
			memcpy(where, server->heard[i], sizeof(where));
		scripted_say(server, control, turn->says);
		if (turn->ends == HANGS_UP)
			break;
		if (strncmp(turn->says, "234", 3) == 0 && server->tls)
			weft_stream_start_tls(control, server->tls, NULL);
		if (strcmp(server->heard[i], "PROT P") == 0)
			server->has_private_data = true;
		if (turn->data || turn->takes)
			scripted_move(server, turn, where);
		if (turn->then)
			scripted_say(server, control, turn->then);
	}
	weft_stream_shutdown_write(control);
	weft_stream_free(control);
	return NULL;
}

static void scripted_start(struct scripted *server, const struct turn *turns, size_t count)
{
	/* What was set before stays: tls, is_implicit. */
	server->turns = turns;
	server->count = count;
	server->control =
		weft_listener_new(server->address ? server->address : "127.0.0.1:0", NULL);
	server->data = weft_listener_new("127.0.0.1:0", NULL);
	CHECK(server->control && server->data);
	weft_address_print(
		weft_listener_address(server->control), server->host, sizeof(server->host));
	server->thread = peer_start(scripted_thread, server);
}

/* The next client, with other turns, at the same port. */
static __attribute__((unused)) void scripted_again(
	struct scripted *server, const struct turn *turns, size_t count)
{
	server->turns = turns;
	server->count = count;
	server->taken_len = 0;
	server->has_private_data = false;
	server->thread = peer_start(scripted_thread, server);
}

static void scripted_end(struct scripted *server)
{
	peer_end(server->thread);
	weft_listener_free(server->control);
	weft_listener_free(server->data);
}

/* A client of it, whose password is "secret". */
static __attribute__((unused)) struct weft_ftp_client *scripted_client(
	struct scripted *server, const struct weft_ftp_client_options *more)
{
	struct weft_ftp_fault fault;
	struct weft_ftp_client_options options = {0};
	struct weft_ftp_client *client;

	if (more)
		options = *more;
	if (!options.user) {
		options.user = "ada";
		options.password = "secret";
	}
	if (!options.timeout_ns)
		options.timeout_ns = WEFT_SECONDS(100);
	options.ret_fault = &fault;
	client = weft_ftp_client_connect(server->host, &options);
	if (!client)
		check_fail(__FILE__, __LINE__, "errno %d: %s", errno, fault.text);
	return client;
}

#endif
