/*
 * serve_page.c - `weft serve --page`: the page of the hub, and what stands before the files where
 * there are no accounts.
 *
 *	/.chat, /.chat/...   --> ../hub/chat_web.h
 *	/.weft/...           --> ../hub/page.h
 *	all else             --> the files, or with accounts what stands before them
 *
 * Entry points: weft__serve_page_mount(), weft__serve_page_front().
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../hub/page.h"
#include "serve.h"

int weft__serve_page_take(struct serve *serve)
{
	if (!serve->has_page)
		return CMD_DONE;
	if (serve->http.count + serve->https.count == 0)
		return weft__cmd_usage(NAME, "--page is of --http or --https.");
	serve->files_options.on_folder = weft__hub_page_folder;
	return CMD_DONE;
}

static const char *name_of(const struct serve *serve)
{
	if (serve->chat.announced_as)
		return serve->chat.announced_as;
	return serve->own_names.first[0] ? serve->own_names.first : "weft";
}

/* What everybody may who comes in. */
static unsigned rights_of(const struct weft_http_files_options *files)
{
	unsigned rights = WEFT_ACCOUNT_READ;

	if (!files->no_listing)
		rights |= WEFT_ACCOUNT_LIST;
	if (files->allow_upload)
		rights |= WEFT_ACCOUNT_WRITE;
	if (files->allow_overwrite)
		rights |= WEFT_ACCOUNT_REPLACE;
	if (files->allow_change)
		rights |= WEFT_ACCOUNT_DELETE;
	return rights;
}

/* Who types the address leaves the slash out. */
static int lead_to_page(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	(void)request;
	(void)arg;
	return weft_http_response_redirect(response, 307, HUB_PAGE_PATH "/");
}

int weft__serve_page_mount(struct serve *serve, struct weft_http_router *router)
{
	const struct hub_page_options options = {.accounts = weft__serve_accounts_of(serve),
		.name = name_of(serve),
		.version = WEFT_VERSION,
		.has_files = serve->has_page,
		.has_chat = serve->chat.has_web,
		.has_status = weft__serve_status_of(serve) && serve->accounts, /* of its API */
		.rights = rights_of(&serve->files_options),
		.upload_max = serve->files_options.upload_max ? serve->files_options.upload_max
							      : (int64_t)4 << 30};

	const struct weft_http_route bare = {.pattern = HUB_PAGE_PATH, .handler = lead_to_page};

	/* Chat is a part of it, and can be the only one. */
	if (!serve->has_page && !serve->chat.has_web)
		return 0;
	serve->page = weft__hub_page_new(&options);
	if (!serve->page || weft__hub_page_mount(serve->page, router) < 0)
		return -1;
	return weft_http_router_add(router, &bare);
}

int weft__serve_page_front(struct serve *serve, const struct weft_http_service *files)
{
	serve->router = weft_http_router_new();
	if (!serve->router || weft__serve_chat_web_mount(serve, serve->router) < 0 ||
		weft__serve_page_mount(serve, serve->router) < 0 ||
		weft_http_router_mount(serve->router, "/", files, serve->files) < 0)
		return weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	serve->front = (struct weft_http_service){.authorise = weft__serve_authorise,
		.on_error = serve->has_page ? weft__hub_page_error : NULL,
		.parent = &weft_http_router_service,
		.parent_arg = serve->router};
	serve->server_options.service = &serve->front;
	serve->server_options.arg = serve;
	return CMD_DONE;
}

/* The first door of chat without TLS: where nc(1) can talk. */
static const struct serve_door *find_chat(const struct serve *serve)
{
	for (unsigned i = 0; i < serve->door_count; i++)
		if (serve->doors[i].kind == SERVE_CHAT &&
			weft_address_family(weft_listener_address(serve->doors[i].listener)) !=
				AF_UNIX)
			return &serve->doors[i];
	return NULL;
}

int weft__serve_page_start(struct serve *serve)
{
	const struct serve_door *door = find_chat(serve);
	char text[WEFT_ADDRESS_TEXT_MAX];

	if (!serve->page || !door)
		return CMD_DONE;
	weft_address_print(weft_listener_address(door->listener), text, sizeof(text));
	if (weft__hub_page_tell_chat(serve->page, door->datagrams ? text : NULL, text) < 0)
		return weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	return CMD_DONE;
}

void weft__serve_page_free(struct serve *serve)
{
	weft_http_router_free(serve->router);
	weft__hub_page_free(serve->page);
}
