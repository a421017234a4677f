/*
 * server_log.c - the transfer log, in the form that xferlog(5) has.
 *
 * Entry points: weft_ftp_log_new(), _add(), _reopen(), _free().
 *
 *	Sat Nov 21 13:48:15 2026 2 192.0.2.7 1048576 /photos/a_b.jpg b _ o r anna ftp 0 * c
 *
 * Lines gather in memory under a lock that is held to copy one, and a thread of its own writes
 * them. A file takes longer than its line: so there is no more to it than that. Blanks in names
 * become '_', as those who read such logs expect.
 *
 * Never: waits for the disk, but at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fiber/watch.h"
#include "ftp/server_limits.h"
#include "weft/fiber.h"
#include "weft/ftp.h"

struct weft_ftp_log {
	char *path; /* NULL: the standard output */
	pthread_t writer;
	pid_t process;        /* that has the writer */
	pthread_mutex_t lock; /* of the rest */
	pthread_cond_t changed;
	int fd;
	bool is_ending;
	size_t dropped;
	size_t len;
	char *lines; /* of WEFT__FTPD_LOG_SIZE bytes */
	char *spare; /* the same, which the writer has meanwhile */
};

/* ---- The writer -------------------------------------------------------------------------- */

static void write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t count = write(fd, data, len);

		if (count < 0 && errno != EINTR)
			return; /* there is nobody to tell */
		if (count > 0) {
			data += count;
			len -= (size_t)count;
		}
	}
}

/* Write what there is. The lock is given back meanwhile. */
static void write_lines(struct weft_ftp_log *log)
{
	size_t len = log->len, dropped = log->dropped;
	char *lines = log->lines, note[80];
	int fd = log->fd;

	log->lines = log->spare;
	log->spare = lines;
	log->len = log->dropped = 0;
	pthread_mutex_unlock(&log->lock);
	write_all(fd, lines, len);
	if (dropped > 0) {
		len = (size_t)snprintf(note, sizeof(note),
			"# %zu lines were dropped: the log could not keep up\n", dropped);
		write_all(fd, note, len);
	}
	pthread_mutex_lock(&log->lock);
}

/* Lines that come soon after the first are written with it. */
static void gather(struct weft_ftp_log *log)
{
	struct timespec until;
	int code = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += WEFT__FTPD_LOG_FLUSH_NS;
	until.tv_sec += until.tv_nsec / WEFT_SECONDS(1);
	until.tv_nsec %= WEFT_SECONDS(1);
	while (code == 0 && !log->is_ending && log->len < WEFT__FTPD_LOG_SIZE / 2)
		code = pthread_cond_timedwait(&log->changed, &log->lock, &until);
}

static void *run_writer(void *arg)
{
	struct weft_ftp_log *log = arg;

	pthread_setname_np(pthread_self(), "weft-ftp-log");
	weft__bystanders_add(1);
	pthread_mutex_lock(&log->lock);
	while (!log->is_ending || log->len > 0) {
		while (log->len == 0 && !log->is_ending)
			pthread_cond_wait(&log->changed, &log->lock);
		gather(log);
		write_lines(log);
	}
	pthread_mutex_unlock(&log->lock);
	weft__bystanders_add(-1);
	return NULL;
}

/* ---- Life -------------------------------------------------------------------------------- */

static int open_path(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

static void init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

/* Signals are the program's, not this thread's. */
static int start_writer(struct weft_ftp_log *log)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&log->writer, NULL, run_writer, log);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = error;
	return error ? -1 : 0;
}

static void drop(struct weft_ftp_log *log)
{
	int saved = errno;

	if (log->path && log->fd >= 0)
		close(log->fd);
	pthread_cond_destroy(&log->changed);
	pthread_mutex_destroy(&log->lock);
	free(log->path);
	free(log->lines);
	free(log->spare);
	free(log);
	errno = saved;
}

struct weft_ftp_log *weft_ftp_log_new(const char *path)
{
	struct weft_ftp_log *log = calloc(1, sizeof(*log));
	bool is_file = strcmp(path, "-") != 0;

