/*
 * weft/http.h - an HTTP/1.1 server: services, requests, responses.
 *
 * A service is a table of functions; what a service leaves out works by default. Each
 * request is handled by one call of straight-line code on the connection's fiber, which
 * may wait for whatever it likes:
 *
 *	static int hello(struct weft_http_request *request,
 *		struct weft_http_response *response, void *arg)
 *	{
 *		struct weft_http_content text = {"text/plain", "Hello.\n", 7};
 *
 *		return weft_http_response_send(response, 200, &text);
 *	}
 *
 *	static const struct weft_http_service service = {.on_get = hello};
 *	struct weft_http_server *server =
 *		weft_http_server_new(&(struct weft_http_server_options){.service = &service});
 *	weft_http_server_run(server, listener);		// until weft_http_server_stop()
 *
 * A fiber or thread in weft_signal_wait() (weft/signal.h) can call that stop: see
 * examples/http_notes.c. Which handler is for which path, weft/http_route.h decides; the
 * service that shares a folder is in weft/http_files.h.
 *
 * The server does the rest: HEAD, keep-alive, pipelining, limits, timeouts, error
 * pages, dates, the log. docs/http.md says what it does by which section of which RFC,
 * and lists the limits. Requests that could be read in two ways are refused.
 *
 * Handlers run on many threads at a time: what they share is under a weft_lock (weft/lock.h). By
 * the models "fork" and "prefork" they share nothing (weft/serve.h).
 *
 * Errors: -1 or NULL, with errno set. A request and its response live for the call of
 * the handler, and are for its fiber only; all they lend is valid that long.
 */
#ifndef WEFT_HTTP_H
#define WEFT_HTTP_H

#include "weft/serve.h"

WEFT_BEGIN

struct weft_http_request;  /* opaque: src/http/request.h */
struct weft_http_response; /* opaque: src/http/response.h */
struct weft_http_server;   /* opaque: src/http/server.c */
struct weft_http_log;      /* opaque: src/http/access_log.c */
struct weft_http_metrics;  /* opaque: weft/http_metrics.h */
struct weft_ledger;        /* opaque: weft/ledger.h */
struct weft_tls_facts;     /* weft/tls.h */

/** Bytes that somebody else owns, not NUL-terminated. data is NULL when there is no such text. */
struct weft_http_text {
	const char *data;
	size_t len;
};

enum weft_http_method {
	WEFT_HTTP_OTHER, /* a method that weft doesn't know */
	WEFT_HTTP_GET,
	WEFT_HTTP_HEAD,
	WEFT_HTTP_POST,
	WEFT_HTTP_PUT,
	WEFT_HTTP_DELETE,
	WEFT_HTTP_OPTIONS,
	WEFT_HTTP_PATCH,
	WEFT_HTTP_CONNECT,
	WEFT_HTTP_TRACE,
};

/* ---- Requests ------------------------------------------------------------------ */

/** The method, as one of those above. */
WEFT_API enum weft_http_method weft_http_request_method(const struct weft_http_request *request);

/**
 * The path, percent-decoded once, NUL-terminated; begins with '/', has no ".." and no
 * empty segment. Only a '/' that was one in the request is one here. "*" for OPTIONS of the server
 * as a whole, which no handler gets, but authorise(), on_error() and on_log(). A path that asks for
 * %2F (or %00) is 400: a name that may hold a slash is better sent in the query.
 */
WEFT_API const char *weft_http_request_path(const struct weft_http_request *request);

/** The query, as it was sent; data is NULL when there was no '?'. */
WEFT_API struct weft_http_text weft_http_request_query(const struct weft_http_request *request);

/** The host that is asked, with its port if it was sent: of the target, else of the Host field. */
WEFT_API struct weft_http_text weft_http_request_host(const struct weft_http_request *request);

/** The value of the first field of that name, in any case of letters. */
WEFT_API struct weft_http_text weft_http_request_field(
	const struct weft_http_request *request, const char *name);

/** The request line as it was sent, "GET / HTTP/1.1"; as far as it came, when it was bad. */
WEFT_API struct weft_http_text weft_http_request_line(const struct weft_http_request *request);

