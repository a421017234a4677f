/*
 * test_client_hostile.c - tests src/http/client_response.c, client_body.c and client_gzip.c: what
 * a hostile or broken server may say. Each fetch ends with an error that names it, or with what
 * was sent; never with less that looks whole.
 */
#include "http/fetched.h"

#include "descriptors.h"

#define OK "HTTP/1.1 200 OK\r\n"

/* Fetch and read all of it. The errno, or 0, and in fault why. */
static int fetch_all(const struct weft_http_fetch_options *more)
{
	struct weft_http_fetch_options options = *more;
	struct weft_http_fetch *made;
	char *data = NULL;
	int code = 0;

	options.ret_fault = &fault;
	made = weft_http_fetch(url("/"), &options);
	if (!made)
		return errno;
	if (weft_http_fetch_read_all(made, 100000, &data) < 0) {
		code = errno;
		fault = *weft_http_fetch_fault(made);
	}
	weft_http_fetch_free(made);
	free(data);
	return code;
}

/* ---- Responses -------------------------------------------------------------------- */

CHECK_CASE(what_a_hostile_server_says_fails_and_is_named)
{
	static const struct {
		const char *reply;
		int code;
		enum weft_http_fault_kind kind;
	} cases[] = {
		/* No response, or half of its head. */
		{"", ECONNRESET, WEFT_HTTP_CUT_OFF},
		{"H", EPIPE, WEFT_HTTP_CUT_OFF},
		{OK "Content-Length: 0\r\n", EPIPE, WEFT_HTTP_CUT_OFF},
		{OK "Content-Length: 0\r\n\r", EPIPE, WEFT_HTTP_CUT_OFF},
		{"HTTP/1.1 100 Continue\r\n\r\n", EPIPE, WEFT_HTTP_CUT_OFF},
		/* Something else. */
		{"hello", EBADMSG, WEFT_HTTP_BAD_RESPONSE},
		{"220 ftp.example.org\r\n", EBADMSG, WEFT_HTTP_BAD_RESPONSE},
		{"HTTP/2.0 200 OK\r\n\r\n", EBADMSG, WEFT_HTTP_BAD_RESPONSE},
		{"HTTP/1.1 000 OK\r\n\r\n", EBADMSG, WEFT_HTTP_BAD_RESPONSE},
		{"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", EBADMSG, WEFT_HTTP_BAD_RESPONSE},
		{"\r\n" OK "\r\n", EBADMSG, WEFT_HTTP_BAD_RESPONSE},
		{OK "A : b\r\n\r\n", EBADMSG, WEFT_HTTP_BAD_RESPONSE},
		{OK "A: b\nC: d\r\n\r\n", EBADMSG, WEFT_HTTP_BAD_RESPONSE},
		/* Framing that could be read in two ways. */
		{OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", EBADMSG,
			WEFT_HTTP_BAD_RESPONSE},
		{OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", EBADMSG,
			WEFT_HTTP_BAD_RESPONSE},
		{OK "Content-Length: -1\r\n\r\n", EBADMSG, WEFT_HTTP_BAD_RESPONSE},
		{OK "Content-Length: 1e3\r\n\r\n", EBADMSG, WEFT_HTTP_BAD_RESPONSE},
		{OK "Content-Length: 9999999999999999999\r\n\r\n", EBADMSG, WEFT_HTTP_BAD_RESPONSE},
		{OK "Transfer-Encoding: gzip\r\n\r\nx", EBADMSG, WEFT_HTTP_BAD_RESPONSE},
		{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", EBADMSG,
			WEFT_HTTP_BAD_RESPONSE},
		/* Bodies that end too early. */
		{OK "Content-Length: 5\r\n\r\n", EPIPE, WEFT_HTTP_CUT_OFF},
		{OK "Content-Length: 5\r\n\r\nhell", EPIPE, WEFT_HTTP_CUT_OFF},
		{OK "Transfer-Encoding: chunked\r\n\r\n", EPIPE, WEFT_HTTP_CUT_OFF},
		{OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhell", EPIPE, WEFT_HTTP_CUT_OFF},
		{OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", EPIPE, WEFT_HTTP_CUT_OFF},
		{OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", EPIPE,
			WEFT_HTTP_CUT_OFF},
		{OK "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n", EPIPE, WEFT_HTTP_CUT_OFF},
		/* Chunks that could be read in two ways. */
		{OK "Transfer-Encoding: chunked\r\n\r\nhello", EBADMSG, WEFT_HTTP_BAD_RESPONSE},
		{OK "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", EBADMSG,
			WEFT_HTTP_BAD_RESPONSE},
		{OK "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", EBADMSG,
			WEFT_HTTP_BAD_RESPONSE},
		{OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n", EBADMSG,
			WEFT_HTTP_BAD_RESPONSE},
		{OK "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n", EBADMSG,
			WEFT_HTTP_BAD_RESPONSE},
		{OK "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhello", EBADMSG,
			WEFT_HTTP_BAD_RESPONSE},
	};
	const struct weft_http_fetch_options options = {0};
	int before = descriptors();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct turn turns[] = {SAYS(cases[i].reply, .does = CLOSES)};
		int code;

		START(turns);
		code = fetch_all(&options);
		if (code != cases[i].code || fault.kind != cases[i].kind || !fault.text[0])
			check_fail(__FILE__, __LINE__, "\"%s\": errno %d, kind %d, \"%s\"",
				cases[i].reply, code, fault.kind, fault.text);
		scripted_end(&server);
	}
	CHECK_INT(descriptors(), ==, before);
}

/* The same reply in two packets, cut anywhere, is the same. */
CHECK_CASE(a_response_may_be_cut_anywhere)
{
	static const char reply[] = "HTTP/1.1 100 Continue\r\n\r\n" OK
				    "Transfer-Encoding: chunked\r\nA: b\r\n c\r\n\r\n"
				    "5\r\nhello\r\n6\r\n world\r\n0\r\nT: x\r\n\r\n";
	static char first[sizeof(reply)];

	for (size_t cut = 1; cut < sizeof(reply) - 1; cut++) {
		struct turn turns[] = {
			SAYS(first, .reply_len = cut), SAYS(reply + cut, .does = ANSWERS_ON)};
		struct weft_http_fetch *made;

		memcpy(first, reply, cut);
		START(turns);
		made = fetch("/", NULL);
		CHECK(text_is(weft_http_fetch_field(made, "a"), "b   c"));
		expect_body(made, "hello world");
		weft_http_fetch_free(made);
		scripted_end(&server);
	}
}

/* A head that never ends, and fields without number. */
CHECK_CASE(a_head_without_end_is_left)
{
	static char reply[200000];
	struct turn turns[] = {SAYS(reply, .does = CLOSES)};
	const struct weft_http_fetch_options options = {0};
	size_t at = (size_t)snprintf(reply, sizeof(reply), OK "A: ");

	memset(reply + at, 'x', sizeof(reply) - at - 1);
	START(turns);
	CHECK_INT(fetch_all(&options), ==, EBADMSG);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_BAD_RESPONSE);
	scripted_end(&server);
	for (at = sizeof(OK) - 1; at + 6 < 12000; at += 6)
		memcpy(reply + at, "A: b\r\n", 6);
	START(turns);
	CHECK_INT(fetch_all(&options), ==, EBADMSG);
	scripted_end(&server);
}

