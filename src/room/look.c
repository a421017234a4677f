/*
 * look.c - what clients ask: history, rooms, members, and who is connected.
 *
 * All is copied first and told after, under no lock: who is told may wait.
 *
 * Entry points: weft_room_history(), weft_room_list(), weft_room_members(), weft_room_who().
 * Never: tells of a room to who may not know of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "room/inside.h"

#define HISTORY_USUAL 50
#define LIST_MAX      200

/* ---- History -------------------------------------------------------------------------------- */

static bool may_read(const struct weft_room_client *client, struct weft__room *room)
{
	const struct weft__person *person = client->person;
	struct weft__standing *standing = weft__standing_look(client->person, room);
	bool is_for_guests;

	if (standing && weft__until_is_on(standing->banned, weft_wall_now()))
		return false;
	pthread_mutex_lock(&room->lock);
	is_for_guests = room->is_for_guests;
	pthread_mutex_unlock(&room->lock);
	return !weft__person_is_guest(person) || is_for_guests ||
	       (standing && standing->is_invited);
}

/* Told in order, until it is enough for who is told. */
int weft__page_tell(const struct weft__page *page, weft_room_event_fn *fn, void *arg)
{
	for (size_t i = 0; i < page->count; i++)
		if (fn(page->events[i], arg) < 0)
			return -1;
	return 0;
}

int weft_room_history(struct weft_room_client *client, const char *name,
	const struct weft_room_page *page, weft_room_event_fn *fn, void *arg)
{
	struct weft__room *room = weft__room_for(client, name);
	struct weft__page_query query = {.room = room, .limit = HISTORY_USUAL};
	struct weft__page found = {.count = 0};
	int result = -1, kept;

	if (!room)
		return -1;
	if (!may_read(client, room))
		return weft__client_fail(client, WEFT_ROOM_NOT_ALLOWED);
	if (page) {
		query.after = page->after;
		query.before = page->before;
		query.limit = page->limit ? page->limit : HISTORY_USUAL;
	}
	if (query.limit > WEFT__PAGE_MAX)
		query.limit = WEFT__PAGE_MAX;
	query.from_the_end = query.after == 0 && !(page && page->forwards);
	if (weft__log_read(client->rooms, &query, &found) < 0)
		return -1;
	if (weft__page_tell(&found, fn, arg) == 0)
		result = found.has_more;
	kept = errno;
	weft__page_fini(&found);
	errno = kept;
	return result;
}

/* ---- Rooms ---------------------------------------------------------------------------------- */

