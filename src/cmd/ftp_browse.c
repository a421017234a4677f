/*
 * ftp_browse.c - the commands of `weft ftp` that move no files: cd, pwd, cat, rm, mv, ...
 *
 * Entry points: weft__cmd_ftp_cd(), weft__cmd_ftp_pwd(), ... of the table in ftp_commands.c;
 * weft__cmd_ftp_remove_tree(), weft__cmd_ftp_run_here().
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ftp.h"
#include "weft/tls.h"
#include "weft/offload.h"
#include "weft/scope.h"
#include "weft/vec.h"

/** Folders of one tree that are removed, at most. */
#define TREE_MAX 1000000

/* ---- Where one is ----------------------------------------------------------------------- */

/* For the connection after this one. */
static void remember_folder(struct ftp *ftp)
{
	const char *folder = weft_ftp_client_pwd(ftp->client);

	free(ftp->remote);
	ftp->remote = folder ? strdup(folder) : NULL;
}

int weft__cmd_ftp_cd(struct ftp *ftp, int argc, char **argv)
{
	(void)argc;
	if (!weft__cmd_ftp_client(ftp))
		return CMD_FAILED;
	if (weft_ftp_client_cwd(ftp->client, argv[1]) < 0)
		return weft__cmd_ftp_fail(ftp, ftp->client, NULL);
	remember_folder(ftp);
	return CMD_DONE;
}

int weft__cmd_ftp_pwd(struct ftp *ftp, int argc, char **argv)
{
	const char *folder;

	(void)argc;
	(void)argv;
	if (!weft__cmd_ftp_client(ftp))
		return CMD_FAILED;
	folder = weft_ftp_client_pwd(ftp->client);
	if (!folder)
		return weft__cmd_ftp_fail(ftp, ftp->client, NULL);
	puts(weft__cmd_ftp_visible(folder));
	return CMD_DONE;
}

int weft__cmd_ftp_lcd(struct ftp *ftp, int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "~", *home = getenv("HOME");
	bool is_home = path[0] == '~' && (path[1] == '/' || path[1] == '\0');
	char *below_home = is_home && home ? weft__cmd_ftp_join(home, path + 1) : NULL;
	int status = CMD_DONE;

	(void)ftp;
	if (chdir(below_home ? below_home : path) < 0)
		status = weft__cmd_fail(
			FTP, "%s: %s.", weft__cmd_ftp_visible(path), strerror(errno));
	free(below_home);
	return status;
}

int weft__cmd_ftp_lpwd(struct ftp *ftp, int argc, char **argv)
{
	char *path = getcwd(NULL, 0);

	(void)ftp;
	(void)argc;
	(void)argv;
	if (!path)
		return weft__cmd_fail(FTP, "the folder here: %s.", strerror(errno));
	puts(weft__cmd_ftp_visible(path));
	free(path);
	return CMD_DONE;
}

int weft__cmd_ftp_status(struct ftp *ftp, int argc, char **argv)
{
	const struct weft_tls_facts *tls;
	const char *folder;

	(void)argc;
	(void)argv;
	if (!weft__cmd_ftp_client(ftp))
		return CMD_FAILED;
	tls = weft_ftp_client_tls(ftp->client);
	folder = weft_ftp_client_pwd(ftp->client);
	printf("server    %s, as %s\n", weft__cmd_ftp_visible(ftp->host),
		weft__cmd_ftp_visible(ftp->user ? ftp->user : "anonymous"));
	if (tls)
		printf("secured   %s, %s%s\n", tls->version, tls->cipher,
			tls->is_verified ? "" : ", certificate not checked");
	else
		printf("secured   no: everybody on the way can read along\n");
	printf("folder    %s\n", folder ? weft__cmd_ftp_visible(folder) : "?");
	return CMD_DONE;
}

/* ---- Removing and renaming ---------------------------------------------------------------- */

