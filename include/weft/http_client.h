/*
 * weft/http_client.h - an HTTP/1.1 client: one call fetches, the body comes as a stream.
 *
 *	struct weft_http_fault fault;
 *	struct weft_http_fetch_options options = {.ret_fault = &fault};
 *	struct weft_http_fetch *fetch = weft_http_get("https://example.org/", &options);
 *	ssize_t len;
 *
 *	if (!fetch)
 *		fprintf(stderr, "%s\n", fault.text);
 *	else if (weft_http_fetch_status(fetch) == 200)
 *		while ((len = weft_http_fetch_read(fetch, buffer, sizeof(buffer))) > 0)
 *			fwrite(buffer, 1, (size_t)len, stdout);
 *	weft_http_fetch_free(fetch);
 *
 * A fetch is one request with its response, over as many redirects as it takes. A status of
 * 400 and above is a response like any other. Who fetches more than once makes a client: its
 * fetches share connections that stay open, and the reading of the system's authorities.
 *
 * Calls that wait park the fiber, or block the thread; the ambient scope (weft/scope.h) bounds
 * them, and the options' timeouts do. HTTPS is checked as weft/tls.h says. What two readers
 * could take for different responses is refused. docs/http.md says what is done by which
 * section of which RFC. There are no proxies, no cookies kept, no HTTP/2.
 *
 * Threads: a client serves any number of fibers and threads at a time; a fetch, one. After fork(2)
 * a client serves both processes, and the child makes connections of its own; the parent's fetches
 * it can only end.
 * Errors: -1 or NULL, with errno set, and a struct weft_http_fault with a sentence. Calls that
 * wait can end with ETIMEDOUT, ECANCELED, ECONNRESET or EPIPE; comments list what is special.
 */
#ifndef WEFT_HTTP_CLIENT_H
#define WEFT_HTTP_CLIENT_H

#include "weft/http.h"
#include "weft/tls.h"

WEFT_BEGIN

struct weft_http_client; /* opaque: src/http/client.c */
struct weft_http_fetch;  /* opaque: src/http/client.h */

/* ---- What went wrong ---------------------------------------------------------------- */

/** Longest sentence of a fault, with its NUL. */
#define WEFT_HTTP_FAULT_TEXT_MAX 320

enum weft_http_fault_kind {
	WEFT_HTTP_NO_FAULT,
	WEFT_HTTP_BAD_URL,         /* EINVAL */
	WEFT_HTTP_BAD_REQUEST,     /* EINVAL, EMSGSIZE: an option that can't be sent */
	WEFT_HTTP_NO_HOST,         /* ENOENT, EAGAIN: the name is not known, or not now */
	WEFT_HTTP_NO_CONNECTION,   /* those of connect(2) */
	WEFT_HTTP_ADDRESS_REFUSED, /* EACCES: the client's allows() takes none of the host's */
	WEFT_HTTP_NO_TLS,          /* EPROTO: the text says what TLS objects to */
	WEFT_HTTP_NOT_SENT,        /* the body's source failed, or it had not the length it said */
	WEFT_HTTP_BAD_RESPONSE,    /* EBADMSG: it can't be read */
	WEFT_HTTP_CUT_OFF,         /* EPIPE, ECONNRESET, EPROTO: it ended too early */
	WEFT_HTTP_TOO_LONG,        /* EMSGSIZE: over weft_http_fetch_read_all()'s bound */
	WEFT_HTTP_TOO_MANY_REDIRECTS, /* ELOOP */
	WEFT_HTTP_REDIRECT_REFUSED,   /* EACCES: to where the options don't allow it */
	WEFT_HTTP_INTERRUPTED,        /* ETIMEDOUT, ECANCELED */
	WEFT_HTTP_OTHER_FAULT,        /* ENOMEM, EMFILE: errno says it all */
};

/** The text is one sentence; what is quoted from outside in it is printable ASCII. */
struct weft_http_fault {
	enum weft_http_fault_kind kind;
	char text[WEFT_HTTP_FAULT_TEXT_MAX];
};

/* ---- URLs --------------------------------------------------------------------------- */

/** Longest URL, in bytes once it is encoded. */
#define WEFT_HTTP_URL_MAX 8000

enum weft_http_url_fault {
	WEFT_HTTP_URL_GOOD,
	WEFT_HTTP_URL_SCHEME,   /* neither http nor https */
	WEFT_HTTP_URL_CONTROL,  /* a control character: a line end, a tab, ... */
	WEFT_HTTP_URL_USERINFO, /* "user@": credentials are options, and not for logs */
	WEFT_HTTP_URL_HOST,     /* no name, no IPv4 address, no IPv6 address in brackets */
	WEFT_HTTP_URL_PORT,     /* not 1 to 65535 */
	WEFT_HTTP_URL_LONG,
};

