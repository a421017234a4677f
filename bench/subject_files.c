/*
 * subject_files.c - small files put for good: written, synced, named, and their folder synced.
 *
 * Entry points: bench_files_subjects.
 */
#include <stdlib.h>

#include "timing.h"

/** Where the contenders put their files: limit/files.h. */
#define FILES_ROOM "WEFT_BENCH_ROOM"

static const struct timing timings[] = {
	{
		.subject = "files-put",
		.yardstick = {"limit/files_put"},
		.weft = {"weft-bench", "--child", "files"},
		.rounds = 5,
		.needs_all_cpus = true,
		.row_count = 2,
		.rows = {{"files-put", "/s", {BOUND_RATIO_MIN, 10}},
			{"files-put.cpu", "ns", {BOUND_NONE, 0}}},
	},
	{
		.subject = "files-put-threads",
		.yardstick = {"limit/files_put", "64"},
		.weft = {"weft-bench", "--child", "files"},
		.rounds = 5,
		.needs_all_cpus = true,
		.row_count = 2,
		.rows = {{"files-put-threads", "/s", {BOUND_NONE, 0}},
			{"files-put-threads.cpu", "ns", {BOUND_NONE, 0}}},
	},
	{
		.subject = "files-put-one",
		.yardstick = {"limit/files_put"},
		.weft = {"weft-bench", "--child", "files", "1"},
		.rounds = 5,
		.needs_all_cpus = true,
		.row_count = 2,
		.rows = {{"files-put-one", "/s", {BOUND_NONE, 0}},
			{"files-put-one.cpu", "ns", {BOUND_NONE, 0}}},
	},
};

/* Of all contenders, for as long as weft-bench runs: see limit/files.h. */
static char room[PATH_MAX];

static void remove_room(void)
{
	char output[PROGRAM_OUTPUT_MAX];
	const struct program rm = {.argv = {"rm", "-rf", "--", room}};

	program_output(&rm, output);
}

static int make_room(void)
{
	const char *base = getenv("WEFT_BENCH_DIR");

	if (room[0])
		return 0;
	snprintf(room, sizeof(room), "%s/weft-bench-XXXXXX", base ? base : "/var/tmp");
	if (!mkdtemp(room)) {
		perror("weft-bench: a folder");
		room[0] = '\0';
		return -1;
	}
	atexit(remove_room);
	return setenv(FILES_ROOM, room, 1);
}

static int run_timing(struct bench *bench, const struct subject *subject)
{
	if (make_room() < 0)
		return -1;
	return timing_run(bench, timings, subject);
}

const struct subject bench_files_subjects[] = {
	{"files-put", "durable files of 4 KiB from 64 fibers, and from a plain loop", run_timing},
	{"files-put-threads", "the same, and from 64 plain threads", run_timing},
	{"files-put-one", "the same from one fiber, and from a plain loop", run_timing},
	{NULL, NULL, NULL},
};
