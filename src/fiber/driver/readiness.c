/*
 * readiness.c - see readiness.h.
 *
 * Of each descriptor a worker remembers in which directions a call may succeed
 * (`ready`), and which of its fibers wait. All directions are ready at first. A
 * direction stops being ready when a call says EAGAIN, or, on TCP, when it moved fewer
 * bytes than it could have: what comes later is told by the kernel (epoll(7), question
 * 9). That saves the second, vain recv() of every turn of a conversation. It becomes
 * ready again when the kernel tells. An end or error that was told stays: the kernel
 * won't tell it twice, so from then on every call is tried.
 *
 * Waiters are served first come, first served: an event wakes the first in its
 * direction, who passes the baton on when he leaves and the direction is still ready.
 *
 * Must never: lock, or touch another worker's entries.
 */
#include "fiber/driver/readiness.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fiber/driver/fds.h"
#include "fiber/driver/thread.h"
#include "fiber/worker.h"

#define CHUNK_BITS  8
#define CHUNK_COUNT (1u << CHUNK_BITS)
#define CHUNKS_MAX  (WEFT__FDS_MAX / CHUNK_COUNT)

#define BOTH (POLLIN | POLLOUT)

/** No descriptor's: of an entry that was never used. */
#define NO_GENERATION UINT64_MAX

struct weft__fd_entry {
	struct weft_list waiters;
	uint64_t generation;
	uint8_t ready;  /* POLLIN and POLLOUT: a call may succeed */
	uint8_t armed;  /* POLLIN and POLLOUT: the kernel tells us */
	bool is_ending; /* an end or error was told: short counts prove nothing */
};

int weft__readiness_init(struct weft__readiness *readiness, const struct weft__driver_ops *ops,
	struct weft__worker *worker)
{
	int saved;

	readiness->driver.ops = ops;
	readiness->driver.worker = worker;
	readiness->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (readiness->wake_fd < 0)
		return -1;
	readiness->chunks = calloc(CHUNKS_MAX, sizeof(struct weft__fd_entry *));
	if (readiness->chunks)
		return 0;
	saved = errno;
	close(readiness->wake_fd);
	errno = saved;
	return -1;
}

void weft__readiness_fini(struct weft__readiness *readiness)
{
	for (size_t i = 0; i < CHUNKS_MAX; i++)
		free(readiness->chunks[i]);
	free(readiness->chunks);
	close(readiness->wake_fd);
}

/* ---- Time and waking ------------------------------------------------------------ */

static int64_t clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return WEFT_SECONDS(now.tv_sec) + now.tv_nsec;
}

int64_t weft__readiness_now(struct weft__driver *driver)
{
	(void)driver;
	return clock_read(CLOCK_MONOTONIC);
}

int64_t weft__readiness_now_coarse(struct weft__driver *driver)
{
	(void)driver;
	return clock_read(CLOCK_MONOTONIC_COARSE);
}

int64_t weft__readiness_timeout(struct weft__driver *driver, int64_t deadline_ns)
{
	int64_t left;

	if (deadline_ns == INT64_MAX)
		return -1;
	left = deadline_ns <= 0 ? 0 : deadline_ns - weft__readiness_now(driver);
	return left > 0 ? left : 0;
}

void weft__readiness_wake(struct weft__driver *driver)
{
	uint64_t one = 1;
	int saved = errno;

	/* It can only fail by being full, and then it has long been told. */
	if (write(((struct weft__readiness *)driver)->wake_fd, &one, sizeof one) < 0)
		errno = saved;
}

void weft__readiness_woken(struct weft__readiness *readiness)
{
	uint64_t count;
	int saved = errno;

	if (read(readiness->wake_fd, &count, sizeof count) < 0)
		errno = saved;
}

bool weft__readiness_is_idle(struct weft__driver *driver)
{
	return ((struct weft__readiness *)driver)->waiting == 0;
}

/* ---- Entries ------------------------------------------------------------------ */

static struct weft__fd_entry *entry_find(struct weft__readiness *readiness, int fd)
{
	struct weft__fd_entry *chunk;

	if (fd < 0 || fd >= WEFT__FDS_MAX)
		return NULL;
	chunk = readiness->chunks[(unsigned)fd >> CHUNK_BITS];
	return chunk ? &chunk[(unsigned)fd & (CHUNK_COUNT - 1)] : NULL;
}

