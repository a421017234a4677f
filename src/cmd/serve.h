/*
 * serve.h - `weft serve`, in parts.
 *
 *	serve.c           from the options to the server's end
 *	serve_options.c   the help, and the table of options: a new one has its line in both
 *	serve_door.c      what it listens on: HTTP, HTTPS, metrics; each in a fiber
 *	serve_auth.c      who may come in: --auth-file
 *	serve_users.c     that file, and the checking of passwords
 *	serve_private.c   keys, users and log that would be shared themselves
 *	serve_reload.c    what has changed: certificates, users, log
 *	serve_say.c       what is printed at the start
 */
#ifndef WEFT_SRC_CMD_SERVE_H
#define WEFT_SRC_CMD_SERVE_H

#include "options.h"
#include "service.h"
#include "weft/http.h"
#include "weft/http_metrics.h"
#include "weft/tls.h"

#define NAME "serve"

/** Where it listens, unless it is told. */
#define SERVE_DEFAULT_HTTP "127.0.0.1:8080"

/** Listeners at most: two options that may be given CMD_TEXTS_MAX times, and one. */
#define SERVE_DOORS_MAX (2 * CMD_TEXTS_MAX + 1)

enum serve_door_kind {
	SERVE_HTTP,
	SERVE_HTTPS,
	SERVE_METRICS,
};

/** One listener, and who serves it. */
struct serve_door {
	enum serve_door_kind kind;
	const char *text; /* as the option has it */
	struct weft_listener *listener;
	struct weft_http_server *server;
	struct serve *serve;
	weft_fiber_id fiber;
};

struct serve_auth; /* serve_auth.c */

struct serve {
	/* What the command line says. */
	const char *dir;
	struct cmd_texts http, https; /* HOST:PORT, unix:/PATH */
	const char *metrics_at;       /* HOST:PORT; NULL: nowhere */
	const char *unix_mode;        /* octal; NULL: the owner's alone */
	struct weft_listener_options listener_options;
	struct cmd_texts certificates, keys;
	bool redirects; /* HTTP to HTTPS */
	unsigned hsts_days;
	int64_t watch_ns;      /* between looks at those files; negative: none */
	const char *auth_file; /* NULL: everybody may come in */
	bool allows_plain_auth;
	const char *access_log; /* path, "-", "none"; NULL: "-" on a terminal */
	unsigned log_format;
	struct weft_run_options run;
	struct weft_http_server_options server_options;
	struct weft_http_files_options files_options;
	uint64_t upload_max;
	struct cmd_texts index_names, cache_rules, types, downloads; /* of files_options */
	unsigned links, model;
	bool is_json;

	/* What is made of it. */
	char *folder; /* dir's absolute path */
	struct weft_http_files *files;
	struct weft_http_log *log;
	struct weft_tls *tls;
	struct serve_auth *auth;
	struct weft_http_metrics *metrics;
	struct weft_http_service front;      /* what stands before the files */
	struct weft_http_server *server;     /* of the folder */
	struct weft_http_server *redirector; /* with redirects: of HTTP */
	struct weft_http_server *counter;    /* of the metrics */
	struct weft_http_to_https to_https;
	struct serve_door doors[SERVE_DOORS_MAX];
	unsigned door_count;
};

/** Read the command line. Returns as weft__cmd_parse(). */
int weft__serve_take_options(struct serve *serve, int argc, char **argv);

/* ---- Doors: each returns a status, and has said what went wrong -------------------------- */

/** Whether the options for doors go together. */
int weft__serve_check_doors(struct serve *serve);

/** Read the certificates, if there are any. */
int weft__serve_open_tls(struct serve *serve);

/** The servers of the doors; the folder's options are filled in. */
int weft__serve_make_servers(struct serve *serve);
void weft__serve_free_servers(struct serve *serve);

/** Listen. In a fiber. */
int weft__serve_open_doors(struct serve *serve);
void weft__serve_close_doors(struct serve *serve);

/** Serve all until weft__serve_stop(); where one can't go on, all end. */
int weft__serve_doors(struct serve *serve);
void weft__serve_stop(struct serve *serve);

/* ---- Who may come in ---------------------------------------------------------------------- */

/** Read the file of users, if there is one. Returns a status. */
int weft__serve_open_auth(struct serve *serve);
void weft__serve_close_auth(struct serve *serve);

/** Read it again. A status; what is wrong with it is said, and then the old one holds. */
int weft__serve_reload_auth(struct serve *serve);

/** A service's authorise(); its arg is the struct serve. */
weft_http_handler_fn weft__serve_authorise;

/* ---- What has changed --------------------------------------------------------------------- */

/**
 * A fiber that reads certificates and users again when their files have changed, and does so, and
 * opens the log again, at each SIGHUP. When
 * the terminal that it was started from is gone, it stops the server. 0 with errno when it can't.
 * End it with weft__cmd_unstop().
 */
weft_fiber_id weft__serve_on_hangup(struct serve *serve);

/* ---- What must not be shared -------------------------------------------------------------- */

/** Whether keys, users and log lie outside of the folder, which is open. Returns a status. */
int weft__serve_check_private(const struct serve *serve);

/* ---- Saying ------------------------------------------------------------------------------- */

/** To the standard output: where, what and how, for people or as JSON. */
void weft__serve_print_facts(const struct serve *serve);

#endif
