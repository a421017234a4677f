/*
 * pipe_wire.c - see pipe_wire.h.
 *
 * Must never: take memory for bytes that have not come, or leave a descriptor open that came
 * and that nobody gets.
 */
#include "process/pipe_wire.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fiber/driver/driver.h"
#include "process/word.h"

/** How much is asked of the kernel at a time, at least. */
#define READ_SIZE ((size_t)16 * 1024)

/** An empty buffer that has grown beyond this is given back. */
#define BUFFER_KEPT_MAX ((size_t)256 * 1024)

/** Bytes that are copied behind their head: to send them in one piece takes less time. */
#define TOGETHER_MAX 512

#define HEAD_SIZE sizeof(uint64_t)
#define LEN_MAX   (((uint64_t)1 << 48) - 1)
#define MARK      ((uint64_t)'w' << 56)
#define MARK_MASK ((uint64_t)0xff << 56)
#define FDS_SHIFT 48
#define FDS_MASK  0xff

union control {
	char bytes[CMSG_SPACE(sizeof(int) * WEFT_PIPE_FDS_MAX)];
	struct cmsghdr align;
};

const struct weft__wire_how weft__wire_at_once = {weft__attempt, MSG_DONTWAIT};

void weft__wire_init(struct weft__wire *wire, int fd, size_t message_max)
{
	*wire = (struct weft__wire){.fd = fd, .message_max = message_max};
	weft_buf_init(&wire->in, WEFT_BUF_LEN_MAX);
}

static void close_fds(struct weft__wire *wire, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		close(wire->fds[i]);
	wire->fd_count -= count;
	memmove(wire->fds, wire->fds + count, wire->fd_count * sizeof wire->fds[0]);
}

void weft__wire_fini(struct weft__wire *wire)
{
	close_fds(wire, wire->fd_count);
	weft_buf_fini(&wire->in);
	free(wire->rest);
	wire->rest = NULL;
	wire->rest_at = wire->rest_len = 0;
}

/* ---- Sending ------------------------------------------------------------------------ */

static void put_fds(
	struct msghdr *header, union control *control, const struct weft_pipe_message *message)
{
	struct cmsghdr *part = &control->align;
	size_t size = message->fd_count * sizeof message->fds[0];

	header->msg_control = control;
	header->msg_controllen = CMSG_SPACE(size);
	*part = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(part), message->fds, size);
}

static int64_t send_once(struct weft__wire *wire, struct msghdr *header, struct weft__wire_how how)
{
	struct weft__op op = {.kind = WEFT__OP_SENDMSG,
		.fd = wire->fd,
		.flags = MSG_NOSIGNAL | how.flags,
		.data = header};

	if (header->msg_iovlen == 1 && !header->msg_control) {
		op.kind = WEFT__OP_SEND; /* the kernel has less to look at */
		op.data = header->msg_iov->iov_base;
		op.len = header->msg_iov->iov_len;
	}
	return how.perform(&op);
}

static void advance(struct msghdr *header, size_t count)
{
	while (header->msg_iovlen > 0 && count >= header->msg_iov->iov_len) {
		count -= header->msg_iov->iov_len;
		header->msg_iov++;
		header->msg_iovlen--;
	}
	if (header->msg_iovlen > 0) {
		header->msg_iov->iov_base = (char *)header->msg_iov->iov_base + count;
		header->msg_iov->iov_len -= count;
	}
}

/* Send as much as goes: 0 when that is all, or an errno; *ret_is_begun: some of it has gone. */
static int send_parts(struct weft__wire *wire, struct msghdr *header, struct weft__wire_how how,
	bool *ret_is_begun)
{
	while (header->msg_iovlen > 0) {
		int64_t count = send_once(wire, header, how);

		if (count < 0)
			return (int)-count;
		*ret_is_begun = true;
		header->msg_control = NULL;
		header->msg_controllen = 0;
		advance(header, (size_t)count);
	}
	return 0;
}

/* A message has begun to go, and can't go on: nothing else may go in its midst. */
static int break_off(struct weft__wire *wire, int code)
{
	wire->is_broken = true;
	shutdown(wire->fd, SHUT_WR);
	return code;
}

/* A message has begun to go: it will go whole, or the pipe is at its end. */
static int keep_rest(struct weft__wire *wire, const struct msghdr *header)
{
	size_t len = 0, at = 0;

	for (size_t i = 0; i < header->msg_iovlen; i++)
		len += header->msg_iov[i].iov_len;
	assert(len > 0);
	wire->rest = malloc(len);
	if (!wire->rest)
		return break_off(wire, ENOMEM);
	for (size_t i = 0; i < header->msg_iovlen; i++) {
		memcpy(wire->rest + at, header->msg_iov[i].iov_base, header->msg_iov[i].iov_len);
		at += header->msg_iov[i].iov_len;
	}
	wire->rest_len = len;
	wire->rest_at = 0;
	wire->rest_owner = getpid();
	return 0;
}

static bool is_for_later(int code)
{
	return code == EAGAIN || code == ETIMEDOUT || code == ECANCELED;
}

