/*
 * test_faults_ws.c - memory, descriptors and threads are refused to a WebSocket server and its
 * client: what was agreed on works, or its connection ends.
 * check: drivers
 */
#include "faults.h"

#ifdef HAS_FAULTS

#include "weft/socket.h"
#include "weft/websocket.h"

static const char *const protocols[] = {"echo", NULL};
static struct weft_ws_options options = {.deflates = true, .protocols = protocols};

/* One that can't be had, or is lost, for want of something; also of room for a deadline. */
static bool is_over(int result)
{
	return result >= 0 || faults_is_defined(errno) || errno == ECONNRESET || errno == EPIPE ||
	       errno == EPROTO || errno == ECONNREFUSED || errno == ETIMEDOUT;
}

static int echo(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_ws *ws = weft_ws_accept(request, response, &options);
	struct weft_ws_message message;
	int result;

	(void)arg;
	CHECK(ws || is_over(-1));
	if (!ws)
		return 0;
	while ((result = weft_ws_receive(ws, &message)) > 0) {
		result = weft_ws_send(ws, message.type, message.data, message.len);
		if (result < 0)
			break;
	}
	CHECK(is_over(result));
	weft_ws_free(ws);
	return 0;
}

struct world {
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

static int exchange(struct weft_ws *ws, const char *data, size_t len)
{
	struct weft_ws_message message;
	int result = weft_ws_send(ws, WEFT_WS_TEXT, data, len);

	if (result == 0)
		result = weft_ws_receive(ws, &message);
	if (result > 0) {
		CHECK_INT(message.len, ==, len);
		CHECK_MEM(message.data, data, len);
	}
	CHECK(is_over(result));
	return result > 0 ? 0 : -1;
}

static void talk(const char *address)
{
	char url[WEFT_ADDRESS_TEXT_MAX + 8], text[3000];
	struct weft_ws *ws;

	memset(text, 'x', sizeof(text));
	snprintf(url, sizeof(url), "ws://%s/", address);
	ws = weft_ws_connect(url, &options);
	CHECK(ws || is_over(-1));
	if (!ws)
		return;
	if (exchange(ws, "short", 5) == 0 && exchange(ws, text, sizeof(text)) == 0)
		CHECK(is_over(weft_ws_close(ws, 1000, "bye")));
	weft_ws_free(ws);
}

static void use_server(struct world *world)
{
	char address[WEFT_ADDRESS_TEXT_MAX];
	weft_fiber_id server;

	weft_address_print(weft_listener_address(world->listener), address, sizeof(address));
	server = weft_spawn(serve, world);
	if (!FAULTS_TRY(server != 0))
		return;
	talk(address);
	weft_http_server_stop(world->server);
	CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
}

static int use_ws(void *arg)
{
	static const struct weft_http_service service = {.on_get = echo};
	struct weft_http_server_options server_options = {.service = &service};
	struct world world;

	(void)arg;
	world.server = weft_http_server_new(&server_options);
	FAULTS_TRY(world.server != NULL);
	world.listener = weft_listener_new(own_address(), NULL);
	FAULTS_TRY(world.listener != NULL);
	if (world.server && world.listener)
		use_server(&world);
	weft_listener_free(world.listener);
	weft_http_server_free(world.server);
	return 0;
}

CHECK_CASE(a_conversation_goes_as_far_as_it_can)
{
	CHECK_INT(faults_sweep_in_run(use_ws), >, 20);
}

#else

CHECK_CASE(faults_are_met_in_the_release_build_only)
{
}

#endif

CHECK_MAIN()
