/*
 * wait_list.c - see wait_list.h.
 *
 * Must never: wake anybody without the mutex; what is off the list has been woken.
 */
#include "thread/wait_list.h"

#include "weft/scope.h"

struct sleeper {
	struct weft_list_node node;
	struct weft__waiter waiter;
};

int weft__wait_list_wait(struct weft__wait_list *list, pthread_mutex_t *mutex,
	enum weft__wait_kind kind, const void *object)
{
	struct sleeper self;
	int code = weft_interrupted();

	if (code)
		return code;
	weft__waiter_init(&self.waiter, kind, object);
	weft_list_push_back(&list->sleepers, &self.node);
	pthread_mutex_unlock(mutex);
	code = weft__waiter_wait(&self.waiter);
	pthread_mutex_lock(mutex);
	if (!weft_list_is_linked(&self.node))
		return 0; /* woken, though perhaps late: the wake counts */
	weft_list_remove(&self.node);
	return code;
}

void weft__wait_list_wake_one(struct weft__wait_list *list)
{
	struct weft_list_node *node = weft_list_pop_front(&list->sleepers);

	if (!node)
		return;
	weft_list_node_init(node);
	weft__waiter_wake(&weft_container_of(node, struct sleeper, node)->waiter);
}

void weft__wait_list_wake_all(struct weft__wait_list *list)
{
	while (!weft_list_is_empty(&list->sleepers))
		weft__wait_list_wake_one(list);
}
