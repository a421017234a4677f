/*
 * client_upload.c - whole files brought there, or gone on with.
 *
 * Entry point: weft_ftp_client_upload().
 *
 *	STOR, or APPE behind what is there -> length and sum checked, MFMT [-> RNFR, RNTO]
 *
 * Never: takes for whole what the server has another length of than was sent, or gives a
 * temporary name up for the true one before that was looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/siphash.h"
#include "ftp/client.h"
#include "weft/file.h"

struct upload {
	struct weft_ftp_client *client;
	const struct weft_ftp_copy_options *options;
	const char *local, *remote;
	char *temporary;    /* NULL: it goes to remote at once */
	const char *target; /* what the server writes to: one of them */
	struct weft_file *file;
	struct stat facts;
	int64_t done;
};

/* ---- What there is -------------------------------------------------------------------- */

static int open_local(struct upload *upload)
{
	upload->file = weft_file_open_flags(upload->local, O_RDONLY | O_NONBLOCK, 0);
	if (!upload->file || fstat(weft_file_fd(upload->file), &upload->facts) < 0)
		return weft__ftp_fail_local(upload->client, upload->local);
	if (!S_ISREG(upload->facts.st_mode)) {
		errno = S_ISDIR(upload->facts.st_mode) ? EISDIR : EINVAL;
		return weft__ftp_fail_local(upload->client, upload->local);
	}
	return 0;
}

/*
 * "NAME.part" in the same folder; a name that would be too long is cut, and a hash tells it from
 * others that begin like it. It does not begin with a dot, because servers refuse those.
 */
static int name_target(struct upload *upload)
{
	static const uint8_t key[16] = "weft ftp upload";
	struct weft__siphash_key sip = weft__siphash_key(key);
	const char *slash = strrchr(upload->remote, '/');
	const char *name = slash ? slash + 1 : upload->remote;
	int len = (int)strlen(name), cut = NAME_MAX - 32;

	upload->target = upload->remote;
	if (!upload->options->uses_temporary)
		return 0;
	while (cut > 0 && cut < len && ((unsigned char)name[cut] & 0xc0) == 0x80)
		cut--;
	if (asprintf(&upload->temporary, len > NAME_MAX - 8 ? "%.*s-%016llx.part" : "%.*s.part",
		    (int)(name - upload->remote) + (len > NAME_MAX - 8 ? cut : len), upload->remote,
		    (unsigned long long)weft__siphash(&sip, name, (size_t)len)) < 0) {
		upload->temporary = NULL;
		return weft__ftp_fail(
			upload->client, WEFT_FTP_OTHER_FAULT, ENOMEM, "There is no memory.");
	}
	upload->target = upload->temporary;
	return 0;
}

/* How much of it is there, to go on behind. */
static int find_rest(struct upload *upload)
{
	int64_t size;

	if (!upload->options->resumes)
		return 0;
	size = weft_ftp_client_size(upload->client, upload->target);
	if (size < 0)
		return upload->client->fault.kind == WEFT_FTP_REFUSED ? 0 : -1;
	if (size > upload->facts.st_size)
		return weft__ftp_fail(upload->client, WEFT_FTP_DIFFERS, EBADMSG,
			"What is there is longer than the file here.");
	upload->done = size;
	return weft_file_seek(upload->file, size, SEEK_SET) < 0
		       ? weft__ftp_fail_local(upload->client, upload->local)
		       : 0;
}

/* ---- Sending -------------------------------------------------------------------------- */

static int move_out(struct upload *upload, struct weft_ftp_file *transfer, char *block)
{
	int64_t total = upload->facts.st_size;
	ssize_t len;

	while ((len = weft_file_read(upload->file, block, WEFT__FTP_BLOCK)) > 0) {
		if (weft_ftp_file_write(transfer, block, (size_t)len) < 0)
			break;
		upload->done += len;
		weft__ftp_tell(upload->options, upload->done, total);
	}
	if (len < 0) {
		weft__ftp_fail_local(upload->client, upload->local);
		weft_ftp_file_abort(transfer);
		return -1;
	}
	return weft_ftp_file_end(transfer);
}

