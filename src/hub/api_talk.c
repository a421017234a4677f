/*
 * api_talk.c - whether a request to the accounts' API may ask, and what it asks.
 *
 * What a cookie lets in, a page of another site could have its visitor's browser send. So what
 * changes something by a cookie has to say that it comes from here: Sec-Fetch-Site or Origin, one
 * of which every browser sends; and bodies have a type that no form can have.
 *
 * Entry points: weft__hub_talk_let_in(), weft__hub_talk_take_args().
 *
 * Never: anything of what was sent in a complaint.
 */
#include "api_talk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "weft/http_auth.h"

/** What a body is read by, at first. */
#define PIECE 16384

/* ---- Whether it may ask ------------------------------------------------------------------- */

static bool changes(const struct hub_talk *talk)
{
	return strcmp(talk->op->method, "GET") != 0;
}

static bool says_same_site(const struct weft_http_request *request)
{
	struct weft_http_text site = weft_http_request_field(request, "Sec-Fetch-Site");

	if (site.data)
		return site.len == 11 && strncasecmp(site.data, "same-origin", 11) == 0;
	return weft_http_request_field(request, "Origin").data != NULL; /* and is not foreign */
}

/* 0, or what was answered. */
static int check_site(struct hub_talk *talk)
{
	if (!changes(talk))
		return 0;
	if (weft_http_request_is_foreign(talk->request))
		return weft__hub_talk_refuse(
			talk, 403, "foreign", "this comes from a page of another site");
	if (talk->asker.by == HUB_BY_COOKIE && !says_same_site(talk->request))
		return weft__hub_talk_refuse(talk, 403, "foreign",
			"a change by a cookie needs Origin or Sec-Fetch-Site: or use a token");
	return 0;
}

static int refuse_asker(struct hub_talk *talk)
{
	enum weft_account_fault fault = talk->ask.call.fault;

	if (errno == EBADMSG)
		return weft__hub_talk_refuse(talk, 401, "", "these credentials can't be read");
	if (errno != EKEYREJECTED && errno != EKEYEXPIRED && errno != EPERM)
		return weft__hub_talk_refuse(talk, weft_http_status_of_errno(errno), "",
			"who asks could not be looked up");
	return weft__hub_talk_refuse(talk, errno == EPERM ? 403 : 401,
		weft_account_fault_word(fault), weft_account_fault_text(fault));
}

/* Returns 1 to go on, or as a handler does. */
int weft__hub_talk_let_in(struct hub_talk *talk)
{
	struct hub_ask *ask = &talk->ask;
	int result;

	ask->call = weft__hub_call_of(talk->request);
	if (weft__hub_asker_find(
		    talk->ask.accounts, talk->request, &ask->call, false, &talk->asker) < 0)
		return refuse_asker(talk);
	ask->call.who = talk->asker.who;
	ask->cookie = talk->asker.cookie[0] ? talk->asker.cookie : NULL;
	result = check_site(talk);
	if (result || weft_http_response_status(talk->response))
		return result;
	if (!ask->call.who && !(talk->op->flags & HUB_OPEN))
		return weft__hub_talk_refuse(talk, 401, "", "this needs a session or a token");
	if (ask->call.who && (ask->call.who->powers & talk->op->needs) != talk->op->needs)
		return weft__hub_talk_refuse(talk, 403,
			weft_account_fault_word(ask->call.who->user.must_change
							? WEFT_ACCOUNT_MUST_CHANGE
							: WEFT_ACCOUNT_NOT_ALLOWED),
			weft_account_fault_text(WEFT_ACCOUNT_NOT_ALLOWED));
	return 1;
}

/* ---- What it asks ------------------------------------------------------------------------- */

/* 400 with what is wrong; returns as a handler does. */
static int refuse_arg(struct hub_talk *talk, const char *detail)
{
	return weft__hub_talk_refuse(talk, 400, "bad-request", detail);
}

/* Returns 1 to go on. */
static int take_path(struct hub_talk *talk)
{
	static const char *const names[] = {"user", "group", "role", "id"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct hub_field *field = weft__hub_op_field(talk->op, HUB_IN_PATH, names[i]);
		const char *text = weft_http_request_param(talk->request, names[i]);
		json_t *value = field && text ? weft__hub_arg_of_text(field, text) : NULL;

		if (field && (!value || json_object_set_new(talk->args, names[i], value) < 0))
			return weft__hub_talk_refuse(
				talk, 404, "", "there is nothing of this address");
	}
	return 1;
}

