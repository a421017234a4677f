/*
 * test_proxies.c - src/http/proxies.c: whom a trusted proxy names is the client, and nobody whom
 * another names.
 */
#include "http/proxies.h"

#include <stdlib.h>

#include "http/site.h"
#include "io/stream.h"

static const char *const trusted[] = {"10.0.0.0/8", "192.0.2.1", "fd00::/8", "2001:db8::1", NULL};

static bool is_by_https; /* the last request of client_of() */

/* Who the client is of a request with these fields, from a peer. */
static const char *client_of(const char *peer, const char *fields, bool says_forwarded)
{
	static char text[48];
	struct weft_http_server_options options = {
		.proxies = trusted, .proxies_say_forwarded = says_forwarded};
	struct weft__http_proxies *proxies = weft__http_proxies_new(&options);
	struct weft_stream stream = {.fd = -1};
	struct weft_http_request request;
	struct weft_address address;
	char head[2000];

	CHECK(proxies);
	CHECK_INT(weft_address_parse(&address, peer), ==, 0);
	stream.accepted.len = address.len;
	memcpy(&stream.accepted.in6, &address.in6, address.len);
	snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
	weft__http_request_init(&request, &stream);
	CHECK_INT(weft__http_request_take(&request, head, strlen(head)), ==, WEFT__HTTP_DONE);
	weft__http_proxies_find_client(proxies, &request);
	is_by_https = strcmp(weft_http_request_scheme(&request), "https") == 0;
	snprintf(text, sizeof(text), "%s", request.client[0] ? request.client : "peer");
	weft__http_request_fini(&request);
	free(proxies);
	return text;
}

struct row {
	const char *peer, *fields, *client;
};

static void check_rows(const struct row *rows, size_t count, bool says_forwarded)
{
	for (size_t i = 0; i < count; i++) {
		const char *client = client_of(rows[i].peer, rows[i].fields, says_forwarded);

		if (strcmp(client, rows[i].client) != 0)
			check_fail(__FILE__, __LINE__, "%s after %s", client, rows[i].fields);
	}
}

CHECK_CASE(the_last_in_x_forwarded_for_who_is_not_trusted_is_the_client)
{
	static const struct row rows[] = {
		{"10.1.2.3:4", "", "peer"},
		{"10.1.2.3:4", "X-Forwarded-For: 203.0.113.9\r\n", "203.0.113.9"},
		{"[::ffff:10.1.2.3]:4", "x-forwarded-for: 203.0.113.9\r\n", "203.0.113.9"},
		{"192.0.2.1:4", "X-Forwarded-For: 203.0.113.9\r\n", "203.0.113.9"},
		{"[fd01::1]:4", "X-Forwarded-For: 203.0.113.9\r\n", "203.0.113.9"},
		/* Not trusted. */
		{"192.0.2.2:4", "X-Forwarded-For: 203.0.113.9\r\n", "peer"},
		{"11.0.0.1:4", "X-Forwarded-For: 203.0.113.9\r\n", "peer"},
		{"[fc00::1]:4", "X-Forwarded-For: 203.0.113.9\r\n", "peer"},
		{"[2001:db8::2]:4", "X-Forwarded-For: 203.0.113.9\r\n", "peer"},
		/* What the client has made up stands before. */
		{"10.0.0.1:4", "X-Forwarded-For: 1.1.1.1, 203.0.113.9\r\n", "203.0.113.9"},
		{"10.0.0.1:4", "X-Forwarded-For: 1.1.1.1,203.0.113.9 ,\t10.0.0.2\r\n",
			"203.0.113.9"},
		{"10.0.0.1:4", "X-Forwarded-For: \", 203.0.113.9\r\n", "203.0.113.9"},
		{"10.0.0.1:4", "X-Forwarded-For: 10.0.0.9, 203.0.113.9, 192.0.2.1\r\n",
			"203.0.113.9"},
		{"10.0.0.1:4",
			"X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 203.0.113.9\r\n"
			"X-Forwarded-For: 10.9.9.9\r\n",
			"203.0.113.9"},
		/* All are trusted: the first. */
		{"10.0.0.1:4", "X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n", "10.0.0.3"},
		/* Forms of addresses. */
		{"10.0.0.1:4", "X-Forwarded-For: 203.0.113.9:5678\r\n", "203.0.113.9"},
		{"10.0.0.1:4", "X-Forwarded-For: 2001:db8::9\r\n", "2001:db8::9"},
		{"10.0.0.1:4", "X-Forwarded-For: [2001:db8::9]:80\r\n", "2001:db8::9"},
		{"10.0.0.1:4", "X-Forwarded-For: ::ffff:203.0.113.9\r\n", "203.0.113.9"},
		/* Who can't be read ends it. */
		{"10.0.0.1:4", "X-Forwarded-For: unknown\r\n", "peer"},
		{"10.0.0.1:4", "X-Forwarded-For: 1.1.1.1, nonsense, 10.0.0.2\r\n", "10.0.0.2"},
		{"10.0.0.1:4", "X-Forwarded-For: 1.1.1.1, 1.2.3.4.5\r\n", "peer"},
		{"10.0.0.1:4", "X-Forwarded-For: [\r\n", "peer"},
		{"10.0.0.1:4", "X-Forwarded-For: ,,  ,\r\n", "peer"},
		/* The field that this proxy does not write comes from anybody. */
		{"10.0.0.1:4", "Forwarded: for=1.1.1.1\r\n", "peer"},
	};

	check_rows(rows, sizeof(rows) / sizeof(*rows), false);
}