	if (!log)
		return NULL;
	pthread_mutex_init(&log->lock, NULL);
	init_condition(&log->changed);
	log->process = getpid();
	log->lines = malloc(WEFT__FTPD_LOG_SIZE);
	log->spare = malloc(WEFT__FTPD_LOG_SIZE);
	log->path = is_file ? strdup(path) : NULL;
	log->fd = STDOUT_FILENO;
	if (is_file)
		log->fd = log->path ? open_path(path) : -1;
	if (log->lines && log->spare && log->fd >= 0 && start_writer(log) == 0)
		return log;
	drop(log);
	return NULL;
}

int weft_ftp_log_reopen(struct weft_ftp_log *log)
{
	int fd = log->path ? open_path(log->path) : -1;

	if (fd < 0)
		return log->path ? -1 : 0;
	pthread_mutex_lock(&log->lock);
	/* In the place of the old one, which the writer may be using. */
	dup3(fd, log->fd, O_CLOEXEC);
	pthread_mutex_unlock(&log->lock);
	close(fd);
	return 0;
}

void weft_ftp_log_free(struct weft_ftp_log *log)
{
	if (!log)
		return;
	/* A child has no writer to end. */
	if (getpid() == log->process) {
		pthread_mutex_lock(&log->lock);
		log->is_ending = true;
		pthread_cond_signal(&log->changed);
		pthread_mutex_unlock(&log->lock);
		pthread_join(log->writer, NULL);
	}
	drop(log);
}

/* ---- Adding ------------------------------------------------------------------------------ */

/* As ctime(3), in no locale. */
static size_t print_time(char *line, size_t size)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = (time_t)(weft_wall_now() / WEFT_SECONDS(1));
	struct tm moment = {0};

	localtime_r(&now, &moment);
	return (size_t)snprintf(line, size, "%.3s %.3s %2d %02d:%02d:%02d %d",
		days + 3 * (moment.tm_wday % 7), months + 3 * (moment.tm_mon % 12), moment.tm_mday,
		moment.tm_hour, moment.tm_min, moment.tm_sec, moment.tm_year + 1900);
}

/* What has a place of its own in the line must have no blank in it. */
static void close_gaps(char *text)
{
	for (; *text; text++)
		if (*text == ' ' || (unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '_';
}

static size_t print_line(char *line, size_t size, const struct weft_ftp_transfer *transfer)
{
	size_t len = print_time(line, size), at;

	len += (size_t)snprintf(line + len, size - len, " %lld ",
		(long long)((transfer->duration_ns + WEFT_SECONDS(1) / 2) / WEFT_SECONDS(1)));
	at = len;
	len += (size_t)snprintf(line + len, size - len, "%s", transfer->peer);
	close_gaps(line + at);
	len += (size_t)snprintf(line + len, size - len, " %lld ", (long long)transfer->bytes);
	at = len;
	len += (size_t)snprintf(line + len, size - len, "/%s", transfer->path);
	close_gaps(line + at);
	len += (size_t)snprintf(line + len, size - len, " %c _ %c %c ",
		transfer->is_ascii ? 'a' : 'b', transfer->is_upload ? 'i' : 'o',
		transfer->is_anonymous ? 'a' : 'r');
	at = len;
	len += (size_t)snprintf(
		line + len, size - len, "%s", transfer->name[0] ? transfer->name : "-");
	close_gaps(line + at);
	len += (size_t)snprintf(
		line + len, size - len, " ftp 0 * %c\n", transfer->error ? 'i' : 'c');
	return len;
}

void weft_ftp_log_add(struct weft_ftp_log *log, const struct weft_ftp_transfer *transfer)
{
	size_t size = WEFT__FTPD_LOG_LINE_MAX, len;
	char *line = malloc(size);

	len = line ? print_line(line, size, transfer) : 0;
	pthread_mutex_lock(&log->lock);
	if (len == 0 || len >= size || len > WEFT__FTPD_LOG_SIZE - log->len) {
		log->dropped++;
	} else if (getpid() != log->process) {
		write_all(log->fd, line, len); /* a child has no writer */
	} else {
		memcpy(log->lines + log->len, line, len);
		log->len += len;
	}
	pthread_cond_signal(&log->changed);
	pthread_mutex_unlock(&log->lock);
	free(line);
}
