/*
 * parse.h - the parser of request heads (RFC 9112, sections 2, 3, 5 and 6).
 *
 * It is fed with everything that has come since the head's first byte, as often as
 * more has come, and takes each line once. It copies nothing: the head holds places
 * (offsets from its first byte), so the bytes may move between two calls, and must
 * stay as long as somebody looks at the places.
 *
 *	weft__http_head_reset(&head);
 *	while (weft__http_parse(&head, data, len) == WEFT__HTTP_MORE)
 *		... let data and len grow ...
 *
 * It is strict: what two HTTP programs could read in two ways is refused, because
 * that is what request smuggling lives on. The result never depends on how the
 * bytes were cut into reads.
 */
#ifndef WEFT_SRC_HTTP_PARSE_H
#define WEFT_SRC_HTTP_PARSE_H

#include "http/chars.h"
#include "http/limits.h"
#include "weft/http.h"

enum weft__http_parse_result {
	WEFT__HTTP_MORE, /* the head is not complete */
	WEFT__HTTP_DONE, /* all of it is good; head->len bytes long */
	WEFT__HTTP_BAD,  /* head->fault says why */
};

/** Why a head is refused. weft__http_fault_status() and _text() say it to the peer. */
enum weft__http_fault {
	WEFT__HTTP_FAULT_NONE,
	WEFT__HTTP_FAULT_METHOD,
	WEFT__HTTP_FAULT_REQUEST_LINE,
	WEFT__HTTP_FAULT_TARGET,
	WEFT__HTTP_FAULT_TARGET_FORM,
	WEFT__HTTP_FAULT_LINE_END,
	WEFT__HTTP_FAULT_VERSION,
	WEFT__HTTP_FAULT_VERSION_UNKNOWN,
	WEFT__HTTP_FAULT_REQUEST_LINE_LONG,
	WEFT__HTTP_FAULT_HEAD_LONG,
	WEFT__HTTP_FAULT_FIELDS_MANY,
	WEFT__HTTP_FAULT_FIELD_NAME,
	WEFT__HTTP_FAULT_FIELD_VALUE,
	WEFT__HTTP_FAULT_FOLD,
	WEFT__HTTP_FAULT_HOST_MISSING,
	WEFT__HTTP_FAULT_HOST_TWICE,
	WEFT__HTTP_FAULT_HOST,
	WEFT__HTTP_FAULT_LENGTH,
	WEFT__HTTP_FAULT_LENGTH_TWICE,
	WEFT__HTTP_FAULT_LENGTH_AND_CODING,
	WEFT__HTTP_FAULT_CODING,
	WEFT__HTTP_FAULT_CODING_TWICE,
	WEFT__HTTP_FAULT_CODING_UNKNOWN,
	WEFT__HTTP_FAULT_CODING_OLD,
	WEFT__HTTP_FAULT_EXPECT,
	WEFT__HTTP_FAULT_STATUS_LINE, /* of responses only, as is the next */
	WEFT__HTTP_FAULT_LENGTH_DIFFERS,
	WEFT__HTTP_FAULT_COUNT_, /* how many there are */
};

/** Bytes of the head: len of them, from the head's first byte plus at. */
struct weft__http_place {
	uint16_t at, len;
};

struct weft__http_field {
	struct weft__http_place name, value;
};

/** Fields that the server itself looks for, found without a search. */
enum weft__http_known {
	WEFT__HTTP_HOST_FIELD,
	WEFT__HTTP_CONNECTION,
	WEFT__HTTP_CONTENT_LENGTH,
	WEFT__HTTP_TRANSFER_ENCODING,
	WEFT__HTTP_EXPECT,
	WEFT__HTTP_RANGE,
	WEFT__HTTP_IF_MATCH,
	WEFT__HTTP_IF_NONE_MATCH,
	WEFT__HTTP_IF_MODIFIED_SINCE,
	WEFT__HTTP_IF_UNMODIFIED_SINCE,
	WEFT__HTTP_IF_RANGE,
	WEFT__HTTP_USER_AGENT,
	WEFT__HTTP_REFERER,
	WEFT__HTTP_KNOWN_COUNT,
};

struct weft__http_head {
	/* What the peer wants. */
	enum weft_http_method method;
	struct weft__http_place line;        /* the whole request line, for the log */
	struct weft__http_place method_name; /* as it was sent */
	struct weft__http_place path;        /* begins with '/', still percent-encoded; or "*" */
	struct weft__http_place query;       /* after the '?'; empty without one */
	struct weft__http_place host;        /* with the port; empty when nobody said one */
	unsigned minor_version;              /* 0 or 1, of HTTP/1.x */

	/* How the connection goes on. */
	int64_t content_length; /* 0 when there is none */
	bool has_length;        /* a Content-Length was there */
	bool is_chunked;
	bool keeps_alive;      /* the peer wants another request on this connection */
	bool expects_continue; /* it waits for "100 Continue" before its body */

