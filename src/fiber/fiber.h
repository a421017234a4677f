/*
 * fiber.h - a fiber's own record, and the table that finds it by its id.
 *
 * Records live in slabs that are never freed, so a stale pointer or id always reads a
 * record, and the generation in its control word tells whether it is still the same
 * fiber. An id is generation << 32 | slot + 1.
 *
 * Who may touch what: fields are the home worker's (fiber->worker) unless they are atomic
 * or the comment says otherwise.
 *
 *	           spawn                 next              end
 *	(free) ----------> READY -------------> RUNNING ----------> (free), or
 *	                     ^   <-- yield -----   |                 DONE until joined
 *	                     |                     | park
 *	                     +------- wake ---- PARKED
 */
#ifndef FIBER_FIBER_H
#define FIBER_FIBER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fiber/sanitize.h"
#include "weft/fiber.h"
#include "weft/heap.h"
#include "weft/list.h"
#include "weft/mpsc.h"
#include "weft/scope.h"

struct weft__worker;
struct weft__joiner;
struct weft__deferred;

enum weft__state {
	WEFT__READY,
	WEFT__RUNNING,
	WEFT__PARKED,
	WEFT__DONE,
};

/** What a parked fiber can be waiting for. */
enum weft__wait_kind {
	WEFT__WAIT_SLEEP,
	WEFT__WAIT_JOIN,       /* object: the fiber's record; number: its generation */
	WEFT__WAIT_FD,         /* number: the descriptor; events: POLLIN, POLLOUT... */
	WEFT__WAIT_DESCRIPTOR, /* for any descriptor to be closed */
	WEFT__WAIT_LAST_FIBER, /* weft_run() is ending */
	WEFT__WAIT_LOCK,       /* object, here and below: what it waits at */
	WEFT__WAIT_RWLOCK,
	WEFT__WAIT_COND,
	WEFT__WAIT_EVENT,
	WEFT__WAIT_SEM,
	WEFT__WAIT_BARRIER,
	WEFT__WAIT_GROUP,
	WEFT__WAIT_ONCE,
	WEFT__WAIT_CHAN_SEND,
	WEFT__WAIT_CHAN_RECV,
	WEFT__WAIT_SELECT,
	WEFT__WAIT_SCOPE,   /* for the fibers of a scope */
	WEFT__WAIT_OFFLOAD, /* for a function that runs on a thread */
	WEFT__WAIT_THREAD,  /* for a thread to end, a pool to have room */
	WEFT__WAIT_WORD,    /* for another process: the object is a word in shared memory */
};

/**
 * Said when a fiber parks, and kept on its stack while it is parked: for the list of
 * fibers and the search for deadlocks. Never read for anything that must be right.
 */
struct weft__wait {
	enum weft__wait_kind kind;
	int events;
	int64_t number;
	const void *object;
};

/**
 * Low half of the control word; the high half is the generation. QUEUED: the record is
 * in its home's inbox. WAKE, CANCEL, START: what it is there for. LOCKED guards joiners
 * and result. FREEING: to be freed by whoever takes it out of the inbox.
 */
enum weft__control {
	WEFT__QUEUED = 1 << 0,
	WEFT__WAKE = 1 << 1,
	WEFT__CANCEL = 1 << 2,
	WEFT__START = 1 << 3,
	WEFT__LOCKED = 1 << 4,
	WEFT__JOINED = 1 << 5, /* somebody is in joiners */
	WEFT__DETACHED = 1 << 6,
	WEFT__ENDED = 1 << 7, /* result is set */
	WEFT__FREEING = 1 << 8,
	WEFT__CANCELLED = 1 << 9, /* cancel was asked for, at any time */
	WEFT__LIVE = 1 << 10,     /* started and not given back */
	WEFT__SCOPES = 1 << 11,   /* queued because a scope was cancelled from elsewhere */
};

/** Ambient state of a fiber, or of a thread that is none: src/fiber/scope.c. */
struct weft__context {
	struct weft_timeout *scope; /* innermost */
	int interrupt;              /* what a waiting call fails with now; 0: it may wait */
	bool is_cancelled;
	bool has_unarmed;            /* some deadline in force may come before the alarm */
	struct weft_coro *coro;      /* the coroutine that runs; NULL: the own stack does */
	struct weft_coro *coro_root; /* the own stack, while a coroutine runs */
	struct weft_coro *coro_from; /* who switched last */
	uint32_t host;               /* under the simulator: where it is; inherited */
	void **locals;               /* WEFT_LOCALS_MAX values, NULL until the first is set */
};

