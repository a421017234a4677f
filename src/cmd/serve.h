/*
 * serve.h - `weft serve`, in parts.
 *
 *	serve.c           from the options to the server's end
 *	serve_options.c   the help, and the table of options: a new one has its line in both
 *	serve_say.c       what is printed at the start
 */
#ifndef WEFT_SRC_CMD_SERVE_H
#define WEFT_SRC_CMD_SERVE_H

#include "options.h"
#include "service.h"
#include "weft/http.h"

#define NAME "serve"

/** Where it listens, unless it is told. */
#define SERVE_DEFAULT_HTTP "127.0.0.1:8080"

struct serve {
	/* What the command line says. */
	const char *dir;
	const char *http;       /* HOST:PORT, or "none" */
	const char *access_log; /* path, "-", "none"; NULL: "-" on a terminal */
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
	struct weft_http_server *server;
};

/** Read the command line. Returns as weft__cmd_parse(). */
int weft__serve_take_options(struct serve *serve, int argc, char **argv);

/** To the standard output: where, what and how, for people or as JSON. */
void weft__serve_print_facts(const struct serve *serve, const struct weft_address *address);

#endif
