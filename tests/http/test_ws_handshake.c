/*
 * test_ws_handshake.c - tests src/http/ws_handshake.c, ws_terms.c and ws_client.c: which requests
 * become a WebSocket (RFC 6455, sections 4 and 10.2; RFC 7692, section 7), and which answers.
 *
 * check: tsan
 */
#include "ws_world.h"

#include "http/request.h"
#include "http/ws.h"
#include "io/stream.h"
#include "nobody.h"
#include "weft/serve.h"
#include "weft/socket.h"

/* ---- Judging requests ---------------------------------------------------------------------- */

#define HEAD     "GET /chat HTTP/1.1\r\nHost: example.org\r\n"
#define UPGRADE  "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define VERSION  "Sec-WebSocket-Version: 13\r\n"
#define KEY      "Sec-WebSocket-Key: " WS_KEY "\r\n"
#define GOOD     HEAD UPGRADE VERSION KEY
#define ORIGIN   GOOD "Origin: "
#define PROTOCOL GOOD "Sec-WebSocket-Protocol: "

static struct weft_stream stream_judged; /* without a layer: not by TLS */

static int judge(
	const char *text, const struct weft_ws_options *options, struct weft__ws_request *ret_asked)
{
	static struct weft_http_request request;
	const char *why = NULL;
	int status;

	memset(&request, 0, sizeof(request));
	weft__http_head_reset(&request.head);
	request.stream = &stream_judged;
	request.data = text;
	request.data_len = strlen(text);
	CHECK_INT(weft__http_parse(&request.head, text, strlen(text)), ==, WEFT__HTTP_DONE);
	status = weft__ws_judge(&request, options, ret_asked, &why);
	CHECK(status == 0 || why);
	return status;
}

