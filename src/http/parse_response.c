/*
 * parse_response.c - takes a response head apart, line by line.
 *
 * Entry points: weft__http_response_head_reset(), weft__http_parse_response(),
 * weft__http_response_framing().
 *
 *	HTTP/1.1 200 OK CRLF		status line
 *	Content-Length: 5 CRLF		fields		(split as they come)
 *	CRLF				the end		(what they mean: fields.c)
 *
 * A line is looked at when its line feed has come. What can't become a status line is
 * refused with its first wrong byte: whoever speaks another protocol may never send one.
 *
 * Never: reads past len, keeps a pointer, lets the verdict depend on how bytes were cut.
 */
#include "http/parse_response.h"

#include <strings.h>

static const char protocol[] = "HTTP/1.";

void weft__http_response_head_reset(struct weft__http_response_head *response)
{
	response->status = 0;
	response->has_fold = false;
	response->reason = (struct weft__http_place){0, 0};
	weft__http_head_reset(&response->head);
}

/* ---- Lines -------------------------------------------------------------------------- */

/*
 * "HTTP/1." DIGIT SP 3DIGIT [SP reason]: RFC 9112, section 4. The last space is asked for
 * there, but with no reason behind it many leave it out, and nobody can read that otherwise.
 */
static enum weft__http_fault take_status_line(
	struct weft__http_response_head *response, const char *line, size_t len)
{
	const size_t version = sizeof(protocol) - 1, code = version + 2, reason = code + 4;

	if (len < code + 3 || !weft__http_is(line[version], WEFT__HTTP_DIGIT) ||
		line[version + 1] != ' ')
		return WEFT__HTTP_FAULT_STATUS_LINE;
	for (size_t i = code; i < code + 3; i++) {
		if (!weft__http_is(line[i], WEFT__HTTP_DIGIT))
			return WEFT__HTTP_FAULT_STATUS_LINE;
		response->status = response->status * 10 + (unsigned)(line[i] - '0');
	}
	if (response->status < 100 || (len > code + 3 && line[code + 3] != ' '))
		return WEFT__HTTP_FAULT_STATUS_LINE;
	if (len > reason) {
		if (!weft__http_is_field_value(line + reason, len - reason))
			return WEFT__HTTP_FAULT_STATUS_LINE;
		response->reason =
			(struct weft__http_place){(uint16_t)reason, (uint16_t)(len - reason)};
	}
	response->head.minor_version = line[version] == '0' ? 0 : 1;
	return WEFT__HTTP_FAULT_NONE;
}

/* A line that begins with a space goes on with the value before it: RFC 9112, section 5.2. */
static enum weft__http_fault take_fold(
	struct weft__http_response_head *response, const char *data, size_t line_len)
{
	struct weft__http_head *head = &response->head;
	struct weft__http_place *value;
	size_t from = head->line_at, to = from + line_len;

	if (head->field_count == 0)
		return WEFT__HTTP_FAULT_FOLD;
	if (!weft__http_is_field_value(data + from, line_len))
		return WEFT__HTTP_FAULT_FIELD_VALUE;
	value = &head->fields[head->field_count - 1].value;
	while (to > from && (data[to - 1] == ' ' || data[to - 1] == '\t'))
		to--;
	while (from < to && (data[from] == ' ' || data[from] == '\t'))
		from++;
	if (from == to)
		return WEFT__HTTP_FAULT_NONE;
	if (value->len == 0)
		value->at = (uint16_t)from;
	value->len = (uint16_t)(to - value->at);
	response->has_fold = true;
	return WEFT__HTTP_FAULT_NONE;
}

/* One whole line of line_len bytes, its CRLF not counted. */
static enum weft__http_parse_result take_line(
	struct weft__http_response_head *response, const char *data, size_t line_len)
{
	struct weft__http_head *head = &response->head;
	const char *line = data + head->line_at;

