/*
 * test_estate.c - the files of somebody who goes: who may settle that, and the quotas of both.
 */
#include "account/world.h"
#include "weft/account_estate.h"

static struct weft_account_who *with_quota(const char *name, int64_t quota)
{
	struct weft_account_change change = WEFT_ACCOUNT_NO_CHANGE;

	world_add(name, "member");
	change.quota_bytes = quota;
	CHECK_INT(weft_account_change(world, &local, name, &change, NULL), ==, 0);
	return world_login(name);
}

static int64_t used_by(const char *name)
{
	struct weft_account_user user;

	CHECK_INT(weft_account_get(world, &local, name, &user), ==, 0);
	return user.used_bytes;
}

CHECK_CASE(an_estate_is_of_who_may_be_removed_and_goes_to_who_is_there)
{
	struct weft_account_who *ann, *mia, *ben;
	struct weft_account_call as_ann, as_mia;
	struct weft_account_estate estate;
	struct weft_account_events events;

	world_open();
	world_add("root", "admin");
	world_add("ann", "admin");
	ann = world_login("ann");
	mia = with_quota("mia", 0);
	ben = with_quota("ben", 0);
	as_ann = world_as(ann);
	as_mia = world_as(mia);
	CHECK_FAULT(weft_account_estate(world, &as_mia, "ben", NULL, &estate), as_mia,
		WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_estate(world, &as_mia, "mia", "ben", &estate), as_mia,
		WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_INT(weft_account_estate(world, &as_ann, "mia", "ben", &estate), ==, 0);
	CHECK_STR(estate.owner, mia->owner);
	CHECK_STR(estate.heir, ben->owner);
	CHECK_INT(weft_account_estate(world, &as_ann, "Mia", NULL, &estate), ==, 0);
	CHECK_STR(estate.heir, "");
	CHECK_FAULT(weft_account_estate(world, &as_ann, "mia", "nobody", &estate), as_ann,
		WEFT_ACCOUNT_NAME_UNKNOWN);
	CHECK_INT(weft_account_estate(world, &as_ann, "mia", "mia", &estate), ==, -1);
	CHECK_INT(errno, ==, EINVAL);
	/* Who is removed has an estate, and inherits nothing. */
	CHECK_INT(weft_account_remove(world, &as_ann, "mia", false), ==, 0);
	CHECK_INT(weft_account_estate(world, &as_ann, "mia", "ben", &estate), ==, 0);
	CHECK_STR(estate.owner, mia->owner);
	CHECK_FAULT(weft_account_estate(world, &as_ann, "ben", "mia", &estate), as_ann,
		WEFT_ACCOUNT_NAME_UNKNOWN);
	CHECK_INT(weft_account_audit(world, &local,
			  &(struct weft_account_audit_query){.action = "account.files", .limit = 1},
			  &events),
		==, 0);
	CHECK_STR(events.events[0].target, "mia");
	CHECK_STR(events.events[0].detail, "ben");
	weft_account_events_fini(&events);
	weft_account_who_free(ann);
	weft_account_who_free(mia);
	weft_account_who_free(ben);
	world_close();
}

CHECK_CASE(bytes_pass_from_one_quota_to_the_other_as_far_as_that_goes)
{
	struct weft_account_who *mia, *ben;
	struct weft_account_estate estate;

	world_open();
	mia = with_quota("mia", 100);
	ben = with_quota("ben", 100);
	weft_account_files_settle(mia, 0, 80);
	weft_account_files_settle(ben, 0, 30);
	CHECK_INT(weft_account_files_reserve(ben, 20), ==, 0);
	CHECK_INT(weft_account_estate(world, &local, "mia", "ben", &estate), ==, 0);
	CHECK_INT(weft_account_estate_pass(&estate, 50), ==, 0);
	CHECK_INT(used_by("mia"), ==, 30);
	CHECK_INT(used_by("ben"), ==, 80);
	CHECK_ERRNO(weft_account_estate_pass(&estate, 1), EDQUOT);
	CHECK_INT(used_by("mia"), ==, 30);
	/* Taken back. */
	CHECK_INT(weft_account_estate_pass(&estate, -50), ==, 0);
	CHECK_INT(used_by("mia"), ==, 80);
	CHECK_INT(used_by("ben"), ==, 30);
	/* Of who is purged nothing is left to be credited; an heir who is, takes nothing. */
	CHECK_INT(weft_account_remove(world, &local, "mia", true), ==, 0);
	CHECK_INT(weft_account_estate_pass(&estate, 10), ==, 0);
	CHECK_INT(used_by("ben"), ==, 40);
	CHECK_INT(weft_account_remove(world, &local, "ben", true), ==, 0);
	CHECK_ERRNO(weft_account_estate_pass(&estate, 1), EDQUOT);
	weft_account_who_free(mia);
	weft_account_who_free(ben);
	world_close();
}

CHECK_MAIN()
