/*
 * get.c - `weft get`: fetches a URL, and prints what it gets or puts it into a file.
 *
 * Entry point: weft__cmd_get().
 *
 *	options -> fetch -> head, body -> facts
 *
 * Never: leaves half a file under the name that was asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"
#include "service.h"
#include "weft/file.h"
#include "weft/http_client.h"

#define NAME "get"

struct get {
	const char *url, *output, *data, *issuers;
	struct cmd_texts headers; /* NAME: VALUE */
	struct weft_http_field fields[CMD_TEXTS_MAX];
	bool is_stream; /* output: no file, but a device or a pipe */
	bool stays, shows_head, is_insecure, fails, is_json;
	struct weft_http_fetch_options options;
	struct weft_http_fault fault;
	int data_fd;      /* of --data @FILE; -1: none */
	int64_t lent_len; /* of it, from a pipe */
	int64_t body_len; /* of the response */
};

static const char help[] =
	"usage: weft get URL [OPTION]...\n"
	"\n"
	"Fetch URL, http or https, and print the body of the response.\n"
	"\n"
	"  --output FILE      put the body there instead, all of it or nothing\n"
	"  --head             print the response's status and header fields before the body\n"
	"  --json             print what came as JSON instead of the body\n"
	"  --fail             fail when the status is 400 or more\n"
	"  --method METHOD    instead of GET, or of POST with --data\n"
	"  --header 'N: V'    send one more header field; may be given several times\n"
	"  --data TEXT        send a body; @FILE sends a file, @- the standard input\n"
	"  --type TYPE        the body's Content-Type\n"
	"  --no-redirects     print a redirect like any other response\n"
	"  --timeout SECONDS  for all of it (default: no bound, but a minute for each step)\n"
	"  --gzip             ask for gzip, and undo it\n"
	"  --unix PATH        connect to this Unix socket, whatever the URL's host\n"
	"  --issuers FILE     trust the authorities in this PEM file instead of the system's\n"
	"  --insecure         don't check the server's certificate: anybody can read along\n"
	"  --help             this text\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage.\n";

/* ---- The command line --------------------------------------------------------------- */

static int take_headers(struct get *get)
{
	for (unsigned i = 0; i < get->headers.count; i++) {
		char *text = (char *)get->headers.items[i], *colon = strchr(text, ':');

		if (!colon)
			return weft__cmd_usage(
				NAME, "--header takes NAME: VALUE, not \"%s\".", text);
		*colon = '\0'; /* of our own argv */
		get->fields[i].name = text;
		get->fields[i].value = colon + 1 + strspn(colon + 1, " \t");
	}
	get->options.fields = get->fields;
	get->options.field_count = get->headers.count;
	return CMD_DONE;
}

static int take_options(struct get *get, int argc, char **argv)
{
	static const struct cmd_syntax syntax = {
		.name = NAME, .help = help, .operands_max = 1, .operands = "one URL at a time"};
	struct weft_http_fetch_options *options = &get->options;
	const struct cmd_option table[] = {
		CMD_OPTION("output", CMD_TEXT, &get->output),
		CMD_OPTION("head", CMD_FLAG, &get->shows_head),
		CMD_OPTION("json", CMD_FLAG, &get->is_json),
		CMD_OPTION("fail", CMD_FLAG, &get->fails),
		CMD_OPTION("method", CMD_TEXT, &options->method),
		CMD_OPTION("header", CMD_TEXTS, &get->headers),
		CMD_OPTION("data", CMD_TEXT, &get->data),
		CMD_OPTION("type", CMD_TEXT, &options->body_type),
		CMD_OPTION("no-redirects", CMD_FLAG, &get->stays),
		CMD_OPTION("timeout", CMD_SECONDS, &options->timeout_ns),
		CMD_OPTION("gzip", CMD_FLAG, &options->decodes_gzip),
		CMD_OPTION("unix", CMD_TEXT, &options->unix_path),
		CMD_OPTION("issuers", CMD_TEXT, &get->issuers),
		CMD_OPTION("insecure", CMD_FLAG, &get->is_insecure),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, table, argc, argv);

	if (status)
		return status;
	if (optind == argc)
		return weft__cmd_usage(NAME, "which URL?");
	get->url = argv[optind];
	options->redirects_max = get->stays ? -1 : 0;
	options->ret_fault = &get->fault;
	return take_headers(get);
}

