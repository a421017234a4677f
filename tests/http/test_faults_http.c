/*
 * test_faults_http.c - memory, descriptors and threads are refused to an HTTP server that
 * shares a folder: an answer is whole, an error's page, or its connection ends.
 * check: drivers
 */
#include "faults.h"

#ifdef HAS_FAULTS

#include <unistd.h>

#include "io/place.h"
#include "weft/http_auth.h"
#include "weft/http_files.h"
#include "weft/http_metrics.h"
#include "weft/socket.h"

struct world {
	struct weft_http_files *files;
	struct weft_http_log *log;
	struct weft_http_metrics *metrics;
	struct weft_http_server *server;
	struct weft_listener *listener;
};

static int serve(void *arg)
{
	struct world *world = arg;

	if (!FAULTS_TRY(weft_http_server_run(world->server, world->listener) == 0))
		weft_shutdown(weft_listener_fd(world->listener), SHUT_RDWR);
	return 0;
}

/* The status of the answer, 0 where the connection ended before it. */
static int ask(const char *address, const char *path)
{
	struct weft_stream *stream = weft_stream_connect(address);
	const char *line;
	ssize_t len = -1;
	int status = 0;

	FAULTS_TRY(stream != NULL || errno == ECONNREFUSED || errno == ECONNRESET);
	if (!stream)
		return 0;
	if (weft_stream_printf(stream,
		    "GET %s HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, br\r\n"
		    "Connection: close\r\n\r\n",
		    path) == 0 &&
		weft_stream_flush(stream) == 0)
		len = weft_stream_readline(stream, &line);
	FAULTS_TRY(len >= 0 || errno == ECONNRESET || errno == EPIPE);
	if (len > 0) {
		CHECK(memcmp(line, "HTTP/1.1 ", 9) == 0);
		status = (int)strtol(line + 9, NULL, 10);
	}
	weft_stream_free(stream);
	return status;
}

static bool is_usual(int status)
{
	return status == 0 || status == 200 || status == 500 || status == 503;
}

static void use_server(struct world *world)
{
	char address[WEFT_ADDRESS_TEXT_MAX];
	weft_fiber_id server;

	weft_address_print(weft_listener_address(world->listener), address, sizeof(address));
	server = weft_spawn(serve, world);
	if (!FAULTS_TRY(server != 0))
		return;
	CHECK(is_usual(ask(address, "/file")));
	CHECK(is_usual(ask(address, "/")));
	CHECK(is_usual(ask(address, "/file?again")));
	CHECK(is_usual(ask(address, "/text.txt")));
	CHECK(is_usual(ask(address, "/twin.txt?download")));
	CHECK(is_usual(ask(address, "/?sort=size")));
	CHECK(is_usual(ask(address, "/nowhere")));
	weft_http_server_stop(world->server);
	CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
}

/* Everybody, who is called by a name that needs memory. */
static int let_in(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	(void)response;
	(void)arg;
	return weft_http_request_set_user(request, "anybody") == 0 ? 0 : 503;
}

static int use_http(void *arg)
{
	static const char *const rules[] = {"*.txt=60", NULL};
	struct weft_http_files_options shared = {
		.cache_rules = rules, .cors_origin = "*", .fallback_page = "file"};
	struct world world = {.files = weft_http_files_new(place("."), &shared)};
	const struct weft_http_service guarded = {
		.authorise = let_in, .parent = &weft_http_files_service, .parent_arg = world.files};
	struct weft_http_server_options options = {
		.service = &guarded, .rate = 1000, .connections_per_client = 1000};

	(void)arg;
	if (FAULTS_TRY(world.files != NULL)) {
		world.log = options.access_log = weft_http_log_new("/dev/null", NULL);
		FAULTS_TRY(world.log != NULL);
		world.metrics = options.metrics = weft_http_metrics_new();
		FAULTS_TRY(world.metrics != NULL);
		world.server = weft_http_server_new(&options);
		FAULTS_TRY(world.server != NULL);
		world.listener = weft_listener_new(own_address(), NULL);
		FAULTS_TRY(world.listener != NULL);
		if (world.server && world.listener)
			use_server(&world);
	}
	weft_listener_free(world.listener);
	weft_http_server_free(world.server);
	weft_http_metrics_free(world.metrics);
	weft_http_log_free(world.log);
	weft_http_files_free(world.files);
	return 0;
}

CHECK_CASE(a_server_of_files_answers_as_well_as_it_can)
{
	char text[2001] = "";

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = "some text\n"[i % 10];
	place_write("file", "some content");
	place_write("text.txt", text);
	place_write("twin.txt", "some text");
	place_write("twin.txt.br", "as if it were brotli");
	usleep(100000); /* what has just changed is not compressed */
	CHECK_INT(faults_sweep_in_run(use_http), >, 20);
}

#else

CHECK_CASE(faults_are_met_in_the_release_build_only)
{
}

#endif

CHECK_MAIN()
