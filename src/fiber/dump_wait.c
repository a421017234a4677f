/*
 * dump_wait.c - what a parked fiber waits for, in words.
 *
 * Must never: change, lock or wait for anything. What it reads may change meanwhile.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "fiber/driver/driver.h"
#include "fiber/dump.h"

const struct weft__object_ops *weft__object_ops;

void weft__fiber_describe(struct weft__fiber *fiber, FILE *out)
{
	uint64_t control = atomic_load(&fiber->control);

	fprintf(out, "\"%.*s\" #%u.%u", WEFT_FIBER_NAME_MAX, fiber->name, fiber->slot + 1,
		weft__generation(control));
}

/* ---- Descriptors -------------------------------------------------------------------------- */

static void address_print(const struct sockaddr_storage *address, socklen_t len, FILE *out)
{
	const struct sockaddr_in *in = (const void *)address;
	const struct sockaddr_in6 *in6 = (const void *)address;
	const struct sockaddr_un *un = (const void *)address;
	char text[INET6_ADDRSTRLEN] = "?";

	switch (address->ss_family) {
	case AF_INET:
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		fprintf(out, "%s:%u", text, ntohs(in->sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
		fprintf(out, "[%s]:%u", text, ntohs(in6->sin6_port));
		break;
	case AF_UNIX:
		if (len <= offsetof(struct sockaddr_un, sun_path))
			fputs("unnamed", out);
		else if (un->sun_path[0])
			fprintf(out, "%.*s", (int)sizeof(un->sun_path), un->sun_path);
		else
			fprintf(out, "@%.*s",
				(int)(len - offsetof(struct sockaddr_un, sun_path)) - 1,
				un->sun_path + 1);
		break;
	default:
		fputs("?", out);
	}
}

static const char *protocol_of(int fd, int family)
{
	struct weft__driver *driver;
	const struct weft__net_ops *net = weft__net(&driver);
	int type = 0;
	socklen_t len = sizeof(type);
	const struct weft__sockopt option = {SOL_SOCKET, SO_TYPE, &type, &len};

	net->getsockopt(driver, fd, &option);
	if (family == AF_UNIX)
		return "unix";
	return type == SOCK_STREAM ? "TCP" : type == SOCK_DGRAM ? "UDP" : "socket";
}

static void file_print(int fd, FILE *out)
{
	char path[64], target[256];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, target, sizeof(target));
	if (len > 0)
		fprintf(out, "%.*s", (int)len, target);
	else
		fputs("no longer open", out);
}

void weft__peer_describe(int fd, FILE *out)
{
	struct sockaddr_storage peer = {0};
	socklen_t len = sizeof(peer);
	struct weft__driver *driver;
	const struct weft__net_ops *net = weft__net(&driver);

	if (net->getpeername(driver, fd, (struct sockaddr *)&peer, &len) < 0)
		return;
	if (peer.ss_family == AF_UNIX)
		fputs("unix", out);
	else
		address_print(&peer, len, out);
}

void weft__descriptor_describe(int fd, FILE *out)
{
	struct sockaddr_storage local = {0}, peer = {0};
	socklen_t len = sizeof(local), peer_len = sizeof(peer);
	struct weft__driver *driver;
	const struct weft__net_ops *net = weft__net(&driver);

	fprintf(out, "descriptor %d (", fd);
	if (net->getsockname(driver, fd, (struct sockaddr *)&local, &len) == 0) {
		fprintf(out, "%s ", protocol_of(fd, local.ss_family));
		address_print(&local, len, out);
		if (net->getpeername(driver, fd, (struct sockaddr *)&peer, &peer_len) == 0) {
			fputs(" with ", out);
			address_print(&peer, peer_len, out);
		}
	} else {
		file_print(fd, out);
	}
	fputc(')', out);
}

/* ---- Waits ----------------------------------------------------------------------------------- */

/* What is done with, or awaited of, the object. */
static const char *const verbs[] = {
	[WEFT__WAIT_SLEEP] = "sleeps",
	[WEFT__WAIT_JOIN] = "for the end of fiber",
	[WEFT__WAIT_FD] = "for",
	[WEFT__WAIT_DESCRIPTOR] = "for a descriptor to be free",
	[WEFT__WAIT_LAST_FIBER] = "for the last fiber to end",
	[WEFT__WAIT_LOCK] = "to acquire",
	[WEFT__WAIT_RWLOCK] = "to acquire",
	[WEFT__WAIT_COND] = "for",
	[WEFT__WAIT_EVENT] = "for",
	[WEFT__WAIT_SEM] = "for",
	[WEFT__WAIT_BARRIER] = "at",
	[WEFT__WAIT_GROUP] = "for",
	[WEFT__WAIT_ONCE] = "for",
	[WEFT__WAIT_CHAN_SEND] = "to send to",
	[WEFT__WAIT_CHAN_RECV] = "to receive from",
	[WEFT__WAIT_SELECT] = "in a select",
	[WEFT__WAIT_SCOPE] = "for the fibers of its scope",
	[WEFT__WAIT_OFFLOAD] = "for a function on a thread",
	[WEFT__WAIT_THREAD] = "for a thread",
	[WEFT__WAIT_WORD] = "for another process",
};

static void joined_print(const struct weft__wait *wait, FILE *out)
{
	struct weft__fiber *fiber = (struct weft__fiber *)wait->object;

	if (weft__generation(atomic_load(&fiber->control)) == (uint32_t)wait->number)
		weft__fiber_describe(fiber, out);
	else
		fputs("that has ended", out);
}

static void owner_print(const struct weft__wait *wait, FILE *out)
{
	weft_fiber_id owner = weft__object_ops->owner(wait->kind, wait->object);
	struct weft__fiber *fiber = weft__fiber_of(owner);

	uint64_t control;

	if (!fiber)
		return;
	control = atomic_load(&fiber->control);
	fputs(", held by ", out);
	if (weft__generation(control) == (uint32_t)(owner >> 32)) {
		weft__fiber_describe(fiber, out);
		fputs(control & WEFT__ENDED ? ", which has ended without releasing it" : "", out);
	} else if (!(control & WEFT__LIVE) && control >> 32 << 32 == weft__next_generation(owner)) {
		/* Nobody has its record yet: the name is still there. */
		fprintf(out, "\"%.*s\", which has ended without releasing it", WEFT_FIBER_NAME_MAX,
			fiber->name);
	} else {
		fputs("a fiber that has ended without releasing it", out);
	}
}

static void object_print(const struct weft__wait *wait, FILE *out)
{
	bool is_sync = wait->kind >= WEFT__WAIT_LOCK && wait->kind <= WEFT__WAIT_CHAN_RECV;

	if (wait->object && is_sync && weft__object_ops) {
		weft__object_ops->describe(wait->kind, wait->object, out);
		owner_print(wait, out);
	} else if (wait->object) {
		fprintf(out, "%p", wait->object);
	}
}

static const char *fd_verb(int events)
{
	return (events & POLLIN) && (events & POLLOUT) ? "to read or write"
	       : events & POLLIN                       ? "to read"
						       : "to write";
}

void weft__wait_describe(const struct weft__wait *wait, int64_t since_ns, FILE *out)
{
	double seconds = (double)since_ns / 1e9;

	if (wait->kind == WEFT__WAIT_SLEEP) {
		fprintf(out, "sleeps, for %.3f s so far", seconds);
		return;
	}
	fprintf(out, "waits %.3f s ", seconds);
	weft__wait_name(wait, out);
}

void weft__wait_name(const struct weft__wait *wait, FILE *out)
{
	fputs(wait->kind == WEFT__WAIT_FD ? fd_verb(wait->events) : verbs[wait->kind], out);
	if (wait->kind == WEFT__WAIT_SLEEP)
		return;
	fputc(' ', out);
	if (wait->kind == WEFT__WAIT_FD)
		weft__descriptor_describe((int)wait->number, out);
	else if (wait->kind == WEFT__WAIT_JOIN)
		joined_print(wait, out);
	else if (wait->kind == WEFT__WAIT_SELECT)
		fprintf(out, "of %lld cases", (long long)wait->number);
	else
		object_print(wait, out);
}
