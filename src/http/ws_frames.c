/*
 * ws_frames.c - frames on a stream, taken apart and put together by wslay.
 *
 * Entry points: weft__ws_frames_next(), weft__ws_frames_write().
 *
 * wslay reads and writes through calls of ours, which may wait: to it our stream is one that
 * always has something. It checks the shape of a frame (lengths in their shortest form,
 * control frames short and whole); what frames mean is for ws_receive.c.
 *
 * Never: waits to write without a deadline, or forgets where a frame begins.
 */
#include "http/ws.h"

#include <errno.h>

#ifdef WEFT_HAS_WSLAY

#include <pthread.h>
#include <string.h>
#include <wslay/wslay.h>

#include "http/limits.h"
#include "weft/scope.h"
#include "weft/stream.h"

/* ---- What wslay calls -------------------------------------------------------------------- */

static ssize_t on_receive(uint8_t *buffer, size_t size, int flags, void *arg)
{
	struct weft_ws *ws = arg;
	const char *data;
	ssize_t len = weft__ws_await(ws, &data);

	(void)flags;
	if (len <= 0) {
		ws->receive_error = len < 0 ? errno : ECONNRESET;
		return -1;
	}
	if ((size_t)len > size)
		len = (ssize_t)size;
	memcpy(buffer, data, (size_t)len);
	weft_stream_consume(ws->stream, (size_t)len);
	ws->unparsed += (uint64_t)len;
	return len;
}

static ssize_t on_send(const uint8_t *data, size_t len, int flags, void *arg)
{
	struct weft_ws *ws = arg;

	(void)flags;
	if (weft_stream_write_all(ws->stream, data, len) < 0) {
		ws->send_error = errno;
		return -1;
	}
	return (ssize_t)len;
}

/* A key that nobody can foresee, for each frame: RFC 6455, section 10.3. */
static int on_mask(uint8_t *key, size_t len, void *arg)
{
	uint64_t bits = weft_random();

	(void)arg;
	memcpy(key, &bits, len < sizeof(bits) ? len : sizeof(bits));
	return 0;
}

/* ---- Life ---------------------------------------------------------------------------------- */

bool weft__ws_frames_are_there(void)
{
	return true;
}

int weft__ws_frames_init(struct weft_ws *ws)
{
	static const struct wslay_frame_callbacks callbacks = {
		.send_callback = on_send,
		.recv_callback = on_receive,
		.genmask_callback = on_mask,
	};

	wslay_frame_context_ptr frames = NULL;
	int result = 0;

	if (atomic_load_explicit(&ws->frames, memory_order_acquire))
		return 0;
	/* Who reads may be here, and who writes. */
	pthread_mutex_lock(&ws->pending_lock);
	if (!atomic_load(&ws->frames)) {
		result = wslay_frame_context_init(&frames, &callbacks, ws) == 0 ? 0 : -1;
		atomic_store(&ws->frames, result == 0 ? frames : NULL);
	}
	pthread_mutex_unlock(&ws->pending_lock);
	if (result < 0)
		errno = ENOMEM;
	return result;
}

void weft__ws_frames_fini(struct weft_ws *ws)
{
	wslay_frame_context_ptr frames = atomic_exchange(&ws->frames, NULL);

	if (frames)
		wslay_frame_context_free(frames);
}

/* ---- Reading ------------------------------------------------------------------------------- */

static size_t header_len(const struct wslay_frame_iocb *frame)
{
	size_t len = 2 + (frame->mask ? 4 : 0);

	if (frame->payload_length > UINT16_MAX)
		return len + 8;
	return frame->payload_length > 125 ? len + 2 : len;
}

/* Between two frames; wslay has no bytes left, and is not needed before there are some. */
static bool await_frame(struct weft_ws *ws)
{
	const char *data;
	ssize_t len = ws->unparsed == 0 ? weft__ws_await(ws, &data) : 1;

	if (len == 0)
		errno = ECONNRESET;
	return len > 0 && weft__ws_frames_init(ws) == 0;
}

