/*
 * crew.c - see crew.h.
 *
 * Threads are joined, not detached, so that nothing of a crew runs any more when its
 * memory goes: one that ends puts itself among `ended`, and whoever comes next joins it
 * there (a matter of its last instructions).
 *
 * Must never: run a job, or a thread's start, while somebody could wait for the mutex for
 * longer than that takes; start a thread while an idle one could do.
 */
#include "thread/crew.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "fiber/doze.h"
#include "fiber/watch.h"
#include "weft/scope.h"

/* The kernel's bound of a thread's name, NUL included: pthread_setname_np(3). */
#define KERNEL_NAME_MAX 16

struct member {
	struct weft_list_node node;
	struct weft__crew *crew;
	pthread_t thread;
	bool must_leave; /* dismissed */
	bool is_running;
	bool is_left; /* nobody will join it */
};

static struct {
	pthread_mutex_t mutex;
	struct weft_list crews;
} registry = {PTHREAD_MUTEX_INITIALIZER, {{&registry.crews.head, &registry.crews.head}}};

/** Forks between the first ancestor and this process. */
static _Atomic unsigned fork_count;

static __thread struct weft__crew *own_crew;

/* ---- Threads ----------------------------------------------------------------------- */

/* A fault's signal that is blocked would kill without a word (sigaction(2)). */
static void block_signals(sigset_t *ret_before)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
	sigset_t most;

	sigfillset(&most);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		sigdelset(&most, faults[i]);
	sigdelset(&most, WEFT__DOZE_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &most, ret_before);
}

int weft__thread_start(
	pthread_t *ret_thread, size_t stack_size_bytes, void *(*fn)(void *arg), void *arg)
{
	pthread_attr_t attributes;
	sigset_t before;
	int code = pthread_attr_init(&attributes);

	if (code)
		return code;
	if (stack_size_bytes)
		code = pthread_attr_setstacksize(&attributes, stack_size_bytes);
	if (!code) {
		/* The new thread has the mask of its maker, from its first instruction on. */
		block_signals(&before);
		code = pthread_create(ret_thread, &attributes, fn, arg);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	pthread_attr_destroy(&attributes);
	return code;
}

static struct member *member_of(struct weft_list_node *node)
{
	return weft_container_of(node, struct member, node);
}

/* Join who has ended. They have let go of the mutex, or are about to. */
static void reap(struct weft__crew *crew)
{
	struct weft_list_node *node;

	while ((node = weft_list_pop_front(&crew->ended))) {
		struct member *member = member_of(node);

		weft__crew_unlock(crew);
		pthread_join(member->thread, NULL);
		free(member);
		weft__crew_lock(crew);
	}
}

/* Idle threads wake nobody, unless a job is on its way to one of them. */
static void count_bystanders(struct weft__crew *crew)
{
	unsigned count = crew->queue_len > 0 ? 0 : crew->idle;

	if (count != crew->bystanders)
		weft__bystanders_add((int)count - (int)crew->bystanders);
	crew->bystanders = count;
}

/* Until there is work. False: it was idle for too long. */
static bool wait_for_work(struct weft__crew *crew)
{
	int64_t now = 0;
	struct timespec until;
	int code = 0;

	if (crew->threads > crew->threads_min) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		now = until.tv_nsec + crew->idle_ns % WEFT_SECONDS(1);
		until.tv_sec += (time_t)(crew->idle_ns / WEFT_SECONDS(1) + now / WEFT_SECONDS(1));
		until.tv_nsec = now % WEFT_SECONDS(1);
	}
	crew->idle++;
	count_bystanders(crew);
	if (crew->threads > crew->threads_min)
		code = pthread_cond_timedwait(&crew->work, &crew->mutex, &until);
	else
		pthread_cond_wait(&crew->work, &crew->mutex);
	crew->idle--;
	count_bystanders(crew);
	return code != ETIMEDOUT;
}

/* The next job, now running; NULL: leave. What is queued is done first, whatever is ordered. */
static struct weft__job *take(struct weft__crew *crew, struct member *self)
{
	struct weft_list_node *node;
	struct weft__job *job;

