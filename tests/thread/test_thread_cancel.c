/*
 * test_thread_cancel.c - a thread is cancelled wherever it waits, whenever that comes.
 *
 * check: tsan
 */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "check.h"
#include "weft/chan.h"
#include "weft/event.h"
#include "weft/fiber.h"
#include "weft/lock.h"
#include "weft/poller.h"
#include "weft/scope.h"
#include "weft/sem.h"
#include "weft/socket.h"
#include "weft/stream.h"
#include "weft/thread.h"

/* What nobody will ever give. */
static struct weft_event event;
static struct weft_event go_on; /* but this one, at last */
static struct weft_lock lock;
static struct weft_sem sem;
static struct weft_chan *chan;
static int fds[2];
static struct weft_thread *other;

static int sleep_long(void)
{
	return weft_sleep(WEFT_SECONDS(1000));
}

static int sleep_for_ever(void)
{
	return weft_sleep(INT64_MAX);
}

static int receive(void)
{
	char byte;

	return (int)weft_recv(fds[0], &byte, 1, 0);
}

static int receive_with_deadline(void)
{
	int result = 0;

	WEFT_WITH_TIMEOUT (WEFT_SECONDS(1000))
		result = receive();
	return result;
}

static int wait_fd(void)
{
	return weft_wait_fd(fds[0], POLLIN);
}

static int wait_event(void)
{
	return weft_event_wait(&event);
}

static int acquire_lock(void)
{
	return weft_lock_acquire(&lock);
}

static int acquire_sem(void)
{
	return weft_sem_acquire(&sem);
}

static int receive_item(void)
{
	int item;

	return weft_chan_recv(chan, &item);
}

static int select_any(void)
{
	int item;
	struct weft_select_case cases[] = {
		WEFT_SELECT_RECV(chan, &item),
		WEFT_SELECT_FD(fds[0], POLLIN),
	};

	return (int)weft_select(cases, 2);
}

static int poll_with(const char *name)
{
	struct weft_poller *poller = weft_poller_new(name);
	struct weft_poller_event told;
	ssize_t result;

	CHECK(poller != NULL);
	CHECK_INT(weft_poller_register(poller, fds[0], WEFT_POLLER_IN, NULL), ==, 0);
	result = weft_poller_wait(poller, &told, 1, WEFT_FOREVER);
	weft_poller_free(poller);
	return (int)result;
}

static int poll_epoll(void)
{
	return poll_with("epoll");
}

static int poll_poll(void)
{
	return poll_with("poll");
}

static int poll_select(void)
{
	return poll_with("select");
}

static int join_other(void)
{
	return weft_thread_join(other, NULL, WEFT_FOREVER);
}

static char deaf[40]; /* the address of a listener whose queue is full: no SYN is answered */

static int connect_deaf(void)
{
	CHECK(!weft_stream_connect(deaf));
	return -1;
}

static void fill_queue(void)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(own);

	CHECK_INT(bind(listener, (struct sockaddr *)&own, len), ==, 0);
	CHECK_INT(listen(listener, 0), ==, 0);
	CHECK_INT(getsockname(listener, (struct sockaddr *)&own, &len), ==, 0);
	for (int i = 0; i < 3; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		int code = connect(fd, (struct sockaddr *)&own, len);

		CHECK(code == 0 || errno == EINPROGRESS);
	}
	snprintf(deaf, sizeof(deaf), "127.0.0.1:%u", ntohs(own.sin_port));
}

static const struct {
	const char *name;
	int (*wait)(void);
} waits[] = {
	{"sleep", sleep_long},
	{"sleep for ever", sleep_for_ever},
	{"recv", receive},
	{"recv in a timeout", receive_with_deadline},
	{"wait_fd", wait_fd},
	{"event", wait_event},
	{"lock", acquire_lock},
	{"semaphore", acquire_sem},
	{"channel", receive_item},
	{"select", select_any},
	{"poller epoll", poll_epoll},
	{"poller poll", poll_poll},
	{"poller select", poll_select},
	{"join", join_other},
	{"connect", connect_deaf},
};

static void set_up(void)
{
	weft_event_init(&event, "never");
	weft_event_init(&go_on, "at last");
	weft_lock_init(&lock, "taken");
	CHECK_INT(weft_lock_acquire(&lock), ==, 0);
	weft_sem_init(&sem, 0, "empty");
	chan = weft_chan_new(sizeof(int), 0, "empty");
	CHECK(chan != NULL);
	fill_queue();
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
}

static int last_code(int (*wait)(void))
{
	errno = 0;
	return wait() < 0 ? errno : 0;
}

struct waiter {
	int (*wait)(void);
	atomic_bool has_begun;
};

static int run_wait(void *arg)
{
	struct waiter *waiter = arg;

	atomic_store(&waiter->has_begun, true);
	return last_code(waiter->wait);
}

