/*
 * close.c - weft_close(): waiters wake with EBADF; and waiting for a free descriptor.
 *
 * The number gets a new generation before the kernel closes it, so nothing that was
 * remembered of it counts any more. Workers that remembered it are told afterwards; who
 * begins to wait in between is refused (WEFT__FD_CLOSING). To tell takes no memory, so it
 * can't fail.
 */
#include "fiber/driver/fds.h"
#include "fiber/driver/thread.h"
#include "fiber/runtime.h"
#include "fiber/waiter.h"
#include "weft/socket.h"

/** Somebody else's close can't be seen: look again this often. */
#define DESCRIPTOR_LOOK_INTERVAL WEFT_MILLISECONDS(100)

struct hungry {
	struct weft_list_node node;
	struct weft__waiter waiter;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct weft_list hungry_waiters = {{&hungry_waiters.head, &hungry_waiters.head}};
static _Atomic unsigned hungry_count;

/* ---- Closing ------------------------------------------------------------------------ */

/* Make each worker that remembered the number look which of its waiters wait in vain. */
static void tell_workers(uint64_t workers)
{
	struct weft__runtime *runtime;

	if (!weft__worker)
		pthread_mutex_lock(&weft__outside);
	runtime = atomic_load(&weft__runtime);
	for (unsigned i = 0; runtime && i < runtime->worker_count; i++) {
		if (!(workers & UINT64_C(1) << i))
			continue;
		atomic_store(&runtime->workers[i]->has_stale, true);
		weft__worker_poke(runtime->workers[i]);
	}
	if (!weft__worker)
		pthread_mutex_unlock(&weft__outside);
}

static void feed_hungry(void)
{
	struct weft_list_node *node;

	pthread_mutex_lock(&mutex);
	node = weft_list_pop_front(&hungry_waiters);
	if (node)
		weft__waiter_wake(&weft_container_of(node, struct hungry, node)->waiter);
	pthread_mutex_unlock(&mutex);
}

void weft__close_forked(void)
{
	mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	weft_list_init(&hungry_waiters);
	atomic_store(&hungry_count, 0);
}

int weft_close(int fd)
{
	uint64_t workers = weft__fd_closing(fd);
	struct weft__driver *driver;
	const struct weft__net_ops *net = weft__net(&driver);
	int result;

	if (weft__worker) {
		weft__worker->driver->ops->forget(weft__worker->driver, fd);
		workers &= ~(UINT64_C(1) << weft__worker->index);
	}
	weft__thread_closing(fd);
	result = net->close(driver, fd);
	weft__fd_closed(fd);
	if (result < 0 && errno == EINTR)
		result = 0; /* on Linux it is closed all the same (close(2)) */
	if (workers)
		tell_workers(workers);
	if (atomic_load(&hungry_count) > 0)
		feed_hungry();
	return result;
}

/* ---- Waiting for a free descriptor ----------------------------------------------------- */

static void wait_hungry(struct hungry *self)
{
	weft__waiter_wait(&self->waiter);

	pthread_mutex_lock(&mutex);
	weft_list_remove(&self->node); /* who took it off before also woke it, under the mutex */
	pthread_mutex_unlock(&mutex);
}

int weft_wait_descriptor(void)
{
	struct hungry self;
	struct weft_timeout look;
	int code = weft_interrupted();

	if (!code) {
		weft_list_node_init(&self.node);
		weft__waiter_init(&self.waiter, WEFT__WAIT_DESCRIPTOR, NULL);
		atomic_fetch_add(&hungry_count, 1);
		pthread_mutex_lock(&mutex);
		weft_list_push_back(&hungry_waiters, &self.node);
		pthread_mutex_unlock(&mutex);
		weft_timeout_begin(&look, DESCRIPTOR_LOOK_INTERVAL);
		wait_hungry(&self);
		weft_timeout_end(&look);
		atomic_fetch_sub(&hungry_count, 1);
		code = weft_interrupted();
	}
	if (!code)
		return 0;
	errno = code;
	return -1;
}
