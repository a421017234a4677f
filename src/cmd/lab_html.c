/*
 * lab_html.c - the report: one file, without scripts and without a network.
 *
 * Entry point: weft__lab_html(). The drawings are lab_chart.c's, the style is lab_style.c's.
 * Never: text from outside that is not escaped.
 */
#include "lab.h"

#include <string.h>

/* ---- Pieces -------------------------------------------------------------------------- */

static void paragraph(struct weft_str *html, const char *class, const char *text)
{
	if (!text[0])
		return;
	weft_str_appendf(html, "<p class=\"%s\">", class);
	weft__lab_html_text(html, text);
	weft_str_append(html, "</p>\n");
}

static void fact(struct weft_str *html, const char *name, const char *value)
{
	weft_str_appendf(html, "<dt>%s</dt><dd>", name);
	weft__lab_html_text(html, value);
	weft_str_append(html, "</dd>\n");
}

static void cell_time(struct weft_str *html, const struct lab_spread *spread)
{
	char text[32];

	if (spread->count == 0)
		weft_str_append(html, "<td>&ndash;</td>");
	else
		weft_str_appendf(html, "<td>%s</td>", weft__lab_time_text(spread->median, text));
}

/* ---- The top ------------------------------------------------------------------------- */

static void put_machine(struct weft_str *html, const struct lab *lab)
{
	const struct lab_machine *machine = &lab->machine;
	const struct lab_plan *plan = &lab->plan;
	char memory[32], text[300];

	weft_str_append(html, "<dl>\n");
	snprintf(text, sizeof(text), "%s, %u CPUs that may be used, %s of memory", machine->cpu,
		machine->cpus, weft__lab_bytes((double)machine->memory_bytes, memory));
	fact(html, "Machine", text);
	fact(html, "Kernel", machine->kernel);
	snprintf(text, sizeof(text), "weft " WEFT_VERSION ", %s, %.0f seconds", machine->date,
		lab->seconds);
	fact(html, "Measured", text);
	snprintf(text, sizeof(text), "servers on CPU %s, load on CPU %s%s", plan->server.text,
		plan->load.text, plan->all.count < 2 ? ": the same one" : "");
	fact(html, "Ran on", text);
	fact(html, "Command", lab->command);
	weft_str_append(html, "</dl>\n");
}

static void put_method(struct weft_str *html, const struct lab *lab)
{
	const struct lab_plan *plan = &lab->plan;

	weft_str_append(html, "<details><summary>How it was measured</summary>\n"
			      "<p>Each model runs the same handler in a server of its own, one "
			      "after the other; the "
			      "load comes from another process. The models take turns, forwards "
			      "and backwards, so "
			      "that what slows the machine for a while is shared by all.</p>\n");
	weft_str_appendf(html,
		"<p>A <em>closed loop</em> of %.3g s, in which each connection asks again when it "
		"was "
		"answered, shows how much a server can do, and what CPU it takes. Then an <em>open "
		"loop</em> asks at a fixed rate, ",
		(double)plan->duration_ns / 1e9);
	if (plan->rate)
		weft_str_appendf(html, "%u requests a second, the same for all", plan->rate);
	else
		weft_str_appendf(
			html, "%.0f %% of what that server just did", LAB_RATE_SHARE * 100);
	weft_str_appendf(html,
		", and times each request from the moment it was due: so a server that stalls "
		"can't "
		"hide how long its users waited (&ldquo;coordinated omission&rdquo;). Percentiles "
		"that too few requests stand behind are left out. Each figure is the median of %u "
		"rounds; whiskers span the least and the most.</p>\n",
		plan->rounds);
	weft_str_appendf(html,
		"<p>CPU is that of the server and all its processes, from the kernel&rsquo;s "
		"accounts. Memory is what they hold (%s) with all connections open, less what they "
		"held when one had been served, for each connection more; what the kernel holds "
		"for them is not in it.</p>\n",
		lab->machine.has_pss ? "the anonymous part of PSS" : "RSS");
	weft_str_append(html,
		"<p>A model <em>breaks</em> where more than half of its rounds show it: errors, "
		"connections that could not be opened, a tenth or more of the due requests never "
		"answered while others were, or less than a third of the throughput that it had "
		"with fewer connections, at half as much CPU again for each request. It is not "
		"measured beyond that.</p></details>\n");
}

