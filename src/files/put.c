/*
 * put.c - files put by visitors (include/weft/files.h), over the store (store.h).
 *
 * Entry points: weft_files_put_begin(), _write(), _room(), _took(), _commit(), _abort().
 *
 *	begin	rights -> quota -> on a thread: the home, the place, the judge, a nameless file
 *	        -> what stays before is copied into it
 *	took	limits -> quota -> digest -> the store
 *	commit	length, digest -> the group (group.h) -> the quota is settled
 *
 * Who was faster. The put remembers what had the name when it began. At the commit, under the
 * folder's lock, something else there means that another writer was faster.
 *
 * Never: a file changed that is there; a reservation that is not settled.
 */
#include "files/put.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weft/fiber.h"
#include "weft/offload.h"

/** What is reserved at a time when nobody knows how many bytes will come: this, then double. */
#define RESERVE_MIN ((int64_t)1024 * 1024)
#define RESERVE_MAX ((int64_t)64 * 1024 * 1024)

/** Bytes whose digest is reckoned before others of the worker have a turn. */
#define DIGEST_AT_ONCE ((size_t)64 * 1024)

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Judging --------------------------------------------------------------------------- */

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Whether what is there now is not what the put has begun with. */
static bool is_overtaken(const struct weft_files_put *put, const struct stat *existing)
{
	if (!put->has_begun)
		return false;
	if (existing)
		return !put->was_there || !is_same(existing, &put->was);
	return put->was_there && put->needs_same;
}

int weft__files_put_judge(const struct stat *existing, void *arg)
{
	struct weft_files_put *put = arg;
	int code;

	if (!(put->rights & (existing ? WEFT_FILES_REPLACE : WEFT_FILES_WRITE)))
		/* Who may only add is told why. */
		return existing && (put->rights & WEFT_FILES_LIST) && !put->may_replace ? EEXIST
											: EACCES;
	code = put->judge ? put->judge(existing, put->judge_arg) : 0;
	if (code)
		return code;
	if (existing && !put->may_replace)
		return EEXIST;
	if (is_overtaken(put, existing))
		return EBUSY;
	if (put->has_begun)
		return 0;
	put->has_begun = true;
	put->was_there = existing != NULL;
	if (existing)
		put->was = *existing;
	return 0;
}

int weft__files_put_on_name(const char *name, void *arg)
{
	struct weft_files_put *put = arg;
	const char *slash = strrchr(put->path, '/');
	char *path;

	if (!put->visitor->rights_at)
		return 0;
	if (asprintf(&path, "%.*s%s", slash ? (int)(slash - put->path) + 1 : 0, put->path, name) <
		0)
		return ENOMEM;
	put->rights = weft_files_rights(put->visitor, path);
	free(path);
	return 0;
}

/* ---- Beginning --------------------------------------------------------------------------- */

static bool count_put(struct weft_files_put *put)
{
	struct weft_files *files = put->files;

	put->is_counted = true;
	if (atomic_fetch_add(&files->puts, 1) < files->options.puts_max)
		return true;
	errno = EMFILE;
	return false;
}

struct begin_call {
	struct weft__view *view;
	struct weft_files_put *put;
	const struct weft_files_put_options *options;
	int kept_fd;       /* what stays before is there; -1: nothing does */
	bool keeps_others; /* and is another's */
};

/* How many bytes of what is there stay. -1: EINVAL. */
static int64_t count_kept(
	const struct weft_files_put *put, const struct weft_files_put_options *options)
{
	int64_t there = put->was_there ? put->was.st_size : 0;

	if (options->appends)
		return there;
	if (!options->keeps_before)
		return 0;
	return options->offset < 0 || options->offset > there ? fail(EINVAL) : options->offset;
}

