/*
 * test_run_refused.c - a run that gets no thread for one of its workers: nothing is left of it.
 * check: valgrind drivers
 *
 * The program's own pthread_create() stands before the C library's.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>

#include "descriptors.h"
#include "fiber/bodies.h"
#include "weft/scope.h"

static int refused_at; /* the how manieth call is refused, from 1; 0: none */
static int calls, running;

struct start {
	void *(*fn)(void *arg);
	void *arg;
};

typedef int create_fn(
	pthread_t *ret_thread, const pthread_attr_t *attributes, void *(*fn)(void *arg), void *arg);

/* Counts who is still there. */
static void *thread_begin(void *arg)
{
	struct start start = *(struct start *)arg;
	void *result;

	free(arg);
	__atomic_add_fetch(&running, 1, __ATOMIC_SEQ_CST);
	result = start.fn(start.arg);
	__atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
	return result;
}

/* Visible, or the linker would leave the C library its own. */
__attribute__((visibility("default"))) int pthread_create(pthread_t *restrict ret_thread,
	const pthread_attr_t *restrict attributes, void *(*fn)(void *arg), void *restrict arg)
{
	create_fn *create = (create_fn *)dlsym(RTLD_NEXT, "pthread_create");
	struct start *start;

	if (++calls == refused_at)
		return EAGAIN;
	start = malloc(sizeof(*start));
	CHECK(start != NULL);
	*start = (struct start){fn, arg};
	return create(ret_thread, attributes, thread_begin, start);
}

static int never_run(void *arg)
{
	*(bool *)arg = true;
	return 0;
}

static int everybody_is_here(void *arg)
{
	(void)arg;
	CHECK_INT(weft_worker_count(), ==, 4);
	for (unsigned i = 1; i <= 4; i++) {
		struct weft_spawn_options options = {.worker = i};

		CHECK_INT(weft_join(weft_spawn_with(&options, return_number, NULL), NULL,
				  WEFT_FOREVER),
			==, 0);
	}
	return 0;
}

static void check_nothing_is_left(int descriptors_before, const sigset_t *mask_before)
{
	sigset_t mask;

	CHECK_INT(__atomic_load_n(&running, __ATOMIC_SEQ_CST), ==, 0);
	CHECK_INT(descriptors(), ==, descriptors_before);
	CHECK_INT(pthread_sigmask(SIG_SETMASK, NULL, &mask), ==, 0);
	CHECK_INT(sigismember(&mask, SIGPIPE), ==, sigismember(mask_before, SIGPIPE));
	CHECK_INT(weft_worker_count(), ==, 0);
	CHECK_INT(weft_fiber_count(), ==, 0);
	CHECK(weft_self() == 0);
	CHECK(weft_driver_name() == NULL);
	CHECK_ERRNO(weft_spawn(return_number, NULL), ENOTSUP);
	/* The thread is a plain one: it sleeps by itself. */
	CHECK_INT(weft_sleep(1), ==, 0);
}

CHECK_CASE(a_run_without_a_thread_for_each_worker_fails_whole)
{
	const struct weft_run_options options = {.workers = 4};
	int before = descriptors();
	bool has_run = false;
	sigset_t mask;

	CHECK_INT(pthread_sigmask(SIG_SETMASK, NULL, &mask), ==, 0);
	for (int n = 1; n <= 3; n++) {
		calls = 0;
		refused_at = n;
		CHECK_ERRNO(weft_run(&options, never_run, &has_run), EAGAIN);
		CHECK_INT(calls, ==, n); /* no further one is tried */
		CHECK(!has_run);
		check_nothing_is_left(before, &mask);
	}
	refused_at = 0;
	run(4, everybody_is_here, NULL);
	CHECK_INT(calls, ==, 3 + 3);
	check_nothing_is_left(before, &mask);
}

static void refuse_and_run(void)
{
	const struct weft_run_options options = {.workers = 3};

	calls = 0;
	refused_at = 2;
	CHECK_ERRNO(weft_run(&options, return_number, NULL), EAGAIN);
	refused_at = 0;
	run(3, return_number, NULL);
}

/* Nothing is told by the allocators of the sanitizers, which look for leaks themselves. */
static size_t bytes_in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

CHECK_CASE(refused_again_and_again_a_run_takes_no_more_memory)
{
	size_t before;

	for (int i = 0; i < 20; i++)
		refuse_and_run();
	before = bytes_in_use();
	for (int i = 0; i < 100; i++)
		refuse_and_run();
	/* The least that could be lost each time is a worker's queue, of more than a kilobyte;
	 * the C library keeps a little for each thread. */
	CHECK_INT(bytes_in_use(), <=, before + (size_t)32 * 1024);
}

CHECK_MAIN()
