/*
 * lineage.c - whether chat.db is the one that was here last: one that was put back from a backup
 * gives numbers out a second time, so its rooms begin anew (another epoch), and clients with them.
 *
 *	chat.db, lineage	mark, given: numbers that were given out, ever
 *	chat.db-last		mark, given: as of the last transaction that was written
 *
 * Another mark, or fewer numbers than are known to have been given: it was put back. What is
 * beside the database lags behind it at most, by what a kill in between leaves; it is not synced
 * after each message, so that a crash of the machine may take it back as well: then only a backup
 * of the last moments before goes unseen. Whoever removes chat.db with all beside it removes this
 * as well, and whoever removes chat.db alone is seen by the mark.
 *
 * Entry points: weft__lineage_open(), weft__lineage_write(), weft__lineage_keep().
 * Never: ahead of the database.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "room/inside.h"
#include "weft/offload.h"
#include "weft/fiber.h"

/* Always as long: it is written over. */
#define FORM "%016" PRIx64 " %020" PRIu64 "\n"
#define SIZE 38

/* ---- Beside the database -------------------------------------------------------------------- */

static int open_file(void *arg)
{
	struct weft_rooms *rooms = arg;
	char *path;

	if (asprintf(&path, "%s/chat.db-last", rooms->options.dir) < 0) {
		errno = ENOMEM;
		return -1;
	}
	rooms->lineage.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	return rooms->lineage.fd < 0 ? -1 : 0;
}

/* Zeros, where there is nothing or it was not written to its end. */
static struct weft__lineage read_file(int fd)
{
	struct weft__lineage kept = {.fd = fd};
	char text[SIZE + 1] = "";

	if (pread(fd, text, SIZE, 0) != SIZE || text[SIZE - 1] != '\n' ||
		sscanf(text, "%16" SCNx64 " %20" SCNu64, &kept.mark, &kept.given) != 2)
		kept.mark = kept.given = 0;
	return kept;
}

static int write_file(const struct weft__lineage *lineage)
{
	char text[SIZE + 1];

	snprintf(text, sizeof(text), FORM, lineage->mark, lineage->given);
	return pwrite(lineage->fd, text, SIZE, 0) == SIZE ? 0 : -1;
}

static int keep(void *arg)
{
	return write_file(arg);
}

static int keep_safely(void *arg)
{
	const struct weft__lineage *lineage = arg;

	return write_file(lineage) < 0 || fsync(lineage->fd) < 0 ? -1 : 0;
}

/* ---- In it ---------------------------------------------------------------------------------- */

struct comparing {
	struct weft__lineage kept, *found;
};

static int take_lineage(const struct weft__value *columns, void *arg)
{
	struct weft__lineage *lineage = arg;

	lineage->mark = (uint64_t)columns[0].number;
	lineage->given = (uint64_t)columns[1].number;
	return 0;
}

static bool is_put_back(const struct weft__lineage *found, const struct weft__lineage *kept)
{
	/* Nobody has ever looked: a new one, or one of a weft that did not. */
	if (!found->mark && !kept->mark)
		return false;
	return found->mark != kept->mark || found->given < kept->given;
}

static int compare(struct weft__tx *tx, void *arg)
{
	const struct comparing *comparing = arg;
	struct weft__lineage *found = comparing->found;
	bool is_back;

	if (weft__tx_read(tx, (struct weft__reader){take_lineage, found},
		    "SELECT mark, given FROM lineage", "") < 0)
		return -1;
	is_back = is_put_back(found, &comparing->kept);
	if (found->mark && !is_back)
		return 0;
	found->mark = (weft_random() & INT64_MAX) | 1;
	if (is_back &&
		weft__tx_run(tx, "UPDATE rooms SET epoch = (random() & 2147483647) | 1", "") < 0)
		return -1;
	return weft__tx_run(tx, "UPDATE lineage SET mark = ?1", "i", (int64_t)found->mark) < 0 ? -1
											       : 0;
}

int weft__lineage_open(struct weft_rooms *rooms)
{
	struct comparing comparing = {.found = &rooms->lineage};

	if (weft_offload_as(WEFT_OFFLOAD_FILE, open_file, rooms) < 0)
		return -1;
	comparing.kept = read_file(rooms->lineage.fd);
	if (weft__store_transact(rooms->store, WEFT__TX_WRITE, compare, &comparing) < 0)
		return -1;
	return weft_offload_as(WEFT_OFFLOAD_FILE, keep_safely, &rooms->lineage);
}

int weft__lineage_write(struct weft__tx *tx, const struct weft_rooms *rooms, uint64_t count)
{
	if (rooms->lineage.fd < 0 || count == 0)
		return 0;
	return weft__tx_run(tx, "UPDATE lineage SET given = given + ?1", "i", (int64_t)count) < 0
		       ? -1
		       : 0;
}

void weft__lineage_keep(struct weft_rooms *rooms, uint64_t count)
{
	if (rooms->lineage.fd < 0 || count == 0)
		return;
	rooms->lineage.given += count;
	/* What fails here only makes it lag. */
	weft_offload_as(WEFT_OFFLOAD_FILE, keep, &rooms->lineage);
}
