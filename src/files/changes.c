/*
 * changes.c - what is under way between a change on the disk and its being charged to somebody, so
 * that what each has stored can be counted while others go on (usage.c).
 *
 *	a change	begin -> disk -> settled -> end
 *	a count		looks at all files -> waits for the changes that were under way then
 *
 * What a count has seen of a change is charged by then, or it is told: whoever keeps what is
 * charged sees that it was. What was only moved is charged to nobody, and may have been seen twice
 * or not at all: so moves are counted, and who counts while there were some counts again.
 *
 * Without a lock: a process may be forked at any moment.
 *
 * Entry points: weft__change_begin(), _end(), _end_move(); weft__changes_wait().
 * Never: waits for what begins later.
 */
#include <assert.h>
#include <errno.h>

#include "files/files.h"
#include "weft/fiber.h"

/** So often it is looked whether they have ended. */
#define LOOK_NS WEFT_MILLISECONDS(2)

unsigned weft__change_begin(struct weft_files *files)
{
	struct weft__changes *changes = &files->changes;
	unsigned turn;

	for (;;) {
		turn = atomic_load(&changes->turn);
		atomic_fetch_add(&changes->under_way[turn], 1);
		/* Else who waits for that turn's end may have looked already. */
		if (atomic_load(&changes->turn) == turn)
			return turn;
		atomic_fetch_sub(&changes->under_way[turn], 1);
	}
}

void weft__change_end(struct weft_files *files, unsigned turn)
{
	unsigned before = atomic_fetch_sub(&files->changes.under_way[turn], 1);

	assert(before > 0);
}

void weft__change_moves(struct weft_files *files)
{
	atomic_fetch_add(&files->changes.moves, 1);
}

/* What was refused has moved nothing: else nobody could ever count while some are refused. */
static bool is_refusal(int code)
{
	switch (code) {
	case EACCES:
	case EPERM:
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case EEXIST:
	case EBUSY:
	case EINVAL:
	case ELOOP:
	case ENAMETOOLONG:
	case ENOTSUP:
		return true;
	default:
		return false;
	}
}

void weft__change_end_move(struct weft_files *files, unsigned turn, int result)
{
	if (result == 0 || !is_refusal(errno))
		weft__change_moves(files);
	weft__change_end(files, turn);
}

int weft__changes_wait(struct weft_files *files)
{
	struct weft__changes *changes = &files->changes;
	unsigned turn = atomic_load(&changes->turn);

	atomic_store(&changes->turn, !turn);
	while (atomic_load(&changes->under_way[turn]) > 0)
		if (weft_sleep(LOOK_NS) < 0)
			return -1;
	return 0;
}
