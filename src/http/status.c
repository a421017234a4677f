/*
 * status.c - the phrases of status codes (RFC 9110, section 15), and status lines.
 *
 * Entry points: weft_http_status_phrase(), weft__http_status_line().
 * Never: a status line that is put together anew for each answer.
 */
#include "http/response.h"

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
	STATUS(426, "Upgrade Required"),
	STATUS(428, "Precondition Required"),
	STATUS(429, "Too Many Requests"),
	STATUS(431, "Request Header Fields Too Large"),
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
