/*
 * sim_dgram.c - simulated datagrams: UDP, to one host or to all, and Unix ones.
 *
 * Between hosts a datagram may be lost, come twice, or be overtaken. A receiver keeps
 * SIM_DGRAM_MAX of them; what comes then is lost, but a Unix sender waits.
 *
 * Must never: change, cut or join a datagram but by a receiver's short buffer.
 */
#include "fiber/driver/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** A datagram that is overtaken comes that much later at the most. */
#define REORDER_NS WEFT_MILLISECONDS(50)

struct datagram {
	struct sim_event event;     /* while on its way */
	struct weft_list_node node; /* while it waits at its receiver */
	struct sim_address from, to;
	size_t len;
	char bytes[];
};

static void take_parts(char *bytes, const struct iovec *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		memcpy(bytes, parts[i].iov_base, parts[i].iov_len);
		bytes += parts[i].iov_len;
	}
}

/* ---- On the way -------------------------------------------------------------------------- */

/* Somebody who is connected to another doesn't get it. */
static bool takes(const struct sim_socket *socket, const struct datagram *datagram)
{
	return socket->state != SIM_CONNECTED || socket->domain == AF_UNIX ||
	       (socket->remote.port == datagram->from.port &&
		       socket->remote.host == datagram->from.host);
}

static void arrive(struct sim_event *event)
{
	struct datagram *datagram = weft_container_of(event, struct datagram, event);
	struct sim_socket *to =
		event->to ? event->to : weft__sim_bound_find(SOCK_DGRAM, &datagram->to);
	struct sim_socket *from = event->from;
	bool is_there = to && to->fd >= 0 && takes(to, datagram);

	weft__sim_trace(
		"datagram of %zu bytes to %s", datagram->len, is_there ? "somebody" : "nobody");
	if (is_there && to->datagram_count < SIM_DGRAM_MAX) {
		to->datagram_count++;
		weft_list_push_back(&to->datagrams, &datagram->node);
		weft__sim_socket_wake(to, POLLIN);
		event->from = event->to = NULL;
		if (from)
			weft__sim_socket_drop(from);
		return;
	}
	/* "Port unreachable", which only who is connected is told. */
	if (!is_there && from && from->fd >= 0 && from->state == SIM_CONNECTED) {
		from->code = ECONNREFUSED;
		weft__sim_socket_wake(from, POLLIN | POLLOUT);
	}
	weft__sim_event_done(event);
}

static struct datagram *datagram_new(
	struct sim_socket *socket, const struct msghdr *message, size_t len)
{
	struct datagram *datagram =
		weft__sim_event_new(sizeof(*datagram) + len, arrive, socket, NULL);

	weft_list_node_init(&datagram->node);
	datagram->from = socket->local;
	datagram->len = len;
	take_parts(datagram->bytes, message->msg_iov, message->msg_iovlen);
	return datagram;
}

/* Shown as the address that it was sent from to there. */
static void send_to(struct sim_socket *socket, const struct msghdr *message, size_t len,
	const struct sim_address *to)
{
	const struct weft_sim_options *options = &weft__sim->options;
	bool is_local = socket->local.host == to->host;
	int copies = 1;

	if (!is_local && (weft__sim_is_cut(socket->local.host, to->host) ||
				 weft__sim_chance(options->loss_chance)))
		copies = 0;
	else if (!is_local && weft__sim_chance(options->duplicate_chance))
		copies = 2;
	weft__sim_trace("datagram of %zu bytes from %u, %d times", len, socket->number, copies);
	while (copies-- > 0) {
		struct datagram *datagram = datagram_new(socket, message, len);
		int64_t later = weft__sim_latency(socket->local.host, to->host);

		datagram->to = *to;
		datagram->from.shown = to->shown >> 24 == IN_LOOPBACKNET
					       ? INADDR_LOOPBACK
					       : UINT32_C(0x0a000001) + socket->local.host;
		if (!is_local && weft__sim_chance(options->reorder_chance))
			later += weft__sim_between(0, REORDER_NS);
		weft__sim_event_at(&datagram->event, weft__sim->now_ns + later);
	}
}

static int64_t send_to_all(struct sim_socket *socket, const struct msghdr *message, size_t len,
	const struct sim_address *where)
{
	struct sim_address to = *where;

	if (!weft__sim_option_int(socket, SOL_SOCKET, SO_BROADCAST))
		return -EACCES;
	for (to.host = 0; to.host < weft__sim->host_count; to.host++)
		send_to(socket, message, len, &to);
	return (int64_t)len;
}

