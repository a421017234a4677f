/*
 * link_port.c - links on a UDP socket: two fibers drive an endpoint, any number use its sessions.
 *
 *	receiver   socket -> endpoint -> events -> who waits at a session
 *	sender     endpoint -> socket; sleeps until something is due, or is kicked
 *
 * One lock stands before the endpoint and all its links. It is held for what the endpoint does, and
 * never while waiting for the network; a callback under it is for datagrams that are none of ours.
 *
 * Entry points: weft_chat_port_*(), weft_chat_session_*().
 * Never: the protocol, which is link*.c's.
 */
#include "weft/chat_port.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weft/event.h"
#include "weft/fiber.h"
#include "weft/list.h"
#include "weft/lock.h"
#include "weft/scope.h"

#define BATCH           32
#define DATAGRAM        1536 /* of others' there may be longer ones: they come cut */
#define BACKLOG_DEFAULT 128
#define STACK           (64 * 1024)

struct weft_chat_session {
	struct weft_chat_port *port;
	struct weft_chat_link *link;
	struct weft_cond changed;
	struct weft_list_node in_backlog;
	bool is_opened, is_over;
};

struct batch {
	struct weft_datagram datagrams[BATCH];
	uint8_t data[BATCH][DATAGRAM];
};

struct weft_chat_port {
	struct weft_lock lock;
	struct weft_chat_endpoint *endpoint;
	struct weft_udp *udp;
	struct weft_lock sending; /* udp is in use by the sender */
	struct weft_event kick;
	struct weft_cond arrived;
	struct weft_list backlog;
	unsigned waiting, backlog_max, sessions;
	weft_fiber_id receiver, sender;
	void (*other)(void *arg, const struct weft_datagram *datagram);
	void *arg;
	struct batch in, out;
};

/* ---- What happened --------------------------------------------------------------------------- */

static struct weft_chat_session *session_new(
	struct weft_chat_port *port, struct weft_chat_link *link)
{
	struct weft_chat_session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->port = port;
	session->link = link;
	weft_cond_init(&session->changed, "chat session");
	weft_list_node_init(&session->in_backlog);
	weft_chat_link_set_owner(link, session);
	port->sessions++;
	return session;
}

static void arrive(struct weft_chat_port *port, struct weft_chat_link *link)
{
	struct weft_chat_session *session = NULL;

	if (port->waiting < port->backlog_max)
		session = session_new(port, link);
	if (!session) {
		weft_chat_link_refuse(link, "the server has too much to do: try again");
		weft_chat_link_free(link);
		return;
	}
	weft_list_push_back(&port->backlog, &session->in_backlog);
	port->waiting++;
	weft_cond_signal(&port->arrived);
}

/* With the lock held. */
static void dispatch(struct weft_chat_port *port)
{
	struct weft_chat_link_event event;

	while (weft_chat_endpoint_event(port->endpoint, &event)) {
		struct weft_chat_session *session = weft_chat_link_owner(event.link);

		if (event.kind == WEFT_CHAT_LINK_LOGIN) {
			arrive(port, event.link);
			continue;
		}
		if (!session)
			continue;
		session->is_opened |= event.kind == WEFT_CHAT_LINK_OPENED;
		session->is_over |= event.kind == WEFT_CHAT_LINK_OVER;
		weft_cond_broadcast(&session->changed);
	}
}

/* ---- In -------------------------------------------------------------------------------------- */

static int take(struct weft_chat_port *port, unsigned count)
{
	const struct batch *in = &port->in;
	int64_t now = weft_now();

	for (unsigned i = 0; i < count; i++)
		if (port->other && in->datagrams[i].len > 0 &&
			in->data[i][0] != WEFT_CHAT_LINK_FIRST)
			port->other(port->arg, &in->datagrams[i]);
	if (weft_lock_acquire(&port->lock) < 0)
		return -1;
	for (unsigned i = 0; i < count; i++)
		if (in->datagrams[i].len > 0 && in->data[i][0] == WEFT_CHAT_LINK_FIRST)
			weft_chat_endpoint_input(port->endpoint, &in->datagrams[i], now);
	dispatch(port);
	weft_lock_release(&port->lock);
	weft_event_set(&port->kick);
	return 0;
}

