/*
 * word_keeper.c - see word_keeper.h.
 *
 * A lane is a thread and the sleepers that it sleeps for, as many as futex_waitv(2) takes words.
 * Lanes are started as they are needed, and stay. One mutex guards all their lists. The first one's
 * thread looks at the words of all, for to sleep on so many again takes longer than to look at
 * them.
 *
 * Must never: wait with the mutex held.
 */
#include "process/word_keeper.h"

#include <pthread.h>
#include <stdatomic.h>

#include "fiber/runtime.h"
#include "fiber/word.h"
#include "thread/crew.h"

struct lane {
	struct weft_list sleepers;
	unsigned count;
	bool is_open;
	_Atomic uint32_t bell;
	struct weft__word_set set; /* its thread's */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct lane lanes[WEFT__WORD_LANES_MAX];
static int64_t look_ns; /* when the first lane's thread wakes for that */

/* ---- A lane's thread ----------------------------------------------------------------------- */

static unsigned list_len(const struct weft_list *list)
{
	unsigned count = 0;

	weft_list_each (node, list)
		count++;
	return count;
}

static void look(struct lane *lane, _Atomic uint32_t *woken)
{
	weft__words_look(&lane->sleepers, woken);
	lane->count = list_len(&lane->sleepers);
}

/* When the first of all sleepers is due; INT64_MAX: there is none. */
static int64_t next_look(void)
{
	look_ns = INT64_MAX;
	for (unsigned i = 0; i < WEFT__WORD_LANES_MAX && lanes[i].is_open; i++) {
		weft_list_each (node, &lanes[i].sleepers) {
			const struct weft__word_sleeper *sleeper =
				weft_container_of(node, struct weft__word_sleeper, node);

			if (sleeper->must_ns < look_ns)
				look_ns = sleeper->must_ns;
		}
	}
	return look_ns;
}

static void look_at_others(void)
{
	for (unsigned i = 1; i < WEFT__WORD_LANES_MAX && lanes[i].is_open; i++)
		look(&lanes[i], NULL);
}

static void *lane_main(void *arg)
{
	struct lane *lane = arg;

	pthread_setname_np(pthread_self(), "weft words");
	pthread_mutex_lock(&mutex);
	for (;;) {
		_Atomic uint32_t *woken;

		weft__word_set_fill(&lane->set, &lane->bell, &lane->sleepers);
		lane->set.until_ns = lane == lanes ? next_look() : INT64_MAX;
		pthread_mutex_unlock(&mutex);
		woken = weft__word_set_sleep(&lane->set);
		pthread_mutex_lock(&mutex);
		look(lane, woken);
		if (lane == lanes && weft__word_clock() >= look_ns)
			look_at_others();
	}
	return NULL;
}

static bool lane_open(struct lane *lane)
{
	pthread_t thread;

	if (lane->is_open)
		return true;
	weft_list_init(&lane->sleepers);
	lane->count = 0;
	if (weft__thread_start(&thread, 0, lane_main, lane) != 0)
		return false;
	pthread_detach(thread);
	lane->is_open = true;
	return true;
}

/* ---- For workers --------------------------------------------------------------------------- */

/* The first one with room, else the last: it looks at those beyond every now and then. */
static struct lane *lane_find(void)
{
	struct lane *found = NULL;

	for (unsigned i = 0; i < WEFT__WORD_LANES_MAX && lane_open(&lanes[i]); i++) {
		found = &lanes[i];
		if (found->count < WEFT__WORDS_ASLEEP_MAX)
			break;
	}
	return found;
}

static void take(struct weft_list *sleepers)
{
	bool is_changed[WEFT__WORD_LANES_MAX] = {false};
	struct weft_list_node *node;

	pthread_mutex_lock(&mutex);
	while ((node = weft_list_first(sleepers))) {
		struct weft__word_sleeper *sleeper;
		struct lane *lane = lane_find();

		if (!lane)
			break;
		sleeper = weft_container_of(node, struct weft__word_sleeper, node);
		sleeper->is_kept = true;
		sleeper->lane = (unsigned)(lane - lanes);
		weft_list_remove(node);
		weft_list_push_back(&lane->sleepers, node);
		lane->count++;
		is_changed[sleeper->lane] = true;
		is_changed[0] |= sleeper->must_ns < look_ns;
	}
	pthread_mutex_unlock(&mutex);
	for (unsigned i = 0; i < WEFT__WORD_LANES_MAX; i++)
		if (is_changed[i])
			weft__word_bell_ring(&lanes[i].bell);
}

static bool give_back(struct weft__word_sleeper *sleeper)
{
	bool is_ours;

	pthread_mutex_lock(&mutex);
	is_ours = weft_list_is_linked(&sleeper->node);
	if (is_ours) {
		weft_list_remove(&sleeper->node);
		lanes[sleeper->lane].count--;
	}
	pthread_mutex_unlock(&mutex);
	return is_ours;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void fork_before(void)
{
	pthread_mutex_lock(&mutex);
}

static void fork_in_parent(void)
{
	pthread_mutex_unlock(&mutex);
}

static void fork_in_child(void)
{
	for (unsigned i = 0; i < WEFT__WORD_LANES_MAX; i++)
		lanes[i].is_open = false;
	pthread_mutex_unlock(&mutex);
}

static void prepare(void)
{
	static const struct weft__word_keeper keeper = {take, give_back};

	weft__fork_prepare(); /* so that ours runs before the runtime's */
	pthread_atfork(fork_before, fork_in_parent, fork_in_child);
	atomic_store(&weft__word_keeper, &keeper);
}

void weft__word_keeper_prepare(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, prepare);
}
