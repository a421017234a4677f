/*
 * server_crowd.c - see server_crowd.h.
 *
 * A session begins and ends seldom enough for a lock around a map.
 *
 * Never: waits, or keeps what nobody is in.
 */
#include "ftp/server_crowd.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "weft/fiber.h"
#include "weft/map.h"

struct member {
	unsigned count;
	int64_t due_ns; /* when what it has done would be done, at its rate */
	size_t len;
	unsigned char key[];
};

struct weft__ftpd_crowd {
	pthread_mutex_t lock;
	struct weft_map *members;
};

struct weft__ftpd_crowd *weft__ftpd_crowd_new(void)
{
	struct weft__ftpd_crowd *crowd = calloc(1, sizeof(*crowd));

	if (!crowd)
		return NULL;
	crowd->members = weft_map_new(NULL);
	if (!crowd->members) {
		free(crowd);
		return NULL;
	}
	pthread_mutex_init(&crowd->lock, NULL);
	return crowd;
}

void weft__ftpd_crowd_free(struct weft__ftpd_crowd *crowd)
{
	const struct weft_map_entry *entry;
	size_t cursor = 0;

	if (!crowd)
		return;
	while ((entry = weft_map_next(crowd->members, &cursor)) != NULL)
		free(entry->value);
	weft_map_free(crowd->members);
	pthread_mutex_destroy(&crowd->lock);
	free(crowd);
}

/* The member of that key, made when it is not there. NULL: memory is short. */
static struct member *member_of(struct weft__ftpd_crowd *crowd, const void *key, size_t len)
{
	struct member *member = weft_map_get(crowd->members, key, len);

	if (member)
		return member;
	member = malloc(sizeof(*member) + len);
	if (!member)
		return NULL;
	member->count = 0;
	member->due_ns = 0;
	member->len = len;
	memcpy(member->key, key, len);
	if (weft_map_put(crowd->members, member->key, len, member, NULL) < 0) {
		free(member);
		return NULL;
	}
	return member;
}

bool weft__ftpd_crowd_enter(
	struct weft__ftpd_crowd *crowd, const void *key, size_t len, unsigned max)
{
	struct member *member;
	bool has_room;

	pthread_mutex_lock(&crowd->lock);
	member = member_of(crowd, key, len);
	has_room = member && member->count < max;
	if (has_room)
		member->count++;
	pthread_mutex_unlock(&crowd->lock);
	return has_room;
}

void weft__ftpd_crowd_leave(struct weft__ftpd_crowd *crowd, const void *key, size_t len)
{
	struct member *member;

	pthread_mutex_lock(&crowd->lock);
	member = weft_map_get(crowd->members, key, len);
	if (member && --member->count == 0) {
		weft_map_remove(crowd->members, key, len);
		free(member);
	}
	pthread_mutex_unlock(&crowd->lock);
}

int64_t weft__ftpd_crowd_charge(
	struct weft__ftpd_crowd *crowd, const void *key, size_t len, int64_t cost_ns)
{
	int64_t now_ns = weft_now(), due_ns = 0;
	struct member *member;

	pthread_mutex_lock(&crowd->lock);
	member = weft_map_get(crowd->members, key, len);
	if (member) {
		if (member->due_ns < now_ns)
			member->due_ns = now_ns;
		due_ns = member->due_ns += cost_ns;
	}
	pthread_mutex_unlock(&crowd->lock);
	return due_ns;
}
