/*
 * test_describe.c - locks, channels and their kin in a list of the fibers; deadlocks of
 * locks (include/weft/debug.h).
 * check: tsan drivers
 */
#include <errno.h>
#include <sys/mman.h>

#include "check.h"
#include "weft/chan.h"
#include "weft/debug.h"
#include "weft/event.h"
#include "weft/fiber.h"
#include "weft/group.h"
#include "weft/lock.h"
#include "weft/sem.h"

static struct weft_lock accounts, journal;
static struct weft_rwlock table = {.name = "table"};
static struct weft_cond filled = {.name = "filled"};
static struct weft_event started = {.name = "started"};
static struct weft_sem permits = {.name = "permits"};
static struct weft_group children = {.count = 0, .name = "children"};
static struct weft_barrier line;
static struct weft_chan *jobs, *results;

static char text[64 * 1024];

static const char *text_of(int fd)
{
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	CHECK(len >= 0);
	text[len] = '\0';
	return text;
}

#define CHECK_HAS(needle)                                                                  \
	do {                                                                               \
		if (!strstr(text, needle))                                                 \
			check_fail(__FILE__, __LINE__, "no \"%s\" in:\n%s", needle, text); \
	} while (0)

static int want_lock(void *arg)
{
	(void)arg;
	return weft_lock_acquire(&accounts);
}

static int want_table(void *arg)
{
	(void)arg;
	return weft_rwlock_acquire_read(&table);
}

static int want_filled(void *arg)
{
	(void)arg;
	weft_lock_acquire(&journal);
	return weft_cond_wait(&filled, &journal);
}

static int want_event(void *arg)
{
	(void)arg;
	return weft_event_wait(&started);
}

static int want_permit(void *arg)
{
	(void)arg;
	return weft_sem_acquire(&permits);
}

static int want_children(void *arg)
{
	(void)arg;
	return weft_group_wait(&children);
}

static int want_line(void *arg)
{
	(void)arg;
	return weft_barrier_wait(&line);
}

static int want_job(void *arg)
{
	int job;

	(void)arg;
	return (int)weft_chan_recv(jobs, &job);
}

static int want_room(void *arg)
{
	int result = 1;

	(void)arg;
	while (weft_chan_send(results, &result) == 0)
		;
	return 0;
}

static void spawn(const char *name, weft_fiber_fn *fn)
{
	struct weft_spawn_options options = {.name = name, .detached = true};

	CHECK(weft_spawn_with(&options, fn, NULL));
}

static int list(void *arg)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);

	(void)arg;
	weft_lock_init(&accounts, "accounts");
	CHECK_INT(weft_lock_acquire(&accounts), ==, 0);
	CHECK_INT(weft_rwlock_acquire_write(&table), ==, 0);
	CHECK_INT(weft_barrier_init(&line, 3, "line"), ==, 0);
	weft_group_add(&children, 2);
	jobs = weft_chan_new(sizeof(int), 0, "jobs");
	results = weft_chan_new(sizeof(int), 4, "results");
	spawn("a", want_lock);
	spawn("b", want_table);
	spawn("c", want_filled);
	spawn("d", want_event);
	spawn("e", want_permit);
	spawn("f", want_children);
	spawn("g", want_line);
	spawn("h", want_job);
	spawn("i", want_room);
	weft_sleep(WEFT_MILLISECONDS(1));
	CHECK_INT(weft_dump(fd), ==, 0);
	text_of(fd);
	close(fd);
	CHECK_HAS(" s to acquire lock \"accounts\", held by \"main\" #");
	CHECK_HAS(" s to acquire read-write lock \"table\", 0 readers, held by \"main\" #");
	CHECK_HAS(" s for condition \"filled\"\n");
	CHECK_HAS(" s for event \"started\"\n");
	CHECK_HAS(" s for semaphore \"permits\"\n");
	CHECK_HAS(" s for group \"children\", 2 to go\n");
	CHECK_HAS(" s at barrier \"line\", 1 of 3 are there\n");
	CHECK_HAS(" s to receive from channel \"jobs\"\n");
	CHECK_HAS(" s to send to channel \"results\" of 4 items, 4 in it\n");
	return 0;
}

CHECK_CASE(a_list_names_what_is_waited_for_and_who_holds_it)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 1}, list, NULL), ==, 0);
}

/* ---- The two locks of every textbook ------------------------------------------------ */

static struct weft_barrier both;

static int first_then_second(void *arg)
{
	struct weft_lock **locks = arg;

	CHECK_INT(weft_lock_acquire(locks[0]), ==, 0);
	weft_barrier_wait(&both);
	if (weft_lock_acquire(locks[1]) == 0)
		weft_lock_release(locks[1]);
	else
		CHECK_INT(errno, ==, ECANCELED);
	weft_lock_release(locks[0]);
	return 0;
}

static int lock_crosswise(void *arg)
{
	static struct weft_lock *forwards[] = {&accounts, &journal};
	static struct weft_lock *backwards[] = {&journal, &accounts};
	struct weft_spawn_options options = {.name = "forwards"};
	weft_fiber_id fibers[2];

	(void)arg;
	weft_lock_init(&accounts, "accounts");
	weft_lock_init(&journal, "journal");
	CHECK_INT(weft_barrier_init(&both, 2, NULL), ==, 0);
	fibers[0] = weft_spawn_with(&options, first_then_second, forwards);
	options.name = "backwards";
	fibers[1] = weft_spawn_with(&options, first_then_second, backwards);
	weft_join_all(fibers, 2, NULL, WEFT_FOREVER);
	return 0;
}

