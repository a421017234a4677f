/*
 * test_supervisor_remove.c - children of a supervisor that come and go while it runs, and those
 * that run once.
 *
 * Nothing waits for real time to go by; of programs only, which are started beside other threads.
 *
 * check: tsan
 */
#include <signal.h>

#include "process/stage.h"
#include "weft/scope.h"

static const struct weft_supervisor_child once = {.restart = WEFT_SUPERVISOR_NEVER};

/* A supervisor that runs until it is stopped. */
static void stage_open(struct stage *stage)
{
	stage_init(stage);
	stage->supervisor->stays = true;
	stage_begin(stage);
}

static void await_line(const struct stage *stage, const char *line)
{
	while (count_in_log(stage, line) == 0)
		sched_yield();
}

static void is_forgotten(struct stage *stage, const char *name)
{
	struct weft_supervisor_status status;

	CHECK_ERRNO(weft_supervisor_status(stage->supervisor, name, &status), ENOENT);
	CHECK_ERRNO(weft_supervisor_await(stage->supervisor, name), ENOENT);
	CHECK_ERRNO(weft_supervisor_join(stage->supervisor, name, NULL), ENOENT);
	CHECK_ERRNO(weft_supervisor_remove(stage->supervisor, name, NULL), ENOENT);
	CHECK_ERRNO(weft_supervisor_replace(stage->supervisor, name, NULL), ENOENT);
	CHECK_ERRNO(weft_supervisor_signal(stage->supervisor, name, SIGHUP), ENOENT);
}

CHECK_CASE(a_child_that_runs_once_tells_its_result_and_its_name_is_free_when_it_is_removed)
{
	struct weft_process_end end = {0};
	struct weft_supervisor_status status;
	struct stage stage;

	stage_open(&stage);
	for (int code = 3; code < 6; code++) {
		char line[32];

		snprintf(line, sizeof line, "exit %d", code);
		add_shell(&stage, "job", line, once);
		CHECK_INT(weft_supervisor_join(stage.supervisor, "job", &end), ==, 0);
		CHECK_INT(end.how, ==, WEFT_PROCESS_EXITED);
		CHECK_INT(end.code, ==, code);
		/* Told again, and to who asks for its state. */
		CHECK_INT(weft_supervisor_join(stage.supervisor, "job", NULL), ==, 0);
		CHECK_INT(weft_supervisor_status(stage.supervisor, "job", &status), ==, 0);
		CHECK_INT(status.state, ==, WEFT_SUPERVISOR_ENDED);
		CHECK_INT(status.starts, ==, 1);
		CHECK_ERRNO(weft_supervisor_add(
				    stage.supervisor, &(struct weft_supervisor_child){.name = "job",
							      .fn = (weft_process_fn *)abort}),
			EEXIST);
		end.code = 0;
		CHECK_INT(weft_supervisor_remove(stage.supervisor, "job", &end), ==, 0);
		CHECK_INT(end.code, ==, code);
		is_forgotten(&stage, "job");
	}
	stage_stop(&stage);
}

CHECK_CASE(one_that_can_not_be_started_or_never_was_says_so)
{
	static const char *const missing[] = {"/nonexistent/program", NULL};
	struct stage stage;

	stage_init(&stage);
	CHECK_INT(weft_supervisor_add(
			  stage.supervisor, &(struct weft_supervisor_child){.name = "missing",
						    .argv = missing,
						    .restart = WEFT_SUPERVISOR_NEVER}),
		==, 0);
	add_shell(&stage, "late", "exit 0",
		(struct weft_supervisor_child){.after = (const char *const[]){"missing", NULL}});
	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(weft_supervisor_join(stage.supervisor, "late", NULL), ETIMEDOUT);
	stage_begin(&stage);
	CHECK_ERRNO(weft_supervisor_join(stage.supervisor, "missing", NULL), ENOENT);
	/* When all is over it is known that it never will. */
	CHECK_ERRNO(weft_supervisor_join(stage.supervisor, "late", NULL), ECHILD);
	stage_end(&stage, ECHILD);
	stage_fini(&stage);
}

