/*
 * queue.c - bounded queues of messages between processes. The ring: queue_ring.c.
 *
 * Who finds no message, or no room, says so in a word (bit 0 of items, or of room), looks once
 * more, and sleeps on the word. Who then puts, or takes, sees the bit, clears it, counts the word
 * up and wakes as many as it did messages. The bit goes with the first of several sleepers: so
 * who was asleep puts it back, and wakes the next one if it leaves something over.
 *
 * Must never: wait with a lock of the queue's held.
 */
#include "process/queue.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fiber/worker.h"
#include "weft/scope.h"

#define CAPACITY_MIN 64

/** Who only tries waits so long for one who is at it, and may be held up. */
#define TRY_NS WEFT_MILLISECONDS(100)

/** Between a look for a queue and its making others may remove it and make another. */
#define NEW_TRIES_MAX 100

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Sleeping and waking -------------------------------------------------------------------- */

#define OTHERS_WAIT 1U
#define ONE_WAKE    2U

static void tell(_Atomic uint32_t *word, int count)
{
	uint32_t seen = atomic_load(word);

	if (__builtin_expect(!(seen & OTHERS_WAIT), 1))
		return;
	while (!atomic_compare_exchange_weak(word, &seen, (seen + ONE_WAKE) & ~OTHERS_WAIT))
		;
	weft__word_wake(word, count);
}

/* What a call waits for. */
struct want {
	const struct weft_queue *queue;
	_Atomic uint32_t *word;
	size_t len; /* of a message to put */
	bool is_put, has_slept;
};

static bool is_there(const void *arg)
{
	const struct want *want = arg;
	const struct weft_queue *queue = want->queue;

	if (atomic_load(&queue->memory->is_closed))
		return true;
	return want->is_put ? weft__queue_has_room(queue, want->len) : weft__queue_has_items(queue);
}

/* 0: look again; or an errno. */
static int await(struct want *want)
{
	const struct weft__word_doubt doubt = {is_there, want, WEFT__WORD_LOOK_NS};
	uint32_t seen;
	int code;

	if (weft__word_may_linger() && weft__word_linger(is_there, want))
		return 0;
	seen = atomic_fetch_or(want->word, OTHERS_WAIT) | OTHERS_WAIT;
	if (is_there(want))
		return 0;
	code = weft__word_wait(want->word, seen, &doubt);
	want->has_slept = true;
	return code;
}

/* Done, after a sleep: others may sleep on. */
static void pass_on(const struct want *want)
{
	if (!want->has_slept)
		return;
	atomic_fetch_or(want->word, OTHERS_WAIT);
	if (is_there(want))
		weft__word_wake(want->word, 1);
}

/* ---- Putting ------------------------------------------------------------------------------- */

/* For one who doesn't wait. 0 or an errno. */
static int lock_soon(struct weft_shared_lock *lock)
{
	int code = 0;

	WEFT_SHIELDED {
		WEFT_WITH_TIMEOUT (TRY_NS) {
			if (weft__shared_lock_acquire(lock) < 0)
				code = EAGAIN;
		}
	}
	/* A dead owner's can be had, however little time we were given to find that out. */
	return code && weft_shared_lock_try_acquire(lock) < 0 ? EAGAIN : 0;
}

/* Whoever had the lock and died has left nothing to mend. 0 or an errno. */
static int lock(struct weft_shared_lock *lock, bool may_wait)
{
	uint32_t free = 0;

	if (__builtin_expect(atomic_compare_exchange_strong(
				     (_Atomic uint32_t *)&lock->word, &free, weft__owner_self()),
		    1))
		return 0;
	if (!may_wait)
		return lock_soon(lock);
	return weft__shared_lock_acquire_slow(lock) < 0 ? errno : 0;
}

static int put_now(
	struct weft_queue *queue, const struct iovec *messages, size_t *count, bool may_wait)
{
	struct weft__queue_memory *memory = queue->memory;
	int code = lock(&memory->producers.lock, may_wait);

