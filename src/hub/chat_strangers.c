/*
 * chat_strangers.c - who has connected and has not said yet who it is: so many of one address.
 *
 * Whoever is somebody is counted by the rooms, and bounded there. Without a bound before that, one
 * machine could have all connections that the server takes, and say nothing.
 *
 * Entry points: weft__chat_stranger_begin(), weft__chat_stranger_end().
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "chat_session.h"
#include "weft/map.h"

/** Of one address at once. */
#define STRANGERS_MAX 256

/** Those of one address; while there are any. */
struct chat_strangers {
	uint8_t key[8];
	unsigned count;
};

/* An address of IPv4; of IPv6 its network of 64 bits, which one host may have all of. What has a
 * scope is on the link: all of these are counted together. */
static void key_of(const char *address, uint8_t ret_key[8])
{
	struct in6_addr ip;

	memset(ret_key, 0, 8);
	if (inet_pton(AF_INET, address, ret_key + 4) == 1)
		return;
	if (inet_pton(AF_INET6, address, &ip) == 1)
		memcpy(ret_key, &ip, 8);
	else
		ret_key[0] = 0xfe;
}

static struct chat_strangers *find(struct hub_chat *chat, const uint8_t key[8])
{
	return weft_map_get(chat->strangers, key, 8);
}

/* Under the mutex. NULL with errno. */
static struct chat_strangers *find_or_make(struct hub_chat *chat, const uint8_t key[8])
{
	struct chat_strangers *strangers = find(chat, key);

	if (strangers)
		return strangers;
	strangers = calloc(1, sizeof(*strangers));
	if (!strangers)
		return NULL;
	memcpy(strangers->key, key, 8);
	if (weft_map_put(chat->strangers, strangers->key, 8, strangers, NULL) == 0)
		return strangers;
	free(strangers);
	return NULL;
}

bool weft__hub_chat_is_crowded(struct hub_chat *chat, const char *address)
{
	const struct chat_strangers *strangers;
	uint8_t key[8];
	bool is_crowded;

	if (!address)
		return false;
	key_of(address, key);
	pthread_mutex_lock(&chat->mutex);
	strangers = find(chat, key);
	is_crowded = strangers && strangers->count >= STRANGERS_MAX;
	pthread_mutex_unlock(&chat->mutex);
	return is_crowded;
}

int weft__chat_stranger_begin(struct hub_chat_session *session)
{
	struct hub_chat *chat = session->chat;
	struct chat_strangers *strangers;
	uint8_t key[8];
	int result = -1;

	if (!session->peer.address)
		return 0;
	key_of(session->peer.address, key);
	pthread_mutex_lock(&chat->mutex);
	strangers = find_or_make(chat, key);
	if (strangers && strangers->count >= STRANGERS_MAX) {
		errno = EUSERS;
	} else if (strangers) {
		strangers->count++;
		session->strangers = strangers;
		result = 0;
	}
	pthread_mutex_unlock(&chat->mutex);
	return result;
}

void weft__chat_stranger_end(struct hub_chat_session *session)
{
	struct hub_chat *chat = session->chat;
	struct chat_strangers *strangers = session->strangers;

	if (!strangers)
		return;
	session->strangers = NULL;
	pthread_mutex_lock(&chat->mutex);
	if (--strangers->count == 0) {
		weft_map_remove(chat->strangers, strangers->key, 8);
		free(strangers);
	}
	pthread_mutex_unlock(&chat->mutex);
}
