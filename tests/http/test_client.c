/*
 * test_client.c - tests src/http/fetch.c and client*.c: what is sent, and what comes of answers.
 *
 * check: drivers
 */
#include "http/fetched.h"

#include "descriptors.h"
#include "http/client.h"
#include "nobody.h"
#include "weft/scope.h"

/* ---- What is sent and what is had --------------------------------------------------- */

BOTH_CASE(a_get_is_sent_and_its_response_read)
{
	static const struct turn turns[] = {SAYS("HTTP/1.1 203 Not quite\r\nServer: x\r\nA:  1 "
						 "\r\nContent-Length: 5\r\na: 2\r\n\r\nhello")};
	struct weft_http_fetch *made;
	struct weft_http_text name, value;
	int before = descriptors();
	char byte;

	START(turns);
	made = fetch("/a/../b c?d#e", NULL);
	CHECK_INT(weft_http_fetch_status(made), ==, 203);
	CHECK(text_is(weft_http_fetch_reason(made), "Not quite"));
	CHECK(text_is(weft_http_fetch_field(made, "SERVER"), "x"));
	CHECK(text_is(weft_http_fetch_field(made, "a"), "1"));
	CHECK(!weft_http_fetch_field(made, "b").data);
	CHECK(weft_http_fetch_field_at(made, 3, &name, &value));
	CHECK(text_is(name, "a") && text_is(value, "2"));
	CHECK(!weft_http_fetch_field_at(made, 4, &name, &value));
	CHECK_STR(weft_http_fetch_url(made)->text, url("/b%20c?d"));
	CHECK_INT(weft_http_fetch_redirects(made), ==, 0);
	CHECK_INT(weft_http_fetch_body_len(made), ==, 5);
	CHECK_INT(weft_http_fetch_read(made, &byte, 1), ==, 1);
	CHECK_INT(byte, ==, 'h');
	expect_body(made, "ello");
	CHECK_INT(weft_http_fetch_read(made, &byte, 1), ==, 0);
	CHECK(text_is(weft_http_fetch_field(made, "server"), "x"));
	CHECK_INT(weft_http_fetch_fault(made)->kind, ==, WEFT_HTTP_NO_FAULT);
	weft_http_fetch_free(made);
	scripted_end(&server);
	CHECK(scripted_heard(&server, 0, "GET /b%20c?d HTTP/1.1\r\nHost: HOST\r\n" AGENT "\r\n"));
	CHECK_INT(descriptors(), ==, before);
}

BOTH_CASE(a_body_is_sent_from_memory)
{
	static const struct turn turns[] = {SAYS(EMPTY, .body_len = 5), SAYS(EMPTY), SAYS(EMPTY)};
	const struct weft_http_field fields[] = {{"X-One", "1"}, {"User-Agent", "me"}};

	START(turns);
	client = weft_http_client_new(NULL);
	get("/",
		&(struct weft_http_fetch_options){.body = "hello",
			.body_len = 5,
			.body_type = "text/plain",
			.fields = fields,
			.field_count = 2},
		"");
	get("/", &(struct weft_http_fetch_options){.method = "PUT"}, "");
	get("/", &(struct weft_http_fetch_options){.method = "DELETE"}, "");
	weft_http_client_free(client);
	scripted_end(&server);
	CHECK(scripted_heard(&server, 0,
		"POST / HTTP/1.1\r\nHost: HOST\r\nX-One: 1\r\nUser-Agent: me\r\n"
		"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"));
	CHECK(scripted_heard(
		&server, 1, "PUT / HTTP/1.1\r\nHost: HOST\r\n" AGENT "Content-Length: 0\r\n\r\n"));
	CHECK(scripted_heard(&server, 2, "DELETE / HTTP/1.1\r\nHost: HOST\r\n" AGENT "\r\n"));
	CHECK_INT(server.connections, ==, 1);
}

static ssize_t lend(void *arg, int64_t offset, void *buffer, size_t size_bytes)
{
	const char *text = arg;
	size_t left = strlen(text) - (size_t)offset;
	size_t some = left < 3 ? left : 3;

	CHECK(some <= size_bytes);
	memcpy(buffer, text + offset, some);
	return (ssize_t)some;
}

static ssize_t refuse(void *arg, int64_t offset, void *buffer, size_t size_bytes)
{
	(void)arg;
	(void)offset;
	(void)buffer;
	(void)size_bytes;
	errno = EBADF;
	return -1;
}

