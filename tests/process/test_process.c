/*
 * test_process.c - processes: programs and functions, their ends, streams, limits, misuse.
 *
 * check: tsan drivers apart
 */
#include "weft/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "check.h"
#include "weft/buf.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/socket.h"
#include "weft/stream.h"

/* Both outside fibers and in one. */
static void both(weft_fiber_fn *body)
{
	CHECK_INT(body(NULL), ==, 0);
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, body, NULL), ==, 0);
}

/* The same, where the child of a fork goes on to allocate: a sanitizer's allocator may be locked
 * there by a thread that isn't. */
static void both_forking(weft_fiber_fn *body)
{
#ifdef __SANITIZE_ADDRESS__
	CHECK_INT(body(NULL), ==, 0);
#else
	both(body);
#endif
}

/* ---- Helpers --------------------------------------------------------------------------- */

static struct weft_process *shell_with(const struct weft_process_options *options, const char *line)
{
	const char *const words[] = {"sh", "-c", line, NULL};
	struct weft_process *process = weft_process_new_program(options, words);

	CHECK(process != NULL);
	return process;
}

static void end_is(struct weft_process *process, enum weft_process_how how, int code)
{
	struct weft_process_end end;

	CHECK_INT(weft_process_join(process, &end, WEFT_FOREVER), ==, 0);
	CHECK_INT(end.how, ==, how);
	CHECK_INT(end.code, ==, code);
	weft_process_free(process);
}

/* What a shell prints. */
static void prints(const struct weft_process_options *options, const char *line, const char *wanted)
{
	struct weft_process_options piped = options ? *options : (struct weft_process_options){0};
	struct weft_process *process;
	struct weft_buf output;

	piped.streams[1].kind = WEFT_PROCESS_PIPE;
	piped.streams[2].kind = WEFT_PROCESS_OUTPUT;
	process = shell_with(&piped, line);
	weft_buf_init(&output, 100000);
	CHECK_INT(weft_process_start(process), ==, 0);
	CHECK_INT(weft_process_communicate(process, NULL, 0, &output, NULL), ==, 0);
	CHECK_INT(weft_buf_append(&output, "", 1), ==, 0);
	CHECK_STR(weft_buf_data(&output), wanted);
	weft_buf_fini(&output);
	end_is(process, WEFT_PROCESS_EXITED, 0);
}

