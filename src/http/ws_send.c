/*
 * ws_send.c - messages into frames; pings, pongs and closes among them.
 *
 * Entry points: weft_ws_send(), weft_ws_close(), weft__ws_post_ping(), _pong(), _close().
 *
 * Who writes holds `writing` from a message's first byte to its last. A message goes out as one
 * frame; compressed, as one for each piece. A control frame that the reader has to send is
 * pending until nobody writes, or until whoever does is done: the reader never waits for a
 * writer.
 *
 * A frame that was begun and can't be finished ends the connection: what follows would be read
 * as its rest. The socket is shut down then, so that the reader learns of it too.
 *
 * Never: writes anything after a close.
 */
#include "http/ws.h"

#include <errno.h>
#include <string.h>

#include "fiber/stack.h"
#include "http/limits.h"
#include "weft/scope.h"
#include "weft/socket.h"
#include "weft/stream.h"
#include "weft/utf8.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

void weft__ws_tear(struct weft_ws *ws)
{
	int saved_errno = errno;

	if (!atomic_exchange(&ws->is_torn, true))
		weft_shutdown(weft_stream_fd(ws->stream), SHUT_RDWR);
	errno = saved_errno;
}

/* ---- Frames ------------------------------------------------------------------------------- */

/* `writing` is held. A failure before the first byte changes nothing. */
static int write_frame(struct weft_ws *ws, const struct weft__ws_frame *frame)
{
	int code = weft_interrupted();

	ws->is_said = false;
	if (code)
		return fail(code);
	if (atomic_load(&ws->is_torn))
		return fail(EPIPE);
	if (weft__ws_frames_init(ws) < 0)
		return -1;
	if (weft__ws_send_rest(ws) == 0 && weft__ws_frames_write(ws, frame) == 0)
		return 0;
	/* Whole in the stream's buffer, and interrupted: it goes out before the next. */
	if (!(ws->is_said || ws->rest) || errno != weft_interrupted())
		weft__ws_tear(ws);
	return -1;
}

static int write_close(struct weft_ws *ws, const char *data, size_t len)
{
	const struct weft__ws_frame frame = {WEFT__WS_CLOSE, true, false, data, len};
	const unsigned char *code = (const unsigned char *)data;
	unsigned number = len < 2 ? WEFT_WS_NO_CODE : (unsigned)code[0] << 8 | code[1];
	int result;

	if (atomic_load(&ws->close_sent))
		return 0;
	result = write_frame(ws, &frame);
	if (!ws->is_said)
		return -1;
	atomic_store(&ws->close_deadline_ns, weft_now() + ws->limits.close_timeout_ns);
	atomic_store(&ws->close_sent, number);
	return result;
}

/* ---- Control frames that wait for their turn ------------------------------------------------ */

static struct weft__ws_pending take_pending(struct weft_ws *ws)
{
	struct weft__ws_pending pending;

	pthread_mutex_lock(&ws->pending_lock);
	pending = ws->pending;
	memset(&ws->pending, 0, sizeof(ws->pending));
	atomic_store(&ws->has_pending, false);
	pthread_mutex_unlock(&ws->pending_lock);
	return pending;
}

/* `writing` is held. */
static int write_pending(struct weft_ws *ws)
{
	struct weft__ws_pending pending;
	const struct weft__ws_frame ping = {WEFT__WS_PING, true, false, "", 0};
	struct weft__ws_frame pong = {WEFT__WS_PONG, true, false, pending.pong_data, 0};

	if (weft_interrupted())
		return fail(weft_interrupted());
	pending = take_pending(ws);
	pong.len = pending.pong_len;
	if (atomic_load(&ws->close_sent))
		return 0;
	if (pending.pong && write_frame(ws, &pong) < 0)
		return -1;
	if (pending.ping && write_frame(ws, &ping) < 0)
		return -1;
	return pending.close ? write_close(ws, pending.close_data, pending.close_len) : 0;
}

/*
 * Whoever finds the lock taken leaves it to the holder, who looks once more after the
 * release: one of the two sees the other.
 */
static int say_pending(struct weft_ws *ws)
{
	int result = 0;

	while (result == 0 && atomic_load(&ws->has_pending)) {
		if (weft_lock_try_acquire(&ws->writing) < 0)
			return 0;
		result = write_pending(ws);
		weft_lock_release(&ws->writing);
	}
	return result;
}

void weft__ws_release_writing(struct weft_ws *ws)
{
	int saved_errno = errno;

	weft_lock_release(&ws->writing);
	say_pending(ws);
	errno = saved_errno;
}

void weft__ws_rest(struct weft_ws *ws)
{
	int saved_errno = errno;

	/* Who writes just now is not idle, and needs all of it. */
	if (weft_lock_try_acquire(&ws->writing) == 0) {
		weft__ws_frames_fini(ws);
		if (ws->deflate && !ws->is_in_message)
			weft__ws_deflate_rest(ws->deflate);
		weft__ws_release_writing(ws);
	}
	weft__stack_trim();
	errno = saved_errno;
}

int weft__ws_post_ping(struct weft_ws *ws)
{
	pthread_mutex_lock(&ws->pending_lock);
	ws->pending.ping = true;
	atomic_store(&ws->has_pending, true);
	pthread_mutex_unlock(&ws->pending_lock);
	return say_pending(ws);
}

