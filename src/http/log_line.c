/*
 * log_line.c - see log_line.h.
 *
 *	common    host - user [day/Mon/year:h:m:s +zone] "request line" status bytes
 *	combined  the same, then "referer" "user agent"
 *	json      {"time": ..., "peer": ..., ...}, one object a line
 *
 * The bytes are put one after the other into room that is sure to be there: what has a bound
 * of its own is small, and what comes from outside is cut so that the rest fits.
 *
 * Never: printf(3), which costs more than the rest of the line.
 */
#include "http/log_line.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http/date.h"
#include "http/escape.h"
#include "http/request.h"
#include "http/response.h"
#include "weft/http_auth.h"
#include "weft/fiber.h"
#include "weft/tls.h"
#include "weft/utf8.h"

/** Room that is kept for what comes behind the request line: in common, status and bytes. */
#define TAIL_MAX 64

/** Longest text of each field of the request that is quoted behind the line. */
#define FIELD_MAX 700

/** Longest request line in JSON: the rest of the object fits behind it. */
#define JSON_LINE_MAX 1600

/** The quotes of a text in JSON, and the longest character in it (\u001b). */
#define JSON_CHARACTER_MAX 6

/* ---- Putting -----------------------------------------------------------------------------------
 */

static char *put(char *to, const char *text, size_t len)
{
	memcpy(to, text, len);
	return to + len;
}

/* A constant. */
#define PUT(to, text) put(to, text, sizeof(text) - 1)

static char *put_number(char *to, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	return put(to, digits + at, sizeof(digits) - at);
}

static char *put_padded(char *to, unsigned value, unsigned digits)
{
	for (unsigned i = digits; i-- > 0; value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + digits;
}

/* ---- Time: made once a second ------------------------------------------------------------------
 */

static char *put_zone(char *to, const struct tm *tm, const char *between)
{
	long minutes = tm->tm_gmtoff / 60;

	*to++ = minutes < 0 ? '-' : '+';
	minutes = minutes < 0 ? -minutes : minutes;
	to = put_padded(to, (unsigned)(minutes / 60), 2);
	to = put(to, between, strlen(between));
	return put_padded(to, (unsigned)(minutes % 60), 2);
}

static char *put_clock(char *to, const struct tm *tm)
{
	to = put_padded(to, (unsigned)tm->tm_hour, 2);
	*to++ = ':';
	to = put_padded(to, (unsigned)tm->tm_min, 2);
	*to++ = ':';
	return put_padded(to, (unsigned)tm->tm_sec, 2);
}

/* "20/Nov/2026:22:16:00 +0100", whatever the locale. */
static char *put_common_time(char *to, const struct tm *tm)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	to = put_padded(to, (unsigned)tm->tm_mday, 2);
	*to++ = '/';
	to = put(to, months + (size_t)tm->tm_mon * 3, 3);
	*to++ = '/';
	to = put_padded(to, (unsigned)tm->tm_year + 1900, 4);
	*to++ = ':';
	to = put_clock(to, tm);
	*to++ = ' ';
	return put_zone(to, tm, "");
}

/* RFC 3339. */
static char *put_json_time(char *to, const struct tm *tm)
{
	to = put_padded(to, (unsigned)tm->tm_year + 1900, 4);
	*to++ = '-';
	to = put_padded(to, (unsigned)tm->tm_mon + 1, 2);
	*to++ = '-';
	to = put_padded(to, (unsigned)tm->tm_mday, 2);
	*to++ = 'T';
	to = put_clock(to, tm);
	return put_zone(to, tm, ":");
}

static char *put_time(char *to, struct weft__http_log_line *line, bool is_json)
{
	int64_t now_s = weft__http_now_s();
	struct tm tm;

	if ((line->time_len == 0 || line->time_s != now_s) && localtime_r(&(time_t){now_s}, &tm)) {
		char *end = is_json ? put_json_time(line->time_text, &tm)
				    : put_common_time(line->time_text, &tm);

		line->time_s = now_s;
		line->time_len = (size_t)(end - line->time_text);
	}
	return put(to, line->time_text, line->time_len);
}

/* ---- Common and combined ------------------------------------------------------------------------
 */

static char *put_quoted(char *to, struct weft_http_text text, size_t max)
{
	*to++ = '"';
	to += weft__http_escape_log(to, max, text.data, text.len);
	*to++ = '"';
	return to;
}

/* A field of the request, or "-". */
static char *put_field(char *to, const struct weft_http_request *request, const char *name)
{
	struct weft_http_text value = weft_http_request_field(request, name);

	if (!value.data)
		value = (struct weft_http_text){"-", 1};
	*to++ = ' ';
	return put_quoted(to, value, FIELD_MAX);
}

/* A user's name stands there bare: a space in it would begin another column. */
static char *put_user(char *to, const char *user)
{
	const char *end = to + FIELD_MAX;

	if (!user || !user[0])
		return PUT(to, "-");
	for (; *user && end - to >= 4; user++)
		if (*user == ' ')
			to = PUT(to, "\\x20");
		else
			to += weft__http_escape_log(to, 4, user, 1);
	return to;
}

