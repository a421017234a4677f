/*
 * uring.c - the driver over io_uring(7): the ring's life, waiting, and completions.
 *
 * Entry points: weft__driver_uring. The map of its files is in uring.h.
 *
 * One io_uring_enter(2) per turn of the worker's loop submits all that the fibers have
 * asked for since the last one, and waits. The kernel does its part of the work in that
 * call (DEFER_TASKRUN, Linux 6.1), so it never interrupts a fiber, and a look at the
 * ring while fibers are runnable costs no system call when there is nothing.
 *
 * Each feature is used if this kernel has it: DEFER_TASKRUN, else COOP_TASKRUN (5.19),
 * else neither. Before Linux 5.17, without io_uring or forbidden to use it, there is no
 * such driver.
 *
 * Must never: run a fiber, or forget a completion. A request lives on a fiber's stack.
 */
#include "fiber/driver/uring.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fiber/worker.h"
#include "weft/log.h"

/** Requests between two turns of the loop, at the most; one more costs a system call. */
#define SQ_ENTRIES 512
/** Completions kept in the ring; more are kept by the kernel, at some cost. */
#define CQ_ENTRIES 4096

/* CQE_SKIP stands for Linux 5.17: multishot polls, and files that wait without a thread. */
#define FEATURES_NEEDED \
	(IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_RW_CUR_POS | IORING_FEAT_CQE_SKIP)

/* ---- Completions ------------------------------------------------------------------- */

static void request_event(struct uring *uring, const struct io_uring_cqe *cqe)
{
	struct weft__uring_request *request =
		(struct weft__uring_request *)(uintptr_t)cqe->user_data;

	request->result = cqe->res;
	request->flags = cqe->flags;
	request->is_pending = false;
	weft__ready(uring->driver.worker, request->fiber);
}

static void complete(struct uring *uring, const struct io_uring_cqe *cqe)
{
	int fd = (int)((uint32_t)cqe->user_data >> WEFT__URING_TAG_BITS);
	uint32_t serial = (uint32_t)(cqe->user_data >> 32);

	switch ((enum weft__uring_tag)(cqe->user_data & WEFT__URING_TAG_MASK)) {
	case WEFT__URING_TAG_REQUEST:
		request_event(uring, cqe);
		break;
	case WEFT__URING_TAG_WAKE:
		uring->is_wake_armed = cqe->flags & IORING_CQE_F_MORE;
		break;
	case WEFT__URING_TAG_WATCH:
		weft__uring_watch_event(uring, fd, serial, cqe);
		break;
	default:
		break;
	}
}

/* Each is taken off the ring before it is looked at: that may need the ring itself. */
static void reap(struct uring *uring)
{
	struct io_uring_cqe *cqe, taken;

	while (io_uring_peek_cqe(&uring->ring, &cqe) == 0) {
		taken = (struct io_uring_cqe){
			.user_data = cqe->user_data, .res = cqe->res, .flags = cqe->flags};
		io_uring_cqe_seen(&uring->ring, cqe);
		complete(uring, &taken);
	}
}

/* ---- Requests ---------------------------------------------------------------------- */

/*
 * It was made by the thread that called weft_run(): from here on only the worker's uses it.
 * The system call itself: liburing 2.3 forgot to export io_uring_enable_rings().
 */
static void enable(struct uring *uring)
{
	if (!uring->is_enabled)
		syscall(SYS_io_uring_register, uring->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS,
			NULL, 0);
	uring->is_enabled = true;
}

/* The i-th request that the kernel has not been told of. */
static struct io_uring_sqe *queued_at(struct uring *uring, unsigned i)
{
	struct io_uring_sq *queue = &uring->ring.sq;

	return &queue->sqes[(*queue->khead + i) & (queue->ring_entries - 1)];
}

bool weft__uring_withdraw(struct uring *uring, uint64_t user_data)
{
	unsigned count = io_uring_sq_ready(&uring->ring);

	for (unsigned i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = queued_at(uring, i);

		if (sqe->user_data != user_data || sqe->opcode == IORING_OP_ASYNC_CANCEL)
			continue;
		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data64(sqe, WEFT__URING_TAG_IGNORE);
		return true;
	}
	return false;
}

