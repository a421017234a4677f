/*
 * supervisor_ward.c - a named child of a supervisor: which of its processes counts, what is done
 * when one is ready or ends, what is due.
 *
 * Must never: wait. All of it is done by who runs the supervisor, with its mutex.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/process.h"
#include "process/supervisor.h"
#include "weft/fiber.h"
#include "weft/log.h"

#define PAUSE_NS     WEFT_MILLISECONDS(100)
#define PAUSE_MAX_NS WEFT_SECONDS(30)
#define GIVE_UP_NS   WEFT_SECONDS(60)

/* ---- Life -------------------------------------------------------------------------------------
 */

static bool is_sound(const struct weft_supervisor_child *child)
{
	if (!child->name || !*child->name || strlen(child->name) > WEFT_PROCESS_NAME_MAX ||
		!child->argv == !child->fn || child->give_up_count > WEFT_SUPERVISOR_GIVE_UP_MAX ||
		child->restart < WEFT_SUPERVISOR_ALWAYS || child->restart > WEFT_SUPERVISOR_NEVER ||
		child->pause_ns < 0 || child->pause_max_ns < 0 || child->give_up_ns < 0 ||
		child->ready_ns < 0 || child->stop_signal < 0 || child->stop_signal > SIGRTMAX)
		return false;
	for (int i = 0; child->process && i < 3; i++)
		if (child->process->streams[i].kind == WEFT_PROCESS_PIPE)
			return false;
	return true;
}

/* The log's, unless they are somebody's. */
static void plumb(struct weft_process_options *options)
{
	struct weft_process_redirect *streams = options->streams;

	if (streams[0].kind == WEFT_PROCESS_INHERIT)
		streams[0].kind = WEFT_PROCESS_NULL;
	if (streams[2].kind == WEFT_PROCESS_INHERIT)
		streams[2].kind = streams[1].kind == WEFT_PROCESS_INHERIT ? WEFT_PROCESS_OUTPUT
									  : WEFT_PROCESS_PIPE;
	if (streams[1].kind == WEFT_PROCESS_INHERIT)
		streams[1].kind = WEFT_PROCESS_PIPE;
}

static struct weft_process *make_pattern(const struct weft_supervisor_child *child)
{
	struct weft_process_options options = {0};

	if (child->process)
		options = *child->process;
	options.name = child->name;
	options.handed = NULL;
	options.handed_count = 0;
	options.ops = NULL;
	options.new_group = !options.new_session;
	options.ends_group = true;
	plumb(&options);
	return child->argv ? weft_process_new_program(&options, child->argv)
			   : weft_process_new(&options, child->fn, child->arg);
}

/* 0 or an errno. */
static int find_after(struct weft__ward *ward, const char *const *names)
{
	size_t count = 0;

	while (names && names[count])
		count++;
	ward->after = calloc(count + 1, sizeof(struct weft__ward *));
	if (!ward->after)
		return ENOMEM;
	for (size_t i = 0; i < count; i++) {
		ward->after[i] = weft__ward_find(ward->supervisor, names[i]);
		if (!ward->after[i] || ward->after[i]->is_leaving)
			return ENOENT;
	}
	return 0;
}

/* A first pause that is longer than the usual longest one is meant. */
static int64_t pause_max_ns(const struct weft_supervisor_child *child)
{
	if (child->pause_max_ns)
		return child->pause_max_ns;
	return child->pause_ns > PAUSE_MAX_NS ? child->pause_ns : PAUSE_MAX_NS;
}

struct weft__ward *weft__ward_new(
	struct weft_supervisor *supervisor, const struct weft_supervisor_child *child)
{
	struct weft__ward *ward;
	int code = is_sound(child) ? 0 : EINVAL;

