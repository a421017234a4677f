/*
 * test_faults_account.c - memory, descriptors and threads are refused to calls on accounts: each
 * says so, changes nothing by half, and keeps nothing.
 */
#include "faults.h"

#ifdef HAS_FAULTS

#include "account/world.h"

static int use_names(void *arg)
{
	char name[WEFT_ACCOUNT_NAME_MAX + 1];

	(void)arg;
	if (FAULTS_TRY(weft_account_name_normalise("ZOE\xcc\x88", name, NULL) == 0))
		CHECK_STR(name, "zo\xc3\xab");
	if (!weft_account_name_is_reserved("server"))
		CHECK(false); /* in doubt it is */
	return 0;
}

CHECK_CASE(a_name_is_right_or_there_was_no_memory)
{
	CHECK_INT(faults_sweep(use_names, NULL), >, 3);
}

static int use_login(void *arg)
{
	struct weft_account_call call = world_from("192.0.2.1");
	struct weft_account_who *who, *again;
	char secret[WEFT_ACCOUNT_SECRET_SIZE];

	(void)arg;
	world_now += 100; /* by hashing, not from memory */
	if (!FAULTS_TRY(weft_account_login(world, &call, "mia", WORLD_PASSWORD, &who) == 0))
		return 0;
	CHECK_STR(who->user.name, "mia");
	CHECK_INT(weft_account_rights(who, "a"), ==, 31);
	if (FAULTS_TRY(weft_account_session_begin(world, &call, who, "x", secret) == 0) &&
		FAULTS_TRY(weft_account_session_check(world, &call, secret, &again) == 0))
		weft_account_who_free(again);
	if (FAULTS_TRY(weft_account_who_refresh(who, &again) == 0))
		weft_account_who_free(again);
	weft_account_who_free(who);
	return 0;
}

static int use_people(void *arg)
{
	struct weft_account_change change = WEFT_ACCOUNT_NO_CHANGE;
	struct weft_account_page page;
	struct weft_account_user user;

	(void)arg;
	change.display_name = "Mia Ferrante";
	if (FAULTS_TRY(weft_account_change(world, &local, "mia", &change, &user) == 0))
		CHECK_STR(user.display_name, "Mia Ferrante");
	if (FAULTS_TRY(weft_account_find(world, &local, NULL, &page) == 0)) {
		CHECK_INT(page.count, ==, 1);
		weft_account_page_fini(&page);
	}
	return 0;
}

static int use_table(void *arg)
{
	static const char text[] = "name,display_name,groups\nmia,Mia,weavers\nzoe,Zoe,\n";
	struct weft_account_import import = {
		.text = text, .len = sizeof text - 1, .updates = true, .is_trial = true};
	struct weft_account_import_result result;

	(void)arg;
	if (FAULTS_TRY(weft_accounts_import(world, &local, &import, &result) == 0)) {
		CHECK_INT(result.added, ==, 1);
		CHECK_INT(result.changed, ==, 1);
	}
	return 0;
}

static void begin(void)
{
	world_open();
	world_add("mia", NULL);
	CHECK_INT(weft_account_group_add(world, &local, "weavers"), ==, 0);
}

CHECK_CASE(calls_on_accounts_do_it_all_or_say_why_not)
{
	begin();
	/* What is prepared once is prepared, and the threads are there. */
	CHECK_INT(use_login(NULL), ==, 0);
	CHECK_INT(use_people(NULL), ==, 0);
	CHECK_INT(use_table(NULL), ==, 0);
	CHECK_INT(faults_sweep_once(use_login, NULL), >, 10);
	CHECK_INT(faults_sweep_once(use_people, NULL), >, 10);
	CHECK_INT(faults_sweep_once(use_table, NULL), >, 10);
	world_close();
}

/* Of what was in use before it was opened, all is free after it was closed. */
static long left_after(int refused)
{
	long before = atomic_load(&faults_in_use);

	begin();
	atomic_store(&faults_left, refused);
	use_login(NULL);
	use_people(NULL);
	use_table(NULL);
	atomic_store(&faults_left, 0);
	world_close();
	place_end();
	CHECK_INT(mkdir(place_dir, 0700), ==, 0);
	return atomic_load(&faults_in_use) - before;
}

CHECK_CASE(nothing_is_kept_of_what_failed)
{
	left_after(0); /* what is made once for the process */
	for (int refused = 1; refused < 120; refused += 11)
		CHECK_INT(left_after(refused), <=, 0);
}

#else

CHECK_CASE(not_beside_a_sanitizers_allocator)
{
	check_skip("the sanitizer's allocator stands there already");
}

#endif

CHECK_MAIN()
