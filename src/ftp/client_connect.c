/*
 * client_connect.c - the beginning and the end of a client: connecting, TLS, logging in.
 *
 * Entry points: weft_ftp_client_connect(), weft_ftp_client_free(), weft__ftp_start_tls().
 *
 *	connect -> 220 -> AUTH TLS -> USER, PASS -> PBSZ, PROT -> FEAT -> OPTS, TYPE I
 *
 * Never: sends a password in the clear that the options have not allowed to be, or reads what
 * came in the clear as if it had been encrypted (weft_stream_start_tls() sees to that).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "ftp/client.h"
#include "io/stream.h"
#include "weft/dns.h"
#include "weft/scope.h"
#include "weft/socket.h"

/** Times that a server may say "120 soon". */
#define GREETINGS_MAX 4

/* ---- Life --------------------------------------------------------------------------- */

static int copy_options(struct weft_ftp_client *client, const struct weft_ftp_client_options *given)
{
	const char **const places[] = {
		&client->options.user, &client->options.password, &client->options.account};

	if (given)
		client->options = *given;
	if (!client->options.user) {
		client->options.user = "anonymous";
		if (!client->options.password)
			client->options.password = "anonymous@";
	}
	if (client->options.timeout_ns == 0)
		client->options.timeout_ns = WEFT__FTP_TIMEOUT_NS;
	else if (client->options.timeout_ns < 0)
		client->options.timeout_ns = WEFT_FOREVER;
	for (int i = 0; i < 3; i++) {
		if (!*places[i])
			continue;
		client->strings[i] = strdup(*places[i]);
		if (!client->strings[i])
			return -1;
		*places[i] = client->strings[i];
	}
	return 0;
}

static struct weft_ftp_client *client_new(const struct weft_ftp_client_options *options)
{
	struct weft_ftp_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	weft__ftp_reply_init(&client->reply);
	if (copy_options(client, options) < 0) {
		weft_ftp_client_free(client);
		errno = ENOMEM;
		return NULL;
	}
	return client;
}

static void free_secret(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void weft_ftp_client_free(struct weft_ftp_client *client)
{
	int saved_errno = errno;

	if (!client)
		return;
	if (client->transfer)
		weft_ftp_file_abort(client->transfer);
	if (client->control) {
		/* It fits into any socket's buffer: this is a courtesy, not worth a wait. */
		WEFT_SHIELDED
			WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(100))
				if (weft_stream_write_all(client->control, "QUIT\r\n", 6) == 0)
					weft_stream_flush(client->control);
		weft_stream_free(client->control);
	}
	weft_tls_free(client->tls);
	weft__ftp_reply_fini(&client->reply);
	explicit_bzero(client->line, sizeof(client->line));
	for (int i = 0; i < 3; i++)
		free_secret(client->strings[i]);
	free(client->greeting);
	free(client->folder);
	free(client->lines);
	free(client);
	errno = saved_errno;
}

/* ---- Connecting --------------------------------------------------------------------- */

static int fail_host(struct weft_ftp_client *client)
{
	return weft__ftp_fail(
		client, WEFT_FTP_BAD_ARGUMENT, EINVAL, "That is no host, nor host and port.");
}

/* "HOST", "HOST:PORT", "[::1]", "[::1]:PORT", "::1". */
static int take_host(struct weft_ftp_client *client, const char *text)
{
	const char *end = text + strlen(text), *colon = strrchr(text, ':');
	unsigned long port = client->options.security == WEFT_FTP_IMPLICIT ? 990 : 21;
	const char *start = text;

	if (colon && (strchr(text, ':') == colon || colon[-1] == ']')) {
		char *rest;

		port = strtoul(colon + 1, &rest, 10);
		if (rest == colon + 1 || *rest || port < 1 || port > 65535 || colon[1] == '-')
			return fail_host(client);
		end = colon;
	}
	if (end - start >= 2 && *start == '[' && end[-1] == ']') {
		start++;
		end--;
	}
	if (end == start || end - start > WEFT__FTP_HOST_MAX)
		return fail_host(client);
	for (const char *at = start; at < end; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f || *at == '/')
			return fail_host(client);
	memcpy(client->host, start, (size_t)(end - start));
	client->host[end - start] = '\0';
	client->port = (uint16_t)port;
	return 0;
}

