/*
 * process_stream.c - talking to a process over its standard streams (include/weft/process.h).
 *
 * Must never: wait for one direction while the process waits for another.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/stream.h"
#include "process/process.h"
#include "weft/buf.h"
#include "weft/chan.h"
#include "weft/socket.h"
#include "weft/stream.h"

#define CHUNK_SIZE_BYTES 65536

static int fail(int code)
{
	errno = code;
	return -1;
}

/* 0: there is an end of ours at that place, and it is no stream. */
static int check_end(const struct weft_process *process, int which)
{
	if (!process->pid)
		return EINVAL;
	if (which < 0 || which > 2 || process->streams[which] || process->ours[which] < 0)
		return EBADF;
	return 0;
}

static void disown(struct weft_stream *stream)
{
	close(stream->fd);
	stream->fd = -1;
}

struct weft_stream *weft_process_stream(struct weft_process *process, int which)
{
	struct weft_stream *stream;
	int code;

	if (which >= 0 && which <= 2 && process->streams[which])
		return process->streams[which];
	code = check_end(process, which);
	if (code) {
		errno = code;
		return NULL;
	}
	stream = weft_stream_new(process->ours[which]);
	if (!stream)
		return NULL;
	/* Whoever forks meanwhile disowns the one or the other. */
	weft__nursery_lock();
	process->streams[which] = stream;
	process->ours[which] = -1;
	process->free_stream = weft_stream_free;
	process->disown_stream = disown;
	weft__nursery_unlock();
	return stream;
}

/* ---- Both ways at once --------------------------------------------------------------------- */

struct talk {
	struct weft_process *process;
	const char *input;
	size_t len;
	struct weft_buf *bufs[3]; /* where 1 and 2 go; NULL: nowhere */
	char *chunk;
};

static int write_some(struct talk *talk, int fd)
{
	ssize_t written = weft_write(fd, talk->input, talk->len);

	if (written < 0 && errno != EPIPE)
		return errno;
	if (written >= 0) {
		talk->input += written;
		talk->len -= (size_t)written;
		talk->process->told += (size_t)written;
	}
	if (written < 0 || talk->len == 0)
		weft_process_close_stream(talk->process, STDIN_FILENO);
	return 0;
}

static int read_some(struct talk *talk, int which)
{
	ssize_t len = weft_read(talk->process->ours[which], talk->chunk, CHUNK_SIZE_BYTES);

	if (len < 0)
		return errno;
	if (len == 0)
		weft_process_close_stream(talk->process, which);
	else if (talk->bufs[which] &&
		 weft_buf_append(talk->bufs[which], talk->chunk, (size_t)len) < 0)
		return errno;
	return 0;
}

/* The ends that are open yet; 0: the talk is over. */
static size_t fill_cases(const struct talk *talk, struct weft_select_case *cases, int *places)
{
	size_t count = 0;

	for (int i = 0; i < 3; i++) {
		int fd = talk->process->ours[i];

		if (fd < 0)
			continue;
		places[count] = i;
		cases[count++] = (struct weft_select_case)WEFT_SELECT_FD(
			fd, i == STDIN_FILENO ? POLLOUT : POLLIN);
	}
	return count;
}

static int talk_on(struct talk *talk)
{
	struct weft_select_case cases[3];
	int places[3], code = 0;
	size_t count;

	while (code == 0 && (count = fill_cases(talk, cases, places)) > 0) {
		ssize_t ready = weft_select(cases, count);

		if (ready < 0)
			return errno;
		if (places[ready] == STDIN_FILENO)
			code = write_some(talk, talk->process->ours[STDIN_FILENO]);
		else
			code = read_some(talk, places[ready]);
	}
	return code;
}

int weft_process_communicate(struct weft_process *process, const void *input, size_t len,
	struct weft_buf *output, struct weft_buf *errors)
{
	size_t told = process->told < len ? process->told : len;
	struct talk talk = {process, (const char *)input + told, len - told, {NULL, output, errors},
		malloc(CHUNK_SIZE_BYTES)};
	int code = talk.chunk ? 0 : ENOMEM;

	for (int i = 0; i < 3 && code == 0; i++) {
		if (process->options.streams[i].kind != WEFT_PROCESS_PIPE)
			continue;
		if (process->has_talked && process->ours[i] < 0)
			continue; /* ended in the talk that goes on now */
		code = check_end(process, i);
		if (code == 0 && fcntl(process->ours[i], F_SETFL, O_NONBLOCK) < 0)
			code = errno;
	}
	if (code == 0 && talk.len == 0 && process->ours[STDIN_FILENO] >= 0)
		weft_process_close_stream(process, STDIN_FILENO);
	if (code == 0) {
		process->has_talked = true;
		code = talk_on(&talk);
	}
	free(talk.chunk);
	return code ? fail(code) : 0;
}
