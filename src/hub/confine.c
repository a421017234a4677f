/*
 * confine.c - which files and TCP ports a process can touch: Landlock (confine.h).
 *
 * Entry points: weft__hub_confine_files(), weft__hub_confine_dumps().
 *
 * A ruleset handles all rights that the kernel knows: what no rule allows is refused, with EACCES.
 * A rule is a folder, or a file, and what may be done there and below. The numbers stand here
 * because the kernel's headers are often older than the kernel.
 *
 * Never: allows running a program, or making a device.
 */
#include "confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Rights (linux/landlock.h) ------------------------------------------------------------ */

#define FS_EXECUTE     (1ULL << 0)
#define FS_WRITE_FILE  (1ULL << 1)
#define FS_READ_FILE   (1ULL << 2)
#define FS_READ_DIR    (1ULL << 3)
#define FS_REMOVE_DIR  (1ULL << 4)
#define FS_REMOVE_FILE (1ULL << 5)
#define FS_MAKE_CHAR   (1ULL << 6)
#define FS_MAKE_DIR    (1ULL << 7)
#define FS_MAKE_REG    (1ULL << 8)
#define FS_MAKE_SOCK   (1ULL << 9)
#define FS_MAKE_FIFO   (1ULL << 10)
#define FS_MAKE_BLOCK  (1ULL << 11)
#define FS_MAKE_SYM    (1ULL << 12)
#define FS_REFER       (1ULL << 13) /* version 2 */
#define FS_TRUNCATE    (1ULL << 14) /* version 3 */
#define FS_IOCTL_DEV   (1ULL << 15) /* version 5 */
#define NET_BIND       (1ULL << 0)  /* version 4 */
#define NET_CONNECT    (1ULL << 1)
#define SCOPE_ABSTRACT (1ULL << 0) /* version 6 */
#define SCOPE_SIGNAL   (1ULL << 1)

/* What a rule for a file that is no folder may have. */
#define OF_FILE (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

/* A moved pipe or socket is made where it goes: so all are here but devices. */
#define OF_READ (FS_READ_FILE | FS_READ_DIR)
#define OF_CHANGE                                                                               \
	(OF_READ | FS_WRITE_FILE | FS_TRUNCATE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | \
		FS_MAKE_REG | FS_MAKE_SOCK | FS_MAKE_FIFO | FS_MAKE_SYM | FS_REFER)
#define OF_APPEND (FS_WRITE_FILE | FS_MAKE_REG)
#define OF_SOCKET (FS_READ_DIR | FS_MAKE_SOCK | FS_MAKE_SYM | FS_REMOVE_FILE)

/* From this version on files can be moved between folders at all. */
#define VERSION_MIN 2

#define RULE_PATH 1
#define RULE_PORT 2

/* As the newest kernel has it; an older one is told a shorter size. */
struct ruleset {
	uint64_t fs, net, scoped;
};

struct port_rule {
	uint64_t allowed, port;
};

static uint64_t rights_of(unsigned rights)
{
	return (rights & HUB_CONFINE_READ ? OF_READ : 0) |
	       (rights & HUB_CONFINE_CHANGE ? OF_CHANGE : 0) |
	       (rights & HUB_CONFINE_APPEND ? OF_APPEND : 0) |
	       (rights & HUB_CONFINE_SOCKET ? OF_SOCKET : 0) |
	       (rights & HUB_CONFINE_EMPTY ? FS_REMOVE_DIR : 0);
}

static uint64_t handled_by(int version)
{
	uint64_t all = (FS_REFER << 1) - 1;

	return all | (version >= 3 ? FS_TRUNCATE : 0) | (version >= 5 ? FS_IOCTL_DEV : 0);
}

/* ---- The kernel --------------------------------------------------------------------------- */

static int landlock_version(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static int make_ruleset(
	const struct hub_confine_options *options, int version, struct hub_confine_facts *facts)
{
	struct ruleset ruleset = {.fs = handled_by(version)};
	size_t size = sizeof(ruleset.fs);

	if (version >= 4) {
		size = sizeof(ruleset.fs) + sizeof(ruleset.net);
		facts->bounds_bind = !options->binds_anywhere;
		facts->bounds_connect = !options->connects_anywhere;
		ruleset.net = (facts->bounds_bind ? NET_BIND : 0) |
			      (facts->bounds_connect ? NET_CONNECT : 0);
	}
	if (version >= 6) {
		size = sizeof(ruleset);
		facts->bounds_signals = true;
		ruleset.scoped = SCOPE_SIGNAL | (options->has_abstract ? 0 : SCOPE_ABSTRACT);
	}
	return (int)syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
}

/* ---- Rules -------------------------------------------------------------------------------- */

static int add_path(int ruleset, const struct hub_confine_path *path, int version)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights_of(path->rights) & handled_by(version)};
	struct stat stat_of;
	int result;

	rule.parent_fd = open(path->path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		/* It is not there, or not for us to see: then there is nothing to allow. */
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -1 : 0;
	result = fstat(rule.parent_fd, &stat_of);
	if (result == 0 && !S_ISDIR(stat_of.st_mode))
		rule.allowed_access &= OF_FILE;
	if (result == 0 && rule.allowed_access)
		result = (int)syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &rule, 0);
	/* /dev/stdout that is a pipe: what is in no file system is not refused either. */
	if (result < 0 && errno == EBADFD)
		result = 0;
	close(rule.parent_fd);
	return result;
}

static int add_all(int ruleset, const struct hub_confine_options *options, int version,
	const struct hub_confine_facts *facts)
{
	for (size_t i = 0; i < options->path_count; i++)
		if (add_path(ruleset, &options->paths[i], version) < 0)
			return -1;
	for (size_t i = 0; facts->bounds_bind && i < options->bind_count; i++) {
		const struct port_rule rule = {NET_BIND, options->bind_ports[i]};

		if (syscall(SYS_landlock_add_rule, ruleset, RULE_PORT, &rule, 0) < 0)
			return -1;
	}
	return 0;
}

/* ---- Confining ---------------------------------------------------------------------------- */

/* Whether another thread is there: it would go on unbounded. */
static bool has_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned count = 0;
	struct dirent *entry;

	if (!tasks)
		return false; /* no /proc: nobody can say */
	while ((entry = readdir(tasks)))
		count += entry->d_name[0] != '.';
	closedir(tasks);
	return count > 1;
}

static int restrict_to(int ruleset, const struct hub_confine_options *options, int version,
	struct hub_confine_facts *facts)
{
	if (add_all(ruleset, options, version, facts) < 0 ||
		syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return -1;
	facts->landlock = version;
	return 0;
}

int weft__hub_confine_files(
	const struct hub_confine_options *options, struct hub_confine_facts *facts)
{
	int version = landlock_version(), ruleset, result, saved;

	*facts = (struct hub_confine_facts){0};
	if (version < VERSION_MIN) {
		snprintf(facts->why_not_files, sizeof(facts->why_not_files),
			version < 0 && errno == EOPNOTSUPP
				? "Landlock is turned off on this kernel"
				: "this kernel has no Landlock; Linux 5.19 has it");
		return 0;
	}
	if (has_threads()) {
		errno = EBUSY;
		return -1;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	ruleset = make_ruleset(options, version, facts);
	if (ruleset < 0)
		return -1;
	result = restrict_to(ruleset, options, version, facts);
	saved = errno;
	close(ruleset);
	errno = saved;
	return result;
}

int weft__hub_confine_dumps(void)
{
	const struct rlimit none = {0, 0};

	return setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -1 : 0;
}

bool weft__hub_confine_is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	return true;
#endif
#endif
	return false;
}
