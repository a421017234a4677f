/*
 * upload.c - uploads that are gone on with: begun, found again, written (upload.h).
 *
 * Entry points: weft_files_upload_create(), _open(), _write(), _sync(), _rewind(), _facts().
 *
 * Never: an offset recorded whose bytes are not on the disk.
 */
#include "files/trash.h"
#include "files/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "weft/fiber.h"
#include "weft/offload.h"
#include "weft/scope.h"

#define ID_LEN (WEFT_FILES_UPLOAD_ID_SIZE - 1)

/** So often it is looked again at one that is busy, after so long. */
#define BUSY_LOOKS   5
#define BUSY_WAIT_NS WEFT_MILLISECONDS(4)

static int fail(int code)
{
	errno = code;
	return -1;
}

static bool is_id(const char *id)
{
	return strlen(id) == ID_LEN && strspn(id, "0123456789abcdef") == ID_LEN;
}

static int64_t now_s(void)
{
	return weft_wall_now() / WEFT_SECONDS(1);
}

/* ---- Life ------------------------------------------------------------------------------- */

void weft__upload_end(struct weft_files_upload *upload, int64_t used)
{
	int code = errno;

	if (upload->info_fd >= 0)
		close(upload->info_fd);
	weft__upload_record_fini(&upload->record);
	if (upload->put)
		weft__files_put_end(upload->put, used);
	free(upload);
	errno = code;
}

/* Without its bytes. NULL: ENOMEM. */
static struct weft_files_upload *make_upload(
	struct weft_files *files, const struct weft_files_visitor *visitor, const char *path)
{
	struct weft_files_upload *upload = calloc(1, sizeof(*upload));
	struct weft_files_put *put = upload ? calloc(1, sizeof(*put)) : NULL;

	if (!put) {
		free(upload);
		return NULL;
	}
	upload->info_fd = -1;
	upload->put = put;
	put->files = files;
	put->max = weft__files_max(files);
	put->visitor = visitor;
	put->announced = -1;
	put->path = path ? strdup(path) : NULL;
	if (!path || put->path)
		return upload;
	weft__upload_end(upload, 0);
	return NULL;
}

/* Its bytes, of which so many are there, as the store puts them. Owns fd if it is done. */
static int attach(struct weft_files_upload *upload, int fd, int folder_fd)
{
	struct weft__put *inner = calloc(1, sizeof(*inner));

	if (!inner)
		return -1;
	inner->temporary_fd = fcntl(folder_fd, F_DUPFD_CLOEXEC, 3);
	if (inner->temporary_fd < 0) {
		free(inner);
		return -1;
	}
	weft__upload_name(inner->temporary, upload->id);
	inner->keeps_temporary = true;
	inner->root_fd = upload->put->files->root.fd;
	inner->owner = upload->put->visitor->owner;
	inner->asks_owner = upload->put->files->options.freed != NULL;
	inner->place.folder_fd = -1;
	inner->owns_folder = true;
	inner->len = -1;
	inner->fd = fd;
	inner->position = inner->told = upload->record.offset;
	upload->put->inner = inner;
	upload->put->kept = upload->record.offset;
	return 0;
}

/* What will come is known. */
static void announce(struct weft_files_upload *upload)
{
	upload->put->is_exact = upload->record.len >= 0;
	upload->put->announced =
		upload->put->is_exact ? upload->record.len - upload->put->kept : -1;
}

/* ---- Beginning --------------------------------------------------------------------------- */

struct create_call {
	struct weft__view view;
	struct weft_files_upload *upload;
	const struct weft_files_upload_options *options;
};

