/*
 * ws_receive.c - messages out of frames (RFC 6455, sections 5 and 7; RFC 7692).
 *
 * Entry points: weft_ws_receive(), weft__ws_await_close().
 *
 *	await bytes -> part of a frame -> control: answered, noted
 *	  | pings        (ws_frames.c)    data: gathered, inflated, checked -> message
 *	  | a stop
 *
 * A message that came in one part, as most do, is lent where wslay has it; others are gathered
 * in a buffer that is given back before the next wait. A wait that the scope ends leaves all as
 * it is: the next call goes on from there.
 *
 * Never: keeps more of a message than the limit, reads on after a close, or over a message that
 * somebody else was lent.
 */
#include "http/ws.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "http/connection.h"
#include "http/limits.h"
#include "weft/scope.h"
#include "weft/socket.h"
#include "weft/stream.h"
#include "weft/utf8.h"

/** What a part of a frame has led to. */
enum step {
	GO_ON,
	MESSAGE,
	OVER,    /* closed */
	STOPPED, /* by the server */
	FAILED,  /* errno */
};

/* ---- Waiting ------------------------------------------------------------------------------ */

static bool is_closing(struct weft_ws *ws)
{
	return atomic_load(&ws->close_sent) != 0;
}

/* Between two messages, on a server: a stop may come here. */
static bool may_stop_here(struct weft_ws *ws)
{
	return ws->response && !ws->is_in_frame && !ws->is_in_message && !is_closing(ws);
}

/* And nothing of the next has come. */
static bool is_idle(struct weft_ws *ws)
{
	return may_stop_here(ws) && ws->unparsed == 0;
}

/* Whether it may be long until the next frame, of which nothing has come. */
static bool may_rest(struct weft_ws *ws)
{
	return ws->unparsed == 0 && !is_closing(ws) && !ws->is_pinged &&
	       (ws->limits.ping_interval_ns < 0 ||
		       ws->limits.ping_interval_ns > WEFT__WS_REST_AFTER_NS);
}

static int64_t patience_ns(struct weft_ws *ws)
{
	if (is_closing(ws)) {
		int64_t left_ns = atomic_load(&ws->close_deadline_ns) - weft_now();

		return left_ns > 0 ? left_ns : 0;
	}
	if (ws->is_pinged)
		return ws->limits.pong_timeout_ns;
	return ws->limits.ping_interval_ns < 0 ? WEFT_FOREVER : ws->limits.ping_interval_ns;
}

/* It was silent for as long as we have patience. Returns 0 when we go on. */
static int on_silence(struct weft_ws *ws)
{
	if (is_closing(ws) ? patience_ns(ws) == 0 : ws->is_pinged) {
		errno = ECONNRESET;
		return -1;
	}
	if (is_closing(ws))
		return 0;
	ws->is_pinged = true;
	return weft__ws_post_ping(ws);
}

/* Wait once. 0: the end; -1 with EAGAIN: it was silent. */
static ssize_t await_once(struct weft_ws *ws, int64_t timeout_ns, const char **ret_data)
{
	bool may_stop = is_idle(ws), is_stopped = false;
	ssize_t len = -1;
	int code = 0;

	if (may_stop && !weft__http_connection_idle_begin(ws->response)) {
		is_stopped = true;
	} else {
		WEFT_WITH_TIMEOUT (timeout_ns) {
			len = weft_stream_peek(ws->stream, 1, ret_data);
			code = errno;
		}
		is_stopped = may_stop && !weft__http_connection_idle_end(ws->response);
	}
	if (is_stopped) {
		ws->is_stopping = true;
		errno = ECANCELED;
		return -1;
	}
	if (len < 0)
		errno = code == ETIMEDOUT && weft_interrupted() == 0 ? EAGAIN : code;
	return len;
}

