/*
 * test_supervisor.c - supervisors: order, readiness, restarts, giving up, output, ends, replacing.
 *
 * The clock of pauses, graces and giving up is held here; nothing waits for real time to go by.
 */
#include "weft/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "process/stage.h"
#include "weft/fiber.h"
#include "weft/manager.h"
#include "weft/scope.h"

/* ---- As a user would ------------------------------------------------------------------------ */

static int stop_when_ready(void *arg)
{
	CHECK_INT(weft_supervisor_await(arg, "web"), ==, 0);
	weft_supervisor_stop(arg);
	return 0;
}

static int say_ready(void *arg)
{
	char byte;

	(void)arg;
	CHECK_INT(weft_manager_tell("READY=1\nSTATUS=serving"), ==, 1);
	return read(weft_manager_take("pipe"), &byte, 1) > 0;
}

static int supervise(void *arg)
{
	static const char *const store[] = {"sleep", "1000", NULL};
	static const char *const after_store[] = {"store", NULL};
	struct weft_supervisor *all = weft_supervisor_new(NULL);
	int ends[2];
	weft_fiber_id stopper;

	(void)arg;
	CHECK_INT(pipe2(ends, O_CLOEXEC), ==, 0);
	CHECK_INT(weft_supervisor_hand(all, "pipe", ends[0]), ==, 0);
	CHECK_INT(weft_supervisor_add(
			  all, &(struct weft_supervisor_child){.name = "store", .argv = store}),
		==, 0);
	CHECK_INT(weft_supervisor_add(all, &(struct weft_supervisor_child){.name = "web",
						   .fn = say_ready,
						   .tells_ready = true,
						   .after = after_store}),
		==, 0);
	stopper = weft_spawn(stop_when_ready, all);
	CHECK_INT(weft_supervisor_run(all), ==, 0);
	CHECK_ERRNO(weft_supervisor_run(all), EINVAL);
	weft_join(stopper, NULL, WEFT_FOREVER);
	weft_supervisor_free(all);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

CHECK_CASE(in_a_fiber_programs_and_functions_are_kept_running_until_a_stop)
{
	weft_log_set_level(WEFT_LOG_ERROR);
#ifdef __SANITIZE_ADDRESS__
	check_skip("a function is forked beside other threads");
#endif
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, supervise, NULL), ==, 0);
}

CHECK_CASE(misuse_is_told)
{
	static const char *const words[] = {"true", NULL};
	static const char *const nobody[] = {"nobody", NULL};
	struct weft_supervisor_child child = {.name = "a", .argv = words};
	struct weft_supervisor_status status;
	struct stage stage;

	stage_init(&stage);
	CHECK_INT(weft_supervisor_add(stage.supervisor, &child), ==, 0);
	CHECK_ERRNO(weft_supervisor_add(stage.supervisor, &child), EEXIST);
	child.name = "b";
	child.after = nobody;
	CHECK_ERRNO(weft_supervisor_add(stage.supervisor, &child), ENOENT);
	child.after = NULL;
	child.fn = say_ready;
	CHECK_ERRNO(weft_supervisor_add(stage.supervisor, &child), EINVAL);
	CHECK_ERRNO(weft_supervisor_status(stage.supervisor, "b", &status), ENOENT);
	CHECK_ERRNO(weft_supervisor_replace(stage.supervisor, "b", NULL), ENOENT);
	CHECK_ERRNO(weft_supervisor_replace(stage.supervisor, "a", NULL), ESHUTDOWN);
	CHECK_ERRNO(weft_supervisor_signal(stage.supervisor, "a", SIGHUP), ESRCH);
	CHECK_ERRNO(weft_supervisor_hand(stage.supervisor, "a:b", 0), EINVAL);
	CHECK_ERRNO(weft_supervisor_hand(stage.supervisor, "a", 12345), EBADF);
	CHECK_INT(weft_supervisor_hand(stage.supervisor, "a", 0), ==, 0);
	CHECK_ERRNO(weft_supervisor_hand(stage.supervisor, "a", 0), EEXIST);
	stage_fini(&stage);
}

/* ---- Policies ----------------------------------------------------------------------------------
 */

