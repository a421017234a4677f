/*
 * sweeps.h - weft_segment_sweep() takes what any process has left, and several tests run at once:
 * cases that leave names take turns with those that sweep.
 */
#ifndef TESTS_PROCESS_SWEEPS_H
#define TESTS_PROCESS_SWEEPS_H

#include <fcntl.h>
#include <sys/file.h>

#include "check.h"

/* LOCK_SH: no other test sweeps until the case ends. LOCK_EX: nor leaves anything, so we may. */
static inline void keep_sweeps_out(int how)
{
	static int folder = -1, held;

	if (held == how || held == LOCK_EX)
		return;
	held = how;
	if (folder < 0)
		folder = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(folder >= 0);
	CHECK_INT(flock(folder, how), ==, 0);
}

#endif
