/*
 * test_chat_link.c - sealed sessions (weft/chat_port.h) over a network that loses, doubles and
 * reorders: what was accepted comes exactly once and in order, both ways, while clients move;
 * a server that began anew is noticed, and is the same one.
 */
#include "sim/sim.h"

#include <errno.h>

#include "weft/chat_port.h"
#include "weft/event.h"
#include "weft/scope.h"

#define CLIENTS  2
#define MESSAGES 20
#define LEN_MAX  3000

static const uint8_t secret_key[WEFT_CHAT_LINK_KEY_SIZE] = {1, 2, 3};
static const struct weft_chat_endpoint_options server_options = {.secret_key = secret_key};
static const struct weft_chat_endpoint_options client_options = {.connect_ns = WEFT_SECONDS(300)};
static const struct weft_chat_port_options client_port = {.endpoint = &client_options};

static struct weft_chat_port *server;
static struct weft_event ready;

/* Mostly short; some need several datagrams. */
static size_t message_make(unsigned from, unsigned number, char *ret_text)
{
	size_t len = (number * 7 + from) % 5 ? 20 + number : LEN_MAX - number;

	for (size_t i = 0; i < len; i++)
		ret_text[i] = (char)('a' + (from * 3 + number * 5 + i) % 26);
	return len;
}

static void check_message(unsigned from, unsigned number, const char *text, ssize_t len)
{
	char expected[LEN_MAX];

	CHECK_INT(len, ==, message_make(from, number, expected));
	CHECK_MEM(text, expected, (size_t)len);
}

/* ---- The server: sends as many as it gets ---------------------------------------------------- */

struct said {
	struct weft_chat_session *session;
	unsigned from;
};

static int say_all(void *arg)
{
	struct said *said = arg;
	char text[LEN_MAX];

	for (unsigned i = 0; i < MESSAGES; i++) {
		size_t len = message_make(said->from, i, text);

		if (weft_chat_session_send(said->session, text, len) < 0)
			return -1;
	}
	return 0;
}

static int serve_one(void *arg)
{
	struct weft_chat_session *session = arg;
	const struct weft_chat_link_login *login = weft_chat_session_login(session);
	struct said said = {session, 100};
	char text[LEN_MAX];
	unsigned from;
	int result;
	weft_fiber_id fiber;

	CHECK(login);
	from = (unsigned)(login->name[0] - '0');
	if (strcmp(login->secret, "right") != 0) {
		CHECK_INT(weft_chat_session_refuse(session, "wrong"), ==, 0);
		weft_chat_session_free(session);
		return 0;
	}
	weft_sleep(WEFT_MILLISECONDS(50)); /* it is looked up */
	if (weft_chat_session_welcome(session, NULL) == 0) {
		CHECK((fiber = weft_spawn(say_all, &said)));
		for (unsigned i = 0;; i++) {
			ssize_t len = weft_chat_session_receive(session, text, sizeof(text));

			if (len < 0)
				break;
			CHECK_INT(i, <, MESSAGES);
			check_message(from, i, text, len);
		}
		weft_join(fiber, &result, WEFT_FOREVER);
	}
	weft_chat_session_free(session);
	return 0;
}

static int serve_life(void)
{
	struct weft_chat_port_options options = {.endpoint = &server_options};
	struct weft_chat_session *session;
	struct weft_scope scope;
	struct weft_udp *udp = weft_udp_new("0.0.0.0:7777", NULL);

	CHECK(udp);
	CHECK((server = weft_chat_port_new(udp, &options)));
	weft_event_set(&ready);
	weft_scope_begin(&scope, WEFT_FOREVER);
	while ((session = weft_chat_port_accept(server)))
		CHECK(weft_scope_spawn(&scope, serve_one, session));
	weft_scope_end(&scope);
	WEFT_SHIELDED
		weft_chat_port_free(server);
	return 0;
}

static int serve(void *arg)
{
	(void)arg;
	CHECK_INT(weft_sim_host("server"), ==, 0);
	return serve_life();
}

/* ---- Clients --------------------------------------------------------------------------------- */

struct client {
	struct weft_chat_port *port;
	struct weft_chat_session *session;
};

static struct weft_chat_session *enter(
	struct weft_chat_port *port, const char *name, const char *secret, int *ret_why)
{
	uint8_t key[WEFT_CHAT_LINK_KEY_SIZE];
	struct weft_address address;
	struct weft_chat_ending ending;
	struct weft_chat_link_connect_options options = {
		.login = {name, secret, WEFT_CHAT_LINK_PASSWORD}, .server_key = key};
	struct weft_chat_session *session;

	CHECK_INT(weft_chat_link_key_public(secret_key, key), ==, 0);
	CHECK_INT(weft_address_resolve(&address, 1, "server:7777"), ==, 1);
	session = weft_chat_port_connect(port, &address, &options, &ending);
	*ret_why = (int)ending.why;
	return session;
}

