/*
 * serve_events.c - who signs in, who fails to, and what is done to accounts, as lines of the
 * server's log: `weft log`.
 *
 *	the audit log  --each second, what is new; also of other processes-->  bound  -->  the log
 *	passwords that were not tried (too many failures before)           -->  bound  -->
 *
 * The audit log keeps all of them for good; here is what has happened lately. What strangers cause
 * has a narrow bound of its own, so that who guesses passwords can't push out the other lines.
 *
 * Entry points: weft__serve_events_new(), weft__serve_events_start(), weft__serve_note_throttled().
 *
 * Never: writes a password, or a name that no account has, which may be one.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../hub/control_log.h"
#include "serve_accounts.h"
#include "weft/fiber.h"

#define LOOK_EVERY_NS WEFT_SECONDS(1)

/** Events of one look; of more than that, the number is told. */
#define LOOK_MAX 100

/** Lines at once, and then one in so long: of strangers, and of who has an account. */
#define STRANGERS_BURST    20
#define STRANGERS_EVERY_NS WEFT_SECONDS(60)
#define KNOWN_BURST        200
#define KNOWN_EVERY_NS     WEFT_SECONDS(1)

/** Fields of a line at most. */
#define FIELDS_MAX 8

struct bound {
	int64_t free_ns; /* when the whole burst is to be had again */
	int64_t every_ns;
	unsigned burst;
	uint64_t left_out; /* events since the last line */
	const char *about; /* them */
};

/* The last one, and how many since they were told of. */
struct refused {
	uint64_t count;
	char name[WEFT_ACCOUNT_NAME_MAX + 1];
	char address[WEFT_ACCOUNT_ADDRESS_MAX + 1];
	char door[WEFT_ACCOUNT_ADDRESS_MAX + 1];
};

struct serve_events {
	struct hub_log *log;
	struct weft_accounts *accounts;
	weft_fiber_id watcher; /* 0: none */
	int64_t last;          /* id of the newest event that was seen */
	struct bound strangers, known;
	pthread_mutex_t mutex; /* of what is below; held for some instructions */
	struct refused refused;
};

/* ---- Lines -------------------------------------------------------------------------------- */

struct line {
	const char *message;
	enum weft_log_level level;
	struct weft_log_field fields[FIELDS_MAX];
	size_t count;
};

/* What is not known is left out. */
static void add(struct line *line, const char *key, const char *text)
{
	if (text[0])
		line->fields[line->count++] = weft_log_text(key, text);
}

static bool takes_one(struct bound *bound, int64_t now_ns)
{
	int64_t from = bound->free_ns > now_ns ? bound->free_ns : now_ns;

	if (from - now_ns > bound->every_ns * (bound->burst - 1))
		return false;
	bound->free_ns = from + bound->every_ns;
	return true;
}

/* Before a line that has room again, how many had none. */
static void say(struct serve_events *events, struct bound *bound, const struct line *line)
{
	struct weft_log_field left_out;

	if (!takes_one(bound, weft_now())) {
		bound->left_out++;
		return;
	}
	if (bound->left_out > 0) {
		left_out = weft_log_unsigned("left_out", bound->left_out);
		weft__hub_log_event(events->log, WEFT_LOG_WARN, bound->about, &left_out, 1);
		bound->left_out = 0;
	}
	weft__hub_log_event(events->log, line->level, line->message, line->fields, line->count);
}

/* ---- The audit log ------------------------------------------------------------------------ */

static void say_login(struct serve_events *events, const struct weft_account_event *event)
{
	bool is_in = strcmp(event->result, "ok") == 0;
	struct line line = {.message = is_in ? "signed in" : "sign-in failed",
		.level = is_in ? WEFT_LOG_INFO : WEFT_LOG_WARN};

	add(&line, "name", event->target);
	add(&line, "door", event->door);
	add(&line, "from", event->address);
	if (!is_in)
		add(&line, "why", event->result);
	say(events, is_in ? &events->known : &events->strangers, &line);
}

static void say_event(struct serve_events *events, const struct weft_account_event *event)
{
	struct line line = {.message = event->action, .level = WEFT_LOG_INFO};

	if (strcmp(event->action, "login") == 0) {
		say_login(events, event);
		return;
	}
	add(&line, "on", event->target);
	add(&line, "by", event->who);
	add(&line, "door", event->door);
	add(&line, "from", event->address);
	add(&line, "result", event->result);
	add(&line, "detail", event->detail);
	/* Whoever has no account can do none of them: she fails to. */
	say(events, event->who[0] ? &events->known : &events->strangers, &line);
}

