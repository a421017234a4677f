/*
 * test_process_end.c - ends of processes where somebody has waited, looked or failed before.
 *
 * check: tsan drivers apart
 */
#include <signal.h>

#include "check.h"
#include "weft/buf.h"
#include "weft/fiber.h"
#include "weft/process.h"
#include "weft/scope.h"
#include "weft/stream.h"

static const struct weft_process_options piped = {
	.streams = {{WEFT_PROCESS_PIPE, 0}, {WEFT_PROCESS_PIPE, 0}}};

/* Both outside fibers and in one. */
static void both(weft_fiber_fn *body)
{
	CHECK_INT(body(NULL), ==, 0);
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, body, NULL), ==, 0);
}

static struct weft_process *started(const char *line)
{
	const char *const words[] = {"sh", "-c", line, NULL};
	struct weft_process *process = weft_process_new_program(&piped, words);

	CHECK(process != NULL);
	CHECK_INT(weft_process_start(process), ==, 0);
	return process;
}

/* One that has not been waited for, ended or not. */
static bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* ---- No zombies ---------------------------------------------------------------------------- */

static int was_joined_in_vain(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++) {
		struct weft_process *process = started("read x");

		for (int k = 0; k <= i % 3; k++)
			CHECK_ERRNO(weft_process_join(process, NULL, k), ETIMEDOUT);
		weft_process_free(process); /* and so it ends */
	}
	while (has_children())
		usleep(1000);
	CHECK_INT(weft_process_count(), ==, 0);
	return 0;
}

CHECK_CASE(who_was_joined_for_too_short_a_time_and_let_go_of_leaves_no_zombie)
{
	both(was_joined_in_vain);
}

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

static int failed_to_start(void *arg)
{
	const struct weft_process_options nowhere = {.directory = "/no/such/folder"};
	const char *const words[] = {"/no/such/program", NULL};
	struct weft_process *program = weft_process_new_program(NULL, words);
	struct weft_process *function = weft_process_new(&nowhere, nothing, NULL);

	(void)arg;
	CHECK_ERRNO(weft_process_start(program), ENOENT);
	CHECK(!has_children());
	CHECK_ERRNO(weft_process_start(function), ENOENT);
	CHECK(!has_children());
	CHECK_INT(weft_process_count(), ==, 0);
	weft_process_free(program);
	weft_process_free(function);
	return 0;
}

CHECK_CASE(who_fails_to_start_leaves_no_zombie)
{
	both(failed_to_start);
}

CHECK_CASE(while_orphans_are_adopted_no_end_of_a_process_of_ours_is_lost)
{
	CHECK_INT(weft_process_adopt_orphans(true), ==, 0);
	for (unsigned i = check_rounds(200); i > 0; i--) {
		const char *const words[] = {"true", NULL};
		struct weft_process *process = i % 4 ? weft_process_new(NULL, nothing, NULL)
						     : weft_process_new_program(NULL, words);
		struct weft_process_end end;

		CHECK_INT(weft_process_start(process), ==, 0);
		CHECK_INT(weft_process_join(process, &end, WEFT_FOREVER), ==, 0);
		CHECK_INT(end.how, ==, WEFT_PROCESS_EXITED);
		weft_process_free(process);
	}
	CHECK_INT(weft_process_adopt_orphans(false), ==, 0);
}

/* ---- Talking ------------------------------------------------------------------------------- */

/* It reads a byte at a time, and is interrupted at every point that comes. */
static int talks_in_pieces(void *arg)
{
	struct weft_process *process = started("tr a-z A-Z; sleep 0.01");
	const size_t len = 300000;
	char *text = malloc(len);
	struct weft_buf output;
	int code = ETIMEDOUT, rounds = 0;

	(void)arg;
	memset(text, 'q', len);
	weft_buf_init(&output, len);
	for (; code == ETIMEDOUT; rounds++)
		WEFT_WITH_TIMEOUT (WEFT_MICROSECONDS(100 + 10 * rounds))
			code = weft_process_communicate(process, text, len, &output, NULL) < 0
				       ? errno
				       : 0;
	CHECK_INT(code, ==, 0);
	CHECK_INT(rounds, >, 1);
	CHECK_INT(weft_buf_len(&output), ==, len);
	for (size_t i = 0; i < len; i++)
		CHECK(((const char *)weft_buf_data(&output))[i] == 'Q');
	CHECK_ERRNO(weft_process_take_fd(process, 0), EBADF);
	CHECK_INT(weft_process_join(process, NULL, WEFT_FOREVER), ==, 0);
	weft_process_free(process);
	weft_buf_fini(&output);
	free(text);
	return 0;
}

CHECK_CASE(a_talk_that_was_interrupted_goes_on_where_it_was)
{
	both(talks_in_pieces);
}

/* ---- Waiting ----------------------------------------------------------------------------------
 */

static int stops_in_time(void *arg)
{
	struct weft_process *process = started("trap '' TERM; echo deaf; while :; do read x; done");
	struct weft_process_end end;
	const char *line;

	(void)arg;
	CHECK_INT(weft_stream_readline(weft_process_stream(process, 1), &line), ==, 5);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_INT(weft_process_stop(process, &end, WEFT_FOREVER), ==, 0);
	CHECK_INT(end.how, ==, WEFT_PROCESS_KILLED);
	CHECK_INT(end.code, ==, SIGKILL);
	weft_process_free(process);
	return 0;
}

CHECK_CASE(when_the_callers_time_is_over_a_stop_kills_and_still_tells_the_end)
{
	both(stops_in_time);
}

static int stands_there_twice(void *arg)
{
	struct weft_process *one = started("read x"), *other = started("read x");
	struct weft_process *const processes[] = {one, other, one};
	ssize_t found;

	(void)arg;
	CHECK_ERRNO(weft_process_join_any(processes, 3, 0), ETIMEDOUT);
	CHECK_INT(weft_process_close_stream(one, 0), ==, 0);
	found = weft_process_join_any(processes, 3, WEFT_FOREVER);
	CHECK(found == 0 || found == 2);
	weft_process_free(one);
	CHECK_INT(weft_process_kill(other), ==, 0);
	CHECK_INT(weft_process_join(other, NULL, WEFT_FOREVER), ==, 0);
	weft_process_free(other);
	return 0;
}

CHECK_CASE(one_may_be_waited_for_twice_at_a_time)
{
	both(stands_there_twice);
}

CHECK_MAIN()
