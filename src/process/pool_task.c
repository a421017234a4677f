/*
 * pool_task.c - tasks of a pool: to whom they are given, and what becomes of them (pool.h).
 *
 * Must never: wait, or call a user's function; the mutex is held. Trust a worker: it may have
 * written anywhere.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "process/pool.h"

static struct weft_pool_task *task_of(struct weft_list_node *node)
{
	return weft_container_of(node, struct weft_pool_task, node);
}

/* ---- Life --------------------------------------------------------------------------- */

struct weft_pool_task *weft__pool_task_make(
	struct weft_pool *pool, uint32_t call, uint32_t count, size_t len)
{
	struct weft_pool_task *task = calloc(1, sizeof *task);

	if (!task)
		return NULL;
	task->request_len = sizeof(struct weft__pool_request) + len;
	task->request = malloc(task->request_len);
	if (!task->request) {
		free(task);
		return NULL;
	}
	task->pool = pool;
	task->holders = 1;
	task->call = call;
	task->count = count;
	weft__wait_list_init(&task->waiters);
	return task;
}

void weft__pool_task_destroy(struct weft_pool_task *task)
{
	free(task->request);
	free(task->reply);
	free(task);
}

bool weft__pool_task_release(struct weft_pool_task *task)
{
	return --task->holders == 0;
}

int weft__pool_find_call(const struct weft_pool *pool, const char *name)
{
	for (size_t i = 0; name && i < pool->options.call_count; i++)
		if (strcmp(pool->calls[i].name, name) == 0)
			return (int)i;
	return -1;
}

void weft__pool_task_queue(struct weft_pool_task *task, bool is_first)
{
	struct weft_pool *pool = task->pool;

	task->state = WEFT__POOL_TASK_WAITING;
	task->worker = NULL;
	if (is_first)
		weft_list_push_front(&pool->waiting, &task->node);
	else
		weft_list_push_back(&pool->waiting, &task->node);
	pool->waiting_count++;
}

static void unqueue(struct weft_pool_task *task)
{
	struct weft_pool *pool = task->pool;

	weft_list_remove(&task->node);
	if (pool->waiting_count-- == pool->options.queue_max)
		weft__wait_list_wake_all(&pool->room);
}

void weft__pool_task_end(struct weft_pool_task *task, int error)
{
	struct weft_pool *pool = task->pool;

	task->state = WEFT__POOL_TASK_ENDED;
	task->worker = NULL;
	task->error = error;
	pool->facts.ended++;
	pool->facts.failed += error != 0;
	free(task->request);
	task->request = NULL;
	weft__wait_list_wake_all(&task->waiters);
	if (task->chunks)
		weft__pool_chunk_ended(task);
	if (weft__pool_task_release(task)) {
		/* Its own hold on the pool goes, too; the caller has another. */
		pool->holders--;
		weft__pool_task_destroy(task);
	}
}

/* ---- Giving
 * --------------------------------------------------------------------------------------- */

static _Atomic uint64_t *claim_of(const struct weft_pool_task *task)
{
	return &task->worker->slot->claims[task->number % WEFT__POOL_CLAIMS];
}

/* Whether its worker will pass it over. */
static bool take_claim(struct weft_pool_task *task)
{
	uint64_t given = weft__pool_claim(task->number, WEFT__POOL_GIVEN);

	return atomic_compare_exchange_strong(
		claim_of(task), &given, weft__pool_claim(task->number, WEFT__POOL_TAKEN));
}

void weft__pool_task_cut(struct weft_pool_task *task)
{
	uint64_t begun = weft__pool_claim(task->number, WEFT__POOL_BEGUN);

	atomic_compare_exchange_strong(
		claim_of(task), &begun, weft__pool_claim(task->number, WEFT__POOL_TAKEN));
}

static void leave_worker(struct weft_pool_task *task)
{
	weft_list_remove(&task->node);
	task->worker->given_count--;
	task->pool->given_count--;
}

bool weft__pool_task_withdraw(struct weft_pool_task *task)
{
	if (task->state == WEFT__POOL_TASK_WAITING) {
		unqueue(task);
		return true;
	}
	if (!take_claim(task))
		return false;
	leave_worker(task);
	return true;
}

