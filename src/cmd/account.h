/*
 * account.h - `weft account`, in parts.
 *
 *	account.c          the table of its commands, the options that all have
 *	account_door.c     operations, on the own database or by HTTPS: the same answers
 *	account_secret.c   passwords and tokens: asked for, read, never shown
 *	account_table.c    what people read
 *	account_people.c   add, remove, change, find, show, link, lock, unlock
 *	account_link.c     the link that is handed over to somebody who is to set a password
 *	account_passwd.c   passwd: also by a link that was sent
 *	account_access.c   token, session, group, role, grant
 *	account_records.c  audit, export, import, backup
 *	account_recount.c  recount
 *	state.c            where the state folder is
 */
#ifndef WEFT_SRC_CMD_ACCOUNT_H
#define WEFT_SRC_CMD_ACCOUNT_H

#include "../hub/op.h"
#include "options.h"
#include "weft/http_client.h"

/** Longest name of a command, "account token remove". */
#define ACCOUNT_NAME_SIZE 48

struct deed; /* account_access.c */

/** One run of `weft account`. */
struct account {
	char name[ACCOUNT_NAME_SIZE]; /* for complaints */

	/* What the command line says. */
	const char *state;      /* a folder; NULL: the default */
	const char *server;     /* a URL; NULL: the own database */
	const char *token_file; /* NULL: $WEFT_TOKEN */
	const char *issuers;
	bool is_insecure, is_json, is_yes;
	bool creates;  /* the database, where there is none */
	bool has_link; /* which may name the server, too: weft__cmd_account_check() comes later */

	/* What is made of it. */
	struct weft_accounts *accounts;
	char *dir;                /* where these are; NULL: by a server */
	struct weft_files *files; /* that are shared; NULL: not needed */
	struct weft_http_client *client;
	struct weft_tls *tls;
	char *own_server; /* what server points to, unless the command line has it */
	char *token;
	char *cookie;             /* of a session that was begun for one command: "NAME=VALUE" */
	const struct deed *deeds; /* the table of its command: account_access.c */
};

/** The options that every command has. */
#define ACCOUNT_OPTIONS(account)                                            \
	CMD_OPTION("state", CMD_TEXT, &(account)->state),                   \
		CMD_OPTION("server", CMD_TEXT, &(account)->server),         \
		CMD_OPTION("token-file", CMD_TEXT, &(account)->token_file), \
		CMD_OPTION("issuers", CMD_TEXT, &(account)->issuers),       \
		CMD_OPTION("insecure", CMD_FLAG, &(account)->is_insecure),  \
		CMD_OPTION("json", CMD_FLAG, &(account)->is_json),          \
		CMD_OPTION("yes", CMD_FLAG, &(account)->is_yes)

/** Their help. */
#define ACCOUNT_HELP                                                                            \
	"\n"                                                                                    \
	"  --state DIR        the accounts of this folder (default: $XDG_STATE_HOME/weft,\n"    \
	"                     ~/.local/state/weft, or /var/lib/weft for root)\n"                \
	"  --server URL       those of this server instead, by its API; with the token in\n"    \
	"                     $WEFT_TOKEN\n"                                                    \
	"  --token-file FILE  with the token in FILE, which others can't read\n"                \
	"  --issuers FILE     trust the authorities in this PEM file instead of the system's\n" \
	"  --insecure         don't check the server's certificate: anybody can read along\n"   \
	"  --json             print JSON\n"                                                     \
	"  --yes              don't ask whether it is meant\n"                                  \
	"  --help             this text\n"                                                      \
	"\n"                                                                                    \
	"Exit status: 0 done, 1 failed, 2 wrong usage.\n"

/**
 * Read the command line of one command: operands between min and max of them, then at
 * argv[optind]. Returns as weft__cmd_parse().
 */
struct account_line {
	const char *help, *operands; /* what they are: "one name" */
	const struct cmd_option *options;
	int min, max;
};
int weft__cmd_account_parse(
	struct account *account, const struct account_line *line, int argc, char **argv);

/** Whether what is said of a server is of one. A status; what is wrong has been said. */
int weft__cmd_account_check(const struct account *account);

/** A command, with argv[0] its last word; the account is opened by it, and closed after it. */
typedef int account_fn(struct account *account, int argc, char **argv);

struct account_command {
	const char *name, *summary;
	account_fn *run;
};

/** Find the word argv[1] in a table, whose last has no name, and run it. */
int weft__cmd_account_dispatch(struct account *account, const struct account_command *commands,
	const char *what, int argc, char **argv);

