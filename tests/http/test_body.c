/*
 * test_body.c - handlers that read the bodies of their requests: by length and by chunks,
 * however they are cut, and what becomes of the connection; services with parents.
 *
 * check: tsan drivers
 */
#include "site.h"

#define LAST "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

/* What is answered to a request, and to LAST behind it, which come in pieces. */
static const char *ask_both(const char *request, size_t piece)
{
	char all[70000];
	size_t len = (size_t)snprintf(all, sizeof(all), "%s" LAST, request);
	int fd = visit();

	say_in_pieces(fd, all, len, piece);
	return hear_all(fd);
}

static void open_own(const struct weft_http_service *service)
{
	site.options.arg = "own";
	site_open(service);
}

/* ---- The service ----------------------------------------------------------------------------- */

/* Answers with "path|field|body". */
static int on_post(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	static const char field[] = "X-Field";
	char text[4096], body[2048];
	size_t len = 0;
	ssize_t some;
	struct weft_http_content content = {"text/plain", text, 0};
	struct weft_http_text value;

	CHECK_STR(arg, "own");
	while ((some = weft_http_request_read(request, body + len, sizeof(body) - len)) > 0) {
		len += (size_t)some;
		if (len == sizeof(body))
			return 413;
	}
	if (some < 0)
		return -1;
	CHECK_INT(weft_http_request_read(request, body, 1), ==, 0); /* it stays at its end */
	value = weft_http_request_field(request, field);            /* the head is lent as before */
	content.len = (size_t)snprintf(text, sizeof(text), "%s|%.*s|%.*s",
		weft_http_request_path(request), (int)value.len, value.data ? value.data : "",
		(int)len, body);
	return weft_http_response_send(response, 200, &content);
}

/* A form of 100 bytes at most: answers with the value of "name". */
static int on_patch(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_http_params *form = weft_http_request_form(request, 100);
	struct weft_http_content content = {"text/plain", "", 0};
	int result;

	(void)arg;
	if (!form)
		return errno == EPROTOTYPE ? 415 : errno == EMSGSIZE ? 413 : 400;
	content.data = weft_http_params_get(form, "name", 0);
	content.len = strlen(content.data);
	result = weft_http_response_send(response, 200, &content);
	weft_http_params_free(form);
	return result;
}

/* Looks at the first bytes only, or at none. */
static int on_put(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	char byte;

	(void)arg;
	if (strcmp(weft_http_request_path(request), "/one") == 0)
		CHECK_INT(weft_http_request_read(request, &byte, 1), ==, 1);
	return weft_http_response_send(response, 204, NULL);
}

static int on_get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_http_content content = {"text/plain", arg, strlen(arg)};
	char byte;

	CHECK_INT(weft_http_request_body_len(request), ==, 0);
	CHECK_INT(weft_http_request_read(request, &byte, 1), ==, 0);
	return weft_http_response_send(response, 200, &content);
}

static const struct weft_http_service service = {
	.on_get = on_get, .on_post = on_post, .on_put = on_put, .on_patch = on_patch};

/* ---- Whole bodies ------------------------------------------------------------------------------
 */

static const char by_length[] = "POST /a%20b HTTP/1.1\r\nHost: x\r\nX-Field: v\r\n"
				"Content-Length: 11\r\n\r\nhello world";
static const char by_chunks[] = "POST /a%20b HTTP/1.1\r\nHost: x\r\nX-Field: v\r\n"
				"Transfer-Encoding: chunked\r\n\r\n"
				"5\r\nhello\r\n1;x=y\r\n \r\n5\r\nworld\r\n0\r\nSum: 1\r\n\r\n";

CHECK_CASE(a_body_is_read_whole_however_it_comes_and_the_connection_goes_on)
{
	const char *const requests[] = {by_length, by_chunks};

	open_own(&service);
	for (size_t i = 0; i < 2; i++)
		for (size_t piece = 1; piece <= strlen(requests[i]) + strlen(LAST); piece += 7) {
			const char *answers = ask_both(requests[i], piece);

			CHECK(has(answers, "/a b|v|hello world"));
			CHECK(has(answers, "\r\n\r\nown"));
		}
	site_close();
}

