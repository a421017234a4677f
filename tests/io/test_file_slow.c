/*
 * test_file_slow.c - files that don't answer hold up nobody but who waits for them.
 *
 * check: tsan valgrind drivers
 */
#include <stdatomic.h>
#include <sys/stat.h>

#include "both.h"
#include "place.h"
#include "weft/file.h"
#include "weft/offload.h"
#include "weft/scope.h"

static void run_on_one_worker(weft_fiber_fn *body)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 1}, body, NULL), ==, 0);
}

static atomic_bool is_open;

/* A FIFO's open(2) blocks until its other end is opened. */
static int open_and_read(void *arg)
{
	struct weft_file *file = weft_file_open(arg, "r");
	const char *line;
	ssize_t len;

	if (!file)
		return -errno;
	atomic_store(&is_open, true);
	len = weft_file_readline(file, &line);
	CHECK_INT(weft_file_close(file), ==, 0);
	return (int)len;
}

static int neighbours(void *arg)
{
	const char *path = place("fifo");
	weft_fiber_id reader;
	struct weft_file *writer;
	int result;

	(void)arg;
	CHECK_INT(mkfifo(path, 0600), ==, 0);
	CHECK((reader = weft_spawn(open_and_read, (void *)path)) != 0);
	for (int i = 0; i < 100; i++)
		CHECK_INT(weft_sleep(WEFT_MICROSECONDS(20)), ==, 0);
	CHECK(!atomic_load(&is_open));
	writer = weft_file_open(path, "w");
	CHECK(writer != NULL);
	while (!atomic_load(&is_open))
		CHECK_INT(weft_sleep(WEFT_MICROSECONDS(20)), ==, 0);
	/* The reader waits again, now for a line. */
	for (int i = 0; i < 100; i++)
		weft_yield();
	CHECK_INT(weft_file_printf(writer, "a line\n"), ==, 0);
	CHECK_ERRNO(weft_file_tell(writer), ESPIPE);
	CHECK_INT(weft_file_close(writer), ==, 0);
	CHECK_INT(weft_join(reader, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 7);
	return 0;
}

CHECK_CASE(neighbours_run_while_a_fifo_is_opened_and_read)
{
	run_on_one_worker(neighbours);
}

static int late(void *arg)
{
	const char *path = place("fifo");
	struct weft_file *file;
	int before = dup(0), after, fd;
	char byte;

	(void)arg;
	close(before);
	CHECK_INT(mkfifo(path, 0600), ==, 0);
	CHECK_INT(weft_file_close(weft_file_open("/dev/null", "r")), ==, 0); /* a thread is there */
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(50))
		CHECK_ERRNO(weft_file_open(path, "r"), ETIMEDOUT);
	/* What was left behind opens now, and is closed again by itself. (Where the machine was so
	 * slow that it had not begun, nobody is there: ENXIO.) */
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	CHECK(fd >= 0 || errno == ENXIO);
	while (fd >= 0 && write(fd, "x", 1) == 1)
		weft_sleep(WEFT_MICROSECONDS(100));
	if (fd >= 0) {
		CHECK_INT(errno, ==, EPIPE);
		close(fd);
	}
	/* A read of one that is open, but silent, is as late as any. */
	fd = open(path, O_RDWR | O_CLOEXEC);
	file = weft_file_open(path, "r");
	CHECK(file != NULL);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_file_read(file, &byte, 1), ETIMEDOUT);
	CHECK_INT(weft_file_close(file), ==, 0);
	close(fd);
	CHECK_ERRNO(weft_file_open(path, "r+"), ESPIPE);
	after = dup(0);
	CHECK_INT(after, <=, before + 3); /* the driver's own may have come meanwhile */
	close(after);
	return 0;
}

CHECK_CASE(a_late_open_is_left_behind_and_leaks_nothing)
{
	run_on_one_worker(late);
}

/* ---- A disk that doesn't answer: all threads for files are held up ---------------------- */

#define STALLED 2

static atomic_int stalled;
static int stall_ends[2];

static int stall(void *arg)
{
	char byte;

	(void)arg;
	atomic_fetch_add(&stalled, 1);
	return (int)read(stall_ends[0], &byte, 1);
}

static int stall_fiber(void *arg)
{
	return weft_offload_as(WEFT_OFFLOAD_FILE, stall, arg);
}

static int open_for_writing(void *arg)
{
	struct weft_file *file = weft_file_open(arg, "w");

	return file ? weft_file_close(file) : -errno;
}

static int stalled_disk(void *arg)
{
	const char *path = place("a");
	weft_fiber_id fibers[STALLED], waiting, cancelled;
	int sockets[2], result;
	char byte;

	(void)arg;
	CHECK_INT(pipe(stall_ends), ==, 0);
	CHECK_INT(weft_offload_limit(WEFT_OFFLOAD_FILE, STALLED), ==, 0);
	for (int i = 0; i < STALLED; i++)
		CHECK((fibers[i] = weft_spawn(stall_fiber, NULL)) != 0);
	while (atomic_load(&stalled) < STALLED)
		weft_sleep(WEFT_MICROSECONDS(50));
	CHECK((waiting = weft_spawn(open_for_writing, (void *)path)) != 0);
	CHECK((cancelled = weft_spawn(open_for_writing, (void *)path)) != 0);
	weft_sleep(WEFT_MILLISECONDS(1));
	/* Sockets and timers go on; who waits for the disk can be cancelled. */
	make_pair(SOCK_STREAM, sockets);
	CHECK_INT(write(sockets[1], "x", 1), ==, 1);
	CHECK_INT(read(sockets[0], &byte, 1), ==, 1);
	CHECK_INT(weft_cancel(cancelled), ==, 0);
	CHECK_INT(weft_join(cancelled, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, -ECANCELED);
	CHECK_ERRNO(weft_join(waiting, &result, WEFT_MILLISECONDS(5)), ETIMEDOUT);
	CHECK_INT(write(stall_ends[1], "xx", STALLED), ==, STALLED);
	CHECK_INT(weft_join(waiting, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	for (int i = 0; i < STALLED; i++)
		CHECK_INT(weft_join(fibers[i], &result, WEFT_FOREVER), ==, 0);
	close(sockets[0]);
	close(sockets[1]);
	return 0;
}

CHECK_CASE(a_stalled_disk_holds_up_only_who_waits_for_it)
{
	run_on_one_worker(stalled_disk);
}

CHECK_MAIN()