	if (crew->threads > crew->threads_max)
		return NULL; /* the limit was lowered; the others see to the queue */
	while (!(node = weft_list_pop_front(&crew->queue))) {
		if (crew->is_closed || self->must_leave)
			return NULL;
		if (!wait_for_work(crew) && weft_list_is_empty(&crew->queue) &&
			crew->threads > crew->threads_min)
			return NULL;
	}
	job = weft_container_of(node, struct weft__job, node);
	job->is_queued = false;
	weft_list_push_back(&crew->running, &job->node);
	if (crew->queue_len-- == crew->queue_max)
		weft__wait_list_wake_all(&crew->room);
	count_bystanders(crew);
	return job;
}

static void work_on(struct weft__crew *crew, struct member *self, struct weft__job *job)
{
	const struct weft__job_ops *ops = job->ops;
	unsigned forks = atomic_load(&fork_count);
	int result;

	self->is_running = true;
	weft__crew_unlock(crew);
	result = ops->run(job);
	if (atomic_load(&fork_count) != forks)
		_exit(result & 0xff); /* the only thread of a child: as src/fiber/fork.c says */
	weft__crew_lock(crew);
	self->is_running = false;
	weft_list_remove(&job->node);
	if (ops->done(job, result)) {
		weft__crew_unlock(crew);
		ops->after(job);
		weft__crew_lock(crew);
	}
}

static void *member_main(void *arg)
{
	struct member *self = arg;
	struct weft__crew *crew = self->crew;
	struct weft__job *job;

	own_crew = crew;
	weft__crew_lock(crew);
	while ((job = take(crew, self)))
		work_on(crew, self, job);
	crew->threads--;
	weft_list_remove(&self->node);
	if (self->is_left) {
		pthread_detach(pthread_self());
		free(self);
	} else {
		weft_list_push_back(&crew->ended, &self->node);
	}
	weft__wait_list_wake_all(&crew->changed);
	weft__crew_unlock(crew);
	return NULL;
}

/* One more thread; the mutex is held, so that no queue is without one. 0 or an errno value. */
static int hire(struct weft__crew *crew)
{
	struct member *member = calloc(1, sizeof *member);
	char name[KERNEL_NAME_MAX];
	int code;

	if (!member)
		return ENOMEM;
	member->crew = crew;
	code = weft__thread_start(&member->thread, crew->stack_size_bytes, member_main, member);
	if (code) {
		free(member);
		return code;
	}
	snprintf(name, sizeof name, "%s", crew->name);
	pthread_setname_np(member->thread, name);
	weft_list_push_back(&crew->members, &member->node);
	crew->threads++;
	return 0;
}

/* ---- Life --------------------------------------------------------------------------- */

static void queues_init(struct weft__crew *crew)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&crew->work, &monotonic);
	pthread_condattr_destroy(&monotonic);
	weft_list_init(&crew->queue);
	weft_list_init(&crew->running);
	weft_list_init(&crew->members);
	weft_list_init(&crew->ended);
	weft__wait_list_init(&crew->room);
	weft__wait_list_init(&crew->changed);
	crew->queue_len = 0;
	crew->threads = crew->idle = crew->bystanders = 0;
}

/* Before a fork: nobody else is inside any crew. The runtime's own locks come after these. */
static void fork_before(void)
{
	pthread_mutex_lock(&registry.mutex);
	weft_list_each (node, &registry.crews)
		weft__crew_lock(weft_container_of(node, struct weft__crew, registered));
}

static void fork_release(void)
{
	weft_list_each (node, &registry.crews)
		weft__crew_unlock(weft_container_of(node, struct weft__crew, registered));
	pthread_mutex_unlock(&registry.mutex);
}

static void lose_jobs(struct weft_list *jobs)
{
	struct weft_list_node *node;

	while ((node = weft_list_pop_front(jobs))) {
		struct weft__job *job = weft_container_of(node, struct weft__job, node);

		weft_list_node_init(node);
		job->is_queued = false;
		if (job->ops->lost)
			job->ops->lost(job);
	}
}

static void free_members(struct weft_list *members)
{
	struct weft_list_node *node;

	while ((node = weft_list_pop_front(members)))
		free(member_of(node));
}

