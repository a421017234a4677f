/*
 * test_fault.c - calls that fail where a test has chosen it: every call of a server and its
 * clients in turn (weft_sim_fail() of weft/sim.h).
 */
#include "sim/sim.h"

#include <errno.h>

#include "weft/event.h"
#include "weft/scope.h"
#include "weft/serve.h"
#include "weft/socket.h"
#include "weft/stream.h"

#define CLIENTS 3
#define LINES   4

/* Which call of the run under way fails. */
static struct {
	enum weft_sim_call call;
	uint64_t nth;
	int code;
} chosen;

static struct weft_sim_report report;
static struct weft_listener *listener;
static struct weft_event ready;
static int served;     /* 0, or why the server ended */
static unsigned whole; /* clients that got everything */

/* ---- A server and its clients ------------------------------------------------------------ */

static int echo(struct weft_stream *peer, void *arg)
{
	const char *line;
	ssize_t len;

	(void)arg;
	while ((len = weft_stream_readline(peer, &line)) > 0)
		if (weft_stream_write_all(peer, line, (size_t)len) < 0 ||
			weft_stream_flush(peer) < 0)
			return -1;
	return len < 0 ? -1 : 0;
}

static int serve(void *arg)
{
	int result = -1;

	(void)arg;
	CHECK_INT(weft_sim_host("server"), ==, 0);
	listener = weft_listener_new("0.0.0.0:80", NULL);
	weft_event_set(&ready);
	if (listener)
		result = weft_serve(listener, echo, NULL, NULL);
	served = result < 0 ? errno : 0;
	weft_listener_free(listener);
	listener = NULL;
	return result;
}

/* Whatever fails, the reason is one of those that a program can expect there. */
static bool is_clear(int code)
{
	return code == (chosen.code ? chosen.code : ECONNRESET) || code == ECONNRESET ||
	       code == EPIPE || code == ECONNREFUSED || code == EMFILE || code == ENOBUFS;
}

static int talk(struct weft_stream *stream)
{
	const char *line;

	for (int i = 0; i < LINES; i++) {
		ssize_t len;

		if (weft_stream_printf(stream, "line %d\n", i) < 0 || weft_stream_flush(stream) < 0)
			return -1;
		len = weft_stream_readline(stream, &line);
		if (len < 0)
			return -1;
		if (len == 0) {
			errno = ECONNRESET; /* the server's side of it failed, and was closed */
			return -1;
		}
		CHECK_INT(len, ==, 7);
		CHECK_INT(line[5] - '0', ==, i);
	}
	return 0;
}

static int client(void *arg)
{
	struct weft_stream *stream = weft_stream_connect("server:80");
	int result;

	(void)arg;
	if (!stream) {
		CHECK(is_clear(errno));
		return 0;
	}
	result = talk(stream);
	CHECK(result == 0 || is_clear(errno));
	whole += result == 0;
	weft_stream_free(stream);
	return 0;
}

static int serve_and_talk(void *arg)
{
	weft_fiber_id server, clients[CLIENTS];

	(void)arg;
	whole = 0;
	weft_event_init(&ready, "ready");
	CHECK_INT(weft_sim_fail(chosen.call, chosen.nth, chosen.code), ==, 0);
	server = weft_spawn(serve, NULL);
	CHECK_INT(weft_event_wait(&ready), ==, 0);
	CHECK_INT(weft_sim_host("client"), ==, 0);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = weft_spawn(client, NULL);
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(600))
		CHECK_INT(weft_join_all(clients, CLIENTS, NULL, WEFT_FOREVER), ==, CLIENTS);
	if (listener)
		weft_serve_stop(listener);
	CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
	CHECK(served == 0 || is_clear(served) || served == EADDRINUSE);
	return 0;
}

/* The n-th call fails, for every n that there is. */
static uint64_t sweep(weft_fiber_fn *fn, enum weft_sim_call call, int code)
{
	struct weft_sim_options options = {
		.report = &report, .trace = getenv("SIM_TRACE") ? stderr : NULL};
	uint64_t nth = 0;

	chosen.call = call;
	chosen.code = code;
	check_on_failure = sim_tell;
	do {
		chosen.nth = sim_seed = ++nth;
		CHECK_INT(weft_sim_run(nth, &options, fn, NULL), ==, 0);
		CHECK_INT(report.open_descriptors, ==, 0);
	} while (report.faults > 0);
	check_on_failure = NULL;
	return nth - 1;
}