enum weft__ws_next weft__ws_frames_next(struct weft_ws *ws, struct weft__ws_part *ret_part)
{
	struct wslay_frame_iocb frame;
	ssize_t count;

	if (!await_frame(ws))
		return WEFT__WS_FAILED;
	ws->receive_error = 0;
	count = wslay_frame_recv(ws->frames, &frame);
	if (count == WSLAY_ERR_WANT_READ) {
		errno = ws->receive_error;
		return ws->receive_error ? WEFT__WS_FAILED : WEFT__WS_AGAIN;
	}
	if (count < 0)
		return WEFT__WS_BROKEN;
	*ret_part = (struct weft__ws_part){
		.opcode = frame.opcode,
		.reserved = frame.rsv,
		.is_final = frame.fin,
		.is_masked = frame.mask,
		.is_begin = !ws->is_in_frame,
		.frame_len = frame.payload_length,
		.data = (const char *)frame.data,
		.len = (size_t)count,
	};
	ws->frame_len = ws->is_in_frame ? ws->frame_len + (uint64_t)count : (uint64_t)count;
	ret_part->is_end = ws->frame_len == frame.payload_length;
	ws->is_in_frame = !ret_part->is_end;
	if (ret_part->is_end)
		ws->unparsed -= header_len(&frame) + frame.payload_length;
	return WEFT__WS_PART;
}

/* ---- Writing ------------------------------------------------------------------------------- */

static int write_piece(struct weft_ws *ws, struct wslay_frame_iocb *frame, size_t len)
{
	const uint8_t *end = frame->data + len;

	/* With no payload, once: for the header. */
	do {
		ssize_t count;

		frame->data_length = (size_t)(end - frame->data);
		count = wslay_frame_send(ws->frames, frame);
		if (count < 0) {
			errno = count == WSLAY_ERR_WANT_WRITE ? ws->send_error : EINVAL;
			return -1;
		}
		frame->data += count;
	} while (frame->data < end);
	return 0;
}

int weft__ws_frames_write(struct weft_ws *ws, const struct weft__ws_frame *frame)
{
	struct wslay_frame_iocb out = {
		.fin = frame->is_final,
		.rsv = frame->is_compressed ? WSLAY_RSV1_BIT : WSLAY_RSV_NONE,
		.opcode = (uint8_t)frame->opcode,
		.payload_length = frame->len,
		.mask = !ws->response,
		.data = (const uint8_t *)frame->data,
	};
	size_t left = frame->len;
	int result = 0;

	do {
		size_t piece = left < WEFT__HTTP_WRITE_CHUNK ? left : WEFT__HTTP_WRITE_CHUNK;

		left -= piece;
		WEFT_WITH_TIMEOUT (ws->limits.write_timeout_ns) {
			result = write_piece(ws, &out, piece);
			if (result == 0 && left == 0) {
				ws->is_said = true;
				if (frame->is_final)
					result = weft_stream_flush(ws->stream);
			}
		}
	} while (left > 0 && result == 0);
	ws->sent_len += result == 0 ? (int64_t)frame->len : 0;
	return result;
}

#else

bool weft__ws_frames_are_there(void)
{
	return false;
}

int weft__ws_frames_init(struct weft_ws *ws)
{
	(void)ws;
	errno = ENOSYS;
	return -1;
}

void weft__ws_frames_fini(struct weft_ws *ws)
{
	(void)ws;
}

enum weft__ws_next weft__ws_frames_next(struct weft_ws *ws, struct weft__ws_part *ret_part)
{
	(void)ws;
	(void)ret_part;
	return WEFT__WS_BROKEN;
}

int weft__ws_frames_write(struct weft_ws *ws, const struct weft__ws_frame *frame)
{
	(void)ws;
	(void)frame;
	errno = ENOSYS;
	return -1;
}

#endif
