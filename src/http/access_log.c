/*
 * access_log.c - the access log: lines gather in memory, and a thread of its own writes them.
 *
 * Entry points: weft_http_log_new(), weft_http_log_add(), weft_http_log_free().
 *
 *	worker 0 --> ring --+
 *	worker 1 --> ring --+--> writer thread --> write(2), in batches
 *	others ----> ring --+	(the last ring has a lock: threads without a worker)
 *
 * A ring has one producer and one consumer, so that a worker needs no lock and makes
 * no system call for a line, but to wake the writer when that sleeps or a ring fills.
 * When the disk can't follow, lines are dropped and counted; a worker never waits.
 *
 * Never: a byte from outside in the log that is not printable ASCII.
 */
#include "weft/http.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fiber/watch.h"
#include "http/date.h"
#include "http/escape.h"
#include "http/limits.h"
#include "weft/fiber.h"

#define RING_SIZE  WEFT__HTTP_LOG_RING_SIZE
#define RING_COUNT (WEFT_WORKERS_MAX + 1)

/** Bytes of a file that one write(2) gets; a pipe gets PIPE_BUF, which never blocks after poll(2).
 */
#define FILE_CHUNK 65536

/** How long the end waits for a reader that does not read. */
#define LAST_WRITE_MS 1000

struct ring {
	_Atomic size_t head; /* bytes ever put in, by its producer */
	_Atomic size_t tail; /* bytes ever taken out, by the writer */
	_Atomic size_t dropped;
	int64_t time_s; /* the second that time_text is for */
	char time_text[40];
	char line[WEFT__HTTP_LOG_LINE_MAX]; /* being made, by the producer */
	char bytes[RING_SIZE];
};

struct weft_http_log {
	int fd;
	bool is_ours; /* fd is to be closed */
	size_t chunk;
	int wake_fd;
	atomic_bool is_asleep; /* the writer waits for a first line */
	atomic_bool is_urgent; /* it has been told that a ring is filling */
	atomic_bool is_ending;
	/* The writer's own: */
	size_t lost;       /* lines that are not in the log, and that it has not said so of */
	bool is_cut;       /* the last byte that got out was not the end of a line */
	bool has_failed;   /* the last write */
	bool is_skipping;  /* the rest of a line that is lost is still to come */
	bool has_given_up; /* nobody reads, and this is the end */
	pid_t process;     /* that has the writer */
	pthread_t writer;
	pthread_mutex_t lock; /* of the last ring, for threads that are no workers */
	struct ring *_Atomic rings[RING_COUNT]; /* each made on its first line */
};

/* ---- The writer --------------------------------------------------------------------------- */

static void wake(struct weft_http_log *log)
{
	uint64_t one = 1;

	if (write(log->wake_fd, &one, sizeof(one)) < 0)
		return; /* it is full of wakes already */
}

/* Wait until somebody wakes us, at most timeout_ms. */
static void await_wake(struct weft_http_log *log, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = log->wake_fd, .events = POLLIN};
	uint64_t count;

	if (poll(&poll_fd, 1, timeout_ms) > 0 && read(log->wake_fd, &count, sizeof(count)) < 0)
		return;
}

/* Write what can be written of it. A reader that stalls stalls us, but not past the end. */
static size_t write_some(struct weft_http_log *log, const char *data, size_t len)
{
	size_t done = 0;

	while (done < len && !log->has_given_up) {
		struct pollfd poll_fd = {.fd = log->fd, .events = POLLOUT};
		size_t left = len - done;
		ssize_t count;

		if (poll(&poll_fd, 1, LAST_WRITE_MS) == 0) {
			log->has_given_up = atomic_load(&log->is_ending);
			continue;
		}
		count = write(log->fd, data + done, left < log->chunk ? left : log->chunk);
		if (count < 0 && errno != EINTR && errno != EAGAIN)
			break;
		if (count > 0)
			done += (size_t)count;
	}
	if (done > 0)
		log->is_cut = data[done - 1] != '\n';
	log->has_failed = done < len;
	return done;
}

/* After a failure, the log may end within a line: end it. Returns whether it ends with one. */
static bool end_cut_line(struct weft_http_log *log)
{
	return !log->has_failed || !log->is_cut || write_some(log, "\n", 1) == 1;
}

/*
 * Write lines; the last may go on in the next call. What can't be written is lost, and
 * counted: the ring must not stay full.
 */
