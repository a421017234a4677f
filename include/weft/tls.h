/*
 * weft/tls.h - TLS 1.2 and 1.3 on a stream, as server and as client (RFC 5246, RFC 8446).
 *
 * A server, whose handlers are the same as without TLS:
 *
 *	struct weft_tls_server_options options = {.certificate = "chain.pem", .key = "key.pem"};
 *	struct weft_tls *tls = weft_tls_server_new(&options, NULL);
 *
 *	if (weft_listener_use_tls(listener, tls) == 0)
 *		weft_serve(listener, handler, NULL, NULL);
 *
 * A client; and either of them by itself, on a stream of its own, in the middle of a
 * conversation: weft_stream_start_tls().
 *
 *	stream = weft_stream_connect_tls("example.org:443", weft_tls_client_new(NULL, NULL), NULL);
 *
 * Once it is started, the calls of weft/stream.h are encrypted: nothing else changes. What
 * does have a meaning of its own:
 * - the end of the stream is the peer's close_notify. A connection that ends without it may
 *   have been cut short by somebody in between: reads fail with EPROTO, WEFT_TLS_CUT_OFF;
 * - weft_stream_shutdown_write() sends our close_notify; so does weft_serve() after a handler,
 *   and weft_stream_free(), but that without waiting, when all that was written is sent;
 * - whether the descriptor is readable says little: what can be read may have been received
 *   already, and what was received may be no data.
 *
 * A client checks the server's certificate, against the system's authorities and the name
 * that it asked for, unless it is told not to. There is no compression, no renegotiation, no
 * early data; nothing older than TLS 1.2. Times are judged by weft_wall_now().
 *
 * Errors: -1 or NULL, with errno. What TLS itself objects to is EPROTO, and the fault says
 * what, for a program and for a person. A stream that has failed so stays failed.
 */
#ifndef WEFT_TLS_H
#define WEFT_TLS_H

#include "weft/serve.h"

WEFT_BEGIN

struct weft_tls; /* opaque: src/io/tls_context.c */

/** Longest sentence of a fault, with its NUL. */
#define WEFT_TLS_FAULT_TEXT_MAX 256

/** Certificates that one server can choose from. */
#define WEFT_TLS_IDENTITIES_MAX 64

/* ---- Faults ------------------------------------------------------------------------ */

enum weft_tls_fault_kind {
	WEFT_TLS_NO_FAULT,        /* if a call failed all the same: errno says why */
	WEFT_TLS_FILE,            /* a file of the options is missing, or isn't what it should be */
	WEFT_TLS_KEY_MISMATCH,    /* the key is not the certificate's */
	WEFT_TLS_EXPIRED,         /* the peer's certificate */
	WEFT_TLS_NOT_YET_VALID,   /* the peer's certificate */
	WEFT_TLS_WRONG_HOST,      /* the certificate is somebody else's */
	WEFT_TLS_SELF_SIGNED,     /* nobody vouches for the certificate */
	WEFT_TLS_UNKNOWN_ISSUER,  /* whoever vouches for it is not trusted */
	WEFT_TLS_BAD_CERTIFICATE, /* anything else that makes a certificate worthless */
	WEFT_TLS_NO_CERTIFICATE,  /* the client sent none, and one is needed */
	WEFT_TLS_NOTHING_SHARED,  /* no version, cipher or application protocol in common */
	WEFT_TLS_NOT_TLS,         /* the peer speaks something else */
	WEFT_TLS_CUT_OFF,         /* the connection ended without close_notify */
	WEFT_TLS_REFUSED,         /* the peer sent an alert: it objects to us */
	WEFT_TLS_BROKEN,          /* anything else that breaks the protocol */
};

/** What TLS objected to. The text is one sentence, without anything unprintable in it. */
struct weft_tls_fault {
	enum weft_tls_fault_kind kind;
	char text[WEFT_TLS_FAULT_TEXT_MAX];
};

/* ---- Settings ----------------------------------------------------------------------- */

enum weft_tls_version {
	WEFT_TLS_ANY_VERSION,
	WEFT_TLS_1_2,
	WEFT_TLS_1_3,
};

/** Who one is: PEM files of a certificate with its chain, and of its private key. */
struct weft_tls_identity {
	const char *certificate;
	const char *key; /* NULL: in the certificate's file */
};

struct weft_tls_server_options {
	const char *certificate; /* as in an identity; of whoever asks for no other's name */
	const char *key;
	const struct weft_tls_identity *others; /* chosen by the name asked for (SNI) */
	unsigned others_count;                  /* under WEFT_TLS_IDENTITIES_MAX */
	const char *const *protocols;  /* ALPN, most wanted first, NULL at the end; NULL: none. A
					* client that offers others only is refused */
	const char *client_issuers;    /* PEM file: clients are asked for a certificate by one of
					* these, and refused with any other; NULL: not asked */
	bool needs_client_certificate; /* and refused without one */
	enum weft_tls_version version_min, version_max;
	bool no_resumption; /* every connection makes a whole handshake */
	bool no_kernel;     /* encrypt here even where the kernel would do it */
};

struct weft_tls_client_options {
	const char *issuers;     /* PEM file: trusted instead of the system's */
	const char *certificate; /* as in an identity, for servers that ask; NULL: none */
	const char *key;
	const char *const *protocols; /* ALPN, most wanted first, NULL at the end; NULL: none */
	enum weft_tls_version version_min, version_max;
	bool accepts_anybody; /* no certificate is checked: whoever is in between can read all */
	bool no_resumption;
	bool no_kernel;
};

