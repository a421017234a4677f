/*
 * serve_options.c - the help of `weft serve`, and its options.
 *
 * Entry point: weft__serve_take_options().
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "serve.h"

/** Days that the trash may keep things. */
#define TRASH_DAYS_MAX 36500
#define DAY_NS         WEFT_SECONDS(INT64_C(24) * 3600)

/** Ten years, and requests a second of one client. */
#define HSTS_DAYS_MAX 3650
#define RATE_MAX      1000000

/** Bytes a second of a rate: far beyond any network, and far from where a clock's sums end. */
#define BYTES_RATE_MAX ((uint64_t)1 << 50)

static const char help[] =
	"usage: weft serve [DIR] [OPTION]...\n"
	"\n"
	"Share the folder DIR (default: this one) until Ctrl-C: by the web and FTP, with rooms to\n"
	"talk in, and accounts, all for this machine only. Strangers read and list.\n"
	"That is the whole hub: --ftp, --chat, --state and the like say how a part of it is, and\n"
	"leave the others. With --http, --https, --auth-file, --allow-upload, --spa or --model it "
	"is\n"
	"a server of the web instead, and has of the other parts only those that are named.\n"
	"Hidden files stay hidden, and links that lead out of DIR are not followed, unless they\n"
	"are asked for; with accounts no links are. Text is sent compressed to who takes that.\n"
	"\n"
	"  weft serve                                   all of it, for this machine\n"
	"  weft serve --lan                             all of it, for the local network\n"
	"  weft serve --chat 127.0.0.1:9000             all of it, with chat there\n"
	"  weft serve --ftp none --state none           without a part\n"
	"  weft serve ~/Photos --http 0.0.0.0:8080      by the web alone, for the whole network\n"
	"\n"
	"Where:\n"
	"  --lan                   all doors for the local network, but those that are named: the\n"
	"                          web by HTTPS, with a certificate of its own unless --tls-cert\n"
	"                          is given; weft discover finds them\n"
	"  --http HOST:PORT        listen there (default: " SERVE_DEFAULT_HTTP ")\n"
	"                          0.0.0.0:8080 or [::]:8080: everybody who can reach this "
	"machine\n"
	"                          127.0.0.1:0: a free port; unix:/PATH: a Unix socket;\n"
	"                          fd:NAME: a listener that the service manager hands over;\n"
	"                          again for more; none: no such door, as with --https, --ftp,\n"
	"                          --ftps, --chat, --chat-tls, --metrics, too. Of a door that is\n"
	"                          not named, a port that is taken is left for the next one that\n"
	"                          is free\n"
	"  --unix-mode MODE        who may use a Unix socket, such as 660 (default: 600)\n"
	"  --metrics HOST:PORT     counters there, for Prometheus; for everybody who can reach it\n"
	"  --control PATH          socket for weft ps, top, stats, stop, reload, log (default:\n"
	"                          control in the state folder; without one, with others of this\n"
	"                          user's); none: there is none\n"
	"  --host NAME             a name it goes by in addresses, files.example or *.example,\n"
	"                          beside addresses, localhost, this machine's own and, but on\n"
	"                          the loopback, those of the local network (nas, nas.local);\n"
	"                          by HTTP for others: 421; again for more; '*': any\n"
	"  --trust-proxy ADDR[/BITS]  believe this proxy, by X-Forwarded-For, who asks, for\n"
	"                          limits and log; unix: who comes by a Unix socket; again for\n"
	"                          more\n"
	"  --forwarded             proxies say it by Forwarded (RFC 7239) instead\n"
	"\n"
	"By HTTPS (docs/https-at-home.md says where certificates come from):\n"
	"  --https HOST:PORT       listen there by HTTPS; again for more\n"
	"  --tls-cert FILE         certificate with its chain, as PEM; again for other names\n"
	"  --tls-key FILE          its key (default: in the certificate's file)\n"
	"  --redirect-https        HTTP does nothing but lead to HTTPS\n"
	"  --hsts DAYS             browsers are to come by HTTPS only, for so long\n"
	"  --watch SECONDS         look so often for new certificates and users (default: 10;\n"
	"                          0: only at a SIGHUP)\n"
	"\n"
	"By FTP (docs/ftp.md; with --tls-cert, by AUTH TLS too):\n"
	"  --ftp HOST:PORT         listen there, such as 0.0.0.0:2121; again for more\n"
	"  --ftps HOST:PORT        the same, by TLS from the first byte\n"
	"  --ftp-passive LOW-HIGH  ports for data, such as 50000-50099 (default: any)\n"
	"  --ftp-public ADDRESS    the IPv4 address that a router before this machine has\n"
	"  --ftp-no-active         passive mode alone, so the server never connects to anybody\n"
	"  --ftp-anonymous         let everybody in as \"anonymous\", to read and list; with\n"
	"                          --state: as far as strangers may\n"
	"  --ftp-tls-reuse         data by TLS from those only who go on from a TLS session of\n"
	"                          this server, as one who has come in does\n"
	"  --ftp-rate BYTES        a second of each transfer, such as 500K (default: any)\n"
	"  --ftp-rate-per-client BYTES, --ftp-rate-per-user BYTES\n"
	"                          the same of all transfers of an address, of a name\n"
	"  --ftp-sessions-per-user N  logged in at a time by one name\n"
	"  --ftp-idle-timeout SECONDS  between two commands (default: 300)\n"
	"  --ftp-log PATH          append a line per file to PATH, as xferlog(5)\n"
	"\n"
	"Chat (docs/chat.md):\n"
	"  --chat HOST:PORT        rooms by lines over TCP, and datagrams over UDP, for nc and\n"
	"                          scripts, such as 127.0.0.1:7070; or unix:/PATH; again for\n"
	"                          more; with --state, people have accounts, and all is kept\n"
	"  --chat-tls HOST:PORT    the same, by TLS from the first byte\n"
	"  --chat-web              rooms in the browser, at /.weft/chat, and for programs by\n"
	"                          WebSocket at /.chat\n"
	"  --chat-no-guests        only people with accounts\n"
	"  --chat-guest-rooms      guests may make rooms\n"
	"  --chat-rate N           commands a second of one client; more wait (default: 20)\n"
	"  --announce NAME         what weft chat and weft discover on the local networks call\n"
	"                          it (default: this machine's name); not at 127.0.0.1 alone\n"
	"  --no-announce           tell the networks nothing\n"
	"\n"
	"Told by a file, too (weft config --help):\n"
	"  --config FILE           each line an option, as key = value (default:\n"
	"                          weft/weft.conf in ~/.config, or of root and of a service\n"
	"                          /etc/weft/weft.conf, if it is there); none: no file\n"
	"  --dir DIR               the folder, as DIR alone says it (default: .)\n"
	"\n"
	"Who:\n"
	"  --auth-file FILE        only those in FILE, with their passwords; a line is NAME:HASH,\n"
	"                          as htpasswd -B makes it\n"
	"  --state DIR             those with accounts in DIR, each as far as granted; strangers\n"
	"                          may read (weft account); default: DIR is the usual folder of\n"
	"                          this user; none: there are no accounts\n"
	"  --hash-cost COST        of passwords there: tuned to this machine, or least\n"
	"                          (default: tuned)\n"
	"  --insecure-auth         let passwords go over a network in the clear\n"
	"\n"
	"What it can do at all (docs/security.md):\n"
	"  --user NAME[:GROUP]     started by root: be this user once it is set up; low ports are\n"
	"                          opened all the same\n"
	"  --confine HOW           keep the process to its files, ports and system calls, as far\n"
	"                          as the kernel can (auto), not at all (no), or not start where\n"
	"                          it can't (strict; default: auto)\n"
	"  --allow-dumps           let it leave core dumps, and be looked into by a debugger of\n"
	"                          its own user: they show passwords and keys\n"
	"\n"
	"What:\n"
	"  --page                  folders as a page in the browser, with log-in, chat and\n"
	"                          accounts as far as there are any (docs/page.md)\n"
	"  --no-listing            do not list folders that have no index.html\n"
	"  --hidden                show names that begin with a dot, too\n"
	"  --links WHICH           follow links that stay inside, none, or all (default: inside);\n"
	"                          with accounts none are, and all is refused\n"
	"  --index NAME            what stands for its folder (default: index.html); again for\n"
	"                          more names; none: nothing does\n"
	"  --error-page FILE       the page of what is not there, in DIR, such as 404.html\n"
	"  --spa FILE              the page for addresses that lead nowhere and are no file's,\n"
	"                          such as index.html, for an application that has its routes\n"
	"                          in the browser\n"
	"  --cors ORIGIN           let scripts of https://app.example read it all; *: of anyone\n"
	"  --cache PATTERN=RULE    let browsers keep what fits: '*.css=3600' for an hour,\n"
	"                          'assets/*=immutable' for ever, '*.html=no-cache' by asking\n"
	"                          each time; :hashed=RULE is for names that hold a hash,\n"
	"                          such as app.3f9a1c07.js; again for more, the first counts\n"
	"  --type EXTENSION=TYPE   a content type, such as md=text/html; again for more\n"
	"  --download PATTERN      have browsers save such files, '*.svg', not show them; again\n"
	"                          for more (any file by ?download behind its address)\n"
	"  --no-compression        compress nothing on the fly\n"
	"  --no-precompressed      never send NAME.br or NAME.gz for NAME\n"
	"\n"
	"Changes (from everybody who may come in; pages of other sites are kept out):\n"
	"  --allow-upload          take new files, by the form under each listing or by PUT, and\n"
	"                          make folders (MKCOL); a PUT may replace what it names by "
	"If-Match\n"
	"  --allow-overwrite       new files may replace old ones\n"
	"  --allow-change          remove and move files and folders (DELETE, MOVE)\n"
	"  --trash-days N          what is put into the trash goes for good after N days\n"
	"                          (default: 30)\n"
	"  --no-trash              what is removed is gone at once; what is in the trash waits\n"
	"  --cors-change           let scripts of the origin of --cors change things, too\n"
	"  --upload-max BYTES      longest upload, such as 500M (default: 4G)\n"
	"\n"
	"Limits:\n"
	"  --connections N         connections at once; more wait, or get 503 from thread and\n"
	"                          fork (default: as descriptors last, or the model's bound)\n"
	"  --connections-per-client N  of one address, or /64 of IPv6, over all doors together;\n"
	"                          more are turned away (HTTP: 429, FTP: 421)\n"
	"  --rate N                requests a second of one client; more get 429\n"
	"  --rate-burst N          so many of them at once (default: those of 10 seconds)\n"
	"  --header-timeout SECONDS  for a request to arrive (default: 10)\n"
	"  --idle-timeout SECONDS    between two requests (default: 60)\n"
	"  --body-timeout SECONDS    for the next 16 KiB of an upload to come (default: 30)\n"
	"  --write-timeout SECONDS   for a reader to take the next 256 KiB (default: 30)\n"
	"  --grace SECONDS         for downloads under way when it is stopped (default: 10)\n"
	"\n"
	"Log:\n"
	"  --access-log PATH       append a line per request to PATH; -: standard output; none: "
	"none\n"
	"                          (default: - on a terminal, else none)\n"
	"  --log-format FORMAT     common, combined (with referer and browser), json\n"
	"  --json                  print address, folder, workers and driver as JSON\n"
	"\n"
	"How:\n"
	"  --workers N             threads that serve (default: one per core)\n"
	"  --driver NAME           how to wait for the kernel: epoll, uring, epoll-level, poll,\n"
	"                          select (default: the best)\n"
	"  --model NAME            what serves a connection: fiber, loop, thread, pool, fork,\n"
	"                          prefork (default: fiber)\n"
	"  --size N                pool, prefork: how many threads or processes\n"
	"  --help                  this text\n"
	"\n"
	"Stop it with Ctrl-C or SIGTERM: downloads under way get the grace time; a second\n"
	"Ctrl-C ends it at once. SIGHUP: certificates, users, logs and limits anew.\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage.\n";