/* Something for each of the words from first on; all are tried. */
static int each(struct ftp *ftp, char **argv, int first,
	int (*order)(struct weft_ftp_client *client, const char *path))
{
	int status = CMD_DONE;

	for (int i = first; argv[i]; i++) {
		if (!weft__cmd_ftp_client(ftp))
			return CMD_FAILED;
		if (order(ftp->client, argv[i]) < 0)
			status = weft__cmd_ftp_fail(ftp, ftp->client, NULL);
		if (weft_interrupted())
			return CMD_FAILED;
	}
	return status;
}

/* What is in a folder: files go at once, folders to the end of the list. */
static int empty_folder(
	struct ftp *ftp, struct weft_ftp_client *client, const char *path, struct weft_vec *folders)
{
	struct weft_ftp_list list;
	int status = CMD_DONE;

	if (weft_ftp_client_list(client, path, &list) < 0)
		return weft__cmd_ftp_fail(ftp, client, path);
	for (size_t i = 0; i < list.count && status == CMD_DONE; i++) {
		const struct weft_ftp_entry *entry = &list.entries[i];
		char *one = weft__cmd_ftp_join(path, entry->name);

		/* A name with a slash would be a path to somewhere else. */
		if (!one || strchr(entry->name, '/') || weft_vec_len(folders) == TREE_MAX)
			status = weft__cmd_fail(FTP, "%s can not be removed.", entry->name);
		else if (entry->type == WEFT_FTP_FOLDER && weft_vec_push(folders, &one) == 0)
			one = NULL;
		else if (weft_ftp_client_delete(client, one) < 0)
			status = weft__cmd_ftp_fail(ftp, client, NULL);
		free(one);
	}
	weft_ftp_list_fini(&list);
	return status;
}

int weft__cmd_ftp_remove_tree(struct ftp *ftp, struct weft_ftp_client *client, const char *path)
{
	struct weft_vec folders;
	char *first = strdup(path);
	int status = CMD_DONE;

	weft_vec_init(&folders, sizeof(char *));
	if (!first || weft_vec_push(&folders, &first) < 0) {
		free(first);
		return weft__cmd_fail(FTP, "%s.", strerror(ENOMEM));
	}
	for (size_t i = 0; i < weft_vec_len(&folders) && status == CMD_DONE; i++)
		status = empty_folder(ftp, client, *(char **)weft_vec_at(&folders, i), &folders);
	/* Those that were found last lie deepest. */
	for (size_t i = weft_vec_len(&folders); i-- > 0 && status == CMD_DONE;)
		if (weft_ftp_client_rmdir(client, *(char **)weft_vec_at(&folders, i)) < 0)
			status = weft__cmd_ftp_fail(ftp, client, NULL);
	for (size_t i = 0; i < weft_vec_len(&folders); i++)
		free(*(char **)weft_vec_at(&folders, i));
	weft_vec_fini(&folders);
	return status;
}

static int remove_any(struct ftp *ftp, const char *path)
{
	struct weft_ftp_entry entry;

	if (weft_ftp_client_stat(ftp->client, path, &entry) == 0 && entry.type == WEFT_FTP_FOLDER)
		return weft__cmd_ftp_remove_tree(ftp, ftp->client, path);
	return weft_ftp_client_delete(ftp->client, path) < 0
		       ? weft__cmd_ftp_fail(ftp, ftp->client, NULL)
		       : CMD_DONE;
}

/* Files that match; folders too, with -r. Names that lead elsewhere don't match anything. */
static int remove_matching(struct ftp *ftp, const char *pattern, bool is_recursive)
{
	struct weft_ftp_list list;
	char *folder;
	int status = weft__cmd_ftp_match(ftp, pattern, &list, &folder);

	if (status)
		return status;
	for (size_t i = 0; i < list.count && !weft_interrupted(); i++) {
		const struct weft_ftp_entry *entry = &list.entries[i];
		char *path =
			strchr(entry->name, '/') ? NULL : weft__cmd_ftp_join(folder, entry->name);

		if (!path || (entry->type == WEFT_FTP_FOLDER && !is_recursive))
			fprintf(stderr, "%s is passed over.\n", weft__cmd_ftp_visible(entry->name));
		else if (remove_any(ftp, path) != CMD_DONE)
			status = CMD_FAILED;
		free(path);
	}
	weft_ftp_list_fini(&list);
	free(folder);
	return status;
}

