/*
 * test_parse_response.c - tests src/http/parse_response.c: good heads, hostile ones, every cut.
 */
#include "check.h"

#include "http/parse_response.h"

static struct weft__http_response_head response;
static char big[WEFT__HTTP_HEAD_MAX + 64];

static enum weft__http_parse_result parse(const char *text, size_t len)
{
	weft__http_response_head_reset(&response);
	return weft__http_parse_response(&response, text, len);
}

static bool place_is(const char *text, struct weft__http_place place, const char *expected)
{
	return place.len == strlen(expected) && memcmp(text + place.at, expected, place.len) == 0;
}

static bool text_is(struct weft_http_text text, const char *expected)
{
	return text.len == strlen(expected) && memcmp(text.data, expected, text.len) == 0;
}

/* ---- Good heads --------------------------------------------------------------------- */

CHECK_CASE(a_servers_response_is_taken_apart)
{
	const char *text = "HTTP/1.1 404 Not \xc3\xa0 Found\r\n"
			   "Content-Type:text/html\r\n"
			   "X-Empty:\r\n"
			   "content-LENGTH: \t12 \r\n"
			   "\r\nrest";

	CHECK_INT(parse(text, strlen(text)), ==, WEFT__HTTP_DONE);
	CHECK_INT(response.status, ==, 404);
	CHECK(place_is(text, response.reason, "Not \xc3\xa0 Found"));
	CHECK_INT(response.head.len, ==, strlen(text) - 4);
	CHECK_INT(response.head.minor_version, ==, 1);
	CHECK_INT(response.head.field_count, ==, 3);
	CHECK(response.head.keeps_alive);
	CHECK_INT(response.head.content_length, ==, 12);
	CHECK(text_is(weft__http_response_find(&response, text, "CONTENT-type"), "text/html"));
	CHECK(text_is(weft__http_response_find(&response, text, "x-empty"), ""));
	CHECK(!weft__http_response_find(&response, text, "X-Emptyy").data);
}

CHECK_CASE(status_lines_are_read_with_and_without_a_reason)
{
	static const struct {
		const char *text;
		unsigned status, minor_version;
		const char *reason;
	} lines[] = {
		{"HTTP/1.1 200 OK\r\n\r\n", 200, 1, "OK"},
		{"HTTP/1.1 200 \r\n\r\n", 200, 1, ""},
		{"HTTP/1.1 200\r\n\r\n", 200, 1, ""},
		{"HTTP/1.0 100 x\r\n\r\n", 100, 0, "x"},
		{"HTTP/1.9 999 \t \r\n\r\n", 999, 1, "\t "},
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		CHECK_INT(parse(lines[i].text, strlen(lines[i].text)), ==, WEFT__HTTP_DONE);
		CHECK_INT(response.status, ==, lines[i].status);
		CHECK_INT(response.head.minor_version, ==, lines[i].minor_version);
		CHECK(place_is(lines[i].text, response.reason, lines[i].reason));
	}
}

