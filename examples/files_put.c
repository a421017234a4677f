/*
 * files_put.c - standard input becomes a file of a shared folder, for good; then the folder is
 * listed.
 *
 *	$ date | ./files_put /srv/share notes/today.txt
 *	today.txt 29
 *
 * When the name is there, the machine may lose power: the bytes are on the disk, name and all. When
 * anything fails, or this program is killed, the old file is there, whole. A visitor has rights and
 * a home: this one may add and replace, and sees all of the folder.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft/fiber.h>
#include <weft/files.h>

static const struct weft_files_visitor visitor = {
	.name = "example",
	.rights = WEFT_FILES_LIST | WEFT_FILES_WRITE | WEFT_FILES_REPLACE,
};

/* All of standard input, without a copy of ours. */
static int fill(struct weft_files_put *put)
{
	for (;;) {
		size_t size;
		char *room = weft_files_put_room(put, &size);
		ssize_t len = room ? read(STDIN_FILENO, room, size) : -1;

		if (len <= 0)
			return (int)len;
		if (weft_files_put_took(put, (size_t)len) < 0)
			return -1;
	}
}

static int put_input(struct weft_files *files, const char *path)
{
	const struct weft_files_put_options options = {.may_replace = true};
	struct weft_files_put *put = weft_files_put_begin(files, &visitor, path, &options);

	if (!put)
		return -1;
	if (fill(put) == 0)
		return weft_files_put_commit(put, NULL);
	weft_files_put_abort(put);
	return -1;
}

static int show(const struct weft_files_entry *entry, void *arg)
{
	(void)arg;
	printf("%s%s %lld\n", entry->name, S_ISDIR(entry->stat.st_mode) ? "/" : "",
		(long long)entry->stat.st_size);
	return 0;
}

static int put_and_list(void *arg)
{
	char **argv = arg;
	const char *path = argv[2], *slash = strrchr(path, '/');
	struct weft_files *files = weft_files_new(argv[1], NULL);
	char folder[4096];
	int result = -1;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 0, path);
	if (files && put_input(files, path) == 0)
		result = weft_files_list(files, &visitor, folder, show, NULL);
	if (result < 0)
		fprintf(stderr, "files_put: %s: %s\n", path, strerror(errno));
	weft_files_free(files);
	return result < 0;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: files_put DIR PATH\n");
		return 2;
	}
	return weft_run(NULL, put_and_list, argv);
}