/* A name as it stands comes before what it may mean as a pattern. */
static int remove_word(struct ftp *ftp, const char *word, bool is_recursive)
{
	struct weft_ftp_entry entry;

	if (!weft__cmd_ftp_client(ftp))
		return CMD_FAILED;
	if (weft__cmd_ftp_is_pattern(weft__cmd_ftp_base(word)) &&
		weft_ftp_client_stat(ftp->client, word, &entry) < 0 &&
		!weft_ftp_client_is_lost(ftp->client))
		return remove_matching(ftp, word, is_recursive);
	if (is_recursive)
		return remove_any(ftp, word);
	return weft_ftp_client_delete(ftp->client, word) < 0
		       ? weft__cmd_ftp_fail(ftp, ftp->client, NULL)
		       : CMD_DONE;
}

int weft__cmd_ftp_rm(struct ftp *ftp, int argc, char **argv)
{
	struct ftp_flags flags;
	int status = weft__cmd_ftp_flags(ftp, "r", argc, argv, &flags);

	if (status)
		return status;
	if (flags.first == argc)
		return weft__cmd_ftp_misuse("rm");
	for (int i = flags.first; i < argc && !weft_interrupted(); i++)
		if (remove_word(ftp, argv[i], flags.is_recursive) != CMD_DONE)
			status = CMD_FAILED;
	return status;
}

int weft__cmd_ftp_rmdir(struct ftp *ftp, int argc, char **argv)
{
	(void)argc;
	return each(ftp, argv, 1, weft_ftp_client_rmdir);
}

int weft__cmd_ftp_mkdir(struct ftp *ftp, int argc, char **argv)
{
	(void)argc;
	return each(ftp, argv, 1, weft_ftp_client_mkdir);
}

int weft__cmd_ftp_mv(struct ftp *ftp, int argc, char **argv)
{
	struct weft_ftp_entry entry;
	char *to = NULL;
	int result;

	(void)argc;
	if (!weft__cmd_ftp_client(ftp))
		return CMD_FAILED;
	/* Into a folder, as mv(1) does. */
	if (weft_ftp_client_stat(ftp->client, argv[2], &entry) == 0 &&
		entry.type == WEFT_FTP_FOLDER)
		to = weft__cmd_ftp_join(argv[2], weft__cmd_ftp_base(argv[1]));
	result = weft_ftp_client_rename(ftp->client, argv[1], to ? to : argv[2]);
	free(to);
	return result < 0 ? weft__cmd_ftp_fail(ftp, ftp->client, NULL) : CMD_DONE;
}

int weft__cmd_ftp_chmod(struct ftp *ftp, int argc, char **argv)
{
	char *end;
	unsigned long mode = strtoul(argv[1], &end, 8);
	int status = CMD_DONE;

	if (*end || end == argv[1] || mode > 07777)
		return weft__cmd_ftp_misuse("chmod");
	for (int i = 2; i < argc; i++) {
		if (!weft__cmd_ftp_client(ftp))
			return CMD_FAILED;
		if (weft_ftp_client_chmod(ftp->client, argv[i], (unsigned)mode) < 0)
			status = weft__cmd_ftp_fail(ftp, ftp->client, NULL);
	}
	return status;
}

/* ---- The rest ------------------------------------------------------------------------------ */

