/*
 * test_sim.c - the simulator itself: time, hosts, the network's manners, replay
 * (include/weft/sim.h).
 */
#include "sim/sim.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "weft/dns.h"
#include "weft/event.h"
#include "weft/scope.h"
#include "weft/serve.h"
#include "weft/socket.h"
#include "weft/stream.h"

#define HOUR WEFT_SECONDS(3600)

static struct weft_sim_report report;
static const struct weft_sim_options friendly = {.report = &report};

static void run(const struct weft_sim_options *options, weft_fiber_fn *fn)
{
	CHECK_INT(weft_sim_run(7, options, fn, NULL), ==, 0);
	CHECK_INT(report.open_descriptors, ==, 0);
}

/* ---- Time ------------------------------------------------------------------------------ */

static int sleep_a_day(void *arg)
{
	int64_t began = weft_now(), wall = weft_wall_now();

	(void)arg;
	CHECK_INT(weft_sleep(24 * HOUR), ==, 0);
	CHECK_INT(weft_now() - began, >=, 24 * HOUR);
	CHECK_INT(weft_wall_now() - wall, ==, weft_now() - began);
	WEFT_WITH_TIMEOUT (24 * HOUR)
		CHECK_ERRNO(weft_sleep(48 * HOUR), ETIMEDOUT);
	CHECK_INT(weft_now() - began, <, 49 * HOUR);
	return 0;
}

CHECK_CASE(a_day_takes_no_time)
{
	run(&friendly, sleep_a_day);
	CHECK_INT(report.duration_ns, >=, 48 * HOUR);
}

/* ---- Hosts and connections ----------------------------------------------------------------- */

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

static struct weft_listener *listener;
static struct weft_event ready;

static int serve(void *arg)
{
	int result;

	CHECK_INT(weft_sim_host("server"), ==, 0);
	while (!(listener = weft_listener_new(arg ? arg : "0.0.0.0:80", NULL)))
		CHECK_INT(errno, ==, EMFILE);
	weft_event_set(&ready);
	result = weft_serve(listener, echo, NULL, NULL);
	weft_listener_free(listener);
	return result;
}

static weft_fiber_id server_start(const char *address)
{
	weft_fiber_id server;

	weft_event_init(&ready, "ready");
	server = weft_spawn(serve, (void *)address);
	CHECK(server);
	CHECK_INT(weft_event_wait(&ready), ==, 0);
	CHECK_INT(weft_sim_host("client"), ==, 0);
	return server;
}