static int write_record(struct weft_files_upload *upload, int folder_fd)
{
	char name[WEFT__UPLOAD_NAME_SIZE];

	weft__upload_info_name(name, upload->id);
	upload->info_fd =
		openat(folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (upload->info_fd < 0)
		return -1;
	return weft__upload_record_make(upload->info_fd, &upload->record);
}

int weft__upload_make(struct weft_files_upload *upload, int folder_fd)
{
	const struct weft_files_put *put = upload->put;
	struct weft__upload_base *base = &upload->record.base;

	*base = (struct weft__upload_base){.is_there = put->was_there};
	if (put->was_there) {
		base->ino = put->was.st_ino;
		base->size = put->was.st_size;
		base->mtime_s = put->was.st_mtim.tv_sec;
		base->mtime_ns = put->was.st_mtim.tv_nsec;
	}
	upload->record.touched_s = now_s();
	upload->record.path = strdup(put->path);
	upload->record.owner = strdup(weft__visitor_owner(put->visitor));
	if (!upload->record.remark)
		upload->record.remark = strdup("");
	if (!upload->record.path || !upload->record.owner || !upload->record.remark)
		return -1;
	if (strlen(upload->record.owner) > WEFT__UPLOAD_OWNER_MAX)
		return fail(ENAMETOOLONG);
	if (write_record(upload, folder_fd) < 0 || fsync(folder_fd) < 0)
		return -1;
	/* The folder itself may be new. */
	return fsync(put->files->root.fd);
}

/* Whether it may be put there, by what is there now. */
static int judge_place(struct create_call *call)
{
	struct weft__store_place place;
	struct stat existing;
	int is_there, code;

	if (weft__view_enter(&call->view) < 0 ||
		weft__store_find(&call->view.root, call->view.path, true, &place) < 0)
		return -1;
	is_there = weft__store_look(&place, &existing);
	close(place.folder_fd);
	if (is_there < 0)
		return -1;
	if (is_there && !call->options->is_unique && !S_ISREG(existing.st_mode))
		return fail(S_ISDIR(existing.st_mode) ? EISDIR : ENODEV);
	if (call->options->is_unique)
		is_there = 0;
	code = weft__files_put_judge(is_there ? &existing : NULL, call->upload->put);
	return code ? fail(code) : 0;
}

/* A file of that name, locked. -1; who looks for what the dead have left may be faster: EAGAIN. */
static int make_locked(int folder_fd, const char *name)
{
	int fd = openat(folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	struct stat stat;

	if (fd < 0)
		return -1;
	while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
	if (fstat(fd, &stat) == 0 && stat.st_nlink > 0)
		return fd;
	close(fd);
	return fail(EAGAIN);
}

static int make_bytes(struct weft_files_upload *upload, int folder_fd)
{
	char name[WEFT__UPLOAD_NAME_SIZE];
	int fd, code;

	weft__upload_name(name, upload->id);
	do
		fd = make_locked(folder_fd, name);
	while (fd < 0 && errno == EAGAIN);
	if (fd < 0)
		return -1;
	if (attach(upload, fd, folder_fd) == 0)
		return 0;
	code = errno;
	unlinkat(folder_fd, name, 0);
	close(fd);
	return fail(code);
}

static int create_in(struct create_call *call, int folder_fd)
{
	struct weft_files_upload *upload = call->upload;
	const struct weft_files_visitor *visitor = upload->put->visitor;

	if (weft__uploads_check_count(upload->put->files, folder_fd, visitor) < 0 ||
		make_bytes(upload, folder_fd) < 0)
		return -1;
	if (weft__upload_make(upload, folder_fd) == 0)
		return 0;
	weft__upload_take_back(folder_fd, upload->id);
	return -1;
}

static int create_there(void *arg)
{
	struct create_call *call = arg;
	int fd, result, code;

	if (judge_place(call) < 0)
		return -1;
	fd = weft__uploads_open_folder(call->upload->put->files, true);
	if (fd < 0)
		return -1;
	result = create_in(call, fd);
	code = errno;
	close(fd);
	errno = code;
	return result;
}

static int create(struct create_call *call)
{
	struct weft_files_upload *upload = call->upload;
	struct weft_files_put *put = upload->put;

	put->rights = call->view.rights;
	put->may_replace = call->options->may_replace;
	put->judge = call->options->judge;
	put->judge_arg = call->options->arg;
	if (weft__view_need(&call->view, WEFT_FILES_WRITE | WEFT_FILES_REPLACE) < 0)
		return -1;
	upload->record.len = call->options->len < 0 ? -1 : call->options->len;
	upload->record.remark = strdup(call->options->remark ? call->options->remark : "");
	if (!upload->record.remark)
		return -1;
	if (strlen(upload->record.remark) > WEFT__UPLOAD_REMARK_MAX)
		return fail(EINVAL);
	announce(upload);
	if (put->announced > 0 && weft__files_put_reserve(put, put->announced) < 0)
		return -1;
	weft__upload_draw_id(upload->id);
	return weft_offload_as(WEFT_OFFLOAD_FILE, create_there, call);
}

struct weft_files_upload *weft_files_upload_create(struct weft_files *files,
	const struct weft_files_visitor *visitor, const char *path,
	const struct weft_files_upload_options *options)
{
	static const struct weft_files_upload_options none = {.len = -1};
	struct create_call call = {.options = options ? options : &none};
	int result = -1;

	weft__uploads_expire_sometimes(files);
	weft__trash_sweep_sometimes(files);
	if (weft__view_make(&call.view, files, visitor, path) < 0)
		return NULL;
	call.upload = make_upload(files, visitor, call.view.path);
	if (call.upload)
		result = create(&call);
	weft__view_leave(&call.view);
	if (result == 0)
		return call.upload;
	if (call.upload)
		weft__upload_end(call.upload, 0);
	return NULL;
}

/* ---- Going on ------------------------------------------------------------------------------ */

/* What is behind the record was not on the disk when it was written: it comes again. */
static int cut(struct weft_files_upload *upload, int fd)
{
	struct stat stat;

	if (fstat(fd, &stat) < 0)
		return -1;
	if (stat.st_size < upload->record.offset)
		upload->record.offset = stat.st_size;
	return stat.st_size > upload->record.offset ? ftruncate(fd, upload->record.offset) : 0;
}

/* Its record, if it is the visitor's. */
static int open_record(struct weft_files_upload *upload, int folder_fd)
{
	const struct weft_files_visitor *visitor = upload->put->visitor;
	struct weft__upload_record *record = &upload->record;

	upload->info_fd = weft__upload_open_record(folder_fd, upload->id, record);
	if (upload->info_fd < 0)
		return -1;
	if (strcmp(record->owner, weft__visitor_owner(visitor)) != 0 ||
		weft__upload_expires_s(upload->put->files, record) <= now_s())
		return fail(ENOENT);
	return 0;
}

static int open_in(struct weft_files_upload *upload, int folder_fd)
{
	int fd = weft__upload_lock(folder_fd, upload->id), code;

	if (fd < 0)
		return -1;
	if (open_record(upload, folder_fd) == 0 && cut(upload, fd) == 0 &&
		attach(upload, fd, folder_fd) == 0)
		return 0;
	code = errno;
	close(fd);
	return fail(code);
}

static int peek_in(struct weft_files_upload *upload, int folder_fd)
{
	if (open_record(upload, folder_fd) < 0)
		return -1;
	upload->put->code = EBADF;
	upload->put->kept = upload->record.offset;
	if (weft__upload_has_bytes(folder_fd, upload->id) || weft__upload_is_whole(&upload->record))
		return 0;
	return fail(ENOENT);
}

typedef int open_fn(struct weft_files_upload *upload, int folder_fd);

static int open_by(struct weft_files_upload *upload, open_fn *fn)
{
	int fd = weft__uploads_open_folder(upload->put->files, false), result, code;

	if (fd < 0)
		return -1;
	result = fn(upload, fd);
	code = errno;
	close(fd);
	errno = code;
	return result;
}

static int open_there(void *arg)
{
	return open_by(arg, open_in);
}

static int peek_there(void *arg)
{
	return open_by(arg, peek_in);
}

/* What the record says, to the put. */
static int recall(struct weft_files_upload *upload)
{
	struct weft_files_put *put = upload->put;
	const struct weft__upload_base *base = &upload->record.base;

	announce(upload);
	/* That length was within the bound of when it was begun. */
	if (put->max > 0 && upload->record.len > put->max)
		put->max = upload->record.len;
	put->path = strdup(upload->record.path);
	if (!put->path)
		return -1;
	put->has_begun = true;
	put->was_there = base->is_there;
	put->was.st_ino = base->ino;
	put->was.st_size = base->size;
	put->was.st_mtim.tv_sec = base->mtime_s;
	put->was.st_mtim.tv_nsec = base->mtime_ns;
	return put->announced > 0 ? weft__files_put_reserve(put, put->announced) : 0;
}

/* One of that id, which is yet to be opened. */
static struct weft_files_upload *make_known(
	struct weft_files *files, const struct weft_files_visitor *visitor, const char *id)
{
	struct weft_files_upload *upload = NULL;

	if (!is_id(id))
		errno = ENOENT;
	else
		upload = make_upload(files, visitor, NULL);
	if (upload)
		memcpy(upload->id, id, sizeof(upload->id));
	return upload;
}

bool weft__upload_is_seen(
	const struct weft_files_visitor *visitor, const struct weft__upload_record *record)
{
	const unsigned any = WEFT_FILES_WRITE | WEFT_FILES_REPLACE;

	return strcmp(record->owner, weft__visitor_owner(visitor)) == 0 &&
	       (weft_files_rights(visitor, record->path) & any);
}

/* On the caller's fiber, as all that asks for rights. */
static int check_seen(const struct weft_files_upload *upload)
{
	return weft__upload_is_seen(upload->put->visitor, &upload->record) ? 0 : fail(ENOENT);
}

struct weft_files_upload *weft_files_upload_peek(
	struct weft_files *files, const struct weft_files_visitor *visitor, const char *id)
{
	struct weft_files_upload *upload = make_known(files, visitor, id);

	if (!upload)
		return NULL;
	if (weft_offload_as(WEFT_OFFLOAD_FILE, peek_there, upload) == 0 && check_seen(upload) == 0)
		return upload;
	weft__upload_end(upload, 0);
	return NULL;
}

/* Who counts, lists or expires uploads has each for a moment, to see whether somebody goes on with
 * it: that is not being busy. */
static int open_patiently(struct weft_files_upload *upload)
{
	int result = weft_offload_as(WEFT_OFFLOAD_FILE, open_there, upload);

	for (int i = 0; i < BUSY_LOOKS && result < 0 && errno == EBUSY; i++) {
		if (weft_sleep(BUSY_WAIT_NS) < 0)
			return -1;
		result = weft_offload_as(WEFT_OFFLOAD_FILE, open_there, upload);
	}
	return result;
}

struct weft_files_upload *weft_files_upload_open(
	struct weft_files *files, const struct weft_files_visitor *visitor, const char *id)
{
	struct weft_files_upload *upload = make_known(files, visitor, id);

	if (!upload)
		return NULL;
	if (open_patiently(upload) == 0 && check_seen(upload) == 0 && recall(upload) == 0)
		return upload;
	weft__upload_end(upload, 0);
	return NULL;
}

struct weft_files_upload_facts weft_files_upload_facts(const struct weft_files_upload *upload)
{
	struct weft_files_upload_facts facts = {.len = upload->record.len,
		.offset = upload->put->kept + upload->put->len,
		.expires_s = weft__upload_expires_s(upload->put->files, &upload->record),
		.path = upload->record.path,
		.owner = upload->record.owner,
		.remark = upload->record.remark};

	memcpy(facts.id, upload->id, sizeof(facts.id));
	return facts;
}

/* ---- Bytes ---------------------------------------------------------------------------------- */

int weft_files_upload_write(struct weft_files_upload *upload, const void *data, size_t len)
{
	return upload->put->inner ? weft_files_put_write(upload->put, data, len) : fail(EBADF);
}

static int sync_there(void *arg)
{
	struct weft_files_upload *upload = arg;

	if (upload->put->inner->buffer && weft__put_write_out(upload->put->inner) < 0)
		return -1;
	/* The bytes it left out are not tried again by the next one, which says nothing of them. */
	if (fdatasync(upload->put->inner->fd) < 0) {
		upload->put->inner->lost_code = errno;
		return -1;
	}
	upload->record.offset = upload->put->kept + upload->put->len;
	upload->record.touched_s = now_s();
	return weft__upload_record_update(upload->info_fd, &upload->record);
}

int weft_files_upload_sync(struct weft_files_upload *upload)
{
	if (weft__upload_code(upload))
		return fail(weft__upload_code(upload));
	return weft_offload_as(WEFT_OFFLOAD_FILE, sync_there, upload);
}

int weft_files_upload_set_len(struct weft_files_upload *upload, int64_t len)
{
	int64_t max = weft__files_max(upload->put->files);

	if (!upload->put->inner)
		return fail(EBADF);
	if (upload->record.len >= 0 || len < upload->put->kept + upload->put->len)
		return fail(EINVAL);
	if (max > 0 && len > max)
		return fail(EFBIG);
	upload->record.len = len;
	announce(upload);
	if (weft_files_upload_sync(upload) == 0)
		return 0;
	upload->record.len = -1;
	announce(upload);
	return -1;
}

struct rewind_call {
	struct weft_files_upload *upload;
	int64_t offset;
};

/* The record first: it must never tell of bytes that others take the place of. */
static int rewind_there(void *arg)
{
	struct rewind_call *call = arg;
	struct weft_files_upload *upload = call->upload;
	struct weft__put *inner = upload->put->inner;

	if (call->offset < upload->record.offset) {
		upload->record.offset = call->offset;
		if (weft__upload_record_update(upload->info_fd, &upload->record) < 0)
			return -1;
	}
	/* Of what waits in memory, that which stays is written. */
	inner->buffer_len =
		call->offset > inner->position ? (size_t)(call->offset - inner->position) : 0;
	if (inner->buffer_len > 0 && weft__put_write_out(inner) < 0)
		return -1;
	if (ftruncate(inner->fd, call->offset) < 0)
		return -1;
	inner->position = inner->told = call->offset;
	return 0;
}

int weft_files_upload_rewind(struct weft_files_upload *upload, int64_t offset)
{
	struct rewind_call call = {upload, offset};
	struct weft_files_put *put = upload->put;

	if (!put->inner)
		return fail(EBADF);
	if (offset < 0 || offset > put->kept + put->len)
		return fail(EINVAL);
	if (put->inner->lost_code && offset > upload->record.offset)
		return fail(put->inner->lost_code);
	if (weft_offload_as(WEFT_OFFLOAD_FILE, rewind_there, &call) < 0) {
		put->code = errno; /* what is there is not what was wanted: it is not kept */
		return -1;
	}
	put->code = put->inner->lost_code = 0;
	if (offset < put->kept) {
		weft__visitor_settle(put->visitor, 0, offset - put->kept);
		put->kept = offset;
		announce(upload);
	}
	put->len = offset - put->kept;
	return 0;
}
