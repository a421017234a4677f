/*
 * account_api.c - the door by HTTP of the operations on accounts (account_api.h).
 *
 *	request --> who asks? --> a page of another site? --> args of path, query, body
 *	        --> fit the table? --> the operation --> JSON, a table, a file, or a problem
 *
 * Never: an answer that a cache may keep.
 */
#include "account_api.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "api_talk.h"
#include "weft/file.h"
#include "weft/http_auth.h"
#include "weft/rate.h"
#include "weft/scope.h"

#define REALM "weft"

/** What a file is sent by. */
#define PIECE 16384

/** How the names of copies of the database begin. */
#define COPY_NAME ".copy-"

/** A route of the router: its handler's arg. */
struct bound {
	struct hub_account_api *api;
	const struct hub_op *op;
};

struct hub_account_api {
	struct weft_accounts *accounts;
	const char *dir;
	struct hub_status *status;
	struct weft_files *files;
	hub_visit_fn *visit;
	struct weft_rate *rate;
	struct weft_http_router *router;
	struct weft_http_service service;
	struct bound *bounds;
};

/* ---- Answers ------------------------------------------------------------------------------ */

static int send_json(
	struct weft_http_response *response, int status, const char *type, const json_t *json)
{
	char *text = json ? weft__hub_json_print(json) : NULL;
	struct weft_http_content content = {type, text, text ? strlen(text) : 0};
	int result;

	if (!text)
		return json ? -1 : weft_http_response_send(response, status, NULL);
	result = weft_http_response_send(response, status, &content);
	explicit_bzero(text, content.len);
	free(text);
	return result;
}

static int send_wait(struct weft_http_response *response, int64_t wait_ns)
{
	char seconds[24];

	snprintf(seconds, sizeof(seconds), "%lld", (long long)(wait_ns / WEFT_SECONDS(1)) + 1);
	return weft_http_response_field(response, "Retry-After", seconds);
}

static int send_problem(struct hub_talk *talk)
{
	struct hub_ask *ask = &talk->ask;
	bool has_sent = weft_http_request_field(talk->request, "Authorization").data;

	if (ask->status == 401 && weft_http_response_ask_bearer(talk->response, REALM,
					  has_sent ? "invalid_token" : NULL) < 0)
		return -1;
	if (ask->wait_ns > 0 && send_wait(talk->response, ask->wait_ns) < 0)
		return -1;
	if (!ask->result) /* no memory for it */
		return ask->status;
	return send_json(talk->response, ask->status, "application/problem+json", ask->result);
}

int weft__hub_talk_refuse(struct hub_talk *talk, int status, const char *word, const char *detail)
{
	weft__hub_ask_refuse(&talk->ask, status, word, detail);
	return send_problem(talk);
}

/* The server's own: no such address, no such method, a head that can't be read. */
static int on_error(struct weft_http_request *request, struct weft_http_response *response,
	const char *why, int status, void *arg)
{
	struct hub_ask ask = {.status = status};
	int result;

	(void)request;
	(void)arg;
	weft__hub_ask_refuse(&ask, status, "", why ? why : weft_http_status_phrase(status));
	result = send_json(response, status, "application/problem+json", ask.result);
	weft__hub_ask_fini(&ask);
	return result;
}

/* ---- Before all of them ------------------------------------------------------------------- */

/* What names the client: its address, or of IPv6 the half that is a household's. 0: it has none. */
static size_t client_of(const char *client, struct in6_addr *ret_address)
{
	char address[INET6_ADDRSTRLEN];

	/* fe80::1%eth0 */
	snprintf(address, sizeof(address), "%.*s", (int)strcspn(client, "%"), client);
	if (inet_pton(AF_INET, address, ret_address) == 1)
		return sizeof(struct in_addr);
	return inet_pton(AF_INET6, address, ret_address) == 1 ? 8 : 0;
}

static int before(struct weft_http_request *request, struct weft_http_response *response,
	struct weft_http_next *next, void *arg)
{
	struct hub_account_api *api = arg;
	struct in6_addr client;
	size_t len = client_of(weft_http_request_client(request), &client);
	int64_t wait_ns = len ? weft_rate_take(api->rate, &client, len, weft_now()) : 0;