static void write_lines(struct weft_http_log *log, const char *data, size_t len)
{
	const char *end = data + len;

	if (log->is_skipping) {
		const char *feed = memchr(data, '\n', len);

		log->is_skipping = !feed;
		log->lost += feed != NULL;
		data = feed ? feed + 1 : end;
	}
	if (data < end && end_cut_line(log))
		data += write_some(log, data, (size_t)(end - data));
	if (data < end)
		log->is_skipping = end[-1] != '\n';
	for (; data < end; data++)
		log->lost += *data == '\n';
}

static void drain_ring(struct weft_http_log *log, struct ring *ring)
{
	size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	while (tail != head) {
		size_t at = tail % RING_SIZE;
		size_t len = head - tail < RING_SIZE - at ? head - tail : RING_SIZE - at;

		write_lines(log, ring->bytes + at, len);
		tail += len;
		atomic_store_explicit(&ring->tail, tail, memory_order_release);
	}
	log->lost += atomic_exchange(&ring->dropped, 0);
}

/* Say how many lines are missing; if that can't be written either, it is said later. */
static void write_lost(struct weft_http_log *log)
{
	char note[80];
	int len = snprintf(note, sizeof(note),
		"# %zu lines were dropped: the log could not keep up\n", log->lost);

	if (end_cut_line(log) && write_some(log, note, (size_t)len) == (size_t)len)
		log->lost = 0;
}

static bool has_lines(struct weft_http_log *log)
{
	for (unsigned i = 0; i < RING_COUNT; i++) {
		struct ring *ring = atomic_load(&log->rings[i]);

		if (ring && atomic_load(&ring->head) != atomic_load(&ring->tail))
			return true;
	}
	return false;
}

static void drain(struct weft_http_log *log)
{
	atomic_store(&log->is_urgent, false);
	for (unsigned i = 0; i < RING_COUNT; i++) {
		struct ring *ring = atomic_load(&log->rings[i]);

		if (ring)
			drain_ring(log, ring);
	}
	if (log->lost > 0)
		write_lost(log);
}

static void *run_writer(void *arg)
{
	struct weft_http_log *log = arg;

	pthread_setname_np(pthread_self(), "weft-log");
	weft__bystanders_add(1);
	while (!atomic_load(&log->is_ending)) {
		/* Said before the look at the rings: who adds after it will see it, and wake us. */
		atomic_store(&log->is_asleep, true);
		if (!has_lines(log) && !atomic_load(&log->is_ending))
			await_wake(log, -1);
		atomic_store(&log->is_asleep, false);
		if (!atomic_load(&log->is_ending))
			await_wake(log, (int)(WEFT__HTTP_LOG_FLUSH_NS / WEFT_MILLISECONDS(1)));
		drain(log);
	}
	drain(log); /* what was added while the last round wrote */
	weft__bystanders_add(-1);
	return NULL;
}

/* ---- Life ----------------------------------------------------------------------------------- */

static int open_log(struct weft_http_log *log, const char *path)
{
	struct stat stat;

	log->is_ours = strcmp(path, "-") != 0;
	log->fd = log->is_ours ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640)
			       : STDOUT_FILENO;
	if (log->fd < 0)
		return -1;
	log->chunk = fstat(log->fd, &stat) == 0 && S_ISREG(stat.st_mode) ? FILE_CHUNK : PIPE_BUF;
	return 0;
}

/* Signals are the program's, not this thread's; a broken pipe is an error, not a death. */
static int start_writer(struct weft_http_log *log)
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

struct weft_http_log *weft_http_log_new(const char *path)
{
	struct weft_http_log *log = calloc(1, sizeof(*log));
	int saved;

	if (!log)
		return NULL;
	if (open_log(log, path) < 0)
		goto fail_open;
	log->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (log->wake_fd < 0)
		goto fail_wake;
	pthread_mutex_init(&log->lock, NULL);
	log->process = getpid();
	if (start_writer(log) < 0)
		goto fail_writer;
	return log;

fail_writer:
	saved = errno;
	pthread_mutex_destroy(&log->lock);
	close(log->wake_fd);
	errno = saved;
fail_wake:
	saved = errno;
	if (log->is_ours)
		close(log->fd);
	errno = saved;
fail_open:
	saved = errno;
	free(log);
	errno = saved;
	return NULL;
}

