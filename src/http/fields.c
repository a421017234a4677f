/*
 * fields.c - what header fields mean for the connection: host, framing, persistence.
 *
 * Entry points: weft__http_take_field(), for each field of a request as it comes, and
 * weft__http_take_fields_end(), when all are there; weft__http_take_response_fields().
 *
 * Framing (RFC 9112, section 6.3) is where smuggling begins: two programs that
 * disagree where a body ends see different requests. So there is one length, said
 * once, in digits; or one coding, "chunked", said once; never both.
 *
 * Never: forgives a framing field that could be read in two ways.
 */
#include "http/parse.h"

#include "http/chars.h"

/* The one or two known fields of each length, which tells most names apart by itself. */
static const struct {
	const char *name; /* in lower case */
	enum weft__http_known known;
} known_fields[][2] = {
	[4] = {{"host", WEFT__HTTP_HOST_FIELD}},
	[5] = {{"range", WEFT__HTTP_RANGE}},
	[6] = {{"expect", WEFT__HTTP_EXPECT}},
	[7] = {{"referer", WEFT__HTTP_REFERER}},
	[8] = {{"if-match", WEFT__HTTP_IF_MATCH}, {"if-range", WEFT__HTTP_IF_RANGE}},
	[10] = {{"connection", WEFT__HTTP_CONNECTION}, {"user-agent", WEFT__HTTP_USER_AGENT}},
	[13] = {{"if-none-match", WEFT__HTTP_IF_NONE_MATCH}},
	[14] = {{"content-length", WEFT__HTTP_CONTENT_LENGTH}},
	[17] = {{"if-modified-since", WEFT__HTTP_IF_MODIFIED_SINCE},
		{"transfer-encoding", WEFT__HTTP_TRANSFER_ENCODING}},
	[19] = {{"if-unmodified-since", WEFT__HTTP_IF_UNMODIFIED_SINCE}},
};

/*
 * Whether two names of one length, four at least, are the same but for case. A token's bytes
 * are no controls, and known names are of letters and hyphens: there bit 0x20 is the case's.
 */
static bool is_same_name(const char *name, const char *known, size_t len)
{
	const uint32_t lower = 0x20202020;

	for (size_t at = 0; at < len; at += sizeof(uint32_t)) {
		uint32_t is, should;

		if (at + sizeof(is) > len)
			at = len - sizeof(is);
		memcpy(&is, name + at, sizeof(is));
		memcpy(&should, known + at, sizeof(should));
		if ((is | lower) != should)
			return false;
	}
	return true;
}

/* Which known field it is, or WEFT__HTTP_KNOWN_COUNT. */
static enum weft__http_known find_known(const char *name, size_t len)
{
	if (len >= sizeof(known_fields) / sizeof(known_fields[0]))
		return WEFT__HTTP_KNOWN_COUNT;
	for (size_t i = 0; i < 2 && known_fields[len][i].name; i++)
		if (is_same_name(name, known_fields[len][i].name, len))
			return known_fields[len][i].known;
	return WEFT__HTTP_KNOWN_COUNT;
}

/* ---- One field ------------------------------------------------------------------------- */

static enum weft__http_fault take_host(struct weft__http_head *head, const char *value,
	struct weft__http_place place, bool is_first)
{
	if (!is_first)
		return WEFT__HTTP_FAULT_HOST_TWICE;
	/* An empty one is what a target without an authority has: RFC 9110, section 7.2. */
	if (place.len > 0 && !weft__http_is_host(value, place.len))
		return WEFT__HTTP_FAULT_HOST;
	if (!head->target_has_host)
		head->host = place;
	return WEFT__HTTP_FAULT_NONE;
}

/* Digits and nothing else. False: there are others, none, or too many. */
static inline bool read_length(const char *value, size_t len, int64_t *ret_length)
{
	int64_t length = 0;

	for (size_t i = 0; i < len; i++) {
		if (!weft__http_is(value[i], WEFT__HTTP_DIGIT) ||
			__builtin_mul_overflow(length, 10, &length) ||
			__builtin_add_overflow(length, value[i] - '0', &length))
			return false;
	}
	*ret_length = length;
	return len > 0;
}

static enum weft__http_fault take_length(
	struct weft__http_head *head, const char *value, size_t len, bool is_first)
{
	if (!is_first)
		return WEFT__HTTP_FAULT_LENGTH_TWICE;
	if (!read_length(value, len, &head->content_length))
		return WEFT__HTTP_FAULT_LENGTH;
	head->has_length = true;
	return WEFT__HTTP_FAULT_NONE;
}

/* RFC 9112, section 6.1. Only "chunked" is taken; other codings are none of ours to undo. */
static enum weft__http_fault take_coding(
	struct weft__http_head *head, const char *value, size_t len, bool is_first)
{
	size_t last = len;

	if (!is_first)
		return WEFT__HTTP_FAULT_CODING_TWICE;
	if (weft__http_equal_nocase(value, len, "chunked")) {
		head->is_chunked = true;
		return WEFT__HTTP_FAULT_NONE;
	}
	while (last > 0 && value[last - 1] != ',' && value[last - 1] != ' ' &&
		value[last - 1] != '\t')
		last--;
	if (last == 0 || !weft__http_equal_nocase(value + last, len - last, "chunked"))
		return WEFT__HTTP_FAULT_CODING;
	return WEFT__HTTP_FAULT_CODING_UNKNOWN;
}

