/*
 * serve_private.c - what must not be shared does not lie in the folder that is: the private keys,
 * the users' file, the access log.
 *
 * Entry point: weft__serve_check_private(). It is for who starts it in the folder where all of it
 * lies, and would hand out the key with the first listing. It can't see hard links, nor what is put
 * there later.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "serve.h"

/* The absolute path of a file that may not be there yet; NULL: there can be none. */
static char *find_real(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *real = realpath(path, NULL), *folder = NULL, *parent;

	if (real || errno != ENOENT)
		return real;
	parent = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	if (parent)
		folder = realpath(parent, NULL);
	if (folder && asprintf(&real, "%s/%s", folder, slash ? slash + 1 : path) < 0)
		real = NULL;
	free(folder);
	free(parent);
	return real;
}

/* Whether who asks for it gets it: it is the folder, or below it by a path with no hidden name. */
static bool is_shared(const struct serve *serve, const char *path)
{
	char *real = find_real(path);
	size_t len = strcmp(serve->folder, "/") == 0 ? 0 : strlen(serve->folder);
	bool is = real && strncmp(real, serve->folder, len) == 0 &&
		  (real[len] == '/' || real[len] == '\0') &&
		  (serve->files_options.shows_hidden || !strstr(real + len, "/."));

	free(real);
	return is;
}

static int refuse(const char *what, const char *path)
{
	return weft__cmd_fail(NAME,
		"%s %s is in the folder that is shared, or is it, where everybody could read it: "
		"put it "
		"elsewhere.",
		what, path);
}

/* What is not there yet lies where the first folder above it does that is. */
static bool would_be_shared(const struct serve *serve, const char *path)
{
	char *above = strdup(path), *slash;
	bool is = false;

	while (above && access(above, F_OK) < 0 && (slash = strrchr(above, '/')) && slash > above)
		*slash = '\0';
	if (above)
		is = is_shared(serve, above);
	free(above);
	return is;
}

int weft__serve_check_state(const struct serve *serve)
{
	int status = CMD_DONE;
	char *dir;

	if (!serve->state || strcmp(serve->state, "none") == 0)
		return CMD_DONE;
	dir = weft__cmd_state_dir(NAME, serve->state, false);
	if (!dir)
		return CMD_FAILED;
	weft__settings_blame_key("state");
	if (is_shared(serve, dir) || would_be_shared(serve, dir))
		status = refuse("the state folder", dir);
	weft__settings_blame_key(NULL);
	free(dir);
	return status;
}

int weft__serve_check_private(const struct serve *serve)
{
	const struct cmd_texts *keys = serve->keys.count ? &serve->keys : &serve->certificates;
	const char *log = serve->access_log;

	for (unsigned i = 0; i < keys->count; i++)
		if (is_shared(serve, keys->items[i]))
			return refuse("the private key", keys->items[i]);
	if (weft__serve_state_dir(serve) && is_shared(serve, weft__serve_state_dir(serve)))
		return refuse("the state folder", weft__serve_state_dir(serve));
	if (serve->auth_file && is_shared(serve, serve->auth_file))
		return refuse("the users' file", serve->auth_file);
	if (log && strcmp(log, "-") != 0 && strcmp(log, "none") != 0 && is_shared(serve, log))
		return refuse("the access log", log);
	log = serve->ftp.log_path;
	if (log && strcmp(log, "-") != 0 && is_shared(serve, log))
		return refuse("the log of FTP", log);
	return CMD_DONE;
}
