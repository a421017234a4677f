/*
 * chat_session.c - somebody at a door of chat: her life, and one command after the other.
 *
 *	stranger --LOGIN, TOKEN, GUEST--> client in the rooms --QUIT, OVER, gone--> end
 *
 * Entry points: weft__hub_chat_session_new(), weft__hub_chat_session_do().
 *
 * Never: carries out a command of somebody whose account is locked, or may less by now.
 */
#include "chat_session.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weft/fiber.h"
#include "weft/ledger.h"
#include "weft/rate.h"

/* What is said fits in there as a rule. */
#define SAY_SIZE 512

#define RATE_BURST 100 /* commands at once */

/* ---- Saying -----------------------------------------------------------------------------------
 */

static int say(struct hub_chat_session *session, const char *bytes, size_t len)
{
	if (session->client)
		return weft_room_tell(session->client, bytes, len);
	return session->peer.write(session->peer.arg, bytes, len);
}

struct filling {
	const struct hub_chat_wire *wire;
	chat_fill_fn *fill;
	const void *arg;
};

static size_t fill_in(const struct filling *filling, char *bytes, size_t size)
{
	struct chat_say out;

	weft__chat_say_begin(&out, filling->wire, bytes, size);
	filling->fill(&out, filling->arg);
	return weft__chat_say_end(&out);
}

int weft__chat_send(struct hub_chat_session *session, chat_fill_fn *fill, const void *arg)
{
	const struct filling filling = {session->peer.wire, fill, arg};
	char small[SAY_SIZE], *large = NULL;
	size_t len = fill_in(&filling, small, sizeof(small));
	int result;

	if (len > sizeof(small)) {
		large = malloc(len);
		if (!large)
			return -1;
		len = fill_in(&filling, large, len);
	}
	result = say(session, large ? large : small, len);
	free(large);
	return result;
}

static void fill_ok(struct chat_say *out, const void *tag)
{
	weft__chat_say_ok(out, tag);
}

int weft__chat_ok(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	return weft__chat_send(session, fill_ok, command->tag);
}

static void fill_no(struct chat_say *out, const void *arg)
{
	const struct chat_refusal *refusal = arg;

	weft__chat_say_no(out, refusal->tag, refusal->word, refusal->wait_ns);
	weft__chat_say_text(out, "text", refusal->text, strlen(refusal->text));
}

int weft__chat_no(struct hub_chat_session *session, const struct chat_refusal *refusal)
{
	return weft__chat_send(session, fill_no, refusal);
}

int weft__chat_no_room(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	enum weft_room_fault fault = weft_room_client_fault(session->client);
	int code = errno;

	if (code == ESHUTDOWN || code == ECANCELED || code == ETIMEDOUT)
		return -1;
	if (fault == WEFT_ROOM_FAULT_NONE)
		fault = WEFT_ROOM_FAILED;
	return weft__chat_no(
		session, &(struct chat_refusal){.tag = command->tag,
				 .word = weft_room_fault_word(fault),
				 .text = weft_room_fault_text(fault),
				 .wait_ns = weft_room_client_wait_ns(session->client)});
}

int weft__chat_result(
	struct hub_chat_session *session, const struct weft_chat_command *command, int result)
{
	return result < 0 ? weft__chat_no_room(session, command) : weft__chat_ok(session, command);
}

struct weft_account_call weft__chat_call(const struct hub_chat_session *session)
{
	return (struct weft_account_call){
		.who = session->who, .address = session->peer.address, .door = session->peer.door};
}

int weft__hub_chat_session_refuse(
	struct hub_chat_session *session, const char *tag, const char *why)
{
	return weft__chat_no(
		session, &(struct chat_refusal){.tag = tag, .word = "bad-command", .text = why});
}

/* ---- How fast ---------------------------------------------------------------------------------
 */

/* Who is too fast waits: nothing more is read of her meanwhile. */
static int pace_client(struct hub_chat_session *session)
{
	int64_t interval = session->chat->interval_ns, now, ahead;

	if (interval == 0 || session->peer.has_no_rate)
		return 0;
	now = weft_now();
	if (session->paced_ns < now)
		session->paced_ns = now;
	session->paced_ns += interval;
	ahead = session->paced_ns - now - RATE_BURST * interval;
	return ahead > 0 ? weft_sleep(ahead) : 0;
}