/**
 * Read from the body, what there is of it, at least a byte. Returns the count, 0 at its end, also
 * of a request without one. A peer that waits for "100 Continue" gets it with the first read.
 * What no handler reads is dropped when it is short, else the connection ends with the answer.
 * Errors: EMSGSIZE (over the server's body_max), EBADMSG (the chunks can't be read), EPIPE (cut
 * short), ETIMEDOUT (too slow), EINVAL (size_bytes 0), ENOMEM. A handler that then returns -1,
 * with nothing answered, has the peer told by 413, 400, 408 or 503.
 */
WEFT_API ssize_t weft_http_request_read(
	struct weft_http_request *request, void *buffer, size_t size_bytes);

/**
 * Let the body of this request be of max bytes, instead of the server's body_max; negative: no
 * bound. Before it is first read. Errors: EALREADY.
 */
WEFT_API int weft_http_request_set_body_max(struct weft_http_request *request, int64_t max);

/** The body's length, 0 without one; -1: nobody knows before its end (chunked). */
WEFT_API int64_t weft_http_request_body_len(const struct weft_http_request *request);

/** The connection's descriptor, still the server's: for getsockopt(2), or weft_unix_peer(). */
WEFT_API int weft_http_request_fd(const struct weft_http_request *request);

/** The peer's host ("192.0.2.7"), NUL-terminated; "-" for a Unix socket. */
WEFT_API const char *weft_http_request_peer(const struct weft_http_request *request);

/**
 * The host of who asks: whom a proxy that the server trusts (options: proxies) has named, else
 * the peer. It is what rates and logs go by.
 */
WEFT_API const char *weft_http_request_client(const struct weft_http_request *request);

/**
 * The field number index, as it was sent: name and value. Returns whether there is one. Fields
 * that may be repeated are so found one by one.
 */
WEFT_API bool weft_http_request_field_at(const struct weft_http_request *request, size_t index,
	struct weft_http_text *ret_name, struct weft_http_text *ret_value);

/**
 * What the connection's TLS has agreed on: version, name asked for, the client's certificate
 * (weft/tls.h). NULL without TLS.
 */
WEFT_API const struct weft_tls_facts *weft_http_request_tls(
	const struct weft_http_request *request);

/**
 * "https" or "http": by the connection, or, where that is from a proxy that the server trusts, by
 * what the proxy says that it was asked by (X-Forwarded-Proto, or proto= of Forwarded).
 */
WEFT_API const char *weft_http_request_scheme(const struct weft_http_request *request);

/**
 * Take the next item off a list, "a, b;q=1, \"c, d\"" (RFC 9110, section 5.6.1), as the values of
 * many fields are: what stands between commas that are not quoted, without the blanks around it,
 * and not empty. Returns whether there was one.
 */
WEFT_API bool weft_http_list_next(struct weft_http_text *list, struct weft_http_text *ret_item);

/** The value of a cookie (RFC 6265, section 5.4), the first of that name; data is NULL without. */
WEFT_API struct weft_http_text weft_http_request_cookie(
	const struct weft_http_request *request, const char *name);

/* ---- What a program keeps with a request --------------------------------------------- */

/** Names a pointer that a request carries; its address is what counts. */
struct weft_http_key {
	const char *name; /* for people */
};

/** Pointers that one request carries at most. */
#define WEFT_HTTP_KEYS_MAX 8

/**
 * Have the request carry a pointer from one function that sees it to another: from a middleware or
 * authorise() to a handler, on_error() or on_log(). What was there by that key is forgotten, and so
 * is all of it before the next request. No memory is taken, and nothing is freed: what lives in a
 * middleware's call is taken back, by NULL, before that ends. Errors: ENOSPC.
 */
WEFT_API int weft_http_request_set(
	struct weft_http_request *request, const struct weft_http_key *key, void *value);

/** The pointer; NULL when there is none. */
WEFT_API void *weft_http_request_get(
	const struct weft_http_request *request, const struct weft_http_key *key);

