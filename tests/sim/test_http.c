/*
 * test_http.c - the HTTP server under the simulator: pipelines, slow and silent peers,
 * resets, and a stop with answers under way. Every answer that is whole is right.
 */
#include "sim/sim.h"

#include <errno.h>

#include "weft/event.h"
#include "weft/http.h"
#include "weft/scope.h"
#include "weft/socket.h"

#define CLIENTS     5
#define PIPELINE    6
#define BODY_MAX    100000
#define PEERS_STAY  WEFT_SECONDS(10 * 60) /* longer than all timeouts together */
#define SERVER_PORT "server:80"

static struct weft_http_server *server;
static struct weft_listener *listener;
static struct weft_event ready;
static unsigned whole, asked; /* answers */
static bool is_friendly;

static uint64_t below(uint64_t bound)
{
	return weft_random() % bound;
}

static char byte_of(size_t size, size_t place)
{
	return (char)('a' + (size * 7 + place * 3 + place / 97) % 26);
}

/* ---- The server ----------------------------------------------------------------------- */

/* /SIZE: that many bytes; a query makes it think for a while first. */
static int on_get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	static char body[BODY_MAX];
	size_t size = strtoul(weft_http_request_path(request) + 1, NULL, 10);
	struct weft_http_content content = {"text/plain", body, size};
	char *own;
	int result;

	(void)arg;
	if (size >= BODY_MAX)
		return 404;
	if (weft_http_request_query(request).data &&
		weft_sleep((int64_t)below(WEFT_MILLISECONDS(50))) < 0)
		return -1;
	content.data = own = malloc(size + 1);
	CHECK(own);
	for (size_t i = 0; i < size; i++)
		own[i] = byte_of(size, i);
	result = weft_http_response_send(response, 200, &content);
	free(own);
	return result;
}

static int serve(void *arg)
{
	int result;

	(void)arg;
	CHECK_INT(weft_sim_host("server"), ==, 0);
	while (!(listener = weft_listener_new("0.0.0.0:80", NULL)))
		CHECK_INT(errno, ==, EMFILE);
	weft_event_set(&ready);
	result = weft_http_server_run(server, listener);
	weft_listener_free(listener);
	return result;
}

/* ---- Clients --------------------------------------------------------------------------- */

/* The next answer: its status, and the length of its body. -1: none came. */
static int read_head(struct weft_stream *stream, size_t *ret_len)
{
	const char *line;
	ssize_t len = weft_stream_readline(stream, &line);
	int status;

	if (len <= 0)
		return -1;
	CHECK(len > 12 && memcmp(line, "HTTP/1.1 ", 9) == 0);
	status = (int)strtol(line + 9, NULL, 10);
	*ret_len = 0;
	while ((len = weft_stream_readline(stream, &line)) > 2)
		if (strncasecmp(line, "Content-Length:", 15) == 0)
			*ret_len = strtoul(line + 15, NULL, 10);
	return len == 2 ? status : -1;
}

/* 0: a whole answer to a request for that many bytes; every byte that came was right. */
static int read_answer(struct weft_stream *stream, size_t size)
{
	static __thread char bytes[1000];
	size_t len, done = 0;
	int status = read_head(stream, &len);

	if (status < 0)
		return -1;
	CHECK_INT(status, ==, size < BODY_MAX ? 200 : 404);
	CHECK(status != 200 || len == size);
	while (done < len) {
		size_t wanted = len - done < sizeof(bytes) ? len - done : sizeof(bytes);
		ssize_t count = weft_stream_read(stream, bytes, wanted);

		if (count <= 0)
			return -1;
		for (ssize_t i = 0; status == 200 && i < count; i++)
			CHECK_INT(bytes[i], ==, byte_of(size, done + (size_t)i));
		done += (size_t)count;
	}
	whole++;
	return 0;
}

struct pipeline {
	struct weft_stream *stream;
	size_t sizes[PIPELINE];
	unsigned count;
	bool is_last; /* nothing is sent after it */
};

