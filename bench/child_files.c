/*
 * child_files.c - weft's side of files-put: the same files, by as many fibers, through
 * weft/files.h.
 *
 * Entry points: child_files().
 */
#include "child.h"

#include "limit/files.h"
#include "weft/fiber.h"
#include "weft/files.h"
#include "weft/scope.h"

static struct weft_files *files;
static bool is_over;
static long counts[FILES_WRITERS];

static int put(const char *path)
{
	static const struct weft_files_visitor visitor = {.rights = WEFT_FILES_ALL};
	static const struct weft_files_put_options options = {.len = FILES_SIZE, .is_exact = true};
	static const char data[FILES_SIZE];
	struct weft_files_put *put = weft_files_put_begin(files, &visitor, path, &options);

	if (!put || weft_files_put_write(put, data, sizeof(data)) < 0)
		return -1;
	return weft_files_put_commit(put, NULL);
}

static int write_files(void *arg)
{
	long *count = arg;
	long writer = count - counts;
	char path[60];

	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
		snprintf(path, sizeof(path), "%s/%ld-%ld", files_folders[*count % FILES_FOLDERS],
			writer, *count);
		if (put(path) < 0)
			return -1;
		++*count;
	}
	return 0;
}

static int put_all(void *arg)
{
	long *writers = arg, total = 0;
	struct weft_scope scope;
	int64_t begun;

	files_make_folder();
	files = weft_files_new(files_dir, NULL);
	if (!files)
		return 1;
	begun = limit_now();
	weft_scope_begin(&scope, WEFT_FOREVER);
	for (long i = 0; i < *writers; i++)
		if (!weft_scope_spawn(&scope, write_files, &counts[i]))
			return 1;
	weft_sleep(FILES_WINDOW_NS);
	__atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
	if (weft_scope_end(&scope) < 0)
		return 1;
	for (long i = 0; i < *writers; i++)
		total += counts[i];
	files_print(total, limit_now() - begun, limit_cpu());
	weft_files_free(files);
	files_remove_folder();
	return 0;
}

int child_files(const char *argument)
{
	long writers = argument ? strtol(argument, NULL, 10) : FILES_WRITERS;

	if (writers < 1 || writers > FILES_WRITERS)
		return 2;
	return weft_run(NULL, put_all, &writers);
}
