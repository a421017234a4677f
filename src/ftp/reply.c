/*
 * reply.c - replies of an FTP server, line by line.
 *
 * Entry points: weft__ftp_reply_reset(), weft__ftp_reply_take().
 * Never: more memory than reply.h says, or a NUL in what is a string to everybody else.
 */
#include "ftp/reply.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

void weft__ftp_reply_init(struct weft__ftp_reply *reply)
{
	memset(reply, 0, sizeof(*reply));
	weft_str_init(&reply->text, WEFT__FTP_REPLY_TEXT_MAX);
}

void weft__ftp_reply_fini(struct weft__ftp_reply *reply)
{
	weft_str_fini(&reply->text);
}

void weft__ftp_reply_reset(struct weft__ftp_reply *reply)
{
	reply->code = 0;
	reply->lines = 0;
	weft_str_reset(&reply->text);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 100 to 599, with nothing, ' ' or '-' behind it; 0: no code begins the line. */
static int code_of(const char *line, size_t len)
{
	if (len < 3 || line[0] < '1' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2]))
		return 0;
	if (len > 3 && line[3] != ' ' && line[3] != '-')
		return 0;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

static size_t without_line_end(const char *line, size_t len)
{
	if (len > 0 && line[len - 1] == '\n')
		len--;
	if (len > 0 && line[len - 1] == '\r')
		len--;
	return len;
}

static void append(struct weft__ftp_reply *reply, const char *line, size_t len)
{
	if (reply->lines > 1)
		weft_str_append_char(&reply->text, '\n');
	while (len > 0) {
		const char *nul = memchr(line, '\0', len);
		size_t part = nul ? (size_t)(nul - line) : len;

		weft_str_append_bytes(&reply->text, line, part);
		if (nul)
			weft_str_append_char(&reply->text, '?');
		line += part + (nul != NULL);
		len -= part + (nul != NULL);
	}
}

enum weft__ftp_reply_result weft__ftp_reply_take(
	struct weft__ftp_reply *reply, const char *line, size_t len)
{
	bool is_first = reply->lines == 0, is_last;
	int code, error;

	len = without_line_end(line, len);
	code = code_of(line, len);
	if (is_first && code == 0)
		return WEFT__FTP_NO_REPLY;
	if (is_first)
		reply->code = code;
	if (++reply->lines > WEFT__FTP_REPLY_LINES_MAX)
		return WEFT__FTP_TOO_MUCH;
	is_last = code == reply->code && (len == 3 || line[3] == ' ');
	if (code == reply->code) {
		line += len > 3 ? 4 : 3;
		len -= len > 3 ? 4 : 3;
	}
	append(reply, line, len);
	error = weft_str_error(&reply->text);
	if (error)
		return error == EMSGSIZE ? WEFT__FTP_TOO_MUCH : WEFT__FTP_NO_MEMORY;
	return is_last ? WEFT__FTP_DONE : WEFT__FTP_MORE;
}
