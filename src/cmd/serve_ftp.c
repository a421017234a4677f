/*
 * serve_ftp.c - `weft serve --ftp`: the same folder and the same users by FTP.
 *
 * Entry points: weft__serve_ftp_take(), weft__serve_ftp_open().
 *
 * With --state, accounts have the say, of strangers too. Who is in --auth-file may read and list,
 * and change what the options for changes say, as by HTTP; strangers come in by --ftp-anonymous
 * only, and may not change anything. Where there is a certificate, passwords are taken by TLS only,
 * unless
 * --insecure-auth says otherwise.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"

/* ---- Options ------------------------------------------------------------------------------ */

static bool has_door(const struct serve *serve)
{
	return serve->ftp.plain.count > 0 || serve->ftp.implicit.count > 0;
}

static bool has_accounts(const struct serve *serve)
{
	return serve->state && strcmp(serve->state, "none") != 0;
}

/* All that is of FTP alone. */
static bool has_options(const struct serve_ftp *ftp)
{
	return ftp->passive || ftp->options.public_address || ftp->options.no_active ||
	       ftp->log_path || ftp->options.allows_anonymous || ftp->options.needs_resumed_data ||
	       ftp->rate || ftp->rate_per_client || ftp->rate_per_user ||
	       ftp->options.sessions_per_user || ftp->options.idle_timeout_ns;
}

static int take_passive(struct serve_ftp *ftp)
{
	unsigned long low, high;
	char *end = NULL;

	if (!ftp->passive)
		return CMD_DONE;
	low = strtoul(ftp->passive, &end, 10);
	high = *end == '-' ? strtoul(end + 1, &end, 10) : 0;
	if (*end || strspn(ftp->passive, "0123456789-") != strlen(ftp->passive) || low < 1024 ||
		high < low || high > 65535)
		return weft__cmd_usage(NAME,
			"--ftp-passive takes ports from 1024 to 65535, such as 50000-50099, not "
			"\"%s\".",
			ftp->passive);
	ftp->options.passive_low = (uint16_t)low;
	ftp->options.passive_high = (uint16_t)high;
	return CMD_DONE;
}

int weft__serve_ftp_take(struct serve *serve)
{
	struct serve_ftp *ftp = &serve->ftp;
	struct in_addr address;

	if (!has_door(serve)) {
		if (has_options(ftp) && !ftp->is_closed)
			return weft__cmd_usage(NAME,
				"--%s is of FTP, which is off: --ftp HOST:PORT or --ftps opens it.",
				weft__settings_given(&serve->settings, "ftp-"));
		return CMD_DONE;
	}
	if (!serve->auth_file && !has_accounts(serve) && !ftp->options.allows_anonymous)
		return weft__cmd_usage(NAME,
			"nobody could come in by FTP: say --state DIR, --auth-file FILE, or "
			"--ftp-anonymous.");
	if (ftp->options.needs_resumed_data && serve->certificates.count == 0)
		return weft__cmd_usage(NAME, "--ftp-tls-reuse is of --tls-cert FILE.");
	if (ftp->implicit.count > 0 && serve->certificates.count == 0)
		return weft__cmd_usage(NAME,
			"--ftps needs --tls-cert FILE and --tls-key FILE; docs/https-at-home.md "
			"says where to get them.");
	if (ftp->options.public_address &&
		inet_pton(AF_INET, ftp->options.public_address, &address) != 1)
		return weft__cmd_usage(NAME,
			"--ftp-public takes an IPv4 address such as 192.0.2.7, not \"%s\".",
			ftp->options.public_address);
	return take_passive(ftp);
}

/* ---- Accounts ----------------------------------------------------------------------------- */

/* The login callback's errno for why somebody was not let in. */
static int code_of(int error)
{
	return error == EKEYREJECTED || error == EKEYEXPIRED || error == EPERM || error == EINVAL ||
			       error == EBADMSG
		       ? EACCES
		       : EAGAIN;
}

static int log_in_to_account(
	const struct weft_ftp_login *login, struct weft_files_visitor *ret_visitor, void *arg)
{
	struct weft_account_call call = {.address = login->peer, .door = "ftp"};
	struct weft_account_who *who;

	if (weft_account_login(
		    weft__serve_accounts_of(arg), &call, login->name, login->password, &who) < 0) {
		errno = code_of(errno);
		return -1;
	}
	if (who->user.must_change) {
		weft_account_who_free(who);
		errno = EACCES;
		return -1;
	}
	weft__serve_make_visitor(who, ret_visitor);
	return 0;
}

