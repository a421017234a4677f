/*
 * server_stor.c - STOR, APPE, STOU, REST, ALLO: files from the client (RFC 959, section 4.1.3;
 * RFC 1123, section 4.1.2.9; RFC 3659, section 5).
 *
 * What comes goes to the engine's stage, and gets its name when all has come and lies on the disk;
 * only then 226 is said. What ends an upload before that leaves the name as it was:
 *
 *	the data connection breaks, ABOR, too slow	kept, if it can be gone on with
 *	TLS without close_notify			the same: it may have been cut short
 *	the control connection ends			the same
 *	the disk, the quota				gone
 *
 * An upload can be gone on with if it is of a visitor with a name, in TYPE I, by STOR, and not so
 * short that it is sooner sent again. SIZE tells its length where there is no file yet; then
 *
 *	REST n, STOR	goes on with it at n, which is its length or less
 *	APPE		goes on with it at its end, where there is no file yet
 *	STOR		begins anew, and it is gone
 *	DELE		gives it up
 *
 * REST beyond its length, or APPE where there are both a file and an interrupted upload of that
 * name, would mix two files: 554, 553.
 *
 * Never: a name before its bytes.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ftp/server_transfer.h"
#include "ftp/server_verbs.h"
#include "weft/scope.h"

/* Where the bytes go: one of both. */
struct sink {
	struct weft_files_put *put;
	struct weft_files_upload *upload;
	bool may_keep;
	bool has_failed; /* the disk has, or the quota */
	bool has_cr;     /* of TYPE A, from the last piece */
};

struct store {
	struct weft__ftpd_transfer transfer;
	struct weft_files_put_options options;
	struct sink sink;
};

/* ---- Where to ---------------------------------------------------------------------------- */

/* Asked by the engine right before the name is given, perhaps on another thread. */
static int judge(const struct stat *existing, void *arg)
{
	const struct weft__ftpd_transfer *transfer = arg;

	(void)existing;
	return weft__ftpd_watch_is_over(transfer->watch) ? ECANCELED : 0;
}

static struct weft_files_upload *find_kept(struct store *store)
{
	struct weft__ftpd_session *session = store->transfer.session;

	return weft_files_upload_find(
		session->options->files, &session->visitor, store->transfer.path);
}

static void forget_kept(struct store *store)
{
	struct weft_files_upload *kept = find_kept(store);

	if (kept)
		weft_files_upload_remove(kept);
}

static int begin_put(struct store *store)
{
	struct weft__ftpd_session *session = store->transfer.session;

	store->sink.put = weft_files_put_begin(
		session->options->files, &session->visitor, store->transfer.path, &store->options);
	return store->sink.put ? 0 : -1;
}

/* -1: the reply is made. */
static int fail(struct weft__ftpd_session *session, int code, const char *text)
{
	weft__ftpd_reply(session, code, "%s", text);
	return -1;
}

static int fail_errno(struct weft__ftpd_session *session)
{
	weft__ftpd_reply_errno(session);
	return -1;
}

/* From a place on: in what was interrupted, or in the file that is there. */
static int begin_at(struct store *store, int64_t offset)
{
	struct weft__ftpd_session *session = store->transfer.session;
	struct weft_files_upload *kept;

	if (session->is_ascii)
		return fail(session, 554, "REST is for TYPE I.");
	kept = find_kept(store);
	if (!kept && errno == EBUSY)
		return fail_errno(session);
	if (!kept) {
		store->options.keeps_before = true;
		store->options.offset = offset;
		if (begin_put(store) == 0)
			return 0;
		return errno == EINVAL ? fail(session, 554, "The file ends before that.")
				       : fail_errno(session);
	}
	store->sink.upload = kept;
	if (weft_files_upload_facts(kept).offset < offset)
		return fail(session, 554, "The upload that was interrupted ends before that.");
	return weft_files_upload_rewind(kept, offset) < 0 ? fail_errno(session) : 0;
}

static int begin_stor(struct store *store)
{
	struct weft__ftpd_session *session = store->transfer.session;

	store->sink.may_keep = session->visitor.name && !session->is_ascii;
	store->options.may_replace = true;
	if (session->restart > 0)
		return begin_at(store, session->restart);
	if (begin_put(store) < 0)
		return fail_errno(session);
	if (session->visitor.name)
		forget_kept(store);
	return 0;
}