static int receive_all(void *arg)
{
	struct weft_chat_port *port = arg;

	for (;;) {
		int count;

		for (unsigned i = 0; i < BATCH; i++)
			port->in.datagrams[i] = (struct weft_datagram){
				.data = port->in.data[i], .size_bytes = DATAGRAM};
		count = weft_udp_recv_many(port->udp, port->in.datagrams, BATCH);
		if (count < 0 && (errno == ECANCELED || errno == EBADF))
			return 0;
		/* What the network tells of an earlier datagram is nobody's in particular. */
		if (count < 0 && weft_sleep(WEFT_MILLISECONDS(1)) < 0)
			return 0;
		if (count > 0 && take(port, (unsigned)count) < 0)
			return 0;
	}
}

/* ---- Out ------------------------------------------------------------------------------------- */

/* Datagrams that are to go now; *ret_wait_ns: how long to sleep after them. -1: cancelled. */
static int collect(struct weft_chat_port *port, int64_t *ret_wait_ns)
{
	struct batch *out = &port->out;
	int64_t now = weft_now(), deadline;
	int count = 0;

	if (weft_lock_acquire(&port->lock) < 0)
		return -1;
	weft_event_clear(&port->kick);
	do
		out->datagrams[count].data = out->data[count];
	while (weft_chat_endpoint_output(port->endpoint, &out->datagrams[count], now) &&
		++count < BATCH);
	dispatch(port);
	deadline = weft_chat_endpoint_deadline(port->endpoint);
	weft_lock_release(&port->lock);
	if (deadline == INT64_MAX)
		*ret_wait_ns = WEFT_FOREVER;
	else
		*ret_wait_ns = deadline > now ? deadline - now : 0;
	return count;
}

/* One that does not get out is as good as lost. -1: cancelled. */
static int send_out(struct weft_chat_port *port, int count)
{
	int done = 0;

	if (weft_lock_acquire(&port->sending) < 0)
		return -1;
	while (done < count) {
		int sent = weft_udp_send_many(
			port->udp, port->out.datagrams + done, (unsigned)(count - done));

		if (sent < 0 && errno == ECANCELED)
			break;
		done += sent > 0 ? sent : 1;
	}
	weft_lock_release(&port->sending);
	return done < count ? -1 : 0;
}

static int send_all(void *arg)
{
	struct weft_chat_port *port = arg;

	for (;;) {
		int64_t wait_ns = 0;
		int count = collect(port, &wait_ns), result = 0;

		if (count < 0 || (count > 0 && send_out(port, count) < 0))
			return 0;
		if (wait_ns == 0)
			continue;
		WEFT_WITH_TIMEOUT (wait_ns)
			result = weft_event_wait(&port->kick);
		if (result < 0 && errno == ECANCELED)
			return 0;
	}
}

/* ---- Ports ----------------------------------------------------------------------------------- */

static weft_fiber_id start(const char *name, weft_fiber_fn *fn, struct weft_chat_port *port)
{
	return weft_spawn_with(
		&(struct weft_spawn_options){.name = name, .stack_size_bytes = STACK}, fn, port);
}

static void stop(weft_fiber_id fiber)
{
	if (!fiber)
		return;
	weft_cancel(fiber);
	weft_join(fiber, NULL, WEFT_FOREVER);
}

struct weft_chat_port *weft_chat_port_new(
	struct weft_udp *udp, const struct weft_chat_port_options *options)
{
	static const struct weft_chat_port_options none;
	struct weft_chat_port *port = udp ? calloc(1, sizeof(*port)) : NULL;

	if (!port)
		return NULL;
	if (!options)
		options = &none;
	port->backlog_max = options->backlog ? options->backlog : BACKLOG_DEFAULT;
	port->other = options->other;
	port->arg = options->arg;
	port->udp = udp;
	weft_lock_init(&port->lock, "chat port");
	weft_lock_init(&port->sending, "chat port's socket");
	weft_event_init(&port->kick, "chat port's sender");
	weft_cond_init(&port->arrived, "chat port's backlog");
	weft_list_init(&port->backlog);
	port->endpoint = weft_chat_endpoint_new(options->endpoint);
	if (port->endpoint)
		port->receiver = start("chat receiver", receive_all, port);
	if (port->receiver)
		port->sender = start("chat sender", send_all, port);
	if (port->sender)
		return port;
	port->udp = NULL;
	weft_chat_port_free(port);
	return NULL;
}

void weft_chat_port_free(struct weft_chat_port *port)
{
	struct weft_list_node *node;
	int kept = errno;

	if (!port)
		return;
	WEFT_SHIELDED {
		stop(port->receiver);
		while ((node = weft_list_first(&port->backlog)))
			weft_chat_session_free(
				weft_container_of(node, struct weft_chat_session, in_backlog));
		stop(port->sender);
		if (port->udp) {
			int64_t wait_ns;
			int count = collect(port, &wait_ns);

			/* The last words of those that were freed just now. */
			if (count > 0)
				send_out(port, count);
		}
	}
	assert(port->sessions == 0);
	weft_chat_endpoint_free(port->endpoint);
	weft_udp_free(port->udp);
	free(port);
	errno = kept;
}

