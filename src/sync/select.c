/*
 * select.c - wait for the first of several sends, receives, descriptors and timers.
 *
 *	poll the descriptors -> enter the gates of all channels, in the order of their addresses
 *	  one case can go on?  carry it out; leave; done
 *	  else a node into the list of each channel; leave
 *	wait: for another to claim us for one of its channels, a descriptor, a timer, the scope
 *	  whatever comes claims us, so only one thing does
 *	take the nodes out of the channels where they still are
 *
 * Holding all gates at once makes looking and queueing one step: nobody can come in
 * between, and a select that is half queued is never seen by another.
 *
 * Must never: carry out two cases, or return before the one who claimed us has woken us;
 * he works on our stack.
 */
#include <assert.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "fiber/doze.h"
#include "sync/chan.h"

enum claim {
	NOBODY = -1,
	GIVEN_UP = -2,
};

struct selecting {
	struct weft_select_case *cases;
	size_t count, fd_count;
	ssize_t default_case, timer_case; /* -1: none; the timer that comes first */
	unsigned start;                   /* where looks begin */
	struct weft__select shared;
	uint8_t order[WEFT_SELECT_MAX]; /* cases with channels, by their addresses */
	size_t order_count;
	struct weft__chan_node nodes[WEFT_SELECT_MAX];
};

static bool is_chan_case(const struct weft_select_case *one)
{
	return (one->kind == WEFT_SELECT_KIND_SEND || one->kind == WEFT_SELECT_KIND_RECV) &&
	       one->chan;
}

static bool is_fd_case(const struct weft_select_case *one)
{
	return one->kind == WEFT_SELECT_KIND_FD && one->fd >= 0;
}

static struct weft_waitlist *list_of(const struct weft_select_case *one)
{
	return one->kind == WEFT_SELECT_KIND_SEND ? &one->chan->senders : &one->chan->receivers;
}

/* ---- Preparing ---------------------------------------------------------------------- */

/* Where to begin, so that no case is preferred. Under the simulator its seed decides. */
static unsigned choose_start(size_t count)
{
	static __thread uint32_t state = 1;
	struct weft__worker *worker = weft__worker;

	if (count < 2)
		return 0;
	if (worker && worker->driver->ops->random)
		return (unsigned)(worker->driver->ops->random(worker->driver) % count);
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % (unsigned)count;
}

/* By insertion: there are few. */
static void order_add(struct selecting *self, size_t index)
{
	uintptr_t address = (uintptr_t)self->cases[index].chan;
	size_t place = self->order_count++;

	for (; place > 0; place--) {
		if ((uintptr_t)self->cases[self->order[place - 1]].chan <= address)
			break;
		self->order[place] = self->order[place - 1];
	}
	self->order[place] = (uint8_t)index;
}

static bool is_sooner(const struct selecting *self, int64_t timeout_ns)
{
	return timeout_ns >= 0 &&
	       (self->timer_case < 0 || timeout_ns < self->cases[self->timer_case].timeout_ns);
}

static int prepare(struct selecting *self)
{
	self->fd_count = self->order_count = 0;
	self->default_case = self->timer_case = -1;
	for (size_t i = 0; i < self->count; i++) {
		struct weft_select_case *one = &self->cases[i];

		if (one->kind < WEFT_SELECT_KIND_SEND || one->kind > WEFT_SELECT_KIND_DEFAULT)
			return EINVAL;
		one->result = 0;
		if (is_chan_case(one))
			order_add(self, i);
		else if (is_fd_case(one))
			self->fd_count++;
		else if (one->kind == WEFT_SELECT_KIND_DEFAULT)
			self->default_case = (ssize_t)i;
		else if (one->kind == WEFT_SELECT_KIND_TIMER && is_sooner(self, one->timeout_ns))
			self->timer_case = (ssize_t)i;
	}
	self->start = choose_start(self->count);
	return 0;
}

/* ---- All gates at once ----------------------------------------------------------------- */

/* A channel that stands in several cases comes several times in a row. */
static void enter_all(struct selecting *self)
{
	struct weft_chan *previous = NULL;

	for (size_t i = 0; i < self->order_count; i++) {
		struct weft_chan *chan = self->cases[self->order[i]].chan;

		if (chan != previous)
			weft__gate_enter(&chan->gate);
		previous = chan;
	}
}

static void leave_all(struct selecting *self)
{
	struct weft_chan *previous = NULL;

	for (size_t i = 0; i < self->order_count; i++) {
		struct weft_chan *chan = self->cases[self->order[i]].chan;

		if (chan != previous)
			weft__gate_leave(&chan->gate);
		previous = chan;
	}
}