/* Of the next number: the first that it has not done may have the same one. */
static bool has_free_claim(const struct weft__pool_worker *worker)
{
	struct weft_list_node *first = weft_list_first(&worker->given);

	return !first || worker->next_number - task_of(first)->number < WEFT__POOL_CLAIMS;
}

static bool may_get_more(const struct weft__pool_worker *worker)
{
	return worker->process && !worker->is_leaving &&
	       worker->given_count < WEFT__POOL_GIVEN_MAX &&
	       weft__wire_unsent(&worker->wire) == 0 && has_free_claim(worker);
}

static struct weft__pool_worker *find_least_laden(struct weft_pool *pool)
{
	struct weft__pool_worker *best = NULL;

	for (unsigned i = 0; i < pool->options.workers; i++) {
		struct weft__pool_worker *worker = &pool->workers[i];

		if (!may_get_more(worker))
			continue;
		if (!best || worker->given_count < best->given_count)
			best = worker;
		if (best->given_count == 0)
			break;
	}
	return best;
}

static void watch_room(struct weft_pool *pool, struct weft__pool_worker *worker)
{
	bool wants = weft__wire_unsent(&worker->wire) > 0;
	struct epoll_event event = {.events = EPOLLIN | (wants ? (uint32_t)EPOLLOUT : 0),
		.data.u64 = (uint64_t)(worker - pool->workers) << 1};

	if (wants == worker->wants_room)
		return;
	worker->wants_room = wants;
	epoll_ctl(pool->epoll_fd, EPOLL_CTL_MOD, worker->wire.fd, &event);
}

/* As many as it may do before it is replaced: it ends when it has done them. */
static void count_served(struct weft_pool *pool, struct weft__pool_worker *worker, uint32_t count)
{
	worker->served += count;
	if (pool->options.tasks_max && worker->served >= pool->options.tasks_max) {
		worker->is_leaving = true;
		weft__pool_notify(pool);
	}
}

/* It is in no list. False: the worker takes nothing now, and it is for the queue again. */
static bool give(struct weft__pool_worker *worker, struct weft_pool_task *task)
{
	struct weft_pool *pool = task->pool;
	struct weft__pool_request head = {
		.number = worker->next_number, .call = task->call, .count = task->count};
	struct weft_pipe_message message = {.data = task->request, .len = task->request_len};
	int code;

	memcpy(task->request, &head, sizeof head);
	task->worker = worker;
	task->number = worker->next_number;
	task->replied = 0;
	atomic_store(claim_of(task), weft__pool_claim(task->number, WEFT__POOL_GIVEN));
	code = weft__wire_send(&worker->wire, &message, weft__wire_at_once);
	if (code) {
		/* EAGAIN: it is stopped, say, and its socket is full of what was taken back. Else
		 * it is about to be found dead. */
		worker->is_leaving |= code != EAGAIN;
		return false;
	}
	worker->next_number++;
	task->state = WEFT__POOL_TASK_GIVEN;
	weft_list_push_back(&worker->given, &task->node);
	worker->given_count++;
	pool->given_count++;
	count_served(pool, worker, task->count);
	watch_room(pool, worker);
	return true;
}

/* What waits behind another task while somebody has nothing to do. */
static struct weft_pool_task *find_behind(struct weft_pool *pool)
{
	for (unsigned i = 0; i < pool->options.workers; i++) {
		struct weft__pool_worker *worker = &pool->workers[i];

		if (worker->given_count >= 2)
			return task_of(weft_list_last(&worker->given));
	}
	return NULL;
}

static void share_out(struct weft_pool *pool)
{
	struct weft__pool_worker *idle = find_least_laden(pool);
	struct weft_pool_task *task;

	while (idle && idle->given_count == 0 && (task = find_behind(pool))) {
		if (!weft__pool_task_withdraw(task))
			return; /* it has just begun */
		if (!give(idle, task)) {
			weft__pool_task_queue(task, true);
			return;
		}
		idle = find_least_laden(pool);
	}
}

void weft__pool_dispatch(struct weft_pool *pool)
{
	struct weft__pool_worker *worker;

	if (pool->is_terminated)
		return;
	while (pool->waiting_count > 0 && (worker = find_least_laden(pool))) {
		struct weft_pool_task *task = task_of(weft_list_first(&pool->waiting));

		unqueue(task);
		if (!give(worker, task)) {
			weft__pool_task_queue(task, true);
			if (!worker->is_leaving)
				return;
		}
	}
	if (pool->waiting_count == 0 && pool->given_count > 0)
		share_out(pool);
}

