/* test_load_reply.c - src/cmd/load_reply.h: where an HTTP answer ends, and which is none. */
#include "cmd/load_reply.h"

#include "check.h"

/* Feed it in pieces of that size; what is unused of a head is given again with the next one. */
static enum load_reply_progress feed(
	struct load_reply *reply, const char *data, size_t len, size_t piece, size_t *ret_used)
{
	enum load_reply_progress progress = LOAD_REPLY_MORE;
	size_t from = 0;

	weft__load_reply_reset(reply);
	for (size_t to = 0; to < len && progress == LOAD_REPLY_MORE;) {
		size_t used = 0;

		to = len - to < piece ? len : to + piece;
		progress = weft__load_reply_take(reply, data + from, to - from, &used);
		from += used;
	}
	*ret_used = from;
	return progress;
}

/* Whole answers, of which len bytes are the answer: what follows is the next one's. */
static const struct {
	const char *text;
	size_t len; /* 0: all of it */
	int status;
	bool is_closing, is_to_head;
} whole[] = {
	{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP", 38, 200, false, false},
	{"HTTP/1.1 200 OK\r\ncontent-length:\t2 \r\n\r\nabHTTP", 41, 200, false, false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", 38, 200, false, true},
	{"HTTP/1.1 204 No Content\r\n\r\nab", 27, 204, false, false},
	{"HTTP/1.1 304\r\nContent-Length: 9\r\n\r\n", 0, 304, false, false},
	{"HTTP/1.1 200 OK\nContent-Length: 1\n\na", 0, 200, false, false},
	{"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", 0, 200, true, false},
	{"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", 0, 200, false,
		false},
	{"HTTP/1.1 200 OK\r\nConnection: upgrade, close\r\nContent-Length: 0\r\n\r\n", 0, 200, true,
		false},
	{"HTTP/1.1 200 OK\r\nConnection: enclosed\r\nContent-Length: 0\r\n\r\n", 0, 200, false,
		false},
	{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103\r\nA: b\r\n\r\nHTTP/1.1 204\r\n\r\n", 0, 204,
		false, false},
	{"HTTP/1.1 101 Switching\r\n\r\nab", 26, 101, true, false},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nab", 52, 200, false, false},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 7\r\n\r\n"
	 "3;a=\"b\"\r\nabc\r\n00b \r\n0123456789a\r\n0;x\r\nA: b\r\nC: d\r\n\r\n",
		0, 200, false, false},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\n\n1\na\n0\nA: b\n\n", 0, 200, false,
		false},
};

CHECK_CASE(answers_end_where_they_end_however_they_are_cut)
{
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		size_t len = strlen(whole[i].text), wanted = whole[i].len ? whole[i].len : len;

		for (size_t piece = 1; piece <= len; piece++) {
			struct load_reply reply = {.is_to_head = whole[i].is_to_head};
			size_t used;

			CHECK_INT(feed(&reply, whole[i].text, len, piece, &used), ==,
				LOAD_REPLY_DONE);
			CHECK_INT(used, ==, wanted);
			CHECK_INT(reply.status, ==, whole[i].status);
			CHECK_INT(reply.is_closing, ==, whole[i].is_closing);
		}
		for (size_t short_len = 0; short_len < wanted; short_len++) {
			struct load_reply reply = {.is_to_head = whole[i].is_to_head};
			size_t used;

			CHECK_INT(feed(&reply, whole[i].text, short_len, short_len + 1, &used), ==,
				LOAD_REPLY_MORE);
		}
	}
}

CHECK_CASE(answers_without_a_length_go_on_until_the_connection_ends)
{
	static const char *const texts[] = {
		"HTTP/1.1 200 OK\r\n\r\nsome bytes",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 3\r\n\r\nsome bytes",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nsome bytes",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct load_reply reply = {0};
		size_t used, len = strlen(texts[i]);

		CHECK_INT(feed(&reply, texts[i], len, 7, &used), ==, LOAD_REPLY_MORE);
		CHECK(used == len && reply.is_closing);
		CHECK_INT(reply.part, ==, LOAD_REPLY_UNTIL_CLOSE);
	}
}

CHECK_CASE(what_is_no_answer_is_refused_however_it_is_cut)
{
	static const char *const texts[] = {
		"SSH-2.0-OpenSSH\r\n",
		"HTTP/2.0 200 OK\r\n",
		"HTTP/1.1  200 OK\r\n",
		"HTTP/1.1 20 OK\r\n",
		"HTTP/1.1 099 OK\r\n",
		"HTTP/1.1 2000 OK\r\n",
		"HTTP/1.1\r\n",
		"\r\nHTTP/1.1 200 OK\r\n",
		"HTTP/1.1 200 OK\r\nno colon\r\n",
		"HTTP/1.1 200 OK\r\n: no name\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0x10\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n;a\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1g\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\r\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t used, len = strlen(texts[i]);

		for (size_t piece = 1; piece <= len; piece++) {
			struct load_reply reply = {0};

			CHECK_INT(feed(&reply, texts[i], len, piece, &used), ==, LOAD_REPLY_BAD);
			CHECK(reply.fault);
		}
	}
}

CHECK_CASE(the_framing_of_chunks_is_bounded)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
	static char text[sizeof(head) + 4 + LOAD_TRAILER_MAX + 1];
	struct load_reply reply = {0};
	size_t used;

	memset(text, 'a', sizeof(text));
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + sizeof(head) - 1, "0;", 2);
	CHECK_INT(feed(&reply, text, sizeof(head) - 1 + LOAD_CHUNK_LINE_MAX, 100, &used), ==,
		LOAD_REPLY_MORE);
	CHECK_INT(feed(&reply, text, sizeof(head) + LOAD_CHUNK_LINE_MAX, 100, &used), ==,
		LOAD_REPLY_BAD);
	memcpy(text + sizeof(head) - 1, "0\r\n", 3);
	CHECK_INT(feed(&reply, text, sizeof(head) - 1 + 3 + LOAD_TRAILER_MAX, 100, &used), ==,
		LOAD_REPLY_MORE);
	CHECK_INT(feed(&reply, text, sizeof(head) + 3 + LOAD_TRAILER_MAX, 100, &used), ==,
		LOAD_REPLY_BAD);
}

CHECK_MAIN()
