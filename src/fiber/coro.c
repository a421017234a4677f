/*
 * coro.c - coroutines: stacks that are switched by hand (include/weft/coro.h).
 *
 * The stack of the fiber or thread itself is the root. It needs no record but while a
 * coroutine runs, and then it is inside weft_coro_switch(): the record is in that frame.
 *
 *	root ---switch(a)---> a ---switch(b)---> b ---end---> a (its parent) ---...---> root
 *
 * To the scheduler all of these are one fiber: whichever stack it parks on is the one
 * that it goes on with, for a hop stores the stack pointer it finds.
 *
 * Scopes: those begun on a coroutine's stack (its own, from top down to bottom) hang on
 * the top one of the root, or, for a generator, of whoever called next. They are cut off
 * when it is left, and hung on again when it goes on.
 *
 *	context->scope --> [own top] -> ... -> [own bottom] --> [what it hangs on] -> ...
 *
 * Must never: touch a stack that is still stood on. Who ends leaves that to the next.
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fiber/coro.h"
#include "fiber/switch.h"
#include "fiber/worker.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Life ---------------------------------------------------------------------------- */

static struct weft__stack_pool *pool(void)
{
	return weft__worker ? &weft__worker->stacks : NULL;
}

struct weft_coro *weft_coro_new(weft_coro_fn *fn, const struct weft_coro_options *options)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static const struct weft_coro_options none;
	struct weft_coro *coro;
	size_t size;
	int stack_class;

	pthread_once(&once, weft__switch_init);
	options = options ? options : &none;
	size = options->stack_size_bytes ? options->stack_size_bytes : WEFT_STACK_SIZE_DEFAULT;
	stack_class = weft__stack_class(size);
	if (!fn || stack_class < 0) {
		errno = EINVAL;
		return NULL;
	}
	coro = calloc(1, sizeof(*coro));
	if (!coro)
		return NULL;
	coro->fn = fn;
	coro->home = weft__context_self();
	coro->home_id = weft_self();
	coro->parent = weft_coro_self();
	coro->stack_class = stack_class;
	memcpy(coro->name, "coroutine", sizeof("coroutine"));
	if (options->name) {
		size_t len = strnlen(options->name, WEFT_FIBER_NAME_MAX);

		memcpy(coro->name, options->name, len);
		coro->name[len] = '\0';
	}
	return coro;
}

static bool is_home(const struct weft_coro *coro, const struct weft__context *context)
{
	return coro->home == context && coro->home_id == weft_self();
}

void weft_coro_free(struct weft_coro *coro)
{
	int saved = errno;

	if (!coro)
		return;
	if (coro->state == WEFT__CORO_SUSPENDED && is_home(coro, weft__context_self())) {
		coro->is_closing = true;
		coro->parent = weft_coro_self();
		coro->is_nested = true;
		weft__coro_go(coro, NULL, NULL);
	}
	assert(coro->state != WEFT__CORO_RUNNING && "a coroutine is not freed on its own stack");
	/* Another fiber's, which may have ended: nobody can run it any more. */
	if (coro->stack)
		weft__coro_stack_drop(coro);
	free(coro);
	errno = saved;
}

struct weft_coro *weft_coro_self(void)
{
	return weft__context_self()->coro;
}

bool weft_coro_is_alive(const struct weft_coro *coro)
{
	return coro->state != WEFT__CORO_ENDED;
}

const char *weft_coro_name(const struct weft_coro *coro)
{
	return coro->name;
}

void weft__coro_stack_drop(struct weft_coro *coro)
{
	weft__sanitize_stack_end(&coro->sanitize);
	weft__stack_give(pool(), coro->stack_class, coro->stack);
	coro->stack = NULL;
}

/* ---- Scopes --------------------------------------------------------------------------- */

/* The scope that a coroutine's own ones hang on, with all in between hung on anew. */
static struct weft_timeout *scope_around(struct weft__context *context, struct weft_coro *coro)
{
	struct weft_coro *outer = coro->is_nested ? coro->parent : NULL;

	if (!outer || coro == context->coro_root)
		return context->coro_root->own_top;
	outer->around = scope_around(context, outer);
	if (!outer->own_top)
		return outer->around;
	outer->own_bottom->outer = outer->around;
	return outer->own_top;
}

static void scopes_cut(struct weft__context *context, struct weft_coro *from)
{
	struct weft_timeout *scope = context->scope;

	from->own_top = from->own_bottom = NULL;
	if (scope == from->around)
		return;
	from->own_top = scope;
	while (scope->outer != from->around)
		scope = scope->outer;
	from->own_bottom = scope;
}

