/*
 * lab_break.c - which contenders broke at how many connections, and why.
 *
 * Entry points: weft__lab_explain_break(), weft__lab_say_breaks(), weft__lab_say_where(). Pure.
 */
#include "lab.h"

#include <string.h>

/** Connections from which on select(2) is short of numbers: some are taken by other things. */
#define SELECT_MAX 1000

/* The connections that a model has at a time, at most; 0: it has no such bound. */
static unsigned bound_of(const struct lab_plan *plan, const struct lab_contender *contender)
{
	static const struct {
		const char *model;
		unsigned bound;
	} bounds[] = {{"loop", 1}, {"thread", 4096}, {"fork", 512}};

	for (unsigned i = 0; i < sizeof(bounds) / sizeof(*bounds); i++)
		if (strcmp(bounds[i].model, contender->model) == 0)
			return bounds[i].bound;
	return strcmp(contender->model, "fiber") == 0 ? 0 : plan->size;
}

/* Why a model with a bound has no place for some of the connections, or NULL: it has. */
static const char *why_full(const struct lab_contender *contender, unsigned bound, unsigned count)
{
	bool makes_each =
		strcmp(contender->model, "fork") == 0 || strcmp(contender->model, "thread") == 0;

	/* One that has ended may still be counted when the next one comes. */
	if (bound == 0 || count < bound || (count == bound && !makes_each))
		return NULL;
	if (bound == 1)
		return "by design: it serves one connection until that ends, and a second one that "
		       "stays open waits for ever";
	if (makes_each)
		return "by its bound: it makes so many threads (4096) or processes (512) and no "
		       "more, and who comes then waits or is turned away";
	return "by design: each of its workers has one connection at a time, and with more "
	       "connections than workers the rest waits until one ends";
}

static const char *why_driver(const char *driver, enum lab_fault fault, unsigned count)
{
	bool is_select = strcmp(driver, "select") == 0;

	if (is_select && count > SELECT_MAX)
		return "by design: select(2) knows 1024 descriptors";
	if (fault == LAB_COLLAPSED && (is_select || strcmp(driver, "poll") == 0))
		return "by design: the kernel is handed all connections each time, so that each "
		       "wait "
		       "costs more the more there are";
	return NULL;
}

const char *weft__lab_design_of(
	const struct lab_plan *plan, const struct lab_place *place, enum lab_fault fault)
{
	const struct lab_workload *workload = plan->workloads[place->workload];
	const struct lab_contender *contender = &plan->contenders[place->contender];
	unsigned count = weft__lab_connections(workload, plan->levels[place->level]);

	if (fault == LAB_FINE || fault == LAB_NO_START || fault == LAB_CRASHED)
		return NULL;
	if (contender->driver)
		return why_driver(contender->driver, fault, count);
	/* Connections that are short end by themselves: nobody waits for ever. */
	if (fault == LAB_COLLAPSED || workload->is_new_each)
		return NULL;
	return why_full(contender, bound_of(plan, contender), count);
}

static void say_fault(const struct lab_cell *cell, struct weft_str *text)
{
	switch (cell->fault) {
	case LAB_STARVED:
		weft_str_appendf(text, "%.0f %% of the requests that were due were never answered",
			cell->due ? 100.0 * (double)cell->unfinished / (double)cell->due : 0);
		break;
	case LAB_ERRORS:
		weft_str_appendf(text, "%llu errors", (unsigned long long)cell->errors);
		break;
	case LAB_LATE:
		weft_str_append(text, "it can't keep the rate");
		break;
	case LAB_COLLAPSED:
		weft_str_append(text, "it does less than a third of what it did with fewer");
		break;
	case LAB_REFUSED:
		weft_str_append(text, "not all connections could be opened");
		break;
	case LAB_SILENT:
		weft_str_append(text, "not one answer came");
		break;
	case LAB_NO_START:
		weft_str_append(text, "the server did not start");
		break;
	case LAB_CRASHED:
		weft_str_append(text, "the server ended by itself");
		break;
	case LAB_FINE:
	case LAB_FAULT_COUNT:
		break;
	}
}

void weft__lab_explain_break(
	const struct lab *lab, unsigned workload, unsigned contender, struct weft_str *ret_text)
{
	const struct lab_plan *plan = &lab->plan;
	unsigned level = weft__lab_breaks_at(lab, workload, contender);
	struct lab_place place = {.workload = workload, .level = level, .contender = contender};
	const struct lab_cell *cell;
	const char *design;

	if (level == plan->level_count)
		return;
	cell = weft__lab_cell(lab, workload, level, contender);
	design = weft__lab_design_of(plan, &place, cell->fault);
	say_fault(cell, ret_text);
	if (design)
		weft_str_appendf(ret_text, "; %s", design);
	else if (cell->error[0])
		weft_str_appendf(ret_text, " (%s)", cell->error);
	else
		weft_str_append(ret_text, "; that is not by design: perhaps the machine was busy");
}

void weft__lab_say_breaks(const struct lab *lab, unsigned workload, char *text, size_t size)
{
	const struct lab_plan *plan = &lab->plan;
	struct weft_str all;

	weft_str_init_in(&all, text, size);
	for (unsigned i = 0; i < plan->contender_count; i++) {
		unsigned level = weft__lab_breaks_at(lab, workload, i);
		size_t before = all.len;
		char level_text[64];

		if (level == plan->level_count)
			continue;
		weft_str_appendf(&all, "%s%s breaks at %s: ", all.len ? " " : "",
			plan->contenders[i].name,
			weft__lab_level_text(
				plan->workloads[workload], plan->levels[level], level_text));
		weft__lab_explain_break(lab, workload, i, &all);
		weft_str_append_char(&all, '.');
		if (weft_str_error(&all)) {
			/* No room: a sentence is whole or not there. */
			weft_str_truncate(&all, before);
			return;
		}
	}
}

void weft__lab_say_where(const struct lab *lab, unsigned workload, struct weft_str *ret_text)
{
	const struct lab_plan *plan = &lab->plan;
	char text[64];
	size_t before = ret_text->len;

	for (unsigned i = 0; i < plan->contender_count; i++) {
		unsigned level = weft__lab_breaks_at(lab, workload, i);

		if (level < plan->level_count)
			weft_str_appendf(ret_text, "%s%s breaks at %u",
				ret_text->len > before ? ", " : "", plan->contenders[i].name,
				plan->levels[level]);
	}
	if (ret_text->len == before)
		weft_str_appendf(ret_text, "None breaks up to %s",
			weft__lab_level_text(plan->workloads[workload],
				plan->levels[plan->level_count - 1], text));
	weft_str_append_char(ret_text, '.');
}
