/*
 * lab_chart.c - the report's drawings, as SVG.
 *
 * Entry points: weft__lab_chart_throughput(), _cpu(), _latency(), _levels().
 *
 * Coordinates along the width are shares of it ("42.1%"), heights are pixels: a drawing has
 * any width that the screen gives it, and its text always the same size.
 *
 *	fiber:epoll			      52,300/s
 *	|##################################|--|		a row: names above, the bar below
 */
#include "lab.h"

#include <math.h>
#include <string.h>

/** Pixels. */
#define ROW_HEIGHT    40
#define BAR_TOP       18
#define BAR_HEIGHT    13
#define BAR_MIDDLE    (BAR_TOP + BAR_HEIGHT / 2.0)
#define LEVELS_HEIGHT 280
#define AXIS_HEIGHT   26

/* ---- Text ---------------------------------------------------------------------------- */

void weft__lab_html_text(struct weft_str *html, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			weft_str_append(html, "&lt;");
			break;
		case '>':
			weft_str_append(html, "&gt;");
			break;
		case '&':
			weft_str_append(html, "&amp;");
			break;
		case '"':
			weft_str_append(html, "&quot;");
			break;
		default:
			weft_str_append_char(
				html, (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
		}
	}
}

static void begin_svg(struct weft_str *html, const char *title, const char *description,
	unsigned height, const char *class)
{
	weft_str_appendf(
		html, "<div class=\"%s\"><svg height=\"%u\" role=\"img\"><title>", class, height);
	weft__lab_html_text(html, title);
	weft_str_append(html, "</title><desc>");
	weft__lab_html_text(html, description);
	weft_str_append(html, "</desc>\n");
}

static void end_svg(struct weft_str *html)
{
	weft_str_append(html, "</svg></div>\n");
}

/* ---- Bars ---------------------------------------------------------------------------- */

struct bars {
	const struct lab *lab;
	unsigned workload, level;
	const struct lab_spread *(*measure)(const struct lab_cell *cell);
	const char *(*print)(double number, char text[static 32]);
	bool is_more_better;
	unsigned order[LAB_CONTENDERS_MAX]; /* the best first, those that broke last */
	double greatest;
};

static const struct lab_spread *throughput_of(const struct lab_cell *cell)
{
	return &cell->requests_per_s;
}

static const struct lab_cell *bar_cell(const struct bars *bars, unsigned contender)
{
	return weft__lab_cell(bars->lab, bars->workload, bars->level, contender);
}

/* By which bars are sorted: the less, the higher up. */
static double rank_of(const struct bars *bars, unsigned contender)
{
	const struct lab_cell *cell = bar_cell(bars, contender);
	const struct lab_spread *spread = bars->measure(cell);

	if (!weft__lab_can_compare(cell) || spread->count == 0)
		return HUGE_VAL;
	return bars->is_more_better ? -spread->median : spread->median;
}

static void order_bars(struct bars *bars)
{
	unsigned count = bars->lab->plan.contender_count;

	for (unsigned i = 0; i < count; i++) {
		unsigned at = i;
		const struct lab_spread *spread = bars->measure(bar_cell(bars, i));

		for (; at > 0 && rank_of(bars, bars->order[at - 1]) > rank_of(bars, i); at--)
			bars->order[at] = bars->order[at - 1];
		bars->order[at] = i;
		if (rank_of(bars, i) < HUGE_VAL && bars->greatest < spread->max)
			bars->greatest = spread->max;
	}
}

static double bar_x(const struct bars *bars, double number)
{
	return bars->greatest > 0 ? number / bars->greatest * 100 : 0;
}

static void draw_whisker(
	struct weft_str *html, const struct bars *bars, const struct lab_spread *spread, double y)
{
	double from = bar_x(bars, spread->min), to = bar_x(bars, spread->max);

	if (spread->count < 2)
		return;
	weft_str_appendf(html,
		"<line class=\"whisker\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%.1f\" y2=\"%.1f\"/>",
		from, to, y, y);
	for (unsigned end = 0; end < 2; end++)
		weft_str_appendf(html,
			"<line class=\"whisker\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%.1f\" "
			"y2=\"%.1f\"/>",
			end ? to : from, end ? to : from, y - 4, y + 4);
}

