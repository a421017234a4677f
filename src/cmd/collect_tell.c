/*
 * collect_tell.c - what `weft collect` says of itself: where it listens, and what it has done.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "collect.h"
#include "service.h"

enum kind { TCP, UDP, UNIX, UNIX_DATAGRAM, KINDS };

static enum kind kind_of(const struct collect_door *door)
{
	if (door->udp)
		return UDP;
	if (door->box)
		return UNIX_DATAGRAM;
	return weft_address_family(weft_listener_address(door->listener)) == AF_UNIX ? UNIX : TCP;
}

/* ---- Where it listens ------------------------------------------------------------------- */

static void print_doors(const struct collect *collect)
{
	static const char *const labels[KINDS] = {"tcp", "udp", "unix", "datagram"};

	for (unsigned i = 0; i < collect->door_count; i++)
		printf("  %-8s %s\n", labels[kind_of(&collect->doors[i])], collect->doors[i].text);
	if (collect->reads_stdin)
		printf("  %-8s lines of the standard input\n", "stdin");
}

static void print_doors_json(const struct collect *collect)
{
	static const char *const names[KINDS] = {"tcp", "udp", "unix", "unix_dgram"};

	for (unsigned kind = 0; kind < KINDS; kind++) {
		const char *separator = "";

		printf("\"%s\": [", names[kind]);
		for (unsigned i = 0; i < collect->door_count; i++) {
			if (kind_of(&collect->doors[i]) != kind)
				continue;
			fputs(separator, stdout);
			weft__cmd_print_json_text(collect->doors[i].text);
			separator = ", ";
		}
		printf("], ");
	}
}

void weft__collect_print_facts(const struct collect *collect)
{
	if (collect->is_json) {
		printf("{\"file\": ");
		weft__cmd_print_json_text(collect->file_options.path);
		printf(", ");
		print_doors_json(collect);
		printf("\"stdin\": %s, \"workers\": %u, \"driver\": \"%s\"}\n",
			collect->reads_stdin ? "true" : "false", weft_worker_count(),
			weft_driver_name());
	} else {
		puts("weft " WEFT_VERSION " collects");
		printf("  %-8s ", "file");
		weft__cmd_print_visible(collect->file_options.path, 0);
		putchar('\n');
		print_doors(collect);
		printf("  %-8s %u (driver %s)\n", "workers", weft_worker_count(),
			weft_driver_name());
		printf("  %-8s Ctrl-C\n", "stop");
	}
	fflush(stdout);
}

/* ---- What it has done ------------------------------------------------------------------- */

void weft__collect_print_counts(const struct collect *collect)
{
	const struct collect_counts *counts = &collect->counts;
	const struct {
		const char *key, *words;
		uint64_t count;
	} all[] = {
		{"lines", "lines written", counts->lines},
		{"bytes", "bytes written", counts->bytes},
		{"connections", "connections", counts->connections},
		{"udp_dropped", "datagrams dropped by the kernel", counts->udp_dropped},
		{"cut", "messages cut, being too long", counts->cut},
		{"dropped_bytes", "bytes of those dropped", counts->dropped_bytes},
		{"unfinished", "messages unfinished", counts->unfinished},
		{"no_count", "messages without the octet count", counts->no_count},
		{"rotations", "files begun anew", counts->rotations},
		{"stalls", "times the file could not be written", counts->stalls},
		{"lost", "lines lost", counts->lost},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (collect->is_json)
			printf("%s\"%s\": %" PRIu64, i ? ", " : "{", all[i].key, all[i].count);
		else if (all[i].count > 0 || i == 0)
			printf("%12" PRIu64 " %s\n", all[i].count, all[i].words);
	}
	if (collect->is_json)
		puts("}");
	fflush(stdout);
}
