/*
 * test_frame.c - messages on a stream: each form, each cut, each bad input (weft/frame.h).
 * check: drivers
 */
#include "io/frame.h"

#include <errno.h>

#include "base/prng.h"
#include "check.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/socket.h"

#define MESSAGES 6

static const struct weft_frame_format formats[] = {
	{.kind = WEFT_FRAME_DELIMITER, .escape = '\\'},
	{.kind = WEFT_FRAME_DELIMITER, .delimiter = "|", .escape = 'a'},
	{.kind = WEFT_FRAME_DELIMITER, .delimiter = "\r\n"},
	{.kind = WEFT_FRAME_DELIMITER, .delimiter = "\0\0\0", .delimiter_len = 3},
	{.kind = WEFT_FRAME_LENGTH},
	{.kind = WEFT_FRAME_LENGTH, .length_bytes = 1},
	{.kind = WEFT_FRAME_LENGTH, .length_bytes = 2, .little_endian = true},
	{.kind = WEFT_FRAME_LENGTH, .length_bytes = 8, .length_extra = 8},
	{.kind = WEFT_FRAME_VARINT},
	{.kind = WEFT_FRAME_HEADER, .header = "!HBxI", .length_field = 2},
	{.kind = WEFT_FRAME_HEADER, .header = "<4shq", .length_field = 1, .length_extra = 14},
};

#define FORMATS (sizeof(formats) / sizeof(*formats))

static const struct weft_frame_format fixed = {.kind = WEFT_FRAME_FIXED, .size_bytes = 5};

struct message {
	char data[300];
	size_t len;
};

/* Such as hold delimiters, escapes and zeros, where the form allows it. */
static void message_make(
	struct message *message, const struct weft_frame_format *format, struct prng *prng)
{
	static const char bytes[] = {'a', 'b', '\n', '|', '\\', '\r', '\0', '\377'};
	bool is_plain = format->kind == WEFT_FRAME_DELIMITER && !format->escape;

	message->len = prng_below(prng, prng_below(prng, 4) ? 6 : 256);
	for (size_t i = 0; i < message->len; i++)
		message->data[i] = is_plain ? 'x' : bytes[prng_below(prng, sizeof(bytes))];
}

static void encode(struct weft_frames *frames, const struct message *message, struct weft_buf *out)
{
	union weft_pack_value header[3] = {{.u = 7}, {.u = 8}, {.u = 9}};
	struct iovec part = {(void *)(uintptr_t)message->data, message->len};
	bool has_header = frames->format.kind == WEFT_FRAME_HEADER;

	if (has_header && frames->format.length_extra)
		header[0].text.data = "head", header[0].text.len = 4;
	CHECK_INT(weft_frame_encode(
			  frames, has_header ? header : NULL, has_header ? 3 : 0, &part, out),
		==, 0);
}

static void check_frame(const struct weft_frame *frame, const struct message *message)
{
	CHECK_INT(frame->len, ==, message->len);
	CHECK(memcmp(frame->data, message->data, message->len) == 0);
}

/* Feed a part; each message that is whole is the next one. Returns how many were. */
static size_t feed_and_read(
	struct weft_frames *frames, const char *data, size_t len, const struct message *messages)
{
	struct weft_frame frame;
	size_t count = 0;

	CHECK_INT(weft_frame_feed(frames, data, len), ==, 0);
	while (weft_frame_read(frames, &frame) == 1)
		check_frame(&frame, &messages[count++]);
	CHECK_INT(errno, ==, EAGAIN);
	return count;
}

