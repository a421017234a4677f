/*
 * connection_stop.c - a connection is ended from outside, while nothing is being answered on it.
 *
 * Entry points: weft__http_connection_stop(), _evict(); and for handlers that talk on after their
 * answer, weft__http_connection_idle_begin(), _idle_end(), _is_stopping().
 *
 * Whoever ends it may be on any thread: its state (connection.h) says who was first.
 *
 * Never: ends a connection while a request is being answered.
 */
#include "http/connection.h"

#include "fiber/doze.h"
#include "weft/socket.h"

/* From that state to the end. */
static bool end_from(
	struct weft__http_connection *connection, enum weft__http_connection_state expected)
{
	return atomic_compare_exchange_strong(&connection->state, &expected, WEFT__HTTP_STOPPED);
}

bool weft__http_connection_evict(struct weft__http_connection *connection)
{
	if (!end_from(connection, WEFT__HTTP_IDLE) && !end_from(connection, WEFT__HTTP_HEAD))
		return false;
	/* Its wait ends as if the peer had gone. No cancelling: its thread may have others after
	 * it. */
	weft_shutdown(weft_stream_fd(connection->request.stream), SHUT_RDWR);
	return true;
}

void weft__http_connection_stop(struct weft__http_connection *connection)
{
	if (!end_from(connection, WEFT__HTTP_IDLE) && !end_from(connection, WEFT__HTTP_HEAD) &&
		!end_from(connection, WEFT__HTTP_TALKING))
		return;
	if (connection->fiber)
		weft_cancel(connection->fiber);
	else if (connection->thread)
		weft_thread_cancel(connection->thread);
	else
		weft__process_cancel();
}

/* ---- Waiting for what is no request ------------------------------------------------------- */

static struct weft__http_connection *connection_of(struct weft_http_response *response)
{
	return weft_container_of(response, struct weft__http_connection, response);
}

bool weft__http_connection_is_stopping(struct weft_http_response *response)
{
	return atomic_load(connection_of(response)->is_stopping);
}

bool weft_http_response_is_stopping(const struct weft_http_response *response)
{
	return weft__http_connection_is_stopping((struct weft_http_response *)response);
}

bool weft__http_connection_idle_end(struct weft_http_response *response)
{
	enum weft__http_connection_state expected = WEFT__HTTP_TALKING;

	return atomic_compare_exchange_strong(
		&connection_of(response)->state, &expected, WEFT__HTTP_BUSY);
}

bool weft__http_connection_idle_begin(struct weft_http_response *response)
{
	struct weft__http_connection *connection = connection_of(response);
	enum weft__http_connection_state expected = WEFT__HTTP_BUSY;

	/* Whoever waits is woken, which may be another fiber than the handler's. */
	if (connection->fiber && weft_self())
		connection->fiber = weft_self();
	if (!atomic_compare_exchange_strong(&connection->state, &expected, WEFT__HTTP_TALKING))
		return false;
	/* As in await_first_byte(): a stop may have come before. */
	if (!atomic_load(connection->is_stopping))
		return true;
	weft__http_connection_idle_end(response);
	return false;
}