static size_t make_common(struct weft__http_log_line *line, bool is_combined,
	const struct weft_http_request *request, const struct weft_http_response *response)
{
	const char *peer = weft_http_request_client(request);
	char *to = line->text, *end = to + sizeof(line->text) - TAIL_MAX;

	to = put(to, peer, strlen(peer));
	to = PUT(to, " - ");
	to = put_user(to, request->user);
	to = PUT(to, " [");
	to = put_time(to, line, false);
	to = PUT(to, "] ");
	if (is_combined)
		end -= 2 * FIELD_MAX;
	to = put_quoted(to, weft_http_request_line(request), (size_t)(end - to));
	*to++ = ' ';
	to = put_padded(to, (unsigned)response->status, 3);
	*to++ = ' ';
	to = put_number(to, (uint64_t)response->body_len);
	if (is_combined) {
		to = put_field(to, request, "Referer");
		to = put_field(to, request, "User-Agent");
	}
	*to++ = '\n';
	return (size_t)(to - line->text);
}

/* ---- JSON (RFC 8259) ----------------------------------------------------------------------------
 */

/* A character of the text, of size bytes, 0: of no UTF-8. */
static char *put_json_character(char *to, const char *from, size_t size, uint32_t character)
{
	static const char hex[] = "0123456789abcdef";

	if (size == 0)
		return PUT(to, "\\ufffd");
	if (character == '"' || character == '\\') {
		*to++ = '\\';
		*to++ = (char)character;
		return to;
	}
	if (!weft_utf8_is_dangerous(character))
		return put(to, from, size);
	to = PUT(to, "\\u");
	for (int shift = 12; shift >= 0; shift -= 4)
		*to++ = hex[character >> shift & 15];
	return to;
}

/* A string, of which max bytes are written between its quotes at most; null where there is none. */
static char *put_json_text(char *to, struct weft_http_text text, size_t max)
{
	const char *end = to + 1 + max - JSON_CHARACTER_MAX;

	if (!text.data)
		return PUT(to, "null");
	*to++ = '"';
	for (size_t at = 0, size; at < text.len && to <= end; at += size ? size : 1) {
		unsigned char byte = (unsigned char)text.data[at];
		uint32_t character = byte;

		size = 1;
		if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') {
			*to++ = (char)byte;
			continue;
		}
		if (byte >= 0x80)
			size = weft_utf8_read(text.data + at, text.len - at, &character);
		to = put_json_character(to, text.data + at, size, character);
	}
	*to++ = '"';
	return to;
}

static struct weft_http_text text_of(const char *text)
{
	return (struct weft_http_text){text, text ? strlen(text) : 0};
}

/* Of a request whose head was understood. */
static struct weft_http_text method_of(const struct weft_http_request *request)
{
	struct weft_http_text line = weft_http_request_line(request);
	const char *space = line.len ? memchr(line.data, ' ', line.len) : NULL;

	if (request->head.line.len == 0 || !space)
		return (struct weft_http_text){NULL, 0};
	return (struct weft_http_text){line.data, (size_t)(space - line.data)};
}

static char *put_json_request(char *to, const struct weft_http_request *request)
{
	to = PUT(to, ", \"method\": ");
	to = put_json_text(to, method_of(request), 100);
	to = PUT(to, ", \"host\": ");
	to = put_json_text(to, weft_http_request_host(request), 300);
	to = PUT(to, ", \"request\": ");
	to = put_json_text(to, weft_http_request_line(request), JSON_LINE_MAX);
	to = PUT(to, ", \"referer\": ");
	to = put_json_text(to, weft_http_request_field(request, "Referer"), FIELD_MAX);
	to = PUT(to, ", \"agent\": ");
	return put_json_text(to, weft_http_request_field(request, "User-Agent"), 400);
}

static size_t make_json(struct weft__http_log_line *line, const struct weft_http_request *request,
	const struct weft_http_response *response)
{
	const struct weft_tls_facts *tls = weft_http_request_tls(request);
	int64_t duration_ns = weft_now() - request->arrived_ns;
	char *to = line->text;

	to = PUT(to, "{\"time\": \"");
	to = put_time(to, line, true);
	to = PUT(to, "\", \"peer\": ");
	to = put_json_text(to, text_of(weft_http_request_client(request)), 100);
	to = PUT(to, ", \"user\": ");
	to = put_json_text(to, text_of(request->user), 300);
	to = put_json_request(to, request);
	to = PUT(to, ", \"tls\": ");
	to = put_json_text(to, text_of(tls ? tls->version : NULL), 100);
	to = PUT(to, ", \"status\": ");
	to = put_padded(to, (unsigned)response->status, 3);
	to = PUT(to, ", \"bytes\": ");
	to = put_number(to, (uint64_t)response->body_len);
	to = PUT(to, ", \"duration_us\": ");
	to = put_number(to, duration_ns > 0 ? (uint64_t)duration_ns / 1000 : 0);
	to = PUT(to, "}\n");
	return (size_t)(to - line->text);
}

size_t weft__http_log_line_make(struct weft__http_log_line *line, enum weft_http_log_format format,
	const struct weft_http_request *request, const struct weft_http_response *response)
{
	if (format == WEFT_HTTP_LOG_JSON)
		return make_json(line, request, response);
	return make_common(line, format == WEFT_HTTP_LOG_COMBINED, request, response);
}

size_t weft_http_log_print(enum weft_http_log_format format,
	const struct weft_http_request *request, const struct weft_http_response *response,
	char ret_line[WEFT_HTTP_LOG_LINE_SIZE])
{
	struct weft__http_log_line *line = malloc(sizeof(*line));
	size_t len = 0;

	_Static_assert(WEFT_HTTP_LOG_LINE_SIZE >= WEFT__HTTP_LOG_LINE_MAX, "room for a line");
	if (line) {
		line->time_len = 0;
		len = weft__http_log_line_make(line, format, request, response);
		memcpy(ret_line, line->text, len);
	}
	free(line);
	return len;
}
