/*
 * quota.h - bytes that somebody may use, reserved before they are written.
 *
 * Never: refuses because of a process that is gone.
 */
#ifndef ACCOUNT_QUOTA_H
#define ACCOUNT_QUOTA_H

#include <pthread.h>
#include <stdatomic.h>

#include "weft/list.h"
#include "weft/lock.h"

struct weft_accounts;
struct weft__tx;

/** What waits to be written, one transaction for all of it. */
struct weft__quota {
	struct weft_lock flush; /* by who writes it */
	pthread_mutex_t mutex;  /* of the list; held for a few instructions */
	struct weft_list pending;
	atomic_bool has_lost; /* a use that could not be written */
};

void weft__quota_init(struct weft__quota *quota);
void weft__quota_fini(struct weft__quota *quota);

/** Free what processes that have died had reserved; within a transaction, and in one of its own. */
int weft__quota_forget_dead(struct weft__tx *tx);
int weft__quota_begin(struct weft_accounts *accounts);

#endif
