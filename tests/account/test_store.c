/*
 * test_store.c - what any store must do, asked through its interface: transactions, keys, errors,
 * processes side by side, copies, and nothing lost that was acknowledged.
 *
 * check: tsan
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "account/schema.h"
#include "check.h"
#include "io/both.h"
#include "io/place.h"
#include "weft/scope.h"

static struct weft__store *store;

static struct weft__store *open_store_in(const char *name)
{
	/* Several processes at once, on a slow disk, take longer than anybody would wait. */
	struct weft__store *opened =
		weft__sqlite_open(&(struct weft__store_options){.schema = &weft__account_schema,
			.dir = place(name),
			.busy_timeout_ns = WEFT_SECONDS(60)});

	CHECK(opened != NULL);
	return opened;
}

static struct weft__store *open_store(void)
{
	return open_store_in("state");
}

static void close_store(void)
{
	store->ops->close(store);
	store = NULL;
}

/* One statement as a transaction of its own. */
struct one {
	const char *sql, *kinds;
	const char *text;
	int64_t number, result;
};

static int do_one(struct weft__tx *tx, void *arg)
{
	struct one *one = arg;

	if (strcmp(one->kinds, "n") == 0)
		one->result = weft__tx_number(tx, &one->number, one->sql, "");
	else if (strcmp(one->kinds, "ti") == 0)
		one->result = weft__tx_run(tx, one->sql, "ti", one->text, one->number);
	else
		one->result = weft__tx_run(tx, one->sql, "");
	return one->result < 0 ? -1 : 0;
}

static int64_t number_of(const char *sql)
{
	struct one one = {.sql = sql, .kinds = "n", .number = -1};

	CHECK_INT(weft__store_transact(store, WEFT__TX_READ, do_one, &one), ==, 0);
	return one.number;
}

static int write_one(const char *sql)
{
	struct one one = {.sql = sql, .kinds = ""};

	return weft__store_transact(store, WEFT__TX_WRITE, do_one, &one);
}

static int set(const char *name, int64_t value)
{
	struct one one = {.sql = "INSERT INTO settings (name, value) VALUES (?1, ?2)",
		.kinds = "ti",
		.text = name,
		.number = value};

	return weft__store_transact(store, WEFT__TX_WRITE, do_one, &one);
}

#define SETTINGS "SELECT count(*) FROM settings"

/* ---- Transactions --------------------------------------------------------------------------- */

BOTH_CASE(what_was_written_is_read_also_after_opening_again)
{
	store = open_store();
	CHECK_INT(set("a", 7), ==, 0);
	CHECK_INT(number_of("SELECT value FROM settings WHERE name = 'a'"), ==, 7);
	close_store();
	store = open_store();
	CHECK_INT(number_of("SELECT value FROM settings WHERE name = 'a'"), ==, 7);
	close_store();
}

static int write_and_fail(struct weft__tx *tx, void *arg)
{
	(void)arg;
	CHECK_INT(
		weft__tx_run(tx, "INSERT INTO settings (name, value) VALUES ('x', 1)", ""), ==, 1);
	errno = EXDEV;
	return -1;
}

CHECK_CASE(a_work_that_fails_leaves_nothing_and_its_errno)
{
	store = open_store();
	CHECK_ERRNO(weft__store_transact(store, WEFT__TX_WRITE, write_and_fail, NULL), EXDEV);
	CHECK_INT(number_of(SETTINGS), ==, 0);
	CHECK_INT(set("x", 1), ==, 0);
	close_store();
}

CHECK_CASE(each_broken_rule_has_its_errno)
{
	store = open_store();
	CHECK_INT(set("a", 1), ==, 0);
	CHECK_ERRNO(set("a", 2), EEXIST);
	CHECK_ERRNO(write_one("INSERT INTO members (user_id, group_id) VALUES (1, 1)"), ENOENT);
	CHECK_ERRNO(
		write_one("INSERT INTO grants (role, folder, rights) VALUES ('guest', 'x', 64)"),
		EINVAL);
	CHECK_ERRNO(write_one("INSERT INTO grants (folder, rights) VALUES ('x', 1)"), EINVAL);
	CHECK_ERRNO(write_one("INSERT INTO settings (name, value) VALUES ('b', 'text')"), EINVAL);
	CHECK_ERRNO(write_one("INSERT INTO settings (name, value) VALUES ('b', NULL)"), EINVAL);
	CHECK_INT(number_of(SETTINGS), ==, 1);
	close_store();
}

