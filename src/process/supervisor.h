/*
 * supervisor.h - a supervisor, its wards (named children) and their processes.
 *
 *	supervisor ---> ward "web" ---> current: the process that counts
 *	           \                \-> next: one that is to take its place, and is not ready
 *	            \                \-> leaving: one whose place was taken, and that ends
 *	             `-> ward "store"...
 *
 * Who runs it changes all of that, under the mutex; the others read it, and leave wishes.
 */
#ifndef PROCESS_SUPERVISOR_H
#define PROCESS_SUPERVISOR_H

#include <pthread.h>
#include <stdatomic.h>

#include "thread/wait_list.h"
#include "weft/list.h"
#include "weft/supervisor.h"

/* ---- When one is started again: supervisor_policy.c ---------------------------------------- */

struct weft__restart_policy {
	enum weft_supervisor_restart restart;
	int64_t pause_ns, pause_max_ns;
	unsigned give_up_count; /* 0: never */
	int64_t give_up_ns;
};

struct weft__restart_past {
	int64_t ends_ns[WEFT_SUPERVISOR_GIVE_UP_MAX]; /* a ring of the last ends */
	unsigned end_count;
	unsigned quick_count; /* ends in a row after a short life */
};

enum weft__restart_verdict {
	WEFT__RESTART_AGAIN,
	WEFT__RESTART_DONE,
	WEFT__RESTART_GIVE_UP,
};

struct weft__restart_end {
	int64_t now_ns, lived_ns;
	bool has_failed;
};

/** One has ended. AGAIN: after *ret_pause_ns. */
enum weft__restart_verdict weft__restart_judge(const struct weft__restart_policy *policy,
	struct weft__restart_past *past, const struct weft__restart_end *end,
	int64_t *ret_pause_ns);

/* ---- Lines: supervisor_lines.c -------------------------------------------------------------- */

/** What a process prints, cut into lines; so many a second of them. */
struct weft__lines {
	void (*take)(void *arg, const char *line, size_t len, bool is_whole);
	void (*drop)(void *arg, uint64_t count); /* so many were dropped, before the next */
	void *arg;
	unsigned per_s;
	int64_t second_ns; /* when the second that is counted in began */
	unsigned in_second;
	uint64_t dropped;
	size_t len;
	char bytes[WEFT_SUPERVISOR_LINE_MAX];
};

void weft__lines_add(struct weft__lines *lines, const char *data, size_t len, int64_t now_ns);

/** The end: what has no newline is a line, too. */
void weft__lines_end(struct weft__lines *lines, int64_t now_ns);

/* ---- Processes: supervisor_actor.c ------------------------------------------------------------
 */

struct weft__ward;

enum weft__actor_state {
	WEFT__ACTOR_STARTING,
	WEFT__ACTOR_READY,
	WEFT__ACTOR_STOPPING,
	WEFT__ACTOR_KILLED,
};

/** What a descriptor in the set is of. */
enum weft__actor_source_kind {
	WEFT__ACTOR_END,
	WEFT__ACTOR_OUTPUT,
	WEFT__ACTOR_NOTE,
	WEFT__ACTOR_SOURCE_COUNT,
};

struct weft__actor_source {
	struct weft__actor *actor;
	enum weft__actor_source_kind kind;
};

/** One process of a ward, on the stage or beside it. */
struct weft__actor {
	struct weft__ward *ward;
	struct weft_process *process;
	enum weft__actor_state state;
	bool is_late;       /* it was killed because it did not get ready */
	bool is_lost;       /* it has no descriptor: it had ended before there was one */
	int64_t started_ns; /* by the supervisor's clock */
	int64_t due_ns;     /* STARTING: ready by then; STOPPING: killed then */
	int output_fd, note_fd;
	struct weft__actor_source sources[WEFT__ACTOR_SOURCE_COUNT];
	struct weft__lines lines;
};

/**
 * A process as the pattern has it, begun; it is in the set. Gives the mutex up meanwhile. 0 or an
 * errno.
 */
