/*
 * client_download.c - whole files brought here, or gone on with.
 *
 * Entry point: weft_ftp_client_download().
 *
 *	DIR/.weft-0123456789abcdef.part -> length and sum checked, synced -> DIR/NAME
 *
 * The name of a part is a hash of what the file is on the server: path, size and time. So one
 * that is found is a part of this very file, and of another version it is not found.
 *
 * Never: touches what is at the local path before all of the new file is on the disk, or takes
 * for whole what has another length than the server told.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/siphash.h"
#include "ftp/client.h"
#include "weft/file.h"
#include "weft/offload.h"

/* ---- What it is ---------------------------------------------------------------------- */

struct download {
	struct weft_ftp_client *client;
	const struct weft_ftp_copy_options *options;
	const char *remote, *local;
	char *part; /* its path */
	struct weft_file *file;
	bool is_known; /* size and time are */
	int64_t size;  /* -1: nobody knows */
	int64_t modified_s;
	int64_t done;
};

static int learn(struct download *download)
{
	struct weft_ftp_entry entry;

	if (download->options->known)
		entry = *download->options->known;
	else if (weft_ftp_client_stat(download->client, download->remote, &entry) < 0) {
		/* A server without SIZE: its word at the end is all there is. */
		if (weft_ftp_client_is_lost(download->client) ||
			download->client->fault.error != ENOSYS)
			return -1;
		entry = (struct weft_ftp_entry){.size_bytes = -1, .type = WEFT_FTP_FILE};
	}
	if (entry.type == WEFT_FTP_FOLDER)
		return weft__ftp_fail(
			download->client, WEFT_FTP_BAD_ARGUMENT, EISDIR, "That is a folder.");
	download->size = entry.type == WEFT_FTP_FILE ? entry.size_bytes : -1;
	download->modified_s = entry.modified_s;
	download->is_known = entry.precision == WEFT_FTP_SECOND && download->size >= 0;
	return 0;
}

/* The server's name, the path there, size and time: what says that it is the same file. */
static char *part_path(struct download *download)
{
	static const uint8_t key[16] = "weft ftp part";
	struct weft__siphash_key sip = weft__siphash_key(key);
	const char *slash = strrchr(download->local, '/'), *folder;
	int dir_len = slash ? (int)(slash - download->local + 1) : 0;
	char *text = NULL, *path = NULL;
	uint64_t hash;
	int len;

	folder = download->remote[0] == '/' ? "" : weft_ftp_client_pwd(download->client);
	len = asprintf(&text, "%s:%u %s/%s %s %lld %lld", download->client->host,
		download->client->port, folder ? folder : "", download->remote,
		slash ? slash + 1 : download->local, (long long)download->size,
		(long long)(download->is_known ? download->modified_s : 0));
	if (len < 0)
		return NULL;
	hash = weft__siphash(&sip, text, (size_t)len);
	free(text);
	if (asprintf(&path, "%.*s.weft-%016llx.part", dir_len, download->local,
		    (unsigned long long)hash) < 0)
		return NULL;
	return path;
}

/* Ours alone, and still the file of that name: who had it before may have renamed it. */
static int lock_part(struct download *download)
{
	int fd = weft_file_fd(download->file);
	struct stat held, named;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &held) < 0 ||
		lstat(download->part, &named) < 0 || held.st_ino != named.st_ino ||
		held.st_dev != named.st_dev)
		return weft__ftp_fail(download->client, WEFT_FTP_LOCAL, EBUSY,
			"Somebody else is bringing the same file here.");
	if (!S_ISREG(held.st_mode)) {
		errno = EEXIST;
		return weft__ftp_fail_local(download->client, download->part);
	}
	return 0;
}

static int open_part(struct download *download)
{
	int64_t size;

	download->part = part_path(download);
	if (!download->part)
		return weft__ftp_fail(download->client, WEFT_FTP_OTHER_FAULT, ENOMEM,
			"There is no memory for a name.");
	download->file = weft_file_open_flags(
		download->part, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0666);
	if (!download->file)
		return weft__ftp_fail_local(download->client, download->local);
	if (lock_part(download) < 0)
		return -1;
	size = weft_file_size(download->file);
	if (download->is_known && !download->options->no_resume && size <= download->size &&
		(download->client->features & WEFT_FTP_REST))
		download->done = size;
	if (size < 0 || weft_file_truncate(download->file, download->done) < 0 ||
		weft_file_seek(download->file, download->done, SEEK_SET) < 0)
		return weft__ftp_fail_local(download->client, download->local);
	return 0;
}

