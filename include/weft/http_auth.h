/*
 * weft/http_auth.h - who asks: Basic and Bearer credentials (RFC 9110, section 11; RFC 7617;
 * RFC 6750).
 *
 * A service's authorise() is called before its handlers; those of its parents are, where it has
 * none:
 *
 *	static int authorise(struct weft_http_request *request,
 *		struct weft_http_response *response, void *arg)
 *	{
 *		struct weft_http_basic basic;
 *		bool is_known = weft_http_request_basic(request, &basic) == 0 &&
 *			knows(arg, basic.user, basic.password);
 *
 *		if (is_known)
 *			return weft_http_request_set_user(request, basic.user);
 *		weft_http_response_ask_basic(response, "the archive");
 *		return 401;
 *	}
 *
 * Passwords that are sent this way can be read by whoever is in between: use TLS. To look one
 * up takes the time that it takes: compare in constant time (CRYPTO_memcmp(3) of OpenSSL), and hash
 * off the worker (weft/offload.h).
 */
#ifndef WEFT_HTTP_AUTH_H
#define WEFT_HTTP_AUTH_H

#include "weft/http.h"

WEFT_BEGIN

/** Longest name of a user, and password, in bytes. */
#define WEFT_HTTP_USER_MAX     255
#define WEFT_HTTP_PASSWORD_MAX 255

/** What a peer says it is; UTF-8 without control characters. Clear it after use: explicit_bzero(3).
 */
struct weft_http_basic {
	char user[WEFT_HTTP_USER_MAX + 1]; /* without a colon; may be empty */
	char password[WEFT_HTTP_PASSWORD_MAX + 1];
};

/**
 * The user and password of the request. Errors: ENOENT (it has none, or of another scheme),
 * EBADMSG (they can't be read, are not UTF-8, or are there twice), EMSGSIZE (too long).
 */
WEFT_API int weft_http_request_basic(
	const struct weft_http_request *request, struct weft_http_basic *ret_basic);

/** The request's bearer token, as it was sent. Errors: ENOENT, EBADMSG, as above. */
WEFT_API int weft_http_request_bearer(
	const struct weft_http_request *request, struct weft_http_text *ret_token);

/**
 * Add the field that asks for a user and password (WWW-Authenticate); answer 401 after that.
 * realm is what a browser shows. Errors: EINVAL (a control character in it, or no UTF-8), those of
 * weft_http_response_field().
 */
WEFT_API int weft_http_response_ask_basic(struct weft_http_response *response, const char *realm);

/**
 * The same for a token. error is NULL where none was sent, else "invalid_token" (401),
 * "invalid_request" (400) or "insufficient_scope" (403): RFC 6750, section 3.1.
 */
WEFT_API int weft_http_response_ask_bearer(
	struct weft_http_response *response, const char *realm, const char *error);

/**
 * Note who asks, for weft_http_request_user() and the access log, until the request is answered.
 * NULL: nobody. Errors: ENOMEM.
 */
WEFT_API int weft_http_request_set_user(struct weft_http_request *request, const char *user);

/** NULL: nobody has said. */
WEFT_API const char *weft_http_request_user(const struct weft_http_request *request);

/**
 * Whether a browser sends the request for a page of another site (Sec-Fetch-Site, Origin): what
 * changes something by a cookie, or by credentials that browsers keep, is better refused then, with
 * 403. Who is no browser says nothing, and is not foreign.
 */
WEFT_API bool weft_http_request_is_foreign(const struct weft_http_request *request);

WEFT_END

#endif
