/*
 * deed.c - see deed.h: a change of a room's rules, or of somebody's standing, is judged, written,
 * and told in the room.
 *
 * Whether somebody may is judged by the writer, when the change is made: not by what was so when
 * she asked.
 *
 * Entry points: weft__change_ops.
 * Never: in memory, or told, what is not on the disk.
 */
#include "room/deed.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "room/inside.h"

static struct weft__change *change_of(struct weft__job *job)
{
	return (struct weft__change *)job;
}

/* ---- What each is --------------------------------------------------------------------------- */

enum {
	ON_TARGET = 1,   /* its standing changes */
	EVERYWHERE = 2,  /* without a room too */
	IN_PAIRS = 4,    /* in a room of two too */
	BY_ALL = 8,      /* not by moderators only: judged further */
	BY_HOUSE = 16,   /* by who moderates everything only */
	ON_ACCOUNT = 32, /* guests have no such standing */
	AGAINST = 64,    /* the target: not one who may do the same */
};

static const struct {
	const char *action, *said; /* in the audit; of the target, in the room */
	unsigned flags;
} kinds[] = {
	[WEFT_ROOM_KICK] = {"room.kick", "kicked", EVERYWHERE | AGAINST},
	[WEFT_ROOM_BAN] = {"room.ban", "banned", ON_TARGET | EVERYWHERE | AGAINST},
	[WEFT_ROOM_UNBAN] = {"room.unban", "not banned any more", ON_TARGET | EVERYWHERE},
	[WEFT_ROOM_MUTE] = {"room.mute", "muted", ON_TARGET | EVERYWHERE | AGAINST},
	[WEFT_ROOM_UNMUTE] = {"room.unmute", "not muted any more", ON_TARGET | EVERYWHERE},
	[WEFT_ROOM_DELETE] = {"room.delete", NULL, IN_PAIRS | BY_ALL},
	[WEFT_ROOM_SET_TOPIC] = {"room.topic", NULL, IN_PAIRS},
	[WEFT_ROOM_SET_SLOW] = {"room.slow-mode", NULL, 0},
	[WEFT_ROOM_SET_READ_ONLY] = {"room.read-only", NULL, 0},
	[WEFT_ROOM_SET_GUESTS] = {"room.guests", NULL, 0},
	[WEFT_ROOM_SET_PRIVATE] = {"room.private", NULL, 0},
	[WEFT_ROOM_INVITE] = {"room.invite", NULL, ON_TARGET | ON_ACCOUNT},
	[WEFT_ROOM_MAKE_MODERATOR] = {"room.moderator", "a moderator", ON_TARGET | ON_ACCOUNT},
	[WEFT_ROOM_MAKE] = {"room.make", NULL, BY_ALL},
	[WEFT_ROOM_REMOVE] = {"room.remove", NULL, BY_HOUSE},
};

static int64_t until_of(const struct weft__change *change)
{
	const struct weft_room_change *what = &change->what;

	if (what->action != WEFT_ROOM_BAN && what->action != WEFT_ROOM_MUTE)
		return 0;
	if (what->for_ns <= 0 || what->for_ns > INT64_MAX - change->job.now_ns)
		return WEFT__FOR_GOOD;
	return change->job.now_ns + what->for_ns;
}

/* ---- The rules ------------------------------------------------------------------------------ */

/* Whether the target may do the same: it is not done to her by her like. */
static bool is_above(const struct weft__change *change)
{
	const struct weft__target *target = &change->target;
	struct weft_rooms *rooms = change->job.rooms;
	struct weft__standing *standing = NULL;
	struct weft__person *person;
	bool is_moderator;

	if (target->is_server)
		return true;
	if (weft__client_is_house(change->job.client))
		return false;
	pthread_mutex_lock(&rooms->lock);
	person = weft__person_find(rooms, target->identity);
	pthread_mutex_unlock(&rooms->lock);
	if (person)
		standing = weft__standing_look(person, change->job.room);
	is_moderator = standing && standing->is_moderator;
	if (person)
		weft__person_drop(person);
	return target->moderates || is_moderator;
}

