/*
 * ftp_mirror.c - mirror of `weft ftp`: one side's folder made what the other's is.
 *
 * Entry point: weft__cmd_ftp_mirror().
 *
 *	folders, one after the other, the deepest first: both sides listed, compared name by name
 *	-> folders made, files noted, what is too much removed
 *	-> when enough are noted, and at the end: the files moved (ftp_work.c)
 *
 * Files of the same size and time are left alone. What a server tells to the minute only is
 * asked for to the second (MDTM); what it does not tell at all is judged by its size.
 *
 * Never: writes through a symbolic link, or under a name that leads out of the folder; removes
 * anything in a folder of which the other side could not be listed whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ftp.h"
#include "weft/dir.h"
#include "weft/scope.h"
#include "weft/vec.h"

/** Folders in one tree, and how deep: a server can make up as many as it likes. */
#define FOLDERS_MAX 1000000
#define DEPTH_MAX   100

/** Files that are noted before they are moved: what is known of a tree takes bounded memory. */
#define NOTED_MAX 4096

struct pair {
	char *remote, *local;
	unsigned depth;
	bool is_new; /* the side that is written has none of it */
};

struct mirror {
	struct ftp *ftp;
	struct ftp_work work;
	struct weft_vec pairs; /* struct pair: folders to compare yet, the next at the end */
	size_t folders;        /* that were found */
	bool is_up, is_dry, deletes;
	size_t same, noted, removed, troubles;
};

/* One name on both sides; either may be missing. */
struct item {
	const struct weft_ftp_entry *remote;
	const struct weft_dir_entry *local;
	const char *name;
};

static int no_memory(void)
{
	return weft__cmd_fail(FTP, "%s.", strerror(ENOMEM));
}

static void trouble(struct mirror *mirror, const char *path, const char *why)
{
	fprintf(stderr, "weft " FTP ": %s: %s.\n", weft__cmd_ftp_visible(path), why);
	mirror->troubles++;
}

/* ---- Comparing ------------------------------------------------------------------------- */

static int64_t local_time(const struct item *item)
{
	return item->local->modified_ns / WEFT_SECONDS(1);
}

/* To the second, if it can be had. */
static bool exact_time(
	struct mirror *mirror, const struct item *item, const char *remote, int64_t *ret_modified_s)
{
	*ret_modified_s = item->remote->modified_s;
	if (item->remote->precision == WEFT_FTP_SECOND)
		return true;
	return (weft_ftp_client_features(mirror->ftp->client) & WEFT_FTP_MDTM) &&
	       weft_ftp_client_modified(mirror->ftp->client, remote, ret_modified_s) == 0;
}

static bool is_same(struct mirror *mirror, const struct item *item, const char *remote)
{
	int64_t modified_s, apart;

	if (item->remote->type != WEFT_FTP_FILE || item->local->type != WEFT_DIR_FILE ||
		item->remote->size_bytes != item->local->size_bytes)
		return false;
	if (!exact_time(mirror, item, remote, &modified_s))
		return true;
	apart = modified_s - local_time(item);
	/* A server that can't set times has the one at which it got the file. */
	return (apart >= -1 && apart <= 1) || (mirror->is_up && apart > 0);
}

/* ---- Removing -------------------------------------------------------------------------- */

static void remove_remote(struct mirror *mirror, const struct item *item, const char *path)
{
	struct weft_ftp_client *client = mirror->ftp->client;

	printf("%s %s\n", mirror->is_dry ? "would remove" : "removed", weft__cmd_ftp_visible(path));
	mirror->removed++;
	if (mirror->is_dry)
		return;
	if (item->remote->type == WEFT_FTP_FOLDER) {
		if (weft__cmd_ftp_remove_tree(mirror->ftp, client, path) != CMD_DONE)
			mirror->troubles++;
	} else if (weft_ftp_client_delete(client, path) < 0) {
		weft__cmd_ftp_fail(mirror->ftp, client, NULL);
		mirror->troubles++;
	}
}

