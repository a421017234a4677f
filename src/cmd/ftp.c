/*
 * ftp.c - `weft ftp`: files there and here, by hand or by script.
 *
 * Entry point: weft__cmd_ftp().
 *
 *	options -> place, login -> weft_run(): connect -> shell (ftp_shell.c)
 *
 * Never: sends a password in the clear but where that was asked for, or shows what a server
 * said to the terminal as it came.
 */
#include "ftp.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "service.h"
#include "weft/tls.h"

static const char help[] =
	"usage: weft ftp [USER@]HOST[:PORT][/FOLDER] [OPTION]...\n"
	"       weft ftp ftp://... or ftps://...\n"
	"\n"
	"Move files to and from an FTP server: type commands (help lists them, TAB completes\n"
	"them and the names there and here), or give them with -c or -f.\n"
	"\n"
	"  -c, --command 'A; B'  run these commands and end; at the first that fails, fail\n"
	"  -f, --file FILE       the same with the lines of a file; - is the standard input\n"
	"  --parallel N          files moved at a time, each by a connection of its own\n"
	"                        (default: 3)\n"
	"  --verify              compare the SHA-256 of what was moved, where the server has HASH\n"
	"  --temporary           upload as NAME.part, and rename when it is whole: for servers "
	"that\n"
	"                        show a file from its first byte on\n"
	"  --security HOW        auto: TLS where the server offers it, and no password without;\n"
	"                        explicit: TLS or nothing; implicit: TLS from the first byte\n"
	"                        on, as ftps://; plain: none (default: auto)\n"
	"  --issuers FILE        trust the authorities in this PEM file instead of the system's\n"
	"  --insecure            don't check the server's certificate: anybody can read along\n"
	"  --clear-data          encrypt the commands only\n"
	"  --active              let the server connect to here for data\n"
	"  --trust-address       believe the address that the server names for data\n"
	"  --timeout SECONDS     for each step of the server (default: 60)\n"
	"  --trace               show on stderr what is said, but the password\n"
	"  --help                this text\n"
	"\n"
	"The password is asked for, or comes from WEFT_FTP_PASSWORD or ~/.netrc. Without a user\n"
	"there and here, one is \"anonymous\".\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage.\n";

/* ---- The place ------------------------------------------------------------------------ */

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