CHECK_CASE(persistence_follows_version_and_connection)
{
	static const struct {
		const char *text;
		bool keeps_alive;
	} heads[] = {
		{"HTTP/1.1 200 OK\r\n\r\n", true},
		{"HTTP/1.1 200 OK\r\nConnection: x, Close\r\n\r\n", false},
		{"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false},
		{"HTTP/1.0 200 OK\r\n\r\n", false},
		{"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n", true},
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		CHECK_INT(parse(heads[i].text, strlen(heads[i].text)), ==, WEFT__HTTP_DONE);
		CHECK_INT(response.head.keeps_alive, ==, heads[i].keeps_alive);
	}
}

CHECK_CASE(the_body_ends_as_rfc_9112_section_6_3_says)
{
	static const struct {
		const char *head;
		enum weft__http_framing framing, to_head;
	} cases[] = {
		{"200 OK\r\n\r\n", WEFT__HTTP_BY_CLOSE, WEFT__HTTP_NO_BODY},
		{"200 OK\r\nContent-Length: 0\r\n\r\n", WEFT__HTTP_BY_LENGTH, WEFT__HTTP_NO_BODY},
		{"500 No\r\nContent-Length: 7\r\n\r\n", WEFT__HTTP_BY_LENGTH, WEFT__HTTP_NO_BODY},
		{"200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", WEFT__HTTP_BY_CHUNKS,
			WEFT__HTTP_NO_BODY},
		{"100 Continue\r\nContent-Length: 7\r\n\r\n", WEFT__HTTP_NO_BODY,
			WEFT__HTTP_NO_BODY},
		{"199 ?\r\nTransfer-Encoding: chunked\r\n\r\n", WEFT__HTTP_NO_BODY,
			WEFT__HTTP_NO_BODY},
		{"204 No\r\nContent-Length: 7\r\n\r\n", WEFT__HTTP_NO_BODY, WEFT__HTTP_NO_BODY},
		{"304 No\r\nContent-Length: 7\r\n\r\n", WEFT__HTTP_NO_BODY, WEFT__HTTP_NO_BODY},
		{"205 Reset\r\n\r\n", WEFT__HTTP_BY_CLOSE, WEFT__HTTP_NO_BODY},
	};
	char text[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "HTTP/1.1 %s", cases[i].head);
		CHECK_INT(parse(text, strlen(text)), ==, WEFT__HTTP_DONE);
		CHECK_INT(weft__http_response_framing(&response, false), ==, cases[i].framing);
		CHECK_INT(weft__http_response_framing(&response, true), ==, cases[i].to_head);
	}
}

CHECK_CASE(a_length_that_is_said_twice_alike_is_one)
{
	static const char *const heads[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5,5 \t,\t 05\r\nContent-Length: 5\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		CHECK_INT(parse(heads[i], strlen(heads[i])), ==, WEFT__HTTP_DONE);
		CHECK_INT(response.head.content_length, ==, 5);
	}
}

CHECK_CASE(a_folded_field_is_one_line)
{
	char text[] = "HTTP/1.1 200 OK\r\nA: one \r\n \t two\r\n\t\r\n  three \r\nB:\r\n b\r\n\r\n";

	CHECK_INT(parse(text, strlen(text)), ==, WEFT__HTTP_DONE);
	CHECK_INT(response.head.field_count, ==, 2);
	weft__http_response_unfold(&response, text);
	CHECK(text_is(
		weft__http_response_find(&response, text, "a"), "one    \t two  \t    three"));
	CHECK(text_is(weft__http_response_find(&response, text, "b"), "b"));
}

