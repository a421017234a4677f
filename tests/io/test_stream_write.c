/* test_stream_write.c - the writing half of streams: all of it, in order, or a clear error.
 * check: drivers
 */
#include "weft/stream.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/prng.h"
#include "both.h"
#include "io/stream.h"
#include "weft/scope.h"
#include "weft/socket.h"

/* ---- A peer that collects ---------------------------------------------------------------- */

struct collector {
	int fd;
	size_t chunk; /* the most it reads at once */
	size_t len, size;
	char *data;
	pthread_t thread;
};

static void *collect(void *arg)
{
	struct collector *collector = arg;
	ssize_t count;

	do {
		size_t room = collector->size - collector->len;

		count = read(collector->fd, collector->data + collector->len,
			collector->chunk < room ? collector->chunk : room);
		CHECK_INT(count, >=, 0);
		collector->len += (size_t)count;
		if (collector->len % 5 == 0)
			sched_yield();
	} while (count > 0);
	return NULL;
}

static void collector_start(struct collector *collector, int fd, size_t size, size_t chunk)
{
	*collector = (struct collector){.fd = fd, .chunk = chunk, .size = size};
	collector->data = malloc(size);
	CHECK(collector->data != NULL);
	collector->thread = peer_start(collect, collector);
}

static void collector_check(struct collector *collector, const char *expected, size_t len)
{
	peer_end(collector->thread);
	CHECK_INT(collector->len, ==, len);
	CHECK_MEM(collector->data, expected, len);
	free(collector->data);
	close(collector->fd);
}

static struct weft_stream *stream_to_collector(
	struct collector *collector, size_t size, size_t chunk)
{
	struct weft_stream *stream;
	int fds[2], small = 1;

	make_pair(SOCK_STREAM, fds);
	/* The smallest buffer that the kernel has, so that many a send ends part-way. */
	CHECK_INT(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), ==, 0);
	stream = weft_stream_new(fds[0]);
	CHECK(stream != NULL);
	collector_start(collector, fds[1], size, chunk);
	return stream;
}

/* ---- Buffering ----------------------------------------------------------------------------- */

BOTH_CASE(small_writes_leave_together_at_the_flush)
{
	struct weft_stream *stream;
	char got[64];
	int fds[2];

	make_pair(SOCK_SEQPACKET, fds);
	stream = weft_stream_new(fds[0]);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	CHECK(stream->out.data == NULL);
	CHECK_INT(weft_stream_write_all(stream, "one ", 4), ==, 0);
	CHECK_INT(weft_stream_write_all(stream, "", 0), ==, 0);
	CHECK_INT(weft_stream_printf(stream, "%s %d", "two", 3), ==, 0);
	CHECK_ERRNO(recv(fds[1], got, sizeof(got), MSG_DONTWAIT), EAGAIN);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	CHECK_INT(recv(fds[1], got, sizeof(got), 0), ==, 9);
	CHECK_MEM(got, "one two 3", 9);
	CHECK(stream->out.data == NULL);
	weft_stream_free(stream);
	close(fds[1]);
}

BOTH_CASE(what_does_not_fit_leaves_behind_what_was_buffered_in_one_call)
{
	static char big[WEFT_STREAM_BUFFER_SIZE], got[2 * WEFT_STREAM_BUFFER_SIZE];
	struct weft_stream *stream;
	int fds[2];

	fill_pattern(big, sizeof(big));
	make_pair(SOCK_SEQPACKET, fds);
	stream = weft_stream_new(fds[0]);
	CHECK_INT(weft_stream_write_all(stream, "head", 4), ==, 0);
	CHECK_INT(weft_stream_write_all(stream, big, sizeof(big)), ==, 0);
	CHECK_INT(recv(fds[1], got, sizeof(got), MSG_DONTWAIT), ==, 4 + sizeof(big));
	CHECK_MEM(got, "head", 4);
	CHECK_MEM(got + 4, big, sizeof(big));
	/* A large one with nothing before it isn't copied at all. */
	CHECK_INT(weft_stream_write_all(stream, big, WEFT__STREAM_DIRECT_MIN), ==, 0);
	CHECK(stream->out.data == NULL);
	CHECK_INT(recv(fds[1], got, sizeof(got), MSG_DONTWAIT), ==, WEFT__STREAM_DIRECT_MIN);
	weft_stream_free(stream);
	close(fds[1]);
}

