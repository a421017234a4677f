/*
 * control.c - what a server answers at its control socket (control.h).
 *
 *	GET  /api/v1/status   how it is                  the same as by the API of accounts
 *	GET  /api/v1/fibers   its fibers
 *	GET  /metrics         for Prometheus
 *	GET  /api/v1/log      what it has logged lately, and goes on to (follow)
 *	POST /api/v1/reload   as SIGHUP, but says what it took up and what was wrong
 *	POST /api/v1/stop     as SIGTERM
 *
 * Never: answers somebody who is neither root nor the server's own user.
 */
#include "control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "op.h"
#include "weft/fiber.h"
#include "weft/http_route.h"
#include "weft/lock.h"
#include "weft/scope.h"
#include "weft/serve.h"
#include "weft/str.h"
#include "weft/unix.h"

/** Lines of the log, where nobody says, and at most. */
#define LINES_DEFAULT 200
#define LINES_MAX     100000

/** Text of them at a time. */
#define LOG_TEXT_MAX ((size_t)4 * HUB_LOG_BYTES_MAX)

/** How often a log that is followed is looked at. */
#define FOLLOW_NS WEFT_MILLISECONDS(100)

/** An empty line goes out so often, which finds out that nobody reads any more. */
#define FOLLOW_BEATS 50

#define METRICS_MAX 262144

struct hub_control {
	struct hub_control_options options;
	uid_t owner; /* when it began: a server that gives up its rights is another one later */
	struct weft_http_router *router;
	struct weft_http_service service;
	struct weft_http_server *server;
	struct weft_listener *listener;
	weft_fiber_id fiber;
	struct weft_lock reloading; /* one at a time */
	atomic_bool is_stopping;
};

/* ---- Answers --------------------------------------------------------------------------------- */

/* Takes the JSON over. */
static int send_json(struct weft_http_response *response, int status, json_t *json)
{
	const char *type = status < 400 ? "application/json" : "application/problem+json";
	char *text = json ? weft__hub_json_print(json) : NULL;
	struct weft_http_content content = {type, text, text ? strlen(text) : 0};
	int result = text ? weft_http_response_send(response, status, &content) : 503;

	free(text);
	json_decref(json);
	return result;
}

static int send_problem(struct weft_http_response *response, int status, const char *detail)
{
	return send_json(response, status,
		json_pack("{s:s, s:i, s:o}", "title", weft_http_status_phrase(status), "status",
			status, "detail", weft__hub_json_text(detail)));
}

static int on_error(struct weft_http_request *request, struct weft_http_response *response,
	const char *why, int status, void *arg)
{
	(void)request;
	(void)arg;
	return send_problem(response, status, why ? why : weft_http_status_phrase(status));
}

/* ---- Who asks -------------------------------------------------------------------------------- */

static int authorise(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const struct hub_control *control = arg;
	struct weft_unix_credentials peer;

	if (weft_unix_peer(weft_http_request_fd(request), &peer) == 0 &&
		(peer.uid == 0 || peer.uid == geteuid() || peer.uid == control->owner))
		return weft_http_response_field(response, "Cache-Control", "no-store");
	weft_http_response_close_after(response);
	return send_problem(response, 403, "this is for root and the user that the server runs as");
}

/* ---- What is asked --------------------------------------------------------------------------- */

/* A whole number of the query, or fallback; -1: it can't be meant. */
static int64_t number_of(
	struct weft_http_request *request, const char *name, int64_t fallback, int64_t max)
{
	const struct weft_http_params *params = weft_http_request_params(request);
	const char *text = params ? weft_http_params_get(params, name, 0) : NULL;
	long long number;
	char *end;

	if (!text)
		return fallback;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno || end == text || *end || text[0] < '0' || text[0] > '9' || number > max)
		return -1;
	return number;
}

static const char *text_of(struct weft_http_request *request, const char *name)
{
	const struct weft_http_params *params = weft_http_request_params(request);

	return params ? weft_http_params_get(params, name, 0) : NULL;
}

static bool is_yes(const char *text)
{
	return text && (strcmp(text, "true") == 0 || text[0] == '\0');
}

static int refuse_query(struct weft_http_response *response)
{
	return send_problem(response, 400, "the query has something in it that can't be meant");
}

/* ---- Looking --------------------------------------------------------------------------------- */

static int show_status(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct hub_control *control = arg;

	(void)request;
	return send_json(response, 200, weft__hub_status_json(control->options.status));
}

static int show_metrics(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct hub_control *control = arg;
	struct weft_http_content content = {.type = "text/plain; version=0.0.4; charset=utf-8"};
	struct weft_str text;
	int result = 503;

	(void)request;
	weft_str_init(&text, METRICS_MAX);
	if (weft__hub_status_all_text(control->options.status, &text) == 0) {
		content.data = weft_str_text(&text);
		content.len = weft_str_len(&text);
		result = weft_http_response_send(response, 200, &content);
	}
	weft_str_fini(&text);
	return result;
}

