/*
 * upload_end.c - how an upload that is gone on with ends, or stops for now; and how a put becomes
 * one (upload.h).
 *
 * Entry points: weft_files_upload_commit(), _close(), _remove(); weft_files_put_keep().
 *
 * Published, its bytes move from the folder of uploads to their own name by one rename, so at every
 * moment they have exactly one name; the record is removed after that. A record without bytes is
 * what a process that was killed in between leaves; it is swept.
 *
 * Never: bytes removed that were not published, but by weft_files_upload_remove().
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "files/upload.h"
#include "weft/offload.h"
#include "weft/scope.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Publishing ---------------------------------------------------------------------------- */

struct publishing {
	struct weft_files_upload *upload;
	struct weft__view view;
	mode_t mode;
	int64_t credit; /* of the visitor, for what it has replaced */
};

/* Where it goes, by what is there now. The group's commit asks the judge again. */
static int find_there(void *arg)
{
	struct publishing *publishing = arg;
	struct weft__put *inner = publishing->upload->put->inner;

	if (weft__view_enter(&publishing->view) < 0 ||
		weft__store_find(
			&publishing->view.root, publishing->view.path, true, &inner->place) < 0)
		return -1;
	return publishing->mode ? fchmod(inner->fd, publishing->mode & 0777) : 0;
}

static int check_digest(struct weft_files_upload *upload, const uint8_t *expected)
{
	struct weft__digest *digest = weft__digest_new();
	uint8_t found[WEFT__DIGEST_SIZE];
	int result;

	if (!digest)
		return -1;
	result = weft__put_flush(upload->put->inner);
	if (result == 0)
		result = weft__digest_file(digest, upload->put->inner->fd, 0, -1);
	if (result == 0) {
		weft__digest_end(digest, found);
		if (memcmp(found, expected, sizeof(found)) != 0)
			result = fail(EBADMSG);
	}
	weft__digest_free(digest);
	return result;
}

/*
 * The folder that it goes to is on another file system than the root: it is put there anew, from
 * the bytes that are there.
 */
static int copy_over(struct publishing *publishing, const struct weft_files_put_options *options,
	struct weft_files_result *ret_result)
{
	struct weft_files_upload *upload = publishing->upload;
	struct weft_files_put_options anew = *options;
	struct weft_files_put *from = upload->put, *put;
	int64_t len = from->kept + from->len, used = 0;
	struct weft_files_visitor visitor = *from->visitor;

	/* Its bytes are reckoned already, but not what it replaces. */
	visitor.reserve = NULL;
	visitor.settle = NULL;
	anew.appends = anew.keeps_before = anew.is_exact = false;
	anew.len = len;
	anew.sha256 = NULL;
	put = weft_files_put_begin(from->files, &visitor, from->path, &anew);
	if (!put)
		return -1;
	if (weft__put_copy(put->inner, from->inner->fd, len) != len) {
		weft_files_put_abort(put);
		return fail(EIO);
	}
	put->len = len;
	put->ret_used = &used;
	if (weft_files_put_commit(put, ret_result) < 0)
		return -1;
	publishing->credit = len - used;
	return 0;
}

static int unlink_there(void *arg)
{
	struct weft_files_upload *upload = arg;
	int fd = weft__uploads_open_folder(upload->put->files, false);

	if (fd < 0)
		return -1;
	weft__upload_unlink(fd, upload->id);
	close(fd);
	return 0;
}

/* The bytes have their own name; some file systems leave them the other one as well. */
static int forget_there(void *arg)
{
	struct weft_files_upload *upload = arg;
	char name[WEFT__UPLOAD_NAME_SIZE];
	int fd;

	if (!weft__upload_is_whole(&upload->record))
		return unlink_there(upload);
	fd = weft__uploads_open_folder(upload->put->files, false);
	if (fd < 0)
		return -1;
	weft__upload_name(name, upload->id);
	unlinkat(fd, name, 0);
	close(fd);
	return 0;
}

