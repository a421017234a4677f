/*
 * service.c - what the sub-commands that serve, or ask servers, share (service.h).
 */
#include "service.h"
#include "settings.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "weft/manager.h"
#include "weft/scope.h"
#include "weft/signal.h"
#include "weft/utf8.h"

/** Descriptors asked for at most: a connection takes one. */
#define DESCRIPTORS_MAX 1048576

int weft__cmd_run(
	const char *name, const struct weft_run_options *options, weft_fiber_fn *first, void *arg)
{
	const char *driver = options->driver;
	int status = weft_run(options, first, arg);

	if (status >= 0)
		return status;
	if (errno == EINVAL && driver) {
		weft__settings_blame_key("driver");
		weft__cmd_usage(name, "there is no driver \"%s\".", driver);
		weft__settings_blame_key(NULL);
		return CMD_USAGE;
	}
	driver = getenv("WEFT_DRIVER");
	if (errno == EINVAL && driver)
		return weft__cmd_usage(
			name, "there is no driver \"%s\", which WEFT_DRIVER names.", driver);
	return weft__cmd_fail(name, "can't start the workers: %s.", strerror(errno));
}

/** "--chat-tls: ", and longer ones. */
#define OPTION_SIZE 64

/* ---- Listening ---------------------------------------------------------------------------- */

/* The usual port of a door. */
static const char *port_of(const char *option)
{
	static const struct {
		const char *option, *port;
	} ports[] = {{"https", "8443"}, {"ftp", "2121"}, {"ftps", "9990"}, {"chat", "7070"},
		{"chat-tls", "7071"}, {"metrics", "9100"}};

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		if (strcmp(ports[i].option, option) == 0)
			return ports[i].port;
	return "8080";
}

/* "--http: ", or nothing, where it is no option. */
static const char *say_option(const char *option, char ret_text[OPTION_SIZE])
{
	ret_text[0] = '\0';
	if (option[0])
		snprintf(ret_text, OPTION_SIZE, "--%s: ", option);
	return ret_text;
}

/* What is no HOST:PORT, with one that may have been meant. */
static int fail_form(const char *name, const char *option, const char *host_port)
{
	const char *colon = strrchr(host_port, ':');
	bool is_port = host_port[0] && strlen(host_port) <= 5 &&
		       strspn(host_port, "0123456789") == strlen(host_port);

	if (strncmp(host_port, "unix:", 5) == 0)
		return weft__cmd_usage(name,
			"--%s unix:PATH takes a path of 107 bytes at most, not \"%s\".", option,
			host_port + 5);
	if (!option[0])
		return weft__cmd_usage(
			name, "HOST:PORT is such as 127.0.0.1:8080, not \"%s\".", host_port);
	if (colon && host_port[0] != '[' && strchr(host_port, ':') != colon)
		return weft__cmd_usage(name,
			"--%s takes an address of IPv6 in brackets, such as [::1]:%s, not \"%s\".",
			option, port_of(option), host_port);
	return weft__cmd_usage(name, "--%s takes HOST:PORT, such as 127.0.0.1:%s, not \"%s\".",
		option, is_port ? host_port : port_of(option), host_port);
}

int weft__cmd_fail_resolve(const char *name, const char *option, const char *host_port)
{
	char said[OPTION_SIZE];

	switch (errno) {
	case EINVAL:
	case ENAMETOOLONG:
		return fail_form(name, option, host_port);
	case ENOENT:
	case ENODEV:
		return weft__cmd_usage(name, "%sthere is no host, interface or port called \"%s\".",
			say_option(option, said), host_port);
	default:
		return weft__cmd_fail(name, "%scan't look up \"%s\": %s.", say_option(option, said),
			host_port, strerror(errno));
	}
}

/* There is a file to be made. */
static int fail_listen_at_path(const char *name, const char *option, const char *path)
{
	char said[OPTION_SIZE];

	say_option(option, said);
	switch (errno) {
	case EADDRINUSE:
		return weft__cmd_fail(name,
			"%sthere is something at %s already: another program's socket, or no "
			"socket at all.",
			said, path);
	case ENOENT:
	case ENOTDIR:
		return weft__cmd_fail(name,
			"%sthe folder that the socket %s is to be in is not there.", said, path);
	default:
		return weft__cmd_fail(
			name, "%scan't make a socket at %s: %s.", said, path, strerror(errno));
	}
}

int weft__cmd_fail_listen(const char *name, const char *option, const char *address)
{
	char said[OPTION_SIZE];

	if (strncmp(address, "unix:", 5) == 0)
		return fail_listen_at_path(name, option, address + 5);
	say_option(option, said);
	switch (errno) {
	case EADDRINUSE:
		return weft__cmd_fail(name,
			"%s%s is in use by another program. Choose another HOST:PORT.", said,
			address);
	case EADDRNOTAVAIL:
		return weft__cmd_fail(name,
			"%s%s is not an address of this machine. 127.0.0.1 is for this machine "
			"alone, 0.0.0.0 for all its networks.",
			said, address);
	case EACCES:
		return weft__cmd_fail(name,
			"%slistening on %s is not allowed. Ports below 1024 need a privilege.",
			said, address);
	default:
		return weft__cmd_fail(
			name, "%scan't listen on %s: %s.", said, address, strerror(errno));
	}
}

