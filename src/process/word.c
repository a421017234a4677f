/*
 * word.c - see word.h.
 *
 * The watcher is one thread of the process, started by the first fiber that waits. Under its
 * mutex are the sleepers, fibers each with a word; it sleeps on as many words as futex_waitv(2)
 * takes, and on one of its own that is bumped when a sleeper comes.
 *
 * Must never: read the word of a sleeper that is off the list (its memory may be unmapped), or
 * keep to itself a wake that was meant for somebody.
 */
#include "process/word.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fiber/doze.h"
#include "fiber/runtime.h"
#include "fiber/waiter.h"
#include "thread/crew.h"
#include "weft/scope.h"

/** Words beyond those asleep, and all of them on a kernel before 5.16, are looked at so often. */
#define LOOK_SOON_NS WEFT_MILLISECONDS(1)

struct sleeper {
	struct weft_list_node node;
	_Atomic uint32_t *word;
	uint32_t expected;
	int64_t until_ns; /* of clock_ns() */
	struct weft__waiter waiter;
};

static struct {
	pthread_mutex_t mutex;
	struct weft_list sleepers;
	_Atomic uint32_t poke; /* the watcher's own word */
	bool is_open;
} watcher = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* The kernel's, whatever the fiber's driver says: it is what futexes go by. */
static int64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return WEFT_SECONDS(now.tv_sec) + now.tv_nsec;
}

int weft__word_wake(_Atomic uint32_t *word, int count)
{
	long woken = syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);

	return woken < 0 ? 0 : (int)woken;
}

/* ---- Threads ------------------------------------------------------------------------------- */

static int wait_thread(_Atomic uint32_t *word, uint32_t expected, int64_t most_ns)
{
	struct weft__context *context = weft__context_self();
	int64_t deadline_ns = weft__context_deadline(context), until_ns = clock_ns() + most_ns;
	struct timespec until = weft__doze_until(deadline_ns < until_ns ? deadline_ns : until_ns);
	int code;

	weft__doze_begin(&until);
	code = weft__interrupt(context);
	if (!code)
		syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, &until, NULL,
			FUTEX_BITSET_MATCH_ANY);
	weft__doze_end();
	return code ? code : weft__interrupt(context);
}

/* ---- The watcher ------------------------------------------------------------------------------
 */

struct watch_set {
	struct futex_waitv waits[1 + WEFT__WORDS_ASLEEP_MAX]; /* the first is the watcher's own */
	unsigned count;
	bool is_full;
	int64_t until_ns;
};

