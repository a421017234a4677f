/*
 * sqlite.c - transactions and statements on SQLite; see sqlite.h.
 *
 * Entry points: weft__sqlite_transact(), weft__sqlite_run().
 * Never: leaves a transaction open, whatever the work or the disk did.
 */
#include "store/sqlite.h"

#include <assert.h>
#include <errno.h>

#include "weft/offload.h"

int weft__sqlite_errno(int code)
{
	switch (code) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		return EEXIST;
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return ENOENT;
	case SQLITE_CONSTRAINT_TRIGGER:
		return EPERM;
	default:
		break;
	}
	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
		return EINVAL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EBUSY;
	case SQLITE_NOMEM:
		return ENOMEM;
	case SQLITE_READONLY:
		return EROFS;
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_SCHEMA:
	case SQLITE_ERROR: /* a table that is not there: not the database that it says it is */
		return EBADMSG;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return EACCES;
	default:
		return EIO;
	}
}

static int fail(sqlite3 *db)
{
	errno = weft__sqlite_errno(sqlite3_extended_errcode(db));
	return -1;
}

int weft__sqlite_exec(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(db);
}

/* ---- Statements ----------------------------------------------------------------------------- */

static struct weft__sqlite_connection *connection_of(struct weft__tx *tx)
{
	return (struct weft__sqlite_connection *)((char *)tx -
						  offsetof(struct weft__sqlite_connection, tx));
}

/* Kept under the address of its text, for the life of the connection. */
static sqlite3_stmt *prepare(struct weft__sqlite_connection *connection, const char *sql)
{
	size_t place = ((uintptr_t)sql >> 3) * 0x9e3779b97f4a7c15u >> 32;
	sqlite3_stmt *statement;

	for (;; place++) {
		place &= WEFT__SQLITE_STATEMENTS - 1;
		if (connection->prepared[place].sql == sql)
			return connection->prepared[place].statement;
		if (!connection->prepared[place].sql)
			break;
	}
	/* All statements are constants of this folder: were there more, the table is too small. */
	assert(connection->prepared_count < WEFT__SQLITE_STATEMENTS - 1);
	if (sqlite3_prepare_v3(connection->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
		    NULL) != SQLITE_OK) {
		fail(connection->db);
		return NULL;
	}
	connection->prepared[place].sql = sql;
	connection->prepared[place].statement = statement;
	connection->prepared_count++;
	return statement;
}

static int bind(sqlite3_stmt *statement, int index, const struct weft__value *value)
{
	switch (value->kind) {
	case WEFT__VALUE_INT:
		return sqlite3_bind_int64(statement, index, value->number);
	case WEFT__VALUE_TEXT:
		return sqlite3_bind_text64(
			statement, index, value->bytes, value->len, SQLITE_STATIC, SQLITE_UTF8);
	case WEFT__VALUE_BLOB:
		return sqlite3_bind_blob64(
			statement, index, value->bytes, value->len, SQLITE_STATIC);
	case WEFT__VALUE_NULL:
		break;
	}
	return sqlite3_bind_null(statement, index);
}

static struct weft__value column_of(sqlite3_stmt *statement, int index)
{
	struct weft__value value = {.kind = WEFT__VALUE_NULL, .bytes = ""};

	switch (sqlite3_column_type(statement, index)) {
	case SQLITE_INTEGER:
		value.kind = WEFT__VALUE_INT;
		value.number = sqlite3_column_int64(statement, index);
		break;
	case SQLITE_TEXT:
		value.kind = WEFT__VALUE_TEXT;
		value.bytes = (const char *)sqlite3_column_text(statement, index);
		value.len = (size_t)sqlite3_column_bytes(statement, index);
		break;
	case SQLITE_BLOB:
		value.kind = WEFT__VALUE_BLOB;
		value.bytes = sqlite3_column_blob(statement, index);
		value.len = (size_t)sqlite3_column_bytes(statement, index);
		break;
	default:
		break;
	}
	return value;
}

/* Rows that were given, or -1 with errno: the reader's own, or the database's. */
static int64_t step_all(
	sqlite3 *db, sqlite3_stmt *prepared, const struct weft__statement *statement)
{
	struct weft__value columns[WEFT__STORE_VALUES_MAX];
	int64_t rows = 0;
	int code, count;

	while ((code = sqlite3_step(prepared)) == SQLITE_ROW) {
		count = sqlite3_column_count(prepared);
		assert(count <= WEFT__STORE_VALUES_MAX);
		for (int i = 0; i < count; i++) {
			columns[i] = column_of(prepared, i);
			if (!columns[i].bytes) {
				errno = ENOMEM;
				return -1;
			}
		}
		rows++;
		if (statement->row && statement->row(columns, statement->arg) < 0)
			return -1;
	}
	return code == SQLITE_DONE ? rows : fail(db);
}