/* Whether this case could go on, and did. */
static bool try_case(struct weft_select_case *one, struct weft__chan_node **ret_wake)
{
	if (one->kind == WEFT_SELECT_KIND_FD)
		return one->result != 0;
	if (one->kind == WEFT_SELECT_KIND_TIMER)
		return one->timeout_ns == 0;
	if (!is_chan_case(one))
		return false;
	one->result = one->kind == WEFT_SELECT_KIND_SEND
			      ? weft__chan_send_now(one->chan, one->item, ret_wake)
			      : weft__chan_recv_now(one->chan, one->ret_item, ret_wake);
	return one->result != WEFT__CHAN_WAIT;
}

static void queue_all(struct selecting *self)
{
	atomic_store_explicit(&self->shared.claimed, NOBODY, memory_order_relaxed);
	for (size_t i = 0; i < self->order_count; i++) {
		size_t index = self->order[i];
		struct weft_select_case *one = &self->cases[index];
		struct weft__chan_node *node = &self->nodes[index];

		node->select = &self->shared;
		node->index = (int)index;
		node->node.waiter = &self->shared.waiter;
		if (one->kind == WEFT_SELECT_KIND_SEND)
			node->item = one->item;
		else
			node->ret_item = one->ret_item;
		weft__waitlist_push_back(list_of(one), &node->node);
	}
}

static void unqueue_all(struct selecting *self)
{
	for (size_t i = 0; i < self->order_count; i++) {
		struct weft_select_case *one = &self->cases[self->order[i]];
		struct weft__node *node = &self->nodes[self->order[i]].node;

		weft__gate_enter(&one->chan->gate);
		if (node->is_queued)
			weft__waitlist_remove(list_of(one), node);
		weft__gate_leave(&one->chan->gate);
	}
}

/* The case that goes on at once, or -1: then, if it is to wait, it is queued everywhere. */
static ssize_t look_or_queue(struct selecting *self)
{
	struct weft__chan_node *wake = NULL;
	ssize_t chosen = -1;

	enter_all(self);
	for (size_t i = 0; i < self->count && chosen < 0; i++) {
		size_t index = (self->start + i) % self->count;

		if (try_case(&self->cases[index], &wake))
			chosen = (ssize_t)index;
	}
	if (chosen < 0)
		chosen = self->default_case;
	if (chosen < 0)
		queue_all(self);
	leave_all(self);
	if (wake)
		weft__chan_wake(wake);
	return chosen;
}

/* ---- Descriptors ---------------------------------------------------------------------- */

/* The events there are; 0: none. */
static int poll_now(int fd, int events)
{
	struct weft__op op = {.kind = WEFT__OP_POLL_NOW, .fd = fd, .flags = events};
	struct weft__worker *worker = weft__worker;
	int64_t result;

	if (worker) {
		result = worker->driver->ops->perform(worker->driver, &op);
	} else {
		/* Not by weft__perform(), which looks at the scope. */
		struct pollfd set = {.fd = fd, .events = (short)events};

		result = poll(&set, 1, 0) > 0 ? set.revents : -EAGAIN;
	}
	if (result == -EBADF)
		return POLLNVAL;
	return result > 0 ? (int)result : 0;
}

/* Note the events of all, from `start` on. Returns the first that has some, or -1. */
static ssize_t poll_all(struct selecting *self)
{
	ssize_t first = -1;

	for (size_t i = 0; self->fd_count > 0 && i < self->count; i++) {
		size_t index = (self->start + i) % self->count;
		struct weft_select_case *one = &self->cases[index];

		if (!is_fd_case(one))
			continue;
		one->result = poll_now(one->fd, one->events);
		if (one->result && first < 0)
			first = (ssize_t)index;
	}
	return first;
}

/* ---- Waiting ------------------------------------------------------------------------------ */

/* A descriptor, or giving up, claims us. False: a channel was first, and its wake comes. */
static bool claim(struct selecting *self, int index)
{
	int nobody = NOBODY;

	return atomic_compare_exchange_strong(&self->shared.claimed, &nobody, index);
}

/* The errno with which the wait ends; 0: claimed. */
static int wait_watching(struct selecting *self, struct weft__worker *worker)
{
	struct weft__context *context = &worker->current->context;

	while (!weft__waiter_is_woken(&self->shared.waiter)) {
		ssize_t index = poll_all(self);

		if (index >= 0) {
			claim(self, (int)index);
			return 0;
		}
		if (context->interrupt)
			return context->interrupt;
		weft__park(worker, &self->shared.waiter.wait);
	}
	return 0;
}

static int fiber_wait_fds(struct selecting *self, struct weft__worker *worker)
{
	struct weft__driver *driver = worker->driver;
	struct weft__watch watches[WEFT_SELECT_MAX];
	size_t watched = 0;
	int code = 0;

	for (size_t i = 0; i < self->count && code == 0; i++) {
		const struct weft_select_case *one = &self->cases[i];

		if (!is_fd_case(one))
			continue;
		watches[watched] = (struct weft__watch){.fiber = worker->current,
			.fd = one->fd,
			.events = one->events & (POLLIN | POLLOUT)};
		code = -driver->ops->watch(driver, &watches[watched]);
		watched += code == 0;
	}
	if (code == EBADF)
		code = 0; /* the first look says so */
	if (code == 0)
		code = wait_watching(self, worker);
	while (watched > 0)
		driver->ops->unwatch(driver, &watches[--watched]);
	return code;
}

