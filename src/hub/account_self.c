/*
 * account_self.c - operations of people on themselves: logging in and out, sessions, the own
 * account and password, links that were sent.
 *
 * Never: tells why a login failed more exactly than the service does.
 */
#include <errno.h>
#include <string.h>

#include "account_ops.h"

const char *weft__hub_user(const struct hub_ask *ask)
{
	const char *user = weft__hub_text(ask, "user");

	if (user)
		return user;
	if (ask->call.who && ask->call.who->user.id != 0)
		return ask->call.who->user.name;
	errno = EACCES;
	return NULL;
}

/* ---- Sessions ----------------------------------------------------------------------------- */

/* Who somebody is, and may do besides what is granted to her folder by folder. */
static json_t *who_json(const struct weft_account_who *who)
{
	json_t *json = weft__hub_json_user(&who->user);

	if (json && json_object_set_new(json, "powers",
			    weft__hub_words_list(&weft__hub_powers, who->powers)) < 0) {
		json_decref(json);
		return NULL;
	}
	return json;
}

int weft__hub_log_in(struct hub_ask *ask)
{
	const char *label = weft__hub_text(ask, "label");
	struct weft_account_who *who = NULL;
	int result;

	if (weft_account_login(ask->accounts, &ask->call, weft__hub_text(ask, "name"),
		    weft__hub_text(ask, "password"), &who) < 0)
		return -1;
	/* Always a new one: what a browser was given before, by whomever, is no key to this. */
	result = weft_account_session_begin(
		ask->accounts, &ask->call, who, label ? label : ask->label, ask->session);
	if (result == 0)
		result = weft__hub_give(ask, who_json(who));
	if (result == 0 && ask->cookie) /* nobody has a use for the old one any more */
		weft_account_session_end(ask->accounts, &ask->call, ask->cookie);
	ask->status = 201;
	weft_account_who_free(who);
	return result;
}

int weft__hub_log_out(struct hub_ask *ask)
{
	ask->ends_session = true;
	return ask->cookie ? weft_account_session_end(ask->accounts, &ask->call, ask->cookie) : 0;
}

int weft__hub_list_sessions(struct hub_ask *ask)
{
	const char *user = weft__hub_user(ask);
	int64_t own_id = ask->call.who ? ask->call.who->session : 0;
	struct weft_account_sessions sessions;
	json_t *list;

	if (!user || weft_account_sessions(ask->accounts, &ask->call, user, &sessions) < 0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < sessions.count; i++)
		json_array_append_new(list, weft__hub_json_session(&sessions.sessions[i], own_id));
	weft_account_sessions_fini(&sessions);
	return weft__hub_give(ask, json_pack("{s:o}", "sessions", list));
}

static int end_session(struct hub_ask *ask, int64_t id)
{
	const char *user = weft__hub_user(ask);

	return user ? weft_account_session_revoke(ask->accounts, &ask->call, user, id) : -1;
}

int weft__hub_end_sessions(struct hub_ask *ask)
{
	return end_session(ask, 0);
}

/* Of all at once it is 0 that says so, and there is none of that number. */
int weft__hub_end_session(struct hub_ask *ask)
{
	int64_t id = weft__hub_number(ask, "id", 0);

	if (id > 0)
		return end_session(ask, id);
	errno = ENOENT;
	return -1;
}

/* ---- Oneself ------------------------------------------------------------------------------ */

/* As she is in the database, not as she was when this request was let in. */
int weft__hub_show_me(struct hub_ask *ask)
{
	const char *user = weft__hub_user(ask);
	struct weft_account_who me;

	if (!user)
		return -1;
	me = *ask->call.who;
	/* Who has to change her password, or is a token, is told no more than that she is in. */
	if (weft_account_get(ask->accounts, &ask->call, user, &me.user) < 0 && errno != EACCES)
		return -1;
	return weft__hub_give(ask, who_json(&me));
}

int weft__hub_change_me(struct hub_ask *ask)
{
	const char *user = weft__hub_user(ask);
	struct weft_account_change change = WEFT_ACCOUNT_NO_CHANGE;
	struct weft_account_user changed;

	change.display_name = weft__hub_text(ask, "display_name");
	if (!user || weft_account_change(ask->accounts, &ask->call, user, &change, &changed) < 0)
		return -1;
	return weft__hub_give(ask, weft__hub_json_user(&changed));
}

int weft__hub_change_password(struct hub_ask *ask)
{
	const char *user = weft__hub_user(ask);

	if (!user)
		return -1;
	if (weft_account_set_password(ask->accounts, &ask->call, user,
		    weft__hub_text(ask, "old_password"), weft__hub_text(ask, "new_password")) < 0) {
		/* Who asks is known: it is only the old password that is not right. */
		if (errno == EKEYREJECTED)
			ask->status = 403;
		return -1;
	}
	ask->ends_session = true;
	return 0;
}

int weft__hub_show_rights(struct hub_ask *ask)
{
	const char *path = weft__hub_text(ask, "path");
	struct weft_account_who *stranger = NULL;
	const struct weft_account_who *who = ask->call.who;
	unsigned rights;

	if (!who && weft_account_stranger(ask->accounts, &stranger) < 0)
		return -1;
	rights = weft_account_rights(who ? who : stranger, path ? path : "");
	weft_account_who_free(stranger);
	return weft__hub_give(ask, json_pack("{s:s, s:o}", "path", path ? path : "", "rights",
					   weft__hub_words_list(&weft__hub_rights, rights)));
}

/* ---- Links -------------------------------------------------------------------------------- */

int weft__hub_look_at_link(struct hub_ask *ask)
{
	struct weft_account_link link;

	if (weft_account_link_look(
		    ask->accounts, &ask->call, weft__hub_text(ask, "secret"), &link) < 0) {
		ask->status = errno == EKEYREJECTED ? 404 : errno == EKEYEXPIRED ? 410 : 0;
		return -1;
	}
	return weft__hub_give(
		ask, json_pack("{s:o, s:o, s:b, s:I}", "name", weft__hub_json_text(link.user.name),
			     "display_name", weft__hub_json_text(link.user.display_name),
			     "is_invitation", link.is_invitation, "expires",
			     (json_int_t)link.expires_s));
}

int weft__hub_use_link(struct hub_ask *ask)
{
	if (weft_account_link_use(ask->accounts, &ask->call, weft__hub_text(ask, "secret"),
		    weft__hub_text(ask, "password")) == 0)
		return 0;
	ask->status = errno == EKEYREJECTED ? 404 : errno == EKEYEXPIRED ? 410 : 0;
	return -1;
}
