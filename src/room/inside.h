/*
 * inside.h - what the files of this folder share.
 *
 *	weft_rooms
 *	  weft__room *            all there are, loaded when the rooms are opened
 *	    weft__seat *          a client in the room, with its place in a tail
 *	    weft__tail *          one for each form (tail.h)
 *	  weft__person *          who is here
 *	    weft__standing *      what she may in a room, and whether she is in it
 *	    weft_room_client *    her connections
 *	  queue -> writer         all that changes the log or the rules (writer.h)
 *
 * Locks, each taken before those below it, all for some instructions, none while waiting:
 *
 *	rooms->lock	who is here; which rooms there are
 *	room->lock	its rules, its seats, what is told in it, in order
 *	person->lock	her list of standings (which lie still as long as she is here)
 *	client->lock	its seats, its own events
 *	tail->lock
 *
 * What is told in a room goes through weft__room_publish(): that is where a bus to other processes
 * would be joined (README.md).
 */
#ifndef ROOM_INSIDE_H
#define ROOM_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "room/tail.h"
#include "store/store.h"
#include "weft/event.h"
#include "weft/fiber.h"
#include "weft/list.h"
#include "weft/map.h"
#include "weft/mpsc.h"
#include "weft/room.h"
#include "weft/sem.h"

/** Rooms that one client is in, at most; typing is told once in so long; resumed at most. */
#define WEFT__SEATS_MAX     256
#define WEFT__TYPING_NS     WEFT_SECONDS(3)
#define WEFT__RESUME_MAX    1000
#define WEFT__PAGE_MAX      500
#define WEFT__IDENTITY_SIZE (WEFT_ROOM_PERSON_MAX + 3)
#define WEFT__SEQ_BITS      40

/** Rooms that one person moderates, beyond which she makes no more. */
#define WEFT__ROOMS_OF_PERSON(rooms_max) ((rooms_max) / 40 + 1)

/** Searches at a time: they leave some of the store's readers to who comes in and looks back. */
#define WEFT__SEARCHES_MAX                  2
#define WEFT__PERSON_CLIENTS_MAX            64
#define WEFT__GUESTS_OF_ADDRESS(person_max) ((person_max)*8)
#define WEFT__FOR_GOOD                      INT64_MAX

struct weft__room_names; /* room.c */

struct weft__room {
	int64_t id;
	struct weft_rooms *rooms;
	/* Of a room of two they follow the people's (weft__room_rename()); what they were before is
	 * kept as long as the room, for who reads it under no lock. */
	_Atomic(char *) name, key;
	struct weft__room_names *before;
	char *pair; /* of a room of two: "1+2", whose */
	uint32_t epoch;
	bool is_direct;

	pthread_mutex_t lock;
	char *topic;
	uint64_t last; /* told to all; changed by the writer only */
	int64_t slow_ns;
	bool is_private, is_read_only, is_for_guests, is_removed;
	struct weft__seat **seats;
	size_t seat_count, seat_max;
	unsigned people;
	bool owes_count; /* COUNT, at the next tick */
	struct weft__tail *tails;

	/* The writer's alone. */
	uint64_t group;   /* in which written was begun */
	uint64_t written; /* the newest seq in the transaction under way */
	uint64_t indexed;
	bool is_told; /* something was: its clients are to be woken */
	struct weft__room *next_told;

	struct weft__room *next_removed; /* under the rooms' lock */
};

/** A person and a room: what is kept of her there, and what she does now. */
struct weft__standing {
	struct weft__standing *next;
	struct weft__room *room; /* NULL: everywhere */
	atomic_bool is_moderator, is_invited;
	_Atomic int64_t banned, muted; /* until; 0: not */
	_Atomic uint64_t seen;
	atomic_bool is_seen_due; /* it is on its way to the disk */
	unsigned seats;          /* clients of hers in the room; under the room's lock */
	int64_t spoke_ns;        /* the last message; the same */
	int64_t typing_ns;       /* told last; the same */
};

