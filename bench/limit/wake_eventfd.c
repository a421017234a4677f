/*
 * wake_eventfd.c - yardstick: two threads that wake each other, each asleep in epoll.
 *
 * Prints nanoseconds per round trip (two wakes), the median of some batches. Each thread sleeps in
 * epoll_wait() on its eventfd, because a worker must see its sockets while it sleeps; the eventfd
 * is edge-triggered, so nobody reads it empty.
 */
#include "timed.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TRIPS   200
#define BATCHES 20

struct side {
	int epoll_fd, wake_fd;
};

static struct side sides[2];

static void wake(struct side *side)
{
	uint64_t one = 1;

	if (write(side->wake_fd, &one, sizeof(one)) < 0)
		exit(1);
}

static void sleep_until_woken(struct side *side)
{
	struct epoll_event event;

	while (epoll_wait(side->epoll_fd, &event, 1, -1) != 1)
		;
}

static void *answer(void *arg)
{
	(void)arg;
	for (;;) {
		sleep_until_woken(&sides[1]);
		wake(&sides[0]);
	}
	return NULL;
}

static void trips(int count)
{
	for (int i = 0; i < count; i++) {
		wake(&sides[1]);
		sleep_until_woken(&sides[0]);
	}
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	pthread_t thread;
	double times[BATCHES];

	for (int i = 0; i < 2; i++) {
		struct epoll_event event = {.events = EPOLLIN | EPOLLET};

		sides[i].epoll_fd = epoll_create1(EPOLL_CLOEXEC);
		sides[i].wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		epoll_ctl(sides[i].epoll_fd, EPOLL_CTL_ADD, sides[i].wake_fd, &event);
	}
	if (pthread_create(&thread, NULL, answer, NULL) != 0)
		return 1;
	trips(TRIPS);
	for (int i = 0; i < BATCHES; i++) {
		int64_t start = limit_now();

		trips(TRIPS);
		times[i] = (double)(limit_now() - start) / TRIPS;
	}
	qsort(times, BATCHES, sizeof(*times), compare_doubles);
	printf("%.1f\n", (times[BATCHES / 2 - 1] + times[BATCHES / 2]) / 2);
	return 0;
}
