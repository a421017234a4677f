/*
 * serve_control.c - the control socket of `weft serve`, and what is counted for it: it joins the
 * doors, the servers and the log with ../hub/status.h and ../hub/control.h.
 *
 *	open    before anything is counted       begin   the doors are open
 *	close   nothing counts any more          end     before they are closed
 *
 * Entry points: weft__serve_control_open(), weft__serve_control_begin().
 *
 * Never: keeps a server from starting because there is no place for a socket that nobody asked
 * for.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../hub/chat.h"
#include "../hub/control.h"
#include "control.h"
#include "serve.h"
#include "weft/fiber.h"
#include "weft/str.h"
#include "weft/transfer.h"

/** Of what went wrong with a reload. */
#define FAULTS_MAX 16384

struct serve_control {
	struct serve *serve;
	struct hub_status *status;
	struct hub_log *log;
	struct hub_control *control; /* NULL: there is no socket */
	struct weft_transfers *transfers;
	char *path, *link; /* of the socket; a name that leads there; NULL: none */
	void (*stop)(void *arg);
	struct hub_status_door doors[SERVE_DOORS_MAX + 1];
	unsigned door_count;
	char page[SERVE_URL_SIZE];
};

/* Who reloads collects what its own thread complains of. */
static __thread struct weft_str *complaints;

/* ---- The log --------------------------------------------------------------------------------- */

/* What the server says on stderr is a line of its log. */
static void take_complaint(const char *line, void *arg)
{
	struct serve_control *own = arg;

	weft__hub_log_note(own->log, WEFT_LOG_WARN, line);
	if (complaints)
		weft_str_appendf(complaints, "%s%s", weft_str_len(complaints) ? "\n" : "", line);
}

/* ---- What it is told ------------------------------------------------------------------------- */

static int reload(void *arg, struct weft_str *ret_faults, struct weft_str *ret_told)
{
	struct serve_control *own = arg;

	return weft__serve_reload_now(own->serve, ret_faults, ret_told);
}

struct weft_str *weft__serve_collect_complaints(struct weft_str *text)
{
	struct weft_str *before = complaints;

	complaints = text;
	return before;
}

/* As a second Ctrl-C does it; but a socket is no use to anybody then. */
static void stop(void *arg, bool now)
{
	struct serve_control *own = arg;

	if (!now) {
		own->stop(own->serve);
		return;
	}
	if (own->link)
		unlink(own->link);
	unlink(own->path);
	_exit(CMD_DONE);
}

/* ---- Before and after ------------------------------------------------------------------------ */

int weft__serve_control_open(struct serve *serve)
{
	struct serve_control *own = calloc(1, sizeof(*own));
	struct weft_http_server_options *options = &serve->server_options;

	serve->control = own;
	if (!own)
		goto fail;
	weft__control_sweep(); /* before it is confined to its own */
	own->serve = serve;
	own->status = weft__hub_status_new();
	own->log = weft__hub_log_new();
	own->transfers = weft_transfers_new();
	serve->metrics = weft_http_metrics_new();
	if (!own->status || !own->log || !own->transfers || !serve->metrics)
		goto fail;
	options->metrics = serve->metrics;
	options->transfers = own->transfers;
	serve->ftp.options.transfers = own->transfers;
	options->on_answer = weft__hub_log_answer;
	options->on_answer_arg = own->log;
	weft_http_metrics_add_text(serve->metrics, weft__hub_status_text, own->status);
	weft_logger_set_tap(weft_logger_default(), weft__hub_log_tap, own->log);
	weft__cmd_listen_to(take_complaint, own);
	return CMD_DONE;

fail:
	return weft__cmd_fail(NAME, "can't start: %s.", strerror(ENOMEM));
}

void weft__serve_control_close(struct serve *serve)
{
	struct serve_control *own = serve->control;

	if (!own)
		return;
	weft__cmd_listen_to(NULL, NULL);
	weft_logger_set_tap(weft_logger_default(), NULL, NULL);
	weft_http_metrics_free(serve->metrics);
	weft_transfers_free(own->transfers);
	weft__hub_log_free(own->log);
	weft__hub_status_free(own->status);
	free(own);
	serve->control = NULL;
}

struct hub_status *weft__serve_status_of(const struct serve *serve)
{
	return serve->control ? serve->control->status : NULL;
}

