/*
 * test_ws.c - WebSocket under the simulator: chatter over good and bad networks, silence, slow
 * readers, and a stop in the midst of it. What arrives is what was sent, in order.
 */
#include "sim/sim.h"

#include <errno.h>

#include "http/ws.h"
#include "weft/event.h"
#include "weft/scope.h"
#include "weft/websocket.h"

#define CLIENTS     5
#define MESSAGES    12
#define MESSAGE_MAX 60000
#define URL         "ws://server:80/"

static struct weft_http_server *server;
static struct weft_listener *listener;
static struct weft_event ready;
static struct weft_ws_options ws_options;
static bool is_friendly, is_rude;
static struct weft_ws *served; /* the last */
static int handled;            /* connections whose handler has ended */

static uint64_t below(uint64_t bound)
{
	return weft_random() % bound;
}

/* What an end may look like: whoever meets another errno has found a fault. */
static bool is_lost(int code)
{
	return code == ECONNRESET || code == EPIPE || code == ECANCELED || code == ETIMEDOUT;
}

/* ---- The server ----------------------------------------------------------------------------- */

static int echo(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_ws *ws = weft_ws_accept(request, response, &ws_options);
	struct weft_ws_message message;
	int result;

	(void)arg;
	if (!ws)
		return 0;
	served = ws;
	while ((result = weft_ws_receive(ws, &message)) > 0)
		if (weft_ws_send(ws, message.type, message.data, message.len) < 0)
			break;
	CHECK(result == 0 || is_lost(errno) || (is_rude && errno == EPROTO));
	CHECK(!is_friendly || result == 0);
	weft_ws_free(ws);
	handled++;
	return 0;
}

static const struct weft_http_service service = {.on_get = echo};

static int serve(void *arg)
{
	int result;

	(void)arg;
	CHECK_INT(weft_sim_host("server"), ==, 0);
	while (!(listener = weft_listener_new("0.0.0.0:80", NULL)))
		CHECK_INT(errno, ==, EMFILE);
	weft_event_set(&ready);
	result = weft_http_server_run(server, listener);
	weft_listener_free(listener);
	return result;
}

static weft_fiber_id begin(void)
{
	const struct weft_http_server_options server_options = {
		.service = &service, .grace_ns = WEFT_SECONDS(3)};
	weft_fiber_id running;

	handled = 0;
	weft_event_init(&ready, "ready");
	server = weft_http_server_new(&server_options);
	CHECK(server);
	CHECK(running = weft_spawn(serve, NULL));
	CHECK_INT(weft_event_wait(&ready), ==, 0);
	CHECK_INT(weft_sim_host("client"), ==, 0);
	return running;
}

