/*
 * chat_login.c - who is at the other end: an account by password, token or session, or a guest.
 *
 * Entry points: weft__chat_login(), weft__chat_token(), weft__chat_guest(), weft__chat_admin(),
 * weft__hub_chat_session_enter().
 *
 * Never: takes a secret over a network in the clear, unless the administrator has said so.
 */
#include <errno.h>
#include <string.h>

#include "chat_session.h"
#include "weft/account_session.h"

/** Of a guest's secret, which only has to be hard to guess as long as she is here. */
#define GUEST_SECRET_MIN 16
#define GUEST_SECRET_MAX 128

/* ---- No ---------------------------------------------------------------------------------------
 */

/* Too many of these, and the peer is put out. */
static int refuse(struct hub_chat_session *session, const struct chat_refusal *refusal)
{
	if (weft__chat_no(session, refusal) < 0)
		return -1;
	return ++session->failures >= CHAT_FAILURES_MAX;
}

static int refuse_failed(struct hub_chat_session *session, const char *tag)
{
	if (errno == ECANCELED || errno == ETIMEDOUT)
		return -1;
	return refuse(session, &(struct chat_refusal){.tag = tag,
				       .word = "failed",
				       .text = "the server is in trouble; please try later"});
}

static int refuse_account(
	struct hub_chat_session *session, const char *tag, const struct weft_account_call *call)
{
	if (call->fault == WEFT_ACCOUNT_FAULT_NONE)
		return refuse_failed(session, tag);
	return refuse(session, &(struct chat_refusal){.tag = tag,
				       .word = weft_account_fault_word(call->fault),
				       .text = weft_account_fault_text(call->fault),
				       .wait_ns = call->wait_ns});
}

/* What weft_room_enter() failed with. */
static int refuse_entering(struct hub_chat_session *session, const char *tag)
{
	enum weft_room_fault fault = WEFT_ROOM_FAULT_NONE;

	switch (errno) {
	case ESHUTDOWN:
		return -1;
	case EEXIST:
		fault = WEFT_ROOM_NAME_TAKEN;
		break;
	case EPERM:
		fault = WEFT_ROOM_BANNED;
		break;
	case EUSERS:
		fault = WEFT_ROOM_FULL;
		break;
	default:
		return refuse_failed(session, tag);
	}
	return refuse(session, &(struct chat_refusal){.tag = tag,
				       .word = weft_room_fault_word(fault),
				       .text = weft_room_fault_text(fault)});
}

/* ---- In ---------------------------------------------------------------------------------------
 */

struct welcome {
	const struct weft_room_person *person;
	const char *tag;
	bool may_make; /* rooms: for a page, which offers no more than is allowed */
};

static void fill_welcome(struct chat_say *out, const void *arg)
{
	const struct welcome *welcome = arg;
	const struct weft_room_person *person = welcome->person;

	weft__chat_say_ok(out, welcome->tag);
	weft__chat_say_who(
		out, person->name, person->account == 0 && !person->is_server, person->is_server);
	if (out->wire->is_json)
		weft__chat_say_flag(out, "make", welcome->may_make);
}

static int enter(
	struct hub_chat_session *session, const struct weft_room_person *person, const char *tag)
{
	const struct hub_chat_peer *peer = &session->peer;
	const struct weft_room_client_options options = {.on_ready = peer->on_ready,
		.on_probe = peer->on_probe,
		.arg = peer->arg,
		.door = peer->door};
	const struct welcome welcome = {.person = person,
		.tag = tag,
		.may_make = person->account || person->is_server ||
			    session->chat->options.guests_may_make_rooms};

	session->client =
		weft_room_enter(session->chat->rooms, person, &peer->wire->form, &options);
	if (!session->client)
		return refuse_entering(session, tag);
	weft__chat_stranger_end(session);
	return weft__chat_send(session, fill_welcome, &welcome);
}

static int enter_account(
	struct hub_chat_session *session, const struct weft_account_who *who, const char *tag)
{
	struct weft_account_call must_change = {.fault = WEFT_ACCOUNT_MUST_CHANGE};
	char key[HUB_CHAT_KEY_SIZE];
	struct weft_room_person person = {.account = who->user.id,
		.name = who->user.name,
		.key = key,
		.address = session->peer.address,
		.moderates = who->powers & WEFT_ACCOUNT_MODERATES};
	int result;

