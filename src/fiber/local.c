/*
 * local.c - fiber-local storage and deferred calls.
 *
 * A thread that is no worker's keeps its values in its own context and destroys them
 * when it ends.
 *
 * Must never: run a destructor or a deferred call unshielded.
 */
#include <pthread.h>
#include <stdlib.h>

#include "fiber/runtime.h"

/** Rounds of destruction, for destructors that set values again; as PTHREAD_DESTRUCTOR_ITERATIONS.
 */
#define ROUNDS_MAX 4

struct weft__deferred {
	struct weft__deferred *next;
	void (*fn)(void *arg);
	void *arg;
};

static _Atomic unsigned key_count;
static void (*destructors[WEFT_LOCALS_MAX])(void *value);

static pthread_once_t thread_once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;

/* ---- Keys and values ------------------------------------------------------------- */

int weft_local_new(weft_local_key *ret_key, void (*destroy)(void *value))
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	unsigned key;

	pthread_mutex_lock(&mutex);
	key = atomic_load(&key_count);
	if (key < WEFT_LOCALS_MAX) {
		destructors[key] = destroy;
		atomic_store(&key_count, key + 1);
	}
	pthread_mutex_unlock(&mutex);
	if (key == WEFT_LOCALS_MAX) {
		errno = EAGAIN;
		return -1;
	}
	*ret_key = key;
	return 0;
}

static void destroy_values(struct weft__context *context)
{
	bool is_again = true;

	for (int round = 0; is_again && round < ROUNDS_MAX; round++) {
		is_again = false;
		for (unsigned key = 0; key < atomic_load(&key_count); key++) {
			void *value = context->locals[key];

			context->locals[key] = NULL;
			if (value && destructors[key]) {
				destructors[key](value);
				is_again = true;
			}
		}
	}
	free(context->locals);
	context->locals = NULL;
}

static void thread_end(void *arg)
{
	struct weft__context *context = arg;

	if (context->locals)
		destroy_values(context);
}

static void thread_key_make(void)
{
	pthread_key_create(&thread_key, thread_end);
}

int weft_local_set(weft_local_key key, void *value)
{
	struct weft__context *context = weft__context_self();

	if (key >= atomic_load(&key_count)) {
		errno = EINVAL;
		return -1;
	}
	if (!context->locals) {
		context->locals = calloc(WEFT_LOCALS_MAX, sizeof(void *));
		if (!context->locals)
			return -1;
		if (!weft__worker) {
			pthread_once(&thread_once, thread_key_make);
			pthread_setspecific(thread_key, context);
		}
	}
	context->locals[key] = value;
	return 0;
}

void *weft_local_get(weft_local_key key)
{
	struct weft__context *context = weft__context_self();

	return context->locals && key < WEFT_LOCALS_MAX ? context->locals[key] : NULL;
}

/* ---- Deferred calls ---------------------------------------------------------------- */

int weft_defer(void (*fn)(void *arg), void *arg)
{
	struct weft__deferred *deferred;

	if (!weft__worker) {
		errno = ENOTSUP;
		return -1;
	}
	deferred = malloc(sizeof *deferred);
	if (!deferred)
		return -1;
	*deferred = (struct weft__deferred){weft__worker->current->deferred, fn, arg};
	weft__worker->current->deferred = deferred;
	return 0;
}

void weft__fiber_clean(struct weft__fiber *fiber)
{
	struct weft__deferred *deferred;

	/*
	 * Destructors may defer, and what was deferred may set values. It may fork, too: the
	 * child ends without the rest, as it does when the fiber's function has forked.
	 */
	WEFT_SHIELDED {
		while (weft__worker && ((deferred = fiber->deferred) || fiber->context.locals)) {
			if (!deferred) {
				destroy_values(&fiber->context);
				continue;
			}
			fiber->deferred = deferred->next;
			deferred->fn(deferred->arg);
			free(deferred);
		}
	}
}
