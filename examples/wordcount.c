/*
 * wordcount.c - lines, words and bytes of all files below a folder, many at a time.
 *
 * A fiber per file, at most FIBERS at a time; none waits for another's disk. Try:
 *
 *	./wordcount /usr/include
 *
 * Never: reads through symbolic links, or stops for a file that can't be read.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/dir.h>
#include <weft/fiber.h>
#include <weft/file.h>

#define FIBERS 16

struct count {
	char *path;
	unsigned long lines, words, bytes;
};

static void count_bytes(struct count *count, const char *data, size_t len, bool *is_inside)
{
	for (size_t i = 0; i < len; i++) {
		bool is_space = isspace((unsigned char)data[i]);

		count->lines += data[i] == '\n';
		count->words += *is_inside && is_space;
		*is_inside = !is_space;
	}
	count->bytes += len;
}

static int count_file(void *arg)
{
	struct count *count = arg;
	struct weft_file *file = weft_file_open(count->path, "r");
	char *data = malloc(WEFT_FILE_BUFFER_SIZE);
	bool is_inside = false;
	ssize_t len = -1;

	while (file && data && (len = weft_file_read(file, data, WEFT_FILE_BUFFER_SIZE)) > 0)
		count_bytes(count, data, (size_t)len, &is_inside);
	if (len < 0)
		fprintf(stderr, "%s: %s\n", count->path, strerror(errno));
	count->words += is_inside;
	free(data);
	weft_file_close(file);
	return len < 0 ? -1 : 0;
}

/* Count what was gathered, all at a time, and add it up. */
static int count_some(struct count *counts, size_t len, struct count *sum)
{
	weft_fiber_id fibers[FIBERS];
	int failed = 0;

	for (size_t i = 0; i < len; i++)
		fibers[i] = weft_spawn(count_file, &counts[i]);
	for (size_t i = 0; i < len; i++) {
		int result = -1;

		if (!fibers[i] || weft_join(fibers[i], &result, WEFT_FOREVER) < 0 || result < 0)
			failed++;
		sum->lines += counts[i].lines;
		sum->words += counts[i].words;
		sum->bytes += counts[i].bytes;
		free(counts[i].path);
		counts[i] = (struct count){0};
	}
	return failed;
}

static int count_folder(void *arg)
{
	struct weft_dir_walk *walk = weft_dir_walk_new(arg, WEFT_DIR_UNSORTED);
	struct count counts[FIBERS] = {0}, sum = {0};
	struct weft_dir_step step;
	size_t len = 0;
	int failed = 0, more;

	if (!walk) {
		perror(arg);
		return 1;
	}
	while ((more = weft_dir_walk_next(walk, &step)) != 0) {
		if (more < 0) {
			fprintf(stderr, "%s: %s\n", weft_dir_walk_path(walk), strerror(errno));
			failed++;
		} else if (step.entry.type == WEFT_DIR_FILE) {
			counts[len++].path = strdup(step.path);
		}
		if (len == FIBERS) {
			failed += count_some(counts, len, &sum);
			len = 0;
		}
	}
	failed += count_some(counts, len, &sum);
	weft_dir_walk_free(walk);
	printf("%lu lines, %lu words, %lu bytes\n", sum.lines, sum.words, sum.bytes);
	return failed > 0;
}

int main(int argc, char **argv)
{
	return weft_run(NULL, count_folder, argc > 1 ? argv[1] : ".");
}