CHECK_CASE(the_same_in_forwarded_where_that_is_chosen)
{
	static const struct row rows[] = {
		{"10.0.0.1:4", "Forwarded: for=203.0.113.9\r\n", "203.0.113.9"},
		{"10.0.0.1:4", "Forwarded: proto=http;For=\"203.0.113.9:1\"; by=10.0.0.1\r\n",
			"203.0.113.9"},
		{"10.0.0.1:4", "Forwarded: for=\"[2001:db8::9]:4711\"\r\n", "2001:db8::9"},
		{"10.0.0.1:4", "Forwarded: for=1.1.1.1, for=203.0.113.9, for=10.0.0.2\r\n",
			"203.0.113.9"},
		{"10.0.0.1:4", "Forwarded: for=\"1.1.1.1\r\nForwarded: for=203.0.113.9\r\n",
			"203.0.113.9"},
		{"10.0.0.1:4", "Forwarded: for=unknown, for=10.0.0.2\r\n", "10.0.0.2"},
		{"10.0.0.1:4", "Forwarded: for=\"1.1.1.1, for=203.0.113.9;host=\"a\"\r\n",
			"203.0.113.9"},
		/* A proxy's quotes hold what the client has said of itself. */
		{"10.0.0.1:4",
			"Forwarded: proto=http;host=\"a;for=1.1.1.1;b=\";for=203.0.113.9\r\n",
			"203.0.113.9"},
		{"10.0.0.1:4", "Forwarded: for=203.0.113.9;host=\"a,for=1.1.1.1;b=\"\r\n",
			"203.0.113.9"},
		{"10.0.0.1:4", "Forwarded: for=203.0.113.9;host=\"a\\\",for=1.1.1.1;b=\"\r\n",
			"203.0.113.9"},
		{"10.0.0.1:4", "Forwarded: host=\"\\\\\";for=203.0.113.9, for=\"10.0.0.2\"\r\n",
			"203.0.113.9"},
		/* Said twice, it is not known which it is. */
		{"10.0.0.1:4", "Forwarded: host=a;for=1.1.1.1;for=203.0.113.9\r\n", "peer"},
		{"10.0.0.1:4", "Forwarded: for=_hidden\r\n", "peer"},
		{"10.0.0.1:4", "Forwarded: proto=https\r\n", "peer"},
		{"10.0.0.1:4", "Forwarded: for=\r\n", "peer"},
		{"10.0.0.1:4", "X-Forwarded-For: 1.1.1.1\r\n", "peer"},
		{"192.0.2.2:4", "Forwarded: for=203.0.113.9\r\n", "peer"},
	};

	check_rows(rows, sizeof(rows) / sizeof(*rows), true);
}

/* ---- What goes by it --------------------------------------------------------------------------
 */

static int say_client(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const char *client = weft_http_request_client(request);

	(void)arg;
	CHECK_STR(weft_http_request_peer(request), "127.0.0.1");
	return weft_http_response_send(
		response, 200, &(struct weft_http_content){"text/plain", client, strlen(client)});
}

static const struct weft_http_service service = {.on_get = say_client};

#define GET_FOR(address) "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " address "\r\n\r\n"
#define GET              "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define LAST             "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

CHECK_CASE(rates_are_those_of_the_client_and_not_of_its_proxy)
{
	static const char *const proxies[] = {"127.0.0.0/8", NULL};
	const char *answers;

	site.options.proxies = proxies;
	site.options.rate = 1;
	site.options.rate_burst = 2;
	site.options.connections_per_client = 1;
	site_open(&service);
	answers = ask(GET_FOR("203.0.113.1") GET_FOR("203.0.113.1") GET_FOR("203.0.113.1")
			GET_FOR("203.0.113.2") LAST);
	CHECK(has(answers, "203.0.113.1"));
	CHECK(has(answers, " 429 "));
	CHECK(has(answers, "203.0.113.2"));
	CHECK(has(answers, "\r\n\r\n127.0.0.1"));
	/* A proxy has the connections of many. */
	for (int i = 0; i < 2; i++) {
		int other = visit();

		CHECK(has(ask(GET_FOR("203.0.113.3") LAST), "203.0.113.3"));
		close(other);
	}
	site_close();
}