/* Whether it is done against somebody: also, to take from another what she may in the room. */
static bool is_against(const struct weft__change *change)
{
	const struct weft_room_change *what = &change->what;
	const char *own = change->job.client->person->identity;

	if (what->action == WEFT_ROOM_MAKE_MODERATOR && !what->is_on)
		return strcmp(change->target.identity, own) != 0;
	return kinds[what->action].flags & AGAINST;
}

/* Who was put out of a room, or muted, by an administrator moderates it no more meanwhile: she
 * would undo that first. */
static enum weft_room_fault judge_actor(const struct weft__change *change)
{
	struct weft__person *person = change->job.client->person;
	struct weft__room *room = change->job.room;
	const struct weft__standing *standing = weft__standing_look(person, room);
	int64_t now = change->job.now_ns;

	if (weft__client_is_house(change->job.client))
		return WEFT_ROOM_FAULT_NONE;
	if (!weft__client_moderates(change->job.client, room) && !(room && room->is_direct))
		return WEFT_ROOM_NOT_ALLOWED;
	if (standing && weft__until_is_on(standing->banned, now))
		return WEFT_ROOM_BANNED;
	if ((standing && weft__until_is_on(standing->muted, now)) ||
		weft__until_is_on(person->everywhere.muted, now))
		return WEFT_ROOM_MUTED;
	return WEFT_ROOM_FAULT_NONE;
}

static enum weft_room_fault judge(struct weft__job *job)
{
	struct weft__change *change = change_of(job);
	const struct weft_room_change *what = &change->what;
	unsigned flags = kinds[what->action].flags;
	struct weft__room *room = job->room;
	bool is_lobby = room && strcmp(room->key, job->rooms->lobby_key) == 0;
	enum weft_room_fault fault = WEFT_ROOM_FAULT_NONE;

	assert(room || what->action != WEFT__ANNOUNCE); /* it is made for each room */
	if (what->action == WEFT__ANNOUNCE)
		return room->is_removed ? WEFT_ROOM_NO_ROOM : WEFT_ROOM_FAULT_NONE;
	if (!room && (!(flags & EVERYWHERE) || !weft__client_is_house(job->client)))
		return WEFT_ROOM_NOT_ALLOWED;
	if (room && room->is_removed)
		return WEFT_ROOM_NO_ROOM;
	if (room && room->is_direct && !(flags & IN_PAIRS))
		return WEFT_ROOM_NOT_ALLOWED;
	if ((flags & BY_HOUSE) && !weft__client_is_house(job->client))
		return WEFT_ROOM_NOT_ALLOWED;
	if (!(flags & BY_ALL))
		fault = judge_actor(change);
	if (fault)
		return fault;
	if (is_lobby && (what->action == WEFT_ROOM_REMOVE || what->action == WEFT_ROOM_SET_PRIVATE))
		return WEFT_ROOM_NOT_ALLOWED;
	if (is_against(change) && is_above(change))
		return WEFT_ROOM_NOT_ALLOWED;
	if (what->action == WEFT_ROOM_KICK && !change->target.identity[0])
		return WEFT_ROOM_NO_SUCH_PERSON;
	if ((flags & ON_ACCOUNT) && change->target.identity[0] != 'a')
		return WEFT_ROOM_NO_SUCH_PERSON;
	return WEFT_ROOM_FAULT_NONE;
}

/* Who is put out of a room comes back as any other: where it is private, by another invitation. */
static bool takes_invitation(const struct weft__change *change)
{
	return change->what.action == WEFT_ROOM_KICK && change->job.room &&
	       change->target.identity[0] == 'a';
}

/* ---- What is told --------------------------------------------------------------------------- */

static void say_of_target(struct weft__change *change)
{
	const struct weft_room_change *what = &change->what;
	bool is_made = what->action == WEFT_ROOM_MAKE_MODERATOR;

	snprintf(change->said, sizeof(change->said), "%s is %s%s%s%.*s", change->target.name,
		is_made && !what->is_on ? "not " : "", kinds[what->action].said,
		change->text[0] ? ": " : "", WEFT_ROOM_REASON_MAX, change->text);
}