static size_t count_entries(const char *path)
{
	DIR *folder = opendir(path);
	size_t count = 0;

	CHECK(folder != NULL);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* ---- Life ------------------------------------------------------------------------------- */

static int ends_are_told(void *arg)
{
	struct weft_process_end end;
	char text[WEFT_PROCESS_END_TEXT_SIZE];
	struct weft_process *process = shell_with(NULL, "exit 3");

	(void)arg;
	CHECK(!weft_process_is_alive(process));
	CHECK_ERRNO(weft_process_result(process, &end), EINVAL);
	CHECK_ERRNO(weft_process_join(process, &end, 0), EINVAL);
	CHECK_INT(weft_process_start(process), ==, 0);
	CHECK_ERRNO(weft_process_start(process), EINVAL);
	CHECK_INT(weft_process_parent_pid(process), ==, getpid());
	CHECK_INT(weft_process_join(process, &end, WEFT_FOREVER), ==, 0);
	CHECK_INT(weft_process_join(process, &end, 0), ==, 0);
	CHECK_STR(weft_process_end_text(&end, text), "exited with 3");
	CHECK(!weft_process_is_alive(process));
	CHECK_ERRNO(weft_process_kill(process), ESRCH);
	end_is(process, WEFT_PROCESS_EXITED, 3);
	process = shell_with(NULL, "kill -9 $$");
	CHECK_INT(weft_process_start(process), ==, 0);
	CHECK_INT(weft_process_join(process, &end, WEFT_FOREVER), ==, 0);
	CHECK_STR(weft_process_end_text(&end, text), "killed by signal 9 (KILL)");
	end_is(process, WEFT_PROCESS_KILLED, SIGKILL);
	return 0;
}

CHECK_CASE(how_a_program_ended_is_told_again_and_again)
{
	both(ends_are_told);
}

static int add_one(void *arg)
{
	CHECK(!weft_process_current() || weft_process_pid(weft_process_current()) == getpid());
	return *(int *)arg + 1;
}

static int function_runs(void *arg)
{
	int number = 41;
	struct weft_process *process =
		weft_process_new(&(struct weft_process_options){.name = "adder"}, add_one, &number);

	(void)arg;
	CHECK(process != NULL);
	CHECK_STR(weft_process_name(process), "adder");
	CHECK_INT(weft_process_start(process), ==, 0);
	CHECK(weft_process_current() == NULL);
	end_is(process, WEFT_PROCESS_EXITED, 42);
	return 0;
}

CHECK_CASE(a_function_runs_in_a_process_of_its_own)
{
	both_forking(function_runs);
}

#ifndef __SANITIZE_THREAD__ /* it knows no threads in a child of threads */
static int yield_once(void *arg)
{
	(void)arg;
	weft_yield();
	return 7;
}

static int run_fibers(void *arg)
{
	(void)arg;
	return weft_run(&(struct weft_run_options){.workers = 2}, yield_once, NULL);
}

static int child_runs_fibers(void *arg)
{
	struct weft_process *process = weft_process_new(NULL, run_fibers, NULL);

	(void)arg;
	CHECK_INT(weft_process_start(process), ==, 0);
	end_is(process, WEFT_PROCESS_EXITED, 7);
	return 0;
}

CHECK_CASE(a_function_may_run_fibers_of_its_own)
{
	both_forking(child_runs_fibers);
}
#endif

static int late(void *arg)
{
	(void)arg;
	return weft_interrupted();
}

CHECK_CASE(a_function_begins_outside_its_parents_deadlines)
{
	struct weft_process *process = weft_process_new(NULL, late, NULL);

	WEFT_WITH_TIMEOUT (WEFT_SECONDS(50))
		CHECK_INT(weft_process_start(process), ==, 0);
	end_is(process, WEFT_PROCESS_EXITED, 0);
}

/* ---- A kind of process -------------------------------------------------------------------- */

static int begin_well(struct weft_process *process)
{
	return *(int *)weft_process_arg(process);
}

static int run_overridden(struct weft_process *process)
{
	(void)process;
	return 5;
}

static void end_loudly(struct weft_process *process, int result)
{
	(void)process;
	printf("end %d\n", result);
}

CHECK_CASE(run_is_overridden_and_a_begin_that_fails_is_its_result)
{
	static const struct weft_process_ops ops = {run_overridden, begin_well, end_loudly};
	struct weft_process_options options = {
		.ops = &ops, .streams = {[1] = {WEFT_PROCESS_PIPE, 0}}};
	const char *const wanted[] = {"end 5\n", "end 9\n"};

	for (int begun = 0; begun < 2; begun++) {
		int number = begun ? 9 : 0;
		struct weft_process *process = weft_process_new(&options, NULL, &number);
		const char *line;
		ssize_t len;

		CHECK_INT(weft_process_start(process), ==, 0);
		len = weft_stream_readline(weft_process_stream(process, 1), &line);
		CHECK_INT(len, ==, 6);
		CHECK(memcmp(line, wanted[begun], 6) == 0);
		end_is(process, WEFT_PROCESS_EXITED, begun ? 9 : 5);
	}
}

/* ---- What it becomes ------------------------------------------------------------------------ */

static int options_hold(void *arg)
{
	const char *const environment[] = {"A=1", "B=two words", NULL};
	const struct weft_process_limit limit = {RLIMIT_NOFILE, 50, 60};
	char wanted[32];

	(void)arg;
	prints(&(struct weft_process_options){.directory = "/usr"}, "pwd", "/usr\n");
	prints(&(struct weft_process_options){.environment = environment}, "echo \"$A $B\"",
		"1 two words\n");
	prints(&(struct weft_process_options){.limits = &limit, .limit_count = 1},
		"ulimit -Sn; ulimit -Hn", "50\n60\n");
	snprintf(wanted, sizeof wanted, "%d\n", getpriority(PRIO_PROCESS, 0) + 3);
	prints(&(struct weft_process_options){.nice = 3}, "nice", wanted);
	prints(&(struct weft_process_options){.new_session = true},
		"test $(ps -o sid= -p $$) = $$ && echo leader", "leader\n");
	prints(&(struct weft_process_options){.new_group = true},
		"test $(ps -o pgid= -p $$) = $$ && echo leader", "leader\n");
	return 0;
}

CHECK_CASE(a_program_has_the_folder_environment_limits_and_place_that_it_was_given)
{
	both(options_hold);
}

static int signals_are_fresh(void *arg)
{
	(void)arg;
	/* SIGPIPE is 13: bit 12. SIGUSR1 is 10, SIGHUP 1. Of the first 28: whoever runs the
	 * tests may have others ignored. */
	prints(NULL,
		"grep -E '^Sig(Blk|Ign|Cgt)' <<E | sed 's/\t.*\\(.......\\)$/\\1/'\n"
		"$(cat /proc/self/status)\nE",
		"SigBlk:0000000\nSigIgn:0000001\nSigCgt:0000000\n");
	return 0;
}

static void handle(int number, void (*handler)(int number))
{
	const struct sigaction action = {.sa_handler = handler};

	CHECK_INT(sigaction(number, &action, NULL), ==, 0);
}

static void nothing(int number)
{
	(void)number;
}

CHECK_CASE(a_program_begins_with_no_signal_blocked_or_handled)
{
	struct sigaction usr2;
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	handle(SIGUSR2, nothing);
	handle(SIGPIPE, SIG_IGN);
	handle(SIGHUP, SIG_IGN);
	both(signals_are_fresh);
	CHECK_INT(sigprocmask(SIG_BLOCK, NULL, &usr1), ==, 0);
	CHECK(sigismember(&usr1, SIGUSR1));
	CHECK(sigaction(SIGUSR2, NULL, &usr2) == 0 && usr2.sa_handler == nothing);
}

CHECK_CASE(a_program_inherits_no_descriptor_but_those_it_is_given)
{
	int kept = dup2(STDERR_FILENO, 77), other = dup2(STDERR_FILENO, 78);

	CHECK(kept == 77 && other == 78);
	prints(&(struct weft_process_options){.kept_fds = &kept, .kept_fd_count = 1},
		"for fd in 77 78; do test -e /proc/$$/fd/$fd && echo $fd; done; true", "77\n");
	CHECK_INT(fcntl(kept, F_GETFD), ==, 0);
}

CHECK_CASE(streams_may_be_swapped_and_closed_ones_given)
{
	const struct weft_process_options swapped = {
		.streams = {{WEFT_PROCESS_NULL, 0}, {WEFT_PROCESS_FD, 2}, {WEFT_PROCESS_FD, 1}}};
	int ends[2][2];
	char text[8] = "";

	CHECK(pipe(ends[0]) == 0 && pipe(ends[1]) == 0);
	fflush(stdout);
	CHECK(dup2(ends[0][1], 1) == 1 && dup2(ends[1][1], 2) == 2);
	CHECK_INT(
		weft_process_start(shell_with(&swapped, "echo out; echo err >&2; read x")), ==, 0);
	CHECK_INT(read(ends[1][0], text, 4), ==, 4);
	CHECK_STR(text, "out\n");
	CHECK_INT(read(ends[0][0], text, 4), ==, 4);
	CHECK_STR(text, "err\n");
}

/* ---- Streams ------------------------------------------------------------------------------------
 */

static int communicates(void *arg)
{
	const struct weft_process_options options = {
		.streams = {
			{WEFT_PROCESS_PIPE, 0}, {WEFT_PROCESS_PIPE, 0}, {WEFT_PROCESS_PIPE, 0}}};
	struct weft_process *process = shell_with(&options, "tee /dev/stderr");
	const size_t len = 3 << 20;
	char *text = malloc(len);
	struct weft_buf output, errors;

	(void)arg;
	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + i % 23);
	weft_buf_init(&output, len);
	weft_buf_init(&errors, len);
	CHECK_INT(weft_process_start(process), ==, 0);
	CHECK_INT(weft_process_communicate(process, text, len, &output, &errors), ==, 0);
	CHECK_INT(weft_buf_len(&output), ==, len);
	CHECK(memcmp(weft_buf_data(&output), text, len) == 0);
	CHECK_INT(weft_buf_len(&errors), ==, len);
	end_is(process, WEFT_PROCESS_EXITED, 0);
	/* It reads nothing of it. */
	process = shell_with(&options, "exec <&-; echo no");
	weft_buf_clear(&output);
	CHECK_INT(weft_process_start(process), ==, 0);
	CHECK_INT(weft_process_communicate(process, text, len, &output, &errors), ==, 0);
	CHECK_INT(weft_buf_len(&output), ==, 3);
	end_is(process, WEFT_PROCESS_EXITED, 0);
	/* More than there is room for. */
	process = shell_with(&options, "yes");
	CHECK_INT(weft_process_start(process), ==, 0);
	CHECK_ERRNO(weft_process_communicate(process, text, len, &output, NULL), ENOBUFS);
	weft_process_free(process);
	weft_buf_fini(&output);
	weft_buf_fini(&errors);
	free(text);
	return 0;
}

