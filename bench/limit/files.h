/*
 * files.h - the folder and the clock of the contenders that put small files: the same for all.
 *
 * Never: anything of weft.
 */
#ifndef LIMIT_FILES_H
#define LIMIT_FILES_H

#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "timed.h"

#define FILES_SIZE      4096       /* bytes of each */
#define FILES_WRITERS   64         /* at a time, where there are several */
#define FILES_FOLDERS   4          /* they go to */
#define FILES_WINDOW_NS 1000000000 /* how long a contender is watched */

/** Names a folder that somebody else removes. */
#define FILES_ROOM "WEFT_BENCH_ROOM"

static char files_dir[200];
static char files_folders[FILES_FOLDERS][16]; /* names in it */

/*
 * On a disk, where there is one: a tmpfs has nothing to sync. ext4 gives inodes that were just
 * deleted to nobody for a while, and whoever makes files among them searches past all of them, one
 * by one: it took half of all CPU here. So the folders are spread over the disk ("top of a
 * hierarchy", chattr +T), by names that are others each time; and what removes them, does it at the
 * end of all.
 */
static inline void files_make_folder(void)
{
	const char *room = getenv(FILES_ROOM), *base = room ? room : getenv("WEFT_BENCH_DIR");
	char path[300];
	int flags, fd;

	snprintf(files_dir, sizeof(files_dir), "%s/weft-bench-XXXXXX", base ? base : "/var/tmp");
	if (!mkdtemp(files_dir))
		exit(1);
	fd = open(files_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
		flags |= FS_TOPDIR_FL;
		ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
	close(fd);
	for (int i = 0; i < FILES_FOLDERS; i++) {
		snprintf(files_folders[i], sizeof(files_folders[i]), "%.6s%d",
			strrchr(files_dir, '-') + 1, i);
		if (snprintf(path, sizeof(path), "%s/%s", files_dir, files_folders[i]) >=
				(int)sizeof(path) ||
			mkdir(path, 0755) < 0)
			exit(1);
	}
}

static inline void files_remove_folder(void)
{
	char command[300];

	if (getenv(FILES_ROOM))
		return;
	snprintf(command, sizeof(command), "rm -rf '%s'", files_dir);
	if (system(command) != 0)
		exit(1);
}

/* Files a second, and nanoseconds of CPU for each. */
static inline void files_print(long count, int64_t took_ns, int64_t cpu_ns)
{
	printf("%.0f %.0f\n", (double)count * 1e9 / (double)took_ns,
		(double)cpu_ns / (double)count);
}

#endif
