/*
 * weft/log.h - a leveled log of key=value lines, that never makes its caller wait for long.
 *
 *	weft_log(WEFT_LOG_INFO, "listening", WEFT_KV("workers", 4));
 *	weft_log(WEFT_LOG_ERROR, "can't open", WEFT_KV("path", "a b"));
 *	weft_log(WEFT_LOG_ERROR, "can't bind", WEFT_KV("address", text), WEFT_KV_ERRNO(errno));
 *	weft_logf(WEFT_LOG_DEBUG, "%d of %d", done, all);
 *
 *	time=2026-03-01T12:00:00.125Z up=81.004219 level=info message=listening workers=4
 *	time=2026-03-01T12:00:00.131Z up=81.010077 level=error message="can't open" path="a b"
 *
 * A line is key=value pairs (the logfmt of many tools): the wall time in ISO 8601, the
 * monotonic clock in seconds, level, message, then the fields in their order. Values
 * are quoted unless they are plain ASCII; quotes, backslashes, control characters,
 * invalid UTF-8 and characters that turn the reading direction are escaped, so text
 * from outside can't forge a line or steer a terminal. The compiler checks each
 * field's type, and a field is not even computed when its level is off.
 *
 * Lines go out whole, by one write(2) of at most WEFT_LOG_LINE_MAX bytes, so those of
 * several threads and processes never mix. If the destination takes none right now (a
 * pipe that nobody reads), the line is dropped and counted, and a line that says how
 * many were dropped comes before the next one that passes. Destinations are never set
 * non-blocking: others may share them. errno is kept.
 *
 * Threads: all calls are safe from any thread, but for weft_logger_free(), and with UTC
 * from a child forked while other threads log; local time goes through localtime_r(3),
 * which is not. None may be made from a signal handler. The default logger writes to
 * stderr.
 */
#ifndef WEFT_LOG_H
#define WEFT_LOG_H

#include <time.h>

#include "weft/api.h"

WEFT_BEGIN

/* ---- Levels ------------------------------------------------------------------ */

enum weft_log_level {
	WEFT_LOG_ERROR, /* something failed for somebody; say what to do */
	WEFT_LOG_WARN,  /* goes on, but somebody should look */
	WEFT_LOG_INFO,  /* what an operator wants to read; the level at start */
	WEFT_LOG_DEBUG, /* for whoever changes the code */
};

/** Lines above this level are not written, by any logger of the process. */
WEFT_API void weft_log_set_level(enum weft_log_level level);
WEFT_API enum weft_log_level weft_log_level(void);
WEFT_API bool weft_log_enabled(enum weft_log_level level);

/** "error", "warn", "info" or "debug" to a level. Errors: EINVAL. */
WEFT_API int weft_log_level_parse(const char *name, enum weft_log_level *ret_level);
WEFT_API const char *weft_log_level_name(enum weft_log_level level);

/* ---- Fields -------------------------------------------------------------------- */

/** Longest line, newline included: what every pipe takes in one piece (PIPE_BUF). */
#define WEFT_LOG_LINE_MAX 4096

enum weft_log_kind {
	WEFT_LOG_KIND_SIGNED,
	WEFT_LOG_KIND_UNSIGNED,
	WEFT_LOG_KIND_REAL,
	WEFT_LOG_KIND_BOOL,
	WEFT_LOG_KIND_TEXT,
	WEFT_LOG_KIND_POINTER,
	WEFT_LOG_KIND_ERRNO,
};

/** One key=value pair; made by WEFT_KV() and the functions below. All text is borrowed. */
struct weft_log_field {
	const char *key; /* letters, digits, '_', '-', '.'; others are written as '_' */
	enum weft_log_kind kind;
	union {
		int64_t i;
		uint64_t u;
		double d;
		const void *pointer;
		struct {
			const char *data; /* NULL is written as null */
			size_t len;
		} text;
	} value;
};

static inline struct weft_log_field weft_log_signed(const char *key, long long number)
{
	struct weft_log_field field = {key, WEFT_LOG_KIND_SIGNED, {0}};

	field.value.i = number;
	return field;
}

static inline struct weft_log_field weft_log_unsigned(const char *key, unsigned long long number)
{
	struct weft_log_field field = {key, WEFT_LOG_KIND_UNSIGNED, {0}};

	field.value.u = number;
	return field;
}

static inline struct weft_log_field weft_log_real(const char *key, double number)
{
	struct weft_log_field field = {key, WEFT_LOG_KIND_REAL, {0}};

	field.value.d = number;
	return field;
}

static inline struct weft_log_field weft_log_bool(const char *key, bool truth)
{
	struct weft_log_field field = {key, WEFT_LOG_KIND_BOOL, {0}};

	field.value.u = truth;
	return field;
}

static inline struct weft_log_field weft_log_pointer(const char *key, const void *pointer)
{
	struct weft_log_field field = {key, WEFT_LOG_KIND_POINTER, {0}};

	field.value.pointer = pointer;
	return field;
}

/** len bytes of text, which need no NUL. */
static inline struct weft_log_field weft_log_bytes(const char *key, const char *data, size_t len)
{
	struct weft_log_field field = {key, WEFT_LOG_KIND_TEXT, {0}};

	field.value.text.data = data;
	field.value.text.len = len;
	return field;
}

static inline struct weft_log_field weft_log_text(const char *key, const char *text)
{
	return weft_log_bytes(key, text, text ? __builtin_strlen(text) : 0);
}

