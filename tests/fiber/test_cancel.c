/*
 * test_cancel.c - cancelling fibers, and clean-up that is shielded from it.
 * check: tsan aarch64 valgrind drivers
 */
#include "weft/fiber.h"

#include "fiber/bodies.h"
#include "weft/chan.h"
#include "weft/scope.h"
#include "weft/socket.h"

static int note_cancel(void *arg)
{
	int *seen = arg;

	*seen = weft_sleep(WEFT_SECONDS(3600)) < 0 ? errno : 0;
	/* And every wait after it, too. */
	CHECK_ERRNO(weft_sleep(0), ECANCELED);
	CHECK_ERRNO(weft_join(weft_self() + 1, NULL, 0), ECANCELED);
	return 0;
}

static int cancel_one(void *arg)
{
	int seen = 0;
	weft_fiber_id fiber = weft_spawn(note_cancel, &seen);

	if (arg)
		weft_yield(); /* let it start first */
	CHECK_INT(weft_cancel(fiber), ==, 0);
	/* Twice is fine; on another worker it may have ended by now. */
	if (weft_cancel(fiber) < 0)
		CHECK_INT(errno, ==, ESRCH);
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(seen, ==, ECANCELED);
	return 0;
}

CHECK_CASE(a_cancelled_fiber_sees_it_in_every_wait)
{
	run(1, cancel_one, NULL);
	run(1, cancel_one, "started");
	run(3, cancel_one, NULL);
	run(3, cancel_one, "started");
}

static int shield_itself(void *arg)
{
	int *steps = arg;

	CHECK_ERRNO(weft_sleep(WEFT_SECONDS(3600)), ECANCELED);
	WEFT_SHIELDED {
		CHECK_INT(weft_interrupted(), ==, 0);
		CHECK_INT(weft_sleep(WEFT_MILLISECONDS(1)), ==, 0);
		++*steps;
		WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
			CHECK_ERRNO(weft_sleep(WEFT_SECONDS(3600)), ETIMEDOUT);
		++*steps;
	}
	CHECK_INT(weft_interrupted(), ==, ECANCELED);
	return 0;
}

static int cancel_shielded(void *arg)
{
	int steps = 0;
	weft_fiber_id fiber = weft_spawn(shield_itself, &steps);

	(void)arg;
	weft_yield();
	weft_cancel(fiber);
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(steps, ==, 2);
	return 0;
}

CHECK_CASE(clean_up_can_wait_in_a_shielded_section)
{
	run(1, cancel_shielded, NULL);
}

/* ---- Whatever it waits in ---------------------------------------------------------------- */

static int pair[2];

static int wait_in_read(void)
{
	char byte;

	return (int)weft_read(pair[0], &byte, 1);
}

static int wait_in_poll(void)
{
	return weft_wait_fd(pair[0], POLLIN);
}

static int wait_in_sleep(void)
{
	return weft_sleep(INT64_MAX);
}

static int wait_in_join(void)
{
	weft_fiber_id other = weft_spawn(sleep_ms, (void *)3600000);
	int result = weft_join(other, NULL, WEFT_FOREVER), saved = errno;

	weft_cancel(other);
	weft_detach(other);
	errno = saved;
	return result;
}

static int wait_in_write(void)
{
	static char block[65536];
	ssize_t count;

	while ((count = weft_write(pair[0], block, sizeof(block))) > 0)
		;
	return (int)count;
}

static int (*const waits[])(void) = {
	wait_in_read, wait_in_poll, wait_in_sleep, wait_in_join, wait_in_write};

static int wait_somehow(void *arg)
{
	int (*wait)(void) = *(int (*const *)(void))arg;
	int result = wait();

	return result < 0 ? errno : -result;
}

static int cancel_each_wait(void *arg)
{
	const struct weft_spawn_options options = {.worker = (unsigned)(uintptr_t)arg};

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		weft_fiber_id fiber;
		int result;

		CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
		fiber = weft_spawn_with(&options, wait_somehow, (void *)&waits[i]);
		weft_sleep(WEFT_MILLISECONDS(1)); /* in most rounds it waits by now */
		CHECK_INT(weft_cancel(fiber), ==, 0);
		CHECK_INT(weft_join(fiber, &result, WEFT_SECONDS(20)), ==, 0);
		CHECK_INT(result, ==, ECANCELED);
		weft_close(pair[0]);
		weft_close(pair[1]);
	}
	return 0;
}

CHECK_CASE(every_kind_of_wait_ends_by_a_cancel)
{
	run(1, cancel_each_wait, (void *)1);
	run(2, cancel_each_wait, (void *)2);
}

static int end_unasked(void *arg)
{
	(void)arg;
	weft_yield();
	return 5;
}

static int cancel_without_waits(void *arg)
{
	weft_fiber_id fiber = weft_spawn(end_unasked, NULL);
	int result = -1;

	(void)arg;
	CHECK_INT(weft_cancel(fiber), ==, 0);
	CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 5);
	CHECK_ERRNO(weft_cancel(0), ESRCH);
	CHECK_ERRNO(weft_cancel(UINT64_MAX), ESRCH);
	return 0;
}

CHECK_CASE(a_cancel_only_asks_and_a_fiber_that_never_waits_ends_as_it_likes)
{
	run(1, cancel_without_waits, NULL);
}

static int cancel_itself(void *arg)
{
	struct weft_chan *chan = weft_chan_new(sizeof(int), 10, "roomy");
	int item = 1;

	(void)arg;
	CHECK(chan != NULL);
	WEFT_SHIELDED {
		CHECK_INT(weft_cancel(weft_self()), ==, 0);
		CHECK_INT(weft_chan_send(chan, &item), ==, 0);
		CHECK_INT(weft_interrupted(), ==, 0);
	}
	CHECK_INT(weft_interrupted(), ==, ECANCELED);
	CHECK_ERRNO(weft_chan_send(chan, &item), ECANCELED);
	CHECK_ERRNO(weft_sleep(0), ECANCELED);
	weft_chan_free(chan);
	return 0;
}

static int cancel_itself_at_once(void *arg)
{
	(void)arg;
	CHECK_INT(weft_cancel(weft_self()), ==, 0);
	CHECK_INT(weft_interrupted(), ==, ECANCELED);
	return 0;
}

CHECK_CASE(who_cancels_itself_sees_it_in_the_next_call)
{
	run(1, cancel_itself, NULL);
	run(1, cancel_itself_at_once, NULL);
	run(2, cancel_itself_at_once, NULL);
}

CHECK_MAIN()