/** Somebody who is here. Freed with the last that refers to her. */
struct weft__person {
	atomic_uint references;
	unsigned clients; /* under the rooms' lock */
	int64_t account;
	char *name, *key, *address;
	char *identity; /* "a7", "g:mia", "s" */
	char *writer;   /* whose ids are her own: a guest's with her address, or of her secret */
	char *secret;   /* of a guest: who has it, too, takes her name over; "" */
	bool is_server;

	pthread_mutex_t lock;
	struct weft__standing *standings;
	struct weft__standing everywhere;
	struct weft_list all; /* her clients, under the rooms' lock */
};

/** A client in a room. */
struct weft__seat {
	struct weft_mpsc_node due; /* on its client's list of those with something to take */
	struct weft__seat *next_due;
	struct weft__reader_place place;
	struct weft__room *room; /* NULL: it has left, and is freed by who takes */
	struct weft_room_client *client;
	struct weft__standing *standing;
	struct weft__tail *tail;
	struct weft__seat *next; /* of the client */
	size_t index;            /* in room->seats */
	bool is_held;            /* older messages are looked for, and come first */
	bool was_due;            /* taken off the list meanwhile */
};

struct weft_room_client {
	atomic_uint references;
	uint64_t number;
	struct weft_rooms *rooms;
	struct weft__person *person;
	const struct weft_room_form *form;
	void (*on_ready)(void *arg);
	void (*on_probe)(void *arg);
	void *arg;
	char *door;
	int64_t since_ns;
	bool moderates;
	struct weft_list_node in_person, in_rooms;

	enum weft_room_fault fault; /* of its own calls, by its own fiber */
	int64_t wait_ns;
	struct weft_sem posts_free;

	atomic_bool is_ready;
	struct weft_event ready;
	struct weft_mpsc due;

	pthread_mutex_t lock;
	struct weft__seat *seats;
	unsigned seat_count;
	struct weft__seat *first_due, **last_due; /* taken off `due` */
	char *own;                                /* events for it alone: {uint32_t len, bytes} */
	size_t own_start, own_end, own_max;
	size_t own_older;          /* of it what it has joined for, which does not count; at most */
	struct weft_event drained; /* own was emptied, or it is over: for its door, which tells */
	char *over;                /* why it is over */
	bool is_over;
	bool is_over_now; /* what it has not taken is dropped */
	bool is_over_told;
	bool is_going, has_gone; /* weft_room_exit() has begun; has left all rooms */
	uint64_t delivered, gaps;
};

/** What the database gave out (lineage.c); the writer's. */
struct weft__lineage {
	int fd; /* chat.db-last; -1: the database is temporary */
	uint64_t mark, given;
};

struct weft_rooms {
	struct weft_rooms_options options;
	struct weft__store *store;
	enum weft__tx_mode write_mode;
	char *dir;   /* temporary: removed at the end; NULL: the user's own */
	int lock_fd; /* of the folder; -1: none */
	struct weft__lineage lineage;
	char *lobby_key;

	pthread_mutex_t lock;
	struct weft_map *by_key, *by_pair, *by_id;
	struct weft_map *people, *names, *addresses;
	struct weft__room **all; /* by key */
	size_t room_count, room_max;
	struct weft__room *removed;
	uint64_t standing_changes; /* on the disk, since they were opened */
	struct weft_list clients;
	unsigned client_count;
	uint64_t next_client;
	struct weft_rooms_counts counts; /* delivered, gaps: of those who have gone */

	struct weft__writer *writer;
	struct weft__slow *slow;  /* slow.c */
	struct weft_sem searches; /* one's turn to search */
	atomic_bool is_shut;
	_Atomic uint64_t posted, accepted, refused;
};

/* ---- Whether the database was put back (lineage.c) ------------------------------------------ */

/** After the store, before the rooms are loaded: they have another epoch then. 0 or -1. */
int weft__lineage_open(struct weft_rooms *rooms);

/** So many numbers are given out in this transaction; and it was written. */
int weft__lineage_write(struct weft__tx *tx, const struct weft_rooms *rooms, uint64_t count);
void weft__lineage_keep(struct weft_rooms *rooms, uint64_t count);

/* ---- Names (names.c) ------------------------------------------------------------------------ */

/** The key of a room's name: case-folded, in one form. 0, or -1 with EINVAL. */
int weft__room_name_key(const char *name, char ret_key[WEFT_ROOM_NAME_SIZE]);

