/*
 * fuzz_pipe.c - bytes from an enemy at the other end of a pipe of messages: the first byte says in
 * how large parts they are written, the second which parts bring descriptors, and how many.
 *
 * However they are cut, the same messages come, and the same errors; and with descriptors none is
 * left over.
 */
#include "weft/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MESSAGE_MAX 600
#define PART_MAX    ((size_t)4096)
#define FDS_MAX     20 /* more than a message may have */

static void require(bool fact)
{
	if (!fact)
		abort();
}

static void add(uint64_t *hash, uint64_t number)
{
	*hash = (*hash ^ number) * UINT64_C(0x100000001b3);
}

/* What there is, into the number. False: nothing more is to come. */
static bool receive_all(struct weft_pipe *pipe, uint64_t *hash)
{
	struct weft_pipe_message message;

	for (;;) {
		int got = weft_pipe_try_recv_message(pipe, &message);

		if (got < 0 && errno == EAGAIN)
			return true;
		add(hash, got < 0 ? (uint64_t)errno << 32 : (uint64_t)got);
		if (got < 0 && (errno == EMSGSIZE || errno == EMFILE))
			continue;
		require(got >= 0 || errno == EPROTO || errno == EPIPE);
		if (got <= 0)
			return false;
		require(message.len <= MESSAGE_MAX && message.fd_count <= WEFT_PIPE_FDS_MAX);
		for (unsigned i = 0; i < message.fd_count; i++)
			require(close(message.fds[i]) == 0);
		for (size_t i = 0; i < message.len; i++)
			add(hash, ((const uint8_t *)message.data)[i]);
		add(hash, message.len);
	}
}

static void write_part(int fd, const uint8_t *data, size_t len, unsigned fd_count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
		struct cmsghdr align;
	} control = {0};
	struct iovec part = {(void *)(uintptr_t)data, len};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	const int any = STDERR_FILENO; /* not the end itself, which would then stay open */
	size_t size = fd_count * sizeof any;

	if (fd_count > 0) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(size);
		control.align = (struct cmsghdr){.cmsg_len = CMSG_LEN(size),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS};
		for (unsigned i = 0; i < fd_count; i++)
			memcpy(CMSG_DATA(&control.align) + i * sizeof any, &any, sizeof any);
	}
	require(sendmsg(fd, &header, MSG_NOSIGNAL) == (ssize_t)len);
}

static int next_descriptor(void)
{
	int fd = dup(STDERR_FILENO);

	require(fd >= 0 && close(fd) == 0);
	return fd;
}

/* A number for all that comes of it. */
static uint64_t digest(const uint8_t *data, size_t len, size_t part, unsigned with_fds)
{
	const struct weft_pipe_options options = {.message_max = MESSAGE_MAX};
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	int fds[2], before = next_descriptor();
	struct weft_pipe *pipe;
	bool goes_on = true;

	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	pipe = weft_pipe_new(fds[0], &options);
	require(pipe);
	for (size_t at = 0, i = 0; goes_on && at < len; i++) {
		size_t some = len - at < part ? len - at : part;

		write_part(fds[1], data + at, some,
			with_fds && i % (1 + with_fds % 4) == 0 ? (with_fds >> 2) % FDS_MAX : 0);
		at += some;
		goes_on = receive_all(pipe, &hash);
	}
	close(fds[1]);
	if (goes_on)
		require(!receive_all(pipe, &hash));
	weft_pipe_free(pipe);
	require(next_descriptor() == before);
	return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t part;

	if (len < 2)
		return 0;
	part = 1 + data[0] % 64;
	require(digest(data + 2, len - 2, part, 0) == digest(data + 2, len - 2, PART_MAX, 0));
	digest(data + 2, len - 2, part, data[1]);
	return 0;
}