static void remove_local(struct mirror *mirror, const struct item *item, const char *path)
{
	printf("%s %s\n", mirror->is_dry ? "would remove" : "removed", weft__cmd_ftp_visible(path));
	mirror->removed++;
	if (!mirror->is_dry && (item->local->type == WEFT_DIR_DIR ? weft_dir_remove_tree(path)
								  : weft_dir_remove(path)) < 0)
		trouble(mirror, path, strerror(errno));
}

/* ---- One name ---------------------------------------------------------------------------- */

static int add_pair(
	struct mirror *mirror, const struct pair *parent, char *remote, char *local, bool is_new)
{
	struct pair pair = {remote, local, parent->depth + 1, is_new};

	if (pair.depth > DEPTH_MAX || mirror->folders++ >= FOLDERS_MAX) {
		trouble(mirror, remote, "too deep, or too many folders");
		free(remote);
		free(local);
		return CMD_DONE;
	}
	if (remote && local && weft_vec_push(&mirror->pairs, &pair) == 0)
		return CMD_DONE;
	free(remote);
	free(local);
	return no_memory();
}

/* A folder of the side that is read: made on the other, and compared later. */
static int enter(struct mirror *mirror, const struct pair *parent, const struct item *item,
	char *remote, char *local)
{
	bool is_there = mirror->is_up ? item->remote != NULL : item->local != NULL;
	bool is_folder = mirror->is_up ? is_there && item->remote->type == WEFT_FTP_FOLDER
				       : is_there && item->local->type == WEFT_DIR_DIR;

	if (is_there && !is_folder) {
		/* A link to a folder among them: what is behind it is not ours to write. */
		trouble(mirror, mirror->is_up ? remote : local,
			"is in the way of a folder, and no folder itself");
		free(remote);
		free(local);
		return CMD_DONE;
	}
	if (!is_there && !mirror->is_dry &&
		(mirror->is_up ? weft_ftp_client_mkdir(mirror->ftp->client, remote)
			       : weft_dir_mkdir(local)) < 0) {
		trouble(mirror, mirror->is_up ? remote : local,
			mirror->is_up ? weft_ftp_client_fault(mirror->ftp->client)->text
				      : strerror(errno));
		free(remote);
		free(local);
		return CMD_DONE;
	}
	return add_pair(mirror, parent, remote, local, !is_there);
}

/* A file of the side that is read. */
static int note(struct mirror *mirror, const struct item *item, char *remote, char *local)
{
	struct ftp_task task = {
		.remote = remote, .local = local, .is_upload = mirror->is_up, .size = -1};
	bool is_in_way = mirror->is_up ? item->remote && item->remote->type == WEFT_FTP_FOLDER
				       : item->local && item->local->type == WEFT_DIR_DIR;

	if (is_in_way || (item->remote && item->local && is_same(mirror, item, remote))) {
		if (is_in_way)
			trouble(mirror, mirror->is_up ? remote : local,
				"a folder is in the way of a file");
		mirror->same += !is_in_way;
		free(remote);
		free(local);
		return CMD_DONE;
	}
	if (mirror->is_up && item->local) {
		task.size = item->local->size_bytes;
	} else if (item->remote && item->remote->size_bytes >= 0) {
		task.size = item->remote->size_bytes;
		task.modified_s = item->remote->modified_s;
		task.has_facts = item->remote->precision == WEFT_FTP_SECOND;
	}
	mirror->noted++;
	if (mirror->is_dry) {
		printf("would %s %s\n", mirror->is_up ? "put" : "get",
			weft__cmd_ftp_visible(remote));
		free(remote);
		free(local);
		return CMD_DONE;
	}
	if (!weft__cmd_ftp_work_add(&mirror->work, task))
		return no_memory();
	if (mirror->work.count < NOTED_MAX)
		return CMD_DONE;
	weft__cmd_ftp_work_some(&mirror->work);
	/* What is compared next asks the server for times. */
	return weft__cmd_ftp_client(mirror->ftp) ? CMD_DONE : CMD_FAILED;
}

