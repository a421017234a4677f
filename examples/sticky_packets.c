/*
 * sticky_packets.c - two messages that come as one read, and the cure: weft/frame.h.
 *
 *	gcc sticky_packets.c $(pkg-config --cflags --libs weft) && ./a.out
 */
#include <stdio.h>
#include <weft/weft.h>

static int say(struct weft_stream *stream, const char *words)
{
	return weft_stream_printf(stream, "%s", words) < 0 ? -1 : weft_stream_flush(stream);
}

static int stick(struct weft_stream *near, struct weft_stream *far)
{
	char bytes[64];
	ssize_t len;

	if (say(near, "first") < 0 || say(near, "second") < 0)
		return -1;
	len = weft_stream_read(far, bytes, sizeof(bytes));
	printf("two writes, one read: \"%.*s\"\n", (int)len, bytes);
	return len < 0 ? -1 : 0;
}

static int cure(struct weft_stream *near, struct weft_stream *far)
{
	const struct weft_frame_format format = {.kind = WEFT_FRAME_LENGTH, .length_bytes = 2};
	struct weft_frames *out = weft_frames_new(near, &format);
	struct weft_frames *in = weft_frames_new(far, &format);
	struct weft_frame frame;
	int result = -1;

	if (!out || !in || weft_frame_write(out, "first", 5) < 0 ||
		weft_frame_write(out, "second", 6) < 0 || weft_stream_shutdown_write(near) < 0)
		goto done;
	while ((result = weft_frame_read(in, &frame)) == 1)
		printf("a message: \"%.*s\"\n", (int)frame.len, (const char *)frame.data);
done:
	weft_frames_free(out);
	weft_frames_free(in);
	return result;
}

int main(void)
{
	struct weft_stream *near, *far;
	int fds[2];

	if (weft_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return 1;
	near = weft_stream_new(fds[0]);
	far = weft_stream_new(fds[1]);
	if (!near || !far || stick(near, far) < 0 || cure(near, far) < 0)
		perror("sticky_packets");
	weft_stream_free(near);
	weft_stream_free(far);
	return 0;
}
