/*
 * test_process_fork.c - what the child of a fork has of its parent, and what it must not keep.
 *
 * check: tsan apart
 */
#include <fcntl.h>
#include <signal.h>

#include "check.h"
#include "weft/fiber.h"
#include "weft/process.h"
#include "weft/stream.h"

static void ends_with(struct weft_process *process, int code)
{
	struct weft_process_end end;

	CHECK_INT(weft_process_join(process, &end, WEFT_FOREVER), ==, 0);
	CHECK_INT(end.how, ==, WEFT_PROCESS_EXITED);
	CHECK_INT(end.code, ==, code);
	weft_process_free(process);
}

/* How many bytes come in, up to the end. */
static int count_input(void *arg)
{
	char bytes[64];
	ssize_t len;
	int count = 0;

	(void)arg;
	while ((len = read(STDIN_FILENO, bytes, sizeof bytes)) > 0)
		count += (int)len;
	return len < 0 ? 255 : count;
}

/* ---- Pipes --------------------------------------------------------------------------------- */

CHECK_CASE(a_pipe_that_is_a_stream_is_not_kept_open_by_a_function)
{
	const struct weft_process_options piped = {.streams = {{WEFT_PROCESS_PIPE, 0}}};
	struct weft_process *first = weft_process_new(&piped, count_input, NULL);
	struct weft_process *second = weft_process_new(&piped, count_input, NULL);
	struct weft_stream *stream;

	CHECK_INT(weft_process_start(first), ==, 0);
	stream = weft_process_stream(first, 0);
	CHECK(stream != NULL);
	CHECK_INT(weft_stream_write_all(stream, "hello", 5), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	CHECK_INT(weft_process_start(second), ==, 0);
	CHECK_INT(weft_process_close_stream(first, 0), ==, 0);
	ends_with(first, 5);
	CHECK(weft_process_is_alive(second));
	CHECK_INT(weft_process_close_stream(second, 0), ==, 0);
	ends_with(second, 0);
}

/* Its parent's record, whose stream is not its own, is freed; descriptors of its own are not hurt.
 */
static int free_parents(void *arg)
{
	struct weft_process *parents = arg;
	int fds[16];

	for (int i = 0; i < 16; i++)
		fds[i] = dup(STDERR_FILENO);
	weft_process_free(parents);
	for (int i = 0; i < 16; i++)
		if (fcntl(fds[i], F_GETFD) < 0)
			return 1;
	return 0;
}

CHECK_CASE(what_a_child_frees_of_its_parents_closes_nothing_of_its_own)
{
	const struct weft_process_options piped = {.streams = {{WEFT_PROCESS_PIPE, 0}}};
	struct weft_process *first = weft_process_new(&piped, count_input, NULL);
	struct weft_process *second = weft_process_new(NULL, free_parents, first);

	CHECK_INT(weft_process_start(first), ==, 0);
	CHECK(weft_process_stream(first, 0) != NULL);
	CHECK_INT(weft_process_start(second), ==, 0);
	ends_with(second, 0);
	CHECK_INT(weft_stream_write_all(weft_process_stream(first, 0), "!", 1), ==, 0);
	CHECK_INT(weft_stream_flush(weft_process_stream(first, 0)), ==, 0);
	CHECK_INT(weft_process_close_stream(first, 0), ==, 0);
	ends_with(first, 1);
}

/* In a program without some of the standard streams, pipes have their numbers. */
static int feed_without(int closed, bool has_output)
{
	struct weft_process_options piped = {.streams = {{WEFT_PROCESS_PIPE, 0}}};
	struct weft_process_end end = {0};
	struct weft_process *process = weft_process_new(NULL, free_parents, NULL);

	/* What weft opens for itself has other numbers. */
	if (!process || weft_process_start(process) < 0 ||
		weft_process_join(process, NULL, WEFT_FOREVER) < 0)
		return 99;
	weft_process_free(process);
	if (has_output)
		piped.streams[1].kind = WEFT_PROCESS_PIPE;
	for (int fd = 0; fd < 3; fd++)
		if (closed >> fd & 1)
			close(fd);
	process = weft_process_new(&piped, count_input, NULL);
	if (!process || weft_process_start(process) < 0)
		return 100;
	if (weft_process_communicate(process, "hello", 5, NULL, NULL) < 0 ||
		weft_process_join(process, &end, WEFT_FOREVER) < 0)
		return 101;
	weft_process_free(process);
	return end.how == WEFT_PROCESS_EXITED ? end.code : 102;
}

CHECK_CASE(functions_read_the_end_of_their_input_whatever_was_closed_before)
{
	for (int closed = 0; closed < 8; closed++) {
		for (int output = 0; output < 2; output++) {
			pid_t pid = fork();
			int status;

			if (pid == 0)
				_exit(feed_without(closed, output));
			CHECK_INT(waitpid(pid, &status, 0), ==, pid);
			CHECK(WIFEXITED(status));
			CHECK_INT(WEXITSTATUS(status), ==, 5);
		}
	}
}

/* ---- Looking -------------------------------------------------------------------------------- */

CHECK_CASE(to_look_whether_one_lives_keeps_errno)
{
	const struct weft_process_options piped = {.streams = {{WEFT_PROCESS_PIPE, 0}}};
	struct weft_process *process = weft_process_new(&piped, count_input, NULL);

	errno = EXDEV;
	CHECK(!weft_process_is_alive(process));
	CHECK_INT(errno, ==, EXDEV);
	CHECK_INT(weft_process_start(process), ==, 0);
	CHECK_ERRNO(weft_process_join(process, NULL, 0), ETIMEDOUT);
	CHECK(weft_process_is_alive(process));
	CHECK_INT(errno, ==, ETIMEDOUT);
	CHECK_INT(weft_process_close_stream(process, 0), ==, 0);
	ends_with(process, 0);
}

CHECK_MAIN()
