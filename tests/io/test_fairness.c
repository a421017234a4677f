/*
 * test_fairness.c - a fiber whose calls never have to wait starves nobody on its worker.
 * check: tsan drivers
 *
 * Each case: the greedy fiber sends to itself and receives, over and over, until its
 * neighbour has got somewhere; if that takes GREED_MAX turns, and PATIENCE, the neighbour is
 * starved.
 */
#include <stdatomic.h>

#include "both.h"
#include "weft/scope.h"
#include "weft/socket.h"
#include "weft/stream.h"

#define GREED_MAX 5000000
#define PATIENCE  WEFT_SECONDS(50)

static atomic_bool is_over;

static int end_greed(void)
{
	atomic_store(&is_over, true);
	return 0;
}

/* The loop gets its turn by the clock only, and some neighbours wait for another thread, which may
 * be late: turns alone are no fault. */
static int be_greedy(void *arg)
{
	int type = (int)(intptr_t)arg, fds[2];
	int64_t end_ns = weft_now() + PATIENCE;
	char byte = 'g';

	make_pair(type, fds);
	for (uint64_t i = 0; !atomic_load(&is_over); i++) {
		CHECK(i < GREED_MAX || weft_now() < end_ns);
		CHECK_INT(weft_send(fds[0], &byte, 1, 0), ==, 1);
		CHECK_INT(weft_recv(fds[1], &byte, 1, 0), ==, 1);
	}
	weft_close(fds[0]);
	weft_close(fds[1]);
	return 0;
}

static void starve(weft_fiber_fn *neighbour, void *arg)
{
	weft_fiber_id greedy, other = weft_spawn(neighbour, arg);
	int result = -1;

	weft_yield(); /* the neighbour waits, or is on its way, when the greed begins */
	greedy = weft_spawn(be_greedy, (void *)SOCK_STREAM);
	CHECK_INT(weft_join(greedy, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(weft_join(other, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
}

static void run(weft_fiber_fn *fn, void *arg)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 1}, fn, arg), ==, 0);
}

/* ---- Timers ---------------------------------------------------------------------------- */

static int sleep_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20; i++)
		CHECK_INT(weft_sleep(WEFT_MICROSECONDS(200)), ==, 0);
	return end_greed();
}

static int starve_a_sleeper(void *arg)
{
	starve(sleep_often, arg);
	return 0;
}

CHECK_CASE(a_sleeper_wakes_beside_a_fiber_that_never_waits)
{
	run(starve_a_sleeper, NULL);
}

static int be_late(void *arg)
{
	int fds[2];
	char byte;

	(void)arg;
	make_pair(SOCK_STREAM, fds);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_recv(fds[0], &byte, 1, 0), ETIMEDOUT);
	weft_close(fds[0]);
	weft_close(fds[1]);
	return end_greed();
}

static int starve_a_deadline(void *arg)
{
	starve(be_late, arg);
	return 0;
}

CHECK_CASE(a_deadline_comes_beside_a_fiber_that_never_waits)
{
	run(starve_a_deadline, NULL);
}

/* ---- Events from the kernel --------------------------------------------------------------- */

static void *answer_each_byte(void *arg)
{
	int fd = *(int *)arg;
	char byte;

	while (read(fd, &byte, 1) == 1)
		CHECK_INT(write(fd, &byte, 1), ==, 1);
	return NULL;
}

static int converse(void *arg)
{
	int fds[2];
	char byte = 'c';
	pthread_t peer;

	(void)arg;
	make_pair(SOCK_STREAM, fds);
	peer = peer_start(answer_each_byte, &fds[1]);
	for (int i = 0; i < 20; i++) {
		CHECK_INT(weft_send(fds[0], &byte, 1, 0), ==, 1);
		CHECK_INT(weft_recv(fds[0], &byte, 1, 0), ==, 1);
	}
	end_greed();
	weft_close(fds[0]);
	peer_end(peer);
	close(fds[1]);
	return 0;
}

static int starve_a_reader(void *arg)
{
	starve(converse, arg);
	return 0;
}

