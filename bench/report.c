/*
 * report.c - the figures: as lines that a person reads, and as JSON.
 *
 * Entry points: report_add(), report_print_subject(), report_print_json().
 */
#include "bench.h"

#include <string.h>

void report_add(struct report *report, const struct figure *figure)
{
	if (report->count < BENCH_FIGURES_MAX)
		report->figures[report->count++] = *figure;
}

static bool is_met(const struct figure *figure)
{
	switch (figure->bound.kind) {
	case BOUND_VALUE_MAX:
		return figure->value <= figure->bound.limit;
	case BOUND_VALUE_MIN:
		return figure->value >= figure->bound.limit;
	case BOUND_RATIO_MAX:
		return figure->ratio <= figure->bound.limit;
	case BOUND_RATIO_MIN:
		return figure->ratio >= figure->bound.limit;
	case BOUND_NONE:
		break;
	}
	return true;
}

static void print_bound(const struct figure *figure)
{
	const struct bound *bound = &figure->bound;
	bool is_value, is_min;

	if (bound->kind == BOUND_NONE)
		return;
	is_value = bound->kind == BOUND_VALUE_MAX || bound->kind == BOUND_VALUE_MIN;
	is_min = bound->kind == BOUND_RATIO_MIN || bound->kind == BOUND_VALUE_MIN;
	printf("   %s %s %.4g%s: %s", is_value ? "value" : "ratio", is_min ? "at least" : "at most",
		bound->limit, is_value ? figure->unit : "", is_met(figure) ? "met" : "MISSED");
}

static void print_number(double number, const char *unit)
{
	if (isnan(number))
		printf("%16s", "-");
	else
		printf(" %*.*f %-4s", 10, number < 100 ? 2 : 0, number, unit);
}

void report_print_subject(const struct report *report, size_t first)
{
	if (report->is_json)
		return;
	printf("  %-28s%12s%16s%9s\n", "figure", "weft", "yardstick", "ratio");
	for (size_t i = first; i < report->count; i++) {
		const struct figure *figure = &report->figures[i];

		printf("  %-24s", figure->name);
		print_number(figure->value, figure->unit);
		print_number(figure->yardstick, figure->unit);
		if (isnan(figure->ratio))
			printf("%9s", "-");
		else
			printf("%9.3f", figure->ratio);
		print_bound(figure);
		putchar('\n');
	}
	putchar('\n');
	fflush(stdout);
}

/* JSON has no NaN and no infinity. */
static void print_json_number(const char *key, double number)
{
	if (isfinite(number))
		printf(", \"%s\": %.6g", key, number);
	else
		printf(", \"%s\": null", key);
}

void report_print_json(const struct report *report)
{
	if (!report->is_json)
		return;
	printf("[");
	for (size_t i = 0; i < report->count; i++) {
		const struct figure *figure = &report->figures[i];

		printf("%s\n  {\"name\": \"%s\"", i ? "," : "", figure->name);
		print_json_number("value", figure->value);
		printf(", \"unit\": \"%s\"", figure->unit);
		print_json_number("yardstick", figure->yardstick);
		print_json_number("ratio", figure->ratio);
		printf("}");
	}
	printf("\n]\n");
}