CHECK_CASE(however_the_bytes_are_cut_the_messages_are_the_same)
{
	struct prng prng = {1};
	struct message messages[MESSAGES];
	struct weft_buf bytes;

	weft_buf_init(&bytes, 1 << 20);
	for (unsigned i = 0; i < FORMATS * check_rounds(10); i++) {
		struct weft_frames *writer = weft_frames_new(NULL, &formats[i % FORMATS]);

		CHECK(writer);
		weft_buf_clear(&bytes);
		for (int k = 0; k < MESSAGES; k++) {
			message_make(&messages[k], &formats[i % FORMATS], &prng);
			encode(writer, &messages[k], &bytes);
		}
		weft_frames_free(writer);
		for (size_t cut = 0; cut <= weft_buf_len(&bytes); cut++) {
			struct weft_frames *frames = weft_frames_new(NULL, &formats[i % FORMATS]);
			size_t count = feed_and_read(frames, weft_buf_data(&bytes), cut, messages);

			count += feed_and_read(frames, weft_buf_data(&bytes) + cut,
				weft_buf_len(&bytes) - cut, messages + count);
			CHECK_INT(count, ==, MESSAGES);
			weft_frames_free(frames);
		}
	}
	weft_buf_fini(&bytes);
}

CHECK_CASE(bytes_that_come_one_by_one_make_the_same_messages)
{
	struct prng prng = {2};
	struct message messages[MESSAGES];
	struct weft_buf bytes;

	weft_buf_init(&bytes, 1 << 20);
	for (size_t i = 0; i < FORMATS; i++) {
		struct weft_frames *frames = weft_frames_new(NULL, &formats[i]);
		size_t count = 0;

		weft_buf_clear(&bytes);
		for (int k = 0; k < MESSAGES; k++) {
			message_make(&messages[k], &formats[i], &prng);
			encode(frames, &messages[k], &bytes);
		}
		for (size_t at = 0; at < weft_buf_len(&bytes); at++)
			count += feed_and_read(
				frames, weft_buf_data(&bytes) + at, 1, messages + count);
		CHECK_INT(count, ==, MESSAGES);
		weft_frames_free(frames);
	}
	weft_buf_fini(&bytes);
}

CHECK_CASE(messages_of_one_size_follow_one_another)
{
	struct weft_frames *frames = weft_frames_new(NULL, &fixed);
	struct weft_frame frame;

	CHECK_INT(weft_frame_feed(frames, "12345678", 8), ==, 0);
	CHECK_INT(weft_frame_read(frames, &frame), ==, 1);
	CHECK(frame.len == 5 && memcmp(frame.data, "12345", 5) == 0);
	CHECK_ERRNO(weft_frame_read(frames, &frame), EAGAIN);
	CHECK_INT(weft_frame_feed(frames, "90", 2), ==, 0);
	CHECK_INT(weft_frame_read(frames, &frame), ==, 1);
	CHECK(memcmp(frame.data, "67890", 5) == 0);
	weft_frames_free(frames);
}

CHECK_CASE(a_header_comes_with_its_message)
{
	struct weft_frames *frames = weft_frames_new(NULL, &formats[FORMATS - 2]);
	struct weft_frame frame;

	CHECK_INT(weft_frame_feed(frames, "\x12\x34\x56\0\0\0\0\2hi", 10), ==, 0);
	CHECK_INT(weft_frame_read(frames, &frame), ==, 1);
	CHECK_INT(frame.header_count, ==, 3);
	CHECK_INT(frame.header[0].u, ==, 0x1234);
	CHECK_INT(frame.header[1].u, ==, 0x56);
	CHECK_INT(frame.header[2].u, ==, 2);
	CHECK(frame.len == 2 && memcmp(frame.data, "hi", 2) == 0);
	weft_frames_free(frames);
}

/* ---- Bad input ---------------------------------------------------------------------------- */

