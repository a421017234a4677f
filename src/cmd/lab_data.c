/*
 * lab_data.c - the results as JSON and as CSV.
 *
 * Entry points: weft__lab_json(), weft__lab_csv(). What is not known is null, or empty.
 * Never: text from outside that is not escaped.
 */
#include "lab.h"

#include <string.h>

#include "weft/utf8.h"

/* ---- JSON ---------------------------------------------------------------------------- */

static void json_text(struct weft_str *json, const char *text)
{
	size_t len = strlen(text), size;

	weft_str_append_char(json, '"');
	for (size_t at = 0; at < len; at += size ? size : 1) {
		uint32_t character;

		size = weft_utf8_read(text + at, len - at, &character);
		if (size == 0)
			weft_str_append(json, "\\ufffd");
		else if (character == '"' || character == '\\')
			weft_str_appendf(json, "\\%c", (char)character);
		else if (character < 0x10000 && weft_utf8_is_dangerous(character))
			weft_str_appendf(json, "\\u%04x", (unsigned)character);
		else
			weft_str_append_bytes(json, text + at, size);
	}
	weft_str_append_char(json, '"');
}

static void json_spread(struct weft_str *json, const char *key, const struct lab_spread *spread)
{
	weft_str_appendf(json, ", \"%s\": ", key);
	if (spread->count == 0)
		weft_str_append(json, "null");
	else
		weft_str_appendf(json, "{\"median\": %.3f, \"min\": %.3f, \"max\": %.3f}",
			spread->median, spread->min, spread->max);
}

static void json_words(struct weft_str *json, const char *key, const struct lab_words *words,
	const struct lab_cpus *cpus)
{
	weft_str_appendf(json, ", \"%s\": \"taskset -c %s", key, cpus->text);
	/* Words of our own: nothing in them needs escaping. */
	for (unsigned i = 0; i < words->count; i++)
		weft_str_appendf(json, " %s", words->words[i]);
	weft_str_append_char(json, '"');
}

static void json_commands(struct weft_str *json, const struct lab *lab, unsigned workload,
	unsigned level, unsigned contender)
{
	const struct lab_plan *plan = &lab->plan;
	const struct lab_workload *what = plan->workloads[workload];
	const struct lab_cell *cell = weft__lab_cell(lab, workload, level, contender);
	struct lab_load load = {
		.target = what->is_http ? "http://HOST:PORT/small.txt" : "HOST:PORT",
		.level = plan->levels[level],
		.duration_ns = plan->duration_ns};
	struct lab_words words;

	weft__lab_server_words(&words, plan, what, &plan->contenders[contender], NULL);
	json_words(json, "server", &words, weft__lab_server_cpus(plan, what));
	weft__lab_load_words(&words, plan, what, &load);
	json_words(json, "closed_loop", &words, weft__lab_load_cpus(plan, what));
	load.rate = cell->rate.median;
	weft__lab_load_words(&words, plan, what, &load);
	json_words(json, "open_loop", &words, weft__lab_load_cpus(plan, what));
}

static void json_cell(struct weft_str *json, const struct lab *lab, unsigned workload,
	unsigned level, unsigned contender)
{
	const struct lab_plan *plan = &lab->plan;
	const struct lab_cell *cell = weft__lab_cell(lab, workload, level, contender);

	weft_str_appendf(json, "{\"workload\": \"%s\", \"level\": %u, \"contender\": \"%s\"",
		plan->workloads[workload]->name, plan->levels[level],
		plan->contenders[contender].name);
	weft_str_appendf(json, ", \"rounds\": %u, \"fault\": ", cell->visit_count);
	if (cell->fault == LAB_FINE)
		weft_str_append(json, "null");
	else
		json_text(json, weft__lab_fault_names[cell->fault]);
	json_spread(json, "requests_per_s", &cell->requests_per_s);
	json_spread(json, "cpu_ns_per_request", &cell->cpu_ns);
	json_spread(json, "memory_bytes_per_connection", &cell->memory);
	json_spread(json, "open_loop_rate", &cell->rate);
	weft_str_append(json, ", \"latency_ns\": {\"loop\": \"open\"");
	for (unsigned i = 0; i < LAB_PERCENTILE_COUNT; i++)
		json_spread(json, weft__lab_percentile_names[i], &cell->latency_ns[i]);
	weft_str_appendf(json,
		"}, \"requests\": %llu, \"errors\": %llu, \"due\": %llu, "
		"\"unfinished\": %llu, \"load_busy\": %.3f, \"first_error\": ",
		(unsigned long long)cell->requests, (unsigned long long)cell->errors,
		(unsigned long long)cell->due, (unsigned long long)cell->unfinished,
		cell->load_busy);
	if (cell->error && cell->error[0])
		json_text(json, cell->error);
	else
		weft_str_append(json, "null");
	json_commands(json, lab, workload, level, contender);
	weft_str_append_char(json, '}');
}

