/*
 * test_tls_accept.c - listeners whose connections begin with a handshake.
 *
 * check: drivers valgrind tsan
 */
#include <linux/sock_diag.h>
#include <stdatomic.h>

#include "io/tls_pair.h"

static struct {
	struct pair pair;
	char address[200]; /* "": any of TCP */
	weft_handler_fn *handler;
	weft_fiber_id server;
	atomic_int codes[4]; /* errno of the handlers, in the order of their ends */
	atomic_int ended;
} house;

static int noted(struct weft_stream *peer, void *arg)
{
	int result = house.handler(peer, arg), code = result < 0 ? errno : 0;

	atomic_store(&house.codes[atomic_fetch_add(&house.ended, 1) % 4], code);
	return result;
}

static int run_server(void *arg)
{
	(void)arg;
	return weft_serve(house.pair.listener, noted, NULL, NULL);
}

static void open_house(weft_handler_fn *handler)
{
	pair_prepare(&house.pair);
	if (house.address[0]) {
		weft_listener_free(house.pair.listener);
		house.pair.listener = weft_listener_new(house.address, NULL);
		CHECK(house.pair.listener != NULL);
	}
	house.pair.server_tls = server_tls(NULL);
	house.pair.client_tls = client_tls(NULL);
	house.handler = handler;
	atomic_store(&house.ended, 0);
	CHECK_INT(weft_listener_use_tls(house.pair.listener, house.pair.server_tls), ==, 0);
	house.server = weft_spawn(run_server, NULL);
	CHECK(house.server != 0);
}

/* Handlers that are still there end by themselves: their peers have left. */
static void close_house(void)
{
	weft_serve_stop(house.pair.listener);
	CHECK_INT(weft_join(house.server, NULL, WEFT_FOREVER), ==, 0);
	weft_tls_free(house.pair.server_tls);
	weft_tls_free(house.pair.client_tls);
	weft_listener_free(house.pair.listener);
	authority_end(&house.pair.authority);
	house.address[0] = '\0';
}

