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
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "options.h"
#include "weft/ledger.h"
#include "weft/manager.h"

/** What a server holds besides connections and files: listeners, the kernel's pollers, the log. */
#define DESCRIPTORS_SPARE 32

/* ---- Serving -------------------------------------------------------------------------------- */

static void stop(void *arg)
{
	struct serve *serve = arg;

	if (!serve->is_json && isatty(STDOUT_FILENO))
		puts("\nStopping; downloads under way are finished first. Ctrl-C ends them.");
	fflush(stdout);
	weft_manager_tell("STOPPING=1");
	weft__serve_stop(serve);
}

/* Whoever waits for that, systemd say, may go on; and stop the server that was here before. */
static void say_ready(void)
{
	if (weft_manager_tell("READY=1") < 0)
		weft__cmd_fail(NAME, "can't tell the service manager: %s.", strerror(errno));
}

/*
 * The doors are open. Who comes is served before the first administrator has a password, whose hash
 * takes its time; and then all is told at once.
 */
static int serve_and_tell(struct serve *serve)
{
	int status = weft__serve_start_doors(serve), ended;

	if (!status)
		status = weft__serve_first_run(serve);
	if (!status) {
		weft__serve_print_facts(serve);
		say_ready();
	} else {
		weft__serve_stop(serve);
	}
	ended = weft__serve_join_doors(serve);
	return status ? status : ended;
}

