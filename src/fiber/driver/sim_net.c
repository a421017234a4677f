/*
 * sim_net.c - the simulator's descriptors, hosts and addresses, and the calls on them that
 * never wait.
 *
 * A host's IPv4 address is 10.0.0.(1 + its number). IPv6 sockets speak IPv4 in it: what they
 * are given is ::1, :: or ::ffff:10.0.0.n.
 */
#include "fiber/driver/sim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fiber/worker.h"

#define NETWORK    UINT32_C(0x0a000000) /* 10.0.0.0/24 */
#define PORT_FIRST 32768

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Hosts ------------------------------------------------------------------------------- */

uint32_t weft__sim_here(void)
{
	struct weft__worker *worker = weft__worker;

	return worker->current == &worker->base ? 0 : worker->current->context.host;
}

struct sim_host *weft__sim_host_find(const char *name, uint32_t *ret_index)
{
	for (uint32_t i = 0; i < weft__sim->host_count; i++)
		if (strcmp(weft__sim->hosts[i].name, name) == 0) {
			*ret_index = i;
			return &weft__sim->hosts[i];
		}
	return NULL;
}

static int host_make(const char *name, uint32_t *ret_index)
{
	struct sim *sim = weft__sim;
	struct sim_host *host;

	if (weft__sim_host_find(name, ret_index))
		return 0;
	if (sim->host_count == SIM_HOSTS_MAX)
		return ENOMEM;
	*ret_index = sim->host_count++;
	host = &sim->hosts[*ret_index];
	snprintf(host->name, sizeof(host->name), "%s", name);
	host->next_port = PORT_FIRST;
	return 0;
}

int weft_sim_host(const char *name)
{
	uint32_t index;
	int code = 0;

	if (!weft__sim || !weft__worker)
		code = ENOTSUP;
	else if (!name || !*name || strlen(name) > WEFT_SIM_HOST_NAME_MAX)
		code = EINVAL;
	else
		code = host_make(name, &index);
	if (code)
		return fail(code);
	weft__worker->current->context.host = index;
	return 0;
}

bool weft__sim_is_cut(uint32_t one, uint32_t other)
{
	return weft__sim->hosts[one].cut_off >> other & 1;
}

static int set_cut(const char *one, const char *other, bool is_cut)
{
	uint32_t a, b;

	if (!weft__sim)
		return fail(ENOTSUP);
	if (!weft__sim_host_find(one, &a) || !weft__sim_host_find(other, &b))
		return fail(ENOENT);
	weft__sim->hosts[a].cut_off &= ~(UINT64_C(1) << b);
	weft__sim->hosts[b].cut_off &= ~(UINT64_C(1) << a);
	if (is_cut && a != b) {
		weft__sim->hosts[a].cut_off |= UINT64_C(1) << b;
		weft__sim->hosts[b].cut_off |= UINT64_C(1) << a;
	}
	weft__sim_trace("%s %s %s", is_cut ? "partition" : "heal", one, other);
	return 0;
}

int weft_sim_partition(const char *one, const char *other)
{
	return set_cut(one, other, true);
}

int weft_sim_heal(const char *one, const char *other)
{
	return set_cut(one, other, false);
}

int weft_sim_reset_host(const char *name)
{
	struct sim *sim = weft__sim;
	uint32_t index;

	if (!sim)
		return fail(ENOTSUP);
	if (!weft__sim_host_find(name, &index))
		return fail(ENOENT);
	weft__sim_trace("reset of %s", name);
	for (size_t i = 0; i < sim->sockets_len; i++) {
		struct sim_socket *socket = sim->sockets[i];

		if (socket && socket->peer && socket->local.host == index &&
			socket->peer->local.host != index) {
			weft__sim_stream_break(socket->peer, ECONNRESET);
			weft__sim_stream_break(socket, ECONNRESET);
		}
	}
	return 0;
}

int64_t weft__sim_latency(uint32_t from, uint32_t to)
{
	const struct weft_sim_options *options = &weft__sim->options;

	if (from == to)
		return weft__sim_between(0, WEFT_MICROSECONDS(10));
	return weft__sim_between(options->latency_min_ns, options->latency_max_ns);
}

