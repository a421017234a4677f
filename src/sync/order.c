/*
 * order.c - warns of locks that are acquired in one order here and in another there,
 * before the day on which both happen at once.
 *
 * Whoever acquires b while holding a makes an edge a -> b, once, with its backtrace. An
 * edge that closes a ring with those known is an inversion, and is told of. A
 * condition's wait is left out: it lets go of its lock, and takes it again.
 *
 * Must never: cost more than the look at one flag while it is off.
 */
#include "sync/order.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fiber/backtrace.h"
#include "weft/debug.h"
#include "weft/fiber.h"
#include "weft/lock.h"
#include "weft/vec.h"

/** Locks that one fiber or thread is known to hold; further ones are not looked at. */
#define HELD_MAX 32

struct held {
	unsigned count;
	const struct weft_lock *locks[HELD_MAX];
};

struct edge {
	const struct weft_lock *from, *to;
	char name[WEFT_FIBER_NAME_MAX + 1]; /* of the fiber that made it */
	bool is_visited;
	struct weft__backtrace trace;
};

bool weft__order_is_on;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct weft_vec edges; /* of struct edge pointers */
static weft_local_key held_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has_key;

static void begin(void)
{
	weft_vec_init(&edges, sizeof(struct edge *));
	has_key = weft_local_new(&held_key, free) == 0;
}

void weft_lock_order_check(bool on)
{
	pthread_once(&once, begin);
	weft__order_is_on = on && has_key;
}

static struct edge *edge_at(size_t index)
{
	return *(struct edge **)weft_vec_at(&edges, index);
}

static struct edge *edge_find(const struct weft_lock *from, const struct weft_lock *to)
{
	for (size_t i = 0; i < weft_vec_len(&edges); i++)
		if (edge_at(i)->from == from && edge_at(i)->to == to)
			return edge_at(i);
	return NULL;
}

/* ---- Rings ------------------------------------------------------------------------------ */

/*
 * The last edge of a way from one lock to another, or NULL: a search in breadth, in which
 * an edge that was gone along is marked. Rare: once for each new edge.
 */
static struct edge *way_find(const struct weft_lock *from, const struct weft_lock *to)
{
	const struct weft_lock **reached;
	size_t count = 1, edge_count = weft_vec_len(&edges);
	struct edge *last = NULL;

	reached = calloc(edge_count + 1, sizeof(const struct weft_lock *));
	if (!reached)
		return NULL;
	for (size_t i = 0; i < edge_count; i++)
		edge_at(i)->is_visited = false;
	reached[0] = from;
	for (size_t at = 0; at < count && !last; at++)
		for (size_t i = 0; i < edge_count && !last; i++) {
			struct edge *edge = edge_at(i);

			if (edge->is_visited || edge->from != reached[at])
				continue;
			edge->is_visited = true;
			reached[count++] = edge->to;
			last = edge->to == to ? edge : NULL;
		}
	free(reached);
	return last;
}

static void lock_print(const struct weft_lock *lock, FILE *out)
{
	if (lock->name)
		fprintf(out, "\"%.40s\"", lock->name);
	else
		fprintf(out, "%p", (const void *)lock);
}

static void edge_print(const struct edge *edge, FILE *out)
{
	fprintf(out, "fiber \"%s\" acquired ", edge->name);
	lock_print(edge->to, out);
	fputs(" while it held ", out);
	lock_print(edge->from, out);
	fputs(" at\n", out);
	weft__backtrace_print(&edge->trace, out);
}

static void warn(const struct edge *edge, const struct edge *other)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	fputs("weft: lock order inversion: two that do this at once can deadlock\n", out);
	edge_print(edge, out);
	edge_print(other, out);
	if (fclose(out) == 0 && write(STDERR_FILENO, text, len) < 0)
		errno = 0; /* nobody reads it */
	free(text);
}

static void edge_add(const struct weft_lock *from, const struct weft_lock *to)
{
	struct edge *edge = calloc(1, sizeof(*edge)), *other;

	if (!edge)
		return;
	edge->from = from;
	edge->to = to;
	snprintf(edge->name, sizeof(edge->name), "%s", weft_name());
	weft__backtrace_here(&edge->trace);
	other = way_find(to, from);
	if (weft_vec_push(&edges, &edge) < 0) {
		free(edge);
		return;
	}
	if (other)
		warn(edge, other);
}

/* ---- What locks tell ----------------------------------------------------------------------- */

void weft__order_acquiring(const struct weft_lock *lock)
{
	struct held *held = weft_local_get(held_key);
	int saved = errno;

	for (unsigned i = 0; held && i < held->count; i++) {
		if (held->locks[i] == lock)
			continue; /* recursive */
		pthread_mutex_lock(&mutex);
		if (!edge_find(held->locks[i], lock))
			edge_add(held->locks[i], lock);
		pthread_mutex_unlock(&mutex);
	}
	errno = saved;
}

void weft__order_acquired(const struct weft_lock *lock)
{
	struct held *held = weft_local_get(held_key);
	int saved = errno;

	if (!held) {
		held = calloc(1, sizeof(*held));
		if (held && weft_local_set(held_key, held) < 0) {
			free(held);
			held = NULL;
		}
	}
	if (held && held->count < HELD_MAX)
		held->locks[held->count++] = lock;
	errno = saved;
}

void weft__order_released(const struct weft_lock *lock)
{
	struct held *held = weft_local_get(held_key);

	for (unsigned i = held ? held->count : 0; i-- > 0;)
		if (held->locks[i] == lock) {
			held->count--;
			memmove(&held->locks[i], &held->locks[i + 1],
				(held->count - i) * sizeof(const struct weft_lock *));
			return;
		}
}

void weft__order_forget(const struct weft_lock *lock)
{
	pthread_mutex_lock(&mutex);
	for (size_t i = weft_vec_len(&edges); i-- > 0;) {
		struct edge *edge = edge_at(i), *last = NULL;

		if (edge->from != lock && edge->to != lock)
			continue;
		free(edge);
		weft_vec_pop(&edges, &last);
		if (i < weft_vec_len(&edges))
			*(struct edge **)weft_vec_at(&edges, i) = last;
	}
	pthread_mutex_unlock(&mutex);
}