static int begin_appe(struct store *store)
{
	struct weft__ftpd_session *session = store->transfer.session;
	struct weft_files_upload *kept = session->visitor.name ? find_kept(store) : NULL;
	struct stat stat;

	store->options.may_replace = true;
	if (kept) {
		store->sink.upload = kept;
		store->sink.may_keep = true;
		if (!session->is_ascii &&
			weft_files_stat(session->options->files, &session->visitor,
				store->transfer.path, &stat) < 0 &&
			errno == ENOENT)
			return 0;
		return fail(session, 553,
			"An upload of that name was interrupted: go on with REST and STOR, or "
			"STOR it anew.");
	}
	store->options.appends = true;
	return begin_put(store) < 0 ? fail_errno(session) : 0;
}

static int begin_stou(struct store *store)
{
	return begin_put(store) < 0 ? fail_errno(store->transfer.session) : 0;
}

/* ---- The bytes --------------------------------------------------------------------------- */

static int put_bytes(struct sink *sink, const char *data, size_t len)
{
	int result = sink->put ? weft_files_put_write(sink->put, data, len)
			       : weft_files_upload_write(sink->upload, data, len);

	sink->has_failed |= result < 0;
	return result;
}

static ssize_t receive(struct weft__ftpd_transfer *transfer, char *room, size_t size)
{
	ssize_t len = -1;

	WEFT_WITH_TIMEOUT (transfer->session->options->data_timeout_ns)
		len = weft_stream_read(
			transfer->stream, room, weft__ftpd_transfer_piece(transfer, size));
	return len;
}

/* As it is, into the engine's own memory. Returns as receive(). */
static ssize_t take_image(struct store *store)
{
	size_t size;
	char *room = weft_files_put_room(store->sink.put, &size);
	ssize_t len;

	if (!room) {
		store->sink.has_failed = true;
		return -1;
	}
	len = receive(&store->transfer, room, size);
	if (len > 0 && weft_files_put_took(store->sink.put, (size_t)len) < 0) {
		store->sink.has_failed = true;
		return -1;
	}
	return len;
}

/* The same through two buffers: as text, or to an upload that is gone on with. */
static ssize_t take_copied(struct store *store, char *buffer)
{
	char *decoded = buffer + WEFT__FTPD_CHUNK;
	ssize_t len = receive(&store->transfer, buffer, WEFT__FTPD_CHUNK);
	size_t decoded_len;

	if (len <= 0)
		return len;
	if (!store->transfer.session->is_ascii)
		return put_bytes(&store->sink, buffer, (size_t)len) < 0 ? -1 : len;
	decoded_len = weft__ftpd_ascii_decode(buffer, (size_t)len, &store->sink.has_cr, decoded);
	return put_bytes(&store->sink, decoded, decoded_len) < 0 ? -1 : len;
}

static int take_all(struct store *store)
{
	bool is_direct = store->sink.put && !store->transfer.session->is_ascii;
	char *buffer = is_direct ? NULL : malloc(2 * WEFT__FTPD_CHUNK + 1);
	ssize_t len = is_direct || buffer ? 1 : -1;
	int saved;

	while (len > 0) {
		len = is_direct ? take_image(store) : take_copied(store, buffer);
		if (len > 0 && weft__ftpd_transfer_went(&store->transfer, (size_t)len) < 0)
			len = -1;
	}
	if (len == 0 && store->sink.has_cr)
		len = put_bytes(&store->sink, "\r", 1);
	if (len == 0 && weft__ftpd_watch_is_over(store->transfer.watch)) {
		errno = ECANCELED; /* the end that was read is of our own making */
		len = -1;
	}
	saved = errno;
	free(buffer);
	errno = saved;
	return (int)len;
}

/* ---- The end ----------------------------------------------------------------------------- */

static int commit(struct store *store)
{
	struct sink *sink = &store->sink;
	int result;

	if (sink->put) {
		result = weft_files_put_commit(sink->put, NULL);
		sink->put = NULL;
		return result;
	}
	result = weft_files_upload_commit(sink->upload, &store->options, NULL);
	if (result == 0)
		sink->upload = NULL;
	return result;
}