static void server_stop(weft_fiber_id server)
{
	int result;

	weft_serve_stop(listener);
	CHECK_INT(weft_join(server, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
}

static int talk(void *arg)
{
	weft_fiber_id server = server_start(NULL);
	struct weft_stream *stream = weft_stream_connect("server:80");
	char text[WEFT_ADDRESS_TEXT_MAX];
	const char *line;
	int64_t began = weft_now();

	(void)arg;
	CHECK(stream);
	weft_address_print(weft_stream_peer(stream), text, sizeof(text));
	CHECK_STR(text, "10.0.0.2:80");
	for (int i = 0; i < 100; i++) {
		CHECK_INT(weft_stream_printf(stream, "line %d\n", i), ==, 0);
		CHECK_INT(weft_stream_flush(stream), ==, 0);
		CHECK_INT(weft_stream_readline(stream, &line), >, 0);
		CHECK_INT(strtol(line + 5, NULL, 10), ==, i);
	}
	/* 100 us there, 100 us back. */
	CHECK_INT(weft_now() - began, >=, WEFT_MILLISECONDS(20));
	CHECK_INT(weft_now() - began, <, WEFT_MILLISECONDS(30));
	CHECK_INT(weft_stream_shutdown_write(stream), ==, 0);
	CHECK_INT(weft_stream_readline(stream, &line), ==, 0);
	weft_stream_free(stream);
	server_stop(server);
	return 0;
}

CHECK_CASE(hosts_talk_over_tcp_and_it_takes_the_time_of_the_way)
{
	run(&friendly, talk);
}

static int refused(void *arg)
{
	weft_fiber_id server = server_start("127.0.0.1:80");

	(void)arg;
	CHECK(!weft_stream_connect("server:81"));
	CHECK_INT(errno, ==, ECONNREFUSED);
	CHECK(!weft_stream_connect("server:80")); /* it listens to its own host only */
	CHECK_INT(errno, ==, ECONNREFUSED);
	CHECK(!weft_stream_connect("nobody:80"));
	CHECK_INT(errno, ==, ENOENT);
	CHECK_ERRNO(weft_sim_host(""), EINVAL);
	CHECK_ERRNO(weft_sim_partition("server", "nobody"), ENOENT);
	server_stop(server);
	return 0;
}

CHECK_CASE(where_nobody_listens_a_connect_is_refused)
{
	run(&friendly, refused);
}

static int partition(void *arg)
{
	weft_fiber_id server = server_start(NULL);
	struct weft_stream *stream = weft_stream_connect("server:80"), *other;
	int64_t began;
	const char *line;

	(void)arg;
	CHECK(stream);
	CHECK_INT(weft_sim_partition("server", "client"), ==, 0);
	began = weft_now();
	CHECK(!weft_stream_connect("server:80"));
	CHECK_INT(errno, ==, ETIMEDOUT);
	CHECK_INT(weft_now() - began, >, WEFT_SECONDS(60));

	CHECK_INT(weft_stream_printf(stream, "hello\n"), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(5))
		CHECK_ERRNO(weft_stream_readline(stream, &line), ETIMEDOUT);
	CHECK_INT(weft_sim_heal("server", "client"), ==, 0);
	CHECK_INT(weft_stream_readline(stream, &line), ==, 6); /* it was tried again */
	other = weft_stream_connect("server:80");
	CHECK(other);
	CHECK_INT(weft_sim_reset_host("server"), ==, 0);
	CHECK_ERRNO(weft_stream_readline(other, &line), ECONNRESET);
	CHECK_ERRNO(weft_stream_readline(stream, &line), ECONNRESET);
	weft_stream_free(stream);
	weft_stream_free(other);
	server_stop(server);
	return 0;
}

CHECK_CASE(a_partition_holds_up_connections_and_a_reset_ends_them)
{
	run(&friendly, partition);
}

static int unix_sockets(void *arg)
{
	weft_fiber_id server = server_start("unix:/run/echo");
	int fds[2];
	char byte = 'x';

	(void)arg;
	CHECK(!weft_stream_connect("unix:/run/echo")); /* on another host */
	CHECK_INT(errno, ==, ECONNREFUSED);
	CHECK_INT(weft_pipe(fds), ==, 0);
	CHECK_ERRNO(weft_write(fds[0], &byte, 1), EBADF);
	CHECK_INT(weft_write(fds[1], &byte, 1), ==, 1);
	CHECK_INT(weft_read(fds[0], &byte, 1), ==, 1);
	weft_close(fds[1]);
	CHECK_INT(weft_read(fds[0], &byte, 1), ==, 0);
	weft_close(fds[0]);
	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	CHECK_INT(weft_write(fds[1], &byte, 1), ==, 1);
	CHECK_INT(weft_wait_fd(fds[0], POLLIN), ==, POLLIN);
	weft_close(fds[0]);
	CHECK_ERRNO(weft_write(fds[1], &byte, 1), EPIPE);
	weft_close(fds[1]);
	server_stop(server);
	return 0;
}

CHECK_CASE(unix_sockets_pipes_and_pairs_are_there)
{
	run(&friendly, unix_sockets);
}

/* ---- Datagrams ------------------------------------------------------------------------------- */

static int udp_socket(uint16_t port)
{
	int fd = weft_socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

	CHECK_INT(fd, >=, 0);
	CHECK_INT(weft_bind(fd, (struct sockaddr *)&in, sizeof(in)), ==, 0);
	return fd;
}

static int received, bytes_received;

static int count_datagrams(void *arg)
{
	int fd, on = 1;
	char text[100];

	CHECK_INT(weft_sim_host(arg), ==, 0);
	fd = udp_socket(99);
	CHECK_INT(weft_setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &on, sizeof(on)), ==, 0);
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(10)) {
		ssize_t len;

		while ((len = weft_recv(fd, text, sizeof(text), 0)) >= 0) {
			received++;
			bytes_received += (int)len;
		}
	}
	CHECK_INT(errno, ==, ETIMEDOUT);
	weft_close(fd);
	return 0;
}