static const struct {
	struct weft_frame_format format;
	const char *bytes;
	size_t len;
	int code;
} hostile[] = {
	{{.kind = WEFT_FRAME_DELIMITER, .len_max = 3}, "1234\n", 5, EMSGSIZE},
	{{.kind = WEFT_FRAME_DELIMITER, .len_max = 3}, "1234", 4, EMSGSIZE},
	{{.kind = WEFT_FRAME_DELIMITER, .len_max = 3}, "123", 3, EAGAIN},
	{{.kind = WEFT_FRAME_DELIMITER, .delimiter = "\r\n", .len_max = 3}, "123\r", 4, EAGAIN},
	{{.kind = WEFT_FRAME_DELIMITER, .delimiter = "\r\n", .len_max = 3}, "123\rx", 5, EMSGSIZE},
	{{.kind = WEFT_FRAME_DELIMITER, .escape = '\\'}, "a\\b\n", 4, EBADMSG},
	{{.kind = WEFT_FRAME_DELIMITER, .escape = '\\'}, "a\\", 2, EAGAIN},
	{{.kind = WEFT_FRAME_DELIMITER, .escape = '\\', .len_max = 2}, "\\\\\\\\\\\\\n", 7,
		EMSGSIZE},
	{{.kind = WEFT_FRAME_DELIMITER, .escape = '\\', .len_max = 2}, "123", 3, EMSGSIZE},
	{{.kind = WEFT_FRAME_LENGTH}, "\xff\xff\xff\xff", 4, EMSGSIZE},
	{{.kind = WEFT_FRAME_LENGTH, .len_max = 4}, "\0\0\0\5", 4, EMSGSIZE},
	{{.kind = WEFT_FRAME_LENGTH, .len_max = 4}, "\0\0\0\4", 4, EAGAIN},
	{{.kind = WEFT_FRAME_LENGTH, .length_bytes = 8}, "\xff\0\0\0\0\0\0\0", 8, EBADMSG},
	{{.kind = WEFT_FRAME_LENGTH, .length_bytes = 2, .length_extra = 2}, "\0\1", 2, EBADMSG},
	{{.kind = WEFT_FRAME_LENGTH, .length_bytes = 8, .length_extra = -8},
		"\x7f\xff\xff\xff\xff\xff\xff\xff", 8, EBADMSG},
	{{.kind = WEFT_FRAME_VARINT}, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, EBADMSG},
	{{.kind = WEFT_FRAME_VARINT}, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, EBADMSG},
	{{.kind = WEFT_FRAME_VARINT}, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 10, EBADMSG},
	{{.kind = WEFT_FRAME_VARINT}, "\xff\xff\xff\x7f", 4, EMSGSIZE},
	{{.kind = WEFT_FRAME_VARINT}, "\x80\x80", 2, EAGAIN},
	{{.kind = WEFT_FRAME_HEADER, .header = "!h"}, "\xff\xff", 2, EBADMSG},
	{{.kind = WEFT_FRAME_HEADER, .header = "!Q"}, "\xff\xff\xff\xff\xff\xff\xff\xff", 8,
		EBADMSG},
	{{.kind = WEFT_FRAME_HEADER, .header = "!I"}, "\xff\xff\xff\xff", 4, EMSGSIZE},
};

CHECK_CASE(bad_bytes_have_their_errors_and_keep_them)
{
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		struct weft_frames *frames = weft_frames_new(NULL, &hostile[i].format);
		struct weft_frame frame;

		CHECK(frames);
		CHECK_INT(weft_frame_feed(frames, hostile[i].bytes, hostile[i].len), ==, 0);
		if (weft_frame_read(frames, &frame) != -1 || errno != hostile[i].code)
			check_fail(__FILE__, __LINE__, "row %zu: errno %d", i, errno);
		if (errno != EAGAIN)
			CHECK_INT(weft_frame_feed(frames, "\n\0\0\0\0\0\0\0\0\n", 10), ==, 0);
		CHECK_ERRNO(weft_frame_read(frames, &frame), hostile[i].code);
		weft_frames_free(frames);
	}
}

