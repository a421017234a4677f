/*
 * auth.c - credentials in requests, and how they are asked for.
 *
 * Entry points: weft_http_request_basic(), weft_http_request_bearer(),
 * weft_http_response_ask_basic(), weft_http_response_ask_bearer().
 *
 * Never: takes credentials in two ways; a field that is there twice, or encoded with some bits
 * left over, is none.
 */
#include "http/auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "http/chars.h"
#include "http/request.h"
#include "weft/str.h"
#include "weft/utf8.h"

/** Bytes of user, colon and password, decoded; and as many as whole groups of base64 make. */
#define PAIR_MAX    (WEFT_HTTP_USER_MAX + 1 + WEFT_HTTP_PASSWORD_MAX)
#define ENCODED_MAX WEFT__BASE64_LEN(PAIR_MAX)

/** Longest challenge. */
#define CHALLENGE_MAX 1024

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/*
 * What follows the scheme and its spaces (RFC 9110, section 11.4). -1 with ENOENT: it is
 * another scheme.
 */
static int skip_scheme(const char *scheme, const char **value, size_t *len)
{
	size_t scheme_len = weft__http_span(*value, *len, WEFT__HTTP_TOKEN), at = scheme_len;

	if (!weft__http_equal_nocase(*value, scheme_len, scheme))
		return fail(ENOENT);
	while (at < *len && (*value)[at] == ' ')
		at++;
	if (at == scheme_len || at == *len)
		return fail(EBADMSG);
	*value += at;
	*len -= at;
	return 0;
}

/* Neither may hold a control character (RFC 7617, section 2). */
static bool is_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return weft_utf8_is_valid(text, len);
}

static int take_pair(const char *pair, size_t len, struct weft_http_basic *ret_basic)
{
	const char *colon = memchr(pair, ':', len);
	size_t user_len, password_len;

	if (!colon || !is_text(pair, len))
		return fail(EBADMSG);
	user_len = (size_t)(colon - pair);
	password_len = len - user_len - 1;
	if (user_len > WEFT_HTTP_USER_MAX || password_len > WEFT_HTTP_PASSWORD_MAX)
		return fail(EMSGSIZE);
	memcpy(ret_basic->user, pair, user_len);
	ret_basic->user[user_len] = '\0';
	memcpy(ret_basic->password, colon + 1, password_len);
	ret_basic->password[password_len] = '\0';
	return 0;
}

int weft__http_auth_basic(const char *value, size_t len, struct weft_http_basic *ret_basic)
{
	char pair[ENCODED_MAX / 4 * 3];
	ssize_t pair_len;
	int result;

	if (skip_scheme("basic", &value, &len) < 0)
		return -1;
	if (len > ENCODED_MAX)
		return fail(EMSGSIZE);
	pair_len = weft__base64_decode(pair, value, len);
	if (pair_len < 0)
		return fail(EBADMSG);
	result = take_pair(pair, (size_t)pair_len, ret_basic);
	explicit_bzero(pair, sizeof(pair));
	return result;
}

int weft__http_auth_bearer(const char *value, size_t len, struct weft_http_text *ret_token)
{
	if (skip_scheme("bearer", &value, &len) < 0)
		return -1;
	if (!weft__http_is_b64token(value, len))
		return fail(EBADMSG);
	*ret_token = (struct weft_http_text){value, len};
	return 0;
}

/* The one Authorization field. */
static int find_field(const struct weft_http_request *request, struct weft_http_text *ret_value)
{
	unsigned count = weft__http_request_find(request, "authorization", ret_value);

	if (count == 0)
		return fail(ENOENT);
	return count == 1 ? 0 : fail(EBADMSG);
}

int weft_http_request_basic(
	const struct weft_http_request *request, struct weft_http_basic *ret_basic)
{
	struct weft_http_text value;

	if (find_field(request, &value) < 0)
		return -1;
	return weft__http_auth_basic(value.data, value.len, ret_basic);
}

int weft_http_request_bearer(
	const struct weft_http_request *request, struct weft_http_text *ret_token)
{
	struct weft_http_text value;

	if (find_field(request, &value) < 0)
		return -1;
	return weft__http_auth_bearer(value.data, value.len, ret_token);
}

/* ---- Asking ------------------------------------------------------------------------------------
 */

/* Scheme and realm, which is a quoted string (RFC 9110, section 5.6.4). */
static void append_realm(struct weft_str *challenge, const char *scheme, const char *realm)
{
	weft_str_appendf(challenge, "%s realm=\"", scheme);
	for (; *realm; realm++) {
		if (*realm == '"' || *realm == '\\')
			weft_str_append_bytes(challenge, "\\", 1);
		weft_str_append_bytes(challenge, realm, 1);
	}
	weft_str_append(challenge, "\"");
}

static int ask(struct weft_http_response *response, struct weft_str *challenge)
{
	int result = weft_str_error(challenge);
	int saved;

	result = result ? fail(result)
			: weft_http_response_field(
				  response, "WWW-Authenticate", weft_str_text(challenge));
	saved = errno;
	weft_str_fini(challenge);
	errno = saved;
	return result;
}

int weft_http_response_ask_basic(struct weft_http_response *response, const char *realm)
{
	struct weft_str challenge;

	if (!is_text(realm, strlen(realm)))
		return fail(EINVAL);
	weft_str_init(&challenge, CHALLENGE_MAX);
	append_realm(&challenge, "Basic", realm);
	weft_str_append(&challenge, ", charset=\"UTF-8\"");
	return ask(response, &challenge);
}

int weft_http_response_ask_bearer(
	struct weft_http_response *response, const char *realm, const char *error)
{
	struct weft_str challenge;

	if (!is_text(realm, strlen(realm)) ||
		(error && weft__http_span(error, strlen(error), WEFT__HTTP_TOKEN) != strlen(error)))
		return fail(EINVAL);
	weft_str_init(&challenge, CHALLENGE_MAX);
	append_realm(&challenge, "Bearer", realm);
	if (error)
		weft_str_appendf(&challenge, ", error=\"%s\"", error);
	return ask(response, &challenge);
}

/* ---- Who it is ---------------------------------------------------------------------------------
 */

int weft_http_request_set_user(struct weft_http_request *request, const char *user)
{
	char *copy = user ? strdup(user) : NULL;

	if (user && !copy)
		return -1;
	free(request->user);
	request->user = copy;
	return 0;
}

const char *weft_http_request_user(const struct weft_http_request *request)
{
	return request->user;
}