/* By systemd's socket units, or weft_supervisor_hand(). */
static int take_listener(const char *name, const char *option, const char *called,
	struct weft_listener **ret_listener)
{
	int fd = weft_manager_take(called);

	if (fd < 0)
		return weft__cmd_fail(name,
			"--%s fd:%s: no listener of that name was handed over to this program "
			"(LISTEN_FDNAMES).",
			option, called);
	*ret_listener = weft_listener_from_fd(fd);
	if (*ret_listener)
		return CMD_DONE;
	return weft__cmd_fail(name, "--%s fd:%s: what was handed over does not listen: %s.", option,
		called, strerror(errno));
}

int weft__cmd_listen(const char *name, const char *option, const char *host_port,
	const struct weft_listener_options *options, struct weft_listener **ret_listener)
{
	struct weft_address address;
	char text[WEFT_ADDRESS_TEXT_MAX];

	if (weft__cmd_is_handed(host_port))
		return take_listener(name, option, host_port + strlen(CMD_HANDED), ret_listener);
	if (weft_address_resolve(&address, 1, host_port) < 0)
		return weft__cmd_fail_resolve(name, option, host_port);
	weft_address_print(&address, text, sizeof(text));
	*ret_listener = weft_listener_new(text, options);
	return *ret_listener ? CMD_DONE : weft__cmd_fail_listen(name, option, text);
}

bool weft__cmd_is_handed(const char *host_port)
{
	return strncmp(host_port, CMD_HANDED, strlen(CMD_HANDED)) == 0;
}

/* ---- Models ---------------------------------------------------------------------------------- */

const char *const *weft__cmd_models(void)
{
	static const char *models[16];

	for (size_t i = 0; i + 1 < sizeof(models) / sizeof(*models); i++)
		models[i] = weft_serve_model_at(i);
	return models;
}

const char *const *weft__cmd_drivers(void)
{
	static const char *drivers[16];

	for (size_t i = 0; i + 1 < sizeof(drivers) / sizeof(*drivers); i++)
		drivers[i] = weft_driver_at(i);
	return drivers;
}

int weft__cmd_model_fits(const char *name, unsigned model, struct weft_run_options *run)
{
	if (model == 0)
		return CMD_DONE;
	if (run->driver)
		return weft__cmd_usage(name, "--driver is for --model fiber; \"%s\" has none.",
			weft_serve_model_at(model));
	if (run->workers)
		return weft__cmd_usage(name, "--workers is for --model fiber; \"%s\" has --size.",
			weft_serve_model_at(model));
	run->workers = 1;
	return CMD_DONE;
}

/* ---- Stopping ------------------------------------------------------------------------------ */

struct stopper {
	void (*stop)(void *arg);
	void *arg;
};

static int stop_on_signal(void *arg)
{
	static const int signals[] = {SIGINT, SIGTERM};
	struct stopper stopper = *(struct stopper *)arg;

	if (weft_signal_wait(signals, sizeof(signals) / sizeof(signals[0])) < 0)
		return -1;
	stopper.stop(stopper.arg);
	return 0;
}

weft_fiber_id weft__cmd_on_stop(void (*stop)(void *arg), void *arg)
{
	struct stopper stopper = {stop, arg};
	/* On this worker, so that a yield gets it as far as its wait. */
	struct weft_spawn_options options = {
		.name = "stopper", .worker = 1 + (unsigned)weft_worker_index()};
	weft_fiber_id fiber = weft_spawn_with(&options, stop_on_signal, &stopper);

	weft_yield();
	return fiber;
}

void weft__cmd_unstop(weft_fiber_id stopper)
{
	weft_cancel(stopper);
	weft_join(stopper, NULL, WEFT_FOREVER);
}

/* ---- The rest ------------------------------------------------------------------------------- */

void weft__cmd_raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_cur < limit.rlim_max && limit.rlim_cur < DESCRIPTORS_MAX) {
		limit.rlim_cur =
			limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

void weft__cmd_print_json_text(const char *text)
{
	size_t len = strlen(text), size;

	putchar('"');
	for (size_t at = 0; at < len; at += size ? size : 1) {
		uint32_t character;

		size = weft_utf8_read(text + at, len - at, &character);
		if (size == 0)
			fputs("\\ufffd", stdout); /* JSON is UTF-8, and has no other bytes */
		else if (character == '"' || character == '\\')
			printf("\\%c", (char)character);
		else if (character < 0x10000 && weft_utf8_is_dangerous(character))
			printf("\\u%04x", (unsigned)character);
		else
			fwrite(text + at, 1, size, stdout);
	}
	putchar('"');
}

void weft__cmd_print_visible(const char *text, int width)
{
	struct weft_str str;
	int shown = 0;

	weft_str_init(&str, WEFT_STR_LEN_MAX);
	weft_str_append_visible(&str, text, strlen(text));
	fputs(weft_str_text(&str), stdout);
	for (const char *at = weft_str_text(&str); *at; at++)
		shown += ((unsigned char)*at & 0xc0) != 0x80;
	printf("%*s", shown < width ? width - shown : 0, "");
	weft_str_fini(&str);
}