static int connect_host(struct weft_ftp_client *client)
{
	struct weft_address addresses[WEFT_ADDRESS_RESOLVE_MAX];
	struct weft_dns_query query = {.host = client->host};
	char port[8], host[200], what[240];
	int count = -1, on = 1;

	snprintf(port, sizeof(port), "%u", client->port);
	query.service = port;
	weft__ftp_visible(client->host, host, sizeof(host));
	WEFT_WITH_TIMEOUT (weft__ftp_patience(client))
		count = weft_dns_resolve(&query, addresses, WEFT_ADDRESS_RESOLVE_MAX);
	if (count <= 0 && errno == ENOENT)
		return weft__ftp_fail(
			client, WEFT_FTP_NO_HOST, ENOENT, "The host %s was not found.", host);
	snprintf(what, sizeof(what), "The host %s was not found", host);
	if (count <= 0)
		return weft__ftp_fail_errno(client, WEFT_FTP_NO_HOST, what);
	WEFT_WITH_TIMEOUT (weft__ftp_patience(client))
		client->control = weft__stream_connect_any(addresses, count);
	snprintf(what, sizeof(what), "%s, port %s, can not be connected to", host, port);
	if (!client->control ||
		weft_getpeername(weft_stream_fd(client->control), &client->peer) < 0 ||
		weft_getsockname(weft_stream_fd(client->control), &client->local) < 0)
		return weft__ftp_fail_errno(client, WEFT_FTP_NO_CONNECTION, what);
	/* Idle while data flows elsewhere: what stands between must not forget it. */
	weft_setsockopt(weft_stream_fd(client->control), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	return 0;
}

/* 120 says that 220 will come. */
static int greet(struct weft_ftp_client *client)
{
	int code = weft__ftp_await(client);

	for (int i = 0; i < GREETINGS_MAX && code >= 100 && code < 200; i++)
		code = weft__ftp_await(client);
	if (code < 0)
		return -1;
	if (code / 100 != 2)
		return weft__ftp_fail_reply(client, "The server takes no connection");
	client->greeting = strdup(weft_str_text(&client->reply.text));
	return 0;
}

/* ---- TLS ---------------------------------------------------------------------------- */

static struct weft_tls *settings(struct weft_ftp_client *client)
{
	struct weft_tls_fault fault = {.kind = WEFT_TLS_NO_FAULT};

	if (client->options.tls)
		return client->options.tls;
	if (!client->tls)
		client->tls = weft_tls_client_new(NULL, &fault);
	if (!client->tls)
		weft__ftp_fail(client, WEFT_FTP_NO_TLS, errno, "%s",
			fault.kind ? fault.text : strerror(errno));
	return client->tls;
}

int weft__ftp_start_tls(
	struct weft_ftp_client *client, struct weft_stream *stream, struct weft_stream *first)
{
	struct weft_tls *tls = first ? NULL : settings(client);
	const struct weft_tls_fault *fault;
	int result = -1;

	if (!first && !tls)
		return -1;
	WEFT_WITH_TIMEOUT (weft__ftp_patience(client))
		result = first ? weft_stream_start_tls_beside(stream, first)
			       : weft_stream_start_tls(stream, tls, client->host);
	if (result == 0)
		return 0;
	fault = weft_stream_tls_fault(stream);
	if (fault->kind == WEFT_TLS_NO_FAULT)
		return weft__ftp_fail_errno(
			client, WEFT_FTP_NO_TLS, "The connection can not be encrypted");
	return weft__ftp_fail(client, WEFT_FTP_NO_TLS, errno, "%s", fault->text);
}

/* RFC 4217, section 4. 1: it is encrypted, 0: the server does not offer it. */
static int auth_tls(struct weft_ftp_client *client)
{
	int code = weft__ftp_ask(client, "AUTH", "TLS");

	if (code < 0)
		return -1;
	if (code != 234) {
		if (client->options.security == WEFT_FTP_AUTO)
			return 0;
		weft__ftp_fail_reply(client, "AUTH TLS");
		client->fault.kind = WEFT_FTP_NO_TLS;
		return -1;
	}
	return weft__ftp_start_tls(client, client->control, NULL) < 0 ? -1 : 1;
}

/* Nobody reads along on loopback; and "anonymous@" is no secret. */
static bool may_log_in_plain(struct weft_ftp_client *client)
{
	return strcasecmp(client->options.user, "anonymous") == 0 ||
	       strcasecmp(client->options.user, "ftp") == 0 || !client->options.password ||
	       weft_address_is_loopback(&client->peer);
}

static int secure(struct weft_ftp_client *client)
{
	int result;

	if (client->options.security == WEFT_FTP_PLAIN ||
		client->options.security == WEFT_FTP_IMPLICIT)
		return 0;
	result = auth_tls(client);
	if (result == 0 && !may_log_in_plain(client))
		return weft__ftp_fail(client, WEFT_FTP_NO_TLS, EPROTO,
			"The server offers no TLS, and everybody on the way could read the "
			"password: it was not sent.");
	return result < 0 ? -1 : 0;
}

/* RFC 4217, section 9. Data in the clear only where that was asked for. */
static int protect_data(struct weft_ftp_client *client)
{
	if (!weft_stream_tls(client->control))
		return 0;
	if (weft__ftp_ask(client, "PBSZ", "0") < 0)
		return -1;
	if (client->options.has_clear_data)
		return weft__ftp_ask(client, "PROT", "C") < 0 ? -1 : 0;
	if (weft__ftp_order(client, "PROT", "P") < 0)
		return -1;
	client->has_private_data = true;
	return 0;
}

/* ---- Logging in --------------------------------------------------------------------- */

static int log_in(struct weft_ftp_client *client)
{
	const struct weft_ftp_client_options *options = &client->options;
	int code = weft__ftp_ask(client, "USER", options->user);

	if (code == 331)
		code = weft__ftp_ask(client, "PASS", options->password ? options->password : "");
	if (code == 332 && options->account)
		code = weft__ftp_ask(client, "ACCT", options->account);
	if (code < 0)
		return -1;
	if (code / 100 == 2)
		return 0;
	weft__ftp_fail_reply(client, "The login is refused");
	client->fault.kind = WEFT_FTP_LOGIN_REFUSED;
	client->fault.error = errno = EACCES;
	return -1;
}

/* ---- What the server can ---------------------------------------------------------------- */

static bool begins_with(const char *line, const char *word)
{
	size_t len = strlen(word);

	return strncasecmp(line, word, len) == 0 &&
	       (line[len] == '\0' || line[len] == ' ' || line[len] == '\n' || line[len] == ';');
}

static bool line_has(const char *line, const char *word)
{
	size_t len = strcspn(line, "\n"), word_len = strlen(word);

	for (size_t i = 0; i + word_len <= len; i++)
		if (strncasecmp(line + i, word, word_len) == 0)
			return true;
	return false;
}

static void take_feature(struct weft_ftp_client *client, const char *line)
{
	static const struct {
		const char *word, *with;
		unsigned feature;
	} known[] = {
		{"MLST", NULL, WEFT_FTP_MLST},
		{"MLSD", NULL, WEFT_FTP_MLST},
		{"SIZE", NULL, WEFT_FTP_SIZE},
		{"MDTM", NULL, WEFT_FTP_MDTM},
		{"MFMT", NULL, WEFT_FTP_MFMT},
		{"REST", "STREAM", WEFT_FTP_REST},
		{"EPSV", NULL, WEFT_FTP_EPSV},
		{"EPRT", NULL, WEFT_FTP_EPRT},
		{"UTF8", NULL, WEFT_FTP_UTF8},
		{"HASH", "SHA-256", WEFT_FTP_HASH},
		{"AUTH", "TLS", WEFT_FTP_AUTH_TLS},
	};

	line += strspn(line, " ");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (begins_with(line, known[i].word) &&
			(!known[i].with || line_has(line, known[i].with)))
			client->features |= known[i].feature;
}

/* RFC 2389: one feature a line, each behind a space. What refuses is an old server. */
static int learn(struct weft_ftp_client *client)
{
	int code = weft__ftp_ask(client, "FEAT", NULL);

	if (code < 0)
		return -1;
	if (code / 100 == 2)
		for (const char *line = strchr(weft_str_text(&client->reply.text), '\n'); line;
			line = strchr(line + 1, '\n'))
			take_feature(client, line + 1);
	if ((client->features & WEFT_FTP_UTF8) && weft__ftp_ask(client, "OPTS", "UTF8 ON") < 0)
		return -1;
	if ((client->features & WEFT_FTP_HASH) &&
		(code = weft__ftp_ask(client, "OPTS", "HASH SHA-256")) / 100 != 2)
		client->features &= ~(unsigned)WEFT_FTP_HASH;
	return code < 0 ? -1 : 0;
}

/* ---- All of it ---------------------------------------------------------------------- */

static int begin(struct weft_ftp_client *client, const char *host)
{
	if (take_host(client, host) < 0 || connect_host(client) < 0)
		return -1;
	if (client->options.security == WEFT_FTP_IMPLICIT &&
		weft__ftp_start_tls(client, client->control, NULL) < 0)
		return -1;
	if (greet(client) < 0 || secure(client) < 0 || log_in(client) < 0)
		return -1;
	return protect_data(client) < 0 || learn(client) < 0 ? -1 : 0;
}

struct weft_ftp_client *weft_ftp_client_connect(
	const char *host, const struct weft_ftp_client_options *options)
{
	struct weft_ftp_client *client = client_new(options);
	struct weft_ftp_fault *ret_fault = options ? options->ret_fault : NULL;
	int error;

	if (ret_fault)
		memset(ret_fault, 0, sizeof(*ret_fault));
	if (!client) {
		if (ret_fault)
			*ret_fault = (struct weft_ftp_fault){WEFT_FTP_OTHER_FAULT, 0, ENOMEM,
				"There is no memory for a connection."};
		return NULL;
	}
	client->options.ret_fault = NULL;
	if (begin(client, host) == 0) {
		memset(&client->fault, 0, sizeof(client->fault));
		return client;
	}
	error = errno;
	if (ret_fault)
		*ret_fault = client->fault;
	weft_ftp_client_free(client);
	errno = error;
	return NULL;
}
