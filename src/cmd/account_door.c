/*
 * account_door.c - operations of `weft account`, done on the own database, or asked of a server.
 *
 * Entry points: weft__cmd_account_open(), weft__cmd_account_do().
 *
 *	order --> check --> the function of ../hub     --> result, or problem
 *	               \--> METHOD URL, JSON, a token  --> result, or problem
 *
 * Never: sends a secret in the clear over a network.
 */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "weft/str.h"

/** What a server may answer, at most: a page of a thousand accounts has less than this. */
#define ANSWER_MAX ((size_t)16 << 20)

/** What a table or file is taken by. */
#define PIECE 65536

/** For a server that hashes, or imports a large table. */
#define TIMEOUT_NS WEFT_SECONDS(120)

/* ---- Opening ------------------------------------------------------------------------------ */

static int fail_open(const struct account *account, const char *dir)
{
	switch (errno) {
	case ENODATA:
	case EBADMSG:
		return weft__cmd_accounts_are_lost(account->name, dir);
	case EPERM:
		return weft__cmd_fail(account->name,
			"the accounts in %s are somebody else's, or others may write there.", dir);
	case ENOTSUP:
		return weft__cmd_fail(
			account->name, "a newer weft has written the accounts in %s.", dir);
	case ENOSYS:
		return weft__cmd_fail(account->name,
			"this weft was built without SQLite, libsodium or utf8proc.");
	case ENOTDIR:
		return weft__cmd_fail(account->name,
			"%s is to be the state folder, but a file is there: --state DIR.", dir);
	default:
		return weft__cmd_fail(
			account->name, "can't open the accounts in %s: %s.", dir, strerror(errno));
	}
}

static bool has(const char *dir, const char *name)
{
	char path[PATH_MAX];

	return (size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path) ||
	       access(path, F_OK) == 0 || errno != ENOENT;
}

/* Who mistypes a folder is not to get a database there. Where one is lost, opening says so. */
static bool is_there(const char *dir)
{
	return has(dir, "accounts.db") || has(dir, "accounts-were-here");
}

/* The server's user is who writes there. What root leaves behind she could not read, and what she
 * has put there root must not follow: so root is her from here on. */
static int become_owner(const struct account *account, const char *dir)
{
	struct stat stat;

	if (geteuid() != 0 || lstat(dir, &stat) < 0 || stat.st_uid == 0)
		return CMD_DONE;
	if (setgroups(0, NULL) == 0 && setresgid(stat.st_gid, stat.st_gid, stat.st_gid) == 0 &&
		setresuid(stat.st_uid, stat.st_uid, stat.st_uid) == 0)
		return CMD_DONE;
	return weft__cmd_fail(
		account->name, "can't become the user whose %s is: %s.", dir, strerror(errno));
}

static int open_database(struct account *account)
{
	char *dir = weft__cmd_state_dir(account->name, account->state, account->creates);
	int status;

	free(account->dir);
	account->dir = NULL;
	if (!dir)
		return CMD_FAILED;
	account->dir = dir; /* of root's, before she is somebody else */
	status = become_owner(account, dir);
	if (status)
		return status;
	if (!account->creates && !is_there(dir)) {
		status = weft__cmd_fail(account->name,
			"there are no accounts in %s; \"weft account add\" makes the first.", dir);
	} else {
		account->accounts = weft_accounts_open(&(struct weft_accounts_options){.dir = dir});
		status = account->accounts ? CMD_DONE : fail_open(account, dir);
	}
	return status;
}

/* Without TLS everybody between could read along, and take what the token may. */
static int check_url(const struct account *account)
{
	enum weft_http_url_fault fault;
	struct weft_http_url *url = weft_http_url_parse(account->server, &fault);
	int status = CMD_DONE;

	if (!url)
		return weft__cmd_usage(
			account->name, "--server: %s", weft_http_url_fault_text(fault));
	if (!url->is_https && strcmp(url->host, "localhost") != 0 &&
		strncmp(url->host, "127.", 4) != 0 && strcmp(url->host, "::1") != 0)
		status = weft__cmd_usage(account->name, "--server takes https://, or http:// to "
							"this machine: others would read along.");
	weft_http_url_free(url);
	return status;
}

