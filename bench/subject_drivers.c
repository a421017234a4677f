/*
 * subject_drivers.c - every driver at the same echo, over ever more idle connections.
 *
 * Entry points: bench_driver_subjects.
 * 16 connections ask; what the others cost, which are only open, is the difference
 * between the subjects. select has no place for a descriptor above FD_SETSIZE.
 */
#include "race.h"

#include <string.h>
#include <sys/select.h>

#include "weft/fiber.h"

#define ASKING 16

static void add_drivers(struct race *race, const struct bench *bench, unsigned connections)
{
	const char *name;

	snprintf(race->weft_path, sizeof(race->weft_path), "%s/weft-bench", bench->build_dir);
	for (size_t i = 0; (name = weft_driver_at(i)); i++) {
		const char *const words[] = {race->weft_path, "--child", "echo", name, NULL};

		if (strcmp(name, "select") != 0 || connections < FD_SETSIZE)
			race_add(race, name, words);
	}
}

static int run(struct bench *bench, const char *subject, unsigned connections)
{
	static struct race race; /* large, and one at a time */
	bool is_whole;

	race = (struct race){
		.kind = LOAD_ECHO, .connections = ASKING, .idle = connections - ASKING};
	race_init(&race, bench, "echo_epoll");
	add_drivers(&race, bench, connections);
	is_whole = race_run(&race, bench, race.count);
	for (size_t i = 1; i < race.count; i++)
		if (race_has(&race, i))
			race_report(&race, &bench->report, subject, i, NULL);
	if (!bench->report.is_json)
		race_print(&race);
	race_fini(&race);
	return is_whole ? 0 : -1;
}

static int run_64(struct bench *bench, const struct subject *subject)
{
	return run(bench, subject->name, 64);
}

static int run_512(struct bench *bench, const struct subject *subject)
{
	return run(bench, subject->name, 512);
}

static int run_10000(struct bench *bench, const struct subject *subject)
{
	return run(bench, subject->name, 10000);
}

const struct subject bench_driver_subjects[] = {
	{"drivers-64", "echo over 64 connections, 16 of them asking, by each driver", run_64},
	{"drivers-512", "the same over 512", run_512},
	{"drivers-10000", "the same over 10,000", run_10000},
	{NULL, NULL, NULL},
};
