/*
 * connection.c - the life of one HTTP/1.1 connection (RFC 9112, section 9).
 *
 * Entry point: weft__http_connection_run(). How it is ended from outside: connection_stop.c.
 *
 *	wait for a head -> judge it -> dispatch -> drop its body -> wait for a head ...
 *	     ^ flushes first                        or end: flush, linger
 *	     | silent for a while: park, if the stream can (io/lot.h), and run anew later
 *
 * Answers are flushed only when the next head is not there yet: whatever was
 * pipelined in one packet is answered in one. A body that no handler reads is
 * dropped exactly, or the connection ends, so that it can't be read as a request.
 *
 * Never: looks at another byte after it has said Connection: close.
 */
#include "http/connection.h"

#include <errno.h>
#include <string.h>

#include "fiber/driver/driver.h"
#include "fiber/worker.h"
#include "http/limits.h"
#include "http/service.h"
#include "http/under_way.h"
#include "io/stream.h"
#include "weft/scope.h"

/** What became of waiting for a head. */
enum arrival {
	ARRIVED,
	BAD_HEAD,
	TOO_LATE,
	GONE,   /* the peer has closed, is lost, or was idle too long: nothing to say */
	SILENT, /* it may still come, and need not be waited for here */
};

static bool has_log(const struct weft_http_service *service)
{
	return service->on_log;
}

void weft__http_connection_init(struct weft__http_connection *connection,
	struct weft_stream *stream, const struct weft_http_server_options *options,
	const atomic_bool *is_stopping)
{
	struct weft_http_response *response = &connection->response;

	memset(response, 0, sizeof(*response));
	connection->options = options;
	connection->is_stopping = is_stopping;
	connection->guard = NULL;
	connection->fiber = weft_self();
	connection->thread = connection->fiber ? NULL : weft_thread_current();
	connection->logger_arg = options->arg;
	connection->logger =
		weft__http_service_find(options->service, &connection->logger_arg, has_log);
	connection->has_pipelined = false;
	connection->turn = 0;
	connection->may_have_more = false;
	connection->may_park = false;
	connection->is_leaving = false;
	atomic_init(&connection->state, WEFT__HTTP_BUSY);
	weft__http_request_init(&connection->request, stream);
	connection->request.output = &response->output;
	connection->request.body_max = options->body_max;
	connection->request.body_timeout_ns = weft__http_limit(&options->body_timeout_ns);
	response->request = &connection->request;
	response->service = options->service;
	response->arg = options->arg;
	weft__http_output_init(
		&response->output, stream, weft__http_limit(&options->write_timeout_ns));
	response->output.transfers = options->transfers;
}

void weft__http_connection_fini(struct weft__http_connection *connection)
{
	weft__http_request_fini(&connection->request);
	weft__http_response_reset(&connection->response);
}

/* ---- Waiting for a request ---------------------------------------------------------------- */

/* When the worker last asked the kernel what has come; outside of a worker, now. */
static int64_t last_look_ns(void)
{
	return weft__worker ? weft__worker->now_ns : weft_now();
}

/* Nothing more is to be waited for. */
static bool is_stopped(const struct weft__http_connection *connection)
{
	return atomic_load(connection->is_stopping) && !connection->is_leaving;
}

/*
 * Wait for the first byte of a head. Returns how much there is, or -1 or 0 at the end.
 * The answers before it go out under the same deadline: a second one would be as long.
 */
static ssize_t await_first_byte(
	struct weft__http_connection *connection, int64_t timeout_ns, const char **ret_data)
{
	struct weft_http_request *request = &connection->request;
	enum weft__http_connection_state expected = WEFT__HTTP_IDLE;
	int64_t look_ns = last_look_ns();
	struct weft_timeout timeout;
	ssize_t len = 0;