/* "%20" undone. False: a NUL would be in it. */
static bool decode(char *text)
{
	char *to = text;

	for (; *text; text++) {
		int high = *text == '%' ? hex_digit(text[1]) : -1;
		int low = high >= 0 ? hex_digit(text[2]) : -1;

		if (low >= 0) {
			if ((high | low) == 0)
				return false;
			*to++ = (char)(high << 4 | low);
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
	return true;
}

static int fail_place(const struct ftp *ftp)
{
	return weft__cmd_usage(FTP, "\"%s\" is not [USER@]HOST[:PORT][/FOLDER].", ftp->place);
}

/* USER@HOST:PORT of len bytes. The last '@': names of users may be addresses of mail. */
static int take_authority(struct ftp *ftp, const char *text, size_t len)
{
	const char *at = memrchr(text, '@', len);

	if (at) {
		ftp->user = strndup(text, (size_t)(at - text));
		if (!ftp->user || !decode(ftp->user) || !*ftp->user)
			return fail_place(ftp);
		if (memchr(text, ':', (size_t)(at - text)))
			return weft__cmd_usage(FTP,
				"a password on the command line can be read by everybody here; it "
				"is asked for.");
		len -= (size_t)(at + 1 - text);
		text = at + 1;
	}
	ftp->host = strndup(text, len);
	return ftp->host && *ftp->host ? CMD_DONE : fail_place(ftp);
}

static int take_place(struct ftp *ftp)
{
	const char *text = ftp->place;
	bool is_url = strncmp(text, "ftp://", 6) == 0, is_secure = strncmp(text, "ftps://", 7) == 0;
	size_t len;
	int status;

	if (is_secure && ftp->security == WEFT_FTP_AUTO)
		ftp->security = WEFT_FTP_IMPLICIT;
	text += is_url ? 6 : is_secure ? 7 : 0;
	len = strcspn(text, "/");
	status = take_authority(ftp, text, len);
	if (status)
		return status;
	if (text[len] == '\0' || text[len + 1] == '\0')
		return CMD_DONE;
	/* RFC 1738, 3.2.2: a URL's path begins at the login's folder; "//x" and "%2Fx" at the top.
	 */
	ftp->folder = strdup(is_url || is_secure ? text + len + 1 : text + len);
	return ftp->folder && (!(is_url || is_secure) || decode(ftp->folder)) ? CMD_DONE
									      : fail_place(ftp);
}

static int take_options(struct ftp *ftp, int argc, char **argv)
{
	static const char *const securities[] = {"auto", "plain", "explicit", "implicit", NULL};
	static const struct cmd_syntax syntax = {
		.name = FTP, .help = help, .operands_max = 1, .operands = "one server at a time"};
	const struct cmd_option table[] = {
		CMD_OPTION("command", CMD_TEXT, &ftp->commands, .letter = 'c'),
		CMD_OPTION("file", CMD_TEXT, &ftp->file, .letter = 'f'),
		CMD_OPTION("parallel", CMD_COUNT, &ftp->parallel, .max = FTP_PARALLEL_MAX),
		CMD_OPTION("verify", CMD_FLAG, &ftp->verifies),
		CMD_OPTION("temporary", CMD_FLAG, &ftp->uses_temporary),
		CMD_OPTION("security", CMD_CHOICE, &ftp->security, .choices = securities),
		CMD_OPTION("issuers", CMD_TEXT, &ftp->issuers),
		CMD_OPTION("insecure", CMD_FLAG, &ftp->is_insecure),
		CMD_OPTION("clear-data", CMD_FLAG, &ftp->has_clear_data),
		CMD_OPTION("active", CMD_FLAG, &ftp->is_active),
		CMD_OPTION("trust-address", CMD_FLAG, &ftp->trusts_address),
		CMD_OPTION("timeout", CMD_SECONDS, &ftp->timeout_ns),
		CMD_OPTION("trace", CMD_FLAG, &ftp->traces),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, table, argc, argv);

	if (status)
		return status;
	if (optind == argc)
		return weft__cmd_usage(FTP, "which server?");
	if (ftp->commands && ftp->file)
		return weft__cmd_usage(FTP, "-c and -f exclude each other.");
	ftp->place = argv[optind];
	return take_place(ftp);
}

/* ---- Clients -------------------------------------------------------------------------- */

static void trace(void *arg, const char *line, bool is_sent)
{
	(void)arg;
	fprintf(stderr, "%s %s\n", is_sent ? ">" : "<", weft__cmd_ftp_visible(line));
}

struct weft_ftp_client_options weft__cmd_ftp_client_options(struct ftp *ftp)
{
	return (struct weft_ftp_client_options){
		.security = (enum weft_ftp_security)ftp->security,
		.tls = ftp->tls,
		.user = ftp->user,
		.password = ftp->password,
		.is_active = ftp->is_active,
		.trusts_address = ftp->trusts_address,
		.has_clear_data = ftp->has_clear_data,
		.timeout_ns = ftp->timeout_ns,
		.trace = ftp->traces ? trace : NULL,
	};
}

int weft__cmd_ftp_fail(
	const struct ftp *ftp, const struct weft_ftp_client *client, const char *what)
{
	const struct weft_ftp_fault *fault = weft_ftp_client_fault(client);

	if (fault->error == ECANCELED)
		return weft__cmd_fail(FTP, "broken off.");
	(void)ftp;
	/* The texts are made of what can be shown: not once more; and some name the file. */
	if (what && !strstr(fault->text, weft__cmd_ftp_visible(what)))
		fprintf(stderr, "weft " FTP ": %s: %s\n", weft__cmd_ftp_visible(what), fault->text);
	else
		fprintf(stderr, "weft " FTP ": %s\n", fault->text);
	return CMD_FAILED;
}

static struct weft_ftp_client *connect_anew(struct ftp *ftp)
{
	struct weft_ftp_client_options options = weft__cmd_ftp_client_options(ftp);
	const char *folder = ftp->remote ? ftp->remote : ftp->folder;
	struct weft_ftp_fault fault;

	options.ret_fault = &fault;
	ftp->client = weft_ftp_client_connect(ftp->host, &options);
	if (!ftp->client) {
		fprintf(stderr, "weft " FTP ": %s\n", fault.text);
		return NULL;
	}
	if (folder && weft_ftp_client_cwd(ftp->client, folder) < 0) {
		weft__cmd_ftp_fail(ftp, ftp->client, NULL);
		weft_ftp_client_free(ftp->client);
		ftp->client = NULL;
	}
	/* For the prompt, and for the connection after this one. */
	if (ftp->client && ftp->is_interactive && !ftp->remote &&
		(folder = weft_ftp_client_pwd(ftp->client)))
		ftp->remote = strdup(folder);
	return ftp->client;
}

struct weft_ftp_client *weft__cmd_ftp_client(struct ftp *ftp)
{
	/* Servers hang up on who is silent, and stop: that is seen before a command is lost. */
	if (ftp->client && weft_ftp_client_is_ready(ftp->client))
		return ftp->client;
	if (ftp->client && ftp->is_interactive)
		fprintf(stderr, "The connection was lost; connecting again.\n");
	weft_ftp_client_free(ftp->client);
	ftp->client = NULL;
	return connect_anew(ftp);
}

/* ---- The whole ------------------------------------------------------------------------ */

int weft__cmd_ftp_make_tls(struct ftp *ftp)
{
	const struct weft_tls_client_options options = {
		.issuers = ftp->issuers, .accepts_anybody = ftp->is_insecure};
	struct weft_tls_fault fault = {.kind = WEFT_TLS_NO_FAULT};

	if (ftp->tls)
		return CMD_DONE;
	ftp->tls = weft_tls_client_new(&options, &fault);
	if (ftp->tls)
		return CMD_DONE;
	return weft__cmd_fail(FTP, "%s", fault.kind ? fault.text : strerror(errno));
}

static int first_fiber(void *arg)
{
	struct ftp *ftp = arg;
	int status = weft__cmd_ftp_shell(ftp);

	weft_ftp_pool_free(ftp->pool);
	weft_ftp_client_free(ftp->client);
	ftp->pool = NULL;
	ftp->client = NULL;
	return status;
}

static void forget(struct ftp *ftp)
{
	if (ftp->password)
		explicit_bzero(ftp->password, strlen(ftp->password));
	weft_tls_free(ftp->tls);
	free(ftp->password);
	free(ftp->user);
	free(ftp->host);
	free(ftp->folder);
	free(ftp->remote);
}

int weft__cmd_ftp(int argc, char **argv)
{
	const struct weft_run_options one = {.workers = 1};
	struct ftp ftp = {.parallel = FTP_PARALLEL};
	int status = take_options(&ftp, argc, argv);

	weft_lock_init(&ftp.busy, "ftp client");
	if (status == CMD_DONE)
		status = weft__cmd_ftp_find_login(&ftp);
	/* Without either, the client reads what it needs when the server offers TLS. */
	if (status == CMD_DONE && (ftp.issuers || ftp.is_insecure))
		status = weft__cmd_ftp_make_tls(&ftp);
	if (status == CMD_DONE)
		status = weft__cmd_run(FTP, &one, first_fiber, &ftp);
	forget(&ftp);
	return status == CMD_HELPED ? CMD_DONE : status;
}