	if (weft_http_response_field(response, "Cache-Control", "no-store") < 0 ||
		weft_http_response_field(response, "X-Content-Type-Options", "nosniff") < 0)
		return -1;
	if (wait_ns > 0)
		return send_wait(response, wait_ns) < 0 ? -1 : 429;
	return weft_http_next(next);
}

/* ---- Doing it ----------------------------------------------------------------------------- */

/* A weft_account_write_fn: the answer begins with the first piece, when it is sure to come. */
static int write_pieces(const char *text, size_t len, void *arg)
{
	struct hub_talk *talk = arg;
	bool is_json = talk->op->flags & HUB_GIVES_JSON;

	if (!talk->has_begun) {
		if ((!is_json && weft_http_response_field(talk->response, "Content-Disposition",
					 "attachment; filename=\"accounts.csv\"") < 0) ||
			weft_http_response_begin(talk->response, 200,
				is_json ? "application/json" : "text/csv; charset=utf-8",
				WEFT_HTTP_LEN_UNKNOWN) < 0)
			return -1;
		talk->has_begun = true;
	}
	return weft_http_response_write(talk->response, text, len);
}

static int send_pieces(struct hub_talk *talk, struct weft_file *file)
{
	char *piece = malloc(PIECE);
	int64_t size = weft_file_size(file);
	ssize_t count = -1;

	if (piece && size >= 0 &&
		weft_http_response_begin(talk->response, 200, "application/vnd.sqlite3", size) == 0)
		while ((count = weft_file_read(file, piece, PIECE)) > 0 &&
			weft_http_response_write(talk->response, piece, (size_t)count) == 0)
			continue;
	free(piece);
	return count == 0 ? 0 : -1;
}

/* A copy of the database has a name for as long as it takes to open it. */
static int answer_file(struct hub_talk *talk)
{
	struct weft_file *file = NULL;
	char *path = NULL;
	int result;

	if (asprintf(&path, "%s/" COPY_NAME "%08x%08x", talk->api->dir, (unsigned)weft_random(),
		    (unsigned)weft_random()) < 0)
		return 503;
	talk->ask.path = path;
	if (weft__hub_op_run(talk->op, &talk->ask) < 0) {
		free(path);
		return send_problem(talk);
	}
	file = weft_file_open(path, "r");
	WEFT_SHIELDED
		unlink(path);
	free(path);
	if (!file)
		return weft_http_status_of_errno(errno);
	result = send_pieces(talk, file);
	weft_file_close(file);
	return result;
}

static int set_cookie(struct hub_talk *talk)
{
	bool stays = weft__hub_flag(&talk->ask, "remember");

	if (talk->ask.session[0])
		return weft__hub_cookie_set(talk->response, talk->request, talk->ask.session,
			stays ? HUB_API_REMEMBER_S : 0);
	if (talk->ask.ends_session && talk->asker.cookie[0])
		return weft__hub_cookie_set(talk->response, talk->request, "", 0);
	return 0;
}

static int answer(struct hub_talk *talk)
{
	struct hub_ask *ask = &talk->ask;

	if (talk->op->flags & HUB_GIVES_FILE)
		return answer_file(talk);
	ask->write = write_pieces;
	ask->write_arg = talk;
	if (weft__hub_op_run(talk->op, ask) < 0)
		return talk->has_begun ? -1 : send_problem(talk);
	if (talk->has_begun)
		return 0;
	if (set_cookie(talk) < 0)
		return -1;
	return send_json(talk->response, ask->status, "application/json", ask->result);
}

/* What a session is called in a list: printable, and as long as a label may be. */
static void take_label(struct hub_talk *talk, char label[WEFT_ACCOUNT_LABEL_MAX + 1])
{
	struct weft_http_text agent = weft_http_request_field(talk->request, "User-Agent");
	size_t len = agent.data ? agent.len : 0;

	if (len > WEFT_ACCOUNT_LABEL_MAX)
		len = WEFT_ACCOUNT_LABEL_MAX;
	for (size_t i = 0; i < len; i++)
		label[i] = agent.data[i] >= 0x20 && agent.data[i] < 0x7f ? agent.data[i] : '?';
	label[len] = '\0';
	talk->ask.label = label;
}