	/* Where it is long, a clock that is behind by one turn of the worker will do. */
	weft__timeout_begin_at(&timeout,
		timeout_ns >= WEFT_SECONDS(1) ? look_ns + WEFT__COARSE_NS : weft_now(), timeout_ns);
	if (weft__http_output_flush_in_scope(&connection->response.output) < 0) {
		weft__timeout_drop(&timeout);
		return -1;
	}
	atomic_store(&connection->state, WEFT__HTTP_IDLE);
	/* A stop that came before this store has not seen us idle, so we look for it. */
	if (!is_stopped(connection))
		len = weft_stream_peek(request->stream, 1, ret_data);
	weft__timeout_drop(&timeout);
	if (!atomic_compare_exchange_strong(&connection->state, &expected, WEFT__HTTP_BUSY))
		return -1;
	connection->has_pipelined = false;
	/*
	 * Who was parked has been woken by a look at the kernel, which saw these bytes. (A
	 * wake left over from bytes that were taken before can be mistaken for theirs: then
	 * they are younger than the look, by less than one turn of the worker.)
	 */
	request->arrived_ns = last_look_ns() != look_ns ? last_look_ns() : weft_now();
	return len;
}

/* A part of a head is there: the rest has to follow soon. */
static enum arrival await_rest(struct weft__http_connection *connection)
{
	struct weft_http_request *request = &connection->request;
	enum weft__http_parse_result result = WEFT__HTTP_MORE;
	enum weft__http_connection_state expected = WEFT__HTTP_HEAD;
	enum arrival arrival = GONE;

	if (weft__http_output_flush(&connection->response.output) < 0)
		return GONE;
	atomic_store(&connection->state, WEFT__HTTP_HEAD);
	WEFT_WITH_TIMEOUT (connection->is_leaving
				   ? WEFT__HTTP_LEAVE_NS
				   : weft__http_limit(&connection->options->header_timeout_ns)) {
		/* A stop waits for answers, not for questions; as in await_first_byte(). */
		while (result == WEFT__HTTP_MORE && !is_stopped(connection)) {
			const char *data;
			size_t have = request->data_len;
			ssize_t len = weft_stream_peek(request->stream, have + 1, &data);

			if (len < 0 && errno == ETIMEDOUT)
				arrival = TOO_LATE;
			if (len <= (ssize_t)have)
				break;
			result = weft__http_request_take_more(request, data, (size_t)len);
		}
	}
	if (!atomic_compare_exchange_strong(&connection->state, &expected, WEFT__HTTP_BUSY))
		return GONE;
	connection->has_pipelined = false;
	request->arrived_ns = weft_now();
	if (result == WEFT__HTTP_MORE)
		return arrival;
	return result == WEFT__HTTP_DONE ? ARRIVED : BAD_HEAD;
}

/* Whether it was only that nothing came; an answer that is still to be taken has to be seen out. */
static bool is_silent(const struct weft__http_connection *connection, ssize_t len)
{
	return len < 0 && errno == ETIMEDOUT && weft_interrupted() == 0 &&
	       connection->response.output.unflushed == 0;
}

/* The next request's first byte, as await_first_byte(), which may not come for a while. */
static ssize_t await_next(
	struct weft__http_connection *connection, const char **ret_data, bool *ret_is_silent)
{
	struct weft__http_output *output = &connection->response.output;
	ssize_t len = await_first_byte(connection, WEFT__HTTP_PARK_AFTER_NS, ret_data);

	if (len < 0 && errno == ETIMEDOUT && output->unflushed > 0 &&
		weft__http_output_flush(output) == 0)
		len = await_first_byte(connection, WEFT__HTTP_PARK_AFTER_NS, ret_data);
	*ret_is_silent = is_silent(connection, len);
	return len;
}