static int64_t send_unix(struct sim_socket *socket, const struct msghdr *message, size_t len,
	const struct sim_address *where)
{
	struct sim_socket *to =
		socket->peer ? socket->peer : weft__sim_bound_find(SOCK_DGRAM, where);
	struct datagram *datagram;

	if (!to || to->fd < 0)
		return socket->peer ? -ECONNRESET : -ECONNREFUSED;
	if (to->datagram_count >= SIM_DGRAM_MAX)
		return -EAGAIN;
	datagram = datagram_new(socket, message, len);
	datagram->event.to = to;
	weft__sim_socket_use(to);
	arrive(&datagram->event);
	return (int64_t)len;
}

static int64_t destination(
	struct sim_socket *socket, const struct msghdr *message, struct sim_address *ret_to)
{
	*ret_to = socket->remote;
	if (message->msg_name && message->msg_namelen > 0)
		return -weft__sim_address_read(message->msg_name, message->msg_namelen, ret_to);
	if (socket->peer || socket->state == SIM_CONNECTED)
		return 0;
	return -EDESTADDRREQ;
}

int64_t weft__sim_dgram_send(struct sim_socket *socket, const struct msghdr *message)
{
	struct sim_address to;
	size_t len = 0;
	int64_t result = destination(socket, message, &to);
	int code = socket->code;

	if (code) {
		socket->code = 0;
		return -code;
	}
	for (size_t i = 0; i < message->msg_iovlen; i++)
		len += message->msg_iov[i].iov_len;
	if (!result && len > SIM_DGRAM_SIZE)
		result = -EMSGSIZE;
	if (!result)
		result = -weft__sim_bind_any(socket);
	if (!result && socket->domain != AF_UNIX &&
		weft__sim_chance(weft__sim->options.enobufs_chance))
		result = -ENOBUFS;
	if (result)
		return result;
	if (socket->domain == AF_UNIX)
		return send_unix(socket, message, len, &to);
	if (to.is_broadcast)
		return send_to_all(socket, message, len, &to);
	send_to(socket, message, len, &to);
	return (int64_t)len;
}

/* ---- At the receiver --------------------------------------------------------------------- */

static size_t give_parts(const struct datagram *datagram, const struct msghdr *message)
{
	size_t done = 0;

	for (size_t i = 0; i < message->msg_iovlen && done < datagram->len; i++) {
		const struct iovec *part = &message->msg_iov[i];
		size_t left = datagram->len - done;
		size_t len = part->iov_len < left ? part->iov_len : left;

		memcpy(part->iov_base, datagram->bytes + done, len);
		done += len;
	}
	return done;
}

int64_t weft__sim_dgram_recv(struct sim_socket *socket, struct msghdr *message, int flags)
{
	struct datagram *datagram;
	size_t done;
	int code = socket->code;

	if (code) {
		socket->code = 0;
		return -code;
	}
	if (weft_list_is_empty(&socket->datagrams))
		return -EAGAIN;
	datagram = weft_container_of(socket->datagrams.head.next, struct datagram, node);
	done = give_parts(datagram, message);
	message->msg_flags = done < datagram->len ? MSG_TRUNC : 0;
	if (message->msg_name)
		weft__sim_address_write(&datagram->from, message->msg_name, &message->msg_namelen);
	if (flags & MSG_TRUNC)
		done = datagram->len;
	if (flags & MSG_PEEK)
		return (int64_t)done;
	weft_list_remove(&datagram->node);
	socket->datagram_count--;
	free(datagram);
	if (socket->peer)
		weft__sim_socket_wake(socket->peer, POLLOUT);
	return (int64_t)done;
}

int weft__sim_dgram_poll(const struct sim_socket *socket)
{
	int events = 0;

	if (!weft_list_is_empty(&socket->datagrams))
		events |= POLLIN;
	if (!socket->peer || socket->peer->datagram_count < SIM_DGRAM_MAX)
		events |= POLLOUT;
	if (socket->code)
		events |= POLLIN | POLLOUT | POLLERR;
	return events;
}

void weft__sim_dgram_clear(struct sim_socket *socket)
{
	struct weft_list_node *node;

	while ((node = weft_list_pop_front(&socket->datagrams)))
		free(weft_container_of(node, struct datagram, node));
	socket->datagram_count = 0;
}