static int do_item(struct mirror *mirror, const struct pair *pair, const struct item *item)
{
	char *remote = weft__cmd_ftp_join(pair->remote, item->name);
	char *local = weft__cmd_ftp_join(pair->local, item->name);
	bool is_source = mirror->is_up ? item->local != NULL : item->remote != NULL;
	bool is_folder = is_source && (mirror->is_up ? item->local->type == WEFT_DIR_DIR
						     : item->remote->type == WEFT_FTP_FOLDER);
	bool is_file = is_source && (mirror->is_up ? item->local->type == WEFT_DIR_FILE
						   : item->remote->type == WEFT_FTP_FILE);

	if (!remote || !local) {
		free(remote);
		free(local);
		return no_memory();
	}
	if (is_folder)
		return enter(mirror, pair, item, remote, local);
	if (is_file)
		return note(mirror, item, remote, local);
	if (is_source)
		fprintf(stderr, "%s is neither file nor folder: passed over.\n",
			weft__cmd_ftp_visible(mirror->is_up ? local : remote));
	else if (mirror->deletes && mirror->is_up)
		remove_remote(mirror, item, remote);
	else if (mirror->deletes)
		remove_local(mirror, item, local);
	free(remote);
	free(local);
	return CMD_DONE;
}

/* ---- One folder --------------------------------------------------------------------------- */

/* Parts of downloads are nobody's files; names that the other side can't have are said. */
static bool is_usable(struct mirror *mirror, const struct item *item)
{
	if (weft_ftp_name_is_safe(item->name))
		return true;
	if (item->remote)
		trouble(mirror, item->name, "can't be the name of a file here");
	return false;
}

/* Both are sorted by the bytes of their names: side by side. */
static int compare(struct mirror *mirror, const struct pair *pair,
	const struct weft_ftp_list *remote, const struct weft_dir_list *local)
{
	size_t i = 0, j = 0;
	int status = CMD_DONE;

	while ((i < remote->count || j < local->count) && status == CMD_DONE) {
		int order = i == remote->count ? 1
			    : j == local->count
				    ? -1
				    : strcmp(remote->entries[i].name, local->entries[j].name);
		struct item item = {.remote = order <= 0 ? &remote->entries[i] : NULL,
			.local = order >= 0 ? &local->entries[j] : NULL};

		item.name = item.remote ? item.remote->name : item.local ? item.local->name : "";
		i += order <= 0;
		j += order >= 0;
		/* A server may tell a name twice: the second is no other file. */
		if (item.remote && i > 1 && strcmp(remote->entries[i - 2].name, item.name) == 0)
			continue;
		if (is_usable(mirror, &item))
			status = do_item(mirror, pair, &item);
		if (weft_interrupted())
			return CMD_FAILED;
	}
	return status;
}

static int do_folder(struct mirror *mirror, const struct pair *pair)
{
	struct weft_ftp_list remote = {0};
	struct weft_dir_list local = {0};
	int status = CMD_DONE;

	if (!weft__cmd_ftp_client(mirror->ftp))
		return CMD_FAILED;
	if (!(pair->is_new && mirror->is_up) &&
		weft_ftp_client_list(mirror->ftp->client, pair->remote, &remote) < 0) {
		weft__cmd_ftp_fail(mirror->ftp, mirror->ftp->client, pair->remote);
		mirror->troubles++;
	} else if (!(pair->is_new && !mirror->is_up) &&
		   weft_dir_list(pair->local, WEFT_DIR_STAT, &local) < 0) {
		trouble(mirror, pair->local, strerror(errno));
	} else {
		status = compare(mirror, pair, &remote, &local);
	}
	weft_ftp_list_fini(&remote);
	weft_dir_list_fini(&local);
	return weft_interrupted() ? CMD_FAILED : status;
}

/* ---- All of them --------------------------------------------------------------------------- */

