/*
 * lab.c - `weft lab`: measures the concurrency models against each other, here and now.
 *
 * Entry point: weft__cmd_lab().
 *
 *	options -> plan -> files that may be written? -> run -> table, HTML, JSON, CSV
 *
 * Never: a file overwritten that no lab has written.
 */
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"
#include "service.h"
#include "weft/file.h"

/** Of the file that the HTTP workloads ask for. */
#define FILE_SIZE 1024

/** Descriptors of a server or a load beside its connections. */
#define DESCRIPTORS_SPARE 64

#define QUICK_BUDGET_NS WEFT_SECONDS(48)

struct outputs {
	const char *html, *json, *csv; /* paths, "-", or NULL */
};

static const char help[] =
	"usage: weft lab [OPTION]...\n"
	"\n"
	"Measure the concurrency models against each other on this machine: each serves the same\n"
	"handlers, under the same loads, in turns. Prints a table, and writes a report with "
	"charts\n"
	"to weft-lab.html.\n"
	"\n"
	"  --quick                 under a minute: fewer models and connections, short runs\n"
	"  --workloads LIST        of echo, http, idle, slow, cpu, short (default: all)\n"
	"  --models LIST           of fiber, fiber:DRIVER, fiber:all, loop, thread, pool, fork,\n"
	"                          prefork (default: all, fiber over every driver; --quick: fiber\n"
	"                          over the best one)\n"
	"  --connections LIST      how many connections, or how large a crowd (default:\n"
	"                          1,8,64,512,4096; --quick: 32)\n"
	"  --max-connections N     leave out what is more than that\n"
	"  --duration SECONDS      of each loop (default: 0.5)\n"
	"  --rounds N              visits to each, over which medians are taken (default: 3)\n"
	"  --rate N                of the open loop, the same for all (default: 60 % of what each\n"
	"                          showed to be able to do)\n"
	"  --size N                threads of pool, processes of prefork (default: 64)\n"
	"  --server-cpus LIST      such as 0-3,6: CPUs of the servers (default: one half)\n"
	"  --load-cpus LIST        CPUs of the load (default: the other half)\n"
	"  --html FILE             the report (default: weft-lab.html; none: none)\n"
	"  --json FILE, --csv FILE the figures; -: on standard output, in place of the table\n"
	"  --help                  this text\n"
	"\n"
	"Ctrl-C ends it early; what was measured by then is told. A file that is there is only\n"
	"replaced if a lab wrote it. Exit status: 0 done, 1 failed or ended early, 2 wrong "
	"usage.\n";

/* ---- The command line ---------------------------------------------------------------- */

struct lists {
	const char *models, *workloads, *connections, *server_cpus, *load_cpus;
	unsigned connections_max;
	bool has_duration;
};

/* What a level needs must be there. */
static int bound_levels(struct lab_plan *plan, const struct lists *lists)
{
	long limit;
	unsigned kept = 0, max = lists->connections_max;

	weft__cmd_raise_descriptor_limit();
	limit = sysconf(_SC_OPEN_MAX);
	limit = limit < 0 ? LAB_CONNECTIONS_MAX : limit - LAB_ACTIVE - DESCRIPTORS_SPARE;
	for (unsigned i = 0; i < plan->level_count; i++) {
		if (plan->levels[i] > limit)
			fprintf(stderr,
				"weft lab: left out: %u connections; descriptors are limited "
				"(ulimit -n).\n",
				plan->levels[i]);
		else if (!max || plan->levels[i] <= max)
			plan->levels[kept++] = plan->levels[i];
	}
	plan->level_count = kept;
	if (kept > 0)
		return CMD_DONE;
	return weft__cmd_usage(LAB_NAME, "--connections: nothing is left of them.");
}

static int make_plan(struct lab_plan *plan, const struct lists *lists)
{
	int status = weft__lab_plan_models(plan, lists->models);

	if (!status)
		status = weft__lab_plan_workloads(plan, lists->workloads);
	if (!status)
		status = weft__lab_plan_levels(plan, lists->connections);
	if (!status)
		status = bound_levels(plan, lists);
	if (!status)
		status = weft__lab_plan_cpus(plan, lists->server_cpus, lists->load_cpus);
	plan->warmup_ns = plan->duration_ns / 3;
	if (plan->is_quick) {
		plan->timeout_ns = WEFT_SECONDS(1);
		if (!lists->has_duration)
			plan->budget_ns = QUICK_BUDGET_NS;
	}
	return status;
}

