/*
 * ftp_transfer.c - get, put, mget and mput of `weft ftp`: which files are meant, and where to.
 *
 * Entry points: weft__cmd_ftp_get(), weft__cmd_ftp_put(), weft__cmd_ftp_mget(),
 * weft__cmd_ftp_mput(). Never: lets a name that the server told lead out of the folder that was
 * meant.
 */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ftp.h"
#include "weft/dir.h"
#include "weft/offload.h"
#include "weft/scope.h"

/* ---- Bringing here ------------------------------------------------------------------------ */

/* Where a file of that name goes: into local, if that is a folder; else to local. */
static char *local_place(const char *remote, const char *local)
{
	const char *base = weft__cmd_ftp_base(remote);
	size_t len = local ? strlen(local) : 0;

	if (local && local[len - 1] != '/' && weft_dir_is_dir(local) != 1)
		return strdup(local);
	if (!weft_ftp_name_is_safe(base)) {
		weft__cmd_fail(FTP, "\"%s\" can't be the name of a file here.", base);
		return NULL;
	}
	return weft__cmd_ftp_join(local, base);
}

static int add_get(struct ftp_work *work, const char *remote, const char *local,
	const struct weft_ftp_entry *entry)
{
	struct ftp_task task = {.size = -1, .local = local_place(remote, local)};

	if (!task.local)
		return CMD_FAILED;
	task.remote = weft__cmd_ftp_absolute(work->ftp, remote);
	if (entry) {
		task.size = entry->size_bytes;
		task.modified_s = entry->modified_s;
		task.has_facts = entry->precision == WEFT_FTP_SECOND && entry->size_bytes >= 0;
	}
	return weft__cmd_ftp_work_add(work, task) ? CMD_DONE
						  : weft__cmd_fail(FTP, "%s.", strerror(errno));
}

int weft__cmd_ftp_get(struct ftp *ftp, int argc, char **argv)
{
	struct ftp_work work = {.ftp = ftp};
	int status = weft__cmd_ftp_flags(ftp, "nv", argc, argv, &work.flags),
	    first = work.flags.first;

	if (status)
		return status;
	if (argc - first < 1 || argc - first > 2 || !*argv[first] ||
		(argc - first == 2 && !*argv[first + 1]))
		return weft__cmd_ftp_misuse("get");
	if (!weft__cmd_ftp_client(ftp))
		return CMD_FAILED;
	if (argc - first == 2 && strcmp(argv[first + 1], "-") == 0)
		return weft__cmd_ftp_cat_one(ftp, argv[first]);
	status = add_get(&work, argv[first], argc - first == 2 ? argv[first + 1] : NULL, NULL);
	if (status == CMD_DONE)
		status = weft__cmd_ftp_work_run(&work);
	weft__cmd_ftp_work_fini(&work);
	return status;
}

/* All files that a pattern means; folders are passed over, and said. */
static int add_matching(struct ftp_work *work, const char *pattern)
{
	struct weft_ftp_list list = {0};
	char *folder = NULL;
	int status;

	if (!weft__cmd_ftp_is_pattern(weft__cmd_ftp_base(pattern)))
		return add_get(work, pattern, NULL, NULL);
	status = weft__cmd_ftp_match(work->ftp, pattern, &list, &folder);
	for (size_t i = 0; i < list.count && status == CMD_DONE; i++) {
		const struct weft_ftp_entry *entry = &list.entries[i];
		char *remote = entry->type == WEFT_FTP_FILE && weft_ftp_name_is_safe(entry->name)
				       ? weft__cmd_ftp_join(folder, entry->name)
				       : NULL;

		if (remote)
			status = add_get(work, remote, NULL, entry);
		else
			fprintf(stderr, "%s is passed over.\n", weft__cmd_ftp_visible(entry->name));
		free(remote);
	}
	weft_ftp_list_fini(&list);
	free(folder);
	return status;
}

int weft__cmd_ftp_mget(struct ftp *ftp, int argc, char **argv)
{
	struct ftp_work work = {.ftp = ftp};
	int status = weft__cmd_ftp_flags(ftp, "nvP:", argc, argv, &work.flags);

	if (status)
		return status;
	if (work.flags.first == argc)
		return weft__cmd_ftp_misuse("mget");
	if (!weft__cmd_ftp_client(ftp))
		return CMD_FAILED;
	for (int i = work.flags.first; i < argc && status == CMD_DONE; i++)
		status = add_matching(&work, argv[i]);
	if (status == CMD_DONE)
		status = weft__cmd_ftp_work_run(&work);
	weft__cmd_ftp_work_fini(&work);
	return status;
}

/* ---- Bringing there ----------------------------------------------------------------------- */

static int add_put(struct ftp_work *work, const char *local, const char *remote)
{
	struct ftp_task task = {.is_upload = true,
		.local = strdup(local),
		.remote = weft__cmd_ftp_absolute(work->ftp, remote),
		.size = weft_dir_size(local)};

	return weft__cmd_ftp_work_add(work, task) ? CMD_DONE
						  : weft__cmd_fail(FTP, "%s.", strerror(errno));
}

