/*
 * weft/ftp_client.h - an FTP client: straight-line calls, files as streams, names checked.
 *
 *	struct weft_ftp_fault fault;
 *	struct weft_ftp_client_options options = {.user = "ada", .password = secret,
 *		.ret_fault = &fault};
 *	struct weft_ftp_client *client = weft_ftp_client_connect("files.example.org", &options);
 *
 *	if (!client || weft_ftp_client_download(client, "letters/june.txt", "june.txt", NULL) < 0)
 *		fprintf(stderr, "%s\n", client ? weft_ftp_client_fault(client)->text : fault.text);
 *	weft_ftp_client_free(client);
 *
 * A client is one connection of control; its transfers have connections of their own, one at a
 * time. Several at a time are several clients: a pool makes and keeps them.
 *
 * TLS comes first: a server that offers AUTH TLS is spoken to by it, and a password is not sent
 * in the clear but to this machine, unless the options say WEFT_FTP_PLAIN. Certificates are
 * checked as weft/tls.h says. Data connections resume the session of the control connection, as
 * many servers demand; one that ends without close_notify was cut off, and fails.
 *
 * What the server offers (FEAT) decides how it is asked: MLSD or LIST, EPSV or PASV, and so on.
 * The address in an answer to PASV is not believed: data comes from where the control
 * connection leads. Names that a server tells are the server's: weft_ftp_name_is_safe() says
 * which of them may become files here, weft_str_append_visible() (weft/utf8.h) shows any.
 *
 * Calls that wait park the fiber, or block the thread; the ambient scope (weft/scope.h) bounds
 * them, and timeout_ns each step. After a call that was interrupted while the server's answer was
 * awaited, nobody knows which answer is whose: the connection is closed, and is_lost says so.
 *
 * Threads: a client is for one fiber or thread at a time, a pool for any number.
 * Errors: -1 or NULL, with errno set, and weft_ftp_client_fault() has a sentence. RFC 959, 1123,
 * 2228, 2389, 2428, 3659, 4217; HASH as draft-bryan-ftpext-hash has it.
 */
#ifndef WEFT_FTP_CLIENT_H
#define WEFT_FTP_CLIENT_H

#include "weft/tls.h"

WEFT_BEGIN

struct weft_ftp_client; /* opaque: src/ftp/client.h */
struct weft_ftp_file;   /* opaque: src/ftp/client.h */
struct weft_ftp_pool;   /* opaque: src/ftp/client_pool.c */

/* ---- What went wrong ---------------------------------------------------------------- */

/** Longest sentence of a fault, with its NUL. */
#define WEFT_FTP_FAULT_TEXT_MAX 320

enum weft_ftp_fault_kind {
	WEFT_FTP_NO_FAULT,
	WEFT_FTP_BAD_ARGUMENT,  /* EINVAL, EMSGSIZE: a name with a line end, an empty one, ... */
	WEFT_FTP_NO_HOST,       /* ENOENT, EAGAIN: the name is not known, or not now */
	WEFT_FTP_NO_CONNECTION, /* those of connect(2); also of a data connection */
	WEFT_FTP_NO_TLS, /* EPROTO: the text says what TLS objects to, or that there is none */
	WEFT_FTP_LOGIN_REFUSED, /* EACCES */
	WEFT_FTP_BAD_REPLY,     /* EBADMSG: what the server says can't be read */
	WEFT_FTP_REFUSED,     /* a reply of 4xx (EAGAIN) or 5xx (ENOENT for 550, ENOSYS for 500, 502
			       * and 504, ENOSPC for 552, EACCES for 530 and 553, else EPERM) */
	WEFT_FTP_CUT_OFF,     /* EPIPE, ECONNRESET, EPROTO: a connection ended too early */
	WEFT_FTP_BUSY,        /* EBUSY: a transfer is under way */
	WEFT_FTP_LOCAL,       /* the file here: errno of weft/file.h */
	WEFT_FTP_DIFFERS,     /* EBADMSG: it has not the length or sum that the server told */
	WEFT_FTP_INTERRUPTED, /* ETIMEDOUT, ECANCELED */
	WEFT_FTP_OTHER_FAULT, /* ENOMEM, EMFILE: errno says it all */
};

/** The text is one sentence; what is quoted from outside in it can be shown on a terminal. */
struct weft_ftp_fault {
	enum weft_ftp_fault_kind kind;
	int code;  /* of the server's reply; 0: none */
	int error; /* errno */
	char text[WEFT_FTP_FAULT_TEXT_MAX];
};

/* ---- Clients ------------------------------------------------------------------------ */

