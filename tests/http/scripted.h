/*
 * scripted.h - a server that says what it was told to, byte by byte, on a thread of its own.
 *
 *	static const struct turn turns[] = {
 *		SAYS("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
 *		SAYS("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", .does = CLOSES),
 *	};
 *	struct scripted server;
 *
 *	scripted_start(&server, turns, 2);
 *	...fetch from server.url...
 *	scripted_end(&server);
 *	CHECK(scripted_heard(&server, 0, "GET / HTTP/1.1\r\n..."));
 *
 * Each turn reads a request, up to its empty line and body_len bytes more, and sends its
 * reply. It accepts a connection when there is none, or none any more. At the end it waits for the
 * client to close. The server uses the system's own calls, so that a fault of ours can't hide.
 *
 * Never: a wait for time to pass.
 */
#ifndef TESTS_HTTP_SCRIPTED_H
#define TESTS_HTTP_SCRIPTED_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "io/both.h"

enum scripted_does {
	STAYS,      /* the connection is kept for the next turn */
	CLOSES,     /* it is closed after the reply */
	RESETS,     /* it is reset after the reply */
	LEAVES,     /* the next turn accepts another one; this one is closed at the end */
	AWAITS_END, /* closed when the client has */
	SAYS_FIRST, /* nothing is read before the reply */
	ANSWERS_ON, /* no head is read, only body_len bytes: more of the last request */
};

struct turn {
	const char *reply;
	size_t reply_len; /* 0: it is a text */
	size_t body_len;  /* of the request */
	enum scripted_does does;
};

/** A turn; the last arguments are ".field = value". */
#define SAYS(text, ...)                      \
	{                                    \
		.reply = (text), __VA_ARGS__ \
	}

#define SCRIPTED_TURNS_MAX 16

struct scripted {
	int fd;
	char url[64], host[32]; /* "http://127.0.0.1:PORT", "127.0.0.1:PORT" */
	const struct turn *turns;
	size_t count;
	char heard[SCRIPTED_TURNS_MAX][8192];
	size_t heard_len[SCRIPTED_TURNS_MAX];
	unsigned connections;
	size_t drained; /* bytes behind the last requests */
	int left[SCRIPTED_TURNS_MAX], left_count;
	pthread_t thread;
};

/* A request's head and so much of its body. False: the client has closed before it. */
static bool scripted_read(struct scripted *server, int fd, size_t turn)
{
	char *heard = server->heard[turn];
	bool is_rest = server->turns[turn].does == ANSWERS_ON;
	size_t len = 0, wanted = is_rest ? server->turns[turn].body_len : SIZE_MAX;

	while (len < wanted && len < sizeof(server->heard[0]) - 1) {
		ssize_t some = read(fd, heard + len, wanted == SIZE_MAX ? 1 : wanted - len);

		if (some <= 0)
			break;
		len += (size_t)some;
		heard[len] = '\0';
		if (wanted == SIZE_MAX && len >= 4 && strcmp(heard + len - 4, "\r\n\r\n") == 0)
			wanted = len + server->turns[turn].body_len;
	}
	server->heard_len[turn] = len;
	return len > 0 || wanted == 0;
}

static void scripted_say(int fd, const struct turn *turn)
{
	size_t len = turn->reply_len ? turn->reply_len : strlen(turn->reply), done = 0;

	/* The client may have seen enough. */
	while (done < len) {
		ssize_t some = send(fd, turn->reply + done, len - done, MSG_NOSIGNAL);

		if (some < 0)
			return;
		done += (size_t)some;
	}
}

static void scripted_reset(int fd)
{
	struct linger none = {.l_onoff = 1};

	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)), ==, 0);
	close(fd);
}

/* How many bytes came before the client's end. */
static size_t scripted_drain(int fd)
{
	char bytes[4096];
	size_t sum = 0;
	ssize_t len;

	while ((len = read(fd, bytes, sizeof(bytes))) > 0)
		sum += (size_t)len;
	close(fd);
	return sum;
}

