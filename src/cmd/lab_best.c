/*
 * lab_best.c - who needs the least CPU, memory or time, in a sentence.
 *
 * Entry point: weft__lab_say_least(). Pure.
 */
#include "lab.h"

const struct lab_spread *weft__lab_cpu_of(const struct lab_cell *cell)
{
	return &cell->cpu_ns;
}

const struct lab_spread *weft__lab_p99_of(const struct lab_cell *cell)
{
	return &cell->latency_ns[LAB_P99];
}

const struct lab_spread *weft__lab_memory_of(const struct lab_cell *cell)
{
	return &cell->memory;
}

struct ranking {
	const struct lab *lab;
	unsigned workload, level;
	weft__lab_measure_fn *measure;
};

/* What a contender needs, or NULL when it can't be compared. */
static const struct lab_spread *spread_at(const struct ranking *ranking, unsigned contender)
{
	const struct lab_cell *cell =
		weft__lab_cell(ranking->lab, ranking->workload, ranking->level, contender);
	const struct lab_spread *spread = ranking->measure(cell);

	return weft__lab_can_compare(cell) && spread->count > 0 ? spread : NULL;
}

/* Those whose range overlaps that of the least; it is the first. */
static unsigned find_least(
	const struct ranking *ranking, unsigned ret_contenders[static LAB_CONTENDERS_MAX])
{
	const struct lab_spread *least = NULL, *spread;
	unsigned all = ranking->lab->plan.contender_count, count = 0;

	for (unsigned i = 0; i < all; i++) {
		spread = spread_at(ranking, i);
		if (spread && (!least || spread->median < least->median)) {
			least = spread;
			ret_contenders[0] = i;
			count = 1;
		}
	}
	for (unsigned i = 0; count > 0 && i < all; i++) {
		spread = spread_at(ranking, i);
		if (spread && i != ret_contenders[0] && spread->min <= least->max)
			ret_contenders[count++] = i;
	}
	return count;
}

static unsigned find_most(const struct ranking *ranking)
{
	unsigned all = ranking->lab->plan.contender_count, most = all;

	for (unsigned i = 0; i < all; i++) {
		const struct lab_spread *spread = spread_at(ranking, i);

		if (spread && (most == all || spread->median > spread_at(ranking, most)->median))
			most = i;
	}
	return most;
}

void weft__lab_say_least(const struct lab *lab, const struct lab_verdict *verdict,
	unsigned workload, weft__lab_measure_fn *measure, struct weft_str *ret_text)
{
	struct ranking ranking = {
		.lab = lab, .workload = workload, .level = verdict->level, .measure = measure};
	unsigned least[LAB_CONTENDERS_MAX], count = find_least(&ranking, least), most;
	const struct lab_spread *best, *worst;
	char text[2][32];
	bool is_memory = measure == weft__lab_memory_of;

	if (count == 0) {
		weft_str_append(ret_text, "Nothing can be compared here.");
		return;
	}
	most = find_most(&ranking);
	best = spread_at(&ranking, least[0]);
	worst = spread_at(&ranking, most);
	weft__lab_names(lab, least, count, ret_text);
	weft_str_appendf(ret_text, " %s least, %s",
		count == 1 ? "needs" : "can't be told apart and need",
		is_memory ? weft__lab_bytes(best->median, text[0])
			  : weft__lab_time_text(best->median, text[0]));
	if (most != least[0] && best->median > 0)
		weft_str_appendf(ret_text, "; %s needs most, %s, %.1f times that",
			lab->plan.contenders[most].name,
			is_memory ? weft__lab_bytes(worst->median, text[1])
				  : weft__lab_time_text(worst->median, text[1]),
			worst->median / best->median);
	weft_str_append_char(ret_text, '.');
}