/* ---- Replies
 * ------------------------------------------------------------------------------------------ */

/* What a worker of ours would have written. */
static bool is_sound(uint32_t count, const char *at, size_t left)
{
	for (uint32_t i = 0; i < count; i++) {
		struct weft__pool_outcome outcome;

		if (left < sizeof outcome)
			return false;
		memcpy(&outcome, at, sizeof outcome);
		left -= sizeof outcome;
		if (outcome.len > left || weft__pool_padded((size_t)outcome.len) > left ||
			outcome.error < 0)
			return false;
		at += sizeof outcome + weft__pool_padded((size_t)outcome.len);
		left -= weft__pool_padded((size_t)outcome.len);
	}
	return left == 0;
}

/* Of a map that has ended. */
static bool is_abandoned(const struct weft_pool_task *task)
{
	return task->is_killed && !task->chunks;
}

static bool is_answer(const struct weft_pool_task *task, const struct weft__pool_reply *head)
{
	if (head->number != task->number || head->count > task->count)
		return false;
	if (!head->is_last)
		return head->count > 0 && head->count < task->count;
	return head->count == task->count || is_abandoned(task);
}

/* The outcomes become the task's. 0 or an errno. */
static int keep_outcomes(struct weft_pool_task *task, const char *body, size_t len)
{
	task->reply = malloc(len > 0 ? len : 1);
	if (!task->reply)
		return ENOMEM;
	memcpy(task->reply, body, len);
	task->reply_len = len;
	return 0;
}

/* Where an item's bytes begin, in a request. */
static size_t offset_of(const struct weft_pool_task *task, uint32_t item)
{
	size_t at = sizeof(struct weft__pool_request);

	for (uint32_t i = 0; i < item; i++) {
		uint64_t len;

		memcpy(&len, task->request + at, sizeof len);
		at += sizeof len + weft__pool_padded((size_t)len);
	}
	return at;
}

/* Its first items are done with, and another's. */
static void drop_first(struct weft_pool_task *task, uint32_t count)
{
	size_t begin = sizeof(struct weft__pool_request), end = offset_of(task, count);

	memmove(task->request + begin, task->request + end, task->request_len - end);
	task->request_len -= end - begin;
	task->count -= count;
	task->replied += count;
	task->first += count;
}

/* False: no memory, not even for saying so. */
static bool take_part(struct weft_pool_task *task, uint32_t count, const char *body, size_t len)
{
	struct weft_pool_task *part;

	if (task->chunks) {
		part = weft__pool_task_make(task->pool, task->call, count, 0);
		if (!part)
			return false;
		part->chunks = task->chunks;
		part->first = task->first;
		task->chunks->flying++;
		task->pool->holders++;
		task->pool->facts.ended--; /* it is no task that anybody has asked for */
		weft__pool_task_end(part, keep_outcomes(part, body, len));
	}
	drop_first(task, count);
	return true;
}

bool weft__pool_replied(struct weft__pool_worker *worker, const struct weft_pipe_message *message)
{
	struct weft_pool_task *task;
	struct weft__pool_reply head;
	struct weft__pool_outcome first = {0};
	const char *body = (const char *)message->data + sizeof head;
	size_t len = message->len - sizeof head;
	int code = 0;

	if (weft_list_is_empty(&worker->given) || message->len < sizeof head)
		return false;
	task = task_of(weft_list_first(&worker->given));
	memcpy(&head, message->data, sizeof head);
	if (!is_answer(task, &head) || !is_sound(head.count, body, len))
		return false;
	if (!head.is_last)
		return take_part(task, head.count, body, len);
	leave_worker(task);
	if (head.count < task->count)
		code = ECANCELED;
	else if ((code = keep_outcomes(task, body, len)) == 0 && task->count == 1)
		memcpy(&first, body, sizeof first);
	weft__pool_task_end(task, code ? code : first.error);
	return true;
}

bool weft__pool_reply_lost(struct weft__pool_worker *worker, int error)
{
	struct weft_pool_task *task;

	if (weft_list_is_empty(&worker->given))
		return false;
	task = task_of(weft_list_first(&worker->given));
	leave_worker(task);
	weft__pool_task_end(task, error);
	return true;
}