/* What share of the best's throughput each contender had. */
static void put_share(struct weft_str *html, const struct lab *lab, unsigned workload,
	unsigned contender, const struct lab_verdict *verdict)
{
	const struct lab_cell *cell = weft__lab_cell(lab, workload, verdict->level, contender);
	unsigned broke = weft__lab_breaks_at(lab, workload, contender);
	double share;

	if (!weft__lab_can_compare(cell) || verdict->winner_count == 0) {
		if (broke < lab->plan.level_count && broke <= verdict->level)
			weft_str_appendf(html, "<td class=\"broken\">breaks at %u</td>",
				lab->plan.levels[broke]);
		else
			weft_str_append(html, "<td class=\"broken\">&ndash;</td>");
		return;
	}
	share = cell->requests_per_s.median /
		weft__lab_cell(lab, workload, verdict->level, verdict->winners[0])
			->requests_per_s.median *
		100;
	weft_str_appendf(
		html, "<td class=\"share\" style=\"--v:%.0f%%\">%.0f %%</td>", share, share);
}

static void put_overview(struct weft_str *html, const struct lab *lab)
{
	const struct lab_plan *plan = &lab->plan;
	struct lab_verdict verdicts[LAB_WORKLOADS_MAX] = {{.level = 0}};

	weft_str_append(html, "<section><h2>At a glance</h2>\n<div class=\"wide\"><table "
			      "class=\"glance\"><caption>"
			      "Requests a second, as a share of the best in each workload"
			      "</caption><thead><tr><th scope=\"col\">model</th>");
	for (unsigned i = 0; i < plan->workload_count; i++) {
		weft__lab_judge(lab, i, &verdicts[i]);
		weft_str_appendf(html, "<th scope=\"col\"><a href=\"#%s\">%s</a></th>",
			plan->workloads[i]->name, plan->workloads[i]->name);
	}
	weft_str_append(html, "</tr></thead><tbody>\n");
	for (unsigned i = 0; i < plan->contender_count; i++) {
		weft_str_appendf(html, "<tr><th scope=\"row\">%s</th>", plan->contenders[i].name);
		for (unsigned at = 0; at < plan->workload_count; at++)
			put_share(html, lab, at, i, &verdicts[at]);
		weft_str_append(html, "</tr>\n");
	}
	weft_str_append(html, "</tbody></table></div></section>\n");
}

/* ---- A workload ---------------------------------------------------------------------- */

static void begin_figure(struct weft_str *html, const char *title, const char *sentence)
{
	weft_str_appendf(html, "<figure><figcaption><h3>%s</h3><p>", title);
	weft__lab_html_text(html, sentence);
	weft_str_append(html, "</p></figcaption>\n");
}

static void end_figure(struct weft_str *html)
{
	weft_str_append(html, "</figure>\n");
}

static void put_charts(struct weft_str *html, const struct lab *lab, unsigned workload,
	const struct lab_verdict *verdict)
{
	char sentence[700], level[64];
	struct weft_str text;

	weft_str_init_in(&text, sentence, sizeof(sentence));
	weft_str_appendf(&text, "With %s. Longer is better; the whisker spans the rounds.",
		weft__lab_level_text(
			lab->plan.workloads[workload], lab->plan.levels[verdict->level], level));
	weft_str_append(html, "<div class=\"charts\">\n");
	begin_figure(html, "Throughput, requests a second", sentence);
	weft__lab_chart_throughput(lab, workload, html);
	end_figure(html);
	weft_str_reset(&text);
	weft__lab_say_least(lab, verdict, workload, weft__lab_cpu_of, &text);
	begin_figure(html, "CPU of the server per request", sentence);
	weft__lab_chart_cpu(lab, workload, html);
	end_figure(html);
	weft_str_reset(&text);
	weft_str_append(&text, "At p99, ");
	weft__lab_say_least(lab, verdict, workload, weft__lab_p99_of, &text);
	begin_figure(html, "Latency, open loop", sentence);
	weft__lab_chart_latency(lab, workload, html);
	end_figure(html);
	if (lab->plan.level_count > 1) {
		weft_str_reset(&text);
		weft__lab_say_where(lab, workload, &text);
		begin_figure(html, "Throughput over connections", sentence);
		weft__lab_chart_levels(lab, workload, html);
		end_figure(html);
	}
	weft_str_append(html, "</div>\n");
}