struct hub_log *weft__serve_log_of(const struct serve *serve)
{
	return serve->control->log;
}

/* ---- The socket ------------------------------------------------------------------------------ */

static bool listens_at(struct serve_control *own, char *path)
{
	if (!path)
		return false;
	own->path = path;
	if (weft__hub_control_begin(own->control, path) == 0)
		return true;
	own->path = NULL;
	return false;
}

/* Among the others of this user, by the process. NULL: there is no such place. */
static char *name_of_process(void)
{
	char *folder = weft__control_folder(true);
	char *path = folder ? weft__control_of_process(folder, getpid()) : NULL;

	free(folder);
	return path;
}

/* It leads to the one in the state folder, for who does not know that. */
static void make_link(struct serve_control *own)
{
	char *target = realpath(own->path, NULL);

	own->link = name_of_process();
	if (own->link)
		unlink(own->link); /* of a process that had this number, and was killed */
	if (!own->link || !target || symlink(target, own->link) < 0) {
		free(own->link);
		own->link = NULL;
	}
	free(target);
}

/* Where nobody has said: what there is no place for is no reason not to serve. */
static void listen_by_default(struct serve_control *own)
{
	const char *dir = weft__serve_state_dir(own->serve);
	char *path = dir ? weft__control_of_state(dir) : NULL;

	if (listens_at(own, path)) {
		make_link(own);
		return;
	}
	free(path);
	path = name_of_process();
	if (!listens_at(own, path))
		free(path);
}

static int open_socket(struct serve_control *own)
{
	const char *at = own->serve->control_at;
	char *path;

	if (at && strcmp(at, "none") == 0)
		return CMD_DONE;
	own->control = weft__hub_control_new(&(struct hub_control_options){.status = own->status,
		.log = own->log,
		.stop = stop,
		.reload = reload,
		.arg = own});
	if (!own->control)
		return weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	if (!at) {
		listen_by_default(own);
		return CMD_DONE;
	}
	path = strdup(at);
	if (listens_at(own, path)) {
		make_link(own);
		return CMD_DONE;
	}
	free(path);
	if (errno == EADDRINUSE)
		return weft__cmd_fail(NAME,
			"--control %s: another server listens there, or it is no socket.", at);
	return weft__cmd_fail(NAME, "--control %s: %s.", at, strerror(errno));
}

static void add_door(struct serve_control *own, const char *name, struct weft_listener *listener)
{
	struct hub_status_door *door = &own->doors[own->door_count++];

	door->name = name;
	door->listener = listener;
	weft_address_print(weft_listener_address(listener), door->address, sizeof(door->address));
}

int weft__serve_control_begin(struct serve *serve, void (*stop_serving)(void *arg))
{
	struct serve_control *own = serve->control;
	struct hub_status_sources sources = {.model = weft_serve_model_at(serve->model),
		.http = serve->metrics,
		.ftp = serve->ftp.server,
		.transfers = own->transfers,
		.files = weft_http_files_engine(serve->files),
		.doors = own->doors};
	int status;

	own->stop = stop_serving;
	status = open_socket(own);
	if (status)
		return status;
	for (unsigned i = 0; i < serve->door_count; i++)
		add_door(
			own, weft__serve_door_name(serve->doors[i].kind), serve->doors[i].listener);
	if (own->control && weft__hub_control_listener(own->control))
		add_door(own, "control", weft__hub_control_listener(own->control));
	sources.door_count = own->door_count;
	if (weft__serve_page_url(serve, own->page))
		sources.page = own->page;
	if (serve->chat.chat)
		sources.rooms = weft__hub_chat_rooms(serve->chat.chat);
	if (weft__hub_status_begin(own->status, &sources) < 0)
		return weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	weft__hub_log_note(own->log, WEFT_LOG_INFO, "serving");
	return CMD_DONE;
}

void weft__serve_control_end(struct serve *serve)
{
	struct serve_control *own = serve->control;

	if (!own)
		return;
	if (own->link)
		unlink(own->link);
	weft__hub_control_end(own->control);
	weft__hub_status_end(own->status);
	weft__hub_control_free(own->control);
	own->control = NULL;
	own->door_count = 0;
	free(own->link);
	free(own->path);
	own->link = own->path = NULL;
}
