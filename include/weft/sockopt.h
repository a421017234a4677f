/*
 * weft/sockopt.h - what a socket is, and its options by name, with typed values.
 *
 *	weft_sockopt_set_int(fd, "TCP_NODELAY", 1);
 *	for (size_t i = 0; (option = weft_sockopt_at(i)) != NULL; i++)
 *		if (weft_sockopt_get(fd, option->name, &value) == 0)
 *			...
 *
 * Names are those of socket(7), tcp(7), udp(7), ip(7), ipv6(7) and of the kernel's headers. The
 * value says what it is, so an option of one kind is never written as another.
 * docs/man/weft-sockopt.1 lists the few options that are no values, and what has them
 * instead. Nothing here waits. Safe from any thread.
 */
#ifndef WEFT_SOCKOPT_H
#define WEFT_SOCKOPT_H

#include "weft/address.h"

WEFT_BEGIN

/* ---- What it is ----------------------------------------------------------------------- */

struct weft_socket_facts {
	int family;           /* AF_INET */
	int type;             /* SOCK_STREAM */
	int protocol;         /* IPPROTO_TCP; 0: the family has one only */
	bool is_listening;    /* accepts connections */
	bool is_connected;    /* has a peer */
	bool has_error;       /* one is pending: weft_socket_take_error() */
	int64_t unread_bytes; /* received and not read (UDP: of the next datagram); -1: unknown */
	int64_t unsent_bytes; /* written and not sent, or (TCP) not acknowledged; -1: unknown */
	struct weft_address name; /* its own; len 0: of a family that weft has no addresses of */
	struct weft_address peer; /* len 0: none */
};

/** Tell what fd is, changing nothing. Errors: EBADF, ENOTSOCK. */
WEFT_API int weft_socket_facts(int fd, struct weft_socket_facts *ret_facts);

/**
 * Take the pending error off the socket: 0 in *ret_error for none, else what a connection
 * or an earlier datagram failed with. Errors: EBADF, ENOTSOCK.
 */
WEFT_API int weft_socket_take_error(int fd, int *ret_error);

/** "AF_INET", "SOCK_STREAM", "IPPROTO_TCP"; NULL for a number that weft has no name of. */
WEFT_API const char *weft_socket_family_name(int family);
WEFT_API const char *weft_socket_type_name(int type);
WEFT_API const char *weft_socket_protocol_name(int protocol);

/* ---- Values of options ------------------------------------------------------------------ */

/** Room of a text value, NUL included (TCP_CONGESTION, SO_BINDTODEVICE, SO_PEERSEC). */
#define WEFT_SOCKOPT_TEXT_MAX 128

/** Most bytes of a value (TCP_SAVED_SYN, IP_OPTIONS). */
#define WEFT_SOCKOPT_BYTES_MAX 256

/** Most numbers of a group (TCP_INFO, SO_PEERGROUPS). */
#define WEFT_SOCKOPT_NUMBERS_MAX 72

/** Room for any value as text, NUL included. */
#define WEFT_SOCKOPT_PRINT_MAX 4096

/** What a value is; which field of struct weft_sockopt_value holds it. */
enum weft_sockopt_kind {
	WEFT_SOCKOPT_BOOL,     /* on */
	WEFT_SOCKOPT_INT,      /* number */
	WEFT_SOCKOPT_LINGER,   /* linger */
	WEFT_SOCKOPT_DURATION, /* duration_ns; zero: no bound. Kept in whole microseconds. */
	WEFT_SOCKOPT_TEXT,     /* text */
	WEFT_SOCKOPT_UNSIGNED, /* unsigned_number, of 32 or 64 bits */
	WEFT_SOCKOPT_HOST,     /* host: an IPv4 address */
	WEFT_SOCKOPT_BYTES,    /* bytes */
	WEFT_SOCKOPT_GROUP,    /* group: numbers, named by weft_sockopt_field_name() */
};

struct weft_sockopt_linger {
	bool on;
	int seconds;
};

struct weft_sockopt_bytes {
	size_t len;
	unsigned char data[WEFT_SOCKOPT_BYTES_MAX];
};

/** The kernel may tell of less numbers than there are names: an older one knows less. */
struct weft_sockopt_group {
	size_t count;
	uint64_t numbers[WEFT_SOCKOPT_NUMBERS_MAX];
};

