/* test_stream_read.c - the reading half of streams: nothing lost, nothing invented, all bounded.
 * check: drivers
 */
#include "weft/stream.h"

#include <netinet/in.h>
#include <sched.h>

#include "base/prng.h"
#include "both.h"
#include "io/stream.h"
#include "weft/scope.h"
#include "weft/socket.h"

/*
 * Each write to a SOCK_SEQPACKET pair is received alone: that is a byte stream whose
 * splits the test chooses.
 */
static struct weft_stream *split_stream(const char *text, size_t len, const size_t *cuts, int count)
{
	struct weft_stream *stream;
	size_t start = 0;
	int fds[2];

	make_pair(SOCK_SEQPACKET, fds);
	for (int i = 0; i <= count; i++) {
		size_t end = i < count ? cuts[i] : len;

		if (end > start)
			CHECK_INT(send(fds[1], text + start, end - start, 0), ==, end - start);
		start = end;
	}
	close(fds[1]);
	stream = weft_stream_new(fds[0]);
	CHECK(stream != NULL);
	return stream;
}

static void check_lines(struct weft_stream *stream, const char *text, size_t len)
{
	size_t start = 0;
	const char *line;

	while (start < len) {
		const char *newline = memchr(text + start, '\n', len - start);
		size_t end = newline ? (size_t)(newline - text) + 1 : len;

		CHECK_INT(weft_stream_readline(stream, &line), ==, end - start);
		CHECK_MEM(line, text + start, end - start);
		start = end;
	}
	CHECK_INT(weft_stream_readline(stream, &line), ==, 0);
	CHECK_INT(weft_stream_readline(stream, &line), ==, 0);
}

BOTH_CASE(lines_are_the_same_however_the_bytes_arrive)
{
	static const char text[] = "one\n\n\ntwo three\r\n.\nlast";
	size_t len = sizeof(text) - 1;

	for (size_t i = 0; i < len; i++) {
		for (size_t j = i; j < len; j++) {
			const size_t cuts[] = {i, j};
			struct weft_stream *stream = split_stream(text, len, cuts, 2);

			check_lines(stream, text, len);
			weft_stream_free(stream);
		}
	}
}

BOTH_CASE(exact_reads_and_peeks_are_the_same_however_the_bytes_arrive)
{
	static const char text[] = "0123456789abcdef";
	size_t len = sizeof(text) - 1;

	for (size_t i = 0; i < len; i++) {
		for (size_t j = i; j < len; j++) {
			const size_t cuts[] = {i, j};
			struct weft_stream *stream = split_stream(text, len, cuts, 2);
			const char *data;
			char head[3], rest[8];

			CHECK_INT(weft_stream_peek(stream, 5, &data), >=, 5);
			CHECK_MEM(data, text, 5);
			CHECK_INT(weft_stream_read_exactly(stream, head, 3), ==, 0);
			CHECK_MEM(head, text, 3);
			CHECK_INT(weft_stream_peek(stream, 4, &data), >=, 4);
			CHECK_MEM(data, text + 3, 4);
			weft_stream_consume(stream, 4);
			CHECK_INT(weft_stream_read_exactly(stream, rest, 8), ==, 0);
			CHECK_MEM(rest, text + 7, 8);
			CHECK_INT(weft_stream_peek(stream, 5, &data), ==, 1);
			CHECK_MEM(data, text + 15, 1);
			weft_stream_free(stream);
		}
	}
}

/* ---- Random mixes against the plain text ---------------------------------------------------- */

enum { MIX_LEN = 60000 };

struct mix {
	struct prng prng, peer_prng;
	char text[MIX_LEN];
	size_t at; /* read so far */
	int fd;    /* the peer's */
};

static void *mix_peer(void *arg)
{
	struct mix *mix = arg;
	struct prng prng = mix->peer_prng;
	size_t sent = 0;

	while (sent < MIX_LEN) {
		size_t len = 1 + prng_below(&prng, prng_below(&prng, 4) == 0 ? 20000 : 60);

		if (len > MIX_LEN - sent)
			len = MIX_LEN - sent;
		CHECK_INT(write(mix->fd, mix->text + sent, len), ==, len);
		sent += len;
		if (prng_below(&prng, 8) == 0)
			sched_yield();
	}
	close(mix->fd);
	return NULL;
}