/* Cancelled about so long after it has begun, which is before, in or after the look. */
static int cancelled_after(int (*wait)(void), unsigned spins)
{
	struct waiter waiter = {.wait = wait};
	struct weft_thread *thread = weft_thread_new(NULL, run_wait, &waiter);
	int result = 0;

	CHECK_INT(weft_thread_start(thread), ==, 0);
	while (spins && !atomic_load(&waiter.has_begun))
		sched_yield();
	for (volatile unsigned i = 0; i < spins; i++)
		;
	CHECK_INT(weft_thread_cancel(thread), ==, 0);
	CHECK_INT(weft_thread_join(thread, &result, WEFT_FOREVER), ==, 0);
	CHECK_ERRNO(weft_thread_cancel(thread), ESRCH);
	weft_thread_free(thread);
	return result;
}

CHECK_CASE(every_wait_is_cancelled_at_any_moment)
{
	static struct waiter sleeper = {.wait = sleep_for_ever};

	set_up();
	other = weft_thread_new(NULL, run_wait, &sleeper);
	CHECK_INT(weft_thread_start(other), ==, 0);
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++)
		for (unsigned round = 0; round < check_rounds(40); round++) {
			int code = cancelled_after(waits[i].wait, round * round * 8);

			if (code != ECANCELED)
				check_fail(__FILE__, __LINE__, "%s: errno %d", waits[i].name, code);
		}
	CHECK_INT(weft_thread_cancel(other), ==, 0);
	CHECK_INT(weft_thread_join(other, NULL, WEFT_FOREVER), ==, 0);
	weft_thread_free(other);
}

static int sleep_shielded(void *arg)
{
	CHECK_INT(weft_event_wait(arg), ==, -1);
	CHECK_INT(errno, ==, ECANCELED);
	WEFT_SHIELDED {
		CHECK_INT(weft_interrupted(), ==, 0);
		CHECK_INT(weft_sleep(1000), ==, 0);
		CHECK_INT(weft_event_wait(&go_on), ==, 0);
	}
	CHECK_ERRNO(weft_sleep(1000), ECANCELED);
	CHECK_ERRNO(weft_sleep(0), ECANCELED);
	return 7;
}

CHECK_CASE(a_cancelled_thread_still_waits_in_shielded_sections)
{
	struct weft_thread *thread;
	int result = 0;

	set_up();
	thread = weft_thread_new(NULL, sleep_shielded, &event);
	CHECK_ERRNO(weft_thread_cancel(thread), EINVAL);
	weft_thread_free(thread);
	thread = weft_thread_new(NULL, sleep_shielded, &event);
	CHECK_INT(weft_thread_start(thread), ==, 0);
	CHECK_INT(weft_thread_cancel(thread), ==, 0);
	CHECK_INT(weft_thread_cancel(thread), ==, 0); /* it can't have ended yet */
	weft_event_set(&go_on);
	CHECK_INT(weft_thread_join(thread, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 7);
	weft_thread_free(thread);
}

static int cancel_from_fiber(void *arg)
{
	(void)arg;
	CHECK_INT(cancelled_after(receive, 100), ==, ECANCELED);
	CHECK_INT(cancelled_after(wait_event, 100), ==, ECANCELED);
	return 0;
}

CHECK_CASE(a_fiber_cancels_a_thread)
{
	set_up();
	CHECK_INT(weft_run(NULL, cancel_from_fiber, NULL), ==, 0);
}

static volatile sig_atomic_t own_signals;

static void on_signal(int number)
{
	(void)number;
	own_signals++;
}

CHECK_CASE(a_programs_own_handler_of_the_signal_is_called_too)
{
	set_up();
	CHECK_INT(sigaction(SIGURG, &(struct sigaction){.sa_handler = on_signal}, NULL), ==, 0);
	CHECK_INT(cancelled_after(receive, 100), ==, ECANCELED);
	CHECK_INT(own_signals, ==, 1);
}

/* A thread of the program's own, which lets no signal in. */
static void *receive_deaf(void *arg)
{
	sigset_t all;
	char byte;

	sigfillset(&all);
	CHECK_INT(pthread_sigmask(SIG_SETMASK, &all, NULL), ==, 0);
	atomic_store((atomic_bool *)arg, true);
	CHECK_ERRNO(weft_recv(fds[0], &byte, 1, 0), EBADF);
	return NULL;
}

CHECK_CASE(a_close_wakes_a_thread_that_blocks_all_signals)
{
	for (unsigned round = 0; round < check_rounds(40); round++) {
		atomic_bool has_begun = false;
		pthread_t thread;

		CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
		CHECK_INT(pthread_create(&thread, NULL, receive_deaf, &has_begun), ==, 0);
		while (!atomic_load(&has_begun))
			sched_yield();
		for (volatile unsigned i = 0; i < round * round * 8; i++)
			;
		CHECK_INT(weft_close(fds[0]), ==, 0);
		CHECK_INT(pthread_join(thread, NULL), ==, 0);
		close(fds[1]);
	}
}

CHECK_MAIN()
