/*
 * test_chat_doors.c - the doors of lines and of browsers at once: many enter, fall silent until
 * they are parked, speak and leave, by every way there is, on several workers.
 *
 * What a member hears is in order, without a gap, and her own words are answered; the rest is for
 * the sanitizers.
 *
 * check: tsan waits
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "hub/chat.h"
#include "hub/chat_web.h"
#include "weft/fiber.h"
#include "weft/http.h"
#include "weft/scope.h"
#include "weft/stream.h"
#include "weft/websocket.h"

/* Of each door. A member who is silent for more than a second is parked. */
enum { MEMBERS = 24, LIVES = 2 };
#define SILENCE_NS WEFT_MILLISECONDS(1200)

static struct hub_chat *chat;
static struct hub_chat_tcp *lines;
static struct hub_chat_web *web;
static struct weft_http_router *router;
static struct weft_http_server *server;
static struct weft_listener *line_listener, *web_listener;
static char line_address[WEFT_ADDRESS_TEXT_MAX], web_url[WEFT_ADDRESS_TEXT_MAX + 16];
static atomic_bool is_over;
static atomic_uint heard;

/* ---- One who is there ----------------------------------------------------------------------- */

struct member {
	struct weft_stream *stream; /* or */
	struct weft_ws *ws;
	char name[32];
	uint64_t seq; /* heard last; 0: none */
};

static void tell(const struct member *member, const char *line, const char *object)
{
	char text[128];

	if (member->ws) {
		CHECK_INT(weft_ws_send_text(member->ws, object), ==, 0);
		return;
	}
	snprintf(text, sizeof(text), "%s\n", line);
	CHECK_INT(weft_stream_write_all(member->stream, text, strlen(text)), ==, 0);
	CHECK_INT(weft_stream_flush(member->stream), ==, 0);
}

/* The next event or answer; false: it is over. */
static bool hear(const struct member *member, char *ret_text, size_t size)
{
	struct weft_ws_message message;
	const char *data;
	size_t len;
	ssize_t got;

	if (member->ws) {
		if (weft_ws_receive(member->ws, &message) <= 0)
			return false;
		data = message.data;
		len = message.len;
	} else {
		got = weft_stream_readline(member->stream, &data);
		if (got <= 0)
			return false;
		len = (size_t)got;
	}
	len = len < size ? len : size - 1;
	memcpy(ret_text, data, len);
	ret_text[len] = '\0';
	return true;
}

/* "message lobby 1a2b3c4d 17 ..." or {"event":"message","room":"lobby","epoch":"...","seq":17,...
 */
