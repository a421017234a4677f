/* test_lab_judge.c - src/cmd/lab.h: who won, what broke, what theory says, what is noise. */
#include "cmd/lab.h"

#include <stdarg.h>

#include "check.h"

/* What the plan complains to; the command's own is in its main.c. */
static char complaint[256];

__attribute__((format(printf, 2, 0))) static int complain(
	int status, const char *format, va_list args)
{
	vsnprintf(complaint, sizeof(complaint), format, args);
	return status;
}

int weft__cmd_usage(const char *name, const char *format, ...)
{
	va_list args;
	int status;

	(void)name;
	va_start(args, format);
	status = complain(CMD_USAGE, format, args);
	va_end(args);
	return status;
}

int weft__cmd_fail(const char *name, const char *format, ...)
{
	va_list args;
	int status;

	(void)name;
	va_start(args, format);
	status = complain(CMD_FAILED, format, args);
	va_end(args);
	return status;
}

/* A lab that has run: these workloads, models and levels, and no figures yet. */
static struct lab *new_lab(const char *workloads, const char *models, const char *levels)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	CHECK(lab);
	lab->cells = calloc((size_t)LAB_WORKLOADS_MAX * LAB_LEVELS_MAX * LAB_CONTENDERS_MAX,
		sizeof(*lab->cells));
	CHECK(lab->cells);
	lab->plan.rounds = 3;
	lab->plan.size = 64;
	CHECK_INT(weft__lab_plan_workloads(&lab->plan, workloads), ==, 0);
	CHECK_INT(weft__lab_plan_models(&lab->plan, models), ==, 0);
	CHECK_INT(weft__lab_plan_levels(&lab->plan, levels), ==, 0);
	CHECK_INT(weft__lab_plan_cpus(&lab->plan, NULL, NULL), ==, 0);
	return lab;
}

static void free_lab(struct lab *lab)
{
	free(lab->cells);
	free(lab);
}

/* A visit of a cell of the first workload. */
static struct lab_figures *visit(
	struct lab *lab, unsigned level, unsigned contender, double requests_per_s)
{
	struct lab_cell *cell = weft__lab_cell(lab, 0, level, contender);
	struct lab_figures *figures = &cell->visits[cell->visit_count++];

	*figures = (struct lab_figures){
		.requests_per_s = requests_per_s, .cpu_ns = 5000, .memory = 4096, .rate = 100};
	for (unsigned i = 0; i < LAB_PERCENTILE_COUNT; i++)
		figures->latency_ns[i] = 1000 * (i + 1);
	return figures;
}

static void visit_thrice(struct lab *lab, unsigned level, unsigned contender, double requests_per_s)
{
	visit(lab, level, contender, requests_per_s * 0.99);
	visit(lab, level, contender, requests_per_s);
	visit(lab, level, contender, requests_per_s * 1.01);
}

static void break_thrice(struct lab *lab, unsigned level, unsigned contender, enum lab_fault fault)
{
	for (unsigned i = 0; i < 3; i++)
		visit(lab, level, contender, 10)->fault = fault;
}

static struct lab_verdict judge(struct lab *lab)
{
	struct lab_verdict verdict;

	weft__lab_sum_up(lab);
	weft__lab_judge(lab, 0, &verdict);
	return verdict;
}

/* ---- Spreads ------------------------------------------------------------------------- */

CHECK_CASE(a_spread_is_the_median_the_least_and_the_most)
{
	double numbers[] = {5, 1, 9, 3};
	struct lab_spread odd = weft__lab_spread_of(numbers, 3), even, none;

	CHECK(odd.median == 5 && odd.min == 1 && odd.max == 9 && odd.count == 3);
	even = weft__lab_spread_of(numbers, 4);
	CHECK(even.median == 4 && even.min == 1 && even.max == 9);
	CHECK(weft__lab_spread_width(&even) == 2);
	none = weft__lab_spread_of(numbers, 0);
	CHECK(none.count == 0 && weft__lab_spread_width(&none) == 0);
}

