/*
 * seat.c - clients in rooms: they take a seat, and leave it.
 *
 * What a client gets first, in this order: ENTERED; with `resumes` a GAP for what is too old, then
 * what came since; or some of the last messages; then what is said from now on. It is said from one
 * moment on, under the room's lock: what came up to then is in the tail, or in the log.
 *
 * Entry points: weft_room_join(), weft_room_leave(), weft__seat_take(), weft__seat_leave().
 * Never: waits while it holds a lock; tells a message twice, or leaves one out without a GAP.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "room/inside.h"
#include "room/writer.h"
#include "weft/scope.h"

struct weft__seat *weft__seat_find(struct weft_room_client *client, const struct weft__room *room)
{
	struct weft__seat *seat;

	for (seat = client->seats; seat; seat = seat->next)
		if (seat->room == room)
			break;
	return seat;
}

/* ---- Presence, under the room's lock -------------------------------------------------------- */

static void tell_presence(
	struct weft__room *room, const struct weft_room_client *client, const char *left)
{
	struct weft_room_event event = {
		.kind = left ? WEFT_ROOM_LEFT : WEFT_ROOM_JOINED,
		.room = room->name,
		.epoch = room->epoch,
		.at_ns = weft_wall_now(),
		.count = room->people,
		.id = "",
		.text = left ? left : "",
		.text_len = left ? strlen(left) : 0,
	};

	if (room->people > room->rooms->options.presence_max) {
		if (!room->owes_count) {
			room->owes_count = true;
			weft__writer_tick(room->rooms->writer);
		}
		return;
	}
	weft__event_set_who(&event, client);
	weft__room_publish(room, &event);
	weft__room_wake(room);
}

/* ---- Taking a seat -------------------------------------------------------------------------- */

static struct weft__tail *tail_for(struct weft__room *room, const struct weft_room_form *form)
{
	struct weft__tail *tail;

	for (tail = room->tails; tail; tail = tail->next)
		if (tail->form == form)
			return tail;
	tail = weft__tail_new(form, room->rooms->options.tail_max, room->last);
	if (tail) {
		tail->next = room->tails;
		room->tails = tail;
	}
	return tail;
}

static void leave_tail(struct weft__room *room, struct weft__tail *tail)
{
	struct weft__tail **at = &room->tails;

	if (--tail->users > 0)
		return;
	while (*at != tail)
		at = &(*at)->next;
	*at = tail->next;
	weft__tail_free(tail);
}

static int make_space(struct weft__room *room)
{
	size_t max = room->seat_max ? room->seat_max * 2 : 4;
	struct weft__seat **seats;

	if (room->seat_count < room->seat_max)
		return 0;
	seats = realloc(room->seats, max * sizeof(struct weft__seat *));
	if (!seats)
		return -1;
	room->seats = seats;
	room->seat_max = max;
	return 0;
}

/* False: it is going, and takes no seat any more. */
static bool link_to_client(struct weft__seat *seat)
{
	struct weft_room_client *client = seat->client;
	bool is_going;

	pthread_mutex_lock(&client->lock);
	is_going = client->is_going;
	if (!is_going) {
		seat->next = client->seats;
		client->seats = seat;
		client->seat_count++;
	}
	pthread_mutex_unlock(&client->lock);
	return !is_going;
}

static enum weft_room_fault judge(struct weft__room *room, struct weft_room_client *client,
	const struct weft__standing *standing)
{
	const struct weft__person *person = client->person;
	bool is_guest = weft__person_is_guest(person);

	if (!weft__room_is_open_to(room, client))
		return WEFT_ROOM_NO_ROOM;
	if (weft__until_is_on(standing->banned, weft_wall_now()))
		return WEFT_ROOM_BANNED;
	if (is_guest && !room->is_for_guests && !standing->is_invited)
		return WEFT_ROOM_NOT_ALLOWED;
	if (standing->seats == 0 && room->people >= room->rooms->options.members_max)
		return WEFT_ROOM_FULL;
	return WEFT_ROOM_FAULT_NONE;
}

