/*
 * test_uring.c - what is special about the driver over io_uring: memory that the kernel may
 * write to, requests that are called off, files without a thread, a kernel that forbids it.
 * check: tsan
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "check.h"
#include "fiber/driver/driver.h"
#include "weft/fiber.h"
#include "weft/log.h"
#include "weft/scope.h"
#include "weft/socket.h"
#include "weft/stream.h"

static const struct weft_run_options over_uring = {.workers = 1, .driver = "uring"};

static bool has_uring(void)
{
	for (size_t i = 0; weft_driver_at(i); i++)
		if (strcmp(weft_driver_at(i), "uring") == 0)
			return true;
	return false;
}

static void run(weft_fiber_fn *fn)
{
	if (has_uring())
		CHECK_INT(weft_run(&over_uring, fn, NULL), ==, 0);
}

static size_t open_descriptors(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 1000; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* ---- Memory --------------------------------------------------------------------------- */

static int read_and_be_late(void *fds)
{
	char bytes[64];

	memset(bytes, 0x55, sizeof(bytes));
	WEFT_WITH_TIMEOUT (WEFT_MICROSECONDS(200))
		weft_recv(((int *)fds)[0], bytes, sizeof(bytes), 0);
	return 0;
}

/* Uses the stack that the reader had, and looks whether anybody else writes to it. */
static int watch_the_stack(void *fds)
{
	volatile char bytes[4096];

	memset((char *)bytes, 0x77, sizeof(bytes));
	CHECK_INT(weft_send(((int *)fds)[1], "written too late", 16, 0), ==, 16);
	for (int i = 0; i < 20; i++)
		weft_yield();
	weft_sleep(WEFT_MICROSECONDS(300));
	for (size_t i = 0; i < sizeof(bytes); i++)
		CHECK_INT(bytes[i], ==, 0x77);
	return 0;
}

static int late_readers(void *arg)
{
	int fds[2];
	char bytes[64];

	(void)arg;
	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	for (int i = 0; i < 200; i++) {
		CHECK_INT(weft_join(weft_spawn(read_and_be_late, fds), NULL, WEFT_FOREVER), ==, 0);
		CHECK_INT(weft_join(weft_spawn(watch_the_stack, fds), NULL, WEFT_FOREVER), ==, 0);
		CHECK_INT(weft_recv(fds[0], bytes, sizeof(bytes), 0), ==, 16); /* nothing lost */
	}
	weft_close(fds[0]);
	weft_close(fds[1]);
	return 0;
}

CHECK_CASE(the_kernel_writes_to_no_stack_whose_fiber_gave_up)
{
	run(late_readers);
}

/* ---- Descriptors that are closed elsewhere ---------------------------------------------- */

static struct {
	int fds[2];
	atomic_int step; /* 1: the reader has asked; 2: its number is another file's */
} reused;

static int receive_too_late(void *arg)
{
	char bytes[64];

	(void)arg;
	return weft_recv(reused.fds[0], bytes, sizeof(bytes), 0) < 0 ? errno : 0;
}

/* Runs when the reader waits; so the worker can't tell the kernel yet what it has asked for. */
static int hold_worker(void *arg)
{
	(void)arg;
	atomic_store(&reused.step, 1);
	while (atomic_load(&reused.step) < 2)
		;
	return 0;
}

/* Another socket with the same number, and bytes in it. */
static int reopen(int number)
{
	int fds[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
	if (fds[0] != number) {
		CHECK_INT(dup2(fds[0], number), ==, number);
		close(fds[0]);
	}
	CHECK_INT(write(fds[1], "not for you", 11), ==, 11);
	return fds[1];
}

static int reuse_numbers(void *arg)
{
	const struct weft_spawn_options elsewhere = {.worker = 2};
	char bytes[64];

	(void)arg;
	for (int i = 0; i < 50; i++) {
		weft_fiber_id reader, holder;
		int code, far_end;

		CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, reused.fds), ==, 0);
		atomic_store(&reused.step, 0);
		reader = weft_spawn_with(&elsewhere, receive_too_late, NULL);
		holder = weft_spawn_with(&elsewhere, hold_worker, NULL);
		while (atomic_load(&reused.step) < 1)
			;
		CHECK_INT(weft_close(reused.fds[0]), ==, 0);
		far_end = reopen(reused.fds[0]);
		atomic_store(&reused.step, 2);
		CHECK_INT(weft_join(reader, &code, WEFT_FOREVER), ==, 0);
		CHECK_INT(weft_join(holder, NULL, WEFT_FOREVER), ==, 0);
		CHECK_INT(code, ==, EBADF);
		CHECK_INT(recv(reused.fds[0], bytes, sizeof(bytes), MSG_DONTWAIT), ==, 11);
		weft_close(reused.fds[0]);
		weft_close(reused.fds[1]);
		close(far_end);
	}
	return 0;
}

