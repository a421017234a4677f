/*
 * access_log.c - the access log: lines gather in memory, and a thread of its own writes them.
 *
 * Entry points: weft_http_log_new(), weft_http_log_add(), weft_http_log_reopen(),
 * weft_http_log_free().
 *
 *	worker 0 --> ring --+
 *	worker 1 --> ring --+--> writer thread --> write(2), in batches
 *	others ----> ring --+	(the last ring has a lock: threads without a worker)
 *
 * A ring has one producer and one consumer, so that a worker needs no lock and makes
 * no system call for a line, but to wake the writer when that sleeps or a ring fills.
 * When the disk can't follow, lines are dropped and counted; a worker never waits.
 *
 * The lines are made in log_line.c.
 *
 * Never: a line in two files, when the log is opened anew.
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
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fiber/watch.h"
#include "http/limits.h"
#include "http/log_line.h"
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
	struct weft__http_log_line line; /* being made, by the producer */
	char bytes[RING_SIZE];
};

struct weft_http_log {
	enum weft_http_log_format format;
	char *path; /* NULL: the standard output */
	int fd;
	atomic_int next_fd; /* to go on with, from the end of a line on; -1: none */
	size_t chunk;
	_Atomic unsigned *generation; /* shared with children: how often it was opened anew */
	unsigned own_generation;
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

/* ---- The file ---- */

static int open_path(const struct weft_http_log *log)
{
	return open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

static size_t chunk_of(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) ? FILE_CHUNK : PIPE_BUF;
}

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

/* Whole lines are written, and the next begins. */
static void use_next_file(struct weft_http_log *log)
{
	int fd = atomic_exchange(&log->next_fd, -1);

	if (fd < 0)
		return;
	/* In the place of the old one: whoever reads log->fd meanwhile finds a file there. */
	dup3(fd, log->fd, O_CLOEXEC);
	close(fd);
	/* Who is forked from here on has the new one already. */
	log->own_generation = atomic_load(log->generation);
	log->chunk = chunk_of(log->fd);
	log->is_cut = false;
	log->has_failed = false;
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
	use_next_file(log);
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
		if (!atomic_load(&log->is_ending) && atomic_load(&log->next_fd) < 0)
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
	log->fd = STDOUT_FILENO;
	if (strcmp(path, "-") != 0) {
		log->path = strdup(path);
		log->fd = log->path ? open_path(log) : -1;
	}
	if (log->fd < 0)
		return -1;
	log->chunk = chunk_of(log->fd);
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

struct weft_http_log *weft_http_log_new(
	const char *path, const struct weft_http_log_options *options)
{
	struct weft_http_log *log = calloc(1, sizeof(*log));
	int saved;

	if (!log)
		return NULL;
	log->format = options ? options->format : WEFT_HTTP_LOG_COMMON;
	atomic_init(&log->next_fd, -1);
	log->generation = mmap(NULL, sizeof(*log->generation), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (log->generation == MAP_FAILED)
		goto fail_shared;
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
	if (log->path)
		close(log->fd);
	errno = saved;
fail_open:
	saved = errno;
	munmap(log->generation, sizeof(*log->generation));
	errno = saved;
fail_shared:
	saved = errno;
	free(log->path);
	free(log);
	errno = saved;
	return NULL;
}

void weft_http_log_free(struct weft_http_log *log)
{
	if (!log)
		return;
	/* A child has no writer to end. */
	if (getpid() == log->process) {
		atomic_store(&log->is_ending, true);
		wake(log);
		pthread_join(log->writer, NULL);
	}
	for (unsigned i = 0; i < RING_COUNT; i++)
		free(atomic_load(&log->rings[i]));
	pthread_mutex_destroy(&log->lock);
	close(log->wake_fd);
	if (atomic_load(&log->next_fd) >= 0)
		close(atomic_load(&log->next_fd));
	if (log->path)
		close(log->fd);
	munmap(log->generation, sizeof(*log->generation));
	free(log->path);
	free(log);
}

int weft_http_log_reopen(struct weft_http_log *log)
{
	int fd;

	if (!log->path)
		return 0;
	fd = open_path(log);
	if (fd < 0)
		return -1;
	fd = atomic_exchange(&log->next_fd, fd);
	if (fd >= 0)
		close(fd); /* of a time before, which the writer has not come to */
	atomic_fetch_add(log->generation, 1);
	atomic_store(&log->is_asleep, false);
	wake(log);
	return 0;
}

/* ---- Adding -----------------------------------------------------------------------------------
 */

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
	memcpy(ring->bytes + at, ring->line.text, first);
	memcpy(ring->bytes, ring->line.text + first, len - first);
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
		put_line(log, ring,
			weft__http_log_line_make(&ring->line, log->format, request, response));
}

/* The parent has opened the log anew: so does its child. */
static void follow_parent(struct weft_http_log *log)
{
	unsigned generation = atomic_load(log->generation);
	int fd;

	if (generation == log->own_generation)
		return;
	log->own_generation = generation;
	fd = open_path(log);
	if (fd < 0)
		return; /* it goes on with what it has */
	dup3(fd, log->fd, O_CLOEXEC);
	close(fd);
}

/* In a child, which has no writer: a line at once, as the file was opened for appending. */
static void write_at_once(struct weft_http_log *log, const struct weft_http_request *request,
	const struct weft_http_response *response)
{
	struct ring *ring = ring_at(log, RING_COUNT - 1);
	size_t len;

	if (!ring)
		return;
	follow_parent(log);
	len = weft__http_log_line_make(&ring->line, log->format, request, response);
	if (write(log->fd, ring->line.text, len) < 0)
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
