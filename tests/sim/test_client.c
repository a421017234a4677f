/*
 * test_client.c - the HTTP client under the simulator: over a nasty network, cancelled at every
 * moment, with every call failing in turn; and what takes its time. What comes whole is right,
 * what fails says why, and nothing is left behind.
 */
#include "sim/sim.h"

#include <errno.h>

#include "weft/event.h"
#include "weft/http_client.h"
#include "weft/scope.h"
#include "weft/serve.h"

#define FETCHERS 5
#define BODY_MAX 60000

static struct weft_http_server *server;
static struct weft_listener *listener;
static struct weft_event ready;
static struct weft_http_client *client;
static bool is_friendly;
static char pattern[BODY_MAX + 26];

static uint64_t below(uint64_t bound)
{
	return weft_random() % bound;
}

/* ---- A server --------------------------------------------------------------------- */

/* /SIZE: that many bytes; /-SIZE: on to /SIZE by a redirect, which has a body of its own. */
static int on_get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const char *path = weft_http_request_path(request) + 1;
	size_t size = strtoul(path, NULL, 10);

	(void)arg;
	if (path[0] == '-') {
		char to[32];

		snprintf(to, sizeof(to), "/%s", path + 1);
		return weft_http_response_redirect(response, 302, to);
	}
	if (below(3))
		return weft_http_response_send(response, 200,
			&(struct weft_http_content){"text/plain", pattern + size % 26, size});
	if (weft_http_response_begin(response, 200, "text/plain", WEFT_HTTP_LEN_UNKNOWN) < 0)
		return -1;
	return weft_http_response_write(response, pattern + size % 26, size);
}

/* Says what it heard. */
static int on_post(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_http_content heard = {.type = "text/plain"};
	char *bytes = malloc(BODY_MAX + 1);
	ssize_t some;
	int result;

	(void)arg;
	CHECK(bytes);
	while ((some = weft_http_request_read(
			request, bytes + heard.len, BODY_MAX + 1 - heard.len)) > 0)
		heard.len += (size_t)some;
	heard.data = bytes;
	result = some < 0 ? -1 : weft_http_response_send(response, 200, &heard);
	free(bytes);
	return result;
}

static const struct weft_http_service service = {.on_get = on_get, .on_post = on_post};

static int serve(void *arg)
{
	int result;

	(void)arg;
	CHECK_INT(weft_sim_host("server"), ==, 0);
	while (!(listener = weft_listener_new("0.0.0.0:80", NULL)))
		CHECK(errno == EMFILE || errno == EADDRINUSE);
	weft_event_set(&ready);
	result = weft_http_server_run(server, listener);
	weft_listener_free(listener);
	return result;
}

static weft_fiber_id world_begin(void)
{
	const struct weft_http_server_options options = {
		.service = &service, .grace_ns = WEFT_SECONDS(1)};
	weft_fiber_id running;

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)('a' + i % 26);
	weft_event_init(&ready, "ready");
	server = weft_http_server_new(&options);
	client = weft_http_client_new(NULL);
	running = weft_spawn(serve, NULL);
	CHECK(server && client && running);
	CHECK_INT(weft_event_wait(&ready), ==, 0);
	CHECK_INT(weft_sim_host("client"), ==, 0);
	return running;
}

static void world_end(weft_fiber_id running)
{
	weft_http_client_free(client);
	weft_http_server_stop(server);
	CHECK_INT(weft_join(running, NULL, WEFT_FOREVER), ==, 0);
	weft_http_server_free(server);
}

/* ---- Fetchers --------------------------------------------------------------------- */

/* Whatever fails, the reason is one that a program can expect there. */
static bool is_clear(int code, const struct weft_http_fault *fault)
{
	return fault->kind != WEFT_HTTP_NO_FAULT && fault->text[0] &&
	       (code == ECONNRESET || code == EPIPE || code == ECONNREFUSED || code == EMFILE ||
		       code == ETIMEDOUT || code == ECANCELED || code == EADDRINUSE);
}

/* Read it all. 0: it is right; -1: it failed, and said so. */
static int read_body(struct weft_http_fetch *fetch, size_t size)
{
	char *data;
	ssize_t len = weft_http_fetch_read_all(fetch, BODY_MAX, &data);

	if (len < 0) {
		CHECK(is_clear(errno, weft_http_fetch_fault(fetch)));
		return -1;
	}
	CHECK_INT(len, ==, size);
	CHECK_MEM(data, pattern + size % 26, size);
	free(data);
	return 0;
}

