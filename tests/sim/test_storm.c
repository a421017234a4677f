/*
 * test_storm.c - the runtime's hard parts under the simulator, over many seeds: whatever the
 * order and the network, bytes are right or the error is clear, and nothing is left over.
 */
#include "sim/sim.h"

#include <errno.h>

#include "weft/chan.h"
#include "weft/event.h"
#include "weft/group.h"
#include "weft/lock.h"
#include "weft/scope.h"
#include "weft/sem.h"
#include "weft/serve.h"
#include "weft/socket.h"
#include "weft/stream.h"

#define NASTY                                                                           \
	{                                                                               \
		.partial_chance = 0.3, .reset_chance = 0.01, .refuse_chance = 0.05,     \
		.emfile_chance = 0.02, .latency_min_ns = WEFT_MICROSECONDS(10),         \
		.latency_max_ns = WEFT_MILLISECONDS(20), .bandwidth = 10 * 1000 * 1000, \
	}

static int64_t random_ns(int64_t below)
{
	return (int64_t)(weft_random() % (uint64_t)below);
}

/* ---- Servers and clients ------------------------------------------------------------- */

static struct weft_listener *listener;
static struct weft_event ready;
static int whole;

/* A byte of the file that a client sends: known from its place and the client's number. */
static unsigned char byte_at(unsigned client, size_t place)
{
	return (unsigned char)(client * 31 + place * 7 + place / 251);
}

static int echo_bytes(struct weft_stream *peer, void *arg)
{
	const char *data;
	ssize_t len;

	(void)arg;
	while ((len = weft_stream_peek(peer, 1, &data)) > 0) {
		if (weft_stream_write_all(peer, data, (size_t)len) < 0 ||
			weft_stream_flush(peer) < 0)
			return -1;
		weft_stream_consume(peer, (size_t)len);
	}
	return 0;
}

static int serve(void *arg)
{
	const struct weft_serve_options options = {.grace_ns = WEFT_SECONDS(1)};
	int result;

	(void)arg;
	CHECK_INT(weft_sim_host("server"), ==, 0);
	while (!(listener = weft_listener_new("0.0.0.0:80", NULL)))
		CHECK_INT(errno, ==, EMFILE);
	weft_event_set(&ready);
	result = weft_serve(listener, echo_bytes, NULL, &options);
	weft_listener_free(listener);
	return result;
}

static int send_file(struct weft_stream *stream, unsigned client, size_t size)
{
	unsigned char bytes[300];

	for (size_t sent = 0; sent < size;) {
		size_t len = 1 + weft_random() % sizeof(bytes);

		if (len > size - sent)
			len = size - sent;
		for (size_t i = 0; i < len; i++)
			bytes[i] = byte_at(client, sent + i);
		if (weft_stream_write_all(stream, bytes, len) < 0 ||
			(weft_random() % 3 == 0 && weft_stream_flush(stream) < 0))
			return -1;
		sent += len;
	}
	return weft_stream_shutdown_write(stream);
}

struct sending {
	struct weft_stream *stream;
	unsigned client;
	size_t size;
};

static int send_fiber(void *arg)
{
	struct sending *sending = arg;

	return send_file(sending->stream, sending->client, sending->size);
}