/* ---- Hostile ones ------------------------------------------------------------------- */

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
	const char *text;
	enum weft__http_fault fault;
} hostile[] = {
	/* No HTTP/1 at all. */
	{"\r\nHTTP/1.1 200 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{" HTTP/1.1 200 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"<html>hello</html>", WEFT__HTTP_FAULT_STATUS_LINE},
	{"SSH-2.0-OpenSSH_9.2\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"ICY 200 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"http/1.1 200 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/2.0 200 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/0.9 200 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/11.1 200 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/1.10 200 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/1. 200 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/1.1\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"\x15\x03\x01", WEFT__HTTP_FAULT_STATUS_LINE},
	/* Statuses. */
	{"HTTP/1.1  200 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/1.1\t200 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/1.1 20 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/1.1 20\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/1.1 2000 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/1.1 099 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/1.1 +20 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/1.1 2 0 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/1.1 0x2 OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/1.1 200OK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/1.1 200 O\x01K\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	{"HTTP/1.1 200 O\rK\r\n\r\n", WEFT__HTTP_FAULT_STATUS_LINE},
	/* Lines. */
	{"HTTP/1.1 200 OK\n\n", WEFT__HTTP_FAULT_LINE_END},
	{OK "A: b\n\r\n", WEFT__HTTP_FAULT_LINE_END},
	{OK "A: b\r\n\n", WEFT__HTTP_FAULT_LINE_END},
	{OK "A: b\rC: d\r\n\r\n", WEFT__HTTP_FAULT_FIELD_VALUE},
	{OK "A: b\x7f\r\n\r\n", WEFT__HTTP_FAULT_FIELD_VALUE},
	{OK "A : b\r\n\r\n", WEFT__HTTP_FAULT_FIELD_NAME},
	{OK ": b\r\n\r\n", WEFT__HTTP_FAULT_FIELD_NAME},
	{OK "A\r\n\r\n", WEFT__HTTP_FAULT_FIELD_NAME},
	{OK "A B: c\r\n\r\n", WEFT__HTTP_FAULT_FIELD_NAME},
	{OK " A: b\r\n\r\n", WEFT__HTTP_FAULT_FOLD},
	{OK "A: b\r\n c\rd\r\n\r\n", WEFT__HTTP_FAULT_FIELD_VALUE},
	/* Framing. */
	{OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", WEFT__HTTP_FAULT_LENGTH_DIFFERS},
	{OK "Content-Length: 5, 6\r\n\r\n", WEFT__HTTP_FAULT_LENGTH_DIFFERS},
	{OK "Content-Length: 5,\r\n\r\n", WEFT__HTTP_FAULT_LENGTH},
	{OK "Content-Length: ,5\r\n\r\n", WEFT__HTTP_FAULT_LENGTH},
	{OK "Content-Length: 5 5\r\n\r\n", WEFT__HTTP_FAULT_LENGTH},
	{OK "Content-Length:\r\n\r\n", WEFT__HTTP_FAULT_LENGTH},
	{OK "Content-Length: +5\r\n\r\n", WEFT__HTTP_FAULT_LENGTH},
	{OK "Content-Length: -5\r\n\r\n", WEFT__HTTP_FAULT_LENGTH},
	{OK "Content-Length: 0x5\r\n\r\n", WEFT__HTTP_FAULT_LENGTH},
	{OK "Content-Length: 9223372036854775808\r\n\r\n", WEFT__HTTP_FAULT_LENGTH},
	{OK "Content-Length: 1\r\n 0\r\n\r\n", WEFT__HTTP_FAULT_LENGTH},
	{OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		WEFT__HTTP_FAULT_LENGTH_AND_CODING},
	{OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
		WEFT__HTTP_FAULT_LENGTH_AND_CODING},
	{OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
		WEFT__HTTP_FAULT_CODING_TWICE},
	{OK "Transfer-Encoding: gzip, chunked\r\n\r\n", WEFT__HTTP_FAULT_CODING_UNKNOWN},
	{OK "Transfer-Encoding: chunked, gzip\r\n\r\n", WEFT__HTTP_FAULT_CODING},
	{OK "Transfer-Encoding: identity\r\n\r\n", WEFT__HTTP_FAULT_CODING},
	{OK "Transfer-Encoding: xchunked\r\n\r\n", WEFT__HTTP_FAULT_CODING},
	{OK "Transfer-Encoding: chun\r\n ked\r\n\r\n", WEFT__HTTP_FAULT_CODING},
	{OK "Transfer-Encoding:\r\n\r\n", WEFT__HTTP_FAULT_CODING},
	{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", WEFT__HTTP_FAULT_CODING_OLD},
};

#define HOSTILE_COUNT (sizeof(hostile) / sizeof(hostile[0]))

CHECK_CASE(hostile_heads_are_refused_and_the_fault_says_why)
{
	for (size_t i = 0; i < HOSTILE_COUNT; i++) {
		enum weft__http_parse_result result =
			parse(hostile[i].text, strlen(hostile[i].text));

		if (result != WEFT__HTTP_BAD || response.head.fault != hostile[i].fault)
			check_fail(__FILE__, __LINE__, "\"%s\": %d, fault %d", hostile[i].text,
				result, response.head.fault);
		CHECK(weft__http_fault_text(response.head.fault)[0] != '\0');
		/* It stays so, whatever comes. */
		CHECK_INT(weft__http_parse_response(&response, OK "\r\n", 19), ==, WEFT__HTTP_BAD);
	}
}

CHECK_CASE(a_nul_is_refused_wherever_it_stands)
{
	const char *text = OK "Name: value\r\n\r\n";
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		memcpy(big, text, len);
		big[i] = '\0';
		CHECK_INT(parse(big, len), !=, WEFT__HTTP_DONE);
	}
}

static size_t make_long_head(size_t len)
{
	size_t at = (size_t)snprintf(big, sizeof(big), OK "X: ");

	memset(big + at, 'b', len - at - 4);
	memcpy(big + len - 4, "\r\n\r\n", 4);
	return len;
}

CHECK_CASE(a_head_may_have_16384_bytes_and_no_more)
{
	size_t len = make_long_head(WEFT__HTTP_HEAD_MAX);

	CHECK_INT(parse(big, len), ==, WEFT__HTTP_DONE);
	len = make_long_head(WEFT__HTTP_HEAD_MAX + 1);
	CHECK_INT(parse(big, len), ==, WEFT__HTTP_BAD);
	CHECK_INT(response.head.fault, ==, WEFT__HTTP_FAULT_HEAD_LONG);
}

CHECK_CASE(a_head_may_have_100_fields_and_no_more)
{
	size_t len = (size_t)snprintf(big, sizeof(big), OK);

	for (unsigned i = 0; i < WEFT__HTTP_FIELDS_MAX; i++)
		len += (size_t)snprintf(big + len, sizeof(big) - len, "X: %u\r\n", i);
	memcpy(big + len, "\r\n", 3);
	CHECK_INT(parse(big, len + 2), ==, WEFT__HTTP_DONE);
	memcpy(big + len, "Y: z\r\n\r\n", 9);
	CHECK_INT(parse(big, len + 8), ==, WEFT__HTTP_BAD);
	CHECK_INT(response.head.fault, ==, WEFT__HTTP_FAULT_FIELDS_MANY);
}

/* ---- Cuts --------------------------------------------------------------------------- */

/* Feed text in two parts, at a new address each, and compare with the verdict on the whole. */
static void check_cut(const char *text, size_t len, size_t first)
{
	static struct weft__http_response_head cut;
	enum weft__http_parse_result result, whole = parse(text, len);
	char *copy = malloc(first ? first : 1);

	weft__http_response_head_reset(&cut);
	memcpy(copy, text, first);
	result = weft__http_parse_response(&cut, copy, first);
	free(copy);
	if (result == WEFT__HTTP_MORE)
		result = weft__http_parse_response(&cut, text, len);
	if (result != whole || cut.head.fault != response.head.fault)
		check_fail(__FILE__, __LINE__, "\"%.80s\" cut at %zu: %d, fault %d; whole: %d, %d",
			text, first, result, cut.head.fault, whole, response.head.fault);
	if (whole != WEFT__HTTP_DONE)
		return;
	CHECK_INT(cut.status, ==, response.status);
	CHECK_INT(cut.reason.len, ==, response.reason.len);
	CHECK_MEM(&cut.head, &response.head, offsetof(struct weft__http_head, fields));
	CHECK_MEM(cut.head.fields, response.head.fields,
		cut.head.field_count * sizeof(cut.head.fields[0]));
}

CHECK_CASE(no_cut_changes_the_verdict)
{
	const char *good = "HTTP/1.0 301 Moved\r\nLocation: /a\r\n b\r\nConnection: keep-alive\r\n"
			   "Content-Length: 5\r\n\r\nhello";
	size_t len;

	for (size_t first = 0; first <= strlen(good); first++)
		check_cut(good, strlen(good), first);
	for (size_t i = 0; i < HOSTILE_COUNT; i++)
		for (size_t first = 0; first <= strlen(hostile[i].text); first++)
			check_cut(hostile[i].text, strlen(hostile[i].text), first);
	for (size_t more = 0; more < 3; more++) {
		len = make_long_head(WEFT__HTTP_HEAD_MAX - 1 + more);
		for (size_t first = len - 20; first <= len; first++)
			check_cut(big, len, first);
	}
}

CHECK_MAIN()
