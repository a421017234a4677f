/*
 * lab.h - what the files of `weft lab` share.
 *
 *	lab.c			the command line; from start to end
 *	lab_plan.c		what is measured: contenders, workloads, levels; their commands
 *	lab_child.c		the processes that it starts and stops
 *	lab_measure.c		what /proc says: CPU, memory, the machine
 *	lab_visit.c		one contender, once: its server, and the load on it
 *	lab_run.c		all of them in turns; progress
 *	lab_stats.c		medians and spreads; what broke where
 *	lab_judge.c		who won, whether theory expects it, whether it can be told at all
 *	lab_break.c		what broke, and why
 *	lab_best.c		who needs least CPU, memory or time
 *	lab_table.c		the results for a terminal
 *	lab_data.c		the results as JSON and as CSV
 *	lab_html.c, lab_chart.c	the report and its drawings; lab_style.c is its style sheet
 *
 * A level is how many connections there are; in a workload with a crowd, how many of those.
 * A cell is one contender in one workload at one level. It is visited once in each round:
 *
 *	start the server -> (first round: count its memory) -> closed loop: how much can it do?
 *	-> open loop at a share of that: how long do its users wait? -> stop the server
 */
#ifndef WEFT_SRC_CMD_LAB_H
#define WEFT_SRC_CMD_LAB_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cmd.h"
#include "weft/str.h"

#define LAB_NAME "lab"

/* ---- Limits -------------------------------------------------------------------------- */

#define LAB_CONTENDERS_MAX  16
#define LAB_WORKLOADS_MAX   8
#define LAB_LEVELS_MAX      12
#define LAB_ROUNDS_MAX      15
#define LAB_CONNECTIONS_MAX 100000
#define LAB_WORDS_MAX       40  /* of a command */
#define LAB_COMMAND_MAX     512 /* its characters */
#define LAB_TEXT_MAX        160
#define LAB_REPORT_MAX      ((size_t)16 << 20)

/** Connections that ask, beside a crowd. */
#define LAB_ACTIVE 8

/** The open loop asks at this share of what the closed loop showed. */
#define LAB_RATE_SHARE 0.6

/* ---- What is measured ---------------------------------------------------------------- */

struct lab_contender {
	char name[32];      /* "thread", "fiber:epoll" */
	const char *model;  /* weft_serve_model_at() */
	const char *driver; /* of "fiber"; NULL: it has none */
};

enum lab_crowd {
	LAB_NO_CROWD,
	LAB_IDLE_CROWD,
	LAB_SLOW_CROWD,
};

struct lab_workload {
	const char *name, *title;
	const char *what;     /* a sentence */
	const char *level_is; /* what a level counts: "idle connection%s" */
	enum lab_crowd crowd;
	bool is_http, is_new_each;
	bool has_all_cpus; /* server and load are not kept apart */
	const char *spin;  /* seconds of computing before an answer, or NULL */
	/* What theory expects: names of contenders or models, and why. */
	const char *expected[10];
	const char *why;
};

struct lab_cpus {
	cpu_set_t set;
	unsigned count;
	char text[64]; /* "0-3,6"; short of the end when there are very many parts */
};

struct lab_plan {
	struct lab_contender contenders[LAB_CONTENDERS_MAX];
	unsigned contender_count;
	const struct lab_workload *workloads[LAB_WORKLOADS_MAX];
	unsigned workload_count;
	unsigned levels[LAB_LEVELS_MAX]; /* rising */
	unsigned level_count;
	unsigned rounds;
	unsigned rate; /* of the open loop, for all; 0: LAB_RATE_SHARE of each one's own */
	unsigned size; /* of pool and prefork */
	int64_t duration_ns, warmup_ns, timeout_ns;
	int64_t budget_ns; /* all of it should take no longer; 0: no bound */
	bool is_quick;
	struct lab_cpus all, server, load;
};

/* ---- What came of it ----------------------------------------------------------------- */

enum lab_percentile {
	LAB_P50,
	LAB_P90,
	LAB_P99,
	LAB_P999,
	LAB_WORST,
	LAB_PERCENTILE_COUNT,
};

/** "p50" and so on: the keys in the JSON of `weft load`, and in ours. */
extern const char *const weft__lab_percentile_names[LAB_PERCENTILE_COUNT];