/** Whether a text may be said: valid, and nothing in it moves a terminal's cursor. */
enum weft_room_fault weft__text_judge(const char *text, size_t len, size_t len_max);

/* ---- Events (event.c) ----------------------------------------------------------------------- */

/** Where an event is written; zero at first. End it with weft__scratch_fini(). */
struct weft__scratch {
	char small[1024];
	char *large;
	size_t size;
};

/** Its length in *ret_bytes, in the scratch until the next; 0: nothing; -1: no memory. */
ssize_t weft__event_write(const struct weft_room_form *form, const struct weft_room_event *event,
	struct weft__scratch *scratch, char **ret_bytes);
void weft__scratch_fini(struct weft__scratch *scratch);

/** A copy in one piece of memory, to be freed with free(3). */
struct weft_room_event *weft__event_copy(const struct weft_room_event *event);

/** Who it is that something comes from. */
void weft__event_set_who(struct weft_room_event *event, const struct weft_room_client *client);

/* ---- Rooms (room.c) ------------------------------------------------------------------------- */

/** By its key; NULL. Lives until the rooms are closed. */
struct weft__room *weft__room_find(struct weft_rooms *rooms, const char *key);

/** By the name that a client gave, where she may know of it. NULL with a fault. */
struct weft__room *weft__room_for(struct weft_room_client *client, const char *name);

/** Whether she may read it, and know of it; under the room's lock. */
bool weft__room_is_open_to(struct weft__room *room, struct weft_room_client *client);

/** Of what was loaded, or made. NULL: ENOMEM. */
struct weft__room_row {
	int64_t id, epoch, slow_ns;
	const char *name, *key, *pair, *topic;
	bool is_private, is_read_only, is_for_guests;
	uint64_t last, indexed;
};
struct weft__room *weft__room_new(struct weft_rooms *rooms, const struct weft__room_row *row);
int weft__room_add(struct weft__room *room);
void weft__room_remove(struct weft__room *room);

/** By the writer: it has another name from here on, which no room has. Whoever is in it is put out,
 * being told why. 0, or -1 with nothing changed: ENOMEM. */
int weft__room_rename(struct weft__room *room, const char *name, const char *key);
void weft__room_free(struct weft__room *room);

/**
 * Tell all in the room; under its lock. From here it would go to other processes. They are woken by
 * weft__room_wake(), which may come once after many.
 */
void weft__room_publish(struct weft__room *room, const struct weft_room_event *event);
void weft__room_wake(struct weft__room *room);

/** The epoch of a room that begins: another than it had before, whenever that was. */
int64_t weft__epoch_new(void);

/** What is so, for a client. Under the room's lock. */
void weft__room_facts(struct weft__room *room, struct weft_room_client *client,
	struct weft_room_facts *ret_facts);

/* ---- People (person.c) ---------------------------------------------------------------------- */

/** Of whom a door says that she is here. NULL: ENOMEM. */
struct weft__person *weft__person_new(const struct weft_room_person *person);
void weft__person_keep(struct weft__person *person);
void weft__person_drop(struct weft__person *person);

/** Who is here by that identity, kept; NULL: nobody. Under the rooms' lock. */
struct weft__person *weft__person_find(struct weft_rooms *rooms, const char *identity);

/** Read what the database says of her, who has just been made. */
int weft__person_load(struct weft_rooms *rooms, struct weft__person *person);

/** Her standing in a room (NULL: everywhere), made where there is none. NULL: ENOMEM. */
struct weft__standing *weft__standing_of(struct weft__person *person, struct weft__room *room);

/** The same, if there is one. */
struct weft__standing *weft__standing_look(struct weft__person *person, struct weft__room *room);

bool weft__until_is_on(int64_t until, int64_t now);

/** Nobody's account, nor the server. */
static inline bool weft__person_is_guest(const struct weft__person *person)
{
	return person->account == 0 && !person->is_server;
}

/* ---- Clients (client.c, take.c) ------------------------------------------------------------- */

struct weft_room_client *weft__client_new(struct weft_rooms *rooms,
	const struct weft_room_person *person, const struct weft_room_form *form,
	const struct weft_room_client_options *options);
