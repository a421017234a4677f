/*
 * parse.c - takes a request head apart, line by line.
 *
 * Entry points: weft__http_head_reset(), weft__http_parse().
 *
 *	GET /a%20b?q HTTP/1.1 CRLF	request line	(one empty line before it is forgiven)
 *	Host: example CRLF		fields		(each at once: fields.c)
 *	CRLF				the end		(all together: fields.c)
 *
 * A line is looked at when its line feed has come, so that each byte is searched for
 * it once and judged once, however slowly it arrives. What must not wait for the line
 * feed is judged at once: limits, and (judge_first_line()) peers that don't speak HTTP.
 *
 * Never: reads past len, keeps a pointer, forgives what RFC 9112 lets a server refuse.
 */
#include "http/parse.h"

#include "http/chars.h"

static const struct {
	const char *name;
	enum weft_http_method method;
} methods[] = {
	{"GET", WEFT_HTTP_GET},
	{"HEAD", WEFT_HTTP_HEAD},
	{"POST", WEFT_HTTP_POST},
	{"PUT", WEFT_HTTP_PUT},
	{"DELETE", WEFT_HTTP_DELETE},
	{"OPTIONS", WEFT_HTTP_OPTIONS},
	{"PATCH", WEFT_HTTP_PATCH},
	{"CONNECT", WEFT_HTTP_CONNECT},
	{"TRACE", WEFT_HTTP_TRACE},
};

const char *weft__http_method_name(enum weft_http_method method)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (methods[i].method == method)
			return methods[i].name;
	return "other";
}

void weft__http_head_reset(struct weft__http_head *head)
{
	/* Not the fields themselves: field_count says how many there are. */
	memset(head, 0, offsetof(struct weft__http_head, fields));
}

/* ---- The request line --------------------------------------------------------------- */

enum weft_http_method weft__http_method_find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strlen(methods[i].name) == len && memcmp(methods[i].name, name, len) == 0)
			return methods[i].method;
	return WEFT_HTTP_OTHER;
}

/* RFC 9112, section 2.3: "HTTP/" DIGIT "." DIGIT, in capitals. */
static enum weft__http_fault take_version(
	struct weft__http_head *head, const char *version, size_t len)
{
	if (len != 8 || memcmp(version, "HTTP/", 5) != 0 || version[6] != '.' ||
		!weft__http_is(version[5], WEFT__HTTP_DIGIT) ||
		!weft__http_is(version[7], WEFT__HTTP_DIGIT))
		return WEFT__HTTP_FAULT_VERSION;
	if (version[5] != '1')
		return WEFT__HTTP_FAULT_VERSION_UNKNOWN;
	/* A later minor version keeps what 1.1 promises: RFC 9110, section 2.5. */
	head->minor_version = version[7] == '0' ? 0 : 1;
	return WEFT__HTTP_FAULT_NONE;
}

static enum weft__http_fault take_request_line(
	struct weft__http_head *head, const char *data, size_t line_len)
{
	const char *line = data + head->line_at;
	size_t method_len, target_len, rest;
	struct weft__http_place target;
	enum weft__http_fault fault;

	head->line = (struct weft__http_place){(uint16_t)head->line_at, (uint16_t)line_len};
	method_len = weft__http_span(line, line_len, WEFT__HTTP_TOKEN);
	if (method_len == line_len || line[method_len] != ' ')
		return WEFT__HTTP_FAULT_METHOD;
	head->method_name = (struct weft__http_place){head->line.at, (uint16_t)method_len};
	head->method = weft__http_method_find(line, method_len);

	rest = method_len + 1;
	target_len = weft__http_span(line + rest, line_len - rest, WEFT__HTTP_TARGET);
	if (target_len == 0 || rest + target_len == line_len)
		return WEFT__HTTP_FAULT_REQUEST_LINE;
	if (line[rest + target_len] != ' ')
		return WEFT__HTTP_FAULT_TARGET;
	target.at = (uint16_t)(head->line_at + rest);
	target.len = (uint16_t)target_len;
	rest += target_len + 1;
	fault = take_version(head, line + rest, line_len - rest);
	return fault ? fault : weft__http_parse_target(head, data, target);
}

/* ---- Fields ---------------------------------------------------------------------------- */

static enum weft__http_fault take_field(
	struct weft__http_head *head, const char *data, size_t line_len)
{
	enum weft__http_fault fault = weft__http_split_field(head, data, line_len);

	return fault ? fault : weft__http_take_field(head, data);
}

/* ---- Lines ------------------------------------------------------------------------------- */

/* One whole line of line_len bytes, its CRLF not counted. */
static enum weft__http_parse_result take_line(
	struct weft__http_head *head, const char *data, size_t line_len)
{
	if (head->has_request_line && line_len == 0) {
		head->fault = weft__http_take_fields_end(head);
		head->len = head->line_at + 2;
		return head->fault ? WEFT__HTTP_BAD : WEFT__HTTP_DONE;
	}
	if (head->has_request_line) {
		head->fault = take_field(head, data, line_len);
	} else if (line_len > 0) {
		head->fault = take_request_line(head, data, line_len);
		head->has_request_line = true;
	} else if (head->line_at > 0) {
		head->fault = WEFT__HTTP_FAULT_METHOD; /* a second empty line: section 2.2 */
	}
	return head->fault ? WEFT__HTTP_BAD : WEFT__HTTP_MORE;
}

/*
 * What can be said of the first line before its end has come, and is said first when
 * it has, so that the verdict is the same: line[0..len), without the line feed.
 */
static enum weft__http_fault judge_first_line(const char *line, size_t len)
{
	bool is_start =
		len == 0 || (line[0] == '\r' ? len == 1 : weft__http_is(line[0], WEFT__HTTP_TOKEN));

	if (!is_start)
		return WEFT__HTTP_FAULT_METHOD;
	if (len > WEFT__HTTP_REQUEST_LINE_MAX + 1) /* the one: its CR */
		return WEFT__HTTP_FAULT_REQUEST_LINE_LONG;
	return WEFT__HTTP_FAULT_NONE;
}

enum weft__http_parse_result weft__http_parse(
	struct weft__http_head *head, const char *data, size_t len)
{
	enum weft__http_parse_result result = WEFT__HTTP_MORE;

	if (head->fault)
		return WEFT__HTTP_BAD;
	if (len > WEFT__HTTP_HEAD_MAX)
		len = WEFT__HTTP_HEAD_MAX;
	while (result == WEFT__HTTP_MORE) {
		const char *line = data + head->line_at;
		const char *feed = memchr(data + head->scanned, '\n', len - head->scanned);
		size_t line_len = (size_t)((feed ? feed : data + len) - line);

		if (!head->has_request_line)
			head->fault = judge_first_line(line, line_len);
		if (!head->fault && feed && (line_len == 0 || feed[-1] != '\r'))
			head->fault = WEFT__HTTP_FAULT_LINE_END;
		if (!head->fault && !feed && len == WEFT__HTTP_HEAD_MAX)
			head->fault = WEFT__HTTP_FAULT_HEAD_LONG;
		if (head->fault)
			return WEFT__HTTP_BAD;
		head->scanned = head->line_at + (uint32_t)line_len;
		if (!feed)
			return WEFT__HTTP_MORE;
		result = take_line(head, data, line_len - 1);
		head->scanned++;
		head->line_at = head->scanned;
	}
	return result;
}
