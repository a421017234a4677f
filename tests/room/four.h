/*
 * four.h - four who are in the lobby: the server, two with accounts, and a guest.
 */
#ifndef TESTS_ROOM_FOUR_H
#define TESTS_ROOM_FOUR_H

#include "room/world.h"

static struct weft_room_client *root, *mia, *bob, *guest;

static inline struct weft_room_person house(void)
{
	return (struct weft_room_person){.name = "server", .is_server = true};
}

/* All four, in the lobby, with nothing left to take. */
static inline void gather_with(struct weft_rooms_options options)
{
	world_open_with(options);
	root = world_enter(house());
	mia = world_in_lobby(world_account(1, "mia"));
	bob = world_in_lobby(world_account(2, "bob"));
	guest = world_in_lobby(world_guest("gus", "192.0.2.7"));
	world_taken(mia);
	world_taken(bob);
}

static inline void gather(void)
{
	gather_with((struct weft_rooms_options){.lobby = NULL});
}

static inline void part(void)
{
	weft_room_exit(guest);
	weft_room_exit(bob);
	weft_room_exit(mia);
	weft_room_exit(root);
	world_close();
}

static inline int change(struct weft_room_client *client, struct weft_room_change what)
{
	return weft_room_change(client, &what);
}

#endif
