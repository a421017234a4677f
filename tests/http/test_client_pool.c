/*
 * test_client_pool.c - tests src/http/client.c and fetch.c: connections that are kept, shared
 * and lost.
 *
 * check: tsan drivers
 */
#include "http/fetched.h"

#include "descriptors.h"
#include "weft/http.h"
#include "weft/scope.h"
#include "weft/thread.h"

#define HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

/* ---- Lost --------------------------------------------------------------------------- */

BOTH_CASE(a_request_that_may_be_repeated_is_when_its_kept_connection_was_closed)
{
	static const struct turn turns[] = {SAYS(EMPTY), SAYS("", .does = CLOSES), SAYS(HI),
		SAYS("", .does = RESETS), SAYS(HI), SAYS("", .body_len = 4, .does = CLOSES),
		SAYS(HI, .body_len = 4)};

	START(turns);
	client = weft_http_client_new(NULL);
	get("/", NULL, "");
	get("/", NULL, "hi");
	get("/", NULL, "hi");
	get("/", &(struct weft_http_fetch_options){.method = "PUT", .body = "data", .body_len = 4},
		"hi");
	weft_http_client_free(client);
	scripted_end(&server);
	CHECK_INT(server.connections, ==, 4);
}

BOTH_CASE(it_is_repeated_once_and_on_a_new_connection_never)
{
	static const struct turn turns[] = {SAYS(EMPTY), SAYS("", .does = CLOSES),
		SAYS("", .does = CLOSES), SAYS("", .does = CLOSES), SAYS(EMPTY)};
	struct weft_http_fetch_options options = {.ret_fault = &fault};

	START(turns);
	options.client = client = weft_http_client_new(NULL);
	get("/", NULL, "");
	CHECK_ERRNO(weft_http_get(url("/"), &options), ECONNRESET);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_CUT_OFF);
	CHECK_ERRNO(weft_http_get(url("/"), &options), ECONNRESET);
	get("/", NULL, "");
	weft_http_client_free(client);
	scripted_end(&server);
	CHECK_INT(server.connections, ==, 4);
}

BOTH_CASE(a_post_is_never_repeated)
{
	static const struct turn turns[] = {
		SAYS(EMPTY), SAYS("", .body_len = 4, .does = CLOSES), SAYS(EMPTY)};
	struct weft_http_fetch_options options = {
		.ret_fault = &fault, .body = "data", .body_len = 4};

	START(turns);
	options.client = client = weft_http_client_new(NULL);
	get("/", NULL, "");
	CHECK_ERRNO(weft_http_fetch(url("/"), &options), ECONNRESET);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_CUT_OFF);
	get("/", NULL, "");
	weft_http_client_free(client);
	scripted_end(&server);
}

BOTH_CASE(nothing_is_repeated_once_the_answer_has_begun)
{
	static const struct turn turns[] = {
		SAYS(EMPTY), SAYS("HTTP/1.1 200", .does = CLOSES), SAYS(EMPTY)};
	struct weft_http_fetch_options options = {.ret_fault = &fault};

	START(turns);
	options.client = client = weft_http_client_new(NULL);
	get("/", NULL, "");
	CHECK_ERRNO(weft_http_get(url("/"), &options), EPIPE);
	CHECK_INT(fault.kind, ==, WEFT_HTTP_CUT_OFF);
	get("/", NULL, "");
	weft_http_client_free(client);
	scripted_end(&server);
	CHECK_INT(server.connections, ==, 2);
}

/* ---- Not kept ----------------------------------------------------------------------- */

