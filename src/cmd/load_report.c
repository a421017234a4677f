/*
 * load_report.c - what came of a run of `weft load`, as text like wrk's and as JSON.
 *
 * Entry points: weft__load_report_start, weft__load_report.
 * Never: a byte from outside that is printed unescaped.
 */
#include "load.h"

#include <stdio.h>
#include <string.h>

#include "service.h"

/** Share of its CPUs from which on the generator may have been what was slow. */
#define BUSY_SHARE 0.95

const char *const weft__load_error_names[LOAD_ERROR_COUNT] = {
	"connect", "read", "write", "timeout", "status", "protocol", "mismatch"};

static const struct {
	double percent;
	const char *json_name;
} percentiles[] = {
	{50, "p50"},
	{75, "p75"},
	{90, "p90"},
	{95, "p95"},
	{99, "p99"},
	{99.9, "p99.9"},
	{99.99, "p99.99"},
};

#define PERCENTILE_COUNT (sizeof(percentiles) / sizeof(percentiles[0]))

/** All places added up. */
struct sum {
	struct load_counts counts;
	struct weft_histogram *latency; /* the first worker's, with the others merged into it */
	const char *first_error;        /* NULL: none */
	double seconds;
	double busy; /* share of the workers' CPUs that this process used */
};

/* ---- Adding up ---------------------------------------------------------------------------- */

static void add_counts(struct load_counts *counts, const struct load_counts *other)
{
	counts->requests += other->requests;
	counts->unfinished += other->unfinished;
	counts->opened += other->opened;
	counts->bytes_in += other->bytes_in;
	counts->bytes_out += other->bytes_out;
	counts->slow_requests += other->slow_requests;
	counts->slow_errors += other->slow_errors;
	for (unsigned i = 0; i < LOAD_ERROR_COUNT; i++)
		counts->errors[i] += other->errors[i];
}

static struct sum add_up(const struct load *load)
{
	struct sum sum = {.latency = load->workers[0].latency};
	int64_t first_ns = INT64_MAX;

	for (unsigned i = 0; i < load->run.workers; i++) {
		const struct load_worker *worker = &load->workers[i];

		add_counts(&sum.counts, &worker->counts);
		if (i > 0)
			weft_histogram_merge(sum.latency, worker->latency);
		if (worker->first_error_ns < first_ns) {
			first_ns = worker->first_error_ns;
			sum.first_error = worker->first_error;
		}
	}
	if (load->end_ns > load->begin_ns)
		sum.seconds = (double)(load->end_ns - load->begin_ns) / 1e9;
	if (sum.seconds > 0)
		sum.busy = (double)load->cpu_ns / 1e9 / sum.seconds / load->run.workers;
	return sum;
}

static double per_second(const struct sum *sum, uint64_t count)
{
	return sum->seconds > 0 ? (double)count / sum->seconds : 0;
}

/* ---- Text ---------------------------------------------------------------------------------- */

/* A duration in two to five digits and a unit, in at most 10 columns. */
static const char *duration_text(double ns, char text[static 24])
{
	if (ns < 1e3)
		snprintf(text, 24, "%.0fns", ns);
	else if (ns < 1e6)
		snprintf(text, 24, "%.2fus", ns / 1e3);
	else if (ns < 1e9)
		snprintf(text, 24, "%.2fms", ns / 1e6);
	else
		snprintf(text, 24, "%.2fs", ns / 1e9);
	return text;
}

static const char *bytes_text(double bytes, char text[static 24])
{
	static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
	unsigned unit = 0;

	for (; bytes >= 1024 && unit < 4; unit++)
		bytes /= 1024;
	snprintf(text, 24, "%.2f%s", bytes, units[unit]);
	return text;
}

static void print_distribution(const struct weft_histogram *latency)
{
	char text[24];

	puts("  Latency distribution");
	for (size_t i = 0; i < PERCENTILE_COUNT; i++)
		printf("  %7.4g%% %10s\n", percentiles[i].percent,
			duration_text(
				(double)weft_histogram_percentile(latency, percentiles[i].percent),
				text));
}