CHECK_CASE(megabytes_go_both_ways_at_once)
{
	both(communicates);
}

static int one_does_not_keep_anothers_pipe_open(void *arg)
{
	const struct weft_process_options piped = {.streams = {{WEFT_PROCESS_PIPE, 0}}};
	struct weft_process *cat = shell_with(&piped, "cat"), *sleeper;

	(void)arg;
	CHECK_INT(weft_process_start(cat), ==, 0);
	sleeper = shell_with(&piped, "read x"); /* until it is told to end */
	CHECK_INT(weft_process_start(sleeper), ==, 0);
	CHECK_INT(weft_process_close_stream(cat, 0), ==, 0);
	end_is(cat, WEFT_PROCESS_EXITED, 0);
	CHECK(weft_process_is_alive(sleeper));
	weft_process_close_stream(sleeper, 0);
	end_is(sleeper, WEFT_PROCESS_EXITED, 1);
	return 0;
}

CHECK_CASE(a_pipe_ends_though_other_children_live)
{
	both(one_does_not_keep_anothers_pipe_open);
}

static int wait_for_end_of_input(void *arg)
{
	char byte;

	(void)arg;
	return (int)read(STDIN_FILENO, &byte, 1);
}

CHECK_CASE(a_forked_function_does_not_keep_a_pipe_open_either)
{
	const struct weft_process_options piped = {.streams = {{WEFT_PROCESS_PIPE, 0}}};
	struct weft_process *first = weft_process_new(&piped, wait_for_end_of_input, NULL);
	struct weft_process *second = weft_process_new(&piped, wait_for_end_of_input, NULL);

	CHECK_INT(weft_process_start(first), ==, 0);
	CHECK_INT(weft_process_start(second), ==, 0);
	weft_process_close_stream(first, 0);
	end_is(first, WEFT_PROCESS_EXITED, 0);
	CHECK(weft_process_is_alive(second));
	weft_process_close_stream(second, 0);
	end_is(second, WEFT_PROCESS_EXITED, 0);
}

