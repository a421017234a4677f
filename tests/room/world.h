/*
 * world.h - rooms in a folder of their own, people who are in them, and a form that says all of an
 * event in one line, so that a test can say what somebody is told.
 *
 * Never: a wait for the real clock.
 */
#ifndef TESTS_ROOM_WORLD_H
#define TESTS_ROOM_WORLD_H

#include "check.h"
#include "io/both.h"
#include "io/place.h"
#include "weft/fiber.h"
#include "weft/room.h"
#include "weft/scope.h"

static struct weft_rooms *world;

/* "message lobby 3 mia: hello", a line each. */
static inline size_t world_write(const struct weft_room_event *event, char *ret_bytes, size_t size)
{
	static const char *const kinds[] = {"", "message", "deleted", "topic", "notice", "joined",
		"left", "count", "typing", "changed", "accepted", "refused", "gap", "invited",
		"entered", "exited", "over"};
	int len = 0;

	CHECK(event->room && event->id && event->who && event->text);
	CHECK_INT(strlen(event->text), ==, event->text_len);
	switch (event->kind) {
	case WEFT_ROOM_MESSAGE:
	case WEFT_ROOM_TOPIC:
	case WEFT_ROOM_NOTICE:
		len = snprintf(ret_bytes, size, "%s %s %llu %s: %s\n", kinds[event->kind],
			event->room, (unsigned long long)event->seq, event->who, event->text);
		break;
	case WEFT_ROOM_DELETED:
		len = snprintf(ret_bytes, size, "deleted %s %llu %s: %llu\n", event->room,
			(unsigned long long)event->seq, event->who,
			(unsigned long long)event->target);
		break;
	case WEFT_ROOM_ACCEPTED:
		len = snprintf(ret_bytes, size, "accepted %s %llu %s\n", event->room,
			(unsigned long long)event->seq, event->id);
		break;
	case WEFT_ROOM_REFUSED:
		len = snprintf(ret_bytes, size, "refused %s %s %s\n", event->room,
			weft_room_fault_word(event->fault), event->id);
		break;
	case WEFT_ROOM_GAP:
		len = snprintf(ret_bytes, size, "gap %s %llu..%llu\n", event->room,
			(unsigned long long)event->from, (unsigned long long)event->to);
		break;
	case WEFT_ROOM_COUNT:
	case WEFT_ROOM_JOINED:
	case WEFT_ROOM_ENTERED:
		len = snprintf(ret_bytes, size, "%s %s %s %u\n", kinds[event->kind], event->room,
			event->who, event->count);
		break;
	default:
		len = snprintf(ret_bytes, size, "%s %s %s %s\n", kinds[event->kind], event->room,
			event->who, event->text);
	}
	CHECK(len > 0);
	/* A NUL that does not belong to it; where it fits exactly it is written again. */
	return (size_t)len < size ? (size_t)len : (size_t)len + 1;
}

static const struct weft_room_form world_form = {.name = "test", .write = world_write};
static const struct weft_room_form world_form_others = {
	.name = "others", .write = world_write, .skips_own = true};

static inline void world_open_with(struct weft_rooms_options options)
{
	options.dir = place("state");
	world = weft_rooms_open(&options);
	CHECK(world != NULL);
}

static inline void world_open(void)
{
	world_open_with((struct weft_rooms_options){.lobby = NULL});
}

static inline void world_close(void)
{
	weft_rooms_shut(world, "closed");
	weft_rooms_close(world);
	world = NULL;
}

static inline struct weft_room_person world_account(int64_t account, const char *name)
{
	return (struct weft_room_person){.account = account, .name = name, .address = "192.0.2.1"};
}

static inline struct weft_room_person world_guest(const char *name, const char *address)
{
	return (struct weft_room_person){.name = name, .address = address};
}

static inline struct weft_room_client *world_enter(struct weft_room_person person)
{
	struct weft_room_client *client = weft_room_enter(world, &person, &world_form, NULL);

	CHECK(client != NULL);
	return client;
}

/* In the lobby; ENTERED is taken. */
static inline struct weft_room_client *world_in_lobby(struct weft_room_person person)
{
	struct weft_room_client *client = world_enter(person);
	char bytes[256];

	CHECK_INT(weft_room_join(client, "lobby", NULL, NULL), ==, 0);
	CHECK_INT(weft_room_take(client, bytes, sizeof bytes, NULL), >, 0);
	return client;
}

static inline int world_post(
	struct weft_room_client *client, const char *room, const char *id, const char *text)
{
	return weft_room_post(client, room,
		&(struct weft_room_post){.id = id, .text = text, .len = strlen(text)});
}

/* On the disk, and with everybody: its number. */
static inline uint64_t world_say(
	struct weft_room_client *client, const char *room, const char *text)
{
	uint64_t seq = 0;

	CHECK_INT(weft_room_say(client, room,
			  &(struct weft_room_post){.text = text, .len = strlen(text)}, &seq),
		==, 0);
	return seq;
}

/* All that there is to take now. */
static inline const char *world_taken(struct weft_room_client *client)
{
	static char texts[4][1 << 17];
	static unsigned next;
	char *text = texts[next++ % 4];
	size_t len = 0;
	ssize_t got;

	while ((got = weft_room_take(client, text + len, sizeof texts[0] - len - 1, NULL)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	return text;
}

#define CHECK_TAKES(client, text) CHECK_STR(world_taken(client), text)

/* The call fails, for that reason. */
#define CHECK_FAULT(expression, client, reason)                                 \
	do {                                                                    \
		CHECK_INT((expression), ==, -1);                                \
		CHECK_STR(weft_room_fault_word(weft_room_client_fault(client)), \
			weft_room_fault_word(reason));                          \
	} while (0)

#endif
