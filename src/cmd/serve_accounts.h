/*
 * serve_accounts.h - what `weft serve --state DIR` keeps, for the two files that it is made of.
 */
#ifndef WEFT_SRC_CMD_SERVE_ACCOUNTS_H
#define WEFT_SRC_CMD_SERVE_ACCOUNTS_H

#include <pthread.h>

#include "../hub/account_api.h"
#include "serve.h"
#include "weft/http_route.h"
#include "weft/list.h"

struct serve_accounts {
	char *dir;
	struct weft_accounts *accounts;
	struct hub_account_api *api;
	struct weft_http_router *router;         /* of all */
	struct weft_http_router *files_router;   /* of what weft__serve_attend() is before */
	bool has_page;                           /* that asks for names and passwords */
	struct weft_files_visitor strangers;     /* of doors that know no more of them */
	char password[WEFT_ACCOUNT_SECRET_SIZE]; /* the first run's; "" */

	struct serve_events *events; /* serve_events.c */

	/* serve_attend.c */
	struct weft_account_who *strangers_kept[WEFT_WORKERS_MAX];
	pthread_mutex_t mutex; /* of the three below; held for some instructions */
	struct weft_list under_way;
	uint64_t serials;
	weft_fiber_id watcher; /* 0: none */

	/* serve_recount.c */
	bool is_unsure;        /* somebody was killed who charged for these files */
	weft_fiber_id recount; /* 0: none */
};

/** Before the first change; and after the last. */
int weft__serve_charging_begin(struct serve *serve);
void weft__serve_charging_end(struct serve_accounts *own);

/** Who asks, before the files. */
int weft__serve_attend(struct weft_http_request *request, struct weft_http_response *response,
	struct weft_http_next *next, void *arg);

/** weft_http_files_options.visitor: weft__serve_attend() has found out who it is. */
int weft__serve_find_visitor(
	struct weft_http_request *request, struct weft_files_visitor *ret_visitor, void *arg);

/** Nobody asks any more. */
void weft__serve_forget_strangers(struct serve_accounts *own);

/** Look again and again at those who take their time; in a fiber. 0 or -1. */
int weft__serve_watch_start(struct serve_accounts *own);
void weft__serve_watch_stop(struct serve_accounts *own);

/** Events of accounts for the log: made before the accounts are opened. NULL: ENOMEM. */
struct serve_events *weft__serve_events_new(struct hub_log *log);
void weft__serve_events_free(struct serve_events *events);

/** weft_accounts_options.on_throttled, whose arg they are. */
void weft__serve_note_throttled(
	const struct weft_account_call *call, const char *name, void *events);

/** Look for them from now on, in a fiber. 0 or -1. */
int weft__serve_events_start(struct serve_events *events, struct weft_accounts *accounts);
void weft__serve_events_stop(struct serve_events *events);

#endif