/** An errno in words. */
static inline struct weft_log_field weft_log_errno(const char *key, int code)
{
	struct weft_log_field field = {key, WEFT_LOG_KIND_ERRNO, {0}};

	field.value.i = code;
	return field;
}

/**
 * A field of the value's own type: an integer, real number, bool, text or void pointer.
 * To C17 `true` and `a == b` are int, and are written as 1: cast them to bool. In C only:
 * C++ has no _Generic, and calls the functions above.
 */
#define WEFT_KV(key, value) \
	_Generic((value), bool                                                                     \
		 : weft_log_bool, char                                                             \
		 : weft_log_signed, signed char                                                    \
		 : weft_log_signed, short                                                          \
		 : weft_log_signed, int                                                            \
		 : weft_log_signed, long                                                           \
		 : weft_log_signed, long long                                                      \
		 : weft_log_signed, unsigned char                                                  \
		 : weft_log_unsigned, unsigned short                                               \
		 : weft_log_unsigned, unsigned                                                     \
		 : weft_log_unsigned, unsigned long                                                \
		 : weft_log_unsigned, unsigned long long                                           \
		 : weft_log_unsigned, float                                                        \
		 : weft_log_real, double                                                           \
		 : weft_log_real, char *                                                           \
		 : weft_log_text, const char *                                                     \
		 : weft_log_text, void *                                                           \
		 : weft_log_pointer, const void *                                                  \
		 : weft_log_pointer)(key, value)

/** error="No such file or directory" and the like. */
#define WEFT_KV_ERRNO(code) weft_log_errno("error", code)

/* ---- Loggers ----------------------------------------------------------------------- */

struct weft_logger; /* opaque: src/base/log.c */

/** Tells both times, instead of the system's clocks (for tests, or a simulated clock). */
typedef void weft_log_clock_fn(struct timespec *ret_wall, struct timespec *ret_monotonic);

struct weft_logger_options {
	const char *path;         /* file to append to, made with mode 0640; NULL: use fd */
	int fd;                   /* borrowed while the logger lives; 0: stderr */
	bool local_time;          /* local time with its offset; else UTC */
	weft_log_clock_fn *clock; /* NULL: the system's clocks */
};

/** The logger of weft_log(), which writes to stderr until it is opened elsewhere. Not to be freed.
 */
WEFT_API struct weft_logger *weft_logger_default(void);

/** Make a logger. options may be NULL. End it with weft_logger_free(). Errors: ENOMEM, of open(2).
 */
WEFT_API struct weft_logger *weft_logger_new(const struct weft_logger_options *options);

/** Nobody may use the logger any more. NULL is fine. */
WEFT_API void weft_logger_free(struct weft_logger *logger);

/**
 * Append to the file at path from now on. On failure the logger stays as it is.
 * Errors: of open(2), ENAMETOOLONG.
 */
WEFT_API int weft_logger_open(struct weft_logger *logger, const char *path);

/**
 * Open the same path anew, after it was renamed (log rotation). A logger without a
 * path has nothing to do. On failure it goes on with the old file. Errors: of open(2).
 */
WEFT_API int weft_logger_reopen(struct weft_logger *logger);

/** Local time with its offset, or UTC. */
WEFT_API void weft_logger_set_local_time(struct weft_logger *logger, bool is_local);

/** Lines dropped and not yet told of in a line. */
WEFT_API uint64_t weft_logger_dropped(const struct weft_logger *logger);

/**
 * Called with each line that is made, its newline included, also where the destination takes none;
 * under the logger's lock: it must not wait for long, nor log to it. Any thread.
 */
typedef void weft_log_tap_fn(enum weft_log_level level, const char *line, size_t len, void *arg);

/** Have tap called as well, until it is taken back with NULL; then no call of it is under way. */
WEFT_API void weft_logger_set_tap(struct weft_logger *logger, weft_log_tap_fn *tap, void *arg);

/* ---- Writing ------------------------------------------------------------------------- */

/** Write a line, whatever the level in force is. What doesn't fit a line is cut: truncated=true. */
WEFT_API void weft_logger_write(struct weft_logger *logger, enum weft_log_level level,
	const char *message, const struct weft_log_field *fields, size_t count);

/** Write a line of a printf(3) message to the default logger, if the level is on. */
__attribute__((format(printf, 2, 3))) WEFT_API void weft_logf(
	enum weft_log_level level, const char *format, ...);

/* The message, which may be all there is, and a last field that is none: no list is empty. */
#define WEFT_LOG_TO_(logger, level, message, ...)                                          \
	do {                                                                               \
		if (weft_log_enabled(level)) {                                             \
			const struct weft_log_field weft_fields_[] = {__VA_ARGS__};        \
			weft_logger_write((logger), (level), (message), weft_fields_,      \
				sizeof(weft_fields_) / sizeof(struct weft_log_field) - 1); \
		}                                                                          \
	} while (0)

/** weft_log_to(logger, level, message, fields...): write a line to this logger, if the level is on.
 * The fields are WEFT_KV()s, or of the functions above; there may be none. */
#define weft_log_to(logger, level, ...) \
	WEFT_LOG_TO_(logger, level, __VA_ARGS__, weft_log_bool("", false))

/** weft_log(level, message, fields...): the same to the default logger. */
#define weft_log(level, ...) weft_log_to(weft_logger_default(), level, __VA_ARGS__)

WEFT_END

#endif