/* ---- Waiting
 * --------------------------------------------------------------------------------------- */

static int waits_are_bounded(void *arg)
{
	const struct weft_process_options piped = {.streams = {{WEFT_PROCESS_PIPE, 0}}};
	struct weft_process *processes[3];
	struct weft_process_end end;

	(void)arg;
	for (int i = 0; i < 3; i++) {
		processes[i] = shell_with(&piped, "read x");
		CHECK_INT(weft_process_start(processes[i]), ==, 0);
	}
	CHECK_ERRNO(weft_process_join(processes[0], NULL, WEFT_MILLISECONDS(1)), ETIMEDOUT);
	CHECK_ERRNO(weft_process_join_any(processes, 3, WEFT_MILLISECONDS(1)), ETIMEDOUT);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_process_join(processes[0], NULL, WEFT_FOREVER), ETIMEDOUT);
	CHECK_ERRNO(weft_process_result(processes[0], &end), EBUSY);
	CHECK_INT(weft_process_terminate(processes[1]), ==, 0);
	CHECK_INT(weft_process_join_any(processes, 3, WEFT_FOREVER), ==, 1);
	CHECK_INT(weft_process_stop(processes[0], &end, WEFT_FOREVER), ==, 0);
	CHECK_INT(end.code, ==, SIGTERM);
	end_is(processes[0], WEFT_PROCESS_KILLED, SIGTERM);
	end_is(processes[1], WEFT_PROCESS_KILLED, SIGTERM);
	CHECK_INT(weft_process_kill(processes[2]), ==, 0);
	end_is(processes[2], WEFT_PROCESS_KILLED, SIGKILL);
	return 0;
}

CHECK_CASE(waits_obey_their_bounds_and_the_first_to_end_is_found)
{
	both(waits_are_bounded);
}