static const struct {
	int status;
	const char *request;
} judged[] = {
	{0, GOOD "\r\n"},
	{0, HEAD "upgrade: WebSocket\r\nCONNECTION: keep-alive, UPGRADE\r\n" VERSION KEY "\r\n"},
	{0, HEAD "Upgrade: h2c, websocket\r\nConnection: close\r\n"
		 "Connection: Upgrade\r\n" VERSION KEY "\r\n"},
	{0, "GET /chat HTTP/1.2\r\nHost: example.org\r\n" UPGRADE VERSION KEY "\r\n"},
	{0, GOOD "Content-Length: 0\r\n\r\n"},

	{405, "POST / HTTP/1.1\r\nHost: x\r\n" UPGRADE VERSION KEY "\r\n"},
	{405, "HEAD / HTTP/1.1\r\nHost: x\r\n" UPGRADE VERSION KEY "\r\n"},
	{400, "GET / HTTP/1.0\r\nHost: x\r\n" UPGRADE VERSION KEY "\r\n"},
	{426, HEAD "\r\n"},
	{426, HEAD "Connection: Upgrade\r\n" VERSION KEY "\r\n"},
	{426, HEAD "Upgrade: websocket\r\n" VERSION KEY "\r\n"},
	{426, HEAD "Upgrade: websocket\r\nConnection: keep-alive\r\n" VERSION KEY "\r\n"},
	{426, HEAD "Upgrade: websockets\r\nConnection: Upgrade\r\n" VERSION KEY "\r\n"},
	{426, HEAD UPGRADE KEY "\r\n"},
	{426, HEAD UPGRADE KEY "Sec-WebSocket-Version: 8\r\n\r\n"},
	{426, HEAD UPGRADE KEY "Sec-WebSocket-Version: 14\r\n\r\n"},
	{426, HEAD UPGRADE KEY "Sec-WebSocket-Version: 13, 8\r\n\r\n"},
	{426, HEAD UPGRADE KEY "Sec-WebSocket-Version: 013\r\n\r\n"},
	{426, HEAD UPGRADE KEY VERSION VERSION "\r\n"},
	{400, HEAD UPGRADE VERSION "\r\n"},
	{400, HEAD UPGRADE VERSION KEY KEY "\r\n"},
	{400, HEAD UPGRADE VERSION "Sec-WebSocket-Key: \r\n\r\n"},
	{400, HEAD UPGRADE VERSION "Sec-WebSocket-Key: c2hvcnQ=\r\n\r\n"},
	{400, HEAD UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n\r\n"},
	{400, HEAD UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=\r\n\r\n"},
	{400, HEAD UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n\r\n"},
	{400, HEAD UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSEh\r\n\r\n"},
	{400, GOOD "Content-Length: 1\r\n\r\n"},
	{400, GOOD "Transfer-Encoding: chunked\r\n\r\n"},
	{400, PROTOCOL "a b\r\n\r\n"},
	{400, PROTOCOL "a;b\r\n\r\n"},
	{400, PROTOCOL "\"a\"\r\n\r\n"},
	{400, GOOD "Sec-WebSocket-Extensions: a b\r\n\r\n"},
	{400, GOOD "Sec-WebSocket-Extensions: a; =1\r\n\r\n"},
	{400, GOOD "Sec-WebSocket-Extensions: a; b=\r\n\r\n"},
	{400, GOOD "Sec-WebSocket-Extensions: a; b=\"1\r\n\r\n"},

	{0, ORIGIN "http://example.org\r\n\r\n"},
	{0, ORIGIN "https://EXAMPLE.org\r\n\r\n"},
	{0, ORIGIN "https://example.org:443\r\n\r\n"},
	{0, ORIGIN "http://example.org:80\r\n\r\n"},
	{403, ORIGIN "http://example.org:443\r\n\r\n"},
	{403, ORIGIN "http://example.org:8080\r\n\r\n"},
	{403, ORIGIN "http://evil.org\r\n\r\n"},
	{403, ORIGIN "http://example.org.evil.org\r\n\r\n"},
	{403, ORIGIN "http://evil-example.org\r\n\r\n"},
	{403, ORIGIN "ftp://example.org\r\n\r\n"},
	{403, ORIGIN "example.org\r\n\r\n"},
	{403, ORIGIN "null\r\n\r\n"},
	{0, GOOD "Sec-Fetch-Site: same-origin\r\n\r\n"},
	{403, GOOD "Sec-Fetch-Site: cross-site\r\n\r\n"},
	{403, "GET / HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nSec-Fetch-Site: "
	      "cross-site\r\n" UPGRADE VERSION KEY "\r\n"},
	{403, ORIGIN "\r\n\r\n"},
	{403, ORIGIN "http://example.org\r\nOrigin: http://evil.org\r\n\r\n"},
	{0, "GET / HTTP/1.1\r\nHost: x:81\r\nOrigin: http://x:81\r\n" UPGRADE VERSION KEY "\r\n"},
	{403, "GET / HTTP/1.1\r\nHost: x:81\r\nOrigin: http://x\r\n" UPGRADE VERSION KEY "\r\n"},
	{0, "GET / HTTP/1.1\r\nHost: [::1]:81\r\nOrigin: http://[::1]:81\r\n" UPGRADE VERSION KEY
	    "\r\n"},
};

CHECK_CASE(requests_are_judged_one_by_one)
{
	const struct weft_ws_options options = {0};
	struct weft__ws_request asked;

	for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
		int status = judge(judged[i].request, &options, &asked);

		if (status != judged[i].status)
			printf("# row %zu\n", i);
		CHECK_INT(status, ==, judged[i].status);
		if (status == 0)
			CHECK_STR(asked.accept, WS_ACCEPT); /* RFC 6455, section 1.3 */
	}
}

CHECK_CASE(over_tls_pages_that_came_without_it_are_of_others)
{
	static const struct weft__stream_layer some_tls;
	const struct weft_ws_options options = {0};
	struct weft__ws_request asked;

	stream_judged.layer = &some_tls;
	CHECK_INT(judge(ORIGIN "https://example.org\r\n\r\n", &options, &asked), ==, 0);
	CHECK_INT(judge(ORIGIN "http://example.org\r\n\r\n", &options, &asked), ==, 403);
	CHECK_INT(judge(ORIGIN "http://example.org:443\r\n\r\n", &options, &asked), ==, 403);
	stream_judged.layer = NULL;
}

CHECK_CASE(origins_can_be_named)
{
	static const char *const two[] = {"https://one.org", "https://two.org:8443", NULL};
	static const char *const all[] = {"*", NULL}, *const none[] = {NULL};
	struct weft_ws_options options = {.origins = two};
	struct weft__ws_request asked;

	CHECK_INT(judge(ORIGIN "https://one.org\r\n\r\n", &options, &asked), ==, 0);
	CHECK_INT(judge(ORIGIN "https://two.org:8443\r\n\r\n", &options, &asked), ==, 0);
	CHECK_INT(judge(ORIGIN "https://two.org\r\n\r\n", &options, &asked), ==, 403);
	CHECK_INT(judge(ORIGIN "http://one.org\r\n\r\n", &options, &asked), ==, 403);
	CHECK_INT(judge(ORIGIN "http://example.org\r\n\r\n", &options, &asked), ==, 403);
	CHECK_INT(judge(GOOD "\r\n", &options, &asked), ==, 0);
	options.origins = all;
	CHECK_INT(judge(ORIGIN "null\r\n\r\n", &options, &asked), ==, 0);
	options.origins = none;
	CHECK_INT(judge(ORIGIN "http://example.org\r\n\r\n", &options, &asked), ==, 403);
}

CHECK_CASE(of_the_protocols_the_server_takes_the_first_of_its_own)
{
	static const char *const ours[] = {"chat.v2", "chat.v1", NULL};
	const struct weft_ws_options options = {.protocols = ours};
	struct weft__ws_request asked;

	CHECK_INT(judge(GOOD "\r\n", &options, &asked), ==, 0);
	CHECK(!asked.protocol);
	CHECK_INT(judge(PROTOCOL "chat.v1, other , chat.v2\r\n\r\n", &options, &asked), ==, 0);
	CHECK_STR(asked.protocol, "chat.v2");
	CHECK_INT(judge(PROTOCOL "other\r\nSec-WebSocket-Protocol: chat.v1\r\n\r\n", &options,
			  &asked),
		==, 0);
	CHECK_STR(asked.protocol, "chat.v1");
	CHECK_INT(judge(PROTOCOL "CHAT.v1,,\r\n\r\n", &options, &asked), ==, 0); /* case counts */
	CHECK(!asked.protocol);
}

/* ---- Terms -------------------------------------------------------------------------------------
 */

#ifdef WEFT_HAS_ZLIB

static const char *choose(const char *offers, const struct weft_ws_options *options)
{
	static char text[WEFT__WS_TERMS_TEXT_MAX];
	struct weft__ws_terms terms;
	struct weft_http_text list = {offers, strlen(offers)};

	if (weft__ws_terms_choose(list, options, &terms) < 0)
		return "bad";
	if (!terms.is_on)
		return "";
	weft__ws_terms_print(&terms, text);
	return text + strlen("permessage-deflate");
}

CHECK_CASE(the_server_takes_the_first_offer_that_it_can_keep)
{
	static const struct {
		const char *offers, *answer;
	} rows[] = {
		{"", ""},
		{"permessage-deflate", "; server_max_window_bits=12"},
		{"PerMessage-Deflate", "; server_max_window_bits=12"},
		{"permessage-deflate; client_max_window_bits",
			"; server_max_window_bits=12; client_max_window_bits=12"},
		{"permessage-deflate;client_max_window_bits=9",
			"; server_max_window_bits=12; client_max_window_bits=9"},
		{"permessage-deflate; client_max_window_bits=8",
			"; server_max_window_bits=12; client_max_window_bits=8"},
		{"permessage-deflate; client_max_window_bits=15",
			"; server_max_window_bits=12; client_max_window_bits=12"},
		{"permessage-deflate; server_max_window_bits=10", "; server_max_window_bits=10"},
		{"permessage-deflate; server_max_window_bits=\"10\"",
			"; server_max_window_bits=10"},
		{"permessage-deflate; server_max_window_bits=15", "; server_max_window_bits=12"},
		{"permessage-deflate; server_no_context_takeover",
			"; server_no_context_takeover; server_max_window_bits=12"},
		{"permessage-deflate; client_no_context_takeover",
			"; client_no_context_takeover; server_max_window_bits=12"},
		{"permessage-deflate; server_max_window_bits=8", ""}, /* zlib can't */
		{"permessage-deflate; server_max_window_bits=8, permessage-deflate",
			"; server_max_window_bits=12"},
		{"permessage-deflate; server_max_window_bits", ""},
		{"permessage-deflate; server_max_window_bits=7", ""},
		{"permessage-deflate; server_max_window_bits=16", ""},
		{"permessage-deflate; server_max_window_bits=010", ""},
		{"permessage-deflate; server_max_window_bits=10; server_max_window_bits=10", ""},
		{"permessage-deflate; client_max_window_bits=16", ""},
		{"permessage-deflate; server_no_context_takeover=1", ""},
		{"permessage-deflate; server_no_context_takeover; server_no_context_takeover", ""},
		{"permessage-deflate; unheard_of", ""},
		{"x-webkit-deflate-frame, permessage-deflate; unheard_of; a=b, permessage-deflate",
			"; server_max_window_bits=12"},
		{"permessage-deflate permessage-deflate", "bad"},
		{"permessage-deflate; ", "bad"},
		{"permessage-deflate, ;", "bad"},
	};
	struct weft_ws_options options = {.deflates = true};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		printf("# %s\n", rows[i].offers);
		CHECK_STR(choose(rows[i].offers, &options), rows[i].answer);
	}
	options = (struct weft_ws_options){
		.deflates = true, .no_context_takeover = true, .window_bits = 9};
	CHECK_STR(choose("permessage-deflate; client_max_window_bits", &options),
		"; server_no_context_takeover; client_no_context_takeover; "
		"server_max_window_bits=9; client_max_window_bits=9");
	options.deflates = false;
	CHECK_STR(choose("permessage-deflate", &options), "");
}

struct answer {
	bool is_good;
	unsigned ours, theirs;
	const char *text;
};

static void check_answers(
	const struct answer *answers, size_t count, const struct weft_ws_options *options)
{
	const struct weft_ws_options without = {0};
	struct weft__ws_terms terms;

	for (size_t i = 0; i < count; i++) {
		struct weft_http_text text = {answers[i].text, strlen(answers[i].text)};
		bool is_good = weft__ws_terms_accept(text, options, &terms) == 0;

		printf("# %s\n", answers[i].text);
		CHECK_INT(is_good, ==, answers[i].is_good);
		CHECK_INT(terms.ours_bits, ==, answers[i].ours);
		CHECK_INT(terms.theirs_bits, ==, answers[i].theirs);
		CHECK_INT(weft__ws_terms_accept(text, &without, &terms), ==, -1);
	}
	CHECK_INT(weft__ws_terms_accept((struct weft_http_text){"", 0}, options, &terms), ==, 0);
	CHECK(!terms.is_on);
}

CHECK_CASE(a_client_takes_no_more_than_it_offered)
{
	static const struct answer answers[] = {
		{true, 12, 15, "permessage-deflate"},
		{true, 12, 15, "permessage-deflate; client_no_context_takeover"},
		{true, 12, 15, "permessage-deflate; server_no_context_takeover"},
		{true, 12, 10, "permessage-deflate; server_max_window_bits=10"},
		{true, 12, 15, "permessage-deflate; client_max_window_bits=15"},
		{true, 9, 15, "permessage-deflate; client_max_window_bits=9"},
		{false, 0, 0, "permessage-deflate; client_max_window_bits=8"}, /* zlib can't */
		{false, 0, 0, "permessage-deflate; client_max_window_bits"},
		{false, 0, 0, "permessage-deflate; more"},
		{false, 0, 0, "something-else"},
		{false, 0, 0, "permessage-deflate, permessage-deflate"},
		{false, 0, 0, "permessage-deflate, x"},
		{false, 0, 0, "permessage-deflate;"},
	};
	const struct weft_ws_options options = {.deflates = true};

	check_answers(answers, sizeof(answers) / sizeof(answers[0]), &options);
}

CHECK_CASE(one_that_names_bits_and_takeover_gets_them_or_nothing)
{
	static const struct answer answers[] = {
		{true, 11, 11,
			"permessage-deflate; server_no_context_takeover; "
			"server_max_window_bits=11"},
		{true, 10, 9,
			"permessage-deflate; server_no_context_takeover; server_max_window_bits=9; "
			"client_max_window_bits=10"},
		{false, 0, 0, "permessage-deflate; server_no_context_takeover"},
		{false, 0, 0, "permessage-deflate; server_max_window_bits=11"},
		{false, 0, 0,
			"permessage-deflate; server_no_context_takeover; "
			"server_max_window_bits=12"},
		{false, 0, 0,
			"permessage-deflate; server_no_context_takeover; "
			"server_max_window_bits=11; "
			"client_max_window_bits=12"},
	};
	const struct weft_ws_options options = {
		.deflates = true, .window_bits = 11, .no_context_takeover = true};
	char offer[WEFT__WS_TERMS_TEXT_MAX];

	check_answers(answers, sizeof(answers) / sizeof(answers[0]), &options);
	weft__ws_offer_print(&options, offer);
	CHECK_STR(offer,
		"permessage-deflate; client_max_window_bits=11; server_max_window_bits=11; "
		"client_no_context_takeover; server_no_context_takeover");
}

#endif

/* ---- Answers on the wire -----------------------------------------------------------------------
 */

static const char *ask(struct ws_world *world, const char *request)
{
	static char reply[4096];
	struct weft_stream *stream = weft_stream_connect(world->address);
	size_t len = 0;
	ssize_t count;

	CHECK(stream != NULL);
	CHECK_INT(weft_stream_write_all(stream, request, strlen(request)), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	CHECK_INT(weft_stream_shutdown_write(stream), ==, 0);
	while ((count = weft_stream_read(stream, reply + len, sizeof(reply) - 1 - len)) > 0)
		len += (size_t)count;
	reply[len] = '\0';
	weft_stream_free(stream);
	return reply;
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static void visit_refusals(struct ws_world *world)
{
	const char *reply = ask(world, HEAD "\r\n" HEAD UPGRADE VERSION "\r\n");

	CHECK(has(reply, "HTTP/1.1 426 "));
	CHECK(has(reply, "\r\nSec-WebSocket-Version: 13\r\n"));
	CHECK(has(reply, "\r\nUpgrade: websocket\r\n"));
	CHECK(has(reply, "\r\nConnection: Upgrade\r\n"));
	CHECK(has(reply, "HTTP/1.1 400 ")); /* the connection went on */
	CHECK(has(ask(world, "HEAD / HTTP/1.1\r\nHost: x\r\n" UPGRADE VERSION KEY "\r\n"),
		"\r\nAllow: GET\r\n"));
	CHECK(has(ask(world, ORIGIN "http://evil.org\r\n\r\n"), "HTTP/1.1 403 "));
	/* What comes with the request may be frames: they are read as such. */
	reply = ask(world, GOOD "\r\n\x89\x80....\x88\x80....");
	CHECK(has(reply, "HTTP/1.1 101 Switching Protocols\r\n"));
	CHECK(!has(reply, "Content-Length") && !has(reply, "close"));
	CHECK(has(reply, "\r\n\r\n\x8a"));
}

CHECK_CASE(refusals_say_what_would_be_right)
{
	struct ws_world world = {.visit = visit_refusals};

	ws_run(&world);
}

static int dressed(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_ws *ws;

	CHECK_INT(weft_http_response_field(response, "Set-Cookie", "a=b"), ==, 0);
	ws = weft_ws_accept(request, response, &((struct ws_world *)arg)->options);
	CHECK(ws != NULL);
	CHECK_ERRNO(weft_ws_accept(request, response, NULL), EALREADY);
	CHECK_STR(weft_ws_protocol(ws), "two");
	CHECK_INT(weft_http_request_field(request, "Host").len, >, 0);
	CHECK_STR(weft_http_request_path(request), "/a path");
	weft_ws_free(ws);
	return 0;
}

static void visit_dressed(struct ws_world *world)
{
	static const char *const protocols[] = {"one", "two", NULL};
	static const char *const fields[] = {"Cookie: x=y", "X-More: z", NULL};
	const struct weft_ws_options options = {.protocols = protocols,
		.fields = fields,
		.origin = "http://a.org",
		.close_timeout_ns = WS_PATIENCE_NS};
	char url[WEFT_ADDRESS_TEXT_MAX + 32];
	struct weft_ws *ws;

	snprintf(url, sizeof(url), "WS://%s/a%%20path?query", world->address);
	CHECK(ws = weft_ws_connect(url, &options));
	CHECK_STR(weft_ws_protocol(ws), "two");
	CHECK_INT(weft_ws_close(ws, 1000, NULL), ==, 0);
	weft_ws_free(ws);
	CHECK(has(ask(world, "GET /a%20path HTTP/1.1\r\nHost: x\r\n" UPGRADE VERSION KEY
			     "Sec-WebSocket-Protocol: two\r\n\r\n\x88\x80...."),
		"\r\nSet-Cookie: a=b\r\n"));
}

CHECK_CASE(both_sides_can_add_fields_and_agree_on_a_protocol)
{
	static const char *const protocols[] = {"two", NULL}, *const all[] = {"*", NULL};
	struct ws_world world = {.handler = dressed,
		.visit = visit_dressed,
		.options = {.protocols = protocols, .origins = all}};

	ws_run(&world);
}

/* ---- Servers that are none
 * ------------------------------------------------------------------------ */

struct answerer {
	struct weft_listener *listener;
	const char *answer; /* %s: what is right for the key */
};

static int answer_one(void *arg)
{
	struct answerer *answerer = arg;
	struct weft_stream *peer = weft_listener_accept(answerer->listener);
	char accept[WEFT__WS_ACCEPT_SIZE] = "";
	const char *line;
	ssize_t len;

	CHECK(peer != NULL);
	while ((len = weft_stream_readline(peer, &line)) > 2)
		if (strncmp(line, "Sec-WebSocket-Key: ", 19) == 0)
			CHECK_INT(weft__ws_accept_key(line + 19, accept), ==, 0);
	CHECK_INT(weft_stream_printf(peer, answerer->answer, accept, accept), ==, 0);
	weft_stream_flush(peer);
	weft_stream_shutdown_write(peer);
	weft_stream_read(peer, (char[16]){0}, 16);
	weft_stream_free(peer);
	return 0;
}

#define YES     "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
#define ACCEPTS "Sec-WebSocket-Accept: %s\r\n"

static int ask_answerers(void *arg)
{
	static const struct {
		const char *answer;
		int error, status;
	} rows[] = {
		{YES ACCEPTS "\r\n", 0, 101},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", EPROTO, 200},
		{"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", EPROTO, 302},
		{"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", EPROTO, 401},
		{YES "\r\n", EPROTO, 101},
		{YES "Sec-WebSocket-Accept: " WS_ACCEPT "\r\n\r\n", EPROTO, 101},
		{YES ACCEPTS ACCEPTS "\r\n", EPROTO, 101},
		{"HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\n" ACCEPTS "\r\n", EPROTO, 101},
		{"HTTP/1.1 101 Yes\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n" ACCEPTS "\r\n",
			EPROTO, 101},
		{"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n" ACCEPTS "\r\n", EPROTO, 101},
		{YES ACCEPTS "Sec-WebSocket-Protocol: not-asked-for\r\n\r\n", EPROTO, 101},
		{YES ACCEPTS "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", EPROTO, 101},
		{"nonsense\r\n\r\n", EPROTO, 0},
		{"HTTP/1.1 101 Yes\r\nUpgr", ECONNRESET, 0},
		{"", ECONNRESET, 0},
	};
	struct answerer answerer = {.listener = weft_listener_new("127.0.0.1:0", NULL)};
	char address[WEFT_ADDRESS_TEXT_MAX], url[WEFT_ADDRESS_TEXT_MAX + 8];
	struct weft_address nobody;
	int status = -1, held;
	const struct weft_ws_options options = {
		.ret_status = &status, .close_timeout_ns = WEFT_MILLISECONDS(20)};

	(void)arg;
	CHECK(answerer.listener != NULL);
	weft_address_print(weft_listener_address(answerer.listener), address, sizeof(address));
	snprintf(url, sizeof(url), "ws://%s", address);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		weft_fiber_id server;
		struct weft_ws *ws;

		printf("# row %zu\n", i);
		answerer.answer = rows[i].answer;
		CHECK(server = weft_spawn(answer_one, &answerer));
		errno = 0;
		ws = weft_ws_connect(url, &options);
		CHECK((ws != NULL) == (rows[i].error == 0));
		CHECK(ws || errno == rows[i].error);
		CHECK_INT(status, ==, rows[i].status);
		weft_ws_free(ws);
		CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
	}
	weft_listener_free(answerer.listener);
	held = nobody_listens(&nobody);
	snprintf(url, sizeof(url), "ws://127.0.0.1:%u", weft_address_port(&nobody));
	CHECK_ERRNO(weft_ws_connect(url, &options), ECONNREFUSED);
	CHECK_INT(status, ==, 0);
	close(held);
	return 0;
}

CHECK_CASE(a_client_believes_only_who_has_read_its_key)
{
	CHECK_INT(weft_run(NULL, ask_answerers, NULL), ==, 0);
}

CHECK_CASE(what_is_no_url_is_not_connected_to)
{
	static const char *const bad[] = {"", "http://x/", "ws:/x", "ws://", "ws:///path",
		"ws://x/#fragment", "ws://x#y", "ws://user@x/", "ws://x/a b", "ws://x/\r\nY: z",
		"ws://x:port/", "ws://x y/"};
	static const char *const bad_fields[] = {"no colon", ":x", "a b: c", "X: a\r\nY: b"};
	const char *fields[2] = {NULL, NULL}, *const protocols[] = {"a b", NULL};
	struct weft_ws_options options = {.fields = fields};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERRNO(weft_ws_connect(bad[i], NULL), EINVAL);
	for (size_t i = 0; i < sizeof(bad_fields) / sizeof(bad_fields[0]); i++) {
		fields[0] = bad_fields[i];
		CHECK_ERRNO(weft_ws_connect("ws://127.0.0.1:1/", &options), EINVAL);
	}
	options = (struct weft_ws_options){.protocols = protocols};
	CHECK_ERRNO(weft_ws_connect("ws://127.0.0.1:1/", &options), EINVAL);
	options = (struct weft_ws_options){.origin = "http://x\r\nY: z"};
	CHECK_ERRNO(weft_ws_connect("ws://127.0.0.1:1/", &options), EINVAL);
	options = (struct weft_ws_options){.window_bits = 8};
	CHECK_ERRNO(weft_ws_connect("ws://127.0.0.1:1/", &options), EINVAL);
}

CHECK_MAIN()