CHECK_CASE(a_request_in_the_queue_never_reaches_the_next_file_of_that_number)
{
	const struct weft_run_options options = {.workers = 2, .driver = "uring"};

	if (has_uring())
		CHECK_INT(weft_run(&options, reuse_numbers, NULL), ==, 0);
}

/* ---- Buffers that the kernel picks -------------------------------------------------------- */

#define READERS 300 /* more than there are buffers */
#define LINES   5

static int lines_read;

/* The lines of its number, in their order, and then the end. */
static int read_lines(void *stream)
{
	const char *line;
	ssize_t len;
	int expected = 0;

	while ((len = weft_stream_readline(stream, &line)) > 0) {
		char text[32];

		snprintf(text, sizeof(text), "%d of %d\n", expected++, weft_stream_fd(stream));
		CHECK_INT(len, ==, (ssize_t)strlen(text));
		CHECK(memcmp(line, text, (size_t)len) == 0);
		lines_read++;
	}
	CHECK_INT(len, ==, 0);
	CHECK_INT(expected, ==, LINES);
	weft_stream_free(stream);
	return 0;
}

static int read_all_at_once(void *arg)
{
	weft_fiber_id readers[READERS];
	int fds[READERS][2];

	(void)arg;
	lines_read = 0;
	for (int i = 0; i < READERS; i++) {
		struct weft_stream *stream;

		CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]), ==, 0);
		CHECK((stream = weft_stream_new(fds[i][0])));
		CHECK(readers[i] = weft_spawn(read_lines, stream));
	}
	weft_sleep(WEFT_MILLISECONDS(1));
	/* To all of them before the ring is looked at again: buffers run out, and come back. */
	for (int line = 0; line < LINES; line++) {
		for (int i = 0; i < READERS; i++) {
			char text[32];
			int len = snprintf(text, sizeof(text), "%d of %d\n", line, fds[i][0]);

			CHECK_INT(write(fds[i][1], text, (size_t)len), ==, len);
		}
		while (lines_read < (line + 1) * READERS)
			weft_sleep(WEFT_MICROSECONDS(100));
	}
	for (int i = 0; i < READERS; i++)
		weft_close(fds[i][1]);
	CHECK_INT(weft_join_all(readers, READERS, NULL, WEFT_FOREVER), ==, READERS);
	return 0;
}

CHECK_CASE(more_receivers_than_buffers_lose_nothing)
{
	run(read_all_at_once);
}

/* A socket that does not listen: EINVAL. Those that do are accepted from all the same. */
static int accept_oddly(void *arg)
{
	int odd = weft_socket(AF_INET, SOCK_STREAM, 0);

	(void)arg;
	CHECK_ERRNO(weft_accept(odd, NULL, NULL), EINVAL);
	CHECK_INT(weft_close(odd), ==, 0);
	return 0;
}

/* ---- Accepts ----------------------------------------------------------------------------- */

static int accept_once(void *fd)
{
	int connection = weft_accept((int)(intptr_t)fd, NULL, NULL);

	if (connection >= 0)
		weft_close(connection);
	return connection >= 0;
}

