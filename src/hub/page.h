/*
 * page.h - the page of the hub: what lies in web/, and the facts that it asks for first.
 *
 *	/.weft/                 the page; so are /.weft/chat..., people..., me, status...
 *	/.weft/hub.json         what this hub is, who asks, what strangers may (docs/page.md)
 *	/.weft/HASH/FILE        a file of it, for ever
 *	/a/folder/              the page, to a browser that goes there; the listing to all others
 *
 * The last is for the folder's service to call: weft__hub_page_folder() where it has no index, and
 * weft__hub_page_error() where it says no.
 */
#ifndef WEFT_SRC_HUB_PAGE_H
#define WEFT_SRC_HUB_PAGE_H

#include "weft/account.h"
#include "weft/http_files.h"
#include "weft/http_route.h"

#define HUB_PAGE_PATH "/.weft"

struct hub_page;

/** What the hub is. Texts are borrowed, as long as the page. */
struct hub_page_options {
	struct weft_accounts *accounts; /* NULL: there are none */
	const char *name;               /* of the hub, for people */
	const char *version;
	bool has_files, has_chat, has_status;
	unsigned rights;    /* without accounts: enum weft_account_right, of everybody */
	int64_t upload_max; /* bytes; 0: no bound */
};

/** NULL: ENOMEM. End it with weft__hub_page_free() when no server uses it. NULL is fine. */
struct hub_page *weft__hub_page_new(const struct hub_page_options *options);
void weft__hub_page_free(struct hub_page *page);

/** Answer by it below HUB_PAGE_PATH. Errors: those of weft_http_router_add(). */
int weft__hub_page_mount(struct hub_page *page, struct weft_http_router *router);

/**
 * Where chat is to be had without a browser, "HOST:PORT"; NULL: not so. Before the server runs;
 * copied. 0 or -1: ENOMEM.
 */
int weft__hub_page_tell_chat(struct hub_page *page, const char *udp, const char *lines);

/** A weft_http_files_options.on_folder. */
int weft__hub_page_folder(
	struct weft_http_request *request, struct weft_http_response *response, void *arg);

/**
 * A service's on_error, whatever its arg: the page for a browser that goes to what is not for it,
 * or to a folder that is not there: it asks who it is, or says so. All else is left to others.
 */
int weft__hub_page_error(struct weft_http_request *request, struct weft_http_response *response,
	const char *why, int status, void *arg);

/**
 * Whether a browser asks for which the page is there to ask for a name and password: not to be
 * asked by a dialog of the browser's own.
 */
bool weft__hub_page_asks(const struct weft_http_request *request);

#endif