static int stops_the_deaf(void *arg)
{
	const struct weft_process_options piped = {
		.streams = {{WEFT_PROCESS_PIPE, 0}, {WEFT_PROCESS_PIPE, 0}}};
	struct weft_process *deaf = shell_with(&piped, "trap '' TERM; echo; read x");
	struct weft_process_end end;
	const char *line;

	(void)arg;
	CHECK_INT(weft_process_start(deaf), ==, 0);
	CHECK_INT(weft_stream_readline(weft_process_stream(deaf, 1), &line), ==, 1);
	CHECK_INT(weft_process_stop(deaf, &end, WEFT_MILLISECONDS(10)), ==, 0);
	CHECK_INT(end.how, ==, WEFT_PROCESS_KILLED);
	CHECK_INT(end.code, ==, SIGKILL);
	weft_process_free(deaf);
	return 0;
}

CHECK_CASE(who_does_not_listen_is_killed)
{
	both(stops_the_deaf);
}

/* ---- Faults
 * ------------------------------------------------------------------------------------------ */

static int failures_are_told(void *arg)
{
	const char *const none[] = {"/no/such/program", NULL};
	const char *const nowhere[] = {"no-such-program-anywhere", NULL};
	const char *const folder[] = {"/tmp", NULL};
	const char *const below_file[] = {"/etc/passwd/program", NULL};
	const struct weft_process_limit wild = {RLIMIT_NOFILE, 2, 1};
	size_t before = count_entries("/proc/self/fd");
	struct weft_process *process;

	(void)arg;
	setenv("PATH", "/usr/bin:/bin", 1); /* where it has a folder of others': EACCES */
	process = weft_process_new_program(NULL, none);
	CHECK_ERRNO(weft_process_start(process), ENOENT);
	CHECK_ERRNO(weft_process_start(process), ENOENT); /* again, as it may */
	weft_process_free(process);
	process = weft_process_new_program(NULL, nowhere);
	CHECK_ERRNO(weft_process_start(process), ENOENT);
	weft_process_free(process);
	process = weft_process_new_program(NULL, folder);
	CHECK_ERRNO(weft_process_start(process), EACCES);
	weft_process_free(process);
	process = weft_process_new_program(NULL, below_file);
	CHECK_ERRNO(weft_process_start(process), ENOTDIR);
	weft_process_free(process);
	process = shell_with(&(struct weft_process_options){.directory = "/none"}, "true");
	CHECK_ERRNO(weft_process_start(process), ENOENT);
	weft_process_free(process);
	process = weft_process_new(
		&(struct weft_process_options){.limits = &wild, .limit_count = 1}, late, NULL);
	CHECK_ERRNO(weft_process_start(process), EINVAL);
	weft_process_free(process);
	process = shell_with(
		&(struct weft_process_options){.streams = {{WEFT_PROCESS_FD, 999}}}, "true");
	CHECK_ERRNO(weft_process_start(process), EBADF);
	weft_process_free(process);
	CHECK_INT(weft_process_count(), ==, 0);
	CHECK_INT(count_entries("/proc/self/fd"), <=, before + 2); /* the nursery's own */
	return 0;
}

CHECK_CASE(what_cannot_be_started_says_why_and_leaves_nothing)
{
	both(failures_are_told);
}

CHECK_CASE(wild_options_are_refused)
{
	const char *const words[] = {NULL};
	const int low = 2;

	CHECK(weft_process_new(NULL, NULL, NULL) == NULL && errno == EINVAL);
	CHECK(weft_process_new_program(NULL, words) == NULL && errno == EINVAL);
	CHECK(weft_process_new(&(struct weft_process_options){.streams = {{99, 0}}}, late, NULL) ==
			NULL &&
		errno == EINVAL);
	CHECK(weft_process_new(
		      &(struct weft_process_options){.streams = {{WEFT_PROCESS_OUTPUT, 0}}}, late,
		      NULL) == NULL &&
		errno == EINVAL);
	CHECK(weft_process_new(&(struct weft_process_options){.kept_fds = &low, .kept_fd_count = 1},
		      late, NULL) == NULL &&
		errno == EINVAL);
	weft_process_free(NULL);
}

/* ---- Zombies, orphans, daemons
 * ------------------------------------------------------------------------- */

static bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

CHECK_CASE(who_is_joined_by_nobody_leaves_no_zombie)
{
	for (int i = 0; i < 20; i++) {
		struct weft_process *process = shell_with(NULL, "exit 1");

		CHECK_INT(weft_process_start(process), ==, 0);
		weft_process_free(process);
	}
	while (has_children())
		usleep(1000);
	CHECK_INT(weft_process_count(), ==, 0);
}