static int write_in_a_read(struct weft__tx *tx, void *arg)
{
	(void)arg;
	return (int)weft__tx_run(tx, "INSERT INTO settings (name, value) VALUES ('r', 1)", "");
}

CHECK_CASE(a_read_can_not_write)
{
	store = open_store();
	CHECK_ERRNO(weft__store_transact(store, WEFT__TX_READ, write_in_a_read, NULL), EROFS);
	CHECK_INT(number_of(SETTINGS), ==, 0);
	close_store();
}

static int read_twice(struct weft__tx *tx, void *arg)
{
	int64_t before = 0, after = 0;
	struct one one = {.sql = "INSERT INTO settings (name, value) VALUES ('w', 1)", .kinds = ""};

	(void)arg;
	CHECK_INT(weft__tx_number(tx, &before, SETTINGS, ""), ==, 1);
	CHECK_INT(weft__store_transact(store, WEFT__TX_WRITE, do_one, &one), ==, 0);
	CHECK_INT(weft__tx_number(tx, &after, SETTINGS, ""), ==, 1);
	CHECK_INT(before, ==, after);
	return 0;
}

CHECK_CASE(a_read_sees_one_moment_and_holds_up_no_writer)
{
	store = open_store();
	CHECK_INT(weft__store_transact(store, WEFT__TX_READ, read_twice, NULL), ==, 0);
	CHECK_INT(number_of(SETTINGS), ==, 1);
	close_store();
}

static int keep_text(const struct weft__value *columns, void *arg)
{
	CHECK_INT(columns[0].kind, ==, WEFT__VALUE_TEXT);
	weft__value_text(&columns[0], arg, 4);
	return 0;
}

static int read_text(struct weft__tx *tx, void *arg)
{
	return (int)weft__tx_read(tx, (struct weft__reader){keep_text, arg}, "SELECT 'abcdef'", "");
}

static int stop_at_once(const struct weft__value *columns, void *arg)
{
	(void)columns;
	(void)arg;
	errno = EFBIG;
	return -1;
}

static int read_and_stop(struct weft__tx *tx, void *arg)
{
	(void)arg;
	CHECK_ERRNO(weft__tx_read(tx, (struct weft__reader){stop_at_once, NULL},
			    "SELECT name FROM roles", ""),
		EFBIG);
	/* The statement is done with all the same. */
	CHECK_ERRNO(weft__tx_read(tx, (struct weft__reader){stop_at_once, NULL},
			    "SELECT name FROM roles", ""),
		EFBIG);
	return 0;
}

CHECK_CASE(a_text_is_cut_to_its_array_and_a_reader_can_stop)
{
	char text[4];

	store = open_store();
	CHECK_INT(weft__store_transact(store, WEFT__TX_READ, read_text, text), ==, 1);
	CHECK_STR(text, "abc");
	CHECK_INT(weft__store_transact(store, WEFT__TX_READ, read_and_stop, NULL), ==, 0);
	close_store();
}

BOTH_CASE(who_is_late_is_told_before_it_begins)
{
	store = open_store();
	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(set("late", 1), ETIMEDOUT);
	CHECK_INT(number_of(SETTINGS), ==, 0);
	close_store();
}

static int ask_patience(struct weft__tx *tx, void *arg)
{
	return weft__tx_number(tx, arg, "PRAGMA synchronous", "") < 0 ? -1 : 0;
}