static void json_head(struct weft_str *json, const struct lab *lab)
{
	const struct lab_machine *machine = &lab->machine;
	const struct lab_plan *plan = &lab->plan;
	char noise[400];
	bool is_noisy = weft__lab_judge_noise(lab, noise);

	weft_str_append(
		json, LAB_JSON_BEGINNING "1, \"version\": \"" WEFT_VERSION "\", \"command\": ");
	json_text(json, lab->command);
	weft_str_appendf(json, ", \"date\": \"%s\", \"is_complete\": %s, \"seconds\": %.1f",
		machine->date, lab->is_stopped ? "false" : "true", lab->seconds);
	weft_str_append(json, ", \"machine\": {\"cpu\": ");
	json_text(json, machine->cpu);
	weft_str_append(json, ", \"kernel\": ");
	json_text(json, machine->kernel);
	weft_str_appendf(json,
		", \"cpus\": %u, \"memory_bytes\": %llu, \"server_cpus\": \"%s\", "
		"\"load_cpus\": \"%s\", \"load_average\": %.2f}",
		machine->cpus, (unsigned long long)machine->memory_bytes, plan->server.text,
		plan->load.text, machine->load_average);
	weft_str_appendf(json,
		", \"memory_is\": \"%s\", \"rounds\": %u, \"duration_s\": %.3f, "
		"\"warmup_s\": %.3f",
		machine->has_pss ? "PSS" : "RSS", plan->rounds, (double)plan->duration_ns / 1e9,
		(double)plan->warmup_ns / 1e9);
	weft_str_appendf(json,
		", \"noise\": {\"is_noisy\": %s, \"others_share\": ", is_noisy ? "true" : "false");
	if (lab->others_share >= 0)
		weft_str_appendf(json, "%.3f", lab->others_share);
	else
		weft_str_append(json, "null");
	weft_str_append(json, ", \"text\": ");
	json_text(json, noise);
	weft_str_append_char(json, '}');
}

static void json_verdict(struct weft_str *json, const struct lab *lab, unsigned workload)
{
	const struct lab_plan *plan = &lab->plan;
	struct lab_verdict verdict;

	weft__lab_judge(lab, workload, &verdict);
	weft_str_appendf(json, "{\"workload\": \"%s\", \"level\": %u, \"winners\": [",
		plan->workloads[workload]->name, plan->levels[verdict.level]);
	for (unsigned i = 0; i < verdict.winner_count; i++)
		weft_str_appendf(
			json, "%s\"%s\"", i ? ", " : "", plan->contenders[verdict.winners[i]].name);
	weft_str_appendf(json, "], \"is_expected\": %s, \"is_noisy\": %s, \"won\": ",
		verdict.is_expected ? "true" : "false", verdict.is_noisy ? "true" : "false");
	json_text(json, verdict.won);
	weft_str_append(json, ", \"theory\": ");
	json_text(json, verdict.theory);
	weft_str_append(json, ", \"broke\": ");
	json_text(json, verdict.broke);
	weft_str_append(json, ", \"noise\": ");
	json_text(json, verdict.noise);
	weft_str_append(json, ", \"limit\": ");
	json_text(json, verdict.limit);
	weft_str_append(json, ", \"breaks_at\": {");
	for (unsigned i = 0; i < plan->contender_count; i++) {
		unsigned level = weft__lab_breaks_at(lab, workload, i);

		weft_str_appendf(json, "%s\"%s\": ", i ? ", " : "", plan->contenders[i].name);
		if (level < plan->level_count)
			weft_str_appendf(json, "%u", plan->levels[level]);
		else
			weft_str_append(json, "null");
	}
	weft_str_append(json, "}}");
}