BOTH_CASE(a_body_is_sent_from_a_source)
{
	static const struct turn turns[] = {
		SAYS(EMPTY, .body_len = 7), SAYS(EMPTY, .body_len = 27)};
	struct weft_http_fetch_options options = {
		.body_source = lend, .body_arg = (void *)"1234567", .body_len = 7};

	START(turns);
	client = weft_http_client_new(NULL);
	get("/", &options, "");
	options.body_len = WEFT_HTTP_LEN_UNKNOWN;
	get("/", &options, "");
	weft_http_client_free(client);
	scripted_end(&server);
	CHECK(scripted_heard(&server, 0,
		"POST / HTTP/1.1\r\nHost: HOST\r\n" AGENT "Content-Length: 7\r\n\r\n1234567"));
	CHECK(scripted_heard(&server, 1,
		"POST / HTTP/1.1\r\nHost: HOST\r\n" AGENT "Transfer-Encoding: chunked\r\n\r\n"
		"3\r\n123\r\n3\r\n456\r\n1\r\n7\r\n0\r\n\r\n"));
}

BOTH_CASE(a_source_that_fails_or_ends_early_fails_the_fetch)
{
	static const struct turn turns[] = {SAYS("", .body_len = 100, .does = CLOSES),
		SAYS("", .body_len = 100, .does = CLOSES)};
	struct weft_http_fetch_options options = {
		.body_source = refuse, .body_len = 9, .ret_fault = &fault};

	START(turns);
	CHECK_ERRNO(weft_http_fetch(url("/"), &options), EBADF);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_NOT_SENT);
	options.body_source = lend;
	options.body_arg = (void *)"12345678";
	CHECK_ERRNO(weft_http_fetch(url("/"), &options), ENODATA);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_NOT_SENT);
	scripted_end(&server);
}

BOTH_CASE(a_body_is_written_by_steps)
{
	static const struct turn turns[] = {
		SAYS("", .body_len = 6, .does = CLOSES), SAYS(EMPTY, .body_len = 6), SAYS(EMPTY)};
	struct weft_http_fetch_options options = {.body_len = 6};
	struct weft_http_fetch *made;
	char byte;

	START(turns);
	options.client = client = weft_http_client_new(NULL);
	made = weft_http_fetch_begin(url("/"), &options);
	CHECK(made != NULL);
	CHECK_INT(weft_http_fetch_status(made), ==, 0);
	CHECK_ERRNO(weft_http_fetch_read(made, &byte, 1), EINVAL);
	CHECK_INT(weft_http_fetch_write(made, "abc", 3), ==, 0);
	CHECK_INT(weft_http_fetch_flush(made), ==, 0);
	CHECK_ERRNO(weft_http_fetch_finish(made), ENODATA);
	weft_http_fetch_free(made);

	made = weft_http_fetch_begin(url("/"), &options);
	CHECK_INT(weft_http_fetch_write(made, "abc", 3), ==, 0);
	CHECK_ERRNO(weft_http_fetch_write(made, "defg", 4), EMSGSIZE);
	CHECK_INT(weft_http_fetch_write(made, "def", 3), ==, 0);
	CHECK_INT(weft_http_fetch_finish(made), ==, 0);
	CHECK_INT(weft_http_fetch_finish(made), ==, 0);
	CHECK_ERRNO(weft_http_fetch_write(made, "g", 1), EPIPE);
	CHECK_INT(weft_http_fetch_status(made), ==, 200);
	expect_body(made, "");
	weft_http_fetch_free(made);

	options.body_len = 0;
	made = weft_http_fetch_begin(url("/"), &options);
	CHECK_INT(weft_http_fetch_finish(made), ==, 0);
	weft_http_fetch_free(made);
	weft_http_client_free(client);
	scripted_end(&server);
	CHECK(scripted_heard(&server, 1,
		"POST / HTTP/1.1\r\nHost: HOST\r\n" AGENT "Content-Length: 6\r\n\r\nabcdef"));
	CHECK(scripted_heard(&server, 2, "GET / HTTP/1.1\r\nHost: HOST\r\n" AGENT "\r\n"));
}

/* ---- What frames a body ------------------------------------------------------------- */

