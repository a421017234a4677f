/*
 * status.c - the phrases of status codes (RFC 9110, section 15), status lines, and the statuses of
 * what the system says.
 *
 * Entry points: weft_http_status_phrase(), weft_http_status_of_errno(), weft__http_status_line().
 * Never: a status line that is put together anew for each answer.
 */
#include "http/response.h"

#include <errno.h>
#include <string.h>

#define STATUS(number, phrase)                                              \
	{                                                                   \
		number, phrase, "HTTP/1.1 " #number " " phrase "\r\nDate: " \
	}

static const struct {
	int status;
	const char *phrase;
	const char *line;
} statuses[] = {
	STATUS(200, "OK"), /* the first is found first */
	STATUS(304, "Not Modified"),
	STATUS(404, "Not Found"),
	STATUS(206, "Partial Content"),
	STATUS(301, "Moved Permanently"),
	STATUS(201, "Created"),
	STATUS(202, "Accepted"),
	STATUS(204, "No Content"),
	STATUS(302, "Found"),
	STATUS(303, "See Other"),
	STATUS(307, "Temporary Redirect"),
	STATUS(308, "Permanent Redirect"),
	STATUS(400, "Bad Request"),
	STATUS(401, "Unauthorized"),
	STATUS(403, "Forbidden"),
	STATUS(405, "Method Not Allowed"),
	STATUS(406, "Not Acceptable"),
	STATUS(408, "Request Timeout"),
	STATUS(409, "Conflict"),
	STATUS(410, "Gone"),
	STATUS(411, "Length Required"),
	STATUS(412, "Precondition Failed"),
	STATUS(413, "Content Too Large"),
	STATUS(414, "URI Too Long"),
	STATUS(415, "Unsupported Media Type"),
	STATUS(416, "Range Not Satisfiable"),
	STATUS(417, "Expectation Failed"),
	STATUS(421, "Misdirected Request"),
	STATUS(422, "Unprocessable Content"),
	STATUS(423, "Locked"),
	STATUS(426, "Upgrade Required"),
	STATUS(428, "Precondition Required"),
	STATUS(429, "Too Many Requests"),
	STATUS(431, "Request Header Fields Too Large"),
	STATUS(460, "Checksum Mismatch"), /* of tus */
	STATUS(500, "Internal Server Error"),
	STATUS(501, "Not Implemented"),
	STATUS(502, "Bad Gateway"),
	STATUS(503, "Service Unavailable"),
	STATUS(504, "Gateway Timeout"),
	STATUS(505, "HTTP Version Not Supported"),
	STATUS(507, "Insufficient Storage"),
	STATUS(101, "Switching Protocols"),
};

#define STATUS_COUNT (sizeof(statuses) / sizeof(statuses[0]))

const char *weft_http_status_phrase(int status)
{
	for (size_t i = 0; i < STATUS_COUNT; i++)
		if (statuses[i].status == status)
			return statuses[i].phrase;
	return "Unknown";
}

const char *weft__http_status_line(int status)
{
	for (size_t i = 0; i < STATUS_COUNT; i++)
		if (statuses[i].status == status)
			return statuses[i].line;
	return NULL;
}

int weft_http_status_of_errno(int code)
{
	static const struct {
		int code, status;
	} rows[] = {
		{ENOENT, 404},
		{ENOTDIR, 404},
		{ELOOP, 404},
		{EACCES, 403},
		{EPERM, 403},
		{EROFS, 403},
		{EXDEV, 403},
		{ENODEV, 403},
		{EINVAL, 400},
		{EILSEQ, 400},
		{EBADMSG, 400},
		{EEXIST, 409},
		{ENOTEMPTY, 409},
		{EISDIR, 409},
		{ESTALE, 412},
		{EFBIG, 413},
		{EMSGSIZE, 413},
		{ENAMETOOLONG, 414},
		{ENOSYS, 501},
		{ENOTSUP, 501},
		{EOPNOTSUPP, 501},
		{ECONNREFUSED, 502},
		{ECONNRESET, 502},
		{EHOSTUNREACH, 502},
		{ENETUNREACH, 502},
		{EMFILE, 503},
		{ENFILE, 503},
		{ENOMEM, 503},
		{EAGAIN, 503},
		{EBUSY, 503},
		{ECANCELED, 503},
		{ETIMEDOUT, 504},
		{ENOSPC, 507},
		{EDQUOT, 507},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == code)
			return rows[i].status;
	return 500;
}
