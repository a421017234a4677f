/*
 * pool.h - a pool of worker processes: what its parts share (include/weft/process_pool.h).
 *
 *	pool.c          life, forks
 *	pool_submit.c   submitting, waiting, cancelling
 *	pool_task.c     a task: made, given, taken back, ended
 *	pool_service.c  the thread: starts workers, hears their replies and their ends
 *	pool_worker.c   the other side: a worker
 *	pool_map.c      many items, in chunks that are tasks
 *
 *	WAITING --given--> GIVEN --reply, or the worker's death--> ENDED
 *	   ^                 |
 *	   +---taken back----+	not begun, or repeatable
 *
 * One mutex guards all of a pool. Under it nothing waits, and no fiber gives way: so what goes
 * to a worker goes by system calls alone (pipe_wire.h). No process is started under it.
 *
 * Who has begun what is told by shared memory, which outlives a worker:
 *
 *	slot of a worker:  ready | item | claim 0 | claim 1 | ... | claim 15
 *
 * A task has a number, counted for its worker, and the claim of that number modulo 16,
 * which says number and state. To begin it the worker changes GIVEN to BEGUN, to take it back we
 * change GIVEN to TAKEN: by compare-and-swap, so that one of us wins. A worker passes over
 * what it can't claim. No number is given whose claim may still be another's. A task of many items
 * is answered in parts, each of which is a task of its own from then on. Where nobody wants the
 * rest, we change BEGUN to TAKEN, and the worker begins no more items of it.
 */
#ifndef PROCESS_POOL_H
#define PROCESS_POOL_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "process/pipe_wire.h"
#include "thread/wait_list.h"
#include "weft/list.h"
#include "weft/process_pool.h"

/** Tasks that a worker has at most: the one that it does, and those that are given ahead. */
#define WEFT__POOL_GIVEN_MAX 3
#define WEFT__POOL_CLAIMS    16

enum weft__pool_claim {
	WEFT__POOL_GIVEN = 1,
	WEFT__POOL_BEGUN,
	WEFT__POOL_TAKEN,
};

/** In shared memory; what a worker writes there is not trusted. */
struct weft__pool_slot {
	_Atomic uint32_t is_ready; /* begin() has returned */
	_Atomic uint32_t item;     /* of the task that has begun: which one */
	_Atomic uint64_t claims[WEFT__POOL_CLAIMS];
} __attribute__((aligned(64)));

static inline uint64_t weft__pool_claim(uint64_t number, enum weft__pool_claim state)
{
	return number << 2 | (uint64_t)state;
}

/* ---- On the wire -------------------------------------------------------------------- */

