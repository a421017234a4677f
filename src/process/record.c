/*
 * record.c - what is asked of a process, copied and checked (include/weft/process.h).
 *
 * Must never: keep a pointer of the caller's, but for ops and arg.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/process.h"
#include "weft/socket.h"

static void free_words(char **words)
{
	for (char **word = words; word && *word; word++)
		free(*word);
	free(words);
}

void weft__process_destroy(struct weft_process *process)
{
	struct weft_process_options *options = &process->options;
	int saved = errno;

	for (int i = 0; i < 3; i++) {
		if (process->streams[i])
			process->free_stream(process->streams[i]);
		else if (process->ours[i] >= 0)
			weft_close(process->ours[i]);
	}
	if (process->pid_fd >= 0)
		weft_close(process->pid_fd);
	free_words(process->argv);
	free_words(process->paths);
	free_words((char **)options->environment);
	free((char *)options->directory);
	free((int *)options->kept_fds);
	for (size_t i = 0; options->handed && i < options->handed_count; i++)
		free((char *)options->handed[i].name);
	free((struct weft_process_handed *)options->handed);
	free((struct weft_process_limit *)options->limits);
	free(process);
	errno = saved;
}

static char **copy_words(const char *const *words)
{
	size_t count = 0;
	char **copy;

	while (words[count])
		count++;
	copy = calloc(count + 1, sizeof *copy);
	for (size_t i = 0; copy && i < count; i++) {
		copy[i] = strdup(words[i]);
		if (!copy[i]) {
			free_words(copy);
			copy = NULL;
		}
	}
	return copy;
}

static void *copy_bytes(const void *data, size_t size)
{
	void *copy = malloc(size);

	return copy ? memcpy(copy, data, size) : NULL;
}

/* Of what may be missing. False: no memory. */
static bool copy_options(struct weft_process *process, const struct weft_process_options *from)
{
	struct weft_process_options *to = &process->options;

	*to = *from;
	to->name = process->name;
	to->environment = NULL;
	to->directory = NULL;
	to->kept_fds = NULL;
	to->handed = NULL;
	to->limits = NULL;
	if (from->environment &&
		!(to->environment = (const char *const *)copy_words(from->environment)))
		return false;
	if (from->directory && !(to->directory = strdup(from->directory)))
		return false;
	if (from->kept_fd_count > 0 && !(to->kept_fds = copy_bytes(from->kept_fds,
						 from->kept_fd_count * sizeof *from->kept_fds)))
		return false;
	return from->limit_count == 0 ||
	       (to->limits = copy_bytes(from->limits, from->limit_count * sizeof *from->limits));
}

/* As systemd has them: ':' stands between names. */
static bool is_name(const char *name)
{
	for (const char *at = name; at && *at; at++)
		if (*at <= ' ' || *at == ':' || *at > '~')
			return false;
	return !name || *name;
}

static bool is_sound(const struct weft_process_options *options)
{
	for (int i = 0; i < 3; i++) {
		const struct weft_process_redirect *how = &options->streams[i];

		if (how->kind < WEFT_PROCESS_INHERIT || how->kind > WEFT_PROCESS_OUTPUT ||
			(how->kind == WEFT_PROCESS_FD && how->fd < 0) ||
			(how->kind == WEFT_PROCESS_OUTPUT && i != STDERR_FILENO))
			return false;
	}
	if (options->handed_count > WEFT_PROCESS_HANDED_MAX ||
		(options->ends_group && !options->new_group && !options->new_session))
		return false;
	for (size_t i = 0; i < options->kept_fd_count; i++)
		if (options->kept_fds[i] < 3 ||
			(size_t)options->kept_fds[i] < 3 + options->handed_count)
			return false;
	for (size_t i = 0; i < options->handed_count; i++)
		if (options->handed[i].fd < 3 || !is_name(options->handed[i].name))
			return false;
	return true;
}

/* One that is NEW, of the options, which may be NULL. */
static struct weft_process *make(const struct weft_process_options *options)
{
	static const struct weft_process_options no_options;
	static _Atomic unsigned number;
	struct weft_process *process;

	if (!options)
		options = &no_options;
	if (!is_sound(options)) {
		errno = EINVAL;
		return NULL;
	}
	process = calloc(1, sizeof *process);
	if (!process)
		return NULL;
	process->holders = 1;
	process->pid_fd = -1;
	for (int i = 0; i < 3; i++)
		process->ours[i] = -1;
	if (options->name)
		snprintf(process->name, sizeof process->name, "%s", options->name);
	else
		snprintf(process->name, sizeof process->name, "Process-%u",
			atomic_fetch_add(&number, 1) + 1);
	if (copy_options(process, options))
		return process;
	weft__process_destroy(process);
	errno = ENOMEM;
	return NULL;
}

struct weft_process *weft_process_new(
	const struct weft_process_options *options, weft_process_fn *fn, void *arg)
{
	struct weft_process *process;

	if (!fn && !(options && options->ops && options->ops->run)) {
		errno = EINVAL;
		return NULL;
	}
	process = make(options);
	if (!process)
		return NULL;
	process->fn = fn;
	process->arg = arg;
	if (weft__process_hand_prepare(process, options) == 0)
		return process;
	weft__process_destroy(process);
	errno = ENOMEM;
	return NULL;
}

struct weft_process *weft__process_new_kept(
	const char *name, void (*begin)(void *arg), weft_process_fn *fn, void *arg)
{
	struct weft_process *process =
		weft_process_new(&(struct weft_process_options){.name = name}, fn, arg);

	if (process)
		process->kept_begin = begin;
	return process;
}

/* Where the program may be: itself, or below each folder of PATH. NULL: no memory. */
static char **find_paths(const char *file)
{
	const char *path = getenv("PATH");
	size_t count = 0, most = 2;
	char **paths;

	if (strchr(file, '/') || !*file)
		path = NULL;
	else if (!path)
		path = "/bin:/usr/bin";
	for (const char *at = path; at && *at; at++)
		most += *at == ':';
	paths = calloc(most + 1, sizeof *paths);
	if (paths && !path && !(paths[count++] = strdup(file)))
		goto no_memory;
	while (paths && path) {
		int len = (int)strcspn(path, ":");

		/* An empty one is the folder that one works in. */
		if (asprintf(&paths[count], "%.*s%s%s", len, path, len ? "/" : "", file) < 0) {
			paths[count] = NULL;
			goto no_memory;
		}
		count++;
		path = path[len] ? path + len + 1 : NULL;
	}
	return paths;

no_memory:
	free_words(paths);
	return NULL;
}

struct weft_process *weft_process_new_program(
	const struct weft_process_options *options, const char *const argv[])
{
	struct weft_process *process;

	if (!argv || !argv[0] || (options && options->ops)) {
		errno = EINVAL;
		return NULL;
	}
	process = make(options);
	if (!process)
		return NULL;
	process->argv = copy_words(argv);
	process->paths = find_paths(argv[0]);
	if (process->argv && process->paths && weft__process_hand_prepare(process, options) == 0)
		return process;
	weft__process_destroy(process);
	errno = ENOMEM;
	return NULL;
}