ssize_t weft__ws_await(struct weft_ws *ws, const char **ret_data)
{
	ssize_t len = weft_stream_peek(ws->stream, 0, ret_data);
	int64_t rested_ns = 0;

	if (len > 0)
		return len;
	if (may_rest(ws)) {
		rested_ns = WEFT__WS_REST_AFTER_NS;
		len = await_once(ws, rested_ns, ret_data);
		if (len >= 0 || errno != EAGAIN)
			goto done;
		weft__ws_rest(ws);
	}
	do {
		int64_t timeout_ns = patience_ns(ws);

		if (timeout_ns != WEFT_FOREVER)
			timeout_ns -= rested_ns;
		rested_ns = 0;
		len = await_once(ws, timeout_ns, ret_data);
	} while (len < 0 && errno == EAGAIN && on_silence(ws) == 0);
done:
	if (len > 0)
		ws->is_pinged = false;
	return len;
}

/* ---- Ends --------------------------------------------------------------------------------- */

static enum step finish(struct weft_ws *ws, enum weft__ws_end end)
{
	atomic_store(&ws->end, end);
	weft_event_set(&ws->over);
	return end == WEFT__WS_CLOSED ? OVER : FAILED;
}

/*
 * RFC 6455, section 7.1.1: closing while bytes still come would reset the connection, which
 * can take our close from the peer before it was read. So end our direction, and read on for a
 * while.
 */
static void drop_rest(struct weft_ws *ws)
{
	size_t dropped = 0;
	const char *data;
	ssize_t len;

	WEFT_WITH_TIMEOUT (WEFT__HTTP_LINGER_NS) {
		if (weft_stream_shutdown_write(ws->stream) < 0)
			return;
		while (dropped < WEFT__HTTP_LINGER_BYTES_MAX) {
			len = weft_stream_peek(ws->stream, 1, &data);
			if (len <= 0)
				return;
			weft_stream_consume(ws->stream, (size_t)len);
			dropped += (size_t)len;
		}
	}
}

/* The peer is at fault: tell it, and be done with it (section 7.1.7). */
static enum step fail(struct weft_ws *ws, int code, const char *reason, int error)
{
	finish(ws, WEFT__WS_LOST);
	if (!atomic_load(&ws->is_torn) && weft__ws_say_close(ws, (unsigned)code, reason) == 0)
		drop_rest(ws);
	weft__ws_tear(ws);
	errno = error;
	return FAILED;
}

static enum step fail_protocol(struct weft_ws *ws, const char *reason)
{
	return fail(ws, WEFT_WS_PROTOCOL_ERROR, reason, EPROTO);
}

/* There were no bytes: errno says why. */
static enum step no_bytes(struct weft_ws *ws)
{
	int code = errno;

	if (ws->is_stopping)
		return STOPPED;
	if (code == weft_interrupted())
		return FAILED; /* and we can go on later */
	finish(ws, WEFT__WS_LOST);
	weft__ws_tear(ws);
	/* To the reader it is all the same: TLS that was cut off, a write that came too late. */
	errno = code == ENOMEM ? ENOMEM : ECONNRESET;
	return FAILED;
}

/* ---- Control frames ----------------------------------------------------------------------- */

static enum step take_close(struct weft_ws *ws)
{
	const unsigned char *code = (const unsigned char *)ws->control;
	size_t reason_len = ws->control_len < 2 ? 0 : ws->control_len - 2;

	if (ws->control_len == 1)
		return fail_protocol(ws, "a close of one byte");
	ws->close_code = WEFT_WS_NO_CODE;
	if (ws->control_len > 0) {
		unsigned number = (unsigned)code[0] << 8 | code[1];

		if (!weft__ws_code_is_good(number))
			return fail_protocol(ws, "a code that no close may have");
		if (!weft_utf8_is_valid(ws->control + 2, reason_len))
			return fail(ws, WEFT_WS_BAD_DATA, "a reason that is not UTF-8", EILSEQ);
		ws->close_code = number;
		memcpy(ws->close_reason, ws->control + 2, reason_len);
	}
	/* That it can't be told any more harms nobody: it has said all it has to say. */
	if (!is_closing(ws))
		weft__ws_post_close(ws, ws->control, ws->control_len < 2 ? 0 : 2);
	return finish(ws, WEFT__WS_CLOSED);
}

static enum step take_control(struct weft_ws *ws, const struct weft__ws_part *part)
{
	if (part->is_begin)
		ws->control_len = 0;
	memcpy(ws->control + ws->control_len, part->data, part->len);
	ws->control_len += part->len;
	if (!part->is_end || part->opcode == WEFT__WS_PONG)
		return GO_ON;
	if (part->opcode == WEFT__WS_CLOSE)
		return take_close(ws);
	if (!is_closing(ws) && weft__ws_post_pong(ws, ws->control, ws->control_len) < 0)
		return no_bytes(ws);
	return GO_ON;
}