/* Of SQLite: 2 waits for the disk at each commit, 1 does not. */
CHECK_CASE(only_what_is_lazy_does_not_wait_for_the_disk)
{
	int64_t patience = 0;

	store = open_store();
	for (int i = 0; i < 2; i++) {
		CHECK_INT(weft__store_transact(store, WEFT__TX_WRITE, ask_patience, &patience), ==,
			0);
		CHECK_INT(patience, ==, 2);
		CHECK_INT(weft__store_transact(store, WEFT__TX_LAZILY, ask_patience, &patience), ==,
			0);
		CHECK_INT(patience, ==, 1);
	}
	close_store();
}

/* ---- Processes side by side
 * ----------------------------------------------------------------------- */

static void write_many(int writer, int count)
{
	char name[32];

	store = open_store();
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof name, "%d-%d", writer, i);
		CHECK_INT(set(name, i), ==, 0);
	}
	close_store();
	_exit(0);
}

CHECK_CASE(several_processes_write_at_once_and_nothing_is_lost)
{
	enum { WRITERS = 3, EACH = 10 };
	pid_t pids[WRITERS];
	int status;

	place_make(); /* the children's, too */
	for (int i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0);
		if (pids[i] == 0)
			write_many(i, EACH);
	}
	for (int i = 0; i < WRITERS; i++) {
		CHECK_INT(waitpid(pids[i], &status, 0), ==, pids[i]);
		CHECK_INT(status, ==, 0);
	}
	store = open_store();
	CHECK_INT(number_of(SETTINGS), ==, WRITERS * EACH);
	close_store();
}

/* The file is new to all of them, and each sets it up. */
CHECK_CASE(several_processes_that_make_it_at_once_have_it_all)
{
	enum { OPENERS = 6 };
	char path[100];

	for (unsigned round = 0; round < check_rounds(15); round++) {
		int start[2], status;
		pid_t pids[OPENERS];
		char byte;

		snprintf(path, sizeof path, "state%u", round);
		CHECK_INT(mkdir(place(path), 0700), ==, 0);
		CHECK_INT(pipe(start), ==, 0);
		for (int i = 0; i < OPENERS; i++) {
			pids[i] = fork();
			CHECK(pids[i] >= 0);
			if (pids[i])
				continue;
			close(start[1]);
			CHECK_INT(read(start[0], &byte, 1), ==, 0); /* all of them now */
			store = open_store_in(path);
			close_store();
			_exit(0);
		}
		close(start[0]);
		close(start[1]);
		for (int i = 0; i < OPENERS; i++) {
			CHECK_INT(waitpid(pids[i], &status, 0), ==, pids[i]);
			CHECK_INT(status, ==, 0);
		}
	}
}

/* Tells each number once it is acknowledged, until it is killed. */
static void write_and_tell(int fd)
{
	char name[32];

	store = open_store();
	for (int i = 0;; i++) {
		snprintf(name, sizeof name, "%d", i);
		CHECK_INT(set(name, i), ==, 0);
		CHECK_INT(write(fd, &i, sizeof i), ==, sizeof i);
	}
}

CHECK_CASE(what_was_acknowledged_is_there_after_a_kill)
{
	int told = -1, number, ends[2];
	int64_t before = 0;

	place_make(); /* the children's, too */
	for (unsigned round = 0; round < check_rounds(4); round++) {
		pid_t pid;

		CHECK_INT(pipe(ends), ==, 0);
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0)
			write_and_tell(ends[1]);
		close(ends[1]);
		/* Some more each round, and then at any point of the next one. */
		for (unsigned i = 0; i < 5 + round * 7; i++)
			CHECK_INT(read(ends[0], &told, sizeof told), ==, sizeof told);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while (read(ends[0], &number, sizeof number) == sizeof number)
			told = number;
		close(ends[0]);
		store = open_store();
		CHECK_INT(number_of(SETTINGS), >=, told + 1);
		CHECK_INT(number_of("SELECT count(*) FROM settings WHERE value >= 0"), ==,
			number_of("SELECT max(value) + 1 FROM settings"));
		before = number_of(SETTINGS);
		CHECK_INT(write_one("DELETE FROM settings"), ==, 0);
		close_store();
	}
	CHECK_INT(before, >, 0);
}

