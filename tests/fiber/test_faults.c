/*
 * test_faults.c - the n-th allocation or descriptor is refused, for every n: each time a
 * defined error, nothing lost, nothing hung.
 * check: drivers
 */
#include "faults.h"

#ifdef HAS_FAULTS

#include "weft/scope.h"
#include "weft/socket.h"

/* ---- What is tried ------------------------------------------------------------------- */

static weft_local_key key;
static atomic_int ended, deferred;

static void count_deferred(void *arg)
{
	(void)arg;
	atomic_fetch_add(&deferred, 1);
}

/* Uses what it can get; each refusal must be a defined one. */
static int use_everything(void *arg)
{
	char byte;

	if (weft_local_set(key, arg) < 0)
		CHECK_INT(errno, ==, ENOMEM);
	if (weft_defer(count_deferred, NULL) < 0) {
		CHECK_INT(errno, ==, ENOMEM);
		count_deferred(NULL);
	}
	WEFT_WITH_TIMEOUT (WEFT_MICROSECONDS(100)) {
		CHECK_INT(weft_read(*(int *)arg, &byte, 1), ==, -1);
		CHECK(errno == ETIMEDOUT || errno == ENOMEM);
	}
	atomic_fetch_add(&ended, 1);
	return 0;
}

static int many_fibers(void *arg)
{
	struct weft_spawn_options options = {.detached = true};
	int started = 0;

	(void)arg;
	for (int i = 0; i < 40; i++) {
		int fds[2];

		faults_hold();
		CHECK_INT(weft_pipe(fds), ==, 0);
		faults_go_on();
		options.worker = (unsigned)i % 3; /* any, the first, the second */
		options.stack_size_bytes = i % 2 ? 128 * 1024 : 0;
		if (weft_spawn_with(&options, use_everything, &fds[0]) != 0)
			started++;
		else
			CHECK(errno == ENOMEM || errno == EAGAIN);
		while (atomic_load(&ended) < started)
			if (weft_sleep(WEFT_MICROSECONDS(20)) < 0)
				CHECK_INT(errno, ==, ETIMEDOUT);
		weft_close(fds[0]);
		weft_close(fds[1]);
	}
	return 0;
}

CHECK_CASE(whichever_allocation_or_descriptor_is_refused_the_error_is_defined)
{
	const struct weft_run_options options = {.workers = 2};
	int failures = 0, n = 0, before;

	CHECK_INT(weft_local_new(&key, NULL), ==, 0);
	before = descriptors();
	do {
		int result;

		atomic_store(&ended, 0);
		atomic_store(&deferred, 0);
		atomic_store(&faults_refused, 0);
		atomic_store(&faults_left, ++n);
		result = weft_run(&options, many_fibers, NULL);
		atomic_store(&faults_left, 0);
		if (result < 0) {
			CHECK(errno == ENOMEM || errno == EMFILE || errno == EAGAIN);
			failures++;
		}
		CHECK_INT(atomic_load(&deferred), ==, atomic_load(&ended));
		CHECK_INT(descriptors(), ==, before);
	} while (atomic_load(&faults_refused));
	CHECK_INT(n, >, 10);       /* it did refuse something, */
	CHECK_INT(failures, >, 3); /* and weft_run() itself too */
	atomic_store(&ended, 0);
	CHECK_INT(weft_run(&options, many_fibers, NULL), ==, 0);
}

/* ---- A timer ------------------------------------------------------------------------- */

static int write_byte(void *fds)
{
	char byte = 'x';

	CHECK_INT(weft_write(((int *)fds)[1], &byte, 1), ==, 1);
	return 0;
}

static int wait_without_a_timer(void *arg)
{
	struct weft_timeout scope;
	char byte = 'x';
	int fds[2];

	(void)arg;
	CHECK_INT(weft_pipe(fds), ==, 0);
	/* What waiting for the descriptor itself needs is there after this. */
	CHECK_INT(weft_detach(weft_spawn(write_byte, fds)), ==, 0);
	CHECK_INT(weft_read(fds[0], &byte, 1), ==, 1);
	weft_timeout_begin(&scope, WEFT_SECONDS(3600));
	atomic_store(&faults_left, 1);
	CHECK_ERRNO(weft_read(fds[0], &byte, 1), ETIMEDOUT);
	CHECK_INT(atomic_load(&faults_refused), ==, 1);
	CHECK_INT(weft_interrupted(), ==, ETIMEDOUT);
	CHECK(weft_timeout_end(&scope));
	CHECK_INT(weft_interrupted(), ==, 0);
	weft_close(fds[0]);
	weft_close(fds[1]);
	return 0;
}

CHECK_CASE(a_scope_without_memory_for_its_timer_counts_as_expired)
{
	const struct weft_run_options options = {.workers = 1};

	CHECK_INT(weft_run(&options, wait_without_a_timer, NULL), ==, 0);
}

#else

CHECK_CASE(faults_are_met_in_the_release_build_only)
{
}

#endif

CHECK_MAIN()