BOTH_CASE(every_framing_is_read_and_the_connection_kept_where_it_can_be)
{
	static const struct turn turns[] = {
		SAYS("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: dropped\r\n\r\n"),
		SAYS("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"),
		SAYS("HTTP/1.1 204 None\r\n\r\n"),
		SAYS("HTTP/1.1 304 Same\r\nContent-Length: 77\r\n\r\n"),
		SAYS("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nb"),
		SAYS("HTTP/1.1 200 OK\r\nContent-Length: 88\r\n\r\n"),
		SAYS("HTTP/1.1 200 OK\r\n\r\nup to the end", .does = CLOSES),
		SAYS("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nc", .does = AWAITS_END),
		SAYS("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nd",
			.does = AWAITS_END),
	};

	START(turns);
	client = weft_http_client_new(NULL);
	get("/", NULL, "hello!");
	get("/", NULL, "a");
	get("/", NULL, "");
	get("/", NULL, "");
	get("/", NULL, "b");
	get("/", &(struct weft_http_fetch_options){.method = "HEAD"}, "");
	CHECK_INT(weft_http_client_idle(client), ==, 1);
	get("/", NULL, "up to the end");
	CHECK_INT(weft_http_client_idle(client), ==, 0);
	get("/", NULL, "c");
	get("/", NULL, "d");
	weft_http_client_free(client);
	scripted_end(&server);
	CHECK_INT(server.connections, ==, 3);
}

BOTH_CASE(interim_responses_are_passed_over_up_to_a_bound)
{
	static const struct turn turns[] = {
		SAYS("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" EMPTY),
		SAYS("HTTP/1.1 102 On\r\n\r\nHTTP/1.1 102 On\r\n\r\nHTTP/1.1 102 On\r\n\r\n"
		     "HTTP/1.1 102 On\r\n\r\nHTTP/1.1 102 On\r\n\r\nHTTP/1.1 102 On\r\n\r\n"
		     "HTTP/1.1 102 On\r\n\r\nHTTP/1.1 102 On\r\n\r\nHTTP/1.1 102 On\r\n\r\n" EMPTY,
			.does = AWAITS_END),
	};
	struct weft_http_fetch_options options = {.ret_fault = &fault};
	struct weft_http_fetch *made;

	START(turns);
	options.client = client = weft_http_client_new(NULL);
	made = fetch("/", NULL);
	CHECK_INT(weft_http_fetch_status(made), ==, 200);
	CHECK(!weft_http_fetch_field(made, "link").data);
	weft_http_fetch_free(made);
	CHECK_ERRNO(weft_http_get(url("/"), &options), EBADMSG);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_BAD_RESPONSE);
	weft_http_client_free(client);
	scripted_end(&server);
}

/* One that waits for leave as long as that takes: this machine may be busy. */
static struct weft_http_client *patient_client(void)
{
	struct weft_http_client *made = weft_http_client_new(NULL);

	CHECK(made != NULL);
	made->continue_ns = WEFT_SECONDS(3600);
	return made;
}

BOTH_CASE(leave_to_send_a_body_is_waited_for)
{
	static const struct turn turns[] = {
		SAYS("HTTP/1.1 102 On\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"),
		SAYS("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", .body_len = 5,
			.does = ANSWERS_ON),
		SAYS("HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno", .does = AWAITS_END),
		SAYS("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno", .does = AWAITS_END),
	};
	struct weft_http_fetch_options options = {
		.body = "hello", .body_len = 5, .expects_continue = true};
	struct weft_http_fetch *made;

	START(turns);
	options.client = client = patient_client();
	get("/", &options, "a");
	weft_http_client_free(client);
	options.client = client = patient_client();
	made = fetch("/", &options);
	CHECK_INT(weft_http_fetch_status(made), ==, 417);
	expect_body(made, "no");
	weft_http_fetch_free(made);

	options.body = NULL;
	made = weft_http_fetch_begin(url("/"), &options);
	CHECK(made != NULL);
	CHECK_ERRNO(weft_http_fetch_write(made, "hello", 5), EPIPE);
	CHECK_INT(weft_http_fetch_finish(made), ==, 0);
	CHECK_INT(weft_http_fetch_status(made), ==, 413);
	expect_body(made, "no");
	weft_http_fetch_free(made);
	CHECK_INT(weft_http_client_idle(client), ==, 0);
	weft_http_client_free(client);
	scripted_end(&server);
	CHECK(scripted_has(&server, 0, "\r\nExpect: 100-continue\r\n"));
	CHECK_INT(server.connections, ==, 3);
}