/* A request that came with the one before, or after it. */
static void note_pipelined(struct weft__http_connection *connection)
{
	/* Who has sent many is not served at the cost of those who have sent one. */
	if (++connection->turn % WEFT__HTTP_PIPELINED_TURN == 0 && connection->fiber)
		weft_yield();
	if (connection->has_pipelined)
		return;
	/* Those behind it came with it. */
	connection->request.arrived_ns = weft_now();
	connection->has_pipelined = true;
}

static enum arrival await_head(struct weft__http_connection *connection, int64_t timeout_ns)
{
	struct weft_http_request *request = &connection->request;
	bool is_silent = false;
	const char *data;
	ssize_t len = 0;

	if (connection->may_have_more)
		len = (ssize_t)weft__stream_buffered(request->stream, &data);
	if (len == 0 && connection->may_park) {
		len = await_next(connection, &data, &is_silent);
	} else if (len == 0) {
		len = await_first_byte(connection, timeout_ns, &data);
	} else {
		note_pipelined(connection);
	}
	if (len <= 0)
		return is_silent ? SILENT : GONE;
	switch (weft__http_request_take(request, data, (size_t)len)) {
	case WEFT__HTTP_DONE:
		return ARRIVED;
	case WEFT__HTTP_BAD:
		return BAD_HEAD;
	default:
		return await_rest(connection);
	}
}

/* ---- Answering ------------------------------------------------------------------------------ */

/* A body that nobody will read and that is too long to drop. Returns 0, or a status. */
static int judge_body(struct weft__http_connection *connection)
{
	const struct weft__http_head *head = &connection->request.head;
	bool is_plain = head->method == WEFT_HTTP_GET || head->method == WEFT_HTTP_HEAD;

	if (!is_plain || weft__http_body_can_end(&connection->request))
		return 0;
	connection->response.closes = true;
	return head->content_length > WEFT__HTTP_UNUSED_BODY_MAX ? 413 : 0;
}

/* "*", the server as a whole: RFC 9112, section 3.2.4. */
static bool is_for_all(const struct weft_http_request *request)
{
	return request->head.path.len == 1 && request->data[request->head.path.at] == '*';
}

/* Find who answers, and let it. Returns as a handler does. */
static int dispatch(struct weft__http_connection *connection)
{
	struct weft_http_request *request = &connection->request;
	void *arg = connection->options->arg;
	weft_http_handler_fn *handler;
	const char *why = NULL;
	int status = judge_body(connection);

	if (status)
		return status;
	status = weft__http_request_decode_path(request, &why);
	if (status)
		return weft_http_response_error(&connection->response, status, why);
	if (weft__http_guard_is_asked(connection->guard, request))
		status = weft__http_guard_check(connection->guard, request, &connection->response);
	if (status || connection->response.status)
		return status;
	handler = weft__http_service_handler(
		connection->options->service, request->head.method, &arg);
	if (!handler || is_for_all(request))
		return weft__http_refuse_method(request, &connection->response,
			weft__http_service_methods(connection->options->service));
	return handler(request, &connection->response, arg);
}

static void log_answer(struct weft__http_connection *connection)
{
	const struct weft_http_server_options *options = connection->options;

	if (connection->guard && connection->guard->counts)
		weft__http_guard_note(
			connection->guard, &connection->request, &connection->response);
	if (options->on_answer)
		options->on_answer(
			&connection->request, &connection->response, options->on_answer_arg);
	if (connection->logger)
		connection->logger->on_log(
			&connection->request, &connection->response, connection->logger_arg);
	else if (options->access_log)
		weft_http_log_add(options->access_log, &connection->request, &connection->response);
}

