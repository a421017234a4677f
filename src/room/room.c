/*
 * room.c - a room: found, made, told of; what is said in it goes out from here.
 *
 * Entry points: weft__room_find(), weft__room_publish().
 * Never: waits; or tells of a private room to who may not know of it.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "room/inside.h"

/* Names that a room had. */
struct weft__room_names {
	struct weft__room_names *before;
	char *name, *key;
};

/* ---- Which there are ------------------------------------------------------------------------ */

struct weft__room *weft__room_find(struct weft_rooms *rooms, const char *key)
{
	struct weft__room *room;

	pthread_mutex_lock(&rooms->lock);
	room = weft_map_get(rooms->by_key, key, strlen(key));
	pthread_mutex_unlock(&rooms->lock);
	return room;
}

bool weft__room_is_open_to(struct weft__room *room, struct weft_room_client *client)
{
	struct weft__standing *standing = weft__standing_look(client->person, room);
	bool is_in = standing && (standing->is_invited || standing->is_moderator);

	if (room->is_removed)
		return false;
	if (room->is_direct)
		return standing && standing->is_invited;
	return weft__client_is_house(client) || is_in || !room->is_private;
}

struct weft__room *weft__room_for(struct weft_room_client *client, const char *name)
{
	char key[WEFT_ROOM_NAME_SIZE];
	struct weft__room *room;
	bool is_open;

	client->fault = WEFT_ROOM_FAULT_NONE;
	if (!name || weft__room_name_key(name, key) < 0) {
		weft__client_fail(client, WEFT_ROOM_BAD_NAME);
		return NULL;
	}
	room = weft__room_find(client->rooms, key);
	if (room) {
		pthread_mutex_lock(&room->lock);
		is_open = weft__room_is_open_to(room, client);
		pthread_mutex_unlock(&room->lock);
		if (is_open)
			return room;
	}
	weft__client_fail(client, WEFT_ROOM_NO_ROOM);
	return NULL;
}

struct weft__room *weft__room_new(struct weft_rooms *rooms, const struct weft__room_row *row)
{
	struct weft__room *room = calloc(1, sizeof(*room));

	if (!room)
		return NULL;
	pthread_mutex_init(&room->lock, NULL);
	room->rooms = rooms;
	room->id = row->id;
	room->name = strdup(row->name);
	room->key = strdup(row->key);
	room->pair = row->pair && row->pair[0] ? strdup(row->pair) : NULL;
	room->is_direct = row->pair && row->pair[0];
	room->topic = strdup(row->topic ? row->topic : "");
	room->epoch = (uint32_t)row->epoch;
	room->slow_ns = row->slow_ns;
	room->is_private = row->is_private;
	room->is_read_only = row->is_read_only;
	room->is_for_guests = row->is_for_guests;
	room->last = row->last;
	room->indexed = row->indexed;
	if (!room->name || !room->key || !room->topic || (room->is_direct && !room->pair)) {
		weft__room_free(room);
		errno = ENOMEM;
		return NULL;
	}
	return room;
}

void weft__room_free(struct weft__room *room)
{
	struct weft__room_names *names;
	struct weft__tail *tail;

	if (!room)
		return;
	while ((names = room->before)) {
		room->before = names->before;
		free(names->name);
		free(names->key);
		free(names);
	}
	while ((tail = room->tails)) {
		room->tails = tail->next;
		weft__tail_free(tail);
	}
	pthread_mutex_destroy(&room->lock);
	free(room->seats);
	free(room->name);
	free(room->key);
	free(room->pair);
	free(room->topic);
	free(room);
}

static int make_space(struct weft_rooms *rooms)
{
	size_t max = rooms->room_max ? rooms->room_max * 2 : 16;
	struct weft__room **all;

	if (rooms->room_count < rooms->room_max)
		return 0;
	all = realloc(rooms->all, max * sizeof(struct weft__room *));
	if (!all)
		return -1;
	rooms->all = all;
	rooms->room_max = max;
	return 0;
}

