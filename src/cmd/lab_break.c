/*
 * lab_break.c - which contenders broke at how many connections, and why.
 *
 * Entry points: weft__lab_explain_break(), weft__lab_say_breaks(), weft__lab_say_where(). Pure.
 */
#include "lab.h"

#include <string.h>

/* Why the model can't do better, or NULL: then it is a finding. */
static const char *design_of(const struct lab *lab, unsigned workload,
	const struct lab_contender *contender, const struct lab_cell *cell)
{
	const struct lab_workload *what = lab->plan.workloads[workload];
	bool keeps = !what->is_new_each;
	bool is_waiting = cell->fault == LAB_STARVED || cell->fault == LAB_SILENT ||
			  cell->fault == LAB_REFUSED || cell->fault == LAB_ERRORS;

	if (strcmp(contender->model, "loop") == 0 && keeps && is_waiting)
		return "by design: it serves one connection until that ends, and a second one that "
		       "stays open waits for ever";
	if ((strcmp(contender->model, "pool") == 0 || strcmp(contender->model, "prefork") == 0) &&
		keeps && is_waiting)
		return "by design: each of its workers has one connection at a time, and with more "
		       "connections than workers the rest waits until one ends";
	if ((strcmp(contender->model, "fork") == 0 || strcmp(contender->model, "thread") == 0) &&
		keeps && is_waiting)
		return "by its bound: it has so many processes or threads and no more, and whoever "
		       "comes then waits or is turned away";
	if (contender->driver && strcmp(contender->driver, "select") == 0)
		return "by design: select(2) knows 1024 descriptors, and looks at all of them each "
		       "time";
	if (contender->driver && strcmp(contender->driver, "poll") == 0 &&
		cell->fault == LAB_COLLAPSED)
		return "by design: poll(2) is handed all connections each time, so that each wait "
		       "costs more the more there are";
	return NULL;
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
	const struct lab_cell *cell;
	const char *design;

	if (level == plan->level_count)
		return;
	cell = weft__lab_cell(lab, workload, level, contender);
	design = design_of(lab, workload, &plan->contenders[contender], cell);
	say_fault(cell, ret_text);
	if (design)
		weft_str_appendf(ret_text, "; %s", design);
	else if (cell->error[0])
		weft_str_appendf(ret_text, " (%s)", cell->error);
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
