/*
 * digests.c - SHA-256 of files, kept as long as the files do not change (folder.h).
 *
 * A file is known by what its ETag is made of: device, inode, length and times. A digest of one
 * that has changed so lately that it could change again unseen is not kept. So many are computed at
 * a time as half of the workers, so that nobody keeps the disk and the threads for files busy.
 *
 * Never: another file's digest, or one of what is not there any more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/file.h"
#include "http/folder.h"
#include "weft/lock.h"

/** Digests that are kept; the one not asked for longest goes. */
#define KEPT 256

struct kept {
	struct stat stat;
	uint64_t used; /* 0: empty */
	uint8_t digest[32];
};

struct weft__http_digests {
	struct weft_lock lock;
	uint64_t clock;
	atomic_uint under_way;
	struct kept kept[KEPT];
};

struct weft__http_digests *weft__http_digests_new(void)
{
	struct weft__http_digests *digests = calloc(1, sizeof(*digests));

	if (digests)
		weft_lock_init(&digests->lock, "digests");
	return digests;
}

void weft__http_digests_free(struct weft__http_digests *digests)
{
	free(digests);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool find(
	struct weft__http_digests *digests, const struct stat *stat, uint8_t ret_digest[32])
{
	bool is_found = false;

	if (weft_lock_acquire(&digests->lock) < 0)
		return false;
	for (size_t i = 0; i < KEPT && !is_found; i++) {
		struct kept *kept = &digests->kept[i];

		is_found = kept->used && is_same(&kept->stat, stat);
		if (is_found) {
			kept->used = ++digests->clock;
			memcpy(ret_digest, kept->digest, sizeof(kept->digest));
		}
	}
	weft_lock_release(&digests->lock);
	return is_found;
}

static void keep(
	struct weft__http_digests *digests, const struct stat *stat, const uint8_t digest[32])
{
	struct kept *oldest = digests->kept;

	if (weft_lock_acquire(&digests->lock) < 0)
		return;
	for (size_t i = 1; i < KEPT; i++)
		if (digests->kept[i].used < oldest->used)
			oldest = &digests->kept[i];
	oldest->stat = *stat;
	oldest->used = ++digests->clock;
	memcpy(oldest->digest, digest, sizeof(oldest->digest));
	weft_lock_release(&digests->lock);
}

static int compute(struct weft_http_files *files, const struct weft_files_visitor *visitor,
	const char *path, uint8_t ret_digest[32])
{
	const struct weft_files_part part = {.path = path, .len = -1};
	unsigned most = (weft_worker_count() + 1) / 2, before;
	int result;

	before = atomic_fetch_add(&files->digests->under_way, 1);
	if (before < (most ? most : 1)) {
		result = weft_files_sha256(files->viewer, visitor, &part, ret_digest);
	} else {
		result = -1;
		errno = EAGAIN;
	}
	atomic_fetch_sub(&files->digests->under_way, 1);
	return result;
}

int weft__http_digests_get(struct weft_http_files *files, const struct weft_files_visitor *visitor,
	const char *path, uint8_t ret_digest[32])
{
	struct stat stat, after;

	if (weft_files_stat(files->viewer, visitor, path, &stat) < 0)
		return -1;
	if (!S_ISREG(stat.st_mode)) {
		errno = EISDIR;
		return -1;
	}
	if (!(weft_files_rights(visitor, path) & WEFT_FILES_READ)) {
		errno = EACCES;
		return -1;
	}
	if (find(files->digests, &stat, ret_digest))
		return 0;
	if (compute(files, visitor, path, ret_digest) < 0)
		return -1;
	if (weft__http_file_is_settled(&stat) &&
		weft_files_stat(files->viewer, visitor, path, &after) == 0 &&
		is_same(&stat, &after))
		keep(files->digests, &stat, ret_digest);
	return 0;
}