int weft__wire_flush(struct weft__wire *wire, struct weft__wire_how how)
{
	if (wire->is_broken)
		return EPIPE;
	while (wire->rest) {
		struct iovec part = {wire->rest + wire->rest_at, weft__wire_unsent(wire)};
		struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
		int64_t count = send_once(wire, &header, how);

		if (count < 0)
			return (int)-count;
		wire->rest_at += (size_t)count;
		if (wire->rest_at < wire->rest_len)
			continue;
		free(wire->rest);
		wire->rest = NULL;
		wire->rest_at = wire->rest_len = 0;
	}
	return 0;
}

bool weft__wire_has_own_rest(const struct weft__wire *wire)
{
	return wire->rest && wire->rest_owner == getpid();
}

int weft__wire_send(
	struct weft__wire *wire, const struct weft_pipe_message *message, struct weft__wire_how how)
{
	char packet[HEAD_SIZE + TOGETHER_MAX];
	uint64_t head = MARK | (uint64_t)message->fd_count << FDS_SHIFT | message->len;
	struct iovec parts[2] = {{packet, HEAD_SIZE}, {(void *)message->data, message->len}};
	struct msghdr header = {.msg_iov = parts, .msg_iovlen = 2};
	union control control;
	bool is_begun = false;
	int code;

	if (message->len > LEN_MAX)
		return EMSGSIZE;
	if (message->fd_count > WEFT_PIPE_FDS_MAX)
		return EINVAL;
	code = weft__wire_flush(wire, how);
	if (code)
		return code;
	memcpy(packet, &head, HEAD_SIZE);
	if (message->len <= TOGETHER_MAX) {
		if (message->len > 0)
			memcpy(packet + HEAD_SIZE, message->data, message->len);
		parts[0].iov_len += message->len;
		header.msg_iovlen = 1;
	}
	if (message->fd_count > 0)
		put_fds(&header, &control, message);
	code = send_parts(wire, &header, how, &is_begun);
	if (!code || !is_begun)
		return code;
	return is_for_later(code) ? keep_rest(wire, &header) : break_off(wire, code);
}

/* ---- Receiving --------------------------------------------------------------------------------
 */

/* False: somebody sends more than belongs to the messages. */
static bool take_fds(struct weft__wire *wire, struct msghdr *header)
{
	bool fits = true;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
		size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
			if (wire->fd_count < sizeof wire->fds / sizeof wire->fds[0]) {
				wire->fds[wire->fd_count++] = fd;
			} else {
				close(fd);
				fits = false;
			}
		}
	}
	return fits;
}

/* Whether the bytes that have come end in the middle of a message. */
static bool is_amid(const struct weft__wire *wire)
{
	return weft_buf_len(&wire->in) > 0 || wire->skipped > 0;
}

static int end(struct weft__wire *wire)
{
	bool was_amid = is_amid(wire);

	wire->is_ended = true;
	wire->skipped = 0;
	weft_buf_fini(&wire->in);
	close_fds(wire, wire->fd_count);
	return was_amid ? -EPIPE : 0;
}

static int spoil(struct weft__wire *wire)
{
	wire->is_bad = true;
	weft_buf_fini(&wire->in);
	close_fds(wire, wire->fd_count);
	return -EPROTO;
}

static unsigned fds_of(uint64_t head)
{
	return head >> FDS_SHIFT & FDS_MASK;
}

/*
 * Whether the message that has begun comes with descriptors, for all that is known. They may be
 * lost (EMFILE): had we then read on into the next message, we would take that one's for them.
 */
static bool may_bring_fds(const struct weft__wire *wire)
{
	size_t have = weft_buf_len(&wire->in);
	uint64_t head;

	if (have < HEAD_SIZE)
		return have > 0;
	memcpy(&head, weft_buf_data(&wire->in), sizeof head);
	return fds_of(head) > 0;
}

/* Receive some more; missing is what a message begun still lacks. 1, 0 at the end, -errno. */
static int fill(struct weft__wire *wire, size_t missing, struct weft__wire_how how)
{
	/* A length alone gets no memory: twice what has come, at most. */
	size_t have = weft_buf_len(&wire->in), want = missing < have ? missing : have;
	struct iovec part = {.iov_len = want > READ_SIZE ? want : READ_SIZE};
	union control control;
	struct msghdr header = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control};
	struct weft__op op = {.kind = WEFT__OP_RECVMSG,
		.fd = wire->fd,
		.flags = MSG_CMSG_CLOEXEC | how.flags,
		.data = &header};
	int64_t count;

	if (part.iov_len > missing && may_bring_fds(wire))
		part.iov_len = missing;
	part.iov_base = weft_buf_reserve(&wire->in, part.iov_len);
	if (!part.iov_base)
		return -ENOMEM;
	count = how.perform(&op);
	/* It has closed with something of ours unread, which is nobody's concern here. */
	if (count == 0 || count == -ECONNRESET)
		return end(wire);
	if (count < 0)
		return (int)count;
	weft_buf_commit(&wire->in, (size_t)count);
	return take_fds(wire, &header) ? 1 : spoil(wire);
}

