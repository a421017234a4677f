/*
 * make.c - rooms come into being: public and private ones, and those of two.
 *
 * Entry points: weft__room_make(), weft_room_direct().
 * Never: two rooms of one name, or two of one pair.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "room/fault.h"
#include "room/inside.h"
#include "room/writer.h"
#include "weft/scope.h"

struct make {
	struct weft__job job;
	char name[WEFT_ROOM_NAME_SIZE], key[WEFT_ROOM_NAME_SIZE];
	const struct weft_room_change *change; /* topic, private; NULL: neither */
	char pair[48];                         /* "": not of two */
	struct weft_room_other other;
	int64_t id, epoch;
	struct weft__room *made;
	bool is_renamed;               /* made was there, by another name */
	struct weft__room *other_pair; /* who has this name now: other people's */
	char old_name[WEFT_ROOM_NAME_SIZE],
		old_key[WEFT_ROOM_NAME_SIZE]; /* its name from here on */
};

static struct make *make_of(struct weft__job *job)
{
	return (struct make *)job;
}

static bool may_make(const struct weft_room_client *client)
{
	const struct weft_rooms_options *options = &client->rooms->options;

	if (weft__client_is_house(client))
		return true;
	return client->person->account ? !options->members_may_not_make_rooms
				       : options->guests_may_make_rooms;
}

/* Where she is a moderator, as who makes a room is: one person must not take all there may be. */
static bool has_many(const struct weft_room_client *client)
{
	struct weft__person *person = client->person;
	const struct weft__standing *standing;
	unsigned count = 0;

	pthread_mutex_lock(&person->lock);
	for (standing = person->standings; standing; standing = standing->next)
		count += standing->is_moderator;
	pthread_mutex_unlock(&person->lock);
	return count >= WEFT__ROOMS_OF_PERSON(client->rooms->options.rooms_max) &&
	       !weft__client_is_house(client);
}

/*
 * Whose name was another's is in a room that this one's name belongs to: that one steps aside. No
 * name of an account begins with a point, so no room of two that is made has such a name.
 */
static void name_other_pair(struct make *make)
{
	const struct weft__room *room = make->other_pair;

	snprintf(make->old_name, sizeof(make->old_name), "@.%lld.%s", (long long)room->id,
		room->name + 1);
	if (strlen(room->name) + 24 > sizeof(make->old_name) ||
		weft__room_name_key(make->old_name, make->old_key) < 0) {
		snprintf(make->old_name, sizeof(make->old_name), "@.%lld", (long long)room->id);
		snprintf(make->old_key, sizeof(make->old_key), "%s", make->old_name);
	}
}

/* Under the rooms' lock. */
static void judge_pair(struct make *make)
{
	struct weft_rooms *rooms = make->job.rooms;
	struct weft__room *named = weft_map_get(rooms->by_key, make->key, strlen(make->key));

	make->made = weft_map_get(rooms->by_pair, make->pair, strlen(make->pair));
	make->is_renamed = make->made && strcmp(make->made->name, make->name) != 0;
	if (!named || named == make->made)
		return;
	make->other_pair = named;
	name_other_pair(make);
}

static enum weft_room_fault judge(struct weft__job *job)
{
	struct make *make = make_of(job);
	struct weft_rooms *rooms = job->rooms;
	enum weft_room_fault fault = WEFT_ROOM_FAULT_NONE;

	pthread_mutex_lock(&rooms->lock);
	if (make->pair[0])
		judge_pair(make);
	if (make->made)
		fault = WEFT_ROOM_FAULT_NONE;
	else if (!make->other_pair && weft_map_get(rooms->by_key, make->key, strlen(make->key)))
		fault = WEFT_ROOM_NAME_TAKEN;
	else if (rooms->room_count >= rooms->options.rooms_max)
		fault = WEFT_ROOM_FULL;
	else if (!make->pair[0] && !may_make(job->client))
		fault = WEFT_ROOM_NOT_ALLOWED;
	else if (!make->pair[0] && has_many(job->client))
		fault = WEFT_ROOM_TOO_MANY;
	pthread_mutex_unlock(&rooms->lock);
	return fault;
}

