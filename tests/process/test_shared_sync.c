/*
 * test_shared_sync.c - locks, semaphores, events and conditions between processes: in fibers and
 * threads, with deadlines, and beside processes that are killed.
 *
 * check: tsan drivers
 */
#include "weft/shared_sync.h"

#include <sys/mman.h>

#include "check.h"
#include "weft/fiber.h"
#include "weft/scope.h"

/* Both outside fibers and in one. */
static void both(weft_fiber_fn *body)
{
	CHECK_INT(body(NULL), ==, 0);
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, body, NULL), ==, 0);
}

static void *shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

/* A child that runs fn(arg), and is ended by it. */
static pid_t child(void (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		fn(arg);
		_exit(0);
	}
	return pid;
}

static void ended(pid_t pid, int wanted)
{
	int status;

	CHECK_INT(waitpid(pid, &status, 0), ==, pid);
	CHECK_INT(WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status), ==, wanted);
}

/* ---- As one uses it ------------------------------------------------------------------- */

struct board {
	struct weft_shared_lock lock;
	struct weft_shared_sem sem;
	struct weft_shared_event event;
	struct weft_shared_cond cond;
	int count, other;
};

struct work {
	struct board *board;
	int rounds;
};

static int count_up(void *arg)
{
	struct work *work = arg;
	struct board *board = work->board;

	for (int i = 0; i < work->rounds; i++) {
		CHECK_INT(weft_shared_lock_acquire(&board->lock), ==, 0);
		board->count++;
		CHECK_INT(weft_shared_lock_release(&board->lock), ==, 0);
		if (i % 100 == 0)
			weft_yield();
	}
	return 0;
}

static int four_fibers(void *arg)
{
	weft_fiber_id ids[4];

	for (int i = 0; i < 4; i++)
		CHECK((ids[i] = weft_spawn(count_up, arg)) != 0);
	for (int i = 0; i < 4; i++)
		CHECK_INT(weft_join(ids[i], NULL, WEFT_FOREVER), ==, 0);
	return 0;
}

static void count_alone(void *arg)
{
	count_up(arg);
}

CHECK_CASE(a_lock_is_one_processs_at_a_time_and_one_fibers_in_it)
{
	struct board *board = shared(sizeof *board);
	struct work work = {board, 2000};
	pid_t first, second;

	weft_shared_lock_init(&board->lock);
	first = child(count_alone, &work);
	second = child(count_alone, &work);
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, four_fibers, &work), ==, 0);
	ended(first, 0);
	ended(second, 0);
	CHECK_INT(board->count, ==, 6 * work.rounds);
	CHECK_INT(weft_shared_lock_owner(&board->lock), ==, 0);
	CHECK_ERRNO(weft_shared_lock_release(&board->lock), EPERM);
}

/* ---- Deaths ------------------------------------------------------------------------------ */

static void die_with_it(void *arg)
{
	struct board *board = arg;

	CHECK_INT(weft_shared_lock_acquire(&board->lock), ==, 0);
	board->count = 1;
	kill(getpid(), SIGKILL);
}

static int death_is_told(void *arg)
{
	struct board *board = shared(sizeof *board);
	pid_t pid = child(die_with_it, board);
	siginfo_t info;

	(void)arg;
	/* It isn't reaped: a zombie is as dead as can be. */
	CHECK_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), ==, 0);
	CHECK_INT(weft_shared_lock_owner(&board->lock), ==, pid);
	errno = 0;
	CHECK_INT(weft_shared_lock_acquire(&board->lock), ==, 1);
	CHECK_INT(errno, ==, EOWNERDEAD);
	CHECK_INT(weft_shared_lock_owner(&board->lock), ==, getpid());
	CHECK_ERRNO(weft_shared_lock_try_acquire(&board->lock), EBUSY);
	CHECK_INT(weft_shared_lock_release(&board->lock), ==, 0);
	CHECK_INT(weft_shared_lock_try_acquire(&board->lock), ==, 0);
	CHECK_INT(weft_shared_lock_release(&board->lock), ==, 0);
	ended(pid, SIGKILL);
	pid = child(die_with_it, board);
	ended(pid, SIGKILL);
	errno = 0;
	CHECK_INT(weft_shared_lock_try_acquire(&board->lock), ==, 1);
	CHECK_INT(errno, ==, EOWNERDEAD);
	CHECK_INT(weft_shared_lock_release(&board->lock), ==, 0);
	munmap(board, sizeof *board);
	return 0;
}

CHECK_CASE(the_death_of_an_owner_is_told_to_the_next)
{
	both(death_is_told);
}

static void hold(void *arg)
{
	struct board *board = arg;

	CHECK_INT(weft_shared_lock_acquire(&board->lock), ==, 0);
	weft_shared_event_set(&board->event);
	for (;;)
		pause();
}