/* A list of tokens, of which only two mean something here: RFC 9112, section 9.3. */
static void take_connection(struct weft__http_head *head, const char *value, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t token = weft__http_span(value + at, len - at, WEFT__HTTP_TOKEN);

		if (weft__http_equal_nocase(value + at, token, "close"))
			head->wants_close = true;
		else if (weft__http_equal_nocase(value + at, token, "keep-alive"))
			head->wants_keep_alive = true;
		at += token ? token : 1;
	}
}

enum weft__http_fault weft__http_take_field(struct weft__http_head *head, const char *data)
{
	const struct weft__http_field *field = &head->fields[head->field_count - 1];
	enum weft__http_known known = find_known(data + field->name.at, field->name.len);
	const char *value = data + field->value.at;
	bool is_first;

	if (known == WEFT__HTTP_KNOWN_COUNT)
		return WEFT__HTTP_FAULT_NONE;
	is_first = head->known[known] == 0;
	if (is_first)
		head->known[known] = head->field_count;
	switch (known) {
	case WEFT__HTTP_HOST_FIELD:
		return take_host(head, value, field->value, is_first);
	case WEFT__HTTP_CONTENT_LENGTH:
		return take_length(head, value, field->value.len, is_first);
	case WEFT__HTTP_TRANSFER_ENCODING:
		return take_coding(head, value, field->value.len, is_first);
	case WEFT__HTTP_CONNECTION:
		take_connection(head, value, field->value.len);
		return WEFT__HTTP_FAULT_NONE;
	case WEFT__HTTP_EXPECT:
		/* RFC 9110, section 10.1.1; HTTP/1.0 peers can't mean it. */
		if (!weft__http_equal_nocase(value, field->value.len, "100-continue"))
			return WEFT__HTTP_FAULT_EXPECT;
		head->expects_continue = head->minor_version > 0;
		return WEFT__HTTP_FAULT_NONE;
	default:
		return WEFT__HTTP_FAULT_NONE;
	}
}

/* ---- All of them ------------------------------------------------------------------------- */

enum weft__http_fault weft__http_take_fields_end(struct weft__http_head *head)
{
	if (head->minor_version > 0 && !head->known[WEFT__HTTP_HOST_FIELD])
		return WEFT__HTTP_FAULT_HOST_MISSING;
	if (head->is_chunked && head->has_length)
		return WEFT__HTTP_FAULT_LENGTH_AND_CODING;
	if (head->is_chunked && head->minor_version == 0)
		return WEFT__HTTP_FAULT_CODING_OLD;
	head->keeps_alive =
		!head->wants_close && (head->minor_version > 0 || head->wants_keep_alive);
	return WEFT__HTTP_FAULT_NONE;
}

/* ---- Of responses ------------------------------------------------------------------------- */

/* RFC 9112, section 6.3: a list, or several fields, that say one number are taken as that. */
static enum weft__http_fault take_lengths(
	struct weft__http_head *head, const char *value, size_t len)
{
	size_t at = 0, to;
	int64_t length;

	do {
		const char *comma = memchr(value + at, ',', len - at);
		size_t next = comma ? (size_t)(comma - value) : len;

		for (to = next; to > at && (value[to - 1] == ' ' || value[to - 1] == '\t'); to--)
			continue;
		while (at < to && (value[at] == ' ' || value[at] == '\t'))
			at++;
		if (!read_length(value + at, to - at, &length))
			return WEFT__HTTP_FAULT_LENGTH;
		if (head->has_length && length != head->content_length)
			return WEFT__HTTP_FAULT_LENGTH_DIFFERS;
		head->content_length = length;
		head->has_length = true;
		at = next + 1;
	} while (at <= len);
	return WEFT__HTTP_FAULT_NONE;
}

static enum weft__http_fault take_response_field(
	struct weft__http_head *head, const char *data, const struct weft__http_field *field)
{
	const char *name = data + field->name.at, *value = data + field->value.at;
	size_t len = field->value.len;

	if (weft__http_equal_nocase(name, field->name.len, "content-length"))
		return take_lengths(head, value, len);
	if (weft__http_equal_nocase(name, field->name.len, "transfer-encoding"))
		return take_coding(head, value, len, !head->is_chunked);
	if (weft__http_equal_nocase(name, field->name.len, "connection"))
		take_connection(head, value, len);
	return WEFT__HTTP_FAULT_NONE;
}

enum weft__http_fault weft__http_take_response_fields(
	struct weft__http_head *head, const char *data)
{
	for (unsigned i = 0; i < head->field_count; i++) {
		enum weft__http_fault fault = take_response_field(head, data, &head->fields[i]);

		if (fault)
			return fault;
	}
	if (head->is_chunked && head->has_length)
		return WEFT__HTTP_FAULT_LENGTH_AND_CODING;
	if (head->is_chunked && head->minor_version == 0)
		return WEFT__HTTP_FAULT_CODING_OLD;
	head->keeps_alive =
		!head->wants_close && (head->minor_version > 0 || head->wants_keep_alive);
	return WEFT__HTTP_FAULT_NONE;
}