CHECK_CASE(one_that_is_about_to_be_started_again_is_removed_at_once)
{
	struct weft_supervisor_status status;
	struct weft_process_end end;
	struct stage stage;

	stage_open(&stage);
	add_shell(&stage, "hasty", "exit 3",
		(struct weft_supervisor_child){.pause_ns = WEFT_SECONDS(3600)});
	becomes(&stage, "hasty", WEFT_SUPERVISOR_BACKING_OFF, 1, &status);
	CHECK_INT(weft_supervisor_remove(stage.supervisor, "hasty", &end), ==, 0);
	CHECK_INT(end.code, ==, 3);
	is_forgotten(&stage, "hasty");
	clock_goes(&stage, WEFT_SECONDS(7200));
	add_shell(&stage, "hasty", "exit 4", once);
	CHECK_INT(weft_supervisor_join(stage.supervisor, "hasty", &end), ==, 0);
	CHECK_INT(end.code, ==, 4);
	CHECK_INT(count_in_log(&stage, "message=started child=hasty"), ==, 2);
	stage_stop(&stage);
}

static void *replace(void *arg)
{
	struct stage *stage = arg;

	CHECK_ERRNO(weft_supervisor_replace(stage->supervisor, "server", NULL), ESHUTDOWN);
	return NULL;
}

CHECK_CASE(one_that_is_being_replaced_is_removed_with_both_its_processes)
{
	struct weft_supervisor_status status;
	struct stage stage;
	pthread_t replacing;

	stage_open(&stage);
	/* The first is told ready by us; the second never is. */
	add_shell(&stage, "server", "echo begun; exec sleep 1000",
		(struct weft_supervisor_child){.tells_ready = true});
	becomes(&stage, "server", WEFT_SUPERVISOR_STARTING, 1, &status);
	pthread_mutex_lock(&stage.supervisor->mutex);
	weft__ward_on_ready(weft__ward_find(stage.supervisor, "server"),
		weft__ward_find(stage.supervisor, "server")->current);
	pthread_mutex_unlock(&stage.supervisor->mutex);
	CHECK_INT(pthread_create(&replacing, NULL, replace, &stage), ==, 0);
	becomes(&stage, "server", WEFT_SUPERVISOR_READY, 2, &status);
	CHECK_INT(weft_supervisor_remove(stage.supervisor, "server", NULL), ==, 0);
	CHECK_INT(weft_process_count(), ==, 0);
	pthread_join(replacing, NULL);
	is_forgotten(&stage, "server");
	stage_stop(&stage);
}

static void *remove_deaf(void *arg)
{
	struct weft_process_end end;
	struct stage *stage = arg;

	CHECK_INT(weft_supervisor_remove(stage->supervisor, "deaf", &end), ==, 0);
	CHECK_INT(end.how, ==, WEFT_PROCESS_KILLED);
	CHECK_INT(end.code, ==, SIGKILL);
	return NULL;
}

CHECK_CASE(who_does_not_hear_of_its_removing_has_its_grace_and_its_name_meanwhile)
{
	static const char *const words[] = {"true", NULL};
	const struct weft_supervisor_child same = {.name = "deaf", .argv = words};
	const struct weft_supervisor_child later = {
		.name = "later", .argv = words, .after = (const char *const[]){"deaf", NULL}};
	struct weft_supervisor_status status;
	struct stage stage;
	pthread_t removing;

	stage_open(&stage);
	add_shell(&stage, "deaf", "trap '' TERM; echo deaf; while :; do sleep 0.01; done",
		(struct weft_supervisor_child){.grace_ns = WEFT_SECONDS(77)});
	await_line(&stage, "line=deaf");
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_supervisor_remove(stage.supervisor, "deaf", NULL), ETIMEDOUT);
	becomes(&stage, "deaf", WEFT_SUPERVISOR_STOPPING, 1, &status);
	CHECK_ERRNO(weft_supervisor_add(stage.supervisor, &same), EEXIST);
	CHECK_ERRNO(weft_supervisor_add(stage.supervisor, &later), ENOENT);
	CHECK_ERRNO(weft_supervisor_await(stage.supervisor, "deaf"), ECHILD);
	CHECK_ERRNO(weft_supervisor_replace(stage.supervisor, "deaf", NULL), ESHUTDOWN);
	CHECK_INT(pthread_create(&removing, NULL, remove_deaf, &stage), ==, 0);
	/* Two wait: the one who begins only now would find nobody. */
	for (unsigned holders = 0; holders < 2; sched_yield()) {
		pthread_mutex_lock(&stage.supervisor->mutex);
		holders = weft__ward_find(stage.supervisor, "deaf")->holders;
		pthread_mutex_unlock(&stage.supervisor->mutex);
	}
	clock_goes(&stage, WEFT_SECONDS(77));
	pthread_join(removing, NULL);
	is_forgotten(&stage, "deaf");
	CHECK_INT(weft_supervisor_add(stage.supervisor, &same), ==, 0);
	stage_stop(&stage);
}

