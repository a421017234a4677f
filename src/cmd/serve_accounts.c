/*
 * serve_accounts.c - the accounts of `weft serve --state DIR`: their life, their options, their
 * API.
 *
 *	/api/v1/...   --> the API (../hub/account_api.h), which asks who it is itself
 *	all else      --> serve_attend.c: who is it? --> the files, with that person's rights
 *
 * Who has not logged in is a stranger, whose rights are granted as everybody's: reading, unless
 * somebody has said otherwise (`weft account grant set role:stranger ...`).
 *
 * Entry points: weft__serve_open_accounts(), weft__serve_front_accounts().
 *
 * Never: lets a password go anywhere but to the person at the first start.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../hub/page.h"
#include "account.h"
#include "serve_accounts.h"
#include "weft/files_carry.h"

/* ---- Opening ------------------------------------------------------------------------------ */

static int fail_open(const struct serve_accounts *own)
{
	if (errno == ENOSYS)
		return weft__cmd_fail(NAME,
			"--state: this weft was built without SQLite, libsodium or utf8proc.");
	if (errno == ENODATA || errno == EBADMSG)
		return weft__cmd_accounts_are_lost(NAME, own->dir);
	if (errno == EPERM)
		return weft__cmd_fail(NAME,
			"the accounts in %s are somebody else's, or others may write there.",
			own->dir);
	if (errno == ENOTDIR || errno == EEXIST)
		return weft__cmd_fail(NAME,
			"the state folder %s is to have the accounts, but a file is there. Another "
			"one: --state DIR; no accounts: --state none.",
			own->dir);
	return weft__cmd_fail(NAME,
		"can't open the accounts in the state folder %s: %s. Another one: --state DIR; no "
		"accounts: --state none.",
		own->dir, strerror(errno));
}

/* Strangers may read, as they do without accounts, until somebody says what else they may. */
static int grant_strangers(struct weft_accounts *accounts, struct weft_account_call *call)
{
	const struct weft_account_grant reading = {.to = WEFT_ACCOUNT_TO_ROLE,
		.subject = "stranger",
		.rights = WEFT_ACCOUNT_READ | WEFT_ACCOUNT_LIST};
	struct weft_account_grants grants;
	bool is_granted = false;

	if (weft_account_grants(accounts, call, NULL, &grants) < 0)
		return -1;
	for (size_t i = 0; i < grants.count; i++)
		is_granted |= grants.grants[i].to == WEFT_ACCOUNT_TO_ROLE &&
			      strcmp(grants.grants[i].subject, "stranger") == 0;
	weft_account_grants_fini(&grants);
	return is_granted ? 0 : weft_account_grant(accounts, call, &reading);
}

int weft__serve_begin_accounts(struct serve *serve)
{
	struct weft_account_call call = {.is_local = true, .door = "serve"};
	struct serve_accounts *own = serve->accounts;

	if (!own ||
		(grant_strangers(own->accounts, &call) == 0 && weft__serve_watch_start(own) == 0 &&
			weft__serve_events_start(own->events, own->accounts) == 0))
		return CMD_DONE;
	return fail_open(own);
}

int weft__serve_first_run(struct serve *serve)
{
	struct weft_account_call call = {.is_local = true, .door = "serve"};
	struct serve_accounts *own = serve->accounts;

	if (!own || weft_accounts_first_run(own->accounts, &call, NULL, own->password) >= 0)
		return CMD_DONE;
	return fail_open(own);
}

void weft__serve_end_accounts(struct serve *serve)
{
	if (!serve->accounts)
		return;
	weft__serve_events_stop(serve->accounts->events);
	weft__serve_watch_stop(serve->accounts);
}

static int open_all(struct serve *serve, const struct weft_accounts_options *options)
{
	struct serve_accounts *own = serve->accounts;

	own->accounts = weft_accounts_open(options);
	return own->accounts ? weft__serve_charging_begin(serve) : -1;
}

