/*
 * test_rwlock.c - read-write locks: readers together, writers alone, nobody starves.
 * check: tsan aarch64 valgrind drivers
 */
#include "sync/mix.h"
#include "weft/lock.h"

static int misuse(void *arg)
{
	struct weft_rwlock lock = WEFT_RWLOCK_INIT;

	(void)arg;
	CHECK_ERRNO(weft_rwlock_release(&lock), EPERM);
	CHECK_INT(weft_rwlock_acquire_write(&lock), ==, 0);
	CHECK_ERRNO(weft_rwlock_acquire_write(&lock), EDEADLK);
	CHECK_ERRNO(weft_rwlock_acquire_read(&lock), EDEADLK);
	CHECK_INT(weft_rwlock_release(&lock), ==, 0);
	CHECK_ERRNO(weft_rwlock_release(&lock), EPERM);
	CHECK_INT(weft_rwlock_acquire_read(&lock), ==, 0);
	CHECK_INT(weft_rwlock_try_acquire_read(&lock), ==, 0);
	CHECK_ERRNO(weft_rwlock_try_acquire_write(&lock), EBUSY);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_rwlock_acquire_write(&lock), ETIMEDOUT);
	CHECK_INT(weft_rwlock_release(&lock), ==, 0);
	CHECK_INT(weft_rwlock_release(&lock), ==, 0);
	CHECK_INT(weft_rwlock_try_acquire_write(&lock), ==, 0);
	CHECK_INT(weft_rwlock_release(&lock), ==, 0);
	return 0;
}

CHECK_CASE(misuse_is_a_defined_error_in_fibers_and_in_threads)
{
	misuse(NULL);
	run(1, misuse, NULL);
}

struct book {
	struct weft_rwlock lock;
	char order[16];
	int count;
};

static int read_once(void *arg)
{
	struct book *book = arg;

	if (weft_rwlock_acquire_read(&book->lock) < 0)
		return errno;
	book->order[book->count++] = 'r';
	settle();
	return weft_rwlock_release(&book->lock);
}

static int write_once(void *arg)
{
	struct book *book = arg;

	if (weft_rwlock_acquire_write(&book->lock) < 0)
		return errno;
	CHECK_ERRNO(weft_rwlock_try_acquire_read(&book->lock), EDEADLK);
	book->order[book->count++] = 'w';
	settle();
	return weft_rwlock_release(&book->lock);
}

static int take_turns(void *arg)
{
	struct book book = {.count = 0};
	weft_fiber_id fibers[6];

	(void)arg;
	CHECK_INT(weft_rwlock_acquire_read(&book.lock), ==, 0);
	for (int i = 0; i < 6; i++) {
		fibers[i] = weft_spawn(i % 3 == 0 ? write_once : read_once, &book);
		weft_yield();
	}
	/* A writer waits: no reader overtakes it. */
	CHECK_ERRNO(weft_rwlock_try_acquire_read(&book.lock), EBUSY);
	CHECK_INT(weft_rwlock_release(&book.lock), ==, 0);
	CHECK_INT(weft_join_all(fibers, 6, NULL, WEFT_FOREVER), ==, 6);
	CHECK_STR(book.order, "wrrrrw");
	return 0;
}

CHECK_CASE(readers_and_writers_take_turns)
{
	run(1, take_turns, NULL);
}

static int writer_gives_up(void *arg)
{
	struct book book = {.count = 0};
	weft_fiber_id writer, reader;
	int result = -1;

	(void)arg;
	CHECK_INT(weft_rwlock_acquire_read(&book.lock), ==, 0);
	writer = weft_spawn(write_once, &book);
	weft_yield();
	reader = weft_spawn(read_once, &book);
	weft_yield();
	CHECK_INT(weft_cancel(writer), ==, 0);
	CHECK_INT(weft_join(writer, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, ECANCELED);
	CHECK_INT(weft_join(reader, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	CHECK_INT(weft_rwlock_release(&book.lock), ==, 0);
	return 0;
}

CHECK_CASE(a_writer_that_gives_up_holds_up_no_reader)
{
	run(1, writer_gives_up, NULL);
}

struct crowd {
	struct weft_rwlock lock;
	unsigned rounds;
	_Atomic int readers, writers;
	int pages[2]; /* always equal, but while a writer is at it */
	_Atomic unsigned through;
};

static void crowd_work(void *arg, unsigned index)
{
	struct crowd *crowd = arg;
	struct prng prng = {index};

	for (unsigned i = 0; i < crowd->rounds; i++) {
		bool is_writer = prng_below(&prng, 3) == 0;
		int result = -1;

		WEFT_WITH_TIMEOUT (patience(&prng))
			result = is_writer ? weft_rwlock_acquire_write(&crowd->lock)
					   : weft_rwlock_acquire_read(&crowd->lock);
		if (result < 0) {
			CHECK_INT(errno, ==, ETIMEDOUT);
			continue;
		}
		crowd->through++;
		(is_writer ? &crowd->writers : &crowd->readers)[0]++;
		CHECK_INT(crowd->writers, ==, is_writer);
		CHECK(!is_writer || crowd->readers == 0);
		if (is_writer)
			crowd->pages[0]++;
		jitter(&prng);
		if (is_writer)
			crowd->pages[1]++;
		CHECK_INT(crowd->pages[0], ==, crowd->pages[1]);
		(is_writer ? &crowd->writers : &crowd->readers)[0]--;
		CHECK_INT(weft_rwlock_release(&crowd->lock), ==, 0);
	}
}

static void crowd_run(unsigned workers, unsigned fibers, unsigned threads)
{
	struct crowd crowd = {.rounds = check_rounds(150)};

	weft_rwlock_init(&crowd.lock, "crowd");
	mix_run(&(struct mix){workers, fibers, threads, crowd_work, &crowd});
	CHECK_INT(crowd.through, >, 0);
	CHECK(!crowd.lock.waiters.first && !crowd.lock.waiting_writers);
	CHECK(!crowd.lock.readers && !crowd.lock.writer);
}

CHECK_CASE(writers_are_alone_and_whoever_gives_up_strands_nobody)
{
	crowd_run(1, 12, 0);
	crowd_run(3, 12, 0);
	crowd_run(1, 0, 4);
	crowd_run(3, 9, 3);
}

CHECK_MAIN()