/* ---- Addresses ------------------------------------------------------------------------------- */

static int unix_read(const struct sockaddr *address, socklen_t len, struct sim_address *ret)
{
	const struct sockaddr_un *un = (const void *)address;
	size_t name_len = len > offsetof(struct sockaddr_un, sun_path)
				  ? len - offsetof(struct sockaddr_un, sun_path)
				  : 0;

	if (name_len > 0 && un->sun_path[0])
		name_len = strnlen(un->sun_path, name_len);
	if (name_len > sizeof(ret->name))
		return EINVAL;
	memcpy(ret->name, un->sun_path, name_len);
	ret->name_len = (uint8_t)name_len;
	return 0;
}

/* An IPv4 address, in host order, as a host. */
static int host_of(uint32_t shown, struct sim_address *ret)
{
	ret->shown = shown;
	ret->is_any = shown == INADDR_ANY;
	ret->is_broadcast = shown == INADDR_BROADCAST || shown == (NETWORK | 255);
	if (ret->is_any || ret->is_broadcast || shown >> 24 == IN_LOOPBACKNET)
		return 0;
	if ((shown & ~UINT32_C(255)) != NETWORK || (shown & 255) == 0 ||
		(shown & 255) > weft__sim->host_count)
		return ENETUNREACH;
	ret->host = (shown & 255) - 1;
	return 0;
}

int weft__sim_address_read(const struct sockaddr *address, socklen_t len, struct sim_address *ret)
{
	const struct sockaddr_in *in = (const void *)address;
	const struct sockaddr_in6 *in6 = (const void *)address;

	*ret = (struct sim_address){.host = weft__sim_here(), .domain = address->sa_family};
	switch (address->sa_family) {
	case AF_UNSPEC:
		return 0;
	case AF_UNIX:
		return unix_read(address, len, ret);
	case AF_INET:
		if (len < sizeof(*in))
			return EINVAL;
		ret->port = ntohs(in->sin_port);
		return host_of(ntohl(in->sin_addr.s_addr), ret);
	case AF_INET6:
		if (len < sizeof(*in6))
			return EINVAL;
		ret->port = ntohs(in6->sin6_port);
		if (IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
			return host_of(INADDR_ANY, ret);
		if (IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr))
			return host_of(INADDR_LOOPBACK, ret);
		if (!IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
			return ENETUNREACH;
		return host_of(ntohl(in6->sin6_addr.s6_addr32[3]), ret);
	default:
		return EAFNOSUPPORT;
	}
}

static socklen_t write_un(const struct sim_address *from, struct sockaddr_storage *ret)
{
	struct sockaddr_un *un = (void *)ret;

	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, from->name, from->name_len);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + from->name_len);
}

static socklen_t write_in6(const struct sim_address *from, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *in6 = (void *)ret;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(from->port);
	if (from->shown == INADDR_LOOPBACK) {
		in6->sin6_addr = in6addr_loopback;
	} else if (from->shown != INADDR_ANY) {
		in6->sin6_addr.s6_addr32[2] = htonl(0xffff);
		in6->sin6_addr.s6_addr32[3] = htonl(from->shown);
	}
	return sizeof(*in6);
}

static socklen_t write_in(const struct sim_address *from, struct sockaddr_storage *ret)
{
	struct sockaddr_in *in = (void *)ret;

	in->sin_family = AF_INET;
	in->sin_port = htons(from->port);
	in->sin_addr.s_addr = htonl(from->shown);
	return sizeof(*in);
}

void weft__sim_address_write(
	const struct sim_address *from, struct sockaddr *ret_address, socklen_t *len)
{
	struct sockaddr_storage whole = {0};
	socklen_t whole_len = from->domain == AF_UNIX    ? write_un(from, &whole)
			      : from->domain == AF_INET6 ? write_in6(from, &whole)
							 : write_in(from, &whole);

	if (ret_address && len)
		memcpy(ret_address, &whole, *len < whole_len ? *len : whole_len);
	if (len)
		*len = whole_len;
}

void weft__sim_address_print(const struct sim_address *address, char *ret_text, size_t size_bytes)
{
	if (address->domain == AF_UNIX)
		snprintf(ret_text, size_bytes, "unix");
	else
		snprintf(ret_text, size_bytes, "%s:%u", weft__sim->hosts[address->host].name,
			address->port);
}