static int open_client(struct account *account)
{
	static const char *const protocols[] = {"http/1.1", NULL};
	const struct weft_tls_client_options options = {.protocols = protocols,
		.issuers = account->issuers,
		.accepts_anybody = account->is_insecure};
	struct weft_tls_fault fault = {.kind = WEFT_TLS_NO_FAULT};
	int status = check_url(account);

	if (status)
		return status;
	if (account->issuers || account->is_insecure) {
		account->tls = weft_tls_client_new(&options, &fault);
		if (!account->tls)
			return weft__cmd_fail(account->name, "%s", fault.text);
	}
	account->client =
		weft_http_client_new(&(struct weft_http_client_options){.tls = account->tls});
	return account->client ? CMD_DONE : weft__cmd_fail(account->name, "%s.", strerror(errno));
}

int weft__cmd_account_open(struct account *account)
{
	if (account->accounts || account->client)
		return CMD_DONE;
	return account->server ? open_client(account) : open_database(account);
}

void weft__cmd_account_close(struct account *account)
{
	if (account->cookie)
		weft__cmd_account_call(account, "logOut", json_object(), NULL);
	weft_accounts_close(account->accounts);
	weft_http_client_free(account->client);
	weft_tls_free(account->tls);
	weft__cmd_account_forget(account->token);
	weft__cmd_account_forget(account->cookie);
	free(account->own_server);
	free(account->dir);
}

/* ---- What went wrong ---------------------------------------------------------------------- */

/* Whose name, which role or group the fault is about, as it was said; NULL: none of them. */
static const char *subject_of(const json_t *problem, const json_t *args)
{
	static const struct {
		const char *fault, *args[3];
	} all[] = {{"name-unknown", {"user", "name", "subject"}},
		{"name-", {"name", "user", "subject"}}, {"role-", {"role", "subject"}},
		{"group-", {"group", "subject"}}};
	const char *fault = json_string_value(json_object_get(problem, "fault"));

	for (size_t i = 0; fault && i < sizeof(all) / sizeof(all[0]); i++)
		for (size_t k = 0; strncmp(fault, all[i].fault, strlen(all[i].fault)) == 0 && k < 3;
			k++)
			if (all[i].args[k] && json_object_get(args, all[i].args[k]))
				return json_string_value(json_object_get(args, all[i].args[k]));
	return NULL;
}

static int fail_problem(
	const struct account *account, const json_t *problem, const json_t *args, int http_status)
{
	const char *subject = subject_of(problem, args);
	const char *detail = json_string_value(json_object_get(problem, "detail"));
	json_int_t wait = json_integer_value(json_object_get(problem, "wait"));

	weft__cmd_account_tell_faults(account, json_object_get(problem, "faults"));
	if (!detail)
		return weft__cmd_fail(account->name, "the server answers %d %s.", http_status,
			weft_http_status_phrase(http_status));
	if (wait > 0)
		return weft__cmd_fail(
			account->name, "%s; %lld seconds to go.", detail, (long long)wait);
	if (subject)
		return weft__cmd_fail(account->name, "\"%s\": %s.", subject, detail);
	return weft__cmd_fail(account->name, "%s.", detail);
}

/* ---- On the own database ------------------------------------------------------------------ */

static int do_local(struct account *account, const struct hub_op *op, struct account_order *order)
{
	struct hub_ask ask = {.accounts = account->accounts,
		.files = account->files,
		.call = {.is_local = true, .door = "command"},
		.args = order->args,
		.text = order->text,
		.len = order->len,
		.write = order->write,
		.write_arg = order->write_arg,
		.path = order->path};
	int status = CMD_DONE;

	if (weft__hub_op_run(op, &ask) < 0)
		status = fail_problem(account, ask.result, order->args, ask.status);
	order->result = json_incref(ask.result);
	weft__hub_ask_fini(&ask);
	return status;
}

/* ---- By HTTPS ----------------------------------------------------------------------------- */

/* All but letters, digits and four signs, as RFC 3986 wants it in every part. */
static void append_encoded(struct weft_str *url, const char *text)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if ((byte >= '0' && byte <= '9') ||
			((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || strchr("-._~", byte))
			weft_str_append_bytes(url, text, 1);
		else
			weft_str_appendf(url, "%%%02X", byte);
	}
}

