/*
 * take.c - what a client is sent: first what is for it alone, then what its rooms' tails hold.
 *
 *	own events      taken first, all of them: ENTERED and older messages come before what is
 *	                said in the room meanwhile
 *	due             rooms that have something; each is taken to its end before the next
 *	over            the last event, when all else was taken
 *
 * Entry points: weft_room_take(), weft_room_receive().
 * Never: waits in weft_room_take(), or cuts an event.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "room/inside.h"

/* Put an event of its own form behind what was taken; false: there is no room. */
static bool add_event(const struct weft_room_client *client, const struct weft_room_event *event,
	struct weft__taken *taken)
{
	size_t space = taken->size - taken->used, len;

	if (!weft__taken_has_room(taken, 1))
		return false;
	len = client->form->write(event, taken->bytes + taken->used, space);
	if (len > space)
		return false;
	taken->used += len;
	if (taken->ends && len > 0)
		taken->ends[taken->count++] = (uint32_t)taken->used;
	return true;
}

/* False: no room for the next. */
static bool take_own(struct weft_room_client *client, struct weft__taken *taken)
{
	while (client->own_start < client->own_end) {
		const char *head = client->own + client->own_start;
		uint32_t len;

		memcpy(&len, head, sizeof(len));
		if (!weft__taken_has_room(taken, len))
			return false;
		memcpy(taken->bytes + taken->used, head + sizeof(len), len);
		taken->used += len;
		if (taken->ends)
			taken->ends[taken->count++] = (uint32_t)taken->used;
		client->own_start += sizeof(len) + len;
		taken->events++;
	}
	if (!client->own)
		return true;
	client->own_start = client->own_end = client->own_older = 0;
	free(client->own);
	client->own = NULL;
	client->own_max = 0;
	weft_event_set(&client->drained);
	return true;
}

/* ---- Rooms with something to take ----------------------------------------------------------- */

static void queue_seat(struct weft_room_client *client, struct weft__seat *seat)
{
	seat->next_due = NULL;
	*client->last_due = seat;
	client->last_due = &seat->next_due;
}

static struct weft__seat *pop_seat(struct weft_room_client *client)
{
	struct weft__seat *seat = client->first_due;

	client->first_due = seat->next_due;
	if (!client->first_due)
		client->last_due = &client->first_due;
	return seat;
}

/* From the list that is pushed to without the client's lock. */
static void collect_due(struct weft_room_client *client)
{
	struct weft_mpsc_node *node = weft_mpsc_take_all(&client->due), *next;

	for (; node; node = next) {
		struct weft__seat *seat = weft_container_of(node, struct weft__seat, due);

		next = node->next;
		if (seat->is_held) /* who holds it, frees it */
			seat->was_due = true;
		else if (!seat->room)
			free(seat);
		else
			queue_seat(client, seat);
	}
}

void weft__seat_release(struct weft_room_client *client, struct weft__seat *seat)
{
	seat->is_held = false;
	if (!seat->room && (seat->was_due || !seat->place.is_due)) {
		free(seat);
	} else if (seat->was_due) {
		seat->was_due = false;
		queue_seat(client, seat);
	}
}

static bool tell_gap(
	struct weft_room_client *client, struct weft__seat *seat, struct weft__taken *taken)
{
	const struct weft_room_event gap = {
		.kind = WEFT_ROOM_GAP,
		.room = seat->room->name,
		.epoch = seat->room->epoch,
		.from = seat->place.from,
		.to = seat->place.to,
		.id = "",
		.who = "",
		.text = "",
	};

	if (!add_event(client, &gap, taken))
		return false;
	seat->place.from = seat->place.to = 0;
	taken->events++;
	client->gaps++;
	return true;
}

/* False: no room for the next. */
static bool take_seat(
	struct weft_room_client *client, struct weft__seat *seat, struct weft__taken *taken)
{
	for (;;) {
		if (seat->place.to && !tell_gap(client, seat, taken))
			return false;
		if (!weft__tail_take(seat->tail, &seat->place, taken))
			return false;
		if (!seat->place.to)
			return true;
	}
}

static bool take_rooms(struct weft_room_client *client, struct weft__taken *taken)
{
	struct weft__seat *seat;

	for (;;) {
		if (!client->first_due)
			collect_due(client);
		seat = client->first_due;
		if (!seat)
			return true;
		if (seat->room && !take_seat(client, seat, taken))
			return false;
		pop_seat(client);
		if (!seat->room)
			free(seat);
	}
}

/* ---- The whole ------------------------------------------------------------------------------ */

static bool take_over(struct weft_room_client *client, struct weft__taken *taken)
{
	const struct weft_room_event over = {
		.kind = WEFT_ROOM_OVER,
		.room = "",
		.id = "",
		.who = "",
		.text = client->over,
		.text_len = client->over ? strlen(client->over) : 0,
	};

	if (!client->is_over_told && client->over && !add_event(client, &over, taken))
		return false;
	client->is_over_told = true;
	return true;
}

/* Under its lock. False: there was more than fits. */
static bool take_all(struct weft_room_client *client, struct weft__taken *taken)
{
	if (client->is_over_now)
		return take_over(client, taken);
	if (!take_own(client, taken) || !take_rooms(client, taken))
		return false;
	return !client->is_over || take_over(client, taken);
}

/* Whether it has nothing, said so that whoever brings something next calls it. */
static bool is_at_rest(struct weft_room_client *client)
{
	if (!client->on_ready)
		weft_event_clear(&client->ready);
	atomic_exchange_explicit(&client->is_ready, false, memory_order_acq_rel);
	if (weft_mpsc_is_empty(&client->due))
		return true;
	atomic_exchange_explicit(&client->is_ready, true, memory_order_acq_rel);
	return false;
}

ssize_t weft_room_take(
	struct weft_room_client *client, char *ret_bytes, size_t size, struct weft_room_ends *ends)
{
	struct weft__taken taken = {.bytes = ret_bytes, .size = size};
	bool had_all = true, was_over;

	if (ends) {
		taken.ends = ends->ends;
		taken.ends_max = ends->count;
	}
	pthread_mutex_lock(&client->lock);
	do {
		was_over = client->is_over_told;
		if (!was_over)
			had_all = take_all(client, &taken);
	} while (taken.used == 0 && had_all && !client->is_over_told && !is_at_rest(client));
	client->delivered += taken.events;
	pthread_mutex_unlock(&client->lock);
	if (ends)
		ends->count = taken.count;
	/* Its own event of the end may be nothing in this form. */
	if (taken.used == 0 && !had_all) {
		errno = EMSGSIZE;
		return -1;
	}
	if (taken.used == 0 && (was_over || client->is_over_told)) {
		errno = ESHUTDOWN;
		return -1;
	}
	return (ssize_t)taken.used;
}

ssize_t weft_room_receive(struct weft_room_client *client, char *ret_bytes, size_t size)
{
	ssize_t len;

	for (;;) {
		len = weft_room_take(client, ret_bytes, size, NULL);
		if (len > 0)
			return len;
		if (len < 0)
			return errno == ESHUTDOWN ? 0 : -1;
		if (weft_event_wait(&client->ready) < 0)
			return -1;
	}
}

void weft__client_forget(struct weft_room_client *client)
{
	pthread_mutex_lock(&client->lock);
	client->has_gone = true;
	collect_due(client);
	while (client->first_due) {
		struct weft__seat *seat = pop_seat(client);

		assert(!seat->room);
		free(seat);
	}
	pthread_mutex_unlock(&client->lock);
}
