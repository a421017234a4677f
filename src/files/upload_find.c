/*
 * upload_find.c - looking through all uploads: by path, by owner, by age (upload.h).
 *
 * Entry points: weft_files_upload_find(), weft_files_uploads(); weft__uploads_expire(),
 * weft__uploads_count().
 *
 * Never: one removed that somebody goes on with.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/upload.h"
#include "weft/fiber.h"
#include "weft/offload.h"
#include "weft/sort.h"
#include "weft/vec.h"

/** So often uploads are looked through for those that have expired, when others begin. */
#define EXPIRE_EVERY_NS WEFT_SECONDS(60)

/* ---- All of them ------------------------------------------------------------------------- */

/* Each upload's id, and whether the name was its record's. It returns 0, or 1 to stop. */
typedef int each_fn(int folder_fd, const char *id, bool is_info, void *arg);

/* The id in a name of an upload's file; false: it is something else. */
static bool read_name(const char *name, char *ret_id, bool *ret_is_info)
{
	size_t len = WEFT_FILES_UPLOAD_ID_SIZE - 1;

	if (strncmp(name, "u-", 2) != 0 || strspn(name + 2, "0123456789abcdef") != len)
		return false;
	memcpy(ret_id, name + 2, len);
	ret_id[len] = '\0';
	*ret_is_info = strcmp(name + 2 + len, ".info") == 0;
	return *ret_is_info || !name[2 + len];
}

static int each_upload(int folder_fd, each_fn *fn, void *arg)
{
	int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	char id[WEFT_FILES_UPLOAD_ID_SIZE];
	struct dirent *entry;
	bool is_info;
	int code;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	do {
		errno = 0; /* readdir(3) leaves it so at the end */
		entry = readdir(folder);
		if (!entry)
			result = errno ? -1 : 0;
		else if (read_name(entry->d_name, id, &is_info))
			result = fn(folder_fd, id, is_info, arg);
	} while (entry && result == 0);
	code = errno;
	closedir(folder);
	errno = code;
	return result;
}

/* Of all that have a record. *ret_fd: without its descriptor. */
static bool read_record(int folder_fd, const char *id, struct weft__upload_record *ret_record)
{
	int fd = weft__upload_open_record(folder_fd, id, ret_record);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool is_owner(
	const struct weft__upload_record *record, const struct weft_files_visitor *visitor)
{
	return strcmp(record->owner, weft__visitor_owner(visitor)) == 0;
}

/* ---- How many, and how much ----------------------------------------------------------------- */

struct counting {
	const struct weft_files_visitor *visitor;
	const char *path; /* below it; "": all */
	unsigned count;
	int64_t bytes;
};

static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return len == 0 || (strncmp(path, folder, len) == 0 && path[len] == '/');
}

static int count_one(int folder_fd, const char *id, bool is_info, void *arg)
{
	struct counting *counting = arg;
	struct weft__upload_record record;

	if (!is_info || !weft__upload_has_bytes(folder_fd, id) ||
		!read_record(folder_fd, id, &record))
		return 0;
	if (is_owner(&record, counting->visitor) && is_below(record.path, counting->path)) {
		counting->count++;
		counting->bytes += record.offset;
	}
	weft__upload_record_fini(&record);
	return 0;
}

/* How many files of each kind there are. */
struct census {
	unsigned bodies, records;
};

static int count_names(int folder_fd, const char *id, bool is_info, void *arg)
{
	struct census *census = arg;

	(void)folder_fd, (void)id;
	census->bodies += !is_info;
	census->records += is_info;
	return 0;
}

/* One that was published: its record is all there is. */
struct remembered {
	int64_t since_s;
	char id[WEFT_FILES_UPLOAD_ID_SIZE];
};

