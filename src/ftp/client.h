/*
 * client.h - what a client, its transfers and its faults are, for the files of the client.
 *
 *	client.c          commands and replies; faults
 *	client_connect.c  connecting, TLS, logging in, what the server can; the end
 *	client_data.c     data connections: passive, active, encrypted
 *	client_transfer.c files as streams
 *	client_list.c     listings; what is at a path
 *	client_files.c    one command each: rename, delete, ...
 *	client_download.c, client_upload.c
 *	                  files brought here and there, whole or from where they were left
 *	client_copy.c     what these two have in common: sums
 *	client_pool.c     several clients of one server
 *	reply.c, listing.c  what servers say, parsed
 *
 *	(connected) IDLE --RETR, STOR--> TRANSFER --226--> IDLE
 *	              |                     |
 *	              +-------> LOST <------+	an answer that did not come, or can't be read
 */
#ifndef WEFT_SRC_FTP_CLIENT_H
#define WEFT_SRC_FTP_CLIENT_H

#include "ftp/reply.h"
#include "weft/file.h"
#include "weft/ftp_client.h"
#include "weft/stream.h"

/** Longest command line, its line end included. */
#define WEFT__FTP_COMMAND_MAX (WEFT_FTP_PATH_MAX + 64)

/** Of the host of a client. */
#define WEFT__FTP_HOST_MAX 255

/** For each step, where the options say nothing. */
#define WEFT__FTP_TIMEOUT_NS WEFT_SECONDS(60)

/** For a server to get over a transfer that was broken off. */
#define WEFT__FTP_ABORT_NS WEFT_SECONDS(5)

struct weft_ftp_client {
	struct weft_ftp_client_options options; /* the strings are its own */
	char *strings[3];                       /* of the options */
	char host[WEFT__FTP_HOST_MAX + 1];
	uint16_t port;
	struct weft_stream *control;     /* NULL: closed */
	struct weft_address local, peer; /* of the control connection */
	struct weft_tls *tls;            /* its own; NULL: not needed, or the options' */
	char *greeting;
	unsigned features;
	bool has_private_data; /* PROT P is in force */
	bool is_binary;        /* TYPE I is */
	bool has_no_epsv;      /* the server has refused it */
	bool has_no_list_a;    /* LIST -a */
	char *folder;          /* the current one; NULL: not asked for, or it has changed */
	char line[WEFT__FTP_COMMAND_MAX * 2]; /* of the command that is being sent */
	struct weft__ftp_reply reply;
	struct weft_ftp_file *transfer; /* under way; NULL */
	char *lines;                    /* that weft_ftp_client_stat()'s entry points into */
	struct weft_ftp_fault fault;
};

/** A data connection: for a reader or a writer. */
struct weft_ftp_file {
	struct weft_ftp_client *client;
	struct weft_stream *stream; /* NULL: it is not there yet */
	int listen_fd;              /* active: where the server connects to; -1 */
	bool is_upload;
	bool is_at_end; /* the peer's end was read */
	bool has_failed;
};

/* ---- Faults: client.c --------------------------------------------------------------- */

/** Note why a call failed, in a sentence. Sets errno to error. Returns -1. */
__attribute__((format(printf, 4, 5))) int weft__ftp_fail(struct weft_ftp_client *client,
	enum weft_ftp_fault_kind kind, int error, const char *format, ...);

/** The same, the reason being errno's; kind unless it is an interruption, or a cut-off. */
int weft__ftp_fail_errno(
	struct weft_ftp_client *client, enum weft_ftp_fault_kind kind, const char *what);

/** The last reply is a refusal of what. */
int weft__ftp_fail_reply(struct weft_ftp_client *client, const char *what);

/** The same of a command with its argument, which may be NULL. */
int weft__ftp_fail_order(struct weft_ftp_client *client, const char *verb, const char *argument);

/** Append text from outside to a fault's buffer, harmless, and cut to size. */
void weft__ftp_visible(const char *text, char *ret_text, size_t size);

/* ---- Commands: client.c --------------------------------------------------------------- */

/** How long the next step may take. */
int64_t weft__ftp_patience(const struct weft_ftp_client *client);

/** Close the control connection: nothing more can be said. */
void weft__ftp_hang_up(struct weft_ftp_client *client);

/** Whether it can be a path: no control character, not empty, not too long. 0 or -1. */
int weft__ftp_check_path(struct weft_ftp_client *client, const char *path);

/** Send a command; argument may be NULL. Nothing is waited for but room. */
int weft__ftp_send(struct weft_ftp_client *client, const char *verb, const char *argument);

/** Wait for the next reply. Its code, or -1. */
int weft__ftp_await(struct weft_ftp_client *client);

/** Both, when no transfer is under way. The code, or -1. */
int weft__ftp_ask(struct weft_ftp_client *client, const char *verb, const char *argument);

/** The same: 0 if the answer is 2xx, else -1 with a refusal. */
int weft__ftp_order(struct weft_ftp_client *client, const char *verb, const char *argument);

/** Encrypt a connection; first: the control connection, for one of data. */
int weft__ftp_start_tls(
	struct weft_ftp_client *client, struct weft_stream *stream, struct weft_stream *first);

/* ---- Transfers: client_data.c, client_transfer.c ---------------------------------------- */

/** Where data is to come from or go to: connected, or listening. */
int weft__ftp_data_prepare(struct weft_ftp_client *client, struct weft_ftp_file *transfer);

/** The server has said 1xx: accept, encrypt. */
int weft__ftp_data_begin(struct weft_ftp_client *client, struct weft_ftp_file *transfer);

/** Close it, as it is; is_abort: by a reset. */
void weft__ftp_data_close(struct weft_ftp_file *transfer, bool is_abort);

/** A transfer that begins with this command. */
struct weft_ftp_file *weft__ftp_file_new(struct weft_ftp_client *client, const char *verb,
	const char *argument, int64_t offset, bool is_upload);

/** The next line of it, NUL-terminated in line; 1, 0 at the end, -1. */
int weft__ftp_file_line(struct weft_ftp_file *transfer, char line[WEFT_FTP_LINE_MAX + 2]);

/* ---- Whole files: client_copy.c ---------------------------------------------------------- */

/** Bytes that are moved at a time. */
#define WEFT__FTP_BLOCK 65536

/** Where none were given. */
extern const struct weft_ftp_copy_options weft__ftp_plain_copy;

/** Something here failed, for errno's reason: path. Returns -1. */
int weft__ftp_fail_local(struct weft_ftp_client *client, const char *path);

/** Tell of progress, if somebody wants to hear. */
void weft__ftp_tell(const struct weft_ftp_copy_options *options, int64_t done, int64_t total);

/** Whether the file there has the SHA-256 of the one here; 0 too where it can't be asked for. */
int weft__ftp_verify(struct weft_ftp_client *client, const char *remote, struct weft_file *file,
	int64_t size_bytes);

#endif
