/*
 * group.c - see group.h.
 *
 * Entry points: weft__group_commit(), weft__group_init().
 *
 * Never: a ticket touched after its event was set by the one who did it; it is on the stack of a
 * fiber that goes on then.
 */
#include "files/group.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "weft/event.h"
#include "weft/offload.h"
#include "weft/scope.h"

/** Puts that are carried out at once: more make the first of them wait for longer. */
#define BATCH_MAX 256

/** A file with so many bytes would make small ones wait for its sync. */
#define LARGE ((int64_t)1024 * 1024)

/** A batch of so many is waited for the next time, and never for longer than this. */
#define CROWD       4
#define WAIT_NS_MAX WEFT_MILLISECONDS(5)

/** Fewer are not parted into lanes. */
#define SHARE_MIN 8

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

enum state {
	QUEUED,
	LEADS, /* it is to carry out the next batch */
	TAKEN, /* into a batch */
	DONE,
};

/* One caller, on its stack. */
struct weft__ticket {
	struct weft__commit commit;
	enum state state;
	struct weft_event event; /* leads, or done */
	struct weft__ticket *next;
};

/* ---- Life ---------------------------------------------------------------------------- */

/* Those whose syncfs(2) is known to end with a flush of the disk. */
static bool can_sync_all(int fd)
{
	struct statfs facts;

	if (fstatfs(fd, &facts) < 0)
		return false;
	switch ((unsigned long)facts.f_type) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case F2FS_SUPER_MAGIC:
	case TMPFS_MAGIC:
		return true;
	default:
		return false;
	}
}

static void init_queue(struct weft__group *group)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&group->more, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&group->mutex, NULL);
	group->queued = group->wanted = group->taken = group->before = 0;
	for (size_t i = 0; i < WEFT__GROUP_LANES; i++)
		group->lanes[i].is_taken = false;
	group->first = NULL;
	group->last = &group->first;
	group->is_led = false;
	group->pid = getpid();
}

void weft__group_init(struct weft__group *group, int fd)
{
	bool is_shared = can_sync_all(fd);
	struct stat stat;

	*group = (struct weft__group){.first = NULL};
	init_queue(group);
	for (size_t i = 0; i < WEFT__GROUP_LANES; i++) {
		struct weft__syncer *syncer = &group->lanes[i].syncer;

		syncer->fd = is_shared ? openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		if (syncer->fd >= 0 && fstat(syncer->fd, &stat) == 0)
			syncer->dev = stat.st_dev;
	}
}

void weft__group_fini(struct weft__group *group)
{
	for (size_t i = 0; i < WEFT__GROUP_LANES; i++)
		if (group->lanes[i].syncer.fd >= 0)
			close(group->lanes[i].syncer.fd);
	pthread_mutex_destroy(&group->mutex);
	pthread_cond_destroy(&group->more);
}

/* ---- Leading ------------------------------------------------------------------------- */

static int64_t clock_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return WEFT_SECONDS(time.tv_sec) + time.tv_nsec;
}

/* The mutex is held. For those of the last batch to come back, if they were a crowd. */
static void wait_for_crowd(struct weft__group *group)
{
	int64_t until_ns = group->before_ns / 2;
	struct timespec until;

	if (group->before < CROWD)
		return;
	until_ns = clock_ns() + (until_ns < WAIT_NS_MAX ? until_ns : WAIT_NS_MAX);
	until = (struct timespec){until_ns / WEFT_SECONDS(1), until_ns % WEFT_SECONDS(1)};
	group->wanted = group->before - group->before / 4;
	while (group->queued < group->wanted)
		if (pthread_cond_timedwait(&group->more, &group->mutex, &until) == ETIMEDOUT)
			break;
	group->wanted = 0;
}

/* Of all that are here, what a lane's is. */
static size_t share_of(const struct weft__group *group)
{
	size_t share = (group->queued + group->taken + WEFT__GROUP_LANES - 1) / WEFT__GROUP_LANES;

	return share > SHARE_MIN ? share : SHARE_MIN;
}

/* The mutex is held. Returns those of the next batch, and ends their list. */
static struct weft__ticket *take_batch(struct weft__group *group)
{
	struct weft__ticket *first = group->first, *ticket = first;
	size_t count = first->commit.count, share = share_of(group);

	first->state = TAKEN;
	group->before = 1;
	while (ticket->next && group->before < share &&
		count + ticket->next->commit.count <= BATCH_MAX) {
		ticket->commit.next = &ticket->next->commit;
		ticket = ticket->next;
		ticket->state = TAKEN;
		count += ticket->commit.count;
		group->before++;
	}
	group->queued -= group->before;
	group->taken += group->before;
	group->first = ticket->next;
	if (!group->first)
		group->last = &group->first;
	ticket->next = NULL;
	return first;
}

/* All but the leader's own, who waits for this thread. */
static void tell_all(struct weft__ticket *ticket, const struct weft__ticket *own)
{
	while (ticket) {
		struct weft__ticket *next = ticket->next;

		if (ticket != own)
			weft_event_set(&ticket->event);
		ticket = next;
	}
}

struct leading {
	struct weft__group *group;
	struct weft__ticket *own;
};

