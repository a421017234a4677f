/*
 * asker.h - who asks by HTTP: a session's cookie, a token, or a name and password.
 */
#ifndef WEFT_SRC_HUB_ASKER_H
#define WEFT_SRC_HUB_ASKER_H

#include "weft/account_session.h"
#include "weft/http.h"

enum hub_asker_by {
	HUB_BY_NOTHING,
	HUB_BY_COOKIE,   /* browsers add it, also for pages of others: see is_foreign() */
	HUB_BY_TOKEN,    /* Bearer */
	HUB_BY_PASSWORD, /* Basic; browsers add that, too */
};

struct hub_asker {
	struct weft_account_who *who; /* NULL: nobody has said; else the caller's to free */
	enum hub_asker_by by;
	char cookie[WEFT_ACCOUNT_SECRET_SIZE]; /* the session's, also one that is over; "" */
};

/** A call for the request: its address and door. It lives as the request does. */
struct weft_account_call weft__hub_call_of(const struct weft_http_request *request);

/** Whether the request says anything of who asks, true or not: else nobody needs to be found. */
bool weft__hub_asker_says(const struct weft_http_request *request);

/**
 * Who asks. What is sent as Authorization decides alone; else the cookie does, and one that is
 * over is as good as none. Returns 0, or -1 with errno and call->fault: EBADMSG (credentials that
 * can't be read), and those of weft_account_token_check() and, with takes_basic,
 * weft_account_login().
 */
int weft__hub_asker_find(struct weft_accounts *accounts, struct weft_http_request *request,
	struct weft_account_call *call, bool takes_basic, struct hub_asker *ret_asker);
void weft__hub_asker_fini(struct hub_asker *asker);

/**
 * The name of the cookie for this request. By TLS, which may be a trusted proxy's, it is one that
 * no other host, and no page in the clear, can have set ("__Host-": RFC 6265bis, 4.1.3.2).
 */
const char *weft__hub_cookie_name(const struct weft_http_request *request);

/** Set the cookie; secret "": take it away. Returns 0, or -1 with errno. */
int weft__hub_cookie_set(struct weft_http_response *response,
	const struct weft_http_request *request, const char *secret, int64_t max_age_s);

#endif