static struct weft__fd_entry *entry_make(struct weft__readiness *readiness, int fd)
{
	struct weft__fd_entry *chunk = calloc(CHUNK_COUNT, sizeof *chunk);

	if (!chunk)
		return NULL;
	for (unsigned i = 0; i < CHUNK_COUNT; i++) {
		weft_list_init(&chunk[i].waiters);
		chunk[i].generation = NO_GENERATION;
	}
	readiness->chunks[(unsigned)fd >> CHUNK_BITS] = chunk;
	return entry_find(readiness, fd);
}

/* Ask the kernel for these directions of an entry, and no others. 0 or an errno value. */
static int entry_ask(
	struct weft__readiness *readiness, struct weft__fd_entry *entry, int fd, int directions)
{
	struct weft__interest interest = {.fd = fd,
		.generation = (uint32_t)entry->generation,
		.before = entry->armed,
		.after = directions};
	int code = readiness->interest(readiness, &interest);

	if (!code)
		entry->armed = (uint8_t)directions;
	return code;
}

/* The number names another description now: whoever waits on the old one gets EBADF. */
static void entry_renew(struct weft__readiness *readiness, struct weft__fd_entry *entry, int fd,
	uint32_t generation)
{
	struct weft__worker *worker = readiness->driver.worker;
	struct weft_list_node *node;

	if (readiness->is_level && entry->armed)
		entry_ask(readiness, entry, fd, 0);

	while ((node = weft_list_pop_front(&entry->waiters))) {
		struct weft__watch *waiter = weft_container_of(node, struct weft__watch, node);

		waiter->is_closed = true;
		readiness->waiting--;
		weft__ready(worker, waiter->fiber);
	}
	entry->generation = generation;
	entry->ready = BOTH;
	entry->armed = 0;
	entry->is_ending = false;
}

/* Wake the first waiter in each of these directions, and every poll. */
static void wake_waiters(struct weft__worker *worker, struct weft__fd_entry *entry, int directions)
{
	for (struct weft_list_node *node = entry->waiters.head.next;
		node != &entry->waiters.head && directions; node = node->next) {
		struct weft__watch *waiter = weft_container_of(node, struct weft__watch, node);

		if (!(waiter->events & directions))
			continue;
		weft__ready(worker, waiter->fiber);
		if (!waiter->is_poll)
			directions &= ~waiter->events;
	}
}

/* The directions in which somebody waits. */
static int awaited(struct weft__fd_entry *entry)
{
	int directions = 0;

	weft_list_each (node, &entry->waiters)
		directions |= weft_container_of(node, struct weft__watch, node)->events;
	return directions;
}

void weft__readiness_event(
	struct weft__readiness *readiness, int fd, uint32_t generation, int events)
{
	struct weft__fd_entry *entry = entry_find(readiness, fd);

	if (!entry || entry->generation != generation)
		return;
	if (events & ~BOTH) {
		events |= BOTH;
		entry->is_ending = true;
	}
	entry->ready |= events & BOTH;
	wake_waiters(readiness->driver.worker, entry, events & BOTH);
	if (readiness->is_level && (entry->armed & events & ~awaited(entry)))
		entry_ask(readiness, entry, fd, entry->armed & awaited(entry));
}

static void forget_if_stale(struct weft__readiness *readiness, struct weft__fd_entry *entry, int fd)
{
	uint32_t generation = atomic_load(&weft__fd_of(fd)->generation);

	if (entry->generation != NO_GENERATION && entry->generation != generation)
		entry_renew(readiness, entry, fd, generation);
}

void weft__readiness_forget(struct weft__driver *driver, int fd)
{
	struct weft__readiness *readiness = (struct weft__readiness *)driver;

	if (fd >= 0) {
		if (entry_find(readiness, fd))
			forget_if_stale(readiness, entry_find(readiness, fd), fd);
		return;
	}
	for (unsigned i = 0; i < CHUNKS_MAX; i++)
		for (unsigned k = 0; readiness->chunks[i] && k < CHUNK_COUNT; k++)
			forget_if_stale(
				readiness, &readiness->chunks[i][k], (int)(i * CHUNK_COUNT + k));
}

/* ---- Operations ----------------------------------------------------------------- */

