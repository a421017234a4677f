/* test_connect.c - connecting: by number, by name, in time, or with the reason why not.
 * check: drivers waits
 */
#include "weft/stream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "both.h"
#include "descriptors.h"
#include "io/stream.h"
#include "nobody.h"
#include "weft/scope.h"
#include "weft/serve.h"
#include "weft/socket.h"

static void check_ping(struct weft_listener *listener, const char *text)
{
	struct weft_stream *near = weft_stream_connect(text), *far;
	const char *line;

	CHECK(near != NULL);
	far = weft_listener_accept(listener);
	CHECK(far != NULL);
	CHECK_INT(weft_stream_write_all(near, "ping\n", 5), ==, 0);
	CHECK_INT(weft_stream_flush(near), ==, 0);
	CHECK_INT(weft_stream_readline(far, &line), ==, 5);
	weft_stream_free(near);
	CHECK_INT(weft_stream_readline(far, &line), ==, 0);
	weft_stream_free(far);
}

BOTH_CASE(a_stream_connects_to_a_number_a_name_and_a_path)
{
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);
	char text[WEFT_ADDRESS_TEXT_MAX];

	weft_address_print(weft_listener_address(listener), text, sizeof(text));
	check_ping(listener, text);
	snprintf(text, sizeof(text), "localhost:%u",
		weft_address_port(weft_listener_address(listener)));
	check_ping(listener, text);
	weft_listener_free(listener);
	snprintf(text, sizeof(text), "unix:@weft-test-%d", (int)getpid());
	listener = weft_listener_new(text, NULL);
	CHECK(listener != NULL);
	check_ping(listener, text);
	weft_listener_free(listener);
}

BOTH_CASE(the_addresses_are_tried_in_turn_until_one_answers)
{
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);
	struct weft_address addresses[3];
	struct weft_stream *stream;

	CHECK_INT(weft_address_parse(&addresses[0], "unix:/no/such/path"), ==, 0);
	CHECK_INT(weft_address_parse(&addresses[1], "127.0.0.2:1"), ==, 0);
	addresses[2] = *weft_listener_address(listener);
	stream = weft__stream_connect_any(addresses, 3);
	CHECK(stream != NULL);
	CHECK(weft_address_equal(weft_stream_peer(stream), &addresses[2]));
	weft_stream_free(stream);
	/* When none does, the last one's reason is told. */
	CHECK_ERRNO(weft__stream_connect_any(addresses, 2), ECONNREFUSED);
	CHECK_ERRNO(weft__stream_connect_any(addresses, 1), ENOENT);
	weft_listener_free(listener);
}

BOTH_CASE(both_ends_know_both_addresses)
{
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);
	char text[WEFT_ADDRESS_TEXT_MAX];
	struct weft_stream *near, *far;
	int on = 0;
	socklen_t len = sizeof(on);

	weft_address_print(weft_listener_address(listener), text, sizeof(text));
	near = weft_stream_connect(text);
	far = weft_listener_accept(listener);
	CHECK(weft_address_equal(weft_stream_peer(near), weft_listener_address(listener)));
	CHECK(weft_address_equal(weft_stream_local(near), weft_stream_peer(far)));
	CHECK(weft_address_equal(weft_stream_peer(near), weft_stream_local(far)));
	CHECK_INT(getsockopt(weft_stream_fd(near), IPPROTO_TCP, TCP_NODELAY, &on, &len), ==, 0);
	CHECK_INT(on, !=, 0);
	weft_stream_free(near);
	weft_stream_free(far);
	weft_listener_free(listener);
}

BOTH_CASE(where_nobody_listens_the_answer_is_econnrefused)
{
	struct weft_address address;
	int held = nobody_listens(&address);
	char text[WEFT_ADDRESS_TEXT_MAX];

	weft_address_print(&address, text, sizeof(text));
	CHECK_ERRNO(weft_stream_connect(text), ECONNREFUSED);
	close(held);
	CHECK_ERRNO(weft_stream_connect("unix:/no/such/path"), ENOENT);
	CHECK_ERRNO(weft_stream_connect("nonsense"), EINVAL);
}