static void say_of_rule(struct weft__change *change)
{
	const char *on = change->what.is_on ? "on" : "off";

	if (change->what.action == WEFT_ROOM_SET_SLOW)
		snprintf(change->said, sizeof(change->said), "slow-mode %lld ms",
			(long long)(change->what.for_ns / WEFT_MILLISECONDS(1)));
	else
		snprintf(change->said, sizeof(change->said), "%s %s",
			kinds[change->what.action].action + strlen("room."), on);
}

/* Its kind is 0 where nothing is told. */
static void set_event(struct weft__change *change)
{
	const struct weft_room_change *what = &change->what;
	struct weft_room_event *event = &change->event;
	const char *text = change->said;

	change->said[0] = '\0';
	*event = (struct weft_room_event){.id = "", .at_ns = change->job.now_ns};
	if (!change->job.room)
		return;
	event->room = change->job.room->name;
	event->epoch = change->job.room->epoch;
	weft__event_set_who(event, change->job.client);
	if (what->action == WEFT_ROOM_DELETE) {
		event->kind = WEFT_ROOM_DELETED;
		event->target = what->seq;
	} else if (what->action == WEFT_ROOM_SET_TOPIC || what->action == WEFT__ANNOUNCE) {
		event->kind = what->action == WEFT__ANNOUNCE ? WEFT_ROOM_NOTICE : WEFT_ROOM_TOPIC;
		text = change->text;
	} else if (kinds[what->action].said) {
		event->kind = WEFT_ROOM_NOTICE;
		say_of_target(change);
	} else if (what->action >= WEFT_ROOM_SET_SLOW && what->action <= WEFT_ROOM_SET_PRIVATE) {
		event->kind = WEFT_ROOM_CHANGED;
		say_of_rule(change);
	}
	event->text = text;
	event->text_len = strlen(text);
}

static bool is_logged(const struct weft__change *change)
{
	return change->event.kind && change->event.kind <= WEFT_ROOM_NOTICE;
}

/* ---- On the disk ---------------------------------------------------------------------------- */

struct deleting {
	struct weft__change *change;
	bool is_there, is_ones_own;
};

static int take_writer(const struct weft__value *columns, void *arg)
{
	struct deleting *deleting = arg;
	const struct weft__person *person = deleting->change->job.client->person;

	deleting->is_there = columns[0].number == WEFT_ROOM_MESSAGE;
	deleting->is_ones_own = strcmp(columns[1].bytes, person->writer) == 0;
	deleting->change->was_deleted = columns[2].len == 0;
	return 0;
}

static int write_delete(struct weft__tx *tx, struct weft__change *change)
{
	static const char look[] = "SELECT kind, writer, text FROM messages WHERE id = ?1";
	static const char forget[] = "INSERT INTO found (found, rowid, text)"
				     " SELECT 'delete', id, text FROM messages WHERE id = ?1";
	static const char empty[] = "UPDATE messages SET text = '' WHERE id = ?1";
	struct weft__room *room = change->job.room;
	int64_t row = room->id << WEFT__SEQ_BITS | (int64_t)change->what.seq;
	struct deleting deleting = {.change = change};
	bool is_in_range = change->what.seq > 0 && change->what.seq <= room->last;

	if (is_in_range && weft__tx_read(tx, (struct weft__reader){take_writer, &deleting}, look,
				   "i", row) < 0)
		return -1;
	if (!deleting.is_there) {
		change->job.fault = WEFT_ROOM_NO_SUCH_MESSAGE;
		return 0;
	}
	if (!deleting.is_ones_own &&
		(room->is_direct || !weft__client_moderates(change->job.client, room))) {
		change->job.fault = WEFT_ROOM_NOT_ALLOWED;
		return 0;
	}
	if (change->was_deleted)
		return 0;
	if (change->what.seq <= room->indexed && weft__tx_run(tx, forget, "i", row) < 0)
		return -1;
	return weft__tx_run(tx, empty, "i", row) < 0 ? -1 : 0;
}