/** What is wrong with a cell. From the least to the worst. */
enum lab_fault {
	LAB_FINE,
	LAB_COLLAPSED, /* it does far less than with fewer connections */
	LAB_LATE,      /* it can't keep the rate that was asked for by --rate */
	LAB_ERRORS,
	LAB_STARVED,  /* some are answered, others never */
	LAB_REFUSED,  /* not all connections could be opened */
	LAB_SILENT,   /* not one answer */
	LAB_NO_START, /* the server did not start */
	LAB_CRASHED,  /* it ended by itself */
	LAB_FAULT_COUNT,
};

extern const char *const weft__lab_fault_names[LAB_FAULT_COUNT];

/** What one visit found. */
struct lab_figures {
	enum lab_fault fault;
	double requests_per_s;                   /* closed loop */
	double cpu_ns;                           /* of the server, per request, closed loop */
	double rate;                             /* open loop, as asked for */
	double latency_ns[LAB_PERCENTILE_COUNT]; /* open loop */
	uint64_t latency_count;
	uint64_t requests, errors; /* both loops */
	uint64_t due, unfinished;  /* open loop */
	double load_busy;          /* share of its CPUs that the load used, closed loop */
	double memory;             /* bytes per connection; below 0: not counted */
	char error[LAB_TEXT_MAX];  /* the first one, or "" */
};

/** Over the rounds. */
struct lab_spread {
	double median, min, max;
	unsigned count; /* 0: there is nothing */
};

struct lab_cell {
	unsigned visit_count;
	struct lab_figures visits[LAB_ROUNDS_MAX];
	bool is_skipped; /* it was broken with fewer connections */

	/* Made of these by weft__lab_sum_up(). */
	enum lab_fault fault;
	struct lab_spread requests_per_s, cpu_ns, rate, memory;
	struct lab_spread latency_ns[LAB_PERCENTILE_COUNT];
	uint64_t requests, errors, due, unfinished;
	double load_busy; /* the most */
	const char *error;
};

/** Which cell: places in the plan. */
struct lab_place {
	unsigned workload, level, contender, round;
};

struct lab_machine {
	char cpu[LAB_TEXT_MAX], kernel[LAB_TEXT_MAX], date[32];
	unsigned cpus; /* that we may use */
	uint64_t memory_bytes;
	bool has_pss; /* memory is PSS, not RSS */
	double load_average;
};

struct lab {
	struct lab_plan plan;
	struct lab_machine machine;
	struct lab_cell *cells;
	char command[LAB_COMMAND_MAX]; /* as it was called */

	/* The run. */
	int signal_fd;
	bool is_stopped; /* by a signal: not all was measured */
	char folder[64]; /* what the HTTP workloads ask for; "": none yet */
	int64_t begin_ns;
	double seconds;      /* that it took */
	double others_share; /* of all CPUs, used by others meanwhile; below 0: not known */
};

static inline struct lab_cell *weft__lab_cell(
	const struct lab *lab, unsigned workload, unsigned level, unsigned contender)
{
	return &lab->cells[(workload * LAB_LEVELS_MAX + level) * LAB_CONTENDERS_MAX + contender];
}

/** The level at which contenders are compared: the middle one. */
static inline unsigned weft__lab_reference(const struct lab_plan *plan)
{
	return plan->level_count / 2 < plan->level_count ? plan->level_count / 2 : 0;
}

/* ---- lab_plan.c ---------------------------------------------------------------------- */

/** All workloads; NULL past the end. */
const struct lab_workload *weft__lab_workload_at(size_t index);

/** Lists as the options give them; NULL: all. Each a status, having said what is wrong. */
int weft__lab_plan_models(struct lab_plan *plan, const char *list);
int weft__lab_plan_workloads(struct lab_plan *plan, const char *list);
int weft__lab_plan_levels(struct lab_plan *plan, const char *list);

/** Which CPUs the server and the load get; lists as taskset(1) takes them, or NULL. */
int weft__lab_plan_cpus(struct lab_plan *plan, const char *server, const char *load);

/** What is run where: the affinity for a workload. */
const struct lab_cpus *weft__lab_server_cpus(
	const struct lab_plan *plan, const struct lab_workload *workload);
const struct lab_cpus *weft__lab_load_cpus(
	const struct lab_plan *plan, const struct lab_workload *workload);

/** A command, word by word. */
struct lab_words {
	const char *words[LAB_WORDS_MAX]; /* NULL at the end */
	unsigned count;
	char numbers[LAB_WORDS_MAX][24]; /* where words that are numbers lie */
};