static int move_about(void *arg)
{
	struct client *client = arg;

	for (int i = 0; i < 3; i++) {
		struct weft_udp *udp;

		if (weft_sleep(WEFT_MILLISECONDS(700)) < 0)
			return 0;
		CHECK((udp = weft_udp_new("0.0.0.0:0", NULL)));
		CHECK_INT(weft_chat_port_move(client->port, udp), ==, 0);
	}
	return 0;
}

static int talk(void *arg)
{
	unsigned from = (unsigned)(uintptr_t)arg;
	char host[] = "client0", name[] = "0", text[LEN_MAX];
	struct client client;
	struct said said;
	weft_fiber_id mover, sayer;
	int why;

	host[6] = name[0] = (char)('0' + from);
	CHECK_INT(weft_sim_host(host), ==, 0);
	CHECK((client.port = weft_chat_port_new(weft_udp_new("0.0.0.0:0", NULL), &client_port)));
	CHECK(!enter(client.port, name, "wrong", &why));
	CHECK_INT(why, ==, WEFT_CHAT_LINK_REFUSED);
	CHECK((client.session = enter(client.port, name, "right", &why)));
	said = (struct said){client.session, from};
	CHECK((mover = weft_spawn(move_about, &client)));
	CHECK((sayer = weft_spawn(say_all, &said)));
	for (unsigned i = 0; i < MESSAGES; i++)
		check_message(100, i, text,
			weft_chat_session_receive(client.session, text, sizeof(text)));
	CHECK_INT(weft_join(sayer, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(weft_chat_session_flush(client.session), ==, 0);
	weft_cancel(mover);
	CHECK_INT(weft_join(mover, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(weft_chat_session_close(client.session, "bye"), ==, 0);
	weft_chat_session_free(client.session);
	weft_chat_port_free(client.port);
	return 0;
}

static int storm(void *arg)
{
	weft_fiber_id fiber, clients[CLIENTS];
	int results[CLIENTS];

	(void)arg;
	weft_event_init(&ready, "ready");
	fiber = weft_spawn(serve, NULL);
	CHECK_INT(weft_event_wait(&ready), ==, 0);
	for (uintptr_t i = 0; i < CLIENTS; i++)
		CHECK((clients[i] = weft_spawn(talk, (void *)i)));
	CHECK_INT(weft_join_all(clients, CLIENTS, results, WEFT_FOREVER), ==, CLIENTS);
	weft_cancel(fiber);
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	return 0;
}

/* ---- A server that begins anew --------------------------------------------------------------- */

static int restart(void *arg)
{
	struct weft_chat_port *port;
	struct weft_chat_session *session;
	weft_fiber_id fiber;
	char text[LEN_MAX];
	int why;

	(void)arg;
	weft_event_init(&ready, "ready");
	fiber = weft_spawn(serve, NULL);
	CHECK_INT(weft_event_wait(&ready), ==, 0);
	CHECK_INT(weft_sim_host("client"), ==, 0);
	CHECK((port = weft_chat_port_new(weft_udp_new("0.0.0.0:0", NULL), &client_port)));
	CHECK((session = enter(port, "1", "right", &why)));
	CHECK_INT(weft_sim_partition("server", "client"), ==, 0); /* no goodbye comes through */
	weft_cancel(fiber);
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	weft_event_clear(&ready);
	fiber = weft_spawn(serve, NULL);
	CHECK_INT(weft_event_wait(&ready), ==, 0);
	CHECK_INT(weft_sim_heal("server", "client"), ==, 0);
	while (weft_chat_session_receive(session, text, sizeof(text)) >= 0)
		;
	CHECK_INT(errno, ==, ECONNRESET);
	CHECK_ERRNO(weft_chat_session_send(session, "x", 1), ECONNRESET);
	weft_chat_session_free(session);
	CHECK((session = enter(port, "1", "right", &why)));
	check_message(100, 0, text, weft_chat_session_receive(session, text, sizeof(text)));
	weft_chat_session_free(session);
	weft_chat_port_free(port);
	weft_cancel(fiber);
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	return 0;
}

#define BAD_NETWORK                                                                           \
	{                                                                                     \
		.loss_chance = 0.3, .duplicate_chance = 0.2, .reorder_chance = 0.2,           \
		.enobufs_chance = 0.02, .latency_min_ns = 1000000, .latency_max_ns = 50000000 \
	}

SIM_CASE(every_message_comes_once_and_in_order_while_clients_move, storm, 8, BAD_NETWORK)
SIM_CASE(so_they_do_over_a_good_network, storm, 50, {.loss_chance = 0})
SIM_CASE(a_server_that_began_anew_is_noticed_and_entered_again, restart, 20, BAD_NETWORK)

CHECK_MAIN()