static void put_row(struct weft_str *html, const struct lab *lab, unsigned workload, unsigned level,
	unsigned contender)
{
	const struct lab_plan *plan = &lab->plan;
	const struct lab_cell *cell = weft__lab_cell(lab, workload, level, contender);
	char text[2][32];

	weft_str_appendf(html, "<tr><th scope=\"row\">%s</th><td>%u</td><td>%s</td>",
		plan->contenders[contender].name, plan->levels[level],
		weft__lab_number(cell->requests_per_s.median, text[0]));
	weft_str_appendf(html, "<td>&plusmn;%.0f %%</td>",
		weft__lab_spread_width(&cell->requests_per_s) * 50);
	cell_time(html, &cell->cpu_ns);
	for (unsigned i = 0; i < LAB_PERCENTILE_COUNT; i++)
		cell_time(html, &cell->latency_ns[i]);
	weft_str_appendf(html, "<td>%s</td><td>%s</td>",
		cell->rate.count ? weft__lab_number(cell->rate.median, text[0]) : "&ndash;",
		cell->memory.count ? weft__lab_bytes(cell->memory.median, text[1]) : "&ndash;");
	weft_str_appendf(html, "<td>%llu</td><td>%s</td></tr>\n", (unsigned long long)cell->errors,
		cell->fault == LAB_FINE ? "" : weft__lab_fault_names[cell->fault]);
}

static void put_table(struct weft_str *html, const struct lab *lab, unsigned workload)
{
	const struct lab_plan *plan = &lab->plan;

	weft_str_append(html,
		"<details><summary>All figures</summary>\n<div class=\"wide\"><table><thead><tr>"
		"<th scope=\"col\">model</th><th scope=\"col\">connections</th>"
		"<th scope=\"col\">requests/s</th><th scope=\"col\">spread</th>"
		"<th scope=\"col\">CPU/request</th><th scope=\"col\">p50</th><th "
		"scope=\"col\">p90</th><th scope=\"col\">p99</th><th scope=\"col\">p99.9</th>"
		"<th scope=\"col\">max</th><th scope=\"col\">at rate</th>"
		"<th scope=\"col\">memory/connection</th><th scope=\"col\">errors</th>"
		"<th scope=\"col\">breaks</th></tr></thead><tbody>\n");
	for (unsigned level = 0; level < plan->level_count; level++)
		for (unsigned i = 0; i < plan->contender_count; i++)
			if (weft__lab_cell(lab, workload, level, i)->visit_count > 0)
				put_row(html, lab, workload, level, i);
	weft_str_append(html, "</tbody></table></div></details>\n");
}

static void put_words(
	struct weft_str *html, const struct lab_cpus *cpus, const struct lab_words *words)
{
	weft_str_appendf(html, "taskset -c %s", cpus->text);
	for (unsigned i = 0; i < words->count; i++) {
		weft_str_append_char(html, ' ');
		weft__lab_html_text(html, words->words[i]);
	}
	weft_str_append_char(html, '\n');
}

static void put_commands(
	struct weft_str *html, const struct lab *lab, unsigned workload, unsigned level)
{
	const struct lab_plan *plan = &lab->plan;
	const struct lab_workload *what = plan->workloads[workload];
	struct lab_load load = {
		.target = what->is_http ? "http://HOST:PORT/small.txt" : "HOST:PORT",
		.level = plan->levels[level],
		.duration_ns = plan->duration_ns};
	struct lab_words words;