BOTH_CASE(bytes_that_nobody_asked_for_end_a_connection)
{
	static const struct turn turns[] = {
		SAYS(HI "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", .does = AWAITS_END),
		SAYS("HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\n", .does = AWAITS_END), SAYS(HI)};

	START(turns);
	client = weft_http_client_new(NULL);
	get("/", NULL, "hi");
	CHECK_INT(weft_http_client_idle(client), ==, 0);
	get("/", NULL, "");
	CHECK_INT(weft_http_client_idle(client), ==, 0);
	get("/", NULL, "hi");
	CHECK_INT(weft_http_client_idle(client), ==, 1);
	weft_http_client_free(client);
	scripted_end(&server);
	CHECK_INT(server.connections, ==, 3);
}

BOTH_CASE(a_body_that_was_left_unread_ends_its_connection_unless_it_is_there)
{
	static const struct turn turns[] = {SAYS(HI),
		SAYS("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
		SAYS("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", .does = AWAITS_END)};
	struct weft_http_fetch *made;

	START(turns);
	client = weft_http_client_new(NULL);
	for (int i = 0; i < 2; i++) {
		made = fetch("/", NULL);
		weft_http_fetch_free(made); /* the body came with the head */
		CHECK_INT(weft_http_client_idle(client), ==, 1);
	}
	made = fetch("/", NULL);
	weft_http_fetch_free(made);
	CHECK_INT(weft_http_client_idle(client), ==, 0);
	weft_http_client_free(client);
	scripted_end(&server);
	CHECK_INT(server.connections, ==, 1);
}

CHECK_CASE(who_wants_no_connection_kept_has_none)
{
	static const struct turn turns[] = {SAYS(HI, .does = AWAITS_END), SAYS(HI)};
	const struct weft_http_client_options options = {.no_keep_alive = true, .user_agent = ""};

	START(turns);
	client = weft_http_client_new(&options);
	get("/", NULL, "hi");
	get("/", NULL, "hi");
	CHECK_INT(weft_http_client_idle(client), ==, 0);
	weft_http_client_free(client);
	scripted_end(&server);
	CHECK(scripted_heard(
		&server, 0, "GET / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"));
}

/* ---- Bounds ------------------------------------------------------------------------- */

/* So many fetches at a time, each on a connection of its own; then they are kept, or not. */
static void fetch_at_once(unsigned count)
{
	struct weft_http_fetch *made[8];

	for (unsigned i = 0; i < count; i++)
		made[i] = fetch("/", NULL);
	for (unsigned i = 0; i < count; i++)
		weft_http_fetch_free(made[i]);
}

CHECK_CASE(so_many_connections_are_kept_and_no_more)
{
	static const struct turn turns[] = {SAYS(HI, .does = LEAVES), SAYS(HI, .does = LEAVES),
		SAYS(HI, .does = LEAVES), SAYS(HI, .does = LEAVES)};
	struct weft_http_client_options options = {.idle_per_host_max = 3};

	START(turns);
	client = weft_http_client_new(&options);
	fetch_at_once(4);
	CHECK_INT(weft_http_client_idle(client), ==, 3);
	weft_http_client_free(client);
	scripted_end(&server);
	START(turns);
	options.idle_max = 2;
	client = weft_http_client_new(&options);
	fetch_at_once(4);
	CHECK_INT(weft_http_client_idle(client), ==, 2);
	weft_http_client_free(client);
	scripted_end(&server);
	CHECK_INT(server.connections, ==, 4);
	options.idle_max = 4097;
	CHECK_ERRNO(weft_http_client_new(&options), EINVAL);
}

CHECK_CASE(hosts_do_not_share_connections)
{
	static const struct turn turns[] = {SAYS(HI), SAYS(HI)};
	static struct scripted other;
	struct weft_http_fetch_options options = {0};
	struct weft_http_fetch *made;

	START(turns);
	scripted_start(&other, turns, 2);
	options.client = client = weft_http_client_new(NULL);
	for (int i = 0; i < 2; i++) {
		get("/", NULL, "hi");
		made = weft_http_get(other.url, &options);
		expect_body(made, "hi");
		weft_http_fetch_free(made);
		CHECK_INT(weft_http_client_idle(client), ==, 2);
	}
	weft_http_client_free(client);
	scripted_end(&server);
	scripted_end(&other);
}

/* ---- Shared ------------------------------------------------------------------------- */

#define FETCHERS 16
#define ROUNDS   20

static char address[WEFT_ADDRESS_TEXT_MAX];

/* Says its path, and how many bytes of a body came with it. */
static int on_any(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	char bytes[512], text[64];
	ssize_t some;
	size_t len = 0;

	(void)arg;
	while ((some = weft_http_request_read(request, bytes, sizeof(bytes))) > 0)
		len += (size_t)some;
	if (some < 0)
		return -1;
	snprintf(text, sizeof(text), "%s %zu", weft_http_request_path(request), len);
	return weft_http_response_send(
		response, 200, &(struct weft_http_content){"text/plain", text, strlen(text)});
}

static int fetch_often(void *arg)
{
	struct weft_http_fault why;
	struct weft_http_fetch_options options = {.client = client, .ret_fault = &why};
	char target[256], expected[64];
	static const char body[3000];

	for (intptr_t i = 0; i < ROUNDS; i++) {
		size_t len = (size_t)(((intptr_t)arg * 131 + i * 17) % 3000);
		struct weft_http_fetch *made;

		snprintf(expected, sizeof(expected), "/%d/%d %zu", (int)(intptr_t)arg, (int)i, len);
		snprintf(target, sizeof(target), "http://%s/%d/%d", address, (int)(intptr_t)arg,
			(int)i);
		options.body = body;
		options.body_len = (int64_t)len;
		made = weft_http_fetch(target, &options);
		if (!made)
			check_fail(__FILE__, __LINE__, "%s (errno %d)", why.text, errno);
		expect_body(made, expected);
		weft_http_fetch_free(made);
	}
	return 0;
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

static int share(void *arg)
{
	static const struct weft_http_service service = {.on_get = on_any, .on_post = on_any};
	const struct weft_http_server_options options = {.service = &service};
	struct site site = {weft_http_server_new(&options), weft_listener_new("127.0.0.1:0", NULL)};
	weft_fiber_id runner, fibers[FETCHERS];
	struct weft_thread *threads[2];

	weft_address_print(weft_listener_address(site.listener), address, sizeof(address));
	runner = weft_spawn(run_site, &site);
	client = weft_http_client_new(NULL);
	for (intptr_t i = 0; i < 2; i++) {
		threads[i] = weft_thread_new(NULL, fetch_often, (void *)(FETCHERS + i));
		CHECK_INT(weft_thread_start(threads[i]), ==, 0);
	}
	for (intptr_t i = 0; i < FETCHERS; i++)
		fibers[i] = weft_spawn(fetch_often, (void *)i);
	for (intptr_t i = 0; i < FETCHERS; i++)
		CHECK_INT(weft_join(fibers[i], NULL, WEFT_FOREVER), ==, 0);
	for (intptr_t i = 0; i < 2; i++) {
		CHECK_INT(weft_thread_join(threads[i], NULL, WEFT_FOREVER), ==, 0);
		weft_thread_free(threads[i]);
	}
	CHECK_INT(weft_http_client_idle(client), >, 0);
	CHECK_INT(weft_http_client_idle(client), <=, 8);
	weft_http_client_free(client);
	weft_http_server_stop(site.server);
	CHECK_INT(weft_join(runner, NULL, WEFT_FOREVER), ==, 0);
	weft_listener_free(site.listener);
	weft_http_server_free(site.server);
	return (int)(intptr_t)arg;
}

CHECK_CASE(fibers_of_all_workers_and_threads_share_a_client)
{
	const struct weft_run_options four = {.workers = 4};
	int before = descriptors();

	CHECK_INT(weft_run(&four, share, NULL), ==, 0);
	CHECK_INT(descriptors(), ==, before);
}

CHECK_MAIN()
