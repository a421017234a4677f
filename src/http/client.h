/*
 * client.h - what a client, its connections and its fetches are, for the files of the client.
 *
 *	client.c          clients, and the connections that they keep
 *	client_connect.c  a connection for a fetch: kept or new, with TLS where it belongs
 *	client_head.c     the head of a request
 *	client_send.c     its body
 *	client_response.c the head of the response
 *	client_body.c     its body; client_gzip.c what undoes gzip
 *	client_redirect.c where it leads to
 *	fetch.c           all of that in its order: exchanges, retries
 *
 *	           +---------- redirect, lost connection <----------+
 *	           v                                                |
 *	(begun) SENDING --> all is sent, the response's head is there --> READING --> ENDED
 *	           |                                                          |
 *	           +---------------------> FAILED <---------------------------+
 */
#ifndef WEFT_SRC_HTTP_CLIENT_H
#define WEFT_SRC_HTTP_CLIENT_H

#include <pthread.h>
#include <sys/types.h>

#include "http/chunks.h"
#include "http/parse_response.h"
#include "weft/http_client.h"
#include "weft/str.h"
#include "weft/stream.h"

/* ---- Connections -------------------------------------------------------------------- */

struct weft__http_client_connection {
	struct weft__http_client_connection *next; /* of those that are about to be closed */
	struct weft_stream *stream;
	int64_t idle_since_ns;
	pid_t process;  /* whose it is: one that was forked off has no more than its descriptor */
	bool is_reused; /* it has served a fetch before */
	char key[];     /* where it leads, and how */
};

struct weft_http_client {
	struct weft_http_client_options options; /* with what 0 stands for filled in */
	int64_t continue_ns;   /* for leave to send a body: WEFT__HTTP_CONTINUE_NS, but in a test */
	pthread_mutex_t mutex; /* for what follows; never held across a wait */
	struct weft_tls *tls;  /* its own; NULL: not needed so far, or the options' */
	pid_t process;         /* whose the idle ones are */
	unsigned idle_count;
	struct weft__http_client_connection *idle[]; /* the one unused longest first */
};

/** A kept connection that still stands, or NULL. */
struct weft__http_client_connection *weft__http_client_take(
	struct weft_http_client *client, const char *key);

/** Keep it, and if that makes too many, close another. */
void weft__http_client_keep(
	struct weft_http_client *client, struct weft__http_client_connection *connection);

/** The settings for https; NULL with errno and the fault. */
struct weft_tls *weft__http_client_tls(
	struct weft_http_client *client, struct weft_tls_fault *ret_fault);

/** Close it. NULL is fine. */
void weft__http_client_connection_free(struct weft__http_client_connection *connection);

/* ---- Fetches ------------------------------------------------------------------------ */

enum weft__http_fetch_state {
	WEFT__HTTP_SENDING,
	WEFT__HTTP_READING,
	WEFT__HTTP_ENDED,
	WEFT__HTTP_FAILED,
};

struct weft__http_gunzip;

struct weft_http_fetch {
	struct weft_http_client *client;
	bool owns_client;
	struct weft_http_fetch_options
		options;     /* what it points to is borrowed up to the response */
	int64_t deadline_ns; /* INT64_MAX: none */
	enum weft__http_fetch_state state;
	int code; /* FAILED: errno */
	struct weft_http_fault fault;

	/* The request. */
	struct weft_http_url *url;
	const char *method;
	struct weft_str request; /* its head */
	bool has_body;           /* body_len says how much, is written or lent */
	bool is_elsewhere;       /* it was redirected to another origin: no credentials any more */
	bool is_streamed;        /* the body comes by weft_http_fetch_write(), once */
	unsigned redirects;

	/* This exchange. */
	struct weft__http_client_connection *connection; /* NULL: none, or none any more */
	int64_t sent_len;                                /* of the body */
	bool is_sent;                                    /* all of the request */
	bool has_heard;                                  /* a byte of the response is there */
	bool is_answered;                                /* before all was sent */
	bool is_lost;                                    /* the server takes no more of it */
	bool is_welcome;   /* it has answered, and takes the rest as well */
	size_t unseen_len; /* sent since was last looked for an answer */

