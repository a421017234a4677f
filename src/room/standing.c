/*
 * standing.c - see standing.h.
 *
 * Entry points: weft__target_find(), weft__standing_write(), weft__standing_apply().
 * Never: in memory what is not on the disk.
 */
#include "room/standing.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "room/writer.h"

/* ---- Whom ----------------------------------------------------------------------------------- */

/* By the name that all see. Under the rooms' lock. */
static struct weft__person *find_by_name(struct weft_rooms *rooms, const char *name)
{
	struct weft__person *person = weft_map_get(rooms->names, name, strlen(name));
	const struct weft_map_entry *entry;
	size_t cursor = 0;

	if (person && strcmp(person->name, name) == 0)
		return person;
	while ((entry = weft_map_next(rooms->people, &cursor))) {
		person = entry->value;
		if (strcmp(person->name, name) == 0)
			return person;
	}
	return NULL;
}

static void set_target(struct weft__target *target, const struct weft__person *person)
{
	snprintf(target->identity, sizeof(target->identity), "%s", person->identity);
	snprintf(target->name, sizeof(target->name), "%s", person->name);
	target->is_server = person->is_server;
	target->is_guest = weft__person_is_guest(person);
	if (target->is_guest)
		snprintf(target->address, sizeof(target->address), "%s", person->address);
	weft_list_each (node, &person->all)
		target->moderates |=
			weft_container_of(node, struct weft_room_client, in_person)->moderates;
}

void weft__target_find(struct weft_rooms *rooms, const struct weft_room_change *change,
	struct weft__target *ret_target)
{
	const char *name = change->target ? change->target : "";
	const struct weft__person *person;

	*ret_target = (struct weft__target){.identity = "", .moderates = change->target_moderates};
	snprintf(ret_target->name, sizeof(ret_target->name), "%s", name);
	if (change->target_account)
		snprintf(ret_target->identity, sizeof(ret_target->identity), "a%lld",
			(long long)change->target_account);
	pthread_mutex_lock(&rooms->lock);
	if (change->target_account)
		person = weft_map_get(
			rooms->people, ret_target->identity, strlen(ret_target->identity));
	else
		person = find_by_name(rooms, name);
	if (person)
		set_target(ret_target, person);
	pthread_mutex_unlock(&rooms->lock);
}

size_t weft__target_clients(struct weft_rooms *rooms, const struct weft__target *target,
	struct weft_room_client **ret_clients, size_t max)
{
	struct weft__person *person;
	size_t count = 0;

	pthread_mutex_lock(&rooms->lock);
	person = weft_map_get(rooms->people, target->identity, strlen(target->identity));
	if (person)
		weft_list_each (node, &person->all) {
			if (count == max)
				break;
			ret_clients[count] =
				weft_container_of(node, struct weft_room_client, in_person);
			weft__client_keep(ret_clients[count++]);
		}
	pthread_mutex_unlock(&rooms->lock);
	return count;
}

/* ---- On the disk ---------------------------------------------------------------------------- */

static const char set_banned[] =
	"INSERT INTO standing (person, room, name, banned) VALUES (?1, ?2, ?3, ?4)"
	" ON CONFLICT (person, room) DO UPDATE SET banned = excluded.banned, name = excluded.name";
static const char set_muted[] =
	"INSERT INTO standing (person, room, name, muted) VALUES (?1, ?2, ?3, ?4)"
	" ON CONFLICT (person, room) DO UPDATE SET muted = excluded.muted, name = excluded.name";
static const char set_invited[] =
	"INSERT INTO standing (person, room, name, is_invited) VALUES (?1, ?2, ?3, ?4)"
	" ON CONFLICT (person, room) DO UPDATE SET is_invited = excluded.is_invited";
static const char set_moderator[] =
	"INSERT INTO standing (person, room, name, is_moderator) VALUES (?1, ?2, ?3, ?4)"
	" ON CONFLICT (person, room) DO UPDATE SET is_moderator = excluded.is_moderator";

/* By the name that the ban was for: who is not here, and addresses. */
static const char lift_banned[] = "UPDATE standing SET banned = 0 WHERE room = ?1"
				  " AND (person = ?2 OR name = ?3) AND banned <> 0";
static const char lift_muted[] = "UPDATE standing SET muted = 0 WHERE room = ?1"
				 " AND (person = ?2 OR name = ?3) AND muted <> 0";

int weft__standing_write(struct weft__tx *tx, const struct weft__target *target,
	const struct weft__room *room, const struct weft_room_change *change, int64_t until)
{
	int64_t id = room ? room->id : 0, value = until;
	char address[72];
	const char *sql;
	int64_t rows;

	switch (change->action) {
	case WEFT_ROOM_UNBAN:
	case WEFT_ROOM_UNMUTE:
		rows = weft__tx_run(tx,
			change->action == WEFT_ROOM_UNBAN ? lift_banned : lift_muted, "itt", id,
			target->identity, target->name);
		return rows < 0 ? -1 : rows > 0;
	case WEFT_ROOM_BAN:
		sql = set_banned;
		break;
	case WEFT_ROOM_MUTE:
		sql = set_muted;
		break;
	case WEFT_ROOM_INVITE:
	case WEFT_ROOM_KICK:
		sql = set_invited;
		value = change->action == WEFT_ROOM_INVITE;
		break;
	default:
		assert(change->action == WEFT_ROOM_MAKE_MODERATOR);
		sql = set_moderator;
		value = change->is_on;
	}
	if (!target->identity[0])
		return 0;
	if (weft__tx_run(tx, sql, "titi", target->identity, id, target->name, value) < 0)
		return -1;
	/* She may come again by another name. */
	if ((change->action != WEFT_ROOM_BAN && change->action != WEFT_ROOM_MUTE) ||
		!target->address[0])
		return 1;
	snprintf(address, sizeof(address), "i:%s", target->address);
	return weft__tx_run(tx, sql, "titi", address, id, target->name, value) < 0 ? -1 : 1;
}

