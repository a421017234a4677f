/*
 * sim.h - simulated tests: a program, run over many seeds.
 *
 *	SIM_CASE(every_line_comes_back, echo, {.partial_chance = 0.5})
 *
 * SIM_SEEDS seeds (100, unless the environment says how many) beginning with SIM_SEED (1)
 * are run. A failure prints its seed and the command that runs that one alone, and then
 * with SIM_TRACE=1 what happened step by step.
 */
#ifndef SIM_H
#define SIM_H

#include "check.h"
#include "weft/fiber.h"
#include "weft/sim.h"

static uint64_t sim_seed; /* of the run under way */

static uint64_t sim_number(const char *name, uint64_t usual)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : usual;
}

/* Whatever ends the process, the seed is told first. */
static void sim_tell(void)
{
	printf("# seed %llu; again: SIM_TRACE=1 make sim SEED=%llu ONLY=%s\n",
		(unsigned long long)sim_seed, (unsigned long long)sim_seed,
		strrchr(program_invocation_name, '/') ? strrchr(program_invocation_name, '/') + 1
						      : program_invocation_name);
	fflush(stdout);
}

/* Runs fn over the seeds; each must return 0 and leave no descriptor open. */
static __attribute__((unused)) void sim_run_seeds(
	const struct weft_sim_options *usual, weft_fiber_fn *fn, unsigned share)
{
	uint64_t alone = sim_number("SIM_SEED", 0), first = alone ? alone : 1;
	uint64_t count = check_rounds((unsigned)sim_number("SIM_SEEDS", 100)) / share;
	struct weft_sim_options options = *usual;
	struct weft_sim_report report;

	if (count == 0 || alone)
		count = 1;
	options.report = &report;
	options.trace = getenv("SIM_TRACE") ? stderr : NULL;
	for (sim_seed = first; sim_seed < first + count; sim_seed++) {
		int result;

		check_on_failure = sim_tell;
		result = weft_sim_run(sim_seed, &options, fn, NULL);
		if (result != 0 || report.open_descriptors != 0)
			check_fail(__FILE__, __LINE__,
				"returned %d (errno %d), %zu descriptors open", result, errno,
				report.open_descriptors);
		check_on_failure = NULL;
	}
}

#define SIM_CASE(name, fn, share, ...)                               \
	CHECK_CASE(name)                                             \
	{                                                            \
		const struct weft_sim_options options = __VA_ARGS__; \
		sim_run_seeds(&options, fn, share);                  \
	}

#endif