void weft__client_keep(struct weft_room_client *client);
void weft__client_drop(struct weft_room_client *client);

/** -1, with the errno of the fault. */
int weft__client_fail(struct weft_room_client *client, enum weft_room_fault fault);

/** Tell it alone. is_bounded: beyond its bound, it is over. */
void weft__client_tell(
	struct weft_room_client *client, const struct weft_room_event *event, bool is_bounded);

/** It is over; drops: at once, without what it has not taken. */
void weft__client_end(struct weft_room_client *client, const char *reason, bool drops);

/** It has left all rooms: its door is not called any more. */
void weft__client_forget(struct weft_room_client *client);

/** Out of all rooms. */
void weft__client_leave_all(struct weft_room_client *client, const char *reason);

/** Its door is to find out whether its peer is still there. */
void weft__client_probe(struct weft_room_client *client);

/** There is something to take. Under no lock that a take needs. */
void weft__client_ready(struct weft_room_client *client);

/** Who moderates all. */
static inline bool weft__client_is_house(const struct weft_room_client *client)
{
	return client->moderates || client->person->is_server;
}

/** Moderator of that room, or of all. */
bool weft__client_moderates(struct weft_room_client *client, struct weft__room *room);

/** Older messages have been put before it: it may be taken from. Under the client's lock. */
void weft__seat_release(struct weft_room_client *client, struct weft__seat *seat);

/* ---- Seats (seat.c) ------------------------------------------------------------------------- */

/** The client's seat in the room; under the client's lock, or by its own fiber. */
struct weft__seat *weft__seat_find(struct weft_room_client *client, const struct weft__room *room);

/** Take it; nothing happens where it has one. FAILED: no memory. By any fiber without options. */
enum weft_room_fault weft__seat_take(struct weft_room_client *client, struct weft__room *room,
	const struct weft_room_join_options *options, struct weft_room_facts *ret_facts);

/** Leave it. is_told: the client is told EXITED. False: it has none. */
struct weft__leaving {
	const char *reason;
	bool is_told;
};
bool weft__seat_leave(struct weft_room_client *client, struct weft__room *room,
	const struct weft__leaving *leaving);

/** Take all clients of that person (NULL: everybody) out. */
void weft__room_clear(
	struct weft__room *room, const struct weft__person *person, const char *reason);

/** The same, under its lock. */
void weft__seats_clear(
	struct weft__room *room, const struct weft__person *person, const char *reason);

/* ---- Slow mode for those who come again (slow.c): under no lock but that of rooms --------------
 */

struct weft__slow *weft__slow_new(void);
void weft__slow_free(struct weft__slow *slow);

/** She goes, or has gone: when she spoke last, in one room, or in all, is kept. */
void weft__slow_keep(const struct weft__person *person, struct weft__standing *standing);
void weft__slow_keep_all(struct weft__person *person);

/** When she, or a guest from where she is, spoke last before she came; 0: not known. It may be
 * called under the room's lock. */
int64_t weft__slow_spoke(const struct weft__person *person, const struct weft__room *room);

/* ---- The log (log.c) ------------------------------------------------------------------------ */

/** Events of a room, copied, in the order of seq. */
struct weft__page {
	struct weft_room_event **events;
	size_t count;
	bool has_more;
};

struct weft__page_query {
	struct weft__room *room;
	uint64_t after, before; /* both not included; before 0: no bound */
	unsigned limit;
	bool from_the_end;
	size_t bytes_max; /* of their texts; 0: no bound */
};

int weft__log_read(struct weft_rooms *rooms, const struct weft__page_query *query,
	struct weft__page *ret_page);
void weft__page_fini(struct weft__page *page);

/** An event of a row: kind, at, who, flags, message_id, target, text, id. */
#define WEFT__LOG_COLUMNS "m.kind, m.at, m.who, m.flags, m.message_id, m.target, m.text, m.id"
void weft__log_event(const struct weft__value *columns, struct weft_room_event *ret_event);
int weft__page_tell(const struct weft__page *page, weft_room_event_fn *fn, void *arg);
int weft__page_add(struct weft__page *page, const struct weft_room_event *event);

#endif