static struct hub_account_api *make_api(const struct serve *serve)
{
	const struct serve_accounts *own = serve->accounts;

	return weft__hub_api_new(&(struct hub_account_api_options){.accounts = own->accounts,
		.dir = own->dir,
		.files = serve->engine,
		.visit = weft__serve_make_visitor,
		.status = weft__serve_status_of(serve)});
}

int weft__serve_open_accounts(struct serve *serve)
{
	struct weft_accounts_options options = {.tunes = serve->hash_cost == 0};
	struct serve_accounts *own;

	if (!serve->state || strcmp(serve->state, "none") == 0)
		return CMD_DONE;
	weft__hub_json_wipe();
	own = serve->accounts = calloc(1, sizeof(*own));
	if (!own)
		return weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	pthread_mutex_init(&own->mutex, NULL);
	weft_list_init(&own->under_way);
	own->dir = weft__cmd_state_dir(NAME, serve->state, true);
	if (!own->dir)
		return CMD_FAILED;
	if (weft__serve_check_private(serve)) /* before there is anything in it */
		return CMD_FAILED;
	own->events = weft__serve_events_new(weft__serve_log_of(serve));
	if (!own->events)
		return weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	options.dir = own->dir;
	options.on_throttled = weft__serve_note_throttled;
	options.on_throttled_arg = own->events;
	return open_all(serve, &options) < 0 ? fail_open(own) : CMD_DONE;
}

void weft__serve_close_accounts(struct serve *serve)
{
	struct serve_accounts *own = serve->accounts;

	if (!own)
		return;
	weft_http_router_free(own->router);
	weft_http_router_free(own->files_router);
	weft__hub_api_free(own->api);
	weft__serve_forget_strangers(own);
	pthread_mutex_destroy(&own->mutex);
	weft__serve_charging_end(own);
	weft_accounts_close(own->accounts);
	weft__serve_events_free(own->events);
	explicit_bzero(own->password, sizeof(own->password));
	free(own->dir);
	free(own);
	serve->accounts = NULL;
}

/* ---- Files --------------------------------------------------------------------------------- */

void weft__serve_note_freed(void *arg, const char *owner, int64_t bytes)
{
	const struct serve *serve = arg;

	if (serve->accounts)
		weft_account_files_freed(serve->accounts->accounts, owner, bytes);
}

static struct weft_accounts *accounts_of(void *arg)
{
	const struct serve *serve = arg;

	return serve->accounts ? serve->accounts->accounts : NULL;
}

static int carry_asks(void *arg, const struct weft_files_carry *carry)
{
	struct weft_accounts *accounts = accounts_of(arg);

	return accounts ? weft_account_files_carry_asks(accounts, carry->from, carry->is_copy) : 0;
}

static int carry_begin(void *arg, const struct weft_files_carry *carry, void **ret_state)
{
	const struct weft_files_visitor *visitor = carry->visitor;
	struct weft_account_carry what = {
		.from = carry->from, .to = carry->to, .is_copy = carry->is_copy};

	if (visitor->rights_at == weft_account_files_rights_at)
		what.who = visitor->arg;
	return weft_account_files_carry_begin(accounts_of(arg), &what, ret_state);
}

static void carry_end(void *arg, void *state, enum weft_files_carried how)
{
	weft_account_files_carry_end(accounts_of(arg), state, (int)how);
}

const struct weft_files_carrier weft__serve_carrier = {carry_asks, carry_begin, carry_end};

/* ---- Options ------------------------------------------------------------------------------ */

/* Rights decide what may be changed, and by whom. */
static void take_visitors(struct weft_http_files_options *files)
{
	files->visitor = weft__serve_find_visitor;
	files->allow_upload = files->allow_overwrite = files->allow_change = true;
}