static int take_options(struct lab_plan *plan, struct outputs *outputs, int argc, char **argv)
{
	static const struct cmd_syntax syntax = {
		.name = LAB_NAME, .help = help, .operands_max = 0, .operands = "options only"};
	struct lists lists = {.models = NULL};
	const struct cmd_option options[] = {
		CMD_OPTION("quick", CMD_FLAG, &plan->is_quick),
		CMD_OPTION("workloads", CMD_TEXT, &lists.workloads),
		CMD_OPTION("models", CMD_TEXT, &lists.models),
		CMD_OPTION("connections", CMD_TEXT, &lists.connections),
		CMD_OPTION("max-connections", CMD_COUNT, &lists.connections_max,
			.max = LAB_CONNECTIONS_MAX),
		CMD_OPTION("duration", CMD_SECONDS, &plan->duration_ns,
			.ret_is_given = &lists.has_duration),
		CMD_OPTION("rounds", CMD_COUNT, &plan->rounds, .max = LAB_ROUNDS_MAX),
		CMD_OPTION("rate", CMD_COUNT, &plan->rate, .max = 100000000),
		CMD_OPTION("size", CMD_COUNT, &plan->size, .max = CMD_MODEL_SIZE_MAX),
		CMD_OPTION("server-cpus", CMD_TEXT, &lists.server_cpus),
		CMD_OPTION("load-cpus", CMD_TEXT, &lists.load_cpus),
		CMD_OPTION("html", CMD_TEXT, &outputs->html),
		CMD_OPTION("json", CMD_TEXT, &outputs->json),
		CMD_OPTION("csv", CMD_TEXT, &outputs->csv),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);

	return status ? status : make_plan(plan, &lists);
}

static void note_command(struct lab *lab, int argc, char **argv)
{
	struct weft_str command;

	weft_str_init_in(&command, lab->command, sizeof(lab->command));
	weft_str_append(&command, "weft");
	for (int i = 0; i < argc; i++)
		weft_str_appendf(&command, " %s", argv[i]);
}

/* ---- Files --------------------------------------------------------------------------- */

static bool is_file(const char *path)
{
	return path && strcmp(path, "-") != 0;
}

/* Whether path may be written: it is not there, or ours. Before hours are spent. */
static int check_output(const char *path, const char *beginning)
{
	char begin[128] = "";
	struct stat info;
	size_t len = strlen(beginning);
	int fd;

	if (!is_file(path))
		return CMD_DONE;
	if (stat(path, &info) < 0) {
		char *slash = strrchr(path, '/'), *folder;
		int status = CMD_DONE;

		folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
		if (folder && access(folder, W_OK) < 0)
			status = weft__cmd_fail(
				LAB_NAME, "can't write to \"%s\": %s.", path, strerror(errno));
		free(folder);
		return status;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0) {
		if (pread(fd, begin, sizeof(begin) - 1, 0) < 0)
			begin[0] = '\0';
		close(fd);
	}
	if (S_ISREG(info.st_mode) && (info.st_size == 0 || strncmp(begin, beginning, len) == 0))
		return CMD_DONE;
	return weft__cmd_fail(LAB_NAME,
		"\"%s\" is there, and no lab wrote it: it stays. Choose another name, or move it.",
		path);
}

static int check_outputs(const struct outputs *outputs)
{
	int status = check_output(outputs->html, LAB_HTML_BEGINNING);

	if (!status)
		status = check_output(outputs->json, LAB_JSON_BEGINNING);
	if (!status)
		status = check_output(outputs->csv, LAB_CSV_BEGINNING);
	return status;
}

static int write_output(const struct lab *lab, const char *path,
	void (*print)(const struct lab *lab, struct weft_str *text))
{
	struct weft_str text;
	int status = CMD_DONE;

	if (!path)
		return CMD_DONE;
	weft_str_init(&text, LAB_REPORT_MAX);
	print(lab, &text);
	if (weft_str_error(&text))
		status = weft__cmd_fail(
			LAB_NAME, "\"%s\": %s.", path, strerror(weft_str_error(&text)));
	else if (!is_file(path))
		fwrite(weft_str_text(&text), 1, weft_str_len(&text), stdout);
	else if (weft_file_replace(path, weft_str_text(&text), weft_str_len(&text)) < 0)
		status = weft__cmd_fail(LAB_NAME, "can't write \"%s\": %s.", path, strerror(errno));
	weft_str_fini(&text);
	return status;
}