/* Why there is no bar. */
static void draw_nothing(struct weft_str *html, const struct bars *bars, unsigned contender, int y)
{
	const struct lab_plan *plan = &bars->lab->plan;
	unsigned broke = weft__lab_breaks_at(bars->lab, bars->workload, contender);

	weft_str_appendf(html, "<text class=\"soft\" x=\"100%%\" y=\"%d\" text-anchor=\"end\">", y);
	if (broke < plan->level_count && broke <= bars->level)
		weft_str_appendf(html, "breaks at %u: %s", plan->levels[broke],
			weft__lab_fault_names[weft__lab_cell(
				bars->lab, bars->workload, broke, contender)
						      ->fault]);
	else
		weft_str_append(html, "not measured");
	weft_str_append(html, "</text>");
}

static void draw_bar(struct weft_str *html, const struct bars *bars, unsigned contender, int top)
{
	const struct lab_contender *who = &bars->lab->plan.contenders[contender];
	const struct lab_spread *spread = bars->measure(bar_cell(bars, contender));
	char text[32];

	weft_str_appendf(html, "<g class=\"%s\"><text x=\"0\" y=\"%d\">%s</text>", who->model,
		top + 12, who->name);
	weft_str_appendf(html,
		"<rect class=\"track\" x=\"0\" y=\"%d\" width=\"100%%\" height=\"%d\" rx=\"2\"/>",
		top + BAR_TOP, BAR_HEIGHT);
	if (rank_of(bars, contender) == HUGE_VAL) {
		draw_nothing(html, bars, contender, top + 12);
	} else {
		weft_str_appendf(html, "<text x=\"100%%\" y=\"%d\" text-anchor=\"end\">%s</text>",
			top + 12, bars->print(spread->median, text));
		weft_str_appendf(html,
			"<rect class=\"fill\" x=\"0\" y=\"%d\" width=\"%.2f%%\" height=\"%d\" "
			"rx=\"2\"/>",
			top + BAR_TOP, bar_x(bars, spread->median), BAR_HEIGHT);
		draw_whisker(html, bars, spread, top + BAR_MIDDLE);
	}
	weft_str_append(html, "</g>\n");
}

static void draw_bars(struct weft_str *html, struct bars *bars, const char *title)
{
	unsigned count = bars->lab->plan.contender_count;

	order_bars(bars);
	begin_svg(html, title,
		"A bar for each model: the median of the rounds; the whisker spans the least and "
		"the most of them. The figures are in the table below.",
		count * ROW_HEIGHT, "bars");
	for (unsigned i = 0; i < count; i++)
		draw_bar(html, bars, bars->order[i], (int)(i * ROW_HEIGHT));
	end_svg(html);
}

static const char *rate_text(double number, char text[static 32])
{
	size_t len;

	weft__lab_number(number, text);
	len = strlen(text);
	snprintf(text + len, 32 - len, "/s");
	return text;
}

static unsigned level_of(const struct lab *lab, unsigned workload)
{
	struct lab_verdict verdict;

	weft__lab_judge(lab, workload, &verdict);
	return verdict.level;
}

void weft__lab_chart_throughput(const struct lab *lab, unsigned workload, struct weft_str *html)
{
	struct bars bars = {.lab = lab,
		.workload = workload,
		.level = level_of(lab, workload),
		.measure = throughput_of,
		.print = rate_text,
		.is_more_better = true};

	draw_bars(html, &bars, "Requests a second of each model");
}

void weft__lab_chart_cpu(const struct lab *lab, unsigned workload, struct weft_str *html)
{
	struct bars bars = {.lab = lab,
		.workload = workload,
		.level = level_of(lab, workload),
		.measure = weft__lab_cpu_of,
		.print = weft__lab_time_text};

	draw_bars(html, &bars, "CPU of the server for a request, of each model");
}

/* ---- Logarithmic axes ---------------------------------------------------------------- */

/* From one power of ten to another. */
struct axis {
	double from, to;
};

static void axis_take(struct axis *axis, double number)
{
	if (number <= 0)
		return;
	if (axis->from == 0 || number < axis->from)
		axis->from = number;
	if (number > axis->to)
		axis->to = number;
}

