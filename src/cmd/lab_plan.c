/*
 * lab_plan.c - what `weft lab` measures: contenders, workloads, levels; and by which commands.
 *
 * Entry points: weft__lab_plan_models(), _workloads(), _levels(), _cpus();
 * weft__lab_server_words(), weft__lab_load_words(); weft__lab_estimate().
 */
#include "lab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "weft/fiber.h"
#include "weft/serve.h"

/** What a visit takes beside the two loops: starts, stops, connects. */
#define VISIT_EXTRA_NS WEFT_MILLISECONDS(120)

/** Of the warm-up, for each connection: a process takes that long to start. */
#define WARMUP_EACH_NS WEFT_MICROSECONDS(500)

/** Longest list that an option may give. */
#define LIST_MAX 512

static const struct lab_workload workloads[] = {
	{
		.name = "echo",
		.title = "Echo ping-pong",
		.what = "Each connection sends 64 bytes, waits until they come back, and sends "
			"again.",
		.level_is = "connection%s",
		.expected = {"fiber:epoll", "fiber:uring", "fiber:epoll-level"},
		.why = "a fiber goes on without the kernel's scheduler, which a thread or a "
		       "process "
		       "needs for each message; and only what is ready is looked at",
	},
	{
		.name = "http",
		.title = "HTTP, a small file",
		.what = "GET of a file of 1 KiB by HTTP/1.1, on connections that stay open.",
		.level_is = "connection%s",
		.is_http = true,
		.expected = {"fiber:epoll", "fiber:uring", "fiber:epoll-level"},
		.why = "it is the echo with more work in each request: the order stays, and the "
		       "models move closer together",
	},
	{
		.name = "idle",
		.title = "Idle crowd",
		.what = "8 connections play ping-pong beside a crowd that is connected and says "
			"nothing.",
		.level_is = "idle connection%s",
		.crowd = LAB_IDLE_CROWD,
		.expected = {"fiber:epoll", "fiber:uring", "fiber:epoll-level"},
		.why = "epoll and io_uring cost nothing for a connection that is silent; select "
		       "and "
		       "poll look at all of them each time, a thread or a process keeps a stack "
		       "for "
		       "each, and a pool has none left",
	},
	{
		.name = "slow",
		.title = "Slow clients",
		.what = "8 connections fetch a small file beside a crowd that sends its requests "
			"at "
			"10 bytes a second.",
		.level_is = "slow connection%s",
		.crowd = LAB_SLOW_CROWD,
		.is_http = true,
		.expected = {"fiber:epoll", "fiber:uring", "fiber:epoll-level"},
		.why = "a slow client costs an event loop only its few wake-ups, and a pool a "
		       "whole "
		       "worker",
	},
	{
		.name = "cpu",
		.title = "CPU-heavy handler",
		.what = "An echo whose handler computes for 1 ms before each answer. Server and "
			"load share all CPUs here.",
		.level_is = "connection%s",
		.has_all_cpus = true,
		.spin = "0.001",
		.expected = {"thread", "pool", "fork", "prefork"},
		.why = "here only the computing counts: threads and processes use all CPUs and the "
		       "kernel shares these fairly, fibers can't interrupt each other, and "
		       "use the CPUs as evenly as their connections were dealt out to them; the "
		       "loop "
		       "has one CPU for everybody",
	},
	{
		.name = "short",
		.title = "Short-lived connections",
		.what = "Each request is a connection of its own: connect, send 64 bytes, receive "
			"them, close.",
		.level_is = "connection%s at a time",
		.is_new_each = true,
		.expected = {"fiber:epoll", "fiber:uring", "fiber:epoll-level", "fiber:poll",
			"fiber:select", "loop", "pool", "prefork"},
		.why = "a fiber is started in well under a microsecond and a pool starts nothing, "
		       "but "
		       "a thread costs tens of microseconds for each connection, and a process "
		       "hundreds",
	},
};

#define WORKLOAD_COUNT (sizeof(workloads) / sizeof(*workloads))

const struct lab_workload *weft__lab_workload_at(size_t index)
{
	return index < WORKLOAD_COUNT ? &workloads[index] : NULL;
}

/* ---- Lists --------------------------------------------------------------------------- */

