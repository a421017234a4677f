/*
 * test_ws_end.c - tests src/http/ws*.c: deadlines and cancelling, closes, stops, the log.
 *
 * check: tsan drivers
 */
#include "ws_world.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "io/place.h"

static const char *text_of(const struct weft_ws_message *message)
{
	static __thread char text[256];

	CHECK(message->len < sizeof(text));
	memcpy(text, message->data, message->len);
	text[message->len] = '\0';
	return text;
}

/* ---- Scopes -----------------------------------------------------------------------------------
 */

/* Waits with a deadline that comes in the middle of a frame, and of a message, and goes on. */
static int wait_in_bits(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct ws_world *world = arg;
	struct weft_ws *ws = weft_ws_accept(request, response, &world->options);
	struct weft_ws_message message;
	int result = 0, tries = 0;

	CHECK(ws != NULL);
	do {
		WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5)) {
			errno = 0;
			result = weft_ws_receive(ws, &message);
		}
		CHECK(result == 1 || errno == ETIMEDOUT);
		tries++;
		weft_event_set(world->more);
	} while (result < 0);
	CHECK(tries > 1);
	CHECK_STR(text_of(&message), "Hello, you");
	WEFT_WITH_TIMEOUT (0) {
		CHECK_ERRNO(weft_ws_receive(ws, &message), ETIMEDOUT);
		CHECK_ERRNO(weft_ws_send_text(ws, "never"), ETIMEDOUT);
		CHECK_ERRNO(weft_ws_close(ws, 1000, NULL), ETIMEDOUT);
	}
	CHECK_INT(weft_ws_send_text(ws, "thanks"), ==, 0);
	CHECK_INT(weft_ws_close(ws, 4000, "enough"), ==, 0);
	weft_ws_free(ws);
	weft_event_set(&world->ended);
	return 0;
}

static void visit_bits(struct ws_world *world)
{
	struct weft_event late;
	struct weft_stream *raw;

	weft_event_init(&late, "late");
	world->more = &late;
	raw = ws_open(world);
	CHECK_INT(weft_event_wait(&late), ==, 0);
	CHECK_INT(ws_put(raw, 0x01, "Hello, ", 7), ==, 0);
	weft_event_clear(&late);
	CHECK_INT(weft_event_wait(&late), ==, 0);
	CHECK_INT(weft_stream_write_all(raw, "\x80", 1), ==, 0);
	CHECK_INT(weft_stream_flush(raw), ==, 0);
	weft_event_clear(&late);
	CHECK_INT(weft_event_wait(&late), ==, 0);
	CHECK_INT(weft_stream_write_all(raw, "\x83\0\0\0\0you", 8), ==, 0);
	CHECK_INT(weft_stream_flush(raw), ==, 0);
	ws_expect(raw, 0x81, "thanks", 6);
	ws_expect(raw, 0x88,
		"\x0f\xa0"
		"enough",
		8);
	CHECK_INT(ws_put(raw, 0x88, "\x0f\xa0", 2), ==, 0);
	CHECK_INT(weft_stream_read(raw, (char[1]){0}, 1), ==, 0);
	weft_stream_free(raw);
	ws_await_end(world);
}

CHECK_CASE(a_wait_that_is_too_late_loses_nothing_and_can_be_taken_up_again)
{
	struct ws_world world = {.handler = wait_in_bits, .visit = visit_bits};

	ws_run(&world);
}

static int receive_one(void *arg)
{
	struct weft_ws_message message;

	errno = 0;
	return weft_ws_receive(arg, &message) < 0 ? errno : 0;
}

static void visit_cancel(struct ws_world *world)
{
	struct weft_ws *ws = ws_connect_to(world, NULL);
	weft_fiber_id fiber = weft_spawn(receive_one, ws);
	int result;

	CHECK(fiber != 0);
	weft_yield();
	CHECK_INT(weft_cancel(fiber), ==, 0);
	CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, ECANCELED);
	ws_expect_back(ws, WEFT_WS_TEXT, "still there", 11);
	weft_ws_free(ws);
}

CHECK_CASE(whoever_receives_can_be_cancelled_and_the_connection_goes_on)
{
	struct ws_world world = {.visit = visit_cancel};

	ws_run(&world);
}