static enum weft__restart_verdict judge(const struct weft__restart_policy *policy,
	struct weft__restart_past *past, struct weft__restart_end end, int64_t *ret_pause_ns)
{
	return weft__restart_judge(policy, past, &end, ret_pause_ns);
}

CHECK_CASE(pauses_double_up_to_the_longest_and_begin_anew_after_a_long_life)
{
	const struct weft__restart_policy policy = {
		.pause_ns = 100, .pause_max_ns = 1000, .give_up_count = 0};
	static const int64_t wanted[] = {100, 200, 400, 800, 1000, 1000};
	struct weft__restart_past past = {0};
	int64_t pause_ns = 0;

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		CHECK_INT(
			judge(&policy, &past, (struct weft__restart_end){5, 999, false}, &pause_ns),
			==, WEFT__RESTART_AGAIN);
		CHECK_INT(pause_ns, ==, wanted[i]);
	}
	judge(&policy, &past, (struct weft__restart_end){5, 1000, true}, &pause_ns);
	CHECK_INT(pause_ns, ==, 100);
}

CHECK_CASE(one_is_given_up_after_so_many_ends_within_the_time_and_not_a_moment_before)
{
	const struct weft__restart_policy policy = {.restart = WEFT_SUPERVISOR_ON_FAILURE,
		.pause_ns = 1,
		.pause_max_ns = 1,
		.give_up_count = 3,
		.give_up_ns = 100};
	struct weft__restart_past past = {0};
	int64_t pause_ns;

	for (int64_t now = 0; now < 100 * 51; now += 51)
		CHECK_INT(
			judge(&policy, &past, (struct weft__restart_end){now, 0, true}, &pause_ns),
			==, WEFT__RESTART_AGAIN);
	CHECK_INT(judge(&policy, &past, (struct weft__restart_end){99 * 51, 0, false}, &pause_ns),
		==, WEFT__RESTART_DONE);
	CHECK_INT(
		judge(&policy, &past, (struct weft__restart_end){99 * 51 + 49, 0, true}, &pause_ns),
		==, WEFT__RESTART_GIVE_UP);
}

/* The clock has been looked at for all that were there before. */
static void a_turn_is_made(struct stage *stage)
{
	add_shell(stage, "marker", "exit 0",
		(struct weft_supervisor_child){.restart = WEFT_SUPERVISOR_NEVER});
	CHECK_INT(weft_supervisor_join(stage->supervisor, "marker", NULL), ==, 0);
}

CHECK_CASE(what_ends_is_started_again_when_its_pause_is_over_by_the_clock)
{
	struct weft_supervisor_status status;
	struct stage stage;

	stage_init(&stage);
	add_shell(&stage, "hasty", "exit 3",
		(struct weft_supervisor_child){.pause_ns = WEFT_SECONDS(3600)});
	stage_begin(&stage);
	becomes(&stage, "hasty", WEFT_SUPERVISOR_BACKING_OFF, 1, &status);
	CHECK_INT(status.end.code, ==, 3);
	clock_goes(&stage, WEFT_SECONDS(3599));
	a_turn_is_made(&stage);
	CHECK_INT(weft_supervisor_status(stage.supervisor, "hasty", &status), ==, 0);
	CHECK_INT(status.state, ==, WEFT_SUPERVISOR_BACKING_OFF);
	CHECK_INT(status.starts, ==, 1);
	clock_goes(&stage, WEFT_SECONDS(1));
	becomes(&stage, "hasty", WEFT_SUPERVISOR_BACKING_OFF, 2, &status);
	CHECK_INT(status.starts, ==, 2);
	stage_stop(&stage);
}

CHECK_CASE(one_that_is_vital_and_given_up_ends_all)
{
	struct stage stage;

	stage_init(&stage);
	add_shell(&stage, "other", "exec sleep 1000", (struct weft_supervisor_child){0});
	add_shell(&stage, "heart", "exit 1",
		(struct weft_supervisor_child){.is_vital = true, .give_up_count = 1});
	stage_begin(&stage);
	stage_end(&stage, ECHILD);
	CHECK_INT(count_in_log(&stage, "\"given up\" child=heart"), ==, 1);
	CHECK_INT(count_in_log(&stage, "child=other"), ==, 2);
	stage_fini(&stage);
}