/**
 * The same by type: WEFT_HTTP_KEY(session, struct session), in a header say, declares
 * session_set(request, struct session *) and session_get(request). In one file, beside it:
 * const struct weft_http_key session_key = {"session"};
 */
#define WEFT_HTTP_KEY(what, type)                                                  \
	extern const struct weft_http_key what##_key;                              \
	__attribute__((unused)) static inline int what##_set(                      \
		struct weft_http_request *request, type *value)                    \
	{                                                                          \
		return weft_http_request_set(request, &what##_key, (void *)value); \
	}                                                                          \
	__attribute__((unused)) static inline type *what##_get(                    \
		const struct weft_http_request *request)                           \
	{                                                                          \
		return (type *)weft_http_request_get(request, &what##_key);        \
	}                                                                          \
	extern const struct weft_http_key what##_key

/* ---- Queries and forms ------------------------------------------------------------ */

struct weft_http_params; /* opaque: src/http/params.c */

/** Names and values of one query or form at most. */
#define WEFT_HTTP_PARAMS_MAX 1000

/**
 * Take "name=value&other=..." apart, as forms send it (application/x-www-form-urlencoded, WHATWG
 * URL): '+' is a space, %XX a byte, and what is no such escape stands for itself. End it with
 * weft_http_params_free(). Errors: EBADMSG (a %00), EMSGSIZE (too many), ENOMEM.
 */
WEFT_API struct weft_http_params *weft_http_params_parse(const char *text, size_t len);
WEFT_API void weft_http_params_free(struct weft_http_params *params);

/**
 * The value of the nth (from 0) of that name, NUL-terminated; NULL when there is none. Of any
 * bytes, as a path is: what has to be UTF-8 is checked by weft_utf8_is_valid() (weft/utf8.h).
 */
WEFT_API const char *weft_http_params_get(
	const struct weft_http_params *params, const char *name, size_t nth);

/** The pair number index, in their order. Returns whether there is one. */
WEFT_API bool weft_http_params_at(const struct weft_http_params *params, size_t index,
	const char **ret_name, const char **ret_value);

/** The query, taken apart; the request's, and as long. Errors: those of _parse(). */
WEFT_API const struct weft_http_params *weft_http_request_params(struct weft_http_request *request);

/**
 * Read the body, of max bytes at most, as a form; the caller's to free. Errors: EPROTOTYPE (it is
 * none, by its Content-Type: 415), EMSGSIZE, those of weft_http_request_read() and _parse().
 */
WEFT_API struct weft_http_params *weft_http_request_form(
	struct weft_http_request *request, size_t max);

/* ---- Responses ------------------------------------------------------------------ */

/** A whole body. */
struct weft_http_content {
	const char *type; /* "text/html; charset=utf-8"; NULL: no Content-Type */
	const void *data;
	size_t len;
};

/**
 * Add a header field to the answer, before it is sent. Date, Content-Length,
 * Transfer-Encoding and Connection are the server's. Of Content-Type there is one: the last, be
 * it from here or the type of what is sent. All others add up, and stay when an error page is sent
 * instead: what is true of the content alone (Cache-Control, Content-Disposition) is best added
 * when there is some. Cache-Control that on_error adds takes the place of what was added before.
 * Errors: EINVAL (one of the server's, not a token, or a control character in the value), EALREADY
 * (sent), EMSGSIZE (over 16 KiB of fields), ENOMEM.
 */
WEFT_API int weft_http_response_field(
	struct weft_http_response *response, const char *name, const char *value);

/**
 * Send the answer, once. For HEAD, and for 204 and 304, the body stays behind.
 * content may be NULL: an empty body. Errors: EALREADY, EINVAL (status not 200 to
 * 599), and those of weft_stream_write_all().
 */
WEFT_API int weft_http_response_send(
	struct weft_http_response *response, int status, const struct weft_http_content *content);

/** How long a body will be that is written piece by piece: nobody knows. */
#define WEFT_HTTP_LEN_UNKNOWN (-1)

/**
 * Begin an answer whose body follows by weft_http_response_write(): len bytes of it, or, when
 * that is not known, as chunks (to HTTP/1.0 up to the end of the connection). It ends when the
 * handler returns 0; when that fails, or len is not reached, the connection is cut, so that
 * the peer sees it is not whole. type may be NULL. Errors: EINVAL (len below -1; 204 and 304, which
 * have no body: they are sent whole), and as weft_http_response_send().
 */
WEFT_API int weft_http_response_begin(
	struct weft_http_response *response, int status, const char *type, int64_t len);

/**
 * Write a piece. Pieces are gathered; weft_http_response_flush() sends what there is. Nothing is
 * written for HEAD. Errors: EPROTO (not begun; a status without a body), EMSGSIZE (over len), and
 * those of weft_stream_write_all().
 */
WEFT_API int weft_http_response_write(
	struct weft_http_response *response, const void *data, size_t len);

/** printf(3) of up to 4095 bytes; longer ones are EMSGSIZE, and nothing of them is written. */
__attribute__((format(printf, 2, 3))) WEFT_API int weft_http_response_printf(
	struct weft_http_response *response, const char *format, ...);

/**
 * Send what is gathered, and wait until the kernel has it. Errors: as write; to HEAD, too, EPIPE
 * when the peer has gone.
 */
WEFT_API int weft_http_response_flush(struct weft_http_response *response);

/**
 * Send a small error page with a sentence for a person; why may be NULL. It goes
 * through the service's on_error. Errors: as weft_http_response_send().
 */
WEFT_API int weft_http_response_error(
	struct weft_http_response *response, int status, const char *why);

/**
 * Send the peer elsewhere: status 301, 302, 303, 307 or 308. location is an address, and
 * percent-encoded already. Errors: as weft_http_response_field() and _send().
 */
WEFT_API int weft_http_response_redirect(
	struct weft_http_response *response, int status, const char *location);

/**
 * Send a file of the program's own choosing: 200 with its type, tag and date, or, as its request
 * says, a range of it, 304 or 412. type NULL: by the name. Returns as a handler does: 404 or
 * 403 where there is no such file, 503 where descriptors or memory are short. Errors: EALREADY,
 * EINVAL (type is empty, over 160 bytes, or has a control character in it), and those of
 * weft_http_response_send().
 */
WEFT_API int weft_http_response_file(
	struct weft_http_response *response, const char *path, const char *type);

/** To which requests of other sites a cookie goes along. */
enum weft_http_same_site {
	WEFT_HTTP_SAME_SITE_LAX,    /* to those that a person's click makes */
	WEFT_HTTP_SAME_SITE_STRICT, /* to none */
	WEFT_HTTP_SAME_SITE_NONE,   /* to all; over TLS only */
};

/**
 * A cookie (RFC 6265, section 4.1). What is zero is what is safe: it goes with the browser's
 * session, is hidden from scripts, and, set over TLS, is sent over TLS only.
 */
struct weft_http_cookie {
	const char *name;
	const char *value;  /* printable ASCII but blanks, '"', ',', ';' and '\\' */
	const char *path;   /* below which it is sent; NULL: "/" */
	const char *domain; /* whose hosts get it, too; NULL: this host alone */
	int64_t max_age_s;  /* 0: until the browser ends; below 0: it is gone at once */
	bool is_secure;     /* over TLS only, however it was set */
	bool is_for_scripts;
	enum weft_http_same_site same_site;
};

/**
 * Set a cookie with the answer, before it is sent. Errors: EINVAL (a byte that can't be in it;
 * SAME_SITE_NONE without TLS), those of weft_http_response_field().
 */
WEFT_API int weft_http_response_cookie(
	struct weft_http_response *response, const struct weft_http_cookie *cookie);

/**
 * Whether the server is being stopped: an answer without an end of its own (events as they come,
 * say) should look now and then, at least once a second, and end; the grace time cuts it off.
 */
WEFT_API bool weft_http_response_is_stopping(const struct weft_http_response *response);

/** End the connection after this answer. */
WEFT_API void weft_http_response_close_after(struct weft_http_response *response);

/** The status that was sent, 0 before that. */
WEFT_API int weft_http_response_status(const struct weft_http_response *response);

/**
 * The status that the peer has got, or is about to get, when a handler has returned result: also
 * that of the error page which the server has still to send. 0: none, the connection is cut. For a
 * middleware, behind weft_http_next().
 */
WEFT_API int weft_http_response_outcome(const struct weft_http_response *response, int result);

/** Bytes of the body that were sent; where it was cut off, all but the last 256 KiB of them. */
WEFT_API int64_t weft_http_response_body_len(const struct weft_http_response *response);

/** The phrase of a status: "Not Found". "Unknown" for one that has none. */
WEFT_API const char *weft_http_status_phrase(int status);

/**
 * The status for a handler to return when a call has failed with that errno:
 *
 *	400	EINVAL EILSEQ EBADMSG			412	ESTALE
 *	403	EACCES EPERM EROFS EXDEV ENODEV		413	EFBIG EMSGSIZE
 *	404	ENOENT ENOTDIR ELOOP			414	ENAMETOOLONG
 *	409	EEXIST ENOTEMPTY EISDIR			501	ENOSYS ENOTSUP
 *	502	ECONNREFUSED ECONNRESET EHOSTUNREACH ENETUNREACH (a server behind this one)
 *	503	ENOMEM EMFILE ENFILE EAGAIN EBUSY ECANCELED
 *	504	ETIMEDOUT				507	ENOSPC EDQUOT
 *
 * and 500 for all else. Any thread.
 */
WEFT_API int weft_http_status_of_errno(int code);

/* ---- Services ------------------------------------------------------------------- */

/**
 * Answers one request. Returns 0 when it has; an HTTP status from 400 to 599 to have
 * the error page of that status sent (any other number above 0 counts as 500); -1 when
 * it failed: the peer is told 500 if nothing was answered, and the connection ends.
 */
typedef int weft_http_handler_fn(
	struct weft_http_request *request, struct weft_http_response *response, void *arg);

/**
 * What a server does with requests: fill in what differs. A NULL is the parent's function, if
 * there is a parent and it has one, called with parent_arg; and so on. Methods without any are
 * answered 405 with Allow, OPTIONS 204 with Allow, and those that nobody knows 501. arg is the
 * options'.
 */
struct weft_http_service {
	weft_http_handler_fn *on_get;
	weft_http_handler_fn *on_head; /* NULL: on_get, whose body stays behind */
	weft_http_handler_fn *on_post;
	weft_http_handler_fn *on_put;
	weft_http_handler_fn *on_delete;
	weft_http_handler_fn *on_patch;
	weft_http_handler_fn *on_options;
	weft_http_handler_fn *on_connect; /* for proxies; where to is _request_host() */
	weft_http_handler_fn *on_trace;   /* shows what proxies added, which may be secret */
	weft_http_handler_fn *on_other;   /* a method that weft doesn't know: _request_line() */
	const char *other_methods;        /* of these, for Allow: "MKCOL, MOVE"; NULL: none */

	/**
	 * Called before each of the above, and before what is answered where there is none: whether
	 * the peer may ask (weft/http_auth.h). Returns 0 to go on, or as a handler does. One that
	 * has answered itself, and returns 0, has the last word.
	 */
	weft_http_handler_fn *authorise;

	/**
	 * Send the page of an error with weft_http_response_send(). NULL, or what returns without
	 * an answer: a plain one, as HTML, or as JSON for who would rather have that. status may
	 * also be one that no handler returned: 400 for what is no request.
	 */
	int (*on_error)(struct weft_http_request *request, struct weft_http_response *response,
		const char *why, int status, void *arg);

	/** Called when an answer is out, also one of an error; NULL: a line to the access log. */
	void (*on_log)(const struct weft_http_request *request,
		const struct weft_http_response *response, void *arg);

	const struct weft_http_service *parent;
	void *parent_arg;
};

/* ---- Servers -------------------------------------------------------------------- */

struct weft_http_server_options {
	const struct weft_http_service *service; /* must live as long as the server */
	void *arg;                               /* handed to the service's functions */
	struct weft_http_log *access_log;        /* NULL: none; stays the caller's */
	int64_t header_timeout_ns; /* for a request's head, from its first byte, and for the first
				    byte of a connection; 0: 10 s */
	int64_t idle_timeout_ns;   /* between two requests; 0: 60 s */
	int64_t write_timeout_ns;  /* for the peer to take the next 256 KiB; 0: 30 s */
	int64_t body_timeout_ns;   /* for the next 16 KiB of a body to come; 0: 30 s */
	int64_t body_max;          /* longest body, in bytes; 0: 1 MiB; negative: no bound */
	int64_t grace_ns;          /* for answers under way at a stop; 0: 10 s; negative: none */
	unsigned connections_max;  /* at once; 0: the model's own bound */
	/*
	 * Of one client, which is an IPv4 address, or a /64 of IPv6; peers of a Unix socket are
	 * not bounded. Who asks too often gets 429 with Retry-After; who has too many
	 * connections gets that on the next, or with TLS just its end.
	 */
	unsigned rate;                   /* requests a second; 0: any number */
	unsigned rate_burst;             /* of these at once; 0: as many as come in 10 s */
	unsigned connections_per_client; /* 0: any number */
	/**
	 * Called when an answer is out, beside the access log, with on_answer_arg; NULL. It must
	 * not wait.
	 */
	void (*on_answer)(const struct weft_http_request *request,
		const struct weft_http_response *response, void *arg);
	void *on_answer_arg;
	struct weft_ledger *ledger; /* weft/ledger.h: where connections are counted with those
				     * of other servers; NULL; stays the caller's */
	struct weft_http_metrics *metrics; /* weft/http_metrics.h; NULL: none; stays the caller's */
	struct weft_transfers *transfers;  /* weft/transfer.h: where bodies of more than 256 KiB are
					    * listed; NULL: nowhere; stays the caller's */
	const char *model;                 /* of weft_serve(); NULL: "fiber" */
	unsigned size;                     /* pool, prefork: how many; 0: as weft_serve() chooses */
	const char *driver;                /* fiber, outside weft_run(): as in weft_run_options */
	unsigned workers;                  /* the same */
	/*
	 * The names that the server goes by, NULL behind the last: "files.example", or
	 * "*.example" for what is below. Requests for another host get 421. So no page of another
	 * site can have its name lead here (DNS rebinding), and read what its visitor may. Good
	 * without being named are addresses, localhost, and, unless it came by the loopback, a name
	 * of the local network (without a dot, or below local, lan, home.arpa or internal).
	 * Requests by TLS or a Unix socket are not looked at. NULL: none are.
	 */
	const char *const *hosts;   /* must live as long as the server */
	const char *host_complaint; /* a sentence for the page of that 421; NULL: a usual one */
	/*
	 * Proxies before this server that are believed whom they ask for, NULL behind the last:
	 * "192.0.2.7", "10.0.0.0/8", "fd00::/8", "unix" (peers of Unix sockets). By
	 * X-Forwarded-For, or by Forwarded (RFC 7239), the last who is none of them is the client,
	 * for rates, logs and weft_http_request_client(); and whether they were asked by HTTPS,
	 * for weft_http_request_scheme() and cookies. Of the two ways the other one is not read:
	 * proxies pass it on as it came. Their connections are not bounded per client.
	 */
	const char *const *proxies;
	bool proxies_say_forwarded; /* Forwarded, instead of X-Forwarded-For */
};

/** Room for what weft_http_server_options_check() says. */
#define WEFT_HTTP_SERVER_FAULT_MAX 384

/**
 * Whether hosts and proxies can be read. If not, ret_fault is a sentence for a person that says
 * which can't, and weft_http_server_new() would fail with EINVAL.
 */
WEFT_API bool weft_http_server_options_check(
	const struct weft_http_server_options *options, char ret_fault[WEFT_HTTP_SERVER_FAULT_MAX]);

/**
 * Make a server. Errors: EINVAL (no service; a rate or burst that weft_rate_new() refuses; a host
 * or a proxy that can't be read), ENOMEM. End it with weft_http_server_free().
 */
WEFT_API struct weft_http_server *weft_http_server_new(
	const struct weft_http_server_options *options);

/** What may change while a server runs: as in its options, and 0 is the same there. */
struct weft_http_limits {
	int64_t header_timeout_ns, write_timeout_ns, body_timeout_ns;
	unsigned rate, rate_burst;
	unsigned connections_per_client;
};

/**
 * Other limits from now on, all of them, whatever is under way: connections that are there are
 * kept, and their next requests go by the new ones; the time to write is that of connections to
 * come. Processes that serve already (models fork, prefork) keep the old ones. Any thread.
 * Returns 0. Errors, and all is as before: ENOTSUP (connections_per_client, where the options had
 * none; a rate, where they had none, nor hosts, proxies, metrics or an authorise()), EINVAL (as
 * weft_http_server_new()), ENOMEM.
 */
WEFT_API int weft_http_server_set_limits(
	struct weft_http_server *server, const struct weft_http_limits *limits);

/** Free a server that runs no more. NULL is fine. */
WEFT_API void weft_http_server_free(struct weft_http_server *server);

/**
 * Serve the listener's connections until weft_http_server_stop(), as weft_serve() does by
 * the model. Several fibers may run one server, on a listener each. Whoever comes when there
 * are connections_max threads or processes of one each, gets 503. Returns 0 after a stop.
 * Errors: those of weft_serve().
 */
WEFT_API int weft_http_server_run(struct weft_http_server *server, struct weft_listener *listener);

/**
 * End every weft_http_server_run() of this server: no new connections, idle ones are
 * closed at once, answers under way get the grace time; then what their handlers wait in fails
 * with ECANCELED, and they are cut off. Any thread, more than once.
 */
WEFT_API void weft_http_server_stop(struct weft_http_server *server);

/* ---- To HTTPS ------------------------------------------------------------------------ */

/** The arg for weft_http_to_https_service. */
struct weft_http_to_https {
	unsigned port; /* of HTTPS; 0: 443, which goes without saying */
};

/**
 * Answers every request with 308 to the same host, path and query over HTTPS: for a listener
 * beside that of HTTPS. Who names no host (HTTP/1.0) gets 400.
 */
WEFT_API extern const struct weft_http_service weft_http_to_https_service;

/* ---- The access log ---------------------------------------------------------------- */

enum weft_http_log_format {
	WEFT_HTTP_LOG_COMMON,   /* host - user [time] "request line" status bytes */
	WEFT_HTTP_LOG_COMBINED, /* the same, then "referer" "user agent" */
	WEFT_HTTP_LOG_JSON,     /* an object a line: docs/http.md has its members */
};

struct weft_http_log_options {
	enum weft_http_log_format format;
};

/**
 * Open an access log: path is appended to, "-" is the standard output. Lines are written in
 * batches by a thread of its own, half a second late at most; when the disk can't follow,
 * lines are dropped, and the log says how many. options may be NULL.
 * Errors: those of open(2), ENOMEM, EAGAIN.
 */
WEFT_API struct weft_http_log *weft_http_log_new(
	const char *path, const struct weft_http_log_options *options);

/**
 * Open the path again, as after somebody has renamed the file (logrotate(8)), and go on there;
 * no line is in both files, or cut in two. Processes that were forked do so with their next
 * line. On failure the old file stays. Any thread. Errors: those of open(2).
 */
WEFT_API int weft_http_log_reopen(struct weft_http_log *log);

/**
 * Write what is left, and close it; in a child of fork(2), which leaves nothing, close it. NULL is
 * fine.
 */
WEFT_API void weft_http_log_free(struct weft_http_log *log);

/** Room for a line of the log. */
#define WEFT_HTTP_LOG_LINE_SIZE 4096

/** Make the line of an answered request, its newline included. Returns its length. Any thread. */
WEFT_API size_t weft_http_log_print(enum weft_http_log_format format,
	const struct weft_http_request *request, const struct weft_http_response *response,
	char ret_line[WEFT_HTTP_LOG_LINE_SIZE]);

/** Add the line of an answered request; never waits. What on_log does by default. Any thread. */
WEFT_API void weft_http_log_add(struct weft_http_log *log, const struct weft_http_request *request,
	const struct weft_http_response *response);

WEFT_END

#endif