static int pour_in_vain(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const size_t len = (size_t)16 << 20; /* more than the buffers of both sides hold */
	struct ws_world *world = arg;
	struct weft_ws *ws = weft_ws_accept(request, response, &world->options);
	char *data = calloc(1, len);

	CHECK(ws && data);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(20))
		CHECK_ERRNO(weft_ws_send(ws, WEFT_WS_BINARY, data, len), ETIMEDOUT);
	CHECK_ERRNO(weft_ws_send_text(ws, "within the other"), EPIPE);
	weft_ws_free(ws);
	free(data);
	weft_event_set(&world->ended);
	return 0;
}

static void visit_pour_in_vain(struct ws_world *world)
{
	struct weft_stream *raw = ws_open(world);
	char data[4096];
	ssize_t count;

	ws_await_end(world);
	while ((count = weft_stream_read(raw, data, sizeof(data))) > 0)
		for (ssize_t i = 14; i < count; i++)
			CHECK(data[i] == 0); /* behind a head that may be there */
	weft_stream_free(raw);
}

CHECK_CASE(a_message_that_is_cut_short_by_a_deadline_ends_the_connection)
{
	struct ws_world world = {.handler = pour_in_vain, .visit = visit_pour_in_vain};

	ws_run(&world);
}

/* ---- Closing ------------------------------------------------------------------------------------
 */

/* One receives, another closes: both learn that it is over. */
static void visit_close_beside(struct ws_world *world)
{
	struct weft_ws *ws = ws_connect_to(world, NULL);
	weft_fiber_id fiber = weft_spawn(receive_one, ws);
	int result = -1;

	CHECK(fiber != 0);
	weft_yield();
	CHECK_INT(weft_ws_close(ws, 3000, NULL), ==, 0);
	CHECK_INT(weft_ws_close(ws, 3001, NULL), ==, 0); /* twice is once */
	CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	CHECK_INT(weft_ws_close_code(ws), ==, 3000);
	weft_ws_free(ws);
}

CHECK_CASE(one_may_close_while_another_receives)
{
	struct ws_world world = {.visit = visit_close_beside};

	ws_run(&world);
}

static struct weft_event lent;

/* Keeps what it was lent while another closes, and then goes on. */
static int receive_slowly(void *arg)
{
	struct weft_ws_message message;

	CHECK_INT(weft_ws_receive(arg, &message), ==, 1);
	weft_event_set(&lent);
	for (int i = 0; i < 100; i++) {
		CHECK_STR(text_of(&message), "first");
		weft_sleep(WEFT_MICROSECONDS(100));
	}
	CHECK_INT(weft_ws_receive(arg, &message), ==, 1);
	CHECK_STR(text_of(&message), "second");
	CHECK_INT(weft_ws_receive(arg, &message), ==, 0);
	return 0;
}

static void visit_close_beside_lent(struct ws_world *world)
{
	struct weft_ws *ws = ws_connect_to(world, NULL);
	weft_fiber_id fiber;

	weft_event_init(&lent, "lent");
	CHECK(fiber = weft_spawn(receive_slowly, ws));
	CHECK_INT(weft_ws_send_text(ws, "first"), ==, 0);
	CHECK_INT(weft_ws_send_text(ws, "second"), ==, 0);
	CHECK_INT(weft_event_wait(&lent), ==, 0);
	CHECK_INT(weft_ws_close(ws, 1000, NULL), ==, 0);
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	weft_ws_free(ws);
}

CHECK_CASE(what_was_lent_stays_while_another_closes)
{
	struct ws_world world = {.visit = visit_close_beside_lent};

	ws_run(&world);
}