struct filling {
	struct weft__wire *wire;
	size_t missing;
	const struct weft__wire_how *how;
	int result;
};

/* More is here; or it has ended, or failed. */
static bool is_filled(const void *arg)
{
	struct filling *filling = (struct filling *)arg;
	const struct weft__wire_how at_once = {filling->how->perform, MSG_DONTWAIT};

	filling->result = fill(filling->wire, filling->missing, at_once);
	return filling->result != -EAGAIN;
}

/* Who sends may be at it on another processor: its next message is here before a sleep is. */
static int await_more(struct weft__wire *wire, size_t missing, struct weft__wire_how how)
{
	struct filling filling = {.wire = wire, .missing = missing, .how = &how};

	if (how.flags & MSG_DONTWAIT || !weft__word_may_linger())
		return fill(wire, missing, how);
	if (is_filled(&filling) || weft__word_linger(is_filled, &filling))
		return filling.result;
	return fill(wire, missing, how);
}

/* Drop what has come of a message that was too long. */
static void skip(struct weft__wire *wire)
{
	size_t len = weft_buf_len(&wire->in);

	if (len > wire->skipped)
		len = (size_t)wire->skipped;
	weft_buf_consume(&wire->in, len);
	wire->skipped -= len;
}

/* The descriptors of a message that is there; some may have been lost. */
static int give_fds(struct weft__wire *wire, struct weft_pipe_message *message, unsigned count)
{
	if (wire->fd_count < count) {
		close_fds(wire, wire->fd_count);
		return -EMFILE;
	}
	message->fd_count = count;
	memcpy(message->fds, wire->fds, count * sizeof wire->fds[0]);
	wire->fd_count -= count;
	memmove(wire->fds, wire->fds + count, wire->fd_count * sizeof wire->fds[0]);
	return 1;
}

/* The message at the front: 1; 0 and how much is missing of it, or of its head; -errno. */
static int look(struct weft__wire *wire, struct weft_pipe_message *message, size_t *ret_missing)
{
	size_t have = weft_buf_len(&wire->in), fd_count, len;
	uint64_t head;

	*ret_missing = have > 0 && have < HEAD_SIZE ? HEAD_SIZE - have : 0;
	if (have < HEAD_SIZE)
		return 0;
	memcpy(&head, weft_buf_data(&wire->in), sizeof head);
	len = (size_t)(head & LEN_MAX);
	fd_count = fds_of(head);
	if ((head & MARK_MASK) != MARK || fd_count > WEFT_PIPE_FDS_MAX)
		return spoil(wire);
	if (len > wire->message_max) {
		weft_buf_consume(&wire->in, HEAD_SIZE);
		wire->skipped = len;
		skip(wire);
		close_fds(wire, fd_count < wire->fd_count ? (unsigned)fd_count : wire->fd_count);
		return -EMSGSIZE;
	}
	if (have - HEAD_SIZE < len) {
		*ret_missing = len - (have - HEAD_SIZE);
		return 0;
	}
	message->data = weft_buf_data(&wire->in) + HEAD_SIZE;
	message->len = len;
	wire->lent = HEAD_SIZE + len;
	return give_fds(wire, message, (unsigned)fd_count);
}

static void take_back(struct weft__wire *wire)
{
	weft_buf_consume(&wire->in, wire->lent);
	wire->lent = 0;
	if (weft_buf_len(&wire->in) == 0 && wire->in.capacity > BUFFER_KEPT_MAX)
		weft_buf_fini(&wire->in);
}

int weft__wire_recv(
	struct weft__wire *wire, struct weft_pipe_message *ret_message, struct weft__wire_how how)
{
	struct weft_pipe_message message = {0};
	size_t missing = 0;
	int result;

	take_back(wire);
	do {
		if (wire->is_bad)
			return -EPROTO;
		if (wire->is_ended)
			return 0;
		skip(wire);
		missing = 0;
		result = wire->skipped > 0 ? 0 : look(wire, &message, &missing);
		if (result == 1)
			*ret_message = message;
		if (result != 0)
			return result;
		result = await_more(wire, missing, how);
	} while (result > 0);
	return result;
}

void weft__wire_unrecv(struct weft__wire *wire)
{
	uint64_t head;

	if (wire->lent == 0)
		return;
	/* Its descriptors are gone: the next one who looks must not wait for them. */
	memcpy(&head, weft_buf_data(&wire->in), sizeof head);
	head &= ~((uint64_t)FDS_MASK << FDS_SHIFT);
	memcpy(wire->in.bytes + wire->in.start, &head, sizeof head);
	wire->lent = 0;
}

bool weft__wire_drop(struct weft__wire *wire)
{
	size_t have = weft_buf_len(&wire->in);
	uint64_t head;

	if (have < HEAD_SIZE || wire->skipped > 0)
		return false;
	memcpy(&head, weft_buf_data(&wire->in), sizeof head);
	weft_buf_fini(&wire->in); /* it has but a part of this one */
	wire->skipped = HEAD_SIZE + (head & LEN_MAX) - have;
	close_fds(wire, wire->fd_count);
	return true;
}