static int open_kept(struct begin_call *call)
{
	struct weft_files_put *put = call->put;
	struct stat stat;

	put->kept = count_kept(put, call->options);
	if (put->kept <= 0)
		return (int)put->kept;
	call->kept_fd = openat(put->inner->place.folder_fd, put->inner->place.name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (call->kept_fd < 0 || fstat(call->kept_fd, &stat) < 0)
		return -1;
	if (put->inner->asks_owner && put->visitor->reserve) {
		const struct weft__owner owner = weft__owner_of(call->kept_fd);

		call->keeps_others = !weft__owner_is(&owner, put->visitor);
	}
	return is_same(&stat, &put->was) ? 0 : fail(EBUSY);
}

static int begin_there(void *arg)
{
	struct begin_call *call = arg;
	struct weft_files_put *put = call->put;
	struct weft__put_options options = {.root = &call->view->root,
		.staging_fd = put->files->root.fd,
		.folder_fd = -1,
		.path = call->view->path,
		.len = put->announced,
		.mode = call->options->mode,
		.mtime = call->options->mtime,
		.owner = put->visitor->owner,
		.asks_owner = put->files->options.freed != NULL,
		.is_unique = call->options->is_unique,
		.judge = {weft__files_put_judge, put, weft__files_put_on_name}};

	if (weft__view_enter(call->view) < 0)
		return -1;
	put->inner = weft__put_begin_here(&options);
	return put->inner ? open_kept(call) : -1;
}

/*
 * What stays before is copied, and counted by the digest. Another's bytes become the visitor's with
 * the file.
 */
static int copy_kept(struct weft_files_put *put, const struct begin_call *call)
{
	int64_t copied;

	if (call->keeps_others) {
		if (weft__visitor_reserve(put->visitor, put->kept) < 0)
			return -1;
		put->kept_reserved = put->kept;
	}
	copied = weft__put_copy(put->inner, call->kept_fd, put->kept);
	if (copied < 0)
		return -1;
	if (copied != put->kept)
		return fail(EBUSY); /* somebody has cut it meanwhile */
	return put->digest ? weft__digest_file(put->digest, put->inner->fd, 0, put->kept) : 0;
}

static int begin(struct weft_files_put *put, struct weft__view *view,
	const struct weft_files_put_options *options)
{
	struct begin_call call = {view, put, options, -1, false};
	int64_t max = weft__files_put_max(put);
	int result;

	if (weft__view_need(view, WEFT_FILES_WRITE | WEFT_FILES_REPLACE) < 0 || !count_put(put))
		return -1;
	if (put->announced > 0 && weft__files_put_reserve(put, put->announced) < 0)
		return -1;
	result = weft_offload_as(WEFT_OFFLOAD_FILE, begin_there, &call);
	if (result == 0 && max > 0 && put->kept > max)
		result = fail(EFBIG);
	if (result == 0 && put->kept > 0)
		result = copy_kept(put, &call);
	if (call.kept_fd >= 0)
		close(call.kept_fd); /* was not written to: nothing to wait for */
	return result;
}

/* The put, as its options have it. NULL: ENOMEM, ENOSYS. */
static struct weft_files_put *make(struct weft_files *files,
	const struct weft_files_visitor *visitor, const struct weft_files_put_options *options)
{
	struct weft_files_put *put = calloc(1, sizeof(*put));

	if (!put)
		return NULL;
	put->files = files;
	put->max = weft__files_max(files);
	put->visitor = visitor;
	put->needs_same = options->appends || options->keeps_before;
	put->may_replace = (options->may_replace || put->needs_same) && !options->is_unique;
	put->judge = options->judge;
	put->judge_arg = options->arg;
	put->is_exact = options->is_exact;
	put->announced = options->is_exact || options->len > 0 ? options->len : -1;
	if (options->sha256) {
		memcpy(put->expected, options->sha256, sizeof(put->expected));
		put->digest = weft__digest_new();
	}
	if (!options->sha256 || put->digest)
		return put;
	free(put);
	return NULL;
}

struct weft_files_put *weft_files_put_begin(struct weft_files *files,
	const struct weft_files_visitor *visitor, const char *path,
	const struct weft_files_put_options *options)
{
	static const struct weft_files_put_options none;
	struct weft_files_put *put = make(files, visitor, options ? options : &none);
	struct weft__view view;
	int result = -1;

	if (!put)
		return NULL;
	if (weft__view_make(&view, files, visitor, path) == 0) {
		put->rights = view.rights;
		put->path = strdup(view.path);
		result = put->path ? begin(put, &view, options ? options : &none) : -1;
		weft__view_leave(&view);
	}
	if (result == 0)
		return put;
	weft_files_put_abort(put);
	return NULL;
}

/* ---- Bytes ------------------------------------------------------------------------------- */

/* A bound that is lowered is for who comes: what is under way goes on. */
int64_t weft__files_put_max(const struct weft_files_put *put)
{
	int64_t max = weft__files_max(put->files);

	return max == 0 || put->max == 0 ? 0 : max > put->max ? max : put->max;
}

/* Bytes are said not to come, or may not. */
static bool is_too_long(const struct weft_files_put *put, int64_t end)
{
	int64_t max = weft__files_put_max(put);

	return (put->is_exact && end > put->announced) || (max > 0 && put->kept + end > max);
}

int weft__files_put_reserve(struct weft_files_put *put, int64_t end)
{
	int64_t more = end - put->reserved;

	if (is_too_long(put, end))
		return fail(EFBIG);
	if (more <= 0 || !put->visitor->reserve)
		return 0;
	if (more < put->reserve_step && end > put->announced)
		more = put->reserve_step;
	if (weft__visitor_reserve(put->visitor, more) < 0) {
		/* The last bytes of a quota can be had as well. */
		more = end - put->reserved;
		if (weft__visitor_reserve(put->visitor, more) < 0)
			return -1;
	}
	put->reserved += more;
	put->reserve_step = put->reserved < RESERVE_MIN   ? RESERVE_MIN
			    : put->reserved > RESERVE_MAX ? RESERVE_MAX
							  : put->reserved;
	return 0;
}

static void add_to_digest(struct weft__digest *digest, const char *data, size_t len)
{
	while (len > 0) {
		size_t some = len < DIGEST_AT_ONCE ? len : DIGEST_AT_ONCE;

		weft__digest_add(digest, data, some);
		data += some;
		len -= some;
		if (len > 0)
			weft_yield();
	}
}

char *weft_files_put_room(struct weft_files_put *put, size_t *ret_size)
{
	put->room = weft__put_room(put->inner, ret_size);
	return put->room;
}

static int take(struct weft_files_put *put, size_t len)
{
	if (put->code)
		return fail(put->code);
	if (weft__files_put_reserve(put, put->len + (int64_t)len) < 0)
		return -1;
	if (put->digest)
		add_to_digest(put->digest, put->room, len);
	if (weft__put_took(put->inner, len) < 0)
		return -1;
	put->len += (int64_t)len;
	return 0;
}

int weft_files_put_took(struct weft_files_put *put, size_t len)
{
	if (take(put, len) == 0)
		return 0;
	/* What has failed once has a hole in it. */
	put->code = errno;
	return -1;
}

int weft_files_put_write(struct weft_files_put *put, const void *data, size_t len)
{
	const char *from = data;

	while (len > 0) {
		size_t size;
		char *room = weft_files_put_room(put, &size);

		if (!room)
			return -1;
		size = size < len ? size : len;
		memcpy(room, from, size);
		if (weft_files_put_took(put, size) < 0)
			return -1;
		from += size;
		len -= size;
	}
	return 0;
}

int weft_files_put_flush(struct weft_files_put *put)
{
	if (put->code)
		return fail(put->code);
	if (weft__put_flush(put->inner) == 0)
		return 0;
	put->code = errno;
	return -1;
}

int64_t weft_files_put_len(const struct weft_files_put *put)
{
	return put->kept + put->len;
}

/* ---- The end ----------------------------------------------------------------------------- */

void weft__files_put_end(struct weft_files_put *put, int64_t used)
{
	int code = errno;

	weft__visitor_settle(put->visitor, put->reserved + put->kept_reserved, used);
	weft__put_end(put->inner);
	if (put->is_counted)
		atomic_fetch_sub(&put->files->puts, 1);
	weft__digest_free(put->digest);
	free(put->path);
	free(put);
	errno = code;
}

void weft_files_put_abort(struct weft_files_put *put)
{
	if (put)
		weft__files_put_end(put, 0);
}

/* Whether all of it came, and is what it was said to be. */
static int check(struct weft_files_put *put)
{
	uint8_t digest[WEFT__DIGEST_SIZE];

	if (put->code)
		return fail(put->code);
	if (put->is_exact && put->len < put->announced)
		return fail(EPIPE);
	if (!put->digest)
		return 0;
	weft__digest_end(put->digest, digest);
	return memcmp(digest, put->expected, sizeof(digest)) == 0 ? 0 : fail(EBADMSG);
}

static int commit(struct weft_files_put **puts, size_t count, size_t *ret_failed)
{
	struct weft__put *one = NULL,
			 **inner = count == 1 ? &one : calloc(count, sizeof(struct weft__put *));
	int result = 0, code;

	*ret_failed = 0;
	if (!inner)
		return -1;
	for (size_t i = 0; i < count && result == 0; i++) {
		*ret_failed = i;
		inner[i] = puts[i]->inner;
		result = check(puts[i]);
	}
	if (result == 0)
		result = weft__group_commit(&puts[0]->files->group, inner, count, ret_failed);
	code = errno;
	if (inner != &one)
		free(inner);
	errno = code;
	return result;
}

/* A put that was committed, or not: what it says, what it has used, and its end. */
static void finish(struct weft_files_put *put, bool is_done, struct weft_files_result *ret_result)
{
	int64_t used = 0;

	if (is_done)
		weft__files_count_stored(put->files, weft__put_stat(put->inner)->st_size);
	if (is_done)
		used = put->kept + put->len -
		       weft__gone_credit(put->files, put->visitor, weft__put_gone(put->inner));
	/* A file in the place of one as large: charged to nobody, but another to who counts. */
	if (is_done && used == 0 && !weft__put_is_new(put->inner))
		weft__change_moves(put->files);
	if (is_done && ret_result) {
		ret_result->stat = *weft__put_stat(put->inner);
		ret_result->stat.st_nlink = 1; /* it had no name yet when it was asked */
		ret_result->is_new = weft__put_is_new(put->inner);
		snprintf(ret_result->name, sizeof(ret_result->name), "%s",
			weft__put_name(put->inner));
	}
	if (put->ret_used)
		*put->ret_used = used;
	weft__files_put_end(put, used);
}

int weft_files_put_commit_all(struct weft_files_put **puts, size_t count,
	struct weft_files_result *ret_results, size_t *ret_failed)
{
	struct weft_files *files = count ? puts[0]->files : NULL;
	unsigned turn;
	int result;

	if (!files)
		return 0;
	turn = weft__change_begin(files);
	result = commit(puts, count, ret_failed);
	for (size_t i = 0; i < count; i++)
		finish(puts[i], puts[i]->inner->is_named, ret_results ? &ret_results[i] : NULL);
	weft__change_end(files, turn);
	return result;
}

int weft_files_put_commit(struct weft_files_put *put, struct weft_files_result *ret_result)
{
	size_t failed;

	return weft_files_put_commit_all(&put, 1, ret_result, &failed);
}