enum weft_ftp_security {
	WEFT_FTP_AUTO,     /* AUTH TLS where it is offered; without, no password but to loopback */
	WEFT_FTP_PLAIN,    /* nothing is encrypted, the password neither */
	WEFT_FTP_EXPLICIT, /* AUTH TLS, or nothing: RFC 4217 */
	WEFT_FTP_IMPLICIT, /* TLS from the first byte on, at port 990 as a rule */
};

enum weft_ftp_feature {
	WEFT_FTP_MLST = 1 << 0, /* and MLSD */
	WEFT_FTP_SIZE = 1 << 1,
	WEFT_FTP_MDTM = 1 << 2,
	WEFT_FTP_MFMT = 1 << 3,
	WEFT_FTP_REST = 1 << 4, /* STREAM */
	WEFT_FTP_EPSV = 1 << 5,
	WEFT_FTP_EPRT = 1 << 6,
	WEFT_FTP_UTF8 = 1 << 7,
	WEFT_FTP_HASH = 1 << 8, /* SHA-256 */
	WEFT_FTP_AUTH_TLS = 1 << 9,
};

/** Told of each line either way, without its line end; a password is "PASS ****". */
typedef void weft_ftp_trace_fn(void *arg, const char *line, bool is_sent);

struct weft_ftp_client_options {
	enum weft_ftp_security security;
	struct weft_tls *tls; /* a client's, borrowed; NULL: the system's authorities */
	const char *user;     /* NULL: "anonymous" */
	const char *password; /* NULL: none, or for anonymous "anonymous@" */
	const char *account;  /* for servers that ask for one (ACCT) */
	bool is_active;       /* the server connects to here (EPRT, PORT) */
	bool trusts_address;  /* of a PASV answer: data may come from another host */
	bool has_clear_data;  /* PROT C: only the control connection is encrypted */
	int64_t timeout_ns;   /* for each step, and each wait for a byte; 0: 60 s; negative: none */
	weft_ftp_trace_fn *trace;
	void *trace_arg;
	struct weft_ftp_fault *ret_fault; /* why NULL was returned; may be NULL */
};

/**
 * Connect, encrypt, log in, and ask what the server can. host: "HOST", "HOST:PORT" or
 * "[::1]:PORT"; without a port 21, or 990 when security is implicit. What options points to is
 * copied, but tls and trace_arg. options may be NULL. Errors: the fault kinds name them.
 */
WEFT_API struct weft_ftp_client *weft_ftp_client_connect(
	const char *host, const struct weft_ftp_client_options *options);

/** Say QUIT without waiting for the answer, close, and free. A transfer is aborted. NULL is fine.
 */
WEFT_API void weft_ftp_client_free(struct weft_ftp_client *client);

/** Why the last call that failed did. Never NULL. */
WEFT_API const struct weft_ftp_fault *weft_ftp_client_fault(const struct weft_ftp_client *client);

/** Whether the connection is gone: every call fails, but weft_ftp_client_free(). */
WEFT_API bool weft_ftp_client_is_lost(const struct weft_ftp_client *client);

/**
 * Whether it can take a command, as far as that is to be seen without asking: connected, without
 * a transfer, and the server has neither closed nor said anything unasked, as 421 is. Before
 * a client is used again after a while, this spares a command that would be lost.
 */
WEFT_API bool weft_ftp_client_is_ready(const struct weft_ftp_client *client);

/** enum weft_ftp_feature. */
WEFT_API unsigned weft_ftp_client_features(const struct weft_ftp_client *client);

/** What TLS agreed on; NULL: nothing is encrypted. */
WEFT_API const struct weft_tls_facts *weft_ftp_client_tls(const struct weft_ftp_client *client);

/** The server's greeting. */
WEFT_API const char *weft_ftp_client_greeting(const struct weft_ftp_client *client);

/* ---- Names from outside --------------------------------------------------------------- */

/**
 * Whether a name that a server told may become the name of a file in a folder here: not empty,
 * "." or "..", without '/', NUL and control characters, of 255 bytes at most, and none of the
 * names under which parts of downloads are kept.
 */
WEFT_API bool weft_ftp_name_is_safe(const char *name);

/* ---- Commands ------------------------------------------------------------------------- */

/** Longest path, in bytes. */
#define WEFT_FTP_PATH_MAX 4096

/** What the server said: lent until the next call on the client. */
struct weft_ftp_reply {
	int code;         /* 100 to 599 */
	const char *text; /* its lines, without codes where they were repeated, '\n' between them */
};

/**
 * Send one command line as it stands, and wait for the reply, whatever it is. For commands
 * without a data connection. Errors: BAD_ARGUMENT (control characters), CUT_OFF, BAD_REPLY...
 */
