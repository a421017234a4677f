/*
 * sim_socket.c - the simulator's descriptors: their numbers, names and options.
 */
#include "fiber/driver/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fiber/worker.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Who is bound where ------------------------------------------------------------------ */

struct key {
	int type;
	const struct sim_address *address;
};

static int compare_numbers(int64_t one, int64_t other)
{
	return one < other ? -1 : one > other;
}

static int compare(const void *wanted, const struct weft_tree_node *node, void *context)
{
	const struct key *key = wanted;
	const struct sim_socket *socket = weft_tree_entry(node, struct sim_socket, place);
	const struct sim_address *one = key->address, *other = &socket->local;
	int order = compare_numbers(one->host, other->host);

	(void)context;
	if (!order)
		order = compare_numbers(key->type, socket->type);
	if (!order)
		order = compare_numbers(one->domain == AF_UNIX, other->domain == AF_UNIX);
	if (!order)
		order = compare_numbers(one->port, other->port);
	if (!order)
		order = compare_numbers(one->name_len, other->name_len);
	return order ? order : memcmp(one->name, other->name, one->name_len);
}

struct sim_socket *weft__sim_bound_find(int type, const struct sim_address *address)
{
	struct key key = {type, address};
	struct weft_tree_node *node = weft_tree_find(&weft__sim->bound, &key);

	return node ? weft_tree_entry(node, struct sim_socket, place) : NULL;
}

int weft__sim_bind(struct sim_socket *socket, const struct sim_address *address)
{
	struct sim_address before = socket->local;
	struct key key = {socket->type, &socket->local};

	socket->local = *address;
	socket->local.domain = socket->domain;
	if (weft_tree_insert(&weft__sim->bound, &key, &socket->place) < 0) {
		socket->local = before;
		return EADDRINUSE;
	}
	socket->is_bound = true;
	return 0;
}

void weft__sim_unbind(struct sim_socket *socket)
{
	if (socket->is_bound)
		weft_tree_remove(&weft__sim->bound, &socket->place);
	socket->is_bound = false;
}

int weft__sim_bind_any(struct sim_socket *socket)
{
	struct sim_host *host = &weft__sim->hosts[socket->local.host];
	struct sim_address address = socket->local;

	if (socket->is_bound || socket->domain == AF_UNIX)
		return 0;
	address.domain = socket->domain;
	for (int tries = 0; tries < 32768; tries++) {
		address.port = host->next_port++;
		if (host->next_port < SIM_PORT_FIRST)
			host->next_port = SIM_PORT_FIRST;
		if (weft__sim_bind(socket, &address) == 0)
			return 0;
	}
	return EADDRNOTAVAIL;
}

void weft__sim_bound_begin(void)
{
	weft_tree_init(&weft__sim->bound, compare, NULL);
}

/* ---- Descriptors ------------------------------------------------------------------------- */

struct sim_socket *weft__sim_socket_of(int fd)
{
	size_t index = (size_t)(fd - SIM_FD_FIRST);

	return fd >= SIM_FD_FIRST && index < weft__sim->sockets_len ? weft__sim->sockets[index]
								    : NULL;
}

struct sim_socket *weft__sim_socket_bare(int domain, int type)
{
	struct sim_socket *socket = weft__sim_alloc(sizeof(*socket));

	socket->fd = -1;
	socket->number = ++weft__sim->socket_count;
	socket->domain = domain;
	socket->type = type;
	socket->users = 1;
	socket->local =
		(struct sim_address){.host = weft__sim_here(), .domain = domain, .is_any = true};
	socket->remote = socket->local;
	weft_list_init(&socket->watchers);
	weft_list_init(&socket->backlog);
	weft_list_node_init(&socket->backlog_node);
	weft_list_init(&socket->datagrams);
	weft_buf_init(&socket->in, SIM_STREAM_BUFFER);
	return socket;
}

/* The lowest free number, as the kernel does it. */
int weft__sim_socket_name(struct sim_socket *socket)
{
	struct sim *sim = weft__sim;
	size_t limit = (size_t)sim->options.descriptors_max, index = 0;

	if (sim->open_count >= limit || weft__sim_chance(sim->options.emfile_chance)) {
		weft__sim_trace("EMFILE");
		return fail(EMFILE);
	}
	while (index < sim->sockets_len && sim->sockets[index])
		index++;
	if (index == sim->sockets_len) {
		size_t len = sim->sockets_len ? sim->sockets_len * 2 : 64;
		struct sim_socket **sockets =
			reallocarray(sim->sockets, len, sizeof(struct sim_socket *));

		if (!sockets)
			return fail(ENOMEM);
		memset(sockets + sim->sockets_len, 0,
			(len - sim->sockets_len) * sizeof(struct sim_socket *));
		sim->sockets = sockets;
		sim->sockets_len = len;
	}
	sim->sockets[index] = socket;
	sim->open_count++;
	socket->fd = SIM_FD_FIRST + (int)index;
	return socket->fd;
}

