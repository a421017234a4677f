/*
 * test_word.c - fibers that wait for words in shared memory: very many at a time, beside others
 * that wait for descriptors, time and one another on the same worker.
 *
 * check: tsan drivers
 */
#include <sys/mman.h>

#include "check.h"
#include "weft/debug.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/sem.h"
#include "weft/shared_sync.h"
#include "weft/socket.h"

#ifdef __SANITIZE_THREAD__
#define MANY 300 /* each takes it some milliseconds to begin */
#else
#define MANY 1000
#endif
#define ROUNDS 3
#define TRIPS  300

struct board {
	struct weft_shared_sem asked[MANY], answered;
	struct weft_shared_event over;
};

static struct board *board_new(void)
{
	struct board *board = mmap(
		NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(board != MAP_FAILED);
	return board; /* all zero: no permits, not set */
}

static void board_free(struct board *board)
{
	CHECK_INT(munmap(board, sizeof *board), ==, 0);
}

static void ended_well(pid_t pid)
{
	int status;

	CHECK_INT(waitpid(pid, &status, 0), ==, pid);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), ==, 0);
}

static void join(weft_fiber_id id)
{
	int result = -1;

	CHECK(id != 0);
	CHECK_INT(weft_join(id, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
}

static int run(unsigned workers, weft_fiber_fn *fn, void *arg)
{
	return weft_run(&(struct weft_run_options){.workers = workers}, fn, arg);
}

/* ---- Very many -------------------------------------------------------------------------- */

struct seat {
	struct board *board;
	int index;
};

static int answer(void *arg)
{
	struct seat *seat = arg;
	struct board *board = seat->board;

	for (int i = 0; i < ROUNDS; i++) {
		CHECK_INT(weft_shared_sem_acquire(&board->asked[seat->index]), ==, 0);
		CHECK_INT(weft_shared_sem_release(&board->answered, 1), ==, 0);
	}
	return 0;
}

static int answer_all(void *arg)
{
	static struct seat seats[MANY];
	static weft_fiber_id ids[MANY];

	for (int i = 0; i < MANY; i++) {
		seats[i] = (struct seat){arg, i};
		ids[i] = weft_spawn(answer, &seats[i]);
	}
	for (int i = 0; i < MANY; i++)
		join(ids[i]);
	return 0;
}

/* One after the other: by looks alone it would take minutes. */
CHECK_CASE(a_thousand_fibers_wait_for_a_word_each_and_each_is_woken_at_once)
{
	struct board *board = board_new();
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		for (int i = 0; i < ROUNDS * MANY; i++) {
			CHECK_INT(weft_shared_sem_release(&board->asked[i % MANY], 1), ==, 0);
			CHECK_INT(weft_shared_sem_acquire(&board->answered), ==, 0);
		}
		_exit(0);
	}
	CHECK_INT(run(2, answer_all, board), ==, 0);
	ended_well(pid);
	board_free(board);
}

static int wait_for_end(void *arg)
{
	struct seat *seat = arg;
	struct board *board = seat->board;

	CHECK_INT(weft_shared_sem_release(&board->answered, 1), ==, 0);
	if (seat->index < 0)
		CHECK_INT(weft_shared_event_wait(&board->over), ==, 0);
	else
		CHECK_INT(weft_shared_sem_acquire(&board->asked[seat->index]), ==, 0);
	return 0;
}

static void let_them_wait(struct board *board, bool is_one_word)
{
	static struct seat seats[MANY];
	static weft_fiber_id ids[MANY];
	struct weft_counters before, after;

	for (int i = 0; i < MANY; i++) {
		seats[i] = (struct seat){board, is_one_word ? -1 : i};
		ids[i] = weft_spawn(wait_for_end, &seats[i]);
	}
	for (int i = 0; i < MANY; i++)
		CHECK_INT(weft_shared_sem_acquire(&board->answered), ==, 0);
	CHECK_INT(weft_counters(-1, &before), ==, 0);
	CHECK_INT(weft_sleep(WEFT_MILLISECONDS(1000)), ==, 0);
	CHECK_INT(weft_counters(-1, &after), ==, 0);
	/* One or the other may have been about to wait. Ten looks were due for each. */
	CHECK_INT(after.parks - before.parks, <, 2 * MANY);
	weft_shared_event_set(&board->over);
	for (int i = 0; i < MANY; i++)
		CHECK_INT(weft_shared_sem_release(&board->asked[i], 1), ==, 0);
	for (int i = 0; i < MANY; i++)
		join(ids[i]);
}

static int wait_for_one_word(void *arg)
{
	let_them_wait(arg, true);
	return 0;
}

static int wait_for_many_words(void *arg)
{
	let_them_wait(arg, false);
	return 0;
}

CHECK_CASE(fibers_whose_waits_are_not_over_are_let_sleep)
{
	struct board *board = board_new();

	CHECK_INT(run(2, wait_for_many_words, board), ==, 0);
	CHECK_INT(run(2, wait_for_one_word, board), ==, 0);
	board_free(board);
}

/* ---- Beside others --------------------------------------------------------------------------- */

struct pair {
	struct board *board;
	int ours, theirs; /* ends of a socket pair */
};

static int answer_words(void *arg)
{
	struct pair *pair = arg;

	for (int i = 0; i < TRIPS; i++) {
		CHECK_INT(weft_shared_sem_acquire(&pair->board->asked[0]), ==, 0);
		CHECK_INT(weft_shared_sem_release(&pair->board->answered, 1), ==, 0);
	}
	return 0;
}

static int answer_bytes(void *arg)
{
	struct pair *pair = arg;
	char byte;

	for (int i = 0; i < TRIPS; i++) {
		CHECK_INT(weft_read(pair->ours, &byte, 1), ==, 1);
		CHECK_INT(weft_write(pair->ours, &byte, 1), ==, 1);
	}
	return 0;
}

static int answer_both(void *arg)
{
	weft_fiber_id words = weft_spawn(answer_words, arg), bytes = weft_spawn(answer_bytes, arg);

	join(words);
	join(bytes);
	return 0;
}

static void ask(struct pair *pair, int count_words, int count_bytes)
{
	char byte = 0;

	for (int i = 0; i < count_words; i++) {
		CHECK_INT(weft_shared_sem_release(&pair->board->asked[0], 1), ==, 0);
		CHECK_INT(weft_shared_sem_acquire(&pair->board->answered), ==, 0);
	}
	for (int i = 0; i < count_bytes; i++) {
		CHECK_INT(weft_write(pair->theirs, &byte, 1), ==, 1);
		CHECK_INT(weft_read(pair->theirs, &byte, 1), ==, 1);
	}
}

/* In turns, and then one of the two alone: its worker sleeps now here, now there. */
static void words_and_bytes(int turns)
{
	struct pair pair = {.board = board_new()};
	int ends[2];
	pid_t pid;

	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
	pair.ours = ends[0];
	pair.theirs = ends[1];
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		for (int i = 0; i < turns; i++)
			ask(&pair, 1, 1);
		ask(&pair, TRIPS - turns, TRIPS - turns);
		_exit(0);
	}
	CHECK_INT(run(1, answer_both, &pair), ==, 0);
	ended_well(pid);
	weft_close(ends[0]);
	weft_close(ends[1]);
	board_free(pair.board);
}