	if (code == 0 && weft__ward_find(supervisor, child->name))
		code = EEXIST;
	ward = code ? NULL : calloc(1, sizeof *ward);
	if (!ward) {
		errno = code ? code : ENOMEM;
		return NULL;
	}
	ward->holders = 1;
	ward->supervisor = supervisor;
	ward->how = *child;
	ward->policy = (struct weft__restart_policy){.restart = child->restart,
		.pause_ns = child->pause_ns ? child->pause_ns : PAUSE_NS,
		.pause_max_ns = pause_max_ns(child),
		.give_up_count = child->give_up_count,
		.give_up_ns = child->give_up_ns ? child->give_up_ns : GIVE_UP_NS};
	snprintf(ward->name, sizeof ward->name, "%s", child->name);
	code = find_after(ward, child->after);
	if (code == 0 && !(ward->pattern = make_pattern(child)))
		code = errno;
	if (code == 0)
		return ward;
	weft__ward_release(ward);
	errno = code;
	return NULL;
}

void weft__ward_release(struct weft__ward *ward)
{
	if (--ward->holders > 0)
		return;
	weft_process_free(ward->pattern);
	weft_process_free(ward->next_pattern);
	free(ward->after);
	free(ward);
}

struct weft__ward *weft__ward_find(struct weft_supervisor *supervisor, const char *name)
{
	weft_list_each (node, &supervisor->wards) {
		struct weft__ward *ward = weft_container_of(node, struct weft__ward, node);

		if (strcmp(ward->name, name) == 0)
			return ward;
	}
	return NULL;
}

/* ---- About it ---------------------------------------------------------------------------------
 */

bool weft__ward_has_actors(const struct weft__ward *ward)
{
	return ward->current || ward->next || ward->leaving;
}

static void set_state(struct weft__ward *ward, enum weft_supervisor_state state)
{
	ward->state = state;
	weft__wait_list_wake_all(&ward->supervisor->changed);
}

void weft__ward_remove(struct weft__ward *ward)
{
	weft_log_to(
		ward->supervisor->logger, WEFT_LOG_INFO, "removed", WEFT_KV("child", ward->name));
	weft_list_remove(&ward->node);
	ward->is_gone = true;
	weft__wait_list_wake_all(&ward->supervisor->changed);
	weft__ward_release(ward);
}

/* It is not to be started again, whatever its policy says. */
static bool must_stop(const struct weft__ward *ward)
{
	return ward->is_leaving || atomic_load(&ward->supervisor->is_stopping);
}

static bool may_start(const struct weft__ward *ward)
{
	for (struct weft__ward **before = ward->after; *before; before++) {
		const struct weft_process_end *end = &(*before)->end;

		if ((*before)->state != WEFT_SUPERVISOR_READY &&
			((*before)->state != WEFT_SUPERVISOR_ENDED ||
				end->how != WEFT_PROCESS_EXITED || end->code != 0))
			return false;
	}
	return true;
}

/* Those that need it go first. */
static bool may_stop(const struct weft__ward *ward)
{
	weft_list_each (node, &ward->supervisor->wards) {
		struct weft__ward *other = weft_container_of(node, struct weft__ward, node);

		for (struct weft__ward **before = other->after; *before; before++)
			if (*before == ward && weft__ward_has_actors(other))
				return false;
	}
	return true;
}

/* ---- Starting ---------------------------------------------------------------------------------
 */

static void judge(struct weft__ward *ward, int64_t lived_ns, bool has_failed)
{
	struct weft_supervisor *supervisor = ward->supervisor;
	const struct weft__restart_end end = {supervisor->now(), lived_ns, has_failed};
	int64_t pause_ns = 0;

	if (must_stop(ward)) {
		set_state(ward, WEFT_SUPERVISOR_ENDED);
		return;
	}
	switch (weft__restart_judge(&ward->policy, &ward->past, &end, &pause_ns)) {
	case WEFT__RESTART_AGAIN:
		ward->due_ns = end.now_ns + pause_ns;
		set_state(ward, WEFT_SUPERVISOR_BACKING_OFF);
		break;
	case WEFT__RESTART_DONE:
		set_state(ward, WEFT_SUPERVISOR_ENDED);
		break;
	case WEFT__RESTART_GIVE_UP:
		weft_log_to(supervisor->logger, WEFT_LOG_ERROR, "given up",
			WEFT_KV("child", ward->name), WEFT_KV("starts", ward->starts));
		set_state(ward, WEFT_SUPERVISOR_GIVEN_UP);
		if (ward->how.is_vital) {
			supervisor->has_failed = true;
			atomic_store(&supervisor->is_stopping, true);
		}
		break;
	}
}