static int take_query(struct hub_talk *talk)
{
	const struct weft_http_params *params = weft_http_request_params(talk->request);
	const char *name, *text;

	if (!params && errno != ENOMEM)
		return refuse_arg(talk, "the query can't be read");
	if (!params)
		return 503;
	for (size_t i = 0; weft_http_params_at(params, i, &name, &text); i++) {
		const struct hub_field *field = weft__hub_op_field(talk->op, HUB_IN_QUERY, name);
		json_t *value = field && !json_object_get(talk->args, name)
					? weft__hub_arg_of_text(field, text)
					: NULL;

		if (!value || json_object_set_new(talk->args, name, value) < 0)
			return refuse_arg(talk,
				"the query has something in it that is unknown, there twice, or "
				"of another kind");
	}
	return 1;
}

static bool is_type(const struct weft_http_request *request, const char *type)
{
	struct weft_http_text field = weft_http_request_field(request, "Content-Type");
	size_t len = strlen(type);

	return field.data && field.len >= len && strncasecmp(field.data, type, len) == 0 &&
	       (field.len == len || field.data[len] == ';' || field.data[len] == ' ');
}

/* All of the body, which the route bounds. Returns 1 to go on. */
static int read_body(struct hub_talk *talk)
{
	size_t size = 0;
	ssize_t count;

	do {
		if (talk->len == size) {
			char *more = realloc(talk->body, size ? size * 2 : PIECE);

			if (!more)
				return 503;
			talk->body = more;
			size = size ? size * 2 : PIECE;
		}
		count = weft_http_request_read(
			talk->request, talk->body + talk->len, size - talk->len);
		if (count < 0)
			return errno == EMSGSIZE
				       ? weft__hub_talk_refuse(talk, 413, "", "this is too long")
				       : -1;
		talk->len += (size_t)count;
	} while (count > 0);
	return 1;
}

/* Its members are args, unless they would stand for what is in the address. */
static int take_members(struct hub_talk *talk, json_t *json)
{
	const char *name;
	json_t *value;

	if (!json_is_object(json))
		return refuse_arg(talk, "the body has to be a JSON object");
	json_object_foreach(json, name, value)
	{
		if (!weft__hub_op_field(talk->op, HUB_IN_BODY, name) ||
			json_object_get(talk->args, name))
			return refuse_arg(talk, "the body has a member that is not taken here");
		if (json_object_set(talk->args, name, value) < 0)
			return 503;
	}
	return 1;
}

static int take_json(struct hub_talk *talk)
{
	char fault[HUB_FAULT_MAX] = "";
	json_t *json;
	int result;

	if (talk->len == 0)
		return 1;
	if (!is_type(talk->request, "application/json"))
		return weft__hub_talk_refuse(talk, 415, "", "the body has to be application/json");
	json = weft__hub_json_read(talk->body, talk->len, fault, sizeof(fault));
	if (!json)
		return fault[0] ? refuse_arg(talk, fault) : 503;
	result = take_members(talk, json);
	json_decref(json);
	return result;
}

static int take_body(struct hub_talk *talk)
{
	int result = changes(talk) ? read_body(talk) : 1;

	if (result != 1)
		return result;
	if (weft_http_request_field(talk->request, "Content-Encoding").data)
		return weft__hub_talk_refuse(
			talk, 415, "", "the body has to be as it is, not compressed");
	if (!(talk->op->flags & HUB_TAKES_CSV))
		return take_json(talk);
	if (!is_type(talk->request, "text/csv"))
		return weft__hub_talk_refuse(talk, 415, "", "the body has to be text/csv");
	talk->ask.text = talk->body;
	talk->ask.len = talk->len;
	return 1;
}

int weft__hub_talk_take_args(struct hub_talk *talk)
{
	char fault[HUB_FAULT_MAX];
	int result;

	talk->args = json_object();
	if (!talk->args)
		return 503;
	result = take_path(talk);
	if (result == 1)
		result = take_query(talk);
	if (result == 1)
		result = take_body(talk);
	if (result != 1)
		return result;
	if (weft__hub_op_check(talk->op, talk->args, false, fault) < 0)
		return refuse_arg(talk, fault);
	talk->ask.args = talk->args;
	return 1;
}