/* As HdrHistogram prints it: each line halves what is left to 100 %, in five steps. */
static void print_detailed(const struct weft_histogram *latency)
{
	uint64_t count = weft_histogram_count(latency);

	puts("  Detailed percentiles\n"
	     "     Value, us    Percentile   Total count   1/(1-Percentile)");
	for (double left = 1; left * (double)count >= 0.5; left /= 2) {
		for (unsigned step = 0; step < 5; step++) {
			double share = 1 - left * (10 - step) / 10;
			int64_t value = weft_histogram_percentile(latency, share * 100);

			printf("  %12.3f  %12.9f  %12llu  %17.2f\n", (double)value / 1e3, share,
				(unsigned long long)weft_histogram_count_up_to(latency, value),
				1 / (1 - share));
		}
	}
	printf("  %12.3f  %12.9f  %12llu                inf\n",
		(double)weft_histogram_max(latency) / 1e3, 1.0, (unsigned long long)count);
}

static void print_latency(const struct sum *sum)
{
	const struct weft_histogram *latency = sum->latency;
	double mean = weft_histogram_mean(latency), stdev = weft_histogram_stdev(latency);
	uint64_t within =
		weft_histogram_count_up_to(latency, (int64_t)(mean + stdev)) -
		(mean > stdev + 1 ? weft_histogram_count_up_to(latency, (int64_t)(mean - stdev) - 1)
				  : 0);
	uint64_t count = weft_histogram_count(latency);
	char text[4][24];

	puts("               Avg      Stdev        Max   +/- Stdev");
	printf("  Latency %10s %10s %10s %10.2f%%\n", duration_text(mean, text[0]),
		duration_text(stdev, text[1]),
		duration_text((double)weft_histogram_max(latency), text[2]),
		count ? 100.0 * (double)within / (double)count : 0);
}

static void print_errors(const struct load *load, const struct sum *sum)
{
	const uint64_t *errors = sum->counts.errors;

	if (errors[LOAD_CONNECT] + errors[LOAD_READ] + errors[LOAD_WRITE] + errors[LOAD_TIMEOUT])
		printf("  Socket errors: connect %llu, read %llu, write %llu, timeout %llu\n",
			(unsigned long long)errors[LOAD_CONNECT],
			(unsigned long long)errors[LOAD_READ],
			(unsigned long long)errors[LOAD_WRITE],
			(unsigned long long)errors[LOAD_TIMEOUT]);
	if (errors[LOAD_STATUS])
		printf("  Non-2xx or 3xx responses: %llu\n",
			(unsigned long long)errors[LOAD_STATUS]);
	if (errors[LOAD_PROTOCOL])
		printf("  Malformed responses: %llu\n", (unsigned long long)errors[LOAD_PROTOCOL]);
	if (errors[LOAD_MISMATCH])
		printf("  Wrong echoes: %llu\n", (unsigned long long)errors[LOAD_MISMATCH]);
	if (sum->first_error)
		printf("  First error: %s\n", sum->first_error);
	if (sum->counts.unfinished && load->rate)
		printf("  Due and not answered at the end: %llu (in the latency, as far as they "
		       "waited)\n",
			(unsigned long long)sum->counts.unfinished);
}

static void print_crowd(const struct load *load, const struct sum *sum)
{
	if (load->idle)
		printf("  %u idle connections, of which %u were opened and %u open at the end\n",
			load->idle, load->idle_open, load->idle_left);
	if (load->slow)
		printf("  %u slow connections: %llu requests, %llu errors\n", load->slow,
			(unsigned long long)sum->counts.slow_requests,
			(unsigned long long)sum->counts.slow_errors);
}