/* ---- What is sent ------------------------------------------------------------------- */

/* From a file at any place; from a pipe only in order, and once. */
static ssize_t lend(void *arg, int64_t offset, void *buffer, size_t size_bytes)
{
	struct get *get = arg;
	ssize_t len = pread(get->data_fd, buffer, size_bytes, offset);

	if (len >= 0 || errno != ESPIPE || offset != get->lent_len)
		return len;
	len = read(get->data_fd, buffer, size_bytes);
	get->lent_len += len > 0 ? len : 0;
	return len;
}

static int open_data(struct get *get)
{
	struct weft_http_fetch_options *options = &get->options;
	const char *path = get->data && get->data[0] == '@' ? get->data + 1 : NULL;
	struct stat facts;

	get->data_fd = -1;
	if (!get->data)
		return CMD_DONE;
	if (!path) {
		options->body = get->data;
		options->body_len = (int64_t)strlen(get->data);
		return CMD_DONE;
	}
	get->data_fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (get->data_fd < 0 || fstat(get->data_fd, &facts) < 0)
		return weft__cmd_fail(NAME, "%s: %s.", path, strerror(errno));
	options->body_source = lend;
	options->body_arg = get;
	options->body_len = S_ISREG(facts.st_mode) ? facts.st_size : WEFT_HTTP_LEN_UNKNOWN;
	return CMD_DONE;
}

/* ---- What is had -------------------------------------------------------------------- */

static void print_text(struct weft_http_text text)
{
	fwrite(text.data, 1, text.len, stdout);
}

static void print_json_text(struct weft_http_text text)
{
	char *copy = strndup(text.data, text.len);

	weft__cmd_print_json_text(copy ? copy : "");
	free(copy);
}

static void print_head(const struct weft_http_fetch *fetch)
{
	struct weft_http_text name, value;

	printf("%d ", weft_http_fetch_status(fetch));
	print_text(weft_http_fetch_reason(fetch));
	for (size_t i = 0; weft_http_fetch_field_at(fetch, i, &name, &value); i++) {
		printf("\n");
		print_text(name);
		printf(": ");
		print_text(value);
	}
	printf("\n\n");
}

static void print_facts(const struct get *get, const struct weft_http_fetch *fetch)
{
	struct weft_http_text name, value;

	printf("{\"url\":");
	weft__cmd_print_json_text(weft_http_fetch_url(fetch)->text);
	printf(",\"status\":%d,\"reason\":", weft_http_fetch_status(fetch));
	print_json_text(weft_http_fetch_reason(fetch));
	printf(",\"redirects\":%u,\"body_len\":%lld,\"fields\":[", weft_http_fetch_redirects(fetch),
		(long long)get->body_len);
	for (size_t i = 0; weft_http_fetch_field_at(fetch, i, &name, &value); i++) {
		printf(i ? ",[" : "[");
		print_json_text(name);
		printf(",");
		print_json_text(value);
		printf("]");
	}
	printf("]}\n");
}

/* Nowhere, to the file or to the standard output. */
static int put(const struct get *get, struct weft_file *file, const char *data, size_t len)
{
	if (file && weft_file_write(file, data, len) < 0)
		return weft__cmd_fail(NAME, "%s: %s.", get->output, strerror(errno));
	if (!file && !get->is_json && fwrite(data, 1, len, stdout) != len)
		return CMD_FAILED; /* main() says why, or that nobody reads */
	return CMD_DONE;
}

