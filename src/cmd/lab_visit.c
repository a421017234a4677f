/*
 * lab_visit.c - one contender, once: starts its server, puts the load on it, reads what came.
 *
 * Entry point: weft__lab_visit(). Never: an answer of the server's that ends the lab.
 *
 * The CPU per request is that of a while in the middle of the closed loop:
 *
 *	load:  opens connections | warm-up | ---- duration: it counts requests ---- | end
 *	lab:                               ^ CPU before         CPU after ^
 *
 *	CPU per second / requests per second = CPU per request
 */
#include "lab.h"

#include <stdlib.h>
#include <string.h>

#include "weft/api.h"

/** For a server to say where it listens. */
#define START_PATIENCE_NS WEFT_SECONDS(10)

/** What a load may take beside its connects and its duration. */
#define LOAD_EXTRA_NS WEFT_SECONDS(5)

/** Between two looks whether all connections are open. */
#define LOOK_NS WEFT_MILLISECONDS(3)

/** From the connections' opening until the memory is counted: each has asked by then. */
#define MEMORY_SETTLE_NS WEFT_MILLISECONDS(60)

/** A server that uses less than that share of a CPU has done with a load. */
#define SETTLED_SHARE      0.2
#define SETTLE_LOOK_NS     WEFT_MILLISECONDS(12)
#define SETTLE_PATIENCE_NS WEFT_SECONDS(3)

/** A load's descriptors that are no connections, at least. */
#define LOAD_DESCRIPTORS 4

/** Samples that a percentile is made of, at least. */
#define SAMPLES_P99_MIN  100
#define SAMPLES_P999_MIN 1000

/** Shares from which on a cell is broken. */
#define ERRORS_SHARE     0.001
#define UNFINISHED_SHARE 0.1
#define OPEN_SHARE       0.99

/** Of the open loop's duration: who waited so long has waited all the time. */
#define WHOLE_SHARE 0.9

struct visit {
	struct lab *lab;
	const struct lab_workload *workload;
	const struct lab_contender *contender;
	unsigned level;
	struct lab_child server;
	char target[128];
	struct lab_figures *figures;
};

/* ---- The JSON of our own commands ---------------------------------------------------- */

/* The number at a key, which may be in an object: "errors", "all". 0 when it is not there. */
static double number_at(const char *json, const char *object, const char *key)
{
	char quoted[64];
	const char *at = json;

	if (object) {
		snprintf(quoted, sizeof(quoted), "\"%s\": {", object);
		at = strstr(at, quoted);
		if (!at)
			return 0;
	}
	snprintf(quoted, sizeof(quoted), "\"%s\": ", key);
	at = strstr(at, quoted);
	return at ? strtod(at + strlen(quoted), NULL) : 0;
}

/* The text at a key, as it stands between its quotes; "" when there is none. */
static void text_at(const char *json, const char *key, char *text, size_t size)
{
	char quoted[64];
	const char *at;
	size_t len = 0;

	snprintf(quoted, sizeof(quoted), "\"%s\": \"", key);
	at = strstr(json, quoted);
	text[0] = '\0';
	if (!at)
		return;
	at += strlen(quoted);
	while (at[len] && at[len] != '"' && len + 1 < size)
		len += at[len] == '\\' && at[len + 1] ? 2 : 1;
	snprintf(text, size, "%.*s", (int)(len < size ? len : size - 1), at);
}

/* ---- The server ---------------------------------------------------------------------- */

static bool start_server(struct visit *visit)
{
	const struct lab_plan *plan = &visit->lab->plan;
	struct lab_words words;
	char line[4096], address[64];

	weft__lab_server_words(&words, plan, visit->workload, visit->contender, visit->lab->folder);
	if (weft__lab_child_start(
		    &visit->server, &words, &weft__lab_server_cpus(plan, visit->workload)->set) < 0)
		return false;
	if (!weft__lab_child_line(visit->lab, &visit->server, line, START_PATIENCE_NS))
		return false;
	text_at(line, visit->workload->is_http ? "http" : "echo", address, sizeof(address));
	snprintf(visit->target, sizeof(visit->target),
		visit->workload->is_http ? "http://%s/small.txt" : "%s", address);
	return address[0] != '\0';
}

/* ---- The load ------------------------------------------------------------------------ */

static int start_load(struct visit *visit, const struct lab_load *load, struct lab_child *child)
{
	struct lab_words words;

	weft__lab_load_words(&words, &visit->lab->plan, visit->workload, load);
	return weft__lab_child_start(
		child, &words, &weft__lab_load_cpus(&visit->lab->plan, visit->workload)->set);
}