CHECK_CASE(what_was_not_counted_is_no_part_of_a_median)
{
	struct lab *lab = new_lab("echo", "thread", "8");

	visit(lab, 0, 0, 100)->memory = -1;
	visit(lab, 0, 0, 100)->memory = 7;
	weft__lab_sum_up(lab);
	CHECK(weft__lab_cell(lab, 0, 0, 0)->memory.count == 1);
	CHECK(weft__lab_cell(lab, 0, 0, 0)->memory.median == 7);
	free_lab(lab);
}

CHECK_CASE(a_percentile_that_a_round_lacks_is_not_told)
{
	struct lab *lab = new_lab("echo", "thread", "8");

	visit(lab, 0, 0, 100);
	visit(lab, 0, 0, 100)->latency_ns[LAB_P999] = -1;
	weft__lab_sum_up(lab);
	CHECK(weft__lab_cell(lab, 0, 0, 0)->latency_ns[LAB_P999].count == 0);
	CHECK(weft__lab_cell(lab, 0, 0, 0)->latency_ns[LAB_P99].count == 2);
	free_lab(lab);
}

/* ---- Winners ---------------------------------------------------------------------------- */

CHECK_CASE(the_fastest_beyond_its_spread_wins)
{
	struct lab *lab = new_lab("echo", "thread,fiber:epoll,fork", "8");
	struct lab_verdict verdict;

	visit_thrice(lab, 0, 0, 1000);
	visit_thrice(lab, 0, 1, 2000);
	visit_thrice(lab, 0, 2, 500);
	verdict = judge(lab);
	CHECK(verdict.winner_count == 1 && verdict.winners[0] == 1);
	CHECK(verdict.is_expected && !verdict.is_noisy);
	CHECK_STR(verdict.won, "fiber:epoll wins: 2,000 requests/s with 8 connections, 2.00 times "
			       "what the next one, thread, does.");
	CHECK(strstr(verdict.theory, "That is what theory expects: "));
	CHECK_STR(verdict.broke, "");
	free_lab(lab);
}

CHECK_CASE(those_whose_ranges_overlap_can_not_be_told_apart)
{
	struct lab *lab = new_lab("echo", "thread,fork,pool", "1");
	struct lab_verdict verdict;

	visit_thrice(lab, 0, 0, 1000);
	visit_thrice(lab, 0, 1, 1010);
	visit_thrice(lab, 0, 2, 900);
	verdict = judge(lab);
	CHECK(verdict.winner_count == 2 && verdict.winners[0] == 1 && verdict.winners[1] == 0);
	CHECK(strstr(verdict.won, "No clear winner: fork and thread are within"));
	CHECK(strstr(verdict.won, "with 1 connection, 1.12 times what the next one, pool"));
	free_lab(lab);
}

CHECK_CASE(a_winner_that_theory_does_not_expect_is_told_as_such)
{
	struct lab *lab = new_lab("echo", "fiber:epoll,fork", "8");
	struct lab_verdict verdict;

	visit_thrice(lab, 0, 0, 1000);
	visit_thrice(lab, 0, 1, 2000);
	verdict = judge(lab);
	CHECK(!verdict.is_expected);
	CHECK(strstr(verdict.theory, "That is not what theory expects, which is fiber:epoll: "));
	free_lab(lab);
}

CHECK_CASE(where_all_are_alike_theory_is_neither_right_nor_wrong)
{
	struct lab *lab = new_lab("echo", "fiber:epoll,fork", "8");
	struct lab_verdict verdict;

	visit_thrice(lab, 0, 0, 1000);
	visit_thrice(lab, 0, 1, 1001);
	verdict = judge(lab);
	CHECK(!verdict.is_expected);
	CHECK(strstr(verdict.theory, "no difference shows here, where theory expects fiber:epoll"));
	free_lab(lab);
}

