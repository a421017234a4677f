/*
 * server.h - the FTP server, in parts.
 *
 *	server.c           listeners and sessions, starting and stopping them together
 *	server_session.c   the life of one control connection
 *	server_command.c   command lines, out of a telnet stream
 *	server_verbs.c     the table of commands
 *	server_reply.c     replies, and what an errno is called in them
 *	server_login.c     USER, PASS, ACCT, REIN
 *	server_tls.c       AUTH, PBSZ, PROT, CCC
 *	server_port.c      PORT, EPRT, PASV, EPSV: where data connections are to go
 *	server_data.c      making them
 *	server_watch.c     the control connection while data flows: ABOR, STAT, its end
 *	server_transfer.c  what transfers share: the frame around them, speed, the log's line
 *	server_retr.c      RETR
 *	server_stor.c      STOR, APPE, STOU, REST; uploads that are gone on with
 *	server_list.c      LIST, NLST, MLSD, MLST, STAT of a path
 *	server_facts.c     lines about files; times
 *	server_change.c    DELE, RMD, MKD, RNFR, RNTO, MFMT, SITE
 *	server_tell.c      PWD, CWD, TYPE, SIZE, MDTM, HASH, FEAT, OPTS, HELP: those that only say
 *	server_path.c      names as they are sent, paths as weft/files.h has them
 *	server_glob.c      * and ?
 *	server_ascii.c     line ends of TYPE A
 *	server_crowd.c     how many sessions a client or a user has, and how fast they are
 *	server_counts.c    what has become of all, for programs and for Prometheus
 *	server_log.c       the transfer log
 *
 * Sessions are one fiber each (or thread, or process); while data flows, two: one reads commands.
 */
#ifndef WEFT_SRC_FTP_SERVER_H
#define WEFT_SRC_FTP_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "ftp/server_command.h"
#include "ftp/server_crowd.h"
#include "weft/ftp.h"
#include "weft/fiber.h"
#include "weft/list.h"
#include "weft/rate.h"
#include "weft/thread.h"
#include "weft/tls.h"

struct weft__ftpd_watch; /* ftp/server_transfer.h */

struct weft__ftpd_counts {
	_Atomic uint64_t connections, refused, logins, logins_failed, sessions, commands;
	_Atomic uint64_t downloads, uploads, transfers_failed, bytes_sent, bytes_received;
};

struct weft_ftp_server {
	struct weft_ftp_server_options options; /* with the defaults filled in */
	struct in_addr public_address;          /* 0: none */
	struct weft__ftpd_counts *counts;       /* shared with processes that were forked */
	struct weft_rate *failures;             /* log-ins that failed, by client */
	struct weft__ftpd_crowd *clients;       /* NULL: not counted */
	struct weft__ftpd_crowd *users;         /* by what the login callback calls them */
	atomic_uint drains;                     /* uploads that failed, and are read on */
	atomic_uint open;                       /* connections, where fibers serve them */
	int64_t login_delay_ns; /* WEFT__FTPD_LOGIN_DELAY_NS; tests are in more of a hurry */
	atomic_bool is_stopping;
	pthread_mutex_t lock; /* of runs and sessions; never held while waiting */
	struct weft_list runs;
	struct weft_list sessions;
	_Atomic(struct weft__ftpd_session *) latest; /* in a process of one: that one */
};

/** Limits of the options, which weft_ftp_server_set_limits() changes meanwhile. */
static inline int64_t weft__ftpd_rate(const int64_t *rate)
{
	return __atomic_load_n(rate, __ATOMIC_RELAXED);
}

static inline unsigned weft__ftpd_count_max(const unsigned *max)
{
	return __atomic_load_n(max, __ATOMIC_RELAXED);
}

/** Who changes it first has the say: a stop from outside, or the command that was waited for. */
enum weft__ftpd_state {
	WEFT__FTPD_BUSY,
	WEFT__FTPD_IDLE, /* waits for a command */
	WEFT__FTPD_STOPPED,
};

enum weft__ftpd_data_kind {
	WEFT__FTPD_NO_DATA, /* nobody has said where to */
	WEFT__FTPD_ACTIVE,
	WEFT__FTPD_PASSIVE,
};

/** Where the next data connection is to go. */
struct weft__ftpd_data {
	enum weft__ftpd_data_kind kind;
	struct weft_address address; /* ACTIVE */
	int fd;                      /* PASSIVE: listening; else -1 */
	bool is_extended_only;       /* EPSV ALL */
};

/** What a session needs while a command is carried out, and not while it waits for one. */
struct weft__ftpd_scratch {
	struct weft__ftpd_line line;
	char path[WEFT__FTPD_PATH_SIZE], other[WEFT__FTPD_PATH_SIZE];
	char reply[2 * WEFT__FTPD_PATH_SIZE + 256]; /* PWD doubles quotes */
};

