/*
 * child_accounts.c - what login's server needs: people in its database, whose passwords cost there
 * what the server has chosen.
 *
 * Entry points: child_accounts().
 */
#include "child.h"

#include <stdlib.h>

#include "login.h"
#include "weft/account.h"

static int add_people(struct weft_accounts *accounts, unsigned count)
{
	struct weft_account_call call = {.is_local = true, .door = "bench"};
	char name[LOGIN_NAME_SIZE];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), LOGIN_NAME_FORMAT, i);
		if (weft_account_add(accounts, &call,
			    &(struct weft_account_new){.name = name, .password = LOGIN_PASSWORD},
			    NULL) < 0)
			return -1;
	}
	return 0;
}

/* The argument: COUNT:FOLDER. Prints the hash's memory in KiB, and its passes. */
int child_accounts(const char *argument)
{
	char *folder;
	unsigned count = (unsigned)strtoul(argument, &folder, 10);
	struct weft_accounts *accounts =
		weft_accounts_open(&(struct weft_accounts_options){.dir = folder + 1});
	struct weft_accounts_facts facts = {.hash_kib = 0};
	int result = -1;

	if (accounts && add_people(accounts, count) == 0)
		result = weft_accounts_facts(accounts, &facts);
	if (result == 0)
		printf("%u %u\n", facts.hash_kib, facts.hash_passes);
	else
		perror("weft-bench: accounts");
	weft_accounts_close(accounts);
	return result < 0;
}