/* Calls take(plan, item) for each item of a list with commas. */
static int each_item(struct lab_plan *plan, const char *option, const char *list,
	int (*take)(struct lab_plan *plan, const char *item))
{
	char copy[LIST_MAX], *at = copy, *item;
	size_t len = strlen(list);
	int status = CMD_DONE;

	if (len >= sizeof(copy))
		return weft__cmd_usage(LAB_NAME, "--%s: that is too long a list.", option);
	memcpy(copy, list, len + 1);
	while (!status && (item = strsep(&at, ",")) != NULL)
		status = take(plan, item);
	return status;
}

static int add_contender(struct lab_plan *plan, const char *model, const char *driver)
{
	struct lab_contender *contender = &plan->contenders[plan->contender_count];
	char name[sizeof(contender->name)];

	snprintf(name, sizeof(name), "%s%s%s", model, driver ? ":" : "", driver ? driver : "");
	for (unsigned i = 0; i < plan->contender_count; i++)
		if (strcmp(plan->contenders[i].name, name) == 0)
			return CMD_DONE;
	if (plan->contender_count == LAB_CONTENDERS_MAX)
		return weft__cmd_usage(LAB_NAME, "--models: %d at most.", LAB_CONTENDERS_MAX);
	memcpy(contender->name, name, sizeof(name));
	contender->model = model;
	contender->driver = driver;
	plan->contender_count++;
	return CMD_DONE;
}

static int add_drivers(struct lab_plan *plan)
{
	int status = CMD_DONE;

	for (size_t i = 0; !status && weft_driver_at(i); i++)
		status = add_contender(plan, "fiber", weft_driver_at(i));
	return status;
}

static int take_model(struct lab_plan *plan, const char *item)
{
	if (strcmp(item, "fiber") == 0)
		return add_contender(plan, "fiber", weft_driver_at(0));
	if (strcmp(item, "fiber:all") == 0)
		return add_drivers(plan);
	for (size_t i = 0; strncmp(item, "fiber:", 6) == 0 && weft_driver_at(i); i++)
		if (strcmp(item + 6, weft_driver_at(i)) == 0)
			return add_contender(plan, "fiber", weft_driver_at(i));
	for (size_t i = 0; weft_serve_model_at(i); i++)
		if (strcmp(item, weft_serve_model_at(i)) == 0)
			return add_contender(plan, weft_serve_model_at(i), NULL);
	return weft__cmd_usage(LAB_NAME,
		"--models: there is no \"%s\"; there are fiber, fiber:DRIVER, fiber:all, loop, "
		"thread, pool, fork, prefork.",
		item);
}

int weft__lab_plan_models(struct lab_plan *plan, const char *list)
{
	int status;

	if (list)
		return each_item(plan, "models", list, take_model);
	status = plan->is_quick ? take_model(plan, "fiber") : add_drivers(plan);
	for (size_t i = 1; !status && weft_serve_model_at(i); i++)
		status = add_contender(plan, weft_serve_model_at(i), NULL);
	return status;
}

static int take_workload(struct lab_plan *plan, const char *item)
{
	for (size_t i = 0; i < WORKLOAD_COUNT; i++) {
		if (strcmp(workloads[i].name, item) != 0)
			continue;
		for (unsigned known = 0; known < plan->workload_count; known++)
			if (plan->workloads[known] == &workloads[i])
				return CMD_DONE;
		plan->workloads[plan->workload_count++] = &workloads[i];
		return CMD_DONE;
	}
	return weft__cmd_usage(LAB_NAME,
		"--workloads: there is no \"%s\"; there are echo, http, idle, slow, cpu, short.",
		item);
}

int weft__lab_plan_workloads(struct lab_plan *plan, const char *list)
{
	if (list)
		return each_item(plan, "workloads", list, take_workload);
	for (size_t i = 0; i < WORKLOAD_COUNT; i++)
		plan->workloads[plan->workload_count++] = &workloads[i];
	return CMD_DONE;
}

