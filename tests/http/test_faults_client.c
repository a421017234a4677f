/*
 * test_faults_client.c - memory, descriptors and threads are refused to an HTTP client: a fetch
 * is whole or says why not, and keeps nothing.
 */
#include "faults.h"

#ifdef HAS_FAULTS

#include <arpa/inet.h>

#include "weft/http_client.h"

static char base[64];
static pid_t server_pid;

/* ---- A server ----------------------------------------------------------------------- */

/* What each request gets, by how it begins; and the bytes of its body. */
static const struct {
	const char *begin, *reply;
	size_t body_len;
} answers[] = {
	{"GET /a ", "HTTP/1.1 302 On\r\nLocation: /b\r\nContent-Length: 2\r\n\r\nno", 0},
	{"GET /b ", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		0},
	{"POST ", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 14},
	{"GET /d ", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", 0},
};

static bool read_head(int fd, char *head, size_t size)
{
	size_t len = 0;

	while (len < size - 1 && read(fd, head + len, 1) == 1) {
		head[++len] = '\0';
		if (len >= 4 && strcmp(head + len - 4, "\r\n\r\n") == 0)
			return true;
	}
	return false;
}

static void answer(int fd, const char *head)
{
	char body[16];

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (strncmp(head, answers[i].begin, strlen(answers[i].begin)) != 0)
			continue;
		if (answers[i].body_len == 0 ||
			recv(fd, body, answers[i].body_len, MSG_WAITALL) > 0)
			send(fd, answers[i].reply, strlen(answers[i].reply), MSG_NOSIGNAL);
	}
}

/* It has a process of its own, where nothing is refused. */
static void server_start(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	char head[2048];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_INT(bind(listener, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	CHECK_INT(listen(listener, 16), ==, 0);
	CHECK_INT(getsockname(listener, (struct sockaddr *)&address, &len), ==, 0);
	snprintf(base, sizeof(base), "http://127.0.0.1:%u", ntohs(address.sin_port));
	server_pid = fork();
	while (server_pid == 0) {
		int fd = accept(listener, NULL, NULL);

		while (fd >= 0 && read_head(fd, head, sizeof(head)))
			answer(fd, head);
		close(fd);
	}
	close(listener);
}

static void server_end(void)
{
	kill(server_pid, SIGKILL);
	waitpid(server_pid, NULL, 0);
}

/* ---- A client ----------------------------------------------------------------------- */

static ssize_t lend(void *arg, int64_t offset, void *buffer, size_t size_bytes)
{
	(void)arg;
	(void)size_bytes;
	memcpy(buffer, "data", 4);
	return offset == 0 ? 4 : 0;
}

/* One fetch, that may fail as it likes; what is whole is right. */
static void fetch(struct weft_http_client *client, const char *path,
	const struct weft_http_fetch_options *more, const char *expected)
{
	struct weft_http_fault fault = {.kind = WEFT_HTTP_NO_FAULT};
	struct weft_http_fetch_options options = *more;
	struct weft_http_fetch *made;
	char url[128], *data = NULL;

	snprintf(url, sizeof(url), "%s%s", base, path);
	options.client = client;
	options.ret_fault = &fault;
	made = weft_http_fetch(url, &options);
	/* Without memory for a deadline, it counts as passed: weft/scope.h. */
	FAULTS_TRY(made != NULL || errno == ETIMEDOUT);
	if (!made) {
		CHECK(errno == ENOMEM || fault.kind != WEFT_HTTP_NO_FAULT);
		return;
	}
	FAULTS_TRY(weft_http_fetch_read_all(made, 100, &data) >= 0 || errno == ETIMEDOUT);
	if (data)
		CHECK_STR(data, expected);
	weft_http_fetch_free(made);
	free(data);
}

static int use_client(void *arg)
{
	static const struct weft_http_fetch_options plain;
	struct weft_http_client *client = weft_http_client_new(NULL);

	if (!FAULTS_TRY(client != NULL))
		return 0;
	fetch(client, "/a", &plain, "abc");
	fetch(client, "/c",
		&(struct weft_http_fetch_options){.body_source = lend,
			.body_len = WEFT_HTTP_LEN_UNKNOWN,
			.user = "a",
			.password = "b"},
		"abc");
#ifdef WEFT_HAS_ZLIB
	fetch(client, "/d", &(struct weft_http_fetch_options){.decodes_gzip = true}, "");
#endif
	weft_http_client_free(client);
	return (int)(intptr_t)arg;
}

CHECK_CASE(in_a_thread_a_fetch_fails_and_keeps_nothing)
{
	server_start();
	CHECK_INT(faults_sweep(use_client, NULL), >, 10);
	server_end();
}

CHECK_CASE(in_a_fiber_a_fetch_fails_and_keeps_nothing)
{
	server_start();
	CHECK_INT(faults_sweep_in_run(use_client), >, 10);
	server_end();
}

#else

CHECK_CASE(faults_are_met_in_the_release_build_only)
{
}

#endif

CHECK_MAIN()