/** What to serve: "weft" and so on. folder may be NULL where it doesn't matter. */
void weft__lab_server_words(struct lab_words *words, const struct lab_plan *plan,
	const struct lab_workload *workload, const struct lab_contender *contender,
	const char *folder);

struct lab_load {
	const char *target; /* HOST:PORT */
	unsigned level;
	double rate; /* 0: closed loop */
	int64_t duration_ns;
	bool is_for_memory; /* one that goes on until it is stopped */
};

void weft__lab_load_words(struct lab_words *words, const struct lab_plan *plan,
	const struct lab_workload *workload, const struct lab_load *load);

/** Connections that there are in a level of a workload, all kinds together. */
unsigned weft__lab_connections(const struct lab_workload *workload, unsigned level);

/** "1 idle connection", "64 connections". */
const char *weft__lab_level_text(
	const struct lab_workload *workload, unsigned level, char text[static 64]);

/** Before a loop counts: the server has to start something for each connection. */
int64_t weft__lab_warmup_ns(const struct lab_plan *plan, unsigned level);

/** How long all of it takes, roughly. */
int64_t weft__lab_estimate(const struct lab_plan *plan);

/* ---- lab_child.c --------------------------------------------------------------------- */

struct lab_child {
	pid_t pid; /* 0: none */
	int out_fd, error_fd;
};

/** Block the signals that end the run, and get them by lab->signal_fd. -1 with errno. */
int weft__lab_signals_init(struct lab *lab);

/** Run this executable with these words, words[0] being its name. -1 with errno. */
int weft__lab_child_start(
	struct lab_child *child, const struct lab_words *words, const cpu_set_t *cpus);

/**
 * The first line of its output, without the newline; true when there is one. False when it
 * ends without, when it takes too long, or when the run is stopped.
 */
bool weft__lab_child_line(
	struct lab *lab, struct lab_child *child, char line[static 4096], int64_t timeout_ns);

/** Wait; less if the child (which may be NULL) says something or ends, or if the run is stopped. */
void weft__lab_pause(struct lab *lab, const struct lab_child *child, int64_t duration_ns);

/** Whether it has ended; then it is still to be stopped. */
bool weft__lab_child_is_over(const struct lab_child *child);

/** The last line of what it complained of, or "". */
void weft__lab_child_complaint(const struct lab_child *child, char text[static LAB_TEXT_MAX]);

/** Ask it to end, wait, and kill it and its own children if it does not. */
void weft__lab_child_stop(struct lab_child *child);

/* ---- lab_measure.c ------------------------------------------------------------------- */

/** On the monotonic clock. */
int64_t weft__lab_now(void);

/** Processes of a tree, at most; more are not seen. */
#define LAB_TREE_MAX 8192

/** pid and all processes below it: how many. */
unsigned weft__lab_tree(pid_t pid, pid_t ret_pids[static LAB_TREE_MAX]);

/** CPU time of the tree, ended children included. */
double weft__lab_tree_cpu_ns(pid_t pid);

/** Memory of the tree in bytes, as PSS or else RSS; below 0: it can't be read. */
double weft__lab_tree_memory(pid_t pid, bool *ret_is_pss);

/** Open descriptors of a process; 0 when that can't be read. */
unsigned weft__lab_descriptors(pid_t pid);

/** CPU time that all processes but this one and its children have used, and what the host
 * took away; below 0: it can't be read. While no child runs. */
double weft__lab_others_cpu_ns(void);

void weft__lab_machine_read(struct lab_machine *machine);

/* ---- lab_visit.c, lab_run.c ---------------------------------------------------------- */

/** Visit a cell once. False when the run was stopped meanwhile: nothing is known then. */
bool weft__lab_visit(struct lab *lab, const struct lab_place *place, struct lab_figures *figures);

/** All cells, in turns. */
void weft__lab_run(struct lab *lab);

/* ---- lab_stats.c --------------------------------------------------------------------- */

/** Of count numbers, which are sorted. */
struct lab_spread weft__lab_spread_of(double *numbers, unsigned count);

/** (max - min) / median, or 0. */
double weft__lab_spread_width(const struct lab_spread *spread);

/** What the visits of each cell come to. May be called again. */
void weft__lab_sum_up(struct lab *lab);

/** The level at which a contender breaks in a workload; level_count: at none. */
unsigned weft__lab_breaks_at(const struct lab *lab, unsigned workload, unsigned contender);

