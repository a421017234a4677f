/*
 * fetched.h - a client in a test, and the scripted server that it fetches from.
 *
 * fetch() has to get a response, get() its whole body too; each says why it could not.
 */
#ifndef TESTS_HTTP_FETCHED_H
#define TESTS_HTTP_FETCHED_H

#include "http/scripted.h"
#include "weft/http_client.h"

#define AGENT "User-Agent: weft/" WEFT_VERSION "\r\n"
#define EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static struct scripted server;
static struct weft_http_fault fault;
static struct weft_http_client *client; /* NULL: each fetch has one of its own */

#define START(turns) scripted_start(&server, turns, sizeof(turns) / sizeof((turns)[0]))

static __attribute__((unused)) const char *url(const char *target)
{
	static char text[4][256];
	static unsigned turn;
	char *one = text[turn++ % 4];

	snprintf(one, sizeof(text[0]), "%s%s", server.url, target);
	return one;
}

static __attribute__((unused)) struct weft_http_fetch *fetch(
	const char *target, const struct weft_http_fetch_options *more)
{
	struct weft_http_fetch_options options = {0};
	struct weft_http_fetch *made;

	if (more)
		options = *more;
	options.ret_fault = &fault;
	if (!options.client)
		options.client = client;
	made = weft_http_fetch(url(target), &options);
	if (!made)
		check_fail(__FILE__, __LINE__, "%s: %s (errno %d)", target, fault.text, errno);
	return made;
}

static __attribute__((unused)) bool text_is(struct weft_http_text text, const char *expected)
{
	return text.data && text.len == strlen(expected) &&
	       memcmp(text.data, expected, text.len) == 0;
}

/* Read the whole body, which is to be this. */
static __attribute__((unused)) void expect_body(struct weft_http_fetch *made, const char *expected)
{
	char *data;
	ssize_t len = weft_http_fetch_read_all(made, 1 << 20, &data);

	if (len < 0)
		check_fail(__FILE__, __LINE__, "%s", weft_http_fetch_fault(made)->text);
	CHECK_STR(data, expected);
	CHECK_INT(len, ==, strlen(expected));
	free(data);
}

/* Fetch, and have it all. */
static __attribute__((unused)) void get(
	const char *target, const struct weft_http_fetch_options *more, const char *body)
{
	struct weft_http_fetch *made = fetch(target, more);

	expect_body(made, body);
	weft_http_fetch_free(made);
}

#endif
