/*
 * test_import.c - accounts out to a table and in from one: every bad line told, all or none.
 *
 * check: tsan
 */
#include "account/world.h"
#include "weft/str.h"

static struct weft_str told;

static void tell(const struct weft_account_import_fault *fault, void *arg)
{
	(void)arg;
	weft_str_appendf(&told, "%zu:%s:%s;", fault->line, fault->column,
		fault->fault == WEFT_ACCOUNT_BAD_CSV ? fault->text
						     : weft_account_fault_word(fault->fault));
}

static int import(const char *text, struct weft_account_import import,
	struct weft_account_import_result *result)
{
	static char array[8192];

	weft_str_init_in(&told, array, sizeof array);
	import.text = text;
	import.len = strlen(text);
	import.report = tell;
	return weft_accounts_import(world, &local, &import, result);
}

static int64_t users(void)
{
	struct weft_accounts_facts facts;

	CHECK_INT(weft_accounts_facts(world, &facts), ==, 0);
	return facts.users;
}

static const char good[] = "name,display_name,role,home,quota,groups\r\n"
			   "mia,\"Ferrante, Mia\",guest,people/mia,1048576,weavers;dyers\r\n"
			   "Zo\xc3\xab,,,,,\r\n"
			   "bob,'=cmd,,,0,\r\n";

CHECK_CASE(a_good_table_becomes_accounts_without_passwords)
{
	struct weft_account_import_result result;
	struct weft_account_groups groups;
	struct weft_account_user user;

	world_open();
	CHECK_INT(weft_account_group_add(world, &local, "weavers"), ==, 0);
	CHECK_INT(weft_account_group_add(world, &local, "dyers"), ==, 0);
	CHECK_INT(import(good, (struct weft_account_import){0}, &result), ==, 0);
	CHECK_INT(result.added, ==, 3);
	CHECK_INT(result.changed, ==, 0);
	CHECK_INT(result.bad, ==, 0);
	CHECK_STR(weft_str_text(&told), "");
	CHECK_INT(weft_account_get(world, &local, "mia", &user), ==, 0);
	CHECK_STR(user.display_name, "Ferrante, Mia");
	CHECK_STR(user.role, "guest");
	CHECK_STR(user.home, "people/mia");
	CHECK_INT(user.quota_bytes, ==, 1048576);
	CHECK(!user.has_password);
	CHECK_INT(weft_account_groups(world, &local, "mia", &groups), ==, 0);
	CHECK_INT(groups.count, ==, 2);
	weft_account_groups_fini(&groups);
	CHECK_INT(weft_account_get(world, &local, "bob", &user), ==, 0);
	CHECK_STR(user.display_name, "=cmd");
	CHECK_STR(user.role, "member");
	world_close();
}

static const char bad[] = "name,role,home,quota,groups\n"
			  "mia,guest,,,\n"   /* 2 */
			  "a/b,,,,\n"        /* 3 */
			  "ann,emperor,,,\n" /* 4 */
			  "eve,,../x,,\n"    /* 5 */
			  "ian,,,12x,\n"     /* 6 */
			  "kim,,,,nobodys\n" /* 7 */
			  "few,,\n"          /* 8 */
			  "\"x\"y,,,,\n"     /* 9 */
			  "old,,,,\n"        /* 10: there already */
			  "0ld,,,,\n"        /* 11: looks like it */
			  "mia,,,,\n"        /* 12: twice in the table */
			  "lou,,,-1,\n"      /* 13 */
			  "\n"
			  "sue,,,,\n"; /* 15 */

static const char bad_told[] =
	"3:name:name-bad-character;4:role:role-unknown;5:home:bad-path;6:quota:bad-number;"
	"7:groups:group-unknown;8::it has not as many cells as the head;"
	"9::text follows a closing quote;10:name:name-taken;11:name:name-lookalike;"
	"12:name:name-taken;13:quota:bad-number;";

