/*
 * serve_door.c - what `weft serve` listens on, and the servers behind it.
 *
 * Entry points: weft__serve_open_doors(), weft__serve_start_doors(), weft__serve_stop().
 *
 *	--http     --> the folder's server; with --redirect-https: one that sends to HTTPS
 *	--https    --> the folder's server, by TLS
 *	--metrics  --> a server of the counters of both
 *	--ftp      --> the folder's FTP server; --ftps: the same, by TLS from the first byte
 *	--chat     --> the rooms, by TCP and UDP; --chat-tls: the same, by TLS from the first byte
 *
 * Each door is a fiber of its own. When one can't go on, all end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"

/* ---- Which doors there are ---------------------------------------------------------------- */

/* "none", alone, is no such door, and what is told of it besides is for another time. */
static void close_door(struct cmd_texts *texts, bool *is_closed)
{
	if (texts->count != 1 || strcmp(texts->items[0], "none") != 0)
		return;
	texts->count = 0;
	*is_closed = true;
}

static void close_doors(struct serve *serve)
{
	close_door(&serve->https, &serve->https_is_closed);
	close_door(&serve->ftp.plain, &serve->ftp.is_closed);
	close_door(&serve->ftp.implicit, &serve->ftp.is_closed);
	close_door(&serve->chat.plain, &serve->chat.is_closed);
	close_door(&serve->chat.by_tls, &serve->chat.is_closed);
	if (serve->metrics_at && strcmp(serve->metrics_at, "none") == 0)
		serve->metrics_at = NULL;
}

static bool has_closed(const struct serve *serve)
{
	return serve->https_is_closed || serve->ftp.is_closed || serve->chat.is_closed;
}

/* One that nobody has named is for this machine, and needs no certificate. */
static bool names_ftp(const struct serve *serve)
{
	return serve->ftp.plain.count > 0 && !weft__serve_is_default(serve->ftp.plain.items[0]);
}

static int check_tls(const struct serve *serve)
{
	if (serve->https.count > 0 && serve->certificates.count == 0)
		return weft__cmd_usage(NAME,
			"--https needs --tls-cert FILE and --tls-key FILE; docs/https-at-home.md "
			"says where to get them.");
	if (serve->https.count == 0 && serve->certificates.count > 0 && !names_ftp(serve) &&
		serve->ftp.implicit.count == 0 && serve->chat.by_tls.count == 0 &&
		!has_closed(serve))
		return weft__cmd_usage(NAME, "--tls-cert is for --https HOST:PORT.");
	if (serve->https.count == 0 && serve->hsts_days > 0 && !serve->https_is_closed)
		return weft__cmd_usage(NAME, "--hsts is for --https HOST:PORT.");
	if (serve->keys.count > 0 && serve->keys.count != serve->certificates.count)
		return weft__cmd_usage(NAME, "each --tls-cert has its --tls-key, or none has one.");
	if (serve->redirects && (serve->https.count == 0 || serve->http.count == 0))
		return weft__cmd_usage(
			NAME, "--redirect-https leads from --http HOST:PORT to --https HOST:PORT.");
	return CMD_DONE;
}

/* As chmod(1) takes it. */
static int take_unix_mode(struct serve *serve)
{
	const char *text = serve->unix_mode;
	char *end;

	if (!text)
		return CMD_DONE;
	serve->listener_options.unix_mode = (unsigned)strtoul(text, &end, 8);
	if (strspn(text, "01234567") != strlen(text) || *end || strlen(text) > 4 ||
		serve->listener_options.unix_mode == 0 || serve->listener_options.unix_mode > 0777)
		return weft__cmd_usage(
			NAME, "--unix-mode takes a mode such as 660, not \"%s\".", text);
	return CMD_DONE;
}

/* Where it stands beside others it closes nothing, and is no address. */
static int check_none(const struct serve *serve)
{
	const struct {
		const struct cmd_texts *texts;
		const char *name;
	} all[] = {{&serve->http, "http"}, {&serve->https, "https"}, {&serve->ftp.plain, "ftp"},
		{&serve->ftp.implicit, "ftps"}, {&serve->chat.plain, "chat"},
		{&serve->chat.by_tls, "chat-tls"}};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (unsigned k = 0; k < all[i].texts->count; k++)
			if (strcmp(all[i].texts->items[k], "none") == 0)
				return weft__cmd_usage(NAME,
					"--%s none closes the door; it has no other address then.",
					all[i].name);
	return CMD_DONE;
}