/* Whether nobody else waits, or waits longer, for the same. */
static bool is_first(struct weft__fd_entry *entry, struct weft__watch *self)
{
	for (struct weft_list_node *node = entry->waiters.head.next;
		node != &entry->waiters.head && node != &self->node; node = node->next)
		if (weft_container_of(node, struct weft__watch, node)->events & self->events)
			return false;
	return true;
}

/*
 * A descriptor made elsewhere may be blocking, and may have been closed and opened anew
 * behind our back: it is looked at before each call that has no MSG_DONTWAIT.
 */
static void make_nonblocking(const struct weft__op *op)
{
	int flags;

	if (weft__op_is_among(op, WEFT__OPS_WITH_FLAGS))
		return;
	flags = fcntl(op->fd, F_GETFL);
	if (flags >= 0 && !(flags & O_NONBLOCK))
		fcntl(op->fd, F_SETFL, flags | O_NONBLOCK);
}

/* Where the length is spread over iovecs it is not worth adding up. */
static bool is_short(const struct weft__op *op, int64_t result)
{
	const unsigned kinds = 1u << WEFT__OP_READ | 1u << WEFT__OP_RECV | 1u << WEFT__OP_WRITE |
			       1u << WEFT__OP_SEND;

	return result > 0 && (size_t)result < op->len && op->flags == 0 &&
	       weft__op_is_among(op, kinds);
}

/* The kernel isn't asked yet. 0 or an errno value. */
static int arm(struct weft__readiness *readiness, struct weft__fd *known,
	struct weft__fd_entry *entry, const struct weft__watch *watch)
{
	int code = entry_ask(readiness, entry, watch->fd,
		readiness->is_level ? entry->armed | watch->events : BOTH);

	/* After it: who closes the descriptor, and sees that we remember it, closes it later. */
	if (!code)
		code = weft__fd_remember(
			known, (uint32_t)entry->generation, readiness->driver.worker->index);
	return code;
}

/* Before a wait. What isn't ours may be closed without our knowing: armed anew each time. */
static int arm_as_needed(struct weft__readiness *readiness, struct weft__fd *known,
	struct weft__fd_entry *entry, const struct weft__watch *watch)
{
	uint32_t traits = atomic_load_explicit(&known->traits, memory_order_relaxed);

	if ((traits & WEFT__FD_OURS) && (entry->armed & watch->events) == watch->events)
		return 0;
	return arm(readiness, known, entry, watch);
}

/* Wait in line, and try when it is our turn and the direction is ready. */
static int64_t wait_in_line(struct weft__readiness *readiness, struct weft__fd *known,
	struct weft__fd_entry *entry, struct weft__op *op)
{
	struct weft__worker *worker = readiness->driver.worker;
	struct weft__fiber *fiber = worker->current;
	const struct weft__wait wait = {
		.kind = WEFT__WAIT_FD, .number = op->fd, .events = weft__op_direction(op)};
	struct weft__watch self = {.fiber = fiber,
		.fd = op->fd,
		.events = wait.events,
		.is_poll = op->kind == WEFT__OP_POLL};
	int64_t result;

	weft_list_push_back(&entry->waiters, &self.node);
	readiness->waiting++;
	for (;;) {
		result = -arm_as_needed(readiness, known, entry, &self);
		if (result)
			break;
		weft__park(worker, &wait);
		if (self.is_closed)
			return -EBADF; /* off the list already */
		if (fiber->context.interrupt) {
			result = -fiber->context.interrupt;
			break;
		}
		if (!(entry->ready & self.events) || (!self.is_poll && !is_first(entry, &self)))
			continue;
		result = weft__attempt(op);
		if (result != -EAGAIN)
			break;
		entry->ready &= ~self.events;
	}
	weft_list_remove(&self.node);
	readiness->waiting--;
	return result;
}

/* connect(2) waits by itself when it is called again; on Unix sockets nothing tells when. */
static int64_t connect_wait(struct weft__readiness *readiness, struct weft__fd *known,
	struct weft__fd_entry *entry, struct weft__op *op)
{
	struct weft__op until = {.kind = WEFT__OP_POLL, .fd = op->fd, .flags = POLLOUT};
	int code = 0;
	socklen_t len = sizeof code;
	int64_t result = wait_in_line(readiness, known, entry, &until);