#define HOUSE_CASE(ident, workers_count)                                            \
	static int body_##ident(void *arg);                                         \
	CHECK_CASE(ident)                                                           \
	{                                                                           \
		const struct weft_run_options options = {.workers = workers_count}; \
		CHECK_INT(weft_run(&options, body_##ident, NULL), ==, 0);           \
	}                                                                           \
	static int body_##ident(void *arg __attribute__((unused)))

HOUSE_CASE(a_handler_that_knows_nothing_of_tls_serves_it, 2)
{
	open_house(echo);
	for (int i = 0; i < 5; i++) {
		pair_connect(&house.pair);
		CHECK_INT(weft_stream_tls(house.pair.client)->is_resumed, ==, i > 0);
		say(house.pair.client, "hello\n");
		hear(house.pair.client, "hello\n");
		weft_stream_free(house.pair.client);
	}
	close_house();
	for (int i = 0; i < 4; i++)
		CHECK_INT(house.codes[i], ==, 0);
	return 0;
}

static int greet(struct weft_stream *peer, void *arg)
{
	(void)arg;
	CHECK(weft_stream_tls(peer) == NULL);
	CHECK_INT(weft_stream_flush(peer), ==, 0);
	CHECK_INT(weft_stream_start_tls(peer, NULL, NULL), ==, 0);
	CHECK_INT(weft_stream_start_tls(peer, NULL, NULL), ==, 0);
	return weft_stream_printf(peer, "%s %s\n", weft_stream_tls(peer)->version,
		weft_stream_tls(peer)->server_name);
}

HOUSE_CASE(a_handler_may_ask_for_the_facts_before_it_says_anything, 1)
{
	open_house(greet);
	house.pair.client = weft_stream_connect(house.pair.address);
	CHECK_INT(weft_stream_start_tls(house.pair.client, house.pair.client_tls, "localhost"), ==,
		0);
	hear(house.pair.client, "TLSv1.3 localhost\n");
	weft_stream_free(house.pair.client);
	close_house();
	return 0;
}

static int just_write(struct weft_stream *peer, void *arg)
{
	(void)arg;
	return weft_stream_write_all(peer, "welcome\n", 8);
}

HOUSE_CASE(the_first_write_makes_the_handshake_as_well, 1)
{
	const char *line;

	open_house(just_write);
	pair_connect(&house.pair);
	hear(house.pair.client, "welcome\n");
	CHECK_INT(weft_stream_readline(house.pair.client, &line), ==, 0);
	weft_stream_free(house.pair.client);
	close_house();
	return 0;
}

HOUSE_CASE(who_leaves_before_the_handshake_is_a_fault_of_that_handler_only, 1)
{
	struct weft_stream *mute;

	open_house(echo);
	mute = weft_stream_connect(house.pair.address);
	CHECK(mute != NULL);
	/* Nobody waits for its handshake but its own handler. */
	pair_connect(&house.pair);
	say(house.pair.client, "hello\n");
	hear(house.pair.client, "hello\n");
	CHECK_INT(house.ended, ==, 0);
	weft_stream_free(mute);
	while (atomic_load(&house.ended) == 0)
		CHECK_INT(weft_sleep(WEFT_MILLISECONDS(1)), ==, 0);
	CHECK_INT(house.codes[0], ==, EPROTO);
	weft_stream_free(house.pair.client);
	close_house();
	return 0;
}

static int ignore(struct weft_stream *peer, void *arg)
{
	(void)peer;
	(void)arg;
	return 0;
}

HOUSE_CASE(a_handler_that_needs_nothing_makes_no_handshake, 1)
{
	struct weft_tls_fault fault;

	open_house(ignore);
	CHECK(weft_stream_connect_tls(house.pair.address, house.pair.client_tls, &fault) == NULL);
	CHECK(errno == ECONNRESET || fault.kind == WEFT_TLS_CUT_OFF);
	close_house();
	CHECK_INT(house.codes[0], ==, 0);
	return 0;
}

/* Looks often, a little each time: the handshake has to go on over all of them. */
static int impatient(struct weft_stream *peer, void *arg)
{
	const char *line;
	ssize_t len = -1;

	(void)arg;
	for (int late = 0; len < 0;) {
		WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(2))
			len = weft_stream_readline(peer, &line);
		late += len < 0;
		if (len < 0)
			CHECK_INT(errno, ==, ETIMEDOUT);
		else
			CHECK_INT(late, >, 0);
	}
	return weft_stream_write_all(peer, line, (size_t)len);
}

/* Sends what a real client says in two halves, with a pause between. */
static int slow_relay(void *arg)
{
	int *fds = arg;
	char data[4096];
	ssize_t count;

	while ((count = weft_read(fds[0], data, sizeof(data))) > 0) {
		ssize_t half = count / 2;

		/* At the end the server has left, perhaps. */
		if (weft_write(fds[1], data, (size_t)half) < 0 ||
			weft_sleep(WEFT_MILLISECONDS(8)) < 0 ||
			weft_write(fds[1], data + half, (size_t)(count - half)) < 0)
			return 0;
	}
	weft_shutdown(fds[1], SHUT_WR);
	return 0;
}

static int fast_relay(void *arg)
{
	int *fds = arg;
	char data[4096];
	ssize_t count;

	while ((count = weft_read(fds[1], data, sizeof(data))) > 0)
		if (weft_write(fds[0], data, (size_t)count) < 0)
			return 0;
	return 0;
}

HOUSE_CASE(a_handshake_that_was_interrupted_goes_on, 1)
{
	struct weft_stream *server;
	weft_fiber_id relays[2];
	int fds[2], pair[2];

	open_house(impatient);
	server = weft_stream_connect(house.pair.address);
	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
	fds[0] = pair[1];
	fds[1] = weft_stream_fd(server);
	relays[0] = weft_spawn(slow_relay, fds);
	relays[1] = weft_spawn(fast_relay, fds);
	house.pair.client = weft_stream_new(pair[0]);
	CHECK_INT(weft_stream_start_tls(house.pair.client, house.pair.client_tls, "localhost"), ==,
		0);
	say(house.pair.client, "hello\n");
	hear(house.pair.client, "hello\n");
	weft_stream_free(house.pair.client);
	for (int i = 0; i < 2; i++)
		CHECK_INT(weft_join(relays[i], NULL, WEFT_FOREVER), ==, 0);
	weft_close(pair[1]);
	weft_stream_free(server);
	close_house();
	CHECK_INT(house.codes[0], ==, 0);
	return 0;
}

static int write_greeting(void *arg)
{
	CHECK_INT(weft_stream_write_all(arg, "greeting\n", 9), ==, 0);
	return weft_stream_flush(arg);
}

/* Its writer and its reader both find no handshake made. */
static int both_at_once(struct weft_stream *peer, void *arg)
{
	weft_fiber_id writer = weft_spawn(write_greeting, peer);
	const char *line;

	(void)arg;
	CHECK(writer != 0);
	CHECK_INT(weft_stream_readline(peer, &line), ==, 6);
	CHECK_INT(weft_join(writer, NULL, WEFT_FOREVER), ==, 0);
	return 0;
}

HOUSE_CASE(a_reader_and_a_writer_that_come_at_once_make_one_handshake, 3)
{
	open_house(both_at_once);
	for (int i = 0; i < 20; i++) {
		pair_connect(&house.pair);
		hear(house.pair.client, "greeting\n");
		say(house.pair.client, "hello\n");
		weft_stream_free(house.pair.client);
	}
	close_house();
	return 0;
}

static bool is_full(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info);

	CHECK_INT(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len), ==, 0);
	return info[SK_MEMINFO_WMEM_ALLOC] >= info[SK_MEMINFO_SNDBUF];
}

