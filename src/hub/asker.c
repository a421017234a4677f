/*
 * asker.c - see asker.h.
 *
 * Never: takes a secret from an address, where logs and referers show it; or falls back from
 * credentials that are wrong to weaker ones.
 */
#include "asker.h"

#include <errno.h>
#include <string.h>

#include "weft/http_auth.h"

struct weft_account_call weft__hub_call_of(const struct weft_http_request *request)
{
	const char *client = weft_http_request_client(request);

	return (struct weft_account_call){
		.address = strcmp(client, "-") == 0 ? NULL : client, .door = "http"};
}

/* ---- Cookies ------------------------------------------------------------------------------ */

/* By TLS of ours, or of a proxy's that is trusted. */
static bool is_secure(const struct weft_http_request *request)
{
	return strcmp(weft_http_request_scheme(request), "https") == 0;
}

const char *weft__hub_cookie_name(const struct weft_http_request *request)
{
	return is_secure(request) ? "__Host-weft" : "weft-session";
}

int weft__hub_cookie_set(struct weft_http_response *response,
	const struct weft_http_request *request, const char *secret, int64_t max_age_s)
{
	const struct weft_http_cookie cookie = {.name = weft__hub_cookie_name(request),
		.value = secret,
		.path = "/",
		.max_age_s = secret[0] ? max_age_s : -1,
		.is_secure = is_secure(request),
		.same_site = WEFT_HTTP_SAME_SITE_STRICT};

	return weft_http_response_cookie(response, &cookie);
}

/* A text that is a secret's at most; -1: it is none. */
static int copy_secret(char place[WEFT_ACCOUNT_SECRET_SIZE], struct weft_http_text text)
{
	if (!text.data || text.len == 0 || text.len >= WEFT_ACCOUNT_SECRET_SIZE ||
		memchr(text.data, '\0', text.len))
		return -1;
	memcpy(place, text.data, text.len);
	place[text.len] = '\0';
	return 0;
}

/* ---- Who ---------------------------------------------------------------------------------- */

bool weft__hub_asker_says(const struct weft_http_request *request)
{
	return weft_http_request_field(request, "Cookie").data ||
	       weft_http_request_field(request, "Authorization").data;
}

static int find_by_cookie(struct weft_accounts *accounts, const struct weft_http_request *request,
	struct weft_account_call *call, struct hub_asker *asker)
{
	struct weft_http_text cookie =
		weft_http_request_cookie(request, weft__hub_cookie_name(request));

	if (copy_secret(asker->cookie, cookie) < 0)
		return 0;
	if (weft_account_session_check(accounts, call, asker->cookie, &asker->who) == 0) {
		asker->by = HUB_BY_COOKIE;
		return 0;
	}
	/* It is nobody's any more, which is what a visitor's is; else the service is in trouble. */
	return errno == EKEYREJECTED || errno == EKEYEXPIRED || errno == EPERM ? 0 : -1;
}

static int find_by_token(struct weft_accounts *accounts, struct weft_http_text text,
	struct weft_account_call *call, struct hub_asker *asker)
{
	char secret[WEFT_ACCOUNT_SECRET_SIZE];
	int result;

	if (copy_secret(secret, text) < 0) {
		call->fault = WEFT_ACCOUNT_REVOKED;
		errno = EKEYREJECTED;
		return -1;
	}
	result = weft_account_token_check(accounts, call, secret, &asker->who);
	explicit_bzero(secret, sizeof(secret));
	asker->by = HUB_BY_TOKEN;
	return result;
}

static int find_by_password(struct weft_accounts *accounts, const struct weft_http_basic *basic,
	struct weft_account_call *call, struct hub_asker *asker)
{
	asker->by = HUB_BY_PASSWORD;
	return weft_account_login(accounts, call, basic->user, basic->password, &asker->who);
}

int weft__hub_asker_find(struct weft_accounts *accounts, struct weft_http_request *request,
	struct weft_account_call *call, bool takes_basic, struct hub_asker *ret_asker)
{
	struct weft_http_basic basic;
	struct weft_http_text token;
	int result = -1;

	*ret_asker = (struct hub_asker){.by = HUB_BY_NOTHING};
	if (!weft_http_request_field(request, "Authorization").data) {
		result = find_by_cookie(accounts, request, call, ret_asker);
	} else if (weft_http_request_bearer(request, &token) == 0) {
		result = find_by_token(accounts, token, call, ret_asker);
	} else if (takes_basic && weft_http_request_basic(request, &basic) == 0) {
		result = find_by_password(accounts, &basic, call, ret_asker);
		explicit_bzero(&basic, sizeof(basic));
	} else {
		errno = EBADMSG;
	}
	if (result < 0) {
		int code = errno;

		weft__hub_asker_fini(ret_asker);
		errno = code;
	} else if (ret_asker->who &&
		   weft_http_request_set_user(request, ret_asker->who->user.name) < 0) {
		weft__hub_asker_fini(ret_asker);
		errno = ENOMEM;
		return -1;
	}
	return result;
}

void weft__hub_asker_fini(struct hub_asker *asker)
{
	weft_account_who_free(asker->who);
	explicit_bzero(asker, sizeof(*asker));
}