/* Until the load has all its connections, as far as one can see that. */
static void wait_until_open(struct visit *visit, const struct lab_child *child)
{
	unsigned wanted = weft__lab_connections(visit->workload, visit->level) + LOAD_DESCRIPTORS;
	int64_t end_ns = weft__lab_now() + visit->lab->plan.timeout_ns;

	if (visit->workload->is_new_each)
		wanted = LOAD_DESCRIPTORS + 1; /* its connections come and go */
	while (!visit->lab->is_stopped && !weft__lab_child_is_over(child) &&
		weft__lab_now() < end_ns && weft__lab_descriptors(child->pid) < wanted)
		weft__lab_pause(visit->lab, child, LOOK_NS);
}

/* One closed or open loop; true when it said what came of it. ret_cpu_share: of one CPU. */
static bool run_load(struct visit *visit, const struct lab_load *load, char line[static 4096],
	double *ret_cpu_share)
{
	struct lab *lab = visit->lab;
	struct lab_child child;
	int64_t begin_ns, end_ns;
	double cpu_ns;
	bool has_line;

	if (start_load(visit, load, &child) < 0)
		return false;
	wait_until_open(visit, &child);
	weft__lab_pause(lab, &child, weft__lab_warmup_ns(&lab->plan, visit->level));
	cpu_ns = weft__lab_tree_cpu_ns(visit->server.pid);
	begin_ns = weft__lab_now();
	weft__lab_pause(lab, &child, load->duration_ns * 4 / 5);
	cpu_ns = weft__lab_tree_cpu_ns(visit->server.pid) - cpu_ns;
	end_ns = weft__lab_now();
	*ret_cpu_share = cpu_ns / (double)(end_ns - begin_ns);
	has_line = weft__lab_child_line(
		lab, &child, line, load->duration_ns + lab->plan.timeout_ns + LOAD_EXTRA_NS);
	if (!has_line)
		weft__lab_child_complaint(&child, visit->figures->error);
	weft__lab_child_stop(&child);
	return has_line && !lab->is_stopped;
}

static void blame(struct lab_figures *figures, enum lab_fault fault)
{
	if (figures->fault < fault)
		figures->fault = fault;
}

/* What both loops tell. */
static void take_common(struct visit *visit, const char *json)
{
	struct lab_figures *figures = visit->figures;
	double requests = number_at(json, NULL, "requests");
	double errors = number_at(json, "errors", "all");
	double opened = number_at(json, NULL, "connections_open"), wanted;

	wanted = number_at(json, NULL, "connections");
	if (visit->workload->crowd == LAB_IDLE_CROWD) {
		opened += number_at(json, "idle", "open");
		wanted += number_at(json, "idle", "wanted");
	}
	figures->requests += (uint64_t)requests;
	figures->errors += (uint64_t)errors;
	if (!figures->error[0])
		text_at(json, "first_error", figures->error, sizeof(figures->error));
	if (!visit->workload->is_new_each && opened < wanted * OPEN_SHARE)
		blame(figures, LAB_REFUSED);
	if (errors > 0 && errors > (requests + errors) * ERRORS_SHARE)
		blame(figures, LAB_ERRORS);
	if (requests < 1)
		blame(figures, LAB_SILENT);
}

static void closed_loop(struct visit *visit)
{
	struct lab_load load = {.target = visit->target,
		.level = visit->level,
		.duration_ns = visit->lab->plan.duration_ns};
	struct lab_figures *figures = visit->figures;
	char json[4096];
	double cpu_share;

	if (!run_load(visit, &load, json, &cpu_share)) {
		blame(figures, LAB_SILENT);
		return;
	}
	figures->requests_per_s = number_at(json, NULL, "requests_per_s");
	figures->load_busy = number_at(json, NULL, "busy");
	if (figures->requests_per_s > 0)
		figures->cpu_ns = cpu_share * 1e9 / figures->requests_per_s;
	take_common(visit, json);
}

/*
 * Many requests were not answered. If all wait the longer the later they were due, the server
 * is only slower than it was a moment ago; if one that was due at the beginning still waits
 * while others were answered, some connections get nothing.
 */
static void judge_unfinished(struct visit *visit)
{
	const struct lab_figures *figures = visit->figures;
	double duration_ns = (double)visit->lab->plan.duration_ns;

	if (figures->unfinished <= 4 ||
		(double)figures->unfinished < (double)figures->due * UNFINISHED_SHARE)
		return;
	if (figures->latency_ns[LAB_WORST] > duration_ns * WHOLE_SHARE)
		blame(visit->figures, LAB_STARVED);
	else if (visit->lab->plan.rate)
		blame(visit->figures, LAB_LATE);
}

