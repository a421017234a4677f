/*
 * test_tls.c - TLS under the simulator: partial reads and writes, resets, an own clock. Every
 * line that comes back is right, and an end that looks like one is one.
 */
#include "sim/sim.h"

#include <errno.h>

#include "io/certificates.h"
#include "weft/scope.h"
#include "weft/serve.h"
#include "weft/socket.h"
#include "weft/tls.h"

#define CLIENTS   3
#define LINES_MAX 12
#define LINE_MAX_ 6000

static struct authority authority;
static struct weft_tls *server_tls, *client_tls;
static struct weft_listener *listener;
static unsigned whole;

/*
 * Certificates are made once for all seeds of a case: on the simulator's clock, which begins
 * anew each time. Without tickets, whose lengths are a matter of OpenSSL's own chance.
 */
static void prepare(void)
{
	struct weft_tls_server_options options = {.no_resumption = true};

	if (!authority.key) {
		authority.has_fixed_lengths = true;
		authority_make(&authority, "authority");
		certificate_make(
			&authority, "server", &(struct certificate){.hosts = "DNS:server"});
	}
	options.certificate = path_of("server.pem");
	server_tls = weft_tls_server_new(&options, NULL);
	client_tls = weft_tls_client_new(
		&(struct weft_tls_client_options){.issuers = path_of("authority.pem")}, NULL);
	CHECK(server_tls && client_tls);
	whole = 0;
}

static void forget(void)
{
	weft_tls_free(server_tls);
	weft_tls_free(client_tls);
}

static uint64_t below(uint64_t bound)
{
	return weft_random() % bound;
}

/* ---- The server ----------------------------------------------------------------------- */

/* Echoes lines; behind the client's end it says how many they were. */
static int count_lines(struct weft_stream *peer, void *arg)
{
	unsigned count = 0;
	const char *line;
	ssize_t len = -1;

	(void)arg;
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(300)) {
		if (weft_stream_start_tls(peer, server_tls, NULL) < 0)
			return -1;
		while ((len = weft_stream_readline(peer, &line)) > 0) {
			count++;
			if (weft_stream_write_all(peer, line, (size_t)len) < 0 ||
				(below(2) && weft_stream_flush(peer) < 0))
				return -1;
		}
		if (len == 0 && weft_stream_printf(peer, "%u lines\n", count) == 0)
			len = weft_stream_flush(peer);
	}
	return (int)len;
}

static int serve(void *arg)
{
	(void)arg;
	CHECK_INT(weft_sim_host("server"), ==, 0);
	return weft_serve(listener, count_lines, NULL, NULL);
}

/* ---- Clients ---------------------------------------------------------------------------- */

static void fill_line(char *line, size_t len, unsigned number)
{
	for (size_t i = 0; i < len - 1; i++)
		line[i] = (char)('a' + (i + number) % 26);
	line[len - 1] = '\n';
}

struct talk {
	struct weft_stream *stream;
	unsigned count;
	size_t lens[LINES_MAX];
	bool is_told; /* that this was all, by its own end */
};

static int write_lines(void *arg)
{
	struct talk *talk = arg;
	char *line = malloc(LINE_MAX_);
	int result = 0;

	for (unsigned i = 0; i < talk->count && result == 0; i++) {
		fill_line(line, talk->lens[i], i);
		result = weft_stream_write_all(talk->stream, line, talk->lens[i]);
		if (result == 0 && below(3) == 0)
			result = weft_stream_flush(talk->stream);
		if (result == 0 && below(3) == 0)
			result = weft_sleep((int64_t)below(WEFT_MILLISECONDS(30)));
	}
	if (result == 0)
		result = weft_stream_shutdown_write(talk->stream);
	free(line);
	return result;
}

/* All lines, their count, and the end: 0. Else how it failed. */
static int read_lines(struct talk *talk)
{
	char *expected = malloc(LINE_MAX_), sum[32];
	const char *line;
	ssize_t len = 1;

	for (unsigned i = 0; i < talk->count; i++) {
		len = weft_stream_readline(talk->stream, &line);
		if (len < 0)
			break;
		fill_line(expected, talk->lens[i], i);
		CHECK_INT(len, ==, talk->lens[i]);
		CHECK_MEM(line, expected, (size_t)len);
	}
	free(expected);
	snprintf(sum, sizeof(sum), "%u lines\n", talk->count);
	if (len > 0)
		len = weft_stream_readline(talk->stream, &line);
	if (len < 0)
		return -1;
	/* An end that comes before the sum would be one that somebody forged. */
	CHECK_INT(len, ==, strlen(sum));
	CHECK_MEM(line, sum, (size_t)len);
	len = weft_stream_readline(talk->stream, &line);
	CHECK_INT(len, <=, 0);
	return (int)len;
}