static int note_remembered(int folder_fd, const char *id, bool is_info, void *arg)
{
	struct remembered one;
	struct stat stat;
	char name[WEFT__UPLOAD_NAME_SIZE];

	weft__upload_info_name(name, id);
	if (!is_info || weft__upload_has_bytes(folder_fd, id) ||
		fstatat(folder_fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	one.since_s = stat.st_mtim.tv_sec;
	memcpy(one.id, id, sizeof(one.id));
	return weft_vec_push(arg, &one);
}

static int compare_since(const void *a, const void *b, void *arg)
{
	const struct remembered *one = a, *other = b;

	(void)arg;
	return (one->since_s > other->since_s) - (one->since_s < other->since_s);
}

/* Who has published thousands within minutes has no use for the first of them, and a disk that is
 * nearly full has. What fails here is done by the next. */
static void forget_oldest(int folder_fd)
{
	struct weft_vec all;
	size_t len;

	weft_vec_init(&all, sizeof(struct remembered));
	if (each_upload(folder_fd, note_remembered, &all) == 0 && (len = weft_vec_len(&all)) > 0) {
		weft_sort(
			weft_vec_at(&all, 0), len, sizeof(struct remembered), compare_since, NULL);
		for (size_t i = 0; i + WEFT__UPLOADS_REMEMBERED_MAX / 2 < len; i++) {
			char name[WEFT__UPLOAD_NAME_SIZE];

			weft__upload_info_name(name, weft_vec_get(&all, struct remembered, i)->id);
			unlinkat(folder_fd, name, 0);
		}
	}
	weft_vec_fini(&all);
}

int weft__uploads_check_count(
	const struct weft_files *files, int folder_fd, const struct weft_files_visitor *visitor)
{
	struct counting counting = {.visitor = visitor, .path = ""};
	struct census census = {.bodies = 0};

	if (each_upload(folder_fd, count_names, &census) < 0)
		return -1;
	if (census.records > census.bodies + WEFT__UPLOADS_REMEMBERED_MAX)
		forget_oldest(folder_fd);
	/* Whose they are matters when all are as many as one may have. */
	if (census.bodies < files->options.uploads_max)
		return 0;
	if (each_upload(folder_fd, count_one, &counting) < 0)
		return -1;
	if (counting.count < files->options.uploads_max)
		return 0;
	errno = EDQUOT;
	return -1;
}

struct count_call {
	const struct weft_files *files;
	struct counting counting;
};

static int count_there(void *arg)
{
	struct count_call *call = arg;
	int fd = weft__uploads_open_folder(call->files, false), result;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	result = each_upload(fd, count_one, &call->counting);
	close(fd);
	return result;
}

int weft__uploads_count(
	const struct weft__view *view, const struct weft_files_visitor *visitor, int64_t *bytes)
{
	struct count_call call = {
		.files = view->files, .counting = {.visitor = visitor, .path = view->path}};

	if (weft_offload_as(WEFT_OFFLOAD_FILE, count_there, &call) < 0)
		return -1;
	*bytes += call.counting.bytes;
	return 0;
}

/* ---- Whose ---------------------------------------------------------------------------------- */

struct each_call {
	const struct weft_files *files;
	weft__upload_found_fn *fn;
	void *arg;
	int result;
};

static int tell_one(int folder_fd, const char *id, bool is_info, void *arg)
{
	struct each_call *call = arg;
	struct weft__upload_record record;
	struct weft__upload_found found = {.id = id, .record = &record};
	int fd;

	if (!is_info || !weft__upload_has_bytes(folder_fd, id) ||
		!read_record(folder_fd, id, &record))
		return 0;
	fd = weft__upload_lock(folder_fd, id);
	found.is_busy = fd < 0 && errno == EBUSY;
	if (fd >= 0)
		close(fd);
	call->result = call->fn(&found, call->arg);
	weft__upload_record_fini(&record);
	return call->result < 0;
}

static int each_there(void *arg)
{
	struct each_call *call = arg;
	int fd = weft__uploads_open_folder(call->files, false), result;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	result = each_upload(fd, tell_one, call);
	close(fd);
	return result < 0 || call->result < 0 ? -1 : 0;
}

int weft__uploads_each(const struct weft_files *files, weft__upload_found_fn *fn, void *arg)
{
	struct each_call call = {files, fn, arg, 0};

	return weft_offload_as(WEFT_OFFLOAD_FILE, each_there, &call);
}

/* ---- One visitor's ----------------------------------------------------------------------------
 */

/** That are told at most. */
#define TOLD_MAX 1000

/* A copy of what is told of one. */
struct told {
	struct weft_files_upload_facts facts;
	bool is_busy;
	char *path, *owner, *remark; /* to be freed */
};

struct telling {
	const struct weft_files *files;
	const struct weft_files_visitor *visitor;
	struct weft_vec told;
};

static void free_told(struct told *told)
{
	free(told->path);
	free(told->owner);
	free(told->remark);
}

static int note_own(const struct weft__upload_found *found, void *arg)
{
	struct telling *telling = arg;
	const struct weft__upload_record *record = found->record;
	struct told told = {.is_busy = found->is_busy,
		.facts = {.len = record->len,
			.offset = record->offset,
			.expires_s = weft__upload_expires_s(telling->files, record)}};

	if (!is_owner(record, telling->visitor) || weft_vec_len(&telling->told) >= TOLD_MAX)
		return 0;
	memcpy(told.facts.id, found->id, sizeof(told.facts.id));
	told.path = strdup(record->path);
	told.owner = strdup(record->owner);
	told.remark = strdup(record->remark);
	told.facts.path = told.path;
	told.facts.owner = told.owner;
	told.facts.remark = told.remark;
	if (told.path && told.owner && told.remark && weft_vec_push(&telling->told, &told) == 0)
		return 0;
	free_told(&told);
	errno = ENOMEM;
	return -1;
}

int weft_files_uploads(struct weft_files *files, const struct weft_files_visitor *visitor,
	weft_files_upload_fn *fn, void *arg)
{
	struct telling telling = {.files = files, .visitor = visitor};
	int result = 0, code;

	if (!weft__visitor_owner(visitor)[0])
		return 0;
	weft_vec_init(&telling.told, sizeof(struct told));
	result = weft__uploads_each(files, note_own, &telling);
	for (size_t i = 0; result == 0 && i < weft_vec_len(&telling.told); i++) {
		const struct told *told = weft_vec_get(&telling.told, struct told, i);

		const struct weft__upload_record record = {
			.owner = told->owner, .path = told->path};

		if (weft__upload_is_seen(visitor, &record))
			result = fn(&told->facts, told->is_busy, arg) < 0 ? -1 : 0;
	}
	code = errno;
	weft_vec_each (struct told, told, &telling.told)
		free_told(told);
	weft_vec_fini(&telling.told);
	errno = code;
	return result;
}

/* ---- By path -------------------------------------------------------------------------------- */

struct finding {
	const struct weft_files *files;
	const struct weft_files_visitor *visitor;
	const char *path;
	int64_t touched_s;
	char id[WEFT_FILES_UPLOAD_ID_SIZE];
};

static int find_one(int folder_fd, const char *id, bool is_info, void *arg)
{
	struct finding *finding = arg;
	struct weft__upload_record record;

	if (!is_info || !weft__upload_has_bytes(folder_fd, id) ||
		!read_record(folder_fd, id, &record))
		return 0;
	if (is_owner(&record, finding->visitor) && strcmp(record.path, finding->path) == 0 &&
		record.touched_s >= finding->touched_s) {
		finding->touched_s = record.touched_s;
		memcpy(finding->id, id, sizeof(finding->id));
	}
	weft__upload_record_fini(&record);
	return 0;
}

static int find_there(void *arg)
{
	struct finding *finding = arg;
	int fd = weft__uploads_open_folder(finding->files, false), result;

	if (fd < 0)
		return -1;
	result = each_upload(fd, find_one, finding);
	close(fd);
	if (result == 0 && !finding->id[0])
		errno = ENOENT;
	return result == 0 && finding->id[0] ? 0 : -1;
}

struct weft_files_upload *weft_files_upload_find(
	struct weft_files *files, const struct weft_files_visitor *visitor, const char *path)
{
	struct finding finding = {.files = files, .visitor = visitor};
	struct weft__view view;
	int result;

	if (!weft__visitor_owner(visitor)[0]) {
		errno = ENOENT;
		return NULL;
	}
	if (weft__view_make(&view, files, visitor, path) < 0)
		return NULL;
	finding.path = view.path;
	result = weft_offload_as(WEFT_OFFLOAD_FILE, find_there, &finding);
	weft__view_leave(&view);
	return result < 0 ? NULL : weft_files_upload_open(files, visitor, finding.id);
}

/* ---- By age ---------------------------------------------------------------------------------- */

/* One that has expired, for options.freed. */
struct expired {
	struct expired *next;
	int64_t bytes;
	char owner[];
};

struct expiry {
	const struct weft_files *files;
	int64_t now_s;
	struct expired *first;
};

static void note_expired(struct expiry *expiry, const struct weft__upload_record *record)
{
	size_t size = strlen(record->owner) + 1;
	struct expired *expired = malloc(sizeof(*expired) + size);

	if (!expired)
		return; /* its owner's bytes are counted anew some day */
	expired->bytes = record->offset;
	memcpy(expired->owner, record->owner, size);
	expired->next = expiry->first;
	expiry->first = expired;
}

/* Whether an upload may go: it has expired, or lacks one of its files. Its bytes are locked. */
static bool is_over(struct expiry *expiry, int folder_fd, const char *id)
{
	struct weft__upload_record record;
	bool is_over;

	if (!read_record(folder_fd, id, &record))
		return errno == ENOENT;
	is_over = weft__upload_expires_s(expiry->files, &record) <= expiry->now_s;
	if (is_over)
		note_expired(expiry, &record);
	weft__upload_record_fini(&record);
	return is_over;
}

/* One without bytes: whether it was published a short while ago. */
static bool is_remembered(const struct expiry *expiry, int folder_fd, const char *id)
{
	struct weft__upload_record record;
	bool is_remembered;

	if (!read_record(folder_fd, id, &record))
		return false;
	is_remembered =
		weft__upload_is_whole(&record) && weft__upload_forgotten_s(&record) > expiry->now_s;
	weft__upload_record_fini(&record);
	return is_remembered;
}

static int expire_one(int folder_fd, const char *id, bool is_info, void *arg)
{
	char name[WEFT__UPLOAD_NAME_SIZE];
	int fd = weft__upload_lock(folder_fd, id);

	weft__upload_info_name(name, id);
	if (fd < 0) { /* busy; or a record whose bytes were published or never came */
		if (errno == ENOENT && is_info && !is_remembered(arg, folder_fd, id))
			unlinkat(folder_fd, name, 0);
		return 0;
	}
	if (is_over(arg, folder_fd, id))
		weft__upload_unlink(folder_fd, id);
	close(fd);
	return 0;
}

static int expire_there(void *arg)
{
	struct expiry *expiry = arg;
	int fd = weft__uploads_open_folder(expiry->files, false), result;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	result = each_upload(fd, expire_one, expiry);
	close(fd);
	return result;
}

int weft__uploads_expire(struct weft_files *files)
{
	struct expiry expiry = {.files = files, .now_s = weft_wall_now() / WEFT_SECONDS(1)};
	unsigned turn = weft__change_begin(files);
	int result = weft_offload_as(WEFT_OFFLOAD_FILE, expire_there, &expiry), code = errno;

	atomic_store(&files->expired_ns, weft_wall_now());
	while (expiry.first) {
		struct expired *expired = expiry.first;

		expiry.first = expired->next;
		if (files->options.freed && expired->owner[0])
			files->options.freed(files->options.arg, expired->owner, expired->bytes);
		free(expired);
	}
	weft__change_end(files, turn);
	errno = code;
	return result;
}

void weft__uploads_expire_sometimes(struct weft_files *files)
{
	int64_t now_ns = weft_wall_now(), last_ns = atomic_load(&files->expired_ns);

	if (now_ns - last_ns >= EXPIRE_EVERY_NS &&
		atomic_compare_exchange_strong(&files->expired_ns, &last_ns, now_ns))
		weft__uploads_expire(files);
}
