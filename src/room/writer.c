/*
 * writer.c - see writer.h.
 *
 * Entry points: weft__writer_push(), weft__writer_do(), weft__writer_new().
 * Never: leaves a job without an answer.
 */
#include "room/writer.h"

#include <errno.h>
#include <stdlib.h>

#include "weft/scope.h"
#include "weft/thread.h"

/* What is not urgent: how many are here; tails given back; the index of words. */
#define COUNT_NS WEFT_SECONDS(1)
#define INDEX_NS WEFT_SECONDS(1)
#define SWEEP_NS WEFT_SECONDS(20)

/* The index waits for a pause, but not for ever: then it has a part of the writer's time. */
#define INDEX_LATEST_NS WEFT_SECONDS(10)
#define INDEX_REST      9
#define INDEX_SOME      256

enum {
	JOB_UNDER_WAY,
	JOB_DONE,
	JOB_LEFT, /* nobody waits any more */
};

struct weft__writer {
	struct weft_rooms *rooms;
	struct weft_mpsc queue;
	struct weft_event wake, ended;
	struct weft_thread *thread; /* NULL: a fiber */
	atomic_bool is_ending, has_chores;
	atomic_uint pushing;
	struct weft__job *backlog; /* taken off the queue, not written yet */
	uint64_t group;
	uint64_t given; /* numbers, in this group */
	_Atomic uint64_t commits;
	int64_t last_ns;
	int64_t count_at, sweep_at, index_at; /* INT64_MAX: not due */
	int64_t index_by;                     /* even while there is more to write */
	struct weft__room *told;
};

/* ---- Pushing -------------------------------------------------------------------------------- */

int weft__writer_push(struct weft__writer *writer, struct weft__job *job)
{
	int result = -1;

	atomic_fetch_add(&writer->pushing, 1);
	if (atomic_load(&writer->is_ending)) {
		errno = ESHUTDOWN;
	} else {
		if (weft_mpsc_push(&writer->queue, &job->node))
			weft_event_set(&writer->wake);
		result = 0;
	}
	atomic_fetch_sub(&writer->pushing, 1);
	return result;
}

int weft__writer_do(struct weft__writer *writer, struct weft__job *job, bool *ret_is_mine)
{
	int code;

	job->is_waited = true;
	weft_event_init(&job->done, "room: the disk");
	atomic_init(&job->state, JOB_UNDER_WAY);
	*ret_is_mine = true;
	if (weft__writer_push(writer, job) < 0)
		return -1;
	if (weft_event_wait(&job->done) == 0)
		return 0;
	code = errno;
	if (atomic_exchange(&job->state, JOB_LEFT) == JOB_DONE) {
		/* It was quicker: the answer counts. */
		WEFT_SHIELDED
			weft_event_wait(&job->done);
		return 0;
	}
	*ret_is_mine = false;
	errno = code;
	return -1;
}

void weft__writer_tick(struct weft__writer *writer)
{
	if (!atomic_load_explicit(&writer->has_chores, memory_order_relaxed) &&
		!atomic_exchange(&writer->has_chores, true))
		weft_event_set(&writer->wake);
}

/* ---- One group ------------------------------------------------------------------------------ */

struct group {
	struct weft__writer *writer;
	struct weft__job *jobs;
};

uint64_t weft__log_next(struct weft__job *job)
{
	struct weft__room *room = job->room;
	uint64_t group = job->rooms->writer->group;

	job->rooms->writer->given++;
	if (room->group != group) {
		room->group = group;
		room->written = room->last;
	}
	return ++room->written;
}

static int write_all(struct weft__tx *tx, void *arg)
{
	const struct group *group = arg;

	/* Another number: what was counted in a try before does not count. */
	group->writer->group++;
	group->writer->given = 0;
	for (struct weft__job *job = group->jobs; job; job = job->next) {
		job->fault = job->judged;
		if (job->fault && !job->writes_refused)
			continue;
		if (job->ops->write(tx, job) < 0)
			return -1;
	}
	return weft__lineage_write(tx, group->writer->rooms, group->writer->given);
}

void weft__writer_publish(struct weft__job *job, const struct weft_room_event *event)
{
	struct weft__writer *writer = job->rooms->writer;
	struct weft__room *room = job->room;

	pthread_mutex_lock(&room->lock);
	weft__room_publish(room, event);
	pthread_mutex_unlock(&room->lock);
	if (room->is_told)
		return;
	room->is_told = true;
	room->next_told = writer->told;
	writer->told = room;
}

static void wake_told(struct weft__writer *writer)
{
	struct weft__room *room;

	while ((room = writer->told)) {
		writer->told = room->next_told;
		room->is_told = false;
		pthread_mutex_lock(&room->lock);
		weft__room_wake(room);
		pthread_mutex_unlock(&room->lock);
	}
}

