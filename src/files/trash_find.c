/*
 * trash_find.c - all that is in the trash: listed, expired, cleared up (trash.h).
 *
 * Entry points: weft_files_trash_list(); weft__trash_sweep(), weft__trash_sweep_sometimes().
 *
 *	a thread: some names of the folder are read, with their records
 *	the caller's fiber: whose they are, and what may be seen; then the next ones
 *
 * Never: anything told of to who may not know it; anything swept that somebody is at.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "files/carry.h"
#include "files/store.h"
#include "files/trash.h"
#include "weft/fiber.h"
#include "weft/offload.h"
#include "weft/scope.h"
#include "weft/sort.h"

/** Records that are read before there is a look at who may see them. */
#define AT_ONCE 128

/** So often the trash is swept by the way. */
#define SWEEP_EVERY_NS WEFT_SECONDS(60)

static int64_t expires_s(const struct weft_files *files, const struct weft__upload_record *record)
{
	int64_t keep_s = weft__trash_keep_ns(files) / WEFT_SECONDS(1), at_s;

	return __builtin_add_overflow(record->touched_s, keep_s, &at_s) ? INT64_MAX : at_s;
}

/* The folder, to be read name by name. */
static DIR *open_trash(const struct weft_files *files)
{
	int fd = weft__trash_open(files, false), code;
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (folder || fd < 0)
		return folder;
	code = errno;
	close(fd);
	errno = code;
	return NULL;
}

/* The kind of a name, and its id; 'i': of a record; 0: it is none of ours. */
static char read_name(const char *name, char ret_id[WEFT_FILES_TRASH_ID_SIZE])
{
	size_t len = WEFT_FILES_TRASH_ID_SIZE - 1;

	if (!name[0] || !strchr("tdcx", name[0]) || name[1] != '-' ||
		strspn(name + 2, "0123456789abcdef") != len)
		return 0;
	memcpy(ret_id, name + 2, len);
	ret_id[len] = '\0';
	if (!name[2 + len])
		return name[0];
	return name[0] == 't' && strcmp(name + 2 + len, ".info") == 0 ? 'i' : 0;
}

/* ---- Who knows of it ------------------------------------------------------------------------ */

const char *weft__trash_path(
	const struct weft_files_visitor *visitor, const struct weft__upload_record *record)
{
	const char *home = visitor->home ? visitor->home : "", *path = record->path;

	/* The home as it is given, name by name; the path is in normal form. */
	for (;;) {
		size_t len;

		home += strspn(home, "/");
		len = strcspn(home, "/");
		if (len == 0)
			return path;
		if (!(len == 1 && home[0] == '.')) {
			if (strncmp(path, home, len) != 0 || path[len] != '/')
				return NULL;
			path += len + 1;
		}
		home += len;
	}
}

bool weft__trash_is_hers(
	const struct weft_files_visitor *visitor, const struct weft__upload_record *record)
{
	return record->owner[0] && strcmp(record->owner, weft__visitor_owner(visitor)) == 0;
}

static bool may_manage(
	const struct weft_files_visitor *visitor, const struct weft__upload_record *record)
{
	return weft__visitor_rights(visitor, record->path) & WEFT_FILES_MANAGE;
}

bool weft__trash_is_seen(
	const struct weft_files_visitor *visitor, const struct weft__upload_record *record)
{
	if (!weft__trash_path(visitor, record))
		return false;
	/* A token of hers may be for another folder. */
	if (!weft__visitor_rights(visitor, record->path))
		return false;
	return weft__trash_is_hers(visitor, record) || may_manage(visitor, record);
}

/* ---- Lists ------------------------------------------------------------------------------------
 */

struct found {
	struct weft__upload_record record;
	char id[WEFT_FILES_TRASH_ID_SIZE];
	bool is_folder;
};

struct listing {
	struct weft_files *files;
	const struct weft_files_visitor *visitor;
	DIR *folder;
	struct weft_vec found; /* struct found */
	size_t seen;           /* of them, those that may be seen: the first */
	bool is_read, has_more;
};

