/*
 * load_target.c - what `weft load` asks of whom: reads the target, makes the request's bytes,
 * finds the address that answers.
 *
 * Entry points: weft__load_target_init, weft__load_target_find, weft__load_dial.
 * Never: a request with bytes in it that could end a header field early.
 */
#include "load.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service.h"
#include "weft/socket.h"
#include "weft/str.h"

/** At least so many bytes, and two messages, before an echo's repeat: one that is lost, doubled or
 * swapped shows. */
#define ECHO_PERIOD_MIN 8192

#define ECHO_SEED 0x9e3779b97f4a7c15U

/* ---- The request -------------------------------------------------------------------------- */

/* Repeat the first period bytes of data as often as they go into len bytes. */
static void repeat(char *data, size_t period, size_t len)
{
	for (size_t at = period; at < len; at++)
		data[at] = data[at - period];
}

static int make_stream(struct load *load, const char *first, size_t request_len)
{
	struct load_target *target = &load->target;
	size_t len = target->period + load->pipeline * request_len;

	if (load->pipeline * request_len > LOAD_IN_FLIGHT_MAX)
		return weft__cmd_usage(LOAD_NAME,
			"--pipeline %u of %zu bytes each is too much for a connection.",
			load->pipeline, request_len);
	target->request_len = request_len;
	target->data = malloc(len);
	if (!target->data)
		return weft__cmd_fail(LOAD_NAME, "can't start: %s.", strerror(errno));
	memcpy(target->data, first, target->period);
	repeat(target->data, target->period, len);
	return CMD_DONE;
}

/* A server may answer by lines: each message is one, unless it is of a single byte. */
static int make_echo(struct load *load)
{
	size_t size = load->size, messages = (ECHO_PERIOD_MIN + size - 1) / size;
	uint64_t state = ECHO_SEED;
	char *bytes;
	int status;

	load->target.period = (messages < 2 ? 2 : messages) * size;
	bytes = malloc(load->target.period);
	if (!bytes)
		return weft__cmd_fail(LOAD_NAME, "can't start: %s.", strerror(errno));
	for (size_t i = 0; i < load->target.period; i++) {
		state = state * 6364136223846793005U + 1442695040888963407U;
		bytes[i] = (char)(state >> 56);
		if (size > 1 && bytes[i] == '\n')
			bytes[i] = ' ';
	}
	for (size_t end = size; size > 1 && end <= load->target.period; end += size)
		bytes[end - 1] = '\n';
	status = make_stream(load, bytes, size);
	free(bytes);
	return status;
}

/* RFC 9110, section 5.6.2 */
static bool is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f ||
			strchr("\"(),/:;<=>?@[\\]{}", text[i]))
			return false;
	return len > 0;
}

/* A field's value must not end it: no line ends, nor other controls but the tab. */
static bool is_field(const char *text)
{
	const char *colon = strchr(text, ':');

	if (!colon || !is_token(text, (size_t)(colon - text)))
		return false;
	for (const char *at = colon; *at; at++)
		if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f)
			return false;
	return true;
}

static bool has_field(const struct load *load, const char *name)
{
	size_t len = strlen(name);

	for (unsigned i = 0; i < load->headers.count; i++)
		if (strncasecmp(load->headers.items[i], name, len) == 0 &&
			load->headers.items[i][len] == ':')
			return true;
	return false;
}

static void write_request(
	const struct load *load, const char *authority, const char *path, struct weft_str *str)
{
	bool has_body = strcmp(load->method, "GET") != 0 && strcmp(load->method, "HEAD") != 0;

	weft_str_appendf(str, "%s %s HTTP/1.1\r\n", load->method, path);
	if (!has_field(load, "Host"))
		weft_str_appendf(str, "Host: %s\r\n", authority);
	if (has_body && !has_field(load, "Content-Length"))
		weft_str_append(str, "Content-Length: 0\r\n");
	if (load->is_new_each && !has_field(load, "Connection"))
		weft_str_append(str, "Connection: close\r\n");
	for (unsigned i = 0; i < load->headers.count; i++)
		weft_str_appendf(str, "%s\r\n", load->headers.items[i]);
	weft_str_append(str, "\r\n");
}

static int make_http(struct load *load, const char *authority, const char *path)
{
	struct weft_str str;
	int status;

	if (!is_token(load->method, strlen(load->method)))
		return weft__cmd_usage(
			LOAD_NAME, "--method takes a word such as GET, not \"%s\".", load->method);
	for (unsigned i = 0; i < load->headers.count; i++)
		if (!is_field(load->headers.items[i]))
			return weft__cmd_usage(LOAD_NAME,
				"--header takes \"Name: value\", not \"%s\".",
				load->headers.items[i]);
	weft_str_init(&str, LOAD_REQUEST_MAX);
	write_request(load, authority, path, &str);
	if (weft_str_error(&str)) {
		status = weft__cmd_usage(LOAD_NAME, "the request would be too long.");
	} else {
		load->target.period = weft_str_len(&str);
		status = make_stream(load, weft_str_text(&str), weft_str_len(&str));
	}
	weft_str_fini(&str);
	return status;
}

/* ---- The target ---------------------------------------------------------------------------- */

static int refuse(const struct load *load)
{
	return weft__cmd_usage(LOAD_NAME,
		"the target is http://HOST:PORT/PATH, HOST:PORT or unix:/PATH, not \"%s\".",
		load->target.text);
}

