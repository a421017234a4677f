/*
 * test_hosts.c - src/http/hosts.c: a server answers for its own names, so that no other site's name
 * can lead to it.
 */
#include "http/hosts.h"

#include "http/site.h"
#include "io/stream.h"

static const char *const names[] = {"files.example", "*.wild.example", NULL};

/* Whether a request is served that has come by the loopback, or by an address of this machine. */
static bool is_served(const char *host, bool is_by_loopback)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr = {htonl(is_by_loopback ? INADDR_LOOPBACK : 0)}};
	struct weft_stream stream = {.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
	struct weft_http_request request;
	char head[300];
	bool is;

	CHECK_INT(bind(stream.fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	stream.accepted.len = sizeof(address);
	snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host);
	weft__http_request_init(&request, &stream);
	CHECK_INT(weft__http_request_take(&request, head, strlen(head)), ==, WEFT__HTTP_DONE);
	is = weft__http_hosts_have(names, &request);
	CHECK(weft__http_hosts_have(names, &request) == is);
	weft__http_request_fini(&request);
	close(stream.fd);
	return is;
}

CHECK_CASE(addresses_localhost_and_the_given_names_are_served_and_no_others)
{
	static const char *const good[] = {"127.0.0.1", "127.0.0.1:8080", "127.9.9.9", "192.0.2.1",
		"0.0.0.0", "[::1]", "[::1]:8080", "[2001:db8::1]:80", "localhost", "LocalHost:8080",
		"localhost.", "app.localhost:1", "files.example", "FILES.example:80",
		"files.example.", "a.wild.example", "a.b.wild.example"};
	static const char *const bad[] = {"evil.example", "evil.example:8080", "files.example.evil",
		"xfiles.example", "a.files.example", "wild.example", "xwild.example",
		"localhost.evil.example", "127.0.0.1.evil.example", "127.0.0", "1.2.3.4.5",
		"256.1.1.1", ".localhost", "evillocalhost.example", "1.2.3.4..",
		"evil.local.example", "evil.lan.", "nas", "nas.local"};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!is_served(good[i], true) || !is_served(good[i], false))
			check_fail(__FILE__, __LINE__, "%s is not served", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (is_served(bad[i], true))
			check_fail(__FILE__, __LINE__, "%s is served", bad[i]);
}

CHECK_CASE(names_of_the_local_network_are_served_but_not_on_the_loopback)
{
	static const char *const nearby[] = {
		"nas", "NAS:8080", "nas.local", "nas.lan", "a.nas.home.arpa.", "nas.internal"};
	static const char *const bad[] = {
		"evil.example", "nas.local.evil", "nas.localx", "arpa.example", ".local"};

	for (size_t i = 0; i < sizeof(nearby) / sizeof(*nearby); i++)
		CHECK(is_served(nearby[i], false) && !is_served(nearby[i], true));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(!is_served(bad[i], false));
}

static int hello(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	(void)request;
	(void)arg;
	return weft_http_response_send(
		response, 200, &(struct weft_http_content){"text/plain", "hello", 5});
}

static const struct weft_http_service service = {.on_get = hello};

#define GET(host) "GET / HTTP/1.1\r\nHost: " host "\r\n\r\n"
#define LAST      "GET / HTTP/1.0\r\n\r\n"

static unsigned count_of(const char *text, const char *part)
{
	unsigned count = 0;

	for (; (text = strstr(text, part)); text++)
		count++;
	return count;
}

CHECK_CASE(another_host_is_421_with_the_sentence_of_the_server_and_the_connection_goes_on)
{
	const char *answers;

	site.options.hosts = names;
	site.options.host_complaint = "Start it with --host.";
	site_open(&service);
	/* The same head twice, and then another in its place: none is taken for the other. */
	answers = ask(GET("evil.example") GET("evil.example") GET("files.example")
			GET("files.example") GET("evil.example") LAST);
	CHECK_INT(count_of(answers, "HTTP/1.1 421 Misdirected Request\r\n"), ==, 3);
	CHECK_INT(count_of(answers, "Start it with --host."), ==, 3);
	CHECK_INT(count_of(answers, "HTTP/1.1 200 OK\r\n"), ==, 3);
	/* The target's host beats the field. */
	CHECK(has(
		ask("GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n" LAST), " 421 "));
	CHECK(has(ask("OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n" LAST), " 421 "));
	site_close();
}

CHECK_CASE(without_names_every_host_is_served)
{
	site_open(&service);
	CHECK_INT(count_of(ask(GET("evil.example") LAST), " 200 "), ==, 2);
	site_close();
}

CHECK_CASE(peers_of_a_unix_socket_need_no_name)
{
	char path[64], address[80];

	snprintf(path, sizeof(path), "/tmp/weft-hosts-%d", (int)getpid());
	unlink(path); /* of one that died */
	snprintf(address, sizeof(address), "unix:%s", path);
	site.address = address;
	site.options.hosts = names;
	site_open(&service);
	CHECK_INT(count_of(ask(GET("evil.example") LAST), " 200 "), ==, 2);
	site_close();
	unlink(path);
}

CHECK_CASE(what_is_no_host_name_is_refused_at_the_start)
{
	static const char *const bad[] = {"", "*", "*.", ".", "a..b", "a.", ".a", "a b", "a:80",
		"*a.example", "a.*.example", "http://a", "[::1]"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *const one[] = {"good.example", bad[i], NULL};
		struct weft_http_server_options options = {.service = &service, .hosts = one};

		errno = 0;
		CHECK(!weft_http_server_new(&options));
		CHECK_INT(errno, ==, EINVAL);
	}
}

CHECK_MAIN()