account_fn weft__cmd_account_add, weft__cmd_account_remove, weft__cmd_account_change,
	weft__cmd_account_find, weft__cmd_account_show, weft__cmd_account_passwd,
	weft__cmd_account_link, weft__cmd_account_lock, weft__cmd_account_unlock,
	weft__cmd_account_token, weft__cmd_account_session, weft__cmd_account_group,
	weft__cmd_account_role, weft__cmd_account_grant, weft__cmd_account_audit,
	weft__cmd_account_export, weft__cmd_account_import, weft__cmd_account_backup,
	weft__cmd_account_recount;

/* ---- Doing: each returns a status, and has said what went wrong ---------------------------- */

/** An operation of ../hub/op.h. */
struct account_order {
	const char *op;
	json_t *args;     /* taken over, NULL: no memory */
	const char *text; /* HUB_TAKES_CSV */
	size_t len;
	weft_account_write_fn *write; /* HUB_GIVES_CSV, HUB_GIVES_FILE by HTTP */
	void *write_arg;
	const char *path; /* HUB_GIVES_FILE on the own database */
	json_t *result;   /* of it, or of its failure; the caller's to free */
};

/** Open the accounts as the options say, once. */
int weft__cmd_account_open(struct account *account);
void weft__cmd_account_close(struct account *account);

int weft__cmd_account_do(struct account *account, struct account_order *order);

/** The same with only args; *ret_result may be NULL where ret_result is. */
int weft__cmd_account_call(
	struct account *account, const char *op, json_t *args, json_t **ret_result);

/**
 * By HTTP: a session by name and password, for what a token can't do: then orders go with its
 * cookie. It ends with weft__cmd_account_close().
 */
int weft__cmd_account_log_in(struct account *account, const char *name, const char *password);

/**
 * A folder as services name it, from how people do: slashes before and behind it say nothing, so
 * "/" is the shared folder itself, "". NULL: no UTF-8, or no memory.
 */
json_t *weft__cmd_account_folder(const char *text);

/* ---- Secrets ------------------------------------------------------------------------------ */

/**
 * Ask on the terminal, without an echo; twice says to ask again and compare. *ret_text is the
 * caller's to wipe and free: weft__cmd_account_forget().
 */
int weft__cmd_account_prompt(
	const struct account *account, const char *question, bool is_twice, char **ret_text);

/** The next line of the standard input. */
int weft__cmd_account_read_line(const struct account *account, const char *what, char **ret_text);
void weft__cmd_account_forget(char *text);

/** The token of --token-file or $WEFT_TOKEN. */
int weft__cmd_account_take_token(struct account *account);

/** Whether it is meant: on a terminal the person is asked, else and with --yes it is. */
bool weft__cmd_account_is_meant(const struct account *account, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- Saying ------------------------------------------------------------------------------- */

enum account_cell {
	ACCOUNT_TEXT,
	ACCOUNT_NUMBER,
	ACCOUNT_BYTES, /* 0: "-" */
	ACCOUNT_TIME,  /* 0: "-" */
	ACCOUNT_WORDS,
	ACCOUNT_YES, /* a bool */
};

struct account_column {
	const char *title; /* NULL behind the last */
	const char *key;   /* of each object */
	enum account_cell cell;
};

/** The list of objects as a table, with a head when there are any. */
void weft__cmd_account_print_table(const json_t *list, const struct account_column *columns);

/** One object: a line for each column. */
void weft__cmd_account_print_object(const json_t *object, const struct account_column *columns);

/** As JSON, a line. */
void weft__cmd_account_print_json(const json_t *json);

/** The lines of a table that were left out, each with its column and why. */
void weft__cmd_account_tell_faults(const struct account *account, const json_t *faults);

/** With --json print {"done": true}, else the sentence, made harmless. */
void weft__cmd_account_say(const struct account *account, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** What is said of an invitation, or a reset. */
struct account_link {
	const char *name; /* of whom */
	unsigned days;    /* it is good for */
	bool is_added;    /* she was, by the same command */
};

/** Say it, with the "secret" of the result as a link; to --json a "link" is added. */
void weft__cmd_account_say_link(
	const struct account *account, const struct account_link *link, json_t *result);

/* ---- Where the state is ------------------------------------------------------------------- */

/** The usual one, the caller's to free; NULL: there is none. */
char *weft__cmd_state_default(void);

/** Say that the accounts there are lost (errno ENODATA) or damaged (else), and what to do. */
int weft__cmd_accounts_are_lost(const char *name, const char *dir);

/**
 * The state folder: text, or where it is NULL or "default" the usual one, whose parents are made
 * with creates. The caller's to free(3). NULL: said why.
 */
char *weft__cmd_state_dir(const char *name, const char *text, bool creates);

#endif
