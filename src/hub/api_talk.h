/*
 * api_talk.h - one request to the accounts' API, in parts.
 *
 *	account_api.c  the routes, and the answer
 *	api_talk.c     whether it may ask, and what it asks
 */
#ifndef WEFT_SRC_HUB_API_TALK_H
#define WEFT_SRC_HUB_API_TALK_H

#include "account_api.h"
#include "asker.h"

/** One request to it. */
struct hub_talk {
	struct hub_account_api *api;
	const struct hub_op *op;
	struct weft_http_request *request;
	struct weft_http_response *response;
	struct hub_asker asker;
	struct hub_ask ask;
	json_t *args;
	char *body; /* len bytes, to be wiped and freed */
	size_t len;
	bool has_begun; /* to answer with a table */
};

/** Send a problem. Returns as a handler does. */
int weft__hub_talk_refuse(struct hub_talk *talk, int status, const char *word, const char *detail);

/** Who asks, and whether that is let in. Returns 1 to go on, else as a handler does. */
int weft__hub_talk_let_in(struct hub_talk *talk);

/** What is asked, into args. The same. */
int weft__hub_talk_take_args(struct hub_talk *talk);

#endif
