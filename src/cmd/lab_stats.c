/*
 * lab_stats.c - what the visits of each cell come to: medians, spreads, and what broke where.
 *
 * Entry points: weft__lab_sum_up(), weft__lab_breaks_at(). Pure: nothing but numbers.
 */
#include "lab.h"

#include <stdlib.h>

/** A throughput below this share of the best with fewer connections has collapsed. */
#define COLLAPSE_SHARE (1.0 / 3)

/** And its CPU per request is that much higher: else the machine was taken away from it. */
#define COLLAPSE_CPU 1.5

const char *const weft__lab_percentile_names[LAB_PERCENTILE_COUNT] = {
	"p50", "p90", "p99", "p99.9", "max"};

const char *const weft__lab_fault_names[LAB_FAULT_COUNT] = {"fine", "collapsed", "too slow",
	"errors", "starved", "refused", "silent", "no start", "crashed"};

/* ---- Spreads ------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

struct lab_spread weft__lab_spread_of(double *numbers, unsigned count)
{
	struct lab_spread spread = {.count = count};

	if (count == 0)
		return spread;
	qsort(numbers, count, sizeof(*numbers), compare);
	spread.min = numbers[0];
	spread.max = numbers[count - 1];
	spread.median =
		count % 2 ? numbers[count / 2] : (numbers[count / 2 - 1] + numbers[count / 2]) / 2;
	return spread;
}

double weft__lab_spread_width(const struct lab_spread *spread)
{
	return spread->count && spread->median > 0 ? (spread->max - spread->min) / spread->median
						   : 0;
}

/* Of the number at that place in all visits, those below 0 left out. */
static struct lab_spread spread_at(const struct lab_cell *cell, size_t offset)
{
	double numbers[LAB_ROUNDS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < cell->visit_count; i++) {
		double number =
			*(const double *)(const void *)((const char *)&cell->visits[i] + offset);

		if (number >= 0)
			numbers[count++] = number;
	}
	return weft__lab_spread_of(numbers, count);
}

#define SPREAD(cell, field) spread_at((cell), offsetof(struct lab_figures, field))

/* ---- Faults -------------------------------------------------------------------------- */

/* One bad visit is an accident; when it is more than half of them, it is the contender. */
static enum lab_fault usual_fault(const struct lab_cell *cell)
{
	enum lab_fault fault = LAB_FINE;
	unsigned count = 0;

	for (unsigned i = 0; i < cell->visit_count; i++) {
		count += cell->visits[i].fault != LAB_FINE;
		if (cell->visits[i].fault > fault)
			fault = cell->visits[i].fault;
	}
	return 2 * count > cell->visit_count ? fault : LAB_FINE;
}

static void sum_up_cell(struct lab_cell *cell)
{
	cell->requests_per_s = SPREAD(cell, requests_per_s);
	cell->cpu_ns = SPREAD(cell, cpu_ns);
	cell->rate = SPREAD(cell, rate);
	cell->memory = SPREAD(cell, memory);
	for (unsigned i = 0; i < LAB_PERCENTILE_COUNT; i++)
		cell->latency_ns[i] = SPREAD(cell, latency_ns[i]);
	/* A percentile that only some rounds have could be less than a lower one of all. */
	for (unsigned i = 1; i < LAB_PERCENTILE_COUNT; i++)
		if (cell->latency_ns[i].count < cell->latency_ns[LAB_P50].count)
			cell->latency_ns[i] = (struct lab_spread){.count = 0};
	cell->requests = cell->errors = cell->due = cell->unfinished = 0;
	cell->load_busy = 0;
	cell->error = "";
	for (unsigned i = 0; i < cell->visit_count; i++) {
		const struct lab_figures *visit = &cell->visits[i];

		cell->requests += visit->requests;
		cell->errors += visit->errors;
		cell->due += visit->due;
		cell->unfinished += visit->unfinished;
		if (cell->load_busy < visit->load_busy)
			cell->load_busy = visit->load_busy;
		if (!cell->error[0])
			cell->error = visit->error;
	}
	cell->fault = usual_fault(cell);
}

/* One contender in one workload, over the levels. */
static void find_collapse(struct lab *lab, unsigned workload, unsigned contender)
{
	double best = 0, best_cpu_ns = 0;

	for (unsigned level = 0; level < lab->plan.level_count; level++) {
		struct lab_cell *cell = weft__lab_cell(lab, workload, level, contender);

		if (cell->visit_count > 0 && cell->fault == LAB_FINE &&
			cell->requests_per_s.max < best * COLLAPSE_SHARE &&
			cell->cpu_ns.median > best_cpu_ns * COLLAPSE_CPU)
			cell->fault = LAB_COLLAPSED;
		if (best < cell->requests_per_s.median) {
			best = cell->requests_per_s.median;
			best_cpu_ns = cell->cpu_ns.median;
		}
	}
}

void weft__lab_sum_up(struct lab *lab)
{
	const struct lab_plan *plan = &lab->plan;

	for (unsigned workload = 0; workload < plan->workload_count; workload++) {
		for (unsigned contender = 0; contender < plan->contender_count; contender++) {
			for (unsigned level = 0; level < plan->level_count; level++)
				sum_up_cell(weft__lab_cell(lab, workload, level, contender));
			find_collapse(lab, workload, contender);
		}
	}
}

unsigned weft__lab_breaks_at(const struct lab *lab, unsigned workload, unsigned contender)
{
	for (unsigned level = 0; level < lab->plan.level_count; level++)
		if (weft__lab_cell(lab, workload, level, contender)->fault != LAB_FINE)
			return level;
	return lab->plan.level_count;
}
