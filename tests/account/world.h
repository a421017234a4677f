/*
 * world.h - accounts in a folder of their own, with a clock that the test turns and hashes that
 * cost next to nothing.
 *
 * Never: a wait for the real clock, or a hash at its real cost.
 */
#ifndef TESTS_ACCOUNT_WORLD_H
#define TESTS_ACCOUNT_WORLD_H

#include "check.h"
#include "io/both.h"
#include "io/place.h"
#include "weft/account_session.h"
#include "weft/fiber.h"

static int64_t world_now = 1800000000; /* seconds since 1970 */
static struct weft_accounts *world;

static inline int64_t world_clock(void *arg)
{
	(void)arg;
	return WEFT_SECONDS(world_now);
}

static inline struct weft_accounts *world_open_with(struct weft_accounts_options options)
{
	struct weft_accounts *accounts;

	options.dir = place("state");
	options.site = "Weaver's Nook";
	options.is_weak = true;
	if (!options.hash_kib)
		options.hash_kib = 8;
	if (!options.hash_passes)
		options.hash_passes = 1;
	options.wall_now = world_clock;
	accounts = weft_accounts_open(&options);
	CHECK(accounts != NULL);
	return accounts;
}

static inline void world_close(void)
{
	weft_accounts_close(world);
	world = NULL;
}

static inline void world_open(void)
{
	world = world_open_with((struct weft_accounts_options){.who_fresh_ns = 1});
}

#define WORLD_PASSWORD "silver haddock 9 tables"

static struct weft_account_call local = {.is_local = true, .door = "test"};

/* An account that can log in. */
static inline void world_add(const char *name, const char *role)
{
	CHECK_INT(weft_account_add(world, &local,
			  &(struct weft_account_new){
				  .name = name, .role = role, .password = WORLD_PASSWORD},
			  NULL),
		==, 0);
}

static inline struct weft_account_call world_from(const char *address)
{
	return (struct weft_account_call){.address = address, .door = "test"};
}

static inline struct weft_account_who *world_login(const char *name)
{
	struct weft_account_call call = world_from(NULL);
	struct weft_account_who *who = NULL;

	CHECK_INT(weft_account_login(world, &call, name, WORLD_PASSWORD, &who), ==, 0);
	return who;
}

/* A call by somebody who is in. */
static inline struct weft_account_call world_as(const struct weft_account_who *who)
{
	return (struct weft_account_call){.who = who, .address = "192.0.2.9", .door = "test"};
}

/* The call fails, for that reason. */
#define CHECK_FAULT(expression, in_call, reason)                    \
	do {                                                        \
		CHECK_INT((expression), ==, -1);                    \
		CHECK_STR(weft_account_fault_word((in_call).fault), \
			weft_account_fault_word(reason));           \
	} while (0)

#endif