CHECK_CASE(who_waits_when_the_owner_dies_gets_the_lock_and_so_do_all_behind_it)
{
	struct board *board = shared(sizeof *board);
	struct work work = {board, 1};
	pid_t owner = child(hold, board), waiters[3];
	int told = 0;

	CHECK_INT(weft_shared_event_wait(&board->event), ==, 0);
	for (int i = 0; i < 3; i++) {
		waiters[i] = fork();
		CHECK(waiters[i] >= 0);
		if (waiters[i])
			continue;
		i = weft_shared_lock_acquire(&board->lock);
		board->count++;
		CHECK_INT(weft_shared_lock_release(&board->lock), ==, 0);
		_exit(i);
	}
	kill(owner, SIGKILL);
	for (int i = 0; i < 3; i++) {
		int status;

		CHECK_INT(waitpid(waiters[i], &status, 0), ==, waiters[i]);
		CHECK(WIFEXITED(status));
		told += WEXITSTATUS(status);
	}
	ended(owner, SIGKILL);
	CHECK_INT(told, ==, 1);
	CHECK_INT(board->count, ==, 3);
	count_up(&work);
}

/* ---- Deadlines ----------------------------------------------------------------------------- */

static int deadlines_hold(void *arg)
{
	struct board *board = shared(sizeof *board);
	pid_t owner = child(hold, board);

	(void)arg;
	CHECK_INT(weft_shared_event_wait(&board->event), ==, 0);
	weft_shared_event_clear(&board->event);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5)) {
		CHECK_ERRNO(weft_shared_lock_acquire(&board->lock), ETIMEDOUT);
		CHECK_ERRNO(weft_shared_sem_acquire(&board->sem), ETIMEDOUT);
		CHECK_ERRNO(weft_shared_event_wait(&board->event), ETIMEDOUT);
	}
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_shared_sem_acquire(&board->sem), ETIMEDOUT);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_shared_event_wait(&board->event), ETIMEDOUT);
	kill(owner, SIGKILL);
	ended(owner, SIGKILL);
	CHECK_INT(weft_shared_lock_acquire(&board->lock), ==, 1);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5)) {
		while (weft_shared_cond_wait(&board->cond, &board->lock) == 0)
			;
		CHECK_INT(errno, ==, ETIMEDOUT);
	}
	CHECK_INT(weft_shared_lock_owner(&board->lock), ==, getpid());
	CHECK_INT(weft_shared_lock_release(&board->lock), ==, 0);
	CHECK_ERRNO(weft_shared_cond_wait(&board->cond, &board->lock), EPERM);
	munmap(board, sizeof *board);
	return 0;
}

CHECK_CASE(waits_end_at_their_deadlines_and_leave_nothing_taken)
{
	both(deadlines_hold);
}

static int wait_for_permit(void *arg)
{
	struct board *board = arg;

	return weft_shared_sem_acquire(&board->sem) < 0 ? errno : 0;
}

/* A wake that a cancelled one may have had goes to another. */
static int cancel_waiters(void *arg)
{
	struct board *board = arg;
	weft_fiber_id ids[3];
	int result;

	for (int i = 0; i < 3; i++)
		CHECK((ids[i] = weft_spawn(wait_for_permit, board)) != 0);
	weft_sleep(WEFT_MILLISECONDS(2));
	CHECK_INT(weft_shared_sem_release(&board->sem, 1), ==, 0);
	weft_cancel(ids[0]); /* unless it has ended, with the permit */
	CHECK_INT(weft_join(ids[0], &result, WEFT_FOREVER), ==, 0);
	CHECK(result == 0 || result == ECANCELED);
	CHECK_INT(weft_shared_sem_release(&board->sem, result == 0 ? 2 : 1), ==, 0);
	for (int i = 1; i < 3; i++) {
		CHECK_INT(weft_join(ids[i], &result, WEFT_FOREVER), ==, 0);
		CHECK_INT(result, ==, 0);
	}
	CHECK_INT(weft_shared_sem_count(&board->sem), ==, 0);
	return 0;
}

CHECK_CASE(a_fiber_that_is_cancelled_takes_nothing)
{
	struct board *board = shared(sizeof *board);

	CHECK_INT(weft_run(NULL, cancel_waiters, board), ==, 0);
}

/* ---- Semaphore, event, condition ---------------------------------------------------------------
 */

#define PERMITS_PASSED 300

static void take_permits(void *arg)
{
	struct board *board = arg;

	for (int i = 0; i < PERMITS_PASSED; i++)
		CHECK_INT(weft_shared_sem_acquire(&board->sem), ==, 0);
}