int weft__serve_check_doors(struct serve *serve)
{
	bool has_none = false;
	int status = take_unix_mode(serve);

	if (status)
		return status;
	close_door(&serve->http, &has_none);
	close_doors(serve);
	status = check_none(serve);
	if (status)
		return status;
	if (has_none && serve->https.count == 0 && serve->ftp.plain.count == 0 &&
		serve->ftp.implicit.count == 0 && serve->chat.plain.count == 0 &&
		serve->chat.by_tls.count == 0)
		return weft__cmd_usage(NAME,
			"--http none leaves no door: name the one that is wanted, such as "
			"--chat 127.0.0.1:7070.");
	if (!has_none && serve->http.count == 0 && serve->https.count == 0)
		serve->http = (struct cmd_texts){.items = {SERVE_DEFAULT_HTTP}, .count = 1};
	return check_tls(serve);
}

/* ---- TLS ---------------------------------------------------------------------------------- */

/* The option whose file the fault speaks of. */
static const char *key_of(const struct serve *serve, const struct weft_tls_fault *fault)
{
	for (unsigned i = 0; i < serve->keys.count; i++)
		if (strstr(fault->text, serve->keys.items[i]))
			return "tls-key";
	return "tls-cert";
}

int weft__serve_make_tls(struct serve *serve, const char *what, const char *const *protocols,
	struct weft_tls **ret_tls)
{
	struct weft_tls_identity pairs[CMD_TEXTS_MAX] = {{NULL, NULL}};
	unsigned count = serve->certificates.count;
	struct weft_tls_server_options options = {.others = pairs + 1, .protocols = protocols};
	struct weft_tls_fault fault;

	if (count == 0)
		return CMD_DONE;
	for (unsigned i = 0; i < count; i++)
		pairs[i] = (struct weft_tls_identity){serve->certificates.items[i],
			serve->keys.count ? serve->keys.items[i] : NULL};
	options.certificate = pairs[0].certificate;
	options.key = pairs[0].key;
	options.others_count = count - 1;
	*ret_tls = weft_tls_server_new(&options, &fault);
	if (*ret_tls)
		return CMD_DONE;
	weft__settings_blame_key(fault.kind == WEFT_TLS_NO_FAULT ? NULL : key_of(serve, &fault));
	weft__cmd_fail(NAME, "can't serve %s: %s", what,
		fault.kind != WEFT_TLS_NO_FAULT ? fault.text : strerror(errno));
	weft__settings_blame_key(NULL);
	return CMD_FAILED;
}

int weft__serve_open_tls(struct serve *serve)
{
	static const char *const protocols[] = {"http/1.1", NULL};

	return weft__serve_make_tls(serve, "HTTPS", protocols, &serve->tls);
}

/* ---- Servers ------------------------------------------------------------------------------ */

static struct weft_http_server *make_redirector(struct serve *serve)
{
	struct weft_http_server_options options = serve->server_options;

	options.service = &weft_http_to_https_service;
	options.arg = &serve->to_https;
	options.hosts = NULL; /* the certificate's names count, and who comes by them here first */
	return weft_http_server_new(&options);
}

/* Of few who ask, and by no model: processes would be no help. */
static struct weft_http_server *make_counter(struct serve *serve)
{
	const struct weft_http_server_options options = {.service = &weft_http_metrics_service,
		.arg = serve->metrics,
		.hosts = serve->server_options.hosts,
		.host_complaint = serve->server_options.host_complaint};

	return weft_http_server_new(&options);
}

int weft__serve_make_servers(struct serve *serve)
{
	if (!(serve->server = weft_http_server_new(&serve->server_options)))
		goto fail;
	if (serve->redirects && !(serve->redirector = make_redirector(serve)))
		goto fail;
	if (serve->metrics_at && !(serve->counter = make_counter(serve)))
		goto fail;
	return CMD_DONE;

fail:
	return weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
}

void weft__serve_free_servers(struct serve *serve)
{
	weft_http_server_free(serve->server);
	weft_http_server_free(serve->redirector);
	weft_http_server_free(serve->counter);
}

