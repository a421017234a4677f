/*
 * tls.h - TLS on streams, for the files that make it: tls*.c.
 *
 *	tls_context.c   struct weft_tls: options, generations, reload
 *	tls_setup.c     a generation: libssl's settings, out of options and files
 *	tls_session.c   resumption: a client's sessions, a server's ticket keys
 *	tls.c           the life of TLS on one stream; the handshake
 *	tls_io.c        the stream's layer: reading, writing, ending
 *	tls_accept.c    listeners whose connections begin with a handshake
 *	tls_bio.c       where libssl finds and leaves the bytes of the wire
 *	tls_fault.c     what libssl objects to, in words
 *	tls_facts.c     what was agreed on
 *
 *	                  reader                          writer
 *	descriptor -> in (sealed) -> SSL -> plain    plain -> SSL -> out (sealed) -> descriptor
 *	           ^ waits                                                        waits ^
 *
 * libssl never waits: it works on in and out, under the lock; all waiting is done outside of
 * it, by weft's own calls. One fiber may read while another writes.
 */
#ifndef WEFT_IO_TLS_H
#define WEFT_IO_TLS_H

#include <openssl/ssl.h>
#include <pthread.h>

#include "io/stream.h"
#include "weft/lock.h"
#include "weft/tls.h"

/** Plain bytes in one record, and what encryption adds to it and says besides, at most. */
#define WEFT__TLS_PLAIN_MAX    16384
#define WEFT__TLS_OVERHEAD_MAX 512

/** Buffers of encrypted bytes that wait to be sent: four records and some. */
#define WEFT__TLS_OUT_BUFFERS 5

/** Sessions that a client keeps, and servers with them. */
#define WEFT__TLS_SESSIONS_MAX 64

/** How long a server's key encrypts tickets; as long again it still decrypts them. */
#define WEFT__TLS_TICKET_KEY_LIFE WEFT_SECONDS(4 * 3600)

/* ---- What connections share ------------------------------------------------------------ */

struct weft__tls_ticket_key {
	unsigned char name[16], cipher[32], mac[32];
	int64_t born_ns; /* on weft_now(); 0: none yet */
};

struct weft__tls_session {
	char *server; /* "host port" */
	SSL_SESSION *session;
	uint64_t used; /* when, by the setup's count */
};

/** All that one reading of the files gave. Does not change, but for the sessions. */
struct weft__tls_setup {
	atomic_uint refs;
	struct weft_tls *tls;
	SSL_CTX *contexts[WEFT_TLS_IDENTITIES_MAX]; /* the first is everybody's */
	unsigned count;
	unsigned char *protocols; /* ALPN, as on the wire */
	unsigned protocols_len;

	pthread_mutex_t mutex; /* of the rest; never held while waiting */
	struct weft__tls_session sessions[WEFT__TLS_SESSIONS_MAX];
	uint64_t uses;
};

struct weft_tls {
	atomic_uint refs;
	bool is_server;
	union {
		struct weft_tls_server_options server;
		struct weft_tls_client_options client;
	};
	char *strings;         /* all that the options point to */
	pthread_mutex_t mutex; /* of the rest; never held while waiting */
	struct weft__tls_setup *setup;
	struct weft__tls_ticket_key ticket_keys[2]; /* the first encrypts */
	/* A server's: processes that were forked from its own read the files again when it has. */
	_Atomic unsigned *generation; /* shared with them: how often it has; NULL: a client's */
	atomic_uint own_generation;
	pid_t process; /* that made it */
};

/** A setup with one reference, which the caller ends. NULL with errno and the fault. */
struct weft__tls_setup *weft__tls_setup_new(struct weft_tls *tls, struct weft_tls_fault *fault);
struct weft__tls_setup *weft__tls_setup_ref(struct weft__tls_setup *setup);
void weft__tls_setup_unref(struct weft__tls_setup *setup);

struct weft_tls *weft__tls_ref(struct weft_tls *tls);
void weft__tls_unref(struct weft_tls *tls);

/** The setup in force, with a reference for the caller. */
struct weft__tls_setup *weft__tls_setup_of(struct weft_tls *tls);

/* ---- Resumption: tls_session.c ---------------------------------------------------------- */

/** Let the contexts' sessions be kept by us: in the setup, or in tickets. */
void weft__tls_sessions_prepare(struct weft__tls_setup *setup);
/** Offer what is kept for the server, if anything. */
void weft__tls_session_offer(struct weft__tls *tls);
/** Offer the session of another stream, which keeps it. */
void weft__tls_session_share(struct weft__tls *tls, struct weft__tls *first);
void weft__tls_sessions_fini(struct weft__tls_setup *setup);
/** Make a server's ticket keys those of now; the first if there is none. Under its mutex. */
bool weft__tls_keys_renew(struct weft_tls *tls);

/* ---- One stream -------------------------------------------------------------------------- */