/* ---- gzip --------------------------------------------------------------------------- */

#ifdef WEFT_HAS_ZLIB

#include <zlib.h>

#define PACKED OK "Content-Encoding: gzip\r\n\r\n"

/* A response with gzip of len bytes of text in it, behind what is at *at already. */
static void pack(char *to, size_t size, size_t *at, const char *text, size_t len)
{
	z_stream zlib = {0};

	CHECK_INT(deflateInit2(&zlib, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), ==,
		Z_OK);
	zlib.next_in = (unsigned char *)text;
	zlib.avail_in = (unsigned)len;
	zlib.next_out = (unsigned char *)to + *at;
	zlib.avail_out = (unsigned)(size - *at);
	CHECK_INT(deflate(&zlib, Z_FINISH), ==, Z_STREAM_END);
	*at += zlib.total_out;
	deflateEnd(&zlib);
}

static const struct weft_http_fetch_options unpacks = {.decodes_gzip = true};

static char reply[1 << 20];
static size_t reply_len;

static void reply_with(const char *head, const char *text, size_t len)
{
	reply_len = strlen(head);
	memcpy(reply, head, reply_len);
	if (text)
		pack(reply, sizeof(reply), &reply_len, text, len);
}

CHECK_CASE(gzip_is_asked_for_and_undone)
{
	struct turn turns[] = {SAYS(reply, .does = CLOSES)};
	static char body[300001];
	struct weft_http_fetch *made;
	char *data;

	for (size_t i = 0; i < sizeof(body) - 1; i++)
		body[i] = (char)('a' + (i * i + i / 97) % 26);
	reply_with(PACKED, body, 150000);
	pack(reply, sizeof(reply), &reply_len, body + 150000, 150000); /* a second member */
	turns[0].reply_len = reply_len;
	START(turns);
	made = fetch("/", &unpacks);
	CHECK_INT(weft_http_fetch_body_len(made), ==, -1);
	CHECK_INT(weft_http_fetch_read_all(made, 300000, &data), ==, 300000);
	CHECK_STR(data, body);
	free(data);
	weft_http_fetch_free(made);
	scripted_end(&server);
	CHECK(scripted_has(&server, 0, "\r\nAccept-Encoding: gzip\r\n"));
}

