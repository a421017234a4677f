/*
 * ws_many.c - frames that were made once, and are sent to many.
 *
 * Entry points: weft_ws_head(), weft_ws_try_send_frames(), weft_ws_send_frames(), weft_ws_flush().
 *
 * What the kernel does not take at once is kept, as the rest: it goes out before whatever is sent
 * next. There is one at most, since a try that finds one takes nothing.
 *
 * Never: waits in a try, or takes a part of what it is given.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/ws.h"
#include "io/stream.h"
#include "weft/scope.h"

/** Most that is to leave within one write timeout. */
#define PIECE_MAX 16384

static int fail(int code)
{
	errno = code;
	return -1;
}

/* RFC 6455, section 5.2: the shortest form of the length. */
size_t weft_ws_head(enum weft_ws_type type, size_t len, unsigned char ret_head[WEFT_WS_HEAD_MAX])
{
	size_t bytes = len <= 125 ? 0 : len <= UINT16_MAX ? 2 : 8;

	ret_head[0] = (unsigned char)(0x80u | (unsigned)type);
	ret_head[1] = (unsigned char)(bytes == 0 ? len : bytes == 2 ? 126 : 127);
	for (size_t i = 0; i < bytes; i++)
		ret_head[2 + i] = (unsigned char)((uint64_t)len >> 8 * (bytes - 1 - i));
	return 2 + bytes;
}

static int check_open(struct weft_ws *ws)
{
	if (!ws->response)
		return fail(EINVAL);
	if (atomic_load(&ws->close_sent) || atomic_load(&ws->is_torn))
		return fail(EPIPE);
	return 0;
}

static bool keep_rest(struct weft_ws *ws, const char *frames, size_t len)
{
	ws->rest = malloc(sizeof(*ws->rest) + len);
	if (!ws->rest)
		return false;
	ws->rest->start = 0;
	ws->rest->len = len;
	memcpy(ws->rest->bytes, frames, len);
	return true;
}

static int flush(struct weft_ws *ws)
{
	int result = -1;

	WEFT_WITH_TIMEOUT (ws->limits.write_timeout_ns)
		result = weft_stream_flush(ws->stream);
	return result;
}

/* Through the stream's buffer, which an interruption leaves whole: the next writer goes on. */
int weft__ws_send_rest(struct weft_ws *ws)
{
	struct weft__ws_rest *rest = ws->rest;

	while (rest && rest->start < rest->len) {
		size_t piece = rest->len - rest->start;

		if (piece > WEFT_STREAM_BUFFER_SIZE)
			piece = WEFT_STREAM_BUFFER_SIZE;
		if (flush(ws) < 0)
			return -1;
		if (!weft__stream_append(ws->stream, rest->bytes + rest->start, piece))
			return fail(ENOMEM);
		rest->start += piece;
	}
	free(rest);
	ws->rest = NULL;
	return 0;
}

/* `writing` is held. */
static int try_send(struct weft_ws *ws, const char *frames, size_t len)
{
	ssize_t sent;

	if (check_open(ws) < 0)
		return -1;
	if (ws->rest)
		return fail(EAGAIN);
	sent = weft_stream_try_write(ws->stream, frames, len);
	if (sent < 0 && errno != EAGAIN && errno != weft_interrupted())
		weft__ws_tear(ws);
	if (sent < 0)
		return -1;
	ws->sent_len += (int64_t)len;
	if ((size_t)sent == len)
		return 0;
	if (keep_rest(ws, frames + sent, len - (size_t)sent))
		return 1;
	/* Part of it is gone, and there is no memory for the rest. */
	weft__ws_tear(ws);
	return fail(ENOMEM);
}

int weft_ws_try_send_frames(struct weft_ws *ws, const void *frames, size_t len)
{
	int result;

	if (len > WEFT_WS_FRAMES_MAX)
		return fail(EMSGSIZE);
	if (weft_lock_try_acquire(&ws->writing) < 0)
		return fail(EAGAIN);
	result = try_send(ws, frames, len);
	if (result == 0)
		weft__ws_release_writing(ws);
	else
		/* What is pending would wait for the peer: it is for who comes to flush. */
		weft_lock_release(&ws->writing);
	return result;
}

/* `writing` is held. */
static int send_all(struct weft_ws *ws, const char *frames, size_t len)
{
	int result;

	if (check_open(ws) < 0)
		return -1;
	result = weft__ws_send_rest(ws);
	while (result == 0 && len > 0) {
		size_t piece = len < PIECE_MAX ? len : PIECE_MAX;

		WEFT_WITH_TIMEOUT (ws->limits.write_timeout_ns)
			result = weft_stream_write_all(ws->stream, frames, piece);
		frames += piece;
		len -= piece;
		ws->sent_len += (int64_t)piece;
	}
	if (result == 0)
		result = flush(ws);
	if (result < 0)
		weft__ws_tear(ws);
	return result;
}

int weft_ws_send_frames(struct weft_ws *ws, const void *frames, size_t len)
{
	int result;

	if (weft_lock_acquire(&ws->writing) < 0)
		return -1;
	result = send_all(ws, frames, len);
	weft__ws_release_writing(ws);
	return result;
}

int weft_ws_flush(struct weft_ws *ws)
{
	return weft_ws_send_frames(ws, "", 0);
}
