/*
 * epoll.c - the driver over epoll(7), edge-triggered: one registration in both
 * directions for a descriptor's whole life, never changed, ended by its close.
 *
 * The eventfd that wakes the worker is edge-triggered too, and so is never read: each
 * write makes an edge.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
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
	int epoll_fd, wake_fd;
	bool has_no_pwait2;
	struct epoll_event events[EVENTS_MAX];
};

static int epoll_arm(struct weft__readiness *readiness, int fd, uint32_t generation)
{
	struct epoll *epoll = (struct epoll *)readiness;
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET,
		.data.u64 = (uint64_t)generation << 32 | (uint32_t)fd,
	};

	if (epoll_ctl(epoll->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	/* Known already under an older generation: a duplicate kept it alive. Or not ours. */
	if (errno == EEXIST && epoll_ctl(epoll->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
		return 0;
	return errno;
}

static int64_t clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return WEFT_SECONDS(now.tv_sec) + now.tv_nsec;
}

static int64_t epoll_now(struct weft__driver *driver)
{
	(void)driver;
	return clock_read(CLOCK_MONOTONIC);
}

static int64_t epoll_now_coarse(struct weft__driver *driver)
{
	(void)driver;
	return clock_read(CLOCK_MONOTONIC_COARSE);
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
	int64_t timeout_ns = -1;
	int count;

	if (deadline_ns != INT64_MAX) {
		timeout_ns = deadline_ns <= 0 ? 0 : deadline_ns - epoll_now(driver);
		if (timeout_ns < 0)
			timeout_ns = 0;
	}
	count = wait_once(epoll, timeout_ns);
	for (int i = 0; i < count; i++) {
		uint64_t tag = epoll->events[i].data.u64;

		if (tag != WAKE_TAG)
			weft__readiness_event(&epoll->readiness, (int)(uint32_t)tag,
				(uint32_t)(tag >> 32), (int)epoll->events[i].events);
	}
}

static void epoll_wake(struct weft__driver *driver)
{
	uint64_t one = 1;
	int saved = errno;

	/* It can only fail by being full, and then the edge was made long ago. */
	if (write(((struct epoll *)driver)->wake_fd, &one, sizeof one) < 0)
		errno = saved;
}

static void epoll_destroy(struct weft__driver *driver)
{
	struct epoll *epoll = (struct epoll *)driver;

	if (epoll->epoll_fd >= 0)
		close(epoll->epoll_fd);
	if (epoll->wake_fd >= 0)
		close(epoll->wake_fd);
	weft__readiness_fini(&epoll->readiness);
	free(epoll);
}

static struct weft__driver *epoll_create_for(struct weft__worker *worker)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = WAKE_TAG};
	struct epoll *epoll = calloc(1, sizeof *epoll);
	int saved;

	if (!epoll)
		return NULL;
	epoll->readiness.driver.ops = &weft__driver_epoll;
	epoll->readiness.driver.worker = worker;
	epoll->readiness.arm = epoll_arm;
	epoll->wake_fd = -1;
	epoll->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll->epoll_fd < 0)
		goto fail;
	epoll->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (epoll->wake_fd < 0 ||
		epoll_ctl(epoll->epoll_fd, EPOLL_CTL_ADD, epoll->wake_fd, &event) < 0 ||
		weft__readiness_init(&epoll->readiness) < 0)
		goto fail;
	return &epoll->readiness.driver;

fail:
	saved = errno;
	epoll_destroy(&epoll->readiness.driver);
	errno = saved;
	return NULL;
}

const struct weft__driver_ops weft__driver_epoll = {
	.name = "epoll",
	.create = epoll_create_for,
	.destroy = epoll_destroy,
	.now = epoll_now,
	.now_coarse = epoll_now_coarse,
	.wait = epoll_wait_for,
	.wake = epoll_wake,
	.perform = weft__readiness_perform,
	.forget = weft__readiness_forget,
	.watch = weft__readiness_watch,
	.unwatch = weft__readiness_unwatch,
};
