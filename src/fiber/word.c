/*
 * word.c - see word.h.
 */
#include "fiber/word.h"

#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/** Words that nobody can sleep on, all of them on a kernel before 5.16, are looked at so often. */
#define LOOK_SOON_NS WEFT_MILLISECONDS(1)

/** Words that a worker sleeps on itself: each costs some time at each sleep. */
#define OWN_WORDS_MAX 16

const struct weft__word_keeper *_Atomic weft__word_keeper;

/** Sleepers that a wake looks at; its worker looks at the others when it looks around. */
#define WAKE_LOOKS_MAX 64

/** This kernel has no futex_waitv(2). */
static atomic_bool has_no_waitv;

int64_t weft__word_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return WEFT_SECONDS(now.tv_sec) + now.tv_nsec;
}

void weft__word_bell_ring(_Atomic uint32_t *bell)
{
	atomic_fetch_add(bell, 1);
	syscall(SYS_futex, bell, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* ---- Lists --------------------------------------------------------------------------------- */

static bool is_over(struct weft__word_sleeper *sleeper, int64_t now_ns)
{
	const struct weft__word_doubt *doubt = sleeper->doubt;

	if (atomic_load(sleeper->word) != sleeper->expected)
		return true;
	if (now_ns < sleeper->may_ns)
		return false;
	if (doubt && doubt->is_over(doubt->arg))
		return true;
	/* Sooner than it must be, with another one whose time has come: so many have one. */
	sleeper->may_ns = now_ns + WEFT__WORD_LOOK_NS / 2;
	sleeper->must_ns = now_ns + WEFT__WORD_LOOK_NS;
	return false;
}

static void look(struct weft_list *sleepers, _Atomic uint32_t *woken, size_t most)
{
	int64_t now_ns = weft__word_clock();
	bool is_used = !woken;

	weft_list_each_safe (node, sleepers) {
		struct weft__word_sleeper *sleeper =
			weft_container_of(node, struct weft__word_sleeper, node);

		if (most-- == 0)
			break;
		if (sleeper->word != woken && !is_over(sleeper, now_ns))
			continue;
		is_used |= sleeper->word == woken;
		weft_list_remove(node);
		weft_list_node_init(node);
		weft__waiter_wake(&sleeper->waiter);
	}
	if (!is_used)
		syscall(SYS_futex, woken, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void weft__words_look(struct weft_list *sleepers, _Atomic uint32_t *woken)
{
	look(sleepers, woken, SIZE_MAX);
}

int weft__word_wake(_Atomic uint32_t *word, int count)
{
	struct weft__worker *worker = weft__worker;
	long woken;

	/* Those of the caller's own worker are not asleep in the kernel. */
	if (worker && !weft_list_is_empty(&worker->words))
		look(&worker->words, NULL, WAKE_LOOKS_MAX);
	woken = syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
	return woken < 0 ? 0 : (int)woken;
}

static void add_word(struct weft__word_set *set, const struct weft__word_sleeper *sleeper)
{
	uint64_t address = (uint64_t)(uintptr_t)sleeper->word;

	if (sleeper->must_ns < set->until_ns)
		set->until_ns = sleeper->must_ns;
	for (unsigned i = 1; i < set->count; i++)
		if (set->waits[i].uaddr == address && set->waits[i].val == sleeper->expected)
			return;
	if (set->count == 1 + WEFT__WORDS_ASLEEP_MAX) {
		set->is_full = true;
		return;
	}
	set->waits[set->count++] =
		(struct futex_waitv){.val = sleeper->expected, .uaddr = address, .flags = FUTEX_32};
}

void weft__word_set_fill(
	struct weft__word_set *set, _Atomic uint32_t *bell, const struct weft_list *sleepers)
{
	set->waits[0] = (struct futex_waitv){.val = atomic_load(bell),
		.uaddr = (uint64_t)(uintptr_t)bell,
		.flags = FUTEX_32 | FUTEX_PRIVATE_FLAG};
	set->count = 1;
	set->is_full = false;
	set->until_ns = INT64_MAX;
	weft_list_each (node, sleepers)
		add_word(set, weft_container_of(node, struct weft__word_sleeper, node));
}

static struct timespec time_of(int64_t ns)
{
	if (ns < 0)
		ns = 0;
	return (struct timespec){ns / WEFT_SECONDS(1), ns % WEFT_SECONDS(1)};
}

/* On the bell alone, for a moment if there is anything else. */
static void sleep_on_bell(const struct weft__word_set *set)
{
	int64_t soon_ns = weft__word_clock() + LOOK_SOON_NS;
	struct timespec until =
		time_of(set->count > 1 && soon_ns < set->until_ns ? soon_ns : set->until_ns);

	syscall(SYS_futex, (uintptr_t)set->waits[0].uaddr, FUTEX_WAIT_BITSET_PRIVATE,
		(uint32_t)set->waits[0].val, set->until_ns == INT64_MAX ? NULL : &until, NULL,
		FUTEX_BITSET_MATCH_ANY);
}

_Atomic uint32_t *weft__word_set_sleep(struct weft__word_set *set)
{
	struct timespec until;
	long woken = -1;

	if (set->is_full) {
		int64_t soon_ns = weft__word_clock() + LOOK_SOON_NS;

		set->until_ns = soon_ns < set->until_ns ? soon_ns : set->until_ns;
	}
	until = time_of(set->until_ns);
	if (set->count > 1 && !atomic_load_explicit(&has_no_waitv, memory_order_relaxed))
		woken = syscall(SYS_futex_waitv, set->waits, set->count, 0,
			set->until_ns == INT64_MAX ? NULL : &until, CLOCK_MONOTONIC);
	else
		errno = EINVAL;
	if (woken > 0)
		return (_Atomic uint32_t *)(uintptr_t)set->waits[woken].uaddr;
	if (woken == 0 || errno == EAGAIN || errno == ETIMEDOUT || errno == EINTR)
		return NULL;
	if (errno == ENOSYS || errno == EPERM)
		atomic_store(&has_no_waitv, true);
	/* Or a word was unmapped since its sleeper left. */
	sleep_on_bell(set);
	return NULL;
}

/* ---- Fibers -------------------------------------------------------------------------------- */

static int give_up(struct weft__word_sleeper *self, int code)
{
	const struct weft__word_keeper *keeper = atomic_load(&weft__word_keeper);
	bool is_off = self->is_kept ? keeper->give_back(self) : weft_list_is_linked(&self->node);

	if (is_off && !self->is_kept)
		weft_list_remove(&self->node);
	if (is_off)
		return code;
	weft__waiter_wait_for_sure(&self->waiter);
	return 0;
}

int weft__word_park(_Atomic uint32_t *word, uint32_t expected, const struct weft__word_doubt *doubt)
{
	struct weft__word_sleeper self = {.word = word, .expected = expected, .doubt = doubt};
	int64_t first_ns = doubt ? doubt->first_ns : WEFT__WORD_LOOK_NS;
	int code = weft__interrupted();

	if (code)
		return code;
	self.may_ns = self.must_ns = weft__word_clock() + first_ns;
	if (first_ns == WEFT__WORD_LOOK_NS)
		self.may_ns -= WEFT__WORD_LOOK_NS / 2;
	weft__waiter_init(&self.waiter, WEFT__WAIT_WORD, word);
	weft_list_push_back(&weft__worker->words, &self.node);
	code = weft__waiter_wait(&self.waiter);
	return code ? give_up(&self, code) : 0;
}

/* ---- The worker ------------------------------------------------------------------------------ */

bool weft__words_begin(struct weft__worker *worker, struct weft__word_set *set)
{
	const struct weft__driver_ops *ops = worker->driver->ops;
	const struct weft__word_keeper *keeper = atomic_load(&weft__word_keeper);

	if (weft_list_is_empty(&worker->words))
		return false;
	if (ops->is_idle && ops->is_idle(worker->driver) &&
		!atomic_load_explicit(&has_no_waitv, memory_order_relaxed)) {
		/* Before the bell is read: who rings it sees this, or is seen by us. */
		atomic_store(&worker->is_by_bell, true);
		weft__word_set_fill(set, &worker->bell, &worker->words);
		if (set->count <= 1 + OWN_WORDS_MAX)
			return true;
		atomic_store(&worker->is_by_bell, false);
	}
	if (keeper)
		keeper->take(&worker->words);
	return false;
}

void weft__words_wait(struct weft__worker *worker, struct weft__word_set *set, int64_t deadline_ns)
{
	_Atomic uint32_t *woken = NULL;

	if (deadline_ns < set->until_ns)
		set->until_ns = deadline_ns;
	if (deadline_ns > 0)
		woken = weft__word_set_sleep(set);
	atomic_store(&worker->is_by_bell, false);
	weft__words_look(&worker->words, woken);
}

int64_t weft__words_until(const struct weft__worker *worker, int64_t deadline_ns)
{
	int64_t soon_ns;

	if (weft_list_is_empty(&worker->words))
		return deadline_ns;
	soon_ns = worker->driver->ops->now(worker->driver) + LOOK_SOON_NS;
	return soon_ns < deadline_ns ? soon_ns : deadline_ns;
}