static size_t fill_pollfds(const struct selecting *self, struct pollfd *set)
{
	size_t count = 0;

	set[count++] = (struct pollfd){.fd = self->shared.event_fd, .events = POLLIN};
	for (size_t i = 0; i < self->count; i++)
		if (is_fd_case(&self->cases[i]))
			set[count++] = (struct pollfd){
				.fd = self->cases[i].fd, .events = (short)self->cases[i].events};
	return count;
}

static int thread_wait_fds(struct selecting *self)
{
	struct weft__context *context = weft__context_self();
	struct pollfd set[WEFT_SELECT_MAX + 1];
	size_t count = fill_pollfds(self, set);
	int code;

	while (!weft__waiter_is_woken(&self->shared.waiter)) {
		int64_t deadline = weft__context_deadline(context);
		int64_t left = deadline == INT64_MAX ? INT64_MAX : deadline - weft_now();
		struct timespec timeout = weft__doze_time(left);
		ssize_t index = 0;

		weft__doze_begin(&timeout);
		code = weft__interrupt(context);
		if (!code)
			index = weft__doze_ppoll(set, count, &timeout, NULL);
		weft__doze_end();
		if (code)
			return code;
		if (index <= 0)
			continue;
		index = poll_all(self);
		if (index >= 0) {
			claim(self, (int)index);
			return 0;
		}
		if (set[0].revents)
			return 0; /* claimed: the wake is next */
	}
	return 0;
}

static int wait_any(struct selecting *self)
{
	struct weft__worker *worker = weft__worker;

	if (self->fd_count == 0)
		return weft__waiter_wait(&self->shared.waiter);
	return worker ? fiber_wait_fds(self, worker) : thread_wait_fds(self);
}

/* The same, with the timer that comes first. */
static int wait_with_timer(struct selecting *self)
{
	struct weft_timeout timeout;
	int code;

	if (self->timer_case < 0)
		return wait_any(self);
	weft_timeout_begin(&timeout, self->cases[self->timer_case].timeout_ns);
	code = wait_any(self);
	weft_timeout_end(&timeout);
	if (code != ETIMEDOUT)
		return code;
	code = weft__interrupt(weft__context_self());
	if (!code)
		claim(self, (int)self->timer_case);
	return code;
}

/* Wait, being queued. The case that goes on; or -1 with errno. */
static ssize_t wait_queued(struct selecting *self)
{
	int code = wait_with_timer(self), claimed;

	if (code)
		claim(self, GIVEN_UP);
	claimed = atomic_load(&self->shared.claimed);
	if (claimed == GIVEN_UP) {
		unqueue_all(self);
		return weft__sync_fail(code);
	}
	assert(claimed >= 0);
	if (is_chan_case(&self->cases[claimed])) {
		weft__waiter_wait_for_sure(&self->shared.waiter);
		self->cases[claimed].result = self->nodes[claimed].result;
	}
	unqueue_all(self);
	return claimed;
}

/* ---- The call -------------------------------------------------------------------------------- */

static int shared_init(struct selecting *self)
{
	self->shared.event_fd = -1;
	weft__waiter_init(&self->shared.waiter, WEFT__WAIT_SELECT, NULL);
	self->shared.waiter.wait.number = (int64_t)self->count;
	self->shared.waiter.wait.events = self->fd_count > 0 ? POLLIN | POLLOUT : 0;
	/* Before a descriptor of our own is there: it may get the number of one that is closed. */
	if (poll_all(self) >= 0 || weft__worker || self->fd_count == 0 || self->default_case >= 0)
		return 0;
	self->shared.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return self->shared.event_fd < 0 ? errno : 0;
}

ssize_t weft_select(struct weft_select_case *cases, size_t count)
{
	struct selecting self;
	ssize_t chosen;
	int code;

	if (count > WEFT_SELECT_MAX)
		return weft__sync_fail(EINVAL);
	self.cases = cases;
	self.count = count;
	code = prepare(&self);
	if (!code) {
		code = weft__sync_begin(weft__worker);
		if (self.default_case >= 0)
			code = 0; /* it doesn't wait, so the scope has no say */
	}
	if (!code)
		code = shared_init(&self);
	if (code)
		return weft__sync_fail(code);
	chosen = look_or_queue(&self);
	if (chosen < 0)
		chosen = wait_queued(&self);
	if (self.shared.event_fd >= 0) {
		int saved = errno;

		close(self.shared.event_fd);
		errno = saved;
	}
	return chosen;
}
