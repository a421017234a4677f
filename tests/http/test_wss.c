/*
 * test_wss.c - WebSocket over TLS, and from plain threads: our client at our server, whose
 * handlers don't know of either.
 *
 * check: tsan
 */
#include "io/tls_pair.h"

#include "weft/event.h"
#include "weft/http.h"
#include "weft/thread.h"
#include "weft/websocket.h"

/** For the answer to a close: only a hang reaches it. */
#define PATIENCE_NS WEFT_SECONDS(100)

static struct {
	struct pair pair;
	struct weft_http_server *server;
	const char *model;
	pthread_t thread;
	char url[WEFT_ADDRESS_TEXT_MAX + 8];
} site;

static int echo_messages(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_ws *ws = weft_ws_accept(request, response, arg);
	struct weft_ws_message message;

	if (!ws)
		return 0;
	while (weft_ws_receive(ws, &message) > 0)
		if (weft_ws_send(ws, message.type, message.data, message.len) < 0)
			break;
	weft_ws_free(ws);
	return 0;
}

/* Outside of weft_run(), so that every model has its own way. */
static void *site_thread(void *arg)
{
	CHECK_INT(weft_http_server_run(site.server, site.pair.listener), ==, 0);
	return arg;
}

static void site_open(bool is_tls, const char *model)
{
	static const struct weft_http_service service = {.on_get = echo_messages};
	static struct weft_ws_options options = {.deflates = true, .close_timeout_ns = PATIENCE_NS};

	pair_prepare(&site.pair);
	site.server = weft_http_server_new(&(struct weft_http_server_options){
		.service = &service, .arg = &options, .model = model, .size = 8});
	CHECK(site.server != NULL);
	if (is_tls) {
		site.pair.server_tls = server_tls(NULL);
		CHECK_INT(weft_listener_use_tls(site.pair.listener, site.pair.server_tls), ==, 0);
	}
	snprintf(site.url, sizeof(site.url), "%s://%s/", is_tls ? "wss" : "ws", site.pair.address);
	site.thread = peer_start(site_thread, NULL);
}

static void site_close(void)
{
	weft_http_server_stop(site.server);
	peer_end(site.thread);
	weft_http_server_free(site.server);
	weft_tls_free(site.pair.server_tls);
	weft_listener_free(site.pair.listener);
	authority_end(&site.pair.authority);
}

/* ---- Talking ------------------------------------------------------------------------------- */

static void talk(const struct weft_ws_options *options)
{
	struct weft_ws *ws = weft_ws_connect(site.url, options);
	struct weft_ws_message message;
	static char data[300000];

	CHECK(ws != NULL);
	for (size_t len = 0; len < sizeof(data); len = len * 3 + 1) {
		CHECK_INT(weft_ws_send(ws, WEFT_WS_BINARY, data, len), ==, 0);
		CHECK_INT(weft_ws_receive(ws, &message), ==, 1);
		CHECK_INT(message.len, ==, len);
		CHECK_MEM(message.data, data, len);
	}
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_ws_receive(ws, &message), ETIMEDOUT);
	CHECK_INT(weft_ws_send_text(ws, "still there"), ==, 0);
	CHECK_INT(weft_ws_receive(ws, &message), ==, 1);
	CHECK_INT(weft_ws_close(ws, WEFT_WS_NORMAL, NULL), ==, 0);
	CHECK_INT(weft_ws_receive(ws, &message), ==, 0);
	weft_ws_free(ws);
}

static int talk_on_fiber(void *options)
{
	talk(options);
	return 0;
}

CHECK_CASE(wss_is_the_same_from_a_thread_to_fibers_and_from_a_fiber_to_threads)
{
	struct weft_tls *tls;
	struct weft_ws_options options = {.deflates = true, .close_timeout_ns = PATIENCE_NS};

	site_open(true, "fiber");
	options.tls = tls = client_tls(NULL);
	talk(&options);
	weft_tls_free(tls);
	site_close();

	site_open(true, "thread");
	options.tls = tls = client_tls(NULL);
	CHECK_INT(weft_run(NULL, talk_on_fiber, &options), ==, 0);
	options.tls = NULL; /* the system's authorities do not know this server */
	CHECK_ERRNO(weft_ws_connect(site.url, &options), EPROTO);
	weft_tls_free(tls);
	site_close();
}

CHECK_CASE(a_plain_thread_talks_to_any_model)
{
	static const char *const models[] = {"fiber", "loop", "thread", "pool"};
	static const struct weft_ws_options patient = {.close_timeout_ns = PATIENCE_NS};

	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		site_open(false, models[i]);
		talk(&patient);
		site_close();
	}
}

/* ---- Threads beside each other -----------------------------------------------------------------
 */

#define SENDERS  4
#define MESSAGES 200

static int send_some(void *ws)
{
	for (int i = 0; i < MESSAGES; i++)
		CHECK_INT(weft_ws_send_text(ws, "from a thread"), ==, 0);
	return 0;
}

CHECK_CASE(threads_send_side_by_side_while_another_receives)
{
	struct weft_thread *threads[SENDERS];
	struct weft_ws_message message;
	struct weft_ws *ws;

	site_open(false, "thread");
	CHECK(ws = weft_ws_connect(site.url, NULL));
	for (int i = 0; i < SENDERS; i++) {
		threads[i] = weft_thread_new(NULL, send_some, ws);
		CHECK(threads[i] && weft_thread_start(threads[i]) == 0);
	}
	for (int i = 0; i < SENDERS * MESSAGES; i++) {
		CHECK_INT(weft_ws_receive(ws, &message), ==, 1);
		CHECK_INT(message.len, ==, 13);
		CHECK_MEM(message.data, "from a thread", 13);
	}
	for (int i = 0; i < SENDERS; i++) {
		CHECK_INT(weft_thread_join(threads[i], NULL, WEFT_FOREVER), ==, 0);
		weft_thread_free(threads[i]);
	}
	weft_ws_free(ws);
	site_close();
}

CHECK_MAIN()