static int hold(struct weft__tx *tx, void *arg)
{
	int *fds = arg;
	char byte;

	(void)tx;
	CHECK_INT(write(fds[0], "x", 1), ==, 1);
	CHECK_INT(read(fds[1], &byte, 1), ==, 1);
	return 0;
}

CHECK_CASE(a_database_that_another_holds_is_busy_after_its_time)
{
	int up[2], down[2], fds[2];
	char byte;
	pid_t pid;

	place_make(); /* the children's, too */
	CHECK_INT(pipe(up), ==, 0);
	CHECK_INT(pipe(down), ==, 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		fds[0] = up[1];
		fds[1] = down[0];
		store = open_store();
		CHECK_INT(weft__store_transact(store, WEFT__TX_WRITE, hold, fds), ==, 0);
		close_store();
		_exit(0);
	}
	CHECK_INT(read(up[0], &byte, 1), ==, 1);
	/* Opening needs no more than a moment of its own; then it is refused. */
	CHECK_ERRNO(weft__sqlite_open(&(struct weft__store_options){.schema = &weft__account_schema,
			    .dir = place("state"),
			    .busy_timeout_ns = WEFT_MILLISECONDS(20)}),
		EBUSY);
	CHECK_INT(write(down[1], "x", 1), ==, 1);
	waitpid(pid, NULL, 0);
	store = open_store();
	CHECK_INT(set("a", 1), ==, 0);
	close_store();
}

/* ---- Owners
 * -------------------------------------------------------------------------------------- */

CHECK_CASE(an_owner_lives_as_long_as_its_process_has_the_store_open)
{
	struct weft__store *other;
	int64_t owner;
	int ends[2], down[2];
	char byte;
	pid_t pid;

	store = open_store();
	other = open_store();
	CHECK(other->owner != store->owner);
	CHECK(store->ops->owner_is_alive(store, store->owner));
	CHECK(store->ops->owner_is_alive(store, other->owner));
	owner = other->owner;
	other->ops->close(other);
	CHECK(!store->ops->owner_is_alive(store, owner));
	CHECK_INT(pipe(ends), ==, 0);
	CHECK_INT(pipe(down), ==, 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(down[1]);
		store = open_store();
		CHECK_INT(write(ends[1], &store->owner, sizeof owner), ==, sizeof owner);
		if (read(down[0], &byte, 1) < 0)
			_exit(1);
		_exit(0);
	}
	CHECK_INT(read(ends[0], &owner, sizeof owner), ==, sizeof owner);
	CHECK(store->ops->owner_is_alive(store, owner));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK(!store->ops->owner_is_alive(store, owner));
	close_store();
}

/* ---- Files
 * --------------------------------------------------------------------------------------- */

static mode_t mode_of(const char *path)
{
	struct stat stat;

	CHECK_INT(lstat(place(path), &stat), ==, 0);
	return stat.st_mode & 07777;
}

CHECK_CASE(nobody_else_may_look)
{
	umask(0);
	store = open_store();
	CHECK_INT(set("a", 1), ==, 0);
	CHECK_INT(mode_of("state"), ==, 0700);
	CHECK_INT(mode_of("state/accounts.db"), ==, 0600);
	CHECK_INT(mode_of("state/accounts.db-wal"), ==, 0600);
	CHECK_INT(mode_of("state/accounts.db-shm"), ==, 0600);
	CHECK_INT(mode_of("state/accounts.db-owners"), ==, 0600);
	CHECK_INT(mode_of("state/accounts-were-here"), ==, 0600);
	close_store();
}

CHECK_CASE(a_folder_that_others_may_write_to_is_refused)
{
	CHECK_INT(mkdir(place("state"), 0700), ==, 0);
	CHECK_INT(chmod(place("state"), 0770), ==, 0);
	CHECK_ERRNO(weft__sqlite_open(&(struct weft__store_options){
			    .schema = &weft__account_schema, .dir = place("state")}),
		EPERM);
	CHECK_INT(chmod(place("state"), 0700), ==, 0);
	store = open_store();
	close_store();
	CHECK_ERRNO(weft__sqlite_open(&(struct weft__store_options){
			    .schema = &weft__account_schema, .dir = place("no/such")}),
		ENOENT);
}