/* What is to be read before the client may take from its seat. */
struct older {
	struct weft__seat *seat; /* NULL: nothing */
	struct weft__page_query query;
	bool is_gap_told; /* for what is not read */
};

/* What it has not taken of older messages counts: joining many rooms is no way to more memory. */
static size_t space_for_older(struct weft_room_client *client)
{
	size_t max = client->rooms->options.queue_max, used;

	pthread_mutex_lock(&client->lock);
	used = client->own_older;
	pthread_mutex_unlock(&client->lock);
	return used < max ? max - used : 0;
}

static void plan_older(struct weft__seat *seat, const struct weft_room_join_options *options,
	struct older *ret_older)
{
	struct weft__room *room = seat->room;
	bool is_same = options->epoch == room->epoch && options->after <= room->last;
	uint64_t after = is_same ? options->after : 0;

	*ret_older = (struct older){.seat = NULL};
	if (room->last == 0 || (!options->resumes && options->history == 0))
		return;
	if (options->resumes && after == room->last)
		return;
	if (options->resumes && weft__tail_rewind(seat->tail, &seat->place, after)) {
		/* It is all there: taken as if it had never been away. */
		seat->place.is_due = true;
		weft_mpsc_push(&seat->client->due, &seat->due);
		weft__client_ready(seat->client);
		return;
	}
	ret_older->query = (struct weft__page_query){
		.room = room,
		.after = options->resumes ? after : 0,
		.before = room->last + 1,
		.limit = options->resumes ? WEFT__RESUME_MAX : options->history,
		.from_the_end = true,
		.bytes_max = space_for_older(seat->client),
	};
	if (ret_older->query.limit > WEFT__RESUME_MAX)
		ret_older->query.limit = WEFT__RESUME_MAX;
	ret_older->is_gap_told = options->resumes;
	ret_older->seat = seat;
	seat->is_held = true;
}

static void tell_entered(struct weft_room_client *client, const struct weft__room *room)
{
	struct weft_room_event event = {
		.kind = WEFT_ROOM_ENTERED,
		.room = room->name,
		.epoch = room->epoch,
		.seq = room->last,
		.at_ns = weft_wall_now(),
		.count = room->people,
		.id = "",
		.text = room->topic,
		.text_len = strlen(room->topic),
	};

	weft__event_set_who(&event, client);
	/* Of rooms of two there may be many at once, when she comes, and before she can take any:
	 * they count as older messages do. */
	weft__client_tell(client, &event, !room->is_direct);
}

/* Under the room's lock. The seat is the room's and the client's, or still the caller's. */
static int sit_down(struct weft__seat *seat, const struct weft_room_join_options *options,
	struct older *ret_older)
{
	struct weft__room *room = seat->room;
	struct weft_room_client *client = seat->client;

	if (make_space(room) < 0)
		return -1;
	seat->tail = tail_for(room, client->form);
	if (!seat->tail)
		return -1;
	seat->tail->users++;
	/* Who goes leaves what is linked here: it waits for the room's lock then. */
	if (!link_to_client(seat)) {
		leave_tail(room, seat->tail);
		return -1;
	}
	/* The others first: she is told by ENTERED. */
	if (seat->standing->seats++ == 0) {
		room->people++;
		tell_presence(room, client, NULL);
	}
	seat->index = room->seat_count;
	room->seats[room->seat_count++] = seat;
	weft__tail_join(seat->tail, &seat->place);
	seat->place.seq = room->last;
	seat->place.client = client->form->skips_own ? client->number : 0;
	tell_entered(client, room);
	if (options)
		plan_older(seat, options, ret_older);
	return 0;
}

/* ---- What came before ----------------------------------------------------------------------- */

static void tell_gap(struct weft_room_client *client, const struct older *older, uint64_t to)
{
	const struct weft__room *room = older->query.room;
	const struct weft_room_event gap = {
		.kind = WEFT_ROOM_GAP,
		.room = room->name,
		.epoch = room->epoch,
		.from = older->query.after + 1,
		.to = to,
		.id = "",
		.who = "",
		.text = "",
	};

	if (older->is_gap_told && to > older->query.after)
		weft__client_tell(client, &gap, false);
}