static void axis_round(struct axis *axis)
{
	if (axis->from == 0)
		axis->from = axis->to = 1;
	axis->from = pow(10, floor(log10(axis->from)));
	axis->to = pow(10, ceil(log10(axis->to)));
	if (axis->to <= axis->from)
		axis->to = axis->from * 10;
}

/* From 0 to 100. */
static double axis_share(const struct axis *axis, double number)
{
	return (log10(number) - log10(axis->from)) / (log10(axis->to) - log10(axis->from)) * 100;
}

/* A power of ten, as short as it gets: "10 ms" with the names of time, "10k" with others. */
static const char *decade_text(long power, const char *const *units, char text[static 32])
{
	static const char *const digits[] = {"1", "10", "100"};
	long unit = power / 3 > 3 ? 3 : power / 3;

	if (power < 0 || power > 11)
		snprintf(text, 32, "%g", pow(10, (double)power));
	else
		snprintf(text, 32, "%s%s", digits[power % 3], units[unit]);
	return text;
}

/* ---- Latency ------------------------------------------------------------------------- */

static void latency_axis(struct axis *axis, const struct bars *bars)
{
	for (unsigned i = 0; i < bars->lab->plan.contender_count; i++) {
		const struct lab_cell *cell = bar_cell(bars, i);

		if (!weft__lab_can_compare(cell))
			continue;
		for (unsigned at = 0; at < LAB_WORST; at++)
			if (cell->latency_ns[at].count)
				axis_take(axis, cell->latency_ns[at].median);
	}
	axis_round(axis);
}

static void draw_decades(struct weft_str *html, const struct axis *axis, int height)
{
	static const char *const units[] = {" ns", " \302\265s", " ms", " s"};
	char text[32];

	for (long power = lround(log10(axis->from)); power <= lround(log10(axis->to)); power++) {
		double at = pow(10, (double)power), x = axis_share(axis, at);

		weft_str_appendf(html,
			"<line class=\"grid\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"0\" y2=\"%d\"/>"
			"<text class=\"soft\" x=\"%.2f%%\" y=\"%d\" "
			"text-anchor=\"middle\">%s</text>",
			x, x, height, x, height + 18, decade_text(power, units, text));
	}
}

/* The mark of a percentile; each has another shape. */
static void draw_mark(struct weft_str *html, unsigned percentile, double x, double y)
{
	switch (percentile) {
	case LAB_P50:
		weft_str_appendf(html,
			"<circle class=\"fill mark\" cx=\"%.2f%%\" cy=\"%.1f\" r=\"6.5\"/>", x, y);
		break;
	case LAB_P90:
		weft_str_appendf(html,
			"<circle class=\"fill mark\" cx=\"%.2f%%\" cy=\"%.1f\" r=\"4.5\"/>", x, y);
		break;
	case LAB_P99:
		weft_str_appendf(html,
			"<rect class=\"fill mark\" x=\"%.2f%%\" y=\"%.1f\" width=\"10\" "
			"height=\"10\" "
			"transform=\"translate(-5 -5)\"/>",
			x, y);
		break;
	default:
		weft_str_appendf(html,
			"<circle class=\"hollow\" cx=\"%.2f%%\" cy=\"%.1f\" r=\"4.5\"/>", x, y);
	}
}

static void draw_dots(
	struct weft_str *html, const struct axis *axis, const struct lab_cell *cell, double y)
{
	unsigned last = LAB_P50;

	for (unsigned i = 0; i < LAB_WORST; i++)
		if (cell->latency_ns[i].count && cell->latency_ns[i].median > 0)
			last = i;
	if (cell->latency_ns[LAB_P50].median > 0)
		weft_str_appendf(html,
			"<line class=\"line stroke\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%.1f\" "
			"y2=\"%.1f\"/>",
			axis_share(axis, cell->latency_ns[LAB_P50].median),
			axis_share(axis, cell->latency_ns[last].median), y, y);
	for (unsigned i = 0; i < LAB_WORST; i++)
		if (cell->latency_ns[i].count && cell->latency_ns[i].median > 0)
			draw_mark(html, i, axis_share(axis, cell->latency_ns[i].median), y);
}