/** An http or https URL (RFC 9110, section 4.2) in one normal form, without a fragment. */
struct weft_http_url {
	const char *text;   /* all of it */
	const char *host;   /* in lower case; an IPv6 address without its brackets */
	const char *target; /* path and query, beginning with '/' */
	uint16_t port;      /* the scheme's own, when none was said */
	bool is_https;
};

/**
 * Take a URL apart. What may not stand in it as it is (a space, UTF-8, ...) is percent-encoded,
 * "." and ".." are resolved. One block, to be freed with weft_http_url_free(). Names of hosts
 * are of letters, digits, '-', '_' and '.' (RFC 3986, 3.2.2); others have to be encoded for the
 * DNS by the caller. ret_fault may be NULL. Errors: EINVAL with *ret_fault, ENOMEM.
 */
WEFT_API struct weft_http_url *weft_http_url_parse(
	const char *text, enum weft_http_url_fault *ret_fault);

/** The same of what a document at base refers to, "../x?y" or a whole URL (RFC 3986, 5.2). */
WEFT_API struct weft_http_url *weft_http_url_resolve(const struct weft_http_url *base,
	const char *reference, enum weft_http_url_fault *ret_fault);

/** NULL is fine. */
WEFT_API void weft_http_url_free(struct weft_http_url *url);

/** A sentence for a person. */
WEFT_API const char *weft_http_url_fault_text(enum weft_http_url_fault fault);

/* ---- Clients ------------------------------------------------------------------------ */

/**
 * Whether a host's address may be connected to; also asked after redirects. For who fetches URLs
 * that strangers chose: a name of theirs may lead into one's own network.
 */
typedef bool weft_http_allow_fn(const struct weft_address *address, void *arg);

struct weft_http_client_options {
	struct weft_tls *tls;       /* a client's, borrowed, better with ALPN for "http/1.1" only;
				     * NULL: the system's authorities, read at the first need */
	const char *user_agent;     /* borrowed; NULL: "weft/VERSION"; "": none */
	unsigned idle_per_host_max; /* connections kept open while unused; 0: 8 */
	unsigned idle_max;          /* over all hosts; 0: 64 */
	int64_t idle_timeout_ns;    /* kept so long; 0: 30 s */
	bool no_keep_alive;         /* every request has a connection of its own */
	weft_http_allow_fn *allows; /* NULL: every address */
	void *allows_arg;
};

/** options may be NULL. Errors: EINVAL (idle_max over 4096), ENOMEM. */
WEFT_API struct weft_http_client *weft_http_client_new(
	const struct weft_http_client_options *options);

/** When all its fetches are freed. NULL is fine. */
WEFT_API void weft_http_client_free(struct weft_http_client *client);

/**
 * How many connections are kept open while unused. Those over their time are closed by this
 * call, as by every fetch's beginning and end.
 */
WEFT_API unsigned weft_http_client_idle(struct weft_http_client *client);

/* ---- Requests ----------------------------------------------------------------------- */

struct weft_http_field {
	const char *name, *value;
};

/**
 * Lends the bytes of a request's body: writes up to size_bytes, those from offset on, into
 * buffer. Returns how many, 0 at the end, -1 with errno. Offsets go on from one call to the next,
 * but begin again at 0 when a redirect or a lost connection asks for the body once more: a
 * source that can't go back fails then, with ESPIPE. May wait.
 */
typedef ssize_t weft_http_source_fn(void *arg, int64_t offset, void *buffer, size_t size_bytes);

/**
 * What differs from a plain GET. It and all it leads to is borrowed until the response's head
 * is there.
 */
struct weft_http_fetch_options {
	struct weft_http_client *client; /* NULL: one of the fetch's own */
	const char *method; /* a token, in capitals as a rule; NULL: POST with a body, else GET */
	const struct weft_http_field *fields; /* more of the head; not Host, Connection and others
					       * that frame the message: the client's own */
	size_t field_count;

	const char *body_type;            /* Content-Type */
	const void *body;                 /* in memory, body_len bytes; or */
	weft_http_source_fn *body_source; /* by calls, */
	void *body_arg;                   /* whose arg this is */
	int64_t body_len; /* WEFT_HTTP_LEN_UNKNOWN: sent in chunks; 0: there is no body, or, with
			   * one of the above, an empty one */
	bool expects_continue; /* ask first, and wait a second for leave to send the body */

	const char *user, *password; /* Basic (RFC 7617): UTF-8, no ':' in user; NULL: none */
	const char *bearer;          /* a token (RFC 6750); only over https, to a loopback address
				      * or by unix_path */
	const char *unix_path;       /* connect to this Unix socket ("@name": an abstract one),
				      * whatever the URL's host */

