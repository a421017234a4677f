/*
 * stage.h - a supervisor on a thread, its log in a file, its clock in our hand.
 */
#ifndef TESTS_PROCESS_STAGE_H
#define TESTS_PROCESS_STAGE_H

#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "process/supervisor.h"
#include "weft/log.h"
#include "weft/supervisor.h"

struct stage {
	struct weft_supervisor *supervisor;
	struct weft_logger *logger;
	char folder[64], log[96];
	pthread_t thread;
	int result, code;
};

static _Atomic int64_t held_now = WEFT_SECONDS(1000);

static inline int64_t held_clock(void)
{
	return atomic_load(&held_now);
}

static inline void stage_init(struct stage *stage)
{
	*stage = (struct stage){0};
	snprintf(stage->folder, sizeof stage->folder, "/tmp/weft-supervisor-XXXXXX");
	CHECK(mkdtemp(stage->folder) != NULL);
	snprintf(stage->log, sizeof stage->log, "%s/log", stage->folder);
	stage->logger = weft_logger_new(&(struct weft_logger_options){.path = stage->log});
	CHECK(stage->logger != NULL);
	stage->supervisor =
		weft_supervisor_new(&(struct weft_supervisor_options){.logger = stage->logger});
	CHECK(stage->supervisor != NULL);
	stage->supervisor->now = held_clock;
}

static inline void *run_stage(void *arg)
{
	struct stage *stage = arg;

	stage->result = weft_supervisor_run(stage->supervisor);
	stage->code = errno;
	return NULL;
}

static inline void stage_begin(struct stage *stage)
{
	CHECK_INT(pthread_create(&stage->thread, NULL, run_stage, stage), ==, 0);
}

static inline void stage_end(struct stage *stage, int code)
{
	pthread_join(stage->thread, NULL);
	if (code) {
		CHECK_INT(stage->result, ==, -1);
		CHECK_INT(stage->code, ==, code);
	} else {
		CHECK_INT(stage->result, ==, 0);
	}
	CHECK_INT(weft_process_count(), ==, 0);
}

static inline void stage_fini(struct stage *stage)
{
	char command[128];

	weft_supervisor_free(stage->supervisor);
	weft_logger_free(stage->logger);
	snprintf(command, sizeof command, "rm -r %s", stage->folder);
	CHECK_INT(system(command), ==, 0);
}

static inline void stage_stop(struct stage *stage)
{
	weft_supervisor_stop(stage->supervisor);
	stage_end(stage, 0);
	stage_fini(stage);
}

static inline void clock_goes(struct stage *stage, int64_t by_ns)
{
	atomic_fetch_add(&held_now, by_ns);
	weft__supervise_wake(stage->supervisor);
}

/* Wait for a change, whenever it comes. */
static inline void becomes(struct stage *stage, const char *name, enum weft_supervisor_state state,
	unsigned starts, struct weft_supervisor_status *ret_status)
{
	struct weft_supervisor *supervisor = stage->supervisor;
	struct weft__ward *ward;

	pthread_mutex_lock(&supervisor->mutex);
	ward = weft__ward_find(supervisor, name);
	while (ward->state != state || ward->starts < starts)
		CHECK_INT(weft__wait_list_wait(&supervisor->changed, &supervisor->mutex,
				  WEFT__WAIT_THREAD, ward),
			==, 0);
	pthread_mutex_unlock(&supervisor->mutex);
	CHECK_INT(weft_supervisor_status(supervisor, name, ret_status), ==, 0);
}

/* What the log has, and whether this is in it; how often. */
static inline int count_in_log(const struct stage *stage, const char *text)
{
	char line[WEFT_LOG_LINE_MAX + 1];
	FILE *file = fopen(stage->log, "r");
	int count = 0;

	CHECK(file != NULL);
	while (fgets(line, sizeof line, file))
		count += strstr(line, text) != NULL;
	fclose(file);
	return count;
}

static inline void add_shell(
	struct stage *stage, const char *name, const char *line, struct weft_supervisor_child child)
{
	const char *const words[] = {"sh", "-c", line, NULL};

	child.name = name;
	child.argv = words;
	CHECK_INT(weft_supervisor_add(stage->supervisor, &child), ==, 0);
}

#endif
