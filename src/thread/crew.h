/*
 * crew.h - threads that do jobs from one queue: what pools and offloading stand on.
 *
 *	push ---> queue ---> running ---> done
 *	            | remove                 run() without the mutex, done() with it
 *
 * A job is a node in its owner's memory; the crew allocates only its threads. A queue that
 * is not empty always has a thread that will come to it.
 */
#ifndef THREAD_CREW_H
#define THREAD_CREW_H

#include "thread/wait_list.h"

struct weft__job;

struct weft__job_ops {
	/** The work; its result is for done(), and the exit status of a child it may fork. */
	int (*run)(struct weft__job *job);
	/** It is done; the mutex is held. The job may be gone after this, unless it says true. */
	bool (*done)(struct weft__job *job, int result);
	/** After a done() that said true, without the mutex. */
	void (*after)(struct weft__job *job);
	/** In the child of a fork(): it was queued or running in the parent. May be NULL. */
	void (*lost)(struct weft__job *job);
};

struct weft__job {
	struct weft_list_node node;
	const struct weft__job_ops *ops;
	bool is_queued; /* it has not begun */
};

struct weft__crew {
	pthread_mutex_t mutex;
	pthread_cond_t work; /* a job, or the order to leave */
	struct weft_list queue, running;
	struct weft_list members, ended; /* threads; those to be joined */
	size_t queue_len, queue_max;
	unsigned threads, idle;
	unsigned bystanders; /* of the idle ones; none while a job is queued */
	unsigned threads_min, threads_max;
	int64_t idle_ns;
	size_t stack_size_bytes;
	const char *name;
	bool is_closed;
	struct weft__wait_list room;    /* in the queue; or closed */
	struct weft__wait_list changed; /* a thread has ended */
	struct weft_list_node registered;
};

/** What must be set before: the limits, idle_ns, stack_size_bytes, name. 0 or an errno value. */
int weft__crew_init(struct weft__crew *crew);

/** Closed, with no thread left. */
void weft__crew_fini(struct weft__crew *crew);

static inline void weft__crew_lock(struct weft__crew *crew)
{
	pthread_mutex_lock(&crew->mutex);
}

static inline void weft__crew_unlock(struct weft__crew *crew)
{
	pthread_mutex_unlock(&crew->mutex);
}

/**
 * Queue a job; the mutex is held. The queue is full: waits for room, or says EAGAIN.
 * 0, or EPIPE (closed), EAGAIN, ENOMEM (no thread), ETIMEDOUT, ECANCELED.
 */
int weft__crew_push(struct weft__crew *crew, struct weft__job *job, bool may_wait);

/** Take a job off that has not begun; the mutex is held. False: it has. */
bool weft__crew_remove(struct weft__crew *crew, struct weft__job *job);

/** No more jobs; threads end when the queue is empty. The mutex is held. */
void weft__crew_close(struct weft__crew *crew);

/** Wait until no thread is left; the mutex is held. 0, ETIMEDOUT, ECANCELED. */
int weft__crew_wait_empty(struct weft__crew *crew);

/**
 * Every thread ends as soon as it has nothing to do, and new jobs start new ones. Returns
 * when the idle ones have ended; what runs is left to itself.
 */
void weft__crew_dismiss(struct weft__crew *crew);

/** Whether the calling thread is of this crew. */
bool weft__crew_is_member(const struct weft__crew *crew);

/** Start a thread with all signals blocked that no fault raises. 0 or an errno value. */
int weft__thread_start(
	pthread_t *ret_thread, size_t stack_size_bytes, void *(*fn)(void *arg), void *arg);

#endif