static void fork_in_child(void)
{
	atomic_fetch_add(&fork_count, 1);
	weft_list_each (node, &registry.crews) {
		struct weft__crew *crew = weft_container_of(node, struct weft__crew, registered);

		lose_jobs(&crew->queue);
		lose_jobs(&crew->running);
		free_members(&crew->members);
		free_members(&crew->ended);
		queues_init(crew);
	}
	fork_release();
	own_crew = NULL;
}

/* Handlers that run before a fork do so in the opposite order: ours first, then the runtime's. */
static void fork_prepare(void)
{
	weft__fork_prepare();
	pthread_atfork(fork_before, fork_release, fork_in_child);
}

int weft__crew_init(struct weft__crew *crew)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int code = pthread_mutex_init(&crew->mutex, NULL);

	if (code)
		return code;
	pthread_once(&once, fork_prepare);
	queues_init(crew);
	crew->is_closed = false;
	pthread_mutex_lock(&registry.mutex);
	weft_list_push_back(&registry.crews, &crew->registered);
	pthread_mutex_unlock(&registry.mutex);
	return 0;
}

void weft__crew_fini(struct weft__crew *crew)
{
	pthread_mutex_lock(&registry.mutex);
	weft_list_remove(&crew->registered);
	pthread_mutex_unlock(&registry.mutex);
	weft__crew_lock(crew);
	reap(crew);
	weft__crew_unlock(crew);
	pthread_cond_destroy(&crew->work);
	pthread_mutex_destroy(&crew->mutex);
}

/* ---- Jobs ----------------------------------------------------------------------------- */

static int wait_for_room(struct weft__crew *crew, bool may_wait)
{
	int code = 0;

	while (!code && !crew->is_closed && crew->queue_len >= crew->queue_max)
		code = may_wait ? weft__wait_list_wait(
					  &crew->room, &crew->mutex, WEFT__WAIT_THREAD, crew)
				: EAGAIN;
	return crew->is_closed ? EPIPE : code;
}

int weft__crew_push(struct weft__crew *crew, struct weft__job *job, bool may_wait)
{
	int code;

	reap(crew);
	code = wait_for_room(crew, may_wait);
	if (code)
		return code;
	if (crew->idle <= crew->queue_len && crew->threads < crew->threads_max) {
		code = hire(crew);
		if (code && crew->threads == 0)
			return code;
	}
	job->is_queued = true;
	weft_list_push_back(&crew->queue, &job->node);
	crew->queue_len++;
	count_bystanders(crew);
	if (crew->idle > 0)
		pthread_cond_signal(&crew->work);
	return 0;
}

bool weft__crew_remove(struct weft__crew *crew, struct weft__job *job)
{
	if (!job->is_queued)
		return false;
	job->is_queued = false;
	weft_list_remove(&job->node);
	if (crew->queue_len-- == crew->queue_max)
		weft__wait_list_wake_all(&crew->room);
	count_bystanders(crew);
	return true;
}

/* ---- Ends ------------------------------------------------------------------------------- */

void weft__crew_close(struct weft__crew *crew)
{
	crew->is_closed = true;
	pthread_cond_broadcast(&crew->work);
	weft__wait_list_wake_all(&crew->room);
}

int weft__crew_wait_empty(struct weft__crew *crew)
{
	int code = 0;

	while (!code && crew->threads > 0)
		code = weft__wait_list_wait(&crew->changed, &crew->mutex, WEFT__WAIT_THREAD, crew);
	reap(crew);
	return code;
}

static bool has_leaver(struct weft__crew *crew)
{
	weft_list_each (node, &crew->members)
		if (member_of(node)->must_leave && !member_of(node)->is_running)
			return true;
	return false;
}

void weft__crew_dismiss(struct weft__crew *crew)
{
	weft__crew_lock(crew);
	weft_list_each (node, &crew->members) {
		struct member *member = member_of(node);

		member->must_leave = true;
		member->is_left = member->is_running;
	}
	pthread_cond_broadcast(&crew->work);
	WEFT_SHIELDED
		while (has_leaver(crew))
			weft__wait_list_wait(&crew->changed, &crew->mutex, WEFT__WAIT_THREAD, crew);
	reap(crew);
	weft__crew_unlock(crew);
}

bool weft__crew_is_member(const struct weft__crew *crew)
{
	return own_crew == crew;
}