/* Whether a path can stand in a request's first line as it is. */
static bool is_plain(const char *path)
{
	for (; *path; path++)
		if ((unsigned char)*path <= ' ' || *path == 0x7f)
			return false;
	return true;
}

/* HOST, HOST:PORT, [::1] or [::1]:PORT, with :80 where there is no port. */
static char *with_port(const char *authority)
{
	const char *host_end = authority[0] == '[' ? strchr(authority, ']') : authority;
	char *host_port = NULL;

	if (!host_end)
		host_end = authority;
	if (asprintf(&host_port, "%s%s", authority, strchr(host_end, ':') ? "" : ":80") < 0)
		return NULL;
	return host_port;
}

/* What follows http:// */
static int take_http(struct load *load, const char *url)
{
	size_t len = strcspn(url, "/?#");
	char *authority = strndup(url, len);
	char *path = NULL;
	int status;

	if (!authority || asprintf(&path, "%s%.*s", url[len] == '/' ? "" : "/",
				  (int)strcspn(url + len, "#"), url + len) < 0) {
		free(authority);
		return weft__cmd_fail(LOAD_NAME, "can't start: %s.", strerror(ENOMEM));
	}
	load->target.host_port = with_port(authority);
	if (!load->target.host_port)
		status = weft__cmd_fail(LOAD_NAME, "can't start: %s.", strerror(ENOMEM));
	else if (len == 0 || authority[0] == ':' || strchr(authority, '@') ||
		 !is_plain(authority) || !is_plain(path))
		status = refuse(load);
	else
		status = make_http(load, authority, path);
	free(authority);
	free(path);
	return status;
}

static int take_echo(struct load *load, const char *host_port)
{
	if (load->headers.count > 0 || strcmp(load->method, "GET") != 0)
		return weft__cmd_usage(LOAD_NAME, "--method and --header are for http:// targets.");
	load->target.host_port = strdup(host_port);
	if (!load->target.host_port)
		return weft__cmd_fail(LOAD_NAME, "can't start: %s.", strerror(errno));
	return make_echo(load);
}

int weft__load_target_init(struct load *load)
{
	const char *text = load->target.text;

	if (strncmp(text, "http://", 7) == 0) {
		load->target.is_http = true;
		if (load->has_size)
			return weft__cmd_usage(LOAD_NAME, "--size is for echo targets.");
		return take_http(load, text + 7);
	}
	if (strncmp(text, "echo://", 7) == 0)
		return take_echo(load, text + 7);
	if (strstr(text, "://"))
		return weft__cmd_usage(
			LOAD_NAME, "the target is http:// or echo://, and no other: \"%s\".", text);
	return take_echo(load, text);
}

void weft__load_target_fini(struct load *load)
{
	free(load->target.host_port);
	free(load->target.data);
}

/* ---- Connecting ----------------------------------------------------------------------------- */

int weft__load_dial(const struct load *load)
{
	const struct weft_address *address = &load->target.address;
	int family = weft_address_family(address);
	int fd = weft_socket(family, SOCK_STREAM, 0);
	int one = 1, result, saved;

	if (fd < 0)
		return -1;
	if (family != AF_UNIX)
		weft_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	WEFT_WITH_TIMEOUT (load->timeout_ns)
		result = weft_connect(fd, &address->any, address->len);
	if (result == 0)
		return fd;
	saved = errno;
	weft_close(fd);
	errno = saved;
	return -1;
}

int weft__load_dial_in_turn(struct load *load)
{
	int fd, saved;

	if (weft_sem_acquire(&load->dialling) < 0)
		return -1;
	fd = weft__load_dial(load);
	saved = errno;
	weft_sem_release(&load->dialling, 1);
	errno = saved;
	return fd;
}

void weft__load_opened(struct load *load)
{
	if (atomic_fetch_sub(&load->opening, 1) == 1)
		weft_event_set(&load->opened);
}

static int fail_find(const struct load *load)
{
	const char *host_port = load->target.host_port;

	switch (errno) {
	case ECONNREFUSED:
	case ENOENT:
		return weft__cmd_fail(LOAD_NAME, "nobody listens at %s.", host_port);
	case ETIMEDOUT:
		return weft__cmd_fail(LOAD_NAME, "%s does not answer.", host_port);
	default:
		return weft__cmd_fail(
			LOAD_NAME, "can't connect to %s: %s.", host_port, strerror(errno));
	}
}

static int fail_resolve(const struct load *load)
{
	const char *host_port = load->target.host_port;

	switch (errno) {
	case EINVAL:
	case ENAMETOOLONG:
		return refuse(load);
	case ENOENT:
	case ENODEV:
		return weft__cmd_fail(
			LOAD_NAME, "there is no host or port called \"%s\".", host_port);
	default:
		return weft__cmd_fail(
			LOAD_NAME, "can't look up \"%s\": %s.", host_port, strerror(errno));
	}
}

int weft__load_target_find(struct load *load)
{
	struct weft_address addresses[WEFT_ADDRESS_RESOLVE_MAX];
	int count =
		weft_address_resolve(addresses, WEFT_ADDRESS_RESOLVE_MAX, load->target.host_port);

	if (count < 0)
		return fail_resolve(load);
	for (int i = 0; i < count; i++) {
		load->target.address = addresses[i];
		load->first_fd = weft__load_dial(load);
		if (load->first_fd >= 0)
			return CMD_DONE;
	}
	return fail_find(load);
}