static int talk_to_server(struct weft_stream *stream)
{
	struct talk talk = {.stream = stream, .count = (unsigned)below(LINES_MAX)};
	weft_fiber_id writer;
	int result, written;

	for (unsigned i = 0; i < talk.count; i++)
		talk.lens[i] = 1 + below(below(3) ? 80 : LINE_MAX_ - 1);
	writer = weft_spawn(write_lines, &talk);
	CHECK(writer != 0);
	result = read_lines(&talk);
	if (result < 0)
		weft_cancel(writer);
	WEFT_SHIELDED
		weft_join(writer, &written, WEFT_FOREVER);
	return result;
}

static int client(void *arg)
{
	struct weft_stream *stream = NULL;
	char host[16];

	snprintf(host, sizeof(host), "client%d", (int)(intptr_t)arg);
	CHECK_INT(weft_sim_host(host), ==, 0);
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(200)) {
		stream = weft_stream_connect_tls("server:443", client_tls, NULL);
		if (stream && talk_to_server(stream) == 0)
			whole++;
	}
	weft_stream_free(stream);
	return 0;
}

/* ---- Runs ---------------------------------------------------------------------------------- */

static int meet(bool is_friendly, uint64_t failing_call)
{
	weft_fiber_id server, clients[CLIENTS];

	prepare();
	CHECK_INT(weft_sim_host("server"), ==, 0);
	listener = weft_listener_new("0.0.0.0:443", NULL);
	CHECK(listener != NULL);
	if (failing_call > 0)
		CHECK_INT(weft_sim_fail(WEFT_SIM_ANY, failing_call, 0), ==, 0);
	server = weft_spawn(serve, NULL);
	for (intptr_t i = 0; i < CLIENTS; i++)
		clients[i] = weft_spawn(client, (void *)i);
	for (int i = 0; i < CLIENTS; i++)
		CHECK_INT(weft_join(clients[i], NULL, WEFT_FOREVER), ==, 0);
	weft_cancel(server);
	CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
	weft_listener_free(listener);
	forget();
	if (is_friendly)
		CHECK_INT(whole, ==, CLIENTS);
	return 0;
}

static int friendly(void *arg)
{
	(void)arg;
	return meet(true, 0);
}

static int hostile(void *arg)
{
	(void)arg;
	return meet(false, 0);
}

SIM_CASE(every_line_comes_back_in_whatever_pieces, friendly, 20,
	{.partial_chance = 0.7, .latency_min_ns = 1000, .latency_max_ns = WEFT_MILLISECONDS(40)})

SIM_CASE(a_reset_never_looks_like_an_end, hostile, 20,
	{.partial_chance = 0.5,
		.reset_chance = 0.02,
		.latency_min_ns = 1000,
		.latency_max_ns = WEFT_MILLISECONDS(40)})

static int calls_that_fail(void *arg)
{
	(void)arg;
	return meet(false, 1 + below(200));
}

SIM_CASE(a_call_that_fails_never_looks_like_an_end, calls_that_fail, 20, {.partial_chance = 0.3})

/* ---- The clock ------------------------------------------------------------------------------ */

static int outlive(void *arg)
{
	struct weft_tls_fault fault;
	struct weft_stream *stream;
	weft_fiber_id server;

	(void)arg;
	prepare();
	CHECK_INT(weft_sim_host("server"), ==, 0);
	listener = weft_listener_new("0.0.0.0:443", NULL);
	CHECK(listener != NULL);
	server = weft_spawn(serve, NULL);
	stream = weft_stream_connect_tls("server:443", client_tls, NULL);
	CHECK(stream != NULL);
	weft_stream_free(stream);
	CHECK_INT(weft_sleep(2 * WEFT_SECONDS(DAY_S)), ==, 0);
	CHECK_ERRNO(weft_stream_connect_tls("server:443", client_tls, &fault), EPROTO);
	CHECK_INT(fault.kind, ==, WEFT_TLS_EXPIRED);
	weft_cancel(server);
	CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
	weft_listener_free(listener);
	forget();
	return 0;
}

SIM_CASE(a_certificate_expires_by_the_simulator_s_clock, outlive, 200, {.partial_chance = 0})

CHECK_MAIN()