struct sim_socket *weft__sim_socket_new(int domain, int type)
{
	struct sim_socket *socket = weft__sim_socket_bare(domain, type);

	if (weft__sim_socket_name(socket) >= 0)
		return socket;
	weft__sim_socket_drop(socket);
	errno = EMFILE;
	return NULL;
}

void weft__sim_socket_use(struct sim_socket *socket)
{
	socket->users++;
}

void weft__sim_socket_drop(struct sim_socket *socket)
{
	if (--socket->users > 0)
		return;
	weft__sim_unbind(socket);
	weft__sim_dgram_clear(socket);
	weft_buf_fini(&socket->in);
	free(socket);
}

void weft__sim_socket_wake(struct sim_socket *socket, int events)
{
	weft_list_each (node, &socket->watchers) {
		struct weft__watch *watch = weft_container_of(node, struct weft__watch, node);

		if (watch->events & events)
			weft__ready(weft__sim->driver.worker, watch->fiber);
	}
}

/* ---- Options ----------------------------------------------------------------------------- */

static struct sim_option *option_find(const struct sim_socket *socket, int level, int option)
{
	for (int i = 0; i < socket->option_count; i++)
		if (socket->options[i].level == level && socket->options[i].option == option)
			return (struct sim_option *)&socket->options[i];
	return NULL;
}

int weft__sim_option_int(const struct sim_socket *socket, int level, int option)
{
	struct sim_option *found = option_find(socket, level, option);
	int value = 0;

	if (found && found->len >= sizeof(value))
		memcpy(&value, found->value, sizeof(value));
	return value;
}

int weft__sim_setsockopt(struct weft__driver *driver, int fd, const struct weft__sockopt *option)
{
	struct sim_socket *socket = weft__sim_socket_of(fd);
	struct sim_option *place;
	int code;

	if (fd < SIM_FD_FIRST)
		return weft__net_kernel.setsockopt(driver, fd, option);
	if (!socket)
		return fail(EBADF);
	if (socket->type == 0)
		return fail(ENOTSOCK);
	code = weft__sim_fault(WEFT_SIM_OPTION, socket);
	if (code)
		return fail(code);
	place = option_find(socket, option->level, option->option);
	if (!place && socket->option_count == SIM_OPTIONS_MAX)
		return fail(ENOMEM);
	if (*option->len > sizeof(place->value))
		return fail(EINVAL);
	if (!place)
		place = &socket->options[socket->option_count++];
	place->level = option->level;
	place->option = option->option;
	place->len = *option->len;
	memcpy(place->value, option->value, *option->len);
	return 0;
}

/* What the socket itself answers. */
static int own_value(struct sim_socket *socket, int option)
{
	int code = socket->code;

	switch (option) {
	case SO_TYPE:
		return socket->type;
	case SO_DOMAIN:
		return socket->domain;
	case SO_ACCEPTCONN:
		return socket->state == SIM_LISTENING;
	case SO_ERROR:
		socket->code = 0;
		return code;
	default:
		return -1;
	}
}

int weft__sim_getsockopt(struct weft__driver *driver, int fd, const struct weft__sockopt *option)
{
	struct sim_socket *socket = weft__sim_socket_of(fd);
	struct sim_option *found;
	int value;
	int code;

	if (fd < SIM_FD_FIRST)
		return weft__net_kernel.getsockopt(driver, fd, option);
	if (!socket)
		return fail(EBADF);
	if (socket->type == 0)
		return fail(ENOTSOCK);
	code = weft__sim_fault(WEFT_SIM_OPTION, socket);
	if (code)
		return fail(code);
	value = option->level == SOL_SOCKET ? own_value(socket, option->option) : -1;
	found = option_find(socket, option->level, option->option);
	if (value < 0 && found) {
		if (*option->len > found->len)
			*option->len = found->len;
		memcpy(option->value, found->value, *option->len);
		return 0;
	}
	value = value < 0 ? 0 : value;
	if (*option->len > sizeof(value))
		*option->len = sizeof(value);
	memcpy(option->value, &value, *option->len);
	return 0;
}