/* ---- Data --------------------------------------------------------------------------------- */

static enum step too_big(struct weft_ws *ws)
{
	return fail(ws, WEFT_WS_TOO_BIG, "the message is too long", EMSGSIZE);
}

static enum step no_memory(struct weft_ws *ws)
{
	return fail(ws, WEFT_WS_FAILURE, "", ENOMEM);
}

static enum step not_text(struct weft_ws *ws)
{
	return fail(ws, WEFT_WS_BAD_DATA, "text that is not UTF-8", EILSEQ);
}

/* Section 5.2: what a frame may be, by itself and after those before it. */
static const char *judge_frame(struct weft_ws *ws, const struct weft__ws_part *part)
{
	bool is_first = part->opcode == WEFT__WS_TEXT || part->opcode == WEFT__WS_BINARY;
	bool is_control = part->opcode >= WEFT__WS_CLOSE && part->opcode <= WEFT__WS_PONG;

	if (part->is_masked != (ws->response != NULL))
		return ws->response ? "a frame that is not masked" : "a frame that is masked";
	if (part->reserved != 0 &&
		!(part->reserved == WEFT__WS_COMPRESSED && ws->deflate && is_first))
		return "a reserved bit";
	if (!is_first && !is_control && part->opcode != WEFT__WS_CONTINUATION)
		return "an unknown opcode";
	if (is_first && ws->is_in_message)
		return "a message within a message";
	if (part->opcode == WEFT__WS_CONTINUATION && !ws->is_in_message)
		return "a continuation of nothing";
	return NULL;
}

static void begin_message(struct weft_ws *ws, const struct weft__ws_part *part)
{
	ws->is_in_message = true;
	ws->type = (enum weft_ws_type)part->opcode;
	ws->is_deflated = part->reserved == WEFT__WS_COMPRESSED;
	ws->fragments = 0;
	ws->compressed_len = 0;
	ws->text_checked = 0;
}

/* Whether the message would be too long with this frame: known before most of it has come. */
static bool is_too_big(struct weft_ws *ws, const struct weft__ws_part *part)
{
	size_t max = ws->limits.message_max;

	if (++ws->fragments > ws->limits.fragments_max)
		return true;
	if (!ws->is_deflated)
		return part->frame_len > max - weft_buf_len(&ws->message);
	/* Compressed data can be a little longer than what it means, not much. */
	ws->compressed_len += part->frame_len;
	return part->frame_len > max + max / 8 + 1024 || ws->compressed_len > max + max / 8 + 1024;
}

/* Put a part of a message, or with len 0 the end of a compressed one, behind what there is. */
static enum step gather(struct weft_ws *ws, const char *data, size_t len)
{
	int result = ws->is_deflated ? weft__ws_inflate(ws->deflate, data, len, &ws->message)
				     : weft_buf_append(&ws->message, data, len);

	if (result < 0 && errno == EILSEQ)
		return fail(ws, WEFT_WS_BAD_DATA, "what is no compressed data", EILSEQ);
	if (result < 0 && errno == ENOMEM)
		return no_memory(ws);
	if (result < 0 || weft_buf_len(&ws->message) > ws->limits.message_max)
		return too_big(ws);
	return GO_ON;
}

static bool check_text(struct weft_ws *ws, bool is_whole)
{
	if (ws->type != WEFT_WS_TEXT || weft_buf_len(&ws->message) == 0)
		return true;
	ws->text_checked = weft__ws_text_check(weft_buf_data(&ws->message),
		weft_buf_len(&ws->message), ws->text_checked, is_whole);
	return ws->text_checked != WEFT__WS_NOT_TEXT;
}

static enum step lend(
	struct weft_ws *ws, const char *data, size_t len, struct weft_ws_message *ret_message)
{
	ws->is_in_message = false;
	ret_message->type = ws->type;
	ret_message->data = data ? data : "";
	ret_message->len = len;
	return MESSAGE;
}

