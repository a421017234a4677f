/*
 * here.c - who is here: people and their clients come and go.
 *
 * Entry points: weft_room_enter(), weft_room_exit().
 * Never: counts somebody twice; or lets somebody in by what the database said of her before it was
 * changed.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "room/inside.h"
#include "weft/scope.h"

/* ---- Guests of an address ------------------------------------------------------------------- */

struct weft__address {
	unsigned guests;
	char text[];
};

static unsigned guests_from(const struct weft_rooms *rooms, const char *text)
{
	const struct weft__address *address = weft_map_get(rooms->addresses, text, strlen(text));

	return address ? address->guests : 0;
}

static int add_guest(struct weft_rooms *rooms, const char *text)
{
	size_t len = strlen(text);
	struct weft__address *address = weft_map_get(rooms->addresses, text, len);

	if (!address) {
		address = malloc(sizeof(*address) + len + 1);
		if (!address)
			return -1;
		address->guests = 0;
		memcpy(address->text, text, len + 1);
		if (weft_map_put(rooms->addresses, address->text, len, address, NULL) < 0) {
			free(address);
			return -1;
		}
	}
	address->guests++;
	return 0;
}

static void remove_guest(struct weft_rooms *rooms, const char *text)
{
	struct weft__address *address = weft_map_get(rooms->addresses, text, strlen(text));

	if (--address->guests == 0) {
		weft_map_remove(rooms->addresses, text, strlen(text));
		free(address);
	}
}

/* ---- People, under the rooms' lock ---------------------------------------------------------- */

/* 0, or the errno. */
static int judge(const struct weft_rooms *rooms, const struct weft__person *person)
{
	const struct weft_rooms_options *options = &rooms->options;

	if (atomic_load(&rooms->is_shut))
		return ESHUTDOWN;
	/* A guest is one client: nobody else has her name. */
	if (weft__person_is_guest(person) &&
		(weft_map_get(rooms->names, person->key, strlen(person->key)) ||
			weft_map_get(rooms->people, person->identity, strlen(person->identity))))
		return EEXIST;
	if (weft__until_is_on(person->everywhere.banned, weft_wall_now()))
		return EPERM;
	if (rooms->client_count >= options->clients_max || person->clients >= options->person_max)
		return EUSERS;
	if (weft__person_is_guest(person) &&
		guests_from(rooms, person->address) >= WEFT__GUESTS_OF_ADDRESS(options->person_max))
		return EUSERS;
	return 0;
}

static void remove_name(struct weft_rooms *rooms, const struct weft__person *person)
{
	size_t len = strlen(person->key);

	if (weft_map_get(rooms->names, person->key, len) == person)
		weft_map_remove(rooms->names, person->key, len);
}

static int add_person(struct weft_rooms *rooms, struct weft__person *person)
{
	size_t len = strlen(person->identity);

	if (weft_map_put(rooms->people, person->identity, len, person, NULL) < 0)
		return -1;
	/* An account's name is its own, even beside a guest who came with it before. */
	if (weft_map_put(rooms->names, person->key, strlen(person->key), person, NULL) < 0)
		goto failed;
	if (weft__person_is_guest(person) && add_guest(rooms, person->address) < 0)
		goto failed;
	rooms->counts.people++;
	return 0;
failed:
	remove_name(rooms, person);
	weft_map_remove(rooms->people, person->identity, len);
	errno = ENOMEM;
	return -1;
}

/* Her name is free; she herself counts as long as she has a client. */
static void forget_person(struct weft_rooms *rooms, const struct weft__person *person)
{
	size_t len = strlen(person->identity);

	remove_name(rooms, person);
	if (weft_map_get(rooms->people, person->identity, len) == person)
		weft_map_remove(rooms->people, person->identity, len);
}

static void remove_person(struct weft_rooms *rooms, struct weft__person *person)
{
	forget_person(rooms, person);
	if (weft__person_is_guest(person))
		remove_guest(rooms, person->address);
	rooms->counts.people--;
}

