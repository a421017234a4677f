/*
 * chat_udp_who.c - names at the door for datagrams: a guest's, or an account's with a code.
 *
 * Who comes by a code is here as long as the log-in is good that she has asked for it with: when
 * her account is locked or removed, or its password changes, she is out.
 *
 * Entry points: weft__hub_chat_udp_who(), weft__hub_chat_udp_stay().
 *
 * Never: takes a password: these datagrams are in the clear. Nor gives who comes by a code any
 * power that her account has.
 */
#include <stdio.h>
#include <string.h>

#include "chat_session.h"
#include "chat_udp.h"

_Static_assert(HUB_CHAT_UDP_KEY_SIZE >= HUB_CHAT_KEY_SIZE, "a key is copied");

static const char *judge(struct hub_chat *chat, const struct hub_chat_name *name,
	const struct hub_chat_udp_asker *asker, struct weft_account_who **ret_login)
{
	const struct hub_chat_guess guess = {
		name->account, asker->code, asker->network, asker->network_len};
	int result;

	if (name->fault)
		return name->why;
	if (name->account == 0)
		return chat->options.no_guests ? "guests are not let in" : NULL;
	if (!asker->code[0])
		return "this name needs a code of its owner's: send: L name code";
	result = weft__hub_chat_code_take(chat, &guess, ret_login);
	if (result < 0)
		return "too many wrong codes: wait a minute";
	return result ? NULL : "this code is wrong, or over";
}

int weft__hub_chat_udp_who(
	void *arg, const struct hub_chat_udp_asker *asker, struct hub_chat_udp_who *ret_who)
{
	struct hub_chat *chat = arg;
	struct weft_account_who *login = NULL;
	struct hub_chat_name look;

	if (weft__hub_chat_name_look(chat, asker->name, &look) < 0)
		return -1;
	ret_who->why = judge(chat, &look, asker, &login);
	ret_who->login = login;
	ret_who->account = look.account;
	memcpy(ret_who->key, look.key, sizeof(look.key));
	return 0;
}

void *weft__hub_chat_udp_stay(void *chat, void *login, struct weft_room_client *client)
{
	if (client)
		return weft__hub_chat_stay_begin(chat, login, client);
	weft_account_who_free(login);
	return NULL;
}

void weft__hub_chat_udp_unstay(void *stay)
{
	weft__hub_chat_stay_end(stay);
}