/* ---- Who is bound where
 * -------------------------------------------------------------------------- */

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

/* 0 or an errno value. */
static int bind_to(struct sim_socket *socket, const struct sim_address *address)
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

static void unbind(struct sim_socket *socket)
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
		if (host->next_port < PORT_FIRST)
			host->next_port = PORT_FIRST;
		if (bind_to(socket, &address) == 0)
			return 0;
	}
	return EADDRNOTAVAIL;
}

/* ---- Descriptors
 * --------------------------------------------------------------------------------------- */

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
	unbind(socket);
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

/* ---- Options
 * ------------------------------------------------------------------------------------------ */

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

static int net_setsockopt(struct weft__driver *driver, int fd, const struct weft__sockopt *option)
{
	struct sim_socket *socket = weft__sim_socket_of(fd);
	struct sim_option *place;

	if (fd < SIM_FD_FIRST)
		return weft__net_kernel.setsockopt(driver, fd, option);
	if (!socket)
		return fail(EBADF);
	if (socket->type == 0)
		return fail(ENOTSOCK);
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

static int net_getsockopt(struct weft__driver *driver, int fd, const struct weft__sockopt *option)
{
	struct sim_socket *socket = weft__sim_socket_of(fd);
	struct sim_option *found;
	int value;

	if (fd < SIM_FD_FIRST)
		return weft__net_kernel.getsockopt(driver, fd, option);
	if (!socket)
		return fail(EBADF);
	if (socket->type == 0)
		return fail(ENOTSOCK);
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

/* ---- The calls
 * ------------------------------------------------------------------------------------------ */

static int net_socket(struct weft__driver *driver, int domain, int type, int protocol)
{
	int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct sim_socket *socket;

	(void)driver, (void)protocol;
	if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX)
		return fail(EAFNOSUPPORT);
	if (kind != SOCK_STREAM && kind != SOCK_DGRAM)
		return fail(EPROTONOSUPPORT);
	socket = weft__sim_socket_new(domain, kind);
	return socket ? socket->fd : -1;
}

static int pair(int domain, int type, int ret_fds[2])
{
	struct sim_socket *one = weft__sim_socket_new(domain, type), *other;

	if (!one)
		return -1;
	other = weft__sim_socket_new(domain, type);
	if (!other) {
		weft__sim_net.close(&weft__sim->driver, one->fd);
		return fail(EMFILE);
	}
	weft__sim_stream_join(one, other);
	ret_fds[0] = one->fd;
	ret_fds[1] = other->fd;
	return 0;
}

static int net_socketpair(
	struct weft__driver *driver, int domain, int type, int protocol, int ret_fds[2])
{
	int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)driver, (void)protocol;
	if (domain != AF_UNIX)
		return fail(EOPNOTSUPP);
	if (kind != SOCK_STREAM && kind != SOCK_DGRAM)
		return fail(EPROTONOSUPPORT);
	return pair(domain, kind, ret_fds);
}

static int net_pipe(struct weft__driver *driver, int ret_fds[2])
{
	(void)driver;
	if (pair(AF_UNIX, 0, ret_fds) < 0)
		return -1;
	weft__sim_socket_of(ret_fds[0])->is_out_shut = true;
	weft__sim_socket_of(ret_fds[1])->is_in_shut = true;
	return 0;
}

static int net_bind(
	struct weft__driver *driver, int fd, const struct sockaddr *address, socklen_t len)
{
	struct sim_socket *socket = weft__sim_socket_of(fd);
	struct sim_address wanted;
	int code;

	if (fd < SIM_FD_FIRST)
		return weft__net_kernel.bind(driver, fd, address, len);
	if (!socket)
		return fail(EBADF);
	code = weft__sim_address_read(address, len, &wanted);
	if (!code && (socket->is_bound || wanted.domain != socket->domain))
		code = EINVAL;
	else if (!code && wanted.host != weft__sim_here())
		code = EADDRNOTAVAIL;
	if (code)
		return fail(code);
	if (wanted.port == 0 && wanted.domain != AF_UNIX) {
		socket->local.shown = wanted.shown;
		socket->local.is_any = wanted.is_any;
		code = weft__sim_bind_any(socket);
	} else {
		code = bind_to(socket, &wanted);
	}
	return code ? fail(code) : 0;
}