static int write_remove(struct weft__tx *tx, const struct weft__room *room)
{
	static const char forget[] =
		"INSERT INTO found (found, rowid, text) SELECT 'delete', id, text FROM messages"
		" WHERE id > ?1 AND id <= ?2 AND kind = 1 AND text <> ''";
	int64_t first = room->id << WEFT__SEQ_BITS, end = (room->id + 1) << WEFT__SEQ_BITS;

	if (weft__tx_run(tx, forget, "ii", first, first | (int64_t)room->indexed) < 0 ||
		weft__tx_run(tx, "DELETE FROM messages WHERE id >= ?1 AND id < ?2", "ii", first,
			end) < 0 ||
		weft__tx_run(tx, "DELETE FROM standing WHERE room = ?1", "i", room->id) < 0 ||
		weft__tx_run(tx, "DELETE FROM rooms WHERE id = ?1", "i", room->id) < 0)
		return -1;
	return 0;
}

static int write_rule(struct weft__tx *tx, const struct weft__change *change)
{
	const struct weft_room_change *what = &change->what;
	int64_t id = change->job.room->id, is_on = what->is_on;

	switch (what->action) {
	case WEFT_ROOM_SET_TOPIC:
		return (int)weft__tx_run(
			tx, "UPDATE rooms SET topic = ?1 WHERE id = ?2", "ti", change->text, id);
	case WEFT_ROOM_SET_SLOW:
		return (int)weft__tx_run(
			tx, "UPDATE rooms SET slow_ns = ?1 WHERE id = ?2", "ii", what->for_ns, id);
	case WEFT_ROOM_SET_READ_ONLY:
		return (int)weft__tx_run(
			tx, "UPDATE rooms SET is_read_only = ?1 WHERE id = ?2", "ii", is_on, id);
	case WEFT_ROOM_SET_GUESTS:
		return (int)weft__tx_run(
			tx, "UPDATE rooms SET is_for_guests = ?1 WHERE id = ?2", "ii", is_on, id);
	case WEFT_ROOM_SET_PRIVATE:
		return (int)weft__tx_run(
			tx, "UPDATE rooms SET is_private = ?1 WHERE id = ?2", "ii", is_on, id);
	case WEFT_ROOM_REMOVE:
		return write_remove(tx, change->job.room);
	default:
		return 0;
	}
}

/* What is_above() can't know of who is not here. 1: she moderates the room, or -1. */
static int is_above_on_disk(struct weft__tx *tx, const struct weft__change *change)
{
	static const char sql[] =
		"SELECT is_moderator FROM standing WHERE person = ?1 AND room = ?2";
	int64_t is_moderator = 0;

	if (!change->job.room || !is_against(change) || weft__client_is_house(change->job.client))
		return 0;
	if (weft__tx_number(tx, &is_moderator, sql, "ti", change->target.identity,
		    change->job.room->id) < 0)
		return -1;
	return is_moderator != 0;
}

/* 1, or 0: there is nobody of that name; or -1. */
static int write_standing(struct weft__tx *tx, struct weft__change *change)
{
	int is_above = is_above_on_disk(tx, change);

	if (is_above > 0)
		change->job.fault = WEFT_ROOM_NOT_ALLOWED;
	if (is_above)
		return is_above;
	return weft__standing_write(
		tx, &change->target, change->job.room, &change->what, until_of(change));
}