CHECK_CASE(a_contender_that_broke_does_not_win)
{
	struct lab *lab = new_lab("echo", "thread,loop", "1,8");
	struct lab_verdict verdict;

	visit_thrice(lab, 0, 0, 1000);
	visit_thrice(lab, 1, 0, 3000);
	visit_thrice(lab, 0, 1, 1200);
	for (unsigned i = 0; i < 3; i++)
		visit(lab, 1, 1, 9000)->fault = LAB_STARVED;
	verdict = judge(lab);
	CHECK_INT(verdict.level, ==, 1);
	CHECK(verdict.winner_count == 1 && verdict.winners[0] == 0);
	free_lab(lab);
}

CHECK_CASE(without_figures_nobody_wins)
{
	struct lab *lab = new_lab("echo", "thread,loop", "8");
	struct lab_verdict verdict = judge(lab);

	CHECK_INT(verdict.winner_count, ==, 0);
	CHECK(strstr(verdict.won, "Nobody can be compared"));
	free_lab(lab);
}

CHECK_CASE(a_lab_that_was_stopped_is_judged_where_it_came_to)
{
	struct lab *lab = new_lab("echo", "thread,fork", "1,8,64");
	struct lab_verdict verdict;

	visit_thrice(lab, 0, 0, 1000);
	visit_thrice(lab, 0, 1, 800);
	verdict = judge(lab);
	CHECK_INT(verdict.level, ==, 0);
	CHECK(verdict.winner_count == 1 && verdict.winners[0] == 0);
	free_lab(lab);
}

/* ---- What broke --------------------------------------------------------------------------- */

CHECK_CASE(one_bad_visit_is_an_accident_and_two_of_three_are_a_break)
{
	struct lab *lab = new_lab("echo", "thread,fork", "8");

	visit_thrice(lab, 0, 0, 1000);
	visit_thrice(lab, 0, 1, 1000);
	weft__lab_cell(lab, 0, 0, 0)->visits[1].fault = LAB_ERRORS;
	weft__lab_cell(lab, 0, 0, 1)->visits[0].fault = LAB_ERRORS;
	weft__lab_cell(lab, 0, 0, 1)->visits[2].fault = LAB_STARVED;
	weft__lab_sum_up(lab);
	CHECK_INT(weft__lab_breaks_at(lab, 0, 0), ==, 1);
	CHECK_INT(weft__lab_breaks_at(lab, 0, 1), ==, 0);
	CHECK_INT(weft__lab_cell(lab, 0, 0, 1)->fault, ==, LAB_STARVED);
	free_lab(lab);
}

CHECK_CASE(a_throughput_below_a_third_of_the_best_at_more_cpu_has_collapsed)
{
	struct lab *lab = new_lab("echo", "fiber:poll,thread", "8,64,512");

	visit_thrice(lab, 0, 0, 1000);
	visit_thrice(lab, 1, 0, 9000);
	visit_thrice(lab, 2, 0, 2000);
	weft__lab_sum_up(lab);
	CHECK_INT(weft__lab_breaks_at(lab, 0, 0), ==, 3);
	for (unsigned i = 0; i < 3; i++)
		weft__lab_cell(lab, 0, 2, 0)->visits[i].cpu_ns = 8000;
	visit_thrice(lab, 0, 1, 9000);
	visit_thrice(lab, 1, 1, 4000);
	visit_thrice(lab, 2, 1, 3100);
	weft__lab_sum_up(lab);
	CHECK_INT(weft__lab_breaks_at(lab, 0, 0), ==, 2);
	CHECK_INT(weft__lab_breaks_at(lab, 0, 1), ==, 3);
	CHECK(strstr(judge(lab).broke, "fiber:poll breaks at 512 connections: it does less than a "
				       "third of what it did with fewer; by design"));
	free_lab(lab);
}

CHECK_CASE(the_loop_breaks_by_design_and_so_does_a_pool_that_is_too_small)
{
	struct lab *lab = new_lab("echo", "thread,loop,pool", "8,512");
	struct lab_verdict verdict;

	visit_thrice(lab, 0, 0, 1000);
	visit_thrice(lab, 0, 2, 1000);
	break_thrice(lab, 0, 1, LAB_STARVED);
	break_thrice(lab, 1, 0, LAB_ERRORS);
	break_thrice(lab, 1, 2, LAB_STARVED);
	verdict = judge(lab);
	CHECK(strstr(verdict.broke, "loop breaks at 8 connections: "));
	CHECK(strstr(verdict.broke, "by design: it serves one connection until that ends"));
	CHECK(strstr(verdict.broke, "by design: each of its workers has one connection"));
	/* 512 threads are no bound of the model's. */
	CHECK(strstr(verdict.broke, "that is not by design"));
	free_lab(lab);
}