static int send_requests(void *arg)
{
	struct pipeline *pipeline = arg;

	for (unsigned i = 0; i < pipeline->count; i++) {
		if (weft_stream_printf(pipeline->stream, "GET /%zu%s HTTP/1.1\r\nHost: server\r\n",
			    pipeline->sizes[i], below(3) ? "" : "?slowly") < 0 ||
			(below(4) == 0 && weft_stream_flush(pipeline->stream) < 0) ||
			weft_stream_printf(pipeline->stream, "\r\n") < 0)
			return -1;
		if (below(4) == 0 && weft_sleep((int64_t)below(WEFT_MILLISECONDS(30))) < 0)
			return -1;
	}
	if (pipeline->is_last)
		return weft_stream_shutdown_write(pipeline->stream);
	return weft_stream_flush(pipeline->stream);
}

static void pipeline_init(struct pipeline *pipeline, struct weft_stream *stream)
{
	pipeline->stream = stream;
	pipeline->is_last = below(3) == 0;
	pipeline->count = 1 + (unsigned)below(PIPELINE);
	asked += pipeline->count;
	for (unsigned i = 0; i < pipeline->count; i++)
		pipeline->sizes[i] = below(10) == 0  ? BODY_MAX
				     : below(4) == 0 ? below(BODY_MAX)
						     : below(100);
}

/* Asks several at once, reads as it sends, or leaves early. */
static int ask(struct weft_stream *stream)
{
	struct pipeline pipeline;
	weft_fiber_id sender;
	unsigned read;

	pipeline_init(&pipeline, stream);
	sender = weft_spawn(send_requests, &pipeline);
	CHECK(sender);
	for (read = 0; read < pipeline.count; read++) {
		if (read_answer(stream, pipeline.sizes[read]) < 0)
			break;
		if (!is_friendly && below(20) == 0)
			break;
	}
	weft_cancel(sender);
	WEFT_SHIELDED
		CHECK_INT(weft_join(sender, NULL, WEFT_FOREVER), ==, 0);
	CHECK(!is_friendly || read == pipeline.count);
	return read == pipeline.count && !pipeline.is_last ? 0 : -1;
}

/* Half a head, and then nothing: told that it took too long, or left without a word. */
static void dawdle(struct weft_stream *stream)
{
	int64_t began = weft_now();
	size_t len;
	int status;

	if (weft_stream_printf(stream, "GET /1 HTTP/1.1\r\nHo") < 0 ||
		weft_stream_flush(stream) < 0)
		return;
	status = read_head(stream, &len);
	CHECK(status == 408 || status == -1);
	CHECK_INT(weft_now() - began, <, PEERS_STAY);
	CHECK(!is_friendly || (status == 408 && weft_now() - began >= WEFT_SECONDS(10)));
}

/* Says nothing: the server closes. */
static void be_silent(struct weft_stream *stream)
{
	int64_t began = weft_now();
	char byte;

	CHECK_INT(weft_stream_read(stream, &byte, 1), <=, 0);
	CHECK_INT(weft_now() - began, <, PEERS_STAY);
	CHECK(!is_friendly || weft_now() - began >= WEFT_SECONDS(10));
}

/* Asks for much, and reads none of it: the server does not wait for it for ever. */
static void never_read(struct weft_stream *stream)
{
	for (int i = 0; i < 20; i++)
		if (weft_stream_printf(
			    stream, "GET /%d HTTP/1.1\r\nHost: server\r\n\r\n", BODY_MAX - 1) < 0 ||
			weft_stream_flush(stream) < 0)
			return;
	weft_sleep(PEERS_STAY);
}

static int client(void *arg)
{
	struct weft_stream *stream = weft_stream_connect(SERVER_PORT);
	uint64_t way = below(10);

	(void)arg;
	if (!stream) {
		CHECK(!is_friendly);
		return -1;
	}
	if (way == 0)
		dawdle(stream);
	else if (way == 1)
		be_silent(stream);
	else if (way == 2)
		never_read(stream);
	else
		while (ask(stream) == 0 && below(3) == 0)
			;
	weft_stream_free(stream);
	return 0;
}

/* ---- Together -------------------------------------------------------------------------- */

static const struct weft_http_service service = {.on_get = on_get};

