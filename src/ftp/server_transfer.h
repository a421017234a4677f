/*
 * server_transfer.h - what RETR, STOR and the lists share: the frame around a transfer.
 *
 *	begin: data connection, 150, TLS, watch     end: watch, 226 or why not, log
 */
#ifndef WEFT_SRC_FTP_SERVER_TRANSFER_H
#define WEFT_SRC_FTP_SERVER_TRANSFER_H

#include "ftp/server.h"
#include "weft/lock.h"

/** The control connection is read while data flows, on a fiber or a thread of its own. */
struct weft__ftpd_watch {
	struct weft__ftpd_session *session;
	pthread_mutex_t lock;     /* of data_fd, and of shutting it */
	int data_fd;              /* that an end of the transfer shuts; -1: none yet */
	struct weft_lock writing; /* held by who writes to the control connection */
	weft_fiber_id fiber;
	struct weft_thread *thread;
	bool is_of_work;       /* and of no transfer */
	size_t scanned;        /* bytes of lines that were looked at, and stay for later */
	bool has_quit;         /* QUIT was among them */
	atomic_bool is_over;   /* ABOR, or the connection's end: the transfer is to fail */
	atomic_bool has_ended; /* nothing is read any more */
	_Atomic int64_t bytes; /* that went over so far, for STAT */
	struct weft__ftpd_line line;
};

struct weft__ftpd_transfer {
	struct weft__ftpd_session *session;
	const char *command, *path;
	struct weft_stream *stream;
	struct weft__ftpd_watch *watch;
	bool is_upload;
	bool is_file; /* and no list: it is logged and counted */
	int64_t begun_ns;
	int64_t bytes;                          /* of the file */
	int64_t total;                          /* that there will be; 0: nobody knows */
	struct weft_transfer *listed;           /* NULL: it is not */
	int64_t rate;                           /* bytes a second; 0: any */
	int64_t rate_per_client, rate_per_user; /* the same as it began; 0: any, or no user */
	int64_t least;                          /* of all the rates that hold for it; 0: any */
	bool is_kept; /* an upload that was interrupted, and can be gone on with */
	bool drains;  /* an upload for which there is no room: what still comes is dropped */
	int code;     /* of the reply, where it is decided before the end; 0: not */
	const char *text;
};

/* ---- server_watch.c ---------------------------------------------------------------------- */

/** Begin to read the control connection; nobody else may until it is stopped. NULL: no memory. */
struct weft__ftpd_watch *weft__ftpd_watch_start(struct weft__ftpd_session *session);

/** The same of long work without a transfer: the connection's end cancels the session, no more. */
struct weft__ftpd_watch *weft__ftpd_watch_start_work(struct weft__ftpd_session *session);

/** What to shut when the transfer is to end, at once if it is; -1: nothing. NULL is fine. */
void weft__ftpd_watch_aim(struct weft__ftpd_watch *watch, int data_fd);

/** Reply 150 with what, at once, and nothing else until it is stopped. NULL is fine. 0, or -1. */
int weft__ftpd_watch_announce(
	struct weft__ftpd_session *session, struct weft__ftpd_watch *watch, const char *what);

/**
 * The data has ended well: wait a moment for the control connection's end, which would say that it
 * has not. 0, or -1: ECANCELED. NULL is fine: 0.
 */
int weft__ftpd_watch_settle(struct weft__ftpd_watch *watch);

/** Whether the transfer was ended from there. NULL is fine: false. */
bool weft__ftpd_watch_is_over(const struct weft__ftpd_watch *watch);

/** The reader has ended when this returns. Keeps errno. NULL is fine. */
void weft__ftpd_watch_stop(struct weft__ftpd_watch *watch);

/* ---- server_transfer.c -------------------------------------------------------------------- */

/**
 * The data connection, and "150" with what: a text for people. -1: the reply is made, and logged if
 * it has to be. End it with weft__ftpd_transfer_end(), if it was 0.
 */
int weft__ftpd_transfer_begin(struct weft__ftpd_transfer *transfer, const char *what);

/** So many bytes more went over. Wait if that was too fast. 0, or -1: ECANCELED (ABOR), as scopes.
 */
int weft__ftpd_transfer_went(struct weft__ftpd_transfer *transfer, size_t len);

/** The largest piece that fits the rate. */
size_t weft__ftpd_transfer_piece(const struct weft__ftpd_transfer *transfer, size_t max);

/** Our direction of the data connection is over: the peer is told. 0, or -1. */
int weft__ftpd_transfer_close_write(struct weft__ftpd_transfer *transfer);

/** The reply for error (0: 226), the log, and the end of what begin began. Always returns 0. */
int weft__ftpd_transfer_end(struct weft__ftpd_transfer *transfer, int error);

#endif