BOTH_CASE(parts_go_out_in_order_with_what_was_buffered_first)
{
	static const char text[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	enum { COUNT = sizeof(text) - 1 };
	struct collector collector;
	struct weft_stream *stream = stream_to_collector(&collector, 1024, 1024);
	struct iovec parts[2 * COUNT];

	/* More parts than one call sends, every second one empty. */
	for (size_t i = 0; i < COUNT; i++) {
		parts[2 * i] = (struct iovec){NULL, 0};
		parts[2 * i + 1] = (struct iovec){(char *)text + i, 1};
	}
	CHECK_INT(weft_stream_write_all(stream, "head ", 5), ==, 0);
	CHECK_INT(weft_stream_writev_all(stream, parts, 2 * COUNT), ==, 0);
	CHECK_INT(weft_stream_writev_all(stream, NULL, 0), ==, 0);
	CHECK_ERRNO(weft_stream_writev_all(stream, parts, -1), EINVAL);
	CHECK_INT(weft_stream_write_all(stream, " tail", 5), ==, 0);
	CHECK_INT(weft_stream_writev_all(stream, NULL, 0), ==, 0);
	weft_stream_free(stream);
	collector_check(&collector,
		"head abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ tail",
		COUNT + 10);
}

BOTH_CASE(what_was_not_flushed_is_dropped_by_free)
{
	struct collector collector;
	struct weft_stream *stream = stream_to_collector(&collector, 64, 64);

	CHECK_INT(weft_stream_write_all(stream, "sent", 4), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	CHECK_INT(weft_stream_write_all(stream, "never", 5), ==, 0);
	weft_stream_free(stream);
	collector_check(&collector, "sent", 4);
}

BOTH_CASE(formatted_output_is_bounded_by_the_buffer)
{
	static char text[WEFT_STREAM_BUFFER_SIZE + 1], expected[WEFT_STREAM_BUFFER_SIZE + 64];
	struct collector collector;
	struct weft_stream *stream = stream_to_collector(&collector, sizeof(expected), 4096);

	memset(text, 'x', sizeof(text) - 1);
	CHECK_ERRNO(weft_stream_printf(stream, "%s", text), EMSGSIZE);
	CHECK_INT(weft_stream_printf(stream, "head "), ==, 0);
	CHECK_ERRNO(weft_stream_printf(stream, "%s", text), EMSGSIZE);
	/* The longest that is allowed, which makes room for itself. */
	CHECK_INT(weft_stream_printf(stream, "%s", text + 1), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	weft_stream_free(stream);
	memset(expected, 'x', sizeof(expected));
	memcpy(expected, "head ", 5);
	collector_check(&collector, expected, 5 + WEFT_STREAM_BUFFER_SIZE - 1);
}

/* ---- Volume ------------------------------------------------------------------------------------
 */

BOTH_CASE(megabytes_reach_a_slow_reader_whole)
{
	size_t len = (size_t)4 << 20;
	char *data = malloc(len);
	struct collector collector;
	struct weft_stream *stream = stream_to_collector(&collector, len + 1, 5000);

	fill_pattern(data, len);
	CHECK_INT(weft_stream_write_all(stream, data, 100), ==, 0);
	CHECK_INT(weft_stream_write_all(stream, data + 100, len - 100), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	weft_stream_free(stream);
	collector_check(&collector, data, len);
	free(data);
}

BOTH_CASE(what_is_tried_is_taken_in_order_and_never_waits)
{
	size_t len = (size_t)1 << 20, sent = 0, tries = 0;
	char *data = malloc(len + 10), *got = malloc(len + 10);
	struct weft_stream *stream;
	ssize_t count;
	int fds[2];

	fill_pattern(data, len + 10);
	make_pair(SOCK_STREAM, fds);
	stream = weft_stream_new(fds[0]);
	CHECK_INT(weft_stream_try_write(stream, NULL, 0), ==, 0);
	CHECK_INT(weft_stream_write_all(stream, data, 10), ==, 0);
	/* What was buffered goes first; nobody reads, so it ends. */
	while ((count = weft_stream_try_write(stream, data + 10 + sent, len - sent)) >= 0) {
		sent += (size_t)count;
		CHECK(++tries < 1000);
	}
	CHECK_INT(errno, ==, EAGAIN);
	CHECK(sent > 0 && sent < len);
	CHECK_ERRNO(weft_stream_try_write(stream, data, 1), EAGAIN);
	for (size_t have = 0; have < sent + 10; have += (size_t)count) {
		count = read(fds[1], got + have, len);
		CHECK_INT(count, >, 0);
	}
	CHECK_MEM(got, data, sent + 10);
	CHECK_INT(weft_stream_try_write(stream, data, 1), ==, 1);
	close(fds[1]);
	CHECK_INT(weft_stream_try_write(stream, data, 1), <, 0);
	CHECK_INT(errno, ==, EPIPE);
	weft_stream_free(stream);
	free(data);
	free(got);
}

/* A pair over TCP; the one that is to be slow has a small buffer. */
static void make_slow_pair(int fds[2])
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	const int small = 1 << 16;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_INT(bind(listener, (struct sockaddr *)&at, len), ==, 0);
	CHECK_INT(listen(listener, 1), ==, 0);
	CHECK_INT(getsockname(listener, (struct sockaddr *)&at, &len), ==, 0);
	fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_INT(setsockopt(fds[1], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), ==, 0);
	CHECK_INT(connect(fds[1], (struct sockaddr *)&at, len), ==, 0);
	fds[0] = accept(listener, NULL, NULL);
	CHECK_INT(fds[0], >=, 0);
	close(listener);
}

CHECK_CASE(what_the_kernel_holds_for_a_slow_peer_can_be_bounded)
{
	enum { MAX = 64 * 1024, PIECE = 16 * 1024 };
	struct weft_stream *stream;
	char data[PIECE] = {0};
	size_t sent = 0;
	ssize_t count;
	int fds[2];

	make_slow_pair(fds);
	stream = weft_stream_new(fds[0]);
	CHECK_ERRNO(weft_stream_bound_unsent(stream, 0), EINVAL);
	CHECK_ERRNO(weft_stream_bound_unsent(stream, SIZE_MAX), EINVAL);
	CHECK_INT(weft_stream_bound_unsent(stream, MAX), ==, 0);
	while ((count = weft_stream_try_write(stream, data, PIECE)) >= 0)
		sent += (size_t)count;
	CHECK_INT(errno, ==, EAGAIN);
	/* The kernel counts its own part, and rounds; and what the peer's holds is not bounded. */
	CHECK(sent > MAX / 2 && sent < 6 * MAX);
	weft_stream_free(stream);
	close(fds[1]);
}

static int count_turns(void *arg)
{
	unsigned *turns = arg;

	while (weft_yield(), !weft_interrupted())
		++*turns;
	return 0;
}

/* A buffer that many share must not become another's between what is put in and what is sent. */
static int try_beside_another(void *arg)
{
	unsigned turns = 0;
	struct weft_stream *stream;
	weft_fiber_id other;
	int fds[2];

	(void)arg;
	make_pair(SOCK_STREAM, fds);
	stream = weft_stream_new(fds[0]);
	other = weft_spawn(count_turns, &turns);
	for (int i = 0; i < 200; i++)
		CHECK_INT(weft_stream_try_write(stream, "x", 1), ==, 1);
	CHECK_INT(turns, ==, 0);
	weft_yield();
	weft_cancel(other);
	weft_join(other, NULL, WEFT_FOREVER);
	weft_stream_free(stream);
	close(fds[1]);
	return 0;
}

CHECK_CASE(who_tries_to_write_gives_way_to_nobody)
{
	const struct weft_run_options one = {.workers = 1};

	CHECK_INT(weft_run(&one, try_beside_another, NULL), ==, 0);
}

static size_t write_at_random(struct weft_stream *stream, struct prng *prng, const char *data)
{
	size_t len = prng_below(prng, prng_below(prng, 5) == 0 ? 40000 : 300);
	size_t third = len / 3;
	const struct iovec parts[] = {{(char *)data, third}, {(char *)data + third, 0},
		{(char *)data + third, len - third}};

	switch (prng_below(prng, 4)) {
	case 0:
		CHECK_INT(weft_stream_writev_all(stream, parts, 3), ==, 0);
		break;
	case 1:
		len = len < 300 ? len : 300;
		CHECK_INT(weft_stream_printf(stream, "%.*s", (int)len, data), ==, 0);
		break;
	case 2:
		CHECK_INT(weft_stream_flush(stream), ==, 0);
		return 0;
	default:
		CHECK_INT(weft_stream_write_all(stream, data, len), ==, 0);
	}
	return len;
}

BOTH_CASE(any_mix_of_writes_arrives_in_order)
{
	enum { LEN = 400000, MARGIN = 40000 };
	static char data[LEN + MARGIN];

	fill_pattern(data, sizeof(data));
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = data[i] ? data[i] : 1; /* printf() ends at a NUL */
	for (unsigned round = 0; round < check_rounds(10); round++) {
		struct prng prng = {round};
		struct collector collector;
		struct weft_stream *stream = stream_to_collector(&collector, sizeof(data), 30000);
		size_t sent = 0;

		while (sent < LEN)
			sent += write_at_random(stream, &prng, data + sent);
		CHECK_INT(weft_stream_shutdown_write(stream), ==, 0);
		collector_check(&collector, data, sent);
		weft_stream_free(stream);
	}
}

BOTH_CASE(a_pipe_is_written_like_a_socket)
{
	struct collector collector;
	struct weft_stream *stream;
	size_t len = 300000;
	char *data = malloc(len);
	int fds[2];

	fill_pattern(data, len);
	CHECK_INT(pipe(fds), ==, 0);
	stream = weft_stream_new(fds[1]);
	collector_start(&collector, fds[0], len + 1, 7000);
	CHECK_INT(weft_stream_write_all(stream, data, 50), ==, 0);
	CHECK_INT(weft_stream_write_all(stream, data + 50, len - 50), ==, 0);
	CHECK_ERRNO(weft_stream_shutdown_write(stream), ENOTSOCK);
	weft_stream_free(stream);
	collector_check(&collector, data, len);
	free(data);
}

/* ---- Files
 * ---------------------------------------------------------------------------------------- */

static int make_file(const char *data, size_t len)
{
	int fd = memfd_create("weft-test", MFD_CLOEXEC);

	CHECK_INT(write(fd, data, len), ==, len);
	return fd;
}

BOTH_CASE(a_file_is_sent_from_its_offset_behind_what_was_buffered)
{
	size_t len = (size_t)3 << 20;
	char *data = malloc(len);
	struct collector collector;
	struct weft_stream *stream = stream_to_collector(&collector, len, 60000);
	int file;

	fill_pattern(data, len);
	file = make_file(data, len);
	CHECK_INT(weft_stream_write_all(stream, data, 500), ==, 0);
	CHECK_INT(weft_stream_sendfile(stream, file, 500, len - 600), ==, 0);
	CHECK_INT(weft_stream_sendfile(stream, file, 0, 0), ==, 0);
	CHECK_INT(weft_stream_write_all(stream, data + len - 100, 100), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	CHECK_INT(lseek(file, 0, SEEK_CUR), ==, len);
	weft_stream_free(stream);
	collector_check(&collector, data, len);
	close(file);
	free(data);
}

BOTH_CASE(a_file_that_is_shorter_is_enodata_and_tears_the_stream)
{
	struct collector collector;
	struct weft_stream *stream = stream_to_collector(&collector, 64, 64);
	int file = make_file("0123456789", 10);

	CHECK_ERRNO(weft_stream_sendfile(stream, file, 10, 1), ENODATA);
	CHECK_INT(weft_stream_sendfile(stream, file, 0, 10), ==, 0);
	CHECK_ERRNO(weft_stream_sendfile(stream, file, 5, 6), ENODATA);
	CHECK_ERRNO(weft_stream_write_all(stream, "x", 1), EPIPE);
	CHECK_ERRNO(weft_stream_flush(stream), EPIPE);
	weft_stream_free(stream);
	collector_check(&collector, "012345678956789", 15);
	close(file);
}

/* ---- Ends and failures
 * ------------------------------------------------------------------------------ */

BOTH_CASE(half_closed_the_peer_reads_the_end_and_is_still_heard)
{
	struct weft_stream *stream;
	const char *line;
	char got[16];
	int fds[2];

	make_pair(SOCK_STREAM, fds);
	stream = weft_stream_new(fds[0]);
	CHECK_INT(weft_stream_write_all(stream, "question", 8), ==, 0);
	CHECK_INT(weft_stream_shutdown_write(stream), ==, 0);
	CHECK_INT(read(fds[1], got, sizeof(got)), ==, 8);
	CHECK_INT(read(fds[1], got, sizeof(got)), ==, 0);
	CHECK_INT(write(fds[1], "answer\n", 7), ==, 7);
	CHECK_INT(weft_stream_readline(stream, &line), ==, 7);
	CHECK_INT(weft_stream_write_all(stream, "late", 4), ==, 0);
	CHECK_ERRNO(weft_stream_flush(stream), EPIPE);
	weft_stream_free(stream);
	close(fds[1]);
}

BOTH_CASE(a_peer_that_has_gone_is_epipe_and_never_sigpipe)
{
	static const char data[20000];
	int fds[2], pipe_fds[2];
	struct weft_stream *stream;

	make_pair(SOCK_STREAM, fds);
	stream = weft_stream_new(fds[0]);
	close(fds[1]);
	CHECK_INT(weft_stream_write_all(stream, "x", 1), ==, 0);
	CHECK_ERRNO(weft_stream_flush(stream), EPIPE);
	CHECK_ERRNO(weft_stream_write_all(stream, data, sizeof(data)), EPIPE);
	weft_stream_free(stream);

	CHECK_INT(pipe(pipe_fds), ==, 0);
	stream = weft_stream_new(pipe_fds[1]);
	close(pipe_fds[0]);
	CHECK_ERRNO(weft_stream_write_all(stream, data, sizeof(data)), EPIPE);
	weft_stream_free(stream);
}

/* Fill the socket's own buffer, so that the next byte must wait. Returns the bytes it took. */
static size_t stuff(int fd)
{
	static const char zeros[4096];
	size_t total = 0;
	ssize_t count;

	while ((count = send(fd, zeros, sizeof(zeros), MSG_DONTWAIT)) > 0)
		total += (size_t)count;
	while ((count = send(fd, zeros, 1, MSG_DONTWAIT)) > 0)
		total += (size_t)count;
	CHECK_INT(errno, ==, EAGAIN);
	return total;
}

static void drain(int fd, size_t len)
{
	char got[4096];

	while (len > 0) {
		ssize_t count = read(fd, got, len < sizeof(got) ? len : sizeof(got));

		CHECK_INT(count, >, 0);
		len -= (size_t)count;
	}
}

BOTH_CASE(a_flush_that_was_late_keeps_its_bytes_for_the_next)
{
	struct weft_stream *stream;
	size_t stuffed;
	char got[16];
	int fds[2];

	make_pair(SOCK_STREAM, fds);
	stream = weft_stream_new(fds[0]);
	stuffed = stuff(fds[0]);
	CHECK_INT(weft_stream_write_all(stream, "patience", 8), ==, 0);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_stream_flush(stream), ETIMEDOUT);
	drain(fds[1], stuffed);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	CHECK_INT(read(fds[1], got, sizeof(got)), ==, 8);
	CHECK_MEM(got, "patience", 8);
	weft_stream_free(stream);
	close(fds[1]);
}

BOTH_CASE(a_write_that_stopped_part_way_is_the_stream_s_last)
{
	size_t len = (size_t)8 << 20;
	char *data = calloc(1, len);
	struct weft_stream *stream;
	int fds[2], arrived = 0;

	make_pair(SOCK_STREAM, fds);
	stream = weft_stream_new(fds[0]);
	/* On a machine that is busy enough the deadline comes before the first byte has left. */
	for (int64_t timeout = WEFT_MILLISECONDS(5); arrived == 0; timeout *= 2) {
		WEFT_WITH_TIMEOUT (timeout)
			CHECK_ERRNO(weft_stream_write_all(stream, data, len), ETIMEDOUT);
		CHECK_INT(ioctl(fds[1], FIONREAD, &arrived), ==, 0);
	}
	CHECK_ERRNO(weft_stream_write_all(stream, data, 1), EPIPE);
	CHECK_ERRNO(weft_stream_printf(stream, "x"), EPIPE);
	CHECK_ERRNO(weft_stream_flush(stream), EPIPE);
	weft_stream_free(stream);
	close(fds[1]);
	free(data);
}

BOTH_CASE(an_expired_scope_takes_no_bytes)
{
	struct weft_stream *stream;
	char got[16];
	int fds[2];

	make_pair(SOCK_STREAM, fds);
	stream = weft_stream_new(fds[0]);
	WEFT_WITH_TIMEOUT (0) {
		CHECK_ERRNO(weft_stream_write_all(stream, "never", 5), ETIMEDOUT);
		CHECK_ERRNO(weft_stream_printf(stream, "never"), ETIMEDOUT);
		CHECK_ERRNO(weft_stream_flush(stream), ETIMEDOUT);
	}
	CHECK_INT(weft_stream_write_all(stream, "once", 4), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	CHECK_INT(read(fds[1], got, sizeof(got)), ==, 4);
	weft_stream_free(stream);
	close(fds[1]);
}

/* ---- Both halves at once
 * -------------------------------------------------------------------------------- */

static int echo_back(void *arg)
{
	struct weft_stream *stream = arg;
	const char *data;
	ssize_t len;

	while ((len = weft_stream_peek(stream, 1, &data)) > 0) {
		CHECK_INT(weft_stream_write_all(stream, data, (size_t)len), ==, 0);
		CHECK_INT(weft_stream_flush(stream), ==, 0);
		weft_stream_consume(stream, (size_t)len);
	}
	CHECK_INT(len, ==, 0);
	return weft_stream_shutdown_write(stream);
}

struct upload {
	struct weft_stream *stream;
	const char *data;
	size_t len;
};

static int upload(void *arg)
{
	struct upload *job = arg;

	CHECK_INT(weft_stream_write_all(job->stream, job->data, job->len), ==, 0);
	return weft_stream_shutdown_write(job->stream);
}

static int write_in_one_fiber_and_read_in_another(void *arg)
{
	size_t len = (size_t)2 << 20;
	char *data = malloc(len), *got = malloc(len), more;
	struct weft_stream *near, *far;
	struct upload job;
	weft_fiber_id fibers[2];
	int fds[2];

	(void)arg;
	fill_pattern(data, len);
	make_pair(SOCK_STREAM, fds);
	near = weft_stream_new(fds[0]);
	far = weft_stream_new(fds[1]);
	job = (struct upload){near, data, len};
	fibers[0] = weft_spawn(echo_back, far);
	fibers[1] = weft_spawn(upload, &job);
	CHECK_INT(weft_stream_read_exactly(near, got, len), ==, 0);
	CHECK_INT(weft_stream_read(near, &more, 1), ==, 0);
	CHECK_MEM(got, data, len);
	CHECK_INT(weft_join_all(fibers, 2, NULL, WEFT_FOREVER), ==, 2);
	weft_stream_free(near);
	weft_stream_free(far);
	free(data);
	free(got);
	return 0;
}

CHECK_CASE(one_fiber_writes_while_another_reads)
{
	const struct weft_run_options two = {.workers = 2}; /* check: tsan */

	CHECK_INT(weft_run(&two, write_in_one_fiber_and_read_in_another, NULL), ==, 0);
}

CHECK_MAIN()