/* A hub_status_write_fn: the answer begins when there is something to say. */
static int write_piece(const char *text, size_t len, void *arg)
{
	struct weft_http_response *response = arg;

	if (weft_http_response_status(response) == 0 &&
		weft_http_response_begin(response, 200, "application/json", WEFT_HTTP_LEN_UNKNOWN) <
			0)
		return -1;
	return weft_http_response_write(response, text, len);
}

static int show_fibers(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const struct hub_control *control = arg;
	const struct hub_fibers_query query = {.find = text_of(request, "find"),
		.limit = number_of(request, "limit", INT64_MAX, INT64_MAX),
		.forks = weft__hub_status_forks(control->options.status)};

	if (query.limit < 0)
		return refuse_query(response);
	if (weft__hub_status_fibers(&query, write_piece, response) == 0)
		return 0;
	return weft_http_response_status(response) ? -1 : 503;
}

/* ---- The log --------------------------------------------------------------------------------- */

/* What is new; *numbered is the newest that was looked at. Returns as a handler does. */
static int write_log(struct hub_control *control, struct weft_http_response *response,
	struct hub_log_query *query, bool is_beat)
{
	struct weft_str text;
	int result = 0;

	weft_str_init(&text, LOG_TEXT_MAX);
	query->after = weft__hub_log_read(control->options.log, query, &text);
	query->lines_max = LINES_MAX;
	if (is_beat && weft_str_len(&text) == 0)
		weft_str_append_char(&text, '\n');
	if (weft_str_error(&text))
		result = -1;
	else if (weft_str_len(&text) > 0)
		result = weft_http_response_write(
			response, weft_str_text(&text), weft_str_len(&text));
	weft_str_fini(&text);
	return result;
}

static int follow_log(struct hub_control *control, struct weft_http_response *response,
	struct hub_log_query *query)
{
	int result = weft_http_response_flush(response);

	if (query->has_answers)
		weft__hub_log_want_answers(control->options.log, 1);
	for (unsigned beat = 1; result == 0; beat++) {
		bool is_last = weft_http_response_is_stopping(response);

		result = write_log(control, response, query, beat % FOLLOW_BEATS == 0);
		if (result == 0)
			result = weft_http_response_flush(response);
		if (is_last || (result == 0 && weft_sleep(FOLLOW_NS) < 0))
			break;
	}
	if (query->has_answers)
		weft__hub_log_want_answers(control->options.log, -1);
	return result;
}

static int show_log(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct hub_control *control = arg;
	int64_t lines = number_of(request, "lines", LINES_DEFAULT, LINES_MAX);
	const char *level = text_of(request, "level");
	struct hub_log_query query = {.level = WEFT_LOG_DEBUG,
		.has_answers = is_yes(text_of(request, "requests")),
		.lines_max = (unsigned)lines};
	int result;

	if (lines < 0 || (level && weft_log_level_parse(level, &query.level) < 0))
		return refuse_query(response);
	if (weft_http_response_begin(response, 200, "application/x-ndjson", WEFT_HTTP_LEN_UNKNOWN) <
		0)
		return -1;
	result = write_log(control, response, &query, false);
	if (result == 0 && is_yes(text_of(request, "follow")))
		result = follow_log(control, response, &query);
	return result;
}

/* ---- Telling --------------------------------------------------------------------------------- */

/* An array of lines. */
static json_t *list_lines(const char *text)
{
	json_t *lines = json_array();

	while (*text) {
		size_t len = strcspn(text, "\n");
		char *line = strndup(text, len);

		json_array_append_new(lines, weft__hub_json_text(line ? line : ""));
		free(line);
		text += len + (text[len] == '\n');
	}
	return lines;
}

static int reload(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct hub_control *control = arg;
	struct weft_str faults, told;
	int result, done;

	(void)request;
	if (weft_lock_acquire(&control->reloading) < 0)
		return -1;
	weft_str_init(&faults, HUB_CONTROL_BODY_MAX * 16);
	weft_str_init(&told, HUB_CONTROL_BODY_MAX * 16);
	done = control->options.reload(control->options.arg, &faults, &told);
	weft_lock_release(&control->reloading);
	weft__hub_log_note(control->options.log, done < 0 ? WEFT_LOG_ERROR : WEFT_LOG_INFO,
		done < 0 ? "reload: not all of it could be taken up"
			 : "reload: what has changed is taken up");
	result = send_json(response, done < 0 ? 422 : 200,
		done < 0 ? json_pack("{s:s, s:i, s:o, s:o}", "title", weft_http_status_phrase(422),
				   "status", 422, "detail",
				   weft__hub_json_text(weft_str_text(&faults)), "told",
				   list_lines(weft_str_text(&told)))
			 : json_pack("{s:b, s:o}", "reloaded", 1, "told",
				   list_lines(weft_str_text(&told))));
	weft_str_fini(&told);
	weft_str_fini(&faults);
	return result;
}

