/*
 * epoll.c - the drivers over epoll(7).
 *
 * "epoll", edge-triggered: one registration in both directions for a descriptor's whole
 * life, never changed, ended by its close. The eventfd that wakes the worker is never
 * read: each write makes an edge.
 *
 * "epoll-level": registered for the directions in which somebody waits; not at all when
 * nobody does, since an error or a hang-up would be told for ever.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "fiber/driver/readiness.h"
#include "fiber/worker.h"

/** Events taken from the kernel at a time. */
#define EVENTS_MAX 256

/** Of the eventfd; descriptors carry generation << 32 | fd, and no fd is this high. */
#define WAKE_TAG UINT64_C(0xffffffff)

/* The bits of poll(2) and epoll(7) are the same for what we ask. */
_Static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR &&
		       EPOLLHUP == POLLHUP && EPOLLRDHUP == POLLRDHUP && EPOLLPRI == POLLPRI,
	"epoll's events are not poll's");

struct epoll {
	struct weft__readiness readiness;
	int epoll_fd;
	bool has_no_pwait2;
	struct epoll_event events[EVENTS_MAX];
};

/* Add it, or change it when it is known. 0 or an errno value. */
static int control(struct epoll *epoll, const struct weft__interest *interest, uint32_t events)
{
	struct epoll_event event = {
		.events = events,
		.data.u64 = (uint64_t)interest->generation << 32 | (uint32_t)interest->fd,
	};
	int first = interest->before ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	int second = interest->before ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (epoll_ctl(epoll->epoll_fd, first, interest->fd, &event) == 0)
		return 0;
	/* Known already under an older generation: a duplicate kept it alive. Or not ours. */
	if ((errno == EEXIST || errno == ENOENT) &&
		epoll_ctl(epoll->epoll_fd, second, interest->fd, &event) == 0)
		return 0;
	return errno;
}

static int interest_edge(struct weft__readiness *readiness, struct weft__interest *interest)
{
	return control((struct epoll *)readiness, interest,
		EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET);
}

static int interest_level(struct weft__readiness *readiness, struct weft__interest *interest)
{
	struct epoll *epoll = (struct epoll *)readiness;

	if (interest->after)
		return control(epoll, interest, (uint32_t)interest->after);
	/* It may be closed, and the number another file's: then this finds nothing, and is fine. */
	epoll_ctl(epoll->epoll_fd, EPOLL_CTL_DEL, interest->fd, NULL);
	return 0;
}

/* Timeout in ns, -1 for none. Kernels before 5.11 have milliseconds only: rounded up. */
static int wait_once(struct epoll *epoll, int64_t timeout_ns)
{
	struct timespec timeout = {timeout_ns / WEFT_SECONDS(1), timeout_ns % WEFT_SECONDS(1)};
	int64_t timeout_ms;
	int count;

	if (timeout_ns != 0 && timeout_ns != -1 && !epoll->has_no_pwait2) {
		count = epoll_pwait2(epoll->epoll_fd, epoll->events, EVENTS_MAX, &timeout, NULL);
		if (count >= 0 || (errno != ENOSYS && errno != EPERM))
			return count;
		epoll->has_no_pwait2 = true;
	}
	timeout_ms = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000;
	if (timeout_ms > INT32_MAX)
		timeout_ms = INT32_MAX;
	return epoll_wait(epoll->epoll_fd, epoll->events, EVENTS_MAX, (int)timeout_ms);
}

static void epoll_wait_for(struct weft__driver *driver, int64_t deadline_ns)
{
	struct epoll *epoll = (struct epoll *)driver;
	int count = wait_once(epoll, weft__readiness_timeout(driver, deadline_ns));

	for (int i = 0; i < count; i++) {
		uint64_t tag = epoll->events[i].data.u64;

		if (tag != WAKE_TAG)
			weft__readiness_event(&epoll->readiness, (int)(uint32_t)tag,
				(uint32_t)(tag >> 32), (int)epoll->events[i].events);
		else if (epoll->readiness.is_level)
			weft__readiness_woken(&epoll->readiness);
	}
}

static void epoll_destroy(struct weft__driver *driver)
{
	struct epoll *epoll = (struct epoll *)driver;

	close(epoll->epoll_fd);
	weft__readiness_fini(&epoll->readiness);
	free(epoll);
}

static struct weft__driver *create(
	struct weft__worker *worker, const struct weft__driver_ops *ops, bool is_level)
{
	struct epoll_event event = {
		.events = EPOLLIN | (is_level ? 0 : EPOLLET), .data.u64 = WAKE_TAG};
	struct epoll *epoll = calloc(1, sizeof *epoll);
	int saved;

	if (!epoll)
		return NULL;
	if (weft__readiness_init(&epoll->readiness, ops, worker) < 0)
		goto fail_readiness;
	epoll->readiness.is_level = is_level;
	epoll->readiness.interest = is_level ? interest_level : interest_edge;
	epoll->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll->epoll_fd < 0)
		goto fail_epoll;
	if (epoll_ctl(epoll->epoll_fd, EPOLL_CTL_ADD, epoll->readiness.wake_fd, &event) == 0)
		return &epoll->readiness.driver;

	saved = errno;
	close(epoll->epoll_fd);
	errno = saved;
fail_epoll:
	saved = errno;
	weft__readiness_fini(&epoll->readiness);
	errno = saved;
fail_readiness:
	saved = errno;
	free(epoll);
	errno = saved;
	return NULL;
}

static struct weft__driver *create_edge(struct weft__worker *worker)
{
	return create(worker, &weft__driver_epoll, false);
}

static struct weft__driver *create_level(struct weft__worker *worker)
{
	return create(worker, &weft__driver_epoll_level, true);
}

const struct weft__driver_ops weft__driver_epoll = {
	.name = "epoll",
	.create = create_edge,
	.destroy = epoll_destroy,
	.now = weft__readiness_now,
	.now_coarse = weft__readiness_now_coarse,
	.wait = epoll_wait_for,
	.wake = weft__readiness_wake,
	.is_idle = weft__readiness_is_idle,
	.perform = weft__readiness_perform,
	.forget = weft__readiness_forget,
	.watch = weft__readiness_watch,
	.unwatch = weft__readiness_unwatch,
};

const struct weft__driver_ops weft__driver_epoll_level = {
	.name = "epoll-level",
	.create = create_level,
	.destroy = epoll_destroy,
	.now = weft__readiness_now,
	.now_coarse = weft__readiness_now_coarse,
	.wait = epoll_wait_for,
	.wake = weft__readiness_wake,
	.is_idle = weft__readiness_is_idle,
	.perform = weft__readiness_perform,
	.forget = weft__readiness_forget,
	.watch = weft__readiness_watch,
	.unwatch = weft__readiness_unwatch,
};
