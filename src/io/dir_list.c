/*
 * dir_list.c - the entries of a directory.
 *
 * Never: more than WEFT_DIR_ENTRIES_MAX of them; follow a symbolic link.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/dir.h"
#include "io/file_io.h"
#include "weft/sort.h"
#include "weft/vec.h"

/* ---- By descriptor --------------------------------------------------------------------- */

static int identify(int fd, struct weft__dir_identity *ret_identity)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -1;
	*ret_identity = (struct weft__dir_identity){status.st_dev, status.st_ino};
	return 0;
}

static int close_keeping_errno(int fd)
{
	int code = errno;

	close(fd);
	errno = code;
	return -1;
}

int weft__dir_open(int fd, const char *name, struct weft__dir_identity *ret_identity)
{
	int found = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (found < 0)
		return -1;
	return identify(found, ret_identity) < 0 ? close_keeping_errno(found) : found;
}

int weft__dir_open_above(int fd, const struct weft__dir_identity *expected)
{
	struct weft__dir_identity identity;
	int found = weft__dir_open(fd, "..", &identity);

	if (found < 0)
		return -1;
	if (identity.device == expected->device && identity.inode == expected->inode)
		return found;
	errno = ESTALE;
	return close_keeping_errno(found);
}

/* ---- Reading ----------------------------------------------------------------------------- */

static enum weft_dir_type type_of_mode(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return WEFT_DIR_FILE;
	case S_IFDIR:
		return WEFT_DIR_DIR;
	case S_IFLNK:
		return WEFT_DIR_LINK;
	case S_IFIFO:
		return WEFT_DIR_FIFO;
	case S_IFSOCK:
		return WEFT_DIR_SOCKET;
	case S_IFCHR:
	case S_IFBLK:
		return WEFT_DIR_DEVICE;
	default:
		return WEFT_DIR_UNKNOWN;
	}
}

/* Whoever owns a file can date it to any year; what int64_t can't hold is the nearest it can. */
static int64_t time_ns(const struct timespec *time)
{
	int64_t ns;

	if (__builtin_mul_overflow(time->tv_sec, WEFT_SECONDS(1), &ns) ||
		__builtin_add_overflow(ns, time->tv_nsec, &ns))
		return time->tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

static void fill_entry(
	int fd, const struct dirent *found, unsigned flags, struct weft_dir_entry *ret_entry)
{
	struct stat status;

	*ret_entry = (struct weft_dir_entry){
		.type = type_of_mode(DTTOIF(found->d_type)), .inode = found->d_ino};
	/* Some file systems don't tell the type on the way. */
	if (!(flags & WEFT_DIR_STAT) && found->d_type != DT_UNKNOWN)
		return;
	if (fstatat(fd, found->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	ret_entry->type = type_of_mode(status.st_mode);
	if (flags & WEFT_DIR_STAT) {
		ret_entry->mode = status.st_mode;
		ret_entry->size_bytes = status.st_size;
		ret_entry->modified_ns = time_ns(&status.st_mtim);
	}
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int push_name(struct weft_vec *names, const char *name)
{
	size_t len = strlen(name) + 1;

	if (names->capacity - names->len < len &&
		weft_vec_reserve(names, (names->len + len) * 2) < 0)
		return -1;
	memcpy((char *)names->items + names->len, name, len);
	names->len += len;
	return 0;
}

/* Until all names are there, an entry's name is its place among them. */
static int read_entries(
	DIR *folder, unsigned flags, struct weft_vec *entries, struct weft_vec *names)
{
	struct dirent *found;

	while ((errno = 0, found = readdir(folder))) {
		struct weft_dir_entry *entry;

		if (is_dots(found->d_name))
			continue;
		if (entries->len == WEFT_DIR_ENTRIES_MAX) {
			errno = EOVERFLOW;
			return -1;
		}
		entry = weft_vec_push_slot(entries);
		if (!entry)
			return -1;
		fill_entry(dirfd(folder), found, flags, entry);
		entry->name = (const char *)names->len;
		if (push_name(names, found->d_name) < 0)
			return -1;
	}
	return errno ? -1 : 0;
}

static int compare_names(const void *a, const void *b, void *context)
{
	(void)context;
	return strcmp(
		((const struct weft_dir_entry *)a)->name, ((const struct weft_dir_entry *)b)->name);
}

static void list_finish(struct weft_vec *entries, struct weft_vec *names, unsigned flags,
	struct weft_dir_list *ret_list)
{
	*ret_list = (struct weft_dir_list){entries->items, entries->len, names->items};
	for (size_t i = 0; i < ret_list->count; i++)
		ret_list->entries[i].name = ret_list->names + (size_t)ret_list->entries[i].name;
	if (!(flags & WEFT_DIR_UNSORTED) && ret_list->count > 1)
		weft_sort(ret_list->entries, ret_list->count, sizeof *ret_list->entries,
			compare_names, NULL);
}

int weft__dir_read(int fd, unsigned flags, struct weft_dir_list *ret_list)
{
	int own_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), code;
	DIR *folder = own_fd < 0 ? NULL : fdopendir(own_fd);
	struct weft_vec entries, names;
	int result;

	if (!folder)
		return own_fd < 0 ? -1 : close_keeping_errno(own_fd);
	weft_vec_init(&entries, sizeof(struct weft_dir_entry));
	weft_vec_init(&names, 1);
	result = read_entries(folder, flags, &entries, &names);
	code = errno;
	closedir(folder);
	if (result == 0) {
		list_finish(&entries, &names, flags, ret_list);
		return 0;
	}
	weft_vec_fini(&entries);
	weft_vec_fini(&names);
	errno = code;
	return -1;
}

/* ---- By path ----------------------------------------------------------------------------- */

static int list_path(struct weft__path_call *call)
{
	call->fd = open(call->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return call->fd < 0 ? -1 : weft__dir_read(call->fd, (unsigned)call->flags, call->result);
}

static void drop_list(struct weft__path_call *call)
{
	weft_dir_list_fini(call->result);
	free(call->result);
}

int weft_dir_list(const char *path, unsigned flags, struct weft_dir_list *ret_list)
{
	struct weft__path_call *call = weft__path_call_new(path, NULL);
	struct weft_dir_list *list = call ? calloc(1, sizeof *list) : NULL;
	int result = -1, code;

	if (list) {
		call->fn = list_path;
		call->drop = drop_list;
		call->flags = (int)flags;
		call->result = list;
		result = weft__path_call(&call);
	}
	code = errno;
	if (call && call->fd >= 0)
		close(call->fd);
	if (result == 0)
		*ret_list = *list;
	if (call)
		free(list);
	free(call);
	errno = code;
	return result;
}

void weft_dir_list_fini(struct weft_dir_list *list)
{
	free(list->entries);
	free(list->names);
	*list = (struct weft_dir_list){0};
}