BOTH_CASE(a_failed_connect_leaves_no_descriptor_behind)
{
	int before = dup(0), after;

	close(before);
	CHECK_ERRNO(weft_stream_connect("unix:/no/such/path"), ENOENT);
	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(weft_stream_connect("127.0.0.1:9"), ETIMEDOUT);
	after = dup(0);
	CHECK_INT(after, ==, before);
	close(after);
}

/* A listener whose backlog is full doesn't answer: its next peers wait, as in a bad network. */
BOTH_CASE(a_connect_that_is_not_answered_obeys_the_deadline)
{
	const struct weft_listener_options narrow = {.backlog = 1};
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", &narrow);
	char text[WEFT_ADDRESS_TEXT_MAX];
	struct weft_stream *streams[10];
	int count = 0;
	bool was_late = false;

	weft_address_print(weft_listener_address(listener), text, sizeof(text));
	while (count < 10 && !was_late) {
		WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(100)) {
			streams[count] = weft_stream_connect(text);
			was_late = !streams[count] && errno == ETIMEDOUT;
			CHECK(streams[count] || was_late);
		}
		count++;
	}
	CHECK(was_late);
	while (count-- > 0)
		weft_stream_free(streams[count]);
	weft_listener_free(listener);
}

/* ---- A Unix socket whose backlog is full -------------------------------------------------- */

static struct weft_address narrow_address;

/* A listener with as many connections pending as it takes: one more must wait. */
static int listen_full(void)
{
	int listener = weft_socket(AF_UNIX, SOCK_STREAM, 0), code = 0;
	char text[64];

	snprintf(text, sizeof(text), "unix:@weft-test-full-%d", (int)getpid());
	CHECK_INT(weft_address_parse(&narrow_address, text), ==, 0);
	CHECK_INT(weft_bind(listener, &narrow_address.any, narrow_address.len), ==, 0);
	CHECK_INT(weft_listen(listener, 2), ==, 0);
	while (code == 0) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

		CHECK_INT(fd, >=, 0);
		code = connect(fd, &narrow_address.any, narrow_address.len) < 0 ? errno : 0;
		close(fd);
	}
	CHECK_INT(code, ==, EAGAIN);
	return listener;
}

static int connect_narrow(int fd)
{
	return weft_connect(fd, &narrow_address.any, narrow_address.len);
}

BOTH_CASE(a_connect_to_a_full_unix_listener_obeys_the_deadline)
{
	int before = descriptors(), listener = listen_full();
	int fd = weft_socket(AF_UNIX, SOCK_STREAM, 0);
	int64_t start = weft_now();

	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(10))
		CHECK_ERRNO(connect_narrow(fd), ETIMEDOUT);
	CHECK_INT(weft_now() - start, >=, WEFT_MILLISECONDS(10));
	/* The descriptor is as good as before. */
	CHECK_INT(weft_close(weft_accept(listener, NULL, NULL)), ==, 0);
	CHECK_INT(connect_narrow(fd), ==, 0);
	weft_close(fd);
	weft_close(listener);
	CHECK_INT(descriptors(), ==, before);
}

BOTH_CASE(a_connect_on_a_blocking_socket_made_elsewhere_obeys_the_deadline_too)
{
	int listener = listen_full(), fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(10))
		CHECK_ERRNO(connect_narrow(fd), ETIMEDOUT);
	CHECK_INT(weft_close(weft_accept(listener, NULL, NULL)), ==, 0);
	CHECK_INT(connect_narrow(fd), ==, 0);
	weft_close(fd);
	weft_close(listener);
}

static void *accept_for_ever(void *arg)
{
	int listener = *(int *)arg, fd;
	char byte;

	/* Those who filled the backlog have gone; the one who waited says a byte. */
	for (;;) {
		fd = accept(listener, NULL, NULL);
		CHECK_INT(fd, >=, 0);
		if (read(fd, &byte, 1) == 1)
			break;
		close(fd);
	}
	CHECK_INT(byte, ==, 'w');
	CHECK_INT(write(fd, "W", 1), ==, 1);
	close(fd);
	return NULL;
}