	if (!head->has_request_line) {
		head->has_request_line = true; /* the first line, that is */
		head->fault = take_status_line(response, line, line_len);
	} else if (line_len == 0) {
		head->fault = weft__http_take_response_fields(head, data);
		head->len = head->line_at + 2;
		return head->fault ? WEFT__HTTP_BAD : WEFT__HTTP_DONE;
	} else if (line[0] == ' ' || line[0] == '\t') {
		head->fault = take_fold(response, data, line_len);
	} else {
		head->fault = weft__http_split_field(head, data, line_len);
	}
	return head->fault ? WEFT__HTTP_BAD : WEFT__HTTP_MORE;
}

/* Whether line[0..len) is, or may become, the first line. */
static bool begins_well(const char *line, size_t len)
{
	size_t known = sizeof(protocol) - 1;

	return memcmp(line, protocol, len < known ? len : known) == 0;
}

enum weft__http_parse_result weft__http_parse_response(
	struct weft__http_response_head *response, const char *data, size_t len)
{
	enum weft__http_parse_result result = WEFT__HTTP_MORE;
	struct weft__http_head *head = &response->head;

	if (head->fault)
		return WEFT__HTTP_BAD;
	if (len > WEFT__HTTP_HEAD_MAX)
		len = WEFT__HTTP_HEAD_MAX;
	while (result == WEFT__HTTP_MORE) {
		const char *line = data + head->line_at;
		const char *feed = memchr(data + head->scanned, '\n', len - head->scanned);
		size_t line_len = (size_t)((feed ? feed : data + len) - line);

		if (!head->has_request_line && !begins_well(line, line_len))
			head->fault = WEFT__HTTP_FAULT_STATUS_LINE;
		else if (feed && (line_len == 0 || feed[-1] != '\r'))
			head->fault = WEFT__HTTP_FAULT_LINE_END;
		else if (!feed && len == WEFT__HTTP_HEAD_MAX)
			head->fault = WEFT__HTTP_FAULT_HEAD_LONG;
		if (head->fault)
			return WEFT__HTTP_BAD;
		head->scanned = head->line_at + (uint32_t)line_len;
		if (!feed)
			return WEFT__HTTP_MORE;
		result = take_line(response, data, line_len - 1);
		head->scanned++;
		head->line_at = head->scanned;
	}
	return result;
}

/* ---- What it says ------------------------------------------------------------------- */

void weft__http_response_unfold(const struct weft__http_response_head *response, char *data)
{
	if (!response->has_fold)
		return;
	for (unsigned i = 0; i < response->head.field_count; i++) {
		struct weft__http_place value = response->head.fields[i].value;

		for (size_t at = value.at; at < (size_t)value.at + value.len; at++)
			if (data[at] == '\r' || data[at] == '\n')
				data[at] = ' ';
	}
}

enum weft__http_framing weft__http_response_framing(
	const struct weft__http_response_head *response, bool is_to_head)
{
	unsigned status = response->status;

	/* Here the fields say what a GET would have got, or nothing: RFC 9112, section 6.3. */
	if (is_to_head || status < 200 || status == 204 || status == 304)
		return WEFT__HTTP_NO_BODY;
	if (response->head.is_chunked)
		return WEFT__HTTP_BY_CHUNKS;
	return response->head.has_length ? WEFT__HTTP_BY_LENGTH : WEFT__HTTP_BY_CLOSE;
}

struct weft_http_text weft__http_response_find(
	const struct weft__http_response_head *response, const char *data, const char *name)
{
	const struct weft__http_head *head = &response->head;
	size_t len = strlen(name);

	for (unsigned i = 0; i < head->field_count; i++) {
		const struct weft__http_field *field = &head->fields[i];

		if (field->name.len == len && strncasecmp(data + field->name.at, name, len) == 0)
			return weft__http_place_text(data, field->value);
	}
	return (struct weft_http_text){NULL, 0};
}