CHECK_CASE(when_all_have_done_their_work_it_is_over)
{
	struct weft_supervisor_status status;
	const char *const after[] = {"first", NULL};
	struct stage stage;

	stage_init(&stage);
	add_shell(&stage, "first", "exit 0",
		(struct weft_supervisor_child){.restart = WEFT_SUPERVISOR_ON_FAILURE});
	add_shell(&stage, "second", "exit 7",
		(struct weft_supervisor_child){.restart = WEFT_SUPERVISOR_NEVER, .after = after});
	stage_begin(&stage);
	stage_end(&stage, 0);
	CHECK_INT(weft_supervisor_status(stage.supervisor, "second", &status), ==, 0);
	CHECK_INT(status.state, ==, WEFT_SUPERVISOR_ENDED);
	CHECK_INT(status.end.code, ==, 7);
	stage_fini(&stage);
}

CHECK_CASE(a_program_that_is_not_there_is_tried_again_and_holds_up_those_after_it)
{
	static const char *const missing[] = {"/nonexistent/program", NULL};
	const char *const after[] = {"missing", NULL};
	struct weft_supervisor_status status;
	struct stage stage;

	stage_init(&stage);
	CHECK_INT(weft_supervisor_add(stage.supervisor,
			  &(struct weft_supervisor_child){.name = "missing", .argv = missing}),
		==, 0);
	add_shell(&stage, "late", "exit 0", (struct weft_supervisor_child){.after = after});
	stage_begin(&stage);
	becomes(&stage, "missing", WEFT_SUPERVISOR_BACKING_OFF, 0, &status);
	CHECK_INT(status.starts, ==, 0);
	becomes(&stage, "late", WEFT_SUPERVISOR_WAITING, 0, &status);
	weft_supervisor_stop(stage.supervisor);
	stage_end(&stage, 0);
	CHECK_INT(
		count_in_log(&stage, "\"can't start\" child=missing program=/nonexistent/program"),
		==, 1);
	stage_fini(&stage);
}

/* ---- Readiness ----------------------------------------------------------------------------------
 */

CHECK_CASE(one_that_does_not_get_ready_in_time_is_killed_and_has_failed)
{
	struct weft_supervisor_status status;
	struct stage stage;

	stage_init(&stage);
	add_shell(&stage, "slow", "exec sleep 1000",
		(struct weft_supervisor_child){.tells_ready = true, .ready_ns = WEFT_SECONDS(50)});
	stage_begin(&stage);
	becomes(&stage, "slow", WEFT_SUPERVISOR_STARTING, 1, &status);
	clock_goes(&stage, WEFT_SECONDS(50));
	becomes(&stage, "slow", WEFT_SUPERVISOR_BACKING_OFF, 1, &status);
	CHECK_INT(status.end.code, ==, SIGKILL);
	stage_stop(&stage);
}

static int tell_and_wait(void *arg)
{
	(void)arg;
	CHECK_INT(weft_manager_tell("STATUS=warming up"), ==, 1);
	CHECK_INT(weft_manager_tell("READY=1"), ==, 1);
	for (;;)
		pause();
}

CHECK_CASE(who_says_ready_is_ready_and_its_status_is_told)
{
	struct weft_supervisor_status status;
	struct stage stage;

	CHECK_INT(unsetenv("NOTIFY_SOCKET"), ==, 0);
	CHECK_INT(weft_manager_tell("READY=1"), ==, 0);
	stage_init(&stage);
	CHECK_INT(weft_supervisor_add(stage.supervisor,
			  &(struct weft_supervisor_child){
				  .name = "server", .fn = tell_and_wait, .tells_ready = true}),
		==, 0);
	stage_begin(&stage);
	CHECK_INT(weft_supervisor_await(stage.supervisor, "server"), ==, 0);
	becomes(&stage, "server", WEFT_SUPERVISOR_READY, 1, &status);
	CHECK_STR(status.text, "warming up");
	stage_stop(&stage);
}

