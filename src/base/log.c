/*
 * log.c - loggers: levels, destinations, dropping instead of waiting, counting what was dropped.
 *
 * Entry points: weft_logger_write(), weft_logf(), weft_logger_open().
 *
 * A line is built in the logger's own room under the logger's lock: fibers' stacks are
 * small. The lock is held for one poll(2) and one write(2), which don't wait for a
 * reader; and nobody waits for the lock longer than LOCK_WAIT_NS, so a write that hangs
 * in the kernel (a dead network file system) costs the others lines, not their time.
 *
 * Never: set a destination non-blocking, since others share its open file; or write to
 * a pipe without reader, which would raise SIGPIPE.
 */
#include "weft/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log_line.h"

#define LOCK_WAIT_NS WEFT_MILLISECONDS(100)
#define LOCK_NAP_NS  WEFT_MICROSECONDS(20)

_Static_assert(WEFT_LOG_LINE_MAX <= PIPE_BUF, "a line goes into a pipe in one piece");

struct weft_logger {
	_Atomic pid_t holder; /* 0, or the process of the thread that holds the lock */
	_Atomic uint64_t dropped;
	_Atomic bool is_local;
	weft_log_clock_fn *clock;
	/* All below: under the lock. */
	int fd;
	char *path;           /* of a file that is the logger's own; NULL: fd is borrowed */
	weft_log_tap_fn *tap; /* NULL: none */
	void *tap_arg;
	bool is_torn; /* the last line went out in part, without its newline */
	struct weft__log_line line;
	char message[WEFT_LOG_LINE_MAX]; /* of weft_logf() */
};

static _Atomic int level_in_force = WEFT_LOG_INFO;

static struct weft_logger default_logger = {.fd = STDERR_FILENO};

/* ---- Levels ---------------------------------------------------------------------------- */

static const char *const level_names[] = {"error", "warn", "info", "debug"};
#define LEVEL_COUNT (sizeof(level_names) / sizeof(level_names[0]))

void weft_log_set_level(enum weft_log_level level)
{
	atomic_store_explicit(&level_in_force, (int)level, memory_order_relaxed);
}

enum weft_log_level weft_log_level(void)
{
	return (enum weft_log_level)atomic_load_explicit(&level_in_force, memory_order_relaxed);
}

bool weft_log_enabled(enum weft_log_level level)
{
	return (int)level <= (int)weft_log_level();
}

int weft_log_level_parse(const char *name, enum weft_log_level *ret_level)
{
	for (size_t i = 0; i < LEVEL_COUNT; i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*ret_level = (enum weft_log_level)i;
			return 0;
		}
	}
	errno = EINVAL;
	return -1;
}

const char *weft_log_level_name(enum weft_log_level level)
{
	return (size_t)level < LEVEL_COUNT ? level_names[level] : "unknown";
}

/* ---- The lock -------------------------------------------------------------------------------- */

/*
 * Holds the process id, so that a child knows a lock that was held by another thread
 * when the process was forked: that thread is not in the child, and the lock is free.
 */
static bool lock(struct weft_logger *logger, int64_t wait_ns)
{
	static const struct timespec nap = {.tv_nsec = LOCK_NAP_NS};
	pid_t self = getpid();

	for (int64_t waited_ns = 0;; waited_ns += LOCK_NAP_NS) {
		pid_t holder = 0;

		if (atomic_compare_exchange_strong(&logger->holder, &holder, self))
			return true;
		if (holder != self && holder != 0 &&
			atomic_compare_exchange_strong(&logger->holder, &holder, self))
			return true;
		if (wait_ns >= 0 && waited_ns >= wait_ns)
			return false;
		nanosleep(&nap, NULL);
	}
}

static void unlock(struct weft_logger *logger)
{
	atomic_store(&logger->holder, 0);
}

/* ---- Destinations ------------------------------------------------------------------------------
 */

static int open_file(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
}

struct weft_logger *weft_logger_default(void)
{
	return &default_logger;
}

struct weft_logger *weft_logger_new(const struct weft_logger_options *options)
{
	static const struct weft_logger_options defaults;
	const struct weft_logger_options *chosen = options ? options : &defaults;
	struct weft_logger *logger = calloc(1, sizeof(*logger));

	if (!logger)
		return NULL;
	logger->fd = chosen->fd == 0 ? STDERR_FILENO : chosen->fd;
	logger->clock = chosen->clock;
	atomic_init(&logger->is_local, chosen->local_time);
	if (chosen->path && weft_logger_open(logger, chosen->path) < 0) {
		free(logger);
		return NULL;
	}
	return logger;
}

void weft_logger_free(struct weft_logger *logger)
{
	int saved = errno;

	if (!logger)
		return;
	if (logger->path)
		close(logger->fd);
	free(logger->path);
	free(logger);
	errno = saved;
}

int weft_logger_open(struct weft_logger *logger, const char *path)
{
	char *copy = strdup(path), *old_path;
	int fd, old_fd;

	if (!copy)
		return -1;
	fd = open_file(path);
	if (fd < 0) {
		free(copy);
		return -1;
	}
	lock(logger, WEFT_FOREVER);
	old_fd = logger->path ? logger->fd : -1;
	old_path = logger->path;
	logger->fd = fd;
	logger->path = copy;
	logger->is_torn = false;
	unlock(logger);
	if (old_fd >= 0)
		close(old_fd);
	free(old_path);
	return 0;
}