static int send_datagrams(void *arg)
{
	static char *const names[] = {"one", "two", "three"};
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(99),
		.sin_addr.s_addr = htonl(INADDR_BROADCAST)};
	weft_fiber_id fibers[3];
	int fd, on = 1;

	(void)arg;
	received = bytes_received = 0;
	for (int i = 0; i < 3; i++)
		fibers[i] = weft_spawn(count_datagrams, names[i]);
	weft_sleep(WEFT_MILLISECONDS(1));
	CHECK_INT(weft_sim_host("sender"), ==, 0);
	fd = udp_socket(0);
	CHECK_ERRNO(weft_sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)), EACCES);
	CHECK_INT(weft_setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)), ==, 0);
	for (int i = 0; i < 100; i++) {
		CHECK_INT(
			weft_sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)), ==, 5);
		weft_sleep(WEFT_MILLISECONDS(1));
	}
	CHECK_INT(weft_join_all(fibers, 3, NULL, WEFT_FOREVER), ==, 3);
	weft_close(fd);
	return 0;
}

CHECK_CASE(a_broadcast_gets_to_every_host)
{
	run(&friendly, send_datagrams);
	CHECK_INT(received, ==, 300);
	CHECK_INT(bytes_received, ==, 1500);
}

CHECK_CASE(datagrams_are_lost_and_doubled_as_often_as_was_asked_for)
{
	const struct weft_sim_options lossy = {.report = &report, .loss_chance = 0.5};
	const struct weft_sim_options doubling = {.report = &report, .duplicate_chance = 1};

	run(&lossy, send_datagrams);
	CHECK_INT(received, >, 100);
	CHECK_INT(received, <, 200);
	run(&doubling, send_datagrams);
	CHECK_INT(received, ==, 600);
}

/* ---- Faults, deadlocks, replay
 * ------------------------------------------------------------------- */

static int use_up_descriptors(void *arg)
{
	int fds[10];

	(void)arg;
	for (int i = 0; i < 10; i++)
		CHECK_INT(fds[i] = weft_socket(AF_INET, SOCK_STREAM, 0), >=, 0);
	CHECK_ERRNO(weft_socket(AF_INET, SOCK_STREAM, 0), EMFILE);
	for (int i = 0; i < 10; i++)
		CHECK_INT(weft_close(fds[i]), ==, 0);
	CHECK_ERRNO(weft_close(fds[0]), EBADF);
	return 0;
}

CHECK_CASE(descriptors_run_out_where_that_was_asked_for)
{
	const struct weft_sim_options few = {.report = &report, .descriptors_max = 10};

	run(&few, use_up_descriptors);
}

static int wait_for_nobody(void *arg)
{
	int fds[2];
	char byte;

	(void)arg;
	CHECK_INT(weft_pipe(fds), ==, 0);
	CHECK_ERRNO(weft_read(fds[0], &byte, 1), ECANCELED);
	weft_close(fds[0]);
	weft_close(fds[1]);
	return 0;
}

