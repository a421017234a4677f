/*
 * control_log.h - what a server has logged lately, in memory: for who asks by its control socket.
 */
#ifndef WEFT_SRC_HUB_CONTROL_LOG_H
#define WEFT_SRC_HUB_CONTROL_LOG_H

#include "weft/http.h"
#include "weft/log.h"

struct hub_log; /* control_log.c */
struct weft_str;

/** Bytes of lines that are kept; older ones go. */
#define HUB_LOG_BYTES_MAX ((size_t)256 * 1024)

/** Errors: ENOMEM. No logger may tap into it any more when it is freed. */
struct hub_log *weft__hub_log_new(void);
void weft__hub_log_free(struct hub_log *log);

/** Keep a line; its newline does not count. A weft_log_tap_fn, whose arg is the log. */
void weft__hub_log_tap(enum weft_log_level level, const char *line, size_t len, void *log);

/** Log a line of one's own, that goes nowhere else. */
void weft__hub_log_note(struct hub_log *log, enum weft_log_level level, const char *message);

/** The same with fields, as weft_logger_write() has them. */
void weft__hub_log_event(struct hub_log *log, enum weft_log_level level, const char *message,
	const struct weft_log_field *fields, size_t count);

/** A request was answered: its line is kept while somebody wants such lines. Any thread. */
void weft__hub_log_answer(const struct weft_http_request *request,
	const struct weft_http_response *response, void *log);

/** Somebody wants them (1), or does not any more (-1). */
void weft__hub_log_want_answers(struct hub_log *log, int more);

struct hub_log_query {
	uint64_t after; /* the number of a line */
	enum weft_log_level level;
	bool has_answers;
	unsigned lines_max; /* the newest so many */
};

/**
 * Append the lines behind that one, oldest first, each as an object of JSON and a newline. Returns
 * the number of the newest line there is, of whatever level.
 */
uint64_t weft__hub_log_read(
	struct hub_log *log, const struct hub_log_query *query, struct weft_str *text);

#endif