/** Encrypted bytes, first in first out, in borrowed buffers. */
struct weft__tls_out {
	char *buffers[WEFT__TLS_OUT_BUFFERS];
	unsigned count;
	size_t start; /* in the first */
	size_t end;   /* in the last */
};

struct weft__tls {
	struct weft_lock lock; /* around each call of libssl; never held while waiting */
	SSL *ssl;
	struct weft__tls_setup *setup;
	int fd;
	BIO *kernel;                 /* OpenSSL's own on fd, where kTLS can be had; or NULL */
	struct weft__stream_half in; /* the reader's */
	bool is_in_over;             /* the connection's end was received */
	bool has_more;               /* perhaps: a record of which a part was read */
	struct weft__tls_out out;    /* under the lock */
	bool is_sending;             /* the writer is: out's front is its own */
	atomic_bool is_ready;        /* the handshake is done */
	bool is_prepared;            /* a listener's: the SSL is; under `starting` */
	struct weft_lock starting;   /* a listener's: held by whoever makes the handshake */
	bool is_shut;                /* our close_notify is sent, or in out */
	int wire_code;               /* why the descriptor took nothing from libssl; 0 */
	int control;                 /* to the kernel: the next record is of this type; 0: data */
	atomic_int code;             /* errno of every call from now on; 0 */
	char *server;                /* a client's: the name of its session, or NULL */
	char *host;                  /* a client's: that the server must be; NULL: anybody */
	struct weft__tls *first;     /* whose session it begins with; used by the handshake only */
	struct weft_tls_facts facts;
	char *facts_text;
	struct weft_tls_fault fault;
};

extern const struct weft__stream_layer weft__tls_layer;
extern const struct weft__stream_layer weft__tls_kernel_layer; /* the kernel encrypts */

/** TLS on a descriptor, of which nothing is begun. NULL: ENOMEM. */
struct weft__tls *weft__tls_new(int fd, struct weft_tls *shared);
/** Make all ready for the handshake. 0, or -1 with ENOMEM or EINVAL (the host). */
int weft__tls_prepare(struct weft__tls *tls, struct weft_stream *stream, const char *host);
/** The stream's bytes are tls's from here on, those it has received too. */
void weft__tls_take_over(
	struct weft_stream *stream, struct weft__tls *tls, const struct weft__stream_layer *layer);
/** Make the handshake, or go on with one that was interrupted. */
int weft__tls_handshake(struct weft__tls *tls);
void weft__tls_free(struct weft__tls *tls);

/** Never fails, and doesn't look at the scope: the lock is held for microseconds. */
void weft__tls_lock(struct weft__tls *tls);
void weft__tls_unlock(struct weft__tls *tls);

/** Wait for bytes of the peer, of which there are none. 0 also at the connection's end. */
int weft__tls_more(struct weft__tls *tls);
/** Wait until the kernel has all that is in out. */
int weft__tls_drain(struct weft__tls *tls);
/** Why libssl can't go on: an errno, and a fault if it is EPROTO. Under the lock. */
int weft__tls_code(struct weft__tls *tls);
/** Send what goes without waiting; under the lock. */
void weft__tls_push(struct weft__tls *tls);

/* ---- The wire: tls_bio.c ------------------------------------------------------------------- */

/** Give the stream's SSL its BIO. 0, or -1: ENOMEM. */
int weft__tls_bio_attach(struct weft__tls *tls);
/** Whether this kernel encrypts on TCP sockets. */
bool weft__tls_kernel_can(void);

size_t weft__tls_out_len(const struct weft__tls_out *out);
/** Borrow buffers until len bytes more have room. 0, or -1: ENOMEM, ENOBUFS (no place). */
int weft__tls_out_reserve(struct weft__tls_out *out, size_t len);
/** The front bytes, for sendmsg(2). How many parts. */
int weft__tls_out_parts(
	const struct weft__tls_out *out, struct iovec ret_parts[WEFT__TLS_OUT_BUFFERS]);
void weft__tls_out_advance(struct weft__tls_out *out, size_t len);
void weft__tls_out_fini(struct weft__tls_out *out);

/* ---- Words: tls_fault.c, tls_facts.c -------------------------------------------------------- */

/** Say it once: the first fault stays. */
__attribute__((format(printf, 3, 4))) void weft__tls_fault_set(
	struct weft_tls_fault *fault, enum weft_tls_fault_kind kind, const char *format, ...);
/** What libssl's queue of errors holds, which is emptied. EPROTO, or ENOMEM without a fault. */
int weft__tls_fault_of_queue(struct weft_tls_fault *fault, bool is_ready);
/** For SSL_set_verify(): notes why a certificate is refused. */
int weft__tls_fault_verify(int is_good, X509_STORE_CTX *store);

/** The certificate's subject as RFC 2253 writes it, cut to size bytes with its NUL. */
void weft__tls_print_subject(X509 *certificate, char *ret_text, size_t size);

/** Note what was agreed on. 0, or -1: ENOMEM. */
int weft__tls_facts_note(struct weft__tls *tls);

#endif