/* What has ended in time leaves an alarm (src/fiber/scope.c), which is no hope. */
static int wait_for_nobody_after_a_deadline(void *arg)
{
	int64_t began = weft_now();

	WEFT_WITH_TIMEOUT (WEFT_SECONDS(3600))
		CHECK_INT(weft_sleep(WEFT_SECONDS(1)), ==, 0);
	CHECK_INT(wait_for_nobody(arg), ==, 0);
	CHECK_INT(weft_now() - began, <, WEFT_SECONDS(2));
	return 0;
}

CHECK_CASE(a_deadline_that_is_over_hides_no_deadlock)
{
	CHECK(freopen("/dev/null", "w", stderr));
	CHECK_ERRNO(weft_sim_run(1, &friendly, wait_for_nobody_after_a_deadline, NULL), EDEADLK);
}

static int sleep_in_turns(void *arg)
{
	int64_t began = weft_now();

	(void)arg;
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(10))
		CHECK_INT(weft_sleep(WEFT_MILLISECONDS(1)), ==, 0);
	/* Over the old alarm, and with shorter ones inside, the new deadline is kept. */
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(100)) {
		for (int i = 0; i < 5; i++)
			WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
				CHECK_INT(weft_sleep(WEFT_MILLISECONDS(2)), ==, 0);
		CHECK_ERRNO(weft_sleep(WEFT_SECONDS(3600)), ETIMEDOUT);
		CHECK_INT(weft_now() - began, ==, WEFT_MILLISECONDS(101));
	}
	return 0;
}

CHECK_CASE(an_alarm_that_comes_early_is_set_anew)
{
	run(&friendly, sleep_in_turns);
}

CHECK_CASE(when_nothing_can_happen_any_more_the_run_ends)
{
	CHECK(freopen("/dev/null", "w", stderr));
	CHECK_ERRNO(weft_sim_run(1, &friendly, wait_for_nobody, NULL), EDEADLK);
}

CHECK_CASE(bad_options_are_refused)
{
	CHECK_ERRNO(
		weft_sim_run(1, &(struct weft_sim_options){.loss_chance = 2}, talk, NULL), EINVAL);
	CHECK_ERRNO(weft_run(&(struct weft_run_options){.driver = "sim"}, talk, NULL), EINVAL);
	CHECK_ERRNO(weft_sim_host("x"), ENOTSUP);
	CHECK_ERRNO(weft_sim_heal("x", "y"), ENOTSUP);
}

static int talk_roughly(void *arg)
{
	weft_fiber_id server = server_start(NULL);

	(void)arg;
	for (int i = 0; i < 20; i++) {
		struct weft_stream *stream = weft_stream_connect("server:80");
		const char *line;

		for (int k = 0; stream && k < 20; k++)
			if (weft_stream_printf(stream, "%d\n", k) < 0 ||
				weft_stream_flush(stream) < 0 ||
				weft_stream_readline(stream, &line) <= 0 ||
				strtol(line, NULL, 10) != k)
				break;
		weft_stream_free(stream);
	}
	server_stop(server);
	return 0;
}

CHECK_CASE(the_same_seed_does_the_same_and_another_does_not)
{
	const struct weft_sim_options rough = {.report = &report,
		.partial_chance = 0.5,
		.reset_chance = 0.02,
		.refuse_chance = 0.05,
		.emfile_chance = 0.02,
		.latency_min_ns = WEFT_MICROSECONDS(10),
		.latency_max_ns = WEFT_MILLISECONDS(10)};
	uint64_t hashes[10];

	for (uint64_t seed = 0; seed < 20; seed++) {
		CHECK_INT(weft_sim_run(seed % 10, &rough, talk_roughly, NULL), ==, 0);
		if (seed < 10)
			hashes[seed] = report.trace_hash;
		else
			CHECK(hashes[seed - 10] == report.trace_hash);
		CHECK(seed == 0 || seed >= 10 || hashes[seed] != hashes[seed - 1]);
	}
}

CHECK_MAIN()