/* ---- lab_judge.c --------------------------------------------------------------------- */

struct lab_verdict {
	unsigned level;                       /* at which they were compared */
	unsigned winners[LAB_CONTENDERS_MAX]; /* who can't be told apart from the best; it is first
					       */
	unsigned winner_count;                /* 0: nobody could be compared */
	bool is_expected, is_noisy;
	char won[400], theory[700], broke[1600];
	char noise[300]; /* "": none */
	char limit[300]; /* of the load, not of the server; "": it was not reached */
};

void weft__lab_judge(const struct lab *lab, unsigned workload, struct lab_verdict *verdict);

/** What is to be said of the machine as a whole: true when it was too noisy to conclude. */
bool weft__lab_judge_noise(const struct lab *lab, char text[static 400]);

/** Whether it took part at that level and did not break. */
bool weft__lab_can_compare(const struct lab_cell *cell);

/** Up to five of them: "a, b and c". */
void weft__lab_names(const struct lab *lab, const unsigned *contenders, unsigned count,
	struct weft_str *ret_text);

/* ---- lab_break.c, lab_best.c --------------------------------------------------------- */

/** Why a model can't do better than this fault there, or NULL: then it is a finding, or noise. */
const char *weft__lab_design_of(
	const struct lab_plan *plan, const struct lab_place *place, enum lab_fault fault);

/** Why it breaks there, in words; "by design" and why where the model can't do better. */
void weft__lab_explain_break(
	const struct lab *lab, unsigned workload, unsigned contender, struct weft_str *ret_text);

/** The same of all that break, a sentence each; "" when none does. */
void weft__lab_say_breaks(const struct lab *lab, unsigned workload, char *text, size_t size);

/** Who breaks at how many, in short: the sentence over that chart. */
void weft__lab_say_where(const struct lab *lab, unsigned workload, struct weft_str *ret_text);

/** What there is less of the better, of a cell. */
typedef const struct lab_spread *weft__lab_measure_fn(const struct lab_cell *cell);

const struct lab_spread *weft__lab_cpu_of(const struct lab_cell *cell);
const struct lab_spread *weft__lab_p99_of(const struct lab_cell *cell);
const struct lab_spread *weft__lab_memory_of(const struct lab_cell *cell);

/** A sentence on who has the least of it, at a level. */
void weft__lab_say_least(const struct lab *lab, const struct lab_verdict *verdict,
	unsigned workload, weft__lab_measure_fn *measure, struct weft_str *ret_text);

/* ---- The results --------------------------------------------------------------------- */

/** 12,345 or 3.2: three digits count, at least. */
const char *weft__lab_number(double number, char text[static 32]);
/** With ns, us, ms or s. */
const char *weft__lab_time(double ns, char text[static 32]);
/** The same with the letter mu, where columns don't matter. */
const char *weft__lab_time_text(double ns, char text[static 32]);
/** With B, KiB and so on. */
const char *weft__lab_bytes(double bytes, char text[static 32]);

void weft__lab_table(const struct lab *lab, FILE *out);

void weft__lab_json(const struct lab *lab, struct weft_str *json);
void weft__lab_csv(const struct lab *lab, struct weft_str *csv);
void weft__lab_html(const struct lab *lab, struct weft_str *html);

/** How the files begin, by which a file is known as ours. */
#define LAB_JSON_BEGINNING "{\"weft_lab\": "
#define LAB_CSV_BEGINNING  "workload,level,contender,"
#define LAB_HTML_BEGINNING "<!DOCTYPE html>\n<html lang=\"en\">\n<!-- made by weft lab -->\n"

/* ---- lab_chart.c, lab_style.c -------------------------------------------------------- */

extern const char weft__lab_style[];

/** Append text from outside, for HTML. */
void weft__lab_html_text(struct weft_str *html, const char *text);

/** Bars: requests a second, or CPU per request. */
void weft__lab_chart_throughput(const struct lab *lab, unsigned workload, struct weft_str *html);
void weft__lab_chart_cpu(const struct lab *lab, unsigned workload, struct weft_str *html);

/** Dots on a logarithmic axis: percentiles of the latency. */
void weft__lab_chart_latency(const struct lab *lab, unsigned workload, struct weft_str *html);

/** Lines: requests a second over the levels, and where they end. */
void weft__lab_chart_levels(const struct lab *lab, unsigned workload, struct weft_str *html);

#endif