void weft_http_log_free(struct weft_http_log *log)
{
	if (!log)
		return;
	atomic_store(&log->is_ending, true);
	wake(log);
	pthread_join(log->writer, NULL);
	for (unsigned i = 0; i < RING_COUNT; i++)
		free(atomic_load(&log->rings[i]));
	pthread_mutex_destroy(&log->lock);
	close(log->wake_fd);
	if (log->is_ours)
		close(log->fd);
	free(log);
}

/* ---- Adding -----------------------------------------------------------------------------------
 */

/* "20/Nov/2026:22:16:00 +0100", made once a second. */
static const char *time_text(struct ring *ring)
{
	int64_t now_s = weft__http_now_s();
	struct tm tm;

	if (ring->time_s != now_s && localtime_r(&(time_t){now_s}, &tm)) {
		ring->time_s = now_s;
		strftime(ring->time_text, sizeof(ring->time_text), "%d/%b/%Y:%H:%M:%S %z", &tm);
	}
	return ring->time_text;
}

/* Put the line together in ring->line; the request line, which may be long, is cut to fit. */
static size_t make_line(struct ring *ring, const struct weft_http_request *request,
	const struct weft_http_response *response)
{
	struct weft_http_text asked = weft_http_request_line(request);
	char *line = ring->line;
	char tail[48];
	size_t len, tail_len;

	tail_len = (size_t)snprintf(tail, sizeof(tail), "\" %d %lld\n",
		weft_http_response_status(response),
		(long long)weft_http_response_body_len(response));
	len = (size_t)snprintf(line, sizeof(ring->line), "%s - - [%s] \"",
		weft_http_request_peer(request), time_text(ring));
	len += weft__http_escape_log(
		line + len, sizeof(ring->line) - len - tail_len, asked.data, asked.len);
	memcpy(line + len, tail, tail_len);
	return len + tail_len;
}

static void put_line(struct weft_http_log *log, struct ring *ring, size_t len)
{
	size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	size_t used = head - atomic_load_explicit(&ring->tail, memory_order_acquire);
	size_t at = head % RING_SIZE, first = RING_SIZE - at;

	if (RING_SIZE - used < len) {
		atomic_fetch_add(&ring->dropped, 1);
		return;
	}
	if (first > len)
		first = len;
	memcpy(ring->bytes + at, ring->line, first);
	memcpy(ring->bytes, ring->line + first, len - first);
	/* In one order with is_asleep, so that either we see it or the writer sees the line. */
	atomic_store(&ring->head, head + len);
	if (atomic_load(&log->is_asleep) && atomic_exchange(&log->is_asleep, false))
		wake(log);
	else if (used > RING_SIZE / 2 && !atomic_exchange(&log->is_urgent, true))
		wake(log);
}

/* The ring at index, made when it is not there; NULL when there is no memory for it. */
static struct ring *ring_at(struct weft_http_log *log, unsigned index)
{
	struct ring *ring = atomic_load_explicit(&log->rings[index], memory_order_acquire);

	if (!ring) {
		ring = calloc(1, sizeof(*ring));
		atomic_store_explicit(&log->rings[index], ring, memory_order_release);
	}
	return ring;
}

static void add(struct weft_http_log *log, unsigned index, const struct weft_http_request *request,
	const struct weft_http_response *response)
{
	struct ring *ring = ring_at(log, index);

	if (ring)
		put_line(log, ring, make_line(ring, request, response));
}

/* In a child, which has no writer: a line at once, as the file was opened for appending. */
static void write_at_once(struct weft_http_log *log, const struct weft_http_request *request,
	const struct weft_http_response *response)
{
	struct ring *ring = ring_at(log, RING_COUNT - 1);

	if (ring && write(log->fd, ring->line, make_line(ring, request, response)) < 0)
		return; /* there is nobody to tell */
}

void weft_http_log_add(struct weft_http_log *log, const struct weft_http_request *request,
	const struct weft_http_response *response)
{
	int worker = weft_worker_index();

	if (worker >= 0 && worker < WEFT_WORKERS_MAX) {
		add(log, (unsigned)worker, request, response);
		return;
	}
	pthread_mutex_lock(&log->lock);
	if (getpid() == log->process)
		add(log, RING_COUNT - 1, request, response);
	else
		write_at_once(log, request, response);
	pthread_mutex_unlock(&log->lock);
}
