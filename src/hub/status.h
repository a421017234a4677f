/*
 * status.h - how a running server is: numbers of all its doors, a little of the past, and the
 * fibers; as JSON and as Prometheus's text.
 *
 *	struct hub_status *status = weft__hub_status_new();	// before descriptors get scarce
 *
 *	weft__hub_status_begin(status, &sources);	// in weft_run(): all is open
 *	json = weft__hub_status_json(status);
 *	weft__hub_status_end(status);			// before what it looks at is closed
 *
 *	status.c         life; a look each second, and what is kept of it
 *	status_now.c     what is so at this moment: memory, descriptors, workers
 *	status_json.c    GET /api/v1/status
 *	status_text.c    /metrics
 *	status_fibers.c  GET /api/v1/fibers
 *	status_ops.c     both as operations of the API
 *
 * docs/control.md has the forms. Nobody who serves is held up: servers count on memory of their
 * own workers, and are looked at.
 */
#ifndef WEFT_SRC_HUB_STATUS_H
#define WEFT_SRC_HUB_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weft/address.h"

struct hub_status; /* status_inside.h */
struct weft_ftp_server;
struct weft_files;
struct weft_http_metrics;
struct weft_listener;
struct weft_rooms;
struct weft_str;
struct weft_transfers;

/** Points of a second each that are kept. */
#define HUB_STATUS_POINTS 120

/** Rooms and transfers that are listed, at most. */
#define HUB_STATUS_LIST_MAX 1000

/** Fibers that are listed by the API: at most, and where nobody says. */
#define HUB_STATUS_FIBERS_MAX     100000
#define HUB_STATUS_FIBERS_DEFAULT 1000

struct hub_status_door {
	const char *name; /* "http", "ftp" */
	struct weft_listener *listener;
	char address[WEFT_ADDRESS_TEXT_MAX];
};

/** What it looks at; all of it lives until weft__hub_status_end(). NULL: there is none. */
struct hub_status_sources {
	const char *model;
	const char *page; /* where browsers come by, "http://127.0.0.1:8080" */
	struct weft_http_metrics *http;
	struct weft_ftp_server *ftp;
	struct weft_rooms *rooms;
	struct weft_transfers *transfers;
	struct weft_files *files;
	const struct hub_status_door *doors;
	unsigned door_count;
};

/** Errors: ENOMEM. End it with weft__hub_status_free(). */
struct hub_status *weft__hub_status_new(void);
void weft__hub_status_free(struct hub_status *status);

/** Look at these from now on. In a fiber. 0, or -1 with the errors of weft_spawn(), ENOMEM. */
int weft__hub_status_begin(struct hub_status *status, const struct hub_status_sources *sources);

/** No more; in a fiber. Nobody may ask any more. Fine where it has not begun. */
void weft__hub_status_end(struct hub_status *status);

/** Whether visitors are served by processes of their own, whose fibers nobody here sees. */
bool weft__hub_status_forks(const struct hub_status *status);

/** The object of docs/control.md. NULL: ENOMEM; EAGAIN: it has not begun. In a fiber. */
json_t *weft__hub_status_json(struct hub_status *status);

/** Append what there is besides HTTP's own, in Prometheus's form. Any thread. */
void weft__hub_status_text(struct weft_str *text, void *status);

/** All of it: HTTP's, and the above. 0, or -1: no room. */
int weft__hub_status_all_text(struct hub_status *status, struct weft_str *text);

/** Takes a part of a text; below 0: enough. It may wait. */
typedef int hub_status_write_fn(const char *text, size_t len, void *arg);

/**
 * Write the object of GET /api/v1/fibers, piece by piece: those that have each word of find (NULL:
 * all), limit of them at most. In a fiber. 0, or -1: write was below 0, or as weft_fibers().
 */
struct hub_fibers_query {
	const char *find;
	int64_t limit;
	bool forks; /* as weft__hub_status_forks() says */
};
int weft__hub_status_fibers(
	const struct hub_fibers_query *query, hub_status_write_fn *write, void *arg);

#endif