/* ---- In memory ------------------------------------------------------------------------------ */

static void set(
	struct weft__standing *standing, const struct weft_room_change *change, int64_t until)
{
	switch (change->action) {
	case WEFT_ROOM_BAN:
	case WEFT_ROOM_UNBAN:
		standing->banned = until;
		break;
	case WEFT_ROOM_MUTE:
	case WEFT_ROOM_UNMUTE:
		standing->muted = until;
		break;
	case WEFT_ROOM_INVITE:
	case WEFT_ROOM_KICK:
		standing->is_invited = change->action == WEFT_ROOM_INVITE;
		break;
	default:
		standing->is_moderator = change->is_on;
	}
}

void weft__standing_apply(struct weft_rooms *rooms, const struct weft__target *target,
	struct weft__room *room, const struct weft_room_change *change, int64_t until)
{
	struct weft__standing *standing;
	struct weft__person *person;

	pthread_mutex_lock(&rooms->lock);
	/* Who comes now and has read what it was before, reads it again. */
	rooms->standing_changes++;
	person = weft__person_find(rooms, target->identity);
	pthread_mutex_unlock(&rooms->lock);
	if (!person)
		return;
	standing = weft__standing_of(person, room);
	if (standing)
		set(standing, change, until);
	weft__person_drop(person);
}

void weft__target_put_out(struct weft_rooms *rooms, const struct weft__target *target,
	struct weft__room *room, const char *reason)
{
	const struct weft__leaving leaving = {.reason = reason, .is_told = true};
	struct weft_room_client *clients[WEFT__PERSON_CLIENTS_MAX];
	size_t count = weft__target_clients(rooms, target, clients, WEFT__PERSON_CLIENTS_MAX);

	for (size_t i = 0; i < count; i++) {
		if (room) {
			weft__seat_leave(clients[i], room, &leaving);
		} else {
			weft__client_end(clients[i], reason, true);
			weft__client_leave_all(clients[i], reason);
		}
		weft__client_drop(clients[i]);
	}
}

/* ---- Read up to where ----------------------------------------------------------------------- */

struct seen {
	struct weft__job job;
	struct weft__standing *standing;
};

static enum weft_room_fault seen_judge(struct weft__job *job)
{
	const struct seen *seen = (const struct seen *)job;

	/* What is marked from here on is another job. */
	atomic_store(&seen->standing->is_seen_due, false);
	return WEFT_ROOM_FAULT_NONE;
}

static int seen_write(struct weft__tx *tx, struct weft__job *job)
{
	static const char sql[] =
		"INSERT INTO standing (person, room, name, seen) VALUES (?1, ?2, ?3, ?4)"
		" ON CONFLICT (person, room) DO UPDATE SET seen = max(seen, excluded.seen)";
	const struct seen *seen = (const struct seen *)job;
	const struct weft__person *person = job->client->person;

	return weft__tx_run(tx, sql, "titi", person->identity, job->room->id, person->name,
		       (int64_t)seen->standing->seen) < 0
		       ? -1
		       : 0;
}

static void seen_apply(struct weft__job *job)
{
	(void)job;
}

static void seen_free(struct weft__job *job)
{
	weft__client_drop(job->client);
	free(job);
}

static const struct weft__job_ops seen_ops = {
	.judge = seen_judge,
	.write = seen_write,
	.apply = seen_apply,
	.free = seen_free,
	.is_lazy = true,
};

static int write_seen(struct weft_room_client *client, struct weft__standing *standing)
{
	struct seen *seen = calloc(1, sizeof(*seen));

	if (!seen)
		return -1;
	seen->job.ops = &seen_ops;
	seen->job.rooms = client->rooms;
	seen->job.client = client;
	seen->job.room = standing->room;
	seen->standing = standing;
	weft__client_keep(client);
	if (weft__writer_push(client->rooms->writer, &seen->job) == 0)
		return 0;
	seen_free(&seen->job);
	return -1;
}

int weft_room_mark_read(struct weft_room_client *client, const char *name, uint64_t seq)
{
	struct weft__room *room = weft__room_for(client, name);
	struct weft__standing *standing;
	uint64_t before, last;

	if (!room)
		return -1;
	if (!client->person->account)
		return weft__client_fail(client, WEFT_ROOM_NOT_ALLOWED);
	standing = weft__standing_of(client->person, room);
	if (!standing)
		return -1;
	pthread_mutex_lock(&room->lock);
	last = room->last;
	pthread_mutex_unlock(&room->lock);
	if (seq > last)
		seq = last;
	before = standing->seen;
	do
		if (seq <= before)
			return 0;
	while (!atomic_compare_exchange_weak(&standing->seen, &before, seq));
	if (atomic_exchange(&standing->is_seen_due, true))
		return 0;
	return write_seen(client, standing);
}