static int pace_address(struct hub_chat_session *session)
{
	const char *address = session->peer.address;
	int64_t wait_ns;

	if (!session->chat->address_rate || session->peer.has_no_rate || !address)
		return 0;
	while ((wait_ns = weft_rate_take(
			session->chat->address_rate, address, strlen(address), weft_now())) > 0)
		if (weft_sleep(wait_ns) < 0)
			return -1;
	return 0;
}

int weft__chat_pace_guest(struct hub_chat_session *session, size_t bytes)
{
	const char *address = session->peer.address;
	uint8_t host[WEFT_LEDGER_HOST_MAX];
	size_t len;
	int64_t wait_ns;

	if (session->who || session->peer.has_no_rate || !address)
		return 0;
	/* Of IPv6 her network: one machine may have all addresses of it. */
	len = weft_ledger_host(address, host);
	while (len > 0 &&
		(wait_ns = weft__hub_chat_guest_take(session->chat, host, len, &bytes)) > 0)
		if (weft_sleep(wait_ns) < 0)
			return -1;
	return 0;
}

/* ---- Whether she may still ------------------------------------------------------------------- */

static void fill_over(struct chat_say *out, const void *why)
{
	const struct weft_room_event over = {.kind = WEFT_ROOM_OVER,
		.room = "",
		.id = "",
		.who = "",
		.text = why,
		.text_len = strlen(why)};

	weft__chat_say_room(out, &over, "");
}

static int end_with(struct hub_chat_session *session, const char *why)
{
	return weft__chat_send(session, fill_over, why) < 0 ? -1 : 1;
}

/* 0 to go on. */
static int refresh(struct hub_chat_session *session)
{
	struct weft_account_who *now;
	const char *why;

	if (!session->who)
		return 0;
	if (weft_account_who_refresh(session->who, &now) < 0) {
		if (errno == EKEYREJECTED || errno == EKEYEXPIRED || errno == EPERM)
			return end_with(session, weft__chat_judge(session->who, NULL));
		return errno == ECANCELED || errno == ETIMEDOUT ? -1 : 0;
	}
	why = weft__chat_judge(session->who, now);
	weft__chat_set_who(session, now);
	return why ? end_with(session, why) : 0;
}

/* ---- Commands ---------------------------------------------------------------------------------
 */

static int ping(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	return weft__chat_ok(session, command);
}

/* What was said before is answered before; and this when she is out: _free(). */
static int quit(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	if (session->client && weft_room_settle(session->client) < 0)
		return -1;
	snprintf(session->quit_tag, sizeof(session->quit_tag), "%s", command->tag);
	session->quits = true;
	return 1;
}

enum {
	AT_ONCE = 1, /* before she has come in */
	ONLY_FIRST = 2,
};

static const struct {
	chat_do_fn *fn;
	unsigned flags;
} deeds[WEFT_CHAT_VERBS] = {
	[WEFT_CHAT_LOGIN] = {weft__chat_login, AT_ONCE | ONLY_FIRST},
	[WEFT_CHAT_TOKEN] = {weft__chat_token, AT_ONCE | ONLY_FIRST},
	[WEFT_CHAT_GUEST] = {weft__chat_guest, AT_ONCE | ONLY_FIRST},
	[WEFT_CHAT_ADMIN] = {weft__chat_admin, AT_ONCE | ONLY_FIRST},
	[WEFT_CHAT_JOIN] = {weft__chat_join, 0},
	[WEFT_CHAT_LEAVE] = {weft__chat_leave, 0},
	[WEFT_CHAT_SAY] = {weft__chat_post, 0},
	[WEFT_CHAT_SHARE] = {weft__chat_share, 0},
	[WEFT_CHAT_DIRECT] = {weft__chat_direct, 0},
	[WEFT_CHAT_TYPING] = {weft__chat_typing, 0},
	[WEFT_CHAT_READ] = {weft__chat_read, 0},
	[WEFT_CHAT_HISTORY] = {weft__chat_history, 0},
	[WEFT_CHAT_SEARCH] = {weft__chat_search, 0},
	[WEFT_CHAT_ROOMS] = {weft__chat_rooms, 0},
	[WEFT_CHAT_MEMBERS] = {weft__chat_members, 0},
	[WEFT_CHAT_KICK] = {weft__chat_change, 0},
	[WEFT_CHAT_BAN] = {weft__chat_change, 0},
	[WEFT_CHAT_UNBAN] = {weft__chat_change, 0},
	[WEFT_CHAT_MUTE] = {weft__chat_change, 0},
	[WEFT_CHAT_UNMUTE] = {weft__chat_change, 0},
	[WEFT_CHAT_DELETE] = {weft__chat_change, 0},
	[WEFT_CHAT_TOPIC] = {weft__chat_change, 0},
	[WEFT_CHAT_SLOW] = {weft__chat_change, 0},
	[WEFT_CHAT_READ_ONLY] = {weft__chat_change, 0},
	[WEFT_CHAT_GUESTS] = {weft__chat_change, 0},
	[WEFT_CHAT_PRIVATE] = {weft__chat_change, 0},
	[WEFT_CHAT_INVITE] = {weft__chat_change, 0},
	[WEFT_CHAT_MODERATOR] = {weft__chat_change, 0},
	[WEFT_CHAT_MAKE] = {weft__chat_change, 0},
	[WEFT_CHAT_REMOVE] = {weft__chat_change, 0},
	[WEFT_CHAT_ANNOUNCE] = {weft__chat_announce, 0},
	[WEFT_CHAT_CODE] = {weft__chat_code, 0},
	[WEFT_CHAT_WHO] = {weft__chat_who, 0},
	[WEFT_CHAT_STATS] = {weft__chat_stats, 0},
	[WEFT_CHAT_PING] = {ping, AT_ONCE},
	[WEFT_CHAT_HELP] = {weft__chat_help, AT_ONCE},
	[WEFT_CHAT_QUIT] = {quit, AT_ONCE},
};

