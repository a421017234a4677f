/*
 * test_parse.c - tests src/http/parse.c, target.c and fields.c: good heads, hostile ones, every
 * split.
 */
#include "check.h"

#include "http/parse.h"

#define HOST "Host: a\r\n"

static struct weft__http_head head;

static enum weft__http_parse_result parse_text(const char *text)
{
	weft__http_head_reset(&head);
	return weft__http_parse(&head, text, strlen(text));
}

static bool place_is(const char *text, struct weft__http_place place, const char *expected)
{
	return place.len == strlen(expected) && memcmp(text + place.at, expected, place.len) == 0;
}

/* ---- Good heads ------------------------------------------------------------------- */

CHECK_CASE(a_browsers_request_is_taken_apart)
{
	const char *text = "GET /a%20b/c?x=1&y HTTP/1.1\r\n"
			   "Host: example.org:8080\r\n"
			   "User-Agent: Test/1.0 (X; Y)\r\n"
			   "accept:*/*\r\n"
			   "X-Empty:\r\n"
			   "X-Spaces: \t a b \t\r\n"
			   "\r\nrest";

	CHECK_INT(parse_text(text), ==, WEFT__HTTP_DONE);
	CHECK_INT(head.method, ==, WEFT_HTTP_GET);
	CHECK_INT(head.minor_version, ==, 1);
	CHECK_INT(head.len, ==, strlen(text) - 4);
	CHECK(place_is(text, head.line, "GET /a%20b/c?x=1&y HTTP/1.1"));
	CHECK(place_is(text, head.path, "/a%20b/c"));
	CHECK(place_is(text, head.query, "x=1&y"));
	CHECK(place_is(text, head.host, "example.org:8080"));
	CHECK_INT(head.field_count, ==, 5);
	CHECK(place_is(text, head.fields[2].name, "accept"));
	CHECK(place_is(text, head.fields[2].value, "*/*"));
	CHECK(place_is(text, head.fields[3].value, ""));
	CHECK(place_is(text, head.fields[4].value, "a b"));
	CHECK_INT(weft__http_head_known(&head, text, WEFT__HTTP_USER_AGENT).len, ==, 15);
	CHECK(!weft__http_head_known(&head, text, WEFT__HTTP_RANGE).data);
	CHECK(head.keeps_alive);
	CHECK(!head.is_chunked);
	CHECK_INT(head.content_length, ==, 0);
}

CHECK_CASE(methods_are_known_in_capitals_only)
{
	static const struct {
		const char *name;
		enum weft_http_method method;
	} known[] = {
		{"GET", WEFT_HTTP_GET},
		{"HEAD", WEFT_HTTP_HEAD},
		{"POST", WEFT_HTTP_POST},
		{"PUT", WEFT_HTTP_PUT},
		{"DELETE", WEFT_HTTP_DELETE},
		{"OPTIONS", WEFT_HTTP_OPTIONS},
		{"PATCH", WEFT_HTTP_PATCH},
		{"TRACE", WEFT_HTTP_TRACE},
		{"get", WEFT_HTTP_OTHER},
		{"GETS", WEFT_HTTP_OTHER},
		{"M-SEARCH", WEFT_HTTP_OTHER},
	};
	char text[64];

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		snprintf(text, sizeof(text), "%s / HTTP/1.1\r\n" HOST "\r\n", known[i].name);
		CHECK_INT(parse_text(text), ==, WEFT__HTTP_DONE);
		CHECK_INT(head.method, ==, known[i].method);
		CHECK(place_is(text, head.method_name, known[i].name));
	}
}