BOTH_CASE(a_connect_to_a_full_unix_listener_succeeds_when_it_is_drained)
{
	int before = descriptors(), listener = listen_full(), fd;
	pthread_t peer;
	char byte;

	/* The peer blocks in accept(2). */
	CHECK_INT(fcntl(listener, F_SETFL, 0), ==, 0);
	fd = weft_socket(AF_UNIX, SOCK_STREAM, 0);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(3))
		CHECK_ERRNO(connect_narrow(fd), ETIMEDOUT);
	peer = peer_start(accept_for_ever, &listener);
	CHECK_INT(connect_narrow(fd), ==, 0);
	CHECK_INT(weft_write(fd, "w", 1), ==, 1);
	CHECK_INT(weft_read(fd, &byte, 1), ==, 1);
	CHECK_INT(byte, ==, 'W');
	peer_end(peer);
	weft_close(fd);
	weft_close(listener);
	CHECK_INT(descriptors(), ==, before);
}

static int waiting_fd;

/* The result is the errno. */
static int connect_and_wait(void *arg)
{
	int result = connect_narrow(waiting_fd) < 0 ? errno : 0;

	(void)arg;
	return result;
}

static int cancel_a_connect(void *arg)
{
	int before = descriptors(), listener = listen_full(), result = 0;
	weft_fiber_id fiber = weft_spawn(connect_and_wait, arg);

	waiting_fd = weft_socket(AF_UNIX, SOCK_STREAM, 0);
	weft_yield();
	CHECK_INT(weft_cancel(fiber), ==, 0);
	CHECK_INT(weft_join(fiber, &result, WEFT_SECONDS(20)), ==, 0);
	CHECK_INT(result, ==, ECANCELED);
	weft_close(waiting_fd);
	weft_close(listener);
	CHECK_INT(descriptors(), ==, before);
	return 0;
}

CHECK_CASE(a_connect_to_a_full_unix_listener_can_be_cancelled)
{
	CHECK_INT(
		weft_run(&(struct weft_run_options){.workers = 1}, cancel_a_connect, NULL), ==, 0);
}

static int close_under_a_connect(void *arg)
{
	int listener = listen_full(), fd, result = 0;
	weft_fiber_id fiber = weft_spawn(connect_and_wait, arg);
	struct weft_address peer;

	waiting_fd = weft_socket(AF_UNIX, SOCK_STREAM, 0);
	weft_yield();
	CHECK_INT(weft_close(waiting_fd), ==, 0);
	fd = weft_socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_INT(fd, ==, waiting_fd);
	CHECK_INT(weft_close(weft_accept(listener, NULL, NULL)), ==, 0); /* room for one */
	CHECK_INT(weft_join(fiber, &result, WEFT_SECONDS(20)), ==, 0);
	CHECK_INT(result, ==, EBADF);
	CHECK_ERRNO(weft_getpeername(fd, &peer), ENOTCONN);
	weft_close(fd);
	weft_close(listener);
	return 0;
}

CHECK_CASE(a_socket_closed_under_a_waiting_connect_is_not_mistaken_for_its_successor)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 1}, close_under_a_connect, NULL),
		==, 0);
}

/* ---- Racing addresses (RFC 8305) ------------------------------------------------------ */

/* A listener with a full backlog: further connects to it wait. */
struct silent {
	struct weft_listener *listener;
	int fillers[10];
	int count;
};

static void silent_open(struct silent *silent, const char *text)
{
	const struct weft_listener_options narrow = {.backlog = 1};
	bool was_late = false;

	silent->listener = weft_listener_new(text, &narrow);
	CHECK(silent->listener != NULL);
	for (silent->count = 0; silent->count < 10 && !was_late; silent->count++) {
		const struct weft_address *address = weft_listener_address(silent->listener);
		int fd = weft_socket(weft_address_family(address), SOCK_STREAM, 0);

		silent->fillers[silent->count] = fd;
		WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(200))
			was_late = weft_connect(fd, &address->any, address->len) < 0;
		/* Late by what the kernel says, not by what else this machine had to do. */
		was_late = was_late && poll(&(struct pollfd){fd, POLLOUT, 0}, 1, 0) == 0;
	}
	CHECK(was_late);
}

static void silent_close(struct silent *silent)
{
	while (silent->count-- > 0)
		weft_close(silent->fillers[silent->count]);
	weft_listener_free(silent->listener);
}

