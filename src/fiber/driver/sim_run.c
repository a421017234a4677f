/*
 * sim_run.c - weft_sim_run(): a run under the simulator.
 */
#include <errno.h>

#include "fiber/driver/sim.h"

#define LATENCY_USUAL WEFT_MICROSECONDS(100)

static bool is_chance(double chance)
{
	return chance >= 0 && chance <= 1;
}

static bool are_good(const struct weft_sim_options *options)
{
	return options->latency_min_ns >= 0 && options->bandwidth >= 0 && options->cpu_ns >= 0 &&
	       options->descriptors_max >= 0 && is_chance(options->partial_chance) &&
	       is_chance(options->reset_chance) && is_chance(options->refuse_chance) &&
	       is_chance(options->loss_chance) && is_chance(options->duplicate_chance) &&
	       is_chance(options->reorder_chance) && is_chance(options->emfile_chance) &&
	       is_chance(options->enobufs_chance);
}

int weft_sim_run(
	uint64_t seed, const struct weft_sim_options *options, weft_fiber_fn *fn, void *arg)
{
	struct weft_sim_options whole = options ? *options : (struct weft_sim_options){0};
	struct weft__sim_begin begin = {seed, &whole};
	struct weft_run_options run = {
		.workers = 1, .driver = "sim", .stack_size_bytes = whole.stack_size_bytes};
	int result;

	if (!are_good(&whole)) {
		errno = EINVAL;
		return -1;
	}
	if (whole.latency_max_ns == 0 && whole.latency_min_ns == 0)
		whole.latency_min_ns = whole.latency_max_ns = LATENCY_USUAL;
	if (whole.cpu_ns == 0)
		whole.cpu_ns = WEFT_MICROSECONDS(1);
	if (whole.descriptors_max == 0)
		whole.descriptors_max = 65536;
	weft__sim_begin = &begin;
	result = weft_run(&run, fn, arg);
	weft__sim_begin = NULL;
	return result;
}