CHECK_CASE(permits_go_to_whoever_waits)
{
	struct board *board = shared(sizeof *board);
	pid_t takers[3];

	CHECK_INT(weft_shared_sem_init(&board->sem, 2), ==, 0);
	CHECK_INT(weft_shared_sem_count(&board->sem), ==, 2);
	CHECK_INT(weft_shared_sem_try_acquire(&board->sem), ==, 0);
	CHECK_INT(weft_shared_sem_acquire(&board->sem), ==, 0);
	CHECK_ERRNO(weft_shared_sem_try_acquire(&board->sem), EAGAIN);
	for (int i = 0; i < 3; i++)
		takers[i] = child(take_permits, board);
	for (int i = 0; i < PERMITS_PASSED; i++)
		CHECK_INT(weft_shared_sem_release(&board->sem, 1 + (uint32_t)(i % 5)), ==, 0);
	for (int i = 0; i < 3; i++)
		ended(takers[i], 0);
	CHECK_INT(weft_shared_sem_count(&board->sem), ==, 0);
	CHECK_INT(weft_shared_sem_release(&board->sem, WEFT_SHARED_SEM_MAX), ==, 0);
	CHECK_ERRNO(weft_shared_sem_release(&board->sem, 1), EOVERFLOW);
	CHECK_ERRNO(weft_shared_sem_init(&board->sem, UINT32_MAX), EINVAL);
}

static void wait_for_event(void *arg)
{
	struct board *board = arg;

	CHECK_INT(weft_shared_sem_release(&board->sem, 1), ==, 0);
	CHECK_INT(weft_shared_event_wait(&board->event), ==, 0);
}

static int event_wakes_all(void *arg)
{
	struct board *board = shared(sizeof *board);
	pid_t waiters[3];

	(void)arg;
	for (int i = 0; i < 3; i++)
		waiters[i] = child(wait_for_event, board);
	for (int i = 0; i < 3; i++)
		CHECK_INT(weft_shared_sem_acquire(&board->sem), ==, 0);
	CHECK(!weft_shared_event_is_set(&board->event));
	weft_shared_event_set(&board->event);
	CHECK(weft_shared_event_is_set(&board->event));
	for (int i = 0; i < 3; i++)
		ended(waiters[i], 0);
	CHECK_INT(weft_shared_event_wait(&board->event), ==, 0);
	weft_shared_event_clear(&board->event);
	CHECK(!weft_shared_event_is_set(&board->event));
	munmap(board, sizeof *board);
	return 0;
}

CHECK_CASE(an_event_lets_everybody_go_on)
{
	both(event_wakes_all);
}

/* ---- Wakes --------------------------------------------------------------------------------
 * A wake that doesn't come costs 100 ms, until the next look: so many rounds, and the case takes
 * longer than it may. */

#define WAKES 800

static void let_sleep(void)
{
	usleep(100);
}

static void give_permits(void *arg)
{
	struct board *board = arg;

	for (int i = 0; i < WAKES; i++) {
		let_sleep();
		CHECK_INT(weft_shared_sem_release(&board->sem, 1), ==, 0);
		CHECK_INT(weft_shared_event_wait(&board->event), ==, 0);
		weft_shared_event_clear(&board->event);
	}
}

static int sem_wakes(void *arg)
{
	struct board *board = shared(sizeof *board);
	pid_t other = child(give_permits, board);

	(void)arg;
	for (int i = 0; i < WAKES; i++) {
		CHECK_INT(weft_shared_sem_acquire(&board->sem), ==, 0);
		weft_shared_event_set(&board->event);
	}
	ended(other, 0);
	munmap(board, sizeof *board);
	return 0;
}

static void set_events(void *arg)
{
	struct board *board = arg;

	for (int i = 0; i < WAKES; i++) {
		let_sleep();
		weft_shared_event_set(&board->event);
		CHECK_INT(weft_shared_sem_acquire(&board->sem), ==, 0);
	}
}

static int event_wakes(void *arg)
{
	struct board *board = shared(sizeof *board);
	pid_t other = child(set_events, board);

	(void)arg;
	for (int i = 0; i < WAKES; i++) {
		CHECK_INT(weft_shared_event_wait(&board->event), ==, 0);
		weft_shared_event_clear(&board->event);
		CHECK_INT(weft_shared_sem_release(&board->sem, 1), ==, 0);
	}
	ended(other, 0);
	munmap(board, sizeof *board);
	return 0;
}

CHECK_CASE(a_permit_wakes_a_thread_that_sleeps)
{
	sem_wakes(NULL);
}

CHECK_CASE(a_permit_wakes_a_fiber_that_sleeps)
{
	CHECK_INT(weft_run(NULL, sem_wakes, NULL), ==, 0);
}

CHECK_CASE(an_event_wakes_a_thread_that_sleeps)
{
	event_wakes(NULL);
}

