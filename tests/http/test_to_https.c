/*
 * test_to_https.c - src/http/to_https.c: everybody is sent to the same place, encrypted.
 */
#include "http/site.h"

static const struct {
	const char *request, *location;
} ways[] = {
	{"GET / HTTP/1.1\r\nHost: example.org\r\n", "https://example.org:8443/"},
	{"GET /a%20b/?q=1&r=%2f HTTP/1.1\r\nHost: example.org:8080\r\n",
		"https://example.org:8443/a%20b/?q=1&r=%2f"},
	{"GET /? HTTP/1.1\r\nHost: a\r\n", "https://a:8443/?"},
	{"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n", "https://a:8443/up"},
	{"DELETE /up HTTP/1.1\r\nHost: a\r\n", "https://a:8443/up"},
	{"WONDER /up HTTP/1.1\r\nHost: a\r\n", "https://a:8443/up"},
	{"GET //b/c HTTP/1.1\r\nHost: a\r\n", "https://a:8443//b/c"},
	{"GET / HTTP/1.1\r\nHost: [::1]\r\n", "https://[::1]:8443/"},
	{"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n", "https://[::1]:8443/"},
	{"GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n", "https://127.0.0.1:8443/"},
	{"GET http://b:81/x?y HTTP/1.1\r\nHost: a\r\n", "https://b:8443/x?y"},
	{"GET http://b HTTP/1.1\r\nHost: a\r\n", "https://b:8443/"},
	{"OPTIONS / HTTP/1.1\r\nHost: a\r\n", "https://a:8443/"},
	{"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n", "https://a:8443/%C3%A9"},
};

CHECK_CASE(every_request_is_sent_to_its_host_and_path)
{
	struct weft_http_to_https to = {.port = 8443};

	site.options.arg = &to;
	site_open(&weft_http_to_https_service);
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		char request[300], line[300];
		const char *answer;

		snprintf(request, sizeof(request), "%sConnection: close\r\n\r\n", ways[i].request);
		snprintf(line, sizeof(line), "\r\nLocation: %s\r\n", ways[i].location);
		answer = ask(request);
		CHECK_MEM(answer, "HTTP/1.1 308 Permanent Redirect\r\n", 33);
		if (!has(answer, line))
			check_fail(__FILE__, __LINE__, "%s is not in %s", line, answer);
	}
	site_close();
}

CHECK_CASE(the_usual_port_goes_without_saying)
{
	struct weft_http_to_https to = {.port = 443};

	site.options.arg = &to;
	site_open(&weft_http_to_https_service);
	CHECK(has(ask("GET /x HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n\r\n"),
		"\r\nLocation: https://a/x\r\n"));
	site_close();
}

CHECK_CASE(who_can_not_be_sent_anywhere_is_told_so)
{
	static char request[8400];
	struct weft_http_to_https to = {0};
	size_t len;

	site.options.arg = &to;
	site_open(&weft_http_to_https_service);
	CHECK_MEM(ask("GET / HTTP/1.0\r\n\r\n"), "HTTP/1.1 400 ", 13);
	/* Encoded, it is longer than an answer's fields may be. */
	len = (size_t)snprintf(request, sizeof(request), "GET /");
	memset(request + len, 0xe9, 8000);
	snprintf(request + len + 8000, sizeof(request) - len - 8000,
		" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	CHECK_MEM(ask(request), "HTTP/1.1 414 ", 13);
	site_close();
}

CHECK_MAIN()
