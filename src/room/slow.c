/*
 * slow.c - when those spoke last who have gone: slow mode goes on for who comes again.
 *
 *	(room, account), or (room, address of a guest) --> when; the oldest of four makes room
 *
 * A guest who comes again may have another name: what counts is where she comes from. So the first
 * message of a guest waits for what one who has gone from the same address has said. Those who are
 * here are asked by their standing, and do not wait for each other.
 *
 * Entry points: weft__slow_new(), weft__slow_keep(), weft__slow_spoke().
 * Never: grows; or calls anybody else's lock with its own held.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/siphash.h"
#include "room/inside.h"

#define SETS 1024
#define WAYS 4

struct weft__slow {
	pthread_mutex_t lock;
	struct weft__siphash_key key; /* nobody chooses whose place she takes */
	struct {
		uint64_t hash;
		int64_t spoke_ns; /* 0: free */
	} all[SETS][WAYS];
};

struct weft__slow *weft__slow_new(void)
{
	struct weft__slow *slow = calloc(1, sizeof(*slow));

	if (!slow)
		return NULL;
	pthread_mutex_init(&slow->lock, NULL);
	slow->key = (struct weft__siphash_key){{weft_random(), weft_random()}};
	return slow;
}

void weft__slow_free(struct weft__slow *slow)
{
	if (!slow)
		return;
	pthread_mutex_destroy(&slow->lock);
	free(slow);
}

static uint64_t hash_of(const struct weft__person *person, const struct weft__room *room)
{
	bool is_guest = weft__person_is_guest(person);
	char text[WEFT__IDENTITY_SIZE + WEFT_ROOM_PERSON_MAX + 32];
	int len = snprintf(text, sizeof(text), "%lld %s%s", (long long)room->id,
		is_guest ? "@" : "", is_guest ? person->address : person->identity);
	size_t used = len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1;

	return weft__siphash(&room->rooms->slow->key, text, used);
}

static void keep(struct weft__slow *slow, uint64_t hash, int64_t spoke_ns)
{
	size_t set = hash % SETS, at = 0;

	pthread_mutex_lock(&slow->lock);
	for (size_t i = 0; i < WAYS; i++) {
		if (slow->all[set][i].hash == hash) {
			at = i;
			break;
		}
		if (slow->all[set][i].spoke_ns < slow->all[set][at].spoke_ns)
			at = i;
	}
	if (slow->all[set][at].hash != hash || slow->all[set][at].spoke_ns < spoke_ns) {
		slow->all[set][at].hash = hash;
		slow->all[set][at].spoke_ns = spoke_ns;
	}
	pthread_mutex_unlock(&slow->lock);
}

void weft__slow_keep(const struct weft__person *person, struct weft__standing *standing)
{
	struct weft__room *room = standing->room;
	int64_t spoke_ns;

	pthread_mutex_lock(&room->lock);
	spoke_ns = room->slow_ns > 0 ? standing->spoke_ns : 0;
	pthread_mutex_unlock(&room->lock);
	if (spoke_ns)
		keep(room->rooms->slow, hash_of(person, room), spoke_ns);
}

void weft__slow_keep_all(struct weft__person *person)
{
	struct weft__standing *standing;

	pthread_mutex_lock(&person->lock);
	standing = person->standings;
	pthread_mutex_unlock(&person->lock);
	/* The list only grows at its head. */
	for (; standing; standing = standing->next)
		weft__slow_keep(person, standing);
}

int64_t weft__slow_spoke(const struct weft__person *person, const struct weft__room *room)
{
	struct weft__slow *slow = room->rooms->slow;
	uint64_t hash = hash_of(person, room);
	int64_t spoke_ns = 0;

	pthread_mutex_lock(&slow->lock);
	for (size_t i = 0; i < WAYS; i++)
		if (slow->all[hash % SETS][i].hash == hash)
			spoke_ns = slow->all[hash % SETS][i].spoke_ns;
	pthread_mutex_unlock(&slow->lock);
	return spoke_ns;
}