int weft__actor_start(struct weft__ward *ward, const struct weft_process *pattern,
	struct weft__actor **ret_actor);

/** Something of its is readable. */
void weft__actor_read_output(struct weft__actor *actor);
void weft__actor_read_note(struct weft__actor *actor);

/** Ask it to end; or make it. */
void weft__actor_stop(struct weft__actor *actor);
void weft__actor_kill(struct weft__actor *actor);

/** Whether it has ended; then the rest of its output is in the log. */
bool weft__actor_has_ended(struct weft__actor *actor, struct weft_process_end *ret_end);
void weft__actor_free(struct weft__actor *actor);

/* ---- Wards: supervisor_ward.c -----------------------------------------------------------------
 */

/** A weft_supervisor_replace() that is waited for; on its caller's stack. */
struct weft__replacement {
	const char *const *argv; /* NULL: as before */
	bool is_done;
	int code;
};

struct weft__ward {
	struct weft_list_node node; /* in order of their adding */
	unsigned holders;           /* the list, and who waits for it */
	bool is_leaving;            /* it is to be removed as soon as it has no processes */
	bool is_gone;               /* it was removed, and is in no list */
	struct weft_supervisor *supervisor;
	char name[WEFT_PROCESS_NAME_MAX + 1];
	struct weft_supervisor_child how; /* but name, argv, process and after: these are here */
	struct weft_process *pattern; /* what is to run, never started; its record keeps it all */
	struct weft_process *next_pattern; /* of next */
	struct weft__restart_policy policy;
	struct weft__restart_past past;
	struct weft__ward **after; /* NULL at the end */

	enum weft_supervisor_state state;
	struct weft__actor *current, *next, *leaving;
	struct weft__replacement *replacement;
	int64_t due_ns; /* BACKING_OFF */
	unsigned starts;
	int start_code; /* why it could not be started last; 0: it could */
	struct weft_process_end end;
	uint64_t lines_dropped;
	char text[sizeof(((struct weft_supervisor_status *)0)->text)];
};

/** In no list yet. With the mutex. NULL with errno. */
struct weft__ward *weft__ward_new(
	struct weft_supervisor *supervisor, const struct weft_supervisor_child *child);

/** A holder less; freed with the last. */
void weft__ward_release(struct weft__ward *ward);

/** It has no processes: take it off the list, and let it go. */
void weft__ward_remove(struct weft__ward *ward);

/** NULL: there is none. */
struct weft__ward *weft__ward_find(struct weft_supervisor *supervisor, const char *name);

/** Do what is due, by the clock and by what the others are. */
void weft__ward_step(struct weft__ward *ward);

/** One of its processes is ready, or has ended. */
void weft__ward_on_ready(struct weft__ward *ward, struct weft__actor *actor);
void weft__ward_on_end(struct weft__ward *ward, struct weft__actor *actor);

/** When it has to be looked at next; INT64_MAX: when something happens. */
int64_t weft__ward_due_ns(const struct weft__ward *ward);

bool weft__ward_has_actors(const struct weft__ward *ward);

/* ---- The supervisor: supervisor.c, supervisor_run.c -------------------------------------------
 */

struct weft_supervisor {
	pthread_mutex_t mutex;
	struct weft__wait_list changed;
	struct weft_list wards;
	struct weft_logger *logger;
	struct weft_process_handed handed[WEFT_PROCESS_HANDED_MAX]; /* its own copies */
	size_t handed_count;
	int epoll_fd, wake_fd;
	atomic_bool is_stopping;
	bool has_run, is_over, stays;
	bool has_failed;         /* a vital one was given up */
	char scratch[16 * 1024]; /* what was read; of who runs it */
	int64_t (*now)(
		void); /* the clock of pauses, graces and giving up: weft_now(), but in tests */
};

/** Have who runs it look at wishes and clock. */
void weft__supervise_wake(struct weft_supervisor *supervisor);

#endif
