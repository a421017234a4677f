/*
 * test_late_worker.c - a worker whose thread the system does not let run yet: it is nobody who is
 * stuck, and there is nothing of it to be looked at.
 *
 * check: drivers
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "check.h"
#include "weft/debug.h"
#include "weft/fiber.h"
#include "weft/scope.h"

/* ---- The first thread that is made comes late ------------------------------------------------ */

typedef int create_fn(
	pthread_t *ret_thread, const pthread_attr_t *attributes, void *(*fn)(void *arg), void *arg);

static struct {
	void *(*fn)(void *arg);
	atomic_bool is_wanted, may_begin;
} late;

static void *begin_late(void *arg)
{
	while (!atomic_load(&late.may_begin))
		usleep(1000);
	return late.fn(arg);
}

int pthread_create(pthread_t *restrict ret_thread, const pthread_attr_t *restrict attributes,
	void *(*fn)(void *arg), void *restrict arg)
{
	create_fn *create = (create_fn *)dlsym(RTLD_NEXT, "pthread_create");

	if (!atomic_exchange(&late.is_wanted, false))
		return create(ret_thread, attributes, fn, arg);
	late.fn = fn;
	return create(ret_thread, attributes, begin_late, arg);
}

/* ---- What is said of it ---------------------------------------------------------------------- */

static char text[64 * 1024];
static int said; /* what goes to standard error */

static const char *text_of(int fd)
{
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	CHECK(len >= 0);
	text[len] = '\0';
	return text;
}

static int say_worker(void *arg)
{
	(void)arg;
	return weft_worker_index();
}

static int be_watched(void *arg)
{
	const struct weft_spawn_options there = {.worker = 2};
	int fd = memfd_create("dump", MFD_CLOEXEC), index = -1;

	(void)arg;
	CHECK(fd >= 0);
	/* Many ticks of the watchdog; more would show no more. */
	for (int i = 0; i < 20; i++)
		weft_sleep(WEFT_MILLISECONDS(5));
	CHECK_INT(weft_dump(fd), ==, 0);
	CHECK(strstr(text_of(fd), "\nworker 1 has not begun: ") != NULL);
	close(fd);
	CHECK(strstr(text_of(said), "worker 1 ") == NULL);
	/* From here on it may be called slow, and with good reason. */
	atomic_store(&late.may_begin, true);
	CHECK_INT(
		weft_join(weft_spawn_with(&there, say_worker, NULL), &index, WEFT_FOREVER), ==, 0);
	CHECK_INT(index, ==, 1);
	return 0;
}

CHECK_CASE(a_worker_whose_thread_has_not_begun_is_neither_stuck_nor_looked_into)
{
	struct weft_run_options options = {.workers = 2, .watchdog_ns = WEFT_MILLISECONDS(2)};

	said = memfd_create("stderr", 0);
	CHECK(said >= 0 && dup2(said, STDERR_FILENO) == STDERR_FILENO);
	atomic_store(&late.is_wanted, true);
	CHECK_INT(weft_run(&options, be_watched, NULL), ==, 0);
}

CHECK_MAIN()
