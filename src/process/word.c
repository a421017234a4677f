/*
 * word.c - see word.h. Fibers: src/fiber/word.c, and word_keeper.c.
 */
#include "process/word.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fiber/doze.h"
#include "process/word_keeper.h"
#include "weft/scope.h"

/* ---- Threads ------------------------------------------------------------------------------- */

/* One sleep, for no longer than until_ns. */
static int sleep_once(_Atomic uint32_t *word, uint32_t expected, int64_t until_ns)
{
	struct weft__context *context = weft__context_self();
	int64_t deadline_ns = weft__context_deadline(context);
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

static int wait_thread(
	_Atomic uint32_t *word, uint32_t expected, const struct weft__word_doubt *doubt)
{
	int64_t look_ns = weft__word_clock() + (doubt ? doubt->first_ns : WEFT__WORD_LOOK_NS);
	int code = 0;

	while (code == 0 && atomic_load(word) == expected) {
		code = sleep_once(word, expected, look_ns);
		if (code || weft__word_clock() < look_ns)
			return code; /* it was woken, most likely */
		if (doubt && doubt->is_over(doubt->arg))
			return 0;
		look_ns = weft__word_clock() + WEFT__WORD_LOOK_NS;
	}
	return code;
}

int weft__word_wait(_Atomic uint32_t *word, uint32_t expected, const struct weft__word_doubt *doubt)
{
	int code;

	if (weft__worker) {
		weft__word_keeper_prepare();
		code = weft__word_park(word, expected, doubt);
	} else {
		code = wait_thread(word, expected, doubt);
	}
	if (code)
		weft__word_wake(word, 1);
	return code;
}

/* ---- Before one sleeps -------------------------------------------------------------------------
 */

/** As long as a sleep and a wake on another processor may cost. */
#define LINGER_NS WEFT_MICROSECONDS(25)

/** Sleeps in a row without a look, after looks in vain. */
#define PAUSE_MAX 255

/* Of the whole machine: the other one may be allowed others than we. With one processor nobody
 * changes the word while we look at it. */
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

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* A fiber has its worker to itself only while no other one wants it. */
static bool is_wanted(struct weft__worker *worker)
{
	return worker && (worker->run_head || !weft__start_is_empty(&worker->starting) ||
				 !weft_mpsc_is_empty(&worker->inbox));
}

/* Sleeps in a row without a look: so many since it was last in vain, of which some are left. */
static __thread unsigned vain, left;

bool weft__word_may_linger(void)
{
	/* In a simulation nothing may depend on how fast the machine is. */
	if (weft__worker && weft__worker->is_choosing)
		return false;
	if (left == 0)
		return has_company();
	left--;
	return false;
}

/*
 * Whoever is waited for may run on another processor, and be done in less time than it takes to
 * fall asleep and be woken; or want this one, and then each look is in its way. What it was lately
 * is the best guess: looks in vain are followed by ever more sleeps without one.
 */
bool weft__word_linger(bool (*is_over)(const void *arg), const void *arg)
{
	struct weft__worker *worker = weft__worker;
	int64_t end_ns = weft__word_clock() + LINGER_NS;

	while (!is_wanted(worker)) {
		bool is_late = weft__word_clock() > end_ns;

		if (is_over(arg)) {
			/* Late: the other one had this processor meanwhile. */
			if (!is_late)
				vain = 0;
			return true;
		}
		if (is_late)
			break;
		relax();
	}
	vain = vain * 2 + 1 > PAUSE_MAX ? PAUSE_MAX : vain * 2 + 1;
	left = vain;
	return false;
}
