/*
 * control_ask.c - finding the server that is meant, and asking it at its control socket.
 *
 *	--control PATH      that one
 *	--state DIR         the one that has its state there
 *	neither             the one that runs: of the usual state folder, and all in
 *control_path.c's
 *
 * Entry points: weft__control_open(), weft__control_ask().
 *
 * Never: guesses which of several servers is meant.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "account.h"
#include "control.h"
#include "weft/http_client.h"
#include "weft/http_escape.h"
#include "weft/str.h"

/** Of an answer that is collected. */
#define ANSWER_MAX ((size_t)64 << 20)

#define PIECE_SIZE 65536

/** For an answer; and for the question whether somebody is there. */
#define PATIENCE_NS WEFT_SECONDS(30)
#define LOOK_NS     WEFT_SECONDS(2)

/* ---- Finding --------------------------------------------------------------------------------- */

struct found {
	char *paths[CONTROL_FOUND_MAX]; /* real ones */
	unsigned count;
	bool is_refused; /* one is somebody else's */
};

char *weft__control_status(const char *path, int *ret_code)
{
	struct weft_http_fetch_options options = {.unix_path = path, .timeout_ns = LOOK_NS};
	struct weft_http_fetch *fetch = weft_http_get("http://localhost/api/v1/status", &options);
	char *text = NULL;

	*ret_code = fetch ? 0 : errno;
	if (fetch && weft_http_fetch_status(fetch) == 403)
		*ret_code = EACCES;
	else if (fetch && weft_http_fetch_status(fetch) == 200 &&
		 weft_http_fetch_read_all(fetch, ANSWER_MAX, &text) < 0)
		text = NULL;
	weft_http_fetch_free(fetch);
	return text;
}

