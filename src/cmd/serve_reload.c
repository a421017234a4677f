/*
 * serve_reload.c - `weft serve` takes up what has changed, and goes on: certificates and users when
 * their files are new, these, limits and the log at a SIGHUP.
 *
 * Entry points: weft__serve_on_hangup(), weft__serve_reload_now().
 *
 * A terminal that is closed sends the same signal to what runs in it, and means an end. So: who
 * was started from a terminal, and has it no more, stops.
 *
 * Never: takes up a file while somebody writes it; it has to look the same twice.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serve.h"
#include "weft/lock.h"
#include "weft/offload.h"
#include "weft/scope.h"
#include "weft/signal.h"
#include "weft/str.h"

#define WATCH_DEFAULT_NS WEFT_SECONDS(10)

/** How the files look: different when one of them is. */
struct look {
	uint64_t sum;
};

/** How often the certificate that it has made is looked at: it lasts a year. */
#define CERTIFICATE_LOOK_NS WEFT_SECONDS(3600)

struct serve_reloader {
	struct serve *serve;
	struct weft_lock lock;   /* held by who reads them: one at a time */
	struct weft_str *faults; /* what goes wrong is told there, too; NULL: nobody asked */
	struct weft_str *told;   /* and there what is no fault */
	struct look taken;       /* of what was read last */
	struct look before;      /* at the look before this */
	int64_t certificate_ns;  /* when the one of its own was looked at */
};

/* ---- Looking ------------------------------------------------------------------------------ */

static void add_number(struct look *look, uint64_t number)
{
	look->sum = (look->sum ^ number) * 0x100000001b3U;
}

/* One that is not there looks like nothing else. */
static void add_file(struct look *look, const char *path)
{
	struct stat stat_of = {0};

	if (path && stat(path, &stat_of) == 0) {
		add_number(look, stat_of.st_ino);
		add_number(look, (uint64_t)stat_of.st_size);
		add_number(look, (uint64_t)stat_of.st_mtim.tv_sec);
		add_number(look, (uint64_t)stat_of.st_mtim.tv_nsec);
	}
	add_number(look, 1);
}

static struct look look_at(const struct serve *serve)
{
	struct look look = {0};

	for (unsigned i = 0; i < serve->certificates.count; i++)
		add_file(&look, serve->certificates.items[i]);
	for (unsigned i = 0; i < serve->keys.count; i++)
		add_file(&look, serve->keys.items[i]);
	add_file(&look, serve->auth_file);
	return look;
}

/* ---- Reading again ------------------------------------------------------------------------ */

struct weft_str *weft__serve_only_tell(const struct serve *serve)
{
	return weft__serve_collect_complaints(serve->reloader->told);
}

/* A new certificate that can't be read is no reason to end: the old one may hold for weeks. */
static void reload_tls(struct serve *serve)
{
	struct weft_tls_fault fault;

	if (!serve->tls)
		return;
	/* Those of FTP and chat are of the same files. */
	if (weft_tls_reload(serve->tls, &fault) == 0 &&
		(!serve->ftp.tls || weft_tls_reload(serve->ftp.tls, &fault) == 0) &&
		(!serve->chat.tls || weft_tls_reload(serve->chat.tls, &fault) == 0)) {
		struct weft_str *faults = weft__serve_only_tell(serve);

		/* Taken up is one that ends soon, too. */
		weft__serve_warn_of_certificates(serve);
		weft__serve_collect_complaints(faults);
		return;
	}
	weft__cmd_fail(NAME, "the old certificates stay: %s",
		fault.kind != WEFT_TLS_NO_FAULT ? fault.text : strerror(errno));
}

/* As what follows, it reads files. */
static int read_again(void *arg)
{
	struct serve_reloader *reloader = arg;
	struct serve *serve = reloader->serve;

	reloader->taken = reloader->before = look_at(serve);
	reload_tls(serve);
	if (serve->auth)
		weft__serve_reload_auth(serve);
	return 0;
}

static int take_hangup(void *arg)
{
	const struct serve_reloader *reloader = arg;
	struct serve *serve = reloader->serve;

	weft__serve_collect_complaints(reloader->faults);
	/* Its names and addresses are looked at, too. */
	weft__serve_make_certificate(serve);
	read_again(arg);
	weft__serve_reload_limits(serve);
	if (serve->log && weft_http_log_reopen(serve->log) < 0)
		weft__cmd_fail(NAME, "the log goes on in the old file: %s.", strerror(errno));
	if (serve->ftp.log && weft_ftp_log_reopen(serve->ftp.log) < 0)
		weft__cmd_fail(
			NAME, "the log of FTP goes on in the old file: %s.", strerror(errno));
	weft__serve_collect_complaints(NULL);
	return 0;
}

