/*
 * server_retr.c - RETR: a file to the client (RFC 959, section 4.1.3; RFC 3659, section 5).
 *
 * As it is, it goes by sendfile(2), or by what TLS has in its place; as text, through memory.
 * What was opened is sent, also when the name is given to another file meanwhile.
 *
 * Never: more bytes than the file had when it was opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ftp/server_transfer.h"
#include "ftp/server_verbs.h"
#include "weft/file.h"
#include "weft/scope.h"
#include "weft/socket.h"

static int send_image(struct weft__ftpd_transfer *transfer, int fd, int64_t offset, int64_t size)
{
	while (offset < size) {
		size_t len = weft__ftpd_transfer_piece(transfer, WEFT__FTPD_SEND_CHUNK);
		int result = -1;

		if ((int64_t)len > size - offset)
			len = (size_t)(size - offset);
		WEFT_WITH_TIMEOUT (transfer->session->options->data_timeout_ns)
			result = weft_stream_sendfile(transfer->stream, fd, offset, len);
		if (result < 0 || weft__ftpd_transfer_went(transfer, len) < 0)
			return -1;
		offset += (int64_t)len;
	}
	return 0;
}

/* Two buffers: as it is, and with its line ends, which may be twice as much. */
struct text {
	char data[WEFT__FTPD_CHUNK / 4];
	char wire[WEFT__FTPD_CHUNK / 2];
};

static int send_lines(
	struct weft__ftpd_transfer *transfer, struct weft_file *file, struct text *text)
{
	for (;;) {
		size_t piece = weft__ftpd_transfer_piece(transfer, sizeof(text->data));
		ssize_t len = weft_file_read(file, text->data, piece);
		int result = -1;
		size_t wire_len;

		if (len <= 0)
			return (int)len;
		wire_len = weft__ftpd_ascii_encode(text->data, (size_t)len, text->wire);
		WEFT_WITH_TIMEOUT (transfer->session->options->data_timeout_ns)
			result = weft_stream_write_all(transfer->stream, text->wire, wire_len);
		if (result < 0 || weft__ftpd_transfer_went(transfer, (size_t)len) < 0)
			return -1;
	}
}

/* fd stays the caller's. */
static int send_text(struct weft__ftpd_transfer *transfer, int fd)
{
	struct text *text = malloc(sizeof(*text));
	int own_fd = text ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1, saved;
	struct weft_file *file = own_fd >= 0 ? weft_file_new(own_fd) : NULL;
	int result = file ? send_lines(transfer, file, text) : -1;

	saved = errno;
	if (!file && own_fd >= 0)
		close(own_fd);
	if (file)
		weft_file_close(file);
	free(text);
	errno = saved;
	return result;
}

static int send_file(struct weft__ftpd_transfer *transfer, int fd, const struct stat *stat)
{
	int64_t offset = transfer->session->restart;
	int result = transfer->session->is_ascii ? send_text(transfer, fd)
						 : send_image(transfer, fd, offset, stat->st_size);

	/* With TLS the end has to be said, or the client takes the file for cut short. */
	if (result == 0)
		result = weft__ftpd_transfer_close_write(transfer);
	return weft__ftpd_transfer_end(transfer, result < 0 ? errno : 0);
}

/* Whether REST can be meant; else the reply is made. */
static bool can_restart(struct weft__ftpd_session *session, const struct stat *stat)
{
	if (session->restart > 0 && session->is_ascii)
		weft__ftpd_reply(session, 554, "REST is for TYPE I.");
	else if (session->restart > stat->st_size)
		weft__ftpd_reply(session, 554, "The file ends before that.");
	else
		return true;
	return false;
}

int weft__ftpd_retr(struct weft__ftpd_session *session, const char *argument)
{
	struct weft__ftpd_transfer transfer = {.session = session,
		.command = "RETR",
		.path = session->scratch->path,
		.is_file = true};
	struct stat stat;
	char what[128];
	int fd = -1;

	if (weft__ftpd_path_of(session, argument, session->scratch->path) < 0)
		return weft__ftpd_reply_errno(session);
	fd = weft_files_open(
		session->options->files, &session->visitor, session->scratch->path, &stat);
	if (fd < 0)
		return weft__ftpd_reply_errno(session);
	if (S_ISDIR(stat.st_mode)) {
		errno = EISDIR;
		weft__ftpd_reply_errno(session);
	} else if (can_restart(session, &stat)) {
		/* Clients read the number, "(123 bytes)", for their progress. */
		snprintf(what, sizeof(what), "Opening %s mode data connection (%lld bytes).",
			session->is_ascii ? "ASCII" : "BINARY",
			(long long)(stat.st_size - session->restart));
		transfer.total = session->is_ascii ? 0 : stat.st_size - session->restart;
		if (weft__ftpd_transfer_begin(&transfer, what) == 0)
			send_file(&transfer, fd, &stat);
	}
	weft_close(fd);
	return 0;
}
