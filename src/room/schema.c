/*
 * schema.c - see schema.h; the steps for SQLite.
 *
 * A message's row number is made of its room's and its own: the rows of a room lie together, in
 * the order of the log, and the table is its own index.
 *
 *	 63      40 39              0
 *	+----------+-----------------+
 *	|   room   |       seq       |
 *	+----------+-----------------+
 *
 * Times are nanoseconds since 1970. Who somebody is: "a7" an account, "g:mia" a guest's key,
 * "i:192.0.2.7" whoever comes from there as a guest, "s" the server.
 * Never: edits a step that somebody may have run.
 */
#include "room/schema.h"

static const char first[] =
	"CREATE TABLE rooms ("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT," /* never used a second time */
	"	name TEXT NOT NULL,"
	"	name_key TEXT NOT NULL UNIQUE,"
	"	pair TEXT UNIQUE," /* of a room of two: whose */
	"	epoch INTEGER NOT NULL,"
	"	topic TEXT NOT NULL DEFAULT '',"
	"	slow_ns INTEGER NOT NULL DEFAULT 0 CHECK (slow_ns >= 0),"
	"	is_private INTEGER NOT NULL DEFAULT 0 CHECK (is_private IN (0, 1)),"
	"	is_read_only INTEGER NOT NULL DEFAULT 0 CHECK (is_read_only IN (0, 1)),"
	"	is_for_guests INTEGER NOT NULL DEFAULT 0 CHECK (is_for_guests IN (0, 1)),"
	"	made INTEGER NOT NULL,"
	"	indexed INTEGER NOT NULL DEFAULT 0" /* up to which seq found is told of it */
	") STRICT;"

	"CREATE TABLE messages ("
	"	id INTEGER PRIMARY KEY,"
	"	kind INTEGER NOT NULL,"
	"	at INTEGER NOT NULL,"
	"	who TEXT NOT NULL,"
	"	flags INTEGER NOT NULL," /* 1: a guest, 2: the server, 4: of a file */
	"	writer TEXT NOT NULL,"
	"	message_id TEXT," /* the writer's name for it */
	"	target INTEGER NOT NULL,"
	"	text TEXT NOT NULL" /* '' of a message: deleted */
	") STRICT;"
	"CREATE UNIQUE INDEX messages_by_id ON messages (writer, message_id, id >> 40)"
	"	WHERE message_id IS NOT NULL;"

	"CREATE VIRTUAL TABLE found USING fts5 (text, content='messages', content_rowid='id',"
	"	tokenize='trigram');"

	"CREATE TABLE standing ("
	"	person TEXT NOT NULL,"
	"	room INTEGER NOT NULL," /* 0: everywhere */
	"	name TEXT NOT NULL,"
	"	is_moderator INTEGER NOT NULL DEFAULT 0 CHECK (is_moderator IN (0, 1)),"
	"	is_invited INTEGER NOT NULL DEFAULT 0 CHECK (is_invited IN (0, 1)),"
	"	banned INTEGER NOT NULL DEFAULT 0," /* until */
	"	muted INTEGER NOT NULL DEFAULT 0,"  /* until */
	"	seen INTEGER NOT NULL DEFAULT 0,"   /* up to which seq */
	"	PRIMARY KEY (person, room)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX standing_by_room ON standing (room, person);";

/* Whether it was put back from a backup (lineage.c). */
static const char second[] = "CREATE TABLE lineage ("
			     "	one INTEGER PRIMARY KEY CHECK (one = 1),"
			     "	mark INTEGER NOT NULL," /* 0: none yet */
			     "	given INTEGER NOT NULL"
			     ") STRICT;"
			     "INSERT INTO lineage VALUES (1, 0, 0);";

static const char *const steps[WEFT__ROOM_SCHEMA_VERSION] = {first, second};

const struct weft__store_schema weft__room_schema = {
	.file = "chat.db",
	.application = 0x77656663, /* "wefc" */
	.steps = steps,
	.version = WEFT__ROOM_SCHEMA_VERSION,
};