/*
 * What was published is no upload any more; its record, if it is one of all bytes, stays for a
 * while. Only a nuisance if it fails: it is swept.
 */
static void forget(struct weft_files_upload *upload)
{
	int result = -1;

	WEFT_SHIELDED
		result = weft_offload_as(WEFT_OFFLOAD_FILE, forget_there, upload);
	if (result < 0)
		forget_there(upload);
}

static int commit_in_group(struct weft_files_upload *upload, struct weft_files_result *ret_result)
{
	struct weft_files_put *put = upload->put;
	size_t failed;

	if (weft__group_commit(&put->files->group, &put->inner, 1, &failed) < 0)
		return -1;
	ret_result->stat = *weft__put_stat(put->inner);
	ret_result->stat.st_nlink = 1;
	weft__files_count_stored(put->files, ret_result->stat.st_size);
	ret_result->is_new = weft__put_is_new(put->inner);
	snprintf(ret_result->name, sizeof(ret_result->name), "%s", weft__put_name(put->inner));
	return 0;
}

/* After a failure: as before, without a place. */
static void unplace(struct weft__put *inner)
{
	int code = errno;

	if (inner->place.folder_fd >= 0)
		close(inner->place.folder_fd);
	inner->place.folder_fd = -1;
	inner->is_synced = inner->is_folder_synced = false;
	errno = code;
}

static int publish(struct publishing *publishing, const struct weft_files_put_options *options,
	struct weft_files_result *ret_result)
{
	struct weft_files_upload *upload = publishing->upload;
	struct weft_files_put *put = upload->put;
	int result;

	put->rights = publishing->view.rights;
	put->may_replace = options->may_replace && !options->is_unique;
	put->inner->is_unique = options->is_unique;
	put->inner->number = 0;
	put->judge = options->judge;
	put->judge_arg = options->arg;
	put->inner->judge =
		(struct weft__store_judge){weft__files_put_judge, put, weft__files_put_on_name};
	put->inner->mtime = options->mtime;
	publishing->mode = options->mode;
	if (options->sha256 && check_digest(upload, options->sha256) < 0)
		return -1;
	result = weft_offload_as(WEFT_OFFLOAD_FILE, find_there, publishing);
	if (result == 0)
		result = commit_in_group(upload, ret_result);
	if (result < 0)
		unplace(put->inner);
	if (result < 0)
		return errno == EXDEV ? copy_over(publishing, options, ret_result) : -1;
	publishing->credit =
		weft__gone_credit(put->files, put->visitor, weft__put_gone(put->inner));
	return 0;
}

int weft_files_upload_commit(struct weft_files_upload *upload,
	const struct weft_files_put_options *options, struct weft_files_result *ret_result)
{
	static const struct weft_files_put_options none;
	struct publishing publishing = {.upload = upload};
	struct weft_files_put *put = upload->put;
	struct weft_files *files = put->files;
	struct weft_files_result done;
	unsigned turn;
	int result;

	if (weft__upload_code(upload))
		return fail(weft__upload_code(upload));
	if (upload->record.len >= 0 && put->kept + put->len < upload->record.len)
		return fail(EPIPE);
	if (weft__view_make(&publishing.view, put->files, put->visitor, put->path) < 0)
		return -1;
	turn = weft__change_begin(files);
	result = publish(&publishing, options ? options : &none, &done);
	weft__view_leave(&publishing.view);
	if (result == 0) {
		forget(upload);
		if (ret_result)
			*ret_result = done;
		weft__upload_end(upload, put->len - publishing.credit);
	}
	/* What was charged before is somewhere else by now. */
	weft__change_end_move(files, turn, result);
	return result;
}

/* ---- Stopping ------------------------------------------------------------------------------- */

