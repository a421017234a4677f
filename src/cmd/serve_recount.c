/*
 * serve_recount.c - `weft serve --state DIR` after an end that was none: what a killed server
 * changed, and never charged anybody for, is set right while the new one serves.
 *
 *	begin	who was here before has not ended --> all is counted anew, on a fiber:
 *	        uses -> files -> uses set right, but of those that were changed meanwhile
 *	        again, later and later, until everybody was set right once
 *	end	what is charged is what is there
 *
 * Never: a reason not to serve, or to begin later.
 */
#include <errno.h>

#include "account.h"
#include "serve_accounts.h"
#include "weft/files.h"

/** From one count to the next: twice as long each time. A count reads all folders. */
#define WAIT_MIN_NS WEFT_MILLISECONDS(200)
#define WAIT_MAX_NS WEFT_SECONDS(600)

int weft__serve_charging_begin(struct serve *serve)
{
	struct serve_accounts *own = serve->accounts;

	return weft_account_charging_begin(own->accounts, serve->folder, &own->is_unsure);
}

void weft__serve_charging_end(struct serve_accounts *own)
{
	if (own->accounts)
		weft_account_charging_end(own->accounts);
}

static int add(const struct weft_files_owned *owned, void *arg)
{
	weft_account_uses_add(arg, owned->owner, owned->bytes, owned->is_busy);
	return 0;
}

/* Those of whom it is not known yet. */
static size_t count_busy(const struct weft_account_uses *uses)
{
	size_t count = 0;

	for (size_t i = 0; i < uses->count; i++)
		count += uses->uses[i].is_busy;
	return count;
}

/* 0: all is right; 1: of some it is not known yet; -1. */
static int set_right(struct serve *serve, struct weft_account_uses *uses)
{
	struct weft_account_call call = {.is_local = true, .door = "serve"};
	struct weft_accounts *accounts = serve->accounts->accounts;

	if (weft_files_owners(serve->engine, add, uses) < 0)
		return -1;
	uses->is_settled = true;
	if (weft_account_recount(accounts, &call, uses) < 0)
		return -1;
	return count_busy(uses) > 0;
}

static int count_anew(struct serve *serve)
{
	struct weft_account_call call = {.is_local = true, .door = "serve"};
	struct weft_account_uses uses;
	int result, kept;

	if (weft_account_uses(serve->accounts->accounts, &call, &uses) < 0)
		return -1;
	result = set_right(serve, &uses);
	kept = errno;
	weft_account_uses_fini(&uses);
	errno = kept;
	return result;
}

static int recount(void *arg)
{
	struct serve *serve = arg;
	int64_t wait_ns = WAIT_MIN_NS;
	int result;

	/* Nobody can know whose files are where the file system does not keep it. */
	while ((result = count_anew(serve)) != 0 && !(result < 0 && errno == ENOTSUP)) {
		if (weft_sleep(wait_ns) < 0)
			return -1;
		wait_ns = wait_ns < WAIT_MAX_NS / 2 ? wait_ns * 2 : WAIT_MAX_NS;
	}
	return weft_account_charging_sure(serve->accounts->accounts, serve->folder);
}

void weft__serve_recount_begin(struct serve *serve)
{
	const struct weft_spawn_options options = {.name = "uses counted anew"};

	if (serve->accounts && serve->accounts->is_unsure)
		serve->accounts->recount = weft_spawn_with(&options, recount, serve);
}

void weft__serve_recount_end(struct serve *serve)
{
	if (!serve->accounts || !serve->accounts->recount)
		return;
	weft_cancel(serve->accounts->recount);
	weft_join(serve->accounts->recount, NULL, WEFT_FOREVER);
	serve->accounts->recount = 0;
}
