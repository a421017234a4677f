/*
 * test_pieces.c - answers written piece by piece: chunks, known lengths, old peers, and what
 * is not whole.
 *
 * check: tsan
 */
#include <pthread.h>
#include <sys/socket.h>

#include "check.h"
#include "http/chunks.h"
#include "weft/fiber.h"
#include "weft/http.h"

static struct {
	struct weft_listener *listener;
	struct weft_http_server *server;
} site;

static bool is(const struct weft_http_request *request, const char *path)
{
	return strcmp(weft_http_request_path(request), path) == 0;
}

static int write_numbers(struct weft_http_response *response, int count)
{
	for (int i = 0; i < count; i++)
		if (weft_http_response_printf(response, "%d,", i) < 0)
			return -1;
	return 0;
}

static int write_large(struct weft_http_response *response)
{
	static char data[100000];

	memset(data, 'x', sizeof(data));
	return weft_http_response_write(response, data, sizeof(data));
}

static int endless_error;

/* As a handler that goes on while somebody listens. */
static int go_on(struct weft_http_response *response)
{
	CHECK_INT(weft_http_response_begin(response, 200, NULL, WEFT_HTTP_LEN_UNKNOWN), ==, 0);
	for (int i = 0; i < 3000; i++) {
		if (weft_http_response_write(response, "x", 1) < 0 ||
			weft_http_response_flush(response) < 0) {
			endless_error = errno;
			return -1;
		}
		weft_sleep(WEFT_MILLISECONDS(1));
	}
	return -1;
}

/* As a handler that does not look at what it is told. */
static int begin_without_body(struct weft_http_response *response, bool is_sent)
{
	static const int statuses[] = {100, 101, 103, 199, 204, 304, 600};

	if (is_sent)
		CHECK_INT(weft_http_response_send(response, 204, NULL), ==, 0);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		CHECK_ERRNO(
			weft_http_response_begin(response, statuses[i], "text/plain", 5), EINVAL);
		CHECK_ERRNO(weft_http_response_write(response, "12345", 5), EPROTO);
		CHECK_ERRNO(weft_http_response_printf(response, "%d", 12345), EPROTO);
		CHECK_ERRNO(weft_http_response_flush(response), EPROTO);
		CHECK_INT(weft_http_response_status(response), ==, is_sent ? 204 : 0);
	}
	return 0;
}

static int on_get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	(void)arg;
	if (is(request, "/bodiless"))
		return begin_without_body(response, false);
	if (is(request, "/bodiless-sent"))
		return begin_without_body(response, true);
	if (is(request, "/endless"))
		return go_on(response);
	CHECK_ERRNO(weft_http_response_write(response, "x", 1), EPROTO);
	CHECK_ERRNO(weft_http_response_begin(response, 204, NULL, 0), EINVAL);
	if (is(request, "/known")) {
		CHECK_INT(weft_http_response_begin(response, 200, "text/plain", 5), ==, 0);
		CHECK_ERRNO(weft_http_response_write(response, "123456", 6), EMSGSIZE);
		CHECK_INT(weft_http_response_write(response, "12", 2), ==, 0);
		CHECK_INT(weft_http_response_printf(response, "%d", 345), ==, 0);
		CHECK_ERRNO(weft_http_response_write(response, "6", 1), EMSGSIZE);
		return 0;
	}
	if (is(request, "/short")) {
		CHECK_INT(weft_http_response_begin(response, 200, NULL, 5), ==, 0);
		return weft_http_response_write(response, "123", 3);
	}
	CHECK_INT(weft_http_response_begin(response, 200, "text/plain", WEFT_HTTP_LEN_UNKNOWN), ==,
		0);
	CHECK_ERRNO(weft_http_response_begin(response, 200, NULL, 0), EALREADY);
	if (is(request, "/empty"))
		return 0;
	CHECK_INT(weft_http_response_write(response, "", 0), ==, 0);
	CHECK_INT(write_numbers(response, 5), ==, 0);
	CHECK_INT(weft_http_response_flush(response), ==, 0);
	if (is(request, "/fail"))
		return -1;
	if (is(request, "/large"))
		CHECK_INT(write_large(response), ==, 0);
	return write_numbers(response, 3000);
}

static const struct weft_http_service service = {.on_get = on_get};

static int run_site(void *arg)
{
	(void)arg;
	return weft_http_server_run(site.server, site.listener);
}

static void *site_thread(void *arg)
{
	CHECK_INT(weft_run(NULL, run_site, NULL), ==, 0);
	return arg;
}