static int read_newest(
	const struct serve_events *events, unsigned limit, struct weft_account_events *ret_events)
{
	struct weft_account_call call = {.is_local = true, .door = "serve"};

	return weft_account_audit(events->accounts, &call,
		&(struct weft_account_audit_query){.limit = limit}, ret_events);
}

/* Oldest first. A database that is busy is looked at again. */
static void take_events(struct serve_events *events)
{
	struct weft_account_events found;
	size_t fresh = 0;

	if (read_newest(events, LOOK_MAX, &found) < 0)
		return;
	while (fresh < found.count && found.events[fresh].id > events->last)
		fresh++;
	if (fresh > 0 && fresh == found.count && found.has_more)
		events->known.left_out += (uint64_t)(found.events[fresh - 1].id - events->last - 1);
	for (size_t i = fresh; i > 0; i--)
		say_event(events, &found.events[i - 1]);
	if (fresh > 0)
		events->last = found.events[0].id;
	weft_account_events_fini(&found);
}

/* ---- Passwords that were not tried -------------------------------------------------------- */

void weft__serve_note_throttled(const struct weft_account_call *call, const char *name, void *arg)
{
	struct serve_events *events = arg;
	struct refused *refused = &events->refused;

	pthread_mutex_lock(&events->mutex);
	refused->count++;
	snprintf(refused->name, sizeof(refused->name), "%s", name);
	snprintf(refused->address, sizeof(refused->address), "%s",
		call->address ? call->address : "");
	snprintf(refused->door, sizeof(refused->door), "%s", call->door ? call->door : "");
	pthread_mutex_unlock(&events->mutex);
}

static void take_refused(struct serve_events *events)
{
	struct line line = {
		.message = "sign-in refused, too many failures", .level = WEFT_LOG_WARN};
	struct refused refused;

	pthread_mutex_lock(&events->mutex);
	refused = events->refused;
	events->refused.count = 0;
	pthread_mutex_unlock(&events->mutex);
	if (refused.count == 0)
		return;
	add(&line, "name", refused.name);
	add(&line, "door", refused.door);
	add(&line, "from", refused.address);
	line.fields[line.count++] = weft_log_unsigned("tries", refused.count);
	say(events, &events->strangers, &line);
}

/* ---- Life --------------------------------------------------------------------------------- */

static int watch(void *arg)
{
	struct serve_events *events = arg;

	while (weft_sleep(LOOK_EVERY_NS) == 0) {
		take_events(events);
		take_refused(events);
	}
	return 0;
}

struct serve_events *weft__serve_events_new(struct hub_log *log)
{
	struct serve_events *events = calloc(1, sizeof(*events));

	if (!events)
		return NULL;
	events->log = log;
	events->strangers = (struct bound){.every_ns = STRANGERS_EVERY_NS,
		.burst = STRANGERS_BURST,
		.about = "more sign-ins failed than there is room for; weft account audit"};
	events->known = (struct bound){.every_ns = KNOWN_EVERY_NS,
		.burst = KNOWN_BURST,
		.about = "more was done to accounts than there is room for; weft account audit"};
	pthread_mutex_init(&events->mutex, NULL);
	return events;
}

void weft__serve_events_free(struct serve_events *events)
{
	if (!events)
		return;
	pthread_mutex_destroy(&events->mutex);
	free(events);
}

int weft__serve_events_start(struct serve_events *events, struct weft_accounts *accounts)
{
	const struct weft_spawn_options options = {.name = "events"};
	struct weft_account_events found;

	events->accounts = accounts;
	if (read_newest(events, 1, &found) < 0)
		return -1;
	events->last = found.count > 0 ? found.events[0].id : 0;
	weft_account_events_fini(&found);
	events->watcher = weft_spawn_with(&options, watch, events);
	return events->watcher ? 0 : -1;
}

void weft__serve_events_stop(struct serve_events *events)
{
	if (!events || !events->watcher)
		return;
	weft_cancel(events->watcher);
	weft_join(events->watcher, NULL, WEFT_FOREVER);
	events->watcher = 0;
}