static void mix_read(struct mix *mix, struct weft_stream *stream)
{
	size_t left = MIX_LEN - mix->at, size = 1 + prng_below(&mix->prng, 6000);
	static char buffer[6000];
	const char *data = buffer;
	ssize_t count = 0;

	switch (prng_below(&mix->prng, 4)) {
	case 0:
		count = weft_stream_read(stream, buffer, size);
		CHECK_INT(count, <=, size);
		break;
	case 1:
		count = (ssize_t)(size < left ? size : left);
		CHECK_INT(weft_stream_read_exactly(stream, buffer, (size_t)count), ==, 0);
		break;
	case 2:
		count = weft_stream_readline(stream, &data);
		if (count > 0 && data[count - 1] != '\n')
			CHECK_INT(count, ==, left);
		if (count > 1)
			CHECK(memchr(data, '\n', (size_t)count - 1) == NULL);
		break;
	default:
		count = weft_stream_peek(stream, size, &data);
		CHECK_INT(count, >=, size < left ? size : left);
		CHECK_MEM(data, mix->text + mix->at, (size_t)count);
		count = (ssize_t)prng_below(&mix->prng, (uint64_t)count + 1);
		weft_stream_consume(stream, (size_t)count);
		return (void)(mix->at += (size_t)count);
	}
	CHECK_INT(count, >, 0);
	CHECK_MEM(data, mix->text + mix->at, (size_t)count);
	mix->at += (size_t)count;
}

BOTH_CASE(any_mix_of_reads_yields_the_bytes_in_order)
{
	for (unsigned round = 0; round < check_rounds(20); round++) {
		static struct mix mix;
		struct weft_stream *stream;
		const char *line;
		pthread_t peer;
		int fds[2];

		mix = (struct mix){.prng = {round * 1000}, .peer_prng = {round * 1000 + 1}};
		fill_pattern(mix.text, MIX_LEN);
		for (size_t i = 0; i < MIX_LEN; i++)
			if (mix.text[i] == '\n' || prng_below(&mix.prng, 50) == 0)
				mix.text[i] = prng_below(&mix.prng, 4) ? '\n' : 'x';
		make_pair(SOCK_STREAM, fds);
		mix.fd = fds[1];
		stream = weft_stream_new(fds[0]);
		peer = peer_start(mix_peer, &mix);
		while (mix.at < MIX_LEN)
			mix_read(&mix, stream);
		CHECK_INT(weft_stream_readline(stream, &line), ==, 0);
		peer_end(peer);
		weft_stream_free(stream);
	}
}

/* ---- Bounds ------------------------------------------------------------------------------------
 */

static void *send_all_and_close(void *arg);

struct sending {
	int fd;
	const char *data;
	size_t len;
};

static void *send_all_and_close(void *arg)
{
	struct sending *sending = arg;
	size_t sent = 0;

	while (sent < sending->len) {
		ssize_t count = write(sending->fd, sending->data + sent, sending->len - sent);

		CHECK_INT(count, >, 0);
		sent += (size_t)count;
	}
	close(sending->fd);
	return NULL;
}

BOTH_CASE(a_line_may_be_as_long_as_the_bound_and_no_longer)
{
	static char text[2 * WEFT_STREAM_LINE_MAX + 1];
	struct sending sending = {.data = text, .len = sizeof(text)};
	struct weft_stream *stream;
	const char *line;
	pthread_t peer;
	int fds[2];

	memset(text, 'a', sizeof(text));
	text[WEFT_STREAM_LINE_MAX - 1] = '\n';
	text[sizeof(text) - 1] = '\n';
	make_pair(SOCK_STREAM, fds);
	sending.fd = fds[1];
	peer = peer_start(send_all_and_close, &sending);
	stream = weft_stream_new(fds[0]);
	CHECK_INT(weft_stream_readline(stream, &line), ==, WEFT_STREAM_LINE_MAX);
	CHECK_MEM(line, text, WEFT_STREAM_LINE_MAX);
	CHECK_ERRNO(weft_stream_readline(stream, &line), EMSGSIZE);
	CHECK_ERRNO(weft_stream_readline(stream, &line), EMSGSIZE);
	CHECK_INT(weft_stream_peek(stream, WEFT_STREAM_LINE_MAX + 1, &line), ==,
		WEFT_STREAM_LINE_MAX + 1);
	/* Nothing was consumed, so the caller can still skip to the line's end. */
	weft_stream_consume(stream, WEFT_STREAM_LINE_MAX);
	CHECK_INT(weft_stream_readline(stream, &line), ==, 1);
	CHECK(line[0] == '\n');
	CHECK_INT(weft_stream_readline(stream, &line), ==, 0);
	peer_end(peer);
	weft_stream_free(stream);
}

BOTH_CASE(a_line_one_byte_over_the_bound_is_refused)
{
	static char text[WEFT_STREAM_LINE_MAX + 1];
	struct weft_stream *stream;
	const char *line;

	memset(text, 'a', sizeof(text));
	text[WEFT_STREAM_LINE_MAX] = '\n';
	stream = split_stream(text, sizeof(text), NULL, 0);
	CHECK_ERRNO(weft_stream_readline(stream, &line), EMSGSIZE);
	CHECK_INT(weft_stream_peek(stream, 1, &line), ==, sizeof(text));
	weft_stream_free(stream);
}

