/*
 * lab_table.c - the results for a terminal: a table per workload, and what it means in words.
 *
 * Entry points: weft__lab_table(); weft__lab_number(), _time(), _bytes().
 */
#include "lab.h"

#include <string.h>

/** Widest line of words. */
#define COLUMNS 98

/* ---- Numbers ------------------------------------------------------------------------- */

/* 12345678 as "12,345,678". */
static const char *with_commas(double number, char text[static 32])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%.0f", number), at = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = '\0';
	return text;
}

const char *weft__lab_number(double number, char text[static 32])
{
	if (number >= 1e15 || number < 0)
		snprintf(text, 32, "%g", number);
	else if (number >= 100)
		with_commas(number, text);
	else
		snprintf(text, 32, "%.*f", number >= 10 ? 1 : 2, number);
	return text;
}

/* Three digits, and the unit that leaves them before or just behind the point. */
static void with_unit(double number, double base, const char *const *units, char text[static 32])
{
	unsigned unit = 0;

	for (; number >= base * 0.9995 && units[unit + 1]; unit++)
		number /= base;
	snprintf(text, 32, "%.*f %s",
		number >= 99.95 || unit == 0 ? 0
		: number >= 9.995            ? 1
					     : 2,
		number, units[unit]);
}

const char *weft__lab_time(double ns, char text[static 32])
{
	static const char *const units[] = {"ns", "us", "ms", "s", NULL};

	with_unit(ns, 1000, units, text);
	return text;
}

const char *weft__lab_time_text(double ns, char text[static 32])
{
	char *unit;

	weft__lab_time(ns, text);
	unit = strstr(text, " us");
	if (unit)
		memcpy(unit, " \302\265s", sizeof(" \302\265s"));
	return text;
}

const char *weft__lab_bytes(double bytes, char text[static 32])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", NULL};

	with_unit(bytes, 1024, units, text);
	return text;
}

/* ---- Tables -------------------------------------------------------------------------- */

static void print_head(FILE *out)
{
	fprintf(out, "  %-17s %11s %7s %9s %9s %9s %9s %9s %9s\n", "", "requests/s", "spread",
		"CPU/req", "p50", "p90", "p99", "p99.9", "mem/conn");
}

/* "+-12%": half of what lies between the least and the most. */
static const char *spread_text(const struct lab_spread *spread, char text[static 32])
{
	if (spread->count < 2)
		return "-";
	snprintf(text, 32, "+-%.0f%%", weft__lab_spread_width(spread) * 50);
	return text;
}

static void print_cell(const struct lab_cell *cell, const char *name, FILE *out)
{
	char text[4][32];

	if (cell->visit_count == 0)
		return;
	fprintf(out, "  %-17s %11s %7s %9s", name,
		weft__lab_number(cell->requests_per_s.median, text[0]),
		spread_text(&cell->requests_per_s, text[1]),
		cell->cpu_ns.median > 0 ? weft__lab_time(cell->cpu_ns.median, text[2]) : "-");
	if (cell->fault != LAB_FINE) {
		fprintf(out, "  breaks: %s\n", weft__lab_fault_names[cell->fault]);
		return;
	}
	for (unsigned i = 0; i < LAB_WORST; i++)
		fprintf(out, " %9s",
			cell->latency_ns[i].count
				? weft__lab_time(cell->latency_ns[i].median, text[0])
				: "-");
	fprintf(out, " %9s\n",
		cell->memory.count ? weft__lab_bytes(cell->memory.median, text[0]) : "-");
}

static void print_level(const struct lab *lab, unsigned workload, unsigned level, FILE *out)
{
	const struct lab_plan *plan = &lab->plan;
	bool has_any = false;
	char text[64];

	for (unsigned i = 0; i < plan->contender_count; i++)
		has_any |= weft__lab_cell(lab, workload, level, i)->visit_count > 0;
	if (!has_any)
		return;
	fprintf(out, "\n %s\n",
		weft__lab_level_text(plan->workloads[workload], plan->levels[level], text));
	print_head(out);
	for (unsigned i = 0; i < plan->contender_count; i++)
		print_cell(weft__lab_cell(lab, workload, level, i), plan->contenders[i].name, out);
}

/* ---- Words --------------------------------------------------------------------------- */

/* A text in lines of at most COLUMNS, each behind two spaces. */
static void print_wrapped(const char *text, FILE *out)
{
	while (*text) {
		size_t len = strlen(text), fits = COLUMNS - 2;

		if (len > fits) {
			while (fits > 1 && text[fits] != ' ')
				fits--;
			len = fits;
		}
		fprintf(out, "  %.*s\n", (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
}

static void print_verdict(const struct lab *lab, unsigned workload, FILE *out)
{
	struct lab_verdict verdict;

	weft__lab_judge(lab, workload, &verdict);
	fputc('\n', out);
	print_wrapped(verdict.won, out);
	print_wrapped(verdict.theory, out);
	print_wrapped(verdict.broke, out);
	print_wrapped(verdict.noise, out);
	print_wrapped(verdict.limit, out);
}

static void print_machine(const struct lab *lab, FILE *out)
{
	const struct lab_machine *machine = &lab->machine;
	const struct lab_plan *plan = &lab->plan;
	char memory[32];

	fprintf(out, "\nweft " WEFT_VERSION " on %s, %u CPUs, %s, %s; %s\n", machine->cpu,
		machine->cpus, weft__lab_bytes((double)machine->memory_bytes, memory),
		machine->kernel, machine->date);
	fprintf(out,
		"Servers on CPU %s, load on CPU %s; %u rounds, medians. Latency is that of an "
		"open\n",
		plan->server.text, plan->load.text, plan->rounds);
	if (plan->rate)
		fprintf(out, "loop at %u requests/s. ", plan->rate);
	else
		fprintf(out, "loop at %.0f %% of what each could do. ", LAB_RATE_SHARE * 100);
	fprintf(out, "Memory is the server's %s.\n", machine->has_pss ? "anonymous PSS" : "RSS");
}

void weft__lab_table(const struct lab *lab, FILE *out)
{
	const struct lab_plan *plan = &lab->plan;
	char noise[400];

	print_machine(lab, out);
	if (lab->is_stopped)
		fputs("\nINCOMPLETE: it was stopped early.\n", out);
	for (unsigned workload = 0; workload < plan->workload_count; workload++) {
		fprintf(out, "\n== %s ==\n", plan->workloads[workload]->title);
		print_wrapped(plan->workloads[workload]->what, out);
		for (unsigned level = 0; level < plan->level_count; level++)
			print_level(lab, workload, level, out);
		print_verdict(lab, workload, out);
	}
	fputc('\n', out);
	weft__lab_judge_noise(lab, noise);
	print_wrapped(noise, out);
}
