/*
 * test_request.c - tests src/http/request.c: heads that a connection says again.
 *
 * What was understood last is kept with its bytes, so each case compares a request that has seen
 * another head before with one that is new.
 */
#include "check.h"

#include "http/request.h"

#define HEAD "GET /a%20b?q=1 HTTP/1.1\r\nHost: example\r\nAccept: text/html\r\n\r\n"

static struct weft_http_request worn, fresh;

/* What the head says, or why it is refused; path decoded. */
static void describe(
	struct weft_http_request *request, enum weft__http_parse_result result, char ret_text[1024])
{
	const struct weft__http_head *head = &request->head;
	const char *why = NULL;
	int status = result == WEFT__HTTP_DONE ? weft__http_request_decode_path(request, &why) : -1;
	struct weft_http_text name, value;
	int len;

	len = snprintf(ret_text, 1024, "%d %d %d %d %zu %d %d '%s' '%.*s'", result, status,
		result == WEFT__HTTP_BAD ? (int)head->fault : 0, head->method, head->len,
		head->keeps_alive, (int)head->content_length,
		status == 0 ? weft_http_request_path(request) : "",
		(int)weft_http_request_query(request).len, weft_http_request_query(request).data);
	if (result != WEFT__HTTP_DONE)
		return;
	for (size_t i = 0; weft_http_request_field_at(request, i, &name, &value); i++)
		len += snprintf(ret_text + len, 1024 - (size_t)len, " [%.*s|%.*s]", (int)name.len,
			name.data, (int)value.len, value.data);
}

/* Take a head by a request that has taken HEAD before, and by one that has not. */
static void check_same(const char *data, size_t len)
{
	char expected[1024], found[1024], copy[1024];

	memcpy(copy, HEAD, sizeof(HEAD) - 1); /* where it was must not matter */
	weft__http_request_init(&worn, NULL);
	CHECK_INT(weft__http_request_take(&worn, copy, sizeof(HEAD) - 1), ==, WEFT__HTTP_DONE);
	describe(&worn, WEFT__HTTP_DONE, found);
	weft__http_request_reset(&worn);
	memset(copy, '!', sizeof(copy));

	weft__http_request_init(&fresh, NULL);
	describe(&fresh, weft__http_request_take(&fresh, data, len), expected);
	describe(&worn, weft__http_request_take(&worn, data, len), found);
	CHECK_STR(found, expected);
	weft__http_request_fini(&fresh);
	weft__http_request_fini(&worn);
}

CHECK_CASE(the_same_head_means_the_same_wherever_it_lies_and_whatever_follows)
{
	check_same(HEAD, sizeof(HEAD) - 1);
	check_same(HEAD "GET /next", sizeof(HEAD "GET /next") - 1);
	check_same("\r\n" HEAD, sizeof("\r\n" HEAD) - 1);
}

CHECK_CASE(one_byte_more_less_or_other_is_taken_apart_anew)
{
	static const char others[] = "/X0 \r\n:%?";
	char data[sizeof(HEAD) + 1];

	for (size_t len = 0; len < sizeof(HEAD) - 1; len++)
		check_same(HEAD, len);
	for (size_t at = 0; at < sizeof(HEAD) - 1; at++)
		for (const char *other = others; *other; other++) {
			memcpy(data, HEAD, sizeof(HEAD));
			data[at] = *other;
			check_same(data, sizeof(HEAD) - 1);
			memcpy(data, HEAD, at);
			data[at] = *other;
			memcpy(data + at + 1, &HEAD[at], sizeof(HEAD) - at);
			check_same(data, sizeof(HEAD));
		}
}

CHECK_CASE(what_is_too_long_to_be_kept_is_not_taken_for_what_was_kept)
{
	char data[600], path[400];

	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	for (int at = 1; at < 399; at += 57) {
		path[at] = 'x';
		check_same(data, (size_t)snprintf(data, sizeof(data),
					 "GET /%s HTTP/1.1\r\nHost: example\r\n\r\n", path));
	}
}

CHECK_CASE(who_was_to_hurry_has_all_the_time_for_the_next_body)
{
	weft__http_request_init(&fresh, NULL);
	CHECK_INT(weft__http_request_take(&fresh, HEAD, sizeof(HEAD) - 1), ==, WEFT__HTTP_DONE);
	/* There was nothing to read, so that nothing else of the body is to be forgotten. */
	weft__http_body_hurry(&fresh, 1);
	weft__http_request_reset(&fresh);
	CHECK_INT(fresh.body.hurry_ns, ==, 0);
	weft__http_request_fini(&fresh);
}

CHECK_MAIN()