BOTH_CASE(an_exact_read_tells_a_clean_end_from_a_torn_one)
{
	struct weft_stream *stream = split_stream("abc", 3, NULL, 0);
	char buffer[8];

	CHECK_INT(weft_stream_read_exactly(stream, buffer, 0), ==, 0);
	CHECK_INT(weft_stream_read_exactly(stream, buffer, 2), ==, 0);
	CHECK_ERRNO(weft_stream_read_exactly(stream, buffer, 2), EPIPE);
	CHECK_ERRNO(weft_stream_read_exactly(stream, buffer, 2), ENODATA);
	weft_stream_free(stream);
}

BOTH_CASE(a_peek_may_ask_for_the_whole_buffer_and_no_more)
{
	static char text[WEFT_STREAM_BUFFER_SIZE + 100];
	struct sending sending = {.data = text, .len = sizeof(text)};
	struct weft_stream *stream;
	const char *data;
	pthread_t peer;
	int fds[2];

	fill_pattern(text, sizeof(text));
	make_pair(SOCK_STREAM, fds);
	sending.fd = fds[1];
	peer = peer_start(send_all_and_close, &sending);
	stream = weft_stream_new(fds[0]);
	CHECK_ERRNO(weft_stream_peek(stream, WEFT_STREAM_BUFFER_SIZE + 1, &data), EINVAL);
	CHECK_INT(weft_stream_peek(stream, 10, &data), >=, 10);
	weft_stream_consume(stream, 10);
	CHECK_INT(weft_stream_peek(stream, WEFT_STREAM_BUFFER_SIZE, &data), ==,
		WEFT_STREAM_BUFFER_SIZE);
	CHECK_MEM(data, text + 10, WEFT_STREAM_BUFFER_SIZE);
	weft_stream_consume(stream, WEFT_STREAM_BUFFER_SIZE);
	CHECK_INT(weft_stream_peek(stream, 200, &data), ==, 90);
	CHECK_MEM(data, text + 10 + WEFT_STREAM_BUFFER_SIZE, 90);
	peer_end(peer);
	weft_stream_free(stream);
}

BOTH_CASE(a_peek_of_nothing_does_not_wait)
{
	struct weft_stream *stream;
	const char *data = NULL;
	int fds[2];

	make_pair(SOCK_STREAM, fds);
	stream = weft_stream_new(fds[0]);
	CHECK_INT(weft_stream_peek(stream, 0, &data), ==, 0);
	CHECK(data != NULL);
	weft_stream_consume(stream, 1);
	weft_stream_free(stream);
	close(fds[1]);
}

BOTH_CASE(a_large_read_goes_past_the_buffer)
{
	static char text[30000], got[30000];
	struct weft_stream *stream;
	size_t at;
	int fds[2];

	fill_pattern(text, sizeof(text));
	make_pair(SOCK_STREAM, fds);
	CHECK_INT(write(fds[1], text, sizeof(text)), ==, sizeof(text));
	stream = weft_stream_new(fds[0]);
	CHECK_INT(weft_stream_read(stream, got, sizeof(got)), ==, sizeof(got));
	CHECK_MEM(got, text, sizeof(got));
	CHECK(stream->in.data == NULL);
	/* With bytes in the buffer, those come first. */
	CHECK_INT(write(fds[1], text, sizeof(text)), ==, sizeof(text));
	CHECK_INT(weft_stream_read(stream, got, 10), ==, 10);
	at = 10;
	while (at < sizeof(got)) {
		ssize_t count = weft_stream_read(stream, got + at, sizeof(got) - at);

		CHECK_INT(count, >, 0);
		at += (size_t)count;
	}
	CHECK_MEM(got, text, sizeof(got));
	weft_stream_free(stream);
	close(fds[1]);
}

BOTH_CASE(a_pipe_is_read_like_a_socket)
{
	struct weft_stream *stream;
	const char *line;
	int fds[2];

	CHECK_INT(pipe(fds), ==, 0);
	CHECK_INT(write(fds[1], "one\ntwo", 7), ==, 7);
	close(fds[1]);
	stream = weft_stream_new(fds[0]);
	CHECK_INT(weft_stream_readline(stream, &line), ==, 4);
	CHECK_INT(weft_stream_readline(stream, &line), ==, 3);
	CHECK_INT(weft_stream_readline(stream, &line), ==, 0);
	CHECK_INT(weft_stream_local(stream)->len, ==, 0);
	CHECK_INT(weft_stream_peer(stream)->len, ==, 0);
	weft_stream_free(stream);
}

