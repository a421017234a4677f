/*
 * sqlite.h - the store on SQLite, as its own files see it.
 *
 *	sqlite_store
 *	  writer   one connection, behind a lock that parks: one write at a time in this process;
 *	           between processes BEGIN IMMEDIATE and the busy timeout do the same
 *	  readers  some connections behind a semaphore, opened when first used; each read is one
 *	           moment of the database (WAL), and nobody waits for the writer
 *	  owners   a file of which each opening holds one byte locked: the kernel lets go of it
 *	           when the process dies, however that comes
 *
 * Never: a call of SQLite's on a worker (but for opening and closing), or one connection used by
 * two threads at once.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <pthread.h>
#include <sqlite3.h>

#include "store/store.h"
#include "weft/lock.h"
#include "weft/sem.h"

#define WEFT__SQLITE_READERS    4
#define WEFT__SQLITE_STATEMENTS 256 /* places in a cache; a power of two */

struct weft__sqlite_connection {
	struct weft__tx tx; /* the one that is under way */
	sqlite3 *db;        /* NULL: not open yet */
	struct {
		const char *sql;
		sqlite3_stmt *statement;
	} prepared[WEFT__SQLITE_STATEMENTS];
	unsigned prepared_count;
	bool is_lazy; /* synchronous=NORMAL at the moment */
};

struct weft__sqlite_store {
	struct weft__store base;
	const struct weft__store_schema *schema;
	char *path;
	int busy_timeout_ms;
	int owners_fd;  /* -1: nobody counts them */
	bool is_marked; /* there was a database before it was opened */
	struct weft_lock write_lock;
	struct weft__sqlite_connection writer;
	struct weft_sem readers_free;
	pthread_mutex_t readers_mutex; /* held for a few instructions */
	unsigned readers_used;         /* a bit for each */
	struct weft__sqlite_connection readers[WEFT__SQLITE_READERS];
};

/** The errno of an extended result code. */
int weft__sqlite_errno(int code);

/** 0, or -1 with errno. */
int weft__sqlite_exec(sqlite3 *db, const char *sql);

/** Errors: as weft__sqlite_open(). */
int weft__sqlite_connect(const struct weft__sqlite_store *store,
	struct weft__sqlite_connection *connection, bool writes);
void weft__sqlite_disconnect(struct weft__sqlite_connection *connection);

int weft__sqlite_transact(
	struct weft__store *store, enum weft__tx_mode mode, weft__work_fn *fn, void *arg);
int64_t weft__sqlite_run(struct weft__tx *tx, const struct weft__statement *statement);
int weft__sqlite_backup(struct weft__store *store, const char *path);

/**
 * Before it is connected: 0, or -1 with ENODATA where the mark says that there was a database,
 * and there is none, or an empty file.
 */
int weft__sqlite_check_mark(
	struct weft__sqlite_store *store, const struct weft__store_options *options);

/** After it is on the disk. Where that fails, the next opening tries it again. */
void weft__sqlite_make_mark(const struct weft__store_options *options);

/** Bring the writer's database to that version. Errors: ENOTSUP (it is newer), EBADMSG. */
int weft__sqlite_migrate(struct weft__sqlite_store *store, int version);

/** Take a byte of the owners' file, and forget the owners that have died. */
int weft__sqlite_own(struct weft__sqlite_store *store);
bool weft__sqlite_owner_is_alive(struct weft__store *store, int64_t owner);

#endif
