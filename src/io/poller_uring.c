/*
 * poller_uring.c - pollers over io_uring(7).
 *
 * A level-triggered registration is a poll request for one event. When that was told, the
 * next wait asks once more, and is answered at once if the descriptor still is ready. An
 * edge-triggered one is a request that goes on (multishot). A request is named by its
 * registration's serial number, which changes with each: late answers find nobody.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>

#include "io/poller.h"
#include "weft/vec.h"

#define ENTRIES 256

struct uring {
	struct weft_poller poller;
	struct io_uring ring;
	struct weft_vec again; /* descriptors to ask for once more */
};

static int uring_begin(struct weft_poller *poller)
{
	struct uring *uring = (struct uring *)poller;
	int code = -io_uring_queue_init(ENTRIES, &uring->ring, 0);

	weft_vec_init(&uring->again, sizeof(int));
	return code == EPERM ? ENOSYS : code;
}

static void uring_end(struct weft_poller *poller)
{
	struct uring *uring = (struct uring *)poller;

	io_uring_queue_exit(&uring->ring);
	weft_vec_fini(&uring->again);
}

static struct io_uring_sqe *sqe_of(struct uring *uring)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&uring->ring)))
		io_uring_submit(&uring->ring);
	return sqe;
}

static uint64_t name_of(const struct weft__registration *registration)
{
	return (uint64_t)registration->serial << 32 | (uint32_t)registration->fd;
}

static void ask(struct uring *uring, struct weft__registration *registration)
{
	struct io_uring_sqe *sqe = sqe_of(uring);
	unsigned events = (unsigned)weft__poller_asked(registration);

	registration->serial = ++uring->poller.serial;
	if (registration->events & WEFT_POLLER_EDGE)
		io_uring_prep_poll_multishot(sqe, registration->fd, events);
	else
		io_uring_prep_poll_add(sqe, registration->fd, events);
	io_uring_sqe_set_data64(sqe, name_of(registration));
}

static int uring_set(
	struct weft_poller *poller, struct weft__registration *registration, bool is_new)
{
	struct uring *uring = (struct uring *)poller;
	struct io_uring_sqe *sqe;

	if (is_new && fcntl(registration->fd, F_GETFD) < 0)
		return errno;
	if (!is_new) {
		sqe = sqe_of(uring);
		io_uring_prep_cancel64(sqe, name_of(registration), 0);
		io_uring_sqe_set_data64(sqe, 0);
		registration->serial = ++poller->serial;
	}
	if (registration->events && !registration->is_spent)
		ask(uring, registration);
	io_uring_submit(&uring->ring);
	return 0;
}

static void ask_again(struct uring *uring)
{
	int fd;

	while (weft_vec_pop(&uring->again, &fd)) {
		struct weft__registration *registration = weft__poller_find(&uring->poller, fd);

		if (registration && !registration->is_spent)
			ask(uring, registration);
	}
}

/* False: there is no more room for what is told. */
static bool complete(struct uring *uring, uint64_t name, int result, unsigned flags)
{
	struct weft_poller *poller = &uring->poller;
	struct weft__registration *registration = weft__poller_find(poller, (int)(uint32_t)name);
	bool has_room;
	int fd;

	if (!registration || name_of(registration) != name)
		return true;
	fd = registration->fd;
	has_room = weft__poller_tell(poller, registration, result < 0 ? POLLNVAL : result);
	/* Without memory to remember it, it is asked for now, and told once more than needed. */
	if (!(flags & IORING_CQE_F_MORE) && weft__poller_find(poller, fd) &&
		weft_vec_push(&uring->again, &fd) < 0 && !registration->is_spent)
		ask(uring, registration);
	return has_room;
}

static int uring_wait(struct weft_poller *poller, struct timespec *timeout)
{
	struct uring *uring = (struct uring *)poller;
	struct io_uring_cqe *cqe;
	bool has_room = true;
	int code = 0;

	ask_again(uring);
	if (timeout->tv_sec == 0 && timeout->tv_nsec == 0)
		code = io_uring_submit_and_get_events(&uring->ring);
	else
		code = io_uring_submit_and_wait_timeout(
			&uring->ring, &cqe, 1, (struct __kernel_timespec *)timeout, NULL);
	while (has_room && io_uring_peek_cqe(&uring->ring, &cqe) == 0) {
		uint64_t name = cqe->user_data;
		unsigned flags = cqe->flags;
		int result = cqe->res;

		io_uring_cqe_seen(&uring->ring, cqe);
		has_room = complete(uring, name, result, flags);
	}
	return code < 0 && code != -ETIME && code != -EINTR ? -code : 0;
}

static int uring_fd(const struct weft_poller *poller)
{
	return ((const struct uring *)poller)->ring.ring_fd;
}

const struct weft__poller_ops weft__poller_uring = {
	.name = "uring",
	.size = sizeof(struct uring),
	.begin = uring_begin,
	.end = uring_end,
	.set = uring_set,
	.wait = uring_wait,
	.fd = uring_fd,
};