/* ---- Output
 * -------------------------------------------------------------------------------------- */

CHECK_CASE(output_goes_to_the_log_by_lines_whatever_it_is)
{
	struct weft_supervisor_child once = {.restart = WEFT_SUPERVISOR_NEVER, .lines_per_s = 5};
	struct stage stage;

	stage_init(&stage);
	add_shell(&stage, "plain", "echo one; echo two >&2; printf three", once);
	add_shell(&stage, "endless", "head -c 6000 /dev/zero | tr '\\0' x", once);
	add_shell(&stage, "binary", "printf 'a\\033[2J\\377\\nb\\n'", once);
	add_shell(&stage, "chatty", "for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done", once);
	stage_begin(&stage);
	stage_end(&stage, 0);
	CHECK_INT(count_in_log(&stage, "line=one whole=true"), ==, 1);
	CHECK_INT(count_in_log(&stage, "line=two whole=true"), ==, 1);
	CHECK_INT(count_in_log(&stage, "line=three whole=true"), ==, 1);
	CHECK_INT(count_in_log(&stage, "message=output child=endless"), ==, 3);
	CHECK_INT(count_in_log(&stage, "xxx whole=false"), ==, 2);
	CHECK_INT(count_in_log(&stage, "message=output child=binary"), ==, 2);
	CHECK_INT(count_in_log(&stage, "\033"), ==, 0);
	CHECK_INT(count_in_log(&stage, "message=output child=chatty"), ==, 5);
	CHECK_INT(count_in_log(&stage, "child=chatty dropped=4"), ==, 1);
	stage_fini(&stage);
}

/* ---- Ends
 * ------------------------------------------------------------------------------------------ */

CHECK_CASE(stops_go_in_the_opposite_order_and_who_ignores_them_is_killed_after_the_grace)
{
	const char *const after[] = {"base", NULL};
	struct weft_supervisor_status status;
	struct stage stage;

	stage_init(&stage);
	add_shell(&stage, "base",
		"trap 'echo base ends; exit 0' TERM; echo base; while :; do sleep 0.01; done",
		(struct weft_supervisor_child){0});
	add_shell(&stage, "deaf", "trap '' TERM; echo deaf; while :; do sleep 0.01; done",
		(struct weft_supervisor_child){.after = after, .grace_ns = WEFT_SECONDS(77)});
	stage_begin(&stage);
	becomes(&stage, "deaf", WEFT_SUPERVISOR_READY, 1, &status);
	while (count_in_log(&stage, "line=deaf") + count_in_log(&stage, "line=base ") < 2)
		sched_yield();
	weft_supervisor_stop(stage.supervisor);
	becomes(&stage, "deaf", WEFT_SUPERVISOR_STOPPING, 1, &status);
	becomes(&stage, "base", WEFT_SUPERVISOR_READY, 1, &status);
	clock_goes(&stage, WEFT_SECONDS(77));
	stage_end(&stage, 0);
	CHECK_INT(weft_supervisor_status(stage.supervisor, "deaf", &status), ==, 0);
	CHECK_INT(status.end.code, ==, SIGKILL);
	CHECK_INT(weft_supervisor_status(stage.supervisor, "base", &status), ==, 0);
	CHECK_INT(status.end.how, ==, WEFT_PROCESS_EXITED);
	CHECK_INT(count_in_log(&stage, "base ends"), ==, 1);
	stage_fini(&stage);
}

CHECK_CASE(what_a_child_leaves_in_its_group_ends_with_it)
{
	struct stage stage;
	int ends[2];
	char byte;

	CHECK_INT(pipe2(ends, O_CLOEXEC), ==, 0);
	stage_init(&stage);
	CHECK_INT(weft_supervisor_hand(stage.supervisor, "life", ends[1]), ==, 0);
	/* The grandchild keeps the descriptor, which is number 3. */
	add_shell(&stage, "parent", "(trap '' TERM HUP; sleep 1000) & exit 0",
		(struct weft_supervisor_child){.restart = WEFT_SUPERVISOR_NEVER});
	stage_begin(&stage);
	stage_end(&stage, 0);
	close(ends[1]);
	stage_fini(&stage);
	CHECK_INT(read(ends[0], &byte, 1), ==, 0);
	close(ends[0]);
}