static int cancel_accepts(void *arg)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(sa_family_t) + 1 +
			(socklen_t)snprintf(un.sun_path + 1, 60, "weft-%d", (int)getpid());
	int listener = weft_socket(AF_UNIX, SOCK_STREAM, 0), accepted = 0, connected = 0;
	size_t before;

	(void)arg;
	CHECK_INT(weft_bind(listener, (struct sockaddr *)&un, len), ==, 0);
	CHECK_INT(weft_listen(listener, 1000), ==, 0);
	before = open_descriptors();
	for (int i = 0; i < 2000; i++) {
		weft_fiber_id accepter = weft_spawn(accept_once, (void *)(intptr_t)listener);
		int client = -1, result;

		weft_yield();
		if (i % 3) {
			client = weft_socket(AF_UNIX, SOCK_STREAM, 0);
			CHECK_INT(weft_connect(client, (struct sockaddr *)&un, len), ==, 0);
			connected++;
		}
		weft_cancel(accepter);
		CHECK_INT(weft_join(accepter, &result, WEFT_FOREVER), ==, 0);
		accepted += result;
		if (client >= 0)
			weft_close(client);
	}
	/* Who was not accepted then is accepted now. */
	while (accepted < connected)
		accepted += accept_once((void *)(intptr_t)listener);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(50))
		CHECK_INT(accept_once((void *)(intptr_t)listener), ==, 0);
	CHECK_INT(open_descriptors(), ==, before);
	weft_close(listener);
	return 0;
}

CHECK_CASE(thousands_of_cancelled_accepts_leak_no_descriptor_and_lose_no_connection)
{
	run(accept_oddly);
	run(cancel_accepts);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static int64_t perform_on_file(enum weft__op_kind kind, int fd, void *data, size_t len)
{
	struct weft__op op = {.kind = kind, .fd = fd, .data = data, .len = len, .position = 5};

	return weft__perform(&op);
}

static int use_file(void *arg)
{
	int fd = memfd_create("file", MFD_CLOEXEC), tasks;
	char bytes[16] = "";

	(void)arg;
	CHECK_INT(perform_on_file(WEFT__OP_PWRITE, fd, "hello", 5), ==, 5);
	CHECK_INT(perform_on_file(WEFT__OP_PREAD, fd, bytes, sizeof(bytes)), ==, 5);
	CHECK_STR(bytes, "hello");
	CHECK_INT(perform_on_file(WEFT__OP_FSYNC, fd, NULL, 0), ==, 0);
	CHECK_ERRNO(perform_on_file(WEFT__OP_PREAD, 999, bytes, 1), EBADF);
	close(fd);
	tasks = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	CHECK_INT(read(tasks, (char[4096]){0}, 4095), >, 0);
	close(tasks);
	return 0;
}

CHECK_CASE(files_are_read_written_and_synced_by_the_ring)
{
	run(use_file);
}

static bool reading_is_over;

static int read_what_never_comes(void *arg)
{
	int fd = *(int *)arg;
	char byte;
	int64_t result = -1;

	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(200) * check_stretch) {
		struct weft__op op = {
			.kind = WEFT__OP_PREAD, .fd = fd, .data = &byte, .len = 1, .position = -1};

		result = weft__perform(&op);
	}
	reading_is_over = true;
	CHECK_INT(result, ==, -1);
	return errno == ETIMEDOUT || errno == ECANCELED ? 0 : -1;
}

static int stall(void *arg)
{
	weft_fiber_id reader;
	int fds[2], result;

	(void)arg;
	CHECK_INT(pipe(fds), ==, 0); /* blocking: as a disk that does not answer */
	reader = weft_spawn(read_what_never_comes, fds);
	for (int turns = 0; turns < 4; turns++)
		CHECK_INT(weft_sleep(WEFT_MICROSECONDS(100)), ==, 0);
	CHECK(!reading_is_over); /* the neighbour goes on meanwhile */
	CHECK_INT(weft_join(reader, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	close(fds[0]);
	close(fds[1]);
	return 0;
}

CHECK_CASE_IN_TIME(a_file_that_does_not_answer_holds_up_nobody_else)
{
	run(stall);
}

/* ---- Where it is forbidden
 * ------------------------------------------------------------------------ */

static void forbid_io_uring(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};

	CHECK_INT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
	CHECK_INT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), ==, 0);
}

static int name_the_driver(void *arg)
{
	(void)arg;
	CHECK_STR(weft_driver_name(), "epoll");
	return 0;
}

CHECK_CASE(a_kernel_that_forbids_io_uring_has_epoll_instead)
{
	forbid_io_uring();
	if (!has_uring())
		return;
	CHECK_INT(weft_run(&over_uring, name_the_driver, NULL), ==, 0);
	CHECK_INT(weft_run(&over_uring, name_the_driver, NULL), ==, 0);
}

CHECK_MAIN()