static int start(
	struct weft__ward *ward, const struct weft_process *pattern, struct weft__actor **place)
{
	struct weft_logger *logger = ward->supervisor->logger;
	struct weft__actor *actor = NULL;
	int code;

	assert(pattern);
	code = weft__actor_start(ward, pattern, &actor);
	if (code) {
		weft_log_to(logger, WEFT_LOG_ERROR, "can't start", WEFT_KV("child", ward->name),
			WEFT_KV("program", pattern->argv ? pattern->argv[0] : "a function"),
			WEFT_KV_ERRNO(code));
		return code;
	}
	ward->starts++;
	*place = actor;
	weft__wait_list_wake_all(&ward->supervisor->changed);
	weft_log_to(logger, WEFT_LOG_INFO, "started", WEFT_KV("child", ward->name),
		WEFT_KV("pid", weft_process_pid(actor->process)));
	if (!ward->how.tells_ready)
		weft__ward_on_ready(ward, actor);
	return 0;
}

static void begin(struct weft__ward *ward)
{
	set_state(ward, WEFT_SUPERVISOR_STARTING);
	ward->start_code = start(ward, ward->pattern, &ward->current);
	if (ward->start_code)
		judge(ward, 0, true);
}

/* ---- Replacing --------------------------------------------------------------------------------
 */

static void answer(struct weft__ward *ward, int code)
{
	if (!ward->replacement)
		return;
	ward->replacement->code = code;
	ward->replacement->is_done = true;
	ward->replacement = NULL;
	weft__wait_list_wake_all(&ward->supervisor->changed);
}

static void begin_next(struct weft__ward *ward)
{
	const struct weft_process *pattern = ward->pattern;
	const char *const *argv = ward->replacement->argv;
	int code = 0;

	if (argv) {
		ward->next_pattern = weft_process_new_program(&pattern->options, argv);
		pattern = ward->next_pattern;
		code = pattern ? 0 : errno;
	}
	if (code == 0)
		code = start(ward, pattern, &ward->next);
	if (code == 0)
		return;
	weft_process_free(ward->next_pattern);
	ward->next_pattern = NULL;
	answer(ward, code);
}

static void take_over(struct weft__ward *ward)
{
	ward->leaving = ward->current;
	ward->current = ward->next;
	ward->next = NULL;
	if (ward->next_pattern) {
		weft_process_free(ward->pattern);
		ward->pattern = ward->next_pattern;
		ward->next_pattern = NULL;
	}
	if (ward->leaving)
		weft__actor_stop(ward->leaving);
	else
		answer(ward, 0);
}

/* ---- What happens -----------------------------------------------------------------------------
 */

void weft__ward_on_ready(struct weft__ward *ward, struct weft__actor *actor)
{
	actor->state = WEFT__ACTOR_READY;
	if (ward->how.tells_ready)
		weft_log_to(ward->supervisor->logger, WEFT_LOG_INFO, "ready",
			WEFT_KV("child", ward->name),
			WEFT_KV("pid", weft_process_pid(actor->process)));
	if (actor == ward->next)
		take_over(ward);
	set_state(ward, WEFT_SUPERVISOR_READY);
}

static void tell_end(const struct weft__ward *ward, const struct weft__actor *actor,
	const struct weft_process_end *end)
{
	char text[WEFT_PROCESS_END_TEXT_SIZE];
	bool is_meant = actor->state >= WEFT__ACTOR_STOPPING && !actor->is_late;

	weft_log_to(ward->supervisor->logger, is_meant ? WEFT_LOG_INFO : WEFT_LOG_WARN,
		actor->is_late ? "ended, for it was not ready in time" : "ended",
		WEFT_KV("child", ward->name), WEFT_KV("pid", weft_process_pid(actor->process)),
		WEFT_KV("how", weft_process_end_text(end, text)));
}