static enum step take_data(
	struct weft_ws *ws, const struct weft__ws_part *part, struct weft_ws_message *ret_message)
{
	bool is_message_end = part->is_end && part->is_final;
	enum step step = GO_ON;

	if (part->is_begin && part->opcode != WEFT__WS_CONTINUATION)
		begin_message(ws, part);
	if (part->is_begin && is_too_big(ws, part))
		return too_big(ws);
	if (is_message_end && part->is_begin && ws->fragments == 1 && !ws->is_deflated) {
		if (ws->type == WEFT_WS_TEXT &&
			weft__ws_text_check(part->data, part->len, 0, true) == WEFT__WS_NOT_TEXT)
			return not_text(ws);
		return lend(ws, part->data, part->len, ret_message);
	}
	if (part->len > 0)
		step = gather(ws, part->data, part->len);
	if (step == GO_ON && is_message_end && ws->is_deflated)
		step = gather(ws, NULL, 0);
	if (step != GO_ON)
		return step;
	if (!check_text(ws, is_message_end))
		return not_text(ws);
	if (!is_message_end)
		return GO_ON;
	return lend(ws, weft_buf_data(&ws->message), weft_buf_len(&ws->message), ret_message);
}

/* ---- Together ------------------------------------------------------------------------------ */

static enum step take_part(struct weft_ws *ws, struct weft_ws_message *ret_message)
{
	struct weft__ws_part part;
	const char *fault;

	switch (weft__ws_frames_next(ws, &part)) {
	case WEFT__WS_AGAIN:
		return GO_ON;
	case WEFT__WS_BROKEN:
		return fail_protocol(ws, "what is no frame");
	case WEFT__WS_FAILED:
		return no_bytes(ws);
	case WEFT__WS_PART:
		break;
	}
	fault = part.is_begin ? judge_frame(ws, &part) : NULL;
	if (fault)
		return fail_protocol(ws, fault);
	if (part.opcode >= WEFT__WS_CLOSE)
		return take_control(ws, &part);
	return take_data(ws, &part, ret_message);
}

/* The next message, or the end. */
static enum step take_message(struct weft_ws *ws, struct weft_ws_message *ret_message)
{
	enum step step = GO_ON;
	int code = weft_interrupted();

	if (!ws->is_in_message)
		weft_buf_fini(&ws->message);
	switch (atomic_load(&ws->end)) {
	case WEFT__WS_CLOSED:
		return OVER;
	case WEFT__WS_LOST:
		errno = EPIPE;
		return FAILED;
	case WEFT__WS_OPEN:
		break;
	}
	if (may_stop_here(ws) && weft__http_connection_is_stopping(ws->response))
		return STOPPED;
	if (code) {
		errno = code;
		return FAILED;
	}
	while (step == GO_ON)
		step = take_part(ws, ret_message);
	return step;
}

uint64_t weft__ws_self(void)
{
	weft_fiber_id fiber = weft_self();

	return fiber ? fiber : (uint64_t)gettid(); /* below every fiber's */
}

int weft__ws_await_close(struct weft_ws *ws)
{
	struct weft_ws_message dropped;
	enum step step;

	do
		step = take_message(ws, &dropped);
	while (step == MESSAGE);
	return step == OVER ? 0 : -1;
}

/* The server stops: the caller may be cancelled, and the peer is told all the same. */
static void say_stop(struct weft_ws *ws)
{
	WEFT_SHIELDED {
		WEFT_WITH_TIMEOUT (WEFT__WS_HASTE_NS) {
			if (weft__ws_say_close(ws, WEFT_WS_GOING_AWAY, NULL) == 0)
				weft__ws_await_close(ws);
		}
	}
	if (atomic_load(&ws->end) == WEFT__WS_OPEN)
		finish(ws, WEFT__WS_LOST);
}

int weft_ws_receive(struct weft_ws *ws, struct weft_ws_message *ret_message)
{
	enum step step;

	if (weft_lock_acquire(&ws->reading) < 0)
		return -1;
	step = take_message(ws, ret_message);
	ws->lent_to = step == MESSAGE ? weft__ws_self() : 0;
	if (step == STOPPED)
		say_stop(ws);
	weft_lock_release(&ws->reading);
	return step == MESSAGE ? 1 : step == FAILED ? -1 : 0;
}
