/*
 * test_link_port.c - links on real sockets (weft/chat_port.h): several workers, several clients,
 * and the rest of the port's traffic beside them.
 *
 * check: tsan drivers
 */
#include "check.h"

#include "weft/chat_port.h"
#include "weft/event.h"
#include "weft/fiber.h"
#include "weft/scope.h"

#define CLIENTS  4
#define MESSAGES 60

static const uint8_t secret_key[WEFT_CHAT_LINK_KEY_SIZE] = {5};
static struct weft_chat_port *server;
static struct weft_event other_came;

static void other(void *arg, const struct weft_datagram *datagram)
{
	CHECK_INT(datagram->len, ==, 6);
	CHECK_MEM(datagram->data, "L anna", 6);
	weft_event_set(arg);
}

static int serve_one(void *arg)
{
	struct weft_chat_session *session = arg;
	char text[100];
	ssize_t len;

	if (weft_chat_session_login(session)->kind == WEFT_CHAT_LINK_GUEST)
		CHECK_INT(weft_chat_session_refuse(session, "members only"), ==, 0);
	else
		CHECK_INT(weft_chat_session_welcome(session, NULL), ==, 0);
	while ((len = weft_chat_session_receive(session, text, sizeof(text))) >= 0)
		if (weft_chat_session_send(session, text, (size_t)len) < 0)
			break;
	weft_chat_session_free(session);
	return 0;
}

static int serve(void *arg)
{
	struct weft_chat_session *session;
	struct weft_scope scope;

	(void)arg;
	weft_scope_begin(&scope, WEFT_FOREVER);
	while ((session = weft_chat_port_accept(server)))
		CHECK(weft_scope_spawn(&scope, serve_one, session));
	weft_scope_end(&scope);
	return 0;
}

static weft_fiber_id start_server(void)
{
	struct weft_chat_endpoint_options endpoint = {.secret_key = secret_key};
	struct weft_chat_port_options options = {
		.endpoint = &endpoint, .other = other, .arg = &other_came};
	weft_fiber_id fiber;

	weft_event_init(&other_came, "other");
	CHECK((server = weft_chat_port_new(weft_udp_new("127.0.0.1:0", NULL), &options)));
	CHECK((fiber = weft_spawn(serve, NULL)));
	return fiber;
}

static void stop_server(weft_fiber_id fiber)
{
	weft_cancel(fiber);
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	weft_chat_port_free(server);
}

static struct weft_chat_port *client_new(void)
{
	struct weft_chat_port *port = weft_chat_port_new(weft_udp_new("127.0.0.1:0", NULL), NULL);

	CHECK(port);
	return port;
}

static struct weft_chat_session *enter(struct weft_chat_port *port, const char *secret)
{
	struct weft_chat_link_connect_options options = {
		.login = {"anna", secret, secret ? WEFT_CHAT_LINK_PASSWORD : WEFT_CHAT_LINK_GUEST}};

	return weft_chat_port_connect(
		port, weft_udp_local(weft_chat_port_udp(server)), &options, NULL);
}

/* ---- Many ---------------------------------------------------------------------------------- */

static int say_all(void *arg)
{
	char text[100];

	for (int i = 0; i < MESSAGES; i++) {
		int len = snprintf(text, sizeof(text), "message %d", i);

		CHECK_INT(weft_chat_session_send(arg, text, (size_t)len), ==, 0);
	}
	return 0;
}

static int talk(void *arg)
{
	struct weft_chat_port *port = client_new();
	struct weft_chat_session *session;
	weft_fiber_id sayer;
	char text[100], expected[100];

	(void)arg;
	CHECK((session = enter(port, "secret")));
	CHECK((sayer = weft_spawn(say_all, session)));
	for (int i = 0; i < MESSAGES; i++) {
		ssize_t len = weft_chat_session_receive(session, text, sizeof(text) - 1);

		CHECK_INT(len, >, 0);
		text[len] = 0;
		snprintf(expected, sizeof(expected), "message %d", i);
		CHECK_STR(text, expected);
	}
	CHECK_INT(weft_join(sayer, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(weft_chat_session_close(session, NULL), ==, 0);
	CHECK_ERRNO(weft_chat_session_send(session, "x", 1), ENOTCONN);
	weft_chat_session_free(session);
	weft_chat_port_free(port);
	return 0;
}

static int many(void *arg)
{
	weft_fiber_id fiber = start_server(), clients[CLIENTS];
	int results[CLIENTS];

	(void)arg;
	for (int i = 0; i < CLIENTS; i++)
		CHECK((clients[i] = weft_spawn(talk, NULL)));
	CHECK_INT(weft_join_all(clients, CLIENTS, results, WEFT_FOREVER), ==, CLIENTS);
	stop_server(fiber);
	return 0;
}

CHECK_CASE(many_clients_on_several_workers_get_what_they_said)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 3}, many, NULL), ==, 0);
}

/* ---- What else there is ---------------------------------------------------------------------- */

static int odds(void *arg)
{
	weft_fiber_id fiber = start_server();
	struct weft_chat_port *port = client_new();
	struct weft_chat_session *session;
	char text[10];
	ssize_t len = 0;

	(void)arg;
	CHECK_ERRNO(enter(port, NULL), EACCES);
	CHECK_INT(weft_udp_send(weft_chat_port_udp(port), "L anna", 6,
			  weft_udp_local(weft_chat_port_udp(server))),
		==, 0);
	CHECK_INT(weft_event_wait(&other_came), ==, 0);
	CHECK((session = enter(port, "secret")));
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		len = weft_chat_session_receive(session, text, sizeof(text));
	CHECK_INT(len, ==, -1);
	CHECK_INT(errno, ==, ETIMEDOUT);
	CHECK_INT(weft_chat_session_send(session, "longer than ten", 15), ==, 0);
	CHECK_INT(weft_chat_session_flush(session), ==, 0);
	CHECK_ERRNO(weft_chat_session_receive(session, text, sizeof(text)), EMSGSIZE);
	weft_chat_session_free(session);
	weft_chat_port_free(port);
	stop_server(fiber);
	return 0;
}

CHECK_CASE(a_port_has_other_datagrams_too_and_its_calls_have_deadlines)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, odds, NULL), ==, 0);
}

CHECK_CASE(without_a_run_there_is_no_port)
{
	struct weft_udp *udp = weft_udp_new("127.0.0.1:0", NULL);

	CHECK(udp);
	CHECK_ERRNO(weft_chat_port_new(udp, NULL), ENOTSUP);
	weft_udp_free(udp);
}

CHECK_MAIN()