/* Where a key is, or would be. */
static size_t place_of(const struct weft_rooms *rooms, const char *key)
{
	size_t low = 0, high = rooms->room_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(rooms->all[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void take_off_maps(struct weft__room *room)
{
	struct weft_rooms *rooms = room->rooms;

	weft_map_remove(rooms->by_key, room->key, strlen(room->key));
	weft_map_remove(rooms->by_id, &room->id, sizeof(room->id));
	if (room->pair)
		weft_map_remove(rooms->by_pair, room->pair, strlen(room->pair));
}

static int put_in_maps(struct weft__room *room)
{
	struct weft_rooms *rooms = room->rooms;

	if (weft_map_put(rooms->by_key, room->key, strlen(room->key), room, NULL) == 0 &&
		weft_map_put(rooms->by_id, &room->id, sizeof(room->id), room, NULL) == 0 &&
		(!room->pair || weft_map_put(rooms->by_pair, room->pair, strlen(room->pair), room,
					NULL) == 0))
		return 0;
	take_off_maps(room);
	return -1;
}

static void take_off_list(struct weft__room *room)
{
	struct weft_rooms *rooms = room->rooms;
	size_t place = place_of(rooms, room->key);

	assert(place < rooms->room_count && rooms->all[place] == room);
	rooms->room_count--;
	memmove(rooms->all + place, rooms->all + place + 1,
		(rooms->room_count - place) * sizeof(struct weft__room *));
}

/* Where there is space. */
static void put_on_list(struct weft__room *room)
{
	struct weft_rooms *rooms = room->rooms;
	size_t place = place_of(rooms, room->key);

	memmove(rooms->all + place + 1, rooms->all + place,
		(rooms->room_count - place) * sizeof(struct weft__room *));
	rooms->all[place] = room;
	rooms->room_count++;
}

int weft__room_add(struct weft__room *room)
{
	struct weft_rooms *rooms = room->rooms;
	int result = -1;

	pthread_mutex_lock(&rooms->lock);
	if (make_space(rooms) < 0 || put_in_maps(room) < 0)
		goto done;
	put_on_list(room);
	result = 0;
done:
	pthread_mutex_unlock(&rooms->lock);
	return result;
}

int weft__room_rename(struct weft__room *room, const char *name, const char *key)
{
	struct weft_rooms *rooms = room->rooms;
	struct weft__room_names *before = calloc(1, sizeof(*before));
	char *new_name = strdup(name), *new_key = strdup(key);
	int result = -1;

	pthread_mutex_lock(&rooms->lock);
	if (!before || !new_name || !new_key ||
		weft_map_put(rooms->by_key, new_key, strlen(new_key), room, NULL) < 0)
		goto done;
	take_off_list(room);
	if (strcmp(new_key, room->key) != 0)
		weft_map_remove(rooms->by_key, room->key, strlen(room->key));
	/* At one go: whoever comes in is told the name that it has then. */
	pthread_mutex_lock(&room->lock);
	weft__seats_clear(room, NULL, "it has another name now");
	*before = (struct weft__room_names){room->before, room->name, room->key};
	room->before = before;
	room->name = new_name;
	room->key = new_key;
	pthread_mutex_unlock(&room->lock);
	put_on_list(room);
	before = NULL;
	new_name = new_key = NULL;
	result = 0;
done:
	pthread_mutex_unlock(&rooms->lock);
	free(before);
	free(new_name);
	free(new_key);
	if (result < 0)
		errno = ENOMEM;
	return result;
}

void weft__room_remove(struct weft__room *room)
{
	struct weft_rooms *rooms = room->rooms;

	pthread_mutex_lock(&rooms->lock);
	take_off_list(room);
	take_off_maps(room);
	/* Standings point to it, and it may have been told of something in this group. */
	room->next_removed = rooms->removed;
	rooms->removed = room;
	pthread_mutex_unlock(&rooms->lock);
}

/* ---- What is told --------------------------------------------------------------------------- */

static bool is_of_the_log(enum weft_room_kind kind)
{
	return kind <= WEFT_ROOM_NOTICE;
}

void weft__room_publish(struct weft__room *room, const struct weft_room_event *event)
{
	struct weft__scratch scratch = {.large = NULL};
	struct weft__place place;
	char *bytes;
	ssize_t len;

	if (is_of_the_log(event->kind))
		room->last = event->seq;
	place.seq = room->last;
	for (struct weft__tail *tail = room->tails; tail; tail = tail->next) {
		bool may_skip = event->kind == WEFT_ROOM_MESSAGE || event->kind == WEFT_ROOM_TYPING;

		place.client = may_skip ? event->client : 0;
		len = weft__event_write(tail->form, event, &scratch, &bytes);
		if (len != 0)
			weft__tail_append(tail, bytes, len, &place);
	}
	weft__scratch_fini(&scratch);
}

void weft__room_wake(struct weft__room *room)
{
	for (size_t i = 0; i < room->seat_count; i++) {
		struct weft__seat *seat = room->seats[i];

		/* Only here it becomes true, under the room's lock. Who takes makes it false under
		 * the tail's, having seen that there is nothing: not what was put there since. */
		if (atomic_load_explicit(&seat->place.is_due, memory_order_acquire))
			continue;
		atomic_store_explicit(&seat->place.is_due, true, memory_order_relaxed);
		weft_mpsc_push(&seat->client->due, &seat->due);
		weft__client_ready(seat->client);
	}
}

void weft__room_facts(
	struct weft__room *room, struct weft_room_client *client, struct weft_room_facts *ret_facts)
{
	struct weft__standing *standing = weft__standing_look(client->person, room);
	struct weft_room_facts facts = {
		.epoch = room->epoch,
		.last = room->last,
		.people = room->people,
		.slow_ns = room->slow_ns,
		.is_private = room->is_private,
		.is_direct = room->is_direct,
		.is_read_only = room->is_read_only,
		.is_for_guests = room->is_for_guests,
		.may_moderate = weft__client_moderates(client, room),
	};

	snprintf(facts.name, sizeof(facts.name), "%s", room->name);
	memcpy(facts.topic, room->topic, strlen(room->topic) + 1);
	if (standing) {
		facts.read = standing->seen;
		pthread_mutex_lock(&client->lock);
		facts.is_here = weft__seat_find(client, room) != NULL;
		pthread_mutex_unlock(&client->lock);
	}
	*ret_facts = facts;
}