static int close_badly(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	static const unsigned bad[] = {1, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65536 + 1000};
	struct ws_world *world = arg;
	struct weft_ws *ws = weft_ws_accept(request, response, &world->options);
	char reason[WEFT_WS_REASON_MAX + 2];

	CHECK(ws != NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERRNO(weft_ws_close(ws, bad[i], NULL), EINVAL);
	memset(reason, 'r', sizeof(reason));
	reason[WEFT_WS_REASON_MAX + 1] = '\0';
	CHECK_ERRNO(weft_ws_close(ws, 1000, reason), EINVAL);
	CHECK_ERRNO(weft_ws_close(ws, 0, "no code"), EINVAL);
	CHECK_ERRNO(weft_ws_close(ws, 1000, "\xff"), EILSEQ);
	reason[WEFT_WS_REASON_MAX] = '\0';
	CHECK_ERRNO(weft_ws_close(ws, 1011, reason), ECONNRESET); /* no answer comes */
	weft_ws_free(ws);
	weft_event_set(&world->ended);
	return 0;
}

static void visit_close_badly(struct ws_world *world)
{
	struct weft_stream *raw = ws_open(world);

	ws_await_end(world);
	ws_expect_close(raw, 1011);
	weft_stream_free(raw);
}

CHECK_CASE(only_what_may_be_sent_is_and_a_close_without_an_answer_ends_in_time)
{
	struct ws_world world = {.handler = close_badly,
		.visit = visit_close_badly,
		.options.close_timeout_ns = WEFT_MILLISECONDS(20)};

	ws_run(&world);
}

static int accept_and_leave(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct ws_world *world = arg;

	weft_ws_free(weft_ws_accept(request, response, &world->options));
	return 0;
}

static void visit_leave(struct ws_world *world)
{
	struct weft_ws *ws = ws_connect_to(world, NULL);
	struct weft_ws_message message;

	CHECK_INT(weft_ws_receive(ws, &message), ==, 0);
	CHECK_INT(weft_ws_receive(ws, &message), ==, 0);
	CHECK_INT(weft_ws_close_code(ws), ==, WEFT_WS_NORMAL);
	weft_ws_free(ws);
}

CHECK_CASE(who_is_freed_without_a_word_has_said_1000)
{
	struct ws_world world = {.handler = accept_and_leave, .visit = visit_leave};

	ws_run(&world);
}

/* ---- A stop
 * --------------------------------------------------------------------------------------- */

static void visit_stop(struct ws_world *world)
{
	struct weft_ws *ws = ws_connect_to(world, NULL);
	struct weft_ws_message message;

	ws_expect_back(ws, WEFT_WS_TEXT, "a", 1);
	weft_http_server_stop(world->server);
	CHECK_INT(weft_ws_receive(ws, &message), ==, 0);
	CHECK_INT(weft_ws_close_code(ws), ==, WEFT_WS_GOING_AWAY);
	ws_await_end(world);
	CHECK_INT(world->result, ==, 0);
	CHECK_INT(world->close_sent, ==, WEFT_WS_GOING_AWAY);
	weft_ws_free(ws);
}

CHECK_CASE(a_stop_ends_idle_ones_at_once_with_1001)
{
	struct ws_world world = {.visit = visit_stop, .grace_ns = WEFT_SECONDS(3600)};

	ws_run(&world);
}

/* The stop comes between a message's frames: it is still answered. */
static void visit_stop_between(struct ws_world *world)
{
	struct weft_stream *raw = ws_open(world);

	CHECK_INT(ws_put(raw, 0x01, "Hel", 3), ==, 0);
	CHECK_INT(ws_put(raw, 0x89, "", 0), ==, 0);
	ws_expect(raw, 0x8a, "", 0); /* so the first part has been taken */
	weft_http_server_stop(world->server);
	CHECK_INT(ws_put(raw, 0x80, "lo", 2), ==, 0);
	ws_expect(raw, 0x81, "Hello", 5);
	ws_expect(raw, 0x88, "\x03\xe9", 2);
	CHECK_INT(ws_put(raw, 0x88, "\x03\xe9", 2), ==, 0);
	CHECK_INT(weft_stream_read(raw, (char[1]){0}, 1), ==, 0);
	weft_stream_free(raw);
	ws_await_end(world);
	CHECK_INT(world->result, ==, 0);
}

CHECK_CASE(a_stop_lets_a_message_under_way_be_answered)
{
	struct ws_world world = {.visit = visit_stop_between, .grace_ns = WEFT_SECONDS(3600)};

	ws_run(&world);
}

/* The server stops with the first of many messages: the others, which are there, don't count. */
static int stop_with_first(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct ws_world *world = arg;
	struct weft_ws *ws = weft_ws_accept(request, response, &world->options);
	struct weft_ws_message message;

	CHECK(ws != NULL);
	CHECK_INT(weft_ws_receive(ws, &message), ==, 1);
	weft_http_server_stop(world->server);
	CHECK_INT(weft_ws_send_text(ws, "the last"), ==, 0);
	CHECK_INT(weft_ws_receive(ws, &message), ==, 0);
	CHECK_INT(weft_ws_close_sent(ws), ==, WEFT_WS_GOING_AWAY);
	CHECK(!weft_ws_accept(request, response, &world->options) && errno == EALREADY);
	weft_ws_free(ws);
	weft_event_set(&world->ended);
	return 0;
}

static void visit_stop_amid(struct ws_world *world)
{
	struct weft_ws *ws = ws_connect_to(world, NULL);
	struct weft_ws_message message;

	for (int i = 0; i < 50; i++)
		CHECK_INT(weft_ws_send_text(ws, "more"), ==, 0);
	CHECK_INT(weft_ws_receive(ws, &message), ==, 1);
	CHECK_STR(text_of(&message), "the last");
	CHECK_INT(weft_ws_receive(ws, &message), ==, 0);
	CHECK_INT(weft_ws_close_code(ws), ==, WEFT_WS_GOING_AWAY);
	weft_ws_free(ws);
	ws_await_end(world);
}

CHECK_CASE(a_stop_lets_no_further_message_be_received)
{
	struct ws_world world = {.handler = stop_with_first,
		.visit = visit_stop_amid,
		.grace_ns = WEFT_SECONDS(3600)};

	ws_run(&world);
}

/* Another fiber than the handler's receives: it is the one to be woken. */
static int receive_beside(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct ws_world *world = arg;
	struct weft_ws *ws = weft_ws_accept(request, response, &world->options);
	weft_fiber_id fiber;
	int result = -1;

	CHECK(ws != NULL);
	CHECK(fiber = weft_spawn(receive_one, ws));
	weft_ws_send_text(ws, "ready");
	CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	CHECK_INT(weft_interrupted(), ==, 0); /* the handler itself is not */
	CHECK_INT(weft_ws_close_sent(ws), ==, WEFT_WS_GOING_AWAY);
	weft_ws_free(ws);
	weft_event_set(&world->ended);
	return 0;
}

static void visit_stop_beside(struct ws_world *world)
{
	struct weft_ws *ws = ws_connect_to(world, NULL);
	struct weft_ws_message message;

	CHECK_INT(weft_ws_receive(ws, &message), ==, 1);
	weft_http_server_stop(world->server);
	CHECK_INT(weft_ws_receive(ws, &message), ==, 0);
	CHECK_INT(weft_ws_close_code(ws), ==, WEFT_WS_GOING_AWAY);
	weft_ws_free(ws);
	ws_await_end(world);
}

CHECK_CASE(a_stop_ends_the_wait_of_whichever_fiber_receives)
{
	struct ws_world world = {.handler = receive_beside,
		.visit = visit_stop_beside,
		.grace_ns = WEFT_SECONDS(3600)};

	ws_run(&world);
}

/* ---- The access log ----------------------------------------------------------------------------
 */

static void visit_log(struct ws_world *world)
{
	struct weft_ws *ws = ws_connect_to(world, NULL);

	ws_expect_back(ws, WEFT_WS_TEXT, "twelve bytes", 12);
	CHECK_INT(weft_ws_close(ws, 0, NULL), ==, 0);
	weft_ws_free(ws);
	ws_await_end(world);
}

CHECK_CASE(the_access_log_has_a_line_of_it_when_it_has_ended)
{
	struct ws_world world = {.visit = visit_log};
	char text[1024];
	ssize_t len;
	int fd;

	world.log = weft_http_log_new(place("log"), NULL);
	CHECK(world.log != NULL);
	ws_run(&world);
	weft_http_log_free(world.log);
	fd = open(place("log"), O_RDONLY);
	CHECK((len = read(fd, text, sizeof(text) - 1)) > 0);
	text[len] = '\0';
	CHECK(strstr(text, "\"GET / HTTP/1.1\" 101 12\n"));
}

CHECK_MAIN()