struct weft__ftpd_session {
	struct weft_ftp_server *server;
	const struct weft_ftp_server_options *options; /* the server's */
	struct weft_stream *control;
	struct weft__ftpd_scratch *scratch; /* NULL while nothing has come */
	struct weft_list_node in_server;
	_Atomic enum weft__ftpd_state state;
	weft_fiber_id fiber;
	struct weft_thread *thread; /* when it is on no fiber; NULL: a process */
	int64_t begun_ns;
	bool is_implicit; /* TLS from its first byte on */
	bool is_counted;  /* among its client's */
	/* Who. */
	char *name;     /* by USER; NULL: not said */
	char *password; /* kept where ACCT is to follow; else NULL */
	bool is_in, is_anonymous;
	char *user; /* its name among the sessions of users; NULL: it is not counted */
	struct weft_files_visitor visitor;
	unsigned early, unknown, failed; /* commands before a log-in; in a row; log-ins */
	int64_t commands_due_ns;         /* when a steady sender of so many would be here */
	unsigned noops;                  /* that came while data flowed, to be answered */
	/* Where, and how. */
	char *folder; /* path of the working folder; NULL: "" */
	char *rename_from;
	int64_t restart;
	bool is_ascii, has_pbsz, is_private; /* PROT P */
	unsigned facts;                      /* of MLST: bits of enum weft__ftpd_fact */
	struct weft__ftpd_data data;
};

/** What a command does: 0 to go on, -1 to end the connection. The argument is "" without one. */
typedef int weft__ftpd_verb_fn(struct weft__ftpd_session *session, const char *argument);

/* ---- server_counts.c ------------------------------------------------------------------- */

/** All 0, in memory that processes forked from here on share. NULL: ENOMEM. */
struct weft__ftpd_counts *weft__ftpd_counts_new(void);
void weft__ftpd_counts_free(struct weft__ftpd_counts *counts);

/* ---- server_session.c ---------------------------------------------------------------- */

struct weft__ftpd_session *weft__ftpd_session_new(
	struct weft_ftp_server *server, struct weft_stream *control);

/** Log out, if it is in, and free it. The stream is not its own. */
void weft__ftpd_session_free(struct weft__ftpd_session *session);

/** Carry out commands until the end. True: it is silent, and may be parked and run again. */
bool weft__ftpd_session_run(struct weft__ftpd_session *session);

/** End it if it waits for a command. Any thread, while it is sure to live. */
void weft__ftpd_session_stop(struct weft__ftpd_session *session);

/** Whatever it waits for fails with ECANCELED. Any thread, while it is sure to live. */
void weft__ftpd_session_cancel(struct weft__ftpd_session *session);

/** Who sends commands faster than anybody needs to is held back, and nobody else. */
void weft__ftpd_keep_pace(struct weft__ftpd_session *session);

/** Tell the peer why this is the end, without waiting for it. */
void weft__ftpd_farewell(struct weft_stream *control, const char *reply);

/* ---- server_verbs.c ------------------------------------------------------------------- */

enum weft__ftpd_verb_flag {
	WEFT__FTPD_EARLY = 1,    /* before a log-in, too */
	WEFT__FTPD_ARGUMENT = 2, /* 501 without one */
	WEFT__FTPD_DATA = 4,     /* uses up the data connection and REST */
};

struct weft__ftpd_verb {
	const char *name;
	weft__ftpd_verb_fn *run;
	unsigned flags;
};

/** Sorted; NULL past the end. */
const struct weft__ftpd_verb *weft__ftpd_verb_at(size_t index);
const struct weft__ftpd_verb *weft__ftpd_verb_find(const char *name);

/* ---- server_reply.c ------------------------------------------------------------------- */

/** A line "CODE text"; for multi-line replies a code below 0 is "CODE-text". Always returns 0. */
__attribute__((format(printf, 3, 4))) int weft__ftpd_reply(
	struct weft__ftpd_session *session, int code, const char *format, ...);

/** A line of a multi-line reply, after one blank. */
__attribute__((format(printf, 2, 3))) int weft__ftpd_reply_line(
	struct weft__ftpd_session *session, const char *format, ...);

/** What errno says, in FTP's words. Always returns 0. */
int weft__ftpd_reply_errno(struct weft__ftpd_session *session);

/** The code and the sentence of that errno. */
int weft__ftpd_code_of(int error, const char **ret_text);

/** Send what was replied. 0, or -1: the connection is lost, or the peer too slow. */
int weft__ftpd_flush(struct weft__ftpd_session *session);

/* ---- server_path.c --------------------------------------------------------------------- */