/* Reads what comes back; every byte that comes is right. Returns how many. */
static ssize_t receive_file(struct weft_stream *stream, unsigned client)
{
	unsigned char bytes[200];
	ssize_t len, total = 0;

	while ((len = weft_stream_read(stream, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < len; i++)
			CHECK_INT(bytes[i], ==, byte_at(client, (size_t)(total + i)));
		total += len;
	}
	return len < 0 ? -1 : total;
}

static bool is_clear(int code)
{
	return code == ECONNRESET || code == EPIPE || code == ECONNREFUSED || code == EMFILE ||
	       code == ETIMEDOUT || code == ECANCELED;
}

static int send_and_receive(void *arg)
{
	struct sending sending = {
		.client = (unsigned)(uintptr_t)arg, .size = weft_random() % 20000};
	weft_fiber_id sender;
	ssize_t got;
	int result;

	CHECK_INT(weft_sim_host("client"), ==, 0);
	sending.stream = weft_stream_connect("server:80");
	if (!sending.stream) {
		CHECK(is_clear(errno));
		return -1;
	}
	sender = weft_spawn(send_fiber, &sending);
	CHECK(sender);
	got = receive_file(sending.stream, sending.client);
	if (got < 0) {
		CHECK(is_clear(errno));
		weft_cancel(sender);
	}
	WEFT_SHIELDED
		CHECK_INT(weft_join(sender, &result, WEFT_FOREVER), ==, 0);
	/* Everything sent, and a clean end read: then everything came back. */
	if (result == 0 && got >= 0) {
		CHECK_INT(got, ==, (ssize_t)sending.size);
		whole++;
	}
	weft_stream_free(sending.stream);
	return 0;
}

static weft_fiber_id start_server(void)
{
	weft_fiber_id server;

	weft_event_init(&ready, "ready");
	server = weft_spawn(serve, NULL);
	CHECK(server);
	CHECK_INT(weft_event_wait(&ready), ==, 0);
	return server;
}

static int many_clients(void *arg)
{
	weft_fiber_id server = start_server(), clients[8];
	int result;

	(void)arg;
	for (unsigned i = 0; i < 8; i++)
		CHECK(clients[i] = weft_spawn(send_and_receive, (void *)(uintptr_t)i));
	CHECK_INT(weft_join_all(clients, 8, NULL, WEFT_FOREVER), ==, 8);
	weft_serve_stop(listener);
	CHECK_INT(weft_join(server, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	return 0;
}

SIM_CASE(over_a_nasty_network_every_byte_is_right_or_the_error_is_clear, many_clients, 4, NASTY)

static int many_clients_friendly(void *arg)
{
	whole = 0;
	many_clients(arg);
	CHECK_INT(whole, ==, 8);
	return 0;
}

SIM_CASE(over_a_friendly_network_everything_comes_back, many_clients_friendly, 4,
	{.partial_chance = 0.5})

static int cancelled_clients(void *arg)
{
	weft_fiber_id server = start_server(), clients[8];

	(void)arg;
	for (unsigned i = 0; i < 8; i++)
		CHECK(clients[i] = weft_spawn(send_and_receive, (void *)(uintptr_t)i));
	for (unsigned i = 0; i < 8; i++) {
		weft_sleep(random_ns(WEFT_MILLISECONDS(10)));
		weft_cancel(clients[weft_random() % 8]);
	}
	if (weft_random() % 2)
		weft_cancel(server);
	else
		weft_serve_stop(listener);
	CHECK_INT(weft_join_all(clients, 8, NULL, WEFT_FOREVER), ==, 8);
	CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
	return 0;
}

SIM_CASE(cancelled_at_any_point_nothing_is_left_open, cancelled_clients, 2, NASTY)

/* ---- Fibers ------------------------------------------------------------------------------- */

static int nest(void *arg)
{
	intptr_t depth = (intptr_t)arg;
	struct weft_scope scope;
	int children = (int)(weft_random() % 4);

	weft_scope_begin(&scope, 1 + random_ns(WEFT_SECONDS(2)));
	for (int i = 0; depth > 0 && i < children; i++)
		weft_scope_spawn(&scope, nest, (void *)(depth - 1));
	weft_sleep(random_ns(WEFT_SECONDS(1)));
	if (weft_random() % 8 == 0)
		weft_scope_cancel(&scope);
	if (weft_scope_end(&scope) < 0)
		CHECK(errno == ETIMEDOUT || errno == ECANCELED || errno == EDOM);
	errno = EDOM;
	return weft_random() % 16 == 0 ? -1 : 0;
}

static int scopes(void *arg)
{
	weft_fiber_id fibers[5];

	(void)arg;
	for (int i = 0; i < 5; i++)
		CHECK(fibers[i] = weft_spawn(nest, (void *)3));
	for (int i = 0; i < 5; i++) {
		weft_sleep(random_ns(WEFT_MILLISECONDS(300)));
		weft_cancel(fibers[weft_random() % 5]);
	}
	CHECK_INT(weft_join_all(fibers, 5, NULL, WEFT_FOREVER), ==, 5);
	CHECK_INT(weft_fiber_count(), ==, 1);
	return 0;
}

SIM_CASE(scopes_in_scopes_end_with_all_their_fibers, scopes, 1, {.in_order = false})

static weft_fiber_id crowd[12];

static int join_somebody(void *arg)
{
	(void)arg;
	for (int i = 0; i < 6; i++) {
		weft_fiber_id id = crowd[weft_random() % 12];

		switch (weft_random() % 4) {
		case 0:
			weft_cancel(id);
			break;
		case 1:
			weft_join(id, NULL, random_ns(WEFT_MILLISECONDS(5)));
			break;
		case 2:
			weft_sleep(random_ns(WEFT_MILLISECONDS(3)));
			break;
		default:
			weft_yield();
		}
	}
	return 0;
}

static int join_storm(void *arg)
{
	(void)arg;
	for (int i = 0; i < 12; i++)
		crowd[i] = 0;
	for (int i = 0; i < 12; i++)
		CHECK(crowd[i] = weft_spawn(join_somebody, NULL));
	for (int i = 0; i < 12; i++)
		if (weft_join(crowd[i], NULL, WEFT_FOREVER) < 0)
			CHECK(errno == ESRCH || errno == ECANCELED);
	return 0;
}

SIM_CASE(joins_and_cancels_crosswise_all_end, join_storm, 1, {.in_order = false})

/* ---- Channels, locks, semaphores --------------------------------------------------------------
 */

static struct weft_chan *chan, *quiet; /* nobody sends on the quiet one */
static struct weft_sem permits;
static struct weft_lock lock;
static int sent, got, inside;

#define ITEM_MAX 40 /* more than is handed over in registers */

static int64_t patience(void)
{
	return weft_random() % 4 ? 1 + random_ns(WEFT_MILLISECONDS(2)) : WEFT_FOREVER;
}

/* By whichever call: 0, or -1 with errno, as weft_chan_send(). */
static int send_item(const char *item)
{
	char other[ITEM_MAX];
	struct weft_select_case cases[] = {
		WEFT_SELECT_SEND(chan, item), WEFT_SELECT_RECV(quiet, other)};
	int result = -1;

	WEFT_WITH_TIMEOUT (patience()) {
		if (weft_random() % 3) {
			result = weft_chan_send(chan, item);
		} else if (weft_select(cases, 2) == 0) {
			result = cases[0].result;
			if (result < 0)
				errno = EPIPE;
		}
	}
	return result;
}

/* 1, 0 at the end, or -1 with errno, as weft_chan_recv(). */
static int receive_item(char *ret_item)
{
	char other[ITEM_MAX];
	struct weft_select_case cases[] = {
		WEFT_SELECT_RECV(quiet, other), WEFT_SELECT_RECV(chan, ret_item)};
	int result = -1;

	WEFT_WITH_TIMEOUT (patience()) {
		if (weft_random() % 3)
			result = weft_chan_recv(chan, ret_item);
		else if (weft_select(cases, 2) == 1)
			result = cases[1].result;
	}
	return result;
}

static int send_items(void *arg)
{
	(void)arg;
	for (char number = 0; number < 20; number++) {
		char item[ITEM_MAX];

		memset(item, number, sizeof(item));
		if (send_item(item) == 0)
			sent++;
		else if (weft_interrupted() || errno == EPIPE)
			return -1;
	}
	return 0;
}

static int receive_items(void *size)
{
	char item[ITEM_MAX];
	int result;

	do {
		result = receive_item(item);
		if (result == 1) {
			got++;
			CHECK(memcmp(item, item + 1, (size_t)(uintptr_t)size - 1) == 0);
		}
		weft_sleep(random_ns(WEFT_MILLISECONDS(1)));
	} while (result != 0 && !weft_interrupted());
	return 0;
}

static int channels(void *arg)
{
	size_t size = weft_random() % 2 ? sizeof(int) : ITEM_MAX;
	weft_fiber_id senders[4], receivers[4];
	char item[ITEM_MAX];

	(void)arg;
	sent = got = 0;
	CHECK(chan = weft_chan_new(size, weft_random() % 3, "items"));
	CHECK(quiet = weft_chan_new(size, 0, "quiet"));
	for (int i = 0; i < 4; i++) {
		senders[i] = weft_spawn(send_items, NULL);
		receivers[i] = weft_spawn(receive_items, (void *)(uintptr_t)size);
	}
	for (int i = 0; i < 3; i++) {
		weft_sleep(random_ns(WEFT_MILLISECONDS(10)));
		weft_cancel(weft_random() % 2 ? senders[weft_random() % 4]
					      : receivers[1 + weft_random() % 3]);
	}
	CHECK_INT(weft_join_all(senders, 4, NULL, WEFT_FOREVER), ==, 4);
	weft_chan_close(chan);
	CHECK_INT(weft_join_all(receivers, 4, NULL, WEFT_FOREVER), ==, 4);
	while (weft_chan_recv(chan, item) == 1)
		got++;
	CHECK_INT(got, ==, sent);
	weft_chan_free(chan);
	weft_chan_free(quiet);
	return 0;
}

SIM_CASE(whoever_gives_up_no_item_is_lost_or_doubled, channels, 1, {.in_order = false})

static int use_lock_and_permits(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++) {
		struct weft_timeout patience;

		weft_timeout_begin(&patience, 1 + random_ns(WEFT_MILLISECONDS(3)));
		if (weft_sem_acquire(&permits) == 0) {
			CHECK_INT(++inside, <=, 2);
			weft_sleep(random_ns(WEFT_MILLISECONDS(1)));
			inside--;
			weft_sem_release(&permits, 1);
		}
		if (weft_lock_acquire(&lock) == 0) {
			int before = ++got;

			weft_sleep(random_ns(WEFT_MILLISECONDS(1)));
			CHECK_INT(got, ==, before); /* nobody else was here */
			CHECK_INT(weft_lock_release(&lock), ==, 0);
		}
		weft_timeout_end(&patience);
	}
	return 0;
}

static int locks(void *arg)
{
	weft_fiber_id fibers[6];

	(void)arg;
	inside = got = 0;
	weft_sem_init(&permits, 2, "permits");
	weft_lock_init(&lock, "lock");
	for (int i = 0; i < 6; i++)
		CHECK(fibers[i] = weft_spawn(use_lock_and_permits, NULL));
	for (int i = 0; i < 4; i++) {
		weft_sleep(random_ns(WEFT_MILLISECONDS(5)));
		weft_cancel(fibers[weft_random() % 6]);
	}
	CHECK_INT(weft_join_all(fibers, 6, NULL, WEFT_FOREVER), ==, 6);
	CHECK_INT(weft_sem_try_acquire(&permits), ==, 0);
	CHECK_INT(weft_sem_try_acquire(&permits), ==, 0);
	CHECK_INT(weft_lock_try_acquire(&lock), ==, 0);
	return 0;
}

SIM_CASE(locks_and_permits_are_conserved, locks, 1, {.in_order = false})

/* ---- An accept storm
 * ------------------------------------------------------------------------------ */

static int accepted;

static int accept_some(void *arg)
{
	int fd = (int)(intptr_t)arg, connection;

	for (;;) {
		struct weft_timeout patience;

		weft_timeout_begin(&patience, 1 + random_ns(WEFT_MILLISECONDS(2)));
		connection = weft_accept(fd, NULL, NULL);
		weft_timeout_end(&patience);
		if (connection >= 0) {
			accepted++;
			weft_close(connection);
		} else if (errno != ETIMEDOUT && errno != EMFILE) {
			return 0;
		}
	}
}

static int connect_once(void *arg)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(7),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = weft_socket(AF_INET, SOCK_STREAM, 0), result = 0;
	char byte;

	(void)arg;
	if (fd < 0)
		return 0;
	if (weft_connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		result = weft_recv(fd, &byte, 1, 0) == 0;
	weft_close(fd);
	return result;
}

static int accept_storm(void *arg)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(7)};
	weft_fiber_id accepters[3], clients[30];
	int fd, results[30], connected = 0;

	(void)arg;
	accepted = 0;
	while ((fd = weft_socket(AF_INET, SOCK_STREAM, 0)) < 0)
		;
	CHECK_INT(weft_bind(fd, (struct sockaddr *)&in, sizeof(in)), ==, 0);
	CHECK_INT(weft_listen(fd, 5), ==, 0);
	for (int i = 0; i < 3; i++)
		accepters[i] = weft_spawn(accept_some, (void *)(intptr_t)fd);
	for (int i = 0; i < 30; i++)
		clients[i] = weft_spawn(connect_once, NULL);
	CHECK_INT(weft_join_all(clients, 30, results, WEFT_FOREVER), ==, 30);
	for (int i = 0; i < 30; i++)
		connected += results[i];
	weft_close(fd); /* under those who wait on it */
	CHECK_INT(weft_join_all(accepters, 3, NULL, WEFT_FOREVER), ==, 3);
	CHECK_INT(connected, ==, accepted);
	return 0;
}

SIM_CASE(every_connection_is_accepted_once, accept_storm, 2, {.emfile_chance = 0.1})

CHECK_MAIN()