static bool is_stdout(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

static int tell(const struct lab *lab, const struct outputs *outputs)
{
	bool has_stdout =
		is_stdout(outputs->html) || is_stdout(outputs->json) || is_stdout(outputs->csv);
	int status = CMD_DONE, result;

	if (!has_stdout)
		weft__lab_table(lab, stdout);
	result = write_output(lab, outputs->html, weft__lab_html);
	status = result ? result : status;
	result = write_output(lab, outputs->json, weft__lab_json);
	status = result ? result : status;
	result = write_output(lab, outputs->csv, weft__lab_csv);
	status = result ? result : status;
	if (!result && is_file(outputs->html))
		fprintf(stderr, "weft lab: the report with its charts: %s\n", outputs->html);
	if (fflush(stdout) != 0)
		status = weft__cmd_fail(LAB_NAME, "can't write: %s.", strerror(errno));
	return status;
}

/* ---- The folder that is served ------------------------------------------------------- */

static int make_folder(struct lab *lab)
{
	const char *top = getenv("TMPDIR");
	char path[sizeof(lab->folder) + 16], content[FILE_SIZE];

	snprintf(lab->folder, sizeof(lab->folder), "%s/weft-lab-XXXXXX", top ? top : "/tmp");
	if (!mkdtemp(lab->folder)) {
		lab->folder[0] = '\0';
		return weft__cmd_fail(
			LAB_NAME, "can't make a folder to serve: %s.", strerror(errno));
	}
	snprintf(path, sizeof(path), "%s/small.txt", lab->folder);
	memset(content, 'w', sizeof(content));
	content[FILE_SIZE - 1] = '\n';
	if (weft_file_replace(path, content, sizeof(content)) < 0)
		return weft__cmd_fail(LAB_NAME, "can't write \"%s\": %s.", path, strerror(errno));
	return CMD_DONE;
}

static void remove_folder(const struct lab *lab)
{
	char path[sizeof(lab->folder) + 16];

	if (!lab->folder[0])
		return;
	snprintf(path, sizeof(path), "%s/small.txt", lab->folder);
	unlink(path);
	rmdir(lab->folder);
}

/* ---- Entry point --------------------------------------------------------------------- */

static void say_what(const struct lab *lab)
{
	const struct lab_plan *plan = &lab->plan;
	double seconds = (double)weft__lab_estimate(plan) / 1e9;

	fprintf(stderr,
		"weft lab: %u models, %u workloads, %u levels of connections, %u rounds: about "
		"%.0f %s\n",
		plan->contender_count, plan->workload_count, plan->level_count, plan->rounds,
		seconds < 90 ? seconds : seconds / 60, seconds < 90 ? "s" : "min");
}

static int measure(struct lab *lab, const struct outputs *outputs)
{
	const struct lab_plan *plan = &lab->plan;
	int status;

	lab->cells = calloc((size_t)LAB_WORKLOADS_MAX * LAB_LEVELS_MAX * LAB_CONTENDERS_MAX,
		sizeof(*lab->cells));
	if (!lab->cells || weft__lab_signals_init(lab) < 0)
		return weft__cmd_fail(LAB_NAME, "can't start: %s.", strerror(errno));
	status = make_folder(lab);
	if (status)
		return status;
	weft__lab_machine_read(&lab->machine);
	lab->machine.cpus = plan->all.count;
	/* Beside the load: the servers are to be alone, where that can be. */
	sched_setaffinity(0, sizeof(plan->load.set), &plan->load.set);
	say_what(lab);
	weft__lab_run(lab);
	status = tell(lab, outputs);
	return status ? status : lab->is_stopped ? CMD_FAILED : CMD_DONE;
}

int weft__cmd_lab(int argc, char **argv)
{
	struct lab lab = {.signal_fd = -1,
		.plan = {.rounds = 3,
			.size = 64,
			.duration_ns = WEFT_MILLISECONDS(500),
			.timeout_ns = WEFT_SECONDS(3)}};
	struct outputs outputs = {.html = "weft-lab.html"};
	int status;

	note_command(&lab, argc, argv);
	status = take_options(&lab.plan, &outputs, argc, argv);
	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	if (strcmp(outputs.html, "none") == 0)
		outputs.html = NULL;
	status = check_outputs(&outputs);
	if (!status)
		status = measure(&lab, &outputs);
	remove_folder(&lab);
	if (lab.signal_fd >= 0)
		close(lab.signal_fd);
	free(lab.cells);
	return status;
}