CHECK_CASE(one_worker_waits_for_words_and_descriptors)
{
	words_and_bytes(TRIPS / 2);
	words_and_bytes(0);
}

struct neighbours {
	struct board *board;
	struct weft_sem to, from;
};

static int wait_for_word(void *arg)
{
	struct neighbours *all = arg;

	return weft_shared_event_wait(&all->board->over);
}

static int pass_on(void *arg)
{
	struct neighbours *all = arg;

	for (int i = 0; i < TRIPS; i++) {
		CHECK_INT(weft_sem_acquire(&all->to), ==, 0);
		CHECK_INT(weft_sem_release(&all->from, 1), ==, 0);
	}
	return 0;
}

static int sleep_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20; i++)
		CHECK_INT(weft_sleep(WEFT_MICROSECONDS(100)), ==, 0);
	return 0;
}

/* Of these three nobody ever waits for a descriptor: their worker sleeps by its bell. */
static int call_neighbours(void *arg)
{
	const struct weft_spawn_options second = {.worker = 2};
	struct neighbours *all = arg;
	weft_fiber_id ids[3], late;

	ids[0] = weft_spawn_with(&second, wait_for_word, all);
	ids[1] = weft_spawn_with(&second, pass_on, all);
	ids[2] = weft_spawn_with(&second, sleep_often, NULL);
	for (int i = 0; i < TRIPS; i++) {
		CHECK_INT(weft_sem_release(&all->to, 1), ==, 0);
		CHECK_INT(weft_sem_acquire(&all->from), ==, 0);
	}
	join(ids[1]);
	join(ids[2]);
	for (int i = 0; i < 20; i++) {
		late = weft_spawn_with(&second, sleep_often, NULL);
		join(late);
	}
	weft_shared_event_set(&all->board->over);
	join(ids[0]);
	return 0;
}

CHECK_CASE(a_worker_that_sleeps_on_a_word_hears_all_else)
{
	struct neighbours all = {.board = board_new()};

	CHECK_INT(weft_sem_init(&all.to, 0, "to"), ==, 0);
	CHECK_INT(weft_sem_init(&all.from, 0, "from"), ==, 0);
	CHECK_INT(run(2, call_neighbours, &all), ==, 0);
	board_free(all.board);
}

static int cancelled(void *arg)
{
	struct board *board = arg;

	CHECK_INT(weft_shared_event_wait(&board->over), ==, -1);
	CHECK_INT(errno, ==, ECANCELED);
	return 0;
}

/* Kept by a keeper, since they are many; all of them give up. */
static int cancel_many(void *arg)
{
	static weft_fiber_id ids[MANY];
	struct board *board = arg;

	for (int i = 0; i < MANY; i++)
		ids[i] = weft_spawn(cancelled, board);
	CHECK_INT(weft_sleep(WEFT_MILLISECONDS(5)), ==, 0);
	for (int i = 0; i < MANY; i++)
		CHECK_INT(weft_cancel(ids[i]), ==, 0);
	for (int i = 0; i < MANY; i++)
		join(ids[i]);
	return 0;
}

CHECK_CASE(a_thousand_that_wait_can_be_cancelled)
{
	struct board *board = board_new();

	CHECK_INT(run(2, cancel_many, board), ==, 0);
	CHECK_INT(run(1, cancel_many, board), ==, 0);
	board_free(board);
}

CHECK_MAIN()