/* It can be gone on with, or nothing of it stays. Keeps errno. */
static void give_up(struct store *store)
{
	struct sink *sink = &store->sink;
	int saved = errno;

	if (sink->put && sink->may_keep && !sink->has_failed &&
		weft_files_put_len(sink->put) >= (int64_t)WEFT__FTPD_RESUMABLE_MIN) {
		store->transfer.is_kept = weft_files_put_keep(sink->put, NULL) == 0;
	} else if (sink->put) {
		weft_files_put_abort(sink->put);
	} else if (sink->upload) {
		store->transfer.is_kept = true;
		weft_files_upload_close(sink->upload);
	}
	sink->put = NULL;
	sink->upload = NULL;
	errno = saved;
}

/* By TLS the data's own end says that it is one. */
static int settle(const struct store *store)
{
	return store->transfer.session->is_private ? 0
						   : weft__ftpd_watch_settle(store->transfer.watch);
}

static int run_store(struct store *store, const char *what)
{
	int error = 0;

	if (weft__ftpd_transfer_begin(&store->transfer, what) < 0) {
		give_up(store);
		return 0;
	}
	if (take_all(store) < 0 || settle(store) < 0 || commit(store) < 0) {
		error = errno;
		store->transfer.drains = store->sink.has_failed;
		/* A stop cancels what waits, and what is kept has to be written. */
		WEFT_SHIELDED
			give_up(store);
	}
	return weft__ftpd_transfer_end(&store->transfer, error);
}

/* ---- Verbs ------------------------------------------------------------------------------- */

static int store_file(struct weft__ftpd_session *session, const char *command,
	int (*begin)(struct store *store), const char *what)
{
	struct store store = {
		.transfer = {.session = session,
			.command = command,
			.path = session->scratch->path,
			.is_upload = true,
			.is_file = true},
		.options = {.judge = judge, .arg = &store.transfer},
	};

	if (begin(&store) < 0) {
		give_up(&store);
		return 0;
	}
	return run_store(&store, what);
}

int weft__ftpd_stor(struct weft__ftpd_session *session, const char *argument)
{
	if (weft__ftpd_path_of(session, argument, session->scratch->path) < 0)
		return weft__ftpd_reply_errno(session);
	return store_file(session, "STOR", begin_stor, "Send it.");
}

int weft__ftpd_appe(struct weft__ftpd_session *session, const char *argument)
{
	if (weft__ftpd_path_of(session, argument, session->scratch->path) < 0)
		return weft__ftpd_reply_errno(session);
	return store_file(session, "APPE", begin_appe, "Send the rest.");
}

int weft__ftpd_stou(struct weft__ftpd_session *session, const char *argument)
{
	const char *folder = session->folder ? session->folder : "";
	char name[NAME_MAX + 1], what[NAME_MAX + 16];

	if (argument[0] && (strchr(argument, '/') || !weft__ftpd_name_is_plain(argument)))
		return weft__ftpd_reply(session, 553, "That name can't be.");
	if (weft_files_unique_name(session->options->files, &session->visitor, folder,
		    argument[0] ? argument : NULL, name) < 0 ||
		weft__ftpd_path_of(session, name, session->scratch->path) < 0)
		return weft__ftpd_reply_errno(session);
	/* RFC 1123, section 4.1.2.9: the client learns the name from exactly this. */
	snprintf(what, sizeof(what), "FILE: %s", name);
	return store_file(session, "STOU", begin_stou, what);
}

int weft__ftpd_rest(struct weft__ftpd_session *session, const char *argument)
{
	long long offset;

	if (!weft__ftpd_number_read(argument, &offset))
		return weft__ftpd_reply(session, 501, "REST takes a number of bytes.");
	if (offset > 0 && session->is_ascii)
		return weft__ftpd_reply(session, 504, "REST is for TYPE I.");
	session->restart = offset;
	return weft__ftpd_reply(session, 350, "From %lld on.", offset);
}

int weft__ftpd_allo(struct weft__ftpd_session *session, const char *argument)
{
	(void)argument;
	return weft__ftpd_reply(session, 202, "There is no need to.");
}