/* With little room for what comes out, the last of it comes when nothing goes in any more. */
CHECK_CASE(what_is_unpacked_may_be_read_byte_by_byte)
{
	struct turn turns[] = {SAYS(reply, .does = CLOSES)};
	static char body[20000];
	struct weft_http_fetch *made;
	size_t len = 0;
	char byte;

	memset(body, 'x', sizeof(body));
	reply_with(PACKED, body, sizeof(body));
	turns[0].reply_len = reply_len;
	START(turns);
	made = fetch("/", &unpacks);
	while (weft_http_fetch_read(made, &byte, 1) == 1) {
		CHECK_INT(byte, ==, 'x');
		len++;
	}
	CHECK_INT(len, ==, sizeof(body));
	CHECK_INT(weft_http_fetch_fault(made)->kind, ==, WEFT_HTTP_NO_FAULT);
	weft_http_fetch_free(made);
	scripted_end(&server);
}

CHECK_CASE(gzip_that_is_broken_or_not_whole_fails)
{
	const char text[] = "a text that is packed";
	struct turn turns[] = {SAYS(reply, .does = CLOSES)};
	size_t whole, head = strlen(PACKED);

	reply_with(PACKED, text, strlen(text));
	whole = reply_len;
	for (size_t len = head + 1; len < whole; len++) {
		turns[0].reply_len = len;
		START(turns);
		CHECK_INT(fetch_all(&unpacks), ==, EBADMSG);
		CHECK_INT(fault.kind, ==, WEFT_HTTP_BAD_RESPONSE);
		scripted_end(&server);
	}
	memcpy(reply + whole, "garbage", 7);
	turns[0].reply_len = whole + 7;
	START(turns);
	CHECK_INT(fetch_all(&unpacks), ==, EBADMSG);
	scripted_end(&server);
	turns[0].reply_len = whole;
	reply[whole - 6] ^= 1; /* the checksum */
	START(turns);
	CHECK_INT(fetch_all(&unpacks), ==, EBADMSG);
	scripted_end(&server);
	turns[0].reply_len = head; /* nothing at all is an empty body */
	START(turns);
	CHECK_INT(fetch_all(&unpacks), ==, 0);
	scripted_end(&server);
}

CHECK_CASE(a_bomb_is_read_up_to_the_bound_only)
{
	struct turn turns[] = {SAYS(reply, .does = CLOSES)};
	char *zeros = calloc(1, 64 << 20);

	reply_with(PACKED, zeros, 64 << 20);
	turns[0].reply_len = reply_len;
	START(turns);
	CHECK_INT(fetch_all(&unpacks), ==, EMSGSIZE);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_TOO_LONG);
	scripted_end(&server);
	free(zeros);
}

CHECK_CASE(what_was_not_asked_for_stays_packed)
{
	struct turn turns[] = {SAYS(reply, .does = CLOSES)};
	struct weft_http_fetch *made;
	char *data;

	reply_with(PACKED, "text", 4);
	turns[0].reply_len = reply_len;
	START(turns);
	made = fetch("/", NULL);
	CHECK_INT(weft_http_fetch_read_all(made, 1000, &data), ==, reply_len - strlen(PACKED));
	CHECK_MEM(data, reply + strlen(PACKED), reply_len - strlen(PACKED));
	free(data);
	weft_http_fetch_free(made);
	scripted_end(&server);
	CHECK(!scripted_has(&server, 0, "Accept-Encoding"));
}

#else

CHECK_CASE(gzip_can_not_be_asked_for_in_this_build)
{
	const struct weft_http_fetch_options options = {.decodes_gzip = true, .ret_fault = &fault};

	CHECK_ERRNO(weft_http_get("http://127.0.0.1:1/", &options), ENOSYS);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_OTHER_FAULT);
}

#endif

CHECK_MAIN()
