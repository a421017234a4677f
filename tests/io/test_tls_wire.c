/*
 * test_tls_wire.c - TLS: ends and cuts, spoilt and hostile bytes, plain text before it.
 *
 * check: drivers valgrind tsan
 */
#include <poll.h>
#include <sys/ioctl.h>

#include "io/tls_wire.h"

/* ---- The end ------------------------------------------------------------------------------ */

WIRE_CASE(a_half_close_ends_one_direction_only, 1)
{
	const char *line;

	wire_make();
	say(wire.client, "last\n");
	CHECK_INT(weft_stream_shutdown_write(wire.client), ==, 0);
	hear(wire.server, "last\n");
	CHECK_INT(weft_stream_readline(wire.server, &line), ==, 0);
	say(wire.server, "answer\n");
	CHECK_INT(weft_stream_shutdown_write(wire.server), ==, 0);
	hear(wire.client, "answer\n");
	CHECK_INT(weft_stream_readline(wire.client, &line), ==, 0);
	CHECK_INT(weft_stream_readline(wire.client, &line), ==, 0);
	CHECK_INT(weft_stream_write_all(wire.client, "x", 1), ==, 0);
	CHECK_ERRNO(weft_stream_flush(wire.client), EPIPE);
	wire_end();
	return 0;
}

WIRE_CASE(freeing_a_stream_tells_the_peer_that_this_is_the_end, 1)
{
	const char *line;

	wire_make();
	say(wire.client, "last\n");
	weft_stream_free(wire.client);
	wire.client = NULL;
	hear(wire.server, "last\n");
	CHECK_INT(weft_stream_readline(wire.server, &line), ==, 0);
	wire_end();
	return 0;
}

WIRE_CASE(freeing_a_stream_with_something_unsent_is_not_an_end, 1)
{
	const char *line;

	wire_make();
	say(wire.client, "first\n");
	CHECK_INT(weft_stream_write_all(wire.client, "dropped\n", 8), ==, 0);
	weft_stream_free(wire.client);
	wire.client = NULL;
	hear(wire.server, "first\n");
	CHECK_ERRNO(weft_stream_readline(wire.server, &line), EPROTO);
	CHECK_INT(weft_stream_tls_fault(wire.server)->kind, ==, WEFT_TLS_CUT_OFF);
	wire_end();
	return 0;
}

WIRE_CASE(a_connection_that_is_cut_is_an_error_and_stays_one, 1)
{
	const char *line;

	wire_make();
	CHECK_INT(weft_stream_write_all(wire.server, "whole\nha", 8), ==, 0);
	CHECK_INT(weft_stream_flush(wire.server), ==, 0);
	CHECK_INT(weft_shutdown(weft_stream_fd(wire.server), SHUT_WR), ==, 0);
	hear(wire.client, "whole\n");
	for (int i = 0; i < 2; i++) {
		CHECK_ERRNO(weft_stream_readline(wire.client, &line), EPROTO);
		CHECK_INT(weft_stream_tls_fault(wire.client)->kind, ==, WEFT_TLS_CUT_OFF);
	}
	CHECK_INT(weft_stream_peek(wire.client, 0, &line), ==, 2);
	wire_end();
	return 0;
}

WIRE_CASE(a_peer_that_leaves_during_the_handshake_is_told_from_a_bad_one, 1)
{
	wire_open();
	CHECK_INT(weft_shutdown(weft_stream_fd(wire.server), SHUT_WR), ==, 0);
	CHECK_ERRNO(weft_stream_start_tls(wire.client, wire.client_tls, "localhost"), EPROTO);
	CHECK_INT(weft_stream_tls_fault(wire.client)->kind, ==, WEFT_TLS_CUT_OFF);
	CHECK(strstr(weft_stream_tls_fault(wire.client)->text, "handshake") != NULL);
	wire_end();
	return 0;
}

WIRE_CASE(after_a_failed_handshake_nothing_passes, 1)
{
	const char *line;
	char byte;

	wire_open();
	CHECK_INT(weft_write(weft_stream_fd(wire.client), "plain\n", 6), ==, 6);
	CHECK_ERRNO(weft_stream_start_tls(wire.server, wire.server_tls, NULL), EPROTO);
	CHECK(weft_stream_tls(wire.server) == NULL);
	CHECK_ERRNO(weft_stream_readline(wire.server, &line), EPROTO);
	CHECK_ERRNO(weft_stream_read(wire.server, &byte, 1), EPROTO);
	CHECK_INT(weft_stream_write_all(wire.server, "secret\n", 7), ==, 0);
	CHECK_ERRNO(weft_stream_flush(wire.server), EPROTO);
	CHECK_ERRNO(weft_stream_shutdown_write(wire.server), EPROTO);
	CHECK_ERRNO(weft_stream_start_tls(wire.server, wire.server_tls, NULL), EALREADY);
	wire_end();
	return 0;
}