CHECK_CASE(a_long_body_goes_through_in_both_forms)
{
	enum { LEN = 60000 };
	static char request[LEN + 200];
	const char *answers;
	int len;

	open_own(&service);
	len = snprintf(request, sizeof(request),
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", LEN);
	memset(request + len, 'x', LEN);
	answers = ask_both(request, sizeof(request)); /* the handler gives up at 2 KiB */
	CHECK(has(answers, "HTTP/1.1 413 "));
	CHECK(has(answers, "\r\n\r\nown"));
	site_close();
}

CHECK_CASE(who_waits_for_100_continue_gets_it_when_the_body_is_read)
{
	static const char head[] = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
				   "Content-Length: 2\r\n\r\n";
	char text[100] = "";
	int fd;

	open_own(&service);
	fd = visit();
	say(fd, head);
	CHECK_INT(recv(fd, text, 25, MSG_WAITALL), ==, 25);
	CHECK_STR(text, "HTTP/1.1 100 Continue\r\n\r\n");
	say(fd, "ok" LAST);
	CHECK(has(hear_all(fd), "/||ok"));
	/* Who doesn't wait for it gets none: nobody would know what it is. */
	fd = visit();
	say_in_pieces(fd, head, strlen(head) - 2, SIZE_MAX);
	say(fd, "\r\nok" LAST);
	CHECK(has(hear_all(fd), "/||ok"));
	site_close();
}

#define FORM(type, length, body)                                                           \
	"PATCH / HTTP/1.1\r\nHost: x\r\nContent-Type: " type "\r\nContent-Length: " length \
	"\r\n\r\n" body

CHECK_CASE(a_form_is_read_and_what_is_none_is_refused)
{
	char long_form[400];

	open_own(&service);
	CHECK(has(ask_both(FORM("application/x-www-form-urlencoded", "14", "a=1&name=x%20y"), 5),
		"\r\n\r\nx y"));
	CHECK(has(ask_both(FORM("Application/X-WWW-form-urlencoded; charset=utf-8", "6", "name=z"),
			  99),
		"\r\n\r\nz"));
	CHECK(has(ask_both(FORM("text/plain", "6", "name=z"), 99), "HTTP/1.1 415 "));
	CHECK(has(ask_both(FORM("application/x-www-form-urlencoded", "8", "name=%00"), 99),
		"HTTP/1.1 400 "));
	snprintf(long_form, sizeof(long_form), "%s%0101d",
		FORM("application/x-www-form-urlencoded", "101", ""), 0);
	CHECK(has(ask_both(long_form, 999), "HTTP/1.1 413 "));
	site_close();
}

/* ---- Bodies that nobody reads
 * --------------------------------------------------------------------- */

CHECK_CASE(a_short_body_that_is_not_read_is_dropped_exactly)
{
	static const char *const paths[] = {"/none", "/one"};

	open_own(&service);
	for (size_t i = 0; i < 2; i++)
		for (size_t piece = 1; piece < 120; piece += 13) {
			char request[200];
			const char *answers;

			snprintf(request, sizeof(request),
				"PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\n\r\n"
				"GET / HTTP/1.1\r\n\r\n",
				paths[i]);
			answers = ask_both(request, piece);
			CHECK(has(answers, "HTTP/1.1 204 "));
			CHECK(!has(answers, "Connection: close\r\n\r\nHTTP"));
			CHECK(has(answers, "\r\n\r\nown"));
		}
	site_close();
}

CHECK_CASE(a_chunked_body_that_is_not_read_ends_the_connection)
{
	const char *answers;

	open_own(&service);
	answers = ask_both("PUT /none HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
			   "0\r\n\r\n",
		1000);
	CHECK(has(answers, "HTTP/1.1 204 "));
	CHECK(has(answers, "Connection: close"));
	CHECK(!has(answers, "own"));
	site_close();
}

/* ---- Bodies that fail
 * ------------------------------------------------------------------------------- */

CHECK_CASE(what_is_wrong_with_a_body_is_told_and_nothing_behind_it_is_looked_at)
{
	static const struct {
		const char *request, *status;
	} wrongs[] = {
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1025\r\n\r\n", "413"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775807\r\n\r\n",
			"413"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n", "413"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "fffffffffffffff\r\n",
			"413"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello", "400"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfoo\r\n", "400"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "1\r\nab\r\n0\r\n\r\n",
			"400"},
	};

	site.options.body_max = 1024;
	open_own(&service);
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++)
		for (size_t piece = 1; piece < 200; piece += 50) {
			const char *answers = ask_both(wrongs[i].request, piece);

			CHECK_MEM(answers, "HTTP/1.1 ", 9);
			CHECK_MEM(answers + 9, wrongs[i].status, 3);
			CHECK(has(answers, "Connection: close"));
			CHECK(!has(answers, "own"));
		}
	site_close();
}