static void print_text(const struct load *load, const struct sum *sum)
{
	char text[24];

	print_latency(sum);
	print_distribution(sum->latency);
	if (load->is_detailed)
		print_detailed(sum->latency);
	printf("  %llu requests in %.2fs, %s read, %llu connections opened\n",
		(unsigned long long)sum->counts.requests, sum->seconds,
		bytes_text((double)sum->counts.bytes_in, text),
		(unsigned long long)sum->counts.opened);
	print_crowd(load, sum);
	print_errors(load, sum);
	if (sum->busy >= BUSY_SHARE)
		printf("  weft load used %.0f %% of its %u worker%s: it may be what was slow; try "
		       "--workers %u\n",
			100 * sum->busy, load->run.workers, load->run.workers > 1 ? "s" : "",
			load->run.workers + 1);
	printf("Requests/sec: %11.2f\n", per_second(sum, sum->counts.requests));
	printf("Transfer/sec: %11s\n", bytes_text(per_second(sum, sum->counts.bytes_in), text));
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void print_json_head(const struct load *load)
{
	printf("{\"target\": ");
	weft__cmd_print_json_text(load->target.text);
	printf(", \"kind\": \"%s\", \"loop\": \"%s\", \"rate\": %u",
		load->target.is_http ? "http" : "echo", load->rate ? "open" : "closed", load->rate);
	printf(", \"connections\": %u, \"pipeline\": %u, \"workers\": %u, \"driver\": \"%s\"",
		load->connections, load->pipeline, load->run.workers, weft_driver_name());
}

static void print_json_latency(const struct weft_histogram *latency)
{
	printf(", \"latency_ns\": {\"count\": %llu, \"min\": %lld, \"mean\": %.0f, \"stdev\": %.0f",
		(unsigned long long)weft_histogram_count(latency),
		(long long)weft_histogram_min(latency), weft_histogram_mean(latency),
		weft_histogram_stdev(latency));
	for (size_t i = 0; i < PERCENTILE_COUNT; i++)
		printf(", \"%s\": %lld", percentiles[i].json_name,
			(long long)weft_histogram_percentile(latency, percentiles[i].percent));
	printf(", \"max\": %lld}", (long long)weft_histogram_max(latency));
}

static void print_json_errors(const struct sum *sum)
{
	uint64_t all = 0;

	printf(", \"errors\": {");
	for (unsigned i = 0; i < LOAD_ERROR_COUNT; i++) {
		printf("\"%s\": %llu, ", weft__load_error_names[i],
			(unsigned long long)sum->counts.errors[i]);
		all += sum->counts.errors[i];
	}
	printf("\"all\": %llu}, \"first_error\": ", (unsigned long long)all);
	if (sum->first_error)
		weft__cmd_print_json_text(sum->first_error);
	else
		printf("null");
}

static void print_json(const struct load *load, const struct sum *sum)
{
	const struct load_counts *counts = &sum->counts;

	print_json_head(load);
	printf(", \"connections_open\": %u, \"connections_opened\": %llu", load->open_at_start,
		(unsigned long long)counts->opened);
	printf(", \"duration_s\": %.6f, \"requests\": %llu, \"requests_per_s\": %.3f", sum->seconds,
		(unsigned long long)counts->requests, per_second(sum, counts->requests));
	printf(", \"unfinished\": %llu, \"bytes_in\": %llu, \"bytes_out\": %llu",
		(unsigned long long)counts->unfinished, (unsigned long long)counts->bytes_in,
		(unsigned long long)counts->bytes_out);
	print_json_latency(sum->latency);
	print_json_errors(sum);
	printf(", \"idle\": {\"wanted\": %u, \"opened\": %u, \"open\": %u}", load->idle,
		load->idle_open, load->idle_left);
	printf(", \"slow\": {\"connections\": %u, \"requests\": %llu, \"errors\": %llu}",
		load->slow, (unsigned long long)counts->slow_requests,
		(unsigned long long)counts->slow_errors);
	printf(", \"cpu_s\": %.6f, \"busy\": %.4f, \"is_stopped\": %s}\n",
		(double)load->cpu_ns / 1e9, sum->busy, load->is_stopped ? "true" : "false");
}

/* ---- Entry points -----------------------------------------------------------------------------
 */

void weft__load_report_start(const struct load *load)
{
	if (load->is_json)
		return;
	if (load->duration_ns < WEFT_HISTOGRAM_MAX_NS * 24)
		printf("Running %.4gs test", (double)load->duration_ns / 1e9);
	else
		printf("Running %u requests", load->requests);
	printf(" @ %s\n  %u worker%s and %u connection%s, ", load->target.text, load->run.workers,
		load->run.workers > 1 ? "s" : "", load->connections,
		load->connections > 1 ? "s" : "");
	if (load->rate)
		printf("open loop at %u requests/s\n", load->rate);
	else
		puts("closed loop");
	fflush(stdout);
}

int weft__load_report(const struct load *load)
{
	struct sum sum = add_up(load);

	if (load->is_json)
		print_json(load, &sum);
	else
		print_text(load, &sum);
	fflush(stdout);
	if (sum.counts.requests > 0 || load->is_stopped)
		return CMD_DONE;
	return weft__cmd_fail(LOAD_NAME, "there was not one answer%s%s.",
		sum.first_error ? ": " : "", sum.first_error ? sum.first_error : "");
}
