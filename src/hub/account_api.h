/*
 * account_api.h - the accounts by HTTP, as JSON: the operations of op.h below HUB_API_PREFIX.
 *
 *	struct hub_account_api *api = weft__hub_api_new(&(struct hub_account_api_options){
 *		.accounts = accounts, .dir = "/var/lib/weft"});
 *	weft__hub_api_mount(api, router);
 *
 * docs/account-api.md is the guide, docs/account-api.yaml the description for programs.
 */
#ifndef WEFT_SRC_HUB_ACCOUNT_API_H
#define WEFT_SRC_HUB_ACCOUNT_API_H

#include "op.h"
#include "weft/http_route.h"

struct hub_account_api; /* account_api.c */

/** Bytes of a body of JSON, at most; of a table: WEFT_ACCOUNT_IMPORT_LEN_MAX. */
#define HUB_API_BODY_MAX (64 * 1024)

/** Requests of one client, an address or a /64, to the API. */
#define HUB_API_RATE  50
#define HUB_API_BURST 300

/** How long a browser keeps a session that is to be remembered. */
#define HUB_API_REMEMBER_S (30 * 86400)

struct hub_account_api_options {
	struct weft_accounts *accounts;
	struct hub_status *status; /* of the server (status.h); NULL: it has none */
	struct weft_files *files;  /* that are shared, and who somebody is there; NULL: none */
	hub_visit_fn *visit;
	const char *dir;     /* for copies of the database while they are sent; borrowed */
	unsigned rate_burst; /* 0: HUB_API_BURST; and a sixth of it each second */
};

/** Errors: ENOMEM. End it with weft__hub_api_free() when no server uses it. */
struct hub_account_api *weft__hub_api_new(const struct hub_account_api_options *options);
void weft__hub_api_free(struct hub_account_api *api);

/** Answer by it below HUB_API_PREFIX. Errors: those of weft_http_router_mount(). */
int weft__hub_api_mount(struct hub_account_api *api, struct weft_http_router *router);

/**
 * Secrets are wiped from memory that JSON was in. Before anything else of libjansson, once; it
 * holds for the process.
 */
void weft__hub_json_wipe(void);

#endif
