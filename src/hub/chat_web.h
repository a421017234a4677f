/*
 * chat_web.h - the door of chat for browsers: WebSocket with JSON.
 *
 *	/.chat     the WebSocket (docs/chat-protocol.md)
 *	/.chat/    to the page that speaks it (page.h), as is /.chat for who asks for a page
 *
 * Who has a session's cookie of the accounts' API is logged in already. It needs fibers: under
 * another model of serving the WebSocket is answered 501.
 */
#ifndef WEFT_SRC_HUB_CHAT_WEB_H
#define WEFT_SRC_HUB_CHAT_WEB_H

#include "chat.h"
#include "weft/http_route.h"

#define HUB_CHAT_WEB_PATH "/.chat"

struct hub_chat_web;

/** accounts: those of the API, whose cookies count; NULL: there are none. NULL: ENOMEM. */
struct hub_chat_web *weft__hub_chat_web_new(struct weft_accounts *accounts);

/** Answer by it. Errors: those of weft_http_router_add(). */
int weft__hub_chat_web_mount(struct hub_chat_web *web, struct weft_http_router *router);

/** Before the server runs, in a fiber: people may come in from now on. 0, or -1: ENOMEM. */
int weft__hub_chat_web_start(struct hub_chat_web *web, struct hub_chat *chat);

/** After the server has run, in a fiber. Fine without a start. */
void weft__hub_chat_web_stop(struct hub_chat_web *web);

/** No server uses it any more. NULL is fine. */
void weft__hub_chat_web_free(struct hub_chat_web *web);

#endif