static void drop_from(struct listing *listing, size_t first)
{
	for (size_t i = first; i < weft_vec_len(&listing->found); i++)
		weft__upload_record_fini(&weft_vec_get(&listing->found, struct found, i)->record);
	weft_vec_truncate(&listing->found, first);
}

/* One that somebody is at is there all the same; one that is gone by now is not. */
static int read_found(struct listing *listing, const char *id)
{
	char name[WEFT__TRASH_NAME_SIZE], info[WEFT__TRASH_NAME_SIZE];
	struct found found = {.is_folder = false};
	int folder_fd = dirfd(listing->folder), fd, result, code;
	struct stat stat;

	weft__trash_name(name, 't', id);
	weft__trash_info_name(info, id);
	if (fstatat(folder_fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	fd = openat(folder_fd, info, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	result = weft__upload_record_read(fd, &found.record);
	code = errno;
	close(fd);
	errno = code;
	if (result < 0)
		return code == EBADMSG ? 0 : -1;
	found.is_folder = S_ISDIR(stat.st_mode);
	memcpy(found.id, id, sizeof(found.id));
	if (weft_vec_push(&listing->found, &found) == 0)
		return 0;
	weft__upload_record_fini(&found.record);
	return -1;
}

static int read_some(void *arg)
{
	struct listing *listing = arg;
	char id[WEFT_FILES_TRASH_ID_SIZE];
	struct dirent *entry;

	if (!listing->folder)
		listing->folder = open_trash(listing->files);
	if (!listing->folder) {
		listing->is_read = true;
		return errno == ENOENT ? 0 : -1;
	}
	for (int i = 0; i < AT_ONCE; i++) {
		errno = 0; /* readdir(3) leaves it so at the end */
		entry = readdir(listing->folder);
		if (!entry) {
			listing->is_read = true;
			return errno ? -1 : 0;
		}
		if (read_name(entry->d_name, id) == 'i' && read_found(listing, id) < 0)
			return -1;
	}
	return 0;
}

/* Of those that were just read, the ones that the visitor knows of stay. */
static void keep_seen(struct listing *listing)
{
	struct weft_vec *all = &listing->found;

	for (size_t i = listing->seen; i < weft_vec_len(all); i++) {
		struct found *found = weft_vec_get(all, struct found, i), kept = *found;
		struct found *place = weft_vec_get(all, struct found, listing->seen);

		if (!weft__trash_is_seen(listing->visitor, &found->record))
			continue;
		*found = *place;
		*place = kept;
		listing->seen++;
	}
	drop_from(listing, listing->seen);
}

static int compare(const void *a, const void *b, void *context)
{
	const struct found *first = a, *second = b;
	const struct weft__upload_record *x = &first->record, *y = &second->record;

	(void)context;
	if (x->touched_s != y->touched_s)
		return x->touched_s > y->touched_s ? -1 : 1;
	if (x->base.mtime_ns != y->base.mtime_ns)
		return x->base.mtime_ns > y->base.mtime_ns ? -1 : 1;
	return strcmp(first->id, second->id);
}

static void keep_latest(struct listing *listing)
{
	weft_sort(listing->found.items, weft_vec_len(&listing->found), sizeof(struct found),
		compare, NULL);
	if (weft_vec_len(&listing->found) <= WEFT_FILES_TRASH_LIST_MAX)
		return;
	drop_from(listing, WEFT_FILES_TRASH_LIST_MAX);
	listing->seen = WEFT_FILES_TRASH_LIST_MAX;
	listing->has_more = true;
}

static int tell(const struct listing *listing, weft_files_trash_fn *fn, void *arg)
{
	weft_vec_each (struct found, found, &listing->found) {
		const struct weft__upload_record *record = &found->record;
		const char *path = weft__trash_path(listing->visitor, record);
		const char *slash = strrchr(path, '/');
		struct weft_files_trashed trashed = {.path = path,
			.name = slash ? slash + 1 : path,
			.by = record->remark,
			.removed_s = record->touched_s,
			.expires_s = expires_s(listing->files, record),
			.bytes = record->len,
			.files = record->offset,
			.is_folder = found->is_folder,
			.is_mine = weft__trash_is_hers(listing->visitor, record)};

		memcpy(trashed.id, found->id, sizeof(trashed.id));
		if (fn(&trashed, arg) < 0)
			return -1;
	}
	return listing->has_more ? 1 : 0;
}

static int list(struct listing *listing, weft_files_trash_fn *fn, void *arg)
{
	while (!listing->is_read) {
		if (weft_offload_as(WEFT_OFFLOAD_FILE, read_some, listing) < 0)
			return -1;
		keep_seen(listing);
		if (listing->seen >= 2 * (size_t)WEFT_FILES_TRASH_LIST_MAX)
			keep_latest(listing);
	}
	keep_latest(listing);
	return tell(listing, fn, arg);
}

int weft_files_trash_list(struct weft_files *files, const struct weft_files_visitor *visitor,
	weft_files_trash_fn *fn, void *arg)
{
	struct listing listing = {.files = files, .visitor = visitor};
	int result = 0, code;

	weft_vec_init(&listing.found, sizeof(struct found));
	if (weft_files_trash_days(files) > 0) {
		weft__trash_sweep_sometimes(files);
		result = list(&listing, fn, arg);
	}
	code = errno;
	drop_from(&listing, 0);
	weft_vec_fini(&listing.found);
	if (listing.folder)
		closedir(listing.folder); /* was only read */
	errno = code;
	return result;
}

/* ---- Of a path --------------------------------------------------------------------------------
 */

static bool leads_to(const char *folder, const char *path)
{
	size_t len = strlen(folder);

	return strncmp(folder, path, len) == 0 && (path[len] == '/' || !path[len] || len == 0);
}

int weft__trash_is_of(struct weft_files *files, const char *whole)
{
	struct listing listing = {.files = files};
	int result = 0, code;

	weft_vec_init(&listing.found, sizeof(struct found));
	while (result == 0 && !listing.is_read) {
		result = weft_offload_as(WEFT_OFFLOAD_FILE, read_some, &listing);
		weft_vec_each (struct found, found, &listing.found) {
			const char *path = found->record.path;

			if (result == 0 && (leads_to(path, whole) || leads_to(whole, path)))
				result = 1;
		}
		code = errno;
		drop_from(&listing, 0);
		errno = code;
	}
	code = errno;
	weft_vec_fini(&listing.found);
	if (listing.folder)
		closedir(listing.folder); /* was only read */
	errno = code;
	return result;
}

/* ---- Sweeping ---------------------------------------------------------------------------------
 */

struct sweep {
	struct weft_files *files;
	struct weft__trash_clearing *clearing;
	DIR *folder;
	int64_t now_s;
	bool is_read;
};

/* A record: its thing has never come, or is gone; or it has expired. */
static void sweep_record(struct sweep *sweep, const char *id)
{
	struct weft__upload_record record;
	int trash_fd = dirfd(sweep->folder), fd = weft__trash_lock(trash_fd, id, &record);

	if (fd < 0) {
		/* Nothing is there for it, or it can't be read: then its thing gets another. */
		if (errno == ENOENT || errno == EBADMSG)
			weft__trash_forget(trash_fd, id);
		return;
	}
	if (weft_files_trash_days(sweep->files) > 0 &&
		expires_s(sweep->files, &record) <= sweep->now_s &&
		weft__trash_doom(trash_fd, id) == 0)
		weft__trash_clearing_add(sweep->clearing, 'd', id);
	weft__upload_record_fini(&record);
	close(fd);
}

/* What has no record, though it was on the disk before it: a disk has lost it. */
static void sweep_thing(struct sweep *sweep, const char *id)
{
	struct weft__upload_record record = {.touched_s = sweep->now_s,
		.owner = (char *)(uintptr_t) "",
		.path = (char *)(uintptr_t)id,
		.remark = (char *)(uintptr_t) ""};
	char name[WEFT__TRASH_NAME_SIZE], info[WEFT__TRASH_NAME_SIZE];
	int trash_fd = dirfd(sweep->folder), fd;

	weft__trash_name(name, 't', id);
	weft__trash_info_name(info, id);
	if (faccessat(trash_fd, info, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		return;
	/* The record goes last: nothing is there any more where both went since the name was read.
	 */
	if (faccessat(trash_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	fd = weft__trash_record_make_for(trash_fd, &record, id);
	if (fd >= 0)
		close(fd);
}

/* A folder that was being copied: nobody's, where it can be locked. */
static void sweep_copy(struct sweep *sweep, const char *name, const char *id)
{
	int trash_fd = dirfd(sweep->folder);
	int fd = openat(trash_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char doomed[WEFT__TRASH_NAME_SIZE];

	if (fd < 0)
		return;
	weft__trash_name(doomed, 'x', id);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 &&
		weft__trash_rename(trash_fd, name, trash_fd, doomed) == 0)
		weft__trash_clearing_add(sweep->clearing, 'x', id);
	close(fd);
}

static void sweep_name(struct sweep *sweep, const char *name)
{
	char id[WEFT_FILES_TRASH_ID_SIZE], kind = read_name(name, id);

	switch (kind) {
	case 'i':
		sweep_record(sweep, id);
		break;
	case 't':
		sweep_thing(sweep, id);
		break;
	case 'c':
		sweep_copy(sweep, name, id);
		break;
	case 'd':
	case 'x':
		weft__trash_clearing_add(sweep->clearing, kind, id);
		break;
	default:
		break;
	}
}

static int sweep_some(void *arg)
{
	struct sweep *sweep = arg;
	struct dirent *entry;

	if (!sweep->folder)
		sweep->folder = open_trash(sweep->files);
	if (!sweep->folder) {
		sweep->is_read = true;
		return errno == ENOENT ? 0 : -1;
	}
	for (int i = 0; i < AT_ONCE; i++) {
		errno = 0; /* readdir(3) leaves it so at the end */
		entry = readdir(sweep->folder);
		if (!entry) {
			sweep->is_read = true;
			return errno ? -1 : 0;
		}
		sweep_name(sweep, entry->d_name);
	}
	return 0;
}

int weft__trash_sweep(struct weft_files *files, unsigned names_max)
{
	struct weft__trash_clearing clearing;
	struct sweep sweep = {
		.files = files, .clearing = &clearing, .now_s = weft_wall_now() / WEFT_SECONDS(1)};
	unsigned turn = weft__change_begin(files);
	int result = 0, code;

	atomic_store(&files->swept_ns, weft_wall_now());
	weft__trash_clearing_init(&clearing, files, NULL);
	clearing.left = names_max;
	while (result == 0 && !sweep.is_read)
		result = weft_offload_as(WEFT_OFFLOAD_FILE, sweep_some, &sweep);
	code = errno;
	if (sweep.folder)
		closedir(sweep.folder); /* was only read */
	weft__trash_clear(&clearing);
	weft__trash_clearing_fini(&clearing);
	weft__change_end(files, turn);
	errno = code;
	return result;
}

void weft__trash_sweep_sometimes(struct weft_files *files)
{
	int64_t now_ns = weft_wall_now(), last_ns = atomic_load(&files->swept_ns);

	/* A clock that was set back is no reason to wait until it is where it was. */
	if ((now_ns - last_ns >= SWEEP_EVERY_NS || now_ns < last_ns) &&
		atomic_compare_exchange_strong(&files->swept_ns, &last_ns, now_ns))
		weft__trash_sweep(files, WEFT__TRASH_SWEEP_BY);
}
