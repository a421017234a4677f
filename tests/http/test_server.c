/*
 * test_server.c - tests src/http/server.c, connection.c and response.c: a server inside the test.
 *
 * check: tsan drivers waits
 */
#include "check.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "http/limits.h"
#include "weft/fiber.h"
#include "weft/http_files.h"

/* ---- A server and a peer in one process ----------------------------------------------- */

struct world {
	const struct weft_http_service *service;
	void *arg;
	struct weft_http_log *log;
	void (*visit)(struct world *world);
	struct weft_http_server *server;
	struct weft_listener *listener;
	char address[WEFT_ADDRESS_TEXT_MAX];
};

static int run_server(void *arg)
{
	struct world *world = arg;

	return weft_http_server_run(world->server, world->listener);
}

static int run_world(void *arg)
{
	struct world *world = arg;
	struct weft_http_server_options options = {
		.service = world->service, .arg = world->arg, .access_log = world->log};
	weft_fiber_id runner;
	int result = -1;

	world->server = weft_http_server_new(&options);
	world->listener = weft_listener_new("127.0.0.1:0", NULL);
	CHECK(world->server && world->listener);
	weft_address_print(
		weft_listener_address(world->listener), world->address, sizeof(world->address));
	runner = weft_spawn(run_server, world);
	CHECK(runner != 0);
	world->visit(world);
	weft_http_server_stop(world->server);
	weft_http_server_stop(world->server); /* twice is once */
	CHECK_INT(weft_join(runner, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	weft_listener_free(world->listener);
	weft_http_server_free(world->server);
	return 0;
}

static void run(struct world *world)
{
	struct weft_run_options options = {.workers = 4};

	CHECK_INT(weft_run(&options, run_world, world), ==, 0);
}

/* Send a request on a connection of its own and read to the end. */
static const char *ask(struct world *world, const char *request)
{
	static char reply[65536];
	struct weft_stream *stream = weft_stream_connect(world->address);
	size_t len = 0;
	ssize_t count;

	CHECK(stream != NULL);
	CHECK_INT(weft_stream_write_all(stream, request, strlen(request)), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	while ((count = weft_stream_read(stream, reply + len, sizeof(reply) - 1 - len)) > 0)
		len += (size_t)count;
	CHECK_INT(count, ==, 0);
	reply[len] = '\0';
	weft_stream_free(stream);
	return reply;
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

#define ASK(target) "GET " target " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"

/* ---- A service ---------------------------------------------------------------------------- */

static int on_get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const char *path = weft_http_request_path(request);
	struct weft_http_text query = weft_http_request_query(request);
	struct weft_http_content content = {"text/plain", "hello", 5};

	(void)arg;
	if (strcmp(path, "/teapot") == 0)
		return 418;
	if (strcmp(path, "/no error") == 0)
		return 200;
	if (strcmp(path, "/no status") == 0)
		return 1000;
	if (strcmp(path, "/forget") == 0)
		return 0;
	if (strcmp(path, "/give up") == 0)
		return -1;
	if (strcmp(path, "/elsewhere") == 0)
		return weft_http_response_redirect(response, 303, "/there");
	if (strcmp(path, "/twice") == 0)
		CHECK_INT(weft_http_response_send(response, 200, &content), ==, 0);
	if (strcmp(path, "/twice") == 0) {
		CHECK_ERRNO(weft_http_response_send(response, 200, &content), EALREADY);
		CHECK_ERRNO(weft_http_response_field(response, "X", "y"), EALREADY);
		return 0;
	}
	if (query.data) {
		CHECK_INT(query.len, ==, 3);
		CHECK_INT(weft_http_request_field(request, "x-ASKED").len, ==, 2);
		CHECK_INT(weft_http_request_host(request).len, ==, 4);
		CHECK_STR(weft_http_request_peer(request), "127.0.0.1");
	}
	CHECK_ERRNO(weft_http_response_field(response, "X", "a\r\nY: b"), EINVAL);
	CHECK_ERRNO(weft_http_response_field(response, "X:", "a"), EINVAL);
	CHECK_ERRNO(weft_http_response_field(response, "", "a"), EINVAL);
	CHECK_ERRNO(weft_http_response_field(response, "Content-length", "3"), EINVAL);
	CHECK_ERRNO(weft_http_response_field(response, "Transfer-Encoding", "chunked"), EINVAL);
	CHECK_ERRNO(weft_http_response_send(response, 199, NULL), EINVAL);
	CHECK_ERRNO(weft_http_response_redirect(response, 304, "/"), EINVAL);
	CHECK_INT(weft_http_response_field(response, "X-Answer", "42"), ==, 0);
	return weft_http_response_send(response, 200, &content);
}

static const struct weft_http_service plain = {.on_get = on_get};

static void visit_handlers(struct world *world)
{
	const char *reply = ask(world, "GET /a?x=1 HTTP/1.1\r\nHost: test\r\nX-Asked: ok\r\n"
				       "Connection: close\r\n\r\n");

	CHECK(has(reply, "HTTP/1.1 200 OK\r\n"));
	CHECK(has(reply, "\r\nX-Answer: 42\r\n"));
	CHECK(has(reply, "\r\nContent-Length: 5\r\n"));
	CHECK(has(reply, "\r\n\r\nhello"));
	reply = ask(world, "HEAD /a HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
	CHECK(has(reply, "\r\nContent-Length: 5\r\n"));
	CHECK(!has(reply, "hello"));
	CHECK(has(ask(world, ASK("/teapot")), "HTTP/1.1 418 Unknown\r\n"));
	CHECK(has(ask(world, ASK("/forget")), "HTTP/1.1 500 "));
	CHECK(has(ask(world, ASK("/no%20error")), "HTTP/1.1 500 "));
	CHECK(has(ask(world, ASK("/no%20status")), "HTTP/1.1 500 "));
	reply = ask(world, "GET /give%20up HTTP/1.1\r\nHost: test\r\n\r\n");
	CHECK(has(reply, "HTTP/1.1 500 "));
	CHECK(has(reply, "\r\nConnection: close\r\n"));
	reply = ask(world, ASK("/elsewhere"));
	CHECK(has(reply, "HTTP/1.1 303 ") && has(reply, "\r\nLocation: /there\r\n"));
	reply = ask(world, ASK("/twice"));
	CHECK(strstr(reply, "HTTP/1.1") && !strstr(strstr(reply, "HTTP/1.1") + 1, "HTTP/1.1"));
}

CHECK_CASE(a_service_of_one_function_is_a_server)
{
	struct world world = {.service = &plain, .visit = visit_handlers};

	run(&world);
}

/* ---- What a service can replace ---------------------------------------------------------------
 */

static atomic_int logged[600];

static int on_error(struct weft_http_request *request, struct weft_http_response *response,
	const char *why, int status, void *arg)
{
	struct weft_http_content content = {"text/plain", "sorry", 5};

	(void)request;
	(void)arg;
	(void)why;
	if (status == 418) /* an error page that fails falls back to the plain one */
		return weft_http_response_error(response, status, "short & stout");
	return weft_http_response_send(response, status, &content);
}

static void on_log(const struct weft_http_request *request,
	const struct weft_http_response *response, void *arg)
{
	CHECK_INT(weft_http_request_line(request).len, >, 0);
	CHECK(arg == logged);
	atomic_fetch_add(&logged[weft_http_response_status(response)], 1);
}

static const struct weft_http_service dressed = {
	.on_get = on_get, .on_error = on_error, .on_log = on_log};

static void visit_dressed(struct world *world)
{
	CHECK(has(ask(world, ASK("/forget")), "\r\n\r\nsorry"));
	CHECK(has(ask(world, ASK("/give%20up")), "\r\n\r\nsorry"));
	CHECK(has(ask(world, ASK("/teapot")), "short &amp; stout"));
	CHECK(has(ask(world, "nonsense\r\n\r\n"), "\r\n\r\nsorry"));
	CHECK(has(ask(world, ASK("/a")), "\r\n\r\nhello"));
	CHECK(has(ask(world, "PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
		"\r\nAllow: GET, HEAD, OPTIONS\r\n"));
}

CHECK_CASE(error_pages_and_the_log_can_be_the_services_own)
{
	struct world world = {.service = &dressed, .arg = logged, .visit = visit_dressed};

	run(&world);
	CHECK_INT(atomic_load(&logged[500]), ==, 2);
	CHECK_INT(atomic_load(&logged[418]), ==, 1);
	CHECK_INT(atomic_load(&logged[400]), ==, 1);
	CHECK_INT(atomic_load(&logged[200]), ==, 1);
	CHECK_INT(atomic_load(&logged[405]), ==, 1);
}

CHECK_CASE(a_server_needs_a_service)
{
	struct weft_http_server_options options = {0};

	CHECK_ERRNO(weft_http_server_new(NULL), EINVAL);
	CHECK_ERRNO(weft_http_server_new(&options), EINVAL);
}

/* ---- Files, by many at once
 * ----------------------------------------------------------------------- */

#define CLIENTS  16
#define REQUESTS 40

static int visit_often(void *arg)
{
	struct world *world = arg;
	struct weft_stream *stream = weft_stream_connect(world->address);
	const char *line;
	ssize_t len;

	CHECK(stream != NULL);
	for (int i = 0; i < REQUESTS; i++) {
		char body[5];

		CHECK_INT(weft_stream_printf(stream, "GET /a.txt HTTP/1.1\r\nHost: t\r\n\r\n"), ==,
			0);
		CHECK_INT(weft_stream_flush(stream), ==, 0);
		do {
			len = weft_stream_readline(stream, &line);
			CHECK_INT(len, >, 0);
		} while (len > 2);
		CHECK_INT(weft_stream_read_exactly(stream, body, sizeof(body)), ==, 0);
		CHECK_MEM(body, "hello", 5);
	}
	weft_stream_free(stream);
	return 0;
}

static void visit_by_many(struct world *world)
{
	weft_fiber_id clients[CLIENTS];

	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = weft_spawn(visit_often, world);
		CHECK(clients[i] != 0);
	}
	CHECK_INT(weft_join_all(clients, CLIENTS, NULL, WEFT_FOREVER), ==, CLIENTS);
}

static void make_folder(char *ret_dir, char *ret_log)
{
	char path[64];
	int fd;

	memcpy(ret_dir, "/tmp/weft-test-XXXXXX", 22);
	CHECK(mkdtemp(ret_dir) != NULL);
	snprintf(path, sizeof(path), "%s/a.txt", ret_dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	CHECK(fd >= 0 && write(fd, "hello", 5) == 5);
	close(fd);
	snprintf(ret_log, 64, "%s/.log", ret_dir);
}

static int count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	int c, lines = 0;

	CHECK(file != NULL);
	while ((c = getc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines;
}

CHECK_CASE(many_clients_of_four_workers_get_the_file_and_a_line_each_time)
{
	char dir[32], log_path[64], path[64];
	struct world world = {.service = &weft_http_files_service, .visit = visit_by_many};

	make_folder(dir, log_path);
	world.arg = weft_http_files_new(dir, NULL);
	world.log = weft_http_log_new(log_path, NULL);
	CHECK(world.arg && world.log);
	run(&world);
	weft_http_files_free(world.arg);
	weft_http_log_free(world.log);
	CHECK_INT(count_lines(log_path), ==, CLIENTS * REQUESTS);
	unlink(log_path);
	snprintf(path, sizeof(path), "%s/a.txt", dir);
	unlink(path);
	rmdir(dir);
}

CHECK_CASE(a_folder_or_a_log_that_is_not_there_is_said)
{
	CHECK_ERRNO(weft_http_files_new("/nothing/there", NULL), ENOENT);
	CHECK_ERRNO(weft_http_files_new("/etc/passwd", NULL), ENOTDIR);
	CHECK_ERRNO(weft_http_log_new("/nothing/there", NULL), ENOENT);
	weft_http_files_free(NULL);
	weft_http_log_free(NULL);
	weft_http_server_free(NULL);
}

/* ---- Parked connections --------------------------------------------------------------------- */

#define SILENT 64 /* far more than fibers of the server itself */

static void ask_again(struct weft_stream *stream)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
	const char *line;

	CHECK_INT(weft_stream_write_all(stream, request, sizeof(request) - 1), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	do
		CHECK_INT(weft_stream_readline(stream, &line), >, 0);
	while (line[0] != '\r');
	CHECK_INT(weft_stream_peek(stream, 5, &line), ==, 5);
	weft_stream_consume(stream, 5);
}

static void visit_silent(struct world *world)
{
	struct weft_stream *streams[SILENT];
	size_t before = weft_fiber_count();
	char byte;

	for (int i = 0; i < SILENT; i++) {
		streams[i] = weft_stream_connect(world->address);
		CHECK(streams[i] != NULL);
		ask_again(streams[i]);
	}
	while (weft_fiber_count() >= before + SILENT / 2)
		weft_sleep(WEFT_MILLISECONDS(10));
	for (int i = 0; i < SILENT; i++)
		ask_again(streams[i]);
	while (weft_fiber_count() >= before + SILENT / 2)
		weft_sleep(WEFT_MILLISECONDS(10));
	weft_http_server_stop(world->server);
	for (int i = 0; i < SILENT; i++) {
		CHECK_INT(weft_stream_read(streams[i], &byte, 1), ==, 0);
		weft_stream_free(streams[i]);
	}
}

CHECK_CASE(silent_connections_give_their_fibers_back_and_answer_on)
{
	struct world world = {.service = &plain, .visit = visit_silent};

	run(&world);
}

/* ---- Answers without an end ------------------------------------------------------------------ */

static int tell_for_ever(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	(void)request;
	(void)arg;
	if (weft_http_response_begin(response, 200, "text/plain", WEFT_HTTP_LEN_UNKNOWN) < 0)
		return -1;
	while (!weft_http_response_is_stopping(response))
		if (weft_http_response_write(response, "on, ", 4) < 0 ||
			weft_http_response_flush(response) < 0 ||
			weft_sleep(WEFT_MILLISECONDS(1)) < 0)
			return -1;
	return weft_http_response_write(response, "off", 3);
}

static void visit_endless(struct world *world)
{
	struct weft_stream *stream = weft_stream_connect(world->address);
	static char reply[65536];
	ssize_t some;
	size_t len = 0;

	CHECK(stream != NULL);
	CHECK_INT(weft_stream_write_all(stream, ASK("/"), sizeof(ASK("/")) - 1), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	CHECK_INT(weft_stream_read(stream, reply, sizeof(reply)), >, 0);
	weft_http_server_stop(world->server);
	while ((some = weft_stream_read(stream, reply + len, sizeof(reply) - 1 - len)) > 0)
		len += (size_t)some;
	reply[len] = '\0';
	CHECK(has(reply, "off\r\n0\r\n\r\n")); /* not cut off */
	weft_stream_free(stream);
}

CHECK_CASE(an_answer_without_an_end_can_see_a_stop_and_end_well)
{
	static const struct weft_http_service service = {.on_get = tell_for_ever};
	struct world world = {.service = &service, .visit = visit_endless};

	run(&world);
}

/* ---- Many requests at once ------------------------------------------------------------------- */

#define AT_ONCE 300

static int served, served_before_others;

static int look(void *arg)
{
	(void)arg;
	served_before_others = served;
	return 0;
}

static int count_up(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_http_content content = {"text/plain", "hello", 5};

	(void)request;
	(void)arg;
	if (++served == 1)
		CHECK(weft_spawn(look, NULL) != 0);
	return weft_http_response_send(response, 200, &content);
}

static void visit_with_many(struct world *world)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: t\r\n\r\n";
	static char reply[AT_ONCE * 200];
	struct weft_stream *stream = weft_stream_connect(world->address);

	CHECK(stream != NULL);
	for (int i = 0; i < AT_ONCE; i++)
		CHECK_INT(weft_stream_write_all(stream, request, sizeof(request) - 1), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	while (served < AT_ONCE)
		CHECK_INT(weft_stream_read(stream, reply, sizeof(reply)), >, 0);
	weft_stream_free(stream);
	CHECK_INT(served_before_others, >, 0);
	CHECK_INT(served_before_others, <=, 2 * WEFT__HTTP_PIPELINED_TURN);
}

CHECK_CASE(who_sends_many_requests_at_once_lets_others_go_between)
{
	static const struct weft_http_service service = {.on_get = count_up};
	struct weft_run_options options = {.workers = 1};
	struct world world = {.service = &service, .visit = visit_with_many};

	CHECK_INT(weft_run(&options, run_world, &world), ==, 0);
}

CHECK_MAIN()
