/*
 * uring_entry.c - who waits on which descriptor, and what becomes of them at its close.
 *
 * Operations of one direction wait in line: the first has a request in the kernel, the
 * others sleep until they are the first. So input goes to who has waited longest, and a
 * thousand readers of one descriptor are one request.
 *
 * A request keeps the file open that it is for, even when the descriptor is closed
 * (epoll's registrations don't). So a descriptor that is forgotten is cleared of its
 * requests before weft_close() goes on to close it, and the peer sees the end at once.
 *
 * Must never: lock, or touch another worker's entries.
 */
#include <errno.h>
#include <stdlib.h>

#include "fiber/driver/uring.h"
#include "fiber/worker.h"

#define CHUNK_BITS  8
#define CHUNK_COUNT (1u << CHUNK_BITS)
#define CHUNKS_MAX  (WEFT__FDS_MAX / CHUNK_COUNT)

/** No descriptor's: of an entry that was never used. */
#define NO_GENERATION UINT64_MAX

/* ---- Entries ------------------------------------------------------------------------ */

int weft__uring_entries_init(struct uring *uring)
{
	uring->chunks = calloc(CHUNKS_MAX, sizeof(struct weft__uring_entry *));
	return uring->chunks ? 0 : -ENOMEM;
}

void weft__uring_entries_fini(struct uring *uring)
{
	for (size_t i = 0; uring->chunks && i < CHUNKS_MAX; i++)
		free(uring->chunks[i]);
	free(uring->chunks);
}

struct weft__uring_entry *weft__uring_entry_find(struct uring *uring, int fd)
{
	struct weft__uring_entry *chunk;

	if (fd < 0 || fd >= WEFT__FDS_MAX)
		return NULL;
	chunk = uring->chunks[(unsigned)fd >> CHUNK_BITS];
	return chunk ? &chunk[(unsigned)fd & (CHUNK_COUNT - 1)] : NULL;
}

static struct weft__uring_entry *entry_make(struct uring *uring, int fd)
{
	struct weft__uring_entry *chunk = calloc(CHUNK_COUNT, sizeof *chunk);

	if (!chunk)
		return NULL;
	for (unsigned i = 0; i < CHUNK_COUNT; i++) {
		for (unsigned line = 0; line < WEFT__URING_LINE_COUNT; line++)
			weft_list_init(&chunk[i].lines[line]);
		weft_list_init(&chunk[i].watches);
		chunk[i].generation = NO_GENERATION;
	}
	uring->chunks[(unsigned)fd >> CHUNK_BITS] = chunk;
	return weft__uring_entry_find(uring, fd);
}

/* A request is answered soon, and that wakes its fiber; who has none yet is woken here. */
static void line_close(struct uring *uring, struct weft__uring_entry *entry, struct weft_list *line)
{
	struct weft_list_node *node;

	while ((node = weft_list_pop_front(line))) {
		struct weft__uring_waiter *waiter =
			weft_container_of(node, struct weft__uring_waiter, node);

		waiter->is_closed = true;
		weft__ready(uring->driver.worker, waiter->request.fiber);
		if (!waiter->request.is_pending)
			continue;
		if (weft__uring_withdraw(uring, (uintptr_t)&waiter->request)) {
			waiter->request.is_pending = false;
			waiter->request.result = -ECANCELED;
			continue;
		}
		if (waiter->request.is_cancelling)
			continue;
		waiter->request.is_cancelling = true;
		entry->is_held = true;
		weft__uring_cancel(uring, (uintptr_t)&waiter->request);
	}
}

static void watch_disarm(struct uring *uring, struct weft__uring_entry *entry, int fd)
{
	uint64_t user_data = weft__uring_watch_data(fd, entry->watch_serial);

	if (!entry->watch_serial)
		return;
	entry->watch_serial = 0;
	if (weft__uring_withdraw(uring, user_data))
		return;
	weft__uring_cancel(uring, user_data);
	entry->is_held = true;
}

/* The number names another description now: whoever waits on the old one gets EBADF. */
static void entry_renew(
	struct uring *uring, struct weft__uring_entry *entry, int fd, uint32_t generation)
{
	struct weft_list_node *node;

	for (unsigned line = 0; line < WEFT__URING_LINE_COUNT; line++)
		line_close(uring, entry, &entry->lines[line]);
	while ((node = weft_list_pop_front(&entry->watches))) {
		struct weft__watch *watch = weft_container_of(node, struct weft__watch, node);

		watch->is_closed = true;
		weft__ready(uring->driver.worker, watch->fiber);
	}
	watch_disarm(uring, entry, fd);
	entry->generation = generation;
	entry->may_have_input = true;
	entry->has_no_receive = entry->has_no_accept = false;
}

struct weft__uring_entry *weft__uring_entry_open(
	struct uring *uring, int fd, struct weft__fd **ret_known, int *ret_code)
{
	struct weft__fd *known = weft__fd_of(fd);
	struct weft__uring_entry *entry = weft__uring_entry_find(uring, fd);
	uint32_t generation;

	if (!known || (!entry && !(entry = entry_make(uring, fd)))) {
		*ret_code = fd < 0 ? -EBADF : fd < WEFT__FDS_MAX ? -ENOMEM : -EMFILE;
		return NULL;
	}
	generation = weft__fd_generation(known);
	if (entry->generation != generation)
		entry_renew(uring, entry, fd, generation);
	*ret_known = known;
	return entry;
}

