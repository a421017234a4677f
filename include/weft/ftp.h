/*
 * weft/ftp.h - an FTP server of a shared folder (RFC 959, with what clients use today).
 *
 *	static int login(const struct weft_ftp_login *login,
 *		struct weft_files_visitor *ret_visitor, void *arg)
 *	{
 *		if (strcmp(login->name, "anna") != 0 || strcmp(login->password, "secret") != 0) {
 *			errno = EACCES;
 *			return -1;
 *		}
 *		*ret_visitor = (struct weft_files_visitor){
 *			.name = "anna", .rights = WEFT_FILES_ALL};
 *		return 0;
 *	}
 *
 *	struct weft_files *files = weft_files_new("/srv/share", NULL);
 *	struct weft_ftp_server *server = weft_ftp_server_new(
 *		&(struct weft_ftp_server_options){.files = files, .login = login});
 *	weft_ftp_server_run(server, listener);		// until weft_ftp_server_stop()
 *
 * It serves what weft/files.h shares, by its rules: who has logged in is a visitor, whose rights
 * are asked for with every command. What was answered 226 or 250 survives a crash, and an upload
 * that failed, for whatever reason, shows under no name. docs/ftp.md says what it does by
 * which section of which RFC, and lists the limits.
 *
 * TLS by AUTH TLS (RFC 4217) is there when the options have a struct weft_tls; a listener with
 * weft_listener_use_tls() of the same one speaks TLS from its first byte.
 *
 * Sessions run on many threads at a time: what the callbacks share is under a weft_lock
 * (weft/lock.h). Errors: -1 or NULL, with errno set.
 */
#ifndef WEFT_FTP_H
#define WEFT_FTP_H

#include "weft/files.h"
#include "weft/serve.h"

WEFT_BEGIN

struct weft_ftp_server; /* opaque: src/ftp/server.h */
struct weft_ledger;     /* weft/ledger.h */
struct weft_ftp_log;    /* opaque: src/ftp/server_log.c */
struct weft_str;        /* weft/str.h */
struct weft_tls;        /* weft/tls.h */
struct weft_tls_facts;

/* ---- Who comes in ------------------------------------------------------------------ */

/** Somebody who wants to come in. All of it is valid until the callback returns. */
struct weft_ftp_login {
	const char *name, *password;
	const char *account;              /* by ACCT; NULL: not said */
	const char *peer;                 /* the host, "192.0.2.7" */
	const struct weft_tls_facts *tls; /* NULL: the password came in the clear */
};

/**
 * Decide on a log-in; it may wait. 0 and a visitor, what that points to being valid until the
 * logout callback was given it; or -1 with errno: EACCES (no: 530), ENODATA (an account is
 * needed, too: 332, and ACCT has it asked again), EAGAIN (not now: 421, and the connection ends);
 * all else is 421, too.
 */
typedef int weft_ftp_login_fn(
	const struct weft_ftp_login *login, struct weft_files_visitor *ret_visitor, void *arg);

/** A visitor has gone; once for each log-in that returned 0. Not to wait. */
typedef void weft_ftp_logout_fn(const struct weft_files_visitor *visitor, void *arg);

/**
 * Asked before each command of a visitor, where it is set: 0, and the visitor as he is now (what it
 * pointed to before is the callback's to end), or -1 when he may not stay: 421. It may wait.
 */
typedef int weft_ftp_refresh_fn(struct weft_files_visitor *visitor, void *arg);

/**
 * Asked every two seconds of a transfer, where it is set: whether the visitor may stay; if not, the
 * transfer is ended. It may wait.
 */
typedef bool weft_ftp_may_stay_fn(const struct weft_files_visitor *visitor, void *arg);

/* ---- Transfers ---------------------------------------------------------------------- */

/** One file that went over a data connection, or did not. */
struct weft_ftp_transfer {
	const char *peer;    /* the host */
	const char *name;    /* the visitor's; "" when it has none */
	const char *path;    /* from the visitor's home on, without a slash before */
	const char *command; /* "RETR", "STOR", "APPE", "STOU" */
	int64_t bytes;       /* of the file that went over */
	int64_t duration_ns;
	bool is_upload, is_anonymous, is_ascii, is_encrypted;
	int error; /* 0: it was acknowledged with 226; else an errno */
};

/* ---- Servers ------------------------------------------------------------------------ */

struct weft_ftp_server_options {
	struct weft_files *files; /* must live as long as the server */

	/* Who. Without a login only anonymous visitors come in; without either nobody could. */
	weft_ftp_login_fn *login;
	weft_ftp_refresh_fn *refresh;   /* may be NULL */
	weft_ftp_may_stay_fn *may_stay; /* may be NULL; not of anonymous visitors */
	weft_ftp_logout_fn *logout;     /* may be NULL */
	void (*on_transfer)(const struct weft_ftp_transfer *transfer, void *arg); /* may be NULL */
	void *arg;
	bool allows_anonymous; /* "anonymous" and "ftp", with any password: may read and list */
	const char *anonymous_home; /* as a visitor's; NULL: all that is shared */
	/** Who they are instead, with other rights; it must live as long as the server. NULL */
	const struct weft_files_visitor *anonymous;

	/* TLS. */
	struct weft_tls *tls; /* a server's; NULL: none. Must live as long as the server */
	bool needs_tls; /* for who has a password, commands and data by TLS only; strangers may
			 * come in the clear */
	bool needs_resumed_data; /* by PROT P: data connections go on from a session of this
				  * server's TLS, which only who is logged in by it has */

	/* Data connections. */
	uint16_t passive_low, passive_high; /* ports to listen on; 0: the kernel chooses */
	const char *public_address;         /* IPv4 address that PASV names to peers of other
					     * networks, where a router stands between; NULL */
	bool no_active;                     /* PORT and EPRT are refused */