static void append_arg(struct weft_str *url, const json_t *arg)
{
	char *text = weft__hub_text_of_arg(arg);

	append_encoded(url, text ? text : "");
	free(text);
}

/* What would be another place of the API in an address, and is nobody's name anyway. */
static bool leads_elsewhere(const struct hub_op *op, const json_t *args)
{
	const char *name;
	json_t *arg;

	json_object_foreach((json_t *)args, name, arg)
	{
		const char *text = json_string_value(arg);

		if (text && weft__hub_op_field(op, HUB_IN_PATH, name) &&
			(!text[0] || text[0] == '.' || strchr(text, '/')))
			return true;
	}
	return false;
}

static void append_path(struct weft_str *url, const char *path, const json_t *args)
{
	while (*path) {
		size_t len = strcspn(path, "{");
		char name[16];

		weft_str_append_bytes(url, path, len);
		path += len;
		if (!*path)
			break;
		len = strcspn(path, "}");
		snprintf(name, sizeof(name), "%.*s", (int)len - 1, path + 1);
		append_arg(url, json_object_get(args, name));
		path += len + 1;
	}
}

static char *make_url(const struct account *account, const struct hub_op *op, const json_t *args)
{
	size_t len = strlen(account->server);
	struct weft_str url;
	char separator = '?';

	while (len > 0 && account->server[len - 1] == '/')
		len--;
	weft_str_init(&url, WEFT_HTTP_URL_MAX);
	weft_str_append_bytes(&url, account->server, len);
	weft_str_append(&url, HUB_API_PREFIX);
	append_path(&url, op->path, args);
	for (const struct hub_field *field = op->query; field && field->name; field++) {
		const json_t *arg = json_object_get(args, field->name);

		if (!arg)
			continue;
		weft_str_appendf(&url, "%c%s=", separator, field->name);
		append_arg(&url, arg);
		separator = '&';
	}
	return weft_str_take(&url);
}

/* What is neither in the path nor in the query; NULL: nothing, or no memory. */
static char *make_body(const struct hub_op *op, const json_t *args)
{
	json_t *body = json_object();
	char *text = NULL;

	for (const struct hub_field *field = op->body; field && field->name; field++) {
		json_t *arg = json_object_get(args, field->name);

		if (arg)
			json_object_set(body, field->name, arg);
	}
	if (op->body)
		text = weft__hub_json_print(body);
	json_decref(body);
	return text;
}

static int take_json(
	const struct account *account, struct weft_http_fetch *fetch, struct account_order *order)
{
	int http_status = weft_http_fetch_status(fetch);
	char fault[HUB_FAULT_MAX] = "";
	char *text = NULL;
	ssize_t len = weft_http_fetch_read_all(fetch, ANSWER_MAX, &text);

	if (len < 0)
		return weft__cmd_fail(account->name, "%s", weft_http_fetch_fault(fetch)->text);
	if (len > 0)
		order->result = weft__hub_json_read(text, (size_t)len, fault, sizeof(fault));
	weft__cmd_account_forget(text);
	if (http_status < 200 || http_status > 299)
		return fail_problem(account, order->result, order->args, http_status);
	if (fault[0])
		return weft__cmd_fail(
			account->name, "the server's answer can't be read: %s.", fault);
	return CMD_DONE;
}

static int take_pieces(
	const struct account *account, struct weft_http_fetch *fetch, struct account_order *order)
{
	char *piece = malloc(PIECE);
	ssize_t count = -1;
	int status = CMD_DONE;

	while (piece && !status && (count = weft_http_fetch_read(fetch, piece, PIECE)) > 0)
		if (order->write(piece, (size_t)count, order->write_arg) < 0)
			status = weft__cmd_fail(account->name, "%s.", strerror(errno));
	if (!status && count < 0)
		status = weft__cmd_fail(account->name, "%s",
			piece ? weft_http_fetch_fault(fetch)->text : strerror(ENOMEM));
	free(piece);
	return status;
}

/* A cookie that was set by the answer: "NAME=VALUE", for the orders that follow. */
static void take_cookie(struct account *account, const struct weft_http_fetch *fetch)
{
	struct weft_http_text cookie = weft_http_fetch_field(fetch, "Set-Cookie");
	const char *end = cookie.data ? memchr(cookie.data, ';', cookie.len) : NULL;

	weft__cmd_account_forget(account->cookie);
	account->cookie = NULL;
	if (end)
		account->cookie = strndup(cookie.data, (size_t)(end - cookie.data));
}