static void draw_latency_row(struct weft_str *html, const struct bars *bars,
	const struct axis *axis, unsigned contender, int top)
{
	const struct lab_cell *cell = bar_cell(bars, contender);
	const struct lab_contender *who = &bars->lab->plan.contenders[contender];
	char text[2][32];

	weft_str_appendf(html, "<g class=\"%s\"><text x=\"0\" y=\"%d\">%s</text>", who->model,
		top + 12, who->name);
	if (rank_of(bars, contender) == HUGE_VAL) {
		draw_nothing(html, bars, contender, top + 12);
	} else {
		weft_str_appendf(html,
			"<text class=\"soft\" x=\"100%%\" y=\"%d\" text-anchor=\"end\">p50 %s, p99 "
			"%s</text>",
			top + 12, weft__lab_time_text(cell->latency_ns[LAB_P50].median, text[0]),
			weft__lab_time_text(cell->latency_ns[LAB_P99].median, text[1]));
		draw_dots(html, axis, cell, top + BAR_MIDDLE);
	}
	weft_str_append(html, "</g>\n");
}

static void latency_legend(struct weft_str *html)
{
	static const char *const labels[] = {"p50", "p90", "p99", "p99.9"};

	weft_str_append(html, "<ul class=\"legend loop\">");
	for (unsigned i = 0; i < LAB_WORST; i++) {
		weft_str_append(html, "<li><svg width=\"28\" height=\"14\" aria-hidden=\"true\">");
		draw_mark(html, i, 50, 7);
		weft_str_appendf(html, "</svg>%s</li>", labels[i]);
	}
	weft_str_append(html, "</ul>\n");
}

void weft__lab_chart_latency(const struct lab *lab, unsigned workload, struct weft_str *html)
{
	struct bars bars = {.lab = lab,
		.workload = workload,
		.level = level_of(lab, workload),
		.measure = weft__lab_p99_of};
	struct axis axis = {.from = 0};
	int height = (int)(lab->plan.contender_count * ROW_HEIGHT);

	order_bars(&bars);
	latency_axis(&axis, &bars);
	begin_svg(html, "Latency of each model",
		"For each model its 50th, 90th, 99th and 99.9th percentile on a logarithmic axis; "
		"further left is better. The figures are in the table below.",
		(unsigned)height + AXIS_HEIGHT, "axis");
	draw_decades(html, &axis, height);
	for (unsigned i = 0; i < lab->plan.contender_count; i++)
		draw_latency_row(html, &bars, &axis, bars.order[i], (int)(i * ROW_HEIGHT));
	end_svg(html);
	latency_legend(html);
}

/* ---- Over the levels ----------------------------------------------------------------- */

struct plot {
	const struct lab *lab;
	unsigned workload;
	struct axis y;
};

/* Levels are evenly spaced: they are chosen in steps that are. */
static double level_x(const struct plot *plot, double level)
{
	struct axis axis = {
		plot->lab->plan.levels[0], plot->lab->plan.levels[plot->lab->plan.level_count - 1]};

	return axis.to > axis.from ? axis_share(&axis, level) : 50;
}

static double rate_y(const struct plot *plot, double rate)
{
	return LEVELS_HEIGHT * (1 - axis_share(&plot->y, rate) / 100);
}

/* Which of the dashes: the first driver's line is whole, as is each other model's. */
static unsigned dash_of(const struct lab *lab, unsigned contender)
{
	unsigned dash = 0;

	for (unsigned i = 0; i < contender; i++)
		dash += strcmp(lab->plan.contenders[i].model,
				lab->plan.contenders[contender].model) == 0;
	return dash > 4 ? 4 : dash;
}

