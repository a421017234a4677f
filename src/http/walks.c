/*
 * walks.c - see walks.h.
 *
 * Never: a place for who has WALKS_EACH; or the end of a walk whose peer takes what it is sent.
 */
#include "http/walks.h"

#include <stdlib.h>
#include <string.h>

#include "http/limits.h"

struct weft__http_walks *weft__http_walks_new(void)
{
	struct weft__http_walks *walks = calloc(1, sizeof(*walks));

	if (!walks)
		return NULL;
	walks->crowd = weft__crowd_new(false);
	if (!walks->crowd) {
		free(walks);
		return NULL;
	}
	pthread_mutex_init(&walks->mutex, NULL);
	weft_list_init(&walks->taken);
	walks->hurry_ns = WEFT__HTTP_WALK_HURRY_NS;
	return walks;
}

void weft__http_walks_free(struct weft__http_walks *walks)
{
	if (!walks)
		return;
	weft__crowd_free(walks->crowd);
	pthread_mutex_destroy(&walks->mutex);
	free(walks);
}

/* Somebody waits: whose peer is slowest, and slow, is to go. The mutex is held. */
static void hurry(struct weft__http_walks *walks)
{
	int64_t longest = weft_now() - walks->hurry_ns;
	struct weft__http_walk *slowest = NULL;

	weft_list_each (node, &walks->taken) {
		struct weft__http_walk *walk =
			weft_container_of(node, struct weft__http_walk, node);
		int64_t since = atomic_load_explicit(&walk->waits_since, memory_order_relaxed);

		if (walk->fiber && since && (slowest ? since < longest : since <= longest)) {
			longest = since;
			slowest = walk;
		}
	}
	if (slowest)
		weft_cancel(slowest->fiber);
}

static bool take(struct weft__http_walks *walks, struct weft__http_walk *walk)
{
	bool is_free;

	pthread_mutex_lock(&walks->mutex);
	is_free = walks->count < WEFT__HTTP_WALKS_MAX;
	if (is_free) {
		weft_list_push_back(&walks->taken, &walk->node);
		walks->count++;
	} else {
		hurry(walks);
	}
	pthread_mutex_unlock(&walks->mutex);
	return is_free;
}

bool weft__http_walk_enter(struct weft__http_walks *walks, struct weft__http_walk *walk,
	const struct weft_http_request *request, const char *name)
{
	walk->fiber = weft_self();
	walk->key = name;
	atomic_init(&walk->waits_since, 0);
	walk->key_len = name ? strlen(name) : weft__http_client_of(request, &walk->key);
	if (walk->key_len > 0 &&
		!weft__crowd_enter(walks->crowd, walk->key, walk->key_len, WEFT__HTTP_WALKS_EACH))
		return false;
	if (take(walks, walk))
		return true;
	if (walk->key_len > 0)
		weft__crowd_leave(walks->crowd, walk->key, walk->key_len);
	return false;
}

void weft__http_walk_leave(struct weft__http_walks *walks, struct weft__http_walk *walk)
{
	pthread_mutex_lock(&walks->mutex);
	weft_list_remove(&walk->node);
	walks->count--;
	pthread_mutex_unlock(&walks->mutex);
	if (walk->key_len > 0)
		weft__crowd_leave(walks->crowd, walk->key, walk->key_len);
}

void weft__http_walk_writes(struct weft__http_walk *walk, bool waits)
{
	if (walk)
		atomic_store_explicit(
			&walk->waits_since, waits ? weft_now() : 0, memory_order_relaxed);
}
