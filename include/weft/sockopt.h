/*
 * weft/sockopt.h - socket options by name, with typed values.
 *
 *	weft_sockopt_set_int(fd, "TCP_NODELAY", 1);
 *	for (size_t i = 0; (option = weft_sockopt_at(i)) != NULL; i++)
 *		if (weft_sockopt_get(fd, option->name, &value) == 0)
 *			...
 *
 * Names are those of socket(7), tcp(7), ip(7) and ipv6(7). The value says what it
 * is, so an option of one kind is never written as another. Nothing here waits. Safe
 * from any thread.
 */
#ifndef WEFT_SOCKOPT_H
#define WEFT_SOCKOPT_H

#include "weft/api.h"

WEFT_BEGIN

/** Room of a text value, NUL included (TCP_CONGESTION, SO_BINDTODEVICE). */
#define WEFT_SOCKOPT_TEXT_MAX 32

/** What a value is; which field of struct weft_sockopt_value holds it. */
enum weft_sockopt_kind {
	WEFT_SOCKOPT_BOOL,     /* on */
	WEFT_SOCKOPT_INT,      /* number */
	WEFT_SOCKOPT_LINGER,   /* linger */
	WEFT_SOCKOPT_DURATION, /* duration_ns; zero: no bound. Kept in whole microseconds. */
	WEFT_SOCKOPT_TEXT,     /* text */
};

struct weft_sockopt_linger {
	bool on;
	int seconds;
};

struct weft_sockopt_value {
	enum weft_sockopt_kind kind;
	union {
		bool on;
		int number;
		struct weft_sockopt_linger linger;
		int64_t duration_ns;
		char text[WEFT_SOCKOPT_TEXT_MAX];
	};
};

/** One line of the table. */
struct weft_sockopt {
	const char *name; /* "TCP_NODELAY" */
	int level;        /* IPPROTO_TCP */
	int option;       /* TCP_NODELAY */
	enum weft_sockopt_kind kind;
	bool is_read_only;
};

/**
 * Read an option. The kernel may tell another number than was set (SO_SNDBUF and
 * SO_RCVBUF are doubled, socket(7)). Errors: ENOPROTOOPT (weft knows no such name, or
 * the kernel or this kind of socket has no such option), EOPNOTSUPP, EBADF, ENOTSOCK.
 */
WEFT_API int weft_sockopt_get(int fd, const char *name, struct weft_sockopt_value *ret_value);

/**
 * Set an option. Errors: as weft_sockopt_get(); EINVAL (value->kind is not the
 * option's, a text without end, or what the kernel refuses), EDOM (a duration or
 * linger time out of range), ENOPROTOOPT (a read-only one), EPERM.
 */
WEFT_API int weft_sockopt_set(int fd, const char *name, const struct weft_sockopt_value *value);

/** The same for options of kind BOOL and INT; a BOOL reads as 0 or 1. Errors: EINVAL (other kinds).
 */
WEFT_API int weft_sockopt_get_int(int fd, const char *name, int *ret_number);
WEFT_API int weft_sockopt_set_int(int fd, const char *name, int number);

/** The option's line, or NULL with ENOPROTOOPT. Lives as long as the process. */
WEFT_API const struct weft_sockopt *weft_sockopt_find(const char *name);

/** The table's line number index, by level and then name; NULL past its end. */
WEFT_API const struct weft_sockopt *weft_sockopt_at(size_t index);

/**
 * Print a value fit for a person: "on", "4096", "on 5 s", "1.500000 s", "cubic". Returns the
 * length; cut to size_bytes (at least 1), always NUL-terminated.
 */
WEFT_API size_t weft_sockopt_print(
	const struct weft_sockopt_value *value, char *ret_text, size_t size_bytes);

WEFT_END

#endif
