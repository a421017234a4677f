/*
 * timing.c - see timing.h.
 *
 * Entry points: timing_run().
 */
#include "timing.h"

#include <string.h>
#include <unistd.h>

#define ROUNDS_DEFAULT 7
#define CONTENDERS     3

enum contender {
	YARDSTICK,
	WEFT,
	PEER, /* may be missing */
};

struct timed {
	char path[PATH_MAX + 32];
	struct program program;
	double samples[BENCH_MEASURES_MAX][BENCH_ROUNDS_MAX];
};

static void timed_init(struct timed *timed, const struct bench *bench,
	const char *const words[TIMING_WORDS], const struct timing *timing)
{
	memset(timed, 0, sizeof(*timed));
	snprintf(timed->path, sizeof(timed->path), "%s/%s", bench->build_dir, words[0]);
	timed->program.argv[0] = timed->path;
	for (int i = 1; i < TIMING_WORDS; i++)
		timed->program.argv[i] = words[i];
	timed->program.cpus = timing->needs_all_cpus ? &bench->all_cpus : &bench->server_cpu;
}

static int time_once(struct timed *timed, const struct timing *timing, unsigned round)
{
	double numbers[BENCH_MEASURES_MAX];

	if (program_time(&timed->program, numbers, timing->row_count) < 0) {
		fprintf(stderr, "weft-bench: %s: no figure from %s\n", timing->subject,
			timed->path);
		return -1;
	}
	for (size_t i = 0; i < timing->row_count; i++)
		timed->samples[i][round] = numbers[i];
	return 0;
}

/* Round 0 is run twice: the first time fetches the memory that the machine hands out slowly. */
static int time_rounds(
	struct timed *timed, size_t count, const struct timing *timing, unsigned rounds)
{
	for (unsigned turn = 0; turn <= rounds; turn++) {
		unsigned round = turn ? turn - 1 : 0;

		for (size_t i = 0; i < count; i++)
			if (time_once(&timed[bench_turn(turn, i, count)], timing, round) < 0)
				return -1;
	}
	return 0;
}

/* One contender's figures against the yardstick's; weft's have bounds. */
static void report(struct bench *bench, const struct timing *timing, struct timed *timed,
	enum contender contender, unsigned rounds)
{
	for (size_t i = 0; i < timing->row_count; i++) {
		const struct row *row = &timing->rows[i];
		double *values = timed[contender].samples[i];
		double *yardsticks = timed[YARDSTICK].samples[i];
		struct figure figure = {.unit = row->unit};

		figure.ratio = bench_median_ratio(values, yardsticks, rounds);
		figure.value = bench_median(values, rounds);
		figure.yardstick = bench_median(yardsticks, rounds);
		if (contender == WEFT)
			figure.bound = row->bound;
		snprintf(figure.name, sizeof(figure.name), "%s%s%s", row->name,
			contender == PEER ? "." : "", contender == PEER ? timing->peer_name : "");
		report_add(&bench->report, &figure);
	}
}

static bool has_peer(const struct bench *bench, const struct timing *timing, struct timed *peer)
{
	if (!timing->peer_name || bench->without_peers)
		return false;
	peers_build(bench);
	timed_init(peer, bench, timing->peer, timing);
	return access(peer->path, X_OK) == 0;
}

int timing_run(struct bench *bench, const struct timing *timings, const struct subject *subject)
{
	static struct timed timed[CONTENDERS];
	const struct timing *timing = timings;
	size_t first = bench->report.count, count;
	unsigned rounds;

	while (strcmp(timing->subject, subject->name) != 0)
		timing++;
	rounds = bench->rounds ? bench->rounds : timing->rounds ? timing->rounds : ROUNDS_DEFAULT;
	timed_init(&timed[YARDSTICK], bench, timing->yardstick, timing);
	timed_init(&timed[WEFT], bench, timing->weft, timing);
	count = has_peer(bench, timing, &timed[PEER]) ? 3 : 2;
	if (time_rounds(timed, count, timing, rounds) < 0)
		return -1;
	for (enum contender i = WEFT; i < count; i++)
		report(bench, timing, timed, i, rounds);
	report_print_subject(&bench->report, first);
	return 0;
}
