/*
 * lab_run.c - all that `weft lab` measures, in turns; and how far it is.
 *
 * Entry point: weft__lab_run().
 *
 *	for each workload, level, round: A B C ... in even rounds, C B A in odd ones
 *
 * In turns, because a machine changes while it is measured: what slows it down for a minute
 * is then shared by all. A contender that was broken is not visited with more connections.
 */
#include "lab.h"

#include <string.h>
#include <unistd.h>

#include "weft/api.h"

/** Least and most of a loop, where the plan has a budget. */
#define DURATION_MIN_NS WEFT_MILLISECONDS(40)
#define DURATION_MAX_NS WEFT_SECONDS(2)

struct run {
	struct lab *lab;
	unsigned done, left; /* visits */
	bool is_terminal;
	double extra_ns; /* what a visit took beside its loops, on average of late */
};

/* ---- Progress ------------------------------------------------------------------------ */

/* "about 4 min", of what is left. */
static void say_left(double seconds, char text[static 32])
{
	if (seconds >= 90)
		snprintf(text, 32, "about %.0f min", seconds / 60);
	else
		snprintf(text, 32, "about %.0f s", seconds < 1 ? 1 : seconds);
}

static void say_progress(struct run *run, const struct lab_place *place)
{
	const struct lab *lab = run->lab;
	const struct lab_plan *plan = &lab->plan;
	double elapsed = (double)(weft__lab_now() - lab->begin_ns) / 1e9;
	double total = (double)weft__lab_estimate(plan) / 1e9;
	double left = run->done ? elapsed / run->done * run->left : total;
	char text[32], level[64];

	/* The first visits tell little of all; later ones tell more than the estimate. */
	if (run->done < run->left / 10 || plan->budget_ns)
		left = total - elapsed;
	say_left(left, text);
	weft__lab_level_text(plan->workloads[place->workload], plan->levels[place->level], level);
	if (run->is_terminal)
		fprintf(stderr, "\r\33[K[%u/%u] %s, %s, %s, round %u of %u: %s left", run->done + 1,
			run->done + 1 + run->left, plan->workloads[place->workload]->name, level,
			plan->contenders[place->contender].name, place->round + 1, plan->rounds,
			text);
	else if (place->round == 0 && place->contender == 0)
		fprintf(stderr, "weft lab: %s, %s: %s left\n",
			plan->workloads[place->workload]->name, level, text);
}

/* ---- Time ---------------------------------------------------------------------------- */

/* What is left of the budget is shared evenly by the visits that are left. */
static void share_budget(struct run *run)
{
	struct lab_plan *plan = &run->lab->plan;
	double left_ns;

	if (!plan->budget_ns || run->left == 0)
		return;
	left_ns = (double)(plan->budget_ns - (weft__lab_now() - run->lab->begin_ns)) / run->left -
		  run->extra_ns;
	/* Two loops, each with a warm-up of a third of its duration. */
	plan->duration_ns = (int64_t)(left_ns * 3 / 8);
	if (plan->duration_ns < DURATION_MIN_NS)
		plan->duration_ns = DURATION_MIN_NS;
	if (plan->duration_ns > DURATION_MAX_NS)
		plan->duration_ns = DURATION_MAX_NS;
	plan->warmup_ns = plan->duration_ns / 3;
}

static void note_time(struct run *run, int64_t visit_ns)
{
	const struct lab_plan *plan = &run->lab->plan;
	double extra_ns = (double)(visit_ns - 2 * (plan->duration_ns + plan->warmup_ns));

	if (extra_ns > 0)
		run->extra_ns = run->extra_ns * 0.9 + extra_ns * 0.1;
}

/* ---- In turns ------------------------------------------------------------------------ */

/* A fault that the model does not explain may be the machine's: it has to show again. */
static void visit_twice_if_odd(
	struct lab *lab, const struct lab_place *place, struct lab_cell *cell)
{
	struct lab_figures *figures = &cell->visits[cell->visit_count];
	bool is_whole = weft__lab_visit(lab, place, figures);

	if (is_whole && figures->fault != LAB_FINE &&
		!weft__lab_design_of(&lab->plan, place, figures->fault))
		is_whole = weft__lab_visit(lab, place, figures);
	cell->visit_count += is_whole;
}

static void visit_cell(struct run *run, const struct lab_place *place)
{
	struct lab *lab = run->lab;
	struct lab_cell *cell =
		weft__lab_cell(lab, place->workload, place->level, place->contender);
	int64_t begin_ns = weft__lab_now();

	run->left--;
	if (cell->is_skipped)
		return;
	say_progress(run, place);
	visit_twice_if_odd(lab, place, cell);
	run->done++;
	note_time(run, weft__lab_now() - begin_ns);
}

/* Who broke below is broken here. */
static void skip_broken(struct run *run, unsigned workload, unsigned level)
{
	struct lab *lab = run->lab;

	weft__lab_sum_up(lab);
	for (unsigned i = 0; i < lab->plan.contender_count; i++)
		weft__lab_cell(lab, workload, level, i)->is_skipped =
			weft__lab_breaks_at(lab, workload, i) < level;
}

static void run_level(struct run *run, unsigned workload, unsigned level)
{
	const struct lab_plan *plan = &run->lab->plan;

	skip_broken(run, workload, level);
	for (unsigned round = 0; round < plan->rounds; round++) {
		share_budget(run);
		for (unsigned i = 0; i < plan->contender_count; i++) {
			struct lab_place place = {.workload = workload,
				.level = level,
				.contender = round % 2 ? plan->contender_count - 1 - i : i,
				.round = round};

			if (run->lab->is_stopped)
				return;
			visit_cell(run, &place);
		}
	}
}

static void note_others(struct lab *lab, double before_ns)
{
	double used_ns = weft__lab_others_cpu_ns() - before_ns;

	lab->others_share = -1;
	if (before_ns < 0 || lab->seconds <= 0)
		return;
	lab->others_share = used_ns / 1e9 / lab->seconds / (double)sysconf(_SC_NPROCESSORS_ONLN);
	/* Of a process that ended and nobody waited for, what it had used is gone. */
	if (lab->others_share < 0)
		lab->others_share = 0;
}

void weft__lab_run(struct lab *lab)
{
	const struct lab_plan *plan = &lab->plan;
	struct run run = {.lab = lab,
		.left = plan->workload_count * plan->level_count * plan->contender_count *
			plan->rounds,
		.is_terminal = isatty(STDERR_FILENO) == 1,
		.extra_ns = 1e8};
	double before_ns = weft__lab_others_cpu_ns();

	lab->begin_ns = weft__lab_now();
	for (unsigned workload = 0; workload < plan->workload_count; workload++)
		for (unsigned level = 0; level < plan->level_count; level++)
			if (!lab->is_stopped)
				run_level(&run, workload, level);
	if (run.is_terminal)
		fputs("\r\33[K", stderr);
	lab->seconds = (double)(weft__lab_now() - lab->begin_ns) / 1e9;
	note_others(lab, before_ns);
	weft__lab_sum_up(lab);
}
