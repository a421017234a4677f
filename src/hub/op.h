/*
 * op.h - operations: what the API over HTTP and the command on its own database both can do.
 *
 * An operation has a name, a place in the API, what it takes, and a function that calls the
 * service:
 *
 *	const struct hub_op *op = weft__hub_op_find("showUser");
 *	struct hub_ask ask = {.accounts = accounts, .call = {.is_local = true}, .args = args};
 *
 *	if (weft__hub_op_check(op, args, true, fault) < 0)
 *		...fault is a sentence...
 *	if (weft__hub_op_run(op, &ask) < 0)
 *		...ask.result is a problem (RFC 9457), and ask.status its status...
 *	weft__hub_ask_fini(&ask);
 *
 * So both give the same answers, and what one of them checks the other does. The table, which is
 * the map of the API, is in account_ops.c.
 */
#ifndef WEFT_SRC_HUB_OP_H
#define WEFT_SRC_HUB_OP_H

#include "json.h"
#include "weft/files.h"

enum hub_kind {
	HUB_TEXT,
	HUB_NUMBER, /* an integer */
	HUB_BOOL,
	HUB_WORDS, /* a list of texts; in a query with commas between */
};

/** Longest list of words, and text, unless the field says so. */
#define HUB_WORDS_MAX 64
#define HUB_TEXT_MAX  WEFT_ACCOUNT_PATH_MAX

/** Something that an operation takes. */
struct hub_field {
	const char *name; /* NULL behind the last */
	enum hub_kind kind;
	bool is_required;
	bool is_local;  /* not from the network */
	size_t len_max; /* TEXT, each of WORDS: bytes; 0: HUB_TEXT_MAX */
	int64_t max;    /* NUMBER: from 0 to this; 0: INT64_MAX */
};

struct hub_ask;
struct hub_status;

/** Who that is at the files; ret_visitor lives as long as who. */
typedef void hub_visit_fn(
	const struct weft_account_who *who, struct weft_files_visitor *ret_visitor);
typedef int hub_op_fn(struct hub_ask *ask);

enum hub_op_flag {
	HUB_OPEN = 1,        /* for who has not logged in, too */
	HUB_LOCAL = 2,       /* for the command on its own database only */
	HUB_TAKES_CSV = 4,   /* the body is a table: ask->text */
	HUB_GIVES_CSV = 8,   /* so is the answer: ask->write */
	HUB_GIVES_FILE = 16, /* the answer is a file: ask->path */
	HUB_GIVES_JSON = 32, /* JSON that is written piece by piece: ask->write */
};

struct hub_op {
	const char *id;
	const char *method;
	const char *path;              /* below HUB_API_PREFIX; {name}: a text, {id}: a number */
	const struct hub_field *query; /* NULL: none */
	const struct hub_field *body;  /* NULL: none */
	hub_op_fn *run;
	unsigned flags;
	unsigned needs; /* enum weft_account_power: who lacks it is refused before much is read */
};

/** Where the API is, with the version of its form. */
#define HUB_API_PREFIX "/api/v1"

/** One operation being done. */
struct hub_ask {
	struct weft_accounts *accounts;
	struct hub_status *status_of; /* the server that runs (status.h); NULL: there is none */
	struct weft_files *files;     /* that are shared; NULL: none */
	hub_visit_fn *visit;          /* where files are, for who is not local */
	struct weft_account_call call;
	const json_t *args; /* path, query and body by their names; checked; the caller's */

	const char *text; /* HUB_TAKES_CSV */
	size_t len;
	weft_account_write_fn *write; /* HUB_GIVES_CSV, HUB_GIVES_JSON */
	void *write_arg;
	const char *path;   /* HUB_GIVES_FILE: where to put it */
	const char *label;  /* of a session, where the args have none */
	const char *cookie; /* the session that the asker's cookie names; NULL */

	/* The answer. */
	int status;      /* an operation sets it where it is not 200, 204, or as its errno says */
	json_t *result;  /* NULL: nothing to tell */
	int64_t wait_ns; /* of a problem: when to try again */
	char session[WEFT_ACCOUNT_SECRET_SIZE]; /* one that has begun: for a cookie; "" */
	bool ends_session;                      /* the one that asks is over */
};

/** The operations, one after another, the last has no id. */
extern const struct hub_op weft__hub_ops[];

/** By id; NULL: there is none. */
const struct hub_op *weft__hub_op_find(const char *id);

/** Where an operation takes something from. */
enum hub_place {
	HUB_IN_PATH = 1,
	HUB_IN_QUERY = 2,
	HUB_IN_BODY = 4,
	HUB_ANYWHERE = 7,
};

/** The field of that name in one of those places; NULL: the operation takes no such there. */
const struct hub_field *weft__hub_op_field(
	const struct hub_op *op, unsigned places, const char *name);

#define HUB_FAULT_MAX 192

/**
 * Whether args are what the operation takes: an object with all that is required, nothing that is
 * unknown, each of its kind. Else -1 with EINVAL, and ret_fault is a sentence without a final dot.
 */
int weft__hub_op_check(
	const struct hub_op *op, const json_t *args, bool is_local, char ret_fault[HUB_FAULT_MAX]);

/** A value as it stands in a query or path. NULL with EINVAL: it is none of this kind. */
json_t *weft__hub_arg_of_text(const struct hub_field *field, const char *text);

/** The opposite, the caller's to free(3). */
char *weft__hub_text_of_arg(const json_t *arg);

/**
 * Do it, with args that were checked. Returns 0, or -1; status and result are filled in both ways.
 * End the ask with weft__hub_ask_fini().
 */
int weft__hub_op_run(const struct hub_op *op, struct hub_ask *ask);
void weft__hub_ask_fini(struct hub_ask *ask);

/** A problem (RFC 9457) as the result; word is a fault's, or ""; detail without a final dot. */
void weft__hub_ask_refuse(struct hub_ask *ask, int status, const char *word, const char *detail);

/* ---- For the functions of operations ------------------------------------------------------ */

/** What was given, or NULL. */
const char *weft__hub_text(const struct hub_ask *ask, const char *name);

/** What was given, or fallback. */
int64_t weft__hub_number(const struct hub_ask *ask, const char *name, int64_t fallback);
bool weft__hub_flag(const struct hub_ask *ask, const char *name);
const json_t *weft__hub_list(const struct hub_ask *ask, const char *name);

/** Bits of a list of words; none where it was not given. -1: one is unknown, and it was refused. */
int weft__hub_bits(
	struct hub_ask *ask, const char *name, const struct hub_words *words, unsigned *ret_bits);

/** The answer; takes the value over. Returns 0, or -1 with ENOMEM where it is NULL. */
int weft__hub_give(struct hub_ask *ask, json_t *result);

#endif
