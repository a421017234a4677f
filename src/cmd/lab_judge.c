/*
 * lab_judge.c - who won, and whether theory expects that; and whether the machine was quiet enough
 * to say so.
 *
 * Entry points: weft__lab_judge(), weft__lab_judge_noise().
 * Pure: it reads what was measured and writes sentences.
 *
 * Contenders are compared by their throughput at one level. Each has a range, from the least
 * to the most of its rounds; who overlaps the range of the best can't be told apart from it:
 *
 *	A        |---x---|
 *	B   |---x---|           A and B win; C is behind
 *	C |-x-|
 */
#include "lab.h"

#include <string.h>

/** Share of the CPUs that others may use, and width of a spread, before it is called noise. */
#define OTHERS_SHARE 0.1
#define WIDTH_SHARE  0.25

/** A load that uses so much of its CPUs may be what was slow. */
#define BUSY_SHARE 0.95

/** A server that uses so much of its own is at its limit, too. */
#define SERVER_BUSY_SHARE 0.9

/** Names listed in a sentence. */
#define NAMES_MAX 5

static const struct lab_cell *cell_at(
	const struct lab *lab, unsigned workload, unsigned level, unsigned contender)
{
	return weft__lab_cell(lab, workload, level, contender);
}

bool weft__lab_can_compare(const struct lab_cell *cell)
{
	return cell->visit_count > 0 && cell->fault == LAB_FINE && cell->requests_per_s.median > 0;
}

/* ---- The winners --------------------------------------------------------------------- */

static unsigned count_comparable(const struct lab *lab, unsigned workload, unsigned level)
{
	unsigned count = 0;

	for (unsigned i = 0; i < lab->plan.contender_count; i++)
		count += weft__lab_can_compare(cell_at(lab, workload, level, i));
	return count;
}

/* The reference; or, of a lab that was stopped or broke everybody, the next lower with more. */
static unsigned level_to_compare(const struct lab *lab, unsigned workload)
{
	unsigned level = weft__lab_reference(&lab->plan);

	while (level > 0 && count_comparable(lab, workload, level) == 0)
		level--;
	return level;
}

static void find_winners(const struct lab *lab, unsigned workload, struct lab_verdict *verdict)
{
	const struct lab_cell *best = NULL;
	unsigned level = verdict->level, first = 0;

	for (unsigned i = 0; i < lab->plan.contender_count; i++) {
		const struct lab_cell *cell = cell_at(lab, workload, level, i);

		if (weft__lab_can_compare(cell) &&
			(!best || cell->requests_per_s.median > best->requests_per_s.median)) {
			best = cell;
			first = i;
		}
	}
	if (!best)
		return;
	verdict->winners[verdict->winner_count++] = first;
	for (unsigned i = 0; i < lab->plan.contender_count; i++) {
		const struct lab_cell *cell = cell_at(lab, workload, level, i);

		if (i != first && weft__lab_can_compare(cell) &&
			cell->requests_per_s.max >= best->requests_per_s.min)
			verdict->winners[verdict->winner_count++] = i;
	}
}

static bool is_winner(const struct lab_verdict *verdict, unsigned contender)
{
	for (unsigned i = 0; i < verdict->winner_count; i++)
		if (verdict->winners[i] == contender)
			return true;
	return false;
}

/* The best of those that did not win; contender_count: nobody. */
static unsigned find_next(
	const struct lab *lab, unsigned workload, const struct lab_verdict *verdict)
{
	unsigned next = lab->plan.contender_count;

	for (unsigned i = 0; i < lab->plan.contender_count; i++) {
		const struct lab_cell *cell = cell_at(lab, workload, verdict->level, i);

		if (weft__lab_can_compare(cell) && !is_winner(verdict, i) &&
			(next == lab->plan.contender_count ||
				cell->requests_per_s.median >
					cell_at(lab, workload, verdict->level, next)
						->requests_per_s.median))
			next = i;
	}
	return next;
}

void weft__lab_names(const struct lab *lab, const unsigned *contenders, unsigned count,
	struct weft_str *ret_text)
{
	unsigned shown = count > NAMES_MAX ? NAMES_MAX : count;

	for (unsigned i = 0; i < shown; i++)
		weft_str_appendf(ret_text, "%s%s",
			i == 0                             ? ""
			: i + 1 == shown && shown == count ? " and "
							   : ", ",
			lab->plan.contenders[contenders[i]].name);
	if (shown < count)
		weft_str_appendf(ret_text, " and %u more", count - shown);
}

