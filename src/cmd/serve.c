/*
 * serve.c - `weft serve`: shares a folder over HTTP until Ctrl-C.
 *
 * Entry point: weft__cmd_serve(). Its parts: serve.h.
 *
 *	options -> folder, log, TLS, users -> weft_run( doors -> say where -> serve ... stop )
 *
 * Never: protocol work; that is the library's.
 */
#include "serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "options.h"

/** What a server holds besides connections and files: listeners, the kernel's pollers, the log. */
#define DESCRIPTORS_SPARE 32

/* ---- Serving -------------------------------------------------------------------------------- */

static void stop(void *arg)
{
	struct serve *serve = arg;

	if (!serve->is_json && isatty(STDOUT_FILENO))
		puts("\nStopping; downloads under way are finished first. Ctrl-C ends them.");
	fflush(stdout);
	weft__serve_stop(serve);
}

/* The doors are open. */
static int serve_with_signals(struct serve *serve)
{
	weft_fiber_id stopper = weft__cmd_on_stop(stop, serve);
	weft_fiber_id reloader = stopper ? weft__serve_on_hangup(serve) : 0;
	int status;

	if (reloader) {
		weft__serve_print_facts(serve);
		status = weft__serve_doors(serve);
		weft__cmd_unstop(reloader);
	} else {
		status = weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	}
	if (stopper)
		weft__cmd_unstop(stopper);
	return status;
}

/* The first fiber. */
static int serve_until_stopped(void *arg)
{
	struct serve *serve = arg;
	int status = weft__serve_open_doors(serve);

	if (!status)
		status = serve_with_signals(serve);
	weft__serve_close_doors(serve);
	return status;
}

/* ---- Setting up ---------------------------------------------------------------------------------
 */

static int open_folder(struct serve *serve)
{
	serve->files = weft_http_files_new(serve->dir, &serve->files_options);
	if (serve->files)
		serve->folder = realpath(serve->dir, NULL);
	if (serve->folder)
		return CMD_DONE;
	switch (errno) {
	case ENOENT:
		return weft__cmd_fail(NAME, "there is no folder \"%s\".", serve->dir);
	case ENOTDIR:
		return weft__cmd_fail(NAME, "%s is not a folder.", serve->dir);
	case ENOSYS:
		return weft__cmd_fail(NAME, "this kernel has no openat2(2); Linux 5.6 has it.");
	default:
		return weft__cmd_fail(NAME, "can't open %s: %s.", serve->dir, strerror(errno));
	}
}

static int open_log(struct serve *serve)
{
	const char *path = serve->access_log;
	struct weft_http_log_options options = {
		.format = (enum weft_http_log_format)serve->log_format};

	if (!path)
		path = isatty(STDOUT_FILENO) && !serve->is_json ? "-" : "none";
	if (strcmp(path, "none") == 0)
		return CMD_DONE;
	serve->log = weft_http_log_new(path, &options);
	if (!serve->log)
		return weft__cmd_fail(
			NAME, "can't open the access log \"%s\": %s.", path, strerror(errno));
	return CMD_DONE;
}

/* The files, and what stands before them if anything does. */
static int make_server(struct serve *serve)
{
	const struct weft_http_service *service = weft_http_files_service_for(serve->files);

	serve->server_options.service = service;
	serve->server_options.arg = serve->files;
	serve->server_options.access_log = serve->log;
	if (serve->auth || serve->hsts_days) {
		serve->front = (struct weft_http_service){.authorise = weft__serve_authorise,
			.parent = service,
			.parent_arg = serve->files};
		serve->server_options.service = &serve->front;
		serve->server_options.arg = serve;
	}
	return weft__serve_make_servers(serve);
}

/* A file that may not grow is EFBIG, and an answer, as any other trouble with the disk. */
static void ignore_size_limit(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGXFSZ, &ignore, NULL);
}

/*
 * Where nobody said how many, fewer than there are descriptors: then who has been idle longest
 * makes room for who has just come. When descriptors run out instead, nobody can even be let in.
 * An eighth is for the files that are open.
 */
static void bound_connections(struct serve *serve)
{
	unsigned doors = serve->http.count + serve->https.count; /* each has a bound of its own */
	struct rlimit limit;

	if (serve->model != 0 || serve->server_options.connections_max > 0 ||
		getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > WEFT_FIBERS_MAX ||
		limit.rlim_cur < 2 * DESCRIPTORS_SPARE)
		return;
	serve->server_options.connections_max =
		(unsigned)(limit.rlim_cur - limit.rlim_cur / 8 - DESCRIPTORS_SPARE) / doors;
}

int weft__cmd_serve(int argc, char **argv)
{
	struct serve serve = {.dir = "."};
	int status = weft__serve_take_options(&serve, argc, argv);

	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	weft__cmd_raise_descriptor_limit();
	bound_connections(&serve);
	ignore_size_limit();
	status = open_folder(&serve);
	if (!status)
		status = weft__serve_check_private(&serve);
	if (!status)
		status = open_log(&serve);
	if (!status)
		status = weft__serve_open_tls(&serve);
	if (!status)
		status = weft__serve_open_auth(&serve);
	if (!status)
		status = make_server(&serve);
	if (!status)
		status = weft__cmd_run(NAME, &serve.run, serve_until_stopped, &serve);
	weft__serve_free_servers(&serve);
	weft__serve_close_auth(&serve);
	weft_tls_free(serve.tls);
	weft_http_log_free(serve.log);
	weft_http_files_free(serve.files);
	free(serve.folder);
	return status;
}