CHECK_CASE(all_target_forms_are_understood)
{
	static const struct {
		const char *line, *path, *query, *host;
	} forms[] = {
		{"GET / HTTP/1.1", "/", "", "a"},
		{"GET /? HTTP/1.1", "/", "", "a"},
		{"GET /?a?b HTTP/1.1", "/", "a?b", "a"},
		{"GET http://x.org/p?q HTTP/1.1", "/p", "q", "x.org"},
		{"GET HTTP://x.org:80 HTTP/1.1", "", "", "x.org:80"},
		{"GET https://[::1]:8/ HTTP/1.1", "/", "", "[::1]:8"},
		{"GET http://x.org?q HTTP/1.1", "", "q", "x.org"},
		{"OPTIONS * HTTP/1.1", "*", "", "a"},
		{"CONNECT x.org:443 HTTP/1.1", "", "", "x.org:443"},
		{"GET /\xc3\xa9 HTTP/1.1", "/\xc3\xa9", "", "a"},
	};
	char text[96];

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		snprintf(text, sizeof(text), "%s\r\n" HOST "\r\n", forms[i].line);
		CHECK_INT(parse_text(text), ==, WEFT__HTTP_DONE);
		CHECK(place_is(text, head.path, forms[i].path));
		CHECK(place_is(text, head.query, forms[i].query));
		CHECK(place_is(text, head.host, forms[i].host));
	}
}