int64_t weft__sqlite_run(struct weft__tx *tx, const struct weft__statement *statement)
{
	struct weft__sqlite_connection *connection = connection_of(tx);
	sqlite3_stmt *prepared = prepare(connection, statement->sql);
	int64_t rows;
	int kept;

	if (!prepared)
		return -1;
	for (size_t i = 0; i < statement->count; i++)
		if (bind(prepared, (int)i + 1, &statement->values[i]) != SQLITE_OK) {
			fail(connection->db);
			rows = -1;
			goto done;
		}
	rows = step_all(connection->db, prepared, statement);
	if (rows >= 0 && sqlite3_column_count(prepared) == 0)
		rows = sqlite3_changes64(connection->db);
done:
	kept = errno;
	sqlite3_reset(prepared);
	sqlite3_clear_bindings(prepared); /* they point into what is the caller's */
	errno = kept;
	return rows;
}

/* ---- Transactions --------------------------------------------------------------------------- */

struct work {
	struct weft__sqlite_store *store;
	struct weft__sqlite_connection *connection;
	enum weft__tx_mode mode;
	weft__work_fn *fn;
	void *arg;
};

static int statement_alone(struct weft__sqlite_connection *connection, const char *sql)
{
	struct weft__statement statement = {.sql = sql};

	return weft__sqlite_run(&connection->tx, &statement) < 0 ? -1 : 0;
}

/* Whether a commit waits for the disk can be set between transactions only. */
static int set_lazy(struct weft__sqlite_connection *connection, bool is_lazy)
{
	if (connection->is_lazy == is_lazy)
		return 0;
	if (weft__sqlite_exec(connection->db,
		    is_lazy ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL") < 0)
		return -1;
	connection->is_lazy = is_lazy;
	return 0;
}

static int begin(struct work *work)
{
	struct weft__sqlite_connection *connection = work->connection;

	if (!connection->db && weft__sqlite_connect(work->store, connection, false) < 0)
		return -1;
	if (work->mode == WEFT__TX_READ)
		return statement_alone(connection, "BEGIN");
	/* Alone from the start: a read that becomes a write could find that another was quicker. */
	if (set_lazy(connection, work->mode == WEFT__TX_LAZILY) < 0)
		return -1;
	return statement_alone(connection, "BEGIN IMMEDIATE");
}

static int work_run(void *arg)
{
	struct work *work = arg;
	struct weft__sqlite_connection *connection = work->connection;
	int result, kept;

	if (begin(work) < 0)
		return -1;
	result = work->fn(&connection->tx, work->arg);
	if (result >= 0 && statement_alone(connection, "COMMIT") < 0)
		result = -1;
	kept = errno;
	if (!sqlite3_get_autocommit(connection->db))
		statement_alone(connection, "ROLLBACK");
	errno = kept;
	return result;
}

static struct weft__sqlite_connection *reader_take(struct weft__sqlite_store *store)
{
	unsigned place;

	if (weft_sem_acquire(&store->readers_free) < 0)
		return NULL;
	pthread_mutex_lock(&store->readers_mutex);
	place = (unsigned)__builtin_ctz(~store->readers_used);
	assert(place < WEFT__SQLITE_READERS);
	store->readers_used |= 1u << place;
	pthread_mutex_unlock(&store->readers_mutex);
	return &store->readers[place];
}

static void reader_give(
	struct weft__sqlite_store *store, const struct weft__sqlite_connection *connection)
{
	pthread_mutex_lock(&store->readers_mutex);
	store->readers_used &= ~(1u << (unsigned)(connection - store->readers));
	pthread_mutex_unlock(&store->readers_mutex);
	weft_sem_release(&store->readers_free, 1);
}

int weft__sqlite_transact(
	struct weft__store *base, enum weft__tx_mode mode, weft__work_fn *fn, void *arg)
{
	struct weft__sqlite_store *store = (struct weft__sqlite_store *)base;
	struct work work = {.store = store, .mode = mode, .fn = fn, .arg = arg};
	int result, kept;

	if (mode == WEFT__TX_READ)
		work.connection = reader_take(store);
	else if (weft_lock_acquire(&store->write_lock) == 0)
		work.connection = &store->writer;
	if (!work.connection)
		return -1;
	result = weft_offload_as(WEFT_OFFLOAD_FILE, work_run, &work);
	kept = errno;
	if (mode == WEFT__TX_READ)
		reader_give(store, work.connection);
	else
		weft_lock_release(&store->write_lock);
	errno = kept;
	return result;
}
