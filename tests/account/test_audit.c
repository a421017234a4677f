/*
 * test_audit.c - the audit log: what is in it, who may read it, and that nobody changes it.
 *
 * check: tsan
 */
#include <sqlite3.h>

#include "account/world.h"

static struct weft_account_events read_log(struct weft_account_audit_query query)
{
	struct weft_account_events events;

	CHECK_INT(weft_account_audit(world, &local, &query, &events), ==, 0);
	return events;
}

CHECK_CASE(every_deed_has_its_line_and_so_has_what_was_refused)
{
	struct weft_account_call call = world_from("192.0.2.7"), as;
	struct weft_account_who *who, *none;
	struct weft_account_events events;
	char uid[32];

	world_open();
	snprintf(uid, sizeof uid, "#%u", (unsigned)getuid());
	world_add("mia", NULL);
	world_add("ann", "admin");
	who = world_login("mia");
	as = world_as(who);
	CHECK_FAULT(weft_account_lock(world, &as, "ann"), as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_login(world, &call, "mia", "not it, no no no", &none), call,
		WEFT_ACCOUNT_WRONG);
	CHECK_FAULT(weft_account_login(world, &call, "my secret in the wrong field", "x", &none),
		call, WEFT_ACCOUNT_WRONG);
	events = read_log((struct weft_account_audit_query){0});
	CHECK_INT(events.count, ==, 6);
	CHECK_STR(events.events[0].action, "login");
	CHECK_STR(events.events[0].target, "");
	CHECK_STR(events.events[0].result, "wrong");
	CHECK_STR(events.events[0].address, "192.0.2.7");
	CHECK_STR(events.events[1].target, "mia");
	CHECK_STR(events.events[2].action, "account.lock");
	CHECK_STR(events.events[2].who, "mia");
	CHECK_STR(events.events[2].target, "ann");
	CHECK_STR(events.events[2].result, "not-allowed");
	CHECK_STR(events.events[2].door, "test");
	CHECK_STR(events.events[3].result, "ok");
	CHECK_STR(events.events[3].target, "mia");
	CHECK_STR(events.events[5].action, "account.add");
	CHECK_STR(events.events[5].who, uid);
	CHECK_INT(events.events[5].at_s, ==, world_now);
	weft_account_events_fini(&events);
	weft_account_who_free(who);
	world_close();
}

CHECK_CASE(what_failed_has_no_line_that_says_ok)
{
	struct weft_account_events events;

	world_open();
	world_add("mia", NULL);
	CHECK_FAULT(
		weft_account_add(world, &local, &(struct weft_account_new){.name = "mia"}, NULL),
		local, WEFT_ACCOUNT_NAME_TAKEN);
	events = read_log((struct weft_account_audit_query){.action = "account."});
	CHECK_INT(events.count, ==, 1);
	weft_account_events_fini(&events);
	/* A copy is begun before it is done. */
	CHECK_INT(weft_accounts_backup(world, &local, place("copy")), ==, 0);
	CHECK_ERRNO(weft_accounts_backup(world, &local, place("copy")), EEXIST);
	events = read_log((struct weft_account_audit_query){.action = "accounts.backup"});
	CHECK_INT(events.count, ==, 4);
	CHECK_STR(events.events[3].result, "begun");
	CHECK_STR(events.events[2].result, "ok");
	CHECK_STR(events.events[1].result, "begun");
	CHECK_STR(events.events[0].result, "failed");
	CHECK_STR(events.events[0].detail, "EEXIST");
	weft_account_events_fini(&events);
	world_close();
}

CHECK_CASE(the_log_is_asked_by_who_whom_what_and_when_a_page_at_a_time)
{
	struct weft_account_events events;
	int64_t before;
	size_t seen = 0;

	world_open();
	for (int i = 0; i < 25; i++) {
		world_now++;
		CHECK_INT(weft_account_audit_note(world, &local,
				  &(struct weft_account_note){
					  .action = i % 2 ? "room.kick" : "room.ban",
					  .target = i % 5 ? "mia" : "zoe",
					  .detail = "lobby"}),
			==, 0);
	}
	events = read_log((struct weft_account_audit_query){.limit = 10});
	CHECK(events.has_more);
	while (events.count > 0) {
		seen += events.count;
		before = events.events[events.count - 1].id;
		weft_account_events_fini(&events);
		events = read_log((struct weft_account_audit_query){.limit = 10, .before = before});
	}
	CHECK_INT(seen, ==, 25);
	events = read_log((struct weft_account_audit_query){.target = "Mia"});
	CHECK_INT(events.count, ==, 20);
	weft_account_events_fini(&events);
	events = read_log((struct weft_account_audit_query){.action = "room.k"});
	CHECK_INT(events.count, ==, 12);
	weft_account_events_fini(&events);
	events = read_log((struct weft_account_audit_query){
		.since_s = world_now - 9, .until_s = world_now - 5});
	CHECK_INT(events.count, ==, 5);
	weft_account_events_fini(&events);
	world_close();
}

CHECK_CASE(a_note_is_text_a_terminal_can_show)
{
	world_open();
	CHECK_FAULT(weft_account_audit_note(world, &local,
			    &(struct weft_account_note){.action = "a", .detail = "x\x1b[2J"}),
		local, WEFT_ACCOUNT_BAD_TEXT);
	CHECK_FAULT(weft_account_audit_note(
			    world, &local, &(struct weft_account_note){.action = "a\nb"}),
		local, WEFT_ACCOUNT_BAD_TEXT);
	world_close();
}

CHECK_CASE(not_even_sql_changes_takes_out_or_replaces_a_line)
{
	static const char *const attempts[] = {"UPDATE audit SET result = 'ok'",
		"DELETE FROM audit", "DELETE FROM audit WHERE id = 1",
		"INSERT OR REPLACE INTO audit (id, at, who, address, door, action, target, result,"
		" detail) VALUES (1, 0, '', '', '', '', '', '', '')",
		"REPLACE INTO audit (id, at, who, address, door, action, target, result, detail)"
		" VALUES (1, 0, '', '', '', '', '', '', '')",
		"INSERT INTO audit (id, at, who, address, door, action, target, result, detail)"
		" VALUES (1, 0, '', '', '', '', '', '', '')"
		" ON CONFLICT (id) DO UPDATE SET who = 'x'"};
	struct weft_account_events events;
	sqlite3 *db;

	world_open();
	world_add("mia", NULL);
	CHECK_INT(sqlite3_open(place("state/accounts.db"), &db), ==, SQLITE_OK);
	for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++)
		CHECK_INT(sqlite3_exec(db, attempts[i], NULL, NULL, NULL), ==, SQLITE_CONSTRAINT);
	sqlite3_close(db);
	events = read_log((struct weft_account_audit_query){0});
	CHECK_INT(events.count, ==, 1);
	CHECK_STR(events.events[0].target, "mia");
	weft_account_events_fini(&events);
	CHECK_INT(weft_account_remove(world, &local, "mia", true), ==, 0);
	events = read_log((struct weft_account_audit_query){.target = "mia"});
	CHECK_INT(events.count, ==, 2);
	weft_account_events_fini(&events);
	world_close();
}

CHECK_MAIN()
