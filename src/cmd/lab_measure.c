/*
 * lab_measure.c - what /proc says of processes and of the machine.
 *
 * Entry points: weft__lab_tree_cpu_ns(), weft__lab_tree_memory(), weft__lab_others_cpu_ns(),
 * weft__lab_machine_read(). Never: a failure for what a process that ends meanwhile can cause.
 */
#include "lab.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "weft/api.h"

/** Processes of the machine that are looked through. */
#define PROCESSES_MAX 65536

int64_t weft__lab_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return WEFT_SECONDS(now.tv_sec) + now.tv_nsec;
}

/* A whole small file; false when it can't be read. */
static bool read_small(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, text, size - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	return len > 0;
}

/* ---- The tree of processes ----------------------------------------------------------- */

/* /proc/PID/stat from its third field on: the second is a name, with spaces and brackets. */
static const char *stat_fields(pid_t pid, char text[static 1024])
{
	char path[64], *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!read_small(path, text, 1024))
		return NULL;
	end = strrchr(text, ')');
	return end && end[1] ? end + 2 : NULL;
}

/* The nth field after the name, from 0 on, as a number. */
static unsigned long long field_at(const char *fields, unsigned index)
{
	while (index-- > 0) {
		fields = strchr(fields, ' ');
		if (!fields)
			return 0;
		fields++;
	}
	return strtoull(fields, NULL, 10);
}

struct relation {
	pid_t pid, parent;
};

static unsigned read_relations(struct relation *relations)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	unsigned count = 0;

	if (!proc)
		return 0;
	while (count < PROCESSES_MAX && (entry = readdir(proc)) != NULL) {
		char text[1024];
		const char *fields;
		pid_t pid;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		pid = (pid_t)strtol(entry->d_name, NULL, 10);
		fields = stat_fields(pid, text);
		if (fields)
			relations[count++] = (struct relation){pid, (pid_t)field_at(fields, 1)};
	}
	closedir(proc);
	return count;
}

