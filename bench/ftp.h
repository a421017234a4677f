/*
 * ftp.h - what the subjects of FTP share: the two servers, the client, and a process's family.
 *
 * vsftpd has two processes for each session, so what a server has used is that of its process and
 * of all that descend from it (family.c). The client speaks weft/stream.h, for its TLS; it has a
 * CPU of its own and is the same for both.
 */
#ifndef FTP_H
#define FTP_H

#include "bench.h"
#include "weft/stream.h"
#include "weft/tls.h"

/* ---- A process and its descendants (family.c) ---------------------------------------- */

/** CPU time in nanoseconds of those that are alive. */
int64_t family_cpu(pid_t pid);

/** Proportional set size in bytes (proc(5), smaps_rollup); -1: it can't be read. */
double family_pss(pid_t pid);

/** The most that each has ever had in memory, in bytes, added up. */
double family_peak(pid_t pid);

/* ---- The servers (ftp_room.c) ---------------------------------------------------------- */

#define FTP_LARGE ((int64_t)64 << 20) /* bytes of a transfer */

enum ftp_kind {
	FTP_VSFTPD,
	FTP_WEFT,
	FTP_WEFT_UNSYNCED, /* its fsync(2) does nothing: eatmydata(1) */
	FTP_KINDS,
};

struct ftp_server {
	bool is_up;
	struct server server;
	const char *name;                  /* who logs in; the password is "secret" */
	const char *base;                  /* the command that leads to what is shared; "": none */
	char ftp[32], http[32], https[32]; /* HOST:PORT; the latter two are weft's only */
};

/* A folder on a disk that is shared, the servers' files beside it, and who serves it. */
struct ftp_room {
	char dir[PATH_MAX / 2];
	char shared[PATH_MAX / 2 + 16]; /* dir/shared */
	char large[PATH_MAX / 2 + 32];  /* dir/shared/large.bin, of FTP_LARGE bytes */
	char paths[5][PATH_MAX + 32];   /* ftp_room.c's own */
	struct ftp_server servers[FTP_KINDS];
	struct weft_tls *tls; /* the client's */
};

/** The path of vsftpd: in $WEFT_VSFTPD or PATH; NULL: it is not there. */
const char *ftp_find_vsftpd(void);

/** Whether a program of that name is in PATH. */
bool ftp_has_program(const char *name);

/** Make the room. 0, or -1 with nothing left behind. */
int ftp_room_init(struct ftp_room *room);

/** Start one of the servers. 0, or -1 with a word on stderr. */
int ftp_serve(struct ftp_room *room, const struct bench *bench, enum ftp_kind kind);
void ftp_stop(struct ftp_room *room, enum ftp_kind kind);

/** Stop all, and remove all. */
void ftp_room_fini(struct ftp_room *room);

/* ---- The client (ftp.c) ------------------------------------------------------------------ */

struct ftp {
	struct weft_stream *control;
	bool is_encrypted;
};

/** Log in, in binary mode; by TLS, data too, where tls is not NULL. 0 or -1. */
int ftp_open(struct ftp *ftp, const struct ftp_server *server, struct weft_tls *tls);
void ftp_close(struct ftp *ftp);

/** What came over a data connection. */
struct ftp_got {
	int64_t bytes;
	int64_t first_ns, all_ns; /* from the command to its first byte, and to the reply's end */
};

/** A command that sends data: RETR, LIST, MLSD. 0 or -1. */
int ftp_get(struct ftp *ftp, const char *command, struct ftp_got *ret_got);

/** Send len bytes by this command. 0 once they are acknowledged, or -1. */
int ftp_put(struct ftp *ftp, const char *command, int64_t len);

/** GET of a path over an open stream. How many bytes came, or -1. */
int64_t ftp_http_get(struct weft_stream *stream, const char *path);

#endif