static int take_level(struct lab_plan *plan, const char *item)
{
	char *end;
	unsigned long level;
	unsigned at = plan->level_count;

	errno = 0;
	level = strtoul(item, &end, 10);
	if (errno || *end || item[0] < '0' || item[0] > '9' || level < 1 ||
		level > LAB_CONNECTIONS_MAX)
		return weft__cmd_usage(LAB_NAME,
			"--connections takes numbers from 1 to %d, such as 8,64,512, not \"%s\".",
			LAB_CONNECTIONS_MAX, item);
	while (at > 0 && plan->levels[at - 1] > level)
		at--;
	if (at > 0 && plan->levels[at - 1] == level)
		return CMD_DONE;
	if (plan->level_count == LAB_LEVELS_MAX)
		return weft__cmd_usage(LAB_NAME, "--connections: %d at most.", LAB_LEVELS_MAX);
	memmove(plan->levels + at + 1, plan->levels + at,
		(plan->level_count - at) * sizeof(*plan->levels));
	plan->levels[at] = (unsigned)level;
	plan->level_count++;
	return CMD_DONE;
}

int weft__lab_plan_levels(struct lab_plan *plan, const char *list)
{
	if (!list)
		list = plan->is_quick ? "32" : "1,8,64,512,4096";
	return each_item(plan, "connections", list, take_level);
}

/* ---- CPUs ---------------------------------------------------------------------------- */

/* The set in words: "0-3,6". */
static void name_cpus(struct lab_cpus *cpus)
{
	struct weft_str text;

	weft_str_init_in(&text, cpus->text, sizeof(cpus->text));
	cpus->count = (unsigned)CPU_COUNT(&cpus->set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		int last = cpu;

		if (!CPU_ISSET(cpu, &cpus->set))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, &cpus->set))
			last++;
		weft_str_appendf(&text, "%s%d", text.len ? "," : "", cpu);
		if (last > cpu)
			weft_str_appendf(&text, "-%d", last);
		cpu = last;
	}
}

/* "0-3,6": false when it is no such list, or has a CPU that we may not use. */
static bool read_cpus(const char *list, const cpu_set_t *allowed, cpu_set_t *ret_set)
{
	const char *at = list;

	CPU_ZERO(ret_set);
	do {
		char *end;
		unsigned long first, last;

		if (*at < '0' || *at > '9')
			return false;
		first = last = strtoul(at, &end, 10);
		if (*end == '-' && end[1] >= '0' && end[1] <= '9')
			last = strtoul(end + 1, &end, 10);
		if (last < first || last >= CPU_SETSIZE || (*end && *end != ','))
			return false;
		for (; first <= last; first++) {
			if (!CPU_ISSET(first, allowed))
				return false;
			CPU_SET(first, ret_set);
		}
		at = *end ? end + 1 : NULL;
	} while (at);
	return CPU_COUNT(ret_set) > 0;
}

/* The first half is the server's, and the middle one, if there is one. */
static void share_cpus(struct lab_plan *plan)
{
	unsigned seen = 0, half = (plan->all.count + 1) / 2;

	CPU_ZERO(&plan->server.set);
	CPU_ZERO(&plan->load.set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &plan->all.set))
			CPU_SET(cpu, seen++ < half ? &plan->server.set : &plan->load.set);
	if (plan->all.count == 1)
		plan->load.set = plan->server.set;
}

int weft__lab_plan_cpus(struct lab_plan *plan, const char *server, const char *load)
{
	if (sched_getaffinity(0, sizeof(plan->all.set), &plan->all.set) < 0)
		return weft__cmd_fail(
			LAB_NAME, "can't tell which CPUs there are: %s.", strerror(errno));
	name_cpus(&plan->all);
	share_cpus(plan);
	if (server && !read_cpus(server, &plan->all.set, &plan->server.set))
		return weft__cmd_usage(LAB_NAME,
			"--server-cpus takes a list such as 0-3,6 of CPUs in %s, not \"%s\".",
			plan->all.text, server);
	if (load && !read_cpus(load, &plan->all.set, &plan->load.set))
		return weft__cmd_usage(LAB_NAME,
			"--load-cpus takes a list such as 0-3,6 of CPUs in %s, not \"%s\".",
			plan->all.text, load);
	name_cpus(&plan->server);
	name_cpus(&plan->load);
	return CMD_DONE;
}

const struct lab_cpus *weft__lab_server_cpus(
	const struct lab_plan *plan, const struct lab_workload *workload)
{
	return workload->has_all_cpus ? &plan->all : &plan->server;
}

const struct lab_cpus *weft__lab_load_cpus(
	const struct lab_plan *plan, const struct lab_workload *workload)
{
	return workload->has_all_cpus ? &plan->all : &plan->load;
}

/* ---- Commands ------------------------------------------------------------------------ */