BOTH_CASE(an_address_that_is_silent_is_overtaken_by_the_next)
{
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);
	struct weft_address addresses[2];
	struct weft_stream *stream = NULL;
	struct silent silent;
	int before, after;

	silent_open(&silent, "127.0.0.1:0");
	before = dup(0);
	close(before);
	addresses[0] = *weft_listener_address(silent.listener);
	addresses[1] = *weft_listener_address(listener);
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(30))
		stream = weft__stream_connect_any(addresses, 2);
	CHECK(stream != NULL);
	CHECK(weft_address_equal(weft_stream_peer(stream), &addresses[1]));
	weft_stream_free(stream);
	/* When all are silent the deadline ends it, and nothing is left. */
	addresses[1] = addresses[0];
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(300))
		CHECK_ERRNO(weft__stream_connect_any(addresses, 2), ETIMEDOUT);
	after = dup(0);
	CHECK_INT(after, ==, before);
	close(after);
	silent_close(&silent);
	weft_listener_free(listener);
}

BOTH_CASE(a_silent_address_may_still_win_when_the_others_refuse)
{
	struct weft_address addresses[3];
	struct weft_stream *stream = NULL;
	struct silent silent;

	CHECK_INT(weft_address_parse(&addresses[1], "127.0.0.2:1"), ==, 0);
	addresses[2] = addresses[1];
	silent_open(&silent, "127.0.0.1:0");
	addresses[0] = *weft_listener_address(silent.listener);
	/* Room in the backlog: the kernel's next try, within a second or so, gets through. */
	for (int i = 0; i < 2; i++)
		weft_stream_free(weft_listener_accept(silent.listener));
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(30))
		stream = weft__stream_connect_any(addresses, 3);
	CHECK(stream != NULL);
	CHECK(weft_address_equal(weft_stream_peer(stream), &addresses[0]));
	weft_stream_free(stream);
	silent_close(&silent);
}

BOTH_CASE_IN_TIME(the_families_take_turns)
{
	struct weft_address addresses[WEFT_ADDRESS_RESOLVE_MAX];
	const int last = WEFT_ADDRESS_RESOLVE_MAX - 1;
	struct weft_stream *stream = NULL;
	struct weft_listener *listener;
	struct silent silent;
	char text[64];

	/* Behind many silent ones, but of the other family, it is the second to be tried: in
	 * the order given its turn would come after 3.75 s. */
	silent_open(&silent, "127.0.0.1:0");
	for (int i = 0; i < last; i++)
		addresses[i] = *weft_listener_address(silent.listener);
	snprintf(text, sizeof(text), "unix:@weft-test-turns-%d", (int)getpid());
	listener = weft_listener_new(text, NULL);
	CHECK(listener != NULL);
	addresses[last] = *weft_listener_address(listener);
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(3))
		stream = weft__stream_connect_any(addresses, WEFT_ADDRESS_RESOLVE_MAX);
	CHECK(stream != NULL);
	CHECK_INT(weft_address_family(weft_stream_peer(stream)), ==, AF_UNIX);
	weft_stream_free(stream);
	silent_close(&silent);
	weft_listener_free(listener);
}

static int connect_and_count(void *arg)
{
	struct weft_stream *stream = weft__stream_connect_any(arg, 2);

	return stream ? 0 : errno;
}

static int cancel_a_race(void *arg)
{
	struct weft_address addresses[2];
	struct silent silent;
	weft_fiber_id fiber;
	size_t fibers;
	int result;

	(void)arg;
	silent_open(&silent, "127.0.0.1:0");
	addresses[0] = addresses[1] = *weft_listener_address(silent.listener);
	fibers = weft_fiber_count();
	CHECK((fiber = weft_spawn(connect_and_count, addresses)) != 0);
	while (weft_fiber_count() < fibers + 2)
		CHECK_INT(weft_sleep(WEFT_MICROSECONDS(100)), ==, 0);
	CHECK_INT(weft_cancel(fiber), ==, 0);
	CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, ECANCELED);
	CHECK_INT(weft_fiber_count(), ==, fibers);
	silent_close(&silent);
	return 0;
}

CHECK_CASE(a_cancelled_race_leaves_no_fiber_behind)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, cancel_a_race, NULL), ==, 0);
}

CHECK_MAIN()
