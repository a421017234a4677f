/*
 * sim_host.c - the simulator's hosts and their addresses.
 *
 * A host's IPv4 address is 10.0.0.(1 + its number). IPv6 sockets speak IPv4 in it: what they
 * are given is ::1, :: or ::ffff:10.0.0.n.
 */
#include "fiber/driver/sim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "fiber/worker.h"

#define NETWORK UINT32_C(0x0a000000) /* 10.0.0.0/24 */

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

int weft__sim_host_make(const char *name, uint32_t *ret_index)
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
	host->next_port = SIM_PORT_FIRST;
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
		code = weft__sim_host_make(name, &index);
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

/* ---- Addresses --------------------------------------------------------------------------- */

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

int weft__sim_resolve(struct weft__driver *driver, const char *name, uint32_t *ret_address)
{
	uint32_t index;

	(void)driver;
	if (!weft__sim_host_find(name, &index))
		return fail(ENOENT);
	*ret_address = NETWORK + 1 + index;
	return 0;
}