/* Where the rooms behind that key begin. Under the rooms' lock. */
static size_t first_behind(const struct weft_rooms *rooms, const char *key)
{
	size_t low = 0, high = rooms->room_count;

	while (key && low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(rooms->all[middle]->key, key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* How many facts, at most LIST_MAX; *ret_more: there are others. */
static size_t list_some(struct weft_room_client *client, const char *key,
	struct weft_room_facts *ret_facts, bool *ret_more)
{
	struct weft_rooms *rooms = client->rooms;
	size_t count = 0;

	*ret_more = false;
	pthread_mutex_lock(&rooms->lock);
	for (size_t i = first_behind(rooms, key); i < rooms->room_count && !*ret_more; i++) {
		struct weft__room *room = rooms->all[i];

		pthread_mutex_lock(&room->lock);
		if (weft__room_is_open_to(room, client)) {
			if (count < LIST_MAX)
				weft__room_facts(room, client, &ret_facts[count++]);
			else
				*ret_more = true;
		}
		pthread_mutex_unlock(&room->lock);
	}
	pthread_mutex_unlock(&rooms->lock);
	return count;
}

int weft_room_list(
	struct weft_room_client *client, const char *after, weft_room_facts_fn *fn, void *arg)
{
	char key[WEFT_ROOM_NAME_SIZE];
	struct weft_room_facts *facts;
	size_t count, told = 0;
	bool has_more;
	int kept;

	client->fault = WEFT_ROOM_FAULT_NONE;
	if (after && weft__room_name_key(after, key) < 0)
		return weft__client_fail(client, WEFT_ROOM_BAD_NAME);
	facts = malloc(LIST_MAX * sizeof(*facts));
	if (!facts)
		return -1;
	count = list_some(client, after ? key : NULL, facts, &has_more);
	while (told < count && fn(&facts[told], arg) >= 0)
		told++;
	kept = errno;
	free(facts);
	errno = kept;
	return told < count ? -1 : has_more;
}

/* ---- Members -------------------------------------------------------------------------------- */

struct present {
	struct weft__person *person; /* kept */
	bool is_moderator, is_muted;
};

static int compare_present(const void *a, const void *b)
{
	const struct weft__person *one = ((const struct present *)a)->person;
	const struct weft__person *other = ((const struct present *)b)->person;
	int order = strcmp(one->name, other->name);

	return order ? order : (one > other) - (one < other);
}

/* One for each client. Under the room's lock. */
static struct present *collect_present(struct weft__room *room, size_t *ret_count)
{
	struct present *present = malloc((room->seat_count + 1) * sizeof(*present));
	int64_t now = weft_wall_now();

	*ret_count = 0;
	for (size_t i = 0; present && i < room->seat_count; i++) {
		const struct weft__seat *seat = room->seats[i];
		struct weft__person *person = seat->client->person;

		weft__person_keep(person);
		present[(*ret_count)++] = (struct present){
			.person = person,
			.is_moderator = weft__client_moderates(seat->client, room),
			.is_muted = weft__until_is_on(seat->standing->muted, now) ||
				    weft__until_is_on(person->everywhere.muted, now),
		};
	}
	return present;
}

int weft_room_members(
	struct weft_room_client *client, const char *name, weft_room_member_fn *fn, void *arg)
{
	struct weft__room *room = weft__room_for(client, name);
	struct present *present;
	size_t count;
	int result = 0, kept;

	if (!room)
		return -1;
	if (!may_read(client, room))
		return weft__client_fail(client, WEFT_ROOM_NOT_ALLOWED);
	pthread_mutex_lock(&room->lock);
	present = collect_present(room, &count);
	pthread_mutex_unlock(&room->lock);
	if (!present)
		return -1;
	qsort(present, count, sizeof(*present), compare_present);
	for (size_t i = 0; i < count && result == 0; i++) {
		const struct weft__person *person = present[i].person;
		const struct weft_room_member member = {
			.name = person->name,
			.account = person->account,
			.is_guest = weft__person_is_guest(person),
			.is_moderator = present[i].is_moderator,
			.is_muted = present[i].is_muted,
			.is_here = true,
		};

		if (i > 0 && present[i - 1].person == person)
			continue;
		if (fn(&member, arg) < 0)
			result = -1;
	}
	kept = errno;
	for (size_t i = 0; i < count; i++)
		weft__person_drop(present[i].person);
	free(present);
	errno = kept;
	return result;
}

/* ---- Clients -------------------------------------------------------------------------------- */

static struct weft_room_client **collect_clients(struct weft_rooms *rooms, size_t *ret_count)
{
	struct weft_room_client **clients;

	*ret_count = 0;
	pthread_mutex_lock(&rooms->lock);
	clients = malloc((rooms->client_count + 1) * sizeof(struct weft_room_client *));
	if (clients)
		weft_list_each (node, &rooms->clients) {
			clients[*ret_count] =
				weft_container_of(node, struct weft_room_client, in_rooms);
			weft__client_keep(clients[(*ret_count)++]);
		}
	pthread_mutex_unlock(&rooms->lock);
	return clients;
}

static int tell_present(struct weft_room_client *client, weft_room_present_fn *fn, void *arg)
{
	const struct weft__person *person = client->person;
	struct weft_room_present present = {
		.client = client->number,
		.name = person->name,
		.address = person->address,
		.door = client->door,
		.account = person->account,
		.is_server = person->is_server,
		.since_ns = client->since_ns,
	};

	pthread_mutex_lock(&client->lock);
	present.rooms = client->seat_count;
	present.behind = client->own_end - client->own_start;
	for (struct weft__seat *seat = client->seats; seat; seat = seat->next)
		present.behind += weft__tail_behind(seat->tail, &seat->place);
	pthread_mutex_unlock(&client->lock);
	return fn(&present, arg);
}

int weft_room_who(struct weft_room_client *client, weft_room_present_fn *fn, void *arg)
{
	struct weft_room_client **clients;
	size_t count;
	int result = 0, kept;

	client->fault = WEFT_ROOM_FAULT_NONE;
	if (!weft__client_moderates(client, NULL))
		return weft__client_fail(client, WEFT_ROOM_NOT_ALLOWED);
	clients = collect_clients(client->rooms, &count);
	if (!clients)
		return -1;
	for (size_t i = 0; i < count && result == 0; i++)
		if (tell_present(clients[i], fn, arg) < 0)
			result = -1;
	kept = errno;
	for (size_t i = 0; i < count; i++)
		weft__client_drop(clients[i]);
	free(clients);
	errno = kept;
	return result;
}