static void say_winner(const struct lab *lab, unsigned workload, struct lab_verdict *verdict)
{
	const struct lab_plan *plan = &lab->plan;
	struct weft_str text;
	const struct lab_cell *best;
	unsigned next;
	char number[32], level[64];

	weft_str_init_in(&text, verdict->won, sizeof(verdict->won));
	if (verdict->winner_count == 0) {
		weft_str_append(&text, "Nobody can be compared here: nothing was measured to its "
				       "end, or all broke.");
		return;
	}
	best = cell_at(lab, workload, verdict->level, verdict->winners[0]);
	weft__lab_number(best->requests_per_s.median, number);
	if (verdict->winner_count == 1)
		weft_str_appendf(&text, "%s wins", plan->contenders[verdict->winners[0]].name);
	else {
		weft_str_append(&text, "No clear winner: ");
		weft__lab_names(lab, verdict->winners, verdict->winner_count, &text);
		weft_str_append(&text, " are within each other's spread");
	}
	weft_str_appendf(&text, ": %s%s requests/s with %s",
		verdict->winner_count > 1 ? "at best " : "", number,
		weft__lab_level_text(
			plan->workloads[workload], plan->levels[verdict->level], level));
	next = find_next(lab, workload, verdict);
	if (next < plan->contender_count)
		weft_str_appendf(&text, ", %.2f times what the next one, %s, does",
			best->requests_per_s.median /
				cell_at(lab, workload, verdict->level, next)->requests_per_s.median,
			plan->contenders[next].name);
	weft_str_append_char(&text, '.');
}

/* ---- Theory -------------------------------------------------------------------------- */

static bool is_expected(const struct lab_workload *workload, const struct lab_contender *contender)
{
	for (unsigned i = 0; workload->expected[i]; i++)
		if (strcmp(workload->expected[i], contender->name) == 0 ||
			strcmp(workload->expected[i], contender->model) == 0)
			return true;
	return false;
}

/* Those that theory expects to win and that took part. */
static unsigned find_expected(const struct lab *lab, const struct lab_workload *workload,
	unsigned ret_contenders[static LAB_CONTENDERS_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < lab->plan.contender_count; i++)
		if (is_expected(workload, &lab->plan.contenders[i]))
			ret_contenders[count++] = i;
	return count;
}

/* Reasons in the way it was measured why theory may not show. */
static void say_why_not(const struct lab *lab, unsigned workload, const struct lab_verdict *verdict,
	struct weft_str *text)
{
	const struct lab_workload *what = lab->plan.workloads[workload];
	const struct lab_cell *best = cell_at(lab, workload, verdict->level, verdict->winners[0]);

	if (lab->plan.levels[verdict->level] == 1 && what->crowd == LAB_NO_CROWD)
		weft_str_append(text, " With a single connection nothing happens at the same "
				      "time, and the simplest model has the least to do.");
	else if (weft__lab_server_cpus(&lab->plan, what)->count == 1)
		weft_str_append(
			text, " The server had one CPU here; on more of them it may differ.");
	if (best->requests_per_s.count < 3)
		weft_str_append(text, " With fewer than three rounds this is an anecdote.");
}

static void say_theory(const struct lab *lab, unsigned workload, struct lab_verdict *verdict)
{
	const struct lab_workload *what = lab->plan.workloads[workload];
	unsigned expected[LAB_CONTENDERS_MAX];
	unsigned count = find_expected(lab, what, expected);
	struct weft_str text;

	weft_str_init_in(&text, verdict->theory, sizeof(verdict->theory));
	if (verdict->winner_count == 0)
		return;
	if (count == 0 || count == lab->plan.contender_count) {
		weft_str_appendf(&text,
			"Theory tells nothing about who of these is best; in "
			"general: %s.",
			what->why);
		return;
	}
	if (verdict->winner_count > 1 &&
		verdict->winner_count == count_comparable(lab, workload, verdict->level)) {
		weft_str_append(&text, "So no difference shows here, where theory expects ");
		weft__lab_names(lab, expected, count, &text);
		weft_str_appendf(&text, " to win: %s.", what->why);
		return;
	}
	for (unsigned i = 0; i < verdict->winner_count; i++)
		verdict->is_expected |=
			is_expected(what, &lab->plan.contenders[verdict->winners[i]]);
	if (verdict->is_expected) {
		weft_str_appendf(&text, "%s: %s.",
			verdict->winner_count == 1
				? "That is what theory expects"
				: "Theory expects this, as far as it can be told",
			what->why);
		return;
	}
	weft_str_append(&text, "That is not what theory expects, which is ");
	weft__lab_names(lab, expected, count, &text);
	weft_str_appendf(&text, ": %s.", what->why);
	say_why_not(lab, workload, verdict, &text);
}

