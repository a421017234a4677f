/*
 * control_log.c - the newest lines of a server's log, as many as fit into a bound (control_log.h).
 *
 *	oldest --> entry --> entry --> ... --> newest, by their numbers without a hole
 *
 * Never: waits, but for the lock, which nobody holds for longer than it takes to print them all.
 */
#include "control_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "weft/fiber.h"
#include "weft/list.h"
#include "weft/str.h"

/** Longest line that is kept; the rest of it is not. */
#define LINE_MAX_LEN 8192

struct entry {
	struct weft_list_node in_log;
	uint64_t number;
	int64_t at_ns; /* since 1970 */
	enum weft_log_level level;
	bool is_answer;
	size_t len;
	char text[];
};

struct hub_log {
	pthread_mutex_t lock;
	struct weft_list entries;
	size_t bytes;
	uint64_t newest;
	atomic_int wanted; /* by how many: lines of answers */
	struct weft_logger *own;
	pid_t process;
};

struct hub_log *weft__hub_log_new(void)
{
	struct hub_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	pthread_mutex_init(&log->lock, NULL);
	weft_list_init(&log->entries);
	log->process = getpid();
	log->own = weft_logger_new(&(struct weft_logger_options){.path = "/dev/null"});
	if (!log->own) {
		weft__hub_log_free(log);
		return NULL;
	}
	weft_logger_set_tap(log->own, weft__hub_log_tap, log);
	return log;
}

static void remove_oldest(struct hub_log *log)
{
	struct entry *entry =
		weft_container_of(weft_list_first(&log->entries), struct entry, in_log);

	weft_list_remove(&entry->in_log);
	log->bytes -= sizeof(*entry) + entry->len;
	free(entry);
}

void weft__hub_log_free(struct hub_log *log)
{
	int saved = errno;

	if (!log)
		return;
	weft_logger_free(log->own);
	while (weft_list_first(&log->entries))
		remove_oldest(log);
	pthread_mutex_destroy(&log->lock);
	free(log);
	errno = saved;
}

/* ---- Keeping --------------------------------------------------------------------------------- */

static void keep(struct hub_log *log, const struct entry *like, const char *text)
{
	struct entry *entry;

	if (getpid() != log->process)
		return; /* a child, of a fork(2) that may have left the lock held */
	entry = malloc(sizeof(*entry) + like->len + 1);
	pthread_mutex_lock(&log->lock);
	log->newest++; /* who misses one sees it by the numbers */
	if (entry) {
		*entry = *like;
		memcpy(entry->text, text, like->len);
		entry->text[like->len] = '\0';
		entry->number = log->newest;
		log->bytes += sizeof(*entry) + entry->len;
		weft_list_push_back(&log->entries, &entry->in_log);
		while (log->bytes > HUB_LOG_BYTES_MAX)
			remove_oldest(log);
	}
	pthread_mutex_unlock(&log->lock);
}

void weft__hub_log_tap(enum weft_log_level level, const char *line, size_t len, void *log)
{
	struct entry like = {.at_ns = weft_wall_now(), .level = level};

	if (len > 0 && line[len - 1] == '\n')
		len--;
	like.len = len < LINE_MAX_LEN ? len : LINE_MAX_LEN;
	keep(log, &like, line);
}

void weft__hub_log_note(struct hub_log *log, enum weft_log_level level, const char *message)
{
	weft_logger_write(log->own, level, message, NULL, 0);
}

void weft__hub_log_event(struct hub_log *log, enum weft_log_level level, const char *message,
	const struct weft_log_field *fields, size_t count)
{
	weft_logger_write(log->own, level, message, fields, count);
}

void weft__hub_log_want_answers(struct hub_log *log, int more)
{
	atomic_fetch_add(&log->wanted, more);
}

void weft__hub_log_answer(const struct weft_http_request *request,
	const struct weft_http_response *response, void *arg)
{
	struct hub_log *log = arg;
	struct entry like = {.level = WEFT_LOG_INFO, .is_answer = true};
	char *line;

	if (atomic_load_explicit(&log->wanted, memory_order_relaxed) == 0)
		return;
	line = malloc(WEFT_HTTP_LOG_LINE_SIZE);
	if (!line)
		return;
	like.at_ns = weft_wall_now();
	like.len = weft_http_log_print(WEFT_HTTP_LOG_COMBINED, request, response, line);
	if (like.len > 0 && line[like.len - 1] == '\n')
		like.len--;
	keep(log, &like, line);
	free(line);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool fits(const struct entry *entry, const struct hub_log_query *query)
{
	return entry->number > query->after &&
	       (entry->is_answer ? query->has_answers : entry->level <= query->level);
}

static void append_entry(struct weft_str *text, const struct entry *entry)
{
	json_t *json = json_pack("{s:I, s:f, s:s, s:s, s:o}", "number", (json_int_t)entry->number,
		"at", (double)entry->at_ns / 1e9, "level", weft_log_level_name(entry->level),
		"kind", entry->is_answer ? "request" : "log", "line",
		weft__hub_json_text(entry->text));
	char *printed = json ? weft__hub_json_print(json) : NULL;
	if (printed) {
		weft_str_append(text, printed);
		weft_str_append_char(text, '\n');
	}
	free(printed);
	json_decref(json);
}

uint64_t weft__hub_log_read(
	struct hub_log *log, const struct hub_log_query *query, struct weft_str *text)
{
	uint64_t newest, fitting = 0;

	pthread_mutex_lock(&log->lock);
	weft_list_each (node, &log->entries)
		fitting += fits(weft_container_of(node, struct entry, in_log), query);
	weft_list_each (node, &log->entries) {
		const struct entry *entry = weft_container_of(node, struct entry, in_log);

		if (fits(entry, query) && fitting-- <= query->lines_max)
			append_entry(text, entry);
	}
	newest = log->newest;
	pthread_mutex_unlock(&log->lock);
	return newest;
}