/**
 * Read the files and make ready what connections share. They block the thread for some
 * milliseconds. ret_fault may be NULL. End it with weft_tls_free(). Any number of threads
 * may use it at a time.
 * Errors: EINVAL (no certificate; too many; a protocol's name that is empty or over 255
 * bytes; version_min over version_max), EPROTO with the fault WEFT_TLS_FILE or
 * WEFT_TLS_KEY_MISMATCH, ENOMEM.
 */
WEFT_API struct weft_tls *weft_tls_server_new(
	const struct weft_tls_server_options *options, struct weft_tls_fault *ret_fault);

/** The same for clients; options may be NULL. */
WEFT_API struct weft_tls *weft_tls_client_new(
	const struct weft_tls_client_options *options, struct weft_tls_fault *ret_fault);

/** NULL is fine. Streams that were started with it go on. */
WEFT_API void weft_tls_free(struct weft_tls *tls);

/**
 * Read the same files again. Connections that are made from now on use what is in them; the
 * others go on with what they have. When something is wrong with one, nothing changes. A
 * client forgets its sessions. From any thread, while others start streams. Processes that were
 * forked after weft_tls_server_new() follow, before their next handshake.
 * Errors: as weft_tls_server_new().
 */
WEFT_API int weft_tls_reload(struct weft_tls *tls, struct weft_tls_fault *ret_fault);

/* ---- Streams ------------------------------------------------------------------------- */

/**
 * Make the handshake, as server or client, as tls is; nobody else may use the stream
 * meanwhile. What was written before is flushed first, in the clear. What was received and
 * not yet read counts as the beginning of the handshake: nothing that came in the clear can
 * ever be read as if it had been encrypted. Bound it by a scope: peers can be slow.
 *
 * host: for a client, the name or the numeric address that the server's certificate must be
 * for; a name is told to the server (SNI). May be NULL only if the client accepts anybody.
 * For a server it is ignored.
 *
 * On failure the stream can only be freed: reads and writes fail with EPROTO.
 * Errors: EPROTO (weft_stream_tls_fault()), ETIMEDOUT, ECANCELED, ECONNRESET, EPIPE, ENOMEM;
 * before anything has happened: EALREADY (started before), ENOTSOCK, EINVAL (no host, no tls).
 */
WEFT_API int weft_stream_start_tls(
	struct weft_stream *stream, struct weft_tls *tls, const char *host);

/**
 * The same for one more connection of the conversation that is held on first, as
 * the data connections of FTP are (RFC 4217, section 10.2). As client, with first's settings, for
 * the host that it was started for, and going on with its session, by which the server knows who it
 * is. Nobody else may use first meanwhile.
 *
 * As server, where first is a server's, with its settings; and no new session is offered: a client
 * that only sends never reads what is offered, and its close would then be a reset, which takes
 * with it what it has sent. Errors: EINVAL (first is not started).
 */
WEFT_API int weft_stream_start_tls_beside(struct weft_stream *stream, struct weft_stream *first);

/**
 * weft_stream_connect() and weft_stream_start_tls() for the host in "HOST:PORT". ret_fault
 * may be NULL. Errors: theirs.
 */
WEFT_API struct weft_stream *weft_stream_connect_tls(
	const char *host_port, struct weft_tls *tls, struct weft_tls_fault *ret_fault);

/**
 * Every connection that the listener accepts from now on begins with a handshake, as tls's
 * server: in its handler's fiber, as part of its first read or write, and within the scope of
 * that. So weft_serve(), the HTTP server and all handlers serve TLS without knowing of it. A
 * handler that wants the facts first calls weft_stream_start_tls(peer, NULL, NULL), which
 * makes the handshake at once. One that was interrupted goes on with the next call.
 * tls is borrowed until the listener ends. Before anybody accepts. Errors: EINVAL (a client's,
 * or NULL: a weft_tls_server_new() that failed). After that the listener serves nobody, rather
 * than in the clear: weft_serve() and weft_listener_accept() fail with EINVAL.
 */
WEFT_API int weft_listener_use_tls(struct weft_listener *listener, struct weft_tls *tls);

/** What a stream agreed on with its peer. The strings are the stream's. */
struct weft_tls_facts {
	const char *version;     /* "TLSv1.3" */
	const char *cipher;      /* "TLS_AES_256_GCM_SHA384" */
	const char *protocol;    /* by ALPN; "": none */
	const char *server_name; /* that the client asked for; "": none */
	const char *peer; /* subject of the peer's certificate (RFC 2253); "": it sent none */
	const char *fingerprint; /* of that certificate: SHA-256, in hexadecimal; "" */
	bool is_verified;        /* the peer has a certificate, and it was checked */
	bool is_resumed;         /* the handshake went on from an earlier one */
	bool is_kernel_sending;  /* the kernel encrypts what we send: sendfile(2) copies nothing */
};

/** NULL: no TLS, or not yet. */
WEFT_API const struct weft_tls_facts *weft_stream_tls(const struct weft_stream *stream);

/**
 * What TLS objected to on this stream: the first fault stays. By whoever had the failing
 * call. Never NULL.
 */
WEFT_API const struct weft_tls_fault *weft_stream_tls_fault(const struct weft_stream *stream);

WEFT_END

#endif
