/*
 * serve_disk.c - `weft serve` says when a disk of its own has become full, and when it has space
 * again: who puts files or talks is told by each door (507, 552, FULL), whoever runs it by nobody.
 *
 * Entry points: weft__serve_disk_begin(), weft__serve_disk_end().
 *
 * It looks now and then, so a disk is told of once in that time at most, however many are refused.
 *
 * Never: a reason not to serve.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "serve.h"
#include "weft/fiber.h"
#include "weft/offload.h"

/** So often. */
#define EVERY_NS WEFT_SECONDS(5)

/** Full is one with less than this, or a hundredth; well again one with twice as much. */
#define LEAST_BYTES ((uint64_t)1 << 20)

/** Once is an upload that is refused in a moment, and gives its space back. */
#define LACKS 2

#define DISKS_MAX 2

struct disk {
	const char *folder;
	bool is_full;
	unsigned lacks; /* looks in a row that found it full */
};

struct serve_disks {
	struct disk disks[DISKS_MAX];
	unsigned count;
	weft_fiber_id fiber;
};

static void look_at(struct disk *disk)
{
	struct statvfs facts;
	uint64_t free_bytes, least;

	if (statvfs(disk->folder, &facts) < 0 || facts.f_blocks == 0)
		return;
	free_bytes = (uint64_t)facts.f_bavail * facts.f_frsize;
	least = (uint64_t)facts.f_blocks * facts.f_frsize / 100;
	least = least < LEAST_BYTES ? least : LEAST_BYTES;
	disk->lacks = free_bytes < least ? disk->lacks + 1 : 0;
	if (!disk->is_full && disk->lacks >= LACKS) {
		disk->is_full = true;
		weft__cmd_fail(NAME,
			"the disk of %s is full: what needs space there is refused until there is "
			"some.",
			disk->folder);
	} else if (disk->is_full && free_bytes >= 2 * least) {
		disk->is_full = false;
		weft__cmd_fail(NAME, "the disk of %s has space again.", disk->folder);
	}
}

static int look_at_all(void *arg)
{
	struct serve_disks *own = arg;

	for (unsigned i = 0; i < own->count; i++)
		look_at(&own->disks[i]);
	return 0;
}

/* A disk that doesn't answer is waited for off the worker. */
static int watch(void *arg)
{
	do
		weft_offload(look_at_all, arg);
	while (weft_sleep(EVERY_NS) == 0);
	return 0;
}

static void add(struct serve_disks *own, const char *folder)
{
	struct stat one, other;

	for (unsigned i = 0; i < own->count; i++)
		if (stat(folder, &one) == 0 && stat(own->disks[i].folder, &other) == 0 &&
			one.st_dev == other.st_dev)
			return;
	own->disks[own->count++].folder = folder;
}

void weft__serve_disk_begin(struct serve *serve)
{
	const struct weft_spawn_options options = {.name = "disks"};
	const char *state = weft__serve_state_dir(serve);
	const char *model = weft_serve_model_at(serve->model);
	bool writes = serve->engine || weft_http_files_engine(serve->files);
	struct serve_disks *own = writes || state ? calloc(1, sizeof(*own)) : NULL;

	/* Processes that are forked would have the lock of a thread that is off with it. */
	if (!own || strcmp(model, "fork") == 0 || strcmp(model, "prefork") == 0) {
		free(own);
		return;
	}
	if (writes)
		add(own, serve->folder);
	if (state)
		add(own, state);
	own->fiber = weft_spawn_with(&options, watch, own);
	if (!own->fiber) {
		free(own);
		return;
	}
	serve->disks = own;
}

void weft__serve_disk_end(struct serve *serve)
{
	if (!serve->disks)
		return;
	weft_cancel(serve->disks->fiber);
	weft_join(serve->disks->fiber, NULL, WEFT_FOREVER);
	free(serve->disks);
	serve->disks = NULL;
}