	if (result < 0)
		return result;
	if (getsockopt(op->fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
		return -errno;
	return -code;
}

static int64_t connect_perform(struct weft__readiness *readiness, struct weft__fd *known,
	struct weft__fd_entry *entry, struct weft__op *op)
{
	int64_t result = weft__connect_attempt(op);

	if (result != -EINPROGRESS && result != -EALREADY)
		return result;
	return connect_wait(readiness, known, entry, op);
}

/* A call that may succeed, and that nobody has been waiting for. */
static bool may_try(struct weft__fd_entry *entry, const struct weft__op *op, int direction)
{
	struct weft__watch self = {.events = direction};

	if (op->kind >= WEFT__OP_POLL || weft__op_is_impatient(op))
		return true;
	return (entry->ready & direction) &&
	       (weft_list_is_empty(&entry->waiters) || is_first(entry, &self));
}

static int64_t transfer(struct weft__readiness *readiness, struct weft__fd *known,
	struct weft__fd_entry *entry, struct weft__op *op)
{
	int direction = weft__op_direction(op);
	bool is_tcp = atomic_load_explicit(&known->traits, memory_order_relaxed) & WEFT__FD_TCP;
	int64_t result = -EAGAIN;

	if (may_try(entry, op, direction)) {
		result = weft__attempt(op);
		if (result == -EAGAIN)
			entry->ready &= ~direction;
	}
	if (result == -EAGAIN && !weft__op_is_impatient(op)) {
		result = wait_in_line(readiness, known, entry, op);
		if (result == -EBADF)
			return result; /* the entry is somebody else's now */
	}
	if (is_tcp && !entry->is_ending && is_short(op, result))
		entry->ready &= ~direction;
	if (!weft_list_is_empty(&entry->waiters))
		wake_waiters(readiness->driver.worker, entry, entry->ready & direction);
	return result;
}

/* The entry of a descriptor, as of its present generation; NULL with -errno in *ret_code. */
static struct weft__fd_entry *entry_open(
	struct weft__readiness *readiness, int fd, struct weft__fd **ret_known, int *ret_code)
{
	struct weft__fd *known = weft__fd_of(fd);
	struct weft__fd_entry *entry = entry_find(readiness, fd);
	uint32_t generation;

	if (!known || (!entry && !(entry = entry_make(readiness, fd)))) {
		*ret_code = fd < 0 ? -EBADF : fd < WEFT__FDS_MAX ? -ENOMEM : -EMFILE;
		return NULL;
	}
	generation = weft__fd_generation(known);
	if (entry->generation != generation)
		entry_renew(readiness, entry, fd, generation);
	*ret_known = known;
	return entry;
}

int64_t weft__readiness_perform(struct weft__driver *driver, struct weft__op *op)
{
	struct weft__readiness *readiness = (struct weft__readiness *)driver;
	struct weft__fd_entry *entry;
	struct weft__fd *known;
	int code;

	if (weft__op_is_among(op, WEFT__OPS_ON_FILES))
		return -EOPNOTSUPP;
	if (weft__op_direction(op) == 0)
		return -EINVAL; /* a poll for nothing */
	entry = entry_open(readiness, op->fd, &known, &code);
	if (!entry)
		return code;
	if (!(atomic_load_explicit(&known->traits, memory_order_relaxed) & WEFT__FD_OURS)) {
		make_nonblocking(op);
		if (weft_list_is_empty(&entry->waiters))
			entry->ready = BOTH; /* it may be another file by now */
	}
	return op->kind == WEFT__OP_CONNECT ? connect_perform(readiness, known, entry, op)
					    : transfer(readiness, known, entry, op);
}

/* ---- Watching ---------------------------------------------------------------------- */

int weft__readiness_watch(struct weft__driver *driver, struct weft__watch *watch)
{
	struct weft__readiness *readiness = (struct weft__readiness *)driver;
	struct weft__fd_entry *entry;
	struct weft__fd *known;
	int code;

	entry = entry_open(readiness, watch->fd, &known, &code);
	if (!entry)
		return code;
	watch->is_poll = true;
	watch->is_closed = false;
	code = arm_as_needed(readiness, known, entry, watch);
	if (code)
		return -code;
	weft_list_push_back(&entry->waiters, &watch->node);
	readiness->waiting++;
	return 0;
}

void weft__readiness_unwatch(struct weft__driver *driver, struct weft__watch *watch)
{
	if (watch->is_closed)
		return;
	weft_list_remove(&watch->node);
	((struct weft__readiness *)driver)->waiting--;
}
