/*
 * files.c - the life of a shared folder's engine (include/weft/files.h).
 *
 * Entry points: weft_files_new(), weft_files_expire(), weft_files_free().
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "files/files.h"
#include "files/store.h"
#include "files/trash.h"
#include "files/upload.h"
#include "weft/offload.h"
#include "weft/scope.h"

/** Of the descriptors a process may have, the part that puts may hold, each with two. */
#define PUTS_SHARE 4
#define PUTS_MIN   64

#define UPLOAD_TTL_NS WEFT_SECONDS(24 * 3600)
#define UPLOADS_MAX   1000

static unsigned find_puts_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / PUTS_SHARE < PUTS_MIN)
		return PUTS_MIN;
	if (limit.rlim_cur / PUTS_SHARE > UINT_MAX / 2)
		return UINT_MAX / 2;
	return (unsigned)(limit.rlim_cur / PUTS_SHARE);
}

static void set_options(struct weft_files *files, const struct weft_files_options *options)
{
	if (options)
		files->options = *options;
	if (!files->options.puts_max)
		files->options.puts_max = find_puts_max();
	if (!files->options.upload_ttl_ns)
		files->options.upload_ttl_ns = UPLOAD_TTL_NS;
	if (!files->options.uploads_max)
		files->options.uploads_max = UPLOADS_MAX;
	files->root.shows_hidden = files->options.shows_hidden;
	files->root.links = files->options.follows_links ? WEFT__LINKS_INSIDE : WEFT__LINKS_NONE;
}

/* What may not be written to needs no clearing up. */
static bool is_read_only(int code)
{
	return code == EACCES || code == EROFS || code == EPERM;
}

/* With a tally. NULL: ENOMEM. */
static struct weft_files *make(void)
{
	struct weft_files *files = calloc(1, sizeof(*files));

	if (!files)
		return NULL;
	files->tally = mmap(NULL, sizeof(*files->tally), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (files->tally != MAP_FAILED)
		return files;
	free(files);
	return NULL;
}

struct weft_files *weft__files_new_at(int fd, const struct weft_files_options *options)
{
	struct weft_files *files = make();
	struct stat stat;
	int code;

	if (!files) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	files->root.fd = fd;
	set_options(files, options);
	weft__group_init(&files->group, fd);
	weft_lock_init(&files->changes.counting, "files: who counts");
	weft_rwlock_init(&files->carrying, "files: who moves");
	/* A kernel without openat2(2) is to be noticed now, not at the first call. */
	if (weft__root_stat(&files->root, "", &stat) == 0 &&
		(weft__store_sweep(&files->root) == 0 || is_read_only(errno)) &&
		(weft__uploads_expire(files) == 0 || is_read_only(errno)) &&
		(weft__trash_sweep(files, WEFT__TRASH_SWEEP_START) == 0 || is_read_only(errno)))
		return files;
	code = errno;
	weft_files_free(files);
	errno = code;
	return NULL;
}

struct weft_files *weft__files_viewer_at(int fd, const struct weft_files_options *options)
{
	struct weft_files *files = calloc(1, sizeof(*files));

	if (!files) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	files->root.fd = fd;
	files->only_views = true;
	set_options(files, options);
	weft__group_init(&files->group, -1); /* nothing is put by it */
	weft_lock_init(&files->changes.counting, "files: who counts");
	weft_rwlock_init(&files->carrying, "files: who moves");
	return files;
}

struct open_call {
	const char *dir;
	int fd;
};

static int open_root(void *arg)
{
	struct open_call *call = arg;

	call->fd = open(call->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return call->fd < 0 ? -1 : 0;
}

void weft_files_set_file_max(struct weft_files *files, int64_t file_max)
{
	__atomic_store_n(&files->options.file_max, file_max, __ATOMIC_RELAXED);
}

struct weft_files *weft_files_new(const char *dir, const struct weft_files_options *options)
{
	struct open_call call = {dir, -1};

	if (weft_offload_as(WEFT_OFFLOAD_FILE, open_root, &call) < 0)
		return NULL;
	return weft__files_new_at(call.fd, options);
}

int weft_files_expire(struct weft_files *files)
{
	int result = weft__uploads_expire(files), code = errno;

	if (weft__trash_sweep(files, WEFT__TRASH_SWEEP) < 0 && result == 0)
		return -1;
	errno = code;
	return result;
}

void weft_files_free(struct weft_files *files)
{
	if (!files)
		return;
	if (!files->only_views)
		weft__store_sweep(&files->root);
	weft__group_fini(&files->group);
	close(files->root.fd);
	if (files->tally)
		munmap(files->tally, sizeof(*files->tally));
	free(files);
}

void weft_files_counts(const struct weft_files *files, struct weft_files_counts *ret_counts)
{
	const struct weft__files_tally *tally = files->tally;

	*ret_counts = (struct weft_files_counts){.stored = 0};
	if (!tally)
		return;
	ret_counts->stored = atomic_load_explicit(&tally->stored, memory_order_relaxed);
	ret_counts->stored_bytes = atomic_load_explicit(&tally->stored_bytes, memory_order_relaxed);
}