/* The mutex is held. NULL: none is free. */
static struct weft__lane *find_lane(struct weft__group *group)
{
	for (size_t i = 0; i < WEFT__GROUP_LANES; i++)
		if (!group->lanes[i].is_taken)
			return &group->lanes[i];
	return NULL;
}

/* The mutex is held. Who is to lead next, and to be told so; NULL: nobody now. */
static struct weft__ticket *appoint(struct weft__group *group)
{
	struct weft__ticket *next = group->first;

	if (group->is_led || !next || !find_lane(group))
		return NULL;
	group->is_led = true;
	next->state = LEADS;
	return next;
}

static void tell_next(struct weft__ticket *next)
{
	if (next)
		weft_event_set(&next->event);
}

/* Its own is the first of the queue, and a lane is free. */
static struct weft__ticket *begin_batch(struct weft__group *group, struct weft__lane **ret_lane)
{
	struct weft__ticket *batch, *next;

	pthread_mutex_lock(&group->mutex);
	wait_for_crowd(group);
	batch = take_batch(group);
	*ret_lane = find_lane(group);
	(*ret_lane)->is_taken = true;
	group->is_led = false;
	next = appoint(group);
	pthread_mutex_unlock(&group->mutex);
	tell_next(next);
	return batch;
}

static int lead_batch(void *arg)
{
	struct leading *leading = arg;
	struct weft__group *group = leading->group;
	struct weft__lane *lane;
	struct weft__ticket *batch = begin_batch(group, &lane), *next;
	int64_t begun_ns = clock_ns();

	weft__commit_run(&batch->commit, &lane->syncer);
	pthread_mutex_lock(&group->mutex);
	group->before_ns = clock_ns() - begun_ns;
	for (struct weft__ticket *ticket = batch; ticket; ticket = ticket->next) {
		ticket->state = DONE;
		group->taken--;
	}
	lane->is_taken = false;
	next = appoint(group);
	pthread_mutex_unlock(&group->mutex);
	tell_next(next);
	tell_all(batch, leading->own);
	return 0;
}

static void lead(struct weft__group *group, struct weft__ticket *own)
{
	struct leading leading = {group, own};
	int result = -1;

	WEFT_SHIELDED
		result = weft_offload_as(WEFT_OFFLOAD_FILE, lead_batch, &leading);
	if (result < 0)
		lead_batch(&leading); /* no thread to be had */
}

/* ---- Waiting ------------------------------------------------------------------------- */

/* Whether a ticket that nobody has taken could be taken back. */
static bool withdraw(struct weft__group *group, struct weft__ticket *own)
{
	struct weft__ticket **link = &group->first;
	bool is_queued;

	pthread_mutex_lock(&group->mutex);
	is_queued = own->state == QUEUED;
	while (is_queued && *link != own)
		link = &(*link)->next;
	if (is_queued) {
		*link = own->next;
		group->queued--;
		if (!own->next)
			group->last = link;
	}
	pthread_mutex_unlock(&group->mutex);
	return is_queued;
}

/* 0: done, or it leads; -1: late or cancelled, and not begun. */
static int await(struct weft__group *group, struct weft__ticket *own)
{
	int code;

	if (weft_event_wait(&own->event) == 0)
		return 0;
	code = errno;
	if (withdraw(group, own)) {
		errno = code;
		return -1;
	}
	WEFT_SHIELDED
		weft_event_wait(&own->event);
	return 0;
}

/* Whether the ticket leads at once. */
static bool enqueue(struct weft__group *group, struct weft__ticket *own)
{
	bool leads;

	if (group->pid != getpid())
		init_queue(group);
	pthread_mutex_lock(&group->mutex);
	leads = !group->is_led && find_lane(group);
	group->is_led |= leads;
	own->state = leads ? LEADS : QUEUED;
	*group->last = own;
	group->last = &own->next;
	if (++group->queued == group->wanted)
		pthread_cond_signal(&group->more);
	pthread_mutex_unlock(&group->mutex);
	return leads;
}

/* ---- Committing ---------------------------------------------------------------------- */

/* What would hold up the others is synced by itself, in parallel with the rest. */
static int sync_large(
	struct weft__group *group, struct weft__put **puts, size_t count, size_t *ret_failed)
{
	bool is_shared = true;

	for (size_t i = 0; i < WEFT__GROUP_LANES; i++)
		is_shared &= weft__syncer_is_shared(&group->lanes[i].syncer);
	for (size_t i = 0; i < count; i++) {
		*ret_failed = i;
		if ((!is_shared || puts[i]->position > LARGE) && weft__put_sync(puts[i]) < 0)
			return -1;
	}
	return 0;
}

int weft__group_commit(
	struct weft__group *group, struct weft__put **puts, size_t count, size_t *ret_failed)
{
	struct weft__ticket own = {.commit = {.puts = puts, .count = count}};

	*ret_failed = 0;
	if (weft_interrupted()) {
		errno = weft_interrupted();
		return -1;
	}
	if (sync_large(group, puts, count, ret_failed) < 0)
		return -1;
	weft_event_init(&own.event, "a commit of files");
	if (!enqueue(group, &own) && await(group, &own) < 0)
		return -1;
	if (own.state == LEADS)
		lead(group, &own);
	*ret_failed = own.commit.failed;
	errno = own.commit.code;
	return own.commit.code ? -1 : 0;
}