/* Answer the head that has arrived. Returns 0, or -1 and the connection is lost. */
static int answer(struct weft__http_connection *connection)
{
	struct weft_http_response *response = &connection->response;
	int result;

	if (!connection->request.head.keeps_alive || atomic_load(connection->is_stopping))
		response->closes = true;
	result = dispatch(connection);
	/* A body that failed is answered, if the handler has not done so; its connection ends. */
	if (result < 0 && connection->request.body.state == WEFT__HTTP_BODY_FAILED &&
		response->status == 0)
		result = weft_http_response_error(
			response, connection->request.body.status, connection->request.body.why);
	/* So is whatever else went wrong before the answer; but a stop that is over cuts it off. */
	if (result < 0 && response->status == 0 && weft_interrupted() == 0) {
		response->closes = true;
		result = 500;
	}
	if (response->pieces.are_open && (result != 0 || weft__http_pieces_end(response) < 0))
		result = -1;
	if (result == 0 && response->status == 0)
		result = 500; /* the handler has forgotten to answer */
	if (result > 0 && (result < 400 || result > 599))
		result = 500; /* not what a handler may return, and no error to tell of */
	if (result > 0 && response->status == 0)
		result = weft_http_response_error(response, result, NULL);
	if (response->status)
		log_answer(connection);
	if (response->output.transfer)
		weft__http_transfer_end(&response->output);
	return result;
}

/* Answer what is no request, and end the connection: who knows where the next one begins. */
static void answer_bad(struct weft__http_connection *connection, int status, const char *why)
{
	connection->response.closes = true;
	if (weft_http_response_error(&connection->response, status, why) == 0)
		log_answer(connection);
}

/* ---- After the answer ---------------------------------------------------------------------------
 */

/* Drop what is here of a body with left bytes to come. Returns how many are still to come. */
static size_t drop_present(struct weft_stream *stream, size_t left)
{
	const char *data;
	ssize_t len;

	while (left > 0 && (len = weft_stream_peek(stream, 0, &data)) > 0) {
		if ((size_t)len > left)
			len = (ssize_t)left;
		weft_stream_consume(stream, (size_t)len);
		left -= (size_t)len;
	}
	return left;
}

/* Drop the head and the body of the request that was answered. */
static int drop_request(struct weft__http_connection *connection)
{
	struct weft_http_request *request = &connection->request;
	struct weft_stream *stream = request->stream;
	size_t left = (size_t)request->head.content_length;
	const char *data;

	connection->may_have_more = true;
	if (request->body.state != WEFT__HTTP_BODY_UNTOUCHED) {
		left = (size_t)request->body.left; /* of chunks, all has been read */
	} else {
		weft__stream_consume(stream, request->head.len);
		connection->may_have_more = request->data_len > request->head.len;
	}
	if (left > 0)
		left = drop_present(stream, left);
	if (left == 0)
		return 0;
	connection->has_pipelined = false;
	connection->may_have_more = true;
	if (weft__http_output_flush(&connection->response.output) < 0)
		return -1;
	/* One deadline for all of it: with one for each wait, a body could drip for days. */
	WEFT_WITH_TIMEOUT (weft__http_limit(&connection->options->header_timeout_ns))
		while (left > 0 && weft_stream_peek(stream, 1, &data) > 0)
			left = drop_present(stream, left);
	return left == 0 ? 0 : -1;
}

/*
 * RFC 9112, section 9.6: closing while bytes are still coming makes the kernel send a
 * reset, which can take the answer from the peer's buffer before it was read. So end
 * our direction, and read on for a while.
 */
static void linger(struct weft__http_connection *connection, int64_t timeout_ns)
{
	struct weft_stream *stream = connection->request.stream;
	size_t dropped = 0;
	const char *data;
	ssize_t len;

	WEFT_WITH_TIMEOUT (timeout_ns) {
		if (weft_stream_shutdown_write(stream) < 0)
			return;
		while (dropped < WEFT__HTTP_LINGER_BYTES_MAX) {
			len = weft_stream_peek(stream, 1, &data);
			if (len <= 0)
				return;
			weft_stream_consume(stream, (size_t)len);
			dropped += (size_t)len;
		}
	}
}