static int write_standing(
	struct weft__tx *tx, const struct make *make, const char *identity, const char *name)
{
	static const char sql[] = "INSERT INTO standing (person, room, name, is_moderator,"
				  " is_invited) VALUES (?1, ?2, ?3, ?4, 1)";
	int64_t moderates = !make->pair[0];

	return weft__tx_run(tx, sql, "titi", identity, make->id, name, moderates) < 0 ? -1 : 0;
}

static int write(struct weft__tx *tx, struct weft__job *job)
{
	static const char sql[] =
		"INSERT INTO rooms (name, name_key, pair, epoch, topic, is_private, is_for_guests,"
		" made) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
		" ON CONFLICT DO NOTHING RETURNING id";
	static const char rename[] = "UPDATE rooms SET name = ?1, name_key = ?2 WHERE id = ?3";
	struct make *make = make_of(job);
	const struct weft__person *person = job->client->person;
	bool is_pair = make->pair[0], is_guest = weft__person_is_guest(person);
	const char *topic = make->change && make->change->text ? make->change->text : "";
	bool is_private = is_pair || (make->change && make->change->is_on);
	char other[WEFT__IDENTITY_SIZE];
	int found;

	if (make->other_pair && weft__tx_run(tx, rename, "tti", make->old_name, make->old_key,
					make->other_pair->id) < 0)
		return -1;
	if (make->is_renamed &&
		weft__tx_run(tx, rename, "tti", make->name, make->key, make->made->id) < 0)
		return -1;
	if (make->made)
		return 0;
	found = weft__tx_number(tx, &make->id, sql, "tttitiii", make->name, make->key,
		is_pair ? make->pair : NULL, make->epoch, topic, (int64_t)is_private,
		(int64_t)is_guest, job->now_ns);
	if (found < 0)
		return -1;
	if (found == 0) { /* it could not be made in memory then: see apply() */
		job->fault = WEFT_ROOM_NAME_TAKEN;
		return 0;
	}
	if (person->account && write_standing(tx, make, person->identity, person->name) < 0)
		return -1;
	if (!is_pair || make->other.account == person->account)
		return 0;
	snprintf(other, sizeof(other), "a%lld", (long long)make->other.account);
	return write_standing(tx, make, other, make->other.name);
}

/* What it says on the disk, in memory, of somebody who may be here. */
static void set_standing(const struct make *make, const char *identity)
{
	struct weft_rooms *rooms = make->job.rooms;
	struct weft__standing *standing;
	struct weft__person *person;

	pthread_mutex_lock(&rooms->lock);
	rooms->standing_changes++;
	person = weft__person_find(rooms, identity);
	pthread_mutex_unlock(&rooms->lock);
	if (!person)
		return;
	standing = weft__standing_of(person, make->made);
	if (standing) {
		standing->is_invited = true;
		standing->is_moderator = !make->pair[0];
	}
	weft__person_drop(person);
}

static void bring_in(struct weft_rooms *rooms, struct weft__room *room, int64_t account);

/* Those who are in a room whose name is another one now come in by that. */
static int rename_it(struct weft__room *room, const char *name, const char *key)
{
	long long first, second;

	if (weft__room_rename(room, name, key) < 0)
		return -1;
	if (sscanf(room->pair, "%lld+%lld", &first, &second) != 2)
		abort(); /* we have written it */
	bring_in(room->rooms, room, first);
	bring_in(room->rooms, room, second);
	return 0;
}

static void fail(struct weft__job *job)
{
	/* On the disk it is; it will be there when they are opened next. */
	make_of(job)->made = NULL;
	job->fault = WEFT_ROOM_FAILED;
	job->code = ENOMEM;
}