/* The person becomes the client's. */
static int seat_person(struct weft_room_client *client, struct weft__person *person)
{
	struct weft_rooms *rooms = client->rooms;
	int code = judge(rooms, person);

	if (code) {
		errno = code;
		return -1;
	}
	if (person->clients == 0 && add_person(rooms, person) < 0)
		return -1;
	weft__person_keep(person);
	client->person = person;
	client->number = ++rooms->next_client;
	person->clients++;
	rooms->client_count++;
	weft_list_push_back(&person->all, &client->in_person);
	weft_list_push_back(&rooms->clients, &client->in_rooms);
	return 0;
}

struct weft__person *weft__person_find(struct weft_rooms *rooms, const char *identity)
{
	struct weft__person *person = weft_map_get(rooms->people, identity, strlen(identity));

	if (person)
		weft__person_keep(person);
	return person;
}

/* ---- A guest's name, wanted by another ------------------------------------------------------ */

/* In a time that says nothing of where they differ. */
static bool has_secret_of(const struct weft__person *person, const struct weft__person *other)
{
	size_t len = strlen(person->secret);
	unsigned char differs = 0;

	if (len == 0 || strlen(other->secret) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		differs |= (unsigned char)(person->secret[i] ^ other->secret[i]);
	return differs == 0;
}

/* An account by another name than it has now: all are out, and what it is called is told anew. */
static void end_former(struct weft_rooms *rooms, const struct weft__person *made)
{
	struct weft_room_client *clients[WEFT__PERSON_CLIENTS_MAX];
	struct weft__person *person;
	size_t count = 0;

	pthread_mutex_lock(&rooms->lock);
	person = weft_map_get(rooms->people, made->identity, strlen(made->identity));
	if (person && strcmp(person->name, made->name) != 0) {
		weft_list_each (node, &person->all) {
			assert(count < WEFT__PERSON_CLIENTS_MAX);
			clients[count] =
				weft_container_of(node, struct weft_room_client, in_person);
			weft__client_keep(clients[count++]);
		}
		forget_person(rooms, person);
	}
	pthread_mutex_unlock(&rooms->lock);
	for (size_t i = 0; i < count; i++) {
		weft__client_end(clients[i], "your name has changed", false);
		weft__client_leave_all(clients[i], "has another name now");
		weft__client_drop(clients[i]);
	}
}

/*
 * Who has the guest's name: by the same secret it is herself, and her name is free from here on.
 * Else her door finds out whether she is still there.
 */
static void make_way(struct weft_rooms *rooms, const struct weft__person *made)
{
	struct weft__person *person;
	struct weft_room_client *client = NULL;
	bool is_herself = false;

	pthread_mutex_lock(&rooms->lock);
	person = weft_map_get(rooms->people, made->identity, strlen(made->identity));
	if (person && weft_list_first(&person->all)) {
		client = weft_container_of(
			weft_list_first(&person->all), struct weft_room_client, in_person);
		weft__client_keep(client);
		is_herself = has_secret_of(person, made);
		if (is_herself)
			forget_person(rooms, person);
	}
	pthread_mutex_unlock(&rooms->lock);
	if (!client)
		return;
	if (is_herself) {
		weft__client_end(client, "you have come in again", false);
		weft__client_leave_all(client, "comes in again");
		weft__slow_keep_all(client->person);
	} else {
		weft__client_probe(client);
	}
	weft__client_drop(client);
}

/* One try: 1: what was read of her has been changed since. */
static int try_to_seat(struct weft_room_client *client, const struct weft_room_person *who)
{
	struct weft_rooms *rooms = client->rooms;
	struct weft__person *made = weft__person_new(who), *person;
	uint64_t changes;
	int result = -1;

	if (!made)
		return -1;
	if (weft__person_is_guest(made))
		make_way(rooms, made);
	else
		end_former(rooms, made);
	pthread_mutex_lock(&rooms->lock);
	person = weft__person_find(rooms, made->identity);
	changes = rooms->standing_changes;
	pthread_mutex_unlock(&rooms->lock);
	if (!person && weft__person_load(rooms, made) < 0)
		goto done;
	if (!person) {
		person = made;
		weft__person_keep(made);
	}
	pthread_mutex_lock(&rooms->lock);
	if (person->clients == 0 && changes != rooms->standing_changes)
		result = 1;
	else if (person->clients == 0 &&
		 weft_map_get(rooms->people, made->identity, strlen(made->identity)) &&
		 !weft__person_is_guest(made))
		result = 1; /* another client of hers was quicker; or the last one has gone */
	else
		result = seat_person(client, person);
	pthread_mutex_unlock(&rooms->lock);
done:
	if (person)
		weft__person_drop(person);
	weft__person_drop(made);
	return result;
}

/* ---- Coming and going ----------------------------------------------------------------------- */

static bool person_is_fine(const struct weft_room_person *person)
{
	size_t len = person && person->name ? strnlen(person->name, WEFT_ROOM_PERSON_MAX + 1) : 0;

	return len > 0 && len <= WEFT_ROOM_PERSON_MAX &&
	       (!person->key || strnlen(person->key, 256) < 256) &&
	       (!person->address || strnlen(person->address, 64) < 64);
}

/* The rooms of two that she is one of. */
static int enter_pairs(struct weft_room_client *client)
{
	struct weft__standing *standing;

	pthread_mutex_lock(&client->person->lock);
	standing = client->person->standings;
	pthread_mutex_unlock(&client->person->lock);
	/* The list only grows at its head. */
	for (; standing; standing = standing->next) {
		if (!standing->room->is_direct || !standing->is_invited)
			continue;
		if (weft__seat_take(client, standing->room, NULL, NULL) == WEFT_ROOM_FAILED)
			return -1;
	}
	return 0;
}

struct weft_room_client *weft_room_enter(struct weft_rooms *rooms,
	const struct weft_room_person *person, const struct weft_room_form *form,
	const struct weft_room_client_options *options)
{
	struct weft_room_client *client;
	int result;

	if (!person_is_fine(person) || !form) {
		errno = EINVAL;
		return NULL;
	}
	client = weft__client_new(rooms, person, form, options);
	if (!client)
		return NULL;
	do
		result = try_to_seat(client, person);
	while (result > 0);
	if (result < 0) {
		result = errno;
		weft__client_drop(client);
		errno = result;
		return NULL;
	}
	if (person->account && enter_pairs(client) < 0) {
		weft_room_exit(client);
		errno = ENOMEM;
		return NULL;
	}
	client->fault = WEFT_ROOM_FAULT_NONE;
	return client;
}

void weft__client_leave_all(struct weft_room_client *client, const char *reason)
{
	const struct weft__leaving leaving = {.reason = reason};
	struct weft__room *room;

	pthread_mutex_lock(&client->lock);
	client->is_going = true;
	pthread_mutex_unlock(&client->lock);
	for (;;) {
		pthread_mutex_lock(&client->lock);
		room = client->seats ? client->seats->room : NULL;
		pthread_mutex_unlock(&client->lock);
		if (!room)
			break;
		weft__seat_leave(client, room, &leaving);
	}
}

void weft_room_exit(struct weft_room_client *client)
{
	struct weft_rooms *rooms;
	struct weft__person *person;
	int kept = errno;

	if (!client)
		return;
	rooms = client->rooms;
	person = client->person;
	weft__client_leave_all(client, "");
	weft__slow_keep_all(person);
	weft__client_forget(client);
	pthread_mutex_lock(&rooms->lock);
	weft_list_remove(&client->in_person);
	weft_list_remove(&client->in_rooms);
	rooms->client_count--;
	if (--person->clients == 0)
		remove_person(rooms, person);
	rooms->counts.delivered += client->delivered;
	rooms->counts.gaps += client->gaps;
	pthread_mutex_unlock(&rooms->lock);
	weft__client_drop(client);
	errno = kept;
}