static int fetch_once(size_t size)
{
	struct weft_http_fault fault = {.kind = WEFT_HTTP_NO_FAULT};
	struct weft_http_fetch_options options = {.client = client, .ret_fault = &fault};
	struct weft_http_fetch *fetch;
	char url[64];
	int result = 0;

	snprintf(url, sizeof(url), "http://server/%s%zu", below(3) ? "" : "-", size);
	if (below(3) == 0) {
		options.body = pattern + size % 26;
		options.body_len = (int64_t)size;
		options.expects_continue = below(2);
		snprintf(url, sizeof(url), "http://server/post");
	}
	fetch = weft_http_fetch(url, &options);
	if (!fetch) {
		CHECK(is_clear(errno, &fault));
		CHECK(!is_friendly);
		return -1;
	}
	/* A server that can't go on may say so. */
	if (weft_http_fetch_status(fetch) != 200)
		CHECK(!is_friendly && weft_http_fetch_status(fetch) >= 400);
	else if (is_friendly || below(4))
		result = read_body(fetch, size);
	weft_http_fetch_free(fetch);
	CHECK(!is_friendly || result == 0);
	return result;
}

static int fetcher(void *arg)
{
	(void)arg;
	for (int i = 0; i < 6; i++) {
		fetch_once(below(3) ? below(200) : below(BODY_MAX));
		if (below(3) == 0 && weft_sleep((int64_t)below(WEFT_SECONDS(40))) < 0)
			return -1;
	}
	return 0;
}

static int fetch_together(void *arg)
{
	weft_fiber_id running = world_begin(), fibers[FETCHERS];

	(void)arg;
	for (int i = 0; i < FETCHERS; i++)
		CHECK(fibers[i] = weft_spawn(fetcher, NULL));
	CHECK_INT(weft_join_all(fibers, FETCHERS, NULL, WEFT_FOREVER), ==, FETCHERS);
	world_end(running);
	return 0;
}

static int friendly_network(void *arg)
{
	is_friendly = true;
	return fetch_together(arg);
}

static int nasty_network(void *arg)
{
	is_friendly = false;
	return fetch_together(arg);
}

/* Cancelled at any moment, fetchers leave no descriptor: the run's end says so. */
static int cancelled(void *arg)
{
	weft_fiber_id running = world_begin(), fibers[FETCHERS];

	(void)arg;
	is_friendly = false;
	for (int i = 0; i < FETCHERS; i++)
		CHECK(fibers[i] = weft_spawn(fetcher, NULL));
	weft_sleep((int64_t)below(WEFT_MILLISECONDS(30)));
	for (int i = 0; i < FETCHERS; i++)
		weft_cancel(fibers[i]);
	CHECK_INT(weft_join_all(fibers, FETCHERS, NULL, WEFT_FOREVER), ==, FETCHERS);
	world_end(running);
	return 0;
}

#define FAR .latency_min_ns = WEFT_MICROSECONDS(50), .latency_max_ns = WEFT_MILLISECONDS(10)

SIM_CASE(every_fetch_has_its_own_body, friendly_network, 8, {.partial_chance = 0.3, FAR})
SIM_CASE(over_a_nasty_network_what_comes_whole_is_right, nasty_network, 4,
	{.partial_chance = 0.3,
		.reset_chance = 0.01,
		.refuse_chance = 0.02,
		.emfile_chance = 0.02,
		.bandwidth = 10 * 1000 * 1000,
		FAR})
SIM_CASE(who_is_cancelled_leaves_nothing_behind, cancelled, 4, {.partial_chance = 0.3, FAR})

/* ---- Every call fails in turn -------------------------------------------------------- */

static struct {
	enum weft_sim_call call;
	uint64_t nth;
} chosen;

static int fetch_with_a_fault(void *arg)
{
	struct weft_http_fault fault;
	struct weft_http_fetch_options options = {.client = NULL, .ret_fault = &fault};
	weft_fiber_id running = world_begin();
	struct weft_http_fetch *fetch;

	(void)arg;
	is_friendly = false;
	options.client = client;
	CHECK_INT(weft_sim_fail(chosen.call, chosen.nth, 0), ==, 0);
	for (int i = 0; i < 2; i++) {
		fetch = weft_http_get("http://server/-500", &options);
		if (fetch && weft_http_fetch_status(fetch) == 200)
			read_body(fetch, 500);
		CHECK(fetch || is_clear(errno, &fault));
		weft_http_fetch_free(fetch);
	}
	CHECK_INT(weft_sim_fail(WEFT_SIM_ANY, 0, 0), ==, 0);
	world_end(running);
	return 0;
}