struct weft__fiber {
	/* What a switch touches. */
	void *sp;                              /* NULL: not started, no frame on its stack yet */
	struct weft__fiber *next;              /* in the run queue, a free list */
	_Atomic uint64_t turn;                 /* when it became runnable: run queues compare it */
	_Atomic(struct weft__worker *) worker; /* home; changes only before it starts */
	_Atomic(struct weft__worker *) started_on; /* NULL: not started */
	uint8_t state;                             /* enum weft__state */
	uint8_t stack_class;
	bool is_pinned; /* may not be taken by another worker */
	struct weft__context context;
	struct weft_heap_node alarm;   /* among the worker's timers, for the context's deadlines */
	const struct weft__wait *wait; /* PARKED: for what */
	int64_t parked_ns;             /* PARKED: since about when; worker->now_ns */

	/* What wakes, joins and ends touch. */
	_Atomic uint64_t control; /* generation << 32 | enum weft__control */
	struct weft_mpsc_node inbox;
	uint32_t slot;
	int result;
	struct weft__joiner *joiners;
	weft_fiber_fn *fn;
	void *arg;
	void *stack; /* lowest address; NULL: the thread's own */
	struct weft__deferred *deferred;
	struct weft__sanitize sanitize;
	int64_t spawned_ns; /* about then; for lists */
	const char *door;   /* the name of the listener whose connection it serves; NULL: none */
	int door_fd;        /* that connection */
	char name[WEFT_FIBER_NAME_MAX + 1];
};

static inline uint32_t weft__generation(uint64_t control)
{
	return (uint32_t)(control >> 32);
}

/** The control word of the generation after; never 0, which would make ids that equal "no fiber".
 */
static inline uint64_t weft__next_generation(uint64_t control)
{
	uint32_t generation = weft__generation(control) + 1;

	return (uint64_t)(generation ? generation : 1) << 32;
}

static inline weft_fiber_id weft__fiber_id(const struct weft__fiber *fiber)
{
	uint64_t control = atomic_load_explicit(&fiber->control, memory_order_relaxed);

	return (control & ~UINT64_C(0xffffffff)) | (fiber->slot + 1);
}

/* ---- The table: src/fiber/table.c ------------------------------------------- */

/** Free records of one worker, linked by next. */
struct weft__slots {
	struct weft__fiber *free;
	uint32_t count;
};

/** Records a worker keeps for itself; beyond that half of them go to the shared list. */
#define WEFT__SLOTS_KEEP 4096

struct weft__fiber *weft__slot_take_slow(struct weft__slots *slots);
void weft__slot_give_slow(struct weft__slots *slots, struct weft__fiber *fiber);

/**
 * A free record, with its generation and slot set, all else zero or stale. slots NULL:
 * the shared ones, from any thread. NULL with EAGAIN (WEFT_FIBERS_MAX) or ENOMEM.
 */
static inline struct weft__fiber *weft__slot_take(struct weft__slots *slots)
{
	struct weft__fiber *fiber = slots ? slots->free : NULL;

	if (!fiber)
		return weft__slot_take_slow(slots);
	slots->free = fiber->next;
	slots->count--;
	return fiber;
}

/** Give back a record whose generation has been moved on. */
static inline void weft__slot_give(struct weft__slots *slots, struct weft__fiber *fiber)
{
	if (!slots || slots->count >= WEFT__SLOTS_KEEP) {
		weft__slot_give_slow(slots, fiber);
		return;
	}
	fiber->next = slots->free;
	slots->free = fiber;
	slots->count++;
}

/** Give all of a worker's free records to the shared ones. */
void weft__slots_fini(struct weft__slots *slots);

/** The record in a slot, whatever its generation; NULL: no such slot yet. */
struct weft__fiber *weft__slot_at(uint32_t slot);

/** Hold the table still around a fork(). */
void weft__table_lock(void);
void weft__table_unlock(void);

/** How many slots there are: the bound of a walk over weft__slot_at(). */
uint32_t weft__slot_count(void);

/** The record an id names, which may be of another generation by now; NULL for nonsense. */
static inline struct weft__fiber *weft__fiber_of(weft_fiber_id id)
{
	uint32_t slot = (uint32_t)id;

	return slot ? weft__slot_at(slot - 1) : NULL;
}

#endif