CHECK_CASE(persistence_follows_version_and_connection)
{
	static const struct {
		const char *text;
		bool keeps_alive;
	} heads[] = {
		{"GET / HTTP/1.1\r\n" HOST "\r\n", true},
		{"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", false},
		{"GET / HTTP/1.1\r\n" HOST "Connection: x, CLOSE\r\n\r\n", false},
		{"GET / HTTP/1.1\r\n" HOST "Connection: keep-alive\r\nConnection: close\r\n\r\n",
			false},
		{"GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n", true},
		{"GET / HTTP/1.0\r\n\r\n", false},
		{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
		{"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
		{"GET / HTTP/1.9\r\n" HOST "\r\n", true},
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		CHECK_INT(parse_text(heads[i].text), ==, WEFT__HTTP_DONE);
		CHECK_INT(head.keeps_alive, ==, heads[i].keeps_alive);
	}
}

CHECK_CASE(framing_is_read)
{
	CHECK_INT(parse_text("POST / HTTP/1.1\r\n" HOST "Content-Length: 0042\r\n\r\n"), ==,
		WEFT__HTTP_DONE);
	CHECK_INT(head.content_length, ==, 42);
	CHECK(head.has_length);
	CHECK_INT(parse_text(
			  "POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807\r\n\r\n"),
		==, WEFT__HTTP_DONE);
	CHECK_INT(head.content_length, ==, INT64_MAX);
	CHECK_INT(parse_text("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"), ==,
		WEFT__HTTP_DONE);
	CHECK(head.is_chunked);
	CHECK_INT(parse_text("POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\n\r\n"), ==,
		WEFT__HTTP_DONE);
	CHECK(head.expects_continue);
}

CHECK_CASE(one_empty_line_before_a_request_is_forgiven)
{
	CHECK_INT(parse_text("\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), ==, WEFT__HTTP_DONE);
	CHECK_INT(head.len, ==, 2 + 16 + 9 + 2);
}

/* ---- Hostile heads ---------------------------------------------------------------------- */

struct hostile {
	const char *text;
	enum weft__http_fault fault;
};

#define GET    "GET / HTTP/1.1\r\n"
#define POST   "POST / HTTP/1.1\r\n" HOST
#define BAD(x) WEFT__HTTP_FAULT_##x

static const struct hostile hostile[] = {
	/* The request line. */
	{" GET / HTTP/1.1\r\n" HOST "\r\n", BAD(METHOD)},
	{"\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", BAD(METHOD)},
	{"\x16\x03\x01\x02", BAD(METHOD)}, /* the hello of TLS, at its first byte */
	{"\x80", BAD(METHOD)},
	{"GET\r\n\r\n", BAD(METHOD)},
	{"GET\t/ HTTP/1.1\r\n" HOST "\r\n", BAD(METHOD)},
	{"G(T / HTTP/1.1\r\n" HOST "\r\n", BAD(METHOD)},
	{"GET /\r\n\r\n", BAD(REQUEST_LINE)}, /* HTTP/0.9 */
	{"GET  / HTTP/1.1\r\n" HOST "\r\n", BAD(REQUEST_LINE)},
	{"GET / HTTP/1.1 \r\n" HOST "\r\n", BAD(VERSION)},
	{"GET /  HTTP/1.1\r\n" HOST "\r\n", BAD(VERSION)},
	{"GET /a b HTTP/1.1\r\n" HOST "\r\n", BAD(VERSION)},
	{"GET /a\tb HTTP/1.1\r\n" HOST "\r\n", BAD(TARGET)},
	{"GET /a#b HTTP/1.1\r\n" HOST "\r\n", BAD(TARGET)},
	{"GET /a\rb HTTP/1.1\r\n" HOST "\r\n", BAD(TARGET)},
	{"GET /a\x7f HTTP/1.1\r\n" HOST "\r\n", BAD(TARGET)},
	{"GET a HTTP/1.1\r\n" HOST "\r\n", BAD(TARGET_FORM)},
	{"GET * HTTP/1.1\r\n" HOST "\r\n", BAD(TARGET_FORM)},
	{"GET a:80 HTTP/1.1\r\n" HOST "\r\n", BAD(TARGET_FORM)},
	{"GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n", BAD(TARGET_FORM)},
	{"CONNECT /a HTTP/1.1\r\n" HOST "\r\n", BAD(TARGET_FORM)},
	{"GET http:/// HTTP/1.1\r\n" HOST "\r\n", BAD(HOST)},
	{"GET http://u@a/ HTTP/1.1\r\n" HOST "\r\n", BAD(HOST)},
	{"GET / http/1.1\r\n" HOST "\r\n", BAD(VERSION)},
	{"GET / HTTP/1.10\r\n" HOST "\r\n", BAD(VERSION)},
	{"GET / HTTP/11\r\n" HOST "\r\n", BAD(VERSION)},
	{"GET / HTTP/1,1\r\n" HOST "\r\n", BAD(VERSION)},
	{"GET / HTTP/2.0\r\n" HOST "\r\n", BAD(VERSION_UNKNOWN)},
	{"GET / HTTP/0.9\r\n" HOST "\r\n", BAD(VERSION_UNKNOWN)},
	{"PRI * HTTP/2.0\r\n\r\n", BAD(VERSION_UNKNOWN)},
	/* Line ends. */
	{"GET / HTTP/1.1\n" HOST "\r\n", BAD(LINE_END)},
	{GET "Host: a\n\r\n", BAD(LINE_END)},
	{GET HOST "\n", BAD(LINE_END)},
	{"\nGET / HTTP/1.1\r\n" HOST "\r\n", BAD(LINE_END)},
	{GET "Host: a\r\r\n\r\n", BAD(FIELD_VALUE)},
	{GET HOST "\r\r\n", BAD(FIELD_NAME)},
	/* Fields. */
	{GET HOST " folded\r\n\r\n", BAD(FOLD)},
	{GET HOST "\tfolded\r\n\r\n", BAD(FOLD)},
	{GET " Host: a\r\n\r\n", BAD(FOLD)},
	{GET "Host : a\r\n\r\n", BAD(FIELD_NAME)},
	{GET ": a\r\n\r\n", BAD(FIELD_NAME)},
	{GET HOST "no colon\r\n\r\n", BAD(FIELD_NAME)},
	{GET HOST "X\x01: a\r\n\r\n", BAD(FIELD_NAME)},
	{GET HOST "X(y): a\r\n\r\n", BAD(FIELD_NAME)},
	{GET HOST "X: a\rb\r\n\r\n", BAD(FIELD_VALUE)},
	{GET HOST "X: a\x7f\r\n\r\n", BAD(FIELD_VALUE)},
	{GET HOST "X: 123456789\x01zz\r\n\r\n", BAD(FIELD_VALUE)},
	/* Host. */
	{GET "\r\n", BAD(HOST_MISSING)},
	{GET HOST HOST "\r\n", BAD(HOST_TWICE)},
	{"GET http://b/ HTTP/1.1\r\n\r\n", BAD(HOST_MISSING)},
	{"GET http://b/ HTTP/1.1\r\nHost: a,b\r\n\r\n", BAD(HOST)},
	{GET "Host: a b\r\n\r\n", BAD(HOST)},
	{GET "Host: a,b\r\n\r\n", BAD(HOST)},
	{GET "Host: u@a\r\n\r\n", BAD(HOST)},
	{GET "Host: a/b\r\n\r\n", BAD(HOST)},
	{GET "Host: a:x\r\n\r\n", BAD(HOST)},
	{GET "Host: a:65536\r\n\r\n", BAD(HOST)},
	{GET "Host: a:-1\r\n\r\n", BAD(HOST)},
	{GET "Host: :80\r\n\r\n", BAD(HOST)},
	{GET "Host: [::1\r\n\r\n", BAD(HOST)},
	{GET "Host: []\r\n\r\n", BAD(HOST)},
	{GET "Host: [::1]x\r\n\r\n", BAD(HOST)},
	{GET "Host: a?\r\n\r\n", BAD(HOST)},
	/* Framing: where smuggling begins. */
	{POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", BAD(LENGTH_AND_CODING)},
	{POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", BAD(LENGTH_AND_CODING)},
	{POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", BAD(LENGTH_AND_CODING)},
	{POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", BAD(LENGTH_TWICE)},
	{POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", BAD(LENGTH_TWICE)},
	{POST "Content-Length: 1, 1\r\n\r\n", BAD(LENGTH)},
	{POST "Content-Length: +1\r\n\r\n", BAD(LENGTH)},
	{POST "Content-Length: -1\r\n\r\n", BAD(LENGTH)},
	{POST "Content-Length: 0x1\r\n\r\n", BAD(LENGTH)},
	{POST "Content-Length: 1 2\r\n\r\n", BAD(LENGTH)},
	{POST "Content-Length: 1.0\r\n\r\n", BAD(LENGTH)},
	{POST "Content-Length:\r\n\r\n", BAD(LENGTH)},
	{POST "Content-Length: 9223372036854775808\r\n\r\n", BAD(LENGTH)},
	{POST "Content-Length: 18446744073709551617\r\n\r\n", BAD(LENGTH)},
	{POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
		BAD(CODING_TWICE)},
	{POST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n", BAD(CODING)},
	{POST "Transfer-Encoding: chunked, identity\r\n\r\n", BAD(CODING)},
	{POST "Transfer-Encoding: chunked,\r\n\r\n", BAD(CODING)},
	{POST "Transfer-Encoding: xchunked\r\n\r\n", BAD(CODING)},
	{POST "Transfer-Encoding: \"chunked\"\r\n\r\n", BAD(CODING)},
	{POST "Transfer-Encoding:\r\n\r\n", BAD(CODING)},
	{POST "Transfer-Encoding: \x0b"
	      "chunked\r\n\r\n",
		BAD(FIELD_VALUE)},
	{POST "Transfer-Encoding: gzip, chunked\r\n\r\n", BAD(CODING_UNKNOWN)},
	{POST "Transfer-Encoding : chunked\r\n\r\n", BAD(FIELD_NAME)},
	{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", BAD(CODING_OLD)},
	{POST "Expect: 200-ok\r\n\r\n", BAD(EXPECT)},
};

#define HOSTILE_COUNT (sizeof(hostile) / sizeof(hostile[0]))

CHECK_CASE(hostile_heads_are_refused_each_for_its_fault)
{
	for (size_t i = 0; i < HOSTILE_COUNT; i++) {
		if (parse_text(hostile[i].text) != WEFT__HTTP_BAD || head.fault != hostile[i].fault)
			check_fail(__FILE__, __LINE__, "hostile[%zu] \"%s\": fault %d, not %d", i,
				hostile[i].text, head.fault, hostile[i].fault);
		CHECK_INT(weft__http_fault_status(head.fault), >=, 400);
		CHECK_INT(strlen(weft__http_fault_text(head.fault)), >, 10);
	}
}

CHECK_CASE(a_nul_is_refused_wherever_it_stands)
{
	char text[] = "GET /abc HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n";
	size_t len = sizeof(text) - 1;

	for (size_t i = 0; i < len; i++) {
		char kept = text[i];

		text[i] = '\0';
		weft__http_head_reset(&head);
		CHECK_INT(weft__http_parse(&head, text, len), !=, WEFT__HTTP_DONE);
		text[i] = kept;
	}
}

CHECK_CASE(every_fault_has_a_status_and_a_sentence)
{
	for (int fault = 1; fault < WEFT__HTTP_FAULT_COUNT_; fault++) {
		CHECK_INT(weft__http_fault_status(fault), >=, 400);
		CHECK(weft__http_fault_text(fault) != NULL);
	}
}

/* ---- Limits -------------------------------------------------------------------------------- */

static char big[2 * WEFT__HTTP_HEAD_MAX];

/* A head with a request line of line_len bytes. */
static size_t make_long_line(size_t line_len)
{
	size_t len = 0;

	memcpy(big, "GET /", 5);
	memset(big + 5, 'a', line_len - 5 - 9);
	memcpy(big + line_len - 9, " HTTP/1.1", 9);
	len = line_len;
	memcpy(big + len, "\r\nHost: a\r\n\r\n", 13);
	return len + 13;
}

CHECK_CASE(a_request_line_may_have_8192_bytes_and_no_more)
{
	size_t len = make_long_line(WEFT__HTTP_REQUEST_LINE_MAX);

	weft__http_head_reset(&head);
	CHECK_INT(weft__http_parse(&head, big, len), ==, WEFT__HTTP_DONE);
	len = make_long_line(WEFT__HTTP_REQUEST_LINE_MAX + 1);
	weft__http_head_reset(&head);
	CHECK_INT(weft__http_parse(&head, big, len), ==, WEFT__HTTP_BAD);
	CHECK_INT(weft__http_fault_status(head.fault), ==, 414);
}

CHECK_CASE(an_endless_request_line_is_refused_before_its_end)
{
	memset(big, 'a', sizeof(big));
	weft__http_head_reset(&head);
	CHECK_INT(weft__http_parse(&head, big, WEFT__HTTP_REQUEST_LINE_MAX), ==, WEFT__HTTP_MORE);
	CHECK_INT(
		weft__http_parse(&head, big, WEFT__HTTP_REQUEST_LINE_MAX + 2), ==, WEFT__HTTP_BAD);
	CHECK_INT(weft__http_fault_status(head.fault), ==, 414);
}

/* A head of len bytes, with one long field. */
static void make_long_head(size_t len)
{
	size_t at = (size_t)snprintf(big, sizeof(big), GET HOST "X: ");

	memset(big + at, 'b', len - at - 4);
	memcpy(big + len - 4, "\r\n\r\n", 4);
}

CHECK_CASE(a_head_may_have_16384_bytes_and_no_more)
{
	make_long_head(WEFT__HTTP_HEAD_MAX);
	weft__http_head_reset(&head);
	CHECK_INT(weft__http_parse(&head, big, WEFT__HTTP_HEAD_MAX), ==, WEFT__HTTP_DONE);
	make_long_head(WEFT__HTTP_HEAD_MAX + 1);
	weft__http_head_reset(&head);
	CHECK_INT(weft__http_parse(&head, big, WEFT__HTTP_HEAD_MAX + 1), ==, WEFT__HTTP_BAD);
	CHECK_INT(weft__http_fault_status(head.fault), ==, 431);
}

static size_t make_many_fields(unsigned count)
{
	size_t len = (size_t)snprintf(big, sizeof(big), GET HOST);

	for (unsigned i = 1; i < count; i++)
		len += (size_t)snprintf(big + len, sizeof(big) - len, "X: %u\r\n", i);
	return len + (size_t)snprintf(big + len, sizeof(big) - len, "\r\n");
}

CHECK_CASE(a_head_may_have_100_fields_and_no_more)
{
	size_t len = make_many_fields(WEFT__HTTP_FIELDS_MAX);

	weft__http_head_reset(&head);
	CHECK_INT(weft__http_parse(&head, big, len), ==, WEFT__HTTP_DONE);
	CHECK_INT(head.field_count, ==, WEFT__HTTP_FIELDS_MAX);
	len = make_many_fields(WEFT__HTTP_FIELDS_MAX + 1);
	weft__http_head_reset(&head);
	CHECK_INT(weft__http_parse(&head, big, len), ==, WEFT__HTTP_BAD);
	CHECK_INT(weft__http_fault_status(head.fault), ==, 431);
}

/* ---- Splits ------------------------------------------------------------------------------------
 */

/* Feed text in two parts, at a new address each, and compare with the verdict on the whole. */
static void check_split(const char *text, size_t len, size_t first)
{
	static struct weft__http_head split;
	enum weft__http_parse_result result, whole;
	char *copy = malloc(first ? first : 1);

	weft__http_head_reset(&head);
	whole = weft__http_parse(&head, text, len);
	weft__http_head_reset(&split);
	memcpy(copy, text, first);
	result = weft__http_parse(&split, copy, first);
	free(copy);
	if (result == WEFT__HTTP_MORE)
		result = weft__http_parse(&split, text, len);
	if (result != whole || split.fault != head.fault || split.len != head.len)
		check_fail(__FILE__, __LINE__, "\"%.80s\" cut at %zu: %d, fault %d; whole: %d, %d",
			text, first, result, split.fault, whole, head.fault);
	if (whole != WEFT__HTTP_DONE)
		return;
	CHECK_MEM(&split, &head, offsetof(struct weft__http_head, fields));
	CHECK_MEM(split.fields, head.fields, head.field_count * sizeof(head.fields[0]));
}

CHECK_CASE(no_cut_changes_the_verdict)
{
	const char *good = "\r\nGET http://x:1/a?b HTTP/1.1\r\nHost: y\r\n"
			   "Connection: keep-alive\r\nContent-Length: 5\r\n\r\nhello";

	for (size_t first = 0; first <= strlen(good); first++)
		check_split(good, strlen(good), first);
	for (size_t i = 0; i < HOSTILE_COUNT; i++)
		for (size_t first = 0; first <= strlen(hostile[i].text); first++)
			check_split(hostile[i].text, strlen(hostile[i].text), first);
}

CHECK_CASE(no_cut_changes_the_verdict_on_a_limit)
{
	for (int more = -1; more <= 2; more++) {
		size_t len = make_long_line((size_t)(WEFT__HTTP_REQUEST_LINE_MAX + more));

		for (size_t first = len - 40; first <= len; first++)
			check_split(big, len, first);
		memcpy(big + WEFT__HTTP_REQUEST_LINE_MAX + more, "\n", 1); /* a bare LF there */
		for (size_t first = len - 40; first <= len; first++)
			check_split(big, len, first);
		len = (size_t)(WEFT__HTTP_HEAD_MAX + more);
		make_long_head(len);
		for (size_t first = len - 20; first <= len; first++)
			check_split(big, len, first);
	}
	memset(big, '\r', 9000);
	for (size_t first = 0; first < 3; first++)
		check_split(big, 9000, first);
}

CHECK_CASE(byte_by_byte_gives_the_same_head)
{
	const char *text = GET HOST "Range: bytes=0-\r\nIf-None-Match: \"x\"\r\n\r\n";
	size_t len = strlen(text);

	weft__http_head_reset(&head);
	for (size_t have = 1; have < len; have++)
		CHECK_INT(weft__http_parse(&head, text, have), ==, WEFT__HTTP_MORE);
	CHECK_INT(weft__http_parse(&head, text, len), ==, WEFT__HTTP_DONE);
	CHECK(place_is(text, head.fields[1].value, "bytes=0-"));
	CHECK_INT(head.known[WEFT__HTTP_IF_NONE_MATCH], ==, 3);
}

CHECK_MAIN()