/* The folder that is written to is made when it is missing. */
static int begin(struct mirror *mirror, const char *remote, const char *local)
{
	struct weft_ftp_entry entry;
	struct pair first = {
		.remote = weft__cmd_ftp_absolute(mirror->ftp, remote), .local = strdup(local)};

	if (!first.remote || !first.local || weft_vec_push(&mirror->pairs, &first) < 0) {
		free(first.remote);
		free(first.local);
		return no_memory();
	}
	if (!mirror->is_up) {
		if (weft_dir_is_dir(local) == 1)
			return CMD_DONE;
		((struct pair *)weft_vec_at(&mirror->pairs, 0))->is_new = true;
		if (mirror->is_dry || weft_dir_mkdir_all(local) == 0)
			return CMD_DONE;
		return weft__cmd_fail(FTP, "%s: %s.", local, strerror(errno));
	}
	if (weft_ftp_client_stat(mirror->ftp->client, first.remote, &entry) == 0)
		return CMD_DONE;
	((struct pair *)weft_vec_at(&mirror->pairs, 0))->is_new = true;
	if (mirror->is_dry || weft_ftp_client_mkdir(mirror->ftp->client, first.remote) == 0)
		return CMD_DONE;
	return weft__cmd_ftp_fail(mirror->ftp, mirror->ftp->client, NULL);
}

/* From place first on: what was pushed first is to be popped first. */
static void turn_around(struct weft_vec *pairs, size_t first)
{
	for (size_t last = weft_vec_len(pairs); first + 1 < last; first++, last--) {
		struct pair *one = weft_vec_at(pairs, first), *other = weft_vec_at(pairs, last - 1);
		struct pair kept = *one;

		*one = *other;
		*other = kept;
	}
}

static void pair_fini(struct pair *pair)
{
	free(pair->remote);
	free(pair->local);
}

static int run(struct mirror *mirror, const char *remote, const char *local)
{
	int status = begin(mirror, remote, local), moved;
	struct pair pair;

	while (status == CMD_DONE && weft_vec_pop(&mirror->pairs, &pair)) {
		size_t first = weft_vec_len(&mirror->pairs);

		status = do_folder(mirror, &pair);
		turn_around(&mirror->pairs, first);
		pair_fini(&pair);
	}
	moved = status == CMD_DONE || (weft_interrupted() && mirror->work.total > 0)
			? weft__cmd_ftp_work_run(&mirror->work)
			: status;
	printf("%zu files %s, %zu the same, %zu removed%s\n",
		mirror->is_dry ? mirror->noted : mirror->work.done,
		mirror->is_dry ? "to be moved" : "moved", mirror->same, mirror->removed,
		mirror->is_dry ? " if this were done" : "");
	return moved == CMD_DONE && mirror->troubles ? CMD_FAILED : moved;
}

/* "docs/" is docs; "/" stays. */
static void strip_slashes(char *path)
{
	for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
		path[len - 1] = '\0';
}

int weft__cmd_ftp_mirror(struct ftp *ftp, int argc, char **argv)
{
	struct mirror mirror = {.ftp = ftp, .work = {.ftp = ftp}};
	const char *from = ".", *to;
	int status = weft__cmd_ftp_flags(ftp, "RdycvtP:", argc, argv, &mirror.work.flags);
	int first = mirror.work.flags.first;

	if (status)
		return status;
	if (argc - first > 2)
		return weft__cmd_ftp_misuse("mirror");
	if (!weft__cmd_ftp_client(ftp))
		return CMD_FAILED;
	for (int i = first; i < argc; i++)
		strip_slashes(argv[i]);
	if (argc - first > 0)
		from = argv[first];
	to = argc - first > 1 ? argv[first + 1] : weft__cmd_ftp_base(from);
	mirror.is_up = mirror.work.flags.is_reverse;
	mirror.is_dry = mirror.work.flags.is_dry;
	mirror.deletes = mirror.work.flags.deletes;
	if (!*from || !*to)
		return weft__cmd_ftp_misuse("mirror");
	/* "mirror ..": what is above has no name of its own here. */
	if (argc - first == 1 && strcmp(from, ".") != 0 && !weft_ftp_name_is_safe(to))
		return weft__cmd_ftp_misuse("mirror");
	weft_vec_init(&mirror.pairs, sizeof(struct pair));
	status = run(&mirror, mirror.is_up ? to : from, mirror.is_up ? from : to);
	for (size_t i = 0; i < weft_vec_len(&mirror.pairs); i++)
		pair_fini(weft_vec_at(&mirror.pairs, i));
	weft_vec_fini(&mirror.pairs);
	weft__cmd_ftp_work_fini(&mirror.work);
	return status;
}
