/*
 * fuzz_frame.c - bytes from an enemy in every form of weft/frame.h: the first byte picks the
 * form, the second how the rest is cut.
 *
 * However it is cut, the same messages come, and the same error ends them; and each message
 * that can be written again reads as itself.
 */
#include "weft/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct weft_frame_format formats[] = {
	{.kind = WEFT_FRAME_DELIMITER, .len_max = 100},
	{.kind = WEFT_FRAME_DELIMITER, .escape = '\\', .len_max = 100},
	{.kind = WEFT_FRAME_DELIMITER, .delimiter = "\r\n", .len_max = 100},
	{.kind = WEFT_FRAME_DELIMITER, .delimiter = "aab", .len_max = 100},
	{.kind = WEFT_FRAME_LENGTH, .length_bytes = 1},
	{.kind = WEFT_FRAME_LENGTH, .length_bytes = 2, .little_endian = true, .len_max = 300},
	{.kind = WEFT_FRAME_LENGTH, .length_bytes = 4, .length_extra = 4},
	{.kind = WEFT_FRAME_LENGTH, .length_bytes = 8, .length_extra = -3},
	{.kind = WEFT_FRAME_VARINT},
	{.kind = WEFT_FRAME_FIXED, .size_bytes = 3},
	{.kind = WEFT_FRAME_HEADER, .header = "<hq", .length_field = 1},
	{.kind = WEFT_FRAME_HEADER, .header = "!3sBxQ", .length_field = 2, .length_extra = 13},
};

static void require(bool fact)
{
	if (!fact)
		abort();
}

/* Where it can be written, it reads as itself. */
static void write_again(struct weft_frames *frames, const struct weft_frame_format *format,
	const struct weft_frame *frame)
{
	struct iovec message = {(void *)(uintptr_t)frame->data, frame->len};
	struct weft_frames *other = weft_frames_new(NULL, format);
	struct weft_frame again;
	struct weft_buf out;

	require(other);
	weft_buf_init(&out, 100000);
	if (weft_frame_encode(frames, frame->header, frame->header_count, &message, &out) == 0) {
		require(weft_frame_feed(other, weft_buf_data(&out), weft_buf_len(&out)) == 0);
		require(weft_frame_read(other, &again) == 1 && again.len == frame->len);
		require(frame->len == 0 || memcmp(again.data, frame->data, frame->len) == 0);
	}
	weft_buf_fini(&out);
	weft_frames_free(other);
}

/* A number for all messages and the error, fed in parts of that size. */
static uint64_t digest(
	const struct weft_frame_format *format, const uint8_t *data, size_t len, size_t part)
{
	struct weft_frames *frames = weft_frames_new(NULL, format);
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	struct weft_frame frame;

	require(frames);
	errno = EAGAIN;
	while (len > 0 && errno == EAGAIN) {
		size_t some = part < len ? part : len;

		require(weft_frame_feed(frames, data, some) == 0);
		data += some;
		len -= some;
		while (weft_frame_read(frames, &frame) == 1) {
			for (size_t i = 0; i < frame.len; i++)
				hash = (hash ^ ((const uint8_t *)frame.data)[i]) *
				       UINT64_C(0x100000001b3);
			hash = (hash ^ frame.len) * UINT64_C(0x100000001b3);
			write_again(frames, format, &frame);
		}
	}
	hash ^= (uint64_t)errno << 32;
	weft_frames_free(frames);
	return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct weft_frame_format *format;
	size_t part;

	if (len < 2)
		return 0;
	format = &formats[data[0] % (sizeof(formats) / sizeof(*formats))];
	part = 1 + data[1] % 32;
	require(digest(format, data + 2, len - 2, part) == digest(format, data + 2, len - 2, len));
	return 0;
}