/* The last answer is written: see it out. */
static void end(struct weft__http_connection *connection, bool may_have_more)
{
	const char *data;

	if (weft__http_output_flush(&connection->response.output) < 0)
		return;
	if (may_have_more || weft_stream_peek(connection->request.stream, 0, &data) > 0)
		linger(connection, WEFT__HTTP_LINGER_NS);
}

/* ---- The loop
 * -------------------------------------------------------------------------------------- */

/* What comes after a request. */
enum next {
	ANOTHER,
	NOTHING,
	PARKING,
	LEAVING, /* a stop has ended the wait */
};

static enum next serve_one(struct weft__http_connection *connection, int64_t timeout_ns)
{
	const struct weft__http_head *head = &connection->request.head;

	weft__http_request_reset(&connection->request);
	weft__http_response_reset(&connection->response);
	switch (await_head(connection, timeout_ns)) {
	case GONE:
		if (is_stopped(connection))
			return LEAVING;
		weft__http_guard_tell_plain(connection->request.stream);
		return NOTHING;
	case SILENT:
		return PARKING;
	case TOO_LATE:
		answer_bad(connection, 408, NULL);
		end(connection, true);
		return NOTHING;
	case BAD_HEAD:
		answer_bad(connection, weft__http_fault_status(head->fault),
			weft__http_fault_text(head->fault));
		end(connection, true);
		return NOTHING;
	case ARRIVED:
		break;
	}
	if (answer(connection) < 0)
		return NOTHING;
	/* A body that failed after the answer was begun: nobody knows where it ends. */
	if (connection->response.closes ||
		connection->request.body.state == WEFT__HTTP_BODY_FAILED) {
		if (connection->request.body.state == WEFT__HTTP_BODY_UNTOUCHED)
			weft_stream_consume(connection->request.stream, head->len);
		end(connection, head->content_length > 0 || head->is_chunked);
		return NOTHING;
	}
	return drop_request(connection) == 0 ? ANOTHER : NOTHING;
}

static bool has_come(const struct weft__http_connection *connection)
{
	struct weft__op op = {.kind = WEFT__OP_POLL_NOW,
		.fd = weft_stream_fd(connection->request.stream),
		.flags = POLLIN};

	return weft__perform(&op) > 0;
}

/*
 * A stop has ended the wait for a request that may be under way: the peer could not know. It is
 * answered, as the last, if it comes soon. Then our end is closed, and what crosses that is read:
 * a reset would be taken for a failure.
 */
static void see_off(struct weft__http_connection *connection)
{
	if (connection->options->grace_ns < 0)
		return;
	connection->is_leaving = true;
	connection->may_park = false;
	WEFT_SHIELDED
		WEFT_WITH_TIMEOUT (connection->options->grace_ns) {
			serve_one(connection, WEFT__HTTP_LEAVE_NS);
			/* On a busy machine it has come in time, and we have not looked. */
			if (connection->response.status == 0 && has_come(connection))
				serve_one(connection, WEFT__HTTP_LEAVE_NS);
			if (connection->response.status == 0)
				linger(connection, WEFT__HTTP_LEAVE_NS);
		}
}

bool weft__http_connection_run(struct weft__http_connection *connection)
{
	/* A peer that has just come has something to say; one that stays may think longer. */
	const struct weft_http_server_options *options = connection->options;
	enum next next = serve_one(connection, weft__http_limit(&options->header_timeout_ns));

	connection->may_park = connection->request.stream->can_park;
	while (next == ANOTHER)
		next = serve_one(connection, options->idle_timeout_ns);
	if (next == LEAVING)
		see_off(connection);
	return next == PARKING;
}

int64_t weft__http_park_timeout_ns(const struct weft_http_server_options *options)
{
	int64_t timeout_ns = options->idle_timeout_ns - WEFT__HTTP_PARK_AFTER_NS;

	/* For a moment it is not worth the trouble. */
	return timeout_ns > WEFT__HTTP_PARK_AFTER_NS ? timeout_ns : 0;
}