void weft_files_upload_close(struct weft_files_upload *upload)
{
	struct weft_files *files;
	int64_t used;
	unsigned turn;
	int code = errno;

	if (!upload)
		return;
	files = upload->put->files;
	turn = weft__change_begin(files);
	used = upload->put->len;
	WEFT_SHIELDED
		if (upload->record.offset != upload->put->kept + used &&
			weft_files_upload_sync(upload) < 0)
			used = upload->record.offset - upload->put->kept;
	weft__upload_end(upload, used);
	weft__change_end(files, turn);
	errno = code;
}

int weft_files_upload_remove(struct weft_files_upload *upload)
{
	struct weft_files *files = upload->put->files;
	unsigned turn;
	int result = -1;

	if (!upload->put->inner) { /* it is not this visitor's turn */
		weft__upload_end(upload, 0);
		return fail(EBADF);
	}
	turn = weft__change_begin(files);
	WEFT_SHIELDED
		result = weft_offload_as(WEFT_OFFLOAD_FILE, unlink_there, upload);
	weft__upload_end(upload, -upload->put->kept);
	weft__change_end(files, turn);
	return result;
}

/* ---- From a put ------------------------------------------------------------------------------ */

struct keeping {
	struct weft_files_put *put;
	struct weft_files_upload *upload;
};

/* Its bytes get their name among the uploads'. */
static int name_bytes(struct keeping *keeping, int folder_fd)
{
	struct weft__put *inner = keeping->put->inner;
	char name[WEFT__UPLOAD_NAME_SIZE];

	weft__upload_name(name, keeping->upload->id);
	if (inner->temporary_fd < 0)
		return weft__put_link(inner, folder_fd, name);
	if (renameat(inner->temporary_fd, inner->temporary, folder_fd, name) < 0)
		return -1;
	inner->temporary[0] = '\0';
	return 0;
}

static int keep_in(struct keeping *keeping, int folder_fd)
{
	struct weft__put *inner = keeping->put->inner;

	if (weft__uploads_check_count(keeping->put->files, folder_fd, keeping->put->visitor) < 0)
		return -1;
	while (flock(inner->fd, LOCK_EX) < 0 && errno == EINTR)
		;
	if (name_bytes(keeping, folder_fd) < 0)
		return -1;
	if (weft__upload_make(keeping->upload, folder_fd) == 0)
		return 0;
	weft__upload_take_back(folder_fd, keeping->upload->id);
	return -1;
}

static int keep_there(void *arg)
{
	struct keeping *keeping = arg;
	struct weft__put *inner = keeping->put->inner;
	int fd, result, code;

	if ((inner->buffer && weft__put_write_out(inner) < 0) || fdatasync(inner->fd) < 0)
		return -1;
	fd = weft__uploads_open_folder(keeping->put->files, true);
	if (fd < 0)
		return -1;
	result = keep_in(keeping, fd);
	code = errno;
	close(fd);
	errno = code;
	return result;
}

int weft_files_put_keep(struct weft_files_put *put, char ret_id[WEFT_FILES_UPLOAD_ID_SIZE])
{
	struct weft_files_upload *upload = calloc(1, sizeof(*upload));
	struct keeping keeping = {put, upload};
	struct weft_files *files = put->files;
	unsigned turn;
	int result = -1;

	weft__uploads_expire_sometimes(put->files);
	if (!upload) {
		weft_files_put_abort(put);
		return -1;
	}
	upload->put = put;
	upload->info_fd = -1;
	upload->record.offset = put->kept + put->len;
	upload->record.len = put->is_exact ? put->kept + put->announced : -1;
	weft__upload_draw_id(upload->id);
	turn = weft__change_begin(files);
	/* What has failed may have a hole in it. */
	if (put->code)
		errno = put->code;
	else
		WEFT_SHIELDED
			result = weft_offload_as(WEFT_OFFLOAD_FILE, keep_there, &keeping);
	if (result == 0 && ret_id)
		memcpy(ret_id, upload->id, sizeof(upload->id));
	weft__upload_end(upload, result == 0 ? put->kept + put->len : 0);
	weft__change_end(files, turn);
	return result;
}
