/*
 * test_client_tls.c - tests src/http/client_connect.c: https, Unix sockets, and who is believed.
 */
#include "io/tls_pair.h"

#include "http/fetched.h"

static struct pair pair;
static struct weft_http_fetch_options options = {.ret_fault = &fault};

/* One answer for each line of script, over TLS; the script is the pair's handler's. */
static const char *const *script;
static char heard[8][2048];

static int say_lines(struct weft_stream *peer, void *arg)
{
	static unsigned turn;
	const char *line;
	ssize_t len;

	(void)arg;
	while (script[turn]) {
		size_t at = 0;

		while ((len = weft_stream_readline(peer, &line)) > 2) {
			CHECK(at + (size_t)len < sizeof(heard[0]));
			memcpy(heard[turn] + at, line, (size_t)len);
			at += (size_t)len;
		}
		if (len <= 0)
			return 0;
		say(peer, script[turn]);
		if (strstr(script[turn++], "Connection: close"))
			return weft_stream_shutdown_write(peer);
	}
	return 0;
}

static void site_start(unsigned connections, const char *const *replies)
{
	script = replies;
	pair_prepare(&pair);
	pair.handler = say_lines;
	pair.connections = connections;
	pair_start(&pair, NULL, NULL);
	client = weft_http_client_new(&(struct weft_http_client_options){.tls = pair.client_tls});
	options.client = client;
}

static void site_end(void)
{
	weft_http_client_free(client);
	pair_end(&pair);
}

static const char *secure(const char *host, const char *target)
{
	static char text[256];

	snprintf(text, sizeof(text), "https://%s:%s%s", host, strrchr(pair.address, ':') + 1,
		target);
	return text;
}

#define HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

BOTH_CASE(https_is_fetched_and_its_connection_kept)
{
	static const char *const replies[] = {
		HI, HI, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi", NULL};
	struct weft_http_fetch *made;

	site_start(1, replies);
	for (int i = 0; i < 3; i++) {
		made = weft_http_get(secure("127.0.0.1", "/a"), &options);
		if (!made)
			check_fail(__FILE__, __LINE__, "%s", fault.text);
		expect_body(made, "hi");
		weft_http_fetch_free(made);
		CHECK_INT(weft_http_client_idle(client), ==, i < 2);
	}
	site_end();
	CHECK(strstr(heard[2], "GET /a HTTP/1.1\r\nHost: 127.0.0.1:"));
}

/* The head by itself, then the body and more than that in one record. */
static int say_too_much(struct weft_stream *peer, void *arg)
{
	static char body[6000 + 100];
	const char *line;

	(void)arg;
	memset(body, 'x', 6000);
	snprintf(body + 6000, 100, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
	while (weft_stream_readline(peer, &line) > 2)
		continue;
	say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 6000\r\n\r\n");
	say(peer, body);
	return (int)weft_stream_readline(peer, &line); /* the client's end */
}

BOTH_CASE(bytes_that_nobody_asked_for_end_a_connection_of_tls)
{
	static const char *const replies[] = {NULL};
	struct weft_http_fetch *made;
	char bytes[8192];
	size_t len;

	site_start(0, replies);
	peer_end(pair.thread);
	pair.handler = say_too_much;
	pair.connections = 2;
	pair.thread = peer_start(pair_serve, &pair);
	for (size_t size = 6000; size <= sizeof(bytes); size += sizeof(bytes) - 6000) {
		made = weft_http_get(secure("127.0.0.1", "/"), &options);
		CHECK(made != NULL);
		for (len = 0; len < 6000;)
			len += (size_t)weft_http_fetch_read(made, bytes, size);
		CHECK_INT(len, ==, 6000);
		CHECK_INT(weft_http_client_idle(client), ==, 0);
		weft_http_fetch_free(made);
	}
	site_end();
}

BOTH_CASE(a_certificate_for_somebody_else_is_not_believed)
{
	static const char *const replies[] = {NULL};

	site_start(1, replies);
	certificate_make(
		&pair.authority, "server", &(struct certificate){.hosts = "DNS:other.test"});
	weft_tls_reload(pair.server_tls, NULL);
	CHECK_ERRNO(weft_http_get(secure("127.0.0.1", "/"), &options), EPROTO);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_NO_TLS);
	CHECK(fault.text[0]);
	site_end();
}

CHECK_CASE(who_is_vouched_for_by_nobody_is_not_believed_by_default)
{
	static const char *const replies[] = {NULL};

	site_start(1, replies);
	options.client = NULL; /* the system's authorities */
	CHECK_ERRNO(weft_http_get(secure("127.0.0.1", "/"), &options), EPROTO);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_NO_TLS);
	site_end();
}

static int say_half(struct weft_stream *peer, void *arg)
{
	const char *line;

	(void)arg;
	while (weft_stream_readline(peer, &line) > 2)
		continue;
	say(peer, "HTTP/1.1 200 OK\r\n\r\nhalf");
	/* Behind TLS's back. */
	return shutdown(weft_stream_fd(peer), SHUT_RDWR);
}

BOTH_CASE(a_connection_that_is_cut_is_no_end_of_a_body)
{
	static const char *const replies[] = {NULL};
	struct weft_http_fetch *made;
	char *data;

	site_start(0, replies);
	peer_end(pair.thread);
	pair.handler = say_half;
	pair.connections = 1;
	pair.thread = peer_start(pair_serve, &pair);
	made = weft_http_get(secure("127.0.0.1", "/"), &options);
	CHECK(made != NULL);
	CHECK_ERRNO(weft_http_fetch_read_all(made, 100, &data), EPROTO);
	CHECK_INT(weft_http_fetch_fault(made)->kind, ==, WEFT_HTTP_CUT_OFF);
	weft_http_fetch_free(made);
	site_end();
}