CHECK_CASE(every_bad_line_is_told_and_none_is_imported)
{
	struct weft_account_import_result result;

	world_open();
	world_add("old", NULL);
	CHECK_FAULT(
		import(bad, (struct weft_account_import){0}, &result), local, WEFT_ACCOUNT_BAD_CSV);
	CHECK_INT(errno, ==, EBADMSG);
	CHECK_STR(weft_str_text(&told), bad_told);
	CHECK_INT(result.bad, ==, 11);
	CHECK_INT(users(), ==, 1);
	world_close();
}

CHECK_CASE(the_good_lines_come_in_when_that_is_asked_for)
{
	struct weft_account_import_result result;
	struct weft_account_user user;

	world_open();
	world_add("old", NULL);
	CHECK_INT(import(bad, (struct weft_account_import){.skips_bad = true}, &result), ==, 0);
	CHECK_STR(weft_str_text(&told), bad_told);
	CHECK_INT(result.added, ==, 2);
	CHECK_INT(result.bad, ==, 11);
	CHECK_INT(users(), ==, 3);
	CHECK_INT(weft_account_get(world, &local, "sue", &user), ==, 0);
	CHECK_ERRNO(weft_account_get(world, &local, "kim", &user), ENOENT);
	world_close();
}

CHECK_CASE(a_trial_says_what_would_be_and_changes_nothing)
{
	struct weft_account_import_result result;
	struct weft_account_events events;

	world_open();
	CHECK_INT(
		import("name\nmia\nzoe\n", (struct weft_account_import){.is_trial = true}, &result),
		==, 0);
	CHECK_INT(result.added, ==, 2);
	CHECK_INT(users(), ==, 0);
	CHECK_INT(weft_account_audit(world, &local, NULL, &events), ==, 0);
	CHECK_INT(events.count, ==, 0);
	weft_account_events_fini(&events);
	world_close();
}

CHECK_CASE(accounts_that_are_there_are_changed_when_that_is_asked_for)
{
	struct weft_account_import_result result;
	struct weft_account_user user;

	world_open();
	CHECK_INT(weft_account_add(world, &local,
			  &(struct weft_account_new){.name = "mia",
				  .display_name = "Mia",
				  .quota_bytes = 7,
				  .home = "mias",
				  .role = "guest"},
			  NULL),
		==, 0);
	CHECK_INT(import("name,role,quota,home\nmia,,9,\nzoe,guest,,\n",
			  (struct weft_account_import){.updates = true}, &result),
		==, 0);
	CHECK_INT(result.added, ==, 1);
	CHECK_INT(result.changed, ==, 1);
	CHECK_INT(weft_account_get(world, &local, "mia", &user), ==, 0);
	CHECK_STR(user.display_name, "Mia"); /* no such column */
	CHECK_STR(user.role, "guest");       /* an empty cell */
	CHECK_STR(user.home, "mias");
	CHECK_INT(user.quota_bytes, ==, 9);
	world_close();
}

CHECK_CASE(a_head_that_is_wrong_is_told)
{
	static const struct {
		const char *text, *told;
	} table[] = {
		{"", "1::the table is empty;"},
		{"nome,role\nmia,\n", "1::a column has a name that is not known;"},
		{"role\nguest\n", "1::there is no column \"name\";"},
		{"name,name\na,b\n", "1::a column is there twice;"},
		{"name,password\na,b\n", "1::a column has a name that is not known;"},
		{"\"name\nmia\n", "1::a quote is not closed;"},
	};
	struct weft_account_import_result result;

	world_open();
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		CHECK_FAULT(import(table[i].text, (struct weft_account_import){.skips_bad = false},
				    &result),
			local, WEFT_ACCOUNT_BAD_CSV);
		CHECK_STR(weft_str_text(&told), table[i].told);
	}
	CHECK_INT(users(), ==, 0);
	world_close();
}

