/*
 * test_client_fork.c - tests src/http/client.c: after fork(2) no connection is used by two.
 */
#include <sys/wait.h>

#include "io/tls_pair.h"

#include "weft/http.h"
#include "weft/http_client.h"
#include "weft/http_metrics.h"

static struct {
	struct pair pair;
	struct weft_http_server *server;
	struct weft_http_metrics *metrics;
	struct weft_http_client *client;
	char url[WEFT_ADDRESS_TEXT_MAX + 20];
	pthread_t thread;
} site;

static int hello(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	(void)request;
	(void)arg;
	return weft_http_response_send(
		response, 200, &(struct weft_http_content){"text/plain", "hello", 5});
}

static int run_site(void *arg)
{
	(void)arg;
	return weft_http_server_run(site.server, site.pair.listener);
}

static void *site_thread(void *arg)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 1}, run_site, NULL), ==, 0);
	return arg;
}

static void get(void)
{
	const struct weft_http_fetch_options options = {.client = site.client};
	struct weft_http_fetch *fetch = weft_http_get(site.url, &options);
	char *data;

	CHECK(fetch);
	CHECK_INT(weft_http_fetch_read_all(fetch, 100, &data), ==, 5);
	free(data);
	weft_http_fetch_free(fetch);
}

static uint64_t accepted(void)
{
	struct weft_http_counts counts;

	weft_http_metrics_read(site.metrics, &counts);
	return counts.connections_accepted;
}

static void in_child(void (*what)(void))
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		what();
		_exit(0);
	}
	CHECK_INT(waitpid(child, &status, 0), ==, child);
	CHECK_INT(status, ==, 0);
}

static void get_and_end(void)
{
	CHECK_INT(weft_http_client_idle(site.client), ==, 0);
	get();
	get();
	CHECK_INT(weft_http_client_idle(site.client), ==, 1);
	weft_http_client_free(site.client);
}

static void just_end(void)
{
	weft_http_client_free(site.client);
}

static void share_client(bool is_secure)
{
	static const struct weft_http_service service = {.on_get = hello};
	struct weft_tls *tls = NULL;
	char address[WEFT_ADDRESS_TEXT_MAX];

	pair_prepare(&site.pair);
	site.pair.server_tls = server_tls(NULL);
	tls = client_tls(NULL);
	site.metrics = weft_http_metrics_new();
	site.server = weft_http_server_new(
		&(struct weft_http_server_options){.service = &service, .metrics = site.metrics});
	CHECK(site.server && site.metrics && tls);
	if (is_secure)
		CHECK_INT(weft_listener_use_tls(site.pair.listener, site.pair.server_tls), ==, 0);
	weft_address_print(weft_listener_address(site.pair.listener), address, sizeof(address));
	snprintf(site.url, sizeof(site.url), "%s://%s/", is_secure ? "https" : "http", address);
	site.client = weft_http_client_new(&(struct weft_http_client_options){.tls = tls});
	site.thread = peer_start(site_thread, NULL);
	get();
	CHECK_INT(accepted(), ==, 1);
	in_child(get_and_end);
	CHECK_INT(accepted(), ==, 2);
	in_child(just_end);
	/* Nothing was said on the parent's. */
	get();
	CHECK_INT(accepted(), ==, 2);
	weft_http_client_free(site.client);
	weft_http_server_stop(site.server);
	peer_end(site.thread);
	weft_http_server_free(site.server);
	weft_http_metrics_free(site.metrics);
	weft_tls_free(tls);
	weft_tls_free(site.pair.server_tls);
	weft_listener_free(site.pair.listener);
	authority_end(&site.pair.authority);
}

CHECK_CASE(a_child_makes_connections_of_its_own_and_the_parent_goes_on_with_its)
{
	share_client(false);
}

CHECK_CASE(the_same_over_tls_where_each_end_has_something_to_say)
{
	share_client(true);
}

CHECK_MAIN()