static int fail_length(struct download *download)
{
	return weft__ftp_fail(download->client, WEFT_FTP_DIFFERS, EBADMSG,
		"It has %lld bytes%s instead of the %lld that the server told.",
		(long long)download->done, download->done > download->size ? " and more" : "",
		(long long)download->size);
}

static int move_in(struct download *download, struct weft_ftp_file *transfer, char *block)
{
	ssize_t len;

	while ((len = weft_ftp_file_read(transfer, block, WEFT__FTP_BLOCK)) > 0) {
		if (weft_file_write(download->file, block, (size_t)len) < 0) {
			weft__ftp_fail_local(download->client, download->local);
			weft_ftp_file_abort(transfer);
			return -1;
		}
		download->done += len;
		weft__ftp_tell(download->options, download->done, download->size);
		/* A server that never ends is not to fill the disk. */
		if (download->size >= 0 && download->done > download->size) {
			weft_ftp_file_abort(transfer);
			return fail_length(download);
		}
	}
	return weft_ftp_file_end(transfer);
}

static int receive(struct download *download)
{
	struct weft_ftp_client *client = download->client;
	struct weft_ftp_file *transfer =
		weft_ftp_client_retrieve(client, download->remote, download->done);
	char *block = transfer ? malloc(WEFT__FTP_BLOCK) : NULL;
	int result;

	if (!transfer)
		return -1;
	if (!block) {
		weft_ftp_file_abort(transfer);
		return weft__ftp_fail(client, WEFT_FTP_OTHER_FAULT, ENOMEM, "There is no memory.");
	}
	weft__ftp_tell(download->options, download->done, download->size);
	result = move_in(download, transfer, block);
	free(block);
	if (result == 0 && download->size >= 0 && download->done != download->size)
		return fail_length(download);
	return result;
}

/* ---- Its last steps, on a thread for files -------------------------------------------- */

static int fsync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder =
		slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int result = fd < 0 ? -1 : fsync(fd), error = errno;

	if (fd >= 0)
		close(fd);
	free(folder);
	errno = error;
	return result;
}

static int put_in_place(void *arg)
{
	struct download *download = arg;
	int fd = weft_file_fd(download->file);
	const struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT}, {.tv_sec = (time_t)download->modified_s}};
	struct stat old;

	if (lstat(download->local, &old) == 0) {
		if (S_ISREG(old.st_mode))
			fchmod(fd, old.st_mode & 0777); /* who may not has the new file's */
		else if (!S_ISLNK(old.st_mode)) {
			errno = S_ISDIR(old.st_mode) ? EISDIR : EEXIST;
			return -1; /* a device or a pipe, which is somebody's */
		}
	}
	if (download->is_known && !download->options->no_times)
		futimens(fd, times);
	if (fsync(fd) < 0 || rename(download->part, download->local) < 0)
		return -1;
	return fsync_folder(download->local);
}

static void drop_part(struct download *download)
{
	int error = errno;

	/* What nobody could go on with, or is no part of what the server has now. */
	if (download->file && (!download->is_known || download->done == 0 ||
				      download->client->fault.kind == WEFT_FTP_DIFFERS))
		unlink(download->part);
	errno = error;
}

static int bring(struct download *download)
{
	if (learn(download) < 0 || open_part(download) < 0)
		return -1;
	if (!(download->is_known && download->done == download->size && download->size > 0) &&
		receive(download) < 0)
		return -1;
	weft__ftp_tell(download->options, download->done, download->done);
	if (weft_file_flush(download->file) < 0)
		return weft__ftp_fail_local(download->client, download->local);
	if (download->options->verifies && weft__ftp_verify(download->client, download->remote,
						   download->file, download->done) < 0)
		return -1;
	if (weft_offload_as(WEFT_OFFLOAD_FILE, put_in_place, download) < 0)
		return weft__ftp_fail_local(download->client, download->local);
	return 0;
}

int weft_ftp_client_download(struct weft_ftp_client *client, const char *remote, const char *local,
	const struct weft_ftp_copy_options *options)
{
	struct download download = {.client = client,
		.options = options ? options : &weft__ftp_plain_copy,
		.remote = remote,
		.local = local,
		.size = -1};
	int result, error;

	if (weft__ftp_check_path(client, remote) < 0)
		return -1;
	result = bring(&download);
	error = errno;
	/* Not while it is another's: then it was never locked. */
	if (result < 0 && error != EBUSY) {
		if (download.file)
			weft_file_flush(download.file);
		drop_part(&download);
	}
	if (download.file)
		weft_file_close(download.file);
	free(download.part);
	errno = error;
	return result;
}