CHECK_CASE(who_manages_imports_nobody_who_may_more)
{
	struct weft_account_import_result result;
	struct weft_account_import table = {.updates = true};
	struct weft_account_who *who;
	struct weft_account_call as;

	world_open();
	world_add("ann", "admin");
	CHECK_INT(weft_account_role_put(world, &local,
			  &(struct weft_account_role){.name = "steward", .powers = 1}),
		==, 0);
	world_add("mia", "steward");
	who = world_login("mia");
	as = world_as(who);
	table.text = "name,role\neve,admin\n";
	table.len = strlen(table.text);
	CHECK_FAULT(weft_accounts_import(world, &as, &table, &result), as, WEFT_ACCOUNT_BAD_CSV);
	table.text = "name,role\nann,guest\n";
	table.len = strlen(table.text);
	CHECK_FAULT(weft_accounts_import(world, &as, &table, &result), as, WEFT_ACCOUNT_BAD_CSV);
	table.text = "name,role\nmia,admin\n";
	table.len = strlen(table.text);
	CHECK_FAULT(weft_accounts_import(world, &as, &table, &result), as, WEFT_ACCOUNT_BAD_CSV);
	weft_account_who_free(who);
	world_close();
}

/* ---- Out and in
 * ---------------------------------------------------------------------------------- */

static int collect(const char *text, size_t len, void *arg)
{
	return weft_str_append_bytes(arg, text, len);
}

static char *export(void)
{
	struct weft_str text;

	weft_str_init(&text, 1 << 20);
	CHECK_INT(weft_accounts_export(world, &local, collect, &text), ==, 0);
	return weft_str_take(&text);
}

CHECK_CASE(what_was_exported_comes_in_elsewhere_and_is_the_same)
{
	struct weft_account_import_result result;
	char *first, *second;

	world_open();
	CHECK_INT(weft_account_group_add(world, &local, "weavers"), ==, 0);
	CHECK_INT(weft_account_group_add(world, &local, "dyers"), ==, 0);
	CHECK_INT(import(good, (struct weft_account_import){0}, &result), ==, 0);
	first = export();
	CHECK(strstr(first, "'=cmd") != NULL);
	CHECK(strstr(first, "\"Ferrante, Mia\"") != NULL);
	CHECK(strstr(first, ",dyers;weavers,2027-01-15T08:00:00Z,\r\n") != NULL);
	world_close();
	place_end();
	CHECK_INT(mkdir(place_dir, 0700), ==, 0);
	world_open();
	CHECK_INT(weft_account_group_add(world, &local, "weavers"), ==, 0);
	CHECK_INT(weft_account_group_add(world, &local, "dyers"), ==, 0);
	CHECK_INT(import(first, (struct weft_account_import){0}, &result), ==, 0);
	CHECK_INT(result.added, ==, 3);
	second = export();
	CHECK_STR(second, first);
	free(first);
	free(second);
	world_close();
}

static int stop(const char *text, size_t len, void *arg)
{
	(void)text;
	(void)len;
	if (++*(int *)arg < 2)
		return 0;
	errno = EPIPE;
	return -1;
}

CHECK_CASE(an_export_of_many_comes_in_parts_and_stops_when_nobody_listens)
{
	struct weft_account_import_result result;
	struct weft_str table;
	int parts = 0;
	char *text;
	size_t lines = 0;

	world_open();
	weft_str_init(&table, 1 << 20);
	weft_str_append(&table, "name\n");
	for (int i = 0; i < 450; i++)
		weft_str_appendf(&table, "user-%03d\n", i);
	CHECK_INT(import(weft_str_text(&table), (struct weft_account_import){0}, &result), ==, 0);
	CHECK_INT(result.added, ==, 450);
	text = export();
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	CHECK_INT(lines, ==, 451);
	free(text);
	weft_str_fini(&table);
	CHECK_ERRNO(weft_accounts_export(world, &local, stop, &parts), EPIPE);
	CHECK_INT(parts, ==, 2);
	world_close();
}

CHECK_MAIN()