/* Calls print for each cell that was visited. */
static void each_cell(struct weft_str *text, const struct lab *lab, const char *between,
	void (*print)(struct weft_str *text, const struct lab *lab, unsigned workload,
		unsigned level, unsigned contender))
{
	const struct lab_plan *plan = &lab->plan;
	bool is_first = true;

	for (unsigned workload = 0; workload < plan->workload_count; workload++) {
		for (unsigned level = 0; level < plan->level_count; level++) {
			for (unsigned i = 0; i < plan->contender_count; i++) {
				if (weft__lab_cell(lab, workload, level, i)->visit_count == 0)
					continue;
				if (!is_first)
					weft_str_append(text, between);
				is_first = false;
				print(text, lab, workload, level, i);
			}
		}
	}
}

void weft__lab_json(const struct lab *lab, struct weft_str *json)
{
	json_head(json, lab);
	weft_str_append(json, ",\n\"verdicts\": [\n");
	for (unsigned i = 0; i < lab->plan.workload_count; i++) {
		if (i > 0)
			weft_str_append(json, ",\n");
		json_verdict(json, lab, i);
	}
	weft_str_append(json, "],\n\"cells\": [\n");
	each_cell(json, lab, ",\n", json_cell);
	weft_str_append(json, "]}\n");
}

/* ---- CSV ----------------------------------------------------------------------------- */

static void csv_number(struct weft_str *csv, const struct lab_spread *spread, double number)
{
	if (spread->count > 0)
		weft_str_appendf(csv, ",%.3f", number);
	else
		weft_str_append_char(csv, ',');
}

static void csv_cell(struct weft_str *csv, const struct lab *lab, unsigned workload, unsigned level,
	unsigned contender)
{
	const struct lab_plan *plan = &lab->plan;
	const struct lab_cell *cell = weft__lab_cell(lab, workload, level, contender);

	weft_str_appendf(csv, "%s,%u,%s,%s,%u", plan->workloads[workload]->name,
		plan->levels[level], plan->contenders[contender].name,
		cell->fault == LAB_FINE ? "" : weft__lab_fault_names[cell->fault],
		cell->visit_count);
	csv_number(csv, &cell->requests_per_s, cell->requests_per_s.median);
	csv_number(csv, &cell->requests_per_s, cell->requests_per_s.min);
	csv_number(csv, &cell->requests_per_s, cell->requests_per_s.max);
	csv_number(csv, &cell->cpu_ns, cell->cpu_ns.median);
	csv_number(csv, &cell->memory, cell->memory.median);
	csv_number(csv, &cell->rate, cell->rate.median);
	for (unsigned i = 0; i < LAB_PERCENTILE_COUNT; i++)
		csv_number(csv, &cell->latency_ns[i], cell->latency_ns[i].median);
	weft_str_appendf(csv, ",%llu,%llu,%llu\n", (unsigned long long)cell->requests,
		(unsigned long long)cell->errors, (unsigned long long)cell->unfinished);
}

void weft__lab_csv(const struct lab *lab, struct weft_str *csv)
{
	weft_str_append(csv, LAB_CSV_BEGINNING
		"fault,rounds,requests_per_s,requests_per_s_min,requests_per_s_max,"
		"cpu_ns_per_request,memory_bytes_per_connection,open_loop_rate,p50_ns,p90_ns,p99_"
		"ns,"
		"p99.9_ns,max_ns,requests,errors,unfinished\n");
	each_cell(csv, lab, "", csv_cell);
}