/* One answer a connection; the next request is read, and not answered. */
static int say_once(struct weft_stream *peer, void *arg)
{
	const char *line;
	static bool is_rude;

	(void)arg;
	while (weft_stream_readline(peer, &line) > 2)
		continue;
	say(peer, HI);
	while (weft_stream_readline(peer, &line) > 2)
		continue;
	is_rude = !is_rude; /* with close_notify, and without */
	return is_rude ? shutdown(weft_stream_fd(peer), SHUT_RDWR) : 0;
}

BOTH_CASE(a_request_is_repeated_when_its_kept_connection_of_tls_was_closed)
{
	static const char *const replies[] = {NULL};
	struct weft_http_fetch *made;

	site_start(0, replies);
	peer_end(pair.thread);
	pair.handler = say_once;
	pair.connections = 3;
	pair.thread = peer_start(pair_serve, &pair);
	for (int i = 0; i < 3; i++) {
		made = weft_http_get(secure("127.0.0.1", "/"), &options);
		if (!made)
			check_fail(__FILE__, __LINE__, "%s", fault.text);
		expect_body(made, "hi");
		weft_http_fetch_free(made);
		CHECK_INT(weft_http_client_idle(client), ==, 1);
	}
	site_end();
}

/* ---- Redirects between schemes --------------------------------------------------- */

BOTH_CASE(a_redirect_from_https_to_http_is_followed_only_on_demand)
{
	static char reply[256];
	static const char *const replies[] = {reply, reply, NULL};
	static const struct turn turns[] = {SAYS(HI)};
	struct weft_http_fetch *made;

	START(turns);
	snprintf(reply, sizeof(reply),
		"HTTP/1.1 302 Down\r\nLocation: %s/x\r\nContent-Length: 0\r\n\r\n", server.url);
	site_start(1, replies);
	options.user = "secret";
	CHECK_ERRNO(weft_http_get(secure("127.0.0.1", "/"), &options), EACCES);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_REDIRECT_REFUSED);
	options.allows_downgrade = true;
	made = weft_http_get(secure("127.0.0.1", "/"), &options);
	CHECK(made != NULL);
	expect_body(made, "hi");
	CHECK(!weft_http_fetch_url(made)->is_https);
	weft_http_fetch_free(made);
	site_end();
	scripted_end(&server);
	CHECK(strstr(heard[1], "Authorization"));
	CHECK(scripted_has(&server, 0, "GET /x") && !scripted_has(&server, 0, "Authorization"));
}

CHECK_CASE(a_bearer_token_is_told_to_loopback_or_over_tls_only)
{
	static const struct turn turns[] = {SAYS(HI)};
	const struct weft_http_fetch_options bearer = {.bearer = "token"};
	struct weft_http_fetch *made;

	START(turns);
	made = fetch("/", &bearer); /* 127.0.0.1 */
	weft_http_fetch_free(made);
	scripted_end(&server);
	CHECK(scripted_has(&server, 0, "Authorization: Bearer token"));
}

/* ---- Unix sockets -------------------------------------------------------------------- */

static int on_get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	(void)arg;
	if (strcmp(weft_http_request_path(request), "/away") == 0)
		return weft_http_response_redirect(response, 302, "http://elsewhere.test/");
	if (strcmp(weft_http_request_path(request), "/here") == 0)
		return weft_http_response_redirect(response, 302, "/");
	return weft_http_response_send(response, 200,
		&(struct weft_http_content){"text/plain", weft_http_request_host(request).data,
			weft_http_request_host(request).len});
}

struct site {
	struct weft_http_server *server;
	struct weft_listener *listener;
};

static int run_site(void *arg)
{
	struct site *site = arg;

	return weft_http_server_run(site->server, site->listener);
}

static int over_a_path(void *arg)
{
	static const struct weft_http_service service = {.on_get = on_get};
	struct weft_http_fetch_options unix_options = {.unix_path = arg, .ret_fault = &fault};
	char address[160];
	const struct weft_http_server_options server_options = {.service = &service};
	struct site site = {.server = weft_http_server_new(&server_options)};
	struct weft_http_fetch *made;
	weft_fiber_id runner;

	snprintf(address, sizeof(address), "unix:%s", (char *)arg);
	site.listener = weft_listener_new(address, NULL);
	CHECK(site.listener != NULL);
	runner = weft_spawn(run_site, &site);
	unix_options.client = client = weft_http_client_new(NULL);
	unix_options.bearer = "token"; /* nobody can read it there */
	made = weft_http_get("http://some.test:81/here", &unix_options);
	if (!made)
		check_fail(__FILE__, __LINE__, "%s", fault.text);
	expect_body(made, "some.test:81");
	weft_http_fetch_free(made);
	CHECK_INT(weft_http_client_idle(client), ==, 1);
	CHECK_ERRNO(weft_http_get("http://some.test/away", &unix_options), EACCES);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_REDIRECT_REFUSED);
	weft_http_client_free(client);
	weft_http_server_stop(site.server);
	CHECK_INT(weft_join(runner, NULL, WEFT_FOREVER), ==, 0);
	weft_listener_free(site.listener);
	weft_http_server_free(site.server);
	return 0;
}

CHECK_CASE(a_unix_socket_is_fetched_from_whatever_the_host)
{
	char name[64];

	CHECK_INT(weft_run(NULL, over_a_path, (void *)path_of("socket")), ==, 0);
	snprintf(name, sizeof(name), "@weft test of the HTTP client %d", (int)getpid());
	CHECK_INT(weft_run(NULL, over_a_path, name), ==, 0);
}

CHECK_MAIN()