/* It is out before anything stops. */
static int tell_stop(struct weft_http_response *response, bool now)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "{\"pid\":%d,\"now\":%s}\n", (int)getpid(),
		now ? "true" : "false");

	weft_http_response_close_after(response);
	if (weft_http_response_begin(response, 202, "application/json", len) < 0 ||
		weft_http_response_write(response, text, (size_t)len) < 0)
		return -1;
	return weft_http_response_flush(response);
}

static int stop(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct hub_control *control = arg;
	bool now = is_yes(text_of(request, "now"));

	if (tell_stop(response, now) < 0)
		return -1;
	if (now || !atomic_exchange(&control->is_stopping, true)) {
		weft__hub_log_note(control->options.log, WEFT_LOG_INFO,
			now ? "stop: told to, at once" : "stop: told to");
		control->options.stop(control->options.arg, now);
	}
	return 0;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static const struct weft_http_service service = {.authorise = authorise, .on_error = on_error};

static int add_routes(struct hub_control *control)
{
	const struct weft_http_route routes[] = {
		{.methods = "GET", .pattern = HUB_API_PREFIX "/status", .handler = show_status},
		{.methods = "GET", .pattern = HUB_API_PREFIX "/fibers", .handler = show_fibers},
		{.methods = "GET", .pattern = HUB_API_PREFIX "/log", .handler = show_log},
		{.methods = "GET", .pattern = "/metrics", .handler = show_metrics},
		{.methods = "POST", .pattern = HUB_API_PREFIX "/reload", .handler = reload},
		{.methods = "POST", .pattern = HUB_API_PREFIX "/stop", .handler = stop},
	};

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		struct weft_http_route route = routes[i];

		route.arg = control;
		route.body_max = HUB_CONTROL_BODY_MAX;
		if (weft_http_router_add(control->router, &route) < 0)
			return -1;
	}
	return 0;
}

struct hub_control *weft__hub_control_new(const struct hub_control_options *options)
{
	struct hub_control *control = calloc(1, sizeof(*control));

	if (!control)
		return NULL;
	control->options = *options;
	control->owner = geteuid();
	weft_lock_init(&control->reloading, "reload");
	control->router = weft_http_router_new();
	if (!control->router || add_routes(control) < 0)
		goto fail;
	control->service = service;
	control->service.parent = &weft_http_router_service;
	control->service.parent_arg = control->router;
	control->server = weft_http_server_new(
		&(struct weft_http_server_options){.service = &control->service,
			.arg = control,
			.connections_max = HUB_CONTROL_CONNECTIONS_MAX,
			.body_max = HUB_CONTROL_BODY_MAX,
			.header_timeout_ns = HUB_CONTROL_PATIENCE_NS,
			.body_timeout_ns = HUB_CONTROL_PATIENCE_NS,
			.grace_ns = HUB_CONTROL_PATIENCE_NS});
	if (!control->server)
		goto fail;
	return control;

fail:
	weft__hub_control_free(control);
	errno = ENOMEM;
	return NULL;
}

void weft__hub_control_free(struct hub_control *control)
{
	if (!control)
		return;
	weft_listener_free(control->listener);
	weft_http_server_free(control->server);
	weft_http_router_free(control->router);
	free(control);
}

static int serve(void *arg)
{
	struct hub_control *control = arg;

	return weft_http_server_run(control->server, control->listener);
}

int weft__hub_control_begin(struct hub_control *control, const char *path)
{
	const struct weft_spawn_options options = {.name = "control"};
	char *address = NULL;
	int saved;

	if (asprintf(&address, "unix:%s", path) < 0)
		return -1;
	control->listener =
		weft_listener_new(address, &(struct weft_listener_options){.unix_mode = 0600});
	saved = errno;
	free(address);
	errno = saved;
	if (!control->listener)
		return -1;
	weft_listener_set_name(control->listener, "control");
	control->fiber = weft_spawn_with(&options, serve, control);
	if (control->fiber)
		return 0;
	saved = errno;
	weft_listener_free(control->listener);
	control->listener = NULL;
	errno = saved;
	return -1;
}

struct weft_listener *weft__hub_control_listener(const struct hub_control *control)
{
	return control->listener;
}

void weft__hub_control_end(struct hub_control *control)
{
	if (!control || !control->fiber)
		return;
	weft_http_server_stop(control->server);
	WEFT_SHIELDED
		weft_join(control->fiber, NULL, WEFT_FOREVER);
	control->fiber = 0;
}