static int write(struct weft__tx *tx, struct weft__job *job)
{
	struct weft__change *change = change_of(job);
	int found = 1;

	change->was_deleted = false;
	set_event(change);
	if (change->what.action == WEFT_ROOM_DELETE) {
		if (write_delete(tx, change) < 0)
			return -1;
	} else if (kinds[change->what.action].flags & ON_TARGET || takes_invitation(change)) {
		found = write_standing(tx, change);
	} else if (job->room && write_rule(tx, change) < 0) { /* none: a kick, everywhere */
		return -1;
	}
	if (found < 0)
		return -1;
	if (found == 0)
		job->fault = WEFT_ROOM_NO_SUCH_PERSON;
	if (job->fault || change->was_deleted || !is_logged(change))
		return 0;
	change->event.seq = weft__log_next(job);
	return weft__log_write(tx, job->room, &change->event, job->client->person->writer);
}

/* ---- In memory ------------------------------------------------------------------------------ */

static void apply_rule(const struct weft__change *change)
{
	const struct weft_room_change *what = &change->what;
	struct weft__room *room = change->job.room;
	char *topic;

	pthread_mutex_lock(&room->lock);
	switch (what->action) {
	case WEFT_ROOM_SET_TOPIC:
		topic = strdup(change->text);
		if (topic) { /* else it is the new one when the rooms are opened next */
			free(room->topic);
			room->topic = topic;
		}
		break;
	case WEFT_ROOM_SET_SLOW:
		room->slow_ns = what->for_ns;
		break;
	case WEFT_ROOM_SET_READ_ONLY:
		room->is_read_only = what->is_on;
		break;
	case WEFT_ROOM_SET_GUESTS:
		room->is_for_guests = what->is_on;
		break;
	case WEFT_ROOM_SET_PRIVATE:
		room->is_private = what->is_on;
		break;
	case WEFT_ROOM_REMOVE:
		room->is_removed = true;
		break;
	default:
		break;
	}
	pthread_mutex_unlock(&room->lock);
}

static void tell_invited(const struct weft__change *change)
{
	struct weft_room_client *clients[WEFT__PERSON_CLIENTS_MAX];
	size_t count = weft__target_clients(
		change->job.rooms, &change->target, clients, WEFT__PERSON_CLIENTS_MAX);
	struct weft_room_event event = {
		.kind = WEFT_ROOM_INVITED,
		.room = change->job.room->name,
		.epoch = change->job.room->epoch,
		.at_ns = change->job.now_ns,
		.id = "",
		.text = change->text,
		.text_len = strlen(change->text),
	};

	weft__event_set_who(&event, change->job.client);
	for (size_t i = 0; i < count; i++) {
		weft__client_tell(clients[i], &event, true);
		weft__client_drop(clients[i]);
	}
}

static void apply(struct weft__job *job)
{
	struct weft__change *change = change_of(job);
	enum weft_room_action action = change->what.action;

	if (change->was_deleted)
		return;
	if (kinds[action].flags & ON_TARGET || takes_invitation(change))
		weft__standing_apply(
			job->rooms, &change->target, job->room, &change->what, until_of(change));
	else if (job->room)
		apply_rule(change);
	if (change->event.kind)
		weft__writer_publish(job, &change->event);
	if (action == WEFT_ROOM_KICK || action == WEFT_ROOM_BAN)
		weft__target_put_out(job->rooms, &change->target, job->room,
			change->text[0] ? change->text : kinds[action].said);
	else if (action == WEFT_ROOM_INVITE)
		tell_invited(change);
	else if (action == WEFT_ROOM_REMOVE) {
		weft__room_clear(job->room, NULL, "the room was removed");
		weft__room_remove(job->room);
	}
}

void weft__change_free(struct weft__job *job)
{
	weft__client_drop(job->client);
	free(job);
}

const struct weft__job_ops weft__change_ops = {
	.judge = judge,
	.write = write,
	.apply = apply,
	.free = weft__change_free,
	.ends_group = true,
};

const struct weft__job_ops weft__announce_ops = {
	.judge = judge,
	.write = write,
	.apply = apply,
	.free = weft__change_free,
};

const char *weft__change_name(enum weft_room_action action)
{
	return action == WEFT__ANNOUNCE ? "room.announce" : kinds[action].action;
}

bool weft__change_is_everywhere(enum weft_room_action action)
{
	return kinds[action].flags & EVERYWHERE;
}