/* Returns how long the stop took. */
static int64_t end(weft_fiber_id running)
{
	int64_t began = weft_now();
	int result;

	weft_http_server_stop(server);
	CHECK_INT(weft_join(running, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	weft_http_server_free(server);
	return weft_now() - began;
}

/* ---- Chatter ------------------------------------------------------------------------------------
 */

static char letter(size_t len, size_t place)
{
	return (char)('a' + (len * 7 + place * 3 + place / 97) % 26);
}

struct talk {
	struct weft_ws *ws;
	size_t lens[MESSAGES];
	unsigned count;
};

static int say(void *arg)
{
	struct talk *talk = arg;
	char *data = malloc(MESSAGE_MAX);

	CHECK(data);
	for (unsigned i = 0; i < talk->count; i++) {
		for (size_t j = 0; j < talk->lens[i]; j++)
			data[j] = letter(talk->lens[i], j);
		if (weft_ws_send(talk->ws, i % 2 ? WEFT_WS_TEXT : WEFT_WS_BINARY, data,
			    talk->lens[i]) < 0)
			break;
		if (below(4) == 0 && weft_sleep((int64_t)below(WEFT_SECONDS(60))) < 0)
			break;
	}
	free(data);
	return 0;
}

/* Messages come back in order. Returns how many did. */
static unsigned hear(struct talk *talk)
{
	struct weft_ws_message message;
	unsigned i = 0;

	while (i < talk->count && weft_ws_receive(talk->ws, &message) > 0) {
		const char *data = message.data;

		CHECK_INT(message.type, ==, i % 2 ? WEFT_WS_TEXT : WEFT_WS_BINARY);
		CHECK_INT(message.len, ==, talk->lens[i]);
		for (size_t j = 0; j < message.len; j++)
			CHECK_INT(data[j], ==, letter(message.len, j));
		i++;
	}
	return i;
}

static int chat(void *arg)
{
	const struct weft_ws_options own = {.deflates = below(2), .no_context_takeover = below(2)};
	struct talk talk = {.ws = weft_ws_connect(URL, &own), .count = (unsigned)below(MESSAGES)};
	weft_fiber_id sayer;
	unsigned heard;

	(void)arg;
	CHECK(talk.ws || !is_friendly);
	if (!talk.ws)
		return 0;
	for (unsigned i = 0; i < talk.count; i++)
		talk.lens[i] = below(4) == 0 ? below(MESSAGE_MAX) : below(200);
	CHECK(sayer = weft_spawn(say, &talk));
	heard = hear(&talk);
	CHECK(heard == talk.count || !is_friendly);
	weft_cancel(sayer);
	WEFT_SHIELDED
		CHECK_INT(weft_join(sayer, NULL, WEFT_FOREVER), ==, 0);
	if (below(2) && weft_ws_close(talk.ws, 3000 + (unsigned)below(2000), "bye") < 0)
		CHECK(!is_friendly && is_lost(errno));
	weft_ws_free(talk.ws);
	return 0;
}

static int talk_together(bool friendly)
{
	weft_fiber_id running, clients[CLIENTS];

	is_friendly = friendly;
	ws_options = (struct weft_ws_options){.deflates = below(2)};
	running = begin();
	for (int i = 0; i < CLIENTS; i++)
		CHECK(clients[i] = weft_spawn(chat, NULL));
	CHECK_INT(weft_join_all(clients, CLIENTS, NULL, WEFT_FOREVER), ==, CLIENTS);
	end(running);
	CHECK(!friendly || handled == CLIENTS);
	return 0;
}

static int friendly_talk(void *arg)
{
	(void)arg;
	return talk_together(true);
}

static int nasty_talk(void *arg)
{
	(void)arg;
	return talk_together(false);
}

/* The stop comes at any time: all are gone with the grace time, and a little for goodbyes. */
static int stop_early(void *arg)
{
	weft_fiber_id running, clients[CLIENTS];

	(void)arg;
	is_friendly = false;
	ws_options = (struct weft_ws_options){.deflates = below(2)};
	running = begin();
	for (int i = 0; i < CLIENTS; i++)
		CHECK(clients[i] = weft_spawn(chat, NULL));
	weft_sleep((int64_t)below(WEFT_SECONDS(2)));
	CHECK_INT(end(running), <, WEFT_SECONDS(5));
	for (int i = 0; i < CLIENTS; i++)
		weft_cancel(clients[i]);
	CHECK_INT(weft_join_all(clients, CLIENTS, NULL, WEFT_FOREVER), ==, CLIENTS);
	return 0;
}

/* ---- Silence
 * -------------------------------------------------------------------------------------- */

/* A day without a word, but for pings and pongs. Then a stop, which is told at once. */
static int stay_idle(void *arg)
{
	const struct weft_ws_options quiet = {.ping_interval_ns = -1};
	struct weft_ws_message message;
	weft_fiber_id running;
	struct weft_ws *ws;

	(void)arg;
	is_friendly = true;
	ws_options = (struct weft_ws_options){0};
	running = begin();
	CHECK(ws = weft_ws_connect(URL, &quiet));
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(24 * 3600))
		CHECK_ERRNO(weft_ws_receive(ws, &message), ETIMEDOUT);
	CHECK_INT(handled, ==, 0);
	CHECK_INT(weft_ws_send_text(ws, "good morning"), ==, 0);
	CHECK_INT(weft_ws_receive(ws, &message), ==, 1);
	weft_http_server_stop(server);
	CHECK_INT(weft_ws_receive(ws, &message), ==, 0);
	CHECK_INT(weft_ws_close_code(ws), ==, WEFT_WS_GOING_AWAY);
	weft_ws_free(ws);
	CHECK_INT(end(running), <, WEFT_SECONDS(2));
	return 0;
}

/* The network parts: each side gives the other up by itself, in its time. */
static int part(void *arg)
{
	struct weft_ws_message message;
	weft_fiber_id running;
	struct weft_ws *ws;
	int64_t began;

	(void)arg;
	is_friendly = false;
	ws_options = (struct weft_ws_options){0};
	running = begin();
	CHECK(ws = weft_ws_connect(URL, NULL));
	weft_sleep(WEFT_SECONDS(1));
	CHECK_INT(weft_sim_partition("client", "server"), ==, 0);
	began = weft_now();
	CHECK_ERRNO(weft_ws_receive(ws, &message), ECONNRESET);
	CHECK_INT(weft_now() - began, <=, WEFT_SECONDS(41));
	CHECK_INT(weft_now() - began, >=, WEFT_SECONDS(38));
	weft_sleep(WEFT_SECONDS(5));
	CHECK_INT(handled, ==, 1);
	CHECK_INT(weft_sim_heal("client", "server"), ==, 0);
	weft_ws_free(ws);
	end(running);
	return 0;
}

/* Asks for much, and reads none of it: whoever sends to it is held up so long, and no longer. */
static int never_read(void *arg)
{
	static const char data[MESSAGE_MAX];
	weft_fiber_id running;
	struct weft_ws *ws;
	int64_t began;

	(void)arg;
	is_friendly = false;
	ws_options = (struct weft_ws_options){0};
	running = begin();
	CHECK(ws = weft_ws_connect(URL, NULL));
	began = weft_now();
	while (weft_ws_send(ws, WEFT_WS_BINARY, data, sizeof(data)) == 0)
		;
	CHECK(is_lost(errno));
	CHECK_INT(weft_now() - began, <, WEFT_SECONDS(40));
	weft_sleep(WEFT_SECONDS(40));
	CHECK_INT(handled, ==, 1);
	weft_ws_free(ws);
	end(running);
	return 0;
}

/* ---- Rest -------------------------------------------------------------------------------------
 */

/* One that is silent holds no frames' state; messages refer to those before the silence. */
static int talk_and_rest(void *arg)
{
	char text[3000];
	struct weft_ws_message message;
	const struct weft_ws_options options = {.deflates = true};
	weft_fiber_id running;
	struct weft_ws *ws;

	(void)arg;
	is_friendly = true;
	is_rude = false;
	ws_options = options;
	running = begin();
	CHECK(ws = weft_ws_connect(URL, &options));
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = letter((size_t)weft_random() % 1000, i);
	for (int i = 0; i < 6; i++) {
		text[i] = '!';
		CHECK_INT(weft_ws_send(ws, WEFT_WS_TEXT, text, sizeof(text)), ==, 0);
		CHECK_INT(weft_ws_receive(ws, &message), ==, 1);
		CHECK_INT(message.len, ==, sizeof(text));
		CHECK_MEM(message.data, text, sizeof(text));
		CHECK(atomic_load(&served->frames));
		/* Over some pings, and of both sides. */
		if (i % 2)
			CHECK_INT(weft_sleep(WEFT_SECONDS(5)), ==, 0);
		else
			WEFT_WITH_TIMEOUT (WEFT_SECONDS(5))
				CHECK_ERRNO(weft_ws_receive(ws, &message), ETIMEDOUT);
		CHECK(!atomic_load(&served->frames));
		CHECK(i % 2 || !atomic_load(&ws->frames));
	}
	weft_ws_free(ws);
	end(running);
	return 0;
}

/* ---- A fault
 * -------------------------------------------------------------------------------------- */

#define ASK                                                                               \
	"GET / HTTP/1.1\r\nHost: server\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

/* Who is at fault is told, and may go on for a while without losing that by a reset. */
static int break_the_rules(void *arg)
{
	weft_fiber_id running;
	struct weft_stream *raw;
	const char *line;
	char data[1000] = {0};
	ssize_t len;

	(void)arg;
	is_friendly = false;
	is_rude = true;
	running = begin();
	CHECK(raw = weft_stream_connect("server:80"));
	CHECK_INT(weft_stream_printf(raw, ASK), ==, 0);
	CHECK_INT(weft_stream_write_all(raw, "\x83\x80....", 6), ==, 0); /* no such opcode */
	CHECK_INT(weft_stream_flush(raw), ==, 0);
	while ((len = weft_stream_readline(raw, &line)) > 2)
		;
	for (int i = 0; i < 10; i++) {
		CHECK_INT(weft_sleep(WEFT_MILLISECONDS(100)), ==, 0);
		CHECK_INT(weft_stream_write_all(raw, data, sizeof(data)), ==, 0);
		CHECK_INT(weft_stream_flush(raw), ==, 0);
	}
	CHECK_INT(handled, ==, 0);
	CHECK_INT(weft_stream_shutdown_write(raw), ==, 0);
	CHECK_INT(weft_stream_read_exactly(raw, data, 4), ==, 0);
	CHECK_MEM(data + 2, "\x03\xea", 2);
	weft_stream_free(raw);
	weft_sleep(WEFT_MILLISECONDS(100));
	CHECK_INT(handled, ==, 1);
	end(running);
	return 0;
}

#define FAR .latency_min_ns = WEFT_MICROSECONDS(50), .latency_max_ns = WEFT_MILLISECONDS(10)

SIM_CASE(every_message_comes_back_in_its_turn, friendly_talk, 8, {.partial_chance = 0.3, FAR})
SIM_CASE(over_a_nasty_network_what_comes_is_right, nasty_talk, 4,
	{.partial_chance = 0.3,
		.reset_chance = 0.005,
		.refuse_chance = 0.02,
		.emfile_chance = 0.02,
		.bandwidth = 10 * 1000 * 1000,
		FAR})
SIM_CASE(a_stop_ends_all_in_time, stop_early, 4,
	{.partial_chance = 0.3, .reset_chance = 0.002, .bandwidth = 1000 * 1000, FAR})
SIM_CASE(pings_keep_an_idle_one_alive, stay_idle, 20, {.partial_chance = 0.3, FAR})
SIM_CASE(both_sides_of_a_parted_network_give_up, part, 20, {FAR})
SIM_CASE(who_is_silent_gives_back_memory_and_goes_on_as_before, talk_and_rest, 8,
	{.partial_chance = 0.3, FAR})
SIM_CASE(who_does_not_read_is_cut_off, never_read, 20, {.partial_chance = 0.3, FAR})
SIM_CASE(who_breaks_the_rules_is_told_so, break_the_rules, 20, {.partial_chance = 0.3, FAR})

CHECK_MAIN()
