/*
 * poller_epoll.c - pollers over epoll(7).
 */
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "io/poller.h"

/** Events taken from the kernel at a time. */
#define EVENTS_MAX 256

#define MILLISECONDS_MAX INT_MAX

struct epoll {
	struct weft_poller poller;
	int fd;
};

static int epoll_begin(struct weft_poller *poller)
{
	struct epoll *epoll = (struct epoll *)poller;

	epoll->fd = epoll_create1(EPOLL_CLOEXEC);
	return epoll->fd < 0 ? errno : 0;
}

static void epoll_end(struct weft_poller *poller)
{
	close(((struct epoll *)poller)->fd);
}

static int epoll_set(
	struct weft_poller *poller, struct weft__registration *registration, bool is_new)
{
	int epoll_fd = ((struct epoll *)poller)->fd;
	struct epoll_event event = {.events = (uint32_t)weft__poller_asked(registration),
		.data.u64 = (uint64_t)registration->serial << 32 | (uint32_t)registration->fd};

	if (registration->events & WEFT_POLLER_EDGE)
		event.events |= EPOLLET;
	if (registration->events & WEFT_POLLER_ONESHOT)
		event.events |= EPOLLONESHOT;
	if (!registration->events) {
		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, registration->fd, NULL);
		return 0; /* it may be closed, and gone by itself */
	}
	if (registration->is_spent)
		return 0; /* the kernel has spent it, too */
	if (epoll_ctl(epoll_fd, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, registration->fd, &event) ==
		0)
		return 0;
	/* Closed and opened anew behind our back, it is not known there any more. */
	if (!is_new && errno == ENOENT &&
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, registration->fd, &event) == 0)
		return 0;
	return errno;
}

static int epoll_wait_for(struct weft_poller *poller, struct timespec *timeout)
{
	struct epoll_event events[EVENTS_MAX];
	int max = poller->told_max < EVENTS_MAX ? (int)poller->told_max : EVENTS_MAX;
	int epoll_fd = ((struct epoll *)poller)->fd, count;

	count = epoll_pwait2(epoll_fd, events, max, timeout, NULL);
	if (count < 0 && errno == ENOSYS) /* before Linux 5.11 */
		count = epoll_wait(epoll_fd, events, max,
			timeout->tv_sec > MILLISECONDS_MAX / 1000
				? MILLISECONDS_MAX
				: (int)(timeout->tv_sec * 1000 +
					  (timeout->tv_nsec + 999999) / 1000000));
	for (int i = 0; i < count; i++) {
		struct weft__registration *registration =
			weft__poller_find(poller, (int)(uint32_t)events[i].data.u64);

		if (registration && registration->serial == events[i].data.u64 >> 32)
			weft__poller_tell(poller, registration, (int)events[i].events);
	}
	return count < 0 && errno != EINTR ? errno : 0;
}

static int epoll_fd_of(const struct weft_poller *poller)
{
	return ((const struct epoll *)poller)->fd;
}

const struct weft__poller_ops weft__poller_epoll = {
	.name = "epoll",
	.size = sizeof(struct epoll),
	.begin = epoll_begin,
	.end = epoll_end,
	.set = epoll_set,
	.wait = epoll_wait_for,
	.fd = epoll_fd_of,
};