CHECK_CASE_IN_TIME(a_body_that_comes_too_slowly_is_408_and_one_that_is_cut_short_400)
{
	static const char head[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf";
	int fd;

	site.options.body_timeout_ns = WEFT_MILLISECONDS(50) * check_stretch;
	open_own(&service);
	fd = visit();
	say(fd, head);
	CHECK(has(hear_all(fd), "HTTP/1.1 408 "));
	fd = visit();
	say(fd, head);
	CHECK_INT(shutdown(fd, SHUT_WR), ==, 0);
	CHECK(has(hear_all(fd), "HTTP/1.1 400 "));
	site_close();
}

/* ---- Parents
 * ------------------------------------------------------------------------------------------ */

static int on_parent(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_http_content content = {"text/plain", arg, strlen(arg)};

	(void)request;
	return weft_http_response_send(response, 200, &content);
}

static int on_parent_error(struct weft_http_request *request, struct weft_http_response *response,
	const char *why, int status, void *arg)
{
	struct weft_http_content content = {"text/plain", arg, strlen(arg)};

	(void)request;
	(void)why;
	return weft_http_response_send(response, status, &content);
}

CHECK_CASE(what_a_service_lacks_its_parents_do_with_their_own_argument)
{
	static char mother[] = "mother's", grand[] = "grandmother's";
	static const struct weft_http_service grandmother = {.on_get = on_parent,
		.on_delete = on_parent,
		.on_other = on_parent,
		.on_error = on_parent_error};
	static const struct weft_http_service parent = {
		.on_put = on_parent, .parent = &grandmother, .parent_arg = grand};
	static const struct weft_http_service child = {
		.on_get = on_get, .parent = &parent, .parent_arg = mother};

	open_own(&child);
	CHECK(has(ask_both("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 999), "\r\n\r\nown"));
	CHECK(has(ask_both("PUT / HTTP/1.1\r\nHost: x\r\n\r\n", 999), "\r\n\r\nmother's"));
	CHECK(has(ask_both("DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", 999), "\r\n\r\ngrandmother's"));
	CHECK(has(ask_both("BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 999), "\r\n\r\ngrandmother's"));
	CHECK(has(ask_both("PATCH / HTTP/1.1\r\nHost: x\r\n\r\n", 999), "\r\n\r\ngrandmother's"));
	CHECK(has(ask_both("PATCH / HTTP/1.1\r\nHost: x\r\n\r\n", 999),
		"Allow: GET, HEAD, PUT, DELETE, OPTIONS\r\n"));
	CHECK(has(ask_both("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 999),
		"Allow: GET, HEAD, PUT, DELETE, OPTIONS\r\n"));
	site_close();
}

/* ---- Handlers that go wrong --------------------------------------------------------------- */

/* Answers, and reads then of a body that is too long for it. */
static int on_put_late(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	char bytes[64];
	int result;

	(void)arg;
	CHECK_INT(weft_http_request_set_body_max(request, 10), ==, 0);
	result = weft_http_response_send(response, 204, NULL);
	CHECK_ERRNO((int)weft_http_request_read(request, bytes, sizeof(bytes)), EMSGSIZE);
	return result;
}

CHECK_CASE(a_body_that_fails_behind_its_answer_ends_the_connection)
{
	static const struct weft_http_service late = {.on_get = on_get, .on_put = on_put_late};
	const char *answers;

	open_own(&late);
	answers = ask_both(
		"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n01234567890123456789", 999);
	CHECK(strncmp(answers, "HTTP/1.1 204 ", 13) == 0);
	CHECK(!has(answers + 1, "HTTP/1.1 "));
	site_close();
}

static int on_error_forgotten(struct weft_http_request *request,
	struct weft_http_response *response, const char *why, int status, void *arg)
{
	(void)request;
	(void)response;
	(void)why;
	(void)arg;
	return status == 404 ? 0 : status == 403 ? 500 : -1;
}

static int on_get_missing(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	(void)arg;
	if (strcmp(weft_http_request_path(request), "/last") == 0)
		return weft_http_response_send(response, 200, NULL);
	return (int)strtol(weft_http_request_path(request) + 1, NULL, 10);
}

CHECK_CASE(an_error_page_that_is_forgotten_is_the_plain_one)
{
	static const struct weft_http_service forgets = {
		.on_get = on_get_missing, .on_error = on_error_forgotten};

	open_own(&forgets);
	CHECK(has(ask_both("GET /404 HTTP/1.1\r\nHost: x\r\n\r\n", 999), "HTTP/1.1 404 "));
	CHECK(has(ask_both("GET /403 HTTP/1.1\r\nHost: x\r\n\r\n", 999), "HTTP/1.1 403 "));
	CHECK(has(ask_both("GET /410 HTTP/1.1\r\nHost: x\r\n\r\n", 999), "HTTP/1.1 410 "));
	site_close();
}

CHECK_MAIN()
