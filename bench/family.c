/*
 * family.c - what a process and all that descend from it use: servers with a process per session.
 *
 * Entry points: family_cpu(), family_pss(), family_peak().
 * Those that have ended are not counted: ask while their sessions last.
 */
#include "ftp.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PROCESSES_MAX 16384

struct process {
	pid_t pid, parent;
	bool is_member;
};

static struct process processes[PROCESSES_MAX];

static pid_t parent_of(pid_t pid)
{
	char path[64], line[512];
	const char *end = NULL;
	int parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	/* PID (NAME) STATE PARENT: a name may have blanks and brackets in it. */
	if (file && fgets(line, sizeof(line), file))
		end = strrchr(line, ')');
	if (!end || sscanf(end, ") %*c %d", &parent) != 1)
		parent = 0;
	if (file)
		fclose(file);
	return parent;
}

/* The members, moved to the front. Returns how many. */
static size_t choose(size_t count, pid_t pid)
{
	size_t members = 0, before;

	for (size_t i = 0; i < count; i++)
		processes[i].is_member = processes[i].pid == pid;
	do {
		before = members;
		for (size_t i = 0; i < count; i++)
			for (size_t j = 0; j < count && !processes[i].is_member; j++)
				processes[i].is_member = processes[j].is_member &&
							 processes[j].pid == processes[i].parent;
		members = 0;
		for (size_t i = 0; i < count; i++)
			members += processes[i].is_member;
	} while (members != before);
	for (size_t i = 0, at = 0; i < count; i++)
		if (processes[i].is_member)
			processes[at++] = processes[i];
	return members;
}

static size_t find(pid_t pid)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	size_t count = 0;

	while (dir && count < PROCESSES_MAX && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0])) {
			pid_t found = (pid_t)strtol(entry->d_name, NULL, 10);

			processes[count++] =
				(struct process){.pid = found, .parent = parent_of(found)};
		}
	if (dir)
		closedir(dir);
	return choose(count, pid);
}

int64_t family_cpu(pid_t pid)
{
	size_t count = find(pid);
	int64_t total = 0;

	for (size_t i = 0; i < count; i++) {
		clockid_t clock;

		if (clock_getcpuclockid(processes[i].pid, &clock) == 0)
			total += bench_clock(clock);
	}
	return total;
}

/* A line "NAME: 123 kB" of a file of proc(5), in bytes; -1: there is none. */
static double read_kib(pid_t pid, const char *name, const char *field)
{
	char path[64], line[256];
	size_t len = strlen(field);
	double bytes = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "re");
	while (file && bytes < 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, field, len) == 0 && line[len] == ':')
			bytes = strtod(line + len + 1, NULL) * 1024;
	if (file)
		fclose(file);
	return bytes;
}

static double add_up(pid_t pid, const char *name, const char *field)
{
	size_t count = find(pid);
	double total = 0;

	for (size_t i = 0; i < count; i++) {
		double bytes = read_kib(processes[i].pid, name, field);

		if (bytes < 0)
			return -1;
		total += bytes;
	}
	return total;
}

double family_pss(pid_t pid)
{
	return add_up(pid, "smaps_rollup", "Pss");
}

double family_peak(pid_t pid)
{
	return add_up(pid, "status", "VmHWM");
}