static void open_loop(struct visit *visit)
{
	struct lab_figures *figures = visit->figures;
	const struct lab_plan *plan = &visit->lab->plan;
	struct lab_load load = {.target = visit->target,
		.level = visit->level,
		.rate = plan->rate ? plan->rate : figures->requests_per_s * LAB_RATE_SHARE,
		.duration_ns = plan->duration_ns};
	char json[4096];
	double cpu_share;

	figures->rate = load.rate < 1 ? 1 : (double)(unsigned)load.rate;
	if (!run_load(visit, &load, json, &cpu_share)) {
		blame(figures, LAB_SILENT);
		return;
	}
	for (unsigned i = 0; i < LAB_PERCENTILE_COUNT; i++)
		figures->latency_ns[i] =
			number_at(json, "latency_ns", weft__lab_percentile_names[i]);
	figures->latency_count = (uint64_t)number_at(json, "latency_ns", "count");
	/* The greatest of a few is no percentile. */
	if (figures->latency_count < SAMPLES_P999_MIN)
		figures->latency_ns[LAB_P999] = -1;
	if (figures->latency_count < SAMPLES_P99_MIN)
		figures->latency_ns[LAB_P99] = -1;
	figures->unfinished = (uint64_t)number_at(json, NULL, "unfinished");
	figures->due = figures->unfinished + (uint64_t)number_at(json, NULL, "requests");
	take_common(visit, json);
	judge_unfinished(visit);
}

/* ---- Memory -------------------------------------------------------------------------- */

/* A connection with a request on it, gone again. */
static bool serve_one(struct visit *visit)
{
	struct lab_words words = {.count = 0};
	struct lab_child child;
	const char *const all[] = {"weft", "load", visit->target, "--connections", "1",
		"--requests", "1", "--timeout", "1", "--json"};

	for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++)
		words.words[words.count++] = all[i];
	words.words[words.count] = NULL;
	if (weft__lab_child_start(&child, &words,
		    &weft__lab_load_cpus(&visit->lab->plan, visit->workload)->set) < 0)
		return false;
	weft__lab_pause(visit->lab, &child, WEFT_SECONDS(2));
	weft__lab_child_stop(&child);
	/* What the server frees of it, it frees a moment later. */
	weft__lab_pause(visit->lab, NULL, MEMORY_SETTLE_NS / 2);
	return true;
}

/* With a load that only serves this: what is read here would disturb what is measured. */
static void count_memory(struct visit *visit)
{
	struct lab_load load = {
		.target = visit->target, .level = visit->level, .is_for_memory = true};
	unsigned connections = weft__lab_connections(visit->workload, visit->level);
	struct lab_child child;
	bool is_pss;
	double before, after;

	/* What comes once, with the first connection, is no cost of the others. */
	if (connections < 2 || !serve_one(visit))
		return;
	before = weft__lab_tree_memory(visit->server.pid, &is_pss);
	if (before < 0 || start_load(visit, &load, &child) < 0)
		return;
	wait_until_open(visit, &child);
	weft__lab_pause(visit->lab, &child,
		MEMORY_SETTLE_NS + weft__lab_warmup_ns(&visit->lab->plan, visit->level));
	after = weft__lab_tree_memory(visit->server.pid, &is_pss);
	weft__lab_child_stop(&child);
	if (after >= 0)
		visit->figures->memory = after > before ? (after - before) / (connections - 1) : 0;
}

/*
 * Until the server has done with the connections of the load before: it may have got many
 * requests that nobody waits for any more, and processes to end.
 */
static void let_settle(struct visit *visit)
{
	int64_t end_ns = weft__lab_now() + SETTLE_PATIENCE_NS;
	double share = 1;

	while (share > SETTLED_SHARE && weft__lab_now() < end_ns && !visit->lab->is_stopped) {
		double cpu_ns = weft__lab_tree_cpu_ns(visit->server.pid);
		int64_t begin_ns = weft__lab_now();

		weft__lab_pause(visit->lab, NULL, SETTLE_LOOK_NS);
		share = (weft__lab_tree_cpu_ns(visit->server.pid) - cpu_ns) /
			(double)(weft__lab_now() - begin_ns);
	}
}

/* ---- Entry point --------------------------------------------------------------------- */

bool weft__lab_visit(struct lab *lab, const struct lab_place *place, struct lab_figures *figures)
{
	struct visit visit = {
		.lab = lab,
		.workload = lab->plan.workloads[place->workload],
		.contender = &lab->plan.contenders[place->contender],
		.level = lab->plan.levels[place->level],
		.figures = figures,
	};

	*figures = (struct lab_figures){.memory = -1, .cpu_ns = -1, .rate = -1};
	for (unsigned i = 0; i < LAB_PERCENTILE_COUNT; i++)
		figures->latency_ns[i] = -1;
	if (!start_server(&visit)) {
		figures->fault = LAB_NO_START;
		if (visit.server.pid > 0)
			weft__lab_child_complaint(&visit.server, figures->error);
		weft__lab_child_stop(&visit.server);
		return !lab->is_stopped;
	}
	if (place->round == 0) {
		count_memory(&visit);
		let_settle(&visit);
	}
	closed_loop(&visit);
	let_settle(&visit);
	if (figures->requests_per_s > 0 && !lab->is_stopped)
		open_loop(&visit);
	if (weft__lab_child_is_over(&visit.server)) {
		blame(figures, LAB_CRASHED);
		weft__lab_child_complaint(&visit.server, figures->error);
	}
	weft__lab_child_stop(&visit.server);
	return !lab->is_stopped;
}
