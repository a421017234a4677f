/*
 * ws.c - the life of a WebSocket, and what can be asked of it.
 *
 * Entry points: weft__ws_new(), weft_ws_free(); the facts of weft/websocket.h.
 * Never: leaves a peer without a close that could still get one.
 */
#include "http/ws.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/connection.h"
#include "http/limits.h"
#include "weft/scope.h"
#include "weft/stream.h"

/* ---- Life --------------------------------------------------------------------------------- */

bool weft__ws_options_are_good(const struct weft_ws_options *options)
{
	unsigned bits = options->window_bits;

	return options->message_max < WEFT_BUF_LEN_MAX &&
	       (bits == 0 ||
		       (bits >= WEFT__WS_WINDOW_BITS_MIN && bits <= WEFT__WS_WINDOW_BITS_MAX));
}

static int64_t usual(int64_t chosen_ns, int64_t usual_ns)
{
	return chosen_ns ? chosen_ns : usual_ns;
}

static void set_limits(struct weft__ws_limits *limits, const struct weft_ws_options *options)
{
	*limits = (struct weft__ws_limits){
		.message_max = options->message_max ? options->message_max : WEFT__WS_MESSAGE_MAX,
		.fragments_max =
			options->fragments_max ? options->fragments_max : WEFT__WS_FRAGMENTS_MAX,
		.ping_interval_ns = usual(options->ping_interval_ns, WEFT__WS_PING_INTERVAL_NS),
		.pong_timeout_ns = usual(options->pong_timeout_ns, WEFT__WS_PONG_TIMEOUT_NS),
		.write_timeout_ns = usual(options->write_timeout_ns, WEFT__HTTP_WRITE_TIMEOUT_NS),
		.close_timeout_ns = usual(options->close_timeout_ns, WEFT__WS_CLOSE_TIMEOUT_NS),
	};
}

static void init(struct weft_ws *ws)
{
	weft_lock_init(&ws->reading, "websocket, reading");
	weft_lock_init(&ws->writing, "websocket, writing");
	weft_buf_init(
		&ws->message, ws->limits.message_max + 1); /* one: to see that it is too long */
	pthread_mutex_init(&ws->pending_lock, NULL);
	atomic_init(&ws->end, WEFT__WS_OPEN);
	atomic_init(&ws->is_torn, false);
	atomic_init(&ws->has_pending, false);
	atomic_init(&ws->close_sent, 0);
	atomic_init(&ws->close_deadline_ns, 0);
	ws->close_code = WEFT_WS_LOST;
}

struct weft_ws *weft__ws_new(struct weft_stream *stream, struct weft_http_response *response,
	const struct weft_ws_options *options, const struct weft__ws_terms *terms)
{
	struct weft_ws *ws = calloc(1, sizeof(*ws));

	if (!ws)
		return NULL;
	ws->response = response;
	set_limits(&ws->limits, options);
	init(ws);
	if (!weft__ws_frames_are_there()) {
		errno = ENOSYS;
		goto fail;
	}
	if (terms->is_on) {
		ws->deflate = weft__ws_deflate_new(terms);
		if (!ws->deflate)
			goto fail;
	}
	ws->stream = stream;
	return ws;

fail:
	weft__ws_drop(ws);
	return NULL;
}

void weft__ws_drop(struct weft_ws *ws)
{
	int saved_errno = errno;

	if (!ws->response)
		weft_stream_free(ws->stream);
	weft__ws_frames_fini(ws);
	weft__ws_deflate_free(ws->deflate);
	weft_buf_fini(&ws->message);
	pthread_mutex_destroy(&ws->pending_lock);
	free(ws->protocol);
	free(ws->rest);
	free(ws);
	errno = saved_errno;
}

/* ---- The end -------------------------------------------------------------------------------- */

/* Nobody has closed: be polite, but not for long. */
static void take_leave(struct weft_ws *ws)
{
	bool is_stopping = ws->response && weft__http_connection_is_stopping(ws->response);
	bool is_hasty = is_stopping || weft_interrupted();

	if (!is_hasty) {
		weft_ws_close(ws, WEFT_WS_NORMAL, NULL);
		return;
	}
	WEFT_SHIELDED {
		WEFT_WITH_TIMEOUT (WEFT__WS_HASTE_NS)
			weft_ws_close(ws, WEFT_WS_GOING_AWAY, NULL);
	}
}

/* The server is to close first: RFC 6455, section 7.1.1. */
static void await_end(struct weft_ws *ws)
{
	const char *data;
	ssize_t len;

	WEFT_WITH_TIMEOUT (WEFT__WS_HASTE_NS) {
		while ((len = weft_stream_peek(ws->stream, 1, &data)) > 0)
			weft_stream_consume(ws->stream, (size_t)len);
	}
}

void weft_ws_free(struct weft_ws *ws)
{
	int saved_errno = errno;

	if (!ws)
		return;
	if (atomic_load(&ws->end) == WEFT__WS_OPEN && !atomic_load(&ws->is_torn))
		take_leave(ws);
	if (ws->response)
		ws->response->body_len = ws->sent_len;
	else if (atomic_load(&ws->end) == WEFT__WS_CLOSED)
		await_end(ws);
	weft__ws_drop(ws);
	errno = saved_errno;
}

/* ---- Facts ------------------------------------------------------------------------------------
 */

unsigned weft_ws_close_code(const struct weft_ws *ws)
{
	return ws->close_code;
}

const char *weft_ws_close_reason(const struct weft_ws *ws)
{
	return ws->close_reason;
}

unsigned weft_ws_close_sent(const struct weft_ws *ws)
{
	return atomic_load(&ws->close_sent);
}

const char *weft_ws_protocol(const struct weft_ws *ws)
{
	return ws->protocol ? ws->protocol : "";
}

int weft_ws_fd(const struct weft_ws *ws)
{
	return weft_stream_fd(ws->stream);
}

bool weft_ws_is_deflating(const struct weft_ws *ws)
{
	return ws->deflate != NULL;
}
