/*
 * gen.c - generators: coroutines that go back to whoever asked (include/weft/gen.h).
 *
 * Must never: run the body but inside next, send or free.
 */
#include <errno.h>
#include <stdlib.h>

#include "fiber/coro.h"
#include "weft/gen.h"

struct weft_gen {
	struct weft_coro *coro;
	weft_gen_fn *fn;
	void *arg;
	void *value, *sent;
	int result;
	bool is_running;
	bool has_value; /* it came back by a yield */
};

static int fail(int code)
{
	errno = code;
	return -1;
}

static void *body(void *arg)
{
	struct weft_gen *gen = arg;

	gen->result = gen->fn(gen, gen->arg);
	return NULL;
}

struct weft_gen *weft_gen_new(weft_gen_fn *fn, void *arg, const struct weft_coro_options *options)
{
	static const struct weft_coro_options usual = {.name = "generator"};
	struct weft_gen *gen;

	if (!fn) {
		errno = EINVAL;
		return NULL;
	}
	gen = calloc(1, sizeof(*gen));
	if (!gen)
		return NULL;
	gen->fn = fn;
	gen->arg = arg;
	gen->coro = weft_coro_new(body, options ? options : &usual);
	if (!gen->coro) {
		free(gen);
		return NULL;
	}
	gen->coro->is_nested = true;
	return gen;
}

void weft_gen_free(struct weft_gen *gen)
{
	if (!gen)
		return;
	weft_coro_free(gen->coro);
	free(gen);
}

bool weft_gen_send(struct weft_gen *gen, void *sent, void **ret_value)
{
	int code;

	if (gen->is_running) {
		errno = EBUSY;
		return false;
	}
	if (!weft_coro_is_alive(gen->coro)) {
		errno = 0;
		return false;
	}
	gen->is_running = true;
	gen->has_value = false;
	gen->sent = sent;
	gen->coro->parent = weft_coro_self();
	code = weft_coro_switch(gen->coro, gen, NULL);
	gen->is_running = false;
	if (code < 0)
		return false;
	if (!gen->has_value) {
		errno = 0;
		return false;
	}
	*ret_value = gen->value;
	return true;
}

bool weft_gen_next(struct weft_gen *gen, void **ret_value)
{
	return weft_gen_send(gen, NULL, ret_value);
}

int weft_gen_yield_for(struct weft_gen *gen, void *value, void **ret_sent)
{
	if (weft_coro_self() != gen->coro)
		return fail(EPERM);
	gen->value = value;
	gen->has_value = true;
	if (weft_coro_switch(gen->coro->parent, NULL, NULL) < 0)
		return -1;
	if (ret_sent)
		*ret_sent = gen->sent;
	return 0;
}

int weft_gen_yield(struct weft_gen *gen, void *value)
{
	return weft_gen_yield_for(gen, value, NULL);
}

int weft_gen_result(const struct weft_gen *gen)
{
	return gen->result;
}