static void add_word(struct watch_set *set, const struct sleeper *sleeper)
{
	uint64_t address = (uint64_t)(uintptr_t)sleeper->word;

	if (sleeper->until_ns < set->until_ns)
		set->until_ns = sleeper->until_ns;
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

/* With the mutex. */
static void gather(struct watch_set *set)
{
	set->waits[0] = (struct futex_waitv){.val = atomic_load(&watcher.poke),
		.uaddr = (uint64_t)(uintptr_t)&watcher.poke,
		.flags = FUTEX_32 | FUTEX_PRIVATE_FLAG};
	set->count = 1;
	set->is_full = false;
	set->until_ns = INT64_MAX;
	weft_list_each (node, &watcher.sleepers)
		add_word(set, weft_container_of(node, struct sleeper, node));
	if (set->is_full)
		set->until_ns = clock_ns() + LOOK_SOON_NS;
}

/* The word whose waiter was woken; NULL: none, but something may have changed. */
static _Atomic uint32_t *sleep_on(struct watch_set *set)
{
	struct timespec until = {set->until_ns / WEFT_SECONDS(1), set->until_ns % WEFT_SECONDS(1)};
	bool has_end = set->until_ns != INT64_MAX;
	long woken;

	woken = syscall(SYS_futex_waitv, set->waits, set->count, 0, has_end ? &until : NULL,
		CLOCK_MONOTONIC);
	if (woken > 0)
		return (_Atomic uint32_t *)(uintptr_t)set->waits[woken].uaddr;
	if (woken == 0 || errno == EAGAIN || errno == ETIMEDOUT || errno == EINTR)
		return NULL;
	/* There is no such call, or a word was unmapped since its sleeper left. */
	until = (struct timespec){0, LOOK_SOON_NS};
	syscall(SYS_futex, &watcher.poke, FUTEX_WAIT_PRIVATE, (uint32_t)set->waits[0].val,
		set->count > 1 ? &until : NULL, NULL, 0);
	return NULL;
}

/* With the mutex: what woke us is of no use to a fiber that gave up, so another has it. */
static void wake_sleepers(_Atomic uint32_t *woken)
{
	int64_t now_ns = clock_ns();
	bool is_used = !woken;

	weft_list_each_safe (node, &watcher.sleepers) {
		struct sleeper *sleeper = weft_container_of(node, struct sleeper, node);

		if (sleeper->word != woken && now_ns < sleeper->until_ns &&
			atomic_load(sleeper->word) == sleeper->expected)
			continue;
		is_used |= sleeper->word == woken;
		weft_list_remove(node);
		weft_list_node_init(node);
		weft__waiter_wake(&sleeper->waiter);
	}
	if (!is_used)
		weft__word_wake(woken, 1);
}

static void *watcher_main(void *arg)
{
	static struct watch_set set; /* the only watcher's */

	(void)arg;
	pthread_setname_np(pthread_self(), "weft words");
	pthread_mutex_lock(&watcher.mutex);
	for (;;) {
		_Atomic uint32_t *woken;

		gather(&set);
		pthread_mutex_unlock(&watcher.mutex);
		woken = sleep_on(&set);
		pthread_mutex_lock(&watcher.mutex);
		wake_sleepers(woken);
	}
	return NULL;
}

static void fork_before(void)
{
	pthread_mutex_lock(&watcher.mutex);
}

static void fork_in_parent(void)
{
	pthread_mutex_unlock(&watcher.mutex);
}

static void fork_in_child(void)
{
	watcher.is_open = false;
	weft_list_init(&watcher.sleepers);
	pthread_mutex_unlock(&watcher.mutex);
}

static void prepare(void)
{
	weft_list_init(&watcher.sleepers);
	weft__fork_prepare(); /* so that ours runs before the runtime's */
	pthread_atfork(fork_before, fork_in_parent, fork_in_child);
}

/* With the mutex. */
static bool is_watched(void)
{
	pthread_t thread;

	if (watcher.is_open)
		return true;
	if (weft__thread_start(&thread, 0, watcher_main, NULL) != 0)
		return false;
	pthread_detach(thread);
	watcher.is_open = true;
	return true;
}

/* ---- Fibers ---------------------------------------------------------------------------------- */

static int sleep_watched(struct sleeper *self)
{
	int code;

	weft_list_push_back(&watcher.sleepers, &self->node);
	atomic_fetch_add(&watcher.poke, 1);
	pthread_mutex_unlock(&watcher.mutex);
	syscall(SYS_futex, &watcher.poke, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	code = weft__waiter_wait(&self->waiter);
	if (code == 0)
		return 0;
	pthread_mutex_lock(&watcher.mutex);
	if (weft_list_is_linked(&self->node)) {
		weft_list_remove(&self->node);
		pthread_mutex_unlock(&watcher.mutex);
		return code;
	}
	pthread_mutex_unlock(&watcher.mutex);
	weft__waiter_wait_for_sure(&self->waiter);
	return 0;
}

static int wait_fiber(_Atomic uint32_t *word, uint32_t expected, int64_t most_ns)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct sleeper self = {.word = word, .expected = expected};
	int code = weft_interrupted();

	if (code)
		return code;
	pthread_once(&once, prepare);
	self.until_ns = clock_ns() + most_ns;
	weft__waiter_init(&self.waiter, WEFT__WAIT_WORD, word);
	pthread_mutex_lock(&watcher.mutex);
	if (is_watched())
		return sleep_watched(&self);
	pthread_mutex_unlock(&watcher.mutex);
	return weft_sleep(LOOK_SOON_NS) < 0 ? errno : 0;
}

int weft__word_wait(_Atomic uint32_t *word, uint32_t expected, int64_t most_ns)
{
	int code;

	if (most_ns > WEFT__WORD_LOOK_NS)
		most_ns = WEFT__WORD_LOOK_NS;
	code = weft__worker ? wait_fiber(word, expected, most_ns)
			    : wait_thread(word, expected, most_ns);
	if (code)
		weft__word_wake(word, 1);
	return code;
}

/* ---- Before one sleeps -------------------------------------------------------------------------
 */

/** Of threads: some microseconds; longer ones cost the other its time where both have one CPU. */
#define LINGER_ROUNDS     8
#define LINGER_PAUSES_MAX 16
/** Of fibers, which let the others run between two looks. */
#define LINGER_YIELDS 6

static void pause_for(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
#ifdef __x86_64__
		__builtin_ia32_pause();
#else
		atomic_signal_fence(memory_order_seq_cst);
#endif
	}
}

/* With one processor nobody changes the word while we look at it. */
static bool has_company(void)
{
	static _Atomic int answer;
	int known = atomic_load_explicit(&answer, memory_order_relaxed);

	if (!known) {
		known = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1;
		atomic_store_explicit(&answer, known, memory_order_relaxed);
	}
	return known == 2;
}

bool weft__word_linger(unsigned round)
{
	unsigned pauses = 1U << (round < 4 ? round : 4);

	if (weft__worker) {
		if (round >= LINGER_YIELDS)
			return false;
		pause_for(LINGER_PAUSES_MAX);
		weft_yield();
		return true;
	}
	if (round >= LINGER_ROUNDS || !has_company())
		return false;
	pause_for(pauses);
	return true;
}