static int net_listen(struct weft__driver *driver, int fd, int backlog)
{
	struct sim_socket *socket = weft__sim_socket_of(fd);
	int code;

	if (fd < SIM_FD_FIRST)
		return weft__net_kernel.listen(driver, fd, backlog);
	if (!socket)
		return fail(EBADF);
	if (socket->type != SOCK_STREAM)
		return fail(EOPNOTSUPP);
	code = weft__sim_bind_any(socket);
	if (code)
		return fail(code);
	socket->state = SIM_LISTENING;
	socket->backlog_max = backlog > 0 ? backlog : 1;
	return 0;
}

static int net_shutdown(struct weft__driver *driver, int fd, int how)
{
	struct sim_socket *socket = weft__sim_socket_of(fd);

	if (fd < SIM_FD_FIRST)
		return weft__net_kernel.shutdown(driver, fd, how);
	if (!socket)
		return fail(EBADF);
	return weft__sim_stream_shutdown(socket, how);
}

static int net_getsockname(
	struct weft__driver *driver, int fd, struct sockaddr *ret_address, socklen_t *len)
{
	struct sim_socket *socket = weft__sim_socket_of(fd);

	if (fd < SIM_FD_FIRST)
		return weft__net_kernel.getsockname(driver, fd, ret_address, len);
	if (!socket || socket->type == 0)
		return fail(socket ? ENOTSOCK : EBADF);
	weft__sim_address_write(&socket->local, ret_address, len);
	return 0;
}

static int net_getpeername(
	struct weft__driver *driver, int fd, struct sockaddr *ret_address, socklen_t *len)
{
	struct sim_socket *socket = weft__sim_socket_of(fd);

	if (fd < SIM_FD_FIRST)
		return weft__net_kernel.getpeername(driver, fd, ret_address, len);
	if (!socket || socket->type == 0)
		return fail(socket ? ENOTSOCK : EBADF);
	if (socket->state != SIM_CONNECTED)
		return fail(ENOTCONN);
	weft__sim_address_write(&socket->remote, ret_address, len);
	return 0;
}

static void tell_closed(struct sim_socket *socket)
{
	struct weft_list_node *node;

	while ((node = weft_list_pop_front(&socket->watchers))) {
		struct weft__watch *watch = weft_container_of(node, struct weft__watch, node);

		watch->is_closed = true;
		weft__ready(weft__sim->driver.worker, watch->fiber);
	}
}

static int net_close(struct weft__driver *driver, int fd)
{
	struct sim_socket *socket = weft__sim_socket_of(fd);

	if (fd < SIM_FD_FIRST)
		return weft__net_kernel.close(driver, fd);
	if (!socket)
		return fail(EBADF);
	weft__sim_trace("close %u", socket->number);
	weft__sim->sockets[fd - SIM_FD_FIRST] = NULL;
	weft__sim->open_count--;
	socket->fd = -1;
	tell_closed(socket);
	unbind(socket);
	weft__sim_stream_close(socket);
	weft__sim_socket_drop(socket);
	return 0;
}

static int net_resolve(struct weft__driver *driver, const char *name, uint32_t *ret_address)
{
	uint32_t index;

	(void)driver;
	if (!weft__sim_host_find(name, &index))
		return fail(ENOENT);
	*ret_address = NETWORK + 1 + index;
	return 0;
}

const struct weft__net_ops weft__sim_net = {
	.socket = net_socket,
	.socketpair = net_socketpair,
	.pipe = net_pipe,
	.bind = net_bind,
	.listen = net_listen,
	.shutdown = net_shutdown,
	.getsockname = net_getsockname,
	.getpeername = net_getpeername,
	.getsockopt = net_getsockopt,
	.setsockopt = net_setsockopt,
	.close = net_close,
	.resolve = net_resolve,
};

void weft__sim_net_begin(void)
{
	uint32_t index;

	weft_tree_init(&weft__sim->bound, compare, NULL);
	host_make("localhost", &index);
}