static void draw_grid(struct weft_str *html, const struct plot *plot)
{
	static const char *const units[] = {"", "k", "M", "G"};
	const struct lab_plan *plan = &plot->lab->plan;
	char text[32];

	for (long power = lround(log10(plot->y.from)); power <= lround(log10(plot->y.to));
		power++) {
		double at = pow(10, (double)power), y = rate_y(plot, at);

		weft_str_appendf(html,
			"<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/><text "
			"class=\"soft\" x=\"-8\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
			y, y, y + 4, decade_text(power, units, text));
	}
	for (unsigned i = 0; i < plan->level_count; i++)
		weft_str_appendf(html,
			"<text class=\"soft\" x=\"%.2f%%\" y=\"%d\" "
			"text-anchor=\"middle\">%u</text>",
			level_x(plot, plan->levels[i]), LEVELS_HEIGHT + 18, plan->levels[i]);
}

static void draw_cross(struct weft_str *html, double x, double y)
{
	/* A line's ends can't be a share and pixels at once: it is moved instead. */
	weft_str_appendf(html,
		"<svg class=\"cross\" x=\"%.2f%%\" y=\"%.1f\" width=\"1\" height=\"1\">"
		"<path class=\"stroke\" d=\"M-5-5L5 5M-5 5L5-5\"/></svg>",
		x, y);
}

static void draw_line(struct weft_str *html, const struct plot *plot, unsigned contender)
{
	const struct lab_plan *plan = &plot->lab->plan;
	unsigned dash = dash_of(plot->lab, contender);
	double last_x = 0, last_y = 0;
	bool has_last = false;

	weft_str_appendf(html, "<g class=\"%s\">", plan->contenders[contender].model);
	for (unsigned level = 0; level < plan->level_count; level++) {
		const struct lab_cell *cell =
			weft__lab_cell(plot->lab, plot->workload, level, contender);
		double rate = cell->requests_per_s.median;
		double x = level_x(plot, plan->levels[level]);
		double y = rate > 0 ? rate_y(plot, rate) : LEVELS_HEIGHT;

		if (cell->visit_count == 0)
			continue;
		if (has_last)
			weft_str_appendf(html,
				"<line class=\"line stroke dash%u\" x1=\"%.2f%%\" y1=\"%.1f\" "
				"x2=\"%.2f%%\" y2=\"%.1f\"/>",
				dash, last_x, last_y, x, y);
		if (cell->fault == LAB_FINE)
			weft_str_appendf(html,
				"<circle class=\"fill mark\" cx=\"%.2f%%\" cy=\"%.1f\" "
				"r=\"4\"/>",
				x, y);
		else
			draw_cross(html, x, y);
		last_x = x;
		last_y = y;
		has_last = true;
	}
	weft_str_append(html, "</g>\n");
}

static void levels_legend(struct weft_str *html, const struct lab *lab)
{
	weft_str_append(html, "<ul class=\"legend\">");
	for (unsigned i = 0; i < lab->plan.contender_count; i++)
		weft_str_appendf(html,
			"<li class=\"%s\"><svg aria-hidden=\"true\"><line class=\"line stroke "
			"dash%u\" x1=\"0\" x2=\"28\" y1=\"5\" y2=\"5\"/></svg>%s</li>",
			lab->plan.contenders[i].model, dash_of(lab, i),
			lab->plan.contenders[i].name);
	weft_str_append(html, "<li><svg aria-hidden=\"true\" class=\"loop\"><path class=\"cross "
			      "stroke\" d=\"M9 0L19 10M9 10L19 0\"/></svg>breaks</li></ul>\n");
}

void weft__lab_chart_levels(const struct lab *lab, unsigned workload, struct weft_str *html)
{
	const struct lab_plan *plan = &lab->plan;
	struct plot plot = {.lab = lab, .workload = workload};

	for (unsigned level = 0; level < plan->level_count; level++)
		for (unsigned i = 0; i < plan->contender_count; i++)
			axis_take(&plot.y,
				weft__lab_cell(lab, workload, level, i)->requests_per_s.median);
	axis_round(&plot.y);
	begin_svg(html, "Requests a second over the number of connections",
		"A line for each model, both axes logarithmic. A cross marks where a model breaks. "
		"The figures are in the table below.",
		LEVELS_HEIGHT + AXIS_HEIGHT, "axes");
	draw_grid(html, &plot);
	for (unsigned i = plan->contender_count; i > 0; i--)
		draw_line(html, &plot, i - 1);
	end_svg(html);
	levels_legend(html, lab);
}