BOTH_CASE(where_no_leave_comes_the_body_goes_unasked)
{
	static const struct turn turns[] = {SAYS("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
		.body_len = 5, .does = AWAITS_END)};
	struct weft_http_fetch_options options = {
		.body = "hello", .body_len = 5, .expects_continue = true};

	START(turns);
	options.client = client = weft_http_client_new(NULL);
	client->continue_ns = WEFT_MILLISECONDS(1);
	get("/", &options, "hi");
	weft_http_client_free(client);
	scripted_end(&server);
	CHECK(strstr(server.heard[0], "\r\n\r\nhello"));
}

BOTH_CASE(an_answer_before_the_bodys_end_is_read)
{
	static const struct turn turns[] = {
		SAYS("HTTP/1.1 413 No\r\nContent-Length: 8\r\n\r\ntoo long", .does = CLOSES)};
	const size_t len = 64 << 20;
	char *body = calloc(1, len);
	struct weft_http_fetch *made;

	START(turns);
	client = NULL;
	made = fetch(
		"/", &(struct weft_http_fetch_options){.body = body, .body_len = (int64_t)len});
	CHECK_INT(weft_http_fetch_status(made), ==, 413);
	expect_body(made, "too long");
	weft_http_fetch_free(made);
	scripted_end(&server);
	free(body);
}

/* The server takes all that is sent, but says first that it wants none of it. */
BOTH_CASE(a_body_that_is_refused_meanwhile_is_not_sent_to_its_end)
{
	static const struct turn turns[] = {
		SAYS("HTTP/1.1 102 On\r\n\r\nHTTP/1.1 413 No\r\nContent-Length: 8\r\n\r\ntoo long",
			.does = AWAITS_END),
		SAYS("HTTP/1.1 413 No\r\nContent-Length: 8\r\n\r\ntoo long", .does = AWAITS_END),
		SAYS("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nwelcome", .does = AWAITS_END)};
	struct weft_http_fetch_options options = {.body_len = 64 << 20};
	char *body = calloc(1, (size_t)options.body_len);
	struct weft_http_fetch *made;

	START(turns);
	options.client = client = weft_http_client_new(NULL);
	options.body = body;
	made = fetch("/", &options);
	CHECK_INT(weft_http_fetch_status(made), ==, 413);
	expect_body(made, "too long");
	weft_http_fetch_free(made);

	options.body = NULL;
	made = weft_http_fetch_begin(url("/"), &options);
	for (int64_t sent = 0; weft_http_fetch_write(made, body, 100000) == 0; sent += 100000)
		CHECK_INT(sent, <, options.body_len / 2);
	CHECK_INT(errno, ==, EPIPE);
	CHECK_INT(weft_http_fetch_finish(made), ==, 0);
	CHECK_INT(weft_http_fetch_status(made), ==, 413);
	weft_http_fetch_free(made);

	/* Other answers leave the body welcome. */
	options.body = body;
	made = fetch("/", &options);
	expect_body(made, "welcome");
	weft_http_fetch_free(made);
	weft_http_client_free(client);
	scripted_end(&server);
	CHECK_INT(server.drained, >=, options.body_len);
	CHECK_INT(server.drained, <, options.body_len * 2);
	free(body);
}

/* ---- What can't be sent ------------------------------------------------------------- */