static bool has(const pid_t *pids, unsigned count, pid_t pid)
{
	for (unsigned i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

unsigned weft__lab_tree(pid_t pid, pid_t ret_pids[static LAB_TREE_MAX])
{
	struct relation *relations = malloc(PROCESSES_MAX * sizeof(*relations));
	unsigned count = relations ? read_relations(relations) : 0, found = 1, before;

	ret_pids[0] = pid;
	/* Generation by generation; there are two of them. Those found last are parents next. */
	for (unsigned first = 0; first < found; first = before) {
		before = found;
		for (unsigned i = 0; i < count && found < LAB_TREE_MAX; i++)
			if (has(ret_pids + first, before - first, relations[i].parent))
				ret_pids[found++] = relations[i].pid;
	}
	free(relations);
	return found;
}

/* ---- CPU ----------------------------------------------------------------------------- */

/*
 * What the process itself has used is known to the nanosecond; what its ended children have
 * used, to a tick of the clock (10 ms), which does not add up.
 */
static double process_cpu_ns(pid_t pid)
{
	clockid_t clock;
	struct timespec used = {0};
	char text[1024];
	const char *fields = stat_fields(pid, text);
	double ended = 0;

	if (fields)
		ended = (double)(field_at(fields, 13) + field_at(fields, 14)) * 1e9 /
			(double)sysconf(_SC_CLK_TCK);
	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
		return ended;
	return ended + (double)used.tv_sec * 1e9 + (double)used.tv_nsec;
}

double weft__lab_tree_cpu_ns(pid_t pid)
{
	pid_t *pids = malloc(LAB_TREE_MAX * sizeof(*pids));
	unsigned count = pids ? weft__lab_tree(pid, pids) : 0;
	double sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += process_cpu_ns(pids[i]);
	free(pids);
	return sum;
}

/* What the host of a virtual machine took away, in ticks of the clock. */
static double stolen_ticks(void)
{
	char text[256];
	unsigned long long steal = 0;

	if (read_small("/proc/stat", text, sizeof(text)))
		sscanf(text, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &steal);
	return (double)steal;
}

/*
 * The sum over all processes of what they and their ended children have used: what a process
 * has used goes over to its parent when it ends, so nothing is lost. The machine's own sum
 * would not do: it counts the interrupts of our sockets, and the processes may, too.
 */
double weft__lab_others_cpu_ns(void)
{
	struct relation *relations = malloc(PROCESSES_MAX * sizeof(*relations));
	unsigned count = relations ? read_relations(relations) : 0;
	double ticks = stolen_ticks();

	for (unsigned i = 0; i < count; i++) {
		char text[1024];
		const char *fields;

		if (relations[i].pid == getpid())
			continue;
		fields = stat_fields(relations[i].pid, text);
		for (unsigned at = 11; fields && at <= 14; at++)
			ticks += (double)field_at(fields, at);
	}
	free(relations);
	return count > 0 ? ticks * 1e9 / (double)sysconf(_SC_CLK_TCK) : -1;
}

/* ---- Memory -------------------------------------------------------------------------- */

/* In KiB; below 0: it is not there. */
static double rollup_at(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? (double)strtoull(at + strlen(key), NULL, 10) : -1;
}

/*
 * PSS: pages that processes share count in parts, which add up to the whole. Those of files
 * are left out: the load runs the same executable, and its coming would seem to free memory.
 */
static double process_pss(pid_t pid)
{
	char path[64], text[2048];
	double anonymous, shared;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	if (!read_small(path, text, sizeof(text)))
		return -1;
	anonymous = rollup_at(text, "\nPss_Anon:");
	shared = rollup_at(text, "\nPss_Shmem:");
	return anonymous < 0 || shared < 0 ? -1 : (anonymous + shared) * 1024;
}

static double process_rss(pid_t pid)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	if (!read_small(path, text, sizeof(text)))
		return -1;
	return (double)field_at(text, 1) * (double)sysconf(_SC_PAGESIZE);
}

double weft__lab_tree_memory(pid_t pid, bool *ret_is_pss)
{
	pid_t *pids = malloc(LAB_TREE_MAX * sizeof(*pids));
	unsigned count = pids ? weft__lab_tree(pid, pids) : 0;
	bool is_pss = count > 0 && process_pss(pid) >= 0;
	double sum = 0;

	for (unsigned i = 0; i < count; i++) {
		double bytes = is_pss ? process_pss(pids[i]) : process_rss(pids[i]);

		if (bytes > 0) /* else it has just ended */
			sum += bytes;
	}
	free(pids);
	*ret_is_pss = is_pss;
	return sum > 0 ? sum : -1;
}

unsigned weft__lab_descriptors(pid_t pid)
{
	char path[64];
	struct stat info;
	struct dirent *entry;
	unsigned count = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	/* Linux 6.2 tells the number without counting. */
	if (stat(path, &info) == 0 && info.st_size > 0)
		return (unsigned)info.st_size;
	folder = opendir(path);
	while (folder && (entry = readdir(folder)) != NULL)
		count += entry->d_name[0] != '.';
	if (folder)
		closedir(folder);
	return count;
}

/* ---- The machine --------------------------------------------------------------------- */

static void read_cpu_name(char name[static LAB_TEXT_MAX])
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[512];

	snprintf(name, LAB_TEXT_MAX, "unknown CPU");
	while (file && fgets(line, sizeof(line), file)) {
		char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || !colon)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(name, LAB_TEXT_MAX, "%.100s", colon + 1 + strspn(colon + 1, " "));
		break;
	}
	if (file)
		fclose(file);
}

void weft__lab_machine_read(struct lab_machine *machine)
{
	struct utsname system = {0};
	struct sysinfo info = {0};
	time_t now = time(NULL);
	struct tm local;
	bool is_pss;

	read_cpu_name(machine->cpu);
	uname(&system);
	snprintf(machine->kernel, sizeof(machine->kernel), "%.20s %.60s %.20s", system.sysname,
		system.release, system.machine);
	strftime(machine->date, sizeof(machine->date), "%Y-%m-%d %H:%M %Z",
		localtime_r(&now, &local));
	if (sysinfo(&info) == 0) {
		machine->memory_bytes = (uint64_t)info.totalram * info.mem_unit;
		machine->load_average = (double)info.loads[0] / (1 << SI_LOAD_SHIFT);
	}
	weft__lab_tree_memory(getpid(), &is_pss);
	machine->has_pss = is_pss;
}
