/*
 * serve_chat_web.c - `weft serve --chat-web`: the rooms by HTTP, a page and a WebSocket, wherever
 * the files are.
 *
 *	/.chat, /.chat/...   --> ../hub/chat_web.h
 *	all else             --> the files, or with accounts what stands before them
 *
 * Entry point: weft__serve_chat_web_mount().
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../hub/chat_web.h"
#include "serve.h"

int weft__serve_chat_web_take(const struct serve *serve)
{
	if (!serve->chat.has_web)
		return CMD_DONE;
	if (serve->model != 0)
		return weft__cmd_usage(NAME, "--chat-web is for --model fiber.");
	if (serve->http.count + serve->https.count == 0)
		return weft__cmd_usage(NAME, "--chat-web is of --http or --https.");
	return CMD_DONE;
}

int weft__serve_chat_web_mount(struct serve *serve, struct weft_http_router *router)
{
	struct serve_chat *chat = &serve->chat;

	if (!chat->has_web)
		return 0;
	chat->web = weft__hub_chat_web_new(weft__serve_accounts_of(serve));
	return chat->web ? weft__hub_chat_web_mount(chat->web, router) : -1;
}

int weft__serve_chat_web_start(struct serve *serve)
{
	struct serve_chat *chat = &serve->chat;

	if (chat->web && weft__hub_chat_web_start(chat->web, chat->chat) < 0)
		return weft__cmd_fail(NAME, "can't start chat: %s.", strerror(errno));
	return CMD_DONE;
}

void weft__serve_chat_web_stop(struct serve *serve)
{
	if (serve->chat.web)
		weft__hub_chat_web_stop(serve->chat.web);
}

void weft__serve_chat_web_free(struct serve *serve)
{
	weft__hub_chat_web_free(serve->chat.web);
}

void weft__serve_print_chat_web(const struct serve *serve)
{
	if (!serve->chat.web)
		return;
	if (serve->is_json)
		fputs("\"chat-web\": \"" HUB_CHAT_WEB_PATH "/\", ", stdout);
	else
		printf("  %-8s %s/ there, in the browser\n", "chat", HUB_CHAT_WEB_PATH);
}
