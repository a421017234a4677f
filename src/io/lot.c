/*
 * lot.c - see lot.h.
 *
 * The attendant sleeps until a parked descriptor is readable, or the first one's time is up.
 * It looks no further than BATCH at a time, so that the fibers it starts get their turn.
 *
 * Never: wakes a worker for a connection that stays silent, or touches one that has left.
 */
#include "io/lot.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "weft/scope.h"
#include "weft/socket.h"

#define BATCH 64

void weft__lot_init(struct weft__lot *lot, int64_t timeout_ns,
	void (*leave)(struct weft__parked *parked, bool has_bytes))
{
	*lot = (struct weft__lot){.epoll_fd = -1, .timeout_ns = timeout_ns, .leave = leave};
	weft_list_init(&lot->parked);
	atomic_init(&lot->first_ns, INT64_MAX);
}

static struct weft__parked *first(struct weft__lot *lot)
{
	struct weft_list_node *node = weft_list_first(&lot->parked);

	return node ? weft_container_of(node, struct weft__parked, node) : NULL;
}

/* For other workers to see. */
static void tell(struct weft__lot *lot, int change)
{
	const struct weft__parked *parked = first(lot);

	atomic_fetch_add_explicit(&lot->count, (unsigned)change, memory_order_relaxed);
	atomic_store_explicit(
		&lot->first_ns, parked ? parked->deadline_ns : INT64_MAX, memory_order_relaxed);
}

static void send_out(struct weft__lot *lot, struct weft__parked *parked, bool has_bytes)
{
	weft_list_remove(&parked->node);
	tell(lot, -1);
	epoll_ctl(lot->epoll_fd, EPOLL_CTL_DEL, parked->fd, NULL);
	lot->leave(parked, has_bytes);
}

bool weft__lot_evict(struct weft__lot *lot)
{
	struct weft__parked *oldest = first(lot);

	if (!oldest)
		return false;
	send_out(lot, oldest, false);
	return true;
}

/* ---- The attendant ------------------------------------------------------------------------ */

static void send_out_late(struct weft__lot *lot)
{
	int64_t now_ns = weft_now();
	struct weft__parked *parked;

	while ((parked = first(lot)) != NULL && parked->deadline_ns <= now_ns)
		send_out(lot, parked, false);
}

static void send_out_readable(struct weft__lot *lot)
{
	struct epoll_event events[BATCH];
	int count = epoll_wait(lot->epoll_fd, events, BATCH, 0);

	for (int i = 0; i < count; i++)
		send_out(lot, events[i].data.ptr, true);
}

/* Nobody who comes while it is empty has to leave before the attendant looks again. */
static int64_t time_left(struct weft__lot *lot)
{
	struct weft__parked *parked = first(lot);
	int64_t left_ns = parked ? parked->deadline_ns - weft_now() : lot->timeout_ns;

	return left_ns > 0 ? left_ns : 0;
}

static int attend(void *arg)
{
	struct weft__lot *lot = arg;
	int result = 0;

	while (result >= 0 || errno != ECANCELED) {
		WEFT_WITH_TIMEOUT (time_left(lot))
			result = weft_wait_fd(lot->epoll_fd, POLLIN);
		if (result >= 0)
			send_out_readable(lot);
		else if (errno == ETIMEDOUT)
			send_out_late(lot);
		else if (errno != ECANCELED && weft_sleep(WEFT_MILLISECONDS(10)) < 0)
			break; /* memory is short, say: a little later */
		if (result >= 0)
			weft_yield();
	}
	return 0;
}

/* ---- Coming and going ---------------------------------------------------------------------- */

static int open_lot(struct weft__lot *lot)
{
	struct weft_spawn_options options = {
		.name = "parked", .worker = (unsigned)weft_worker_index() + 1};

	lot->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (lot->epoll_fd < 0)
		return -1;
	lot->attendant = weft_spawn_with(&options, attend, lot);
	if (lot->attendant)
		return 0;
	close(lot->epoll_fd);
	lot->epoll_fd = -1;
	return -1;
}

int weft__lot_enter(struct weft__lot *lot, struct weft__parked *parked)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = parked};

	if (lot->epoll_fd < 0 && open_lot(lot) < 0)
		return -1;
	if (epoll_ctl(lot->epoll_fd, EPOLL_CTL_ADD, parked->fd, &event) < 0)
		return -1;
	parked->deadline_ns = weft_now() + lot->timeout_ns;
	weft_list_push_back(&lot->parked, &parked->node);
	tell(lot, 1);
	return 0;
}

void weft__lot_fini(struct weft__lot *lot)
{
	if (lot->epoll_fd < 0)
		return;
	WEFT_SHIELDED {
		weft_cancel(lot->attendant);
		weft_join(lot->attendant, NULL, WEFT_FOREVER);
	}
	while (weft__lot_evict(lot))
		;
	close(lot->epoll_fd);
	lot->epoll_fd = -1;
}