CHECK_CASE(what_would_break_a_request_is_refused_before_anything_is_sent)
{
	static const struct weft_http_field fields[] = {{"A", "b\r\nC: d"}, {"A\r\n", "b"},
		{"A:", "b"}, {"", "b"}, {"A", "b\n"}, {"A", "\x01"}, {"Host", "x"}, {"host", "x"},
		{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}, {"Connection", "close"},
		{"Upgrade", "x"}, {"Expect", "100-continue"}, {"TE", "trailers"}};
	static const struct weft_http_field own[] = {{"Authorization", "x"}, {"Content-Type", "x"}};
	static char big[WEFT_HTTP_URL_MAX * 3];
	const struct weft_http_fetch_options bad[] = {
		{.method = ""},
		{.method = "GET /x"},
		{.method = "A\r\n"},
		{.method = "CONNECT"},
		{.user = "a:b", .password = "c"},
		{.user = "a", .password = "b\n"},
		{.user = "a", .bearer = "b"},
		{.bearer = ""},
		{.bearer = "a b"},
		{.bearer = "a\r\n"},
		{.bearer = "a=b"},
		{.bearer = "="},
		{.body = "a", .body_len = -1},
		{.body_len = 5},
		{.body_len = -2},
		{.body = "a", .body_source = lend, .body_len = 1},
		{.body = "a", .body_len = 1, .body_type = "x\r\n"},
		{.user = "a", .fields = own, .field_count = 1},
		{.body = "a", .body_len = 1, .body_type = "x", .fields = own + 1, .field_count = 1},
	};
	struct weft_http_fetch_options options = {.ret_fault = &fault, .field_count = 1};

	memset(big, 'a', sizeof(big) - 1);
	/* Nobody listens there: a connection would be refused. */
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		options.fields = &fields[i];
		CHECK_ERRNO(weft_http_get("http://127.0.0.1:1/", &options), EINVAL);
		CHECK_INT(fault.kind, ==, WEFT_HTTP_BAD_REQUEST);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		options = bad[i];
		options.ret_fault = &fault;
		CHECK_ERRNO(weft_http_fetch("http://127.0.0.1:1/", &options), EINVAL);
		CHECK_INT(fault.kind, ==, WEFT_HTTP_BAD_REQUEST);
	}
	options = (struct weft_http_fetch_options){.ret_fault = &fault,
		.fields = &(struct weft_http_field){"X", big},
		.field_count = 1};
	CHECK_ERRNO(weft_http_get("http://127.0.0.1:1/", &options), EMSGSIZE);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_BAD_REQUEST);
	CHECK_ERRNO(weft_http_get("http://127.0.0.1:1/\r\n", &options), EINVAL);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_BAD_URL);
}

BOTH_CASE(who_can_not_be_reached_is_said)
{
	struct weft_http_fetch_options options = {.ret_fault = &fault};
	struct weft_address nobody;
	int held = nobody_listens(&nobody);
	char host[WEFT_ADDRESS_TEXT_MAX], at[WEFT_ADDRESS_TEXT_MAX + 16];

	weft_address_print(&nobody, host, sizeof(host));
	snprintf(at, sizeof(at), "http://%s/", host);
	CHECK_ERRNO(weft_http_get(at, &options), ECONNREFUSED);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_NO_CONNECTION);
	CHECK(strstr(fault.text, "Connection refused") && strstr(fault.text, host));
	options.unix_path = "/nowhere/at/all";
	CHECK_ERRNO(weft_http_get(at, &options), ENOENT);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_NO_CONNECTION);
	close(held);
}

CHECK_CASE(credentials_are_sent_as_their_rfcs_write_them)
{
	static const struct turn turns[] = {
		SAYS(EMPTY), SAYS(EMPTY), SAYS(EMPTY), SAYS(EMPTY), SAYS(EMPTY), SAYS(EMPTY)};
	static const struct weft_http_fetch_options options[] = {
		{.user = "Aladdin", .password = "open sesame"},
		{.user = "test", .password = "123\xc2\xa3"},
		{.user = "", .password = NULL},
		{.user = "a", .password = ":b"},
		{.bearer = "mF_9.B5f-4.1JqM"},
		{.bearer = "a+/~=="},
	};
	static const char *const fields[] = {
		"\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n",
		"\r\nAuthorization: Basic dGVzdDoxMjPCow==\r\n",
		"\r\nAuthorization: Basic Og==\r\n",
		"\r\nAuthorization: Basic YTo6Yg==\r\n",
		"\r\nAuthorization: Bearer mF_9.B5f-4.1JqM\r\n",
		"\r\nAuthorization: Bearer a+/~==\r\n",
	};

	START(turns);
	client = weft_http_client_new(NULL);
	for (size_t i = 0; i < 6; i++)
		get("/", &options[i], "");
	weft_http_client_free(client);
	scripted_end(&server);
	for (size_t i = 0; i < 6; i++)
		CHECK(scripted_has(&server, i, fields[i]));
}

/* ---- Waiting ------------------------------------------------------------------------ */