static int serve_with_signals(struct serve *serve)
{
	weft_fiber_id stopper = weft__cmd_on_stop(stop, serve);
	weft_fiber_id reloader = stopper ? weft__serve_on_hangup(serve) : 0;
	int status;

	if (reloader) {
		status = serve_and_tell(serve);
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
	int status = weft__serve_chat_open(serve);

	if (!status)
		status = weft__serve_open_doors(serve);
	if (!status)
		status = weft__serve_page_start(serve);
	if (!status)
		status = weft__serve_begin_accounts(serve);
	if (!status)
		status = weft__serve_announce_begin(serve);
	if (!status)
		status = weft__serve_make_reloader(serve);
	if (!status)
		status = weft__serve_control_begin(serve, stop);
	if (!status)
		status = weft__serve_confine_calls(serve);
	if (!status) {
		weft__serve_tidy_begin(serve);
		weft__serve_recount_begin(serve);
		weft__serve_disk_begin(serve);
		status = serve_with_signals(serve);
		weft__serve_disk_end(serve);
		weft__serve_recount_end(serve);
		weft__serve_tidy_end(serve);
	}
	weft__serve_control_end(serve);
	weft__serve_free_reloader(serve);
	weft__serve_announce_end(serve);
	weft__serve_end_accounts(serve);
	weft__serve_close_doors(serve);
	weft__serve_chat_close(serve);
	return status;
}

/* ---- Setting up ---------------------------------------------------------------------------------
 */

/*
 * One engine for all doors: what one of them puts the others replace by the same rules, and go on
 * with. By HTTP alone, without accounts, the files have one of their own if they need any.
 */
static int open_engine(struct serve *serve)
{
	struct weft_http_files_options *files = &serve->files_options;
	const struct weft_files_options options = {.shows_hidden = files->shows_hidden,
		/* A link could lead to where a visitor's rights are others. */
		.follows_links = !files->visitor && files->links != WEFT_HTTP_LINKS_NONE,
		.file_max = files->upload_max,
		.trash_keep_ns = files->trash_keep_ns,
		.freed = weft__serve_note_freed,
		.carrier = &weft__serve_carrier,
		.arg = serve};

	if (!files->visitor && serve->ftp.plain.count + serve->ftp.implicit.count == 0 &&
		!weft__serve_chat_has_door(serve))
		return 0;
	files->engine = serve->engine = weft_files_new(serve->dir, &options);
	return serve->engine ? 0 : -1;
}

static int fail_folder(const struct serve *serve)
{
	switch (errno) {
	case ENOENT:
		return weft__cmd_fail(NAME, "there is no folder \"%s\".", serve->dir);
	case ENOTDIR:
		return weft__cmd_fail(NAME, "%s is not a folder.", serve->dir);
	case ENOSYS:
		return weft__cmd_fail(NAME,
			"openat2(2) is not to be had: the kernel is older than Linux 5.6, or a "
			"filter refuses it (RestrictSUIDSGID= of systemd, say).");
	default:
		return weft__cmd_fail(NAME, "can't open %s: %s.", serve->dir, strerror(errno));
	}
}

/* Whether it is there. */
int weft__serve_open_folder(struct serve *serve)
{
	int fd = open(serve->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), status;

	if (fd >= 0) {
		close(fd);
		serve->folder = realpath(serve->dir, NULL);
	}
	weft__settings_blame_key("dir");
	status = serve->folder ? CMD_DONE : fail_folder(serve);
	weft__settings_blame_key(NULL);
	return status;
}

/* After the accounts: what has expired since goes at once, and is credited. */
static int open_files(struct serve *serve)
{
	if (open_engine(serve) == 0)
		serve->files = weft_http_files_new(serve->dir, &serve->files_options);
	return serve->files ? CMD_DONE : fail_folder(serve);
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
	if (serve->log)
		return CMD_DONE;
	weft__settings_blame_key("access-log");
	weft__cmd_fail(NAME, "can't open the access log \"%s\": %s.", path, strerror(errno));
	weft__settings_blame_key(NULL);
	return CMD_FAILED;
}

/* The files, and what stands before them if anything does. */
static int make_server(struct serve *serve)
{
	const struct weft_http_service *service = weft_http_files_service_for(serve->files);

	if (serve->per_host && !(serve->ledger = weft_ledger_new(serve->per_host)))
		return weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	serve->server_options.ledger = serve->ledger;

	serve->server_options.service = service;
	serve->server_options.arg = serve->files;
	serve->server_options.access_log = serve->log;
	if (serve->accounts) {
		int status = weft__serve_front_accounts(serve, service, serve->files);

		if (status)
			return status;
	} else if (serve->chat.has_web || serve->has_page) {
		int status = weft__serve_page_front(serve, service);

		if (status)
			return status;
	} else if (serve->auth || serve->hsts_days) {
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
	/* Each has a bound of its own; a session of FTP has a data connection and a file, too. */
	unsigned doors = serve->http.count + serve->https.count +
			 3 * (serve->ftp.plain.count + serve->ftp.implicit.count) +
			 serve->chat.plain.count + serve->chat.by_tls.count;
	struct rlimit limit;

	if (serve->model != 0 || serve->server_options.connections_max > 0 ||
		getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > WEFT_FIBERS_MAX ||
		limit.rlim_cur < 2 * DESCRIPTORS_SPARE)
		return;
	serve->server_options.connections_max =
		(unsigned)(limit.rlim_cur - limit.rlim_cur / 8 - DESCRIPTORS_SPARE) / doors;
	/* Sessions of FTP make no room for others: so nobody takes all of them. */
	if (!serve->per_host)
		serve->ftp.options.connections_per_client =
			serve->server_options.connections_max / SERVE_FTP_SHARE + 1;
}

int weft__cmd_serve(int argc, char **argv)
{
	struct serve serve = {.dir = "."};
	int status = weft__serve_take_options(&serve, argc, argv);

	if (status) {
		weft__settings_fini(&serve.settings);
		return status == CMD_HELPED ? CMD_DONE : status;
	}
	weft__settings_blame(&serve.settings);
	weft__cmd_raise_descriptor_limit();
	bound_connections(&serve);
	ignore_size_limit();
	/* What is shared is looked at before anything is written. */
	status = weft__serve_be_user(&serve);
	if (!status)
		status = weft__serve_open_folder(&serve);
	if (!status)
		status = weft__serve_check_state(&serve);
	if (!status)
		status = weft__serve_control_open(&serve);
	if (!status)
		status = weft__serve_confine_files(&serve);
	if (!status)
		status = weft__serve_open_accounts(&serve);
	if (!status && !serve.accounts)
		status = weft__serve_check_private(&serve);
	if (!status)
		status = open_files(&serve);
	if (!status)
		status = open_log(&serve);
	if (!status)
		status = weft__serve_make_certificate(&serve);
	if (!status)
		status = weft__serve_open_tls(&serve);
	weft__settings_blame_key("auth-file");
	if (!status)
		status = weft__serve_open_auth(&serve);
	weft__settings_blame_key(NULL);
	if (!status) {
		weft__serve_warn(&serve);
		status = make_server(&serve);
		if (!status)
			status = weft__serve_ftp_open(&serve);
	}
	if (!status)
		status = weft__cmd_run(NAME, &serve.run, serve_until_stopped, &serve);
	weft__serve_free_servers(&serve);
	weft__serve_page_free(&serve);
	weft__serve_chat_web_free(&serve);
	weft__serve_ftp_close(&serve);
	weft_ledger_free(serve.ledger);
	weft__serve_close_auth(&serve);
	weft_tls_free(serve.tls);
	weft_http_log_free(serve.log);
	weft_http_files_free(serve.files);
	weft_files_free(serve.engine);
	weft__serve_close_accounts(&serve);
	weft__serve_unconfine(&serve);
	weft__serve_control_close(&serve);
	free(serve.folder);
	free(serve.own_certificate);
	weft__settings_blame(NULL);
	weft__settings_fini(&serve.settings);
	return status;
}