/* Her fiber; nobody else frees a seat that is held. */
static void bring_older(struct weft_room_client *client, const struct older *older)
{
	struct weft__page page = {.count = 0};
	uint64_t first = older->query.before;

	WEFT_SHIELDED
		if (older->query.bytes_max > 0 &&
			weft__log_read(client->rooms, &older->query, &page) == 0 && page.count > 0)
			first = page.events[0]->seq;
	tell_gap(client, older, first - 1);
	for (size_t i = 0; i < page.count; i++)
		weft__client_tell(client, page.events[i], false);
	weft__page_fini(&page);
	pthread_mutex_lock(&client->lock);
	weft__seat_release(client, older->seat);
	weft__client_ready(client);
	pthread_mutex_unlock(&client->lock);
}

static struct weft__seat *seat_new(
	struct weft_room_client *client, struct weft__room *room, struct weft__standing *standing)
{
	struct weft__seat *seat = calloc(1, sizeof(*seat));

	if (!seat)
		return NULL;
	seat->room = room;
	seat->client = client;
	seat->standing = standing;
	atomic_init(&seat->place.is_due, false);
	return seat;
}

enum weft_room_fault weft__seat_take(struct weft_room_client *client, struct weft__room *room,
	const struct weft_room_join_options *options, struct weft_room_facts *ret_facts)
{
	struct weft__standing *standing = weft__standing_of(client->person, room);
	struct weft__seat *seat = standing ? seat_new(client, room, standing) : NULL;
	enum weft_room_fault fault = WEFT_ROOM_FAULT_NONE;
	struct older older = {.seat = NULL};
	bool is_new;

	if (!seat)
		return WEFT_ROOM_FAILED;
	pthread_mutex_lock(&room->lock);
	pthread_mutex_lock(&client->lock);
	is_new = !weft__seat_find(client, room);
	if (is_new && client->seat_count >= WEFT__SEATS_MAX)
		fault = WEFT_ROOM_TOO_MANY;
	pthread_mutex_unlock(&client->lock);
	if (is_new && !fault)
		fault = judge(room, client, standing);
	if (is_new && !fault && sit_down(seat, options, &older) < 0)
		fault = WEFT_ROOM_FAILED;
	if (!fault && ret_facts)
		weft__room_facts(room, client, ret_facts);
	pthread_mutex_unlock(&room->lock);
	if (fault || !is_new)
		free(seat);
	if (older.seat)
		bring_older(client, &older);
	return fault;
}

/* ---- Leaving -------------------------------------------------------------------------------- */

/* Under the room's lock: from here on nobody brings it anything. */
static void stand_up(struct weft__seat *seat)
{
	struct weft__room *room = seat->room;
	struct weft_room_client *client = seat->client;
	struct weft__seat **at = &client->seats, *last = room->seats[room->seat_count - 1];
	struct weft__tail *tail = seat->tail;

	room->seats[seat->index] = last;
	last->index = seat->index;
	room->seat_count--;
	seat->standing->seats--;
	pthread_mutex_lock(&client->lock);
	while (*at != seat)
		at = &(*at)->next;
	*at = seat->next;
	client->seat_count--;
	weft__tail_leave(tail, &seat->place);
	/* On its client's list, who takes frees it. */
	seat->room = NULL;
	if (!seat->place.is_due && !seat->is_held)
		free(seat);
	pthread_mutex_unlock(&client->lock);
	leave_tail(room, tail);
}

static void tell_exited(
	struct weft_room_client *client, const struct weft__room *room, const char *reason)
{
	const struct weft_room_event event = {
		.kind = WEFT_ROOM_EXITED,
		.room = room->name,
		.epoch = room->epoch,
		.at_ns = weft_wall_now(),
		.id = "",
		.who = "",
		.text = reason ? reason : "",
		.text_len = reason ? strlen(reason) : 0,
	};

	weft__client_tell(client, &event, true);
}