/* ---- From the standard input -------------------------------------------------------------- */

struct block {
	char bytes[65536];
	ssize_t len;
};

static int read_block(void *arg)
{
	struct block *block = arg;

	do
		block->len = read(STDIN_FILENO, block->bytes, sizeof(block->bytes));
	while (block->len < 0 && errno == EINTR);
	return block->len < 0 ? -1 : 0;
}

/* Its end is the file's, unless this was broken off: then the writer of it was, too. */
static int send_stdin(struct ftp *ftp, struct weft_ftp_file *transfer, struct block *block)
{
	int result;

	while ((result = weft_offload(read_block, block)) == 0 && block->len > 0)
		if (weft_ftp_file_write(transfer, block->bytes, (size_t)block->len) < 0)
			break;
	if (result < 0 || weft_interrupted()) {
		int error = errno;

		weft_ftp_file_abort(transfer);
		return weft__cmd_fail(FTP, "the standard input: %s.",
			weft_interrupted() ? "broken off" : strerror(error));
	}
	return weft_ftp_file_end(transfer) < 0 ? weft__cmd_ftp_fail(ftp, ftp->client, NULL)
					       : CMD_DONE;
}

static int put_stdin(struct ftp *ftp, const char *remote)
{
	struct weft_ftp_file *transfer;
	struct block *block;
	int status;

	if (!ftp->commands && (!ftp->file || strcmp(ftp->file, "-") == 0))
		return weft__cmd_fail(
			FTP, "the commands come from the standard input: no file can.");
	block = malloc(sizeof(*block));
	if (!block)
		return weft__cmd_fail(FTP, "%s.", strerror(ENOMEM));
	transfer = weft_ftp_client_store(ftp->client, remote, 0);
	status = transfer ? send_stdin(ftp, transfer, block)
			  : weft__cmd_ftp_fail(ftp, ftp->client, NULL);
	free(block);
	return status;
}

/* ---- From files --------------------------------------------------------------------------- */

int weft__cmd_ftp_put(struct ftp *ftp, int argc, char **argv)
{
	struct ftp_work work = {.ftp = ftp};
	int status = weft__cmd_ftp_flags(ftp, "cvt", argc, argv, &work.flags),
	    first = work.flags.first;
	struct weft_ftp_entry entry;
	const char *remote;
	char *inside = NULL;

	if (status)
		return status;
	if (argc - first < 1 || argc - first > 2)
		return weft__cmd_ftp_misuse("put");
	if (!weft__cmd_ftp_client(ftp))
		return CMD_FAILED;
	if (strcmp(argv[first], "-") == 0)
		return argc - first == 2 && *argv[first + 1] ? put_stdin(ftp, argv[first + 1])
							     : weft__cmd_ftp_misuse("put");
	remote = argc - first == 2 ? argv[first + 1] : weft__cmd_ftp_base(argv[first]);
	if (argc - first == 2 && weft_ftp_client_stat(ftp->client, remote, &entry) == 0 &&
		entry.type == WEFT_FTP_FOLDER)
		remote = inside = weft__cmd_ftp_join(remote, weft__cmd_ftp_base(argv[first]));
	status = !remote || !*remote ? weft__cmd_ftp_misuse("put")
				     : add_put(&work, argv[first], remote);
	if (status == CMD_DONE)
		status = weft__cmd_ftp_work_run(&work);
	weft__cmd_ftp_work_fini(&work);
	free(inside);
	return status;
}

int weft__cmd_ftp_mput(struct ftp *ftp, int argc, char **argv)
{
	struct ftp_work work = {.ftp = ftp};
	int status = weft__cmd_ftp_flags(ftp, "cvtP:", argc, argv, &work.flags);

	if (status)
		return status;
	if (work.flags.first == argc)
		return weft__cmd_ftp_misuse("mput");
	if (!weft__cmd_ftp_client(ftp))
		return CMD_FAILED;
	for (int i = work.flags.first; i < argc && status == CMD_DONE; i++) {
		glob_t found;

		if (glob(argv[i], GLOB_NOCHECK | GLOB_MARK, NULL, &found) != 0)
			return weft__cmd_fail(FTP, "%s: %s.", argv[i], strerror(errno));
		for (size_t j = 0; j < found.gl_pathc && status == CMD_DONE; j++) {
			const char *one = found.gl_pathv[j];

			if (one[strlen(one) - 1] == '/')
				fprintf(stderr, "%s is a folder: passed over.\n",
					weft__cmd_ftp_visible(one));
			else
				status = add_put(&work, one, weft__cmd_ftp_base(one));
		}
		globfree(&found);
	}
	if (status == CMD_DONE)
		status = weft__cmd_ftp_work_run(&work);
	weft__cmd_ftp_work_fini(&work);
	return status;
}