/* ---- Listening ---------------------------------------------------------------------------- */

const char *weft__serve_door_name(enum serve_door_kind kind)
{
	static const char *const options[] = {[SERVE_HTTP] = "http",
		[SERVE_HTTPS] = "https",
		[SERVE_METRICS] = "metrics",
		[SERVE_FTP] = "ftp",
		[SERVE_FTPS] = "ftps",
		[SERVE_CHAT] = "chat",
		[SERVE_CHAT_TLS] = "chat-tls"};

	return options[kind];
}

static struct weft_http_server *server_of(const struct serve *serve, enum serve_door_kind kind)
{
	if (kind == SERVE_METRICS)
		return serve->counter;
	if (kind >= SERVE_FTP)
		return NULL;
	return kind == SERVE_HTTP && serve->redirects ? serve->redirector : serve->server;
}

static int open_as(struct serve *serve, enum serve_door_kind kind, const char *text)
{
	struct serve_door *door = &serve->doors[serve->door_count];
	int status;

	*door = (struct serve_door){
		.kind = kind, .text = text, .server = server_of(serve, kind), .serve = serve};
	if (weft__serve_is_default(text))
		status = weft__serve_open_default(door, weft__serve_door_name(kind));
	else
		status = weft__cmd_listen(NAME, weft__serve_door_name(kind), text,
			&serve->listener_options, &door->listener);
	if (status)
		return status;
	serve->door_count++;
	weft_listener_set_name(door->listener, weft__serve_door_name(kind));
	if (kind == SERVE_HTTPS && weft_listener_use_tls(door->listener, serve->tls) < 0)
		return weft__cmd_fail(NAME, "can't serve HTTPS: %s.", strerror(errno));
	if (kind == SERVE_FTPS && weft_listener_use_tls(door->listener, serve->ftp.tls) < 0)
		return weft__cmd_fail(NAME, "can't serve FTPS: %s.", strerror(errno));
	if (kind == SERVE_CHAT_TLS && weft_listener_use_tls(door->listener, serve->chat.tls) < 0)
		return weft__cmd_fail(NAME, "can't serve chat by TLS: %s.", strerror(errno));
	return kind == SERVE_CHAT && !door->datagrams ? weft__serve_chat_listen(door) : CMD_DONE;
}

static int open_door(struct serve *serve, enum serve_door_kind kind, const char *text)
{
	const struct cmd_settings *before = weft__settings_blame(&serve->settings);
	int status;

	weft__serve_raise_ports(true);
	status = open_as(serve, kind, text);
	weft__settings_blame(before);
	weft__serve_raise_ports(false);
	return status;
}

static bool takes_plain_passwords(const struct serve_door *door)
{
	if (door->kind == SERVE_FTP)
		return !door->serve->ftp.tls; /* with a certificate, it asks for TLS first */
	return door->kind == SERVE_HTTP && !door->serve->redirects;
}

/* A name and password that go over a network in the clear are everybody's. */
static int check_auth(const struct serve *serve)
{
	for (unsigned i = 0; i < serve->door_count; i++) {
		const struct weft_address *address =
			weft_listener_address(serve->doors[i].listener);

		if ((serve->auth || serve->accounts) && takes_plain_passwords(&serve->doors[i]) &&
			!serve->allows_plain_auth && weft_address_family(address) != AF_UNIX &&
			!weft_address_is_loopback(address))
			return weft__cmd_usage(NAME,
				"%s sends passwords in the clear over %s: use %s, or say "
				"--insecure-auth.",
				serve->auth       ? "--auth-file"
				: serve->is_whole ? "who has an account"
						  : "--state",
				serve->doors[i].text,
				serve->doors[i].kind != SERVE_FTP ? "--https"
				: serve->is_whole                 ? "--lan or --tls-cert"
								  : "--tls-cert");
	}
	return CMD_DONE;
}

/*
 * For `weft admin`, where rooms are kept: in the state folder, for this user alone. Whoever has put
 * a door there, or can't, does without.
 */