	size_t len; /* bytes of the whole head, once it is DONE */
	enum weft__http_fault fault;

	/* Where the parser stands. */
	uint32_t line_at; /* first byte of the line that is not taken yet */
	uint32_t scanned; /* no line feed between line_at and here */
	bool has_request_line;
	bool target_has_host; /* absolute form: it overrides the Host field */
	bool wants_close, wants_keep_alive;

	uint8_t known[WEFT__HTTP_KNOWN_COUNT]; /* 1 + index of the first such field; 0: none */
	uint8_t field_count;
	struct weft__http_field fields[WEFT__HTTP_FIELDS_MAX];
};

/** Begin a new head. */
void weft__http_head_reset(struct weft__http_head *head);

/** Take what is new in data[0..len), which begins with the head's first byte. */
enum weft__http_parse_result weft__http_parse(
	struct weft__http_head *head, const char *data, size_t len);

/** The status to answer a fault with, and a sentence for a person. */
int weft__http_fault_status(enum weft__http_fault fault);
const char *weft__http_fault_text(enum weft__http_fault fault);

/** The method of that name; WEFT_HTTP_OTHER for one that weft doesn't know. */
enum weft_http_method weft__http_method_find(const char *name, size_t len);

/** The name of a method that weft knows, such as "GET". */
const char *weft__http_method_name(enum weft_http_method method);

/** The bytes of a place in the head that begins at data. */
static inline struct weft_http_text weft__http_place_text(
	const char *data, struct weft__http_place place)
{
	return (struct weft_http_text){data + place.at, place.len};
}

/** The first field known as such; data is NULL when there is none. */
static inline struct weft_http_text weft__http_head_known(
	const struct weft__http_head *head, const char *data, enum weft__http_known known)
{
	if (!head->known[known])
		return (struct weft_http_text){NULL, 0};
	return weft__http_place_text(data, head->fields[head->known[known] - 1].value);
}

/** Whether it asks for a part, or under a condition. */
static inline bool weft__http_head_is_conditional(const struct weft__http_head *head)
{
	static const uint8_t none[WEFT__HTTP_IF_RANGE - WEFT__HTTP_RANGE + 1];

	return memcmp(&head->known[WEFT__HTTP_RANGE], none, sizeof(none)) != 0;
}

/* ---- Between the parser's own files --------------------------------------------- */

/** target.c: take the target that stands at place apart. */
enum weft__http_fault weft__http_parse_target(
	struct weft__http_head *head, const char *data, struct weft__http_place target);

/** target.c: whether it is a good Host value: a name or address, with or without a port. */
bool weft__http_is_host(const char *host, size_t len);

/** fields.c: take what the last field of head means for the connection. */
enum weft__http_fault weft__http_take_field(struct weft__http_head *head, const char *data);

/** fields.c: when all fields are there: what they mean together. */
enum weft__http_fault weft__http_take_fields_end(struct weft__http_head *head);

/** fields.c: what all fields of a response mean for the connection. */
enum weft__http_fault weft__http_take_response_fields(
	struct weft__http_head *head, const char *data);

/**
 * Take the line at head->line_at, of line_len bytes, as one more field: name ":" OWS value
 * OWS, without a space before the colon (RFC 9112, section 5).
 */
static inline enum weft__http_fault weft__http_split_field(
	struct weft__http_head *head, const char *data, size_t line_len)
{
	const char *line = data + head->line_at;
	struct weft__http_field *field;
	size_t name_len, from, to;

	if (line[0] == ' ' || line[0] == '\t')
		return WEFT__HTTP_FAULT_FOLD;
	if (head->field_count == WEFT__HTTP_FIELDS_MAX)
		return WEFT__HTTP_FAULT_FIELDS_MANY;
	name_len = weft__http_span(line, line_len, WEFT__HTTP_TOKEN);
	if (name_len == 0 || name_len == line_len || line[name_len] != ':')
		return WEFT__HTTP_FAULT_FIELD_NAME;
	from = name_len + 1;
	to = line_len;
	while (from < to && (line[from] == ' ' || line[from] == '\t'))
		from++;
	while (to > from && (line[to - 1] == ' ' || line[to - 1] == '\t'))
		to--;
	if (!weft__http_is_field_value(line + from, to - from))
		return WEFT__HTTP_FAULT_FIELD_VALUE;
	field = &head->fields[head->field_count++];
	field->name = (struct weft__http_place){(uint16_t)head->line_at, (uint16_t)name_len};
	field->value.at = (uint16_t)(head->line_at + from);
	field->value.len = (uint16_t)(to - from);
	return WEFT__HTTP_FAULT_NONE;
}

#endif
