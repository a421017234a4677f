/*
 * control.h - the control socket of a running server: where it is, and asking there.
 *
 *	control_path.c   where servers put it, and where commands look for it
 *	control_ask.c    `weft ps`, `top`, `stats`, `stop`, `reload`, `log`: finding one, asking it
 *	serve_control.c  `weft serve`: having one
 */
#ifndef WEFT_SRC_CMD_CONTROL_H
#define WEFT_SRC_CMD_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "options.h"

/** In a state folder. */
#define CONTROL_NAME "control"

/** Servers that are looked at. */
#define CONTROL_FOUND_MAX 64

/* ---- Where (control_path.c) ------------------------------------------------------------------ */

/**
 * The folder for sockets of servers that have no state, and for the names of those that have; the
 * caller's to free. creates: make it. NULL: there is none, ENOENT, or as mkdir(2).
 *
 *	root    /run/weft
 *	else    $XDG_RUNTIME_DIR/weft, /run/user/UID/weft, or ~/.local/state/weft/run
 */
char *weft__control_folder(bool creates);

/** The socket of a server with that state folder (as --state has it). NULL: ENOMEM. */
char *weft__control_of_state(const char *state_dir);

/** Remove what a process that is gone has left there by that name; whether it was such. */
bool weft__control_remove_dead(const char *folder, const char *name);

/** The same of all in the folder of this user's servers. */
void weft__control_sweep(void);

/** The socket, or its name, of the server of that process. NULL: ENOMEM. */
char *weft__control_of_process(const char *folder, int pid);

/* ---- Asking (control_ask.c) ------------------------------------------------------------------ */

struct control {
	const char *name;  /* of the sub-command */
	const char *at;    /* --control PATH; NULL */
	const char *state; /* --state DIR; NULL */
	char *path;        /* the socket */
	struct weft_http_client *client;
	char *url; /* of the last question */
};

/** The options that all of them have, for their tables. */
#define CONTROL_OPTIONS(control)                         \
	CMD_OPTION("control", CMD_TEXT, &(control)->at), \
		CMD_OPTION("state", CMD_TEXT, &(control)->state)

#define CONTROL_HELP                                                                           \
	"  --control PATH       the server's control socket\n"                                 \
	"  --state DIR          or the state folder that it is in (default: the server that\n" \
	"                       runs; with several, they are listed)\n"

/**
 * Find the server that is meant. A status; what is wrong has been said. End it with
 * weft__control_close().
 */
int weft__control_open(struct control *control);
void weft__control_close(struct control *control);

/** Told of a part of an answer's body, with a NUL behind it. Below 0: enough. */
typedef int control_part_fn(char *part, size_t len, void *arg);

struct control_question {
	const char *method;       /* NULL: GET */
	const char *target;       /* "/api/v1/status" */
	control_part_fn *on_part; /* NULL: the whole is collected */
	void *arg;
	bool lasts; /* it takes as long as it takes */
};

/**
 * Ask. A status; *ret_body, if not NULL: the answer, the caller's to free. What is refused is said
 * as the server says it.
 */
int weft__control_ask(
	struct control *control, const struct control_question *question, char **ret_body);

/** The same, as JSON: the caller's to json_decref(). */
int weft__control_ask_json(
	struct control *control, const struct control_question *question, json_t **ret_json);

/**
 * GET /api/v1/status at that socket, briefly and without a word; the caller's to free. NULL:
 * nobody answers, with a code of errno(3) in *ret_code where it is known, else 0.
 */
char *weft__control_status(const char *path, int *ret_code);

/** "/api/v1/fibers?find=..." with a value escaped; the caller's to free. NULL: ENOMEM. */
char *weft__control_target(const char *path, const char *key, const char *value);

/* ---- Printing, of what is made of numbers (control_print.c) -----------------------------------
 */

#define CONTROL_TEXT_SIZE 32

/** "12.5 s", "3 min 20 s", "2 d 3 h"; "850 us". */
const char *weft__control_time(double seconds, char text[CONTROL_TEXT_SIZE]);

/** "1.5 MiB". */
const char *weft__control_bytes(double bytes, char text[CONTROL_TEXT_SIZE]);

/** Members of an object, 0 or "" where they are not there. path: "memory.resident". */
double weft__control_number(const json_t *json, const char *path);
const char *weft__control_text(const json_t *json, const char *path);
json_t *weft__control_member(const json_t *json, const char *path);

#endif