	if (code)
		return code;
	code = weft__queue_push(queue, messages, count);
	weft__shared_lock_release(&memory->producers.lock);
	if (code == 0)
		tell(&memory->items, *count > INT_MAX ? INT_MAX : (int)*count);
	return code;
}

/* *count becomes how many were put at once: at least one. */
static int put_waiting(struct weft_queue *queue, const struct iovec *messages, size_t *count)
{
	struct want want = {.queue = queue,
		.word = &queue->memory->room,
		.len = messages->iov_len,
		.is_put = true};
	int code = weft__interrupted();
	size_t wanted = *count;

	while (code == 0) {
		*count = wanted;
		code = put_now(queue, messages, count, true);
		if (code != EAGAIN)
			break;
		code = await(&want);
	}
	pass_on(&want);
	return code;
}

int weft_queue_put(struct weft_queue *queue, const void *data, size_t len)
{
	const struct iovec message = {(void *)(uintptr_t)data, len};
	size_t count = 1;
	int code;

	if (len > queue->shape.message_bytes_max)
		return fail(EMSGSIZE);
	code = put_waiting(queue, &message, &count);
	return code ? fail(code) : 0;
}

int weft_queue_try_put(struct weft_queue *queue, const void *data, size_t len)
{
	const struct iovec message = {(void *)(uintptr_t)data, len};
	size_t count = 1;
	int code;

	if (len > queue->shape.message_bytes_max)
		return fail(EMSGSIZE);
	code = put_now(queue, &message, &count, false);
	return code ? fail(code) : 0;
}

ssize_t weft_queue_put_many(struct weft_queue *queue, const struct iovec *messages, size_t count)
{
	size_t done = 0;
	int code = 0;

	while (done < count && code == 0) {
		size_t some = count - done;

		if (messages[done].iov_len > queue->shape.message_bytes_max)
			code = EMSGSIZE;
		else
			code = put_waiting(queue, messages + done, &some);
		if (code == 0)
			done += some;
	}
	return code && !done ? fail(code) : (ssize_t)done;
}

/* ---- Getting ----------------------------------------------------------------------------------
 */

static int get_now(struct weft_queue *queue, struct iovec *messages, size_t *count, bool may_wait)
{
	struct weft__queue_memory *memory = queue->memory;
	bool is_closed = atomic_load_explicit(&memory->is_closed, memory_order_acquire);
	int code = lock(&memory->consumers.lock, may_wait);

	if (code)
		return code;
	code = weft__queue_pull(queue, messages, count);
	weft__shared_lock_release(&memory->consumers.lock);
	if (code == 0)
		tell(&memory->room, *count > INT_MAX ? INT_MAX : (int)*count);
	/* It was closed before it was found to be empty. */
	return code == EAGAIN && is_closed ? EPIPE : code;
}

static int get_waiting(struct weft_queue *queue, struct iovec *messages, size_t *count)
{
	struct want want = {.queue = queue, .word = &queue->memory->items};
	int code = weft__interrupted();
	size_t wanted = *count;

	while (code == 0) {
		*count = wanted;
		code = get_now(queue, messages, count, true);
		if (code != EAGAIN)
			break;
		code = await(&want);
	}
	pass_on(&want);
	return code;
}

static int get_end(int code, const struct iovec *message, size_t *ret_len)
{
	if (ret_len && (code == 0 || code == EMSGSIZE))
		*ret_len = message->iov_len;
	if (code == EPIPE)
		return 0;
	return code ? fail(code) : 1;
}

int weft_queue_get(struct weft_queue *queue, void *buffer, size_t size_bytes, size_t *ret_len)
{
	struct iovec message = {buffer, size_bytes};
	size_t count = 1;

	return get_end(get_waiting(queue, &message, &count), &message, ret_len);
}

