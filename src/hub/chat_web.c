/*
 * chat_web.c - see chat_web.h.
 *
 *	request --> whose cookie? --> WebSocket, of our own pages --> session --> client
 *	one fiber receives and carries out; the worker's deliverer sends (chat_deliver.h)
 *
 * Until somebody has said who it is, the receiving fiber sends the answers, too.
 *
 * Never: compresses (what strangers say would be beside what is secret), or keeps a socket for long
 * whose peer has not said who it is.
 */
#include "chat_web.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "asker.h"
#include "chat_deliver.h"
#include "chat_json.h"
#include "page.h"
#include "weft/fiber.h"
#include "weft/list.h"
#include "weft/scope.h"
#include "weft/websocket.h"

/** For somebody to say who it is; for a slow peer to take a batch; for what is said last. */
#define LOGIN_NS WEFT_SECONDS(30)
#define WRITE_NS WEFT_SECONDS(30)
#define LAST_NS  WEFT_SECONDS(5)

/** For a peer to answer a ping, after half a minute of silence. */
#define PONG_NS WEFT_SECONDS(60)

struct hub_chat_web {
	struct weft_accounts *accounts; /* NULL: there are none */
	struct hub_chat *chat;
	struct chat_deliverers *deliverers; /* NULL: it has not started */
};

struct connection {
	struct chat_target target;
	struct weft_ws *ws;
	struct hub_chat_web *web;
	struct hub_chat_session *session;
	int64_t since_ns;
};

/* ---- Writing ----------------------------------------------------------------------------------
 */

_Static_assert(CHAT_BATCH_MAX <= WEFT_WS_FRAMES_MAX, "a batch is one try");

static int try_write(void *arg, const char *bytes, size_t len, size_t *ret_taken)
{
	const struct connection *connection = arg;
	int result = weft_ws_try_send_frames(connection->ws, bytes, len);

	if (result < 0 && errno != EAGAIN && errno != EMSGSIZE)
		return -1;
	*ret_taken = result < 0 ? 0 : len;
	return result != 0;
}

static int write_all(void *arg, const char *bytes, size_t len)
{
	const struct connection *connection = arg;

	return weft_ws_send_frames(connection->ws, bytes, len);
}

static const struct chat_writing writing = {
	.try_write = try_write,
	.write = write_all,
	.timeout_ns = WRITE_NS,
};

/* ---- Reading ----------------------------------------------------------------------------------
 */

static int receive(const struct connection *connection, struct weft_ws_message *message)
{
	int64_t left_ns = connection->since_ns + LOGIN_NS - weft_now();
	int result = -1;

	if (connection->target.client)
		return weft_ws_receive(connection->ws, message);
	WEFT_WITH_TIMEOUT (left_ns > 0 ? left_ns : 0)
		result = weft_ws_receive(connection->ws, message);
	return result;
}

/* Returns as weft__hub_chat_session_do(). */
static int take_message(struct connection *connection, const struct weft_ws_message *message)
{
	/* Not on the stack, which is to be small while it waits. */
	struct weft_chat_command *command;
	const char *why;
	int result;

	if (message->type != WEFT_WS_TEXT) {
		weft_ws_close(connection->ws, WEFT_WS_UNSUPPORTED, "text is spoken here");
		return 1;
	}
	command = malloc(sizeof(*command));
	if (!command)
		return -1;
	why = weft__hub_chat_json_read(command, message->data, message->len);
	if (why)
		result = weft__hub_chat_session_refuse(connection->session, command->tag, why);
	else
		result = weft__hub_chat_session_do(connection->session, command);
	/* It may have held a password. */
	if (command->verb <= WEFT_CHAT_GUEST)
		explicit_bzero(command->text, sizeof(command->text));
	free(command);
	return result;
}

/* She has come in: what is for her comes by the deliverer. */
static void enter(struct connection *connection)
{
	struct weft_room_client *client = weft__hub_chat_session_client(connection->session);

	if (client && !connection->target.client)
		weft__chat_target_enter(&connection->target, client);
}

static void talk(struct connection *connection, const struct weft_account_who *who)
{
	struct weft_ws_message message;
	int result = 0;

	if (who)
		result = weft__hub_chat_session_enter(connection->session, who);
	enter(connection);
	while (result == 0 && receive(connection, &message) > 0) {
		result = take_message(connection, &message);
		enter(connection);
	}
}

/* ---- A connection -----------------------------------------------------------------------------
 */

static void on_ready(void *arg)
{
	weft__chat_target_ready(&((struct connection *)arg)->target);
}

static void on_probe(void *arg)
{
	const struct connection *connection = arg;

	weft__hub_chat_probe(connection->web->chat, weft_ws_fd(connection->ws));
}

static void connection_free(struct chat_target *target)
{
	free(weft_container_of(target, struct connection, target));
}

static bool is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

/* NULL: a program of this machine, by a Unix socket. */
static const char *client_of(const struct weft_http_request *request)
{
	const char *address = weft_http_request_client(request);

	return strcmp(address, "-") == 0 ? NULL : address;
}

