/*
 * schema.c - see schema.h; the steps for SQLite.
 *
 * Tables are STRICT, so that a number is a number. Times are seconds since 1970.
 * Never: edits a step that somebody may have run.
 */
#include "account/schema.h"

/* People, what they may do, how they get in, and what was done. */
static const char people[] =
	"CREATE TABLE settings ("
	"	name TEXT PRIMARY KEY,"
	"	value INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;"

	"CREATE TABLE roles ("
	"	name TEXT PRIMARY KEY,"
	"	powers INTEGER NOT NULL,"
	"	is_builtin INTEGER NOT NULL DEFAULT 0"
	") STRICT, WITHOUT ROWID;"
	"INSERT INTO roles (name, powers, is_builtin) VALUES"
	"	('admin', 31, 1), ('member', 0, 1), ('guest', 0, 1), ('stranger', 0, 1);"

	"CREATE TABLE users ("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT," /* never used a second time */
	"	name TEXT NOT NULL UNIQUE,"
	"	skeleton TEXT NOT NULL UNIQUE,"
	"	display_name TEXT NOT NULL DEFAULT '',"
	"	search TEXT NOT NULL," /* name and display name, case-folded */
	"	role TEXT NOT NULL REFERENCES roles (name),"
	"	home TEXT NOT NULL DEFAULT '',"
	"	state INTEGER NOT NULL DEFAULT 1 CHECK (state IN (1, 2, 4)),"
	"	password TEXT," /* a hash; NULL: none yet */
	"	must_change INTEGER NOT NULL DEFAULT 0 CHECK (must_change IN (0, 1)),"
	"	epoch INTEGER NOT NULL DEFAULT 0," /* what was let in under another is thrown out */
	"	created INTEGER NOT NULL,"
	"	seen INTEGER NOT NULL DEFAULT 0,"
	"	quota INTEGER NOT NULL DEFAULT 0 CHECK (quota >= 0),"
	"	used INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0)"
	") STRICT;"
	"CREATE INDEX users_by_role ON users (role);"

	"CREATE TABLE groups ("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	name TEXT NOT NULL UNIQUE"
	") STRICT;"
	"CREATE TABLE members ("
	"	user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,"
	"	group_id INTEGER NOT NULL REFERENCES groups (id) ON DELETE CASCADE,"
	"	PRIMARY KEY (user_id, group_id)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX members_by_group ON members (group_id);"

	/* Exactly one of the three says to whom. */
	"CREATE TABLE grants ("
	"	user_id INTEGER REFERENCES users (id) ON DELETE CASCADE,"
	"	group_id INTEGER REFERENCES groups (id) ON DELETE CASCADE,"
	"	role TEXT REFERENCES roles (name) ON DELETE CASCADE,"
	"	folder TEXT NOT NULL,"
	"	rights INTEGER NOT NULL CHECK (rights BETWEEN 0 AND 63),"
	"	CHECK ((user_id IS NOT NULL) + (group_id IS NOT NULL) + (role IS NOT NULL) = 1)"
	") STRICT;"
	"CREATE UNIQUE INDEX grants_of_user ON grants (user_id, folder) WHERE user_id IS NOT NULL;"
	"CREATE UNIQUE INDEX grants_of_group ON grants (group_id, folder) WHERE group_id IS NOT "
	"NULL;"
	"CREATE UNIQUE INDEX grants_of_role ON grants (role, folder) WHERE role IS NOT NULL;"
	"INSERT INTO grants (role, folder, rights) VALUES"
	"	('admin', '', 63), ('member', '', 31), ('guest', '', 3);"

	"CREATE TABLE sessions ("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	secret BLOB NOT NULL UNIQUE,"
	"	user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,"
	"	label TEXT NOT NULL,"
	"	address TEXT NOT NULL,"
	"	door TEXT NOT NULL,"
	"	created INTEGER NOT NULL,"
	"	seen INTEGER NOT NULL,"
	"	expires INTEGER NOT NULL,"
	"	idle INTEGER NOT NULL" /* seconds without use that end it */
	") STRICT;"
	"CREATE INDEX sessions_of_user ON sessions (user_id);"

	"CREATE TABLE tokens ("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	secret BLOB NOT NULL UNIQUE,"
	"	user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,"
	"	label TEXT NOT NULL,"
	"	rights INTEGER NOT NULL,"
	"	powers INTEGER NOT NULL,"
	"	folder TEXT NOT NULL,"
	"	created INTEGER NOT NULL,"
	"	seen INTEGER NOT NULL DEFAULT 0,"
	"	expires INTEGER NOT NULL" /* 0: never */
	") STRICT;"
	"CREATE INDEX tokens_of_user ON tokens (user_id);"

	"CREATE TABLE links (" /* one for each person: the newest */
	"	user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,"
	"	secret BLOB NOT NULL UNIQUE,"
	"	expires INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE audit ("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	at INTEGER NOT NULL,"
	"	who TEXT NOT NULL,"
	"	address TEXT NOT NULL,"
	"	door TEXT NOT NULL,"
	"	action TEXT NOT NULL,"
	"	target TEXT NOT NULL,"
	"	result TEXT NOT NULL,"
	"	detail TEXT NOT NULL"
	") STRICT;"
	"CREATE INDEX audit_by_target ON audit (target, id);"
	"CREATE INDEX audit_by_who ON audit (who, id);"
	"CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN"
	"	SELECT RAISE(ABORT, 'the audit log is not changed'); END;"
	"CREATE TRIGGER audit_keeps BEFORE DELETE ON audit BEGIN"
	"	SELECT RAISE(ABORT, 'nothing is taken out of the audit log'); END;"
	/* INSERT OR REPLACE would delete without the trigger above. */
	"CREATE TRIGGER audit_grows BEFORE INSERT ON audit"
	"	WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id) BEGIN"
	"	SELECT RAISE(ABORT, 'nothing in the audit log is replaced'); END;";

/* Bytes that are about to be written, by whom; and the processes that may still settle them. */
static const char reservations[] =
	"CREATE TABLE owners ("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	opened INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE reservations ("
	"	user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,"
	"	owner INTEGER NOT NULL REFERENCES owners (id) ON DELETE CASCADE,"
	"	bytes INTEGER NOT NULL CHECK (bytes >= 0),"
	"	PRIMARY KEY (user_id, owner)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX reservations_of_owner ON reservations (owner);";

/* From where somebody has logged in: strangers' failures don't hold her up there. */
static const char places[] = "CREATE TABLE places ("
			     "	user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,"
			     "	address TEXT NOT NULL,"
			     "	seen INTEGER NOT NULL,"
			     "	PRIMARY KEY (user_id, address)"
			     ") STRICT, WITHOUT ROWID;";

/* What is charged is counted anew after a kill: how often each use was changed, and by whom. */
static const char charging[] = "ALTER TABLE users ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;"
			       "CREATE TABLE charging ("
			       "	owner INTEGER NOT NULL,"
			       "	folder TEXT NOT NULL,"
			       "	PRIMARY KEY (owner, folder)"
			       ") STRICT, WITHOUT ROWID;";

static const char *const steps[WEFT__SCHEMA_VERSION] = {people, reservations, places, charging};

const struct weft__store_schema weft__account_schema = {
	.file = "accounts.db",
	.application = 0x77656674, /* "weft" */
	.steps = steps,
	.version = WEFT__SCHEMA_VERSION,
	.mark = "accounts-were-here",
	.counts_owners = true,
};