CHECK_CASE(whom_another_needs_is_not_removed_before_it)
{
	struct stage stage;

	stage_open(&stage);
	add_shell(&stage, "base", "exec sleep 1000", (struct weft_supervisor_child){0});
	add_shell(&stage, "upper", "exec sleep 1000",
		(struct weft_supervisor_child){.after = (const char *const[]){"base", NULL}});
	CHECK_INT(weft_supervisor_await(stage.supervisor, "upper"), ==, 0);
	CHECK_ERRNO(weft_supervisor_remove(stage.supervisor, "base", NULL), EBUSY);
	CHECK_INT(weft_supervisor_await(stage.supervisor, "base"), ==, 0);
	CHECK_INT(weft_supervisor_remove(stage.supervisor, "upper", NULL), ==, 0);
	CHECK_INT(weft_supervisor_remove(stage.supervisor, "base", NULL), ==, 0);
	CHECK_INT(weft_process_count(), ==, 0);
	stage_stop(&stage);
}

CHECK_CASE(before_it_runs_and_when_it_is_over_they_are_removed_too)
{
	struct weft_process_end end = {0};
	struct stage stage;

	stage_init(&stage);
	add_shell(&stage, "never", "exec sleep 1000", (struct weft_supervisor_child){0});
	add_shell(&stage, "job", "exit 5", once);
	CHECK_INT(weft_supervisor_remove(stage.supervisor, "never", &end), ==, 0);
	CHECK_INT(end.how, ==, 0);
	is_forgotten(&stage, "never");
	stage_begin(&stage);
	stage_end(&stage, 0);
	CHECK_INT(weft_supervisor_remove(stage.supervisor, "job", &end), ==, 0);
	CHECK_INT(end.code, ==, 5);
	is_forgotten(&stage, "job");
	stage_fini(&stage);
}

CHECK_CASE(without_the_last_child_it_is_over_unless_it_stays)
{
	struct stage stage;

	stage_init(&stage);
	add_shell(&stage, "only", "exec sleep 1000", (struct weft_supervisor_child){0});
	stage_begin(&stage);
	CHECK_INT(weft_supervisor_remove(stage.supervisor, "only", NULL), ==, 0);
	stage_end(&stage, 0);
	stage_fini(&stage);
}

/* Each adds and removes children of its own name, at whatever moment of their lives. */
static void *come_and_go(void *arg)
{
	static const char *const lines[] = {"exit 1", "exec sleep 1000", "exec sleep 2000"};
	static _Atomic unsigned numbers;
	struct stage *stage = arg;
	unsigned number = atomic_fetch_add(&numbers, 1);
	char name[32];

	snprintf(name, sizeof name, "child-%u", number);
	for (unsigned i = 0, rounds = check_rounds(12); i < rounds; i++) {
		unsigned kind = (number + i) % 3;

		add_shell(stage, name, lines[kind], (struct weft_supervisor_child){0});
		if (kind == 1)
			CHECK_INT(weft_supervisor_await(stage->supervisor, name), ==, 0);
		else if (kind == 2)
			weft_supervisor_signal(stage->supervisor, name, SIGKILL);
		CHECK_INT(weft_supervisor_remove(stage->supervisor, name, NULL), ==, 0);
	}
	return NULL;
}

CHECK_CASE(many_come_and_go_at_any_moment)
{
	pthread_t threads[4];
	struct stage stage;

	stage_open(&stage);
	for (int i = 0; i < 4; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, come_and_go, &stage), ==, 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(weft_process_count(), ==, 0);
	stage_stop(&stage);
}

CHECK_MAIN()