CHECK_CASE(short_connections_are_no_reason_for_the_loop_to_break)
{
	struct lab *lab = new_lab("short", "loop", "8");
	struct lab_place place = {.workload = 0};

	CHECK(weft__lab_design_of(&lab->plan, &place, LAB_STARVED) == NULL);
	free_lab(lab);
}

CHECK_CASE(what_all_break_of_is_told_whole_or_not_at_all)
{
	struct lab *lab = new_lab("echo", "loop,pool,prefork", "512");
	char text[300];

	for (unsigned i = 0; i < 3; i++)
		break_thrice(lab, 0, i, LAB_STARVED);
	weft__lab_sum_up(lab);
	weft__lab_say_breaks(lab, 0, text, sizeof(text));
	CHECK(strstr(text, "loop breaks at 512") && !strstr(text, "prefork"));
	CHECK_STR(text + strlen(text) - 1, ".");
	free_lab(lab);
}

/* ---- Noise --------------------------------------------------------------------------------- */

CHECK_CASE(rounds_that_lie_far_apart_are_called_noise)
{
	struct lab *lab = new_lab("echo", "thread,fork", "8");
	char text[400];

	visit_thrice(lab, 0, 0, 1000);
	visit_thrice(lab, 0, 1, 100);
	lab->others_share = 0.02;
	CHECK(!judge(lab).is_noisy && !weft__lab_judge_noise(lab, text));
	CHECK(strstr(text, "quiet enough"));
	weft__lab_cell(lab, 0, 0, 0)->visits[0].requests_per_s = 500;
	CHECK(judge(lab).is_noisy);
	CHECK(strstr(judge(lab).noise, "thread lie 51 % apart"));
	free_lab(lab);
}

CHECK_CASE(a_machine_that_does_other_things_is_too_noisy)
{
	struct lab *lab = new_lab("echo", "thread", "8");
	char text[400];

	visit_thrice(lab, 0, 0, 1000);
	weft__lab_sum_up(lab);
	lab->others_share = 0.4;
	CHECK(weft__lab_judge_noise(lab, text));
	CHECK(strstr(text, "too noisy to conclude: other programs used 40 %"));
	lab->others_share = -1;
	CHECK(!weft__lab_judge_noise(lab, text) && !strstr(text, "other programs"));
	free_lab(lab);
}

CHECK_CASE(a_winner_that_the_load_could_not_fill_is_told)
{
	struct lab *lab = new_lab("cpu", "thread,fork", "8");

	visit_thrice(lab, 0, 0, 100);
	visit_thrice(lab, 0, 1, 10);
	CHECK_STR(judge(lab).limit, "");
	weft__lab_cell(lab, 0, 0, 0)->visits[1].load_busy = 0.99;
	CHECK(strstr(judge(lab).limit, "thread could do more than this"));
	for (unsigned i = 0; i < 3; i++)
		weft__lab_cell(lab, 0, 0, 0)->visits[i].cpu_ns = 1e7 * lab->plan.all.count;
	CHECK_STR(judge(lab).limit, "");
	free_lab(lab);
}

/* ---- The least ---------------------------------------------------------------------------------
 */

CHECK_CASE(who_needs_least_and_most_is_said_in_a_sentence)
{
	struct lab *lab = new_lab("echo", "thread,fork", "8");
	struct lab_verdict verdict;
	struct weft_str text;
	char array[200];

	visit_thrice(lab, 0, 0, 1000);
	visit_thrice(lab, 0, 1, 1000);
	for (unsigned i = 0; i < 3; i++)
		weft__lab_cell(lab, 0, 0, 1)->visits[i].cpu_ns = 20000;
	verdict = judge(lab);
	weft_str_init_in(&text, array, sizeof(array));
	weft__lab_say_least(lab, &verdict, 0, weft__lab_cpu_of, &text);
	CHECK_STR(array, "thread needs least, 5.00 \302\265s; fork needs most, 20.0 \302\265s, 4.0 "
			 "times that.");
	free_lab(lab);
}