/**
 * The path that a name means in the working folder, without "." and "..", "" being the home. 0, or
 * -1 with errno: EINVAL (control characters, not UTF-8), ENAMETOOLONG.
 */
int weft__ftpd_path_of(const struct weft__ftpd_session *session, const char *name,
	char ret_path[WEFT__FTPD_PATH_SIZE]);

/** The same without a session, below folder ("" or "a/b"). */
int weft__ftpd_path_join(const char *folder, const char *name, char ret_path[WEFT__FTPD_PATH_SIZE]);

/** Whether a name can be sent to a client: UTF-8 without control characters. */
bool weft__ftpd_name_is_plain(const char *name);

/** text with its quotes doubled (RFC 959, appendix II), cut to size. */
void weft__ftpd_quote(const char *text, char *ret_quoted, size_t size);

/* ---- server_login.c -------------------------------------------------------------------- */

/** The visitor leaves, and all that was set is as at the beginning but TLS. */
void weft__ftpd_logout(struct weft__ftpd_session *session);

/** The session's client: its address, or of IPv6 the first half. Its length; 0: none. */
size_t weft__ftpd_client_of(struct weft_stream *control, struct in6_addr *ret_client);

/* ---- server_port.c, server_data.c ------------------------------------------------------- */

/** No data connection is prepared any more. */
void weft__ftpd_data_forget(struct weft__ftpd_session *session);

/** Whether one is prepared, and may be used as it is; else it is replied why not. */
bool weft__ftpd_data_is_meant(struct weft__ftpd_session *session);

/** The data connection that was prepared, in the clear, at which the watch is aimed. NULL: errno.
 */
struct weft_stream *weft__ftpd_data_open(
	struct weft__ftpd_session *session, struct weft__ftpd_watch *watch);

/** Its TLS, if that is wanted. 0, or -1, and *ret_code and *ret_text are to be replied. */
int weft__ftpd_data_secure(struct weft__ftpd_session *session, struct weft_stream *stream,
	int *ret_code, const char **ret_text);

/** What PASV names: the router's address to peers of other networks, where there is a router. */
struct in_addr weft__ftpd_address_told(
	struct in_addr local, struct in_addr peer, struct in_addr public_address);

/** Whether both are of one host. */
bool weft__ftpd_is_same_host(const struct weft_address *a, const struct weft_address *b);

/* ---- server_glob.c --------------------------------------------------------------------- */

/** Whether there is a * or ? in it. */
bool weft__ftpd_glob_is(const char *name);

/** Whether name fits a pattern; never more than the product of their lengths. */
bool weft__ftpd_glob_fits(const char *pattern, const char *name);

/* ---- server_facts.c --------------------------------------------------------------------- */

enum weft__ftpd_fact {
	WEFT__FTPD_FACT_TYPE = 1,
	WEFT__FTPD_FACT_SIZE = 2,
	WEFT__FTPD_FACT_MODIFY = 4,
	WEFT__FTPD_FACT_PERM = 8,
	WEFT__FTPD_FACT_UNIQUE = 16,
	WEFT__FTPD_FACT_UNIX_MODE = 32,
	WEFT__FTPD_FACTS_ALL = 63,
};

/** Longest line about a file, name excluded, with its NUL. */
#define WEFT__FTPD_FACTS_SIZE 192

/** "type=file;size=3; " with the blank before the name. rights: enum weft_files_right. */
void weft__ftpd_facts_print(const struct stat *stat, unsigned facts, unsigned rights,
	char ret_text[WEFT__FTPD_FACTS_SIZE]);

/** "-rw-r--r--   1 ftp      ftp             3 Nov 21 13:48 " as ls(1) has it, in UTC. */
void weft__ftpd_ls_print(
	const struct stat *stat, int64_t now_s, char ret_text[WEFT__FTPD_FACTS_SIZE]);

/** YYYYMMDDHHMMSS, in UTC (RFC 3659, section 2.3). */
void weft__ftpd_time_print(int64_t seconds, char ret_text[32]);

/** The same read, with a fraction or without. False: it is no time. */
bool weft__ftpd_time_read(const char *text, size_t len, struct timespec *ret_time);

/** The names of facts in OPTS MLST; a fact's name by its bit. */
unsigned weft__ftpd_facts_read(const char *names);
const char *weft__ftpd_fact_name(unsigned fact);

/* ---- server_ascii.c -------------------------------------------------------------------- */

/** Every LF as CR LF. ret_out has room for twice len. Returns how many bytes. */
size_t weft__ftpd_ascii_encode(const char *data, size_t len, char *ret_out);

/** Every CR LF as LF. *has_cr: a CR is kept back from, and for, the next call. Room: len + 1. */
size_t weft__ftpd_ascii_decode(const char *data, size_t len, bool *has_cr, char *ret_out);

#endif