int weft__cmd_ftp_cat_one(struct ftp *ftp, const char *path)
{
	struct weft_ftp_file *transfer = weft_ftp_client_retrieve(ftp->client, path, 0);
	char *block = transfer ? malloc(65536) : NULL;
	bool is_read = true;
	ssize_t len = 0;

	if (!transfer)
		return weft__cmd_ftp_fail(ftp, ftp->client, NULL);
	while (block && is_read && (len = weft_ftp_file_read(transfer, block, 65536)) > 0)
		is_read = fwrite(block, 1, (size_t)len, stdout) == (size_t)len;
	free(block);
	if (weft_ftp_file_end(transfer) < 0)
		return weft__cmd_ftp_fail(ftp, ftp->client, path);
	return block && is_read ? CMD_DONE : CMD_FAILED; /* main() says why, or that nobody reads */
}

int weft__cmd_ftp_cat(struct ftp *ftp, int argc, char **argv)
{
	int status = CMD_DONE;

	for (int i = 1; i < argc; i++) {
		if (!weft__cmd_ftp_client(ftp))
			return CMD_FAILED;
		if (weft__cmd_ftp_cat_one(ftp, argv[i]) != CMD_DONE)
			status = CMD_FAILED;
	}
	return status;
}

int weft__cmd_ftp_quote(struct ftp *ftp, int argc, char **argv)
{
	struct weft_ftp_reply reply;
	struct weft_str line;
	int result;

	if (!weft__cmd_ftp_client(ftp))
		return CMD_FAILED;
	weft_str_init(&line, WEFT_FTP_PATH_MAX);
	for (int i = 1; i < argc; i++)
		weft_str_appendf(&line, "%s%s", i > 1 ? " " : "", argv[i]);
	result = weft_str_error(&line)
			 ? -1
			 : weft_ftp_client_command(ftp->client, weft_str_text(&line), &reply);
	weft_str_fini(&line);
	if (result < 0)
		return weft__cmd_ftp_fail(ftp, ftp->client, NULL);
	/* Line by line: a line end in a reply is the only control character that is shown. */
	printf("%d", reply.code);
	for (const char *at = reply.text; at;) {
		size_t len = strcspn(at, "\n");
		char *part = strndup(at, len);

		printf(" %s\n", part ? weft__cmd_ftp_visible(part) : "");
		free(part);
		at = at[len] ? at + len + 1 : NULL;
	}
	return reply.code < 400 ? CMD_DONE : CMD_FAILED;
}

struct child {
	const char *command;
	int status;
};

/* On a thread. What this program does with signals is not the child's business. */
static int run_child(void *arg)
{
	char *argv[] = {"sh", "-c", (char *)((struct child *)arg)->command, NULL};
	const int ours[] = {SIGINT, SIGTERM, SIGPIPE, SIGCHLD};
	posix_spawnattr_t how;
	sigset_t set;
	pid_t pid;
	int error;

	posix_spawnattr_init(&how);
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&how, &set);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		sigaddset(&set, ours[i]);
	posix_spawnattr_setsigdefault(&how, &set);
	error = posix_spawn(&pid, "/bin/sh", NULL, &how, argv, environ);
	posix_spawnattr_destroy(&how);
	if (error) {
		errno = error;
		return -1;
	}
	while (waitpid(pid, &((struct child *)arg)->status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return 0;
}

int weft__cmd_ftp_run_here(const char *command)
{
	struct child child = {.command = command};
	int result = -1;

	fflush(stdout);
	/* Ctrl-C is the child's, too: it ends by it, and so does this. */
	WEFT_SHIELDED
		result = weft_offload(run_child, &child);
	if (result < 0)
		return weft__cmd_fail(FTP, "no command can be run here: %s.", strerror(errno));
	return WIFEXITED(child.status) && WEXITSTATUS(child.status) == 0 ? CMD_DONE : CMD_FAILED;
}

int weft__cmd_ftp_quit(struct ftp *ftp, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	ftp->is_over = true;
	return CMD_DONE;
}