/* What is answered to the request up to the end of the connection. */
static const char *ask(const char *format, const char *path)
{
	static char text[400000];
	const struct weft_http_server_options options = {.service = &service};
	const struct weft_address *address;
	pthread_t thread;
	size_t len = 0;
	ssize_t some;
	int fd;

	site.server = weft_http_server_new(&options);
	site.listener = weft_listener_new("127.0.0.1:0", NULL);
	CHECK(site.server && site.listener);
	CHECK_INT(pthread_create(&thread, NULL, site_thread, NULL), ==, 0);
	address = weft_listener_address(site.listener);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_INT(connect(fd, &address->any, address->len), ==, 0);
	len = (size_t)snprintf(text, sizeof(text), format, path);
	CHECK_INT(send(fd, text, len, MSG_NOSIGNAL), ==, len);
	if (strcmp(path, "/endless") == 0)
		shutdown(fd, SHUT_WR);
	len = 0;
	while ((some = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
		len += (size_t)some;
	text[len] = '\0';
	close(fd);
	weft_http_server_stop(site.server);
	CHECK_INT(pthread_join(thread, NULL), ==, 0);
	weft_listener_free(site.listener);
	weft_http_server_free(site.server);
	return text;
}

#define ONCE "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define LAST "GET /known HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define TWO  "GET %s HTTP/1.1\r\nHost: x\r\n\r\n" LAST
#define OLD  "GET %s HTTP/1.0\r\n\r\n"
#define HEAD "HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n" LAST

/* The data of the chunks behind the first head; what is behind them in *ret_rest. */
static size_t unchunk(const char *answer, char *ret_data, const char **ret_rest)
{
	const char *body = strstr(answer, "\r\n\r\n") + 4;
	size_t left = strlen(body), len = 0, used, some;
	struct weft__http_chunks chunks = {0};
	enum weft__http_chunks_result result;

	while ((result = weft__http_chunks_next(&chunks, body, left, &used)) ==
		WEFT__HTTP_CHUNKS_DATA) {
		body += used;
		left -= used;
		some = chunks.left < left ? (size_t)chunks.left : left;
		CHECK(some > 0);
		memcpy(ret_data + len, body, some);
		weft__http_chunks_took(&chunks, some);
		len += some;
		body += some;
		left -= some;
	}
	CHECK_INT(result, ==, WEFT__HTTP_CHUNKS_END);
	*ret_rest = body + used;
	return len;
}

static size_t numbers(char *at, int count)
{
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += (size_t)snprintf(at + len, 8, "%d,", i);
	return len;
}

CHECK_CASE(a_known_length_is_told_and_the_connection_goes_on)
{
	const char *answers = ask(TWO, "/known");

	CHECK(strstr(answers, "\r\nContent-Length: 5\r\n"));
	CHECK(strstr(answers, "\r\n\r\n12345HTTP/1.1 200 OK\r\n"));
}

CHECK_CASE(an_unknown_one_comes_in_chunks_and_the_connection_goes_on)
{
	static char got[300000], should[300000];
	static const char *const paths[] = {"/empty", "/some", "/large"};

	for (size_t i = 0; i < 3; i++) {
		const char *answers = ask(TWO, paths[i]), *rest;
		size_t len = unchunk(answers, got, &rest), should_len = 0;

		CHECK(strstr(answers, "\r\nTransfer-Encoding: chunked\r\n"));
		CHECK(!strstr(answers, "\r\nContent-Length: ") ||
			strstr(answers, "\r\nContent-Length: ") > rest);
		if (i > 0)
			should_len = numbers(should, 5);
		if (i == 2) {
			memset(should + should_len, 'x', 100000);
			should_len += 100000;
		}
		if (i > 0)
			should_len += numbers(should + should_len, 3000);
		CHECK_INT(len, ==, should_len);
		CHECK_MEM(got, should, len);
		CHECK_MEM(rest, "HTTP/1.1 200 OK\r\n", 17);
	}
}

CHECK_CASE(an_old_peer_gets_it_up_to_the_end_of_the_connection)
{
	const char *answer = ask(OLD, "/some");
	static char should[30000];

	CHECK(!strstr(answer, "chunked"));
	CHECK(strstr(answer, "\r\nConnection: close\r\n"));
	numbers(should + numbers(should, 5), 3000);
	CHECK_STR(strstr(answer, "\r\n\r\n") + 4, should);
}

CHECK_CASE(to_head_the_body_stays_behind)
{
	const char *answers = ask(HEAD, "/large");

	CHECK(strstr(answers, "\r\nTransfer-Encoding: chunked\r\n"));
	CHECK_MEM(strstr(answers, "\r\n\r\n"), "\r\n\r\nHTTP/1.1 200 OK", 19);
	answers = ask(HEAD, "/known");
	CHECK(strstr(answers, "\r\nContent-Length: 5\r\n"));
	CHECK_MEM(strstr(answers, "\r\n\r\n"), "\r\n\r\nHTTP/1.1 200 OK", 19);
}

CHECK_CASE(a_status_without_a_body_can_not_be_begun_and_nothing_of_one_is_written)
{
	const char *answers = ask(TWO, "/bodiless"), *end;

	CHECK_MEM(answers, "HTTP/1.1 500 ", 13);
	CHECK(!strstr(answers, "12345HTTP") && strstr(answers, "</html>\nHTTP/1.1 200 OK\r\n"));
	CHECK(!strstr(answers, "Content-Type: text/plain\r\nContent-Type"));
	answers = ask(TWO, "/bodiless-sent");
	CHECK_MEM(answers, "HTTP/1.1 204 ", 13);
	end = strstr(answers, "\r\n\r\n") + 4;
	CHECK_MEM(end, "HTTP/1.1 200 OK\r\n", 17);
}

CHECK_CASE(to_head_a_flush_tells_that_nobody_listens_any_more)
{
	CHECK(strstr(ask("HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n", "/endless"), " 200 OK\r\n"));
	CHECK_INT(endless_error, ==, EPIPE);
}

CHECK_CASE(what_is_not_whole_is_cut_off)
{
	const char *answer = ask(TWO, "/fail");

	CHECK(strstr(answer, "\r\n\r\na\r\n0,1,2,3,4,\r\n"));
	CHECK(!strstr(answer, "\r\n0\r\n"));
	CHECK(!strstr(answer, "12345"));
	answer = ask(TWO, "/short");
	CHECK(strstr(answer, "\r\nContent-Length: 5\r\n"));
	CHECK(!strstr(answer, "12345"));
}

CHECK_MAIN()
