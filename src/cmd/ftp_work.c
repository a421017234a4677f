/*
 * ftp_work.c - files of `weft ftp` moved there and here, several at a time.
 *
 * Entry points: weft__cmd_ftp_work_add(), weft__cmd_ftp_work_some(), weft__cmd_ftp_work_run(),
 * weft__cmd_ftp_work_fini().
 *
 * The first of the fibers has the shell's own connection, the others one of the pool each. A
 * server that allows no more of them is no failure while one is left.
 *
 * Never: lets one file that fails keep the others from being moved.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ftp.h"
#include "weft/scope.h"

/** Bytes of which a speed says something. */
#define SPEED_MIN 65536

bool weft__cmd_ftp_work_add(struct ftp_work *work, struct ftp_task task)
{
	if (work->count == work->room) {
		size_t room = work->room ? work->room * 2 : 64;
		void *bigger = realloc(work->tasks, room * sizeof(*work->tasks));

		if (!bigger)
			goto fail;
		work->tasks = bigger;
		work->room = room;
	}
	if (!task.remote || !task.local)
		goto fail;
	work->tasks[work->count++] = task;
	return true;

fail:
	free(task.remote);
	free(task.local);
	errno = ENOMEM;
	return false;
}

/* ---- One file ------------------------------------------------------------------------- */

struct one {
	struct ftp_work *work;
	int slot;
	int64_t done, begun; /* bytes there now, and before */
	bool has_begun;
};

static void tell(void *arg, int64_t done, int64_t total)
{
	struct one *one = arg;

	if (!one->has_begun) {
		one->begun = done;
		one->has_begun = true;
	}
	one->done = done;
	weft__cmd_ftp_progress_tell(one->work->ftp->progress, one->slot, done, total);
}

/* What is said of a file that is done: its size, and the speed of what was moved. */
static void say_done(
	struct ftp_work *work, const struct ftp_task *task, const struct one *one, int64_t took_ns)
{
	int64_t moved = one->done - one->begun;

	weft__cmd_ftp_progress_hide(work->ftp->progress);
	printf("%s  %s", weft__cmd_ftp_visible(task->is_upload ? task->remote : task->local),
		weft__cmd_ftp_bytes(one->done));
	if (one->begun > 0)
		printf(", of which %s were there", weft__cmd_ftp_bytes(one->begun));
	if (moved >= SPEED_MIN)
		printf("  %s/s", weft__cmd_ftp_bytes(
					 (int64_t)((double)moved * 1e9 / (double)(took_ns + 1))));
	putchar('\n');
	fflush(stdout);
	weft__cmd_ftp_progress_show(work->ftp->progress);
}

static void say_failed(
	struct ftp_work *work, struct weft_ftp_client *client, const struct ftp_task *task)
{
	const char *path = task->is_upload ? task->local : task->remote;
	int error = weft_ftp_client_fault(client)->error;

	if (error == EISDIR)
		weft__cmd_fail(FTP, "%s is a folder: \"mirror %s%s\" brings it with all in it.",
			weft__cmd_ftp_visible(path), task->is_upload ? "-R " : "",
			weft__cmd_ftp_visible(weft__cmd_ftp_base(path)));
	else if (error != ECANCELED)
		weft__cmd_ftp_fail(work->ftp, client, path);
}

static int move(struct ftp_work *work, struct weft_ftp_client *client, struct ftp_task *task,
	struct one *one)
{
	const struct weft_ftp_entry known = {.type = WEFT_FTP_FILE,
		.size_bytes = task->size,
		.modified_s = task->modified_s,
		.precision = WEFT_FTP_SECOND,
		.name = "",
		.owner = "",
		.mode = -1};
	const struct weft_ftp_copy_options options = {
		.no_resume = work->flags.restarts,
		.resumes = work->flags.resumes,
		.verifies = work->flags.verifies,
		.uses_temporary = work->flags.uses_temporary,
		.progress = tell,
		.progress_arg = one,
		.known = task->has_facts ? &known : NULL,
	};

	return task->is_upload
		       ? weft_ftp_client_upload(client, task->local, task->remote, &options)
		       : weft_ftp_client_download(client, task->remote, task->local, &options);
}

static void do_task(struct ftp_work *work, struct weft_ftp_client *client, struct ftp_task *task)
{
	struct ftp_progress *progress = work->ftp->progress;
	struct one one = {.work = work};
	int64_t begun_ns = weft_now();
	int result;

	one.slot = weft__cmd_ftp_progress_begin(
		progress, weft__cmd_ftp_base(task->remote), task->size);
	result = move(work, client, task, &one);
	weft__cmd_ftp_progress_end(progress, one.slot);
	if (result == 0) {
		work->done++;
		work->bytes += one.done - one.begun;
		say_done(work, task, &one, weft_now() - begun_ns);
		return;
	}
	work->failed++;
	weft__cmd_ftp_progress_hide(progress);
	say_failed(work, client, task);
	weft__cmd_ftp_progress_show(progress);
}

/* ---- Several -------------------------------------------------------------------------- */

/* Until there is nothing left, or the connection is lost. */
static void work_on(struct ftp_work *work, struct weft_ftp_client *client)
{
	while (work->next < work->count && !weft_interrupted() && !weft_ftp_client_is_lost(client))
		do_task(work, client, &work->tasks[work->next++]);
}