/* ---- Deadlines and cancelling
 * -------------------------------------------------------------------- */

BOTH_CASE(a_late_line_times_out_and_loses_nothing)
{
	struct weft_stream *stream;
	const char *line;
	int fds[2];

	make_pair(SOCK_STREAM, fds);
	stream = weft_stream_new(fds[0]);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_stream_readline(stream, &line), ETIMEDOUT);
	CHECK_INT(write(fds[1], "first half, ", 12), ==, 12);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_stream_readline(stream, &line), ETIMEDOUT);
	CHECK_INT(write(fds[1], "second half\n", 12), ==, 12);
	CHECK_INT(weft_stream_readline(stream, &line), ==, 24);
	CHECK_MEM(line, "first half, second half\n", 24);
	weft_stream_free(stream);
	close(fds[1]);
}

BOTH_CASE(an_expired_scope_fails_even_what_is_buffered)
{
	struct weft_stream *stream = split_stream("one\ntwo\n", 8, NULL, 0);
	const char *line;
	char byte;

	CHECK_INT(weft_stream_readline(stream, &line), ==, 4);
	WEFT_WITH_TIMEOUT (0) {
		CHECK_ERRNO(weft_stream_readline(stream, &line), ETIMEDOUT);
		CHECK_ERRNO(weft_stream_read(stream, &byte, 1), ETIMEDOUT);
		CHECK_ERRNO(weft_stream_read_exactly(stream, &byte, 1), ETIMEDOUT);
		CHECK_ERRNO(weft_stream_peek(stream, 1, &line), ETIMEDOUT);
		CHECK_INT(weft_stream_peek(stream, 0, &line), ==, 4);
	}
	CHECK_INT(weft_stream_readline(stream, &line), ==, 4);
	weft_stream_free(stream);
}

BOTH_CASE(a_reset_by_the_peer_is_econnreset)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct linger at_once = {.l_onoff = 1};
	int listening = socket(AF_INET, SOCK_STREAM, 0), peer = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(address);
	struct weft_stream *stream;
	const char *line;

	CHECK_INT(bind(listening, (struct sockaddr *)&address, len), ==, 0);
	CHECK_INT(listen(listening, 1), ==, 0);
	CHECK_INT(getsockname(listening, (struct sockaddr *)&address, &len), ==, 0);
	CHECK_INT(connect(peer, (struct sockaddr *)&address, len), ==, 0);
	stream = weft_stream_new(accept(listening, NULL, NULL));
	CHECK_INT(write(peer, "no newline", 10), ==, 10);
	CHECK_INT(weft_stream_peek(stream, 10, &line), ==, 10);
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(peer);
	CHECK_ERRNO(weft_stream_readline(stream, &line), ECONNRESET);
	CHECK_INT(weft_stream_peek(stream, 0, &line), ==, 10);
	weft_stream_free(stream);
	close(listening);
}

static bool has_read;

static int read_until_cancelled(void *arg)
{
	const char *line;

	CHECK_INT(weft_stream_readline(arg, &line), ==, 4);
	CHECK_MEM(line, "one\n", 4);
	has_read = true;
	CHECK_ERRNO(weft_stream_readline(arg, &line), ECANCELED);
	return 7;
}

static int cancel_a_reader(void *arg)
{
	struct weft_stream *stream;
	weft_fiber_id reader;
	int fds[2], result;

	(void)arg;
	make_pair(SOCK_STREAM, fds);
	stream = weft_stream_new(fds[0]);
	reader = weft_spawn(read_until_cancelled, stream);
	weft_yield();
	/* It waits now, for the first byte: an idle connection costs no buffer. */
	CHECK(stream->in.data == NULL);
	CHECK_INT(write(fds[1], "one\n", 4), ==, 4);
	while (!has_read)
		weft_sleep(WEFT_MILLISECONDS(1));
	/* Nor while it waits for the next line. */
	CHECK(stream->in.data == NULL);
	CHECK_INT(weft_cancel(reader), ==, 0);
	CHECK_INT(weft_join(reader, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 7);
	CHECK(stream->in.data == NULL);
	weft_stream_free(stream);
	close(fds[1]);
	return 0;
}

CHECK_CASE(a_cancelled_reader_ends_and_an_idle_one_holds_no_buffer)
{
	const struct weft_run_options one = {.workers = 1};

	CHECK_INT(weft_run(&one, cancel_a_reader, NULL), ==, 0);
}

CHECK_CASE(only_an_open_descriptor_makes_a_stream)
{
	CHECK_ERRNO(weft_stream_new(-1), EBADF);
	CHECK_ERRNO(weft_stream_new(0x7fffffff), EBADF);
	weft_stream_free(NULL);
}

CHECK_MAIN()