/* A later one takes the place of one that still waits: RFC 6455, section 5.5.3. */
int weft__ws_post_pong(struct weft_ws *ws, const char *data, size_t len)
{
	pthread_mutex_lock(&ws->pending_lock);
	ws->pending.pong = true;
	ws->pending.pong_len = len;
	memcpy(ws->pending.pong_data, data, len);
	atomic_store(&ws->has_pending, true);
	pthread_mutex_unlock(&ws->pending_lock);
	return say_pending(ws);
}

int weft__ws_post_close(struct weft_ws *ws, const char *data, size_t len)
{
	pthread_mutex_lock(&ws->pending_lock);
	ws->pending.close = true;
	ws->pending.close_len = len;
	memcpy(ws->pending.close_data, data, len);
	atomic_store(&ws->has_pending, true);
	pthread_mutex_unlock(&ws->pending_lock);
	return say_pending(ws);
}

/* ---- Messages ------------------------------------------------------------------------------- */

static int send_compressed(struct weft_ws *ws, unsigned opcode, const char *data, size_t len)
{
	struct weft__ws_frame frame = {opcode, false, true, NULL, 0};
	int result = 0;

	if (weft_interrupted())
		return fail(weft_interrupted());
	if (weft__ws_deflate_begin(ws->deflate, data, len) < 0)
		return -1;
	while (!frame.is_final && result == 0) {
		frame.is_final = weft__ws_deflate_next(ws->deflate, &frame.data, &frame.len);
		result = write_frame(ws, &frame);
		frame.opcode = WEFT__WS_CONTINUATION;
		frame.is_compressed = false;
	}
	weft__ws_deflate_end(ws->deflate);
	/* Part of a message, or a compressor that knows what the peer has never seen. */
	if (result < 0 && (!ws->is_said || !frame.is_final))
		weft__ws_tear(ws);
	return result;
}

static int send_message(struct weft_ws *ws, unsigned opcode, const char *data, size_t len)
{
	const struct weft__ws_frame frame = {opcode, true, false, data, len};

	if (atomic_load(&ws->close_sent) || atomic_load(&ws->is_torn))
		return fail(EPIPE);
	if (ws->deflate && len >= WEFT__WS_DEFLATE_MIN)
		return send_compressed(ws, opcode, data, len);
	return write_frame(ws, &frame);
}

int weft_ws_send(struct weft_ws *ws, enum weft_ws_type type, const void *data, size_t len)
{
	int result;

	if (type != WEFT_WS_TEXT && type != WEFT_WS_BINARY)
		return fail(EINVAL);
	if (type == WEFT_WS_TEXT && weft__ws_text_check(data, len, 0, true) == WEFT__WS_NOT_TEXT)
		return fail(EILSEQ);
	if (weft_lock_acquire(&ws->writing) < 0)
		return -1;
	result = send_message(ws, type, data ? data : "", len);
	weft__ws_release_writing(ws);
	return result;
}

int weft_ws_send_text(struct weft_ws *ws, const char *text)
{
	return weft_ws_send(ws, WEFT_WS_TEXT, text, strlen(text));
}

/* ---- Closing ----------------------------------------------------------------------------------
 */

/* Section 7.4.1, and what the registry has gained since. */
bool weft__ws_code_is_good(unsigned code)
{
	if (code >= 1000 && code <= 1014)
		return code < 1004 || code > 1006;
	return code >= 3000 && code <= 4999;
}

int weft__ws_say_close(struct weft_ws *ws, unsigned code, const char *reason)
{
	char data[2 + WEFT_WS_REASON_MAX] = {(char)(code >> 8), (char)code};
	size_t len = reason ? strlen(reason) : 0;
	int result;

	if (len > 0)
		memcpy(data + 2, reason, len);
	if (weft_lock_acquire(&ws->writing) < 0)
		return -1;
	result = write_close(ws, data, code ? 2 + len : 0);
	weft__ws_release_writing(ws);
	return result;
}

/* Somebody else receives, and will see the answer; one that does not come is not waited for. */
static int await_receiver(struct weft_ws *ws)
{
	int result = 0;

	WEFT_WITH_TIMEOUT (ws->limits.close_timeout_ns)
		result = weft_event_wait(&ws->over);
	if (result == 0)
		return atomic_load(&ws->end) == WEFT__WS_CLOSED ? 0 : fail(ECONNRESET);
	if (!weft_interrupted()) {
		weft__ws_tear(ws);
		errno = ECONNRESET;
	}
	return -1;
}

int weft_ws_close(struct weft_ws *ws, unsigned code, const char *reason)
{
	size_t len = reason ? strlen(reason) : 0;
	int result;

	if (len > WEFT_WS_REASON_MAX || (code == 0 && len > 0) ||
		(code != 0 && !weft__ws_code_is_good(code)))
		return fail(EINVAL);
	if (!weft_utf8_is_valid(reason ? reason : "", len))
		return fail(EILSEQ);
	if (weft__ws_say_close(ws, code, reason) < 0)
		return -1;
	if (weft_lock_try_acquire(&ws->reading) < 0)
		return await_receiver(ws);
	if (ws->lent_to && ws->lent_to != weft__ws_self()) {
		weft_lock_release(&ws->reading);
		return await_receiver(ws);
	}
	result = weft__ws_await_close(ws);
	weft_lock_release(&ws->reading);
	return result;
}