	if (who->user.must_change)
		return refuse_account(session, tag, &must_change);
	if (weft_account_name_skeleton(who->user.name, key, sizeof(key)) < 0)
		return refuse_failed(session, tag);
	result = enter(session, &person, tag);
	if (session->client)
		weft__chat_watch(session, weft_account_who_keep((struct weft_account_who *)who));
	return result;
}

int weft__hub_chat_session_enter(
	struct hub_chat_session *session, const struct weft_account_who *who)
{
	return enter_account(session, who, "") == 0 && session->client ? 0 : -1;
}

/* ---- Commands ---------------------------------------------------------------------------------
 */

/* Whether a secret may be taken; if not, that was said: *ret_result is for the caller. */
static bool takes_secrets(struct hub_chat_session *session, const char *tag, int *ret_result)
{
	const struct hub_chat_options *options = &session->chat->options;
	struct chat_refusal refusal = {.tag = tag, .word = "not-allowed"};

	if (!options->accounts)
		refusal.text = "there are no accounts here: GUEST name";
	else if (!session->peer.is_private && !options->takes_plain_secrets)
		refusal.text = "passwords and tokens are taken by TLS only";
	else
		return true;
	*ret_result = refuse(session, &refusal);
	return false;
}

int weft__chat_login(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	struct weft_account_call call = weft__chat_call(session);
	struct weft_account_who *who;
	int result;

	if (!takes_secrets(session, command->tag, &result))
		return result;
	if (weft_account_login(
		    session->chat->options.accounts, &call, command->name, command->text, &who) < 0)
		return refuse_account(session, command->tag, &call);
	result = enter_account(session, who, command->tag);
	weft_account_who_free(who);
	return result;
}

int weft__chat_token(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	struct weft_accounts *accounts = session->chat->options.accounts;
	struct weft_account_call call = weft__chat_call(session);
	struct weft_account_who *who;
	int result;

	if (!takes_secrets(session, command->tag, &result))
		return result;
	result = weft_account_token_check(accounts, &call, command->text, &who);
	if (result < 0 && call.fault == WEFT_ACCOUNT_REVOKED)
		result = weft_account_session_check(accounts, &call, command->text, &who);
	if (result < 0)
		return refuse_account(session, command->tag, &call);
	result = enter_account(session, who, command->tag);
	weft_account_who_free(who);
	return result;
}

/* Who runs the server: she speaks as it does, and may all, as at its terminal. */
int weft__chat_admin(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	const struct weft_room_person person = {.name = "SERVER", .is_server = true};

	if (session->peer.is_administrator)
		return enter(session, &person, command->tag);
	return refuse(session, &(struct chat_refusal){.tag = command->tag,
				       .word = "not-allowed",
				       .text = "by the server's Unix socket only, for root and the "
					       "user that the server runs as"});
}

int weft__chat_guest(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	struct chat_refusal refusal = {.tag = command->tag};
	struct hub_chat_name name;
	struct weft_room_person person = {.name = command->name,
		.key = name.key,
		.address = session->peer.address,
		.secret = command->text};

	if (session->chat->options.no_guests) {
		refusal.word = "not-allowed";
		refusal.text = "guests are not let in: LOGIN name password";
		return refuse(session, &refusal);
	}
	if (command->text_len > 0 &&
		(command->text_len < GUEST_SECRET_MIN || command->text_len > GUEST_SECRET_MAX)) {
		refusal.word = "bad-command";
		refusal.text = "a guest's secret is 16 to 128 bytes, such as a UUID";
		return refuse(session, &refusal);
	}
	if (weft__hub_chat_name_look(session->chat, command->name, &name) < 0)
		return refuse_failed(session, command->tag);
	if (name.account) {
		name.fault = weft_account_fault_word(WEFT_ACCOUNT_NAME_TAKEN);
		name.why = weft_account_fault_text(WEFT_ACCOUNT_NAME_TAKEN);
	}
	if (name.fault) {
		refusal.word = name.fault;
		refusal.text = name.why;
		return refuse(session, &refusal);
	}
	return enter(session, &person, command->tag);
}