static void apply(struct weft__job *job)
{
	struct make *make = make_of(job);
	const struct weft__person *person = job->client->person;
	const struct weft__room_row row = {
		.id = make->id,
		.name = make->name,
		.key = make->key,
		.pair = make->pair,
		.epoch = make->epoch,
		.topic = make->change ? make->change->text : NULL,
		.is_private = make->pair[0] || (make->change && make->change->is_on),
		.is_for_guests = weft__person_is_guest(person),
	};
	char other[WEFT__IDENTITY_SIZE];

	if ((make->other_pair && rename_it(make->other_pair, make->old_name, make->old_key) < 0) ||
		(make->is_renamed && rename_it(make->made, make->name, make->key) < 0)) {
		fail(job);
		return;
	}
	if (make->made)
		return;
	make->made = weft__room_new(job->rooms, &row);
	if (!make->made || weft__room_add(make->made) < 0) {
		weft__room_free(make->made);
		fail(job);
		return;
	}
	if (person->account)
		set_standing(make, person->identity);
	if (make->pair[0]) {
		snprintf(other, sizeof(other), "a%lld", (long long)make->other.account);
		set_standing(make, other);
	}
}

static void make_free(struct weft__job *job)
{
	weft__client_drop(job->client);
	free(job);
}

static const struct weft__job_ops ops = {
	.judge = judge,
	.write = write,
	.apply = apply,
	.free = make_free,
	.ends_group = true,
};

/* It is done once it has begun: who asked waits for it. */
static struct weft__room *make_it(struct weft_room_client *client, struct make *make)
{
	struct weft__room *room = NULL;
	int result = -1, code = weft_interrupted();
	bool is_mine;

	make->job.ops = &ops;
	make->job.rooms = client->rooms;
	make->job.client = client;
	make->epoch = weft__epoch_new();
	weft__client_keep(client);
	if (code)
		errno = code;
	else
		WEFT_SHIELDED
			result = weft__writer_do(client->rooms->writer, &make->job, &is_mine);
	if (result == 0 && make->job.fault) {
		weft__client_fail(client, make->job.fault);
		if (make->job.code)
			errno = make->job.code;
	} else if (result == 0) {
		room = make->made;
	}
	code = errno;
	make_free(&make->job);
	errno = code;
	return room;
}

struct weft__room *weft__room_make_with(
	struct weft_room_client *client, const char *name, const struct weft_room_change *change)
{
	struct make *make = calloc(1, sizeof(*make));

	client->fault = WEFT_ROOM_FAULT_NONE;
	if (!make)
		return NULL;
	if (!name || name[0] == '@' || weft__room_name_key(name, make->key) < 0) {
		free(make);
		weft__client_fail(client, WEFT_ROOM_BAD_NAME);
		return NULL;
	}
	make->change = change;
	snprintf(make->name, sizeof(make->name), "%s", name);
	return make_it(client, make);
}

struct weft__room *weft__room_make(struct weft_room_client *client, const char *name)
{
	struct weft__room *room = weft__room_make_with(client, name, NULL);
	char key[WEFT_ROOM_NAME_SIZE];

	/* Another was quicker: then it is joined. */
	if (!room && client->fault == WEFT_ROOM_NAME_TAKEN && weft__room_name_key(name, key) == 0)
		room = weft__room_find(client->rooms, key);
	return room;
}

/* ---- Of two --------------------------------------------------------------------------------- */

static struct make *make_pair(
	const struct weft_room_client *client, const struct weft_room_other *other)
{
	const struct weft__person *person = client->person;
	bool is_first = person->account < other->account;
	struct make *make = calloc(1, sizeof(*make));

	if (!make)
		return NULL;
	snprintf(make->pair, sizeof(make->pair), "%lld+%lld",
		(long long)(is_first ? person->account : other->account),
		(long long)(is_first ? other->account : person->account));
	if (strcmp(person->name, other->name) < 0)
		snprintf(make->name, sizeof(make->name), "@%s+%s", person->name, other->name);
	else
		snprintf(make->name, sizeof(make->name), "@%s+%s", other->name, person->name);
	make->other = *other;
	return make;
}