	int64_t timeout_ns;       /* for all of it, up to the body's last byte; 0: no bound */
	int64_t stall_timeout_ns; /* for the next step or byte either way; 0: 60 s; negative: none
				   */
	int redirects_max;        /* followed; 0: 10; negative: none, they are responses */
	bool allows_downgrade;    /* redirects may lead from https to http */
	bool decodes_gzip;        /* ask for it, and undo it; ENOSYS when built without zlib */
	struct weft_http_fault *ret_fault; /* why NULL was returned; may be NULL */
};

/**
 * Fetch: connect, send the request and its body, follow redirects (RFC 9110, 15.4), and return
 * with the head of the final response. A request that may be repeated (GET, HEAD, PUT, DELETE,
 * OPTIONS, TRACE) is, once, on a new connection when the server has closed the old one
 * meanwhile. To another host, port or scheme, neither the credentials go, nor the fields
 * Authorization, Cookie and Proxy-Authorization. Errors: the fault kinds name them.
 */
WEFT_API struct weft_http_fetch *weft_http_fetch(
	const char *url, const struct weft_http_fetch_options *options);

/** The same with the method GET. options may be NULL. */
WEFT_API struct weft_http_fetch *weft_http_get(
	const char *url, const struct weft_http_fetch_options *options);

/**
 * The same by steps: begin connects and sends the head, body_len saying how much is to be
 * written (body and body_source are NULL); write sends the body, gathered to some KiB, flush
 * what there is; finish ends it and waits for the response. A redirect that wants the body once
 * more is the response then. Errors of write: EMSGSIZE (over body_len), EPIPE also when the
 * server has answered already: finish, and see. Of finish: ENODATA (under body_len).
 */
WEFT_API struct weft_http_fetch *weft_http_fetch_begin(
	const char *url, const struct weft_http_fetch_options *options);
WEFT_API int weft_http_fetch_write(struct weft_http_fetch *fetch, const void *data, size_t len);
WEFT_API int weft_http_fetch_flush(struct weft_http_fetch *fetch);
WEFT_API int weft_http_fetch_finish(struct weft_http_fetch *fetch);

/**
 * At any time; never waits. The connection is kept if the body was read to its end, or the rest
 * of it has come already; else it is closed. NULL is fine.
 */
WEFT_API void weft_http_fetch_free(struct weft_http_fetch *fetch);

/* ---- Responses ---------------------------------------------------------------------- */

/* What these lend is valid until the fetch is freed. */

/** 200 to 999; 0 before the response is there. */
WEFT_API int weft_http_fetch_status(const struct weft_http_fetch *fetch);

/** The phrase after it, as it was sent. */
WEFT_API struct weft_http_text weft_http_fetch_reason(const struct weft_http_fetch *fetch);

/** The value of the first field of that name, in any case of letters; data is NULL without. */
WEFT_API struct weft_http_text weft_http_fetch_field(
	const struct weft_http_fetch *fetch, const char *name);

/** The field number index, as it was sent. Returns whether there is one. */
WEFT_API bool weft_http_fetch_field_at(const struct weft_http_fetch *fetch, size_t index,
	struct weft_http_text *ret_name, struct weft_http_text *ret_value);

/** Where the response is from: the URL asked for, or the last redirect's. */
WEFT_API const struct weft_http_url *weft_http_fetch_url(const struct weft_http_fetch *fetch);

/** How many redirects were followed. */
WEFT_API unsigned weft_http_fetch_redirects(const struct weft_http_fetch *fetch);

/** The body's length, 0 when there is none; -1: nobody knows before its end. */
WEFT_API int64_t weft_http_fetch_body_len(const struct weft_http_fetch *fetch);

/**
 * Read from the body, what there is of it, at least a byte. Returns the count, 0 at its end: then
 * it is whole. Errors: EPIPE or EPROTO (cut off), EBADMSG (its chunks, or the gzip in them, can't
 * be read), EINVAL (size_bytes 0; before the response is there). Once it has failed it stays so;
 * only after ETIMEDOUT and ECANCELED it may go on, and nothing is lost.
 */
WEFT_API ssize_t weft_http_fetch_read(
	struct weft_http_fetch *fetch, void *buffer, size_t size_bytes);

/**
 * Read all that is left of the body, of max bytes at most, into memory that is the caller's to
 * free, with a NUL behind it. Returns the length. When it fails, what it has read is lost. Errors:
 * EMSGSIZE (over max), ENOMEM, those of read.
 */
WEFT_API ssize_t weft_http_fetch_read_all(
	struct weft_http_fetch *fetch, size_t max, char **ret_data);

/** Why the last call on it failed; kind is WEFT_HTTP_NO_FAULT while none has. */
WEFT_API const struct weft_http_fault *weft_http_fetch_fault(const struct weft_http_fetch *fetch);

WEFT_END

#endif