/** Items and results take so much, so that they all lie at multiples of 8. */
static inline size_t weft__pool_padded(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

/** A task: this, then count times a uint64_t of length and as many bytes, padded. */
struct weft__pool_request {
	uint64_t number;
	uint32_t call, count;
};

/**
 * A reply, or a part of it: this, then count times weft__pool_outcome and as many bytes, padded.
 * The last has what is left; it may lack some where nobody wants them any more.
 */
struct weft__pool_reply {
	uint64_t number;
	uint32_t count, is_last;
};

struct weft__pool_outcome {
	uint64_t len;
	int32_t error;
	uint32_t reserved;
};

/* ---- Tasks -------------------------------------------------------------------------- */

enum weft__pool_state {
	WEFT__POOL_TASK_WAITING,
	WEFT__POOL_TASK_GIVEN,
	WEFT__POOL_TASK_ENDED,
};

/** Those of one map, as the pool sees it. */
struct weft__pool_chunks {
	struct weft_list done; /* that have ended: the map's to free */
	struct weft__wait_list changed;
	size_t flying; /* chunks that were sent, or made of others, and not delivered */
};

struct weft__pool_worker;

struct weft_pool_task {
	struct weft_list_node node; /* in the queue, with its worker, among the done of its map */
	struct weft_pool *pool;
	int holders; /* who submitted it, and the pool until it has ended */
	enum weft__pool_state state;
	struct weft__pool_worker *worker; /* GIVEN */
	uint64_t number;                  /* GIVEN: counted for the worker */
	uint32_t replied;                 /* GIVEN: items that it had, too, and that are done */
	unsigned tries;                   /* that its worker has not survived */
	bool is_killed;
	uint32_t call, count;
	char *request; /* as it is sent */
	size_t request_len;
	char *reply; /* what followed the head; NULL: the error is that of all its items */
	size_t reply_len;
	int error;
	bool has_death;
	struct weft_process_end death;
	struct weft__wait_list waiters;
	struct weft__pool_chunks *chunks; /* of a map that is interested */
	size_t first;                     /* index of its first item there */
};

/* ---- Workers, and the pool ---------------------------------------------------------- */

struct weft__pool_worker {
	struct weft_process *process; /* NULL: there is none */
	struct weft__wire wire;
	struct weft__pool_slot *slot;
	struct weft_list given; /* as the worker will come to them */
	unsigned given_count;
	uint64_t next_number;
	unsigned served;  /* items it was given since it was born */
	bool is_leaving;  /* gets no more */
	bool wants_room;  /* the epoll set waits until it can be sent more */
	bool has_started; /* there was one before: the next is in its place */
};

struct weft_pool {
	struct weft_list_node node; /* among all pools, for forks */
	pthread_mutex_t mutex;
	int holders; /* the user, the thread, each task */
	struct weft_pool_options options;
	struct weft_pool_call calls[WEFT_POOL_CALLS_MAX];

	struct weft__pool_worker *workers;
	struct weft__pool_slot *slots;
	unsigned living;
	struct weft_list waiting;
	size_t waiting_count, given_count;
	struct weft_pool_facts facts;
	struct weft__wait_list room;  /* in the queue; or closed */
	struct weft__wait_list ended; /* the thread */
	bool is_closed, is_terminated, has_ended, is_foreign;

	int epoll_fd, event_fd;
	int failures; /* starts in a row that came to nothing */
	int start_error;
	int64_t retry_at_ns;
};

/** In a worker's life: what its function gets. */
struct weft__pool_birth {
	struct weft_pool *pool;
	struct weft__pool_worker *worker;
	int fd, parent_fd; /* its end, and the other, which is none of its business */
};

static inline int weft__pool_fail(int code)
{
	errno = code;
	return -1;
}

/** How many forks lie between the program and this process; those since the first pool count. */
extern unsigned weft__pool_forks;

/** With the mutex: a holder less; the mutex is given up, and the pool is freed with the last. */
void weft__pool_unlock_and_drop(struct weft_pool *pool);

/** With the mutex: the thread looks what there is to do. */
void weft__pool_notify(struct weft_pool *pool);

/* ---- pool_task.c; all with the mutex, but make and destroy ------------------------------------
 */

/** A task whose request has that many bytes behind its head. NULL: ENOMEM. */
struct weft_pool_task *weft__pool_task_make(
	struct weft_pool *pool, uint32_t call, uint32_t count, size_t len);

/** The memory of one that nobody holds; it holds no pool any more. */
void weft__pool_task_destroy(struct weft_pool_task *task);

/** The index of a call; -1: there is none. */
int weft__pool_find_call(const struct weft_pool *pool, const char *name);

/** Put it into the queue, at its end or its front; the pool holds it from now on. */
void weft__pool_task_queue(struct weft_pool_task *task, bool is_first);

/** It has ended, and is in no list: the waiters wake, the pool lets go of it. */
void weft__pool_task_end(struct weft_pool_task *task, int error);

/** Take it off wherever it waits. False: its worker has begun it. */
bool weft__pool_task_withdraw(struct weft_pool_task *task);

/** It was begun, and nobody wants what comes of it: items of it that were not never will. */
void weft__pool_task_cut(struct weft_pool_task *task);

/** A holder less, without the pool's own count: true: destroy it, without the mutex. */
bool weft__pool_task_release(struct weft_pool_task *task);

/** Give what waits to workers who have room for it, and move what waits behind others. */
void weft__pool_dispatch(struct weft_pool *pool);

/** The worker is gone: what becomes of what it was given. */
void weft__pool_worker_lost(
	struct weft__pool_worker *worker, const struct weft_process_end *end, int error);

/** A message has come. False: it is none of ours, and the worker is not to be trusted. */
bool weft__pool_replied(struct weft__pool_worker *worker, const struct weft_pipe_message *message);

/** The front task's reply could not be received. False: there is none. */
bool weft__pool_reply_lost(struct weft__pool_worker *worker, int error);

/* ---- pool_service.c
 * ------------------------------------------------------------------------------ */

/** Start a worker in that place; without the mutex. 0 or an errno. */
int weft__pool_start_worker(struct weft_pool *pool, struct weft__pool_worker *worker);

void *weft__pool_service_main(void *arg);

/* ---- pool_worker.c
 * ---------------------------------------------------------------------------------- */

weft_process_fn weft__pool_worker_main;

/* ---- pool_map.c
 * --------------------------------------------------------------------------------------- */

/** With the mutex: a task of a map has ended; it is the map's now. */
void weft__pool_chunk_ended(struct weft_pool_task *task);

#endif
