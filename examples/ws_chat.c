/*
 * ws_chat.c - a chat over WebSocket with rooms: what one says, all in the room hear.
 *
 *	ws_chat [ADDRESS]     then, on any page of that address:
 *	                      new WebSocket("ws://ADDRESS/ROOM")
 *
 * Each member has a queue, and a fiber that sends what is in it: who tells a room waits for
 * nobody, and who reads too slowly misses something, instead of holding up all others. Members are
 * in the memory of one process, so the model is "fiber". SIGTERM ends it: members are told 1001.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <weft/chan.h>
#include <weft/fiber.h>
#include <weft/http_route.h>
#include <weft/list.h>
#include <weft/lock.h>
#include <weft/scope.h>
#include <weft/signal.h>
#include <weft/websocket.h>

#define SAID_MAX  1000
#define QUEUE_MAX 32

struct said {
	size_t len;
	char text[SAID_MAX];
};

struct member {
	struct weft_list_node in_members;
	const char *room;
	struct weft_ws *ws;
	struct weft_chan *queue; /* of struct said */
};

static struct weft_list members;
static struct weft_lock lock = WEFT_LOCK_INIT;

static void tell(const char *room, const struct weft_ws_message *message)
{
	struct said said = {.len = message->len};

	memcpy(said.text, message->data, message->len);
	if (weft_lock_acquire(&lock) < 0)
		return;
	weft_list_each (node, &members) {
		struct member *member = weft_container_of(node, struct member, in_members);

		if (strcmp(member->room, room) == 0)
			weft_chan_try_send(member->queue, &said); /* full: it misses this */
	}
	weft_lock_release(&lock);
}

static int send_queue(void *arg)
{
	struct member *member = arg;
	struct said said;

	while (weft_chan_recv(member->queue, &said) > 0)
		if (weft_ws_send(member->ws, WEFT_WS_TEXT, said.text, said.len) < 0)
			break;
	return 0;
}

/* What the member says, until it leaves. */
static void listen_to(struct member *member)
{
	struct weft_ws_message message;
	weft_fiber_id sender;

	if (weft_lock_acquire(&lock) < 0)
		return;
	weft_list_push_back(&members, &member->in_members);
	weft_lock_release(&lock);
	sender = weft_spawn(send_queue, member);
	while (sender && weft_ws_receive(member->ws, &message) > 0)
		if (message.type == WEFT_WS_TEXT)
			tell(member->room, &message);
	/* At a stop this fiber is cancelled; but it has to be seen out all the same. */
	WEFT_SHIELDED {
		weft_lock_acquire(&lock);
		weft_list_remove(&member->in_members);
		weft_lock_release(&lock);
		weft_chan_close(member->queue);
		if (sender)
			weft_join(sender, NULL, WEFT_FOREVER);
	}
}

static int join(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const struct weft_ws_options options = {.message_max = SAID_MAX};
	struct member member = {.room = weft_http_request_param(request, "room")};

	(void)arg;
	member.queue = weft_chan_new(sizeof(struct said), QUEUE_MAX, "queue");
	if (!member.queue)
		return 503;
	member.ws = weft_ws_accept(request, response, &options);
	if (member.ws)
		listen_to(&member);
	weft_ws_free(member.ws); /* NULL: refused, and answered */
	weft_chan_free(member.queue);
	return 0;
}

static int stop(void *server)
{
	const int signals[] = {SIGINT, SIGTERM};

	if (weft_signal_wait(signals, 2) > 0)
		weft_http_server_stop(server);
	return 0;
}

static int serve(void *address)
{
	struct weft_http_route route = {.pattern = "/{room}", .handler = join};
	struct weft_listener *listener = weft_listener_new(address, NULL);
	struct weft_http_router *router = weft_http_router_new();
	struct weft_http_server *server = weft_http_server_new(&(struct weft_http_server_options){
		.service = &weft_http_router_service, .arg = router});
	int result = -1;

	weft_list_init(&members);
	if (listener)
		printf("port %u\n", weft_address_port(weft_listener_address(listener)));
	fflush(stdout);
	if (server && router && weft_http_router_add(router, &route) == 0 &&
		weft_spawn(stop, server))
		result = weft_http_server_run(server, listener);
	if (result < 0)
		perror(address);
	weft_http_server_free(server);
	weft_http_router_free(router);
	weft_listener_free(listener);
	return result < 0;
}

int main(int argc, char **argv)
{
	char address[] = "127.0.0.1:8080";

	return weft_run(NULL, serve, argc > 1 ? argv[1] : address);
}