static const char *const hash_costs[] = {"tuned", "least", NULL};
static const char *const confines[] = {"auto", "no", "strict", NULL};

/* By the numbers of enum weft_http_log_format. */
static const char *const log_formats[] = {"common", "combined", "json", NULL};

/* By the numbers of enum weft_http_links. */
static const char *const links[] = {"inside", "none", "all", NULL};

/* A page that is not there would be missed by its visitors first. */
static bool has_page(const struct serve *serve, const char *page)
{
	char *path = NULL;
	bool is_there = !page ||
			(asprintf(&path, "%s/%s", serve->dir, page) > 0 && access(path, R_OK) == 0);

	free(path);
	if (!is_there)
		weft__cmd_fail(NAME, "can't read the page \"%s\" in %s.", page, serve->dir);
	return is_there;
}

/* What was given several times, and whether all of it can be meant. */
static int take_files_options(struct serve *serve)
{
	static const char *const nothing[] = {NULL};
	struct weft_http_files_options *files = &serve->files_options;
	char fault[WEFT_HTTP_FILES_FAULT_MAX];

	if (files->allow_overwrite && !files->allow_upload && !files->allow_change)
		return weft__cmd_usage(
			NAME, "--allow-overwrite is of --allow-upload or --allow-change.");
	if (files->cors_may_change &&
		(!files->cors_origin || (!files->allow_upload && !files->allow_change)))
		return weft__cmd_usage(
			NAME, "--cors-change is of --cors, and --allow-upload or --allow-change.");
	if (serve->upload_max && !files->allow_upload)
		return weft__cmd_usage(NAME, "--upload-max is of --allow-upload.");
	files->upload_max = (int64_t)serve->upload_max;
	files->trash_keep_ns = serve->no_trash ? -1 : serve->trash_days * DAY_NS;
	files->links = (enum weft_http_links)serve->links;
	if (serve->index_names.count > 0)
		files->index_names = serve->index_names.items;
	if (serve->index_names.count == 1 && strcmp(serve->index_names.items[0], "none") == 0)
		files->index_names = nothing;
	files->cache_rules = serve->cache_rules.items;
	files->types = serve->types.items;
	files->download_names = serve->downloads.items;
	if (!weft_http_files_options_check(files, fault))
		return weft__cmd_usage(NAME, "%s", fault);
	return has_page(serve, files->not_found_page) && has_page(serve, files->fallback_page)
		       ? CMD_DONE
		       : CMD_FAILED;
}

