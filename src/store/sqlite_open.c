/*
 * sqlite_open.c - opening the database: its folder, its settings, its schema, its owners.
 *
 * Entry points: weft__sqlite_open(), weft__sqlite_connect(), weft__sqlite_own().
 * Never: opens the database file by itself: closing a descriptor of it would take SQLite's
 * locks away (POSIX); or trusts a folder that others may write to.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/sqlite.h"
#include "weft/offload.h"
#include "weft/scope.h"

#define BUSY_TIMEOUT_DEFAULT_NS WEFT_SECONDS(5)

/* ---- Connections ---------------------------------------------------------------------------- */

static const char common_settings[] = "PRAGMA foreign_keys=ON;"
				      "PRAGMA trusted_schema=OFF;"
				      "PRAGMA cell_size_check=ON;"
				      "PRAGMA temp_store=MEMORY;"
				      "PRAGMA synchronous=FULL;";

/* What was a hash of a password is overwritten when it is deleted. */
static const char writer_settings[] = "PRAGMA secure_delete=ON;"
				      "PRAGMA recursive_triggers=ON;"
				      "PRAGMA journal_mode=WAL;"
				      "PRAGMA wal_autocheckpoint=1000;"
				      "PRAGMA journal_size_limit=8388608;";

static int get_number(sqlite3 *db, const char *sql, int64_t *ret_number)
{
	sqlite3_stmt *statement;
	int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	if (code == SQLITE_OK) {
		code = sqlite3_step(statement);
		if (code == SQLITE_ROW)
			*ret_number = sqlite3_column_int64(statement, 0);
		sqlite3_finalize(statement);
	}
	if (code == SQLITE_ROW)
		return 0;
	errno = weft__sqlite_errno(sqlite3_extended_errcode(db));
	return -1;
}

/*
 * Of several that make the log of a new file at once, SQLite turns all but one away on the spot,
 * whatever its patience is: each has begun to read, and none can let the other write. So they
 * try again, for as long as they would wait for a lock. This is a thread that may block.
 */
static int set_writer(sqlite3 *db, int patience_ms)
{
	int waited_ms = 0;

	while (weft__sqlite_exec(db, writer_settings) < 0) {
		int pause_ms = waited_ms < 20 ? 1 : 20;
		struct timespec pause = {.tv_nsec = WEFT_MILLISECONDS(pause_ms)};

		if (errno != EBUSY || waited_ms >= patience_ms)
			return -1;
		nanosleep(&pause, NULL);
		waited_ms += pause_ms;
	}
	return 0;
}

static int connect_writer(const struct weft__sqlite_store *store, sqlite3 *db)
{
	/* Before there is a log beside it, which takes its mode. */
	if (chmod(store->path, 0600) < 0)
		return -1;
	return set_writer(db, store->busy_timeout_ms);
}

int weft__sqlite_connect(const struct weft__sqlite_store *store,
	struct weft__sqlite_connection *connection, bool writes)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
		    (writes ? SQLITE_OPEN_CREATE : 0);
	sqlite3 *db = NULL;
	int code = sqlite3_open_v2(store->path, &db, flags, NULL), kept;

	if (code != SQLITE_OK) {
		errno = db ? weft__sqlite_errno(code) : ENOMEM;
		goto failed;
	}
	sqlite3_busy_timeout(db, store->busy_timeout_ms);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if ((writes && connect_writer(store, db) < 0) || weft__sqlite_exec(db, common_settings) < 0)
		goto failed;
	if (!writes && weft__sqlite_exec(db, "PRAGMA query_only=ON") < 0)
		goto failed;
	connection->tx.store = (struct weft__store *)&store->base;
	connection->db = db;
	return 0;
failed:
	kept = errno;
	sqlite3_close(db);
	errno = kept;
	return -1;
}

void weft__sqlite_disconnect(struct weft__sqlite_connection *connection)
{
	for (size_t i = 0; i < WEFT__SQLITE_STATEMENTS; i++)
		sqlite3_finalize(connection->prepared[i].statement);
	sqlite3_close(connection->db);
	memset(connection, 0, sizeof(*connection));
}

/* ---- Schema --------------------------------------------------------------------------------- */

/* Numbers in the file's header can't be bound. */
static int set_number(sqlite3 *db, const char *name, int number)
{
	char pragma[64];

	snprintf(pragma, sizeof(pragma), "PRAGMA %s=%d", name, number);
	return weft__sqlite_exec(db, pragma);
}

/* 0, or -1: it is of another program, or newer. *ret_version is what it is at. */
static int judge(sqlite3 *db, const struct weft__store_schema *schema, int64_t *ret_version)
{
	int64_t id = 0, tables = 0;

	if (get_number(db, "PRAGMA user_version", ret_version) < 0 ||
		get_number(db, "PRAGMA application_id", &id) < 0 ||
		get_number(db, "SELECT count(*) FROM sqlite_schema", &tables) < 0)
		return -1;
	if (id != schema->application && (tables > 0 || id != 0 || *ret_version != 0)) {
		errno = EBADMSG;
		return -1;
	}
	if (*ret_version > schema->version) {
		errno = ENOTSUP;
		return -1;
	}
	return 0;
}

