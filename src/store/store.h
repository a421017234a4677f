/*
 * store.h - what the services ask of a database, narrow enough that another can stand in its place.
 *
 *	weft__store_transact(store, WEFT__TX_WRITE, rename_user, &job)
 *	       |
 *	       +-- on a thread that may block:  BEGIN; rename_user(tx, &job); COMMIT
 *	                                               |
 *	                                               +-- weft__tx_run(tx, SQL, "ti", name, id)
 *
 * The SQL is what SQLite and PostgreSQL both understand: placeholders ?1, ?2... (PostgreSQL: $1),
 * 64-bit integers, text, blobs, RETURNING, ON CONFLICT, LIKE ... ESCAPE. What differs (types of
 * columns, keys that count up, triggers) is in the schema, of which each store has its own,
 * in numbered steps. A statement is a string that lives as long as the program: its address is its
 * name in the cache of prepared ones.
 *
 * Never: SQL that is put together at run time, or a weft call that waits from inside a work.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Placeholders of one statement, and columns of one row, at most. */
#define WEFT__STORE_VALUES_MAX 24

enum weft__value_kind {
	WEFT__VALUE_NULL,
	WEFT__VALUE_INT,
	WEFT__VALUE_TEXT,
	WEFT__VALUE_BLOB,
};

struct weft__value {
	enum weft__value_kind kind;
	int64_t number;
	const char *bytes; /* text has a NUL behind it */
	size_t len;
};

/** One row; the columns are good until it returns. 0: go on; -1: stop, failing with errno. */
typedef int weft__row_fn(const struct weft__value *columns, void *arg);

struct weft__statement {
	const char *sql;
	struct weft__value values[WEFT__STORE_VALUES_MAX];
	size_t count;
	weft__row_fn *row; /* NULL: rows are passed over */
	void *arg;
};

struct weft__store;

/** A transaction under way; its store's. */
struct weft__tx {
	struct weft__store *store;
};

enum weft__tx_mode {
	WEFT__TX_READ,   /* one moment of the database; writes fail */
	WEFT__TX_WRITE,  /* alone; on the disk when it has returned */
	WEFT__TX_LAZILY, /* alone; a crash of the process keeps it, one of the machine may not */
};

/**
 * What is done in a transaction. It may be called again from the start when the database asks for
 * that, so it sets what it tells anew each time. Below 0: everything is taken back.
 */
typedef int weft__work_fn(struct weft__tx *tx, void *arg);

/** What a kind of database can do. Errors are errno's, the same ones from each. */
struct weft__store_ops {
	/**
	 * Run a work off the worker; what it returned, or -1. A caller who is late or cancelled
	 * before it begins is told so; a work that has begun is waited for. Errors, besides the
	 * work's own: EBUSY (others hold the database), ENOSPC, EROFS, EIO, EBADMSG (damaged),
	 * ENOMEM.
	 */
	int (*transact)(
		struct weft__store *store, enum weft__tx_mode mode, weft__work_fn *fn, void *arg);

	/**
	 * One statement: rows that it gave, or (of those that give none) changed. Errors: EEXIST (a
	 * key that must be unique), ENOENT (a key that must be there), EINVAL (a check), EPERM (a
	 * trigger).
	 */
	int64_t (*run)(struct weft__tx *tx, const struct weft__statement *statement);

	/** Copy all of it, as of one moment, to a new file. Errors: EEXIST. */
	int (*backup)(struct weft__store *store, const char *path);

	/** Whether the process that opened the store as this owner still has it open. */
	bool (*owner_is_alive)(struct weft__store *store, int64_t owner);

	void (*close)(struct weft__store *store);
};

struct weft__store {
	const struct weft__store_ops *ops;
	int64_t owner; /* this opening of it: a number that no other has or had */
	int schema;    /* the version it is at */
};

/** A database's form. A step that was released is never edited: a change is a new one. */
struct weft__store_schema {
	const char *file;         /* its name in the folder */
	int32_t application;      /* in the file's header: whose it is */
	const char *const *steps; /* SQL that makes version n of n - 1 */
	int version;              /* how many there are */
	const char *mark;         /* a file that says there was one (ENODATA); NULL: none */
	bool counts_owners;       /* the steps make a table "owners": see owner_is_alive */
};

struct weft__store_options {
	const struct weft__store_schema *schema; /* lives as long as the program */
	const char *dir;                         /* made with mode 0700 if it isn't there */
	int64_t busy_timeout_ns;                 /* how long other processes may hold it; 0: 5 s */
	int schema_max; /* bring it to this version only: tests; 0: the newest */
};

/**
 * The store in a folder, at the newest schema. Errors: those of open(2) and mkdir(2); EPERM (the
 * folder or the file belongs to somebody else, or others may write to it), ENOTSUP (a newer weft
 * has written it), EBADMSG (damaged, or of another program), ENODATA (the mark is there, and it is
 * gone or empty: nothing is made in its place).
 */
struct weft__store *weft__sqlite_open(const struct weft__store_options *options);

/* ---- Shorthand ------------------------------------------------------------------------------ */

static inline int weft__store_transact(
	struct weft__store *store, enum weft__tx_mode mode, weft__work_fn *fn, void *arg)
{
	return store->ops->transact(store, mode, fn, arg);
}

/**
 * Run a statement whose values follow, kinds saying what they are: 'i' an int64_t, 't' a text
 * (NULL: null), 'b' bytes and their size_t. Returns rows changed, or -1.
 */
int64_t weft__tx_run(struct weft__tx *tx, const char *sql, const char *kinds, ...);

struct weft__reader {
	weft__row_fn *row;
	void *arg;
};

/** The same, each row being told to the reader. Returns how many there were, or -1. */
int64_t weft__tx_read(
	struct weft__tx *tx, struct weft__reader reader, const char *sql, const char *kinds, ...);

/** The one number that it gives: 1 with *ret_number, 0 where there is no row (it is kept), or -1.
 */
int weft__tx_number(
	struct weft__tx *tx, int64_t *ret_number, const char *sql, const char *kinds, ...);

/** A column's text into an array, cut where it is too long. */
void weft__value_text(const struct weft__value *value, char *ret_text, size_t size);

#endif
