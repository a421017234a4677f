/*
 * test_faults_io.c - memory and descriptors are refused to streams, servers, signals and
 * pollers. (Files and names: test_file_faults.c.)
 * check: drivers
 */
#include "faults.h"

#ifdef HAS_FAULTS

#include <signal.h>

#include "weft/poller.h"
#include "weft/scope.h"
#include "weft/serve.h"
#include "weft/signal.h"
#include "weft/socket.h"

/* ---- Streams and servers --------------------------------------------------------------- */

static int echo(struct weft_stream *peer, void *arg)
{
	const char *line;
	ssize_t len;

	(void)arg;
	while ((len = weft_stream_readline(peer, &line)) > 0)
		if (weft_stream_write_all(peer, line, (size_t)len) < 0 ||
			weft_stream_flush(peer) < 0)
			return -1;
	return 0;
}

static int serve(void *listener)
{
	if (!FAULTS_TRY(weft_serve(listener, echo, NULL, NULL) == 0))
		weft_shutdown(weft_listener_fd(listener), SHUT_RDWR); /* or its peers would wait */
	return 0;
}

/* A server that lacks memory for a peer closes it, or resets it with what it has sent. */
static bool is_turned_away(ssize_t len)
{
	return len == 0 || (len < 0 && (errno == ECONNRESET || errno == EPIPE));
}

static void talk(const char *address)
{
	struct weft_stream *stream = weft_stream_connect(address);
	const char *line;
	ssize_t len;

	FAULTS_TRY(stream != NULL || errno == ECONNREFUSED || errno == ECONNRESET);
	if (!stream)
		return;
	len = weft_stream_printf(stream, "hello\n") == 0 && weft_stream_flush(stream) == 0
		      ? weft_stream_readline(stream, &line)
		      : -1;
	FAULTS_TRY(len == 6 || is_turned_away(len));
	weft_stream_free(stream);
}

static int use_server(void *arg)
{
	struct weft_listener *listener = weft_listener_new(own_address(), NULL);
	char address[WEFT_ADDRESS_TEXT_MAX];
	weft_fiber_id server;

	(void)arg;
	if (!FAULTS_TRY(listener != NULL))
		return 0;
	weft_address_print(weft_listener_address(listener), address, sizeof(address));
	server = weft_spawn(serve, listener);
	if (FAULTS_TRY(server != 0)) {
		for (int i = 0; i < 3; i++)
			talk(address);
		weft_serve_stop(listener);
		CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
	}
	weft_listener_free(listener);
	return 0;
}

CHECK_CASE(a_server_and_its_clients_do_with_what_they_can_get)
{
	CHECK_INT(faults_sweep_in_run(use_server), >, 5);
}

static int use_pipe(void *arg)
{
	int fds[2];

	(void)arg;
	if (!FAULTS_TRY(weft_pipe(fds) == 0))
		return 0;
	FAULTS_TRY(weft_write(fds[1], "x", 1) == 1);
	weft_close(fds[0]);
	weft_close(fds[1]);
	return 0;
}

CHECK_CASE(a_pipe_is_there_or_not)
{
	CHECK_INT(faults_sweep(use_pipe, NULL), >, 0);
	CHECK_INT(faults_sweep_in_run(use_pipe), >, 0);
}

/* ---- Signals, pollers -------------------------------------------------------------------------
 */

static int use_signals(void *arg)
{
	static const int numbers[] = {SIGUSR1, SIGUSR2};
	struct weft_signals *signals = weft_signals_new(numbers, 2);

	(void)arg;
	if (!FAULTS_TRY(signals != NULL))
		return 0;
	CHECK_INT(raise(SIGUSR2), ==, 0);
	FAULTS_TRY(weft_signals_next(signals) == SIGUSR2);
	weft_signals_free(signals);
	return 0;
}

CHECK_CASE(a_handle_of_signals_is_whole_or_not_there)
{
	CHECK_INT(faults_sweep_in_run(use_signals), >, 1);
}

static int use_poller(void *name)
{
	struct weft_poller *poller = weft_poller_new(name);
	struct weft_poller_event events[4];
	int fds[2], registered;

	if (!FAULTS_TRY(poller != NULL))
		return 0;
	faults_hold();
	CHECK_INT(weft_pipe(fds), ==, 0);
	faults_go_on();
	CHECK_INT(weft_write(fds[1], "x", 1), ==, 1);
	registered = FAULTS_TRY(weft_poller_register(poller, fds[0], WEFT_POLLER_IN, fds) == 0);
	if (registered && FAULTS_TRY(weft_poller_wait(poller, events, 4, WEFT_SECONDS(10)) == 1))
		CHECK(events[0].user == fds);
	weft_poller_free(poller);
	weft_close(fds[0]);
	weft_close(fds[1]);
	return 0;
}

CHECK_CASE(a_poller_is_whole_or_not_there)
{
	static const char *const names[] = {"select", "poll", "epoll"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		CHECK_INT(faults_sweep(use_poller, (void *)(uintptr_t)names[i]), >, 0);
}

#else

CHECK_CASE(faults_are_met_in_the_release_build_only)
{
}

#endif

CHECK_MAIN()