CHECK_CASE(a_reader_is_served_beside_a_fiber_that_never_waits)
{
	run(starve_a_reader, NULL);
}

/* ---- What other threads ask --------------------------------------------------------------- */

static int wait_to_be_cancelled(void *arg)
{
	(void)arg;
	CHECK_ERRNO(weft_sleep(INT64_MAX), ECANCELED);
	return end_greed();
}

static weft_fiber_id waiting_fiber;
static atomic_bool is_greedy;

static void *cancel_from_outside(void *arg)
{
	(void)arg;
	while (!atomic_load(&is_greedy))
		usleep(100);
	CHECK_INT(weft_cancel(waiting_fiber), ==, 0);
	return NULL;
}

static int starve_the_inbox(void *arg)
{
	pthread_t thread;

	(void)arg;
	waiting_fiber = weft_spawn(wait_to_be_cancelled, NULL);
	weft_yield();
	thread = peer_start(cancel_from_outside, NULL);
	atomic_store(&is_greedy, true);
	be_greedy((void *)SOCK_STREAM);
	CHECK_INT(weft_join(waiting_fiber, NULL, WEFT_FOREVER), ==, 0);
	peer_end(thread);
	return 0;
}

CHECK_CASE(a_cancel_from_a_thread_arrives_beside_a_fiber_that_never_waits)
{
	run(starve_the_inbox, NULL);
}

/* ---- Among the greedy ----------------------------------------------------------------------- */

#define GREEDY 8
static int turns[GREEDY];

/* Until it, or another, has had its thousand. */
static int take_turns(void *arg)
{
	int *mine = arg, fds[2];
	char byte = 't';

	make_pair(SOCK_DGRAM, fds);
	while (!atomic_load(&is_over)) {
		CHECK_INT(weft_send(fds[0], &byte, 1, 0), ==, 1);
		CHECK_INT(weft_recv(fds[1], &byte, 1, 0), ==, 1);
		if (++*mine == 1000)
			end_greed();
	}
	weft_close(fds[0]);
	weft_close(fds[1]);
	return 0;
}

static int share(void *arg)
{
	weft_fiber_id fibers[GREEDY];

	(void)arg;
	for (int i = 0; i < GREEDY; i++)
		fibers[i] = weft_spawn(take_turns, &turns[i]);
	CHECK_INT(weft_join_all(fibers, GREEDY, NULL, WEFT_FOREVER), ==, GREEDY);
	for (int i = 0; i < GREEDY; i++)
		CHECK_INT(turns[i], >=, 900);
	return 0;
}

CHECK_CASE(fibers_that_never_wait_share_their_worker_evenly)
{
	run(share, NULL);
}

/* One whose buffer always holds the next line, as a fast peer fills it. */
static void *pour(void *arg)
{
	static char lines[64 * 1024];

	memset(lines, '\n', sizeof(lines));
	while (send(*(int *)arg, lines, sizeof(lines), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

static int read_lines(void *arg)
{
	struct weft_stream *stream = weft_stream_new(*(int *)arg);
	int64_t end_ns = weft_now() + PATIENCE;
	const char *line;

	CHECK(stream != NULL);
	for (uint64_t i = 0; !atomic_load(&is_over); i++) {
		CHECK(i % GREED_MAX > 0 || weft_now() < end_ns);
		CHECK_INT(weft_stream_readline(stream, &line), ==, 1);
	}
	weft_stream_free(stream);
	return 0;
}

static int starve_beside_a_stream(void *arg)
{
	weft_fiber_id sleeper = weft_spawn(sleep_often, arg), reader;
	pthread_t peer;
	int fds[2];

	make_pair(SOCK_STREAM, fds);
	peer = peer_start(pour, &fds[1]);
	reader = weft_spawn(read_lines, &fds[0]);
	CHECK_INT(weft_join(reader, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(weft_join(sleeper, NULL, WEFT_FOREVER), ==, 0);
	peer_end(peer);
	close(fds[1]);
	return 0;
}

CHECK_CASE(a_stream_that_always_has_a_line_starves_nobody)
{
	run(starve_beside_a_stream, NULL);
}

CHECK_MAIN()