/* ---- Noise --------------------------------------------------------------------------- */

static void say_noise(const struct lab *lab, unsigned workload, struct lab_verdict *verdict)
{
	double widest = 0;
	unsigned who = 0;
	struct weft_str text;

	for (unsigned i = 0; i < verdict->winner_count; i++) {
		const struct lab_cell *cell =
			cell_at(lab, workload, verdict->level, verdict->winners[i]);
		double width = weft__lab_spread_width(&cell->requests_per_s);

		if (widest < width) {
			widest = width;
			who = verdict->winners[i];
		}
	}
	weft_str_init_in(&text, verdict->noise, sizeof(verdict->noise));
	verdict->is_noisy = widest > WIDTH_SHARE;
	if (verdict->is_noisy)
		weft_str_appendf(&text,
			"Noisy: the rounds of %s lie %.0f %% apart. A smaller difference than that "
			"means nothing here.",
			lab->plan.contenders[who].name, widest * 100);
}

/* Share of its CPUs that the server used, in the closed loop. */
static double server_share(const struct lab *lab, unsigned workload, const struct lab_cell *cell)
{
	unsigned cpus = weft__lab_server_cpus(&lab->plan, lab->plan.workloads[workload])->count;

	return cell->cpu_ns.median * cell->requests_per_s.median / 1e9 / (cpus ? cpus : 1);
}

/* Winners that could have done more, had they been asked. */
static void say_limit(const struct lab *lab, unsigned workload, struct lab_verdict *verdict)
{
	unsigned limited[LAB_CONTENDERS_MAX], count = 0;
	struct weft_str text;

	for (unsigned i = 0; i < verdict->winner_count; i++) {
		const struct lab_cell *cell =
			cell_at(lab, workload, verdict->level, verdict->winners[i]);

		if (cell->load_busy >= BUSY_SHARE &&
			server_share(lab, workload, cell) < SERVER_BUSY_SHARE)
			limited[count++] = verdict->winners[i];
	}
	if (count == 0)
		return;
	weft_str_init_in(&text, verdict->limit, sizeof(verdict->limit));
	weft__lab_names(lab, limited, count, &text);
	weft_str_append(&text, " could do more than this: the load was at the limit of its CPUs, "
			       "and the server was not. The CPU per request tells by how much.");
}

void weft__lab_judge(const struct lab *lab, unsigned workload, struct lab_verdict *verdict)
{
	memset(verdict, 0, sizeof(*verdict));
	verdict->level = level_to_compare(lab, workload);
	find_winners(lab, workload, verdict);
	say_winner(lab, workload, verdict);
	say_theory(lab, workload, verdict);
	weft__lab_say_breaks(lab, workload, verdict->broke, sizeof(verdict->broke));
	say_noise(lab, workload, verdict);
	say_limit(lab, workload, verdict);
}

/* The median width of all cells that are compared. */
static double usual_width(const struct lab *lab)
{
	double widths[LAB_WORKLOADS_MAX * LAB_CONTENDERS_MAX];
	unsigned count = 0;

	for (unsigned workload = 0; workload < lab->plan.workload_count; workload++) {
		unsigned level = level_to_compare(lab, workload);

		for (unsigned i = 0; i < lab->plan.contender_count; i++) {
			const struct lab_cell *cell = cell_at(lab, workload, level, i);

			if (weft__lab_can_compare(cell) && cell->requests_per_s.count > 1)
				widths[count++] = weft__lab_spread_width(&cell->requests_per_s);
		}
	}
	return weft__lab_spread_of(widths, count).median;
}

bool weft__lab_judge_noise(const struct lab *lab, char text[static 400])
{
	double width = usual_width(lab);
	bool is_busy = lab->others_share > OTHERS_SHARE, is_wide = width > WIDTH_SHARE;
	struct weft_str str;

	weft_str_init_in(&str, text, 400);
	if (is_busy || is_wide)
		weft_str_append(&str, "This machine was too noisy to conclude: ");
	else
		weft_str_append(&str, "The machine was quiet enough: ");
	if (lab->others_share >= 0)
		weft_str_appendf(&str, "other programs used %.0f %% of its CPUs meanwhile, and ",
			lab->others_share * 100);
	if (lab->plan.rounds > 1)
		weft_str_appendf(
			&str, "the rounds of a contender usually lie %.0f %% apart.", width * 100);
	else
		weft_str_append(&str, "one round shows no spread: use --rounds 3 or more.");
	if (is_busy || is_wide)
		weft_str_append(&str, " Close other programs, choose a longer --duration and more "
				      "--rounds, and measure again.");
	return is_busy || is_wide;
}