/* ---- Plain text before TLS --------------------------------------------------------------------
 */

WIRE_CASE(a_command_that_was_slipped_in_before_tls_is_never_read, 1)
{
	const char *line;

	wire_open();
	say(wire.client, "STARTTLS\r\nDELETE everything\r\n");
	hear(wire.server, "STARTTLS\r\n");
	CHECK_ERRNO(weft_stream_start_tls(wire.server, wire.server_tls, NULL), EPROTO);
	CHECK_INT(weft_stream_tls_fault(wire.server)->kind, ==, WEFT_TLS_NOT_TLS);
	CHECK_ERRNO(weft_stream_readline(wire.server, &line), EPROTO);
	CHECK_INT(weft_stream_peek(wire.server, 0, &line), ==, 0);
	wire_end();
	return 0;
}

WIRE_CASE(an_answer_that_was_slipped_in_before_tls_is_never_read, 1)
{
	const char *line;

	wire_open();
	say(wire.server, "220 ready\r\n250 you are welcome\r\n");
	hear(wire.client, "220 ready\r\n");
	CHECK_ERRNO(weft_stream_start_tls(wire.client, wire.client_tls, "localhost"), EPROTO);
	CHECK_INT(weft_stream_tls_fault(wire.client)->kind, ==, WEFT_TLS_NOT_TLS);
	CHECK_ERRNO(weft_stream_readline(wire.client, &line), EPROTO);
	wire_end();
	return 0;
}

static int answer_starttls(void *arg)
{
	hear(wire.server, "STARTTLS\r\n");
	return start_server(arg);
}

/* The server has the client's first record in its buffer by then. */
WIRE_CASE(what_was_written_before_tls_leaves_before_it_and_a_hasty_hello_is_taken, 1)
{
	weft_fiber_id server;

	wire_open();
	CHECK_INT(weft_stream_write_all(wire.client, "STARTTLS\r\n", 10), ==, 0);
	server = weft_spawn(answer_starttls, NULL);
	CHECK_INT(weft_stream_start_tls(wire.client, wire.client_tls, "localhost"), ==, 0);
	CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(wire.server_result, ==, 0);
	say(wire.client, "hello\n");
	hear(wire.server, "hello\n");
	wire_end();
	return 0;
}

static int peek_and_start(void *arg)
{
	const char *data;

	CHECK_INT(weft_stream_peek(wire.server, 1, &data), >, 0);
	CHECK_INT(data[0], ==, 22);
	return start_server(arg);
}

WIRE_CASE(a_server_may_look_at_the_first_byte_to_tell_tls_from_plain_text, 1)
{
	weft_fiber_id server;

	wire_open();
	server = weft_spawn(peek_and_start, NULL);
	CHECK_INT(weft_stream_start_tls(wire.client, wire.client_tls, "localhost"), ==, 0);
	CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(wire.server_result, ==, 0);
	wire_end();
	return 0;
}

/* ---- Bytes that are not TLS, or not as they were sent -------------------------------------------
 */

#define BYTES(text) (text), sizeof(text) - 1

static const struct {
	const char *what, *bytes;
	size_t len;
} hostile[] = {
	{"http", BYTES("GET / HTTP/1.1\r\nHost: x\r\n\r\n")},
	{"a proxy's client", BYTES("CONNECT x:443 HTTP/1.1\r\n\r\n")},
	{"ssh", BYTES("SSH-2.0-OpenSSH_9.2\r\n")},
	{"smtp", BYTES("220 mail ESMTP\r\n")},
	{"zeros", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")},
	{"ones", BYTES("\377\377\377\377\377\377\377\377\377\377\377\377")},
	{"a huge record", BYTES("\x16\x03\x01\xff\xff\x01\x00\x00\x00")},
	{"a huge message", BYTES("\x16\x03\x01\x00\x06\x01\xff\xff\xff\x03\x03")},
	{"an empty record", BYTES("\x16\x03\x01\x00\x00")},
	{"data first", BYTES("\x17\x03\x03\x00\x05hello")},
	{"an alert first", BYTES("\x15\x03\x03\x00\x02\x02\x28")},
	{"an endless warning", BYTES("\x15\x03\x03\x00\x02\x01\x5a")},
	{"change cipher spec", BYTES("\x14\x03\x03\x00\x01\x01")},
	{"ssl 2", BYTES("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x07\x00\xc0")},
	{"ssl 3", BYTES("\x16\x03\x00\x00\x05\x01\x00\x00\x01\x03")},
	{"half a hello", BYTES("\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03\x01\x02")},
};

static void meet_hostile(size_t which, struct weft_tls *tls, const char *host)
{
	const struct weft_tls_fault *fault;
	int fds[2];
	struct weft_stream *stream;

	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	stream = weft_stream_new(fds[0]);
	CHECK_INT(weft_write(fds[1], hostile[which].bytes, hostile[which].len), ==,
		hostile[which].len);
	CHECK_INT(weft_shutdown(fds[1], SHUT_WR), ==, 0);
	errno = 0;
	if (weft_stream_start_tls(stream, tls, host) == 0 || errno != EPROTO)
		check_fail(__FILE__, __LINE__, "%s: errno %d", hostile[which].what, errno);
	fault = weft_stream_tls_fault(stream);
	if (fault->kind == WEFT_TLS_NO_FAULT || fault->text[0] == '\0')
		check_fail(__FILE__, __LINE__, "%s: no fault", hostile[which].what);
	if (which < 4)
		CHECK_INT(fault->kind, ==, WEFT_TLS_NOT_TLS);
	weft_stream_free(stream);
	weft_close(fds[1]);
}

WIRE_CASE(whatever_a_stranger_says_instead_of_a_handshake_is_a_fault, 1)
{
	wire_tls();
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		meet_hostile(i, wire.server_tls, NULL);
		meet_hostile(i, wire.client_tls, "localhost");
	}
	return 0;
}