/* Somebody is there who takes connections. */
static int look(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, code;

	if (strlen(path) >= sizeof(address.sun_path)) {
		char *text = weft__control_status(path, &code);

		free(text);
		return code;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	code = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
	close(fd);
	return code;
}

static void take(struct found *found, const char *path)
{
	char *real = realpath(path, NULL);
	int code = real ? look(real) : errno;

	for (unsigned i = 0; real && i < found->count; i++)
		if (strcmp(found->paths[i], real) == 0)
			code = EEXIST;
	if (code == EACCES)
		found->is_refused = true;
	if (code == 0 && found->count < CONTROL_FOUND_MAX)
		found->paths[found->count++] = real;
	else
		free(real);
}

/* "4711.sock" of a process that is gone: what it has left is nobody's. */
static void take_or_remove(struct found *found, const char *folder, const char *name)
{
	const char *dot = strchr(name, '.');
	char *path = NULL;

	if (weft__control_remove_dead(folder, name) || atol(name) <= 0 || !dot ||
		strcmp(dot, ".sock") != 0 || asprintf(&path, "%s/%s", folder, name) < 0)
		return;
	take(found, path);
	free(path);
}

static void find_all(struct found *found)
{
	char *state = weft__cmd_state_default();
	char *path = state ? weft__control_of_state(state) : NULL;
	char *folder = weft__control_folder(false);
	DIR *dir = folder ? opendir(folder) : NULL;

	if (path)
		take(found, path);
	for (const struct dirent *entry; dir && (entry = readdir(dir));)
		take_or_remove(found, folder, entry->d_name);
	if (dir)
		closedir(dir);
	free(folder);
	free(path);
	free(state);
}

/* ---- Several --------------------------------------------------------------------------------- */

/* "http 127.0.0.1:8080, ftp 127.0.0.1:2121" */
static void print_doors(const json_t *status)
{
	const json_t *door;
	size_t i, printed = 0;

	json_array_foreach(json_object_get(status, "doors"), i, door)
	{
		const char *name = weft__control_text(door, "door");

		if (strcmp(name, "control") != 0)
			fprintf(stderr, "%s%s %s", printed++ ? ", " : "  ", name,
				weft__control_text(door, "address"));
	}
}

static int list_all(const struct control *control, const struct found *found)
{
	int status = weft__cmd_fail(
		control->name, "%u servers run; say which one is meant:", found->count);

	for (unsigned i = 0; i < found->count; i++) {
		int code;
		char *text = weft__control_status(found->paths[i], &code);
		json_t *json = text ? json_loads(text, 0, NULL) : NULL;

		fprintf(stderr, "  --control %s", found->paths[i]);
		print_doors(json);
		fputc('\n', stderr);
		json_decref(json);
		free(text);
	}
	return status;
}

static int choose(struct control *control)
{
	struct found found = {.count = 0};
	int status = CMD_DONE;

	find_all(&found);
	if (found.count == 1)
		control->path = strdup(found.paths[0]);
	else if (found.count > 1)
		status = list_all(control, &found);
	else if (found.is_refused)
		status = weft__cmd_fail(control->name,
			"the server that runs is another user's; ask as that one, or as root.");
	else
		status = weft__cmd_fail(control->name,
			"no server is found that runs: one of another user or with another "
			"state folder is named by --control PATH or --state DIR.");
	for (unsigned i = 0; i < found.count; i++)
		free(found.paths[i]);
	if (!status && !control->path)
		status = weft__cmd_fail(control->name, "%s.", strerror(ENOMEM));
	return status;
}

static char *path_of_state(const struct control *control)
{
	char *state = weft__cmd_state_dir(control->name, control->state, false);
	char *path = state ? weft__control_of_state(state) : NULL;

	free(state);
	return path;
}

int weft__control_open(struct control *control)
{
	int status = CMD_DONE;

	if (control->at && control->state)
		return weft__cmd_usage(control->name, "--control or --state: one of them.");
	if (control->at)
		control->path = strdup(control->at);
	else if (control->state)
		control->path = path_of_state(control);
	else
		status = choose(control);
	if (!status)
		control->client = weft_http_client_new(NULL);
	if (!status && (!control->client || !control->path))
		status = weft__cmd_fail(control->name, "%s.", strerror(ENOMEM));
	return status;
}

void weft__control_close(struct control *control)
{
	weft_http_client_free(control->client);
	free(control->path);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

char *weft__control_target(const char *path, const char *key, const char *value)
{
	struct weft_str target;

	weft_str_init(&target, WEFT_HTTP_URL_MAX);
	weft_str_appendf(&target, "%s?%s=", path, key);
	weft_http_escape_path(&target, value, strlen(value));
	return weft_str_take(&target);
}

static int fail_connect(const struct control *control, const struct weft_http_fault *fault)
{
	struct stat stat_of;

	switch (errno) {
	case ENOENT:
		return weft__cmd_fail(control->name, "there is no server at %s: nothing is there.",
			control->path);
	case ENOTDIR:
		return weft__cmd_fail(control->name,
			"there is no server at %s: a file is where its folder should be.",
			control->path);
	case ECONNREFUSED:
		if (stat(control->path, &stat_of) == 0 && !S_ISSOCK(stat_of.st_mode))
			return weft__cmd_fail(control->name,
				"%s is no socket: a server's is control in its state folder, or "
				"what its --control says.",
				control->path);
		return weft__cmd_fail(
			control->name, "no server listens at %s any more.", control->path);
	case EACCES:
	case EPERM:
		return weft__cmd_fail(control->name,
			"%s is for root and the user that the server runs as.", control->path);
	default:
		return weft__cmd_fail(control->name, "%s: %s", control->path, fault->text);
	}
}

/* What the server says is wrong, a line each. */
static int fail_problem(const struct control *control, int http_status, const char *text)
{
	json_t *problem = text ? json_loads(text, 0, NULL) : NULL;
	const char *detail = weft__control_text(problem, "detail");
	int status = CMD_FAILED;

	if (!detail[0])
		status = weft__cmd_fail(
			control->name, "the server answers with status %d.", http_status);
	while (*detail) {
		int len = (int)strcspn(detail, "\n");

		status = weft__cmd_fail(control->name, "%.*s", len, detail);
		detail += len + (detail[len] == '\n');
	}
	json_decref(problem);
	return status;
}

static int take_parts(const struct control *control, const struct control_question *question,
	struct weft_http_fetch *fetch)
{
	char *piece = malloc(PIECE_SIZE + 1);
	ssize_t len = -1;
	int status = CMD_DONE;

	while (piece && (len = weft_http_fetch_read(fetch, piece, PIECE_SIZE)) > 0) {
		piece[len] = '\0';
		if (question->on_part(piece, (size_t)len, question->arg) < 0) {
			len = 0;
			break;
		}
	}
	if (len < 0)
		status = weft__cmd_fail(control->name, "%s",
			piece ? weft_http_fetch_fault(fetch)->text : strerror(ENOMEM));
	free(piece);
	return status;
}

static int take_answer(const struct control *control, const struct control_question *question,
	struct weft_http_fetch *fetch, char **ret_body)
{
	int http_status = weft_http_fetch_status(fetch);
	char *text = NULL;
	int status = CMD_DONE;

	if (http_status < 300 && question->on_part)
		return take_parts(control, question, fetch);
	if (weft_http_fetch_read_all(fetch, ANSWER_MAX, &text) < 0)
		return weft__cmd_fail(control->name, "%s", weft_http_fetch_fault(fetch)->text);
	if (http_status >= 300)
		status = fail_problem(control, http_status, text);
	if (!status && ret_body)
		*ret_body = text;
	else
		free(text);
	return status;
}

int weft__control_ask(
	struct control *control, const struct control_question *question, char **ret_body)
{
	struct weft_http_fault fault = {.kind = WEFT_HTTP_NO_FAULT};
	const struct weft_http_fetch_options options = {.client = control->client,
		.method = question->method,
		.unix_path = control->path,
		.timeout_ns = question->lasts ? 0 : PATIENCE_NS,
		.stall_timeout_ns = question->lasts ? -1 : 0,
		.redirects_max = -1,
		.ret_fault = &fault};
	struct weft_http_fetch *fetch;
	char *url = NULL;
	int status;

	if (asprintf(&url, "http://localhost%s", question->target) < 0)
		return weft__cmd_fail(control->name, "%s.", strerror(ENOMEM));
	fetch = weft_http_fetch(url, &options);
	free(url);
	if (!fetch)
		return fail_connect(control, &fault);
	status = take_answer(control, question, fetch, ret_body);
	weft_http_fetch_free(fetch);
	return status;
}

int weft__control_ask_json(
	struct control *control, const struct control_question *question, json_t **ret_json)
{
	char *text = NULL;
	int status = weft__control_ask(control, question, &text);

	if (status)
		return status;
	*ret_json = json_loads(text, 0, NULL);
	free(text);
	return *ret_json ? CMD_DONE
			 : weft__cmd_fail(control->name, "the server's answer can't be read.");
}