CHECK_CASE(a_folder_that_others_may_look_into_is_closed_to_them)
{
	CHECK_INT(mkdir(place("state"), 0700), ==, 0);
	CHECK_INT(chmod(place("state"), 0755), ==, 0);
	store = open_store();
	CHECK_INT(mode_of("state"), ==, 0700);
	close_store();
}

static void put_file(const char *path, const char *text)
{
	int fd = open(place(path), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	CHECK_INT(write(fd, text, strlen(text)), ==, (ssize_t)strlen(text));
	close(fd);
}

CHECK_CASE(what_is_no_database_is_damaged_and_stays_as_it_is)
{
	struct stat stat;

	CHECK_INT(mkdir(place("state"), 0700), ==, 0);
	put_file("state/accounts.db", "this was a shopping list, of a hundred bytes or so: "
				      "flour, eggs, butter, sugar, and whatever else there is");
	CHECK_ERRNO(weft__sqlite_open(&(struct weft__store_options){
			    .schema = &weft__account_schema, .dir = place("state")}),
		EBADMSG);
	CHECK_INT(lstat(place("state/accounts.db"), &stat), ==, 0);
	CHECK_INT(stat.st_size, ==, 106);
}

static void check_lost(void)
{
	const struct weft__store_options options = {
		.schema = &weft__account_schema, .dir = place("state")};

	CHECK_ERRNO(weft__sqlite_open(&options), ENODATA);
}

CHECK_CASE(one_that_is_lost_is_not_made_anew_while_its_mark_is_there)
{
	sqlite3 *db;

	store = open_store();
	CHECK_INT(set("a", 1), ==, 0);
	close_store();
	CHECK_INT(rename(place("state/accounts.db"), place("away.db")), ==, 0);
	check_lost();
	CHECK_INT(access(place("state/accounts.db"), F_OK), ==, -1);
	put_file("state/accounts.db", "");
	check_lost();
	/* A database, but one in which there was never anything. */
	CHECK_INT(sqlite3_open(place("state/accounts.db"), &db), ==, SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, "CREATE TABLE t (a); DROP TABLE t; VACUUM", NULL, NULL, NULL),
		==, SQLITE_OK);
	sqlite3_close(db);
	check_lost();
	CHECK_INT(rename(place("away.db"), place("state/accounts.db")), ==, 0);
	store = open_store();
	CHECK_INT(number_of(SETTINGS), ==, 1);
	close_store();
}

BOTH_CASE(a_copy_is_whole_and_no_file_is_written_over)
{
	store = open_store();
	CHECK_INT(set("a", 7), ==, 0);
	CHECK_INT(mkdir(place("copy"), 0700), ==, 0);
	CHECK_INT(store->ops->backup(store, place("copy/accounts.db")), ==, 0);
	CHECK_INT(set("b", 8), ==, 0);
	CHECK_ERRNO(store->ops->backup(store, place("copy/accounts.db")), EEXIST);
	CHECK_INT(mode_of("copy/accounts.db"), ==, 0600);
	CHECK_INT(access(place("copy/accounts.db-wal"), F_OK), ==, -1);
	close_store();
	store = weft__sqlite_open(&(struct weft__store_options){
		.schema = &weft__account_schema, .dir = place("copy")});
	CHECK(store != NULL);
	CHECK_INT(number_of(SETTINGS), ==, 1);
	CHECK_INT(number_of("SELECT value FROM settings WHERE name = 'a'"), ==, 7);
	close_store();
}

CHECK_CASE(a_copy_that_fails_leaves_nothing)
{
	const struct rlimit small = {8192, RLIM_INFINITY};

	store = open_store();
	CHECK_ERRNO(store->ops->backup(store, place("no/such/folder")), ENOENT);
	/* A disk that is full. */
	CHECK_INT(sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL), ==, 0);
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
	CHECK_INT(store->ops->backup(store, place("copy")), ==, -1);
	CHECK_INT(access(place("copy"), F_OK), ==, -1);
	close_store();
}

CHECK_MAIN()
