/*
 * status_now.c - what is so at this moment: memory, descriptors, connections of a door.
 *
 * /proc is opened once, at the start: a server that confines itself may not look there later.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "status_inside.h"
#include "weft/serve.h"

void weft__hub_status_open_now(struct hub_status *status)
{
	status->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	status->status_fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	status->descriptors_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void weft__hub_status_close_now(struct hub_status *status)
{
	if (status->statm_fd >= 0)
		close(status->statm_fd);
	if (status->status_fd >= 0)
		close(status->status_fd);
	if (status->descriptors_fd >= 0)
		close(status->descriptors_fd);
}

/* The text of a file of /proc behind what; NULL: it can't be read, or there is no such thing. */
static const char *read_behind(int fd, const char *what, char *text, size_t size)
{
	ssize_t len = fd < 0 ? -1 : pread(fd, text, size - 1, 0);
	char *at;

	text[len > 0 ? len : 0] = '\0';
	at = strstr(text, what);
	return at ? at + strlen(what) : NULL;
}

/* "size resident shared ...", in pages: proc(5). */
uint64_t weft__hub_status_resident(const struct hub_status *status)
{
	char text[128];
	const char *at = read_behind(status->statm_fd, " ", text, sizeof(text));

	return at ? strtoull(at, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* Since Linux 6.2 the folder's size is what there is in it. */
static uint64_t count_descriptors(const struct hub_status *status)
{
	struct stat stat_of;
	uint64_t count = 0;
	DIR *folder;
	int fd;

	if (status->descriptors_fd < 0 || fstat(status->descriptors_fd, &stat_of) < 0)
		return 0;
	if (stat_of.st_size > 0)
		return (uint64_t)stat_of.st_size;
	fd = openat(status->descriptors_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	folder = fd < 0 ? NULL : fdopendir(fd);
	if (!folder) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	for (const struct dirent *entry; (entry = readdir(folder));)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count > 0 ? count - 1 : 0; /* less the one that has just been open for it */
}

/* getrusage(2) would count what there was before exec(2), which was somebody else's. */
static uint64_t find_peak(const struct hub_status *status)
{
	char text[2048];
	const char *at = read_behind(status->status_fd, "\nVmHWM:", text, sizeof(text));

	return at ? strtoull(at, NULL, 10) * 1024 : 0;
}

void weft__hub_status_now(const struct hub_status *status, struct hub_status_now *ret_now)
{
	struct rlimit limit = {.rlim_cur = 0};
	struct timespec used = {0};

	getrlimit(RLIMIT_NOFILE, &limit);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	*ret_now = (struct hub_status_now){
		.resident = weft__hub_status_resident(status),
		.peak = find_peak(status),
		.descriptors = count_descriptors(status),
		.descriptors_max = limit.rlim_cur,
		.cpu_ns = used.tv_sec * WEFT_SECONDS(1) + used.tv_nsec,
	};
	if (ret_now->peak < ret_now->resident)
		ret_now->peak = ret_now->resident;
}

void weft__hub_status_traffic(
	const struct hub_status_door *door, struct hub_status_traffic *ret_traffic)
{
	struct weft_serve_counts counts;

	weft_serve_counts(door->listener, &counts);
	*ret_traffic = (struct hub_status_traffic){
		/* Of counts that are read one after the other, the ends may be the newer. */
		.open = counts.accepted > counts.ended ? counts.accepted - counts.ended : 0,
		.accepted = counts.accepted,
		.refused = counts.refused,
	};
}