int weft__hub_chat_session_do(
	struct hub_chat_session *session, const struct weft_chat_command *command)
{
	struct chat_refusal refusal = {.tag = command->tag};
	unsigned flags;
	int result;

	assert(command->verb > 0 && command->verb < WEFT_CHAT_VERBS);
	flags = deeds[command->verb].flags;
	if (pace_client(session) < 0 || pace_address(session) < 0)
		return -1;
	if (!session->client && !(flags & AT_ONCE)) {
		refusal.word = "log-in-first";
		refusal.text = "say first who you are: LOGIN name password, or GUEST name";
		return weft__chat_no(session, &refusal);
	}
	if (session->client && (flags & ONLY_FIRST)) {
		refusal.word = "already";
		refusal.text = "you have said who you are";
		return weft__chat_no(session, &refusal);
	}
	result = refresh(session);
	return result ? result : deeds[command->verb].fn(session, command);
}

/* ---- Life -------------------------------------------------------------------------------------
 */

/* In the ledger of all doors; errno EDQUOT where its host has as many as it may. */
static int count_in(const struct hub_chat_session *session)
{
	uint8_t host[WEFT_LEDGER_HOST_MAX];
	size_t len = weft_ledger_host(session->address, host);

	if (session->peer.is_counted || weft_ledger_enter(session->chat->options.ledger, host, len))
		return 0;
	errno = EDQUOT;
	return -1;
}

static void count_out(const struct hub_chat_session *session)
{
	uint8_t host[WEFT_LEDGER_HOST_MAX];

	if (!session->peer.is_counted)
		weft_ledger_leave(session->chat->options.ledger, host,
			weft_ledger_host(session->address, host));
}

struct hub_chat_session *weft__hub_chat_session_new(
	struct hub_chat *chat, const struct hub_chat_peer *peer)
{
	size_t address_len = peer->address ? strlen(peer->address) : 0;
	struct hub_chat_session *session = malloc(sizeof(*session) + address_len + 1);

	if (!session)
		return NULL;
	*session = (struct hub_chat_session){.chat = chat, .peer = *peer};
	if (address_len)
		memcpy(session->address, peer->address, address_len);
	session->address[address_len] = '\0';
	session->peer.address = address_len ? session->address : NULL;
	if (count_in(session) < 0)
		goto fail;
	if (weft__chat_stranger_begin(session) == 0)
		return session;
	count_out(session);
fail:
	free(session);
	return NULL;
}

void weft__hub_chat_session_free(struct hub_chat_session *session)
{
	int kept = errno;

	if (!session)
		return;
	weft__chat_unwatch(session);
	weft__chat_stranger_end(session);
	count_out(session);
	weft_room_exit(session->client);
	session->client = NULL;
	/* Who has it is in no room, and her name is free. */
	if (session->quits)
		weft__chat_send(session, fill_ok, session->quit_tag);
	weft_account_who_free(session->who);
	free(session);
	errno = kept;
}

struct weft_room_client *weft__hub_chat_session_client(const struct hub_chat_session *session)
{
	return session->client;
}
