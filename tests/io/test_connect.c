/* test_connect.c - connecting: by number, by name, in time, or with the reason why not. */
#include "weft/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "both.h"
#include "io/stream.h"
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
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);
	char text[WEFT_ADDRESS_TEXT_MAX];

	weft_address_print(weft_listener_address(listener), text, sizeof(text));
	weft_listener_free(listener);
	CHECK_ERRNO(weft_stream_connect(text), ECONNREFUSED);
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

CHECK_MAIN()