int weft_queue_try_get(struct weft_queue *queue, void *buffer, size_t size_bytes, size_t *ret_len)
{
	struct iovec message = {buffer, size_bytes};
	size_t count = 1;

	return get_end(get_now(queue, &message, &count, false), &message, ret_len);
}

ssize_t weft_queue_get_many(struct weft_queue *queue, struct iovec *messages, size_t count)
{
	int code;

	if (count == 0)
		return 0;
	code = get_waiting(queue, messages, &count);
	if (code == EPIPE)
		return 0;
	return code ? fail(code) : (ssize_t)count;
}

/* ---- Life ---------------------------------------------------------------------------------------
 */

/* What was asked for; what wasn't is 0. An errno. */
static int shape_init(struct weft__queue_shape *shape, const struct weft_queue_options *options)
{
	size_t capacity = CAPACITY_MIN;

	*shape = (struct weft__queue_shape){.version = WEFT__QUEUE_VERSION,
		.messages_max = options->messages_max,
		.message_bytes_max = options->message_bytes_max};
	if (options->capacity_bytes > WEFT_QUEUE_CAPACITY_MAX)
		return EINVAL;
	while (capacity < options->capacity_bytes)
		capacity *= 2;
	shape->capacity = options->capacity_bytes ? capacity : 0;
	if (!options->capacity_bytes)
		capacity = WEFT_QUEUE_CAPACITY;
	return shape->message_bytes_max > capacity - WEFT__QUEUE_UNIT ? EINVAL : 0;
}

/* Of a new queue. */
static void shape_complete(struct weft__queue_shape *shape)
{
	if (!shape->capacity)
		shape->capacity = WEFT_QUEUE_CAPACITY;
	if (!shape->messages_max)
		shape->messages_max = shape->capacity / WEFT__QUEUE_UNIT;
	if (!shape->message_bytes_max)
		shape->message_bytes_max = shape->capacity - WEFT__QUEUE_UNIT;
}

static int memory_init(void *data, size_t size, void *arg)
{
	struct weft__queue_memory *memory = data;

	(void)size;
	memory->shape = *(const struct weft__queue_shape *)arg;
	return 0;
}

/* Whether a queue that was found is one, and as it shall be. 0 or an errno. */
static int shape_check(
	const struct weft__queue_shape *shape, const struct weft__queue_shape *wanted, size_t size)
{
	uint64_t capacity = shape->capacity;

	if (shape->version != WEFT__QUEUE_VERSION || capacity < CAPACITY_MIN ||
		capacity > WEFT_QUEUE_CAPACITY_MAX || (capacity & (capacity - 1)))
		return EPROTO;
	if (size < sizeof(struct weft__queue_memory) + capacity || shape->messages_max == 0 ||
		shape->message_bytes_max > capacity - WEFT__QUEUE_UNIT)
		return EPROTO;
	if ((wanted->capacity && wanted->capacity != capacity) ||
		(wanted->messages_max && wanted->messages_max != shape->messages_max) ||
		(wanted->message_bytes_max &&
			wanted->message_bytes_max != shape->message_bytes_max))
		return EPROTOTYPE;
	return 0;
}

/* The queue of a segment, which is its from now on, also when this fails. */
static struct weft_queue *queue_of(
	struct weft_segment *segment, const struct weft__queue_shape *wanted)
{
	struct weft_queue *queue = segment ? malloc(sizeof *queue) : NULL;
	int code = errno;

	if (!queue)
		goto failed;
	*queue = (struct weft_queue){.segment = segment, .memory = weft_segment_data(segment)};
	code = EPROTO;
	if (weft_segment_size(segment) < sizeof(struct weft__queue_memory))
		goto failed;
	memcpy(&queue->shape, &queue->memory->shape, sizeof queue->shape);
	code = shape_check(&queue->shape, wanted, weft_segment_size(segment));
	if (code)
		goto failed;
	queue->units = (uint32_t)(queue->shape.capacity / WEFT__QUEUE_UNIT);
	queue->mask = queue->units - 1;
	return queue;

failed:
	weft_segment_free(segment);
	free(queue);
	errno = code;
	return NULL;
}

