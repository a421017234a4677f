/*
 * weft/list.h - an intrusive doubly linked list.
 *
 * The node lives inside the caller's object, so that the list never allocates and
 * no call can fail; weft_container_of() leads from the node back to the object:
 *
 *	struct job { int id; struct weft_list_node in_queue; };
 *
 *	struct weft_list queue;
 *	weft_list_init(&queue);
 *	weft_list_push_back(&queue, &job->in_queue);
 *	weft_list_each(node, &queue)
 *		run(weft_container_of(node, struct job, in_queue));
 *
 * The list is a ring through a sentinel, which is why removal needs no list:
 *
 *	head <-> first <-> ... <-> last <-> head	an empty head points to itself,
 *							and so does an unlinked node
 *
 * Ownership: the objects stay the caller's; one that is linked must not be freed,
 * moved or pushed again. The list must not be moved while it holds anything.
 * Threads: none of it is safe from two threads at once. All calls take O(1).
 */
#ifndef WEFT_LIST_H
#define WEFT_LIST_H

#include "weft/api.h"

WEFT_BEGIN

/** The object of the given type, whose member ptr points to. */
#define weft_container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct weft_list_node {
	struct weft_list_node *next, *prev; /* both itself while unlinked */
};

struct weft_list {
	struct weft_list_node head; /* the sentinel: no object around it */
};

/* ---- Nodes ------------------------------------------------------------------ */

/** Make node unlinked. A node that is only ever pushed and popped needs no init. */
static inline void weft_list_node_init(struct weft_list_node *node)
{
	node->next = node;
	node->prev = node;
}

/** Whether node is in a list. It must have been initialised, or pushed, before. */
static inline bool weft_list_is_linked(const struct weft_list_node *node)
{
	return node->next != node;
}

/** Take node out of the list that it is in; nothing happens when it is in none. */
static inline void weft_list_remove(struct weft_list_node *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	weft_list_node_init(node);
}

/* ---- Lists ------------------------------------------------------------------ */

/** Make list empty. There is nothing to end: a list holds no memory. */
static inline void weft_list_init(struct weft_list *list)
{
	weft_list_node_init(&list->head);
}

static inline bool weft_list_is_empty(const struct weft_list *list)
{
	return list->head.next == &list->head;
}

/** The first node, still linked; NULL when the list is empty. */
static inline struct weft_list_node *weft_list_first(const struct weft_list *list)
{
	return weft_list_is_empty(list) ? NULL : list->head.next;
}

/** The last node, still linked; NULL when the list is empty. */
static inline struct weft_list_node *weft_list_last(const struct weft_list *list)
{
	return weft_list_is_empty(list) ? NULL : list->head.prev;
}

/** Link node, which must be in no list, right behind place: a linked node or a list's head. */
static inline void weft_list_insert_after(struct weft_list_node *place, struct weft_list_node *node)
{
	node->next = place->next;
	node->prev = place;
	place->next->prev = node;
	place->next = node;
}

/** Link node, which must be in no list, as the last. */
static inline void weft_list_push_back(struct weft_list *list, struct weft_list_node *node)
{
	weft_list_insert_after(list->head.prev, node);
}

/** Link node, which must be in no list, as the first. */
static inline void weft_list_push_front(struct weft_list *list, struct weft_list_node *node)
{
	weft_list_insert_after(&list->head, node);
}

/** Unlink the first node and return it; NULL when the list is empty. */
static inline struct weft_list_node *weft_list_pop_front(struct weft_list *list)
{
	struct weft_list_node *node = weft_list_first(list);

	if (node)
		weft_list_remove(node);
	return node;
}

/** Move all of from, in order, behind the last of to, another list; from is empty afterwards. */
static inline void weft_list_splice_back(struct weft_list *to, struct weft_list *from)
{
	if (weft_list_is_empty(from))
		return;
	from->head.next->prev = to->head.prev;
	to->head.prev->next = from->head.next;
	from->head.prev->next = &to->head;
	to->head.prev = from->head.prev;
	weft_list_init(from);
}

/* ---- Walks ------------------------------------------------------------------ */

/** For each node from first to last. The body must not unlink node; others it may. */
#define weft_list_each(node, list)                                                   \
	for (struct weft_list_node *node = (list)->head.next; node != &(list)->head; \
		node = node->next)

/** The same; the body may unlink or free node, but not the one after it. */
#define weft_list_each_safe(node, list)                                                  \
	for (struct weft_list_node *node = (list)->head.next, *node##_next = node->next; \
		node != &(list)->head; node = node##_next, node##_next = node->next)

WEFT_END

#endif
