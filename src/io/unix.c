/*
 * unix.c - Unix sockets that carry messages, descriptors and credentials (weft/unix.h).
 *
 *	unix_path.c     binding to paths
 *
 * Never: keep a descriptor that came with a message and that nobody asked for.
 */
#include "weft/unix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/unix_path.h"
#include "weft/socket.h"

struct weft_unix {
	int fd;
	int type;
	struct weft_address local;
	struct weft__unix_path path;
};

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Life ------------------------------------------------------------------------------- */

static int type_of(enum weft_unix_kind kind)
{
	return kind == WEFT_UNIX_SEQPACKET ? SOCK_SEQPACKET : SOCK_DGRAM;
}

/* Of a descriptor, which is its own on success; -1: of a new one. */
static struct weft_unix *end_new(int type, int fd)
{
	struct weft_unix *end = calloc(1, sizeof(*end));

	if (!end)
		return NULL;
	end->type = type;
	end->fd = fd >= 0 ? fd : weft_socket(AF_UNIX, type, 0);
	if (end->fd >= 0)
		return end;
	free(end);
	return NULL;
}

static int address_read(struct weft_address *ret_address, const char *text)
{
	if (weft_address_parse(ret_address, text) < 0)
		return -1;
	return weft_address_family(ret_address) == AF_UNIX ? 0 : fail(EINVAL);
}

static int options_apply(int fd, const struct weft_unix_options *options)
{
	int on = 1;

	if (!options->credentials)
		return 0;
	return weft_setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
}

/* To a name that the kernel chooses: autobind, unix(7). */
static int bind_anywhere(struct weft_unix *end)
{
	struct sockaddr_un none = {.sun_family = AF_UNIX};

	return weft_bind(end->fd, (struct sockaddr *)&none, sizeof(none.sun_family));
}

static int bind_to(
	struct weft_unix *end, const char *address, const struct weft_unix_options *options)
{
	struct weft_address place;

	if (!address)
		return end->type == SOCK_DGRAM ? bind_anywhere(end) : fail(EINVAL);
	if (address_read(&place, address) < 0)
		return -1;
	end->local = place; /* which the path's removal looks at */
	return weft__unix_bind(end->fd, end->type, &place, options->mode, &end->path);
}

static const struct weft_unix_options defaults;

struct weft_unix *weft_unix_new(
	const char *address, enum weft_unix_kind kind, const struct weft_unix_options *options)
{
	struct weft_unix *end = end_new(type_of(kind), -1);

	if (!end)
		return NULL;
	if (!options)
		options = &defaults;
	if (options_apply(end->fd, options) < 0 || bind_to(end, address, options) < 0 ||
		weft_getsockname(end->fd, &end->local) < 0)
		goto fail;
	if (end->type == SOCK_SEQPACKET &&
		weft_listen(end->fd, options->backlog > 0 ? options->backlog : SOMAXCONN) < 0)
		goto fail;
	return end;

fail:
	weft_unix_free(end);
	return NULL;
}

struct weft_unix *weft_unix_connect(
	const char *address, enum weft_unix_kind kind, const struct weft_unix_options *options)
{
	struct weft_address peer;
	struct weft_unix *end;

	if (address_read(&peer, address) < 0)
		return NULL;
	end = end_new(type_of(kind), -1);
	if (!end)
		return NULL;
	if (options_apply(end->fd, options ? options : &defaults) < 0 ||
		(end->type == SOCK_DGRAM && bind_anywhere(end) < 0) ||
		weft_connect(end->fd, &peer.any, peer.len) < 0 ||
		weft_getsockname(end->fd, &end->local) < 0) {
		weft_unix_free(end);
		return NULL;
	}
	return end;
}

int weft_unix_pair(enum weft_unix_kind kind, struct weft_unix *ret_ends[2])
{
	int type = type_of(kind), fds[2];

	if (weft_socketpair(AF_UNIX, type, 0, fds) < 0)
		return -1;
	ret_ends[0] = end_new(type, fds[0]);
	ret_ends[1] = ret_ends[0] ? end_new(type, fds[1]) : NULL;
	if (ret_ends[1])
		return 0;
	if (ret_ends[0])
		weft_unix_free(ret_ends[0]);
	else
		weft_close(fds[0]);
	weft_close(fds[1]);
	return fail(ENOMEM);
}