WIRE_CASE(a_spoilt_bit_is_found_and_told_to_the_peer, 1)
{
	const char *line;

	wire_open_relayed((struct relay){.flip = 2000}, (struct relay){0});
	wire_start();
	while (weft_stream_write_all(wire.client, "0123456789abcde\n", 16) == 0 &&
		weft_stream_flush(wire.client) == 0) {
		if (weft_stream_readline(wire.server, &line) < 0)
			break;
	}
	CHECK_INT(errno, ==, EPROTO);
	CHECK_INT(weft_stream_tls_fault(wire.server)->kind, ==, WEFT_TLS_BROKEN);
	CHECK_ERRNO(weft_stream_readline(wire.client, &line), EPROTO);
	CHECK_INT(weft_stream_tls_fault(wire.client)->kind, ==, WEFT_TLS_REFUSED);
	wire_end();
	return 0;
}

WIRE_CASE(a_handshake_in_pieces_of_one_byte_is_a_handshake, 1)
{
	wire_open_relayed((struct relay){.piece = 1}, (struct relay){.piece = 1});
	wire_start();
	say(wire.client, "hello\n");
	hear(wire.server, "hello\n");
	wire_end();
	return 0;
}

/* ---- Deadlines and cancelling
 * ---------------------------------------------------------------------- */

WIRE_CASE(a_silent_peer_is_waited_for_as_long_as_the_scope_says, 1)
{
	const char *line;

	wire_open();
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(20))
		CHECK_ERRNO(weft_stream_start_tls(wire.server, wire.server_tls, NULL), ETIMEDOUT);
	CHECK_INT(weft_stream_tls_fault(wire.server)->kind, ==, WEFT_TLS_NO_FAULT);
	CHECK_ERRNO(weft_stream_readline(wire.server, &line), EPROTO);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(20))
		CHECK_ERRNO(weft_stream_start_tls(wire.client, wire.client_tls, "localhost"),
			ETIMEDOUT);
	wire_end();
	return 0;
}

