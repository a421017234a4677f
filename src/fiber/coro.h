/*
 * coro.h - what a coroutine is, for the files of this floor.
 *
 *	NEW --first switch--> RUNNING <--switch--> SUSPENDED
 *	                         |
 *	                         +--its function returns--> ENDED
 */
#ifndef FIBER_CORO_H
#define FIBER_CORO_H

#include "fiber/fiber.h"
#include "weft/coro.h"

enum weft__coro_state {
	WEFT__CORO_NEW,
	WEFT__CORO_RUNNING,
	WEFT__CORO_SUSPENDED,
	WEFT__CORO_ENDED,
};

struct weft_coro {
	void *sp;
	enum weft__coro_state state;
	bool is_closing;          /* it is being freed: its switches fail */
	bool is_nested;           /* its scopes hang on its parent's, not on the root's */
	struct weft_coro *parent; /* NULL: the root */
	void *value;              /* in transfer to it */

	struct weft__context *home;
	weft_fiber_id home_id;
	weft_coro_fn *fn;
	void *stack; /* NULL: not started, or ended */
	int stack_class;

	/* Scopes; own_* are set while it is suspended. */
	struct weft_timeout *own_top, *own_bottom, *around;

	struct weft__sanitize sanitize;
	char name[WEFT_FIBER_NAME_MAX + 1];
};

/** weft_coro_switch() to another that is fit for it, by one that may be being freed. */
int weft__coro_go(struct weft_coro *to, void *value, void **ret_value);

/** Give back the stack of one that nobody stands on. */
void weft__coro_stack_drop(struct weft_coro *coro);

#endif