static int look_again(void *arg)
{
	struct serve_reloader *reloader = arg;
	struct look now;
	bool is_settled;

	if (weft_now() - reloader->certificate_ns > CERTIFICATE_LOOK_NS) {
		reloader->certificate_ns = weft_now();
		weft__serve_make_certificate(reloader->serve);
	}
	now = look_at(reloader->serve);
	is_settled = now.sum == reloader->before.sum;
	reloader->before = now;
	return now.sum != reloader->taken.sum && is_settled ? read_again(arg) : 0;
}

/* ---- Signals ------------------------------------------------------------------------------ */

static bool is_hung_up(int fd)
{
	struct pollfd look = {.fd = fd, .events = POLLIN};

	return poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLERR));
}

/* The terminal among the standard streams; -1: there is none. */
static int find_terminal(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (isatty(fd))
			return fd;
	return -1;
}

/* SIGHUP; 0: it is time to look; -1: an end. */
static int await_hangup(const struct serve_reloader *reloader, struct weft_signals *caught)
{
	const struct serve *serve = reloader->serve;
	int64_t watch_ns = serve->watch_ns ? serve->watch_ns : WATCH_DEFAULT_NS;
	int number = -1;

	if (!serve->tls && !serve->auth)
		watch_ns = WEFT_FOREVER; /* there is nothing to look at: nobody is to be woken */
	WEFT_WITH_TIMEOUT (watch_ns)
		number = weft_signals_next(caught);
	return number < 0 && errno == ETIMEDOUT ? 0 : number;
}

/*
 * Off the worker, but where connections are processes: one that was forked while another thread
 * has a lock, of OpenSSL's say, would wait for it for ever.
 */
static int take_up(struct serve_reloader *reloader, weft_offload_fn *fn, struct weft_str *faults,
	struct weft_str *told)
{
	const char *model = reloader->serve->server_options.model;
	int result;

	if (weft_lock_acquire(&reloader->lock) < 0)
		return -1;
	reloader->faults = faults;
	reloader->told = told;
	if (strcmp(model, "fork") == 0 || strcmp(model, "prefork") == 0)
		result = fn(reloader);
	else
		result = weft_offload(fn, reloader);
	reloader->faults = reloader->told = NULL;
	weft_lock_release(&reloader->lock);
	return result;
}

int weft__serve_reload_now(
	struct serve *serve, struct weft_str *ret_faults, struct weft_str *ret_told)
{
	if (take_up(serve->reloader, take_hangup, ret_faults, ret_told) < 0)
		weft_str_appendf(ret_faults, "it could not begin: %s.", strerror(errno));
	return weft_str_len(ret_faults) > 0 ? -1 : 0;
}

static int take_hangups(void *arg)
{
	static const int hangup[] = {SIGHUP};
	struct serve_reloader *reloader = arg;
	int terminal = find_terminal(), number;
	struct weft_signals *caught = weft_signals_new(hangup, 1);

	if (!caught)
		return weft__cmd_fail(NAME, "can't wait for SIGHUP: %s.", strerror(errno));
	while ((number = await_hangup(reloader, caught)) >= 0) {
		if (number > 0 && terminal >= 0 && is_hung_up(terminal)) {
			weft__serve_stop(reloader->serve);
			break;
		}
		take_up(reloader, number > 0 ? take_hangup : look_again, NULL, NULL);
	}
	weft_signals_free(caught);
	return CMD_DONE;
}

int weft__serve_make_reloader(struct serve *serve)
{
	struct serve_reloader *reloader = calloc(1, sizeof(*reloader));

	if (!reloader)
		return weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	reloader->serve = serve;
	reloader->certificate_ns = weft_now();
	weft_lock_init(&reloader->lock, "reloader");
	reloader->taken = reloader->before = look_at(serve);
	serve->reloader = reloader;
	return CMD_DONE;
}

void weft__serve_free_reloader(struct serve *serve)
{
	free(serve->reloader);
	serve->reloader = NULL;
}

weft_fiber_id weft__serve_on_hangup(struct serve *serve)
{
	/* On this worker, so that a yield gets it as far as its wait. */
	struct weft_spawn_options options = {
		.name = "reloader", .worker = 1 + (unsigned)weft_worker_index()};
	weft_fiber_id fiber = weft_spawn_with(&options, take_hangups, serve->reloader);

	weft_yield();
	return fiber;
}
