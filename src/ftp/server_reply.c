/*
 * server_reply.c - replies on the control connection (RFC 959, section 4.2).
 *
 * Entry points: weft__ftpd_reply(), weft__ftpd_reply_errno(), weft__ftpd_flush().
 *
 * Replies gather, and go out when the next command has to be waited for: what was pipelined is
 * answered together. Names that are shown have passed weft__ftpd_path_of(), so none of them has a
 * line end in it.
 *
 * Never: an error of the reply itself is an error of the command; the next read finds the
 * connection lost.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ftp/server.h"
#include "weft/scope.h"

/* ---- Words for errors ---------------------------------------------------------------------- */

struct phrase {
	int error, code;
	const char *text;
};

static const struct phrase phrases[] = {
	{EACCES, 550, "You may not do that here."},
	{EPERM, 550, "You may not do that here."},
	{EROFS, 550, "This folder can't be changed."},
	{ENOENT, 550, "There is no such file or folder."},
	{ENOTDIR, 550, "That is not a folder."},
	{EISDIR, 550, "That is a folder."},
	{ELOOP, 550, "Too many links lead there."},
	{EXDEV, 550, "That is on another disk, or leads out of what is shared."},
	{ENODEV, 550, "That is neither file nor folder."},
	{EEXIST, 550, "There is something of that name."},
	{ENOTEMPTY, 550, "The folder is not empty."},
	{EINVAL, 553, "That name can't be."},
	{EILSEQ, 553, "That name can't be."},
	{ENAMETOOLONG, 553, "That name is too long."},
	{EBUSY, 450, "Somebody else is changing it at this moment."},
	{ETXTBSY, 450, "Somebody else is changing it at this moment."},
	{ENOSPC, 452, "The disk is full."},
	{EDQUOT, 552, "That is more than you may store here."},
	{EFBIG, 552, "That is longer than a file may be here."},
	{EMFILE, 450, "Too much is going on here; try again later."},
	{ENFILE, 450, "Too much is going on here; try again later."},
	{EAGAIN, 450, "Too much is going on here; try again later."},
	{ENOMEM, 450, "Too much is going on here; try again later."},
	{ENOSYS, 504, "This server was built without that."},
	{ENOTSUP, 504, "This file system can't do that."},
	{ETIMEDOUT, 451, "It took too long."},
	{ECANCELED, 421, "The server is stopping."},
};

int weft__ftpd_code_of(int error, const char **ret_text)
{
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].error == error) {
			*ret_text = phrases[i].text;
			return phrases[i].code;
		}
	}
	*ret_text = "Something is wrong with the disk.";
	return 451;
}

int weft__ftpd_reply_errno(struct weft__ftpd_session *session)
{
	const char *text;
	int code = weft__ftpd_code_of(errno, &text);

	return weft__ftpd_reply(session, code, "%s", text);
}

/* ---- Sending ------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 0))) static void put(
	struct weft__ftpd_session *session, const char *lead, const char *format, va_list args)
{
	char *text = session->scratch->reply;
	size_t size = sizeof(session->scratch->reply), len = strlen(lead);
	int more;

	memcpy(text, lead, len);
	more = vsnprintf(text + len, size - len - 2, format, args);
	if (more < 0)
		return;
	len = (size_t)more < size - len - 2 ? len + (size_t)more : size - 3;
	memcpy(text + len, "\r\n", 2);
	/* A peer that does not read its replies is found out by the next read at the latest. */
	WEFT_WITH_TIMEOUT (WEFT__FTPD_REPLY_TIMEOUT_NS)
		(void)weft_stream_write_all(session->control, text, len + 2);
}

int weft__ftpd_reply(struct weft__ftpd_session *session, int code, const char *format, ...)
{
	char lead[16];
	va_list args;

	snprintf(lead, sizeof(lead), "%03d%c", code < 0 ? -code : code, code < 0 ? '-' : ' ');
	va_start(args, format);
	put(session, lead, format, args);
	va_end(args);
	return 0;
}

int weft__ftpd_reply_line(struct weft__ftpd_session *session, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(session, " ", format, args);
	va_end(args);
	return 0;
}

int weft__ftpd_flush(struct weft__ftpd_session *session)
{
	int result = -1;

	WEFT_WITH_TIMEOUT (WEFT__FTPD_REPLY_TIMEOUT_NS)
		result = weft_stream_flush(session->control);
	return result;
}
