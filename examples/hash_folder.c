/*
 * hash_folder.c - CRC-32 and length of all files below a folder, over all cores, with a bar.
 *
 *	./hash_folder /usr/include
 *	./hash_folder /usr/include 8	# worker processes
 *
 * Each worker is a process: one that crashes, or is killed, takes no other with it, and since a
 * file can be read again, even its own file is done. The bar goes to the standard error, when
 * that is a terminal.
 *
 * Never: reads through symbolic links, or stops for a file that can't be read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/dir.h>
#include <weft/file.h>
#include <weft/process_pool.h>

#define BAR_WIDTH 50

/* What a worker tells of a file. */
struct digest {
	uint64_t size;
	uint32_t crc;
};

/* ---- In a worker ---------------------------------------------------------------------- */

static uint32_t table[256];

/* Before the first task. */
static int make_table(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] & 1 ? 0xedb88320 ^ table[i] >> 1 : table[i] >> 1;
	}
	return 0;
}

static uint32_t crc32(uint32_t crc, const unsigned char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		crc = table[(crc ^ data[i]) & 0xff] ^ crc >> 8;
	return crc;
}

static int hash(const void *path, size_t path_len, struct weft_buf *result)
{
	static unsigned char data[WEFT_FILE_BUFFER_SIZE]; /* a worker has one thread */
	struct weft_file *file = weft_file_open(path, "r");
	struct digest digest = {.crc = UINT32_MAX};
	ssize_t len = -1;

	(void)path_len;
	while (file && (len = weft_file_read(file, data, sizeof data)) > 0) {
		digest.crc = crc32(digest.crc, data, (size_t)len);
		digest.size += (uint64_t)len;
	}
	weft_file_close(file); /* keeps errno */
	digest.crc = ~digest.crc;
	return len < 0 ? -1 : weft_buf_append(result, &digest, sizeof digest);
}

/* ---- Paths ----------------------------------------------------------------------------- */

struct paths {
	struct weft_pool_item *items; /* each with the zero at its end */
	size_t count, room;
};

static int add(struct paths *paths, const char *path)
{
	if (paths->count == paths->room) {
		size_t room = paths->room ? 2 * paths->room : 64;
		void *items = realloc(paths->items, room * sizeof *paths->items);

		if (!items)
			return -1;
		paths->items = items;
		paths->room = room;
	}
	path = strdup(path);
	if (!path)
		return -1;
	paths->items[paths->count++] = (struct weft_pool_item){path, strlen(path) + 1};
	return 0;
}

/* How many folders can't be looked into; -1: no memory, or no such folder. */
static int find_files(const char *folder, struct paths *paths)
{
	struct weft_dir_walk *walk = weft_dir_walk_new(folder, 0);
	struct weft_dir_step step;
	int more = 0, failed = 0;

	while (walk && failed >= 0 && (more = weft_dir_walk_next(walk, &step)) != 0) {
		if (more < 0) {
			fprintf(stderr, "%s: %s\n", weft_dir_walk_path(walk), strerror(errno));
			failed++;
		} else if (step.entry.type == WEFT_DIR_FILE && add(paths, step.path) < 0) {
			failed = -1;
		}
	}
	if (!walk || failed < 0) {
		perror(folder);
		failed = -1;
	}
	weft_dir_walk_free(walk);
	return failed;
}

/* ---- Results --------------------------------------------------------------------------------- */

static void draw_bar(size_t done, size_t count)
{
	static int drawn = -1;
	int filled = (int)(done * BAR_WIDTH / count);

	if (filled == drawn || !isatty(STDERR_FILENO))
		return;
	drawn = filled;
	fprintf(stderr, "\r[%.*s%*s] %zu of %zu", filled,
		"##################################################", BAR_WIDTH - filled, "", done,
		count);
	if (done == count)
		fprintf(stderr, "\r\033[K");
}

/* In the order of the paths. */
static int show(const struct weft_pool_result *result, void *arg)
{
	const struct paths *paths = arg;
	const char *path = paths->items[result->index].data;
	struct digest digest;

	if (result->error) {
		fprintf(stderr, "%s: %s\n", path, strerror(result->error));
	} else {
		memcpy(&digest, result->data, sizeof digest);
		printf("%08x %12llu %s\n", digest.crc, (unsigned long long)digest.size, path);
	}
	draw_bar(result->done, result->count);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct weft_pool_call calls[] = {{"hash", hash, .is_repeatable = true}};
	const struct weft_pool_options options = {.calls = calls,
		.call_count = 1,
		.workers = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0,
		.begin = make_table};
	struct paths paths = {0};
	int failed = find_files(argc > 1 ? argv[1] : ".", &paths);
	struct weft_pool *pool = failed < 0 ? NULL : weft_pool_new(&options);
	struct weft_pool_map map = {.call = "hash",
		.items = paths.items,
		.count = paths.count,
		.is_ordered = true,
		.each = show,
		.arg = &paths};

	if (pool && weft_pool_map(pool, &map) < 0)
		failed = 1;
	else if (!pool && failed >= 0)
		perror("workers");
	for (size_t i = 0; i < paths.count; i++)
		free((void *)paths.items[i].data);
	free(paths.items);
	weft_pool_free(pool);
	return !pool || failed != 0;
}