/* ---- A worker's death
 * ------------------------------------------------------------------------------------ */

/* A part of a chunk, as a task of its own, in no list; NULL: no memory. */
static struct weft_pool_task *part_of(const struct weft_pool_task *task, uint32_t from, uint32_t to)
{
	size_t begin = offset_of(task, from), end = offset_of(task, to);
	struct weft_pool_task *part =
		weft__pool_task_make(task->pool, task->call, to - from, end - begin);

	if (!part)
		return NULL;
	memcpy(part->request + sizeof(struct weft__pool_request), task->request + begin,
		end - begin);
	part->tries = task->tries;
	part->chunks = task->chunks;
	part->first = task->first + from;
	part->pool->holders++;
	return part;
}

static void fail_begun(struct weft_pool_task *task, const struct weft_process_end *end, int error)
{
	if (end) {
		task->has_death = true;
		task->death = *end;
	}
	weft__pool_task_end(task, task->is_killed ? ECANCELED : error);
}

/* A single item was begun. */
static void lose_single(struct weft_pool_task *task, const struct weft_process_end *end, int error)
{
	struct weft_pool *pool = task->pool;

	if (error == EOWNERDEAD && pool->calls[task->call].is_repeatable && !task->is_killed &&
		++task->tries < WEFT_POOL_TRIES_MAX)
		weft__pool_task_queue(task, true);
	else
		fail_begun(task, end, error);
}

/*
 * A chunk was begun, and its worker died at one item of it: those behind were not begun, and
 * the results of those before are lost.
 */
static void lose_chunk(const struct weft__pool_worker *worker, struct weft_pool_task *task,
	const struct weft_process_end *end, int error)
{
	bool is_repeatable = task->pool->calls[task->call].is_repeatable;
	uint32_t item = atomic_load(&worker->slot->item) - task->replied;
	struct weft_pool_task *parts[3] = {NULL};

	if (item >= task->count)
		item = task->count - 1;
	if (item > 0)
		parts[0] = part_of(task, 0, item);
	parts[1] = part_of(task, item, item + 1);
	if (item + 1 < task->count)
		parts[2] = part_of(task, item + 1, task->count);
	if ((item > 0 && !parts[0]) || !parts[1] || (item + 1 < task->count && !parts[2])) {
		for (int i = 0; i < 3; i++) {
			if (!parts[i])
				continue;
			task->pool->holders--;
			weft__pool_task_destroy(parts[i]);
		}
		fail_begun(task, end, ENOMEM);
		return;
	}
	/* The queue's front is the last to be put there. */
	if (parts[2])
		weft__pool_task_queue(parts[2], true);
	lose_single(parts[1], end, error);
	if (parts[0] && is_repeatable)
		weft__pool_task_queue(parts[0], true);
	else if (parts[0])
		fail_begun(parts[0], end, error);
	task->chunks->flying += (size_t)(parts[0] != NULL) + (parts[2] != NULL);
	task->chunks = NULL; /* its parts are the map's now */
	task->pool->facts.ended--;
	weft__pool_task_end(task, 0);
}

/* What it has begun it has also answered, and what is left was not begun. */
static bool is_between(const struct weft__pool_worker *worker, const struct weft_pool_task *task)
{
	return atomic_load(&worker->slot->item) < task->replied;
}

void weft__pool_worker_lost(
	struct weft__pool_worker *worker, const struct weft_process_end *end, int error)
{
	struct weft_list_node *node;

	/* From the last, so that the first is at the queue's front again. */
	while ((node = weft_list_last(&worker->given))) {
		struct weft_pool_task *task = task_of(node);
		bool is_begun;

		assert(task->worker == worker);
		is_begun = !take_claim(task) && !is_between(worker, task);
		leave_worker(task);
		if (!is_begun && error == EOWNERDEAD && !task->is_killed)
			weft__pool_task_queue(task, true);
		else if (!is_begun)
			weft__pool_task_end(task, ECANCELED);
		else if (task->count > 1 && task->chunks && error == EOWNERDEAD)
			lose_chunk(worker, task, end, error);
		else
			lose_single(task, end, error);
	}
}