static int put_there(struct upload *upload)
{
	struct weft_ftp_client *client = upload->client;
	char *block = malloc(WEFT__FTP_BLOCK);
	struct weft_ftp_file *transfer;
	int result = -1;

	if (!block)
		return weft__ftp_fail(client, WEFT_FTP_OTHER_FAULT, ENOMEM, "There is no memory.");
	/* APPE, because more servers allow it than REST before a STOR. */
	transfer = upload->done > 0 ? weft_ftp_client_append(client, upload->target)
				    : weft_ftp_client_store(client, upload->target, 0);
	if (transfer)
		result = move_out(upload, transfer, block);
	free(block);
	return result;
}

/* What the server has is what was sent; a server without SIZE is believed. */
static int check_size(struct upload *upload)
{
	struct weft_ftp_client *client = upload->client;
	int64_t size;

	if (!(client->features & WEFT_FTP_SIZE))
		return 0;
	size = weft_ftp_client_size(client, upload->target);
	if (size < 0)
		return client->fault.kind == WEFT_FTP_REFUSED ? 0 : -1;
	if (size != upload->done)
		return weft__ftp_fail(client, WEFT_FTP_DIFFERS, EBADMSG,
			"The server has %lld bytes of the %lld that were sent.", (long long)size,
			(long long)upload->done);
	return 0;
}

/* ---- The end -------------------------------------------------------------------------- */

/* What differs is no part of the file: nobody is to go on behind it. */
static int verify(struct upload *upload)
{
	struct weft_ftp_client *client = upload->client;
	struct weft_ftp_fault fault;

	if (!upload->options->verifies ||
		weft__ftp_verify(client, upload->target, upload->file, upload->done) == 0)
		return 0;
	fault = client->fault;
	if (upload->temporary && fault.kind == WEFT_FTP_DIFFERS && client->control)
		weft_ftp_client_delete(client, upload->temporary);
	client->fault = fault;
	errno = fault.error;
	return -1;
}

/* Some servers rename over nothing that is there: then it goes first. */
static int put_in_place(struct upload *upload)
{
	struct weft_ftp_client *client = upload->client;
	struct weft_ftp_fault fault;

	if (!upload->temporary ||
		weft_ftp_client_rename(client, upload->temporary, upload->remote) == 0)
		return 0;
	fault = client->fault;
	if (fault.kind == WEFT_FTP_REFUSED && client->control &&
		weft_ftp_client_delete(client, upload->remote) == 0)
		return weft_ftp_client_rename(client, upload->temporary, upload->remote);
	if (client->control)
		client->fault = fault;
	errno = client->fault.error;
	return -1;
}

static int bring(struct upload *upload)
{
	bool is_there;

	if (open_local(upload) < 0 || name_target(upload) < 0 || find_rest(upload) < 0)
		return -1;
	weft__ftp_tell(upload->options, upload->done, upload->facts.st_size);
	is_there = upload->done > 0 && upload->done == upload->facts.st_size;
	if (!is_there && (put_there(upload) < 0 || check_size(upload) < 0))
		return -1;
	if (verify(upload) < 0)
		return -1;
	/* The bytes are there; that their time isn't is no failure. */
	if (!upload->options->no_times)
		weft_ftp_client_set_modified(
			upload->client, upload->target, (int64_t)upload->facts.st_mtim.tv_sec);
	return put_in_place(upload);
}

int weft_ftp_client_upload(struct weft_ftp_client *client, const char *local, const char *remote,
	const struct weft_ftp_copy_options *options)
{
	struct upload upload = {.client = client,
		.options = options ? options : &weft__ftp_plain_copy,
		.local = local,
		.remote = remote};
	int result, error;

	if (weft__ftp_check_path(client, remote) < 0)
		return -1;
	result = bring(&upload);
	error = errno;
	if (upload.file)
		weft_file_close(upload.file);
	free(upload.temporary);
	errno = error;
	return result;
}