BOTH_CASE(a_server_that_says_nothing_is_not_waited_for)
{
	static const struct turn turns[] = {SAYS(""), SAYS("HTTP/1.1 200 OK\r\nA"),
		SAYS("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")};
	struct weft_http_fetch_options options = {.ret_fault = &fault};
	struct weft_http_fetch *made;
	char bytes[8];

	scripted_start_as(&server, turns, 3, scripted_thread_by_path);
	options.stall_timeout_ns = WEFT_MILLISECONDS(20);
	CHECK_ERRNO(weft_http_get(url("/0"), &options), ETIMEDOUT);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_INTERRUPTED);
	options.stall_timeout_ns = 0;
	options.timeout_ns = WEFT_MILLISECONDS(20);
	CHECK_ERRNO(weft_http_get(url("/1"), &options), ETIMEDOUT);
	options.timeout_ns = 0;
	made = weft_http_get(url("/2"), &options);
	CHECK(made != NULL);
	CHECK_INT(weft_http_fetch_read(made, bytes, sizeof(bytes)), ==, 2);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(20))
		CHECK_ERRNO(weft_http_fetch_read(made, bytes, sizeof(bytes)), ETIMEDOUT);
	CHECK_INT(weft_http_fetch_fault(made)->kind, ==, WEFT_HTTP_INTERRUPTED);
	weft_http_fetch_free(made);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(20))
		CHECK_ERRNO(weft_http_get(url("/0"), &options), ETIMEDOUT);
	CHECK_ERRNO(weft_http_get(url("/3"), &options), ECONNRESET);
	scripted_end(&server);
}

static int wait_for_body(void *arg)
{
	struct weft_http_fetch *made = arg;
	char bytes[8];

	CHECK_INT(weft_http_fetch_read(made, bytes, sizeof(bytes)), ==, 2);
	CHECK_ERRNO(weft_http_fetch_read(made, bytes, sizeof(bytes)), ECANCELED);
	return 0;
}

static int cancel_waiting(void *arg)
{
	static const struct turn turns[] = {
		SAYS("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", .does = AWAITS_END)};
	struct weft_http_fetch *made;
	weft_fiber_id fiber;

	(void)arg;
	START(turns);
	made = fetch("/", NULL);
	fiber = weft_spawn(wait_for_body, made);
	weft_yield();
	weft_cancel(fiber);
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	weft_http_fetch_free(made);
	return 0;
}

CHECK_CASE(a_cancelled_fiber_leaves_nothing_behind)
{
	const struct weft_run_options one = {.workers = 1};
	int before = descriptors();

	CHECK_INT(weft_run(&one, cancel_waiting, NULL), ==, 0);
	scripted_end(&server);
	CHECK_INT(descriptors(), ==, before);
}

/* ---- All of a body ------------------------------------------------------------------ */

BOTH_CASE(a_body_is_read_up_to_a_bound)
{
	static char reply[100200];
	struct turn turns[] = {SAYS("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
		SAYS("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
		SAYS("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
		SAYS("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), SAYS(reply, .does = CLOSES)};
	int head = snprintf(reply, sizeof(reply), "HTTP/1.1 200 OK\r\n\r\n");
	struct weft_http_fetch *made;
	char *data = NULL;

	memset(reply + head, 'x', 100000);
	START(turns);
	client = weft_http_client_new(NULL);
	made = fetch("/", NULL);
	CHECK_INT(weft_http_fetch_read_all(made, 3, &data), ==, 3);
	free(data);
	weft_http_fetch_free(made);
	for (int i = 0; i < 2; i++) {
		made = fetch("/", NULL);
		CHECK_ERRNO(weft_http_fetch_read_all(made, 2, &data), EMSGSIZE);
		CHECK_INT(weft_http_fetch_fault(made)->kind, ==, WEFT_HTTP_TOO_LONG);
		weft_http_fetch_free(made);
	}
	made = fetch("/", NULL);
	CHECK_INT(weft_http_fetch_read_all(made, 0, &data), ==, 0);
	CHECK_STR(data, "");
	free(data);
	weft_http_fetch_free(made);
	made = fetch("/", NULL);
	CHECK_INT(weft_http_fetch_body_len(made), ==, -1);
	CHECK_INT(weft_http_fetch_read_all(made, SIZE_MAX, &data), ==, 100000);
	CHECK_INT(strspn(data, "x"), ==, 100000);
	free(data);
	weft_http_fetch_free(made);
	weft_http_client_free(client);
	scripted_end(&server);
}

CHECK_MAIN()