CHECK_CASE(a_call_that_fails_fails_one_fetch_and_leaves_nothing)
{
	static const enum weft_sim_call calls[] = {
		WEFT_SIM_SOCKET, WEFT_SIM_CONNECT, WEFT_SIM_READ, WEFT_SIM_WRITE};
	struct weft_sim_report report;
	const struct weft_sim_options options = {.report = &report};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		chosen.call = calls[i];
		chosen.nth = 0;
		do {
			chosen.nth++;
			CHECK_INT(weft_sim_run(1, &options, fetch_with_a_fault, NULL), ==, 0);
			CHECK_INT(report.open_descriptors, ==, 0);
		} while (report.faults > 0 && chosen.nth < 1000);
		CHECK_INT(chosen.nth, >, 1);
		CHECK_INT(chosen.nth, <, 1000);
	}
}

/* ---- What takes its time -------------------------------------------------------------- */

static int stay_idle(void *arg)
{
	weft_fiber_id running = world_begin();

	(void)arg;
	is_friendly = true;
	CHECK_INT(fetch_once(10), ==, 0);
	CHECK_INT(weft_http_client_idle(client), ==, 1);
	weft_sleep(WEFT_SECONDS(29));
	CHECK_INT(weft_http_client_idle(client), ==, 1);
	weft_sleep(WEFT_SECONDS(2));
	CHECK_INT(weft_http_client_idle(client), ==, 0);
	world_end(running);
	return 0;
}

SIM_CASE(a_connection_is_kept_for_half_a_minute, stay_idle, 20, {0})

/* A server on bare streams: it waits, drips, or says nothing. */
static int (*behave)(struct weft_stream *peer);

static int bare_handler(struct weft_stream *peer, void *arg)
{
	(void)arg;
	return behave(peer);
}

static int bare_server(void *arg)
{
	CHECK_INT(weft_sim_host("server"), ==, 0);
	listener = weft_listener_new("0.0.0.0:80", NULL);
	CHECK(listener);
	weft_event_set(&ready);
	weft_serve(listener, bare_handler, NULL, NULL);
	weft_listener_free(listener);
	return (int)(intptr_t)arg;
}

static weft_fiber_id bare_begin(int (*how)(struct weft_stream *peer))
{
	weft_fiber_id running;

	behave = how;
	weft_event_init(&ready, "ready");
	running = weft_spawn(bare_server, NULL);
	CHECK_INT(weft_event_wait(&ready), ==, 0);
	CHECK_INT(weft_sim_host("client"), ==, 0);
	return running;
}

static void bare_end(weft_fiber_id running)
{
	weft_cancel(running);
	CHECK_INT(weft_join(running, NULL, WEFT_FOREVER), ==, 0);
}

static int read_head(struct weft_stream *peer)
{
	const char *line;
	ssize_t len;

	while ((len = weft_stream_readline(peer, &line)) > 2)
		continue;
	return len == 2 ? 0 : -1;
}

/* A byte every ten seconds: no read waits long, the head never comes. */
static int drip(struct weft_stream *peer)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nA-long-field: ";

	if (read_head(peer) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(head) - 1; i++) {
		if (weft_stream_write_all(peer, head + i, 1) < 0 || weft_stream_flush(peer) < 0)
			return -1;
		weft_sleep(WEFT_SECONDS(10));
	}
	return 0;
}

static int be_dripped_on(void *arg)
{
	struct weft_http_fault fault;
	const struct weft_http_fetch_options options = {.ret_fault = &fault};
	weft_fiber_id running = bare_begin(drip);
	int64_t began = weft_now();

	(void)arg;
	CHECK_ERRNO(weft_http_get("http://server/", &options), ETIMEDOUT);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_INTERRUPTED);
	CHECK_INT((weft_now() - began) / WEFT_SECONDS(1), ==, 60);
	bare_end(running);
	return 0;
}

SIM_CASE(a_head_that_drips_is_not_waited_for, be_dripped_on, 20, {0})