static int handle(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const struct bound *bound = arg;
	char label[WEFT_ACCOUNT_LABEL_MAX + 1];
	struct hub_talk talk = {.api = bound->api,
		.op = bound->op,
		.request = request,
		.response = response,
		.ask = {.accounts = bound->api->accounts,
			.status_of = bound->api->status,
			.files = bound->api->files,
			.visit = bound->api->visit}};
	int result;

	take_label(&talk, label);
	result = weft__hub_talk_let_in(&talk);
	if (result == 1)
		result = weft__hub_talk_take_args(&talk);
	if (result == 1)
		result = answer(&talk);
	weft__hub_ask_fini(&talk.ask);
	weft__hub_asker_fini(&talk.asker);
	json_decref(talk.args);
	if (talk.body)
		explicit_bzero(talk.body, talk.len);
	free(talk.body);
	return result;
}

/* ---- Copies that are left ----------------------------------------------------------------- */

/* Who was killed while it sent one has left all hashes behind. An hour is more than a copy takes.
 */
static void remove_copies(const char *dir)
{
	DIR *folder = opendir(dir);
	const struct dirent *entry;
	struct stat stat_of;

	while (folder && (entry = readdir(folder)))
		if (strncmp(entry->d_name, COPY_NAME, sizeof(COPY_NAME) - 1) == 0 &&
			fstatat(dirfd(folder), entry->d_name, &stat_of, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(stat_of.st_mode) && stat_of.st_mtime < time(NULL) - 3600)
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
}

/* ---- Life --------------------------------------------------------------------------------- */

static int add_routes(struct hub_account_api *api)
{
	size_t count = 0;

	while (weft__hub_ops[count].id)
		count++;
	api->bounds = calloc(count + 1, sizeof(*api->bounds));
	if (!api->bounds)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct hub_op *op = &weft__hub_ops[i];
		const struct weft_http_route route = {.methods = op->method,
			.pattern = op->path,
			.handler = handle,
			.arg = &api->bounds[i],
			.body_max = op->flags & HUB_TAKES_CSV ? WEFT_ACCOUNT_IMPORT_LEN_MAX
							      : HUB_API_BODY_MAX};

		api->bounds[i] = (struct bound){api, op};
		if (!(op->flags & HUB_LOCAL) && weft_http_router_add(api->router, &route) < 0)
			return -1;
	}
	return 0;
}

struct hub_account_api *weft__hub_api_new(const struct hub_account_api_options *options)
{
	struct hub_account_api *api = calloc(1, sizeof(*api));
	unsigned burst = options->rate_burst ? options->rate_burst : HUB_API_BURST;
	const struct weft_rate_options rate = {
		.per_second = (double)burst * HUB_API_RATE / HUB_API_BURST, .burst = burst};

	if (!api)
		return NULL;
	api->accounts = options->accounts;
	api->dir = options->dir;
	api->status = options->status;
	api->files = options->files;
	api->visit = options->visit;
	remove_copies(api->dir);
	api->rate = weft_rate_new(&rate);
	api->router = weft_http_router_new();
	if (!api->rate || !api->router || add_routes(api) < 0 ||
		weft_http_router_use(api->router, before, api) < 0)
		goto fail;
	api->service = (struct weft_http_service){.on_error = on_error,
		.parent = &weft_http_router_service,
		.parent_arg = api->router};
	return api;

fail:
	weft__hub_api_free(api);
	errno = ENOMEM;
	return NULL;
}

void weft__hub_api_free(struct hub_account_api *api)
{
	if (!api)
		return;
	weft_http_router_free(api->router);
	weft_rate_free(api->rate);
	free(api->bounds);
	free(api);
}

int weft__hub_api_mount(struct hub_account_api *api, struct weft_http_router *router)
{
	return weft_http_router_mount(router, HUB_API_PREFIX, &api->service, api);
}

/* ---- Memory ------------------------------------------------------------------------------- */

static void free_wiped(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

void weft__hub_json_wipe(void)
{
	json_set_alloc_funcs(malloc, free_wiped);
}