struct weft_unix *weft_unix_accept(struct weft_unix *listening)
{
	for (;;) {
		int fd = weft_accept(listening->fd, NULL, NULL);
		struct weft_unix *end;

		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM) &&
			weft_wait_descriptor() == 0)
			continue;
		if (fd < 0)
			return NULL;
		end = end_new(listening->type, fd);
		if (end) {
			end->local = listening->local;
			return end;
		}
		weft_close(fd);
		return NULL;
	}
}

void weft_unix_free(struct weft_unix *end)
{
	int saved_errno = errno;

	if (!end)
		return;
	/* The path goes first: a successor's bind must not find it with nobody behind. */
	weft__unix_path_remove(&end->path, &end->local);
	weft_close(end->fd);
	free(end);
	errno = saved_errno;
}

int weft_unix_fd(const struct weft_unix *end)
{
	return end->fd;
}

const struct weft_address *weft_unix_local(const struct weft_unix *end)
{
	return &end->local;
}

/* ---- Messages ---------------------------------------------------------------------------- */

ssize_t weft_unix_recv(
	struct weft_unix *end, void *buffer, size_t size_bytes, struct weft_address *ret_peer)
{
	struct iovec part = {buffer, size_bytes};
	struct weft_address peer;
	struct msghdr header = {.msg_name = &peer.un,
		.msg_namelen = sizeof(peer.un),
		.msg_iov = &part,
		.msg_iovlen = 1};
	/* Without room for them, the kernel closes the descriptors that come along. */
	ssize_t len = weft_recvmsg(end->fd, &header, MSG_TRUNC);

	if (len >= 0 && ret_peer) {
		peer.len = header.msg_namelen;
		*ret_peer = peer;
	}
	return len;
}

int weft_unix_send(
	struct weft_unix *end, const void *data, size_t len, const struct weft_address *to)
{
	const struct sockaddr *address = to && to->len ? &to->any : NULL;

	if (len == 0 && end->type == SOCK_SEQPACKET)
		return fail(EINVAL);
	return weft_sendto(end->fd, data, len, 0, address, address ? to->len : 0) < 0 ? -1 : 0;
}

/* ---- Messages with all they have ---------------------------------------------------------- */

/* Room for what can come along, in the alignment that CMSG_FIRSTHDR(3) needs. */
union control {
	char bytes[CMSG_SPACE(sizeof(int) * WEFT_UNIX_FDS_MAX) + CMSG_SPACE(sizeof(struct ucred))];
	struct cmsghdr align;
};

struct passed {
	int fds[WEFT_UNIX_FDS_MAX];
	unsigned fd_count;
	bool is_cut; /* there were more */
	struct weft_unix_credentials from;
};

static void close_all(const struct passed *passed)
{
	for (unsigned i = 0; i < passed->fd_count; i++)
		weft_close(passed->fds[i]);
}

/* Those that fit; the room for credentials may hold some more, when none have come. */
static void take_fds(struct cmsghdr *part, struct passed *passed)
{
	size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(part) + i * sizeof(fd), sizeof(fd));
		if (passed->fd_count < WEFT_UNIX_FDS_MAX) {
			passed->fds[passed->fd_count++] = fd;
		} else {
			weft_close(fd);
			passed->is_cut = true;
		}
	}
}

static void take_control(struct msghdr *header, struct passed *ret_passed)
{
	memset(ret_passed, 0, sizeof(*ret_passed));
	for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
		if (part->cmsg_level != SOL_SOCKET)
			continue;
		if (part->cmsg_type == SCM_RIGHTS) {
			take_fds(part, ret_passed);
		} else if (part->cmsg_type == SCM_CREDENTIALS) {
			struct ucred from;

			memcpy(&from, CMSG_DATA(part), sizeof(from));
			ret_passed->from =
				(struct weft_unix_credentials){from.pid, from.uid, from.gid};
		}
	}
}

