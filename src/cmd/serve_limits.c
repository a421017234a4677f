/*
 * serve_limits.c - `weft serve` reads its settings again at a SIGHUP: limits hold from then on, for
 * who is there as for who comes; what else has changed is told, because it takes a restart.
 *
 *	file, environment, command line  -->  what they say now  --  what they said before
 *	                                                         |
 *	                            a limit: is set  <-----------+----------->  else: is told
 *
 * A mistake in the file is told as at the start, and then all is as it was.
 *
 * Entry point: weft__serve_reload_limits().
 *
 * Never: ends a connection.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../hub/chat.h"
#include "serve.h"
#include "weft/ledger.h"
#include "weft/str.h"

/** What is said of a change, at most. */
#define SAID_MAX 4096

static bool is_limit(const char *name)
{
	static const char *const limits[] = {"rate", "rate-burst", "connections-per-client",
		"header-timeout", "body-timeout", "write-timeout", "upload-max", "ftp-rate",
		"ftp-rate-per-client", "ftp-rate-per-user", "ftp-sessions-per-user", "chat-rate",
		NULL};

	for (unsigned i = 0; limits[i]; i++)
		if (strcmp(limits[i], name) == 0)
			return true;
	return false;
}

/* ---- Setting ------------------------------------------------------------------------------ */

/* 0, or -1 with errno. */
static int set_web(const struct serve *serve, const struct serve *now)
{
	const struct weft_http_server_options *options = &now->server_options;
	const struct weft_http_limits limits = {.header_timeout_ns = options->header_timeout_ns,
		.write_timeout_ns = options->write_timeout_ns,
		.body_timeout_ns = options->body_timeout_ns,
		.rate = options->rate,
		.rate_burst = options->rate_burst};

	weft_http_files_set_upload_max(serve->files, now->files_options.upload_max);
	if (serve->engine)
		weft_files_set_file_max(serve->engine, now->files_options.upload_max);
	if (weft_http_server_set_limits(serve->server, &limits) < 0)
		return -1;
	return serve->redirector ? weft_http_server_set_limits(serve->redirector, &limits) : 0;
}

static int set_ftp(const struct serve *serve, const struct serve *now)
{
	const struct weft_ftp_limits limits = {
		.connections_per_client = serve->ftp.options.connections_per_client,
		.sessions_per_user = now->ftp.options.sessions_per_user,
		.download_rate = (int64_t)now->ftp.rate,
		.upload_rate = (int64_t)now->ftp.rate,
		.rate_per_client = (int64_t)now->ftp.rate_per_client,
		.rate_per_user = (int64_t)now->ftp.rate_per_user};

	return serve->ftp.server ? weft_ftp_server_set_limits(serve->ftp.server, &limits) : 0;
}

static int set_all(const struct serve *serve, const struct serve *now)
{
	if (set_web(serve, now) < 0 || set_ftp(serve, now) < 0)
		return -1;
	if (serve->ledger)
		weft_ledger_set(serve->ledger, now->per_host);
	if (serve->chat.chat)
		weft__hub_chat_set_rate(serve->chat.chat, now->chat.rate);
	return 0;
}

/* ---- What has changed --------------------------------------------------------------------- */

struct change {
	struct weft_str set, kept;
	bool is_any;
};

static void add(struct weft_str *list, const char *name, const char *value)
{
	const char *between = weft_str_text(list)[0] ? ", " : "";

	if (value)
		weft_str_appendf(list, "%s%s = %s", between, name, value);
	else
		weft_str_appendf(list, "%s%s", between, name);
}

/* Clients whose connections nobody has counted can't be counted from the middle on. */
static bool can_set(const struct serve *serve, const char *name)
{
	return is_limit(name) && (strcmp(name, "connections-per-client") != 0 || serve->ledger);
}

/* What was set is what they said before, the next time. */
static void compare(struct serve *serve, struct serve *now, struct change *change)
{
	for (size_t i = 0; i < serve->settings.told_count; i++) {
		struct cmd_told *before = &serve->settings.told[i], *after = &now->settings.told[i];
		char *text = before->text;

		if (strcmp(before->text, after->text) == 0)
			continue;
		if (!can_set(serve, before->name)) {
			add(&change->kept, before->name, NULL);
			continue;
		}
		add(&change->set, before->name, after->text[0] ? after->text : "none");
		before->text = after->text;
		after->text = text;
		change->is_any = true;
	}
}

/* No fault: but who has asked for it by `weft reload` is told of it, too. */
static void tell_set(const struct serve *serve, const char *text)
{
	struct weft_str *faults = weft__serve_only_tell(serve);

	weft__cmd_fail(NAME, "from now on: %s.", text);
	weft__serve_collect_complaints(faults);
}

static int take_over(struct serve *serve, struct serve *now)
{
	struct change change = {.is_any = false};

	weft_str_init(&change.set, SAID_MAX);
	weft_str_init(&change.kept, SAID_MAX);
	compare(serve, now, &change);
	if (change.is_any && set_all(serve, now) < 0)
		weft__cmd_fail(NAME, "not all limits could be set: %s.", strerror(errno));
	else if (change.is_any)
		tell_set(serve, weft_str_text(&change.set));
	if (weft_str_text(&change.kept)[0])
		weft__cmd_fail(
			NAME, "these take a restart to change: %s.", weft_str_text(&change.kept));
	weft_str_fini(&change.set);
	weft_str_fini(&change.kept);
	return CMD_DONE;
}

void weft__serve_reload_limits(struct serve *serve)
{
	struct serve *now = calloc(1, sizeof(*now));
	int status;

	if (!now) {
		weft__cmd_fail(NAME, "the old settings stay: %s.", strerror(errno));
		return;
	}
	now->dir = ".";
	now->is_again = true;
	now->has_no_file = !serve->settings.path;
	status = weft__serve_take_options(now, serve->argc, serve->argv);
	if (status)
		weft__cmd_fail(NAME, "the old settings stay.");
	else
		take_over(serve, now);
	free(now->own_certificate);
	weft__settings_fini(&now->settings);
	free(now);
}