/* ---- Replacing
 * ------------------------------------------------------------------------------------- */

CHECK_CASE(a_new_process_takes_the_place_when_it_is_ready_and_a_bad_one_does_not)
{
	static const char *const bad[] = {"sh", "-c", "exit 9", NULL};
	static const char *const missing[] = {"/nonexistent/program", NULL};
	static const char *const good[] = {"sh", "-c", "echo good; exec sleep 1000", NULL};
	struct weft_supervisor_status before, after;
	struct stage stage;

	stage_init(&stage);
	CHECK_INT(weft_supervisor_add(stage.supervisor,
			  &(struct weft_supervisor_child){
				  .name = "server", .fn = tell_and_wait, .tells_ready = true}),
		==, 0);
	add_shell(&stage, "plain", "echo old; exec sleep 1000", (struct weft_supervisor_child){0});
	add_shell(&stage, "strict", "exec sleep 1000", (struct weft_supervisor_child){0});
	stage_begin(&stage);
	CHECK_INT(weft_supervisor_await(stage.supervisor, "server"), ==, 0);
	CHECK_INT(weft_supervisor_await(stage.supervisor, "plain"), ==, 0);
	becomes(&stage, "server", WEFT_SUPERVISOR_READY, 1, &before);
	CHECK_INT(weft_supervisor_replace(stage.supervisor, "server", NULL), ==, 0);
	becomes(&stage, "server", WEFT_SUPERVISOR_READY, 2, &after);
	CHECK(before.pid != after.pid);
	CHECK_INT(kill(before.pid, 0), ==, -1);
	CHECK_ERRNO(weft_supervisor_replace(stage.supervisor, "server", bad), EINVAL);
	CHECK_ERRNO(weft_supervisor_replace(stage.supervisor, "plain", missing), ENOENT);
	becomes(&stage, "plain", WEFT_SUPERVISOR_READY, 1, &before);
	CHECK_INT(weft_supervisor_replace(stage.supervisor, "plain", good), ==, 0);
	becomes(&stage, "plain", WEFT_SUPERVISOR_READY, 2, &after);
	CHECK(before.pid != after.pid);
	stage_stop(&stage);
}

/* A program that is ready by its own word as long as it is called "good". */
static int good_once(void *arg)
{
	int fd = weft_manager_take("turns");
	char byte;

	(void)arg;
	if (read(fd, &byte, 1) != 1)
		return 9;
	return tell_and_wait(NULL);
}

CHECK_CASE(the_old_process_goes_on_when_the_new_one_ends_or_is_no_longer_waited_for)
{
	struct weft_supervisor_status before, after;
	struct stage stage;
	int ends[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
	stage_init(&stage);
	CHECK_INT(weft_supervisor_hand(stage.supervisor, "turns", ends[0]), ==, 0);
	CHECK_INT(weft_supervisor_add(stage.supervisor,
			  &(struct weft_supervisor_child){
				  .name = "server", .fn = good_once, .tells_ready = true}),
		==, 0);
	stage_begin(&stage);
	CHECK_INT(write(ends[1], "x", 1), ==, 1);
	CHECK_INT(weft_supervisor_await(stage.supervisor, "server"), ==, 0);
	becomes(&stage, "server", WEFT_SUPERVISOR_READY, 1, &before);
	/* The second waits for its turn, which does not come. */
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(20))
		CHECK_ERRNO(weft_supervisor_replace(stage.supervisor, "server", NULL), ETIMEDOUT);
	CHECK_INT(shutdown(ends[1], SHUT_WR), ==, 0);
	while (weft_supervisor_replace(stage.supervisor, "server", NULL) < 0 && errno == EBUSY)
		sched_yield(); /* the one that nobody waits for is about to end */
	CHECK_INT(errno, ==, ECHILD);
	becomes(&stage, "server", WEFT_SUPERVISOR_READY, 1, &after);
	CHECK_INT(before.pid, ==, after.pid);
	stage_stop(&stage);
	close(ends[0]);
	close(ends[1]);
}

CHECK_MAIN()