struct weft_sockopt_value {
	enum weft_sockopt_kind kind;
	union {
		bool on;
		int number;
		struct weft_sockopt_linger linger;
		int64_t duration_ns;
		char text[WEFT_SOCKOPT_TEXT_MAX];
		uint64_t unsigned_number;
		struct in_addr host;
		struct weft_sockopt_bytes bytes;
		struct weft_sockopt_group group;
	};
};

/** One number of a group: where it is in the kernel's struct. The fields are weft's own. */
struct weft_sockopt_field {
	const char *name;
	unsigned short offset;
	unsigned char size_bytes, shift, bits; /* bits 0: all of them */
};

/** One line of the table. */
struct weft_sockopt {
	const char *name; /* "TCP_NODELAY" */
	int level;        /* IPPROTO_TCP */
	int option;       /* TCP_NODELAY */
	enum weft_sockopt_kind kind;
	const char *summary; /* what it is in a few words, with its unit */
	bool is_read_only, is_write_only;

	/* weft's own. */
	bool is_network_order;
	unsigned short size_bytes;               /* UNSIGNED; GROUP: to set it */
	const struct weft_sockopt_field *fields; /* the last is nameless; NULL: a bare list */
};

/* ---- Getting and setting ------------------------------------------------------------------ */

/**
 * Read an option. The kernel may tell another number than was set (SO_SNDBUF and
 * SO_RCVBUF are doubled, socket(7)). Errors: ENOPROTOOPT (weft knows no such name, or
 * the kernel or this kind of socket has no such option, or it is write-only), EOPNOTSUPP,
 * EBADF, ENOTSOCK, ENOTCONN (of a connection only), ERANGE (more than there is room for).
 */
WEFT_API int weft_sockopt_get(int fd, const char *name, struct weft_sockopt_value *ret_value);

/**
 * Set an option. Errors: as weft_sockopt_get(); EINVAL (value->kind is not the
 * option's, a text without end, or what the kernel refuses), EDOM (a duration, linger time
 * or number out of range), ENOPROTOOPT (a read-only one), EPERM. A group is set whole.
 */
WEFT_API int weft_sockopt_set(int fd, const char *name, const struct weft_sockopt_value *value);

/** The same for options of kind BOOL and INT; a BOOL reads as 0 or 1. Errors: EINVAL (other kinds).
 */
WEFT_API int weft_sockopt_get_int(int fd, const char *name, int *ret_number);
WEFT_API int weft_sockopt_set_int(int fd, const char *name, int number);

/* ---- The table ------------------------------------------------------------------------------ */

/** The option's line, or NULL with ENOPROTOOPT. Lives as long as the process. */
WEFT_API const struct weft_sockopt *weft_sockopt_find(const char *name);

/** The table's line number index, by level and then name; NULL past its end. */
WEFT_API const struct weft_sockopt *weft_sockopt_at(size_t index);

/** Name of a group's number ("tcpi_rtt"); NULL past the last, or where they have none. */
WEFT_API const char *weft_sockopt_field_name(const struct weft_sockopt *option, size_t index);

/** "SOL_SOCKET", "IPPROTO_TCP", ...; NULL for a level that the table has no line of. */
WEFT_API const char *weft_sockopt_level_name(int level);

/* ---- As text ------------------------------------------------------------------------------ */

/**
 * Print a value fit for a person: "on", "4096", "on 5 s", "1.500000 s", "cubic", "10.0.0.1",
 * "0f3a" (bytes), "7 12" (a group; weft_sockopt_print_named() has its names). Nothing, as a text
 * or list may be, is "". Returns the length; cut to size_bytes (at least 1), always
 * NUL-terminated.
 */
WEFT_API size_t weft_sockopt_print(
	const struct weft_sockopt_value *value, char *ret_text, size_t size_bytes);

/** The same, with the names of a group's numbers: "pid=7 uid=0 gid=0". */
WEFT_API size_t weft_sockopt_print_named(const struct weft_sockopt *option,
	const struct weft_sockopt_value *value, char *ret_text, size_t size_bytes);

/**
 * Read what a person types for the option: all that is printed, and for BOOL "yes", "no", "true",
 * "false", "1", "0"; for INT and UNSIGNED "0x1f"; for LINGER "off", "5", "5 s"; for DURATION "1.5";
 * for a group with names all of them, "low=4000 high=5000" or with commas between. *ret_value is
 * untouched on failure. Errors: EINVAL, EDOM (out of range), ENAMETOOLONG.
 */
WEFT_API int weft_sockopt_parse(
	const struct weft_sockopt *option, const char *text, struct weft_sockopt_value *ret_value);

WEFT_END

#endif