/* Also what would do nothing: whoever gave it relies on something that isn't there. */
static int check_together(struct serve *serve)
{
	const struct weft_http_server_options *server = &serve->server_options;
	const char *model = weft_serve_model_at(serve->model);

	if (server->rate_burst && !server->rate)
		return weft__cmd_usage(NAME, "--rate-burst is of --rate N.");
	if (server->size && strcmp(model, "pool") != 0 && strcmp(model, "prefork") != 0)
		return weft__cmd_usage(NAME, "--size is for --model pool and prefork.");
	return weft__serve_check_doors(serve);
}

static const struct cmd_syntax syntax = {
	.name = NAME, .help = help, .operands_max = 1, .operands = "one folder at a time"};

/* From the file, the environment and the command line. */
static int read_all(struct serve *serve, const struct cmd_option *options, int argc, char **argv)
{
	const char *path = weft__cmd_look_for(options, "config", argc, argv);
	int status = CMD_DONE;

	serve->argc = argc;
	serve->argv = argv;
	serve->settings.command = NAME;
	if (!path)
		path = getenv("WEFT_SERVE_CONFIG");
	if (serve->has_no_file)
		path = "none";
	/* Whoever asks for help may do so because of the file. */
	if (!weft__cmd_look_for(options, "help", argc, argv))
		status = weft__settings_read(&serve->settings, options, path);
	if (!status)
		status = weft__cmd_parse_over(&syntax, options, &serve->settings, argc, argv);
	if (!status && weft__settings_keep(&serve->settings, options) < 0)
		status = weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	serve->is_whole = !status && (serve->is_lan || !weft__serve_is_told(serve, options));
	if (!status && serve->shows_settings)
		weft__settings_print(&serve->settings, options, serve->is_json);
	return status;
}