static int scripted_accept(struct scripted *server)
{
	int fd = accept(server->fd, NULL, NULL);

	CHECK(fd >= 0);
	server->connections++;
	return fd;
}

/* One turn; the connection that the next one goes on with, or -1. */
static int scripted_turn(struct scripted *server, int fd, size_t i)
{
	const struct turn *turn = &server->turns[i];
	bool reads = turn->does != SAYS_FIRST;

	if (fd >= 0 && reads && !scripted_read(server, fd, i)) {
		close(fd);
		fd = -1;
	}
	if (fd < 0) {
		fd = scripted_accept(server);
		reads = reads && scripted_read(server, fd, i);
	}
	scripted_say(fd, turn);
	switch (turn->does) {
	case CLOSES:
		close(fd);
		return -1;
	case RESETS:
		scripted_reset(fd);
		return -1;
	case LEAVES:
		server->left[server->left_count++] = fd;
		return -1;
	case AWAITS_END:
		server->drained += scripted_drain(fd);
		return -1;
	default:
		return fd;
	}
}

static void *scripted_thread(void *arg)
{
	struct scripted *server = arg;
	int fd = -1;

	for (size_t i = 0; i < server->count; i++)
		fd = scripted_turn(server, fd, i);
	if (fd >= 0)
		scripted_drain(fd);
	for (int i = 0; i < server->left_count; i++)
		scripted_drain(server->left[i]);
	return NULL;
}

/* A turn as often as it is asked for, by its number as the path, and the end by their count. Who
 * gives up soon may have come, and may not: turns in a row would not know it. */
static __attribute__((unused)) void *scripted_thread_by_path(void *arg)
{
	struct scripted *server = arg;
	size_t i = 0;

	for (;;) {
		int fd = scripted_accept(server);

		if (scripted_read(server, fd, 0) &&
			sscanf(server->heard[0], "GET /%zu ", &i) == 1) {
			if (i >= server->count) {
				close(fd);
				return NULL;
			}
			scripted_say(fd, &server->turns[i]);
		}
		scripted_drain(fd);
	}
}

static void scripted_start_as(struct scripted *server, const struct turn *turns, size_t count,
	void *(*thread)(void *server))
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);

	memset(server, 0, sizeof(*server));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(count <= SCRIPTED_TURNS_MAX);
	server->turns = turns;
	server->count = count;
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_INT(bind(server->fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	CHECK_INT(listen(server->fd, 16), ==, 0);
	CHECK_INT(getsockname(server->fd, (struct sockaddr *)&address, &len), ==, 0);
	snprintf(server->host, sizeof(server->host), "127.0.0.1:%u", ntohs(address.sin_port));
	snprintf(server->url, sizeof(server->url), "http://%s", server->host);
	server->thread = peer_start(thread, server);
}

static __attribute__((unused)) void scripted_start(
	struct scripted *server, const struct turn *turns, size_t count)
{
	scripted_start_as(server, turns, count, scripted_thread);
}

static void scripted_end(struct scripted *server)
{
	peer_end(server->thread);
	close(server->fd);
}

/* Whether a turn heard exactly this; the text's "HOST" stands for the server's. */
static __attribute__((unused)) bool scripted_heard(
	struct scripted *server, size_t turn, const char *text)
{
	static char expected[16384];
	const char *host = strstr(text, "HOST");
	int before = host ? (int)(host - text) : (int)strlen(text);

	snprintf(expected, sizeof(expected), "%.*s%s%s", before, text, host ? server->host : "",
		host ? host + 4 : "");
	if (strcmp(server->heard[turn], expected) == 0)
		return true;
	printf("# heard \"%s\", not \"%s\"\n", server->heard[turn], expected);
	return false;
}

static __attribute__((unused)) bool scripted_has(
	struct scripted *server, size_t turn, const char *part)
{
	return strstr(server->heard[turn], part) != NULL;
}

#endif