CHECK_CASE(whichever_call_fails_the_others_go_on)
{
	CHECK_INT(sweep(serve_and_talk, WEFT_SIM_ANY, 0), >, 2 * CLIENTS * LINES);
	CHECK_INT(whole, ==, CLIENTS); /* the last run had no fault */
	CHECK_INT(sweep(serve_and_talk, WEFT_SIM_ANY, ENOMEM), >, 2 * CLIENTS * LINES);
	CHECK_INT(sweep(serve_and_talk, WEFT_SIM_ANY, EIO), >, 2 * CLIENTS * LINES);
}

CHECK_CASE(a_reset_costs_its_own_connection_and_no_other)
{
	uint64_t reads = sweep(serve_and_talk, WEFT_SIM_READ, 0);

	CHECK_INT(reads, >=, 2 * CLIENTS * LINES);
	for (uint64_t nth = 1; nth <= reads; nth++) {
		struct weft_sim_options options = {.report = &report};

		chosen.nth = nth;
		CHECK_INT(weft_sim_run(nth, &options, serve_and_talk, NULL), ==, 0);
		CHECK_INT(whole, >=, CLIENTS - 1);
	}
}

CHECK_CASE(every_kind_of_call_can_be_chosen)
{
	static const struct {
		enum weft_sim_call call;
		uint64_t least;
	} kinds[] = {{WEFT_SIM_SOCKET, 1 + CLIENTS}, {WEFT_SIM_BIND, 1}, {WEFT_SIM_LISTEN, 1},
		{WEFT_SIM_CONNECT, CLIENTS}, {WEFT_SIM_ACCEPT, CLIENTS},
		{WEFT_SIM_WRITE, 2 * CLIENTS * LINES}, {WEFT_SIM_OPTION, CLIENTS}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		CHECK_INT(sweep(serve_and_talk, kinds[i].call, 0), >=, kinds[i].least);
}

/* ---- The calls themselves ---------------------------------------------------------------- */

static int fail_by_name(void *arg)
{
	int fds[2], fd;

	(void)arg;
	CHECK_INT(weft_sim_fail(WEFT_SIM_SOCKET, 2, 0), ==, 0);
	fd = weft_socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_INT(fd, >=, 0);
	CHECK_ERRNO(weft_pipe(fds), EMFILE);
	CHECK_INT(weft_pipe(fds), ==, 0); /* once */
	CHECK_INT(weft_sim_fail(WEFT_SIM_WRITE, 1, ENOSPC), ==, 0);
	CHECK_ERRNO(weft_write(fds[1], "x", 1), ENOSPC);
	CHECK_INT(weft_write(fds[1], "x", 1), ==, 1); /* not an end of the stream */
	CHECK_INT(weft_sim_fail(WEFT_SIM_ANY, 1, 0), ==, 0);
	CHECK_INT(weft_sim_fail(WEFT_SIM_ANY, 0, 0), ==, 0); /* taken back */
	CHECK_INT(weft_write(fds[1], "x", 1), ==, 1);
	CHECK_ERRNO(weft_sim_fail(WEFT_SIM_ANY, 1, -1), EINVAL);
	CHECK_ERRNO(weft_sim_fail((enum weft_sim_call)99, 1, 0), EINVAL);
	weft_close(fd);
	weft_close(fds[0]);
	weft_close(fds[1]);
	return 0;
}

CHECK_CASE(the_chosen_call_fails_once_and_as_it_was_said)
{
	struct weft_sim_options options = {.report = &report};

	CHECK_ERRNO(weft_sim_fail(WEFT_SIM_ANY, 1, 0), ENOTSUP);
	CHECK_INT(weft_sim_run(1, &options, fail_by_name, NULL), ==, 0);
	CHECK_INT(report.faults, ==, 2);
}

CHECK_MAIN()