WEFT_API int weft_ftp_client_command(
	struct weft_ftp_client *client, const char *line, struct weft_ftp_reply *ret_reply);

/** The folder on the server that relative paths begin at; the string is the client's. */
WEFT_API const char *weft_ftp_client_pwd(struct weft_ftp_client *client);
WEFT_API int weft_ftp_client_cwd(struct weft_ftp_client *client, const char *path);

/** RNFR and RNTO, DELE, MKD, RMD: what they do when there is something already, the server says. */
WEFT_API int weft_ftp_client_rename(
	struct weft_ftp_client *client, const char *from, const char *to);
WEFT_API int weft_ftp_client_delete(struct weft_ftp_client *client, const char *path);
WEFT_API int weft_ftp_client_mkdir(struct weft_ftp_client *client, const char *path);
WEFT_API int weft_ftp_client_rmdir(struct weft_ftp_client *client, const char *path);

/** SITE CHMOD. Errors: ENOSYS (the server has none). */
WEFT_API int weft_ftp_client_chmod(struct weft_ftp_client *client, const char *path, unsigned mode);

/** Say that one is still there, before the server's patience ends. */
WEFT_API int weft_ftp_client_noop(struct weft_ftp_client *client);

/** SIZE of a file in bytes. */
WEFT_API int64_t weft_ftp_client_size(struct weft_ftp_client *client, const char *path);

/** MDTM and MFMT: in seconds since 1970, UTC. Errors: ENOSYS. */
WEFT_API int weft_ftp_client_modified(
	struct weft_ftp_client *client, const char *path, int64_t *ret_modified_s);
WEFT_API int weft_ftp_client_set_modified(
	struct weft_ftp_client *client, const char *path, int64_t modified_s);

/** Its SHA-256 as the server computes it. Errors: ENOSYS (WEFT_FTP_HASH is not there). */
WEFT_API int weft_ftp_client_hash(
	struct weft_ftp_client *client, const char *path, uint8_t ret_sha256[32]);

/* ---- Listings ------------------------------------------------------------------------- */

enum weft_ftp_type {
	WEFT_FTP_OTHER, /* a device, a FIFO, or nobody knows */
	WEFT_FTP_FILE,
	WEFT_FTP_FOLDER,
	WEFT_FTP_LINK, /* a symbolic one */
};

/** How exactly a time was told. What is of days or minutes is in the server's time of day. */
enum weft_ftp_precision {
	WEFT_FTP_NO_TIME,
	WEFT_FTP_DAY,
	WEFT_FTP_MINUTE,
	WEFT_FTP_SECOND, /* and it is UTC */
};

struct weft_ftp_entry {
	const char *name;   /* as the server wrote it: look before you make a file of it */
	const char *target; /* of a link, where it is told; else NULL */
	const char *owner;  /* "": not told */
	enum weft_ftp_type type;
	enum weft_ftp_precision precision;
	int64_t size_bytes; /* -1: not told */
	int64_t modified_s; /* since 1970 */
	int mode;           /* permissions; -1: not told */
};

/** Entries that weft_ftp_client_list() takes, and longest line of a listing. */
#define WEFT_FTP_ENTRIES_MAX 1000000
#define WEFT_FTP_LINE_MAX    8190

/**
 * Called for each; 0, or -1 to end the listing, with its errno. What it is shown is lent. The
 * client is in use meanwhile.
 */
typedef int weft_ftp_entry_fn(void *arg, const struct weft_ftp_entry *entry);

/**
 * The entries of a folder as they come, in bounded memory, without "." and "..". path NULL or
 * "": the current one. By MLSD, else by LIST: Unix's form and DOS's are understood, lines of
 * neither are passed over.
 */
WEFT_API int weft_ftp_client_each(
	struct weft_ftp_client *client, const char *path, weft_ftp_entry_fn *fn, void *arg);

struct weft_ftp_list {
	struct weft_ftp_entry *entries; /* sorted by the bytes of their names */
	size_t count;
	char *names; /* that they point into */
};

/** All of them. Errors: EOVERFLOW (over WEFT_FTP_ENTRIES_MAX). */
WEFT_API int weft_ftp_client_list(
	struct weft_ftp_client *client, const char *path, struct weft_ftp_list *ret_list);

/** Free it; it is empty then. Keeps errno. */
WEFT_API void weft_ftp_list_fini(struct weft_ftp_list *list);

/**
 * What is at path: by MLST; else by SIZE, MDTM and CWD. The strings of the entry are the
 * client's, until its next call. Errors: ENOENT.
 */
WEFT_API int weft_ftp_client_stat(
	struct weft_ftp_client *client, const char *path, struct weft_ftp_entry *ret_entry);

