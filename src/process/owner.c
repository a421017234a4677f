/*
 * owner.c - a process as the 31 bits that a lock in shared memory has room for, and whether it
 * still lives.
 *
 *	30          22 21                 0
 *	+-------------+--------------------+
 *	| of its start | process id         |	a hash of its start time, 1 to 511; 0: unknown
 *	+-------------+--------------------+
 *
 * Another process that has got the id of a dead one is thus taken for it once in 511 times, and
 * then only until it ends, too.
 *
 * Must never: take a living process for a dead one. What can't be found out counts as alive.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/word.h"

/** Fields between the name, which ends with the last ')', and the start time: proc(5), 3 to 22. */
#define FIELDS_BEFORE_START 19

#define START_SHIFT 55 /* of 64 bits, to 9 */

static _Atomic uint32_t self;

/* Whether numbers below /proc are ours: they are those of the pid namespace that it was mounted in,
 * and elsewhere other processes have them. */
static bool is_our_proc(void)
{
	char text[16];
	ssize_t len = readlink("/proc/self", text, sizeof text - 1);

	if (len <= 0)
		return false;
	text[len] = '\0';
	return strtol(text, NULL, 10) == getpid();
}

/* Of /proc/PID/stat; 0: it can't be had. */
static uint32_t start_hash(pid_t pid)
{
	char path[32], text[1024];
	const char *place;
	ssize_t len;
	uint64_t hash;
	int fd;

	if (!is_our_proc())
		return 0;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	len = read(fd, text, sizeof text - 1);
	close(fd);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	place = strrchr(text, ')');
	for (int i = 0; place && i <= FIELDS_BEFORE_START; i++)
		place = strchr(place + 1, ' ');
	if (!place)
		return 0;
	hash = strtoull(place, NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) >> START_SHIFT;
	return hash ? (uint32_t)hash : 1;
}

static void forget(void)
{
	atomic_store(&self, 0);
}

static void prepare(void)
{
	pthread_atfork(NULL, NULL, forget);
}

static uint32_t find_self(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int saved_errno = errno;
	pid_t pid = getpid();
	uint32_t found = (uint32_t)pid | start_hash(pid) << WEFT__OWNER_PID_BITS;

	pthread_once(&once, prepare);
	atomic_store(&self, found);
	errno = saved_errno;
	return found;
}

uint32_t weft__owner_self(void)
{
	uint32_t known = atomic_load_explicit(&self, memory_order_relaxed);

	return known ? known : find_self();
}

/* Without a descriptor: of another's child, only that nobody has the number. */
static bool has_ended_for_all_we_know(pid_t pid)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
		return info.si_pid == pid;
	return kill(pid, 0) < 0 && errno == ESRCH;
}

/* Its descriptor says whether all of its threads have ended; a state of Z says so of one. */
static bool has_ended(pid_t pid)
{
	struct pollfd set = {.events = POLLIN};
	bool is_over;

	set.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (set.fd < 0) {
		/* EINVAL and ENOENT: the number is a thread's of another process by now. */
		if (errno == ESRCH || errno == EINVAL || errno == ENOENT)
			return true;
		return has_ended_for_all_we_know(pid);
	}
	is_over = poll(&set, 1, 0) > 0;
	close(set.fd);
	return is_over;
}

bool weft__owner_is_dead(uint32_t owner)
{
	pid_t pid = weft__owner_pid(owner);
	uint32_t start = (owner & WEFT__OWNER_MASK) >> WEFT__OWNER_PID_BITS, found;
	int saved_errno = errno;
	bool is_dead;

	if (pid <= 0 || owner == weft__owner_self())
		return pid <= 0;
	is_dead = has_ended(pid);
	if (!is_dead && start) {
		found = start_hash(pid);
		is_dead = found && found != start;
	}
	errno = saved_errno;
	return is_dead;
}
