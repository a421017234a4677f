/*
 * test_thread_dump.c - threads are cancelled while lists of all fibers are made, which ask a busy
 * worker by the same signal (src/fiber/backtrace.c).
 * check: tsan
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include "check.h"
#include "weft/debug.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/thread.h"

static atomic_bool is_over, is_busy;

static int spin(void *arg)
{
	(void)arg;
	atomic_store(&is_busy, true);
	while (!atomic_load(&is_over))
		;
	return 0;
}

static int run_spin(void *arg)
{
	(void)arg;
	return weft_run(&(struct weft_run_options){.workers = 1}, spin, NULL);
}

static int make_lists(void *arg)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)arg;
	while (!atomic_load(&is_over))
		weft_dump(fd);
	close(fd);
	return 0;
}

static int sleep_long(void *arg)
{
	atomic_store((atomic_bool *)arg, true);
	return weft_sleep(WEFT_SECONDS(3600)) < 0 ? errno : 0;
}

static struct weft_thread *started(weft_fiber_fn *fn, void *arg)
{
	struct weft_thread *thread = weft_thread_new(NULL, fn, arg);

	CHECK(thread != NULL);
	CHECK_INT(weft_thread_start(thread), ==, 0);
	return thread;
}

static void joined(struct weft_thread *thread, int wanted)
{
	int result = -1;

	CHECK_INT(weft_thread_join(thread, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, wanted);
	weft_thread_free(thread);
}

CHECK_CASE(a_thread_that_is_cancelled_while_a_busy_worker_is_asked_wakes)
{
	struct weft_thread *busy = started(run_spin, NULL), *lister;

	while (!atomic_load(&is_busy))
		usleep(100);
	lister = started(make_lists, NULL);
	for (unsigned i = 0; i < check_rounds(300); i++) {
		atomic_bool has_begun = false;
		struct weft_thread *sleeper = started(sleep_long, &has_begun);

		while (!atomic_load(&has_begun))
			usleep(20);
		usleep(i % 300); /* in its sleep, or just before */
		CHECK_INT(weft_thread_cancel(sleeper), ==, 0);
		joined(sleeper, ECANCELED);
	}
	atomic_store(&is_over, true);
	joined(lister, 0);
	joined(busy, 0);
}

CHECK_MAIN()