/* Under the room's lock. */
static void leave(struct weft__seat *seat, const struct weft__leaving *leaving)
{
	struct weft__standing *standing = seat->standing;
	struct weft_room_client *client = seat->client;
	struct weft__room *room = seat->room;

	stand_up(seat);
	if (leaving->is_told)
		tell_exited(client, room, leaving->reason);
	if (standing->seats > 0)
		return;
	room->people--;
	tell_presence(room, client, leaving->reason ? leaving->reason : "");
}

bool weft__seat_leave(struct weft_room_client *client, struct weft__room *room,
	const struct weft__leaving *leaving)
{
	struct weft__seat *seat;

	pthread_mutex_lock(&room->lock);
	pthread_mutex_lock(&client->lock);
	seat = weft__seat_find(client, room);
	pthread_mutex_unlock(&client->lock);
	/* It goes under the room's lock only. */
	if (seat)
		leave(seat, leaving);
	pthread_mutex_unlock(&room->lock);
	return seat != NULL;
}

void weft__seats_clear(
	struct weft__room *room, const struct weft__person *person, const char *reason)
{
	const struct weft__leaving leaving = {.reason = reason, .is_told = true};

	for (size_t i = room->seat_count; i-- > 0;)
		if (!person || room->seats[i]->client->person == person)
			leave(room->seats[i], &leaving);
}

void weft__room_clear(
	struct weft__room *room, const struct weft__person *person, const char *reason)
{
	pthread_mutex_lock(&room->lock);
	weft__seats_clear(room, person, reason);
	pthread_mutex_unlock(&room->lock);
}

/* ---- Calls ---------------------------------------------------------------------------------- */

/* No memory; or it was put out of everything this moment. */
static int why_failed(struct weft_room_client *client)
{
	bool is_going;

	pthread_mutex_lock(&client->lock);
	is_going = client->is_going;
	pthread_mutex_unlock(&client->lock);
	return is_going ? ESHUTDOWN : ENOMEM;
}

int weft_room_join(struct weft_room_client *client, const char *name,
	const struct weft_room_join_options *options, struct weft_room_facts *ret_facts)
{
	struct weft__room *room = weft__room_for(client, name);
	enum weft_room_fault fault;

	if (!room && options && options->makes && client->fault == WEFT_ROOM_NO_ROOM)
		room = weft__room_make(client, name);
	if (!room)
		return -1;
	fault = weft__seat_take(client, room, options, ret_facts);
	if (!fault)
		return 0;
	weft__client_fail(client, fault);
	if (fault == WEFT_ROOM_FAILED)
		errno = why_failed(client);
	return -1;
}

/* A reason is read by all: who may not speak, or not now, has none. */
static bool may_give_reason(struct weft_room_client *client, struct weft__room *room)
{
	const struct weft__standing *everywhere = &client->person->everywhere;
	const struct weft__standing *standing = weft__standing_look(client->person, room);
	int64_t now = weft_wall_now();
	bool is_for_all;

	pthread_mutex_lock(&room->lock);
	is_for_all = !room->is_read_only && room->slow_ns == 0;
	pthread_mutex_unlock(&room->lock);
	return (is_for_all || weft__client_moderates(client, room)) &&
	       !weft__until_is_on(everywhere->muted, now) &&
	       !(standing && weft__until_is_on(standing->muted, now));
}

int weft_room_leave(struct weft_room_client *client, const char *name, const char *reason)
{
	struct weft__leaving leaving = {.reason = reason};
	char key[WEFT_ROOM_NAME_SIZE];
	struct weft__room *room;

	if (!name || weft__room_name_key(name, key) < 0)
		return weft__client_fail(client, WEFT_ROOM_BAD_NAME);
	if (reason && (strlen(reason) > WEFT_ROOM_REASON_MAX ||
			      (reason[0] && weft__text_judge(reason, strlen(reason), SIZE_MAX))))
		leaving.reason = NULL;
	room = weft__room_find(client->rooms, key);
	if (room && leaving.reason && !may_give_reason(client, room))
		leaving.reason = NULL;
	if (!room || !weft__seat_leave(client, room, &leaving))
		return weft__client_fail(client, WEFT_ROOM_NOT_MEMBER);
	return 0;
}