CHECK_CASE(formats_that_make_no_sense_are_refused)
{
	static const struct weft_frame_format bad[] = {
		{.kind = 0},
		{.kind = 99},
		{.kind = WEFT_FRAME_DELIMITER, .delimiter = ""},
		{.kind = WEFT_FRAME_DELIMITER, .delimiter = "12345678901234567"},
		{.kind = WEFT_FRAME_DELIMITER, .delimiter = "\r\n", .escape = '\\'},
		{.kind = WEFT_FRAME_DELIMITER, .escape = '\n'},
		{.kind = WEFT_FRAME_DELIMITER, .len_max = SIZE_MAX},
		{.kind = WEFT_FRAME_LENGTH, .length_bytes = 3},
		{.kind = WEFT_FRAME_LENGTH, .length_bytes = 16},
		{.kind = WEFT_FRAME_FIXED},
		{.kind = WEFT_FRAME_FIXED, .size_bytes = SIZE_MAX},
		{.kind = WEFT_FRAME_HEADER},
		{.kind = WEFT_FRAME_HEADER, .header = "nonsense"},
		{.kind = WEFT_FRAME_HEADER, .header = "!HI", .length_field = 2},
		{.kind = WEFT_FRAME_HEADER, .header = "!4sI", .length_field = 0},
		{.kind = WEFT_FRAME_HEADER, .header = "!xdI", .length_field = 0},
		{.kind = WEFT_FRAME_HEADER, .header = "!17B"},
		{.kind = WEFT_FRAME_HEADER, .header = "!1000xI"},
	};

	struct weft_frames *good = weft_frames_new(
		NULL, &(struct weft_frame_format){
			      .kind = WEFT_FRAME_HEADER, .header = "!4s 2H I", .length_field = 3});

	CHECK(good);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (weft_frames_new(NULL, &bad[i]) || errno != EINVAL)
			check_fail(__FILE__, __LINE__, "row %zu: errno %d", i, errno);
	weft_frames_free(good);
}

static int encode_bytes(const struct weft_frame_format *format, const char *data, size_t len)
{
	struct weft_frames *frames = weft_frames_new(NULL, format);
	struct iovec part = {(void *)(uintptr_t)data, len};
	struct weft_buf out;
	int result;

	weft_buf_init(&out, 1000);
	CHECK_INT(weft_buf_append(&out, "before", 6), ==, 0);
	result = weft_frame_encode(frames, NULL, 0, &part, &out);
	if (result < 0)
		CHECK_INT(weft_buf_len(&out), ==, 6);
	weft_buf_fini(&out);
	weft_frames_free(frames);
	return result;
}

CHECK_CASE(what_the_form_can_not_carry_is_not_written)
{
	struct weft_frame_format length = {.kind = WEFT_FRAME_LENGTH, .length_bytes = 1};
	struct weft_frame_format line = {.kind = WEFT_FRAME_DELIMITER, .delimiter = "\r\n"};
	struct weft_frame_format header = {.kind = WEFT_FRAME_HEADER, .header = "!I"};
	static const char zeros[2000];

	CHECK_INT(encode_bytes(&length, zeros, 255), ==, 0);
	CHECK_ERRNO(encode_bytes(&length, zeros, 256), EMSGSIZE);
	length.length_extra = 1;
	CHECK_ERRNO(encode_bytes(&length, zeros, 255), EMSGSIZE);
	length.length_extra = -1;
	CHECK_ERRNO(encode_bytes(&length, zeros, 0), EMSGSIZE);
	length.length_bytes = 2;
	CHECK_ERRNO(encode_bytes(&length, zeros, 1500), EMSGSIZE); /* the buffer's bound */
	CHECK_INT(encode_bytes(&line, "a\rb\n", 4), ==, 0);
	CHECK_ERRNO(encode_bytes(&line, "a\r\nb", 4), EINVAL);
	CHECK_INT(encode_bytes(&line, "a\r", 2), ==, 0);
	line.delimiter = "--";
	CHECK_ERRNO(encode_bytes(&line, "a-", 2), EINVAL); /* "a---" ends after the a */
	line.len_max = 3;
	CHECK_ERRNO(encode_bytes(&line, "1234", 4), EMSGSIZE);
	CHECK_ERRNO(encode_bytes(&fixed, "1234", 4), EMSGSIZE);
	CHECK_ERRNO(encode_bytes(&header, "1234", 4), EINVAL);
}

CHECK_CASE(a_length_is_believed_only_as_far_as_bytes_have_come)
{
	struct weft_frame_format format = {.kind = WEFT_FRAME_LENGTH, .len_max = (size_t)1 << 31};
	struct weft_frames *frames = weft_frames_new(NULL, &format);
	struct weft_frame frame;

	CHECK_INT(weft_frame_feed(frames,
			  "\x7f\xff\xff\xff"
			  "only a few",
			  14),
		==, 0);
	CHECK_ERRNO(weft_frame_read(frames, &frame), EAGAIN);
	CHECK_INT(frames->in.capacity, <, 100000);
	weft_frames_free(frames);
}

