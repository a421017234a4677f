/*
 * absent.c - weft/room.h where SQLite was missing at build time: there are no rooms, and nobody can
 * come in.
 *
 * Never: compiled beside the rest of this folder (the Makefile sees to it).
 */
#include "weft/room.h"

#include <errno.h>

/* Nothing here looks at what it is given. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

static int refuse(void)
{
	errno = ENOSYS;
	return -1;
}

struct weft_rooms *weft_rooms_open(const struct weft_rooms_options *options)
{
	refuse();
	return NULL;
}

void weft_rooms_shut(struct weft_rooms *rooms, const char *reason)
{
}

void weft_rooms_close(struct weft_rooms *rooms)
{
}

struct weft_room_client *weft_room_enter(struct weft_rooms *rooms,
	const struct weft_room_person *person, const struct weft_room_form *form,
	const struct weft_room_client_options *options)
{
	refuse();
	return NULL;
}

void weft_room_exit(struct weft_room_client *client)
{
}

uint64_t weft_room_client_number(const struct weft_room_client *client)
{
	return 0;
}

enum weft_room_fault weft_room_client_fault(const struct weft_room_client *client)
{
	return WEFT_ROOM_FAULT_NONE;
}

int64_t weft_room_client_wait_ns(const struct weft_room_client *client)
{
	return 0;
}

ssize_t weft_room_take(
	struct weft_room_client *client, char *ret_bytes, size_t size, struct weft_room_ends *ends)
{
	return refuse();
}

void weft_room_end(struct weft_room_client *client, const char *reason)
{
}

int weft_room_tell(struct weft_room_client *client, const void *bytes, size_t len)
{
	return refuse();
}

ssize_t weft_room_receive(struct weft_room_client *client, char *ret_bytes, size_t size)
{
	return refuse();
}

int weft_room_join(struct weft_room_client *client, const char *room,
	const struct weft_room_join_options *options, struct weft_room_facts *ret_facts)
{
	return refuse();
}

int weft_room_leave(struct weft_room_client *client, const char *room, const char *reason)
{
	return refuse();
}

int weft_room_direct(struct weft_room_client *client, const struct weft_room_other *other,
	char ret_room[WEFT_ROOM_NAME_SIZE])
{
	return refuse();
}

int weft_room_of_two(struct weft_room_client *client, const char *room, int64_t *ret_account,
	char ret_name[WEFT_ROOM_PERSON_MAX + 1])
{
	return refuse();
}

int weft_room_post(
	struct weft_room_client *client, const char *room, const struct weft_room_post *post)
{
	return refuse();
}

int weft_room_settle(struct weft_room_client *client)
{
	return refuse();
}

int weft_room_say(struct weft_room_client *client, const char *room,
	const struct weft_room_post *post, uint64_t *ret_seq)
{
	return refuse();
}

int weft_room_typing(struct weft_room_client *client, const char *room)
{
	return refuse();
}

int weft_room_mark_read(struct weft_room_client *client, const char *room, uint64_t seq)
{
	return refuse();
}

int weft_room_history(struct weft_room_client *client, const char *room,
	const struct weft_room_page *page, weft_room_event_fn *fn, void *arg)
{
	return refuse();
}

int64_t weft_room_search(struct weft_room_client *client, const struct weft_room_search *search,
	weft_room_event_fn *fn, void *arg)
{
	return refuse();
}

int weft_room_list(
	struct weft_room_client *client, const char *after, weft_room_facts_fn *fn, void *arg)
{
	return refuse();
}

int weft_room_members(
	struct weft_room_client *client, const char *room, weft_room_member_fn *fn, void *arg)
{
	return refuse();
}

int weft_room_change(struct weft_room_client *client, const struct weft_room_change *change)
{
	return refuse();
}

int weft_room_announce(struct weft_room_client *client, const char *text)
{
	return refuse();
}

int weft_room_who(struct weft_room_client *client, weft_room_present_fn *fn, void *arg)
{
	return refuse();
}

void weft_rooms_counts(struct weft_rooms *rooms, struct weft_rooms_counts *ret_counts)
{
	*ret_counts = (struct weft_rooms_counts){.posted = 0};
}

ssize_t weft_rooms_summary(struct weft_rooms *rooms, size_t max,
	struct weft_room_summary **ret_list, size_t *ret_private)
{
	return refuse();
}
