/*
 * event.c - events written in a form, and copied.
 *
 * Never: fails where an event is large: then memory is found for it.
 */
#include <stdlib.h>
#include <string.h>

#include "room/inside.h"

ssize_t weft__event_write(const struct weft_room_form *form, const struct weft_room_event *event,
	struct weft__scratch *scratch, char **ret_bytes)
{
	char *bytes = scratch->large ? scratch->large : scratch->small, *larger;
	size_t size = scratch->large ? scratch->size : sizeof(scratch->small);
	size_t len = form->write(event, bytes, size);

	if (len > size) {
		larger = realloc(scratch->large, len);
		if (!larger)
			return -1;
		bytes = scratch->large = larger;
		size = scratch->size = len;
		len = form->write(event, bytes, size);
	}
	*ret_bytes = bytes;
	return len <= size ? (ssize_t)len : 0;
}

void weft__scratch_fini(struct weft__scratch *scratch)
{
	free(scratch->large);
}

void weft__event_set_who(struct weft_room_event *event, const struct weft_room_client *client)
{
	const struct weft__person *person = client->person;

	event->client = client->number;
	event->who = person->name;
	event->is_server = person->is_server;
	event->is_guest = weft__person_is_guest(person);
}

static const char *put(char **at, const char *text, size_t len)
{
	char *start = *at;

	memcpy(start, text, len);
	start[len] = '\0';
	*at += len + 1;
	return start;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

struct weft_room_event *weft__event_copy(const struct weft_room_event *event)
{
	const char *room = or_empty(event->room), *id = or_empty(event->id);
	const char *who = or_empty(event->who);
	size_t room_len = strlen(room), id_len = strlen(id), who_len = strlen(who);
	struct weft_room_event *copy =
		malloc(sizeof(*copy) + room_len + id_len + who_len + event->text_len + 4);
	char *at;

	if (!copy)
		return NULL;
	at = (char *)(copy + 1);
	*copy = *event;
	copy->room = put(&at, room, room_len);
	copy->id = put(&at, id, id_len);
	copy->who = put(&at, who, who_len);
	copy->text = put(&at, or_empty(event->text), event->text_len);
	return copy;
}