/* ---- Over a stream -------------------------------------------------------------------------- */

struct line {
	struct weft_stream *near, *far;
};

static void line_make(struct line *line)
{
	int fds[2];

	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	CHECK((line->near = weft_stream_new(fds[0])));
	CHECK((line->far = weft_stream_new(fds[1])));
}

static void line_end(struct line *line)
{
	weft_stream_free(line->near);
	weft_stream_free(line->far);
}

/* Each call sends; together they are read. This is what framing is for. */
static int two_writes_stick(void *arg)
{
	const struct weft_frame_format format = {.kind = WEFT_FRAME_LENGTH};
	struct weft_frames *frames;
	struct weft_frame frame;
	struct line line;
	char bytes[64];

	(void)arg;
	line_make(&line);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(weft_stream_write_all(line.near, "hello", 5), ==, 0);
		CHECK_INT(weft_stream_flush(line.near), ==, 0);
	}
	CHECK_INT(weft_stream_read(line.far, bytes, sizeof(bytes)), ==, 10); /* stuck together */
	CHECK((frames = weft_frames_new(line.near, &format)));
	for (int i = 0; i < 2; i++) {
		CHECK_INT(weft_frame_write(frames, "hello", 5), ==, 0);
		CHECK_INT(weft_stream_flush(line.near), ==, 0);
	}
	weft_frames_free(frames);
	CHECK((frames = weft_frames_new(line.far, &format)));
	for (int i = 0; i < 2; i++) {
		CHECK_INT(weft_frame_read(frames, &frame), ==, 1);
		CHECK(frame.len == 5 && memcmp(frame.data, "hello", 5) == 0);
	}
	weft_frames_free(frames);
	line_end(&line);
	return 0;
}

static void run(weft_fiber_fn *fn)
{
	CHECK_INT(fn(NULL), ==, 0); /* on a thread */
	CHECK_INT(weft_run(NULL, fn, NULL), ==, 0);
}

CHECK_CASE(packets_that_stick_together_come_apart_with_framing)
{
	run(two_writes_stick);
}

/* Lengths around the stream's buffer, and far over it. */
static size_t length_at(int i)
{
	static const size_t lengths[] = {0, 1, 100, WEFT_STREAM_BUFFER_SIZE - 4,
		WEFT_STREAM_BUFFER_SIZE - 3, WEFT_STREAM_BUFFER_SIZE, 100000, 500000, 3};

	return lengths[(size_t)i % (sizeof(lengths) / sizeof(*lengths))];
}

static char byte_at(int i, size_t place)
{
	char byte = (char)('0' + ((size_t)i + place * 7 + place / 255) % 60);

	return byte == '\\' ? '_' : byte;
}

struct sending {
	struct weft_stream *stream;
	const struct weft_frame_format *format;
};

static int send_messages(void *arg)
{
	struct sending *sending = arg;
	struct weft_frames *frames = weft_frames_new(sending->stream, sending->format);
	union weft_pack_value header[] = {{.u = 1}, {.u = 2}, {.u = 3}};
	bool has_header = sending->format->kind == WEFT_FRAME_HEADER;

	for (int i = 0; i < 20; i++) {
		size_t len = length_at(i);
		char *data = malloc(len + 1);

		for (size_t k = 0; k < len; k++)
			data[k] = byte_at(i, k);
		CHECK_INT(weft_frame_write_with(frames, has_header ? header : NULL,
				  has_header ? 3 : 0, data, len),
			==, 0);
		free(data);
	}
	CHECK_INT(weft_stream_shutdown_write(sending->stream), ==, 0);
	weft_frames_free(frames);
	return 0;
}

static void receive_messages(struct weft_stream *stream, const struct weft_frame_format *format)
{
	struct weft_frames *frames = weft_frames_new(stream, format);
	struct weft_frame frame;

	for (int i = 0; i < 20; i++) {
		CHECK_INT(weft_frame_read(frames, &frame), ==, 1);
		CHECK_INT(frame.len, ==, length_at(i));
		for (size_t k = 0; k < frame.len; k++)
			if (((const char *)frame.data)[k] != byte_at(i, k))
				check_fail(__FILE__, __LINE__, "message %d, byte %zu", i, k);
		if (i % 3 == 0)
			weft_sleep(WEFT_MICROSECONDS(200)); /* the writer gets ahead */
	}
	CHECK_INT(weft_frame_read(frames, &frame), ==, 0);
	CHECK_INT(weft_frame_read(frames, &frame), ==, 0);
	weft_frames_free(frames);
}