int weft__serve_check_accounts(struct serve *serve)
{
	const char *model = weft_serve_model_at(serve->model);
	bool has_accounts = serve->state && strcmp(serve->state, "none") != 0;

	if (!has_accounts)
		return serve->hash_cost ? weft__cmd_usage(NAME, "--hash-cost is of --state.")
					: CMD_DONE;
	if (serve->auth_file)
		return weft__cmd_usage(NAME, "--state or --auth-file: who may come in is in one.");
	if (strcmp(model, "fork") == 0 || strcmp(model, "prefork") == 0)
		return weft__cmd_usage(NAME, "--state is not for --model fork and prefork.");
	if (serve->links == WEFT_HTTP_LINKS_ALL)
		return weft__cmd_usage(NAME,
			"--links all is not for accounts (--state): a link could lead past "
			"somebody's rights, so none is followed.");
	take_visitors(&serve->files_options);
	return CMD_DONE;
}

/* ---- The front ---------------------------------------------------------------------------- */

int weft__serve_front_accounts(
	struct serve *serve, const struct weft_http_service *files, void *files_arg)
{
	struct serve_accounts *own = serve->accounts;

	own->router = weft_http_router_new();
	own->files_router = weft_http_router_new();
	own->api = make_api(serve);
	if (!own->router || !own->files_router || !own->api ||
		weft_http_router_use(own->files_router, weft__serve_attend, own) < 0 ||
		weft_http_router_mount(own->files_router, "/", files, files_arg) < 0 ||
		weft__hub_api_mount(own->api, own->router) < 0 ||
		weft__serve_chat_web_mount(serve, own->router) < 0 ||
		weft__serve_page_mount(serve, own->router) < 0 ||
		weft_http_router_mount(
			own->router, "/", &weft_http_router_service, own->files_router) < 0)
		return weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	own->has_page = serve->has_page;
	serve->front = (struct weft_http_service){.authorise = weft__serve_authorise,
		.on_error = serve->has_page ? weft__hub_page_error : NULL,
		.parent = &weft_http_router_service,
		.parent_arg = own->router};
	serve->server_options.service = &serve->front;
	serve->server_options.arg = serve;
	return CMD_DONE;
}

struct weft_accounts *weft__serve_accounts_of(const struct serve *serve)
{
	return serve->accounts ? serve->accounts->accounts : NULL;
}

/* ---- Saying ------------------------------------------------------------------------------- */

bool weft__serve_is_first_run(const struct serve *serve)
{
	return serve->accounts && serve->accounts->password[0];
}

const char *weft__serve_first_password(const struct serve *serve)
{
	bool is_heard = serve->is_json || isatty(STDOUT_FILENO);

	/* What is no terminal is a journal or a file, which keeps it, and others read it there. */
	return weft__serve_is_first_run(serve) && is_heard ? serve->accounts->password : NULL;
}

void weft__serve_print_accounts(const struct serve *serve)
{
	const struct serve_accounts *own = serve->accounts;
	const char *password = weft__serve_first_password(serve);

	if (!own)
		return;
	if (serve->is_json) {
		fputs(", \"state\": ", stdout);
		weft__cmd_print_json_text(own->dir);
		if (password)
			printf(", \"admin\": {\"name\": \"admin\", \"password\": \"%s\"}",
				password);
		return;
	}
	printf("  %-8s those in %s; strangers as they are granted\n", "to", own->dir);
	if (weft__serve_is_first_run(serve) && !password) {
		char *dir = weft__cmd_shell_word(own->dir);

		printf("  %-8s admin, whose password is told at a terminal only; another one:\n"
		       "  %-8s %s account passwd admin --state %s\n",
			"first", "", weft__cmd_own_name(), dir ? dir : own->dir);
		free(dir);
	}
	if (password)
		printf("  %-8s admin, with the password %s, which is told once, and has\n"
		       "  %-8s to be changed: %s account passwd admin --server URL\n",
			"first", password, "", weft__cmd_own_name());
}

const char *weft__serve_state_dir(const struct serve *serve)
{
	return serve->accounts ? serve->accounts->dir : NULL;
}