struct weft_udp *weft_chat_port_udp(const struct weft_chat_port *port)
{
	return port->udp;
}

int weft_chat_port_move(struct weft_chat_port *port, struct weft_udp *udp)
{
	struct weft_udp *old = port->udp;

	if (!udp) {
		errno = EINVAL;
		return -1;
	}
	WEFT_SHIELDED {
		stop(port->receiver);
		weft_lock_acquire(&port->sending);
		port->udp = udp;
		weft_lock_release(&port->sending);
		port->receiver = start("chat receiver", receive_all, port);
	}
	weft_udp_free(old);
	return port->receiver ? 0 : -1;
}

void weft_chat_port_counts(
	struct weft_chat_port *port, struct weft_chat_endpoint_counts *ret_counts)
{
	WEFT_SHIELDED {
		weft_lock_acquire(&port->lock);
		weft_chat_endpoint_counts(port->endpoint, ret_counts);
		weft_lock_release(&port->lock);
	}
}

/* ---- Sessions: beginning --------------------------------------------------------------------- */

/* What was done to the endpoint may be for the sender to see. Keeps errno. */
static void unlock(struct weft_chat_port *port)
{
	int kept = errno;

	dispatch(port);
	weft_lock_release(&port->lock);
	weft_event_set(&port->kick);
	errno = kept;
}

static int errno_of(enum weft_chat_link_why why)
{
	switch (why) {
	case WEFT_CHAT_LINK_REFUSED:
		return EACCES;
	case WEFT_CHAT_LINK_SILENT:
		return EHOSTDOWN;
	case WEFT_CHAT_LINK_GONE:
		return ECONNRESET;
	case WEFT_CHAT_LINK_OTHER_KEY:
		return EKEYREJECTED;
	case WEFT_CHAT_LINK_VERSION:
		return EPROTONOSUPPORT;
	case WEFT_CHAT_LINK_BROKEN:
		return EPROTO;
	default:
		return ENOTCONN;
	}
}

struct weft_chat_session *weft_chat_port_accept(struct weft_chat_port *port)
{
	struct weft_chat_session *session = NULL;
	struct weft_list_node *node;

	if (weft_lock_acquire(&port->lock) < 0)
		return NULL;
	while (!(node = weft_list_pop_front(&port->backlog)))
		if (weft_cond_wait(&port->arrived, &port->lock) < 0)
			break;
	if (node) {
		session = weft_container_of(node, struct weft_chat_session, in_backlog);
		port->waiting--;
	}
	weft_lock_release(&port->lock);
	return session;
}

static void tell_ending(struct weft_chat_session *session, struct weft_chat_ending *ret_ending)
{
	const uint8_t *key = weft_chat_link_peer_key(session->link);

	memset(ret_ending, 0, sizeof(*ret_ending));
	ret_ending->why = weft_chat_link_why(session->link);
	snprintf(ret_ending->reason, sizeof(ret_ending->reason), "%s",
		weft_chat_link_reason(session->link));
	if (key)
		memcpy(ret_ending->peer_key, key, sizeof(ret_ending->peer_key));
}

/* With the lock held, until it is open. 0, or -1. */
static int await_opened(struct weft_chat_session *session, struct weft_chat_ending *ret_ending)
{
	while (!session->is_opened && !session->is_over)
		if (weft_cond_wait(&session->changed, &session->port->lock) < 0)
			return -1;
	if (session->is_opened)
		return 0;
	if (ret_ending)
		tell_ending(session, ret_ending);
	errno = errno_of(weft_chat_link_why(session->link));
	return -1;
}

struct weft_chat_session *weft_chat_port_connect(struct weft_chat_port *port,
	const struct weft_address *server, const struct weft_chat_link_connect_options *options,
	struct weft_chat_ending *ret_ending)
{
	struct weft_chat_session *session = NULL;
	struct weft_chat_link *link;
	int result = -1;

	if (ret_ending)
		memset(ret_ending, 0, sizeof(*ret_ending));
	if (weft_lock_acquire(&port->lock) < 0)
		return NULL;
	link = weft_chat_link_connect(port->endpoint, server, options);
	if (link)
		session = session_new(port, link);
	if (link && !session)
		weft_chat_link_free(link);
	if (session) {
		weft_event_set(&port->kick);
		result = await_opened(session, ret_ending);
	}
	unlock(port);
	if (result == 0)
		return session;
	weft_chat_session_free(session);
	return NULL;
}