static struct hub_chat_session *begin_session(struct connection *connection, struct hub_chat *chat,
	const struct weft_http_request *request)
{
	const char *address = client_of(request);
	const struct hub_chat_peer peer = {.wire = &weft__hub_chat_websocket,
		.door = "web",
		.is_counted = true, /* as every connection by HTTP */
		.address = address,
		.is_private = !address || is_loopback(address) ||
			      strcmp(weft_http_request_scheme(request), "https") == 0,
		.write = write_all,
		.on_ready = on_ready,
		.on_probe = on_probe,
		.arg = connection};

	return weft__hub_chat_session_new(chat, &peer);
}

static int serve(struct hub_chat_web *web, struct weft_ws *ws,
	const struct weft_http_request *request, const struct weft_account_who *who)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return -1;
	connection->ws = ws;
	connection->web = web;
	connection->since_ns = weft_now();
	connection->target.free = connection_free;
	weft__chat_target_start(&connection->target, web->deliverers, &writing, connection);
	connection->session = begin_session(connection, web->chat, request);
	if (connection->session) {
		talk(connection, who);
		WEFT_SHIELDED
			weft__chat_target_stop(&connection->target, LAST_NS);
		weft__hub_chat_session_free(connection->session);
	} else {
		weft_ws_close(ws, WEFT_WS_RETRY, "too many of your address are here");
	}
	weft__chat_target_drop(&connection->target);
	return 0;
}

/* ---- Requests ---------------------------------------------------------------------------------
 */

/* Who asks, by her cookie; else nobody. 0, or what to answer. */
static int find_asker(
	struct hub_chat_web *web, struct weft_http_request *request, struct hub_asker *ret_asker)
{
	struct weft_account_call call = weft__hub_call_of(request);

	*ret_asker = (struct hub_asker){.by = HUB_BY_NOTHING};
	if (!web->accounts ||
		weft__hub_asker_find(web->accounts, request, &call, true, ret_asker) == 0)
		return 0;
	if (errno == EKEYREJECTED || errno == EKEYEXPIRED || errno == EBADMSG)
		return 401;
	return weft_http_status_of_errno(errno);
}

static int on_socket(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	/* A ping waits behind what a slow peer has still to take. */
	const struct weft_ws_options options = {.message_max = WEFT_CHAT_LINE_MAX,
		.pong_timeout_ns = PONG_NS,
		.unsent_max = CHAT_UNSENT_MAX};
	struct hub_chat_web *web = arg;
	struct hub_asker asker;
	struct weft_ws *ws;
	int result;

	/* A person has typed the address. */
	if (!weft_http_request_field(request, "Upgrade").data)
		return weft_http_response_redirect(response, 307, HUB_CHAT_WEB_PATH "/");
	if (!web->deliverers || !weft_self())
		return 501;
	result = find_asker(web, request, &asker);
	if (result)
		return result;
	if (!asker.who && weft__hub_chat_is_crowded(web->chat, client_of(request))) {
		weft__hub_asker_fini(&asker);
		return 429;
	}
	ws = weft_ws_accept(request, response, &options);
	if (ws)
		result = serve(web, ws, request, asker.who);
	weft_ws_free(ws);
	weft__hub_asker_fini(&asker);
	return result;
}

/* What stands behind the '#' of an address, a room or a link's secret, browsers keep. */
static int on_page(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const char *file = weft_http_request_param(request, "file");

	(void)arg;
	if (file[0] == '\0')
		return weft_http_response_redirect(response, 307, HUB_PAGE_PATH "/chat");
	if (strcmp(file, "account.html") == 0)
		return weft_http_response_redirect(response, 307, HUB_PAGE_PATH "/me");
	return 404;
}

/* ---- Life -------------------------------------------------------------------------------------
 */

struct hub_chat_web *weft__hub_chat_web_new(struct weft_accounts *accounts)
{
	struct hub_chat_web *web = malloc(sizeof(*web));

	if (web)
		*web = (struct hub_chat_web){.accounts = accounts};
	return web;
}

int weft__hub_chat_web_mount(struct hub_chat_web *web, struct weft_http_router *router)
{
	const struct weft_http_route routes[] = {
		{.pattern = HUB_CHAT_WEB_PATH, .handler = on_socket, .arg = web},
		{.pattern = HUB_CHAT_WEB_PATH "/{file...}", .handler = on_page}};

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (weft_http_router_add(router, &routes[i]) < 0)
			return -1;
	return 0;
}

int weft__hub_chat_web_start(struct hub_chat_web *web, struct hub_chat *chat)
{
	web->chat = chat;
	web->deliverers = weft__chat_deliverers_new();
	return web->deliverers ? 0 : -1;
}

void weft__hub_chat_web_stop(struct hub_chat_web *web)
{
	weft__chat_deliverers_free(web->deliverers);
	web->deliverers = NULL;
}

void weft__hub_chat_web_free(struct hub_chat_web *web)
{
	free(web);
}
