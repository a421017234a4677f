/*
 * serve_inspect.c - what a start of `weft serve` would find wrong, for `weft config check`.
 *
 * Entry point: weft__serve_inspect().
 *
 *	options fit together (serve_options.c) -> addresses, driver, user, folder, state,
 *	certificates, users, logs: looked at here as a start looks at them
 *
 * All that is wrong is told, not only the first. Whether another program has a port is not looked
 * at: it may be the server that runs by these settings.
 *
 * Never: makes, changes or binds anything.
 */
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../hub/user.h"
#include "account.h"
#include "serve.h"
#include "weft/address.h"

/* ---- Addresses ---------------------------------------------------------------------------- */

static int inspect_path(const char *option, const char *text)
{
	const char *path = text + strlen("unix:"), *slash = strrchr(path, '/');
	char *folder = slash > path ? strndup(path, (size_t)(slash - path)) : NULL;
	bool is_there = !folder || access(folder, F_OK) == 0;

	if (!is_there)
		errno = ENOENT;
	free(folder);
	return is_there ? CMD_DONE : weft__cmd_fail_listen(NAME, option, text);
}

static int inspect_address(const char *option, const char *text)
{
	struct weft_address address;

	if (weft__serve_is_default(text) || weft__cmd_is_handed(text))
		return CMD_DONE;
	if (weft_address_resolve(&address, 1, text) < 0)
		return weft__cmd_fail_resolve(NAME, option, text);
	return strncmp(text, "unix:/", 6) == 0 ? inspect_path(option, text) : CMD_DONE;
}

static int inspect_doors(const struct serve *serve)
{
	const struct {
		const struct cmd_texts *texts;
		const char *name;
	} all[] = {{&serve->http, "http"}, {&serve->https, "https"}, {&serve->ftp.plain, "ftp"},
		{&serve->ftp.implicit, "ftps"}, {&serve->chat.plain, "chat"},
		{&serve->chat.by_tls, "chat-tls"}};
	int status = CMD_DONE;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (unsigned k = 0; k < all[i].texts->count; k++)
			if (inspect_address(all[i].name, all[i].texts->items[k]))
				status = CMD_USAGE;
	if (serve->metrics_at && inspect_address("metrics", serve->metrics_at))
		status = CMD_USAGE;
	return status;
}

/* ---- Who, and how ------------------------------------------------------------------------- */

static int do_nothing(void *arg)
{
	(void)arg;
	return CMD_DONE;
}

static int inspect_driver(const struct serve *serve)
{
	const struct weft_run_options one = {.workers = 1, .driver = serve->run.driver};

	return serve->run.driver || getenv("WEFT_DRIVER")
		       ? weft__cmd_run(NAME, &one, do_nothing, NULL)
		       : CMD_DONE;
}

static int inspect_user(const struct serve *serve)
{
	struct hub_user user;

	if (!serve->user || weft__hub_user_find(serve->user, &user) == 0)
		return CMD_DONE;
	return errno == ENOENT ? weft__serve_fail_user(serve)
			       : weft__cmd_fail(NAME, "--user: can't look up \"%s\": %s.",
					 serve->user, strerror(errno));
}

/* ---- Folders and files -------------------------------------------------------------------- */

/* Where nothing can be kept, whoever asks. */
static bool is_of_kernel(const char *folder)
{
	struct statfs facts;

	return statfs(folder, &facts) == 0 &&
	       (facts.f_type == PROC_SUPER_MAGIC || facts.f_type == SYSFS_MAGIC);
}

/* The first folder above that is there has to take it. */
static int inspect_place(char *dir)
{
	struct stat stat_of;
	char *slash;

	while (stat(dir, &stat_of) < 0 && errno == ENOENT && (slash = strrchr(dir, '/')) &&
		slash > dir)
		*slash = '\0';
	if (stat(dir, &stat_of) < 0)
		return errno == ENOENT ? 0 : errno; /* relative, or in the root */
	if (!S_ISDIR(stat_of.st_mode))
		return ENOTDIR;
	if (is_of_kernel(dir))
		return EROFS;
	return access(dir, W_OK) == 0 ? 0 : errno;
}

/* As the user who asks, who may be another than the server's. */
static int inspect_state(const struct serve *serve)
{
	char *dir;
	int code;

	if (!serve->state || strcmp(serve->state, "none") == 0)
		return CMD_DONE;
	if (serve->folder && weft__serve_check_state(serve))
		return CMD_USAGE;
	dir = weft__cmd_state_dir(NAME, serve->state, false);
	if (!dir)
		return CMD_USAGE;
	code = inspect_place(dir);
	free(dir);
	if (code == 0 || (code == EACCES && (serve->user || strcmp(serve->state, "default") == 0)))
		return CMD_DONE;
	return weft__cmd_fail(
		NAME, "--state: %s can't be made or written: %s.", serve->state, strerror(code));
}

static int inspect_tls(struct serve *serve)
{
	struct weft_tls *tls = NULL;
	int status;

	if (serve->own_certificate) /* which is made */
		return CMD_DONE;
	status = weft__serve_make_tls(serve, serve->https.count ? "HTTPS" : "by TLS", NULL, &tls);
	if (!status && tls)
		weft__serve_warn_of_certificates(serve);
	weft_tls_free(tls);
	return status;
}

static int inspect_auth(struct serve *serve)
{
	int status;

	weft__settings_blame_key("auth-file");
	status = weft__serve_open_auth(serve);
	weft__settings_blame_key(NULL);
	weft__serve_close_auth(serve);
	serve->auth = NULL;
	return status;
}

/* The folder that a log or a socket is to be in is there. */
static int inspect_folder_of(const char *option, const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	char *folder;
	int status = CMD_DONE;

	if (!slash || slash == path)
		return CMD_DONE;
	folder = strndup(path, (size_t)(slash - path));
	if (folder && access(folder, F_OK) < 0)
		status = weft__cmd_fail(
			NAME, "--%s: the folder of %s: %s.", option, path, strerror(errno));
	free(folder);
	return status;
}

/* Else it is whatever folder the server will be started in. */
static bool says_dir(const struct serve *serve)
{
	for (size_t i = 0; i < serve->settings.told_count; i++)
		if (strcmp(serve->settings.told[i].name, "dir") == 0)
			return serve->settings.told[i].is_given;
	return false;
}

int weft__serve_inspect(struct serve *serve)
{
	int status = says_dir(serve) ? weft__serve_open_folder(serve) : CMD_DONE;

	status |= inspect_doors(serve);
	status |= inspect_driver(serve);
	status |= inspect_user(serve);
	status |= inspect_state(serve);
	status |= inspect_tls(serve);
	status |= inspect_auth(serve);
	status |= inspect_folder_of("access-log", serve->access_log);
	status |= inspect_folder_of("ftp-log", serve->ftp.log_path);
	status |= inspect_folder_of("control", serve->control_at);
	if (serve->folder)
		status |= weft__serve_check_private(serve);
	return status ? CMD_USAGE : CMD_DONE;
}
