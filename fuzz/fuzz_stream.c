/*
 * fuzz_stream.c - a peer and a program from an enemy, against a plain array.
 *
 * The input's first half is the sequence of reads, its second half the bytes, which
 * arrive in pieces of 1 to 64 bytes (a SOCK_SEQPACKET pair keeps them apart). Whatever is
 * read, in whatever way, must be those bytes in order, and end when they end.
 *
 * Never: a read that could wait; all bytes and the end are there before the first.
 */
#include "weft/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What fits in a socket's buffer in pieces of one byte, with room to spare. */
#define INPUT_MAX 256

static void require(bool fact)
{
	if (!fact)
		abort();
}

struct check {
	struct weft_stream *stream;
	const uint8_t *bytes;
	size_t len, at;
};

static void took(struct check *check, const void *data, size_t len)
{
	require(len <= check->len - check->at);
	require(len == 0 || memcmp(check->bytes + check->at, data, len) == 0);
	check->at += len;
}

static void read_line(struct check *check)
{
	const char *line = NULL;
	ssize_t len = weft_stream_readline(check->stream, &line);

	require(len >= 0);
	require((len == 0) == (check->at == check->len));
	if (len > 0) {
		require(line[len - 1] == '\n' || check->at + (size_t)len == check->len);
		require(len == 1 || !memchr(line, '\n', (size_t)len - 1));
		took(check, line, (size_t)len);
	}
}

static void read_exactly(struct check *check, size_t len)
{
	size_t left = check->len - check->at;
	char buffer[64];
	int result;

	errno = 0;
	result = weft_stream_read_exactly(check->stream, buffer, len);
	require((result == 0) == (len <= left));
	if (result == 0) {
		took(check, buffer, len);
	} else {
		require(errno == (left == 0 ? ENODATA : EPIPE));
		check->at = check->len;
	}
}

static void step(struct check *check, uint8_t op)
{
	size_t size = op >> 2, left = check->len - check->at;
	const char *data;
	char buffer[64];
	ssize_t count;

	switch (op & 3) {
	case 0:
		read_line(check);
		return;
	case 1:
		read_exactly(check, size);
		return;
	case 2:
		count = weft_stream_read(check->stream, buffer, size);
		require(count >= 0 && (size_t)count <= size);
		require((count == 0) == (size == 0 || left == 0));
		took(check, buffer, (size_t)count);
		return;
	default:
		count = weft_stream_peek(check->stream, size, &data);
		require(count >= 0 && (size_t)count >= (size < left ? size : left));
		require((size_t)count <= left);
		require(count == 0 || memcmp(check->bytes + check->at, data, (size_t)count) == 0);
		weft_stream_consume(check->stream, size / 2);
		check->at += (size_t)count < size / 2 ? (size_t)count : size / 2;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t ops = len / 2;
	struct check check = {.bytes = data + ops, .len = len - ops};
	int fds[2];

	if (len < 2 || len > INPUT_MAX)
		return 0;
	require(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0);
	for (size_t sent = 0; sent < check.len;) {
		size_t piece = 1 + (data[sent % ops] & 63);

		if (piece > check.len - sent)
			piece = check.len - sent;
		require(send(fds[1], check.bytes + sent, piece, 0) == (ssize_t)piece);
		sent += piece;
	}
	close(fds[1]);
	check.stream = weft_stream_new(fds[0]);
	require(check.stream != NULL);
	for (size_t i = 0; i < ops; i++)
		step(&check, data[i]);
	weft_stream_free(check.stream);
	return 0;
}