CHECK_CASE(a_child_of_the_programs_own_is_left_to_it)
{
	struct weft_process *process = shell_with(NULL, "exit 1");
	int status;
	pid_t own = fork();

	if (own == 0)
		_exit(4);
	CHECK_INT(weft_process_start(process), ==, 0);
	end_is(process, WEFT_PROCESS_EXITED, 1);
	CHECK_INT(waitpid(own, &status, 0), ==, own);
	CHECK_INT(WEXITSTATUS(status), ==, 4);
}

CHECK_CASE(an_end_that_was_told_to_others_is_lost_and_not_waited_for)
{
	struct weft_process *process;

	handle(SIGCHLD, SIG_IGN);
	process = shell_with(NULL, "exit 1");
	CHECK_INT(weft_process_start(process), ==, 0);
	end_is(process, WEFT_PROCESS_LOST, 0);
}

static int report_state(void *arg)
{
	struct weft_process *parents = arg;
	struct weft_process_end end;

	if (weft_process_join(parents, &end, WEFT_FOREVER) == 0 || errno != ECHILD)
		return 1;
	if (weft_process_kill(parents) == 0 || errno != ECHILD)
		return 2;
	weft_process_free(parents);
	return weft_process_count() == 0 ? 0 : 3;
}

CHECK_CASE(in_a_forked_child_the_parents_processes_are_not_its_own)
{
	const struct weft_process_options piped = {.streams = {{WEFT_PROCESS_PIPE, 0}}};
	struct weft_process *cat = shell_with(&piped, "cat"), *child;

	CHECK_INT(weft_process_start(cat), ==, 0);
	child = weft_process_new(NULL, report_state, cat);
	CHECK_INT(weft_process_start(child), ==, 0);
	end_is(child, WEFT_PROCESS_EXITED, 0);
	CHECK(weft_process_is_alive(cat));
	weft_process_close_stream(cat, 0);
	end_is(cat, WEFT_PROCESS_EXITED, 0);
}

#ifndef __SANITIZE_THREAD__
/* A parent that is killed, and what it tells of its daemons before. */
static int parent_of_daemons(void *arg)
{
	const struct weft_process_options daemon = {.is_daemon = true,
		.streams = {{WEFT_PROCESS_NULL, 0}, {WEFT_PROCESS_FD, *(int *)arg}}};
	struct weft_process *program = shell_with(&daemon, "exec sleep 1000");
	struct weft_process *function = weft_process_new(&daemon, wait_for_end_of_input, NULL);

	CHECK_INT(weft_process_start(program), ==, 0);
	CHECK_INT(weft_process_start(function), ==, 0);
	CHECK(weft_process_is_daemon(program));
	CHECK(weft_process_is_alive(program));
	raise(SIGKILL);
	return 0;
}

static int daemons_end(void *arg)
{
	int ends[2];
	char byte;
	struct weft_process *parent;

	(void)arg;
	CHECK_INT(pipe2(ends, O_CLOEXEC), ==, 0);
	parent = weft_process_new(NULL, parent_of_daemons, &ends[1]);
	CHECK_INT(weft_process_start(parent), ==, 0);
	close(ends[1]);
	end_is(parent, WEFT_PROCESS_KILLED, SIGKILL);
	CHECK_INT(read(ends[0], &byte, 1), ==, 0); /* nobody has it any more */
	close(ends[0]);
	return 0;
}

CHECK_CASE(daemons_end_with_their_parent_even_when_that_is_killed)
{
	both_forking(daemons_end);
}
#endif

CHECK_CASE(orphans_are_adopted_and_reaped)
{
	struct weft_process *parent;

	CHECK_INT(weft_process_adopt_orphans(true), ==, 0);
	/* Its child's parent is we, once it has ended. */
	parent = shell_with(NULL, "sh -c 'sleep 0.05; exit 9' & exit 0");
	CHECK_INT(weft_process_start(parent), ==, 0);
	end_is(parent, WEFT_PROCESS_EXITED, 0);
	while (has_children())
		usleep(1000);
	CHECK_INT(weft_process_adopt_orphans(false), ==, 0);
	parent = shell_with(NULL, "exit 2");
	CHECK_INT(weft_process_start(parent), ==, 0);
	end_is(parent, WEFT_PROCESS_EXITED, 2);
}

CHECK_MAIN()
