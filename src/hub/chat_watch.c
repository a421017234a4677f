/*
 * chat_watch.c - whether those who have logged in still may be here: a fiber looks at one after the
 * other, also at those who only listen.
 *
 * Entry points: weft__chat_watch_begin(), weft__chat_watch(), weft__chat_unwatch().
 *
 * Never: waits while it holds the mutex, or touches a session that it has not found under it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chat_session.h"
#include "weft/scope.h"

/** Between two looks at the same person. */
#define ROUND_NS WEFT_SECONDS(5)

/* Under the mutex. */
static void add(struct hub_chat *chat, struct chat_watched *watched, struct weft_account_who **who,
	struct weft_room_client *client)
{
	watched->who = who;
	watched->client = client;
	weft_list_push_back(&chat->watched, &watched->node);
	chat->watched_count++;
}

static void take_out(struct hub_chat *chat, struct chat_watched *watched)
{
	pthread_mutex_lock(&chat->mutex);
	weft_list_remove(&watched->node);
	chat->watched_count--;
	pthread_mutex_unlock(&chat->mutex);
}

/* ---- By doors that have sessions --------------------------------------------------------------
 */

void weft__chat_watch(struct hub_chat_session *session, struct weft_account_who *who)
{
	struct hub_chat *chat = session->chat;

	pthread_mutex_lock(&chat->mutex);
	session->who = who;
	add(chat, &session->watched, &session->who, session->client);
	pthread_mutex_unlock(&chat->mutex);
}

void weft__chat_unwatch(struct hub_chat_session *session)
{
	if (session->who)
		take_out(session->chat, &session->watched);
}

void weft__chat_set_who(struct hub_chat_session *session, struct weft_account_who *who)
{
	struct weft_account_who *before = session->who;

	pthread_mutex_lock(&session->chat->mutex);
	session->who = who;
	pthread_mutex_unlock(&session->chat->mutex);
	weft_account_who_free(before);
}

/* ---- By others --------------------------------------------------------------------------------
 */

struct hub_chat_stay {
	struct chat_watched watched;
	struct hub_chat *chat;
	struct weft_account_who *who;
};

struct hub_chat_stay *weft__hub_chat_stay_begin(
	struct hub_chat *chat, struct weft_account_who *who, struct weft_room_client *client)
{
	struct hub_chat_stay *stay = calloc(1, sizeof(*stay));

	if (!stay) {
		weft_account_who_free(who);
		return NULL;
	}
	stay->chat = chat;
	stay->who = who;
	pthread_mutex_lock(&chat->mutex);
	add(chat, &stay->watched, &stay->who, client);
	pthread_mutex_unlock(&chat->mutex);
	return stay;
}

void weft__hub_chat_stay_end(struct hub_chat_stay *stay)
{
	if (!stay)
		return;
	take_out(stay->chat, &stay->watched);
	weft_account_who_free(stay->who);
	free(stay);
}

const char *weft__chat_judge(
	const struct weft_account_who *before, const struct weft_account_who *now)
{
	if (!now)
		return "your log-in is over";
	if ((before->powers ^ now->powers) & WEFT_ACCOUNT_MODERATES)
		return "your powers have changed: please log in again";
	/* The name by which others know her may be another's by now. */
	if (strcmp(before->user.name, now->user.name) != 0)
		return "your name has changed: please log in again";
	return NULL;
}

/* ---- The fiber --------------------------------------------------------------------------------
 */

/* The one who was looked at longest ago, kept, and her client's number; NULL: nobody is here. */
static struct weft_account_who *next(struct hub_chat *chat, uint64_t *ret_number)
{
	struct weft_account_who *who = NULL;
	struct weft_list_node *node;

	pthread_mutex_lock(&chat->mutex);
	node = weft_list_first(&chat->watched);
	if (node) {
		const struct chat_watched *watched =
			weft_container_of(node, struct chat_watched, node);

		weft_list_remove(node);
		weft_list_push_back(&chat->watched, node);
		*ret_number = weft_room_client_number(watched->client);
		who = weft_account_who_keep(*watched->who);
	}
	pthread_mutex_unlock(&chat->mutex);
	return who;
}

static void end(struct hub_chat *chat, uint64_t number, const char *why)
{
	pthread_mutex_lock(&chat->mutex);
	weft_list_each (node, &chat->watched) {
		const struct chat_watched *watched =
			weft_container_of(node, struct chat_watched, node);

		if (weft_room_client_number(watched->client) == number)
			weft_room_end(watched->client, why);
	}
	pthread_mutex_unlock(&chat->mutex);
}

static void look(struct hub_chat *chat)
{
	struct weft_account_who *now = NULL, *who;
	const char *why = NULL;
	uint64_t number;

	who = next(chat, &number);
	if (!who)
		return;
	if (weft_account_who_refresh(who, &now) == 0 || errno == EKEYREJECTED ||
		errno == EKEYEXPIRED || errno == EPERM)
		why = weft__chat_judge(who, now);
	if (why)
		end(chat, number, why);
	weft_account_who_free(now);
	weft_account_who_free(who);
}

static int watch(void *arg)
{
	struct hub_chat *chat = arg;
	unsigned count;

	do {
		pthread_mutex_lock(&chat->mutex);
		count = chat->watched_count;
		pthread_mutex_unlock(&chat->mutex);
		while (count-- > 0 && !weft_interrupted())
			look(chat);
	} while (weft_sleep(ROUND_NS) == 0);
	return 0;
}

int weft__chat_watch_begin(struct hub_chat *chat)
{
	const struct weft_spawn_options options = {.name = "chat: log-ins"};

	if (!chat->options.accounts)
		return 0;
	chat->watcher = weft_spawn_with(&options, watch, chat);
	return chat->watcher ? 0 : -1;
}

void weft__chat_watch_end(struct hub_chat *chat)
{
	if (!chat->watcher)
		return;
	weft_cancel(chat->watcher);
	WEFT_SHIELDED
		weft_join(chat->watcher, NULL, WEFT_FOREVER);
}