static void take_message(struct member *member, const char *text)
{
	const char *at = member->ws ? strstr(text, "\"seq\":") : text + strlen("message lobby ");
	uint64_t seq;

	CHECK(at != NULL);
	seq = strtoull(member->ws ? at + 6 : strchr(at, ' '), NULL, 10);
	CHECK(seq > 0 && (member->seq == 0 || seq == member->seq + 1));
	member->seq = seq;
	atomic_fetch_add(&heard, 1);
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Up to an OK, and whatever is heard before it. False: it is over, or refused. */
static bool hear_ok(struct member *member)
{
	char text[512];

	while (hear(member, text, sizeof(text))) {
		CHECK(!begins(text, "gap ") && !begins(text, "{\"event\":\"gap"));
		if (begins(text, "message ") || begins(text, "{\"event\":\"message"))
			take_message(member, text);
		if (begins(text, "OK") || begins(text, "{\"ok\":true"))
			return true;
		if (begins(text, "NO") || begins(text, "{\"ok\":false"))
			return false;
	}
	return false;
}

static void come(struct member *member, bool is_web)
{
	char object[96], line[64];

	if (is_web)
		member->ws = weft_ws_connect(web_url, NULL);
	else
		member->stream = weft_stream_connect(line_address);
	CHECK(member->ws || member->stream);
	snprintf(line, sizeof(line), "GUEST %s", member->name);
	snprintf(object, sizeof(object), "{\"do\":\"guest\",\"name\":\"%s\"}", member->name);
	tell(member, line, object);
	CHECK(hear_ok(member));
	tell(member, "JOIN lobby", "{\"do\":\"join\",\"room\":\"lobby\"}");
	CHECK(hear_ok(member));
}

static void go(struct member *member)
{
	if (member->ws)
		weft_ws_free(member->ws);
	weft_stream_free(member->stream);
	member->ws = NULL;
	member->stream = NULL;
	member->seq = 0;
}

/* ---- Many of them --------------------------------------------------------------------------- */

/* At once, after words, after a silence, after both; with a word of leaving or without. */
static void live(struct member *member, unsigned kind)
{
	if (kind % 3 != 0) {
		weft_sleep(SILENCE_NS);
		tell(member, "SAY lobby I am back",
			"{\"do\":\"say\",\"room\":\"lobby\",\"text\":\"back\"}");
		CHECK(hear_ok(member));
	}
	if (kind % 3 == 2)
		weft_sleep(SILENCE_NS);
	if (kind % 2 == 0)
		tell(member, "QUIT", "{\"do\":\"quit\"}");
}

static int be_member(void *arg)
{
	unsigned number = (unsigned)(uintptr_t)arg;
	struct member member = {.stream = NULL};

	for (unsigned i = 0; i < LIVES; i++) {
		snprintf(member.name, sizeof(member.name), "m%u-%u", number, i);
		come(&member, number % 2);
		live(&member, number / 2 + i);
		go(&member);
	}
	return 0;
}

/* Hears nothing after she has come, and is there when the doors close. */
static int be_silent(void *arg)
{
	struct member member = {.stream = NULL};
	char text[512];

	snprintf(member.name, sizeof(member.name), "s%u", (unsigned)(uintptr_t)arg);
	come(&member, (uintptr_t)arg % 2);
	while (!atomic_load(&is_over))
		weft_sleep(WEFT_MILLISECONDS(20));
	while (hear(&member, text, sizeof(text)))
		;
	go(&member);
	return 0;
}

static int speak(void *arg)
{
	struct member member = {.name = "speaker"};

	(void)arg;
	come(&member, false);
	while (!atomic_load(&is_over)) {
		tell(&member, "SAY lobby hello", "");
		CHECK(hear_ok(&member));
		weft_sleep(WEFT_MILLISECONDS(5));
	}
	go(&member);
	return 0;
}

/* ---- The doors ------------------------------------------------------------------------------ */

static int run_lines(void *arg)
{
	(void)arg;
	return weft__hub_chat_tcp_run(lines, line_listener, false,
		&(struct weft_serve_options){.grace_ns = WEFT_SECONDS(5)});
}

static int run_web(void *arg)
{
	(void)arg;
	return weft_http_server_run(server, web_listener);
}

static void open_doors(void)
{
	char address[WEFT_ADDRESS_TEXT_MAX];

	chat = weft__hub_chat_new(
		&(struct hub_chat_options){.rate = 1000000, .address_rate = 1000000});
	web = weft__hub_chat_web_new(NULL);
	router = weft_http_router_new();
	CHECK(chat && web && router);
	lines = weft__hub_chat_tcp_new(chat);
	CHECK(lines != NULL);
	CHECK_INT(weft__hub_chat_web_mount(web, router), ==, 0);
	CHECK_INT(weft__hub_chat_web_start(web, chat), ==, 0);
	server = weft_http_server_new(&(struct weft_http_server_options){
		.service = &weft_http_router_service, .arg = router});
	line_listener = weft_listener_new("127.0.0.1:0", NULL);
	web_listener = weft_listener_new("127.0.0.1:0", NULL);
	CHECK(server && line_listener && web_listener);
	weft_address_print(
		weft_listener_address(line_listener), line_address, sizeof(line_address));
	weft_address_print(weft_listener_address(web_listener), address, sizeof(address));
	snprintf(web_url, sizeof(web_url), "ws://%s" HUB_CHAT_WEB_PATH, address);
}

static void close_doors(weft_fiber_id runs[2])
{
	int result = -1;

	weft__hub_chat_shut(chat, "over");
	weft_serve_stop(line_listener);
	weft_http_server_stop(server);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(weft_join(runs[i], &result, WEFT_FOREVER), ==, 0);
		CHECK_INT(result, ==, 0);
	}
	weft__hub_chat_web_stop(web);
	weft__hub_chat_tcp_free(lines);
	weft__hub_chat_free(chat);
	weft_http_server_free(server);
	weft_http_router_free(router);
	weft__hub_chat_web_free(web);
	weft_listener_free(line_listener);
	weft_listener_free(web_listener);
}

static int all(void *arg)
{
	weft_fiber_id runs[2], members[2 * MEMBERS], others[5];
	int result = -1;

	(void)arg;
	open_doors();
	runs[0] = weft_spawn(run_lines, NULL);
	runs[1] = weft_spawn(run_web, NULL);
	for (uintptr_t i = 0; i < 4; i++)
		others[i] = weft_spawn(be_silent, (void *)i);
	others[4] = weft_spawn(speak, NULL);
	for (uintptr_t i = 0; i < 2 * MEMBERS; i++)
		members[i] = weft_spawn(be_member, (void *)i);
	for (int i = 0; i < 2 * MEMBERS; i++) {
		CHECK_INT(weft_join(members[i], &result, WEFT_FOREVER), ==, 0);
		CHECK_INT(result, ==, 0);
	}
	CHECK(atomic_load(&heard) > 0);
	atomic_store(&is_over, true);
	CHECK_INT(weft_join(others[4], &result, WEFT_FOREVER), ==, 0);
	close_doors(runs);
	for (int i = 0; i < 4; i++)
		CHECK_INT(weft_join(others[i], &result, WEFT_FOREVER), ==, 0);
	return 0;
}

CHECK_CASE(many_enter_are_parked_speak_and_leave_by_two_doors_at_once)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 4}, all, NULL), ==, 0);
}

CHECK_MAIN()