	weft_str_append(html, "<details><summary>The commands</summary>\n<pre>");
	if (what->is_http)
		weft_str_append(html, "mkdir DIR; head -c 1024 /dev/zero | tr '\\0' w &gt;"
				      "DIR/small.txt\n\n");
	for (unsigned i = 0; i < plan->contender_count; i++) {
		const struct lab_cell *cell = weft__lab_cell(lab, workload, level, i);

		if (cell->visit_count == 0)
			continue;
		weft_str_appendf(html, "# %s\n", plan->contenders[i].name);
		weft__lab_server_words(&words, plan, what, &plan->contenders[i], NULL);
		put_words(html, weft__lab_server_cpus(plan, what), &words);
		load.rate = 0;
		weft__lab_load_words(&words, plan, what, &load);
		put_words(html, weft__lab_load_cpus(plan, what), &words);
		load.rate = cell->rate.median;
		weft__lab_load_words(&words, plan, what, &load);
		if (cell->rate.count)
			put_words(html, weft__lab_load_cpus(plan, what), &words);
		weft_str_append_char(html, '\n');
	}
	weft_str_append(html, "</pre></details>\n");
}

static void put_breaks(struct weft_str *html, const struct lab *lab, unsigned workload)
{
	const struct lab_plan *plan = &lab->plan;
	bool is_first = true;

	for (unsigned i = 0; i < plan->contender_count; i++) {
		unsigned level = weft__lab_breaks_at(lab, workload, i);
		char sentence[400], level_text[64];
		struct weft_str text;

		if (level == plan->level_count)
			continue;
		weft_str_init_in(&text, sentence, sizeof(sentence));
		weft__lab_explain_break(lab, workload, i, &text);
		weft_str_appendf(html, "%s<li><strong>%s</strong> breaks at %s: ",
			is_first ? "<ul class=\"broke\">\n" : "", plan->contenders[i].name,
			weft__lab_level_text(
				plan->workloads[workload], plan->levels[level], level_text));
		weft__lab_html_text(html, sentence);
		weft_str_append(html, ".</li>\n");
		is_first = false;
	}
	if (!is_first)
		weft_str_append(html, "</ul>\n");
}

static void put_workload(struct weft_str *html, const struct lab *lab, unsigned workload)
{
	const struct lab_workload *what = lab->plan.workloads[workload];
	struct lab_verdict verdict;

	weft__lab_judge(lab, workload, &verdict);
	weft_str_appendf(html, "<section id=\"%s\"><h2>%s</h2>\n", what->name, what->title);
	paragraph(html, "soft", what->what);
	paragraph(html, "won", verdict.won);
	paragraph(html, "theory", verdict.theory);
	paragraph(html, "warn", verdict.noise);
	paragraph(html, "warn", verdict.limit);
	put_charts(html, lab, workload, &verdict);
	put_breaks(html, lab, workload);
	put_table(html, lab, workload);
	put_commands(html, lab, workload, verdict.level);
	weft_str_append(html, "</section>\n");
}

/* ---- Entry point --------------------------------------------------------------------- */

void weft__lab_html(const struct lab *lab, struct weft_str *html)
{
	char noise[400];
	bool is_noisy = weft__lab_judge_noise(lab, noise);

	weft_str_append(html, LAB_HTML_BEGINNING
		"<head><meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
		"<title>weft lab: concurrency models compared</title>\n<style>\n");
	weft_str_append(html, weft__lab_style);
	weft_str_append(html, "</style></head>\n<body><main>\n"
			      "<h1>One handler, every concurrency model</h1>\n");
	if (lab->is_stopped)
		paragraph(html, "warn", "Incomplete: the lab was stopped before its end.");
	paragraph(html, is_noisy ? "warn" : "soft", noise);
	put_machine(html, lab);
	put_method(html, lab);
	put_overview(html, lab);
	for (unsigned i = 0; i < lab->plan.workload_count; i++)
		put_workload(html, lab, i);
	weft_str_append(html, "</main></body></html>\n");
}