static void fail_all(struct weft__job *jobs, int code)
{
	for (struct weft__job *job = jobs; job; job = job->next) {
		if (job->fault)
			continue;
		job->fault = WEFT_ROOM_FAILED;
		job->code = code;
	}
}

static void finish(struct weft__job *job)
{
	if (job->ops->answer)
		job->ops->answer(job);
	if (!job->is_waited || atomic_exchange(&job->state, JOB_DONE) == JOB_LEFT)
		job->ops->free(job);
	else
		weft_event_set(&job->done); /* and it is not ours any more */
}

static bool judge_all(struct weft__writer *writer, struct weft__job *jobs)
{
	int64_t now = weft_wall_now();
	bool writes = false;

	for (struct weft__job *job = jobs; job; job = job->next) {
		/* No two have the same: it is the order over all rooms. */
		if (now <= writer->last_ns)
			now = writer->last_ns + 1;
		job->now_ns = writer->last_ns = now;
		job->fault = job->judged = job->ops->judge(job);
		writes |= !job->fault || job->writes_refused;
	}
	return writes;
}

/* Whether anybody waits for the disk. */
static enum weft__tx_mode mode_of(const struct weft_rooms *rooms, const struct weft__job *jobs)
{
	for (; jobs; jobs = jobs->next)
		if (!jobs->ops->is_lazy && (!jobs->fault || jobs->writes_refused))
			return rooms->write_mode;
	return WEFT__TX_LAZILY;
}

/* Before anybody is told. */
static void note_written(struct weft__writer *writer)
{
	atomic_fetch_add_explicit(&writer->commits, 1, memory_order_relaxed);
	weft__lineage_keep(writer->rooms, writer->given);
}

static void run_group(struct weft__writer *writer, struct weft__job *jobs)
{
	struct weft_rooms *rooms = writer->rooms;
	struct group group = {writer, jobs};
	struct weft__job *next;

	if (judge_all(writer, jobs)) {
		if (weft__store_transact(rooms->store, mode_of(rooms, jobs), write_all, &group) < 0)
			fail_all(jobs, errno);
		else
			note_written(writer);
	}
	for (struct weft__job *job = jobs; job; job = job->next)
		if (!job->fault)
			job->ops->apply(job);
		else if (!job->judged && job->ops->undo)
			job->ops->undo(job);
	wake_told(writer);
	for (; jobs; jobs = next) {
		next = jobs->next;
		finish(jobs);
	}
}

/* ---- Chores --------------------------------------------------------------------------------- */

static void tell_count(struct weft__room *room)
{
	const struct weft_room_event event = {
		.kind = WEFT_ROOM_COUNT,
		.room = room->name,
		.epoch = room->epoch,
		.at_ns = weft_wall_now(),
		.count = room->people,
		.id = "",
		.who = "",
		.text = "",
	};

	room->owes_count = false;
	weft__room_publish(room, &event);
	weft__room_wake(room);
}

/* What is due at each room; true: some hold memory that may be given back later. */
static bool visit_rooms(struct weft_rooms *rooms, bool sweeps)
{
	bool holds = false;

	pthread_mutex_lock(&rooms->lock);
	for (size_t i = 0; i < rooms->room_count; i++) {
		struct weft__room *room = rooms->all[i];

		pthread_mutex_lock(&room->lock);
		if (room->owes_count)
			tell_count(room);
		for (struct weft__tail *tail = room->tails; tail; tail = tail->next)
			holds |= sweeps ? weft__tail_sweep(tail) : true;
		pthread_mutex_unlock(&room->lock);
	}
	pthread_mutex_unlock(&rooms->lock);
	return holds;
}

static void index_words(struct weft__writer *writer, int64_t now, bool is_busy)
{
	bool is_left = false;

	if (weft__index_some(writer->rooms, INDEX_SOME, &is_left) < 0) {
		/* The disk may be better then. */
		writer->index_at = writer->index_by = now + INDEX_NS;
	} else if (is_left) {
		int64_t then = weft_now();

		writer->index_at = then + (is_busy ? INDEX_REST * (then - now) : 0);
		writer->index_by = writer->index_at;
	} else {
		writer->index_at = writer->index_by = INT64_MAX;
	}
}

static void do_chores(struct weft__writer *writer, int64_t now)
{
	bool sweeps = now >= writer->sweep_at;

	if (now >= writer->count_at || sweeps) {
		writer->count_at = INT64_MAX;
		if (sweeps)
			writer->sweep_at = INT64_MAX;
		if (visit_rooms(writer->rooms, sweeps) && sweeps)
			writer->sweep_at = now + SWEEP_NS;
	}
	if (now >= writer->index_at)
		index_words(writer, now, false);
}

static void sooner(int64_t *at, int64_t then)
{
	if (*at == INT64_MAX)
		*at = then;
}