/* ---- The plan ----------------------------------------------------------------------------------
 */

CHECK_CASE(levels_are_sorted_and_told_once)
{
	struct lab *lab = new_lab("echo,echo", "loop,loop", "64,8,64,512");

	CHECK(lab->plan.level_count == 3 && lab->plan.levels[0] == 8 && lab->plan.levels[1] == 64 &&
		lab->plan.levels[2] == 512);
	CHECK(lab->plan.workload_count == 1 && lab->plan.contender_count == 1);
	CHECK_INT(weft__lab_reference(&lab->plan), ==, 1);
	free_lab(lab);
}

CHECK_CASE(what_is_no_level_model_or_workload_is_refused)
{
	static const char *const levels[] = {"", "0", "8,", "-1", "8x", "1000000", "8,,9"};
	struct lab_plan plan = {.rounds = 1};

	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		CHECK_INT(weft__lab_plan_levels(&plan, levels[i]), ==, CMD_USAGE);
	CHECK_INT(weft__lab_plan_models(&plan, "fibre"), ==, CMD_USAGE);
	CHECK(strstr(complaint, "%s") == NULL);
	CHECK_INT(weft__lab_plan_models(&plan, "fiber:kqueue"), ==, CMD_USAGE);
	CHECK_INT(weft__lab_plan_workloads(&plan, "echo,"), ==, CMD_USAGE);
	CHECK_INT(weft__lab_plan_cpus(&plan, "x", NULL), ==, CMD_USAGE);
	CHECK_INT(weft__lab_plan_cpus(&plan, "5-3", NULL), ==, CMD_USAGE);
	CHECK_INT(weft__lab_plan_cpus(&plan, NULL, "0,"), ==, CMD_USAGE);
	CHECK_INT(weft__lab_plan_cpus(&plan, NULL, "99999999999"), ==, CMD_USAGE);
}

CHECK_CASE(a_word_of_a_command_is_what_the_workload_needs)
{
	struct lab *lab = new_lab("cpu", "pool", "8");
	struct lab_words words;
	struct lab_load load = {.target = "there", .level = 8, .rate = 12.7};
	bool has_rate = false;

	weft__lab_server_words(
		&words, &lab->plan, lab->plan.workloads[0], &lab->plan.contenders[0], NULL);
	CHECK_STR(words.words[1], "echo");
	CHECK_STR(words.words[words.count - 1], "--json");
	CHECK(words.words[words.count] == NULL);
	weft__lab_load_words(&words, &lab->plan, lab->plan.workloads[0], &load);
	CHECK_STR(words.words[2], "there");
	for (unsigned i = 0; i + 1 < words.count; i++)
		has_rate |= strcmp(words.words[i], "--rate") == 0 &&
			    strcmp(words.words[i + 1], "12") == 0;
	CHECK(has_rate);
	free_lab(lab);
}

CHECK_CASE(numbers_are_printed_for_people)
{
	char text[32];

	CHECK_STR(weft__lab_number(1234567.4, text), "1,234,567");
	CHECK_STR(weft__lab_number(100, text), "100");
	CHECK_STR(weft__lab_number(3.14159, text), "3.14");
	CHECK_STR(weft__lab_number(0, text), "0.00");
	CHECK_STR(weft__lab_time(999.6, text), "1.00 us");
	CHECK_STR(weft__lab_time(12345, text), "12.3 us");
	CHECK_STR(weft__lab_time(2.5e9, text), "2.50 s");
	CHECK_STR(weft__lab_time_text(12345, text), "12.3 \302\265s");
	CHECK_STR(weft__lab_bytes(4096, text), "4.00 KiB");
	CHECK_STR(weft__lab_bytes(12, text), "12 B");
}

CHECK_MAIN()