	/* The response. */
	struct weft__http_response_head response;
	char *head; /* its bytes; NULL: not there yet */
	enum weft__http_framing framing;
	uint64_t left; /* by length */
	struct weft__http_chunks chunks;
	bool is_received;                 /* all of it; the connection is gone */
	struct weft__http_gunzip *gunzip; /* NULL: the body is as it comes */
};

/** How long the next step may take. */
int64_t weft__http_fetch_patience(const struct weft_http_fetch *fetch);

/** Note why it failed, in a sentence. Sets errno to code. Returns -1. */
__attribute__((format(printf, 4, 5))) int weft__http_fetch_fail(struct weft_http_fetch *fetch,
	enum weft_http_fault_kind kind, int code, const char *format, ...);

/** The same, the sentence being about what, and why being errno's. */
int weft__http_fetch_fail_errno(
	struct weft_http_fetch *fetch, enum weft_http_fault_kind kind, const char *what);

/** The connection can't be used after this. */
void weft__http_fetch_hang_up(struct weft_http_fetch *fetch);

/** client_connect.c: a connection to the URL's host; is_new: not a kept one. */
int weft__http_fetch_connect(struct weft_http_fetch *fetch, bool is_new);

/** client_head.c: make the head of the next request. */
int weft__http_fetch_make_head(struct weft_http_fetch *fetch);

/** client_send.c: send it, to the stream's buffer or further. */
int weft__http_fetch_send_head(struct weft_http_fetch *fetch);

/** client_send.c: send the body that the options lead to; or flush what was written. */
int weft__http_fetch_send_body(struct weft_http_fetch *fetch);
int weft__http_fetch_send_flush(struct weft_http_fetch *fetch);

/** client_send.c: write len bytes of the body. */
int weft__http_fetch_send(struct weft_http_fetch *fetch, const void *data, size_t len);

/** client_send.c: end the body, and flush. */
int weft__http_fetch_send_end(struct weft_http_fetch *fetch);

/** client_response.c: wait for the final response's head, and take it. */
int weft__http_fetch_await(struct weft_http_fetch *fetch);

/** client_response.c: wait for leave to send the body. */
int weft__http_fetch_await_continue(struct weft_http_fetch *fetch);

/**
 * client_response.c: whether what has come says that the body is not wanted (RFC 9112, section
 * 9.5). Nothing is waited for, or consumed.
 */
bool weft__http_fetch_is_refused(struct weft_http_fetch *fetch);

/** client_response.c: forget the response. */
void weft__http_fetch_forget(struct weft_http_fetch *fetch);

/**
 * client_redirect.c: what the response asks for. 1: the next exchange, which is prepared; 0:
 * nothing, it is the caller's; -1.
 */
int weft__http_fetch_redirect(struct weft_http_fetch *fetch);

/** client_body.c: begin with the body, whose head is there. */
int weft__http_fetch_open_body(struct weft_http_fetch *fetch);

/** client_body.c: drop what is left of it, waiting for it or not; the connection is kept or not. */
void weft__http_fetch_drop_body(struct weft_http_fetch *fetch, bool may_wait);

/* ---- gzip --------------------------------------------------------------------------- */

/** Whether it is there at all. */
extern const bool weft__http_has_gunzip;

/** ENOMEM, ENOSYS. */
struct weft__http_gunzip *weft__http_gunzip_new(void);
void weft__http_gunzip_free(struct weft__http_gunzip *gunzip);

/** Room for encoded bytes, once all of the last ones are used; NULL before that. */
char *weft__http_gunzip_room(struct weft__http_gunzip *gunzip, size_t *ret_size);

/** So many were put there; 0: there are no more. */
void weft__http_gunzip_put(struct weft__http_gunzip *gunzip, size_t len);

/**
 * Decode into buffer. How many bytes; 0: more has to be put, or (weft__http_gunzip_is_whole())
 * that was all; -1: EBADMSG, ENOMEM.
 */
ssize_t weft__http_gunzip_take(struct weft__http_gunzip *gunzip, void *buffer, size_t size_bytes);
bool weft__http_gunzip_is_whole(const struct weft__http_gunzip *gunzip);

#endif
