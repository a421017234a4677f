/*
 * chat_moderate.c - commands that change a room, or somebody's standing in it.
 *
 * Entry points: weft__chat_change(), weft__chat_announce(). Who may, is the rooms' to say.
 */
#include <errno.h>
#include <string.h>

#include "chat_session.h"

static const enum weft_room_action actions[WEFT_CHAT_VERBS] = {
	[WEFT_CHAT_KICK] = WEFT_ROOM_KICK,
	[WEFT_CHAT_BAN] = WEFT_ROOM_BAN,
	[WEFT_CHAT_UNBAN] = WEFT_ROOM_UNBAN,
	[WEFT_CHAT_MUTE] = WEFT_ROOM_MUTE,
	[WEFT_CHAT_UNMUTE] = WEFT_ROOM_UNMUTE,
	[WEFT_CHAT_DELETE] = WEFT_ROOM_DELETE,
	[WEFT_CHAT_TOPIC] = WEFT_ROOM_SET_TOPIC,
	[WEFT_CHAT_SLOW] = WEFT_ROOM_SET_SLOW,
	[WEFT_CHAT_READ_ONLY] = WEFT_ROOM_SET_READ_ONLY,
	[WEFT_CHAT_GUESTS] = WEFT_ROOM_SET_GUESTS,
	[WEFT_CHAT_PRIVATE] = WEFT_ROOM_SET_PRIVATE,
	[WEFT_CHAT_INVITE] = WEFT_ROOM_INVITE,
	[WEFT_CHAT_MODERATOR] = WEFT_ROOM_MAKE_MODERATOR,
	[WEFT_CHAT_MAKE] = WEFT_ROOM_MAKE,
	[WEFT_CHAT_REMOVE] = WEFT_ROOM_REMOVE,
};

/* By her role: the rooms know it of those only who are here. 1, 0, or -1. */
static int moderates(struct hub_chat *chat, const struct weft_account_user *user)
{
	struct weft_account_call call = {.is_local = true, .door = "chat"};
	struct weft_account_roles roles;
	int result = 0;

	if (weft_account_roles(chat->options.accounts, &call, &roles) < 0)
		return -1;
	for (size_t i = 0; i < roles.count; i++)
		if (strcmp(roles.roles[i].name, user->role) == 0)
			result = (roles.roles[i].powers & WEFT_ACCOUNT_MODERATES) != 0;
	weft_account_roles_fini(&roles);
	return result;
}

int weft__chat_change(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	struct weft_room_change change = {.action = actions[command->verb],
		.room = strcmp(command->room, "*") == 0 ? NULL : command->room,
		.target = command->name[0] ? command->name : NULL,
		.text = command->text,
		.seq = command->seq,
		.for_ns = command->for_s * WEFT_SECONDS(1),
		.is_on = command->is_on};
	struct weft_account_user user;
	int found = 0;

	if (change.target)
		found = weft__chat_account_of(session->chat, change.target, &user);
	if (found < 0 && (errno == ECANCELED || errno == ETIMEDOUT))
		return -1;
	if (found > 0) {
		int above = moderates(session->chat, &user);

		if (above < 0 && (errno == ECANCELED || errno == ETIMEDOUT))
			return -1;
		change.target = user.name;
		change.target_account = user.id;
		change.target_moderates = above != 0; /* nothing is done to whom can't be judged */
	}
	return weft__chat_result(session, command, weft_room_change(session->client, &change));
}

int weft__chat_announce(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	return weft__chat_result(
		session, command, weft_room_announce(session->client, command->text));
}