CHECK_CASE(a_trusted_proxy_says_last_whether_it_was_asked_by_https)
{
	static const struct {
		const char *peer, *fields;
		bool says_forwarded, is_by_https;
	} rows[] = {
		{"10.1.2.3:4", "", false, false},
		{"10.1.2.3:4", "X-Forwarded-Proto: https\r\n", false, true},
		{"10.1.2.3:4", "x-forwarded-proto: HTTPS \r\n", false, true},
		{"10.1.2.3:4", "X-Forwarded-Proto: http\r\n", false, false},
		{"10.1.2.3:4", "X-Forwarded-Proto: https, http\r\n", false, false},
		{"10.1.2.3:4", "X-Forwarded-Proto: http, https\r\n", false, true},
		{"10.1.2.3:4", "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n", false,
			false},
		{"10.1.2.3:4", "X-Forwarded-Proto: httpss\r\n", false, false},
		{"10.1.2.3:4", "X-Forwarded-Proto:\r\n", false, false},
		{"11.1.2.3:4", "X-Forwarded-Proto: https\r\n", false, false},
		{"10.1.2.3:4", "Forwarded: for=203.0.113.9;proto=https\r\n", false, false},
		{"10.1.2.3:4", "Forwarded: for=203.0.113.9;proto=https\r\n", true, true},
		{"10.1.2.3:4", "Forwarded: Proto=\"https\"\r\n", true, true},
		{"10.1.2.3:4", "Forwarded: proto=https, for=203.0.113.9\r\n", true, false},
		{"10.1.2.3:4", "Forwarded: proto=https;proto=http\r\n", true, false},
		{"10.1.2.3:4", "X-Forwarded-Proto: https\r\n", true, false},
		{"11.1.2.3:4", "Forwarded: proto=https\r\n", true, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		client_of(rows[i].peer, rows[i].fields, rows[i].says_forwarded);
		if (is_by_https != rows[i].is_by_https)
			check_fail(__FILE__, __LINE__, "row %zu: %s", i, rows[i].fields);
	}
}

CHECK_CASE(the_client_of_one_request_is_not_that_of_the_next)
{
	static const char *const proxies[] = {"127.0.0.1", NULL};

	site.options.proxies = proxies;
	site_open(&service);
	CHECK(has(ask(GET_FOR("203.0.113.1") LAST), "\r\n\r\n127.0.0.1"));
	CHECK(has(ask(GET_FOR("203.0.113.1") GET_FOR("203.0.113.1") GET LAST),
		"\r\n\r\n127.0.0.1HTTP/1.1 200"));
	site_close();
}

CHECK_CASE(without_trust_nobody_is_named)
{
	site_open(&service);
	CHECK(!has(ask(GET_FOR("203.0.113.1") LAST), "203.0.113.1"));
	site_close();
}

CHECK_CASE(a_proxy_behind_a_unix_socket_is_trusted_by_that_name)
{
	static const char *const unix_only[] = {"unix", NULL};
	struct weft_http_server_options options = {.proxies = unix_only};
	struct weft__http_proxies *proxies = weft__http_proxies_new(&options);
	struct weft_stream stream = {.fd = -1};

	CHECK(proxies);
	CHECK(weft__http_proxies_have(proxies, &stream));
	stream.accepted.len = sizeof(stream.accepted.in);
	stream.accepted.in.sin_family = AF_INET;
	CHECK(!weft__http_proxies_have(proxies, &stream));
	free(proxies);
	options.proxies = trusted;
	proxies = weft__http_proxies_new(&options);
	stream.accepted.len = 0;
	CHECK(!weft__http_proxies_have(proxies, &stream));
	free(proxies);
}

CHECK_CASE(what_is_no_network_is_refused_at_the_start)
{
	static const char *const bad[] = {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
		"10.0.0.0/8x", "::1/129", "10.0.0", "proxy.example", "10.0.0.1:80", "[::1]", "*",
		"10.0.0.0/99999999999999999999"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *const one[] = {"10.0.0.0/8", bad[i], NULL};
		struct weft_http_server_options options = {.service = &service, .proxies = one};

		errno = 0;
		CHECK(!weft_http_server_new(&options));
		CHECK_INT(errno, ==, EINVAL);
	}
}

CHECK_MAIN()