/* All her clients, if she is here. */
static void bring_in(struct weft_rooms *rooms, struct weft__room *room, int64_t account)
{
	char identity[WEFT__IDENTITY_SIZE];
	struct weft_room_client *clients[WEFT__PERSON_CLIENTS_MAX];
	struct weft__person *person;
	size_t count = 0;

	snprintf(identity, sizeof(identity), "a%lld", (long long)account);
	pthread_mutex_lock(&rooms->lock);
	person = weft_map_get(rooms->people, identity, strlen(identity));
	if (person)
		weft_list_each (node, &person->all) {
			if (count == WEFT__PERSON_CLIENTS_MAX)
				break;
			clients[count] =
				weft_container_of(node, struct weft_room_client, in_person);
			weft__client_keep(clients[count++]);
		}
	pthread_mutex_unlock(&rooms->lock);
	for (size_t i = 0; i < count; i++) {
		weft__seat_take(clients[i], room, NULL, NULL);
		weft__client_drop(clients[i]);
	}
}

int weft_room_direct(struct weft_room_client *client, const struct weft_room_other *other,
	char ret_room[WEFT_ROOM_NAME_SIZE])
{
	struct weft__room *room;
	struct make *make;

	client->fault = WEFT_ROOM_FAULT_NONE;
	if (!client->person->account)
		return weft__client_fail(client, WEFT_ROOM_NOT_ALLOWED);
	if (!other || !other->account || !other->name || !other->name[0] ||
		other->account == client->person->account)
		return weft__client_fail(client, WEFT_ROOM_NO_SUCH_PERSON);
	make = make_pair(client, other);
	if (!make)
		return -1;
	pthread_mutex_lock(&client->rooms->lock);
	room = weft_map_get(client->rooms->by_pair, make->pair, strlen(make->pair));
	pthread_mutex_unlock(&client->rooms->lock);
	if (room && strcmp(room->name, make->name) == 0) {
		free(make);
	} else if (weft__room_name_key(make->name, make->key) < 0) {
		free(make);
		return weft__client_fail(client, WEFT_ROOM_NO_SUCH_PERSON);
	} else {
		room = make_it(client, make);
	}
	if (!room)
		return -1;
	bring_in(client->rooms, room, client->person->account);
	bring_in(client->rooms, room, other->account);
	snprintf(ret_room, WEFT_ROOM_NAME_SIZE, "%s", room->name);
	return 0;
}

/* The other's, of a name such as "@anna+mia" and one of the two; NULL: it is of neither. */
static const char *name_beside(const char *room, const char *name, size_t *ret_len)
{
	size_t len = strlen(name), room_len = strlen(room);

	if (room_len < len + 3)
		return NULL;
	*ret_len = room_len - len - 2;
	if (strncmp(room + 1, name, len) == 0 && room[len + 1] == '+')
		return room + len + 2;
	return strcmp(room + room_len - len, name) == 0 && room[room_len - len - 1] == '+'
		       ? room + 1
		       : NULL;
}

int weft_room_of_two(struct weft_room_client *client, const char *name, int64_t *ret_account,
	char ret_name[WEFT_ROOM_PERSON_MAX + 1])
{
	struct weft__room *room = weft__room_for(client, name);
	long long first, second;
	const char *other;
	size_t len = 0;

	if (!room)
		return -1;
	if (!room->is_direct)
		return 0;
	if (sscanf(room->pair, "%lld+%lld", &first, &second) != 2)
		abort(); /* we have written it */
	other = name_beside(room->name, client->person->name, &len);
	if (len > WEFT_ROOM_PERSON_MAX)
		other = NULL;
	*ret_account = client->person->account == first ? second : first;
	snprintf(ret_name, WEFT_ROOM_PERSON_MAX + 1, "%.*s", (int)len, other ? other : "");
	return 1;
}