static void current_ended(
	struct weft__ward *ward, const struct weft_process_end *end, int64_t lived_ns, bool is_late)
{
	bool has_failed = is_late || end->how != WEFT_PROCESS_EXITED || end->code != 0;

	ward->current = NULL;
	ward->end = *end;
	judge(ward, lived_ns, has_failed);
}

void weft__ward_on_end(struct weft__ward *ward, struct weft__actor *actor)
{
	int64_t lived_ns = ward->supervisor->now() - actor->started_ns;
	struct weft_process_end end;

	if (!weft__actor_has_ended(actor, &end))
		return;
	tell_end(ward, actor, &end);
	if (actor == ward->leaving) {
		ward->leaving = NULL;
		answer(ward, 0);
	} else if (actor == ward->next) {
		ward->next = NULL;
		weft_process_free(ward->next_pattern);
		ward->next_pattern = NULL;
		answer(ward, actor->is_late ? ETIME : ECHILD);
	} else {
		current_ended(ward, &end, lived_ns, actor->is_late);
	}
	weft__actor_free(actor);
}

/* ---- What is due ------------------------------------------------------------------------------
 */

static void check_time(struct weft__ward *ward, struct weft__actor *actor)
{
	if (!actor)
		return;
	if (actor->is_lost) {
		weft__ward_on_end(ward, actor);
	} else if (ward->supervisor->now() < actor->due_ns) {
		return;
	} else if (actor->state == WEFT__ACTOR_STOPPING) {
		weft__actor_kill(actor);
	} else if (actor->state == WEFT__ACTOR_STARTING) {
		actor->is_late = true;
		weft__actor_kill(actor);
	}
}

static void stop(struct weft__ward *ward)
{
	answer(ward, ESHUTDOWN);
	if (!weft__ward_has_actors(ward)) {
		if (ward->state == WEFT_SUPERVISOR_BACKING_OFF)
			set_state(ward, WEFT_SUPERVISOR_ENDED);
		return;
	}
	if (!ward->current || ward->current->state >= WEFT__ACTOR_STOPPING || !may_stop(ward))
		return;
	set_state(ward, WEFT_SUPERVISOR_STOPPING);
	weft__actor_stop(ward->current);
}

void weft__ward_step(struct weft__ward *ward)
{
	if (must_stop(ward))
		stop(ward);
	else if (ward->replacement && !ward->next && !ward->leaving)
		begin_next(ward);
	else if (ward->state == WEFT_SUPERVISOR_WAITING && may_start(ward))
		begin(ward);
	else if (ward->state == WEFT_SUPERVISOR_BACKING_OFF && !ward->next &&
		 ward->supervisor->now() >= ward->due_ns)
		begin(ward);
	/* Who has asked for it no longer waits. */
	if (ward->next && !ward->replacement)
		weft__actor_stop(ward->next);
	check_time(ward, ward->current);
	check_time(ward, ward->next);
	check_time(ward, ward->leaving);
}

static int64_t actor_due_ns(const struct weft__actor *actor)
{
	return actor && (actor->state == WEFT__ACTOR_STARTING ||
				actor->state == WEFT__ACTOR_STOPPING)
		       ? actor->due_ns
		       : INT64_MAX;
}

int64_t weft__ward_due_ns(const struct weft__ward *ward)
{
	const struct weft__actor *actors[] = {ward->current, ward->next, ward->leaving};
	int64_t due_ns = INT64_MAX;

	if (ward->state == WEFT_SUPERVISOR_BACKING_OFF && !ward->next)
		due_ns = ward->due_ns;
	for (int i = 0; i < 3; i++)
		if (actor_due_ns(actors[i]) < due_ns)
			due_ns = actor_due_ns(actors[i]);
	return due_ns;
}