/*
 * A request names its file by number, and is queued for up to a turn: another worker may
 * have closed the file meanwhile, and the number be another's. To be called before each
 * io_uring_enter(2) that submits.
 */
static void withdraw_stale(struct uring *uring)
{
	for (unsigned i = 0; i < io_uring_sq_ready(&uring->ring); i++) {
		const struct io_uring_sqe *sqe = queued_at(uring, i);

		if (sqe->opcode != IORING_OP_NOP && sqe->opcode != IORING_OP_ASYNC_CANCEL)
			weft__uring_entry_check(uring, sqe->fd);
	}
}

void weft__uring_flush(struct uring *uring)
{
	enable(uring);
	withdraw_stale(uring);
	io_uring_submit_and_get_events(&uring->ring);
	reap(uring);
}

/*
 * The kernel refuses to take requests for a moment only: while it has no memory, or
 * keeps too many completions that we have not taken (which weft__uring_flush() does).
 */
struct io_uring_sqe *weft__uring_sqe(struct uring *uring)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&uring->ring)))
		weft__uring_flush(uring);
	return sqe;
}

void weft__uring_cancel(struct uring *uring, uint64_t user_data)
{
	struct io_uring_sqe *sqe = weft__uring_sqe(uring);

	io_uring_prep_cancel64(sqe, user_data, 0);
	io_uring_sqe_set_data64(sqe, WEFT__URING_TAG_IGNORE);
}

uint32_t weft__uring_serial(struct uring *uring)
{
	if (++uring->serial == 0)
		uring->serial = 1;
	return uring->serial;
}

void weft__uring_begin(
	struct uring *uring, struct weft__uring_request *request, struct io_uring_sqe *sqe)
{
	*request = (struct weft__uring_request){
		.fiber = uring->driver.worker->current, .is_pending = true};
	io_uring_sqe_set_data64(sqe, (uintptr_t)request);
}

void weft__uring_await(
	struct uring *uring, struct weft__uring_request *request, const struct weft__wait *wait)
{
	struct weft__context *context = &request->fiber->context;

	while (request->is_pending) {
		if (context->interrupt && !request->is_cancelling) {
			request->is_cancelling = true;
			weft__uring_cancel(uring, (uintptr_t)request);
		}
		weft__park(uring->driver.worker, wait);
	}
}

/* ---- Waiting ------------------------------------------------------------------------- */

static int64_t clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return WEFT_SECONDS(now.tv_sec) + now.tv_nsec;
}

static int64_t uring_now(struct weft__driver *driver)
{
	(void)driver;
	return clock_read(CLOCK_MONOTONIC);
}

static int64_t uring_now_coarse(struct weft__driver *driver)
{
	(void)driver;
	return clock_read(CLOCK_MONOTONIC_COARSE);
}

/* Edge by edge, and never read: each write(2) to it is one completion. */
static void arm_wake(struct uring *uring)
{
	struct io_uring_sqe *sqe = weft__uring_sqe(uring);

	io_uring_prep_poll_multishot(sqe, uring->wake_fd, POLLIN);
	io_uring_sqe_set_data64(sqe, WEFT__URING_TAG_WAKE);
	uring->is_wake_armed = true;
}

/* Without a system call when there is nothing to say and nothing to hear. */
static void look(struct uring *uring)
{
	unsigned flags = IO_URING_READ_ONCE(*uring->ring.sq.kflags);

	if (io_uring_sq_ready(&uring->ring) ||
		(flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)))
		io_uring_submit_and_get_events(&uring->ring);
}