/* Says as much as the kernel takes while the peer does not listen, and not a byte more. */
static int fill_up(struct weft_stream *peer, void *arg)
{
	char line[512];

	(void)arg;
	memset(line, 'x', sizeof(line));
	while (!is_full(weft_stream_fd(peer)))
		if (weft_stream_write_all(peer, line, sizeof(line)) < 0 ||
			weft_stream_flush(peer) < 0)
			return -1;
	return 0;
}

/* When the handler is done, the kernel has no room for our goodbye. */
HOUSE_CASE(a_slow_peer_is_told_of_the_end_too, 1)
{
	char got[4096];
	ssize_t count;

	/* A Unix socket: it takes a message or not, TCP would squeeze in a small one. */
	snprintf(house.address, sizeof(house.address), "unix:%s", path_of("socket"));
	open_house(fill_up);
	house.pair.client = weft_stream_connect(house.address);
	CHECK_INT(weft_stream_start_tls(house.pair.client, house.pair.client_tls, "localhost"), ==,
		0);
	while (atomic_load(&house.ended) == 0)
		CHECK_INT(weft_sleep(WEFT_MILLISECONDS(1)), ==, 0);
	CHECK_INT(house.codes[0], ==, 0);
	while ((count = weft_stream_read(house.pair.client, got, sizeof(got))) > 0)
		;
	CHECK_INT(count, ==, 0);
	weft_stream_free(house.pair.client);
	close_house();
	return 0;
}

CHECK_CASE(a_client_s_settings_serve_nobody)
{
	struct pair pair;

	pair_prepare(&pair);
	pair.client_tls = client_tls(NULL);
	CHECK_ERRNO(weft_listener_use_tls(pair.listener, pair.client_tls), EINVAL);
	weft_tls_free(pair.client_tls);
	weft_listener_free(pair.listener);
	authority_end(&pair.authority);
}

CHECK_CASE(a_listener_that_got_no_tls_serves_nobody_in_the_clear)
{
	struct pair pair;

	pair_prepare(&pair);
	CHECK_ERRNO(weft_listener_use_tls(pair.listener, NULL), EINVAL);
	CHECK_ERRNO(weft_serve(pair.listener, echo, NULL, NULL), EINVAL);
	CHECK_ERRNO(weft_listener_accept(pair.listener), EINVAL);
	pair.server_tls = server_tls(NULL);
	CHECK_INT(weft_listener_use_tls(pair.listener, pair.server_tls), ==, 0);
	weft_serve_stop(pair.listener);
	CHECK_INT(weft_serve(pair.listener, echo, NULL, NULL), ==, 0);
	weft_tls_free(pair.server_tls);
	weft_listener_free(pair.listener);
	authority_end(&pair.authority);
}

CHECK_MAIN()