/* ---- The writer's life ---------------------------------------------------------------------- */

/* Of what is queued, at most a group; *backlog keeps the rest. */
static struct weft__job *take_group(struct weft__writer *writer)
{
	struct weft__job *first, *last;
	unsigned count = 1;

	if (!writer->backlog) {
		struct weft_mpsc_node *node = weft_mpsc_take_all(&writer->queue);
		struct weft__job **at = &writer->backlog;

		for (; node; node = node->next) {
			*at = weft_container_of(node, struct weft__job, node);
			at = &(*at)->next;
		}
		*at = NULL;
	}
	first = last = writer->backlog;
	if (!first)
		return NULL;
	for (; last->next && count < WEFT__GROUP_MAX && !last->ops->ends_group; count++)
		last = last->next;
	writer->backlog = last->next;
	last->next = NULL;
	return first;
}

/* Until there is work. -1: it is over. */
static int wait_for_work(struct weft__writer *writer)
{
	int64_t now = weft_now(), at;

	if (atomic_exchange(&writer->has_chores, false)) {
		sooner(&writer->count_at, now + COUNT_NS);
		sooner(&writer->sweep_at, now + SWEEP_NS);
	}
	do_chores(writer, now);
	at = writer->count_at < writer->sweep_at ? writer->count_at : writer->sweep_at;
	at = at < writer->index_at ? at : writer->index_at;
	if (at == INT64_MAX)
		return weft_event_wait(&writer->wake);
	WEFT_WITH_TIMEOUT (at > now ? at - now : 0)
		if (weft_event_wait(&writer->wake) < 0 && errno != ETIMEDOUT)
			return -1;
	return 0;
}

static void note_work(struct weft__writer *writer)
{
	int64_t now = weft_now();

	/* While there is something to say, words can wait. */
	sooner(&writer->index_by, now + INDEX_LATEST_NS);
	writer->index_at = now + INDEX_NS < writer->index_by ? now + INDEX_NS : writer->index_by;
	if (now >= writer->index_at)
		index_words(writer, now, true);
	sooner(&writer->sweep_at, now + SWEEP_NS);
}

static int writer_run(void *arg)
{
	struct weft__writer *writer = arg;
	struct weft__job *jobs;
	bool is_over = false;

	while (!is_over) {
		weft_event_clear(&writer->wake);
		while ((jobs = take_group(writer))) {
			WEFT_SHIELDED
				run_group(writer, jobs);
			note_work(writer);
		}
		if (atomic_load(&writer->is_ending)) {
			/* Who is pushing right now is done in a moment. */
			is_over = atomic_load(&writer->pushing) == 0 &&
				  weft_mpsc_is_empty(&writer->queue);
			if (!is_over)
				weft_yield();
		} else if (wait_for_work(writer) < 0) {
			/* weft_run() ends: what came is written, nothing comes any more. */
			atomic_store(&writer->is_ending, true);
		}
	}
	weft_event_set(&writer->ended);
	return 0;
}

struct weft__writer *weft__writer_new(struct weft_rooms *rooms)
{
	struct weft__writer *writer = calloc(1, sizeof(*writer));
	const struct weft_spawn_options options = {.name = "rooms: the writer", .detached = true};

	if (!writer)
		return NULL;
	writer->rooms = rooms;
	writer->count_at = writer->sweep_at = writer->index_by = INT64_MAX;
	writer->index_at = weft_now() + INDEX_NS;
	weft_mpsc_init(&writer->queue);
	weft_event_init(&writer->wake, "rooms: something to write");
	weft_event_init(&writer->ended, "rooms: the writer's end");
	if (weft_self()) {
		if (weft_spawn_with(&options, writer_run, writer) == 0)
			goto failed;
		return writer;
	}
	writer->thread = weft_thread_new(
		&(struct weft_thread_options){.name = options.name, .is_daemon = true}, writer_run,
		writer);
	if (!writer->thread || weft_thread_start(writer->thread) < 0)
		goto failed;
	return writer;
failed:
	weft_thread_free(writer->thread);
	free(writer);
	return NULL;
}

void weft__writer_end(struct weft__writer *writer)
{
	atomic_store(&writer->is_ending, true);
	weft_event_set(&writer->wake);
	WEFT_SHIELDED
		weft_event_wait(&writer->ended);
}

void weft__writer_free(struct weft__writer *writer)
{
	if (!writer)
		return;
	weft__writer_end(writer);
	if (writer->thread)
		weft_thread_join(writer->thread, NULL, WEFT_FOREVER);
	weft_thread_free(writer->thread);
	free(writer);
}

uint64_t weft__writer_commits(const struct weft__writer *writer)
{
	return atomic_load_explicit(&writer->commits, memory_order_relaxed);
}