const struct weft_chat_link_login *weft_chat_session_login(struct weft_chat_session *session)
{
	const struct weft_chat_link_login *login = NULL;

	WEFT_SHIELDED {
		weft_lock_acquire(&session->port->lock);
		login = weft_chat_link_login(session->link);
		weft_lock_release(&session->port->lock);
	}
	return login;
}

int weft_chat_session_welcome(struct weft_chat_session *session, const char *text)
{
	int result;

	if (weft_lock_acquire(&session->port->lock) < 0)
		return -1;
	result = weft_chat_link_welcome(session->link, text);
	session->is_opened |= result == 0;
	unlock(session->port);
	return result;
}

int weft_chat_session_refuse(struct weft_chat_session *session, const char *reason)
{
	int result;

	if (weft_lock_acquire(&session->port->lock) < 0)
		return -1;
	result = weft_chat_link_refuse(session->link, reason);
	unlock(session->port);
	return result;
}

/* ---- Sessions: messages ---------------------------------------------------------------------- */

/* With the lock held: wait for an event. -1: it is over, or the caller is interrupted. */
static int await(struct weft_chat_session *session)
{
	if (session->is_over) {
		errno = errno_of(weft_chat_link_why(session->link));
		return -1;
	}
	weft_event_set(&session->port->kick);
	return weft_cond_wait(&session->changed, &session->port->lock);
}

int weft_chat_session_send(struct weft_chat_session *session, const void *data, size_t len)
{
	int result;

	if (weft_lock_acquire(&session->port->lock) < 0)
		return -1;
	while ((result = weft_chat_link_send(session->link, data, len)) < 0) {
		bool is_full = errno == EAGAIN;

		if (!is_full && errno != ENOTCONN)
			break;
		if (!is_full && session->is_opened)
			errno = errno_of(weft_chat_link_why(session->link));
		if ((!is_full && session->is_opened) || await(session) < 0)
			break;
	}
	unlock(session->port);
	return result;
}

int weft_chat_session_flush(struct weft_chat_session *session)
{
	int result = 0;

	if (weft_lock_acquire(&session->port->lock) < 0)
		return -1;
	while (result == 0 && weft_chat_link_pending(session->link) > 0)
		result = await(session);
	if (result == 0 && session->is_over) {
		errno = errno_of(weft_chat_link_why(session->link));
		result = -1;
	}
	unlock(session->port);
	return result;
}

ssize_t weft_chat_session_receive(
	struct weft_chat_session *session, void *ret_data, size_t size_bytes)
{
	ssize_t len;

	if (weft_lock_acquire(&session->port->lock) < 0)
		return -1;
	while ((len = weft_chat_link_receive(session->link, ret_data, size_bytes)) < 0) {
		if (errno == EMSGSIZE || await(session) < 0)
			break;
	}
	unlock(session->port);
	return len;
}

/* ---- Sessions: ending ------------------------------------------------------------------------ */

int weft_chat_session_close(struct weft_chat_session *session, const char *reason)
{
	int result = 0;

	if (weft_lock_acquire(&session->port->lock) < 0)
		return -1;
	weft_chat_link_close(session->link, reason);
	dispatch(session->port);
	while (result == 0 && !session->is_over)
		result = await(session);
	unlock(session->port);
	return result;
}

void weft_chat_session_free(struct weft_chat_session *session)
{
	struct weft_chat_port *port = session ? session->port : NULL;
	int kept = errno;

	if (!session)
		return;
	WEFT_SHIELDED {
		weft_lock_acquire(&port->lock);
		if (weft_list_is_linked(&session->in_backlog))
			port->waiting--;
		weft_list_remove(&session->in_backlog);
		weft_chat_link_free(session->link);
		port->sessions--;
		unlock(port);
	}
	free(session);
	errno = kept;
}

void weft_chat_session_ending(
	struct weft_chat_session *session, struct weft_chat_ending *ret_ending)
{
	WEFT_SHIELDED {
		weft_lock_acquire(&session->port->lock);
		tell_ending(session, ret_ending);
		weft_lock_release(&session->port->lock);
	}
}

void weft_chat_session_address(struct weft_chat_session *session, struct weft_address *ret_address)
{
	WEFT_SHIELDED {
		weft_lock_acquire(&session->port->lock);
		weft_chat_link_address(session->link, ret_address);
		weft_lock_release(&session->port->lock);
	}
}