CHECK_CASE(a_deadlock_of_two_locks_is_named_with_its_ring)
{
	int fd = memfd_create("stderr", 0);

	CHECK(dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	for (unsigned workers = 1; workers <= 2; workers++) {
		struct weft_run_options options = {.workers = workers};

		CHECK_ERRNO(weft_run(&options, lock_crosswise, NULL), EDEADLK);
		text_of(fd);
		CHECK_HAS("weft: deadlock: all fibers wait, and nothing can wake them\n");
		CHECK_HAS("in a ring:\n\tfiber \"");
		CHECK_HAS("to acquire lock \"journal\", held by \"backwards\" #");
		CHECK_HAS("to acquire lock \"accounts\", held by \"forwards\" #");
		CHECK_INT(ftruncate(fd, 0), ==, 0);
		lseek(fd, 0, SEEK_SET);
	}
}

/* ---- A lock that nobody can release any more ------------------------------------------ */

static int acquire_and_end(void *arg)
{
	(void)arg;
	return weft_lock_acquire(&accounts);
}

/* arg: whether the one that forgot is joined before. */
static int want_what_is_never_released(void *arg)
{
	struct weft_spawn_options options = {.name = "forgetful"};
	weft_fiber_id fiber = weft_spawn_with(&options, acquire_and_end, NULL);

	weft_lock_init(&accounts, "accounts");
	if (arg)
		CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	else
		weft_yield();
	CHECK_ERRNO(weft_lock_acquire(&accounts), ECANCELED);
	return arg ? 0 : weft_detach(fiber);
}

CHECK_CASE(a_lock_whose_owner_has_ended_is_told_with_its_name)
{
	struct weft_run_options options = {.workers = 1};
	int fd = memfd_create("stderr", 0);

	CHECK(dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	for (int is_joined = 0; is_joined < 2; is_joined++) {
		CHECK_ERRNO(weft_run(&options, want_what_is_never_released,
				    is_joined ? "joined" : NULL),
			EDEADLK);
		text_of(fd);
		CHECK_HAS("to acquire lock \"accounts\", held by \"forgetful\"");
		CHECK_HAS(", which has ended without releasing it\n");
		CHECK_INT(ftruncate(fd, 0), ==, 0);
		lseek(fd, 0, SEEK_SET);
	}
}

/* ---- The order of locks ---------------------------------------------------------------- */

static struct weft_lock third;

static void acquire_both(struct weft_lock *first, struct weft_lock *second)
{
	CHECK_INT(weft_lock_acquire(first), ==, 0);
	CHECK_INT(weft_lock_acquire(second), ==, 0);
	CHECK_INT(weft_lock_release(second), ==, 0);
	CHECK_INT(weft_lock_release(first), ==, 0);
}

static int in_order(void *arg)
{
	weft_lock_init(&accounts, "accounts");
	weft_lock_init(&journal, "journal");
	weft_lock_init_recursive(&third, "third");
	for (int i = 0; i < 3; i++) {
		acquire_both(&accounts, &journal);
		acquire_both(&journal, &third);
		acquire_both(&accounts, &third);
		acquire_both(&third, &third);
	}
	CHECK_INT(weft_lock_acquire(&third), ==, 0);
	CHECK_INT(weft_lock_try_acquire(&accounts), ==, 0); /* a try doesn't wait */
	CHECK_INT(weft_lock_release(&accounts), ==, 0);
	CHECK_INT(weft_lock_release(&third), ==, 0);
	(void)arg;
	return 0;
}

static int out_of_order(void *arg)
{
	in_order(arg);
	for (int i = 0; i < 3; i++)
		acquire_both(&third, &accounts);
	return 0;
}

static int anew(void *arg)
{
	in_order(arg);
	weft_lock_init(&accounts, "accounts"); /* another lock, of which nothing is known */
	acquire_both(&third, &accounts);
	return 0;
}

static const char *told_by(weft_fiber_fn *fn, bool is_in_fiber)
{
	int fd = memfd_create("stderr", 0);

	CHECK(dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	weft_lock_order_check(true);
	CHECK_INT(is_in_fiber ? weft_run(NULL, fn, NULL) : fn(NULL), ==, 0);
	weft_lock_order_check(false);
	return text_of(fd);
}

CHECK_CASE(locks_acquired_the_other_way_round_are_told_of_once)
{
	for (int is_in_fiber = 0; is_in_fiber < 2; is_in_fiber++) {
		CHECK_STR(told_by(in_order, is_in_fiber), "");
		CHECK_STR(told_by(anew, is_in_fiber), "");
		told_by(out_of_order, is_in_fiber);
		CHECK_HAS("weft: lock order inversion: ");
		CHECK_HAS("\" acquired \"accounts\" while it held \"third\" at\n");
		CHECK_HAS("\" acquired \"third\" while it held \"accounts\" at\n");
		CHECK(!strstr(strstr(text, "inversion") + 1, "inversion"));
	}
}

CHECK_MAIN()