static void open_for_admin(struct serve *serve)
{
	const struct weft_listener_options options = {.unix_mode = 0600};
	struct serve_door *door = &serve->doors[serve->door_count];
	const char *dir = weft__serve_state_dir(serve);

	if (!dir || !serve->chat.chat ||
		asprintf(&serve->admin_socket, "unix:%s/" CMD_CHAT_SOCKET, dir) < 0)
		return;
	*door = (struct serve_door){.kind = SERVE_CHAT,
		.text = serve->admin_socket,
		.is_for_admin = true,
		.serve = serve,
		.listener = weft_listener_new(serve->admin_socket, &options)};
	if (!door->listener)
		return;
	weft_listener_set_name(door->listener, weft__serve_door_name(SERVE_CHAT));
	serve->door_count++;
}

int weft__serve_open_doors(struct serve *serve)
{
	int status = CMD_DONE;

	for (unsigned i = 0; !status && i < serve->https.count; i++)
		status = open_door(serve, SERVE_HTTPS, serve->https.items[i]);
	if (!status && serve->redirects)
		serve->to_https.port =
			weft_address_port(weft_listener_address(serve->doors[0].listener));
	for (unsigned i = 0; !status && i < serve->http.count; i++)
		status = open_door(serve, SERVE_HTTP, serve->http.items[i]);
	if (!status && serve->metrics_at)
		status = open_door(serve, SERVE_METRICS, serve->metrics_at);
	for (unsigned i = 0; !status && i < serve->ftp.plain.count; i++)
		status = open_door(serve, SERVE_FTP, serve->ftp.plain.items[i]);
	for (unsigned i = 0; !status && i < serve->ftp.implicit.count; i++)
		status = open_door(serve, SERVE_FTPS, serve->ftp.implicit.items[i]);
	for (unsigned i = 0; !status && i < serve->chat.plain.count; i++)
		status = open_door(serve, SERVE_CHAT, serve->chat.plain.items[i]);
	for (unsigned i = 0; !status && i < serve->chat.by_tls.count; i++)
		status = open_door(serve, SERVE_CHAT_TLS, serve->chat.by_tls.items[i]);
	if (!status)
		open_for_admin(serve);
	return status ? status : check_auth(serve);
}

void weft__serve_close_doors(struct serve *serve)
{
	for (unsigned i = 0; i < serve->door_count; i++) {
		weft__serve_chat_unlisten(&serve->doors[i]);
		weft_listener_free(serve->doors[i].listener);
	}
	free(serve->admin_socket);
}

/* ---- Serving ------------------------------------------------------------------------------ */

void weft__serve_stop(struct serve *serve)
{
	weft_http_server_stop(serve->server);
	if (serve->redirector)
		weft_http_server_stop(serve->redirector);
	if (serve->counter)
		weft_http_server_stop(serve->counter);
	if (serve->ftp.server)
		weft_ftp_server_stop(serve->ftp.server);
	weft__serve_chat_stop(serve);
}

static int serve_door(struct serve_door *door)
{
	if (door->kind >= SERVE_CHAT)
		return weft__serve_chat_run(door);
	return door->server ? weft_http_server_run(door->server, door->listener)
			    : weft_ftp_server_run(door->serve->ftp.server, door->listener);
}

/* The fiber of a door. Its result is a status. */
static int run_door(void *arg)
{
	struct serve_door *door = arg;
	int status = CMD_DONE;
	int result = serve_door(door);

	if (result < 0) {
		status =
			weft__cmd_fail(NAME, "can't go on at %s: %s.", door->text, strerror(errno));
		weft__serve_stop(door->serve);
	}
	return status;
}

int weft__serve_start_doors(struct serve *serve)
{
	for (unsigned i = 0; i < serve->door_count; i++) {
		struct serve_door *door = &serve->doors[i];
		/* All here: a process that is forked for one has no use for a second worker. */
		struct weft_spawn_options options = {.name = weft__serve_door_name(door->kind),
			.worker = 1 + (unsigned)weft_worker_index()};

		door->fiber = weft_spawn_with(&options, run_door, door);
		if (!door->fiber)
			return weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	}
	return CMD_DONE;
}

int weft__serve_join_doors(struct serve *serve)
{
	int status = CMD_DONE;

	for (unsigned i = 0; i < serve->door_count && serve->doors[i].fiber; i++) {
		int result = CMD_DONE;

		weft_join(serve->doors[i].fiber, &result, WEFT_FOREVER);
		status = status ? status : result;
	}
	return status;
}