/* ---- Files as streams --------------------------------------------------------------------- */

/* One at a time for each client. Bytes are bytes: TYPE I. */

/** RETR, from offset on (REST). Errors: ENOSYS (an offset, and no REST). */
WEFT_API struct weft_ftp_file *weft_ftp_client_retrieve(
	struct weft_ftp_client *client, const char *path, int64_t offset);

/** STOR, from offset on: what is there before it stays, what is behind it goes. */
WEFT_API struct weft_ftp_file *weft_ftp_client_store(
	struct weft_ftp_client *client, const char *path, int64_t offset);

/** APPE: behind what is there. */
WEFT_API struct weft_ftp_file *weft_ftp_client_append(
	struct weft_ftp_client *client, const char *path);

/** Read what there is, at least a byte. 0: the end; whether it is the file's, _end() tells. */
WEFT_API ssize_t weft_ftp_file_read(
	struct weft_ftp_file *transfer, void *buffer, size_t size_bytes);

/** Write all of it, gathered to some KiB. */
WEFT_API int weft_ftp_file_write(struct weft_ftp_file *transfer, const void *data, size_t len);

/**
 * End it, and wait for the server's word that all has come through. The transfer is freed in
 * any case. A download that was not read to its end is aborted; that is no failure.
 */
WEFT_API int weft_ftp_file_end(struct weft_ftp_file *transfer);

/**
 * Break it off: the data connection is reset, so that no server takes what it has for the
 * whole, and ABOR said. May wait for some seconds, also when the scope is over; a server that
 * says nothing loses its connection. NULL is fine. Keeps errno.
 */
WEFT_API void weft_ftp_file_abort(struct weft_ftp_file *transfer);

/* ---- Files as files ------------------------------------------------------------------------- */

/** Told of progress, now and then: bytes there, and of how many (-1: nobody knows). */
typedef void weft_ftp_progress_fn(void *arg, int64_t done, int64_t total);

struct weft_ftp_copy_options {
	bool no_resume;      /* downloads: begin at the first byte, whatever is there in part */
	bool resumes;        /* uploads: what is there is the first part of this file */
	bool no_times;       /* let the copy have the time at which it was made */
	bool verifies;       /* compare the SHA-256 of both, where the server has WEFT_FTP_HASH */
	bool uses_temporary; /* uploads: to "NAME.part", which is then renamed */
	const struct weft_ftp_entry *known; /* downloads: what a listing told; NULL: it is asked */
	weft_ftp_progress_fn *progress;
	void *progress_arg;
};

/**
 * Bring a file here. It is written beside local under a name of its own (".weft-....part"),
 * checked, brought to the disk and renamed: until then, and when it fails, what was there stays. A
 * part that was left of the same file (by its path, size and time on the server) is gone on
 * with. options may be NULL. Errors: EBUSY (somebody else brings the same file to there).
 */
WEFT_API int weft_ftp_client_download(struct weft_ftp_client *client, const char *remote,
	const char *local, const struct weft_ftp_copy_options *options);

/**
 * Bring a file there, under its name, and its time where the server lets (MFMT). A server keeps
 * no notes of what it has in part: that it may be gone on with is for the caller to know.
 *
 * Many servers show a file from its first byte on, and what was there before is gone then:
 * uses_temporary is for those. The old file stays until the new one is whole, and what is left of
 * a broken upload has a name that nobody takes for the file's; resumes goes on behind it.
 */
WEFT_API int weft_ftp_client_upload(struct weft_ftp_client *client, const char *local,
	const char *remote, const struct weft_ftp_copy_options *options);

/* ---- Several at a time ------------------------------------------------------------------------
 */

/**
 * Clients of one server, made as they are needed, max (1 to 64) at a time; who comes when all are
 * in use waits. host and options as for weft_ftp_client_connect(), and copied. Errors: EINVAL,
 * ENOMEM.
 */
WEFT_API struct weft_ftp_pool *weft_ftp_pool_new(
	const char *host, const struct weft_ftp_client_options *options, unsigned max);

/** When all its clients are given back. NULL is fine. */
WEFT_API void weft_ftp_pool_free(struct weft_ftp_pool *pool);

/** A client, nobody else's until weft_ftp_pool_give(). ret_fault may be NULL. */
WEFT_API struct weft_ftp_client *weft_ftp_pool_take(
	struct weft_ftp_pool *pool, struct weft_ftp_fault *ret_fault);

/** One whose connection is lost, or that has a transfer, is freed. NULL is fine. Keeps errno. */
WEFT_API void weft_ftp_pool_give(struct weft_ftp_pool *pool, struct weft_ftp_client *client);

WEFT_END

#endif