/* Doesn't know of Expect: it waits for the body. */
static int wait_for_body(struct weft_stream *peer)
{
	char body[5];

	if (read_head(peer) < 0 || weft_stream_read_exactly(peer, body, sizeof(body)) < 0)
		return -1;
	CHECK_MEM(body, "hello", 5);
	weft_stream_printf(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	return weft_stream_flush(peer);
}

static int send_unasked(void *arg)
{
	const struct weft_http_fetch_options options = {
		.body = "hello", .body_len = 5, .expects_continue = true};
	weft_fiber_id running = bare_begin(wait_for_body);
	int64_t began = weft_now();
	struct weft_http_fetch *fetch = weft_http_fetch("http://server/", &options);

	(void)arg;
	CHECK(fetch);
	CHECK_INT(weft_http_fetch_status(fetch), ==, 200);
	CHECK_INT((weft_now() - began) / WEFT_SECONDS(1), ==, 1);
	weft_http_fetch_free(fetch);
	bare_end(running);
	return 0;
}

SIM_CASE(leave_to_send_a_body_is_waited_for_a_second, send_unasked, 20, {0})

/* Half of the body, and the other half ten seconds later. */
static int pause_within(struct weft_stream *peer)
{
	if (read_head(peer) < 0 ||
		weft_stream_printf(
			peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe") < 0 ||
		weft_stream_flush(peer) < 0 || weft_sleep(WEFT_SECONDS(10)) < 0)
		return -1;
	weft_stream_printf(peer, "llo\r\n0\r\n\r\n");
	return weft_stream_flush(peer);
}

static int go_on_reading(void *arg)
{
	weft_fiber_id running = bare_begin(pause_within);
	struct weft_http_fetch *fetch = weft_http_get("http://server/", NULL);
	char *data, bytes[8];

	(void)arg;
	CHECK(fetch);
	CHECK_INT(weft_http_fetch_read(fetch, bytes, sizeof(bytes)), ==, 2);
	for (int i = 0; i < 3; i++)
		WEFT_WITH_TIMEOUT (WEFT_SECONDS(2))
			CHECK_ERRNO(weft_http_fetch_read(fetch, bytes, sizeof(bytes)), ETIMEDOUT);
	CHECK_INT(weft_http_fetch_read_all(fetch, 100, &data), ==, 3);
	CHECK_STR(data, "llo");
	free(data);
	weft_http_fetch_free(fetch);
	bare_end(running);
	return 0;
}

SIM_CASE(reading_goes_on_after_a_deadline, go_on_reading, 20, {0})

/* Takes the request, a byte of the body each minute less a second, and never all of it. */
static int take_slowly(struct weft_stream *peer)
{
	char byte;

	while (weft_stream_read(peer, &byte, 1) == 1)
		if (weft_sleep(WEFT_SECONDS(59)) < 0)
			return -1;
	return 0;
}

static int bound_all(void *arg)
{
	struct weft_http_fault fault;
	struct weft_http_fetch_options options = {
		.ret_fault = &fault, .timeout_ns = WEFT_SECONDS(600)};
	weft_fiber_id running = bare_begin(take_slowly);
	int64_t began = weft_now();
	char *body = calloc(1, 4 << 20);

	(void)arg;
	options.body = body;
	options.body_len = 4 << 20;
	options.stall_timeout_ns = -1;
	CHECK_ERRNO(weft_http_fetch("http://server/", &options), ETIMEDOUT);
	CHECK_INT((weft_now() - began) / WEFT_SECONDS(1), ==, 600);
	free(body);
	bare_end(running);
	return 0;
}

SIM_CASE(a_bound_holds_for_all_of_a_fetch, bound_all, 20, {0})

/* A token is not told where others can read it. */
static int say_ok(struct weft_stream *peer)
{
	if (read_head(peer) < 0)
		return -1;
	weft_stream_printf(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	return weft_stream_flush(peer);
}

static int tell_token(void *arg)
{
	struct weft_http_fault fault;
	struct weft_http_fetch_options options = {.ret_fault = &fault, .bearer = "token"};
	weft_fiber_id running = bare_begin(say_ok);

	(void)arg;
	CHECK_ERRNO(weft_http_get("http://server/", &options), EINVAL);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_BAD_REQUEST);
	CHECK_ERRNO(weft_http_get("http://nowhere/", &options), ENOENT);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_NO_HOST);
	bare_end(running);
	return 0;
}

SIM_CASE(a_bearer_token_is_not_sent_in_the_clear, tell_token, 20, {0})

CHECK_MAIN()