static void uring_wait(struct weft__driver *driver, int64_t deadline_ns)
{
	struct uring *uring = (struct uring *)driver;
	struct __kernel_timespec timeout;
	struct io_uring_cqe *cqe;
	int64_t left = INT64_MAX;

	enable(uring);
	if (!uring->is_wake_armed)
		arm_wake(uring);
	if (deadline_ns != INT64_MAX)
		left = deadline_ns <= 0 ? 0 : deadline_ns - uring_now(driver);
	timeout = (struct __kernel_timespec){left / WEFT_SECONDS(1), left % WEFT_SECONDS(1)};
	withdraw_stale(uring);
	if (left <= 0 || uring->driver.worker->run_head)
		look(uring);
	else
		io_uring_submit_and_wait_timeout(
			&uring->ring, &cqe, 1, left == INT64_MAX ? NULL : &timeout, NULL);
	reap(uring);
}

static void uring_wake(struct weft__driver *driver)
{
	uint64_t one = 1;
	int saved = errno;

	/* It can only fail by being full, and then the edge was made long ago. */
	if (write(((struct uring *)driver)->wake_fd, &one, sizeof one) < 0)
		errno = saved;
}

/* ---- Life ------------------------------------------------------------------------------ */

/* Rings with the best of these flags that this kernel knows. 0 or -errno. */
static int ring_init(struct io_uring *ring, unsigned entries)
{
	static const unsigned flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		0,
	};
	int code = -EINVAL;

	for (size_t i = 0; i < sizeof flags / sizeof *flags && code == -EINVAL; i++) {
		struct io_uring_params params = {
			.flags = flags[i] | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE |
				 IORING_SETUP_CLAMP,
			.cq_entries = entries * (CQ_ENTRIES / SQ_ENTRIES),
		};

		code = io_uring_queue_init_params(entries, ring, &params);
	}
	if (code == 0 && (ring->features & FEATURES_NEEDED) != FEATURES_NEEDED) {
		io_uring_queue_exit(ring);
		code = -ENOSYS;
	}
	return code;
}

/* In the child of a fork the ring is the parent's, and its memory is not here (DONTFORK). */
static void ring_end(struct uring *uring)
{
	if (!uring->has_ring)
		return;
	if (uring->pid == getpid())
		io_uring_queue_exit(&uring->ring);
	else
		close(uring->ring.ring_fd);
}

static void uring_destroy(struct weft__driver *driver)
{
	struct uring *uring = (struct uring *)driver;

	weft__uring_entries_fini(uring);
	ring_end(uring);
	weft__uring_buffers_fini(uring);
	if (uring->wake_fd >= 0)
		close(uring->wake_fd);
	free(uring);
}

static struct weft__driver *uring_create(struct weft__worker *worker)
{
	struct uring *uring = calloc(1, sizeof *uring);
	int code;

	if (!uring)
		return NULL;
	uring->driver.ops = &weft__driver_uring;
	uring->driver.worker = worker;
	uring->pid = getpid();
	uring->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	code = uring->wake_fd < 0 ? -errno : ring_init(&uring->ring, SQ_ENTRIES);
	if (code)
		goto fail;
	uring->has_ring = true;
	code = io_uring_ring_dontfork(&uring->ring);
	if (!code)
		code = weft__uring_entries_init(uring);
	if (!code)
		return &uring->driver;

fail:
	uring_destroy(&uring->driver);
	errno = -code;
	return NULL;
}

/* A ring is made and thrown away: what may forbid it (seccomp, a sysctl) has no other sign. */
static bool uring_is_usable(void)
{
	static atomic_bool has_told;
	struct io_uring ring;
	int code = ring_init(&ring, 8);

	if (code == 0)
		io_uring_queue_exit(&ring);
	else if (!atomic_exchange(&has_told, true))
		weft_log(WEFT_LOG_DEBUG, "no io_uring here: epoll instead", WEFT_KV_ERRNO(-code));
	return code == 0;
}

const struct weft__driver_ops weft__driver_uring = {
	.name = "uring",
	.is_usable = uring_is_usable,
	.create = uring_create,
	.destroy = uring_destroy,
	.now = uring_now,
	.now_coarse = uring_now_coarse,
	.wait = uring_wait,
	.wake = uring_wake,
	.perform = weft__uring_perform,
	.forget = weft__uring_forget,
	.watch = weft__uring_watch,
	.unwatch = weft__uring_unwatch,
};