static int long_messages(void *arg)
{
	static const struct weft_frame_format forms[] = {
		{.kind = WEFT_FRAME_DELIMITER, .escape = '\\'},
		{.kind = WEFT_FRAME_DELIMITER, .delimiter = "\r\n"},
		{.kind = WEFT_FRAME_LENGTH},
		{.kind = WEFT_FRAME_VARINT},
		{.kind = WEFT_FRAME_HEADER, .header = "!HBxI", .length_field = 2},
	};

	(void)arg;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct line line;
		struct sending sending;
		weft_fiber_id sender;

		line_make(&line);
		sending = (struct sending){line.near, &forms[i]};
		sender = weft_spawn(send_messages, &sending);
		receive_messages(line.far, &forms[i]);
		CHECK_INT(weft_join(sender, NULL, WEFT_FOREVER), ==, 0);
		line_end(&line);
	}
	return 0;
}

CHECK_CASE(messages_longer_than_the_buffer_come_whole)
{
	CHECK_INT(weft_run(NULL, long_messages, NULL), ==, 0);
}

static int read_without_copy(void *arg)
{
	const struct weft_frame_format format = {.kind = WEFT_FRAME_LENGTH, .length_bytes = 1};
	struct weft_frames *frames;
	struct weft_frame frame;
	struct line line;
	const char *data;

	(void)arg;
	line_make(&line);
	CHECK((frames = weft_frames_new(line.far, &format)));
	CHECK_INT(weft_stream_write_all(line.near, "\5hello\2you", 9), ==, 0);
	CHECK_INT(weft_stream_flush(line.near), ==, 0);
	CHECK_INT(weft_stream_peek(line.far, 6, &data), >=, 6);
	CHECK_INT(weft_frame_read(frames, &frame), ==, 1);
	CHECK(frame.data == data + 1);
	weft_frames_free(frames);
	line_end(&line);
	return 0;
}

CHECK_CASE(what_is_whole_in_the_streams_buffer_is_lent_from_there)
{
	run(read_without_copy);
}

static int end_in_the_middle(void *arg)
{
	struct weft_frame_format format = {.kind = WEFT_FRAME_DELIMITER};
	struct weft_frames *frames;
	struct weft_frame frame;

	(void)arg;
	for (int ends_anyhow = 0; ends_anyhow < 2; ends_anyhow++) {
		struct line line;

		line_make(&line);
		format.ends_anyhow = ends_anyhow;
		CHECK((frames = weft_frames_new(line.far, &format)));
		CHECK_INT(weft_stream_write_all(line.near, "one\ntw", 6), ==, 0);
		CHECK_INT(weft_stream_flush(line.near), ==, 0);
		CHECK_INT(weft_frame_read(frames, &frame), ==, 1);
		WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
			CHECK_ERRNO(weft_frame_read(frames, &frame), ETIMEDOUT);
		CHECK_INT(weft_stream_write_all(line.near, "o", 1), ==, 0);
		CHECK_INT(weft_stream_shutdown_write(line.near), ==, 0);
		if (ends_anyhow) {
			CHECK_INT(weft_frame_read(frames, &frame), ==, 1);
			CHECK(frame.len == 3 && memcmp(frame.data, "two", 3) == 0);
			CHECK_INT(weft_frame_read(frames, &frame), ==, 0);
		} else {
			CHECK_ERRNO(weft_frame_read(frames, &frame), EPIPE);
			CHECK_ERRNO(weft_frame_read(frames, &frame), EPIPE);
		}
		weft_frames_free(frames);
		line_end(&line);
	}
	return 0;
}

CHECK_CASE(an_end_inside_a_message_is_told_and_a_late_call_loses_nothing)
{
	run(end_in_the_middle);
}

CHECK_MAIN()