static int parse(struct serve *serve, int argc, char **argv)
/* tidy: allow function-length, because it is a table, with a line for each option */
{
	struct weft_http_server_options *server = &serve->server_options;
	struct weft_http_files_options *files = &serve->files_options;
	const struct cmd_option options[] = {
		/* Where. */
		CMD_OPTION("dir", CMD_TEXT, &serve->dir, .standard = "."),
		CMD_OPTION("config", CMD_TEXT, &serve->config, .is_of_line = true),
		CMD_OPTION("http", CMD_TEXTS, &serve->http, .standard = SERVE_DEFAULT_HTTP),
		CMD_OPTION("lan", CMD_FLAG, &serve->is_lan),
		CMD_OPTION("unix-mode", CMD_TEXT, &serve->unix_mode, .standard = "600"),
		CMD_OPTION("https", CMD_TEXTS, &serve->https),
		CMD_OPTION("tls-cert", CMD_TEXTS, &serve->certificates),
		CMD_OPTION("tls-key", CMD_TEXTS, &serve->keys),
		CMD_OPTION("cert", CMD_TEXTS, &serve->certificates, .is_of_line = true),
		CMD_OPTION("key", CMD_TEXTS, &serve->keys, .is_of_line = true),
		CMD_OPTION("redirect-https", CMD_FLAG, &serve->redirects),
		CMD_OPTION("hsts", CMD_COUNT, &serve->hsts_days, .max = HSTS_DAYS_MAX),
		CMD_OPTION("watch", CMD_SECONDS, &serve->watch_ns, .zero_ns = -1, .standard = "10"),
		CMD_OPTION("metrics", CMD_TEXT, &serve->metrics_at),
		CMD_OPTION("control", CMD_TEXT, &serve->control_at),
		CMD_OPTION("host", CMD_TEXTS, &serve->host_names),
		CMD_OPTION("trust-proxy", CMD_TEXTS, &serve->proxies),
		CMD_OPTION("forwarded", CMD_FLAG, &server->proxies_say_forwarded),
		/* FTP. */
		CMD_OPTION("ftp", CMD_TEXTS, &serve->ftp.plain),
		CMD_OPTION("ftps", CMD_TEXTS, &serve->ftp.implicit),
		CMD_OPTION("ftp-passive", CMD_TEXT, &serve->ftp.passive),
		CMD_OPTION("ftp-public", CMD_TEXT, &serve->ftp.options.public_address),
		CMD_OPTION("ftp-no-active", CMD_FLAG, &serve->ftp.options.no_active),
		CMD_OPTION("ftp-anonymous", CMD_FLAG, &serve->ftp.options.allows_anonymous),
		CMD_OPTION("ftp-tls-reuse", CMD_FLAG, &serve->ftp.options.needs_resumed_data),
		CMD_OPTION(
			"ftp-rate", CMD_BYTES, &serve->ftp.rate, .min = 1, .max = BYTES_RATE_MAX),
		CMD_OPTION("ftp-rate-per-client", CMD_BYTES, &serve->ftp.rate_per_client, .min = 1,
			.max = BYTES_RATE_MAX),
		CMD_OPTION("ftp-rate-per-user", CMD_BYTES, &serve->ftp.rate_per_user, .min = 1,
			.max = BYTES_RATE_MAX),
		CMD_OPTION("ftp-sessions-per-user", CMD_COUNT,
			&serve->ftp.options.sessions_per_user, .max = WEFT_FIBERS_MAX),
		CMD_OPTION("ftp-idle-timeout", CMD_SECONDS, &serve->ftp.options.idle_timeout_ns,
			.standard = "300"),
		CMD_OPTION("ftp-log", CMD_TEXT, &serve->ftp.log_path),
		/* Chat. */
		CMD_OPTION("chat", CMD_TEXTS, &serve->chat.plain),
		CMD_OPTION("chat-tls", CMD_TEXTS, &serve->chat.by_tls),
		CMD_OPTION("chat-web", CMD_FLAG, &serve->chat.has_web),
		CMD_OPTION("chat-no-guests", CMD_FLAG, &serve->chat.no_guests),
		CMD_OPTION("chat-guest-rooms", CMD_FLAG, &serve->chat.guests_make),
		CMD_OPTION("chat-rate", CMD_COUNT, &serve->chat.rate, .max = RATE_MAX,
			.standard = "20"),
		CMD_OPTION("announce", CMD_TEXT, &serve->chat.announced_as),
		CMD_OPTION("no-announce", CMD_FLAG, &serve->chat.no_announce),
		/* Who. */
		CMD_OPTION("auth-file", CMD_TEXT, &serve->auth_file),
		CMD_OPTION("state", CMD_TEXT, &serve->state),
		CMD_OPTION("hash-cost", CMD_CHOICE, &serve->hash_cost, .choices = hash_costs,
			.standard = "tuned"),
		CMD_OPTION("insecure-auth", CMD_FLAG, &serve->allows_plain_auth),
		/* What it can do at all. */
		CMD_OPTION("user", CMD_TEXT, &serve->user),
		CMD_OPTION("confine", CMD_CHOICE, &serve->confine, .choices = confines,
			.standard = "auto"),
		CMD_OPTION("allow-dumps", CMD_FLAG, &serve->allows_dumps),
		/* What. */
		CMD_OPTION("page", CMD_FLAG, &serve->has_page),
		CMD_OPTION("no-listing", CMD_FLAG, &files->no_listing),
		CMD_OPTION("hidden", CMD_FLAG, &files->shows_hidden),
		CMD_OPTION(
			"links", CMD_CHOICE, &serve->links, .choices = links, .standard = "inside"),
		CMD_OPTION("index", CMD_TEXTS, &serve->index_names, .standard = "index.html"),
		CMD_OPTION("error-page", CMD_TEXT, &files->not_found_page),
		CMD_OPTION("spa", CMD_TEXT, &files->fallback_page),
		CMD_OPTION("cors", CMD_TEXT, &files->cors_origin),
		CMD_OPTION("cache", CMD_TEXTS, &serve->cache_rules),
		CMD_OPTION("type", CMD_TEXTS, &serve->types),
		CMD_OPTION("download", CMD_TEXTS, &serve->downloads),
		CMD_OPTION("no-compression", CMD_FLAG, &files->no_compression),
		CMD_OPTION("no-precompressed", CMD_FLAG, &files->no_precompressed),
		/* Changes. */
		CMD_OPTION("allow-upload", CMD_FLAG, &files->allow_upload),
		CMD_OPTION("allow-overwrite", CMD_FLAG, &files->allow_overwrite),
		CMD_OPTION("allow-change", CMD_FLAG, &files->allow_change),
		CMD_OPTION("trash-days", CMD_COUNT, &serve->trash_days, .max = TRASH_DAYS_MAX,
			.standard = "30"),
		CMD_OPTION("no-trash", CMD_FLAG, &serve->no_trash),
		CMD_OPTION("cors-change", CMD_FLAG, &files->cors_may_change),
		CMD_OPTION("upload-max", CMD_BYTES, &serve->upload_max, .min = 1, .max = INT64_MAX,
			.standard = "4G"),
		/* Limits. To the library 0 means its default. */
		CMD_OPTION(
			"connections", CMD_COUNT, &server->connections_max, .max = WEFT_FIBERS_MAX),
		CMD_OPTION("connections-per-client", CMD_COUNT, &serve->per_host,
			.max = WEFT_FIBERS_MAX),
		CMD_OPTION("rate", CMD_COUNT, &server->rate, .max = RATE_MAX),
		CMD_OPTION("rate-burst", CMD_COUNT, &server->rate_burst, .max = RATE_MAX),
		CMD_OPTION("header-timeout", CMD_SECONDS, &server->header_timeout_ns,
			.standard = "10"),
		CMD_OPTION("idle-timeout", CMD_SECONDS, &server->idle_timeout_ns, .standard = "60"),
		CMD_OPTION("body-timeout", CMD_SECONDS, &server->body_timeout_ns, .standard = "30"),
		CMD_OPTION(
			"write-timeout", CMD_SECONDS, &server->write_timeout_ns, .standard = "30"),
		CMD_OPTION(
			"grace", CMD_SECONDS, &server->grace_ns, .zero_ns = -1, .standard = "10"),
		/* Log. */
		CMD_OPTION("access-log", CMD_TEXT, &serve->access_log),
		CMD_OPTION("log-format", CMD_CHOICE, &serve->log_format, .choices = log_formats,
			.ret_is_given = &serve->has_log_format, .standard = "common"),
		CMD_OPTION("json", CMD_FLAG, &serve->is_json, .is_of_line = true),
		/* How. */
		CMD_OPTION("workers", CMD_COUNT, &serve->run.workers, .max = WEFT_WORKERS_MAX),
		CMD_OPTION("driver", CMD_TEXT, &serve->run.driver, .choices = weft__cmd_drivers()),
		CMD_OPTION("model", CMD_CHOICE, &serve->model, .choices = weft__cmd_models(),
			.standard = "fiber"),
		CMD_OPTION("size", CMD_COUNT, &server->size, .max = CMD_MODEL_SIZE_MAX),
		CMD_OPTIONS_END,
	};

	return read_all(serve, options, argc, argv);
}