WIRE_CASE(a_peer_that_drips_does_not_outlive_the_deadline, 1)
{
	wire_open_relayed(
		(struct relay){.piece = 1, .pause_ns = WEFT_MILLISECONDS(5)}, (struct relay){0});
	wire.server_fiber = weft_spawn(start_server, NULL);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(100))
		CHECK_ERRNO(weft_stream_start_tls(wire.client, wire.client_tls, "localhost"),
			ETIMEDOUT);
	weft_cancel(wire.server_fiber);
	CHECK_INT(weft_join(wire.server_fiber, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(wire.server_errno, ==, ECANCELED);
	weft_cancel(wire.up.fiber);
	wire_end();
	return 0;
}

WIRE_CASE(a_read_that_was_late_goes_on_where_it_was, 1)
{
	const char *line;

	wire_open_relayed((struct relay){0}, (struct relay){.piece = 7});
	wire_start();
	for (int i = 0; i < 3; i++) {
		WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
			CHECK_ERRNO(weft_stream_readline(wire.client, &line), ETIMEDOUT);
		say(wire.server, "half ");
		WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
			CHECK_ERRNO(weft_stream_readline(wire.client, &line), ETIMEDOUT);
	}
	say(wire.server, "and the rest\n");
	hear(wire.client, "half half half and the rest\n");
	wire_end();
	return 0;
}

WIRE_CASE(a_flush_that_was_late_goes_on_where_it_was, 1)
{
	enum { LEN = 16000, TIMES = 200 };
	char *data = malloc(LEN), *got = malloc(LEN);
	struct pollfd room = {.events = POLLOUT};
	int late = 0, done = 0;

	fill_pattern(data, LEN);
	wire_make();
	room.fd = weft_stream_fd(wire.client);
	/* Until the wire is full, and the flush late. */
	while (late == 0 && done < TIMES) {
		CHECK_INT(weft_stream_write_all(wire.client, data, LEN / 4), ==, 0);
		CHECK_INT(weft_stream_write_all(wire.client, data + LEN / 4, 3 * LEN / 4), ==, 0);
		done++;
		do { /* not where only the machine is late */
			WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
				late = weft_stream_flush(wire.client) < 0;
		} while (late && poll(&room, 1, 0) == 1);
	}
	CHECK(late);
	for (int i = 0; i < done; i++) {
		CHECK_INT(weft_stream_read_exactly(wire.server, got, LEN), ==, 0);
		CHECK_MEM(got, data, LEN);
		WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
			late = late && weft_stream_flush(wire.client) < 0;
	}
	CHECK(!late);
	wire_end();
	free(data);
	free(got);
	return 0;
}

WIRE_CASE(a_write_that_ended_part_way_tears_the_stream, 1)
{
	enum { LEN = 8 << 20 };
	char *data = calloc(1, LEN);
	int arrived = 0;

	wire_make();
	/* On a machine that is busy enough the deadline comes before the first byte has left. */
	for (int64_t timeout = WEFT_MILLISECONDS(20); arrived == 0; timeout *= 2) {
		WEFT_WITH_TIMEOUT (timeout)
			CHECK_ERRNO(weft_stream_write_all(wire.client, data, LEN), ETIMEDOUT);
		CHECK_INT(ioctl(weft_stream_fd(wire.server), FIONREAD, &arrived), ==, 0);
	}
	CHECK_ERRNO(weft_stream_write_all(wire.client, data, 1), EPIPE);
	CHECK_ERRNO(weft_stream_flush(wire.client), EPIPE);
	wire_end();
	free(data);
	return 0;
}

WIRE_CASE(a_write_that_is_encrypted_but_not_sent_tears_the_stream_too, 1)
{
	enum { LEN = 30000 };
	char *data = calloc(1, LEN);
	int result = 0;

	wire_make();
	while (result == 0)
		WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
			result = weft_stream_write_all(wire.client, data, LEN);
	CHECK_INT(errno, ==, ETIMEDOUT);
	CHECK_ERRNO(weft_stream_write_all(wire.client, data, 1), EPIPE);
	wire_end();
	free(data);
	return 0;
}

WIRE_CASE(a_record_that_was_read_in_part_needs_no_other_to_be_read_on, 1)
{
	enum { LEN = 16000, FIRST = 5000 };
	char *data = malloc(LEN), *got = malloc(LEN);
	const char *line;

	fill_pattern(data, LEN);
	for (int i = 0; i < LEN; i++)
		if (data[i] == '\n')
			data[i] = ' ';
	data[LEN - 1] = '\n';
	wire_make();
	CHECK_INT(weft_stream_write_all(wire.server, data, LEN), ==, 0);
	CHECK_INT(weft_stream_flush(wire.server), ==, 0);
	CHECK_INT(weft_stream_read(wire.client, got, FIRST), ==, FIRST);
	CHECK_INT(weft_stream_read(wire.client, got + FIRST, FIRST), ==, FIRST);
	CHECK_MEM(got, data, 2 * FIRST);
	CHECK_INT(weft_stream_readline(wire.client, &line), ==, LEN - 2 * FIRST);
	CHECK_MEM(line, data + 2 * FIRST, LEN - 2 * FIRST);
	wire_end();
	free(data);
	free(got);
	return 0;
}

static int read_for_ever(void *arg)
{
	char byte;

	return weft_stream_read(arg, &byte, 1) < 0 ? errno : 0;
}

WIRE_CASE(a_cancelled_reader_leaves_the_stream_whole, 1)
{
	weft_fiber_id reader;
	int code;

	wire_make();
	reader = weft_spawn(read_for_ever, wire.client);
	weft_yield();
	weft_cancel(reader);
	CHECK_INT(weft_join(reader, &code, WEFT_FOREVER), ==, 0);
	CHECK_INT(code, ==, ECANCELED);
	say(wire.server, "hello\n");
	hear(wire.client, "hello\n");
	wire_end();
	return 0;
}

CHECK_MAIN()