/* ---- Closing ---------------------------------------------------------------------------- */

static void forget_if_stale(struct uring *uring, struct weft__uring_entry *entry, int fd)
{
	uint32_t generation = atomic_load(&weft__fd_of(fd)->generation);

	if (entry->generation != NO_GENERATION && entry->generation != generation)
		entry_renew(uring, entry, fd, generation);
}

void weft__uring_entry_check(struct uring *uring, int fd)
{
	struct weft__uring_entry *entry = weft__uring_entry_find(uring, fd);

	if (entry)
		forget_if_stale(uring, entry, fd);
}

static void forget_all(struct uring *uring)
{
	for (unsigned i = 0; i < CHUNKS_MAX; i++)
		for (unsigned k = 0; uring->chunks[i] && k < CHUNK_COUNT; k++)
			forget_if_stale(uring, &uring->chunks[i][k], (int)(i * CHUNK_COUNT + k));
	weft__uring_flush(uring);
}

void weft__uring_forget(struct weft__driver *driver, int fd)
{
	struct uring *uring = (struct uring *)driver;
	struct weft__uring_entry *entry;

	if (fd < 0) {
		forget_all(uring);
		return;
	}
	entry = weft__uring_entry_find(uring, fd);
	if (!entry)
		return;
	forget_if_stale(uring, entry, fd);
	if (entry->is_held)
		weft__uring_flush(uring);
	entry->is_held = false;
}

/* ---- Lines ---------------------------------------------------------------------------- */

int weft__uring_line_join(struct uring *uring, struct weft__uring_entry *entry,
	struct weft__fd *known, enum weft__uring_line line, struct weft__uring_waiter *self)
{
	int code =
		weft__fd_remember(known, (uint32_t)entry->generation, uring->driver.worker->index);

	if (code)
		return -code;
	self->request.fiber = uring->driver.worker->current;
	weft_list_push_back(&entry->lines[line], &self->node);
	return 0;
}

void weft__uring_line_leave(struct uring *uring, struct weft__uring_entry *entry,
	enum weft__uring_line line, struct weft__uring_waiter *self)
{
	struct weft_list_node *next;

	if (self->is_closed)
		return;
	weft_list_remove(&self->node);
	next = weft_list_first(&entry->lines[line]);
	if (next && line != WEFT__URING_LINE_NONE)
		weft__ready(uring->driver.worker,
			weft_container_of(next, struct weft__uring_waiter, node)->request.fiber);
}

/* ---- Watching --------------------------------------------------------------------------- */

static void watch_arm(struct uring *uring, struct weft__uring_entry *entry, int fd, int events)
{
	struct io_uring_sqe *sqe;

	watch_disarm(uring, entry, fd);
	entry->watch_serial = weft__uring_serial(uring);
	entry->watch_events = events;
	sqe = weft__uring_sqe(uring);
	io_uring_prep_poll_multishot(sqe, fd, (unsigned)events);
	io_uring_sqe_set_data64(sqe, weft__uring_watch_data(fd, entry->watch_serial));
}

void weft__uring_watch_event(
	struct uring *uring, int fd, uint32_t serial, const struct io_uring_cqe *cqe)
{
	struct weft__uring_entry *entry = weft__uring_entry_find(uring, fd);
	int events = cqe->res < 0 ? POLLIN | POLLOUT : cqe->res;

	if (!entry || entry->watch_serial != serial)
		return;
	if (events & ~(POLLIN | POLLOUT))
		events |= POLLIN | POLLOUT; /* an end, or an error: whoever looks will see */
	if (!(cqe->flags & IORING_CQE_F_MORE)) {
		entry->watch_serial = 0;
		if (cqe->res >= 0)
			watch_arm(uring, entry, fd, entry->watch_events);
	}
	weft_list_each (node, &entry->watches) {
		struct weft__watch *watch = weft_container_of(node, struct weft__watch, node);

		if (watch->events & events)
			weft__ready(uring->driver.worker, watch->fiber);
	}
}

int weft__uring_watch(struct weft__driver *driver, struct weft__watch *watch)
{
	struct uring *uring = (struct uring *)driver;
	struct weft__uring_entry *entry;
	struct weft__fd *known;
	int code;

	entry = weft__uring_entry_open(uring, watch->fd, &known, &code);
	if (!entry)
		return code;
	code = weft__fd_remember(known, (uint32_t)entry->generation, driver->worker->index);
	if (code)
		return -code;
	watch->is_poll = true;
	watch->is_closed = false;
	if (!entry->watch_serial || (watch->events & ~entry->watch_events))
		watch_arm(uring, entry, watch->fd,
			watch->events | (entry->watch_serial ? entry->watch_events : 0));
	weft_list_push_back(&entry->watches, &watch->node);
	return 0;
}

void weft__uring_unwatch(struct weft__driver *driver, struct weft__watch *watch)
{
	struct uring *uring = (struct uring *)driver;
	struct weft__uring_entry *entry = weft__uring_entry_find(uring, watch->fd);

	if (watch->is_closed)
		return;
	weft_list_remove(&watch->node);
	if (weft_list_is_empty(&entry->watches))
		watch_disarm(uring, entry, watch->fd);
}