static int check_useless(struct serve *serve)
{
	return weft__serve_check_useless(serve);
}

static int check_model(struct serve *serve)
{
	return weft__cmd_model_fits(NAME, serve->model, &serve->run);
}

/* Whether what was given can be meant together: to the first that can't, or all, to be told. */
static int check_all(struct serve *serve)
{
	static int (*const checks[])(struct serve *) = {check_useless, weft__serve_check_accounts,
		check_together, weft__serve_take_hosts, weft__serve_page_take, take_files_options,
		weft__serve_ftp_take, weft__serve_chat_take, check_model};
	int status = CMD_DONE;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		int one = status && !serve->inspects ? status : checks[i](serve);

		status = status ? status : one;
	}
	return status;
}

static int take_all(struct serve *serve)
{
	int status = CMD_DONE;

	serve->server_options.model = weft_serve_model_at(serve->model);
	if (serve->is_whole)
		status = weft__serve_take_whole(serve);
	if (!status)
		status = check_all(serve);
	if (serve->inspects && weft__serve_inspect(serve) && !status)
		status = CMD_USAGE;
	return status;
}

int weft__serve_take_options(struct serve *serve, int argc, char **argv)
{
	const struct cmd_settings *before;
	int status = parse(serve, argc, argv);

	if (status)
		return status;
	if (optind < argc) {
		serve->dir = argv[optind];
		weft__settings_overrule(&serve->settings, "dir");
	}
	before = weft__settings_blame(&serve->settings);
	status = take_all(serve);
	weft__settings_blame(before);
	/* Who has not typed it finds it there. */
	if (status == CMD_USAGE && serve->settings.path && !serve->inspects)
		fprintf(stderr, "Settings are taken from %s, too; weft config show lists all.\n",
			serve->settings.path);
	return status;
}