/* One that is there, or else a new one. NULL with ENOENT, EMSGSIZE: it has changed meanwhile. */
static struct weft_segment *open_segment(
	const char *name, const struct weft_queue_options *options, struct weft__queue_shape shape)
{
	struct weft_segment_options how = {.type = WEFT__QUEUE_TYPE,
		.mode = options->mode,
		.must_exist = true,
		.init = memory_init,
		.arg = &shape};
	struct weft_segment *segment = NULL;

	if (name && !options->must_be_new) {
		segment = weft_segment_new(name, 0, &how);
		if (segment || errno != ENOENT || options->must_exist)
			return segment;
	}
	shape_complete(&shape);
	how.must_exist = options->must_exist;
	how.must_be_new = options->must_be_new;
	return weft_segment_new(name, sizeof(struct weft__queue_memory) + shape.capacity, &how);
}

struct weft_queue *weft_queue_new(const char *name, const struct weft_queue_options *options)
{
	const struct weft_queue_options usual = {0};
	struct weft__queue_shape wanted;
	struct weft_segment *segment = NULL;
	int code = shape_init(&wanted, options ? options : &usual);

	if (code) {
		errno = code;
		return NULL;
	}
	for (int tries = 0; !segment && tries < NEW_TRIES_MAX; tries++) {
		segment = open_segment(name, options ? options : &usual, wanted);
		if (!segment && errno != EMSGSIZE)
			return NULL;
	}
	return queue_of(segment, &wanted);
}

struct weft_queue *weft_queue_attach(int fd)
{
	const struct weft__queue_shape any = {0};

	return queue_of(weft_segment_attach(fd, 0, WEFT__QUEUE_TYPE), &any);
}

void weft_queue_free(struct weft_queue *queue)
{
	if (!queue)
		return;
	weft_segment_free(queue->segment);
	free(queue);
}

int weft_queue_fd(const struct weft_queue *queue)
{
	return weft_segment_fd(queue->segment);
}

void weft_queue_close(struct weft_queue *queue)
{
	struct weft__queue_memory *memory = queue->memory;
	/* A put under way is in, or finds it closed; one that is held up may be lost. */
	int code = lock(&memory->producers.lock, false);

	atomic_store(&memory->is_closed, 1);
	if (code == 0)
		weft__shared_lock_release(&memory->producers.lock);
	atomic_fetch_or(&memory->items, OTHERS_WAIT);
	atomic_fetch_or(&memory->room, OTHERS_WAIT);
	tell(&memory->items, INT_MAX);
	tell(&memory->room, INT_MAX);
}

/* ---- What is in it
 * -------------------------------------------------------------------------------- */

size_t weft_queue_len(const struct weft_queue *queue)
{
	/* The head first: so it is never ahead of the tail. */
	uint64_t head = atomic_load(&queue->memory->consumers.position);
	uint32_t count =
		weft__queue_messages(atomic_load(&queue->memory->producers.position), head);

	return count > queue->units ? queue->units : count;
}

bool weft_queue_is_empty(const struct weft_queue *queue)
{
	return !weft__queue_has_items(queue);
}

bool weft_queue_is_full(const struct weft_queue *queue)
{
	return !weft__queue_has_room(queue, 1);
}

bool weft_queue_is_closed(const struct weft_queue *queue)
{
	return atomic_load(&queue->memory->is_closed);
}

void weft_queue_options(const struct weft_queue *queue, struct weft_queue_options *ret_options)
{
	*ret_options = (struct weft_queue_options){.capacity_bytes = queue->shape.capacity,
		.messages_max = queue->shape.messages_max,
		.message_bytes_max = queue->shape.message_bytes_max};
}