static void add(struct lab_words *words, const char *word)
{
	if (words->count + 1 < LAB_WORDS_MAX)
		words->words[words->count++] = word;
	words->words[words->count] = NULL;
}

static void add_count(struct lab_words *words, const char *option, unsigned count)
{
	unsigned place = words->count;

	snprintf(words->numbers[place], sizeof(words->numbers[place]), "%u", count);
	add(words, option);
	add(words, words->numbers[place]);
}

static void add_seconds(struct lab_words *words, const char *option, int64_t duration_ns)
{
	unsigned place = words->count;

	snprintf(words->numbers[place], sizeof(words->numbers[place]), "%.3g",
		(double)duration_ns / 1e9);
	add(words, option);
	add(words, words->numbers[place]);
}

void weft__lab_server_words(struct lab_words *words, const struct lab_plan *plan,
	const struct lab_workload *workload, const struct lab_contender *contender,
	const char *folder)
{
	words->count = 0;
	add(words, "weft");
	if (workload->is_http) {
		add(words, "serve");
		add(words, folder ? folder : "DIR");
		add(words, "--http");
	} else {
		add(words, "echo");
	}
	add(words, "127.0.0.1:0");
	add(words, "--model");
	add(words, contender->model);
	if (contender->driver) {
		add(words, "--driver");
		add(words, contender->driver);
		add_count(words, "--workers", weft__lab_server_cpus(plan, workload)->count);
	}
	if (strcmp(contender->model, "pool") == 0 || strcmp(contender->model, "prefork") == 0)
		add_count(words, "--size", plan->size);
	if (workload->spin) {
		add(words, "--spin");
		add(words, workload->spin);
	}
	add(words, "--grace");
	add(words, "0");
	add(words, "--json");
}

const char *weft__lab_level_text(
	const struct lab_workload *workload, unsigned level, char text[static 64])
{
	const char *hole = strstr(workload->level_is, "%s");

	snprintf(text, 64, "%u %.*s%s%s", level, (int)(hole - workload->level_is),
		workload->level_is, level == 1 ? "" : "s", hole + 2);
	return text;
}

unsigned weft__lab_connections(const struct lab_workload *workload, unsigned level)
{
	return workload->crowd == LAB_NO_CROWD ? level : level + LAB_ACTIVE;
}

void weft__lab_load_words(struct lab_words *words, const struct lab_plan *plan,
	const struct lab_workload *workload, const struct lab_load *load)
{
	unsigned cpus = weft__lab_load_cpus(plan, workload)->count;
	unsigned active = workload->crowd == LAB_NO_CROWD ? load->level : LAB_ACTIVE;

	words->count = 0;
	add(words, "weft");
	add(words, "load");
	add(words, load->target);
	add_count(words, "--connections", active);
	if (workload->crowd == LAB_IDLE_CROWD)
		add_count(words, "--idle", load->level);
	if (workload->crowd == LAB_SLOW_CROWD)
		add_count(words, "--slow", load->level);
	if (workload->is_new_each)
		add(words, "--new-connections");
	if (load->rate > 0)
		add_count(words, "--rate", load->rate < 1 ? 1 : (unsigned)load->rate);
	/* A generator with more threads than the connections has idle ones. */
	add_count(words, "--workers", cpus < active ? cpus : active);
	add_seconds(words, "--timeout", plan->timeout_ns);
	if (load->is_for_memory) {
		add(words, "--duration");
		add(words, "60");
	} else {
		add_seconds(words, "--warmup", weft__lab_warmup_ns(plan, load->level));
		add_seconds(words, "--duration", load->duration_ns);
	}
	add(words, "--json");
}

/* ---- Time --------------------------------------------------------------------------- */

int64_t weft__lab_warmup_ns(const struct lab_plan *plan, unsigned level)
{
	return plan->warmup_ns + level * WARMUP_EACH_NS;
}

int64_t weft__lab_estimate(const struct lab_plan *plan)
{
	int64_t level_ns = 0;

	if (plan->budget_ns)
		return plan->budget_ns;
	for (unsigned i = 0; i < plan->level_count; i++) {
		int64_t loop_ns = plan->duration_ns + weft__lab_warmup_ns(plan, plan->levels[i]);

		level_ns += plan->rounds * (2 * loop_ns + VISIT_EXTRA_NS) + VISIT_EXTRA_NS;
	}
	return level_ns * plan->workload_count * plan->contender_count;
}