int weft__sqlite_migrate(struct weft__sqlite_store *store, int version)
{
	const struct weft__store_schema *schema = store->schema;
	sqlite3 *db = store->writer.db;
	int64_t at = 0;
	int kept;

	/* All steps or none; and of two processes that open it at once, one does them. */
	if (weft__sqlite_exec(db, "BEGIN IMMEDIATE") < 0)
		return -1;
	if (judge(db, schema, &at) < 0)
		goto failed;
	if (at == 0 && store->is_marked) { /* a file, but nothing in it */
		errno = ENODATA;
		goto failed;
	}
	if (at == 0 && set_number(db, "application_id", schema->application) < 0)
		goto failed;
	for (; at < version; at++)
		if (weft__sqlite_exec(db, schema->steps[at]) < 0 ||
			set_number(db, "user_version", (int)at + 1) < 0)
			goto failed;
	if (weft__sqlite_exec(db, "COMMIT") < 0)
		goto failed;
	store->base.schema = (int)at;
	return 0;
failed:
	kept = errno;
	weft__sqlite_exec(db, "ROLLBACK");
	errno = kept;
	return -1;
}

/* ---- Owners --------------------------------------------------------------------------------- */

bool weft__sqlite_owner_is_alive(struct weft__store *base, int64_t owner)
{
	struct weft__sqlite_store *store = (struct weft__sqlite_store *)base;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = owner, .l_len = 1};

	if (owner == base->owner)
		return true; /* one's own lock is not shown */
	/* Where that can't be told, nothing is taken away from it. */
	return fcntl(store->owners_fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

/* The byte is locked before anybody can see the number. */
static int own(struct weft__tx *tx, void *arg)
{
	struct weft__sqlite_store *store = arg;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	int64_t owner = 0;

	if (weft__tx_number(tx, &owner,
		    "INSERT INTO owners (opened) VALUES (unixepoch()) RETURNING id", "") < 0)
		return -1;
	lock.l_start = owner;
	if (fcntl(store->owners_fd, F_OFD_SETLK, &lock) < 0)
		return -1;
	store->base.owner = owner;
	return 0;
}

int weft__sqlite_own(struct weft__sqlite_store *store)
{
	return weft__sqlite_transact(&store->base, WEFT__TX_LAZILY, own, store);
}

/* ---- Life ----------------------------------------------------------------------------------- */

static const struct weft__store_ops ops;

static void store_free(struct weft__store *base)
{
	struct weft__sqlite_store *store = (struct weft__sqlite_store *)base;
	int kept = errno;

	for (size_t i = 0; i < WEFT__SQLITE_READERS; i++)
		weft__sqlite_disconnect(&store->readers[i]);
	weft__sqlite_disconnect(&store->writer);
	if (store->owners_fd >= 0)
		close(store->owners_fd);
	pthread_mutex_destroy(&store->readers_mutex);
	free(store->path);
	free(store);
	errno = kept;
}

static const struct weft__store_ops ops = {
	.transact = weft__sqlite_transact,
	.run = weft__sqlite_run,
	.backup = weft__sqlite_backup,
	.owner_is_alive = weft__sqlite_owner_is_alive,
	.close = store_free,
};

/*
 * Passwords' hashes are in it: nobody else may look, and nobody else put a file in place. Where
 * others could look, they can't any more; where they could put files, nobody knows what is there.
 */
static int judge_folder(const char *dir)
{
	struct stat stat;
	int fd, kept, result = -1;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -1;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &stat) == 0) {
		if (stat.st_uid != geteuid() || (stat.st_mode & 022))
			errno = EPERM;
		else
			result = stat.st_mode & 077 ? fchmod(fd, 0700) : 0;
	}
	kept = errno;
	close(fd);
	errno = kept;
	return result;
}

static struct weft__sqlite_store *store_new(const struct weft__store_options *options)
{
	int64_t busy_ns =
		options->busy_timeout_ns ? options->busy_timeout_ns : BUSY_TIMEOUT_DEFAULT_NS;
	struct weft__sqlite_store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->base.ops = &ops;
	store->owners_fd = -1;
	store->busy_timeout_ms = (int)(busy_ns / WEFT_MILLISECONDS(1));
	store->schema = options->schema;
	weft_lock_init(&store->write_lock, "store: the writer");
	weft_sem_init(&store->readers_free, WEFT__SQLITE_READERS, "store: readers");
	pthread_mutex_init(&store->readers_mutex, NULL);
	if (asprintf(&store->path, "%s/%s", options->dir, options->schema->file) < 0) {
		store->path = NULL;
		store_free(&store->base);
		errno = ENOMEM;
		return NULL;
	}
	return store;
}

static int open_owners(struct weft__sqlite_store *store)
{
	char *path;

	if (asprintf(&path, "%s-owners", store->path) < 0) {
		errno = ENOMEM;
		return -1;
	}
	store->owners_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	return store->owners_fd < 0 ? -1 : 0;
}

struct opening {
	struct weft__sqlite_store *store;
	const struct weft__store_options *options;
};

static int open_files(void *arg)
{
	const struct opening *opening = arg;
	struct weft__sqlite_store *store = opening->store;
	int schema_max = opening->options->schema_max;

	if (judge_folder(opening->options->dir) < 0 ||
		weft__sqlite_check_mark(store, opening->options) < 0 ||
		(store->schema->counts_owners && open_owners(store) < 0) ||
		weft__sqlite_connect(store, &store->writer, true) < 0)
		return -1;
	if (weft__sqlite_migrate(store, schema_max ? schema_max : store->schema->version) < 0)
		return -1;
	if (store->schema->mark && !store->is_marked)
		weft__sqlite_make_mark(opening->options);
	return 0;
}

struct weft__store *weft__sqlite_open(const struct weft__store_options *options)
{
	struct weft__sqlite_store *store = store_new(options);
	struct opening opening = {store, options};

	if (!store)
		return NULL;
	if (weft_offload_as(WEFT_OFFLOAD_FILE, open_files, &opening) < 0)
		goto failed;
	if (store->owners_fd >= 0 && !options->schema_max && weft__sqlite_own(store) < 0)
		goto failed;
	return &store->base;
failed:
	store_free(&store->base);
	return NULL;
}
