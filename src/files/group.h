/*
 * group.h - commits that come at the same time share their syncs.
 *
 *	commit -> somebody leads, or all lanes are taken?
 *	          yes: wait in the queue for the end, or to be the next to lead
 *	          no:  lead: take those that wait, carry them out on a thread, in a lane
 *	       <- the next in the queue leads
 *
 * A lone commit is carried out at once, and those that come meanwhile are the next batch. There are
 * lanes, so that the CPU has work while the disk has: of many writers each lane has its share, and
 * a batch takes no more than that. Of a batch of many the writers come back at about the same time,
 * and the first of them would be a batch of its own, with syncs of its own, for which others wait.
 * So after such a batch the next leader waits for most of as many, half as long as it took at most.
 */
#ifndef WEFT_SRC_FILES_GROUP_H
#define WEFT_SRC_FILES_GROUP_H

#include <pthread.h>

#include "files/store_put.h"

/** Batches that are carried out at a time. */
#define WEFT__GROUP_LANES 3

struct weft__ticket;

/*
 * Each has its own opening of the file system: an error is told once to each of them, so none can
 * hear of another's and leave that one to believe that all went well.
 */
struct weft__lane {
	bool is_taken;
	struct weft__syncer syncer;
};

struct weft__group {
	pthread_mutex_t mutex; /* held for a few instructions */
	pthread_cond_t more;   /* enough are queued */
	struct weft__ticket *first, **last;
	size_t queued, wanted; /* tickets; how many the leader waits for, 0: it does not */
	size_t taken;          /* tickets in batches that are under way */
	size_t before;         /* tickets in the last batch, which took so long */
	int64_t before_ns;
	bool is_led; /* by the first of the queue, until it has taken its batch */
	pid_t pid;   /* a forked child has a queue of its own */
	struct weft__lane lanes[WEFT__GROUP_LANES];
};

/** For a file system; fd stays the caller's. -1: its syncs can't be shared. */
void weft__group_init(struct weft__group *group, int fd);
void weft__group_fini(struct weft__group *group);

/** weft__put_commit() in the group. Late or cancelled, it ends early only before it is begun. */
int weft__group_commit(
	struct weft__group *group, struct weft__put **puts, size_t count, size_t *ret_failed);

#endif