int weft_logger_reopen(struct weft_logger *logger)
{
	char *path = NULL;
	bool has_path;
	int result;

	lock(logger, WEFT_FOREVER);
	has_path = logger->path != NULL;
	if (has_path)
		path = strdup(logger->path);
	unlock(logger);
	if (!has_path)
		return 0;
	if (!path)
		return -1;
	result = weft_logger_open(logger, path); /* open(2) may be slow: not under the lock */
	free(path);
	return result;
}

void weft_logger_set_local_time(struct weft_logger *logger, bool is_local)
{
	atomic_store(&logger->is_local, is_local);
}

uint64_t weft_logger_dropped(const struct weft_logger *logger)
{
	return atomic_load(&logger->dropped);
}

void weft_logger_set_tap(struct weft_logger *logger, weft_log_tap_fn *tap, void *arg)
{
	lock(logger, WEFT_FOREVER);
	logger->tap = tap;
	logger->tap_arg = arg;
	unlock(logger);
}

/* ---- Writing: the lock is held
 * ------------------------------------------------------------------- */

static bool takes_a_line(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};

	/* A pipe says POLLOUT when PIPE_BUF bytes fit; POLLERR when its reader is gone. */
	return poll(&poll_fd, 1, 0) == 1 && poll_fd.revents == POLLOUT;
}

/* Sends the line that stands in the logger. Returns whether it went out whole. */
static bool send_line(struct weft_logger *logger, size_t len)
{
	ssize_t sent;

	if (!takes_a_line(logger->fd))
		return false;
	if (logger->is_torn && write(logger->fd, "\n", 1) != 1)
		return false;
	logger->is_torn = false;
	do
		sent = write(logger->fd, logger->line.bytes, len);
	while (sent < 0 && errno == EINTR);
	logger->is_torn = sent > 0 && (size_t)sent < len;
	return sent == (ssize_t)len;
}

static void tell_time(struct weft_logger *logger, struct weft__log_moment *ret_moment)
{
	ret_moment->is_local = atomic_load(&logger->is_local);
	if (logger->clock) {
		logger->clock(&ret_moment->wall, &ret_moment->monotonic);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &ret_moment->wall);
	clock_gettime(CLOCK_MONOTONIC, &ret_moment->monotonic);
}

/* Says how many lines were dropped, if any. Returns false when that can't be said yet. */
static bool send_dropped(struct weft_logger *logger, const struct weft__log_moment *moment)
{
	uint64_t count = atomic_load(&logger->dropped);
	struct weft_log_field message = weft_log_text("message", "log lines dropped");
	struct weft_log_field field = weft_log_unsigned("count", count);

	if (count == 0)
		return true;
	weft__log_line_begin(&logger->line, WEFT_LOG_WARN, moment);
	weft__log_line_field(&logger->line, &message);
	weft__log_line_field(&logger->line, &field);
	if (!send_line(logger, weft__log_line_end(&logger->line)))
		return false;
	atomic_fetch_sub(&logger->dropped, count);
	return true;
}

struct fields {
	const struct weft_log_field *all;
	size_t count;
};

static void write_locked(struct weft_logger *logger, enum weft_log_level level, const char *message,
	struct fields fields)
{
	struct weft_log_field first = weft_log_text("message", message);
	struct weft__log_moment moment;
	bool can_send;
	size_t len;

	tell_time(logger, &moment);
	can_send = send_dropped(logger, &moment);
	if (!can_send && !logger->tap) {
		atomic_fetch_add(&logger->dropped, 1);
		return;
	}
	weft__log_line_begin(&logger->line, level, &moment);
	weft__log_line_field(&logger->line, &first);
	for (size_t i = 0; i < fields.count; i++)
		weft__log_line_field(&logger->line, &fields.all[i]);
	len = weft__log_line_end(&logger->line);
	if (logger->tap)
		logger->tap(level, logger->line.bytes, len, logger->tap_arg);
	if (!can_send || !send_line(logger, len))
		atomic_fetch_add(&logger->dropped, 1);
}

/* ---- Writing
 * ---------------------------------------------------------------------------------------- */

void weft_logger_write(struct weft_logger *logger, enum weft_log_level level, const char *message,
	const struct weft_log_field *fields, size_t count)
{
	int saved = errno;

	if (lock(logger, LOCK_WAIT_NS)) {
		write_locked(logger, level, message, (struct fields){fields, count});
		unlock(logger);
	} else {
		atomic_fetch_add(&logger->dropped, 1);
	}
	errno = saved;
}

void weft_logf(enum weft_log_level level, const char *format, ...)
{
	struct weft_logger *logger = &default_logger;
	int saved = errno;
	va_list args;

	if (!weft_log_enabled(level))
		return;
	if (!lock(logger, LOCK_WAIT_NS)) {
		atomic_fetch_add(&logger->dropped, 1);
		errno = saved;
		return;
	}
	errno = saved; /* for %m */
	va_start(args, format);
	/* Longer than a line, it is cut by the line too. */
	if (vsnprintf(logger->message, sizeof(logger->message), format, args) < 0)
		logger->message[0] = '\0';
	va_end(args);
	write_locked(logger, level, logger->message, (struct fields){NULL, 0});
	unlock(logger);
	errno = saved;
}