static int fetch_order(struct account *account, const struct hub_op *op, const char *url,
	struct account_order *order)
{
	struct weft_http_field cookie[] = {
		{"Cookie", account->cookie}, {"Sec-Fetch-Site", "same-origin"}};
	char *body = make_body(op, order->args);
	struct weft_http_fault fault = {.kind = WEFT_HTTP_NO_FAULT};
	const struct weft_http_fetch_options options = {.client = account->client,
		.method = op->method,
		.bearer = account->cookie ? NULL : account->token,
		.fields = cookie,
		.field_count = account->cookie ? 2 : 0,
		.body_type = order->text ? "text/csv"
			     : body      ? "application/json"
					 : NULL,
		.body = order->text ? order->text : body,
		.body_len = (int64_t)(order->text ? order->len
				      : body      ? strlen(body)
						  : 0),
		.timeout_ns = TIMEOUT_NS,
		.redirects_max = -1,
		.ret_fault = &fault};
	struct weft_http_fetch *fetch = weft_http_fetch(url, &options);
	int status;

	if (!fetch)
		status = weft__cmd_fail(
			account->name, "%s", fault.kind ? fault.text : strerror(errno));
	else if (order->write && (op->flags & (HUB_GIVES_CSV | HUB_GIVES_FILE)) &&
		 weft_http_fetch_status(fetch) == 200)
		status = take_pieces(account, fetch, order);
	else
		status = take_json(account, fetch, order);
	if (fetch && !status && strcmp(op->id, "logIn") == 0)
		take_cookie(account, fetch);
	weft_http_fetch_free(fetch);
	weft__cmd_account_forget(body);
	return status;
}

static int do_remote(struct account *account, const struct hub_op *op, struct account_order *order)
{
	char *url;
	int status = CMD_DONE;

	if (op->flags & HUB_LOCAL)
		return weft__cmd_usage(
			account->name, "this is done on the database itself only: --state DIR.");
	if (leads_elsewhere(op, order->args))
		return weft__cmd_fail(account->name, "%s.",
			weft_account_fault_text(WEFT_ACCOUNT_NAME_BAD_CHARACTER));
	if (!account->token && !account->cookie && !(op->flags & HUB_OPEN))
		status = weft__cmd_account_take_token(account);
	if (status)
		return status;
	url = make_url(account, op, order->args);
	if (!url)
		return weft__cmd_fail(account->name, "%s.", strerror(errno));
	status = fetch_order(account, op, url, order);
	free(url);
	return status;
}

/* ---- Either ------------------------------------------------------------------------------- */

int weft__cmd_account_do(struct account *account, struct account_order *order)
{
	const struct hub_op *op = weft__hub_op_find(order->op);
	char fault[HUB_FAULT_MAX];
	int status = weft__cmd_account_open(account);

	if (!status && !order->args)
		status = weft__cmd_fail(
			account->name, "an argument is not UTF-8, or memory is short.");
	if (!status && weft__hub_op_check(op, order->args, !account->server, fault) < 0)
		status = weft__cmd_usage(account->name, "%s.", fault);
	if (!status)
		status = account->server ? do_remote(account, op, order)
					 : do_local(account, op, order);
	json_decref(order->args);
	order->args = NULL;
	return status;
}

int weft__cmd_account_call(
	struct account *account, const char *op, json_t *args, json_t **ret_result)
{
	struct account_order order = {.op = op, .args = args};
	int status = weft__cmd_account_do(account, &order);

	if (ret_result)
		*ret_result = order.result;
	else
		json_decref(order.result);
	return status;
}

json_t *weft__cmd_account_folder(const char *text)
{
	size_t len;

	text += strspn(text, "/");
	len = strlen(text);
	while (len > 0 && text[len - 1] == '/')
		len--;
	return json_stringn(text, len);
}

int weft__cmd_account_log_in(struct account *account, const char *name, const char *password)
{
	return weft__cmd_account_call(account, "logIn",
		json_pack("{s:s, s:s, s:s}", "name", name, "password", password, "label",
			"weft account"),
		NULL);
}
