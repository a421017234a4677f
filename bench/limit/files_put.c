/*
 * files_put.c - small files made durable, one fsync of file and folder each: the yardstick of
 * files-put.
 *
 *	files_put [THREADS]
 *
 * A file without a name, its bytes, fsync, its name, fsync of the folder. Never: a batch.
 */
#include <pthread.h>

#include "files.h"

static int folders[FILES_FOLDERS];
static volatile bool is_over;
static long counts[FILES_WRITERS];

static void put(int folder, const char *name)
{
	static const char data[FILES_SIZE];
	int fd = openat(folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
	char path[40];

	if (fd < 0 || write(fd, data, sizeof(data)) != (ssize_t)sizeof(data) || fsync(fd) < 0)
		exit(1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, path, folder, name, AT_SYMLINK_FOLLOW) < 0 || fsync(folder) < 0)
		exit(1);
	close(fd);
}

static void *write_files(void *arg)
{
	long *count = arg;
	long writer = count - counts;
	char name[40];

	while (!is_over) {
		snprintf(name, sizeof(name), "%ld-%ld", writer, *count);
		put(folders[*count % FILES_FOLDERS], name);
		++*count;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long threads = argc > 1 ? strtol(argv[1], NULL, 10) : 1, total = 0;
	pthread_t ids[FILES_WRITERS];
	int64_t begun;

	if (threads < 1 || threads > FILES_WRITERS)
		return 2;
	files_make_folder();
	for (int i = 0; i < FILES_FOLDERS; i++) {
		char path[300];

		snprintf(path, sizeof(path), "%s/%s", files_dir, files_folders[i]);
		folders[i] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (folders[i] < 0)
			return 1;
	}
	begun = limit_now();
	for (long i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, write_files, &counts[i]) != 0)
			return 1;
	nanosleep(&(struct timespec){.tv_sec = FILES_WINDOW_NS / 1000000000}, NULL);
	is_over = true;
	for (long i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		total += counts[i];
	}
	files_print(total, limit_now() - begun, limit_cpu());
	files_remove_folder();
	return 0;
}