static void begin(weft_fiber_id *ret_server, weft_fiber_id clients[CLIENTS])
{
	const struct weft_http_server_options options = {
		.service = &service, .grace_ns = WEFT_SECONDS(1)};

	whole = asked = 0;
	weft_event_init(&ready, "ready");
	server = weft_http_server_new(&options);
	CHECK(server);
	*ret_server = weft_spawn(serve, NULL);
	CHECK_INT(weft_event_wait(&ready), ==, 0);
	CHECK_INT(weft_sim_host("client"), ==, 0);
	for (int i = 0; i < CLIENTS; i++)
		CHECK(clients[i] = weft_spawn(client, NULL));
}

static void end(weft_fiber_id running)
{
	int64_t began = weft_now();
	int result;

	weft_http_server_stop(server);
	CHECK_INT(weft_join(running, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	CHECK_INT(weft_now() - began, <, WEFT_SECONDS(2)); /* the grace time, and a little */
	weft_http_server_free(server);
}

static int clients_come_and_go(void *arg)
{
	weft_fiber_id running, clients[CLIENTS];

	(void)arg;
	begin(&running, clients);
	CHECK_INT(weft_join_all(clients, CLIENTS, NULL, WEFT_FOREVER), ==, CLIENTS);
	end(running);
	return 0;
}

static int friendly_clients(void *arg)
{
	is_friendly = true;
	CHECK_INT(clients_come_and_go(arg), ==, 0);
	CHECK_INT(whole, ==, asked);
	return 0;
}

static int nasty_clients(void *arg)
{
	is_friendly = false;
	return clients_come_and_go(arg);
}

/* The stop comes while answers are under way: each comes whole, or its connection ends. */
static int stop_early(void *arg)
{
	weft_fiber_id running, clients[CLIENTS];

	(void)arg;
	is_friendly = false;
	begin(&running, clients);
	weft_sleep((int64_t)below(WEFT_MILLISECONDS(100)));
	end(running);
	for (int i = 0; i < CLIENTS; i++)
		weft_cancel(clients[i]);
	CHECK_INT(weft_join_all(clients, CLIENTS, NULL, WEFT_FOREVER), ==, CLIENTS);
	return 0;
}

/* Nobody asks for half a minute: the connection is still there; a minute later it is not. */
static int ask_after_a_while(void *arg)
{
	static const struct weft_http_server_options options = {.service = &service};
	weft_fiber_id running;
	struct weft_stream *stream;
	int64_t began;
	char byte;

	(void)arg;
	weft_event_init(&ready, "ready");
	server = weft_http_server_new(&options);
	CHECK(server);
	running = weft_spawn(serve, NULL);
	CHECK_INT(weft_event_wait(&ready), ==, 0);
	CHECK_INT(weft_sim_host("client"), ==, 0);
	stream = weft_stream_connect(SERVER_PORT);
	CHECK(stream);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(weft_stream_printf(stream, "GET /7 HTTP/1.1\r\nHost: server\r\n\r\n"), ==,
			0);
		CHECK_INT(weft_stream_flush(stream), ==, 0);
		CHECK_INT(read_answer(stream, 7), ==, 0);
		CHECK_INT(weft_sleep(WEFT_SECONDS(30)), ==, 0);
	}
	began = weft_now();
	CHECK_INT(weft_stream_read(stream, &byte, 1), ==, 0);
	CHECK_INT(weft_now() - began, <, WEFT_SECONDS(60));
	weft_stream_free(stream);
	end(running);
	return 0;
}

#define FAR .latency_min_ns = WEFT_MICROSECONDS(50), .latency_max_ns = WEFT_MILLISECONDS(10)

SIM_CASE(every_request_is_answered_in_its_turn, friendly_clients, 8, {.partial_chance = 0.3, FAR})
SIM_CASE(over_a_nasty_network_every_whole_answer_is_right, nasty_clients, 4,
	{.partial_chance = 0.3,
		.reset_chance = 0.005,
		.refuse_chance = 0.02,
		.emfile_chance = 0.02,
		.bandwidth = 10 * 1000 * 1000,
		FAR})
SIM_CASE(a_stop_ends_in_time_whatever_is_under_way, stop_early, 4,
	{.partial_chance = 0.3, .reset_chance = 0.002, .bandwidth = 1000 * 1000, FAR})
SIM_CASE(who_is_idle_keeps_his_connection_for_its_time, ask_after_a_while, 2,
	{.partial_chance = 0.3})

CHECK_MAIN()
