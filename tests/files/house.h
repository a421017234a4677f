/*
 * house.h - a shared folder for a test case, and visitors of it.
 *
 *	house_open(NULL);
 *	CHECK_INT(house_put(&all, "a", "text"), ==, 0);
 *	CHECK_STR(place_read("a"), "text");
 */
#ifndef TESTS_FILES_HOUSE_H
#define TESTS_FILES_HOUSE_H

#include <dirent.h>

#include "io/both.h"
#include "io/place.h"
#include "weft/files.h"

static struct weft_files *house;

static const struct weft_files_visitor all
	__attribute__((unused)) = {.name = "ann", .rights = WEFT_FILES_ALL};

static inline void house_open(const struct weft_files_options *options)
{
	place_make();
	if (house)
		weft_files_free(house);
	house = weft_files_new(place_dir, options);
	CHECK(house != NULL);
}

static inline int house_put_with(const struct weft_files_visitor *visitor, const char *path,
	const char *text, const struct weft_files_put_options *options)
{
	struct weft_files_put *put = weft_files_put_begin(house, visitor, path, options);
	int code;

	if (!put)
		return -1;
	if (weft_files_put_write(put, text, strlen(text)) == 0)
		return weft_files_put_commit(put, NULL);
	code = errno;
	weft_files_put_abort(put);
	errno = code;
	return -1;
}

static inline int house_put(
	const struct weft_files_visitor *visitor, const char *path, const char *text)
{
	return house_put_with(visitor, path, text, NULL);
}

/* All names in the folder, the staging folder's when it is empty not. */
static inline int house_names(const char *path)
{
	DIR *folder = opendir(place(path));
	struct dirent *entry;
	int count = -2;

	CHECK(folder != NULL);
	while ((entry = readdir(folder)))
		if (strcmp(entry->d_name, ".weft-upload") != 0 ||
			unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR) < 0)
			count++;
	closedir(folder);
	return count;
}

#define CHECK_FAILS(call, code)               \
	do {                                  \
		errno = 0;                    \
		CHECK((call) < 0);            \
		CHECK_INT(errno, ==, (code)); \
	} while (0)

#define CHECK_NULL(call, code)                \
	do {                                  \
		errno = 0;                    \
		CHECK((call) == NULL);        \
		CHECK_INT(errno, ==, (code)); \
	} while (0)

#endif