/* recvmsg(2) with what comes along. Returns the length. */
static ssize_t recv_passed(int fd, struct msghdr *header, int flags, struct passed *ret_passed)
{
	union control control;
	ssize_t len;

	header->msg_control = control.bytes;
	header->msg_controllen = sizeof(control.bytes);
	len = weft_recvmsg(fd, header, flags | MSG_CMSG_CLOEXEC);
	if (len < 0)
		return -1;
	take_control(header, ret_passed);
	header->msg_control = NULL;
	if (!(header->msg_flags & MSG_CTRUNC) && !ret_passed->is_cut)
		return len;
	/* Some didn't fit, in here or in this process: without them the others mean nothing. */
	close_all(ret_passed);
	return fail(EMSGSIZE);
}

static ssize_t send_passed(int fd, struct msghdr *header, const int *fds, unsigned fd_count)
{
	union control control = {0};
	ssize_t sent;

	if (fd_count > WEFT_UNIX_FDS_MAX)
		return fail(EINVAL);
	if (fd_count > 0) {
		struct cmsghdr *part;

		header->msg_control = control.bytes;
		header->msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		part = CMSG_FIRSTHDR(header);
		part->cmsg_level = SOL_SOCKET;
		part->cmsg_type = SCM_RIGHTS;
		part->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(part), fds, sizeof(int) * fd_count);
	}
	sent = weft_sendmsg(fd, header, 0);
	header->msg_control = NULL;
	return sent;
}

int weft_unix_recv_message(struct weft_unix *end, struct weft_unix_message *message)
{
	struct iovec part = {message->data, message->size_bytes};
	struct msghdr header = {.msg_name = &message->peer.un,
		.msg_namelen = sizeof(message->peer.un),
		.msg_iov = &part,
		.msg_iovlen = 1};
	struct passed passed;
	ssize_t len = recv_passed(end->fd, &header, MSG_TRUNC, &passed);

	if (len < 0)
		return -1;
	message->len = (size_t)len;
	message->peer.len = header.msg_namelen;
	message->fd_count = passed.fd_count;
	memcpy(message->fds, passed.fds, sizeof(passed.fds));
	message->from = passed.from;
	return len > 0 || end->type != SOCK_SEQPACKET;
}

int weft_unix_send_message(struct weft_unix *end, const struct weft_unix_message *message)
{
	struct iovec part = {message->data, message->len};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	if (message->len == 0 && end->type == SOCK_SEQPACKET)
		return fail(EINVAL);
	if (message->peer.len) {
		header.msg_name = (void *)(uintptr_t)&message->peer.un;
		header.msg_namelen = message->peer.len;
	}
	return send_passed(end->fd, &header, message->fds, message->fd_count) < 0 ? -1 : 0;
}

/* ---- On any Unix socket ---------------------------------------------------------------------- */

static int check_unix(int socket_fd)
{
	struct weft_address own;

	if (weft_getsockname(socket_fd, &own) < 0)
		return -1;
	return weft_address_family(&own) == AF_UNIX ? 0 : fail(EINVAL);
}

int weft_unix_send_fd(int socket_fd, int fd)
{
	char one = 0;
	struct iovec part = {&one, 1};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	if (check_unix(socket_fd) < 0)
		return -1;
	return send_passed(socket_fd, &header, &fd, 1) < 0 ? -1 : 0;
}

int weft_unix_recv_fd(int socket_fd)
{
	char one;
	struct iovec part = {&one, 1};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	struct passed passed;
	ssize_t len;

	if (check_unix(socket_fd) < 0)
		return -1;
	len = recv_passed(socket_fd, &header, 0, &passed);
	if (len < 0)
		return errno == EMSGSIZE ? fail(EMFILE) : -1;
	if (passed.fd_count == 1)
		return passed.fds[0];
	close_all(&passed);
	return fail(len == 0 ? ENODATA : EBADMSG);
}

int weft_unix_peer(int socket_fd, struct weft_unix_credentials *ret_credentials)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (check_unix(socket_fd) < 0 ||
		weft_getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -1;
	*ret_credentials = (struct weft_unix_credentials){peer.pid, peer.uid, peer.gid};
	return 0;
}