static void scopes_hang(struct weft__context *context, struct weft_coro *to)
{
	to->around = to == context->coro_root ? NULL : scope_around(context, to);
	if (to->own_top)
		to->own_bottom->outer = to->around;
	context->scope = to->own_top ? to->own_top : to->around;
	/* A shield that is left behind may have hidden that the fiber is cancelled. */
	if (context->scope || context->interrupt ||
		__atomic_load_n(&context->is_cancelled, __ATOMIC_ACQUIRE))
		weft__context_changed(context);
}

/* ---- Switching --------------------------------------------------------------------------- */

/* First thing on every arrival: the one who came from has ended, perhaps. */
static void arrive(struct weft__context *context, void *fake)
{
	struct weft_coro *from = context->coro_from;

	weft__sanitize_arrive(fake);
	if (from->state == WEFT__CORO_ENDED)
		weft__coro_stack_drop(from);
}

/* Leave `from` for `to`; returns when somebody switches back. */
static void hop(struct weft__context *context, struct weft_coro *from, struct weft_coro *to)
{
	int saved = errno;
	void *fake = NULL;

	scopes_cut(context, from);
	scopes_hang(context, to);
	context->coro = to == context->coro_root ? NULL : to;
	context->coro_from = from;
	to->state = WEFT__CORO_RUNNING;
	/* The scheduler tells the tools that watch memory which stack its fiber is on. */
	if (weft__worker)
		weft__worker->current->sanitize = to->sanitize;
	weft__sanitize_leave(&to->sanitize, from->state == WEFT__CORO_ENDED, &fake);
	weft__switch(&from->sp, to->sp);
	arrive(context, fake);
	errno = saved;
}

static void coro_main(void *arg)
{
	struct weft_coro *self = arg, *next;
	struct weft__context *context = self->home;

	arrive(context, NULL);
	errno = 0;
	self->value = self->fn(self->value);
	for (next = self->parent; next && next->state == WEFT__CORO_ENDED; next = next->parent)
		;
	if (!next)
		next = context->coro_root;
	next->value = self->value;
	self->state = WEFT__CORO_ENDED;
	hop(context, self, next);
	__builtin_unreachable();
}

static int start(struct weft_coro *coro)
{
	size_t size = weft__stack_class_size(coro->stack_class);

	coro->stack = weft__stack_take(pool(), coro->stack_class);
	if (!coro->stack)
		return fail(ENOMEM);
	weft__sanitize_stack_begin(&coro->sanitize, coro->stack, size);
	coro->sp = weft__switch_prepare(
		weft__stack_top(coro->stack, coro->stack_class), coro_main, coro);
	return 0;
}

/* What is asked of `to`, before anything is switched. 0, or an errno value. */
static int check(struct weft__context *context, const struct weft_coro *to)
{
	if (!to || to == context->coro)
		return 0;
	if (!is_home(to, context))
		return EPERM;
	return to->state == WEFT__CORO_ENDED ? ESRCH : 0;
}

static void root_begin(struct weft__context *context, struct weft_coro *root)
{
	*root = (struct weft_coro){.state = WEFT__CORO_RUNNING};
	if (weft__worker)
		root->sanitize = weft__worker->current->sanitize;
	else
		weft__sanitize_thread_begin(&root->sanitize);
	context->coro_root = root;
}

static int switch_from(struct weft__context *context, struct weft_coro *from, struct weft_coro *to,
	void *value, void **ret_value)
{
	if (to->state == WEFT__CORO_NEW && start(to) < 0)
		return -1;
	to->value = value;
	from->state = WEFT__CORO_SUSPENDED;
	hop(context, from, to);
	if (from->is_closing)
		return fail(ECANCELED);
	if (ret_value)
		*ret_value = from->value;
	return 0;
}

int weft_coro_switch(struct weft_coro *to, void *value, void **ret_value)
{
	struct weft__context *context = weft__context_self();
	int code = check(context, to);

	if (!code && context->coro && context->coro->is_closing)
		code = ECANCELED;
	if (code)
		return fail(code);
	if (to != context->coro)
		return weft__coro_go(to, value, ret_value);
	if (ret_value)
		*ret_value = value;
	return 0;
}

int weft__coro_go(struct weft_coro *to, void *value, void **ret_value)
{
	struct weft__context *context = weft__context_self();
	struct weft_coro root, *from = context->coro;
	int result;

	if (from)
		return switch_from(context, from, to ? to : context->coro_root, value, ret_value);
	root_begin(context, &root);
	result = switch_from(context, &root, to, value, ret_value);
	context->coro_root = NULL;
	return result;
}