CHECK_CASE(an_event_wakes_a_fiber_that_sleeps)
{
	CHECK_INT(weft_run(NULL, event_wakes, NULL), ==, 0);
}

static void answer(void *arg)
{
	struct board *board = arg;

	for (int i = 1; i <= WAKES / 2; i++) {
		CHECK_INT(weft_shared_lock_acquire(&board->lock), ==, 0);
		while (board->count != i)
			CHECK_INT(weft_shared_cond_wait(&board->cond, &board->lock), ==, 0);
		board->other = i;
		weft_shared_cond_broadcast(&board->cond);
		CHECK_INT(weft_shared_lock_release(&board->lock), ==, 0);
	}
}

static int conditions_are_signalled(void *arg)
{
	struct board *board = shared(sizeof *board);
	pid_t other = child(answer, board);

	(void)arg;
	for (int i = 1; i <= WAKES / 2; i++) {
		CHECK_INT(weft_shared_lock_acquire(&board->lock), ==, 0);
		board->count = i;
		weft_shared_cond_signal(&board->cond);
		while (board->other != i)
			CHECK_INT(weft_shared_cond_wait(&board->cond, &board->lock), ==, 0);
		CHECK_INT(weft_shared_lock_release(&board->lock), ==, 0);
	}
	ended(other, 0);
	munmap(board, sizeof *board);
	return 0;
}

CHECK_CASE(a_condition_passes_word_to_and_fro)
{
	both(conditions_are_signalled);
}

static void signal_and_die(void *arg)
{
	struct board *board = arg;

	while (weft_shared_lock_acquire(&board->lock) == 0 && !board->other)
		CHECK_INT(weft_shared_lock_release(&board->lock), ==, 0);
	board->count = 1;
	weft_shared_cond_broadcast(&board->cond);
	kill(getpid(), SIGKILL);
}

static int death_is_told_to_who_waits(void *arg)
{
	struct board *board = shared(sizeof *board);
	pid_t other = child(signal_and_die, board);
	int got;

	(void)arg;
	CHECK_INT(weft_shared_lock_acquire(&board->lock), ==, 0);
	board->other = 1;
	do {
		errno = 0;
		got = weft_shared_cond_wait(&board->cond, &board->lock);
	} while (got == 0);
	CHECK_INT(got, ==, 1);
	CHECK_INT(errno, ==, EOWNERDEAD);
	CHECK_INT(board->count, ==, 1);
	CHECK_INT(weft_shared_lock_owner(&board->lock), ==, getpid());
	CHECK_INT(weft_shared_lock_release(&board->lock), ==, 0);
	ended(other, SIGKILL);
	munmap(board, sizeof *board);
	return 0;
}

CHECK_CASE(who_waits_at_a_condition_is_told_that_the_locks_owner_died)
{
	both(death_is_told_to_who_waits);
}

/* ---- Many words
 * ---------------------------------------------------------------------------------- */

#define MANY 300 /* more than the watcher can sleep on */

static int wait_for_one(void *arg)
{
	return weft_shared_event_wait(arg);
}

static int wait_for_many(void *arg)
{
	struct weft_shared_event *events = arg;
	weft_fiber_id ids[MANY];
	int result;

	for (int i = 0; i < MANY; i++)
		CHECK((ids[i] = weft_spawn(wait_for_one, &events[i])) != 0);
	weft_sleep(WEFT_MILLISECONDS(5));
	for (int i = MANY; i-- > 0;)
		weft_shared_event_set(&events[i]);
	for (int i = 0; i < MANY; i++) {
		CHECK_INT(weft_join(ids[i], &result, WEFT_FOREVER), ==, 0);
		CHECK_INT(result, ==, 0);
	}
	return 0;
}

CHECK_CASE(fibers_wait_for_more_words_than_the_kernel_sleeps_on)
{
	CHECK_INT(weft_run(NULL, wait_for_many, shared(MANY * sizeof(struct weft_shared_event))),
		==, 0);
}

/* ---- Children
 * ------------------------------------------------------------------------------------- */

/* ThreadSanitizer lets no thread start in the child of a process that had several. */
#ifndef __SANITIZE_THREAD__
static void wait_in_child(void *arg)
{
	CHECK_INT(weft_run(NULL, wait_for_many, arg), ==, 0);
}

CHECK_CASE(fibers_of_a_child_wait_as_their_parents_did)
{
	struct weft_shared_event *events = shared(2 * MANY * sizeof *events);

	/* So many words are slept on by threads, which a child doesn't have. */
	CHECK_INT(weft_run(NULL, wait_for_many, events), ==, 0);
	ended(child(wait_in_child, events + MANY), 0);
}
#endif

CHECK_MAIN()