/* Locked, removed or given other rights meanwhile. */
static int refresh_account(struct weft_files_visitor *visitor, void *arg)
{
	struct weft_account_who *who = visitor->arg, *now;

	(void)arg;
	if (weft_account_who_refresh(who, &now) < 0)
		return -1;
	weft__serve_make_visitor(now, visitor);
	weft_account_who_free(who);
	return 0;
}

/* During a transfer, which goes on with the visitor that it began with. */
static bool may_stay(const struct weft_files_visitor *visitor, void *arg)
{
	(void)arg;
	return weft__serve_may_stay(visitor->arg);
}

static void log_out_of_account(const struct weft_files_visitor *visitor, void *arg)
{
	(void)arg;
	weft_account_who_free(visitor->arg);
}

/* ---- Who may what ------------------------------------------------------------------------- */

static unsigned rights_of(const struct serve *serve)
{
	const struct weft_http_files_options *files = &serve->files_options;
	unsigned rights = WEFT_FILES_READ | WEFT_FILES_LIST;

	if (files->allow_upload)
		rights |= WEFT_FILES_WRITE;
	if (files->allow_overwrite)
		rights |= WEFT_FILES_REPLACE;
	if (files->allow_change)
		rights |= WEFT_FILES_DELETE | WEFT_FILES_WRITE;
	return rights;
}

static int log_in(
	const struct weft_ftp_login *login, struct weft_files_visitor *ret_visitor, void *arg)
{
	struct serve *serve = arg;
	char *name;

	if (weft__serve_check_user(serve, login->name, login->password) < 0)
		return -1;
	name = strdup(login->name);
	if (!name)
		return -1;
	*ret_visitor = (struct weft_files_visitor){.name = name, .rights = rights_of(serve)};
	return 0;
}

static void log_out(const struct weft_files_visitor *visitor, void *arg)
{
	(void)arg;
	free((char *)visitor->name);
}

/* ---- Life --------------------------------------------------------------------------------- */

static int open_parts(struct serve *serve)
{
	struct serve_ftp *ftp = &serve->ftp;
	int status = weft__serve_make_tls(serve, "FTP by TLS", NULL, &ftp->tls);

	if (status)
		return status;
	ftp->log = ftp->log_path ? weft_ftp_log_new(ftp->log_path) : NULL;
	if (ftp->log_path && !ftp->log)
		return weft__cmd_fail(NAME, "can't open the log of FTP \"%s\": %s.", ftp->log_path,
			strerror(errno));
	return CMD_DONE;
}

int weft__serve_ftp_open(struct serve *serve)
{
	struct serve_ftp *ftp = &serve->ftp;
	struct weft_ftp_server_options *options = &ftp->options;
	int status = has_door(serve) ? open_parts(serve) : CMD_DONE;

	if (status || !has_door(serve))
		return status;
	options->files = serve->engine;
	options->tls = ftp->tls;
	options->log = ftp->log;
	options->needs_tls = ftp->tls && !serve->allows_plain_auth;
	if (serve->accounts) {
		options->login = log_in_to_account;
		options->refresh = refresh_account;
		options->may_stay = may_stay;
		options->logout = log_out_of_account;
		options->anonymous = weft__serve_strangers(serve);
	} else if (serve->auth_file) {
		options->login = log_in;
		options->logout = log_out;
	}
	options->arg = serve;
	options->greeting = "weft " WEFT_VERSION;
	options->download_rate = options->upload_rate = (int64_t)ftp->rate;
	options->rate_per_client = (int64_t)ftp->rate_per_client;
	options->rate_per_user = (int64_t)ftp->rate_per_user;
	options->connections_max = serve->server_options.connections_max;
	options->ledger = serve->ledger;
	options->grace_ns = serve->server_options.grace_ns;
	options->model = serve->server_options.model;
	options->size = serve->server_options.size;
	ftp->server = weft_ftp_server_new(options);
	if (!ftp->server)
		return weft__cmd_fail(NAME, "can't start FTP: %s.", strerror(errno));
	return CMD_DONE;
}

void weft__serve_ftp_close(struct serve *serve)
{
	weft_ftp_server_free(serve->ftp.server);
	weft_ftp_log_free(serve->ftp.log);
	weft_tls_free(serve->ftp.tls);
}