static int take_body(struct get *get, struct weft_http_fetch *fetch, struct weft_file *file)
{
	static char data[65536];
	int status = CMD_DONE;
	ssize_t len;

	while ((len = weft_http_fetch_read(fetch, data, sizeof(data))) > 0 && status == CMD_DONE) {
		status = put(get, file, data, (size_t)len);
		get->body_len += len;
	}
	if (len < 0)
		return weft__cmd_fail(NAME, "%s", weft_http_fetch_fault(fetch)->text);
	if (status == CMD_DONE && file &&
		(get->is_stream ? weft_file_flush(file) : weft_file_commit(file)) < 0)
		return weft__cmd_fail(NAME, "%s: %s.", get->output, strerror(errno));
	return status;
}

/* A device or a pipe takes it as it comes; there is nothing to be replaced. NULL: errno. */
static struct weft_file *open_output(struct get *get)
{
	struct weft_file *file = weft_file_open_replace(get->output);

	get->is_stream = !file && errno == EEXIST;
	return get->is_stream ? weft_file_open_flags(get->output, O_WRONLY, 0) : file;
}

static int fail_output(const struct get *get)
{
	if (errno == EISDIR || (errno == EINVAL && get->output[0]))
		return weft__cmd_fail(NAME,
			"--output: %s is a folder; name the file that is to be in it.",
			get->output);
	if (errno == EINVAL)
		return weft__cmd_fail(NAME, "--output wants the name of a file.");
	if (errno == ENOENT || errno == ENOTDIR)
		return weft__cmd_fail(NAME,
			"--output: the folder that %s is to be in is not there.", get->output);
	return weft__cmd_fail(NAME, "--output: can't write %s: %s.", get->output, strerror(errno));
}

static int show(struct get *get, struct weft_http_fetch *fetch)
{
	struct weft_file *file = NULL;
	int status;

	if (get->fails && weft_http_fetch_status(fetch) >= 400)
		return weft__cmd_fail(NAME, "%s: %d %s.", weft_http_fetch_url(fetch)->text,
			weft_http_fetch_status(fetch),
			weft_http_status_phrase(weft_http_fetch_status(fetch)));
	if (get->output && !(file = open_output(get)))
		return fail_output(get);
	if (get->shows_head && !get->is_json)
		print_head(fetch);
	status = take_body(get, fetch, file);
	weft_file_close(file);
	if (status == CMD_DONE && get->is_json)
		print_facts(get, fetch);
	return status;
}

/* ---- The whole ---------------------------------------------------------------------- */

static int fetch_it(struct get *get, struct weft_tls *tls)
{
	const struct weft_http_client_options options = {.tls = tls};
	struct weft_http_fetch *fetch;
	int status;

	get->options.client = weft_http_client_new(&options);
	fetch = get->options.client ? weft_http_fetch(get->url, &get->options) : NULL;
	if (fetch)
		status = show(get, fetch);
	else
		status = weft__cmd_fail(
			NAME, "%s", get->fault.kind ? get->fault.text : strerror(errno));
	weft_http_fetch_free(fetch);
	weft_http_client_free(get->options.client);
	return status;
}

int weft__cmd_get(int argc, char **argv)
{
	static const char *const protocols[] = {"http/1.1", NULL};
	struct weft_tls_client_options options = {.protocols = protocols};
	struct weft_tls_fault fault = {.kind = WEFT_TLS_NO_FAULT};
	struct get get = {.data_fd = -1};
	struct weft_tls *tls = NULL;
	int status = take_options(&get, argc, argv);

	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	options.issuers = get.issuers;
	options.accepts_anybody = get.is_insecure;
	/* Without either, the client reads what it needs when it needs it. */
	if (get.issuers || get.is_insecure) {
		tls = weft_tls_client_new(&options, &fault);
		if (!tls)
			return weft__cmd_fail(NAME, "%s", fault.text);
	}
	status = open_data(&get);
	if (status == CMD_DONE)
		status = fetch_it(&get, tls);
	if (get.data_fd > STDIN_FILENO)
		close(get.data_fd);
	weft_tls_free(tls);
	return status;
}