	const char *greeting;             /* instead of "weft"; one line; NULL */
	struct weft_ftp_log *log;         /* a line per transfer; NULL: none; stays the caller's */
	struct weft_transfers *transfers; /* weft/transfer.h: where files under way are listed;
					   * NULL: nowhere; stays the caller's */

	/* Limits. 0 is the default of each. */
	unsigned connections_max;        /* at once; more are told so; 0: the model's own bound */
	unsigned connections_per_client; /* of one address, or /64 of IPv6; 0: any number */
	struct weft_ledger *ledger;      /* weft/ledger.h: where connections are counted with those
					  * of other servers; NULL; stays the caller's */
	unsigned sessions_per_user;      /* logged in at once by one name, as the login
					  * callback has it; 0: any number */
	int64_t login_timeout_ns;        /* from the connection to a log-in; 0: 60 s */
	int64_t idle_timeout_ns;         /* between two commands; 0: 5 min */
	int64_t connect_timeout_ns;      /* for a data connection to be made; 0: 30 s */
	int64_t data_timeout_ns; /* to take the next 256 KiB, to send the next byte; 0: 60 s */
	int64_t grace_ns;        /* for transfers under way at a stop; 0: 10 s; negative: none */
	int64_t download_rate;   /* bytes a second of each transfer; 0: as fast as it goes */
	int64_t upload_rate;
	int64_t rate_per_client; /* the same of all transfers, both ways, of one address or /64 */
	int64_t rate_per_user;   /* and of one name, as the login callback has it */

	const char *model;  /* of weft_serve(); NULL: "fiber" */
	unsigned size;      /* pool, prefork: how many; 0: as weft_serve() chooses */
	const char *driver; /* fiber, outside weft_run(): as in weft_run_options */
	unsigned workers;   /* the same */
};

/**
 * Make a server; options are copied, what they point to is not. End it with
 * weft_ftp_server_free(). Errors: EINVAL (no files; nobody could come in; needs_tls without tls;
 * ports that are no range; a public_address that is no IPv4 address; a greeting of several lines),
 * ENOMEM.
 */
WEFT_API struct weft_ftp_server *weft_ftp_server_new(const struct weft_ftp_server_options *options);

/** What may change while a server runs: as in its options, and 0 is the same there. */
struct weft_ftp_limits {
	unsigned connections_per_client, sessions_per_user;
	int64_t download_rate, upload_rate, rate_per_client, rate_per_user; /* bytes a second */
};

/**
 * Other limits from now on, all of them: for who comes, and for the next transfers; who is there
 * stays, and what is under way goes on as it began. Processes that serve already (models fork,
 * prefork) keep the old ones. Any thread. Returns 0. Errors: EINVAL (a rate below 0).
 */
WEFT_API int weft_ftp_server_set_limits(
	struct weft_ftp_server *server, const struct weft_ftp_limits *limits);

/** Free a server that runs no more. NULL is fine. */
WEFT_API void weft_ftp_server_free(struct weft_ftp_server *server);

/**
 * Serve the listener's connections until weft_ftp_server_stop(), as weft_serve() does by the
 * model. Several fibers may run one server, on a listener each. By models of one connection at a
 * time ("loop") a session keeps all others waiting; by "fork" and "prefork" processes know
 * their own sessions only, for limits and rates of clients and users. Returns 0 after a stop.
 * Errors: those of weft_serve().
 */
WEFT_API int weft_ftp_server_run(struct weft_ftp_server *server, struct weft_listener *listener);

/**
 * End every weft_ftp_server_run() of this server: no new connections; sessions that wait for a
 * command are told 421; transfers get the grace time, then they fail. Any thread, more than once.
 */
WEFT_API void weft_ftp_server_stop(struct weft_ftp_server *server);

/** What became of a server's visitors so far. */
struct weft_ftp_counts {
	uint64_t connections;   /* that were greeted */
	uint64_t refused;       /* because of a limit of clients or users */
	uint64_t logins;        /* that succeeded */
	uint64_t logins_failed; /* or were turned away */
	uint64_t sessions;      /* logged in now */
	uint64_t commands;
	uint64_t downloads, uploads;         /* acknowledged */
	uint64_t transfers_failed;           /* of both */
	uint64_t bytes_sent, bytes_received; /* of files and listings */
};

/** Any thread. */
WEFT_API void weft_ftp_server_counts(
	struct weft_ftp_server *server, struct weft_ftp_counts *ret_counts);

/**
 * Append them in Prometheus's text form, version 0.0.4, as weft_ftp_... . 0, or -1: the string has
 * no room. Any thread.
 */
WEFT_API int weft_ftp_server_metrics(struct weft_ftp_server *server, struct weft_str *text);

/* ---- The transfer log --------------------------------------------------------------- */

/**
 * Open a log in the form that xferlog(5) has: path is appended to, "-" is the standard output.
 * Lines are written by a thread of its own, within half a second; when the disk can't follow,
 * they are dropped, and the log says how many. Errors: those of open(2), ENOMEM, EAGAIN.
 */
WEFT_API struct weft_ftp_log *weft_ftp_log_new(const char *path);

/** Open the path again, as after logrotate(8). On failure the old file stays. Any thread. */
WEFT_API int weft_ftp_log_reopen(struct weft_ftp_log *log);

/** Write what is left, and close it. NULL is fine. */
WEFT_API void weft_ftp_log_free(struct weft_ftp_log *log);

/** Add a line; never waits for the disk. Any thread. */
WEFT_API void weft_ftp_log_add(struct weft_ftp_log *log, const struct weft_ftp_transfer *transfer);

WEFT_END

#endif