struct helper {
	struct ftp_work *work;
	weft_fiber_id fiber;
	bool is_connecting;
};

static int help(void *arg)
{
	struct helper *helper = arg;
	struct ftp_work *work = helper->work;
	struct weft_ftp_fault fault;

	while (work->next < work->count && !weft_interrupted() && !work->has_run_dry) {
		struct weft_ftp_client *client;

		helper->is_connecting = true;
		client = weft_ftp_pool_take(work->ftp->pool, &fault);
		helper->is_connecting = false;
		if (!client) {
			work->has_run_dry = true;
			break;
		}
		work_on(work, client);
		weft_ftp_pool_give(work->ftp->pool, client);
	}
	return 0;
}

static bool make_pool(struct ftp *ftp)
{
	struct weft_ftp_client_options options;

	if (ftp->pool)
		return true;
	/* Once for all of them, and not once for each. */
	if (weft_ftp_client_tls(ftp->client) && weft__cmd_ftp_make_tls(ftp) != CMD_DONE)
		return false;
	options = weft__cmd_ftp_client_options(ftp);
	ftp->pool = weft_ftp_pool_new(ftp->host, &options, FTP_PARALLEL_MAX);
	return ftp->pool != NULL;
}

/* The shell's own part: as long as there is something left and it can connect. */
static void lead(struct ftp_work *work)
{
	while (work->next < work->count && !weft_interrupted()) {
		if (!weft__cmd_ftp_client(work->ftp))
			return;
		work_on(work, work->ftp->client);
	}
}

/* Who has not even connected when there is nothing left is not waited for. */
static void dismiss(struct ftp_work *work, const struct helper *helpers, unsigned count)
{
	for (unsigned i = 0; i < count && work->next == work->count; i++)
		if (helpers[i].is_connecting)
			weft_cancel(helpers[i].fiber);
}

static void do_all(struct ftp_work *work)
{
	const struct weft_spawn_options options = {.name = "ftp", .stack_size_bytes = 256 * 1024};
	struct helper helpers[FTP_PARALLEL_MAX];
	struct weft_scope scope;
	unsigned count = 0;

	weft_scope_begin(&scope, WEFT_FOREVER);
	while (count + 1 < work->flags.parallel && count + 1 < work->count &&
		make_pool(work->ftp)) {
		struct helper *helper = &helpers[count];

		*helper = (struct helper){.work = work};
		helper->fiber = weft_scope_spawn_with(&scope, &options, help, helper);
		if (!helper->fiber)
			break;
		count++;
	}
	lead(work);
	dismiss(work, helpers, count);
	weft_scope_end(&scope);
}

static void forget_tasks(struct ftp_work *work)
{
	for (size_t i = 0; i < work->count; i++) {
		free(work->tasks[i].remote);
		free(work->tasks[i].local);
	}
	work->count = work->next = 0;
}

static int64_t bytes_of(const struct ftp_work *work)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < work->count; i++)
		bytes += work->tasks[i].size > 0 ? work->tasks[i].size : 0;
	return bytes;
}

/* Once: that nobody takes a length for a sum. */
static void say_no_sums(struct ftp *ftp)
{
	if (ftp->has_said_no_sums || (weft_ftp_client_features(ftp->client) & WEFT_FTP_HASH))
		return;
	ftp->has_said_no_sums = true;
	fprintf(stderr, "The server computes no SHA-256: only lengths are compared.\n");
}

void weft__cmd_ftp_work_some(struct ftp_work *work)
{
	struct ftp *ftp = work->ftp;

	if (work->count == 0)
		return;
	if (work->total == 0) {
		work->begun_ns = weft_now();
		ftp->progress = weft__cmd_ftp_progress_new();
	} else {
		weft__cmd_ftp_progress_show(ftp->progress);
	}
	if (work->flags.verifies && weft__cmd_ftp_client(ftp))
		say_no_sums(ftp);
	weft__cmd_ftp_progress_expect(ftp->progress, work->count, bytes_of(work));
	work->total += work->count;
	do_all(work);
	weft__cmd_ftp_progress_hide(ftp->progress);
	work->left += work->count - work->next;
	forget_tasks(work);
}

static int sum_up(struct ftp_work *work)
{
	double seconds = (double)(weft_now() - work->begun_ns) / 1e9;

	if (work->total > 1)
		printf("%zu of %zu files, %s in %.1f s\n", work->done, work->total,
			weft__cmd_ftp_bytes(work->bytes), seconds);
	fflush(stdout);
	if (weft_interrupted())
		return weft__cmd_fail(FTP, "broken off; what is here in part can be gone on with.");
	if (work->left > 0)
		return weft__cmd_fail(FTP, "%zu files were not tried.", work->left);
	return work->failed ? CMD_FAILED : CMD_DONE;
}

int weft__cmd_ftp_work_run(struct ftp_work *work)
{
	weft__cmd_ftp_work_some(work);
	weft__cmd_ftp_progress_free(work->ftp->progress);
	work->ftp->progress = NULL;
	return work->total ? sum_up(work) : CMD_DONE;
}

void weft__cmd_ftp_work_fini(struct ftp_work *work)
{
	forget_tasks(work);
	free(work->tasks);
	weft__cmd_ftp_progress_free(work->ftp->progress);
	work->ftp->progress = NULL;
}
